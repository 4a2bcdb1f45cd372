"""What is kept of a graded set: what came through the wall, the teacher's marks, and copies before anything changes.

A folder for each set. ``outcomes.jsonl`` has a line for each hand-in, written when it has run; the last line of a
student counts. So a run that was cut off goes on where it was, and one student can be graded again beside the others.
``marks.csv`` is the teacher's: points for what is marked by hand, and points with a reason for what was graded wrongly.
Whatever is written over is copied into ``before/`` first.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hvlib.errors import BadInput, quoted
from hvlib.teaching.homework import student_id

from .run import Outcome
from .tasks import Assignment
from .words import from_table, in_table

COLUMNS = ("student", "task", "points", "reason")
WHOSE = ("roster", "notebook")
"""Whose numbers may count: the student's in the roster, or those of the id typed in the notebook."""
Told = dict[str, dict[str, tuple[float, str]]]
"""Student -> task -> points and reason."""


@dataclass(frozen=True)
class Entry:
    """A hand-in that was run: whose, a digest of what was run, when it was handed in, and what came of it."""

    student: str
    digest: str
    outcome: Outcome
    handed_in: str = ""
    notes: tuple[str, ...] = ()


@dataclass
class Record:
    """The folder of a graded set."""

    folder: Path
    assignment: Assignment
    stamp: str = field(default_factory=lambda: datetime.datetime.now().strftime("%Y%m%d-%H%M%S"))

    def __post_init__(self) -> None:
        """Make the folder. Raises `BadInput` where it cannot be written to, or belongs to another set."""
        try:
            (self.folder / "feedback").mkdir(parents=True, exist_ok=True)
            writable = os.access(self.folder, os.W_OK) and os.access(self.folder / "feedback", os.W_OK)
        except OSError:
            writable = False
        if not writable:
            raise BadInput(
                f"{quoted(str(self.folder))} is no folder that can be written to; choose another for --into."
            )
        found = self._lines()
        if found and found[0].get("set") != self.assignment.name:
            raise BadInput(f"{quoted(str(self.folder))} holds the marks of another set, {found[0].get('set')}; "
                           "choose another folder for --into.")  # fmt: skip

    # --- what was run ---

    def _lines(self) -> list[dict[str, object]]:
        path = self.folder / "outcomes.jsonl"
        found = []
        for line in path.read_text("utf-8", "replace").split("\n") if path.exists() else ():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue  # the line that was being written when the run was cut off
        return [line for line in found if isinstance(line, dict) and "student" in line]

    def entries(self) -> dict[str, Entry]:
        """Student -> the last entry. Raises `BadInput` for a record with other fields."""
        found = {}
        for line in self._lines():
            try:
                outcome = Outcome(**line["outcome"])  # type: ignore[arg-type]
                entry = Entry(str(line["student"]), str(line["digest"]), outcome, str(line["handed_in"]),
                              tuple(line["notes"]))  # type: ignore[arg-type]  # fmt: skip
            except (KeyError, TypeError):
                raise BadInput(f"{quoted(str(self.folder))} was written by another version of the grader; grade again, "
                               "with another folder for --into.") from None  # fmt: skip
            found[entry.student] = entry
        return dict(sorted(found.items()))

    def add(self, entry: Entry) -> None:
        """Write an entry down, at once."""
        line = json.dumps({"set": self.assignment.name, **asdict(entry)})
        with (self.folder / "outcomes.jsonl").open("a+b") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")  # the last line was cut off
            file.write(line.encode("ascii") + b"\n")

    def merge(self, other: Path) -> int:
        """Take over what another folder of the same set has, its marks too; returns how many hand-ins.

        Raises `BadInput` where a student has other points there: nothing of the marks is taken over then.
        """
        theirs = Record(other, self.assignment)
        mine, told = self.entries(), self.told()
        for entry in theirs.entries().values():
            if mine.get(entry.student) != entry:
                self.add(entry)
        for student, tasks in theirs.told().items():
            for task, points in tasks.items():
                if told.setdefault(student, {}).setdefault(task, points) != points:
                    raise BadInput(f"{quoted(student)} has other points for {task} in {quoted(str(other))}; "
                        "settle it in one of the two marks.csv first.")  # fmt: skip
        self.ask(told, ())
        if not (self.folder / "whose-numbers").exists() and theirs.typed:
            self.count(WHOSE[1])
        return len(theirs.entries())

    # --- what the teacher says ---

    @property
    def typed(self) -> bool:
        """Do the numbers of the id count that was typed in the notebook, where it is another?"""
        path = self.folder / "whose-numbers"
        return path.exists() and path.read_text("utf-8", "replace").strip() == WHOSE[1]

    def count(self, whose: str) -> None:
        """Say whose numbers count, one of `WHOSE`, until another is said."""
        self.write("whose-numbers", f"{whose}\n")

    def told(self) -> Told:
        """The points in marks.csv. Raises `BadInput` with the line that cannot be understood."""
        found: Told = {}
        lines: dict[tuple[str, str], int] = {}
        for number, row in self._marks():
            student, task = from_table(row["student"].strip()), row["task"].strip()
            points, reason = row["points"].strip(), from_table(row["reason"].strip())
            if not points:
                continue
            key = {one.name: key for one, key in self.assignment.keyed}.get(task)
            where = f"line {number} of {quoted(str(self.folder / 'marks.csv'))}"
            if key is None:
                raise BadInput(f"{where}: {self.assignment.name} has no task {quoted(task)}; choose one of the set.")
            try:
                value = float(points.replace(",", "."))
            except ValueError:
                value = -1.0
            if not 0 <= value <= key.points:
                raise BadInput(f"{where}: points are a number from 0 to {key.points}, and {quoted(points)} is none.")
            if key.read is not None and not reason:
                raise BadInput(f"{where}: points for a task that is graded automatically need one; write a reason.")
            points_there = found.setdefault(_same(student), {})
            if points_there.get(task, (value, ""))[0] != value:
                raise BadInput(f"{where}: {quoted(student)} has other points for {task} on line "
                               f"{lines[_same(student), task]}; keep one of the two.")  # fmt: skip
            points_there[task], lines[_same(student), task] = (value, reason), number
        return found

    def _marks(self) -> list[tuple[int, dict[str, str]]]:
        path = self.folder / "marks.csv"
        if not path.exists():
            return []
        rows = table_of(path.read_bytes())
        names = [name.strip().lower() for name in rows[0][1]] if rows else []
        if not set(COLUMNS) <= set(names):
            raise BadInput(f"{quoted(str(path))} has other columns; write a first line student,task,points,reason.")
        return [
            (number, {name: (row[names.index(name)] if names.index(name) < len(row) else "") for name in COLUMNS})
            for number, row in rows[1:]
            if any(row)
        ]

    def ask(self, told: Told, students: Iterable[str]) -> None:
        """See that marks.csv has a line for each task to be marked by hand; lines that are there stay as they are."""
        rows = [[row[name] for name in COLUMNS] for _, row in self._marks()]
        there = {(_same(from_table(row[0])), row[1].strip()): row for row in rows}
        for student, tasks in told.items():
            for task, (points, reason) in tasks.items():
                row = there.get((student, task))
                if row is None:
                    rows.append([in_table(student), task, f"{points:g}", in_table(reason)])
                    there[student, task] = rows[-1]
                elif not row[2].strip():
                    row[2:] = [f"{points:g}", in_table(reason)]
        by_hand = [task.name for task, key in self.assignment.keyed if key.read is None]
        for student in students:
            rows += [[in_table(student), name, "", ""] for name in by_hand if (_same(student), name) not in there]
        self.write("marks.csv", csv_text([COLUMNS, *rows]))

    # --- what is written ---

    def write(self, name: str, text: str) -> None:
        """Write a file of this folder. What was there and differs is kept in ``before/`` with the time of this run."""
        path, data = self.folder / name, text.encode("utf-8", "backslashreplace")
        if path.exists():
            if path.read_bytes() == data:
                return
            kept = self.folder / "before" / self.stamp / name
            kept.parent.mkdir(parents=True, exist_ok=True)
            if not kept.exists():
                shutil.copy2(path, kept)
        beside = path.with_name(f".{path.name}.new")
        beside.write_bytes(data)
        beside.replace(path)


def _same(student: str) -> str:
    try:
        return student_id(student)
    except BadInput:
        return student.strip()


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV, lines ending as spreadsheets write them."""
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue()


def table_of(data: bytes) -> list[tuple[int, list[str]]]:
    """The rows of a CSV file as programs write it, each with the number of the line that it begins on.

    Any usual encoding; commas, semicolons or tabs. Raises `BadInput` for a field that does not end.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", "replace")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader, rows, line = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [], 1
    try:
        for row in reader:
            rows.append((line, row))
            line = reader.line_num + 1
    except csv.Error as why:
        raise BadInput(f"a CSV file cannot be read ({why}); look for a quotation mark that is never closed.") from None
    return rows


def dictionaries(data: bytes) -> list[tuple[int, Mapping[str, str]]]:
    """The rows of a CSV file by the names in its first line, each with its line's number."""
    rows = table_of(data)
    names = rows[0][1] if rows else []
    return [(line, dict(zip(names, [*row, *[""] * len(names)], strict=False))) for line, row in rows[1:] if any(row)]
