"""Questions of chapter 0."""

from __future__ import annotations

from ...arithmetic.geometry import ARCHITECTURES, HugePage
from ...mechanism.machine import Machine
from ...units import KiB, MiB, format_size
from ..ask import Question, count, in_units, size, thousands

_MAIL = 4096
"""What the mail says; the number is quoted, everything else is computed."""
_OTHERS = tuple(
    (name, huge)
    for name in ("arm64, 16 KiB base", "arm64, 64 KiB base")
    for huge, _ in ARCHITECTURES[name].huge_pages[1:]
)


def _elsewhere(name: str, huge: int) -> dict[str, object]:
    base = ARCHITECTURES[name].base_page // KiB
    return {"name": name, "bytes": huge, "huge": format_size(huge), "base": base}


def _page(name: str, huge: int) -> HugePage:
    return ARCHITECTURES[name].huge_page(huge)


def _frames_left(huge: str) -> int:
    return Machine("4 GiB", check=False).hugetlb(huge).optimize("tail page").distinct_frames()


QUESTIONS: dict[str, Question] = {
    "if the mail were right": Question(
        "Suppose the mail is right, and a 1 GiB page consists of 4,096 equal base pages. How large is each of them?",
        size,
        lambda _: HugePage("1 GiB").size // _MAIL,
        "1 GiB / 4,096. No x86-64 processor has a page of that size; its base page is 4 KiB.",
        (
            (lambda _: HugePage("1 GiB").base_page, "4 KiB is what x86-64 has. Are 4,096 of those 1 GiB? Multiply."),
            (lambda _: _MAIL * HugePage("1 GiB").base_page, "That is what 4,096 base pages of 4 KiB are together."),
            (lambda _: MiB, "1 MiB is 1 GiB / 1,024."),
        ),
        write=in_units,
        hint="Divide the 1 GiB by the number of its parts.",
    ),
    "base pages elsewhere": Question(
        "On arm64 with base pages of {base} KiB there are huge pages of {huge}. How many base pages does one have?",
        count,
        lambda g: _page(g["name"], g["bytes"]).nr_base_pages,
        "{huge} divided by {base} KiB.",
        (
            (lambda g: g["bytes"] // (4 * KiB), "That divides by 4 KiB, the base page of x86-64; here it is {base} KiB."),
            (lambda g: int(_page(g["name"], g["bytes"]).nr_vmemmap_pages),
             "That is how many pages its struct pages fill: the very slip of the mail."),
            (lambda g: 2 * _page(g["name"], g["bytes"]).nr_base_pages, "That is twice too many; divide again."),
        ),
        lambda r: _elsewhere(*r.choice(_OTHERS)),
        thousands,
        hint="How often does one base page go into the huge page?",
    ),
    "pages made of tails only": Question(
        "The struct pages of a {huge} page fill {pages:,} pages of 4 KiB. Say that only the first of these pages holds "
        "anything of its own. How many pages are then made of tails only?",
        count,
        lambda g: _tail_pages(g["huge"]),
        "All but the first, {pages:,} - 1. The mail frees the frames of one fewer, because one has to stand for the rest.",
        (
            (lambda g: g["pages"] - 2, "The mail frees the frames of so many. One more is made of tails only: which?"),
            (lambda g: g["pages"], "The first page is needed: it holds the ones in use."),
            (lambda g: HugePage(g["huge"]).nr_base_pages - 4,
             "That counts struct pages. Count the pages that they fill."),
        ),
        lambda r: (lambda huge: {"huge": huge, "pages": int(HugePage(huge).nr_vmemmap_pages)})(
            r.choice(["2 MiB", "4 MiB", "32 MiB", "64 MiB"])
        ),
        thousands,
        hint="Count whole pages of 4 KiB, and leave out the one that has something of its own.",
    ),
    "frames that remain": Question(
        "The mail remaps pages 2 to 7 to page 1. How many different page frames then hold the struct pages of the "
        "2 MiB page? (Its second diagram is still headed 8.)",
        count,
        lambda _: _frames_left("2 MiB"),
        "The frames of pages 0 and 1; the other six are given back.",
        (
            (lambda _: int(HugePage("2 MiB").nr_vmemmap_pages), "So the heading of the diagram says. Count the frames that arrows lead to."),
            (lambda _: HugePage("2 MiB").freed("tail page"), "Those are given back; how many are left?"),
            (lambda _: 1, "Page 0 keeps its frame as well; it holds the ones in use."),
        ),
        write=thousands,
        hint="Draw the arrows of pages 0 to 7, and count the frames that one of them leads to.",
    ),
}  # fmt: skip


def _tail_pages(huge: str) -> int:
    """Vmemmap pages that begin with a tail, counted in the machine."""
    machine = Machine("1 GiB", check=False)
    pool = machine.hugetlb(huge)
    first = [page * machine.base_page // machine.struct_page for page in pool.vmemmap_pages()]
    return sum(machine.struct_page_of(pfn).is_tail for pfn in first)
