"""Questions of chapter 8."""

from __future__ import annotations

import random
from functools import cache

import numpy as np

from ...arithmetic.geometry import HugePage, pfn_to_page
from ...facts.layout import STRUCT_PAGE
from ...mechanism.machine import Machine
from ...mechanism.structpage import COMPOUND_INFO, RawMemory, compound_head, tail_info
from ..ask import Question, count, hexadecimal, thousands
from ..prompt import Given


def _info(order: int) -> int:
    """Word 1 of every tail of an order since 7.1."""
    return int(tail_info(np.array([0], np.uint64), order, "mask", STRUCT_PAGE)[0])


def _mask(bit: int) -> int:
    """Ones from bit 63 down to ``bit``."""
    return (1 << 64) - (1 << bit)


@cache
def _distinct_frames(huge_pages: int) -> int:
    """Frames that hold the struct pages of that many huge pages of 2 MiB, optimised as in 7.1, in one zone."""
    machine = Machine("4 GiB", check=False)
    return machine.hugetlb("2 MiB", huge_pages).optimize("shared tail").distinct_frames()


@cache
def _frames(small: int, large: int, scheme: str) -> int:
    """Distinct frames behind the struct pages of ``small`` pages of 2 MiB and ``large`` of 1 GiB together."""
    machine = Machine("8 GiB", check=False)
    pools = [machine.hugetlb(size, n).optimize(scheme) for size, n in (("1 GiB", large), ("2 MiB", small))]
    return len({frame for pool in pools for number in range(len(pool)) for frame in pool.frames(number)})


def _draw_tail(r: random.Random) -> Given:
    """A tail of a 2 MiB page that is neither in vmemmap page 0 nor at the start of a page."""
    head = 512 * (2 * r.randrange(1, 2048) + 1)
    tail = pfn_to_page(head + 64 * r.randrange(1, 8) + r.randrange(1, 64))
    return {"tail": tail, "info": _info(HugePage("2 MiB").order)}


def _head(g: Given) -> int:
    words = np.zeros(8, "<u8")
    words[COMPOUND_INFO] = g["info"]
    return compound_head(g["tail"], RawMemory(words.tobytes(), g["tail"]), encoding="mask")


QUESTIONS: dict[str, Question] = {
    "frames for 1,024": Question(
        "A 7.1 kernel on x86-64 optimises 1,024 huge pages of 2 MiB, all in one memory zone. How many frames hold their struct pages "
        "after that?",
        count,
        lambda _: _distinct_frames(1024),
        "Each head needs a page of its own. All tails of a size are equal, so one page of them serves every huge page of "
        "that size in the zone.",
        (
            (lambda _: 1, "That one holds tails only. Each huge page has a head besides, and no two heads are equal."),
            (lambda _: 1024, "One for each head, and which for the tails? Their addresses must lead somewhere too."),
            (lambda _: 2048, "Two for each is what 5.14 to 5.17 kept, when a tail named its own head."),
            (lambda _: 1024 * int(HugePage("2 MiB").nr_vmemmap_pages), "That is without the optimisation: eight for each."),
        ),
        write=thousands,
        hint="Which of the struct pages of a huge page are its own, and which could be another’s?",
    ),
    "what a tail stores": Question(
        "A 7.1 kernel for x86-64, built with HVO, has struct pages of 64 bytes. What is word 1 of a tail of order {order}, a page of 2^{order} base pages? "
        "Answer in hexadecimal, for example 0xffffffffffff8001, which is order 9.",
        count,
        lambda g: _info(g["order"]),
        "Ones down to bit {order} + 6, because 2^{order} struct pages of 2^6 bytes are aligned to that, plus the 1 that says tail.",
        (
            (lambda g: _mask(g["order"]) | 1, "The order counts struct pages, and an address counts bytes: 64 to a struct page."),
            (lambda g: _mask(g["order"] + 6), "That is the mask alone. How does a reader know that this is a tail?"),
            (lambda g: _mask(g["order"] + 12) | 1, "The mask is for addresses of struct pages, of 2^6 bytes, not of base pages, of 2^12."),
            (lambda g: (1 << g["order"] + 6) - 1, "That keeps the low bits of the address, where the tail is. The head is what is left without them."),
            (lambda g: _info(9), "That is the example, order 9."),
        ),
        lambda r: {"order": r.choice((4, 11, 13, 16))},
        hexadecimal,
        hint="Huge pages of this order begin at multiples of their struct pages’ bytes: so many low bits are to be cleared.",
    ),
    "head by the mask": Question(
        "A 7.1 kernel for x86-64, built with HVO, asks for the head of the struct page at {tail:#x}. Its word 1 is {info:#x}. "
        "What does compound_head() return?",
        count,
        _head,
        "Address AND mask: the low 15 bits are cleared.",
        (
            (lambda g: g["info"] - 1, "Up to 7.0 word 1 minus 1 was the head. Since 7.1 it is a mask for the address of the tail."),
            (lambda g: g["tail"], "Bit 0 of word 1 is set, so this is a tail, and not its own head."),
            (lambda g: g["tail"] & _mask(12), "That is where its vmemmap page begins. The mask clears more bits than 12."),
            (lambda g: g["tail"] & _info(18), "That is the mask of a 1 GiB page. This one clears 15 bits."),
            (lambda g: g["tail"] & ~g["info"] & (1 << 64) - 1, "That is what the mask takes away. What is left of the address?"),
        ),
        _draw_tail,
        hexadecimal,
        hint="Which low bits does the mask clear? Write both numbers in binary, or do one hexadecimal digit at a time.",
    ),
    "frames since 7.1": Question(
        "One zone of a 7.1 kernel on x86-64 has {small} optimised huge pages of 2 MiB and {large} of 1 GiB. In how many different frames "
        "do all their struct pages lie?",
        count,
        lambda g: _frames(g["small"], g["large"], "shared tail"),
        "One frame with the head for each huge page, and one page of tails for each of the two sizes.",
        (
            (lambda g: g["small"] + g["large"], "The heads have a frame each. But where do the tails behind the first 64 lie?"),
            (lambda g: g["small"] + g["large"] + 1, "A tail's mask depends on the size of its huge page. Can two sizes share a page of tails?"),
            (lambda g: _frames(g["small"], g["large"], "tail page"), "That is 5.14, when each huge page kept a page of tails of its own."),
            (lambda g: _frames(g["small"], g["large"], "off"), "That is without the optimisation."),
        ),
        lambda r: {"small": r.randrange(3, 30), "large": r.randrange(2, 4)},
        thousands,
        hint="Give each huge page a frame for its head, and each size one for its tails.",
    ),
}  # fmt: skip
