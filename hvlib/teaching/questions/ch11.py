"""Questions of chapter 11."""

from __future__ import annotations

from functools import cache

import numpy as np

from ...arithmetic.geometry import HugePage
from ...facts.schemes import SCHEMES
from ...kernels import observe, trial
from ...mechanism.events import ResetTails
from ...mechanism.machine import Machine
from ...mechanism.structpage import FLAGS, PG_HEAD
from ..ask import Question, count, one_of, thousands
from ..prompt import Given


def _recorded_leads(release: str) -> str:
    record = observe.recorded(release)
    return trial.leads(record.entries("2 MiB"), record.entries("2 MiB", "boot"))


def _recorded_line(series: str) -> str:
    release = next(name for name in observe.records() if name.startswith(f"{series}."))
    return next(str(line) for line in observe.recorded(release).boot_log if "2.00 MiB" in line)


def _printed_while_off(series: str) -> bool:
    """Whether the recorded kernel of a series said what can be freed though it was booted with the optimisation off."""
    release = next(name for name in observe.records() if name.startswith(f"{series}."))
    return bool(_recorded_line(series)) and "off" in observe.recorded(release).states


@cache
def _false_heads(size: str, scheme: str) -> int:
    """Struct pages that hold the head's bytes and are not the head, once a page is restored and no slot is rewritten."""
    machine = Machine("4 GiB", check=False)
    pool = machine.hugetlb(size).optimize(scheme)
    done = len(machine.events)
    pool.restore()
    past = machine.at(done).vmemmap
    for event in machine.events[done:]:
        if not isinstance(event, ResetTails):
            event.apply(past)
    pages = past.pfn_to_page(pool.pfns[0] + np.arange(HugePage(size).nr_base_pages, dtype=np.int64))
    return int(np.count_nonzero(past.word(pages, FLAGS) & np.uint64(PG_HEAD))) - 1


def _moved(given: Given) -> int:
    major, minor = map(int, given["series"].split("."))
    return _false_heads(given["size"], trial.scheme_of_series((major, minor)).name)


def _other_kind(given: Given) -> int:
    """The answer for a scheme of the other kind: one whose copied page begins with the head, or one whose does not."""
    return 0 if _moved(given) else _false_heads(given["size"], "head page")


def _reached(size: str) -> int:
    """Vmemmap pages that a loop over addresses reaches if it ends as many *bytes* on as there are struct pages."""
    page = HugePage(size)
    return page.nr_base_pages // page.base_page


QUESTIONS: dict[str, Question] = {
    "saved by 6.1": Question(
        "A 6.1 kernel on x86-64 takes 64 huge pages of 2 MiB with the optimisation on, from memory whose part of the vmemmap is "
        "split already. How many pages of 4 KiB does it save?",
        count,
        lambda _: 64 * HugePage("2 MiB").freed("head page"),
        "7 for each, since 5.18.",
        (
            (lambda _: 64 * 6, "That is 6 for each, as from 5.14 to 5.17."),
            (lambda _: 64 * 8, "That is 8 for each; one frame is kept."),
            (lambda _: 64 * 7 - 1, "That pays for a page table, but here the split was paid for before."),
            (lambda _: 7, "That is for one huge page; there are 64."),
        ),
        write=thousands,
        hint="How many of its eight frames does one huge page give back in 6.1?",
    ),
    "which scheme is this": Question(
        "From a real kernel's page table, one 2 MiB page, vmemmap pages 0 to 7 (a letter is a frame that was not theirs "
        "at boot): {leads}. Which scheme is it? Answer 'off', 'tail page', 'head page', 'head page, copied' or 'shared tail'.",
        one_of(*SCHEMES),
        lambda g: trial.scheme_of_series(observe.recorded(g["release"]).series).name,
        "The record is of Linux {release} on x86-64.",
        (
            (lambda g: "head page, copied" if g["leads"].startswith("0>0 1>0") else "head page",
             "Look at page 0: does it still lead to its own frame of boot? Then at page 1: does it lead where page 0 leads?"),
        ),
        lambda r: (lambda release: {"release": release, "leads": _recorded_leads(release)})(
            r.choice([name for name in observe.records() if "on" in observe.recorded(name).states])
        ),
        hint="Where does page 1 lead, and where page 2?",
    ),
    "marks that stay": Question(
        "Debian's 6.12.117 for x86-64, with the optimisation on, takes 64 huge pages of 2 MiB, and gives all of them back. How "
        "many frames does /proc/kpageflags still mark as parts of huge pages?",
        count,
        lambda _: 64 * _false_heads("2 MiB", "head page, copied"),
        "Seven struct pages of each were restored as copies of the head, and kept its marks.",
        (
            (lambda _: 0, "So it should be, and so it was up to 6.12.113."),
            (lambda _: _false_heads("2 MiB", "head page, copied"), "That is for one huge page; there were 64."),
            (lambda _: 64, "The 64 heads are cleared when their pages are given back. What was copied from them is not."),
            (lambda _: 64 * 8, "Eight for each would count the heads, and these are cleared."),
            (lambda _: 64 * 512, "Those are all their frames. Nearly all struct pages are as they should be."),
        ),
        write=thousands,
        hint="How many struct pages of one huge page are copied from the head at a restore?",
    ),
    "a fix in another scheme": Question(
        "A fix for 7.1 no longer rewrites the first slots of the pages that are copied at a restore. Somebody puts it into a "
        "{series} kernel for x86-64. There a {size} page is optimised, and restored. How many of its struct pages hold the "
        "bytes of the head, and are not the head?",
        count,
        _moved,
        "What is copied is the page that the tails share. If it begins with the head, so does every copy; if not, none does.",
        (
            (_other_kind, "Which page do the tails of this scheme share? Does it begin with the head?"),
            (lambda g: int(HugePage(g["size"]).nr_vmemmap_pages), "That counts the head itself as well, or copies that were never made."),
            (lambda g: HugePage(g["size"]).freed("tail page"), "That many copies were made by the scheme of 5.14. With what do they begin?"),
            (lambda g: HugePage(g["size"]).nr_base_pages - 1, "Those are all the others. Only slot 0 of a copy can hold the head."),
        ),
        lambda r: {"series": r.choice(["6.12", "6.1", "7.1", "5.15"]), "size": r.choice(["2 MiB", "1 GiB"])},
        thousands,
        hint="Which page do the tails share in that kernel, and how does it begin? Then count the copies.",
    ),
    "an end in bytes": Question(
        "A loop over addresses is to make the vmemmap of a huge page of {size} read-only, page after page of 4 KiB. Its end is "
        "the address of struct page 0 plus {structs:,}, for so many struct pages there are. How many vmemmap pages lie "
        "between the two?",
        count,
        lambda g: _reached(g["size"]),
        "The end is {structs:,} bytes away, and a page has 4,096. It should be {structs:,} times 64 bytes away.",
        (
            (lambda g: int(HugePage(g["size"]).nr_vmemmap_pages), "So it was meant. But what was added to an address counts bytes."),
            (lambda g: HugePage(g["size"]).nr_base_pages, "That is the number that was added. How many pages of 4 KiB are so many bytes?"),
            (lambda g: int(HugePage(g["size"]).nr_vmemmap_pages) - _reached(g["size"]), "Those are the ones beyond the end."),
            (lambda g: _reached(g["size"]) - 1, "They are counted from 0: page 0 lies there as well, though the loop leaves it writable."),
        ),
        lambda r: (lambda size: {"size": size, "structs": HugePage(size).nr_base_pages})(
            r.choice(["1 GiB", "1 GiB", "2 GiB", "4 GiB", "512 MiB"])
        ),
        thousands,
        hint="Between two addresses there are bytes. How many of them fill a vmemmap page?",
    ),
    "what the boot log proves": Question(
        "The boot log of a 6.1 kernel on x86-64 says: {line}. Is the optimisation on? Answer 'yes', 'no' or 'cannot tell'.",
        one_of("yes", "no", "cannot tell"),
        lambda _: "cannot tell" if _printed_while_off("6.1") else "yes",
        "The recorded 6.1 printed that line at boot with the optimisation off, and it prints the same when it is on.",
        (
            (lambda _: "yes", "The line says what can be freed, not what is. It is printed either way since 5.19."),
            (lambda _: "no", "It may be on: the line is printed either way since 5.19."),
        ),
        lambda _: {"line": _recorded_line("6.1")},
        hint="When is the line printed: with the optimisation on, with it off, or both?",
    ),
}  # fmt: skip
