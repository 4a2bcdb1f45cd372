"""A course of a teacher's own: a secret, tasks, deadlines and groups; and numbers that nobody can guess or be told."""

import re
import subprocess
import sys
import textwrap
import zipfile
from collections import Counter
from pathlib import Path

import pytest

import hvlib as hv
from grading import collect, course, nbgrader_course, record, report, score, sets, tasks
from grading.__main__ import main
from grading.keys import keyed
from grading.run import Outcome
from hvlib.teaching import homework
from hvlib.teaching.questions import QUESTIONS

pytestmark = pytest.mark.beside
ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "book" / "instructors.md").read_text("utf-8")
OWN = textwrap.dedent(re.search(r"### Tasks of your own\n.*?\n\n((?: {4}[^\n]*\n|\n)+)", GUIDE, re.DOTALL)[1])
"""The tasks that the teachers' guide writes."""


@pytest.mark.slow
@pytest.mark.parametrize("problem_set", list(homework.SETS))
def test_the_students_library_is_no_oracle(problem_set):
    """No question of a chapter answers a task when it is given the task's numbers."""
    for task, key in keyed(problem_set):
        for name, question in QUESTIONS.items():
            right, wrong = 0, 0
            while key.read is not None and wrong < 3 and right < 8:  # two in three right is an oracle
                given = task.given(f"s{right + wrong}")
                try:
                    hit = question.answer(given) == key.answer(given)
                except (KeyError, TypeError, ValueError, AttributeError):
                    break
                right, wrong = right + hit, wrong + (not hit)
            assert right < 8, (task.name, name)


@pytest.mark.slow
@pytest.mark.parametrize("problem_set", list(homework.SETS))
def test_blind_guesses_are_worth_little(problem_set):
    """Who always gives the answer that is most frequent gets at most 1.5 of 12 points."""
    worth = 0.0
    for task, key in keyed(problem_set):
        if key.read is not None:
            answers = Counter(key.answer(task.given(f"x{number}")) for number in range(120))
            worth += key.points * answers.most_common(1)[0][1] / 120
    assert worth <= 1.5


@pytest.fixture
def mine(tmp_path):
    path = tasks.new(tmp_path / "course")
    text = re.sub('secret = ".*"', 'secret = "the same in each run"', path.read_text())
    text = text.replace("[sets.ps2]", "").replace("[sets.ps3]", "")
    path.write_text(
        text.replace("[sets.ps1]", "").replace('# tasks = "tasks.py"', 'tasks = "tasks.py"')
        + """
[sets.mine]
title = "Of my own"
tasks = ["tables", "leaf", "why_eight"]
points = { tables = 3, leaf = 5 }
deadline = 2027-03-01T23:59:00+01:00
late = 10
days = 2
groups = true
"""
    )
    (path.parent / "tasks.py").write_text(OWN)
    return path


def test_a_course_has_a_secret_tasks_of_its_own_and_numbers_of_its_own(mine):
    of = tasks.load(mine)
    assert mine.stat().st_mode & 0o077 == 0
    assignment = of.sets["mine"]
    assert [(task.name, key.points) for task, key in assignment.keyed] == [("tables", 3), ("leaf", 5), ("why_eight", 4)]
    task, _ = assignment.keyed[1]
    others = [f"s{number:02d}" for number in range(2, 22)]  # two may have the same numbers by chance
    same = [name for name in others if of.given(task, name) == task.given(name)]
    assert len(same) < 10, "the public library draws other numbers"
    other = tasks.load(tasks.new(mine.parent / "again"))
    assert of.salt != other.salt
    values = {task.name: key.answer(of.given(task, "s01")) for task, key in assignment.keyed if key.read is not None}
    assert score.score(of, "mine", "s01", Outcome(values)).automatic == 8
    assert sum(score.score(of, "mine", name, Outcome(values)).automatic for name in others) < 8 * 10
    wrong = score.score(of, "mine", "s01", Outcome({"tables": values["tables"] // 8}))
    assert "64 is how many struct pages fill a page." in wrong.marks[0].said
    notebook = sets.release("mine", of, "s01")
    text = sets.text(notebook)
    assert of.text(assignment.keyed[0][0], "s01") in text, (
        "the text has the numbers, and needs no hvlib of the teacher's"
    )
    assert of.salt not in text
    assert "hv.homework" not in text
    assert 'student = \\"s01\\"' in text


def test_late_points(mine):
    assignment = tasks.load(mine).sets["mine"]
    for when, share in (("", 1), ("2027-03-01T23:59:00", 1), ("2027-03-01T22:59:00+00:00", 1), ("2027-03-02T00:00:00", 0.9),
                        ("2027-03-03T23:00:00", 0.8), ("2027-03-05T00:00:00", 0)):  # fmt: skip
        assert assignment.share(when)[0] == pytest.approx(share), when
    assert assignment.share("2027-03-02T00:00:00")[1] == "late by 1 day: 90% of the points count"


def test_groups_hand_in_together(mine, tmp_path, capsys):
    roster = tmp_path / "class.csv"
    roster.write_text("id,name,group\ns01,A B,red\ns02,C D,red\ns03,E F,blue\n")
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as archive:
        archive.writestr("s02.ipynb", "x")
    said = ["--course", str(mine), "--roster", str(roster)]
    into = tmp_path / "in"
    assert main(["collect", str(tmp_path / "mine.zip"), *said, "--into", str(into)]) == 0
    assert (into / "red" / "mine" / "mine.ipynb").exists()
    assert main(["release", "mine", *said, "--into", str(tmp_path / "out")]) == 0
    assert len(list((tmp_path / "out" / "release").rglob("*.ipynb"))) == 2
    of = tasks.load(mine)
    kept = record.Record(tmp_path / "graded", of.sets["mine"])
    for one in course.hand_ins(into, "mine"):
        values = {task.name: key.answer(of.given(task, one.student)) for task, key in of.sets["mine"].keyed if key.read}
        kept.add(record.Entry(one.student, "x", Outcome(values) if one.path else Outcome()))
    assert main(["gradebook", "mine", *said, "--into", str(kept.folder), "--hand-ins", str(into)]) == 0
    points = {row.split(",")[0]: row.split(",")[5] for row in (kept.folder / "gradebook.csv").read_text().splitlines()}
    assert points == {"id": "points", "s01": "8", "s02": "8", "s03": "0"}
    assert "tables: 3 of 3" in report.feedback(of, kept, course.results(of, kept)[1])


def test_a_group_is_no_other_student(mine, tmp_path):
    """Else what both handed in would lie in one folder."""
    group, path = tasks.load(mine).sets["mine"], tmp_path / "class.csv"
    for other in ("", "blue"):
        path.write_text(f"id,name,group\ns01,A,s02\ns02,B,{other}\n")
        of = collect.roster(path)
        with pytest.raises(hv.BadInput, match="the group 's02' has the id of somebody who is not in it"):
            of.owner(of.people[0], group)
    path.write_text("id,name,group\ns01,A,s02\ns02,B,S02\n")
    of = collect.roster(path)
    assert [of.owner(person, group) for person in of.people] == ["s02", "s02"]


def test_who_answers_the_numbers_of_the_book_is_told_of(mine, tmp_path, monkeypatch, capsys):
    """A class that was given the release without a secret must not get nothing in silence."""
    of = tasks.load(mine)
    kept = record.Record(tmp_path / "graded", of.sets["mine"])
    of_book = {task.name: key.answer(task.given("s01")) for task, key in of.sets["mine"].keyed if key.read}
    kept.add(record.Entry("s01", "x", Outcome(of_book)))
    monkeypatch.setenv("GRADING_COURSE", str(mine))
    assert main(["report", "mine", "--into", str(kept.folder)]) == 0
    told = capsys.readouterr().err
    assert "nobody has a point: was another set meant, or another course" in told
    (result,) = course.results(of, kept)
    assert result.points == 0
    assert result.notes == (f"{score.OF_THE_BOOK}: with those it would be 8 points, and not 0",)
    right = {task.name: key.answer(of.given(task, "s01")) for task, key in of.sets["mine"].keyed if key.read}
    assert score.score(of, "mine", "s01", Outcome(right)).notes == ()


@pytest.mark.parametrize(("old", "new"), [
    ('title = "My course"', 'titel = "x"'), ("secret = ", "secrets = "), ("late = 10", "late = 101"), ("late = 10", 'late = "x"'),
    ("2027-03-01T23:59:00+01:00", "2027-03-01"), ("leaf = 5", "leaf = 0"), ("leaf = 5", "nothing = 5"), ('"leaf", ', '"nothing", '),
    ('"leaf", ', '"leaf", "leaf", '), ("[sets.mine]", '[sets."a b"]'), ("[sets.mine]", "[sets.mine"), ("tasks.py", "nowhere.py"),
    ("[sets.mine]", "[[sets]]"), ("groups = true", 'groups = "yes"'),
])  # fmt: skip
def test_a_wrong_course_file_gets_a_sentence(mine, old, new):
    text = mine.read_text()
    assert old in text
    mine.write_text(text.replace(old, new))
    with pytest.raises(hv.BadInput):
        tasks.load(mine)


@pytest.mark.parametrize(
    ("old", "new"), [("512 * g", "512 * h"), ("{count} page", "{many} page"), ("TASKS", "TASK"), ('"tables"', '"a b"')]
)
def test_a_task_that_fails_is_found_when_the_course_is_read(mine, old, new):
    path = mine.parent / "tasks.py"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(hv.BadInput):
        tasks.load(mine)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [("ask.count", 'ask.one_of("on", "off")', "its own answer .* choose another reader"),
     ("64 * g", "(512 if g['count'] % 3 else 64) * g", "the mistake '64 is how many .*' is the right answer with .*draw other")],
)  # fmt: skip
def test_a_task_that_cannot_be_graded_is_found_when_the_course_is_read(mine, old, new, said):
    """No student would have its points, or the right answer would be called a mistake."""
    path = mine.parent / "tasks.py"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(hv.BadInput, match=said):
        tasks.load(mine)


@pytest.mark.slow
def test_what_is_written_below_a_question_with_numbers_of_ones_own_is_found(mine, tmp_path, monkeypatch):
    """The question's cell differs from student to student, and is no answer by itself."""
    own = '(Task("why", 5, "Why {n}?", None, lambda r: {"n": r.randrange(10**9)}), Key(4, rubric=("4: so",))), ]'
    path = mine.parent / "tasks.py"
    path.write_text(path.read_text().rstrip().removesuffix("]") + own)
    mine.write_text(mine.read_text().replace('"why_eight"]', '"why"]'))
    of = tasks.load(mine)
    for student in ("s1", "s2"):
        notebook = sets.release("mine", of, student)
        if student == "s1":
            next(cell for cell in notebook.cells if cell.id == "put-why").source += "\n\nBecause."
        place = tmp_path / "in" / student / "mine"
        place.mkdir(parents=True)
        (place / "mine.ipynb").write_text(sets.text(notebook), "utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["grade", "mine", "in", "--course", str(mine)]) == 0
    found = record.Record(tmp_path / "graded" / "mine", of.sets["mine"]).entries()
    assert {student: entry.outcome.texts["why"] for student, entry in found.items()} == {"s1": "Because.", "s2": ""}


def test_a_task_that_fails_with_a_students_numbers_is_marked_by_hand_and_stops_nobody(mine, tmp_path, monkeypatch):
    """A course is tried with some numbers when it is read, and never with all."""
    of = tasks.load(mine)
    kept, given = record.Record(tmp_path / "marks", of.sets["mine"]), tasks.Course.given

    def fails(self, task, student):
        if (task.name, student) == ("tables", "s2"):
            raise ZeroDivisionError("division by zero")
        return given(self, task, student)

    monkeypatch.setattr(tasks.Course, "given", fails)
    outcome = Outcome(values={"tables": 1, "leaf": 2})
    unlucky, other = (score.score(of, "mine", student, outcome) for student in ("s2", "s3"))
    tables = unlucky.marks[0]
    assert (tables.points, tables.by_hand, tables.quoted) == (None, True, "1")
    assert tables.said == "The task fails with these numbers (ZeroDivisionError): it is to be marked by hand."
    assert unlucky.open == 1
    assert [mark.points for mark in other.marks] == [0, 0, 0]
    assert "tables" in report.feedback(of, kept, unlucky)
    told = score.score(of, "mine", "s2", outcome, by_hand={"tables": (3, "by its way")})
    assert (told.marks[0].points, told.marks[0].said) == (3, "by its way")


@pytest.mark.slow
def test_the_grader_is_a_distribution_of_its_own(tmp_path):
    for room, name in ((ROOT / "grading", "hvlib_grading"), (ROOT, "hvlib")):
        done = subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], cwd=room,
                              capture_output=True, text=True)  # fmt: skip
        assert done.returncode == 0, done.stderr
        (wheel,) = tmp_path.glob(f"{name}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
        keys = [one for one in names if one.startswith("grading/")]
        assert bool(keys) == (name == "hvlib_grading")
        if keys:
            assert {f"grading/{path.name}" for path in (ROOT / "grading").glob("*.py")} == set(keys)


@pytest.mark.parametrize("ended", ["the cell took too long", "Python did not start"])
def test_who_runs_out_of_time_beside_others_is_run_again_alone(tmp_path, monkeypatch, ended):
    """A neighbour may have kept all processors busy; that must cost nobody else a point."""
    ran = []

    def beside_others(raw, student, asks, wall, limits):
        ran.append(student)
        starved = student == "s02" and ran.count("s02") == 1
        return Outcome(errors={"t1": f"TooLong: {ended}"}) if starved else Outcome(values={"t1": 7})

    monkeypatch.setattr(course, "run", beside_others)
    handed = []
    for student in ("s01", "s02", "s03"):
        path = tmp_path / f"{student}.ipynb"
        path.write_text("{}")
        handed.append(course.HandIn(student, path))
    kept = record.Record(tmp_path / "graded", tasks.BOOK.sets["ps1"])
    assert course.grade(tasks.BOOK, "ps1", handed, kept, course.Run(wall=None, jobs=2)) == 0
    assert sorted(ran) == ["s01", "s02", "s02", "s03"]
    assert ran[-1] == "s02"
    assert kept.entries()["s02"].outcome == Outcome(values={"t1": 7})


def test_what_fails_when_it_is_run_again_alone_is_told_and_the_others_are_graded(tmp_path, monkeypatch):
    ran = []

    def fails_at_last(raw, student, asks, wall, limits):
        ran.append(student)
        if student == "s02" and ran.count("s02") == 2:
            raise OSError("no space left")
        return Outcome(errors={"t1": "TooLong: the cell took too long"})

    monkeypatch.setattr(course, "run", fails_at_last)
    handed = []
    for student in ("s01", "s02", "s03"):
        path = tmp_path / f"{student}.ipynb"
        path.write_text("{}")
        handed.append(course.HandIn(student, path))
    kept, told = record.Record(tmp_path / "graded", tasks.BOOK.sets["ps1"]), []
    assert course.grade(tasks.BOOK, "ps1", handed, kept, course.Run(wall=None, jobs=2, tell=told.append)) == 1
    assert ran[-1] == "s03"
    assert any("s02: failed: OSError('no space left')" in line for line in told)


@pytest.mark.parametrize(
    "name",
    ["\N{NO-BREAK SPACE}", "\N{LATIN SMALL LETTER SHARP S}" * 70, "\N{LATIN SMALL LIGATURE FFI}" * 70],
    ids=["a blank", "two letters for one", "three letters for one"],
)
def test_a_folder_whose_name_can_be_no_id_keeps_nobody_from_a_grade(tmp_path, name):
    for folder in ("s01", name):
        (tmp_path / "in" / folder / "ps1").mkdir(parents=True)
        (tmp_path / "in" / folder / "ps1" / "ps1.ipynb").write_text("{}")
    found = course.hand_ins(tmp_path / "in", "ps1")
    kept = record.Record(tmp_path / "graded", tasks.BOOK.sets["ps1"])
    for one in found:
        kept.add(record.Entry(one.student, "x", Outcome(typed="s02")))
    assert len(course.write(tasks.BOOK, kept)) == 2
    assert course.NO_ID in next(one for one in found if one.student != "s01").doubts


@pytest.mark.slow
def test_nbgrader_gives_the_same_scores(tmp_path, monkeypatch):
    """All right; and something wrong, nothing, and what is hostile. A class of forty takes `make grade-demo`."""
    pytest.importorskip("nbgrader", reason="nbgrader is not installed (make grade-demo installs it)")
    called = nbgrader_course._nbgrader
    quick = lambda of, home, *said: called(of, home, *said) if said[0] != "generate_feedback" else None  # noqa: E731
    monkeypatch.setattr(nbgrader_course, "_nbgrader", quick)
    of = tasks.load(tasks.new(tmp_path / "course"))
    keyed_here = of.sets["ps2"].keyed
    kept = record.Record(tmp_path / "graded", of.sets["ps2"])

    def right(student):
        drawn = {task.name: key.answer(of.given(task, student)) for task, key in keyed_here if key.read is not None}
        return {
            name: ", ".join(map(str, value)) if isinstance(value, tuple) else value for name, value in drawn.items()
        }

    names = [task.name for task, key in keyed_here if key.read is not None]
    values = {
        "s01": right("s01"),
        "s02": dict(list(right("s02").items())[:3]) | {names[3]: -7, names[4]: "'); raise SystemExit #\ud800"},
        "s03": right("s09"),
    }
    kept.count("notebook")
    for student, found in values.items():
        texts = {"pages_remain": "### BEGIN HIDDEN TESTS\nraise SystemExit"}
        kept.add(record.Entry(student, "x", Outcome(found, texts=texts, typed="s09" if student == "s03" else None)))
    mine = {result.student: result.automatic for result in course.write(of, kept)}
    assert mine["s01"] == mine["s03"] == 12, "the id that was typed counts, as was said"
    assert 0 < mine["s02"] < 12
    assert nbgrader_course.grade(of, "ps2", kept, tmp_path / "nbgrader", print) == mine
