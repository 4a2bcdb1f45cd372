"""Questions of chapter 9."""

from __future__ import annotations

import random
from functools import cache

from ...arithmetic.geometry import Bill, HugePage
from ...mechanism.machine import Machine
from ...units import GiB, parse_size
from ..ask import Question, count, in_units, size, thousands
from ..prompt import Given

_BASE = 4096


def _bill(huge_page: str, scheme: str, memory: str) -> Bill:
    page = HugePage(huge_page)
    return page.bill(scheme, parse_size(memory) // page.size)


def _left(huge_page: str, scheme: str) -> int:
    """Bytes that the struct pages of 1 TiB of such huge pages still take, page tables included."""
    bill = _bill(huge_page, scheme, "1 TiB")
    return _BASE * (bill.memmap - bill.saved)


def _other(scheme: str) -> str:
    return "head page" if scheme == "tail page" else "tail page"


@cache
def _flushes(pages: int, batch: bool) -> int:
    """TLB flushes for neighbours that begin at a multiple of 128 MiB, counted by the mechanism."""
    machine = Machine("4 GiB", check=False)
    skip = machine.hugetlb("2 MiB", 63)
    pool = machine.hugetlb("2 MiB", pages)
    assert pool.pfns[0] % (64 * 512) == 0, skip
    pool.optimize("head page", batch=batch)
    return machine.tlb_flushes


def _pool(r: random.Random) -> Given:
    return {
        "huge_page": r.choice(("2 MiB", "1 GiB")),
        "memory": f"{r.choice((32, 64, 128, 256, 512))} GiB",
        **dict(zip(("scheme", "releases"), r.choice((("tail page", "5.14"), ("head page", "5.18"))), strict=True)),
    }


def _host(r: random.Random) -> Given:
    ram = r.choice((64, 128, 256, 512))
    return {"ram": ram, "huge": ram // 8 * r.randrange(2, 8)}


def _all_struct_pages(ram: int) -> int:
    return _BASE * _bill("2 MiB", "off", f"{ram} GiB").memmap


def _freed(huge: int) -> int:
    return _BASE * _bill("2 MiB", "head page", f"{huge} GiB").freed


QUESTIONS: dict[str, Question] = {
    "what is left of 16 GiB": Question(
        "On x86-64, 1 TiB of huge pages of 1 GiB has 16 GiB of struct pages. They are optimised as from 5.18 to 7.0. How much "
        "memory do the struct pages, and what the optimisation itself needs, still take?",
        size,
        lambda _: _left("1 GiB", "head page"),
        "1,024 frames are kept, and 8,192 page tables are needed to reach them.",
        (
            (lambda _: _BASE * (_bill("1 GiB", "head page", "1 TiB").memmap - _bill("1 GiB", "head page", "1 TiB").freed),
             "That is one kept frame for each huge page. The vmemmap is now mapped page by page: what does that take?"),
            (lambda _: _BASE * _bill("1 GiB", "head page", "1 TiB").tables,
             "Those are the page tables. One frame of each huge page is kept as well."),
            (lambda _: _BASE * (_bill("1 GiB", "tail page", "1 TiB").memmap - _bill("1 GiB", "tail page", "1 TiB").freed),
             "That is two kept frames for each huge page, as from 5.14 to 5.17, and no page tables."),
            (lambda _: _left("1 GiB", "tail page"), "That is the scheme of 5.14 to 5.17, which kept two frames."),
            (lambda _: 2 * GiB, "That is 2 MiB pages, one frame of eight, without the page tables."),
            (lambda _: 0, "One frame of each huge page holds its head, and is kept."),
        ),
        write=in_units,
        hint="Two things stay: the frames that hold the heads, and the page tables by which all is found.",
    ),
    "net saving of a pool": Question(
        "On x86-64, {memory} are in huge pages of {huge_page}, all neighbours, from a multiple of 128 MiB on, none optimised before. "
        "With the scheme of {releases}, how much memory is saved, net of page tables? (A size such as '3 MiB' or a number "
        "of bytes.)",
        size,
        lambda g: _BASE * _bill(g["huge_page"], g["scheme"], g["memory"]).saved,
        "The frames freed, less one page table for every 128 MiB.",
        (
            (lambda g: _BASE * _bill(g["huge_page"], g["scheme"], g["memory"]).freed,
             "That is gross: each 128 MiB of huge pages takes a page table."),
            (lambda g: _BASE * _bill(g["huge_page"], g["scheme"], g["memory"]).memmap,
             "That is all their struct pages; some frames are kept."),
            (lambda g: _BASE * _bill(g["huge_page"], _other(g["scheme"]), g["memory"]).saved,
             "5.14 keeps two frames of each huge page, 5.18 one. Which was asked for?"),
            (lambda g: _BASE * (_bill(g["huge_page"], g["scheme"], g["memory"]).freed
                                - parse_size(g["memory"]) // parse_size(g["huge_page"])),
             "A page table serves 128 MiB of memory, whatever the size of the huge pages is."),
        ),
        _pool,
        in_units,
        hint="Count what all huge pages free, then take away one page table for each PMD leaf.",
    ),
    "flushes one by one": Question(
        "A pool on x86-64 takes {pages} neighbouring huge pages of 2 MiB, from a multiple of 128 MiB on, none optimised before. They "
        "are optimised one by one, as before 6.7. How often is the TLB flushed?",
        count,
        lambda g: _flushes(g["pages"], False),
        "Once for each huge page after its remap, and once for each PMD leaf that is split: one in 64 huge pages.",
        (
            (lambda g: _flushes(g["pages"], True), "That is a batch. One by one, every huge page flushes for itself."),
            (lambda g: 2 * g["pages"], "A huge page flushes for the split only if its PMD leaf is not split already."),
            (lambda g: g["pages"], "After each remap, yes. What else is followed by a flush?"),
            (lambda g: g["pages"] // 64, "Those are the splits alone."),
        ),
        lambda r: {"pages": 64 * r.randrange(3, 12)},
        thousands,
        hint="One flush follows each remap. What else is flushed, and once for how many huge pages?",
    ),
    "87.5 % of what": Question(
        "An x86-64 host has {ram} GiB of RAM, {huge} GiB of it in huge pages of 2 MiB, optimised as since 5.18. How much memory do "
        "all struct pages of the host take now? Leave page tables out.",
        size,
        lambda g: _all_struct_pages(g["ram"]) - _freed(g["huge"]),
        "Of the frames of the huge pages' struct pages one eighth is left; those of the rest of RAM are as they were.",
        (
            (lambda g: _all_struct_pages(g["ram"]) // 8,
             "87.5 % is saved of the memory of the struct pages *of the huge pages*. The rest of RAM has struct pages too."),
            (lambda g: _all_struct_pages(g["huge"]) // 8,
             "That is what the huge pages' own struct pages take. The rest of RAM has struct pages too."),
            (lambda g: _freed(g["huge"]), "That is what was saved. What is left?"),
            (lambda g: _all_struct_pages(g["ram"]), "That is before anything was freed."),
        ),
        _host,
        in_units,
        hint="Count two parts: the struct pages of the huge pages, and those of the rest of the RAM.",
    ),
}  # fmt: skip
