"""Measure, keep the results in book/bench.json, and write book/benchmarks.md from them.

    python -m bench                         everything
    python -m bench --only panel,host       some parts; the others keep their results
    python -m bench --render                measure nothing, only write the page again
    python -m bench --quick --into FOLDER   few samples, small hosts; results somewhere else

All of it takes about three quarters of an hour on a machine that does nothing else; most of that are the tests.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import book, chapters, first, game, grade, host, imports, intake, lab, live, panel, report, suite
from .measure import ROOT, circumstances

RUNS: dict[str, Callable[..., dict[str, Any]]] = {
    "panel": panel.run, "game": game.run, "first": first.run, "host": host.run, "import": imports.run, "lab": lab.run,
    "book": book.run, "live": live.run, "chapters": chapters.run, "intake": intake.run, "grade": grade.run,
    "suite": suite.run,
}  # fmt: skip
QUICK: dict[str, dict[str, Any]] = {
    "panel": {"turns": 1}, "game": {"turns": 1}, "first": {"turns": 1}, "host": {"turns": 1, "largest": 256},
    "import": {"turns": 3}, "lab": {"turns": 1}, "book": {"turns": 1}, "live": {"turns": 1, "chapters": 1},
    "chapters": {"turns": 1, "chapters": 2}, "intake": {"turns": 1, "megabytes": 5},
    "grade": {"turns": 1, "students": 2}, "suite": {"targets": ("quick",)},
}  # fmt: skip


def kept(folder: Path) -> dict[str, Any]:
    """The results that a folder has."""
    path = folder / "bench.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found


def write_page(folder: Path, results: dict[str, Any]) -> None:
    """The page of what is there."""
    (folder / "benchmarks.md").write_text(report.page(results), "utf-8")


def main() -> None:
    """Measure the parts asked for; after each, keep what is there and write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", default=",".join(RUNS), help=f"parts, of {', '.join(RUNS)}")
    parser.add_argument("--render", action="store_true", help="measure nothing")
    parser.add_argument("--quick", action="store_true", help="few samples, small hosts: does it work?")
    parser.add_argument("--into", type=Path, default=ROOT / "book", help="where the results go")
    options = parser.parse_args()
    parts = [] if options.render else options.only.split(",")
    for name in parts:
        if name not in RUNS:
            parser.error(f"there is no part {name!r}; write some of {', '.join(RUNS)}, for example --only panel,host")
    options.into.mkdir(parents=True, exist_ok=True)
    results = kept(options.into)
    for name in parts:
        print(f"{name} …", flush=True)
        where = {**circumstances(), "samples": "too few to judge" if options.quick else "all"}
        results[name] = {**RUNS[name](**(QUICK[name] if options.quick else {})), "circumstances": where}
        results = {part: results[part] for part in RUNS if part in results}
        (options.into / "bench.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
        write_page(options.into, results)  # at once, for the tests, which are a part, hold it against the results
    write_page(options.into, results)
    print(f"{options.into.name}/benchmarks.md written")


if __name__ == "__main__":
    main()
