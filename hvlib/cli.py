"""The command ``hvlib``, which is also ``python -m hvlib``: what there is, the book, this machine, records on trial."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from . import __version__, book, lab
from .errors import BadInput, not_one_of
from .terminal import Parser, complain, run, say

FOLDER = "hvlib-book"
"""Where the chapters are copied to, from where the reader stands."""


OF_HOSTS = ("host", "plan", "fleet")
"""Commands of `hvlib.host_command`, which has command lines of its own."""


def main(arguments: list[str]) -> int:
    """Do what a command line says. Returns 1 if a record breaks an expectation, 2 if something was wrong with it."""
    commands: dict[str, Callable[[argparse.Namespace], int]] = {"open": _open, "here": _here, "judge": _judge}
    first = arguments[0] if arguments else "-"
    if first in OF_HOSTS:
        from .host_command import COMMANDS

        return COMMANDS[first](arguments[1:])
    if first not in commands and not first.startswith("-"):
        if first.isidentifier() and not os.path.exists(first):
            return complain(str(not_one_of("The command", first, [*commands, *OF_HOSTS])))
        arguments = ["judge", *arguments]
    more: list[str] = []
    if arguments[:1] == ["open"] and "--" in arguments:
        cut = arguments.index("--")
        arguments, more = arguments[:cut], arguments[cut + 1 :]
    parser = _parser()
    options = parser.parse_args(arguments)
    options.more = more
    if not options.command:
        say(_overview())
        return 0
    try:
        return commands[options.command](options)
    except BadInput as why:
        return complain(str(why))


def start() -> NoReturn:
    """The console script."""
    run(main)


def _parser() -> Parser:
    parser = Parser(
        prog="hvlib", example="open remap", epilog="Without any of these: what there is.",
        description="An interactive textbook on the Linux HugeTLB vmemmap optimisation.",
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"hvlib {__version__}")
    these = parser.add_subparsers(dest="command", metavar="COMMAND")
    one = these.add_parser(
        "open", example="remap", help="copy the chapters to a folder of yours, and open one in JupyterLab",
        description="Copy the chapters, but never over what you changed, and open one in JupyterLab.",
        epilog="What follows -- goes to JupyterLab: hvlib open remap -- --port=8899",
    )  # fmt: skip
    one.add_argument("chapter", nargs="?", default="0", help="its number, or a word of its title (default: 0)")
    one.add_argument("--into", metavar="FOLDER", default=FOLDER, help=f"where to (default: {FOLDER}, here)")
    one.add_argument("--no-browser", action="store_true", help="start JupyterLab, and let me open the address")
    one.add_argument("--copy-only", action="store_true", help="copy the chapters, and do not start JupyterLab")
    these.add_parser("here", help="the model beside this machine", description="The model beside this machine.")
    judge = these.add_parser(
        "judge", example="observed/linux-7.2.json", help="the model on trial against records of real kernels",
        description="The model on trial against records of real kernels; hvlib RECORD means the same.",
    )  # fmt: skip
    judge.add_argument("record", nargs="+", help="a file that the kernel lab wrote (make observe)")
    return parser


def _overview() -> str:
    """One screen: what can be asked for."""
    return "\n".join([
        f"hvlib {__version__}, a textbook on the Linux HugeTLB vmemmap optimisation", "",
        f"  hvlib open [CHAPTER]  copy the chapters to {FOLDER}, open one in JupyterLab",
        "  hvlib here            the model beside this machine",
        "  hvlib host [FILE ...] what struct pages cost a host, from any text about it",
        "  hvlib plan RAM ...    how many huge pages fit into a host, and what is left",
        "  hvlib fleet FILE ...  many hosts, from an inventory or from support reports",
        "  hvlib RECORD ...      the model on trial against records of real kernels",
        "  hvlib --help          more; hvlib open --help: options", "",
        _contents(),
    ])  # fmt: skip


def _contents() -> str:
    return "\n".join(f"  {'' if one.number is None else one.number:>2}  {one.title}" for one in book.chapters())


def _open(options: argparse.Namespace) -> int:
    try:
        chapter = book.chapter(options.chapter)
    except BadInput as why:
        code = complain(str(why))
        say(_contents())
        return code
    if not options.copy_only:
        lab.must_be_here()
    into = Path(os.path.expanduser(options.into)).absolute()
    came = book.copy(into, __version__)
    say(_told(into, came))
    if options.copy_only:
        return 0
    say(f"Starting JupyterLab with {chapter.name}; Ctrl-C here ends it ...")
    lab.trust(book.untouched(into))
    lab.start(lab.arguments(into, f"{chapter.name}.ipynb", browser=not options.no_browser, more=options.more))
    return 0


def _told(into: Path, came: book.Copied) -> str:
    """What became of the reader's folder, in sentences."""
    lines = [f"The book is in {into}."]
    if came.renewed:
        lines.append(f"Renewed, for they were as hvlib had copied them: {', '.join(came.renewed)}.")
    if came.kept:
        lines.append(f"Yours by now, and left as they are: {', '.join(came.kept)}.")
    lines += [f"What hvlib {__version__} has for {name} is beside it, in {new}." for name, new in came.beside.items()]
    return "\n".join(lines)


def _here(options: argparse.Namespace) -> int:
    from .kernels.report import this_machine

    say(this_machine())
    return 0


def _judge(options: argparse.Namespace) -> int:
    from .kernels.report import judged

    good = True
    for name in options.record:
        text, holds = judged(name)
        say(text)
        good = good and holds
    return 0 if good else 1
