"""A lesson: all students at once, one chapter each; what it took, as a record."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import statistics
import threading
import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from hvlib.errors import BadInput, not_one_of

from .hub import Broken, Hub
from .student import Student

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
CHAPTER = "06_remap_to_page_1"
MOST = 200  # students on one machine; beyond that it measures the machine
MIB = 1 << 20
KINDS = {"kernel": "ipykernel", "server": "jupyterhub.singleuser", "proxy": "configurable-http-proxy"}
Record = dict[str, Any]


def chapter_file(chapter: str) -> Path:
    """The notebook of a chapter, by its name, or by a path to another notebook. Raises `BadInput`."""
    given = Path(chapter)
    if given.suffix == ".ipynb" and given.is_file():
        return given
    found = NOTEBOOKS / f"{chapter.removesuffix('.ipynb')}.ipynb"
    if not found.is_file():
        raise not_one_of("chapter", chapter, sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")))
    return found


def hold(
    students: int, chapter: str = CHAPTER, proxy: str | None = None, tell: Callable[[str], None] = print
) -> Record:
    """Start a hub, hold the lesson, stop the hub; what it took. Raises `BadInput` for no number of students."""
    if not 1 <= students <= MOST:
        raise BadInput(f"students is {students}; choose a whole number from 1 to {MOST}, for example 20.")
    notebook = chapter_file(chapter)
    began = time.monotonic()
    with Hub(students, proxy) as hub:
        tell(f"The hub answers on loopback after {time.monotonic() - began:.0f} s. {students} students log in …")
        return _hold(hub, students, notebook, tell)


def _hold(hub: Hub, number: int, notebook: Path, tell: Callable[[str], None]) -> Record:
    leave, began = threading.Event(), time.monotonic()
    names = [f"student{n:0{len(str(number))}d}" for n in range(1, number + 1)]
    for name in names:
        shutil.copy(notebook, hub.home(name))
    students = [Student(name, hub.url, hub.password, notebook.name, leave) for name in names]
    before = measured(hub)
    try:
        for student in students:
            student.start()
        _watch(hub, students, tell)
        wall = time.monotonic() - began
        return record(notebook.stem, students, wall, before, measured(hub), _running(students))
    finally:
        leave.set()


def _watch(hub: Hub, students: list[Student], tell: Callable[[str], None]) -> None:
    """Say how far they are, until all are ready."""
    shown, began, last = "", time.monotonic(), -5.0
    while not all(student.ready.is_set() for student in students):
        if not hub.alive():
            raise Broken(f"the hub went away; the end of its log:\n{hub.log()}")
        place = [sum(name in student.seconds for student in students) for name in ("server", "kernel", "chapter")]
        line = "servers {}, kernels {}, chapters {}".format(*place) + f" of {len(students)}"
        now = time.monotonic() - began
        if line != shown and now - last >= 5:
            tell(f"{now:5.0f} s  {line}")
            shown, last = line, now
        time.sleep(0.25)


def _running(students: Iterable[Student]) -> int:
    return sum(not student.trouble for student in students)


def measured(hub: Hub) -> Record:
    """Memory and CPU time of all processes of the run, by kind."""
    total: dict[str, dict[str, float]] = {}
    for process in hub.processes():
        with contextlib.suppress(psutil.Error, OSError):
            command, memory, cpu = " ".join(process.cmdline()), process.memory_full_info(), process.cpu_times()
            kind = "hub" if hub.process and process.pid == hub.process.pid else next(
                (kind for kind, part in KINDS.items() if part in command), "other"
            )  # fmt: skip
            row = total.setdefault(kind, dict.fromkeys(("processes", "rss_mib", "pss_mib", "peak_mib", "cpu_s"), 0.0))
            row["processes"] += 1
            row["rss_mib"] += memory.rss / MIB
            row["pss_mib"] += getattr(memory, "pss", memory.rss) / MIB
            row["peak_mib"] += max(memory.rss, _peak(process.pid)) / MIB
            row["cpu_s"] += cpu.user + cpu.system + cpu.children_user + cpu.children_system
    return total


def _peak(pid: int) -> int:
    """The most memory that a process ever had resident, in bytes; 0 where the kernel does not say."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    return 0


def record(chapter: str, students: list[Student], wall: float, before: Record, use: Record, done: int) -> Record:
    """One lesson as data: what ``sizing`` derives its table from."""
    each = {kind: {name: round(value / row["processes"], 1) for name, value in row.items() if name != "processes"}
            for kind, row in use.items()}  # fmt: skip
    laps = {}
    for name in ("server", "kernel", "chapter"):
        if values := [student.seconds[name] for student in students if name in student.seconds]:
            laps[name] = {"median_s": round(statistics.median(values), 1), "longest_s": round(max(values), 1)}
    return {
        "chapter": chapter,
        "students": len(students),
        "finished": done,
        "cells": sum(student.cells for student in students),
        "errors": [f"{student.name}, {error}" for student in students for error in student.errors],
        "trouble": [f"{student.name}: {student.trouble}" for student in students if student.trouble],
        "wall_s": round(wall, 1),
        "laps": laps,
        "each": each,
        "start_cpu_s": round(sum(row["cpu_s"] for row in before.values()), 1),
        "cores": os.cpu_count() or 1,
        "python": platform.python_version(),
        "versions": {
            name: version(name) for name in ("jupyterhub", "jupyterlab", "jupyter-server", "ipykernel", "numpy")
        },
    }


def succeeded(lesson: Record) -> bool:
    """Whether every student ran every cell without an error."""
    return not lesson["errors"] and not lesson["trouble"] and lesson["finished"] == lesson["students"]


def report(lesson: Record) -> str:
    """The closing table."""
    each = lesson["each"]
    lines = [
        f"{lesson['chapter']}, {lesson['students']} students, {lesson['cores']} cores",
        f"  cells executed  {lesson['cells']:6}",
        f"  errors          {len(lesson['errors']) + len(lesson['trouble']):6}",
        f"  wall time       {lesson['wall_s']:6.0f} s",
        *(f"    {name:13} {lap['median_s']:6.1f} s median, {lap['longest_s']:.1f} s the longest"
          for name, lap in lesson["laps"].items()),
        f"  {'':15} {'RSS':>6} {'PSS':>6} {'peak':>6} MiB   CPU",
    ]  # fmt: skip
    for kind in ("server", "kernel", "hub", "proxy", "other"):
        if kind in each:
            row, per = each[kind], "one" if kind in ("server", "kernel") else "all" if kind != "other" else "avg"
            lines.append(f"  {kind + ', ' + per:15} {row['rss_mib']:6.0f} {row['pss_mib']:6.0f} {row['peak_mib']:6.0f}"
                         f"     {row['cpu_s']:6.1f} s")  # fmt: skip
    if {"server", "kernel"} <= set(each):
        both = {name: each["server"][name] + each["kernel"][name] for name in each["server"]}
        lines.append(f"  {'a student':15} {both['rss_mib']:6.0f} {both['pss_mib']:6.0f} {both['peak_mib']:6.0f}"
                     f"     {both['cpu_s']:6.1f} s")  # fmt: skip
    wrong = [*lesson["trouble"], *lesson["errors"]]
    lines += [f"  FAILED {line}" for line in wrong[:10]]
    if len(wrong) > 10:
        lines.append(f"  … and {len(wrong) - 10} more")
    return "\n".join(lines)


def saved(lesson: Record) -> str:
    """A record as the text of its file."""
    return json.dumps(lesson, indent=2) + "\n"
