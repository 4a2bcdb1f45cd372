"""What huge pages cost and save, gross and net of page tables, by size, scheme and memory (chapter 9)."""

from __future__ import annotations

from fractions import Fraction

from ...arithmetic.geometry import Bill, HugePage
from ...facts.schemes import SCHEMES
from ...units import about, format_size, parse_size, quantity
from ..fact import Fact
from ..film import Axis, Facts, Film
from ..scene import PORTRAIT, WIDTH, Box, Label, Line, Role, Scene

_ONE, _FIRST = "one page", "head page"
LEFT, BAR, NARROW = 14.0, 796.0, 3.0
FRAMES = 470
"""Where the ledger's numbers of frames end."""
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


def _scene(page: HugePage, scheme: str, memory: str, count: int, bill: Bill) -> Scene:
    many = f"{quantity(count, 'huge page')} of {format_size(page.size)}"
    left, kept = bill.memmap - bill.saved, bill.memmap - bill.freed
    scene = Scene(WIDTH, 508)
    title = f"{many}; scheme: {scheme}, {SCHEMES[scheme].releases}" if scheme != "off" else f"{many}; scheme: off"
    scene.add("title", Label(LEFT, 18, title, 14, "left", bold=True))

    # the whole memmap, to scale
    part = BAR * left / bill.memmap
    scene.add("whole text", Label(LEFT, 44, f"all their struct pages: {_size(page, bill.memmap)}", align="left"))
    scene.add("whole", Box(LEFT, 56, part, 36, "quiet"))
    if bill.saved:
        scene.add("saved", Box(LEFT + part, 56, BAR - part, 36, "freed"))
        middle = LEFT + (part + BAR) / 2
        text = f"saved: {_size(page, bill.saved)}"
        scene.add("saved text", Label(middle, 74, text, 14, bold=True, on="freed"))

    # what is still taken, magnified to the same width
    scene.add("lens", Line(LEFT, 92, LEFT, 144), Line(LEFT + part, 92, LEFT + BAR, 144))
    times = Fraction(bill.memmap, left)
    zoom = "to the same scale" if times == 1 else f"drawn {_times(times)} times as wide"
    scene.add("zoom text", Label(LEFT + 8, 130, f"still taken: {_size(page, left)}, {zoom}", align="left", on="freed"))
    x = LEFT
    for (name, role), pages in zip(_TAKEN, (kept, bill.tables, bill.shared), strict=True):
        if pages:
            width = max(BAR * pages / left, NARROW)
            start = min(x, LEFT + BAR - width)
            scene.add(name, Box(start, 144, width, 36, role))
            x = start + width
            if width > 180:
                scene.add(f"{name} text", Label(start + width / 2, 162, f"{name}: {_size(page, pages)}", on=role))

    # the ledger
    scene.add(
        "columns",
        Label(FRAMES, 208, "frames of 4 KiB", align="right"),
        Label(590, 208, "memory", align="right"),
        Label(706, 208, "of these frames", align="right"),
        Label(810, 208, "of their RAM", align="right"),
        Line(LEFT, 220, 810, 220),
        Line(LEFT, 354, 810, 354),
    )
    once = " (one zone)" if bill.shared else ""
    rows: tuple[tuple[str, str, int, Role | None, bool], ...] = (
        ("frames that hold the struct pages", "", bill.memmap, None, False),
        ("kept frames", "−", kept, "own", False),
        ("frames freed (gross)", "=", bill.freed, None, False),
        ("page tables, paid once and kept", "−", bill.tables, "table", False),
        (f"shared page of tails, once{once}", "−", bill.shared, "shared", False),
        ("saved (net)", "=", bill.saved, "freed", True),
        ("still taken", "", left, "quiet", True),
    )
    for number, (name, sign, pages, of, bold) in enumerate(rows):
        y = 234 + 25 * number + (8 if number > 4 else 0)
        shapes: list[Box | Label] = [Box(LEFT, y - 8, 22, 16, of)] if of else []
        shapes += [
            *([Label(50, y, sign, bold=bold)] if sign else []),
            Label(64, y, name, align="left", bold=bold),
            Label(FRAMES, y, f"{pages:,}", align="right", bold=bold),
            Label(590, y, _size(page, pages), align="right", bold=bold),
            Label(706, y, _percent(Fraction(pages, bill.memmap)), align="right"),
            Label(810, y, _percent(Fraction(pages * page.base_page, count * page.size)), align="right"),
        ]
        scene.add(f"row{number}", *shapes)
    note = "Page tables as for huge pages that are neighbours, none of them optimised before."
    if bill.shared and BAR * bill.shared / left < NARROW:
        note += " The shared page of tails is drawn wider than it is."
    scene.add("note", Label(LEFT, 424, note, align="left"))
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
    """For a phone: the bars have the whole width, and each row of the ledger is two lines."""
    page = HugePage(huge_page)
    count = _pages_in(page, memory)
    bill = page.bill(scheme, count)
    left, kept, wide = bill.memmap - bill.saved, bill.memmap - bill.freed, PORTRAIT - 4.0
    scene, part = Scene(PORTRAIT, 498 + 36 * len(SCHEMES)), wide * left / bill.memmap
    scene.add("title", Label(2, 12, f"{quantity(count, 'huge page')} of {huge_page}", 13, "left", bold=True))
    scene.add("whole text", Label(2, 36, f"all their struct pages: {_size(page, bill.memmap)}", align="left"))
    scene.add("whole", Box(2, 46, part, 30, "quiet"))
    if bill.saved:
        scene.add("saved", Box(2 + part, 46, wide - part, 30, "freed"))
    scene.add("lens", Line(2, 76, 2, 116), Line(2 + part, 76, 2 + wide, 116))
    times = Fraction(bill.memmap, left)
    zoom = "to scale" if times == 1 else f"{_times(times)} times as wide"
    scene.add("zoom text", Label(8, 102, f"still taken: {_size(page, left)}, {zoom}", align="left", on="freed"))
    x = 2.0
    for (name, role), pages in zip(_TAKEN, (kept, bill.tables, bill.shared), strict=True):
        if pages:
            width = max(wide * pages / left, NARROW)
            start = min(x, 2 + wide - width)
            scene.add(name, Box(start, 116, width, 30, role))
            x = start + width
    scene.add("columns", Label(PORTRAIT - 2, 166, "frames of 4 KiB, and memory", align="right"))
    rows: tuple[tuple[str, int, Role | None], ...] = (
        ("   frames that hold the struct pages", bill.memmap, None),
        ("− kept frames", kept, "own"),
        ("= frames freed (gross)", bill.freed, None),
        ("− page tables, paid once and kept", bill.tables, "table"),
        ("− shared page of tails, once", bill.shared, "shared"),
        ("= saved (net)", bill.saved, "freed"),
        ("   still taken", left, "quiet"),
    )
    for number, (name, pages, of) in enumerate(rows):
        y, bold = 188 + 44 * number, number > 4
        scene.add(
            f"row{number}",
            *([Box(2, y - 8, 16, 16, of)] if of else []),
            Label(24, y, name.strip(), align="left", bold=bold),
            Label(PORTRAIT - 2, y + 19, f"{pages:,} = {_size(page, pages)}", align="right", bold=bold),
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
        x, top = (150.0, 498 + 36 * column) if tall else (LEFT + pitch * column, 476)
        left = wide * (bill.memmap - bill.saved) / bill.memmap
        mark: list[Box] = (
            [Box(2, top, 144, 18, "mark") if tall else Box(x, top - 20, wide, 18, "mark")] if name == chosen else []
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


def _times(times: Fraction) -> str:
    return f"{float(times):.3g}" if times < 1000 else f"{round(times):,}"


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
