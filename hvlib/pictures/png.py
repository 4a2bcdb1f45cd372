"""Scenes become PNG, drawn by matplotlib: for viewers that show neither widgets nor SVG.

matplotlib is imported when a picture is asked for, and one is asked for where an output is kept: an untrusted
notebook and some code hosts show nothing else. A live session shows the widget or the SVG, and pays for no PNG.
"""

from __future__ import annotations

import base64
import io
import logging
import os
from collections.abc import Callable
from math import nan
from typing import TYPE_CHECKING, Any

from .scene import Arrow, Box, Label, Line, Scene
from .style import ARROWS, INSET, LIGHT, LINE, PAPER, STYLES
from .svg import arrow_head, hatch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WANTED = "HVLIB_PNG"
"""The environment variable that asks for a PNG beside each SVG, when it is 1; tools/notebooks.py sets it."""
_POINT = 0.75
"""Of a CSS pixel."""


def wanted() -> bool:
    """Whether outputs are to hold a PNG."""
    return os.environ.get(WANTED) == "1"


def png(scene: Scene) -> str:
    """The scene as base64 PNG, a pixel a unit; the same bytes for the same scene and the same matplotlib."""
    from PIL import Image

    target, small = io.BytesIO(), io.BytesIO()
    figure(scene).savefig(target, format="png", dpi=96, metadata={"Software": None})
    Image.open(target).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    return base64.b64encode(small.getvalue()).decode()


def figure(scene: Scene) -> Figure:
    """The scene as a matplotlib figure, on a white ground."""
    made: Figure = _quietly(_figure)((scene.width * _POINT / 72, scene.height * _POINT / 72))
    axes = made.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, scene.width), ylim=(scene.height, 0))
    axes.axis("off")
    for number, shape in enumerate(shape for shapes in scene.groups.values() for shape in shapes):
        for artist in _drawn(axes, shape):
            artist.set(clip_on=False, zorder=number)
    return made


def _figure(size: tuple[float, float]) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=size, facecolor=LIGHT[PAPER])


def _quietly(action: Callable[..., Any]) -> Callable[..., Any]:
    """A home that may not be written and a slow first start are nothing that a reader of a chapter could act on."""

    def run(*args: Any) -> Any:
        log = logging.getLogger("matplotlib")
        level = log.level
        log.setLevel(logging.ERROR)
        try:
            return action(*args)
        finally:
            log.setLevel(level)

    return run


def _drawn(axes: Axes, shape: Box | Label | Arrow | Line) -> list[Any]:
    if isinstance(shape, Box):
        return _box(axes, shape)
    if isinstance(shape, Label):
        return [_label(axes, shape)]
    if isinstance(shape, Line):
        return axes.plot([shape.x1, shape.x2], [shape.y1, shape.y2], color=_colour("ink"), linewidth=LINE * _POINT)
    style = ARROWS[shape.role]
    (neck_x, neck_y), head = arrow_head(shape)
    return [
        *axes.plot([shape.x1, neck_x], [shape.y1, neck_y], color=style.colour, linewidth=style.width * _POINT,
                   linestyle=_line(style.dashes, style.width), solid_capstyle="butt"),
        *axes.fill(*zip(*head, strict=True), color=style.colour, linewidth=0),
    ]  # fmt: skip


def _box(axes: Axes, box: Box) -> list[Any]:
    from matplotlib.patches import Rectangle

    def rectangle(inset: float, **settings: Any) -> Any:
        corner, size = (box.x + inset, box.y + inset), (box.width - 2 * inset, box.height - 2 * inset)
        return axes.add_patch(Rectangle(corner, *size, edgecolor=_colour("ink"), **settings))

    style = STYLES[box.role]
    outline = {"linestyle": _line(style.dashes, style.width), "linewidth": style.width * _POINT}
    made = [rectangle(0, facecolor=_colour(style.fill), **outline)]
    if style.hatched:
        xs, ys = ([end for line in hatch(box) for end in (*line[first::2], nan)] for first in (0, 1))
        made += axes.plot(xs, ys, color=_colour("ink"), linewidth=0.7 * _POINT)
    if style.double and min(box.width, box.height) > 2 * INSET:
        made.append(rectangle(INSET, facecolor="none", linewidth=LINE * _POINT))
    return made


def _label(axes: Axes, label: Label) -> Any:
    style = STYLES[label.on] if label.on else STYLES["void"]
    patch = {"facecolor": _colour(PAPER), "edgecolor": "none", "pad": 1.2} if style.hatched else None
    return axes.text(
        label.x, label.y, label.text, size=label.size * _POINT, ha=label.align, va="center_baseline",
        weight="bold" if label.bold else "normal", color=_colour(style.text), bbox=patch, family="DejaVu Sans",
    )  # fmt: skip


def _colour(name: str) -> str:
    return LIGHT.get(name, name)


def _line(dashes: tuple[float, ...], width: float) -> Any:
    """Dashes in units as matplotlib counts them, in widths of the line."""
    return (0, tuple(dash / width for dash in dashes)) if dashes else "-"
