"""The same hand-ins through nbgrader: release, collect, rebuild, autograde, feedback, export.

nbgrader runs a hand-in's code beside its hidden tests, where a clever student can reach them. So what nbgrader gets is
rebuilt: the release, with the student's true id, and in each answer cell the plain value that came through the fence.
Students' code never runs there, and both graders give the same scores.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hvlib.errors import BadInput

from . import sets
from .fence import Outcome
from .handin import HandIn

CONFIG = """c = get_config()
c.CourseDirectory.course_id = "hvlib"
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__"]
c.Execute.timeout = 60
c.OverwriteCells.add_missing_cells = False
c.ExportApp.plugin_class = "nbgrader.plugins.export.CsvExportPlugin"
"""


def rebuilt(handed: HandIn, outcome: Outcome) -> str:
    """The notebook that nbgrader gets for a hand-in."""
    notebook = sets.release(handed.problem_set)
    for cell in notebook.cells:
        name = cell.metadata.nbgrader.grade_id
        if name == "student":
            cell.source = f"student = {handed.student!r}"
        elif name in handed.code:
            cell.source = f"{sets.variable(name)} = {outcome.values.get(name)!r}"
        elif name in handed.texts:
            cell.source = handed.texts[name]
    return sets.text(notebook)


def grade(
    problem_set: str, found: Sequence[tuple[HandIn, Outcome]], folder: Path, tell: Callable[[str], None]
) -> dict[str, int]:
    """Take what `course.answers` found through nbgrader: student -> points. Raises `BadInput` if it is missing."""
    if not shutil.which("nbgrader", path=_path()):
        raise BadInput("nbgrader is not installed; it is in the extra of that name: pip install -e '.[nbgrader]'.")
    home = folder / "nbgrader"
    target = home / "source" / problem_set
    target.mkdir(parents=True)
    (target / f"{problem_set}.ipynb").write_text(sets.text(sets.source(problem_set)), "utf-8")
    (home / "nbgrader_config.py").write_text(CONFIG, "utf-8")
    _nbgrader(home, "generate_assignment", problem_set)
    for handed, outcome in found:
        path = home / "submitted" / handed.student / problem_set / f"{problem_set}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(rebuilt(handed, outcome), "utf-8")
    tell("autograding with nbgrader …\n")
    _nbgrader(home, "autograde", problem_set)
    _nbgrader(home, "generate_feedback", problem_set)
    _nbgrader(home, "export")
    with (home / "grades.csv").open(encoding="utf-8") as file:
        return {row["student_id"]: round(float(row["score"] or 0)) for row in csv.DictReader(file)}


def _path() -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def _nbgrader(home: Path, *arguments: str) -> None:
    root = Path(__file__).parents[1]
    done = subprocess.run(
        ["nbgrader", *arguments], cwd=home, capture_output=True, text=True,
        env={**os.environ, "PATH": _path(), "PYTHONPATH": str(root), "PYTHONWARNINGS": "ignore",
             "HVLIB_OBSERVE": "recorded"},
    )  # fmt: skip
    if done.returncode:
        raise BadInput(f"nbgrader {arguments[0]} failed: {' '.join(done.stderr.split())[-400:]}")
