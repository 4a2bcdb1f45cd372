"""``python -m live``: fetch what runs in the reader's browser, put it beside the built pages, refresh the pins."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import fetch

SITE = Path(__file__).parents[1] / "build" / "book" / "html"


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(prog="python -m live", description=(__doc__ or "").split(": ", 1)[1])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch", help="fill the cache, so that a build needs no network")
    commands.add_parser("pins", help="write live/pins.toml again, for the newest of everything")
    options = parser.parse_args()
    if options.command == "pins":
        fetch.refresh()
    elif options.command == "fetch":
        files = fetch.every(["kernel", "editor", "notebook", "tests"])
        print(
            f"{len(files)} packages, {sum(path.stat().st_size for path in files.values()) / 1e6:.1f} MB: {fetch.CACHE}"
        )


if __name__ == "__main__":
    main()
