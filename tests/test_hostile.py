"""Bad input, wherever a reader can give it: one sentence that names what is allowed, and nothing has changed."""

import json
import os
import random
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hostile import CALLS, DISGUISED, KINDS, NOTHING, SCENES, SUBJECTS

import hvlib as hv
from hvlib.kernels import observe, trial
from hvlib.teaching import explore
from hvlib.teaching.questions import QUESTIONS

ROOT = Path(__file__).parents[1]
RECORDS = ROOT / "hvlib" / "kernels" / "data"

ALLOWED = re.compile(
    r"\bfrom \S+(?: \S+)? to \S|\bfor example\b|\bchoose\b|\bwrite\b|\bthe nearest are\b|\bit has\b|\brun it on\b"
    r"|\bat least\b|\bask for fewer\b|\btake new ones\b|\(\) them first"
)
"""How a sentence names what is allowed: a range, an example, alternatives, or what to type instead or before."""


def check_sentence(text):
    assert type(text) is str
    assert text.isprintable(), "one line, and nothing that moves a cursor"
    assert 40 <= len(text) <= 300, len(text)
    assert re.match(r"[\w'\"<\[({-]", text)
    assert text.endswith(".")
    assert not text.endswith("..")
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", "''", text)
    assert not re.search(r"[.!?] [A-Z]", bare), "one sentence"
    assert ALLOWED.search(text), "it names what is allowed"
    assert not re.search(r"Traceback|(?<! with )\b\w*Error\b|object at 0x", re.sub(r"<[^>]*>", "", bare))


@pytest.fixture(autouse=True)
def blank_films(monkeypatch):
    """The pictures of the films take a minute to draw, and are not asked for here."""
    monkeypatch.setattr(explore, "reel", lambda film: {"title": film.title})


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.typed)
def test_a_bad_value_gets_its_sentence_and_changes_nothing(call):
    subject = SUBJECTS[call.subject]
    wrong = []
    given = subject.make()
    before = subject.look(given)
    for name, value in KINDS[call.kind].items():
        try:
            answer = call.call(given, value)
            wrong.append(f"{name}: accepted, {type(answer).__name__}")
        except hv.BadInput as why:
            try:
                check_sentence(str(why))
            except AssertionError as failed:
                wrong.append(f"{name}: {str(why)[:400]!r} ({str(failed)[:80]!r})")
        except Exception as why:
            wrong.append(f"{name}: {type(why).__name__}: {str(why)[:100]}")
        if subject.look(given) != before:
            wrong.append(f"{name}: changed")
            given = subject.make()
            before = subject.look(given)
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("name", SCENES)
def test_what_is_not_possible_now_gets_its_sentence_and_changes_nothing(name):
    subject, call = SCENES[name]
    given = SUBJECTS[subject].make()
    before = SUBJECTS[subject].look(given)
    with pytest.raises(hv.BadInput) as why:
        call(given)
    check_sentence(str(why.value))
    assert SUBJECTS[subject].look(given) == before


def test_there_are_enough_of_them_and_every_public_name_is_tried():
    inputs = {(call.typed, name) for call in CALLS for name in KINDS[call.kind]}
    assert len({call.typed for call in CALLS}) == len(CALLS) >= 200
    assert len(inputs) >= 200
    tried = " ".join([*(call.typed for call in CALLS), *SCENES])
    take_nothing = {  # constants, what is raised, and results of calls
        "DEVICE_DAX", "ERRATA", "TAIL_METADATA", "GiB", "KiB", "MiB", "TiB", "costs", "hands", "this_machine",
        "BadInput", "InvariantBroken", "OutOfFrames", "PageFault", "WrongState", "Architecture", "Bill", "Erratum",
    }  # fmt: skip
    assert not [name for name in hv.__all__ if name not in take_nothing and f"hv.{name}" not in tried]


@pytest.mark.parametrize("typed", DISGUISED)
def test_good_values_in_other_types_are_taken(typed):
    call, plain = DISGUISED[typed]
    assert call() == plain()


@pytest.mark.slow
@pytest.mark.parametrize("answer", KINDS["answer"].values(), ids=KINDS["answer"])
def test_a_strange_answer_gets_a_verdict_and_never_raises(answer):
    for name in QUESTIONS:
        verdict = hv.check(name, answer)
        assert not verdict.right
        said = verdict.text.split("\n", 1)[1]
        assert said.isprintable()
        assert len(said) <= 400
        if said.startswith("Not an answer yet: "):
            check_sentence(said.removeprefix("Not an answer yet: "))


@pytest.mark.parametrize("field", ["memory", "huge_page", "number", "base_page", "struct_page"])
def test_the_sandbox_says_its_sentence_in_the_pictures_place(field):
    bench = hv.sandbox()
    good = repr(bench)
    for value in NOTHING.values():
        before = bench.fields[field].value
        bench.set(**{field: value})
        assert bench.scene is None
        check_sentence(bench.text)
        bench.set(**{field: before})
    assert repr(bench) == good


# --- records ----------------------------------------------------------------------------------------------------------


def unreadable():
    """Files that are no records, each with what is wrong."""
    good = (RECORDS / "linux-6.1.192.json").read_bytes()
    data = json.loads(good)
    yield "empty", b""
    yield "cut in the middle", good[: len(good) // 2]
    yield "not UTF-8", good.replace(b"Linux", b"Lin\xff\xfe")
    yield "UTF-16", good.decode().encode("utf-16")
    yield "compressed", b"\x1f\x8b" + os.urandom(100)
    yield "a number", b"1" * 5000
    yield "NaN", b"NaN"
    yield "deep lists", b"[" * 1_000_000
    yield "deep objects", b'{"a":' * 100_000
    yield "a list", b"[" + good + b"]"
    for key in ("origin", "release"):
        for name, value in (("a cursor", "\x1b[2J\x1b[H"), ("two lines", "a\nb"), ("a number", 7), ("endless", "x" * 10_000),
                            ("a right-to-left mark", "\u202e"), ("a surrogate", "\ud800"), ("nothing", None)):  # fmt: skip
            yield f"{key}: {name}", json.dumps({**data, key: value}).encode()
    for name, value in (("not one", "six"), ("huge", "9" * 5000 + ".1"), ("negative", "-6.1")):
        yield f"version: {name}", json.dumps({**data, "provenance": {"version": value}}).encode()
    yield "no states", json.dumps({key: value for key, value in data.items() if key not in ("on", "off")}).encode()


@pytest.mark.parametrize("name", [name for name, _ in unreadable()])
def test_a_file_that_is_no_record_gets_its_sentence(name, tmp_path):
    file = tmp_path / "linux-6.1.json"
    file.write_bytes(dict(unreadable())[name])
    for given in (file, str(file)):
        with pytest.raises(hv.BadInput) as why:
            observe.read_record(given)
        check_sentence(str(why.value))


def test_what_is_no_file_and_what_is_endless_is_not_even_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "large").open("wb") as large:
        large.truncate(100 << 20)
    (tmp_path / "padded").write_bytes(Path(GOOD).read_bytes() + b" " * observe.LARGEST_FILE)
    (tmp_path / "a\nb\x1b[2J").write_text("{}")
    for given in ("pipe", "large", "padded", ".", "a\nb\x1b[2J", "x" * 5000, "nul\0"):
        with pytest.raises(hv.BadInput) as why:
            observe.read_record(tmp_path / given)
        check_sentence(str(why.value))
    with pytest.raises(hv.BadInput):
        observe.read_record("/dev/zero")


def places(data, path=()):
    """Every place in a record."""
    yield path
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from places(value, (*path, key))


STRANGE = [None, True, -1, 10**400, float("nan"), float("inf"), 1e308, "", "x" * 5000, "\x1b[2J", "\ud800", [], {}, [[]],
           [None], {"rows": 7}, [[[[[]]]]], "0x" + "f" * 40]  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_a_record_with_one_thing_made_strange_is_judged_or_refused(seed):
    """Whatever a broken record holds: findings of one line, or a sentence."""
    chance = random.Random(seed)
    data = json.loads((RECORDS / f"linux-{chance.choice(observe.records())}.json").read_text())
    # Long lists and words would take all the draws; a level is drawn first.
    found = list(places(data))
    depth = chance.choice(range(1, max(map(len, found)) + 1))
    path = chance.choice([place for place in found if len(place) == depth])
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = chance.choice(STRANGE)
    try:
        findings = trial.judge(observe.Record(data))
    except hv.BadInput as why:
        check_sentence(str(why))
    else:
        assert all(isinstance(str(finding), str) for finding in findings)


@pytest.mark.parametrize("cell", [0, -1, 10**30, 2**63, None, "x"])
@pytest.mark.parametrize("column", [0, 1, 3, 4])
def test_a_row_that_cannot_be_is_found_out_or_refused(column, cell):
    """An entry that maps no bytes, a frame that no address reaches: no division by zero, no overflow."""
    data = json.loads((RECORDS / "linux-6.1.192.json").read_text())
    data["on"]["2 MiB"]["live"]["rows"][1][column] = cell
    try:
        assert not all(finding.holds for finding in trial.judge(observe.Record(data)))
    except hv.BadInput as why:
        check_sentence(str(why))


def test_flipped_bits_are_found_or_harmless(tmp_path):
    good = (RECORDS / "linux-6.1.192.json").read_bytes()
    chance, file = random.Random(7), tmp_path / "linux-6.1.json"
    refused = 0
    for _ in range(25):
        data = bytearray(good)
        for _ in range(chance.choice((1, 3, 50))):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        file.write_bytes(data)
        try:
            trial.judge(observe.read_record(file))
        except hv.BadInput as why:
            check_sentence(str(why))
            refused += 1
    assert refused > 5


# --- memory -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_model_that_does_not_fit_into_memory_says_so():
    code = (
        "import resource, hvlib as hv; m = hv.Machine('1 GiB');"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30));"
        "b = (repr(m), m.free_frames)\n"
        "try: hv.Machine('16 TiB')\n"
        "except hv.BadInput as why: print(why)\n"
        "assert b == (repr(m), m.free_frames)"
    )
    done = run(sys.executable, "-c", code)
    assert not done.stderr
    check_sentence(done.stdout.strip())


@pytest.mark.parametrize("call", [lambda m: m.hugetlb("2 MiB", 1 << 40), lambda m: m.occupy(1 << 60),
                                  lambda m: hv.HugePage("2 MiB").bill("off", 1 << 62),
                                  lambda m: hv.pfn_to_page(512, struct_page="x" * 10**7),
                                  lambda m: hv.Fleet(1 << 40, "1 TiB", 0.5).sample()])  # fmt: skip
def test_a_huge_number_takes_no_memory(call):
    machine = hv.Machine("1 GiB")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(hv.BadInput):
        call(machine)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


# --- command lines ----------------------------------------------------------------------------------------------------


def run(*command, **settings):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HVLIB_OBSERVE": "recorded"} | settings.pop("env", {})
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, **settings)


GOOD = str(RECORDS / "linux-6.1.192.json")
LINES = {
    "hvlib": [
        ["missing.json"], ["."], ["/dev/zero"], ["binary"], ["empty"], ["cut"], ["locked"], ["--fast"], ["-x", GOOD], [GOOD, "cut"],
        ["cut", GOOD], ["\x1b[2J\n"], [""], ["x" * 100_000], ["pipe"], ["--record"], ["\udcff"],
        ["opne"], ["judge"], ["here", "there"], ["open", "--into"], ["open", "1", "2"], ["open", "--fast"], ["open", "--into", "empty"],
        ["open", "--into", "/dev/null/x", "--copy-only"], ["open", "--into", "x\0y"], ["open", "--into", "x" * 5000],
    ],
    "kernel_lab": [
        [], ["--fast"], ["Bad Suite"], ["x"], ["a\ndeb http://example.org x main"], ["-"], ["bookworm-security", "--all"],
        ["bookworm-security", "--series", "six"], ["bookworm-security", "--series", "6.1.0.0"], ["bookworm-security", "--series", "6.1,6.2"], ["trixie", "--arch", "vax"],
        ["trixie", "--arch", "s390x"], ["trixie", "--flavour", "fast"], ["--image", "missing"], ["trixie", "--image", "cut"],
        ["--kpf-huge"], ["trixie", "--kpf-huge", "--memory", "64"], ["--kpf-huge", "--all"], ["bookworm-security", "--memory", "64"],
        ["bookworm-security", "--memory", "lots"], ["bookworm-security", "--memory", "99999999999"],
        ["bookworm-security", "--into", "empty"], ["bookworm-security", "--into", "/dev/null/x"], ["bookworm-security", "more"],
        ["bookworm-security", "--into", "records"],
    ],
    "grading": [
        [], ["fly"], ["grade"], ["grade", "ps9", "."], ["grade", "ps1", "missing"], ["grade", "ps1", "empty"], ["grade", "ps1", ".", "--shard", "2"],
        ["grade", "ps1", ".", "--shard", "3/2"], ["grade", "ps1", ".", "--shard", "0/0"], ["grade", "ps1", ".", "--shard", "\u00b2/4"],
        ["grade", "ps1", ".", "--jobs", "0"], ["grade", "ps1", ".", "--jobs", "-2"], ["grade", "ps1", ".", "--jobs", "all"],
        ["grade", "ps1", ".", "--into", "empty"], ["grade", "ps1", ".", "--into", "/dev/null/x"], ["sets", "more"], ["demo", "--fast"],
        ["grade", "ps1", "empty", "--id", "both"], ["report", "ps1", "--into", "/dev/null/x"], ["report", "ps9"], ["merge", "ps1", "missing"],
        ["course"], ["grade", "ps1", ".", "--course", "missing"], ["grade", "ps1", ".", "--course", "binary"], ["demo", "--students", "-3"],
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("files")
    (found / "binary").write_bytes(bytes(range(256)) * 100)
    (found / "empty").write_bytes(b"")
    (found / "cut").write_bytes(Path(GOOD).read_bytes()[:1000])
    (found / "locked").write_bytes(b"\0")
    (found / "locked").chmod(0)
    os.mkfifo(found / "pipe")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("program", LINES)
def test_a_wrong_command_line_gets_one_line_and_2(program, folder):
    """In one process, each line as the program itself would end it; PATH is empty, so the lab has no tools."""
    code = (
        "import contextlib, io, json, runpy, sys\n"
        f"for line in json.loads(sys.argv[1]):\n"
        f"    sys.argv[:] = ['{program}', *line]; said = io.TextIOWrapper(io.BytesIO(), errors='backslashreplace')\n"
        "    told = io.TextIOWrapper(io.BytesIO())\n"
        "    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(told):\n"
        f"        try: runpy.run_module('{program}', run_name='__main__', alter_sys=False)\n"
        "        except SystemExit as end: code = end.code\n"
        "        said.flush()\n"
        "        told.flush()\n"
        "    print(json.dumps([line, code, said.buffer.getvalue().decode(), told.buffer.getvalue().decode()]))\n"
    )
    lines = LINES[program]
    done = run(sys.executable, "-W", "ignore", "-c", code, json.dumps(lines), cwd=folder, env={"PATH": "/nonexistent"})
    assert not done.stderr, done.stderr[-2000:]
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line for line, *_ in answers] == lines
    for line, code, said, told in answers:
        assert code == 2, (line, said)
        assert said.endswith("\n")
        assert said.count("\n") == 1, (line, said)
        check_sentence(said[:-1].removeprefix("kernel_lab: "))
        assert not told or GOOD in line or "records" in line, "nothing was begun"
    assert not (folder / "graded").exists()


def test_a_real_process_says_the_same_and_judges_what_it_can(folder):
    done = run(sys.executable, "-m", "hvlib", GOOD, "cut", cwd=folder)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "expectations hold" in done.stdout
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize(("ends", "code"), [("BrokenPipeError", 141), ("KeyboardInterrupt", 130), ("OSError", 2)])
def test_a_command_that_is_cut_short_says_so_by_its_exit_code(ends, code):
    program = f"from hvlib import terminal\ndef main(_): raise {ends}\nterminal.run(main)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert told.returncode == code
    assert len(told.stderr.splitlines()) == (code == 2)


def test_a_file_that_a_command_cannot_use_is_named():
    program = "from hvlib import terminal\ndef main(_): open('no folder/file', 'w')\nterminal.run(main)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert told.returncode == 2
    assert told.stderr == "'no folder/file' cannot be used (No such file or directory); choose another place for it.\n"
