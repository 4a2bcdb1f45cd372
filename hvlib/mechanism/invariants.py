"""Truths about a vmemmap that hold after every event, each with a name and a sentence.

They are what makes the order of the steps in the kernel necessary: leave out the split, the remap or the last flush, or
free before that flush, and one of these breaks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..errors import InvariantBroken
from .structpage import FLAGS, PG_HEAD, HeadRules, Words, compound_heads
from .vmemmap import Vmemmap

ALL_SLOTS = 1 << 20
"""Up to this many struct pages of huge pages, each is asked for its head; above, the first two of each vmemmap page
are: what the others say was written together with what the second one says."""
CHUNK = 1 << 17
"""Struct pages asked at a time."""


def one_address_per_pfn(vmemmap: Vmemmap) -> str | None:
    """Each PFN has exactly one struct page address, and every vmemmap page shows some frame."""
    pfns = np.array([0, 1, vmemmap.nr_frames // 2, vmemmap.nr_frames - 1], np.int64)
    if not np.array_equal(vmemmap.page_to_pfn(vmemmap.pfn_to_page(pfns)), pfns):
        return "page_to_pfn does not undo pfn_to_page"
    if int(vmemmap.frame.max()) >= vmemmap.nr_frames:
        return "a vmemmap page leads to no frame"
    return None


def tails_find_their_head(vmemmap: Vmemmap) -> str | None:
    """Every struct page of a huge page finds the head by `compound_head`, whatever its entry leads to."""
    for pool in vmemmap.prepared_pools():
        size = 1 << pool.order
        per_page = vmemmap.base_page // vmemmap.struct_page
        slots = np.arange(size, dtype=np.int64)
        rules = HeadRules(pool.encoding, pool.scheme.fake_heads, vmemmap.struct_page, vmemmap.base_page)
        if size * len(pool.heads) > ALL_SLOTS:
            slots = slots[slots % per_page < 2]
        for heads in np.array_split(pool.heads, min(-(-len(slots) * len(pool.heads) // CHUNK), len(pool.heads))):
            pages = vmemmap.pfn_to_page((heads[:, None] + slots).ravel())
            found = compound_heads(pages, vmemmap, rules)
            lost = np.flatnonzero(found.reshape(len(heads), -1) != vmemmap.pfn_to_page(heads)[:, None])
            if len(lost):
                return f"the struct page at {int(pages[lost[0]]):#x} takes {int(found[lost[0]]):#x} for its head"
    return None


def the_head_says_pg_head(vmemmap: Vmemmap) -> str | None:
    """The struct page of every head says PG_head, read through its own entry: it is no copy of a tail."""
    for pages in _heads(vmemmap):
        silent = np.flatnonzero(vmemmap.word(pages, FLAGS) & np.uint64(PG_HEAD) == 0)
        if len(silent):
            return f"the struct page at {int(pages[silent[0]]):#x} is a head's and does not say PG_head"
    return None


def the_head_can_be_written(vmemmap: Vmemmap) -> str | None:
    """The entries that a head's struct page is written through are writable: its counters change all the time."""
    last = np.uint64(vmemmap.struct_page - 1)
    for pages in _heads(vmemmap):
        for addresses in (pages, pages + last):
            closed = np.flatnonzero(~vmemmap.may_write(addresses))
            if len(closed):
                return f"the struct page at {int(pages[closed[0]]):#x} is a head's and read-only"
    return None


def _heads(vmemmap: Vmemmap) -> Iterator[Words]:
    """Addresses of the heads' struct pages of all prepared pools, some at a time."""
    for pool in vmemmap.prepared_pools():
        for start in range(0, len(pool.heads), CHUNK):
            yield vmemmap.pfn_to_page(pool.heads[start : start + CHUNK])


def no_frame_free_and_used(vmemmap: Vmemmap) -> str | None:
    """No frame that an entry leads to, or that holds a table or shared tails, is on a free list."""
    tables = vmemmap.table[vmemmap.table >= 0]
    shared = np.array(list(vmemmap.shared_tails.values()), np.int64)
    # of neighbours that lead to one frame, the last is asked for
    one = np.append(vmemmap.frame[1:] != vmemmap.frame[:-1], True)
    for what, frames in (("mapped", vmemmap.frame[one]), ("a page table", tables), ("a shared tail page", shared)):
        free = vmemmap.buddy.contains(frames)
        if free.any():
            return f"frame {int(frames[free][0]):#x} is {what} and free"
    return None


def free_only_after_flush(vmemmap: Vmemmap) -> str | None:
    """No frame that a TLB may still translate to is on a free list."""
    for stale in vmemmap.stale.where().parts(CHUNK):
        free = vmemmap.buddy.contains(stale)
        if free.any():
            return f"frame {int(stale[free][0]):#x} was freed before the TLB was flushed"
    return None


def one_writable_entry_per_frame(vmemmap: Vmemmap) -> str | None:
    """A frame that several vmemmap pages show can be written through one of them at most."""
    frames = vmemmap.frame[vmemmap.writable]
    many = vmemmap.repeated(frames)
    if len(many):
        return f"frame {int(many[0]):#x} is writable through {np.count_nonzero(frames == many[0])} entries"
    return None


def entries_need_a_table(vmemmap: Vmemmap) -> str | None:
    """Under a PMD leaf that still stands, frames are consecutive and writable: one entry maps them all."""
    nth = np.arange(vmemmap.entries_per_leaf, dtype=np.int64)
    pages = np.flatnonzero(vmemmap.table < 0).astype(np.int64)[:, None] * vmemmap.entries_per_leaf + nth
    there = pages < vmemmap.nr_pages  # the last leaf may reach beyond the end of memory
    pages = np.where(there, pages, 0)
    apart = vmemmap.frame[pages] != vmemmap.frame[pages[:, :1]] + nth
    if (there & (apart | ~vmemmap.writable[pages])).any():
        return "an entry under an unsplit PMD leaf differs from its neighbours"
    return None


def frames_conserved(vmemmap: Vmemmap) -> str | None:
    """Every frame is in exactly one place: free, in a huge page, in the vmemmap, a table, shared, held, or reserved."""
    mapped = vmemmap.mapcount.count()
    shared = sum(vmemmap.mapcount[frame] == 0 for frame in vmemmap.shared_tails.values())
    huge = sum(len(pool.heads) << pool.order for pool in vmemmap.pools if pool is not None)
    tables = int(np.count_nonzero(vmemmap.table >= 0))
    held = vmemmap.held.count()
    places = vmemmap.buddy.nr_free + huge + mapped + int(shared) + tables + held + vmemmap.others + vmemmap.low_frames
    if places != vmemmap.nr_frames:
        return f"{vmemmap.nr_frames:,} frames in all, {places:,} accounted for"
    return None


INVARIANTS: dict[str, Callable[[Vmemmap], str | None]] = {
    check.__name__: check
    for check in (
        one_address_per_pfn,
        tails_find_their_head,
        the_head_says_pg_head,
        the_head_can_be_written,
        no_frame_free_and_used,
        free_only_after_flush,
        one_writable_entry_per_frame,
        entries_need_a_table,
        frames_conserved,
    )
}
"""Name -> check. A check returns `None`, or what is wrong."""


def nothing_left_in_hand(vmemmap: Vmemmap) -> str | None:
    """After a whole operation no frame is still held, and no TLB may still know an old translation."""
    held, stale = vmemmap.held.where(), vmemmap.stale.where()
    if len(held):
        return f"frame {int(held.starts[0]):#x} is in nobody's table and on no free list"
    if len(stale):
        return f"a TLB may still translate to frame {int(stale.starts[0]):#x}"
    return None


def check_settled(vmemmap: Vmemmap) -> None:
    """Check `nothing_left_in_hand`, which holds after a whole operation only. Raises `InvariantBroken`."""
    wrong = nothing_left_in_hand(vmemmap)
    if wrong:
        raise InvariantBroken(f"nothing left in hand: {wrong}, after the whole operation")


def check_all(vmemmap: Vmemmap, after: object) -> None:
    """Check every invariant. Raises `InvariantBroken` with the name of the first that fails and ``after`` what."""
    for name, check in INVARIANTS.items():
        wrong = check(vmemmap)
        if wrong:
            raise InvariantBroken(f"{name.replace('_', ' ')}: {wrong}, after: {after}")
