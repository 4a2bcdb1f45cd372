"""The page of benchmarks is made from the results, says so when a budget is missed, and measures what it says."""

import copy
import json
import re
from pathlib import Path

import pytest

from bench import book, host, measure, report
from bench.__main__ import RUNS, kept

pytestmark = pytest.mark.beside
ROOT = Path(__file__).parents[1]
RESULTS = kept(ROOT / "book")


def rows(results):
    return {row.what: row for name in results for row in report.PARTS[name](results[name])}


@pytest.mark.generated
def test_the_page_is_made_from_the_results_of_every_part():
    assert (ROOT / "book" / "benchmarks.md").read_text("utf-8") == report.page(RESULTS)
    assert set(RESULTS) == set(RUNS) == set(report.PARTS)


@pytest.mark.generated
def test_the_results_name_no_machine_and_no_path():
    text = (ROOT / "book" / "bench.json").read_text("utf-8")
    assert not re.search(r"/(home|root|tmp|usr|work)\b|localhost|127\.0", text)
    assert json.loads(text)["host"]["circumstances"].keys() >= {"processors", "load", "python", "numpy"}


@pytest.mark.parametrize("what", [row.what for row in rows(RESULTS).values() if row.budget])
def test_a_missed_budget_is_marked_and_explained(what):
    """Every number of the results is made much worse; then each budget must be missed, and the page must say so."""
    worse = copy.deepcopy(RESULTS)

    def spoil(data, factor):
        for key, value in data.items():
            if isinstance(value, dict):
                spoil(value, 1e-4 if key.startswith("times faster") else factor)
            elif key in ("median", "p95_ms", "kib", "exponent", "optimised_mib"):
                data[key] = value * factor

    for part in worse.values():
        spoil(part, 1e4)
    row = rows(worse)[what]
    assert row.met is False
    page = report.page(worse)
    (line,) = [line for line in page.splitlines() if line.startswith(f"| {row.what} |")]
    assert "| **no** |" in line
    assert any(line.startswith(f"- {row.what}: ") for line in page.splitlines())
    assert row.limit, "it says what stands in the way"


def test_a_budget_that_is_met_is_not_among_the_missed():
    row = report.Row("x", "1 s", "c", 1.0, most=2, unit=" s")
    assert (row.met, row.budget, row.cells()[5]) == (True, "at most 2 s", "yes")
    assert report.Row("x", "1 s", "c", 1.0, least=2).met is False
    assert report.Row("x", "1 s", "c").met is None


def test_the_baseline_writes_what_the_operation_changes():
    """By the table of the design: of eight entries seven lead elsewhere, and the head's page moves."""
    tail, copied = host.changes("tail page", False), host.changes("head page, copied", False)
    assert tail["frame"] == tail["writable"] == 6
    assert (copied["frame"], copied["writable"]) == (8, 7)
    assert len(copied) > 2, "and something is kept for every frame"
    assert host.changes("tail page", True)["frame"] == 6


def test_a_host_has_the_huge_pages_that_are_promised():
    machine, pool = host.host(1)
    assert len(pool) == 512
    pool.optimize(host.MAIN)
    host.checked(machine)


def test_growth_is_the_power_of_the_size():
    def times(power):
        return {str(gib): {"optimize": {"median": 1e-3 * gib**power}} for gib in (64, 1024, 4096)}

    assert host.exponent(times(1)) == pytest.approx(1)
    assert host.exponent(times(2)) == pytest.approx(2)


def test_quantiles_ratios_and_turns():
    assert measure.quantile(range(1, 41), 0.95) == 38
    assert measure.ratios([2, 6, 4], [1, 2, 4]) == {"median": 2, "low": 1, "high": 3, "n": 3}
    calls = []
    taken = measure.in_turns({name: lambda name=name: calls.append(name) or len(calls) for name in "ab"}, 2)
    assert calls == list("ababab")
    assert taken == {"a": [3, 5], "b": [4, 6]}, "the first turn does not count"


def test_a_page_weighs_what_it_loads(tmp_path):
    (tmp_path / "a.css").write_text("p { background: url('b.png') }" * 100)
    (tmp_path / "b.png").write_bytes(bytes(range(256)) * 8)
    page = tmp_path / "index.html"
    page.write_text(
        '<link rel="stylesheet" href="a.css?v=1"><link rel="next" href="other.html"><img src="b.png" alt="b">'
    )
    (tmp_path / "other.html").write_text("x" * 9999)
    weight = book.weight(page)
    stored = sum((tmp_path / name).stat().st_size for name in ("a.css", "b.png", "index.html"))
    assert weight["stored"] == pytest.approx(stored / 1024, rel=1e-3)
    assert weight["html"] < weight["served"] < weight["stored"]


def test_a_move_of_the_game_is_judged_at_ease_and_in_a_hurry():
    """While arrows move no picture comes before the next frame begins; that frame's own work has no limit."""
    late = {"ms": {"median": 9.0, "low": 5.0, "high": 20.0, "n": 4}, "p95_ms": 18.0}
    soon = {**late, "p95_ms": 12.0}
    found = {"at ease": soon, "begun": late, "shown": late, "judged": late}
    met = {row.what: row.met for row in report.game({**found, "circumstances": {"load": 1, "processors": 2}})}
    assert met == {
        "move of the game, changed picture, nothing else moving: 95th percentile": True,
        "move of the game, while arrows move, until the frame begins that shows it: 95th percentile": False,
        "move of the game, while arrows move, until that frame is painted: 95th percentile": None,
        "move of the game, judged by Python: 95th percentile": True,
    }
