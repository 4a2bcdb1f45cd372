"""Text in a picture that takes more than a line."""

from __future__ import annotations

import textwrap
from typing import Any

from .scene import Label

PITCH = 17
"""From line to line."""


def lines(x: float, y: float, text: str, columns: int, **how: Any) -> list[Label]:
    """The text in lines of up to so many characters, the first at (x, y); ``how`` is what a `Label` takes."""
    how = {"align": "left", **how}
    return [Label(x, y + PITCH * number, line, **how) for number, line in enumerate(textwrap.wrap(text, columns))]
