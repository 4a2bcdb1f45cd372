"""Problem sets and graders: right is full marks, untouched is none, and no trick earns, costs or stops anything."""

import csv
import functools
import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

import attacks
import cheats
import mistune
import nbformat
import pytest
from users import run_as

import hvlib as hv
from grading import course, demo, keys, memory, probe, record, report, score, sets, tasks, wall, words
from grading.__main__ import main
from grading.run import Asked, Outcome, _Heard, contents, run
from hvlib.teaching import homework

pytestmark = pytest.mark.beside
STUDENTS = [f"s{number:02d}" for number in range(1, 51)]
SETS = list(homework.SETS)
BOOK = tasks.BOOK
LIMITS = wall.Limits(cell=4, total=9)


@pytest.fixture(scope="module")
def behind():
    """The wall of this machine, or a reason."""
    with tempfile.TemporaryDirectory(prefix="grading-") as name:
        Path(name).chmod(0o755)
        try:
            yield wall.choose(wall.prepare(Path(name) / "shared"))
        except hv.BadInput:
            if os.environ.get("HVLIB_REQUIRE_WALL") == "1":
                raise
            pytest.skip("no bubblewrap here (Debian: apt install bubblewrap)")


def graded(text, student, behind, problem_set="ps1"):
    outcome = run(text.encode("utf-8", "surrogatepass"), student, course.asked(BOOK, problem_set), behind, LIMITS)
    return score.score(BOOK, problem_set, student, outcome)


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
def test_the_committed_release_is_made_from_the_one_source(problem_set):
    path = sets.ROOT / "release" / problem_set / f"{problem_set}.ipynb"
    assert path.read_text("utf-8") == sets.text(sets.release(problem_set)), "run: make assignments"


def test_no_solution_is_committed():
    """Whoever hands in the instructor's copy of a public repository would get full marks."""
    for path in (sets.ROOT.parent).rglob("*.ipynb"):
        assert "SOLUTION" not in path.read_text("utf-8"), path


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
    notebook = sets.instructors(problem_set)
    nbformat.validate(notebook)
    names = [cell.metadata.nbgrader.grade_id for cell in notebook.cells]
    assert len(names) == len(set(names))
    assert "do not autograde hand-ins with it" in notebook.cells[0].source
    for cell in notebook.cells:
        marks = cell.metadata.nbgrader
        assert marks.schema_version == 3
        assert ("points" in marks) == marks.grade


@pytest.mark.parametrize("problem_set", SETS)
def test_right_is_full_marks_and_untouched_is_none_for_50_students(problem_set):
    """Judged here without the wall, which has tests of its own."""
    for student in STUDENTS:
        right = {task.name: keys.expected(problem_set, task.name, student)
                 for task, key in keys.keyed(problem_set) if key.read is not None}  # fmt: skip
        values = {name: ", ".join(value) if isinstance(value, tuple) else value for name, value in right.items()}
        result = score.score(BOOK, problem_set, student, Outcome(values))
        assert (result.automatic, result.most) == (12, 16), (student, result)
        assert score.score(BOOK, problem_set, student, Outcome()).points == 0


@pytest.mark.parametrize("problem_set", SETS)
def test_students_have_numbers_of_their_own_and_the_same_ones_each_time(problem_set):
    drawn = [task for task in homework.SETS[problem_set].tasks if task.given("s01")]
    assert len(drawn) >= 5
    for task in drawn:
        texts = {task.text(student) for student in STUDENTS}
        assert len(texts) >= 3, task.name
        assert task.text("s01") == task.text(" S01 ")
        assert task.text("m\u00fcller") == task.text("Mu\u0308ller")


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


# --- the wall and its enemies ---


@pytest.fixture(scope="module", params=["user", pytest.param("root", marks=pytest.mark.long)])
def said(request, behind):
    """What came of all attacks, and of a class of all habits and tricks: run once as root, once as an ordinary user."""
    before = {str(path) for place in ("/tmp", "/dev/shm") for path in Path(place).iterdir()}
    done = run_as(
        request.param,
        [sys.executable, attacks.__file__, str(behind.prepared)],
        timeout=400,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if done is None:
        pytest.skip(f"this process cannot be {request.param}")
    assert done.returncode == 0, done.stderr[-2000:]
    names = {str(path) for place in ("/tmp", "/dev/shm") for path in Path(place).iterdir()} - before
    told = json.loads(done.stdout)
    left = [name for name in names if re.search("teach_mark|mark.db", name) or name == told["folder"]]
    return {**told, "who": request.param, "left": left}


@pytest.mark.slow
def test_attacks_earn_nothing_cost_nothing_else_and_leave_nothing(said):
    assert (said["uid"] == 0) == (said["who"] == "root")
    assert said["through"] == []
    assert said["ended"]
    expected = dict.fromkeys(attacks.COSTS, 10) | dict.fromkeys(attacks.KEEPS, 12)
    expected |= dict.fromkeys(attacks.ENDED, 10)
    assert all("'leaf': 'too much memory was taken'" in said["texts"][attack] for attack in attacks.ENDED)
    expected |= dict.fromkeys(attacks.WHOLE, 0) | {"a million empty lines": 10, "a surrogate in a text": 12}
    expected |= {name: points for name, (_, points) in cheats.whole(sets.text(sets.solution("ps1", "m"))).items()}
    expected |= {name: points for name, _, points in cheats.hand_ins()}
    assert said["again"] == {"end": 1}
    assert said["points"] == expected
    assert said["bystander"], "the teacher's process was killed"
    assert said["secret"] == "a classmate's words"
    assert not [name for name, text in said["texts"].items() if "a classmate's words" in text]
    assert said["shared"] == '"""hvlib:'
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "sleep 4711" not in left
    assert said["left"] == []


@pytest.mark.slow
@pytest.mark.parametrize("habit", [*demo.HABITS, *attacks.ENCODINGS])
def test_an_honest_habit_costs_nothing(habit, said):
    points, worth = said["class"][habit]
    assert points == worth == demo.MOST, said["class"][habit]
    assert "8 x B" in said["written"][habit]


@pytest.mark.slow
@pytest.mark.parametrize("trick", list(demo.TRICKS))
def test_a_trick_earns_nothing_and_loses_nothing_that_was_earned(trick, said):
    points, worth = said["class"][trick]
    assert points == worth


@pytest.mark.slow
def test_without_a_wall_nothing_is_run(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(wall.shutil, "which", lambda _: None)
    classroom(tmp_path / "in", ["a1"])
    assert main(["grade", "ps1", str(tmp_path / "in"), "--into", str(tmp_path / "out")]) == 2
    assert "--no-wall" in capsys.readouterr().err
    assert not (tmp_path / "out" / "outcomes.jsonl").exists()


def test_python_is_reached_over_links_in_places_that_are_not_shown(tmp_path, monkeypatch):
    """As the Python of an environment that was made by one of the links in a home."""
    environment, home, real = tmp_path / "environment" / "bin", tmp_path / "home" / "bin", tmp_path / "real"
    for folder in (environment, home, real):
        folder.mkdir(parents=True)
    (real / "python3.99").touch()
    (home / "python3").symlink_to("../../real/python3.99")
    (home / "python").symlink_to("python3")
    (environment / "python").symlink_to(home / "python")
    monkeypatch.setattr(sys, "executable", str(environment / "python"))
    monkeypatch.setattr(sys, "prefix", str(environment.parent))
    monkeypatch.setattr(sys, "base_prefix", str(real))
    chain = wall.steps(sys.executable)
    assert list(chain) == [str(environment), str(home)]
    assert chain[str(home)] == {"python": str(home / "python3"), "python3": str(real / "python3.99")}
    (prepared := tmp_path / "prepared" / wall.STEPS / "1").mkdir(parents=True)
    shown = {target: source for source, target in wall.seen(prepared.parents[1])}
    assert shown[str(home)] == str(prepared)
    assert {str(environment.parent), str(real)} <= set(shown)
    assert str(environment) not in shown, "it is shown with what it lies in"
    (real / "python3.99").unlink()
    (real / "python3.99").symlink_to(environment / "python")
    assert len(wall.steps(sys.executable)) == 3, "a circle ends"


@pytest.mark.slow
def test_the_trial_of_the_wall_sees_what_comes_through(behind):
    """Without a wall the same notebook reaches everything, so the trial can fail."""
    bare = wall.NoWall(behind.prepared)
    python_is_its_own = os.access(sysconfig.get_path("purelib"), os.W_OK)
    assert probe.tried(bare) == [one for one in probe.ATTACKS if python_is_its_own or one != "changes Python"]
    assert probe.check(bare).startswith("NO WALL")


@pytest.mark.slow
def test_the_wall_is_tried_and_announced(behind):
    assert (
        probe.check(behind)
        == f"The wall stands: bubblewrap. {len(probe.ATTACKS)} attacks tried and held, an honest notebook ran."
    )
    assert len(probe.ATTACKS) == 10


@pytest.mark.slow
def test_a_wall_with_a_hole_is_refused(behind, monkeypatch):
    seen = wall.seen
    monkeypatch.setattr(
        wall, "seen", lambda prepared: [*seen(prepared), (str(wall.HERE.parent), str(wall.HERE.parent))]
    )
    monkeypatch.setattr(wall, "masked", lambda *_: [])
    with pytest.raises(hv.BadInput, match="does not hold, so nothing is run: a notebook reads the keys"):
        probe.check(behind)


def test_the_grader_itself_is_hidden_where_it_lies_in_the_python_that_is_shown(tmp_path):
    binds = [(str(wall.HERE.parent), "/venv"), (str(tmp_path), "/srv")]
    assert wall.masked(binds, [tmp_path]) == [f"/venv/{wall.HERE.name}"]


@pytest.mark.parametrize(
    ("available", "shared", "over"), [(1 << 20, 0, True), (1 << 22, 0, False), (1 << 22, 4 << 20, True)]
)
def test_what_the_machine_must_keep_is_kept(tmp_path, monkeypatch, available, shared, over):
    """In KiB; pipes, sockets and shared memory belong to no process."""
    (tmp_path / "meminfo").write_text(f"MemAvailable: {available} kB\nShmem: 4096 kB\n")
    monkeypatch.setattr(memory, "PROC", tmp_path)
    watch = memory.Watch(1, wall.Limits(reserve=2 << 30, everything=3 << 30))
    (tmp_path / "meminfo").write_text(f"MemAvailable: {available} kB\nShmem: {4096 + shared} kB\n")
    watch.next = 0
    assert watch.over() is over


def test_the_stage_stands_where_nothing_lies_that_is_shown(monkeypatch):
    places = [place for place in ("/mnt", "/media", "/opt", "/srv") if Path(place).is_dir()]
    assert wall._stage([("/usr/bin", "/usr/bin")]) == places[0]
    assert wall._stage([(f"{places[0]}/venv", "/x")]) != places[0]
    with pytest.raises(hv.BadInput, match="make /mnt"):
        wall._stage([(f"{place}/venv", "/x") for place in places])


@pytest.mark.slow
def test_a_container_is_asked_for_the_same_walls(tmp_path, behind):
    """An engine that writes down what it was told and then runs the program, for there is none on test machines."""
    engine = tmp_path / "podman"
    engine.write_text(
        f'#!/bin/sh\n[ $1 = kill ] && exit 0\necho "$@" > {tmp_path}/told\n'
        f"exec {sys.executable} -I -B {behind.prepared}/inside.py\n"
    )
    engine.chmod(0o755)
    contained = wall.Container(behind.prepared, str(engine), "debian")
    contained.library = str(behind.prepared)
    outcome = run(probe.notebook("answer_x = 1"), "s01", Asked(("x",)), contained, LIMITS)
    assert outcome.values == {"x": 1}
    told = (tmp_path / "told").read_text()
    for option in ("--network none", "--read-only", "--cap-drop ALL", "--security-opt no-new-privileges", "--memory 3221225472",
                   "--pids-limit 40", "--ulimit nofile=256:256", f"{behind.prepared}:/srv:ro", "debian"):  # fmt: skip
        assert option in told, option
    assert "HOME=/tmp" in told


def test_a_python_below_roots_home_is_reached_in_a_container_too(tmp_path):
    """In images /root is for root alone, and what runs there is a user."""
    old = os.umask(0o077)
    try:
        assert wall._below_root(tmp_path, [("/x", f"{wall.ROOTS_HOME}/python/3"), ("/y", "/usr/lib")]) == [
            (f"{tmp_path}/root", "/root")
        ]
    finally:
        os.umask(old)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "root").rglob("*")} == {0o755}
    assert (tmp_path / "root" / "python" / "3").is_dir()
    assert wall._below_root(tmp_path, [("/y", "/usr/lib")]) == []


# --- what Jupyter ran ---


@pytest.mark.slow
@pytest.mark.parametrize("problem_set", SETS)
def test_a_solution_and_a_release_behind_the_wall(problem_set, behind):
    assert graded(sets.text(sets.solution(problem_set, "s03")), "s03", behind, problem_set).automatic == 12
    release = graded(sets.text(sets.release(problem_set)), "s03", behind, problem_set)
    assert (release.points, release.notes) == (0, ())


def notebook(*cells):
    made = nbformat.v4.new_notebook()
    for cell in cells:
        kind = nbformat.v4.new_markdown_cell if cell.startswith("#") else nbformat.v4.new_code_cell
        made.cells.append(kind(cell))
    return made


ASKED = Asked(
    ("x",),
    ("words",),
    ("x", "test-x", "words", "head-words"),
    {"words": "Your answer.", "head-words": "## 2", "put-words": ""},
)


def came(behind, *cells, ids=()):
    made = notebook(*cells)
    for number, name in ids:
        made.cells[number].id = name
    return run(nbformat.writes(made).encode(), "s01", ASKED, behind, LIMITS)


@pytest.mark.slow
def test_several_answers(behind):
    """What stands at the task's own test counts, as in nbgrader; where there is nothing, the last that was assigned."""
    two = came(behind, "answer_x = 1", "assert True", "answer_x = 2", ids=[(0, "x"), (1, "test-x")])
    assert two.values == {"x": 1}
    assert two.remarks == ["x: cell 3 assigns another value later; the one at the task's place counts"]
    later = came(behind, "answer_x = ...", "1", "answer_x = 2", ids=[(0, "x"), (1, "test-x")])
    assert later.values == {"x": 2}
    assert later.remarks == ["x: answered in another cell, number 3"]
    emptied = came(behind, "answer_x = 1", "answer_x = ...", ids=[(0, "x")])
    assert emptied.values == {"x": 1}
    text = came(behind, "# answer_x = 5")
    assert text.values == {}
    assert "x: the answer cell is text now, and so does not run" in text.remarks
    failed = came(behind, "answer_x = half(2)", ids=[(0, "x")])
    assert failed.errors == {"x": "NameError: name 'half' is not defined"}
    killed = came(behind, "answer_x = 1", "import os; os._exit(1)", "answer_x = 2", ids=[(0, "x")])
    assert killed.values == {"x": 2}


@pytest.mark.slow
def test_what_ended_a_notebook_is_named(behind):
    def ended(limits, *cells):
        made = notebook(*cells)
        made.cells[-1].id = "x"
        return run(nbformat.writes(made).encode(), "s01", ASKED, behind, limits).errors["x"]

    sleeps = "import time; time.sleep(9)"
    assert ended(wall.Limits(cell=5, total=0.6), sleeps) == "the notebook took too long in all"
    assert ended(wall.Limits(cell=0.5, total=9), sleeps) == "TooLong: the cell took too long"
    masked = "import signal; signal.signal(signal.SIGALRM, signal.SIG_IGN); " + sleeps
    assert ended(wall.Limits(cell=0.1, total=9), masked) == "the cell took too long"


@pytest.mark.slow
def test_what_is_marked_by_hand_is_found_under_its_heading(behind):
    beside = came(behind, "## 2", "# Your answer.", "# Because.", ids=[(0, "head-words"), (1, "words")])
    assert beside.texts == {"words": "# Your answer.\n\n# Because."}
    appended = came(behind, "## 2\n\nBecause.", ids=[(0, "head-words")])
    assert appended.texts == {"words": "Because."}
    lost = came(behind, "# Because.")
    assert lost.texts == {"words": "# Because."}
    assert "words: found in another place than its own" in lost.remarks
    code = came(behind, "## 2", "'because'", ids=[(0, "head-words")])
    assert code.texts == {"words": "'because'"}
    changed = came(behind, "## **2**\n\nBecause.", ids=[(0, "head-words")])
    assert changed.texts == {"words": "Because."}


@pytest.mark.slow
def test_an_id_that_is_typed_anywhere_is_seen(behind):
    asked = Asked(("x",), known=("student",), released={"student": 'student = "write your id here"'})

    def typed(*cells, role=None):
        made = notebook(*cells)
        if role is not None:
            made.cells[role].id = "student"
        return run(nbformat.writes(made).encode(), "s01", asked, behind, LIMITS).typed

    untouched, mine, other = 'student = "write your id here"', 'student = "s02"', 'import hvlib\nstudent = "s03"'
    assert typed(mine, role=0) == "s02"
    assert typed(other) == "s03", "no cell is known any more"
    assert typed(untouched, other, role=0) == "s03"
    assert typed(mine, other, role=0) == "s02", "what is tried further down is no id"
    assert typed(untouched, "for student in ('a', 'b'): pass", role=0) == "write your id here"


@pytest.mark.slow
def test_an_answer_of_another_kind_is_told_from_none(behind):
    for value, kind in (("512,", "tuple"), ("0.5", "float"), ("True", "bool"), ("print", "builtin_function_or_method")):
        assert came(behind, f"answer_x = {value}", ids=[(0, "x")]).errors == {
            "x": f"its value is of type {kind}: neither a whole number nor a text"
        }
    assert came(behind, "answer_x = ...", ids=[(0, "x")]).errors == {}
    assert came(behind, "answer_x = 512,", "answer_x = 512", ids=[(0, "x")]).errors == {}


@pytest.mark.slow
def test_a_cell_that_is_text_now_is_said_to_be(behind):
    said = "x: the answer cell is text now, and so does not run"
    assert said in came(behind, "# answer_x=5").remarks
    assert said in came(behind, "# 512", ids=[(0, "x")]).remarks


@pytest.mark.slow
@pytest.mark.parametrize("named", ["widget", "qt"])
def test_whatever_matplotlib_is_to_draw_on_costs_nothing(behind, named):
    plots = f"%matplotlib {named}\nimport matplotlib.pyplot as plt\nplt.plot([1]); plt.show()\nanswer_x = 5"
    assert came(behind, plots, ids=[(0, "x")]).values == {"x": 5}


@pytest.mark.slow
def test_values_count_as_in_check(behind):
    code = ["import numpy as np, fractions", *(f"answer_{name} = {value}" for name, value in {
        "nan": "float('nan')", "trap": "type('Trap', (str,), {'strip': lambda self: 1 / 0})('x')",
        "float": "512.0", "numpy": "np.int64(512)", "unsigned": "np.uint8(5)", "float32": "np.float32(4)", "array": "np.array(3)",
        "fraction": "fractions.Fraction(6, 3)", "list": "['split', 'remap']", "text": "' 2 MiB '", "half": "0.5",
        "true": "True", "none": "None", "inf": "float('inf')", "empty": "' '", "function": "len",
    }.items())]  # fmt: skip
    names = tuple(re.findall(r"answer_(\w+) =", " ".join(code)))
    outcome = run(probe.notebook(*code), "s01", Asked(names), behind, LIMITS)
    assert outcome.values == {"float": 512, "numpy": 512, "unsigned": 5, "float32": 4, "array": 3, "fraction": 2,
                              "list": "split, remap", "text": " 2 MiB "}  # fmt: skip


def test_a_forged_number_of_a_cell_without_end_is_not_believed():
    """Python writes no number of more than 4,300 digits; the sentence that names the cell would fail."""
    heard, outcome = _Heard(Asked(("leaf",))), Outcome()
    heard.line(b'["value", "leaf", 1, ' + b"9" * 4300 + b"]")
    heard.into(outcome, "")
    assert outcome == Outcome()


def test_the_id_that_was_typed_is_compared():
    outcome = Outcome({name: keys.expected("ps1", name, "jane") for name in ("leaf", "head")}, typed="Jane")
    assert score.score(BOOK, "ps1", "jane", outcome).notes == ()
    roster = score.score(BOOK, "ps1", "s06", outcome)
    assert roster.points == 0
    assert roster.notes == (
        "the notebook says student = 'jane'; marked with the numbers of 's06' (with those of 'jane' 4 points)",
    )
    assert score.score(BOOK, "ps1", "s06", outcome, typed=True).points == 4
    assert score.score(BOOK, "ps1", "s06", Outcome(typed="write your id here")).notes == ()


@pytest.mark.parametrize("value", [True, 3.0, b"3", [3], {"x": 1}, object(), None, type("Int", (int,), {})(3)])
def test_only_numbers_and_texts_can_be_right(value):
    assert not score.judged("ps1", "memmap", "s01", value).right


# --- a course ---


def classroom(folder, names):
    expected = {}
    for number, student in enumerate(names):
        text, expected[student] = demo.hand_in(student, "os._exit" if number == 1 else None, number)
        put(folder, student, text)
    (folder / "late" / "ps1").mkdir(parents=True)
    return {**expected, "late": 0}


def put(folder, student, text):
    path = folder / student / "ps1" / "ps1.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


LITE = {
    "kernelspec": {"display_name": "Python (Pyodide)", "language": "python", "name": "python"},
    "language_info": {"codemirror_mode": {"name": "python", "version": 3}, "file_extension": ".py", "mimetype": "text/x-python",
                      "name": "python", "nbconvert_exporter": "python", "pygments_lexer": "ipython3", "version": "3.13"},
}  # fmt: skip
"""The metadata of a notebook that JupyterLite saved."""


@pytest.mark.slow
@pytest.mark.parametrize("problem_set", SETS)
def test_what_jupyterlite_saves_is_collected_and_graded(tmp_path, quick, monkeypatch, problem_set):
    """As a browser downloads it, twice, in a delivery of Moodle: kernel of Pyodide, outputs, a name with a number."""
    monkeypatch.chdir(tmp_path)
    notebook = sets.solution(problem_set, "s01")
    notebook.metadata = nbformat.from_dict(LITE)
    for number, cell in enumerate(notebook.cells):
        cell.metadata["trusted"] = True
        if cell.cell_type == "code":
            cell.execution_count = number
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="noted\n")]
    with zipfile.ZipFile("set.zip", "w") as delivered:
        place = f"Jane Doe_9001_assignsubmission_file_/{problem_set} (1).ipynb"
        delivered.writestr(place, nbformat.writes(notebook))
    Path("class.csv").write_text(
        "Identifier,Full name,ID number\nParticipant 9001,Jane Doe,s01\nParticipant 9002,Zoe Mu,s02\n", "utf-8"
    )
    assert main(["collect", "set.zip", "--roster", "class.csv", "--set", problem_set, "--into", "in"]) == 0
    assert main(["grade", problem_set, "in"]) == 0
    table = rows(tmp_path / "graded" / problem_set / "grades.csv")
    full = sum(key.points for _, key in keys.keyed(problem_set) if key.read)
    assert {name: int(row["points"]) for name, row in table.items()} == {"s01": full, "s02": 0}


def rows(path):
    return {row["student"]: row for row in csv.DictReader(path.open())}


@pytest.fixture
def quick(behind, monkeypatch):
    """The command with a wall that was tried already, and with less time for those who take for ever."""
    monkeypatch.setattr(course, "Run", functools.partial(course.Run, limits=attacks.SHORT))
    monkeypatch.setattr("grading.__main__.choose", lambda *_, **__: behind)
    monkeypatch.setattr("grading.__main__.prepare", lambda folder: folder)
    monkeypatch.setattr("grading.__main__.check", lambda _: "tried")


@pytest.mark.slow
def test_the_rehearsal_of_the_guide_can_be_followed(tmp_path, quick, monkeypatch):
    """Its commands as they stand there, from an empty folder; only the class is smaller."""
    guide = (Path(__file__).parents[1] / "book" / "instructors.md").read_text("utf-8")
    _, _, told = guide.partition("### A rehearsal")
    commands = [line.split() for line in re.findall(r"(?m)^    (\S.*)$", told.partition("###")[0])]
    assert [words[:2] for words in commands][:5:2] == [
        ["grading", "demo"],
        ["grading", "collect"],
        ["grading", "gradebook"],
    ]
    monkeypatch.chdir(tmp_path)
    for command, *arguments in commands:
        if command == "cd":
            monkeypatch.chdir(arguments[0])
        else:
            assert main([{"20": "12"}.get(word, word) for word in arguments]) == 0
    made = tmp_path / "rehearsal" / "graded" / "ps1"
    assert rows(made / "grades.csv")["s01"]["notes"] == ""
    assert len(list(csv.reader((made / "gradebook.csv").open()))) == 13
    assert main(["demo", "--write", "rehearsal"]) == 2


@pytest.mark.slow
def test_marks_are_kept_whatever_is_graded_again(tmp_path, capsys, quick, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = classroom(tmp_path / "in", ["a1", "b2", "c3"])
    (tmp_path / "in" / ".ipynb_checkpoints").mkdir()
    assert main(["grade", "ps1", "in"]) == 0
    out = tmp_path / "graded" / "ps1"
    table = rows(out / "grades.csv")
    assert {name: int(row["points"]) for name, row in table.items()} == expected
    assert table["late"]["notes"] == "not handed in"
    assert "the process was ended by the cell" in (out / "feedback" / "b2.md").read_text()
    assert "to be marked, of 4" in (out / "by-hand-why_eight.md").read_text()
    marks = out / "marks.csv"
    typed = (
        marks.read_text()
        .replace("a1,why_eight,,", 'a1,why_eight,"3,5",good')
        .replace("b2,why_eight,,", "b2,why_eight,2,")
    )
    marks.write_text(typed + "b2,leaf,2,the process was killed by us\r\n")
    assert main(["report", "ps1"]) == 0
    assert rows(out / "grades.csv")["a1"]["points"] == f"{expected['a1'] + 3.5:g}"
    assert rows(out / "grades.csv")["b2"]["points"] == f"{expected['b2'] + 4}"
    assert (
        "leaf: 2 instead of 0 by the teacher: the process was killed by us" in rows(out / "grades.csv")["b2"]["notes"]
    )
    text, worth = demo.hand_in("late")
    put(tmp_path / "in", "late", text)
    ran = []
    monkeypatch.setattr(course, "run", lambda *a: ran.append(a[1]) or run(*a))
    assert main(["grade", "ps1", "in", "--only", "LATE"]) == 0
    assert ran == ["late"]
    table = rows(out / "grades.csv")
    assert table["late"]["points"] == str(worth)
    assert table["a1"]["points"] == f"{expected['a1'] + 3.5:g}"
    assert 'a1,why_eight,"3,5",good' in marks.read_text()
    assert (out / "before").is_dir()
    assert main(["grade", "ps1", "in"]) == 0
    assert ran == ["late"], "what has not changed is not run again"
    with (out / "outcomes.jsonl").open("ab") as file:
        file.write(b'{"set": "ps1", "stud')
    put(tmp_path / "in", "d4", demo.hand_in("d4")[0])
    assert main(["grade", "ps1", "in"]) == 0, "a run that was cut off goes on"
    assert set(rows(out / "grades.csv")) == {"a1", "b2", "c3", "d4", "late"}
    marks.write_text(marks.read_text() + "c3,leaf,2,\r\n")
    assert main(["report", "ps1"]) == 2
    assert "write a reason" in capsys.readouterr().err


@pytest.mark.slow
def test_shards_are_merged(tmp_path, quick, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = classroom(tmp_path / "in", ["a1", "b2", "c3"])
    for number in (1, 2):
        assert main(["grade", "ps1", "in", "--shard", f"{number}/2", "--into", f"part{number}"]) == 0
    (tmp_path / "part2" / "marks.csv").write_text("student;task;points;reason\nb2;why_eight;4;\n", "utf-16")
    assert main(["merge", "ps1", "part1", "part2"]) == 0
    table = rows(tmp_path / "graded" / "ps1" / "grades.csv")
    assert {name: int(row["points"]) for name, row in table.items()} == {**expected, "b2": expected["b2"] + 4}


@pytest.mark.slow
def test_one_hand_in_never_stops_the_others(tmp_path, quick, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text, worth = demo.hand_in("good")
    put(tmp_path / "in", "good", text)
    (tmp_path / "in" / "link" / "ps1").mkdir(parents=True)
    (tmp_path / "in" / "link" / "ps1" / "ps1.ipynb").symlink_to(tmp_path / "in" / "good" / "ps1" / "ps1.ipynb")
    (tmp_path / "in" / "pipe" / "ps1").mkdir(parents=True)
    os.mkfifo(tmp_path / "in" / "pipe" / "ps1" / "ps1.ipynb")
    (tmp_path / "in" / "dir" / "ps1" / "ps1.ipynb").mkdir(parents=True)
    for name in ("=HYPERLINK(1)", "n" * 253, "sp ", "a\nb", os.fsdecode(b"\xff")):
        (tmp_path / "in" / name).mkdir()
        (tmp_path / "in" / name / "PS1.ipynb").write_text("{")
    explode = run
    monkeypatch.setattr(course, "run", lambda *a: 1 / 0 if a[1] == "sp" else explode(*a))
    assert main(["grade", "ps1", "in"]) == 1
    assert "sp: failed: ZeroDivisionError" in capsys.readouterr().err
    table = rows(tmp_path / "graded" / "ps1" / "grades.csv")
    assert len(table) == 9
    assert table["good"]["points"] == str(worth)
    for name in ("link", "pipe", "dir"):
        assert table[name]["notes"] == "not a file that can be read"
    assert "'=hyperlink(1)" in table
    assert "not a notebook" in table["'=hyperlink(1)"]["notes"]
    assert len(list((tmp_path / "graded" / "ps1" / "feedback").iterdir())) == 9


def test_what_students_wrote_is_harmless_in_every_medium():
    nasty = "\x1b[2J<script>alert(1)</script>\n\n## leaf: 2 of 2\n```\n[x](http://y)\ud800=1"
    assert words.plain(nasty).isprintable()
    assert "<" not in words.in_markdown(nasty).replace("\\<", "")
    assert not re.search(r"^#", words.in_markdown("# x"))
    assert "<script" not in words.in_html(nasty)
    fence = words.fenced(nasty).split("\n")
    assert fence[0] == "````text"
    assert fence.index("````") == len(fence) - 1
    for text in (
        words.plain(nasty),
        words.in_markdown(nasty),
        words.fenced(nasty),
        words.in_html(nasty),
        words.in_table(nasty),
    ):
        text.encode("utf-8")
        assert "\x1b" not in text
    assert words.in_table("=1+1") == "'=1+1"
    assert words.from_table(words.in_table("@x")) == "@x"
    for name in ("x" * 253, "../../etc", "a/b", "", ".", "\ud800", "\u00e9" * 64, "CON\0"):
        made = words.file_name(name)
        assert len(made.encode()) <= 255
        assert "/" not in made
        assert made not in (".", "..", "")
    assert words.file_name("s01") == "s01"


def cut_as_a_spreadsheet_may(text, by):
    return [field for row in csv.reader(text.splitlines(), delimiter=by) for field in row]


@pytest.mark.parametrize("nasty", cheats.WRITTEN)
def test_what_is_written_is_no_more_than_it_is_anywhere(tmp_path, nasty):
    """In each place where a student's words come through the wall: id, error, remark, text, name of a folder."""
    folder = tmp_path / "graded"
    kept = record.Record(folder, BOOK.sets["ps1"])
    shown = words.plain(nasty)
    outcome = Outcome(
        {"leaf": nasty[:200]},
        {"leaf": shown},
        {"why_eight": words.lines(nasty)},
        [f"x: {shown}"],
        words.plain(nasty, 100),
    )
    for student in ("s01", record._same(words.plain(nasty, 60))):
        kept.add(record.Entry(student, "x", outcome, notes=(f"took '{shown}'",)))
    results = course.write(BOOK, kept)
    course.write(BOOK, kept)
    assert len(results) == 2
    told = {row["student"]: row for row in csv.DictReader((folder / "marks.csv").open(newline=""))}
    assert len(told) == 2, "the lines of marks.csv are asked for once"
    assert not any(row["points"] for row in told.values())
    marks = (folder / "marks.csv").read_text()
    (folder / "marks.csv").write_text(marks.replace("why_eight,,", "why_eight,3,"))
    assert [result.points for result in course.results(BOOK, kept)] == [3, 3], "typed marks reach whom they are for"
    pages = [report.page(BOOK, kept, result) for result in results]
    for page in pages:
        assert not re.search(r"<(?!/?(?:html|meta|title|style|h1|h2|ul|li|p|pre|!doctype))", page)
    for path in folder.rglob("*.*"):
        if path.suffix in (".csv", ".md"):
            text = path.read_bytes().decode()
            assert not re.search(
                r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029]", text.replace("\r\n", "\n")
            ), path
        if path.suffix == ".csv":
            for by in ",;\t":
                assert not [
                    one for one in cut_as_a_spreadsheet_may(text, by) if re.match(r"\s*[=+@\uff1d\uff0b\uff20-]", one)
                ], by
        if path.suffix == ".md":
            html = MARKDOWN(text)
            assert html.count("<h2>") == (7 if path.parent.name == "feedback" else 2), path
            assert html.count("<h1>") == 1
            assert not re.search(r"<(?:script|img|a |table|!--|iframe)", html)


MARKDOWN = mistune.create_markdown(escape=False, plugins=["table", "url"])


@pytest.mark.parametrize("arguments", [["grade", "ps1", "nowhere"], ["grade", "ps1", ".", "--shard", "3/2"],
                                       ["grade", "ps1", ".", "--shard", "half"]])  # fmt: skip
def test_bad_arguments_get_a_sentence(arguments, capsys):
    assert main(arguments) == 2
    assert len(capsys.readouterr().err) > 30


def test_nobody_handed_in_is_an_error(tmp_path, capsys):
    (tmp_path / "in" / "s01").mkdir(parents=True)
    assert main(["grade", "ps1", str(tmp_path / "in"), "--into", str(tmp_path / "out")]) == 2
    assert "nobody handed in ps1" in capsys.readouterr().err


def test_a_folder_holds_the_marks_of_one_set(tmp_path):
    kept = record.Record(tmp_path, BOOK.sets["ps1"])
    kept.add(record.Entry("s01", "x", Outcome()))
    with pytest.raises(hv.BadInput, match="holds the marks of another set, ps1"):
        record.Record(tmp_path, BOOK.sets["ps2"])


@pytest.mark.grading
def test_a_class_of_forty_by_both_graders():
    """The whole cycle; scores equal the expected table exactly (make grade-demo)."""
    done = subprocess.run([sys.executable, "-m", "grading", "demo", "--nbgrader"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"40 of 40 hand-ins scored as expected by both graders", done.stdout)


def test_what_is_no_file_of_its_own_is_not_read(tmp_path):
    right = tmp_path / "right.ipynb"
    right.write_text("{}")
    (tmp_path / "link.ipynb").symlink_to(right)
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "folder.ipynb").mkdir()
    for name in ("link", "pipe", "folder"):
        with pytest.raises(ValueError, match="not a file that can be read"):
            contents(tmp_path / f"{name}.ipynb")
    with pytest.raises(ValueError, match="not handed in"):
        contents(tmp_path / "none.ipynb")
    (tmp_path / "empty.ipynb").touch()
    with pytest.raises(ValueError, match="an empty file"):
        contents(tmp_path / "empty.ipynb")
    assert contents(right) == b"{}"


@pytest.mark.slow
def test_what_nothing_counts_of_is_said_loudly(tmp_path, quick, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    files = {"s01": sets.text(sets.solution("ps1", "s01")), "s02": "", "s03": "<html>", "s04": " " * (21 << 20)}
    for student, text in files.items():
        place = tmp_path / "in" / student / "ps1"
        place.mkdir(parents=True)
        (place / "ps1.ipynb").write_text(text)
    assert main(["grade", "ps1", "in"]) == 0
    told = capsys.readouterr().err
    for line in ("s02: an empty file", "s03: not a notebook (JSONDecodeError)", "s04: larger than 20 MiB"):
        assert line in told
    assert "s01:" not in told


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="these tests are run by an ordinary user already")
def test_all_that_graders_do_is_done_by_an_ordinary_user_too():
    """What is tried above in both modes is left out."""
    chosen = ["-k", "not attacks_earn and not habit_costs and not trick_earns"]
    files = sorted(map(str, Path(__file__).parent.glob("test_grading*.py")))
    with tempfile.TemporaryDirectory(prefix="grading-") as name:
        Path(name).chmod(0o777)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={name}/tests"]
        done = run_as("user", [*command, *chosen, *files], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    if done is None:
        pytest.skip("there is no setpriv here, which makes root an ordinary user")
    assert done.returncode == 0, done.stdout[-4000:]
    assert re.search(r"\b\d{3} passed", done.stdout)
