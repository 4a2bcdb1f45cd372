"""Questions of chapter 10."""

from __future__ import annotations

from functools import cache

from ...mechanism.events import AllocFrames
from ...mechanism.machine import Machine
from ..ask import Question, count, thousands

_SCHEME = {"5.14": "tail page", "5.18": "head page"}


@cache
def _given_back(pages: int, spare: int, scheme: str) -> int:
    """How many of ``pages`` optimised 2 MiB pages can be given back with ``spare`` frames free, counted by doing it."""
    machine = Machine("64 MiB", check=False)
    pool = machine.hugetlb("2 MiB", pages).optimize(scheme)
    machine.occupy(machine.free_frames - spare)
    return pool.free()


@cache
def _least(pages: int, scheme: str) -> int:
    """The smallest number of free frames with which all can be given back."""
    return next(spare for spare in range(8 * pages + 1) if _given_back(pages, spare, scheme) == pages)


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
        "Eight huge pages of 2 MiB are optimised as on x86-64 since 5.18. All memory is such as the kernel may use for itself. "
        "Seven page frames are free, and no more can be had. The pool is to be emptied. How many of the eight can be given back?",
        count,
        lambda _: _given_back(8, 7, "head page"),
        "Seven frames restore the first one, and its own 512 frames, which the kernel may use, pay for all the others.",
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
    "least free frames": Question(
        "{pages} huge pages of 2 MiB are optimised as in {release} on x86-64, in the model, which keeps no reserve and has one "
        "zone. What is the smallest number of free frames with which the whole pool can be given back?",
        count,
        lambda g: _least(g["pages"], _SCHEME[g["release"]]),
        "Enough for one: what it gives back pays for the rest.",
        (
            (lambda g: _least(1, _SCHEME[g["release"]]) * g["pages"],
             "They need not be restored at the same time. What does the first one bring when it is given back?"),
            (lambda g: _least(g["pages"], _SCHEME[_other(g["release"])]),
             "5.14 kept two frames of each huge page, 5.18 one. Which was asked for?"),
            (lambda g: _vmemmap_pages("2 MiB"), "That is all vmemmap pages of a huge page. Some kept a frame."),
        ),
        lambda r: {"pages": r.randrange(3, 13), "release": r.choice(tuple(_SCHEME))},
        thousands,
        hint="After the first is given back, how many frames are free?",
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
