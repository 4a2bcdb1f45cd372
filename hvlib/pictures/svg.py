"""Scenes become SVG: a standalone picture, or the parts of a film that the browser swaps.

Written here and not by a library, because all of it is four shapes, and what matters is what a library would decide
otherwise: no ids (a hatch is lines, a head of an arrow is a triangle), so that any number of pictures share a page;
no ``<style>``, which would reach that page; outlines as ``<path>`` with the same commands for the same shape, so that
``film.js`` can let them glide; colours of text and ground as variables of the page, with a fallback for everywhere
else, light or dark as what shows the picture is (JupyterLab shows it as an image, which no variable reaches). The same
scene gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from math import hypot
from typing import Any

from .scene import Arrow, Box, Label, Line, Scene, Shape
from .style import ARROWS, DARK, HATCH, HEAD, INK, INSET, LIGHT, LINE, PAPER, STYLES

_FONT = "system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_INK, _PAPER = (f"var(--hv-{name},light-dark({LIGHT[name]},{DARK[name]}))" for name in (INK, PAPER))
_ROOT = (
    f'fill="{LIGHT[INK]}" stroke="{LIGHT[INK]}" style="color-scheme:light dark;fill:{_INK};stroke:{_INK}" '
    'stroke-linejoin="miter" stroke-linecap="butt"'
)
"""Ink is what a shape is drawn with that says nothing else."""
_ANCHOR = {"left": "", "center": ' text-anchor="middle"', "right": ' text-anchor="end"'}
_BASELINE = 0.36
"""Of a text's size, how far its baseline stands below the middle of its digits."""


def standalone(scene: Scene) -> str:
    """The scene as SVG that stands alone, on an opaque ground; a page that it is written into lends it its colours."""
    ground = f'<path d="{_rectangle(0, 0, scene.width, scene.height)}"{_filled(PAPER)} stroke="none"/>'
    body = "".join(f"<g>{''.join(map(written, shapes))}</g>" for shapes in scene.groups.values())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(scene.width)}" height="{_n(scene.height)}" '
        f'viewBox="0 0 {_n(scene.width)} {_n(scene.height)}" role="img" aria-label="{escape(scene.alt)}" '
        f'font-family="{_FONT}" {_ROOT}>{ground}{body}</svg>'
    )


def cut(scenes: Sequence[Scene]) -> dict[str, Any]:
    """Everything the browser needs to show any of ``scenes``, which must have the same size.

    ``base`` is an SVG with an empty group for each name, ``parts`` the distinct contents of groups, ``frames`` one
    row per scene with a part number per name (-1: nothing). Text has the font of the page.
    """
    first = scenes[0]
    assert all((s.width, s.height) == (first.width, first.height) for s in scenes), "a film keeps its size"
    names = _in_drawing_order(scenes)
    numbers: dict[tuple[Shape, ...], int] = {}
    frames = [
        [numbers.setdefault(s.groups[name], len(numbers)) if name in s.groups else -1 for name in names] for s in scenes
    ]
    empty = "".join(f'<g data-name="{escape(name)}"/>' for name in names)
    size = f"0 0 {_n(first.width)} {_n(first.height)}"
    return {
        "base": f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" {_ROOT}>{empty}</svg>',
        "names": names,
        "parts": ["".join(map(written, shapes)) for shapes in numbers],
        "frames": frames,
    }


def written(shape: Shape) -> str:
    """One shape as SVG elements."""
    if isinstance(shape, Box):
        return "".join(_box(shape))
    if isinstance(shape, Label):
        return _label(shape)
    if isinstance(shape, Line):
        return f'<path d="M{_n(shape.x1)} {_n(shape.y1)}L{_n(shape.x2)} {_n(shape.y2)}" stroke-width="{LINE}"/>'
    return _arrow(shape)


def _box(box: Box) -> Iterable[str]:
    style = STYLES[box.role]
    outline = _rectangle(box.x, box.y, box.width, box.height)
    yield f'<path d="{outline}"{_filled(style.fill)} stroke-width="{_n(style.width)}"{_dashed(style.dashes)}/>'
    if style.hatched and (lines := hatch(box)):
        yield f'<path d="{"".join(_segment(*line) for line in lines)}" fill="none" stroke-width="0.7"/>'
    if style.double and min(box.width, box.height) > 2 * INSET:
        inner = _rectangle(box.x + INSET, box.y + INSET, box.width - 2 * INSET, box.height - 2 * INSET)
        yield f'<path d="{inner}" fill="none" stroke-width="{LINE}"/>'


def _label(label: Label) -> str:
    style = STYLES[label.on] if label.on else STYLES["void"]
    colour = "" if style.text == INK else f' fill="{style.text}"'
    edge = ' stroke="none"'
    if style.hatched:  # a rim of ground keeps the hatch away from the letters
        edge = (
            f' stroke="{LIGHT[PAPER]}" style="stroke:{_PAPER}" stroke-width="5" stroke-linejoin="round" '
            'paint-order="stroke"'
        )
    weight = ' font-weight="700"' if label.bold else ""
    return (
        f'<text x="{_n(label.x)}" y="{_n(label.y + label.size * _BASELINE)}" font-size="{_n(label.size)}"'
        f"{_ANCHOR[label.align]}{weight}{colour}{edge}>{escape(label.text, quote=False)}</text>"
    )


def _arrow(arrow: Arrow) -> str:
    style = ARROWS[arrow.role]
    (neck_x, neck_y), head = arrow_head(arrow)
    line = _segment(arrow.x1, arrow.y1, neck_x, neck_y)
    triangle = "L".join(f"{_n(x)} {_n(y)}" for x, y in head)
    return (
        f'<path d="{line}" fill="none" stroke="{style.colour}" '
        f'stroke-width="{_n(style.width)}"{_dashed(style.dashes)}/>'
        f'<path d="M{triangle}Z" fill="{style.colour}" stroke="none"/>'
    )


def arrow_head(arrow: Arrow) -> tuple[tuple[float, float], tuple[tuple[float, float], ...]]:
    """Where an arrow's line ends and its head begins; and the head's corners, the tip first."""
    length = hypot(arrow.x2 - arrow.x1, arrow.y2 - arrow.y1)
    along_x, along_y = (arrow.x2 - arrow.x1) / length, (arrow.y2 - arrow.y1) / length
    long, half = HEAD
    neck_x, neck_y = arrow.x2 - along_x * long, arrow.y2 - along_y * long
    left = neck_x - along_y * half, neck_y + along_x * half
    right = neck_x + along_y * half, neck_y - along_x * half
    return (neck_x, neck_y), ((arrow.x2, arrow.y2), left, right)


def hatch(box: Box) -> list[tuple[float, float, float, float]]:
    """The lines of a box's hatch, which rise to the right, each cut off at the box's edges."""
    lines = []
    left, top, right, bottom = box.x, box.y, box.x + box.width, box.y + box.height
    reach = HATCH
    while reach < box.width + box.height:  # x + y, counted from the top left corner
        start = left + max(reach - box.height, 0), min(top + reach, bottom)
        end = min(left + reach, right), top + max(reach - box.width, 0)
        lines.append((*start, *end))
        reach += HATCH
    return lines


def _rectangle(x: float, y: float, width: float, height: float) -> str:
    return f"M{_n(x)} {_n(y)}H{_n(x + width)}V{_n(y + height)}H{_n(x)}Z"


def _segment(x1: float, y1: float, x2: float, y2: float) -> str:
    return f"M{_n(x1)} {_n(y1)}L{_n(x2)} {_n(y2)}"


def _filled(colour: str) -> str:
    if colour == INK:
        return ""
    if colour == PAPER:
        return f' fill="{LIGHT[PAPER]}" style="fill:{_PAPER}"'
    return f' fill="{colour}"'


def _dashed(dashes: tuple[float, ...]) -> str:
    return f' stroke-dasharray="{" ".join(map(_n, dashes))}"' if dashes else ""


def _n(value: float) -> str:
    """A number with at most two decimals, and no more digits than it needs."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _in_drawing_order(scenes: Sequence[Scene]) -> list[str]:
    """All group names, such that each scene's own order is kept."""
    after: dict[str, set[str]] = {}
    for scene in scenes:
        names = list(scene.groups)
        for place, name in enumerate(names):
            after.setdefault(name, set()).update(names[:place])
    ordered: dict[str, None] = {}
    while after:
        ready = next((name for name, before in after.items() if before <= ordered.keys()), None)
        assert ready is not None, "the scenes of a film draw their groups in conflicting orders"
        ordered[ready] = None
        del after[ready]
    return list(ordered)
