"""What a notebook is given of a scene: SVG, its alt text, and a PNG where outputs are kept (`png.wanted`)."""

from __future__ import annotations

from typing import Any

from . import png, svg
from .scene import Scene

Bundle = tuple[dict[str, Any], dict[str, Any]]


def bundle(scene: Scene, text: str) -> Bundle:
    """Data and metadata by media type, with ``text`` for those who see no picture."""
    data = {"text/plain": text, "image/svg+xml": svg.standalone(scene)}
    if not png.wanted():
        return data, {}
    return {**data, "image/png": png.png(scene)}, {"image/png": {"alt": scene.alt}}


class Picture:
    """A scene that shows itself in a notebook, with its alt text for those who cannot see it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def _repr_mimebundle_(self, **_: Any) -> Bundle:
        return bundle(self.scene, repr(self))

    def __repr__(self) -> str:
        return f"{self.scene.caption}\n{self.scene.alt}"
