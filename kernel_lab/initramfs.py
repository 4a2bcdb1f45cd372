"""The little system inside the guest: a static busybox, and a shell on the console."""

from __future__ import annotations

import gzip
from pathlib import Path

# Reads a line, runs it, says "@done STATUS". The tty stays open as descriptor 3: opened anew for each line it stalls.
# Free and anonymous pages are counted until both stand still; pages in per-CPU lists are free,
# but not in nr_free_pages. The same program counts before and after, so what it takes itself cancels out. It waits
# first, for the page tables of programs that have ended are freed a moment after them (RCU). (The shell's own `read`
# takes a byte at a time.)
_INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
echo 1 >/proc/sys/kernel/printk
counters() {
    awk 'function up() { close("/proc/uptime"); getline line <"/proc/uptime"; return line + 0 }
        BEGIN { for (until = up() + 0.1; up() < until;); now = "/proc/sys/vm/stat_refresh"; print 1 >now; close(now) }
        /^ +count:/ { lists += $2 } /^nr_free_pages / { free = $2 } /^nr_anon_pages / { own = $2 }
        /^nr_free_pages |^nr_anon_pages |^nr_memmap/ { said = said " " $1 "=" $2 }
        /^MemTotal:/ { said = said " mem_total_kB=" $2 }
        END { print free + lists ":" own said " per_cpu_pages=" lists }' /proc/zoneinfo /proc/vmstat /proc/meminfo
}
settle() {
    tries=0 same=0 last=0
    while [ $tries -lt 60 ] && [ $same -lt 3 ]; do
        echo 1 >/proc/sys/vm/drop_caches
        said=$(counters) tries=$((tries + 1))
        if [ "${said%% *}" = "$last" ]; then same=$((same + 1)); else same=0; fi
        last=${said%% *}
    done
    echo "$said"
}
exec 3<>/dev/console
stty raw -echo <&3
echo @ready >&3
while read -r command <&3; do
    eval "$command" >&3 2>&1 </dev/null
    echo "@done $?" >&3
done
poweroff -f
"""


def build(folder: Path, busybox: Path) -> Path:
    """Write ``initrd`` with a static ``busybox`` of the guest's architecture into ``folder``."""
    files: list[tuple[str, int, bytes, tuple[int, int]]] = [
        *((name, 0o040755, b"", (0, 0)) for name in ("bin", "dev", "proc", "sys")),
        ("dev/console", 0o020600, b"", (5, 1)),
        ("init", 0o100755, _INIT.encode(), (0, 0)),
        ("bin/busybox", 0o100755, busybox.read_bytes(), (0, 0)),
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
