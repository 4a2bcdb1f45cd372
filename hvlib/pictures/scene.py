"""A picture as data: named groups of shapes, y downwards, with caption and alt text.

A unit is a CSS pixel where a picture is first shown, `WIDTH` of them side by side: in JupyterLab in a window of 1,280
pixels with its file browser open, and on a published page as wide (static/film.css, book/_static/book.css). `draw`,
`mapping` and the films turn states into scenes, `svg` and `png` write them. In between a picture can be compared,
counted and read back: a test can ask where an arrow ends without looking at pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

WIDTH = 824
"""Of every picture."""
PORTRAIT = 340
"""Of a picture for a phone held upright, which is as wide in a window of 360 pixels."""
SMALL = 12
"""No text is smaller."""

Role = Literal[
    "head", "own", "shared", "freed", "plain", "table", "void", "mark", "quiet", "readonly", "level", "upper", "stuck",
    "unlike",
]  # fmt: skip
"""What a box is. Each role has its own colour *and* its own outline or hatch, so colour is never alone (`style`)."""

ArrowRole = Literal["arithmetic", "own", "remapped", "taken", "given", "stale"]


@dataclass(frozen=True)
class Box:
    """A rectangle with its top left corner at (x, y)."""

    x: float
    y: float
    width: float
    height: float
    role: Role


@dataclass(frozen=True)
class Label:
    """A line of text. ``on`` is the role of the box it stands on, which decides its colour."""

    x: float
    y: float
    text: str
    size: float = SMALL
    align: Literal["left", "center", "right"] = "center"
    bold: bool = False
    on: Role | None = None


@dataclass(frozen=True)
class Arrow:
    """An arrow from (x1, y1) to its tip (x2, y2)."""

    x1: float
    y1: float
    x2: float
    y2: float
    role: ArrowRole


@dataclass(frozen=True)
class Line:
    """A thin straight line."""

    x1: float
    y1: float
    x2: float
    y2: float


Shape = Box | Label | Arrow | Line


@dataclass
class Scene:
    """A picture of ``width`` x ``height`` units. Groups are drawn in the order in which they were added.

    In a film a group can be touched: ``hits`` says which sliders it sets to which values, ``ties`` which groups belong
    together, such as a vmemmap page, its entry and its frame.
    """

    width: float
    height: float
    groups: dict[str, tuple[Shape, ...]] = field(default_factory=dict)
    caption: str = ""
    alt: str = ""
    hits: dict[str, dict[str, str | int]] = field(default_factory=dict)
    ties: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, name: str, *shapes: Shape) -> None:
        """Add shapes to the group ``name``. In a film a group is what moves together."""
        if shapes:
            self.groups[name] = self.groups.get(name, ()) + shapes

    def sets(self, group: str, **values: str | int) -> None:
        """Who touches the group sets these sliders."""
        self.hits[group] = values

    def tie(self, *groups: str) -> None:
        """These groups belong together: where one is pointed at, the others stand out. Those not drawn are left out."""
        self.ties.append(tuple(name for name in groups if name in self.groups))
