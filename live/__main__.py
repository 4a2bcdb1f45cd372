"""``python -m live``: fetch what runs in the reader's browser, refresh its pins, test the engine in it."""

from __future__ import annotations

import argparse
import sys

from . import engine, fetch


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(prog="python -m live", description=(__doc__ or "").split(": ", 1)[1])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch", help="fill the cache, so that a build needs no network")
    commands.add_parser("pins", help="write live/pins.toml again, for the newest of everything")
    tests = commands.add_parser("tests", help="run the engine's tests inside the interpreter that the pages ship")
    tests.add_argument("names", nargs="*", help="test modules, for example test_machine (default: all that can run)")
    options = parser.parse_args()
    if options.command == "pins":
        fetch.refresh()
    elif options.command == "tests":
        sys.exit(engine.run(options.names))
    elif options.command == "fetch":
        files = fetch.every(["kernel", "editor", "notebook", "tests"])
        print(
            f"{len(files)} packages, {sum(path.stat().st_size for path in files.values()) / 1e6:.1f} MB: {fetch.CACHE}"
        )


if __name__ == "__main__":
    main()
