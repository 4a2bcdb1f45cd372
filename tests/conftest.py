"""What several browser tests share."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab that serves a copy of the notebooks."""
    from tools.jupyterlab import Lab

    scratch = tmp_path_factory.mktemp("lab")
    shutil.copytree(Path(__file__).parents[1] / "notebooks", scratch / "book")
    server = Lab(scratch / "book", scratch)
    yield server
    server.stop()
