"""A private JupyterLab or Notebook 7 on loopback, and a headless Chromium: for tests that see what a reader sees."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from .firefox import FIREFOX

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(
    not CHROMIUM and os.environ.get("HVLIB_REQUIRE_BROWSER") != "1",
    reason="no Chromium here (Debian: apt install chromium)",
)
needs_firefox = pytest.mark.skipif(
    not FIREFOX and os.environ.get("HVLIB_REQUIRE_FIREFOX") != "1",
    reason="no Firefox here (Debian: apt install firefox-esr)",
)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
IDLE = """() => {
  const panel = window.jupyterapp?.shell?.currentWidget;
  if (!panel?.context?.isReady || !panel.sessionContext?.isReady) return false;
  const kernel = panel.sessionContext.session?.kernel;
  return kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
}"""
TURN = """async (notebook) => {
  const before = [...jupyterapp.shell.widgets("main")];
  const opened = await jupyterapp.commands.execute('docmanager:open', {path: notebook});
  await opened.context.ready;
  for (const other of before.filter((one) => one !== opened)) {
    if (other.context) {
      other.context.model.dirty = false; // to revert it would lay it out once more, which JupyterLab may trip over
      await other.sessionContext.shutdown();
    }
    other.close();
  }
  jupyterapp.shell.activateById(opened.id);
}"""
"""Opens a notebook and closes what was open, unsaved."""


ADDRESS = {"lab": "lab/tree", "notebook": "notebooks"}
OPTIONS = {"lab": "LabApp", "notebook": "JupyterNotebookApp"}


class Lab:
    """A JupyterLab, or with ``app="notebook"`` a Notebook 7, that serves ``folder`` with settings of its own.

    ``theme`` is "JupyterLab Light" or "JupyterLab Dark".
    With ``theme=None`` it has no settings: what a reader gets who starts it for the first time.
    """

    def __init__(
        self, folder: Path, scratch: Path, theme: str | None = "JupyterLab Light", python: str = sys.executable,
        app: str = "lab",
    ) -> None:  # fmt: skip
        self.app = app
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.token = secrets.token_hex(8)
        environment = {**os.environ, "HVLIB_OBSERVE": "recorded", "PYTHONWARNINGS": "ignore"}
        for name in ("CONFIG", "DATA", "RUNTIME"):
            environment[f"JUPYTER_{name}_DIR"] = str(scratch / name.lower())
        environment |= {"IPYTHONDIR": str(scratch / "ipython"), "JUPYTERLAB_SETTINGS_DIR": str(scratch / "settings"),
                        "JUPYTERLAB_WORKSPACES_DIR": str(scratch / "workspaces")}  # fmt: skip
        settings = {
            "themes": {"theme": theme},
            "notification": {"fetchNews": "false", "checkForUpdates": False},
        }
        where = scratch / "settings" / "@jupyterlab" / "apputils-extension"
        where.mkdir(parents=True, exist_ok=True)
        for name, value in settings.items() if theme else ():
            (where / f"{name}.jupyterlab-settings").write_text(json.dumps(value), "utf-8")
        self.log = (scratch / "server.log").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [python, "-m", "jupyter", app, "--no-browser", "--allow-root", "--ip=127.0.0.1",
             f"--port={self.port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={self.token}",
             f"--ServerApp.root_dir={folder}", f"--{OPTIONS[app]}.expose_app_in_browser=True"],
            env=environment, stdout=self.log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        wait(f"http://127.0.0.1:{self.port}/api/status?token={self.token}", self.process, scratch / "server.log")

    def open(self, page: Page, notebook: str) -> None:
        """Open a notebook and wait until its kernel is ready; in a page that shows another, in that one's place."""
        if page.url.startswith(f"http://127.0.0.1:{self.port}/"):
            page.evaluate(TURN, notebook)
        else:
            page.goto(f"http://127.0.0.1:{self.port}/{ADDRESS[self.app]}/{notebook}?reset&token={self.token}")
        page.wait_for_function(IDLE, timeout=90_000, polling=100)

    def run_all(self, page: Page) -> None:
        """Run every cell and wait until all are done."""
        assert page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_function(IDLE, timeout=120_000, polling=100)

    def stop(self) -> None:
        """End the server, and with it its kernels."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()


def wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server answers. Raises `RuntimeError` with the end of its log if it does not."""
    until = time.monotonic() + 90
    while time.monotonic() < until and server.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address, timeout=2).read()
            return
        time.sleep(0.2)
    raise RuntimeError(f"the server did not start: {log.read_text('utf-8', 'replace')[-2000:]}")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium from the system's packages."""
    with sync_playwright() as playwright, launched(playwright) as browser:
        yield browser


@contextlib.contextmanager
def launched(playwright: Playwright) -> Iterator[Browser]:
    """A headless Chromium, of a Playwright that runs already: a process can have only one."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
    yield browser
    browser.close()


@contextlib.contextmanager
def firefox(playwright: Playwright, scratch: Path) -> Iterator[Browser]:
    """A headless Firefox from the system's packages, which is not Playwright's own (`tools.firefox`)."""
    between = scratch / "firefox"
    between.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("firefox.py")} "$@"\n', "utf-8")
    between.chmod(0o700)
    browser = playwright.firefox.launch(executable_path=between, channel="moz-firefox", headless=True)
    yield browser
    browser.close()
