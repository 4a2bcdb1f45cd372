"""Sizes and places that hardware and build decide: base page, struct page, page-table entry, vmemmap."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import BadInput, quoted, table
from ..units import KiB, TiB, format_size, index_of, parse_size, power_of_two

BASE_PAGE = 4 * KiB
STRUCT_PAGE = 64
PTE = 8
"""Bytes of a page-table entry, on every 64-bit architecture in the book."""


@dataclass(frozen=True)
class Paging:
    """A depth of the page tables of x86-64: where the vmemmap starts, without address randomisation, and its size."""

    levels: int
    vmemmap: int
    size: int


PAGING = table(
    "paging",
    (("4-level", Paging(4, 0xFFFFEA0000000000, TiB)), ("5-level", Paging(5, 0xFFD4000000000000, 512 * TiB))),
)
"""Name -> `Paging`. Source: Documentation/arch/x86/x86_64/mm.rst, 6.12."""


def check_base_page(base_page: str | int) -> int:
    """Bytes of a base page: a power of two from 4 KiB to 64 KiB. Raises `BadInput` otherwise."""
    value = power_of_two(base_page, "base page")
    if not 4 * KiB <= value <= 64 * KiB:
        raise BadInput(
            f"base page must be 4, 8, 16, 32 or 64 KiB, and {format_size(value)} is not; "
            "write for example '4 KiB', as on x86-64."
        )
    return value


def check_struct_page(struct_page: int) -> int:
    """sizeof(struct page): whole 8-byte words, from 56 to 256 bytes. Raises `BadInput` otherwise."""
    value = parse_size(struct_page, "struct page")
    if value % 8 or not 56 <= value <= 256:
        raise BadInput(
            f"struct page must be a multiple of 8 bytes from 56 to 256, and {value} is not; "
            "Linux builds have 56, 64, 72, 80, 88 or 96."
        )
    return value


_ADDRESS = re.compile(r"(?:[a-z]{1,8}:)?(?:0x([0-9a-f]{1,16})|([0-9a-f]{9,16}))", re.IGNORECASE)


def address_of(value: object, what: str = "an address") -> int:
    """A 64-bit address: a whole number, or text as logs print it, with or without ``0x`` or a label, "page:fffff3…".

    Without ``0x`` it has 9 digits at least, so that no decimal number is taken for one. Raises `BadInput`.
    """
    number = index_of(value)
    text = str.__str__(value) if isinstance(value, str) else ""
    if number is None and len(text) < 80 and (found := _ADDRESS.fullmatch(text.strip())):
        number = int(found[1] or found[2], 16)
    if number is None or not 0 <= number < 1 << 64:
        raise BadInput(
            f"{what} must be a whole number from 0 to {(1 << 64) - 1:,}, or text such as 'ffffea0000008000', and "
            f"{quoted(value)} is not."
        )
    return number
