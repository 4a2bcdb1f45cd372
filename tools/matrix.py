"""Try the book on every supported Python, with pinned, oldest and newest packages; write book/matrix.md.

    python -m tools.matrix                          every cell, one after the other: long
    python -m tools.matrix --only 3.12/oldest       one cell; 3.12 alone or oldest alone names several
    python -m tools.matrix --resume                 leave out the cells that have passed with these very files

Each cell has a virtual environment of its own under build/matrix. With pinned packages every output of every chapter
is compared; elsewhere no cell of a chapter may raise. The page is written when all cells have been run with the same
files, passed or not; until then it stays as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import xml.etree.ElementTree as ET
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from . import binder

ROOT = Path(__file__).parents[1]
BUILD, PAGE = ROOT / "build" / "matrix", ROOT / "book" / "matrix.md"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PYTHONS = [found[1] for line in PROJECT["classifiers"] if (found := re.fullmatch(r".*:: Python :: (3\.\d+)", line))]
NOTEBOOK = "notebook>=7,<8"
VERSIONS = (
    "import json, platform, sys; from importlib.metadata import version;"
    "print(json.dumps({'Python': platform.python_version()} | {name: version(name) for name in sys.argv[1:]}))"
)
UV = [sys.executable, "-m", "uv"]
PARTS = ("pyproject.toml", "constraints.txt", "conftest.py", "hvlib", "kernel_lab", "grading", "classroom", "notebooks",
         "tests", "tools", "bench", "live", "book")  # fmt: skip


def names(*lines: str) -> list[str]:
    """The packages that requirements name."""
    return [re.split(r"[^\w.-]", line)[0] for line in lines]


PACKAGES = list(dict.fromkeys(names(*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["lab"])))


@dataclass(frozen=True)
class Packages:
    """A choice of versions: what it means, how uv makes it, what is run with it (title: options for pytest)."""

    meaning: str
    options: tuple[str, ...]
    runs: dict[str, tuple[str, ...]]


OWN_TEST = "tests/test_matrix.py"  # reads the page that is being made
UNITS = ("-n2", "--dist=loadscope", f"--ignore={OWN_TEST}", "tests")
CHAPTERS = ("-n2", "--dist=loadscope", "notebooks")
PINNED = ("-c", "constraints.txt")
CHOICES = {
    "pinned": Packages("the versions of `constraints.txt`, which `make lab` installs", PINNED,
                       {"unit tests": UNITS, "chapters, every output": CHAPTERS}),
    "oldest": Packages(
        "the lowest versions that `pyproject.toml` allows, as wheels; what these bring along is the newest that fits",
        ("--resolution=lowest-direct", "--only-binary=:all:", "--no-binary=hvlib"),
        {"unit tests": UNITS, "chapters, no error": ("--nbval-lax", *CHAPTERS)},
    ),
    "newest": Packages("the newest that `pyproject.toml` allows", ("--refresh",),
                       {"unit tests": UNITS, "chapters, no error": ("--nbval-lax", *CHAPTERS)}),
    "notebook7": Packages(
        "the pinned versions, and Notebook 7 beside JupyterLab: a chapter is opened in it in Chromium, its panel moved "
        "by keyboard; the console may report nothing but [one fault of its own]"
        "(https://github.com/jupyter/notebook/issues/7862)", (*PINNED, NOTEBOOK),
        {"in the browser": ("-m", "notebook7", "tests/test_browser.py")},
    ),
}  # fmt: skip


@dataclass
class Cell:
    """One Python with one choice of packages, and what came of it.

    ``counts`` holds, for each run, how many tests passed, failed and were skipped; ``problem`` is the sentence that
    says why the cell has not passed, empty if it has.
    """

    python: str
    choice: str
    files: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    problem: str = "not run"
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """What ``--only`` calls it."""
        return f"{self.python}/{self.choice}"

    @property
    def passed(self) -> bool:
        """Whether everything was run, something passed in each run, and nothing failed."""
        complete = set(self.counts) == set(CHOICES[self.choice].runs)
        return not self.problem and complete and all(c["passed"] and not c["failed"] for c in self.counts.values())

    @property
    def verdict(self) -> str:
        """Whether it has passed, in a word, or the sentence that says why not."""
        return "passed" if self.passed else self.problem or "failed"

    @property
    def folder(self) -> Path:
        """Where its environment, its logs and its result are."""
        return BUILD / self.name.replace("/", "-")


def cells() -> list[Cell]:
    """All cells, in the order in which they run; Notebook 7 has one, with the Python that Binder has."""
    grid = [Cell(python, choice) for python in PYTHONS for choice in CHOICES if choice != "notebook7"]
    return [*grid, Cell(binder.conda()["python"].lstrip("="), "notebook7")]


def chosen(all_cells: list[Cell], only: list[str]) -> list[Cell]:
    """The cells that ``--only`` names, all if it names none.

    Raises:
        SystemExit: A name fits no cell.

    """
    for name in only:
        if not any(name in (cell.name, cell.python, cell.choice) for cell in all_cells):
            raise SystemExit(f"There is no cell {name!r}; choose a Python ({', '.join(PYTHONS)}), packages "
                             f"({', '.join(CHOICES)}) or both, for example --only {all_cells[1].name}.")  # fmt: skip
    return [cell for cell in all_cells if not only or {cell.name, cell.python, cell.choice} & set(only)]


def said(*command: str | Path) -> str:
    """What a command prints, or nothing if it fails or does not exist."""
    try:
        done = subprocess.run([*command], capture_output=True, text=True, cwd=ROOT)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def interpreter(python: str) -> str | None:
    """A working Python of that version: from PATH, from uv, from pyenv; `None` if there is none.

    Each is asked for its version, for what stands on PATH may be a mere pointer to a Python that is not in use.
    """
    places = [Path(folder) / f"python{python}" for folder in os.get_exec_path()]
    for found in (
        *(str(path) for path in places if path.exists()),
        said(*UV, "python", "find", "--no-project", "--no-python-downloads", python),
        *(f"{prefix}/bin/python" for prefix in [said("pyenv", "prefix", said("pyenv", "latest", python))] if prefix),
    ):
        if found and said(found, "-c", "import sys; print('%d.%d' % sys.version_info[:2])") == python:
            return found
    return None


def fingerprint() -> str:
    """What changes whenever something changes on which a cell's result depends: how it is made, or a file."""
    without = [f":!{OWN_TEST}", ":!tools/matrix.py", ":!book/matrix.md"]
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *PARTS, *without]
    listed = subprocess.check_output(command, cwd=ROOT)
    digest = hashlib.sha256(repr([(choice.options, choice.runs) for choice in CHOICES.values()]).encode())
    for path in (ROOT / name for name in sorted(listed.decode().split("\0")) if name):
        if path.is_file():
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def load(cell: Cell) -> Cell:
    """The cell with its stored result, or as it is if there is none."""
    path = cell.folder / "result.json"
    return Cell(**json.loads(path.read_text("utf-8"))) if path.exists() else cell


def counted(report: Path) -> tuple[dict[str, int], list[str]]:
    """How many tests passed, failed and were skipped, from pytest's report; the reasons for skipping, each once."""
    if not report.exists():
        return {"passed": 0, "failed": 0, "skipped": 0}, []
    suites = list(ET.parse(report).getroot().iter("testsuite"))
    tests, skips, failed = (sum(int(suite.get(key, 0)) for suite in suites for key in keys)
                            for keys in (("tests",), ("skipped",), ("failures", "errors")))  # fmt: skip
    reasons = set()
    for skip in (skip for suite in suites for skip in suite.iter("skipped")):
        whole_file = re.search(r"Skipped: (.*?)'\)", skip.text or "")
        reasons.add(whole_file[1] if whole_file else skip.get("message", ""))
    return {"passed": tests - skips - failed, "failed": failed, "skipped": skips}, sorted(reasons)


def environment(folder: Path) -> dict[str, str]:
    """Variables under which a cell sees its own packages and nobody's settings."""
    kept = {name: value for name, value in os.environ.items()
            if name not in ("PYTHONPATH", "PYTHONHOME", "JUPYTER_PATH", "VIRTUAL_ENV")}  # fmt: skip
    kept |= {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    for name in ("IPYTHONDIR", "MPLCONFIGDIR", "HYPOTHESIS_STORAGE_DIRECTORY"):
        kept[name] = str(folder / name.lower())
    kept["PATH"] = f"{folder / 'venv' / 'bin'}{os.pathsep}{kept['PATH']}"
    return kept | {"HVLIB_REQUIRE_BROWSER": "1"}  # in the one cell that has a browser, no browser is a failure


def logged(log: Path, command: list[str | Path], variables: dict[str, str]) -> int:
    """Run a command from the repository's root into a log; its status."""
    with log.open("w", encoding="utf-8") as file:
        return subprocess.run(command, cwd=ROOT, env=variables, stdout=file, stderr=subprocess.STDOUT).returncode


def tail(log: Path) -> str:
    """The last lines of a log."""
    return "\n".join(f"    {line}" for line in log.read_text("utf-8", "replace").splitlines()[-25:])


def run(cell: Cell) -> None:
    """Set up the cell's environment, run its tests, and fill in what came of it."""
    python, choice = interpreter(cell.python), CHOICES[cell.choice]
    if not python:
        cell.problem = (
            f"not run: there is no Python {cell.python} here; install python{cell.python} from your system's packages, "
            f"with uv or with pyenv, or leave it out, for example with --only {PYTHONS[0]}"
        )
        print(f"  {cell.problem}", flush=True)
        return
    shutil.rmtree(cell.folder, ignore_errors=True)
    cell.folder.mkdir(parents=True)
    cell.files = fingerprint()
    started, variables, venv = time.monotonic(), environment(cell.folder), cell.folder / "venv"
    log, inside = cell.folder / "install.log", venv / "bin" / "python"
    commands: tuple[list[str | Path], ...] = (
        [*UV, "venv", "-p", python, venv],
        [*UV, "pip", "install", "-p", inside, *choice.options, "-e", ".[lab,test]"],
    )
    for command in commands:
        if logged(log, command, variables):
            cell.problem = "failed: the packages cannot be installed"
            print(f"  {cell.problem}\n{tail(log)}", flush=True)
            return
    wanted = [*PACKAGES, *(names(NOTEBOOK) if cell.choice == "notebook7" else ())]
    cell.versions = json.loads(subprocess.check_output([inside, "-c", VERSIONS, *wanted], text=True, cwd=cell.folder))
    print("  " + ", ".join(f"{name} {version}" for name, version in cell.versions.items()), flush=True)
    wrong = []
    for title, options in choice.runs.items():
        log, report = (cell.folder / f"{title.split(',')[0].replace(' ', '-')}.{suffix}" for suffix in ("log", "xml"))
        pytest = ("-m", "pytest", "-q", *binder.test_options(), f"--junitxml={report}", *options)
        status = logged(log, [inside, *pytest], variables)
        cell.counts[title], skipped = counted(report)
        cell.skipped += skipped
        print(f"  {title}: {told(cell.counts[title])}", flush=True)
        if status or not cell.counts[title]["passed"]:
            wrong.append(title)
            print(tail(log), flush=True)
    cell.problem = f"failed: {'; '.join(wrong)}" if wrong else ""
    cell.seconds = time.monotonic() - started


def told(counts: dict[str, int]) -> str:
    """Counts in words; what is none is left out, but never that nothing passed."""
    return ", ".join(f"{number:,} {word}" for word, number in counts.items() if number or word == "passed")


def page(all_cells: list[Cell]) -> str:
    """The page of the book."""
    lines = [
        "# Where the book runs",
        "",
        "Made by `make matrix`; do not edit. Each row is a virtual environment of its own.",
        "",
        *(f"- **{name}**: {choice.meaning}." for name, choice in CHOICES.items()),
        "",
        "With pinned packages every output of every chapter equals the stored one. With the oldest and the newest no",
        "cell of a chapter raises, and the unit tests hold all the same; outputs may be worded otherwise.",
        "What is seen in JupyterLab in a browser, and the published pages, are left out: `make test` has them.",
        "",
        "| Python | packages | tests | verdict |",
        "|---|---|---|---|",
    ]
    for cell in all_cells:
        runs = "; ".join(f"{title}: {told(counts)}" for title, counts in cell.counts.items())
        verdict = cell.verdict if cell.passed else f"**{cell.verdict}**"
        lines.append(f"| {cell.python} | {cell.choice} | {runs} | {verdict} |")
    columns = list(dict.fromkeys(name for cell in all_cells for name in cell.versions if name != "Python"))
    lines += [
        "",
        "## With which versions",
        "",
        f"| Python | packages | {' | '.join(columns)} |",
        "|---" * (len(columns) + 2) + "|",
    ]
    for cell in all_cells:
        versions = " | ".join(cell.versions.get(name, "") for name in columns)
        lines.append(f"| {cell.versions.get('Python', cell.python)} | {cell.choice} | {versions} |")
    reasons = sorted({reason for cell in all_cells for reason in cell.skipped})
    if reasons:
        lines += ["", "## Why tests were skipped", "", *(f"- {reason}" for reason in reasons)]
    return "\n".join(lines) + "\n"


def table(some: list[Cell]) -> str:
    """The closing table of the terminal."""
    rows = [("cell", "verdict", *PACKAGES, "tests", "time")]
    for cell in some:
        runs = "; ".join(told(counts) for counts in cell.counts.values())
        versions = [cell.versions.get(name, "") for name in PACKAGES]
        rows.append((cell.name, cell.verdict, *versions, runs, f"{cell.seconds:.0f} s"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def main(arguments: list[str] | None = None) -> int:
    """Run the cells asked for, print the table, write the page if it can be; 0 if all these cells have passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", action="append", default=[], metavar="CELL", help="3.12/oldest, 3.12 or oldest; may be repeated"
    )
    parser.add_argument("--resume", action="store_true", help="leave out cells that have passed with these very files")
    options = parser.parse_args(arguments)
    os.environ["UV_PYTHON_DOWNLOADS"] = "never"
    asked = chosen(cells(), options.only)
    for number, cell in enumerate(asked, 1):
        stored = load(cell)
        if options.resume and stored.passed and stored.files == fingerprint():
            print(f"[{number}/{len(asked)}] {cell.name}: passed before, with these files", flush=True)
            continue
        print(f"[{number}/{len(asked)}] {cell.name} …", flush=True)
        run(cell)
        cell.folder.mkdir(parents=True, exist_ok=True)
        (cell.folder / "result.json").write_text(json.dumps(asdict(cell), indent=1) + "\n", "utf-8")
        print(f"  {cell.verdict} ({cell.seconds:.0f} s)", flush=True)
    results, files = [load(cell) for cell in cells()], fingerprint()
    print("\n" + table([load(cell) for cell in asked]))
    if missing := [cell.name for cell in results if cell.files != files]:
        print(f"\n{PAGE.relative_to(ROOT)} stays as it is: not run with these files: {', '.join(missing)}.")
    else:
        PAGE.write_text(page(results), "utf-8")
        print(f"\n{PAGE.relative_to(ROOT)} is written.")
    return int(not all(load(cell).passed for cell in asked))


if __name__ == "__main__":
    sys.exit(main())
