"""The model on trial: a record of a real kernel, expectation by expectation, against arithmetic and mechanism.

For a release the scheme is expected that `schemes` names for it. The mechanism then does to a machine of its own what
the lab did to the kernel, and the two are compared: who leads where, what may be written, which bytes show where,
and what the counters say. Frame numbers are never compared, only which are the same and which were there at boot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..arithmetic.geometry import HugePage
from ..errors import BadInput, instance_of, quoted
from ..facts.schemes import SCHEMES, Scheme, scheme_in, series_of
from ..mechanism.machine import Machine
from ..mechanism.structpage import COMPOUND_INFO, FLAGS, tail_info
from ..mechanism.vmemmap import VMEMMAP_BASE
from ..units import MiB
from . import observe
from .observe import Entries, Record

NOISE = 2
"""Pages by which the free-page counters may be off: other things go on in a kernel (at most 2 in 212 measurements)."""
OWN_GROWTH = 4
"""Anonymous pages that the measuring programs may take or give meanwhile."""
PAGE, STRUCT_PAGE, PER_PAGE = 4096, 64, 64
SIZES = ("2 MiB", "1 GiB")
NEIGHBOURS = 7
SHOWN = {0, 1, 2, 3, 4, 63, 64, 65, 128}

ONE_HEAD = "/proc/kpageflags shows one head"
RESERVED_1G = "1 GiB, reserved at boot: writable"
BUGS = {
    RESERVED_1G: ((6, 16), (7, 1), "0, 64-4095"),
    ONE_HEAD: ((6, 17), (7, 0), "[0, 64, 128, 192, 256, 320, 384, 448]"),
}
"""Two kernel bugs: what is expected -> first and last series on which real kernels did otherwise, and what they did.

Kernels from 6.16 to 7.3 were booted for this; 6.1, 6.12, 7.2 and 7.3 reserve with all tails read-only, and only the
named series show fake heads. A record of those series must show the bug, to the letter, and no other may."""


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


def known_bug(finding: Finding, series: tuple[int, int]) -> bool:
    """Whether a finding that does not hold is one of `BUGS`, on a series that has it, and exactly that."""
    finding, series = (
        instance_of(finding, Finding, "a finding", "write for example judge(record)[0]"),
        series_of(series),
    )
    for name, (first, last, seen) in BUGS.items():
        if finding.name.endswith(name):
            return first <= series <= last and finding.seen == seen
    return False


def judge(record: Record) -> list[Finding]:
    """Every expectation of the model for this record, in order; see `Finding.holds`.

    Raises `BadInput` for a record that is broken rather than surprising.
    """
    record = instance_of(record, Record, "a record", "write for example observe.recorded('6.1.192')")
    try:
        return list(_findings(record))
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as why:
        raise BadInput(
            f"the record of {record.release} is broken ({quoted(str(why))}); choose another, or make it again with "
            "make observe."
        ) from None


def leads(seen: Entries, boot: Entries) -> str:
    """Who leads where, without frame numbers: "0>0 1>1 2>1"; a letter is a frame that was not there at boot."""
    for one in (seen, boot):
        instance_of(one, Entries, "what a record holds of a huge page", "write for example record.entries('2 MiB')")
    return _leads(seen.frames, boot.frames, seen.pages)


def _findings(record: Record) -> Iterator[Finding]:
    scheme = scheme_of_series(record.series)
    has_hvo = scheme.kept is not None
    yield Finding("release and package agree", "{}.{}".format(*record.series), ".".join(record.release.split(".")[:2]))
    yield Finding("states recorded", "off, on" if has_hvo else "off", ", ".join(record.states))
    told = {size: HugePage(size).freed(scheme) for size in SIZES} if has_hvo else {}
    said = observe.boot_log("\n".join(record.boot_log))
    yield Finding("boot log: pages that can be freed", str(told),
                  str({size: said[HugePage(size).size] for size in SIZES if HugePage(size).size in said}))  # fmt: skip
    for state in record.states:
        now = scheme if state == "on" else SCHEMES["off"]
        for size in SIZES:
            yield from _mapping(record, state, size, now)
        yield from _counters(record, state, now)
    if has_hvo and not record.quick:
        for size in SIZES:
            yield from _reserved(record, size, scheme)


class _Model:
    """What the mechanism does with two huge pages of a size: the frames and what may be written, of the first."""

    def __init__(self, size: str, scheme: Scheme) -> None:
        pool = Machine("4 GiB", check=False).hugetlb(size, 2)
        self.born = pool.frames(0)
        pool.optimize(scheme)
        self.frames, self.writable, self.neighbour = pool.frames(0), pool.writable(0), pool.frames(1)
        self.nr_pages = len(self.frames)
        shown = range(self.nr_pages) if self.nr_pages <= 8 else (*range(9), self.nr_pages - 2, self.nr_pages - 1)
        self.pages = tuple(shown)


def _mapping(record: Record, state: str, size: str, scheme: Scheme) -> Iterator[Finding]:
    boot, live, gone = (record.entries(size, when, state) for when in ("boot", "live", "dissolved"))
    model, name = _Model(size, scheme), f"{size}, {scheme.name}"
    everything = f"0-{model.nr_pages - 1}"
    for when, seen in (("at boot", boot), ("live", live), ("dissolved", gone)):
        yield Finding(f"{name}, {when}: pages", f"{model.nr_pages:,}, shown {list(model.pages)}",
                      f"{seen.nr_pages:,}, shown {list(seen.pages)}")  # fmt: skip
        split = scheme.kept is not None and when != "at boot"
        yield Finding(f"{name}, {when}: bytes each entry maps", f"{PAGE if split else 2 * MiB:,}",
                      " and ".join(sorted({f"{row.size:,}" for row in seen.rows})))  # fmt: skip
        wrong = [row.page for row in seen.rows if not _consistent(row, record.pfn(size, "live", state))]
        yield Finding(f"{name}, {when}: entries that contradict themselves", "[]", str(wrong))
        if when != "at boot":
            yield Finding(f"{name}, {when}: QEMU's own walk", "agrees", _agrees(seen))

    starts = {(row.page // (2 * MiB // PAGE), row.frame - row.page) for row in boot.rows}
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
    yield from _bytes(record, live, name, record.pfn(size, "live", state), size, scheme, model.frames)
    if scheme.kept is not None:
        yield from _dissolved(record, state, name, size, scheme, everything)
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
    record: Record, live: Entries, name: str, pfn: int, size: str, scheme: Scheme, frames: Sequence[int]
) -> Iterator[Finding]:
    """Struct pages whose pages lead to one frame show the same bytes; each real tail names the head; one is a head.

    How a tail names its head depends on the release, not on whether the optimisation is on.
    """
    words, wanted = live.words, {*SHOWN, HugePage(size).nr_base_pages - 1}
    yield Finding(f"{name}: struct pages read", str(sorted(wanted)), str(sorted(wanted & set(words))))
    if wanted - set(words):
        return
    alike = [
        (a, b)
        for a in sorted(words)
        for b in sorted(words)
        if a < b and a % PER_PAGE == b % PER_PAGE and frames[a // PER_PAGE] == frames[b // PER_PAGE]
    ]
    if alike:
        same = [pair for pair in alike if words[pair[0]] == words[pair[1]]]
        yield Finding(f"{name}: struct pages that show the same bytes", str(alike), str(same))
    head = np.array([VMEMMAP_BASE + STRUCT_PAGE * pfn], np.uint64)
    word = int(tail_info(head, HugePage(size).order, scheme_of_series(record.series).encoding, STRUCT_PAGE)[0])
    tails = [n for n in words if n and not (scheme.fake_heads and n % PER_PAGE == 0)]
    yield Finding(f"{name}: word 1 of the tails", f"{word:#x} in {tails}",
                  f"{word:#x} in {[n for n in tails if words[n][COMPOUND_INFO] == word]}")  # fmt: skip
    # PG_head has another bit number in later releases; it is a flag that the head has and no tail has.
    flag = words[0][FLAGS] & ~words[1][FLAGS] & ~words[2][FLAGS]
    is_head = bool(flag) and not words[0][COMPOUND_INFO] & 1
    yield Finding(f"{name}: struct page 0", "a head", "a head" if is_head else "no head")


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
        model = saving.huge_pages * HugePage(size).freed(scheme)
        # The first use of a size also takes the page of tails that all its huge pages share.
        slack = NOISE + (scheme.tails == "shared page" and use == "first use")
        near = f"{model:,} within {slack}"
        yield Finding(f"{name}: pages saved, tables and own growth paid", near,
                      near if abs(saving.total - model) <= slack else f"{saving.total:,}")  # fmt: skip
        few, grown = f"within {OWN_GROWTH}", saving.anon_pages_grew_by
        yield Finding(f"{name}: own growth", few, few if abs(grown) <= OWN_GROWTH else f"{grown:,}")
        yield Finding(f"{name}: tables split", *_tables(saving, size, use))
        if saving.memmap_counter_fell_by is not None or record.series >= (6, 12):
            fell = saving.memmap_counter_fell_by
            yield Finding(
                f"{name}: the kernel's memmap counters fell by",
                f"{model:,}",
                "not told" if fell is None else f"{fell:,}",
            )
        if size == "1 GiB":
            seen = _Model(size, scheme)
            given_up = len(set(seen.born) - set(seen.frames)) if saving.tables_split else 0
            # Frames that the 2 MiB pages looked at before had given up already do not count again.
            least = given_up - (NEIGHBOURS + 1) * 8 if saving.tables_split == 7 else given_up
            expected = f"{least * 4:,} to {given_up * 4:,} kB"
            grown = saving.mem_total_grew_by_kB
            yield Finding(f"{name}: MemTotal grew by", expected,
                          expected if least * 4 <= grown <= given_up * 4 else f"{grown:,} kB")  # fmt: skip


def _tables(saving: observe.Saving, size: str, use: str) -> tuple[str, str]:
    """Page tables expected and seen: eight for 1 GiB of fresh memory, one for up to 64 huge pages of 2 MiB.

    Seven where the 2 MiB pages that were looked at before had split one of the eight.
    Where a page comes to lie is the kernel's choice: one taken "again" may find fresh memory, and one taken first may
    find memory that was split before.
    """
    split = saving.tables_split
    if not use:
        return "0", str(split)
    if size == "1 GiB":
        if use == "first use":
            return "7 or 8", "7 or 8" if split in (7, 8) else str(split)
        return "0 or 8", "0 or 8" if split in (0, 8) else str(split)
    most = -(-saving.huge_pages // 64) + 1
    return f"up to {most}", f"up to {most}" if 0 <= split <= most else str(split)


def _reserved(record: Record, size: str, scheme: Scheme) -> Iterator[Finding]:
    """A huge page that the kernel's command line reserved at boot, with the optimisation on."""
    seen, model, name = record.entries(size, "reserved"), _Model(size, scheme), f"{size}, reserved at boot"
    yield Finding(f"{name}: writable", _runs(model.writable), seen.writable_pages)
    yield Finding(f"{name}: distinct frames", f"{len(set(model.frames)):,}", f"{seen.distinct_frames:,}")
    yield Finding(f"{name}: QEMU's own walk", "agrees", _agrees(seen))
    yield from _bytes(record, seen, name, record.pfn(size, "reserved"), size, scheme, model.frames)


def _consistent(row: observe.Row, pfn: int) -> bool:
    """Whether frame and writability are what the bits of the page-table entry say."""
    base = (row.entry & ((1 << 52) - 1)) // PAGE
    offset = 0 if row.size == PAGE else (pfn * STRUCT_PAGE // PAGE + row.page) % (row.size // PAGE)
    start = base // (row.size // PAGE) * (row.size // PAGE)
    return bool(row.entry & 1) and row.frame == start + offset and row.writable == bool(row.entry & 2)


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
