"""A virtual address bit by bit, and the walk to a page of 4 KiB, 2 MiB or 1 GiB (chapter 2)."""

from __future__ import annotations

from ...arithmetic.geometry import HugePage
from .. import draw
from ..fact import in_bytes
from ..film import Axis, Facts, Film
from ..scene import Scene


def _address_state(page_size: str, bit: int) -> tuple[Scene, Facts]:
    page = None if page_size == "4 KiB" else HugePage(page_size)
    return draw.address(page, bit), {
        "base pages of 4 KiB": page.nr_base_pages if page else 1,
        "order": page.order if page else 0,
        "offset bits": 12 + (page.order if page else 0),
        "this bit is worth": in_bytes(1 << bit),
        "tables walked": draw.walk(page),
    }


FILM = Film(
    "A virtual address and its page size",
    (Axis("page_size", "page size", ("4 KiB", "2 MiB", "1 GiB")), Axis("bit", "address bit", tuple(range(48)))),
    _address_state,
)
