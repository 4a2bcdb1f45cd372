"""Grade a folder of hand-ins: read, run behind the fence, judge; write marks, feedback and what to mark by hand.

Layout, as nbgrader's: ``HAND_INS/<student>/<set>/<set>.ipynb``. The folder's name is the student's id, whatever the
notebook says.
"""

from __future__ import annotations

import csv
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hvlib.errors import BadInput, quoted
from hvlib.teaching.homework import SETS, student_id, task

from .fence import Limits, Outcome, library, run
from .handin import HandIn, read
from .keys import keyed
from .score import Result, score


def students(hand_ins: Path, shard: tuple[int, int] = (1, 1)) -> list[str]:
    """The students who have a folder, in order; of several shards only those of this one. Raises `BadInput`."""
    if not hand_ins.is_dir():
        raise BadInput(
            f"{quoted(str(hand_ins))} is no folder of hand-ins; choose one that has a folder for each student."
        )
    number, of = shard
    if not 1 <= number <= of:
        raise BadInput(f"shard {number}/{of} is none; write for example 2/4, the second of four.")
    names = sorted(
        student_id(path.name) for path in hand_ins.iterdir() if path.is_dir() and not path.name.startswith(".")
    )  # JupyterLab leaves .ipynb_checkpoints
    return names[number - 1 :: of]


def answers(
    problem_set: str, hand_ins: Path, *, shard: tuple[int, int] = (1, 1), jobs: int | None = None,
    limits: Limits = Limits(), tell: Callable[[str], None] = lambda _: None,  # noqa: B008
) -> list[tuple[HandIn, Outcome]]:  # fmt: skip
    """What each student handed in and what came of it, in order. One hand-in never stops the others."""
    problem_set = SETS[problem_set].name
    names, started, before = students(hand_ins, shard), time.perf_counter(), os.times()
    with tempfile.TemporaryDirectory(prefix="grading-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        shared, done = library(folder), 0

        def one(student: str) -> tuple[HandIn, Outcome]:
            nonlocal done
            handed = read(hand_ins / student / problem_set / f"{problem_set}.ipynb", problem_set, student)
            outcome = run(handed.code, student, shared, limits)
            done += 1
            tell(f"\r{done}/{len(names)} run")
            return handed, outcome

        with ThreadPoolExecutor(jobs or os.cpu_count()) as pool:
            found = list(pool.map(one, names))
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    if names:
        each = f"{cpu / len(names):.2f} CPU seconds each"
        tell(f"\r{len(names)} run in {time.perf_counter() - started:.1f} s, {each}\n")
    return found


def check_place(into: Path) -> None:
    """Whether marks can be written into a folder, asked before the work. Raises `BadInput`."""
    try:
        (into / "feedback").mkdir(parents=True, exist_ok=True)
        writable = os.access(into, os.W_OK) and os.access(into / "feedback", os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise BadInput(f"{quoted(str(into))} is no folder that can be written to; choose another for --into.")


def grade(found: Sequence[tuple[HandIn, Outcome]]) -> list[Result]:
    """The results of all students, from what `answers` found."""
    return [score(handed, outcome) for handed, outcome in found]


def write(results: Sequence[Result], problem_set: str, into: Path) -> None:
    """grades.csv, a feedback file for each student, and a sheet for each task that is marked by hand."""
    (into / "feedback").mkdir(parents=True, exist_ok=True)
    names = [one.name for one, key in keyed(problem_set) if key.read is not None]
    with (into / "grades.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["student", *names, "points", "most", "notes"])
        for result in results:
            points = {mark.task: mark.points for mark in result.marks}
            rows.writerow(
                [result.student, *[points[name] for name in names], result.points, result.most, "; ".join(result.notes)]
            )
    for result in results:
        lines = [
            f"# {problem_set}, {result.student}: {result.points} of {result.most}",
            *(f"- {note}" for note in result.notes),
        ]
        for mark in result.marks:
            got = "marked by hand" if mark.points is None else f"{mark.points} of {mark.most}"
            asked = task(problem_set, mark.task).text(result.student)
            lines += ["", f"## {mark.task}: {got}", "", asked, "", mark.feedback]
        (into / "feedback" / f"{result.student}.md").write_text("\n".join(lines) + "\n", "utf-8")
    for one, key in keyed(problem_set):
        if key.read is None:
            _sheet(results, problem_set, one.name, key.rubric, into)


def _sheet(results: Sequence[Result], problem_set: str, name: str, rubric: tuple[str, ...], into: Path) -> None:
    """What all students wrote to one task, with the rubric and a place for the points."""
    lines = [f"# {problem_set}, {name}: to be marked by hand", "", *(f"- {line}" for line in rubric)]
    for result in results:
        (mark,) = (mark for mark in result.marks if mark.task == name)
        lines += ["", f"## {result.student}: ___ of {mark.most}", "", mark.feedback]
    (into / f"by-hand-{name}.md").write_text("\n".join(lines) + "\n", "utf-8")


def to_terminal(text: str) -> None:
    """Progress on standard error; lines that are overwritten only where there is a terminal."""
    if sys.stderr.isatty() or text.endswith("\n"):
        sys.stderr.write(text)
        sys.stderr.flush()
