"""What "Run All" of each chapter costs a kernel that has just started, from the first cell to the last."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from .measure import ROOT, environment, output, significant, summary, told

CLOCK = "__import__('time').process_time()"


def run(turns: int = 3, chapters: int = 99) -> dict[str, Any]:
    """CPU seconds of the kernel for each chapter, and for importing NumPy and anywidget there."""
    paths = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))[:chapters]
    taken: dict[str, list[float]] = {path.stem: [] for path in paths}
    for _ in range(turns):
        for path in paths:
            taken[path.stem].append(float(json.loads(output("-m", "bench.chapters", str(path)))))
    for name, samples in taken.items():
        told(f"{name}: {statistics.median(samples):.2f} CPU s")
    medians = {name: statistics.median(samples) for name, samples in taken.items()}
    worst = max(medians, key=medians.__getitem__)
    return {"chapters": {name: significant(value) for name, value in medians.items()}, "slowest": worst,
            "typical": summary(list(medians.values())), "worst": summary(taken[worst])}  # fmt: skip


def cpu(path: Path) -> float:
    """CPU seconds that the kernel of one notebook takes for all its cells."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, 4)
    clock = nbformat.v4.new_code_cell(CLOCK)
    notebook.cells = [clock, *notebook.cells, nbformat.v4.new_code_cell(CLOCK)]
    done = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}, allow_errors=True,
                          env=environment()).execute()  # fmt: skip
    first, last = (float(done.cells[place].outputs[0].data["text/plain"]) for place in (0, -1))
    return last - first


if __name__ == "__main__":
    import sys

    print(cpu(Path(sys.argv[1])))
