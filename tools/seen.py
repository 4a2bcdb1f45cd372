"""What a reader can see of the engine outside the notebooks, as text: half of the yardstick of tools/mutants.py.

    python -m tools.seen            one line a part, with a digest of its text
    python -m tools.seen film:remap     that text

Every state of every panel (labels, caption, alternative text, facts), every question with its named mistakes, the
concept test, homework, errata, timings, reports of records, and what machines of each scheme print.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial

os.environ["HVLIB_OBSERVE"] = "recorded"

import hvlib as hv
from hvlib.pictures.film import Film, plain
from hvlib.pictures.films import FILMS
from hvlib.pictures.scene import Label
from hvlib.teaching.ask import Question, as_data
from hvlib.teaching.concepts import items
from hvlib.teaching.questions import QUESTIONS

SEEDS = range(2)
STUDENTS = ("s01", "s02", "s03")


def parts() -> Iterator[tuple[str, Callable[[], str]]]:
    """Name and maker of each part."""
    for name, film in FILMS.items():
        yield f"film:{name}", partial(_film, film)
    for name, question in QUESTIONS.items():
        yield f"question:{name}", partial(_question, question)
    yield "concepts", lambda: "\n".join(f"{i.text} {i.options} {i.right}" for seed in SEEDS for i in items(seed))
    yield "homework", _homework
    yield "errata", lambda: "\n".join(map(str, hv.ERRATA))
    yield "costs", lambda: "\n".join(map(str, hv.costs.COSTS))
    yield "this machine", hv.this_machine
    yield "records", lambda: "\n".join(_record(release) for release in hv.observe.records())
    for scheme in hv.SCHEMES:
        yield f"machine:{scheme}", partial(_machine, scheme)
    yield "arithmetic", _arithmetic
    yield "fleet", lambda: "\n".join(map(_fleet, hv.SCHEMES))


def text(make: Callable[[], str]) -> str:
    """The text of a part; an engine that breaks while it makes one shows that instead."""
    try:
        return make()
    except Exception as why:
        return f"{type(why).__name__}: {why}"


def digests() -> dict[str, str]:
    """Part -> digest of its text."""
    return {name: hashlib.sha256(text(make).encode()).hexdigest()[:12] for name, make in parts()}


def _film(film: Film) -> str:
    lines = []
    for values in film.states():
        scene, facts = film.state(**values)
        labels = [shape.text for group in scene.groups.values() for shape in group if isinstance(shape, Label)]
        lines += [str(values), scene.caption, scene.alt, *labels, *(f"{k}: {plain(v)}" for k, v in facts.items())]
    return "\n".join(lines)


def _question(question: Question) -> str:
    return json.dumps(as_data(question, SEEDS), default=str)


def _homework() -> str:
    sets = hv.homework.SETS.values()
    return "\n".join(task.text(student) for one in sets for task in one.tasks for student in STUDENTS)


def _record(release: str) -> str:
    record = hv.observe.recorded(release)
    return "\n".join([str(record), *map(str, hv.trial.judge(record)), *map(str, record.savings())])


def _machine(scheme: str) -> str:
    lines = []
    for size, count in (("2 MiB", 3), ("1 GiB", 1)):
        for batch in (True, False) if size == "2 MiB" else (True,):
            machine = hv.Machine("4 GiB", check=False)
            pool = machine.hugetlb(size, count)
            for act in (lambda pool=pool, batch=batch: pool.optimize(scheme, batch=batch), pool.free):
                pfn = pool.pfns[0]
                lines += [str(machine.struct_page_of(pfn + n)) for n in (0, 1, 2, 64, 65)]
                lines += [str(machine.head_steps(pfn + n)) for n in (0, 1, 64, 65)]
                act()
                lines.append(repr(machine))
            lines += map(str, machine.events)
    return "\n".join(lines)


def _arithmetic() -> str:
    lines = []
    for architecture in hv.ARCHITECTURES.values():
        for size, _ in architecture.huge_pages:
            for struct_page in (56, 64, 80):
                page = architecture.huge_page(size, struct_page)
                lines.append(f"{page} {page.order} {page.nr_base_pages:,} {page.memmap_bytes:,} {page.share}")
                lines += [f"{page.bill(s, 5)} {page.obstacle(s)} {page.net_saving(s)}" for s in hv.SCHEMES]
    lines += [hex(hv.pfn_to_page(4660, paging)) for paging in hv.PAGING]
    return "\n".join(lines)


def _fleet(scheme: str) -> str:
    fleet = hv.Fleet(1000, ("256 GiB", "1 TiB"), (0.4, 0.6), scheme=scheme)
    return f"{fleet!r} {fleet.memmap} {fleet.tables} {fleet.sample()!r}"


if __name__ == "__main__":
    wanted = sys.argv[1:]
    if wanted:
        print("\n".join(text(make) for name, make in parts() if name in wanted))
    else:
        print(json.dumps(digests(), indent=0))
