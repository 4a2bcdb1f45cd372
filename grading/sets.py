"""Problem sets as notebooks in nbgrader's format: the instructor's with solutions and hidden tests, and the release.

    python -m grading sets          write notebooks/assignments/source and notebooks/assignments/release

Both follow from `hvlib.teaching.homework` and `grading.keys`; nothing else may write them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat

from hvlib.teaching.ask import Value
from hvlib.teaching.homework import SETS, Task

from .keys import Key, expected, keyed

ROOT = Path(__file__).parents[1] / "notebooks" / "assignments"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
SAMPLE = "s01"
"""The id in the instructor's copy; each student writes another."""
SOLUTION = re.compile(r"### BEGIN SOLUTION\n.*?### END SOLUTION", re.DOTALL)
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


def _automatic(problem_set: str, task: Task, key: Key, answer: str) -> list[Any]:
    name = variable(task.name)
    test = (
        f'assert type({name}) in (int, str), "an answer is a number or a text"\n'
        "### BEGIN HIDDEN TESTS\n"
        "from grading.score import judged\n"
        f'verdict = judged("{problem_set}", "{task.name}", student, {name})\n'
        "assert verdict.right, verdict.text\n"
        "### END HIDDEN TESTS"
    )
    return [
        _locked("code", f"put-{task.name}", f'hv.homework.put("{problem_set}", "{task.name}", student)'),
        _cell("code", task.name, f"{name} = (\n### BEGIN SOLUTION\n{answer}\n### END SOLUTION\n)",
              grade=False, solution=True, locked=False, task=False),
        _cell("code", f"test-{task.name}", test,
              grade=True, solution=False, locked=True, task=False, points=key.points),
    ]  # fmt: skip


def _by_hand(problem_set: str, task: Task, key: Key) -> list[Any]:
    rubric = "\n".join(f"- {line}" for line in key.rubric)
    return [
        _locked("code", f"put-{task.name}", f'hv.homework.put("{problem_set}", "{task.name}", student)'),
        _cell("markdown", task.name, f"### BEGIN SOLUTION\nRubric, {key.points} points:\n\n{rubric}\n### END SOLUTION",
              grade=True, solution=True, locked=False, task=False, points=key.points),
    ]  # fmt: skip


def source(problem_set: str, student: str = SAMPLE) -> Any:
    """The instructor's notebook, with the solutions of ``student``."""
    tasks = SETS[problem_set]
    points = sum(key.points for _, key in keyed(problem_set))
    intro = (
        f"# Problem set {problem_set[2:]}: {tasks.title}\n\nChapters {tasks.chapters}. {points} points. "
        "Your numbers follow from your student id, so they are yours alone. Write an answer in place of the three "
        "dots. Only what you assign counts; how you found it is your affair, and `hvlib` may help."
    )
    cells = [
        _locked("markdown", "intro", intro),
        _locked("code", "import", "import hvlib as hv"),
        _cell("code", "student", f'student = "{student}"', grade=False, solution=True, locked=False, task=False),
    ]
    for number, (task, key) in enumerate(keyed(problem_set), 1):
        marked = "marked by hand, " if key.read is None else ""
        cells.append(_locked("markdown", f"head-{task.name}", f"## {number} ({marked}{key.points} points)"))
        if key.read is None:
            cells += _by_hand(problem_set, task, key)
        else:
            answer = literal(expected(problem_set, task.name, student))
            cells += _automatic(problem_set, task, key, answer)
    return nbformat.v4.new_notebook(metadata=METADATA, cells=cells)


def release(problem_set: str) -> Any:
    """The students' notebook: the instructor's without solutions and hidden tests."""
    notebook = source(problem_set)
    for cell in notebook.cells:
        marks = cell.metadata.nbgrader
        if marks.grade_id == "student":
            cell.source = 'student = "write your id here"'
        elif marks.solution:
            cell.source = SOLUTION.sub(STUB if cell.cell_type == "code" else "Your answer.", cell.source)
        cell.source = HIDDEN.sub("", cell.source)
    return notebook


def solution(problem_set: str, student: str) -> Any:
    """A hand-in that gets full marks: the release, with the right answers of a student in it."""
    notebook, solved = release(problem_set), source(problem_set, student)
    for cell, right in zip(notebook.cells, solved.cells, strict=True):
        if cell.metadata.nbgrader.solution:
            cell.source = re.sub(r"### (?:BEGIN|END) SOLUTION\n?", "", right.source)
    return notebook


def text(notebook: Any) -> str:
    """A notebook as it is stored."""
    return str(nbformat.writes(notebook)) + "\n"


def write(root: Path = ROOT) -> list[Path]:
    """Write both views of every set; returns the files."""
    written = []
    for name in SETS:
        for view, notebook in (("source", source(name)), ("release", release(name))):
            path = root / view / name / f"{name}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text(notebook), "utf-8")
            written.append(path)
    return written
