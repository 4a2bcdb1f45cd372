"""Questions as widgets: a prediction typed before the panel that answers it exists, and the concept test."""

from __future__ import annotations

import html
from typing import Any

import ipywidgets as widgets
import traitlets

from ..errors import BadInput, quoted
from ..pictures import outputs
from ..units import index_of
from . import concepts
from .prompt import seed_of
from .questions import question
from .waits import NOTED, WAITS


class _Typed(traitlets.Unicode[str, str]):
    """What was typed, as text; anything else gets a sentence."""

    def validate(self, obj: Any, value: Any) -> str:
        if not isinstance(value, str):
            raise BadInput(f"a guess is typed as text, and {quoted(value)} is none; write for example '512'.")
        return str(value)


class _Numbers(traitlets.Tuple):
    """Numbers of options; what is no sequence gets a sentence."""

    def validate(self, obj: Any, value: Any) -> Any:
        if not isinstance(value, (tuple, list)):
            raise BadInput(
                f"the answers must be numbers of options, and {quoted(value)} are not; write for example (0,) * 10."
            )
        return super().validate(obj, tuple(value))


def _question_html(lead: str, text: str) -> str:
    """A question as HTML; JupyterLab gives each line the height of a button otherwise."""
    return f'<div style="line-height: 1.5; padding-top: 0.3em"><b>{lead}</b> {html.escape(text)}</div>'


class _Described(widgets.VBox):  # type: ignore[misc]
    """A box of widgets whose text, for tests and readers without widgets, is its repr."""

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        data.update({"text/plain": repr(self), **outputs.bundle(self._state())})
        return bundle

    def _state(self) -> outputs.Shown:
        """What its output says to programs."""
        raise NotImplementedError


class Prediction(_Described):
    """A question answered by typing, before the panel that shows the truth exists. ``value`` is what was typed."""

    value = _Typed("")

    def __init__(self, name: str) -> None:
        self._name, self._question = name, question(name)
        text = self._question.text()
        self._box = widgets.Text(
            description="Your guess:", placeholder="type it here, then press Enter", continuous_update=False,
            layout=widgets.Layout(width="24em"), style={"description_width": "initial"},
        )  # fmt: skip
        self._noted = widgets.HTML("&nbsp;")
        super().__init__([widgets.HTML(_question_html("Before you look.", text)), self._box, self._noted])
        traitlets.link((self, "value"), (self._box, "value"))
        self.observe(self._note, names="value")

    def _note(self, _: object) -> None:
        typed, text = self.value.strip(), "&nbsp;"
        try:
            if typed:
                text = f"Noted: {self._question.write(self._question.read(typed))}.{self._question.unit_hint(typed)}"
                text += f" {NOTED}" if self._name in WAITS else ""
        except BadInput as why:
            text = str(why)
        self._noted.value = text if text == "&nbsp;" else html.escape(text)

    def _state(self) -> outputs.Shown:
        return outputs.PredictionShown(self._name, 0)

    @property
    def name(self) -> str:
        """The question's."""
        return self._name

    def noted(self) -> dict[str, Any]:
        """The guess as a panel draws it, with its verdict; empty while nothing is typed that is an answer."""
        try:
            value = self._question.read(self.value.strip())
        except BadInput:
            return {}
        number = value if isinstance(value, int) else 0
        right = self._question.judge(self.value.strip()).right
        shown = self._question.write(value)
        return {"shown": shown, "number": float(number), "right": right, "verdict": self.verdict()}

    def verdict(self) -> str:
        """The guess beside the truth, in a sentence; empty while nothing is typed."""
        if not self.value.strip():
            return ""
        return self._question.sentence(self.value.strip())

    def __repr__(self) -> str:
        return f"Before you look. {self._question.text()} (Run this cell to type your guess.)"


def predict(name: str) -> Prediction:
    """A `Prediction` for the question ``name``. Raises `BadInput` for a name that is not a question."""
    return Prediction(name)


class ConceptTest(_Described):
    """The ten questions as radio buttons. ``answers`` are the numbers of the options chosen, -1 while open.

    Nothing is said of any answer until all ten are handed in, and then only how many are right; no answer can be
    changed after that. So the second sitting measures what was learned, and not memory.
    """

    answers = _Numbers()

    def __init__(self, seed: int | str, when: str, form: str) -> None:
        self._items, self._about = concepts.items(seed, when, form), (seed_of(seed), when, form)
        self._handed_in = False
        self._choices = [
            widgets.RadioButtons(
                options=[(option, number) for number, option in enumerate(item.options)], index=None,
                layout=widgets.Layout(width="auto"),
            )
            for item in self._items
        ]  # fmt: skip
        self._button = widgets.Button(description="Hand in")
        self._result = widgets.HTML()
        rows = [
            widgets.VBox([widgets.HTML(_question_html(f"{number}.", item.text)), choice])
            for number, (item, choice) in enumerate(zip(self._items, self._choices, strict=True), 1)
        ]
        super().__init__([*rows, self._button, self._result])
        for choice in self._choices:
            choice.observe(self._read_choices, names="index")
        self._button.on_click(lambda _: self.hand_in())
        self.observe(self._set_choices, names="answers")
        self._read_choices()

    def _state(self) -> outputs.Shown:
        return outputs.ConceptTestShown(*self._about)

    def hand_in(self) -> concepts.Score:
        """Take the answers as they are, for good. Raises `BadInput` while a question is open."""
        found = concepts.score(self.answers, *self._about)
        self._handed_in = True
        self._show()
        return found

    @property
    def score(self) -> concepts.Score:
        """The `hvlib.concepts.Score`. Raises `BadInput` until the test is handed in."""
        self._must_be_handed_in("score")
        return concepts.score(self.answers, *self._about)

    @property
    def result(self) -> str:
        """The sitting as a teacher collects it (`hvlib.concepts.result`). Raises `BadInput` until it is handed in."""
        self._must_be_handed_in("result")
        return concepts.result(self.answers, *self._about)

    def _must_be_handed_in(self, what: str) -> None:
        if not self._handed_in:
            raise BadInput(
                f"the concept test has no {what} before it is handed in; answer all, then write test.hand_in()."
            )

    @traitlets.validate("answers")
    def _valid(self, proposal: Any) -> tuple[int, ...]:
        given = tuple(proposal["value"])
        open_ones = [0 if index_of(answer) == -1 else answer for answer in given]
        concepts.score(open_ones, *self._about)
        taken = tuple(index_of(answer) or 0 for answer in given)
        if self._handed_in and taken != self.answers:
            raise BadInput(
                "the concept test was handed in, and its answers stay; write hv.concept_test(...) for another."
            )
        return taken

    def _read_choices(self, _: object = None) -> None:
        if self._handed_in:
            self._set_choices(None)
        else:
            self.answers = tuple(-1 if choice.index is None else choice.index for choice in self._choices)
            self._show()

    def _set_choices(self, _: object) -> None:
        for choice, answer in zip(self._choices, self.answers, strict=True):
            choice.index = None if answer == -1 else answer
        self._show()

    def _show(self) -> None:
        left = self.answers.count(-1)
        for one in (*self._choices, self._button):
            one.disabled = self._handed_in
        self._button.disabled = self._handed_in or left > 0
        text = f"<p>{left} to go.</p>" if left else ""
        if self._handed_in:
            csv = html.escape(self.result).strip()
            text = f"<p><b>{html.escape(str(self.score))}</b></p><p>For your teacher:</p><pre>{csv}</pre>"
        self._result.value = text

    def __repr__(self) -> str:
        lines = []
        for number, item in enumerate(self._items, 1):
            lines.append(f"{number}. {item.text}")
            lines += [f"   ( ) {option}" for option in item.options]
        return "\n".join(lines)


def concept_test(seed: int | str = 0, when: str = "before", form: str = "A") -> ConceptTest:
    """The concept test as a widget; ``seed`` is a name or a number of yours, the same both times.

    ``when`` is "before" or "after" the book, ``form`` "A" or "B", two parallel tests. Raises `BadInput` for any other.
    """
    return ConceptTest(seed, when, form)
