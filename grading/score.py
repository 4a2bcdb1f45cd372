"""Marks: values that came through the wall, judged by the keys in a process that never saw the student's code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hvlib.errors import quoted
from hvlib.teaching import ask
from hvlib.teaching.homework import student_id

from .run import Outcome
from .tasks import BOOK, Assignment, Course, load


@dataclass(frozen=True)
class Mark:
    """One task of one hand-in: points got and to be had (``None``: still to be marked by hand), and what to say.

    ``said`` is for the student; what the student wrote or raised stands apart, in ``quoted``.
    """

    task: str
    points: float | None
    most: int
    said: str
    quoted: str = ""
    by_hand: bool = False


@dataclass(frozen=True)
class Result:
    """The marks of one hand-in. ``share`` is the part that counts, if it was late; ``asked`` whose numbers count."""

    student: str
    marks: tuple[Mark, ...]
    notes: tuple[str, ...] = ()
    share: float = 1.0
    asked: str = ""

    @property
    def automatic(self) -> float:
        """Points of the tasks that are not marked by hand."""
        return sum(mark.points or 0 for mark in self.marks if not mark.by_hand)

    @property
    def open(self) -> int:
        """How many tasks are still to be marked by hand."""
        return sum(mark.points is None for mark in self.marks)

    @property
    def points(self) -> float:
        """All points so far that count."""
        return round(self.share * sum(mark.points or 0 for mark in self.marks), 2)

    @property
    def most(self) -> int:
        """All points that can be had."""
        return sum(mark.most for mark in self.marks)


def judged(problem_set: str, name: str, student: str, value: object, course: Course | None = None) -> ask.Verdict:
    """The verdict on an answer; only an `int` or a `str`, nothing that looks like one, can be right.

    Without a course, the one whose file GRADING_COURSE names (for nbgrader's hidden tests), or the book's.
    """
    if type(value) not in (int, str):
        return ask.Verdict(False, "An answer is a number or a text.", False)
    file = os.environ.get("GRADING_COURSE")
    course = course or (load(Path(file)) if file else BOOK)
    task, key = next(pair for pair in course.sets[problem_set].keyed if pair[0].name == name)
    given = course.given(task, student)
    return replace(key.question(task), draw=lambda _: given).judge(value)


def score(
    course: Course, problem_set: str, student: str, outcome: Outcome, *,
    handed_in: str = "", by_hand: Mapping[str, tuple[float, str]] | None = None, typed: bool = False,
) -> Result:  # fmt: skip
    """The marks of a hand-in. ``by_hand``: task -> points and reason; ``typed`` takes the typed id."""
    assignment = course.sets[problem_set]
    told, notes = dict(by_hand or {}), list(outcome.remarks)
    whose, other = student, _other(student, outcome.typed)
    if other is not None:
        whose, beside = (other, student) if typed else (student, other)
        would = sum(mark.points or 0 for mark in _marks(course, assignment, beside, outcome))
        notes.insert(
            0, f"the notebook says student = '{other}'; marked with the numbers of '{whose}'"
               f" (with those of '{beside}' {would:g} points)"
        )  # fmt: skip
    mine = _marks(course, assignment, whose, outcome)
    if course.salt:
        both = (course, replace(course, salt=""))
        got, of_book = (sum(mark.points or 0 for mark in _marks(one, assignment, whose, outcome)) for one in both)
        if of_book > got:
            notes.insert(0, f"{OF_THE_BOOK}: with those it would be {of_book:g} points, and not {got:g}")
    marks = []
    for mark in mine:
        if mark.task in told:
            points, reason = told[mark.task]
            if not mark.by_hand:
                notes.append(f"{mark.task}: {points:g} instead of {mark.points:g} by the teacher: {reason}")
            mark = replace(mark, points=points, said=reason or mark.said)
        marks.append(mark)
    share, late = assignment.share(handed_in)
    return Result(student, tuple(marks), tuple([*notes, late] if late else notes), share, whose)


def _other(student: str, typed: str | None) -> str | None:
    try:
        given = student_id(typed)
    except ValueError:
        return None
    return None if given in (student_id(student), student_id(UNTOUCHED)) else given


OF_THE_BOOK = "the notebook answers the book's numbers, not those of this course"
UNTOUCHED = "write your id here"
"""What stands for the id in the release."""


def _marks(course: Course, assignment: Assignment, student: str, outcome: Outcome) -> list[Mark]:
    marks = []
    for one, key in assignment.keyed:
        if key.read is None:
            written = outcome.texts.get(one.name, "").strip()
            marks.append(Mark(one.name, None if written else 0, key.points, "" if written else "Nothing written.",
                              written, by_hand=True))  # fmt: skip
            continue
        value = outcome.values.get(one.name)
        error = outcome.errors.get(one.name, "")
        if value is None:
            marks.append(Mark(one.name, 0, key.points, "No answer.", error))
            continue
        try:
            verdict = judged(assignment.name, one.name, student, value, course)
        except Exception as why:  # a teacher's own task, with numbers that it was not tried with
            said = f"The task fails with these numbers ({type(why).__name__}): it is to be marked by hand."
            marks.append(Mark(one.name, None, key.points, said, quoted(value), by_hand=True))
            continue
        marks.append(Mark(one.name, key.points if verdict.right else 0, key.points, verdict.text, error))
    return marks
