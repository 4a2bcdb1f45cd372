"""A fabricated class of forty: thirty who answer more or less well, ten who try something else.

What each is worth is known from how the hand-in was made, so that graders can be held to it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat

from .keys import keyed
from .sets import solution, text

ORDINARY, SET = 30, "ps1"
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
    "class Liar(int):\n    def __eq__(self, other):\n        return True\n    __hash__ = None\nanswer_{name} = Liar(3)"
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
    "AST rewriter": spoilt("head", "import ast, sys\nget_ipython().ast_transformers.append(ast.NodeTransformer())"),
    "reads the solution": spoilt(
        "head", "import glob\nanswer_head = open(glob.glob('/**/assignments/source/ps1/ps1.ipynb', recursive=True)[0]).read()"
    ),
    "imports the keys": spoilt("head", "from grading.keys import expected\nanswer_head = expected('ps1', 'head', student)"),
    "forks": spoilt("head", "import os\nwhile True: os.fork()"),
    "opens a connection": spoilt("head", "import socket\nanswer_head = socket.create_connection(('127.0.0.1', 9)).recv(9)"),
    "starts a program": spoilt("head", "import subprocess\nanswer_head = subprocess.check_output(['id'])"),
    "writes into the pipe": before("memmap", "import os\nfor f in range(3, 9):\n    try: os.write(f, b'[1]\\n{}\\n[[[[\\nnull\\n')\n    except OSError: pass"),
    "forges another's line": before(
        "memmap", "import os, json\nfor f in range(3, 9):\n    try: os.write(f, (json.dumps(['nobody', 'int', '1', '']) + chr(10)).encode())\n"
        "    except OSError: pass"
    ),
    "changes what the fence asks": spoilt(
        "head", "import builtins, hvlib, os\nbuiltins.isinstance = lambda *a: False\nos.fspath = lambda path: os.getcwd()\n"
        "answer_head = open('/etc/hostname').read()"
    ),
    "ends four times": _ends_four_times,
    "sys.exit": spoilt("head", "import sys\nsys.exit(0)"),
    "infinite recursion": spoilt("head", "def f(): return f()\nanswer_head = f()"),
    "a million digits": spoilt("head", "answer_head = 10 ** 1_000_000"),
    "a syntax error": spoilt("head", "answer_head = = 3"),
    "a closed pipe": spoilt("vmemmap_page", "import os\nos.closerange(3, 99)"),
}  # fmt: skip
"""What can be tried -> how; each changes a right hand-in and returns what it is worth then."""
IN_CLASS = tuple(TRICKS)[:10]


def hand_in(student: str, trick: str | None = None, wrong: int = 0) -> tuple[str, int]:
    """The text of a hand-in and what it is worth: right but for ``wrong`` answers, or with a trick."""
    notebook = solution(SET, student)
    if trick is not None:
        worth = TRICKS[trick](notebook)
        return ("{ this is not JSON" if trick == "not JSON" else text(notebook)), worth
    chance, worth = random.Random(f"class {student}"), MOST
    for name, points in chance.sample(_automatic(), wrong):
        _cell(notebook, name).source = chance.choice(
            [f"answer_{name} = -1", f"answer_{name} = ...", "", "1 / 0", f"answer_{name} = None"]
        )
        worth -= points
    return text(notebook), worth


def build(folder: Path) -> dict[str, int]:
    """Write the hand-ins of the class into a folder; returns student -> points it must get."""
    expected = {}
    for number in range(1, ORDINARY + len(IN_CLASS) + 1):
        student = f"s{number:02d}"
        trick = IN_CLASS[number - ORDINARY - 1] if number > ORDINARY else None
        words, expected[student] = hand_in(student, trick, number % (len(_automatic()) + 1))
        path = folder / student / SET / f"{SET}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(words, "utf-8")
    return expected
