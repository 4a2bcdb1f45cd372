"""The rules of "You are the kernel", played on the engine: eight entries, two CPUs, and what can go wrong.

A move is events of the mechanism on a small `Vmemmap`. Afterwards the mechanism's invariants are asked which truths
broke. Three of them are a disaster at once; the others are one as soon as a CPU acts on what broke, through the page
table or through a line of its TLB that is out of date. CPUs act between moves and never by the clock, and are unlucky
on purpose: an access that can do harm, and may come next, comes next. Same seed, same moves, same game.

static/kernel.js plays the same game without Python; a test compares the two, state by state.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import BadInput, flag, name_of, quoted
from ..facts.layout import BASE_PAGE, STRUCT_PAGE
from ..facts.schemes import SCHEMES
from ..mechanism import hvo
from ..mechanism.buddy import Runs
from ..mechanism.cpus import Access, Cpu, outdated
from ..mechanism.events import AllocFrames, Event, FlushTlb, FreeFrames, Remap, SetScheme, SplitPmd
from ..mechanism.invariants import INVARIANTS
from ..mechanism.structpage import PRIVATE
from ..mechanism.vmemmap import Vmemmap
from ..units import MiB, whole_number
from .kernel_words import DATA, DISASTERS, PER_PAGE, SLOT, written

PAGES = TABLE = 8
"""Vmemmap pages of the huge page, numbered from 0 like their frames at boot; and the number of the table's frame."""
SEED = 6
LISTED = tuple(DATA["listed"])
"""The disasters that the reader is given to find."""
_BUSY = ((0, 2, 4, 6), (1, 3, 5, 7))
"""What each CPU is busy with: vmemmap pages. Four lines of TLB are just enough."""
_TAILS = range(1, PAGES)
_MARK = 0xBAD
_KEPT = ("found", "won", "stars", "blots", "gambles")
"""What an undo leaves as it is."""

Said = tuple[str, dict[str, Any]]
Move = dict[str, Any]
MOVES: dict[str, tuple[str, ...]] = {
    "split": (), "remap": ("page", "frame"), "protect": ("page", "writable"), "flush": (), "free": ("frame",),
    "likewise": (), "learn": (), "undo": (), "reset": (),
}  # fmt: skip
"""Move -> what it takes. ``free`` without a frame frees all that no entry leads to; ``protect`` makes read-only."""


def move(do: str, page: object = None, frame: object = None, writable: object = None) -> Move:
    """A move as plain data. Raises `BadInput` for one that there is not."""
    do = name_of(do, "move", MOVES)
    given = {"page": page, "frame": frame, "writable": writable}
    for name, value in given.items():
        if value is not None and name not in MOVES[do]:
            takes = " and ".join(MOVES[do]) or "nothing"
            raise BadInput(f"{do} takes {takes}, and no {name}; write for example play('remap', page=2, frame=1).")
    made: Move = {"do": do}
    if "page" in MOVES[do]:
        made["page"] = whole_number(page, "a vmemmap page", 0, PAGES - 1)
    if do == "remap" or frame is not None:
        made["frame"] = whole_number(frame, "a frame of this game", 0, TABLE)
    if do == "protect":
        made["writable"] = flag(False if writable is None else writable, "writable")
    return made


def move_of(value: object) -> Move:
    """A move as it comes from a browser. Raises `BadInput` for what is none."""
    if not isinstance(value, dict) or not set(value) <= {"do", "page", "frame", "writable"} or "do" not in value:
        raise BadInput(f"{quoted(value)} is no move; write for example {{'do': 'remap', 'page': 2, 'frame': 1}}.")
    return move(**value)


@dataclass
class Outcome:
    """What came of a move: what is said of it, the CPUs' accesses, and whether it was refused."""

    says: list[Said] = field(default_factory=list)
    acts: list[dict[str, Any]] = field(default_factory=list)
    refused: bool = False


class Kernel:
    """One game: the vmemmap of a machine with a single huge page, two CPUs, and the score."""

    def __init__(self, seed: int = SEED) -> None:
        self.seed = seed
        self.vmemmap = Vmemmap(8 * MiB // BASE_PAGE, BASE_PAGE, STRUCT_PAGE)
        for event in hvo.allocate(self.vmemmap, 9, 1):
            event.apply(self.vmemmap)
        SetScheme(0, SCHEMES["tail page"]).apply(self.vmemmap)
        pages = self.vmemmap.pages_of(int(self.vmemmap.pool(0).heads[0]), 9)
        self.first = pages.start
        self.frames = [*self.vmemmap.frame[pages].tolist(), int(self.vmemmap.buddy.choose(1)[0])]
        self.cpus = [Cpu(), Cpu()]
        self.turn = self.blots = self.gambles = 0
        self.caught = False
        self.dead: dict[str, Any] | None = None
        self.broken: list[str] = []
        self.found: list[str] = []
        self.goals: list[str] = []
        self.won: list[str] = []
        self.stars = [False, False, False]
        for cpu, busy in zip(self.cpus, _BUSY, strict=True):
            cpu.access(self.vmemmap, self.first + busy[0])

    # --- what can be asked ---------------------------------------------------------------------------------------

    @property
    def split(self) -> bool:
        """Whether there is an entry for each page."""
        return bool(self.vmemmap.table[self.first // self.vmemmap.entries_per_leaf] >= 0)

    @property
    def kernel(self) -> str:
        """The release whose `compound_head` reads these struct pages."""
        return "5.18" if self.vmemmap.pool(0).scheme.fake_heads else "5.14"

    def shown(self, page: int) -> int:
        """The number of the frame that a page's entry leads to."""
        return self.frames.index(int(self.vmemmap.frame[self.first + page]))

    def writable(self, page: int) -> bool:
        """Whether a page's entry is writable."""
        return bool(self.vmemmap.writable[self.first + page])

    def showing(self, frame: int) -> list[int]:
        """The pages whose entries lead to a frame."""
        there = self.vmemmap.frame[self.first : self.first + PAGES].tolist()
        return [page for page, led in enumerate(there) if led == self.frames[frame]]

    def free(self) -> list[bool]:
        """Whether each frame is on a free list."""
        free: list[bool] = self.vmemmap.buddy.contains(np.array(self.frames)).tolist()
        return free

    def unused(self) -> list[int]:
        """Frames that no entry leads to and that are not free."""
        free = self.free()
        return [frame for frame in range(PAGES) if not free[frame] and not self.showing(frame)]

    def stale(self) -> list[int]:
        """Frames that lost their last entry since the last flush."""
        stale = self.vmemmap.stale[np.array(self.frames[:PAGES])].tolist()
        return [frame for frame, is_stale in enumerate(stale) if is_stale]

    def marks(self) -> list[int]:
        """Frames that somebody wrote to where struct page `SLOT` stands."""
        offset = SLOT * STRUCT_PAGE + PRIVATE * 8
        return [number for number, frame in enumerate(self.frames) if (frame, offset) in self.vmemmap.written()]

    def outdated(self) -> list[int]:
        """Pages of which some TLB says other than the page table, once for each line that does."""
        pages = range(self.first, self.first + PAGES)
        lines = [line for cpu in self.cpus for line in cpu.lines if line]
        return [page - self.first for line in lines for page in outdated(line, self.vmemmap, pages)]

    def rest(self) -> tuple[int, list[int]] | None:
        """If two entries or more were led to one frame, read-only: the frame, and the pages left to do likewise."""
        if self.dead or not self.split:
            return None
        for frame in range(PAGES):
            done = [page for page in self.showing(frame) if page != frame and not self.writable(page)]
            left = [page for page in _TAILS if page != frame and page not in done and self.shown(page) != 0]
            if len(done) >= 2 and left:
                return frame, left
        return None

    def hint(self) -> tuple[Said, list[Any] | None]:
        """The next step of the kernel's own order, and what in the picture it is about."""
        if self.dead:
            fake = self.dead["id"] == "fake"
            return (("hint learn", {}), ["button", "offer"]) if fake else (("hint undo", {}), ["button", "undo"])
        if not self.split:
            return ("hint split", {}), ["button", "split"]
        seventh = self.kernel == "5.18"
        if not seventh and "six" in self.goals:
            return ("hint seventh", {}), ["entry", 1]
        free = self.free()
        best = max((f for f in _TAILS if not free[f]), key=lambda f: len(self.showing(f)), default=0)
        target = 0 if seventh else best
        todo = [page for page in _TAILS if page != target and (self.shown(page) != target or self.writable(page))]
        led = any(self.shown(page) == target for page in todo)
        if len(todo) == (7 if seventh else 6) and not self.vmemmap.flushes and not led:
            return ("hint flush early", {}), ["button", "flush"]
        if todo:
            key = "hint close" if self.shown(todo[0]) == target else "hint lead"
            return (key, {"page": todo[0], "frame": target}), ["entry", todo[0]]
        if self.stale():
            return ("hint flush", {}), ["button", "flush"]
        if self.unused():
            return ("hint free", {}), ["button", "free"]
        return ("hint break", {}), None

    def state(self) -> dict[str, Any]:
        """All of it as plain data, which a browser draws."""
        return {
            "seed": self.seed, "turn": self.turn, "kernel": self.kernel, "split": self.split,
            "flushes": self.vmemmap.flushes, "gambles": self.gambles, "blots": self.blots, "caught": self.caught,
            "entries": [{"frame": self.shown(page), "writable": self.writable(page)} for page in range(PAGES)],
            "free": self.free(),
            "unflushed": self.stale(), "marks": self.marks(), "dead": copy.deepcopy(self.dead),
            "broken": list(self.broken), "found": list(self.found), "goals": list(self.goals), "won": list(self.won),
            "stars": list(self.stars),
            "tlb": [{"lines": [self._line(line) for line in cpu.lines], "next": cpu.next} for cpu in self.cpus],
        }  # fmt: skip

    def _line(self, line: Any) -> dict[str, Any] | None:
        if line is None:
            return None
        if line.span > 1:
            return {"page": None, "frame": 0, "writable": line.writable}
        return {"page": line.first - self.first, "frame": self.frames.index(line.frame), "writable": line.writable}

    # --- moves ---------------------------------------------------------------------------------------------------

    def play(self, move: Move) -> Outcome:
        """Make a move; one that is not possible now is refused and changes nothing."""
        out = Outcome()
        if self.dead and not (move["do"] == "learn" and self.dead["id"] == "fake"):
            return Outcome([("crashed", {})], refused=True)
        refusal = _PLAY[move["do"]](self, move, out)
        if refusal:
            return Outcome([refusal], refused=True)
        self.turn += 1
        if move["do"] != "likewise":
            self._judge(move)
            if not self.dead and (move["do"] in ("flush", "free") or move.get("writable")):
                self._driver(out, move["do"] == "flush")
            if not self.dead:
                self._tick(out)
        if not self.dead:
            self._score(out)
        return out

    def _run(self, *events: Event) -> None:
        for event in events:
            event.apply(self.vmemmap)

    def _split(self, move: Move, out: Outcome) -> Said | None:
        if self.split:
            return "split already", {}
        table = np.array([self.frames[TABLE]], np.int64)
        leaf = np.array([self.first // self.vmemmap.entries_per_leaf], np.int64)
        self._run(AllocFrames(table, "page tables"), SplitPmd(leaf, table))
        out.says.append(("split", {}))
        return None

    def _remap(self, move: Move, out: Outcome) -> Said | None:
        page, frame = move["page"], move["frame"]
        if not self.split:
            return "no entry", {"page": page}
        if frame == TABLE:
            return "holds table", {}
        if self.shown(page) == frame:
            return "shows already", {"page": page, "frame": frame}
        left, others, may = self.shown(page), self.showing(frame), self.writable(page)
        self._set(page, frame, may)
        if page == 0 or self.free()[frame] or (frame == 0 and self.kernel == "5.14"):
            return None
        if frame == 0:
            out.says.append(("fake known", {"page": page}))
        elif frame == page:
            out.says.append(("own", {"page": page}))
        elif others:
            out.says.append(("like", {"page": page, "frame": frame, "pages": others}))
        else:
            out.says.append(("alone", {"page": page, "frame": frame}))
        if may and any(self.writable(other) for other in others):
            out.says.append(("still writable", {}))
        elif not self.showing(left):
            out.says.append(("left", {"frame": left}))
        return None

    def _protect(self, move: Move, out: Outcome) -> Said | None:
        page, writable = move["page"], move["writable"]
        if not self.split:
            return "no entry to close", {}
        if self.writable(page) == writable:
            return ("open already" if writable else "closed already"), {"page": page}
        frame = self.shown(page)
        self._set(page, frame, writable)
        if writable:
            out.says.append(("open", {"page": page}))
        elif page == 0:
            out.says.append(("head closed", {}))
        elif len(self.showing(frame)) > 1:
            out.says.append(("closed late" if page in self.outdated() else "closed", {"page": page}))
        else:
            out.says.append(("closed alone", {"page": page, "frame": frame}))
        return None

    def _set(self, page: int, frame: int, writable: bool) -> None:
        self._run(Remap(np.array([self.first + page]), np.array([self.frames[frame]]), writable))

    def _flush(self, move: Move, out: Outcome) -> Said | None:
        remembered, idle = self.outdated() or self.stale(), self.unused()
        self._run(FlushTlb())
        for cpu in self.cpus:
            cpu.flush()
        out.says.append(("unreachable", {"frames": idle}) if remembered and idle else ("forgotten", {}))
        return None

    def _free(self, move: Move, out: Outcome) -> Said | None:
        if "frame" in move:
            which = [move["frame"]]
            if self.free()[which[0]]:
                return ("for table", {}) if which[0] == TABLE else ("free already", {"frame": which[0]})
        else:
            which = self.unused()
            if not which:
                return ("none unused" if self.split else "none unused yet"), {}
        lucky = False
        for frame in which:
            number, used = self.frames[frame], bool(self.showing(frame)) or frame == TABLE
            early = not used and bool(self.vmemmap.stale[number])
            self._run(FreeFrames(Runs.of(np.array([number]), np.array([number + 1]))))
            if used:
                return None
            self._met(frame, out)
            if self.dead:
                return None
            self.gambles += early
            lucky |= early
        net = sum(self.free()[:PAGES]) - self.split
        key = "freed" if net > 0 else "freed debt" if net < 0 else "freed table"
        out.says.append((key, {"frames": which} | ({"net": net} if net > 0 else {})))
        if lucky:
            out.says.append(("lucky", {}))
        return None

    def _likewise(self, move: Move, out: Outcome) -> Said | None:
        rest = self.rest()
        if rest is None:
            return "nothing likewise", {}
        frame, pages = rest
        for page in pages:
            for one in (
                {"do": "remap", "page": page, "frame": frame},
                {"do": "protect", "page": page, "writable": False},
            ):
                out.acts += self.play(one).acts
                if self.dead:
                    return None
        out.says.append(("likewise", {"pages": pages, "frame": frame}))
        if self.unused():
            out.says.append(("likewise left", {"frames": self.unused()}))
        return None

    def _learn(self, move: Move, out: Outcome) -> Said | None:
        if self.kernel == "5.18":
            return "learned already", {}
        self._run(SetScheme(0, SCHEMES["head page"]))
        self.dead = None
        out.says.append(("learned", {}))
        return None

    # --- what breaks ---------------------------------------------------------------------------------------------

    def _judge(self, move: Move) -> None:
        """Ask the engine which truths hold, and name the disaster if one that must hold at every moment does not."""
        self.broken = [name for name, check in INVARIANTS.items() if check(self.vmemmap)]
        if self.dead:
            return
        head = self.shown(0)
        taken = [frame for frame, free in enumerate(self.free()) if free and (self.showing(frame) or frame == TABLE)]
        if "the_head_says_pg_head" in self.broken:
            self._disaster("headless", ("head led away", {}), page=0, frame=head)
        elif "no_frame_free_and_used" in self.broken:
            frame = taken[0]
            pages = self.showing(frame)
            if frame == TABLE:
                self._disaster("table", ("table freed", {}), frame=frame)
            elif frame == head:
                self._disaster("headless", ("head freed", {}), page=0, frame=frame)
            elif move["do"] == "remap":
                says = ("led to a free frame", {"page": move["page"], "frame": frame})
                self._disaster("shown", says, page=move["page"], frame=frame)
            else:
                values = {"pages": pages, "frame": frame, "structs": len(pages) * PER_PAGE}
                self._disaster("shown", ("freed while shown", values), page=pages[-1], frame=frame)
        elif "tails_find_their_head" in self.broken:
            page = next(page for page in self.showing(0) if page)
            self._disaster("fake", ("fake head", {"page": page}), page=page, frame=0)

    def _met(self, frame: int, out: Outcome) -> None:
        """Let a CPU that remembers a frame that was just freed meet it, CPU 1 with a write if its line allows it."""
        for number in (1, 0):
            cpu = self.cpus[number]
            for page in _TAILS:
                slot = cpu.slot_of(self.first + page)
                if slot is None or cpu.lines[slot].leads(self.first + page) != self.frames[frame]:  # type: ignore[union-attr]
                    continue
                may = cpu.lines[slot].writable  # type: ignore[union-attr]
                act = self._store(number, page) if number == 1 and may else cpu.access(self.vmemmap, self.first + page)
                out.acts.append(self._act(number, act))
                key = "wrote by a stale line" if act.write else "read by a stale line"
                says = (key, {"cpu": number, "page": page, "frame": frame})
                self._disaster("stale", says, cpu=number, page=page, frame=frame, slot=slot)
                return

    def _driver(self, out: Outcome, flushed: bool) -> None:
        """A driver on CPU 1 with a bug writes to a tail, after a flush or a free, where it hurts if it can."""
        for frame in range(PAGES):
            can = [page for page in self.showing(frame) if self.writable(page)]
            # a line that is out of date would lead the write elsewhere, where it is lost
            here = [page for page in can if self._believes(page) in (None, frame)]
            if len(can) < 2 or not here:
                continue
            page = here[-1]
            out.acts.append(self._act(1, self._store(1, page)))
            seen = [other for other in range(PAGES) if self._reads(other) == _MARK]
            says = ("echo", {"page": page, "frame": frame, "many": len(seen), "entries": len(can)})
            self._disaster("echo", says, page=page, frame=frame)
            return
        closed = [p for p in _TAILS if not self.writable(p) and len(self.showing(self.shown(p))) > 1]
        if not closed or self.caught or not flushed:
            return
        act = self._store(1, closed[-1])
        out.acts.append(self._act(1, act))
        if act.fault:
            self.caught = True
            out.says.append(("caught", {"page": closed[-1]}))

    def _believes(self, page: int) -> int | None:
        """The frame where CPU 1 looks for a page without a walk."""
        slot = self.cpus[1].slot_of(self.first + page)
        if slot is None:
            return None
        line = self.cpus[1].lines[slot]
        frame = line.leads(self.first + page) if line else None
        return None if frame is None else self.frames.index(frame)

    def _store(self, cpu: int, page: int) -> Access:
        return self.cpus[cpu].store(self.vmemmap, self._address(page), PRIVATE, _MARK)

    def _reads(self, page: int) -> int:
        return int(self.vmemmap.word(np.array([self._address(page)], np.uint64), PRIVATE)[0])

    def _address(self, page: int) -> int:
        pfn = self.vmemmap.pool(0).heads + page * PER_PAGE + SLOT
        return int(self.vmemmap.pfn_to_page(pfn)[0])

    def _act(self, cpu: int, act: Access) -> dict[str, Any]:
        place = {"page": act.page - self.first, "frame": self.frames.index(act.frame), "slot": act.slot}
        return {"cpu": cpu, **place, "write": act.write, "hit": act.hit, "fault": act.fault}

    def _tick(self, out: Outcome) -> None:
        """Between two moves each CPU does one thing: reads a struct page, or counts in the head (CPU 0, in turns)."""
        for number, cpu in enumerate(self.cpus):
            count = number == 0 and (self.turn % 3 == 0 or not self.writable(0))
            page = 0 if count else _picked(self.seed, self.turn, number)
            act = cpu.access(self.vmemmap, self.first + page, write=count)
            out.acts.append(self._act(number, act))
            if act.fault:
                self._disaster("frozen", ("frozen", {}), cpu=number, page=0, frame=self.frames.index(act.frame))
            elif count and not self.writable(0):
                out.says.append(("still writes", {}))

    def _disaster(self, name: str, says: Said, **where: int) -> None:
        self.dead = {"id": name, "says": list(says), **where}
        self.blots += 1
        if name not in self.found:
            self.found.append(name)

    def _score(self, out: Outcome) -> None:
        safe = not (self.broken or self.stale() or self.outdated())
        freed = sum(self.free()[:PAGES])
        if safe and freed >= 6 and "six" not in self.goals:
            self.goals.append("six")
            now = (True, not self.blots and not self.gambles, self.vmemmap.flushes <= 2)
            self.stars = [had or has for had, has in zip(self.stars, now, strict=True)]
            out.says.append(("six, one flush" if self.vmemmap.flushes == 1 else "six", {}))
        if safe and freed >= 7 and "seven" not in self.goals:
            self.goals.append("seven")
            out.says.append(("seven", {}))
        self.won += [goal for goal in self.goals if goal not in self.won]


_PLAY: dict[str, Callable[[Kernel, Move, Outcome], Said | None]] = {
    "split": Kernel._split, "remap": Kernel._remap, "protect": Kernel._protect, "flush": Kernel._flush,
    "free": Kernel._free, "likewise": Kernel._likewise, "learn": Kernel._learn,
}  # fmt: skip


def _picked(seed: int, turn: int, cpu: int) -> int:
    """Each CPU goes through its pages in an order that changes every round (a linear congruential generator)."""
    pages = list(_BUSY[cpu])
    x = (seed * 7919 + turn // len(pages) * 104729 + cpu * 1299709) % (1 << 32)
    for i in range(len(pages) - 1, 0, -1):
        x = (x * 1664525 + 1013904223) % (1 << 32)
        j = (x >> 16) % (i + 1)
        pages[i], pages[j] = pages[j], pages[i]
    return pages[turn % len(pages)]


class Session:
    """A game with its past: `play` also takes ``undo`` and ``reset``. What was found stays found."""

    def __init__(self, seed: int = SEED) -> None:
        self.kernel = Kernel(seed)
        self.past: list[Move] = []

    def play(self, move: Move) -> Outcome:
        """Make a move, take the last one back, or start over."""
        now = self.kernel
        if move["do"] == "reset":
            self.past = []
            self._again(("found", "won", "stars"))
            return Outcome([("reset", {})])
        if move["do"] != "undo":
            out = now.play(move)
            self.past += [] if out.refused else [move]
            return out
        if not self.past:
            return Outcome([("nothing to undo", {})], refused=True)
        self.past.pop()
        self._again(_KEPT)
        return Outcome([("undone disaster" if now.dead else "undone", {})])

    def _again(self, kept: tuple[str, ...]) -> None:
        """The game from its start through the moves of the past, with what is kept of the game as it was."""
        now, self.kernel = self.kernel, Kernel(self.kernel.seed)
        for move in self.past:
            self.kernel.play(move)
        for name in kept:
            setattr(self.kernel, name, getattr(now, name))


def told(out: Outcome, state: dict[str, Any]) -> str:
    """What a reader is told after a move: what happened, or the name of the disaster and its sentence."""
    if state["dead"] and not out.refused:
        return f"{DISASTERS[state['dead']['id']]}. {written(state['dead']['says'])}"
    return " ".join(map(written, out.says))
