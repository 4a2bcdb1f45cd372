"""A fabricated class: most answer more or less well, each with a habit of its own, and ten try something else.

What each is worth is known from how the hand-in was made, so that graders can be held to it.
"""

from __future__ import annotations

import json
import random
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat

from hvlib.errors import BadInput, quoted

from .keys import keyed
from .sets import solution, text

HOSTILE, SET = 10, "ps1"
BOMB = "x = []\nwhile True:\n    x.append(bytearray(1 << 24))"


def _automatic() -> list[tuple[str, int]]:
    return [(task.name, key.points) for task, key in keyed(SET) if key.read is not None]


MOST = sum(points for _, points in _automatic())


def _cell(notebook: Any, name: str) -> Any:
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name)


def spoilt(name: str, code: str) -> Callable[[Any], int]:
    """A trick that costs the answer in whose cell it stands, and nothing else."""

    def trick(notebook: Any) -> int:
        _cell(notebook, name).source = code
        return MOST - dict(_automatic())[name]

    return trick


def before(name: str, code: str) -> Callable[[Any], int]:
    """Something that is done before a right answer, and costs nothing."""

    def trick(notebook: Any) -> int:
        cell = _cell(notebook, name)
        cell.source = f"{code}\n{cell.source}"
        return MOST

    return trick


def everywhere(code: str) -> Callable[[Any], int]:
    """The same in each answer cell; worth nothing. ``{name}`` is the task."""

    def trick(notebook: Any) -> int:
        for name, _ in _automatic():
            _cell(notebook, name).source = code.format(name=name)
        return 0

    return trick


def _shuffled(notebook: Any) -> int:
    """One answer deleted, one renamed, one doubled, one without metadata: only the first is lost."""
    notebook.cells.remove(_cell(notebook, "leaf"))
    doubled = nbformat.from_dict(json.loads(json.dumps(_cell(notebook, "memmap"))))
    doubled.source, doubled.id = "answer_memmap = 0", "memmap-again"
    notebook.cells.append(doubled)
    _cell(notebook, "head").metadata["nbgrader"]["grade_id"] = "renamed"
    cell = _cell(notebook, "address")
    cell.metadata, cell.id = nbformat.from_dict({}), "another"
    return MOST - dict(_automatic())["leaf"]


def _forged(notebook: Any) -> int:
    """Tests that always pass, points by the hundred, and wrong answers."""
    for cell in notebook.cells:
        marks = cell.metadata.get("nbgrader", {})
        if marks.get("grade") and cell.cell_type == "code":
            cell.source, marks["points"] = "pass", 100
    return everywhere("answer_{name} = -7")(notebook)


def _ends_four_times(notebook: Any) -> int:
    """Four cells that end their process cost four answers; the other two are earned."""
    worth = MOST
    for name, points in _automatic()[:4]:
        _cell(notebook, name).source = "import os\nos._exit(0)"
        worth -= points
    return worth


LIAR = (
    "class Liar(int):\n    def __eq__(self, other):\n        return True\n    __hash__ = None\nanswer_{name} = Liar(-3)"
)
PATCH = (
    "import hvlib.teaching.ask, hvlib.teaching.homework, builtins\n"
    "hvlib.teaching.ask.Question.judge = lambda *a: hvlib.teaching.ask.Verdict(True, 'yes')\n"
    "hvlib.teaching.homework.Task.given = lambda *a: {{}}\nbuiltins.type = lambda x: int\nanswer_{name} = 1"
)
TRICKS: dict[str, Callable[[Any], int]] = {
    "endless loop": spoilt("base_pages", "while True: pass"),
    "loop that no interrupt stops": spoilt(
        "base_pages", "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
    ),
    "os._exit": spoilt("leaf", "import os\nos._exit(0)"),
    "300,000 lines": before("memmap", "for n in range(300_000): print('x' * 40, n)"),
    "memory bomb": spoilt("address", BOMB),
    "deleted, renamed, doubled, bare": _shuffled,
    "tests edited, points forged": _forged,
    "always equal": everywhere(LIAR),
    "library patched": everywhere(PATCH),
    "not JSON": lambda _: 0,
    "forges another's line": before(
        "memmap", "import os, json\nfor f in range(3, 9):\n    try: os.write(f, (json.dumps(['nobody', 'int', '1', '']) + chr(10)).encode())\n"
        "    except OSError: pass"
    ),
    "ends four times": _ends_four_times,
    "a closed pipe": spoilt("vmemmap_page", "import os\nos.closerange(3, 99)"),
}  # fmt: skip
"""What can be tried -> how; each changes a right hand-in and returns what it is worth then."""
IN_CLASS = tuple(TRICKS)[:10]


def _wrap(name: str, change: Callable[[str], str]) -> Callable[[Any], None]:
    def habit(notebook: Any) -> None:
        cell = _cell(notebook, name)
        cell.source = change(cell.source)

    return habit


def _scratch(notebook: Any) -> None:
    """The work in a cell of one's own, the answer only handed on."""
    cell = _cell(notebook, "leaf")
    mine = nbformat.v4.new_code_cell(cell.source.replace("answer_leaf", "mine"))
    notebook.cells.insert(notebook.cells.index(cell), mine)
    cell.source = "answer_leaf = mine"


def _helper_below(notebook: Any) -> None:
    """A helper that stands further down, and was run first."""
    cell = _cell(notebook, "leaf")
    notebook.cells.append(nbformat.v4.new_code_cell("def itself(x): return x"))
    cell.source = cell.source.replace("= (", "= itself(")


def _pasted(notebook: Any) -> None:
    """The answer in a copy; the first is left as it was."""
    cell = _cell(notebook, "leaf")
    copy = nbformat.from_dict(json.loads(json.dumps(cell)))
    copy.id = "pasted"
    notebook.cells.insert(notebook.cells.index(cell) + 1, copy)
    cell.source = "answer_leaf = ..."


def _retyped(notebook: Any) -> None:
    """The answer cell deleted, and written again at the end."""
    cell = _cell(notebook, "leaf")
    notebook.cells.remove(cell)
    notebook.cells.append(nbformat.v4.new_code_cell(cell.source))


def _moved(notebook: Any) -> None:
    cell = _cell(notebook, "leaf")
    notebook.cells.remove(cell)
    notebook.cells.append(cell)


def _text_elsewhere(notebook: Any) -> None:
    """What is marked by hand, in a cell of one's own."""
    cell = _cell(notebook, "why_eight")
    notebook.cells.append(nbformat.v4.new_markdown_cell("Because of 8 x B. " + cell.source))
    cell.source = "Your answer."


HABITS: dict[str, Callable[[Any], None]] = {
    "none": lambda _: None,
    "scratch cell": _scratch,
    "helper further down": _helper_below,
    "pasted copy": _pasted,
    "retyped": _retyped,
    "moved": _moved,
    "text in a cell of its own": _text_elsewhere,
    "import on top": lambda notebook: (
        _wrap("import", lambda s: f"{s}\nimport math")(notebook),
        _wrap("leaf", lambda s: f"math.pi\n{s}")(notebook),
    )[0],
    "a failing cell": lambda notebook: notebook.cells.insert(4, nbformat.v4.new_code_cell("1 / 0")),
    "display": _wrap("leaf", lambda s: f"display(1)\n{s}"),
    "magic": _wrap("leaf", lambda s: f"%time 1\n{s}"),
    "cell magic": _wrap("leaf", lambda s: f"%%time\n{s}"),
    "shell": _wrap("leaf", lambda s: f"!uname -r\n{s}"),
    "await": _wrap("leaf", lambda s: f"import asyncio\nawait asyncio.sleep(0)\n{s}"),
    "whole float": _wrap("leaf", lambda s: s.replace("= (", "= 1.0 * (")),
    "numpy": _wrap("leaf", lambda s: "import numpy as np\n" + s.replace("= (", "= np.int64(")),
    "observe": _wrap("leaf", lambda s: f"hv.observe.recorded(hv.observe.records()[0])\n{s}"),
    "panel": _wrap("leaf", lambda s: f"hv.explore.base_pages()\n{s}"),
    "plot": _wrap(
        "leaf", lambda s: f"%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()\n{s}"
    ),
}
"""What honest students do to a notebook that runs -> how; each costs nothing."""


def hand_in(student: str, trick: str | None = None, wrong: int = 0, habit: str = "none") -> tuple[str, int]:
    """The text of a hand-in and what it is worth: right but for ``wrong`` answers, or with a trick."""
    notebook = solution(SET, student)
    if trick is not None:
        worth = TRICKS[trick](notebook)
        return ("{ this is not JSON" if trick == "not JSON" else text(notebook)), worth
    chance, worth = random.Random(f"class {student}"), MOST
    others = [one for one in _automatic() if one[0] != "leaf"]  # where the habits are
    for name, points in chance.sample(others, min(wrong, len(others))):
        _cell(notebook, name).source = chance.choice(
            [f"answer_{name} = -1", f"answer_{name} = ...", "", "1 / 0", f"answer_{name} = None"]
        )
        worth -= points
    HABITS[habit](notebook)
    return text(notebook), worth


def build(folder: Path, students: int = 40) -> dict[str, int]:
    """Write the hand-ins of a class into a folder, the last ten hostile; returns student -> points it must get."""
    expected, habits = {}, list(HABITS)
    for number in range(1, students + 1):
        student, hostile = f"s{number:02d}", number - (students - HOSTILE) - 1
        if hostile >= 0:
            words, expected[student] = hand_in(student, IN_CLASS[hostile])
        else:
            # Plots and panels are dear: they are as frequent here as among students, not one in ten each.
            habit = habits[number % len(habits)] if number % 3 == 0 else habits[number % (len(habits) - 3)]
            words, expected[student] = hand_in(student, None, number // 3 % 4, habit)
        path = folder / student / SET / f"{SET}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(words, "utf-8")
    return expected


def deliver(folder: Path, students: int = 20) -> list[Path]:
    """Write a class's roster and what Moodle would deliver of it, to rehearse with; returns the files.

    Raises `BadInput` where they are already.
    """
    people, zipped = folder / "class.csv", folder / f"{SET}.zip"
    if people.exists() or zipped.exists():
        raise BadInput(f"{quoted(str(folder))} has a class already; choose another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["Identifier,Full name,ID number,Email address,Status,Grade,Maximum Grade"]
    with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, student in enumerate(build(Path(name), students), 1):
            lines.append(
                f"Participant {9000 + number},Student {student.upper()},{student},{student}@uni.example,Submitted,,100"
            )
            place = f"Student {student.upper()}_{9000 + number}_assignsubmission_file_"
            archive.write(Path(name, student, SET, f"{SET}.ipynb"), f"{place}/{SET}{' (1)' * (number % 5 == 0)}.ipynb")
    people.write_text("\n".join(lines) + "\n", "utf-8")
    return [people, zipped]
