"""How each role looks, for every writer of pictures: a colour of its own *and* an outline or hatch of its own.

Okabe and Ito's palette. A colour means the same in every picture of the book: blue is a head, or struct pages as a
whole; sky blue a frame in use; orange a frame that several share; green a table of PTEs, peach a PTE that is read-only,
purple a PMD, pale purple a PUD; red what is stuck; a vermilion arrow leads through a read-only PTE; yellow is where
the reader looks now; a hatch what is free. White and greys mean nothing of their own: the words beside them do.
tests/test_palette.py holds it.
"""

from __future__ import annotations

from dataclasses import dataclass

from .scene import ArrowRole, Role

INK, PAPER = "ink", "paper"
"""Text and ground: the page's own where a picture stands on a page (``--hv-ink``, ``--hv-paper``)."""
LIGHT = {INK: "#222222", PAPER: "#ffffff"}
DARK = {INK: "#eeeeee", PAPER: "#111111"}
"""What they are where the page says nothing, and what it is shown on is light or dark."""

_DARK, _WHITE = "#111111", "#ffffff"


@dataclass(frozen=True)
class Style:
    """How a box is drawn: fill, width and dashes of its outline, whether it is hatched or double, text on it."""

    fill: str = "none"
    width: float = 1.0
    dashes: tuple[float, ...] = ()
    hatched: bool = False
    double: bool = False
    text: str = INK


@dataclass(frozen=True)
class ArrowStyle:
    """How an arrow is drawn."""

    colour: str
    width: float
    dashes: tuple[float, ...] = ()


STYLES: dict[Role, Style] = {
    "head": Style("#0072B2", width=1.6, text=_WHITE),
    "own": Style("#56B4E9", text=_DARK),
    "shared": Style("#E69F00", width=1.3, double=True, text=_DARK),
    "freed": Style(dashes=(4, 3), hatched=True),
    "plain": Style(PAPER),
    "table": Style("#009E73", text=_DARK),
    "void": Style(dashes=(1.2, 2.4), width=1.2),
    "mark": Style("#F0E442", width=2.4, text=_DARK),
    "readonly": Style("#F3C9A8", dashes=(3.5, 2.2), width=1.3, text=_DARK),
    "level": Style("#CC79A7", text=_DARK),
    "upper": Style("#E6CFE0", width=1.3, text=_DARK),
    "stuck": Style("#B3261E", width=2.4, text=_WHITE),
    "unlike": Style("#666666", text=_WHITE),
    "quiet": Style("#BBBBBB", text=_DARK),
}
ARROWS: dict[ArrowRole, ArrowStyle] = {
    "arithmetic": ArrowStyle("#777777", 1.2),
    "own": ArrowStyle("#2F8FCB", 1.8),
    "remapped": ArrowStyle("#D55E00", 1.8, (3.5, 2.2)),
    "taken": ArrowStyle("#8A8A8A", 2.6),
    "given": ArrowStyle("#8A8A8A", 2.6, (6, 3)),
    "stale": ArrowStyle("#8A8A8A", 1.4, (1.4, 3)),
}
LINE = 0.9
"""Width of a thin line."""
HATCH = 7.0
"""Distance of a hatch's lines, measured along an edge."""
INSET = 3.0
"""How far inside a double outline's second one stands."""
HEAD = (10.0, 3.6)
"""Length and half the width of an arrow's head."""
