"""From `make lab` to a live panel: the environment is there, the server is not."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from tools import binder

from .measure import ROOT, summary, told

LEFT_OUT = ("PYTHONPATH", "MAKEFLAGS", "MAKELEVEL")
"""Of the environment: `make lab` is run as from a shell."""
MARKS = ("the server answers", "the chapter is open, its kernel ready", "the first panel answers")


def run(turns: int = 3) -> dict[str, Any]:
    """Seconds from the command to each of `MARKS`; Chromium is running already, as a reader's browser is."""
    from tools import jupyterlab as reader

    if not reader.CHROMIUM:
        raise RuntimeError("it needs Chromium (Debian: apt install chromium)")
    subprocess.run(["make", "--no-print-directory", ".venv/lab.done"], cwd=ROOT, check=True)
    taken: list[list[float]] = []
    with reader.chromium() as browser:
        for turn in range(turns):
            with tempfile.TemporaryDirectory(prefix="hvlib-bench-") as temporary:
                taken.append(_session(reader, browser, Path(temporary)))
            told(
                f"turn {turn}: "
                + ", ".join(f"{name} {mark:.1f} s" for name, mark in zip(MARKS, taken[-1], strict=True))
            )
    return {"marks": {name: summary(marks) for name, marks in zip(MARKS, zip(*taken, strict=True), strict=True)}}


def _session(reader: Any, browser: Any, scratch: Path) -> list[float]:
    """One session in a copy of the repository, so that nothing a reader does there reaches this one."""
    folder = scratch / "clone"
    binder.copied(folder)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(8)
    flags = (f"--no-browser --ip=127.0.0.1 --port={port} --ServerApp.port_retries=0 --IdentityProvider.token={token} "
             "--LabApp.expose_app_in_browser=True")  # fmt: skip
    own = {f"JUPYTER_{name}_DIR": str(scratch / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    own |= {f"JUPYTERLAB_{name}_DIR": str(scratch / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
    own |= {"IPYTHONDIR": str(scratch / "ipython"), "HVLIB_OBSERVE": "recorded"}
    inherited = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    log = (scratch / "server.log").open("w+", encoding="utf-8")
    started = time.perf_counter()
    server = subprocess.Popen(["make", "--no-print-directory", "lab", f"LABFLAGS={flags}"], cwd=folder,
                              env=inherited | own, stdout=log, stderr=log, start_new_session=True)  # fmt: skip
    try:
        _wait(f"http://127.0.0.1:{port}/api/status?token={token}", server, log)
        marks = [time.perf_counter() - started]
        page = browser.new_page(viewport={"width": 1300, "height": 1000})
        page.goto(f"http://127.0.0.1:{port}/?token={token}")
        page.wait_for_function(reader.IDLE, timeout=120_000, polling=50)
        marks.append(time.perf_counter() - started)
        page.evaluate("() => void jupyterapp.commands.execute('notebook:run-all-cells')")
        panel = page.locator(".hv-panel").first
        panel.locator("svg[role=img]").wait_for(timeout=120_000)
        slider, frame = panel.get_by_role("slider").first, panel.get_attribute("data-frame")
        slider.evaluate("e => { e.value = e.value === e.max ? e.min : e.max; e.dispatchEvent(new Event('input')); }")
        if panel.get_attribute("data-frame") == frame:
            raise RuntimeError("the panel does not answer")
        marks.append(time.perf_counter() - started)
        page.close()
        return marks
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
        log.close()


def _wait(address: str, server: subprocess.Popen[bytes], log: Any) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and server.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address, timeout=2).read()
            return
        time.sleep(0.05)
    log.seek(0)
    raise RuntimeError(f"make lab did not start: {re.sub(r'token=[0-9a-f]+', 'token=...', log.read()[-2000:])}")
