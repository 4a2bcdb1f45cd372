"""The page of results, book/benchmarks.md, from book/bench.json: nothing is measured here."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tools import pages

from .measure import Summary

Part = dict[str, Any]
FRAME_MS = 16.7
FASTER = 20
OPTIMISED, CHECKED = 2, 6
EXPONENT = 1.03
"""Linear, as far as a clock can tell."""
LARGEST_MIB = 1024
IMPORT_MS = 100
JUDGED_MS = 100
FIRST_CPU_S, WORST_CPU_S = 0.3, 0.6
BUILD_CPU_S = 60
LIVE_CPU_S, LIVE_ALL_S, LIVE_HEAP_MB, LIVE_SENT_MB, LIVE_RAW_MB = 5, 3, 256, 10.5, 12
CHAPTER_CPU_S = 1.5
HAND_IN_CPU_S = 0.3
SUITE_S = {"quick": 30, "test": 360}
"""On two cores that do nothing else."""


@dataclass(frozen=True)
class Row:
    """One promise, or one number worth knowing. ``value`` is held against ``most`` or ``least``, if there is a budget.

    ``limit`` says what stands in the way; the page shows it if the budget is missed.
    """

    what: str
    measured: str
    command: str
    value: float = 0.0
    most: float | None = None
    least: float | None = None
    unit: str = ""
    baseline: str = ""
    ratio: str = ""
    noise: str = ""
    limit: str = ""

    @property
    def budget(self) -> str:
        """The budget in words, or nothing."""
        if self.most is not None:
            return f"at most {self.most:g}{self.unit}"
        return "" if self.least is None else f"at least {self.least:g}{self.unit}"

    @property
    def met(self) -> bool | None:
        """Whether the budget is met; `None` if there is none."""
        if self.most is not None:
            return self.value <= self.most
        return None if self.least is None else self.value >= self.least

    def cells(self) -> tuple[str, ...]:
        """The cells of the table."""
        met = {True: "yes", False: "**no**", None: ""}[self.met]
        return (self.what, self.measured, self.baseline, self.ratio, self.budget, met, self.noise, f"`{self.command}`")


def page(results: dict[str, Part]) -> str:
    """The whole page."""
    parts = [name for name in PARTS if name in results]
    rows = [row for name in parts for row in PARTS[name](results[name])]
    lines = [
        "# Benchmarks",
        "",
        "Made by `make bench` (`python -m bench`) from `book/bench.json`; do not edit. Each part takes its samples in",
        "turns, this and the baseline, and ratios are those of one turn. `make bench` measures everything again, on",
        "your machine; `make bench PARTS=panel,host` measures some parts.",
        "",
        *table(
            ("what", "measured", "baseline", "ratio", "budget", "met", "how noisy", "command"),
            [row.cells() for row in rows],
        ),
    ]
    missed = [row for row in rows if row.met is False]
    lines += ["", "## Budgets missed", ""]
    lines += [f"- {row.what}: {row.ratio or row.measured}, and not {row.budget}. {row.limit}" for row in missed]
    lines += [] if missed else ["None."]
    for name in parts:
        if name in DETAILS:
            lines += ["", *DETAILS[name](results[name])]
    lines += ["", "## Where this was measured", ""]
    facts = {name: results[name]["circumstances"] for name in parts}
    names = sorted({fact for one in facts.values() for fact in one})
    lines += table(("part", *names), [(name, *(str(facts[name].get(fact, "")) for fact in names)) for name in parts])
    lines += ["", "*load*: processes that ran or waited for a processor, the minute before the part began."]
    return "\n".join(lines) + "\n"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines of a Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ("---",) * len(head), *rows)]


def spread(of: Summary, unit: str = "") -> str:
    """The range of the samples, in words."""
    return f"{number(of['low'])} to {number(of['high'])}{unit}, n = {of['n']:.0f}"


def number(value: float) -> str:
    """Three significant digits, with thousands separators."""
    return f"{float(f'{value:.3g}'):,.10g}"


# --- one function a part ---------------------------------------------------------------------------------------------


def panel(found: Part) -> Iterator[Row]:
    """A step of a panel against `interact`."""
    command, usual = "python -m bench --only panel", found["interact"]
    ways = {
        "still": ("finished picture, without motion", "times faster"),
        "gliding": ("first changed picture, gliding", "times faster, gliding"),
    }
    for name, (words, faster) in ways.items():
        one, ratio = found[name], found[faster]
        blocks = "medians of blocks " + spread(one["block_medians_ms"], " ms")
        where = found["circumstances"]
        why = (
            f"The median is {number(one['ms']['median'])} ms; a step that misses one frame is shown in the next, and "
            f"{where['load']:g} processes wanted {where['processors']} processors."
        )
        yield Row(
            f"panel step, {words}: 95th percentile",
            f"{number(one['p95_ms'])} ms",
            command,
            one["p95_ms"],
            most=FRAME_MS,
            unit=" ms",
            baseline=f"`interact`, inline PNG: {number(usual['p95_ms'])} ms",
            ratio=f"{number(usual['p95_ms'] / one['p95_ms'])}x faster",
            noise=blocks,
            limit=why,
        )
        yield Row(
            f"panel step, {words}: median",
            f"{number(one['ms']['median'])} ms",
            command,
            ratio["median"],
            least=FASTER,
            unit="x faster",
            baseline=f"`interact`: {number(usual['ms']['median'])} ms",
            ratio=f"{number(ratio['median'])}x faster",
            noise="ratios " + spread(ratio),
            limit=why,
        )
    still = found["still"]
    cpu, cpu_usual = still["kernel_cpu_ms"], usual["kernel_cpu_ms"]
    yield Row(
        "panel step: CPU of the kernel",
        f"{number(cpu['median'])} ms",
        command,
        baseline=f"`interact`: {number(cpu_usual['median'])} ms",
        noise=spread(cpu, " ms"),
    )
    yield Row(
        "panel step: bytes to and from the kernel",
        number(still["bytes"]),
        command,
        baseline=f"`interact`: {number(usual['bytes'])}",
        ratio=f"{number(usual['bytes'] / still['bytes'])}x fewer",
    )


def game(found: Part) -> Iterator[Row]:
    """A move of the game: its picture, and Python's judgement."""
    load, processors = found["circumstances"]["load"], found["circumstances"]["processors"]
    asked = {
        "at ease": ("changed picture, nothing else moving", FRAME_MS),
        "begun": ("while arrows move, until the frame begins that shows it", FRAME_MS),
        "shown": ("while arrows move, until that frame is painted", None),
        "judged": ("judged by Python", JUDGED_MS),
    }  # fmt: skip
    for name, (words, most) in asked.items():
        one = found[name]
        yield Row(
            f"move of the game, {words}: 95th percentile",
            f"{number(one['p95_ms'])} ms",
            "python -m bench --only game",
            one["p95_ms"],
            most=most,
            unit=" ms",
            noise=f"median {number(one['ms']['median'])} ms, {spread(one['ms'], ' ms')}",
            limit=f"The median is {number(one['ms']['median'])} ms; {load:g} processes wanted {processors} processors.",
        )


def first(found: Part) -> Iterator[Row]:
    """What a panel costs when it is shown for the first time."""
    for place, where, limits in (
        ("kernel", "a new notebook's kernel", {"typical": FIRST_CPU_S, "worst": WORST_CPU_S}),
        ("bare", "a new Python", {"typical": None, "worst": None}),
    ):
        one = found[place]
        others = number(one["others"]["median"])
        for kind, words in (
            ("typical", f"median of {len(one['panels'])}"),
            ("worst", f"slowest, {one['worst panel']}"),
        ):
            yield Row(
                f"first display of a panel in {where}, {words}",
                f"{number(one[kind]['median'])} CPU s",
                "python -m bench --only first",
                one[kind]["median"],
                most=limits[kind],
                unit=" CPU s",
                baseline=f"importing NumPy and anywidget there: {others} CPU s",
                noise=spread(one[kind], " CPU s"),
                limit=f"Packages of others take {others} CPU s before anything is drawn.",
            )


def host(found: Part) -> Iterator[Row]:
    """A large host against NumPy, and growth; of the schemes the slowest."""
    command = "python -m bench --only host"
    sums = sum(found["profile"].values())
    shares = sorted(found["profile"].items(), key=lambda pair: -pair[1])[:3]
    why = "Of the time of optimising, " + ", ".join(f"{name} has {share / sums:.0%}" for name, share in shares) + "."
    for (this, words, most), (way, arrays) in itertools.product(
        (
            ("optimize", "optimised", OPTIMISED),
            ("checked", "optimised, and every invariant checked", CHECKED),
            ("restore", "restored", None),
        ),
        (
            ("plain", "arrays with an element for each frame of the machine, as 1.0 kept them"),
            ("whole", "the engine's own arrays, which are 64 times smaller"),
        ),
    ):
        scheme, one = max(found["schemes"].items(), key=lambda pair: pair[1]["ratios"][f"{this}, {way}"]["median"])
        ratio, base = one["ratios"][f"{this}, {way}"], one[f"{way}, {'restore' if this == 'restore' else 'optimize'}"]
        share = one["check"]["median"] / one["checked"]["median"]
        checks = f" Checking has {share:.0%} of the whole." if this == "checked" else ""
        yield Row(
            f"{size(found['gib'])} host ({found['gib'] * 512:,} huge pages) {words}",
            f"{number(one[this]['median'])} CPU s (the slowest scheme: {scheme})",
            command,
            ratio["median"],
            most=most if way == "plain" else None,
            unit="x",
            baseline=f"NumPy writes {arrays}: {number(base['median'])} CPU s",
            ratio=f"{number(ratio['median'])}x",
            noise="ratios " + spread(ratio),
            limit=why + checks,
        )
    sizes = sorted(map(int, found["growth"]))
    growth = [found["growth"][str(gib)] for gib in sizes]
    per_page = [1e6 * one["optimize"]["median"] / gib / 512 for gib, one in zip(sizes, growth, strict=True)]
    in_system = [f"{one['system']['median'] / one['optimize']['median']:.0%}" for one in (growth[0], growth[-1])]
    yield Row(
        f"growth of optimising, {size(sizes[0])} to {size(sizes[-1])}: power of the size",
        number(found["exponent"]),
        command,
        found["exponent"],
        most=EXPONENT,
        baseline="1: linear",
        noise=f"{number(min(per_page))} to {number(max(per_page))} µs per huge page",
        limit=f"The kernel takes {in_system[0]} of the time for {size(sizes[0])} and {in_system[1]} for "
        f"{size(sizes[-1])}: large arrays get fresh memory, which it must clear. {why}",
    )
    if "optimised_mib" in growth[-1]:
        yield Row(
            f"{size(sizes[-1])} host optimised: peak of memory",
            f"{number(growth[-1]['optimised_mib'])} MiB",
            command,
            growth[-1]["optimised_mib"],
            most=LARGEST_MIB,
            unit=" MiB",
            noise="exact",
            limit="What is kept for each vmemmap page, and the arrays of the events.",
        )


def imports(found: Part) -> Iterator[Row]:
    """What an import costs over bare Python."""
    command = "python -m bench --only import"
    bare, over = found["whole"]["bare"], found["over bare"]
    why = ", ".join(f"{name} {number(ms)} ms" for name, ms in found["profile"]["import"].items()) + "."
    for name, words, most in (
        ("import", "`import hvlib`", IMPORT_MS),
        ("arithmetic", "`import hvlib`, first `HugePage`", None),
        ("mechanism", "`import hvlib`, first `Machine`", None),
        ("numpy", "for comparison: `import numpy`", None),
    ):
        yield Row(
            f"{words}, over bare Python",
            f"{number(over[name]['median'])} ms",
            command,
            over[name]["median"],
            most=most,
            unit=" ms",
            baseline=f"bare Python: {number(bare['median'])} ms",
            ratio=f"{number(found['whole'][name]['median'] / bare['median'])}x",
            noise=spread(over[name], " ms"),
            limit=why,
        )


def lab(found: Part) -> Iterator[Row]:
    """What a reader waits for."""
    for name, mark in found["marks"].items():
        yield Row(
            f"from `make lab` until {name}",
            f"{number(mark['median'])} s",
            "python -m bench --only lab",
            noise=spread(mark, " s"),
        )


def book(found: Part) -> Iterator[Row]:
    """The published pages."""
    command, kib = "python -m bench --only book", pages.HEAVIEST / 1024
    cpu, heaviest = found["cpu_s"], found["heaviest"]
    yield Row(
        f"book build, {found['pages']} pages",
        f"{number(cpu['median'])} CPU s",
        command,
        cpu["median"],
        most=BUILD_CPU_S,
        unit=" CPU s",
        noise=spread(cpu, " CPU s"),
        limit="Most of it draws the films and runs Sphinx.",
    )
    for kind, words, most in (
        ("served", "as served (compressed), with all that it loads", kib),
        ("html", "its HTML alone, uncompressed", kib),
        ("stored", "with all that it loads, uncompressed", None),
    ):
        one = heaviest[kind]
        yield Row(
            f"heaviest page {words}",
            f"{number(one['kib'])} KiB",
            command,
            one["kib"],
            most=most,
            unit=" KiB",
            noise="exact",
            limit=f"It is {one['page']}.",
        )


def live(found: Part) -> Iterator[Row]:
    """Python in the pages."""
    command, where = "python -m bench --only live", found["circumstances"]
    why = f"{where['load']:g} processes wanted {where['processors']} processors; it is {found['slowest']}."
    rows: tuple[tuple[str, str, str, float | None, str, str], ...] = (
        ("first output in a page, from the click", "cold_cpu_s", " CPU s", LIVE_CPU_S, "", "Most of it starts Python."),
        ("the same, by the clock", "cold_s", " s", None, "2.4 to 4.1 s", ""),
        ("the same, from the browser's cache", "warm_cpu_s", " CPU s", None, "", ""),
        ("the same, from the cache, by the clock", "warm_s", " s", None, "1.5 to 3.2 s", ""),
        ("first panel in JupyterLite, from its address", "lite_s", " s", None, "15 to 19 s", ""),
        ("first panel in a session such as Binder starts, from the server's start", "binder_s", " s", None, "", ""),
        ("before that, where Binder has no image yet: environment and postBuild", "binder_built_s", " s", None, "", ""),
        ("all cells of the slowest chapter, after the start", "all_s", " s", LIVE_ALL_S, "", why),
        ("the same, computed", "all_cpu_s", " CPU s", None, "", ""),
        ("heap of a page that has run a whole chapter", "heap_mb", " MB", LIVE_HEAP_MB, "",
         "NumPy's arrays are most of it."),
        ("page with Python and editor, as sent", "sent_mb", " MB", LIVE_SENT_MB, "10 MB",
         "The interpreter is most of it."),
        ("page with Python and editor, stored", "raw_mb", " MB", LIVE_RAW_MB, "", "The interpreter is most of it."),
    )  # fmt: skip
    for what, key, unit, most, prototype, limit in rows:
        if key not in found:  # results of an earlier run, which did not measure it
            continue
        one = found[key]
        noise = spread(one, unit) if "n" in one else "one run" if key == "binder_built_s" else "one run of each"
        yield Row(
            what,
            f"{number(one['median'])}{unit}",
            command,
            one["median"],
            most=most,
            unit=unit,
            baseline=f"a first trial: {prototype}" if prototype else "",
            noise=noise,
            limit=limit,
        )


def chapters(found: Part) -> Iterator[Row]:
    """All cells of a chapter, in its kernel."""
    for kind, words, most in (
        ("typical", f"median of {len(found['chapters'])}", CHAPTER_CPU_S),
        ("worst", f"slowest, {found['slowest']}", None),
    ):
        yield Row(
            f"Run All of a chapter in a new kernel, {words}",
            f"{number(found[kind]['median'])} CPU s",
            "python -m bench --only chapters",
            found[kind]["median"],
            most=most,
            unit=" CPU s",
            noise=spread(found[kind], " CPU s"),
            limit=f"The slowest is {found['slowest']}; importing NumPy, Matplotlib and anywidget is a part of each.",
        )


def intake(found: Part) -> Iterator[Row]:
    """A large text of a host, and a large fleet."""
    command = "python -m bench --only intake"
    text, size = found["text"], number(found["megabytes"])
    yield Row(
        f"`hvlib host` reads {size} MB of text",
        f"{number(text['median'])} CPU s",
        command,
        noise=spread(text, " CPU s"),
    )
    yield Row(
        "the same, peak of memory", f"{number(found['text_mib']['median'])} MiB", command,
        noise=spread(found["text_mib"], " MiB"),
    )  # fmt: skip
    fleet = found["fleet"]
    yield Row(
        f"a fleet of {found['hosts']:,} hosts, drawn one by one", f"{number(fleet['median'])} CPU s", command,
        noise=spread(fleet, " CPU s"),
    )  # fmt: skip


def grade(found: Part) -> Iterator[Row]:
    """A hand-in."""
    yield Row(
        f"an ordinary hand-in graded, of {found['students']}",
        f"{number(found['ours']['median'])} CPU s",
        "python -m bench --only grade",
        found["ours"]["median"],
        most=HAND_IN_CPU_S,
        unit=" CPU s",
        baseline=f"`nbgrader autograde`, the same notebooks: {number(found['nbgrader']['median'])} CPU s",
        ratio=f"{number(found['ratio']['median'])}x faster",
        noise="ratios " + spread(found["ratio"]),
        limit="Most of it is Python that imports what students import.",
    )


def suite(found: Part) -> Iterator[Row]:
    """The tests."""
    for name, one in found.items():
        if name == "circumstances":
            continue
        yield Row(
            f"`make {name}`, {one['passed']:,} tests",
            f"{number(one['median'])} s",
            "python -m bench --only suite",
            one["median"],
            most=SUITE_S.get(name),
            unit=" s",
            baseline=f"CPU of processes that were waited for: {number(one['cpu'])} s",
            noise="one run",
            limit="Browsers are most of it.",
        )


PARTS = {
    "panel": panel,
    "game": game,
    "first": first,
    "host": host,
    "import": imports,
    "lab": lab,
    "book": book,
    "live": live,
    "chapters": chapters,
    "intake": intake,
    "grade": grade,
    "suite": suite,
}


# --- what does not fit into a row -------------------------------------------------------------------------------------


WAYS = {"whole": "optimise / baseline", "index": "/ by index", "slice": "/ side by side", "plain": "/ plain"}


def host_details(found: Part) -> list[str]:
    """What the baseline is, every scheme, growth, and where the time goes."""
    # Results of before this baseline was measured do not have it.
    first = next(iter(found["schemes"].values()))["ratios"]
    ways = {way: words for way, words in WAYS.items() if f"optimize, {way}" in first}
    schemes = [
        (
            scheme,
            *(number(one[name]["median"]) for name in ("optimize", "check", "restore")),
            *(number(one["ratios"][f"optimize, {way}"]["median"]) for way in ways),
        )
        for scheme, one in found["schemes"].items()
    ]
    growth = [
        (
            size(int(gib)),
            f"{int(gib) * 512:,}",
            number(one["optimize"]["median"]),
            number(one["system"]["median"]),
            number(1e6 * one["optimize"]["median"] / int(gib) / 512),
            number(one["restore"]["median"]),
            f"{one['optimised_mib']:,.0f}" if "optimised_mib" in one else "",
            f"{one['peak_mib']:,.0f}",
            f"{one['optimize']['n']:.0f}",
        )
        for gib, one in found["growth"].items()
    ]
    total = sum(found["profile"].values())
    return [
        f"## The host of {size(found['gib'])}, scheme by scheme",
        "",
        "The baseline is one pass `array[...] = value` over each array that the engine keeps for every vmemmap page,",
        "or for every frame that the vmemmap has to do with, and of which the operation changes something: the whole",
        "array, in memory written before. Two other baselines write only as many elements as change: *by index*,",
        "through an array of their places, as the engine must; *side by side*, as one slice, the least possible. A",
        "*plain* model keeps what it knows of frames for each frame of the machine, as 1.0 did: 64 times as much.",
        "",
        *table(
            (
                "scheme",
                "optimise, CPU s",
                "check, CPU s",
                "restore, CPU s",
                *ways.values(),
            ),
            schemes,
        ),
        "",
        "## Growth",
        "",
        *table(
            (
                "huge pages of",
                "how many",
                "optimise, CPU s",
                "of these in the kernel",
                "µs per huge page",
                "restore, CPU s",
                "peak RSS until optimised, MiB",
                "peak RSS, MiB",
                "n",
            ),
            growth,
        ),
        "",
        f"## Where the time goes: {size(found['gib'])} optimised",
        "",
        *table(
            ("event", "CPU s", "share"),
            [
                (name, number(s), f"{s / total:.0%}")
                for name, s in sorted(found["profile"].items(), key=lambda pair: -pair[1])
            ],
        ),
        "",
        "*choosing*: finding out which entries and frames the events are to name.",
    ]


def imports_details(found: Part) -> list[str]:
    """What an import is made of."""
    names = ("hvlib", "numpy", "the standard library")
    return [
        "## What an import is made of",
        "",
        *table(
            ("ms inside (`-X importtime`)", *names),
            [
                (words, *(number(found["profile"][name][part]) for part in names))
                for name, words in (("import", "`import hvlib`"), ("mechanism", "`import hvlib`, first `Machine`"))
            ],
        ),
        "",
        "`-X importtime` slows imports down; compare the parts, not the sum. A name of `hvlib` is imported when it is",
        "first used.",
    ]


DETAILS = {"host": host_details, "import": imports_details}


def size(gib: int) -> str:
    """GiB or TiB."""
    return f"{gib // 1024} TiB" if gib % 1024 == 0 else f"{gib} GiB"
