"""Questions of chapter 12."""

from __future__ import annotations

import random

from ...arithmetic.fleet import Fleet
from ...arithmetic.geometry import HugePage
from ...facts.schemes import DEVICE_DAX
from ...units import GiB, TiB, format_size
from ..ask import Question, in_units, size
from ..prompt import Given


def _gross(memory: int, scheme: str = "head page") -> int:
    """Bytes freed from the struct pages of so much memory in 2 MiB pages, before page tables."""
    page = HugePage("2 MiB")
    return memory // page.size * page.freed(scheme) * page.base_page


def _given_fleet(r: random.Random) -> Given:
    low, quarters = r.choice((128, 256, 512)), r.choice((1, 2))
    return {
        "hosts": 512 * r.randrange(1, 9),
        "low": f"{low} GiB",
        "high": format_size(4 * low * GiB),
        "least": 25 * quarters,
        "most": 25 * (quarters + 1),
    }


def _fleet(g: Given) -> Fleet:
    return Fleet(g["hosts"], (g["low"], g["high"]), (g["least"] / 100, g["most"] / 100))


def _huge(g: Given, end: str = "low") -> int:
    """Bytes in huge pages of the whole fleet at one end of the range."""
    fleet = _fleet(g)
    return fleet.hosts * int(getattr(fleet.huge_pages, end)) * fleet.page.size


def _dax(g: Given) -> int:
    page = HugePage("2 MiB")
    return int(g["memory"]) * TiB // page.size * page.freed(DEVICE_DAX) * page.base_page


QUESTIONS: dict[str, Question] = {
    "half of the RAM in huge pages": Question(
        "Half of an x86-64 host's RAM is in 2 MiB pages, and the optimisation of 5.18 is on. How much "
        "memory comes back for each GiB of the host's RAM, before page tables?",
        size,
        lambda _: _gross(GiB // 2),
        "Half of each GiB is 256 huge pages, and each gives 28 KiB back.",
        (
            (lambda _: _gross(GiB), "That is for RAM that is all in huge pages; here it is half."),
            (lambda _: GiB // 2 * 7 // 8, "87.5 % comes back of the memory that the struct pages fill, not of the memory that they describe."),
            (lambda _: GiB // 2 // 64, "That is all the struct pages of the huge half. One frame in eight stays."),
            (lambda _: GiB // 64, "That is all the struct pages of a GiB, before anything is saved."),
            (lambda _: _gross(GiB // 2, "tail page"), "That is the scheme of 5.14, which keeps two frames in eight."),
        ),
        write=in_units,
        hint="How many huge pages are in half a GiB, and what does each give back?",
    ),
    "low end of a fleet": Question(
        "A fleet of {hosts:,} x86-64 hosts, each with {low} to {high} of RAM, of which {least} to {most} % is in 2 MiB pages. What "
        "does the fleet save at the low end of the range, since 5.18 and before page tables?",
        size,
        lambda g: _gross(_huge(g)),
        "The low end takes the smallest memory and the smallest share: 14 MiB for each GiB in huge pages.",
        (
            (lambda g: _gross(_huge(g, "high")), "That is the other end: the most memory and the largest share."),
            (lambda g: _gross(_huge(g) * g["most"] // g["least"]), "The memory is the smallest, but the share is not."),
            (lambda g: _gross(_huge(g) * 100 // g["least"]), "That takes all of the RAM as huge pages. Which share is?"),
            (lambda g: _huge(g) // 64, "Those are all the struct pages of the huge pages. One frame in eight stays."),
            (lambda g: _huge(g) * 7 // 8, "87.5 % comes back of the memory that the struct pages fill, not of the memory that they describe."),
            (lambda g: _gross(_huge(g), "tail page"), "6 frames of 8 is the scheme of 5.14."),
            (lambda g: _gross(_huge(g)) // g["hosts"], "That is one host."),
        ),
        _given_fleet,
        in_units,
        hint="Take the smallest memory and the smallest share, count the huge pages, and what each gives back.",
    ),
    "half of the savings": Question(
        "The kernel's documentation says that device DAX saves half as much as HugeTLB. For {memory} TiB of device-DAX memory in "
        "2 MiB pages, how much does it save, before page tables?",
        size,
        _dax,
        "Two frames in eight hold struct pages, so 6 are never taken, where HugeTLB frees 7 since 5.18. What doubles is what is left.",
        (
            (lambda g: _gross(g["memory"] * TiB) // 2, "That is half of what HugeTLB saves. Count the frames that are kept."),
            (lambda g: _gross(g["memory"] * TiB), "That is HugeTLB since 5.18. Device DAX keeps a tail page as well."),
            (lambda g: g["memory"] * TiB // 64, "Those are all the struct pages. Some frames are kept."),
            (lambda g: g["memory"] * TiB // 64 - _dax(g), "That is what is left."),
        ),
        lambda r: {"memory": r.randrange(1, 9)},
        in_units,
        hint="How many of eight frames does device DAX keep? The others are saved, for each 2 MiB.",
    ),
}  # fmt: skip
