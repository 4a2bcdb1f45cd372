"""Questions of chapter 7."""

from __future__ import annotations

import random
from functools import cache

import numpy as np

from ...arithmetic.geometry import HugePage, pfn_to_page
from ...mechanism.machine import Machine
from ...mechanism.structpage import COMPOUND_INFO, FLAGS, PG_HEAD, WORD, RawMemory, compound_head
from ...units import parse_size
from ..ask import Question, count, hexadecimal, in_units, size, thousands
from ..prompt import Given


@cache
def _say_pg_head(huge_page: str, scheme: str = "head page") -> int:
    """Struct pages of one huge page that show the flag PG_head, read through the page table."""
    machine = Machine("4 GiB", check=False)
    pool = machine.hugetlb(huge_page).optimize(scheme)
    pages = machine.vmemmap.pfn_to_page(pool.pfns[0] + np.arange(pool.nr_base_pages, dtype=np.int64))
    return int(np.count_nonzero(machine.vmemmap.word(pages, FLAGS) & np.uint64(PG_HEAD)))


def _draw_fake_head(r: random.Random) -> Given:
    """Words of a fake head and of the struct page behind it, in a huge page somewhere below 4 GiB."""
    head = pfn_to_page(512 * r.randrange(3, 2048))
    return {
        "page": head + 4096 * r.randrange(1, 8),
        "info": pfn_to_page(512 * r.randrange(4096, 8192)) + WORD,
        "next": head + 1,
    }


def _found_head(g: Given) -> int:
    words = np.zeros(16, "<u8")
    words[FLAGS], words[COMPOUND_INFO], words[8 + COMPOUND_INFO] = PG_HEAD, g["info"], g["next"]
    return compound_head(g["page"], RawMemory(words.tobytes(), g["page"]), fake_heads=True)


def _gain(memory: str, huge_page: str) -> int:
    """Bytes that the scheme of 5.18 saves more than that of 5.14, with ``memory`` in huge pages."""
    page = HugePage(huge_page)
    pages = parse_size(memory) // page.size
    return (page.bill("head page", pages).saved - page.bill("tail page", pages).saved) * page.base_page


def _other(huge_page: str) -> str:
    return {"2 MiB": "1 GiB", "1 GiB": "2 MiB"}[huge_page]


QUESTIONS: dict[str, Question] = {
    "struct pages that say PG_head": Question(
        "In 5.18, on x86-64, the seventh frame was freed as well: vmemmap pages 1 to 7 of a 2 MiB page lead to the frame of page 0. "
        "How many of the 512 struct pages then show the flag PG_head, which marks a head?",
        count,
        lambda _: _say_pg_head("2 MiB"),
        "Slot 0 of each of the eight vmemmap pages shows the bytes of the head: once for real, and seven times not.",
        (
            (lambda _: _say_pg_head("2 MiB", "off"), "One struct page is the head. But its bytes are seen at more than one address."),
            (lambda _: _say_pg_head("2 MiB") - 1, "That counts the fake ones. The real head says PG_head too."),
            (lambda _: 64, "A page has 64 struct pages, and only the first of them is a head."),
            (lambda _: 512, "Each page is shown eight times, but only slot 0 of it holds the head."),
        ),
        write=thousands,
        hint="Each vmemmap page now shows the frame of page 0. What does its first slot show?",
    ),
    "PG_head in a 1 GiB page": Question(
        "With the scheme of 5.18 on x86-64, how many struct pages of one 1 GiB page say PG_head?",
        count,
        lambda _: _say_pg_head("1 GiB"),
        "One for each vmemmap page: the real head and 4,095 fake ones.",
        (
            (lambda _: 1, "One is the real head. Every vmemmap page shows its bytes again, in slot 0."),
            (lambda _: _say_pg_head("2 MiB"), "8 is for a 2 MiB page, which has eight vmemmap pages."),
            (lambda _: _say_pg_head("1 GiB") - 1, "That counts the fake ones. The real head says PG_head too."),
            (lambda _: 512, "512 is the number of struct pages of a 2 MiB page. How many vmemmap pages has 1 GiB?"),
            (lambda _: HugePage("1 GiB").nr_base_pages, "That is all its struct pages. Only one slot in 64 shows the head's bytes."),
        ),
        write=thousands,
        hint="Count the vmemmap pages, and ask what the first slot of each shows.",
    ),
    "head by the fake-head test": Question(
        "A 6.1 kernel on x86-64 with optimised huge pages asks for the head of the struct page at {page:#x}. Its word 1 is "
        "{info:#x}, and it says PG_head. Word 1 of the next struct page is {next:#x}. What does compound_head() return?",
        count,
        _found_head,
        "It lies at the start of a page and says PG_head, so the next one is asked: that is a tail, and names the head.",
        (
            (lambda g: g["page"], "PG_head alone proves nothing at the start of a page. What does the next one say?"),
            (lambda g: g["next"], "Bit 0 is the mark of a tail, not a part of the address."),
            (lambda g: g["info"], "Bit 0 of that word is clear, so it is no compound_head. It is a list pointer."),
            (lambda g: g["info"] - 1, "Bit 0 of that word is clear, so it names no head. It is a list pointer."),
            (lambda g: g["page"] + 64, "That is the address of the next struct page. What does its word 1 say?"),
        ),
        _draw_fake_head,
        hexadecimal,
        hint="Which word of which struct page is the last that is read?",
    ),
    "gain over 5.14": Question(
        "{memory} of RAM is in huge pages of {size}, on x86-64. How much more does the scheme of 5.18 free than that of 5.14? "
        "Answer as a size, for example '3 GiB'.",
        size,
        lambda g: _gain(g["memory"], g["size"]),
        "One frame of 4 KiB for each huge page.",
        (
            (lambda g: _gain(g["memory"], _other(g["size"])), "That is for the other size. One frame more for each huge page: how many are there?"),
            (lambda g: HugePage(g["size"]).bill("head page", parse_size(g["memory"]) // HugePage(g["size"]).size).freed * 4096,
             "That is all that is freed. The question asks for the difference to 5.14."),
            (lambda g: parse_size(g["memory"]) // HugePage(g["size"]).size * 64,
             "That is one struct page of 64 bytes for each huge page. What is freed is a whole frame."),
        ),
        lambda r: {"memory": f"{r.randrange(1, 13)} TiB", "size": r.choice(("2 MiB", "1 GiB"))},
        in_units,
        hint="How many huge pages are there, and how many frames more does each free?",
    ),
}  # fmt: skip
