"""A JupyterHub on loopback, in a temporary folder, of which nothing is left when the ``with`` block ends."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from hvlib.errors import BadInput

TOKEN = "HVLIB_CLASSROOM"  # in the environment of every process of a run; the value is the run's own
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Missing(BadInput):
    """Something that the hub needs is not installed; the sentence says what."""


class Broken(BadInput):
    """The hub did not come up, or went away."""


def requirements(proxy: str | None) -> str:
    """The path of the proxy's program, once everything that the hub needs was found."""
    if importlib.util.find_spec("jupyterhub") is None:
        raise Missing("JupyterHub is missing; `make hub-demo` installs it, as does pip install -e '.[lab,hub]'.")
    if shutil.which("node") is None:
        raise Missing("node is missing, in which the hub's proxy runs; install Node.js 20 or later (with npm).")
    found = shutil.which(proxy or "configurable-http-proxy")
    if found is None:
        raise Missing("configurable-http-proxy is missing; `make hub-demo` installs it, as does npm.")
    return str(Path(found).absolute())


def free_ports(number: int) -> list[int]:
    """Ports of loopback that nothing listens on, all different."""
    with contextlib.ExitStack() as probes:
        sockets = [probes.enter_context(socket.socket()) for _ in range(number)]
        for probe in sockets:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in sockets]


def configuration(
    folder: Path, proxy: str, ports: list[int], password: str, token: str, at_once: int
) -> dict[str, Any]:
    """What JupyterHub is told, as data: it reads JSON."""
    public, hub, api = (f"http://127.0.0.1:{port}" for port in ports)
    return {
        "JupyterHub": {
            "bind_url": public,
            "hub_bind_url": hub,
            "db_url": f"sqlite:///{folder}/hub.sqlite",
            "cookie_secret_file": f"{folder}/cookie",
            "authenticator_class": "dummy",
            "spawner_class": "simple",
            "concurrent_spawn_limit": at_once,
            "log_level": "WARN",
        },
        "ConfigurableHTTPProxy": {"api_url": api, "command": [proxy], "pid_file": f"{folder}/proxy.pid"},
        "DummyAuthenticator": {"password": password, "allow_all": True},
        "SimpleLocalProcessSpawner": {"home_dir_template": f"{folder}/home/{{username}}"},
        "Spawner": {
            "cmd": [sys.executable, "-m", "jupyterhub.singleuser"],
            "args": ["--allow-root"] if os.geteuid() == 0 else [],
            "http_timeout": 300,
            "start_timeout": 300,
            "environment": {TOKEN: token, "HVLIB_OBSERVE": "recorded", "JUPYTER_PREFER_ENV_PATH": "1"},
        },
    }


class Hub:
    """A running hub: ``with Hub(students=20) as hub: hub.url, hub.password, hub.home("student01")``."""

    def __init__(self, students: int, proxy: str | None = None) -> None:
        self.students = students
        self.proxy = requirements(proxy)
        self.password, self.token = secrets.token_hex(16), secrets.token_hex(16)
        self.process: psutil.Popen | None = None

    def __enter__(self) -> Hub:
        self._folder = tempfile.TemporaryDirectory(prefix="hvlib-hub-", ignore_cleanup_errors=True)
        try:
            self._start(Path(self._folder.name))
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def home(self, name: str) -> Path:
        """The home folder of a user, made if it is not there."""
        path = Path(self._folder.name) / "home" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def alive(self) -> bool:
        """Whether the hub itself still runs."""
        return self.process is not None and self.process.poll() is None

    def log(self, lines: int = 12) -> str:
        """The last lines that the hub and all its servers wrote."""
        with contextlib.suppress(OSError):
            return "\n".join((Path(self._folder.name) / "log").read_text("utf-8", "replace").splitlines()[-lines:])
        return ""

    def processes(self) -> list[psutil.Process]:
        """Every process of this run, known by its token; also those whose parent has gone."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.environ().get(TOKEN) == self.token:
                    found.append(process)
        return found

    def _start(self, folder: Path) -> None:
        folder.chmod(0o700)
        ports = free_ports(3)
        self.url = f"http://127.0.0.1:{ports[0]}"
        settings = configuration(folder, self.proxy, ports, self.password, self.token, self.students)
        (folder / "config.json").write_text(json.dumps(settings), "utf-8")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "JPY_"))}
        with (folder / "log").open("w", encoding="utf-8") as log:
            # A session of its own: Ctrl-C in the terminal reaches this process, which then stops the hub in order.
            self.process = psutil.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", "config.json"], cwd=folder, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, env={**kept, TOKEN: self.token}, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.alive():
            with contextlib.suppress(OSError), OPENER.open(f"{self.url}/hub/api", timeout=5) as reply:
                if reply.status == 200:
                    return
            time.sleep(0.25)
        raise Broken(f"the hub did not come up; the end of its log:\n{self.log()}")

    def _stop(self) -> None:
        """Ask the hub to stop its servers and its proxy, then end by process id what is left of this run."""
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            if self.process is not None and self.alive():
                self.process.terminate()
                with contextlib.suppress(psutil.TimeoutExpired):
                    self.process.wait(30)
            for _ in range(5):
                left = self.processes()
                for process in left:
                    with contextlib.suppress(psutil.Error):
                        process.kill()
                psutil.wait_procs(left, timeout=10)
            self._folder.cleanup()
        finally:
            signal.signal(signal.SIGINT, before)
