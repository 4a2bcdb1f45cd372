"""What hvlib raises, and nothing else.

Bad input gets one sentence that says what was wrong, what is allowed, and an example. A page fault is not bad
input: it is what the processor of the model does when a read-only page-table entry is written through.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

T = TypeVar("T")

LISTED = 6
"""A list of names as long as this is shown whole; of a longer one, those nearest to what was given."""


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


def quoted(value: object) -> str:
    """A reader's input as an error sentence quotes it: its repr, on one line and cut."""
    try:
        text = " ".join(repr(value[:99] if type(value) in (str, bytes) else value).split())  # type: ignore[index]
        text = "".join(letter if letter.isprintable() else "?" for letter in text[:61])
    except ValueError:  # a number of more digits than Python writes
        text = f"that {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def not_one_of(what: str, given: object, allowed: Iterable[object]) -> BadInput:
    """The sentence for a name that is not on a list."""
    names = list(allowed)
    if len(names) > 2 and names == list(range(len(names))):
        return BadInput(f"{what} {quoted(given)} is not there; choose a whole number from 0 to {names[-1]}.")
    listed, others = ", ".join(map(repr, names)), ""
    if len(names) > LISTED and len(listed) > 180:
        typed = given[:99] if isinstance(given, str) else ""
        near = difflib.get_close_matches(typed, list(map(str, names)), 3, 0.3) or names[:3]
        listed, others = ", ".join(map(repr, near)), f" or {len(names) - len(near)} others"
    return BadInput(f"{what} {quoted(given)} is not known; choose one of {listed}{others}.")


class _Table(dict[str, T]):
    """Things by name; a name that is not there gets its sentence, and so does what cannot be a name at all."""

    what = ""

    def __getitem__(self, name: str) -> T:
        if isinstance(name, str):
            found: T | None = self.get(name)
            if found is not None:
                return found
        raise not_one_of(self.what, name, self)


def table(what: str, things: Iterable[tuple[str, T]]) -> Mapping[str, T]:
    """Things by name, for reading only. A name that is not there raises `BadInput`, which says what the names are."""
    found = _Table(things)
    found.what = what
    return MappingProxyType(found)


def name_of(value: object, what: str, allowed: Iterable[str]) -> str:
    """``value`` as a plain str, if it is one of ``allowed``. Raises `BadInput` otherwise."""
    names = list(allowed)
    if isinstance(value, str) and value in names:
        return str(value)
    raise not_one_of(what, value, names)


def flag(value: object, what: str) -> bool:
    """``value`` as a bool, if it is one of Python's or NumPy's. Raises `BadInput` for what is only true or false."""
    # NumPy's, without loading NumPy: arithmetic starts without it.
    of_numpy = type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_")
    if isinstance(value, bool) or of_numpy:
        return bool(value)
    raise not_one_of(what, value, (True, False))


def instance_of(value: object, kind: type[T], what: str, allowed: str) -> T:
    """``value``, if it is a ``kind``. Raises `BadInput`, which says what ``what`` is not and what is ``allowed``."""
    if not isinstance(value, kind):
        raise BadInput(f"{what} is expected, and {quoted(value)} is none; {allowed}.")
    return value
