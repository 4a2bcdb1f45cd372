"""Questions of chapter 4."""

from __future__ import annotations

from collections import Counter

from ...arithmetic.geometry import HugePage, page_to_pfn, pfn_to_page
from ...facts.layout import BASE_PAGE, PAGING, STRUCT_PAGE
from ...mechanism.machine import Machine
from ...mechanism.structpage import COMPOUND_INFO, RawMemory, StructPage, compound_head
from ..ask import Question, count, hexadecimal, thousands
from ..prompt import Given

_BASE = PAGING["4-level"].vmemmap


def _most_alike() -> int:
    """The largest number of equal struct pages in one 2 MiB page of the model, compared byte by byte."""
    machine = Machine("1 GiB", check=False)
    head = machine.hugetlb("2 MiB").pfns[0]
    return Counter(bytes(machine.struct_page_of(head + number)) for number in range(512)).most_common(1)[0][1]


def _head_of(given: Given) -> int:
    """PFN of the head, decoded from the 64 bytes of the tail as the kernel does it."""
    words = [0] * (STRUCT_PAGE // 8)
    words[COMPOUND_INFO] = given["word"]
    address = pfn_to_page(given["tail"])
    return page_to_pfn(compound_head(address, RawMemory(bytes(StructPage(address, tuple(words))), address)))


def _structs(given: Given) -> int:
    return HugePage(BASE_PAGE << given["order"]).nr_base_pages


QUESTIONS: dict[str, Question] = {
    "struct pages that are alike": Question(
        "The model compares the 64 bytes of all 512 struct pages of a fresh 2 MiB page. The most common content occurs how often?",
        count,
        lambda _: _most_alike(),
        "The head differs, and so does the first tail, which says how large the page is. The other tails are alike.",
        (
            (lambda _: 1, "A tail does not say which frame it belongs to; its address says that already. So they need not all differ."),
            (lambda _: 512, "One of them is the head, and that must differ from a tail."),
            (lambda _: 511, "The head differs from the tails, and one of the tails differs from the others."),
            (lambda _: 508, "Four is what a kernel with control groups may use; the model's page is in no control group."),
            (lambda _: 448, "That is seven vmemmap pages of tails. In the first vmemmap page there are tails too."),
        ),
        write=thousands,
        hint="Take away from the 512 those that must say something that the others do not.",
    ),
    "decode word 1": Question(
        "A 6.1 kernel on x86-64, 4-level paging, no randomisation. Word 1 of the struct page of PFN {tail:#x} is {word:#x}. "
        "Which PFN has the head?",
        count,
        _head_of,
        "Subtract 1 for bit 0, subtract the start of the vmemmap, divide by 64.",
        (
            (lambda g: g["word"] - 1, "That is the address of the head's struct page. Which PFN has its struct page there?"),
            (lambda g: (g["word"] - 1 - _BASE) // 4096, "Struct pages are 64 bytes apart, not 4,096."),
            (lambda g: (g["word"] - 1) // 64, "The vmemmap does not start at address 0; subtract its start before dividing."),
            (lambda g: g["word"] - 1 - _BASE, "That is the distance in bytes from the start of the vmemmap."),
            (lambda g: g["tail"], "That is the tail itself; its word 1 has bit 0 set and names another."),
        ),
        lambda r: (lambda head: {"tail": head + r.randrange(1, 512), "word": pfn_to_page(head) + 1})(
            512 * r.randrange(0x400, 0x1000)
        ),
        hexadecimal,
        hint="What is left of the word without the bit that says “tail”, counted in struct pages from the start of the vmemmap?",
    ),
    "what a minimum order means": Question(
        "A huge page must be at least of order {order}. How many struct pages has it at least?",
        count,
        _structs,
        "An order is an exponent of 2, and there is one struct page for each base page.",
        (
            (lambda g: g["order"], "An order is not a count: it is the exponent of 2."),
            (lambda g: _structs(g) - 1, "That is the number of the last one. They are counted from 0."),
            (lambda _: 512, "512 is a 2 MiB page, order 9. The order given is the least that is allowed."),
        ),
        lambda r: {"order": r.choice([2, 2, 3, 4, 5])},
        thousands,
        hint="Order 0 is one base page, and each order is twice the one before.",
    ),
    "tails of a huge page": Question(
        "A HugeTLB page of {size}, base pages of 4 KiB. How many tails has it?",
        count,
        lambda g: HugePage(g["size"]).nr_base_pages - 1,
        "One struct page for each base page, and one of them is the head.",
        (
            (lambda g: HugePage(g["size"]).nr_base_pages, "That counts the head as well."),
            (lambda _: 511, "511 is a 2 MiB page."),
            (lambda g: int(HugePage(g["size"]).nr_vmemmap_pages), "That counts vmemmap pages; each of them holds 64 struct pages."),
        ),
        lambda r: {"size": r.choice(["1 GiB", "32 MiB", "1 MiB", "2 GiB"])},
        thousands,
        hint="Count the struct pages, one for each base page, and leave out those that are no tails.",
    ),
}  # fmt: skip
