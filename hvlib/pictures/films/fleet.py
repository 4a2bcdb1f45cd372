"""What a fleet of hosts saves, as a range: hosts, memory, share in huge pages (chapter 12)."""

from __future__ import annotations

import math
from fractions import Fraction

from ...arithmetic.fleet import Fleet, Range
from ...units import GiB, TiB, about, format_size
from ..fact import Fact
from ..film import Axis, Facts, Film
from ..scene import PORTRAIT, Arrow, Box, Label, Line, Scene, Shape
from ..scene import WIDTH as PICTURE

_SHARES: dict[str, tuple[float, float]] = {
    "10 to 30 %": (0.1, 0.3),
    "40 to 60 %": (0.4, 0.6),
    "50 %": (0.5, 0.5),
    "70 to 90 %": (0.7, 0.9),
}
_HOSTS = (1, 100, 10_000, 1_000_000)
LEFT, WIDTH = 14.0, 796.0
_FIRST, _LAST = 26, 56
"""The axis of bytes, in powers of two."""
SMALL = 64 * GiB


class _Sums:
    """A fleet, with what it saves worked out once."""

    def __init__(self, fleet: Fleet) -> None:
        self.hosts, self.memory, self.share, self.page = fleet.hosts, fleet.memory, fleet.share, fleet.page
        self.memmap, self.huge_pages, self.tables = fleet.memmap, fleet.huge_pages, fleet.tables
        self.saved_per_host, self.saved, self.share_of_ram = fleet.saved_per_host, fleet.saved, fleet.share_of_ram


def place(size: int | Fraction) -> float:
    """Where a number of bytes stands on the logarithmic axis."""
    return LEFT + (math.log2(size) - _FIRST) * WIDTH / (_LAST - _FIRST)


def _fleet_state(hosts: int, memory: str, share: str, huge_page: str) -> tuple[Scene, Facts]:
    fleet = _Sums(Fleet(hosts, memory, _SHARES[share], huge_page))
    scene = Scene(PICTURE, 540)
    _host(scene, fleet, share)
    _memmap(scene, fleet)
    _each_gib(scene, fleet, LEFT, WIDTH, 248)
    _axis(scene, fleet)
    _totals(scene, fleet)
    _touch(scene, fleet, hosts, share)
    who, they, their = (f"{hosts:,} hosts", "save", "their") if hosts > 1 else ("1 host", "saves", "its")
    gross = _gross(fleet)
    each = f" Each GiB of RAM gives {gross} before page tables." if gross.low == gross.high else ""
    scene.caption = (
        f"{who} of {memory}, with {share} of it in {huge_page} pages, {they} {fleet.saved} net of page tables: "
        f"{fleet.share_of_ram} of {their} RAM.{each}"
    )
    scene.alt = (
        f"A bar is the RAM of one host, {memory}; {share} of it is huge pages. Below, the memory of its struct pages, "
        f"enlarged: {fleet.saved_per_host} of {about(_memmap_of_a_host(fleet))} saved. For each GiB of RAM, a bar of "
        f"{about(_memmap_per_gib(fleet))}, and what comes back of it before page tables.{each} On a logarithmic "
        f"scale of bytes, one host and the fleet of {hosts:,}, which saves {fleet.saved}."
    )
    worth = _in_hosts(fleet)
    return scene, {
        "saved in all": _both_ends(fleet.saved),
        "saved by one host": _both_ends(fleet.saved_per_host),
        "share of RAM": _both_ends(fleet.share_of_ram),
        "back for each GiB, before page tables": _both_ends(_gross(fleet)),
        "huge pages of one host": _both_ends(fleet.huge_pages),
        "page tables, in all": _both_ends(fleet.tables),
        "as much as the RAM of": Fact({"low": worth[0], "high": worth[1], "unit": "hosts"}, lambda _: _worth(fleet)),
    }


def _portrait(hosts: int, memory: str, share: str, huge_page: str) -> Scene:
    """For a phone: the bars have the whole width, and their words stand beside colours below them."""
    fleet, left, wide = _Sums(Fleet(hosts, memory, _SHARES[share], huge_page)), 2.0, PORTRAIT - 4.0
    scene, whole = Scene(PORTRAIT, 652), _memmap_of_a_host(fleet)
    memmap = wide * whole / int(fleet.memory.low)
    sure, perhaps = (left + memmap + wide * float(end) for end in (fleet.share.low, fleet.share.high))
    scene.add(
        "title",
        Label(left, 12, f"one host: {memory} of RAM,", align="left", bold=True),
        Label(left, 29, f"{share} of it in {huge_page} pages", align="left", bold=True),
    )
    scene.add("huge", Box(left + memmap, 84, sure - left - memmap, 36, "quiet"))
    scene.add("perhaps", Box(sure, 84, perhaps - sure, 36, "void"))
    scene.add("rest", Box(perhaps, 84, left + wide - perhaps, 36, "plain"))
    scene.add("memmap", Box(left, 84, memmap, 36, "head"))
    scene.add("zoom", Line(left, 120, left, 156), Line(left + memmap, 120, left + wide, 156))
    scene.add("zoomed", Label(left + 8, 142, f"its struct pages: {about(whole)}", align="left", bold=True, on="freed"))
    saved = fleet.saved_per_host
    low, high = (left + wide * float(Fraction(end) / whole) for end in (saved.low, saved.high))
    scene.add("freed", Box(left, 156, low - left, 36, "freed"))
    scene.add("may be", Box(low, 156, high - low, 36, "void"))
    scene.add("stays", Box(high, 156, left + wide - high, 36, "head"))
    _touch(scene, fleet, hosts, share, left, wide, 44)
    keys = ((2, "quiet", "huge pages"), (124, "void", "perhaps"), (226, "plain", "the rest"),
            (2, "head", "struct pages"), (124, "freed", "saved"))  # fmt: skip
    for number, (x, role, words) in enumerate(keys):
        y = 214 + 26 * (number // 3)
        scene.add("key", Box(x, y - 8, 16, 16, role), Label(x + 22, y, words, align="left"))  # type: ignore[arg-type]
    _each_gib(scene, fleet, left, wide, 270)
    line = 418

    def at(size: int | Fraction) -> float:
        return left + (math.log2(size) - _FIRST) * wide / (_LAST - _FIRST)

    scene.add("axis", Line(left, line, left + wide, line))
    for power, text in ((30, "1 GiB"), (40, "1 TiB"), (50, "1,024 TiB")):
        scene.add("axis", Line(at(1 << power), line, at(1 << power), line + 6), Label(at(1 << power), line + 18, text))
    for row, (name, ends) in enumerate((("one host", saved), ("the fleet", fleet.saved))):
        first, last, y = at(ends.low), at(ends.high), 336 + 42 * row
        scene.add(f"{name} lane", Box(left, y + 10, wide, 18, "void"))
        scene.add(
            name,
            Label(left, y, f"{name}: {ends}", align="left", bold=True),
            Box(first, y + 10, max(last - first, 8), 18, "freed"),
        )
    who, their = (f"{fleet.hosts:,} hosts", "their") if fleet.hosts > 1 else ("1 host", "its")
    rows = ((f"saved by {who}", str(fleet.saved)), (f"share of {their} RAM", str(fleet.share_of_ram)),
            ("worth the RAM of this many hosts", _worth(fleet)))  # fmt: skip
    for number, (name, value) in enumerate(rows):
        scene.add(f"name{number}", Label(left, 462 + 50 * number, name, align="left"))
        scene.add(f"value{number}", Label(left, 483 + 50 * number, value, 15, "left", bold=True))
    scene.add("note", Label(left, 622, "bytes saved are on a logarithmic scale", align="left"))
    return scene


def _touch(
    scene: Scene, fleet: _Sums, hosts: int, share: str, left: float = LEFT, wide: float = WIDTH, top: float = 34
) -> None:
    """The share is set on a scale above the bar of RAM; the fleet has more hosts, or one."""
    memmap = wide * _memmap_of_a_host(fleet) / int(fleet.memory.low)
    for number, (name, ends) in enumerate(_SHARES.items()):
        low, high = (left + memmap + wide * end for end in ends)
        middle, room, role = (low + high) / 2, max(high - low, 42), "mark" if name == share else "plain"
        y = top if high > low else top + 19  # an exact share stands below the range around it
        scene.add(
            f"share{number}",
            Box(middle - room / 2, y, room, 17, role),  # type: ignore[arg-type]
            Label(middle, y + 9, name if wide == WIDTH else name.replace(" to ", "–"), bold=name == share, on=role),  # type: ignore[arg-type]
        )
        scene.sets(f"share{number}", share=name)
    scene.sets("one host lane", hosts=1)
    scene.sets("the fleet lane", hosts=next((more for more in _HOSTS if more > hosts), _HOSTS[0]))
    scene.tie("memmap", "zoom", "freed", "may be", "stays")
    scene.tie("huge", "perhaps", *(f"share{n}" for n in range(len(_SHARES))))


def _both_ends(ends: Range) -> Fact:
    return Fact({"low": ends.low, "high": ends.high, "unit": ends.unit}, lambda _: str(ends))


def _memmap_of_a_host(fleet: _Sums) -> int:
    return int(fleet.memmap.low) // fleet.hosts


def _host(scene: Scene, fleet: _Sums, share: str) -> None:
    """RAM of one host, to scale: struct pages, huge pages for certain, huge pages perhaps, the rest."""
    top, height = 74, 44
    memmap = WIDTH * _memmap_of_a_host(fleet) / int(fleet.memory.low)
    sure, perhaps = (LEFT + memmap + WIDTH * float(end) for end in (fleet.share.low, fleet.share.high))
    size = format_size(fleet.page.size)
    text = f"one host: {format_size(int(fleet.memory.low))} of RAM, {share} of it in {size} pages"
    scene.add("title", Label(LEFT, 20, text, 13, "left", bold=True))
    scene.add("key", Label(LEFT + WIDTH, 20, "bars to scale", align="right"))
    scene.add(
        "huge",
        Box(LEFT + memmap, top, sure - LEFT - memmap, height, "quiet"),
        Label((LEFT + memmap + sure) / 2, top + 22, "huge pages", on="quiet"),
    )
    if perhaps > sure:
        scene.add(
            "perhaps",
            Box(sure, top, perhaps - sure, height, "void"),
            Label((sure + perhaps) / 2, top + 14, "perhaps"),
            Label((sure + perhaps) / 2, top + 31, "huge pages"),
        )
    scene.add(
        "rest",
        Box(perhaps, top, LEFT + WIDTH - perhaps, height, "plain"),
        Label((perhaps + LEFT + WIDTH) / 2, top + 22, "the rest"),
    )
    scene.add("memmap", Box(LEFT, top, memmap, height, "head"))
    scene.add("zoom", Line(LEFT, 118, LEFT, 162), Line(LEFT + memmap, 118, LEFT + WIDTH, 162))


def _memmap(scene: Scene, fleet: _Sums) -> None:
    """The struct pages of one host, enlarged: saved for certain, saved perhaps, what stays."""
    top, height, whole = 162, 44, _memmap_of_a_host(fleet)
    saved = fleet.saved_per_host
    low, high = (LEFT + WIDTH * float(Fraction(end) / whole) for end in (saved.low, saved.high))
    scene.add(
        "freed", Box(LEFT, top, low - LEFT, height, "freed"), Label((LEFT + low) / 2, top + 22, "saved", on="freed")
    )
    perhaps = [Label((low + high) / 2, top + 22, "perhaps")] if high - low > 60 else []
    scene.add("may be", Box(low, top, high - low, height, "void"), *perhaps)
    scene.add(
        "stays", Box(high, top, LEFT + WIDTH - high, height, "head"),
        Label((high + LEFT + WIDTH) / 2, top + 22, "stays", on="head"),
    )  # fmt: skip
    scene.add(
        "ends",
        Line(low, top + height, low, top + height + 7),
        Line(high, top + height, high, top + height + 7),
        *(
            [
                Label(low, top + height + 18, about(saved.low), bold=True),
                Label(high, top + height + 18, about(saved.high), bold=True),
            ]
            if high - low > 60
            else [Label((low + high) / 2, top + height + 18, str(saved), bold=True)]
        ),
    )
    scene.add(
        "zoomed", Label(LEFT + WIDTH, 140, f"its struct pages: {about(whole)}", align="right", bold=True, on="freed")
    )


def _memmap_per_gib(fleet: _Sums) -> Fraction:
    """Bytes of struct pages for a GiB of RAM."""
    return Fraction(_memmap_of_a_host(fleet) * GiB, int(fleet.memory.low))


def _gross(fleet: _Sums) -> Range:
    """What comes back for a GiB of RAM before page tables."""
    freed = Fraction(fleet.page.freed("head page"), fleet.page.nr_vmemmap_pages) * _memmap_per_gib(fleet)
    return Range(freed * Fraction(fleet.share.low), freed * Fraction(fleet.share.high))


def _each_gib(scene: Scene, fleet: _Sums, left: float, wide: float, y: float) -> None:
    """The struct pages of one GiB of RAM, and how much of them comes back, to scale."""
    whole, gross = _memmap_per_gib(fleet), _gross(fleet)
    low, high = (left + wide * float(end / whole) for end in (gross.low, gross.high))
    words = f"each GiB of RAM: {about(whole)} of struct pages" if wide == WIDTH else f"each GiB: {about(whole)}"
    scene.add("each GiB words", Label(left, y, words, align="left", bold=True))
    back = f"back before page tables: {gross}" if wide == WIDTH else f"back: {gross}"
    scene.add("each GiB text", Label(left + wide, y, back, align="right", bold=True))
    scene.add(
        "each GiB",
        Box(left, y + 10, low - left, 22, "freed"),
        *([Box(low, y + 10, high - low, 22, "void")] if high > low else []),
        Box(high, y + 10, left + wide - high, 22, "head"),
    )


def _axis(scene: Scene, fleet: _Sums) -> None:
    """Bytes saved by one host and by all, on a logarithmic axis with landmarks."""
    line = 436
    shapes: list[Shape] = [Line(LEFT, line, LEFT + WIDTH, line)]
    for power, text in ((30, "1 GiB"), (40, "1 TiB"), (50, "1,024 TiB")):
        x = place(1 << power)
        shapes += [Line(x, line, x, line + 6), Label(x, line + 18, text)]
    for step in range(_FIRST, _LAST + 1, 2):
        shapes.append(Line(place(1 << step), line, place(1 << step), line + 3))
    shapes.append(Label(LEFT, line + 18, "bytes saved", align="left"))
    scene.add("axis", *shapes)
    landmarks: list[Shape] = []
    for count, text, align in ((1, "64 GiB", "center"), (1000, "1,000 x 64 GiB", "center"),
                               (1_000_000, "1,000,000 x 64 GiB", "right")):  # fmt: skip
        x = place(count * SMALL)
        landmarks += [Arrow(x, 348, x, 366, "arithmetic"), Label(min(x, LEFT + WIDTH), 338, text, align=align)]  # type: ignore[arg-type]
    scene.add("landmarks", *landmarks)
    for row, (name, saved) in enumerate((("one host", fleet.saved_per_host), ("the fleet", fleet.saved))):
        y = 374 + 31 * row
        low, high = place(saved.low), place(saved.high)
        left = high > 520
        scene.add(f"{name} lane", Box(LEFT, y, WIDTH, 24, "void"))
        scene.add(
            name,
            Box(low, y, high - low, 24, "freed"),
            Label(
                low - 8 if left else high + 8, y + 12, f"{name}: {saved}", align="right" if left else "left", bold=True
            ),
        )


def _totals(scene: Scene, fleet: _Sums) -> None:
    """Three ranges in large figures."""
    hosts, their = (f"{fleet.hosts:,} hosts", "their") if fleet.hosts > 1 else ("1 host", "its")
    columns = (
        (LEFT, f"saved by {hosts}", str(fleet.saved)),
        (300, f"share of {their} RAM", str(fleet.share_of_ram)),
        (530, "worth the RAM of this many hosts", _worth(fleet)),
    )
    for number, (x, name, value) in enumerate(columns):
        scene.add(f"name{number}", Label(x, 492, name, align="left"))
        scene.add(f"value{number}", Label(x, 518, value, 15, "left", bold=True))
    scene.add("rule", Line(LEFT, 472, LEFT + WIDTH, 472))


def _in_hosts(fleet: _Sums) -> tuple[Fraction, Fraction]:
    return Fraction(fleet.saved.low) / fleet.memory.low, Fraction(fleet.saved.high) / fleet.memory.low


def _worth(fleet: _Sums) -> str:
    """The range saved, counted in hosts of this fleet."""
    low, high = _in_hosts(fleet)
    if high < 1:
        return "less than one host"
    return f"{_few(low)} to {_few(high)} hosts"


def _few(count: Fraction) -> str:
    value = float(f"{float(count):.3g}")
    return f"{value:,.0f}" if value >= 100 else f"{value:g}"


FILM = Film(
    "Your own fleet, with the optimisation since 5.18 on x86-64",
    (
        Axis("hosts", "hosts", _HOSTS, tuple(f"{count:,}" for count in _HOSTS)),
        Axis("memory", "memory of each", tuple(map(format_size, (SMALL, 256 * GiB, TiB, 4 * TiB)))),
        Axis("share", "in huge pages", tuple(_SHARES)),
        Axis("huge_page", "huge page", ("2 MiB", "1 GiB")),
    ),
    _fleet_state,
    _portrait,
)
