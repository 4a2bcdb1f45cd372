"""The remap of 2021, event by event, for a 2 MiB or a 1 GiB page (chapter 6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from ...mechanism.events import AllocFrames, FlushTlb, FreeFrames, Remap, SetScheme, SplitPmd
from ...mechanism.machine import Machine
from ...units import quantity
from ..fact import Fact
from ..film import Axis, Facts, Film
from ..mapping import (
    ROW,
    TALL_TOP,
    TOP,
    PageMap,
    PageRun,
    page_map_of_pool,
    page_map_portrait,
    page_map_scene,
    run_text,
)
from ..scene import Arrow, Box, Label, Role, Scene, Shape

_STEPS = 12
_FIRST_REMAP = 4
"""The step that remaps vmemmap page 2; each row after it is a step."""


Held = Literal["nothing", "as it is", "old"]


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
    tlb: tuple[Held, ...]
    """For each row what the processors' TLBs may hold of it."""


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
    flushed: tuple[PageRun, ...] = ()
    free, born = 0, np.empty(0, np.int64)
    for step, now in enumerate(machine.replay(stops)):
        pool = now.pools[0]
        if not step:
            free, born = now.free_frames, now.vmemmap.frame[list(pool.vmemmap_pages())].astype(np.int64)
        shown = page_map_of_pool(pool, 0, f"Step {step} of {_STEPS - 1}")
        flush = step > 0 and isinstance(machine.events[stops[step] - 1], FlushTlb)
        flushed = shown.rows if flush or not step else flushed
        found.append(
            _Moment(
                _step_text(machine, stops, step),
                shown,
                pool.distinct_frames(),
                pool.writable().count(False),
                int(now.vmemmap.buddy.contains(born).sum()),
                now.nr_page_tables,
                now.free_frames - free,
                tuple(
                    "nothing" if flush else "as it is" if row == then else "old"
                    for row, then in zip(shown.rows, flushed, strict=True)
                ),
            )
        )
    return tuple(found)


def _remap_state(huge_page: str, step: int) -> tuple[Scene, Facts]:
    now = _moments(huge_page)[step]
    scene = page_map_scene(now.shown)
    rows = len(now.shown.rows)
    top = scene.height + 8
    scene.height += 62
    _beside(scene, now, (496, 606), (608, 202, TOP + rows * ROW))
    scene.add(
        "TLBs",
        Label(14, top + 8, "what TLBs may hold", align="left", bold=True),
        *_keys(((196, "quiet", "as it is"), (296, "unlike", "an older entry"), (436, "void", "nothing")), top + 8),
    )
    _held(scene, now, 152, 42, top + 24)
    scene.add(
        "key", Arrow(_KEY, TOP + 326, _KEY + 34, TOP + 326, "stale"), Label(_KEY + 42, TOP + 326, _STALE, align="left")
    )
    _touch(scene, rows)
    scene.alt = f"Step {step} of {_STEPS - 1}. {scene.alt} {_tables_text(now)} {_tlb_text(now)}"
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
    now = _moments(huge_page)[step]
    scene = page_map_portrait(now.shown)
    rows, top = len(now.shown.rows), scene.height
    scene.height += 92
    _beside(scene, now, (210, 248), (250, 88, TALL_TOP + rows * ROW))
    scene.add("TLBs", Label(2, top + 8, "what TLBs may hold", align="left", bold=True))
    _held(scene, now, 2, 42, top + 20)
    scene.add(
        "TLBs", *_keys(((2, "quiet", "as it is"), (98, "unlike", "older entry"), (220, "void", "nothing")), top + 60)
    )
    scene.add("key", Arrow(2, top + 84, 32, top + 84, "stale"), Label(38, top + 84, _STALE, align="left"))
    _touch(scene, rows)
    return scene


_KEY, _STALE = 590, "old, still in a TLB"
_LOOKS: dict[Held, Role] = {"nothing": "void", "as it is": "quiet", "old": "unlike"}


def _keys(entries: Sequence[tuple[float, Role, str]], y: float) -> Iterator[Shape]:
    for x, role, words in entries:
        yield Box(x, y - 8, 16, 16, role)
        yield Label(x + 22, y, words, align="left")


def _beside(scene: Scene, now: _Moment, gap: tuple[float, float], place: tuple[float, float, float]) -> None:
    """The page table's own frame, below the frames; and where old entries lead that a TLB may still hold."""
    x, wide, y = place
    tables = (
        "a page table" if now.tables == 1 else f"{now.tables} tables" if wide < 100 else f"{now.tables} page tables"
    )
    role: Role = "table" if now.tables else "freed"
    scene.add(
        "page table",
        Box(x, y, wide, ROW - 6, role),
        Label(x + wide / 2, y + ROW / 2 - 3, tables if now.tables else "free", bold=bool(now.tables), on=role),
    )
    top = y - len(now.tlb) * ROW + ROW / 2 - 3
    for row, held in enumerate(now.tlb):
        if held == "old" and now.shown.rows[row].target != row:
            at = top + row * ROW
            scene.add(f"old{row}", Arrow(gap[0], at, gap[1], at, "stale"))


def _held(scene: Scene, now: _Moment, x: float, pitch: float, y: float) -> None:
    """A cell for each row of vmemmap pages: what the processors' TLBs may hold of it."""
    for row, held in enumerate(now.tlb):
        run, left = now.shown.rows[row], x + row * pitch
        text = run_text(run.first, run.last) if run.first == run.last else "…"
        role = _LOOKS[held]
        scene.add(f"tlb{row}", Box(left, y, pitch - 4, 24, role), Label(left + pitch / 2 - 2, y + 12, text, on=role))


def _tables_text(now: _Moment) -> str:
    return "A frame is still free." if not now.tables else f"{quantity(now.tables, 'frame')} for page tables."


def _tlb_text(now: _Moment) -> str:
    old = now.tlb.count("old")
    if "nothing" in now.tlb:
        return "TLBs hold nothing of it: they were just flushed."
    return f"TLBs may hold older entries of {old} of {len(now.tlb)} rows." if old else "TLBs hold what the entries say."


def _touch(scene: Scene, rows: int) -> None:
    """A page or its entry leads to the step that remaps it, the PMD leaf to the split, a frame to where it is freed."""
    scene.sets("huge", step=0)
    scene.sets("page table", step=1)
    scene.sets("leaf", step=2)
    for row in range(2):
        scene.sets(f"tlb{row}", step=3)
    for row in range(2, rows):
        for name in (f"page{row}", f"entry{row}", f"tlb{row}"):
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
