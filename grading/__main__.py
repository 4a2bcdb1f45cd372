"""``grading``: collect what was handed in, grade it behind a wall, keep the marks, give them back to the LMS."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hvlib.errors import BadInput, quoted
from hvlib.teaching import concepts
from hvlib.teaching.homework import student_id
from hvlib.terminal import Parser, complain, one_line, run, say
from hvlib.units import whole_number

from . import collect, course, demo, gradebook, measure, nbgrader_course, sets, tasks
from .probe import check
from .record import WHOSE, Record
from .run import UNREAD
from .score import OF_THE_BOOK, Result
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
            where = "the course file (default: $GRADING_COURSE, or else the book's problem sets)"
            found.add_argument("--course", type=Path, default=os.environ.get("GRADING_COURSE") or None, help=where)
        return found

    def marks(name: str, words: str, example: str) -> Parser:
        found = command(name, words, example)
        found.add_argument("set")
        found.add_argument("--into", type=Path, help="the folder of the marks (default: graded/SET)")
        return found

    def whose(found: Parser) -> None:
        words = "whose numbers count where the notebook names another student (default: as said before, or else roster)"
        found.add_argument("--id", choices=WHOSE, help=words)

    one = command("course", "write a course file with a secret of its own", "my-course", of_course=False)
    one.add_argument("folder", type=Path)
    command("sets", "write the release of the book's problem sets", of_course=False)
    one = command("collect", "sort what an LMS delivered into a folder for each student", "ps1.zip --roster class.csv")
    one.add_argument("source", type=Path, help="a zip or a folder")
    one.add_argument("--roster", type=Path, required=True, help="the class: a CSV of the LMS, or one with id,name")
    one.add_argument("--set", help="the set (default: the one that the files' names tell)")
    one.add_argument("--into", type=Path, default=Path("hand-ins"), help="default: hand-ins")
    one.add_argument("--as", dest="said", action="append", default=[], metavar="FILE=ID", help="whose a file is")
    one = command("release", "write the notebooks for students, and the instructor's copy", "ps1 --roster class.csv")
    one.add_argument("set")
    one.add_argument("--roster", type=Path, help="needed for a course with a secret: each student has a notebook")
    one.add_argument("--into", type=Path, default=Path("notebooks"), help="default: notebooks")
    one = marks("gradebook", "write gradebook.csv and feedback.zip for the LMS", "ps1 --roster class.csv")
    one.add_argument("--roster", type=Path, required=True)
    one.add_argument("--hand-ins", type=Path, default=Path("hand-ins"), help="where collect put them")
    one.add_argument("--column", help="the name of the column in Canvas, for example 'Problem set 1 (4711)'")
    whose(one)
    one = marks("nbgrader", "take what was graded through nbgrader, from notebooks rebuilt of plain values", "ps1")
    one.add_argument("folder", type=Path, help="a new folder for nbgrader's course")
    one = command("measure", "say what a class learned, from both sittings of the concept test", "results",
                  of_course=False)  # fmt: skip
    one.add_argument("results", type=Path, help="a CSV file, student,seed,when,form,answers, or a folder of them")
    one = command("export", "write questions for an LMS: Moodle XML, and QTI", "questions", of_course=False)
    one.add_argument("what", choices=["questions", "concept-test"])
    one.add_argument("--into", type=Path, default=Path("."))
    one.add_argument("--seeds", type=int, default=5, help="how many variants of each (default: 5)")
    one.add_argument("--when", choices=concepts.WHEN, default="before", help="of the concept test: which sitting")
    one.add_argument("--form", choices=list(concepts.FORMS), default="A", help="of the concept test: which form")
    one = marks("grade", "grade a folder of hand-ins: HAND_INS/STUDENT/SET/SET.ipynb", "ps1 hand-ins")
    one.add_argument("hand_ins", type=Path)
    one.add_argument("--only", action="append", metavar="STUDENT", help="grade this one again, and leave the others")
    one.add_argument("--again", action="store_true", help="run also what was run before and has not changed")
    whose(one)
    one.add_argument("--jobs", type=int, help="hand-ins at a time (default: one for each core)")
    one.add_argument("--shard", default="1/1", help="grade a part only, for example 2/4, on another machine")
    one.add_argument("--no-wall", action="store_true", help="run hand-ins with your own rights; only for your own")
    one.add_argument("--image", help="a container's image with a C library like this machine's")
    one = marks("report", "read marks.csv again, and write the table, the sheets and the feedback", "ps1")
    whose(one)
    one = marks("merge", "take over what was graded in other folders, with the marks", "ps1 machine-2/graded/ps1")
    one.add_argument("folders", type=Path, nargs="+")
    whose(one)
    one = command("wall", "try the wall of this machine", of_course=False)
    one.add_argument("--image", help="a container's image with a C library like this machine's")
    try_it = command("demo", "grade a fabricated class, some of them hostile", of_course=False)
    try_it.add_argument("--students", type=int, default=40, help="how many (default: 40; ten of them hostile)")
    try_it.add_argument("--write", type=Path, metavar="FOLDER",
                        help="write the class's roster, and what Moodle would deliver, and grade nothing")  # fmt: skip
    try_it.add_argument("--nbgrader", action="store_true", help="take it through nbgrader as well, and compare")
    return parser


def _course(options: Namespace) -> tasks.Course:
    return tasks.load(options.course) if options.course is not None else tasks.BOOK


def _record(options: Namespace, of: tasks.Course, *, new: bool = False) -> Record:
    """The folder of the marks. Raises `BadInput` for one that has none, unless it may be ``new``."""
    assignment, folder = of.sets[options.set], options.into or Path("graded") / options.set
    if not new and not (folder / "outcomes.jsonl").is_file():
        raise BadInput(f"{quoted(str(folder))} has no marks; write grading grade first, or choose another for --into.")
    record = Record(folder, assignment)
    if getattr(options, "id", None):
        record.count(options.id)
    return record


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
    handed = course.hand_ins(options.hand_ins, chosen.sets[options.set].name, (int(number), int(of)), _warn)
    if options.only:
        wanted = {student_id(name) for name in options.only}
        missing = wanted - {one.student for one in handed}
        if missing:
            raise BadInput(
                f"{quoted(sorted(missing)[0])} has no folder in {quoted(str(options.hand_ins))}; choose one who has."
            )
        handed = [one for one in handed if one.student in wanted]
    record = _record(options, chosen, new=True)
    record.told()  # a line that cannot be understood is said before the work
    hidden = [options.hand_ins, record.folder, *([options.course.parent] if options.course else [])]
    with _walled(options, hidden) as how:
        failed = course.grade(chosen, options.set, handed, record, how, again=options.again or bool(options.only))
    found = course.write(chosen, record)
    doubts = [f"{one.student}: {doubt}" for one in handed for doubt in one.doubts]
    for doubt in doubts:
        _warn(doubt)
    _tell(record, found, {one.student for one in handed})
    return 1 if failed or doubts else 0


def _warn(sentence: str) -> None:
    print(one_line(sentence), file=sys.stderr)


def _collect(options: Namespace) -> int:
    chosen, of = _course(options), collect.roster(options.roster)
    name = options.set or _guessed(options.source, list(chosen.sets))
    assignment, said = chosen.sets[name], dict[str, str]()
    for pair in options.said:
        file, equals, who = pair.rpartition("=")
        if not equals or student_id(who) not in {person.id for person in of.people}:
            raise BadInput(f"{quoted(pair)} names nobody of the roster; write for example --as 'ps1 (1).ipynb=s01'.")
        said[file] = who
    others = [other for other in chosen.sets if other != name]
    done = collect.collect(options.source, of, assignment, others, options.into, said)
    for remark in done.remarks:
        _warn(remark)
    for file in done.nobodys:
        _warn(f"nobody in the roster for {file!r}; say whose it is: --as {shlex.quote(f'{file}=ID')}")
    owners = len({of.owner(person, assignment) for person in of.people})
    now = f", {done.now} of them in this delivery" if done.now < done.handed_in else ""
    say(f"{done.handed_in} of {owners} handed in {name}{now}: {options.into}")
    return 1 if done.nobodys else 0


def _guessed(source: Path, names: list[str]) -> str:
    found = [name for name in names if collect.of_set(name, source.name)]
    if len(found) != 1 and source.exists():
        files = [file.name for file in collect.files(source)]
        many = {name: sum(collect.of_set(name, file) for file in files) for name in names}
        found = [name for name in names if many[name] == max(many.values()) > 0]
    if len(found) != 1:
        raise BadInput(f"no set is named in {quoted(str(source))}; write which, for example --set {names[0]}.")
    return found[0]


def _release(options: Namespace) -> int:
    chosen = _course(options)
    assignment = chosen.sets[options.set]
    students: list[str] = []
    if chosen.salt:
        if options.roster is None:
            raise BadInput(
                "each student of a course with a secret has a notebook; write for example --roster class.csv."
            )
        of = collect.roster(options.roster)
        students = list(dict.fromkeys(of.owner(person, assignment) for person in of.people))
    written = sets.write_for(chosen, options.set, students, options.into)
    say(f"{len(written) - 1} for students: {options.into}/release; with solutions, for you: {written[0]}")
    return 0


def _gradebook(options: Namespace) -> int:
    chosen, of = _course(options), collect.roster(options.roster)
    record = _record(options, chosen)
    found = course.write(chosen, record)
    waiting = course.waiting(chosen, options.hand_ins, record)
    never = {student for student, at_all in waiting.items() if at_all}
    gradebook.write(of, chosen, record, found, options.hand_ins, options.column, never)
    for student in waiting:
        why = (
            "handed in and is not graded, so has no grade" if student in never else "is not graded as it lies there now"
        )
        _warn(f"{student} {why}; say grading grade {options.set} {shlex.quote(str(options.hand_ins))}")
    _tell_of_strangers(record, found)
    unmarked = sum(bool(result.open) for result in found)
    if unmarked:
        have = "1 student has" if unmarked == 1 else f"{unmarked} students have"
        _warn(f"{have} no grade yet, for something is still to be marked by hand")
    known = {of.owner(person, record.assignment) for person in of.people}
    for result in found:
        if result.student not in known:
            _warn(f"{result.student} is not in the roster, and not in the gradebook")
    say(f"{record.folder}/gradebook.csv and {record.folder}/feedback.zip, in the form of {of.form}")
    return 0


def _nbgrader(options: Namespace) -> int:
    chosen = _course(options)
    if options.folder.exists():
        raise BadInput(f"{quoted(str(options.folder))} is there already; choose a new folder.")
    found = nbgrader_course.grade(chosen, options.set, _record(options, chosen), options.folder, course.to_terminal)
    say(f"{len(found)} hand-ins: {options.folder}/grades.csv and {options.folder}/gradebook.db")
    return 0


def _measure(options: Namespace) -> int:
    say(measure.text(measure.learned(measure.sittings(options.results))))
    return 0


def _export(options: Namespace) -> int:
    from . import export

    seeds = whole_number(options.seeds, "seeds", 1, 50)
    options.into.mkdir(parents=True, exist_ok=True)
    for name, data in export.both(options.what == "questions", seeds, options.when, options.form):
        (options.into / name).write_bytes(data)
        say(f"{options.into / name}")
    return 0


def _tell_of_strangers(record: Record, found: Sequence[Result]) -> None:
    """Points in marks.csv that nobody gets, for a spreadsheet may have changed the ids."""
    for student in record.told().keys() - {result.student for result in found}:
        _warn(f"marks.csv has points for {quoted(student)}, who is not graded here: nobody gets them")


def _tell(record: Record, found: Sequence[Result], now: Collection[str]) -> None:
    """The table's place, and loudly what a teacher has to look at."""
    for result in found:
        for note in result.notes:
            if result.student in now and ("the notebook says" in note or note.startswith((OF_THE_BOOK, *UNREAD))):
                _warn(f"{result.student}: {note}")
    _tell_of_strangers(record, found)
    if found and not any(result.automatic for result in found):
        _warn("nobody has a point: was another set meant, or another course (--course, or $GRADING_COURSE)?")
    say(f"{len(found)} hand-ins: {record.folder}/grades.csv")
    left = sum(result.open for result in found)
    if left:
        say(f"{left} answers to be marked by hand: read {record.folder}/by-hand-*.md, type points into "
            f"{record.folder}/marks.csv, then say: grading report {record.assignment.name}")  # fmt: skip


def _report(options: Namespace) -> int:
    chosen = _course(options)
    record = _record(options, chosen)
    _tell(record, course.write(chosen, record), ())
    return 0


def _merge(options: Namespace) -> int:
    chosen = _course(options)
    for folder in options.folders:
        if not (folder / "outcomes.jsonl").is_file():
            raise BadInput(f"{quoted(str(folder))} is no folder of marks; choose one with a file outcomes.jsonl.")
    record = _record(options, chosen, new=True)
    for folder in options.folders:
        say(f"{folder}: {record.merge(folder)} hand-ins")
    _tell(record, course.write(chosen, record), ())
    return 0


def _wall(options: Namespace) -> int:
    with _walled(options):
        return 0


def _demo(options: Namespace) -> int:
    """Grade a fabricated class; returns 1 if somebody got other points than the class was made with."""
    number = whole_number(options.students, "students", demo.HOSTILE + 2, 5000)
    if options.write is not None:
        for path in demo.deliver(options.write, number):
            say(str(path))
        return 0
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
    "demo": _demo, "collect": _collect, "release": _release, "gradebook": _gradebook, "nbgrader": _nbgrader,
    "export": _export, "measure": _measure,
}  # fmt: skip


def start() -> None:
    """The command ``grading``."""
    run(main)


if __name__ == "__main__":
    start()
