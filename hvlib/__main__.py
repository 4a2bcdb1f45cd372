"""``python -m hvlib``: model beside observation, for this machine or for records of the kernel lab."""

from __future__ import annotations

from .command import Parser, complain, run, say
from .errors import BadInput
from .host_command import COMMANDS
from .kernels.report import judged, this_machine


def main(arguments: list[str]) -> int:
    """Print this machine, or judge the records named. Returns 1 if a record breaks an expectation, 2 if it is none."""
    if arguments and arguments[0] in COMMANDS:
        return COMMANDS[arguments[0]](arguments[1:])
    parser = Parser(
        prog="python -m hvlib", description=(__doc__ or "").split("\n")[0], example="observed/linux-7.2.json"
    )
    parser.add_argument("record", nargs="*", help="records that the kernel lab wrote; without any, this machine")
    names = parser.parse_args(arguments).record
    if not names:
        say(this_machine())
    good = True
    for name in names:
        try:
            text, holds = judged(name)
        except BadInput as why:
            return complain(str(why))
        say(text)
        good = good and holds
    return 0 if good else 1


if __name__ == "__main__":
    run(main)
