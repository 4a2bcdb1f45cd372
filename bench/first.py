"""What the first display of each panel costs: import, film drawn, output made. Each time in a new Python.

Once in one that has loaded nothing, and once in one that has what a notebook's kernel has before its first cell.
"""

from __future__ import annotations

import json
import statistics
from typing import Any

from .measure import output, summary, told

CODE = """import time
{before}
started = time.process_time()
{imports}
imported = time.process_time()
{shown}
print([imported - started, time.process_time() - imported])"""
KERNEL = "import ipykernel.kernelapp, ipykernel.ipkernel"
OTHERS = "import numpy, anywidget"
"""What a panel needs of others, and a notebook's kernel has loaded in part when a cell runs."""


def run(turns: int = 5) -> dict[str, Any]:
    """CPU seconds of the first display of every panel, of what others' packages take of it, and of the film alone."""
    names = json.loads(output("-c", "import json; from hvlib.pictures.films import FILMS; print(json.dumps([*FILMS]))"))
    told(f"{turns} turns of {len(names)} panels")
    found = {kind: _everywhere(kind, before, names, turns) for kind, before in (("kernel", KERNEL), ("bare", "pass"))}
    return {"turns": turns, **found}


def _everywhere(kind: str, before: str, names: list[str], turns: int) -> dict[str, Any]:
    others, panels = [], {name: ([], []) for name in names}  # type: ignore[var-annotated]
    for turn in range(turns + 1):
        bare = _taken(before, OTHERS, "pass")[0]
        for name, (whole, film) in panels.items():
            imported, shown = _taken(
                before, "import hvlib as hv; hv.explore", f"hv.explore.{name}()._repr_mimebundle_()"
            )
            if turn:
                whole.append(imported + shown)
                film.append(shown)
        if turn:
            others.append(bare)
    medians = {name: statistics.median(whole) for name, (whole, _) in panels.items()}
    for name in sorted(medians, key=medians.__getitem__):
        told(f"{kind}: {name:12} {medians[name]:.2f} CPU s, of it its film {statistics.median(panels[name][1]):.2f}")
    worst = max(medians, key=medians.__getitem__)
    return {
        "panels": {name: summary(whole) for name, (whole, _) in panels.items()},
        "films": {name: summary(film) for name, (_, film) in panels.items()},
        "typical": summary(list(medians.values())), "worst": summary(panels[worst][0]), "worst panel": worst,
        "others": summary(others),
    }  # fmt: skip


def _taken(before: str, imports: str, shown: str) -> list[float]:
    taken: list[float] = json.loads(output("-c", CODE.format(before=before, imports=imports, shown=shown)))
    return taken
