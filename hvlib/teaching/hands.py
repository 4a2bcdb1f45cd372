"""Pictures that are worked by hand: bricks, masks, ``pfn_to_page``, and a kernel to guess.

Each is a widget whose numbers were asked of the engine beforehand (`hand_facts`), so it answers without Python too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import anywidget
import traitlets

from ..arithmetic.geometry import HugePage
from ..errors import BadInput
from ..pictures import outputs, picture
from ..pictures.films import FILMS
from ..pictures.scene import SMALL, WIDTH, Box, Label, Line, Scene
from ..pictures.style import ARROWS, STYLES
from .hand_facts import BASE_PAGE, FACTS
from .scripts import STATIC

SCRIPTS = ("hands", "hand_bricks", "hand_mask", "hand_walk", "hand_kernel", "hand_flush", "hand_mount")


@cache
def script() -> str:
    """All hands as one ES module."""
    return "".join((STATIC / f"{name}.js").read_text("utf-8") for name in SCRIPTS)


@cache
def style() -> str:
    """The style sheet, with the colours that roles have in every picture of the book."""
    roles = ("head", "own", "shared", "table", "readonly", "level", "mark", "stuck")
    colours = {name: STYLES[name].fill for name in roles} | {  # type: ignore[index]
        "to-own": ARROWS["own"].colour, "to-other": ARROWS["remapped"].colour,
    }  # fmt: skip
    names = " ".join(f"--hv-{name}: {colour};" for name, colour in colours.items())
    return f".hv-hand {{ {names} }}\n{(STATIC / 'hands.css').read_text('utf-8')}"


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
        return SCENES[self.name]()

    def __setattr__(self, name: str, value: Any) -> None:
        if self._ready and name in ("name", "data", "scene"):
            raise BadInput(f"{name} is told and not set; write for example hv.hands.{self.name}().")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"{self.data['title']}. {self.data['opening']}"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle: Any = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        shown, alt = picture.bundle(self.scene, repr(self), outputs.GameShown(self.name, 0, []))
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


def _bricks_scene() -> Scene:
    data = FACTS["bricks"]()
    size = HugePage("2 MiB").struct_page
    scene, trays, wide = Scene(WIDTH, 300), data["facts"][size]["trays"], WIDTH - 100
    scene.add(
        "title", Label(14, 18, f"512 struct pages of {size} bytes in {trays} vmemmap pages", 14, "left", bold=True)
    )
    for tray in range(trays):
        y, brick = 40 + 31 * tray, wide * size / BASE_PAGE
        scene.add(
            f"tray{tray}",
            Label(14, y + 11, f"tray {tray}", align="left"),
            Box(86, y, wide, 22, "plain"),
            *([Box(86, y, brick, 22, "head")] if tray == 0 else []),
            *(Line(86 + n * brick, y, 86 + n * brick, y + 22) for n in range(1, BASE_PAGE // size)),
        )
    scene.caption = data["opening"]
    scene.alt = (
        f"{trays} rows of {BASE_PAGE // size} bricks each; the first brick of all is the head, the others are tails."
    )
    return scene


def _masks_scene() -> Scene:
    data = FACTS["masks"]()
    facts, scene = data["facts"]["2 MiB"], Scene(WIDTH, 190)
    scene.add(
        "title", Label(14, 18, "three huge pages of 2 MiB: heads, and word 1 of their tails", 14, "left", bold=True)
    )
    for page, (head, pointer) in enumerate(zip(facts["heads"], facts["pointer"], strict=True)):
        x = 14 + page * 270
        scene.add(
            f"strip{page}",
            Label(x, 50, f"head at {head}", align="left"),
            Box(x, 64, 256, 40, "plain"),
            Box(x, 64, 8, 40, "head"),
            Label(x, 126, "word 1 of its tails:", align="left"),
            Label(x, 146, pointer, align="left", bold=True),
        )
    scene.add("mask", Label(14, 176, f"since 7.1, in all of them: {facts['mask'][0]}", align="left", bold=True))
    scene.caption = data["opening"]
    scene.alt = (
        f"Three strips of struct pages with their heads at {', '.join(facts['heads'])}; each has a word 1 of its own."
    )
    return scene


def _walk_scene() -> Scene:
    scene = FILMS["vmemmap"].state(pfn=0, paging="4-level")[0]
    scene.caption = FACTS["pfn_to_page"]()["opening"]
    return scene


def _kernels_scene() -> Scene:
    data, scene = FACTS["guess_the_kernel"](), Scene(WIDTH, 330)
    scene.add("title", Label(14, 18, "eight entries of a real page table, not asked yet", 14, "left", bold=True))
    for page in range(8):
        y = 40 + 35 * page
        scene.add(
            f"page{page}",
            Box(14, y, 160, 26, "plain"), Label(94, y + 13, f"vmemmap page {page}"),
            Box(220, y, 150, 26, "table"), Label(295, y + 13, "?", 13, bold=True, on="table"),
            Box(600, y, 200, 26, "plain"), Label(700, y + 13, f"frame of page {page} at boot", SMALL),
        )  # fmt: skip
    scene.caption = data["opening"]
    scene.alt = "Eight vmemmap pages, eight entries that are not read yet, and the frames that the pages had at boot."
    return scene


def _flushes_scene(name: str) -> Scene:
    data, scene = FACTS[name](), Scene(WIDTH, 130)
    scene.add("title", Label(14, 18, data["title"], 14, "left", bold=True))
    told = []
    for row, (count, ways) in enumerate(data["runs"].items()):
        numbers = {way: len(run["flushes"]) for way, run in ways.items()}
        text = ", ".join(
            f"{flushed} {'flush' if flushed == 1 else 'flushes'} {way}" for way, flushed in numbers.items()
        )
        told.append(f"{count}: {text}")
        scene.add(f"row{row}", Label(14, 48 + 26 * row, f"{count} x 2 MiB: {text}", 13, "left"))
    scene.caption = data["opening"]
    scene.alt = f"Huge pages of 2 MiB and their flushes. {'. '.join(told)}."
    return scene


SCENES: dict[str, Callable[[], Scene]] = {
    "bricks": _bricks_scene, "masks": _masks_scene, "pfn_to_page": _walk_scene, "guess_the_kernel": _kernels_scene,
    "flushes": lambda: _flushes_scene("flushes"), "flushes_back": lambda: _flushes_scene("flushes_back"),
}  # fmt: skip
