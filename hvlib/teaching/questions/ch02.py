"""Questions of chapter 2."""

from __future__ import annotations

import math

from ...arithmetic.geometry import ARCHITECTURES, HugePage
from ...facts.layout import BASE_PAGE, PTE
from ...units import GiB, KiB, MiB
from ..ask import Question, count, in_units, size, thousands
from ..prompt import Given


def _leaf(g: Given, skipped: int) -> int:
    """Bytes of the page that a leaf maps where so many tables are skipped."""
    base, entries = int(g["base"]), int(g["entries"])
    return base * KiB * math.prod(skipped * [entries])


QUESTIONS: dict[str, Question] = {
    "1 GiB in 2 MiB pages": Question(
        "A 2 MiB page is made of base pages of 4 KiB, and so is a 1 GiB page. By what factor does the 1 GiB page have more of them?",
        count,
        lambda _: HugePage("1 GiB").nr_base_pages // HugePage("2 MiB").nr_base_pages,
        "One more level of the page tables is skipped, and a table has 512 entries.",
        (
            (lambda _: 4096 // HugePage("2 MiB").nr_base_pages, "8 is 4,096 / 512, the two numbers of the mail."),
            (lambda _: HugePage("1 GiB").nr_base_pages, "That is how many base pages a 1 GiB page has."),
            (lambda _: 1024, "1,024 is GiB over MiB, but the smaller page has 2 MiB."),
            (lambda _: 2, "A level is more than a factor of 2: how many entries has a table?"),
        ),
        write=thousands,
        hint="How many pages of 2 MiB fill 1 GiB? Each has as many base pages as the next.",
    ),
    "base pages of 1 GiB": Question(
        "How many base pages of 4 KiB does a 1 GiB page consist of?",
        count,
        lambda _: HugePage("1 GiB").nr_base_pages,
        "512 x 512: two levels of the page table are skipped.",
        (
            (lambda _: 4096, "4,096 counts vmemmap pages, not base pages: it is how many pages the struct pages of a 1 GiB page fill."),
            (lambda _: 512, "512 is a 2 MiB page; one more level is skipped for 1 GiB."),
            (lambda _: 1024, "1,024 would make the base page 1 MiB; it is 4 KiB."),
            (lambda _: 1 << 20, "That divides by 1 KiB; the base page is 4 KiB."),
        ),
        write=thousands,
        hint="How often do 4 KiB go into 1 GiB?",
    ),
    "largest page of another machine": Question(
        "Invent a machine like x86-64, but with base pages of {base} KiB. A page table is one base page, and an entry has 8 bytes. "
        "A leaf may stand in a PTE, a PMD or a PUD table. How large is the machine's largest page?",
        size,
        lambda g: _leaf(g, 2),
        "A table has {entries:,} entries, and two levels are skipped: {entries:,} x {entries:,} base pages of {base} KiB.",
        (
            (lambda g: _leaf(g, 1), "That is a leaf in a PMD table. The largest stands in a PUD table: one more level is skipped."),
            (lambda g: _leaf(g, 3), "That would be a leaf in a PGD table: a level too many."),
            (lambda g: 512 * 512 * g["base"] * KiB, "512 entries is what a table of 4 KiB holds; here a table has {base} KiB."),
            (lambda g: g["entries"] * g["entries"] * BASE_PAGE, "The tables are right. But what a PTE maps is a base page of {base} KiB, not of 4 KiB."),
            (lambda _: HugePage("1 GiB").size, "1 GiB is x86-64's, with tables of 4 KiB."),
        ),
        lambda r: (lambda base: {"base": base, "entries": base * KiB // PTE})(r.choice([8, 16, 32])),
        in_units,
        hint="How many entries has a table? A level skipped multiplies the page by as much.",
    ),
    "a leaf one level up": Question(
        "With 4-level paging, if a PGD entry could be a leaf, how large would its page be? (x86-64 has no such page.)",
        size,
        lambda _: HugePage("1 GiB").size * 512,
        "One more level skipped, one more factor of 512.",
        (
            (lambda _: 2 * GiB, "A level is a factor of 512, not of 2."),
            (lambda _: 1 << 48, "256 TiB is what all 512 PGD entries cover together."),
            (lambda _: 1 << 40, "1 TiB would be a factor of 1,024; a table has 512 entries."),
        ),
        write=in_units,
        hint="How many entries has the table below, and how much does each of them map?",
    ),
    "PMD page of arm64": Question(
        "On arm64 with base pages of {base} KiB a page table is one base page of 8-byte entries. "
        "How large is the page that one PMD entry maps?",
        size,
        lambda g: next(
            size for size, how in ARCHITECTURES[f"arm64, {g['base']} KiB base"].huge_pages if how == "PMD"
        ),
        "{entries:,} entries, each mapping {base} KiB.",
        (
            (lambda g: 512 * g["base"] * KiB, "512 entries is what a table of 4 KiB holds; this one has {entries:,}."),
            (lambda _: 2 * MiB, "2 MiB is x86-64's, with 4 KiB base pages."),
            (lambda g: g["base"] * KiB * g["base"] * KiB, "That counts an entry per byte; an entry has 8 bytes."),
        ),
        lambda r: (lambda base: {"base": base, "entries": base * 128})(r.choice([16, 64])),
        in_units,
        hint="How many entries has one table, and how much does each of them map?",
    ),
}  # fmt: skip
