"""What runs inside the wall: reads one notebook, runs its code cells in order as Jupyter does, says what it found.

A program of its own, never imported by the grader. In: one line of JSON, then the bytes of the hand-in. Out: a line of
JSON for each thing found (`grading.run` reads them, and believes none). Whatever is known before the first cell runs,
the texts and the places of the answers, is said before.
"""

import json
import os
import re
import resource
import signal
import sys
from contextlib import suppress
from fractions import Fraction
from typing import Any

LONGEST_TEXT, LONGEST_NOTE = 12_000, 200
TYPED = re.compile(r"^student\s*=", re.MULTILINE)
"""Where an id is typed, if it is not in the cell that is there for it."""


def main() -> None:
    """Set the limits, read the notebook, run it, say what stands in the answers."""
    out = os.dup(1)
    work = json.loads(sys.stdin.buffer.readline())
    for limit, value in (
        (resource.RLIMIT_AS, work["memory"]), (resource.RLIMIT_CPU, int(work["total"]) + 3),
        (resource.RLIMIT_FSIZE, 16 << 20), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_NPROC, work["processes"]), (resource.RLIMIT_MSGQUEUE, 0), (resource.RLIMIT_MEMLOCK, 1 << 20),
    ):  # fmt: skip
        resource.setrlimit(limit, (value, value))
    raw = sys.stdin.buffer.read()
    null = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)

    def say(*what: Any) -> None:
        os.write(out, (json.dumps(what) + "\n").encode())

    try:
        cells = cells_of(raw)
    except BaseException as why:
        say("unreadable", type(why).__name__)
        os._exit(0)
    del raw
    roles = [role(cell, work["known"]) for cell in cells]
    for fact in facts(cells, roles, work):
        say(*fact)
    shell = shell_of(work)
    say("ready")
    run(shell, cells, roles, work, say)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    say("cpu", int(1000 * sum(one.ru_utime + one.ru_stime for one in used)))
    say("end")
    os._exit(0)  # neither what is registered for the end nor threads that never end


# --- the notebook as it lies there ------------------------------------------------------------------------------------


def cells_of(raw: bytes) -> list[dict[str, Any]]:
    """The cells: kind, id, grade_id, source. JSON in any encoding that it may have; formats before 4 are converted."""
    notebook = json.loads(raw)
    if notebook.get("nbformat", 4) != 4:
        import nbformat

        notebook = nbformat.convert(nbformat.from_dict(notebook), 4)
    found = []
    for cell in notebook["cells"]:
        if not isinstance(cell, dict):
            continue
        source, marks = cell.get("source", ""), cell.get("metadata")
        marks = marks.get("nbgrader") if isinstance(marks, dict) else None
        found.append({
            "kind": cell.get("cell_type"), "id": cell.get("id"),
            "grade_id": marks.get("grade_id") if isinstance(marks, dict) else None,
            "source": "".join(one for one in source if isinstance(one, str)) if isinstance(source, list | str) else "",
        })  # fmt: skip
    return found


def role(cell: dict[str, Any], known: list[str]) -> str | None:
    """Which cell of the release this is: by nbgrader's id, else by the cell's own; `None` for one of the student's."""
    return next((name for name in (cell["grade_id"], cell["id"]) if isinstance(name, str) and name in known), None)


def facts(cells: list[dict[str, Any]], roles: list[str | None], work: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What can be said before anything runs: the places of the answers, what is gone or text now, the texts."""
    said: list[tuple[Any, ...]] = []
    for name in work["automatic"]:
        code = [k for k, one in enumerate(roles) if one == name and cells[k]["kind"] == "code"]
        said += [("place", name, k) for k in code[:4]]
        if len(code) > 1:
            said.append(("copies", name))
        words = [cell for cell in cells if cell["kind"] != "code"]
        own = [cell for cell, this in zip(cells, roles, strict=True) if this == name]
        if not code and (own or any(re.search(rf"\banswer_{name}\s*=", cell["source"]) for cell in words)):
            said.append(("text now", name))
        elif not code:
            said.append(("gone", name))
    for name in work["by_hand"]:
        pieces, elsewhere = written(name, cells, roles, work["released"])
        if pieces and elsewhere:
            said.append(("elsewhere", name))
        text = "\n\n".join(pieces)
        if len(text) > LONGEST_TEXT:
            said.append(("cut", name))
        said.append(("text", name, text[:LONGEST_TEXT]))
    return said


def written(
    name: str, cells: list[dict[str, Any]], roles: list[str | None], released: dict[str, str]
) -> tuple[list[str], bool]:
    """What stands for an answer that is marked by hand, and whether it had to be looked for elsewhere.

    Its own cell, and whatever was added under the task's heading; else any text that is not of the release.
    """
    inside = False
    own, mine, code, other = list[str](), list[str](), list[str](), list[str]()
    for cell, this in zip(cells, roles, strict=True):
        text = cell["source"].strip()
        if this is not None and this.partition("-")[0] in ("head", "put"):
            inside = this in (f"head-{name}", f"put-{name}")
            if inside and text.startswith(released[this]):
                mine.append(text.removeprefix(released[this]).strip())
            elif inside:  # its first line is changed; what is below it is the student's all the same
                mine.append(text.partition("\n")[2].strip())
        elif this == name:
            own.append("" if text == released[name] else text)
        elif this is None:
            where = (code if cell["kind"] == "code" else mine) if inside else other
            if where is not other or cell["kind"] != "code":
                where.append(text)
    near = [piece for piece in (*own, *mine) if piece] or [piece for piece in code if piece]
    return (near, False) if near else ([piece for piece in other if piece], True)


# --- the notebook as it runs ------------------------------------------------------------------------------------------


def shell_of(work: dict[str, Any]) -> Any:
    """An IPython that shows nothing and keeps no history, with the library at hand."""
    fonts, folder = os.path.join(work["library"], "mpl"), os.environ.get("MPLCONFIGDIR", "")
    if folder and os.path.isdir(fonts):  # made once before; Matplotlib wants its folder writable
        os.makedirs(folder, exist_ok=True)
        for name in os.listdir(fonts):
            with open(os.path.join(fonts, name), "rb") as a, open(os.path.join(folder, name), "wb") as b:
                b.write(a.read())
    sys.path.insert(0, work["library"])
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    import hvlib

    class Shell(InteractiveShell):
        def enable_gui(self, gui: Any = None) -> None:  # %gui and %matplotlib, whatever they name: nothing to do
            pass

        def enable_matplotlib(self, gui: Any = None) -> tuple[None, str]:
            return None, "agg"

        def showtraceback(self, *_: Any, **__: Any) -> None:
            pass

        def showsyntaxerror(self, *_: Any, **__: Any) -> None:
            pass

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    start = {"__name__": "__main__", "hv": hvlib, "student": work["student"]}
    return Shell.instance(config=config, user_ns=start)


class TooLong(KeyboardInterrupt):
    """The cell's time is over."""


def run(shell: Any, cells: list[dict[str, Any]], roles: list[str | None], work: dict[str, Any], say: Any) -> None:
    """All code cells in order; one that fails stops no other. An answer counts as it stands at its own test."""

    def late(*_: Any) -> None:
        raise TooLong("the cell took too long")

    signal.signal(signal.SIGALRM, late)
    execute, told, odd = shell.run_cell, dict[str, Any](), set[str]()
    answered: set[str] = set()
    typed_there = any(
        this == "student" and cell["source"].strip() != work["released"].get("student")
        for cell, this in zip(cells, roles, strict=True)
    )

    def look(index: int) -> None:
        for name in work["automatic"]:
            value = found = None
            with suppress(BaseException):  # what cannot be looked at hides no other answer
                found = shell.user_ns.get(f"answer_{name}")
                value = plain(found)
            if value is None:
                if not (found is None or found is ... or type(found) is str or name in odd):
                    odd.add(name)
                    say("odd", name, type(found).__name__[:LONGEST_NOTE])
                continue
            answered.add(name)
            if told.get(name) != [type(value), value]:
                told[name] = [type(value), value]
                say("value", name, value, index)

    def cell(index: int) -> str | None:
        say("begin", index)
        try:
            signal.setitimer(signal.ITIMER_REAL, work["cell"])
            done = execute(cells[index]["source"], store_history=False)
            why = done.error_before_exec or done.error_in_exec
        except BaseException as error:
            why = error
        signal.setitimer(signal.ITIMER_REAL, 0)
        if why is None:
            return None
        kind = type(why).__name__
        try:
            text = f"{kind}: {why}"
        except BaseException:
            text = kind
        say("error", index, text[:LONGEST_NOTE])
        return kind

    again = []
    for index, this in enumerate(roles):
        if cells[index]["kind"] != "code" or index in work["skip"]:
            continue
        if this is not None and this.startswith("test-") and (name := this.removeprefix("test-")) in told:
            say("stood", name, told[name][1], index)
        failed = cell(index)
        with suppress(BaseException):
            look(index)
            here = this == "student" or (not typed_there and TYPED.search(cells[index]["source"]))
            if here and isinstance(typed := shell.user_ns.get("student"), str):
                say("student", typed[:LONGEST_NOTE])
        if failed == "NameError" and this in work["automatic"]:
            again.append((this, index))
    for needed, index in again:  # what it needed may stand further down, and was run first in Jupyter
        if needed not in answered:
            cell(index)
            with suppress(BaseException):
                look(index)


def plain(value: Any) -> int | str | None:
    """An int or a short text out of what counts as one in `hv.check`: whole floats, NumPy's numbers, steps in order."""
    numpy = sys.modules.get("numpy")
    if numpy and isinstance(value, numpy.ndarray) and value.ndim == 0:
        value = value.item()
    if numpy and isinstance(value, numpy.generic):
        value = value.item()
    if isinstance(value, bool) or value is None or value is ...:
        return None
    if isinstance(value, float | Fraction) and value == int(value):
        value = int(value)
    if isinstance(value, list | tuple) and 0 < len(value) < 20 and all(isinstance(one, str) for one in value):
        value = ", ".join(value)
    if isinstance(value, str):
        return str(value)[:200] if value.strip() else None
    try:
        value = int(value.__index__())
    except BaseException:
        return None
    return value if abs(value) < 1 << 200 else None


main()
