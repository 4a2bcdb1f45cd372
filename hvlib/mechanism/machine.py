"""The machine a reader types: memory, pools of huge pages, and the history of what happened to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from ..errors import BadInput, InvariantBroken, WrongState, flag, instance_of
from ..facts.layout import BASE_PAGE, STRUCT_PAGE, check_base_page, check_huge_page, check_struct_page
from ..facts.schemes import Scheme, scheme_of
from ..units import TiB, format_size, parse_size, quantity, whole_number
from . import hvo, invariants
from .events import Event, TakeFrames, WriteWord
from .structpage import WORD, HeadRules, HeadSearch, StructPage, compound_heads, head_steps
from .vmemmap import HugePages, Vmemmap, pages_matrix

TEACHING_SIZE = 1 << 16
"""Invariants are checked after every event of machines with up to this many vmemmap pages (16 GiB on x86-64)."""
LARGEST_MACHINE = 16 * TiB
"""Bytes of RAM that a modelled machine has at most."""


class Machine:
    """Witness 2: a machine with ``memory`` bytes of RAM, whose frames are counted and never computed.

    x86-64 with 4 KiB base pages and a 64-byte struct page unless told otherwise. Real machines also hold a kernel and
    its users; this one holds nothing but its struct pages and the huge pages you ask for, of any power of two. Pools
    may use different schemes side by side, for comparison; a real kernel has one. ``check`` says whether every
    invariant is checked after every event; by default on machines of teaching size. Raises `BadInput` for sizes that
    cannot be.
    """

    def __init__(
        self, memory: str | int = "4 GiB", base_page: str | int = BASE_PAGE, struct_page: int = STRUCT_PAGE,
        *, check: bool | None = None,
    ) -> None:  # fmt: skip
        self.memory = parse_size(memory, "memory")
        self.base_page = check_base_page(base_page)
        self.struct_page = check_struct_page(struct_page)
        if self.memory % self.base_page:
            raise BadInput(
                f"memory of {format_size(self.memory)} is not a whole number of base pages of "
                f"{format_size(self.base_page)}; write for example '4 GiB'."
            )
        if self.memory > LARGEST_MACHINE:
            raise BadInput(
                f"memory of {format_size(self.memory)} is more than this model holds; choose up to "
                f"{format_size(LARGEST_MACHINE)}, or use the arithmetic of HugePage."
            )
        self.check = False if check is None else flag(check, "check")
        self._vmemmap = self._boot()
        if check is None:
            self.check = self._vmemmap.nr_pages <= TEACHING_SIZE
        self._events: list[Event] = []

    def _boot(self) -> Vmemmap:
        try:
            return Vmemmap(self.memory // self.base_page, self.base_page, self.struct_page)
        except MemoryError:
            raise BadInput(
                f"a model of {format_size(self.memory)} does not fit into the memory of this computer; choose less, "
                "for example '4 GiB', or use the arithmetic of HugePage."
            ) from None

    # --- huge pages ----------------------------------------------------------------------------------------------

    def hugetlb(self, size: str | int, count: int = 1) -> Pool:
        """Take ``count`` huge pages of ``size`` from the buddy allocator, into a pool of their own.

        Raises `BadInput` for an impossible size or count, `OutOfFrames` if the machine has not that many.
        """
        order = (check_huge_page(size, self.base_page) // self.base_page).bit_length() - 1
        count = whole_number(count, "the number of huge pages", 1, self.nr_frames)
        self._run(hvo.allocate(self._vmemmap, order, count))
        return Pool(self, len(self._vmemmap.pools) - 1)

    @property
    def pools(self) -> tuple[Pool, ...]:
        """The pools that exist now."""
        return tuple(Pool(self, number) for number, pool in enumerate(self._vmemmap.pools) if pool is not None)

    def occupy(self, frames: int) -> None:
        """Let somebody else take that many frames, for good. Raises `OutOfFrames` if there are not so many."""
        frames = whole_number(frames, "the number of frames", 1, self.nr_frames)
        self._run([TakeFrames(self._vmemmap.buddy.choose(frames))])

    # --- counts --------------------------------------------------------------------------------------------------

    @property
    def nr_frames(self) -> int:
        """Page frames of the machine."""
        return self._vmemmap.nr_frames

    @property
    def free_frames(self) -> int:
        """Page frames that the buddy allocator can give."""
        return self._vmemmap.buddy.nr_free

    @property
    def nr_vmemmap_frames(self) -> int:
        """Distinct frames that hold struct pages now, shared tails included."""
        shared = [frame for frame in self._vmemmap.shared_tails.values() if self._vmemmap.mapcount[frame] == 0]
        return self._vmemmap.mapcount.count() + len(shared)

    @property
    def nr_page_tables(self) -> int:
        """Page tables that replaced PMD leaf entries of the vmemmap."""
        return int(np.count_nonzero(self._vmemmap.table >= 0))

    @property
    def tlb_flushes(self) -> int:
        """How often every CPU had to forget its translations."""
        return self._vmemmap.flushes

    @property
    def vmemmap(self) -> Vmemmap:
        """The state itself: arrays of page-table entries, free lists. For looking, not for changing."""
        return self._vmemmap

    # --- struct pages --------------------------------------------------------------------------------------------

    def pfn_to_page(self, pfn: int) -> int:
        """Virtual address of the struct page of ``pfn``. Raises `BadInput` for a PFN the machine does not have."""
        pfn = whole_number(pfn, "a PFN of this machine", 0, self.nr_frames - 1)
        return int(self._vmemmap.pfn_to_page(np.array([pfn], np.int64))[0])

    def page_to_pfn(self, page: int) -> int:
        """PFN of the struct page at virtual address ``page``. Raises `BadInput` if there is none."""
        first = self.pfn_to_page(0)
        page = whole_number(page, "an address", 0, (1 << 64) - 1)
        if not first <= page <= self.pfn_to_page(self.nr_frames - 1) or (page - first) % self.struct_page:
            raise BadInput(
                f"{page:#x} is not the address of a struct page; choose {first:#x} or a "
                f"multiple of {self.struct_page} bytes from there."
            )
        return int(self._vmemmap.page_to_pfn(np.array([page], np.uint64))[0])

    def struct_page_of(self, pfn: int) -> StructPage:
        """The struct page of ``pfn`` as a load through the page table sees it. Raises `BadInput` for no PFN here."""
        address = self.pfn_to_page(pfn)
        return StructPage(address, self._vmemmap.struct_page_at(address))

    def compound_head(self, pfn: int) -> int:
        """PFN of the head that the struct page of ``pfn`` leads to (itself, if it is no tail).

        Raises `BadInput` for a PFN the machine does not have.
        """
        page = self.pfn_to_page(pfn)
        heads = compound_heads(np.array([page], np.uint64), self._vmemmap, self._head_rules(self.page_to_pfn(page)))
        return self.page_to_pfn(int(heads[0]))

    def head_steps(self, pfn: int) -> HeadSearch:
        """`compound_head` of ``pfn`` question by question: what is asked, what is read, what is found.

        Raises `BadInput` for a PFN the machine does not have.
        """
        page = self.pfn_to_page(pfn)
        return head_steps(page, self._vmemmap, self._head_rules(self.page_to_pfn(page)))

    def _head_rules(self, pfn: int) -> HeadRules:
        pool = self._pool_of(pfn)
        fake_heads = any(other.scheme.fake_heads for other in self._vmemmap.prepared_pools())
        return HeadRules(pool.encoding if pool else "pointer", fake_heads, self.struct_page, self.base_page)

    def write(self, pfn: int, word: int, value: int) -> None:
        """Write a word of the struct page of ``pfn`` through the page table.

        Raises `PageFault` if the entry is read-only, `BadInput` for a word it does not have or a value
        that would make a tail lose its head. Then nothing changes.
        """
        word = whole_number(word, "a word of a struct page", 0, self.struct_page // WORD - 1)
        value = whole_number(value, "the value of a word", 0, (1 << 64) - 1)
        try:
            self._run([WriteWord(self.pfn_to_page(pfn), word, value)])
        except InvariantBroken as why:
            raise BadInput(
                f"that write would break a huge page, so nothing was changed ({why}); choose another value."
            ) from None

    def _pool_of(self, pfn: int) -> HugePages | None:
        owners = (pool for pool in self._vmemmap.prepared_pools() if pool.owns(np.array([pfn], np.int64)).all())
        return next(owners, None)

    # --- history -------------------------------------------------------------------------------------------------

    @property
    def events(self) -> tuple[Event, ...]:
        """What happened so far, in order."""
        return tuple(self._events)

    def at(self, step: int) -> Machine:
        """This machine as it was after ``step`` events: a machine of its own. Raises `BadInput` outside the history."""
        step = whole_number(step, "a step of this machine's history", 0, len(self._events))
        past = Machine(self.memory, self.base_page, self.struct_page, check=False)
        past._run(self._events[:step])
        past.check = self.check
        return past

    def replay(self, steps: Iterable[int]) -> Iterator[Machine]:
        """As `at` for each of ``steps``, which must rise: one machine, moved on, so each is what it was until the next.

        Raises `BadInput` outside the history and for a step before the one before it.
        """
        past, done = self.at(0), 0
        for step in steps:
            step = whole_number(step, "a step, none before the last,", done, len(self._events))
            past._run(self._events[done:step])
            done = step
            yield past

    def _run(self, events: Iterable[Event]) -> None:
        """Apply events as they come; if one cannot be, the machine is as it was before the first."""
        before, begun = len(self._events), False
        try:
            for event in events:
                begun = True
                event.apply(self._vmemmap)
                self._events.append(event)
                if self.check:
                    invariants.check_all(self._vmemmap, event)
            if self.check:
                invariants.check_settled(self._vmemmap)
        except BaseException:  # an interrupted operation is undone like a failed one
            if begun:
                del self._events[before:]
                self._vmemmap = self._boot()
                for event in self._events:
                    event.apply(self._vmemmap)
            raise

    def __repr__(self) -> str:
        pools = ", ".join(str(pool) for pool in self.pools) or "no huge pages"
        return (
            f"{format_size(self.memory)} machine: {pools}; struct pages in {self.nr_vmemmap_frames:,} frames, "
            f"{quantity(self.nr_page_tables, 'page table')} split, {self.free_frames:,} frames free"
        )


class Pool:
    """Huge pages of one size, taken together, as they stand in a machine; `Machine.hugetlb` makes one.

    Once they are given back, all but `free`'s answer and `surplus` raises `WrongState`. Raises `BadInput` for what is
    no machine or pool number; methods that take the number of a huge page, counted from 0, for one that is none.
    """

    def __init__(self, machine: Machine, number: int) -> None:
        self.machine = instance_of(machine, Machine, "a machine", "write for example Machine('4 GiB')")
        self._number = whole_number(number, "the number of a pool", 0, max(0, len(machine.vmemmap.pools) - 1))

    @property
    def _state(self) -> HugePages:
        state = self.machine.vmemmap.pools[self._number] if self._number < len(self.machine.vmemmap.pools) else None
        if state is None:
            raise WrongState("these huge pages were given back to the buddy allocator; take new ones with hugetlb().")
        return state

    @property
    def scheme(self) -> Scheme:
        """How the vmemmap of these huge pages stands now."""
        return self._state.scheme

    @property
    def order(self) -> int:
        """log2 of the base pages in one huge page, as the buddy allocator counts: 9 for 2 MiB on x86-64."""
        return self._state.order

    @property
    def nr_base_pages(self) -> int:
        """Base pages of one huge page, each with a struct page."""
        return 1 << self.order

    @property
    def size(self) -> int:
        """Bytes of one huge page."""
        return self.machine.base_page << self.order

    @property
    def pfns(self) -> tuple[int, ...]:
        """First PFN of each huge page."""
        return tuple(self._state.heads.tolist())

    def __len__(self) -> int:
        return len(self._state.heads)

    def optimize(self, scheme: str | Scheme, *, batch: bool = True) -> Pool:
        """Give frames behind these huge pages' struct pages back, by ``scheme``.

        ``batch`` is how Linux does it since 6.7; without, every page-table entry is an event of its own. Raises
        `BadInput` for an unknown scheme or one that frees nothing here, `WrongState` if it is done
        already, `OutOfFrames` if there is no frame for page tables or copies. Then nothing has changed.
        """
        scheme, batch = scheme_of(scheme), flag(batch, "batch")
        if self._state.scheme.kept is not None:
            raise WrongState(
                f"these huge pages are optimised already, by scheme {self._state.scheme.name!r}; restore() them first."
            )
        if scheme.kept is None:
            return self
        obstacle = hvo.obstacle(self.machine.vmemmap, self._number, scheme)
        if obstacle:
            raise BadInput(f"{scheme.name!r} frees nothing here ({obstacle}); choose another huge page or struct page.")
        self.machine._run(hvo.optimize(self.machine.vmemmap, self._number, scheme, batch))
        return self

    def restore(self, *, batch: bool = True) -> Pool:
        """Give every vmemmap page a frame of its own again.

        Raises `WrongState` if the pages are not optimised, `OutOfFrames` if the buddy allocator has not enough
        frames: to give huge pages back, memory must be allocated first. Then nothing has changed.
        """
        batch = flag(batch, "batch")
        if self._state.scheme.kept is None:
            raise WrongState(
                "these huge pages are not optimised, so there is nothing to restore; optimize() them first."
            )
        self.machine._run(hvo.restore(self.machine.vmemmap, self._number, batch))
        return self

    def free(self, *, batch: bool = True) -> int:
        """Give the huge pages back to the buddy allocator, restored first if need be; returns how many were.

        As many as there is memory for are restored and given back; with the memory of those the rest are tried
        again. Huge pages that cannot be restored stay in the pool, as `surplus`. ``batch=False``: one by one.
        """
        before, batch = len(self._state.heads), flag(batch, "batch")
        self.machine._run(hvo.release(self.machine.vmemmap, self._number, batch))
        left = self.machine.vmemmap.pools[self._number]
        return before - (len(left.heads) if left else 0)

    @property
    def surplus(self) -> int:
        """Huge pages that were to be given back and had to stay, because there was no memory to restore them."""
        left = self.machine.vmemmap.pools[self._number]
        return len(left.heads) if left and left.surplus else 0

    def vmemmap_pages(self, huge_page: int = 0) -> range:
        """The vmemmap pages that hold the struct pages of one huge page of this pool."""
        pages = self.machine.vmemmap.pages_of(self._head(huge_page), self._state.order)
        return range(pages.start, pages.stop)

    def frames(self, huge_page: int = 0) -> tuple[int, ...]:
        """Frame behind each vmemmap page of one huge page, read from the page table."""
        pages = self.vmemmap_pages(huge_page)
        return tuple(self.machine.vmemmap.frame[pages.start : pages.stop].tolist())

    def writable(self, huge_page: int = 0) -> tuple[bool, ...]:
        """Whether each vmemmap page of one huge page can be written, read from the page table."""
        pages = self.vmemmap_pages(huge_page)
        return tuple(self.machine.vmemmap.writable[pages.start : pages.stop].tolist())

    def distinct_frames(self) -> int:
        """Frames that hold struct pages of this pool, each counted once however many entries lead to it."""
        return len(np.unique(self.machine.vmemmap.frame[pages_matrix(self.machine.vmemmap, self._state)]))

    def _head(self, huge_page: int) -> int:
        return int(self._state.heads[whole_number(huge_page, "a huge page of this pool", 0, len(self) - 1)])

    def __repr__(self) -> str:
        return f"{len(self)} x {format_size(self.size)} ({self.scheme.name})"
