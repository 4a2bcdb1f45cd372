"""The live panels: a film with its sliders, as a widget; for each film of the book a function of its name.

Each state of a panel is drawn once; the browser plays the frames (`static/film.js`), so a slider answers within one
frame and without the kernel. Python stays the only place that computes or draws.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from ..errors import BadInput, not_one_of, quoted, table
from ..pictures import outputs, picture
from ..pictures.fact import as_data
from ..pictures.film import Axis, Facts, Film, plain, reel, upright
from ..pictures.films import FILMS as FILMS
from ..pictures.scene import Scene
from .scripts import FILM, STATIC, closed

if TYPE_CHECKING:
    from .quiz import Prediction
    from .waits import Wait


@cache
def script() -> str:
    """The film's player, and what makes it wait for a guess, as one ES module."""
    return closed("film", (FILM / "film.js").read_text("utf-8")) + (STATIC / "waits.js").read_text("utf-8")


@cache
def style() -> str:
    """The style sheet of a panel."""
    return (FILM / "film.css").read_text("utf-8") + (STATIC / "waits.css").read_text("utf-8")


class _Choice(traitlets.TraitType[Any, Any]):
    """A trait with a list of allowed values, and a sentence for every other."""

    def __init__(self, axis: Axis) -> None:
        super().__init__(default_value=axis.start)
        self.axis = axis

    def validate(self, obj: Any, value: Any) -> Any:
        return self.axis.taken(value)


class Panel(anywidget.AnyWidget):
    """A film with its sliders. ``set()`` and the traits move it; ``facts`` tells what the engine says there."""

    _esm = script()
    _css = style()
    reel = traitlets.Dict().tag(sync=True)
    tall = traitlets.Dict(default_value=None, allow_none=True).tag(sync=True)
    """The drawing for a phone, once a narrow window has asked for it; empty if the film has none."""
    narrow = traitlets.Bool(False).tag(sync=True)
    note = traitlets.Unicode("").tag(sync=True)
    wait = traitlets.Dict().tag(sync=True)
    guess = traitlets.Dict().tag(sync=True)
    _told = False

    def __init__(self, name: str, guess: Prediction | None = None, /, **values: str | int) -> None:
        film = FILMS[name]
        if guess is not None and not _is_prediction(guess):
            raise BadInput(
                f"a guess comes from hv.predict(), and {quoted(guess)} does not; write for example "
                "hv.predict('base pages of 1 GiB'), or nothing."
            )
        values = _positions(film, values)
        self._name, self._film, self._guess = name, film, guess
        self._waits, wait = _waiting(guess, name)
        if self._waits and not values:
            values = dict(self._waits.begins)
        super().__init__(reel=reel(film), wait=wait)
        self.add_traits(**{axis.name: _Choice(axis).tag(sync=True) for axis in film.axes})
        self.send_state([axis.name for axis in film.axes])
        self.set(**values)
        if guess is not None:
            guess.observe(self._update_note, names="value")
            self._update_note()
        self._told = True

    def set(self, **values: str | int) -> Panel:
        """Move several sliders. Raises `BadInput` for a slider or a value the panel does not have; then none moves."""
        for name, value in _positions(self._film, values).items():
            setattr(self, name, value)
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        film = self.__dict__.get("_film")
        if film and (name in ("values", "facts", "scene") or (self._told and name in ("wait", "guess"))):
            raise BadInput(f"{name} is told and not set; write for example panel.set({_example(film)}).")
        if film and not name.startswith("_") and not self.has_trait(name) and not hasattr(type(self), name):
            raise not_one_of("slider", name, [axis.name for axis in film.axes])
        super().__setattr__(name, value)

    @property
    def values(self) -> dict[str, str | int]:
        """Where the sliders stand."""
        return {axis.name: getattr(self, axis.name) for axis in self._film.axes}

    @property
    def facts(self) -> Facts:
        """The engine's values in the state shown."""
        return self._film.state(**self.values)[1]

    @property
    def scene(self) -> Scene:
        """The picture of the state shown, as data."""
        return self._film.state(**self.values)[0]

    @traitlets.observe("narrow")
    def _send_tall(self, _: object) -> None:
        self.tall = upright(self._film)

    def _update_note(self, _: object = None) -> None:
        assert self._guess is not None
        if self._waits:
            super().__setattr__("guess", self._guess.noted())
        else:
            self.note = self._guess.verdict()

    def __repr__(self) -> str:
        sliders = ", ".join(
            f"{axis.label}: {axis.texts[axis.values.index(getattr(self, axis.name))]}" for axis in self._film.axes
        )
        facts = "\n".join(f"  {name.replace('_', ' ')}: {plain(value)}" for name, value in self.facts.items())
        return f"{self._film.title}, at {sliders}\n{facts}"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle: Any = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        state = outputs.PanelShown(self._name, self.values, as_data(self.facts))
        tall = self._film.portrait
        drawn = [self.scene, *([tall(**self.values)] if tall else [])]
        if self._waits:
            drawn = [self._waits.veiled(one, self.values) for one in drawn]
        shown, alt = picture.bundle(drawn[0], repr(self), state, *drawn[1:])
        return {**data, **shown}, {**(metadata or {}), **alt}


def _waiting(guess: Prediction | None, film: str) -> tuple[Wait | None, dict[str, Any]]:
    """How a film waits for a guess, for Python and for a browser; nothing if it does not."""
    if guess is None:
        return None, {}
    from . import waits

    wait = waits.wait_of(guess.name, film)
    return wait, (waits.as_data(guess.name) or {}) if wait else {}


def _is_prediction(guess: object) -> bool:
    from .quiz import Prediction  # whoever made one has loaded it, and a panel without a guess need not wait for it

    return isinstance(guess, Prediction)


def _positions(film: Film, values: Mapping[str, object]) -> dict[str, str | int]:
    """Where sliders are to stand, by name. Raises `BadInput` for a slider or a value that the film does not have."""
    axes = table("slider", ((axis.name, axis) for axis in film.axes))
    return {name: axes[name].taken(value) for name, value in values.items()}


def _example(film: Film) -> str:
    return f"{film.axes[0].name}={film.axes[0].values[-1]!r}"


# --- one function for each film --------------------------------------------------------------------------------------


def _values(axis: Axis) -> str:
    """Where a slider can stand, in words."""
    numbers = [value for value in axis.values if isinstance(value, int)]
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]} to {numbers[-1]}"
    shown = list(map(repr, axis.values))
    return ", ".join([*shown[:3], "…", shown[-1]] if len(shown) > 12 else shown)


_DOC = """{about}

A guess from `hv.predict` is drawn into the picture, and the answer waits for it. Each slider is a keyword, and begins
at the value that the signature shows:

{sliders}

Raises `BadInput` for another slider or value.
"""


def _function(name: str, film: Film) -> Callable[..., Panel]:
    """The function that makes a film's `Panel`: what it is, its sliders and their values are the film's own."""

    def make(guess: Prediction | None = None, **values: str | int) -> Panel:
        return Panel(name, guess, **values)

    sliders = [
        inspect.Parameter(axis.name, inspect.Parameter.KEYWORD_ONLY, default=axis.start, annotation=type(axis.start))
        for axis in film.axes
    ]
    guess = inspect.signature(make).parameters["guess"]
    lines = [f"- ``{axis.name}`` ({axis.label}): {_values(axis)}" for axis in film.axes]
    make.__name__ = make.__qualname__ = name
    make.__doc__ = _DOC.format(about=film.about, sliders="\n".join(lines))
    make.__signature__ = inspect.Signature([guess, *sliders], return_annotation=Panel)  # type: ignore[attr-defined]
    return make


def __getattr__(name: str) -> Callable[..., Panel]:
    """The function of a film, made when it is first asked for."""
    if name not in [*FILMS]:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made = globals()[name] = _function(name, FILMS[name])
    return made


def __dir__() -> list[str]:
    return sorted({"FILMS", "Panel", *FILMS})
