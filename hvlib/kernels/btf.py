"""Struct layouts from BTF, the type information a Linux kernel carries about itself.

Format: Documentation/bpf/btf.rst. Only what is needed to list the members of one struct, little-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ..errors import BadInput

_MAGIC = 0xEB9F
_INT, _ARRAY, _STRUCT, _UNION, _ENUM, _FUNC_PROTO, _VAR, _DATASEC, _DECL_TAG, _ENUM64 = (
    1,
    3,
    4,
    5,
    6,
    13,
    14,
    15,
    17,
    19,
)
_FIXED = {_INT: 4, _ARRAY: 12, _VAR: 4, _DECL_TAG: 4}
_PER_MEMBER = {_STRUCT: 12, _UNION: 12, _ENUM: 8, _FUNC_PROTO: 8, _DATASEC: 12, _ENUM64: 12}


@dataclass(frozen=True)
class Layout:
    """A struct's size in bytes and its named members as (byte offset, name), unions and inner structs flattened."""

    size: int
    members: tuple[tuple[int, str], ...]


def struct_layout(data: bytes, name: str) -> Layout:
    """The `Layout` of ``struct name`` in BTF ``data``. Raises `BadInput` if it is no BTF or has no such struct."""
    try:
        return _Types(data).layout(name)
    except BadInput:
        raise
    except (struct.error, IndexError, ValueError, RecursionError) as why:
        raise BadInput("the BTF ends in the middle or contradicts itself; read /sys/kernel/btf/vmlinux again.") from why


class _Types:
    def __init__(self, data: bytes) -> None:
        self.data = data
        magic, _, _, header, type_start, type_length, strings, _ = struct.unpack_from("<HBBIIIII", data)
        if magic != _MAGIC:
            raise BadInput("this is no little-endian BTF (its magic number is not eb9f); give /sys/kernel/btf/vmlinux.")
        self.strings = header + strings
        self.types: list[tuple[int, int, int, int]] = [(0, 0, 0, 0)]
        at, end = header + type_start, header + type_start + type_length
        while at < end:
            text, info, size = struct.unpack_from("<III", data, at)
            kind, count = info >> 24 & 31, info & 0xFFFF
            self.types.append((text, info, size, at + 12))
            at += 12 + _FIXED.get(kind, 0) + _PER_MEMBER.get(kind, 0) * count

    def text(self, offset: int) -> str:
        start = self.strings + offset
        return self.data[start : self.data.index(b"\0", start)].decode()

    def layout(self, name: str) -> Layout:
        for number, (text, info, size, _) in enumerate(self.types):
            if info >> 24 & 31 == _STRUCT and self.text(text) == name:
                return Layout(size, tuple(self._members(number, 0)))
        raise BadInput(f"the BTF has no struct {name!r}; a kernel's own has 'page', 'folio' and many more.")

    def _members(self, number: int, base: int) -> list[tuple[int, str]]:
        _, info, _, at = self.types[number]
        found: list[tuple[int, str]] = []
        for member in range(info & 0xFFFF):
            text, of_type, offset = struct.unpack_from("<III", self.data, at + 12 * member)
            bits = offset & 0xFFFFFF if info >> 31 else offset
            name, place = self.text(text), base + bits // 8
            if name:
                found.append((place, name))
            elif self.types[of_type][1] >> 24 & 31 in (_STRUCT, _UNION):
                found += self._members(of_type, place)
        return found
