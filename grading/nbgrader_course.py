"""The same hand-ins through nbgrader: release, collect, rebuild, autograde, feedback, export.

nbgrader runs a hand-in's code beside its hidden tests, where a clever student can reach them. So what nbgrader gets is
rebuilt: the release, with the id whose numbers count, and in each answer cell the plain value that came through
the wall. Students' code never runs there, and both graders give the same scores.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from hvlib.errors import BadInput

from . import sets, words
from .course import results
from .record import Entry, Record
from .tasks import Course

CONFIG = """c = get_config()
c.CourseDirectory.course_id = "hvlib"
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__"]
c.Execute.timeout = 60
c.OverwriteCells.add_missing_cells = False
c.ExportApp.plugin_class = "nbgrader.plugins.export.CsvExportPlugin"
"""


def rebuilt(course: Course, problem_set: str, entry: Entry, whose: str) -> str:
    """The notebook that nbgrader gets for a hand-in; ``whose`` numbers count."""
    notebook, outcome = sets.release(problem_set, course), entry.outcome
    for cell in notebook.cells:
        name = cell.metadata.nbgrader.grade_id
        if name == "student":
            cell.source = f"student = {whose!r}"
        elif cell.metadata.nbgrader.solution and cell.cell_type == "code":
            cell.source = f"{sets.variable(name)} = {outcome.values.get(name)!r}"
        elif name in outcome.texts:
            cell.source = outcome.texts[name] or cell.source
    return sets.text(notebook)


def grade(
    course: Course, problem_set: str, record: Record, home: Path, tell: Callable[[str], None]
) -> dict[str, float]:
    """Take what was run through nbgrader: student -> points. Raises `BadInput` if nbgrader is missing."""
    if not shutil.which("nbgrader", path=_path()):
        raise BadInput("nbgrader is not installed; write for example pip install 'nbgrader>=0.9.5,<0.10'.")
    target = home / "source" / problem_set
    target.mkdir(parents=True, exist_ok=True)
    (target / f"{problem_set}.ipynb").write_text(sets.text(sets.source(problem_set, course=course)), "utf-8")
    (home / "nbgrader_config.py").write_text(CONFIG, "utf-8")
    _nbgrader(course, home, "generate_assignment", problem_set, "--force")
    names, whose = {}, {result.student: result.asked for result in results(course, record)}
    for entry in record.entries().values():
        names[words.file_name(entry.student)] = entry.student
        path = home / "submitted" / words.file_name(entry.student) / problem_set / f"{problem_set}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(rebuilt(course, problem_set, entry, whose[entry.student]), "utf-8")
    tell("autograding with nbgrader …\n")
    _nbgrader(course, home, "autograde", problem_set, "--force")
    _nbgrader(course, home, "generate_feedback", problem_set, "--force")
    _nbgrader(course, home, "export")
    with (home / "grades.csv").open(encoding="utf-8") as file:
        return {names[row["student_id"]]: float(row["score"] or 0) for row in csv.DictReader(file)}


def _path() -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def _nbgrader(course: Course, home: Path, *arguments: str) -> None:
    root = Path(__file__).parents[1]
    of_course = {"GRADING_COURSE": str(course.file.resolve())} if course.file else {}
    done = subprocess.run(
        ["nbgrader", *arguments], cwd=home, capture_output=True, text=True,
        env={**os.environ, "PATH": _path(), "PYTHONPATH": str(root), "PYTHONWARNINGS": "ignore",
             "HVLIB_OBSERVE": "recorded", **of_course},
    )  # fmt: skip
    if done.returncode:
        raise BadInput(f"nbgrader {arguments[0]} failed: {' '.join(done.stderr.split())[-400:]}")
