"""Witness 3, real kernels, read only: the reader's own machine, and records of others.

Every answer is an observation with its origin, or the reason why there is none. With ``HVLIB_OBSERVE=recorded`` in
the environment, `here` answers from the record; the notebooks are executed and tested that way, so that their stored
outputs do not depend on the machine that made them.
"""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from .btf import struct_layout
from .errors import BadInput, choose
from .units import about, format_size

RECORDS = ("5.15.85", "6.18.44")
_FALLBACK = "6.18.44"
BTF = Path("/sys/kernel/btf/vmlinux")


@dataclass(frozen=True)
class Kernel:
    """What a kernel says of its struct pages; `origin` says which kernel, and ``missing`` why an answer is a record's.

    ``mem_total`` in bytes, ``struct_page`` its size in bytes, ``fields`` the members as (offset, name),
    ``memmap_pages`` the pages of struct pages it counted (nr_memmap_boot_pages + nr_memmap_pages, since 6.12).
    """

    origin: str
    mem_total: int
    struct_page: int
    fields: tuple[tuple[int, str], ...]
    memmap_pages: int
    missing: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        lines = [
            self.origin,
            f"  MemTotal               {format_size(self.mem_total)} ({about(self.mem_total)})",
            f"  sizeof(struct page)    {self.struct_page} bytes",
            f"  struct pages           {self.memmap_pages:,} pages of 4 KiB ({about(self.memmap_pages * 4096)})",
        ]
        names = {"mem_total": "MemTotal", "struct_page": "sizeof(struct page)", "memmap_pages": "struct pages"}
        lines += [f"  ({names[name]}: recorded, because {why})" for name, why in self.missing.items()]
        return "\n".join(lines)

    def layout(self) -> str:
        """The struct page, word by word: byte offset and the names that share it."""
        rows: dict[int, list[str]] = {}
        for offset, name in self.fields:
            rows.setdefault(offset, []).append(name)
        head = f"{self.origin}: struct page, {self.struct_page} bytes"
        return "\n".join(
            [head, *(f"  {offset:2}  {', '.join(dict.fromkeys(names))}" for offset, names in sorted(rows.items()))]
        )


def here() -> Kernel:
    """This machine's own kernel, asked without root; what it does not tell comes from a record, with the reason."""
    record = _recorded_kernel()
    if os.environ.get("HVLIB_OBSERVE") == "recorded":
        return record
    missing: dict[str, str] = {}

    def ask(name: str, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except (OSError, BadInput) as why:
            missing[name] = _reason(why)
            return getattr(record, name)

    total = ask("mem_total", lambda: _number("/proc/meminfo", "MemTotal") * 1024)
    layout = ask("struct_page", lambda: struct_layout(BTF.read_bytes(), "page"))
    pages = ask(
        "memmap_pages",
        lambda: _number("/proc/vmstat", "nr_memmap_boot_pages") + _number("/proc/vmstat", "nr_memmap_pages"),
    )
    known = "struct_page" not in missing
    return Kernel(
        f"this machine: {platform.system()} {platform.release()} {platform.machine()}",
        total, layout.size if known else layout, layout.members if known else record.fields, pages, missing,
    )  # fmt: skip


@cache
def recorded(release: str) -> dict[str, Any]:
    """A record kept with this book, as read from its JSON file. Raises `BadInput` for a release it does not have."""
    if not isinstance(release, str) or release not in RECORDS:
        raise choose("record", release, RECORDS)
    return dict(json.loads((resources.files(__package__) / "data" / f"linux-{release}.json").read_text("utf-8")))


@dataclass(frozen=True)
class RecordedMapping:
    """Eight vmemmap pages of one 2 MiB page as a real kernel's page table had them: frame numbers and writability."""

    origin: str
    frames: tuple[int, ...]
    writable: tuple[bool, ...]


def mapping(release: str) -> RecordedMapping:
    """The recorded page-table entries of an optimised 2 MiB page. Raises `BadInput` if there is no such record."""
    record = recorded(release)
    if "2 MiB" not in record:
        raise choose("record of a mapping", release, [name for name in RECORDS if "2 MiB" in recorded(name)])
    rows = record["2 MiB"]["live"]
    return RecordedMapping(record["origin"], tuple(row[1] for row in rows), tuple(row[2] for row in rows))


@dataclass(frozen=True)
class Saving:
    """What a kernel's own counters said when huge pages were allocated with the optimisation on, in pages."""

    case: str
    huge_pages: int
    saved_pages: int
    tables_split: int
    anon_pages_grew_by: int

    @property
    def total(self) -> int:
        """Saved pages, plus what the split and the measuring program itself took meanwhile."""
        return self.saved_pages + self.tables_split + self.anon_pages_grew_by


def savings(release: str) -> tuple[Saving, ...]:
    """The recorded counters. Raises `BadInput` if there is no such record."""
    counters = recorded(release).get("counters")
    if counters is None:
        raise choose("record of counters", release, [name for name in RECORDS if "counters" in recorded(name)])
    return tuple(Saving(case, **row) for case, rows in counters.items() for row in rows)


def _recorded_kernel() -> Kernel:
    record = recorded(_FALLBACK)
    return Kernel(
        record["origin"], record["mem_total"], record["struct_page"], tuple((o, n) for o, n in record["fields"]),
        record["memmap_pages"],
    )  # fmt: skip


def _number(file: str, name: str) -> int:
    found = re.search(rf"^{name}:?\s+(\d+)", Path(file).read_text(), re.MULTILINE)
    if not found:
        raise BadInput(f"{file} of this kernel has no {name}")
    return int(found.group(1))


def _reason(why: Exception) -> str:
    if isinstance(why, PermissionError):
        return f"{why.filename} may not be read here"
    if isinstance(why, OSError):
        return f"{why.filename} does not exist here"
    return str(why)
