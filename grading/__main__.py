"""``python -m grading``: make the problem sets, grade hand-ins, try it on a fabricated class."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hvlib.command import Parser, complain, run
from hvlib.errors import BadInput, quoted
from hvlib.teaching.homework import SETS
from hvlib.units import whole_number

from . import course, demo, nbgrader_course, sets


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    parser = Parser(prog="python -m grading", description=__doc__.split(": ", 1)[1], example="grade ps1 hand-ins")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("sets", help="write the problem sets, the instructor's and the release")
    one = commands.add_parser(
        "grade", help="grade a folder of hand-ins: HAND_INS/STUDENT/SET/SET.ipynb", example="ps1 hand-ins"
    )
    one.add_argument("set", choices=list(SETS))
    one.add_argument("hand_ins", type=Path)
    one.add_argument("--into", type=Path, default=Path("graded"), help="where marks and feedback go (default: graded)")
    one.add_argument("--jobs", type=int, help="hand-ins at a time (default: one for each core)")
    one.add_argument("--shard", default="1/1", help="grade a part only, for example 2/4, on another machine")
    try_it = commands.add_parser("demo", help="grade a fabricated class of forty, ten of them hostile")
    try_it.add_argument("--nbgrader", action="store_true", help="take it through nbgrader as well, and compare")
    options = parser.parse_args(arguments)
    try:
        if options.command == "sets":
            for path in sets.write():
                print(path.relative_to(sets.ROOT.parents[1]))
            return 0
        if options.command == "grade":
            number, _, of = options.shard.partition("/")
            if not (number.isdecimal() and of.isdecimal() and len(options.shard) < 20):
                raise BadInput(f"shard {quoted(options.shard)} is none; write for example 2/4, the second of four.")
            jobs = None if options.jobs is None else whole_number(options.jobs, "jobs", 1, 1024)
            course.students(options.hand_ins, (int(number), int(of)))
            course.check_place(options.into)
            found = course.answers(options.set, options.hand_ins, shard=(int(number), int(of)), jobs=jobs,
                                   tell=course.to_terminal)  # fmt: skip
            results = course.grade(found)
            course.write(results, options.set, options.into)
            print(f"{len(results)} hand-ins: {options.into}/grades.csv")
            return 0
        return _demo(options.nbgrader)
    except BadInput as why:
        return complain(str(why))


def _demo(with_nbgrader: bool) -> int:
    with tempfile.TemporaryDirectory(prefix="class-") as name:
        folder = Path(name)
        expected = demo.build(folder / "submitted")
        found = course.answers(demo.SET, folder / "submitted", tell=course.to_terminal)
        results = course.grade(found)
        course.write(results, demo.SET, folder / "graded")
        mine = {result.student: result.points for result in results}
        theirs = nbgrader_course.grade(demo.SET, found, folder, course.to_terminal) if with_nbgrader else mine
    wrong = [student for student in expected if not expected[student] == mine[student] == theirs.get(student)]
    for number, trick in enumerate(demo.IN_CLASS, demo.ORDINARY + 1):
        student = f"s{number:02d}"
        print(f"{student}  {trick:32} expected {expected[student]:2}, got {mine[student]:2}")
    graders = "both graders" if with_nbgrader else "the grader"
    print(f"{len(expected) - len(wrong)} of {len(expected)} hand-ins scored as expected by {graders}")
    for student in wrong:
        print(f"  {student}: expected {expected[student]}, got {mine[student]}, nbgrader {theirs.get(student)}")
    return bool(wrong)


if __name__ == "__main__":
    run(main)
