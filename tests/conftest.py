"""What several browser tests share: one JupyterLab and one Chromium for all of them on a worker."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A JupyterLab that serves a copy of the notebooks."""
    from tools.jupyterlab import Lab

    scratch = tmp_path_factory.mktemp("lab")
    shutil.copytree(Path(__file__).parents[1] / "notebooks", scratch / "book")
    server = Lab(scratch / "book", scratch)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def driver():
    """Playwright, of which a process can have one."""
    with pytest.importorskip("playwright.sync_api", reason="playwright is not installed").sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(driver):
    """A Chromium; a page is each test's own."""
    from tools import jupyterlab

    if not jupyterlab.CHROMIUM and os.environ.get("HVLIB_REQUIRE_BROWSER") != "1":
        pytest.skip("no Chromium here (Debian: apt install chromium)")
    with jupyterlab.launched(driver) as running:
        yield running


@pytest.fixture(scope="session")
def html(tmp_path_factory, worker_id):
    """The folder of the published pages, without Python in them."""
    return _built(tmp_path_factory, worker_id, "book", live="0")


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id):
    """The folder of the published pages, with Python and JupyterLite beside them."""
    return _built(tmp_path_factory, worker_id, "runnable", live="1")


def _built(tmp_path_factory, worker_id, name, live):
    """Pages built now, once for all processes of a run."""
    from filelock import FileLock

    folder = tmp_path_factory.getbasetemp()
    folder = (folder if worker_id == "master" else folder.parent) / name
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            root = Path(__file__).parents[1]
            done = subprocess.run(
                [sys.executable, "-m", "tools.book"], capture_output=True, text=True, cwd=root,
                env={**os.environ, "PYTHONPATH": str(root), "HVLIB_BOOK": str(folder), "LIVE": live},
            )  # fmt: skip
            if done.returncode:
                shutil.rmtree(folder, ignore_errors=True)
            assert done.returncode == 0, done.stdout + done.stderr
    return folder / "html"
