"""Binder: what it would build from this repository, and where the links lead that open a chapter there."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from tools import binder, book

pytestmark = [pytest.mark.beside, pytest.mark.slow]

ROOT = Path(__file__).parents[1]

CHAPTERS = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
LINK = r"https://mybinder\.org/v2/gh/([\w.-]+/[\w.-]+)/([\w.-]+)\?urlpath=lab/tree/notebooks/(\w+)\.ipynb"
PYTHON = binder.conda()["python"].lstrip("=")


@pytest.fixture(scope="module")
def repo2docker():
    return Path(pytest.importorskip("repo2docker", reason="repo2docker is not installed: the extra 'binder'").__file__)


@pytest.fixture(scope="module")
def dockerfile(repo2docker, tmp_path_factory):
    """What repo2docker would give to Docker; it builds nothing and needs no Docker."""
    done = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "--user-id=1000", "--user-name=jovyan", ROOT],
        cwd=tmp_path_factory.mktemp("empty"), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def locks(repo2docker):
    """The packages that repo2docker puts into the image before it looks at ours, one list a processor."""
    return list((repo2docker.parent / "buildpacks" / "conda").glob(f"environment.py-{PYTHON}-linux-*.lock"))


def test_the_base_image_is_the_usual_one(dockerfile):
    (base,) = re.findall(r"^FROM (.+)$", dockerfile, re.MULTILINE)
    assert re.fullmatch(r"(?:[\w.]+/)?library/buildpack-deps:\d\d\.\d\d", base)


def test_python_is_the_one_that_environment_yml_names(dockerfile, locks):
    names = [re.sub(r"\W", lambda c: f"-{ord(c[0]):x}", lock.name) for lock in locks]
    assert [name for name in names if name in dockerfile], "the list of another Python is used"
    assert len(re.findall(r"environment-2epy-2d", dockerfile)) == 1


def test_what_the_image_has_already_need_not_be_replaced(locks):
    """A package outside our bounds would lie in the image twice, once in each layer; JupyterLab is the largest."""
    assert locks
    for lock in locks:
        present = dict(re.findall(r"/([\w.-]+)-([^-/\s]+)-[^-/\s]+\.conda", lock.read_text()))
        ours = {name: bounds for name, bounds in binder.conda().items() if name in present and name != "python"}
        assert {"jupyterlab", "ipywidgets", "pip"} <= set(ours)
        assert present["python"].startswith(f"{PYTHON}.")
        assert all(present[name] in SpecifierSet(bounds) for name, bounds in ours.items()), lock.name


def test_the_packages_come_before_the_text_so_that_their_layer_is_kept(dockerfile):
    order = [dockerfile.index(f"\n{line}") for line in (
        "COPY --chown=1000:1000 src/environment.yml ${REPO_DIR}/environment.yml\n",
        "bash -c 'time ${MAMBA_EXE} env update",
        "COPY --chown=1000:1000 src/ ${REPO_DIR}/\n", "RUN ./postBuild\n", "ENTRYPOINT ", "CMD ",
    )]  # fmt: skip
    assert order == sorted(order)
    assert '--file "environment.yml"' in dockerfile
    assert "conda-2factivate" in dockerfile, "the buildpack is conda's"


def test_postbuild_runs_as_the_reader(dockerfile):
    before = dockerfile[: dockerfile.index("RUN ./postBuild")]
    assert re.findall(r"^USER (.+)$", before, re.MULTILINE)[-1] == "${NB_USER}"
    assert "root" not in re.findall(r"^USER (.+)$", dockerfile[len(before) :], re.MULTILINE)


def test_the_default_command_starts_jupyter(dockerfile):
    (command,) = re.findall(r"^CMD (.+)$", dockerfile, re.MULTILINE)
    assert json.loads(command)[0] == "jupyter"


def test_environment_yml_asks_one_channel():
    """mamba 2 asks for the index of a channel "nodefaults" as if it were one; Binder has no defaults to turn off."""
    assert binder.yaml.safe_load((ROOT / "environment.yml").read_text())["channels"] == ["conda-forge"]


def test_postbuild_stops_at_the_first_error_and_installs_no_dependency():
    script = (ROOT / "postBuild").read_text()
    assert "\nset -e" in script
    assert all("--no-deps" in line for line in script.splitlines() if "pip install" in line)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_pages_link_opens_its_chapter(chapter):
    addresses = re.findall(r'href="([^"]+)"', book.opened(chapter))
    repository, _, name = next(filter(None, (re.fullmatch(LINK, address) for address in addresses))).groups()
    assert repository == book.REPOSITORY
    assert name == chapter


def test_every_other_link_to_binder_is_of_the_same_form_and_leads_to_a_chapter():
    found = []
    for pattern in ("*.md", "*.cff", "book/*", "notebooks/*"):
        for document in filter(Path.is_file, ROOT.glob(pattern)):
            for address in re.findall(
                r"https?://mybinder\.org/v2/[^\s)\"'<>\\]+", document.read_text("utf-8", "ignore")
            ):
                assert address.startswith(book.BINDER), (document.name, address)
                assert re.fullmatch(LINK, address)[3] in CHAPTERS, (document.name, address)
                found.append(document.name)
    assert "README.md" in found


def test_the_tests_for_readers_need_nothing_that_readers_lack():
    """The selection of tools/binder.py follows the imports, through the helpers beside the tests."""
    assert "playwright" in binder.imports(ROOT / "tests" / "test_browser.py")
    assert "hypothesis" in binder.imports(ROOT / "tests" / "test_buddy.py")
    assert binder.imports(ROOT / "tests" / "test_units.py") == {"fractions", "hvlib", "pytest"}


def test_what_readers_need_not_have_and_what_takes_long_is_left_out():
    *_, marks = binder.test_options()
    assert set(marks.removeprefix("not ").split(" and not ")) >= {"browser", "book", "lab", "long", "notebook7"}
