"""Scores: values that came through the fence, judged by the keys in a process that never saw the student's code."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hvlib.teaching import ask
from hvlib.teaching.homework import task

from .fence import Outcome
from .handin import HandIn
from .keys import KEYS, keyed


@dataclass(frozen=True)
class Mark:
    """One task of one hand-in: points got and to be had (``None``: still to be marked by hand), and what to say."""

    task: str
    points: int | None
    most: int
    feedback: str


@dataclass(frozen=True)
class Result:
    """The marks of one hand-in."""

    student: str
    problem_set: str
    marks: tuple[Mark, ...]
    notes: tuple[str, ...]

    @property
    def points(self) -> int:
        """Points of the tasks that are marked automatically."""
        return sum(mark.points or 0 for mark in self.marks)

    @property
    def most(self) -> int:
        """Points that can be had automatically."""
        return sum(mark.most for mark in self.marks if mark.points is not None)


def judged(problem_set: str, name: str, student: str, value: object) -> ask.Verdict:
    """The verdict on an answer; only an `int` or a `str`, nothing that looks like one, can be right."""
    if type(value) not in (int, str):
        return ask.Verdict(False, "An answer is a number or a text.", False)
    asked = KEYS[problem_set][name].question(task(problem_set, name))
    given = task(problem_set, name).given(student)
    return replace(asked, draw=lambda _: given).judge(value)


def score(handin: HandIn, outcome: Outcome) -> Result:
    """The marks of a hand-in from what came through the fence."""
    marks = []
    for one, key in keyed(handin.problem_set):
        if key.read is None:
            written = handin.texts.get(one.name, "").strip()
            marks.append(Mark(one.name, None, key.points, written or "nothing written"))
            continue
        value = outcome.values.get(one.name)
        if value is None:
            note = outcome.notes.get(one.name, "No answer.")
            marks.append(Mark(one.name, 0, key.points, note))
            continue
        verdict = judged(handin.problem_set, one.name, handin.student, value)
        marks.append(Mark(one.name, key.points if verdict.right else 0, key.points, verdict.text))
    return Result(handin.student, handin.problem_set, tuple(marks), handin.notes)
