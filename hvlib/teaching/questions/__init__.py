"""The questions of the chapters, and the one function that puts and judges them."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ...errors import table
from ...pictures import outputs
from ..ask import Question, Verdict
from ..prompt import seed_of

QUESTIONS: Mapping[str, Question] = table(
    "question",
    (
        (name, question)
        for module in sorted(module.name for module in pkgutil.iter_modules(__path__))
        for name, question in import_module(f".{module}", __name__).QUESTIONS.items()
    ),
)
"""Name -> `Question`, in the order of the chapters."""


def question(name: str) -> Question:
    """The `Question` of a name. Raises `BadInput` for a name that is not a question."""
    return QUESTIONS[name]


@dataclass(frozen=True, repr=False)
class Checked(Verdict):
    """The `Verdict` on an answer to a question of the book, which its output names."""

    question: str = ""
    seed: int | str = 0

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return outputs.bundle(outputs.ExerciseShown(self.question, self.seed, self.answered, self.right, self.mistake))


def check(name: str, answer: object, seed: int | str = 0) -> Checked:
    """Put the question ``name`` with the numbers of ``seed``, and judge an answer to it.

    ``...`` for the answer just puts the question. Raises `BadInput` for a name that is not a question or a seed that
    is none, and nothing else, whatever the answer is.
    """
    asked = question(name)
    verdict = asked.judge(answer, seed)
    said = f"{asked.text(seed)}\n{verdict.text}"
    return Checked(verdict.right, said, verdict.answered, verdict.mistake, str(name), seed_of(seed))
