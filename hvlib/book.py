"""The chapters: where they are, which one a reader means, and a copy of them that is the reader's own."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from .errors import BadInput, quoted

MANIFEST = ".hvlib-book.json"
"""In the reader's folder: name of each file -> SHA-256 of what the book last had under it."""


@dataclass(frozen=True)
class Chapter:
    """A notebook of the book: its name without suffix, its title; the concept test has no number."""

    name: str
    title: str
    number: int | None


@dataclass
class Copied:
    """What a copy did: names of files that are new, that were renewed, that are the reader's and stayed.

    ``beside`` holds, for some of those that stayed, under which name the book's own file was put next to it.
    """

    new: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    beside: dict[str, str] = field(default_factory=dict)


def source() -> Path:
    """The folder of the chapters: in an installed package inside it, in a clone ``notebooks`` beside it.

    Raises:
        BadInput: There is neither.

    """
    package = Path(__file__).parent
    for folder in (package / "chapters", package.parent / "notebooks"):
        if any(folder.glob("00_*.ipynb")):
            return folder
    raise BadInput(
        "The chapters are not beside hvlib; install it again with: pip install --force-reinstall 'hvlib[lab]'."
    )


def chapters() -> list[Chapter]:
    """All chapters, in the order of the book, the concept test last."""
    found = []
    for path in sorted(source().glob("*.ipynb")):
        heading = "".join(json.loads(path.read_text("utf-8"))["cells"][0]["source"]).split("\n")[0].removeprefix("# ")
        number, _, title = heading.partition(" ")
        numbered = number.isdecimal()
        found.append(Chapter(path.stem, title if numbered else heading, int(number) if numbered else None))
    return found


def chapter(word: str) -> Chapter:
    """The chapter that a reader means by a number, a name, or a part of a name or title.

    Raises:
        BadInput: It may be none, or several.

    """
    every, wanted = chapters(), word.strip().lower().removesuffix(".ipynb").replace(" ", "_")
    if wanted.isdecimal() and len(wanted) < 4:
        found = [one for one in every if one.number == int(wanted)]
    else:
        found = [one for one in every if wanted in (one.name.lower(), one.title.lower().replace(" ", "_"))] or [
            one for one in every if wanted in f"{one.name} {one.title.replace(' ', '_')}".lower()
        ]
    if len(found) == 1:
        return found[0]
    last = max(one.number for one in every if one.number is not None)
    fits = "fits more than one chapter" if found else "is no chapter"
    raise BadInput(
        f"{quoted(word)} {fits}; choose a number from 0 to {last} or a word of one title, for example remap."
    )


def copy(into: Path, version: str) -> Copied:
    """Copy the book to a folder, but never over a file that differs from what was copied there before.

    Such a file is the reader's. If the book has something newer than it had then, that goes beside it, with ``version``
    in its name. A file nobody touched is renewed.

    Raises:
        BadInput: The folder cannot be written.

    """
    came, files = Copied(), sorted(path for path in source().iterdir() if path.suffix in (".ipynb", ".md"))
    try:
        into.mkdir(parents=True, exist_ok=True)
        known = _known(into)
        for path in files:
            _place(path.name, path.read_bytes(), into, known, came, version)
        text = json.dumps({"version": version, "files": known}, indent=1) + "\n"
        if not _is(into / MANIFEST, text.encode()):
            _write(into / MANIFEST, text.encode())
    except (OSError, ValueError) as why:
        reason = why.strerror if isinstance(why, OSError) else why
        raise BadInput(
            f"The book cannot be copied to {quoted(str(into))} ({reason}); choose a folder of your own, for "
            "example --into my-book."
        ) from None
    return came


def untouched(folder: Path) -> list[Path]:
    """The copied notebooks that still are what the book had."""
    return [path for name, digest in _known(folder).items() if (path := folder / name).suffix == ".ipynb"
            and path.is_file() and _digest(path.read_bytes()) == digest]  # fmt: skip


def _place(name: str, data: bytes, into: Path, known: dict[str, str], came: Copied, version: str) -> None:
    path, before = into / name, known.get(name)
    known[name] = _digest(data)
    if not os.path.lexists(path):
        _write(path, data)
        came.new.append(name)
    elif not _is(path, data):
        if _digest(path.read_bytes()) == before:
            _write(path, data)
            came.renewed.append(name)
            return
        came.kept.append(name)
        beside = path.with_name(f"{path.stem}-{version}{path.suffix}")
        if before != known[name] and not os.path.lexists(beside):
            _write(beside, data)
            came.beside[name] = beside.name


def _known(folder: Path) -> dict[str, str]:
    """What was copied to a folder; nothing if that cannot be read, so that every file there counts as the reader's."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        files = json.loads((folder / MANIFEST).read_text("utf-8"))["files"]
        return {str(name): str(digest) for name, digest in files.items() if Path(name).name == name}
    return {}


def _is(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _write(path: Path, data: bytes) -> None:
    """All of it or nothing, whatever interrupts."""
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
