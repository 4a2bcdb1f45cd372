"""Questions of chapter 5."""

from __future__ import annotations

from math import gcd

from ...arithmetic.geometry import ARCHITECTURES, HugePage
from ..ask import Question, count, in_units, size, thousands

QUESTIONS: dict[str, Question] = {
    "struct page of 128 bytes": Question(
        "If a struct page were 128 bytes, how many 4 KiB pages would the struct pages of a 2 MiB page fill?",
        count,
        lambda _: int(HugePage("2 MiB", struct_page=128).nr_vmemmap_pages),
        "512 x 128 bytes are 64 KiB. For a page that one PMD entry maps the count is 128 / 8, whatever the base page.",
        (
            (lambda _: 8, "8 is for 64 bytes; twice the bytes fill twice the pages."),
            (lambda _: 4, "Larger struct pages fill more pages, not fewer."),
            (lambda _: 128, "128 is the size of one struct page in bytes."),
        ),
        write=thousands,
        hint="How many bytes are 512 of them, and how often do 4 KiB go into that?",
    ),
    "vmemmap page of a struct page": Question(
        "Struct page {number} of a 2 MiB page (the head is 0): in which of its vmemmap pages 0 to 7 does it lie?",
        count,
        lambda g: g["number"] // (4096 // 64),
        "64 struct pages of 64 bytes fill one vmemmap page of 4 KiB.",
        (
            (lambda g: g["number"] // 64 + 1, "Vmemmap pages are counted from 0, like struct pages."),
            (lambda g: g["number"] % 64, "That is its slot inside the vmemmap page."),
            (lambda g: g["number"] // 8, "8 is the number of vmemmap pages; each of them holds 64 struct pages."),
        ),
        lambda r: {"number": r.choice([n for n in range(65, 512) if len({n // 64, n // 64 + 1, n % 64, n // 8}) == 4])},
        thousands,
        hint="How many struct pages lie in one vmemmap page? Count the full ones before yours.",
    ),
    "trays cut alike": Question(
        "If a struct page were {size} bytes: vmemmap page 0 begins with a whole struct page. Which is the next one in the "
        "array that does?",
        count,
        lambda g: g["size"] // gcd(g["size"], 4096),
        "Up to there the bytes are a multiple of {size} and of 4,096, for the first time.",
        (
            (lambda _: 1, "So it would be if the size divided 4,096. Here a struct page lies across the first edge."),
            (lambda g: 4096 // g["size"], "So many whole struct pages fit into one vmemmap page."),
            (lambda g: g["size"], "There one begins again, but not for the first time."),
        ),
        lambda r: {"size": r.choice([80, 96, 112])},
        thousands,
        hint="How many bytes are left over at the end of each page, and when do they add up to whole struct pages?",
    ),
    "nothing to save": Question(
        "Which HugeTLB size of arm64 with {base} KiB base pages leaves no scheme a frame to free?",
        size,
        lambda g: next(
            size
            for size, _ in ARCHITECTURES[f"arm64, {g['base']} KiB base"].huge_pages
            if not ARCHITECTURES[f"arm64, {g['base']} KiB base"].huge_page(size).freed("head page")
        ),
        "Its struct pages fill less than one vmemmap page, which they share with their neighbours'.",
        (
            (lambda g: ARCHITECTURES[f"arm64, {g['base']} KiB base"].huge_pages[1][0],
             "Its struct pages fill 8 or more vmemmap pages, so there is something to free."),
            (lambda g: ARCHITECTURES[f"arm64, {g['base']} KiB base"].huge_pages[-1][0],
             "The largest size has the most struct pages, and the most to free."),
        ),
        lambda r: {"base": r.choice([4, 16, 64])},
        in_units,
        hint="For each size, count the bytes of its struct pages: do they fill one vmemmap page?",
    ),
}  # fmt: skip
