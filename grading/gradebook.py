"""What goes back to the LMS: the gradebook in the form in which it was exported, and the feedback under its names."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Mapping, Sequence
from io import BytesIO
from pathlib import Path, PurePosixPath

from . import report, words
from .collect import CANVAS, MOODLE, SURELY, File, Roster, collected, whose, zip_in
from .record import Record, csv_text
from .score import Result
from .tasks import Course


def rows(
    of: Roster, record: Record, results: Sequence[Result], column: str | None, never: Collection[str] = ()
) -> list[list[str]]:
    """The roster's own lines with the points. Who is not marked to the end, or was ``never`` graded, has none yet."""
    found = {result.student: result for result in results}
    owner = {person.id: of.owner(person, record.assignment) for person in of.people}
    owners = {person: found.get(one) for person, one in owner.items()}
    without = {
        person: "handed in, and not graded yet" if one in never else "not handed in" for person, one in owner.items()
    }
    grade = {person: "" if owner[person] in never else _grade(result) for person, result in owners.items()}
    title = column or f"{record.assignment.name}: {record.assignment.about.title}"
    if of.form == "moodle":
        columns = [
            *of.columns,
            *(name for name in ("Grade", "Maximum Grade", "Feedback comments") if name not in of.columns),
        ]
        table = [columns]
        for person in of.people:
            told = {"Grade": grade[person.id], "Maximum Grade": f"{record.assignment.most}",
                    "Feedback comments": _each(owners[person.id]) or without[person.id]}  # fmt: skip
            table.append([words.in_table(told.get(name, person.row.get(name, ""))) for name in columns])
        return table
    if of.form == "canvas":
        columns = [
            name for name in of.columns if name.strip() in ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
        ]
        table = [[*columns, title], ["    Points Possible", *[""] * (len(columns) - 1), f"{record.assignment.most}"]]
        return table + [
            [*(words.in_table(person.row.get(name, "")) for name in columns), grade[person.id]] for person in of.people
        ]
    names = [task.name for task, _ in record.assignment.keyed]
    table = [["id", "name", *names, "points", "most", "notes"]]
    for person in of.people:
        result = owners[person.id]
        each = {mark.task: "" if mark.points is None else f"{mark.points:g}" for mark in result.marks} if result else {}
        notes = "; ".join(result.notes) if result else without[person.id]
        table.append([words.in_table(person.id), words.in_table(person.name), *(each.get(name, "") for name in names),
                      grade[person.id], f"{record.assignment.most}", words.in_table(notes)])  # fmt: skip
    return table


def _grade(result: Result | None) -> str:
    if result is None:
        return "0"
    return "" if result.open else f"{result.points:g}"


def _each(result: Result | None) -> str:
    if result is None:
        return ""
    marks = ", ".join(f"{mark.task} {mark.points:g}/{mark.most}" for mark in result.marks if mark.points is not None)
    return "; ".join([marks, *result.notes])


def write(
    of: Roster,
    course: Course,
    record: Record,
    results: Sequence[Result],
    hand_ins: Path,
    column: str | None,
    never: Collection[str] = (),
) -> None:
    """gradebook.csv and feedback.zip in the folder of the marks."""
    record.write("gradebook.csv", csv_text(rows(of, record, results, column, never)))
    named = collected(hand_ins / f"{record.assignment.name}.csv")
    data = BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        used: set[str] = set()
        for result in results:
            name = lms_name(named.get(result.student, {}), result.student, of)
            name = f"{words.file_name(result.student)}-{name}" if name in used else name
            used.add(name)
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, report.page(course, record, result).encode("utf-8", "backslashreplace"))
    (record.folder / "feedback.zip").write_bytes(data.getvalue())


def lms_name(row: Mapping[str, str], student: str, of: Roster) -> str:
    """The name under which an LMS takes the feedback for a file that it delivered."""
    own = f"{words.file_name(student)}.html"
    path = PurePosixPath(row.get("file", ""))
    if not path.name or whose(File(str(path), "", b"", zipped=zip_in(path.parent)), of.people)[1] != SURELY:
        return own
    for part in path.parts:
        if moodle := list(MOODLE.finditer(part)):
            return f"{part}/feedback.html" if part != path.name else f"{part[: moodle[0].end()]}_feedback.html"
    return f"{path.stem}.html" if CANVAS.fullmatch(path.name) else own
