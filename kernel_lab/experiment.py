"""The questions put to a kernel, and the record of its answers.

A record holds, for the optimisation off and on, and for pages of 2 MiB and 1 GiB: the page-table entries of the
vmemmap pages at boot, while the huge page lives, and once it is dissolved; some struct pages; and what the kernel's
own counters say was saved.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import LabError
from .guest import Guest
from .memory import PAGE, Leaf, Memory

SIZES = {"2 MiB": 21, "1 GiB": 30}
STRUCT_PAGE = 64
SYSCTL = "/proc/sys/vm/hugetlb_optimize_vmemmap"
SHOWN = (0, 1, 2, 3, 4, 63, 64, 65, 128, 511)
"""Struct pages of a huge page whose words are recorded."""

Record = dict[str, Any]
Say = Callable[[str], None]


class Experiment:
    """One guest, asked."""

    def __init__(self, guest: Guest, say: Say) -> None:
        assert guest.memory is not None
        self.guest, self.say = guest, say
        self._memory: Memory = guest.memory
        self.can_switch = bool(guest.file(SYSCTL))
        self.on_at_boot = "hugetlb_free_vmemmap=on" in guest.append
        self._at_boot = self._all_rows()

    def run(self, counts: list[int]) -> Record:
        """Everything that one boot can show."""
        guest = self.guest
        log = [line.split("] ")[-1] for line in guest.shell("dmesg | grep -i hugetlb:", may_fail=True).splitlines()]
        record: Record = {
            "release": guest.shell("uname -r"),
            "levels": guest.levels,
            "command_line": guest.append,
            "can_switch": self.can_switch,
            "boot_log": [line for line in log if "vmemmap" in line],
        }
        self._switch(False)
        for size, count in (("2 MiB", 8), ("1 GiB", 1)):
            self._cost(size, count)  # the first allocation of a kind starts kernel threads and the like; let it pass
        for on in (False, True) if self.can_switch else (self.on_at_boot,):
            self._switch(on)
            state: Record = record.setdefault("on" if on else "off", {})
            counters: list[Record] = state.setdefault("counters", [])
            word = "on" if on else "off"
            # Small pages are looked at before any large one has moved frames about: then what was at boot is what is.
            self.say(f"optimisation {word}, 2 MiB: reading page tables")
            state["2 MiB"] = self._mapping("2 MiB", 8)
            for size in ("1 GiB", "2 MiB"):
                self.say(f"optimisation {word}, {size}: counting")
                growth = counts if size == "2 MiB" else [1]
                if on:
                    counters.append({"case": f"{size}, first use", **self._cost(size, max(growth))})
                counters += [{"case": f"{size}, again" if on else size, **self._cost(size, n)} for n in growth]
            self.say(f"optimisation {word}, 1 GiB: reading page tables")
            state["1 GiB"] = self._mapping("1 GiB", 1)
        return record

    def reserved(self) -> Record:
        """Huge pages that the command line reserved at boot: their page-table entries."""
        found: Record = {}
        gigantic = self._heads("1 GiB")
        for size in ("1 GiB", "2 MiB"):
            heads = [h for h in self._heads(size) if size == "1 GiB" or not any(0 <= h - g < 1 << 18 for g in gigantic)]
            if heads:
                found[size] = {"pfn": heads[0], "live": self._look(heads[0], size)}
        return found

    # --- the pool --------------------------------------------------------------------------------------------------

    def _switch(self, on: bool) -> None:
        if self.can_switch:
            self.guest.shell(f"echo {int(on)} >{SYSCTL}")

    def _pool(self, size: str, count: int) -> int:
        path = f"/sys/kernel/mm/hugepages/hugepages-{(1 << SIZES[size]) >> 10}kB/nr_hugepages"
        if count and size == "1 GiB":  # so large a page is found only where memory can be made free of others
            self.guest.shell("echo 1 >/proc/sys/vm/compact_memory", 300)
        self.guest.shell(f"echo {count} >{path}", 300)
        return int(self.guest.file(path) or 0)

    def _heads(self, size: str) -> list[int]:
        return [int(line) for line in self.guest.shell(f"hugeuser heads {SIZES[size]}").split()]

    # --- counting --------------------------------------------------------------------------------------------------

    def _counters(self) -> dict[str, int]:
        lines = (line.split() for line in self.guest.shell("hugeuser settle").splitlines())
        return {words[0]: int(words[1]) for words in lines if len(words) == 2}

    def _cost(self, size: str, count: int) -> Record:
        """Grow an empty pool to ``count`` huge pages, shrink it again; what the free pages did not lose was saved."""
        tables, before = self._tables(), self._counters()
        got = self._pool(size, count)
        during, split = self._counters(), self._tables() - tables
        self._pool(size, 0)
        free = [when["nr_free_pages"] + when["per_cpu_pages"] for when in (before, during)]
        memmap = [sum(value for name, value in when.items() if "nr_memmap" in name) for when in (before, during)]
        return {
            "huge_pages": got,
            "saved_pages": (1 << SIZES[size]) // PAGE * got - (free[0] - free[1]),
            "tables_split": split,
            "anon_pages_grew_by": during["nr_anon_pages"] - before["nr_anon_pages"],
            "memmap_counter_fell_by": memmap[0] - memmap[1] if memmap[0] else None,
            "mem_total_grew_by_kB": during["mem_total_kB"] - before["mem_total_kB"],
        }

    # --- page tables -----------------------------------------------------------------------------------------------

    def _leaf(self, cr3: int, page: int) -> Leaf | None:
        return self._memory.walk(cr3, self.guest.vmemmap + page * PAGE, self.guest.levels)

    def _tables(self) -> int:
        """How many 2 MiB stretches of the vmemmap are mapped by 4 KiB entries."""
        cr3 = self.guest.stop()
        pages = range(0, self._memory.nr_frames * STRUCT_PAGE // PAGE, 512)
        leaves = [self._leaf(cr3, page) for page in pages]
        self.guest.go_on()
        return sum(leaf is not None and leaf.size == PAGE for leaf in leaves)

    def _all_rows(self) -> dict[int, Leaf]:
        cr3, found = self.guest.stop(), {}
        for page in range(self._memory.nr_frames * STRUCT_PAGE // PAGE):
            leaf = self._leaf(cr3, page)
            if leaf:
                found[page] = leaf
        self.guest.go_on()
        return found

    def _look(self, pfn: int, size: str) -> Record:
        """The vmemmap pages of one huge page and some of its struct pages."""
        guest, frames = self.guest, (1 << SIZES[size]) // PAGE
        first, count = pfn * STRUCT_PAGE // PAGE, frames * STRUCT_PAGE // PAGE
        cr3 = guest.stop()
        rows = [leaf for page in range(first, first + count) if (leaf := self._leaf(cr3, page))]
        agrees = all(
            guest.monitor(f"gva2gpa {guest.vmemmap + (first + n) * PAGE:#x}").strip() == f"gpa: {row.frame << 12:#x}"
            for n, row in enumerate(rows[:8])
        )
        words = {str(number): self._words(cr3, pfn + number) for number in (*SHOWN, frames - 1)}
        guest.go_on()
        return {**summary(rows), "monitor_agrees": agrees, "words": words}

    def _words(self, cr3: int, pfn: int) -> list[str]:
        address = self.guest.vmemmap + pfn * STRUCT_PAGE
        leaf = self._memory.walk(cr3, address, self.guest.levels)
        if leaf is None:
            raise LabError(f"the guest has no struct page for PFN {pfn:#x}; run it again.")
        data = self._memory.read((leaf.frame << 12) + address % PAGE, STRUCT_PAGE)
        return [hex(word) for word in struct.unpack("<8Q", data)]

    def _mapping(self, size: str, count: int) -> Record:
        heads = self._heads(size) if self._pool(size, count) else []
        if not heads:
            return {"missing": "the kernel found no room for such a page, or did not say where it is"}
        seen = {pfn: self._look(pfn, size) for pfn in heads}
        flags = self.guest.shell(f"hugeuser flags {heads[0]} 512").split()
        self._pool(size, 0)
        first = heads[0] * STRUCT_PAGE // PAGE
        pages = range(first, first + (1 << SIZES[size]) // PAGE * STRUCT_PAGE // PAGE)
        return {
            "pfn": heads[0],
            "boot": summary([self._at_boot[page] for page in pages]),
            "live": seen[heads[0]],
            "dissolved": self._look(heads[0], size),
            "neighbours": [[row[1] for row in seen[pfn]["rows"]] for pfn in heads[1:]],
            "shown_as_heads": [n for n, word in enumerate(flags) if int(word) >> 15 & 1],
        }


def summary(rows: list[Leaf]) -> Record:
    """Counts, and rows [page, frame, writable, entry, bytes mapped]: all of eight, of 4,096 eleven."""
    shown = range(len(rows)) if len(rows) <= 8 else [*range(9), len(rows) - 2, len(rows) - 1]
    return {
        "vmemmap_pages": len(rows),
        "distinct_frames": len({row.frame for row in rows}),
        "writable_pages": _runs(rows),
        "rows": [[n, rows[n].frame, rows[n].writable, rows[n].entry, rows[n].size] for n in shown],
    }


def _runs(rows: list[Leaf]) -> str:
    """Writable pages as text: "0, 64-4095"."""
    marks = "".join("w" if row.writable else "-" for row in rows)
    spans = [(m.start(), m.end() - 1) for m in re.finditer("w+", marks)]
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in spans)


def reserve(image: Path, initrd: Path, folder: Path, memory_mib: int, say: Say) -> Record:
    """Boot with huge pages on the command line and the optimisation on: how they are mapped."""
    say("booting again, with huge pages reserved on the command line")
    asked = "hugetlb_free_vmemmap=on hugepagesz=1G hugepages=1 hugepagesz=2M hugepages=64"
    with Guest(image, initrd, folder, memory_mib, asked) as guest:
        return Experiment(guest, say).reserved()
