"""The concept test: ten questions to be answered before the book and after it, so that learning can be measured.

Each question stands for an idea that readers get wrong. It is there in two parallel forms. Its numbers and the order of its
options are drawn from a seed; the engine computes the right option, and every other is what a named mistake leads to.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from ..arithmetic.geometry import ARCHITECTURES, HugePage
from ..errors import BadInput, name_of, quoted
from ..facts.layout import BASE_PAGE
from ..facts.schemes import SCHEMES
from ..kernels import observe
from ..mechanism.machine import Machine, Pool
from ..units import GiB, KiB, TiB, format_size, quantity, whole_number
from .prompt import Draw, Given, Prompt, seed_of

WHEN = ("before", "after")
COLUMNS = ("student", "seed", "when", "form", "answers")
"""The columns of a table of results; answers are numbers of options, from 0, with blanks between them."""

Answer = Callable[[Given], str]


@dataclass(frozen=True)
class Concept(Prompt):
    """A `Prompt` with a few options: the ``answer``, and what ``mistakes`` lead to, each with what is believed.

    ``form`` is "A" or "B"; the two forms of a concept have one name.
    """

    name: str
    prompt: str
    draw: Draw
    answer: Answer
    mistakes: tuple[tuple[Answer, str], ...]
    form: str = "A"

    def key(self, seed: int | str) -> str:
        """What the numbers, and then the order of the options, are drawn from; the seed says when too: 's01 before'."""
        return f"hvlib concepts {seed} {self.name}" + (f" {self.form}" if self.form != "A" else "")


@dataclass(frozen=True)
class Item:
    """A `Concept` as it is put to somebody: text, options in their order, and the number of the right one.

    ``believed`` says of each option who chooses it; of the right one, nothing.
    """

    concept: Concept
    text: str
    options: tuple[str, ...]
    right: int
    believed: tuple[str, ...]


@dataclass(frozen=True)
class Score:
    """What somebody knew: which concepts were answered rightly, out of all."""

    seed: str
    when: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    form: str = "A"

    def __str__(self) -> str:
        return (
            f"Concept test, form {self.form}, {self.when}, seed {self.seed}: {len(self.right)} of {len(CONCEPTS)} right. "
            f"Guessing gives {guessing(self.form):.1f}."
        )


def items(seed: int | str = 0, when: str = "before", form: str = "A") -> tuple[Item, ...]:
    """The ten questions for a seed. ``when`` is "before" or "after": no question has the same numbers in both.

    ``form`` is "A" or "B": the same ten ideas, asked otherwise.
    """
    seed, when, concepts = seed_of(seed), name_of(when, "when", WHEN), FORMS[name_of(form, "form", tuple(FORMS))]
    found = []
    for concept in concepts:
        rng = concept.rng(f"{seed} {when}")
        given = concept.draw(rng)
        while when == "after" and given == concept.given(f"{seed} before"):
            given = concept.draw(rng)
        right = concept.answer(given)
        believed = {
            right: "",
            **{o: why for mistake, why in reversed(concept.mistakes) if (o := mistake(given)) != right},
        }
        options = sorted(believed)
        rng.shuffle(options)
        found.append(Item(concept, concept.prompt.format_map(given), tuple(options), options.index(right),
                          tuple(believed[option] for option in options)))  # fmt: skip
    return tuple(found)


def guessing(form: str = "A") -> float:
    """How many of the ten who guesses blindly gets right, on average."""
    return sum(1 / len(item.options) for item in items(0, form=form))


def score(answers: Sequence[int], seed: int | str = 0, when: str = "before", form: str = "A") -> Score:
    """The `Score` of ten answers, each the number of an option, from 0. Raises `BadInput` for anything else."""
    put = items(seed, when, form)
    if isinstance(answers, (str, bytes)) or not isinstance(answers, Sequence) or len(answers) != len(put):
        raise BadInput(
            f"the answers must be {len(put)} numbers of options, and {quoted(answers)} are not; "
            f"write for example {[0] * len(put)}."
        )
    chosen = [
        whole_number(answer, f"the answer to question {number}", 0, len(item.options) - 1)
        for number, (answer, item) in enumerate(zip(answers, put, strict=True), 1)
    ]
    hits = [item.right == answer for item, answer in zip(put, chosen, strict=True)]
    right, wrong = (
        tuple(item.concept.name for item, hit in zip(put, hits, strict=True) if hit is wanted)
        for wanted in (True, False)
    )
    return Score(str(seed_of(seed)), when, right, wrong, form)


def result(answers: Sequence[int], seed: int | str = 0, when: str = "before", form: str = "A") -> str:
    """A sitting as CSV, with the first line of `COLUMNS`: what a teacher collects. The seed stands for the student.

    Raises `BadInput` as `score` does.
    """
    score(answers, seed, when, form)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerows([COLUMNS, (seed_of(seed), seed_of(seed), when, form, " ".join(map(str, answers)))])
    return text.getvalue()


def gain(before: Score, after: Score) -> float:
    """The share of what was not known before that is known after (normalised gain): 1 is all, 0 none, negative a loss.

    Who knew everything before has nothing to gain: 0. Raises `BadInput` unless the first was taken before and the
    second after.
    """
    if not all(isinstance(one, Score) for one in (before, after)) or (before.when, after.when) != WHEN:
        raise BadInput(
            "the gain needs a score taken before and one taken after, in this order; write for example "
            "gain(score(first, 's01', 'before'), score(last, 's01', 'after'))."
        )
    open_before = len(before.wrong)
    return (len(after.right) - len(before.right)) / open_before if open_before else 0.0


# --- what the engine says ---------------------------------------------------------------------------------------------


def _only(options: Iterable[str], holds: Callable[[str], bool]) -> str:
    """The one option that is true."""
    (right,) = (option for option in options if holds(option))
    return right


def _always(option: str) -> Answer:
    return lambda _: option


def _believed(*pairs: tuple[str, str]) -> tuple[tuple[Answer, str], ...]:
    """Options without numbers, with what is believed."""
    return tuple((_always(option), why) for option, why in pairs)


@cache
def _optimised(size: str, scheme: str) -> tuple[Machine, Pool]:
    machine = Machine("4 GiB", check=False)
    return machine, machine.hugetlb(size).optimize(scheme)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:#.3g} %"


def _gib(g: Given, part: int, whole: int) -> str:
    return f"{g['ram'] * part / whole:.2f} GiB"


def _freed(g: Given) -> int:
    return HugePage("2 MiB").freed(g["scheme"])


def _saved(g: Given) -> int:
    """Bytes of frames that are freed for ``ram`` GiB in 2 MiB pages."""
    return int(BASE_PAGE * _freed(g) * (g["ram"] * GiB // HugePage("2 MiB").size))


_FAULT, _ZEROS = "It raises a page fault, as nothing is there.", "It reads zeros."
_HEAD = "It reads the head, whichever tail is asked for."


def _read(struct_page: int) -> str:
    return f"It reads the bytes of struct page {struct_page}."


def _loaded(g: Given) -> str:
    """What a load of a struct page does after the remap, in the mechanism: it reads some struct page or none."""
    machine, pool = _optimised("2 MiB", g["scheme"])
    read = machine.struct_page_of(pool.pfns[0] + g["n"])
    frames = pool.frames()
    same = [n for n in (g["n"] % 64, g["n"] % 64 + 64) if frames[g["n"] // 64] == frames[n // 64]]
    said = {_ZEROS: not any(read.words), _HEAD: read.has_pg_head, _read(min(same)): True}
    return _only(said, said.__getitem__)


_OWN, _PAGE_1 = "to the frame that it had before", "to the frame of vmemmap page 1"
_PAGE_0, _SHARED = "to the frame of vmemmap page 0", "to a frame for all of that size"


def _leads(g: Given) -> str:
    """Where vmemmap page 3 led, in the record of a release."""
    record = observe.recorded(g["release"])
    seen, boot = record.entries("2 MiB"), record.entries("2 MiB", "boot")
    others = {frame for frames in record.neighbours("2 MiB") for frame in frames}
    said = {
        _OWN: seen.frames[3] == boot.frames[3],
        _PAGE_1: seen.frames[3] == seen.frames[1] != seen.frames[0] and seen.frames[3] not in others,
        _PAGE_0: seen.frames[3] == seen.frames[0],
        _SHARED: seen.frames[3] in others,
    }
    return _only(said, said.__getitem__)


def _kinds_of_frames(g: Given) -> str:
    """To how many different frames the eight vmemmap pages led, in the record of a release."""
    return str(len(set(observe.recorded(g["release"]).entries("2 MiB").frames)))


_RECORDED = [name for name in observe.records() if "on" in observe.recorded(name).states]


def _release(name: str) -> Given:
    return {"release": name, "series": "{}.{}".format(*observe.recorded(name).series)}


@cache
def _still_taken(size: str, count: int) -> str:
    """What stays taken after huge pages were optimised, restored and given back."""
    machine = Machine("8 GiB", check=False)
    machine.hugetlb("2 MiB", 63)
    before = machine.free_frames
    machine.hugetlb(size, count).optimize("head page").free()
    return _pages(before - machine.free_frames)


def _pages(count: int) -> str:
    return "nothing" if not count else f"{quantity(count, 'page')} of 4 KiB"


@cache
def _given_back(count: int, frames: int) -> int:
    machine = Machine("64 MiB", check=False)
    pool = machine.hugetlb("2 MiB", count).optimize("head page")
    machine.occupy(machine.free_frames - frames)
    return pool.free()


def _fewest(count: int) -> int:
    """The fewest free frames with which all can be given back."""
    return next(frames for frames in range(8 * count) if _given_back(count, frames) == count)


def _times(ratio: float) -> str:
    return f"{ratio:.2f} times as much"


def _ratio(g: Given) -> float:
    """What memory in the one size saves, over the same memory in the other."""
    one, other = (
        HugePage(size).bill(g["scheme"], 4 * TiB // HugePage(size).size).saved for size in (g["one"], g["other"])
    )
    return one / other


_RATIO_MISTAKES: tuple[tuple[Answer, str], ...] = (
    (lambda _: _times(1), "the share is the same for every size"),
    (lambda g: _times(HugePage(g["one"]).size / HugePage(g["other"]).size), "as much more as the huge page is larger"),
    (lambda g: _times(HugePage(g["one"]).freed(g["scheme"]) / HugePage(g["other"]).freed(g["scheme"])),
     "compares one huge page with one, not memory with memory"),
)  # fmt: skip


def _freeing_step(g: Given) -> str:
    """After which step of the mechanism frames become free."""
    machine, _ = _optimised("2 MiB", g["scheme"])
    names = [type(event).__name__ for event in machine.events]
    return names[names.index("FreeFrames") - 1]


@dataclass(frozen=True)
class _Size:
    """A huge page of an architecture."""

    architecture: str
    size: int

    @property
    def base(self) -> int:
        return ARCHITECTURES[self.architecture].base_page

    @property
    def page(self) -> HugePage:
        return ARCHITECTURES[self.architecture].huge_page(self.size)

    def __str__(self) -> str:
        return f"{format_size(self.size)}, base pages of {format_size(self.base)}"


_SIZES = tuple(
    _Size(name, size)
    for name in ("arm64, 4 KiB base", "arm64, 16 KiB base", "arm64, 64 KiB base")
    for size, _ in ARCHITECTURES[name].huge_pages
)


def _sized(one: _Size) -> Given:
    return {"one": one, "size": format_size(one.size), "base": format_size(one.base)}


_NOTHING = tuple(one for one in _SIZES if not one.page.freed("head page"))
_SOME = tuple(one for one in _SIZES if one not in _NOTHING)
_LARGEST = tuple(one for one in _SOME if one.size == GiB)
_LARGE_BASE = next(one for one in _SOME if one.base == 64 * KiB)
_USUAL = next(one for one in _SOME if one.base == 4 * KiB)


def _line(release: str, size: str) -> str:
    return next(line for line in observe.recorded(release).boot_log if size in line)


def _in_doubt(g: Given) -> bool:
    """Kernels from 5.19 on print the line whether the optimisation is on or off; the record has the machine both ways."""
    record = observe.recorded(g["release"])
    return {"off", "on"} <= set(record.states) and record.series >= (5, 19) and bool(observe.boot_log(g["line"]))


_LOGGED = [name for name in _RECORDED if observe.recorded(name).series >= (5, 19)]
_SCHEMES = ("tail page", "head page")


def _scheme(name: str) -> Given:
    return {"scheme": name, "releases": SCHEMES[name].releases}


# --- the ten, twice ---------------------------------------------------------------------------------------------------

CONCEPTS = (
    Concept(
        "base pages", "How many base pages of 4 KiB does a huge page of {size} have?",
        lambda r: {"size": r.choice(["1 GiB", "512 MiB", "256 MiB"])},
        lambda g: f"{HugePage(g['size']).nr_base_pages:,}",
        (
            (lambda g: f"{HugePage(g['size']).nr_vmemmap_pages:,}", "counts the pages of struct pages"),
            (lambda g: f"{HugePage(g['size']).size // KiB:,}", "counts KiB"),
            (lambda g: f"{64 * HugePage(g['size']).nr_base_pages:,}", "counts the bytes of struct pages"),
        ),
    ),
    Concept(
        "percent of what",
        "An x86-64 host has {ram} GiB in 2 MiB pages. Which share of that memory does the optimisation save, as in {releases} "
        "(page tables not counted)?",
        lambda r: {"ram": r.choice([64, 128, 256, 512]), **_scheme(r.choice(_SCHEMES))},
        lambda g: _percent(_saved(g), g["ram"] * GiB),
        (
            (lambda g: _percent(_freed(g), 8), "a share of the struct pages, not of the memory"),
            (lambda _: _percent(1, 64), "all struct pages are saved"),
            (lambda g: _percent(8 - _freed(g), 8), "what stays of the struct pages"),
        ),
    ),
    Concept(
        "struct pages stay readable",
        "A 2 MiB page was optimised as in 5.14 to 5.17, on x86-64. What does a load of its struct page {n} do?",
        lambda r: {"n": r.choice([n for n in range(130, 511) if n % 64]), "scheme": "tail page"},
        _loaded,
        _believed((_FAULT, "memory that was freed is gone"), (_ZEROS, "what is freed is cleared"),
                  (_HEAD, "all tails became the head")),
    ),
    Concept(
        "who stands in", "Linux {series}, on x86-64, optimised a 2 MiB page. Where does its vmemmap page 3 lead?",
        lambda r: _release(r.choice(_RECORDED)),
        _leads,
        _believed((_OWN, "the frames stay and only their use changes"), (_PAGE_1, "as from 5.14 to 5.17"),
                  (_PAGE_0, "as from 5.18 to 7.0"), (_SHARED, "as since 7.1")),
    ),
    Concept(
        "order of the steps",
        "On x86-64, a 2 MiB page is optimised as in {releases}. After which step may the kernel give the old frames to others?",
        lambda r: _scheme(r.choice(_SCHEMES)),
        lambda g: {"FlushTlb": "the TLB flush after the change", "Remap": "the change of the entries, before any flush",
                   "SplitPmd": "the split of the PMD entry"}[_freeing_step(g)],
        _believed(("the change of the entries, before any flush", "CPUs see a changed entry at once"),
                  ("the split of the PMD entry", "the split lets go of the frames")),
    ),
    Concept(
        "what is never returned",
        "A 6.12 kernel on x86-64 optimises {gib} GiB of neighbouring 2 MiB pages, from a multiple of 128 MiB on and none of them "
        "optimised before, and later gives them back. What stays taken?",
        lambda r: {"gib": r.choice([1, 2, 3, 4])},
        lambda g: _still_taken("2 MiB", 512 * g["gib"]),
        (
            (lambda _: _pages(0), "giving back undoes everything"),
            (lambda g: _pages(512 * g["gib"]), "a page table for each huge page"),
            (lambda g: _pages(512 * g["gib"] * HugePage("2 MiB").freed("head page")), "frames that were freed never come back"),
        ),
    ),
    Concept(
        "giving back needs memory",
        "Sixteen optimised 2 MiB pages lie in memory that the kernel may use for itself, and are to be given back (x86-64, 5.18 or "
        "later). {frames} page frames are free for it, and no more can be had elsewhere. How many of the sixteen can go?",
        lambda r: {"frames": r.choice([3, 4, 5, 6, 10, 12])},
        lambda g: str(_given_back(16, g["frames"])),
        (
            (lambda _: "16", "giving back needs no memory"),
            (lambda g: str(g["frames"]), "one frame is enough for each"),
            (lambda _: "1", "what one gives back is of no use to the next"),
            (lambda _: "0", "the frames for all sixteen must be free at once"),
        ),
    ),
    Concept(
        "size against size",
        "On x86-64, 4 TiB are in pages of {one} instead of {other}. How much does the optimisation save then, as in {releases}?",
        lambda r: {"one": "1 GiB", "other": "2 MiB", **_scheme(r.choice(_SCHEMES))},
        lambda g: _times(_ratio(g)),
        _RATIO_MISTAKES,
    ),
    Concept(
        "where nothing is saved",
        "The optimisation as on x86-64 since 5.18: for which of these huge pages would it free no frame, if it ran there?",
        lambda r: {"nothing": r.choice(_NOTHING), "largest": r.choice(_LARGEST)},
        lambda g: _only(map(str, (g["nothing"], g["largest"], _LARGE_BASE, _USUAL)), lambda o: o in map(str, _NOTHING)),
        (
            (lambda g: str(g["largest"]), "the largest have the fewest struct pages"),
            (lambda _: str(_LARGE_BASE), "large base pages leave nothing to save"),
            (lambda _: str(_USUAL), "the smallest that a PMD entry maps is too small"),
        ),
    ),
    Concept(
        "what the boot log proves",
        "The boot log of a {series} kernel on x86-64 says “{line}”. What does that prove about the optimisation?",
        lambda r: (lambda name: {**_release(name), "line": _line(name, "2.00 MiB")})(r.choice(_LOGGED)),
        lambda g: "neither" if _in_doubt(g) else "that it is on",
        _believed(("that it is on", "reads what can be freed as what was freed"),
                  ("that it is off", "reads what can be freed as what was not freed")),
    ),
)  # fmt: skip
"""The ten, in the order in which they are put."""

PARALLEL = (
    Concept(
        "base pages", "How many struct pages describe a huge page of {size} where base pages have {base}?",
        lambda r: _sized(r.choice([one for one in _SOME if one.base > 4 * KiB])),
        lambda g: f"{g['one'].page.nr_base_pages:,}",
        (
            (lambda g: f"{g['one'].size // (4 * KiB):,}", "base pages always have 4 KiB"),
            (lambda g: f"{64 * g['one'].page.nr_base_pages:,}", "counts the bytes of struct pages"),
            (lambda g: f"{g['one'].page.nr_base_pages // 64:,}", "counts pages of struct pages, as on x86-64"),
        ), "B",
    ),
    Concept(
        "percent of what",
        "An x86-64 host has {ram} GiB in 2 MiB pages. How much of it does the optimisation save, as in {releases} (page tables not "
        "counted)?",
        lambda r: {"ram": r.choice([128, 256, 512]), **_scheme(r.choice(_SCHEMES))},
        lambda g: _gib({"ram": 1}, _saved(g), GiB),
        (
            (lambda g: _gib(g, _freed(g), 8), "a share of the struct pages, not of the memory"),
            (lambda g: _gib(g, 1, 64), "all struct pages are saved"),
            (lambda g: _gib(g, 8 - _freed(g), 8), "what stays of the struct pages"),
        ), "B",
    ),
    Concept(
        "struct pages stay readable",
        "A 2 MiB page was optimised as in 5.18 to 6.1, on x86-64. What does a load of its struct page {n} do?",
        lambda r: {"n": r.choice([n for n in range(130, 511) if n % 64]), "scheme": "head page"},
        _loaded,
        _believed((_FAULT, "memory that was freed is gone"), (_ZEROS, "what is freed is cleared"),
                  (_HEAD, "all tails became the head")), "B",
    ),
    Concept(
        "who stands in",
        "Linux {series}, on x86-64, optimised a 2 MiB page. To how many different frames do its eight vmemmap pages lead?",
        lambda r: _release(r.choice(_RECORDED)),
        _kinds_of_frames,
        _believed(("8", "the frames stay and only their use changes"), ("7", "seven is what stays"),
                  ("1", "one frame stands in for all eight"), ("2", "as from 5.14 to 5.17, and since 7.1")), "B",
    ),
    Concept(
        "order of the steps",
        "On x86-64, a 2 MiB page is optimised as in {releases}. A CPU has just written to vmemmap page {page}. Until when may "
        "it go on writing to the old frame?",
        lambda r: {"page": r.randrange(3, 8), **_scheme(r.choice(_SCHEMES))},
        lambda g: {"FlushTlb": "until the last flush of the TLB", "Remap": "until the entry of the page is changed",
                   "SplitPmd": "until the PMD entry is split"}[_freeing_step(g)],
        _believed(("until the entry of the page is changed", "CPUs see a changed entry at once"),
                  ("until the PMD entry is split", "the split lets go of the frames")), "B",
    ),
    Concept(
        "what is never returned",
        "A 6.12 kernel on x86-64 optimises {count} neighbouring pages of 1 GiB, none of them optimised before, and later gives them "
        "back. What stays taken?",
        lambda r: {"count": r.choice([2, 3, 4])},
        lambda g: _still_taken("1 GiB", g["count"]),
        (
            (lambda _: _pages(0), "giving back undoes everything"),
            (lambda g: _pages(512 * g["count"]), "a page table for each 2 MiB"),
            (lambda g: _pages(g["count"] * HugePage("1 GiB").freed("head page")), "frames that were freed never come back"),
        ), "B",
    ),
    Concept(
        "giving back needs memory",
        "{count} optimised 2 MiB pages lie in memory that the kernel may use for itself (x86-64, 5.18 or later), and no more can be "
        "had elsewhere. How many page frames must be free at least, so that all can be given back, one after the other?",
        lambda r: {"count": r.choice([10, 12, 16, 20])},
        lambda g: str(_fewest(g["count"])),
        (
            (lambda _: "0", "giving back needs no memory"),
            (lambda g: str(g["count"]), "one frame is enough for each"),
            (lambda g: str(7 * g["count"]), "what one gives back is of no use to the next"),
        ), "B",
    ),
    Concept(
        "size against size",
        "On arm64 with base pages of 4 KiB, 4 TiB are in pages of {one} instead of {other}. How much would the optimisation save "
        "then, as on x86-64 since 5.18, if it ran there?",
        lambda r: {**dict(zip(("one", "other"), r.choice([("32 MiB", "2 MiB"), ("1 GiB", "32 MiB")]), strict=True)), "scheme": "head page"},
        lambda g: _times(_ratio(g)),
        _RATIO_MISTAKES, "B",
    ),
    Concept(
        "where nothing is saved",
        "How many frames would the optimisation, as on x86-64 since 5.18, free for a huge page of {size} where base pages have {base}, if it ran "
        "there?",
        lambda r: _sized(r.choice([*_NOTHING, _LARGE_BASE])),
        lambda g: str(g["one"].page.freed("head page")),
        (
            (lambda _: "7", "as for 2 MiB on x86-64"),
            (lambda g: str(g["one"].page.nr_base_pages - 1), "a frame for each tail"),
            (lambda _: "1", "there is always one to free"),
            (lambda _: "0", "large base pages leave nothing to save"),
        ), "B",
    ),
    Concept(
        "what the boot log proves",
        "A {series} kernel on x86-64 boots and says “{line}”. What do you know about the optimisation then?",
        lambda r: (lambda name: {**_release(name), "line": _line(name, "1.00 GiB")})(r.choice(_LOGGED)),
        lambda g: "neither of the two" if _in_doubt(g) else "that it is on, and that this much was freed",
        _believed(("that it is on, and that this much was freed", "reads what can be freed as what was freed"),
                  ("that it is off", "reads what can be freed as what was not freed")), "B",
    ),
)  # fmt: skip
"""The parallel form: the same ideas in the same order."""

FORMS: Mapping[str, tuple[Concept, ...]] = {"A": CONCEPTS, "B": PARALLEL}
