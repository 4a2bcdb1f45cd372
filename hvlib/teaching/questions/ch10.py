"""Questions of chapter 10."""

from __future__ import annotations

import random
from functools import cache

from ...arithmetic.geometry import HugePage
from ...mechanism.events import AllocFrames
from ...mechanism.machine import Machine
from ..ask import Question, count, thousands
from ..prompt import Given

_SCHEME = {"5.14": "tail page", "5.18": "head page"}


@cache
def _given_back(pages: int, spare: int, scheme: str) -> int:
    """How many of ``pages`` optimised 2 MiB pages can be given back with ``spare`` frames free, counted by doing it."""
    machine = Machine("64 MiB", check=False)
    pool = machine.hugetlb("2 MiB", pages).optimize(scheme)
    machine.occupy(machine.free_frames - spare)
    return pool.free()


@cache
def _allocated(size: str, scheme: str) -> int:
    """Frames that the mechanism allocates to restore one huge page."""
    machine = Machine("4 GiB", check=False)
    pool = machine.hugetlb(size).optimize(scheme)
    before = len(machine.events)
    pool.restore()
    return sum(len(event.frames) for event in machine.events[before:] if isinstance(event, AllocFrames))


@cache
def _vmemmap_pages(size: str) -> int:
    return len(Machine("4 GiB", check=False).hugetlb(size).vmemmap_pages())


@cache
def _before_the_large(spare: int, scheme: str) -> int:
    """How many optimised 2 MiB pages must be given back before a 1 GiB page can, counted by doing it."""
    machine = Machine("4 GiB", check=False)
    large = machine.hugetlb("1 GiB").optimize(scheme)
    small = [machine.hugetlb("2 MiB").optimize(scheme) for _ in range(12)]
    machine.occupy(machine.free_frames - spare)
    gone = 0
    while not large.free():
        gone += small.pop().free()
    return gone


def _short(g: Given) -> int:
    """Frames that a 1 GiB page needs and that are not there."""
    return _allocated("1 GiB", _SCHEME[g["release"]]) - int(g["spare"])


def _given_large(r: random.Random) -> Given:
    """So many free frames that it matters what restoring a 2 MiB page takes."""
    need, whole = _allocated("1 GiB", "head page"), HugePage("2 MiB").nr_base_pages
    return {"release": r.choice(tuple(_SCHEME)), "spare": need - whole * r.randrange(3, 8) + r.randrange(10)}


def _optimised(on: int, off: int) -> int:
    """Huge pages that stand optimised after ``on`` were taken with the switch on, and ``off`` with the switch off."""
    machine = Machine("256 MiB", check=False)
    machine.hugetlb("2 MiB", on).optimize("head page")
    machine.hugetlb("2 MiB", off).optimize("off")
    return sum(len(pool) for pool in machine.pools if pool.scheme.kept is not None)


def _other(release: str) -> str:
    return "5.18" if release == "5.14" else "5.14"


QUESTIONS: dict[str, Question] = {
    "seven free frames": Question(
        "Eight huge pages of 2 MiB are optimised as on x86-64 since 5.18. The kernel may use any frame for itself. "
        "Seven page frames are free, and no more can be had. The pool is to be emptied. How many of the eight can be given back?",
        count,
        lambda _: _given_back(8, 7, "head page"),
        "With seven free frames the first one is restored, and its own 512 frames, which the kernel may use, pay for all the others.",
        (
            (lambda _: 1, "The first one takes the seven frames, yes. What becomes free when it is given back?"),
            (lambda _: _given_back(8, 6, "head page"), "One frame of eight was kept, so seven must be allocated. They are there."),
            (lambda _: 7, "One frame is not enough for one huge page: it needs seven. But what does a page that is given back bring?"),
        ),
        write=thousands,
        hint="Give one back, and count the free frames again.",
    ),
    "frames to restore one": Question(
        "A huge page of {size}, optimised as in {release} on x86-64, is to be given back. How many frames must be allocated before "
        "its first frame is free?",
        count,
        lambda g: _allocated(g["size"], _SCHEME[g["release"]]),
        "Every vmemmap page whose frame was freed needs a new one.",
        (
            (lambda g: _allocated(g["size"], _SCHEME[_other(g["release"])]),
             "5.14 kept two frames of each huge page, 5.18 one. Which was asked for?"),
            (lambda g: _vmemmap_pages(g["size"]), "That is all of its vmemmap pages. Some kept a frame."),
            (lambda _: 1, "The tails shared one frame. Now each vmemmap page needs its own again."),
            (lambda _: 0, "The frames behind its tails were given away long ago, and others use them."),
        ),
        lambda r: {"size": r.choice(("2 MiB", "1 GiB")), "release": r.choice(tuple(_SCHEME))},
        thousands,
        hint="How many of its vmemmap pages have no frame of their own?",
    ),
    "before the large page can go": Question(
        "In the model, a huge page of 1 GiB and many of 2 MiB are optimised as in {release} on x86-64. {spare:,} frames are free. "
        "The 2 MiB pages are given back one by one. How many must go before the 1 GiB page can?",
        count,
        lambda g: _before_the_large(g["spare"], _SCHEME[g["release"]]),
        "A 2 MiB page brings its 512 frames, less those that it takes to restore it.",
        (
            (lambda g: -(-_short(g) // HugePage("2 MiB").nr_base_pages), "Each brings 512 frames, but what does each take first?"),
            (lambda g: _before_the_large(_allocated("2 MiB", _SCHEME[g["release"]]), _SCHEME[g["release"]]),
             "Some frames are free already. They count as well."),
            (lambda _: 1, "One of them brings about 500 frames. How many does the 1 GiB page take?"),
            (lambda _: 0, "The frames that are free are not enough for the struct pages of 1 GiB."),
            (_short, "That is how many frames are missing. One 2 MiB page brings many."),
        ),
        _given_large,
        thousands,
        hint="How many frames are missing, and how many does each 2 MiB page bring that its own restoring has not taken?",
    ),
    "the switch is turned off": Question(
        "On an x86-64 host with 6.12, vm.hugetlb_optimize_vmemmap is 1 and {on} huge pages of 2 MiB are allocated. Then it is set "
        "to 0, and {off} more are allocated. How many huge pages of the pool are optimised?",
        count,
        lambda g: _optimised(g["on"], g["off"]),
        "The switch says what happens to huge pages allocated from now on, and nothing about those that are there.",
        (
            (lambda _: 0, "Turning the switch off restores nothing."),
            (lambda g: g["off"], "It is the other way about: these came after the switch was turned off."),
            (lambda g: g["on"] + g["off"], "Those allocated after it was turned off are left as they are."),
        ),
        lambda r: dict(zip(("on", "off"), r.sample(range(10, 60), 2), strict=True)),
        thousands,
        hint="When is it decided whether a huge page is optimised: when it is allocated, or later?",
    ),
}  # fmt: skip
