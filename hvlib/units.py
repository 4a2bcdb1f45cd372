"""Sizes in bytes, as people write them: ``"2 MiB"``, ``"1G"``, ``4096``.

Linux means powers of two when it says kB, MB or GB; this library writes KiB, MiB and GiB. Wherever a size is taken the
same texts are read: these, and the kernel's own ``2M`` (``hugepagesz=2M``) and ``2048kB`` (``hugepages-2048kB``).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

from .errors import BadInput, quoted

KiB = 1 << 10
MiB = 1 << 20
GiB = 1 << 30
TiB = 1 << 40
"""Bytes in a KiB, a MiB, a GiB, a TiB: powers of two."""

_UNITS = {"B": 1, "KiB": KiB, "MiB": MiB, "GiB": GiB, "TiB": TiB}
_LIMIT = 1 << 64
_MOST = 1 << 128
_SIZE = re.compile(
    r"\s*((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)\s*(?:([kmgt])(ib|b)?|b(?:ytes?)?)?\s*", re.IGNORECASE | re.ASCII
)


def parse_size(size: str | int, what: str = "size") -> int:
    """Bytes of a size given as text (``"2 MiB"``, ``"2M"``, ``"2048kB"``, ``"512"``) or as a whole number of bytes.

    ``what`` names the value in the error. Raises `BadInput` for anything that is not a positive whole number of
    bytes, and for the decimal units (``"2 MB"`` is 2,000,000 bytes, which is never what memory comes in); only
    ``kB``, so spelt, is the kernel's own word for KiB (/proc/meminfo, /sys/kernel/mm/hugepages).
    """
    number = index_of(size)
    if number is not None:
        if not 0 < number < _LIMIT:
            raise BadInput(
                f"{what} must be from 1 to 2^64 - 1 bytes, and {quoted(size)} is not; write for example '2 MiB'."
            )
        return number
    text = size if isinstance(size, str) else ""
    read = _read(str.__str__(text)) if len(text) < 40 else None
    if not read:
        raise BadInput(
            f"{what} {quoted(size)} is not a size; write a number and a unit, for example '2 MiB', '1 GiB' or 4096."
        )
    digits, prefix, suffix, value = read
    if suffix.lower() == "b" and prefix + suffix != "kB":
        raise BadInput(
            f"{what} {text!r} is a decimal size (powers of ten); memory comes in powers of two: "
            f"write '{digits} {prefix.upper()}iB'."
        )
    if value.denominator != 1 or not 0 < value < _LIMIT:
        raise BadInput(f"{what} {text!r} is not a whole number of bytes from 1 to 2^64 - 1; write for example '2 MiB'.")
    return int(value)


@lru_cache(maxsize=256)
def _read(text: str) -> tuple[str, str, str, Fraction] | None:
    """Digits, the unit's two parts, and the bytes meant, whole or not; `None` for what is no size."""
    if not (found := _SIZE.fullmatch(text)):
        return None
    digits, prefix, suffix = found.groups("")
    return digits, prefix, suffix, Fraction(digits.replace(",", "")) * (_UNITS[f"{prefix.upper()}iB"] if prefix else 1)


def size_among(size: object, names: Sequence[str]) -> str | None:
    """The one of ``names`` that is the same size, however each is written, or `None`: ``"2048kB"`` is ``"2 MiB"``."""
    wanted = _size_or_none(size)
    return next((name for name in names if wanted is not None and _size_or_none(name) == wanted), None)


def _size_or_none(size: object) -> int | None:
    try:
        return parse_size(size)  # type: ignore[arg-type]
    except BadInput:
        return None


def index_of(value: object) -> int | None:
    """``value`` as an int if it is a whole number of any type (Python's, NumPy's), else `None`; a bool is none."""
    try:
        is_bool = (
            isinstance(value, bool) or getattr(getattr(value, "dtype", None), "kind", "") == "b"
        )  # NumPy 2.1 gives it an index
        return None if is_bool else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def whole_number(value: object, what: str, low: int, high: int) -> int:
    """``value`` as an int, if it is a whole number from ``low`` to ``high``. Raises `BadInput` otherwise."""
    number = index_of(value)
    if number is None or not low <= number <= high:
        raise BadInput(f"{what} must be a whole number from {low:,} to {high:,}, and {quoted(value)} is not.")
    return number


def power_of_two(size: str | int, what: str) -> int:
    """Like `parse_size`, for sizes that hardware only has as powers of two. Raises `BadInput` otherwise."""
    value = parse_size(size, what)
    if value & (value - 1):
        below = 1 << (value.bit_length() - 1)
        raise BadInput(
            f"{what} must be a power of two, and {format_size(value)} is not; the nearest are "
            f"{format_size(below)} and {format_size(2 * below)}."
        )
    return value


def format_size(size: int) -> str:
    """The exact size in the largest unit that needs at most two decimals: 28672 -> ``"28 KiB"``.

    Raises `BadInput` for what is no whole number.
    """
    size = whole_number(size, "a number of bytes", -_MOST, _MOST)
    for unit, factor in reversed(_UNITS.items()):
        if size >= factor and (size * 100) % factor == 0:
            return f"{_decimal(Fraction(size, factor))} {unit}"
    return f"{size:,} B"


def about(size: int | Fraction) -> str:
    """The size to three significant figures, for what nobody needs exactly: ``"23.5 GiB"``, ``"51,600 TiB"``.

    Raises `BadInput` for what is neither a whole number nor a fraction, or beyond 2^128.
    """
    if not isinstance(size, Fraction):
        size = whole_number(size, "a number of bytes", -_MOST, _MOST)
    elif abs(size) > _MOST:
        raise BadInput(f"a number of bytes must be from -2^128 to 2^128, and {quoted(size)} is not.")
    if size < 0:
        return f"-{about(-size)}"
    unit, factor = next(((u, f) for u, f in reversed(_UNITS.items()) if size >= f), ("B", 1))
    value = float(f"{float(Fraction(size) / factor):.3g}")
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:g} {unit}"


def quantity(count: int | Fraction, noun: str) -> str:
    """How many of what, in words: ``"1 page table"``, ``"4,096 page tables"``, ``"12.5 pages"``."""
    number = f"{count:,}" if isinstance(count, int) else f"{float(count):g}"
    return f"{number} {noun}{'' if count == 1 else 's'}"


def _decimal(value: Fraction) -> str:
    whole, hundredths = divmod(int(value * 100), 100)
    return f"{whole:,}.{hundredths:02}".rstrip("0").rstrip(".")
