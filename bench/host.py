"""A large host optimised, checked and restored, against NumPy writing the same arrays; growth with size.

    python -m bench.host '{"gib": 64, "scheme": "shared tail", "turns": 1}'      one measurement, as JSON

A host "of 1 TiB" has 524,288 huge pages of 2 MiB, and 1/32 more RAM for the struct pages and for copies of heads.
Times are CPU seconds, which others on the machine disturb less than they disturb a clock.
"""

from __future__ import annotations

import json
import math
import resource
import sys
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import hvlib as hv
from hvlib.mechanism import invariants
from hvlib.mechanism.events import Event
from hvlib.mechanism.frames import PerFrame
from hvlib.mechanism.vmemmap import Vmemmap

from .measure import cpu_seconds, output, ratios, significant, summary, told

Actions = dict[str, list[float]]
PER_GIB = 512
SCHEMES = [scheme.name for scheme in hv.SCHEMES.values() if scheme.kept is not None]
MAIN = "head page, copied"
GROWTH = {64: 5, 256: 5, 1024: 5, 4096: 3, 12 * 1024: 3}
"""GiB of huge pages -> turns."""
SMALL = 256
"""Huge pages of the host on which it is found out which arrays change."""


def run(turns: int = 5, largest: int = 12 * 1024) -> dict[str, Any]:
    """Ratios for every scheme at 1 TiB, where the time goes, and growth; each measurement in a Python of its own."""
    main = min(1024, largest)
    found: dict[str, Any] = {"gib": main, "schemes": {}, "growth": {}}
    for scheme in SCHEMES:
        told(f"{main} GiB, {scheme}")
        found["schemes"][scheme] = _child(gib=main, scheme=scheme, turns=turns)
    told(f"{main} GiB, where the time goes")
    found["profile"] = _child(gib=main, scheme=MAIN, turns=0)
    for gib, times in GROWTH.items():
        if gib <= largest:
            told(f"growth: {gib} GiB")
            found["growth"][str(gib)] = _child(gib=gib, scheme=MAIN, turns=times, growth=True)
    found["exponent"] = exponent(found["growth"])
    return found


def _child(**what: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output("-m", "bench.host", json.dumps(what)))
    return found


def exponent(growth: dict[str, Any]) -> float:
    """The power of the size with which the time of optimising grows: 1 is linear. Least squares on logarithms."""
    sizes = [math.log(float(gib)) for gib in growth]
    times = [math.log(one["optimize"]["median"]) for one in growth.values()]
    return significant(float(np.polyfit(sizes, times, 1)[0]))


def host(gib: int) -> tuple[hv.Machine, hv.Pool]:
    """A machine with huge pages of ``gib`` GiB in all, and those; nothing is checked unless asked for."""
    machine = hv.Machine(f"{gib * 33 * 32} MiB", check=False)
    return machine, machine.hugetlb("2 MiB", gib * PER_GIB)


# --- the baseline ----------------------------------------------------------------------------------------------------


def arrays(vmemmap: Vmemmap) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays that a `Vmemmap` keeps for every vmemmap page, or for every frame it has to do with."""
    pages = {name: a for name, a in vars(vmemmap).items() if isinstance(a, np.ndarray) and len(a) == vmemmap.nr_pages}
    facts = {name: fact.known for name, fact in vars(vmemmap).items() if isinstance(fact, PerFrame)}
    return {**pages, **facts}


def changes(scheme: str, restoring: bool) -> dict[str, float]:
    """Array -> elements per huge page that an operation changes at one time or another.

    Found on a small host: its history is replayed, and every array is compared around every event.
    """
    machine = hv.Machine("4 GiB", check=False)
    pool = machine.hugetlb("2 MiB", SMALL)
    if restoring:
        pool.optimize(scheme)
    begin = len(machine.events)
    replayed = machine.at(begin).vmemmap
    _ = pool.restore() if restoring else pool.optimize(scheme)
    changed: dict[str, np.ndarray[Any, Any]] = {}
    for event in machine.events[begin:]:
        before = {name: array.copy() for name, array in arrays(replayed).items()}
        event.apply(replayed)
        for name, array in arrays(replayed).items():
            was, so_far = np.zeros_like(array), changed.get(name, np.zeros(0, np.bool_))
            was[: len(before[name])] = before[name]  # more frames may be known now
            changed[name] = array != was
            changed[name][: len(so_far)] |= so_far
    return {name: int(np.count_nonzero(mask)) / SMALL for name, mask in changed.items() if np.any(mask)}


class Baseline:
    """NumPy writing what an operation changes, once, into arrays of its own that were written before.

    ``whole``: one pass ``array[...] = value`` over each array of which something changes. ``plain``: the same, but
    with an element for each frame of the machine wherever the engine has one for those that hold struct pages only.
    ``slice`` and ``index``: as many elements as change, side by side, or one by one through an array of their places.
    """

    def __init__(self, vmemmap: Vmemmap, scheme: str, count: int) -> None:
        self.places = np.arange(0, dtype=np.int64)
        self.parts: dict[bool, list[tuple[np.ndarray[Any, Any], int]]] = {}
        self.plains: dict[bool, list[np.ndarray[Any, Any]]] = {False: [], True: []}
        kept: dict[str, np.ndarray[Any, Any]] = {}
        plain: dict[str, np.ndarray[Any, Any]] = {}
        for restoring in (False, True):
            self.parts[restoring] = []
            for name, each in changes(scheme, restoring).items():
                like = arrays(vmemmap)[name]
                if name not in kept:
                    kept[name] = np.ones(len(like), like.dtype)
                    every = len(like) if len(like) == vmemmap.nr_pages else vmemmap.nr_frames
                    plain[name] = np.ones(every, like.dtype)
                self.parts[restoring].append((kept[name], min(len(like), round(each * count))))
                self.plains[restoring].append(plain[name])
        self.places = np.arange(max(changed for part in self.parts.values() for _, changed in part), dtype=np.int64)

    def plain(self, restoring: bool = False) -> None:
        """The arrays of a model that keeps what it knows of frames for each frame of the machine."""
        for array in self.plains[restoring]:
            array[...] = 0

    def whole(self, restoring: bool = False) -> None:
        """Every element of the arrays."""
        for array, _ in self.parts[restoring]:
            array[...] = 0

    def slice(self, restoring: bool = False) -> None:
        """As many elements as change, side by side."""
        for array, changed in self.parts[restoring]:
            array[:changed] = 0

    def index(self, restoring: bool = False) -> None:
        """As many elements as change, through an array of places."""
        for array, changed in self.parts[restoring]:
            array[self.places[:changed]] = 0

    def ways(self) -> dict[str, Callable[[bool], None]]:
        """The four."""
        return {"whole": self.whole, "plain": self.plain, "slice": self.slice, "index": self.index}


# --- one measurement, in a process of its own ------------------------------------------------------------------------


def against_numpy(gib: int, scheme: str, turns: int) -> dict[str, Any]:
    """CPU seconds of optimising, checking and restoring, of the baselines, and the ratios of each turn."""
    machine, _ = host(gib)
    baseline = Baseline(machine.vmemmap, scheme, gib * PER_GIB)
    del machine
    taken: Actions = defaultdict(list)
    for _ in range(turns):
        machine, pool = host(gib)
        taken["optimize"].append(cpu_seconds(partial(pool.optimize, scheme)))
        taken["check"].append(cpu_seconds(partial(checked, machine)))
        for name, way in baseline.ways().items():
            taken[f"{name}, optimize"].append(cpu_seconds(partial(way, False)))
            taken[f"{name}, restore"].append(cpu_seconds(partial(way, True)))
        taken["restore"].append(cpu_seconds(pool.restore))
        checked(machine)
        del machine, pool
    taken["checked"] = [a + b for a, b in zip(taken["optimize"], taken["check"], strict=True)]
    found: dict[str, Any] = {name: summary(values) for name, values in taken.items()}
    found["ratios"] = {
        f"{this}, {way}": ratios(taken[this], taken[f"{way}, {'restore' if this == 'restore' else 'optimize'}"])
        for this in ("optimize", "checked", "restore") for way in baseline.ways()
    }  # fmt: skip
    return found


def checked(machine: hv.Machine) -> None:
    """Check every invariant once, and that nothing is left in hand."""
    invariants.check_all(machine.vmemmap, "the whole operation")
    invariants.check_settled(machine.vmemmap)


def growing(gib: int, scheme: str, turns: int) -> dict[str, Any]:
    """CPU seconds of optimising and restoring, without check or baseline, and the peaks of memory in MiB.

    ``optimised_mib``: until all is optimised for the first time; ``peak_mib``: until the end. ``system``: of
    optimising, the seconds in the kernel, which gives out fresh memory for the arrays of the events.
    """
    taken: Actions = defaultdict(list)
    optimised = 0.0
    for _ in range(turns):
        machine, pool = host(gib)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_stime
        taken["optimize"].append(cpu_seconds(partial(pool.optimize, scheme)))
        taken["system"].append(resource.getrusage(resource.RUSAGE_SELF).ru_stime - before)
        optimised = optimised or peak_mib()
        taken["restore"].append(cpu_seconds(pool.restore))
        del machine, pool
    peaks = {"optimised_mib": significant(optimised), "peak_mib": significant(peak_mib())}
    return {**{name: summary(values) for name, values in taken.items()}, **peaks}


def peak_mib() -> float:
    """The most memory that this process had so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


def profile(gib: int, scheme: str) -> dict[str, float]:
    """CPU seconds by kind of event while a pool is optimised; ``choosing`` is what is left: finding out what to do."""
    machine, pool = host(gib)
    begin = len(machine.events)
    total = cpu_seconds(partial(pool.optimize, scheme))
    events: tuple[Event, ...] = machine.events[begin:]
    del machine, pool
    machine, _ = host(gib)
    spent: dict[str, float] = defaultdict(float)
    for event in events:
        spent[type(event).__name__] += cpu_seconds(partial(event.apply, machine.vmemmap))
    spent["choosing"] = max(0.0, total - sum(spent.values()))
    return {name: significant(second) for name, second in spent.items()}


def main(what: dict[str, Any]) -> dict[str, Any]:
    """The measurement that was asked for."""
    gib, scheme, turns = what["gib"], what["scheme"], what["turns"]
    if not turns:
        return profile(gib, scheme)
    return growing(gib, scheme, turns) if what.get("growth") else against_numpy(gib, scheme, turns)


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
