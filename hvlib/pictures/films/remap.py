"""The remap to page 1, event by event (chapter 6)."""

from __future__ import annotations

from functools import cache

from ...mechanism.events import AllocFrames, FlushTlb, FreeFrames, Remap, SetScheme, SplitPmd
from ...mechanism.machine import Machine
from .. import draw
from ..film import Axis, Facts, Film
from ..scene import Scene

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


def _signed(count: int) -> str:
    return "as at the start" if count == 0 else f"{abs(count):,} {'more' if count > 0 else 'fewer'} than at the start"


FILM = Film(
    "The remap to page 1, as in 5.14 to 5.17 on x86-64",
    (Axis("huge_page", "huge page", ("2 MiB", "1 GiB")), Axis("step", "step", tuple(range(_STEPS)), play=True)),
    _remap_state,
)
