"""Struct pages of a 2 MiB page, word by word: the model's, and those of real kernels (chapter 4)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from ...arithmetic.geometry import page_to_pfn, pfn_to_page
from ...facts.schemes import Encoding
from ...kernels import observe
from ...kernels.trial import scheme_of_series
from ...mechanism.machine import Machine
from ...mechanism.structpage import COMPOUND_INFO, FIELDS, RawMemory, StructPage, compound_head
from ..fact import Fact
from ..film import Axis, Facts, Film
from ..scene import PORTRAIT, WIDTH, Box, Label, Role, Scene
from ..words import lines

_MODEL = "the model"
_NUMBERS = (0, 1, 2, 3, 4, 63, 64, 65, 128, 511)
_STRUCTS = 512
_LEFT, _CELL, _GAP = 196, 34, 15
_TOP, _ROW = 104, 26
_HEX = 636


@dataclass(frozen=True)
class _Asked:
    """Struct pages of one 2 MiB page, by number: all 512 of the model's, ten of a record's."""

    origin: str
    head: int
    encoding: Encoding
    pages: dict[int, StructPage]

    def often(self, content: int) -> int:
        """How many of the struct pages that were read hold a content."""
        return sum(page.words == self.contents[content] for page in self.pages.values())

    def counts(self, most: int) -> list[str]:
        """The contents by their letters, the first so many, and how often each is there."""
        told = [f"{_letter(content)}: {self.often(content)}" for content in range(min(len(self.contents), most))]
        return [*told, "…"] if len(self.contents) > most else told

    @property
    def tails(self) -> list[StructPage]:
        return [page for number, page in self.pages.items() if number]

    @cached_property
    def common(self) -> tuple[int | None, ...]:
        """For each word the value in more than half of the tails that were read, if there is one."""
        most = (Counter(page.words[word] for page in self.tails).most_common(1)[0] for word in range(len(FIELDS)))
        return tuple(value if 2 * times > len(self.tails) else None for value, times in most)

    def differs(self, number: int, word: int) -> bool:
        """Whether a word is not what most tails have there."""
        return self.pages[number].words[word] != self.common[word]

    @cached_property
    def contents(self) -> list[tuple[int, ...]]:
        """The different contents among the struct pages that were read, all 64 bytes compared, in order."""
        return list(dict.fromkeys(page.words for page in self.pages.values()))


def _letter(content: int) -> str:
    return chr(ord("A") + content)


@cache
def _asked(who: str) -> _Asked:
    if who == _MODEL:
        machine = Machine("1 GiB", check=False)
        head = machine.hugetlb("2 MiB").pfns[0]
        addresses = machine.vmemmap.pfn_to_page(head + np.arange(_STRUCTS, dtype=np.int64))
        words = np.stack([machine.vmemmap.word(addresses, word) for word in range(len(FIELDS))], axis=1)
        pages = {
            number: StructPage(address, tuple(read))
            for number, (address, read) in enumerate(zip(addresses.tolist(), words.tolist(), strict=True))
        }
        return _Asked("the model's 2 MiB page", head, "pointer", pages)
    record = observe.recorded(who)
    head = record.pfn("2 MiB", "live", "off")
    read = record.entries("2 MiB", "live", "off").words
    pages = {number: StructPage(pfn_to_page(head + number), read[number]) for number in _NUMBERS}
    return _Asked(f"a 2 MiB page of Linux {who}, x86-64", head, scheme_of_series(record.series).encoding, pages)


_UNLIKE: Role = "unlike"
_DIFFERS = "differs from most tails (all grey: no value is common)"


def _strip_state(who: str, number: int) -> tuple[Scene, Facts]:
    asked = _asked(who)
    page = asked.pages[number]
    found = compound_head(page.address, RawMemory(bytes(page), page.address), encoding=asked.encoding)
    pfn = page_to_pfn(found)
    scene = Scene(WIDTH, 436)
    kinds = f"{len(asked.pages)} of {_STRUCTS} struct pages, {len(asked.contents)} different contents"
    scene.add(
        "title",
        Label(14, 18, f"{asked.origin[0].upper()}{asked.origin[1:]}, off", 13, "left", bold=True),
    )
    scene.add("kinds", Label(WIDTH - 14, 18, kinds, align="right"))
    _columns(scene, asked, number)
    _words(scene, asked, number)
    steps = _decoded(asked, page, found, pfn)
    _decoding(scene, page, steps)
    _touch(scene, asked)
    same = sum(not asked.differs(n, COMPOUND_INFO) for n in asked.pages if n)
    kind = "a tail" if page.is_tail else "the head"
    scene.caption = (
        f"Struct page {number} of {asked.origin} is {kind}: word 1 is {page.words[COMPOUND_INFO]:#x}, bit 0 is "
        f"{int(page.is_tail)}. Word 1 is the same in {same} of {len(asked.tails)} tails."
    )
    scene.alt = (
        f"A table of ten struct pages by eight words, for {asked.origin}. A word is white where it is what most tails "
        f"have there and grey where it differs. Struct page {number} is marked; its words: "
        f"{_different(asked, number)}. Below, the low bits of its word 1, and the decoding: {' '.join(steps)}"
    )
    hexed = f"{page.words[COMPOUND_INFO]:#018x}"
    return scene, {
        "this struct page": Fact({"is": kind, "address": hex(page.address)}, "{0[is]}, at {0[address]}".format),
        "word 1": Fact({"word": hexed, "bit 0": int(page.is_tail)}, "{0[word]}, so bit 0 is {0[bit 0]}".format),
        "its head": Fact({"address": hex(found), "PFN": pfn}, "struct page at {0[address]}, PFN {0[PFN]:#x}".format),
        "words unlike those of most tails": [n for n in range(8) if asked.differs(number, n)] or "none",
        "same word 1": Fact([same, len(asked.tails)], "{0[0]} of {0[1]} tails".format),
        "different contents": Fact([len(asked.contents), len(asked.pages)], "{0[0]} among {0[1]} struct pages".format),
    }


def _portrait(who: str, number: int) -> Scene:
    """For a phone: ten columns, below them the opened struct page's words by name, and the decoding."""
    asked = _asked(who)
    page = asked.pages[number]
    found = compound_head(page.address, RawMemory(bytes(page), page.address), encoding=asked.encoding)
    scene, cell, left, gap, top, row = Scene(PORTRAIT, 748), 29, 22, 6, 96, 23
    scene.add("title", Label(2, 12, f"{asked.origin[0].upper()}{asked.origin[1:]}, off", align="left", bold=True))
    scene.add("kinds", Label(2, 29, f"{len(asked.contents)} different contents", align="left"))

    def x(column: int) -> float:
        return left + column * cell + gap * sum(_NUMBERS[n] != _NUMBERS[n - 1] + 1 for n in range(1, column + 1))

    for column, one in enumerate(_NUMBERS):
        role: Role = "plain" if asked.pages[one].is_tail else "head"
        middle = x(column) + cell / 2
        scene.add(f"page{one}", Box(x(column), 52, cell, 24, role), Label(middle, 64, str(one), bold=True, on=role))
        content = _letter(asked.contents.index(asked.pages[one].words))
        scene.add(f"content{one}", Label(middle, 86, content))
    scene.add("opened", Box(x(_NUMBERS.index(number)), 40, cell, 10, "mark"))
    for word in range(len(FIELDS)):
        y = top + word * row
        scene.add(f"name{word}", Label(8, y + 10, str(word), bold=word == COMPOUND_INFO))
        for column, one in enumerate(_NUMBERS):
            look: Role = _UNLIKE if asked.differs(one, word) else "plain"
            scene.add(f"word{word}.{one}", Box(x(column), y, cell, row - 3, look))
    low = top + 8 * row + 14
    scene.add(
        "key",
        Label(2, low, "same letter, same bytes", align="left"),
        Box(2, low + 14, 16, 16, "plain"), Label(24, low + 22, "as in most tails", align="left"),
        Box(140, low + 14, 16, 16, _UNLIKE), Label(162, low + 22, "differs from most tails", align="left"),
    )  # fmt: skip
    scene.add("counts", Label(PORTRAIT - 2, low, "   ".join(asked.counts(3)), align="right", bold=True))
    scene.add("opened text", Label(2, low + 54, f"struct page {number}, word by word", 13, "left", bold=True))
    for word, (name, _) in enumerate(FIELDS):
        y, bold = low + 78 + word * 20, word == COMPOUND_INFO
        name = "compound_info" if word == COMPOUND_INFO and asked.encoding == "mask" else name
        scene.add(f"named{word}", Label(2, y, f"{word}  {name}", align="left", bold=bold))
        value = f"{page.words[word]:#018x}"
        scene.add(f"value{word}", Label(PORTRAIT - 2, y, value, align="right", bold=bold))
    y = low + 78 + 8 * 20 + 12
    scene.add("bits text", Label(2, y, "word 1, bits 15 to 0", align="left"))
    for bit in range(15, -1, -1):
        at, value = 2 + (15 - bit) * 21, str(page.words[COMPOUND_INFO] >> bit & 1)
        look = "quiet" if bit == 0 else "plain"
        box, text = Box(at, y + 14, 21, 24, look), Label(at + 10.5, y + 26, value, bold=bit == 0, on=look)
        scene.add(f"bit{bit}", box, text)
    steps = " ".join(_decoded(asked, page, found, page_to_pfn(found)))
    scene.add("steps", *lines(2, y + 58, steps, 44))
    _touch(scene, asked)
    return scene


def _touch(scene: Scene, asked: _Asked) -> None:
    """A struct page is opened; its words, and the struct pages with the same bytes, belong to it."""
    words = range(len(FIELDS))
    for number in _NUMBERS:
        column = (f"page{number}", *(f"word{word}.{number}" for word in words))
        for name in column:
            scene.sets(name, number=number)
        scene.tie(*column)
    for content in range(len(asked.contents)):
        same = [n for n in _NUMBERS if asked.contents.index(asked.pages[n].words) == content]
        scene.tie(*(name for n in same for name in (f"page{n}", f"content{n}")))


def _different(asked: _Asked, number: int) -> str:
    unlike = [str(word) for word in range(8) if asked.differs(number, word)]
    return f"{', '.join(unlike)} unlike most tails" if unlike else "all eight as in most tails"


def _x(column: int) -> float:
    """Left edge of a column; where numbers are left out there is a gap."""
    gaps = sum(_NUMBERS[n] != _NUMBERS[n - 1] + 1 for n in range(1, column + 1))
    return _LEFT + column * _CELL + gaps * _GAP


def _columns(scene: Scene, asked: _Asked, chosen: int) -> None:
    """The strip: one box for each struct page shown, and a mark on the one that is opened."""
    scene.add(
        "strip text", Label(14, 65, "struct page", align="left"), Label(14, 90, "same letter, same bytes", align="left")
    )
    for column, number in enumerate(_NUMBERS):
        page = asked.pages[number]
        role: Role = "plain" if page.is_tail else "head"
        middle = _x(column) + _CELL / 2
        scene.add(
            f"page{number}",
            Box(_x(column), 52, _CELL, 26, role),
            Label(middle, 65, str(number), bold=True, on=role),
        )
        scene.add(f"content{number}", Label(middle, 90, _letter(asked.contents.index(page.words))))
        if column and _NUMBERS[column - 1] != number - 1:
            scene.add(f"gap{number}", Label(_x(column) - _GAP / 2, 65, "…"))
    scene.add("counts", Label(_HEX, 90, "   ".join(asked.counts(3)), align="left", bold=True))
    scene.add("opened", Box(_x(_NUMBERS.index(chosen)), 36, _CELL, 13, "mark"))
    scene.add("opened text", Label(_HEX, 65, f"struct page {chosen}, hex", 13, "left", bold=True))


def _words(scene: Scene, asked: _Asked, chosen: int) -> None:
    """Eight rows: the name of the word, white or grey for each struct page, and the value in the opened one."""
    for word, (name, _) in enumerate(FIELDS):
        y = _TOP + word * _ROW
        middle = y + _ROW / 2 - 1
        if word == COMPOUND_INFO and asked.encoding == "mask":
            name = "compound_info"
        scene.add(f"name{word}", Label(14, middle, f"{word}  {name}", align="left", bold=word == COMPOUND_INFO))
        for column, number in enumerate(_NUMBERS):
            role: Role = _UNLIKE if asked.differs(number, word) else "plain"
            scene.add(f"word{word}.{number}", Box(_x(column), y, _CELL, _ROW - 3, role))
        value, bold = f"{asked.pages[chosen].words[word]:#018x}", word == COMPOUND_INFO
        scene.add(f"value{word}", Label(_HEX, middle, value, 13, "left", bold=bold))
    low = _TOP + 8 * _ROW + 12
    scene.add(
        "key",
        Box(_LEFT, low - 8, 16, 16, "plain"), Label(_LEFT + 24, low, "as in most tails", align="left"),
        Box(_LEFT + 150, low - 8, 16, 16, _UNLIKE), Label(_LEFT + 174, low, _DIFFERS, align="left"),
    )  # fmt: skip


def _decoded(asked: _Asked, page: StructPage, found: int, pfn: int) -> tuple[str, ...]:
    """What the kernel makes of word 1, step by step."""
    info = page.words[COMPOUND_INFO]
    if not page.is_tail:
        return (
            "bit 0 is 0: not a tail.",
            "Outside of tails word 1 belongs to a list and names no head.",
            f"This struct page is the head itself, of PFN {pfn:#x}.",
        )
    step = f"own address {page.address:#x} AND {info:#x}" if asked.encoding == "mask" else f"{info:#x} − 1"
    return ("bit 0 is 1: a tail.", step, f"= {found:#x}, the struct page of PFN {pfn:#x}: its head.")


def _decoding(scene: Scene, page: StructPage, steps: tuple[str, ...]) -> None:
    """The low 16 bits of word 1 with bit 0 marked, and the decoding in words."""
    top = 370
    scene.add("bits text", Label(14, top - 14, "word 1, bits 15 to 0", align="left"))
    for bit in range(15, -1, -1):
        x = 14 + (15 - bit) * 17
        value = page.words[COMPOUND_INFO] >> bit & 1
        role: Role = "quiet" if bit == 0 else "plain"
        scene.add(f"bit{bit}", Box(x, top, 17, 26, role), Label(x + 8.5, top + 13, str(value), bold=bit == 0, on=role))
    scene.add("bit 0 text", Label(14 + 16 * 17, top + 42, "bit 0", align="right"))
    scene.add("steps", *(Label(306, top - 12 + 24 * n, step, 13, "left", bold=n == 0) for n, step in enumerate(steps)))


FILM = Film(
    "One head and 511 tails",
    (
        Axis("who", "who is asked", (_MODEL, *observe.records())),
        Axis("number", "struct page", _NUMBERS),
    ),
    _strip_state,
    _portrait,
)
