"""Questions: predictions typed before a panel answers them, and exercises checked on the spot.

A question draws its numbers from a seed, takes its answer from the engine, and knows the answers that common
misconceptions lead to, each with the sentence that names the misconception. There is no answer key.
"""

from __future__ import annotations

import html
import random
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import ipywidgets as widgets
import traitlets

from . import observe, trial
from .errors import BadInput, choose, shown
from .geometry import ARCHITECTURES, HugePage
from .machine import Machine
from .schemes import SCHEMES
from .units import GiB, KiB, MiB, format_size, parse_size, whole_number

_MOST = 1 << 64
Value = int | str | tuple[str, ...]
Given = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, and what to say about it."""

    right: bool
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return "".join(f"<p>{html.escape(line)}</p>" for line in self.text.split("\n"))


@dataclass(frozen=True)
class Question:
    """A question with numbers drawn from a seed.

    ``draw`` makes the numbers, ``prompt`` is formatted with them, ``answer`` computes the answer from them. Each of
    ``mistakes`` computes a wrong answer and says what leads to it. ``read`` turns what was typed into a value.
    """

    prompt: str
    read: Callable[[object], Value]
    answer: Callable[[Given], Value]
    why: str
    mistakes: tuple[tuple[Callable[[Given], Value], str], ...]
    draw: Callable[[random.Random], Given] = lambda _: {}
    write: Callable[[Value], str] = str

    def given(self, seed: int | str = 0) -> Given:
        """The numbers of this question for a seed."""
        return self.draw(random.Random(f"hvlib {seed}"))

    def text(self, seed: int | str = 0) -> str:
        """The question as it is put."""
        return self.prompt.format_map(self.given(seed))

    def judge(self, answer: object, seed: int | str = 0) -> Verdict:
        """The `Verdict` on an answer as it was typed; it never raises for a wrong or a strange one."""
        if answer is ... or answer is None or (isinstance(answer, str) and not answer.strip()):
            return Verdict(False, "No answer yet: put yours in place of the three dots and run the cell again.")
        given = self.given(seed)
        try:
            value = self.read(answer)
        except BadInput as why:
            return Verdict(False, f"Not an answer yet: {why}")
        right = self.answer(given)
        if value == right:
            return Verdict(True, f"Right: {self.write(right)}. {self.why.format_map(given)}")
        for mistake, sentence in self.mistakes:
            if value == mistake(given):
                return Verdict(False, f"Not {self.write(value)}. {sentence.format_map(given)}")
        return Verdict(False, f"Not {self.write(value)}. {self._hint(value, right)}")

    def sentence(self, answer: object, seed: int | str = 0) -> str:
        """What a guess was, what the answer is, and why, for one who was allowed to be wrong."""
        given, judged = self.given(seed), self.judge(answer, seed)
        right = self.write(self.answer(given))
        if judged.right:
            return f"Your guess is right: {right}. {self.why.format_map(given)}"
        typed = shown(answer).strip("'")
        misled = next((s for m, s in self.mistakes if judged.text.endswith(s.format_map(given))), "")
        return " ".join(
            f"Your guess was {typed}; it is {right}. {misled.format_map(given)} {self.why.format_map(given)}".split()
        )

    def _hint(self, value: Value, right: Value) -> str:
        if isinstance(value, int) and isinstance(right, int):
            return "The answer is larger." if value < right else "The answer is smaller."
        if isinstance(right, tuple):
            return "What creates the single entries? And what must be true of every CPU before a frame is free?"
        return "Read the section again, then try another answer."


# --- how answers are read and written --------------------------------------------------------------------------------------


def _count(answer: object) -> int:
    if isinstance(answer, str) and len(answer) < 60:
        digits = re.sub(r"(?<=\d)[,_ ](?=\d{3})", "", answer.strip())
        with suppress(ValueError):
            return whole_number(int(digits, 0), "the answer", -_MOST, _MOST)
    elif isinstance(answer, float) and answer.is_integer():
        return whole_number(int(answer), "the answer", -_MOST, _MOST)
    elif not isinstance(answer, (str, float)):
        return whole_number(answer, "the answer", -_MOST, _MOST)
    raise BadInput(f"{shown(answer)} is not a whole number; write for example 512, '1,024' or 0x200.")


def _size(answer: object) -> int:
    try:
        return _count(answer)
    except BadInput:
        if not isinstance(answer, str):
            raise BadInput(f"{shown(answer)} is not a size; write for example '16 MiB' or a number of bytes.") from None
    return parse_size(re.sub(r"(?<=\d),(?=\d{3})", "", answer), "the answer")


def _one_of(*allowed: str) -> Callable[[object], Value]:
    def read(answer: object) -> Value:
        text = " ".join(answer.lower().split()) if isinstance(answer, str) else ""
        for name in allowed:
            if text in (name, name.removesuffix("s")):
                return name
        raise choose("answer", answer, allowed)

    return read


def _order_of(*steps: str) -> Callable[[object], Value]:
    def read(answer: object) -> Value:
        words = re.findall(r"\w+", answer.lower()) if isinstance(answer, str) else answer
        if (
            not isinstance(words, (list, tuple))
            or not all(isinstance(w, str) for w in words)
            or sorted(words) != sorted(steps)
        ):
            raise BadInput(f"the answer must hold each step once; write for example '{', '.join(sorted(steps))}'.")
        return tuple(words)

    return read


def _thousands(value: Value) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _in_units(value: Value) -> str:
    return format_size(value) if isinstance(value, int) else str(value)


def _hex(value: Value) -> str:
    return f"{value:#x}" if isinstance(value, int) else str(value)


def _sequence(value: Value) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)


# --- the questions of the chapters -----------------------------------------------------------------------------------------

_BASE = Machine("1 GiB", check=False).pfn_to_page(0)
_STEPS = ("split", "remap", "flush", "free")


def _freed_by_machine(size: str, count: int, scheme: str) -> int:
    """Frames gained net of page tables by ``count`` aligned huge pages, counted by the mechanism."""
    machine = Machine("4 GiB", check=False)
    skip = machine.hugetlb("2 MiB", 63)
    pool = machine.hugetlb(size, count)
    assert pool.pfns[0] % (64 * 512) == 0, skip
    before = machine.free_frames
    pool.optimize(scheme)
    return machine.free_frames - before


_QUESTIONS: dict[str, Question] = {
    # chapter 1
    "memmap of 64 GiB": Question(
        "A machine has 64 GiB of RAM. How much memory do its struct pages take?",
        _size,
        lambda _: 64 * HugePage("1 GiB").memmap_bytes,
        "16,777,216 page frames with a struct page of 64 bytes each.",
        (
            (lambda _: 16 * MiB, "16 MiB is what 1 GiB of RAM needs, and 16,777,216 is the number of frames here; "
             "each of them needs 64 bytes."),
            (lambda _: 64 * MiB, "Count frames first: a frame is 4 KiB, so there are 262,144 in every GiB."),
            (lambda _: 64 * GiB // 512, "That is 8 bytes for each frame; a struct page has 64."),
        ),
        write=_in_units,
    ),
    "address of a struct page": Question(
        "The vmemmap starts at 0xffffea0000000000. At which address is the struct page of PFN {pfn:#x}?",
        _count,
        lambda g: _BASE + g["pfn"] * 64,
        "Base + 64 * PFN: arithmetic, no memory is read.",
        (
            (lambda g: _BASE + g["pfn"], "A struct page is 64 bytes: multiply the PFN by 64 before adding."),
            (lambda g: _BASE + g["pfn"] * 4096, "That multiplies by the size of the page frame; the array holds struct pages of 64 bytes."),
            (lambda g: g["pfn"] * 64, "That is the offset in the array; add where the array starts."),
            (lambda g: _BASE + g["pfn"] * 8, "8 bytes is the size of a pointer; the array holds struct pages of 64 bytes."),
        ),
        lambda r: {"pfn": r.randrange(0x1000, 0x400000)},
        _hex,
    ),
    "memmap of a KMSAN kernel": Question(
        "A kernel built with KMSAN has a struct page of 80 bytes. How much memory do the struct pages of {ram} GiB of RAM take?",
        _size,
        lambda g: HugePage("1 GiB", struct_page=80).memmap_bytes * g["ram"],
        "{ram} GiB is {ram} x 262,144 page frames, at 80 bytes each.",
        (
            (lambda g: g["ram"] * GiB // 64, "That is with 64 bytes; this kernel's struct page has 80."),
            (lambda g: g["ram"] * GiB // 80, "Not one eightieth: 80 bytes for every 4,096."),
        ),
        lambda r: {"ram": r.choice([8, 16, 32, 128, 256])},
        _in_units,
    ),
    # chapter 2
    "base pages of 1 GiB": Question(
        "How many base pages of 4 KiB does a 1 GiB page consist of?",
        _count,
        lambda _: HugePage("1 GiB").nr_base_pages,
        "512 x 512: two levels of the page table are skipped.",
        (
            (lambda _: 4096, "4,096 counts vmemmap pages, not base pages: it is how many pages the struct pages of a 1 GiB page fill."),
            (lambda _: 512, "512 is a 2 MiB page; one more level is skipped for 1 GiB."),
            (lambda _: 1024, "1,024 would make the base page 1 MiB; it is 4 KiB."),
            (lambda _: 1 << 20, "That divides by 1 KiB; the base page is 4 KiB."),
        ),
        write=_thousands,
    ),
    "what 4096 counts": Question(
        "The number 4,096 belongs to a 1 GiB page. What does it count? "
        "Answer 'base pages', 'struct pages' or 'vmemmap pages'.",
        _one_of("base pages", "struct pages", "vmemmap pages"),
        lambda _: next(
            name
            for name, count in (
                ("base pages", HugePage("1 GiB").nr_base_pages),
                ("struct pages", HugePage("1 GiB").nr_base_pages),
                ("vmemmap pages", HugePage("1 GiB").nr_vmemmap_pages),
            )
            if count == 4096
        ),
        "262,144 struct pages of 64 bytes fill 16 MiB, which is 4,096 pages of 4 KiB.",
        (
            (lambda _: "base pages", "So the mail of 2020 says. 4,096 base pages of 4 KiB are only 16 MiB."),
            (lambda _: "struct pages", "There is one struct page for each base page, and those are 262,144."),
        ),
    ),
    "a leaf one level up": Question(
        "If a PGD entry could be a leaf, how large would its page be? (x86-64 has no such page.)",
        _size,
        lambda _: HugePage("1 GiB").size * 512,
        "One more level skipped, one more factor of 512.",
        (
            (lambda _: 2 * GiB, "A level is a factor of 512, not of 2."),
            (lambda _: 1 << 48, "256 TiB is what all 512 PGD entries cover together."),
            (lambda _: 1 << 40, "1 TiB would be a factor of 1,024; a table has 512 entries."),
        ),
        write=_in_units,
    ),
    "PMD page of arm64": Question(
        "On arm64 with base pages of {base} KiB a page table is one base page of 8-byte entries. "
        "How large is the page that one PMD entry maps?",
        _size,
        lambda g: next(
            size for size, how in ARCHITECTURES[f"arm64, {g['base']} KiB base"].huge_pages if how == "PMD"
        ),
        "{entries:,} entries, each mapping {base} KiB.",
        (
            (lambda g: 512 * g["base"] * KiB, "512 entries is what a table of 4 KiB holds; this one has {entries:,}."),
            (lambda _: 2 * MiB, "2 MiB is x86-64's, with 4 KiB base pages."),
            (lambda g: g["base"] * KiB * g["base"] * KiB, "That counts an entry per byte; an entry has 8 bytes."),
        ),
        lambda r: (lambda base: {"base": base, "entries": base * 128})(r.choice([16, 64])),
        _in_units,
    ),
    # chapter 5
    "struct page of 128 bytes": Question(
        "If a struct page were 128 bytes, how many 4 KiB pages would the struct pages of a 2 MiB page fill?",
        _count,
        lambda _: int(HugePage("2 MiB", struct_page=128).nr_vmemmap_pages),
        "512 x 128 bytes are 64 KiB. For a page that one PMD entry maps the count is 128 / 8, whatever the base page.",
        (
            (lambda _: 8, "8 is for 64 bytes; twice the bytes fill twice the pages."),
            (lambda _: 4, "Larger struct pages fill more pages, not fewer."),
            (lambda _: 128, "128 is the size of one struct page in bytes."),
        ),
        write=_thousands,
    ),
    "vmemmap page of a struct page": Question(
        "Struct page {number} of a 2 MiB page (the head is 0): in which of its vmemmap pages 0 to 7 does it lie?",
        _count,
        lambda g: g["number"] // (4096 // 64),
        "64 struct pages of 64 bytes fill one vmemmap page of 4 KiB.",
        (
            (lambda g: g["number"] // 64 + 1, "Vmemmap pages are counted from 0, like struct pages."),
            (lambda g: g["number"] % 64, "That is its slot inside the vmemmap page."),
            (lambda g: g["number"] // 8, "8 is the number of vmemmap pages; each of them holds 64 struct pages."),
        ),
        lambda r: {"number": r.choice([n for n in range(65, 512) if len({n // 64, n // 64 + 1, n % 64, n // 8}) == 4])},
        _thousands,
    ),
    "nothing to save": Question(
        "Which HugeTLB size of arm64 with {base} KiB base pages leaves no scheme a frame to free?",
        _size,
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
        _in_units,
    ),
    # chapter 6
    "where struct page 300 is read": Question(
        "Number the frames 0 to 7, after the vmemmap page that each backs at boot. After the remap, the kernel reads "
        "struct page 300. From which frame do the bytes come?",
        _count,
        lambda _: _frame_read(300),
        "Struct page 300 lies in vmemmap page 4, whose entry leads to the frame of page 1.",
        (
            (lambda _: 300 // 64, "300 / 64 gives vmemmap page 4, so that is the entry used. But that entry now leads to another frame."),
            (lambda _: 0, "Frame 0 holds the head and is not shared in this scheme. (From 5.18 to 7.0 the head's frame was.)"),
        ),
        write=_thousands,
    ),
    "freed for 1 GiB": Question(
        "The scheme of 5.14 to 5.17, a 1 GiB page: how many frames go back to the buddy allocator, before page tables?",
        _count,
        lambda _: HugePage("1 GiB").freed("tail page"),
        "4,096 vmemmap pages, of which pages 0 and 1 keep their frames.",
        (
            (lambda _: 4095, "4,095 is since 5.18, when page 1 lost its frame too."),
            (lambda _: 4096, "Two vmemmap pages keep their frames."),
            (lambda _: 6, "6 is for a 2 MiB page."),
            (lambda _: 262142, "That counts struct pages. What is freed are frames, each with 64 struct pages."),
            (lambda _: 4086, "That is after the eight page tables; the question asks before."),
        ),
        write=_thousands,
    ),
    "net of page tables": Question(
        "{count} neighbouring huge pages of 2 MiB begin at a multiple of 128 MiB, and none was optimised before. With the "
        "scheme of 5.14, how many more frames are free afterwards, page tables subtracted?",
        _count,
        lambda g: _freed_by_machine("2 MiB", g["count"], "tail page"),
        "6 for each, less one page table for every 64 huge pages (128 MiB of memory).",
        (
            (lambda g: 6 * g["count"], "That is gross. Each split PMD leaf needs a page table; how many leaves are there?"),
            (lambda g: 5 * g["count"], "A page table serves the vmemmap of 64 huge pages of 2 MiB, not of one."),
            (lambda g: 7 * g["count"], "7 is since 5.18, and gross."),
            (lambda g: 6 * g["count"] - 1, "One page table serves 128 MiB of memory; there is more here."),
        ),
        lambda r: {"count": 64 * r.randrange(2, 8)},
        _thousands,
    ),
    "order of the steps": Question(
        "Put in order, as the kernel does it: free, remap, flush, split. (There is a flush after the split as well; "
        "here 'flush' means the last one.)",
        _order_of(*_STEPS),
        lambda _: _order_of_steps(),
        "Entries exist only after the split, and a frame may be used by others only when no CPU can still reach it.",
        (
            (lambda _: ("split", "remap", "free", "flush"),
             "Until the flush a CPU may still write through an old translation, into a frame somebody else now has."),
            (lambda _: ("split", "flush", "remap", "free"),
             "That is the flush after the split. The other one must come before the frames are free, and after what?"),
            (lambda _: ("remap", "split", "flush", "free"),
             "Before the split one PMD entry maps all 512 vmemmap pages; there is no entry of one page to change."),
            (lambda _: ("split", "flush", "free", "remap"),
             "Freed before the remap, the frames are still what the entries lead to."),
        ),
        write=_sequence,
    ),
    # chapter 11
    "saved by 6.1": Question(
        "A 6.1 kernel takes 64 huge pages of 2 MiB with the optimisation on, from memory whose part of the vmemmap is "
        "split already. How many pages of 4 KiB does it save?",
        _count,
        lambda _: 64 * HugePage("2 MiB").freed("head page"),
        "7 for each, since 5.18.",
        (
            (lambda _: 64 * 6, "That is 6 for each, as from 5.14 to 5.17."),
            (lambda _: 64 * 8, "That is 8 for each; one frame is kept."),
            (lambda _: 64 * 7 - 1, "That pays for a page table, but here the split was paid for before."),
            (lambda _: 7, "That is for one huge page; there are 64."),
        ),
        write=_thousands,
    ),
    "which scheme is this": Question(
        "From a real kernel's page table, one 2 MiB page, vmemmap pages 0 to 7 (a letter is a frame that was not theirs "
        "at boot): {leads}. Which scheme is it? Answer 'off', 'tail page', 'head page', 'head page, copied' or 'shared tail'.",
        _one_of(*SCHEMES),
        lambda g: trial.scheme_of_series(observe.recorded(g["release"]).series).name,
        "The record is of Linux {release}.",
        (
            (lambda g: "head page, copied" if g["leads"].startswith("0>0 1>0") else "head page",
             "Look at page 0: does it still lead to its own frame of boot? Then at page 1: does it lead where page 0 leads?"),
        ),
        lambda r: (lambda release: {"release": release, "leads": _recorded_leads(release)})(
            r.choice([name for name in observe.records() if "on" in observe.recorded(name).states])
        ),
    ),
    "what the boot log proves": Question(
        "The boot log of a 6.1 kernel says: {line}. Is the optimisation on? Answer 'yes', 'no' or 'cannot tell'.",
        _one_of("yes", "no", "cannot tell"),
        lambda _: "cannot tell" if _printed_while_off("6.1") else "yes",
        "The recorded 6.1 printed that line at boot with the optimisation off, and it prints the same when it is on.",
        (
            (lambda _: "yes", "The line says what can be freed, not what is. It is printed either way since 5.19."),
            (lambda _: "no", "It may be on: the line is printed either way since 5.19."),
        ),
        lambda _: {"line": _recorded_line("6.1")},
    ),
}  # fmt: skip

QUESTIONS = MappingProxyType(_QUESTIONS)
"""Name -> `Question`, in the order of the chapters."""


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


def _frame_read(struct_page: int) -> int:
    """Whose frame, by number of vmemmap page, a load of this struct page reaches after the remap of 2021."""
    machine = Machine("1 GiB", check=False)
    pool = machine.hugetlb("2 MiB")
    before = pool.frames()
    pool.optimize(SCHEMES["tail page"])
    return before.index(pool.frames()[struct_page // 64])


def _order_of_steps() -> tuple[str, ...]:
    """The four steps as the mechanism takes them."""
    machine = Machine("1 GiB", check=False)
    machine.hugetlb("2 MiB").optimize("tail page")
    names = {"SplitPmd": "split", "Remap": "remap", "FlushTlb": "flush", "FreeFrames": "free"}
    taken = [names[name] for event in machine.events if (name := type(event).__name__) in names]
    after_remap = taken[taken.index("remap") :]
    return ("split", *dict.fromkeys(after_remap))


def _question(name: str) -> Question:
    if not isinstance(name, str) or name not in QUESTIONS:
        raise choose("question", name, QUESTIONS)
    return QUESTIONS[name]


def check(name: str, answer: object, seed: int | str = 0) -> Verdict:
    """Put the question ``name`` with the numbers of ``seed``, and judge an answer to it.

    ``...`` for the answer just puts the question. Raises `BadInput` for a name that is not a question, and nothing
    else, whatever the answer is.
    """
    question = _question(name)
    verdict = question.judge(answer, seed)
    return Verdict(verdict.right, f"{question.text(seed)}\n{verdict.text}")


class Prediction(widgets.VBox):  # type: ignore[misc]
    """A question answered by typing, before the panel that shows the truth exists. ``value`` is what was typed."""

    value = traitlets.Unicode("")

    def __init__(self, name: str) -> None:
        self._question = _question(name)
        text = self._question.text()
        self._box = widgets.Text(
            description="Your guess:", placeholder="type it here, then press Enter", continuous_update=False,
            layout=widgets.Layout(width="24em"), style={"description_width": "initial"},
        )  # fmt: skip
        self._noted = widgets.HTML("&nbsp;")
        super().__init__([widgets.HTML(f"<b>Before you look.</b> {text}"), self._box, self._noted])
        traitlets.link((self, "value"), (self._box, "value"))
        self.observe(self._note, names="value")

    def _note(self, _: object) -> None:
        typed = self.value.strip()
        try:
            text = (
                f"Noted: {self._question.write(self._question.read(typed))}. The next panel shows it beside the answer."
                if typed
                else "&nbsp;"
            )
        except BadInput as why:
            text = str(why)
        self._noted.value = text if text == "&nbsp;" else html.escape(text)

    def verdict(self) -> str:
        """The guess beside the truth, in a sentence; empty while nothing is typed."""
        if not self.value.strip():
            return ""
        return self._question.sentence(self.value.strip())

    def __repr__(self) -> str:
        return f"Before you look. {self._question.text()} (Run this cell to type your guess.)"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        data["text/plain"] = repr(self)
        return bundle


def predict(name: str) -> Prediction:
    """A `Prediction` for the question ``name``. Raises `BadInput` for a name that is not a question."""
    return Prediction(name)
