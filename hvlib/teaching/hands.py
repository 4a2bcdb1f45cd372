"""Pictures that are worked by hand: bricks, masks, ``pfn_to_page``, and a kernel to guess.

Each is a widget whose numbers were asked of the engine beforehand (`hand_facts`), so it answers without Python too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import anywidget
import traitlets

from ..arithmetic.geometry import HugePage
from ..errors import BadInput
from ..facts.layout import BASE_PAGE
from ..pictures import outputs, picture
from ..pictures.films import FILMS
from ..pictures.scene import PORTRAIT, WIDTH, Box, Label, Line, Scene
from ..pictures.words import lines
from .hand_facts import FACTS
from .scripts import STATIC, colours

SCRIPTS = ("hands", "hand_bricks", "hand_mask", "hand_walk", "hand_kernel", "hand_flush", "hand_mount")


@cache
def script() -> str:
    """All hands as one ES module."""
    return "".join((STATIC / f"{name}.js").read_text("utf-8") for name in SCRIPTS)


@cache
def style() -> str:
    """The style sheet, with the colours that roles have in every picture of the book."""
    return f".hv-hand {{ {colours()} }}\n{(STATIC / 'hands.css').read_text('utf-8')}"


class Hand(anywidget.AnyWidget):
    """A picture that is worked by hand; ``name`` is its function's. It shows what the engine said."""

    _esm = script()
    _css = style()
    name = traitlets.Unicode().tag(sync=True)
    data = traitlets.Dict().tag(sync=True)
    _ready = False

    def __init__(self, name: str) -> None:
        super().__init__(name=name, data=FACTS[name]())
        self._ready = True

    @property
    def scene(self) -> Scene:
        """The picture for those who have no browser that could move it."""
        return SCENES[self.name](False)

    def __setattr__(self, name: str, value: Any) -> None:
        if self._ready and name in ("name", "data", "scene"):
            raise BadInput(f"{name} is told and not set; write for example hv.hands.{self.name}().")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"{self.data['title']}. {self.data['opening']}"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle: Any = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        state, upright = outputs.GameShown(self.name, 0, []), SCENES[self.name](True)
        shown, alt = picture.bundle(self.scene, repr(self), state, upright)
        return {**data, **shown}, {**(metadata or {}), **alt}


def bricks() -> Hand:
    """The 512 struct pages of a 2 MiB page as bricks: their size, and which tray can stand in (chapter 5)."""
    return Hand("bricks")


def masks() -> Hand:
    """Three huge pages: a tail that finds its head by an address, or by a mask (chapter 8)."""
    return Hand("masks")


def pfn_to_page() -> Hand:
    """The struct page of a PFN, found by three marks: leaf, vmemmap page, slot (chapter 3)."""
    return Hand("pfn_to_page")


def guess_the_kernel() -> Hand:
    """Page tables of real kernels without their names (chapter 11)."""
    return Hand("guess_the_kernel")


def flushes() -> Hand:
    """One, 64 or 512 huge pages optimised: the flushes, what TLBs hold before them, and the interrupts (chapter 9)."""
    return Hand("flushes")


def flushes_back() -> Hand:
    """The same when they are given back (chapter 10)."""
    return Hand("flushes_back")


# --- for those who cannot move them -----------------------------------------------------------------------------------


def _bricks_scene(tall: bool) -> Scene:
    data = FACTS["bricks"]()
    size = HugePage("2 MiB").struct_page
    left, wide = (48, PORTRAIT - 50) if tall else (86, WIDTH - 100)
    scene, trays = Scene(PORTRAIT if tall else WIDTH, 300), data["facts"][size]["trays"]
    scene.add("title", Label(_edge(tall), 18, f"512 struct pages of {size} bytes in {trays} vmemmap pages",
                             13 if tall else 14, "left", bold=not tall))  # fmt: skip
    for tray in range(trays):
        y, brick = 40 + 31 * tray, wide * size / BASE_PAGE
        scene.add(
            f"tray{tray}",
            Label(_edge(tall), y + 11, f"tray {tray}", align="left"),
            Box(left, y, wide, 22, "plain"),
            *([Box(left, y, brick, 22, "head")] if tray == 0 else []),
            *(Line(left + n * brick, y, left + n * brick, y + 22) for n in range(1, BASE_PAGE // size)),
        )
    scene.caption = data["opening"]
    scene.alt = (
        f"{trays} rows of {BASE_PAGE // size} bricks each; the first brick of all is the head, the others are tails."
    )
    return scene


def _edge(tall: bool) -> float:
    """Where words begin."""
    return 2 if tall else 14


def _masks_scene(tall: bool) -> Scene:
    data = FACTS["masks"]()
    facts, scene = data["facts"]["2 MiB"], Scene(PORTRAIT, 382) if tall else Scene(WIDTH, 190)
    scene.add("title", *lines(_edge(tall), 18, "three huge pages of 2 MiB: heads, and word 1 of their tails",
                              40 if tall else 80, size=13 if tall else 14, bold=True))  # fmt: skip
    for page, (head, pointer) in enumerate(zip(facts["heads"], facts["pointer"], strict=True)):
        x, y = (2, 66 + 102 * page) if tall else (14 + page * 270, 50)
        scene.add(
            f"strip{page}",
            Label(x, y, f"head at {head}", align="left"),
            Box(x, y + 14, 256, 40, "plain"),
            Box(x, y + 14, 8, 40, "head"),
            Label(x, y + 76, "word 1 of its tails:", align="left"),
            Label(x + 128, y + 76, pointer, align="left", bold=True)
            if tall
            else Label(x, y + 96, pointer, align="left", bold=True),
        )
    low = scene.height - 14
    scene.add(
        "mask", Label(_edge(tall), low, f"since 7.1, in all of them: {facts['mask'][0]}", align="left", bold=True)
    )
    scene.caption = data["opening"]
    scene.alt = (
        f"Three strips of struct pages with their heads at {', '.join(facts['heads'])}; each has a word 1 of its own."
    )
    return scene


def _walk_scene(tall: bool) -> Scene:
    film, at = FILMS["vmemmap"], {"pfn": 0, "paging": "4-level"}
    scene = film.portrait(**at) if tall and film.portrait else film.state(**at)[0]
    scene.caption = FACTS["pfn_to_page"]()["opening"]
    return scene


def _kernels_scene(tall: bool) -> Scene:
    data, scene = FACTS["guess_the_kernel"](), Scene(PORTRAIT if tall else WIDTH, 330)
    title = "eight entries of a real page table, not asked yet"
    scene.add("title", Label(_edge(tall), 18, title, 13 if tall else 14, "left", bold=not tall))
    columns = ((2, 116), (136, 56), (210, 128)) if tall else ((14, 160), (220, 150), (600, 200))
    for page in range(8):
        y, words = 40 + 35 * page, (f"vmemmap page {page}", "?", f"frame of page {page}" + " at boot" * (not tall))
        (page_x, page_w), (entry_x, entry_w), (frame_x, frame_w) = columns
        scene.add(
            f"page{page}",
            Box(page_x, y, page_w, 26, "plain"), Label(page_x + page_w / 2, y + 13, words[0]),
            Box(entry_x, y, entry_w, 26, "void"), Label(entry_x + entry_w / 2, y + 13, words[1], 13, bold=True),
            Box(frame_x, y, frame_w, 26, "plain"), Label(frame_x + frame_w / 2, y + 13, words[2]),
        )  # fmt: skip
    scene.caption = data["opening"]
    scene.alt = "Eight vmemmap pages, eight entries that are not read yet, and the frames that the pages had at boot."
    return scene


def _flushes_scene(name: str, tall: bool) -> Scene:
    data, scene = FACTS[name](), Scene(PORTRAIT if tall else WIDTH, 130)
    scene.add("title", *lines(_edge(tall), 18, data["title"], 40 if tall else 100, size=13 if tall else 14, bold=True))
    y, told = 58.0 if tall else 48.0, []
    for row, (count, ways) in enumerate(data["runs"].items()):
        numbers = {way: len(run["flushes"]) for way, run in ways.items()}
        text = ", ".join(
            f"{flushed} {'flush' if flushed == 1 else 'flushes'} {way}" for way, flushed in numbers.items()
        )
        told.append(f"{count}: {text}")
        written = lines(_edge(tall), y, f"{count} x 2 MiB: {text}", 42 if tall else 200, size=13)
        scene.add(f"row{row}", *written)
        y = written[-1].y + 26
    scene.height = y + 4
    scene.caption = data["opening"]
    scene.alt = f"Huge pages of 2 MiB and their flushes. {'. '.join(told)}."
    return scene


SCENES: dict[str, Callable[[bool], Scene]] = {
    "bricks": _bricks_scene, "masks": _masks_scene, "pfn_to_page": _walk_scene, "guess_the_kernel": _kernels_scene,
    "flushes": partial(_flushes_scene, "flushes"), "flushes_back": partial(_flushes_scene, "flushes_back"),
}  # fmt: skip
"""Each hand as it stands before it is worked, at its width or for a phone."""
