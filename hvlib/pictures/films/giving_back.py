"""Eight optimised huge pages are given back while few frames are free, step by step (chapter 10)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

from ...facts.schemes import SCHEMES
from ...mechanism.events import AllocFrames, GiveHugePages, LeaveAsSurplus, SetScheme, TakeHugePages
from ...mechanism.machine import Machine
from ...units import quantity
from ..film import Axis, Facts, Film
from ..scene import PORTRAIT, WIDTH, Arrow, Box, Label, Line, Role, Scene, Shape

_PAGES = 8
_SPARE = (0, 3, 6, 7, 13, 14, 42, 48)
_STEPS = 5
Stage = Literal["optimised", "restored", "given back", "surplus"]


@dataclass(frozen=True)
class _Moment:
    """The pool and the free frames after a step, read from the machine: nothing here is computed by formula.

    ``entries`` are, for each huge page, (frame, writable) of its vmemmap pages; ``inside`` its own 512 frames that
    are free; ``single`` the frames, free at the start, that still are.
    """

    stages: tuple[Stage, ...]
    entries: tuple[tuple[tuple[int, bool], ...], ...]
    inside: tuple[int, ...]
    single: int
    free: int


@cache
def _history(scheme: str, spare: int) -> tuple[Machine, tuple[int, ...]]:
    """Eight optimised huge pages given back with ``spare`` frames free, and the events after which the film stops."""
    machine = Machine("64 MiB", check=False)
    pool = machine.hugetlb("2 MiB", _PAGES).optimize(scheme)
    machine.occupy(machine.free_frames - spare)
    start = len(machine.events)
    pool.free()
    after = list(enumerate(machine.events[start:], start + 1))
    restored = [number for number, event in after if isinstance(event, SetScheme)]
    given = [number for number, event in after if isinstance(event, GiveHugePages)]
    if not given:
        assert isinstance(machine.events[-1], LeaveAsSurplus)
        return machine, (start, start, *[len(machine.events)] * 3)
    rounds = list(zip(restored, given, strict=True))
    first, last = rounds[0], rounds[-1]
    assert len(rounds) <= 2
    return machine, (start, *first, *(last if len(rounds) == 2 else (given[0], given[0])))


def _moment(scheme: str, spare: int, step: int) -> _Moment:
    return _moments(scheme, spare)[step]


@cache
def _moments(scheme: str, spare: int) -> tuple[_Moment, ...]:
    """The stops of the film, in one replay."""
    machine, stops = _history(scheme, spare)
    heads, frames = _heads(machine), np.arange(machine.nr_frames, dtype=np.int64)
    found: list[_Moment] = []
    single = frames[:0]
    for now in machine.replay(stops):
        vmemmap = now.vmemmap
        if not found:
            single = frames[vmemmap.buddy.contains(frames)]
        spans = [vmemmap.pages_of(head, 9) for head in heads]
        found.append(
            _Moment(
                _stages(now, heads),
                tuple(
                    tuple(zip(vmemmap.frame[pages].tolist(), vmemmap.writable[pages].tolist(), strict=True))
                    for pages in spans
                ),
                tuple(int(vmemmap.buddy.contains(np.arange(head, head + 512, dtype=np.int64)).sum()) for head in heads),
                int(vmemmap.buddy.contains(single).sum()),
                now.free_frames,
            )
        )
    return tuple(found)


def _stages(now: Machine, heads: list[int]) -> tuple[Stage, ...]:
    pools = [(pool, set(pool.pfns)) for pool in now.pools]
    stages: list[Stage] = []
    for head in heads:
        mine = [pool for pool, pfns in pools if head in pfns]
        if not mine:
            stages.append("given back")
        elif mine[0].scheme is SCHEMES["off"]:
            stages.append("restored")
        else:
            stages.append("surplus" if mine[0].surplus else "optimised")
    return tuple(stages)


def _heads(machine: Machine) -> list[int]:
    taken = next(event for event in machine.events if isinstance(event, TakeHugePages))
    return [int(head) for head in taken.heads]


@cache
def _need(scheme: str) -> int:
    """Frames that restoring one huge page takes, counted from the event that takes them."""
    machine = Machine("64 MiB", check=False)
    machine.hugetlb("2 MiB").optimize(scheme)
    before = len(machine.events)
    machine.pools[0].restore()
    return sum(len(event.frames) for event in machine.events[before:] if isinstance(event, AllocFrames))


def _state(scheme: str, free_frames: int, step: int) -> tuple[Scene, Facts]:
    now = _moment(scheme, free_frames, step)
    text = _text(scheme, free_frames, step)
    counts = {stage: now.stages.count(stage) for stage in ("optimised", "restored", "given back", "surplus")}
    facts: Facts = {"this step": text, "frames needed for one": _need(scheme), **counts, "free frames": now.free}
    return _scene(scheme, free_frames, step, text), facts


def _text(scheme: str, spare: int, step: int) -> str:
    """What happened in a step, in words, from the machine before it and after it."""
    now, before = (_moment(scheme, spare, n) for n in (step, max(step - 1, 0)))
    need, left = _need(scheme), now.stages.count("given back")
    stuck = left == 0 and "restored" not in now.stages
    if step == 0:
        return f"eight optimised huge pages, {quantity(now.free, 'frame')} free"
    if step == 4:
        end = f"{left} given back" if left else f"none given back, {now.stages.count('surplus')} surplus"
        return f"the end: {end}, {quantity(now.free, 'frame')} free"
    if stuck:
        return (
            f"one huge page needs {need} frames, {now.free} are free: none can be restored",
            "all eight stay in the pool, as surplus",
            "no memory was gained to try again with",
        )[step - 1]
    if now == before:
        return "no huge page is left to restore"
    count = sum(one != other for one, other in zip(now.stages, before.stages, strict=True))
    if step == 2:
        return f"{quantity(count, 'huge page')} given back, 512 frames each"
    return f"{quantity(before.free - now.free, 'frame')} allocated, {quantity(count, 'huge page')} restored"


# --- the picture ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Layout:
    """Where the columns of the huge pages stand, and how wide the parts of one are; in narrow ones no words stand."""

    left: float
    pitch: float
    wide: float
    entry: float
    single: float
    words: bool = True

    def x(self, number: int) -> float:
        """The left edge of a column."""
        return self.left + self.pitch * number

    def middle(self, number: int) -> float:
        return self.x(number) + self.wide / 2


_WIDE, _NARROW = _Layout(148, 83.5, 77, 15, 9), _Layout(2, 42.4, 39, 7.5, 4, words=False)
_BOXES: dict[Stage, Role] = {"optimised": "quiet", "restored": "plain", "given back": "freed", "surplus": "stuck"}


def _scene(scheme: str, spare: int, step: int, text: str) -> Scene:
    now, scene = _moment(scheme, spare, step), Scene(WIDTH, 440)
    scene.add("title", Label(14, 18, f"Step {step} of {_STEPS - 1}", 14, "left", bold=True))
    scene.add(
        "rows",
        Label(14, 62, "huge pages", align="left", bold=True), Label(14, 79, "2 MiB each", align="left"),
        Label(14, 119, "entries of their", align="left"), Label(14, 136, "vmemmap pages", align="left"),
        Label(14, 226, "the 512 frames", align="left"), Label(14, 243, "of each, if free", align="left"),
        Label(14, 278, "other free", align="left"), Label(14, 295, "frames", align="left"),
        Label(14, 336, "free frames", align="left", bold=True), Label(14, 353, "in all", align="left"),
    )  # fmt: skip
    _columns(scene, scheme, spare, step, _WIDE)
    for n in range(_STEPS):
        x = _WIDE.left + 140 * n
        if n:
            scene.add(f"then{n}", Arrow(x - 46, 344, x - 6, 344, "arithmetic"))
        shown = n <= step
        value = f"{_moment(scheme, spare, n).free:,}" if shown else "?"
        role: Role = "mark" if n == step else "plain" if shown else "void"
        scene.add(
            f"free{n}",
            Box(x, 330, 84, 28, role),
            Label(x + 42, 344, value, 14, bold=n == step, on=role if shown else None),
        )
    scene.add(
        "key",
        Line(14, 374, WIDTH - 14, 374),
        *_keys(392, (("head", "head", 110), ("own", "own frame", 150), ("readonly", "shared, read-only", 190),
                     ("freed", "free", 96), ("void", "not free", 0))),
        *_keys(420, (("taken", "frames taken", 170), ("given", "frames given back", 0)), arrows=True),
    )  # fmt: skip
    _touch(scene)
    told = ", ".join(f"{now.stages.count(s)} {s}" for s in _BOXES if s in now.stages)
    name = f"Scheme {scheme}, {quantity(spare, 'frame')} free at the start"
    scene.caption = f"{name}. Step {step} of {_STEPS - 1}: {text}."
    scene.alt = (
        f"{name}. Eight huge pages of 2 MiB in a row: {told}. Below, free frames: "
        f"{sum(now.inside):,} that were huge pages, "
        f"{now.single} others; {now.free:,} in all. Step {step}: {text}."
    )
    return scene


def _columns(scene: Scene, scheme: str, spare: int, step: int, lay: _Layout) -> None:
    """The huge pages, the other free frames below them, and who pays whom."""
    now, need = _moment(scheme, spare, step), _need(scheme)
    for number in range(_PAGES):
        _huge_page(scene, now, number, lay)
    for number in range(spare):
        x = lay.x(number // need) + number % need * (lay.single + 2)
        # Which of them went first is the allocator's affair; they are drawn as taken from the left.
        taken = number < spare - now.single
        scene.add(f"single{number}", Box(x, 277, lay.single, 18, "void" if taken else "freed"))
    for number in range(_PAGES):
        _payment(scene, scheme, spare, step, number, lay)


def _touch(scene: Scene) -> None:
    """The count of free frames after a step leads to it; a huge page has its entries, its frames and who pays."""
    for n in range(_STEPS):
        scene.sets(f"free{n}", step=n)
    for number in range(_PAGES):
        scene.tie(*(f"{what}{number}" for what in ("huge", "entries", "block", "pay")))


def _portrait(scheme: str, free_frames: int, step: int) -> Scene:
    """For a phone: narrow columns, whose colours say what words say elsewhere."""
    scene = Scene(PORTRAIT, 580)
    scene.add(
        "rows",
        Label(2, 14, f"Step {step} of {_STEPS - 1}", 13, "left", bold=True),
        Label(PORTRAIT - 2, 14, "eight huge pages, 2 MiB each", align="right"),
        Label(2, 308, "upper boxes: the 512 frames of each, if free", align="left"),
        Label(2, 325, "lower boxes: other free frames", align="left"),
        Label(2, 352, "free frames in all", align="left", bold=True),
    )
    _columns(scene, scheme, free_frames, step, _NARROW)
    for n in range(_STEPS):
        x, shown = 2 + 69 * n, n <= step
        role: Role = "mark" if n == step else "plain" if shown else "void"
        value = f"{_moment(scheme, free_frames, n).free:,}" if shown else "?"
        text = Label(x + 29, 380, value, 13, bold=n == step, on=role if shown else None)
        scene.add(f"free{n}", Box(x, 366, 58, 28, role), text)
    keys: tuple[tuple[tuple[Any, str, float], ...], ...] = (
        (("quiet", "optimised", 108), ("plain", "restored", 104), ("stuck", "surplus", 0)),
        (("head", "head", 108), ("own", "own frame", 104), ("readonly", "shared, r/o", 0)),
        (("freed", "free, given back", 212), ("void", "not free", 0)),
    )
    for row, entries in enumerate(keys):
        scene.add("key", *_keys(420 + 26 * row, entries, left=2))
    scene.add("key", *_keys(508, (("taken", "frames taken", 0),), arrows=True, left=2))
    scene.add("key", *_keys(534, (("given", "frames given back", 0),), arrows=True, left=2))
    scene.add("note", Label(2, 562, "r/o: its entry is read-only", align="left"))
    _touch(scene)
    return scene


def _keys(y: float, entries: tuple[tuple[Any, str, float], ...], arrows: bool = False, left: float = 14) -> list[Shape]:
    """What roles mean, from the left, each with the room it needs."""
    x, shapes = left, list[Shape]()
    for role, words, room in entries:
        if arrows:
            shapes += [Arrow(x, y, x + 34, y, role), Label(x + 42, y, words, align="left")]
        else:
            shapes += [Box(x, y - 8, 16, 16, role), Label(x + 24, y, words, align="left")]
        x += room
    return shapes


def _huge_page(scene: Scene, now: _Moment, number: int, lay: _Layout) -> None:
    x, middle, stage = lay.x(number), lay.middle(number), now.stages[number]
    role = _BOXES[stage]
    scene.add(
        f"huge{number}",
        Box(x, 40, lay.wide, 60, role),
        Label(middle, 60, str(number), 15, bold=True, on=role),
        *([Label(middle, 83, stage, on=role)] if lay.words else []),
    )
    own: list[Box] = []
    for page, (_, writable) in enumerate(now.entries[number]):
        is_head = page == 0 and stage != "given back"
        look: Role = "head" if is_head else "own" if writable else "readonly"
        own.append(
            Box(
                x + page % 4 * (lay.entry + 3) + (lay.wide - 4 * lay.entry - 9) / 2,
                110 + page // 4 * 19,
                lay.entry,
                16,
                look,
            )
        )
    scene.add(f"entries{number}", *own)
    inside = now.inside[number]
    if inside:
        scene.add(
            f"block{number}",
            Box(x, 216, lay.wide, 32, "freed"),
            Label(middle, 232, f"{inside}", 14 if lay.words else 12, bold=True, on="freed"),
        )
    else:
        scene.add(f"block{number}", Box(x, 216, lay.wide, 32, "void"))


def _payment(scene: Scene, scheme: str, spare: int, step: int, number: int, lay: _Layout) -> None:
    """Arrows of a step: frames to the huge page that is restored, or frames of the huge page that is given back."""
    if not step:
        return
    now, before = _moment(scheme, spare, step), _moment(scheme, spare, step - 1)
    stage, old = now.stages[number], before.stages[number]
    x = lay.middle(number)
    if (old, stage) == ("restored", "given back"):
        scene.add(f"pay{number}", Arrow(x, 152, x, 212, "given"))
    if (old, stage) != ("optimised", "restored"):
        return
    heads = _heads(_history(scheme, spare)[0])
    new = [
        frame for (frame, _), had in zip(now.entries[number], before.entries[number], strict=True) if frame != had[0]
    ]
    payers = {payer for payer in range(_PAGES) for frame in new if 0 <= frame - heads[payer] < 512}
    for payer in sorted(payers):
        scene.add(f"pay{number}", Arrow(lay.middle(payer), 214, x, 152, "taken"))
    if any(not any(0 <= frame - head < 512 for head in heads) for frame in new):
        column = x if step == 1 else lay.middle((spare - 1) // _need(scheme))
        scene.add(f"pay{number}", Arrow(column, 274, x, 152, "taken"))


FILM = Film(
    "Giving huge pages back, with few frames free",
    (
        Axis("scheme", "scheme", ("tail page", "head page"), start="head page"),
        Axis("free_frames", "free frames before", _SPARE),
        Axis("step", "step", tuple(range(_STEPS)), play=True),
    ),
    _state,
    _portrait,
)
