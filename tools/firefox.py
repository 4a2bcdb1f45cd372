"""A stock Firefox, as Playwright can drive it: over WebDriver BiDi, which every Firefox speaks by itself.

Playwright starts this module as the browser (`tools.jupyterlab.firefox`). It starts Firefox with the same arguments,
and stands between the two: Playwright asks each new window to emulate what an older Firefox cannot, and gives up when
that is refused. Such a refusal is kept back, and all else passed on as it came.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import sys

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler, websocket_connect

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
LISTENING = re.compile(rb"WebDriver BiDi listening on (ws://127\.0\.0\.1:\d+)")
LARGEST = 256 * 2**20
"""Bytes of a message: what all cells of a page have said."""


def tolerated(message: str) -> str:
    """An answer of Firefox's: that it does not know how to emulate something is no error."""
    if '"unknown command"' in message and "emulation." in message:
        answer = json.loads(message)
        if answer.get("error") == "unknown command":
            return json.dumps({"type": "success", "id": answer["id"], "result": {}})
    return message


def between(address: str) -> type[WebSocketHandler]:
    """What serves Playwright, and asks Firefox at an address."""

    class Between(WebSocketHandler):
        def check_origin(self, origin: str) -> bool:
            return True

        async def open(self, *path: str) -> None:
            self.firefox = await websocket_connect(f"{address}/session", max_message_size=LARGEST)
            asyncio.get_running_loop().create_task(self.answers())

        async def answers(self) -> None:
            while (message := await self.firefox.read_message()) is not None:
                await self.write_message(tolerated(str(message)))
            self.close()

        async def on_message(self, message: str | bytes) -> None:
            await self.firefox.write_message(message)

        def on_close(self) -> None:
            self.firefox.close()

    return Between


async def main() -> int:
    """Run Firefox until it ends, and serve what drives it."""
    assert FIREFOX
    browser = await asyncio.create_subprocess_exec(FIREFOX, *sys.argv[1:], stderr=asyncio.subprocess.PIPE)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, browser.terminate)
    assert browser.stderr
    while line := await browser.stderr.readline():
        if found := LISTENING.search(line):
            server = HTTPServer(Application([("/session", between(found[1].decode()))],
                                            websocket_max_message_size=LARGEST))  # fmt: skip
            sockets = bind_sockets(0, "127.0.0.1")
            server.add_sockets(sockets)
            line = f"WebDriver BiDi listening on ws://127.0.0.1:{sockets[0].getsockname()[1]}\n".encode()
        os.write(2, line)
    return await browser.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
