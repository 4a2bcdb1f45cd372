"""What the engine says in a state of a panel: values as data, and how each is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ..units import format_size


@dataclass(frozen=True, repr=False)
class Fact:
    """A value (numbers, text, or lists and dictionaries of them) and how it is written; as text it is its words.

    A number beyond 2^53, such as an address, is a text in hexadecimal: browsers have no such numbers.
    """

    value: Any
    write: Callable[[Any], str] = field(compare=False)

    def __str__(self) -> str:
        return self.write(self.value)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __repr__(self) -> str:
        return repr(str(self))


def as_data(fact: Any) -> Any:
    """A fact, or several by name, as what JSON holds: without the words, numbers as numbers."""
    if isinstance(fact, Fact):
        return as_data(fact.value)
    if isinstance(fact, Mapping):
        return {name: as_data(value) for name, value in fact.items()}
    if isinstance(fact, Sequence) and not isinstance(fact, str):
        return [as_data(value) for value in fact]
    if isinstance(fact, Fraction):
        return float(fact)
    assert fact is None or isinstance(fact, (bool, int, float, str)), f"a fact is {fact!r}, which JSON does not hold"
    return fact


def in_bytes(size: int) -> Fact:
    """A number of bytes, written as a size."""
    return Fact({"bytes": size}, lambda held: format_size(held["bytes"]))
