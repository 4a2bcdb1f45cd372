"""The guest's physical memory, seen from outside, and its page tables walked as the processor walks them."""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

from . import LabError
from .architecture import PageTable, Ram

PAGE = 4096


@dataclass(frozen=True)
class Leaf:
    """Where a walk ended: the frame of the 4 KiB page asked for, the entry, the bytes it maps, writable all the way."""

    frame: int
    entry: int
    size: int
    writable: bool


class Memory:
    """Guest RAM as a file mapped read-only, in the stretches ``ram``; ``table`` says how its page tables are read.

    ``frames`` are the page frame numbers of each stretch.
    """

    def __init__(self, path: Path, ram: Ram, table: PageTable) -> None:
        size = sum(length for _, length in ram)
        with path.open("rb") as file:
            self._ram = mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ)
        self._stretches = [stretch for stretch in ram if stretch[1]]
        self.table = table
        self.frames = [range(start // PAGE, (start + length) // PAGE) for start, length in self._stretches]

    def close(self) -> None:
        """Give the memory file back."""
        self._ram.close()

    def read(self, physical: int, length: int) -> bytes:
        """Bytes at a physical address. Raises `LabError` outside the guest's memory."""
        before = 0
        for start, size in self._stretches:
            if start <= physical <= start + size - length:
                at = physical - start + before
                return self._ram[at : at + length]
            before += size
        raise LabError(f"a page table of the guest leads outside its memory, to {physical:#x}; run it again.")

    def walk(self, root: int, address: int, levels: int) -> Leaf | None:
        """Follow a virtual address from the root's register to its leaf; `None` if it is not mapped."""
        table, frame, writable = self.table, self.table.root(root), True
        for level in range(levels, 0, -1):
            shift = 12 + 9 * (level - 1)
            (entry,) = struct.unpack("<Q", self.read((frame << 12) + (address >> shift & 511) * 8, 8))
            if not entry & table.valid:
                return None
            may = bool(entry & table.writable)
            writable = writable and (may or not table.inherited)
            frame = table.frame(entry)
            if level == 1 or (level <= 3 and entry & table.leaf):
                start = frame << 12 & ~((1 << shift) - 1)
                return Leaf((start | address & (1 << shift) - 1) >> 12, entry, 1 << shift, writable and may)
        return None
