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
EVERY = observe.records(None)


def raw(release):
    return json.loads((DATA / f"linux-{release}.json").read_text())


def broken(data):
    record = observe.Record(data)
    return [f.name for f in trial.judge(record) if not f.holds and not trial.known_bug(f, record.version)]


def test_the_book_keeps_a_record_of_every_scheme():
    seen = {trial.scheme_of_series(observe.recorded(name).series).name for name in RELEASES}
    assert seen == set(hv.SCHEMES), "a scheme comes with a record: make observe INTO=hvlib/kernels/data"
    assert len(RELEASES) >= 7
    for name in RELEASES:
        assert {"2 MiB", "1 GiB"} <= set(raw(name)["off"])


@pytest.mark.parametrize("release", EVERY)
def test_a_real_kernel_does_what_the_model_expects(release):
    record = observe.recorded(release)
    findings = trial.judge(record)
    assert len(findings) >= (7 if record.short else 17)
    assert [str(f) for f in findings if not f.holds and not trial.known_bug(f, record.version)] == []


@pytest.mark.parametrize("release", EVERY)
def test_a_known_bug_shows_in_the_records_of_its_releases_and_no_others(release):
    """All of it, to the letter, on a release that has it; nothing of it elsewhere."""
    record = observe.recorded(release)
    findings = trial.judge(record)
    for bug in trial.BUGS:
        for name, seen in bug.shows.items():
            mine = [finding for finding in findings if finding.name.endswith(name) and ", off" not in finding.name]
            if bug.has(record.version) and "on" in record.states:
                assert mine or name == trial.LEFT_HUGE, name
                assert all(finding.seen == seen and not finding.holds for finding in mine), name
            else:
                assert all(finding.holds for finding in mine), name


def test_the_three_known_bugs_are_found_each_where_it_is_known():
    found = {}
    for release in EVERY:
        record = observe.recorded(release)
        for finding in trial.judge(record):
            bug = trial.known_bug(finding, record.version)
            if bug:
                found.setdefault(trial.BUGS.index(bug), set()).add(record.version)
    assert found == {
        0: {(6, 18, 15), (7, 0, 13), (7, 1, 13)},
        1: {(6, 18, 15), (7, 0, 13)},
        2: {observe.recorded(name).version for name in RELEASES if name.startswith("6.12.")},
    }


def test_the_third_bug_begins_between_two_stable_releases():
    """Counted by the lab on seven releases of 6.12: seven frames of each huge page, and only with the optimisation."""
    rows, bug = observe.left_huge("6.12"), trial.BUGS[2]
    assert {row.huge_pages for row in rows} == {64}
    for row in rows:
        version = tuple(map(int, row.release.split("+")[0].split(".")))
        assert bool(row.frames) == (bug.has(version) and row.hvo == "on"), row
        assert row.frames in (0, int(bug.shows[trial.LEFT_HUGE]))
        assert row.in_each == (tuple(range(64, 512, 64)) if row.frames else ())
        assert len(row.again) == 8
        assert (sum(row.again) < 8) == bool(row.frames), "and a 1 GiB page cannot be had again where a mark stands"
    assert {row.hvo for row in rows} == {"off", "on"}
    bad = [tuple(map(int, row.release.split("+")[0].split("."))) for row in rows if row.frames]
    assert (min(bad), max(bad)) == (bug.first, bug.last), "known as far as it was measured"
    with pytest.raises(hv.BadInput, match="choose one of"):
        observe.left_huge("4.19")


def test_the_report_ready_to_send_says_what_was_measured():
    """Both of its tables, row by row."""
    text = (DATA.parents[2] / "kernel_lab" / "reports" / "6.12-stale-hugetlb-type.md").read_text("utf-8")
    text = text.replace("**", "")
    rows = observe.left_huge("6.12")
    for off, on in zip(rows[::2], rows[1::2], strict=True):
        release = off.release.split("+")[0]
        assert (off.hvo, on.hvo, on.release) == ("off", "on", off.release)
        assert f"| {release} | {off.frames} | {on.frames} |" in text
        assert f"| {release} | {' '.join(map(str, off.again))} | {' '.join(map(str, on.again))} |" in text


def change(path, value):
    """Tampering as data: a path of keys into the record, and a value or a function of the old one."""

    def tamper(data):
        *way, last = path
        for key in way:
            data = data[key]
        data[last] = value(data.get(last) if isinstance(data, dict) else data[last]) if callable(value) else value

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


def in_use(number):
    """Somebody else has that frame of a dissolved huge page by now: a reference, and flags of another use."""

    def tamper(data):
        words = data["on"]["2 MiB"]["dissolved"]["words"][number]
        words[6], words[0] = hex(1 << 32), hex(int(words[0], 16) | ANOTHER_USE)

    return tamper


ANOTHER_USE = 0xF << 32 | 1 << 3
"""Bits in the middle of the flags, where newer kernels keep LAST_CPUPID, and a flag proper."""
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
    "dissolved, and still of type hugetlb": change((*GONE, "words", "2", 6), "0xf4000000"),
    "dissolved, and the type of another thing": change((*GONE, "words", "3", 6), "0xf5000000"),
    "dissolved, and a flag left": change((*GONE, "words", "4", 0), lambda word: hex(int(word, 16) | 1 << 6)),
    "dissolved, and private left": change((*GONE, "words", "4", 5), "0x10"),
    "dissolved, and what 5.10 leaves there": change((*GONE, "words", "4", 5), hex((1 << 64) - 1)),
    "dissolved, and an order where no free block begins": change((*GONE, "words", "2", 5), "0x9"),
    "dissolved, and a mapping left": change((*GONE, "words", "1", 3), "0xdead000000000400"),
    "dissolved, and a tail still names its head": lambda d: change(
        (*GONE, "words", "63", 1), d["on"]["2 MiB"]["live"]["words"]["63"][1]
    )(d),
    "dissolved, and a tail names another head": change((*GONE, "words", "511", 1), "0xffffea0000000001"),
    "dissolved, and all in use": change(
        (*GONE, "words"), lambda all_: {n: [*w[:6], hex(int(w[6], 16) | 1 << 32), *w[7:]] for n, w in all_.items()}
    ),
    "dissolved, and no struct pages": change((*GONE, "words"), lambda _: {}),
    "dissolved, and a free block larger than there are": both(
        change((*GONE, "words", "4", 6), "0xf0000000"), change((*GONE, "words", "4", 5), "0x10")
    ),
    "dissolved, and a free block where none of its size begins": both(
        change((*GONE, "words", "4", 6), "0xf0000000"), change((*GONE, "words", "4", 5), "0x3")
    ),
    "dissolved and in use again, and still a head": both(
        in_use("4"), lambda d: change((*GONE, "words", "4", 0), d["on"]["2 MiB"]["live"]["words"]["0"][0])(d)
    ),
    "dissolved and in use again, and still names its head": both(
        in_use("63"), lambda d: change((*GONE, "words", "63", 1), d["on"]["2 MiB"]["live"]["words"]["63"][1])(d)
    ),
    "frames left huge": change(("on", "left_huge"), lambda _: {"huge_pages": 64, "frames": 7}),
    "frames left huge with it off": change(("off", "left_huge"), lambda _: {"huge_pages": 64, "frames": 448}),
    "another number of pages emptied": change(("on", "left_huge"), lambda _: {"huge_pages": 3, "frames": 0}),
    "the optimisation was never on": remove("on"),
    "another boot log": change(("boot_log",), lambda _: []),
    "another release": change(("release",), "4.19.0-1"),
    "a base page that x86-64 has not": change(("base_page",), 16384),
    "another vmemmap": change(("vmemmap",), "0xfffff00000001000"),
    "another architecture": change(("architecture",), "riscv64"),
}
NEWER = {
    "counters that do not tell": change(("on", "counters", 0, "memmap_counter_fell_by"), None),
    "dissolved and in use again, and still of type hugetlb": change((*GONE, "words", "4", 6), "0x1f4000000"),
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
    "an architecture of nothing": change(("architecture",), "vax"),
    "a vmemmap of nothing": change(("vmemmap",), "here"),
    "page tables that are not read": change(("architecture",), "arm64"),
    "left huge, of nothing": change(("on", "left_huge"), lambda _: 7),
    "tables of nothing": change((*ON, "tables_split"), "many"),
    "no room": change(ON, lambda _: {"missing": "the kernel found no room"}),
    "no states": both(remove("on"), remove("off")),
}


SO_ALREADY = {"one writable bit flipped", "one entry made writable", "another architecture", "reserved and writable"}
"""What changes nothing in a record of riscv64: there every entry may be written."""


def found_out(data):
    """What is wrong with a record: expectations that fail, or that it is no record at all."""
    try:
        return broken(data)
    except hv.BadInput as why:
        return [str(why)]


@pytest.mark.slow
@pytest.mark.parametrize("name", TAMPER)
@pytest.mark.parametrize("release", [name for name in EVERY if "on" in raw(name)])
def test_a_record_that_was_tampered_with_is_found_out(release, name):
    data = raw(release)
    TAMPER[name](data)
    assert found_out(data) or (data == raw(release) and name in SO_ALREADY), name


@pytest.mark.parametrize("name", NEWER)
@pytest.mark.parametrize(
    "release", [name for name in EVERY if "on" in raw(name) and observe.recorded(name).series >= (6, 12)]
)
def test_newer_records_hold_more_and_are_found_out_by_it(release, name):
    data = raw(release)
    NEWER[name](data)
    assert found_out(data) or (data == raw(release) and name in SO_ALREADY), name


@pytest.mark.parametrize("release", [name for name in EVERY if "on" in raw(name)])
def test_a_frame_that_is_in_use_again_is_no_finding(release):
    """Of what somebody else has by now one asks only that it says nothing of a huge page."""
    data = raw(release)
    in_use("4")(data)
    assert broken(data) == []


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
    does = trial.scheme_of_series(tuple(map(int, release.split("."))))
    assert f"nearest to the scheme '{does}'" in said, "what a release number does not tell, the record does"


def test_the_command_judges_records_and_refuses_what_is_none(tmp_path, capsys):
    assert main([str(file) for file in sorted(DATA.glob("linux-*.json"))]) == 0
    assert capsys.readouterr().out.count("expectations hold") == len(EVERY)
    (tmp_path / "no.json").write_text("{}")
    assert main([str(tmp_path / "no.json")]) == 2
    assert "no record of the kernel lab" in capsys.readouterr().err


def test_the_verdict_names_the_known_bugs():
    release = next(name for name in RELEASES if observe.recorded(name).series == (6, 18))
    text, good = judged(DATA / f"linux-{release}.json")
    assert good
    assert text.count("known bug") == 3
    release = next(name for name in RELEASES if observe.recorded(name).series == (6, 12))
    text, good = judged(DATA / f"linux-{release}.json")
    assert good
    assert text.count(f"known bug: {trial.BUGS[2]}") >= 4


@pytest.mark.parametrize("bug", trial.BUGS, ids=str)
def test_a_known_bug_begins_and_ends(bug):
    for name, seen in bug.shows.items():
        finding = trial.Finding(f"2 MiB, on: {name}", "something else", seen)
        before, after = ((*release[:-1], release[-1] + step) for release, step in ((bug.first, -1), (bug.last, 1)))
        known = [trial.known_bug(finding, release) for release in (bug.first, bug.last, before, after)]
        assert known == [bug, bug, None, None]
        assert trial.known_bug(trial.Finding(finding.name, "something else", "0"), bug.first) is None, "to the letter"


def test_the_third_bug_on_a_good_release_is_news(tmp_path):
    """A release before the back-port that shows what 6.12.117 shows is not excused."""
    data = raw(next(name for name in RELEASES if name.startswith("6.12.")))
    data["provenance"]["version"] = "6.12.113-1"
    assert len(broken(data)) >= 4


SHORT = [name for name in EVERY if observe.recorded(name).short]
LITTLE = {
    "the option the other way": change(("option",), lambda one: "n" if one == "y" else "y"),
    "a switch": change(("can_switch",), True),
    "something to free": change(("boot_log",), lambda all_: [line.replace(": 0 KiB", ": 448 KiB") for line in all_]),
    "no boot log": change(("boot_log",), lambda _: []),
    "something saved": change(("off", "counters", 0, "saved_pages"), 7),
    "nothing counted": change(("off", "counters"), lambda _: []),
    "another release": change(("release",), "4.19.0-1"),
    "another base page": change(("base_page",), 8192),
}


@pytest.mark.parametrize("name", LITTLE)
@pytest.mark.parametrize("release", SHORT)
def test_a_short_record_that_was_tampered_with_is_found_out(release, name):
    data = raw(release)
    LITTLE[name](data)
    assert found_out(data), name


def test_the_book_keeps_records_of_other_architectures():
    kept = {observe.recorded(name).architecture: observe.recorded(name) for name in EVERY}
    assert set(kept) >= {"x86-64", "riscv64", "arm64", "loong64", "ppc64el"}
    assert not kept["riscv64"].short
    assert {kept[name].base_page for name in ("arm64", "loong64", "ppc64el")} == {16384, 65536}
    assert kept["loong64"].struct_page == 80
    assert kept["loong64"].option == "y", "selected, and without effect"
    assert observe.records() == RELEASES, "what chapters draw from seeds is x86-64's"
    assert set(observe.records("riscv64")) == {name for name in EVERY if name.endswith("-riscv64")}


def test_on_riscv64_no_tail_is_read_only():
    """A fact of the architecture: it has no PAGE_KERNEL_RO."""
    for name in observe.records("riscv64"):
        record = observe.recorded(name)
        assert record.entries("2 MiB").writable_pages == "0-7"
        assert record.entries("1 GiB").writable_pages == "0-4095"
        data = raw(name)
        data["on"]["2 MiB"]["live"]["writable_pages"] = "0"
        assert broken(data) == [f"2 MiB, {trial.scheme_of_series(record.series)}: writable"]
