"""Problem sets for a course: the tasks as a student sees them, with numbers of the student's own.

The numbers come from the student's id, so each student has other ones. The answers are not here; they are computed by
`grading`, which is not part of the library that students use.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from ..arithmetic.geometry import ARCHITECTURES, pfn_to_page
from ..errors import BadInput, quoted, table
from ..kernels import observe, trial
from ..units import KiB, format_size
from .prompt import Draw, Given, Prompt, no_numbers

LONGEST_ID = 64


@dataclass(frozen=True)
class Task(Prompt):
    """One task of a problem set: a `Prompt` whose seed is a student's id.

    ``form`` says what an answer looks like, with an example that is not the answer; `None` for a task that is marked
    by hand.
    """

    name: str
    chapter: int
    prompt: str
    form: str | None
    draw: Draw = no_numbers

    def key(self, seed: int | str) -> str:
        """What the numbers are drawn from: the task, and a student's id."""
        return f"hvlib homework {self.name} {student_id(seed)}"


@dataclass(frozen=True)
class ProblemSet:
    """Tasks to be handed in together."""

    name: str
    title: str
    chapters: str
    tasks: tuple[Task, ...]


def student_id(student: object) -> str:
    """A student's id as numbers are drawn from it: BCruz, bcruz and bcruz with a blank behind it are one student.

    Raises `BadInput` for anything that is no id.
    """
    text = " ".join(unicodedata.normalize("NFC", student[:999]).split()) if isinstance(student, str) else ""
    text = unicodedata.normalize("NFC", text.casefold())
    if not text.isprintable() or not 0 < len(text) <= LONGEST_ID:
        raise BadInput(f"{quoted(student)} is no student id; write yours as text, for example 's01'.")
    return text


def _bases(r: random.Random) -> Given:
    name = r.choice(["arm64, 16 KiB base", "arm64, 64 KiB base", "x86-64", "arm64, 4 KiB base"])
    architecture = ARCHITECTURES[name]
    size, _ = r.choice(architecture.huge_pages[-2:])
    return {"name": name, "bytes": size, "size": format_size(size), "base": architecture.base_page // KiB,
            "count": r.randrange(3, 60)}  # fmt: skip


def _tail(r: random.Random) -> Given:
    head, number = 512 * r.randrange(16, 4096), r.randrange(1, 512)
    return {"page": pfn_to_page(head + number), "word": pfn_to_page(head) + 1, "number": number}


def _record(r: random.Random) -> Given:
    release = r.choice([name for name in observe.records() if "on" in observe.recorded(name).states])
    record = observe.recorded(release)
    leads = trial.leads(record.entries("2 MiB"), record.entries("2 MiB", "boot"))
    return {"release": release, "leads": leads, "count": r.randrange(20, 400)}


STEPS = {
    "split": "split the PMD leaf",
    "remap": "remap the entries",
    "flush": "flush the TLB",
    "free": "free the frames",
}


def _lettered(r: random.Random) -> Given:
    """The steps of the remap in any order; each gets a letter."""
    return dict(zip("abcd", r.sample(list(STEPS.values()), 4), strict=True))


def _masked(r: random.Random) -> Given:
    order = r.choice([9, 11, 13, 18])
    head, inside = r.randrange(64, 4096) << order, r.randrange(1, 1 << order)
    return {"order": order, "page": pfn_to_page(head + inside), "word": (1 << 64) - (1 << order + 6) | 1}


NUMBER = "a whole number, for example 512 or 0x200"
SIZE = "a size, for example '16 MiB'"

SETS: Mapping[str, ProblemSet] = table("problem set", {
    "ps1": ProblemSet("ps1", "Counting and addresses", "1 to 5", (
        Task("memmap", 1, "A machine has {ram} GiB of RAM, and its kernel a struct page of {struct_page} bytes. How much memory do its "
             "struct pages take?", SIZE,
             lambda r: {"ram": r.randrange(3, 64) * 8, "struct_page": r.choice([56, 64, 80, 96])}),
        Task("base_pages", 2, "How many base pages of {base} KiB do {count} huge pages of {size} have together?", NUMBER, _bases),
        Task("address", 3, "With 4-level paging and without address randomisation, at which address does the vmemmap page begin that holds "
             "the struct page of PFN {pfn:#x}?", NUMBER,
             lambda r: {"pfn": 64 * r.randrange(0x400, 0x100000) + r.randrange(1, 64)}),
        Task("leaf", 3, "A PMD leaf of the vmemmap maps the struct page of PFN {pfn:#x}. Which is the first PFN whose struct page the same leaf maps?", NUMBER,
             lambda r: {"pfn": 32768 * r.randrange(4, 256) + r.randrange(1, 32768)}),
        Task("head", 4, "A kernel of 6.1 on x86-64 reads word 1 of the struct page at {page:#x}: it is {word:#x}. What is the PFN of the head?", NUMBER, _tail),
        Task("vmemmap_page", 5, "Struct page {number} of a huge page of {size} (the head is 0): in which slot of its vmemmap page does it "
             "lie, counted from 0?", NUMBER,
             lambda r: {"size": r.choice(["2 MiB", "1 GiB"]), "number": 64 * r.randrange(1, 8) + r.randrange(1, 64)}),
        Task("why_eight", 5, "Why do the struct pages of a huge page that one PMD entry maps fill eight base pages, with base pages of 4, 16 and "
             "64 KiB alike? And why does that fail on s390x? At most eight sentences.", None),
    )),
    "ps2": ProblemSet("ps2", "The remap and the order of its steps", "6 to 8", (
        Task("where_read", 6, "A 2 MiB page is optimised as in 5.14 to 5.17 on x86-64. Number its frames 0 to 7 after the vmemmap page that each backs at boot. "
             "How many of the struct pages {low} to {high}, both included, are read from frame 1?", NUMBER,
             lambda r: {"low": r.randrange(1, 60), "high": r.randrange(130, 512)}),
        Task("net_old", 6, "On x86-64, {count} neighbouring huge pages of 2 MiB begin at a multiple of 128 MiB, and none was optimised before. With the "
             "scheme of 5.14, how much more memory is free afterwards, page tables subtracted?", SIZE,
             lambda r: {"count": r.randrange(130, 1200)}),
        Task("order", 6, "Put into the order in which a kernel takes them: (a) {a}, (b) {b}, (c) {c}, (d) {d}. (The flush after the split is left out.) "
             "Answer with the four letters.", "a text of four letters with commas, for example 'a, b, c, d'", _lettered),
        Task("pg_head", 7, "A kernel of 6.1 on x86-64 has optimised {small} huge pages of 2 MiB and {large} of 1 GiB. At how many addresses does a struct page of "
             "theirs say PG_head?", NUMBER, lambda r: {"small": r.randrange(2, 40), "large": r.randrange(1, 6)}),
        Task("scheme", 8, "A real kernel's page table, one 2 MiB page, vmemmap pages 0 to 7 (a letter is a frame that was not theirs at boot): {leads}. "
             "How many frames did {count} huge pages of 2 MiB free in that way, before page tables?", NUMBER, _record),
        Task("mask", 8, "A 7.1 kernel for x86-64, built with HVO, asks for the head of the struct page at {page:#x}, whose word 1 is {word:#x}. At which address is the head's struct "
             "page?", NUMBER, _masked),
        Task("wrong_order", 6, "Somebody proposes to free the frames before the last TLB flush, to save time. Say what can go wrong, step by step, "
             "with two CPUs. At most eight sentences.", None),
    )),
    "ps3": ProblemSet("ps3", "Cost, giving back, and a decision", "9 to 12", (
        Task("left", 9, "{ram} GiB are in huge pages of {size}, neighbours from a multiple of 128 MiB on, optimised by a kernel of 6.12 on x86-64. How much memory "
             "do their struct pages and the page tables of the split still take?", SIZE,
             lambda r: {"ram": r.randrange(2, 65) * 16, "size": r.choice(["2 MiB", "1 GiB"])}),
        Task("flushes", 9, "A kernel before 6.7, on x86-64, optimises {count} neighbouring huge pages of 2 MiB that begin at a multiple of 128 MiB, one by one, none "
             "optimised before. How often does it flush the TLB?", NUMBER, lambda r: {"count": 64 * r.randrange(2, 17)}),
        Task("frames_needed", 10, "How many frames are allocated in all while {count} optimised huge pages of {size} are given back, one after another, by a "
             "kernel of {series} on x86-64?", NUMBER,
             lambda r: {"count": r.randrange(2, 30), "size": r.choice(["2 MiB", "1 GiB"]), "series": r.choice(["5.15", "6.1", "6.12", "7.1"])}),
        Task("given_back", 10, "{pages} huge pages of 2 MiB, optimised as on x86-64 since 5.18, are to be given back. {frames} frames can be had. In the model, how "
             "many of the huge pages can go?", NUMBER,
             lambda r: {"pages": r.randrange(3, 40), "frames": r.choice([4, 6, *range(7, 16)])}),
        Task("fleet", 12, "{hosts:,} x86-64 hosts have {memory} GiB of RAM each, {share} % of it in huge pages of 2 MiB. What does the optimisation save on all "
             "of them together since 5.18, before page tables?", SIZE,
             lambda r: {"hosts": 100 * r.randrange(2, 50), "memory": r.choice([128, 256, 512]), "share": r.choice([25, 50, 75])}),
        Task("dax", 12, "{memory} TiB of device-DAX memory are mapped in pages of 2 MiB. How much memory does its deduplicated vmemmap still take, "
             "page tables left out?", SIZE, lambda r: {"memory": r.randrange(3, 96)}),
        Task("decision", 12, "A host of {memory} GiB runs Linux 6.12 on x86-64. Its pool of 2 MiB pages takes half of the RAM at midday and a tenth at "
             "night, every day. Should the optimisation be switched on? Half a page: a number, what it costs, what to measure first, and when you "
             "would change your mind.", None, lambda r: {"memory": r.choice([256, 512, 1024])}),
    )),
}.items())  # fmt: skip
"""Name -> `ProblemSet`."""


def task(problem_set: str, name: str) -> Task:
    """A task by name. Raises `BadInput` for an unknown one."""
    return table("task", ((one.name, one) for one in SETS[problem_set].tasks))[name]


def put(problem_set: str, name: str, student: str) -> None:
    """Print a task with the student's own numbers. Raises `BadInput` for an unknown task or no student."""
    asked = task(problem_set, name)
    print(asked.text(student))
    if asked.form:
        print(f"Your answer is {asked.form}.")
