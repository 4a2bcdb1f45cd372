"""RAM from 1 GiB to 12 TiB by sizeof(struct page): how much of it describes the rest (chapter 1)."""

from __future__ import annotations

from ...arithmetic.geometry import HugePage
from ...units import GiB, TiB, format_size, parse_size
from .. import draw
from ..fact import Fact, in_bytes
from ..film import Axis, Facts, Film
from ..scene import Scene

_RAM = tuple(
    format_size(n) for n in (GiB, 4 * GiB, 16 * GiB, 64 * GiB, 256 * GiB, TiB, 2 * TiB, 4 * TiB, 8 * TiB, 12 * TiB)
)


def _memmap_state(memory: str, struct_page: int) -> tuple[Scene, Facts]:
    ram = HugePage("2 MiB", struct_page=struct_page)
    size = parse_size(memory)
    frames = size // ram.base_page
    return draw.memmap(size, struct_page), {
        "page frames": frames,
        "struct pages in all": in_bytes(frames * struct_page),
        "share of RAM": Fact(ram.share, lambda share: f"{struct_page}/4096 = {draw.percent(share)}"),
    }


FILM = Film(
    "RAM and its struct pages",
    (
        Axis("memory", "RAM", _RAM),
        Axis(
            "struct_page",
            "struct page",
            (64, 56, 72, 80, 88, 96),
            tuple(f"{n} bytes" for n in (64, 56, 72, 80, 88, 96)),
        ),
    ),
    _memmap_state,
)
