"""Scripts of the widgets as single ES modules that import nothing: a published page may be a file, which loads none."""

from __future__ import annotations

import re
from pathlib import Path

from ..pictures.style import ARROWS, STYLES

STATIC = Path(__file__).parent / "static"
FILM = Path(__file__).parents[1] / "pictures" / "static"


def colours(**more: str) -> str:
    """Variables of a style sheet: the colours that the roles have in every picture of the book, and ``more``."""
    roles = ("head", "own", "shared", "table", "readonly", "level", "mark", "stuck")
    named = {name: STYLES[name].fill for name in roles}  # type: ignore[index]
    named |= {"to-own": ARROWS["own"].colour, "to-other": ARROWS["remapped"].colour}
    return " ".join(f"--hv-{name}: {colour};" for name, colour in (named | more).items())


def closed(name: str, text: str) -> str:
    """A module as one constant of that name, which holds the functions that it exports, and those of its default."""
    names = re.findall(r"^export function (\w+)", text, re.MULTILINE)
    for held in re.findall(r"^export default \{(.*)\};?$", text, re.MULTILINE):
        names += [one.strip() for one in held.split(",")]
    text = re.sub(r"^(?:export default|import) .*$", "", text, flags=re.MULTILINE)
    text = text.replace("export function", "function")
    return f"const {name} = (() => {{\n{text}\nreturn {{ {', '.join(names)} }};\n}})();\n"
