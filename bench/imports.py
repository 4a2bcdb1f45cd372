"""What `import hvlib` costs over bare Python, and what the cost is made of."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from functools import partial
from typing import Any

from .measure import ROOT, differences, environment, in_turns, seconds, significant, summary, told

CODE = {
    "bare": "pass",
    "numpy": "import numpy",
    "import": "import hvlib",
    "arithmetic": "import hvlib; hvlib.HugePage('2 MiB')",
    "mechanism": "import hvlib; hvlib.Machine('1 GiB')",
}


def run(turns: int = 15) -> dict[str, Any]:
    """Milliseconds of each line of `CODE` in a Python of its own; what is over bare Python; a profile."""
    told(f"{turns} turns of {', '.join(CODE)}")
    actions = {name: partial(_started, code) for name, code in CODE.items()}
    taken = {name: [1e3 * second for second in values] for name, values in in_turns(actions, turns).items()}
    return {
        "whole": {name: summary(values) for name, values in taken.items()},
        "over bare": {name: differences(values, taken["bare"]) for name, values in taken.items() if name != "bare"},
        "over numpy": {"mechanism": differences(taken["mechanism"], taken["numpy"])},
        "profile": {name: profile(CODE[name]) for name in ("import", "mechanism")},
    }


def _started(code: str) -> float:
    command = [sys.executable, "-c", code]
    return seconds(lambda: subprocess.run(command, cwd=ROOT, env=environment(), check=True))


def profile(code: str) -> dict[str, float]:
    """Milliseconds inside the modules of hvlib, of NumPy, and of the standard library (``-X importtime``)."""
    done = subprocess.run([sys.executable, "-X", "importtime", "-c", code], cwd=ROOT, env=environment(), check=True,
                          capture_output=True, text=True)  # fmt: skip
    spent: Counter[str] = Counter()
    for microseconds, name in re.findall(r"import time:\s+(\d+) \|\s+\d+ \| +(\S+)", done.stderr):
        package = name.partition(".")[0]
        spent[package if package in ("hvlib", "numpy") else "the standard library"] += int(microseconds)
    return {name: significant(spent[name] / 1e3) for name in ("hvlib", "numpy", "the standard library")}
