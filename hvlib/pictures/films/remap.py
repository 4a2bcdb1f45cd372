"""The remap of 2021, event by event, for a 2 MiB or a 1 GiB page (chapter 6)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from ...mechanism.events import AllocFrames, FlushTlb, FreeFrames, Remap, SetScheme, SplitPmd
from ...mechanism.machine import Machine
from ..fact import Fact
from ..film import Axis, Facts, Film
from ..mapping import PageMap, page_map_of_pool, page_map_portrait, page_map_scene
from ..scene import Scene

_STEPS = 12
_FIRST_REMAP = 4
"""The step that remaps vmemmap page 2; each row after it is a step."""


@dataclass(frozen=True)
class _Moment:
    """What the panel shows after some events, read from the machine."""

    text: str
    shown: PageMap
    frames: int
    read_only: int
    freed: int
    tables: int
    gained: int


@cache
def _history(huge_page: str) -> tuple[Machine, tuple[int, ...]]:
    """The remap of one huge page, and the events after which the panel stops, start included.

    For 1 GiB the 4,094 page-table entries are changed one by one as well; the panel stops after the ones it shows.
    """
    machine = Machine("4 GiB", check=False)
    pool = machine.hugetlb(huge_page)
    start = len(machine.events)
    pool.optimize("tail page", batch=False)
    names = [type(event).__name__ for event in machine.events]
    remaps = [step + 1 for step, name in enumerate(names) if name == "Remap"]
    shown = [*remaps[:4], remaps[-2], remaps[-1]]
    split, first_flush = names.index("SplitPmd") + 1, names.index("FlushTlb") + 1
    table = names.index("AllocFrames") + 1
    return machine, (start, table, split, first_flush, *shown, remaps[-1] + 1, len(names))


@cache
def _moments(huge_page: str) -> tuple[_Moment, ...]:
    """The stops of the panel, in one replay."""
    machine, stops = _history(huge_page)
    found: list[_Moment] = []
    free, born = 0, np.empty(0, np.int64)
    for step, now in enumerate(machine.replay(stops)):
        pool = now.pools[0]
        if not step:
            free, born = now.free_frames, now.vmemmap.frame[list(pool.vmemmap_pages())].astype(np.int64)
        found.append(
            _Moment(
                _step_text(machine, stops, step),
                page_map_of_pool(pool, 0, f"Step {step} of {_STEPS - 1}"),
                pool.distinct_frames(),
                pool.writable().count(False),
                int(now.vmemmap.buddy.contains(born).sum()),
                now.nr_page_tables,
                now.free_frames - free,
            )
        )
    return tuple(found)


def _remap_state(huge_page: str, step: int) -> tuple[Scene, Facts]:
    now = _moments(huge_page)[step]
    scene = page_map_scene(now.shown)
    _touch(scene, len(now.shown.rows))
    scene.alt = f"Step {step} of {_STEPS - 1}. {scene.alt}"
    scene.caption = (
        f"Step {step} of {_STEPS - 1}: {now.text}. {now.frames:,} frames hold this page's struct pages. "
        f"Free frames: {_signed(now.gained)}."
    )
    return scene, {
        "this step": now.text,
        "frames that hold its struct pages": now.frames,
        "entries read-only": now.read_only,
        "frames freed": now.freed,
        "tables of PTEs": now.tables,
        "free frames": Fact(now.gained, _signed),
    }


def _portrait(huge_page: str, step: int) -> Scene:
    shown = _moments(huge_page)[step].shown
    scene = page_map_portrait(shown)
    _touch(scene, len(shown.rows))
    return scene


def _touch(scene: Scene, rows: int) -> None:
    """A page or its entry leads to the step that remaps it, the PMD leaf to the split, a frame to where it is freed."""
    scene.sets("huge", step=0)
    scene.sets("leaf", step=2)
    for row in range(2, rows):
        for name in (f"page{row}", f"entry{row}"):
            scene.sets(name, step=_FIRST_REMAP + row - 2)
        scene.sets(f"frame{row}", step=_STEPS - 1)


def _step_text(machine: Machine, stops: tuple[int, ...], step: int) -> str:
    """What happened between the stop before and this one, in words that fit every size."""
    if step == 0:
        leaves = machine.nr_page_tables
        maps = "one PMD leaf entry maps" if leaves == 1 else f"{leaves} PMD leaf entries map"
        return f"as at boot: {maps} these vmemmap pages; each has a frame of its own"
    first_page = machine.pools[0].vmemmap_pages().start
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


def _signed(count: int) -> str:
    return "as at the start" if count == 0 else f"{abs(count):,} {'more' if count > 0 else 'fewer'} than at the start"


FILM = Film(
    "The remap, as in 5.14 to 5.17 on x86-64",
    (Axis("huge_page", "huge page", ("2 MiB", "1 GiB")), Axis("step", "step", tuple(range(_STEPS)), play=True)),
    _remap_state,
    _portrait,
)
