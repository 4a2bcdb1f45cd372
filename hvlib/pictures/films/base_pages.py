"""A guess of how many base pages make up 1 GiB, on a logarithmic axis, and what follows from it (chapter 0)."""

from __future__ import annotations

from fractions import Fraction

from ...arithmetic.geometry import HugePage
from ...units import format_size, quantity
from ..fact import in_bytes
from ..film import Axis, Facts, Film
from ..scene import PORTRAIT, WIDTH, Arrow, Box, Label, Line, Scene
from ..words import lines

PAGE = HugePage("1 GiB")
MAIL = 4096
"""What the mail says. Everything else here is computed."""
LEFT, RIGHT = 212, 790
LOW, HIGH = 4, 38
_NUMBERS = tuple(1 << power for power in range(0, 25))
"""The axis of sizes goes from 2^4 bytes to 2^38."""


def _at(size: int, left: float = LEFT, right: float = RIGHT) -> float:
    return left + (right - left) * (size.bit_length() - 1 - LOW) / (HIGH - LOW)


def _how_much(together: int) -> str:
    ratio = Fraction(together, PAGE.size)
    if ratio == 1:
        return "that is exactly 1 GiB"
    return f"that is {ratio.numerator:,} times 1 GiB" if ratio > 1 else f"that is 1/{ratio.denominator:,} of 1 GiB"


def base_pages(guess: int) -> Scene:
    """How much memory that many base pages are, and how large they would have to be, on one logarithmic axis."""
    together, each = guess * PAGE.base_page, PAGE.size // guess
    fits = together == PAGE.size
    whose = "the mail's number" if guess == MAIL else "your number"
    scene = Scene(WIDTH, 304)
    scene.add("title", Label(WIDTH / 2, 20, f"{whose}: {quantity(guess, 'base page')} in 1 GiB", 15, bold=True))
    rows: tuple[tuple[str, str, int, int, str], ...] = (
        ("together", f"{guess:,} x {format_size(PAGE.base_page)} =", together, PAGE.size, "1 GiB"),
        ("each", f"1 GiB / {guess:,} =", each, PAGE.base_page, "4 KiB, the base page"),
    )
    for row, (name, sum_text, size, wanted, wanted_text) in enumerate(rows):
        y = 74 + row * 88
        what = "together they are" if name == "together" else "or each would be"
        scene.add(
            f"{name} words",
            Label(LEFT - 14, y - 4, what, align="right"),
            Label(LEFT - 14, y + 14, sum_text, align="right"),
            Label(LEFT - 14, y + 35, format_size(size), 15, "right", bold=True),
        )
        for number in _NUMBERS:  # where the bar can be made to end
            there, before = (_at(_end(name, number) >> back) for back in (0, 1))
            scene.add(f"{name} {number}", Box(before, y, there - before, 32, "void"))
            scene.sets(f"{name} {number}", number=number)
        scene.add(f"{name} bar", Box(LEFT, y, _at(size) - LEFT, 32, "own"))
        scene.add(
            f"{name} wanted",
            Line(_at(wanted), y - 8, _at(wanted), y + 42),
            Label(_at(wanted), y - 17, wanted_text, bold=True),
        )
    y = 236
    ticks = [1 << power for power in range(10, HIGH, 10)] + [PAGE.base_page]
    scene.add(
        "axis",
        Line(LEFT, y, RIGHT, y),
        *(Line(_at(tick), y, _at(tick), y + 5) for tick in ticks),
        *(Label(_at(tick), y + 17, format_size(tick)) for tick in ticks if tick != PAGE.base_page),
        Label(LEFT - 14, y + 6, "logarithmic", align="right"),
        Arrow(RIGHT - 40, y, RIGHT + 6, y, "arithmetic"),
    )
    scene.add("verdict", Label(WIDTH / 2, 284, _verdict(guess), 14, bold=fits))
    scene.caption = f"{quantity(guess, 'base page')} of 4 KiB: {format_size(together)}, and {_how_much(together)}."
    scene.alt = (
        f"Two bars on a logarithmic axis of sizes. {quantity(guess, 'base page')} of 4 KiB together: "
        f"{format_size(together)}, beside a mark at 1 GiB. One of {guess:,} equal parts of 1 GiB: "
        f"{format_size(each)}, beside a mark at 4 KiB."
    )
    return scene


def _portrait(number: int) -> Scene:
    """For a phone: the words stand above their bars, and both bars have the whole width."""
    together, each = number * PAGE.base_page, PAGE.size // number
    fits = together == PAGE.size
    scene = Scene(PORTRAIT, 330)

    def at(size: int) -> float:
        return _at(size, 4, PORTRAIT - 4)

    whose = "the mail's number" if number == MAIL else "your number"
    scene.add("title", Label(2, 14, f"{whose}: {quantity(number, 'base page')}", 13, "left", bold=True))
    rows: tuple[tuple[str, str, int, int, str], ...] = (
        ("together", f"{number:,} x {format_size(PAGE.base_page)} =", together, PAGE.size, "1 GiB"),
        ("each", f"1 GiB / {number:,} =", each, PAGE.base_page, "4 KiB"),
    )
    for row, (name, sum_text, size, wanted, wanted_text) in enumerate(rows):
        y = 78 + row * 110
        what = "together they are" if name == "together" else "or each would be"
        scene.add(
            f"{name} words",
            Label(2, y - 32, what, align="left"),
            Label(118, y - 32, sum_text, align="left"),
            Label(PORTRAIT - 2, y - 32, format_size(size), 13, "right", bold=True),
        )
        for other in _NUMBERS:
            there, before = (at(_end(name, other) >> back) for back in (0, 1))
            scene.add(f"{name} {other}", Box(before, y, there - before, 36, "void"))
            scene.sets(f"{name} {other}", number=other)
        scene.add(f"{name} bar", Box(at(16), y, at(size) - at(16), 36, "own"))
        scene.add(f"{name} wanted", Line(at(wanted), y - 6, at(wanted), y + 44), Label(at(wanted), y - 13, wanted_text))
    scene.add(
        "axis",
        Line(4, 256, PORTRAIT - 4, 256),
        *(Line(at(1 << power), 256, at(1 << power), 261) for power in (10, 20, 30)),
        *(Label(at(1 << power), 272, format_size(1 << power)) for power in (10, 20, 30)),
    )
    scene.add("verdict", *lines(2, 300, _verdict(number), 44, bold=fits))
    return scene


def _end(name: str, number: int) -> int:
    """Where a bar ends: at the bytes of so many base pages, or of one of so many parts of the huge page."""
    return number * PAGE.base_page if name == "together" else PAGE.size // number


def _verdict(guess: int) -> str:
    together = guess * PAGE.base_page
    if together == PAGE.size:
        return "Both bars end at their marks. This is the number of base pages in a 1 GiB page."
    short = "too few" if together < PAGE.size else "too many"
    factor = max(PAGE.size // together, together // PAGE.size)
    return f"{short[0].upper()}{short[1:]}, by a factor of {factor:,}."


def _state(number: int) -> tuple[Scene, Facts]:
    together = number * PAGE.base_page
    return base_pages(number), {
        "base pages": number,
        "together": in_bytes(together),
        "or each would be": in_bytes(PAGE.size // number),
        "verdict": _verdict(number),
    }


FILM = Film(
    "How many base pages in 1 GiB?",
    (Axis("number", "your number", _NUMBERS, tuple(f"{number:,}" for number in _NUMBERS)),),
    _state,
    _portrait,
)
