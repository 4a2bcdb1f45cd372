"""Questions of chapter 3."""

from __future__ import annotations

from ...arithmetic.geometry import HugePage, page_to_pfn, pfn_to_page
from ...facts.layout import BASE_PAGE, PAGING, PTE, STRUCT_PAGE
from ...mechanism.machine import Machine
from ...units import MiB
from ..ask import Question, count, function, in_units, sequence, size, thousands

_BASE = PAGING["4-level"].vmemmap
_PROBES = (0, 1, 0x200, 0x7AFCC, 0x102200)


def _covered_by_a_leaf() -> int:
    """RAM described by the struct pages under one PMD leaf: from the PFN of the first to that of the next leaf."""
    return (page_to_pfn(_BASE + BASE_PAGE // PTE * BASE_PAGE) - page_to_pfn(_BASE)) * BASE_PAGE


def _leaf_of(pfn: int) -> int:
    """PMD leaf of the vmemmap, counted from 0, under which the struct page of ``pfn`` stands in a machine."""
    vmemmap = Machine("8 GiB", check=False).vmemmap
    return (pfn_to_page(pfn) - _BASE) // BASE_PAGE // vmemmap.entries_per_leaf


QUESTIONS: dict[str, Question] = {
    "RAM behind one PMD leaf": Question(
        "One PMD leaf entry maps 2 MiB of the vmemmap. How much RAM do the struct pages in those 2 MiB describe?",
        size,
        lambda _: _covered_by_a_leaf(),
        "2 MiB hold 32,768 struct pages of 64 bytes, and each describes 4 KiB.",
        (
            (lambda _: 2 * MiB, "2 MiB is the struct pages themselves. Each of them is 64 bytes and stands for 4 KiB."),
            (lambda _: HugePage("2 MiB").memmap_bytes, "That is the other way round: the struct pages of 2 MiB of RAM."),
            (lambda _: 2 * MiB // PTE * BASE_PAGE, "That takes 8 bytes for a struct page; it has 64."),
            (lambda _: BASE_PAGE // STRUCT_PAGE * BASE_PAGE, "That is one vmemmap page, 64 struct pages. The leaf maps 512 vmemmap pages."),
        ),
        write=in_units,
        hint="Count the struct pages in 2 MiB, then give each of them the 4 KiB that it describes.",
    ),
    "write pfn_to_page": Question(
        "Write pfn_to_page for 4-level paging: a function that takes a PFN and returns the address of its struct page. "
        "It is tried at the PFNs 0x0, 0x1, 0x200, 0x7afcc and 0x102200.",
        function(*_PROBES),
        lambda _: tuple(pfn_to_page(pfn) for pfn in _PROBES),
        "Start of the array plus 64 times the PFN; that is what the kernel computes.",
        (
            (lambda _: tuple(_BASE + pfn for pfn in _PROBES),
             "Your struct pages are 1 byte apart. In C, vmemmap + pfn counts in struct pages; in Python you have to multiply."),
            (lambda _: tuple(_BASE + 4096 * pfn for pfn in _PROBES),
             "Your struct pages are 4,096 bytes apart. That is the distance of the frames, not of their struct pages."),
            (lambda _: tuple(_BASE + 8 * pfn for pfn in _PROBES),
             "Your struct pages are 8 bytes apart. An array of pointers would be; this one holds the struct pages themselves."),
            (lambda _: tuple(64 * pfn for pfn in _PROBES),
             "The distances are right, and the array does not start at address 0."),
            (lambda _: tuple(PAGING["5-level"].vmemmap + 64 * pfn for pfn in _PROBES),
             "That is where the array starts with 5-level paging."),
        ),
        write=sequence,
        hint="Where does your array start, and how far apart are PFN 0 and PFN 1?",
    ),
    "vmemmap page of a PFN": Question(
        "Count the vmemmap pages from 0, at the start of the vmemmap. In which one is the struct page of PFN {pfn:#x}?",
        count,
        lambda g: (pfn_to_page(g["pfn"]) - pfn_to_page(0)) // BASE_PAGE,
        "64 struct pages of 64 bytes fill one vmemmap page, so it is the PFN divided by 64, the rest dropped.",
        (
            (lambda g: g["pfn"] % 64, "That is its slot inside the vmemmap page."),
            (lambda g: g["pfn"] // 512, "512 base pages make a huge page of 2 MiB. How many struct pages are in a vmemmap page?"),
            (lambda g: g["pfn"] // 32768, "That is the PMD leaf, under which there are 512 vmemmap pages."),
            (lambda g: g["pfn"] * 64, "That is the distance in bytes from the start of the vmemmap."),
            (lambda g: g["pfn"] // 64 + 1, "Counted from 1. Vmemmap pages are counted from 0, like PFNs."),
        ),
        lambda r: {"pfn": next(
            pfn for pfn in iter(lambda: r.randrange(0x9000, 0x200000), 0) if pfn % 64 != pfn >> 15
        )},
        thousands,
        hint="How many struct pages does one vmemmap page hold? Count how often that goes into the PFN.",
    ),
    "PMD leaf of a PFN": Question(
        "Count the PMD leaves of the vmemmap from 0. Which one maps the struct page of PFN {pfn:#x}?",
        count,
        lambda g: _leaf_of(g["pfn"]),
        "One leaf maps 512 vmemmap pages with 64 struct pages each: divide the PFN by 32,768.",
        (
            (lambda g: g["pfn"] // 64, "That is the vmemmap page, counted from the start of the vmemmap. A leaf maps 512 of them."),
            (lambda g: g["pfn"] // 64 % 512, "That is the place of the vmemmap page under its leaf. Which leaf is it?"),
            (lambda g: g["pfn"] // 512, "That leaf would map 512 struct pages; it maps 512 vmemmap pages, each with 64."),
            (lambda g: g["pfn"] // (1 << 18), "That is the number of the GiB of RAM. How much RAM does one leaf describe?"),
        ),
        lambda r: {"pfn": next(
            pfn for pfn in iter(lambda: r.randrange(1 << 18, 1 << 21), 0)
            if pfn // 64 % 512 not in (pfn >> 15, pfn >> 18, pfn >> 9)
        )},
        thousands,
        hint="How many struct pages does one leaf map? Count how often that goes into the PFN.",
    ),
}  # fmt: skip
