"""What a notebook is given of a scene: SVG, alt text, its state, and a PNG where outputs are kept (`png.wanted`)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from . import outputs, png, svg
from .scene import Scene

UPRIGHT = "application/vnd.hvlib.upright.v1+svg"
"""The type of a second drawing, for a phone held upright. The pages put it in the first one's place there; viewers that
do not know the type show that one."""
Bundle = tuple[dict[str, Any], dict[str, Any]]


def bundle(scene: Scene, text: str, state: outputs.Shown, upright: Scene | None = None) -> Bundle:
    """Data and metadata by media type, with ``text`` for those who see no picture and ``state`` for programs."""
    data = {"text/plain": text, "image/svg+xml": svg.standalone(scene), **outputs.bundle(state)}
    if upright is not None:
        data[UPRIGHT] = svg.standalone(replace(upright, alt=scene.alt))
    if not png.wanted():
        return data, {}
    return {**data, "image/png": png.png(scene)}, {"image/png": {"alt": scene.alt}}


class Picture:
    """A scene that shows itself in a notebook, with its alt text for those who cannot see it, and one for a phone."""

    def __init__(self, scene: Scene, upright: Scene) -> None:
        self.scene, self.upright = scene, upright

    def _repr_mimebundle_(self, **_: Any) -> Bundle:
        state = outputs.PictureShown(self.scene.caption, self.scene.alt)
        return bundle(self.scene, repr(self), state, self.upright)

    def __repr__(self) -> str:
        return f"{self.scene.caption}\n{self.scene.alt}"
