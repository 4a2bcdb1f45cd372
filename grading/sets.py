"""Problem sets as notebooks in nbgrader's format: the instructor's with solutions and hidden tests, and the release.

Both follow from the tasks of a course and their keys; nothing else may write them. The release of the book's sets is
committed; the instructor's copies are not, for everybody could hand them in.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat

from hvlib.errors import BadInput
from hvlib.teaching.ask import Value
from hvlib.teaching.homework import Task

from .keys import Key
from .score import UNTOUCHED
from .tasks import BOOK, Course
from .words import file_name

ROOT = Path(__file__).parents[1] / "notebooks" / "assignments"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
SAMPLE = "the instructor's copy"
"""The id in the instructor's copy, which no student has."""
SOLUTION = re.compile(r"\n?### BEGIN SOLUTION\n(.*?)\n### END SOLUTION", re.DOTALL)
HIDDEN = re.compile(r"\n### BEGIN HIDDEN TESTS\n.*?### END HIDDEN TESTS", re.DOTALL)
STUB = "..."


def variable(name: str) -> str:
    """The name under which a task's answer is assigned."""
    return f"answer_{name}"


def literal(value: Value) -> str:
    """An answer as Python source."""
    return repr(", ".join(map(str, value))) if isinstance(value, tuple) else repr(value)


def _cell(kind: str, name: str, source: str, **marks: Any) -> Any:
    cell = nbformat.v4.new_markdown_cell(source) if kind == "markdown" else nbformat.v4.new_code_cell(source)
    cell.id = name
    cell.metadata = nbformat.from_dict({"nbgrader": {"grade_id": name, "schema_version": 3, **marks}})
    return cell


def _locked(kind: str, name: str, source: str) -> Any:
    return _cell(kind, name, source, grade=False, solution=False, locked=True, task=False)


def _put(course: Course, problem_set: str, task: Task, student: str) -> Any:
    """The task: printed with the numbers of whoever writes an id, or as text with those of one student."""
    if not course.salt:
        return _locked("code", f"put-{task.name}", f'hv.homework.put("{problem_set}", "{task.name}", student)')
    form = f"\n\nYour answer is {task.form}." if task.form else ""
    return _locked("markdown", f"put-{task.name}", course.text(task, student) + form)


def _automatic(course: Course, problem_set: str, task: Task, key: Key, student: str) -> list[Any]:
    name = variable(task.name)
    test = (
        f'assert type({name}) in (int, str), "an answer is a number or a text"\n'
        "### BEGIN HIDDEN TESTS\n"
        "from grading.score import judged\n"
        f'verdict = judged("{problem_set}", "{task.name}", student, {name})\n'
        "assert verdict.right, verdict.text\n"
        "### END HIDDEN TESTS"
    )
    assert key.answer is not None
    right = literal(key.answer(course.given(task, student)))
    return [
        _put(course, problem_set, task, student),
        _cell("code", task.name, f"{name} = {STUB}\n### BEGIN SOLUTION\n{name} = (\n{right}\n)\n### END SOLUTION",
              grade=False, solution=True, locked=False, task=False),
        _cell("code", f"test-{task.name}", test,
              grade=True, solution=False, locked=True, task=False, points=key.points),
    ]  # fmt: skip


def _by_hand(course: Course, problem_set: str, task: Task, key: Key, student: str) -> list[Any]:
    rubric = "\n".join(f"- {line}" for line in key.rubric)
    return [
        _put(course, problem_set, task, student),
        _cell("markdown", task.name, f"### BEGIN SOLUTION\nRubric, {key.points} points:\n\n{rubric}\n### END SOLUTION",
              grade=True, solution=True, locked=False, task=False, points=key.points),
    ]  # fmt: skip


def source(problem_set: str, student: str = SAMPLE, course: Course = BOOK) -> Any:
    """The instructor's notebook, with the solutions of ``student``."""
    assignment = course.sets[problem_set]
    about = assignment.about
    chapters = f"Chapters {about.chapters}. " if about.chapters else ""
    heading = f"Problem set {problem_set[2:]}" if re.fullmatch(r"ps\d+", problem_set) else problem_set
    intro = (
        f"# {heading}: {about.title}\n\n{chapters}{assignment.most} points. "
        "Your numbers follow from your student id, so they are yours alone. Write an answer in place of the three "
        "dots. The whole notebook is run from top to bottom, and what you assign counts; how you found it is your "
        "affair, and `hvlib` may help."
    )
    if assignment.deadline is not None:
        intro += f"\n\nTo be handed in by {assignment.deadline:%d %B %Y, %H:%M}."
    cells = [
        _locked("markdown", "intro", intro),
        _locked("code", "import", "import hvlib as hv"),
        _cell("code", "student",
              f'student = "{UNTOUCHED}"\n### BEGIN SOLUTION\nstudent = {student!r}\n### END SOLUTION',
              grade=False, solution=True, locked=False, task=False),
    ]  # fmt: skip
    for number, (task, key) in enumerate(assignment.keyed, 1):
        marked = "marked by hand, " if key.read is None else ""
        cells.append(_locked("markdown", f"head-{task.name}", f"## {number} ({marked}{key.points} points)"))
        make = _by_hand if key.read is None else _automatic
        cells += make(course, problem_set, task, key, student)
    return nbformat.v4.new_notebook(metadata=METADATA, cells=cells)


def instructors(problem_set: str, course: Course = BOOK) -> Any:
    """The instructor's notebook as it is written to a file, with a warning on top."""
    notebook = source(problem_set, course=course)
    notebook.cells.insert(0, _locked("markdown", "warning", WARNING))
    return notebook


WARNING = (
    "**Instructor's copy, with solutions.** In nbgrader itself a hand-in runs beside its hidden tests, where a student "
    "can reach the answers. So do not autograde hand-ins with it: `grading grade SET HAND_INS` runs them behind a "
    "wall, and `grading nbgrader SET FOLDER` then gives nbgrader notebooks that are rebuilt from plain values."
)


def release(problem_set: str, course: Course = BOOK, student: str | None = None) -> Any:
    """The students' notebook, or that of one: the instructor's without solutions and hidden tests."""
    notebook = source(problem_set, student or SAMPLE, course)
    for cell in notebook.cells:
        marks = cell.metadata.nbgrader
        if marks.grade_id == "student":
            cell.source = f"student = {json.dumps(student or UNTOUCHED, ensure_ascii=False)}"
        elif marks.solution:
            cell.source = SOLUTION.sub("" if cell.cell_type == "code" else YOURS, cell.source).strip()
        cell.source = HIDDEN.sub("", cell.source)
    return notebook


YOURS = "Your answer."


def cells(course: Course, problem_set: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """The names of the release's cells; and what says an untouched one for the id, or of a task marked by hand."""
    notebook = release(problem_set, course)
    known = {cell.metadata.nbgrader.grade_id: cell.source.strip() for cell in notebook.cells}
    by_hand = [task.name for task, key in course.sets[problem_set].keyed if key.read is None]
    shown = {name: known[name] for task in by_hand for name in (task, f"head-{task}", f"put-{task}")}
    return tuple(known), shown | {"student": known["student"]}


def put(course: Course, problem_set: str, student: str) -> dict[str, str]:
    """What puts the tasks marked by hand to one student, where each notebook has its own numbers."""
    shown = {}
    for task, key in course.sets[problem_set].keyed:
        if course.salt and key.read is None:
            with suppress(Exception):  # a teacher's own task that fails with these numbers
                shown[f"put-{task.name}"] = str(_put(course, problem_set, task, student).source).strip()
    return shown


def solution(problem_set: str, student: str, course: Course = BOOK) -> Any:
    """A hand-in that gets full marks: the release, with the right answers of a student in it."""
    notebook, solved = release(problem_set, course), source(problem_set, student, course)
    for cell, right in zip(notebook.cells, solved.cells, strict=True):
        if cell.metadata.nbgrader.solution:
            (cell.source,) = SOLUTION.findall(right.source)
    return notebook


def text(notebook: Any) -> str:
    """A notebook as it is stored."""
    return str(nbformat.writes(notebook)) + "\n"


def write(root: Path = ROOT) -> list[Path]:
    """Write the release of each of the book's sets; returns the files. Raises `BadInput` outside the repository."""
    if not root.is_dir():
        raise BadInput("there is no repository here to write into; write for example grading release ps1 instead.")
    return [_write(root / "release" / name / f"{name}.ipynb", release(name)) for name in BOOK.sets]


def write_for(course: Course, problem_set: str, students: list[str], into: Path) -> list[Path]:
    """Write the instructor's copy of a set, and a notebook for each student, or one for all without a secret."""
    written = [_write(into / "source" / problem_set / f"{problem_set}.ipynb", instructors(problem_set, course))]
    if not course.salt:
        return [*written, _write(into / "release" / problem_set / f"{problem_set}.ipynb", release(problem_set, course))]
    for student in students:
        path = into / "release" / problem_set / file_name(student) / f"{problem_set}.ipynb"
        written.append(_write(path, release(problem_set, course, student)))
    return written


def _write(path: Path, notebook: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(notebook), "utf-8")
    return path
