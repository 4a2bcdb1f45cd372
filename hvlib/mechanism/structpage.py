"""A struct page as real bytes: its words, and how a tail names its head.

The layout is x86-64's: eight 8-byte words. Word 1 is the one that matters here. In a tail it is ``compound_head``,
the address of the head's struct page plus 1 (up to 7.0), or ``compound_info``, a mask plus 1 (since 7.1): bit 0 says
"tail" in both. The bit number of ``PG_head`` is that of the recorded 5.15.85; it moved in later releases.

Sources: include/linux/mm_types.h and page-flags.h of 6.1 and 6.12; the struct pages of a booted 5.15.85; patch
8c846c879e22 for the mask.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt

from ..errors import BadInput, flag, name_of, quoted
from ..facts.layout import BASE_PAGE, STRUCT_PAGE, address_of, check_base_page, check_struct_page
from ..facts.schemes import Encoding
from ..units import index_of, whole_number

Words = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
Integers = npt.NDArray[np.integer[Any]]

WORD = 8
_LAST = (1 << 64) - 1
FLAGS, COMPOUND_INFO, WORD_2, MAPPING, INDEX, PRIVATE, COUNTS, MEMCG = range(8)
FIELDS = (
    ("flags", "zone, node and section on top; PG_head and the other page flags below"),
    ("compound_head", "in a tail: where the head is, with bit 0 set; otherwise a list pointer"),
    ("lru.prev", "list pointer; in the first tail: destructor and order of the compound page (5.15)"),
    (
        "mapping",
        "owner of the page; in the first tail: number of base pages (low half); in other tails: TAIL_MAPPING or 0",
    ),
    ("index", "position in the owner"),
    ("private", "HugeTLB flags in a head; cgroup pointers in tails 2 and 3 (5.10 to 6.1)"),
    ("_mapcount, _refcount", "two 4-byte counters"),
    ("memcg_data", "memory cgroup"),
)
"""Name and meaning of each 8-byte word, in order (5.15 names)."""

PG_HEAD = 1 << 16
"""In ``flags``, as recorded up to 6.1; the records from 6.12 on have it at bit 6."""
TAIL_MAPPING = 0xDEAD000000000400
"""Poison in the `mapping` of tails; a gigantic page, above `MAX_ORDER`, has 0 there (both as recorded on 5.15.85)."""
MAX_ORDER = 10
"""The largest block on a free list: 2^10 base pages, 4 MiB on x86-64 (MAX_PAGE_ORDER, include/linux/mmzone.h)."""
NO_REFERENCES = 0xFFFFFFFF
"""_mapcount -1 and _refcount 0: how the words of unused and of tail pages read."""
HUGETLB_DTOR = 2

TAIL_METADATA = (
    ("5.10", ("page flags", "order, destructor, map count, number of pages", "hugetlb cgroup",
              "hugetlb cgroup, reservation")),
    ("5.14 to 5.19", ("HugeTLB flags", "order, destructor, counters, subpool", "hugetlb cgroup",
                      "hugetlb cgroup, reservation")),
    ("6.1", ("HugeTLB flags", "order, destructor, counters, subpool", "hugetlb cgroup",
             "hugetlb cgroup, reservation", "list of poisoned pages (with memory-failure handling)")),
    ("6.2 to 6.14", ("HugeTLB flags", "folio order and counters", "subpool, cgroups, hwpoison list")),
    ("since 6.15", ("HugeTLB flags", "folio order and counters", "deferred list (not HugeTLB's)",
                    "subpool, cgroups, hwpoison list")),
)  # fmt: skip
"""Rows of releases and what struct pages 0, 1, 2 … of a HugeTLB page carry that the rest do not, from mm_types.h and
hugetlb.h. 5.11 to 5.13 and 6.0 were not looked at. Later stable releases of 5.10 also mark in struct page 4 whether a
huge page is free in its pool (7ffddd499ba6)."""


_WORD = re.compile(r"(?:0x)?([0-9a-f]{1,16})", re.IGNORECASE)
_LABEL = re.compile(r".*?\braw:|^\s*(?:\[[ .0-9]+\])?\s*[0-9a-fx]{8,18}:", re.IGNORECASE)
"""What stands before the words in a line of a log: "raw:" (dump_page), or an address and a colon (crash, gdb)."""
_LONGEST = 1 << 16


def words_of(text: str) -> tuple[int, ...]:
    """The 8-byte words in a text, as logs print them: hexadecimal, with or without ``0x``, on one line or several.

    Of a text with lines "raw: 0017ffffc0000000 …", as the kernel's dump_page() prints them, these lines alone.
    Raises `BadInput` for anything else between the words.
    """
    text = str.__str__(text)
    if len(text) > _LONGEST:
        raise BadInput(f"{quoted(text)} is too long; paste from 1 to {_LONGEST:,} letters, for example a raw: line.")
    lines = text.splitlines()
    raw = [line for line in lines if "raw:" in line]
    found: list[int] = []
    for one in " ".join(_LABEL.sub("", line, count=1) for line in raw or lines).replace(",", " ").split():
        word = _WORD.fullmatch(one)
        if word is None:
            raise BadInput(
                f"{quoted(one)} is no word of a struct page; paste words in hexadecimal, for example "
                "'0017ffffc0000000 ffffea0004088001'."
            )
        found.append(int(word[1], 16))
    if not found:
        raise BadInput(
            "a text without a word is no struct page; paste for example '0017ffffc0000000 ffffea0004088001'."
        )
    return tuple(found)


class Memory(Protocol):
    """Anything struct pages can be read from: the vmemmap of a machine, or bytes (`RawMemory`)."""

    def word(self, addresses: Words, index: int) -> Words:
        """Word ``index`` of the struct page at each virtual address."""
        ...


@dataclass(frozen=True)
class RawMemory:
    """``data`` as it stands at virtual address ``start``, for reading struct pages that came from elsewhere.

    ``data`` may be text, words as a log prints them (`words_of`), and ``start`` too. Raises `BadInput` for what are no
    bytes, or no address.
    """

    data: bytes | str
    start: int | str

    def __post_init__(self) -> None:
        data = np.array(words_of(self.data), "<u8").tobytes() if isinstance(self.data, str) else self.data
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise BadInput(
                f"{quoted(self.data)} is no bytes; write for example RawMemory(bytes(64), 0xffffea0000008000)."
            )
        object.__setattr__(self, "data", bytes(data))
        object.__setattr__(self, "start", address_of(self.start))

    def word(self, addresses: Words, index: int) -> Words:
        """See `Memory.word`. Raises `BadInput` for an address outside the data, or one where no word begins."""
        if not isinstance(addresses, np.ndarray) or addresses.dtype != np.uint64:
            raise BadInput(
                f"{quoted(addresses)} is no array of addresses; write for example np.array([0x1000], np.uint64)."
            )
        index = whole_number(index, "a word of a struct page", 0, 31)
        data, start = self.data, self.start
        assert isinstance(data, bytes)
        assert isinstance(start, int)
        offsets = addresses - np.uint64(start) + np.uint64(WORD * index)
        odd = offsets % np.uint64(WORD) != 0
        if odd.any():
            raise BadInput(
                f"no word begins at {hex(int(addresses[odd][0]))}; choose {hex(start)} or a multiple of {WORD} "
                "bytes from there."
            )
        if offsets.size and int(offsets.max()) > len(data) - WORD:
            raise BadInput(
                f"address {hex(int(addresses[offsets.argmax()]))} is outside the {len(data)} bytes given for "
                f"{hex(start)}; choose bytes that cover the struct pages to be read."
            )
        words = np.frombuffer(data, dtype="<u8", count=len(data) // WORD)
        found: Words = words[offsets // np.uint64(WORD)]
        return found


@dataclass(frozen=True)
class StructPage:
    """One struct page as it was read: its address and its words, 7 to 32 of 8 bytes, ready to be taken apart.

    Both may be text, as a log prints them: ``StructPage("fffff3b2ec3a8000", "raw: 0017ffffc0000000 …")`` (`words_of`).
    Raises `BadInput` for what cannot be an address or words.
    """

    address: int
    words: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", address_of(self.address))
        given: object = words_of(self.words) if isinstance(self.words, str) else self.words
        words = [_word(word) for word in given] if isinstance(given, (tuple, list)) else []
        if not 7 <= len(words) <= 32 or not all(word is not None and 0 <= word <= _LAST for word in words):
            raise BadInput(
                f"the words of a struct page are 7 to 32 whole numbers from 0 to 2^64 - 1, and "
                f"{quoted(self.words)} are not."
            )
        object.__setattr__(self, "words", tuple(words))

    def __bytes__(self) -> bytes:
        return np.array(self.words, dtype="<u8").tobytes()

    @property
    def is_tail(self) -> bool:
        """Bit 0 of word 1."""
        return bool(self.words[COMPOUND_INFO] & 1)

    @property
    def has_pg_head(self) -> bool:
        """The flag PG_head at bit 16, as in the model and in real kernels up to 6.1; fake heads carry it as well."""
        return bool(self.words[FLAGS] & PG_HEAD)

    def __str__(self) -> str:
        lines = [f"struct page at {self.address:#x}, {WORD * len(self.words)} bytes"]
        for number, value in enumerate(self.words):
            name = FIELDS[number][0] if number < len(FIELDS) else "(more)"
            lines.append(f"  {WORD * number:2}  {name:21} {value:#018x}")
        return "\n".join(lines)

    __repr__ = __str__


def _word(value: object) -> int | None:
    """A word as a number, or as one of a log; `None` for what is neither. Decimal text is neither."""
    text = str.__str__(value) if isinstance(value, str) else ""
    found = _WORD.fullmatch(text) if 16 <= len(text) <= 18 else None
    return int(found[1], 16) if found else index_of(value)


def tail_info(head: Words, order: int, encoding: Encoding, struct_page: int) -> Words:
    """Word 1 of the tails of compound pages whose heads' struct pages are at ``head``.

    Pointer: ``head + 1``. Mask (since 7.1): ones down to bit ``order + log2(sizeof(struct page))``, plus 1; it does
    not depend on the head, so all tails of an order are equal.
    """
    if encoding == "pointer":
        return head + np.uint64(1)
    shift = order + struct_page.bit_length() - 1
    return np.full_like(head, (1 << 64) - (1 << shift) | 1)


def plain_word(index: int) -> int:
    """Word ``index`` of a struct page that belongs to no compound page, unused as it is at boot."""
    return NO_REFERENCES if index == COUNTS else 0


def compound_word(index: int, number: Ints, head: Words, order: int, encoding: Encoding, struct_page: int) -> Words:
    """Word ``index`` as the kernel writes it when a compound page of ``order`` is prepared.

    ``number`` is the place of each struct page in its compound page: 0 is the head, all others are tails. ``head`` is
    the address of the head's struct page. `TAIL_METADATA` beyond the order is left zero, as with no cgroup in use.
    """
    tail, zero = number != 0, np.uint64(0)
    if index == FLAGS:
        return np.where(tail, zero, np.uint64(PG_HEAD))
    if index == COMPOUND_INFO:
        return np.where(tail, tail_info(head, order, encoding, struct_page), zero)
    if index == WORD_2:
        return np.where(number == 1, np.uint64(order << 8 | HUGETLB_DTOR), zero)
    if index == MAPPING:
        poison = TAIL_MAPPING if order <= MAX_ORDER else 0
        first = poison >> 32 << 32 | 1 << order
        return np.where(number == 1, np.uint64(first), np.where(tail, np.uint64(poison), zero))
    return np.full(number.shape, plain_word(index), np.uint64)


@lru_cache(maxsize=8)
def plain_words(struct_page: int) -> tuple[int, ...]:
    """Every word of a struct page that belongs to no compound page: `plain_word`."""
    return tuple(plain_word(index) for index in range(struct_page // WORD))


@lru_cache(maxsize=1024)
def compound_words(number: int, head: int, order: int, encoding: Encoding, struct_page: int) -> tuple[int, ...]:
    """Every word of one struct page of a compound page: `compound_word`. Tails from 2 on are alike."""
    at, lead = np.array([number], np.int64), np.array([head], np.uint64)
    words = (compound_word(index, at, lead, order, encoding, struct_page) for index in range(struct_page // WORD))
    return tuple(int(word[0]) for word in words)


@dataclass(frozen=True)
class HeadRules:
    """What `compound_head` goes by: how a tail names its head, whether heads may be fake, two sizes in bytes, a flag.

    ``pg_head`` is PG_head as a bit of ``flags``. Raises `BadInput` for what cannot be a rule.
    """

    encoding: Encoding = "pointer"
    fake_heads: bool = False
    struct_page: int = STRUCT_PAGE
    base_page: int = BASE_PAGE
    pg_head: int = PG_HEAD

    def __post_init__(self) -> None:
        flags = [1 << bit for bit in range(64)]
        if index_of(self.pg_head) not in flags:
            raise BadInput(
                f"{quoted(self.pg_head)} is no flag; write one bit, for example 1 << 16, or 1 << 6 as in 6.12."
            )
        name_of(self.encoding, "encoding", get_args(Encoding))
        flag(self.fake_heads, "fake_heads")
        for value, check in ((self.struct_page, check_struct_page), (self.base_page, check_base_page)):
            if index_of(value) != check(value):
                raise BadInput(f"{quoted(value)} is not a number of bytes here; write for example 64 or 4096.")


def compound_heads(pages: Words, memory: Memory, rules: HeadRules) -> Words:
    """`compound_head` for an array of struct page addresses."""
    info = memory.word(pages, COMPOUND_INFO)
    tail = info & np.uint64(1) == 1
    if rules.encoding == "mask":
        return np.where(tail, pages & info, pages)
    heads = np.where(tail, info - np.uint64(1), pages)
    if rules.fake_heads:
        at_page_start = pages & np.uint64(rules.base_page - 1) == 0
        suspect = np.flatnonzero(at_page_start & ~tail)
        suspect = suspect[memory.word(pages[suspect], FLAGS) & np.uint64(rules.pg_head) != 0]
        after = memory.word(pages[suspect] + np.uint64(rules.struct_page), COMPOUND_INFO)
        fake = after & np.uint64(1) == 1
        heads[suspect[fake]] = after[fake] - np.uint64(1)
    return heads


def compound_head(
    page: int | str,
    memory: Memory,
    *,
    encoding: Encoding = "pointer",
    fake_heads: bool = False,
    struct_page: int = STRUCT_PAGE,
    base_page: int = BASE_PAGE,
    pg_head: int = PG_HEAD,
) -> int:
    """Address of the head's struct page, for the struct page at address ``page`` read from ``memory``.

    As in include/linux/page-flags.h: a page whose word 1 has bit 0 set is a tail and names its head, by pointer (up
    to 7.0) or by mask (since 7.1). With ``fake_heads`` (5.18 to 7.0, where a page of tails can show the head's own
    bytes), a page-aligned struct page with PG_head is believed only after a look at the next one. ``pg_head`` is that
    flag's bit: 1 << 16 in the model and up to 6.1, 1 << 6 in the recorded kernels from 6.12 on.
    Raises `BadInput` for what cannot be an address, a memory or a rule.
    """
    rules = HeadRules(encoding, fake_heads, struct_page, base_page, pg_head)
    return int(compound_heads(np.array([_checked(page, memory)], np.uint64), memory, rules)[0])


def _checked(page: object, memory: object) -> int:
    """The address ``page``, if it is one and ``memory`` can be read. Raises `BadInput`."""
    if not callable(getattr(memory, "word", None)):
        raise BadInput(f"{quoted(memory)} is no memory to read from; write for example RawMemory(bytes(64), page).")
    return address_of(page)


@dataclass(frozen=True)
class HeadStep:
    """One question that `compound_head` asks, and its answer; ``read`` is (struct page, word, value) if it reads."""

    question: str
    read: tuple[int, int, int] | None
    answer: bool

    def __str__(self) -> str:
        seen = f"word {self.read[1]} at {self.read[0]:#x} is {self.read[2]:#x}: " if self.read else ""
        return f"{self.question} {seen}{'yes' if self.answer else 'no'}"


@dataclass(frozen=True)
class HeadSearch:
    """How `compound_head` came from the struct page at ``page`` to ``head``: the questions asked, in order."""

    page: int
    head: int
    steps: tuple[HeadStep, ...]

    @property
    def verdict(self) -> Literal["tail", "fake head", "itself"]:
        """What the struct page turned out to be; "itself" is the real head, or a base page by itself."""
        if self.steps[0].answer:
            return "tail"
        return "itself" if self.head == self.page else "fake head"

    def __str__(self) -> str:
        lines = [f"struct page at {self.page:#x}", *(f"  {step}" for step in self.steps)]
        return "\n".join([*lines, f"  {self.verdict}; the head is at {self.head:#x}"])

    __repr__ = __str__


def head_steps(page: int, memory: Memory, rules: HeadRules) -> HeadSearch:
    """`compound_head` for one struct page, question by question, in the order of include/linux/page-flags.h."""
    page = _checked(page, memory)
    steps: list[HeadStep] = []

    def asks(question: str, at: int, index: int, bit: int) -> bool:
        value = int(memory.word(np.array([at], np.uint64), index)[0])
        steps.append(HeadStep(question, (at, index, value), bool(value & bit)))
        return steps[-1].answer

    def named(value: int) -> int:
        return page & value if rules.encoding == "mask" else value - 1

    def found(head: int) -> HeadSearch:
        return HeadSearch(page, head, tuple(steps))

    if asks("Is bit 0 of word 1 set?", page, COMPOUND_INFO, 1):
        return found(named(_value(steps)))
    if rules.encoding == "mask" or not rules.fake_heads:
        return found(page)
    steps.append(HeadStep("Is it at the start of a page?", None, page % rules.base_page == 0))
    if not steps[-1].answer or not asks("Does it say PG_head?", page, FLAGS, rules.pg_head):
        return found(page)
    if asks("Is bit 0 of word 1 of the next one set?", page + rules.struct_page, COMPOUND_INFO, 1):
        return found(_value(steps) - 1)
    return found(page)


def _value(steps: list[HeadStep]) -> int:
    read = steps[-1].read
    assert read is not None
    return read[2]
