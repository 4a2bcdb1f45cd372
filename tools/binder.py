"""Do what Binder does with this repository, without Docker, in a temporary folder, and say what it takes.

    python -m tools.binder                  everything; three sessions are timed
    python -m tools.binder --sessions 0     install, postBuild and tests only

Binder installs environment.yml with mamba; here pip installs the same list, unpinned as Binder does it, into an empty
virtual environment. Then come postBuild, those tests that the environment can import, every chapter under nbval, and
sessions in a headless Chromium.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
CHAPTER = "01_struct_page"
PIP_NAME = {"matplotlib-base": "matplotlib"}


def conda() -> dict[str, str]:
    """What environment.yml asks for: names and bounds, as conda writes them."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    if not all(isinstance(line, str) for line in environment["dependencies"]):
        raise ValueError("environment.yml has a pip section: nothing would check it.")
    found = (re.fullmatch(r"([\w.-]+)\s*(.*)", line) for line in environment["dependencies"])
    return {line[1]: line[2] for line in found if line}


def pip_lines() -> list[str]:
    """The same as pip's requirements, but for Python itself."""
    return [f"{PIP_NAME.get(name, name)}{bounds}" for name, bounds in conda().items() if name != "python"]


def interpreter() -> str:
    """The Python that environment.yml names, or the one that runs this, with a word about it."""
    wanted = conda()["python"].lstrip("=")
    for name in (sys.executable, f"python{wanted}"):
        done = subprocess.run(
            [name, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True
        ) if shutil.which(name) else None  # fmt: skip
        if done and done.stdout.strip() == wanted:
            return name
    print(f"Python {wanted} is not here; this is Python {sys.version_info[0]}.{sys.version_info[1]}.")
    return sys.executable


def copied(folder: Path) -> None:
    """Copy what git knows of, or would: what Binder would clone."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in filter(None, subprocess.check_output(command, cwd=ROOT, text=True).split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def imports(path: Path) -> set[str]:
    """The modules a file cannot be imported without, those of the repository's own helpers included."""
    found: set[str] = set()
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                package = ".".join(filter(None, [path.parent.name] * node.level + [node.module]))
                found |= {f"{package}.{alias.name}" for alias in node.names}
    own = {name: helper for name in found if (helper := _helper(name, path.parents[1]))}
    return {name.split(".")[0] for name in found - set(own)}.union(*map(imports, own.values()))


def _helper(name: str, folder: Path) -> Path | None:
    """The repository's own file behind a dotted name: a module beside the tests, or one of ``tools``."""
    first, _, rest = name.partition(".")
    path = folder / "tools" / f"{rest.split('.')[0]}.py" if first == "tools" else folder / "tests" / f"{first}.py"
    return path if path.exists() else None


def fast_tests(python: Path, folder: Path) -> list[str]:
    """The test files that can be imported with nothing but what a reader's environment has."""
    needs = {path: imports(path) for path in sorted((folder / "tests").glob("test_*.py"))}
    code = "import importlib.util as u, json, sys; print(json.dumps([n for n in sys.argv[1:] if not u.find_spec(n)]))"
    names = sorted(set().union(*needs.values()))
    missing = set(json.loads(subprocess.check_output([python, "-c", code, *names], text=True, cwd=folder.parent)))
    print(f"not for readers, so left out: tests that import {', '.join(sorted(missing))}")
    return [f"tests/{path.name}" for path, modules in needs.items() if not modules & missing]


def test_options() -> list[str]:
    """The project's own options for pytest, less those of a plug-in that readers do not have.

    What bears a mark that says what else it needs is left out, and what the project's own options leave out.
    """
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]["ini_options"]
    options = re.sub(r"--dist=\S+|--no-loadscope-reorder|-m '[^']*'", "", settings["addopts"])
    needing = [line.partition(":")[0] for line in settings["markers"] if ": needs " in line]
    left_out = dict.fromkeys([*needing, *re.findall(r"not (\w+)", settings["addopts"])])
    marks = " and ".join(f"not {name}" for name in left_out)
    return ["-o", f"addopts={options}", "-p", "no:cacheprovider", "-m", marks]


def megabytes(folder: Path) -> float:
    """What a folder takes on disk."""
    files = {(s.st_dev, s.st_ino): s.st_blocks * 512 for s in (p.lstat() for p in folder.rglob("*"))}
    return sum(files.values()) / 1e6


def step(words: str, *command: str | Path, cwd: Path, quiet: bool = True) -> float:
    """Run a command; returns how many seconds it took."""
    print(f"{words} …", flush=True)
    started = time.perf_counter()
    done = subprocess.run([*command], cwd=cwd, capture_output=quiet, text=True)
    if done.returncode:
        raise SystemExit(f"{words}: failed.\n{(done.stdout or '')[-3000:]}{(done.stderr or '')[-3000:]}")
    took = time.perf_counter() - started
    print(f"  {took:.1f} s", flush=True)
    return took


def sessions(count: int, python: Path, folder: Path, home: Path) -> dict[str, list[float]]:
    """Time what a reader waits for, from the server's start to the first panel of a chapter."""
    try:
        from . import jupyterlab as reader
    except ImportError:
        print("no session timed: it needs playwright (make binder-check has it)")
        return {}
    if not reader.CHROMIUM:
        print("no session timed: it needs Chromium (Debian: apt install chromium)")
        return {}
    taken: dict[str, list[float]] = {"server answers": [], "notebook open, kernel ready": [], "first panel drawn": []}
    with reader.chromium() as browser:
        for _ in range(count):
            started, before = time.perf_counter(), os.times()
            lab = reader.Lab(folder, home, theme=None, python=str(python))
            marks = [time.perf_counter() - started]
            try:
                page = browser.new_page(viewport={"width": 1300, "height": 1000})
                lab.open(page, f"notebooks/{CHAPTER}.ipynb")
                marks.append(time.perf_counter() - started)
                page.evaluate("() => void jupyterapp.commands.execute('notebook:run-all-cells')")
                panel = page.locator(".hv-panel svg[role=img]").first
                panel.wait_for(timeout=60_000)
                marks.append(time.perf_counter() - started)
                panel.scroll_into_view_if_needed()
                if page.locator(".jp-toast, .Toastify__toast").count():
                    raise SystemExit("JupyterLab puts a message over the first page; postBuild should stop that.")
                page.close()
            finally:
                lab.stop()
            for name, mark in zip(taken, marks, strict=True):
                taken[name].append(mark)
            after = os.times()  # a server that has ended, with its kernels: unlike wall time the same on a busy machine
            used = after.children_user + after.children_system - before.children_user - before.children_system
            told = ", ".join(f"{name} {mark:.1f} s" for name, mark in zip(taken, marks, strict=True))
            print(f"  {told} ({used:.1f} CPU s of server and kernel)", flush=True)
    for name, marks in taken.items():
        print(f"{name}: median {statistics.median(marks):.1f} s, {min(marks):.1f} to {max(marks):.1f}")
    return taken


@contextlib.contextmanager
def rehearsed() -> Iterator[tuple[Path, Path, Path, float]]:
    """A reader's environment as Binder makes it: its Python, the repository, a home, and the seconds that it took."""
    kept = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="hvlib-binder-") as temporary:
        folder, home = Path(temporary) / "repository", Path(temporary) / "home"
        binaries = Path(temporary) / "environment" / "bin"
        for name in ("PYTHONPATH", "PYTHONHOME", "JUPYTER_PATH", "VIRTUAL_ENV"):
            os.environ.pop(name, None)
        os.environ |= {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
        os.environ |= {"IPYTHONDIR": str(home / "ipython"), "MPLCONFIGDIR": str(home / "matplotlib")}
        os.environ["PATH"] = f"{binaries}{os.pathsep}{os.environ['PATH']}"
        try:
            first = interpreter()
            copied(folder)
            took = step("an empty environment", first, "-m", "venv", binaries.parent, cwd=folder)
            empty, lines, python = megabytes(binaries.parent), pip_lines(), binaries / "python"
            print(*lines, sep="\n")
            took += step("installing these", python, "-m", "pip", "install", "-q", *lines, cwd=folder)
            took += step("postBuild", folder / "postBuild", cwd=folder)
            listed = subprocess.check_output([python, "-m", "pip", "list", "--format=json"], cwd=folder)
            version = subprocess.check_output([python, "-V"], text=True).strip()
            size = megabytes(binaries.parent)
            print(
                f"{version}, {len(json.loads(listed))} packages, {size:.0f} MB ({size - empty:.0f} MB of it installed)"
            )
            yield python, folder, home, took
        finally:
            os.environ.clear()
            os.environ.update(kept)


def main() -> None:
    """Do it all, and sum up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=3, help="how many sessions to time (default: 3)")
    options = parser.parse_args()
    with rehearsed() as (python, folder, home, _):
        chapters = sorted(str(path.relative_to(folder)) for path in (folder / "notebooks").glob("*.ipynb"))
        step("the tests", python, "-m", "pytest", "-q", *test_options(), *fast_tests(python, folder),
             cwd=folder, quiet=False)  # fmt: skip
        step("the chapters", python, "-m", "pytest", "-q", *test_options(), *chapters, cwd=folder, quiet=False)
        if options.sessions:
            print("sessions …", flush=True)
            sessions(options.sessions, python, folder, home)


if __name__ == "__main__":
    main()
