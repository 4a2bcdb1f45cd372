"""What was seen, gathered by host and boot: one text may hold several, and one host several texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from ...facts import hosts as facts
from .forms import Reading, Seen
from .intake import Document

Key = tuple[str, int | None, int | None]

_LISTS = ("words", "e820", "ranges", "node pages", "log got", "log lost")
"""What may stand several times for one boot, and is gathered and not replaced."""
_IDENTITY = ("release", "architecture", "base page", "RAM", "ranges", "memblock", "log frees", "log frees pages",
             "log pool", "banner", "RAM pages")  # fmt: skip
"""What one boot says one way: another value is another boot or host."""
_STATE = ("pool", "switch", "counted at boot", "counted later", "default pool", "all pools", "node pool",
          "default size", "managed pages")  # fmt: skip
"""What changes while a kernel runs. Where two texts differ in it, they are told apart."""
_NAMELESS = ("localhost", "(none)", "kernel", "host", "linux", "debian")
ANOTHER = 0.03
"""MemTotal that differs by more than this is another host's; the optimisation alone adds at most 1/64."""


@dataclass
class Boot:
    """All that was seen of one boot of one host; the last of each thing holds."""

    root: str
    last: dict[Key, Seen] = field(default_factory=dict)
    lists: dict[str, list[Seen]] = field(default_factory=dict)
    order: list[Seen] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)

    def get(self, what: str, size: int | None = None, node: int | None = None) -> Any:
        """The value of a thing, or `None`."""
        one = self.last.get((what, size, node))
        return None if one is None else one.value

    def seen(self, what: str) -> Seen | None:
        """Where a thing was seen."""
        return self.last.get((what, None, None))

    def all(self, what: str) -> list[Seen]:
        """Every size and node of a thing."""
        return [one for (name, _, _), one in self.last.items() if name == what]

    def add(self, one: Seen) -> None:
        """Take something in."""
        self.order.append(one)
        if one.what in _LISTS:
            known = self.lists.setdefault(one.what, [])
            if all((old.value, old.size, old.node) != (one.value, one.size, one.node) for old in known):
                known.append(one)
            return
        key = (one.what, one.size, one.node)
        old = self.last.get(key)
        if old is not None and one.what.startswith("capacity") and old.value > one.value:
            return  # what is allocatable is less than the capacity, and comes after it
        if old is not None and old.value != one.value and one.what in (*_STATE, "MemTotal"):
            self.changed.add(one.what)
        self.last[key] = one

    @property
    def host(self) -> str | None:
        """The host's name."""
        return self.get("host")  # type: ignore[no-any-return]


def gather(reading: Reading, documents: list[Document]) -> list[Boot]:
    """The boots in what was read, in the order of the text; those that say the same are one."""
    stretches: list[Stretch] = []
    document = -1
    blocks = list(_blocks(_named(reading.seen)))
    for place, block in enumerate(blocks):
        number = block[0].at[0]
        root = documents[number].root
        # A file of a report says for itself which boot it is of.
        apart = bool(root) and number != document
        document = number
        if not stretches or root != stretches[-1].boot.root or apart or block[0].what == "reboot":
            stretches.append(Stretch(root))
        elif stretches[-1].conflicts(block):
            stretches[-1:] = stretches[-1].cut(block, blocks[place + 1 : place + 1 + _NEAR])
            continue
        stretches[-1].add(block)
    boots = _merged([one.boot for one in stretches if one.boot.order])
    for boot in boots:
        _told_by_another_boot(boot, boots)
    return boots


def _told_by_another_boot(boot: Boot, boots: list[Boot]) -> None:
    """Take in what does not change from boot to boot: the architecture of a host of the same name."""
    if boot.host and boot.get("architecture") is None:
        others = {one.get("architecture") for one in boots if one.host and _short(one.host) == _short(boot.host)}
        if len(others - {None}) == 1:
            boot.add(Seen("architecture", (others - {None}).pop()))


Block = list[Seen]
"""What one source says in one go: a meminfo, a boot log, the pools of sysfs."""


def _blocks(seen: Iterable[Seen]) -> Iterator[Block]:
    """What was seen, by sources: where the source changes, or says a thing again, another begins."""
    block: Block = []
    told: set[Key] = set()
    source = None
    for _, together in groupby(seen, lambda one: one.at):
        statement = list(together)
        own = _source(statement)
        if own is None and block and all(one.what in _UNTOLD for one in statement):
            own = source
        keys = {_key(one) for one in statement if one.what not in _ANYWHERE}
        if block and (own != source or keys & told or statement[0].what == "reboot" or own is None):
            yield block
            block, told = [], set()
        block += statement
        told |= keys
        source = own
    if block:
        yield block


_SOURCE = {
    what: source
    for source, whats in {
        "log": ("banner", "RAM", "words", "e820", "ranges", "node pages", "memblock", "crosses", "log frees",
                "log frees pages", "log on", "log off", "log pool", "log got", "log lost",
                "no HugeTLB", "CMA instead"),
        "meminfo": ("MemTotal", "default pool", "default size", "all pools", "direct map"),
        "meminfo of nodes": ("node MemTotal", "node default"),
        "vmstat": ("counted at boot", "counted later"),
        "zoneinfo": ("zone",),
        "report on memory": ("OOM zone", "RAM pages"),
        "sysfs": ("pool",),
        "sysfs of nodes": ("node pool",),
        "sysctl": ("switch", "no switch", "sysctl pool", "sysctls listed"),
    }.items()
    for what in whats
}  # fmt: skip
"""Which source says a thing; what is not here is a source of its own."""
_ANYWHERE = ("size", "host", "release", "architecture", "base page", "32 bits", "struct page", *_LISTS)
"""What several sources say, or one says several times."""
_UNTOLD = ("size", "32 bits")
"""What says too little to begin a source."""
_NEAR = 24
"""Blocks before and after a conflict that are weighed."""


def _source(block: Block) -> str | None:
    """The source of a block."""
    return next((source for one in block if (source := _SOURCE.get(re.sub(r"zone \w+$", "zone", one.what)))), None)


class Stretch:
    """Blocks one after the other that may be of one boot."""

    def __init__(self, root: str) -> None:
        self.boot = Boot(root)
        self.blocks: list[Block] = []
        self.first: dict[str, int] = {}

    def add(self, block: Block) -> None:
        """Take a block in."""
        self.first.setdefault(_source(block) or block[0].what, len(self.blocks))
        for one in block:
            if one.what != "reboot":
                self.boot.add(one)
        self.blocks.append(block)

    def conflicts(self, block: Block) -> bool:
        """Whether something in a block cannot be of this boot; a second banner begins another log."""
        return any(
            _differs(self.boot, one) or (one.what == "banner" and self.boot.get("banner") is not None) for one in block
        )

    def cut(self, block: Block, after: list[Block]) -> tuple[Stretch, Stretch]:
        """This and the stretch that a block which conflicts begins, with what stands before it and fits it better.

        ``after``: the blocks that follow, which tell what the new one says later.
        """
        blocks = [*self.blocks[-_NEAR:], block]
        start = len(self.blocks) + 1 - len(blocks)
        best, least = len(blocks) - 1, (1 << 30, 0, 0)
        following: list[Block] = []
        later = self._of([block])
        for one in after:
            if later.conflicts(one):
                break
            later.add(one)
            following.append(one)
        for at in range(len(blocks) - 1, 0 if not start else -1, -1):
            if at < len(blocks) - 1 and later.conflicts(blocks[at]):
                break
            later = self._of([*blocks[at:], *following])
            again = sum(self._again(blocks[n], start + n) for n in range(at))
            again += sum(later._again(one, n) for n, one in enumerate(later.blocks)) + 2 * later.strange()
            begins = any(one.what in ("host", "banner", "release") for one in blocks[at])
            weight = (again, -begins, -at)
            if weight < least:
                best, least = at, weight
        parts = Stretch(self.boot.root), Stretch(self.boot.root)
        for one in self.blocks[: start + best]:
            parts[0].add(one)
        for one in blocks[best:]:
            parts[1].add(one)
        return parts

    def _of(self, blocks: list[Block]) -> Stretch:
        stretch = Stretch(self.boot.root)
        for one in blocks:
            stretch.add(one)
        return stretch

    def _again(self, block: Block, at: int) -> bool:
        """Whether the source of a block has spoken before."""
        return self.first.get(_source(block) or block[0].what, at) < at

    def strange(self) -> bool:
        """Whether this holds huge pages that its architecture does not have."""
        name = self.boot.get("architecture")
        known = {size for architecture, _, sizes in facts.SIZES if architecture == name for size in sizes}
        told = {one.size for what in ("pool", "node pool", "log pool") for one in self.boot.all(what)}
        return bool(known) and not told <= known


def _named(seen: Iterable[Seen]) -> Iterable[Seen]:
    """What was seen, each line's own host name told before it."""
    host = None
    for one in seen:
        if one.what == "host" and (len(one.value) < 2 or one.value.lower().split(".")[0] in _NAMELESS):
            continue
        if one.what in ("banner", "reboot"):
            host = None  # of another boot it is told again
        if one.host and one.host != host and one.host.lower() not in _NAMELESS:
            host = one.host
            yield Seen("host", host, at=one.at)
        yield one


def _short(name: str) -> str:
    return name.lower().split(".")[0]


def _differs(boot: Boot, one: Seen) -> bool:
    """Whether something cannot be of this boot."""
    if one.what in _LISTS and one.what != "ranges":
        return False
    old = boot.get(one.what, one.size, one.node)
    if one.what == "ranges":
        return any(known.value != one.value for known in boot.lists.get("ranges", ()))
    if old is None or old == one.value:
        return False
    if one.what == "host":
        return _short(old) != _short(one.value)
    if one.what == "MemTotal":
        return bool(abs(old - one.value) > ANOTHER * max(old, one.value))
    return one.what in _IDENTITY


def _merged(boots: list[Boot]) -> list[Boot]:
    """Boots of which nothing differs are one: a log twice, or a log here and counters there."""
    merged: list[Boot] = []
    for boot in boots:
        for at in range(len(merged) - 1, max(-1, len(merged) - 65), -1):
            if _one_boot(merged[at], boot):
                for one in boot.order:
                    merged[at].add(one)
                break
        else:
            merged.append(boot)
    # What a report's nameless part says may fit a boot that came after it.
    return _merged(merged) if 1 < len(merged) < len(boots) else merged


def _one_boot(a: Boot, b: Boot) -> bool:
    if a.root != b.root:
        return False
    if a.host and b.host and _short(a.host) != _short(b.host):
        return False
    if any(_differs(a, one) for one in (*b.last.values(), *b.lists.get("ranges", ()))):
        return False
    if any(a.get(*_key(one)) not in (None, one.value) for one in b.last.values() if one.what in _STATE):
        return False
    said = [
        tuple(word for one in boot.lists.get("words", ()) for word in one.value.split() if "huge" in word)
        for boot in (a, b)
    ]
    if a.lists.get("words") and b.lists.get("words") and set(said[0]) != set(said[1]):
        return False
    for boot, other in ((a, b), (b, a)):
        ram, total = boot.get("RAM"), other.get("MemTotal")
        if ram and total and total > ram:
            return False
    return True


def _key(one: Seen) -> Key:
    return one.what, one.size, one.node
