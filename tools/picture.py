"""Draw the picture that the README shows, ``book/remap.svg``, from the engine."""

from __future__ import annotations

from pathlib import Path

from hvlib.pictures import svg
from hvlib.pictures.films import FILMS
from hvlib.teaching import explore

PICTURE = Path(__file__).parents[1] / "book" / "remap.svg"


def picture() -> str:
    """SVG of the remap panel at its last step for a 2 MiB page."""
    panel = explore.remap(step=len(FILMS["remap"].axes[1].values) - 1)
    return svg.standalone(panel.scene) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(picture(), "utf-8")
    print(f"{PICTURE.parent.name}/{PICTURE.name} written")
