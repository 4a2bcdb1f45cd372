"""Where the book teaches what it has to teach: book/coverage.md, made from book/claims.toml and the notebooks' tags.

    python -m tools.taught

A row without a place and without a reason for leaving it out is an error, and so is a tag that no row knows, or a
tagged cell that does not say what its row asks for.
"""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
CLAIMS, COVERAGE = ROOT / "book" / "claims.toml", ROOT / "book" / "coverage.md"
PARTS = {
    "M": "The patch's comment, as the mail quotes it",
    "K": "The review",
    "D": "The diagrams",
    "R": "Releases that changed the subject",
    "X": "Misconceptions",
}


@dataclass(frozen=True)
class Place:
    """A markdown cell that carries tags: its notebook, the heading above it, its text."""

    notebook: str
    heading: str
    text: str

    def __str__(self) -> str:
        number = str(int(self.notebook[:2]))
        return f"[{number}](../notebooks/{self.notebook}), {self.heading}"


def places() -> dict[str, list[Place]]:
    """Claim id -> the cells that say they teach it, in the order of the book."""
    found: dict[str, list[Place]] = {}
    for path in sorted((ROOT / "notebooks").glob("[01][0-9]_*.ipynb")):
        heading = ""
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type != "markdown":
                continue
            titles = re.findall(r"^#{1,3} (.+)$", cell.source, re.MULTILINE)
            for tag in cell.metadata.get("tags", ()):
                kind, _, name = tag.partition(":")
                if kind == "claim":
                    place = Place(path.name, titles[0] if titles else heading, cell.source)
                    found.setdefault(name, []).append(place)
            heading = titles[-1] if titles else heading
    return found


def flat(text: str) -> str:
    """A cell's text on one line, the marks of quotations dropped: so a pattern may span where the text is broken."""
    return re.sub(r"\s*\n(?:> ?)?", " ", text)


def problems(claims: list[dict[str, str]], where: dict[str, list[Place]]) -> list[str]:
    """What is wrong, one sentence each."""
    known = {claim["id"] for claim in claims}
    wrong = [f"{place.notebook} has the tag claim:{name}, which book/claims.toml does not know"
             for name, cells in where.items() if name not in known for place in cells]  # fmt: skip
    for claim in claims:
        taught, reason = where.get(claim["id"], []), claim.get("left_out")
        if bool(taught) == bool(reason):
            wrong.append(f"{claim['id']} is {'taught and left out' if taught else 'neither taught nor left out'}")
        wrong += [f"{claim['id']}: the cell in {place.notebook} ({place.heading}) does not say {claim['says']!r}, "
                  "which book/claims.toml asks for"
                  for place in taught if not re.search(claim["says"], flat(place.text))]  # fmt: skip
    return wrong


def table(claims: list[dict[str, str]], where: dict[str, list[Place]]) -> str:
    """The table as Markdown."""
    lines = [
        "# What is taught where",
        "",
        "Made by `tools/taught.py` from `book/claims.toml` and the notebooks; do not edit.",
    ]
    for letter, title in PARTS.items():
        lines += ["", f"## {title}", "", "| row | claim | verdict | chapter, section |", "|---|---|---|---|"]
        for claim in claims:
            if claim["id"].startswith(letter):
                taught = "; ".join(dict.fromkeys(map(str, where.get(claim["id"], []))))
                told = taught or f"left out: {claim.get('left_out', '')}"
                lines.append(f"| {claim['id']} | {claim['text']} | {claim.get('verdict', '')} | {told} |")
    return "\n".join(lines) + "\n"


def claims() -> list[dict[str, str]]:
    """The rows of book/claims.toml."""
    rows: list[dict[str, str]] = tomllib.loads(CLAIMS.read_text("utf-8"))["claim"]
    return rows


if __name__ == "__main__":
    rows, cells = claims(), places()
    for problem in problems(rows, cells):
        print(problem)
    COVERAGE.write_text(table(rows, cells), "utf-8")
    sys.exit(bool(problems(rows, cells)))
