"""What is written about marks: the table, a feedback page for each student, the sheets for what is marked by hand."""

from __future__ import annotations

from collections.abc import Sequence

from . import words
from .record import Record, csv_text
from .score import Mark, Result
from .tasks import Course

STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:44em;margin:2em auto;padding:0 1em}"
    "pre{white-space:pre-wrap;background:#8881;padding:.5em}"
)


def write(course: Course, record: Record, results: Sequence[Result]) -> None:
    """grades.csv, ``feedback/``, and ``by-hand-TASK.md`` for each task that is marked by hand."""
    record.write("grades.csv", csv_text(table(record, results)))
    for result in results:
        record.write(f"feedback/{words.file_name(result.student)}.md", feedback(course, record, result))
    for task, key in record.assignment.keyed:
        if key.read is None:
            record.write(f"by-hand-{task.name}.md", sheet(record, results, task.name, key.rubric))


def table(record: Record, results: Sequence[Result]) -> list[list[str]]:
    """The rows of grades.csv. What is still to be marked by hand is left empty."""
    names = [task.name for task, _ in record.assignment.keyed]
    rows = [["student", *names, "points", "most", "notes"]]
    for result in results:
        points = {mark.task: mark.points for mark in result.marks}
        shown = ["" if points[name] is None else f"{points[name]:g}" for name in names]
        rows.append([words.in_table(result.student), *shown, f"{result.points:g}", f"{result.most}",
                     words.in_table("; ".join(result.notes))])  # fmt: skip
    return rows


def _got(mark: Mark) -> str:
    return f"to be marked, of {mark.most}" if mark.points is None else f"{mark.points:g} of {mark.most}"


def _title(record: Record, result: Result) -> str:
    left = f", {result.open} to be marked" if result.open else ""
    return f"{record.assignment.name}, {result.student}: {result.points:g} of {result.most}{left}"


def feedback(course: Course, record: Record, result: Result) -> str:
    """What a student gets to read, in Markdown."""
    lines = [
        f"# {words.in_markdown(_title(record, result))}",
        *(f"- {words.in_markdown(note)}" for note in result.notes),
    ]
    tasks = {task.name: task for task, _ in record.assignment.keyed}
    for mark in result.marks:
        lines += ["", f"## {mark.task}: {_got(mark)}", "", words.in_markdown(_asked(course, tasks[mark.task], result))]
        lines += ["", words.in_markdown(mark.said)] if mark.said else []
        lines += ["", words.fenced(mark.quoted)] if mark.quoted else []
    return "\n".join(lines) + "\n"


def page(course: Course, record: Record, result: Result) -> str:
    """The same as a page, for an LMS."""
    title = words.in_html(_title(record, result))
    parts = [f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>',
             f"<h1>{title}</h1>"]  # fmt: skip
    if result.notes:
        parts.append("<ul>" + "".join(f"<li>{words.in_html(note)}</li>" for note in result.notes) + "</ul>")
    tasks = {task.name: task for task, _ in record.assignment.keyed}
    for mark in result.marks:
        parts.append(
            f"<h2>{mark.task}: {_got(mark)}</h2><p>{words.in_html(_asked(course, tasks[mark.task], result))}</p>"
        )
        parts += [f"<p>{words.in_html(mark.said)}</p>"] if mark.said else []
        parts += [f"<pre>{words.in_html(mark.quoted)}</pre>"] if mark.quoted else []
    return "\n".join(parts) + "\n</html>\n"


def _asked(course: Course, task: object, result: Result) -> str:
    from hvlib.teaching.homework import Task

    assert isinstance(task, Task)
    try:
        return course.text(task, result.asked or result.student)
    except Exception:  # a folder whose name is no id, or a teacher's own task that fails with these numbers
        return ""


def sheet(record: Record, results: Sequence[Result], name: str, rubric: Sequence[str]) -> str:
    """What all students wrote to one task, with the rubric; points are typed into marks.csv."""
    lines = [f"# {record.assignment.name}, {name}: to be marked by hand", "",
             "Type the points into marks.csv, then say: grading report.", "",
             *(f"- {line}" for line in rubric)]  # fmt: skip
    for result in results:
        (mark,) = (mark for mark in result.marks if mark.task == name)
        lines += ["", f"## {words.in_markdown(result.student)}: {_got(mark)}", ""]
        lines.append(words.fenced(mark.quoted) if mark.quoted else "Nothing written.")
    return "\n".join(lines) + "\n"
