"""A fleet as it is: an inventory of hosts, or reports of many, to a table for each group and for all.

Each kind of host is concluded once, by the code that reads any text; the rest is adding up.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from ...arithmetic.fleet import MOST_HOSTS
from ...errors import BadInput, quoted
from ...facts import hosts as facts
from ...facts.layout import STRUCT_PAGE
from ...units import KiB, about, format_size, parse_size
from .conclude import Host, conclude
from .forms import LARGEST, Seen
from .hosts import Boot

MOST_BYTES = 512 << 20
EXAMPLE = "hosts,ram,kernel,architecture,1G,2M\n300,256 GiB,6.8.0-45-generic,x86_64,100,1024"
_NAMES = {
    "hosts": ("hosts", "count", "number", "n"), "ram": ("ram", "memory", "mem", "memtotal"),
    "kernel": ("kernel", "release", "version", "uname"), "architecture": ("architecture", "arch", "machine", "cpu"),
    "group": ("group", "cluster", "site", "pool", "role"), "optimisation": ("optimisation", "hvo", "optimization"),
    "pools": ("pools", "hugepages", "huge pages"), "base_page": ("base page", "base_page", "page size", "pagesize"),
}  # fmt: skip


@dataclass
class Group:
    """Hosts of one kind added up, in bytes. ``words`` say why nothing is saved, where nothing can be.

    ``either``: saved already or still to save, on hosts of which it is not told (``unknown`` of them).
    """

    name: str
    hosts: int = 0
    ram: int = 0
    memmap: int = 0
    huge: int = 0
    saved: int = 0
    to_save: int = 0
    either: int = 0
    unknown: int = 0
    words: Counter[str] = field(default_factory=Counter)

    def add(self, host: Host, number: int, ram: int, huge: int, savings: tuple[int | None, int | None]) -> None:
        """Take so many equal hosts in: bytes of RAM, of huge pages, saved and to save of each."""
        base, size = host.base_page or 4 * KiB, host.struct_page or STRUCT_PAGE
        saved, to_save = savings
        self.hosts += number
        self.ram += number * ram
        self.memmap += number * (ram // base * size)
        self.huge += number * huge
        if saved is None:
            self.unknown += number
            self.either += number * (to_save or 0)
        else:
            self.saved += number * saved
            self.to_save += number * (to_save or 0)
        self.words[_word(host)] += number

    def told(self) -> str:
        """What is saved, in words."""
        word = self.words.most_common(1)[0][0] if self.words else ""
        if len(self.words) == 1 and word.startswith("0 saved"):
            return word
        parts = [f"{about(self.saved)} saved"] if self.saved or self.to_save or not self.unknown else []
        if self.to_save:
            parts.append(f"{about(self.to_save)} to save")
        parts += [f"{word} on {n:,}" for word, n in self.words.items() if word.startswith("0 saved")]
        if self.unknown:
            either = f": {about(self.either)} saved or to save" if self.either else ""
            parts.append(f"not told for {self.unknown:,}{either}")
        return "; ".join(parts)


@dataclass(frozen=True)
class Inventory:
    """A fleet by groups, and in all."""

    groups: tuple[Group, ...]

    @property
    def all(self) -> Group:
        """Everything added up."""
        total = Group("all")
        for group in self.groups:
            for name in ("hosts", "ram", "memmap", "huge", "saved", "to_save", "either", "unknown"):
                setattr(total, name, getattr(total, name) + getattr(group, name))
            total.words += group.words
        return total

    def csv(self) -> str:
        """The table for programs, in bytes."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["group", "hosts", "ram", "struct_pages", "huge_pages", "saved", "to_save",
                         "saved_or_to_save", "not_told", "says"])  # fmt: skip
        for one in (*self.groups, self.all):
            writer.writerow(
                [
                    one.name,
                    one.hosts,
                    one.ram,
                    one.memmap,
                    one.huge,
                    one.saved,
                    one.to_save,
                    one.either,
                    one.unknown,
                    one.told(),
                ]
            )
        return stream.getvalue()

    def __str__(self) -> str:
        row = "{:28} {:>10} {:>10} {:>13} {:>11}  {}"
        lines = [row.format("group", "hosts", "RAM", "struct pages", "huge pages", "the optimisation, gross")]
        lines += [
            row.format(one.name[:28], f"{one.hosts:,}", about(one.ram), about(one.memmap), about(one.huge), one.told())
            for one in (*self.groups, self.all)
        ]
        return "\n".join(lines)

    __repr__ = __str__


def inventory(text: str) -> Inventory:
    """A fleet from CSV text. Raises `BadInput`, with the line, for what cannot be read."""
    if len(text) > MOST_BYTES:
        raise BadInput(
            f"an inventory has at most {format_size(MOST_BYTES)}; add hosts that are alike up, in a column hosts."
        )
    if text.startswith("\ufeff"):
        text = text[1:]
    try:
        dialect: type[csv.Dialect] | str = csv.Sniffer().sniff(text[:4096].split("\n", 1)[0] + "\n", ",;\t")
    except csv.Error:
        dialect = "excel"
    rows = csv.reader(io.StringIO(text), dialect)
    try:
        columns = _columns(next(rows, []))
        alike = Counter(map(tuple, rows))
    except csv.Error as why:
        raise BadInput(f"this is no CSV ({why}); write for example {EXAMPLE!r}.") from None
    groups: dict[str, Group] = {}
    kinds: dict[tuple[object, ...], Host] = {}
    total = 0
    for cells, times in alike.items():
        if not any(cell.strip() for cell in cells):
            continue
        name, number, ram, pools, host = _row(cells, columns, kinds)
        total += number * times
        if total > MOST_HOSTS:
            raise BadInput(f"a fleet has at most {MOST_HOSTS:,} hosts; give fewer, and count in proportion.")
        groups.setdefault(name, Group(name)).add(host, number * times, ram, _huge(pools), _savings(host, pools))
    if not groups:
        raise BadInput(f"this inventory has no hosts; write for example {EXAMPLE!r}.")
    return Inventory(tuple(groups[name] for name in sorted(groups)))


def of_reports(hosts: Iterable[Host]) -> Inventory:
    """A fleet from what reports say, a host each."""
    groups: dict[str, Group] = {}
    for host in hosts:
        name = _kind(host)
        groups.setdefault(name, Group(name)).add(
            host, 1, host.memory or 0, sum(pool.size * pool.count for pool in host.pools), (host.saved, host.to_save)
        )
    return Inventory(tuple(groups[name] for name in sorted(groups)))


def _huge(pools: dict[int, int]) -> int:
    return sum(size * count for size, count in pools.items())


def _savings(kind: Host, pools: dict[int, int]) -> tuple[int | None, int | None]:
    """Bytes saved and to save, by what a kind of host gives back for a page of each size."""
    gross = sum(count * kind.each.get(size, 0) for size, count in pools.items())
    if not _huge(pools):
        return 0, 0
    return {"on": (gross, 0), "off": (0, gross), "unknown": (None, gross if kind.can else None)}.get(
        kind.optimisation, (0, 0)
    )


def _word(host: Host) -> str:
    if host.optimisation == "not on this architecture":
        return "0 saved: off in this Linux"
    if host.optimisation == "not in this kernel":
        return "0 saved: not in this Linux"
    return host.optimisation


def _kind(host: Host) -> str:
    series = re.match(r"\d+\.\d+", host.release or "")
    return f"{host.architecture or 'architecture not told'}, {series[0] if series else 'release not told'}"


def _columns(header: list[str]) -> dict[int, str | int]:
    """Column -> what it is, or the size of the pool it counts."""
    found: dict[int, str | int] = {}
    for number, cell in enumerate(header):
        name = re.sub(r"[_\s]+", " ", cell.strip().lower())
        known = next((what for what, names in _NAMES.items() if name in names or name.replace(" ", "_") in names), None)
        size = re.search(r"(\d+)\s*([kmg])i?b?\b", name)
        if known:
            found[number] = known
        elif size:
            pages = parse_size(f"{size[1]}{size[2]}", "a column of huge pages")
            if pages in found.values():
                raise BadInput(
                    f"an inventory has one column for each size, and {quoted(','.join(header))} has two of "
                    f"{format_size(pages)}; leave the one that counts all, as in {EXAMPLE!r}."
                )
            found[number] = pages
    if "ram" not in found.values():
        raise BadInput(
            f"an inventory begins with a line that names its columns, ram among them, and {quoted(','.join(header))} "
            f"does not; write for example {EXAMPLE!r}."
        )
    return found


def _row(
    cells: tuple[str, ...], columns: dict[int, str | int], kinds: dict[tuple[object, ...], Host]
) -> tuple[str, int, int, dict[int, int], Host]:
    told: dict[str, str] = {}
    pools = Counter[int]()
    try:
        for at, what in columns.items():
            cell = cells[at].strip() if at < len(cells) else ""
            if isinstance(what, int):
                pools[what] += _whole(cell or "0")
            elif what == "pools":
                for part in re.split(r"[;+ ]+", cell):
                    size, _, count = part.replace("x", ":").partition(":")
                    if part:
                        pools[parse_size(size)] += _whole(count)
            else:
                told[what] = cell
        number = _whole(told.get("hosts") or "1")
        ram = _ram(told["ram"])
        if ram > LARGEST or _huge(pools) > ram:
            raise BadInput("the huge pages are more than the RAM, or the RAM is more than any host has")
    except (BadInput, KeyError) as why:
        raise BadInput(
            f"the line {quoted(','.join(cells))} cannot be read ({why}); write for example {EXAMPLE!r}."
        ) from None
    release, on = told.get("kernel", ""), told.get("optimisation", "").lower()
    architecture = facts.ARCHITECTURE_NAMES.get(told.get("architecture", ""), told.get("architecture", ""))
    base = told.get("base_page", "")
    key = (release, architecture, on, base, tuple(sorted(pools)))
    if key not in kinds:
        kinds[key] = conclude(_boot(release, architecture, on, base, pools))
    return told.get("group") or _kind(kinds[key]), number, ram, pools, kinds[key]


def _boot(release: str, architecture: str, on: str, base: str, pools: dict[int, int]) -> Boot:
    boot = Boot("")
    if re.match(r"\d{1,3}\.\d{1,3}", release):
        boot.add(Seen("release", release))
    if architecture:
        boot.add(Seen("architecture", architecture))
    if base:
        boot.add(Seen("base page", parse_size(base, "base page")))
    for size, count in pools.items():
        boot.add(Seen("pool", count, size))
    if on in facts.TRUE_WORDS or on in facts.FALSE_WORDS:
        word = "on" if on in facts.TRUE_WORDS else "off"
        boot.add(Seen("words", f"hugetlb_free_vmemmap={word}"))
    return boot


@cache
def _ram(text: str) -> int:
    """RAM as inventories write it: their GB are GiB."""
    return parse_size(re.sub(r"([MGT])B$", r"\1iB", text), "ram")


@cache
def _whole(text: str) -> int:
    text = text.replace(",", "").replace(" ", "")
    if not re.fullmatch(r"\d{1,15}", text):
        raise BadInput(f"{quoted(text)} is no whole number")
    return int(text)
