"""What a question is: numbers drawn from a seed, an answer computed by the engine, and named wrong answers.

A question knows the answers that common misconceptions lead to, each with the sentence that names the misconception.
There is no answer key. The questions themselves are in `hvlib.teaching.questions`, chapter by chapter.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import BadInput, not_one_of, quoted
from ..units import format_size, parse_size, whole_number
from .prompt import Draw, Given, Prompt, no_numbers, seed_of

_MOST = 1 << 64
_LONGEST = 1000
"""Letters of an answer that are read; a longer one is cut, and so never right."""
Value = int | str | tuple[int | str, ...]


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, and what to say about it.

    ``answered`` is whether it was an answer at all, ``mistake`` the sentence of the misconception that it shows.
    """

    right: bool
    text: str
    answered: bool = True
    mistake: str | None = None

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        """The words, and what tells right from wrong at a glance: a sign, a colour, and the line of a bar."""
        look = "solid #009e73" if self.right else "dashed #d55e00" if self.answered else "dotted #777777"
        lines = [html.escape(line) for line in self.text.split("\n")]
        if not self.answered:
            words = "".join(f"<p>{line}</p>" for line in lines)
            return f'<div style="border-left: 6px {look}; padding-left: 0.7em">{words}</div>'
        sign, colour = ("✓", "#009e73") if self.right else ("✗", "#d55e00")
        lines[-1] = f'<b aria-hidden="true" style="font-size: 1.25em">{sign}</b> {lines[-1]}'
        ground = f"background: color-mix(in srgb, {colour} 12%, transparent)"
        words = "".join(f"<p>{line}</p>" for line in lines)
        return f'<div style="border-left: 6px {look}; padding: 0.2em 0.7em; {ground}">{words}</div>'


@dataclass(frozen=True)
class Question(Prompt):
    """A `Prompt` to which there is an answer.

    ``answer`` computes it from the numbers. Each of ``mistakes`` computes a wrong answer and says what leads to it.
    ``read`` turns what was typed into a value, and ``write`` a value into text. ``hint`` is said to a wrong answer that
    no misconception explains: what to count, or where to look.
    """

    prompt: str
    read: Reader
    answer: Callable[[Given], Value]
    why: str
    mistakes: tuple[tuple[Callable[[Given], Value], str], ...]
    draw: Draw = no_numbers
    write: Callable[[Value], str] = str
    hint: str = "Read the section again."

    def key(self, seed: int | str) -> str:
        """What the numbers are drawn from: a whole number or a short text."""
        return f"hvlib {seed_of(seed)}"

    def judge(self, answer: object, seed: int | str = 0) -> Verdict:
        """The `Verdict` on an answer as it was typed; it never raises for a wrong or a strange one."""
        if isinstance(answer, str) and len(answer) > _LONGEST:
            answer = f"{answer[:_LONGEST]}…"
        if answer is ... or answer is None or (isinstance(answer, str) and not answer.strip()):
            return Verdict(False, "No answer yet: put yours in place of the three dots and run the cell again.", False)
        given = self.given(seed)
        try:
            value = self.read(answer)
        except BadInput as why:
            return Verdict(False, f"Not an answer yet: {why}", False)
        right = self.answer(given)
        if value == right:
            return Verdict(True, f"Right: {self.write(right)}. {self.why.format_map(given)}")
        for mistake, sentence in self.mistakes:
            if value == mistake(given):
                named = sentence.format_map(given)
                return Verdict(False, f"Not {self.write(value)}. {named}", mistake=named)
        return Verdict(False, f"Not {self.write(value)}. {self._hint(value, right)}{self.unit_hint(answer)}")

    def sentence(self, answer: object, seed: int | str = 0) -> str:
        """What a guess was, what the answer is, and why, for one who was allowed to be wrong."""
        given, judged = self.given(seed), self.judge(answer, seed)
        right = self.write(self.answer(given))
        if judged.right:
            return f"Your guess is right: {right}. {self.why.format_map(given)}"
        told = (
            f"Your guess was {self._shown(answer)}; it is {right}. {judged.mistake or ''} {self.why.format_map(given)}"
        )
        return " ".join(told.split())

    def _shown(self, answer: object) -> str:
        """An answer as the book writes it; what is none, as it was typed."""
        try:
            return self.write(self.read(answer))
        except BadInput:
            return quoted(answer).strip("'")

    def _hint(self, value: Value, right: Value) -> str:
        if isinstance(value, int) and isinstance(right, int):
            return f"{_way(value, right)} {self.hint}"
        return self.hint

    def unit_hint(self, answer: object) -> str:
        """A bare number given for a size is read as bytes, which is seldom meant."""
        bare = isinstance(answer, int) or (isinstance(answer, str) and answer.strip().isdigit())
        return " (A number without a unit is bytes; add KiB, MiB or GiB.)" if self.read.kind == "size" and bare else ""


def _way(value: int, right: int) -> str:
    """Where the answer is from a wrong one."""
    return "The answer is larger." if value < right else "The answer is smaller."


# --- how answers are read and written --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reader:
    """How an answer is read: ``take`` turns what was typed into a value, or raises `BadInput`.

    ``kind`` and ``choices`` say the same to a page that has no Python: a number, a size, one of some names, some
    steps in order, or a function (which such a page cannot read).
    """

    kind: Literal["count", "size", "choice", "order", "function"]
    take: Callable[[object], Value]
    choices: tuple[str, ...] = ()

    def __call__(self, answer: object) -> Value:
        """The value of what was typed. Raises `BadInput`."""
        return self.take(answer)


def _count(answer: object) -> int:
    if isinstance(answer, str) and len(answer) < 60:
        digits = re.sub(r"(?<=\d)[,_ ](?=\d{3})", "", answer.strip())
        with suppress(ValueError):
            return whole_number(int(digits, 0), "the answer", -_MOST, _MOST)
    elif isinstance(answer, float) and answer.is_integer():
        return whole_number(int(answer), "the answer", -_MOST, _MOST)
    elif not isinstance(answer, (str, float)):
        return whole_number(answer, "the answer", -_MOST, _MOST)
    raise BadInput(f"{quoted(answer)} is not a whole number; write for example 512, '1,024' or 0x200.")


def _size(answer: object) -> int:
    try:
        return _count(answer)
    except BadInput:
        if not isinstance(answer, str):
            raise BadInput(
                f"{quoted(answer)} is not a size; write for example '16 MiB' or a number of bytes."
            ) from None
    return parse_size(re.sub(r"(?<=\d),(?=\d{3})", "", answer), "the answer")


count = Reader("count", _count)
"""A whole number, as people write it: 512, "1,024", "0x200"."""
size = Reader("size", _size)
"""Bytes, given as a size or as a whole number of bytes."""


def one_of(*allowed: str) -> Reader:
    """A reader that accepts these names only, in singular or plural."""

    def read(answer: object) -> Value:
        text = " ".join(answer.lower().split()) if isinstance(answer, str) else ""
        for name in allowed:
            if text in (name, name.removesuffix("s")):
                return name
        raise not_one_of("answer", answer, allowed)

    return Reader("choice", read, allowed)


def order_of(*steps: str) -> Reader:
    """A reader that accepts these steps, each once, in any order."""

    def read(answer: object) -> Value:
        words = re.findall(r"\w+", answer.lower()) if isinstance(answer, str) else answer
        if (
            not isinstance(words, (list, tuple))
            or not all(isinstance(w, str) for w in words)
            or sorted(words) != sorted(steps)
        ):
            raise BadInput(f"the answer must hold each step once; write for example '{', '.join(sorted(steps))}'.")
        return tuple(words)

    return Reader("order", read, steps)


def function(*probes: int) -> Reader:
    """A reader that accepts a function of one whole number, and takes its values at ``probes`` for the answer."""

    def read(answer: object) -> Value:
        if callable(answer):
            values = []
            for probe in probes:
                try:
                    values.append(answer(probe))
                except (Exception, SystemExit) as why:
                    raise BadInput(
                        f"your function stops at {probe:#x} with {quoted(why)}; "
                        "write for example 'lambda pfn: pfn + 1'."
                    ) from None
            answer = values
        elif isinstance(answer, str):
            answer = answer.split(", ")
        if not isinstance(answer, (list, tuple)) or len(answer) != len(probes):
            raise BadInput(f"{quoted(answer)} is no function; write for example 'lambda pfn: pfn + 1'.")
        return tuple(_count(value) for value in answer)

    return Reader("function", read)


def thousands(value: Value) -> str:
    """A number with thousands separators."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def in_units(value: Value) -> str:
    """A number of bytes as a size."""
    return format_size(value) if isinstance(value, int) else str(value)


def hexadecimal(value: Value) -> str:
    """A number in hexadecimal."""
    return f"{value:#x}" if isinstance(value, int) else str(value)


def sequence(value: Value) -> str:
    """The members of a sequence, with commas; numbers in hexadecimal."""
    members = value if isinstance(value, tuple) else (value,)
    return ", ".join(hex(member) if isinstance(member, int) else member for member in members)


def as_data(question: Question, seeds: Iterable[int | str]) -> dict[str, Any]:
    """A question for a page without Python: for each seed its text, its answer, and the named wrong answers.

    Values are text, the same that `static/quiz.js` makes of what is typed.
    """
    cases = []
    for seed in seeds:
        given = question.given(seed)
        right = question.answer(given)
        cases.append(
            {
                "text": question.text(seed),
                "right": _compared_text(right),
                "shown": question.write(right),
                "why": question.why.format_map(given),
                "mistakes": [
                    [_compared_text(mistake(given)), question.write(mistake(given)), sentence.format_map(given)]
                    for mistake, sentence in question.mistakes
                ],
            }
        )
    return {
        "kind": question.read.kind, "choices": question.read.choices, "hint": question.hint, "cases": cases,
        "write": question.write.__name__,
    }  # fmt: skip


def _compared_text(value: Value) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
