"""What can happen to a vmemmap: one small record per kind of event, each of which knows how to happen.

Events carry arrays. One event can change a single page-table entry, for teaching, or four million at once, for a large
host; the same `apply` does both. A list of events is a history that can be replayed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np

from ..facts.schemes import Encoding, Scheme
from ..units import quantity
from .buddy import Runs
from .structpage import Integers, Ints
from .vmemmap import AT_A_TIME, HugePages, Vmemmap


@dataclass(frozen=True)
class Event(ABC):
    """Something that happens to a vmemmap. ``str(event)`` is one line for a reader."""

    @abstractmethod
    def apply(self, vmemmap: Vmemmap) -> None:
        """Make it happen."""


@dataclass(frozen=True)
class TakeHugePages(Event):
    """Huge pages of ``2**order`` frames leave the buddy allocator and become a pool."""

    heads: Ints
    order: int

    def apply(self, vmemmap: Vmemmap) -> None:
        vmemmap.buddy.take(self.heads, self.order)
        vmemmap.pools.append(HugePages(self.heads, self.order))

    def __str__(self) -> str:
        pages = quantity(len(self.heads), "huge page")
        return f"take {pages} of {1 << self.order:,} frames, first PFN {self.heads[0]:#x}"


@dataclass(frozen=True)
class GiveHugePages(Event):
    """The huge pages of a pool go back to the buddy allocator; the pool is gone."""

    pool: int

    def apply(self, vmemmap: Vmemmap) -> None:
        pool = vmemmap.pool(self.pool)
        assert not pool.prepared
        vmemmap.buddy.give(pool.heads, pool.order)
        vmemmap.pools[self.pool] = None

    def __str__(self) -> str:
        return "give the huge pages back to the buddy allocator"


@dataclass(frozen=True)
class SetAside(Event):
    """The first ``count`` huge pages of a pool become a pool of their own, the last; nothing else changes."""

    pool: int
    count: int

    def apply(self, vmemmap: Vmemmap) -> None:
        pool = vmemmap.pool(self.pool)
        assert 0 < self.count < len(pool.heads)
        vmemmap.pools.append(replace(pool, heads=pool.heads[: self.count]))
        vmemmap.pools[self.pool] = replace(pool, heads=pool.heads[self.count :])

    def __str__(self) -> str:
        return f"choose {quantity(self.count, 'huge page')} to give back first"


@dataclass(frozen=True)
class LeaveAsSurplus(Event):
    """The huge pages of a pool cannot be restored for want of memory; they stay, as surplus pages."""

    pool: int

    def apply(self, vmemmap: Vmemmap) -> None:
        pool = vmemmap.pool(self.pool)
        pool.surplus = True

    def __str__(self) -> str:
        return "no memory to restore the rest: they stay in the pool, as surplus"


@dataclass(frozen=True)
class PrepareCompound(Event):
    """The struct pages of a pool's huge pages are written: one head, the rest tails that name it."""

    pool: int
    encoding: Encoding

    def apply(self, vmemmap: Vmemmap) -> None:
        pool = vmemmap.pool(self.pool)
        pool.prepared, pool.encoding = True, self.encoding
        vmemmap.rewrite(pool)

    def __str__(self) -> str:
        return f"write the struct pages: a head and its tails ({self.encoding} encoding)"


@dataclass(frozen=True)
class ClearCompound(Event):
    """The struct pages of a pool's huge pages are written: no head, no tails."""

    pool: int

    def apply(self, vmemmap: Vmemmap) -> None:
        pool = vmemmap.pool(self.pool)
        pool.prepared = False
        vmemmap.rewrite(pool)

    def __str__(self) -> str:
        return "write the struct pages: single base pages again"


@dataclass(frozen=True)
class SetScheme(Event):
    """The flag in the head that says how the vmemmap stands."""

    pool: int
    scheme: Scheme

    def apply(self, vmemmap: Vmemmap) -> None:
        pool = vmemmap.pool(self.pool)
        pool.scheme = self.scheme

    def __str__(self) -> str:
        return f"mark the huge pages: scheme {self.scheme}"


@dataclass(frozen=True)
class AllocFrames(Event):
    """Single frames leave the buddy allocator, for ``purpose``."""

    frames: Ints
    purpose: str

    def apply(self, vmemmap: Vmemmap) -> None:
        vmemmap.buddy.take(self.frames)
        for start in range(0, len(self.frames), AT_A_TIME):
            vmemmap.held[self.frames[start : start + AT_A_TIME]] = True

    def __str__(self) -> str:
        return f"allocate {_frames(self.frames)} for {self.purpose}"


@dataclass(frozen=True)
class TakeFrames(Event):
    """Somebody else, a program say, takes single frames from the buddy allocator, for good."""

    frames: Ints

    def apply(self, vmemmap: Vmemmap) -> None:
        vmemmap.buddy.take(self.frames)
        vmemmap.others += len(self.frames)

    def __str__(self) -> str:
        return f"a program takes {len(self.frames):,} frames"


@dataclass(frozen=True)
class SplitPmd(Event):
    """PMD leaf entries of the vmemmap become page tables; ``tables[i]`` is the frame that holds the table."""

    leaves: Ints
    tables: Ints

    def apply(self, vmemmap: Vmemmap) -> None:
        vmemmap.table[self.leaves] = self.tables
        vmemmap.held[self.tables] = False

    def __str__(self) -> str:
        return f"split PMD leaf {span(self.leaves)} of the vmemmap into page-table entries"


@dataclass(frozen=True)
class CopyPage(Event):
    """The bytes of frames are copied, ``source[i]`` to ``target[i]``."""

    source: Integers
    target: Ints

    def apply(self, vmemmap: Vmemmap) -> None:
        vmemmap.copy_page(self.source, self.target)

    def __str__(self) -> str:
        return f"copy frame {span(np.unique(self.source), '#x')} to {_frames(self.target)}"


@dataclass(frozen=True)
class ResetTails(Event):
    """Copies of a page that begins with the head get its first slots rewritten as tails (reset_struct_pages)."""

    frames: Ints
    pages: Ints

    def apply(self, vmemmap: Vmemmap) -> None:
        vmemmap.show(self.frames, self.pages)

    def __str__(self) -> str:
        return f"rewrite the first slots of {_frames(self.frames)} as tails"


@dataclass(frozen=True)
class MakeSharedTail(Event):
    """A frame becomes the page of tails that all huge pages of ``order`` share (zone->vmemmap_tails, since 7.1)."""

    frame: int
    order: int

    def apply(self, vmemmap: Vmemmap) -> None:
        vmemmap.shared_tails[self.order] = self.frame
        vmemmap.show(np.array([self.frame], np.int64), -self.order)
        vmemmap.held[np.array([self.frame], np.int64)] = False

    def __str__(self) -> str:
        return f"fill frame {self.frame:#x} with tails for all huge pages of order {self.order}"


@dataclass(frozen=True)
class Remap(Event):
    """Page-table entries of vmemmap pages ``entries`` change to lead to ``frames``.

    ``each`` entries follow each other from every one of ``entries`` on; there is a frame for every entry, or one for
    every ``each``.
    """

    entries: Ints
    frames: Integers
    writable: bool
    each: int = 1

    def apply(self, vmemmap: Vmemmap) -> None:
        vmemmap.set_entries(self.entries, self.frames, self.writable, self.each)

    def __str__(self) -> str:
        many = "s" if len(self.entries) * self.each > 1 else ""
        access = "writable" if self.writable else "read-only"
        entries = f"entr{'ies' if many else 'y'} of vmemmap page{many} {span(_following(self.entries, self.each))}"
        return f"remap the {entries} to {_frames(np.unique(self.frames))}, {access}"


@dataclass(frozen=True)
class FlushTlb(Event):
    """Every CPU forgets the old translations; only now may frames that lost their entries be used again."""

    def apply(self, vmemmap: Vmemmap) -> None:
        vmemmap.stale.clear()
        vmemmap.flushes += 1

    def __str__(self) -> str:
        return "flush the TLB"


@dataclass(frozen=True)
class FreeFrames(Event):
    """Single frames go back to the buddy allocator."""

    frames: Runs

    def apply(self, vmemmap: Vmemmap) -> None:
        vmemmap.buddy.give_runs(self.frames)
        for some in self.frames.parts(AT_A_TIME):
            vmemmap.held[some] = False

    def __str__(self) -> str:
        return f"free {_frames(self.frames)}"


@dataclass(frozen=True)
class WriteWord(Event):
    """A word of a struct page is written through the page table; raises `PageFault` if the entry is read-only."""

    address: int
    index: int
    value: int

    def apply(self, vmemmap: Vmemmap) -> None:
        vmemmap.store(self.address, self.index, self.value)

    def __str__(self) -> str:
        return f"write {self.value:#x} to word {self.index} of the struct page at {self.address:#x}"


def span(numbers: Integers | Runs, form: str = "d") -> str:
    """Numbers as runs, for people: ``"2..7"``, ``"0, 8, 16 and 61 more"``."""
    runs = numbers if isinstance(numbers, Runs) else _following(numbers, 1)
    shown = runs.starts[:2] if len(runs.starts) > 3 else runs.starts
    pairs = zip(shown.tolist(), (runs.ends - 1).tolist(), strict=False)
    words = ", ".join(format(a, form) if a == b else f"{format(a, form)}..{format(b, form)}" for a, b in pairs)
    rest = len(runs) - int((runs.ends - runs.starts)[: len(shown)].sum())
    return f"{words} and {rest:,} more" if rest else words


def _following(numbers: Integers, each: int) -> Runs:
    starts = numbers.astype(np.int64)
    return Runs.of(starts, starts + each)


def _frames(frames: Integers | Runs) -> str:
    return f"{'frame' if len(frames) == 1 else f'{len(frames):,} frames'} {span(frames, '#x')}"
