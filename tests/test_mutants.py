"""The mutants of tests/mutants.toml and what the table says of them.

Breaking the engine is not part of the fast run: `make mutants` makes the table, `make mutants SOME=12` takes a dozen.
"""

import json
import re
import tomllib
from pathlib import Path

import pytest

from tools import mutants

pytestmark = pytest.mark.beside

ROOT = Path(__file__).parents[1]

MUTANTS = mutants.chosen()
RESULTS = json.loads(mutants.RESULTS.read_text("utf-8"))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.key[:60])
def test_a_mutant_has_a_place_of_its_own_and_compiles(mutant):
    now = (ROOT / mutant.file).read_text("utf-8")
    then = mutant.text(now)
    assert now != then
    compile(then, mutant.file, "exec")
    assert mutant.what


@pytest.mark.generated
def test_the_core_is_covered():
    core = {
        path.relative_to(ROOT / "hvlib").with_suffix("").as_posix()
        for room in ("", "arithmetic", "facts", "mechanism")
        for path in (ROOT / "hvlib" / room).glob("[!_]*.py")
    }
    assert {"units", "arithmetic/geometry", "mechanism/hvo"} <= core
    assert core <= {m.module for m in MUTANTS if m.key in RESULTS}
    assert len({m.key for m in MUTANTS}) == len(MUTANTS)


@pytest.mark.generated
def test_the_table_is_of_these_mutants_and_nothing_survives():
    assert set(RESULTS) <= {m.key for m in MUTANTS}, "run make mutants"
    assert len(RESULTS) >= 60
    assert mutants.PAGE.read_text("utf-8") == mutants.render(MUTANTS, RESULTS)
    assert not mutants.survivors(MUTANTS, RESULTS)
    for mutant in MUTANTS:
        if mutant.equivalent and mutant.key in RESULTS:
            assert not any(RESULTS[mutant.key][name] for name in (*mutants.WITNESSES, "seen")), mutant.key


def test_what_needs_more_than_python_is_left_out_of_a_modules_own_tests():
    markers = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]["ini_options"]["markers"]
    needing = {line.partition(":")[0] for line in markers if ": needs " in line}
    assert set(re.findall(r"\w+", mutants.OWN_MARKS)) - {"not", "or"} == needing


def test_the_comparison_of_witnesses_notices_what_it_alone_must():
    named = [m for m in MUTANTS if m.by]
    assert sum(m.by == "witnesses" for m in named) >= 10
    for mutant in named:
        assert (ROOT / "tests" / f"test_{mutant.by}.py").is_file()
        if mutant.key in RESULTS:
            assert RESULTS[mutant.key]["unit"].startswith(f"test_{mutant.by}: "), mutant.key


@pytest.mark.generated
def test_what_a_reader_sees_is_guarded_by_the_notebooks_alone():
    seen = [m for m in MUTANTS if RESULTS.get(m.key, {}).get("seen")]
    alone = [m for m in seen if RESULTS[m.key]["notebooks"]]
    assert len(alone) >= 0.9 * len(seen) > 0


def test_a_survivor_is_told():
    some = MUTANTS[0]
    nothing = {some.key: {"unit": "", "records": "", "notebooks": "", "seen": True}}
    assert mutants.survivors([some], nothing) == [some]
    assert "by nothing: 1" in " ".join(mutants.render([some], nothing).split())
