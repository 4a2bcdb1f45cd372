"""A Linux running in QEMU by software emulation: a shell in it, its monitor, its memory; each with time limits."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from . import LabError
from .memory import Memory

VMEMMAP = {4: 0xFFFFEA0000000000, 5: 0xFFD4000000000000}
"""Start of the vmemmap without address randomisation, by levels of page tables (x86_64/mm.rst)."""


class _Line:
    """Lines over a unix socket that QEMU opens, each with a time limit."""

    def __init__(self, path: Path, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + 20
        while True:
            try:
                self._socket = socket.socket(socket.AF_UNIX)
                self._socket.connect(str(path))
                break
            except OSError as why:
                if time.monotonic() > until or process.poll() is not None:
                    log = path.with_name("qemu.log").read_text(errors="replace").strip().splitlines()
                    said = (log or [f"nothing; {why}"])[-1]
                    raise LabError(f"QEMU did not start: {said}; try less --memory, or another QEMU.") from None
                time.sleep(0.02)
        self._buffer = b""

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
        return line.decode(errors="replace").rstrip("\r")

    def close(self) -> None:
        self._socket.close()


class Guest:
    """One boot of a kernel image; a context manager that ends QEMU whatever happens.

    ``append`` is added to the kernel's command line. Software emulation (TCG), one CPU, no network, no disk.
    """

    def __init__(self, image: Path, initrd: Path, folder: Path, memory_mib: int, append: str = "") -> None:
        qemu = shutil.which("qemu-system-x86_64")
        if not qemu:
            raise LabError("QEMU is missing: apt install qemu-system-x86.")
        self.folder = folder
        self.append = f"console=ttyS0 quiet nokaslr panic=-1 init_on_alloc=0 {append}".strip()
        size = memory_mib << 20
        self.command = [
            "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max,la57=off", "-smp", "1", "-m", f"{memory_mib}M",
            "-M", "pc,memory-backend=ram", "-object",
            f"memory-backend-file,id=ram,size={size},mem-path=ram,share=on",
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-kernel", "vmlinuz", "-initrd", "initrd", "-append", self.append,
            "-serial", "file:console.log", "-serial", "unix:shell,server=on,wait=off",
            "-qmp", "unix:qmp,server=on,wait=off",
        ]  # fmt: skip
        for name, path in (("vmlinuz", image), ("initrd", initrd)):
            link = folder / name
            if not link.exists():
                link.symlink_to(path)
        for name in ("ram", "shell", "qmp"):
            (folder / name).unlink(missing_ok=True)
        self._log = (folder / "qemu.log").open("wb")
        self._process = subprocess.Popen(
            [qemu, *self.command[1:]], cwd=folder, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
        )
        self._lines: list[_Line] = []
        self.memory: Memory | None = None
        self.peak_kB = 0
        try:
            self._monitor, self._shell = (self._connect(name) for name in ("qmp", "shell"))
            self._answer("the monitor's greeting", self._monitor, 20)
            self.qmp("qmp_capabilities")
            while self._answer("booting", self._shell, 180) != "ready":
                pass
            self.memory = Memory(folder / "ram", size)
            self.levels = 5 if self._register("CR4") & 1 << 12 else 4
            self.vmemmap = VMEMMAP[self.levels]
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

    def shell(self, command: str, seconds: float = 120, *, may_fail: bool = False) -> str:
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

    def qmp(self, execute: str, **arguments: str) -> Any:
        """Ask QEMU's monitor."""
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

    def stop(self) -> int:
        """Stop the guest's processor; returns its CR3."""
        self.qmp("stop")
        return self._register("CR3")

    def go_on(self) -> None:
        """Let the guest's processor run again."""
        self.qmp("cont")

    def _register(self, name: str) -> int:
        found = re.search(rf"\b{name}=([0-9a-f]+)", self.monitor("info registers"))
        if not found:
            raise LabError(f"QEMU's monitor does not tell {name}; this version is one the lab does not know.")
        return int(found[1], 16)

    def _connect(self, name: str) -> _Line:
        line = _Line(self.folder / name, self._process)
        self._lines.append(line)
        return line

    def _answer(self, doing: str, line: _Line, seconds: float) -> str:
        try:
            return line.read(seconds)
        except (TimeoutError, EOFError) as why:
            console = (self.folder / "console.log").read_text(errors="replace").strip().splitlines() or ["nothing"]
            happened = f"did not answer within {seconds:.0f} s" if isinstance(why, TimeoutError) else "ended"
            raise LabError(
                f"the guest {happened}, at: {doing}; the last line on its console is: {console[-1]}"
            ) from None
