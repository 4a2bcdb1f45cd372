"""The matrix of Pythons and packages: its own logic, and whether its page still holds."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tools import matrix

pytestmark = pytest.mark.beside
ROOT = Path(__file__).parents[1]

PROMISED = [Requirement(r) for r in (*matrix.PROJECT["dependencies"], *matrix.PROJECT["optional-dependencies"]["lab"])]


def passing(cell):
    cell.files, cell.problem, cell.versions = "these", "", {"Python": f"{cell.python}.1", "numpy": "2.1.0"}
    cell.counts = {title: {"passed": 1234, "failed": 0, "skipped": 0} for title in matrix.CHOICES[cell.choice].runs}
    return cell


@pytest.fixture
def cells():
    """All cells, as if everything had passed in each."""
    return [passing(cell) for cell in matrix.cells()]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder in which results and the page may be written."""
    monkeypatch.setattr(matrix, "ROOT", tmp_path)
    monkeypatch.setattr(matrix, "BUILD", tmp_path / "matrix")
    monkeypatch.setattr(matrix, "PAGE", tmp_path / "matrix.md")
    monkeypatch.setattr(matrix, "fingerprint", lambda: "these")


def row(page, cell):
    return next(line for line in page.splitlines() if line.startswith(f"| {cell.python} | {cell.choice} |"))


def test_the_pythons_are_those_that_everything_else_names():
    first = matrix.PYTHONS[0]
    assert matrix.PROJECT["requires-python"] == f">={first}"
    assert sorted(matrix.PYTHONS, key=Version) == matrix.PYTHONS
    assert f"You need Python {first} or later" in (ROOT / "README.md").read_text()
    assert f'target-version = "py{first.replace(".", "")}"' in (ROOT / "pyproject.toml").read_text()
    makefile = (ROOT / "Makefile").read_text()
    assert f"--python-version {first} " in makefile
    assert f"sys.version_info < ({first.replace('.', ', ')})" in makefile
    for workflow in (ROOT / ".github" / "workflows").glob("*.yml"):
        assert set(re.findall(r'python-version: "([\d.]+)"', workflow.read_text())) <= set(matrix.PYTHONS), workflow
    assert {cell.python for cell in matrix.cells()} == set(matrix.PYTHONS), "Binder's Python is one of them"


def test_each_python_meets_each_choice_and_notebook_7_one():
    names = [cell.name for cell in matrix.cells()]
    assert len(set(names)) == len(names) == 3 * len(matrix.PYTHONS) + 1
    for python in matrix.PYTHONS:
        assert {f"{python}/{choice}" for choice in ("pinned", "oldest", "newest")} <= set(names)


def test_only_pinned_packages_have_every_output_compared():
    for name, choice in matrix.CHOICES.items():
        lax = any("--nbval-lax" in options for options in choice.runs.values())
        assert lax == (name in ("oldest", "newest"))
        assert ("constraints.txt" in choice.options) != lax


def test_only_names_a_cell_or_several_and_says_what_there_is():
    every = matrix.cells()
    assert matrix.chosen(every, []) == every
    assert [cell.name for cell in matrix.chosen(every, ["3.12/oldest"])] == ["3.12/oldest"]
    assert {cell.python for cell in matrix.chosen(every, ["3.11"])} == {"3.11"}
    assert {cell.choice for cell in matrix.chosen(every, ["oldest", "newest"])} == {"oldest", "newest"}
    with pytest.raises(SystemExit, match=r"There is no cell '2.7'; choose a Python \(3.11, .*--only 3.11/oldest"):
        matrix.chosen(every, ["2.7"])


def test_the_page_says_passed_where_it_passed(cells):
    page = matrix.page(cells)
    assert all(row(page, cell).endswith("| passed |") for cell in cells)
    assert "1,234 passed" in page


SPOILED = {
    "a run failed": lambda cell: setattr(cell, "problem", "failed: unit tests"),
    "a test failed": lambda cell: next(iter(cell.counts.values())).update(failed=1),
    "nothing passed": lambda cell: next(iter(cell.counts.values())).update(passed=0),
    "a run is missing": lambda cell: cell.counts.popitem(),
    "it was cut short": lambda cell: cell.counts.clear(),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_cell_that_failed_is_shown_as_failed(cells, how):
    for cell in cells:
        SPOILED[how](cell)
        page = matrix.page(cells)
        assert re.search(r"\| \*\*failed.*\*\* \|$", row(page, cell))
        assert page.count("| passed |") == len(cells) - 1
        assert re.search(rf"{cell.name} +failed", matrix.table(cells))
        passing(cell)


def test_a_cell_never_run_has_not_passed():
    assert {(cell.passed, cell.verdict) for cell in matrix.cells()} == {(False, "not run")}


def test_a_missing_python_is_one_sentence_and_the_others_go_on(elsewhere, monkeypatch, capsys):
    run = matrix.run
    monkeypatch.setattr(matrix, "interpreter", lambda python: None)
    monkeypatch.setattr(matrix, "run", lambda cell: run(cell) if cell.python == "3.13" else passing(cell))
    assert matrix.main([]) == 1
    said = capsys.readouterr().out
    assert "not run: there is no Python 3.13 here; install python3.13 from" in said
    assert "not run: there is no Python 3.12" not in said
    assert not matrix.PAGE.exists(), "a page with holes is not written"
    assert "stays as it is: not run with these files: 3.13/pinned, 3.13/oldest, 3.13/newest." in said


def test_resume_runs_again_what_failed_or_had_other_files(elsewhere, monkeypatch):
    ran, broken = [], {"3.12/oldest"}

    def run(cell):
        ran.append(cell.name)
        passing(cell).files = matrix.fingerprint()
        if cell.name in broken:
            cell.problem = "failed: unit tests"

    monkeypatch.setattr(matrix, "run", run)
    assert matrix.main([]) == 1
    assert ran == [cell.name for cell in matrix.cells()]
    assert "**failed: unit tests**" in matrix.PAGE.read_text(), "the page tells it"
    ran.clear()
    broken.clear()
    assert matrix.main(["--resume"]) == 0
    assert ran == ["3.12/oldest"]
    assert "failed" not in matrix.PAGE.read_text()
    monkeypatch.setattr(matrix, "fingerprint", lambda: "others")
    assert matrix.main(["--resume", "--only", "3.11"]) == 0
    assert ran[1:] == ["3.11/pinned", "3.11/oldest", "3.11/newest"], "files have changed since"


def test_every_package_of_the_repository_is_among_the_files_of_a_cell():
    packages = {path.parent.name for path in matrix.ROOT.glob("*/__init__.py")}
    assert packages >= {"hvlib", "live"}
    assert packages <= set(matrix.PARTS), "a test may import it"


def test_a_python_is_taken_only_if_it_works(tmp_path, monkeypatch):
    """A name on PATH may point to a Python that is not in use, and then it only complains."""
    pointer = tmp_path / "python3.99"
    pointer.write_text("#!/bin/sh\nexit 127\n")
    pointer.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert matrix.interpreter("3.99") is None
    pointer.write_text("#!/bin/sh\necho 3.99\n")
    assert matrix.interpreter("3.99") == str(pointer)


def test_pytests_report_is_counted(tmp_path):
    report = tmp_path / "report.xml"
    assert matrix.counted(report) == ({"passed": 0, "failed": 0, "skipped": 0}, [])
    report.write_text(
        '<testsuites><testsuite tests="7" failures="1" errors="1" skipped="2">'
        '<testcase><skipped message="no B"/></testcase><testcase><skipped message="no A"/></testcase>'
        "<testcase><skipped message=\"collection skipped\">('/x/y.py', 1, 'Skipped: no C')</skipped></testcase>"
        "</testsuite></testsuites>"
    )
    assert matrix.counted(report) == ({"passed": 3, "failed": 2, "skipped": 2}, ["no A", "no B", "no C"])


# The page as it stands


@pytest.fixture
def standing():
    return (ROOT / "book" / "matrix.md").read_text()


@pytest.fixture
def versions(standing):
    """The page's second table: (Python, packages) -> package -> version."""
    lines = standing.partition("## With which versions")[2].splitlines()
    head, _, *body = ([field.strip() for field in line[1:-1].split("|")] for line in lines if line.startswith("|"))
    return {(python, choice): dict(zip(head[2:], rest, strict=True)) for python, choice, *rest in body}


@pytest.mark.generated
def test_the_page_has_every_cell_and_each_passed(standing, versions):
    named = [(python.rpartition(".")[0], choice) for python, choice in versions]
    assert named == [(cell.python, cell.choice) for cell in matrix.cells()], "run: make matrix"
    assert all(row(standing, cell).endswith("| passed |") for cell in matrix.cells())


@pytest.mark.generated
def test_the_page_is_of_the_versions_promised_today(versions):
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    for (python, choice), found in versions.items():
        variables = {"python_full_version": python, "python_version": python.rpartition(".")[0]}
        valid = {canonicalize_name(p.name): p for p in pins if not p.marker or p.marker.evaluate(variables)}
        for promised in (r for r in PROMISED if not r.marker or r.marker.evaluate(variables)):
            floor = next(s.version for s in promised.specifier if s.operator == ">=")
            version, told = found[promised.name], (python, choice, promised.name, "run: make matrix")
            assert version in promised.specifier, told
            if choice == "oldest":
                assert Version(version) == Version(floor), told
            elif choice != "newest":
                assert version in valid[promised.name].specifier, told
