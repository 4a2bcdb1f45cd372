"""What a student handed in: the source of each answer, whatever else was done to the notebook.

Answers are found by nbgrader's id of the cell, by the cell's own id, or by the name they assign, in that order; the
first copy wins. Everything else in the file is ignored, so edited tests, forged points, and cells that were deleted,
renamed or doubled change nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from .keys import keyed
from .sets import variable

LARGEST = 20 << 20
"""Bytes of a hand-in that are looked at."""


@dataclass(frozen=True)
class HandIn:
    """The answers of a student, as source: task -> code, or text for a task marked by hand."""

    student: str
    problem_set: str
    code: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read(path: Path, problem_set: str, student: str) -> HandIn:
    """The hand-in in a file; one that cannot be read is empty, with a note."""
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise ValueError("no file of its own")
        if path.stat().st_size > LARGEST:
            raise ValueError(f"larger than {LARGEST >> 20} MiB")
        notebook = nbformat.reads(path.read_text("utf-8"), as_version=4)
        cells = [cell for cell in notebook.cells if isinstance(cell.source, str) and isinstance(cell.metadata, dict)]
    except Exception as why:
        reason = "not handed in" if isinstance(why, FileNotFoundError) else f"not a notebook ({type(why).__name__})"
        return HandIn(student, problem_set, notes=(reason,))
    code: dict[str, str] = {}
    texts: dict[str, str] = {}
    notes = []
    for task, key in keyed(problem_set):
        by_hand = key.read is None
        found = _find(cells, task.name, by_hand)
        if found is None:
            notes.append(f"{task.name}: no answer cell")
        else:
            (texts if by_hand else code)[task.name] = found
    return HandIn(student, problem_set, code, texts, tuple(notes))


def _find(cells: list[Any], name: str, by_hand: bool) -> str | None:
    kind = "markdown" if by_hand else "code"
    mine = [cell for cell in cells if cell.get("cell_type") == kind]
    assigns = re.compile(rf"^\s*{variable(name)}\s*=", re.MULTILINE)
    looks: tuple[Callable[[Any], bool], ...] = (
        lambda cell: _marks(cell).get("grade_id") == name,
        lambda cell: bool(cell.get("id") == name),
        lambda cell: not by_hand and bool(assigns.search(cell.source)),
    )
    for look in looks:
        for cell in mine:
            if look(cell):
                return str(cell.source)
    return None


def _marks(cell: Any) -> dict[str, Any]:
    marks = cell.metadata.get("nbgrader", {})
    return marks if isinstance(marks, dict) else {}
