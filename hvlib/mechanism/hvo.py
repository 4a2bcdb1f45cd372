"""The mechanism: how a kernel takes frames away from the vmemmap, and how it gives them back, as events.

`optimize` and `restore` look at the vmemmap, decide, and yield events one after the other; whoever drives them applies
each event before asking for the next. With ``batch`` all huge pages of a pool go through each step together and the
TLB is flushed twice in all, as in Linux since 6.7. Without, each huge page goes through the steps by itself, one PMD
leaf after the other, as before 6.7; and for the reader's sake each page-table entry is an event of its own.

Order of steps, from mm/hugetlb_vmemmap.c of 5.15, 6.1, 6.12 and 7.1: split, flush, (copy the head,) remap, flush,
free. Frames are freed only after the last flush, because until then a CPU may still write through an old translation.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from ..facts.schemes import SCHEMES, Scheme
from ..units import quantity
from .events import (
    AllocFrames,
    ClearCompound,
    CopyPage,
    Event,
    FlushTlb,
    FreeFrames,
    GiveHugePages,
    LeaveAsSurplus,
    MakeSharedTail,
    PrepareCompound,
    Remap,
    ResetTails,
    SetAside,
    SetScheme,
    SplitPmd,
    TakeHugePages,
)
from .structpage import Integers, Ints
from .vmemmap import HugePages, Vmemmap

OFF = SCHEMES["off"]


def allocate(vmemmap: Vmemmap, order: int, count: int) -> Iterator[Event]:
    """``count`` huge pages of ``2**order`` frames move from the buddy allocator into a new pool."""
    yield TakeHugePages(np.sort(vmemmap.buddy.choose(count, order)), order)
    yield PrepareCompound(len(vmemmap.pools) - 1, "pointer")


def release(vmemmap: Vmemmap, number: int, batch: bool) -> Iterator[Event]:
    """The huge pages of pool ``number`` go back to the buddy allocator, restored first if they are optimised.

    As in mm/hugetlb.c since 6.7: as many as there is memory for are restored and given back, and with the memory of
    those the rest are tried again. What cannot be restored stays, as surplus. Without ``batch``, one by one.
    """
    while True:
        pool, part = vmemmap.pool(number), number
        if pool.scheme is not OFF:
            each = _nr_pages(vmemmap, pool) - (pool.scheme.kept or 0)
            now = min(vmemmap.buddy.nr_free // each, len(pool.heads) if batch else 1)
            if not now:
                yield LeaveAsSurplus(number)
                return
            if now < len(pool.heads):
                yield SetAside(number, now)
                part = len(vmemmap.pools) - 1
            yield from restore(vmemmap, part, batch)
        yield ClearCompound(part)
        yield GiveHugePages(part)
        if part == number:
            return


def obstacle(vmemmap: Vmemmap, number: int, scheme: Scheme) -> str | None:
    """What of the first huge page of pool ``number`` keeps ``scheme`` from freeing a frame, or `None`.

    Looked up where the struct pages lie: one that begins in a vmemmap page and ends in the next would be torn apart,
    and beyond the pages that keep their frames there may be none.
    """
    assert scheme.kept is not None
    pool = vmemmap.pool(number)
    first = int(pool.heads[0])
    pages = vmemmap.pages_of(first, pool.order)
    ends = range((pages.start + 1) * vmemmap.base_page, pages.stop * vmemmap.base_page, vmemmap.base_page)
    torn = next((end for end in ends if end % vmemmap.struct_page), None)
    if torn is not None:
        return (
            f"the struct page of PFN {torn // vmemmap.struct_page:#x} begins in one vmemmap page and ends in the next, "
            f"because {vmemmap.struct_page} bytes are not a power of two"
        )
    if pages.stop - pages.start <= scheme.kept:
        touched = quantity(pages.stop - pages.start, "vmemmap page")
        return f"its struct pages lie in {touched}, and {scheme.kept} always keep{'s' * (scheme.kept == 1)} a frame"
    return None


def optimize(vmemmap: Vmemmap, number: int, scheme: Scheme, batch: bool) -> Iterator[Event]:
    """Frames behind the vmemmap pages of pool ``number`` are given back, by ``scheme``.

    The flag in the head is set last in 5.14 to 5.17, and first where readers must already know that heads may be
    fake or copied.
    """
    pool = vmemmap.pool(number)
    flag_last = scheme.since < (5, 18)
    if pool.encoding != scheme.encoding:
        # A 7.1 kernel prepares all compound pages with masks; the model does so when it takes up that scheme.
        yield PrepareCompound(number, scheme.encoding)
    if not flag_last:
        yield SetScheme(number, scheme)
    assert scheme.kept is not None
    for first in _groups(vmemmap, pool, batch):
        for part in _parts(vmemmap, int(first[0]), _nr_pages(vmemmap, pool), batch):
            yield from _split(vmemmap, first, part)
            if part.start == 0:
                if scheme.head_copied:
                    yield from _copy_head(vmemmap, first)
                if scheme.tails == "shared page":
                    yield from _shared_tail(vmemmap, pool.order)
                part = part[scheme.kept :]
            yield from _remap(first, part, _target(vmemmap, pool, scheme, first), False, batch)
        yield FlushTlb()
        yield FreeFrames(vmemmap.held.where())
    if flag_last:
        yield SetScheme(number, scheme)


def restore(vmemmap: Vmemmap, number: int, batch: bool) -> Iterator[Event]:
    """Every vmemmap page of pool ``number`` gets a frame of its own again; the frames must be allocated first."""
    pool = vmemmap.pool(number)
    scheme = pool.scheme
    assert scheme.kept is not None
    rest = range(scheme.kept, _nr_pages(vmemmap, pool))
    for first in _groups(vmemmap, pool, batch):
        pages = (first[:, None] + np.arange(rest.start, rest.stop, dtype=np.int64)).ravel()
        new = vmemmap.buddy.choose(len(pages))
        yield AllocFrames(new, "vmemmap pages")
        yield CopyPage(vmemmap.frame[pages], new)
        if scheme.fake_heads:
            yield ResetTails(new, pages)
        del pages
        yield from _remap(first, rest, new.reshape(len(first), -1), True, batch)
        yield FlushTlb()
    yield SetScheme(number, OFF)


def _nr_pages(vmemmap: Vmemmap, pool: HugePages) -> int:
    """Vmemmap pages of each huge page of a pool that can be optimised: all begin where a vmemmap page does."""
    pages = vmemmap.pages_of(int(pool.heads[0]), pool.order)
    return int(pages.stop - pages.start)


def _groups(vmemmap: Vmemmap, pool: HugePages, batch: bool) -> list[Ints]:
    """First vmemmap pages of the huge pages that go through the steps together: of all of the pool, or of one each."""
    first = pool.heads * vmemmap.struct_page // vmemmap.base_page
    return [first] if batch else np.split(first, len(first))


def _parts(vmemmap: Vmemmap, first: int, nr_pages: int, batch: bool) -> Iterator[range]:
    """Which pages of a huge page are split and remapped together: all in a batch, else leaf by leaf."""
    leaf = nr_pages if batch else vmemmap.entries_per_leaf
    ends = [*range(leaf - first % leaf, nr_pages, leaf), nr_pages] if not batch else [nr_pages]
    return (range(start, end) for start, end in pairwise([0, *ends]))


def _target(vmemmap: Vmemmap, pool: HugePages, scheme: Scheme, first: Ints) -> Integers:
    """The frame that the remapped entries of each huge page are to lead to."""
    if scheme.tails == "shared page":
        return np.full(len(first), vmemmap.shared_tails[pool.order], np.int64)
    assert scheme.kept is not None
    return vmemmap.frame[first + (scheme.kept - 1)]


def _copy_head(vmemmap: Vmemmap, heads: Ints) -> Iterator[Event]:
    copies = vmemmap.buddy.choose(len(heads))
    yield AllocFrames(copies, "copies of the head's page")
    yield CopyPage(vmemmap.frame[heads], copies)
    yield Remap(heads, copies, writable=True)


def _split(vmemmap: Vmemmap, first: Ints, part: range) -> Iterator[Event]:
    wanted = np.zeros(len(vmemmap.table), np.bool_)
    # These are enough to meet every leaf that the pages of a huge page lie under.
    for page in {*part[:: vmemmap.entries_per_leaf], part[-1]}:
        wanted[(first + page) // vmemmap.entries_per_leaf] = True
    leaves = np.flatnonzero(wanted & (vmemmap.table < 0)).astype(np.int64)
    if len(leaves):
        tables = vmemmap.buddy.choose(len(leaves))
        yield AllocFrames(tables, "page tables")
        yield SplitPmd(leaves, tables)
        yield FlushTlb()


def _shared_tail(vmemmap: Vmemmap, order: int) -> Iterator[Event]:
    if order not in vmemmap.shared_tails:
        frame = vmemmap.buddy.choose(1)
        yield AllocFrames(frame, "the shared page of tails")
        yield MakeSharedTail(int(frame[0]), order)


def _remap(first: Ints, part: range, frames: Integers, writable: bool, batch: bool) -> Iterator[Event]:
    """Remap pages ``part`` of each huge page: to a frame for each huge page, or to one for each of the pages."""
    if batch:
        yield Remap(first + part.start, frames, writable, len(part))
    else:
        entries = first[0] + np.arange(part.start, part.stop, dtype=np.int64)
        each = np.broadcast_to(frames.ravel(), len(part))
        for n in range(len(part)):
            yield Remap(entries[n : n + 1], each[n : n + 1], writable)
