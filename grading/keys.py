"""The answers of the problem sets, computed by the engine, and the wrong answers that misconceptions lead to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hvlib.arithmetic.geometry import ARCHITECTURES, HugePage, page_to_pfn
from hvlib.facts.layout import PAGING
from hvlib.facts.schemes import DEVICE_DAX
from hvlib.kernels import observe
from hvlib.kernels.trial import scheme_of_series
from hvlib.mechanism.machine import Machine
from hvlib.teaching import ask
from hvlib.teaching.homework import SETS, STEPS, Task
from hvlib.units import GiB, TiB

Given = Mapping[str, Any]
Mistake = tuple[Callable[[Given], ask.Value], str]


@dataclass(frozen=True)
class Key:
    """How a task is graded: its points, how an answer is read, the answer, and the named mistakes.

    A task marked by hand has points and a rubric, and nothing else.
    """

    points: int
    read: ask.Reader | None = None
    answer: Callable[[Given], ask.Value] | None = None
    why: str = ""
    mistakes: tuple[Mistake, ...] = ()
    rubric: tuple[str, ...] = ()

    def question(self, task: Task) -> ask.Question:
        """The task as a question that judges an answer."""
        assert self.read is not None
        assert self.answer is not None
        write = {"size": ask.in_units, "order": ask.sequence}.get(self.read.kind, str)
        return ask.Question(task.prompt, self.read, self.answer, self.why, self.mistakes, task.draw, write)


def _page(g: Given) -> HugePage:
    return ARCHITECTURES[g["name"]].huge_page(g["bytes"])


def _series(g: Given) -> str:
    release = next(name for name in observe.records() if name.startswith(f"{g['series']}."))
    return scheme_of_series(observe.recorded(release).series).name


def _given_back(g: Given) -> int:
    machine = Machine("128 MiB", check=False)
    pool = machine.hugetlb("2 MiB", g["pages"]).optimize("head page")
    machine.occupy(machine.free_frames - g["frames"])
    return pool.free()


def _read_from_1(g: Given) -> int:
    pool = Machine("1 GiB", check=False).hugetlb("2 MiB")
    born = pool.frames()
    now = pool.optimize("tail page").frames()
    return sum(now[number // 64] == born[1] for number in range(g["low"], g["high"] + 1))


def _net_old(g: Given) -> int:
    page = HugePage("2 MiB")
    return page.bill("tail page", g["count"]).saved * page.base_page


def _lettered(*steps: str) -> Callable[[Given], ask.Value]:
    return lambda g: tuple(next(letter for letter in "abcd" if g[letter] == STEPS[step]) for step in steps)


def _freed_in_record(g: Given) -> int:
    scheme = scheme_of_series(observe.recorded(g["release"]).series).name
    return HugePage("2 MiB").freed(scheme) * int(g["count"])


def _left(g: Given) -> int:
    page = HugePage(g["size"])
    return page.bill("head page, copied", g["ram"] * GiB // page.size).left * page.base_page


def _fleet(g: Given, scheme: str = "head page") -> int:
    page = HugePage("2 MiB")
    return int(g["hosts"] * (g["memory"] * GiB * g["share"] // 100 // page.size) * page.freed(scheme) * page.base_page)


def _dax(g: Given, kept: int | None = None) -> int:
    page = HugePage("2 MiB")
    return int(g["memory"] * TiB // page.size * (page.kept(DEVICE_DAX) if kept is None else kept) * page.base_page)


_BASE = PAGING["4-level"].vmemmap
_LETTERS = ask.order_of("a", "b", "c", "d")

KEYS: Mapping[str, Mapping[str, Key]] = {
    "ps1": {
        "memmap": Key(2, ask.size, lambda g: g["ram"] * HugePage("1 GiB", struct_page=g["struct_page"]).memmap_bytes,
            "{ram} x 262,144 frames, {struct_page} bytes for each.",
            ((lambda g: g["ram"] * GiB // 4096, "That is one byte for each frame."),
             (lambda g: g["ram"] * 4096 * g["struct_page"], "There are 262,144 frames in a GiB; 4,096 is the size of one."))),
        "base_pages": Key(2, ask.count, lambda g: g["count"] * _page(g).nr_base_pages, "{size} divided by {base} KiB, times {count}.",
            ((lambda g: _page(g).nr_base_pages, "That is one of them."),
             (lambda g: g["count"] * int(_page(g).memmap_bytes // _page(g).base_page), "That counts the pages that their struct pages fill."))),
        "address": Key(2, ask.count, lambda g: _BASE + 64 * g["pfn"] // 4096 * 4096, "Base + 64 x PFN, rounded down to a page.",
            ((lambda g: _BASE + 64 * g["pfn"], "That is the struct page; its vmemmap page begins before it."),
             (lambda g: _BASE + g["pfn"] // 4096 * 4096, "A struct page has 64 bytes: multiply first."),
             (lambda g: 64 * g["pfn"] // 4096 * 4096, "That is the offset; add where the array starts."))),
        "leaf": Key(2, ask.count, lambda g: g["pfn"] // 32768 * 32768, "32,768 struct pages, 128 MiB of RAM, for each leaf.",
            ((lambda g: g["pfn"] // 512 * 512, "512 is the number of vmemmap pages under a leaf; each holds 64 struct pages."),
             (lambda g: g["pfn"] // 64 * 64, "That is the first of its vmemmap page; a leaf maps 512 of them."),
             (lambda g: g["pfn"] // 32768, "That is the leaf's number; which PFN is its first?"))),
        "head": Key(2, ask.count, lambda g: page_to_pfn(g["word"] - 1), "Subtract 1, subtract the start, divide by 64.",
            ((lambda g: page_to_pfn(g["page"]), "That is the PFN of the tail itself."),
             (lambda g: (g["word"] - 1 - _BASE) // 4096, "The array holds struct pages of 64 bytes, not of 4,096."))),
        "vmemmap_page": Key(2, ask.count, lambda g: g["number"] % 64, "64 struct pages fill a vmemmap page.",
            ((lambda g: g["number"] % 64 + 1, "Slots are counted from 0."),
             (lambda g: g["number"] // 64, "That is its vmemmap page."))),
        "why_eight": Key(4, rubric=(
            "1: a table is one base page of 8-byte entries, so a PMD page has B / 8 base pages",
            "1: B / 8 x 64 bytes = 8 x B", "1: so eight base pages, whatever B", "1: s390x: a table of PTEs has 256 entries, four pages")),
    },
    "ps2": {
        "where_read": Key(2, ask.count, _read_from_1, "Pages 1 to 7 lead to the frame of page 1, so all from 64 on.",
            ((lambda g: g["high"] - g["low"] + 1, "The first 64 are still read from frame 0."),
             (lambda _: 64, "Those are page 1's own. Where do the entries of pages 2 to 7 lead now?"))),
        "net_old": Key(2, ask.size, _net_old, "6 frames for each, less one table for every 64 begun.",
            ((lambda g: 4096 * 6 * g["count"], "That is gross: page tables come off."),
             (lambda g: 4096 * (7 * g["count"] - -(-g["count"] // 64)), "7 is since 5.18."),
             (lambda g: 4096 * (6 * g["count"] - 1), "One table serves 128 MiB; there is more."))),
        "order": Key(2, _LETTERS, _lettered("split", "remap", "flush", "free"), "Split, remap, flush, free: only after the flush is an old frame nobody's.",
            ((_lettered("split", "remap", "free", "flush"), "Until the flush a CPU may still write into a frame that somebody else has."),)),
        "pg_head": Key(2, ask.count, lambda g: sum(int(HugePage(size).nr_vmemmap_pages) * g[n] for size, n in (("2 MiB", "small"), ("1 GiB", "large"))),
            "One for each vmemmap page.",
            ((lambda g: g["small"] + g["large"], "Those are the real heads; each is seen at more addresses."),
             (lambda g: 7 * g["small"] + 4095 * g["large"], "Those are the fake ones; the real ones say it too."))),
        "scheme": Key(2, ask.count, _freed_in_record, "The record is of Linux {release} on x86-64.",
            ((lambda g: 8 * g["count"], "Not all eight: some entries lead where they led at boot, or to a frame that was taken instead."),)),
        "mask": Key(2, ask.count, lambda g: g["page"] & g["word"], "Address AND mask.",
            ((lambda g: g["word"] - 1, "That is the mask without its last bit, and no address of a struct page."),
             (lambda g: g["page"] - 64, "That is the struct page before."))),
        "wrong_order": Key(4, rubric=(
            "1: a CPU keeps the old translation in its TLB", "1: the frame is given to somebody else",
            "1: the first CPU writes a struct page through the old translation, into that frame", "1: nobody notices until later, or an invariant named")),
    },
    "ps3": {
        "left": Key(2, ask.size, _left, "One frame for each huge page, and a page table for every 128 MiB.",
            ((lambda g: g["ram"] * GiB // HugePage(g["size"]).size * 4096, "The page tables of the split stay as well."),
             (lambda g: g["ram"] * GiB // 64, "That is without the optimisation."))),
        "flushes": Key(2, ask.count, lambda g: g["count"] + g["count"] // 64, "One for each huge page, and one for each leaf that is split.",
            ((lambda g: 2 * g["count"], "Neighbours share a leaf; only the first splits it."),
             (lambda _: 2, "Two in all is with batches, since 6.7."))),
        "frames_needed": Key(2, ask.count, lambda g: HugePage(g["size"]).freed(_series(g)) * g["count"], "As many as were freed, for each.",
            ((lambda g: int(HugePage(g["size"]).nr_vmemmap_pages) * g["count"], "Not all: some were kept."),
             (lambda g: HugePage(g["size"]).freed(_series(g)), "That is for the first one; each asks for as many."))),
        "given_back": Key(2, ask.count, _given_back, "Enough for one, and that one pays for the rest.",
            ((lambda g: g["frames"] // 7, "A huge page that is given back brings 512 frames, which pay for the next."),)),
        "fleet": Key(2, ask.size, _fleet, "28 KiB for each huge page.",
            ((lambda g: _fleet(g, "tail page"), "6 of 8 is the scheme of 5.14."),
             (lambda g: _fleet(g) * 8 // 7, "Those are all their struct pages; one frame in eight stays."))),
        "dax": Key(2, ask.size, _dax, "Two frames of eight are kept.",
            ((lambda g: _dax(g, 1), "That is HugeTLB since 5.18; device DAX keeps a page of tails as well."),
             (lambda g: _dax(g, 6), "That is what is saved."),
             (lambda g: _dax(g, 8), "That is without deduplication."))),
        "decision": Key(4, rubric=(
            "1: a number for the saving that follows from the memory", "1: the pool is resized every day: what that costs, and that giving back needs memory",
            "1: what is measured first, and what proves nothing", "1: a condition under which the answer changes")),
    },
}  # fmt: skip
"""Problem set -> task -> `Key`."""


def keyed(problem_set: str) -> list[tuple[Task, Key]]:
    """The tasks of a set with their keys, in order."""
    return [(task, KEYS[problem_set][task.name]) for task in SETS[problem_set].tasks]


def expected(problem_set: str, name: str, student: str) -> ask.Value:
    """The right answer of a student's task."""
    task, key = next(pair for pair in keyed(problem_set) if pair[0].name == name)
    assert key.answer is not None
    return key.answer(task.given(student))
