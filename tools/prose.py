"""The numbers in the prose of the chapters and of the first pages, and where each comes from.

A number is bound if the chapter's own code or computed output shows it, or if book/numbers.toml derives it: from an
expression of the engine, from a source it quotes, or as a number the text chooses. Names are no numbers: releases,
dates, chapters, "page 0", "bit 1", "order 9".

    python -m tools.prose        lists what is not bound
"""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import nbformat

import hvlib as hv

ROOT = Path(__file__).parents[1]
NUMBERS = ROOT / "book" / "numbers.toml"
WORDS = dict(
    zip(["four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"], range(4, 13), strict=True)
)
START, END = r"(?<!\d)(?<!\d[.,])", r"(?!\d|[.,]\d)"  # no match begins or ends inside a number
WHOLE = rf"{START}\d+(?:,\d{{3}})*{END}"
NUMBER = rf"{START}\d+(?:,\d{{3}})*(?:\.\d+)?{END}"
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
NO_NUMBERS = (
    r"```.*?```",
    r"`[^`]*`",
    r"\]\([^)]*\)",  # where links lead
    r"<[^>]*>",
    r"^#+ .*$",
    rf"\b(?:\d{{1,2}} )?(?:{MONTHS})(?: \d{{4}})?\b",
    r"\b20[12]\d\b",
    r"\b[Cc]hapters? \d+(?:(?:, | and | to )\d+)*",
    r"\b[5-7]\.(?:\d{1,2})(?:\.\d+)?\b(?! (?:GiB|MiB|KiB|seconds?|s|ns|%|times)\b)",  # releases
    r"\b(?:x86-64|arm64|riscv64|s390x|sparc64|IPv\d)\b",
    r"\b[Vv]ersions? \d+\b",
    r"\b(?:Python|CC BY) \d\.\d+\b",
    r"(?i)\b(?:bit|word|page|pages|frame|row|rows|slot|tail|order|step|leaf|level|PFN|struct page|struct pages|"
    r"vmemmap page|question|tails|kernel|Linux|seed|frames of pages) "
    rf"{WHOLE}(?! ?(?:KiB|MiB|GiB|TiB|bytes|of \d|base))"
    rf"(?:(?:, | and | or ){WHOLE}(?! ?(?:KiB|MiB|GiB|TiB)))*(?! to \d)",
    r"\b\d-level\b",
    r"\b0x[0-9a-f]+\b",
    r"^\d+\. ",
    r"\b(?:commit|CVE)[ -][0-9a-f-]+\b",
    r"\b(?=[0-9a-f]*\d)[0-9a-f]{12}\b",  # commits
)
NOUNS = (
    r"base pages?|struct pages?|vmemmap pages?|huge pages?|page frames?|page tables?|pages?|frames?|tables?|entries"
    r"|leaves|leaf|bits?|words?|flushes|huge|struct|tails?|heads?|blocks?|slots?|schemes?|witnesses|questions|minutes|seconds|hosts?"
)
UNIT = r"KiB|MiB|GiB|TiB|bytes|byte|%|ns|ms|µs|s|times"
TOKEN = re.compile(
    rf"(?P<range>\b{NUMBER} (?:to|…|→) {NUMBER}\b)"
    rf"|(?P<unit>(?<![\w.]){NUMBER}[ -](?:{UNIT})(?!\w))"
    rf"|(?P<power>(?<![\w.])2[⁰¹²³⁴⁵⁶⁷⁸⁹]+)"
    rf"|(?P<plain>(?<![\w.-]){NUMBER}(?!\w)(?: (?:{NOUNS})\b)?)"
    rf"|(?P<word>\b(?:{'|'.join(WORDS)})\b(?: (?:{NOUNS})\b)?)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Found:
    """A number in prose: its text with what it counts, the chapter, and the words around it."""

    key: str
    chapter: str
    context: str
    value: str


def written(path: Path) -> list[str]:
    """The prose of a chapter, cell by cell, or of a document."""
    if path.suffix == ".md":
        return [path.read_text("utf-8")]
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]


def numbers(path: Path) -> list[Found]:
    """Every number in the prose of a chapter or document that is no name."""
    found = []
    for text in written(path):
        text = text.split("### Sources")[0]
        for pattern in NO_NUMBERS:
            flags = re.MULTILINE | (re.DOTALL if pattern.startswith("```") else re.NOFLAG)
            text = re.sub(pattern, " ∎ ", text, flags=flags)
        text = re.sub(r"\s+", " ", text)
        for token in TOKEN.finditer(text):
            start, end = token.span()
            number = re.search(rf"{NUMBER}|{'|'.join(WORDS)}|2[⁰¹²³⁴⁵⁶⁷⁸⁹]+", token.group(), re.IGNORECASE)
            assert number
            key = token.group() if token.lastgroup != "word" else token.group().lower()
            around = text[max(0, start - 50) : end + 30]
            found.append(Found(key.replace("-", " "), path.stem[:2], around, number.group()))
    return found


def quoted(path: Path) -> str:
    """All that a chapter computes: its code, and the text of its outputs. A document computes nothing."""
    parts: list[str] = []
    if path.suffix == ".md":
        return ""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            parts.append(cell.source)
            parts += [str(o.get("text") or o.get("data", {}).get("text/plain", "")) for o in cell.outputs]
    return "\n".join(parts)


def in_output(found: Found, text: str) -> bool:
    """Whether the chapter shows the number itself: with its unit, or long enough not to be met by chance."""
    number = found.key if re.search(rf" (?:{UNIT})$", found.key) else found.value
    if number == found.value and len(re.sub(r"\D", "", number)) < 3:
        return False
    return re.search(rf"(?<![\d.,]){re.escape(number)}(?![\d]|[.,]\d)", text) is not None


def value_of(key: str) -> float:
    """The number that a key says, in bytes if it is a size."""
    if key.split()[0].lower() in WORDS:
        return WORDS[key.split()[0].lower()]
    if re.match(r"2[⁰¹²³⁴⁵⁶⁷⁸⁹]", key):
        return 2.0 ** int(key.split()[0][1:].translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")))
    number = re.match(NUMBER, key)
    assert number, key
    factor = {"KiB": hv.KiB, "MiB": hv.MiB, "GiB": hv.GiB, "TiB": hv.TiB}.get(key[number.end() :].strip(), 1)
    return float(number.group().replace(",", "")) * factor


def registry() -> dict[str, dict[str, str]]:
    """The sections of book/numbers.toml."""
    return tomllib.loads(NUMBERS.read_text("utf-8"))


def wrong_values(derived: dict[str, str]) -> list[str]:
    """Keys of ``derived`` whose expression has another value than the key says."""
    wrong = []
    for key, expression in derived.items():
        value = eval(expression, {"hv": hv})
        if isinstance(value, tuple):
            said = tuple(float(n.replace(",", "")) for n in re.findall(NUMBER, key))
            same = said == tuple(map(float, value))
        else:
            number = re.match(NUMBER, key)
            decimals = len(number.group().partition(".")[2]) if number else 0
            unit = key.rpartition(" ")[2]
            factor = {"KiB": hv.KiB, "MiB": hv.MiB, "GiB": hv.GiB, "TiB": hv.TiB}.get(unit, 1)
            same = round(float(value) / factor, decimals) == round(value_of(key) / factor, decimals)
        if not same:
            wrong.append(f"{key!r} is {value!r} by {expression}")
    return wrong


def sources(path: Path) -> str:
    """All prose of a chapter, its list of sources included."""
    return "\n\n".join(written(path))


def first_use(term: str, texts: list[str]) -> tuple[int, int]:
    """The chapter and the place in its text where a term stands first, in singular or plural."""
    flags = re.IGNORECASE if term.islower() else re.NOFLAG
    pattern = re.compile(rf"(?<![\w-]){re.escape(term)}(?:e?s|ped|ting)?(?![\w-])", flags)
    found = ((number, match.start()) for number, text in enumerate(texts) if (match := pattern.search(text)))
    return next(found, (len(texts), 0))


def chapters() -> list[Path]:
    """The chapters, in order."""
    return sorted((ROOT / "notebooks").glob("[01][0-9]_*.ipynb"))


def documents() -> list[Path]:
    """What a stranger reads first."""
    return [ROOT / "README.md", ROOT / "book" / "index.md"]


def unbound(path: Path) -> list[Found]:
    """Numbers of a chapter or document that neither it nor book/numbers.toml derives."""
    known = {key for section in registry().values() for key in section}
    text = quoted(path)
    return [found for found in numbers(path) if found.key not in known and not in_output(found, text)]


if __name__ == "__main__":
    left: dict[str, list[str]] = {}
    for path in [*chapters(), *documents()]:
        for found in unbound(path):
            left.setdefault(found.key, []).append(f"{found.chapter}: …{found.context}…")
    for key, places in sorted(left.items(), key=lambda item: (item[1][0][:2], item[0])):
        print(f"{key!r:28} {len(places)}  {places[0]}")
    print(f"{len(left)} numbers are not bound")
    sys.exit(bool(left))
