"""Questions of chapter 11."""

from __future__ import annotations

from ...arithmetic.geometry import HugePage
from ...facts.schemes import SCHEMES
from ...kernels import observe, trial
from ..ask import Question, count, one_of, thousands


def _recorded_leads(release: str) -> str:
    record = observe.recorded(release)
    return trial.leads(record.entries("2 MiB"), record.entries("2 MiB", "boot"))


def _recorded_line(series: str) -> str:
    release = next(name for name in observe.records() if name.startswith(f"{series}."))
    return next(str(line) for line in observe.recorded(release).boot_log if "2.00 MiB" in line)


def _printed_while_off(series: str) -> bool:
    """Whether the recorded kernel of a series said what can be freed though it was booted with the optimisation off."""
    release = next(name for name in observe.records() if name.startswith(f"{series}."))
    return bool(_recorded_line(series)) and "off" in observe.recorded(release).states


QUESTIONS: dict[str, Question] = {
    "saved by 6.1": Question(
        "A 6.1 kernel on x86-64 takes 64 huge pages of 2 MiB with the optimisation on, from memory whose part of the vmemmap is "
        "split already. How many pages of 4 KiB does it save?",
        count,
        lambda _: 64 * HugePage("2 MiB").freed("head page"),
        "7 for each, since 5.18.",
        (
            (lambda _: 64 * 6, "That is 6 for each, as from 5.14 to 5.17."),
            (lambda _: 64 * 8, "That is 8 for each; one frame is kept."),
            (lambda _: 64 * 7 - 1, "That pays for a page table, but here the split was paid for before."),
            (lambda _: 7, "That is for one huge page; there are 64."),
        ),
        write=thousands,
    ),
    "which scheme is this": Question(
        "From a real kernel's page table, one 2 MiB page, vmemmap pages 0 to 7 (a letter is a frame that was not theirs "
        "at boot): {leads}. Which scheme is it? Answer 'off', 'tail page', 'head page', 'head page, copied' or 'shared tail'.",
        one_of(*SCHEMES),
        lambda g: trial.scheme_of_series(observe.recorded(g["release"]).series).name,
        "The record is of Linux {release}.",
        (
            (lambda g: "head page, copied" if g["leads"].startswith("0>0 1>0") else "head page",
             "Look at page 0: does it still lead to its own frame of boot? Then at page 1: does it lead where page 0 leads?"),
        ),
        lambda r: (lambda release: {"release": release, "leads": _recorded_leads(release)})(
            r.choice([name for name in observe.records() if "on" in observe.recorded(name).states])
        ),
    ),
    "what the boot log proves": Question(
        "The boot log of a 6.1 kernel says: {line}. Is the optimisation on? Answer 'yes', 'no' or 'cannot tell'.",
        one_of("yes", "no", "cannot tell"),
        lambda _: "cannot tell" if _printed_while_off("6.1") else "yes",
        "The recorded 6.1 printed that line at boot with the optimisation off, and it prints the same when it is on.",
        (
            (lambda _: "yes", "The line says what can be freed, not what is. It is printed either way since 5.19."),
            (lambda _: "no", "It may be on: the line is printed either way since 5.19."),
        ),
        lambda _: {"line": _recorded_line("6.1")},
    ),
}  # fmt: skip
