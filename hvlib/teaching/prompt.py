"""A text with numbers drawn from a seed: what questions, tasks and concepts have in common."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import BadInput, quoted
from ..units import index_of

Given = Mapping[str, Any]
"""The numbers of a prompt, by name."""
Draw = Callable[[random.Random], Given]

_MOST = 1 << 64


def no_numbers(_: random.Random) -> Given:
    """What a prompt without numbers draws."""
    return {}


class Prompt(ABC):
    """``draw`` makes the numbers, and the text ``prompt`` is formatted with them.

    The same seed draws the same numbers, in every kind of prompt others: ``key`` says from what.
    """

    prompt: str
    draw: Draw

    @abstractmethod
    def key(self, seed: int | str) -> str:
        """What the numbers are drawn from. Raises `BadInput` for a seed that is none."""

    def rng(self, seed: int | str = 0) -> random.Random:
        """The random numbers of a seed, from the first."""
        return random.Random(self.key(seed))

    def given(self, seed: int | str = 0) -> Given:
        """The numbers of a seed. Raises `BadInput` for a seed that is none."""
        return self.draw(self.rng(seed))

    def text(self, seed: int | str = 0) -> str:
        """The text as it is put to a reader. Raises `BadInput` for a seed that is none."""
        return self.prompt.format_map(self.given(seed))


def seed_of(seed: object) -> int | str:
    """A seed as it is drawn from: a whole number or a short text. Raises `BadInput` for anything else."""
    number = index_of(seed)
    if number is not None and abs(number) < _MOST:
        return number
    text = str(seed) if isinstance(seed, str) else "\0"
    if not text.isprintable() or len(text) > 99:
        raise BadInput(
            f"a seed is a whole number or a short text, and {quoted(seed)} is not; write for example 7 or 's01'."
        )
    return text
