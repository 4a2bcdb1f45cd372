"""Many hosts at once, by arithmetic: what a fleet saves, as a range where its size is known as a range.

Closed formulas on whole arrays, no state. One host is `HugePage.bill`; a test compares host by host.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput, quoted
from ..facts.layout import PAGING, PTE, STRUCT_PAGE
from ..facts.schemes import Scheme, scheme_of
from ..units import about, format_size, parse_size, whole_number
from .geometry import ARCHITECTURES, HugePage

MOST_HOSTS = 10_000_000
LARGEST_HOST = PAGING["5-level"].size // STRUCT_PAGE * 4096
"""RAM that the vmemmap of 5-level paging can describe; no host is larger."""

Unit = Literal["bytes", "share", "count"]


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
    """``hosts`` hosts with ``memory`` of RAM each, a ``share`` of it in HugeTLB pages of one size, under one scheme.

    Memory and share are a value or a range: ``"256 GiB"`` or ``("256 GiB", "1 TiB")``, 0.5 or ``(0.4, 0.6)``. Only
    whole huge pages count. sizeof(struct page) is 64. Every host lies inside the ranges, and so do all of them.

    What is saved is net of page tables, each paid for once and by this fleet. Their number depends on where the huge
    pages lie. The high end of a range takes neighbours that begin where a PMD leaf of the vmemmap does
    (`HugePage.bill`): no placement needs fewer tables. The low end takes the worst placement: one table for each huge
    page (8 for 1 GiB on x86-64, as always), but no more than the vmemmap of the largest host has leaves, if its RAM
    fills whole leaves (128 MiB on x86-64). Not in here: the shared tail page of 7.1 is counted once a host, not once
    a zone, and the kernel may leave huge pages unoptimised. For an architecture on which Linux has the optimisation
    off, this is what its sizes would allow (`Architecture.hvo`).

    Raises `BadInput` for what cannot be. Huge pages that do not fit into the memory are none, and save nothing.
    """

    def __init__(
        self, hosts: int, memory: str | int | tuple[str | int, str | int], share: float | tuple[float, float],
        size: str | int = "2 MiB", scheme: str | Scheme = "head page", architecture: str = "x86-64",
    ) -> None:  # fmt: skip
        self.hosts = whole_number(hosts, "the number of hosts", 1, MOST_HOSTS)
        self.page: HugePage = ARCHITECTURES[architecture].huge_page(size)
        self.scheme, self.architecture = scheme_of(scheme), architecture
        low, high = (self._memory(value) for value in _ends(memory, "memory", "('256 GiB', '1 TiB')"))
        self.memory = _upright(Range(low, high), "memory", "('256 GiB', '1 TiB')")
        least, most = (_part(value) for value in _ends(share, "share", "(0.4, 0.6)"))
        self.share = _upright(Range(least, most, "share"), "share", "(0.4, 0.6)")
        fewest, greatest = math.floor(least * low / self.page.size), math.floor(most * high / self.page.size)
        self.huge_pages = Range(fewest, greatest, "count")

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
        low, high = int(self.huge_pages.low), int(self.huge_pages.high)
        return Range(
            self._worst(low) * self.page.base_page, int(self._best(np.array([high], np.int64))[0]) * self.page.base_page
        )

    @property
    def saved(self) -> Range:
        """Bytes saved by all hosts, net of page tables."""
        return self._all(self.saved_per_host.low, self.saved_per_host.high)

    @property
    def share_of_ram(self) -> Range:
        """What is saved as a share of the RAM, which bounds every host and the fleet."""
        pages, part = int(self.huge_pages.low), self.share.low
        # A host has its smallest share of huge pages right before there is room for one more.
        ram = (
            min(Fraction(self.memory.high), Fraction(self.page.size * (pages + 1)) / part) if part else self.memory.high
        )
        low = Fraction(self.saved_per_host.low) / ram
        each = self.page.net_saving(self.scheme) * self.page.base_page
        high = self.share.high * each / self.page.size if self.huge_pages.high else Fraction(0)
        if self.memory.low == self.memory.high:
            high = Fraction(self.saved_per_host.high) / self.memory.high
        return Range(low, high, "share")

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
        low = int(self._tables(np.array([int(self.huge_pages.low)], np.int64))[0])
        high = self._most_tables(int(self.huge_pages.high))
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
        share = draw.uniform(float(self.share.low), float(self.share.high), self.hosts)
        huge = np.floor(share * (memory / self.page.size)).astype(np.int64)
        # Rounding of floats must not lead out of the ranges.
        huge = np.clip(huge, int(self.huge_pages.low), int(self.huge_pages.high))
        return Sample(memory, huge, self._best(huge) * base, base)

    # --- pages of a host -----------------------------------------------------------------------------------------

    def _all(self, low: int | Fraction, high: int | Fraction) -> Range:
        """A range of bytes per host, for all hosts."""
        return Range(self.hosts * low, self.hosts * high)

    def _frames(self, memory: int | Fraction) -> int:
        return int(memory) // self.page.base_page

    @property
    def _frees(self) -> int:
        return self.page.freed(self.scheme)

    @property
    def _shared(self) -> int:
        return int(self.scheme.tails == "shared page")

    def _tables(self, huge: NDArray[np.int64]) -> NDArray[np.int64]:
        """Page tables for so many neighbours, host by host: as few as there can be."""
        if not self._frees:
            return np.zeros_like(huge)
        memmap = -(-huge * self.page.memmap_bytes // self.page.base_page)
        tables: NDArray[np.int64] = -(-memmap * PTE // self.page.base_page)
        return tables

    def _most_tables(self, huge: int) -> int:
        """Page tables for so many huge pages on one host, wherever they lie: as many as there can be."""
        each = math.ceil(self.page.split_cost(self.scheme))
        memmap = -(-self._frames(self.memory.high) * STRUCT_PAGE // self.page.base_page)
        return min(huge * each, -(-memmap * PTE // self.page.base_page))

    def _best(self, huge: NDArray[np.int64]) -> NDArray[np.int64]:
        """Pages saved by so many neighbours, host by host: `HugePage.bill`, vectorised."""
        if not self._frees:
            return np.zeros_like(huge)
        saved: NDArray[np.int64] = huge * self._frees - self._tables(huge) - self._shared * (huge > 0)
        return saved

    def _worst(self, huge: int) -> int:
        """Pages saved by so many huge pages on one host, wherever they lie, at least."""
        if not self._frees or not huge:
            return 0
        return huge * self._frees - self._most_tables(huge) - self._shared

    def __repr__(self) -> str:
        hosts = "1 host" if self.hosts == 1 else f"{self.hosts:,} hosts"
        saved = f"{self.saved} saved, {self.share_of_ram} of the RAM"
        if ARCHITECTURES[self.architecture].off:
            saved = f"0 saved: off in this Linux (its sizes would allow {self.saved}, {self.share_of_ram} of the RAM)"
        return (
            f"{hosts} with {self.memory}, {self.share} of it in {format_size(self.page.size)} pages "
            f"({self.scheme}, {self.architecture}): {saved}"
        )


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
            "write for example 0.5."
        )
    return part
