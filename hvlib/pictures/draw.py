"""The pictures that a chapter asks for by name: one huge page of a pool or of a record, the schemes, what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log10

from ..errors import instance_of
from ..facts.schemes import SCHEMES, Scheme
from ..kernels import observe
from ..kernels.costs import COSTS, Timing
from ..mechanism.machine import Machine, Pool
from ..units import format_size, parse_size
from .mapping import (
    PageMap,
    page_map_of_pool,
    page_map_portrait,
    page_map_scene,
    record_portrait,
    record_scene,
    run_text,
)
from .picture import Picture
from .scene import PORTRAIT, WIDTH, Arrow, ArrowRole, Box, Label, Line, Role, Scene
from .words import lines


def pool(pool: Pool, huge_page: int = 0, title: str = "") -> Picture:
    """One huge page of a pool as the page table stands now. Raises `BadInput` for what is no pool."""
    pool = instance_of(pool, Pool, "a pool of huge pages", "write for example Machine('4 GiB').hugetlb('2 MiB')")
    title = title or f"{format_size(pool.size)} page, scheme: {pool.scheme}"
    state = page_map_of_pool(pool, huge_page, title)
    return Picture(page_map_scene(state), page_map_portrait(state))


def record(release: str) -> Picture:
    """One optimised 2 MiB page as a real kernel's page table had it, drawn by the function that draws the model."""
    return Picture(record_scene(release), record_portrait(release))


# --- the schemes side by side -----------------------------------------------------------------------------------------

_ROW, _TOP, _BOX = 24, 60, 20
_PAGE, _FRAME = 46, 46


def schemes(size: str | int = "2 MiB") -> Picture:
    """All schemes as small multiples: the same huge page, optimised by each, counted from the machine."""
    size = format_size(parse_size(size, "huge page"))
    gap = 20
    wide = (WIDTH - 28 - gap * (len(SCHEMES) - 1)) / len(SCHEMES)
    maps, told = [], []
    for scheme in SCHEMES.values():
        machine = Machine("4 GiB", check=False)
        huge = machine.hugetlb(size)
        before = machine.free_frames
        huge.optimize(scheme)
        freed = machine.free_frames - before + machine.nr_page_tables + len(machine.vmemmap.shared_tails)
        maps.append((scheme, page_map_of_pool(huge), freed))
        told.append(f"{scheme.name} ({scheme.releases}): {freed:,} freed")
    rows = max(len(state.frames) for _, state, _ in maps)
    low = _TOP + rows * _ROW
    scene = Scene(WIDTH, low + 92)
    for column, (scheme, state, freed) in enumerate(maps):
        x = 14 + column * (wide + gap)
        scene.add(
            f"name{column}",
            Label(x + wide / 2, 18, scheme.name, 13, bold=True),
            Label(x + wide / 2, 38, scheme.releases),
        )
        _small(scene, column, x, wide, state)
        scene.add(f"count{column}", Label(x + wide / 2, low + 14, f"{freed:,} freed", 14, bold=True))
    y = low + 48
    scene.add(
        "key",
        Arrow(14, y, 48, y, "own"), Label(56, y, "writable", align="left"),
        Arrow(134, y, 168, y, "remapped"), Label(176, y, "read-only", align="left"),
        Box(262, y - 8, 26, 16, "freed"), Label(296, y, "freed", align="left"),
        Label(354, y, "new: taken for the head, so 8 − 1 = 7", align="left"),
        Label(354, y + 22, "all: one page for all huge pages", align="left"),
        Box(14, y + 14, 26, 16, "head"), Label(48, y + 22, "head", align="left"),
        Box(134, y + 14, 26, 16, "own"), Label(168, y + 22, "in use", align="left"),
        Box(262, y + 14, 26, 16, "shared"), Label(296, y + 22, "shared", align="left"),
    )  # fmt: skip
    scene.caption = f"One {size} page, scheme by scheme."
    scene.alt = f"The {len(told)} schemes for one {size} page, frames freed before page tables: {'; '.join(told)}."
    return Picture(scene, _upright_schemes(maps, rows))


def _upright_schemes(maps: Sequence[tuple[Scheme, PageMap, int]], rows: int) -> Scene:
    """For a phone: two schemes side by side, and the key in the place of a sixth."""
    wide, band = 156.0, 60 + rows * _ROW + 40
    scene = Scene(PORTRAIT, band * ((len(maps) + 2) // 2))
    for column, (scheme, state, freed) in enumerate(maps):
        x, top = 4 + (column % 2) * (wide + 20), band * (column // 2)
        scene.add(
            f"name{column}",
            Label(x + wide / 2, top + 14, scheme.name, 13, bold=True),
            Label(x + wide / 2, top + 34, scheme.releases),
        )
        _small(scene, column, x, wide, state, top + 50)
        freed_at = top + 50 + rows * _ROW + 12
        scene.add(f"count{column}", Label(x + wide / 2, freed_at, f"{freed:,} freed", 14, bold=True))
    x, y = 4 + (len(maps) % 2) * (wide + 20), band * (len(maps) // 2) + 60
    keys: tuple[tuple[Role, str], ...] = (("head", "head"), ("own", "in use"), ("shared", "shared"), ("freed", "freed"))
    for number, (role, words) in enumerate(keys):
        scene.add("key", Box(x, y + 24 * number - 8, 26, 16, role), Label(x + 34, y + 24 * number, words, align="left"))
    arrows: tuple[tuple[ArrowRole, str], ...] = (("own", "writable"), ("remapped", "read-only"))
    for number, (arrow, words) in enumerate(arrows, len(keys)):
        at = y + 24 * number
        scene.add("key", Arrow(x, at, x + 28, at, arrow), Label(x + 34, at, words, align="left"))
    scene.add(
        "key",
        *(Label(x, y + 156 + 18 * n, line, align="left") for n, line in enumerate(
            ("new: taken for the", "head, so 8 − 1 = 7", "all: one page for all", "huge pages"))),
    )  # fmt: skip
    return scene


def _small(scene: Scene, column: int, x: float, wide: float, state: PageMap, top: float = _TOP) -> None:
    """One scheme: vmemmap pages, arrows, frames."""
    roles: dict[str, Role] = {"own": "own", "head": "head", "shared": "shared", "held": "void", "freed": "freed"}
    right = x + wide - _FRAME
    for number, row in enumerate(state.rows):
        y = top + number * _ROW
        role: Role = "head" if number == 0 else "plain"
        name = run_text(row.first, row.last)
        scene.add(
            f"page{column}.{number}",
            Box(x, y, _PAGE, _BOX, role),
            Label(x + _PAGE / 2, y + _BOX / 2, name if len(name) < 6 else "…", on=role),
            Arrow(x + _PAGE, y + _BOX / 2, right - 2, top + row.target * _ROW + _BOX / 2,
                  "own" if row.writable else "remapped"),
        )  # fmt: skip
    for number, (name, frame_state) in enumerate(state.frames):
        y = top + number * _ROW
        text = name if len(name) < 6 else "all" if name == "one for all" else "…"
        on = roles[frame_state]
        scene.add(
            f"frame{column}.{number}",
            Box(right, y, _FRAME, _BOX, on),
            Label(right + _FRAME / 2, y + _BOX / 2, text, on=on),
        )


# --- what it costs in time --------------------------------------------------------------------------------------------

DECADE = 190
"""Length of a factor of ten."""
_TICKS = (1, 2, 5, 10, 20, 50)


def timings() -> Picture:
    """How many times as long a pool takes to fill and to empty with the optimisation, as published (`hvlib.costs`)."""
    left, top, step = 396, 72, 30
    changes = sum(one.machine != other.machine for one, other in pairwise(COSTS))
    bottom = top + len(COSTS) * step + changes * 12
    scene = Scene(WIDTH, bottom + 94)
    scene.add(
        "scale",
        Label(14, 20, "how many times as long with the optimisation as without", 14, "left", bold=True),
        Line(left, top - 10, left, bottom),
        Line(left, top - 6, left + DECADE * log10(60), top - 6),
        *(Line(left + DECADE * log10(tick), top - 11, left + DECADE * log10(tick), top - 6) for tick in _TICKS),
        *(Label(left + DECADE * log10(tick), top - 21, f"{tick} x") for tick in _TICKS),
    )
    y = top
    for number, row in enumerate(COSTS):
        if number and row.machine != COSTS[number - 1].machine:
            y += 12
        role = _role(row)
        end = left + DECADE * log10(row.ratio)
        scene.add(
            f"bar{number}",
            Label(14, y + 11, f"{row.what} {row.pages:,}", align="left"),
            Label(left - 12, y + 11, f"{row.machine}; {row.kernel}", align="right"),
            Box(left, y, end - left, 22, role),
            Label(end + 8, y + 11, f"{row.ratio:.1f} x", 13, "left", bold=True),
        )
        y += step
    scene.add(
        "key",
        Box(14, bottom + 16, 26, 16, "plain"), Label(48, bottom + 24, "one by one", align="left"),
        Box(146, bottom + 16, 26, 16, "quiet"), Label(180, bottom + 24, "in batches, since 6.7", align="left"),
        Label(350, bottom + 24, "Logarithmic: a bar begins at 1 x, as long as without.", align="left"),
        Label(14, bottom + 52, "Pages of 2 MiB. Not measured for this book: published by Muchun Song (5.14), 2021,",
              align="left"),
        Label(14, bottom + 70, "and Mike Kravetz (the others), 2023.", align="left"),
    )  # fmt: skip
    worst, calm = (max(row.ratio for row in COSTS if row.batched is batched) for batched in (False, True))
    scene.caption = (
        f"In these measurements, filling or emptying a pool of 2 MiB pages takes up to {worst:.0f} times as long one "
        f"by one, up to {calm:.1f} times in batches."
    )
    told = (f"{row.what} {row.pages:,}, {row.machine}, {row.kernel}: {row.ratio:.1f}" for row in COSTS)
    scene.alt = f"Bars on a logarithmic scale, times as long as without the optimisation: {'; '.join(told)}."
    return Picture(scene, _upright_timings())


def _upright_timings() -> Scene:
    """For a phone: what was measured stands above its bar."""
    step, top, left, decade = 58, 66, 4, 150.0
    scene = Scene(PORTRAIT, top + len(COSTS) * step + 118)
    scene.add(
        "scale",
        Label(4, 10, "times as long with the optimisation", 13, "left", bold=True),
        Label(4, 28, "as without", 13, "left", bold=True),
        Line(left, top - 6, left + decade * log10(60), top - 6),
        *(Line(left + decade * log10(tick), top - 11, left + decade * log10(tick), top - 6) for tick in _TICKS),
        *(Label(max(left + decade * log10(tick), 12), top - 20, f"{tick} x") for tick in (1, 2, 5, 10, 50)),
    )
    for number, row in enumerate(COSTS):
        y, role = top + number * step, _role(row)
        end = left + decade * log10(row.ratio)
        scene.add(
            f"bar{number}",
            Label(4, y + 10, f"{row.what} {row.pages:,}", align="left", bold=True),
            Label(PORTRAIT - 2, y + 10, f"{row.machine}; {row.kernel}", align="right"),
            Box(left, y + 22, end - left, 20, role),
            Label(end + 8, y + 32, f"{row.ratio:.1f} x", 13, "left", bold=True),
        )
    low = top + len(COSTS) * step
    scene.add(
        "key",
        Box(4, low + 8, 26, 16, "plain"), Label(38, low + 16, "one by one", align="left"),
        Box(136, low + 8, 26, 16, "quiet"), Label(170, low + 16, "in batches, since 6.7", align="left"),
        *lines(4, low + 42, "Logarithmic: a bar begins at 1 x, as long as without. Pages of 2 MiB. Not measured for "
               "this book: published by Muchun Song (5.14), 2021, and Mike Kravetz (the others), 2023.", 46),
    )  # fmt: skip
    return scene


def _role(row: Timing) -> Role:
    return "quiet" if row.batched else "plain"


# --- the third bug ----------------------------------------------------------------------------------------------------

_STRUCT_PAGES, _LATER = 512, "the two changes come with 6.12.114"


def marks_that_stay() -> Picture:
    """What stays in a dissolved 2 MiB page, and what it costs, release by release (`hvlib.observe.left_huge`, HVO on).

    Each strip is the 512 struct pages of one page that was given back; marked are those that still say HugeTLB. The
    squares are huge pages of 1 GiB that were asked for and given back, one after the other.
    """
    rows = [row for row in observe.left_huge() if row.hvo == "on"]
    strip, top, step, left, again = 400.0, 62, 30, 92.0, 548.0
    scene = Scene(WIDTH, top + len(rows) * step + 92)
    scene.add(
        "heads",
        Label(left, 20, "a dissolved 2 MiB page: its 512 struct pages", align="left", bold=True),
        Label(again, 20, "1 GiB taken and given back,", align="left", bold=True),
        Label(again, 38, "eight times", align="left", bold=True),
        *(Label(left + strip * n / _STRUCT_PAGES, 46, str(n)) for n in (64, 192, 320, 448)),
    )
    low = top
    for number, row in enumerate(rows):
        if row.frames and not rows[number - 1].frames:
            scene.add("turn", Line(14, low + 8, WIDTH - 14, low + 8),
                      Label(left, low + 22, _LATER, align="left", bold=True))  # fmt: skip
            low += 36
        _kernel(scene, row, number, Label(14, low + 10, _series(row), align="left", bold=True), low, left, strip)
        _rounds(scene, row, number, again, low)
        low += step
    _tell(scene, rows)
    scene.add("key", *_key(14, scene.height - 22))
    return Picture(scene, _upright_marks(rows))


def _upright_marks(rows: Sequence[observe.LeftHuge]) -> Scene:
    """For a phone: the rounds stand below their strip."""
    top, step = 66, 66
    scene = Scene(PORTRAIT, top + len(rows) * step + 96)
    told = "a dissolved 2 MiB page: its 512 struct pages; beside the release: 1 GiB taken and given back, eight times"
    scene.add("heads", *lines(4, 10, told, 46))
    low = top
    for number, row in enumerate(rows):
        if row.frames and not rows[number - 1].frames:
            scene.add(
                "turn", Line(4, low + 4, PORTRAIT - 4, low + 4), Label(4, low + 18, _LATER, align="left", bold=True)
            )
            low += 32
        _kernel(scene, row, number, Label(4, low + 8, _series(row), align="left", bold=True), low + 18, 4, PORTRAIT - 8)
        _rounds(scene, row, number, 150, low - 6)
        low += step
    _tell(scene, rows)
    scene.add("key", *_key(4, scene.height - 44, upright=True))
    return scene


def _series(row: observe.LeftHuge) -> str:
    return row.release.split("+")[0]


def _kernel(scene: Scene, row: observe.LeftHuge, number: int, name: Label, y: float, left: float, wide: float) -> None:
    """The struct pages of one dissolved page, and which of them still say HugeTLB."""
    unit = wide / _STRUCT_PAGES
    scene.add(f"strip{number}", name, Box(left, y, wide, 20, "plain"))
    scene.add(f"marks{number}", *(Box(left + unit * place, y, 7, 20, "stuck") for place in row.in_each))


def _rounds(scene: Scene, row: observe.LeftHuge, number: int, left: float, y: float) -> None:
    """Whether there was a page of 1 GiB, each time."""
    scene.add(
        f"again{number}",
        *(Box(left + 23 * turn, y + 1, 18, 18, "own" if got else "void") for turn, got in enumerate(row.again)),
    )


def _key(left: float, y: float, *, upright: bool = False) -> list[Box | Label]:
    told = (("stuck", "still says HugeTLB"), ("own", "a page of 1 GiB"), ("void", "none can be had"))
    shapes: list[Box | Label] = []
    for number, (role, words) in enumerate(told):
        x, row = (left + 165 * (number % 2), number // 2 * 24) if upright else (left + 190 * number, 0)
        shapes += [Box(x, y + row - 8, 16, 16, role), Label(x + 24, y + row, words, align="left")]  # type: ignore[arg-type]
    return shapes


def _tell(scene: Scene, rows: Sequence[observe.LeftHuge]) -> None:
    bad = [row for row in rows if row.frames]
    fewest = min(sum(row.again) for row in bad)
    scene.caption = (
        f"With the optimisation on, {_series(bad[0])} to {_series(bad[-1])} leave {len(bad[0].in_each)} marks in each "
        f"page that is dissolved, and after {fewest} rounds there is no page of 1 GiB any more."
    )
    told = (
        f"{_series(row)}: {len(row.in_each) or 'no'} marks, 1 GiB had {sum(row.again)} of {len(row.again)} times"
        for row in rows
    )
    scene.alt = f"Kernel by kernel, struct pages of a dissolved 2 MiB page that still say HugeTLB. {'; '.join(told)}."
