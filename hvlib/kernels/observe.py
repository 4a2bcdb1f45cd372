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
from typing import TYPE_CHECKING, Any

from ..errors import BadInput, instance_of, name_of, quoted
from ..facts.layout import BASE_PAGE, PAGING, STRUCT_PAGE, check_base_page, check_struct_page
from ..facts.platforms import PLATFORMS
from ..units import MiB, about, format_size, index_of, parse_size, size_among
from .btf import struct_layout

if TYPE_CHECKING:
    from .host.words import Answer

_MACHINE = "machine-6.18.44.json"
BTF = Path("/sys/kernel/btf/vmlinux")
LARGEST_FILE = 4 * MiB
"""Bytes of a file that is still read as a record; those of the book have 60,000 at most."""


@dataclass(frozen=True)
class Kernel:
    """What a kernel says of its struct pages; `origin` says which kernel, and ``missing`` why an answer is a record's.

    ``mem_total`` in bytes, ``struct_page`` its size in bytes, ``fields`` the members as (offset, name),
    ``memmap_pages`` the pages of struct pages it counted (nr_memmap_boot_pages + nr_memmap_pages, since 6.11).
    """

    origin: str
    mem_total: int
    struct_page: int
    fields: tuple[tuple[int, str], ...]
    memmap_pages: int
    missing: Mapping[str, str] = field(default_factory=dict)
    base_page: int = BASE_PAGE

    def __repr__(self) -> str:
        lines = [
            self.origin,
            f"  MemTotal               {format_size(self.mem_total)} ({about(self.mem_total)})",
            f"  sizeof(struct page)    {self.struct_page} bytes",
            f"  struct pages           {self.memmap_pages:,} pages of {format_size(self.base_page)} "
            f"({about(self.memmap_pages * self.base_page)})",
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
    if _asks_the_record():
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
        record.base_page if "memmap_pages" in missing else os.sysconf("SC_PAGE_SIZE"),
    )  # fmt: skip


def host(text: str | bytes | None = None) -> Answer:
    """What a pile of text says of the host it is from: RAM, huge pages, what struct pages cost, what is saved.

    Any mix in any order: boot log, /proc/meminfo, /proc/vmstat, ``sysctl -a``, ``uname -a``, sysfs, ``free``; bytes
    may be an archive of a support report. Two hosts or boots get an answer each. Without a text: this machine.
    Raises `BadInput` if nothing is understood, or for more than 256 MiB.
    """
    from .host import ask  # when it is asked: panels of records need none of it

    if text is not None:
        return ask.host(text)
    return recorded_host() if _asks_the_record() else ask.this_machine()


def recorded_host() -> Answer:
    """What `host` says of the recorded machine, by the same code from the same forms of text."""
    record = _machine_record()
    sizes = [(parse_size(size) // 1024, count) for size, count in record["huge_pages"].items()]
    lines = [
        f"uname -r {record['origin'].split()[2]}",
        "uname -m",
        record["origin"].split()[3].rstrip(","),
        f"MemTotal: {record['mem_total'] // 1024} kB",
        f"nr_memmap_boot_pages {record['memmap_pages']}",
        "nr_memmap_pages 0",
        f"SIZE(page)={record['struct_page']}",
        f"vm.hugetlb_optimize_vmemmap = {int(record['switch'] == 'on')}",
        *(f"hugepages-{size}kB/nr_hugepages {count}" for size, count in sizes),
    ]
    from .host import ask

    return ask.host("\n".join(lines))


def boot_log(text: str, base_page: int = BASE_PAGE) -> dict[int, int]:
    """What a pasted boot log (dmesg) says can be freed: huge page in bytes -> base pages. Empty if it says nothing.

    5.14 to 5.19 count vmemmap pages, 6.0 and later KiB; sizes have three digits: "2.00 MiB", "32.0 MiB", "512 MiB".
    From 5.19 on the line is printed whether the optimisation is on or off, and with 0 KiB where Linux cannot do it.
    Raises `BadInput` for what is no text, or no base page.
    """
    from .host import ask

    return ask.boot_log(text, check_base_page(base_page))


# --- records of real kernels -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One vmemmap page: the frame its entry leads to, whether it may be written, the entry itself, bytes it maps."""

    page: int
    frame: int
    writable: bool
    entry: int
    size: int


@dataclass(frozen=True)
class Entries:
    """Page-table entries of the vmemmap pages of one huge page, as a real kernel had them.

    ``rows``: all eight of a 2 MiB page, eleven of a 1 GiB page. ``words`` are the 8-byte words of some of its struct
    pages, by number; empty if they were not read. ``monitor_agrees``: QEMU's own walk of the page table found the
    same frames, for the first eight.
    """

    nr_pages: int
    distinct_frames: int
    writable_pages: str
    rows: tuple[Row, ...]
    words: Mapping[int, tuple[int, ...]]
    monitor_agrees: bool

    @property
    def pages(self) -> tuple[int, ...]:
        """Numbers of the recorded vmemmap pages."""
        return tuple(row.page for row in self.rows)

    @property
    def frames(self) -> tuple[int, ...]:
        """Frame behind each recorded vmemmap page."""
        return tuple(row.frame for row in self.rows)

    @property
    def writable(self) -> tuple[bool, ...]:
        """Whether each recorded vmemmap page may be written."""
        return tuple(row.writable for row in self.rows)


@dataclass(frozen=True)
class Saving:
    """What a kernel's own counters said when huge pages were allocated, in pages of 4 KiB."""

    case: str
    huge_pages: int
    saved_pages: int
    tables_split: int
    anon_pages_grew_by: int
    memmap_counter_fell_by: int | None
    mem_total_grew_by_kB: int  # noqa: N815  (the kernel's own unit and spelling)

    @property
    def total(self) -> int:
        """Saved pages, plus what the split and the measuring programs themselves took meanwhile."""
        return self.saved_pages + self.tables_split + self.anon_pages_grew_by


@dataclass(frozen=True)
class LeftHuge:
    """What one kernel still called huge when its pool of 2 MiB pages had been filled and emptied.

    ``hvo``: "on" or "off"; ``frames`` with KPF_HUGE in /proc/kpageflags; ``in_each`` their places in a huge page.
    ``again``: then one page of 1 GiB was asked for and given back, several times; how many there were each time.
    """

    release: str
    hvo: str
    huge_pages: int
    frames: int
    in_each: tuple[int, ...]
    again: tuple[int, ...]

    def __str__(self) -> str:
        return (
            f"{self.release:28} HVO {self.hvo:3}: {self.huge_pages} huge pages taken and given back, "
            f"{self.frames} frames still called huge"
        )


class Record:
    """What one real kernel answered, as `kernel_lab` wrote it down.

    ``architecture`` as in `hvlib.facts.platforms`; ``base_page`` and ``struct_page`` in bytes; ``vmemmap`` the address
    of the struct page of PFN 0; ``version`` the release in numbers, (6, 12, 117); ``short``: what the kernel says of
    itself and its counters, and no page tables. ``option`` is CONFIG_HUGETLB_PAGE_OPTIMIZE_VMEMMAP, "y" or "n", and
    ``can_switch`` whether the sysctl is there; both `None` where they were not recorded.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        instance_of(data, Mapping, "a record", "choose one that the kernel lab wrote")  # type: ignore[type-abstract]
        try:
            self.origin, self.release = _plain(data["origin"]), _plain(data["release"])
            told = str(data.get("provenance", {}).get("version", self.release))
            self.series, self.version = _series(told), tuple(map(int, re.findall(r"\d{1,5}", told)[:3]))
            self.boot_log = tuple(map(str, data["boot_log"]))
            self.states = tuple(state for state in ("off", "on") if isinstance(data.get(state), dict))
            self.quick = bool(data.get("quick", False))
            self.short = bool(data.get("short", False))
            if not self.states:
                raise KeyError("off")
            self.architecture = PLATFORMS[data.get("architecture", "x86-64")].name
            self.base_page = check_base_page(data.get("base_page", BASE_PAGE))
            self.struct_page = check_struct_page(data.get("struct_page", STRUCT_PAGE))
            self.vmemmap = _address(data["vmemmap"]) if "vmemmap" in data else _VMEMMAP[data.get("levels", 4)]
            self.huge_pages = tuple(map(_plain, data.get("huge_pages", ("2 MiB", "1 GiB"))))
            self.option = data.get("option")
            self.can_switch = data.get("can_switch")
        except (LookupError, TypeError, AttributeError, ValueError, BadInput) as why:
            raise BadInput(
                f"this is no record of the kernel lab ({quoted(str(why))} is missing or broken); choose one "
                "that it wrote, or make one with make observe."
            ) from None
        self._data = data

    def entries(self, size: str, when: str = "live", state: str = "on") -> Entries:
        """Entries of a huge page of ``size``: at ``"boot"``, ``"live"``, ``"dissolved"``, or ``"reserved"`` at boot.

        Raises `BadInput` for what the record does not hold.
        """
        when = name_of(when, "when", ("boot", "live", "dissolved", "reserved"))
        part = self._part(size, state, when)
        try:
            found = part["live" if when == "reserved" else when]
            words = {int(n): tuple(int(word, 16) for word in row) for n, row in found.get("words", {}).items()}
            rows = tuple(Row(*row) for row in found["rows"])
            if not rows or any(8 * len(row) != self.struct_page for row in words.values()):
                raise ValueError("rows or words are missing")
            return Entries(
                found["vmemmap_pages"], found["distinct_frames"], found["writable_pages"], rows, words,
                bool(found.get("monitor_agrees", False)),
            )  # fmt: skip
        except (LookupError, TypeError, ValueError, AttributeError):
            raise self._broken(size, when, state, quoted(part.get("missing", "it is not there, or broken"))) from None

    def pfn(self, size: str, when: str = "live", state: str = "on") -> int:
        """First PFN of the recorded huge page."""
        when = name_of(when, "when", ("boot", "live", "dissolved", "reserved"))
        pfn = index_of(self._part(size, state, when).get("pfn"))
        if pfn is None or not 0 <= pfn < 1 << 40:
            raise self._broken(size, when, state, "its PFN is missing or cannot be")
        return pfn

    def neighbours(self, size: str, state: str = "on") -> tuple[tuple[int, ...], ...]:
        """Frames behind the vmemmap pages of other huge pages that lived at the same time."""
        found = self._part(size, state).get("neighbours", [])
        if not isinstance(found, list) or not all(isinstance(frames, list) for frames in found):
            raise self._broken(size, "neighbours", state, "they are no lists")
        return tuple(map(tuple, found))

    def shown_as_heads(self, size: str, state: str = "on") -> tuple[int, ...] | None:
        """Which of the first 512 frames /proc/kpageflags called heads; `None` if it was not asked."""
        found = self._part(size, state).get("shown_as_heads")
        if found is not None and not isinstance(found, list):
            raise self._broken(size, "shown as heads", state, "it is no list")
        return None if found is None else tuple(found)

    def tables_split(self, size: str, state: str = "on") -> int:
        """Page tables that taking the huge pages split that were looked at; older records do not tell, and had one."""
        found = index_of(self._part(size, state).get("tables_split", 1))
        if found is None or not 0 <= found < 1 << 20:
            raise self._broken(size, "tables split", state, "it is no count")
        return found

    def left_huge(self, state: str = "on") -> tuple[int, int] | None:
        """Huge pages given back, and frames of theirs that the kernel then still called huge; `None` if not asked."""
        found = self._state(state).get("left_huge")
        if found is None:
            return None
        numbers = [index_of(found.get(name)) for name in ("huge_pages", "frames")] if isinstance(found, dict) else []
        if len(numbers) != 2 or not all(number is not None and 0 <= number < 1 << 40 for number in numbers):
            raise self._broken("2 MiB", "left huge", state, "it is no count")
        pages, frames = numbers
        assert pages is not None
        assert frames is not None
        return pages, frames

    def savings(self, state: str = "on") -> tuple[Saving, ...]:
        """The counters, case by case."""
        try:
            return tuple(Saving(**row) for row in self._state(state).get("counters", []))
        except TypeError:
            raise self._broken("counted", "counters", state, "a row is broken") from None

    def _state(self, state: str) -> Mapping[str, Any]:
        """What was recorded with the optimisation "off" or "on"; empty where the kernel does not have it."""
        state = name_of(state, "state", ("off", "on"))
        return self._data[state] if state in self.states else {}

    def _part(self, size: str, state: str, when: str = "live") -> Mapping[str, Any]:
        """What the record holds of a size. Raises `BadInput` if it holds none."""
        found = self._data.get("reserved") if when == "reserved" else self._state(state)
        sizes = found if isinstance(found, dict) else {}
        known = ("2 MiB", "1 GiB")
        size = name_of(size_among(size, known) or size, "size", known)
        part = sizes.get(size)
        if not isinstance(part, dict):
            raise self._broken(size, when, state, "it is not there, or broken")
        return part

    def _broken(self, size: str, when: str, state: str, why: str) -> BadInput:
        return BadInput(
            f"the record of {self.release} has no {size} page ({when}, optimisation {state}): {why}; "
            "choose another, or make it again with make observe, with more --memory if need be."
        )

    def __repr__(self) -> str:
        return self.origin


def records(architecture: str | None = "x86-64") -> tuple[str, ...]:
    """Names of the records that this book keeps of an architecture, oldest release first; of all with `None`.

    A name is a release, and for other architectures than x86-64 also the kernel's flavour: "6.12.117-riscv64".
    """
    if architecture is not None:
        architecture = PLATFORMS[architecture].name
    files = (resources.files(__package__) / "data").iterdir()
    found = [name for file in files if (name := re.fullmatch(r"linux-(\d+(?:\.\d+)+)(-[\w-]+)?\.json", file.name))]
    names = [name[1] + (name[2] or "") for name in found if architecture != "x86-64" or not name[2]]
    if architecture not in (None, "x86-64"):
        names = [name for name in names if "-" in name and _recorded(name).architecture == architecture]
    return tuple(sorted(names, key=lambda name: ([int(n) for n in name.split("-")[0].split(".")], name)))


def recorded(release: str) -> Record:
    """The record of a name (`records`). Raises `BadInput` for one that the book does not have."""
    return _recorded(name_of(release, "record", records(None)))


def left_huge(series: str = "6.12") -> tuple[LeftHuge, ...]:
    """What kernels of a series still called huge in an emptied pool: HVO off and on, release by release.

    Raises `BadInput` for a series of which that was not measured.
    """
    folder = resources.files(__package__) / "data"
    known = [found[1] for file in folder.iterdir() if (found := re.fullmatch(r"kpf-huge-(\d+\.\d+)\.json", file.name))]
    series = name_of(series, "series", sorted(known))
    rows = json.loads((folder / f"kpf-huge-{series}.json").read_text("utf-8"))["rows"]
    return tuple(
        LeftHuge(
            row["release"], row["hvo"], row["huge_pages"], row["frames"], tuple(row["in_each"]), tuple(row["again"])
        )
        for row in rows
    )


@cache
def _recorded(release: str) -> Record:
    return read_record(resources.files(__package__) / "data" / f"linux-{release}.json")


def read_record(file: Any) -> Record:
    """The record in a JSON file, given as a path or its name. Raises `BadInput` if it cannot be read as one."""
    try:
        if isinstance(file, (str, os.PathLike)):
            file = Path(file)
            if file.exists() and not file.is_file():
                raise ValueError("it is no file")
            if file.stat().st_size > LARGEST_FILE:
                raise ValueError(f"it has more than {format_size(LARGEST_FILE)}")
        return Record(json.loads(file.read_text("utf-8")))
    except BadInput as why:
        raise BadInput(f"{_called(file)}: {why}") from None
    except (OSError, ValueError, RecursionError, AttributeError, TypeError) as why:
        raise BadInput(
            f"{_called(file)} cannot be read as a record ({_reason_of(why)}); choose one that the kernel lab wrote, or "
            "make one with make observe."
        ) from None


def _reason_of(why: Exception) -> str:
    if isinstance(why, RecursionError):
        return "it nests too deeply"
    return quoted(why.strerror if isinstance(why, OSError) else str(why)).strip("'\"")


def _called(file: object) -> str:
    return quoted(str(file.name) if isinstance(file, Path) else file)


def _plain(text: object) -> str:
    """A text of one line. Raises `ValueError` for one that could move a terminal's cursor, or is endless."""
    if not isinstance(text, str) or not text.isprintable() or len(text) > 300:
        raise ValueError("a text that is none")
    return text


def mapping(release: str) -> Entries:
    """The recorded page-table entries of an optimised 2 MiB page. Raises `BadInput` if there is no such record."""
    return recorded(release).entries("2 MiB")


def savings(release: str) -> tuple[Saving, ...]:
    """The recorded counters with the optimisation on. Raises `BadInput` if there is no such record."""
    return recorded(release).savings()


_VMEMMAP = {paging.levels: paging.vmemmap for paging in PAGING.values()}
"""Where the vmemmap starts by levels of page tables: what older records, all of x86-64, do not say themselves."""


def _address(text: object) -> int:
    """An address in hexadecimal. Raises `ValueError` for anything else."""
    value = int(_plain(text), 16)
    if not 0 <= value < 1 << 64:
        raise ValueError("an address that cannot be")
    return value


def _series(version: str) -> tuple[int, int]:
    found = re.match(r"(\d{1,3})\.(\d{1,3})(?!\d)", version)
    if not found:
        raise LookupError(f"version {version!r}")
    return int(found[1]), int(found[2])


def _asks_the_record() -> bool:
    return os.environ.get("HVLIB_OBSERVE") == "recorded"


@cache
def _machine_record() -> dict[str, Any]:
    return dict(json.loads((resources.files(__package__) / "data" / _MACHINE).read_text("utf-8")))


def _recorded_kernel() -> Kernel:
    record = _machine_record()
    return Kernel(
        record["origin"], record["mem_total"], record["struct_page"], tuple((o, n) for o, n in record["fields"]),
        record["memmap_pages"],
    )  # fmt: skip


def _number(file: str, name: str) -> int:
    found = re.search(rf"^{name}:?\s+(\d+)", Path(file).read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise BadInput(f"{file} of this kernel has no {name}")
    return int(found.group(1))


def _reason(why: Exception) -> str:
    if isinstance(why, PermissionError):
        return f"{why.filename} may not be read here"
    if isinstance(why, OSError):
        return f"{why.filename} does not exist here"
    return str(why)
