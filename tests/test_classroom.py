"""The classroom: settings against their schemas, a derived table, and, marked, real lessons (`make hub-demo`)."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
import yaml

from classroom import sizing
from classroom.__main__ import main
from hvlib.errors import BadInput

pytestmark = pytest.mark.beside
ROOT = Path(__file__).parents[1]
HERE = ROOT / "classroom"
SCHEMAS = json.loads((ROOT / "tests" / "classroom_schemas.json").read_text())
VALUES = yaml.safe_load((HERE / "z2jh-values.yaml").read_text())
TLJH = yaml.safe_load((HERE / "tljh-config.yaml").read_text())
LESSON = sizing.read()
REQUIRED = os.environ.get("HVLIB_REQUIRE_HUB") == "1"


def cells(path):
    return sum(cell["cell_type"] == "code" for cell in json.loads(path.read_text())["cells"])


# Settings


@pytest.mark.parametrize(("name", "settings"), [("z2jh", VALUES), ("tljh", TLJH)])
def test_settings_use_keys_that_exist_with_the_right_types(name, settings):
    schema = SCHEMAS[name]["schema"]
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(settings)


@pytest.mark.parametrize(
    "wrong",
    [{"singleuser": {"mem": {}}}, {"cull": {"timeout": 3600}}, {"hub": {"concurrentSpawnLimit": "64"}}, {"users": {}}],
)
def test_the_schema_finds_what_is_wrong(wrong):
    assert not jsonschema.Draft7Validator(SCHEMAS["z2jh"]["schema"]).is_valid(wrong)


def test_limits_and_guarantees_are_those_that_were_measured():
    student, user = sizing.Student.of(LESSON), VALUES["singleuser"]
    assert user["memory"] == {"guarantee": f"{student.guarantee_mib}M", "limit": f"{student.limit_mib}M"}
    assert user["cpu"]["guarantee"] == student.guarantee_cores <= user["cpu"]["limit"]
    assert TLJH["limits"]["memory"] == user["memory"]["limit"]


def test_the_values_are_for_a_class_of_three_hundred():
    assert VALUES["scheduling"]["userPlaceholder"]["replicas"] == 300 // 10
    assert VALUES["hub"]["activeServerLimit"] == 300 + 300 // 10


def test_the_first_page_is_the_first_chapter():
    first = sorted((ROOT / "notebooks").glob("*.ipynb"))[0]
    assert VALUES["singleuser"]["defaultUrl"] == f"/lab/tree/notebooks/{first.name}"
    assert VALUES["singleuser"]["defaultUrl"] in (HERE / "tljh.md").read_text()


def test_the_chapters_are_copied_once(tmp_path):
    book, home = tmp_path / "book", tmp_path / "home"
    (book / "notebooks").mkdir(parents=True)
    home.mkdir()
    (book / "notebooks" / "a.ipynb").write_text("new")
    shell, flag, line = VALUES["singleuser"]["lifecycleHooks"]["postStart"]["exec"]["command"]
    assert (shell, flag) == ("sh", "-c")
    assert "/srv/hvlib/notebooks" in line
    assert "--target-repo-dir /srv/hvlib " in (HERE / "z2jh-values.yaml").read_text()
    for _ in range(2):
        done = [shell, flag, line.replace("/srv/hvlib", str(book))]
        subprocess.run(done, check=True, env={**os.environ, "HOME": str(home)})
        assert [path.name for path in (home / "notebooks").iterdir()] == ["a.ipynb"]
        (home / "notebooks" / "a.ipynb").write_text("the student's")
    assert (home / "notebooks" / "a.ipynb").read_text() == "the student's"


def test_the_commands_of_the_notes_set_what_the_file_says():
    said = dict(re.findall(r"^sudo tljh-config set (\S+) (\S+)$", (HERE / "tljh.md").read_text(), re.MULTILINE))
    flat = {}

    def walk(at, value):
        if isinstance(value, dict):
            for key, below in value.items():
                walk([*at, key], below)
        else:
            flat[".".join(at)] = str(value).lower() if isinstance(value, bool) else str(value)

    walk([], TLJH)
    assert said == flat


def test_the_notes_link_to_what_is_there():
    for document in HERE.glob("*.md"):
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", document.read_text()):
            assert (HERE / target).exists(), (document.name, target)


# The table


@pytest.mark.generated
def test_the_table_follows_from_the_record():
    readme = sizing.README.read_text()
    assert sizing.with_table(readme, LESSON) == readme, "make it again: python -m classroom size --write"
    assert [row.split("|")[1].strip() for row in readme.splitlines() if "JupyterHub |" in row] == ["30", "300", "3,000"]


def test_the_record_is_of_a_whole_class_without_an_error():
    notebook = ROOT / "notebooks" / f"{LESSON['chapter']}.ipynb"
    assert LESSON["students"] == LESSON["finished"] == 20
    assert LESSON["each"]["server"]["rss_mib"] >= LESSON["each"]["server"]["pss_mib"] > 0
    assert LESSON["cells"] % 20 == 0
    assert notebook.exists()


def test_twice_the_need_is_twice_the_size():
    one = sizing.Student(server_mib=128, kernel_mib=64, peak_server_mib=128, peak_kernel_mib=80, cpu_s=6, hub_s=0.5)
    assert (one.guarantee_mib, one.limit_mib, one.guarantee_cores) == (256, 768, 0.02)
    assert sizing.students_per_node(one) == 100, "pods, before memory (115) and cores"
    small, large = sizing.need(one, 300), sizing.need(one, 600)
    assert (small.memory_gib, small.cores, small.hub_min) == (75, 6, 2.5)
    assert (large.memory_gib, large.cores, large.hub_min) == (150, 12, 5.0)
    assert small.machines.startswith("3 with 8 cores")
    assert sizing.need(one, 30).machines == "1 with 2 cores and 16 GiB"
    heavy = sizing.Student(server_mib=600, kernel_mib=200, peak_server_mib=600, peak_kernel_mib=200, cpu_s=6, hub_s=0.5)
    assert sizing.students_per_node(heavy) == 28, "memory"
    busy = sizing.Student(server_mib=128, kernel_mib=64, peak_server_mib=128, peak_kernel_mib=80, cpu_s=60, hub_s=0.5)
    assert sizing.students_per_node(busy) == 36, "cores"


def test_a_lesson_with_errors_gives_no_table():
    for wrong in ({"errors": ["student1, cell 3: ZeroDivisionError"]}, {"trouble": ["student1"]}, {"finished": 19}):
        with pytest.raises(BadInput, match="had errors"):
            sizing.Student.of({**LESSON, **wrong})


def test_a_file_that_is_no_text_is_no_record(tmp_path):
    (tmp_path / "measured.json").write_bytes(b"\x89PNG\xff")
    with pytest.raises(BadInput, match="is no record of a lesson"):
        sizing.read(tmp_path / "measured.json")


# Arguments


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["demo", "--students", "none"], "students is 'none'; choose a whole number from 1 to 200"),
        (["demo", "--students", "0"], "students is 0; choose"),
        (["demo", "--students", "5000"], "students is 5000; choose"),
        (["demo", "--chapter", "77_nothing"], "chapter '77_nothing' is not known; choose one of '09_the_bill'"),
        (["size", "no/such.json"], "cannot be read"),
        (["size", "pyproject.toml"], "is no record of a lesson"),
    ],
)
def test_bad_arguments_get_a_sentence(arguments, sentence, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    if arguments[0] == "demo":
        pytest.importorskip("psutil")
        pytest.importorskip("websocket")
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("classroom: ")
    assert sentence in said
    assert "Traceback" not in said


def test_what_is_missing_is_said_in_a_sentence(monkeypatch):
    hub = pytest.importorskip("classroom.hub")
    there = {"node": "/bin/node", "configurable-http-proxy": "/bin/proxy"}
    monkeypatch.setattr(hub.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(hub.shutil, "which", there.get)
    assert hub.requirements(None) == "/bin/proxy"
    for name, sentence in (
        ("configurable-http-proxy", "configurable-http-proxy is missing"),
        ("node", "node is missing"),
    ):
        del there[name]
        with pytest.raises(hub.Missing, match=sentence):
            hub.requirements(None)
    monkeypatch.setattr(hub.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(hub.Missing, match="JupyterHub is missing"):
        hub.requirements(None)


def test_the_configuration_is_data_and_stays_on_loopback(tmp_path):
    hub = pytest.importorskip("classroom.hub")
    ports = hub.free_ports(3)
    assert len(set(ports)) == 3
    settings = json.loads(json.dumps(hub.configuration(tmp_path, "/bin/proxy", ports, "secret", "token", 20)))
    addresses = [settings["JupyterHub"][name] for name in ("bind_url", "hub_bind_url")]
    addresses.append(settings["ConfigurableHTTPProxy"]["api_url"])
    assert addresses == [f"http://127.0.0.1:{port}" for port in ports]
    assert settings["Spawner"]["environment"][hub.TOKEN] == "token"


# Lessons


@pytest.fixture(scope="module")
def program():
    """The demo's own environment, as `make hub-demo` sets it up."""
    if not (shutil.which("node") and shutil.which("npm")):
        if REQUIRED:
            pytest.fail("node and npm are required here")
        pytest.skip("no node, no npm: apt-get install npm")
    subprocess.run(["make", "-s", "build/hub/done", f"PY={sys.executable}"], cwd=ROOT, check=True)
    proxy = "build/hub/node_modules/.bin/configurable-http-proxy"
    return ["build/hub/venv/bin/python", "-m", "classroom", "demo", "--proxy", proxy]


def left():
    """Processes of any lesson, by the token in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if b"HVLIB_CLASSROOM=" in path.read_bytes():
                found.append((path.parent / "cmdline").read_bytes())
        except OSError:
            continue
    return found


@pytest.mark.hub
@pytest.mark.parametrize("students", [2, 20])
def test_a_class_runs_a_chapter_and_leaves_nothing_behind(program, students, tmp_path):
    record = tmp_path / "record.json"
    run = subprocess.run([*program, "--students", str(students), "--record", str(record)], cwd=ROOT,
                         capture_output=True, text=True)  # fmt: skip
    print(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr
    lesson = sizing.read(record)
    assert lesson["finished"] == students
    assert lesson["cells"] == students * cells(ROOT / "notebooks" / f"{lesson['chapter']}.ipynb")
    assert sizing.table(lesson)
    assert left() == []


@pytest.mark.hub
def test_a_failing_cell_fails_the_lesson(program, tmp_path):
    def cell(code):
        return {
            "cell_type": "code",
            "execution_count": None,
            "id": code[:4],
            "metadata": {},
            "outputs": [],
            "source": code,
        }

    sources = [cell("import hvlib"), cell("1 / 0"), cell("2 + 2")]
    text = json.dumps({"cells": sources, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    (tmp_path / "wrong.ipynb").write_text(text)
    run = subprocess.run([*program, "--students", "1", "--chapter", str(tmp_path / "wrong.ipynb")], cwd=ROOT,
                         capture_output=True, text=True)  # fmt: skip
    assert run.returncode == 1
    assert "FAILED student1, cell 2: ZeroDivisionError: division by zero" in run.stdout
    assert left() == []


@pytest.mark.hub
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_when_it_is_stopped(program, number):
    with subprocess.Popen([*program, "--students", "2"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        assert "log in" in run.stdout.readline()
        deadline = time.monotonic() + 120
        while not any(b"singleuser" in command for command in left()) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert left(), "the servers are on their way"
        run.send_signal(number)
        assert run.wait(90) == 130
    assert left() == []
