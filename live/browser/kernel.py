"""The Python half of a page's kernel: runs cells, shows what they leave, carries widgets' messages. Runs in the worker.

`post` reaches the page. ipywidgets and anywidget are the real ones, on a stand-in for IPython.
"""

from __future__ import annotations

import base64
import contextlib
import json
import linecache
import sys
import traceback
from collections.abc import Callable, Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import comm
import IPython.display
from comm.base_comm import BaseComm, CommManager
from IPython.lib.pretty import pretty
from pyodide.code import eval_code_async  # type: ignore[import-not-found]

from hvlib.kernels import observe
from hvlib.pictures import film


def _nowhere(kind: str, text: str, buffers: list[Any]) -> None: ...


outlet: Callable[[str, str, list[Any]], None] = _nowhere
"""Where messages leave: the worker puts its own here."""


def post(kind: str, data: Any, buffers: Iterable[Any] = ()) -> None:
    """Send the page a message: JSON, because a `None` would not be null otherwise, and what is binary beside it."""
    outlet(kind, json.dumps(data, default=_text), list(buffers))


def _text(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, (bytes, bytearray, memoryview)) else str(value)


class PageComm(BaseComm):
    """A widget's line to the page."""

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
    ) -> None:
        """Send a message to the page."""
        post("comm", {"type": msg_type, "id": self.comm_id, "data": data or {}}, buffers or ())


_manager = CommManager()
comm.create_comm = PageComm
comm.get_comm_manager = lambda: _manager


class _Stream:
    """What is printed, on its way to the page, a line at a time."""

    encoding = "utf-8"

    def __init__(self, name: str) -> None:
        self.name, self.held = name, ""

    def write(self, text: str) -> int:
        self.held += text
        if "\n" in text:
            self.flush()
        return len(text)

    def flush(self) -> None:
        if self.held:
            post("stream", {"name": self.name, "text": self.held})
            self.held = ""

    def isatty(self) -> bool:
        return False


def bundle_of(value: Any) -> dict[str, Any]:
    """A value as a notebook would show it: type -> text or JSON."""
    made: dict[str, Any] = {}
    if not isinstance(value, type) and (describe := getattr(value, "_repr_mimebundle_", None)):
        told = describe()
        made = dict(told[0] if isinstance(told, tuple) else told)
    for kind, method in (("text/html", "_repr_html_"), ("image/svg+xml", "_repr_svg_")):
        if kind not in made and not isinstance(value, type) and (describe := getattr(value, method, None)):
            made[kind] = describe()
    made.setdefault("text/plain", pretty(value))  # type: ignore[no-untyped-call]
    return {kind: text for kind, text in made.items() if text is not None and text != ""}


def show(*values: Any, **_: Any) -> None:
    """IPython's display()."""
    for value in values:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        post("display", bundle_of(value))


_space: dict[str, Any] = {"__name__": "__main__", "display": show}


async def run(number: int, code: str) -> bool:
    """Run a cell; what it shows goes to the page as it comes. Returns whether it ended well."""
    name = f"cell {number + 1}"
    linecache.cache[name] = (len(code), None, code.splitlines(True), name)
    out, err = _Stream("stdout"), _Stream("stderr")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            value = await eval_code_async(code, _space, filename=name)
            if value is not None:
                _space["_"] = value
                shown = bundle_of(value)
                out.flush()
                post("result", shown)
            return True
        except BaseException as why:  # what a reader's code raises is shown to the reader, whatever it is
            out.flush()
            _tell(why, name)
            return False
        finally:
            out.flush()
            err.flush()


def _tell(why: BaseException, name: str) -> None:
    """An error, without the frames that are not the reader's, nor hvlib's."""
    trace = why.__traceback__
    while trace and trace.tb_frame.f_code.co_filename != name:
        trace = trace.tb_next
    text = "".join(traceback.format_exception(why.with_traceback(trace)))
    post("error", {"ename": type(why).__name__, "evalue": str(why), "traceback": text})


def received(comm_id: str, text: str, buffers: list[Any]) -> None:
    """A widget's message from the page, as JSON."""
    data = json.loads(text)
    if line := _manager.comms.get(comm_id):
        try:
            line.handle_msg({"content": {"comm_id": comm_id, "data": data}, "buffers": buffers, "metadata": {}})
        except Exception as why:  # as in a notebook, what a callback raises ends the callback alone
            print(f"{type(why).__name__}: {why}", file=sys.__stderr__)


def sentence() -> str:
    """What the page says when Python is there."""
    version, origin = sys.version.split()[0], observe.here().origin
    return (
        f"Python {version} runs in this page; what you type never leaves your browser. It cannot see your own kernel; "
        f"a record stands in: {origin}."
    )


@cache
def _painted(name: str, way: str) -> Any:
    return json.loads((files("hvlib") / f"films/{name}.{way}.json").read_text("utf-8"))


def _films_as_painted() -> None:
    """Films were painted when the book was built, by this same engine; here they are read, not computed again."""

    def as_painted(way: str, compute: Callable[[film.Film], Any]) -> Callable[[film.Film], Any]:
        @cache
        def read(one: film.Film) -> Any:
            from hvlib.pictures.films import FILMS

            name = next((name for name, known in FILMS.items() if known is one), None)
            return _painted(name, way) if name else compute(one)

        return read

    for way in ("reel", "upright"):
        setattr(film, way, as_painted(way, getattr(film, way)))


IPython.display.display = show
_films_as_painted()
