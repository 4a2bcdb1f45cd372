"""Witness 1, arithmetic: how many struct pages, vmemmap pages and frames, from sizes alone.

Closed formulas, no state. The mechanism (`hvlib.mechanism`) counts the same things by doing them; the two share no
formula, so a test can set one against the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ..errors import BadInput, name_of, table
from ..facts.layout import (
    BASE_PAGE,
    PAGING,
    PTE,
    STRUCT_PAGE,
    address_of,
    check_base_page,
    check_huge_page,
    check_struct_page,
)
from ..facts.schemes import Scheme, scheme_of
from ..units import GiB, KiB, MiB, format_size, power_of_two, whole_number


@dataclass(frozen=True, init=False)
class HugePage:
    """A HugeTLB page of ``size`` bytes, made of base pages that each have one struct page.

    Sizes are text (``"2 MiB"``) or bytes. ``struct_page`` is ``sizeof(struct page)``; Linux builds have 56, 64, 72,
    80, 88 or 96 (``__mm_zero_struct_page``, include/linux/mm.h), nearly always 64. Raises `BadInput` for a size that
    is not a power of two, a huge page that is not larger than a base page, or a struct page that is not whole words.
    """

    size: int
    base_page: int
    struct_page: int

    def __init__(self, size: str | int, base_page: str | int = BASE_PAGE, struct_page: int = STRUCT_PAGE) -> None:
        size = power_of_two(size, "huge page")
        object.__setattr__(self, "base_page", check_base_page(base_page))
        object.__setattr__(self, "struct_page", check_struct_page(struct_page))
        object.__setattr__(self, "size", check_huge_page(size, self.base_page))

    @property
    def nr_base_pages(self) -> int:
        """Base pages in the huge page, which is also the number of its struct pages."""
        return self.size // self.base_page

    @property
    def order(self) -> int:
        """log2 of `nr_base_pages`: 9 for 2 MiB, 18 for 1 GiB on x86-64."""
        return self.nr_base_pages.bit_length() - 1

    @property
    def memmap_bytes(self) -> int:
        """Bytes of struct pages that describe the huge page."""
        return self.nr_base_pages * self.struct_page

    @property
    def nr_vmemmap_pages(self) -> int | Fraction:
        """Base pages that the struct pages fill; an exact fraction if they do not fill a whole number of pages."""
        return _exact(Fraction(self.memmap_bytes, self.base_page))

    @property
    def share(self) -> Fraction:
        """Struct pages as a share of the memory they describe: 1/64 with 64 bytes per 4 KiB."""
        return Fraction(self.struct_page, self.base_page)

    def obstacle(self, scheme: str | Scheme) -> str | None:
        """Why ``scheme`` frees nothing here, as a sentence, or `None` if it frees something.

        The kernel's rule: sizeof(struct page) is a power of two, and the vmemmap is larger than what is kept.
        """
        scheme = scheme_of(scheme)
        if scheme.kept is None:
            return "The optimisation is off: every vmemmap page keeps its own frame."
        if self.struct_page & (self.struct_page - 1):
            return (
                f"sizeof(struct page) is {self.struct_page}, not a power of two, so a struct page can cross from one "
                "vmemmap page into the next; Linux then leaves the optimisation off."
            )
        if self.nr_vmemmap_pages <= scheme.kept:
            pages, keep = ("page", "keeps") if scheme.kept == 1 else ("pages", "keep")
            return (
                f"The struct pages of a {format_size(self.size)} page take {format_size(self.memmap_bytes)}, and "
                f"{scheme.kept} vmemmap {pages} of {format_size(self.base_page)} always {keep} "
                "a frame: none is left to free."
            )
        return None

    def kept(self, scheme: str | Scheme) -> int | Fraction:
        """Frames that still hold this huge page's struct pages under ``scheme``."""
        return _exact(Fraction(self.nr_vmemmap_pages) - self.freed(scheme))

    def freed(self, scheme: str | Scheme) -> int:
        """Frames given back to the buddy allocator under ``scheme``, before the cost of page tables."""
        scheme = scheme_of(scheme)
        if scheme.kept is None or self.obstacle(scheme):
            return 0
        return int(self.nr_vmemmap_pages) - scheme.kept

    def split_cost(self, scheme: str | Scheme) -> Fraction:
        """Page-table pages that this huge page's share of the vmemmap needs once its PMD mapping is split.

        The vmemmap is mapped by leaf entries one level up; a table of PTEs replaces each. With tables of one base
        page that is an entry of `PTE` bytes for every vmemmap page: 1/64 page for 2 MiB, 8 pages for 1 GiB. Paid
        once: the table is not given back when the huge page is (mm/hugetlb_vmemmap.c). So on
        x86-64; arm64 with base pages of 16 or 64 KiB maps the vmemmap page by page from the start: nothing to split.
        """
        return Fraction(self.nr_vmemmap_pages) * PTE / self.base_page if self.freed(scheme) else Fraction(0)

    def net_saving(self, scheme: str | Scheme) -> Fraction:
        """Frames saved per huge page net of split page tables, as an exact fraction: 6 - 1/64 in 5.14 for 2 MiB.

        The one shared tail page of 7.1 is paid once per zone and size, not per huge page, and is not in here.
        """
        return self.freed(scheme) - self.split_cost(scheme)

    def bill(self, scheme: str | Scheme, count: int = 1) -> Bill:
        """The `Bill` of ``count`` neighbours that begin where a PMD leaf of the vmemmap does, none optimised before.

        The one shared tail page of 7.1 is counted once. Raises `BadInput` for a count that is not from 1 to 2^40.
        """
        count = whole_number(count, "the number of huge pages", 1, 1 << 40)
        scheme, memmap = scheme_of(scheme), -(-count * self.memmap_bytes // self.base_page)
        freed = self.freed(scheme)
        if not freed:
            return Bill(memmap, 0, 0, 0)
        return Bill(memmap, count * freed, -(-memmap * PTE // self.base_page), int(scheme.tails == "shared page"))

    def __str__(self) -> str:
        return f"{format_size(self.size)} page of {format_size(self.base_page)} base pages"


@dataclass(frozen=True)
class Bill:
    """What ``count`` huge pages cost and save, in base pages: the struct pages, and what a scheme makes of them.

    ``memmap`` frames of struct pages; ``freed`` of them given back; ``tables`` page tables and ``shared`` pages of
    tails taken. ``saved`` is net.
    """

    memmap: int
    freed: int
    tables: int
    shared: int

    @property
    def saved(self) -> int:
        """Frames saved net of page tables and shared tails; negative if the costs are larger."""
        return self.freed - self.tables - self.shared

    @property
    def left(self) -> int:
        """Pages that struct pages, page tables and shared tails still take."""
        return self.memmap - self.saved


def pfn_to_page(
    pfn: int, paging: str = "4-level", struct_page: int = STRUCT_PAGE, *, base: int | str | None = None
) -> int:
    """Virtual address of the struct page of ``pfn``: base + sizeof(struct page) * pfn (asm-generic/memory_model.h).

    ``base`` is where the struct page of PFN 0 would be: on x86-64 without address randomisation that of ``paging``, and
    otherwise what the kernel chose, as a number or in hexadecimal. Raises `BadInput` for a PFN whose struct page would
    lie outside the vmemmap, or an unknown paging.
    """
    start, size, struct_page = _vmemmap(paging, base), PAGING[paging].size, check_struct_page(struct_page)
    most = (size if base is None else (1 << 64) - start) // struct_page
    where = f"with {paging} paging" if base is None else f"with the vmemmap from {start:#x} on"
    return start + struct_page * whole_number(pfn, f"a PFN {where}", 0, most - 1)


def page_to_pfn(
    page: int | str, paging: str = "4-level", struct_page: int = STRUCT_PAGE, *, base: int | str | None = None
) -> int:
    """PFN of the struct page at virtual address ``page``, the inverse of `pfn_to_page`. Raises `BadInput`.

    The address may be text, as a log prints it: "page:fffff3b2ec3a8000". A kernel with address randomisation, or of
    another architecture, has its vmemmap elsewhere: ``base``. A log that names address and PFN tells it, as the
    address less sizeof(struct page) for each PFN.
    """
    start, struct_page = _vmemmap(paging, base), check_struct_page(struct_page)
    last = start + PAGING[paging].size - 1 if base is None else (1 << 64) - 1
    page = address_of(page)
    offset = page - start
    if not start <= page <= last or offset % struct_page:
        elsewhere = "address randomisation (KASLR) and other architectures put them elsewhere: " if base is None else ""
        raise BadInput(
            f"{page:#x} is not the address of a struct page; with {paging if base is None else 'this base and any'} "
            f"paging they stand every {struct_page} bytes from {start:#x} to {last:#x}; {elsewhere}"
            f"pass base=, the address of PFN 0's."
        )
    return offset // struct_page


def _vmemmap(paging: str, base: int | str | None) -> int:
    """Where the struct page of PFN 0 is. Raises `BadInput` for an unknown paging, or a base that is no address."""
    return PAGING[paging].vmemmap if base is None else address_of(base, "base")


@dataclass(frozen=True)
class Architecture:
    """Base page size, HugeTLB sizes (with the page-table feature behind each) and where HVO stands; ``off`` today."""

    name: str
    base_page: int
    huge_pages: tuple[tuple[int, str], ...]
    hvo: str
    off: bool = False

    def huge_page(self, size: str | int, struct_page: int = STRUCT_PAGE) -> HugePage:
        """The `HugePage` of one of the sizes this architecture has. Raises `BadInput` for any other."""
        value, sizes = power_of_two(size, "huge page"), [s for s, _ in self.huge_pages]
        if value not in sizes:
            raise BadInput(
                f"{self.name} has no {format_size(value)} HugeTLB page; it has {', '.join(map(format_size, sizes))}."
            )
        return HugePage(value, self.base_page, struct_page)


_ARM64 = "5.19 to 6.2; disabled since 6.3 (060a2c92d1b6), still so in 7.3, and in later 6.1 and 6.2 stable"
_ALL = (
    Architecture("x86-64", 4 * KiB, ((2 * MiB, "PMD"), (GiB, "PUD")), "since 5.14"),
    Architecture("arm64, 4 KiB base", 4 * KiB,
                 ((64 * KiB, "contiguous PTE"), (2 * MiB, "PMD"), (32 * MiB, "contiguous PMD"), (GiB, "PUD")),
                 _ARM64, True),
    Architecture("arm64, 16 KiB base", 16 * KiB,
                 ((2 * MiB, "contiguous PTE"), (32 * MiB, "PMD"), (GiB, "contiguous PMD")), _ARM64, True),
    Architecture("arm64, 64 KiB base", 64 * KiB,
                 ((2 * MiB, "contiguous PTE"), (512 * MiB, "PMD"), (16 * GiB, "contiguous PMD")), _ARM64, True),
    Architecture("s390x", 4 * KiB, ((MiB, "segment"), (2 * GiB, "region third")),
                 "6.2 to 6.17; disabled since 6.18 (64e2f60f355e), and in later 6.6 and 6.12 stable", True),
    Architecture("riscv64", 4 * KiB, ((64 * KiB, "Svnapot"), (2 * MiB, "PMD"), (GiB, "PUD")),
                 "since 6.4; the entries of shared tails stay writable"),
    Architecture("LoongArch, 16 KiB base", 16 * KiB, ((32 * MiB, "PMD"),),
                 "since 6.2; without effect where a struct page has 80 bytes, as with KFENCE"),
)  # fmt: skip

ARCHITECTURES = table("architecture", ((arch.name, arch) for arch in _ALL))
"""Name -> `Architecture`. Sources: Documentation/arch/arm64/hugetlbpage.rst; the architectures' Kconfig, up to 7.3.4;
Debian's kernels 6.12.117 for riscv64 and 7.2.12 for LoongArch, booted under QEMU."""

WITHOUT = table("architecture", [
    (one.name, one) for one in (
        Architecture("ppc64le", 64 * KiB, ((2 * MiB, "PMD, radix"), (16 * MiB, "PMD, hash"), (GiB, "PUD, radix"),
                                           (16 * GiB, "PUD, hash")), "never; it has the device-DAX kind only", True),
    )
])  # fmt: skip
"""Name -> `Architecture` that has HugeTLB pages and never had HVO: for fleets, not for the book's tables."""


def architecture_of(name: str) -> Architecture:
    """The architecture of a name, in `ARCHITECTURES` or `WITHOUT`. Raises `BadInput` for others, with the names."""
    name = name_of(name, "architecture", [*ARCHITECTURES, *WITHOUT])
    return ARCHITECTURES[name] if name in ARCHITECTURES else WITHOUT[name]


def _exact(value: Fraction) -> int | Fraction:
    return int(value) if value.denominator == 1 else value
