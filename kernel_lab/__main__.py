"""Ask a Debian kernel: ``python -m kernel_lab SUITE [--series 7.1]``."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NoReturn

from . import LabError, experiment, initramfs
from .fetch import fetch
from .guest import Guest

ALL = (
    ("bullseye-security", "5.10"),
    ("bookworm-security", "6.1"),
    ("trixie-security", "6.12"),
    ("trixie-backports", "6.18"),
    ("trixie-backports", "7.0"),
    ("trixie-backports", "7.1"),
    ("trixie-backports", "7.3"),
)
"""Suites and series of which the book keeps records."""
HOW = "page tables walked from CR3 in the guest's memory, cross-checked with the monitor; counters from /proc/vmstat"


def observe(suite: str, series: str | None, memory_mib: int, quick: bool) -> dict[str, Any]:
    """Fetch, boot and ask one kernel; returns the record."""
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:5.1f} s] {text}", flush=True)

    with tempfile.TemporaryDirectory(prefix="kernel-lab-", dir="/tmp") as name:
        folder = Path(name)
        say(f"fetching the {series or 'newest'} kernel of {suite}")
        kernel = fetch(suite, folder / "kernel", series)
        initrd = initramfs.build(folder)
        say(f"booting {kernel.package}")
        with Guest(kernel.image, initrd, folder, memory_mib) as guest:
            record = experiment.Experiment(guest, say).run([64] if quick else [64, 128, 256])
            command, record["quick"] = guest.command, quick
        peak = guest.peak_kB
        if not quick and "on" in record:
            record["reserved"] = experiment.reserve(kernel.image, initrd, folder, memory_mib, say)
    qemu = subprocess.run([command[0], "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    say("done")
    return {
        "origin": f"Linux {record['release']}, Debian {kernel.version}, booted under {qemu.split(' (')[0]}, {today}",
        "how": HOW,
        "provenance": {
            "suite": suite, "package": kernel.package, "version": kernel.version, "sha256": kernel.sha256, "qemu": qemu,
            "command": command, "date": today, "seconds": round(time.monotonic() - began),
            "peak_kB": peak,
        },
        **record,
    }  # fmt: skip


def text_of(record: dict[str, Any]) -> str:
    """JSON with short lists on one line."""
    text = json.dumps(record, indent=1, ensure_ascii=False)
    return re.sub(r"\[[^\[\]{}]*\]", lambda found: re.sub(r"\s*\n\s*", " ", found[0]), text) + "\n"


class _Parser(argparse.ArgumentParser):
    """One sentence for a wrong command line; the lab needs nothing of hvlib, so it has its own."""

    def error(self, message: str) -> NoReturn:
        text = "".join(letter if letter.isprintable() else "?" for letter in message)[:240]
        self.exit(2, f"{text}; write for example {self.prog} bookworm-security --series 6.1, or {self.prog} --help.\n")


def main() -> int:
    """The command line. Returns 2 for what cannot be asked, and where a tool or the network is missing."""
    parser = _Parser(prog="python -m kernel_lab", description="Ask a real kernel, under QEMU.")
    parser.add_argument("suite", nargs="?", help="Debian suite, for example bookworm-security")
    parser.add_argument("--series", help="kernel series, for example 7.1; without it the suite's current one")
    parser.add_argument("--all", action="store_true", help="every kernel of which the book keeps a record")
    parser.add_argument("--quick", action="store_true", help="64 huge pages only, nothing reserved at boot")
    parser.add_argument("--memory", type=int, default=8192, metavar="MIB", help="memory of the guest (default 8192)")
    parser.add_argument(
        "--into", type=Path, default=Path("hvlib/kernels/data"), metavar="FOLDER", help="where records go"
    )
    options = parser.parse_args()
    if bool(options.suite) == options.all:
        parser.error("a suite is expected, or --all")
    if options.suite and not re.fullmatch(r"[a-z][a-z0-9-]{1,60}", options.suite):
        parser.error(f"{options.suite!r} is no Debian suite")
    if options.series and not re.fullmatch(r"[0-9]{1,3}\.[0-9]{1,3}", options.series):
        parser.error(f"{options.series!r} is no kernel series")
    if not 3072 <= options.memory <= 1 << 20:
        parser.error("--memory must be from 3072 to 1048576 MiB; with less there is no room for a 1 GiB page")
    try:
        options.into.mkdir(parents=True, exist_ok=True)
        writable = os.access(options.into, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        parser.error(f"--into {str(options.into)!r} is no folder that can be written to")
    for suite, series in ALL if options.all else [(options.suite, options.series)]:
        try:
            record = observe(suite, series, options.memory, options.quick)
        except LabError as why:
            print(f"kernel_lab: {why}", file=sys.stderr)
            return 2
        number = re.match(r"\d+\.\d+(?:\.\d+)?", record["provenance"]["version"])
        file = options.into / f"linux-{number[0] if number else record['release']}.json"
        file.write_text(text_of(record), "utf-8")
        print(f"{file.name}: {file.stat().st_size / 1024:.0f} KiB, {record['provenance']['seconds']} s, "
              f"{record['provenance']['peak_kB'] / 1024:.0f} MiB at most")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
