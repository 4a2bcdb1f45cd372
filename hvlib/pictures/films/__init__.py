"""The films of the chapters, one module each: what it shows (`FILM`), state by state."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module

from ...errors import name_of
from ..film import Film


class _Films(Mapping[str, Film]):
    """Films by name, each imported when it is first asked for: a panel waits for its own film alone."""

    def __init__(self) -> None:
        self._names = [module.name for module in pkgutil.iter_modules(__path__)]

    def __getitem__(self, name: str) -> Film:
        film: Film = import_module(f".{name_of(name, 'film', self._names)}", __name__).FILM
        return film

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


FILMS: Mapping[str, Film] = _Films()
"""Name -> `Film` of every panel in the book."""
