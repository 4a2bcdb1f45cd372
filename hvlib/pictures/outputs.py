"""What an output of a notebook says of itself to programs: its state, as JSON of a type of its own.

It stands beside the words and the picture, which are for readers; viewers that do not know the type show those. Strict
nbval compares it, and the builder of the pages reads it back. It is made of the engine's values, never of words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from ..errors import BadInput, not_one_of, quoted

MIMETYPE = "application/vnd.hvlib.v1+json"
"""The type's name. A change that an old reader would not understand makes it v2."""


@dataclass(frozen=True)
class PanelShown:
    """A panel: its film by name, where its sliders stand, and the engine's facts there."""

    film: str
    at: dict[str, int | str]
    facts: dict[str, Any]


@dataclass(frozen=True)
class PictureShown:
    """A picture: its caption, and its text for those who cannot see it."""

    caption: str
    alt: str


@dataclass(frozen=True)
class SandboxShown:
    """The sandbox: what its fields hold, and the text for its picture; `None` if it has none."""

    fields: dict[str, str]
    alt: str | None


@dataclass(frozen=True)
class PredictionShown:
    """A question put before its panel: its name, and the seed of its numbers."""

    question: str
    seed: int | str


@dataclass(frozen=True)
class ExerciseShown:
    """A question with the verdict on an answer: was it one, was it right, and which misconception does it show."""

    question: str
    seed: int | str
    answered: bool
    right: bool
    mistake: str | None


@dataclass(frozen=True)
class ConceptTestShown:
    """A concept test: the seed of its numbers, whether it is taken before or after the book, and which form."""

    seed: int | str
    when: str
    form: str


@dataclass(frozen=True)
class GameShown:
    """A game by its name: its seed, and the moves made before it was shown."""

    game: str
    seed: int
    moves: list[dict[str, Any]]


@dataclass(frozen=True)
class PasteShown:
    """A box for text about a host: the text in it."""

    text: str


Shown = (
    PanelShown | PictureShown | SandboxShown | PredictionShown | ExerciseShown | ConceptTestShown | GameShown
    | PasteShown
)  # fmt: skip
KINDS: Mapping[str, type[Shown]] = {
    "panel": PanelShown,
    "picture": PictureShown,
    "sandbox": SandboxShown,
    "prediction": PredictionShown,
    "exercise": ExerciseShown,
    "concept test": ConceptTestShown,
    "game": GameShown,
    "paste": PasteShown,
}
"""What ``kind`` can be, and the shape of each."""
_AGAIN = "take it from hvlib, or make the output again, for example with make notebooks"


def bundle(shown: Shown) -> dict[str, Any]:
    """The state as an entry of an output's data: type -> JSON. Raises `BadInput` for a state of another shape."""
    kind = next(name for name, shape in KINDS.items() if isinstance(shown, shape))
    data = {MIMETYPE: {"kind": kind, **vars(shown)}}
    read(data)
    return data


def read(data: Mapping[str, Any]) -> Shown | None:
    """The state that an output's data hold; `None` without one. Raises `BadInput` for what has another shape."""
    if MIMETYPE not in data:
        return None
    state = data[MIMETYPE]
    if not isinstance(state, Mapping):
        raise BadInput(f"the state of an output is a JSON object, and {quoted(state)} is none; {_AGAIN}.")
    kind = state.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise not_one_of("the kind of an output", kind, KINDS)
    shape, hints = KINDS[kind], get_type_hints(KINDS[kind])
    held = {name: value for name, value in state.items() if name != "kind"}
    names = [field.name for field in fields(shape)]
    if sorted(held) != sorted(names):
        raise BadInput(f"the state {kind!r} holds {', '.join(names)}, and not {quoted(sorted(held))}; {_AGAIN}.")
    for name, value in held.items():
        if not _fits(value, hints[name]):
            raise BadInput(f"{name} in the state {kind!r} cannot be {quoted(value)}; {_AGAIN}.")
    return shape(**held)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value of JSON is of a type, as the shapes above use them."""
    if hint is Any:
        return True
    if isinstance(hint, UnionType):
        return any(_fits(value, one) for one in get_args(hint))
    if get_origin(hint) is dict:
        name, inner = get_args(hint)
        return isinstance(value, Mapping) and all(_fits(k, name) and _fits(v, inner) for k, v in value.items())
    if get_origin(hint) is list:
        return isinstance(value, list) and all(_fits(one, get_args(hint)[0]) for one in value)
    return isinstance(value, hint) and (hint is bool or not isinstance(value, bool))
