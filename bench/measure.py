"""How to time: clocks, turns, medians and spreads, and what must be known of the machine."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
Summary = dict[str, float]
"""Of some samples: ``median``, ``low``, ``high``, and ``n``, how many."""


def told(text: str) -> None:
    """A line of progress."""
    print(f"  {text}", flush=True)


def seconds(action: Callable[[], object]) -> float:
    """Wall-clock seconds of a call."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def cpu_seconds(action: Callable[[], object]) -> float:
    """CPU seconds, the kernel's for it included, of a call that keeps to this process."""
    started = time.process_time()
    action()
    return time.process_time() - started


def summary(samples: Sequence[float]) -> Summary:
    """Median and range of samples."""
    return {"median": significant(statistics.median(samples)), "low": significant(min(samples)),
            "high": significant(max(samples)), "n": len(samples)}  # fmt: skip


def ratios(these: Sequence[float], those: Sequence[float]) -> Summary:
    """Median and range of the ratios of samples taken in the same turn."""
    return summary([this / that for this, that in zip(these, those, strict=True)])


def differences(these: Sequence[float], those: Sequence[float]) -> Summary:
    """Median and range of the differences of samples taken in the same turn."""
    return summary([this - that for this, that in zip(these, those, strict=True)])


def quantile(samples: Sequence[float], share: float) -> float:
    """The sample below or at which ``share`` of all samples lie."""
    return significant(sorted(samples)[max(0, -int(-len(samples) * share // 1) - 1)])


def significant(number: float) -> float:
    """Four significant digits; more would be noise."""
    return float(f"{number:.4g}")


def in_turns(actions: Mapping[str, Callable[[], float]], turns: int) -> dict[str, list[float]]:
    """Samples of each action, one of each in every turn, after a turn that does not count."""
    found: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(turns + 1):
        for name, action in actions.items():
            taken = action()
            if turn:
                found[name].append(taken)
    return found


def environment() -> dict[str, str]:
    """For children: this repository's hvlib, and the recorded kernel. They keep bytecode, as a reader's Python does."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, "PYTHONPATH": str(ROOT), "HVLIB_OBSERVE": "recorded"}


def output(*arguments: str) -> str:
    """What a child Python prints. Raises `RuntimeError` with what it complained about."""
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment(), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)[:80]} failed: {done.stderr[-2000:]}")
    return done.stdout


def circumstances() -> dict[str, Any]:
    """What a reader must know of the machine to compare: processors, how busy they were, versions. No names."""
    packages = ("numpy", "matplotlib", "ipywidgets", "jupyterlab")
    return {
        "processors": os.cpu_count(), "load": round(os.getloadavg()[0], 1), "system": platform.system(),
        "python": platform.python_version(), **{name: version(name) for name in packages},
    }  # fmt: skip
