"""The commands that take text about hosts: ``hvlib host``, ``hvlib plan``, ``hvlib fleet``."""

from __future__ import annotations

import json
import sys

from .command import Parser, complain, say
from .errors import BadInput
from .kernels import observe
from .kernels.host import ask


def host(arguments: list[str]) -> int:
    """Print what text says of its hosts. Returns 0 if something was understood, 2 with one sentence otherwise."""
    parser = Parser(
        prog="python -m hvlib host", example="dmesg.txt meminfo.txt",
        description="What the struct pages of a host cost, what is saved, and what could be, from text about it.",
    )  # fmt: skip
    parser.add_argument("file", nargs="*", help="files, folders, tar or zip archives, or -; without any, this machine")
    parser.add_argument("--json", action="store_true", help="for programs")
    given = parser.parse_args(arguments)
    try:
        answer = ask.files(given.file, sys.stdin.buffer.read) if given.file else observe.host()
    except BadInput as why:
        return complain(str(why))
    say(json.dumps(answer.json(), indent=2) if given.json else str(answer))
    return 0


COMMANDS = {"host": host}
