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
from .structpage import Ints
from .vmemmap import HugePages, Vmemmap, pages_matrix

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
            each = pages_matrix(vmemmap, pool)[:, pool.scheme.kept :].shape[1]
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
    for pages in _groups(vmemmap, pool, batch):
        before = vmemmap.frame[pages if scheme.head_copied else pages[:, scheme.kept :]].ravel()
        for part in _parts(vmemmap, pages, batch):
            yield from _split(vmemmap, part)
            if part[0, 0] == pages[0, 0]:
                if scheme.head_copied:
                    yield from _copy_head(vmemmap, pages[:, 0])
                if scheme.tails == "shared page":
                    yield from _shared_tail(vmemmap, pool.order)
                part = part[:, scheme.kept :]
            yield from _remap(part, _target(vmemmap, pool, scheme, pages, part.shape), False, batch)
        yield FlushTlb()
        held = vmemmap.held[before]
        yield FreeFrames(before if held.all() else before[held])
    if flag_last:
        yield SetScheme(number, scheme)


def restore(vmemmap: Vmemmap, number: int, batch: bool) -> Iterator[Event]:
    """Every vmemmap page of pool ``number`` gets a frame of its own again; the frames must be allocated first."""
    pool = vmemmap.pool(number)
    scheme = pool.scheme
    for pages in _groups(vmemmap, pool, batch):
        rest = pages[:, scheme.kept :]
        new = vmemmap.buddy.choose(rest.size).reshape(rest.shape)
        yield AllocFrames(new.ravel(), "vmemmap pages")
        yield CopyPage(vmemmap.frame[rest].ravel(), new.ravel())
        if scheme.fake_heads:
            yield ResetTails(new.ravel(), rest.ravel())
        yield from _remap(rest, new, True, batch)
        yield FlushTlb()
    yield SetScheme(number, OFF)


def _groups(vmemmap: Vmemmap, pool: HugePages, batch: bool) -> list[Ints]:
    """Vmemmap pages to go through the steps together: all huge pages of the pool, or one row at a time."""
    pages = pages_matrix(vmemmap, pool)
    return [pages] if batch else [row[None, :] for row in pages]


def _parts(vmemmap: Vmemmap, pages: Ints, batch: bool) -> list[Ints]:
    """Columns to be split and remapped together: all in a batch, else those under one PMD leaf after the other."""
    if batch:
        return [pages]
    leaves = pages[0] // vmemmap.entries_per_leaf
    return np.split(pages, np.flatnonzero(np.diff(leaves)) + 1, axis=1)


def _target(vmemmap: Vmemmap, pool: HugePages, scheme: Scheme, pages: Ints, shape: tuple[int, ...]) -> Ints:
    """The frames that remapped entries are to lead to, in the shape of those entries."""
    if scheme.tails == "shared page":
        return np.full(shape, vmemmap.shared_tails[pool.order], np.int64)
    assert scheme.kept is not None
    return np.broadcast_to(vmemmap.frame[pages[:, scheme.kept - 1]][:, None], shape)


def _copy_head(vmemmap: Vmemmap, heads: Ints) -> Iterator[Event]:
    copies = vmemmap.buddy.choose(len(heads))
    yield AllocFrames(copies, "copies of the head's page")
    yield CopyPage(vmemmap.frame[heads], copies)
    yield Remap(heads, copies, writable=True)


def _split(vmemmap: Vmemmap, pages: Ints) -> Iterator[Event]:
    # A row is consecutive pages; these are enough to meet every leaf that it lies under.
    some = np.concatenate([pages[:, :: vmemmap.entries_per_leaf].ravel(), pages[:, -1]])
    wanted = np.zeros(len(vmemmap.table), np.bool_)
    wanted[some // vmemmap.entries_per_leaf] = True
    leaves = np.flatnonzero(wanted & (vmemmap.table < 0))
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


def _remap(entries: Ints, frames: Ints, writable: bool, batch: bool) -> Iterator[Event]:
    if batch:
        yield Remap(entries.ravel(), np.ascontiguousarray(frames).ravel(), writable)
    else:
        for entry, frame in zip(entries.ravel(), frames.ravel(), strict=True):
            yield Remap(np.array([entry]), np.array([frame]), writable)
