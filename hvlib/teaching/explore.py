"""The live panels: a film with its sliders, as a widget.

Each state of a panel is drawn once; the browser plays the frames (`static/film.js`), so a slider answers within one
frame and without the kernel. Python stays the only place that computes or draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from ..errors import BadInput, not_one_of, quoted, table
from ..pictures import picture
from ..pictures.film import Axis, Facts, Film, plain, reel
from ..pictures.films import FILMS
from ..pictures.scene import Scene
from .quiz import Prediction

_STATIC = Path(__file__).parents[1] / "pictures" / "static"


class _Choice(traitlets.TraitType[Any, Any]):
    """A trait with a list of allowed values, and a sentence for every other."""

    def __init__(self, axis: Axis) -> None:
        super().__init__(default_value=axis.values[0])
        self.axis = axis

    def validate(self, obj: Any, value: Any) -> Any:
        return self.axis.taken(value)


class Panel(anywidget.AnyWidget):
    """A film with its sliders. ``set()`` and the traits move it; ``facts`` tells what the engine says there."""

    _esm = _STATIC / "film.js"
    _css = _STATIC / "film.css"
    reel = traitlets.Dict().tag(sync=True)
    note = traitlets.Unicode("").tag(sync=True)

    def __init__(self, film: Film, guess: Prediction | None = None, **values: str | int) -> None:
        if guess is not None and not isinstance(guess, Prediction):
            raise BadInput(
                f"a guess comes from hv.predict(), and {quoted(guess)} does not; write for example "
                "hv.predict('base pages of 1 GiB'), or nothing."
            )
        values = _places(film, values)
        self._film, self._guess = film, guess
        super().__init__(reel=reel(film))
        self.add_traits(**{axis.name: _Choice(axis).tag(sync=True) for axis in film.axes})
        self.send_state([axis.name for axis in film.axes])
        self.set(**values)
        if guess is not None:
            guess.observe(self._compare, names="value")
            self._compare()

    def set(self, **values: str | int) -> Panel:
        """Move several sliders. Raises `BadInput` for a slider or a value the panel does not have; then none moves."""
        for name, value in _places(self._film, values).items():
            setattr(self, name, value)
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        film = self.__dict__.get("_film")
        if film and name in ("values", "facts", "scene"):
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

    def _compare(self, _: object = None) -> None:
        assert self._guess is not None
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
        shown, alt = picture.bundle(self.scene, repr(self))
        return {**data, **shown}, {**(metadata or {}), **alt}


def _places(film: Film, values: Mapping[str, object]) -> dict[str, str | int]:
    """Where sliders are to stand, by name. Raises `BadInput` for a slider or a value that the film does not have."""
    axes = table("slider", ((axis.name, axis) for axis in film.axes))
    return {name: axes[name].taken(value) for name, value in values.items()}


def _example(film: Film) -> str:
    return f"{film.axes[0].name}={film.axes[0].values[-1]!r}"


# --- the panels of the chapters --------------------------------------------------------------------------------------


def base_pages(guess: Prediction | None = None, **values: str | int) -> Panel:
    """A guess of how many base pages make up 1 GiB, on a logarithmic axis, and what follows from it (chapter 0)."""
    return Panel(FILMS["base_pages"], guess, **values)


def memmap(guess: Prediction | None = None, **values: str | int) -> Panel:
    """RAM from 1 GiB to 12 TiB by sizeof(struct page): how much of it describes the rest (chapter 1)."""
    return Panel(FILMS["memmap"], guess, **values)


def address(guess: Prediction | None = None, **values: str | int) -> Panel:
    """A virtual address bit by bit, and the walk to a page of 4 KiB, 2 MiB or 1 GiB (chapter 2)."""
    return Panel(FILMS["address"], guess, **values)


def vmemmap(guess: Prediction | None = None, **values: str | int) -> Panel:
    """Where the struct page of a PFN stands: PMD leaf, vmemmap page, slot (chapter 3)."""
    return Panel(FILMS["vmemmap"], guess, **values)


def strip(guess: Prediction | None = None, **values: str | int) -> Panel:
    """Struct pages of a 2 MiB page, word by word: the model's, and those of real kernels (chapter 4)."""
    return Panel(FILMS["strip"], guess, **values)


def filling(guess: Prediction | None = None, **values: str | int) -> Panel:
    """Struct pages of a huge page laid into vmemmap pages, by three sizes (chapter 5)."""
    return Panel(FILMS["filling"], guess, **values)


def remap(guess: Prediction | None = None, **values: str | int) -> Panel:
    """The remap of 2021, event by event, for a 2 MiB or a 1 GiB page (chapter 6)."""
    return Panel(FILMS["remap"], guess, **values)


def fake_heads(guess: Prediction | None = None, **values: str | int) -> Panel:
    """compound_head of one struct page, question by question, where frame 0 stands for all (chapter 7)."""
    return Panel(FILMS["fake_heads"], guess, **values)


def sharing(guess: Prediction | None = None, **values: str | int) -> Panel:
    """The schemes side by side, for one to 1,024 huge pages (chapter 8)."""
    return Panel(FILMS["sharing"], guess, **values)


def kernels(guess: Prediction | None = None, **values: str | int) -> Panel:
    """Page-table entries of real kernels, release by release (chapter 11)."""
    return Panel(FILMS["kernels"], guess, **values)


def fleet(guess: Prediction | None = None, **values: str | int) -> Panel:
    """What a fleet of hosts saves, as a range: hosts, memory, share in huge pages (chapter 12)."""
    return Panel(FILMS["fleet"], guess, **values)


def bill(guess: Prediction | None = None, **values: str | int) -> Panel:
    """What huge pages cost and save, gross and net of page tables, by size, scheme and memory (chapter 9)."""
    return Panel(FILMS["bill"], guess, **values)


def giving_back(guess: Prediction | None = None, **values: str | int) -> Panel:
    """Eight optimised huge pages are given back while few frames are free, step by step (chapter 10)."""
    return Panel(FILMS["giving_back"], guess, **values)
