"""What the pictures that are worked by hand show (`hands`): numbers of the engine and of the records, and their words.

A browser has these alone (static/hand_*.js): it draws, compares and adds up, and knows no number of its own.
"""

from __future__ import annotations

import random
from functools import cache
from typing import Any

from ..arithmetic.geometry import HugePage, pfn_to_page
from ..facts.layout import BASE_PAGE, PAGING, PTE
from ..kernels import observe, trial
from ..mechanism.cpus import Cpu, Line, outdated
from ..mechanism.events import FlushTlb, Remap, SplitPmd
from ..mechanism.machine import Machine
from ..mechanism.structpage import TAIL_METADATA, WORD
from ..pictures.films import FILMS
from ..units import format_size

# --- bricks (chapter 5) -----------------------------------------------------------------------------------------------


def tray_facts(size: int) -> dict[str, Any]:
    """The struct pages of a 2 MiB page, of ``size`` bytes each, in vmemmap pages: how each is cut, and what follows."""
    page = HugePage("2 MiB", struct_page=size)
    first = pfn_to_page(0, struct_page=size)
    starts = [pfn_to_page(number, struct_page=size) - first for number in range(page.nr_base_pages)]
    trays = -(-(starts[-1] + size) // BASE_PAGE)
    across = [n for n, at in enumerate(starts) if at // BASE_PAGE != (at + size - 1) // BASE_PAGE]
    cut = [next(at for at in starts if at >= tray * BASE_PAGE) - tray * BASE_PAGE for tray in range(trays)]
    alike = next((tray for tray in range(1, trays) if cut[tray] == cut[0]), None)
    obstacle = ""
    if page.obstacle("tail page"):
        again = f"Only trays {alike} apart match. " if alike else "No two trays of this huge page match. "
        obstacle = f"{again}Linux asks for a power of two, and leaves the optimisation off."
    lies = f"Brick {across[0]} lies across trays 0 and 1." if across else "No brick lies across two trays."
    return {
        "trays": trays,
        "across": across,
        "cut": cut,
        "obstacle": obstacle,
        "linux": size in FILMS["memmap"].axes[1].values,
        "says": f"<b>{size} bytes:</b> {BASE_PAGE / size:.4g} bricks a tray, <b>{trays} trays</b>. {lies}",
    }


@cache
def bricks() -> dict[str, Any]:
    """Every size from 56 to 128 bytes."""
    return {
        "title": "Struct pages as bricks, in trays of one vmemmap page",
        "opening": "512 struct pages of one 2 MiB page, as bricks in trays of 4 KiB, the vmemmap pages. "
        "Pull the edge of the brick, and lay one tray over another.",
        "page": BASE_PAGE,
        "bricks": HugePage("2 MiB").nr_base_pages,
        "step": WORD,
        "own": len(TAIL_METADATA[0][1]),
        "facts": {size: tray_facts(size) for size in range(56, 129, WORD)},
        "hint": "Pull the blue edge, or use the arrow keys on it. Choose two trays by click or tap, or drag one onto "
        "another with a mouse; by keys: arrows and Enter. Above is the left end of both, enlarged.",
        "choose": "Trays: choose two",
        "key": {"first": "brick 0, the head", "own": "the few with something of their own", "plain": "plain tails",
                "across": "lies across two trays"},
        "words": {
            "two": "Choose two trays.",
            "another": "Can another stand in for tray {a}? Choose it.",
            "apart": "Trays {a} and {b} are cut {apart} bytes apart: <b>neither can stand in for the other</b>.",
            "head": "Trays {a} and {b} are cut alike, but brick 0, <b>the head, would lie where a tail belongs</b>.",
            "alike": "Trays {a} and {b} are cut alike.",
            "free": "Trays {a} and {b} are cut alike and hold plain tails: <b>one can stand in for the other</b>, "
            "and a frame is free.",
            "differ": "≠ a head and a tail",
            "built": "Linux can be built so",
            "unbuilt": "no Linux is built so",
            "choose": "choose two trays",
            "lay": "lay another tray over it",
        },
    }  # fmt: skip


# --- masks (chapter 8) ------------------------------------------------------------------------------------------------


def mask_facts(size: str) -> dict[str, Any]:
    """Three huge pages: where their heads are, and what word 1 of their tails holds, as a pointer and as a mask."""

    def words(scheme: str) -> tuple[list[int], list[str]]:
        machine = Machine("8 GiB", check=False)
        pool = machine.hugetlb(size, 3)
        heads = [machine.pfn_to_page(pfn) for pfn in pool.pfns]
        pool.optimize(scheme)
        found = []
        for pfn in pool.pfns:
            (word,) = {machine.struct_page_of(pfn + n).words[1] for n in (1, 2, 64, 300, 511)}
            found.append(f"{word:#018x}")
        return heads, found

    page = HugePage(size)
    heads, pointers = words("tail page")
    _, masks_of = words("shared tail")
    return {
        "bits": (page.nr_base_pages * page.struct_page).bit_length() - 1,
        "structs": page.nr_base_pages,
        "pages": int(page.nr_vmemmap_pages),
        "in_page": page.base_page // page.struct_page,
        "heads": [hex(head) for head in heads],
        "pointer": pointers,
        "mask": masks_of,
    }


@cache
def masks() -> dict[str, Any]:
    """Pointers and masks, for both sizes."""
    return {
        "title": "How a tail finds its head: by an address, or by a mask",
        "opening": "Three huge pages, and their struct pages by address. Drag the tail along them, then change what "
        "word 1 of the tails holds.",
        "struct": HugePage("2 MiB").struct_page,
        "facts": {size: mask_facts(size) for size in ("2 MiB", "1 GiB")},
        "stores": ["Word 1 of a tail holds", [["pointer", "the head's address"], ["mask", "a mask"]]],
        "sizes": "Huge page",
        "words": {
            "pointer": "Tail {n} of huge page {page} says: <b>my head is at</b> {head} (bit 0 only says “tail”). In "
            "each huge page word 1 is another one: <b>three huge pages, three pages of tails</b>.",
            "mask": "Tail {n} of huge page {page} says only: <b>clear the low {bits} bits</b> of my address. That is "
            "{own} AND {word} = {head}. All {count} tails say so. {near} of each huge page stay with their head "
            "in page 0; for the {far} of each in pages 1 to {last}, <b>one page of tails shows them all</b>.",
        },
    }  # fmt: skip


# --- pfn_to_page by hand (chapter 3) ----------------------------------------------------------------------------------


@cache
def walk() -> dict[str, Any]:
    """Three strips from a PMD leaf of the vmemmap to a slot, what a step on each is worth, and PFNs to find."""
    size, entries = HugePage("2 MiB").struct_page, BASE_PAGE // PTE
    slots = BASE_PAGE // size
    frames = [entries * slots, slots, 1]
    leaves = 64
    names, counts = ("PMD leaf", "vmemmap page", "slot"), (leaves, entries, slots)
    targets = []
    for pfn in (0xC0DE, 0x240, 0x1BEEF, 0x1FFFC0):
        assert pfn < leaves * frames[0]
        targets.append({"pfn": pfn, "address": hex(pfn_to_page(pfn))})
    return {
        "title": "pfn_to_page by hand",
        "opening": f"Find the struct page of PFN {targets[0]['pfn']:#x}: "
        "move the marks of leaf, vmemmap page and slot.",
        "base": hex(PAGING["4-level"].vmemmap),
        "parts": [
            {"name": name, "count": count, "frames": step, "bytes": step * size, "page": max(1, count // 16),
             "worth": f"each {format_size(step * size)} of struct pages, {format_size(step * BASE_PAGE)} of RAM"}
            for name, count, step in zip(names, counts, frames, strict=True)
        ],
        "targets": targets,
        "words": {
            "wanted": "Find the struct page of PFN <b>{pfn}</b>. <span>({won} of {of} found)</span>",
            "missed": "At <code>{address}</code> stands the struct page of PFN <b>{pfn}</b>. "
            "PFN {wanted} is {apart} {way}.",
            "found": "<b>Found:</b> leaf {leaf}, vmemmap page {page}, slot {slot}. The struct page of PFN {pfn} is at "
            "<code>{address}</code>: that is <code>{base}</code> + 64 × {pfn}, and nothing was looked up.",
            "up": "further on",
            "down": "further back",
            "other": "Another PFN",
            "reset": "All marks to 0",
        },
    }  # fmt: skip


# --- guess the kernel (chapter 11) ------------------------------------------------------------------------------------


def _entries(release: str) -> list[dict[str, Any]]:
    """Where the entries of one 2 MiB page lead in a record, by the frames that its vmemmap pages had at boot."""
    record = observe.recorded(release)
    state = "on" if "on" in record.states else "off"
    seen, boot = record.entries("2 MiB", "live", state), record.entries("2 MiB", "boot", state)
    others = record.neighbours("2 MiB") if state == "on" else ()
    found = []
    for page, (frame, writable) in enumerate(zip(seen.frames, seen.writable, strict=True)):
        if frame in boot.frames:
            to = str(boot.frames.index(frame))
        else:
            to = "all" if others and all(other[page] == frame for other in others) else "new"
        found.append({"to": to, "writable": bool(writable)})
    return found


@cache
def kernels(seed: int = 11) -> dict[str, Any]:
    """The kinds of page table in the records, and the order in which they are put."""
    kinds: list[dict[str, Any]] = []
    for release in observe.records():
        entries = _entries(release)
        same = next((kind for kind in kinds if kind["entries"] == entries), None)
        if same:
            same["names"].append(release)
            continue
        record = observe.recorded(release)
        on = "on" in record.states
        scheme = trial.scheme_of_series(record.series).name if on else "off"
        kinds.append({"names": [release], "entries": entries, "why": _why(scheme)})
    for kind in kinds:
        kind["releases"] = ", ".join(release.rsplit(".", 1)[0] for release in kind.pop("names"))
    return {
        "title": "Guess the kernel",
        "opening": "A page table of a real kernel, with its name cut off. Ask as few entries as you can.",
        "kinds": kinds,
        "order": random.Random(seed).sample(range(len(kinds)), len(kinds)),
        "words": {
            "table": "the page table: entries to ask",
            "pages": "vmemmap",
            "entries": "page table",
            "frames": "frames",
            "which": "Which kernel is it?",
            "next": "Another kernel",
            "opening": "A page table of a real kernel, with its name cut off. Ask entries by click, tap or Enter: "
            "as few as you can. Then name the kernel.",
            "ask": "ask",
            "writable": "writable",
            "readonly": "read-only",
            "boot": "frame of page {page} at boot",
            "new": "a new frame",
            "all": "one for all huge pages",
            "new short": "new",
            "all short": "for all",
            "label": "entry of vmemmap page {page}: {what}",
            "leads": {"boot": "the frame that page {to} had at boot", "new": "a frame that none of them had at boot",
                      "all": "a frame that the other huge pages show too"},
            "looked": "Page {page} leads to <b>{to}</b>, {writable}.",
            "left": "{n} kinds of kernel are still possible.",
            "one": "<b>Only one kind is left: name it.</b>",
            "right": "<b>Right: {releases}</b>, with entries asked: {looks}. {why}",
            "early": "It could be {releases}, and {n} kinds are still possible. Ask until only one is.",
            "cannot": "It cannot be {releases}: there, page {page} leads to <b>{to}</b>, {writable}.",
        },
    }  # fmt: skip


def _why(scheme: str) -> str:
    return {
        "off": "Nothing is optimised: each page keeps its frame.",
        "tail page": "Pages 2 to 7 show the frame of page 1.",
        "head page": "Pages 1 to 7 show the frame of page 0.",
        "head page, copied": "All eight show a copy of page 0, in a new frame.",
        "shared tail": "Pages 1 to 7 show a page of tails that serves all huge pages.",
    }[scheme]


# --- flushes (chapters 9 and 10) --------------------------------------------------------------------------------------


def flush_run(count: int, batch: bool, back: bool) -> dict[str, Any]:
    """The flushes of optimising or restoring ``count`` huge pages, and what two TLBs hold just before each.

    The two processors read four vmemmap pages each of the huge page that is next (in a batch: of the first and of the
    last). A line is: page and frame, counted from the first of these huge pages' (`None`: a frame of none of them at
    boot), and 1 if the page table says other by now, plus 2 if it is a PMD leaf's.
    """
    machine = Machine("4 GiB", check=False)
    pool = machine.hugetlb("2 MiB", count)
    first = pool.vmemmap_pages().start
    born = machine.vmemmap.frame[first : first + 8 * count].tolist()
    if back:
        pool.optimize("head page")
    done = len(machine.events)
    if back:
        pool.restore(batch=batch)
    else:
        pool.optimize("head page", batch=batch)
    past, events = machine.at(done).vmemmap, machine.events[done:]
    remaps = iter(
        [(int(e.entries[0]) - first) // 8 for e in events if isinstance(e, Remap) and int(e.entries[0]) % 8 <= 1]
    )
    cpus, flushes, what, page = (Cpu(), Cpu()), list[dict[str, Any]](), "split", 0
    pages = range(first, first + 8 * count)
    place = {frame: number for number, frame in enumerate(born)}

    def read() -> None:
        for cpu, offsets in zip(cpus, ((1, 2, 4, 6), (3, 5, 7, 2)), strict=True):
            at = page if not batch or cpu is cpus[0] else count - 1
            for offset in offsets:
                cpu.access(past, first + 8 * at + offset)

    def line_of(line: Line) -> list[Any]:
        told = range(max(line.first, pages.start), min(line.first + line.span, pages.stop))
        return [line.first - first, place.get(line.frame), bool(outdated(line, past, told)) + 2 * (line.span > 1)]

    read()
    for event in events:
        if isinstance(event, Remap):
            what = "remap"
            page = next(remaps, page) if not batch and int(event.entries[0]) % 8 <= 1 else page
        elif isinstance(event, SplitPmd):
            what = "split"
        if not isinstance(event, FlushTlb):
            event.apply(past)
            continue
        finished = 0 if what == "split" and not page else count if batch else page + (what == "remap")
        flushes.append(
            {
                "what": what,
                "done": finished,
                "lines": [[line_of(line) if line else None for line in cpu.lines] for cpu in cpus],
            }
        )
        event.apply(past)
        for cpu in cpus:
            cpu.flush()
        page = min(count - 1, page + (what == "remap")) if not batch else page
        read()
    assert len(flushes) == sum(isinstance(event, FlushTlb) for event in events)
    return {"flushes": flushes}


def _flushes(back: bool) -> dict[str, Any]:
    given = "given back" if back else "optimised"
    return {
        "title": f"The flushes of huge pages that are {given}",
        "opening": f"Huge pages are {given}, and every processor must forget what its TLB holds. Count the interrupts.",
        "runs": {
            count: {way: flush_run(count, way == "in a batch", back) for way in ("one by one", "in a batch")}
            for count in (1, 64, 512)
        },
        "processors": {count: count - 1 for count in (2, 16, 252)},
        "start": {"count": "64", "cpus": "16"},
        "words": {
            "count": "huge pages",
            "way": "how",
            "ways": {"one by one": "one by one", "in a batch": "in a batch"},
            "cpus": "processors",
            "at": "flush",
            "play": "Play",
            "stop": "Stop",
            "step": "Next flush",
            "processors": "{n} processors; number 0 flushes",
            "tlb": "TLB of processor {cpu}",
            "leaf": "the PMD leaf: 512 pages",
            "leads": "page {page} → frame {frame}",
            "elsewhere": "page {page} → a new frame",
            "done": f"huge pages {given}: {{done}} of {{of}}",
            "flushes": "flushes",
            "interrupts": "interrupts",
            "split": "after a split",
            "remap": "after the remap",
            "before": f"{{count}} × 2 MiB to be {given}, {{way}}. Flushes: <b>{{of}}</b>. Each sends an interrupt to "
            "every other processor, here {others}, and waits for all answers.",
            "flush": "Flush {n} of {of}, {what}: {others} interrupts, and every TLB forgets everything.",
            "stale": "Of the eight lines shown, <b>{stale} led elsewhere than the page table</b>.",
            "end": "<b>{total} interrupts</b> in all.",
            "alt": f"{{flushes}} of {{of}} flushes, {{done}} of {{count}} huge pages {given}; {{interrupts}} "
            "interrupts.",
        },
    }


@cache
def flushes() -> dict[str, Any]:
    """When frames are taken away, as since 5.18."""
    return _flushes(back=False)


@cache
def flushes_back() -> dict[str, Any]:
    """When they are given back."""
    return _flushes(back=True)


FACTS = {"bricks": bricks, "masks": masks, "pfn_to_page": walk, "guess_the_kernel": kernels,
         "flushes": flushes, "flushes_back": flushes_back}  # fmt: skip
"""Hand -> its data. The names are those of the functions in `hands`."""
