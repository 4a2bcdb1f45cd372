"""What students wrote, made harmless for the medium it is shown in: a line, Markdown, HTML, a table, a file's name."""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata

from hvlib.terminal import one_line

LONGEST_NAME = 100
"""Bytes of a file's name that is made of a student's id; file systems take 255 with everything behind it."""


def plain(text: str, longest: int = 400) -> str:
    """One line without letters that a terminal acts on; lone surrogates are escaped, so that it can be written."""
    text = one_line(" ".join(text[: 2 * longest].split()))
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def lines(text: str) -> str:
    """Text with its lines, everything else as in `plain`."""
    return "\n".join(one_line(line) for line in text.splitlines())


def in_markdown(text: str) -> str:
    """A line in Markdown that shows as it was written: no heading, link, or tag."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$!&])", r"\\\1", plain(text)).replace("://", ":\u200b//")


def fenced(text: str) -> str:
    """Lines in a fence that nothing in them can close."""
    shown = lines(text)
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`{3,}", shown))])
    return f"{fence}text\n{shown}\n{fence}"


def in_html(text: str) -> str:
    """Lines in a page."""
    return html.escape(lines(text))


FORMULA = r"[=+@\uff1d\uff0b\uff20-]"
"""How a spreadsheet's formula begins."""


def in_table(text: str) -> str:
    """A field of a CSV file that no spreadsheet takes for a formula, nor what it cuts off at a semicolon."""
    return re.sub(rf"(^|;\s*)(?='*{FORMULA})", r"\1'", plain(text, 2000))


def from_table(text: str) -> str:
    """The text behind `in_table`."""
    return re.sub(rf"(^|;\s*)'(?='*{FORMULA})", r"\1", text)


def file_name(text: str) -> str:
    """A file's name for an id: the id itself where that is a plain and short one, else marked by its digest."""
    name = unicodedata.normalize("NFC", text)
    plain_one = re.sub(r"[^\w.@+-]", "_", name).lstrip(".-") or "_"
    if plain_one == name and len(name.encode("utf-8", "replace")) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    return f"{plain_one[:24]}-{digest}"
