"""Problem sets and graders: right is full marks, untouched is none, and no trick earns, costs or stops anything."""

import csv
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import pytest

import hvlib as hv
from grading import course, demo, fence, handin, keys, score, sets
from grading.__main__ import main
from hvlib.teaching import homework

pytestmark = pytest.mark.beside
STUDENTS = [f"s{number:02d}" for number in range(1, 51)]
SETS = list(homework.SETS)


@pytest.fixture(scope="module")
def shared():
    with tempfile.TemporaryDirectory(prefix="grading-") as name:
        Path(name).chmod(0o755)
        yield fence.library(Path(name))


LIMITS = fence.Limits(seconds=6)


def graded(text, student, shared, problem_set="ps1"):
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "x.ipynb"
        path.write_text(text, "utf-8")
        handed = handin.read(path, problem_set, student)
    return score.score(handed, fence.run(handed.code, student, shared, LIMITS))


# --- the sets ---


def test_every_task_has_a_key_and_every_key_a_task():
    for name, one in homework.SETS.items():
        assert [task.name for task in one.tasks] == list(keys.KEYS[name])
        by_hand = [task for task, key in keys.keyed(name) if key.read is None]
        assert len(by_hand) == 1
        assert all((task.form is None) == (key.read is None) for task, key in keys.keyed(name))
        for task, key in keys.keyed(name):
            assert sum(int(line[0]) for line in key.rubric) in (0, key.points), task.name


@pytest.mark.generated
@pytest.mark.parametrize("problem_set", SETS)
def test_the_committed_views_are_made_from_the_one_source(problem_set):
    for view, notebook in (("source", sets.source(problem_set)), ("release", sets.release(problem_set))):
        path = sets.ROOT / view / problem_set / f"{problem_set}.ipynb"
        assert path.read_text("utf-8") == sets.text(notebook), "run: make assignments"


@pytest.mark.parametrize("problem_set", SETS)
def test_the_release_gives_nothing_away(problem_set):
    words = sets.text(sets.release(problem_set))
    assert "SOLUTION" not in words
    assert "HIDDEN" not in words
    assert "grading" not in words
    for task, key in keys.keyed(problem_set):
        if key.read is not None:
            answer = sets.literal(keys.expected(problem_set, task.name, sets.SAMPLE))
            assert f"= {answer}" not in words
            assert f"({answer}" not in words


@pytest.mark.parametrize("problem_set", SETS)
def test_nbgrader_knows_the_form(problem_set):
    notebook = sets.source(problem_set)
    nbformat.validate(notebook)
    names = [cell.metadata.nbgrader.grade_id for cell in notebook.cells]
    assert len(names) == len(set(names))
    for cell in notebook.cells:
        marks = cell.metadata.nbgrader
        assert marks.schema_version == 3
        assert ("points" in marks) == marks.grade


@pytest.mark.parametrize("problem_set", SETS)
def test_right_is_full_marks_and_untouched_is_none_for_50_students(problem_set):
    """Judged here without the fence, which has tests of its own."""
    blank = {task.name: None for task, key in keys.keyed(problem_set)}
    for student in STUDENTS:
        handed = handin.HandIn(student, problem_set)
        right = {task.name: keys.expected(problem_set, task.name, student)
                 for task, key in keys.keyed(problem_set) if key.read is not None}  # fmt: skip
        values = {name: ", ".join(value) if isinstance(value, tuple) else value for name, value in right.items()}
        result = score.score(handed, fence.Outcome(values, {}))
        assert result.points == result.most == 12, (student, result)
        assert score.score(handed, fence.Outcome(blank, {})).points == 0


@pytest.mark.parametrize("problem_set", SETS)
def test_students_have_numbers_of_their_own_and_the_same_ones_each_time(problem_set):
    drawn = [task for task in homework.SETS[problem_set].tasks if task.given("s01")]
    assert len(drawn) >= 5
    for task in drawn:
        texts = {task.text(student) for student in STUDENTS}
        assert len(texts) >= 3, task.name
        assert task.text("s01") == task.text(" s01 ")


@pytest.mark.parametrize("problem_set", SETS)
def test_named_mistakes_are_recognised(problem_set):
    for task, key in keys.keyed(problem_set):
        for number, (mistake, sentence) in enumerate(key.mistakes):
            named = 0
            for student in STUDENTS[:10]:
                given = task.given(student)
                value = mistake(given)
                if value in (key.answer(given), *(other(given) for other, _ in key.mistakes[:number])):
                    continue  # for these numbers it leads to the right answer, or to that of another mistake
                answer = ", ".join(value) if isinstance(value, tuple) else value
                verdict = score.judged(problem_set, task.name, student, answer)
                assert not verdict.right
                assert sentence.format_map(given) in verdict.text
                named += 1
            assert named, (task.name, sentence)


@pytest.mark.parametrize("student", ["", "  ", None, 7, "x" * 65, ["s01"]])
def test_no_student_gets_a_sentence(student):
    with pytest.raises(hv.BadInput, match="write yours as text"):
        homework.put("ps1", "memmap", student)


@pytest.mark.parametrize(("problem_set", "name"), [("ps9", "memmap"), ("ps1", "nothing")])
def test_an_unknown_task_gets_a_sentence(problem_set, name):
    with pytest.raises(hv.BadInput, match="choose one of"):
        homework.put(problem_set, name, "s01")


# --- the fence and its enemies ---


@pytest.mark.slow
@pytest.mark.parametrize("problem_set", SETS)
def test_a_solution_and_a_release_through_the_fence(problem_set, shared):
    assert graded(sets.text(sets.solution(problem_set, "s03")), "s03", shared, problem_set).points == 12
    assert graded(sets.text(sets.release(problem_set)), "s03", shared, problem_set).points == 0


@pytest.mark.slow
@pytest.mark.parametrize("trick", list(demo.TRICKS))
def test_a_trick_earns_nothing_and_loses_nothing_that_was_earned(trick, shared):
    words, worth = demo.hand_in("s07", trick)
    result = graded(words, "s07", shared)
    assert result.points == worth, result
    assert result.most == demo.MOST


def test_a_student_cannot_take_anothers_numbers(shared):
    words = sets.text(sets.solution("ps1", "s02"))
    assert graded(words, "s07", shared).points < demo.MOST


@pytest.mark.parametrize("value", [True, 3.0, b"3", [3], {"x": 1}, object(), None, type("Int", (int,), {})(3)])
def test_only_numbers_and_texts_can_be_right(value):
    assert not score.judged("ps1", "memmap", "s01", value).right


def test_the_fence_says_what_it_refuses(shared):
    cells = {"head": "answer_head = open('/etc/passwd').read()", "leaf": "import socket\nanswer_leaf = 1",
             "memmap": "import os\nos.system('true')\nanswer_memmap = 1"}  # fmt: skip
    outcome = fence.run(cells, "s01", shared)
    assert "files outside" in outcome.notes["head"]
    assert "import of socket" in outcome.notes["leaf"] or "not allowed" in outcome.notes["leaf"]
    assert "not allowed" in outcome.notes["memmap"]
    assert outcome.values["head"] is None


def test_the_kernels_wall_hides_the_repository_where_it_is_allowed(shared):
    walls = fence._isolation(shared.parent)
    if not walls:
        pytest.skip("this machine allows no namespaces; the audit hook alone stands")
    look = "import os, sys; print([os.path.exists(path) for path in sys.argv[1:]])"
    places = [str(fence.ROOT / name) for name in ("grading/keys.py", "notebooks/assignments/source", ".git/HEAD")]
    command = [*walls, sys.executable, "-c", look, *places]
    assert subprocess.check_output(command, text=True).strip() == "[False, False, False]"
    assert Path(places[0]).exists(), "only there"


def test_the_library_may_help(shared):
    cells = {"base_pages": "answer_base_pages = hv.HugePage('2 MiB').nr_base_pages"}
    assert fence.run(cells, "s01", shared).values["base_pages"] == 512


# --- a course ---


def classroom(folder, names):
    expected = {}
    for number, student in enumerate(names):
        words, expected[student] = demo.hand_in(student, "os._exit" if number == 1 else None, number)
        path = folder / student / "ps1" / "ps1.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(words)
    (folder / "late" / "ps1").mkdir(parents=True)
    return {**expected, "late": 0}


@pytest.mark.slow
def test_a_course_is_graded_written_down_and_shards_add_up(tmp_path, capsys):
    expected = classroom(tmp_path / "in", ["a1", "b2", "c3"])
    (tmp_path / "in" / ".ipynb_checkpoints").mkdir()  # JupyterLab leaves one; it is nobody's
    assert main(["grade", "ps1", str(tmp_path / "in"), "--into", str(tmp_path / "out")]) == 0
    rows = list(csv.DictReader((tmp_path / "out" / "grades.csv").open()))
    assert {row["student"]: int(row["points"]) for row in rows} == expected
    assert next(row for row in rows if row["student"] == "late")["notes"] == "not handed in"
    feedback = (tmp_path / "out" / "feedback" / "b2.md").read_text()
    assert "the process was ended by the cell" in feedback
    sheet = (tmp_path / "out" / "by-hand-why_eight.md").read_text()
    assert "___ of 4" in sheet
    halves = [course.students(tmp_path / "in", (number, 2)) for number in (1, 2)]
    assert sorted(halves[0] + halves[1]) == course.students(tmp_path / "in")


@pytest.mark.parametrize("arguments", [["grade", "ps1", "nowhere"], ["grade", "ps1", ".", "--shard", "3/2"],
                                       ["grade", "ps1", ".", "--shard", "half"]])  # fmt: skip
def test_bad_arguments_get_a_sentence(arguments, capsys):
    assert main(arguments) == 2
    assert len(capsys.readouterr().err) > 30


def test_the_class_of_forty_is_as_announced():
    assert demo.ORDINARY == 30
    assert len(demo.IN_CLASS) == 10
    assert len(demo.TRICKS) >= 20


@pytest.mark.grading
def test_a_class_of_forty_by_both_graders():
    """The whole cycle; scores equal the expected table exactly (make grade-demo)."""
    done = subprocess.run([sys.executable, "-m", "grading", "demo", "--nbgrader"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"40 of 40 hand-ins scored as expected by both graders", done.stdout)


def test_what_is_no_file_of_its_own_is_not_read(tmp_path):
    right = tmp_path / "right.ipynb"
    right.write_text(sets.text(sets.solution("ps1", "s01")))
    (tmp_path / "link.ipynb").symlink_to(right)
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "folder.ipynb").mkdir()
    for name in ("link", "pipe", "folder"):
        handed = handin.read(tmp_path / f"{name}.ipynb", "ps1", "s01")
        assert handed.code == {}
        assert handed.notes == ("not a notebook (ValueError)",)


def test_handed_in_cells_are_found_whatever_was_done_to_them(tmp_path):
    notebook = json.loads(sets.text(sets.solution("ps1", "s01")))
    for cell in notebook["cells"]:
        cell["metadata"] = {"nbgrader": "gone"}
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps(notebook))
    handed = handin.read(path, "ps1", "s01")
    assert set(handed.code) == {task.name for task, key in keys.keyed("ps1") if key.read is not None}
    broken = [{"source": "x"}, {"cell_type": "code", "source": "x", "metadata": None}, {"cell_type": "code"}, 3, None,
              {"cell_type": "code", "source": 3, "metadata": {"nbgrader": []}}]  # fmt: skip
    for cell in broken:
        path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
        assert handin.read(path, "ps1", "s01").code == {}, cell
    for text in ("", "[]", "{}", "null", '{"cells": 3}', "\x00", '{"cells": [{}]}', "{ not JSON"):
        path.write_text(text)
        assert handin.read(path, "ps1", "s01").code == {}
