"""A course: which sets there are, their tasks with keys, deadlines, and what students' numbers are drawn from.

Without a course file it is the book's three problem sets, as `hvlib` prints them. A course file, kept by the teacher,
chooses tasks and points, adds tasks of the teacher's own, and has a secret from which the numbers are drawn: then
nobody outside the course can compute them, and each student gets a notebook with the numbers in its text.
"""

from __future__ import annotations

import datetime
import importlib.util
import random
import secrets
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hvlib.errors import BadInput, quoted, table
from hvlib.teaching.homework import SETS, ProblemSet, Task, student_id

from .keys import KEYS, Key

Given = Mapping[str, Any]


@dataclass(frozen=True)
class Assignment:
    """A problem set of a course. ``late`` is the percentage that each day begun costs, for so many ``days``."""

    about: ProblemSet
    keyed: tuple[tuple[Task, Key], ...]
    deadline: datetime.datetime | None = None
    late: float = 0
    days: int = 7
    groups: bool = False

    @property
    def name(self) -> str:
        """Its name: ps1."""
        return self.about.name

    @property
    def most(self) -> int:
        """All points."""
        return sum(key.points for _, key in self.keyed)

    def share(self, handed_in: str) -> tuple[float, str]:
        """What part of the points counts for a time of handing in (ISO 8601), and a sentence if it was late."""
        if self.deadline is None or not handed_in:
            return 1.0, ""
        when = datetime.datetime.fromisoformat(handed_in)
        if when.tzinfo is None:
            when = when.replace(tzinfo=self.deadline.tzinfo)
        over = when - self.deadline
        if over <= datetime.timedelta(0):
            return 1.0, ""
        days = -(-over // datetime.timedelta(days=1))
        share = 0.0 if days > self.days else max(0.0, 1 - self.late * days / 100)
        plural = "" if days == 1 else "s"
        return share, f"late by {days} day{plural}: {share:.0%} of the points count"


@dataclass(frozen=True)
class Course:
    """The sets of a course by name, and the secret from which numbers are drawn (none: as `hvlib` draws them)."""

    title: str
    sets: Mapping[str, Assignment]
    salt: str = ""
    file: Path | None = field(default=None, compare=False)

    def given(self, task: Task, student: str) -> Given:
        """A student's numbers."""
        if not self.salt:
            return task.given(student)
        return task.draw(random.Random(f"{self.salt} {task.name} {student_id(student)}"))

    def text(self, task: Task, student: str) -> str:
        """A task as it is put to a student."""
        return task.prompt.format_map(self.given(task, student))


def _book() -> Course:
    sets = {
        name: Assignment(one, tuple((task, KEYS[name][task.name]) for task in one.tasks)) for name, one in SETS.items()
    }
    return Course("The book's problem sets", table("problem set", sets.items()))


BOOK = _book()
"""The course without a course file."""

TEMPLATE = """# A course. Keep this file out of every public place: who has the secret can compute all answers.
title = "{title}"
secret = "{secret}"
# tasks = "tasks.py"    # tasks of your own: see the teachers' guide, "Tasks of your own"

[sets.ps1]
# deadline = 2027-03-01T23:59:00+01:00
# late = 10             # per cent for each day begun
# days = 5              # after so many days nothing counts
# groups = true         # one hand-in for each group of the roster
# tasks = ["memmap", "base_pages", "address", "leaf", "head", "vmemmap_page", "why_eight"]
# points = {{ why_eight = 6 }}

[sets.ps2]

[sets.ps3]
"""


def new(folder: Path, title: str = "My course") -> Path:
    """Write a course file with a secret of its own. Raises `BadInput` where there is one."""
    path = folder / "course.toml"
    if path.exists():
        raise BadInput(f"{quoted(str(path))} is there already; choose another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(TEMPLATE.format(title=title, secret=secrets.token_hex(16)), "utf-8")
    return path


def load(path: Path) -> Course:
    """A course from its file. Raises `BadInput`, with what is wrong and what is allowed."""
    try:
        data = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise BadInput(
            f"there is no course file {quoted(str(path))}; choose another, or make one: grading course FOLDER."
        ) from None
    except (OSError, ValueError) as why:
        raise BadInput(
            f"the course file {quoted(str(path))} cannot be read ({quoted(str(why))}); choose another."
        ) from None
    _only(data, ("title", "secret", "tasks", "sets"), "the course file")
    salt = data.get("secret", "")
    if not isinstance(salt, str) or len(salt) < 16:
        raise BadInput("the course file needs a secret of at least 16 letters; grading course writes one.")
    known = {task.name: (task, KEYS[name][task.name]) for name, one in SETS.items() for task in one.tasks}
    if "tasks" in data:
        known |= _own(path.parent / str(data["tasks"]))
    sets, given = {}, data.get("sets", {})
    if not isinstance(given, dict):
        raise BadInput("sets of the course file is no table; write for example [sets.ps1].")
    for name, chosen in given.items():
        sets[name] = _assignment(name, chosen, known)
    if not sets:
        raise BadInput("the course file has no set; write for example [sets.ps1].")
    return Course(str(data.get("title", "A course")), table("problem set", sets.items()), salt, path)


def _only(given: object, allowed: Sequence[str], what: str) -> None:
    if not isinstance(given, dict):
        raise BadInput(f"{what} is no table; write for example [sets.ps1].")
    for name in given:
        if name not in allowed:
            raise BadInput(f"{what} does not know {quoted(name)}; choose one of {', '.join(allowed)}.")


def _assignment(name: str, chosen: Any, known: Mapping[str, tuple[Task, Key]]) -> Assignment:
    what = f"the set {quoted(name)} of the course file"
    _only(chosen, ("title", "tasks", "points", "deadline", "late", "days", "groups"), what)
    if not name.isidentifier() or len(name) > 40:
        raise BadInput(f"{quoted(name)} is no name of a set; use letters and digits, for example ps1.")
    of_book = SETS.get(name)
    names = chosen.get("tasks", [task.name for task in of_book.tasks] if of_book else None)
    if not isinstance(names, list) or not names or len(set(map(str, names))) < len(names):
        raise BadInput(f"{what} needs a list of different tasks; write for example tasks = ['memmap', 'leaf'].")
    points = chosen.get("points", {})
    _only(points, names, f"{what}, points,")
    keyed = []
    for one in names:
        task, key = table("task", known.items())[one]
        worth = points.get(one, key.points)
        if type(worth) is not int or not 0 < worth <= 1000:
            raise BadInput(f"{what}: the points of {one} are a whole number from 1 to 1000, not {quoted(worth)}.")
        keyed.append((task, replace(key, points=worth)))
    deadline, late, days = chosen.get("deadline"), chosen.get("late", 0), chosen.get("days", 7)
    if deadline is not None and (not isinstance(deadline, datetime.datetime) or deadline.tzinfo is None):
        raise BadInput(f"{what}: a deadline has a day, a time and a zone, for example 2027-03-01T23:59:00+01:00.")
    if type(late) not in (int, float) or not 0 <= late <= 100 or type(days) is not int or not 0 <= days <= 366:
        raise BadInput(f"{what}: late is per cent for each day, from 0 to 100, and days a number of days, up to 366.")
    groups = chosen.get("groups", False)
    if type(groups) is not bool:
        raise BadInput(f"{what}: groups is true or false, without quotation marks, and not {quoted(groups)}.")
    title = str(chosen.get("title", of_book.title if of_book else name))
    about = ProblemSet(name, title, of_book.chapters if of_book else "", tuple(task for task, _ in keyed))
    return Assignment(about, tuple(keyed), deadline, late, days, groups)


def _own(path: Path) -> dict[str, tuple[Task, Key]]:
    """The teacher's tasks: a module with ``TASKS``, a list of pairs of `Task` and `Key`."""
    try:
        spec = importlib.util.spec_from_file_location("own_tasks", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found = {task.name: (task, key) for task, key in module.TASKS}
    except Exception as why:
        raise BadInput(f"the tasks in {quoted(str(path))} cannot be loaded: {quoted(str(why))}; "
                       "write a Python module with TASKS = [(Task(...), Key(...))].") from None  # fmt: skip
    for name, (task, key) in found.items():
        if not (isinstance(task, Task) and isinstance(key, Key) and name.isidentifier()):
            raise BadInput(f"{quoted(name)} in {quoted(str(path))} is no pair; write (Task(...), Key(...)).")
        for seed in range(20):  # one that cannot be put or answered is found now, not on the last evening
            try:
                wrong = _wrong(task, key, task.draw(random.Random(seed)))
            except Exception as why:
                raise BadInput(
                    f"the task {quoted(name)} fails for some numbers; write it for all ({quoted(str(why))})."
                ) from None
            if wrong:
                raise BadInput(f"the task {quoted(name)}: {wrong}.")
    return found


def _wrong(task: Task, key: Key, given: Given) -> str:
    """What keeps a task from being graded with some numbers: its answer is not taken, or a mistake is the answer."""
    task.prompt.format_map(given)
    if key.read is None or key.answer is None:
        return ""
    right, question = key.answer(given), replace(key.question(task), draw=lambda _: given)
    if not question.judge(question.write(right)).right:
        return f"its own answer {quoted(right)} is not taken for right; choose another reader, for example ask.count"
    for mistake, sentence in key.mistakes:
        said = quoted(sentence.format_map(given))
        if mistake(given) == right:
            return f"the mistake {said} is the right answer with {quoted(dict(given))}; draw other numbers"
    return ""
