"""compound_head of one struct page, question by question, where frame 0 stands for all (chapter 7)."""

from __future__ import annotations

from functools import cache

import numpy as np

from ...mechanism.machine import Machine, Pool
from ...mechanism.structpage import COMPOUND_INFO, HeadRules, HeadSearch, compound_heads
from ...units import format_size
from ..fact import Fact
from ..film import Axis, Facts, Film
from ..scene import PORTRAIT, WIDTH, Arrow, Box, Label, Role, Scene, Shape

NUMBERS = (
    0, 1, 2, 63, 64, 65, 128, 129, 192, 193, 256, 257, 300, 320, 321, 384, 385, 448, 449, 511, 512, 513,
)  # fmt: skip
SCHEMES_SHOWN = ("off", "head page")
STEPS = 5
SLOTS = (0, 1, 2, 44, 63)
"""Slots of a page that are drawn; between 2 and 44, and 44 and 63, there are dots."""
_CELL, _GAP, _TOP, _PITCH, _HEIGHT = 32, 18, 66, 34, 26
_VIRTUAL, _FRAMES, _ASKS, _ASK, _STEP = 34, 272, 506, 304, 66
_WIDE = len(SLOTS) * _CELL + 2 * _GAP
_VERDICTS: dict[str, Role] = {"tail": "plain", "real head": "head", "fake head": "shared", "base page": "quiet"}
_QUESTIONS = (
    ("Is bit 0 of word 1 set?", "yes: a tail, which names its head"),
    ("Is it at the start of a page?", "no: it is what it seems to be"),
    ("Does it say PG_head?", "no: it is what it seems to be"),
    ("Bit 0 of word 1 of the next one?", "yes: that one names the head"),
)


@cache
def _pool(scheme: str, size: str = "2 MiB") -> Pool:
    """One huge page, optimised by a scheme, in a machine of its own."""
    return Machine("4 GiB", check=False).hugetlb(size).optimize(scheme)


@cache
def _born() -> tuple[int, ...]:
    """The frames behind the vmemmap pages of a huge page of 2 MiB at boot."""
    return Machine("4 GiB", check=False).hugetlb("2 MiB").frames()


@cache
def outcomes(scheme: str, size: str) -> tuple[int, int, int]:
    """Tails, real heads and fake heads among all struct pages of one huge page, as compound_head finds them."""
    pool = _pool(scheme, size)
    vmemmap = pool.machine.vmemmap
    pages = vmemmap.pfn_to_page(pool.pfns[0] + np.arange(pool.nr_base_pages, dtype=np.int64))
    tails = vmemmap.word(pages, COMPOUND_INFO) & np.uint64(1) == 1
    itself = compound_heads(pages, vmemmap, HeadRules(fake_heads=pool.scheme.fake_heads)) == pages
    return int(tails.sum()), int((~tails & itself).sum()), int((~tails & ~itself).sum())


@cache
def _search(scheme: str, number: int) -> HeadSearch:
    pool = _pool(scheme)
    return pool.machine.head_steps(pool.pfns[0] + number)


@cache
def _role(scheme: str, number: int) -> Role:
    """How a struct page looks: blue if it says PG_head, white if it is a tail, grey if neither."""
    pool = _pool(scheme)
    read = pool.machine.struct_page_of(pool.pfns[0] + number)
    return "head" if read.has_pg_head else "plain" if read.is_tail else "quiet"


def _verdict(scheme: str, number: int) -> str:
    search = _search(scheme, number)
    if search.verdict == "itself":
        return "real head" if _role(scheme, number) == "head" else "base page"
    return search.verdict


def _frame_row(scheme: str, row: int) -> int:
    """The row of the frame that vmemmap page ``row`` leads to; the page after the huge page keeps its own."""
    pool = _pool(scheme)
    return _born().index(pool.frames()[row]) if row < 8 else row


def _y(row: int) -> float:
    return _TOP + row * _PITCH + (8 if row == 8 else 0)


def _cell(left: float, row: int, slot: int, text: str, role: Role) -> tuple[Box, Label]:
    place = SLOTS.index(slot)
    x = left + place * _CELL + _GAP * ((place > 2) + (place > 3))
    y = _y(row)
    return Box(x, y, _CELL, _HEIGHT, role), Label(x + _CELL / 2, y + 13, text, on=role)


def _dots(left: float, row: int, on: Role | None = None) -> list[Shape]:
    y = _y(row) + 12
    places = (left + 3 * _CELL + _GAP / 2, left + 4 * _CELL + 1.5 * _GAP)
    return [Label(x, y, "…", on=on) for x in places]


def _marked(box: Box, label: Label) -> tuple[Shape, ...]:
    return Box(box.x - 3, box.y - 3, box.width + 6, box.height + 6, "mark"), box, label


def _read_now(scheme: str, number: int, step: int) -> list[int]:
    """Struct pages that the picture marks: the one asked about, and the one behind it while that is read."""
    steps = _search(scheme, number).steps
    return [number, number + 1] if step == len(steps) == 4 else [number]


def _fake_heads_state(scheme: str, struct_page: int, step: int) -> tuple[Scene, Facts]:
    search, verdict = _search(scheme, struct_page), _verdict(scheme, struct_page)
    page, slot = divmod(struct_page, 64)
    frame = _frame_row(scheme, page)
    scene = Scene(WIDTH, 472)
    where = f"vmemmap page {page}, slot {slot}; read from frame {frame}"
    scene.add("title", Label(14, 20, f"Struct page {struct_page} at {search.page:#x}: {where}", 13, "left", bold=True))
    scene.add(
        "heads",
        Label(14, 48, "vmemmap pages, by address", align="left", bold=True),
        Label(_FRAMES, 48, "page frames, by content", align="left", bold=True),
        Label(_ASKS, 48, "compound_head asks", align="left", bold=True),
    )
    _draw_pages(scene, scheme)
    _touch(scene, scheme)
    for name, number in zip(("it", "next"), _read_now(scheme, struct_page, step), strict=False):
        row, place = divmod(number, 64)
        lead = _frame_row(scheme, row)
        role = _role(scheme, number)
        text = str(place if scheme != "off" else number) if row < 8 else str(number)
        scene.add(f"{name} by address", *_marked(*_cell(_VIRTUAL, row, place, str(number), role)))
        scene.add(f"{name} in its frame", *_marked(*_cell(_FRAMES, lead, place, text, role)))
    _draw_questions(scene, scheme, struct_page, step)
    _draw_counts(scene, scheme)
    scene.caption = f"Step {step} of {STEPS - 1}, scheme {scheme}: {_told(scheme, struct_page, step)}."
    leads = "all lead to frame 0" if scheme == "head page" else "lead to a frame of their own each"
    scene.alt = (
        f"Step {step} of {STEPS - 1}. The eight vmemmap pages of a 2 MiB page, which {leads}, "
        f"and the page after them. Struct page {struct_page} "
        f"is marked in page {page}, slot {slot}, and in frame {frame}. Beside them four questions; "
        f"{_asked_text(search, step)}."
    )
    decided = step >= len(search.steps)
    head = {"struct page": (search.head - _first(scheme)) // 64, "address": hex(search.head)}
    return scene, {
        "struct page": struct_page,
        "read from": Fact({"frame": frame, "slot": slot}, "frame {0[frame]}, slot {0[slot]}".format),
        "asked so far": Fact([asked.answer for asked in search.steps[:step]], lambda _: _asked_text(search, step)),
        "verdict": verdict if decided else "not yet",
        "the head": Fact(head, "struct page {0[struct page]} at {0[address]}".format) if decided else "not yet",
        "of the 512 of a 2 MiB page": Fact(outcomes(scheme, "2 MiB"), lambda _: _counted(scheme, "2 MiB")),
        "of the 262,144 of a 1 GiB page": Fact(outcomes(scheme, "1 GiB"), lambda _: _counted(scheme, "1 GiB")),
    }


_TALL_CELL, _TALL_GAP, _TALL_LEFT, _TALL_FRAMES, _TALL_ASKS = 25, 5, 14, 187, 352
_TALL_WIDE = len(SLOTS) * _TALL_CELL + 2 * _TALL_GAP


def _portrait(scheme: str, struct_page: int, step: int) -> Scene:
    """For a phone: narrower cells, and the questions below the pages."""
    scene = Scene(PORTRAIT, 634)
    leads = [_frame_row(scheme, row) for row in range(9)]
    writable = (*_pool(scheme).writable(), True)
    scene.add(
        "heads",
        Label(_TALL_LEFT, 12, "vmemmap pages", align="left", bold=True),
        Label(_TALL_FRAMES, 12, "page frames", align="left", bold=True),
    )

    def y(row: int) -> float:
        return 28 + row * 33 + (6 if row == 8 else 0)

    def cell(left: float, row: int, slot: int, text: str, role: Role) -> tuple[Box, Label]:
        place = SLOTS.index(slot)
        x = left + place * _TALL_CELL + _TALL_GAP * ((place > 2) + (place > 3))
        return Box(x, y(row), _TALL_CELL, 26, role), Label(x + _TALL_CELL / 2, y(row) + 13, text, on=role)

    for row in range(9):
        others: list[Shape] = [Label(6, y(row) + 13, str(row), bold=True)]
        for slot in SLOTS:
            number = row * 64 + slot
            shapes = cell(_TALL_LEFT, row, slot, str(number), _role(scheme, number))
            if number in NUMBERS:
                scene.add(f"cell{number}", *shapes)
            else:
                others += shapes
        scene.add(f"page{row}", *others)
    for row in range(9):
        start = _TALL_LEFT + _TALL_WIDE + 2
        look = Arrow(start, y(row) + 13, _TALL_FRAMES - 5, y(leads[row]) + 13, "own" if writable[row] else "remapped")
        scene.add(f"entry{row}", look)
    for row in range(9):
        shown: list[Shape] = [Label(PORTRAIT - 6, y(row) + 13, str(row), bold=True)]
        if row not in leads:
            shown += [
                Box(_TALL_FRAMES, y(row), _TALL_WIDE, 26, "freed"),
                Label(_TALL_FRAMES + _TALL_WIDE / 2, y(row) + 13, "free", on="freed"),
            ]
        else:
            if leads.count(row) > 1:
                shown.append(Box(_TALL_FRAMES - 4, y(row) - 4, _TALL_WIDE + 8, 34, "shared"))
            for slot in SLOTS:
                number = row * 64 + slot
                text = str(number if scheme == "off" or row == 8 else slot)
                shown += cell(_TALL_FRAMES, row, slot, text, _role(scheme, number))
        scene.add(f"frame{row}", *shown)
    for name, number in zip(("it", "next"), _read_now(scheme, struct_page, step), strict=False):
        row, place = divmod(number, 64)
        role = _role(scheme, number)
        text = str(number if scheme == "off" or row == 8 else place)
        for where, left, at, words in (
            ("by address", _TALL_LEFT, row, str(number)), ("in its frame", _TALL_FRAMES, leads[row], text)
        ):  # fmt: skip
            scene.add(f"{name} {where}", *_marked(*cell(left, at, place, words, role)))
    _tall_questions(scene, scheme, struct_page, step)
    keys: tuple[tuple[float, str, Role], ...] = ((2, "says PG_head", "head"), (126, "a tail", "plain"),
                                                 (206, "neither", "quiet"))  # fmt: skip
    for x, words, role in keys:
        scene.add("key", Box(x, 590, 14, 14, role), Label(x + 20, 597, words, align="left"))
    for x, words, arrow in ((2, "writable", "own"), (126, "read-only", "remapped")):
        scene.add("key", Arrow(x, 620, x + 30, 620, arrow), Label(x + 36, 620, words, align="left"))  # type: ignore[arg-type]
    _touch(scene, scheme)
    return scene


def _tall_questions(scene: Scene, scheme: str, number: int, step: int) -> None:
    """The questions with their answers, and the verdict, each a line."""
    steps = _search(scheme, number).steps
    for place, (question, _) in enumerate(_QUESTIONS):
        y, asked = _TALL_ASKS + place * 44, place < min(step, len(steps))
        role: Role = "mark" if asked and place == step - 1 else "plain" if asked else "void"
        on: Role | None = role if asked else None
        answer = ("yes" if steps[place].answer else "no") if asked else "not asked" if step >= len(steps) else "?"
        scene.add(
            f"question{place}",
            Box(2, y, PORTRAIT - 4, 36, role),
            Label(10, y + 18, f"{place + 1}  {question}", align="left", on=on),
            Label(PORTRAIT - 10, y + 18, answer, align="right", bold=True, on=on),
        )
    y = _TALL_ASKS + 4 * 44
    if step < len(steps):
        scene.add("verdict", Box(2, y, PORTRAIT - 4, 36, "void"), Label(PORTRAIT / 2, y + 18, "not decided yet"))
        return
    verdict = _verdict(scheme, number)
    role = _VERDICTS[verdict]
    scene.add(
        "verdict",
        Box(2, y, PORTRAIT - 4, 36, role),
        Label(PORTRAIT / 2, y + 18, f"struct page {number}: a {verdict}", 14, bold=True, on=role),
    )


def _touch(scene: Scene, scheme: str) -> None:
    """A struct page is asked about, a question is asked; a page, its entry and its frame belong together."""
    for number in NUMBERS:
        scene.sets(f"cell{number}", struct_page=number)
    for place in range(len(_QUESTIONS)):
        scene.sets(f"question{place}", step=place + 1)
    for row in range(9):
        cells = (f"cell{number}" for number in NUMBERS if number // 64 == row)
        scene.tie(f"page{row}", *cells, f"entry{row}", f"frame{_frame_row(scheme, row)}")


def _first(scheme: str) -> int:
    pool = _pool(scheme)
    return pool.machine.pfn_to_page(pool.pfns[0])


def _draw_pages(scene: Scene, scheme: str) -> None:
    """Nine rows of addresses, nine rows of frames, and the entries between them."""
    for name, shapes in _pages(scheme):
        scene.add(name, *shapes)


@cache
def _pages(scheme: str) -> tuple[tuple[str, tuple[Shape, ...]], ...]:
    drawn = Scene(WIDTH, 0)
    leads = [_frame_row(scheme, row) for row in range(9)]
    writable = (*_pool(scheme).writable(), True)
    for row in range(9):
        numbers = [row * 64 + slot for slot in SLOTS]
        cells: list[Shape] = [Label(22, _y(row) + 13, str(row), bold=True)]
        for slot, number in zip(SLOTS, numbers, strict=True):
            cell = _cell(_VIRTUAL, row, slot, str(number), _role(scheme, number))
            if number in NUMBERS:
                drawn.add(f"cell{number}", *cell)
            else:
                cells += cell
        drawn.add(f"page{row}", *cells, *_dots(_VIRTUAL, row))
    for row in range(9):
        y = _y(row) + 13
        tip = _y(leads[row]) + 13
        drawn.add(
            f"entry{row}",
            Arrow(_VIRTUAL + _WIDE + 2, y, _FRAMES - 5, tip, "own" if writable[row] else "remapped"),
        )
    for row in range(9):
        y = _y(row)
        name = Label(_FRAMES + _WIDE + 16, y + 13, str(row), bold=True)
        if row not in leads:
            free = Box(_FRAMES, y, _WIDE, _HEIGHT, "freed")
            drawn.add(f"frame{row}", free, Label(_FRAMES + _WIDE / 2, y + 13, "free", on="freed"), name)
            continue
        shown: list[Shape] = [name]
        if leads.count(row) > 1:
            shown.append(Box(_FRAMES - 5, y - 4, _WIDE + 10, _HEIGHT + 8, "shared"))
        for slot in SLOTS:
            number = row * 64 + slot
            text = str(number if scheme == "off" or row == 8 else slot)
            shown += _cell(_FRAMES, row, slot, text, _role(scheme, number))
        drawn.add(f"frame{row}", *shown, *_dots(_FRAMES, row, "shared" if leads.count(row) > 1 else None))
    return tuple(drawn.groups.items())


def _draw_questions(scene: Scene, scheme: str, number: int, step: int) -> None:
    search = _search(scheme, number)
    steps = search.steps
    for place, (question, decides) in enumerate(_QUESTIONS):
        y = _TOP + place * _STEP
        if place < min(step, len(steps)):
            asked = steps[place]
            role: Role = "mark" if place == step - 1 else "plain"
            last = place == len(steps) - 1
            read = f"word {asked.read[1]} is {asked.read[2]:#x}" if asked.read else "from its address, nothing is read"
            outcome = decides if last else f"{'yes' if asked.answer else 'no'}: ask on"
            if last and decides.split(":")[0] != ("yes" if asked.answer else "no"):
                outcome = "no: it is what it seems to be"
            lines = [Label(_ASKS + 10, y + 31, read, align="left", on=role),
                     Label(_ASKS + 10, y + 48, outcome, align="left", bold=True, on=role)]  # fmt: skip
            on: Role | None = role
        else:
            role, on = "void", None
            skipped = "not asked" if step >= len(steps) else ""
            if skipped and scheme == "off" and not steps[0].answer:
                skipped = "not asked: nothing is optimised"
            lines = [Label(_ASKS + 10, y + 40, skipped, align="left")] if skipped else []
        scene.add(
            f"question{place}",
            Box(_ASKS, y, _ASK, 60, role),
            Label(_ASKS + 10, y + 14, f"{place + 1}  {question}", align="left", bold=True, on=on),
            *lines,
        )
    y = _TOP + 4 * _STEP
    if step < len(steps):
        scene.add("verdict", Box(_ASKS, y, _ASK, 50, "void"), Label(_ASKS + _ASK / 2, y + 25, "not decided yet"))
        return
    verdict = _verdict(scheme, number)
    head = (search.head - _first(scheme)) // 64
    if verdict == "base page":
        found = "no head, no tail: it stands for itself"
    else:
        found = f"its head: struct page {head}, {search.head:#x}"
    on = _VERDICTS[verdict]
    scene.add(
        "verdict",
        Box(_ASKS, y, _ASK, 50, on),
        Label(_ASKS + _ASK / 2, y + 16, f"a {verdict}", 15, bold=True, on=on),
        Label(_ASKS + _ASK / 2, y + 36, found, on=on),
    )


def _draw_counts(scene: Scene, scheme: str) -> None:
    for row, size in enumerate(("2 MiB", "1 GiB")):
        total = _pool(scheme, size).nr_base_pages
        text = f"{format_size(_pool(scheme, size).size)}: {total:,} struct pages = {_counted(scheme, size)}"
        scene.add(f"count{row}", Label(14, 408 + 18 * row, text, align="left"))
    keys: tuple[tuple[str, Role], ...] = (("says PG_head", "head"), ("a tail", "plain"), ("neither", "quiet"))
    shapes: list[Shape] = []
    for place, (text, role) in enumerate(keys):
        x = 14 + place * 140
        shapes += [Box(x, 446, 16, 16, role), Label(x + 24, 454, text, align="left")]
    shapes += [
        Arrow(_ASKS, 454, _ASKS + 34, 454, "own"),
        Label(_ASKS + 42, 454, "writable", align="left"),
        Arrow(_ASKS + 140, 454, _ASKS + 174, 454, "remapped"),
        Label(_ASKS + 182, 454, "read-only", align="left"),
    ]
    scene.add("key", *shapes)


def _counted(scheme: str, size: str) -> str:
    tails, real, fake = outcomes(scheme, size)
    return f"{tails:,} tails + {real} real head + {fake:,} fake heads"


def _asked_text(search: HeadSearch, step: int) -> str:
    answers = ["yes" if asked.answer else "no" for asked in search.steps[:step]]
    return f"answers so far: {', '.join(answers)}" if answers else "none is asked yet"


def _told(scheme: str, number: int, step: int) -> str:
    search = _search(scheme, number)
    page, slot = divmod(number, 64)
    if step == 0:
        return (
            f"struct page {number} is slot {slot} of vmemmap page {page}, and its bytes come from frame "
            f"{_frame_row(scheme, page)}"
        )
    head = (search.head - _first(scheme)) // 64
    end = {
        "tail": f"a tail of struct page {head}",
        "fake head": f"a fake head, and the head is struct page {head}",
        "real head": "the real head",
        "base page": "a base page by itself",
    }[_verdict(scheme, number)]
    if step > len(search.steps):
        return f"decided after {len(search.steps)} of 4 questions, struct page {number} is {end}"
    asked = search.steps[step - 1]
    answer = f"struct page {number}, question {step}: {asked.question} {'Yes' if asked.answer else 'No'}"
    return f"{answer}, so it is {end}" if step == len(search.steps) else answer


FILM = Film(
    "compound_head, question by question",
    (
        Axis("scheme", "scheme", SCHEMES_SHOWN, ("off", "head page (5.18 to 6.1)"), start="head page"),
        Axis(
            "struct_page", "struct page", NUMBERS,
            tuple(str(n) if n < 512 else f"{n} (after the huge page)" for n in NUMBERS),
        ),
        Axis("step", "step", tuple(range(STEPS)), play=True),
    ),
    _fake_heads_state,
    _portrait,
)  # fmt: skip
