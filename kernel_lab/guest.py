"""A Linux running in QEMU by software emulation: a shell in it, its monitor, its memory; each with time limits."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import time
from pathlib import Path
from typing import Any

from . import LabError
from .architecture import Architecture, PageTable
from .memory import Memory

LONGEST_BOOT, BOOTS = 210, 2
"""Seconds for a boot, and how often one is tried; on two cores the slowest kernel asked so far took 20."""
_STRETCH = 16 << 20
"""Bytes of RAM in one piece, from which on its vmemmap is told from other things by its length."""


class Silent(LabError):
    """The guest says nothing any more, within the time it has."""


class _Line:
    """Lines over a unix socket that QEMU opens, each with a time limit; ``last`` is the last that said something."""

    def __init__(self, path: Path, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + 20
        while True:
            try:
                self._socket = socket.socket(socket.AF_UNIX)
                self._socket.connect(str(path))
                break
            except OSError as why:
                self._socket.close()
                if time.monotonic() > until or process.poll() is not None:
                    log = path.with_name("qemu.log").read_text("utf-8", "replace").strip().splitlines()
                    said = (log or [f"nothing; {why}"])[-1]
                    raise LabError(f"QEMU did not start: {said}; try less --memory, or another QEMU.") from None
                time.sleep(0.02)
        self._buffer, self.last = b"", "nothing"

    def send(self, text: str) -> None:
        with contextlib.suppress(OSError):  # a closed line shows at the next read
            self._socket.sendall(text.encode() + b"\n")

    def read(self, seconds: float) -> str:
        self._socket.settimeout(seconds)
        while b"\n" not in self._buffer:
            try:
                got = self._socket.recv(65536)
            except ConnectionError:
                got = b""
            if not got:
                raise EOFError
            self._buffer += got
        line, self._buffer = self._buffer.split(b"\n", 1)
        text = line.decode(errors="replace").rstrip("\r")
        self.last = text.strip() or self.last
        return text

    def close(self) -> None:
        self._socket.close()


class Guest:
    """One boot of a kernel image; a context manager that ends QEMU whatever happens.

    ``append`` is added to the kernel's command line. Software emulation (TCG), one CPU, no network, no disk.
    ``page``, ``struct_page`` (bytes) and ``vmemmap`` (address of the struct page of PFN 0) are what the kernel tells.
    """

    def __init__(
        self,
        architecture: Architecture,
        image: Path,
        initrd: Path,
        folder: Path,
        memory_mib: int,
        append: str = "",
    ) -> None:
        qemu = shutil.which(architecture.qemu)
        if not qemu:
            raise LabError(f"QEMU is missing: apt install {architecture.package}.")
        self.folder, self.architecture = folder, architecture
        words = ["quiet nokaslr panic=-1 init_on_alloc=0", architecture.append, append]
        self.append = " ".join([f"console={architecture.console}", *filter(None, words)])
        size = memory_mib << 20
        self.command = [
            architecture.qemu, "-accel", "tcg", *architecture.machine, "-smp", "1", "-m", f"{memory_mib}M",
            "-object", f"memory-backend-file,id=ram,size={size},mem-path=ram,share=on",
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-nic", "none",
            "-kernel", "vmlinuz", "-initrd", "initrd", "-append", self.append,
            "-serial", "unix:shell,server=on,wait=off", "-qmp", "unix:qmp,server=on,wait=off",
        ]  # fmt: skip
        for name, path in (("vmlinuz", image), ("initrd", initrd)):
            link = folder / name
            if not link.exists():
                link.symlink_to(path.resolve())
        for name in ("ram", "shell", "qmp"):
            (folder / name).unlink(missing_ok=True)
        self._log = (folder / "qemu.log").open("wb")
        self._process = subprocess.Popen(
            [qemu, *self.command[1:]], cwd=folder, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
        )
        self._lines: list[_Line] = []
        self.memory: Memory | None = None
        self.peak_kB = 0
        began = time.monotonic()
        try:
            self._monitor, self._shell = (self._connect(name) for name in ("qmp", "shell"))
            self._answer("the monitor's greeting", self._monitor, 20)
            self.qmp("qmp_capabilities")
            while "@ready" not in self._answer("booting", self._shell, began + LONGEST_BOOT - time.monotonic()):
                pass
            self.boot_seconds = round(time.monotonic() - began, 1)
            self.page, self.struct_page, self.vmemmap = self._told()
            self.levels = 0
            if architecture.page_table:
                self.memory = Memory(folder / "ram", architecture.ram(size), architecture.page_table)
                self.levels = architecture.page_table.depth(self._register)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Guest:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End QEMU; ``peak_kB`` is then the most memory it had."""
        self._process.kill()
        if self._process.returncode is None:
            _, status, usage = os.wait4(self._process.pid, 0)
            self._process.returncode = os.waitstatus_to_exitcode(status)
            self.peak_kB = usage.ru_maxrss
        if self.memory:
            self.memory.close()
        for line in self._lines:
            line.close()
        self._log.close()
        (self.folder / "ram").unlink(missing_ok=True)

    def shell(self, command: str, seconds: float = 180, *, may_fail: bool = False) -> str:
        """What a command prints in the guest. Raises `LabError` if a line takes too long, or the command fails."""
        self._shell.send(command)
        printed = []
        while not (line := self._answer(command, self._shell, seconds)).startswith("@done"):
            printed.append(line)
        if line.split()[-1] != "0" and not may_fail:
            raise LabError(f"in the guest, {command} failed: {(printed or ['it printed nothing'])[-1]}.")
        return "\n".join(printed)

    def file(self, path: str) -> str:
        """Content of a file in the guest, empty if there is none."""
        return self.shell(f"cat {path} 2>/dev/null", may_fail=True)

    def bytes_of(self, command: str, seconds: float = 300) -> bytes:
        """What a command writes in the guest, as bytes. Raises `LabError` if they do not come through."""
        text = self.shell(f"({command}) 2>/dev/null | gzip -1 | base64", seconds)
        try:
            return gzip.decompress(base64.b64decode("".join(text.split())))
        except (OSError, EOFError, ValueError) as why:
            raise LabError(f"the guest's answer to {command} did not come through ({why}); run it again.") from None

    def qmp(self, execute: str, **arguments: str) -> Any:
        """Ask QEMU's monitor. Raises `LabError` for a refusal, and for no answer."""
        self._monitor.send(json.dumps({"execute": execute, "arguments": arguments}))
        while True:
            answer = json.loads(self._answer(execute, self._monitor, 60))
            if "error" in answer:
                raise LabError(f"QEMU's monitor refused {execute}: {answer['error']['desc']}.")
            if "return" in answer:
                return answer["return"]

    def monitor(self, line: str) -> str:
        """Ask QEMU's human monitor."""
        return str(self.qmp("human-monitor-command", **{"command-line": line}))

    @property
    def page_table(self) -> PageTable:
        """How this guest's page tables are read. Raises `LabError` where the lab cannot read them."""
        if self.architecture.page_table is None:
            raise LabError(f"the lab does not read page tables of {self.architecture.name}.")
        return self.architecture.page_table

    def stop(self) -> int:
        """Stop the guest's processor; returns the register that holds the root of its page tables."""
        self.qmp("stop")
        return self._register(self.page_table.register)

    def go_on(self) -> None:
        """Let the guest's processor run again."""
        self.qmp("cont")

    def _register(self, name: str) -> int:
        found = re.search(rf"\b{name}[= ]\s*([0-9a-f]+)", self.monitor("info registers"))
        if not found:
            raise LabError(f"QEMU's monitor does not tell {name}; this version is one the lab does not know.")
        return int(found[1], 16)

    def _told(self) -> tuple[int, int, int]:
        """Bytes of a page and of a struct page, and the vmemmap's start: VMCOREINFO and the map in /proc/kcore.

        The map has stretches of RAM, with their physical addresses, and the vmemmap of each, without; the one that is
        as long as the struct pages of a stretch of RAM, rounded to pages, is its vmemmap.
        """
        head = self.bytes_of("dd if=/proc/kcore bs=4096 count=4")
        notes, loads = b"", []
        table, count = *struct.unpack_from("<Q", head, 32), *struct.unpack_from("<H", head, 56)
        for number in range(count):
            kind, _, offset, virtual, physical, size = struct.unpack_from("<IIQQQQ", head, table + 56 * number)
            if kind == 4:
                notes = head[offset : offset + size]
            elif kind == 1:
                loads.append((virtual, physical, size))
        info = dict(re.findall(r"^(\S+)=(\S+)$", notes.decode("ascii", "replace"), re.MULTILINE))
        try:
            page, each = int(info["PAGESIZE"]), int(info["SIZE(page)"])
        except (KeyError, ValueError) as why:
            raise LabError(
                f"VMCOREINFO in /proc/kcore does not tell {why}; this kernel may be built without."
            ) from None
        nowhere = (1 << 64) - 1
        found = {
            start - physical // page * each // page * page
            for _, physical, size in loads
            for start, where, length in loads
            if physical != nowhere == where and size >= _STRETCH and abs(length - size // page * each) <= 2 * page
        }
        if len(found) != 1:
            raise LabError("/proc/kcore does not tell where the vmemmap is; the lab does not know this kernel.")
        return page, each, found.pop()

    def _connect(self, name: str) -> _Line:
        line = _Line(self.folder / name, self._process)
        self._lines.append(line)
        return line

    def _answer(self, doing: str, line: _Line, seconds: float) -> str:
        try:
            return line.read(max(seconds, 1))
        except (TimeoutError, EOFError) as why:
            happened = f"did not answer within {seconds:.0f} s" if isinstance(why, TimeoutError) else "ended"
            raise (Silent if isinstance(why, TimeoutError) else LabError)(
                f"the guest {happened}, at: {doing}; the last line on its console is: {self._shell.last}"
            ) from None


def boot(
    architecture: Architecture, image: Path, initrd: Path, folder: Path, memory_mib: int, append: str = ""
) -> Guest:
    """A guest that has come up (`Guest`). One that falls silent on its way, as on a busy machine, is booted again."""
    for left in reversed(range(BOOTS)):
        try:
            return Guest(architecture, image, initrd, folder, memory_mib, append)
        except Silent:
            if not left:
                raise
    raise AssertionError("at least one boot")
