"""Ask a kernel: ``python -m kernel_lab SUITE [--series 7.1] [--arch riscv64]``, or ``--image FILE``."""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NoReturn

from . import LabError, experiment, fetch, initramfs
from .architecture import ARCHITECTURES, Architecture, architecture
from .guest import Guest, boot

ALL: tuple[tuple[str, str, str, str | None], ...] = (
    ("x86-64", "bullseye-security", "5.10", None),
    ("x86-64", "bookworm-security", "6.1", None),
    ("x86-64", "trixie-security", "6.12", None),
    ("x86-64", "trixie-backports", "6.18", None),
    ("x86-64", "trixie-backports", "7.0", None),
    ("x86-64", "trixie-backports", "7.1", None),
    ("x86-64", "trixie-backports", "7.3", None),
    ("riscv64", "trixie", "6.12", None),
    ("riscv64", "forky", "7.2", None),
    ("arm64", "trixie", "6.12", "arm64-16k"),
    ("loong64", "forky", "7.2", None),
    ("ppc64el", "trixie", "6.12", "powerpc64le-64k"),
)
"""Architectures, suites, series and flavours of which the book keeps records."""
HOW = "page tables walked from their root in the guest's memory, cross-checked with the monitor; counters from /proc"
KPF = (
    "frames with KPF_HUGE in /proc/kpageflags, after the pool of 2 MiB pages was filled and emptied; then how many "
    "there were, each time that one huge page of 1 GiB was asked for, and given back"
)
SHORT = "what the kernel says of itself, and its counters in /proc"
LEAST = {True: 1024, False: 3072}
"""Least MiB of a guest, for the count of KPF_HUGE alone, and for an experiment with a 1 GiB page."""


class _Lab:
    """One kernel, fetched or given, ready to be booted in a folder that goes when it is left."""

    def __init__(self, options: argparse.Namespace, which: Architecture, suite: str | None) -> None:
        self.options, self.which, self.suite = options, which, suite
        self.memory = options.memory or which.memory
        self.began = time.monotonic()

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self.began:5.1f} s] {text}", flush=True)

    def __enter__(self) -> _Lab:
        self._name = tempfile.TemporaryDirectory(prefix="kernel-lab-", dir="/tmp")
        self.folder = Path(self._name.name)
        return self

    def __exit__(self, *_: object) -> None:
        self._name.cleanup()

    def prepare(self, series: str | None, flavour: str | None) -> None:
        """Fetch the kernel and what goes with it."""
        image = self.options.image
        if image:
            data = fetch.inside(image.read_bytes())
            (self.folder / "kernel").mkdir()
            inside = self.folder / "kernel" / "vmlinuz"
            inside.write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            self.kernel = fetch.Kernel(inside, image.name, "", digest)
        else:
            assert self.suite is not None
            flavour = self.which.flavour(flavour)
            self.say(f"fetching the {series or 'newest'} kernel of {self.suite} for {self.which.name}")
            self.kernel = fetch.fetch(self.suite, self.folder / "kernel", self.which, flavour, series)
        program = fetch.busybox(self.suite or "stable", self.folder / "busybox", self.which)
        self.initrd = initramfs.build(self.folder, program)

    def boot(self) -> Guest:
        self.say(f"booting {self.kernel.package}")
        return boot(self.which, self.kernel.image, self.initrd, self.folder, self.memory)

    def about(self, release: str, how: str, command: list[str], peak: int) -> dict[str, Any]:
        """Where a record comes from."""
        first = subprocess.run([command[0], "--version"], capture_output=True, text=True).stdout.splitlines()[0]
        today, kernel = datetime.datetime.now(datetime.UTC).date().isoformat(), self.kernel
        whose = f"Debian {kernel.version}" if kernel.version else f"from a file named {kernel.package}"
        return {
            "origin": f"Linux {release}, {whose}, booted under {first.split(' (')[0]}, {today}",
            "how": how,
            "provenance": {
                "suite": self.suite or "a file", "package": kernel.package, "version": kernel.version or release,
                "sha256": kernel.sha256, "qemu": first, "command": command, "date": today,
                "seconds": round(time.monotonic() - self.began), "peak_kB": peak,
            },
        }  # fmt: skip


def observe(lab: _Lab, quick: bool) -> dict[str, Any]:
    """Boot and ask one kernel; returns the record: a full one, or a short one where it cannot be more."""
    full = lab.which.page_table is not None
    with lab.boot() as guest:
        asked = experiment.Experiment(guest, lab.say)
        record = asked.run([64] if quick else [64, 128, 256]) if full else asked.short()
        command, record["quick"], record["option"] = guest.command, quick, lab.kernel.option
        record["boot_seconds"] = guest.boot_seconds
    peak = guest.peak_kB
    if full and not quick and "on" in record:
        record["reserved"] = experiment.reserve(
            lab.which, lab.kernel.image, lab.initrd, lab.folder, lab.memory, lab.say
        )
    lab.say("done")
    return {**lab.about(record["release"], HOW if full else SHORT, command, peak), **record}


def count(lab: _Lab) -> list[dict[str, Any]]:
    """Boot one kernel and count what KPF_HUGE still stands on after its pool was filled and emptied: a row a state."""
    with lab.boot() as guest:
        release, rows = guest.shell("uname -r"), experiment.Experiment(guest, lab.say).left_huge()
    told = lab.about(release, KPF, guest.command, guest.peak_kB)["provenance"]
    kept = {
        name: told[name] for name in ("suite", "package", "version", "sha256", "qemu", "date", "seconds", "peak_kB")
    }
    for row in rows:
        lab.say(f"{row['hvo']:>3}: {row['huge_pages']} huge pages of 2 MiB taken and given back, "
                f"KPF_HUGE still on {row['frames']} frames; a page of 1 GiB, taken again and again: "
                f"{' '.join(map(str, row['again']))}")  # fmt: skip
    return [{"release": release, "architecture": lab.which.name, **row, **kept} for row in rows]


def text_of(record: dict[str, Any]) -> str:
    """JSON with short lists on one line."""
    text = json.dumps(record, indent=1, ensure_ascii=False)
    return re.sub(r"\[[^\[\]{}]*\]", lambda found: re.sub(r"\s*\n\s*", " ", found[0]), text) + "\n"


def file_of(record: dict[str, Any]) -> str:
    """The name of a record's file: its release, and where that does not tell enough, its flavour."""
    number = re.match(r"\d+\.\d+(?:\.\d+)?", record["provenance"]["version"])
    name = f"linux-{number[0] if number else record['release']}"
    known = ARCHITECTURES[record["architecture"]] if "architecture" in record else ARCHITECTURES["x86-64"]
    if known.name == "x86-64":
        return f"{name}.json"
    package = record["provenance"]["package"]
    ends = [flavour for flavour in known.flavours if package.endswith(f"-{flavour}")]
    return f"{name}-{max(ends, key=len, default=known.name)}.json"


class _Parser(argparse.ArgumentParser):
    """One sentence for a wrong command line; the lab needs nothing of hvlib, so it has its own."""

    def error(self, message: str) -> NoReturn:
        text = "".join(letter if letter.isprintable() else "?" for letter in message)[:240]
        self.exit(2, f"{text}; write for example {self.prog} bookworm-security --series 6.1, or {self.prog} --help.\n")


def _options(parser: _Parser) -> argparse.Namespace:
    """The command line, checked."""
    add = parser.add_argument
    add("suite", nargs="?", help="Debian suite, for example bookworm-security")
    add(
        "--series",
        help="kernel series or release, such as 7.1 or 6.12.113 (with --kpf-huge several, with commas); "
        "without it the suite's current one",
    )
    add("--arch", default="x86-64", help=f"architecture: {', '.join(ARCHITECTURES)}")
    add("--flavour", help="which of Debian's kernels, for example arm64-16k")
    add("--image", type=Path, metavar="FILE", help="a kernel image of your own, instead of a suite's")
    add("--all", action="store_true", help="every kernel of which the book keeps a record")
    add("--quick", action="store_true", help="64 huge pages only, nothing reserved at boot")
    add("--kpf-huge", action="store_true", help="only: take huge pages, give them back, count frames still called huge")
    add("--memory", type=int, metavar="MIB", help="memory of the guest (default 8192, less where that will do)")
    add("--into", type=Path, metavar="FOLDER", help="where records go (default hvlib/kernels/data)")
    options = parser.parse_args()
    if [bool(options.suite), options.all, bool(options.image)].count(True) != 1:
        parser.error("a suite is expected, or --image, or --all")
    if options.suite and not re.fullmatch(r"[a-z][a-z0-9-]{1,60}", options.suite):
        parser.error(f"{options.suite!r} is no Debian suite")
    one = r"[0-9]{1,3}(\.[0-9]{1,3}){1,2}"
    if options.series and not re.fullmatch(rf"{one}(,{one})*" if options.kpf_huge else one, options.series):
        parser.error(f"{options.series!r} is no kernel series")
    if options.image and not options.image.is_file():
        parser.error(f"--image {str(options.image)!r} is no file")
    least = LEAST[options.kpf_huge]
    if options.memory is not None and not least <= options.memory <= 1 << 20:
        why = "there is no room for the huge pages" if options.kpf_huge else "there is no room for a 1 GiB page"
        parser.error(f"--memory must be from {least} to 1048576 MiB; with less {why}")
    if options.kpf_huge and options.all:
        parser.error("--kpf-huge asks one kernel at a time, not --all")
    if options.into is None:
        if options.kpf_huge:
            return options
        options.into = Path("hvlib/kernels/data")
    try:
        options.into.mkdir(parents=True, exist_ok=True)
        writable = os.access(options.into, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        parser.error(f"--into {str(options.into)!r} is no folder that can be written to")
    return options


def main() -> int:
    """The command line. Returns 2 for what cannot be asked, and where a tool or the network is missing."""
    options = _options(_Parser(prog="python -m kernel_lab", description="Ask a real kernel, under QEMU."))
    all_series = options.series.split(",") if options.series else [None]
    one = [(options.arch, options.suite, series, options.flavour) for series in all_series]
    rows: list[dict[str, Any]] = []
    for arch, suite, series, flavour in ALL if options.all else one:
        try:
            with _Lab(options, architecture(arch), suite) as lab:
                lab.prepare(series, flavour)
                if options.kpf_huge:
                    rows += count(lab)
                    continue
                record = observe(lab, options.quick)
        except LabError as why:
            print(f"kernel_lab: {why}", file=sys.stderr)
            return 2
        _write(options.into / file_of(record), record)
        print(f"{record['provenance']['seconds']} s, {record['provenance']['peak_kB'] / 1024:.0f} MiB at most")
    if rows and options.into:
        series = ".".join(rows[0]["release"].split(".")[:2])
        _write(options.into / f"kpf-huge-{series}.json", {"how": KPF, "rows": rows})
    return 0


def _write(file: Path, record: dict[str, Any]) -> None:
    file.write_text(text_of(record), "utf-8")
    print(f"{file.name}: {file.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    sys.exit(main())
