"""The model against the records of real kernels, and records that were tampered with against the model."""

import copy
import json
from pathlib import Path

import pytest

import hvlib as hv
from hvlib import observe, trial
from hvlib.__main__ import main
from hvlib.report import judged

DATA = Path(hv.__file__).parent / "data"
RELEASES = observe.records()


def raw(release):
    return json.loads((DATA / f"linux-{release}.json").read_text())


def broken(data):
    record = observe.Record(data)
    return [f.name for f in trial.judge(record) if not f.holds and not trial.known_bug(f.name, record.series)]


def test_the_book_keeps_a_record_of_every_scheme():
    seen = {trial.scheme_of_series(observe.recorded(name).series).name for name in RELEASES}
    assert seen == set(hv.SCHEMES)
    assert len(RELEASES) >= 7
    for name in RELEASES:
        assert {"2 MiB", "1 GiB"} <= set(raw(name)["off"])


@pytest.mark.parametrize("release", RELEASES)
def test_a_real_kernel_does_what_the_model_expects(release):
    record = observe.recorded(release)
    findings = trial.judge(record)
    assert len(findings) >= 17
    assert [str(f) for f in findings if not f.holds and not trial.known_bug(f.name, record.series)] == []


@pytest.mark.parametrize("release", RELEASES)
def test_a_known_bug_shows_in_the_records_of_its_releases(release):
    record = observe.recorded(release)
    for finding in trial.judge(record):
        if trial.known_bug(finding.name, record.series):
            assert not finding.holds, f"{finding.name}: not seen on {release}, so it is no longer a bug there"


def row(data, page):
    return data["on"]["2 MiB"]["live"]["rows"][page]


def wrong_frame(data):
    row(data, 3)[1] += 1


def writable_tail(data):
    row(data, 5)[2] = True


def writable_said(data):
    data["on"]["2 MiB"]["live"]["writable_pages"] = "0, 5"


def count_off_by_five(data):
    data["on"]["counters"][-1]["saved_pages"] -= 5


def tail_names_another_head(data):
    words = data["on"]["2 MiB"]["live"]["words"]["3"]
    words[1] = hex(int(words[1], 16) + 64)


def other_bytes_in_a_shared_frame(data):
    data["on"]["2 MiB"]["live"]["words"]["128"][5] = "0x1"


def not_given_back(data):
    data["on"]["1 GiB"]["dissolved"]["distinct_frames"] -= 1


def small_entry_at_boot(data):
    data["on"]["2 MiB"]["boot"]["rows"][0][4] = 4096


def monitor_disagrees(data):
    data["on"]["1 GiB"]["live"]["monitor_agrees"] = False


TAMPER = [wrong_frame, writable_tail, writable_said, count_off_by_five, tail_names_another_head,
          other_bytes_in_a_shared_frame, not_given_back, small_entry_at_boot, monitor_disagrees]  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPER, ids=lambda f: f.__name__)
@pytest.mark.parametrize("release", [name for name in RELEASES if "on" in raw(name)])
def test_a_record_that_was_tampered_with_is_found_out(release, tamper):
    data = raw(release)
    assert broken(data) == []
    changed = copy.deepcopy(data)
    tamper(changed)
    assert broken(changed), tamper.__name__


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
    assert text.count("known bug") == 2
