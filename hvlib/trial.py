"""The model on trial: a record of a real kernel, expectation by expectation, against arithmetic and mechanism.

For a release the scheme is expected that `schemes` names for it. The mechanism then does to a machine of its own what
the lab did to the kernel, and the two are compared: who leads where, what may be written, which bytes show where,
and what the counters say. Frame numbers are never compared, only which are the same and which were there at boot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .geometry import HugePage
from .machine import Machine
from .observe import Entries, Record
from .schemes import SCHEMES, Scheme
from .structpage import COMPOUND_INFO, tail_info
from .units import MiB
from .vmemmap import VMEMMAP_BASE

NOISE = 2
"""Pages by which the free-page counters may be off: other things go on in a kernel (at most 2 in 212 measurements)."""
PAGE, STRUCT_PAGE = 4096, 64

# Two kernel bugs that the records show; a record of these releases must show them, and no other may.
BUGS = {
    "a 1 GiB page reserved at boot has all its tails read-only": ((6, 16), (7, 1)),
    "one frame of a huge page is shown as a head": ((6, 17), (7, 0)),
}
"""Expectation -> first and last series in which it was seen to fail on real kernels."""


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
    """The scheme that a kernel of this series uses when the optimisation is on."""
    return max((scheme for scheme in SCHEMES.values() if scheme.since <= series), key=lambda scheme: scheme.since)


def known_bug(name: str, series: tuple[int, int]) -> bool:
    """Whether an expectation is known to fail on kernels of this series."""
    first, last = BUGS.get(name, ((0, 0), (0, 0)))
    return first <= series <= last


def judge(record: Record) -> list[Finding]:
    """Every expectation of the model for this record, in order; see `Finding.holds`."""
    found = []
    for state in record.states:
        scheme = scheme_of_series(record.series) if state == "on" else SCHEMES["off"]
        for size in ("2 MiB", "1 GiB"):
            found += [
                Finding(f"{size}, {scheme.name}: {finding.name}", finding.expected, finding.seen)
                for finding in _mapping(record, state, size, scheme)
            ]
        found += _counters(record, state, scheme)
        found += _flags(record, state)
    if scheme_of_series(record.series).kept is not None:
        found += _reserved(record)
    return found


def _mapping(record: Record, state: str, size: str, scheme: Scheme) -> Iterator[Finding]:
    boot, live, gone = (record.entries(size, when, state) for when in ("boot", "live", "dissolved"))
    pages = [row[0] for row in live.rows]
    everything = f"0-{boot.nr_pages - 1}"
    model = Machine("4 GiB", check=False)
    pool = model.hugetlb(size, 2)
    born = pool.frames(0)
    pool.optimize(scheme)
    frames, writable, neighbour = pool.frames(0), pool.writable(0), pool.frames(1)

    per_entry = 2 * MiB // PAGE
    starts = {(page // per_entry, frame - page) for page, frame, _, _ in boot.rows}
    consecutive = len(starts) == len({entry for entry, _ in starts})
    yield Finding("at boot", f"consecutive frames, writable {everything}, entries of {2 * MiB:,} bytes",
                  f"{'consecutive' if consecutive else 'scattered'} frames, writable {boot.writable_pages}, "
                  f"entries of {' and '.join(sorted({f'{row[3]:,}' for row in boot.rows}))} bytes")  # fmt: skip
    yield Finding("who leads where", _leads([frames[p] for p in pages], [born[p] for p in pages], pages),
                  _leads(live.frames, boot.frames, pages))  # fmt: skip
    yield Finding("distinct frames", f"{len(set(frames)):,}", f"{live.distinct_frames:,}")
    yield Finding("writable", _runs(writable), live.writable_pages)
    yield Finding("writable, entry by entry", _which([writable[p] for p in pages], pages), _which(live.writable, pages))
    yield Finding("QEMU's own walk of the page table", "agrees", "agrees" if live.monitor_agrees else "disagrees")
    if record.neighbours(size, state):
        shared = bool(set(frames) & set(neighbour))
        seen = any(set(live.frames) & set(other) for other in record.neighbours(size, state))
        yield Finding("a frame shared with other huge pages", str(shared), str(seen))
    yield from _bytes(record, live, state, size, scheme, frames)
    if scheme.kept is not None:
        pool.restore()
        after = pool.frames(0)
        yield Finding("dissolved, writable", everything, gone.writable_pages)
        yield Finding("dissolved, distinct frames", f"{len(set(after)):,}", f"{gone.distinct_frames:,}")
        kept = range(scheme.kept)
        yield Finding("dissolved, kept pages still in their frame of boot",
                      _which([after[p] == born[p] for p in kept], kept),
                      _which([gone.frames[p] == boot.frames[p] for p in kept], kept))  # fmt: skip


def _bytes(
    record: Record, live: Entries, state: str, size: str, scheme: Scheme, frames: Sequence[int]
) -> Iterator[Finding]:
    """Struct pages whose pages lead to one frame show the same bytes; each real tail names the head.

    How a tail names it depends on the release, not on whether the optimisation is on.
    """
    per_page = PAGE // STRUCT_PAGE
    alike = [
        (a, b)
        for a in sorted(live.words)
        for b in sorted(live.words)
        if a < b and a % per_page == b % per_page and frames[a // per_page] == frames[b // per_page]
    ]
    same = [pair for pair in alike if live.words[pair[0]] == live.words[pair[1]]]
    yield Finding("struct pages that show the same bytes", str(alike), str(same))
    head = np.array([VMEMMAP_BASE + STRUCT_PAGE * record.pfn(size, "live", state)], np.uint64)
    encoding = scheme_of_series(record.series).encoding
    word = int(tail_info(head, HugePage(size).order, encoding, STRUCT_PAGE)[0])
    tails = [n for n in live.words if n and not (scheme.fake_heads and n % per_page == 0)]
    yield Finding("word 1 of the tails", f"{word:#x} in {tails}",
                  f"{word:#x} in {[n for n in tails if live.words[n][COMPOUND_INFO] == word]}")  # fmt: skip


def _counters(record: Record, state: str, scheme: Scheme) -> Iterator[Finding]:
    for saving in record.savings(state):
        size = saving.case.split(",")[0]
        model = saving.huge_pages * HugePage(size).freed(scheme)
        # the first use of a size also takes the page of tails that all its huge pages share
        slack = NOISE + (scheme.tails == "shared page" and "first" in saving.case)
        yield Finding(f"{saving.huge_pages} x {saving.case}, {state}: pages saved, tables and growth paid",
                      near := f"{model:,} within {slack}",
                      near if abs(saving.total - model) <= slack else f"{saving.total:,}")  # fmt: skip
        if saving.memmap_counter_fell_by is not None:
            yield Finding(f"{saving.huge_pages} x {saving.case}, {state}: the kernel's memmap counters fell by",
                          f"{model:,}", f"{saving.memmap_counter_fell_by:,}")  # fmt: skip


def _flags(record: Record, state: str) -> Iterator[Finding]:
    heads = record.shown_as_heads("2 MiB", state)
    if heads is not None and state == "on":
        yield Finding("one frame of a huge page is shown as a head", "[0]", str(list(heads)))


def _reserved(record: Record) -> Iterator[Finding]:
    try:
        seen = record.entries("1 GiB", "reserved")
    except ValueError:
        return
    kept = scheme_of_series(record.series).kept
    assert kept is not None
    yield Finding(
        "a 1 GiB page reserved at boot has all its tails read-only", _runs([True] * kept), seen.writable_pages
    )


def leads(seen: Entries, boot: Entries) -> str:
    """Who leads where, without frame numbers: "0>0 1>1 2>1"; a letter is a frame that was not there at boot."""
    return _leads(seen.frames, boot.frames, [row[0] for row in seen.rows])


def _leads(frames: Sequence[int], born: Sequence[int], pages: Sequence[int]) -> str:
    """Who leads where, without frame numbers: "0>0 1>1 2>1" or, for frames not there at boot, "0>a 1>b"."""
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
