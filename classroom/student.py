"""One simulated student: logs in through the form, gets a server, opens a chapter and runs it, cell by cell.

Everything goes the way a browser goes: cookies, redirects, the XSRF token, the contents API, a session with a kernel,
its websocket. Standard library, and the websocket client that Jupyter Server brings along.
"""

from __future__ import annotations

import http.cookiejar
import json
import re
import threading
import time
import urllib.parse
import urllib.request
import uuid
from typing import Any

import websocket

PATIENCE = 300.0  # seconds, for a server to come up and for one cell to end


class Trouble(Exception):
    """This student could not go on; the sentence says why."""


class Browser:
    """Cookies and redirects."""

    def __init__(self, root: str) -> None:
        self.root, self.jar = root, http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.jar)
        )

    def open(self, path: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[str, str]:
        """Where a request led to, and the text found there."""
        request = urllib.request.Request(self.root + path, data, headers or {})
        with self._opener.open(request, timeout=PATIENCE) as reply:
            return urllib.parse.urlsplit(reply.url).path, reply.read().decode()

    def token(self, path: str) -> str:
        """The XSRF token of a server."""
        return next(c.value or "" for c in self.jar if c.name == "_xsrf" and c.path.rstrip("/") == path.rstrip("/"))

    def cookies(self, path: str) -> str:
        """The cookie header for a path."""
        request = urllib.request.Request(self.root + path)
        self.jar.add_cookie_header(request)
        return request.get_header("Cookie") or ""


class Student(threading.Thread):
    """Runs by itself once started; ``ready`` is set when the chapter is done or has failed; waits for ``leave``."""

    def __init__(self, name: str, root: str, password: str, chapter: str, leave: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self.browser, self.password, self.chapter, self.leave = Browser(root), password, chapter, leave
        self.base = f"/user/{name}"
        self.ready = threading.Event()
        self.cells = 0
        self.errors: list[str] = []
        self.trouble = ""
        self.seconds: dict[str, float] = {}

    def run(self) -> None:
        """Log in, work through the chapter, stay until all are done."""
        try:
            began = time.monotonic()
            self._log_in()
            self._lap("server", began)
            began = time.monotonic()
            cells, kernel = self._open_chapter()
            channel = self._connect(kernel)
            try:
                self._execute(channel, "None")
                self._lap("kernel", began)
                began = time.monotonic()
                for number, code in enumerate(cells, 1):
                    if said := self._execute(channel, code):
                        self.errors.append(f"cell {number}: {said}")
                    self.cells += 1
                self._lap("chapter", began)
                self.ready.set()
                self.leave.wait()
            finally:
                channel.close()
        except Exception as error:
            self.trouble = f"{type(error).__name__}: {error}"
        finally:
            self.ready.set()

    def _lap(self, name: str, began: float) -> None:
        self.seconds[name] = time.monotonic() - began

    def _log_in(self) -> None:
        """Through the form, as a reader does; the hub then starts the server by itself."""
        _, page = self.browser.open("/hub/login")
        found = re.search(r'name="_xsrf"\s+value="([^"]+)"', page)
        if found is None:
            raise Trouble("the hub's login page has no form")
        form = {"username": self.name, "password": self.password, "_xsrf": found[1]}
        at, _ = self.browser.open("/hub/login", urllib.parse.urlencode(form).encode())
        if at.startswith("/hub/spawn-pending"):  # the page listens to the hub's progress until the server is there
            token = urllib.parse.quote(self.browser.token("/hub"))
            self.browser.open(f"/hub/api/users/{self.name}/server/progress?_xsrf={token}")
            at, _ = self.browser.open(at)
        if not at.startswith(self.base):
            raise Trouble(f"no server; the hub shows {at}")

    def _open_chapter(self) -> tuple[list[str], str]:
        """The code cells of the chapter, read through the server, and the id of its kernel."""
        _, text = self.browser.open(f"{self.base}/api/contents/{self.chapter}")
        cells = [
            "".join(cell["source"]) for cell in json.loads(text)["content"]["cells"] if cell["cell_type"] == "code"
        ]
        session = {"path": self.chapter, "name": self.chapter, "type": "notebook", "kernel": {"name": "python3"}}
        headers = {"X-XSRFToken": self.browser.token(self.base), "Content-Type": "application/json"}
        _, text = self.browser.open(f"{self.base}/api/sessions", json.dumps(session).encode(), headers)
        return cells, json.loads(text)["kernel"]["id"]

    def _connect(self, kernel: str) -> websocket.WebSocket:
        self._session = uuid.uuid4().hex
        path = f"{self.base}/api/kernels/{kernel}/channels"
        return websocket.create_connection(
            f"{self.browser.root.replace('http', 'ws', 1)}{path}?session_id={self._session}",
            cookie=self.browser.cookies(path), timeout=PATIENCE,
        )  # fmt: skip

    def _execute(self, channel: websocket.WebSocket, code: str) -> str:
        """Run one cell and wait for the reply; what went wrong, or nothing."""
        ident = uuid.uuid4().hex
        header = {"msg_id": ident, "session": self._session, "msg_type": "execute_request", "version": "5.3",
                  "username": self.name}  # fmt: skip
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False,
                   "stop_on_error": False}  # fmt: skip
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "buffers": [],
                   "channel": "shell"}  # fmt: skip
        channel.send(json.dumps(message))
        while True:
            received = channel.recv()
            if received == "":
                raise Trouble("the server closed the connection to the kernel")
            if isinstance(received, bytes):  # a message with buffers: a picture of a widget, never a reply
                continue
            answer: dict[str, Any] = json.loads(received)
            if answer["msg_type"] == "execute_reply" and answer["parent_header"].get("msg_id") == ident:
                said = answer["content"]
                if said["status"] == "ok":
                    return ""
                return f"{said.get('ename', said['status'])}: {said.get('evalue', '')}".rstrip(": ")
