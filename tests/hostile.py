"""Bad input as data: what is called, in which place the bad value stands, and the values that do not belong there.

`CALLS` times the values of each call's kind are the inputs. A call takes a fresh subject (or none) and the value.
`SUBJECTS` says how a subject is made and what of it must be the same afterwards.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

import hvlib as hv
from hvlib.kernels import observe, trial
from hvlib.pictures import draw
from hvlib.pictures.films import FILMS
from hvlib.teaching import concepts, explore, homework

NOTHING = {
    "None": None, "NaN": float("nan"), "infinity": float("inf"), "bytes": b"2 MiB", "an object": object(),
    "a list": ["2 MiB"], "a dictionary": {"size": 1}, "a set": {1},
    "a function": len, "a type": int, "a module": types, "a complex number": 4j, "a range": range(4),
    "NumPy's NaN": np.float64("nan"), "NumPy's true": np.bool_(True), "an array": np.arange(4),
    "a Decimal": Decimal("NaN"), "True": True, "10 MB of text": "x" * 10_000_000,
    "a surrogate": "\ud800", "control characters": "2\x1b[2J\n\x00MiB", "empty text": "", "a smiley": "\N{GRINNING FACE}",
    "a right-to-left mark": "\u202e2 MiB", "a huge number": 1 << 300_000, "a huge negative number": -(1 << 70),
}  # fmt: skip
"""What belongs in no place at all."""


def but(*names: str, **more: Any) -> dict[str, Any]:
    """`NOTHING` without what is good in this place, and with what is bad in this place only."""
    return {name: value for name, value in NOTHING.items() if name not in names} | more


_NUMBERS = {"minus one": -1, "a half": 0.5, "a float": 64.0, "digits": "64", "2^70": 1 << 70}
KINDS: dict[str, dict[str, Any]] = {
    "size": but(**{"minus one": -1, "zero": 0, "a half": 0.5, "a float": 4096.0, "a decimal size": "2 MB", "a word": "huge",
                   "a negative size": "-1 GiB", "no number": "MiB", "two sizes": "2 MiB 2 MiB", "2^64": 1 << 64,
                   "a part of a byte": "1.3 B", "an exponent": "1e9", "hexadecimal": "0x1000", "a list of digits": [2],
                   "zero as text": "0", "NaN as text": "NaN", "a Kelvin sign": "2 \u212aiB", "four hundred nines": "9" * 400 + " GiB"}),
    "number": but(**_NUMBERS, **{"2^40 x 2^40": 1 << 80}),
    "any number": but("a huge negative number", **{"a half": 0.5, "digits": "64"}),
    "name": but(**{"a name that is none": "no such name", "a number": 0, "a space before": " off", "upper case": "OFF",
                   "a tuple": ("off",), "an enormous name": "off" * 1000}),
    "flag": but("True", "NumPy's true", **{"a word": "no", "zero": 0, "one": 1, "two": 2}),
    "maybe a flag": but("True", "NumPy's true", "None", **{"a word": "no", "zero": 0, "one": 1}),
    "seed": but("empty text", "a smiley", "a right-to-left mark", **{"a half": 0.5, "a tuple": (1, 2)}),
    "share": but(**{"minus one": -1, "two": 2, "a word": "half", "three ends": (0.1, 0.2, 0.3), "upside down": (0.6, 0.4),
                    "no second end": (0.4, float("nan"))}),
    "student": but("a smiley", "a right-to-left mark", **{"a number": 7, "spaces": "   ", "too long": "x" * 65}),
    "text": but("empty text", "a smiley", "a surrogate", "control characters", "10 MB of text", "a right-to-left mark",
                **{"a number": 7}),
    "thing": but(**{"a number": 7, "a word": "six"}),
    "optional thing": but("None", **{"a number": 7, "a word": "six"}),
    "memory": but(**{"a text for bytes": "\0" * 64, "a list of numbers": [0] * 64}) | {"bytes": "no bytes"},
    "pair": but(**{"a number": 6, "text": "6.1", "one": (6,), "three": (6, 1, 0), "too old": (-1, 0), "halves": (6.0, 1.0)}),
    "release": but(**{"a number": 6, "text": "6.1", "one": (6,), "four": (6, 1, 0, 0), "too old": (-1, 0), "halves": (6.0, 1.0)}),
    "struct page": but(**{"a half": 64.5, "sixty": 60, "zero": 0, "512": 512, "a word": "large", "minus one": -1}),
    "answer": but(**{"a word": "a few", "a half": 0.5, "a float": 3.7, "a tuple": (1, 2), "a tuple of text": ("a",),
                     "2^70": 1 << 70, "10^5000": 10**5000, "minus one": -1, "zero": 0, "an empty list": [], "a list of digits": [1],
                     "bytes of digits": b"512", "no hexadecimal": "0xzz",
                     "an Arabic digit": "\u0663", "two numbers": "1 GiB 2", "two of four steps": "split, remap",
                     "four hundred nines": "9" * 400 + " TiB", "a function that ends Python": lambda pfn: exit("bye")}),
    "option": but("empty text", **{"a number": 7, "a file": "no/such/file"}),
}  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """How a thing is made that bad input is given to, and what of it can be looked at."""

    make: Callable[[], Any]
    look: Callable[[Any], object]


def _machine() -> hv.Machine:
    machine = hv.Machine("256 MiB")
    machine.hugetlb("2 MiB", 2).optimize("head page")
    return machine


def _seen(machine: hv.Machine) -> object:
    vm = machine.vmemmap
    sets = (vm.held.where(), vm.stale.where())
    arrays = (
        vm.frame,
        vm.writable,
        vm.table,
        *vm.buddy.blocks(),
        *(ends for some in sets for ends in (some.starts, some.ends)),
    )
    return (
        repr(machine), machine.free_frames, machine.nr_vmemmap_frames, machine.check, tuple(map(id, machine.events)),
        [array.tobytes() for array in arrays], dict(vm.shared_tails),
        [pool and (pool.heads.tobytes(), pool.order, pool.prepared, pool.encoding, pool.scheme.name) for pool in vm.pools],
    )  # fmt: skip


def _prediction() -> Any:
    guess = hv.predict("base pages of 1 GiB")
    guess.value = "4096"
    return guess


SUBJECTS = {
    "": Subject(lambda: None, lambda _: None),
    "machine": Subject(_machine, _seen),
    "pool": Subject(lambda: _machine().pools[0], lambda p: (repr(p), p.frames(), p.writable(), _seen(p.machine))),
    "new pool": Subject(lambda: hv.Machine("256 MiB").hugetlb("2 MiB"), lambda p: (repr(p), _seen(p.machine))),
    "record": Subject(lambda: observe.recorded("6.1.192"), repr),
    "hosts": Subject(lambda: hv.Fleet(3, "1 TiB", 0.5), repr),
    "sample": Subject(lambda: hv.Fleet(3, "1 TiB", 0.5).sample(), repr),
    "guess": Subject(_prediction, lambda g: (g.value, g._noted.value, g.verdict())),
    "test": Subject(lambda: hv.concept_test(7), lambda t: (t.answers, t._result.value)),
    "game": Subject(hv.you_are_the_kernel, lambda g: (g.state, g.moves, g.seed)),
    "sandbox": Subject(hv.sandbox, lambda s: (repr(s), s._picture.value)),
    "memory": Subject(lambda: hv.RawMemory(bytes(128), 0x1000), repr),
    **{name: Subject(lambda name=name: getattr(explore, name)(), lambda p: (repr(p), p.note, p.values)) for name in FILMS},
}  # fmt: skip


@dataclass(frozen=True)
class Call:
    """One place for a value: the call as it is typed, with `·` for the value; the kind of value that belongs there."""

    typed: str
    kind: str
    call: Callable[[Any, Any], object]
    subject: str = ""


_PAGE = hv.HugePage("2 MiB")
_SCORE = concepts.Score("7", "before", (), ())
_SHOWN = observe.recorded("6.1.192").entries("2 MiB")
_FINDING = trial.Finding("x", "1", "2")
_RAW = hv.RawMemory(bytes(128), 0x1000)
C = Call
CALLS = [
    C("hv.parse_size(·)", "size", lambda _, v: hv.parse_size(v)),
    C("hv.format_size(·)", "any number", lambda _, v: hv.format_size(v)),
    C("hv.about(·)", "any number", lambda _, v: hv.about(v)),
    C("hv.HugePage(·)", "size", lambda _, v: hv.HugePage(v)),
    C("hv.HugePage('2 MiB', ·)", "size", lambda _, v: hv.HugePage("2 MiB", v)),
    C("hv.HugePage('2 MiB', '4 KiB', ·)", "struct page", lambda _, v: hv.HugePage("2 MiB", "4 KiB", v)),
    C("hv.HugePage('2 MiB').obstacle(·)", "name", lambda _, v: _PAGE.obstacle(v)),
    C("hv.HugePage('2 MiB').kept(·)", "name", lambda _, v: _PAGE.kept(v)),
    C("hv.HugePage('2 MiB').freed(·)", "name", lambda _, v: _PAGE.freed(v)),
    C("hv.HugePage('2 MiB').split_cost(·)", "name", lambda _, v: _PAGE.split_cost(v)),
    C("hv.HugePage('2 MiB').net_saving(·)", "name", lambda _, v: _PAGE.net_saving(v)),
    C("hv.HugePage('2 MiB').bill(·)", "name", lambda _, v: _PAGE.bill(v)),
    C("hv.HugePage('2 MiB').bill('off', ·)", "number", lambda _, v: _PAGE.bill("off", v)),
    C("hv.pfn_to_page(·)", "number", lambda _, v: hv.pfn_to_page(v)),
    C("hv.pfn_to_page(0, ·)", "name", lambda _, v: hv.pfn_to_page(0, v)),
    C("hv.pfn_to_page(7, '4-level', ·)", "struct page", lambda _, v: hv.pfn_to_page(7, "4-level", v)),
    C("hv.page_to_pfn(·)", "number", lambda _, v: hv.page_to_pfn(v)),
    C("hv.page_to_pfn(0xffffea0000000000, ·)", "name", lambda _, v: hv.page_to_pfn(hv.pfn_to_page(0), v)),
    C("hv.page_to_pfn(…, '4-level', ·)", "struct page",
      lambda _, v: hv.page_to_pfn(hv.pfn_to_page(0), "4-level", v)),
    C("hv.SCHEMES[·]", "name", lambda _, v: hv.SCHEMES[v]),
    C("hv.PAGING[·]", "name", lambda _, v: hv.PAGING[v]),
    C("hv.ARCHITECTURES[·]", "name", lambda _, v: hv.ARCHITECTURES[v]),
    C("hv.ARCHITECTURES['s390x'].huge_page(·)", "size", lambda _, v: hv.ARCHITECTURES["s390x"].huge_page(v)),
    C("hv.ARCHITECTURES['x86-64'].huge_page('2 MiB', ·)", "struct page",
      lambda _, v: hv.ARCHITECTURES["x86-64"].huge_page("2 MiB", v)),
    C("hv.Scheme(…, kept=·, …)", "number but None",
      lambda _, v: hv.Scheme("mine", "never", (1, 0), v, "last kept page", False, "pointer", "")),
    C("hv.Scheme(…, tails=·, …)", "name",
      lambda _, v: hv.Scheme("mine", "never", (1, 0), 1, v, False, "pointer", "")),
    C("hv.Scheme(…, encoding=·, …)", "name",
      lambda _, v: hv.Scheme("mine", "never", (1, 0), 1, "last kept page", False, v, "")),
    C("hv.Scheme(…, head_copied=·, …)", "flag",
      lambda _, v: hv.Scheme("mine", "never", (1, 0), 1, "last kept page", v, "pointer", "")),
    C("hv.Scheme(…, since=·, …)", "pair",
      lambda _, v: hv.Scheme("mine", "never", v, 1, "last kept page", False, "pointer", "")),
    # machines
    C("hv.Machine(·)", "size", lambda _, v: hv.Machine(v)),
    C("hv.Machine('1 GiB', ·)", "size", lambda _, v: hv.Machine("1 GiB", v)),
    C("hv.Machine('1 GiB', '4 KiB', ·)", "struct page", lambda _, v: hv.Machine("1 GiB", "4 KiB", v)),
    C("hv.Machine('64 MiB', check=·)", "maybe a flag", lambda _, v: hv.Machine("64 MiB", check=v)),
    C("machine.hugetlb(·)", "size", lambda m, v: m.hugetlb(v), "machine"),
    C("machine.hugetlb('2 MiB', ·)", "number", lambda m, v: m.hugetlb("2 MiB", v), "machine"),
    C("machine.occupy(·)", "number", lambda m, v: m.occupy(v), "machine"),
    C("machine.pfn_to_page(·)", "number", lambda m, v: m.pfn_to_page(v), "machine"),
    C("machine.page_to_pfn(·)", "number", lambda m, v: m.page_to_pfn(v), "machine"),
    C("machine.struct_page_of(·)", "number", lambda m, v: m.struct_page_of(v), "machine"),
    C("machine.compound_head(·)", "number", lambda m, v: m.compound_head(v), "machine"),
    C("machine.head_steps(·)", "number", lambda m, v: m.head_steps(v), "machine"),
    C("machine.write(·, 0, 0)", "number", lambda m, v: m.write(v, 0, 0), "machine"),
    C("machine.write(512, ·, 0)", "number", lambda m, v: m.write(512, v, 0), "machine"),
    C("machine.write(512, 0, ·)", "number", lambda m, v: m.write(512, 0, v), "machine"),
    C("machine.at(·)", "number", lambda m, v: m.at(v), "machine"),
    C("hv.Pool(·, 0)", "thing", lambda _, v: hv.Pool(v, 0)),
    C("hv.Pool(machine, ·)", "number", lambda m, v: hv.Pool(m, v), "machine"),
    C("pool.optimize(·)", "name", lambda p, v: p.optimize(v), "new pool"),
    C("pool.optimize('head page', batch=·)", "flag", lambda p, v: p.optimize("head page", batch=v), "new pool"),
    C("pool.restore(batch=·)", "flag", lambda p, v: p.restore(batch=v), "pool"),
    C("pool.free(batch=·)", "flag", lambda p, v: p.free(batch=v), "pool"),
    C("pool.frames(·)", "number", lambda p, v: p.frames(v), "pool"),
    C("pool.writable(·)", "number", lambda p, v: p.writable(v), "pool"),
    C("pool.vmemmap_pages(·)", "number", lambda p, v: p.vmemmap_pages(v), "pool"),
    # bytes
    C("hv.RawMemory(·, 0)", "memory", lambda _, v: hv.RawMemory(v, 0)),
    C("hv.RawMemory(bytes(64), ·)", "number", lambda _, v: hv.RawMemory(bytes(64), v)),
    C("memory.word(·, 0)", "thing", lambda m, v: m.word(v, 0), "memory"),
    C("memory.word([0x1000], ·)", "number", lambda m, v: m.word(np.array([0x1000], np.uint64), v), "memory"),
    C("hv.StructPage(·, …)", "number", lambda _, v: hv.StructPage(v, (0,) * 8)),
    C("hv.StructPage(0, ·)", "thing", lambda _, v: hv.StructPage(0, v)),
    C("hv.StructPage(0, (0, ·, …))", "number", lambda _, v: hv.StructPage(0, (0, v, 0, 0, 0, 0, 0))),
    C("hv.compound_head(·, memory)", "number", lambda _, v: hv.compound_head(v, _RAW)),
    C("hv.compound_head(0x1001, memory)", "number", lambda _, v: hv.compound_head(0x1001, _RAW)),
    C("hv.compound_head(0x1000, ·)", "thing", lambda _, v: hv.compound_head(0x1000, v)),
    C("hv.compound_head(…, encoding=·)", "name", lambda _, v: hv.compound_head(0x1000, _RAW, encoding=v)),
    C("hv.compound_head(…, fake_heads=·)", "flag", lambda _, v: hv.compound_head(0x1000, _RAW, fake_heads=v)),
    C("hv.compound_head(…, struct_page=·)", "struct page",
      lambda _, v: hv.compound_head(0x1000, _RAW, fake_heads=True, struct_page=v)),
    C("hv.compound_head(…, base_page=·)", "size",
      lambda _, v: hv.compound_head(0x1000, _RAW, fake_heads=True, base_page=v)),
    # fleets
    C("hv.Fleet(·, '1 TiB', 0.5)", "number", lambda _, v: hv.Fleet(v, "1 TiB", 0.5)),
    C("hv.Fleet(1, ·, 0.5)", "size", lambda _, v: hv.Fleet(1, v, 0.5)),
    C("hv.Fleet(1, ('1 TiB', ·), 0.5)", "size", lambda _, v: hv.Fleet(1, ("1 TiB", v), 0.5)),
    C("hv.Fleet(1, '1 TiB', ·)", "share", lambda _, v: hv.Fleet(1, "1 TiB", v)),
    C("hv.Fleet(1, '1 TiB', (·, 1))", "share", lambda _, v: hv.Fleet(1, "1 TiB", (v, 1))),
    C("hv.Fleet(1, '1 TiB', 0.5, ·)", "size", lambda _, v: hv.Fleet(1, "1 TiB", 0.5, v)),
    C("hv.Fleet(…, scheme=·)", "name", lambda _, v: hv.Fleet(1, "1 TiB", 0.5, scheme=v)),
    C("hv.Fleet(…, architecture=·)", "name", lambda _, v: hv.Fleet(1, "1 TiB", 0.5, architecture=v)),
    C("fleet.sample(·)", "number", lambda f, v: f.sample(v), "hosts"),
    C("fleet.sample().percentile(·)", "number", lambda s, v: s.percentile(v), "sample"),
    C("hv.plan('64 GiB', {'1 GiB': ·})", "number", lambda _, v: hv.plan("64 GiB", {"1 GiB": v})),
    C("hv.plan('64 GiB', nodes=·)", "number", lambda _, v: hv.plan("64 GiB", nodes=v)),
    C("hv.plan('64 GiB', scheme=·)", "name", lambda _, v: hv.plan("64 GiB", scheme=v)),
    # records
    C("hv.observe.host(·)", "text", lambda _, v: observe.host(b"" if v is None else v)),
    C("hv.observe.recorded(·)", "name", lambda _, v: observe.recorded(v)),
    C("hv.observe.mapping(·)", "name", lambda _, v: observe.mapping(v)),
    C("hv.observe.savings(·)", "name", lambda _, v: observe.savings(v)),
    C("hv.observe.boot_log(·)", "text", lambda _, v: observe.boot_log(v)),
    C("hv.observe.boot_log(…, ·)", "size", lambda _, v: observe.boot_log("", v)),
    C("hv.observe.read_record(·)", "option", lambda _, v: observe.read_record(v)),
    C("hv.observe.Record(·)", "thing", lambda _, v: observe.Record(v)),
    C("record.entries(·)", "name", lambda r, v: r.entries(v), "record"),
    C("record.entries('2 MiB', ·)", "name", lambda r, v: r.entries("2 MiB", v), "record"),
    C("record.entries('2 MiB', 'live', ·)", "name", lambda r, v: r.entries("2 MiB", "live", v), "record"),
    C("record.pfn(·)", "name", lambda r, v: r.pfn(v), "record"),
    C("record.pfn('2 MiB', ·)", "name", lambda r, v: r.pfn("2 MiB", v), "record"),
    C("record.pfn('2 MiB', 'live', ·)", "name", lambda r, v: r.pfn("2 MiB", "live", v), "record"),
    C("record.neighbours(·)", "name", lambda r, v: r.neighbours(v), "record"),
    C("record.neighbours('2 MiB', ·)", "name", lambda r, v: r.neighbours("2 MiB", v), "record"),
    C("record.shown_as_heads(·)", "name", lambda r, v: r.shown_as_heads(v), "record"),
    C("record.savings(·)", "name", lambda r, v: r.savings(v), "record"),
    C("hv.trial.judge(·)", "thing", lambda _, v: trial.judge(v)),
    C("hv.trial.scheme_of_series(·)", "pair", lambda _, v: trial.scheme_of_series(v)),
    C("hv.trial.known_bug(finding, ·)", "release", lambda _, v: trial.known_bug(_FINDING, v)),
    C("hv.trial.known_bug(·, (6, 1))", "thing", lambda _, v: trial.known_bug(v, (6, 1))),
    C("hv.trial.leads(·, boot)", "thing", lambda _, v: trial.leads(v, _SHOWN)),
    C("hv.trial.leads(live, ·)", "thing", lambda _, v: trial.leads(_SHOWN, v)),
    # questions
    C("hv.check(·, 42)", "name", lambda _, v: hv.check(v, 42)),
    C("hv.check('address of a struct page', 1, ·)", "seed", lambda _, v: hv.check("address of a struct page", 1, v)),
    C("hv.predict(·)", "name", lambda _, v: hv.predict(v)),
    C("guess.value = ·", "text", lambda g, v: setattr(g, "value", v), "guess"),
    C("hv.concept_test(·)", "seed", lambda _, v: hv.concept_test(v)),
    C("hv.concept_test(0, ·)", "name", lambda _, v: hv.concept_test(0, v)),
    C("hv.concept_test(0, 'after', ·)", "name", lambda _, v: hv.concept_test(0, "after", v)),
    C("test.answers = ·", "thing", lambda t, v: setattr(t, "answers", v), "test"),
    C("test.answers = (·, 0, …)", "number but -1", lambda t, v: setattr(t, "answers", (v, *[0] * 9)), "test"),
    C("hv.concepts.items(·)", "seed", lambda _, v: concepts.items(v)),
    C("hv.concepts.items(0, ·)", "name", lambda _, v: concepts.items(0, v)),
    C("hv.concepts.items(0, 'after', ·)", "name", lambda _, v: concepts.items(0, "after", v)),
    C("hv.concepts.guessing(·)", "name", lambda _, v: concepts.guessing(v)),
    C("hv.concepts.result(·)", "thing", lambda _, v: concepts.result(v)),
    C("hv.concepts.score(·)", "thing", lambda _, v: concepts.score(v)),
    C("hv.concepts.score([·, 0, …])", "number", lambda _, v: concepts.score([v, *[0] * 9])),
    C("hv.concepts.score([0, …], ·)", "seed", lambda _, v: concepts.score([0] * 10, v)),
    C("hv.concepts.gain(·, score)", "thing", lambda _, v: concepts.gain(v, _SCORE)),
    C("hv.concepts.gain(score, ·)", "thing", lambda _, v: concepts.gain(_SCORE, v)),
    C("hv.homework.put(·, 'memmap', 's01')", "name", lambda _, v: homework.put(v, "memmap", "s01")),
    C("hv.homework.put('ps1', ·, 's01')", "name", lambda _, v: homework.put("ps1", v, "s01")),
    C("hv.homework.put('ps1', 'memmap', ·)", "student", lambda _, v: homework.put("ps1", "memmap", v)),
    C("hv.homework.SETS[·]", "name", lambda _, v: homework.SETS[v]),
    # pictures and panels
    C("hv.draw.schemes(·)", "size", lambda _, v: draw.schemes(v)),
    C("hv.draw.pool(·)", "thing", lambda _, v: draw.pool(v)),
    C("hv.draw.pool(pool, ·)", "number", lambda p, v: draw.pool(p, v), "pool"),
    C("hv.draw.record(·)", "name", lambda _, v: draw.record(v)),
    C("hv.you_are_the_kernel(·)", "number", lambda _, v: hv.you_are_the_kernel(v)),
    C("hv.you_are_the_kernel().play(·)", "name", lambda g, v: g.play(v), "game"),
    C("hv.you_are_the_kernel().play('remap', ·, 1)", "number", lambda g, v: g.play("remap", v, 1), "game"),
    C("hv.you_are_the_kernel().play('remap', 2, ·)", "number", lambda g, v: g.play("remap", 2, v), "game"),
    C("hv.you_are_the_kernel().play('protect', 2, writable=·)", "maybe a flag", lambda g, v: g.play("protect", 2, writable=v), "game"),
    C("hv.you_are_the_kernel().moves = ·", "thing", lambda g, v: setattr(g, "moves", v), "game"),
    C("hv.paste(·).answer", "text", lambda _, v: hv.paste(v).answer),
    C("hv.sandbox().set(scheme=·)", "name", lambda s, v: s.set(scheme=v), "sandbox"),
    C("hv.sandbox().set(memory='64 MiB', scheme=·)", "name", lambda s, v: s.set(memory="64 MiB", scheme=v), "sandbox"),
    C("hv.sandbox().set(hosts=·)", "number", lambda s, v: s.set(hosts=v), "sandbox"),
    C("hv.explore.FILMS[·]", "name", lambda _, v: FILMS[v]),
]  # fmt: skip
CALLS.append(C("hv.paste(·)", "no text", lambda _, v: hv.paste(v)))
CALLS.append(C("hv.folded(·)", "no text", lambda _, v: hv.folded(v).__enter__()))
KINDS["no text"] = {name: value for name, value in KINDS["text"].items() if not isinstance(value, str)}
KINDS["number but None"] = {name: value for name, value in KINDS["number"].items() if name != "None"}
KINDS["number of bytes"] = {name: value for name, value in KINDS["number"].items() if name != "digits"}
KINDS["number but -1"] = {name: value for name, value in KINDS["number"].items() if name != "minus one"}


def kind_of(axis):
    """The kind of value that belongs on a slider."""
    if isinstance(axis.values[0], str):
        return "name"
    return "number of bytes" if "bytes" in axis.texts[0] else "number"


for _name, _film in FILMS.items():
    for _axis in _film.axes:
        CALLS.append(
            C(f"hv.explore.{_name}().{_axis.name} = ·", kind_of(_axis),
              lambda p, v, axis=_axis.name: setattr(p, axis, v), _name)
        )  # fmt: skip
    _first = _film.axes[0].name
    CALLS += [
        C(f"hv.explore.{_name}({_first}=·)", kind_of(_film.axes[0]),
          lambda _, v, name=_name, axis=_first: getattr(explore, name)(**{axis: v})),
        C(f"hv.explore.{_name}().set({_first}=…, {_film.axes[-1].name}=·)", kind_of(_film.axes[-1]),
          lambda p, v, film=_film: p.set(**{film.axes[0].name: film.axes[0].values[-1]} | {film.axes[-1].name: v}), _name),
        C(f"hv.explore.{_name}().set(hue=·)", "thing", lambda p, v: p.set(hue=v), _name),
        C(f"hv.explore.{_name}().hue = ·", "thing", lambda p, v: setattr(p, "hue", v), _name),
        C(f"hv.explore.{_name}().values = ·", "thing", lambda p, v: setattr(p, "values", v), _name),
        C(f"hv.explore.{_name}(guess=·)", "optional thing",
          lambda _, v, name=_name: getattr(explore, name)(v)),
    ]  # fmt: skip


# --- not possible now -------------------------------------------------------------------------------------------------


def _given_back(pool: hv.Pool) -> hv.Pool:
    """The same huge pages, in another machine that has the same past, given back."""
    machine = pool.machine.at(len(pool.machine.events))
    again = machine.pools[0]
    again.free()
    return again


SCENES: dict[str, tuple[str, Callable[[Any], object]]] = {
    "optimising twice": ("pool", lambda p: p.optimize("head page")),
    "optimising twice, otherwise": ("pool", lambda p: p.optimize("off")),
    "restoring what is not optimised": ("new pool", lambda p: p.restore()),
    "optimising what was given back": ("pool", lambda p: _given_back(p).optimize("off")),
    "looking at what was given back": ("pool", lambda p: _given_back(p).frames()),
    "giving back twice": ("pool", lambda p: _given_back(p).free()),
    "counting what was given back": ("pool", lambda p: len(_given_back(p))),
    "more huge pages than there are": ("machine", lambda m: m.hugetlb("2 MiB", 4096)),
    "a huge page larger than the machine": ("machine", lambda m: m.hugetlb("1 GiB")),
    "the largest huge page there could be": ("machine", lambda m: m.hugetlb(1 << 63)),
    "more frames than are free": ("machine", lambda m: m.occupy(m.free_frames + 1)),
    "a PFN too many": ("machine", lambda m: m.struct_page_of(m.nr_frames)),
    "an address between struct pages": ("machine", lambda m: m.page_to_pfn(m.pfn_to_page(0) + 8)),
    "a step too many": ("machine", lambda m: m.at(len(m.events) + 1)),
    "a write that loses the head": ("machine", lambda m: m.write(m.pools[0].pfns[0], 1, 1)),
    "a machine without room for its struct pages": ("", lambda _: hv.Machine("1 MiB")),
    "a machine of half a page": ("", lambda _: hv.Machine(2048)),
    "a machine of a page and a half": ("", lambda _: hv.Machine(6144)),
    "a machine larger than the model": ("", lambda _: hv.Machine("32 TiB")),
    "a struct page over a border": ("", lambda _: hv.Machine("1 GiB", struct_page=56).hugetlb("2 MiB").optimize("head page")),
    "too few vmemmap pages": ("", lambda _: hv.Machine("1 GiB").hugetlb("64 KiB").optimize("head page")),
    "a huge page that is a base page": ("", lambda _: hv.HugePage("4 KiB")),
    "a huge page smaller than a base page": ("", lambda _: hv.HugePage("2 KiB")),
    "a huge page that is no power of two": ("", lambda _: hv.HugePage("3 MiB")),
    "a base page as large as the huge page": ("", lambda _: hv.HugePage("2 MiB", base_page="2 MiB")),
    "a base page that is no power of two": ("", lambda _: hv.HugePage("2 MiB", base_page="5 KiB")),
    "a struct page of one word": ("", lambda _: hv.HugePage("2 MiB", struct_page=8)),
    "a huge page of another architecture": ("", lambda _: hv.ARCHITECTURES["x86-64"].huge_page("32 MiB")),
    "a PFN beyond the vmemmap": ("", lambda _: hv.pfn_to_page(1 << 34)),
    "an address below the vmemmap": ("", lambda _: hv.page_to_pfn(hv.pfn_to_page(0) - 64)),
    "bytes that end too early": ("memory", lambda m: hv.compound_head(0x1080, m)),
    "bytes that begin too late": ("memory", lambda m: hv.compound_head(0xFC0, m)),
    "a word that is not aligned": ("memory", lambda m: hv.compound_head(0x1004, m)),
    "a fleet too many": ("", lambda _: hv.Fleet(10_000_001, "1 TiB", 0.5)),
    "a host too large": ("", lambda _: hv.Fleet(1, "64 PiB", 0.5)),
    "a host larger than 5-level paging": ("", lambda _: hv.Fleet(1, 1 << 60, 0.5)),
    "a record of a 1 GiB page that was not reserved": (
        "", lambda _: observe.recorded("5.10.262").entries("1 GiB", "reserved")),
    "a state that the kernel does not have": ("", lambda _: observe.recorded("5.10.262").entries("2 MiB", "live", "on")),
    "scores in the wrong order": ("", lambda _: concepts.gain(concepts.score([0] * 10, 1, "after"), _SCORE)),
    "an open concept test": ("test", lambda t: t.score),
    "two answers to a concept test": ("test", lambda t: setattr(t, "answers", (0, 1))),
    "two sliders, one of them not there": ("remap", lambda p: p.set(step=3, pace=1)),
    "two values, one of them not there": ("remap", lambda p: p.set(huge_page="1 GiB", step=99)),
    "a slider beside the start value": ("", lambda _: explore.remap(step=3, pace=1)),
    "the guess of another kind": ("", lambda _: explore.remap(hv.check("base pages of 1 GiB", 4096))),
}  # fmt: skip


# --- good after all ---------------------------------------------------------------------------------------------------


DISGUISED: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    "hv.parse_size(np.int64(4096))": (lambda: hv.parse_size(np.int64(4096)), lambda: 4096),
    "hv.parse_size(np.str_)": (lambda: hv.parse_size(np.str_("2 MiB")), lambda: 2 * hv.MiB),
    "hv.HugePage(np.str_)": (lambda: hv.HugePage(np.str_("2 MiB")), lambda: _PAGE),
    "hv.HugePage(np.uint32)": (lambda: hv.HugePage(np.uint32(1 << 21), np.int16(4096), np.uint8(64)), lambda: _PAGE),
    "hv.pfn_to_page('64')": (lambda: hv.pfn_to_page(7, "4-level", "64"), lambda: hv.pfn_to_page(7)),
    "hv.pfn_to_page(np.uint64)": (lambda: hv.pfn_to_page(np.uint64(7)), lambda: hv.pfn_to_page(7)),
    "hv.SCHEMES[np.str_]": (lambda: hv.SCHEMES[np.str_("off")], lambda: hv.SCHEMES["off"]),
    "freed(np.str_)": (lambda: _PAGE.freed(np.str_("head page")), lambda: 7),
    "bill(np.int32)": (lambda: _PAGE.bill("off", np.int32(3)), lambda: _PAGE.bill("off", 3)),
    "machine.compound_head(np.int16)": (lambda: _machine().compound_head(np.int16(7)), lambda: 7),
    "hugetlb(np.int64)": (lambda: repr(hv.Machine("64 MiB").hugetlb("2 MiB", np.int64(2))), lambda: "2 x 2 MiB (off)"),
    "batch=np.True_": (lambda: len(hv.Machine("64 MiB").hugetlb("2 MiB").optimize("head page", batch=np.True_)), lambda: 1),
    "RawMemory(bytearray)": (lambda: hv.RawMemory(bytearray(64), 0).data, lambda: bytes(64)),
    "Fleet(np.int64, …, np.float64)": (
        lambda: repr(hv.Fleet(np.int64(3), "1 TiB", np.float64(0.5))), lambda: repr(hv.Fleet(3, "1 TiB", 0.5))),
    "observe.recorded(np.str_)": (lambda: repr(observe.recorded(np.str_("6.1.192"))), lambda: repr(observe.recorded("6.1.192"))),
    "hv.check(np.int64)": (lambda: hv.check("base pages of 1 GiB", np.int64(262144)).right, lambda: True),
    "hv.check(np.str_)": (lambda: hv.check("base pages of 1 GiB", np.str_("262,144")).right, lambda: True),
    "hv.check(seed=np.int64)": (
        lambda: hv.check("address of a struct page", 1, np.int64(7)).text, lambda: hv.check("address of a struct page", 1, 7).text),
    "panel.set(np.int64)": (lambda: explore.remap().set(step=np.int64(3)).values, lambda: explore.remap(step=3).values),
    "panel.set(np.str_)": (
        lambda: explore.remap(huge_page=np.str_("1 GiB")).values, lambda: explore.remap(huge_page="1 GiB").values),
    "test.answers = [np.int64, …]": (
        lambda: concepts.score([np.int64(0)] * 10).right, lambda: concepts.score([0] * 10).right),
    "sandbox.set(4096)": (lambda: hv.sandbox().set(memory=1 << 30).text, lambda: hv.sandbox().set(memory="1 GiB").text),
}  # fmt: skip
"""Call with a value of another type -> the call that must answer the same."""
