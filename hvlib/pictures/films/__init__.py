"""The films of the chapters, one module each: what it shows (`FILM`), state by state."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module

from ...errors import table
from ..film import Film

FILMS: Mapping[str, Film] = table(
    "film",
    ((module.name, import_module(f".{module.name}", __name__).FILM) for module in pkgutil.iter_modules(__path__)),
)
"""Name -> `Film` of every panel in the book."""
