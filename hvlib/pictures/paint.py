"""Scenes become pictures: matplotlib draws every shape, as SVG for pages, as PNG where nothing else is shown.

A film is many scenes in one drawing: each distinct group of shapes is drawn once, and each frame says which groups
it shows. The browser (static/film.js) swaps them; it computes nothing. The output is the same byte for byte for the
same scenes and the same matplotlib.
"""

from __future__ import annotations

import base64
import io
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

# A home that may not be written and a slow first start are nothing that a reader of a chapter could act on.
_LOG = logging.getLogger("matplotlib")
_LEVEL = _LOG.level
_LOG.setLevel(logging.ERROR)
import matplotlib as mpl  # noqa: E402
from matplotlib.artist import Artist  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402
from matplotlib.patches import FancyArrowPatch, Rectangle  # noqa: E402
from matplotlib.text import Text  # noqa: E402

_LOG.setLevel(_LEVEL)

from .scene import ArrowRole, Box, Label, Line, Role, Scene, Shape  # noqa: E402

INK, PAPER = "#010203", "#fdfeff"
"""Stand for the page's own text and ground colours until a picture is put on a page."""
LIGHT = {INK: "#222222", PAPER: "#ffffff"}
PAGE = {INK: "var(--hv-ink, #222)", PAPER: "var(--hv-paper, #fff)"}

_DARK_TEXT, _LIGHT_TEXT = "#111111", "#ffffff"


@dataclass(frozen=True)
class Look:
    """How a role is drawn: fill and edge, line style and width, hatch, colour of text on it."""

    fill: str
    edge: str = INK
    line: str | tuple[float, tuple[float, float]] = "-"
    width: float = 0.9
    hatch: str | None = None
    text: str = INK
    double: bool = False


# Okabe and Ito's palette; light fills need their outlines to be seen on white.
LOOKS: dict[Role, Look] = {
    "head": Look("#0072B2", text=_LIGHT_TEXT, width=1.4),
    "own": Look("#56B4E9", text=_DARK_TEXT),
    "shared": Look("#E69F00", text=_DARK_TEXT, width=1.2, double=True),
    "freed": Look("none", line=(0, (3, 2)), hatch="////"),
    "plain": Look(PAPER),
    "table": Look("#009E73", text=_DARK_TEXT),
    "void": Look("none", line=":", width=1.0),
    "mark": Look("#F0E442", text=_DARK_TEXT, width=2.2),
    "readonly": Look("#F3C9A8", line=(0, (2.5, 1.6)), width=1.2, text=_DARK_TEXT),
    "level": Look("#CC79A7", text=_DARK_TEXT),
    "quiet": Look("#BBBBBB", text=_DARK_TEXT),
}
_ARROWS: dict[ArrowRole, dict[str, Any]] = {
    "arithmetic": {"color": "#777777", "linestyle": "-", "linewidth": 1.1},
    "own": {"color": "#2F8FCB", "linestyle": "-", "linewidth": 1.6},
    "remapped": {"color": "#D55E00", "linestyle": (0, (2.5, 1.6)), "linewidth": 1.6},
}
_RC: Any = {"svg.hashsalt": "hvlib", "svg.fonttype": "none", "font.family": "sans-serif", "hatch.linewidth": 0.6}


class _Canvas:
    """One figure onto which shapes are put; remembers which artists belong to which group."""

    def __init__(self, width: float, height: float) -> None:
        self.figure = Figure(figsize=(width / 72, height / 72))
        self.figure.patch.set_visible(False)
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(height, 0))
        self.axes.axis("off")
        self.colours: dict[str, str] = {INK: INK, PAPER: PAPER}
        self._count = 0

    def put(self, gid: str, shapes: Iterable[Shape]) -> list[str]:
        """Draw shapes; returns the ids under which they stand in the SVG, in order."""
        ids: list[str] = []
        for shape in shapes:
            for artist in self._artists(shape):
                artist.set_gid(f"{gid}-{len(ids)}")
                artist.set_clip_on(False)
                artist.set_zorder(self._count)
                self._count += 1
                ids.append(f"{gid}-{len(ids)}")
        return ids

    def _colour(self, name: str) -> str:
        return self.colours.get(name, name)

    def _artists(self, shape: Shape) -> list[Artist]:
        if isinstance(shape, Box):
            return self._box(shape)
        if isinstance(shape, Label):
            return [self._label(shape)]
        if isinstance(shape, Line):
            line = Line2D([shape.x1, shape.x2], [shape.y1, shape.y2], color=self._colour(INK), linewidth=0.8)
            return [self.axes.add_artist(line)]
        style = _ARROWS[shape.role]
        arrow = FancyArrowPatch(
            (shape.x1, shape.y1), (shape.x2, shape.y2), arrowstyle="-|>", mutation_scale=11, shrinkA=0, shrinkB=0,
            **style,
        )  # fmt: skip
        return [self.axes.add_patch(arrow)]

    def _box(self, box: Box) -> list[Artist]:
        look = LOOKS[box.role]
        style: dict[str, Any] = {
            "facecolor": self._colour(look.fill), "edgecolor": self._colour(look.edge),
            "linestyle": look.line, "linewidth": look.width, "hatch": look.hatch,
        }  # fmt: skip
        made: list[Artist] = [self.axes.add_patch(Rectangle((box.x, box.y), box.width, box.height, **style))]
        if look.double:
            inner = Rectangle(
                (box.x + 2.5, box.y + 2.5), box.width - 5, box.height - 5,
                facecolor="none", edgecolor=self._colour(look.edge), linewidth=0.8,
            )  # fmt: skip
            made.append(self.axes.add_patch(inner))
        return made

    def _label(self, label: Label) -> Text:
        look = LOOKS[label.on] if label.on else Look("none")
        patch = {"facecolor": self._colour(PAPER), "edgecolor": "none", "pad": 1.2} if label.on == "freed" else None
        return self.axes.text(
            label.x, label.y, label.text, size=label.size, ha=label.align, va="center_baseline",
            weight="bold" if label.bold else "normal", color=self._colour(look.text), bbox=patch,
        )  # fmt: skip


def svg(scene: Scene) -> str:
    """The scene as SVG text on an opaque white ground, readable on light and dark pages."""
    text = _svg_of(_canvas_of(scene, LIGHT, ground=True))
    return text.replace("<svg ", f'<svg role="img" aria-label="{_quoted(scene.alt)}" ', 1)


def png(scene: Scene, dpi: int = 80) -> str:
    """The scene as base64 PNG, for viewers that show neither widgets nor SVG."""
    canvas, target = _canvas_of(scene, LIGHT, ground=True), io.BytesIO()
    with mpl.rc_context(_RC):
        canvas.figure.savefig(target, format="png", dpi=dpi, metadata={"Software": None})
    small = io.BytesIO()
    Image.open(target).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    return base64.b64encode(small.getvalue()).decode()


def film(scenes: Sequence[Scene]) -> dict[str, Any]:
    """Everything the browser needs to show any of ``scenes``, which must have the same size.

    ``base`` is an SVG with an empty group for each name, ``parts`` the distinct contents of groups, ``frames`` one
    row per scene with a part number per name (-1: nothing).
    """
    first = scenes[0]
    assert all((s.width, s.height) == (first.width, first.height) for s in scenes), "a film keeps its size"
    names = _in_drawing_order(scenes)
    numbers: dict[tuple[Shape, ...], int] = {}
    frames = [
        [numbers.setdefault(s.groups[name], len(numbers)) if name in s.groups else -1 for name in names] for s in scenes
    ]
    canvas = _Canvas(first.width, first.height)
    with mpl.rc_context(_RC):
        ids = [canvas.put(f"p{number}", shapes) for shapes, number in numbers.items()]
    text = _svg_of(canvas)
    for colour, variable in PAGE.items():
        text = text.replace(colour, variable)
    contents = _groups(text)
    patterns = "".join(re.findall(r"<pattern\b.*?</pattern>", text))
    opening = text[: text.index(">") + 1]
    empty = "".join(f'<g data-name="{name}"/>' for name in names)
    base = f"{opening}<defs>{patterns}</defs>{empty}</svg>"
    parts = [re.sub(r' id="[^"]*"', "", "".join(contents[i] for i in group)) for group in ids]
    return {"base": base, "names": names, "parts": parts, "frames": frames}


def _canvas_of(scene: Scene, colours: dict[str, str], *, ground: bool) -> _Canvas:
    with mpl.rc_context(_RC):
        canvas = _Canvas(scene.width, scene.height)
        canvas.colours = colours
        if ground:
            canvas.figure.patch.set(visible=True, facecolor=colours[PAPER])
        for name, shapes in scene.groups.items():
            canvas.put(name, shapes)
    return canvas


def _svg_of(canvas: _Canvas) -> str:
    target = io.StringIO()
    with mpl.rc_context(_RC):
        canvas.figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    text = target.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text[text.index("<svg") :], flags=re.DOTALL)
    # matplotlib styles "*", which would reach the whole page once the SVG stands in it.
    text = re.sub(r"<style[^>]*>\s*\*\{([^}]*)\}\s*</style>", "", text)
    # What every shape has in common is said once, on the root.
    text = re.sub(r' transform="rotate\(-0 [^"]*\)"|; stroke-linejoin: miter|; font-family: [^;"]*', "", text)
    style = "font-family:'DejaVu Sans',Verdana,sans-serif;stroke-linejoin:miter;stroke-linecap:butt"
    text = text.replace("<svg ", f'<svg style="{style}" ', 1)
    return re.sub(r">\s+<", "><", re.sub(r"\s*\n\s*", " ", text)).strip()


def _groups(text: str) -> dict[str, str]:
    """Content of every ``<g id="p…-…">`` of an SVG."""
    found: dict[str, str] = {}
    opened: list[tuple[str | None, int]] = []
    for tag in re.finditer(r'<g\b(?: id="([^"]*)")?[^>]*?(/?)>|</g>', text):
        if tag.group() == "</g>":
            name, start = opened.pop()
            if name and name.startswith("p") and "-" in name:
                found[name] = text[start : tag.start()].strip()
        elif not tag.group(2):
            opened.append((tag.group(1), tag.end()))
    return found


def _in_drawing_order(scenes: Sequence[Scene]) -> list[str]:
    """All group names, such that each scene's own order is kept."""
    after: dict[str, set[str]] = {}
    for scene in scenes:
        names = list(scene.groups)
        for place, name in enumerate(names):
            after.setdefault(name, set()).update(names[:place])
    ordered: list[str] = []
    while after:
        ready = next((name for name, before in after.items() if before <= set(ordered)), None)
        assert ready is not None, "the scenes of a film draw their groups in conflicting orders"
        ordered.append(ready)
        del after[ready]
    return ordered


def _quoted(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
