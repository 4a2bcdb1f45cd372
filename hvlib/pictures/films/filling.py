"""Struct pages of a huge page laid into vmemmap pages, by three sizes (chapter 5)."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from fractions import Fraction

from ...arithmetic.geometry import HugePage
from ...errors import BadInput
from ...units import format_size, quantity
from ..fact import in_bytes
from ..film import Axis, Facts, Film, after
from ..scene import PORTRAIT, WIDTH, Arrow, Box, Label, Line, Role, Scene, Shape
from ..words import lines

_HUGE_PAGES = ("64 KiB", "2 MiB", "32 MiB", "512 MiB", "1 GiB")
_STRUCTS = (56, 64, 80, 128)
_HEIGHT = 402
_TOP, _BOTTOM = 66, 306
_HUGE, _PAGES, _SCHEMES = (14, 94), (194, 256), (654, 156)
"""Left edge and width of each column."""
_ROWS = 16
"""Up to so many vmemmap pages are drawn one by one."""
_THIN = 2.5
"""A struct page that would be drawn narrower than this is not set apart from its neighbours."""


def filling(page: HugePage) -> Scene:
    """The struct pages of one huge page, laid into vmemmap pages, and how many of their frames 5.14 gives back."""
    scene = Scene(WIDTH, _HEIGHT)
    count = page.nr_vmemmap_pages
    scene.add(
        "equation",
        Label(
            WIDTH / 2,
            22,
            f"{page.nr_base_pages:,} struct pages x {page.struct_page} bytes = "
            f"{format_size(page.memmap_bytes)} = {quantity(count, 'page')} of {format_size(page.base_page)}",
            15,
            bold=True,
        ),
    )
    boxes = _vmemmap_boxes(page)
    height = min((_BOTTOM - _TOP) / len(boxes), 32)
    _huge_page(scene, page, _TOP + height / 2 - 1)
    scene.add(
        "head text",
        Label(_PAGES[0] + _PAGES[1] / 2, 52, "vmemmap pages", 13, bold=True),
        Label(sum(_PAGES) + 60, 52, "struct pages in it", align="left"),
    )
    for row, (name, first, last, filled) in enumerate(boxes):
        scene.add(f"row{row}", *_row(page, row, _TOP + row * height, height - 3, name, first, last, filled))
    freed, (x, wide) = page.freed("tail page"), _SCHEMES
    on: Role | None = "freed" if freed else None
    scene.add(
        "scheme",
        Box(x, _TOP, wide, 104, on or "void"),
        Label(x + wide / 2, _TOP + 24, "5.14 to 5.17: freed", 13, on=on),
        Label(x + wide / 2, _TOP + 54, f"{freed:,}", 20, bold=True, on=on),
        Label(x + wide / 2, _TOP + 82, f"of {quantity(count, 'frame')}", on=on),
    )
    _touch(scene, page, len(boxes))
    reason = page.obstacle("tail page")
    y = _BOTTOM + 20
    scene.add(
        "key",
        Box(14, y - 8, 16, 16, "head"), Label(38, y, "the head", align="left"),
        Box(120, y - 8, 16, 16, "plain"), Label(144, y, "tails; a thin line is where a struct page begins",
                                                align="left"),
        Box(470, y - 8, 16, 16, "void"), Label(494, y, "nothing of this huge page", align="left"),
    )  # fmt: skip
    scene.add("law", *lines(14, y + 28, _law(page), 112))
    scene.add("reason", *lines(14, y + 48, reason or "", 112))
    scene.caption = (
        f"The {page.nr_base_pages:,} struct pages of a {format_size(page.size)} page fill "
        f"{quantity(count, 'page')} of {format_size(page.base_page)}; "
        + (
            f"{page.freed('tail page'):,} of their frames could be freed in 5.14."
            if not reason
            else "no frame can be freed."
        )
    )
    scene.alt = (
        f"A huge page of {format_size(page.size)} on the left; its {page.nr_base_pages:,} struct pages of "
        f"{page.struct_page} bytes fill {quantity(count, 'page')}, in {len(boxes)} rows. {reason or ''}".strip()
    )
    return scene


def _touch(scene: Scene, page: HugePage, rows: int) -> None:
    """The huge page has its next size, and so have the struct pages in a vmemmap page."""
    scene.sets("huge", huge_page=after(_HUGE_PAGES, format_size(page.size)))
    for row in range(rows):
        scene.sets(f"row{row}", struct_page=after(_STRUCTS, page.struct_page))


def _portrait(huge_page: str, base_page: str, struct_page: int) -> Scene:
    """For a phone: the huge page lies above its vmemmap pages, and below them what can be freed."""
    scene = Scene(PORTRAIT, 640)
    try:
        page = HugePage(huge_page, base_page, struct_page)
    except BadInput as why:
        text = str(why)
        scene.add("equation", Label(2, 14, "not a huge page", 13, "left", bold=True))
        scene.add("reason", *lines(2, 150, text[0].upper() + text[1:], 44))
        return scene
    count, reason = page.nr_vmemmap_pages, page.obstacle("tail page")
    taken = format_size(page.memmap_bytes)
    text = f"{page.nr_base_pages:,} x {page.struct_page} bytes = {taken} = {quantity(count, 'page')}"
    scene.add("equation", *lines(2, 12, f"{text} of {format_size(page.base_page)}", 44, bold=True))
    scene.add(
        "huge",
        Box(2, 42, PORTRAIT - 4, 30, "quiet"),
        Label(PORTRAIT / 2, 57, f"{format_size(page.size)} page: {quantity(page.nr_base_pages, 'base page')}", 13,
              bold=True, on="quiet"),
    )  # fmt: skip
    scene.add("to", Arrow(120, 72, 120, 101, "arithmetic"), Label(128, 86, "pfn_to_page", align="left"))
    boxes = _vmemmap_boxes(page)
    height = min(240 / len(boxes), 32)
    for row, (name, first, last, filled) in enumerate(boxes):
        shapes = _row(page, row, 102 + row * height, height - 3, name, first, last, filled, (44, 150))
        scene.add(f"row{row}", *shapes)
    freed = page.freed("tail page")
    on: Role | None = "freed" if freed else None
    scene.add(
        "scheme",
        Box(2, 356, PORTRAIT - 4, 84, on or "void"),
        Label(PORTRAIT / 2, 374, "5.14 to 5.17: freed", on=on),
        Label(PORTRAIT / 2, 398, f"{freed:,}", 18, bold=True, on=on),
        Label(PORTRAIT / 2, 422, f"of {quantity(count, 'frame')}", on=on),
    )
    scene.add(
        "key",
        Box(2, 456, 16, 16, "head"), Label(24, 464, "the head", align="left"),
        Box(104, 456, 16, 16, "plain"), Label(126, 464, "tails", align="left"),
        Box(182, 456, 16, 16, "void"), Label(204, 464, "nothing of it", align="left"),
    )  # fmt: skip
    scene.add("law", *lines(2, 498, _law(page), 44))
    scene.add("reason", *lines(2, 566, reason or "", 44))
    _touch(scene, page, len(boxes))
    return scene


def _huge_page(scene: Scene, page: HugePage, first_row: float) -> None:
    """The huge page, and the arithmetic from its first base page to the first row."""
    (x, wide), middle = _HUGE, (_TOP + _BOTTOM) / 2
    scene.add(
        "huge",
        Box(x, _TOP, wide, _BOTTOM - _TOP, "quiet"),
        Label(x + wide / 2, middle - 34, format_size(page.size), 16, bold=True, on="quiet"),
        Label(x + wide / 2, middle - 12, "huge page", on="quiet"),
        Label(x + wide / 2, middle + 18, f"{page.nr_base_pages:,}", on="quiet"),
        Label(x + wide / 2, middle + 34, "base pages", on="quiet"),
    )
    scene.add(
        "to",
        Arrow(x + wide, first_row, _PAGES[0] - 1, first_row, "arithmetic"),
        Label((x + wide + _PAGES[0]) / 2, first_row + 16, "pfn_to_page"),
    )


def _row(
    page: HugePage, row: int, y: float, height: float, name: str, first: int, last: int, filled: float,
    place: tuple[float, float] | None = None,
) -> Iterator[Shape]:  # fmt: skip
    """A vmemmap page, or a run of them: its struct pages, its number and theirs; the last box is the row's own."""
    (x, wide), middle = place or _PAGES, y + height / 2
    role: Role = "head" if name == "0" else "plain"
    if filled < 1:
        yield Box(x, y, wide, height, "void")
    slot = wide * page.struct_page / page.base_page
    single = "…" not in name
    head = min(max(slot, 6), wide * filled) if role == "head" else wide * filled
    if role == "head":
        yield Box(x, y, wide * filled, height, "plain")
    yield Box(x, y, head, height, role)
    if single and slot >= _THIN:
        offset = (first * page.struct_page - _start(page, name)) * wide / page.base_page
        begins = (offset + slot * n for n in range(last - first + 1))
        yield from (Line(x + at, y + height * 0.7, x + at, y + height) for at in begins if at > 0)
    text = f"{first:,}" if first == last else f"{first:,} to {last:,}"
    if place:  # the number of a single page stands before it
        run = name.split("  ")[0]
        yield (
            Label(x - 6, middle, name, 12, "right", bold=True) if single else Label(x + wide / 2, middle, run, on=role)
        )
        yield Label(x + wide + 8, middle, text, align="left")
        return
    yield (
        Label(x + wide + 10, middle, name, 13, "left", bold=True)
        if single
        else Label(x + wide / 2, middle, name, on=role)
    )
    yield Label(x + wide + 60, middle, text, align="left")


def _start(page: HugePage, name: str) -> int:
    """Bytes of struct pages before a vmemmap page."""
    return int(name.replace(",", "")) * page.base_page


def no_geometry(reason: str) -> Scene:
    """The picture in place of `filling` where there is nothing to draw: the sentence that says why."""
    scene = Scene(WIDTH, _HEIGHT)
    reason = reason[0].upper() + reason[1:]
    scene.add("equation", Label(WIDTH / 2, 22, "not a huge page", 15, bold=True))
    scene.add("reason", *(Label(WIDTH / 2, 150 + 20 * n, line, 14) for n, line in enumerate(textwrap.wrap(reason, 84))))
    scene.caption = scene.alt = reason
    return scene


def _law(page: HugePage) -> str:
    if page.size == page.base_page * page.base_page // 8:
        return (
            f"One page table's worth of base pages, so the count is {page.struct_page} / 8 = "
            f"{quantity(Fraction(page.struct_page, 8), 'page')}, whatever the base page."
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

    if total <= _ROWS:
        return [row(str(n), n, n) for n in range(total)]
    run = f"1 … {total - 2:,}  ({total - 2:,} pages)"
    return [row("0", 0, 0), row(run, 1, total - 2), row(f"{total - 1:,}", total - 1, total - 1)]


def _filling_state(huge_page: str, base_page: str, struct_page: int) -> tuple[Scene, Facts]:
    try:
        page = HugePage(huge_page, base_page, struct_page)
    except BadInput as why:
        return no_geometry(str(why)), {"impossible": str(why)}
    return filling(page), {
        "struct pages": page.nr_base_pages,
        "memmap": in_bytes(page.memmap_bytes),
        "vmemmap pages": page.nr_vmemmap_pages,
        "frames freed in 5.14 to 5.17": page.freed("tail page"),
    }


FILM = Film(
    "Struct pages fill vmemmap pages",
    (
        Axis("huge_page", "huge page", _HUGE_PAGES, start="2 MiB"),
        Axis("base_page", "base page", ("4 KiB", "16 KiB", "64 KiB")),
        Axis("struct_page", "struct page", _STRUCTS, tuple(f"{size} bytes" for size in _STRUCTS), start=64),
    ),
    _filling_state,
    _portrait,
)
