"""What runs in the reader's browser, by name, version, bytes and SHA-256: ``pins.toml``, read and refreshed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parent / "pins.toml"
HEAD = """\
# What runs in the reader's browser, and what makes it. Each comes by name from npm or PyPI and is believed by its hash.
# NumPy has none here: the lock file inside Pyodide has it. `python -m live pins` writes this file again.
"""


@dataclass(frozen=True)
class Pin:
    """A package: where it comes from (npm, pypi, carrier), what for (`GROUPS`), and what it must be."""

    name: str
    source: str
    group: str
    version: str
    bytes: int = 0
    sha256: str = ""

    @property
    def file(self) -> str:
        """What it is called in the cache, if npm sends it."""
        return f"{self.name.replace('@', '').replace('/', '-')}-{self.version}.tgz"


GROUPS = {
    "kernel": "the interpreter, and what the engine and its widgets need",
    "editor": "the editor, and what makes one file of it",
    "notebook": "what JupyterLite needs besides",
    "tests": "what runs the engine's tests inside the interpreter",
    "slides": "what shows slides",
    "carrier": "another project's wheel, which carries wheels that the Pyodide project built",
}


def read() -> list[Pin]:
    """Every pin."""
    return [Pin(name, group=group, **values) for group, pins in tomllib.loads(FILE.read_text("utf-8")).items()
            for name, values in pins.items()]  # fmt: skip


def write(pins: list[Pin]) -> None:
    """The file again."""
    FILE.write_text("\n".join(_lines(pins)), "utf-8")


def _lines(pins: list[Pin]) -> Iterator[str]:
    yield HEAD
    for group, what in GROUPS.items():
        yield f"[{group}]  # {what}"
        for pin in sorted((pin for pin in pins if pin.group == group), key=lambda pin: (pin.source, pin.name)):
            key = pin.name if re.fullmatch(r"[\w-]+", pin.name) else f'"{pin.name}"'
            values = ", ".join(f'{name} = "{getattr(pin, name)}"' for name in ("source", "version", "sha256"))
            yield f"{key} = {{ {values}, bytes = {pin.bytes} }}"
        yield ""


def named(name: str) -> Pin:
    """The pin of a package."""
    return next(pin for pin in read() if pin.name == name)
