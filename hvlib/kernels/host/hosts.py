"""What was seen, gathered by host and boot: one text may hold several, and one host several texts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .forms import Reading, Seen
from .intake import Document

Key = tuple[str, int | None, int | None]

_LISTS = ("words", "e820", "ranges", "node pages", "log got", "log lost")
"""What may stand several times for one boot, and is gathered and not replaced."""
_IDENTITY = ("release", "architecture", "base page", "RAM", "ranges", "memblock", "log frees", "log frees pages",
             "log pool", "banner", "boot", "RAM pages")  # fmt: skip
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
    boots: list[Boot] = []
    now: Boot | None = None
    document = -1
    for one in _named(reading.seen):
        root = documents[one.at[0]].root
        # A file of a report says for itself which boot it is of.
        apart = bool(root) and one.at[0] != document
        document = one.at[0]
        if (
            now is None
            or root != now.root
            or apart
            or one.what == "reboot"
            or (one.what == "banner" and now.get("banner") is not None)
        ):
            now = _start(boots, root)
        elif _differs(now, one):
            now = _split(boots, now, one)
        if one.what != "reboot":
            now.add(one)
    return _merged([boot for boot in boots if boot.order])


def _named(seen: Iterable[Seen]) -> Iterable[Seen]:
    """What was seen, each line's own host name told before it."""
    host = None
    for one in seen:
        if one.what == "host" and (len(one.value) < 2 or one.value.lower().split(".")[0] in _NAMELESS):
            continue
        if one.host and one.host != host and one.host.lower() not in _NAMELESS:
            host = one.host
            yield Seen("host", host, at=one.at)
        yield one


def _start(boots: list[Boot], root: str) -> Boot:
    boots.append(Boot(root))
    return boots[-1]


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


def _split(boots: list[Boot], now: Boot, one: Seen) -> Boot:
    """A new boot; what the old one was told a second time, right before, is of the new one already."""
    new = Boot(now.root)
    moved: list[Seen] = []
    for at in range(len(now.order) - 1, -1, -1):
        last = now.order[at]
        again = any(
            (old.what, old.size, old.node) == (last.what, last.size, last.node) for old in now.order[:at][-4000:]
        )
        if not again or last.what in _LISTS:
            break
        moved.append(last)
    if one.what == "host":
        moved = []
    kept = now.order[: len(now.order) - len(moved)]
    fresh = Boot(now.root)
    for each in kept:
        fresh.add(each)
    boots[-1] = fresh
    boots.append(new)
    for each in reversed(moved):
        new.add(each)
    return new


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
    if len(merged) < len(boots) and len(merged) > 1:
        return merged if len(merged) == len(boots) else _merged(merged)
    return merged


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


def _key(one: Seen) -> tuple[str, int | None, int | None]:
    return one.what, one.size, one.node
