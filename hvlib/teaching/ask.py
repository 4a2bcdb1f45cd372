"""What a question is: numbers drawn from a seed, an answer computed by the engine, and named wrong answers.

A question knows the answers that common misconceptions lead to, each with the sentence that names the misconception.
There is no answer key. The questions themselves are in `hvlib.questions`, chapter by chapter.
"""

from __future__ import annotations

import html
import random
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import BadInput, not_one_of, quoted
from ..units import format_size, index_of, parse_size, whole_number

_MOST = 1 << 64
Value = int | str | tuple[int | str, ...]
Given = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, and what to say about it."""

    right: bool
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return "".join(f"<p>{html.escape(line)}</p>" for line in self.text.split("\n"))


@dataclass(frozen=True)
class Question:
    """A question with numbers drawn from a seed.

    ``draw`` makes the numbers, ``prompt`` is formatted with them, ``answer`` computes the answer from them. Each of
    ``mistakes`` computes a wrong answer and says what leads to it. ``read`` turns what was typed into a value, and
    ``write`` a value into text. ``hint`` is said to a wrong answer that no misconception explains.
    """

    prompt: str
    read: Reader
    answer: Callable[[Given], Value]
    why: str
    mistakes: tuple[tuple[Callable[[Given], Value], str], ...]
    draw: Callable[[random.Random], Given] = lambda _: {}
    write: Callable[[Value], str] = str
    hint: str = "Read the section again, then try another answer."

    def given(self, seed: int | str = 0) -> Given:
        """The numbers of this question for a seed. Raises `BadInput` for a seed that is none."""
        return self.draw(random.Random(f"hvlib {seed_of(seed)}"))

    def text(self, seed: int | str = 0) -> str:
        """The question as it is put."""
        return self.prompt.format_map(self.given(seed))

    def judge(self, answer: object, seed: int | str = 0) -> Verdict:
        """The `Verdict` on an answer as it was typed; it never raises for a wrong or a strange one."""
        if isinstance(answer, str):
            text = str.__str__(answer)
            answer = text if len(text) <= 1000 else f"{text[:1000]}…"  # too long to be read, and so never right
        if answer is ... or answer is None or (isinstance(answer, str) and not answer.strip()):
            return Verdict(False, "No answer yet: put yours in place of the three dots and run the cell again.")
        given = self.given(seed)
        try:
            value = self.read(answer)
        except BadInput as why:
            return Verdict(False, f"Not an answer yet: {why}")
        right = self.answer(given)
        if value == right:
            return Verdict(True, f"Right: {self.write(right)}. {self.why.format_map(given)}")
        for mistake, sentence in self.mistakes:
            if value == mistake(given):
                return Verdict(False, f"Not {self.write(value)}. {sentence.format_map(given)}")
        return Verdict(False, f"Not {self.write(value)}. {self._hint(value, right)}{self._unit_hint(answer)}")

    def sentence(self, answer: object, seed: int | str = 0) -> str:
        """What a guess was, what the answer is, and why, for one who was allowed to be wrong."""
        given, judged = self.given(seed), self.judge(answer, seed)
        right = self.write(self.answer(given))
        if judged.right:
            return f"Your guess is right: {right}. {self.why.format_map(given)}"
        typed = quoted(answer).strip("'")
        misled = next((s for m, s in self.mistakes if judged.text.endswith(s.format_map(given))), "")
        return " ".join(
            f"Your guess was {typed}; it is {right}. {misled.format_map(given)} {self.why.format_map(given)}".split()
        )

    def _hint(self, value: Value, right: Value) -> str:
        if isinstance(value, int) and isinstance(right, int):
            return "The answer is larger." if value < right else "The answer is smaller."
        return self.hint

    def _unit_hint(self, answer: object) -> str:
        """A bare number given for a size is read as bytes, which is seldom meant."""
        bare = isinstance(answer, int) or (isinstance(answer, str) and answer.strip().isdigit())
        return " (A number without a unit is bytes; add KiB, MiB or GiB.)" if self.read.kind == "size" and bare else ""


def seed_of(seed: object) -> int | str:
    """A seed as it is drawn from: a whole number or a short text. Raises `BadInput` for anything else."""
    number = index_of(seed)
    if number is not None and abs(number) < _MOST:
        return number
    text = str.__str__(seed) if isinstance(seed, str) else "\0"
    if not text.isprintable() or len(text) > 99:
        raise BadInput(
            f"a seed is a whole number or a short text, and {quoted(seed)} is not; write for example 7 or 's01'."
        )
    return text


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
                "right": _canonical(right),
                "shown": question.write(right),
                "why": question.why.format_map(given),
                "mistakes": [
                    [_canonical(mistake(given)), question.write(mistake(given)), sentence.format_map(given)]
                    for mistake, sentence in question.mistakes
                ],
            }
        )
    compares = isinstance(question.answer(question.given(0)), int)
    hint = "" if compares else question.hint
    return {
        "kind": question.read.kind, "choices": question.read.choices, "hint": hint, "cases": cases,
        "write": question.write.__name__,
    }  # fmt: skip


def _canonical(value: Value) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
