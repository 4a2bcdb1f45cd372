"""What struct pages take of a machine's RAM, and what of it can come back (the book's first page)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ...arithmetic.geometry import HugePage
from ...units import GiB, TiB, about, format_size, parse_size
from ..fact import Fact, in_bytes
from ..film import Axis, Facts, Film, after
from ..scene import PORTRAIT, WIDTH, Box, Label, Line, Scene

PAGE = HugePage("2 MiB")
SCHEME = "head page"
_RAM = tuple(map(format_size, (16 * GiB, 64 * GiB, 256 * GiB, 512 * GiB, TiB, 2 * TiB, 4 * TiB, 12 * TiB)))
_SHARES = {"none": Fraction(0), "half": Fraction(1, 2), "3/4": Fraction(3, 4), "all": Fraction(1)}
_THIN = 2.0
"""Page tables are drawn no narrower."""


@dataclass(frozen=True)
class _Sums:
    """A machine's struct pages in bytes: all, what page tables take, what comes back net, what stays missing."""

    memory: int
    share: Fraction
    memmap: int
    tables: int
    saved: int

    @property
    def missing(self) -> int:
        return self.memmap - self.saved


def _sums(memory: str, share: str) -> _Sums:
    ram, part = parse_size(memory), _SHARES[share]
    memmap = ram // PAGE.base_page * PAGE.struct_page
    if not part:
        return _Sums(ram, part, memmap, 0, 0)
    bill = PAGE.bill(SCHEME, int(ram * part) // PAGE.size)
    return _Sums(ram, part, memmap, bill.tables * PAGE.base_page, bill.saved * PAGE.base_page)


def _state(memory: str, share: str) -> tuple[Scene, Facts]:
    sums = _sums(memory, share)
    scene = Scene(WIDTH, 226)
    scene.add("missing", Label(14, 28, about(sums.missing), 34, "left", bold=True))
    first, second = _words(sums)
    scene.add("missing text", Label(206, 20, first, 14, "left"), Label(206, 40, second, 14, "left"))
    if sums.saved:
        scene.add("back", Label(810, 28, f"{about(sums.saved)} are back", 18, "right", bold=True))
    _bars(scene, sums, memory, share, left=14, wide=796, tops=(84, 156), high=32)
    for x, role, words in ((14, "head", "struct pages"), (140, "table", "page tables"), (260, "freed", "given back"),
                           (376, "own", "memory to use")):  # fmt: skip
        scene.add("key", Box(x, 202, 16, 16, role), Label(x + 24, 210, words, align="left"))  # type: ignore[arg-type]
    scene.add("key", Label(810, 210, "bars to scale", align="right"))
    _describe(scene, sums, memory, share)
    return scene, {
        "struct pages": sums.memory // PAGE.base_page,
        "they take": in_bytes(sums.memmap),
        "of the RAM": Fact(Fraction(sums.memmap, sums.memory), lambda part: f"1/{1 / part}"),
        "given back, net of page tables": in_bytes(sums.saved),
        "still missing": in_bytes(sums.missing),
    }


def _words(sums: _Sums) -> tuple[str, str]:
    """What stands beside the large number."""
    if sums.saved:
        return "still missing", f"of {about(sums.memmap)}"
    part = Fraction(sums.memory, sums.memmap)
    return "missing before a program runs:", f"1/{part} of {format_size(sums.memory)}"


def _bars(
    scene: Scene, sums: _Sums, memory: str, share: str, left: float, wide: float, tops: tuple[float, float], high: float
) -> None:
    """RAM, and below it its struct pages as wide; both to scale."""
    ram, zoomed = tops
    whole = wide * sums.memmap / sums.memory
    scene.add("ram text", Label(left, ram - 12, f"{memory} of RAM", align="left", bold=True))
    scene.add("ram", Box(left, ram, wide, high, "own"))
    scene.add("sliver", Box(left, ram, whole, high, "head"))
    if sums.saved:
        back = whole * sums.saved / sums.memmap
        scene.add("sliver back", Box(left + whole - back, ram, back, high, "own"))
    scene.add("lens", Line(left, ram + high, left, zoomed), Line(left + whole, ram + high, left + wide, zoomed))
    words = f"its struct pages: {about(sums.memmap)}"
    scene.add("memmap text", Label(left + 10, zoomed - 12, words, align="left", bold=True, on="freed"))
    taken = wide * (sums.missing - sums.tables) / sums.memmap
    scene.add("memmap", Box(left, zoomed, taken, high, "head"))
    if taken > 60:
        scene.add("taken", Label(left + taken / 2, zoomed + high / 2, about(sums.missing), 13, bold=True, on="head"))
    if sums.saved:
        scene.add("saved", Box(left + taken, zoomed, wide - taken, high, "freed"))
        scene.add("tables", Box(left + taken, zoomed, max(wide * sums.tables / sums.memmap, _THIN), high, "table"))
        middle = left + (taken + wide) / 2
        scene.add("saved text", Label(middle, zoomed + high / 2, about(sums.saved), 13, bold=True, on="freed"))
    scene.sets("ram", memory=after(_RAM, memory))
    for name in ("memmap", "saved"):
        scene.sets(name, share=after(list(_SHARES), share))
    scene.tie("sliver", "lens", "memmap text", "memmap", "tables", "saved", "missing")


def _describe(scene: Scene, sums: _Sums, memory: str, share: str) -> None:
    count, part = sums.memory // PAGE.base_page, Fraction(sums.memory, sums.memmap)
    if not sums.saved:
        scene.caption = (
            f"{memory} of RAM has {count:,} page frames. Their struct pages of {PAGE.struct_page} bytes take "
            f"{about(sums.memmap)}, 1/{part} of it."
        )
    else:
        much = "If all of it could be" if share == "all" else f"With {share} of it"
        scene.caption = (
            f"{memory} of RAM. {much} in huge pages of {format_size(PAGE.size)}, optimised as since Linux 5.18, "
            f"{about(sums.saved)} of the {about(sums.memmap)} come back, net of page tables."
        )
    back = f"{about(sums.saved)} of them given back" if sums.saved else "none of them given back"
    scene.alt = (
        f"A bar is {memory} of RAM; a sliver of it, 1/{part}, is struct pages. Below, the sliver enlarged: "
        f"{about(sums.memmap)}, {back}, {about(sums.missing)} still missing."
    )


def _portrait(memory: str, share: str) -> Scene:
    """For a phone: the words stand below the large number, and the key is two rows."""
    sums, scene = _sums(memory, share), Scene(PORTRAIT, 252)
    scene.add("missing", Label(2, 20, about(sums.missing), 32, "left", bold=True))
    scene.add("missing text", Label(2, 50, " ".join(_words(sums)), 13, "left"))
    if sums.saved:
        scene.add("back", Label(PORTRAIT - 2, 20, f"{about(sums.saved)} are back", 15, "right", bold=True))
    _bars(scene, sums, memory, share, left=2, wide=PORTRAIT - 4, tops=(94, 160), high=30)
    for number, (role, words) in enumerate((("head", "struct pages"), ("table", "page tables"),
                                            ("freed", "given back"), ("own", "memory to use"))):  # fmt: skip
        x, y = 2 + 150 * (number % 2), 212 + 24 * (number // 2)
        scene.add("key", Box(x, y - 8, 16, 16, role), Label(x + 22, y, words, align="left"))  # type: ignore[arg-type]
    return scene


FILM = Film(
    "The missing gigabytes",
    (
        Axis("memory", "RAM", _RAM),
        Axis("share", "of it optimised", tuple(_SHARES)),
    ),
    _state,
    _portrait,
)
