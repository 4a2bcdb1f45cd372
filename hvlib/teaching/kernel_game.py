"""The game "You are the kernel" as a widget: eight entries, two CPUs, and what goes wrong (`kernel_rules`).

A move is answered in the browser at once, by a twin of the rules (static/kernel.js), and played here on the engine as
well, which confirms it; were they ever to differ, the engine is right. A published page has the twin alone.
"""

from __future__ import annotations

import textwrap
from functools import cache
from typing import Any

import anywidget
import traitlets

from ..errors import BadInput, quoted
from ..pictures import outputs, picture
from ..pictures.mapping import FrameState, PageMap, PageRun, page_map_portrait, page_map_scene
from ..pictures.scene import Scene
from ..pictures.style import STYLES
from ..units import whole_number
from . import kernel_rules as rules
from .kernel_words import DATA, DISASTERS, TRUTHS, numbers, written
from .scripts import STATIC, colours

READ = 76
"""Letters of a printed line: no sentence ends out of sight."""
LONGEST = 2_000
"""Moves of one game, undone ones too."""


@cache
def script() -> str:
    """The twin and the picture as one ES module, which imports nothing."""
    twin, game = ((STATIC / name).read_text("utf-8") for name in ("kernel.js", "kernel_game.js"))
    inner = twin.replace("export const rules =", "return")
    game = game.replace('import { rules } from "./kernel.js";\n', "")
    return f"const rules = (() => {{\n{inner}}})();\n{game}"


@cache
def style() -> str:
    """The style sheet, with the colours that the roles have in every picture of the book (`hvlib.pictures.style`)."""
    return f".hv-kernel {{ {colours(on=STYLES['own'].text)} }}\n{(STATIC / 'kernel_game.css').read_text('utf-8')}"


class _Moves(traitlets.List):  # type: ignore[type-arg]
    """Moves as plain data; what is none gets a sentence."""

    def validate(self, obj: Any, value: Any) -> Any:
        if not isinstance(value, (list, tuple)) or len(value) > LONGEST:
            raise BadInput(
                f"the moves of a game are a list of up to {LONGEST:,}, and {quoted(value)} is none; "
                "write for example [{'do': 'split'}]."
            )
        return [rules.move_of(one) for one in value]


class KernelGame(anywidget.AnyWidget):
    """A game of "You are the kernel". `play` makes a move from a cell; ``moves`` are all so far, undone ones too."""

    _esm = script()
    _css = style()
    data = traitlets.Dict().tag(sync=True)
    seed = traitlets.Int().tag(sync=True)
    moves = _Moves().tag(sync=True)
    judged = traitlets.Dict().tag(sync=True)

    def __init__(self, seed: int = rules.SEED) -> None:
        seed = whole_number(seed, "the seed of a game", 0, (1 << 16) - 1)
        self._session, self._said, self._ready = rules.Session(seed), "", False
        self._played: list[rules.Move] = []
        super().__init__(data=DATA, seed=seed)
        self._ready = True

    def play(self, do: str, page: int | None = None, frame: int | None = None, writable: bool | None = None) -> str:
        """Make a move: "split", "remap" (page, frame), "protect" (page), "flush", "free" (frame, or all unused), …

        Returns what the engine says of it; so does a move that is not possible now, which changes nothing. Raises
        `BadInput` for what is no move.
        """
        self.moves = [*self.moves, rules.move(do, page, frame, writable)]
        return textwrap.fill(self._said, READ)

    def hint(self) -> str:
        """The next step of the kernel's own order, in a sentence."""
        return written(self._session.kernel.hint()[0])

    @property
    def state(self) -> dict[str, Any]:
        """The engine's state, as plain data."""
        return self._session.kernel.state()

    @traitlets.observe("moves")
    def _follow(self, _: object) -> None:
        """Play on the engine what was played elsewhere: the rest of a game that goes on, or another game."""
        known = len(self._played)
        if self.moves[:known] != self._played:
            self._session, known = rules.Session(self.seed), 0
        for one in self.moves[known:]:
            self._said = rules.told(self._session.play(one), self.state)
        self._played = list(self.moves)
        self.judged = {"count": len(self._played), "state": self.state}

    @property
    def scene(self) -> Scene:
        """The page table as a picture that stands still."""
        return page_map_scene(_map(self._session.kernel))

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("state", "scene", "seed") and self.__dict__.get("_ready"):
            raise BadInput(f"{name} is told and not set; write for example game.play('split').")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"You are the kernel. {_summary(self._session.kernel)}"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle: Any = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        state = outputs.GameShown("you are the kernel", self.seed, list(self.moves))
        upright = page_map_portrait(_map(self._session.kernel))
        shown, alt = picture.bundle(self.scene, repr(self), state, upright)
        return {**data, **shown}, {**(metadata or {}), **alt}


def _summary(kernel: rules.Kernel) -> str:
    """The state in words."""
    rows = []
    if not kernel.split:
        rows.append("One PMD entry maps pages 0 to 7 to frames 0 to 7, writable.")
    for page in range(rules.PAGES) if kernel.split else ():
        rows.append(f"page {page}: frame {kernel.shown(page)}, {'writable' if kernel.writable(page) else 'read-only'}")
    free = [frame for frame, is_free in enumerate(kernel.free()) if is_free]
    net = sum(frame != rules.TABLE for frame in free) - kernel.split
    rows.append(
        f"free frames: {numbers(free) if free else 'none'}; {net:+d} since the start" if kernel.split or net else ""
    )
    for number, cpu in enumerate(kernel.state()["tlb"]):
        lines = [(line["page"], line["frame"]) for line in cpu["lines"] if line]
        known = ["pages 0 to 7 as at boot" if page is None else f"{page} to {frame}" for page, frame in lines]
        rows.append(f"CPU {number} remembers: {', '.join(known) or 'nothing'}")
    rows += [f"broken: {TRUTHS[name]}" for name in kernel.broken if name in TRUTHS]
    if kernel.dead:
        rows.append(f"{DISASTERS[kernel.dead['id']]}. {written(kernel.dead['says'])}")
    return "\n".join(row for row in rows if row)


def _map(kernel: rules.Kernel) -> PageMap:
    def look(frame: int) -> FrameState:
        shown = len(kernel.showing(frame))
        if not shown:
            return "freed" if kernel.free()[frame] else "held"
        return "shared" if shown > 1 else "head" if frame == 0 else "own"

    rows = tuple(
        PageRun(page, page, kernel.shown(page), kernel.writable(page), "PTE" if kernel.split else "PMD leaf")
        for page in range(rules.PAGES)
    )
    frames = [(str(frame), look(frame)) for frame in range(rules.PAGES)]
    table: list[tuple[str, FrameState]] = [("page table", "freed" if kernel.free()[rules.TABLE] else "own")]
    title = "You are the kernel: played in JupyterLab and on the book's page"
    return PageMap(title, "2 MiB", rows, tuple(frames + (table if kernel.split else [])), 1)


def you_are_the_kernel(seed: int = rules.SEED) -> KernelGame:
    """The game of chapter 6. The seed decides when the two CPUs do what. Raises `BadInput` for what is no seed."""
    return KernelGame(seed)
