"""Python in the pages: what the first output costs a reader's browser, what a whole chapter, and what it holds.

Beside it: the same chapter in JupyterLite, and in a session as Binder starts it.
"""

from __future__ import annotations

import gzip
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tools import binder

from .measure import environment, significant, summary, told

CHAPTER = "06_remap_to_page_1"
READY = """() => {
  const panel = window.jupyterapp?.shell?.currentWidget;
  return panel?.context?.isReady && jupyterapp.commands.hasCommand('notebook:run-all-cells')
    && document.querySelector('.jp-Cell') && panel.sessionContext.session?.kernel?.status === 'idle';
}"""
TICK = os.sysconf("SC_CLK_TCK")


def run(turns: int = 3, chapters: int = 99) -> dict[str, Any]:
    """First output, cold and from the browser's cache; all cells of each chapter after the start; bytes and memory.

    And the first panel elsewhere.
    """
    from tools import jupyterlab as reader

    with tempfile.TemporaryDirectory(prefix="hvlib-bench-") as name:
        told("building the pages with Python")
        subprocess.run([sys.executable, "-m", "tools.book"], check=True, stdout=subprocess.DEVNULL,
                       env={**environment(), "HVLIB_BOOK": name, "LIVE": "1"})  # fmt: skip
        site = Path(name) / "html"
        with _served(site, Path(name)) as address, reader.chromium() as browser:
            starts = [_start(browser, address, site) for _ in range(turns)]
            for start in starts:
                told(", ".join(f"{what} {value:.3g}" for what, value in start.items()))
            names = sorted(path.stem for path in site.glob("[01][0-9]_*.html"))[:chapters]
            whole = {chapter: _chapter(browser, address, chapter) for chapter in names}
            lite = [_lite(browser, address) for _ in range(turns)]
    told("what Binder does, rehearsed")
    with binder.rehearsed() as (python, folder, home, built):
        sessions = binder.sessions(turns, python, folder, home)
    slowest = max(whole, key=lambda chapter: whole[chapter]["seconds"])
    told(f"slowest: {slowest}, {whole[slowest]['seconds']:.1f} s, {whole[slowest]['cpu']:.1f} CPU s")
    return {
        **{what: summary([start[what] for start in starts]) for what in starts[0]},
        "all_s": {"median": whole[slowest]["seconds"]}, "all_cpu_s": {"median": whole[slowest]["cpu"]},
        "slowest": slowest, "heap_mb": {"median": max(one["heap"] for one in whole.values())},
        "lite_s": summary(lite), "binder_s": summary(sessions["first panel drawn"]),
        "binder_built_s": {"median": significant(built)},
        "chapters": {chapter: one["seconds"] for chapter, one in whole.items()},
    }  # fmt: skip


def _start(browser: Any, address: str, site: Path) -> dict[str, float]:
    context = browser.new_context()
    page, asked = context.new_page(), []
    context.on("request", lambda request: asked.append(urlsplit(request.url).path.lstrip("/")))
    found: dict[str, float] = {}
    for way in ("cold", "warm"):
        page.goto(f"{address}/{CHAPTER}.html", wait_until="networkidle")
        began, used = time.perf_counter(), _cpu()
        _run_first(page)
        found |= {f"{way}_s": time.perf_counter() - began, f"{way}_cpu_s": _cpu() - used}
    files = {name: (site / name).read_bytes() for name in asked if (site / name).is_file()}
    for name in ("engine.tar", "python_stdlib.zip", "pyodide.asm.wasm"):
        files[f"live/{name}.packed"] = (site / "live" / f"{name}.packed").read_bytes()
    for name in ("pyodide.mjs", "pyodide.asm.mjs", "worker.mjs", "plan.json", "editor.mjs"):
        files[f"live/{name}"] = (site / "live" / name).read_bytes()
    sent = sum(min(len(data), len(gzip.compress(data, 6, mtime=0))) for data in files.values())
    context.close()
    return {**found, "sent_mb": sent / 1e6, "raw_mb": sum(map(len, files.values())) / 1e6}


def _lite(browser: Any, address: str) -> float:
    """From the address of a notebook in JupyterLite to its first panel, nothing kept in the browser."""
    context = browser.new_context()
    page = context.new_page()
    began = time.perf_counter()
    page.goto(f"{address}/lab/notebooks/index.html?path={CHAPTER}.ipynb")
    page.wait_for_function(READY, timeout=120_000, polling=50)
    page.evaluate("() => void jupyterapp.commands.execute('notebook:run-all-cells')")
    page.locator(".hv-panel svg[role=img]").first.wait_for(timeout=120_000)
    taken = time.perf_counter() - began
    context.close()
    return taken


def _chapter(browser: Any, address: str, chapter: str) -> dict[str, float]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/{chapter}.html", wait_until="networkidle")
    _run_first(page)
    began, used = time.perf_counter(), _cpu()
    page.get_by_role("button", name="Run all of this page").click()
    _says(page, "All cells of this page have run.")
    taken = {"seconds": significant(time.perf_counter() - began), "cpu": significant(_cpu() - used)}
    heap = page.evaluate("hvLive.session().then((one) => one.clock.heap + performance.memory.usedJSHeapSize)")
    context.close()
    return {**taken, "heap": significant(heap / 1e6)}


def _run_first(page: Any) -> None:
    """Run the first cell that shows its code, and those above it: in `CHAPTER` the first panel is among them."""
    button = page.get_by_role("button", name=re.compile(r"^Run cell \d+$")).first
    number = button.get_attribute("aria-label").split()[-1]
    button.click()
    _says(page, f"Cell {number} has run.")


def _says(page: Any, words: str) -> None:
    page.wait_for_function(
        "(words) => document.querySelector('.hv-live-bar').textContent.includes(words)", arg=words, timeout=120_000,
        polling=50,
    )  # fmt: skip


def _cpu() -> float:
    """CPU seconds, so far, of the processes that descend from this one and still run."""
    found: dict[int, tuple[int, float]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text("utf-8").rsplit(")", 1)[1].split()
        except OSError:
            continue
        found[int(path.parent.name)] = int(fields[1]), (int(fields[11]) + int(fields[12])) / TICK
    mine, total = {os.getpid()}, 0.0
    while more := {pid for pid, (parent, _) in found.items() if parent in mine and pid not in mine}:
        mine |= more
        total += sum(found[pid][1] for pid in more)
    return total


@contextmanager
def _served(folder: Path, scratch: Path) -> Iterator[str]:
    from tools import jupyterlab

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(folder), str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        jupyterlab.wait(f"http://127.0.0.1:{port}", server, scratch / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)
