"""Facts about page frames, kept for those frames alone that the vmemmap has or had to do with.

A machine of 12 TiB has three thousand million frames, and one in sixty-four holds struct pages. So frames are known by
pieces of `PIECE`: at first those that hold the vmemmap at boot, later any in which one is asked to remember something.
A frame that is not known has zero for every fact.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from .buddy import Runs
from .structpage import Integers, Ints

Number = TypeVar("Number", bound=np.generic)

BITS = 12
PIECE = 1 << BITS
"""Frames that become known together."""
PIECES_AT_A_TIME = 1 << 6


class KnownFrames:
    """The pieces of a machine's frames that are known, ``count`` frames from ``first`` on from the beginning.

    Facts stand in arrays by *slot*: slot ``frame + shift`` of each frame, with one shift for a piece. The first
    `PIECE` slots stand for all frames that are not known, and stay zero. ``first`` has the first frame of each piece,
    in the order of slots.
    """

    def __init__(self, nr_frames: int, first: int, count: int) -> None:
        pieces = np.arange((nr_frames >> BITS) + 2, dtype=np.int64)
        self._shift: Ints = -(pieces << BITS)
        self.size = PIECE
        self.first: Ints = np.zeros(1, np.int64)
        self._facts: list[PerFrame[Any]] = []
        # As much again: a vmemmap restored in other frames than at boot is the most that is usual.
        self.room = 5 * PIECE + 2 * count + count // 4
        self._add(pieces[first >> BITS : (first + count - 1 >> BITS) + 1])

    def slots(self, frames: Integers | int) -> Ints:
        """The slot of each frame."""
        shift = self._shift
        if isinstance(frames, np.ndarray) and frames.size > PIECE:
            # Many frames are mostly near each other, and then one shift does for all.
            near = shift[int(frames.min()) >> BITS : (int(frames.max()) >> BITS) + 1]
            if (near == near[0]).all():
                return np.asarray(frames + near[0], np.int64)
        return np.asarray(frames + shift[frames >> BITS], np.int64)

    def meet(self, frames: Integers) -> Ints:
        """The slot of each frame; those that were not known are from now on."""
        slots = self.slots(frames)
        if len(slots) and int(slots.min()) < PIECE:
            new = np.zeros(len(self._shift), np.bool_)
            new[frames[slots < PIECE] >> BITS] = True
            self._add(np.flatnonzero(new).astype(np.int64))
            slots = self.slots(frames)
        return slots

    def _add(self, pieces: Ints) -> None:
        slots = self.size + (np.arange(len(pieces), dtype=np.int64) << BITS)
        self._shift[pieces] = slots - (pieces << BITS)
        self.size += len(pieces) << BITS
        self.first = np.concatenate([self.first, pieces << BITS])
        if self.size > self.room:
            self.room = self.size + self.size // 2
            for fact in self._facts:
                fact.grow()

    def new(self, dtype: type[Number]) -> PerFrame[Number]:
        """A fact of every frame, zero so far."""
        self._facts.append(PerFrame(self, dtype))
        return self._facts[-1]


class PerFrame(Generic[Number]):
    """A fact of every page frame, read and written by frame numbers; ``at`` is the array behind it, by slots."""

    def __init__(self, known: KnownFrames, dtype: type[Number]) -> None:
        self._known, self._dtype = known, dtype
        self.clear()

    def clear(self) -> None:
        """Let it be zero for every frame."""
        # Memory that was only asked for and never written costs nothing.
        self.at: npt.NDArray[Number] = np.zeros(self._known.room, self._dtype)

    def grow(self) -> None:
        """Make room for as many frames as are known."""
        before = self.at
        self.clear()
        self.at[: len(before)] = before

    def __getitem__(self, frames: Integers | int) -> Any:
        return self.at[self._known.slots(frames)]

    def __setitem__(self, frames: Integers, values: Any) -> None:
        slots = self._known.meet(frames)  # first: it may make room, in another array
        self.at[slots] = values

    @property
    def known(self) -> npt.NDArray[Number]:
        """The values, by slots, without the room for frames to come."""
        return self.at[: self._known.size]

    def count(self) -> int:
        """How many frames do not have zero."""
        return int(np.count_nonzero(self.known))

    def where(self) -> Runs:
        """The frames that do not have zero."""
        starts, ends = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for piece in range(0, len(self._known.first), PIECES_AT_A_TIME):
            first = self._known.first[piece : piece + PIECES_AT_A_TIME]
            some = self.at[piece << BITS : piece + len(first) << BITS].reshape(len(first), PIECE) != 0
            if some.any():
                edge = np.zeros((len(first), PIECE + 1), np.bool_)
                edge[:, 1:-1] = some[:, 1:] != some[:, :-1]
                edge[:, 0], edge[:, -1] = some[:, 0], some[:, -1]
                at = np.flatnonzero(edge).astype(np.int64)
                frames = first[at // (PIECE + 1)] + at % (PIECE + 1)
                starts.append(frames[::2])
                ends.append(frames[1::2])
        return Runs.of(np.concatenate(starts), np.concatenate(ends))
