"""``python -m classroom``: hold a lesson for a class of simulated students; work out what a class needs."""

from __future__ import annotations

import argparse
import signal
import sys
from functools import partial
from pathlib import Path

from hvlib.errors import BadInput
from hvlib.terminal import Parser, complain, run

from . import sizing


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    parser = Parser(prog="python -m classroom", description=__doc__.split(": ", 1)[1], example="demo --students 5")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="start a JupyterHub on loopback, log students in, run a chapter, stop it")
    demo.add_argument("--students", default="20", help="how many, all at once (default: 20)")
    demo.add_argument("--chapter", help="a chapter's name or a notebook's path (default: 06_remap_to_page_1)")
    demo.add_argument("--proxy", help="the program configurable-http-proxy, if it is not on the path")
    demo.add_argument("--record", type=Path, help="write what was measured to this file")
    size = commands.add_parser("size", help="the sizing table, from a record")
    size.add_argument("record", type=Path, nargs="?", default=sizing.MEASURED, help="default: the one in this folder")
    size.add_argument("--write", action="store_true", help="into classroom/README.md")
    options = parser.parse_args(arguments)
    try:
        return _demo(options) if options.command == "demo" else _size(options)
    except BadInput as sentence:
        return complain(f"classroom: {sentence}")


def _demo(options: argparse.Namespace) -> int:
    try:
        from . import lesson
    except ModuleNotFoundError as error:
        raise BadInput(f"{error.name} is missing; install it with: pip install -e '.[lab,hub]'.") from None
    if not options.students.isdecimal():
        raise BadInput(
            f"students is {options.students!r}; choose a whole number from 1 to {lesson.MOST}, for example 20."
        )
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are born deaf to it
    for number in (signal.SIGTERM, signal.SIGHUP):  # end as with Ctrl-C: in order
        signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        held = lesson.hold(
            int(options.students), options.chapter or lesson.CHAPTER, options.proxy, partial(print, flush=True)
        )
    except KeyboardInterrupt:
        print("\nStopped; nothing is left running.", file=sys.stderr)
        return 130
    print(lesson.report(held))
    if options.record:
        options.record.write_text(lesson.saved(held), "utf-8")
    return 0 if lesson.succeeded(held) else 1


def _size(options: argparse.Namespace) -> int:
    record = sizing.read(options.record)
    if options.write:
        sizing.README.write_text(sizing.with_table(sizing.README.read_text("utf-8"), record), "utf-8")
    else:
        print(sizing.table(record))
    return 0


if __name__ == "__main__":
    run(main)
