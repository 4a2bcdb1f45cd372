"""What sources say and what is true: slips in the mail, in the kernel's documentation and in others' texts.

The truth of an erratum is not written down: it is the value of an expression that a reader can type, evaluated when
asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

MAIL = "the mail of 18 November 2020"


@dataclass(frozen=True)
class Erratum:
    """A wrong or loose statement: who said it and how, what is true, and where the book shows it.

    ``expression`` is Python after ``import hvlib as hv``; ``true`` has a place for its value. ``corrected`` says since
    when the source is right, as far as it was looked at.
    """

    source: str
    says: str
    true: str
    expression: str
    corrected: str
    chapter: int

    @property
    def value(self) -> int | float:
        """The value of ``expression``, computed now."""
        result: int | float = eval(self.expression, {"hv": import_module("hvlib")})
        return result

    @property
    def truth(self) -> str:
        """What is true, in words, with the computed value."""
        return self.true.format(self.value)

    def __str__(self) -> str:
        return "\n".join(
            (
                f"{self.source} (chapter {self.chapter})",
                f"  says       {self.says}",
                f"  true       {self.truth}",
                f"  computed   {self.expression}",
                f"  corrected  {self.corrected}",
            )
        )


ERRATA = (
    Erratum(
        f"{MAIL}, the patch it reviews, the kernel's documentation until 6.5",
        "a 1 GiB page consists of 4096 base pages", "{:,} base pages",
        "hv.HugePage('1 GiB').nr_base_pages",
        "posted 7 February 2023, applied 31 July 2023; the documentation of 6.7 is right, that of stable 6.1 is not", 2,
    ),
    Erratum(
        MAIL, "HUGETLB_CGROUP_MIN_ORDER, which is 2, is an upper limit of the struct pages in use",
        "a lower limit: a huge page has at least {} struct pages", "1 << 2",
        "5.14: the merged series counts the ones in use itself (__NR_USED_SUBPAGE)", 4,
    ),
    Erratum(
        MAIL, "compound_head is the only useful information in the other tails",
        "the flags of a tail, {:#x} in a recorded one, hold its node and zone, and the kernel reads them there",
        "hv.observe.recorded('5.15.85').entries('2 MiB', 'live', 'off').words[64][0]",
        "no, it stands in the documentation of 6.12; near enough for the argument", 4,
    ),
    Erratum(
        f"{MAIL}, its second diagram", "the column of frames is headed 8 pages", "{} frames remain",
        "hv.Machine('1 GiB').hugetlb('2 MiB').optimize('tail page').distinct_frames()",
        "not in the merged comment (5.15)", 6,
    ),
    Erratum(
        "Documentation/mm/vmemmap_dedup.rst",
        "a huge page of PMD size has 8 vmemmap pages, whatever the base page",
        "{} on s390x, whose tables are shorter", "hv.ARCHITECTURES['s390x'].huge_page('1 MiB').nr_vmemmap_pages",
        "not in 6.12; s390 had the optimisation from 6.2 to 6.17", 5,
    ),
    Erratum(
        "Documentation/mm/vmemmap_dedup.rst, device DAX", "device DAX saves only half of what HugeTLB saves",
        "{:.0f} % of it, for a 2 MiB page",
        "100 * hv.HugePage('2 MiB').freed(hv.DEVICE_DAX) / hv.HugePage('2 MiB').freed('head page')",
        "not in 7.1", 12,
    ),
    Erratum(
        "cover letter of the device-DAX series, 20 April 2022",
        "40 MB of struct pages are left for 1 TiB in 1 GiB pages, which is 0.0014 %", "{:.4f} %",
        "100 * hv.HugePage('1 GiB').bill(hv.DEVICE_DAX, 1024).left / (hv.TiB // 4096)",
        "a mail, so never", 12,
    ),
    Erratum(
        "an article after a conference talk of 2022", "8 struct pages of 64 bytes are 32 KB",
        "{} struct pages of 64 bytes are 32 KiB", "hv.HugePage('2 MiB').memmap_bytes // 64", "not found corrected", 5,
    ),
    Erratum(
        "the kernel's own constant since 6.15, __NR_USED_SUBPAGE", "3 struct pages are in use",
        "{}: HugeTLB's data moved into struct page 3 in 6.15 (4eeec8c89a0c)", "len(hv.TAIL_METADATA[-1][1])",
        "not in 7.3.4; vmemmap_dedup.rst says 4", 4,
    ),
)  # fmt: skip
"""Every erratum that the book knows, the mail's first. Sources: chapter 0 and the references."""
