"""What hvlib raises, and nothing else.

Bad input gets one sentence that says what was wrong, what is allowed, and an example. A page fault is not bad
input: it is what the processor of the model does when a read-only page-table entry is written through.
"""

from __future__ import annotations

from collections.abc import Iterable


class BadInput(ValueError):
    """A value the reader gave is not possible; the sentence says what is."""


class OutOfFrames(BadInput):
    """The buddy allocator cannot give what was asked for; the machine is as it was before."""


class WrongState(BadInput):
    """The request is sensible, but not now (optimising twice, restoring what is not optimised)."""


class PageFault(Exception):
    """A write went through a read-only page-table entry."""


class InvariantBroken(AssertionError):
    """A truth of the vmemmap does not hold after an event: a bug of the mechanism, never of the reader."""


def shown(value: object) -> str:
    """A reader's input as an error sentence quotes it: its repr, on one line and cut."""
    try:
        text = " ".join(repr(value).split())
    except Exception:
        text = f"that {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def choose(what: str, given: object, allowed: Iterable[object]) -> BadInput:
    """The sentence for a name that is not on a list."""
    names = list(allowed)
    if len(names) > 2 and names == list(range(len(names))):
        return BadInput(f"{what} {shown(given)} is not there; choose a whole number from 0 to {names[-1]}.")
    return BadInput(f"{what} {shown(given)} is not known; choose one of {', '.join(map(repr, names))}.")
