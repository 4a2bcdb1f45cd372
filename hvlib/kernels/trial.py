"""The model on trial: a record of a real kernel, expectation by expectation, against arithmetic and mechanism.

For a release the scheme is expected that `schemes` names for it. The mechanism then does to a machine of its own what
the lab did to the kernel, and the two are compared: who leads where, what may be written, which bytes show where,
what is left in the struct pages once it is dissolved, and what the counters say. Frame numbers are never compared,
only which are the same and which were there at boot. What an architecture decides is a fact of its own
(`hvlib.facts.platforms`), and where the struct pages lie and how large they are the record says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ..arithmetic.geometry import HugePage
from ..errors import BadInput, instance_of, quoted
from ..facts.layout import PTE
from ..facts.platforms import PLATFORMS, Platform
from ..facts.schemes import SCHEMES, Encoding, Scheme, scheme_in
from ..mechanism.machine import Machine
from ..mechanism.structpage import COMPOUND_INFO, COUNTS, FLAGS, MAPPING, NO_REFERENCES, PRIVATE, tail_info
from ..units import format_size, index_of
from . import observe
from .observe import Entries, Record

NOISE = 2
"""Pages by which the free-page counters may be off: other things go on in a kernel (at most 2 in 212 measurements)."""
OWN_GROWTH = 4
"""Anonymous pages that the measuring programs may take or give meanwhile."""
SIZES = ("2 MiB", "1 GiB")
NEIGHBOURS = 7
SHOWN = {0, 1, 2, 3, 4, 63, 64, 65, 128}
FREE_AGAIN = 8
"""Of the ten or eleven struct pages shown, so many at least must belong to free memory once the page is dissolved."""

PAGE_FLAGS = (1 << 24) - 1
"""The flags proper in word 0, a little fewer than 24 to 26 (enum pageflags); zone, node and section stand on top."""
BUDDY = (0xF0000000, 0xFFFFFF7F)
"""The page type of the first page of a free block, since 6.11 and before (include/linux/page-flags.h, and records)."""
LARGEST_ORDER = 10
HUGE_FREED = ((5, 10), 4, (1 << 64) - 1)
"""Series, struct page, `private`: 5.10 says there that a huge page is free, and leaves it (its record shows it)."""

ONE_HEAD = "/proc/kpageflags shows one head"
RESERVED_1G = "1 GiB, reserved at boot: writable"
STILL_TYPED = "dissolved: page type"
STILL_PRIVATE = "dissolved: private"
LEFT_HUGE = "on: frames of 64 dissolved 2 MiB pages that /proc/kpageflags still calls huge"


@dataclass(frozen=True)
class Bug:
    """A bug of real kernels that the trial knows: on which releases it was seen, and what they show, to the letter.

    ``first`` and ``last`` are a series, (6, 16), or a stable release, (6, 12, 115). ``shows`` is how the name of an
    expectation ends -> what is seen instead. A record of these releases must show all of it, and no other may.
    """

    title: str
    first: tuple[int, ...]
    last: tuple[int, ...]
    shows: Mapping[str, str]
    source: str

    def has(self, release: tuple[int, ...]) -> bool:
        """Whether it is known on a release; of a series alone only if it is on all of it."""
        return self.first <= release[: len(self.first)] and release[: len(self.last)] <= self.last

    def __str__(self) -> str:
        first, last = (".".join(map(str, one)) for one in (self.first, self.last))
        return f"{self.title} (seen from {first} to {last})"


BUGS = (
    Bug("a 1 GiB page reserved at boot has writable tails", (6, 16), (7, 1), {RESERVED_1G: "0, 64-4095"},
        "kernels from 6.16 to 7.3 were booted; 6.1, 6.12, 7.2.12 and 7.3 reserve with all tails read-only. Mended in "
        "June 2026; 7.2.12 and 7.2.13 have it (20260612035903.2468601-3-songmuchun@bytedance.com)"),
    Bug("/proc/kpageflags takes fake heads for heads", (6, 17), (7, 0),
        {ONE_HEAD: "[0, 64, 128, 192, 256, 320, 384, 448]"},
        "kernels from 6.16 to 7.3 were booted, and only these series show fake heads"),
    Bug("struct pages of a dissolved huge page still say hugetlb", (6, 12, 115), (6, 12, 118),
        {STILL_TYPED: "0xf4000000 in [64, 128]", STILL_PRIVATE: "0x10 in [64, 128]", LEFT_HUGE: "448"},
        "measured: 6.12.107, 6.12.111 and 6.12.113 good, 6.12.115 to 6.12.118 bad, good with the optimisation off "
        "(`hvlib.observe.left_huge`). A fix made for the shared tails of 7.1 was back-ported to the scheme of 6.2"),
)  # fmt: skip
"""The known bugs of real kernels, in the order they were found."""


@dataclass(frozen=True)
class Finding:
    """One expectation of the model and what the kernel did."""

    name: str
    expected: str
    seen: str

    @property
    def holds(self) -> bool:
        """Whether the kernel did what the model expects."""
        return self.expected == self.seen

    def __str__(self) -> str:
        verdict = "as expected" if self.holds else f"EXPECTED {self.expected}"
        return f"{self.name}: {self.seen} ({verdict})"


def scheme_of_series(series: tuple[int, int]) -> Scheme:
    """The scheme that a kernel of this series uses when the optimisation is on. Raises `BadInput`."""
    return scheme_in(series)


def known_bug(finding: Finding, release: tuple[int, ...]) -> Bug | None:
    """Which of `BUGS` a finding that does not hold is: on a release that has it, and exactly what it shows.

    ``release`` is a record's ``version``, (6, 12, 117), or a series. Raises `BadInput` for anything else.
    """
    finding = instance_of(finding, Finding, "a finding", "write for example judge(record)[0]")
    release = _release(release)
    for bug in BUGS:
        for name, seen in bug.shows.items():
            if finding.name.endswith(name) and not finding.holds and finding.seen == seen and bug.has(release):
                return bug
    return None


def _release(value: object) -> tuple[int, ...]:
    numbers = [index_of(one) for one in value] if isinstance(value, tuple) and 2 <= len(value) <= 3 else [None]
    if not all(number is not None and 0 <= number < 100_000 for number in numbers):
        raise BadInput(
            f"a release is two or three whole numbers, and {quoted(value)} is not; write for example (6, 12, 117)."
        )
    return tuple(number for number in numbers if number is not None)


def judge(record: Record, scheme: Scheme | None = None) -> list[Finding]:
    """Every expectation of the model for this record, in order; see `Finding.holds`.

    ``scheme`` is expected, or without it the one of the record's series. Raises `BadInput` for a record that is broken
    rather than surprising.
    """
    record = instance_of(record, Record, "a record", "write for example observe.recorded('6.1.192')")
    try:
        return list(_findings(record, scheme or scheme_of_series(record.series)))
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as why:
        raise BadInput(
            f"the record of {record.release} is broken ({quoted(str(why))}); choose another, or make it again with "
            "make observe."
        ) from None


def nearest(record: Record) -> tuple[Scheme, list[Finding]]:
    """The scheme of which a record breaks the fewest expectations, and these; the series' own if none does better.

    What a vendor took back into an older release, its number does not tell; page tables and bytes do.
    """
    own = scheme_of_series(record.series)
    broken = {scheme: [f for f in judge(record, scheme) if not f.holds] for scheme in (own, *SCHEMES.values())}
    best = min(broken, key=lambda scheme: (len(broken[scheme]), scheme != own))
    return best, broken[best]


def leads(seen: Entries, boot: Entries) -> str:
    """Who leads where, without frame numbers: "0>0 1>1 2>1"; a letter is a frame that was not there at boot."""
    for one in (seen, boot):
        instance_of(one, Entries, "what a record holds of a huge page", "write for example record.entries('2 MiB')")
    return _leads(seen.frames, boot.frames, seen.pages)


def _findings(record: Record, release: Scheme) -> Iterator[Finding]:
    platform, scheme = PLATFORMS[record.architecture], release
    yield Finding("release and package agree", "{}.{}".format(*record.series), ".".join(record.release.split(".")[:2]))
    bases = " or ".join(map(format_size, sorted(platform.base_pages)))
    yield Finding("base page", bases, bases if record.base_page in platform.base_pages else f"{record.base_page:,}")
    if record.short:
        yield from _short(record, platform, scheme)
        return
    if platform.leaf is None:
        raise ValueError(f"page tables of {platform.name} are not read")
    if not platform.has_hvo(record.series):
        scheme = SCHEMES["off"]
    has_hvo = scheme.kept is not None
    yield Finding("states recorded", "off, on" if has_hvo else "off", ", ".join(record.states))
    told = {size: _page(record, size).freed(scheme) for size in SIZES} if has_hvo else {}
    said = _said(record, SIZES)
    yield Finding("boot log: pages that can be freed", str(told), str(said))
    for state in record.states:
        now = scheme if state == "on" else SCHEMES["off"]
        for size in SIZES:
            yield from _mapping(record, state, size, now, release)
        left = record.left_huge(state)
        if left is not None:
            yield Finding(f"{state}: {LEFT_HUGE.partition(': ')[2]}", "0", str(left[1]) if left[0] == 64 else "not 64")
        yield from _counters(record, state, now)
    if has_hvo and not record.quick:
        for size in SIZES:
            yield from _reserved(record, size, release)


def _short(record: Record, platform: Platform, scheme: Scheme) -> Iterator[Finding]:
    """A kernel that cannot do it, and what it says: the option, the switch, the boot log, its counters."""
    selected = platform.has_hvo(record.series)
    if record.option is not None:
        yield Finding("the option in its configuration", "y" if selected else "n", str(record.option))
    pages = {size: HugePage(size, record.base_page, record.struct_page) for size in record.huge_pages}
    can = {size: page.freed(scheme) if selected else 0 for size, page in pages.items()}
    yield Finding("the switch vm.hugetlb_optimize_vmemmap", "there" if any(can.values()) else "absent",
                  "there" if record.can_switch else "absent")  # fmt: skip
    yield Finding("boot log: pages that can be freed", str(can), str(_said(record, record.huge_pages)))
    savings = record.savings("off")
    counted = sorted({saving.case for saving in savings if saving.huge_pages > 0})
    yield Finding("sizes counted", "one or more", "one or more" if counted else "none")
    for saving in savings:
        name = f"{saving.huge_pages} x {saving.case}, off"
        near = f"0 within {NOISE}"
        yield Finding(f"{name}: pages saved, own growth paid", near,
                      near if abs(saving.total) <= NOISE else f"{saving.total:,}")  # fmt: skip


def _said(record: Record, sizes: Sequence[str]) -> dict[str, int]:
    """Base pages that the boot log says can be freed, for each of these sizes that it names."""
    said = observe.boot_log("\n".join(record.boot_log), record.base_page)
    return {size: said[_page(record, size).size] for size in sizes if _page(record, size).size in said}


def _page(record: Record, size: str) -> HugePage:
    return HugePage(size, record.base_page, record.struct_page)


class _Model:
    """What the mechanism does with two huge pages of a size: the frames and what may be written, of the first."""

    def __init__(self, size: str, base_page: int, struct_page: int, scheme: Scheme, read_only: bool) -> None:
        pool = Machine("4 GiB", base_page, struct_page, check=False).hugetlb(size, 2)
        self.born = pool.frames(0)
        pool.optimize(scheme)
        self.frames, self.neighbour = pool.frames(0), pool.frames(1)
        self.writable = tuple(pool.writable(0)) if read_only else (True,) * len(self.frames)
        self.nr_pages = len(self.frames)
        shown = range(self.nr_pages) if self.nr_pages <= 8 else (*range(9), self.nr_pages - 2, self.nr_pages - 1)
        self.pages = tuple(shown)


@cache
def _made(*what: Any) -> _Model:
    """One model for all records of a scheme."""
    return _Model(*what)


def _model(record: Record, size: str, scheme: Scheme) -> _Model:
    read_only = PLATFORMS[record.architecture].read_only_tails
    return _made(size, record.base_page, record.struct_page, scheme, read_only)


def _mapping(record: Record, state: str, size: str, scheme: Scheme, release: Scheme) -> Iterator[Finding]:
    boot, live, gone = (record.entries(size, when, state) for when in ("boot", "live", "dissolved"))
    model, name = _model(record, size, scheme), f"{size}, {scheme.name}"
    everything = f"0-{model.nr_pages - 1}"
    page, leaf = record.base_page, record.base_page**2 // PTE
    for when, seen in (("at boot", boot), ("live", live), ("dissolved", gone)):
        yield Finding(f"{name}, {when}: pages", f"{model.nr_pages:,}, shown {list(model.pages)}",
                      f"{seen.nr_pages:,}, shown {list(seen.pages)}")  # fmt: skip
        split = scheme.kept is not None and when != "at boot"
        yield Finding(f"{name}, {when}: bytes each entry maps", f"{page if split else leaf:,}",
                      " and ".join(sorted({f"{row.size:,}" for row in seen.rows})))  # fmt: skip
        wrong = [row.page for row in seen.rows if not _consistent(row, record, record.pfn(size, "live", state))]
        yield Finding(f"{name}, {when}: entries that contradict themselves", "[]", str(wrong))
        if when != "at boot":
            yield Finding(f"{name}, {when}: QEMU's own walk", "agrees", _agrees(seen))

    starts = {(row.page // (leaf // page), row.frame - row.page) for row in boot.rows}
    consecutive = len(starts) == len({entry for entry, _ in starts})
    yield Finding(f"{name}, at boot: frames", f"consecutive, writable {everything}",
                  f"{'consecutive' if consecutive else 'scattered'}, writable {boot.writable_pages}")  # fmt: skip
    pages = model.pages
    model_leads = _leads([model.frames[p] for p in pages], [model.born[p] for p in pages], pages)
    yield Finding(f"{name}: who leads where", model_leads, leads(live, boot))
    yield Finding(f"{name}: distinct frames", f"{len(set(model.frames)):,}", f"{live.distinct_frames:,}")
    yield Finding(f"{name}: writable", _runs(model.writable), live.writable_pages)
    yield Finding(f"{name}: writable, entry by entry", _which([model.writable[p] for p in pages], pages),
                  _which(live.writable, live.pages))  # fmt: skip
    if size == "2 MiB":
        yield from _shared(record, state, name, model, live)
    encoding = release.encoding
    yield from _bytes(record, live, name, record.pfn(size, "live", state), size, scheme, encoding, model.frames)
    if scheme.kept is not None:
        yield from _dissolved(record, state, name, size, scheme, everything)
    yield from _left(record, name, record.pfn(size, "live", state), live, gone)
    heads = record.shown_as_heads(size, state)
    if heads is not None or not record.quick:
        yield Finding(f"{name}: {ONE_HEAD}", "[0]", str(list(heads or ())))


def _shared(record: Record, state: str, name: str, model: _Model, live: Entries) -> Iterator[Finding]:
    """Which pages lead to a frame that another huge page's pages lead to as well, for every other huge page."""
    others = record.neighbours("2 MiB", state)
    yield Finding(f"{name}: other huge pages looked at", str(NEIGHBOURS), str(len(others)))
    expected = [page for page in model.pages if model.frames[page] in model.neighbour]
    common = {str([page for page, frame in enumerate(live.frames) if frame in other]) for other in others}
    yield Finding(
        f"{name}: pages whose frame is shared with other huge pages", str(expected), " or ".join(sorted(common))
    )


def _bytes(
    record: Record, live: Entries, name: str, pfn: int, size: str, scheme: Scheme, encoding: Encoding,
    frames: Sequence[int],
) -> Iterator[Finding]:  # fmt: skip
    """Struct pages whose pages lead to one frame show the same bytes; each real tail names the head; one is a head.

    How a tail names its head depends on the release, not on whether the optimisation is on.
    """
    words, wanted = live.words, {*SHOWN, _page(record, size).nr_base_pages - 1}
    yield Finding(f"{name}: struct pages read", str(sorted(wanted)), str(sorted(wanted & set(words))))
    if wanted - set(words):
        return
    each = record.base_page // record.struct_page
    alike = [
        (a, b)
        for a in sorted(words)
        for b in sorted(words)
        if a < b and a % each == b % each and frames[a // each] == frames[b // each]
    ]
    if alike:
        same = [pair for pair in alike if words[pair[0]] == words[pair[1]]]
        yield Finding(f"{name}: struct pages that show the same bytes", str(alike), str(same))
    head = np.array([record.vmemmap + record.struct_page * pfn & (1 << 64) - 1], np.uint64)
    word = int(tail_info(head, _page(record, size).order, encoding, record.struct_page)[0])
    tails = [n for n in words if n and not (scheme.fake_heads and n % each == 0)]
    yield Finding(f"{name}: word 1 of the tails", f"{word:#x} in {tails}",
                  f"{word:#x} in {[n for n in tails if words[n][COMPOUND_INFO] == word]}")  # fmt: skip
    is_head = bool(_head_flags(words)) and not words[0][COMPOUND_INFO] & 1
    yield Finding(f"{name}: struct page 0", "a head", "a head" if is_head else "no head")


def _head_flags(words: Mapping[int, tuple[int, ...]]) -> int:
    """PG_head, which has another bit number in later releases: page flags that the head has and no tail has."""
    return words[0][FLAGS] & ~words[1][FLAGS] & ~words[2][FLAGS] & PAGE_FLAGS


def _left(record: Record, name: str, pfn: int, live: Entries, gone: Entries) -> Iterator[Finding]:
    """What the struct pages say once the huge page is dissolved: nothing of it, and that they are free memory.

    A frame may be in use again for something else by then; of that one only asks that it says nothing of a huge page.
    """
    yield Finding(f"{name}, dissolved: struct pages read", str(sorted(live.words)), str(sorted(gone.words)))
    if not {0, 1, 2} <= set(live.words) or not gone.words:
        return
    head, tail = live.words[0], live.words[1][COMPOUND_INFO]
    head_type, mark = _counts(head), _head_flags(live.words)

    def says(what: str, expected: str, wrong: Callable[[int, tuple[int, ...]], int | None]) -> Finding:
        """The struct pages about which ``wrong`` has something to show, by what it shows."""
        seen: dict[int, list[int]] = {}
        for number, words in gone.words.items():
            shown = wrong(number, words)
            if shown is not None:
                seen.setdefault(shown, []).append(number)
        found = "; ".join(f"{value:#x} in {numbers}" for value, numbers in seen.items())
        return Finding(f"{name}, dissolved: {what}", expected, found or expected)

    free = {number for number, words in gone.words.items() if words[COUNTS] >> 32 == 0}
    enough = f"{FREE_AGAIN} or more"
    yield Finding(f"{name}, dissolved: free", enough, enough if len(free) >= FREE_AGAIN else str(sorted(free)))

    def page_type(number: int, words: tuple[int, ...]) -> int | None:
        of_hugetlb = head_type >> 24 >= 0xF0 and head_type != NO_REFERENCES and _counts(words) == head_type
        strange = number in free and _counts(words) not in (NO_REFERENCES, *BUDDY)
        return _counts(words) if of_hugetlb or strange else None

    def flags(number: int, words: tuple[int, ...]) -> int | None:
        set_ = words[FLAGS] & (PAGE_FLAGS if number in free else mark)
        return set_ or None

    def private(number: int, words: tuple[int, ...]) -> int | None:
        value = words[PRIVATE]
        if number not in free or not value or (record.series, number, value) == HUGE_FREED:
            return None
        begins = value <= LARGEST_ORDER and (pfn + number) % (1 << value) == 0
        return None if _counts(words) in BUDDY and begins else value

    def mapping(number: int, words: tuple[int, ...]) -> int | None:
        return words[MAPPING] or None if number in free else None

    def compound(number: int, words: tuple[int, ...]) -> int | None:
        word = words[COMPOUND_INFO]
        return word if word == tail or (number in free and word & 1) else None

    yield says("page type", "none, or a free block's", page_type)
    yield says("page flags", "none", flags)
    yield says("private", "0, or a free block's order", private)
    yield says("mapping", "0", mapping)
    yield says("compound word", "names no head", compound)


def _counts(words: tuple[int, ...]) -> int:
    """The lower half of that word: map count, or page type."""
    return words[COUNTS] & NO_REFERENCES


def _dissolved(record: Record, state: str, name: str, size: str, scheme: Scheme, everything: str) -> Iterator[Finding]:
    """Every page has a writable frame of its own again; those that were kept have not moved."""
    boot, live, gone = (record.entries(size, when, state) for when in ("boot", "live", "dissolved"))
    assert scheme.kept is not None
    kept = scheme.kept
    yield Finding(f"{name}, dissolved: writable", f"{everything}, all shown",
                  f"{gone.writable_pages}, {'all' if all(gone.writable) else 'not all'} shown")  # fmt: skip
    apart = "all" if len(set(gone.frames)) == len(gone.frames) else "not all"
    yield Finding(f"{name}, dissolved: distinct frames", f"{boot.nr_pages:,}, all shown",
                  f"{gone.distinct_frames:,}, {apart} shown")  # fmt: skip
    yield Finding(f"{name}, dissolved: kept pages in the frame they had alive", str(list(range(kept))),
                  str([page for page in range(kept) if gone.frames[page] == live.frames[page]]))  # fmt: skip
    moved = [page for page in range(kept) if live.frames[page] != boot.frames[page]]
    yield Finding(
        f"{name}: kept pages in a new frame", str(list(range(kept)) if scheme.head_copied else []), str(moved)
    )
    others = {frame for other in record.neighbours(size, state) for frame in other}
    still = [page for page, frame in enumerate(gone.frames) if page >= kept and frame in {*live.frames, *others}]
    yield Finding(f"{name}, dissolved: tails still in a shared frame", "[]", str(still))


def _counters(record: Record, state: str, scheme: Scheme) -> Iterator[Finding]:
    savings = record.savings(state)
    cases = [f"{size}{use}" for size in SIZES for use in ((", again", ", first use") if state == "on" else ("",))]
    yield Finding(f"{state}: cases counted", ", ".join(sorted(cases)),
                  ", ".join(sorted({s.case for s in savings if s.huge_pages > 0})))  # fmt: skip
    for saving in savings:
        size, _, use = saving.case.partition(", ")
        name = f"{saving.huge_pages} x {saving.case}, {state}"
        model = saving.huge_pages * _page(record, size).freed(scheme)
        # The first use of a size also takes the page of tails that all its huge pages share.
        slack = NOISE + (scheme.tails == "shared page" and use == "first use")
        near = f"{model:,} within {slack}"
        yield Finding(f"{name}: pages saved, tables and own growth paid", near,
                      near if abs(saving.total - model) <= slack else f"{saving.total:,}")  # fmt: skip
        few, grown = f"within {OWN_GROWTH}", saving.anon_pages_grew_by
        yield Finding(f"{name}: own growth", few, few if abs(grown) <= OWN_GROWTH else f"{grown:,}")
        before = record.tables_split("2 MiB", state) if size == "1 GiB" else 0
        yield Finding(f"{name}: tables split", *_tables(saving, size, use, before))
        if saving.memmap_counter_fell_by is not None or record.series >= (6, 12):
            fell = saving.memmap_counter_fell_by
            yield Finding(
                f"{name}: the kernel's memmap counters fell by",
                f"{model:,}",
                "not told" if fell is None else f"{fell:,}",
            )
        if size == "1 GiB":
            seen = _model(record, size, scheme)
            given_up = len(set(seen.born) - set(seen.frames)) if saving.tables_split else 0
            # Frames that the 2 MiB pages looked at before had given up already do not count again.
            least = given_up - (NEIGHBOURS + 1) * 8 if 0 < saving.tables_split < 8 else given_up
            expected = f"{least * 4:,} to {given_up * 4:,} kB"
            grown = saving.mem_total_grew_by_kB
            yield Finding(f"{name}: MemTotal grew by", expected,
                          expected if least * 4 <= grown <= given_up * 4 else f"{grown:,} kB")  # fmt: skip


def _tables(saving: observe.Saving, size: str, use: str, before: int) -> tuple[str, str]:
    """Page tables expected and seen: eight for 1 GiB of fresh memory, one for up to 64 huge pages of 2 MiB.

    Fewer where the 2 MiB pages that were looked at had split some of the eight ``before``.
    Where a page comes to lie is the kernel's choice: one taken "again" may find fresh memory, and one taken first may
    find memory that was split before.
    """
    split = saving.tables_split
    if not use:
        return "0", str(split)
    if size == "1 GiB":
        if use == "first use":
            fresh = f"{8 - before} to 8"
            return fresh, fresh if 8 - before <= split <= 8 else str(split)
        return "0 or 8", "0 or 8" if split in (0, 8) else str(split)
    most = -(-saving.huge_pages // 64) + 1
    return f"up to {most}", f"up to {most}" if 0 <= split <= most else str(split)


def _reserved(record: Record, size: str, scheme: Scheme) -> Iterator[Finding]:
    """A huge page that the kernel's command line reserved at boot, with the optimisation on."""
    seen, model, name = record.entries(size, "reserved"), _model(record, size, scheme), f"{size}, reserved at boot"
    yield Finding(f"{name}: writable", _runs(model.writable), seen.writable_pages)
    yield Finding(f"{name}: distinct frames", f"{len(set(model.frames)):,}", f"{seen.distinct_frames:,}")
    yield Finding(f"{name}: QEMU's own walk", "agrees", _agrees(seen))
    pfn = record.pfn(size, "reserved")
    yield from _bytes(record, seen, name, pfn, size, scheme, scheme.encoding, model.frames)


def _consistent(row: observe.Row, record: Record, pfn: int) -> bool:
    """Whether frame and writability are what the bits of the page-table entry say."""
    leaf, page = PLATFORMS[record.architecture].leaf, record.base_page
    assert leaf is not None
    frames = row.size // page
    address = record.vmemmap + pfn * record.struct_page + row.page * page
    frame = leaf.frame(row.entry) // frames * frames + address // page % frames
    return bool(row.entry & leaf.valid) and row.frame == frame and row.writable == bool(row.entry & leaf.writable)


def _agrees(seen: Entries) -> str:
    return "agrees" if seen.monitor_agrees else "disagrees"


def _leads(frames: Sequence[int], born: Sequence[int], pages: Sequence[int]) -> str:
    names = dict(zip(born, map(str, pages), strict=True))
    for frame in frames:
        names.setdefault(frame, chr(ord("a") + len(names) - len(born)))
    return " ".join(f"{page}>{names[frame]}" for page, frame in zip(pages, frames, strict=True))


def _which(marks: Sequence[bool], pages: Sequence[int]) -> str:
    return ", ".join(str(page) for page, mark in zip(pages, marks, strict=True) if mark) or "none"


def _runs(marks: Sequence[bool]) -> str:
    """Numbers of the true ones as runs: "0, 64-4095"."""
    edges = [n for n in range(len(marks) + 1) if (n < len(marks) and marks[n]) != (n > 0 and marks[n - 1])]
    spans = zip(edges[::2], edges[1::2], strict=True)
    return ", ".join(str(a) if b == a + 1 else f"{a}-{b - 1}" for a, b in spans)
