"""The engine's own tests, run by the interpreter that the pages ship, under Node.js."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import bundle, fetch, pinned, site

TESTS = bundle.ROOT / "tests"
ELSEWHERE = {
    "test_by_hand": "opens pages in a browser by playwright, which is not there",
    "test_command": "starts processes, and there are none; text that nests too deeply ends this interpreter itself",
    "test_outputs": "reads the notebooks by nbformat, and the tool that makes them",
    "test_hostile": "limits memory and time of processes, and there are none",
    "test_palette": "holds the colours against matplotlib's drawing, which is not there",
    "test_pictures": "holds the drawings against matplotlib's, which is not there",
    "test_waits": "reads the notebooks by nbformat, which is not there",
    "test_widths": "holds the drawings against matplotlib's, which is not there",
}
"""Test modules of the engine that cannot run there, and why."""
PARTLY = {
    "test_aside.py::test_without_a_notebook_it_is_printed": "asks for IPython outside a notebook",
    "test_explore.py::test_a_shell_completes_panels_and_sliders": "asks IPython's completer",
    "test_explore.py::test_the_output_of_a_panel_has_words_a_picture_and_alt_text": "asks for a PNG",
    "test_kernel_game.py::test_its_output_has_words_a_picture_and_its_state": "asks for a PNG",
    "test_plan.py::test_the_command_fleet": "draws by matplotlib",
    "test_workbench.py::test_it_says_its_state_in_words_and_shows_a_picture_without_a_browser": "asks for a PNG",
}
"""Single tests that cannot run there, and what they ask that is not there."""
BESIDE = re.compile(r"^pytestmark = .*beside", re.MULTILINE)


def modules() -> list[str]:
    """The test modules that are the engine's, and that its pages' interpreter can run."""
    found = {path.stem: path.read_text("utf-8") for path in sorted(TESTS.glob("test_*.py"))}
    return [name for name, text in found.items() if name not in ELSEWHERE and not BESIDE.search(text)]


def run(names: list[str]) -> int:
    """Run test modules, all that can be unless some are named; returns the exit code."""
    fetched = fetch.every([*site.SHIPPED, "tests"])
    made = bundle.made({name: path for name, path in fetched.items() if name not in _of("tests")})
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as core:
        bundle.core(fetched["pyodide"], Path(core))  # the whole standard library: pytest wants more of it than a page
        for name in [*_of("tests"), "packaging", "pygments"]:
            shutil.copy(fetched[name] if name in fetched else fetch.every(["notebook"])[name], folder)
        files = [f"tests/{name}.py" for name in names or modules()]
        script = ["node", "--stack-size=6000", "live/engine.mjs", core, str(made / "engine.tar")]
        left_out = [f"--deselect=tests/{test}" for test in PARTLY]
        command = [*script, folder, str(bundle.ROOT), *left_out, *files]
        return subprocess.run(command, cwd=bundle.ROOT).returncode


def _of(group: str) -> list[str]:
    return [pin.name for pin in pinned.read() if pin.group == group]
