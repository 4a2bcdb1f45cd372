"""What a panel shows: axes with a finite number of states, and for each state a picture and the engine's facts.

No widgets here: the published pages play the same films without a kernel.
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from ..errors import not_one_of
from ..units import index_of, size_among
from . import svg, touch
from .scene import Scene

Facts = dict[str, Any]


@dataclass(frozen=True)
class Axis:
    """A slider: the trait's name, a label, the values it can take, and how each is written beside it.

    The values stand in their own order: sizes grow, schemes follow history. ``start`` is where it begins, the first by
    default.
    """

    name: str
    label: str
    values: tuple[str | int, ...]
    texts: tuple[str, ...] = ()
    play: bool = False
    start: Any = None

    def __post_init__(self) -> None:
        if not self.texts:
            object.__setattr__(self, "texts", tuple(map(str, self.values)))
        if self.start is None:
            object.__setattr__(self, "start", self.values[0])

    def taken(self, value: object) -> str | int:
        """Where the slider then stands: the value as Python's own number or text; sizes however they are written.

        Raises `BadInput` for any other value.
        """
        plain = str(value) if isinstance(value, str) else index_of(value)
        if plain is not None and plain in self.values:
            return plain
        sizes = [text for text in self.texts if not text[-1].isdigit()]  # "2 MiB", and not a count such as "512"
        same = size_among(value, sizes)
        if same is None:
            raise not_one_of(self.label, value, self.values)
        return self.values[self.texts.index(same)]


@dataclass(frozen=True)
class Film:
    """What a panel can show: its axes, and for each state a scene and the engine's facts."""

    title: str
    axes: tuple[Axis, ...]
    state: Callable[..., tuple[Scene, Facts]]
    portrait: Callable[..., Scene] | None = None
    """The same state drawn for a phone held upright, `PORTRAIT` units wide; its words are those of ``state``."""

    @property
    def about(self) -> str:
        """What it shows, in a line: the docstring of its module."""
        return (inspect.getdoc(inspect.getmodule(self.state)) or "").split("\n")[0]

    def states(self) -> Iterator[dict[str, str | int]]:
        """Every state that the sliders can reach, the last axis fastest."""
        for values in itertools.product(*(axis.values for axis in self.axes)):
            yield dict(zip((axis.name for axis in self.axes), values, strict=True))


@cache
def reel(film: Film) -> dict[str, Any]:
    """Everything a browser needs to play the film (static/film.js)."""
    scenes = [film.state(**values)[0] for values in film.states()]
    return {
        "title": film.title,
        **_drawn(film, scenes),
        "alt": [scene.alt for scene in scenes],
        "caption": [scene.caption for scene in scenes],
        "axes": [
            {
                "name": a.name,
                "label": a.label,
                "values": list(a.values),
                "texts": list(a.texts),
                "play": a.play,
                "told": all(map(partial(_tells, a), film.states(), scenes)),
            }
            for a in film.axes
        ],
    }


def _tells(axis: Axis, values: dict[str, str | int], scene: Scene) -> bool:
    """Whether a caption says by itself where a slider stands, so that nobody need say it before it."""
    text = axis.texts[axis.values.index(values[axis.name])]
    return all(re.search(rf"(?i)(?<!\w){re.escape(words)}(?!\w)", scene.caption) for words in (axis.label, text))


@cache
def upright(film: Film) -> dict[str, Any]:
    """The film's drawing for a phone, which takes the place of the other; empty if it has none."""
    return _drawn(film, [film.portrait(**values) for values in film.states()]) if film.portrait else {}


def _drawn(film: Film, scenes: Sequence[Scene]) -> dict[str, Any]:
    parts = svg.cut(scenes)
    return {**parts, **touch.cut(scenes, parts["names"], {axis.name: axis.values for axis in film.axes})}


def after(values: Sequence[Any], value: object) -> Any:
    """The next of some values, after the last the first: what touching a thing sets that has no other place for it."""
    return values[(values.index(value) + 1) % len(values)]


def plain(value: object) -> str:
    """A fact as text, numbers with thousands separators."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(map(plain, value))
    return str(value)
