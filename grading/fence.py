"""Run a student's answers where they can do no harm, and bring back plain values.

A child process runs the cells one after the other, in an empty folder, with limits on time, memory, output and files,
without network, and without sight of the keys. After each cell it writes the value that was assigned into a pipe. The
parent believes nothing: what comes back is text, read as a number or a text, and judged outside. A forged value is no
more than an answer.

Where the kernel allows it (the grader runs as root, or there are user namespaces), the wall is the kernel's: the child
has no network, and where keys and hand-ins lie it sees empty folders. As root it also has another user's rights. Inside
stands Python's audit hook as well; alone it stops what is tried by accident or in passing, and no more. So for
strangers' code on a machine without namespaces, grade in a container.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CHILD = Path(__file__).with_name("child.py")
MOST_OUTPUT = 1 << 20
"""Bytes that are read from a child; the rest is thrown away."""
STARTUP = 120
"""Seconds that a child may take to load the library, on a busy machine."""
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Limits:
    """Seconds for one hand-in, bytes of memory."""

    seconds: float = 20
    memory: int = 2 << 30


@dataclass(frozen=True)
class Outcome:
    """Task -> value (an int, a str, or `None` if there is none) and task -> what went wrong."""

    values: dict[str, int | str | None]
    notes: dict[str, str]


def library(folder: Path) -> Path:
    """A copy of the library that students may use, and nothing else, to be shared by all children."""
    target = folder / "library"
    if not target.exists():
        shutil.copytree(ROOT / "hvlib", target / "hvlib", ignore=shutil.ignore_patterns("__pycache__", "static"))
        for path in [folder, target, *target.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
    return target


def run(cells: Mapping[str, str], student: str, shared: Path, limits: Limits = Limits()) -> Outcome:
    """Run answer cells, task -> source. A cell that kills its process costs its own answer and no other."""
    values: dict[str, int | str | None] = {}
    notes: dict[str, str] = {}
    left, seconds = dict(cells), limits.seconds
    while left:  # each round takes one cell at least
        started = time.monotonic()
        done, ended = _child(left, student, shared, limits, seconds)
        seconds = max(seconds - (time.monotonic() - started), limits.seconds / 4)
        for name, (value, note) in done.items():
            values[name] = value
            if note:
                notes[name] = note
        rest = [name for name in left if name not in done]
        if rest:
            notes[rest[0]], values[rest[0]] = ended, None
        left = {name: left[name] for name in rest[1:]}
    return Outcome(values, notes)


def _child(
    cells: Mapping[str, str], student: str, shared: Path, limits: Limits, seconds: float
) -> tuple[dict[str, tuple[int | str | None, str]], str]:
    """One process: what it reported for each cell, and how it ended."""
    folder = Path(tempfile.mkdtemp(prefix="handin-"))
    folder.chmod(0o777)
    answers, told = os.pipe()
    work = json.dumps({"cells": list(cells.items()), "student": student, "memory": limits.memory, "folder": str(folder),
                       "library": str(shared), "seconds": int(limits.seconds) + 1})  # fmt: skip
    command = [*_isolation(shared.parent), sys.executable, "-I", "-B", str(_child_program(shared)), str(told)]
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
            env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "HVLIB_OBSERVE": "recorded",
                 "OPENBLAS_NUM_THREADS": "1"},
            pass_fds=(told,), start_new_session=True,
        )  # fmt: skip
        os.close(told)
        assert process.stdin is not None
        try:
            process.stdin.write(work.encode())
            process.stdin.close()
        except BrokenPipeError:
            pass
        text, ended = _read_until_end(answers, process, seconds)
    finally:
        os.close(answers)
        shutil.rmtree(folder, ignore_errors=True)
    return _parsed(text, cells), ended


HIDE = 'empty=$1; shift; while [ "$1" != -- ]; do mount --bind "$empty" "$1" || exit 1; shift; done; shift; exec "$@"'
"""A shell's work in a new mount namespace: empty folders over those that are to be hidden, then the command."""


@cache
def _isolation(folder: Path) -> tuple[str, ...]:
    """What to put before a command so that it sees neither network nor repository; nothing if that is not allowed."""
    empty = folder / "empty"
    empty.mkdir(exist_ok=True)
    needed = [Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()]
    folders = [path for path in ROOT.iterdir() if path.is_dir() and not path.is_symlink()]
    hidden = [str(path) for path in folders if not any(one.is_relative_to(path) for one in needed)]
    for way in ((), ("--user", "--map-root-user")):
        walls = ("unshare", *way, "--net", "--mount", "sh", "-c", HIDE, "sh", str(empty), *hidden, "--")
        try:
            if subprocess.run([*walls, "true"], capture_output=True, timeout=30).returncode == 0:
                return walls
        except (OSError, subprocess.TimeoutExpired):
            break
    return ()


def _child_program(shared: Path) -> Path:
    """The child's program where a user without rights can read it."""
    target = shared.parent / "child.py"
    if not target.exists():
        shutil.copy(CHILD, target)
        target.chmod(0o644)
    return target


def _read_until_end(answers: int, process: subprocess.Popen[bytes], seconds: float) -> tuple[str, str]:
    """What the child says until it ends, is too late or says too much; then it and all its kin are killed.

    Its time begins when it says that it is ready: how long Python takes to start is not the student's affair.
    """
    os.set_blocking(answers, False)
    heard, ended = bytearray(), "the process was ended by the cell"
    deadline, ready = time.monotonic() + STARTUP, False
    while True:
        try:
            piece = os.read(answers, 65536)
            if not piece and process.poll() is not None:
                break
            heard += piece
            if piece and not ready:
                deadline, ready = time.monotonic() + seconds, True
        except BlockingIOError:
            piece = b""
            if process.poll() is not None:
                break
        if len(heard) > MOST_OUTPUT:
            ended = "the cell wrote too much"
            break
        if time.monotonic() > deadline:
            ended = "the cell took too long"
            break
        if not piece:
            time.sleep(0.01)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()
    return heard.decode("utf-8", "replace"), ended


def _parsed(text: str, cells: Mapping[str, str]) -> dict[str, tuple[int | str | None, str]]:
    """The child's lines, believed as far as they have the right form; the first line for a task counts."""
    found: dict[str, tuple[int | str | None, str]] = {}
    for line in text.splitlines():
        try:
            name, kind, value, note = json.loads(line)
        except (ValueError, TypeError, RecursionError):
            continue
        if not isinstance(name, str) or name not in cells or name in found or not isinstance(note, str):
            continue
        if kind == "int" and isinstance(value, str) and len(value) < 400:
            try:
                found[name] = (int(value), note[:300])
            except ValueError:
                continue
        elif kind == "str" and isinstance(value, str):
            found[name] = (value[:400], note[:300])
        elif kind == "none":
            found[name] = (None, note[:300])
    return found
