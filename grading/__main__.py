"""``grading``: collect what was handed in, grade it behind a wall, keep the marks, give them back to the LMS."""

from __future__ import annotations

import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hvlib.command import Parser, complain, one_line, run, say
from hvlib.errors import BadInput, quoted
from hvlib.teaching.homework import student_id
from hvlib.units import whole_number

from . import course, demo, nbgrader_course, sets, tasks
from .probe import check
from .record import Record
from .score import Result
from .wall import choose, prepare


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(COMMANDS[options.command](options))
    except BadInput as why:
        return complain(str(why))


def _parser() -> Parser:
    parser = Parser(prog="grading", description=__doc__.split(": ", 1)[1], example="grade ps1 hand-ins")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, words: str, example: str = "", *, of_course: bool = True) -> Parser:
        found: Parser = commands.add_parser(name, help=words, description=words, example=example)
        if of_course:
            found.add_argument("--course", type=Path, help="the course file (default: the book's problem sets)")
        return found

    def marks(name: str, words: str, example: str) -> Parser:
        found = command(name, words, example)
        found.add_argument("set")
        found.add_argument("--into", type=Path, help="the folder of the marks (default: graded/SET)")
        return found

    one = command("course", "write a course file with a secret of its own", "my-course", of_course=False)
    one.add_argument("folder", type=Path)
    command("sets", "write the release of the book's problem sets", of_course=False)
    one = marks("grade", "grade a folder of hand-ins: HAND_INS/STUDENT/SET/SET.ipynb", "ps1 hand-ins")
    one.add_argument("hand_ins", type=Path)
    one.add_argument("--only", action="append", metavar="STUDENT", help="grade this one again, and leave the others")
    one.add_argument("--again", action="store_true", help="run also what was run before and has not changed")
    one.add_argument("--id", choices=["roster", "notebook"], default="roster",
                     help="whose numbers count where the notebook names another student (default: roster)")  # fmt: skip
    one.add_argument("--jobs", type=int, help="hand-ins at a time (default: one for each core)")
    one.add_argument("--shard", default="1/1", help="grade a part only, for example 2/4, on another machine")
    one.add_argument("--no-wall", action="store_true", help="run hand-ins with your own rights; only for your own")
    one.add_argument("--image", help="a container's image with a C library like this machine's")
    one = marks("report", "read marks.csv again, and write the table, the sheets and the feedback", "ps1")
    one.add_argument("--id", choices=["roster", "notebook"], default="roster")
    one = marks("merge", "take over what was graded in other folders, with the marks", "ps1 machine-2/graded/ps1")
    one.add_argument("folders", type=Path, nargs="+")
    one = command("wall", "try the wall of this machine", of_course=False)
    one.add_argument("--image", help="a container's image with a C library like this machine's")
    try_it = command("demo", "grade a fabricated class, some of them hostile", of_course=False)
    try_it.add_argument("--students", type=int, default=40, help="how many (default: 40; ten of them hostile)")
    try_it.add_argument("--nbgrader", action="store_true", help="take it through nbgrader as well, and compare")
    return parser


def _course(options: Namespace) -> tasks.Course:
    return tasks.load(options.course) if options.course is not None else tasks.BOOK


def _record(options: Namespace, of: tasks.Course) -> Record:
    return Record(options.into or Path("graded") / options.set, of.sets[options.set])


def _new_course(options: Namespace) -> int:
    say(f"{tasks.new(options.folder)}: keep it, and its secret, out of every public place.")
    return 0


def _sets(_: Namespace) -> int:
    for path in sets.write():
        say(str(path.relative_to(sets.ROOT.parents[1])))
    return 0


@contextmanager
def _walled(options: Namespace, hidden: Sequence[Path] = ()) -> Iterator[course.Run]:
    """What hand-ins are run with, the wall tried and announced."""
    jobs = getattr(options, "jobs", None)
    with tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        wall = choose(prepare(folder / "shared"), hidden, none=getattr(options, "no_wall", False),
                      image=getattr(options, "image", None))  # fmt: skip
        course.to_terminal(check(wall) + "\n")
        yield course.Run(wall, jobs=jobs, tell=course.to_terminal)


def _grade(options: Namespace) -> int:
    number, _, of = options.shard.partition("/")
    if not (number.isdecimal() and of.isdecimal() and number.isascii() and of.isascii() and len(options.shard) < 20):
        raise BadInput(f"shard {quoted(options.shard)} is none; write for example 2/4, the second of four.")
    if options.jobs is not None:
        whole_number(options.jobs, "jobs", 1, 1024)
    chosen = _course(options)
    handed = course.hand_ins(options.hand_ins, chosen.sets[options.set].name, (int(number), int(of)))
    if options.only:
        wanted = {student_id(name) for name in options.only}
        missing = wanted - {one.student for one in handed}
        if missing:
            raise BadInput(f"{quoted(sorted(missing)[0])} has no folder in {quoted(str(options.hand_ins))}.")
        handed = [one for one in handed if one.student in wanted]
    record = _record(options, chosen)
    record.told()  # a line that cannot be understood is said before the work
    hidden = [options.hand_ins, record.folder, *([options.course.parent] if options.course else [])]
    with _walled(options, hidden) as how:
        failed = course.grade(chosen, options.set, handed, record, how, again=options.again or bool(options.only))
    found = course.write(chosen, record, typed=options.id == "notebook")
    _tell(record, found, {one.student for one in handed})
    return 1 if failed else 0


def _tell(record: Record, found: Sequence[Result], now: Collection[str]) -> None:
    """The table's place, and loudly what a teacher has to look at."""
    for result in found:
        for note in result.notes:
            if result.student in now and ("the notebook says" in note or "no student id" in note):
                print(one_line(f"{result.student}: {note}"), file=sys.stderr)
    say(f"{len(found)} hand-ins: {record.folder}/grades.csv")
    left = sum(result.open for result in found)
    if left:
        say(f"{left} answers to be marked by hand: read {record.folder}/by-hand-*.md, type points into "
            f"{record.folder}/marks.csv, then say: grading report {record.assignment.name}")  # fmt: skip


def _report(options: Namespace) -> int:
    chosen = _course(options)
    record = _record(options, chosen)
    _tell(record, course.write(chosen, record, typed=options.id == "notebook"), ())
    return 0


def _merge(options: Namespace) -> int:
    chosen = _course(options)
    record = _record(options, chosen)
    for folder in options.folders:
        if not (folder / "outcomes.jsonl").is_file():
            raise BadInput(f"{quoted(str(folder))} is no folder of marks; one has a file outcomes.jsonl.")
        say(f"{folder}: {record.merge(folder)} hand-ins")
    _tell(record, course.write(chosen, record), ())
    return 0


def _wall(options: Namespace) -> int:
    with _walled(options):
        return 0


def _demo(options: Namespace) -> int:
    """Grade a fabricated class; returns 1 if somebody got other points than the class was made with."""
    number = whole_number(options.students, "students", 20, 5000)
    with tempfile.TemporaryDirectory(prefix="class-") as name, _walled(options) as how:
        folder = Path(name)
        expected = demo.build(folder / "hand-ins", number)
        record = Record(folder / "graded", tasks.BOOK.sets[demo.SET])
        handed = course.hand_ins(folder / "hand-ins", demo.SET)
        course.grade(tasks.BOOK, demo.SET, handed, record, how)
        mine = {result.student: result.automatic for result in course.write(tasks.BOOK, record)}
        theirs: dict[str, float] = dict(mine)
        if options.nbgrader:
            found = nbgrader_course.grade(tasks.BOOK, demo.SET, record, folder / "nbgrader", course.to_terminal)
            theirs = {student: found.get(student, -1) for student in mine}
    wrong = [student for student in expected if not expected[student] == mine.get(student) == theirs.get(student)]
    graders = "both graders" if options.nbgrader else "the grader"
    say(f"{len(expected) - len(wrong)} of {len(expected)} hand-ins scored as expected by {graders}")
    for student in wrong:
        say(f"  {student}: expected {expected[student]}, got {mine.get(student)}, nbgrader {theirs.get(student)}")
    return 1 if wrong else 0


COMMANDS: Mapping[str, Callable[[Namespace], int]] = {
    "course": _new_course, "sets": _sets, "grade": _grade, "report": _report, "merge": _merge, "wall": _wall,
    "demo": _demo,
}  # fmt: skip


def start() -> None:
    """The command ``grading``."""
    run(main)


if __name__ == "__main__":
    start()
