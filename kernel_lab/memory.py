"""The guest's physical memory, seen from outside, and its page tables walked as the processor walks them."""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

from . import LabError

PAGE = 4096
_ADDRESS = (1 << 52) - 1 & ~0xFFF


@dataclass(frozen=True)
class Leaf:
    """Where a walk ended: the frame of the 4 KiB page asked for, the entry, the bytes it maps, writable all the way."""

    frame: int
    entry: int
    size: int
    writable: bool


class Memory:
    """Guest RAM as a file mapped read-only; ``size`` bytes, laid out as on QEMU's "pc" machine."""

    def __init__(self, path: Path, size: int) -> None:
        with path.open("rb") as file:
            self._ram = mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ)
        # What does not fit below the hole for devices goes above 4 GiB.
        self._low = size if size < 0xE0000000 else 0xC0000000
        self.nr_frames = (size if size == self._low else (1 << 32) + size - self._low) // PAGE

    def close(self) -> None:
        """Give the memory file back."""
        self._ram.close()

    def read(self, physical: int, length: int) -> bytes:
        """Bytes at a physical address."""
        at = physical if physical < self._low else physical - (1 << 32) + self._low
        if not 0 <= at <= len(self._ram) - length:
            raise LabError(f"a page table of the guest leads outside its memory, to {physical:#x}; run it again.")
        return self._ram[at : at + length]

    def walk(self, cr3: int, address: int, levels: int) -> Leaf | None:
        """Follow a virtual address from CR3 to its leaf; `None` if it is not mapped."""
        table, writable = cr3 & _ADDRESS, True
        for level in range(levels, 0, -1):
            shift = 12 + 9 * (level - 1)
            (entry,) = struct.unpack("<Q", self.read(table + (address >> shift & 511) * 8, 8))
            if not entry & 1:
                return None
            writable = writable and bool(entry & 2)
            if level == 1 or (level <= 3 and entry & 0x80):
                start = entry & _ADDRESS & ~((1 << shift) - 1)
                return Leaf((start | address & (1 << shift) - 1) >> 12, entry, 1 << shift, writable)
            table = entry & _ADDRESS
        return None
