"""The commands that take text about hosts: ``hvlib host``, ``hvlib plan``, ``hvlib fleet``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .arithmetic.plan import plan as make_plan
from .errors import BadInput
from .kernels import observe
from .kernels.host import ask, intake
from .kernels.host.inventory import Inventory, inventory, of_reports
from .terminal import Parser, complain, say


def host(arguments: list[str]) -> int:
    """Print what text says of its hosts. Returns 0 if something was understood, 2 with one sentence otherwise."""
    parser = Parser(
        prog="hvlib host", example="dmesg.txt meminfo.txt",
        description="What the struct pages of a host cost, what is saved, and what could be, from text about it.",
    )  # fmt: skip
    parser.add_argument("file", nargs="*", help="files, folders, tar or zip archives, or -; without any, this machine")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for programs")
    form.add_argument("--half-page", metavar="N", help="a draft of the decision, for N such hosts")
    given = parser.parse_args(arguments)
    try:
        number = None if given.half_page is None else _number(given.half_page, given.half_page, "--half-page 2000")
        answer = ask.files(given.file, sys.stdin.buffer.read) if given.file else observe.host()
        drafted = None if number is None else answer.half_page(number)
    except BadInput as why:
        return complain(str(why))
    say(drafted or (json.dumps(answer.json(), indent=2) if given.json else str(answer)))
    return 0


def plan(arguments: list[str]) -> int:
    """Print how many huge pages fit. Returns 1 if what was asked for does not, 2 for what cannot be read."""
    parser = Parser(
        prog="hvlib plan", example="128GiB 1G=120 --system 4GiB --nodes 2",
        description="How many huge pages fit into a host, and what is left, with the optimisation and without.",
    )  # fmt: skip
    parser.add_argument("memory", help="RAM of the host")
    parser.add_argument("pool", nargs="*", help="pages wanted, size=number")
    parser.add_argument(
        "--guest", action="append", default=[], metavar="N:MEMORY:SIZE", help="N guests in pages of SIZE"
    )
    parser.add_argument("--system", default="0", help="what kernel, firmware and everything else need")
    parser.add_argument("--nodes", default="1", help="NUMA nodes, among which all is spread")
    parser.add_argument("--scheme", default="head page, copied")
    parser.add_argument("--architecture", default="x86-64")
    given = parser.parse_args(arguments)
    try:
        pools: dict[str, int] = {}
        for one in given.pool:
            size, _, count = one.partition("=")
            pools[size] = pools.get(size, 0) + _number(count, one, "1G=120")
        guests = []
        for one in given.guest:
            number, _, rest = one.partition(":")
            memory, _, size = rest.partition(":")
            guests.append((_number(number, one, "10:16G:1G"), memory, size))
        system = given.system if given.system != "0" else 0
        made = make_plan(
            given.memory, pools, system, guests=guests, nodes=_number(given.nodes, given.nodes, "2"),
            scheme=given.scheme, architecture=given.architecture,
        )  # fmt: skip
    except BadInput as why:
        return complain(str(why))
    say(str(made))
    return 0 if made.fits else 1


def fleet(arguments: list[str]) -> int:
    """Print a fleet by groups. Returns 2 with one sentence for what cannot be read."""
    parser = Parser(
        prog="hvlib fleet", example="inventory.csv --picture fleet.svg",
        description="A fleet from an inventory (CSV: hosts, ram, kernel, architecture, and a column for each huge page "
        "size), or from support reports, one for each host.",
    )  # fmt: skip
    parser.add_argument(
        "file", nargs="+", help="one .csv, or files, folders and archives, one for each host; - is a .csv"
    )
    parser.add_argument("--csv", action="store_true", help="the table for programs, in bytes")
    parser.add_argument("--picture", metavar="FILE", help="write a picture: .svg, .png or .pdf")
    given = parser.parse_args(arguments)
    try:
        told = _inventory(given.file)
        if given.picture:
            _draw(told, given.picture)
    except BadInput as why:
        return complain(str(why))
    say(told.csv().rstrip("\n") if given.csv else str(told))
    return 0


def _inventory(names: list[str]) -> Inventory:
    if len(names) == 1 and (names[0] == "-" or names[0].lower().endswith(".csv")):
        data = sys.stdin.buffer.read() if names[0] == "-" else _read(names[0])
        return inventory(intake.decode(data))
    return of_reports(one for name in names for one in ask.files([name], bytes).hosts)


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except (OSError, ValueError) as why:
        raise BadInput(f"{name[:80]} cannot be read ({why}); name a CSV file.") from None


def _draw(told: Inventory, name: str) -> None:
    from .pictures.bars import bars  # matplotlib takes a second, and few ask for it

    try:
        bars([(one.name, one.memmap, one.saved, one.to_save) for one in told.groups]).savefig(name)
    except (OSError, ValueError) as why:
        raise BadInput(
            f"the picture {name[:80]} cannot be written ({str(why)[:80]}); end it in .svg or .png."
        ) from None


def _number(text: str, whole: str, example: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise BadInput(f"{whole[:40]!r} has no number where one belongs; write for example {example}.")
    return int(text)


COMMANDS = {"host": host, "plan": plan, "fleet": fleet}
