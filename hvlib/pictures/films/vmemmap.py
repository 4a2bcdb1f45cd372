"""Where the struct page of a PFN stands: PMD leaf, vmemmap page, slot (chapter 3)."""

from __future__ import annotations

from functools import cache

from ...arithmetic.geometry import pfn_to_page
from ...facts.layout import BASE_PAGE, PAGING, PTE, STRUCT_PAGE
from ...mechanism.machine import Machine
from ...units import format_size
from ..fact import Fact
from ..film import Axis, Facts, Film
from ..scene import Arrow, Box, Label, Line, Role, Scene

_MEMORY = "8 GiB"
_PFNS = (
    0x0, 0x1, 0x3F, 0x40, 0x1FF, 0x200, 0x7FFF, 0x8000, 0x40000, 0x7AFCC, 0xFFFFF, 0x100000, 0x102200, 0x1FFFFF,
)  # fmt: skip
_SLOTS = BASE_PAGE // STRUCT_PAGE
"""Struct pages in one vmemmap page."""
_ENTRIES = BASE_PAGE // PTE
"""Vmemmap pages under one PMD leaf."""
_LEFT, _STRIP = 166, 550
_ROWS = (16, 86, 156)
_TALL = 28


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
    scene = Scene(760, 360)
    zooms = (
        (f"PMD leaf {leaf}", f"of {leaves}, {format_size(covered)} of RAM each", leaf, leaves, "plain"),
        (f"vmemmap page {page}", f"of the leaf's {_ENTRIES}", page, _ENTRIES, "plain"),
        (f"slot {slot}", f"of the page's {_SLOTS}", slot, _SLOTS, "plain"),
    )
    role: Role
    for row, (name, whole, chosen, count, look) in enumerate(zooms):
        y, width, role = _ROWS[row], _STRIP / count, "own" if look == "own" else "plain"
        scene.add(f"name{row}", Label(20, y + 8, name, 11, "left", bold=True), Label(20, y + 24, whole, 8.5, "left"))
        boxes = [Box(_LEFT + n * width, y, width, _TALL, role) for n in range(count)] if count <= 64 else []
        scene.add(f"strip{row}", *(boxes or [Box(_LEFT, y, _STRIP, _TALL, role)]))
        scene.add(f"ends{row}", *_ends(count, y))
        thick = max(width, 4)
        left = min(_LEFT + chosen * width, _LEFT + _STRIP - thick)
        scene.add(f"chosen{row}", Box(left, y - 3, thick, _TALL + 6, "mark"))
        if row < 2:
            low, top = y + _TALL + 3, _ROWS[row + 1]
            scene.add(f"zoom{row}", Line(left, low, _LEFT, top), Line(left + thick, low, _LEFT + _STRIP, top))
    _chain(scene, pfn, address, leaf, frame)
    base = PAGING[paging].vmemmap
    scene.add("sum", Label(380, 310, f"{base:#x} + {STRUCT_PAGE} × {pfn:#x} = {address:#x}", 14, bold=True))
    scene.add(
        "parts",
        Label(
            380, 338,
            f"{pfn:#x} = {leaf} × {_ENTRIES * _SLOTS:,} + {page} × {_SLOTS} + {slot}:  leaf, vmemmap page, slot", 10.5,
        ),
    )  # fmt: skip
    scene.caption = (
        f"With {paging} paging the struct page of PFN {pfn:#x} is at {address:#x}: PMD leaf {leaf}, vmemmap page "
        f"{page} under it, slot {slot}."
    )
    scene.alt = (
        f"Three zooms. RAM of {_MEMORY} as {leaves} blocks of {format_size(covered)}, block {leaf} marked; the "
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


def _ends(count: int, y: float) -> list[Label]:
    """First and last number of a strip, beside its ends."""
    middle = y + _TALL / 2
    return [Label(_LEFT - 6, middle, "0", 8.5, "right"), Label(_LEFT + _STRIP + 6, middle, f"{count - 1}", 8.5, "left")]


def _chain(scene: Scene, pfn: int, address: int, leaf: int, frame: int) -> None:
    """From the page frame to its struct page by arithmetic, and from there to a frame by the page table."""
    top, tall = 222, 56
    middle = top + tall / 2
    scene.add(
        "described",
        Box(20, top, 150, tall, "own"),
        Label(95, top + 12, "page frame", 9, on="own"),
        Label(95, top + 29, f"PFN {pfn:#x}", 12, bold=True, on="own"),
        Label(95, top + 45, f"at {pfn * BASE_PAGE:#x} in RAM", 8.5, on="own"),
    )
    scene.add("arithmetic", Arrow(170, middle, 276, middle, "arithmetic"), Label(222, middle - 11, "arithmetic", 9))
    scene.add(
        "struct",
        Box(278, top, 180, tall, "head"),
        Label(368, top + 12, "its struct page", 9, on="head"),
        Label(368, top + 29, f"{address:#x}", 12, bold=True, on="head"),
        Label(368, top + 45, "virtual address", 8.5, on="head"),
    )
    scene.add(
        "lookup",
        Arrow(458, middle, 588, middle, "own"),
        Label(522, middle - 11, "page table:", 9),
        Label(522, middle + 13, f"PMD leaf {leaf}", 9),
    )
    scene.add(
        "backing",
        Box(590, top, 150, tall, "own"),
        Label(665, top + 12, "stored in frame", 9, on="own"),
        Label(665, top + 29, f"PFN {frame:#x}", 12, bold=True, on="own"),
        Label(665, top + 45, f"at {frame * BASE_PAGE + address % BASE_PAGE:#x} in RAM", 8.5, on="own"),
    )


FILM = Film(
    "Where the struct page of a PFN stands",
    (
        Axis("pfn", "PFN", _PFNS, tuple(f"{pfn:#x}" for pfn in _PFNS)),
        Axis("paging", "paging", tuple(PAGING)),
    ),
    _vmemmap_state,
)
