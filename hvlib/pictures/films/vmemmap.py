"""Where the struct page of a PFN stands: PMD leaf, vmemmap page, slot (chapter 3)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from ...arithmetic.geometry import pfn_to_page
from ...facts.layout import BASE_PAGE, PAGING, PTE, STRUCT_PAGE
from ...mechanism.machine import Machine
from ...units import format_size
from ..fact import Fact
from ..film import Axis, Facts, Film
from ..scene import PORTRAIT, WIDTH, Arrow, Box, Label, Line, Role, Scene
from ..words import lines

_MEMORY = "8 GiB"
_PFNS = (
    0x0, 0x1, 0x3F, 0x40, 0x1FF, 0x200, 0x7FFF, 0x8000, 0x40000, 0x7AFCC, 0xFFFFF, 0x100000, 0x102200, 0x1FFFFF,
)  # fmt: skip
_SLOTS = BASE_PAGE // STRUCT_PAGE
"""Struct pages in one vmemmap page."""
_ENTRIES = BASE_PAGE // PTE
"""Vmemmap pages under one PMD leaf."""
_LEFT, _STRIP = 208, 566
_ROWS = (16, 88, 160)
_TALL = 30


@cache
def _machine() -> Machine:
    return Machine(_MEMORY, check=False)


def _places(pfn: int, paging: str) -> tuple[int, int, int, int]:
    """Address of the struct page, PMD leaf of the vmemmap, vmemmap page under that leaf, slot in that page."""
    address = pfn_to_page(pfn, paging)
    vmemmap_page = (address - PAGING[paging].vmemmap) // BASE_PAGE
    return address, vmemmap_page // _ENTRIES, vmemmap_page % _ENTRIES, address % BASE_PAGE // STRUCT_PAGE


def _vmemmap_state(pfn: int, paging: str) -> tuple[Scene, Facts]:
    address, leaf, page, slot = _places(pfn, paging)
    machine = _machine()
    leaves, covered = len(machine.vmemmap.table), _ENTRIES * _SLOTS * BASE_PAGE
    frame = int(machine.vmemmap.frame[leaf * _ENTRIES + page])
    scene = Scene(WIDTH, 372)
    zooms = (
        (f"PMD leaf {leaf}", f"of {leaves}", leaf, leaves),
        (f"vmemmap page {page}", f"of the leaf's {_ENTRIES}", page, _ENTRIES),
        (f"slot {slot}", f"of the page's {_SLOTS}", slot, _SLOTS),
    )
    for row, (name, whole, chosen, count) in enumerate(zooms):
        y, width = _ROWS[row], _STRIP / count
        scene.add(f"name{row}", Label(14, y + 6, name, 13, "left", bold=True), Label(14, y + 25, whole, align="left"))
        boxes = [Box(_LEFT + n * width, y, width, _TALL, "plain") for n in range(count)] if count <= 64 else []
        scene.add(f"strip{row}", *(boxes or [Box(_LEFT, y, _STRIP, _TALL, "plain")]))
        _touch(scene, row, pfn, paging, [_LEFT, y, width])
        scene.add(f"ends{row}", *_ends(count, y))
        thick = max(width, 4)
        left = min(_LEFT + chosen * width, _LEFT + _STRIP - thick)
        scene.add(f"chosen{row}", Box(left, y - 3, thick, _TALL + 6, "mark"))
        if row < 2:
            low, top = y + _TALL + 3, _ROWS[row + 1]
            scene.add(f"zoom{row}", Line(left, low, _LEFT, top), Line(left + thick, low, _LEFT + _STRIP, top))
    scene.add("key", *_key(_LEFT, 206))
    scene.add("reach", Label(66, _ROWS[0] + 25, f"each {format_size(covered)} of RAM", align="left"))
    _chain(scene, pfn, address, leaf, frame)
    other = next(name for name in PAGING if name != paging)
    scene.sets("struct", paging=other)
    scene.tie("described", "arithmetic", "struct", "lookup", "backing")
    base = PAGING[paging].vmemmap
    scene.add("sum", Label(WIDTH / 2, 322, f"{base:#x} + {STRUCT_PAGE} × {pfn:#x} = {address:#x}", 15, bold=True))
    scene.add(
        "parts",
        Label(
            WIDTH / 2, 350,
            f"{pfn:#x} = {leaf} × {_ENTRIES * _SLOTS:,} + {page} × {_SLOTS} + {slot}:  leaf, vmemmap page, slot", 13,
        ),
    )  # fmt: skip
    scene.caption = (
        f"With {paging} paging the struct page of PFN {pfn:#x} is at {address:#x}: PMD leaf {leaf}, vmemmap page "
        f"{page} under it, slot {slot}."
    )
    scene.alt = (
        f"Three zooms. RAM of {_MEMORY} as {leaves} blocks, one for each PMD leaf, block {leaf} marked; the "
        f"{_ENTRIES} vmemmap pages under its PMD leaf, page {page} marked; the {_SLOTS} slots of that page, slot "
        f"{slot} marked. Below, an arithmetic arrow from page frame {pfn:#x} to its struct page at {address:#x}, and a "
        f"page-table arrow from there to frame {frame:#x}, in which it is stored."
    )
    return scene, {
        "struct page at": f"{address:#x}",
        "PMD leaf of the vmemmap": leaf,
        "vmemmap page under it": page,
        "slot in that page": slot,
        "the page frame begins at": f"{pfn * BASE_PAGE:#x}",
        "the struct page is stored in": Fact(
            {"frame": frame}, "frame {0[frame]:#x} (this model's; read from the page table)".format
        ),
    }


def _portrait(pfn: int, paging: str) -> Scene:
    """For a phone: the zooms have the whole width, and the chain of addresses leads down."""
    address, leaf, page, slot = _places(pfn, paging)
    leaves = len(_machine().vmemmap.table)
    frame = int(_machine().vmemmap.frame[leaf * _ENTRIES + page])
    scene, left, strip = Scene(PORTRAIT, 540), 4, PORTRAIT - 8
    covered = _ENTRIES * _SLOTS * BASE_PAGE
    zooms = (
        (f"PMD leaf {leaf} of {leaves}", "", leaf, leaves),
        (f"vmemmap page {page}", f"of the leaf's {_ENTRIES}", page, _ENTRIES),
        (f"slot {slot}", f"of the page's {_SLOTS}", slot, _SLOTS),
    )
    for row, (name, whole, chosen, count) in enumerate(zooms):
        y, width = 36 + 82 * row, strip / count
        scene.add(
            f"name{row}",
            Label(left, y - 18, name, 13, "left", bold=True, on="freed"),
            *([Label(PORTRAIT - 4, y - 18, whole, align="right", on="freed")] if whole else []),
        )
        boxes = [Box(left + n * width, y, width, _TALL, "plain") for n in range(count)] if count <= 64 else []
        scene.add(f"strip{row}", *(boxes or [Box(left, y, strip, _TALL, "plain")]))
        _touch(scene, row, pfn, paging, [left, y, width], strip, 12)
        thick = max(width, 5)
        x = min(left + chosen * width, left + strip - thick)
        scene.add(f"chosen{row}", Box(x, y - 3, thick, _TALL + 6, "mark"))
        if row < 2:
            low, top = y + _TALL + 3, y + 82 - 29  # above the words of the strip below
            scene.add(f"zoom{row}", Line(x, low, left, top), Line(x + thick, low, left + strip, top))
    scene.add("key", *_key(left, 242))
    reach = Label(PORTRAIT - 4, 18, f"each {format_size(covered)} of RAM", align="right", on="freed")
    scene.add("reach", reach)
    chain: tuple[tuple[str, Role, str, str], ...] = (
        ("described", "own", f"page frame: PFN {pfn:#x}", f"at {pfn * BASE_PAGE:#x} in RAM"),
        ("struct", "head", f"its struct page: {address:#x}", "virtual address"),
        (
            "backing",
            "own",
            f"stored in frame: PFN {frame:#x}",
            f"at {frame * BASE_PAGE + address % BASE_PAGE:#x} in RAM",
        ),
    )
    for row, (name, role, over, under) in enumerate(chain):
        y = 254 + 72 * row
        scene.add(
            name,
            Box(left, y, strip, 44, role),
            Label(PORTRAIT / 2, y + 14, over, bold=True, on=role),
            Label(PORTRAIT / 2, y + 32, under, on=role),
        )
    for name, y, words, look in (("arithmetic", 298, "arithmetic", "arithmetic"), ("lookup", 370, "page table", "own")):
        arrow = Arrow(PORTRAIT / 2, y, PORTRAIT / 2, y + 27, look)  # type: ignore[arg-type]
        scene.add(name, arrow, Label(PORTRAIT / 2 + 12, y + 13, words, align="left"))
    base = PAGING[paging].vmemmap
    scene.add(
        "sum",
        Label(left, 462, f"{base:#x} + {STRUCT_PAGE} × {pfn:#x}", 13, "left", bold=True),
        Label(left, 481, f"= {address:#x}", 13, "left", bold=True),
    )
    parts = f"{pfn:#x} = {leaf} × {_ENTRIES * _SLOTS:,} + {page} × {_SLOTS} + {slot}:  leaf, vmemmap page, slot"
    scene.add("parts", *lines(left, 504, parts, 44))
    scene.sets("struct", paging=next(name for name in PAGING if name != paging))
    scene.tie("described", "arithmetic", "struct", "lookup", "backing")
    return scene


def _touch(
    scene: Scene, row: int, pfn: int, paging: str, strip: Sequence[float], whole: float = _STRIP, least: float = 8
) -> None:
    """Where a PFN of the slider stands in a strip under the same leaf, and for slots in the same page, it is asked."""
    here, (left, y, width) = _places(pfn, paging)[1:], strip
    found: dict[int, int] = {}
    for other in (pfn, *_PFNS):
        there = _places(other, paging)[1:]
        if there[:row] == here[:row]:
            found.setdefault(there[row], other)
    free = left
    for number, other in sorted(found.items()):
        wide = width if width > 5 else least
        x = min(max(left + number * width, free), left + whole - wide)  # narrow neighbours stand side by side
        free = x + wide
        scene.add(f"place{row}.{number}", Box(x, y, wide, _TALL, "quiet"))
        scene.sets(f"place{row}.{number}", pfn=other)


def _key(x: float, y: float) -> tuple[Box, Label, Box, Label]:
    """What yellow and grey are on the strips."""
    return (
        Box(x + 1, y - 6, 12, 12, "mark"), Label(x + 20, y, "the PFN asked about", align="left"),
        Box(x + 152, y - 6, 12, 12, "quiet"), Label(x + 170, y, "others of the slider", align="left"),
    )  # fmt: skip


def _ends(count: int, y: float) -> list[Label]:
    """First and last number of a strip, beside its ends."""
    middle = y + _TALL / 2
    return [
        Label(_LEFT - 7, middle, "0", align="right"),
        Label(_LEFT + _STRIP + 7, middle, f"{count - 1}", align="left"),
    ]


def _chain(scene: Scene, pfn: int, address: int, leaf: int, frame: int) -> None:
    """From the page frame to its struct page by arithmetic, and from there to a frame by the page table."""
    top, tall = 226, 64
    middle = top + tall / 2
    columns: tuple[tuple[str, int, int, Role, str, str, str], ...] = (
        ("described", 14, 186, "own", "page frame", f"PFN {pfn:#x}", f"at {pfn * BASE_PAGE:#x} in RAM"),
        ("struct", 292, 196, "head", "its struct page", f"{address:#x}", "virtual address"),
        ("backing", 618, 192, "own", "stored in frame", f"PFN {frame:#x}",
         f"at {frame * BASE_PAGE + address % BASE_PAGE:#x} in RAM"),
    )  # fmt: skip
    for name, x, wide, on, over, value, under in columns:
        scene.add(
            name,
            Box(x, top, wide, tall, on),
            Label(x + wide / 2, top + 13, over, on=on),
            Label(x + wide / 2, top + 33, value, 14, bold=True, on=on),
            Label(x + wide / 2, top + 52, under, on=on),
        )
    scene.add("arithmetic", Arrow(200, middle, 290, middle, "arithmetic"), Label(245, middle - 13, "arithmetic"))
    scene.add(
        "lookup",
        Arrow(488, middle, 616, middle, "own"),
        Label(552, middle - 13, "page table:"),
        Label(552, middle + 14, f"PMD leaf {leaf}"),
    )


FILM = Film(
    "Where the struct page of a PFN stands",
    (
        Axis("pfn", "PFN", _PFNS, tuple(f"{pfn:#x}" for pfn in _PFNS)),
        Axis("paging", "paging", tuple(PAGING)),
    ),
    _vmemmap_state,
    _portrait,
)
