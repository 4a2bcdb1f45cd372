"""The mail's diagram, computed: which frame each vmemmap page of a huge page shows, through which entries.

A `PageMap` is read from a machine's page table or from a record of a real kernel; one function draws both. Large
numbers of pages are runs, never thousands of boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

from ..kernels import observe
from ..mechanism.machine import Machine, Pool
from ..units import KiB, format_size
from .scene import PORTRAIT, WIDTH, Arrow, Box, Label, Role, Scene
from .words import lines

FrameState = Literal["own", "head", "shared", "held", "freed", "unmapped"]
Entries = Literal["PTE", "PMD leaf", "both"]


@dataclass(frozen=True)
class PageRun:
    """A vmemmap page, or a run of neighbours in the same state: which row of frames it leads to."""

    first: int
    last: int
    target: int
    writable: bool
    entries: Entries = "PTE"


@dataclass(frozen=True)
class PageMap:
    """Vmemmap pages of one huge page, the frames of the picture, and which entry leads where.

    ``frames`` are (label, state) per row of frames: at first the frames the vmemmap pages had at boot, then extra
    ones (a copy of the head's page, a shared tail page). ``leaves`` is how many PMD leaf entries map it at boot.
    """

    title: str
    huge: str
    rows: tuple[PageRun, ...]
    frames: tuple[tuple[str, FrameState], ...]
    leaves: int
    structs_per_page: int = 64
    nr_structs: int = 512


@cache
def _boot_frames(memory: int, base_page: int, struct_page: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The frame of each vmemmap page of such a machine at boot."""
    return Machine(memory, base_page, struct_page, check=False).vmemmap.frame.astype(np.int64)


def page_map_of_pool(pool: Pool, huge_page: int = 0, title: str = "") -> PageMap:
    """The `PageMap` of one huge page of a machine's pool, from its page table and free lists."""
    machine, pages = pool.machine, pool.vmemmap_pages(huge_page)
    boot = _boot_frames(machine.memory, machine.base_page, machine.struct_page)
    born = boot[pages.start : pages.stop].tolist()
    vmemmap = machine.vmemmap
    leaves = slice(pages.start // vmemmap.entries_per_leaf, (pages.stop - 1) // vmemmap.entries_per_leaf + 1)
    is_split = np.repeat(vmemmap.table[leaves] >= 0, vmemmap.entries_per_leaf)
    is_split = is_split[pages.start % vmemmap.entries_per_leaf :][: len(pages)]
    now = pool.frames(huge_page)
    rows, runs = _rows(born, now, pool.writable(huge_page), is_split.tolist())
    frames: list[tuple[str, FrameState]] = []
    for first, last in runs:
        is_head = first == 0 and len(pages) > 1
        frames.append((run_text(first, last), _frame_state(machine, born[first], is_head)))
    known = set(born)
    for frame in dict.fromkeys(now):
        if frame in vmemmap.shared_tails.values():
            frames.append(("one for all", "shared"))
        elif frame not in known:
            frames.append(("new", _frame_state(machine, frame, frame == now[0])))
    return PageMap(
        title,
        format_size(pool.size),
        rows,
        tuple(frames),
        leaves.stop - leaves.start,
        machine.base_page // machine.struct_page,
        pool.nr_base_pages,
    )


def _frame_state(machine: Machine, frame: int, is_head: bool) -> FrameState:
    vmemmap = machine.vmemmap
    if vmemmap.mapcount[frame] > 1:
        return "shared"
    if vmemmap.mapcount[frame] == 1:
        return "head" if is_head else "own"
    return "held" if vmemmap.held[frame] else "freed"


def page_map_of_record(seen: observe.Entries, boot: observe.Entries, title: str) -> PageMap:
    """The `PageMap` of eight vmemmap pages of a real kernel, as ``seen`` and with the frames they had at ``boot``."""
    frames, born = seen.frames, boot.frames
    rows, runs = _rows(born, frames, seen.writable, [row.size == 4 * KiB for row in seen.rows])
    states: list[tuple[str, FrameState]] = []
    for first, last in runs:
        uses = list(frames).count(born[first])
        used: FrameState = "shared" if uses > 1 else "head" if first == 0 else "own"
        states.append((run_text(first, last), used if uses else "unmapped"))
    for frame in dict.fromkeys(frames):
        if frame not in born:
            used = "shared" if list(frames).count(frame) > 1 else "head" if frame == frames[0] else "own"
            states.append(("another", used))
    return PageMap(title, "2 MiB", rows, tuple(states), 1)


def _rows(
    born: Sequence[int], frames: Sequence[int], writable: Sequence[bool], split: Sequence[bool]
) -> tuple[tuple[PageRun, ...], list[tuple[int, int]]]:
    """Rows of a picture of at most eight: the first six pages, a run, and the last."""
    count = len(frames)
    runs = (
        [(n, n) for n in range(count)]
        if count <= 8
        else [*((n, n) for n in range(6)), (6, count - 2), (count - 1, count - 1)]
    )
    place = {frame: row for row, (first, last) in enumerate(runs) for frame in born[first : last + 1]}
    extra = {frame: len(runs) + n for n, frame in enumerate(f for f in dict.fromkeys(frames) if f not in place)}
    rows = tuple(
        PageRun(first, last, (place | extra)[frames[first]], bool(writable[first]), _entries(split[first : last + 1]))
        for first, last in runs
    )
    return rows, runs


def _entries(split: Sequence[bool]) -> Entries:
    return "PTE" if all(split) else "both" if any(split) else "PMD leaf"


# --- the picture ------------------------------------------------------------------------------------------------------

ROW, TOP = 34, 66
_TALL = ROW - 6
_HUGE, _PAGES, _ENTRIES, _FRAMES = (14, 98), (152, 190), (362, 134), (608, 202)
"""Left edge and width of each column."""
_LOOKS: dict[FrameState, tuple[Role, str]] = {
    "own": ("own", "in use"),
    "head": ("head", "in use"),
    "shared": ("shared", "in use, shared"),
    "held": ("void", "not yet free"),
    "freed": ("freed", "free"),
    "unmapped": ("void", "not mapped"),
}


def page_map_scene(state: PageMap) -> Scene:
    """Huge page, vmemmap pages, page-table entries, frames; and what each arrow means.

    The words stand beside the frames that were not there at boot, so that a film of several has no empty rows.
    """
    rows = len(state.rows)
    extra = max(len(state.frames) - rows, 2)
    tall = rows * ROW - 6
    scene = Scene(WIDTH, TOP + max(rows * ROW, 70) + extra * ROW + 10)
    (x, wide), middle = _HUGE, TOP + max(tall, 64) / 2
    if state.title:
        scene.add("title", Label(14, 20, state.title, 14, "left", bold=True))
    scene.add(
        "heads",
        Label(x + wide / 2, 49, "huge page", 13, bold=True),
        Label(_PAGES[0], 49, "vmemmap page", align="left", bold=True),
        Label(sum(_PAGES), 49, "struct pages", align="right"),
        Label(_ENTRIES[0] + _ENTRIES[1] / 2, 49, "page table", 13, bold=True),
        Label(_FRAMES[0] + _FRAMES[1] / 2, 49, "page frames", 13, bold=True),
    )
    scene.add(
        "huge",
        Box(x, TOP, wide, max(tall, 64), "quiet"),
        Label(x + wide / 2, middle - 20, state.huge, 16, bold=True, on="quiet"),
        Label(x + wide / 2, middle + 2, f"{state.nr_structs:,}", on="quiet"),
        Label(x + wide / 2, middle + 18, "base pages", on="quiet"),
    )
    for number, row in enumerate(state.rows):
        _page(scene, number, row, state)
    _page_table(scene, state)
    for number, (name, frame_state) in enumerate(state.frames):
        role, words = _LOOKS[frame_state]
        y = TOP + number * ROW
        scene.add(
            f"frame{number}",
            Box(_FRAMES[0], y, _FRAMES[1], _TALL, role),
            Label(_FRAMES[0] + 9, y + _TALL / 2, name, 13, "left", bold=True, on=role),
            Label(sum(_FRAMES) - 9, y + _TALL / 2, words, align="right", on=role),
        )
    for number, row in enumerate(state.rows):
        mine = (f"{what}{number}" for what in ("page", "arithmetic", "entry", "arrow"))
        scene.tie(*mine, "leaf", f"frame{row.target}")
    low = TOP + max(rows * ROW, 70)
    scene.add(
        "key",
        *_meant(14, low + 22, "arithmetic", "arithmetic"),
        *_meant(152, low + 22, "own", "writable entry"),
        *_meant(362, low + 22, "remapped", "read-only entry"),
        Box(14, low + 46, 34, 16, "freed"), Label(56, low + 54, "given back", align="left"),
        Box(152, low + 46, 34, 16, "level"), Label(194, low + 54, "PMD leaf", align="left"),
        Box(270, low + 46, 34, 16, "table"), Label(312, low + 54, "PTE, writable", align="left"),
        Box(420, low + 46, 34, 16, "readonly"), Label(462, low + 54, "PTE, read-only", align="left"),
    )  # fmt: skip
    scene.alt = f"{state.huge} huge page. " + " ".join(_told(row, state) for row in state.rows)
    scene.caption = state.title
    return scene


def _meant(x: float, y: float, role: Any, words: str) -> tuple[Arrow, Label]:
    return Arrow(x, y, x + 34, y, role), Label(x + 42, y, words, align="left")


def _page(scene: Scene, number: int, row: PageRun, state: PageMap) -> None:
    """A row of vmemmap pages, and the arithmetic that leads to it from its part of the huge page."""
    (x, wide), y = _PAGES, TOP + number * ROW
    scene.add(f"arithmetic{number}", Arrow(sum(_HUGE), y + _TALL / 2, x - 1, y + _TALL / 2, "arithmetic"))
    scene.add(
        f"page{number}",
        *_with_head(Box(x, y, wide, _TALL, "plain"), row),
        Label(x + 16, y + _TALL / 2, run_text(row.first, row.last), 13, "left", bold=True),
        Label(x + wide - 8, y + _TALL / 2, _structs(row, state), align="right"),
    )


def _with_head(page: Box, row: PageRun) -> tuple[Box, ...]:
    """A page of tails, before which in the first one stands the head: one of 64, wide enough to be seen."""
    return (page, Box(page.x, page.y, 8, page.height, "head")) if row.first == 0 else (page,)


def _page_table(scene: Scene, state: PageMap) -> None:
    """The entries, before the split as one, and where each leads."""
    x, wide = _ENTRIES
    tall = len(state.rows) * ROW - 6
    whole = all(row.entries == "PMD leaf" for row in state.rows)
    if whole:
        one, middle = state.leaves == 1, TOP + tall / 2
        lines = ["one PMD" if one else f"{state.leaves} PMD", "leaf entry" if one else "leaf entries", "writable"]
        lines = lines if tall > 60 else ["PMD leaf"]
        scene.add(
            "leaf",
            Box(x, TOP, wide, tall, "level"),
            *(Label(x + wide / 2, middle + 20 * (n - (len(lines) - 1) / 2), line, 13, on="level")
              for n, line in enumerate(lines)),
        )  # fmt: skip
    for number, row in enumerate(state.rows):
        y = TOP + number * ROW
        if not whole:
            role: Role = "level" if row.entries == "PMD leaf" else "table" if row.writable else "readonly"
            may = "writable" if row.writable else "read-only"
            kind = "PTE" if row.first == row.last else "PTEs"
            words = {"PTE": f"{kind}, {may}", "PMD leaf": f"PMD leaf, {may}", "both": "PTEs, PMD leaves"}[row.entries]
            scene.add(
                f"entry{number}", Box(x, y, wide, _TALL, role), Label(x + wide / 2, y + _TALL / 2, words, on=role)
            )
        tip = TOP + row.target * ROW + _TALL / 2
        scene.add(
            f"arrow{number}",
            Arrow(x + wide, y + _TALL / 2, _FRAMES[0] - 2, tip, "own" if row.writable else "remapped"),
        )


TALL_TOP, _TALL_PAGES, _TALL_ENTRIES, _TALL_FRAMES = 104, (2, 88), (122, 88), (250, 88)
"""For a phone: where the rows begin, left edge and width of each column."""


def page_map_portrait(state: PageMap) -> Scene:
    """The same for a phone: the huge page lies above its vmemmap pages, and colours say what words say beside it."""
    rows, tall = len(state.rows), len(state.rows) * ROW - 6
    extra = max(len(state.frames) - rows, 2)
    low = TALL_TOP + max(rows * ROW, 70) + extra * ROW
    scene = Scene(PORTRAIT, low + 104)
    scene.add("title", *lines(2, 12, state.title, 46, bold=True))
    scene.add(
        "huge",
        Box(2, 40, PORTRAIT - 4, 28, "quiet"),
        Label(PORTRAIT / 2, 54, f"{state.huge} page: {state.nr_structs:,} base pages", 13, bold=True, on="quiet"),
    )
    for (x, wide), name in ((_TALL_PAGES, "vmemmap"), (_TALL_ENTRIES, "page table"), (_TALL_FRAMES, "frames")):
        scene.add("heads", Label(x + wide / 2, 90, name, bold=True))
    for number, row in enumerate(state.rows):
        box, number_of_page = _tall_box(_TALL_PAGES, number, run_text(row.first, row.last), "plain")
        scene.add(f"page{number}", *_with_head(box, row), number_of_page)
    whole = all(row.entries == "PMD leaf" for row in state.rows)
    x, wide = _TALL_ENTRIES
    if whole:
        count = "one PMD leaf" if state.leaves == 1 else f"{state.leaves} leaves"
        scene.add(
            "leaf", Box(x, TALL_TOP, wide, tall, "level"),
            Label(x + wide / 2, TALL_TOP + tall / 2, count, on="level"),
        )  # fmt: skip
    for number, row in enumerate(state.rows):
        if not whole:
            role: Role = "level" if row.entries == "PMD leaf" else "table" if row.writable else "readonly"
            words = {"PTE": "writable" if row.writable else "read-only", "PMD leaf": "PMD leaf", "both": "some split"}
            scene.add(f"entry{number}", *_tall_box(_TALL_ENTRIES, number, words[row.entries], role))
        y = TALL_TOP + number * ROW + _TALL / 2
        tip = TALL_TOP + row.target * ROW + _TALL / 2
        scene.add(f"arithmetic{number}", Arrow(sum(_TALL_PAGES), y, x - 1, y, "arithmetic"))
        scene.add(f"arrow{number}", Arrow(x + wide, y, _TALL_FRAMES[0] - 2, tip, "own" if row.writable else "remapped"))
    for number, (name, frame_state) in enumerate(state.frames):
        role, _ = _LOOKS[frame_state]
        scene.add(f"frame{number}", *_tall_box(_TALL_FRAMES, number, name, role))
    for number, row in enumerate(state.rows):
        mine = (f"{what}{number}" for what in ("page", "arithmetic", "entry", "arrow"))
        scene.tie(*mine, "leaf", f"frame{row.target}")
    recorded = any(frame_state == "unmapped" for _, frame_state in state.frames)
    keys: tuple[tuple[Role, str], ...] = (
        ("level", "PMD leaf"), ("table", "PTE, writable"), ("readonly", "PTE, read-only"),
        ("head", "the head's"), ("own", "in use"), ("shared", "in use, shared"),
        ("freed", "given back"), ("void", "not mapped" if recorded else "not yet free"),
    )  # fmt: skip
    for number, (key, words_of_key) in enumerate(keys):
        left, y = (2, 106, 220)[number % 3], low + 18 + 26 * (number // 3)
        scene.add("key", Box(left, y - 8, 16, 16, key), Label(left + 22, y, words_of_key, align="left"))
    return scene


def _tall_box(column: tuple[int, int], number: int, text: str, role: Role) -> tuple[Box, Label]:
    (x, wide), y = column, TALL_TOP + number * ROW
    return Box(x, y, wide, _TALL, role), Label(x + wide / 2, y + _TALL / 2, text, on=role)


def _told(row: PageRun, state: PageMap) -> str:
    pages = f"Vmemmap pages {row.first} to {row.last}" if row.last > row.first else f"Vmemmap page {row.first}"
    name, _ = state.frames[row.target]
    own = row.target < len(state.rows) and state.rows[row.target] is row
    where = {
        "new": "a new frame",
        "another": "another frame",
        "one for all": "the page of tails shared by all huge pages",
    }.get(name, f"frame {name}")
    if own and row.last > row.first:
        where = "their own frames"
    return f"{pages}: {where}, {'writable' if row.writable else 'read-only'}."


def _structs(row: PageRun, state: PageMap) -> str:
    end = min((row.last + 1) * state.structs_per_page, state.nr_structs)
    return f"{row.first * state.structs_per_page:,} – {end - 1:,}"


def run_text(first: int, last: int) -> str:
    """Numbers of a run of pages, or of one."""
    return f"{first:,}" if first == last else f"{first:,} … {last:,}"


def record_scene(release: str, when: str = "live") -> Scene:
    """One 2 MiB page as a real kernel's page table had it, at ``"boot"`` or while it was ``"live"``."""
    state, moment = _record(release, when)
    scene = page_map_scene(state)
    scene.caption = f"{observe.recorded(release).origin}: {moment}."
    return scene


def record_portrait(release: str, when: str = "live") -> Scene:
    """The same for a phone."""
    return page_map_portrait(_record(release, when)[0])


def _record(release: str, when: str) -> tuple[PageMap, str]:
    kernel = observe.recorded(release)
    state = "on" if "on" in kernel.states else "off"
    seen, boot = (kernel.entries("2 MiB", moment, state) for moment in (when, "boot"))
    moment = "at boot" if when == "boot" else "a 2 MiB page, optimisation on" if state == "on" else "a 2 MiB page"
    return page_map_of_record(seen, boot, f"Linux {release}, {moment}: the entries as recorded"), moment
