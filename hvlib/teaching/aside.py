"""What a cell prints, out of the reader's way until it is asked for."""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

import IPython.display

from ..errors import instance_of

TESTED = "The same in words, for a test"


@dataclass(frozen=True)
class Aside:
    """Printed text under one line that opens."""

    summary: str
    text: str

    def __str__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        summary, text = html.escape(self.summary), html.escape(self.text)
        return {
            "text/plain": self.text,
            "text/html": f"<details><summary>{summary}</summary><pre>{text}</pre></details>",
        }


@contextmanager
def folded(summary: str = TESTED) -> Iterator[None]:
    """What is printed inside stands under one line, `summary`, which opens.

    JupyterLab unfolds a folded cell's output when it runs; printed plainly, that would tell what the panel above keeps
    until a guess. Raises `BadInput` for a line that is no text.
    """
    line = instance_of(summary, str, "a line that says what is folded", "write for example 'What came'")
    with redirect_stdout(StringIO()) as printed:
        yield
    IPython.display.display(Aside(line, printed.getvalue().rstrip("\n")))  # type: ignore[no-untyped-call]
