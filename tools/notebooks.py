"""Execute and normalise the notebooks: the only way that their outputs are made.

    python -m tools.notebooks            execute all, write what changed
    python -m tools.notebooks --check    execute all, write nothing, fail if anything would change
    python -m tools.notebooks 05         execute those whose name contains "05"

Running it twice changes nothing: execution counts are 1, 2, 3 …, metadata is reduced to what matters, references
to live widgets (whose ids are random) are dropped while the state beside them stays, and the outputs do not depend on
the machine: chapters ask the recorded kernel (``HVLIB_OBSERVE``), not this one. Pictures are kept as PNG too
(``HVLIB_PNG``), which untrusted notebooks and code hosts show.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from hvlib.pictures.outputs import MIMETYPE

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
FOLDED = {"remove-cell"}
"""Tags of cells that JupyterLab opens folded: what is there for a test."""
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class DeadWidget(Exception):
    """A widget of which nothing would be left where no kernel runs; the sentence names the cell."""


def executed(path: Path) -> str:
    """The text of a notebook after every cell was run from the top."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--log-level=ERROR"],
    ).execute()  # fmt: skip
    return f"{nbformat.writes(normalised(notebook))}\n"


def normalised(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The same notebook without anything that differs from run to run. Raises `DeadWidget` for a widget of no kind."""
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat_minor = 5
    count = 0
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        folded = {"jupyter": {"outputs_hidden": True, "source_hidden": True}} if FOLDED & set(tags or ()) else {}
        cell.metadata = nbformat.from_dict({**folded, **({"tags": tags} if tags else {})})
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        cell.outputs = _joined(cell.outputs)
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count
            view = output.get("data", {}).pop(WIDGET_VIEW, None)
            if view and MIMETYPE not in output.data:
                raise DeadWidget(f"cell {cell.id} shows a widget that says nothing of itself; a panel does")
    return notebook


def _joined(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Pieces of one printed text as one output; where it is cut depends on the clock."""
    joined: list[nbformat.NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def main() -> int:
    """Execute the notebooks named on the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="parts of notebook names; all if there are none")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a notebook would change")
    options = parser.parse_args()
    os.environ["HVLIB_OBSERVE"], os.environ["HVLIB_PNG"] = "recorded", "1"
    paths = [
        path
        for path in sorted(NOTEBOOKS.glob("*.ipynb"))
        if not options.names or any(name in path.name for name in options.names)
    ]
    if not paths:
        print(f"no notebook in {NOTEBOOKS.name}/ has {' or '.join(options.names)} in its name")
        return 2
    changed = stopped = 0
    for number, path in enumerate(paths, 1):
        started = time.perf_counter()
        print(f"[{number}/{len(paths)}] {path.name} … ", end="", flush=True)
        try:
            text = executed(path)
        except DeadWidget as why:
            stopped += 1
            print(f"not written: {why}")
            continue
        except CellExecutionError as why:
            stopped += 1
            cell = str(why).split("------------------\n")[1]
            print(f"not written, {why.ename}: {why.evalue}; it stops in this cell:\n{cell}")
            continue
        same = path.read_text("utf-8") == text
        changed += not same
        if not same and not options.check:
            path.write_text(text, "utf-8")
        outcome = "unchanged" if same else "would change" if options.check else "written"
        print(f"{outcome}, {time.perf_counter() - started:.1f} s")
    return 1 if stopped or (options.check and changed) else 0


if __name__ == "__main__":
    sys.exit(main())
