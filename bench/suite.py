"""What the tests cost that have a budget: `make quick` and `make test`, on all processors of this machine."""

from __future__ import annotations

import os
import re
import subprocess
import time
from typing import Any

from .measure import ROOT, significant, told

LEFT_OUT = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "MAKEFLAGS", "MAKELEVEL", "VIRTUAL_ENV")
"""Of the environment: the tests are run as from a shell."""
TARGETS = ("quick", "test")


def run(targets: tuple[str, ...] = TARGETS) -> dict[str, Any]:
    """Seconds by the clock and of CPU, and how many tests passed. A suite that fails raises `RuntimeError`."""
    subprocess.run(["make", "--no-print-directory", ".venv/test.done"], cwd=ROOT, check=True, env=_shell())
    return {target: _taken(target) for target in targets}


def _shell() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in LEFT_OUT}


def _taken(target: str) -> dict[str, Any]:
    began, before = time.perf_counter(), _children()
    command = ["make", "--no-print-directory", target]
    done = subprocess.run(command, cwd=ROOT, env=_shell(), capture_output=True, text=True)
    taken, cpu = significant(time.perf_counter() - began), significant(_children() - before)
    if done.returncode:
        raise RuntimeError(f"make {target} failed: {done.stdout[-3000:]}")
    passed = int(re.findall(r"(\d+) passed", done.stdout)[-1])
    told(f"make {target}: {taken:.0f} s, {cpu:.0f} CPU s, {passed} passed")
    return {"median": taken, "cpu": cpu, "passed": passed}


def _children() -> float:
    spent = os.times()
    return spent.children_user + spent.children_system
