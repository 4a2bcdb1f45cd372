"""The live panels: sliders over a finite set of states, each state drawn once, played in the browser.

A panel is an ipywidget. Its sliders are traits that a cell can set (``panel.huge_page = "1 GiB"``), its `facts` are
the engine's values for the state shown, and its ``repr`` is those facts in words, so that a test that compares
outputs compares numbers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from . import draw, observe, paint, trial
from .errors import BadInput, choose, shown
from .events import AllocFrames, FlushTlb, FreeFrames, Remap, SetScheme, SplitPmd
from .geometry import HugePage
from .machine import Machine
from .scene import Scene
from .units import GiB, TiB, format_size, parse_size

if TYPE_CHECKING:
    from .ask import Prediction

Facts = dict[str, Any]
_STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True)
class Axis:
    """A slider: the trait's name, a label, the values it can take, and how each is written beside it."""

    name: str
    label: str
    values: tuple[str | int, ...]
    texts: tuple[str, ...] = ()
    play: bool = False

    def __post_init__(self) -> None:
        if not self.texts:
            object.__setattr__(self, "texts", tuple(map(str, self.values)))

    def allows(self, value: object) -> bool:
        """Whether the slider can stand there: the same value, of the same type."""
        return type(value) is type(self.values[0]) and value in self.values


@dataclass(frozen=True)
class Film:
    """What a panel can show: its axes, and for each state a scene and the engine's facts."""

    title: str
    axes: tuple[Axis, ...]
    state: Callable[..., tuple[Scene, Facts]]

    def states(self) -> Iterator[dict[str, str | int]]:
        """Every state that the sliders can reach, the last axis fastest."""
        for values in itertools.product(*(axis.values for axis in self.axes)):
            yield dict(zip((axis.name for axis in self.axes), values, strict=True))


class _Choice(traitlets.TraitType[Any, Any]):
    """A trait with a list of allowed values, and a sentence for every other."""

    def __init__(self, axis: Axis) -> None:
        super().__init__(default_value=axis.values[0])
        self.axis = axis

    def validate(self, obj: Any, value: Any) -> Any:
        if not self.axis.allows(value):
            raise choose(self.axis.label, value, self.axis.values)
        return value


class Panel(anywidget.AnyWidget):
    """A film with its sliders. ``set()`` and the traits move it; ``facts`` tells what the engine says there."""

    _esm = _STATIC / "film.js"
    _css = _STATIC / "film.css"
    film = traitlets.Dict().tag(sync=True)
    note = traitlets.Unicode("").tag(sync=True)

    def __init__(self, film: Film, guess: Prediction | None = None, **values: str | int) -> None:
        if guess is not None and not hasattr(guess, "verdict"):
            raise BadInput(
                f"a guess comes from hv.predict(), and {shown(guess)} does not; leave it out or predict first."
            )
        self._film, self._guess = film, guess
        super().__init__(film=_drawn(film))
        self.add_traits(**{axis.name: _Choice(axis).tag(sync=True) for axis in film.axes})
        self.send_state([axis.name for axis in film.axes])
        self.set(**values)
        if guess is not None:
            guess.observe(self._compare, names="value")
            self._compare()

    def set(self, **values: str | int) -> Panel:
        """Move several sliders. Raises `BadInput` for a slider or a value the panel does not have; then none moves."""
        axes = {axis.name: axis for axis in self._film.axes}
        for name, value in values.items():
            if name not in axes:
                raise choose("slider", name, axes)
            if not axes[name].allows(value):
                raise choose(axes[name].label, value, axes[name].values)
        for name, value in values.items():
            setattr(self, name, value)
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        film = self.__dict__.get("_film")
        if film and not name.startswith("_") and not self.has_trait(name) and not hasattr(type(self), name):
            raise choose("slider", name, [axis.name for axis in film.axes])
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
        facts = "\n".join(f"  {name.replace('_', ' ')}: {_plain(value)}" for name, value in self.facts.items())
        return f"{self._film.title}, at {sliders}\n{facts}"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle: Any = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        scene = self.scene
        shown = {**data, "text/plain": repr(self), "image/png": paint.png(scene)}
        return shown, {**(metadata or {}), "image/png": {"alt": scene.alt}}


@cache
def _drawn(film: Film) -> dict[str, Any]:
    scenes = [film.state(**values)[0] for values in film.states()]
    return {
        "title": film.title,
        **paint.film(scenes),
        "alt": [scene.alt for scene in scenes],
        "caption": [scene.caption for scene in scenes],
        "axes": [
            {"name": a.name, "label": a.label, "values": list(a.values), "texts": list(a.texts), "play": a.play}
            for a in film.axes
        ],
    }


def _plain(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(map(_plain, value))
    return str(value)


# --- the panels of the chapters --------------------------------------------------------------------------------------


def memmap(guess: Prediction | None = None, **values: str | int) -> Panel:
    """RAM from 1 GiB to 12 TiB by sizeof(struct page): how much of it describes the rest (chapter 1)."""
    return Panel(FILMS["memmap"], guess, **values)


def address(guess: Prediction | None = None, **values: str | int) -> Panel:
    """A virtual address bit by bit, and the walk to a page of 4 KiB, 2 MiB or 1 GiB (chapter 2)."""
    return Panel(FILMS["address"], guess, **values)


def filling(guess: Prediction | None = None, **values: str | int) -> Panel:
    """Struct pages of a huge page laid into vmemmap pages, by three sizes (chapter 5)."""
    return Panel(FILMS["filling"], guess, **values)


def remap(guess: Prediction | None = None, **values: str | int) -> Panel:
    """The remap of 2021, event by event, for a 2 MiB or a 1 GiB page (chapter 6)."""
    return Panel(FILMS["remap"], guess, **values)


def kernels(guess: Prediction | None = None, **values: str | int) -> Panel:
    """Page-table entries of real kernels, release by release (chapter 11)."""
    return Panel(FILMS["kernels"], guess, **values)


_RAM = tuple(
    format_size(n) for n in (GiB, 4 * GiB, 16 * GiB, 64 * GiB, 256 * GiB, TiB, 2 * TiB, 4 * TiB, 8 * TiB, 12 * TiB)
)


def _memmap_state(memory: str, struct_page: int) -> tuple[Scene, Facts]:
    ram = HugePage("2 MiB", struct_page=struct_page)
    size = parse_size(memory)
    frames = size // ram.base_page
    return draw.memmap(size, struct_page), {
        "page frames": frames,
        "struct pages in all": format_size(frames * struct_page),
        "share of RAM": f"{struct_page}/4096 = {draw.percent(ram.share)}",
    }


def _address_state(page_size: str, bit: int) -> tuple[Scene, Facts]:
    page = None if page_size == "4 KiB" else HugePage(page_size)
    return draw.address(page, bit), {
        "base pages of 4 KiB": page.nr_base_pages if page else 1,
        "order": page.order if page else 0,
        "offset bits": 12 + (page.order if page else 0),
        "this bit is worth": format_size(1 << bit),
        "tables walked": draw.walk(page),
    }


def _filling_state(huge_page: str, base_page: str, struct_page: int) -> tuple[Scene, Facts]:
    try:
        page = HugePage(huge_page, base_page, struct_page)
    except BadInput as why:
        return draw.no_geometry(str(why)), {"impossible": str(why)}
    return draw.filling(page), {
        "struct pages": page.nr_base_pages,
        "memmap": format_size(page.memmap_bytes),
        "vmemmap pages": page.nr_vmemmap_pages,
        "freed in 5.14 to 5.17": page.freed("tail page"),
        "freed since 5.18": page.freed("head page"),
    }


_STEPS = 12


@cache
def _history(huge_page: str) -> tuple[Machine, tuple[int, ...]]:
    """The remap of one huge page, and the events after which the panel stops, start included.

    For 1 GiB the 4,094 page-table entries are changed one by one as well; the panel stops after the ones it shows.
    """
    machine = Machine("4 GiB", check=huge_page == "2 MiB")
    pool = machine.hugetlb(huge_page)
    start = len(machine.events)
    pool.optimize("tail page", batch=False)
    names = [type(event).__name__ for event in machine.events]
    remaps = [step + 1 for step, name in enumerate(names) if name == "Remap"]
    shown = [*remaps[:4], remaps[-2], remaps[-1]]
    split, first_flush = names.index("SplitPmd") + 1, names.index("FlushTlb") + 1
    table = names.index("AllocFrames") + 1
    return machine, (start, table, split, first_flush, *shown, remaps[-1] + 1, len(names))


def _remap_state(huge_page: str, step: int) -> tuple[Scene, Facts]:
    machine, stops = _history(huge_page)
    now, boot = machine.at(stops[step]), machine.at(stops[0])
    pool = now.pools[0]
    text = _step_text(machine, stops, step)
    state = draw.mapping_of(pool, 0, f"Step {step} of {_STEPS - 1}: {text}")
    scene = draw.mapping(state)
    gained = now.free_frames - boot.free_frames
    scene.caption = (
        f"Step {step} of {_STEPS - 1}: {text}. {pool.distinct_frames():,} frames hold this page's struct pages. "
        f"Free frames: {_signed(gained)}."
    )
    born = boot.vmemmap.frame[list(pool.vmemmap_pages())]
    freed = int(now.vmemmap.buddy.contains(born).sum())
    return scene, {
        "this step": text,
        "frames that hold its struct pages": pool.distinct_frames(),
        "entries read-only": pool.writable().count(False),
        "frames freed": freed,
        "tables of PTEs": now.nr_page_tables,
        "free frames": _signed(gained),
    }


def _step_text(machine: Machine, stops: tuple[int, ...], step: int) -> str:
    """What happened between the stop before and this one, in words that fit every size."""
    if step == 0:
        leaves = machine.nr_page_tables
        maps = "one PMD leaf entry maps" if leaves == 1 else f"{leaves} PMD leaf entries map"
        return f"as at boot: {maps} these vmemmap pages; each has a frame of its own"
    first_page = machine.at(stops[0]).pools[0].vmemmap_pages().start
    events = machine.events[stops[step - 1] : stops[step]]
    remaps = [event for event in events if isinstance(event, Remap)]
    splits = [event for event in events if isinstance(event, SplitPmd)]
    if remaps:
        first, last = (int(event.entries[0]) - first_page for event in (remaps[0], remaps[-1]))
        one = first == last
        entries = (
            f"entry of vmemmap page {first:,} is" if one else f"entries of vmemmap pages {first:,} to {last:,} are"
        )
        also = f"; {len(splits)} PMD leaves split" if splits else ""
        return f"the {entries} remapped to frame 1, read-only{also}"
    (event,) = (e for e in events if not isinstance(e, SetScheme))
    if isinstance(event, FreeFrames):
        return f"{len(event.frames):,} frames are freed to the buddy allocator"
    if isinstance(event, FlushTlb):
        last_flush = stops[step - 1] > machine.events.index(next(e for e in machine.events if isinstance(e, Remap)))
        return "the TLB is flushed: " + (
            "nobody can reach the old frames now" if last_flush else "the split is complete"
        )
    return {
        AllocFrames: "one frame is allocated for a page table",
        SplitPmd: "one PMD leaf is split into PTEs, to the same frames",
    }[type(event)]


@cache
def _verdict(release: str) -> str:
    """How many expectations of the model a record meets."""
    findings = trial.judge(observe.recorded(release))
    return f"{sum(finding.holds for finding in findings)} of {len(findings)}"


def _kernels_state(release: str, when: str) -> tuple[Scene, Facts]:
    record = observe.recorded(release)
    state = "on" if "on" in record.states else "off"
    seen, boot = (
        record.entries("2 MiB", moment, state) for moment in ("boot" if when == "at boot" else "live", "boot")
    )
    return draw.record_scene(release, "boot" if when == "at boot" else "live"), {
        "scheme expected": trial.scheme_of_series(record.series).name if state == "on" else "off",
        "who leads where": trial.leads(seen, boot),
        "frames": len(set(seen.frames)),
        "pages that may be written": seen.writable_pages,
        "expectations of the model that hold": _verdict(release),
    }


def _signed(count: int) -> str:
    return "as at the start" if count == 0 else f"{abs(count):,} {'more' if count > 0 else 'fewer'} than at the start"


FILMS: Mapping[str, Film] = {
    "memmap": Film(
        "RAM and its struct pages",
        (
            Axis("memory", "RAM", _RAM),
            Axis(
                "struct_page",
                "struct page",
                (64, 56, 72, 80, 88, 96),
                tuple(f"{n} bytes" for n in (64, 56, 72, 80, 88, 96)),
            ),
        ),
        _memmap_state,
    ),
    "address": Film(
        "A virtual address and its page size",
        (Axis("page_size", "page size", ("4 KiB", "2 MiB", "1 GiB")), Axis("bit", "address bit", tuple(range(48)))),
        _address_state,
    ),
    "filling": Film(
        "Struct pages fill vmemmap pages",
        (
            Axis("huge_page", "huge page", ("2 MiB", "32 MiB", "512 MiB", "1 GiB", "64 KiB")),
            Axis("base_page", "base page", ("4 KiB", "16 KiB", "64 KiB")),
            Axis("struct_page", "struct page", (64, 56, 80, 128), ("64 bytes", "56 bytes", "80 bytes", "128 bytes")),
        ),
        _filling_state,
    ),
    "remap": Film(
        "The remap to page 1, as in 5.14 to 5.17",
        (Axis("huge_page", "huge page", ("2 MiB", "1 GiB")), Axis("step", "step", tuple(range(_STEPS)), play=True)),
        _remap_state,
    ),
    "kernels": Film(
        "Real kernels",
        (Axis("release", "Linux", observe.records()), Axis("when", "when", ("while it lives", "at boot"))),
        _kernels_state,
    ),
}
"""Name -> `Film` of every panel in the book."""
