"""The buddy allocator: which page frames are free, and in which aligned blocks it would list them.

A buddy allocator merges a freed block with its buddy at once, and splits no more than it must. So its free lists
follow from the set of free frames alone, and that set is all that is kept here: sorted runs, as arrays, so that a
single frame and three million cost the same few array operations.
"""

from __future__ import annotations

import numpy as np

from ..errors import OutOfFrames
from ..units import quantity
from .structpage import MAX_ORDER, Ints


class BuddyAllocator:
    """The free page frames of a machine, as runs ``[starts[i], ends[i])`` of frame numbers."""

    def __init__(self, starts: Ints, ends: Ints) -> None:
        self._starts, self._ends = starts, ends

    @property
    def nr_free(self) -> int:
        """Free base-page frames."""
        return int((self._ends - self._starts).sum())

    def contains(self, frames: Ints) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """For each frame, whether it is free."""
        return np.asarray(frames < self._end_of_run(frames))

    def give(self, starts: Ints, order: int = 0) -> None:
        """Free blocks of ``2**order`` frames. Raises `AssertionError` if a frame is free already (a double free)."""
        before, size = self.nr_free, 1 << order
        low, high = _runs(starts, size)
        new_starts, new_ends = _merged(self._starts, low), _merged(self._ends, high)
        assert bool((new_starts[1:] >= new_ends[:-1]).all()), "double free"
        self._set(new_starts, new_ends)
        assert self.nr_free == before + size * len(starts)

    def take(self, starts: Ints, order: int = 0) -> None:
        """Allocate exactly these blocks of ``2**order`` frames. Raises `AssertionError` unless all are free."""
        before, size = self.nr_free, 1 << order
        low, high = _runs(starts, size)
        assert bool((high <= self._end_of_run(low)).all()), "not free"
        self._set(_merged(self._starts, high), _merged(self._ends, low))
        assert self.nr_free == before - size * len(starts)

    def choose(self, count: int, order: int = 0) -> Ints:
        """First frames of ``count`` aligned blocks of ``2**order`` frames that `take` may take.

        Up to `MAX_ORDER` from the smallest blocks that fit, as the free lists are searched; above that, contiguous
        ranges of free blocks in address order, as alloc_contig_range finds them. Raises `OutOfFrames`.
        """
        found = self._from_lists(count, order) if order <= MAX_ORDER else self._contiguous(order)
        if len(found) < count:
            blocks = quantity(count, "free aligned block") + f" of {1 << order:,} frames"
            needed = blocks if order else quantity(count, "free frame")
            raise OutOfFrames(
                f"{needed} needed, and the buddy allocator has {len(found):,} "
                f"({self.nr_free:,} free frames in all); ask for fewer, free huge pages first, or give the machine "
                "more memory."
            )
        return found[:count]

    def blocks(self) -> list[Ints]:
        """The free lists: for each order 0 to `MAX_ORDER`, the first frames of its free blocks, ascending."""
        low, high = self._starts.copy(), self._ends.copy()
        lists = []
        for order in range(MAX_ORDER):
            size = 1 << order
            first = (low & size != 0) & (low + size <= high)
            front = low[first]
            low = low + first * size
            last = (high & size != 0) & (high - size >= low)
            high = high - last * size
            lists.append(_merged(front, high[last]))
        lists.append(_steps(low, high, 1 << MAX_ORDER))
        return lists

    def _from_lists(self, count: int, order: int) -> Ints:
        found: list[Ints] = []
        missing = count
        for size, starts in list(enumerate(self.blocks()))[order:]:
            if missing <= 0:
                break
            per_block = 1 << (size - order)
            starts = starts[: -(-missing // per_block)]
            inside = np.arange(per_block, dtype=np.int64) << order
            found.append((starts[:, None] + inside).ravel())
            missing -= len(found[-1])
        return np.concatenate(found) if found else np.empty(0, np.int64)

    def _contiguous(self, order: int) -> Ints:
        size = 1 << order
        return _steps(-(-self._starts // size) * size, self._ends, size)

    def _end_of_run(self, frames: Ints) -> Ints:
        """Where the last run ends that starts at or before each frame; -1 before the first run."""
        ends: Ints = np.concatenate([[-1], self._ends])[np.searchsorted(self._starts, frames, side="right")]
        return ends

    def _set(self, starts: Ints, ends: Ints) -> None:
        """Keep sorted boundaries; a run that ends where the next starts is one run, an empty run is none."""
        full = starts < ends
        starts, ends = starts[full], ends[full]
        joins = np.flatnonzero(starts[1:] == ends[:-1])
        self._starts, self._ends = np.delete(starts, joins + 1), np.delete(ends, joins)


def _runs(starts: Ints, size: int) -> tuple[Ints, Ints]:
    """Blocks of ``size`` frames as runs ``[low[i], high[i])``: blocks that follow each other are one run."""
    if not len(starts):
        return starts, starts
    last = np.flatnonzero(np.diff(starts) != size)
    return starts[np.concatenate([[0], last + 1])], starts[np.concatenate([last, [-1]])] + size


def _merged(one: Ints, other: Ints) -> Ints:
    """Both, ascending; "stable" because that sort is quick on two arrays that are nearly sorted already."""
    return np.sort(np.concatenate([one, other]), kind="stable")


def _steps(low: Ints, high: Ints, size: int) -> Ints:
    """All ``low[i] + k * size`` whose block of ``size`` ends at or before ``high[i]``."""
    counts = np.maximum(high - low, 0) // size
    nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    found: Ints = np.repeat(low, counts) + nth * size
    return found
