"""The mechanism: how a kernel takes frames away from the vmemmap, and how it gives them back, as events.

`optimize` and `restore` look at the vmemmap, decide, and yield events one after the other; whoever drives them applies
each event before asking for the next. With ``batch`` all huge pages of a pool go through each step together and the
TLB is flushed twice in all, as in Linux since 6.7; without, each huge page goes through the steps by itself and each
page-table entry is an event of its own, as before 6.7 and as a reader wants to watch it.

Order of steps, from mm/hugetlb_vmemmap.c of 5.15, 6.1, 6.12 and 7.1: split, flush, (copy the head,) remap, flush,
free. Frames are freed only after the flush, because until then a CPU may still write through an old translation.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .events import (
    AllocFrames,
    ClearCompound,
    CopyPage,
    Event,
    FlushTlb,
    FreeFrames,
    GiveHugePages,
    MakeSharedTail,
    PrepareCompound,
    Remap,
    ResetTails,
    SetScheme,
    SplitPmd,
    TakeHugePages,
)
from .schemes import SCHEMES, Scheme
from .structpage import Ints
from .vmemmap import HugePages, Vmemmap, pages_matrix

OFF = SCHEMES["off"]


def allocate(vmemmap: Vmemmap, order: int, count: int) -> Iterator[Event]:
    """``count`` huge pages of ``2**order`` frames move from the buddy allocator into a new pool."""
    yield TakeHugePages(vmemmap.buddy.choose(count, order), order)
    yield PrepareCompound(len(vmemmap.pools) - 1, "pointer")


def release(vmemmap: Vmemmap, number: int, batch: bool) -> Iterator[Event]:
    """The huge pages of pool ``number`` go back to the buddy allocator, restored first if they are optimised."""
    if _pool(vmemmap, number).scheme is not OFF:
        yield from restore(vmemmap, number, batch)
    yield ClearCompound(number)
    yield GiveHugePages(number)


def optimize(vmemmap: Vmemmap, number: int, scheme: Scheme, batch: bool) -> Iterator[Event]:
    """Frames behind the vmemmap pages of pool ``number`` are given back, by ``scheme``."""
    pool = _pool(vmemmap, number)
    if pool.encoding != scheme.encoding:
        # A 7.1 kernel prepares all compound pages with masks; the model does so when it takes up that scheme.
        yield PrepareCompound(number, scheme.encoding)
    yield SetScheme(number, scheme)
    for pages in _groups(vmemmap, pool, batch):
        yield from _split(vmemmap, pages)
        before = vmemmap.frame[pages]
        if scheme.head_copied:
            copies = vmemmap.buddy.choose(len(pages))
            yield AllocFrames(copies, "copies of the head's page")
            yield CopyPage(before[:, 0], copies)
            yield Remap(pages[:, 0], copies, writable=True)
        kept, rest = pages[:, : scheme.kept], pages[:, scheme.kept :]
        if scheme.tails == "shared page":
            yield from _shared_tail(vmemmap, pool.order)
            target = np.full(rest.shape, vmemmap.shared_tails[pool.order], np.int64)
        else:
            target = np.broadcast_to(vmemmap.frame[kept[:, -1:]], rest.shape)
        yield from _remap(rest, target, False, batch)
        yield FlushTlb()
        yield FreeFrames(before[vmemmap.held[before]])


def restore(vmemmap: Vmemmap, number: int, batch: bool) -> Iterator[Event]:
    """Every vmemmap page of pool ``number`` gets a frame of its own again; the frames must be allocated first."""
    pool = _pool(vmemmap, number)
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


def _pool(vmemmap: Vmemmap, number: int) -> HugePages:
    pool = vmemmap.pools[number]
    assert pool is not None
    return pool


def _groups(vmemmap: Vmemmap, pool: HugePages, batch: bool) -> list[Ints]:
    """Vmemmap pages to go through the steps together: all huge pages of the pool, or one row at a time."""
    pages = pages_matrix(vmemmap, pool)
    return [pages] if batch else [row[None, :] for row in pages]


def _split(vmemmap: Vmemmap, pages: Ints) -> Iterator[Event]:
    leaves = pages.ravel() // vmemmap.entries_per_leaf
    leaves = leaves[np.diff(leaves, prepend=-1) != 0]
    leaves = leaves[vmemmap.table[leaves] < 0]
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
