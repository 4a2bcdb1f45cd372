"""What runs inside the fence: run as a program of its own, never imported by the grader."""

import json
import os
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any


def main() -> None:
    """Read the work from standard input, install the hook, run the cells, report each."""
    pipe = int(sys.argv[1])
    work = json.loads(sys.stdin.read())
    sys.path.insert(0, work["library"])
    import hvlib

    for module in ("homework", "questions"):  # while Python's own files can still be read
        import_module(f"hvlib.teaching.{module}")

    if os.geteuid() == 0:
        with suppress(OSError):  # in a user namespace there is no other user to be
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
    limits = (
        (resource.RLIMIT_AS, work["memory"]), (resource.RLIMIT_CPU, work["seconds"]), (resource.RLIMIT_FSIZE, 1 << 20),
        (resource.RLIMIT_NPROC, 64), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, 64),
    )  # fmt: skip
    for limit, value in limits:
        resource.setrlimit(limit, (value, value))
    write, dump, name_of, is_int, is_str = os.write, json.dumps, type, int, str
    shared: dict[str, Any] = {"hv": hvlib, "student": work["student"], "__name__": "__main__"}
    os.write(pipe, b"ready\n")
    sys.addaudithook(audit_hook(work["folder"], work["library"]))
    for name, source in work["cells"]:
        shared.pop(f"answer_{name}", None)
        note, kind, value = "", "none", ""
        try:
            exec(compile(source, f"<{name}>", "exec"), shared)
        except BaseException as why:
            note = f"{name_of(why).__name__}: {why}"
        answer: Any = shared.get(f"answer_{name}")
        if name_of(answer) is is_int and -(1 << 1000) < answer < 1 << 1000:
            kind, value = "int", is_str(answer)
        elif name_of(answer) is is_str:
            kind, value = "str", answer[:400]
        elif not note and answer is not None and answer is not ...:
            note = f"an answer is a number or a text, not a {name_of(answer).__name__}"
        write(pipe, (dump([name, kind, value, note[:300]]) + "\n").encode())


def audit_hook(folder: str, library: str) -> Callable[[str, tuple[Any, ...]], None]:
    """A hook that refuses what an answer has no use for; once set, nothing in Python takes it off."""
    forbidden = (
        "socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.kill", "ctypes.",
        "pty.", "shutil.", "gc.", "os.chdir", "os.fchdir", "os.chmod", "os.chown", "os.link", "os.symlink", "os.mkdir",
        "os.remove", "os.rename", "signal.", "sys.settrace", "sys.setprofile",
    )  # fmt: skip
    open_to_all = (folder, library, sys.prefix, sys.base_prefix, "/dev/null", "/dev/urandom")
    allowed = tuple(f"{path}/" for path in open_to_all)
    modules = ("ctypes", "_ctypes", "socket", "_socket", "grading")
    # Cells can change what names mean, so nothing here is looked up by name when it is needed.
    kind, text, raw, number, starts, refused = type, str, bytes, int, str.startswith, PermissionError

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if starts(event, forbidden):
            raise refused(f"{event} is not allowed in an answer")
        if event == "import" and arguments[0] in modules:
            raise refused(f"import of {arguments[0]} is not allowed in an answer")
        if event in ("open", "os.listdir", "os.scandir"):
            path = arguments[0]
            if kind(path) is raw:
                path = raw.decode(path, "utf-8", "surrogateescape")
            inside = kind(path) is text and ".." not in path and (path[:1] != "/" or starts(path + "/", allowed))
            if kind(path) is not number and not inside:
                raise refused("files outside the working folder are not open to an answer")

    return hook


main()
