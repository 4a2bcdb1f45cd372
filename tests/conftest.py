"""What several browser tests share: one JupyterLab and one Chromium for all of them on a worker."""

import os
import shutil
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
def browser():
    """A Chromium; a page is each test's own."""
    tools = pytest.importorskip("tools.jupyterlab", reason="playwright is not installed")
    if not tools.CHROMIUM and os.environ.get("HVLIB_REQUIRE_BROWSER") != "1":
        pytest.skip("no Chromium here (Debian: apt install chromium)")
    with tools.chromium() as running:
        yield running
