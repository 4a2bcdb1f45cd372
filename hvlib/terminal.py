"""What command lines have in common: one line for a wrong one, and output that no terminal or pipe can break."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

LONGEST = 240
"""Letters of a line of complaint; what was typed may be endless."""


class Parser(argparse.ArgumentParser):
    """argparse, but a wrong command line gets one sentence with an example instead of the usage and a fragment."""

    def __init__(self, *, example: str = "", **settings: Any) -> None:
        super().__init__(**settings)
        self.example = example

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end with 2."""
        example = f"{self.prog} {self.example}".strip()
        sys.exit(complain(f"{one_line(message)[:LONGEST]}; write for example {example}, or {self.prog} --help."))


def one_line(text: str) -> str:
    """A text without line breaks, cursor movements and other letters that a terminal acts on."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text.rstrip("\n"))


def say(text: str) -> None:
    """Print lines. What a terminal cannot show or would act on is escaped."""
    for line in text.split("\n"):
        print(one_line(line))


def complain(sentence: str) -> int:
    """Print a sentence as one line on standard error; returns the exit code for bad input, 2."""
    print(one_line(sentence), file=sys.stderr)
    return 2


def run(main: Callable[[list[str]], int]) -> NoReturn:
    """Run a command and end the process, quietly if the reader of its output has gone, as with ``| head -1``."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = main(sys.argv[1:])
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        code = 141  # what a shell shows for a program that the signal PIPE ended
        _silence()
    except OSError as why:
        _silence()
        what = "the output cannot be written" if why.filename is None else f"{why.filename!r} cannot be used"
        code = complain(f"{what} ({why.strerror or why}); choose another place for it."[:LONGEST])
    sys.exit(code)


def _silence() -> None:
    """Let what is left of the output go nowhere, or Python would complain when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
