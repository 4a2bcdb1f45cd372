"""What huge pages cost and save, gross and net of page tables, by size, scheme and memory (chapter 9)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import sqrt

from ...arithmetic.geometry import Bill, HugePage
from ...facts.schemes import SCHEMES
from ...units import KiB, about, format_size, parse_size, quantity
from ..fact import Fact
from ..film import Axis, Facts, Film
from ..scene import PORTRAIT, WIDTH, Box, Label, Line, Role, Scene

_ONE, _FIRST = "one page", "head page"
LEFT, BAR, TOP, HIGH, NARROW = 14.0, 796.0, 54.0, 56.0, 3.0
LANE, LONG = 280.0, 236.0
"""Where the lengths of the bill begin, and how long all the frames are."""
FRAMES = 600
"""Where the bill's numbers of frames end."""
_TAKEN: tuple[tuple[str, Role], ...] = (("kept frames", "own"), ("page tables", "table"), ("shared tails", "shared"))


def _pages_in(huge_page: HugePage, memory: str) -> int:
    return 1 if memory == _ONE else parse_size(memory) // huge_page.size


def _state(huge_page: str, scheme: str, memory: str) -> tuple[Scene, Facts]:
    page = HugePage(huge_page)
    count = _pages_in(page, memory)
    bill = page.bill(scheme, count)
    left = bill.memmap - bill.saved
    ram = Fraction(count * page.size, page.base_page)
    return _scene(page, scheme, memory, count, bill), {
        "huge pages": count,
        "struct pages take": _memory(page, bill.memmap),
        "frames freed (gross)": bill.freed,
        "page tables": bill.tables,
        "shared pages of tails": bill.shared,
        "saved (net)": _memory(page, bill.saved, "{frames:,} frames = "),
        "still taken": _memory(page, left),
        "saved, of the struct pages' memory": Fact(Fraction(bill.saved, bill.memmap), _percent),
        "saved, of the huge pages' memory": Fact(bill.saved / ram, _percent),
    }


@dataclass(frozen=True)
class _Row:
    """A row of the bill: pages, as a length among those that hold the struct pages, from so many on."""

    name: str
    sign: str
    pages: int
    begin: int
    role: Role
    bold: bool = False


def _rows(bill: Bill) -> tuple[_Row, ...]:
    """The bill, each row beginning where the one before leaves off."""
    left, kept = bill.memmap - bill.saved, bill.memmap - bill.freed
    once = " (one zone)" if bill.shared else ""
    return (
        _Row("frames that hold the struct pages", "", bill.memmap, 0, "quiet"),
        _Row("kept frames", "−", kept, 0, "own"),
        _Row("frames freed (gross)", "=", bill.freed, kept, "freed"),
        _Row("page tables, paid once and kept", "−", bill.tables, kept, "table"),
        _Row(f"shared page of tails, once{once}", "−", bill.shared, kept + bill.tables, "shared"),
        _Row("saved (net)", "=", bill.saved, left, "freed", bold=True),
        _Row("still taken", "", left, 0, "quiet", bold=True),
    )


def _length(row: _Row, whole: int, left: float, y: float, wide: float) -> tuple[Box, ...]:
    """A row as a length on a lane that is all the frames; nothing that is there is thinner than `NARROW`."""
    lane = Box(left, y - 8, wide, 16, "void")
    if not row.pages:
        return (lane,)
    drawn = max(wide * row.pages / whole, NARROW)
    return lane, Box(left + min(wide * row.begin / whole, wide - drawn), y - 8, drawn, 16, row.role)


def _area(scene: Scene, bill: Bill, left: float, top: float, wide: float, high: float) -> float:
    """All the struct pages as an area, what is still taken in its lower left corner, to scale; how wide that is."""
    share = (bill.memmap - bill.saved) / bill.memmap
    side = max(sqrt(share * wide * high), wide * share)
    if bill.saved:
        scene.add("saved", Box(left, top, wide, high, "freed"))
    deep = min(side, high)
    scene.add("whole", Box(left, top + high - deep, share * wide * high / deep, deep, "quiet"))
    return share * wide * high / deep


def _enlarged(scene: Scene, bill: Bill, left: float, top: float, wide: float, high: float) -> dict[str, Box]:
    """What is still taken, as large as the whole was: where each part stands."""
    taken, x, found = bill.memmap - bill.saved, left, {}
    for (name, role), pages in zip(_TAKEN, (bill.memmap - bill.freed, bill.tables, bill.shared), strict=True):
        if pages:
            width = max(wide * pages / taken, NARROW)
            start = min(x, left + wide - width)
            found[name] = Box(start, top, width, high, role)
            scene.add(name, found[name])
            x = start + width
    return found


def _scene(page: HugePage, scheme: str, memory: str, count: int, bill: Bill) -> Scene:
    many = f"{quantity(count, 'huge page')} of {format_size(page.size)}"
    left, kept = bill.memmap - bill.saved, bill.memmap - bill.freed
    scene = Scene(WIDTH, 512)
    title = f"{many}; scheme: {scheme}, {SCHEMES[scheme].releases}" if scheme != "off" else f"{many}; scheme: off"
    scene.add("title", Label(LEFT, 18, title, 14, "left", bold=True))

    scene.add("whole text", Label(LEFT, 42, f"all their struct pages: {_size(page, bill.memmap)}", align="left"))
    part = _area(scene, bill, LEFT, TOP, BAR, HIGH)
    if bill.saved:
        middle = LEFT + (part + BAR) / 2
        text = f"saved: {_size(page, bill.saved)}"
        scene.add("saved text", Label(middle, TOP + HIGH / 2, text, 14, bold=True, on="freed"))

    low, lens = TOP + HIGH, TOP + HIGH + 36
    scene.add("lens", Line(LEFT, low, LEFT, lens), Line(LEFT + part, low, LEFT + BAR, lens))
    text = f"still taken: {_size(page, left)}, {_zoom(bill)}"
    scene.add("zoom text", Label(LEFT + 8, lens - 12, text, align="left", on="freed"))
    for (name, box), pages in zip(
        _enlarged(scene, bill, LEFT, lens, BAR, HIGH).items(),
        filter(None, (kept, bill.tables, bill.shared)),
        strict=True,
    ):
        if box.width > 112:
            x, y = box.x + box.width / 2, lens + HIGH / 2
            scene.add(
                f"{name} text",
                Label(x, y - 9, name, bold=True, on=box.role),
                Label(x, y + 9, _size(page, pages), on=box.role),
            )

    head = lens + HIGH + 22
    scene.add(
        "columns",
        Label(LANE, head, "as a part of these frames", align="left"),
        Label(FRAMES, head, "frames of 4 KiB", align="right"),
        Label(720, head, "memory", align="right"),
        Label(810, head, "of their RAM", align="right"),
        Line(LEFT, head + 12, 810, head + 12),
        Line(LEFT, head + 132, 810, head + 132),
    )
    for number, row in enumerate(_rows(bill)):
        y = head + 25 + 23 * number + (9 if number > 4 else 0)
        of_ram = Fraction(row.pages * page.base_page, count * page.size)
        scene.add(
            f"row{number}",
            *([Label(20, y, row.sign, bold=row.bold)] if row.sign else []),
            Label(34, y, row.name, align="left", bold=row.bold),
            *_length(row, bill.memmap, LANE, y, LONG),
            Label(FRAMES, y, f"{row.pages:,}", align="right", bold=row.bold),
            Label(720, y, _exact(page, row.pages), align="right", bold=row.bold),
            Label(810, y, _percent(of_ram), align="right"),
        )
    note = "Page tables as for huge pages that are neighbours, none of them optimised before."
    if any(0 < row.pages * LONG < NARROW * bill.memmap for row in _rows(bill)):
        note += " What is thinner than a line is drawn as one."
    scene.add("note", Label(LEFT, head + 198, note, align="left"))
    scene.add(
        "schemes text", Label(LEFT, head + 224, "the same struct pages, scheme by scheme", align="left", bold=True)
    )
    _schemes(scene, page, scheme, count)
    _touch(scene)
    named = "One" if memory == _ONE else f"{memory} in"
    pages_named = f"{named} {many.split(' ', 1)[1]}" if memory == _ONE else f"{named} {many}"
    if scheme == "off":
        scene.caption = f"{pages_named}, scheme off: nothing is freed, and struct pages take {_size(page, left)}."
    else:
        scene.caption = (
            f"{pages_named}, scheme {scheme}: {bill.freed:,} frames freed, "
            f"{quantity(bill.tables, 'page table')} taken, {_size(page, bill.saved)} saved; "
            f"{_size(page, left)} still taken."
        )
    scene.alt = (
        f"Scheme {scheme}. A bar for the memory of the struct pages of {many}, {_size(page, bill.memmap)}, "
        f"of which {_size(page, bill.saved)} are saved. "
        f"Below, what is still taken, enlarged: kept frames {_size(page, kept)}, page tables "
        f"{_size(page, bill.tables)}, shared tails {_size(page, bill.shared)}. Below that a table of the same sums."
    )
    return scene


def _portrait(huge_page: str, scheme: str, memory: str) -> Scene:
    """For a phone: area and bar have the whole width, and each row of the bill is two lines."""
    page = HugePage(huge_page)
    count = _pages_in(page, memory)
    bill = page.bill(scheme, count)
    wide = PORTRAIT - 4.0
    scene = Scene(PORTRAIT, 528 + 36 * len(SCHEMES))
    scene.add("title", Label(2, 12, f"{quantity(count, 'huge page')} of {huge_page}", 13, "left", bold=True))
    scene.add("whole text", Label(2, 34, f"all their struct pages: {_size(page, bill.memmap)}", align="left"))
    part = _area(scene, bill, 2, 44, wide, 60)
    scene.add("lens", Line(2, 104, 2, 140), Line(2 + part, 104, 2 + wide, 140))
    text = f"still taken: {_size(page, bill.memmap - bill.saved)}, {_zoom(bill)}"
    scene.add("zoom text", Label(8, 127, text, align="left", on="freed"))
    _enlarged(scene, bill, 2, 140, wide, 60)
    scene.add("columns", Label(PORTRAIT - 2, 220, "frames of 4 KiB, and memory", align="right"))
    for number, row in enumerate(_rows(bill)):
        y, name = 242 + 41 * number, f"{row.sign} {row.name.removesuffix(' (one zone)')}".strip()
        scene.add(
            f"row{number}",
            Label(2, y, name, align="left", bold=row.bold),
            *_length(row, bill.memmap, 2, y + 18, 140),
            Label(PORTRAIT - 2, y + 18, f"{row.pages:,} = {_exact(page, row.pages)}", align="right", bold=row.bold),
        )
    _schemes(scene, page, scheme, count, tall=True)
    _touch(scene)
    return scene


def _touch(scene: Scene) -> None:
    """A part of a bar and its row of the ledger belong together."""
    scene.tie("whole", "lens", "zoom text", "row6")
    scene.tie("saved", "saved text", "row5")
    for name, row in (("kept frames", 1), ("page tables", 3), ("shared tails", 4)):
        scene.tie(name, f"{name} text", f"row{row}")


def _schemes(scene: Scene, page: HugePage, chosen: str, count: int, tall: bool = False) -> None:
    """What each scheme saves of the same struct pages, to scale, the chosen one marked."""
    pitch = (WIDTH - LEFT) // len(SCHEMES)
    for column, name in enumerate(SCHEMES):
        bill, wide = page.bill(name, count), 186.0 if tall else pitch - 14.0
        x, top = (150.0, 528 + 36 * column) if tall else (LEFT + pitch * column, 486)
        left = wide * (bill.memmap - bill.saved) / bill.memmap
        mark: list[Box] = (
            [Box(2, top, 144, 18, "mark") if tall else Box(x - 6, top - 20, wide + 12, 18, "mark")]
            if name == chosen
            else []
        )
        saved = [Box(x + left, top, wide - left, 18, "freed")] if bill.saved else []
        scene.add(
            f"scheme{column}",
            *mark,
            Label(
                8 if tall else x + wide / 2,
                top + 9 if tall else top - 11,
                name,
                align="left" if tall else "center",
                bold=name == chosen,
                on="mark" if name == chosen else None,
            ),
            Box(x, top, left, 18, "quiet"),
            *saved,
        )
        scene.sets(f"scheme{column}", scheme=name)


def _memory(page: HugePage, pages: int, lead: str = "") -> Fact:
    """So many frames, written as memory."""
    return Fact(
        {"frames": pages, "bytes": pages * page.base_page},
        lambda held: lead.format(**held) + _size(page, held["frames"]),
    )


def _size(page: HugePage, pages: int) -> str:
    """Memory of so many frames: exact where that is short, else to three figures; the frames stand beside it."""
    size = pages * page.base_page
    exact = format_size(size) if size else "0"
    return exact if len(exact) < 11 else f"about {about(size)}"


def _exact(page: HugePage, pages: int) -> str:
    """Memory of so many frames in KiB: one unit for all rows, so that they can be added up."""
    return f"{pages * page.base_page // KiB:,} KiB"


def _zoom(bill: Bill) -> str:
    """How much larger what is still taken is drawn below."""
    times = Fraction(bill.memmap, bill.memmap - bill.saved)
    if times == 1:
        return "to the same scale"
    return f"drawn {f'{float(times):.3g}' if times < 1000 else f'{round(times):,}'} times as large"


def _percent(share: Fraction) -> str:
    """A share with four decimals, and never a small one as nothing."""
    if 0 < share < Fraction(1, 2_000_000):
        return "< 0.0001 %"
    return f"{float(share * 100):.4f} %" if share else "0 %"


FILM = Film(
    "The bill: what huge pages cost and save",
    (
        Axis("huge_page", "huge page", ("2 MiB", "1 GiB")),
        Axis("scheme", "scheme", tuple(SCHEMES), start=_FIRST),
        Axis("memory", "memory in huge pages", (_ONE, "2 GiB", "16 GiB", "64 GiB", "256 GiB", "1 TiB")),
    ),
    _state,
    _portrait,
)
