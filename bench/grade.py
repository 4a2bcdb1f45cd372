"""What an ordinary hand-in costs a grader: ours behind its wall, and nbgrader, which grades the same notebooks.

Each grades a small class and a larger one; the difference is the price of a hand-in, without what a run costs once.
What runs behind the wall tells its own CPU time: the kernel does not count it among the grader's children.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grading import demo, record, sets, tasks
from grading.nbgrader_course import CONFIG

from .measure import ROOT, environment, summary, told

FEW = 2
NBGRADER = ROOT / "build" / "grade" / "venv" / "bin"


def run(turns: int = 3, students: int = 12) -> dict[str, Any]:
    """CPU seconds for each hand-in more, processes and wall included."""
    subprocess.run(["make", "--no-print-directory", "build/grade/done"], cwd=ROOT, check=True, env=_shell(),
                   stdout=subprocess.DEVNULL)  # fmt: skip
    ours, theirs = [], []
    for turn in range(turns):
        ours.append(_each(_ours, students))
        theirs.append(_each(_nbgrader, students))
        told(f"turn {turn}: {ours[-1]:.2f} CPU s a hand-in, nbgrader {theirs[-1]:.2f}")
    return {"students": students, "ours": summary(ours), "nbgrader": summary(theirs),
            "ratio": summary([one / other for one, other in zip(theirs, ours, strict=True)])}  # fmt: skip


def _shell() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MAKEFLAGS", "MAKELEVEL")}


def _each(grade: Callable[[int], float], students: int) -> float:
    few, many = grade(FEW), grade(FEW + students)
    return (many - few) / students


def _children() -> float:
    spent = os.times()
    return spent.children_user + spent.children_system


def _taken(command: list[str], folder: Path) -> float:
    before = _children()
    path = os.pathsep.join([str(NBGRADER), os.environ.get("PATH", "")])
    done = subprocess.run(command, cwd=folder, env=environment() | {"PATH": path}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)[:80]} failed: {done.stderr[-2000:]}")
    return _children() - before


def _ours(students: int) -> float:
    with tempfile.TemporaryDirectory(prefix="hvlib-bench-") as name:
        _class(Path(name, "in"), students)
        taken = _taken([sys.executable, "-m", "grading", "grade", demo.SET, "in", "--into", "out"], Path(name))
        graded = record.Record(Path(name, "out"), tasks.BOOK.sets[demo.SET]).entries().values()
        return taken + sum(entry.outcome.cpu for entry in graded)


def _nbgrader(students: int) -> float:
    with tempfile.TemporaryDirectory(prefix="hvlib-bench-") as name:
        home = Path(name)
        (home / "nbgrader_config.py").write_text(CONFIG, "utf-8")
        source = home / "source" / demo.SET / f"{demo.SET}.ipynb"
        source.parent.mkdir(parents=True)
        source.write_text(sets.text(sets.source(demo.SET)), "utf-8")
        _taken([str(NBGRADER / "nbgrader"), "generate_assignment", demo.SET], home)
        _class(home / "submitted", students)
        return _taken([str(NBGRADER / "nbgrader"), "autograde", demo.SET], home)


def _class(folder: Path, students: int) -> None:
    """Hand-ins that are right and otherwise as they were released: nbgrader refuses some habits, as a pasted cell."""
    for number in range(students):
        path = folder / f"s{number:02}" / demo.SET / f"{demo.SET}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(demo.hand_in(f"s{number:02}")[0], "utf-8")
