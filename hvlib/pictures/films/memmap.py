"""RAM from 1 GiB to 12 TiB by sizeof(struct page): how much of it describes the rest (chapter 1)."""

from __future__ import annotations

from fractions import Fraction

from ...arithmetic.geometry import HugePage
from ...facts.layout import BASE_PAGE
from ...units import GiB, TiB, about, format_size, parse_size
from ..fact import Fact, in_bytes
from ..film import Axis, Facts, Film, after
from ..scene import PORTRAIT, WIDTH, Arrow, Box, Label, Line, Scene

_RAM = tuple(
    format_size(n) for n in (GiB, 4 * GiB, 16 * GiB, 64 * GiB, 256 * GiB, TiB, 2 * TiB, 4 * TiB, 8 * TiB, 12 * TiB)
)
_SIZES = (56, 64, 72, 80, 88, 96)
_TOP, _FRAME = 56, 160
_TWIN, _CELLS, _NUMBERS = 214, 346, 560
"""Left edge of the struct page, of RAM and of the numbers."""


def memmap(memory: int, struct_page: int) -> Scene:
    """RAM as 64 squares of equal size, and how much of it is struct pages."""
    share = Fraction(struct_page, BASE_PAGE)
    frames = memory // BASE_PAGE
    scene = Scene(WIDTH, 284)
    scene.add(
        "frame",
        Label(14 + _FRAME / 2, 22, "one page frame", 13, bold=True),
        Box(14, _TOP, _FRAME, _FRAME, "own"),
        Label(14 + _FRAME / 2, _TOP + _FRAME / 2, format_size(BASE_PAGE), 16, on="own"),
    )
    side = _FRAME * float(share) ** 0.5
    scene.add("twin", Box(_TWIN, _TOP, side, side, "head"))
    scene.add(
        "twin text",
        Label(_TWIN + 46, 22, "its struct page", 13, bold=True),
        Label(_TWIN + 46, 40, f"{struct_page} bytes"),
    )
    scene.add("arrow", Arrow(14 + _FRAME, _TOP + side / 2, _TWIN - 1, _TOP + side / 2, "arithmetic"))
    scene.add("scale", Label(14, _TOP + _FRAME + 18, "areas to scale", align="left"))
    scene.add("ram text", Label(_CELLS + 88, 22, f"all RAM: {format_size(memory)}", 13, bold=True))
    cell, top = 22, 44
    scene.add("ram", Box(_CELLS, top, 8 * cell, 8 * cell, "own"))
    _cells(scene, share, _CELLS, top, cell)
    scene.add("cell text", Label(_CELLS + 88, _TOP + _FRAME + 18, f"each square: {format_size(memory // 64)}"))
    for row, (name, value) in enumerate(_numbers(memory, struct_page)):
        y = 62 + 44 * row
        scene.add(f"name{row}", Label(_NUMBERS, y, name, align="left"))
        scene.add(f"value{row}", Label(810, y, value, 15, "right", bold=True))
    scene.add("rules", *(Line(_NUMBERS, 84 + 44 * row, 810, 84 + 44 * row) for row in range(3)))
    scene.add(
        "key",
        Box(14, 258, 16, 16, "own"),
        Label(38, 266, "memory to use", align="left"),
        Box(160, 258, 16, 16, "head"),
        Label(184, 266, "struct pages (the memmap)", align="left"),
    )
    _touch(scene, memory, struct_page)
    scene.caption = (
        f"{format_size(memory)} of RAM is {frames:,} page frames; at {struct_page} bytes each their struct pages take "
        f"{about(frames * struct_page)}, {percent(share)} of it."
    )
    scene.alt = (
        f"A page frame of {format_size(BASE_PAGE)} beside its struct page of {struct_page} bytes, to scale. RAM of "
        f"{format_size(memory)} as 64 squares, of which {float(share * 64):.3g} are filled by struct pages."
    )
    return scene


def _numbers(memory: int, struct_page: int) -> tuple[tuple[str, str], ...]:
    """What stands beside the picture, in words and figures."""
    frames = memory // BASE_PAGE
    return (
        ("page frames", f"{frames:,}"),
        ("bytes per struct page", f"{struct_page}"),
        ("struct pages in all", about(frames * struct_page)),
        ("share of RAM", percent(Fraction(struct_page, BASE_PAGE))),
    )


def _cells(scene: Scene, share: Fraction, left: float, top: float, cell: float) -> None:
    """RAM as 64 squares, filled by struct pages."""
    for number in range(64):
        x, y = left + number % 8 * cell, top + number // 8 * cell
        filled = min(max(float(share * 64) - number, 0), 1)
        shapes = [Box(x, y, cell, cell, "own")]
        if filled:
            shapes.append(Box(x, y, cell * filled, cell, "head"))
        scene.add(f"cell{number}", *shapes)


def _touch(scene: Scene, memory: int, struct_page: int) -> None:
    """The struct page has its next size, and RAM its next."""
    scene.sets("twin", struct_page=after(_SIZES, struct_page))
    if (size := format_size(memory)) in _RAM:
        scene.sets("ram", memory=after(_RAM, size))
    scene.tie("frame", "arrow", "twin", "twin text")


def _portrait(memory: str, struct_page: int) -> Scene:
    """For a phone: a frame and its struct page, below them all RAM, below that the numbers."""
    share, size = Fraction(struct_page, BASE_PAGE), parse_size(memory)
    scene, frame, cell = Scene(PORTRAIT, 500), 112, 17
    scene.add(
        "frame",
        Label(2, 14, "one page frame", align="left", bold=True),
        Box(2, 28, frame, frame, "own"),
        Label(2 + frame / 2, 28 + frame / 2, "4 KiB", 16, on="own"),
    )
    side = frame * float(share) ** 0.5
    scene.add("twin", Box(150, 28, side, side, "head"))
    scene.add(
        "twin text",
        Label(150, 14, "its struct page", align="left", bold=True),
        Label(178, 36, f"{struct_page} bytes", align="left"),
    )
    scene.add("arrow", Arrow(2 + frame, 28 + side / 2, 149, 28 + side / 2, "arithmetic"))
    scene.add("scale", Label(2, 158, "areas to scale", align="left"))
    scene.add("ram text", Label(2, 192, f"all RAM: {memory}", align="left", bold=True))
    scene.add("ram", Box(2, 206, 8 * cell, 8 * cell, "own"))
    _cells(scene, share, 2, 206, cell)
    scene.add("cell text", Label(152, 214, f"each square: {format_size(size // 64)}", align="left"))
    for row, (name, value) in enumerate(_numbers(size, struct_page)):
        scene.add(f"name{row}", Label(2, 370 + 24 * row, name, align="left"))
        scene.add(f"value{row}", Label(PORTRAIT - 2, 370 + 24 * row, value, 13, "right", bold=True))
    scene.add(
        "key",
        Box(2, 470, 16, 16, "own"), Label(24, 478, "memory to use", align="left"),
        Box(142, 470, 16, 16, "head"), Label(164, 478, "struct pages (the memmap)", align="left"),
    )  # fmt: skip
    _touch(scene, size, struct_page)
    return scene


def percent(share: Fraction) -> str:
    """A share in percent, with all the digits that a number of 64ths needs."""
    return f"{float(share * 100):.8g} %"


def _memmap_state(memory: str, struct_page: int) -> tuple[Scene, Facts]:
    ram = HugePage("2 MiB", struct_page=struct_page)
    size = parse_size(memory)
    frames = size // ram.base_page
    return memmap(size, struct_page), {
        "page frames": frames,
        "struct pages in all": in_bytes(frames * struct_page),
        "share of RAM": Fact(ram.share, lambda share: f"{struct_page}/4096 = {percent(share)}"),
    }


FILM = Film(
    "RAM and its struct pages",
    (
        Axis("memory", "RAM", _RAM),
        Axis("struct_page", "struct page", _SIZES, tuple(f"{n} bytes" for n in _SIZES), start=64),
    ),
    _memmap_state,
    _portrait,
)
