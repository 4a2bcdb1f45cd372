"""JupyterLab, in this process, on a folder of the reader's."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from .errors import BadInput


def must_be_here() -> None:
    """Raises `BadInput` with what to install if JupyterLab is missing."""
    if find_spec("jupyterlab") is None:
        raise BadInput(
            "JupyterLab is not installed beside hvlib; write pip install 'hvlib[lab]', or hvlib open --copy-only and "
            "open the folder with a Jupyter of your own."
        )


def arguments(folder: Path, notebook: str, *, browser: bool, more: Iterable[str] = ()) -> list[str]:
    """JupyterLab's command line: it serves ``folder``, shows ``notebook``, and ends at the first Ctrl-C."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [
        "-y", f"--ServerApp.root_dir={folder}", f"--LabApp.default_url=/lab/tree/{notebook}",
        *["--allow-root"] * root, *["--no-browser"] * (not browser), *more,
    ]  # fmt: skip


def trust(notebooks: Iterable[Path]) -> None:
    """Let JupyterLab show the stored outputs of notebooks as they are, as ``jupyter trust`` does."""
    import nbformat
    from nbformat.sign import NotebookNotary

    notary = NotebookNotary()
    for path in notebooks:
        notary.sign(nbformat.read(path, as_version=4))


def start(line: list[str]) -> None:
    """Run JupyterLab until the reader ends it. Raises `BadInput` if it cannot start for a reason of the system's."""
    from jupyterlab.labapp import LabApp

    try:
        LabApp.launch_instance(line)
    except OSError as why:
        raise BadInput(
            f"JupyterLab cannot start ({why.strerror or why}); write hvlib open --copy-only and open the folder with a "
            "Jupyter of your own."
        ) from None
