"""Witness 2's state: the page-table entries of the vmemmap range, the frames behind them, and who owns what.

Nothing here knows a scheme. The vmemmap is a virtually contiguous array of struct pages; its page table says which
frame each of its pages shows and whether it may be written. Reads and writes of struct pages go through that table,
so two entries that lead to one frame show the same bytes, and a write through a read-only entry faults.

Layout as in Linux on x86-64 with 4-level paging and no address randomisation: the array starts at
0xffffea0000000000 (Documentation/arch/x86/x86_64/mm.rst) and is mapped by PMD leaf entries at boot
(vmemmap_populate_hugepages, mm/sparse-vmemmap.c). One zone, one node; its frames lie at the top of memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..errors import BadInput, PageFault
from ..facts.layout import PAGING, PTE
from ..facts.schemes import SCHEMES, Encoding, Scheme
from ..units import MiB, format_size
from .buddy import BuddyAllocator
from .frames import KnownFrames
from .structpage import WORD, Integers, Ints, Words, compound_word, compound_words, plain_word, plain_words

VMEMMAP_BASE = PAGING["4-level"].vmemmap
LOW_MEMORY = MiB
"""Kept for firmware: the first page frames are in no allocator, as on a real PC."""

AT_A_TIME = 1 << 16
"""Page-table entries changed together: so many that what is worked out for them stays in a processor's cache."""


@dataclass
class HugePages:
    """The huge pages of one pool: first PFN of each, ascending, and how their struct pages stand now.

    ``surplus``: they were to be given back, and had to stay because there was no memory to restore them.
    """

    heads: Ints
    order: int
    prepared: bool = False
    encoding: Encoding = "pointer"
    scheme: Scheme = SCHEMES["off"]
    surplus: bool = False

    @cached_property
    def _blocks(self) -> npt.NDArray[np.bool_]:
        """Whether the aligned block number ``(pfn >> order) + 1`` is a huge page of this pool; the ends are not."""
        blocks = np.zeros(int(self.heads[-1] >> self.order) + 3, np.bool_)
        blocks[(self.heads >> self.order) + 1] = True
        return blocks

    def owns(self, pfns: Ints) -> npt.NDArray[np.bool_]:
        """For each PFN, whether it lies in a huge page of this pool; negative numbers do not."""
        return self._blocks.take((pfns >> self.order) + 1, mode="clip")


class Vmemmap:
    """The vmemmap of a machine with ``nr_frames`` page frames; every change is an event (`hvlib.mechanism.events`).

    ``frame[v]`` and ``writable[v]`` are the page-table entry of vmemmap page ``v``; ``table[l]`` is the frame of the
    page table that replaced PMD leaf ``l``, or -1 while the leaf stands. Facts of frames, zero for all that the
    vmemmap has nothing to do with: ``mapcount[f]`` entries lead to frame ``f``; ``held[f]``: it is in nobody's table
    and on no free list, either allocated and not yet used, or unmapped and not yet freed; ``stale[f]``: a TLB may
    still translate to it. ``others`` frames are in use by somebody else.
    """

    def __init__(self, nr_frames: int, base_page: int, struct_page: int) -> None:
        self.nr_frames, self.base_page, self.struct_page = nr_frames, base_page, struct_page
        self.nr_pages = -(-nr_frames * struct_page // base_page)
        self.entries_per_leaf = base_page // PTE
        self.low_frames = -(-LOW_MEMORY // base_page)
        aligned = min(self.entries_per_leaf, 1 << (self.nr_pages - 1).bit_length())
        first = (nr_frames - self.nr_pages) // aligned * aligned
        if first <= self.low_frames:
            raise BadInput(
                f"memory of {format_size(nr_frames * base_page)} has no room beside what is kept for firmware and for "
                "struct pages; give the machine at least '2 MiB'."
            )
        self.frame = np.arange(first, first + self.nr_pages, dtype=np.uint32)
        self.writable = np.ones(self.nr_pages, np.bool_)
        self.table = np.full(-(-self.nr_pages // self.entries_per_leaf), -1, np.int64)
        self._known = KnownFrames(nr_frames, first, self.nr_pages)
        self._first = int(self._known.slots(first))
        self.mapcount = self._known.new(np.int32)
        self.mapcount.at[self._first : self._first + self.nr_pages] = 1
        # What a frame shows: v + 1 the struct pages of vmemmap page v; -order a page of shared tails; 0 as at boot.
        self._shows = self._known.new(np.int32)
        self._written: dict[tuple[int, int], int] = {}
        free = np.array([(self.low_frames, first), (first + self.nr_pages, nr_frames)], np.int64)
        free = free[free[:, 0] < free[:, 1]]
        self.buddy = BuddyAllocator(free[:, 0].copy(), free[:, 1].copy())
        self.pools: list[HugePages | None] = []
        self.shared_tails: dict[int, int] = {}
        self.others = 0
        self.held = self._known.new(np.bool_)
        self.stale = self._known.new(np.bool_)
        self.flushes = 0

    # --- addresses: arithmetic, no memory is read -------------------------------------------------------------

    def pfn_to_page(self, pfn: Ints) -> Words:
        """Virtual address of the struct page of each PFN (include/asm-generic/memory_model.h)."""
        return np.uint64(VMEMMAP_BASE) + pfn.astype(np.uint64) * np.uint64(self.struct_page)

    def page_to_pfn(self, page: Words) -> Ints:
        """PFN of each struct page address, the inverse of `pfn_to_page`."""
        return ((page - np.uint64(VMEMMAP_BASE)) // np.uint64(self.struct_page)).astype(np.int64)

    def pages_of(self, pfn: int, order: int) -> slice:
        """The vmemmap pages that hold the struct pages of ``2**order`` PFNs from ``pfn`` on."""
        first, last = pfn * self.struct_page, (pfn + (1 << order)) * self.struct_page - 1
        return slice(first // self.base_page, last // self.base_page + 1)

    # --- reads and writes: through the page table ---------------------------------------------------------------

    def word(self, addresses: Words, index: int) -> Words:
        """Word ``index`` of the struct page at each address, as a load through the page table sees it."""
        frame, offset = self._translate(addresses, index)
        shows = self._shown(frame)
        assert bool(shows.all()), "a vmemmap entry leads to a frame that holds no struct pages"
        pfn = (shows - 1) * self.base_page
        pfn += offset
        pfn //= self.struct_page
        values = np.full(len(pfn), plain_word(index), np.uint64)
        for pool in self.prepared_pools():
            owned = pool.owns(pfn)
            mine = slice(None) if owned.all() else np.flatnonzero(owned)
            head = pfn[mine] >> pool.order << pool.order
            values[mine] = compound_word(
                index, pfn[mine] - head, self.pfn_to_page(head), pool.order, pool.encoding, self.struct_page
            )
        for order in self.shared_tails:
            mine = np.flatnonzero(shows == -order)
            tails = np.full(len(mine), -1, np.int64)
            values[mine] = compound_word(index, tails, addresses[mine], order, "mask", self.struct_page)
        for (written_frame, written_offset), value in self._written.items():
            values[(frame == written_frame) & (offset == written_offset)] = value
        return values

    def struct_page_at(self, address: int) -> tuple[int, ...]:
        """Every word of the struct page at one address, as `word` has it."""
        at = np.array([address], np.uint64)
        if self.base_page % self.struct_page:  # its words may show those of two PFNs, or lie in two pages
            return tuple(int(self.word(at, index)[0]) for index in range(self.struct_page // WORD))
        (frame,), (offset,) = self._translate(at, 0)
        shows = int(self._shown(frame))
        assert shows, "a vmemmap entry leads to a frame that holds no struct pages"
        pfn = np.array([(shows - 1) * self.base_page + offset]) // self.struct_page
        words = plain_words(self.struct_page)
        if shows < 0:
            words = compound_words(-1, 0, -shows, "mask", self.struct_page)
        for pool in self.prepared_pools() if shows > 0 else ():
            if pool.owns(pfn)[0]:
                head = pfn >> pool.order << pool.order
                number, address = int((pfn - head)[0]), int(self.pfn_to_page(head)[0])
                words = compound_words(min(number, 2), address, pool.order, pool.encoding, self.struct_page)
        places = range(int(offset), int(offset) + self.struct_page, WORD)
        written = self._written
        return tuple(written.get((int(frame), place), word) for place, word in zip(places, words, strict=True))

    def store(self, address: int, index: int, value: int) -> None:
        """Write word ``index`` of the struct page at ``address`` through the page table. Raises `PageFault`."""
        frame, offset = self._translate(np.array([address], np.uint64), index)
        page = (address + WORD * index - VMEMMAP_BASE) // self.base_page
        if not self.writable[page]:
            raise PageFault(
                f"page fault: a write to {address + WORD * index:#x} goes through the read-only entry of vmemmap page "
                f"{page}, which leads to frame {int(frame[0]):#x}; the frame is unchanged."
            )
        self.store_in(int(frame[0]), int(offset[0]), value)

    def store_in(self, frame: int, offset: int, value: int) -> None:
        """Write a word into a frame, whoever may reach it and by whatever way."""
        self._written[frame, offset] = value % (1 << 64)

    def written(self) -> dict[tuple[int, int], int]:
        """Words that were written since the struct pages were prepared: (frame, offset in bytes) -> value."""
        return dict(self._written)

    def may_write(self, addresses: Words) -> npt.NDArray[np.bool_]:
        """Whether the entry that each address is reached through is writable."""
        return self.writable[self._page(addresses)]

    def _page(self, addresses: Words) -> Ints:
        return (addresses - np.uint64(VMEMMAP_BASE)).view(np.int64) >> self.base_page.bit_length() - 1

    def _translate(self, addresses: Words, index: int) -> tuple[Integers, Ints]:
        virtual = (addresses - np.uint64(VMEMMAP_BASE)).view(np.int64)
        virtual += WORD * index
        if virtual.size and int(virtual.view(np.uint64).max()) >= self.nr_frames * self.struct_page:
            raise BadInput(
                f"an address is outside the vmemmap of this machine, which is {VMEMMAP_BASE:#x} to "
                f"{VMEMMAP_BASE + self.nr_frames * self.struct_page - 1:#x}; use pfn_to_page() to get one inside."
            )
        page = virtual >> self.base_page.bit_length() - 1
        return self.frame[page], virtual & self.base_page - 1

    # --- what events change --------------------------------------------------------------------------------------

    def pool(self, number: int) -> HugePages:
        """Pool ``number``, which must not have been given back."""
        pool = self.pools[number]
        assert pool is not None
        return pool

    def prepared_pools(self) -> Iterator[HugePages]:
        """The pools whose huge pages' struct pages say head and tail."""
        return (pool for pool in self.pools if pool is not None and pool.prepared)

    def set_entries(self, entries: Ints, frames: Integers, writable: bool, each: int = 1) -> None:
        """Change page-table entries, ``each`` of them from every one of ``entries`` on.

        There is a frame for every entry, or one for every ``each``. Frames that lose their last entry are held, and a
        TLB may still show them.
        """
        frames = frames.reshape(len(entries), -1)
        rows = max(1, AT_A_TIME // each)
        for start in range(0, len(entries), rows):
            some = entries[start : start + rows, None] + np.arange(each, dtype=np.int64)
            self._set_entries(some, frames[start : start + rows], writable)

    def _set_entries(self, entries: Ints, frames: Integers, writable: bool) -> None:
        old, lost = _tally(self.frame[entries].ravel())
        new, gained = _tally(frames.ravel())
        into, out = self._known.meet(new), self._known.slots(old)
        mapcount, held = self.mapcount.at, self.held.at
        mapcount[into] += gained * (entries.shape[1] // frames.shape[1])
        left = mapcount[out] - lost
        mapcount[out] = left
        self.frame[entries], self.writable[entries] = frames, writable
        unmapped = left == 0
        gone = out if unmapped.all() else out[unmapped]
        held[gone] = True
        self.stale.at[gone] = True
        held[into] = False
        for frame in self.shared_tails.values():
            held[self._known.slots(frame)] = False

    def _shown(self, frames: Integers) -> Ints:
        """What frames show: v + 1 the struct pages of vmemmap page v; -order a page of shared tails; 0 nothing."""
        slots = self._known.slots(frames)
        shows: Ints = self._shows.at[slots].astype(np.int64)
        page = slots - self._first
        as_at_boot = (shows == 0) & (page >= 0) & (page < self.nr_pages)
        return np.where(as_at_boot, page + 1, shows)

    def _show(self, frames: Integers, shows: Ints) -> None:
        """Let frames show something; what shows it already is left alone, for the sake of memory."""
        for start in range(0, len(frames), AT_A_TIME):
            some, what = frames[start : start + AT_A_TIME], shows[start : start + AT_A_TIME]
            slots = self._known.meet(some)
            new = self._shown(some) != what
            self._shows.at[slots[new]] = what[new]

    def repeated(self, frames: Integers) -> Integers:
        """Those of some frames, each known, that stand there more than once."""
        slots, last = self._known.slots(frames), np.zeros(self._known.size, np.uint32)
        nth = np.arange(len(frames), dtype=np.uint32)
        last[slots] = nth
        found: Integers = frames[last[slots] != nth]
        return found

    def copy_page(self, source: Integers, target: Ints) -> None:
        """Copy the bytes of frames; the target is written through the direct map, where every frame is writable."""
        self._forget(target)
        for start in range(0, len(target), AT_A_TIME):
            some = slice(start, start + AT_A_TIME)
            self._show(target[some], self._shown(source[some]))
        for (frame, offset), value in list(self._written.items()):
            for copy in target[source == frame]:
                self._written[int(copy), offset] = value

    def show(self, frames: Ints, pages: Ints | int) -> None:
        """Let frames hold the struct pages of vmemmap pages ``pages``; a negative number is -order of shared tails."""
        self._forget(frames)
        pages = np.broadcast_to(np.asarray(pages, np.int64), frames.shape)
        for start in range(0, len(frames), AT_A_TIME):
            some = pages[start : start + AT_A_TIME]
            self._show(frames[start : start + AT_A_TIME], np.where(some < 0, some, some + 1))

    def _forget(self, frames: Ints) -> None:
        if self._written:
            gone = set(frames.tolist())
            self._written = {place: value for place, value in self._written.items() if place[0] not in gone}

    def rewrite(self, pool: HugePages) -> None:
        """Write all struct pages of a pool's huge pages anew, each into the frame its own entry leads to."""
        if self._written:
            frames = self.frame[pages_matrix(self, pool)].ravel()
            places = np.array(list(self._written), np.int64)
            shows = self._shown(places[:, 0])
            pfn = ((shows - 1) * self.base_page + places[:, 1]) // self.struct_page
            # a copy of the shared tails says of no PFN that it is its struct page; all of that frame is the pool's
            gone = np.where(shows < 0, np.isin(places[:, 0], frames), pool.owns(pfn))
            kept = zip(self._written.items(), gone, strict=True)
            self._written = {place: value for (place, value), lost in kept if not lost}
        rows = max(1, AT_A_TIME * self.base_page // (self.struct_page << pool.order))
        for start in range(0, len(pool.heads), rows):
            pages = pages_matrix(self, pool, slice(start, start + rows)).ravel()
            self._show(self.frame[pages], pages + 1)


def pages_matrix(vmemmap: Vmemmap, pool: HugePages, some: slice = slice(None)) -> Ints:
    """Vmemmap pages of each huge page of a pool: one row per huge page, one column per page, shape (n, pages).

    Where struct pages cross page borders some huge pages touch one page less; their last column repeats.
    """
    heads = pool.heads[some]
    first = heads * vmemmap.struct_page // vmemmap.base_page
    last = ((heads + (1 << pool.order)) * vmemmap.struct_page - 1) // vmemmap.base_page
    most = int((last - first).max())
    pages: Ints = first[:, None] + np.arange(most + 1, dtype=np.int64)
    return pages if most == (last - first).min() else np.minimum(pages, last[:, None])


def _tally(frames: Integers) -> tuple[Integers, Ints | int]:
    """The distinct frames, ascending, and how often each stands there."""
    rises = frames[1:] > frames[:-1]
    if rises.all():
        return frames, 1
    if (frames[1:] < frames[:-1]).any():
        # "stable" is quick where long stretches ascend, as they do when the buddy allocator chose them.
        return _tally(np.sort(frames, kind="stable"))
    starts = np.flatnonzero(np.append(True, rises)).astype(np.int64)
    return frames[starts], np.diff(starts, append=len(frames))
