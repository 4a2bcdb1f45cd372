"""What a class learned, from both sittings of the concept test: the gain with its interval, and how the items did.

The results are a CSV file with a line for each sitting, or a folder of such files, as the test gives them:
``student,seed,when,form,answers``, where ``when`` is before or after, and the answers are the numbers of the options
chosen, from 0. Without a column ``seed`` the student's id is the seed; without ``form`` it is form A.
"""

from __future__ import annotations

import random
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hvlib.errors import BadInput, quoted
from hvlib.teaching import concepts

from .record import dictionaries

ITEMS = tuple(concept.name for concept in concepts.CONCEPTS)


@dataclass(frozen=True)
class Item:
    """How an item did: the shares that were right before and after, and its discrimination after.

    Discrimination is the correlation of the item with the score on all others; `None` where one of them never varies.
    """

    name: str
    before: float
    after: float
    discrimination: float | None


@dataclass(frozen=True)
class Learned:
    """What a class learned: how many took both sittings, mean scores, and the class-average normalised gain.

    The gain is (mean after - mean before) / (all - mean before), with an interval of 95 % from resampling students.
    """

    students: int
    before: float
    after: float
    gain: float
    low: float
    high: float
    guessing: float
    items: tuple[Item, ...]


def sittings(path: Path) -> dict[str, dict[str, concepts.Score]]:
    """Student -> when -> score, of a file or of all CSV files in a folder.

    Of two with the same ``when`` the first counts. Raises `BadInput`, with the line that cannot be understood.
    """
    found: dict[str, dict[str, concepts.Score]] = {}
    for one in sorted(path.rglob("*.csv")) if path.is_dir() else [path]:
        for student, score in _scores(one):
            found.setdefault(student, {}).setdefault(score.when, score)
    return found


def _scores(path: Path) -> Iterator[tuple[str, concepts.Score]]:
    try:
        rows = dictionaries(path.read_bytes())
    except (OSError, ValueError, IndexError):
        raise BadInput(
            f"the results {quoted(str(path))} cannot be read; choose a CSV file, or a folder of them."
        ) from None
    for number, row in rows:
        try:
            answers = [int(one) for one in re.findall(r"-?\d+", row["answers"])]
            student = row["student"].strip()
            seed, form = row.get("seed", "").strip() or student, row.get("form", "").strip().upper() or "A"
            yield student, concepts.score(answers, seed, row["when"].strip().lower(), form)
        except KeyError:
            raise BadInput(
                "the results have no columns of those names; write a first line student,when,answers."
            ) from None
        except ValueError as why:
            raise BadInput(f"line {number} of {quoted(str(path))}: {why}") from None


def learned(found: Mapping[str, Mapping[str, concepts.Score]]) -> Learned:
    """What those learned who took both sittings. Raises `BadInput` for fewer than two."""
    both = [(one["before"], one["after"]) for one in found.values() if {"before", "after"} <= set(one)]
    if len(both) < 2:
        raise BadInput(f"a gain needs at least two students who took both sittings, and there are {len(both)}.")
    scores = [(len(before.right), len(after.right)) for before, after in both]
    rng = random.Random("what a class learned")
    resampled = sorted(_gain(rng.choices(scores, k=len(scores))) for _ in range(2000))
    return Learned(
        len(both), statistics.mean(b for b, _ in scores), statistics.mean(a for _, a in scores), _gain(scores),
        resampled[50], resampled[1949], concepts.guessing(), tuple(_item(name, both) for name in ITEMS),
    )  # fmt: skip


def _gain(scores: Sequence[tuple[int, int]]) -> float:
    before, after = (statistics.mean(column) for column in zip(*scores, strict=True))
    return (after - before) / (len(ITEMS) - before) if before < len(ITEMS) else 0.0


def _item(name: str, both: Sequence[tuple[concepts.Score, concepts.Score]]) -> Item:
    right = [name in after.right for _, after in both]
    rest = [len(after.right) - hit for (_, after), hit in zip(both, right, strict=True)]
    try:
        discrimination = statistics.correlation([float(hit) for hit in right], [float(one) for one in rest])
    except statistics.StatisticsError:
        discrimination = None
    return Item(
        name, statistics.mean(name in before.right for before, _ in both), statistics.mean(right), discrimination
    )


def text(of: Learned) -> str:
    """The same in words, a line for each item."""
    lines = [
        f"{of.students} students took both: {of.before:.1f} of {len(ITEMS)} before, {of.after:.1f} after; "
        f"guessing gives {of.guessing:.1f}.",
        f"Normalised gain of the class: {of.gain:.2f} (95 %: {of.low:.2f} to {of.high:.2f}).",
        f"{'item':28} before  after  discrimination",
    ]
    for item in of.items:
        shown = "-" if item.discrimination is None else f"{item.discrimination:.2f}"
        lines.append(f"{item.name:28} {item.before:5.0%}  {item.after:5.0%}  {shown:>6}")
    return "\n".join(lines)
