"""The buddy allocator: which page frames are free, and in which aligned blocks it would list them.

A buddy allocator merges a freed block with its buddy at once, and splits no more than it must. So its free lists
follow from the set of free frames alone, and that set is all that is kept here: sorted runs, as arrays, so that a
single frame and three million cost the same few array operations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..errors import OutOfFrames
from ..units import quantity
from .structpage import MAX_ORDER, Integers, Ints


@dataclass(frozen=True, eq=False)
class Runs:
    """A set of whole numbers as ascending runs ``[starts[i], ends[i])``, none of which touches the next."""

    starts: Ints
    ends: Ints

    @classmethod
    def of(cls, starts: Ints, ends: Ints) -> Runs:
        """Runs in any order, no two of which overlap."""
        if (starts[1:] < starts[:-1]).any():
            starts, ends = np.sort(starts, kind="stable"), np.sort(ends, kind="stable")
        return cls.between(starts, ends)

    @classmethod
    def between(cls, starts: Ints, ends: Ints) -> Runs:
        """Runs by their ascending boundaries; one that ends where the next starts is one with it, an empty one none."""
        full = starts < ends
        if not full.all():
            starts, ends = starts[full], ends[full]
        apart = starts[1:] != ends[:-1]
        if not apart.all():
            starts, ends = starts[np.append(True, apart)], ends[np.append(apart, True)]
        return cls(starts, ends)

    def __len__(self) -> int:
        return int((self.ends - self.starts).sum())

    def parts(self, size: int) -> Iterator[Ints]:
        """The numbers, ascending, up to ``size`` at a time."""
        behind = np.cumsum(self.ends - self.starts)
        for done in range(0, len(self), size):
            first = int(np.searchsorted(behind, done, side="right"))
            last = int(np.searchsorted(behind, done + size)) + 1
            starts, ends = self.starts[first:last].copy(), self.ends[first:last].copy()
            starts[0] = ends[0] - (behind[first] - done)
            ends[-1] -= max(0, int(behind[first:last][-1]) - done - size)
            yield np.arange(starts[0], ends[0], dtype=np.int64) if len(starts) == 1 else _steps(starts, ends, 1)


class BuddyAllocator:
    """The free page frames of a machine, as `Runs` of frame numbers."""

    def __init__(self, starts: Ints, ends: Ints) -> None:
        self._starts, self._ends = starts, ends

    @property
    def nr_free(self) -> int:
        """Free base-page frames."""
        return int((self._ends - self._starts).sum())

    def contains(self, frames: Integers) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """For each frame, whether it is free."""
        return np.asarray(frames < self._end_of_run(frames))

    def give(self, starts: Ints, order: int = 0) -> None:
        """Free blocks of ``2**order`` frames. Raises `AssertionError` if a frame is free already (a double free)."""
        self.give_runs(Runs(*_runs(starts, 1 << order)))

    def give_runs(self, runs: Runs) -> None:
        """Free all frames of runs. Raises `AssertionError` if a frame is free already (a double free)."""
        before = self.nr_free
        new_starts, new_ends = merged(self._starts, runs.starts), merged(self._ends, runs.ends)
        assert bool((new_starts[1:] >= new_ends[:-1]).all()), "double free"
        self._set(new_starts, new_ends)
        assert self.nr_free == before + len(runs)

    def take(self, starts: Ints, order: int = 0) -> None:
        """Allocate exactly these blocks of ``2**order`` frames. Raises `AssertionError` unless all are free."""
        before, size = self.nr_free, 1 << order
        low, high = _runs(starts, size)
        assert bool((high <= self._end_of_run(low)).all()), "not free"
        self._set(merged(self._starts, high), merged(self._ends, low))
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
            lists.append(merged(front, high[last]))
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

    def _end_of_run(self, frames: Integers) -> Ints:
        """Where the last run ends that starts at or before each frame; -1 before the first run."""
        before_first = np.full(1, -1, np.int64)
        return np.concatenate([before_first, self._ends])[np.searchsorted(self._starts, frames, side="right")]

    def _set(self, starts: Ints, ends: Ints) -> None:
        """Keep sorted boundaries; a run that ends where the next starts is one run, an empty run is none."""
        runs = Runs.between(starts, ends)
        self._starts, self._ends = runs.starts, runs.ends


def _runs(starts: Ints, size: int) -> tuple[Ints, Ints]:
    """Blocks of ``size`` frames as runs ``[low[i], high[i])``: blocks that follow each other are one run."""
    if not len(starts):
        return starts, starts
    apart = np.diff(starts) != size
    return starts[np.append(True, apart)], starts[np.append(apart, True)] + size


def merged(one: Ints, other: Ints) -> Ints:
    """Both, ascending; "stable" because that sort is quick on two arrays that are nearly sorted already."""
    return np.sort(np.concatenate([one, other]), kind="stable")


def _steps(low: Ints, high: Ints, size: int) -> Ints:
    """All ``low[i] + k * size`` whose block of ``size`` ends at or before ``high[i]``."""
    counts = np.maximum(high - low, 0) // size
    times = counts.astype(np.intp)  # where a pointer has 32 bits, NumPy repeats by no wider numbers
    nth = np.arange(int(counts.sum()), dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, times)
    found: Ints = np.repeat(low, times) + nth * size
    return found
