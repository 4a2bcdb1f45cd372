"""Processors beside a vmemmap: what each remembers of its page table, and what an access does through that.

`Vmemmap.stale` says which frames *some* TLB may still translate to. Here stand the TLBs themselves, each with a few
lines that are filled by a walk of the page table, thrown out first in, first out, and forgotten by a flush alone. An
access that hits a line goes where the line says, whatever the page table says by now.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .structpage import WORD
from .vmemmap import VMEMMAP_BASE, Vmemmap

WAYS = 4
"""Lines of one TLB. Real ones have some thousands; with four it is seen how they come and go."""


@dataclass(frozen=True)
class Line:
    """A translation that a TLB holds: ``span`` vmemmap pages from ``first`` on, to as many frames from ``frame`` on.

    A PMD leaf entry is one line, however many pages it maps.
    """

    first: int
    span: int
    frame: int
    writable: bool

    def leads(self, page: int) -> int | None:
        """The frame that vmemmap page ``page`` is translated to, or `None` if the line says nothing of it."""
        return self.frame + page - self.first if self.first <= page < self.first + self.span else None


@dataclass(frozen=True)
class Access:
    """One access of one CPU: the frame it went to, the line that led there, and whether that line forbade it."""

    page: int
    frame: int
    slot: int
    write: bool
    hit: bool
    fault: bool


class Cpu:
    """A processor's TLB: ``lines`` in their slots, and ``next``, the slot that is thrown out next."""

    def __init__(self, ways: int = WAYS) -> None:
        self.lines: list[Line | None] = [None] * ways
        self.next = 0

    def flush(self) -> None:
        """Forget every translation."""
        self.lines = [None] * len(self.lines)
        self.next = 0

    def access(self, vmemmap: Vmemmap, page: int, write: bool = False) -> Access:
        """Read or write something in vmemmap page ``page``: by the TLB, or else by a walk, which the TLB remembers.

        A write that a line forbids and the page table allows by now is tried again after a walk, as processors do.
        """
        slot = self.slot_of(page)
        hit = slot is not None
        if slot is not None and write and not self._line(slot).writable and vmemmap.writable[page]:
            self.lines[slot] = None
            slot = self.slot_of(page)
            hit = slot is not None
        if slot is None:
            slot = self._room()
            self.lines[slot] = walk(vmemmap, page)
        line = self._line(slot)
        frame = line.leads(page)
        assert frame is not None
        return Access(page, frame, slot, write, hit, write and not line.writable)

    def store(self, vmemmap: Vmemmap, address: int, index: int, value: int) -> Access:
        """Write word ``index`` of the struct page at ``address``, into the frame that this CPU believes in.

        Where its line forbids that, the access is a fault and nothing is written.
        """
        at = address + WORD * index - VMEMMAP_BASE
        access = self.access(vmemmap, at // vmemmap.base_page, write=True)
        if not access.fault:
            vmemmap.store_in(access.frame, at % vmemmap.base_page, value)
        return access

    def slot_of(self, page: int) -> int | None:
        """The slot of the first line that says something of a vmemmap page."""
        return next((n for n, line in enumerate(self.lines) if line and line.leads(page) is not None), None)

    def _line(self, slot: int) -> Line:
        line = self.lines[slot]
        assert line is not None
        return line

    def _room(self) -> int:
        if None in self.lines:
            return self.lines.index(None)
        slot = self.next
        self.next = (slot + 1) % len(self.lines)
        return slot


def walk(vmemmap: Vmemmap, page: int) -> Line:
    """What a walk of the page table finds for a vmemmap page: its entry, or the PMD leaf it lies under."""
    leaf = page // vmemmap.entries_per_leaf
    if vmemmap.table[leaf] >= 0:
        return Line(page, 1, int(vmemmap.frame[page]), bool(vmemmap.writable[page]))
    first = leaf * vmemmap.entries_per_leaf
    return Line(first, vmemmap.entries_per_leaf, int(vmemmap.frame[first]), True)


def outdated(line: Line, vmemmap: Vmemmap, pages: range) -> list[int]:
    """Those of some vmemmap pages for which a line says other than the page table: another frame, or more rights."""
    there = np.arange(pages.start, pages.stop)
    frames, writable = vmemmap.frame[there].tolist(), vmemmap.writable[there].tolist()
    return [
        page
        for page, frame, may in zip(pages, frames, writable, strict=True)
        if (led := line.leads(page)) is not None and (led != frame or (line.writable and not may))
    ]
