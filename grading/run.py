"""Run one hand-in behind a wall and bring back plain values: numbers, short texts, and what a marker will read.

Nothing of a hand-in is parsed here but the lines that `inside.py` writes, and of those only what has the right form. A
forged value is no more than an answer. Facts about the notebook are believed as far as they come before any of its
cells has run.
"""

from __future__ import annotations

import json
import os
import select
import stat
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import words
from .memory import Watch
from .wall import Limits, Wall, memory_file

LARGEST = 20 << 20
"""Bytes of a hand-in that are looked at."""
MOST_OUTPUT = 1 << 20
"""Bytes that are read from a child."""
MOST_STARTS = 8
REMARKS = {
    "copies": "{task}: there are copies of the answer cell; the one that answers counts",
    "text now": "{task}: the answer cell is text now, and so does not run",
    "gone": "{task}: no answer cell",
    "elsewhere": "{task}: found in another place than its own",
    "cut": "{task}: longer than is shown",
}
"""What may be said about a notebook before it runs."""


TOO_LONG, ALL_TOO_LONG = "the cell took too long", "the notebook took too long in all"
TOO_MUCH, NOT_STARTED = "too much memory was taken", "Python did not start"


@dataclass
class Outcome:
    """What came through the wall.

    Task -> value; task -> what went wrong in its cell; task -> text to be marked by hand; remarks about the notebook;
    the id that the student typed; seconds of processor time.
    """

    values: dict[str, int | str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    typed: str | None = None
    cpu: float = 0.0

    @property
    def hurried(self) -> bool:
        """Was it ended for want of time or memory? Then what ran beside it may be why."""
        return any(error.endswith((TOO_LONG, ALL_TOO_LONG, TOO_MUCH, NOT_STARTED)) for error in self.errors.values())


@dataclass(frozen=True)
class Asked:
    """What a notebook is asked for: tasks graded automatically, tasks marked by hand, and the release's own cells."""

    automatic: tuple[str, ...]
    by_hand: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    released: Mapping[str, str] = field(default_factory=dict)


def contents(path: Path) -> bytes:
    """The bytes of a hand-in. Raises `ValueError`, with the reason, for what is no file of its own or too large."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ValueError("not handed in") from None
    except (OSError, ValueError):
        raise ValueError("not a file that can be read") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError("not a file that can be read")
    with os.fdopen(descriptor, "rb") as file:
        try:
            found = file.read(LARGEST + 1)
        except OSError:
            raise ValueError("not a file that can be read") from None
    if len(found) > LARGEST:
        raise ValueError(f"larger than {LARGEST >> 20} MiB; its outputs are to be cleared")
    if not found:
        raise ValueError("an empty file")
    return found


UNREAD = ("not a notebook", "not a file", "not run", "not graded", "larger than", "an empty file")
"""How a note begins that says why nothing of a hand-in counts."""


def run(notebook: bytes, student: str, asked: Asked, wall: Wall, limits: Limits = Limits()) -> Outcome:  # noqa: B008
    """All code cells in order. A cell that kills or hangs its process is left out of another start, within the time."""
    outcome, skip, left, starts = Outcome(), list[int](), limits.total, 0
    heard = _Heard(asked)
    while True:
        starts += 1
        heard.begin()
        began = time.monotonic()
        ended = _once(notebook, student, skip, wall, limits, left, heard)
        left -= time.monotonic() - max(began, heard.ready_at or began)
        if ended == "" or heard.at is None or heard.at in skip:
            break
        skip.append(heard.at)
        heard.errors[heard.at] = ended
        if left < 0.5 or starts == MOST_STARTS:
            break
    heard.into(outcome, ended)
    return outcome


@dataclass
class _Heard:
    """What the child has said so far, in all its starts."""

    asked: Asked
    values: dict[str, tuple[int | str, int]] = field(default_factory=dict)
    stood: dict[str, tuple[int | str, int]] = field(default_factory=dict)
    places: dict[str, list[int]] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    odd: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    typed: str | None = None
    cpu: int = 0
    unreadable: str = ""
    at: int | None = None
    ready_at: float | None = None
    done: bool = False
    began: float | None = None

    def begin(self) -> None:
        self.at, self.ready_at, self.done, self.began = None, None, False, None

    def line(self, raw: bytes) -> None:
        try:
            what = json.loads(raw)
        except (ValueError, RecursionError):
            return
        if type(what) is not list or not what or type(what[0]) is not str:
            return
        take = getattr(self, f"_{what[0].replace(' ', '_')}", None)
        form = FORMS.get(what[0])
        if take is None or form is None or len(what) - 1 != len(form):
            return
        if all(type(value) in kinds for value, kinds in zip(what[1:], form, strict=True)):
            take(*what[1:])

    # What is said before anything ran; later it may be forged.

    def _place(self, task: str, index: int) -> None:
        if self.ready_at is None and task in self.asked.automatic and len(self.places.setdefault(task, [])) < 4:
            self.places[task].append(index)

    def _remark(self, kind: str, task: str) -> None:
        if self.ready_at is None and task in (*self.asked.automatic, *self.asked.by_hand):
            sentence = REMARKS[kind].format(task=task)
            if sentence not in self.remarks:
                self.remarks.append(sentence)

    def _copies(self, task: str) -> None:
        self._remark("copies", task)

    def _text_now(self, task: str) -> None:
        self._remark("text now", task)

    def _gone(self, task: str) -> None:
        self._remark("gone", task)

    def _elsewhere(self, task: str) -> None:
        self._remark("elsewhere", task)

    def _cut(self, task: str) -> None:
        self._remark("cut", task)

    def _text(self, task: str, text: str) -> None:
        if self.ready_at is None and task in self.asked.by_hand:
            self.texts.setdefault(task, words.lines(text))

    def _unreadable(self, kind: str) -> None:
        if self.ready_at is None:
            self.unreadable = words.plain(kind, 40)

    def _ready(self) -> None:
        self.ready_at = self.ready_at or time.monotonic()

    # What is said while the student's cells run.

    def _begin(self, index: int) -> None:
        if 0 <= index < 1 << 40 and self.ready_at is not None:
            self.at, self.began = index, time.monotonic()

    def _error(self, index: int, text: str) -> None:
        self.errors[index] = words.plain(text, 300)

    def _value(self, task: str, value: int | str, index: int) -> None:
        if task in self.asked.automatic and _short(value) and 0 <= index < 1 << 40:
            self.values[task] = (value, index)

    def _stood(self, task: str, value: int | str, index: int) -> None:
        if task in self.asked.automatic and _short(value) and 0 <= index < 1 << 40:
            self.stood[task] = (value, index)

    def _odd(self, task: str, kind: str) -> None:
        if task in self.asked.automatic:
            self.odd[task] = f"its value is of type {words.plain(kind, 40)}: neither a whole number nor a text"

    def _student(self, typed: str) -> None:
        self.typed = words.plain(typed, 100)

    def _cpu(self, milliseconds: int) -> None:
        if 0 <= milliseconds < 1 << 40:
            self.cpu = milliseconds

    def _end(self) -> None:
        self.done = True

    def into(self, outcome: Outcome, ended: str) -> None:
        """Put it together: of several values the one that stood at the task's own place."""
        outcome.texts, outcome.typed, outcome.cpu = self.texts, self.typed, self.cpu / 1000
        if self.unreadable:
            outcome.remarks = [f"not a notebook ({self.unreadable})"]
            return
        outcome.remarks = list(self.remarks)
        if ended and self.ready_at is None:
            outcome.remarks.append(f"not run: {ended}")
        for task in self.asked.automatic:
            last = self.values.get(task)
            value = self.stood.get(task, last)
            places = self.places.get(task, [])
            if value is not None:
                outcome.values[task] = value[0]
                if last is not None and (type(last[0]), last[0]) != (type(value[0]), value[0]):
                    outcome.remarks.append(
                        f"{task}: cell {last[1] + 1} assigns another value later; the one at the task's place counts"
                    )
                elif last is not None and last[1] not in places:
                    outcome.remarks.append(f"{task}: answered in another cell, number {last[1] + 1}")
            for place in places:
                if place in self.errors:
                    outcome.errors[task] = self.errors[place]
            if value is None and task not in outcome.errors and (why := self.odd.get(task, ended)):
                outcome.errors[task] = why


INT, STR = (int,), (str,)
FORMS: Mapping[str, Sequence[tuple[type, ...]]] = {
    "place": (STR, INT), "copies": (STR,), "text now": (STR,), "gone": (STR,), "elsewhere": (STR,), "cut": (STR,),
    "text": (STR, STR), "unreadable": (STR,), "ready": (), "begin": (INT,), "error": (INT, STR),
    "value": (STR, (int, str), INT), "stood": (STR, (int, str), INT), "odd": (STR, STR),
    "student": (STR,), "cpu": (INT,), "end": (),
}  # fmt: skip
"""The forms of the lines: what is said, and the types of what follows."""


def _short(value: int | str) -> bool:
    return abs(value) < 1 << 200 if isinstance(value, int) else len(value) <= 200


def _once(
    notebook: bytes, student: str, skip: list[int], wall: Wall, limits: Limits, left: float, heard: _Heard
) -> str:
    """One process; what ended it too early, or nothing."""
    work: dict[str, Any] = {
        "student": student, "skip": skip, "automatic": heard.asked.automatic, "by_hand": heard.asked.by_hand,
        "known": heard.asked.known, "released": dict(heard.asked.released), "library": wall.library,
        "cell": limits.cell, "total": limits.total, "memory": limits.memory, "processes": limits.processes,
    }  # fmt: skip
    descriptor = memory_file(json.dumps(work).encode() + b"\n" + notebook)
    try:
        started = wall.start(descriptor, limits)
    finally:
        os.close(descriptor)
    assert started.process.stdout is not None
    out = started.process.stdout.fileno()
    os.set_blocking(out, False)
    buffer, total, start = bytearray(), 0, time.monotonic()
    watch = Watch(started.process.pid, limits)
    try:
        while True:
            now = time.monotonic()
            ready = heard.ready_at
            ends = [(start + limits.startup, NOT_STARTED) if ready is None else (ready + left, ALL_TOO_LONG)]
            if heard.began is not None:
                ends.append((heard.began + limits.cell + 1, TOO_LONG))
            until, why = min(ends)
            if now > until:
                return why
            can_read, _, _ = select.select([out], [], [], min(until - now, 0.1) + 0.001)
            if watch.over():
                return TOO_MUCH
            if not can_read:
                continue
            piece = os.read(out, 65536)
            total += len(piece)
            if total > MOST_OUTPUT:
                return "the cell wrote too much"
            buffer += piece
            *complete, rest = buffer.split(b"\n")
            for line in complete:
                heard.line(bytes(line))
            buffer = bytearray(rest)
            if not piece:
                return "" if heard.done or heard.unreadable else "the process was ended by the cell"
    finally:
        started.stop()
