"""What huge pages cost and save, gross and net of page tables, by size, scheme and memory (chapter 9)."""

from __future__ import annotations

from fractions import Fraction

from ...arithmetic.geometry import Bill, HugePage
from ...facts.schemes import SCHEMES
from ...units import about, format_size, parse_size, quantity
from ..fact import Fact
from ..film import Axis, Facts, Film
from ..scene import Box, Label, Line, Role, Scene

_ONE, _FIRST = "one page", "head page"
_LEFT, _WIDTH, _NARROW = 20.0, 720.0, 3.0
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
    scene = Scene(760, 410)
    title = f"{many}; scheme: {scheme}, {SCHEMES[scheme].releases}" if scheme != "off" else f"{many}; scheme: off"
    scene.add("title", Label(_LEFT, 16, title, 10.5, "left", bold=True))

    # the whole memmap, to scale
    part = _WIDTH * left / bill.memmap
    scene.add("whole text", Label(_LEFT, 42, f"all their struct pages: {_size(page, bill.memmap)}", 10, "left"))
    scene.add("whole", Box(_LEFT, 52, part, 34, "quiet"))
    if bill.saved:
        scene.add("saved", Box(_LEFT + part, 52, _WIDTH - part, 34, "freed"))
        middle = _LEFT + (part + _WIDTH) / 2
        text = f"saved: {_size(page, bill.saved)}"
        scene.add("saved text", Label(middle, 69, text, 11, bold=True, on="freed"))

    # what is still taken, magnified to the same width
    scene.add("lens", Line(_LEFT, 86, _LEFT, 132), Line(_LEFT + part, 86, _LEFT + _WIDTH, 132))
    times = Fraction(bill.memmap, left)
    zoom = "to the same scale" if times == 1 else f"drawn {_times(times)} times as wide"
    scene.add("zoom text", Label(_LEFT + 8, 121, f"still taken: {_size(page, left)}, {zoom}", 10, "left", on="freed"))
    x = _LEFT
    for (name, role), pages in zip(_TAKEN, (kept, bill.tables, bill.shared), strict=True):
        if pages:
            width = max(_WIDTH * pages / left, _NARROW)
            start = min(x, _LEFT + _WIDTH - width)
            scene.add(name, Box(start, 132, width, 34, role))
            x = start + width
            if width > 150:
                scene.add(f"{name} text", Label(start + width / 2, 149, f"{name}: {_size(page, pages)}", 10, on=role))

    # the ledger
    scene.add(
        "columns",
        Label(430, 196, "frames of 4 KiB", 9, "right"),
        Label(540, 196, "memory", 9, "right"),
        Label(645, 196, "of these frames", 9, "right"),
        Label(740, 196, "of their RAM", 9, "right"),
        Line(_LEFT, 206, 740, 206),
        Line(_LEFT, 334, 740, 334),
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
        y = 220 + 24 * number + (6 if number > 4 else 0)
        shapes: list[Box | Label] = [Box(_LEFT, y - 7, 20, 14, of)] if of else []
        shapes += [
            *([Label(50, y, sign, 11, bold=bold)] if sign else []),
            Label(64, y, name, 10, "left", bold=bold),
            Label(430, y, f"{pages:,}", 10.5, "right", bold=bold),
            Label(540, y, _size(page, pages), 10.5, "right", bold=bold),
            Label(645, y, _percent(Fraction(pages, bill.memmap)), 10, "right"),
            Label(740, y, _percent(Fraction(pages * page.base_page, count * page.size)), 10, "right"),
        ]
        scene.add(f"row{number}", *shapes)
    note = "Page tables for neighbours, of which none was optimised before."
    if bill.shared and _WIDTH * bill.shared / left < _NARROW:
        note += " The shared page of tails is drawn wider than it is."
    scene.add("note", Label(_LEFT, 398, note, 9, "left"))
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
        f"A bar for the memory of the struct pages of {many}, {_size(page, bill.memmap)}, "
        f"of which {_size(page, bill.saved)} are saved. "
        f"Below, what is still taken, enlarged: kept frames {_size(page, kept)}, page tables "
        f"{_size(page, bill.tables)}, shared tails {_size(page, bill.shared)}. Below that a table of the same sums."
    )
    return scene


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
        Axis("scheme", "scheme", (_FIRST, *(name for name in SCHEMES if name not in (_FIRST, "off")), "off")),
        Axis("memory", "memory in huge pages", (_ONE, "2 GiB", "16 GiB", "64 GiB", "256 GiB", "1 TiB")),
    ),
    _state,
)
