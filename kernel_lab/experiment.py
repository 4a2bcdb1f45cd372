"""The questions put to a kernel, and the record of its answers.

A full record holds, for the optimisation off and on, and for pages of 2 MiB and 1 GiB: the page-table entries of the
vmemmap pages at boot, while the huge page lives, and once it is dissolved; some struct pages; what the kernel's own
counters say was saved; and which frames it still calls huge afterwards. A short one is what a kernel says of itself,
and its counters: enough where it cannot do it at all.
"""

from __future__ import annotations

import itertools
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import LabError
from .architecture import Architecture
from .guest import Guest, boot
from .memory import PAGE, Leaf, Memory

SIZES = {"2 MiB": 21, "1 GiB": 30}
SYSCTL = "/proc/sys/vm/hugetlb_optimize_vmemmap"
HUGE_PAGES = "/sys/kernel/mm/hugepages"
SHOWN = (0, 1, 2, 3, 4, 63, 64, 65, 128, 511)
"""Struct pages of a huge page whose words are recorded."""
LEFT = 64
"""Huge pages of 2 MiB that are taken and given back to see which frames the kernel then still calls huge."""
AGAIN = 8
"""How often a 1 GiB page is then taken and given back; in 8 GiB there is room for four or five side by side."""
COUNTS = 6
"""How often, at most, the same is counted until two counts in a row agree."""
_TOTAL = ("saved_pages", "tables_split", "anon_pages_grew_by")
"""What was saved, page tables and the measuring programs' own growth paid: the sum that the model tells."""
KPF_COMPOUND_HEAD, KPF_HUGE = 15, 17
"""Bits of a word of /proc/kpageflags (include/uapi/linux/kernel-page-flags.h)."""

Record = dict[str, Any]
Say = Callable[[str], None]


class Experiment:
    """One guest, asked."""

    def __init__(self, guest: Guest, say: Say) -> None:
        self.guest, self.say = guest, say
        self.can_switch = bool(guest.file(SYSCTL))
        self.on_at_boot = "hugetlb_free_vmemmap=on" in guest.append

    def run(self, counts: list[int]) -> Record:
        """Everything that one boot can show."""
        record = self.about()
        at_boot = self._all_rows()
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
            state["2 MiB"] = self._mapping("2 MiB", 8, at_boot)
            for size in ("1 GiB", "2 MiB"):
                self.say(f"optimisation {word}, {size}: counting")
                growth = counts if size == "2 MiB" else [1]
                if on:
                    once = self._cost if size == "1 GiB" else self._fresh  # two of 1 GiB, and there is no third
                    counters.append({"case": f"{size}, first use", **once(size, max(growth))})
                if size == "1 GiB":  # while there is room: the third bug leaves none where such a page was
                    self.say(f"optimisation {word}, 1 GiB: reading page tables")
                    state[size] = self._mapping(size, 1, at_boot)
                counters += [{"case": f"{size}, again" if on else size, **self._steady(size, n)} for n in growth]
            state["left_huge"] = self._left("2 MiB")
        return record

    def short(self) -> Record:
        """What a kernel says of itself, and its counters for every size it has: for kernels that cannot do it.

        Raises `LabError` for one that can.
        """
        guest, record = self.guest, {**self.about(), "short": True}
        if self.can_switch:
            raise LabError(
                "this kernel can do it; the lab reads no page tables of its architecture, and cannot judge it."
            )
        kib = [int(found) for found in re.findall(r"hugepages-(\d+)kB", guest.shell(f"ls {HUGE_PAGES}"))]
        free = int(re.search(r"MemFree:\s+(\d+)", guest.file("/proc/meminfo"))[1])  # type: ignore[index]
        rows: list[Record] = []
        for size in sorted(kib):
            count = min(LEFT, free // 2 // size)
            if count:
                self.say(f"{size} KiB: counting")
                name = _size(size << 10)
                rows.append({"case": name, **self._steady(name, count)})
        return {**record, "off": {"counters": rows}}

    def about(self) -> Record:
        """What a kernel says of itself."""
        guest = self.guest
        log = [line.split("] ")[-1] for line in guest.shell("dmesg | grep -i hugetlb:", may_fail=True).splitlines()]
        sizes = guest.shell(f"ls {HUGE_PAGES} 2>/dev/null", may_fail=True)
        return {
            "release": guest.shell("uname -r"),
            "architecture": guest.architecture.name,
            "base_page": guest.page,
            "struct_page": guest.struct_page,
            "vmemmap": hex(guest.vmemmap),
            "levels": guest.levels,
            "command_line": guest.append,
            "can_switch": self.can_switch,
            "boot_log": [line for line in log if "vmemmap" in line],
            "huge_pages": [_size(kib << 10) for kib in sorted(map(int, re.findall(r"hugepages-(\d+)kB", sizes)))],
        }

    def reserved(self) -> Record:
        """Huge pages that the command line reserved at boot: their page-table entries."""
        found: Record = {}
        gigantic = self._heads("1 GiB")
        for size in ("1 GiB", "2 MiB"):
            heads = [h for h in self._heads(size) if size == "1 GiB" or not any(0 <= h - g < 1 << 18 for g in gigantic)]
            if heads:
                found[size] = {"pfn": heads[0], "live": self._look(heads[0], size)}
        return found

    def left_huge(self, count: int = LEFT) -> list[Record]:
        """Fill and empty the pool of 2 MiB pages; count the frames of all memory that KPF_HUGE still stands on.

        Then take one page of 1 GiB and give it back, again and again: how many there were, each time.
        """
        rows = []
        for on in (False, True) if self.can_switch else (self.on_at_boot,):
            self._switch(on)
            got = self._pool("2 MiB", count)
            self._pool("2 MiB", 0)
            flags = self.guest.bytes_of("dd if=/proc/kpageflags bs=65536")
            huge = [pfn for pfn, word in enumerate(_words(flags)) if word >> KPF_HUGE & 1]
            rows.append({
                "hvo": "on" if on else "off", "huge_pages": got, "frames": len(huge),
                "in_each": sorted({pfn % 512 for pfn in huge}), "again": self._again("1 GiB"),
            })  # fmt: skip
        return rows

    # --- the pool --------------------------------------------------------------------------------------------------

    def _switch(self, on: bool) -> None:
        if self.can_switch:
            self.guest.shell(f"echo {int(on)} >{SYSCTL}")

    def _pool(self, size: str, count: int) -> int:
        path = f"{HUGE_PAGES}/hugepages-{_bytes(size) >> 10}kB/nr_hugepages"
        if count and _bytes(size) >= 32 << 20:  # so large a page is found only where memory can be made free of others
            self.guest.shell("echo 1 >/proc/sys/vm/compact_memory", 400)
        self.guest.shell(f"echo {count} >{path}", 400)
        return int(self.guest.file(path) or 0)

    def _again(self, size: str) -> list[int]:
        found = []
        for _ in range(AGAIN):
            found.append(self._pool(size, 1))
            self._pool(size, 0)
        return found

    def _heads(self, size: str) -> list[int]:
        """First PFN of every huge page: what looks like one from outside, if the kernel's own flags say so too."""
        frames, told = _bytes(size) // PAGE, []
        root = self.guest.stop()
        for stretch in self._memory.frames:
            for pfn in range(-(-stretch.start // frames) * frames, stretch.stop - frames + 1, frames):
                head = self.guest.vmemmap + pfn * self.guest.struct_page
                mask = (1 << 64) - frames * self.guest.struct_page | 1
                if self._leaf(root, head) and self._words(root, pfn + 1)[1] in (head + 1, mask):
                    told.append(pfn)
        self.guest.go_on()
        return [pfn for pfn, flags in zip(told, self._flags(told), strict=True) if _is_huge_head(flags[0])]

    def _flags(self, pfns: list[int]) -> list[tuple[int, ...]]:
        """The words of /proc/kpageflags of the 512 frames from each PFN on."""
        if not pfns:
            return []
        count = 512
        step = f"dd if=/proc/kpageflags bs={count * 8} count=1"
        data = self.guest.bytes_of(
            f"for block in {' '.join(str(pfn // count) for pfn in pfns)}; do {step} skip=$block; done"
        )
        words = _words(data)
        if len(words) != count * len(pfns):
            raise LabError("the guest's /proc/kpageflags ends early; run it again.")
        return [words[n : n + count] for n in range(0, len(words), count)]

    def _left(self, size: str) -> Record:
        """Take huge pages, give them back, and count the frames among theirs that the kernel still calls huge."""
        self._pool(size, LEFT)
        heads = self._heads(size)
        self._pool(size, 0)
        flags = self._flags(heads)
        return {"huge_pages": len(heads), "frames": sum(word >> KPF_HUGE & 1 for page in flags for word in page)}

    # --- counting --------------------------------------------------------------------------------------------------

    def _counters(self) -> dict[str, int]:
        return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", self.guest.shell("settle", 400))}

    def _steady(self, size: str, count: int) -> Record:
        """What two counts in a row agree on, to a page: a kernel on a busy machine does other things meanwhile.

        Where none agree, or there is no room again, the last is told, and the trial may well find fault with it.
        """
        found: list[Record] = []
        while len(found) < COUNTS and not _agree(found):
            row = self._cost(size, count)
            if found and row["huge_pages"] < count:
                break
            found.append(row)
        return found[-1]

    def _fresh(self, size: str, count: int) -> Record:
        """The same for a first use, which no memory has twice: the pool grows on, as long as there is room."""
        found: list[Record] = []
        while len(found) < COUNTS and not _agree(found):
            row = self._grow(size, len(found) * count, count)
            if found and row["huge_pages"] < count:
                break
            found.append(row)
        self._pool(size, 0)
        return found[-1]

    def _cost(self, size: str, count: int) -> Record:
        """Grow an empty pool to ``count`` huge pages, and shrink it again."""
        row = self._grow(size, 0, count)
        self._pool(size, 0)
        return row

    def _grow(self, size: str, have: int, count: int) -> Record:
        """Grow a pool of ``have`` huge pages by ``count``; what the free pages did not lose was saved."""
        tables, before = self._tables(), self._counters()
        got = self._pool(size, have + count) - have
        during, split = self._counters(), self._tables() - tables
        free = [when["nr_free_pages"] + when["per_cpu_pages"] for when in (before, during)]
        memmap = [sum(value for name, value in when.items() if "nr_memmap" in name) for when in (before, during)]
        return {
            "huge_pages": got,
            "saved_pages": _bytes(size) // self.guest.page * got - (free[0] - free[1]),
            "tables_split": split,
            "anon_pages_grew_by": during["nr_anon_pages"] - before["nr_anon_pages"],
            "memmap_counter_fell_by": memmap[0] - memmap[1] if memmap[0] else None,
            "mem_total_grew_by_kB": during["mem_total_kB"] - before["mem_total_kB"],
        }

    # --- page tables -----------------------------------------------------------------------------------------------

    @property
    def _memory(self) -> Memory:
        if self.guest.memory is None:
            raise LabError(f"the lab does not read page tables of {self.guest.architecture.name}.")
        return self.guest.memory

    @property
    def _vmemmap_pages(self) -> list[range]:
        """Vmemmap pages of each stretch of RAM, counted from the struct page of PFN 0."""
        each = self.guest.struct_page
        return [range(one.start * each // PAGE, -(-one.stop * each // PAGE)) for one in self._memory.frames]

    def _leaf(self, root: int, address: int) -> Leaf | None:
        return self._memory.walk(root, address, self.guest.levels)

    def _tables(self) -> int:
        """How many 2 MiB stretches of the vmemmap are mapped by 4 KiB entries; none are looked at in a short run."""
        if self.guest.memory is None:
            return 0
        root, start = self.guest.stop(), self.guest.vmemmap
        leaves = [
            self._leaf(root, at)
            for pages in self._vmemmap_pages
            for at in range(start + pages.start * PAGE, start + pages.stop * PAGE, 2 << 20)
        ]
        self.guest.go_on()
        return sum(leaf is not None and leaf.size == PAGE for leaf in leaves)

    def _all_rows(self) -> dict[int, Leaf]:
        root, found = self.guest.stop(), {}
        for page in itertools.chain(*self._vmemmap_pages):
            leaf = self._leaf(root, self.guest.vmemmap + page * PAGE)
            if leaf:
                found[page] = leaf
        self.guest.go_on()
        return found

    def _look(self, pfn: int, size: str) -> Record:
        """The vmemmap pages of one huge page and some of its struct pages."""
        guest, frames = self.guest, _bytes(size) // PAGE
        start, count = guest.vmemmap + pfn * guest.struct_page, frames * guest.struct_page // PAGE
        root = guest.stop()
        rows = [leaf for page in range(count) if (leaf := self._leaf(root, start + page * PAGE))]
        agrees = all(
            guest.monitor(f"gva2gpa {start + n * PAGE:#x}").strip() == f"gpa: {row.frame << 12:#x}"
            for n, row in enumerate(rows[:8])
        )
        words = {
            str(number): [hex(word) for word in self._words(root, pfn + number)] for number in (*SHOWN, frames - 1)
        }
        guest.go_on()
        return {**summary(rows), "monitor_agrees": agrees, "words": words}

    def _words(self, root: int, pfn: int) -> tuple[int, ...]:
        """The words of one struct page."""
        address = self.guest.vmemmap + pfn * self.guest.struct_page
        leaf = self._leaf(root, address)
        if leaf is None:
            raise LabError(f"the guest has no struct page for PFN {pfn:#x}; run it again.")
        return _words(self._memory.read((leaf.frame << 12) + address % PAGE, self.guest.struct_page))

    def _mapping(self, size: str, count: int, at_boot: dict[int, Leaf]) -> Record:
        tables = self._tables()
        heads = self._heads(size) if self._pool(size, count) else []
        split = self._tables() - tables
        if not heads:
            self._pool(size, 0)
            return {"missing": "the kernel found no room for such a page, or did not say where it is"}
        seen = {pfn: self._look(pfn, size) for pfn in heads}
        (flags,) = self._flags(heads[:1])
        self._pool(size, 0)
        first = heads[0] * self.guest.struct_page // PAGE
        pages = range(first, first + _bytes(size) // PAGE * self.guest.struct_page // PAGE)
        return {
            "pfn": heads[0],
            "tables_split": split,
            "boot": summary([at_boot[page] for page in pages]),
            "live": seen[heads[0]],
            "dissolved": self._look(heads[0], size),
            "neighbours": [[row[1] for row in seen[pfn]["rows"]] for pfn in heads[1:]],
            "shown_as_heads": [n for n, word in enumerate(flags) if word >> KPF_COMPOUND_HEAD & 1],
        }


def _agree(found: list[Record]) -> bool:
    """Whether the last two counts, if there are two, tell the same sum."""
    told = [sum(row[name] for name in _TOTAL) for row in found[-2:]]
    return len(told) == 2 and abs(told[0] - told[1]) <= 1


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


def _words(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // 8}Q", data)


def _is_huge_head(flags: int) -> bool:
    """Some kernels show fake heads as heads; only a frame aligned to the size is asked here, and can be a real one."""
    return bool(flags >> KPF_HUGE & 1 and flags >> KPF_COMPOUND_HEAD & 1)


_UNITS = ((30, "GiB"), (20, "MiB"), (10, "KiB"))


def _size(count: int) -> str:
    shift, unit = next((shift, unit) for shift, unit in _UNITS if not count & (1 << shift) - 1)
    return f"{count >> shift} {unit}"


def _bytes(size: str) -> int:
    number, unit = size.split()
    return int(number) << next(shift for shift, name in _UNITS if name == unit)


def reserve(architecture: Architecture, image: Path, initrd: Path, folder: Path, memory_mib: int, say: Say) -> Record:
    """Boot with huge pages on the command line and the optimisation on: how they are mapped."""
    say("booting again, with huge pages reserved on the command line")
    asked = "hugetlb_free_vmemmap=on hugepagesz=1G hugepages=1 hugepagesz=2M hugepages=64"
    with boot(architecture, image, initrd, folder, memory_mib, asked) as guest:
        return Experiment(guest, say).reserved()
