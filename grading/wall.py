"""The wall around what students hand in: bubblewrap, or a container, or, if the teacher insists, none.

A wall starts one program, `inside.py`, where it sees a system to read, this Python, the library, and nothing else: no
home, no hand-in, no key, no network, no process and no memory of anybody else. What it may use has limits. When it is
stopped nothing of it is left.
"""

from __future__ import annotations

import compileall
import os
import platform
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Protocol

from hvlib.errors import BadInput

HERE = Path(__file__).resolve().parent
LIBRARY = "/srv"
"""Where the prepared folder is seen inside."""
ENVIRONMENT = {
    "HOME": "/tmp", "TMPDIR": "/tmp", "USER": "student", "LOGNAME": "student", "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8", "IPYTHONDIR": "/tmp/.ipython", "MPLCONFIGDIR": "/tmp/.mpl", "MPLBACKEND": "agg",
    "HVLIB_OBSERVE": "recorded", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1",
}  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """What a hand-in may use.

    Seconds for a cell, for all of it and for the start of Python; bytes of memory for a process and for all, bytes of
    files in each of two folders, and names in each (a name without a byte takes the kernel's memory); processes;
    bytes of memory that the machine must have left.
    """

    cell: float = 10
    total: float = 40
    startup: float = 90
    memory: int = 2 << 30
    everything: int = 3 << 30
    disk: int = 64 << 20
    names: int = 16_384
    processes: int = 32
    reserve: int = 512 << 20


class Started(Protocol):
    """A program behind a wall; what it says comes from ``out``."""

    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End it and all its kin, and wait for that."""


class Wall(Protocol):
    """A way to start the program."""

    @property
    def name(self) -> str:
        """What the teacher is told."""

    @property
    def library(self) -> str:
        """Where the program finds the library."""

    def start(self, work: int, limits: Limits) -> Started:
        """Start it; it reads from the descriptor ``work`` and writes to a pipe, ``process.stdout``."""


# --- what all children share ------------------------------------------------------------------------------------------

STEPS = "steps"
"""Where `prepare` puts the links over which Python is reached."""


def prepare(into: Path) -> Path:
    """A folder for all children: the library with its bytecode, the program, Matplotlib's cache of fonts, links."""
    import hvlib

    shutil.copytree(Path(hvlib.__file__).parent, into / "hvlib", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HERE / "inside.py", into)
    compileall.compile_dir(into / "hvlib", quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    quiet = {**os.environ, "MPLCONFIGDIR": str(into / "mpl"), "HOME": str(into)}
    subprocess.run([sys.executable, "-I", "-c", "import matplotlib.font_manager"], env=quiet, check=False,
                   capture_output=True)  # fmt: skip
    for number, names in enumerate(steps(sys.executable).values()):
        folder = into / STEPS / str(number)
        folder.mkdir(parents=True)
        for name, target in names.items():
            (folder / name).symlink_to(target)
    for path in [into, *into.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    return into


def steps(executable: str) -> dict[str, dict[str, str]]:
    """Over which links Python is reached: folder -> name -> what it leads to.

    An environment's Python is a link, and may lead over one in a home, or in another place that is not shown.
    """
    found: dict[str, dict[str, str]] = {}
    while os.path.islink(executable):
        folder, name = os.path.split(executable)
        target = os.path.normpath(os.path.join(folder, os.readlink(executable)))
        if name in found.setdefault(folder, {}):
            break
        found[folder][name] = executable = target
    return found


def seen(prepared: Path) -> list[tuple[str, str]]:
    """What is seen inside, for reading: source and target of each."""
    system = ("/usr/bin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache")
    found = [(path, path) for path in system]
    for prefix in dict.fromkeys((sys.base_prefix, sys.prefix)):  # one may be a link: seen under both names
        real = os.path.realpath(prefix)
        if real != "/usr":
            found += [(real, target) for target in dict.fromkeys((real, prefix))]
    shown = [target for _, target in found]
    found += [
        (str(prepared / STEPS / str(number)), folder)
        for number, folder in enumerate(steps(sys.executable))
        if not any(Path(folder).is_relative_to(target) for target in shown)
    ]
    found.append((str(prepared), LIBRARY))
    return [(source, target) for source, target in found if os.path.exists(source)]


def masked(binds: Sequence[tuple[str, str]], hidden: Sequence[Path]) -> list[str]:
    """Where folders that must not be seen would be seen inside; the grader itself may be installed in the Python."""
    found = []
    for secret in (HERE, *hidden):
        real = secret.resolve()
        for source, target in binds:
            if target != LIBRARY and real.is_relative_to(os.path.realpath(source)) and real.exists():
                found.append(str(Path(target, real.relative_to(os.path.realpath(source)))))
    return found


def memory_file(data: bytes) -> int:
    """A descriptor from which data can be read, in memory; nothing is written to a disk that may be full."""
    descriptor = os.memfd_create("grading")
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


# --- bubblewrap -------------------------------------------------------------------------------------------------------

# In a mount namespace of its own, at a place where nothing that is shown lies: two folders that can be written, their
# bytes and names limited (bwrap limits no names), and for root what lies below /root (0700), for it becomes a user of
# its own then. Each step executes the next, so that the process we kill is bwrap itself: between another user's
# processes --die-with-parent is lost. Should the machine run out of memory, the kernel ends this one first.
STAGE = """mount -t tmpfs -o size=64k,mode=755 none "$1" && cd "$1" || exit 1; full=$2; shift 2
for k in tmp shm; do mkdir $k && mount -t tmpfs -o "mode=1777,$full" none $k || exit 1; done; k=0
while [ "$1" != -- ]; do
if [ -d "$1" ]; then mkdir $k; else : > $k; fi && mount --bind "$1" $k || exit 1; shift; k=$((k+1)); done; shift; cd /
echo 1000 > /proc/self/oom_score_adj; exec "$@"
"""


def _stage(binds: Sequence[tuple[str, str]]) -> str:
    """A folder to mount on: one that anybody can reach, and below which nothing lies that is shown."""
    shown = [Path(os.path.realpath(source)) for source, _ in binds]
    for place in map(Path, ("/mnt", "/media", "/opt", "/srv")):
        if place.is_dir() and not any(one.is_relative_to(place) for one in shown):
            return str(place)
    raise BadInput("the wall needs a folder to mount on; make /mnt, and put no Python into it.")


def _first_uid() -> int:
    """As root each child is a user of its own, one that no account has; where there are few, from the upper end."""
    try:
        ranges = [line.split() for line in Path("/proc/self/uid_map").read_text("ascii").splitlines()]
        largest = max(int(first) + int(many) for first, _, many in ranges)
    except (OSError, ValueError):
        largest = 65536
    return 0x20000000 + (os.getpid() & 0xFFFFF) * 1024 if largest >= 1 << 31 else max(largest - 6000, 1000)


@dataclass
class _Process:
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        self.process.kill()  # bwrap dies, with it its first process inside, and with that every other
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@dataclass
class Bubblewrap:
    """Namespaces for processes, memory, network, mounts and users, by bubblewrap; for root and for anybody."""

    prepared: Path
    hidden: tuple[Path, ...] = ()
    name: str = "bubblewrap"
    library: str = LIBRARY
    uids: count[int] = field(default_factory=lambda: count(_first_uid()))

    def start(self, work: int, limits: Limits) -> Started:
        """Start the program behind the wall."""
        binds = seen(self.prepared)
        masks = masked(binds, self.hidden)
        program = filter_program()
        filtered = memory_file(program) if program else None
        stage, full = _stage(binds), f"size={limits.disk},nr_inodes={limits.names}"
        rights = ["--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--no-new-privs"]
        if os.geteuid() == 0:
            uid = str(next(self.uids))
            own, sources = ["--mount"], [source for source, _ in binds]
            rights = ["--reuid", uid, "--regid", uid, "--clear-groups", *rights]
            binds = [(f"{stage}/{number}", target) for number, (_, target) in enumerate(binds)]
        else:
            own, sources = ["--user", "--map-current-user", "--keep-caps", "--mount"], []
        before = ["unshare", *own, "sh", "-c", STAGE, "sh", stage, full, *sources, "--", "setpriv", *rights]
        binds = [(f"{stage}/tmp", "/tmp"), *binds]  # first: a Python may lie below /tmp
        options = _options(binds, masks, stage, filtered)
        told = memory_file(b"".join(one.encode() + b"\0" for one in options))
        passed = [told] if filtered is None else [told, filtered]
        command = [*before, "bwrap", "--args", str(told), "--", sys.executable, "-I", "-B", "-X", "utf8",
                   f"{LIBRARY}/inside.py"]  # fmt: skip
        try:
            return _Process(
                subprocess.Popen(
                    command, stdin=work, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/",
                    env={"PATH": "/usr/bin:/bin"}, pass_fds=passed, start_new_session=True,
                )
            )  # fmt: skip
        finally:
            for descriptor in passed:
                os.close(descriptor)


def _options(binds: Sequence[tuple[str, str]], masks: Sequence[str], stage: str, filtered: int | None) -> list[str]:
    """Bwrap's options; handed over by a descriptor, so that a command line inside does not tell paths."""
    options = [
        "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session", "--clearenv",
        "--uid", "1000", "--gid", "1000", "--hostname", "notebook", "--cap-drop", "ALL",
    ]  # fmt: skip
    for source, target in binds:
        options += ["--bind" if target == "/tmp" else "--ro-bind", source, target]
    for target in masks:
        options += ["--perms", "0555", "--size", "4096", "--tmpfs", target, "--remount-ro", target]
    for link in ("bin", "lib", "lib32", "lib64"):
        if os.path.islink(f"/{link}"):
            options += ["--symlink", f"usr/{link}", f"/{link}"]
        elif os.path.isdir(f"/{link}"):
            options += ["--ro-bind", f"/{link}", f"/{link}"]
    # bwrap's own root and /dev are file systems in memory without a limit: both for reading only at the end.
    options += ["--dev", "/dev", "--bind", f"{stage}/shm", "/dev/shm", "--remount-ro", "/dev", "--chdir", "/tmp"]
    options += ["--remount-ro", "/"]
    for name, value in ENVIRONMENT.items():
        options += ["--setenv", name, value]
    return options if filtered is None else [*options, "--seccomp", str(filtered)]


def filter_program() -> bytes | None:
    """What namespaces do not hold, as a filter of system calls (classic BPF); `None` where the numbers are not known.

    No new namespaces, keyrings, tracing, io_uring, memory files, message queues; sockets of Unix and Internet only.
    """
    tables = {  # machine -> its number for audits, of socket, clone and clone3, and what is denied
        "x86_64": (0xC000003E, 41, 56, 435, (
            101, 165, 166, 155, 175, 176, 206, 216, 240, 246, 248, 249, 250, 272, 279, 298, 304, 308, 310, 311, 313,
            319, 321, 323, 425, 426, 427, 428, 429, 430, 431, 432, 438, 440, 442, 447, 448, 68, 29, 64)),
        "aarch64": (0xC00000B7, 198, 220, 435, (
            117, 40, 39, 41, 105, 106, 0, 97, 180, 104, 217, 218, 219, 238, 241, 265, 268, 270, 271, 273, 279, 280,
            282, 425, 426, 427, 428, 429, 430, 431, 432, 438, 440, 442, 447, 448, 186, 190, 194)),
    }  # fmt: skip
    if platform.machine() not in tables:
        return None
    arch, socket, clone, clone3, denied = tables[platform.machine()]
    families = (1, 2, 10)
    load, equal, above, has, give = 0x20, 0x15, 0x35, 0x45, 0x06
    not_permitted, no_such_call, allow, kill = 0x50000 | 1, 0x50000 | 38, 0x7FFF0000, 0x80000000

    def step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("HBBI", code, yes, no, value)

    steps = [step(load, 4), step(equal, arch, 1, 0), step(give, kill), step(load, 0), step(above, 0x40000000, 0, 1),
             step(give, kill)]  # fmt: skip
    for number in denied:
        steps += [step(equal, number, 0, 1), step(give, not_permitted)]
    steps += [step(equal, clone3, 0, 1), step(give, no_such_call)]
    steps += [step(equal, clone, 0, 4), step(load, 16), step(has, 0x7E020080, 0, 1), step(give, not_permitted),
              step(give, allow)]  # fmt: skip
    steps += [step(equal, socket, 0, len(families) + 3), step(load, 16)]
    steps += [step(equal, family, len(families) - place, 0) for place, family in enumerate(families)]
    return b"".join([*steps, step(give, not_permitted), step(give, allow), step(give, allow)])


# --- a container, and none --------------------------------------------------------------------------------------------


ROOTS_HOME = Path("/root")


def _below_root(prepared: Path, binds: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """A home of root that others can pass through, which is not so in images, if a Python lies there."""
    below = [target for _, target in binds if ROOTS_HOME in Path(target).parents]
    for target in below:
        place = Path(f"{prepared}{target}")
        place.mkdir(parents=True, exist_ok=True)
        for one in (place, *place.parents):
            if prepared in one.parents:
                one.chmod(0o755)
    return [(f"{prepared}{ROOTS_HOME}", str(ROOTS_HOME))] if below else []


@dataclass
class _Contained(_Process):
    engine: str
    named: str

    def stop(self) -> None:
        subprocess.run([self.engine, "kill", self.named], capture_output=True, check=False, timeout=60)
        super().stop()


@dataclass
class Container:
    """A container of podman or docker for each hand-in; its image needs no more than a C library like this one's."""

    prepared: Path
    engine: str
    image: str
    hidden: tuple[Path, ...] = ()
    library: str = LIBRARY
    numbers: count[int] = field(default_factory=count)

    @property
    def name(self) -> str:
        """What the teacher is told."""
        return f"a container of {Path(self.engine).name}"

    def start(self, work: int, limits: Limits) -> Started:
        """Start the program in a container without network, rights or anything that can be written but /tmp."""
        named = f"hvlib-grading-{os.getpid()}-{next(self.numbers)}"
        binds = [(a, b) for a, b in seen(self.prepared) if not b.startswith(("/usr/", "/etc/"))]
        command = [
            self.engine, "run", "--rm", "-i", "--name", named, "--network", "none", "--read-only", "--cap-drop", "ALL",
            "--security-opt", "no-new-privileges", "--pids-limit", str(limits.processes + 8),
            "--memory", str(limits.everything), "--shm-size", str(limits.disk), "--user", "1000:1000",
            "--ulimit", "nofile=256:256", "--ulimit", f"nproc={limits.processes + 8}:{limits.processes + 8}",
            "--tmpfs", f"/tmp:size={limits.disk},mode=1777", "--workdir", "/tmp", "--hostname", "notebook",
        ]  # fmt: skip
        # podman would fill what covers a folder with what it covers
        empty = ",notmpcopyup" if Path(self.engine).name == "podman" else ""
        binds = [*_below_root(self.prepared, binds), *binds]
        for source, target in binds:
            command += ["--volume", f"{source}:{target}:ro"]
        for target in masked(binds, self.hidden):
            command += ["--tmpfs", f"{target}:size=4096,mode=0555,ro{empty}"]
        for name, value in ENVIRONMENT.items():
            command += ["--env", f"{name}={value}"]
        command += [self.image, sys.executable, "-I", "-B", "-X", "utf8", f"{LIBRARY}/inside.py"]
        process = subprocess.Popen(command, stdin=work, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   cwd=self.prepared, start_new_session=True)  # podman leaves a file "oom"  # fmt: skip
        return _Contained(process, self.engine, named)


@dataclass
class _Bare(_Process):
    folder: str

    def stop(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        super().stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class NoWall:
    """Nothing but limits: for the teacher's own notebooks, and for those who know their students."""

    prepared: Path
    name: str = "no wall"

    @property
    def library(self) -> str:
        """Where the program finds the library."""
        return str(self.prepared)

    def start(self, work: int, limits: Limits) -> Started:
        """Start the program as it is, in a folder of its own."""
        del limits
        folder = tempfile.mkdtemp(prefix="hand-in-")
        homes = {"HOME": folder, "TMPDIR": folder, "IPYTHONDIR": folder, "MPLCONFIGDIR": f"{folder}/mpl"}
        process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-X", "utf8", str(self.prepared / "inside.py")], stdin=work, cwd=folder,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True, env={**ENVIRONMENT, **homes},
        )  # fmt: skip
        return _Bare(process, folder)


def choose(prepared: Path, hidden: Sequence[Path] = (), *, none: bool = False, image: str | None = None) -> Wall:
    """The best wall of this machine; ``none`` to go without. Raises `BadInput` where there is none."""
    if none:
        return NoWall(prepared)
    places = tuple(hidden)
    if sys.platform == "linux" and shutil.which("bwrap") and image is None:
        return Bubblewrap(prepared, places)
    engine = shutil.which("podman") or shutil.which("docker")
    if engine:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return Container(prepared, engine, image or f"docker.io/library/python:{version}-slim", places)
    raise BadInput(
        "there is no wall here, and what students hand in is not run without one; install bubblewrap (Debian and "
        "Ubuntu: apt install bubblewrap) or podman, or say --no-wall to go without."
    )
