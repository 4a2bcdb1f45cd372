"""A virtual address bit by bit, and the walk to a page of 4 KiB, 2 MiB or 1 GiB (chapter 2)."""

from __future__ import annotations

from ...arithmetic.geometry import HugePage
from ...units import KiB, format_size, quantity
from ..fact import in_bytes
from ..film import Axis, Facts, Film
from ..scene import PORTRAIT, WIDTH, Arrow, Box, Label, Role, Scene
from ..words import lines

LEVELS = (("PGD", 39), ("PUD", 30), ("PMD", 21), ("PTE", 12))
"""x86-64 page-table levels with 4-level paging, and the lowest address bit that selects an entry of each."""
_ROLES: dict[str, Role] = {"PGD": "quiet", "PUD": "upper", "PMD": "level", "PTE": "table", "offset": "plain"}
_BIT, _LEFT, _TOP = 16.5, 16.0, 46
_WHY = "The offset ends where an index begins: after 12, 21 or 30 bits. There is no size between."
_STEP, _TABLE, _WALK = 128, 92, 178
"""From table to table, width of one, and where the walk goes through them."""


def address(page: HugePage | None, bit: int) -> Scene:
    """The 48 bits of a virtual address, split as the walk splits them, and the walk itself down to the leaf.

    ``page`` is the huge page the walk ends in, or `None` for a base page of 4 KiB.
    """
    size = page.size if page else 4 * KiB
    offset_bits = size.bit_length() - 1
    fields = [(name, low) for name, low in LEVELS if low >= offset_bits]
    scene = Scene(WIDTH, 296)
    scene.add("title", Label(_LEFT, 18, "a 48-bit virtual address, bit by bit", 13, "left", bold=True))
    field_of = _field_of(offset_bits)
    for number in range(47, -1, -1):
        scene.add(f"bit{number}", Box(_LEFT + (47 - number) * _BIT, _TOP, _BIT, 26, _ROLES[field_of[number]]))
    highs = [48, *(low for _, low in fields)]
    named = [(f"{name} index", high, low) for (name, low), high in zip(fields, highs, strict=False)]
    for name, high, low in (*named, ("offset in the page", offset_bits, 0)):
        middle = _LEFT + (48 - (high + low) / 2) * _BIT
        scene.add(f"field {name.split()[0]}", Label(middle, 88, name), Label(middle, 104, f"{high - low} bits"))
    x = _LEFT + (47 - bit) * _BIT
    scene.add("bit", Box(x - 2.5, _TOP - 4, _BIT + 5, 34, "mark"), Label(x + _BIT / 2, _TOP + 13, str(bit), on="mark"))
    _walk(scene, offset_bits)
    _page(scene, size, offset_bits)
    _touch(scene, field_of)
    skipped = len(LEVELS) - len(fields)
    scene.add("sum", Label(_LEFT, 250, _sum_of(skipped, size), 13, "left"))
    scene.add("why", Label(_LEFT, 276, _WHY, 13, "left"))
    if field_of[bit] == "offset":
        meaning = f"bit {bit} belongs to the offset: setting it moves {format_size(1 << bit)} on inside the page"
    else:
        low = dict(LEVELS)[field_of[bit]]
        entries = 1 << (bit - low)
        meaning = (
            f"bit {bit} belongs to the {field_of[bit]} index: setting it moves {entries} "
            f"entr{'y' if entries == 1 else 'ies'} on in that table, {format_size(1 << bit)} further"
        )
    scene.caption = f"A walk for a {format_size(size)} page reads {walk(page)}, then the page is found; {meaning}."
    scene.alt = (
        f"48 address bits: {', '.join(f'{name} index from bit {low}' for name, low in fields)}, and {offset_bits} bits "
        f"of offset. Below, the tables {walk(page)}, then a page of {format_size(size)}, "
        f"{size // (4 * KiB):,} base pages. Bit {bit} is marked."
    )
    return scene


def _touch(scene: Scene, field_of: list[str]) -> None:
    """A bit is asked for its worth, a table is where the walk ends; a field belongs to the table it selects from."""
    for number in range(48):
        scene.sets(f"bit{number}", bit=number)
    for name, low in LEVELS[1:]:
        scene.sets(f"table {name}", page_size=format_size(1 << low))
    for name in dict.fromkeys(field_of):
        bits = (f"bit{number}" for number in range(48) if field_of[number] == name)
        where = ("page",) if name == "offset" else (f"table {name}", f"walk {name}")
        scene.tie(*bits, f"field {name}", *where)


def _field_of(offset_bits: int) -> list[str]:
    """For each bit the index or offset to which it belongs."""
    return [
        "offset" if number < offset_bits else next(name for name, low in LEVELS if number >= low)
        for number in range(48)
    ]


def _portrait(page_size: str, bit: int) -> Scene:
    """For a phone: a row of bits for each level, so that an offset swallows whole rows."""
    page = None if page_size == "4 KiB" else HugePage(page_size)
    size = page.size if page else 4 * KiB
    offset_bits = size.bit_length() - 1
    field_of, scene = _field_of(offset_bits), Scene(PORTRAIT, 470)
    scene.add("title", Label(2, 14, "a 48-bit virtual address, bit by bit", 13, "left", bold=True))
    rows, cell, left, pitch = (*LEVELS, ("offset", 0)), 20, 94, 36
    places = {}
    for row, (name, low) in enumerate(rows):
        high = 48 if row == 0 else rows[row - 1][1]
        y = 34 + pitch * row
        mine = field_of[low] == "offset"
        scene.add(f"level{row}", Label(2, y + 13, "offset" if mine else f"{name} index", align="left", bold=True))
        for number in range(high - 1, low - 1, -1):
            places[number] = left + (high - 1 - number) * cell, y
            scene.add(f"bit{number}", Box(*places[number], cell, 26, _ROLES[field_of[number]]))
    x, y = places[bit]
    scene.add("bit", Box(x - 2.5, y - 4, cell + 5, 34, "mark"), Label(x + cell / 2, y + 13, str(bit), on="mark"))
    top, wide = 226, 76
    for number, (name, low) in enumerate(LEVELS):
        x, used = 2 + number * 87, low >= offset_bits
        on = _ROLES[name] if used else None
        scene.add(
            f"table {name}",
            Box(x, top, wide, 44, on or "void"),
            Label(x + wide / 2, top + 13, f"{name} table" if used else f"no {name}", on=on),
            Label(x + wide / 2, top + 31, "512 long" if used else "skipped", on=on),
        )
        if used and low == offset_bits:
            scene.add(f"walk {name}", Arrow(x + wide / 2, top + 44, x + wide / 2, top + 67, "own"))
        elif used:
            scene.add(f"walk {name}", Arrow(x + wide, top + 22, x + 86, top + 22, "own"))
    scene.add(
        "page",
        Box(2, top + 68, PORTRAIT - 4, 66, "own"),
        Label(PORTRAIT / 2, top + 84, f"{format_size(size)} page", 16, bold=True, on="own"),
        Label(PORTRAIT / 2, top + 103, f"2{_raised(offset_bits)} bytes", 13, on="own"),
        Label(PORTRAIT / 2, top + 121, f"{quantity(size // (4 * KiB), 'base page')} of 4 KiB", on="own"),
    )
    skipped = sum(low < offset_bits for _, low in LEVELS)
    scene.add("sum", *lines(2, top + 154, _sum_of(skipped, size), 46))
    scene.add("why", *lines(2, top + 196, _WHY, 46))
    _touch(scene, field_of)
    return scene


def _walk(scene: Scene, offset_bits: int) -> None:
    """The tables that are read, and those that are skipped."""
    for number, (name, low) in enumerate(LEVELS):
        x, used = _LEFT + number * _STEP, low >= offset_bits
        on = _ROLES[name] if used else None
        upper, lower = (_WALK - 10, _WALK + 10) if used else (_WALK - 18, _WALK + 18)  # the walk passes between them
        scene.add(
            f"table {name}",
            Box(x, _WALK - 36, _TABLE, 72, on or "void"),
            Label(x + _TABLE / 2, upper, f"{name} table" if used else "skipped", 13, on=on),
            Label(x + _TABLE / 2, lower, "512 entries" if used else f"(no {name})", on=on),
        )
        if used:
            end = _LEFT + 4 * _STEP if low == offset_bits else x + _STEP
            scene.add(f"walk {name}", Arrow(x + _TABLE, _WALK, end - 1, _WALK, "own"))


def _page(scene: Scene, size: int, offset_bits: int) -> None:
    """The page at the end of the walk."""
    x = _LEFT + 4 * _STEP
    middle = (x + WIDTH - _LEFT) / 2
    scene.add(
        "page",
        Box(x, _WALK - 48, WIDTH - _LEFT - x, 96, "own"),
        Label(middle, _WALK - 26, f"{format_size(size)} page", 16, bold=True, on="own"),
        Label(middle, _WALK + 1, f"2{_raised(offset_bits)} bytes", 13, on="own"),
        Label(middle, _WALK + 24, f"{quantity(size // (4 * KiB), 'base page')} of 4 KiB", on="own"),
    )


def walk(page: HugePage | None) -> str:
    """The tables that a walk down to a page of this size reads, in order."""
    return ", ".join(name for name, low in LEVELS if 1 << low >= (page.size if page else 4 * KiB))


def _sum_of(skipped: int, size: int) -> str:
    if not skipped:
        return "No level is skipped: the leaf is a PTE, and the page is one base page."
    levels = "One level is" if skipped == 1 else "Two levels are"
    factor = " x ".join(["512"] * skipped)
    return f"{levels} skipped, a factor of {factor}: {size // (4 * KiB):,} base pages in one {format_size(size)} page."


def _raised(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _address_state(page_size: str, bit: int) -> tuple[Scene, Facts]:
    page = None if page_size == "4 KiB" else HugePage(page_size)
    return address(page, bit), {
        "base pages of 4 KiB": page.nr_base_pages if page else 1,
        "order": page.order if page else 0,
        "offset bits": 12 + (page.order if page else 0),
        "this bit is worth": in_bytes(1 << bit),
        "tables walked": walk(page),
    }


FILM = Film(
    "A virtual address and its page size",
    (Axis("page_size", "page size", ("4 KiB", "2 MiB", "1 GiB")), Axis("bit", "address bit", tuple(range(48)))),
    _address_state,
    _portrait,
)
