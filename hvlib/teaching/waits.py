"""Predictions that wait: where a panel stands until a guess, what decides, and where the guess is drawn.

A panel that answers a prediction opens away from its answer, or with what would give it away veiled. In the state that
decides, the guess is drawn into the picture and the verdict comes (static/waits.js). `gives_away` is how a test finds
the answer in what a reader sees before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..kernels import observe
from ..pictures.film import Film
from ..pictures.films import FILMS
from ..pictures.scene import SMALL, Box, Label, Scene, Shape
from ..units import GiB, KiB, MiB
from .ask import Question
from .questions import QUESTIONS

UNTOLD = "A picture whose answer waits for your guess."
NOTED = "The next picture holds it and tells the verdict."
Values = Mapping[str, str | int]


@dataclass(frozen=True)
class Spot:
    """Where a guess is drawn, by groups of the picture, so that it holds for every layout of it.

    ``group`` alone is outlined. With ``full`` a line stands in it, where so much is its whole width. With two groups
    and the value that each marks in ``ends``, the line stands between them, on a logarithmic scale, in the row of
    ``group``. Of ``cells``, ``unit`` each, the guess outlines as many as it is, or with ``only`` the one of its number.
    """

    group: str = ""
    full: int = 0
    ends: tuple[tuple[str, int], ...] = ()
    cells: tuple[str, ...] = ()
    unit: int = 1
    only: bool = False

    @property
    def groups(self) -> tuple[str, ...]:
        """All groups that it needs."""
        return (*filter(None, [self.group]), *(name for name, _ in self.ends), *self.cells)


@dataclass(frozen=True)
class Wait:
    """How the panel ``film`` waits for the guess of one question."""

    film: str
    decides: Values
    """What shows the answer: "Show me" leads there."""
    spot: Spot
    begins: Values = field(default_factory=dict)
    """Where the sliders stand at first."""
    veils: tuple[str, ...] = ()
    """Groups that show the answer, hidden in those states until a guess or "Show me" …"""
    always: tuple[str, ...] = ()
    """… and groups from which it follows, hidden in every state until then."""
    untold: bool = False
    """Whether the caption of every state is hidden with them."""
    gives_away: str = ""
    """Text that gives the answer away, as a regular expression; the answer itself by default."""
    tells: Mapping[str, tuple[str | int, ...]] = field(default_factory=dict)
    """All states in which the answer can be read, by slider; by default the one that decides."""
    together: tuple[str, ...] = ()
    """Groups that are hidden behind one veil: veils of their own would tell where each leads."""
    seen: Mapping[str, tuple[str | int, ...]] = field(default_factory=dict)
    """All states where the verdict comes to one who has guessed, by slider; by default the one that decides."""

    @property
    def telling(self) -> Mapping[str, tuple[str | int, ...]]:
        """Slider -> where it stands while the answer can be read."""
        return self.tells or {axis: (value,) for axis, value in self.decides.items()}

    @property
    def verdict(self) -> Mapping[str, tuple[str | int, ...]]:
        """Slider -> where it stands when the verdict comes."""
        return self.seen or {axis: (value,) for axis, value in self.decides.items()}

    def tells_in(self, values: Values) -> bool:
        """Whether the answer can be read where the sliders stand, were it not veiled."""
        return all(values[axis] in told for axis, told in self.telling.items())

    def hides(self, values: Values) -> tuple[tuple[str, ...], bool]:
        """What is hidden before a guess where the sliders stand: groups, and whether the caption is, too."""
        tells = self.tells_in(values)
        return (*self.always, *(self.veils if tells else ())), self.untold or tells

    def veiled(self, scene: Scene, values: Values) -> Scene:
        """A picture of the state with all veiled that would give the answer away."""
        hidden, untold = self.hides(values)
        shown = Scene(scene.width, scene.height, caption=scene.caption, alt=scene.alt)
        if untold:
            shown.caption = shown.alt = UNTOLD
        together = [name for name in self.together if name in hidden and name in scene.groups]
        for name, shapes in scene.groups.items():
            if name in together[1:]:
                continue
            if name in hidden:
                behind = together if name in together else [name]
                shapes = _veil([shape for one in behind for shape in scene.groups[one]])
            shown.add(name, *shapes)
        return shown


def _veil(hidden: Sequence[Shape]) -> tuple[Shape, ...]:
    """What stands in the place of shapes."""
    xs, ys = zip(*(corner for shape in hidden for corner in _corners(shape)), strict=True)
    box = Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys), "void")
    mark = Label(box.x + box.width / 2, box.y + box.height / 2, "?", bold=True)
    return (box, mark) if min(box.width, box.height) > SMALL else (box,)


def _each(name: str, count: int, pitch: int = 1) -> tuple[str, ...]:
    """So many groups of a name, by number."""
    return tuple(f"{name}{number * pitch}" for number in range(count))


_ASKED = (0, 1, 2, 3, 4, 63, 64, 65, 128, 511)
"""Struct pages that chapter 4 draws …"""
_LETTERS = tuple(f"content{number}" for number in _ASKED)
"""… their letters, behind one veil: veils of their own would be strips …"""
_WORDS = (0, 2, 3, 4, 5, 6, 7)
"""… and those of their words of which its question asks: word 1 is told before."""

_SUMS = ("names4", *_each("number4.", 5))
"""Of the last column of chapter 8's panel, names with their numbers: one veil, wide enough to be seen."""
_WORK = tuple(f"{what}{n}" for what in ("huge", "entries", "block", "pay") for n in range(8))
"""In chapter 10's panel: huge pages, their entries, their frames, and which frames pay for which entries."""

_SAVING = {"release": observe.records()[2:], "when": ("while it lives",)}
"""In chapter 11's panel: Linux 6.1 and what came after, which saves as much."""

WAITS: dict[str, Wait] = {
    "if the mail were right": Wait(
        "base_pages", {"number": 4096}, Spot("each bar", ends=(("each wanted", 4 * KiB), ("together wanted", GiB))),
        {"number": 8}, ("each words", "each bar"),
    ),
    "memmap of 64 GiB": Wait(
        "memmap", {"memory": "64 GiB", "struct_page": 64}, Spot(cells=_each("cell", 64), unit=GiB), {"memory": "4 GiB"},
        always=("value2", "value3", *(f"cell{n}" for n in range(8))), untold=True,
        gives_away=r"take (?:1 GiB|64 MiB)|in all\s+64 MiB|1\.5625|one sixty-fourth|1/64\b",
    ),
    "1 GiB in 2 MiB pages": Wait(
        "address", {"page_size": "1 GiB"}, Spot("page"),
        always=("table PGD", "table PUD", "table PMD", "table PTE", "sum", "why"), gives_away=r"\b512\b|after 12, 21",
    ),
    "RAM behind one PMD leaf": Wait(
        "vmemmap", {"pfn": 0x8000}, Spot("reach"), {"pfn": 0x7AFCC}, always=("reach",),
    ),
    "struct pages that are alike": Wait(
        "strip", {"who": "the model", "number": 511}, Spot("counts"), {"number": 2},
        always=("kinds", "counts", *_LETTERS, *(f"word{w}.{n}" for w in _WORDS for n in _ASKED)),
        together=_LETTERS,
        gives_away=r"\b510\b|3 different",
    ),
    "struct page of 128 bytes": Wait(
        "filling", {"huge_page": "2 MiB", "base_page": "4 KiB", "struct_page": 128}, Spot(cells=_each("row", 16)),
        veils=("equation", *_each("row", 16)), always=("law", "scheme"), untold=True,
        gives_away=r"\b16\b(?!,|\s?[KMG]iB| bytes)|64 / 8|whatever the base page|could be freed",
        tells={"struct_page": (128,)},
    ),
    "where struct page 300 is read": Wait(
        "remap", {"huge_page": "2 MiB", "step": 11}, Spot(cells=_each("frame", 8), only=True),
        veils=(*_each("frame", 8), *_each("arrow", 8)[1:]), together=_each("arrow", 8)[1:],
        gives_away=r"(?i)\bto (?:its )?page 1\b|frame of page 1|page 1[’']s frame|to frame 1\b",
        tells={"step": tuple(range(4, 12))}, seen={"huge_page": ("2 MiB",), "step": tuple(range(6, 12))},
    ),
    "struct pages that say PG_head": Wait(
        "fake_heads", {"scheme": "head page"}, Spot(cells=_each("cell", 8, 64)), {"scheme": "off", "struct_page": 64},
        ("count0", "count1", *(f"page{n}" for n in range(1, 8))),
        gives_away=r"(?i)\b(?:8|eight) struct pages|\b(?:7|seven) fake|\+ 7\b|\b64, 128\b",
    ),
    "frames for 1,024": Wait(
        "sharing", {"pages": 1024, "huge_page": "2 MiB"}, Spot("bar4", full=8192), {"pages": 1},
        always=(*_SUMS, "bar4", "share4"), together=_SUMS, untold=True,
    ),
    "what is left of 16 GiB": Wait(
        "bill", {"huge_page": "1 GiB", "scheme": "head page", "memory": "1 TiB"}, Spot("row6"),
        {"huge_page": "1 GiB", "scheme": "off", "memory": "1 TiB"},
        ("row1", "row2", "row3", "row5", "row6", "zoom text", "saved text", "kept frames", "page tables",
         "page tables text"),
        tells={"huge_page": ("1 GiB",), "scheme": ("head page", "head page, copied", "shared tail"),
               "memory": ("1 TiB",)},
        seen={"huge_page": ("1 GiB",), "scheme": ("head page", "head page, copied"), "memory": ("1 TiB",)},
    ),
    "seven free frames": Wait(
        "giving_back", {"scheme": "head page", "free_frames": 7, "step": 4}, Spot(cells=_each("huge", 8)),
        veils=(*_WORK, *_each("free", 5)[2:]), together=_WORK,
        gives_away=r"(?i)\b(?:8|eight|all) (?:of them )?(?:are )?given back|one pays for|pays for the rest"
                   r"|\b49 frames",
        tells={"free_frames": (6, 7, 13, 14, 42, 48), "step": (2, 3, 4)},
        seen={"scheme": ("head page",), "free_frames": (7,), "step": (3, 4)},
    ),
    "saved by 6.1": Wait(
        "kernels", {"release": "6.1.192", "when": "while it lives"}, Spot("pool", full=512),
        veils=("pool", "pool text"), gives_away=r"\b448 (?:pages|frames|of)", tells=_SAVING, seen=_SAVING,
    ),
    "half of the RAM in huge pages": Wait(
        "fleet", {"share": "50 %"}, Spot("each GiB", full=16 * MiB),
        {"hosts": 10_000, "memory": "256 GiB", "share": "40 to 60 %"}, always=("each GiB", "each GiB text"),
    ),
}  # fmt: skip
"""Question -> how its panel waits."""


def wait_of(name: str, film: str) -> Wait | None:
    """How a panel waits for the guess of a question; `None` if it does not."""
    wait = WAITS.get(name)
    return wait if wait and wait.film == film else None


def gives_away(name: str) -> re.Pattern[str]:
    """What no reader may see before the guess of a question."""
    wait, question = WAITS[name], QUESTIONS[name]
    if wait.gives_away:
        return re.compile(wait.gives_away)
    return re.compile(rf"(?<![\d,.]){re.escape(question.write(question.answer(question.given())))}(?![\d,])")


def as_data(name: str) -> dict[str, Any] | None:
    """How a panel waits, for a browser; `None` if there is nothing to wait for."""
    wait = WAITS.get(name)
    if not wait:
        return None
    film, question = FILMS[wait.film], QUESTIONS[name]
    spot = wait.spot
    return {
        "film": wait.film,
        "decides": dict(wait.decides),
        "tells": {axis: list(told) for axis, told in wait.telling.items()},
        "verdict": {axis: list(seen) for axis, seen in wait.verdict.items()},
        "way": _way(film, wait),
        "veils": list(wait.veils),
        "always": list(wait.always),
        "together": list(wait.together),
        "untold": wait.untold,
        "spot": {**asdict(spot), "cells": list(spot.cells), "ends": [list(end) for end in spot.ends]},
        "answer": told(question),
    }  # fmt: skip


def told(question: Question) -> str:
    """The answer and why, for one who wants to be shown."""
    given = question.given()
    return f"It is {question.write(question.answer(given))}. {question.why.format_map(given)}"


def _way(film: Film, wait: Wait) -> str:
    """How to get from where the panel begins to the state that decides."""
    steps = [
        f"{axis.label} to {axis.texts[axis.values.index(wait.decides[axis.name])]}"
        for axis in film.axes
        if axis.name in wait.decides and wait.decides[axis.name] != wait.begins.get(axis.name, axis.start)
    ]
    return f"Set {' and '.join(steps)}"


def _corners(shape: Shape) -> tuple[tuple[float, float], tuple[float, float]]:
    if isinstance(shape, Box):
        return (shape.x, shape.y), (shape.x + shape.width, shape.y + shape.height)
    if isinstance(shape, Label):
        wide = len(shape.text) * shape.size * 0.5
        left = shape.x - {"left": 0.0, "center": wide / 2, "right": wide}[shape.align]
        return (left, shape.y - shape.size / 2), (left + wide, shape.y + shape.size / 2)
    return (shape.x1, shape.y1), (shape.x2, shape.y2)
