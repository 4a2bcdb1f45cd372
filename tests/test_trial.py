"""The model against the records of real kernels, and records that were tampered with against the model."""

import json
from pathlib import Path

import pytest

import hvlib as hv
from hvlib.cli import main
from hvlib.kernels import observe, trial
from hvlib.kernels.report import judged

DATA = Path(hv.__file__).parent / "kernels" / "data"
RELEASES = observe.records()


def raw(release):
    return json.loads((DATA / f"linux-{release}.json").read_text())


def broken(data):
    record = observe.Record(data)
    return [f.name for f in trial.judge(record) if not f.holds and not trial.known_bug(f, record.series)]


def test_the_book_keeps_a_record_of_every_scheme():
    seen = {trial.scheme_of_series(observe.recorded(name).series).name for name in RELEASES}
    assert seen == set(hv.SCHEMES), "a scheme comes with a record: make observe INTO=hvlib/kernels/data"
    assert len(RELEASES) >= 7
    for name in RELEASES:
        assert {"2 MiB", "1 GiB"} <= set(raw(name)["off"])


@pytest.mark.parametrize("release", RELEASES)
def test_a_real_kernel_does_what_the_model_expects(release):
    record = observe.recorded(release)
    findings = trial.judge(record)
    assert len(findings) >= 17
    assert [str(f) for f in findings if not f.holds and not trial.known_bug(f, record.series)] == []


@pytest.mark.parametrize("release", RELEASES)
def test_a_known_bug_shows_in_the_records_of_its_releases_and_no_others(release):
    record = observe.recorded(release)
    if record.quick or "on" not in record.states:
        return
    findings = trial.judge(record)
    for name, (first, last, seen) in trial.BUGS.items():
        mine = [finding for finding in findings if finding.name.endswith(name) and ", off" not in finding.name]
        assert mine, name
        has_it = first <= record.series <= last
        assert all((finding.seen == seen) == has_it and finding.holds != has_it for finding in mine), name


def change(path, value):
    """Tampering as data: a path of keys into the record, and a value or a function of the old one."""

    def tamper(data):
        *way, last = path
        for key in way:
            data = data[key]
        data[last] = value(data[last]) if callable(value) else value

    return tamper


def remove(*path):
    def tamper(data):
        *way, last = path
        for key in way:
            data = data[key]
        del data[last]

    return tamper


def both(*tampers):
    def tamper(data):
        for one in tampers:
            one(data)

    return tamper


ON, LIVE, GONE = ("on", "2 MiB"), ("on", "2 MiB", "live"), ("on", "2 MiB", "dissolved")
COUNT = ("on", "counters", -1)
TAMPER = {
    "one frame changed": change((*LIVE, "rows", 3, 1), lambda frame: frame + 1),
    "one frame and its entry changed": both(
        change((*LIVE, "rows", 3, 1), lambda frame: frame + 1),
        change((*LIVE, "rows", 3, 3), lambda entry: entry + 4096),
    ),
    "one writable bit flipped": change((*LIVE, "rows", 5, 2), True),
    "one entry made writable": change((*LIVE, "rows", 5, 3), lambda entry: entry | 2),
    "other pages said writable": change((*LIVE, "writable_pages"), "0, 5"),
    "still mapped by a leaf": change((*LIVE, "rows", 2, 4), 2 << 20),
    "a count off by five": change((*COUNT, "saved_pages"), lambda pages: pages - 5),
    "tables for savings": both(
        change((*COUNT, "saved_pages"), lambda n: n - 50), change((*COUNT, "tables_split"), lambda n: n + 50)
    ),
    "growth for savings": both(
        change((*COUNT, "saved_pages"), lambda n: n - 50), change((*COUNT, "anon_pages_grew_by"), lambda n: n + 50)
    ),
    "MemTotal stood still": change(("on", "counters", 0, "mem_total_grew_by_kB"), 0),
    "MemTotal stood still, and a table fewer": both(
        change(("on", "counters", 0, "mem_total_grew_by_kB"), 0), change(("on", "counters", 0, "tables_split"), 7)
    ),
    "nothing counted": change(("on", "counters"), lambda _: []),
    "no huge pages counted": change(("on", "counters"), lambda all_: [{**c, "huge_pages": 0} for c in all_]),
    "a tail names another head": change((*LIVE, "words", "3", 1), lambda word: hex(int(word, 16) + 64)),
    "other bytes in a shared frame": change((*LIVE, "words", "128", 5), "0x1"),
    "no head": both(*(change((*LIVE, "words", number, 0), "0x0") for number in ("0", "64", "128"))),
    "no struct pages": change((*LIVE, "words"), lambda _: {}),
    "no neighbours": change((*ON, "neighbours"), lambda _: []),
    "a neighbour in the head's frame": lambda d: change(
        (*ON, "neighbours", 2, 0), d["on"]["2 MiB"]["live"]["rows"][0][1]
    )(d),
    "dissolved, and one frame short": change(("on", "1 GiB", "dissolved", "distinct_frames"), lambda n: n - 1),
    "dissolved, and a tail still shared": lambda d: change(
        (*GONE, "rows", 6, 1), d["on"]["2 MiB"]["live"]["rows"][6][1]
    )(d),
    "dissolved, and the head elsewhere": change((*GONE, "rows", 0, 1), 999),
    "dissolved, and read-only": change(
        (*GONE, "rows"), lambda rows: [[p, f, False, e & ~2, s] for p, f, _, e, s in rows]
    ),
    "dissolved, and the monitor disagrees": change((*GONE, "monitor_agrees"), False),
    "small entries at boot": change(("on", "2 MiB", "boot", "rows", 0, 4), 4096),
    "the monitor disagrees": change(("on", "1 GiB", "live", "monitor_agrees"), False),
    "the monitor was not asked": remove("on", "1 GiB", "live", "monitor_agrees"),
    "fewer pages": change(("on", "1 GiB", "live", "vmemmap_pages"), 3),
    "rows left out": change(("on", "1 GiB", "live", "rows"), lambda rows: rows[:2]),
    "the optimisation was never on": remove("on"),
    "another boot log": change(("boot_log",), lambda _: []),
    "another release": change(("release",), "4.19.0-1"),
}
NEWER = {
    "counters that do not tell": change(("on", "counters", 0, "memmap_counter_fell_by"), None),
    "all 512 shown as heads": change((*ON, "shown_as_heads"), lambda _: list(range(512))),
    "another fake head": change((*ON, "shown_as_heads"), lambda _: [7]),
    "nothing reserved": remove("reserved"),
    "reserved and writable": change(("reserved", "2 MiB", "live", "writable_pages"), "0-7"),
    "reserved with eight frames": change(("reserved", "2 MiB", "live", "distinct_frames"), 8),
}
BROKEN = {
    "a version of nothing": change(("provenance", "version"), "?"),
    "words of nothing": change((*LIVE, "words"), None),
    "words that are no numbers": change((*LIVE, "words", "1", 1), "zz"),
    "a short struct page": change((*LIVE, "words", "1"), lambda words: words[:3]),
    "no PFN": remove("on", "2 MiB", "pfn"),
    "a counter too many": lambda data: data["on"]["counters"][0].update(surprise=1),
    "a count as text": change(("on", "counters", 0, "saved_pages"), "many"),
    "a row too few": change(("on", "2 MiB", "dissolved", "rows"), lambda rows: rows[:-1]),
    "neighbours of nothing": change((*ON, "neighbours"), 5),
    "no room": change(ON, lambda _: {"missing": "the kernel found no room"}),
    "no states": both(remove("on"), remove("off")),
}


def found_out(data):
    """What is wrong with a record: expectations that fail, or that it is no record at all."""
    try:
        return broken(data)
    except hv.BadInput as why:
        return [str(why)]


@pytest.mark.slow
@pytest.mark.parametrize("name", TAMPER)
@pytest.mark.parametrize("release", [name for name in RELEASES if "on" in raw(name)])
def test_a_record_that_was_tampered_with_is_found_out(release, name):
    data = raw(release)
    TAMPER[name](data)
    assert found_out(data), name


@pytest.mark.parametrize("name", NEWER)
@pytest.mark.parametrize("release", [name for name in RELEASES if observe.recorded(name).series >= (6, 12)])
def test_newer_records_hold_more_and_are_found_out_by_it(release, name):
    data = raw(release)
    NEWER[name](data)
    assert found_out(data), name


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_record_gets_a_sentence_or_a_verdict_and_never_a_traceback(name, tmp_path, capsys):
    data = raw("6.1.192")
    BROKEN[name](data)
    file = tmp_path / "linux.json"
    file.write_text(json.dumps(data))
    assert main([str(file)]) in (1, 2)
    said = capsys.readouterr()
    assert "BREAKS" in said.out or "record" in said.err


@pytest.mark.parametrize(
    ("release", "claims"), [("6.1", "7.1.0"), ("6.1", "5.15.0"), ("6.12", "6.1.0"), ("5.15", "6.1.0")]
)
def test_a_kernel_that_does_something_else_breaks_its_expectations_plainly(release, claims, tmp_path, capsys):
    data = raw(next(name for name in RELEASES if name.startswith(release)))
    data["provenance"]["version"] = claims
    file = tmp_path / "linux.json"
    file.write_text(json.dumps(data))
    assert main([str(file)]) == 1
    said = capsys.readouterr().out
    assert "BREAKS" in said
    assert "EXPECTED" in said


def test_the_command_judges_records_and_refuses_what_is_none(tmp_path, capsys):
    assert main([str(file) for file in sorted(DATA.glob("linux-*.json"))]) == 0
    assert capsys.readouterr().out.count("expectations hold") == len(RELEASES)
    (tmp_path / "no.json").write_text("{}")
    assert main([str(tmp_path / "no.json")]) == 2
    assert "no record of the kernel lab" in capsys.readouterr().err


def test_the_verdict_names_the_known_bugs():
    release = next(name for name in RELEASES if observe.recorded(name).series == (6, 18))
    text, good = judged(DATA / f"linux-{release}.json")
    assert good
    assert text.count("known bug") == 3


@pytest.mark.parametrize("name", list(trial.BUGS))
def test_a_known_bug_begins_and_ends(name):
    first, last, seen = trial.BUGS[name]
    finding = trial.Finding(f"2 MiB, on: {name}", "something else", seen)
    known = [
        trial.known_bug(finding, series) for series in (first, last, (first[0], first[1] - 1), (last[0], last[1] + 1))
    ]
    assert known == [True, True, False, False]
