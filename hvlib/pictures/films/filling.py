"""Struct pages of a huge page laid into vmemmap pages, by three sizes (chapter 5)."""

from __future__ import annotations

from ...arithmetic.geometry import HugePage
from ...errors import BadInput
from .. import draw
from ..fact import in_bytes
from ..film import Axis, Facts, Film
from ..scene import Scene


def _filling_state(huge_page: str, base_page: str, struct_page: int) -> tuple[Scene, Facts]:
    try:
        page = HugePage(huge_page, base_page, struct_page)
    except BadInput as why:
        return draw.no_geometry(str(why)), {"impossible": str(why)}
    return draw.filling(page), {
        "struct pages": page.nr_base_pages,
        "memmap": in_bytes(page.memmap_bytes),
        "vmemmap pages": page.nr_vmemmap_pages,
        "frames freed in 5.14 to 5.17": page.freed("tail page"),
        "frames freed since 5.18": page.freed("head page"),
    }


FILM = Film(
    "Struct pages fill vmemmap pages",
    (
        Axis("huge_page", "huge page", ("2 MiB", "32 MiB", "512 MiB", "1 GiB", "64 KiB")),
        Axis("base_page", "base page", ("4 KiB", "16 KiB", "64 KiB")),
        Axis("struct_page", "struct page", (64, 56, 80, 128), ("64 bytes", "56 bytes", "80 bytes", "128 bytes")),
    ),
    _filling_state,
)
