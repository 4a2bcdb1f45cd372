"""Questions as widgets: a prediction is typed before the panel that answers it exists."""

from __future__ import annotations

import html
from typing import Any

import ipywidgets as widgets
import traitlets

from .errors import BadInput
from .questions import question


class Prediction(widgets.VBox):  # type: ignore[misc]
    """A question answered by typing, before the panel that shows the truth exists. ``value`` is what was typed."""

    value = traitlets.Unicode("")

    def __init__(self, name: str) -> None:
        self._question = question(name)
        text = self._question.text()
        self._box = widgets.Text(
            description="Your guess:", placeholder="type it here, then press Enter", continuous_update=False,
            layout=widgets.Layout(width="24em"), style={"description_width": "initial"},
        )  # fmt: skip
        self._noted = widgets.HTML("&nbsp;")
        super().__init__([widgets.HTML(f"<b>Before you look.</b> {text}"), self._box, self._noted])
        traitlets.link((self, "value"), (self._box, "value"))
        self.observe(self._note, names="value")

    def _note(self, _: object) -> None:
        typed = self.value.strip()
        try:
            text = (
                f"Noted: {self._question.write(self._question.read(typed))}. The next panel shows it beside the answer."
                if typed
                else "&nbsp;"
            )
        except BadInput as why:
            text = str(why)
        self._noted.value = text if text == "&nbsp;" else html.escape(text)

    def verdict(self) -> str:
        """The guess beside the truth, in a sentence; empty while nothing is typed."""
        if not self.value.strip():
            return ""
        return self._question.sentence(self.value.strip())

    def __repr__(self) -> str:
        return f"Before you look. {self._question.text()} (Run this cell to type your guess.)"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        data["text/plain"] = repr(self)
        return bundle


def predict(name: str) -> Prediction:
    """A `Prediction` for the question ``name``. Raises `BadInput` for a name that is not a question."""
    return Prediction(name)
