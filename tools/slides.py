"""Make a deck of slides of each chapter from its notebook, by nbconvert and reveal.js: build/slides, without a network.

    python -m tools.slides              a deck of each chapter
    python -m tools.slides 06           of those whose name contains "06"

A slide has a heading, the first paragraph below it, and what stands out: tables, lists, warnings. All words are in the
speaker's notes (press S), the sources only there. Panels, guesses, exercises and games are alive as on the book's
pages, by the same scripts.
reveal.js comes from npm, pinned like everything that runs in a browser (live/pins.toml).
"""

from __future__ import annotations

import argparse
import importlib
import re
import shutil
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbconvert import SlidesExporter
from nbformat.v4 import new_markdown_cell, new_output
from traitlets.config import Config

from hvlib.teaching import explore, hands, kernel_game
from live import fetch

from . import book

HERE = Path(__file__).parent
BUILD = book.ROOT / "build" / "slides"
SHEETS = ("reveal/reset.css", "reveal/reveal.css", "reveal/white.css", "film.css", "kernel_game.css", "hands.css",
          "book.css", "slides.css")  # fmt: skip
FROM_NPM = (
    "dist/reveal.js",
    "dist/reveal.css",
    "dist/reset.css",
    "dist/theme/white.css",
    "dist/plugin/notes.js",
    "LICENSE",
)
STANDS_OUT = re.compile(r"(\||>|- |\d+\. |```|    )")
"""How a paragraph begins that is on the slide wherever it stands."""


def deck(notebook: Any, name: str) -> Any:
    """A chapter as slides: its cells split at headings, with what nbconvert asks for in their metadata."""
    cells: list[Any] = []
    for number, cell in enumerate(notebook.cells):
        if "remove-cell" in cell.metadata.get("tags", ()):
            continue
        if cell.cell_type == "markdown":
            cells += _words(book.for_pages(cell.source))
            continue
        bare = "remove-input" in cell.metadata.get("tags", ())
        if bare or cell.outputs:
            alive = [_alive(output, f"{name}, cell {number + 1}") for output in cell.outputs]
            cell.outputs = [output for output in alive if output is not None]
            cell.metadata["slideshow"] = {"slide_type": "subslide"}
            cells.append(cell)
    return nbformat.from_dict({**notebook, "cells": cells})


def _words(source: str) -> Iterator[Any]:
    """The slides of a cell's words, each with its notes."""
    source = re.sub(r"<details>.*?</details>", "", source, flags=re.DOTALL)
    for part in re.split(r"(?m)^(?=#{1,2} )", source):
        if not part.strip():
            continue
        told = f"\n{part}".partition("\n### Sources\n")[0].strip()
        if told:
            blocks = re.split(r"\n{2,}", told)
            heading = [blocks.pop(0)] if blocks[0].startswith("#") else []
            shown = [block for place, block in enumerate(blocks) if place == 0 or STANDS_OUT.match(block)]
            yield _cell("\n\n".join(heading + shown), "slide" if heading else "subslide")
        yield _cell(part.strip(), "notes")


def _cell(words: str, kind: str) -> Any:
    # the links of the book lead to its pages
    plain = re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]*\)", r"\1", words)
    return new_markdown_cell(plain, metadata={"slideshow": {"slide_type": kind}})


def _alive(output: Any, where: str) -> Any:
    """An output as the book's pages show it."""
    if "data" not in output:
        return output
    text = shown().as_html(shown().Page(where), output.data)
    return output if text is None else new_output("display_data", {"text/html": text})


def shown() -> Any:
    """The book's renderer of outputs."""
    folder = str(book.BOOK / "_ext")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module("shown")


def exporter() -> Any:
    """nbconvert's, with a template that asks no other host for anything."""
    config = Config({"TagRemovePreprocessor": {"enabled": True, "remove_input_tags": {"remove-input"}}})
    made: Any = SlidesExporter(  # type: ignore[no-untyped-call]
        config=config, extra_template_basedirs=[str(HERE)], template_file=str(HERE / "slides.html.j2")
    )
    made.exclude_input_prompt = made.exclude_output_prompt = True
    return made


def beside(folder: Path) -> None:
    """Put what decks load into their folder."""
    (folder / "reveal").mkdir(parents=True)
    with tarfile.open(fetch.every(["slides"])["reveal.js"]) as archive:
        for name in FROM_NPM:
            held = archive.extractfile(f"package/{name}")
            assert held is not None
            (folder / "reveal" / Path(name).name).write_bytes(held.read())
    for name, text in (("hvlib.js", book.scripts()), ("film.css", explore.style()), ("hands.css", hands.style()),
                       ("kernel_game.css", kernel_game.style())):  # fmt: skip
        (folder / name).write_text(text, "utf-8")
    shutil.copy(book.BOOK / "_static" / "book.css", folder)
    shutil.copy(HERE / "slides.css", folder)


def make(name: str = "", folder: Path = BUILD) -> list[Path]:
    """The decks of the chapters whose name contains ``name``; returns their files."""
    shutil.rmtree(folder, ignore_errors=True)
    beside(folder)
    made = []
    for path in sorted((book.ROOT / "notebooks").glob("[0-9]*.ipynb")):
        if name in path.stem:
            notebook = nbformat.read(path, as_version=4)
            title = notebook.cells[0].source.splitlines()[0].removeprefix("# ")
            text, _ = exporter().from_notebook_node(
                deck(notebook, path.stem), {"sheets": SHEETS, "metadata": {"name": path.stem, "title": title}}
            )
            made.append(folder / f"{path.stem}.html")
            made[-1].write_text(text, "utf-8")
    return made


def main() -> None:
    """Make the decks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", default="", help="part of a chapter's name")
    for path in make(parser.parse_args().name):
        print(path.relative_to(book.ROOT))


if __name__ == "__main__":
    main()
