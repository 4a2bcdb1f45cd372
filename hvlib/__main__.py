"""``python -m hvlib``: model beside observation, for this machine or for records of the kernel lab."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .errors import BadInput
from .report import judged, this_machine


def main(arguments: list[str]) -> int:
    """Print this machine, or judge the records named. Returns 1 if a record breaks an expectation, 2 if it is none."""
    parser = argparse.ArgumentParser(prog="python -m hvlib", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("record", nargs="*", help="records that the kernel lab wrote; without any, this machine")
    arguments = parser.parse_args(arguments).record
    if not arguments:
        print(this_machine())
        return 0
    good = True
    for name in arguments:
        try:
            text, holds = judged(Path(name))
        except BadInput as why:
            print(why, file=sys.stderr)
            return 2
        print(text)
        good = good and holds
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
