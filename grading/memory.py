"""How much memory a hand-in takes in all: of its processes together, and of what is no process's.

A limit for each process is the kernel's; there is none for many together without a control group, which an ordinary
user often cannot make. So they are watched. Shared memory may belong to no process that could be asked (mapped, filled,
and unmapped but for a page), and pipes and sockets are in no sum at all: for these the machine itself is asked.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .wall import Limits

PROC = Path("/proc")
PAGE = os.sysconf("SC_PAGE_SIZE")


def _machine() -> dict[str, int]:
    """The bytes in /proc/meminfo by name; none where there is no such file."""
    try:
        lines = (PROC / "meminfo").read_text("ascii").splitlines()
    except OSError:
        return {}
    return {name: int(rest.split()[0]) << 10 for name, _, rest in (line.partition(":") for line in lines)}


@dataclass
class Watch:
    """A look now and then at one child; what others add to shared memory meanwhile is laid at its door."""

    process: int
    limits: Limits
    shared: int = field(default_factory=lambda: _machine().get("Shmem", 0))
    next: float = field(default_factory=lambda: time.monotonic() + 0.1)

    def over(self) -> bool:
        """Has it more than it may have, or the machine less than it must keep? Looks take a 20th of the time."""
        if time.monotonic() < self.next:
            return False
        began = time.thread_time()
        machine = _machine()
        beside = max(0, machine.get("Shmem", 0) - self.shared)
        most = self.limits.everything
        over = machine.get("MemAvailable", self.limits.reserve) < self.limits.reserve or (
            _sum(kin := _kin(self.process), _resident) + beside > most and _sum(kin, _share) + beside > most
        )
        self.next = time.monotonic() + max(0.1, 20 * (time.thread_time() - began))
        return over


def _kin(process: int) -> list[int]:
    """The processes below one; who lost a parent belongs to the first of its namespace, which is one of them."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir(PROC) if PROC.is_dir() else ():
        if entry.isdigit():
            try:
                parent = (PROC / entry / "stat").read_bytes().rpartition(b")")[2].split()[1]
            except (OSError, IndexError):
                continue
            children.setdefault(int(parent), []).append(int(entry))
    found, todo = list[int](), [process]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def _sum(kin: list[int], of: Callable[[int], int]) -> int:
    total = 0
    for process in kin:
        try:
            total += of(process)
        except (OSError, ValueError, IndexError):
            continue  # it has ended
    return total


def _resident(process: int) -> int:
    """Its own pages; what it has in common with its parent since the fork is counted for both."""
    _, resident, shared = (PROC / f"{process}" / "statm").read_text("ascii").split()[:3]
    return (int(resident) - int(shared)) * PAGE


def _share(process: int) -> int:
    """Its part of them: what n have in common is counted as an nth for each. Takes longer to ask."""
    try:
        rollup = (PROC / f"{process}" / "smaps_rollup").read_text("ascii")
    except PermissionError:
        return _resident(process)
    told = [int(line.split()[1]) << 10 for line in rollup.splitlines() if line.startswith("Pss_Anon:")]
    return told[0] if told else _resident(process)
