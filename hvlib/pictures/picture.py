"""What a notebook is given of a scene: SVG, alt text, its state, and a PNG where outputs are kept (`png.wanted`)."""

from __future__ import annotations

from typing import Any

from . import outputs, png, svg
from .scene import Scene

Bundle = tuple[dict[str, Any], dict[str, Any]]


def bundle(scene: Scene, text: str, state: outputs.Shown) -> Bundle:
    """Data and metadata by media type, with ``text`` for those who see no picture and ``state`` for programs."""
    data = {"text/plain": text, "image/svg+xml": svg.standalone(scene), **outputs.bundle(state)}
    if not png.wanted():
        return data, {}
    return {**data, "image/png": png.png(scene)}, {"image/png": {"alt": scene.alt}}


class Picture:
    """A scene that shows itself in a notebook, with its alt text for those who cannot see it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def _repr_mimebundle_(self, **_: Any) -> Bundle:
        return bundle(self.scene, repr(self), outputs.PictureShown(self.scene.caption, self.scene.alt))

    def __repr__(self) -> str:
        return f"{self.scene.caption}\n{self.scene.alt}"
