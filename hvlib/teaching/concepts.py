"""The concept test: ten questions to be answered before the book and after it, so that learning can be measured.

Each question stands for a misconception that readers bring along. Its numbers and the order of its options are drawn from
a seed; which option is right is decided by the engine, which looks at each of them. There is no answer key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from ..arithmetic.geometry import ARCHITECTURES, HugePage
from ..errors import BadInput, name_of, quoted
from ..kernels import observe
from ..mechanism.machine import Machine, Pool
from ..units import GiB, TiB, format_size, quantity, whole_number
from .prompt import Draw, Given, Prompt, no_numbers, seed_of

When = Literal["before", "after"]
WHEN = ("before", "after")


@dataclass(frozen=True)
class Concept(Prompt):
    """A `Prompt` with a few options. ``holds`` says of an option whether it is true; exactly one is.

    ``chapter`` is where the book teaches it.
    """

    name: str
    chapter: int
    prompt: str
    options: Callable[[Given], Sequence[str]]
    holds: Callable[[Given, str], bool]
    draw: Draw = no_numbers

    def key(self, seed: int | str) -> str:
        """What the numbers, and then the order of the options, are drawn from; the seed says when too: 's01 before'."""
        return f"hvlib concepts {seed} {self.name}"


@dataclass(frozen=True)
class Item:
    """A `Concept` as it is put to somebody: text, options in their order, and the number of the right one."""

    concept: Concept
    text: str
    options: tuple[str, ...]
    right: int


@dataclass(frozen=True)
class Score:
    """What somebody knew: which concepts were answered rightly, out of all."""

    seed: str
    when: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        chapters = sorted({concept.chapter for concept in CONCEPTS if concept.name in self.wrong})
        look = (
            f" To look at: chapter{'s' if len(chapters) > 1 else ''} {', '.join(map(str, chapters))}."
            if chapters
            else ""
        )
        return f"Concept test, {self.when}, seed {self.seed}: {len(self.right)} of {len(CONCEPTS)} right.{look}"


def items(seed: int | str = 0, when: str = "before") -> tuple[Item, ...]:
    """The ten questions for a seed. ``when`` is "before" or "after"; the two have different numbers and orders."""
    seed, when, found = seed_of(seed), name_of(when, "when", WHEN), []
    for concept in CONCEPTS:
        rng = concept.rng(f"{seed} {when}")
        given = concept.draw(rng)
        options = list(concept.options(given))
        rng.shuffle(options)
        (right,) = (number for number, option in enumerate(options) if concept.holds(given, option))
        found.append(Item(concept, concept.prompt.format_map(given), tuple(options), right))
    return tuple(found)


def score(answers: Sequence[int], seed: int | str = 0, when: str = "before") -> Score:
    """The `Score` of ten answers, each the number of an option, from 0. Raises `BadInput` for anything else."""
    put = items(seed, when)
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
    return Score(str(seed_of(seed)), when, right, wrong)


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


# --- the ten ----------------------------------------------------------------------------------------------------------


@cache
def _optimised(size: str, scheme: str, count: int = 1) -> tuple[Machine, Pool]:
    machine = Machine("4 GiB", check=False)
    return machine, machine.hugetlb(size, count).optimize(scheme)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.3g} %"


def _load(struct_page: int, option: str) -> bool:
    """Whether a load of a struct page, after the remap of 2021, does what the option says."""
    machine, pool = _optimised("2 MiB", "tail page")
    read = machine.struct_page_of(pool.pfns[0] + struct_page)
    other = struct_page % 64 + 64
    frames = pool.frames()
    shares = frames[struct_page // 64] == frames[other // 64]
    return {
        "It raises a page fault.": False,  # the load above would have raised it
        f"It reads the bytes of struct page {other}.": shares,
        "It reads zeros.": not any(read.words),
        "It reads the head.": read.has_pg_head,
    }[option]


def _lead(release: str, option: str) -> bool:
    """Whether vmemmap page 3 led where the option says, in the record of a release."""
    record = observe.recorded(release)
    seen, boot = record.entries("2 MiB"), record.entries("2 MiB", "boot")
    others = {frame for frames in record.neighbours("2 MiB") for frame in frames}
    return {
        "to its own frame": seen.frames[3] == boot.frames[3],
        "to the frame of page 1": seen.frames[3] == seen.frames[1] != seen.frames[0] and seen.frames[3] not in others,
        "to the frame of page 0": seen.frames[3] == seen.frames[0],
        "to a frame that all huge pages of that size share": seen.frames[3] in others,
    }[option]


@cache
def _pages_still_taken(gib: int) -> str:
    """What stays taken after huge pages were optimised, restored and given back."""
    machine = Machine("8 GiB", check=False)
    machine.hugetlb("2 MiB", 63)
    before = machine.free_frames
    machine.hugetlb("2 MiB", gib * 512).optimize("head page").free()
    return _pages(before - machine.free_frames)


def _pages(count: int) -> str:
    return "nothing" if not count else f"{quantity(count, 'page')} of 4 KiB"


@cache
def _given_back(frames: int) -> int:
    machine = Machine("64 MiB", check=False)
    pool = machine.hugetlb("2 MiB", 8).optimize("head page")
    machine.occupy(machine.free_frames - frames)
    return pool.free()


def _saving_ratio() -> float:
    one, other = (HugePage(size).bill("head page", TiB // HugePage(size).size) for size in ("1 GiB", "2 MiB"))
    return one.saved / other.saved


def _ratio_text(times: float) -> str:
    return "as much" if times == 1 else f"about {times:.3g} times as much"


def _when_free(option: str) -> bool:
    """Whether frames become free right after the step named, in the mechanism."""
    machine, _ = _optimised("2 MiB", "tail page")
    names = [type(event).__name__ for event in machine.events]
    step = {"SplitPmd": "the split of the PMD entry", "Remap": "the change of the entries",
            "FlushTlb": "the TLB flush after the change of the entries"}[names[names.index("FreeFrames") - 1]]  # fmt: skip
    return option == step


def _log_line() -> str:
    release = next(name for name in observe.records() if name.startswith("6.1."))
    return next(line for line in observe.recorded(release).boot_log if "2.00 MiB" in line)


def _log_proves(option: str) -> bool:
    """The record's boot log was read with the optimisation off; kernels print the same line with it on."""
    printed_off = "off" in observe.recorded(next(n for n in observe.records() if n.startswith("6.1."))).states
    return option == ("neither" if printed_off and observe.boot_log(_log_line()) else "that it is on")


_SIZES = tuple(
    (name, size)
    for name in ("arm64, 4 KiB base", "arm64, 64 KiB base", "x86-64")
    for size, _ in ARCHITECTURES[name].huge_pages
)


def _option_of(name: str, size: int) -> str:
    return (
        f"{format_size(size)} on {name.replace(',', ' with')} pages"
        if "," in name
        else f"{format_size(size)} on {name}"
    )


_NOTHING = {_option_of(name, size): ARCHITECTURES[name].huge_page(size).freed("head page") for name, size in _SIZES}

CONCEPTS = (
    Concept(
        "base pages", 2, "How many base pages of 4 KiB does a huge page of {size} have?",
        lambda g: [f"{n:,}" for n in (HugePage(g["size"]).nr_base_pages, HugePage(g["size"]).nr_vmemmap_pages,
                                      HugePage(g["size"]).nr_base_pages // 512, 4 * HugePage(g["size"]).nr_base_pages)],
        lambda g, o: o == f"{HugePage(g['size']).nr_base_pages:,}",
        lambda r: {"size": r.choice(["1 GiB", "512 MiB", "256 MiB"])},
    ),
    Concept(
        "percent of what", 9, "An x86-64 host has {ram} GiB in 2 MiB pages. Since 5.18 the optimisation saves which share of that memory?",
        lambda g: [_percent(7, 512), _percent(7, 8), _percent(1, 64), _percent(1, 8)],
        lambda g, o: o == _percent(HugePage("2 MiB").freed("head page") * 4096 * g["ram"] * 512, g["ram"] * GiB),
        lambda r: {"ram": r.choice([64, 128, 256, 512])},
    ),
    Concept(
        "struct pages stay readable", 6,
        "A 2 MiB page was optimised as in 5.14 to 5.17, on x86-64. What does a load of its struct page {n} do?",
        lambda g: ["It raises a page fault.", f"It reads the bytes of struct page {g['n'] % 64 + 64}.", "It reads zeros.",
                   "It reads the head."],
        lambda g, o: _load(g["n"], o),
        lambda r: {"n": r.choice([n for n in range(130, 511) if n % 64])},
    ),
    Concept(
        "who stands in", 7, "Linux {series}, on x86-64, optimised a 2 MiB page. Where does its vmemmap page 3 lead?",
        lambda _: ["to its own frame", "to the frame of page 1", "to the frame of page 0",
                   "to a frame that all huge pages of that size share"],
        lambda g, o: _lead(g["release"], o),
        lambda r: (lambda release: {"release": release, "series": "{}.{}".format(*observe.recorded(release).series)})(
            r.choice([name for name in observe.records() if "on" in observe.recorded(name).states])
        ),
    ),
    Concept(
        "order of the steps", 6, "After which step may the kernel give the old frames to others?",
        lambda _: ["the split of the PMD entry", "the change of the entries",
                   "the TLB flush after the change of the entries"],
        lambda _, o: _when_free(o),
    ),
    Concept(
        "what is never returned", 9,
        "A 6.12 kernel on x86-64 optimises {gib} GiB of neighbouring 2 MiB pages, from a multiple of 128 MiB on and none of them "
        "optimised before, and later gives them back. What stays taken?",
        lambda g: ["nothing", *(_pages(n) for n in (8 * g["gib"], 512 * g["gib"], 64 * g["gib"]))],
        lambda g, o: o == _pages_still_taken(g["gib"]),
        lambda r: {"gib": r.choice([1, 2, 4])},
    ),
    Concept(
        "giving back needs memory", 10,
        "Eight optimised 2 MiB pages lie in memory that the kernel may use for itself, and are to be given back (x86-64, 5.18 or "
        "later). {frames} page frames are free for it, and no more can be had elsewhere. How many of the eight can go?",
        lambda g: ["none", "1", "4", "all eight"],
        lambda g, o: o == {0: "none", 8: "all eight"}.get(_given_back(g["frames"]), str(_given_back(g["frames"]))),
        lambda r: {"frames": r.choice([4, 5, 6, 8, 10, 12])},
    ),
    Concept(
        "size against size", 9, "On x86-64, 1 TiB is in 1 GiB pages instead of 2 MiB pages. How much more does the optimisation save, since 5.18?",
        lambda _: [_ratio_text(_saving_ratio()), _ratio_text(8), _ratio_text(512), _ratio_text(1)],
        lambda _, o: o == _ratio_text(_saving_ratio()),
    ),
    Concept(
        "where nothing is saved", 5, "The optimisation as on x86-64 since 5.18: for which of these huge pages would it free no frame, if it ran there?",
        lambda g: g["options"],
        lambda _, o: _NOTHING[o] == 0,
        lambda r: {"options": [r.choice([n for n, freed in _NOTHING.items() if not freed]),
                               *r.sample([n for n, freed in _NOTHING.items() if freed], 3)]},
    ),
    Concept(
        "what the boot log proves", 11, "The boot log of a 6.1 kernel on x86-64 says “{line}”. What does that prove about the optimisation?",
        lambda _: ["that it is on", "that it is off", "neither"],
        lambda _, o: _log_proves(o),
        lambda _: {"line": _log_line()},
    ),
)  # fmt: skip
"""The ten, in the order in which they are put."""
