"""The little system inside the guest: a static busybox, one helper program, and a shell on the second serial line."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from pathlib import Path

from . import LabError

# Reads a line, runs it, says "@done STATUS". The tty stays open as descriptor 3: opened anew for each line it stalls.
_INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
exec 3<>/dev/ttyS1
stty raw -echo <&3
echo ready >&3
while read -r command <&3; do
    eval "$command" >&3 2>&1 </dev/null
    echo "@done $?" >&3
done
poweroff -f
"""


def build(folder: Path) -> Path:
    """Write ``initrd`` into ``folder``. Raises `LabError` if a compiler or busybox is missing."""
    busybox = next((Path(p) for p in ("/bin/busybox", "/usr/bin/busybox") if Path(p).exists()), None)
    if busybox is None or b"ld-linux" in busybox.read_bytes()[:4096]:
        raise LabError("a static busybox is missing: apt install busybox-static.")
    if not shutil.which("gcc"):
        raise LabError("a C compiler is missing: apt install gcc libc6-dev.")
    helper = folder / "hugeuser"
    source = Path(__file__).with_name("hugeuser.c")
    done = subprocess.run(["gcc", "-static", "-Os", "-o", helper, source], capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["nothing said"])[-1]
        raise LabError(f"gcc cannot build the helper: {said}; apt install libc6-dev.")
    files: list[tuple[str, int, bytes, tuple[int, int]]] = [
        *((name, 0o040755, b"", (0, 0)) for name in ("bin", "dev", "proc", "sys")),
        ("dev/console", 0o020600, b"", (5, 1)),
        ("init", 0o100755, _INIT.encode(), (0, 0)),
        ("bin/busybox", 0o100755, busybox.read_bytes(), (0, 0)),
        ("bin/hugeuser", 0o100755, helper.read_bytes(), (0, 0)),
        ("TRAILER!!!", 0, b"", (0, 0)),
    ]
    initrd = folder / "initrd"
    initrd.write_bytes(gzip.compress(b"".join(_member(n, *file) for n, file in enumerate(files)), 6, mtime=0))
    return initrd


def _member(number: int, name: str, mode: int, data: bytes, device: tuple[int, int]) -> bytes:
    """One file of a cpio archive in the "newc" format (Documentation/driver-api/early-userspace/buffer-format.rst)."""
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)
