"""States become scenes: what the pictures of the book show, with caption and alt text from the same state.

Every function here takes a state of the engine, or plain rows read from a real kernel, and computes nothing but
places on the page. Large numbers of things are drawn as runs, never as thousands of boxes.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import log10
from typing import Any, Literal

import numpy as np

from ..arithmetic.geometry import HugePage
from ..errors import instance_of
from ..facts.schemes import SCHEMES
from ..kernels import observe
from ..kernels.costs import COSTS
from ..mechanism.machine import Machine, Pool
from ..units import KiB, about, format_size, quantity
from . import outputs, paint
from .scene import Arrow, Box, Label, Line, Role, Scene


class Picture:
    """A scene that shows itself in a notebook, with its alt text for those who cannot see it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        data = {
            "text/plain": repr(self),
            "image/svg+xml": paint.svg(self.scene),
            "image/png": paint.png(self.scene),
            **outputs.bundle(outputs.PictureShown(self.scene.caption, self.scene.alt)),
        }
        return data, {"image/png": {"alt": self.scene.alt}}

    def __repr__(self) -> str:
        return f"{self.scene.caption}\n{self.scene.alt}"


# --- one struct page per frame --------------------------------------------------------------------------------------


def memmap(memory: int, struct_page: int, base_page: int = 4 * KiB) -> Scene:
    """RAM as 64 squares of equal size, and how much of it is struct pages."""
    share = Fraction(struct_page, base_page)
    frames = memory // base_page
    scene = Scene(760, 296)
    scene.add(
        "frame",
        Label(90, 22, "one page frame", bold=True),
        Box(20, 60, 140, 140, "own"),
        Label(90, 130, format_size(base_page), 12, on="own"),
    )
    side = 140 * float(share) ** 0.5
    scene.add("twin", Box(196, 60, side, side, "head"))
    scene.add(
        "twin text",
        Label(196 + side / 2, 22, "its struct page", bold=True),
        Label(196 + side / 2, 40, f"{struct_page} bytes"),
    )
    scene.add("arrow", Arrow(160, 60 + side / 2, 195, 60 + side / 2, "arithmetic"))
    scene.add("scale", Label(20, 222, "areas to scale", 9, "left"))
    scene.add("ram text", Label(390, 22, f"all RAM: {format_size(memory)}", bold=True))
    cell, left, top = 20, 310, 40
    for number in range(64):
        x, y = left + number % 8 * cell, top + number // 8 * cell
        filled = min(max(float(share * 64) - number, 0), 1)
        shapes = [Box(x, y, cell, cell, "own")]
        if filled:
            shapes.append(Box(x, y, cell * filled, cell, "head"))
        scene.add(f"cell{number}", *shapes)
    scene.add("cell text", Label(390, 222, f"each square is {format_size(memory // 64)}", 9))
    total = frames * struct_page
    lines = (
        ("page frames", f"{frames:,}"),
        ("bytes per struct page", f"{struct_page}"),
        ("struct pages in all", about(total)),
        ("share of RAM", percent(share)),
    )
    for row, (name, value) in enumerate(lines):
        y = 60 + 44 * row
        scene.add(f"name{row}", Label(506, y, name, 10, "left"))
        scene.add(f"value{row}", Label(740, y, value, 15, "right", bold=True))
    scene.add("rules", *(Line(506, 82 + 44 * row, 740, 82 + 44 * row) for row in range(3)))
    scene.add(
        "key",
        Box(20, 258, 14, 14, "own"),
        Label(40, 265, "memory to use", 9, "left"),
        Box(150, 258, 14, 14, "head"),
        Label(170, 265, "struct pages (the memmap)", 9, "left"),
    )
    scene.caption = (
        f"{format_size(memory)} of RAM is {frames:,} page frames; at {struct_page} bytes each their struct pages take "
        f"{about(total)}, {percent(share)} of it."
    )
    scene.alt = (
        f"A page frame of {format_size(base_page)} beside its struct page of {struct_page} bytes, to scale. RAM of "
        f"{format_size(memory)} as 64 squares, of which {float(share * 64):.3g} are filled by struct pages."
    )
    return scene


# --- page-table levels ----------------------------------------------------------------------------------------------

LEVELS = (("PGD", 39), ("PUD", 30), ("PMD", 21), ("PTE", 12))
"""x86-64 page-table levels with 4-level paging, and the lowest address bit that selects an entry of each."""


def address(page: HugePage | None, bit: int) -> Scene:
    """The 48 bits of a virtual address, split as the walk splits them, and the walk itself down to the leaf.

    ``page`` is the huge page the walk ends in, or `None` for a base page of 4 KiB.
    """
    size = page.size if page else 4 * KiB
    offset_bits = size.bit_length() - 1
    fields = [(name, low) for name, low in LEVELS if low >= offset_bits]
    scene = Scene(760, 280)
    scene.add("title", Label(380, 16, "a 48-bit virtual address, bit by bit", 10, bold=True))
    width, left, top = 15.0, 20.0, 44
    field_of = [next((name for name, low in fields if number >= low), "offset") for number in range(48)]
    field_of = [name if number >= offset_bits else "offset" for number, name in enumerate(field_of)]
    roles: dict[str, Role] = {"PGD": "quiet", "PUD": "level", "PMD": "table", "PTE": "own", "offset": "plain"}
    for number in range(47, -1, -1):
        x = left + (47 - number) * width
        scene.add(f"bit{number}", Box(x, top, width, 24, roles[field_of[number]]))
    highs = [48, *(low for _, low in fields)]
    for (name, low), high in zip(fields, highs, strict=False):
        middle = left + (48 - (high + low) / 2) * width
        scene.add(f"field {name}", Label(middle, 80, f"{name} index", 9), Label(middle, 93, f"{high - low} bits", 9))
    middle = left + (48 - offset_bits / 2) * width
    scene.add("field offset", Label(middle, 80, "offset in the page", 9), Label(middle, 93, f"{offset_bits} bits", 9))
    x = left + (47 - bit) * width
    scene.add("bit", Box(x - 1, top - 4, width + 2, 32, "mark"), Label(x + width / 2, top + 12, str(bit), 8, on="mark"))
    step = 112
    for number, (name, low) in enumerate(LEVELS):
        x = 20 + number * step
        used = low >= offset_bits
        upper, lower = (152, 170) if used else (147, 180)  # the walk passes between the words
        scene.add(
            f"table {name}",
            Box(x, 130, 84, 66, roles[name] if used else "void"),
            Label(x + 42, upper, f"{name} table" if used else "skipped", 10, on=roles[name] if used else None),
            Label(x + 42, lower, "512 entries" if used else f"(no {name})", 9, on=roles[name] if used else None),
        )
        if used:
            leaf = low == offset_bits
            scene.add(f"walk {name}", Arrow(x + 84, 163, 20 + 4 * step if leaf else x + step, 163, "own"))
    scene.add(
        "page",
        Box(20 + 4 * step, 118, 250, 90, "head"),
        Label(145 + 4 * step, 145, f"{format_size(size)} page", 13, bold=True, on="head"),
        Label(145 + 4 * step, 168, f"2{_raised(offset_bits)} bytes", 10, on="head"),
        Label(145 + 4 * step, 186, f"{quantity(size // (4 * KiB), 'base page')} of 4 KiB", 10, on="head"),
    )
    skipped = len(LEVELS) - len(fields)
    product = " x ".join(["512"] * skipped)
    scene.add("sum", Label(20, 236, _sum_of(skipped, product, size), 10, "left"))
    if field_of[bit] == "offset":
        meaning = f"bit {bit} belongs to the offset: setting it moves {format_size(1 << bit)} on inside the page"
    else:
        low = dict(LEVELS)[field_of[bit]]
        entries = 1 << (bit - low)
        meaning = (
            f"bit {bit} belongs to the {field_of[bit]} index: setting it moves {entries} "
            f"entr{'y' if entries == 1 else 'ies'} on in that table, {format_size(1 << bit)} further"
        )
    scene.add(
        "why",
        Label(
            20,
            260,
            "The offset can only end where an index begins: after 12, 21 or 30 bits. There is no size between.",
            10,
            "left",
        ),
    )
    scene.caption = f"A walk for a {format_size(size)} page reads {walk(page)}, then the page is found; {meaning}."
    scene.alt = (
        f"48 address bits: {', '.join(f'{name} index from bit {low}' for name, low in fields)}, and {offset_bits} bits "
        f"of offset. Below, the tables {walk(page)}, then a page of {format_size(size)}, "
        f"{size // (4 * KiB):,} base pages. Bit {bit} is marked."
    )
    return scene


def walk(page: HugePage | None) -> str:
    """The tables that a walk down to a page of this size reads, in order."""
    return ", ".join(name for name, low in LEVELS if 1 << low >= (page.size if page else 4 * KiB))


def _sum_of(skipped: int, product: str, size: int) -> str:
    if not skipped:
        return "No level is skipped: the leaf is a PTE, and the page is one base page."
    levels = "One level is" if skipped == 1 else "Two levels are"
    return f"{levels} skipped, a factor of {product}: {size // (4 * KiB):,} base pages in one {format_size(size)} page."


# --- struct pages fill vmemmap pages ----------------------------------------------------------------------------------


def filling(page: HugePage) -> Scene:
    """The struct pages of one huge page, laid into vmemmap pages, and how many each scheme can give back."""
    scene = Scene(760, 318)
    count = page.nr_vmemmap_pages
    scene.add(
        "equation",
        Label(
            380,
            22,
            f"{page.nr_base_pages:,} struct pages x {page.struct_page} bytes = "
            f"{format_size(page.memmap_bytes)} = {quantity(count, 'page')} of {format_size(page.base_page)}",
            13,
            bold=True,
        ),
    )
    scene.add(
        "huge",
        Box(20, 60, 120, 170, "quiet"),
        Label(80, 118, format_size(page.size), 14, bold=True, on="quiet"),
        Label(80, 140, "huge page", 10, on="quiet"),
        Label(80, 168, f"{page.nr_base_pages:,}", 10, on="quiet"),
        Label(80, 183, "base pages", 9, on="quiet"),
    )
    scene.add("to", Arrow(141, 145, 204, 145, "arithmetic"), Label(172, 133, "pfn_to_page", 7.5))
    boxes = _vmemmap_boxes(page)
    height = 170 / max(len(boxes), 8)
    scene.add(
        "head text", Label(318, 50, "vmemmap pages", 10, bold=True), Label(440, 50, "struct pages in it", 9, "left")
    )
    for row, (name, first, last, filled) in enumerate(boxes):
        y = 60 + row * height
        kept = name == "0"
        role: Role = "head" if kept else "plain"
        shapes: list[Box | Label] = [Box(206, y, 224, height - 2, "void")] if filled < 1 else []
        shapes.append(Box(206, y, 224 * filled, height - 2, role))
        middle = 206 + 112 * filled if filled >= 0.4 else 206 + 224 * filled + 14
        shapes.append(Label(middle, y + height / 2 - 1, name, 9, on=role if filled >= 0.4 else None))
        shapes.append(
            Label(440, y + height / 2 - 1, f"{first:,}" if first == last else f"{first:,} to {last:,}", 9, "left")
        )
        scene.add(f"row{row}", *shapes)
    for row, (name, scheme) in enumerate((("5.14 to 5.17", "tail page"), ("since 5.18", "head page"))):
        freed = page.freed(scheme)
        y = 70 + 84 * row
        scene.add(
            f"scheme{row}",
            Box(584, y, 156, 70, "freed" if freed else "void"),
            Label(662, y + 15, f"{name}: freed", 9, on="freed" if freed else None),
            Label(662, y + 36, f"{freed:,}", 16, bold=True, on="freed" if freed else None),
            Label(662, y + 56, f"of {quantity(count, 'frame')}", 9, on="freed" if freed else None),
        )
    reason = page.obstacle("head page")
    scene.add("law", Label(20, 262, _law(page), 10, "left"))
    scene.add("reason", *(Label(20, 284 + 16 * n, line, 10, "left") for n, line in enumerate(_wrapped(reason))))
    scene.caption = (
        f"The {page.nr_base_pages:,} struct pages of a {format_size(page.size)} page fill "
        f"{quantity(count, 'page')} of {format_size(page.base_page)}; "
        + (
            f"{page.freed('tail page'):,} frames could be freed in 5.14, {page.freed('head page'):,} since 5.18."
            if not reason
            else "no frame can be freed."
        )
    )
    scene.alt = (
        f"A huge page of {format_size(page.size)} on the left; its {page.nr_base_pages:,} struct pages of "
        f"{page.struct_page} bytes fill {quantity(count, 'page')}, in {len(boxes)} rows. {reason or ''}".strip()
    )
    return scene


def no_geometry(reason: str) -> Scene:
    """The picture in place of `filling` where there is nothing to draw: the sentence that says why."""
    scene = Scene(760, 318)
    reason = reason[0].upper() + reason[1:]
    scene.add("equation", Label(380, 22, "not a huge page", 13, bold=True))
    scene.add("reason", *(Label(380, 130 + 18 * n, line, 11) for n, line in enumerate(_wrapped(reason, 90))))
    scene.caption = scene.alt = reason
    return scene


def _law(page: HugePage) -> str:
    if page.size == page.base_page * page.base_page // 8:
        return (
            f"This huge page is one page table's worth of base pages, so the count is just "
            f"{page.struct_page} / 8 = {quantity(Fraction(page.struct_page, 8), 'page')}, whatever the base page."
        )
    return (
        f"Count = (huge page / base page) x struct page / base page = "
        f"{page.nr_base_pages:,} x {page.struct_page} / {page.base_page:,}."
    )


def _vmemmap_boxes(page: HugePage) -> list[tuple[str, int, int, float]]:
    """Rows to draw: name, first and last struct page that begins in it, share of the page that is used."""
    total = -(-page.memmap_bytes // page.base_page)

    def row(name: str, first: int, last: int) -> tuple[str, int, int, float]:
        begin = -(-first * page.base_page // page.struct_page)
        end = min(-(-(last + 1) * page.base_page // page.struct_page), page.nr_base_pages) - 1
        used = min(page.memmap_bytes - last * page.base_page, page.base_page) / page.base_page
        return name, begin, end, used

    if total <= 12:
        return [row(str(n), n, n) for n in range(total)]
    run = f"1 … {total - 2:,}  ({total - 2:,} pages)"
    return [row("0", 0, 0), row(run, 1, total - 2), row(f"{total - 1:,}", total - 1, total - 1)]


# --- which frame each vmemmap page shows ------------------------------------------------------------------------------

FrameState = Literal["own", "head", "shared", "held", "freed", "unmapped"]


@dataclass(frozen=True)
class Row:
    """A vmemmap page, or a run of neighbours in the same state: which row of frames it leads to."""

    first: int
    last: int
    target: int
    writable: bool
    entries: Literal["PTE", "PMD leaf", "both"] = "PTE"


@dataclass(frozen=True)
class Mapping:
    """Vmemmap pages of one huge page, the frames of the picture, and which entry leads where.

    ``frames`` are (label, state) per row of frames: at first the frames the vmemmap pages had at boot, then extra
    ones (a copy of the head's page, a shared tail page). ``leaves`` is how many PMD leaf entries map it at boot.
    """

    title: str
    huge: str
    rows: tuple[Row, ...]
    frames: tuple[tuple[str, FrameState], ...]
    leaves: int
    structs_per_page: int = 64
    nr_structs: int = 512


def mapping_of(pool: Pool, huge_page: int = 0, title: str = "") -> Mapping:
    """The `Mapping` of one huge page of a machine's pool, from its page table and free lists."""
    machine, pages = pool.machine, pool.vmemmap_pages(huge_page)
    boot = Machine(machine.memory, machine.base_page, machine.struct_page, check=False).vmemmap
    born = boot.frame[pages.start : pages.stop].tolist()
    vmemmap = machine.vmemmap
    leaves = slice(pages.start // vmemmap.entries_per_leaf, (pages.stop - 1) // vmemmap.entries_per_leaf + 1)
    is_split = np.repeat(vmemmap.table[leaves] >= 0, vmemmap.entries_per_leaf)
    is_split = is_split[pages.start % vmemmap.entries_per_leaf :][: len(pages)]
    rows, runs = _rows(born, pool.frames(huge_page), pool.writable(huge_page), is_split.tolist())
    frames: list[tuple[str, FrameState]] = []
    for first, last in runs:
        mine = born[first]
        frames.append(
            (_run_text(first, last), _frame_state(machine, mine, first == 0 and pool.page.nr_vmemmap_pages > 1))
        )
    now = pool.frames(huge_page)
    for frame in dict.fromkeys(now):
        if frame in vmemmap.shared_tails.values():
            frames.append(("one for all", "shared"))
        elif frame not in born:
            frames.append(("new", _frame_state(machine, frame, frame == now[0])))
    return Mapping(
        title,
        format_size(pool.page.size),
        rows,
        tuple(frames),
        leaves.stop - leaves.start,
        machine.base_page // machine.struct_page,
        pool.page.nr_base_pages,
    )


def _frame_state(machine: Machine, frame: int, is_head: bool) -> FrameState:
    vmemmap = machine.vmemmap
    if vmemmap.mapcount[frame] > 1:
        return "shared"
    if vmemmap.mapcount[frame] == 1:
        return "head" if is_head else "own"
    return "held" if vmemmap.held[frame] else "freed"


def mapping_of_record(seen: observe.Entries, boot: observe.Entries, title: str) -> Mapping:
    """The `Mapping` of eight vmemmap pages of a real kernel, as ``seen`` and with the frames they had at ``boot``."""
    frames, born = seen.frames, boot.frames
    rows, runs = _rows(born, frames, seen.writable, [row.size == 4 * KiB for row in seen.rows])
    states: list[tuple[str, FrameState]] = []
    for first, last in runs:
        uses = list(frames).count(born[first])
        used: FrameState = "shared" if uses > 1 else "head" if first == 0 else "own"
        states.append((_run_text(first, last), used if uses else "unmapped"))
    for frame in dict.fromkeys(frames):
        if frame not in born:
            used = "shared" if list(frames).count(frame) > 1 else "head" if frame == frames[0] else "own"
            states.append(("another", used))
    return Mapping(title, "2 MiB", rows, tuple(states), 1)


def _rows(
    born: Sequence[int], frames: Sequence[int], writable: Sequence[bool], split: Sequence[bool]
) -> tuple[tuple[Row, ...], list[tuple[int, int]]]:
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
        Row(first, last, (place | extra)[frames[first]], bool(writable[first]), _entries(split[first : last + 1]))
        for first, last in runs
    )
    return rows, runs


def _entries(split: Sequence[bool]) -> Literal["PTE", "PMD leaf", "both"]:
    return "PTE" if all(split) else "both" if any(split) else "PMD leaf"


ROW, TOP = 33, 62


def mapping(state: Mapping, room: int = 0) -> Scene:
    """The mail's diagram, computed: huge page, vmemmap pages, page-table entries, frames.

    ``room`` is for how many frames that were not there at boot there is space at least, in a film of several.
    """
    extra = max(len(state.frames) - len(state.rows), room)
    scene = Scene(760, TOP + (8 + extra) * ROW + 36)
    scene.add(
        "heads",
        Label(66, 46, "huge page", 10, bold=True),
        Label(150, 46, "vmemmap page", 10, "left", bold=True),
        Label(302, 46, "struct pages", 8.5, "right"),
        Label(375, 46, "page table", 10, bold=True),
        Label(640, 46, "page frames", 10, bold=True),
    )
    if state.title:
        scene.add("title", Label(20, 18, state.title, 10.5, "left", bold=True))
    scene.add(
        "huge",
        Box(20, TOP, 92, 8 * ROW - 5, "quiet"),
        Label(66, TOP + 4 * ROW - 14, state.huge, 13, bold=True, on="quiet"),
        Label(66, TOP + 4 * ROW + 6, f"{state.nr_structs:,}", 9, on="quiet"),
        Label(66, TOP + 4 * ROW + 20, "base pages", 9, on="quiet"),
    )
    scene.add(
        "arithmetic",
        Arrow(112, TOP + 4 * ROW - 3, 148, TOP + 4 * ROW - 3, "arithmetic"),
    )
    for number, row in enumerate(state.rows):
        y = TOP + number * ROW
        role: Role = "head" if row.first == 0 else "plain"
        scene.add(
            f"page{number}",
            Box(150, y, 152, ROW - 5, role),
            Label(156, y + 14, _run_text(row.first, row.last), 10, "left", bold=True, on=role),
            Label(296, y + 14, _structs(row, state), 8.5, "right", on=role),
        )
    whole = all(row.entries == "PMD leaf" for row in state.rows)
    if whole:
        scene.add(
            "leaf",
            Box(326, TOP, 98, 8 * ROW - 5, "own"),
            Label(375, TOP + 4 * ROW - 24, "one PMD" if state.leaves == 1 else f"{state.leaves} PMD", 10, on="own"),
            Label(375, TOP + 4 * ROW - 8, "leaf entry" if state.leaves == 1 else "leaf entries", 10, on="own"),
            Label(375, TOP + 4 * ROW + 12, "writable", 9, on="own"),
        )
    for number, row in enumerate(state.rows):
        y = TOP + number * ROW
        if not whole:
            role = "own" if row.entries == "PMD leaf" else "table" if row.writable else "readonly"
            kind = {"PTE": "PTE" if row.first == row.last else "PTEs", "both": "PTEs, PMDs"}.get(
                row.entries, row.entries
            )
            words = f"{kind}, {'writable' if row.writable else 'read-only'}"
            size = 8.5 if len(words) < 18 else 7.5
            scene.add(f"entry{number}", Box(326, y, 98, ROW - 5, role), Label(375, y + 14, words, size, on=role))
        tip = TOP + row.target * ROW + 14
        scene.add(f"arrow{number}", Arrow(424, y + 14, 568, tip, "own" if row.writable else "remapped"))
    looks: dict[FrameState, tuple[Role, str]] = {
        "own": ("own", "in use"),
        "head": ("head", "in use"),
        "shared": ("shared", "in use, shared"),
        "held": ("void", "not yet free"),
        "freed": ("freed", "free"),
        "unmapped": ("void", "not mapped any more"),
    }
    for number, (name, frame_state) in enumerate(state.frames):
        y = TOP + number * ROW
        role, words = looks[frame_state]
        scene.add(
            f"frame{number}",
            Box(570, y, 170, ROW - 5, role),
            Label(578, y + 14, name, 10, "left", bold=True, on=role),
            Label(732, y + 14, words, 9, "right", on=role),
        )
    low = scene.height - 22
    scene.add(
        "key",
        Arrow(20, low, 60, low, "arithmetic"),
        Label(66, low, "arithmetic", 9, "left"),
        Arrow(150, low, 190, low, "own"),
        Label(196, low, "writable entry", 9, "left"),
        Arrow(330, low, 370, low, "remapped"),
        Label(376, low, "read-only entry", 9, "left"),
        Box(570, low - 7, 22, 14, "freed"),
        Label(598, low, "given back", 9, "left"),
    )
    scene.alt = f"{state.huge} huge page. " + " ".join(_told(row, state) for row in state.rows)
    scene.caption = state.title
    return scene


def _told(row: Row, state: Mapping) -> str:
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


def _structs(row: Row, state: Mapping) -> str:
    end = min((row.last + 1) * state.structs_per_page, state.nr_structs)
    return f"{row.first * state.structs_per_page:,} – {end - 1:,}"


def _run_text(first: int, last: int) -> str:
    return f"{first:,}" if first == last else f"{first:,} … {last:,}"


# --- the schemes side by side -----------------------------------------------------------------------------------------


def schemes(size: str = "2 MiB") -> Picture:
    """All schemes as small multiples: the same huge page, optimised by each, counted from the machine."""
    scene = Scene(25 + len(SCHEMES) * 147, 306)
    told = []
    for column, scheme in enumerate(SCHEMES.values()):
        machine = Machine("4 GiB", check=False)
        pool = machine.hugetlb(size)
        before = machine.free_frames
        pool.optimize(scheme)
        shared, tables = len(machine.vmemmap.shared_tails), machine.nr_page_tables
        freed = machine.free_frames - before + tables + shared
        state = mapping_of(pool)
        x = 20 + column * 147
        scene.add(f"name{column}", Label(x + 60, 16, scheme.name, 11, bold=True), Label(x + 60, 32, scheme.releases, 9))
        for number, row in enumerate(state.rows):
            y = 48 + number * 20
            scene.add(
                f"page{column}.{number}",
                Box(x, y, 34, 17, "head" if number == 0 else "plain"),
                Label(x + 17, y + 8.5, _run_text(row.first, row.last), 8, on="head" if number == 0 else None),
                Arrow(x + 34, y + 8.5, x + 84, 48 + row.target * 20 + 8.5, "own" if row.writable else "remapped"),
            )
        frame_roles: dict[str, Role] = {
            "own": "own",
            "head": "head",
            "shared": "shared",
            "held": "void",
            "freed": "freed",
        }
        for number, (name, frame_state) in enumerate(state.frames):
            y = 48 + number * 20
            role = frame_roles[frame_state]
            text = name if len(name) < 4 else "all" if name == "one for all" else "…"
            scene.add(
                f"frame{column}.{number}", Box(x + 86, y, 34, 17, role), Label(x + 103, y + 8.5, text, 8, on=role)
            )
        scene.add(f"count{column}", Label(x + 60, 262, f"{freed:,} freed", 11, bold=True))
        told.append(f"{scheme.name} ({scheme.releases}): {freed:,} freed")
    scene.add(
        "key",
        Arrow(20, 288, 50, 288, "own"), Label(56, 288, "writable", 9, "left"),
        Arrow(125, 288, 155, 288, "remapped"), Label(161, 288, "read-only", 9, "left"),
        Box(235, 281, 22, 14, "freed"), Label(263, 288, "freed", 9, "left"),
        Label(320, 288, "new: taken for the head, so 8 − 1 = 7", 9, "left"),
        Label(540, 288, "all: one page for all huge pages", 9, "left"),
    )  # fmt: skip
    scene.caption = f"One {size} page, scheme by scheme."
    scene.alt = f"The {len(told)} schemes for one {size} page, frames freed before page tables: {'; '.join(told)}."
    return Picture(scene)


def pool(pool: Pool, huge_page: int = 0, title: str = "") -> Picture:
    """One huge page of a pool as the page table stands now. Raises `BadInput` for what is no pool."""
    pool = instance_of(pool, Pool, "a pool of huge pages", "write for example Machine('4 GiB').hugetlb('2 MiB')")
    return Picture(
        mapping(mapping_of(pool, huge_page, title or f"{format_size(pool.page.size)} page, scheme: {pool.scheme}"))
    )


def record_scene(release: str, when: str = "live") -> Scene:
    """One 2 MiB page as a real kernel's page table had it, at ``"boot"`` or while it was ``"live"``."""
    kernel = observe.recorded(release)
    state = "on" if "on" in kernel.states else "off"
    seen, boot = (kernel.entries("2 MiB", moment, state) for moment in (when, "boot"))
    moment = "at boot" if when == "boot" else "a 2 MiB page, optimisation on" if state == "on" else "a 2 MiB page"
    scene = mapping(mapping_of_record(seen, boot, f"Linux {release}, {moment}: the entries as recorded"), room=2)
    scene.caption = f"{kernel.origin}: {moment}."
    return scene


def record(release: str) -> Picture:
    """One optimised 2 MiB page as a real kernel's page table had it, drawn by the function that draws the model."""
    return Picture(record_scene(release))


# --- what it costs in time --------------------------------------------------------------------------------------------


def timings() -> Picture:
    """How many times as long a pool takes to fill and to empty with the optimisation, as published (`hvlib.costs`)."""
    scene = Scene(760, 408)
    left, top, decade = 300, 62, 210
    scene.add(
        "scale",
        Label(20, 18, "how many times as long with the optimisation as without", 10.5, "left", bold=True),
        Line(left, top - 10, left, 346),
        Line(left, top - 6, left + decade * log10(60), top - 6),
        *(Line(left + decade * log10(tick), top - 11, left + decade * log10(tick), top - 6) for tick in _TICKS),
        *(Label(left + decade * log10(tick), top - 20, f"{tick} x", 9) for tick in _TICKS),
    )
    y = top
    for number, row in enumerate(COSTS):
        if number and row.machine != COSTS[number - 1].machine:
            y += 12
        role: Role = "own" if row.batched else "mark"
        end = left + decade * log10(row.ratio)
        scene.add(
            f"bar{number}",
            Label(20, y + 10, f"{row.what} {row.pages:,}", 9.5, "left"),
            Label(288, y + 10, f"{row.machine}; {row.kernel}", 8.5, "right"),
            Box(left, y, end - left, 20, role),
            Label(end + 8, y + 10, f"{row.ratio:.1f} x", 10, "left", bold=True),
        )
        y += 26
    scene.add(
        "key",
        Box(20, 362, 22, 14, "mark"), Label(50, 369, "one by one", 9, "left"),
        Box(150, 362, 22, 14, "own"), Label(180, 369, "in batches, since 6.7", 9, "left"),
        Label(330, 369, "Scale logarithmic: a bar begins at 1 x, as long as without.", 9, "left"),
        Label(20, 394, "Pages of 2 MiB. Not measured for this book: published by Muchun Song (5.14), 2021, and Mike "
                       "Kravetz (the others), 2023.", 9, "left"),
    )  # fmt: skip
    worst, calm = (max(row.ratio for row in COSTS if row.batched is batched) for batched in (False, True))
    scene.caption = (
        f"In these measurements, filling or emptying a pool of 2 MiB pages takes up to {worst:.0f} times as long one "
        f"by one, up to {calm:.1f} times in batches."
    )
    told = (f"{row.what} {row.pages:,}, {row.machine}, {row.kernel}: {row.ratio:.1f}" for row in COSTS)
    scene.alt = f"Bars on a logarithmic scale, times as long as without the optimisation: {'; '.join(told)}."
    return Picture(scene)


_TICKS = (1, 2, 5, 10, 20, 50)

# --- words ------------------------------------------------------------------------------------------------------------


def _raised(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def percent(share: Fraction) -> str:
    """A share in percent, with all the digits that a number of 64ths needs."""
    return f"{float(share * 100):.8g} %"


def _wrapped(text: str | None, width: int = 118) -> list[str]:
    return textwrap.wrap(text or "", width)
