"""The schemes side by side, for one to 1,024 huge pages (chapter 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from ...arithmetic.geometry import Bill, HugePage
from ...facts.schemes import SCHEMES, Scheme
from ...mechanism.machine import Machine, Pool
from ...units import about, quantity
from ..fact import Fact
from ..film import Axis, Facts, Film
from ..scene import PORTRAIT, WIDTH, Arrow, Box, Label, Role, Scene, Shape

COUNTS = tuple(1 << n for n in range(11))
SIZES = ("2 MiB", "1 GiB")
BY_MACHINE = 64
"""Up to this many pages of 2 MiB the machine counts; beyond, and for 1 GiB, arithmetic does."""
_COLUMN, _LEFT, _RIGHT = (WIDTH - 14) // len(SCHEMES), 54, 54
_WIDE = _COLUMN - 14
_BLOCKS, _PITCH, _HEIGHT, _SHARED = (92, 244), 24, 20, 194


@dataclass(frozen=True)
class Lead:
    """Where a row of the picture leads: the frame of another row, a new frame, or the page shared by all."""

    to: str
    writable: bool


@cache
def bill(scheme: str, size: str, count: int) -> Bill:
    """What ``count`` neighbouring huge pages, the first at the start of a PMD leaf's reach, cost and save."""
    page = HugePage(size)
    if size != "2 MiB" or count > BY_MACHINE:
        return page.bill(scheme, count)
    machine = Machine("1 GiB", check=False)
    machine.hugetlb(size, 63)
    pool = machine.hugetlb(size, count)
    memmap, free = pool.distinct_frames(), machine.free_frames
    pool.optimize(scheme)
    tables, shared = machine.nr_page_tables, len(machine.vmemmap.shared_tails)
    return Bill(memmap, machine.free_frames - free + tables + shared, tables, shared)


@cache
def _pool(scheme: str, size: str) -> tuple[Pool, tuple[tuple[int, ...], ...]]:
    """Two huge pages optimised by a scheme, and the frames that each had at boot."""
    pool = Machine("4 GiB", check=False).hugetlb(size, 2)
    born = tuple(pool.frames(number) for number in range(2))
    return pool.optimize(scheme), born


@cache
def leads(scheme: str, size: str, number: int) -> tuple[Lead, Lead, Lead]:
    """Where vmemmap page 0, page 1 and the run of all others of one huge page lead."""
    pool, born = _pool(scheme, size)
    own, frames, writable = born[number], pool.frames(number), pool.writable(number)
    shared = set(pool.machine.vmemmap.shared_tails.values())
    at_boot = {frame: page for page, frame in enumerate(own)}

    def lead(first: int, last: int) -> Lead:
        seen = set()
        for page in range(first, last + 1):
            frame = frames[page]
            place = "own" if frame == own[page] else str(at_boot.get(frame, "new"))
            seen.add(Lead("all" if frame in shared else place, writable[page]))
        assert len(seen) == 1, f"{scheme}: one arrow cannot stand for vmemmap pages {first} to {last}, which differ"
        (only,) = seen
        return Lead(str(("0", "1", "rest")[min(first, 2)]) if only.to == "own" else only.to, only.writable)

    return lead(0, 0), lead(1, 1), lead(2, len(own) - 1)


def _sharing_state(pages: int, huge_page: str) -> tuple[Scene, Facts]:
    page = HugePage(huge_page)
    scene = Scene(WIDTH, 568)
    at_boot = bill("off", huge_page, pages).memmap
    what = f"{quantity(pages, 'huge page')} of {huge_page}"
    title = f"{what}: {at_boot:,} frames of struct pages at boot, {about(at_boot * page.base_page)}"
    scene.add("title", Label(14, 18, title, 13, "left", bold=True))
    facts: Facts = {"frames of struct pages at boot": at_boot}
    saved, told = [], []
    for column, scheme in enumerate(SCHEMES.values()):
        paid = bill(scheme.name, huge_page, pages)
        kept = paid.memmap - paid.freed
        x = 14 + column * _COLUMN
        _draw_head(scene, column, x, scheme)
        _draw_blocks(scene, column, x, scheme, huge_page, pages)
        _draw_numbers(scene, column, x, paid, page.base_page)
        saved.append(f"{paid.saved:,}")
        told.append(
            f"{scheme.name}: frames kept {kept:,}, shared by all {paid.shared}, page tables {paid.tables:,}, "
            f"saved {paid.saved:,}"
        )
        facts[scheme.name] = Fact(
            {"kept": kept, "shared by all": paid.shared, "page tables": paid.tables, "saved": paid.saved}, _sum
        )
    _draw_key(scene)
    _touch(scene, pages, huge_page)
    scene.caption = (
        f"{what}: of {at_boot:,} frames of struct pages {', '.join(saved[:-1])} and {saved[-1]} are saved net, "
        f"scheme by scheme in this order."
    )
    scene.alt = f"The schemes side by side for {what}, with bars to scale. {'. '.join(told)}."
    return scene, facts


def _sum(frames: Mapping[str, int]) -> str:
    """Where the frames at boot have gone."""
    tables = quantity(frames["page tables"], "page table")
    return f"{frames['kept']:,} kept + {frames['shared by all']} shared by all + {tables} + {frames['saved']:,} saved"


def _draw_head(scene: Scene, column: int, x: float, scheme: Scheme) -> None:
    middle = x + _WIDE / 2
    releases = "always possible" if scheme.kept is None else scheme.releases
    scene.add(f"name{column}", Label(middle, 44, scheme.name, bold=True), Label(middle, 61, f"({releases})"))


def _row_y(block: int, row: int) -> float:
    return _BLOCKS[block] + row * _PITCH


def _draw_blocks(scene: Scene, column: int, x: float, scheme: Scheme, size: str, pages: int) -> None:
    """The first and the last huge page: three rows of vmemmap pages, three of frames, and the new frame."""
    last = HugePage(size).nr_vmemmap_pages - 1
    names = ("0", "1", f"2…{last:,}")
    used: set[str] = set()
    arrows: dict[str, Arrow] = {}
    for block in range(2):
        if block and pages == 1:
            scene.add(f"block{column}.{block}", Label(x, _BLOCKS[block] - 10, "no second one", align="left"))
            for row in range(3):
                scene.add(f"page{column}.{block}.{row}", Box(x, _row_y(block, row), _LEFT, _HEIGHT, "void"))
            continue
        number = 1 if block == 0 else pages
        scene.add(f"block{column}.{block}", Label(x, _BLOCKS[block] - 10, f"no. {number:,}", align="left"))
        where = leads(scheme.name, size, block)
        targets = [lead.to for lead in where]
        used |= set(targets)
        for row, (name, lead) in enumerate(zip(names, where, strict=True)):
            y = _row_y(block, row)
            role: Role = "head" if row == 0 else "plain"
            scene.add(
                f"page{column}.{block}.{row}",
                Box(x, y, _LEFT, _HEIGHT, role),
                Label(x + _LEFT / 2, y + 10, name, on=role),
            )
            tip = _SHARED if lead.to == "all" else _row_y(block, {"0": 0, "1": 1, "rest": 2, "new": 3}[lead.to])
            arrows[f"entry{column}.{block}.{row}"] = Arrow(
                x + _LEFT, y + 10, x + _WIDE - _RIGHT - 2, tip + 10, "own" if lead.writable else "remapped"
            )
        for row, (name, key) in enumerate(zip((*names, "new"), ("0", "1", "rest", "new"), strict=True)):
            if key == "new" and "new" not in targets:
                continue
            y = _row_y(block, row)
            role = "freed" if key not in targets else "shared" if targets.count(key) > 1 else "own"
            if role == "own" and key in ("0", "new"):
                role = "head"
            scene.add(
                f"frame{column}.{block}.{row}",
                Box(x + _WIDE - _RIGHT, y, _RIGHT, _HEIGHT, role),
                Label(x + _WIDE - _RIGHT / 2, y + 10, name, on=role),
            )
    if "all" in used:
        scene.add(
            f"all{column}",
            Box(x + _WIDE - _RIGHT, _SHARED, _RIGHT, _HEIGHT, "shared"),
            Label(x + _WIDE - _RIGHT / 2, _SHARED + 10, "for all", on="shared"),
        )
    for name, arrow in arrows.items():
        scene.add(name, arrow)


def _touch(scene: Scene, pages: int, size: str) -> None:
    """The first huge page stands for itself, the last leads to one more; a row, its entry and its frame are tied."""
    more = next((more for more in COUNTS if more > pages), COUNTS[-1])
    for column, name in enumerate(SCHEMES):
        for block in range(min(pages, 2)):
            for row, lead in enumerate(leads(name, size, block)):
                mine, place = f"{column}.{block}.{row}", ("0", "1", "rest", "new")
                all_of = f"all{column}" if lead.to == "all" else f"frame{column}.{block}.{place.index(lead.to)}"
                scene.tie(f"page{mine}", f"entry{mine}", all_of)
        for row in range(3):
            scene.sets(f"page{column}.0.{row}", pages=1)
            scene.sets(f"page{column}.1.{row}", pages=more)


_PARTS: tuple[Role, ...] = ("own", "shared", "table", "freed")
"""Of a bar: kept, shared, page tables, saved."""
_TALL_BLOCK, _TALL_PART, _TALL_BAND = 112, 42, 146
"""For a phone: from one huge page to the next, width of a page or frame, and height of what a scheme takes."""


def _portrait(pages: int, huge_page: str) -> Scene:
    """For a phone: the schemes stand below each other, the first huge page beside the last, the sums on the right."""
    page, at_boot = HugePage(huge_page), bill("off", huge_page, pages).memmap
    scene = Scene(PORTRAIT, 40 + _TALL_BAND * len(SCHEMES) + 84)
    scene.add(
        "title",
        Label(2, 10, f"{quantity(pages, 'huge page')} of {huge_page}", 13, "left", bold=True),
        Label(2, 28, f"at boot {at_boot:,} frames, {about(at_boot * page.base_page)}", align="left"),
    )
    for column, scheme in enumerate(SCHEMES.values()):
        _tall_scheme(scene, column, 46 + _TALL_BAND * column, scheme, huge_page, pages)
    y = 46 + _TALL_BAND * len(SCHEMES) + 6
    keys: tuple[tuple[float, str, Role], ...] = (
        (2, "frames kept", "own"), (122, "one for all", "shared"), (226, "page tables", "table"),
    )  # fmt: skip
    for x, words, role in keys:
        scene.add("key", Box(x, y - 8, 16, 16, role), Label(x + 22, y, words, align="left"))
    scene.add("key", Box(2, y + 18, 16, 16, "freed"), Label(24, y + 26, "saved, net", align="left"))
    for x, words, arrow in ((122, "writable", "own"), (226, "read-only", "remapped")):
        scene.add("key", Arrow(x, y + 26, x + 30, y + 26, arrow), Label(x + 36, y + 26, words, align="left"))  # type: ignore[arg-type]
    scene.add("note", Label(2, y + 54, "the whole bar: what struct pages took at boot", align="left"))
    _touch(scene, pages, huge_page)
    return scene


def _tall_scheme(scene: Scene, column: int, top: float, scheme: Scheme, size: str, pages: int) -> None:
    """A scheme on a phone."""
    paid, last = bill(scheme.name, size, pages), HugePage(size).nr_vmemmap_pages - 1
    releases = "always possible" if scheme.kept is None else scheme.releases
    scene.add(f"name{column}", Label(2, top + 6, f"{scheme.name} ({releases})", align="left", bold=True))
    names, keys = ("0", "1", f"2…{last:,}"), ("0", "1", "rest", "new")

    def y(row: int) -> float:
        return top + 18 + 23 * row

    for block in range(2):
        x, right = 2 + _TALL_BLOCK * block, 2 + _TALL_BLOCK * block + 58
        if block and pages == 1:
            for row in range(3):
                scene.add(f"page{column}.{block}.{row}", Box(x, y(row), _TALL_PART, 19, "void"))
            continue
        where = leads(scheme.name, size, block)
        targets = [lead.to for lead in where]
        for row, name in enumerate(names):
            role: Role = "head" if row == 0 else "plain"
            text = name if len(name) < 5 else "2 …"
            scene.add(
                f"page{column}.{block}.{row}",
                Box(x, y(row), _TALL_PART, 19, role), Label(x + _TALL_PART / 2, y(row) + 10, text, on=role),
            )  # fmt: skip
        for row, (name, key) in enumerate(zip((*names, "new"), keys, strict=True)):
            if key == "new" and "new" not in targets:
                continue
            look: Role = "freed" if key not in targets else "shared" if targets.count(key) > 1 else "own"
            look = "head" if look == "own" and key in ("0", "new") else look
            text = name if len(name) < 5 else "2 …"
            scene.add(
                f"frame{column}.{block}.{row}",
                Box(right, y(row), _TALL_PART, 19, look), Label(right + _TALL_PART / 2, y(row) + 10, text, on=look),
            )  # fmt: skip
        for row, lead in enumerate(where):
            tip = y(4) + 10 if lead.to == "all" else y(keys.index(lead.to)) + 10
            scene.add(
                f"entry{column}.{block}.{row}",
                Arrow(x + _TALL_PART, y(row) + 10, right - 1, tip, "own" if lead.writable else "remapped"),
            )
        if "all" in targets and not block:
            wide = _TALL_BLOCK * min(pages - 1, 1) + _TALL_PART
            scene.add(
                f"all{column}",
                Box(right, y(4), wide, 19, "shared"), Label(right + wide / 2, y(4) + 10, "for all", on="shared"),
            )  # fmt: skip
    share = f"saved {100 * paid.saved / paid.memmap:.2f} %" if paid.saved else "nothing saved"
    scene.add(f"share{column}", Label(PORTRAIT - 2, top + 6, share, align="right"))
    kept = paid.memmap - paid.freed
    rows = (("kept", kept), ("shared", paid.shared), ("in all", kept + paid.shared), ("tables", paid.tables),
            ("saved", paid.saved))  # fmt: skip
    for row, (name, value) in enumerate(rows):
        at = top + 14 + 20 * row
        scene.add(f"names{column}", Label(226, at + 10, name, align="left", bold=row in (2, 4)))
        scene.add(f"number{column}.{row}", Label(PORTRAIT - 2, at + 10, f"{value:,}", align="right", bold=True))
    left, shapes = 226.0, []
    for value, part in zip((kept, paid.shared, paid.tables, paid.saved), _PARTS, strict=True):
        width = 112 * value / paid.memmap
        if width > 0.3:
            shapes.append(Box(left, top + 117, width, 19, part))
        left += width
    scene.add(f"bar{column}", *shapes)


def _draw_numbers(scene: Scene, column: int, x: float, paid: Bill, base_page: int) -> None:
    rows = (
        ("kept", paid.memmap - paid.freed, False),
        ("shared", paid.shared, False),
        ("in all", paid.memmap - paid.freed + paid.shared, True),
        ("page tables", paid.tables, False),
        ("saved", paid.saved, True),
    )
    for row, (name, value, bold) in enumerate(rows):
        y = 360 + row * 20
        scene.add(f"names{column}", Label(x, y, name, align="left", bold=bold))
        scene.add(f"number{column}.{row}", Label(x + _WIDE, y, f"{value:,}", align="right", bold=True))
    parts: tuple[tuple[int, Role], ...] = (
        (paid.memmap - paid.freed, "own"),
        (paid.shared, "shared"),
        (paid.tables, "table"),
        (paid.saved, "freed"),
    )
    left, bar = float(x), []
    for value, role in parts:
        width = _WIDE * value / paid.memmap
        if width > 0.3:
            bar.append(Box(left, 462, width, 24, role))
        left += width
    scene.add(f"bar{column}", *bar)
    share = f"{about(paid.saved * base_page)}, {100 * paid.saved / paid.memmap:.2f} %"
    scene.add(f"share{column}", Label(x + _WIDE / 2, 502, share if paid.saved else "nothing", bold=True))


def _draw_key(scene: Scene) -> None:
    y = 532
    shapes: list[Shape] = []
    keys: tuple[tuple[float, str, Role], ...] = (
        (14, "frames kept", "own"), (140, "one for all", "shared"), (260, "page tables", "table"),
        (384, "saved, net", "freed"),
    )  # fmt: skip
    for x, text, role in keys:
        shapes += [Box(x, y - 8, 18, 16, role), Label(x + 26, y, text, align="left")]
    for x, text, arrow in ((506, "writable", "own"), (630, "read-only", "remapped")):
        shapes += [Arrow(x, y, x + 34, y, arrow), Label(x + 42, y, text, align="left")]  # type: ignore[arg-type]
    shapes.append(
        Label(
            14,
            y + 24,
            "In all: frames that hold struct pages. The bars are to scale; the whole bar is as at boot.",
            align="left",
        )
    )
    scene.add("key", *shapes)


FILM = Film(
    "The schemes side by side, one to 1,024 huge pages",
    (
        Axis("pages", "huge pages", COUNTS, tuple(f"{count:,}" for count in COUNTS), play=True),
        Axis("huge_page", "size", SIZES),
    ),
    _sharing_state,
    _portrait,
)
