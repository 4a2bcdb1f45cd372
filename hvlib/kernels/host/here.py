"""This machine's own text, read without root from /proc and /sys, for the same code that reads anybody's."""

from __future__ import annotations

import os
import platform
import subprocess
from contextlib import suppress
from pathlib import Path

from .intake import Document, clean, decode

FILES = ("/proc/version", "/proc/cmdline", "/proc/meminfo", "/proc/zoneinfo", "/proc/vmstat",
         "/proc/sys/vm/hugetlb_optimize_vmemmap")  # fmt: skip
HUGE_PAGES = "/sys/kernel/mm/hugepages"
MOST = 1 << 24


def documents() -> list[Document]:
    """What this machine tells an ordinary user. Empty if it is no Linux."""
    if platform.system() != "Linux":
        return []
    parts = [f"uname -r {platform.release()}\nuname -m\n{platform.machine()}\nPAGESIZE={os.sysconf('SC_PAGE_SIZE')}"]
    names = list(FILES)
    with suppress(OSError):
        names += [f"{HUGE_PAGES}/{size}/nr_hugepages" for size in sorted(os.listdir(HUGE_PAGES))]
    for name in names:
        try:
            parts.append(f"==> {name} <==\n{_read(name)}")
        except FileNotFoundError:
            if name == FILES[-1] and os.path.isdir("/proc/sys/vm"):
                parts.append(f"{name}: No such file or directory")
        except OSError:
            pass
    parts.append(_boot_log())
    return [Document("this machine", clean("\n".join(parts)), "")]


def _read(name: str) -> str:
    pieces, have = [], 0
    with Path(name).open("rb", buffering=0) as file:
        while have < MOST and (piece := file.read(1 << 16)):  # /proc/sys refuses to fill large buffers
            pieces.append(piece)
            have += len(piece)
    return decode(b"".join(pieces))


def _boot_log() -> str:
    """The HugeTLB lines of the kernel log, where an ordinary user may read it."""
    with suppress(OSError, subprocess.SubprocessError):
        log = subprocess.run(["dmesg"], capture_output=True, timeout=10, check=False, stdin=subprocess.DEVNULL).stdout
        return "\n".join(line for line in decode(log[-MOST:]).splitlines() if "HugeTLB" in line)
    return ""
