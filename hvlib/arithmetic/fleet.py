"""Many hosts at once, by arithmetic: what a fleet saves, as a range where its size is known as a range.

Closed formulas on whole arrays, no state. One host is `HugePage.bill`; a test compares host by host.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput, quoted
from ..facts.layout import PAGING, PTE, STRUCT_PAGE
from ..facts.schemes import Scheme, scheme_of
from ..units import about, format_size, parse_size, whole_number
from .geometry import architecture_of

MOST_HOSTS = 10_000_000
LARGEST_HOST = PAGING["5-level"].size // STRUCT_PAGE * 4096
"""RAM that the vmemmap of 5-level paging can describe; no host is larger."""

Unit = Literal["bytes", "share", "count"]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Range:
    """From ``low`` to ``high``, both included, in bytes, as a share of RAM, or as a number of things."""

    low: int | Fraction
    high: int | Fraction
    unit: Unit = "bytes"

    def __contains__(self, value: float | Fraction) -> bool:
        return bool(self.low <= value <= self.high)

    def __str__(self) -> str:
        low, high = (_text(value, self.unit) for value in (self.low, self.high))
        return low if low == high else f"{low} to {high}"

    __repr__ = __str__


@dataclass(frozen=True, eq=False)
class Sample:
    """Hosts drawn from the ranges of a fleet: one number a host in each array, ``saved`` in bytes."""

    memory: NDArray[np.int64]
    huge_pages: NDArray[np.int64]
    saved: NDArray[np.int64]
    base_page: int

    @property
    def total(self) -> int:
        """Bytes that all these hosts save."""
        return int((self.saved // self.base_page).sum()) * self.base_page

    @property
    def share_of_ram(self) -> Fraction:
        """What they save, as a share of all their RAM."""
        ram = int((self.memory // self.base_page).sum()) * self.base_page
        return Fraction(self.total, ram)

    def percentile(self, percent: int) -> int:
        """Bytes that this many percent of the hosts do not exceed. Raises `BadInput` for what is no percentage."""
        percent = whole_number(percent, "a percentile", 0, 100)
        return int(np.percentile(self.saved, percent, method="lower"))

    def __repr__(self) -> str:
        p5, p50, p95 = (about(self.percentile(percent)) for percent in (5, 50, 95))
        return (
            f"{len(self.saved):,} hosts drawn: {about(self.total)} saved, {_text(self.share_of_ram, 'share')} of "
            f"their RAM; per host 5 % save at most {p5}, half at most {p50}, 95 % at most {p95}"
        )


class Fleet:
    """``hosts`` hosts with ``memory`` of RAM each and huge pages in it, under one scheme.

    The huge pages are a ``share`` of the RAM in pages of one ``size``, or pools by size and number:
    ``{"1 GiB": 2, "2 MiB": 1024}``. Memory, share and numbers are a value or a range: ``"256 GiB"`` or
    ``("256 GiB", "1 TiB")``, 0.5 or ``(0.4, 0.6)``, 40 or ``(40, 60)``. Only whole huge pages count. sizeof(struct
    page) is 64. Every host lies inside the ranges, and so do all of them. Kinds of host are added up by `Fleet.of`.

    What is saved is net of page tables, each paid for once and by this fleet. Their number depends on where the huge
    pages lie. The high end of a range takes neighbours that begin where a PMD leaf of the vmemmap does
    (`HugePage.bill`): no placement needs fewer tables. The low end takes the worst placement: one table for each huge
    page (8 for 1 GiB on x86-64, as always), but no more than the vmemmap of the largest host has leaves, if its RAM
    fills whole leaves (128 MiB on x86-64). Not in here: the shared tail page of 7.1 is counted once a host, not once
    a zone, and the kernel may leave huge pages unoptimised. For an architecture on which Linux has the optimisation
    off, this is what its sizes would allow (`Architecture.hvo`), and ``off`` is true.

    Raises `BadInput` for what cannot be. Of a share, huge pages that do not fit into the memory are none, and save
    nothing.
    """

    def __init__(
        self, hosts: int, memory: str | int | tuple[str | int, str | int],
        share: float | tuple[float, float] | Mapping[str | int, int | tuple[int, int]],
        size: str | int = "2 MiB", scheme: str | Scheme = "head page", architecture: str = "x86-64",
    ) -> None:  # fmt: skip
        self.hosts = whole_number(hosts, "the number of hosts", 1, MOST_HOSTS)
        arch = architecture_of(architecture)
        self.scheme, self.architecture, self.off = scheme_of(scheme), arch.name, arch.off
        counts = _counts(share) if isinstance(share, Mapping) else {}
        pages = [arch.huge_page(one) for one in counts] or [arch.huge_page(size)]
        self.page = max(pages, key=lambda page: page.size)
        low, high = (self._memory(value) for value in _ends(memory, "memory", "('256 GiB', '1 TiB')"))
        self.memory = _upright(Range(low, high), "memory", "('256 GiB', '1 TiB')")
        if isinstance(share, Mapping):
            self.pools = tuple(zip(pages, counts.values(), strict=True))
            least, most = (
                Fraction(sum(page.size * int(getattr(count, end)) for page, count in self.pools), ram)
                for end, ram in (("low", high), ("high", low))
            )
            if most > 1:
                huge = sum(page.size * int(count.high) for page, count in self.pools)
                raise BadInput(
                    f"the huge pages take {format_size(huge)}, which do not fit into {format_size(low)} of memory; "
                    "hv.plan says how many do."
                )
            self.share = Range(least, most, "share")
        else:
            least, most = (_part(value) for value in _ends(share, "share", "(0.4, 0.6)"))
            self.share = _upright(Range(least, most, "share"), "share", "(0.4, 0.6)")
            fewest, greatest = math.floor(least * low / self.page.size), math.floor(most * high / self.page.size)
            self.pools = ((self.page, Range(fewest, greatest, "count")),)
        self._counted = isinstance(share, Mapping)
        self.huge_pages = Range(self._number("low"), self._number("high"), "count")

    @staticmethod
    def of(kinds: Iterable[Fleet | Mapping[str, Any]]) -> Fleets:
        """Several kinds of host added up: fleets, or what `Fleet` takes by name (one host, if it does not say hosts).

        ``hv.Fleet.of([{"memory": "8 GiB", "share": {"1 GiB": 2}}, hv.Fleet(3, "1 TiB", 0.5)])``. Raises `BadInput`
        for what is no kind of host.
        """
        example = "write for example hv.Fleet.of([{'memory': '8 GiB', 'share': {'1 GiB': 2}}])"
        if isinstance(kinds, (str, bytes, Mapping)) or not isinstance(kinds, Iterable):
            raise BadInput(f"a fleet is made of a list of hosts, and {quoted(kinds)} is none; {example}.")
        parts: list[Fleet] = []
        for kind in kinds:
            if not isinstance(kind, Fleet):
                try:
                    kind = Fleet(**{"hosts": 1, **kind})
                except TypeError:
                    raise BadInput(
                        f"{quoted(kind)} is no kind of host, which has memory and share, and may have hosts, size, "
                        f"scheme and architecture; {example}."
                    ) from None
            parts.append(kind)
            if sum(part.hosts for part in parts) > MOST_HOSTS:
                raise BadInput(f"a fleet has at most {MOST_HOSTS:,} hosts; give fewer, and count in proportion.")
        if not parts:
            raise BadInput(f"a fleet has at least one host; {example}.")
        return Fleets(tuple(parts))

    def _number(self, end: str) -> int:
        return sum(int(getattr(count, end)) for _, count in self.pools)

    def _memory(self, value: object) -> int:
        size = parse_size(value, "memory")  # type: ignore[arg-type]
        if not self.page.base_page <= size <= LARGEST_HOST:
            raise BadInput(
                f"memory of a host must be from {format_size(self.page.base_page)} to {format_size(LARGEST_HOST)}, and "
                f"{format_size(size)} is not; write for example '256 GiB'."
            )
        return size

    # --- what it saves -------------------------------------------------------------------------------------------

    @property
    def saved_per_host(self) -> Range:
        """Bytes saved by a host, net of page tables: no host of the fleet saves less than low or more than high."""
        base = self.page.base_page
        return Range(self._worst() * base, int(self._best(self._neighbours("high"))[0]) * base)

    @property
    def saved(self) -> Range:
        """Bytes saved by all hosts, net of page tables."""
        return self._all(self.saved_per_host.low, self.saved_per_host.high)

    @property
    def share_of_ram(self) -> Range:
        """What is saved as a share of the RAM, which bounds every host and the fleet."""
        low, high = self.saved_per_host.low, self.saved_per_host.high
        if self._counted:
            return Range(Fraction(low) / self.memory.high, Fraction(high) / self.memory.low, "share")
        pages, part = int(self.huge_pages.low), self.share.low
        # A host has its smallest share of huge pages right before there is room for one more.
        ram = (
            min(Fraction(self.memory.high), Fraction(self.page.size * (pages + 1)) / part) if part else self.memory.high
        )
        least = Fraction(low) / ram
        each = self.page.net_saving(self.scheme) * self.page.base_page
        most = self.share.high * each / self.page.size if self.huge_pages.high else Fraction(0)
        if self.memory.low == self.memory.high:
            most = Fraction(high) / self.memory.high
        return Range(least, most, "share")

    # --- what it consists of -------------------------------------------------------------------------------------

    @property
    def ram(self) -> Range:
        """Bytes of RAM of all hosts."""
        return self._all(self.memory.low, self.memory.high)

    @property
    def memmap(self) -> Range:
        """Bytes of struct pages of all hosts, for all of their RAM, before anything is saved."""
        low, high = (self._frames(end) * STRUCT_PAGE for end in (self.memory.low, self.memory.high))
        return self._all(low, high)

    @property
    def tables(self) -> Range:
        """Bytes of page tables that all hosts need for the split, and never get back."""
        low, high = int(self._tables(self._neighbours("low"))[0]), self._most_tables("high")
        return self._all(low * self.page.base_page, high * self.page.base_page)

    def sample(self, seed: int = 0) -> Sample:
        """Every host drawn uniformly from the ranges, huge pages as neighbours. The same seed draws the same hosts.

        Raises `BadInput` for a seed that is no whole number from 0 on.
        """
        draw = np.random.default_rng(whole_number(seed, "a seed", 0, (1 << 63) - 1))
        base = self.page.base_page
        if self.memory.low == self.memory.high:
            memory = np.full(self.hosts, int(self.memory.low), np.int64)
        else:
            first, last = -(-int(self.memory.low) // base), int(self.memory.high) // base
            memory = draw.integers(min(first, last), last, self.hosts, np.int64, endpoint=True) * base
            memory = np.clip(memory, int(self.memory.low), int(self.memory.high))
        if self._counted:
            huge = [
                draw.integers(int(count.low), int(count.high), self.hosts, np.int64, endpoint=True)
                for _, count in self.pools
            ]
        else:
            share = draw.uniform(float(self.share.low), float(self.share.high), self.hosts)
            # Rounding of floats must not lead out of the ranges.
            ends = int(self.huge_pages.low), int(self.huge_pages.high)
            huge = [np.clip(np.floor(share * (memory / self.page.size)).astype(np.int64), *ends)]
        return Sample(memory, sum(huge[1:], huge[0]), self._best(huge) * base, base)

    # --- pages of a host -----------------------------------------------------------------------------------------

    def _all(self, low: int | Fraction, high: int | Fraction) -> Range:
        """A range of bytes per host, for all hosts."""
        return Range(self.hosts * low, self.hosts * high)

    def _frames(self, memory: int | Fraction) -> int:
        return int(memory) // self.page.base_page

    @property
    def _shared(self) -> int:
        return int(self.scheme.tails == "shared page")

    def _neighbours(self, end: str) -> list[Numbers]:
        """The number of pages of each size on one host, at one end of the ranges."""
        return [np.array([int(getattr(count, end))], np.int64) for _, count in self.pools]

    def _tables(self, huge: list[Numbers]) -> Numbers:
        """Page tables for so many neighbours of each size, host by host: as few as there can be."""
        memmap: Numbers = np.zeros_like(huge[0])
        for (page, _), number in zip(self.pools, huge, strict=True):
            if page.freed(self.scheme):
                memmap = memmap + number * page.memmap_bytes
        base = self.page.base_page
        pages = -(-memmap // base)
        tables: Numbers = -(-pages * PTE // base)
        return tables

    def _most_tables(self, end: str) -> int:
        """Page tables for the huge pages of one host, wherever they lie: as many as there can be."""
        needed = sum(
            int(getattr(count, end)) * math.ceil(page.split_cost(self.scheme))
            for page, count in self.pools
            if page.freed(self.scheme)
        )
        memmap = -(-self._frames(self.memory.high) * STRUCT_PAGE // self.page.base_page)
        return min(needed, -(-memmap * PTE // self.page.base_page))

    def _best(self, huge: list[Numbers]) -> Numbers:
        """Pages saved by so many neighbours of each size, host by host: `HugePage.bill`, vectorised."""
        freed: Numbers = np.zeros_like(huge[0])
        some = np.zeros(huge[0].shape, np.bool_)
        for (page, _), number in zip(self.pools, huge, strict=True):
            if frees := page.freed(self.scheme):
                freed = freed + number * frees
                some |= number > 0
        return freed - self._tables(huge) - self._shared * some

    def _worst(self) -> int:
        """Pages saved by the fewest huge pages of a host, wherever they lie, at least."""
        freed = sum(int(count.low) * page.freed(self.scheme) for page, count in self.pools)
        return freed - self._most_tables("low") - self._shared if freed else 0

    def __repr__(self) -> str:
        huge = f"{self.share} of it in {format_size(self.page.size)} pages"
        if self._counted:
            huge = ", ".join(f"{count} of {format_size(page.size)}" for page, count in self.pools)
        return f"{_hosts(self.hosts)} with {self.memory}, {huge} ({self.scheme}, {self.architecture}): {self.told()}"

    def told(self) -> str:
        """What is saved, in words; where Linux has the optimisation off, that nothing is."""
        if self.off:
            return f"0 saved: off in this Linux (its sizes would allow {self.saved}, {self.share_of_ram} of the RAM)"
        return f"{self.saved} saved, {self.share_of_ram} of the RAM"


@dataclass(frozen=True, repr=False)
class Fleets:
    """Several kinds of host, added up; those on which Linux has the optimisation off save nothing."""

    parts: tuple[Fleet, ...]

    @property
    def hosts(self) -> int:
        """How many hosts."""
        return sum(part.hosts for part in self.parts)

    @property
    def off(self) -> int:
        """Hosts on which Linux has the optimisation off."""
        return sum(part.hosts for part in self.parts if part.off)

    @property
    def ram(self) -> Range:
        """Bytes of RAM of all hosts."""
        return self._sum(part.ram for part in self.parts)

    @property
    def memmap(self) -> Range:
        """Bytes of struct pages of all hosts, before anything is saved."""
        return self._sum(part.memmap for part in self.parts)

    @property
    def saved(self) -> Range:
        """Bytes saved by all hosts, net of page tables."""
        return self._sum(part.saved for part in self.parts if not part.off)

    @property
    def tables(self) -> Range:
        """Bytes of page tables that the split needs on all hosts."""
        return self._sum(part.tables for part in self.parts if not part.off)

    @property
    def share_of_ram(self) -> Range:
        """What is saved as a share of all RAM."""
        return Range(Fraction(self.saved.low) / self.ram.high, Fraction(self.saved.high) / self.ram.low, "share")

    @staticmethod
    def _sum(ranges: Iterable[Range]) -> Range:
        known = list(ranges)
        return Range(sum((one.low for one in known), 0), sum((one.high for one in known), 0))

    def __repr__(self) -> str:
        off = f"; 0 saved on {self.off:,} of them: off in this Linux" if self.off else ""
        if self.off == self.hosts:
            return "\n".join(
                [*map(repr, self.parts), f"{_hosts(self.hosts)}, {self.ram} of RAM: 0 saved: off in this Linux"]
            )
        saved = f"{self.saved} saved, {self.share_of_ram} of the RAM{off}"
        return "\n".join([*map(repr, self.parts), f"{_hosts(self.hosts)}, {self.ram} of RAM: {saved}"])


def _hosts(number: int) -> str:
    return "1 host" if number == 1 else f"{number:,} hosts"


def _counts(pools: Mapping[Any, Any]) -> dict[Any, Range]:
    """Size -> how many pages, at least and at most; sizes from large to small."""
    if not pools:
        raise BadInput("pools are sizes and numbers, and there is none; write for example {'1 GiB': 2, '2 MiB': 1024}.")
    sizes = {size: parse_size(size, "huge page") for size in pools}
    if len(set(sizes.values())) < len(sizes):
        raise BadInput(f"a size is given once, and {quoted(dict(pools))} has one twice; add their numbers.")
    found: dict[Any, Range] = {}
    for size in sorted(pools, key=lambda size: -sizes[size]):
        what, example = "the number of huge pages", "(40, 60)"
        low, high = (whole_number(end, what, 0, 1 << 40) for end in _ends(pools[size], what, example))
        found[size] = _upright(Range(low, high, "count"), what, example)
    return found


def _text(value: int | Fraction, unit: Unit) -> str:
    if unit == "bytes":
        return about(value)
    return f"{int(value):,}" if unit == "count" else f"{float(value * 100):.3g} %"


def _ends(value: object, what: str, example: str) -> tuple[object, object]:
    if not isinstance(value, (tuple, list)):
        return value, value
    if len(value) != 2:
        raise BadInput(f"a range of {what} has two ends, and {quoted(value)} has not; write for example {example}.")
    return value[0], value[1]


def _upright(ends: Range, what: str, example: str) -> Range:
    if ends.low > ends.high:
        low, high = (_text(end, ends.unit) for end in (ends.low, ends.high))
        raise BadInput(
            f"a range of {what} goes from low to high, and {low} to {high} does not; write for example {example}."
        )
    return ends


def _part(value: Any) -> Fraction:
    """A share of RAM as an exact fraction; a float means the decimal number that it is written as."""
    try:
        if isinstance(value, (str, bytes, bool, np.bool_)):
            raise ValueError
        part = Fraction(value) if isinstance(value, (int, Fraction)) else Fraction(repr(float(value)))
    except (TypeError, ValueError, OverflowError):
        part = Fraction(-1)
    if not 0 <= part <= 1:
        raise BadInput(
            f"share must be a number from 0 to 1, the part of the RAM in huge pages, and {quoted(value)} is not; "
            "write for example 0.5, or {'1 GiB': 120} for a number of pages."
        )
    return part
