"""Where the labels of a picture are, and what is wrong with that: small, outside, over each other, off their box."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from functools import cache

os.environ["HVLIB_OBSERVE"] = "recorded"

import matplotlib
from PIL import ImageFont

import hvlib as hv
from hvlib.pictures import draw
from hvlib.pictures.films import FILMS
from hvlib.pictures.picture import Picture
from hvlib.pictures.scene import PORTRAIT, SMALL, WIDTH, Arrow, Box, Label, Line, Scene
from hvlib.teaching.hands import SCENES

Extent = tuple[float, float, float, float]
"""Left, top, right, bottom."""
TALL = 0.84
"""Of its size, how high a text's letters and digits are together."""


def scenes_of_chapters() -> Iterator[tuple[str, Scene]]:
    """Every picture of the book that is no film's, and those of the sandbox's kind."""

    def both(name: str, drawn: Picture) -> Iterator[tuple[str, Scene]]:
        yield name, drawn.scene
        yield f"{name}, on a phone", drawn.upright

    yield from both("schemes", draw.schemes())
    yield from both("schemes, 1 GiB", draw.schemes("1 GiB"))
    yield from both("timings", draw.timings())
    yield from both("marks that stay", draw.marks_that_stay())
    for release in hv.observe.records():
        yield from both(f"record {release}", draw.record(release))
    for size, base in (("2 MiB", "4 KiB"), ("1 GiB", "4 KiB"), ("64 KiB", "4 KiB"), ("32 MiB", "16 KiB")):
        for scheme in hv.SCHEMES:
            pool = hv.Machine("4 GiB", base, check=False).hugetlb(size)
            if hv.HugePage(size, base).obstacle(scheme) is None:
                pool.optimize(scheme)
            yield from both(f"{size} of {base}, {scheme}", draw.pool(pool))
    for name, drawn in SCENES.items():
        yield name, drawn(False)
        yield f"{name}, on a phone", drawn(True)


def scenes_of_films() -> Iterator[tuple[str, Scene]]:
    """Every state of every film."""
    for name, film in FILMS.items():
        for values in film.states():
            yield f"{name} {values}", film.state(**values)[0]
            if film.portrait:
                yield f"{name} {values}, on a phone", film.portrait(**values)


def labels(scene: Scene) -> list[Label]:
    """Every label, in the order in which it is drawn."""
    return [shape for shapes in scene.groups.values() for shape in shapes if isinstance(shape, Label)]


@cache
def _advance(text: str, bold: bool) -> float:
    font = f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans{'-Bold' if bold else ''}.ttf"
    return _font(font).getlength(text) / 100


@cache
def _font(path: str) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, 100)


def extent(label: Label) -> Extent:
    """Where a label is in DejaVu Sans, which is wider than the fonts that systems bring."""
    width = _advance(label.text, label.bold) * label.size
    left = label.x - {"left": 0.0, "center": width / 2, "right": width}[label.align]
    return left, label.y - label.size * TALL / 2, left + width, label.y + label.size * TALL / 2


def problems(scene: Scene, extents: Sequence[Extent] | None = None) -> Iterator[str]:
    """What is wrong with the labels of a scene, which are where ``extents`` say, in order."""
    drawn = labels(scene)
    placed = list(zip(drawn, extents or map(extent, drawn), strict=True))
    shapes = [shape for group in scene.groups.values() for shape in group]
    boxes = [shape for shape in shapes if isinstance(shape, Box)]
    if scene.width not in (WIDTH, PORTRAIT):
        yield f"the picture is {scene.width} wide"
    for label, at in placed:
        if label.size < SMALL:
            yield f"{label.text!r} is only {label.size} high"
        if at[0] < 0 or at[2] > scene.width or at[1] < 0 or at[3] > scene.height:
            yield f"{label.text!r} leaves the picture: {at}"
        yield from _against_boxes(label, at, boxes)
        if label.on != "freed":
            for line in shapes:
                if isinstance(line, (Arrow, Line)) and _strikes(line, at):
                    yield f"{label.text!r} is struck through by {line}"
    for (one, here), (other, there) in itertools.combinations(placed, 2):
        again = (one.text, one.x, one.y) == (other.text, other.x, other.y)  # a marked cell is drawn over itself
        if not again and _meet(here, there):
            yield f"{one.text!r} and {other.text!r} overlap"


def _against_boxes(label: Label, at: Extent, boxes: Sequence[Box]) -> Iterator[str]:
    if label.on:
        under = [box for box in boxes if box.role == label.on and _inside((label.x, label.y) * 2, _edges(box))]
        if not under and label.on != "freed":
            yield f"{label.text!r} stands on no box of its role"
        if under and not any(_inside(at, _edges(box)) for box in under):
            yield f"{label.text!r} is wider than its box"
        return
    for box in boxes:
        if _meet(at, _edges(box)) and not _inside(at, _edges(box)):
            yield f"{label.text!r} crosses the edge of {box}"


def _edges(box: Box) -> Extent:
    return box.x, box.y, box.x + box.width, box.y + box.height


def _inside(one: Extent, other: Extent) -> bool:
    return one[0] >= other[0] and one[1] >= other[1] and one[2] <= other[2] and one[3] <= other[3]


def _meet(one: Extent, other: Extent) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _strikes(line: Arrow | Line, at: Extent) -> bool:
    """Whether a straight line has a part inside a rectangle (Liang and Barsky)."""
    enters, leaves = 0.0, 1.0
    for start, way, low, high in (
        (line.x1, line.x2 - line.x1, at[0], at[2]),
        (line.y1, line.y2 - line.y1, at[1], at[3]),
    ):
        if not way:
            if not low < start < high:
                return False
            continue
        first, last = sorted(((low - start) / way, (high - start) / way))
        enters, leaves = max(enters, first), min(leaves, last)
    return leaves - enters > 0.001
