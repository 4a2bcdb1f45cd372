"""environment.yml, pyproject.toml and constraints.txt say the same; nothing heavy is imported early."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from hvlib.pictures import svg
from tools import picture
from tools.binder import conda, pip_lines

pytestmark = pytest.mark.beside
ROOT = Path(__file__).parents[1]

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def requirements(*lines):
    """What is asked for with the Python that Binder has."""
    python = {"python_version": conda()["python"].lstrip("=")}
    asked = [one for one in map(Requirement, lines) if not one.marker or one.marker.evaluate(python)]
    return {canonicalize_name(r.name): r.specifier for r in asked}


def test_conda_and_pip_name_the_same_packages_and_bounds():
    extras = PROJECT["optional-dependencies"]
    nbval = [line for line in extras["test"] if line.startswith("nbval")]
    pip = requirements(*PROJECT["dependencies"], *extras["lab"], *nbval)
    assert requirements(*(line for line in pip_lines() if line != "pip")) == pip


def test_python_is_named_the_way_binder_reads_it():
    python = conda()["python"]
    assert re.fullmatch(r"=3\.1[1-4]", python)
    assert Version(python[1:]) in Requirement(f"x{PROJECT['requires-python']}").specifier


def test_nothing_hides_environment_yml_from_binder():
    assert not [
        n
        for n in ("binder", ".binder", "Dockerfile", "Pipfile", "default.nix", "requirements.txt")
        if (ROOT / n).exists()
    ]
    script = ROOT / "postBuild"
    assert script.read_text().startswith("#!/bin/bash\n")
    assert os.access(script, os.X_OK)


def test_constraints_pin_every_dependency_within_its_bounds_and_hold_no_address():
    text = (ROOT / "constraints.txt").read_text()
    assert "://" not in text
    pins = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, version = re.match(r"([\w.-]+)==([^\s;]+)", line).groups()
            pins.setdefault(canonicalize_name(name), []).append(Version(version))
    for lines in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()):
        for asked in map(Requirement, lines):
            assert pins[canonicalize_name(asked.name)], asked
            assert all(version in asked.specifier for version in pins[canonicalize_name(asked.name)]), asked


def test_the_version_is_one():
    import hvlib

    assert "version" in PROJECT["dynamic"], "pyproject.toml reads it from hvlib"
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == hvlib.__version__
    assert re.findall(r"^## (\S+?),", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[0] == hvlib.__version__


def test_the_date_of_the_version_is_one():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    heading = f"## {citation['version']}, {citation['date-released']}"
    assert heading in (ROOT / "CHANGELOG.md").read_text().splitlines()
    dates = re.findall(r"^## \S+, (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert dates == sorted(dates, reverse=True)


def encodings(tree):
    """Lines on which text is read or written without an encoding, which differs from system to system."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        named = any(keyword.arg == "encoding" for keyword in call.keywords)
        at = {"read_text": 0, "write_text": 1}.get(name)
        if name == "open" and isinstance(call.func, ast.Name | ast.Attribute):
            modes = [
                a.value for a in call.args if isinstance(a, ast.Constant) and re.fullmatch("[rwax+bt]+", str(a.value))
            ]
            on_file = isinstance(call.func, ast.Name) or bool(modes)
            if on_file and not named and not any("b" in mode for mode in modes):
                yield call.lineno
        elif at is not None and not named and len(call.args) <= at:
            yield call.lineno


@pytest.mark.slow
def test_every_file_is_read_and_written_with_an_encoding_that_is_named():
    """Ruff's PLW1514 knows only calls on `Path(...)` itself; this finds those on any expression."""
    assert list(encodings(ast.parse("p.read_text(); (a / b).write_text(x); open(f); p.open('w')"))) == [1] * 4
    assert not list(
        encodings(ast.parse("p.read_text('utf-8'); p.write_text(x, 'utf-8'); open(f, 'rb'); os.open(a, b)"))
    )
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for room in ("hvlib", "kernel_lab", "grading", "classroom", "bench", "tools", "live", "book")
        for path in (ROOT / room).rglob("*.py")
        for line in encodings(ast.parse(path.read_text("utf-8")))
    ]
    assert not found


def test_the_core_imports_neither_matplotlib_nor_ipywidgets():
    code = (
        "import sys, hvlib as hv; m = hv.Machine('1 GiB'); m.hugetlb('2 MiB').optimize('head page'); hv.observe.here();"
        "print([n for n in ('matplotlib', 'ipywidgets', 'anywidget', 'IPython', 'PIL') if n in sys.modules]);"
        "hv.draw; hv.explore; print('matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split("\n")[:2] == ["[]", "False"]


def test_a_name_is_imported_when_it_is_used_and_arithmetic_needs_no_numpy():
    code = (
        "import sys, hvlib as hv; print(hv.HugePage('2 MiB').freed('tail page'), 'numpy' in sys.modules);"
        "print(set(hv._HOME) - set(hv.__all__), [n for n in hv.__all__ if not hasattr(hv, n) or n not in dir(hv)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "6 False\nset() []\n"


def test_the_import_contracts_of_pyproject_hold(monkeypatch):
    """Rooms, their insides, and witnesses that know nothing of each other."""
    lint_imports = pytest.importorskip(
        "importlinter.cli", reason="import-linter is not here: the extra 'dev'"
    ).lint_imports
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == 0


@pytest.mark.generated
def test_the_picture_of_the_readme_is_the_engines():
    assert picture.PICTURE.read_text("utf-8") == picture.picture(), "make it again: make picture"
    assert "](book/remap.svg)" in (ROOT / "README.md").read_text("utf-8")


SHOWN = """time => {
  for (const one of document.getAnimations()) { one.pause(); one.currentTime = time; }
  const inside = (g) => new XMLSerializer().serializeToString(g).replace(/^<g[^>]*>|<.g>$| xmlns="[^"]*"/g, "");
  return [...document.querySelectorAll("svg > g")].filter((g) => getComputedStyle(g).opacity === "1").map(inside);
}"""


@pytest.mark.browser
@pytest.mark.slow
def test_the_picture_of_the_readme_shows_each_step_in_its_time_and_the_last_without_motion(browser):
    states = [picture.FILM.state(huge_page="2 MiB", step=step)[0] for step in picture.FILM.axes[1].values]
    cut = svg.cut(states)
    frames = [[cut["parts"][part] for part in row if part >= 0] for row in cut["frames"]]
    for motion in ("no-preference", "reduce"):
        page = browser.new_page(reduced_motion=motion)
        page.goto(picture.PICTURE.as_uri())
        for step, parts in enumerate(frames):
            drawn = page.evaluate(SHOWN, 1000 * picture.BEATS * (step + 0.3))
            wanted = parts if motion == "no-preference" else frames[-1]
            assert drawn == wanted, (motion, step)
        assert page.evaluate("document.getAnimations().length > 0") == (motion == "no-preference")
        page.close()


def slugs(document):
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_local_links_of_the_documents_lead_somewhere():
    for document in ROOT.glob("*.md"):
        for target, anchor in re.findall(r"\]\((?!https?://)([^)#]+)#?([^)]*)", document.read_text("utf-8")):
            assert (ROOT / target).exists(), (document.name, target)
            assert not anchor or anchor in slugs(ROOT / target), (document.name, target, anchor)


def test_the_make_commands_of_the_documents_exist():
    verbs = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in ("README.md", "CONTRIBUTING.md", ".ci/run"):
        named = set(re.findall(r"make ([a-z][a-z-]*)", (ROOT / document).read_text())) - {"sure"}
        assert named <= verbs, document


FORGE = ROOT / ".github"
SCHEMAS = {"github-workflows": "workflows/*.yml", "github-issue-forms": "ISSUE_TEMPLATE/[!c]*.yml",
           "github-issue-config": "ISSUE_TEMPLATE/config.yml"}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("schema", SCHEMAS)
def test_workflows_and_forms_are_what_github_reads(schema):
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed: the extra 'dev'")
    files = sorted(FORGE.glob(SCHEMAS[schema]))
    assert files
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *files]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_workflows_try_every_python_on_three_systems_with_files_that_exist():
    tests = (FORGE / "workflows" / "tests.yml").read_text("utf-8")
    job = yaml.safe_load(tests)["jobs"]["tests"]
    grid = job["strategy"]["matrix"]
    assert grid["python"] == re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert [system.partition("-")[0] for system in grid["system"]] == ["ubuntu", "macos", "windows"]
    files = re.findall(r"tests/\w+\.py", str(job))
    assert len(files) > 10
    for file in files:
        text = (ROOT / file).read_text("utf-8")
        assert not re.search(r"^import (resource|fcntl|pwd)$|setpriv|mkfifo", text, re.MULTILINE), file


def test_a_release_is_built_once_from_a_tag_that_is_the_version_and_published_without_a_password():
    text = (FORGE / "workflows" / "release.yml").read_text("utf-8")
    assert "hvlib.__version__" in text
    assert text.count("python -m build\n") == 1
    assert yaml.safe_load(text)["jobs"]["publish"]["permissions"] == {"id-token": "write"}
    assert not re.search(r"secrets\.|password:", text)
