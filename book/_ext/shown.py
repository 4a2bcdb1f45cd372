"""Outputs of hvlib on the pages: the state that an output holds (`hvlib.pictures.outputs`) becomes film, form, figure.

MyST-NB finds `Outputs` by the entry point in ``hvlib_pages-1.dist-info``. No notebook is executed, and no words are
read: a page shows the stored picture, and what the engine makes of the state beside it. Whatever would be dead,
nameless or unknown on a page stops the build with a sentence that names the place. In print (``hv_printed``) panels
are frozen.
"""

from __future__ import annotations

import base64
import html
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

import hvlib as hv
from hvlib.errors import BadInput, table
from hvlib.pictures import film, outputs, picture, svg
from hvlib.pictures.films import FILMS
from hvlib.teaching import ask, concepts, waits
from hvlib.teaching.hand_facts import FACTS
from hvlib.teaching.kernel_words import DATA
from hvlib.teaching.questions import QUESTIONS

GAME = "you are the kernel"
HANDS = table("game", FACTS.items())
SEEDS = range(5)
"""The numbers that an exercise can be put with on a page."""
PYTHON = "this page's, where a cell has Run; else that of Binder or JupyterLab"
"""Where a reader of a page finds a session."""
SHORTEST_ALT = 20
PICTURES = ("image/png", "image/svg+xml")
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class Unfit(ExtensionError):
    """Something a reader of the page would miss; the sentence names the place."""


@dataclass(frozen=True)
class Page:
    """Where an output stands, by name, and whether it is for print."""

    where: str
    printed: bool = False


def as_html(page: Page, data: Mapping[str, Any]) -> str | None:
    """An output's data as the page shows them; `None` where the page shows them as any other output.

    Raises `Unfit` for what would be dead or nameless there.
    """
    try:
        state = outputs.read(data)
    except BadInput as why:
        raise Unfit(f"{page.where}: {why}") from None
    match state:
        case outputs.PanelShown():
            return _panel(page, state, data)
        case outputs.PictureShown():
            return _picture(page, state, data)
        case outputs.SandboxShown():
            return _sandbox(page, state, data)
        case outputs.PredictionShown():
            question = _known(page, "question", state.question, QUESTIONS)
            words = f"Before you look. {question.text(state.seed)}"
            wait = waits.as_data(state.question)
            held = {**ask.as_data(question, [state.seed]), "wait": wait, "noted": waits.NOTED if wait else ""}
            return _form("prediction", held, words)
        case outputs.ExerciseShown():
            return None if state.answered else _exercise(page, state)
        case outputs.ConceptTestShown():
            items = [
                {"text": item.text, "options": item.options, "right": item.right}
                for item in concepts.items(state.seed, state.when, state.form)
            ]
            about = {"seed": state.seed, "when": state.when, "form": state.form, "columns": concepts.COLUMNS}
            held = {"items": items, "guessing": concepts.guessing(state.form), **about}
            return _form("test", held, data["text/plain"])
        case outputs.GameShown():
            return _game(page, state, data)
        case outputs.PasteShown():
            return _paste(state, data)
    if WIDGET_VIEW in data:
        raise Unfit(f"{page.where}: a widget that would be dead on the page; show a panel of hv.explore instead.")
    if any(kind in data for kind in PICTURES):
        raise Unfit(f"{page.where}: a figure without caption or without alternative text; draw it with hv.draw.")
    return None


def _known(page: Page, what: str, name: str, things: Mapping[str, Any]) -> Any:
    try:
        return things[name]
    except BadInput as why:
        raise Unfit(f"{page.where}: {what} of a stored output: {why}") from None


def _panel(page: Page, state: outputs.PanelShown, data: Mapping[str, Any]) -> str:
    """A panel: its picture until the film plays, and the film itself; in print some of its states."""
    one = _known(page, "film", state.film, FILMS)
    if state.at not in one.states():
        raise Unfit(f"{page.where}: the film {state.film} has no such position as {state.at}; run make notebooks.")
    if page.printed:
        return _multiples(one, state.at)
    if "image/svg+xml" not in data:
        raise Unfit(f"{page.where}: the panel has no picture for readers without scripts; run make notebooks.")
    stored = _figure(_both(data), html.escape(_caption(one, state, data["image/svg+xml"])))
    held = packed({**film.reel(one), "tall": film.upright(one)})
    return (
        f'<div class="hv-film" data-start="{html.escape(json.dumps(state.at))}">{stored}</div>'
        f'<script type="text/plain" class="hv-film-data">{held}</script>'
    )


def _caption(one: film.Film, state: outputs.PanelShown, drawing: str) -> str:
    """What stands below a panel's picture: less, if the picture is one that waits for a guess."""
    scene = one.state(**state.at)[0]
    waiting = (wait.veiled(scene, state.at) for wait in waits.WAITS.values() if wait.film == state.film)
    return next((veiled.caption for veiled in waiting if svg.standalone(veiled) == drawing), scene.caption)


def packed(data: Any) -> str:
    """JSON as a page holds a film: deflated, a tenth of its size; `unpacked` of book/_static/page.js reads it."""
    return base64.b64encode(zlib.compress(_json(data).encode(), 9)).decode()


def unpacked(text: str) -> Any:
    """What `packed` made text of."""
    return json.loads(zlib.decompress(base64.b64decode(text)))


def _multiples(one: film.Film, start: Mapping[str, int | str]) -> str:
    """A panel for print: some of its states below each other, from the first to the last of one axis."""
    axis = next((axis for axis in one.axes if axis.play), max(one.axes, key=lambda axis: len(axis.values)))
    (told,) = (held["told"] for held in film.reel(one)["axes"] if held["name"] == axis.name)
    last = len(axis.values) - 1
    chosen = sorted({round(last * part / 3) for part in range(4)} | {axis.values.index(start[axis.name])})
    shown = []
    for place in chosen:
        scene = one.state(**{**start, axis.name: axis.values[place]})[0]
        caption = scene.caption if told else f"{axis.label} {axis.texts[place]}. {scene.caption}"
        shown.append(_figure(svg.standalone(scene), html.escape(caption), "hv-multiple"))
    return "".join(shown)


def _picture(page: Page, state: outputs.PictureShown, data: Mapping[str, Any]) -> str:
    if not state.caption or len(state.alt) < SHORTEST_ALT or any(kind not in data for kind in PICTURES):
        raise Unfit(f"{page.where}: a figure without caption or without alternative text; draw it with hv.draw.")
    drawing, caption = _both(data), html.escape(state.caption)
    if f">{caption}</text>" in drawing:  # its title says it
        caption = f'<span class="hv-titled">{caption}</span>'
    return _figure(drawing, caption, "hv-figure")


def _sandbox(page: Page, state: outputs.SandboxShown, data: Mapping[str, Any]) -> str:
    if not state.alt or "image/svg+xml" not in data:
        raise Unfit(f"{page.where}: the sandbox has no picture for readers without a session; run make notebooks.")
    words = f"{data['text/plain']}\nTyping other numbers needs Python: {PYTHON}."
    return _figure(_both(data), "<br>".join(map(html.escape, words.split("\n"))), "hv-figure")


def _game(page: Page, state: outputs.GameShown, data: Mapping[str, Any]) -> str:
    """The game: its picture until it can be played, and in print what a reader can think through on paper."""
    if "image/svg+xml" not in data:
        raise Unfit(f"{page.where}: the game has no picture for readers without scripts; run make notebooks.")
    words = DATA if state.game == GAME else _known(page, "game", state.game, HANDS)()
    stored = _figure(_both(data), html.escape(words["opening"]), "hv-figure")
    if page.printed:
        return _on_paper() if words is DATA else stored
    held = _json(
        {"data": words, "seed": state.seed, "moves": state.moves}
        if words is DATA
        else {"name": state.game, "data": words}
    )
    return f'<div class="hv-game">{stored}</div><script type="application/json" class="hv-game-data">{held}</script>'


def _on_paper() -> str:
    """The game where it cannot be played: what must hold, and what can go wrong."""
    lists = {"truths": DATA["truths"].values(), "found": (DATA["disasters"][name] for name in DATA["listed"])}
    told = [f"{DATA['headings'][name].replace(':', ',')}: {'; '.join(items)}." for name, items in lists.items()]
    return _paragraphs("\n".join([DATA["opening"], *told, "It is played in JupyterLab and on the book's pages."]))


def _paste(state: outputs.PasteShown, data: Mapping[str, Any]) -> str:
    """The text in the box and what it says; reading another needs a session."""
    parts = [f'<p><strong>{name}</strong></p><pre class="{kind}" tabindex="0">{html.escape(words)}</pre>'
             for name, kind, words in (("A host's text", "hv-text", state.text),
                                       ("What it says", "hv-said", data["text/plain"]))]  # fmt: skip
    needs = _paragraphs(
        "Reading a text of your own needs a session: this page's own, where it has a button Run (the text never leaves "
        "your browser), Binder, JupyterLab, or hvlib host."
    )
    return f'<div class="hv-paste">{"".join(parts)}{needs}</div>'


def _exercise(page: Page, state: outputs.ExerciseShown) -> str:
    question = _known(page, "question", state.question, QUESTIONS)
    if question.read.kind == "function":
        words = f"{question.text(state.seed)}\nThis answer is Python: {PYTHON}."
        return _paragraphs(words)
    seeds = [state.seed, *(seed for seed in SEEDS if seed != state.seed)]
    return _form("exercise", ask.as_data(question, seeds), question.text(state.seed))


def _both(data: Mapping[str, Any]) -> str:
    """A drawing, and the one that takes its place on a phone."""
    drawing: str = data["image/svg+xml"]
    upright = data.get(picture.UPRIGHT)
    return (
        drawing if upright is None else f'<div class="hv-wide">{drawing}</div><div class="hv-upright">{upright}</div>'
    )


def _figure(drawing: str, caption: str, kind: str = "") -> str:
    """A drawing, which takes the page's colours and font and says what it shows, with its words, which are HTML."""
    named = f' class="{kind}"' if kind else ""
    return f'<figure{named} tabindex="0">{drawing}<figcaption>{caption}</figcaption></figure>'


def _paragraphs(words: str) -> str:
    return "".join(f"<p>{html.escape(line)}</p>" for line in words.split("\n"))


def _form(kind: str, data: Any, words: str) -> str:
    """A question: its words, until the form stands in their place."""
    return f'<div class="hv-{kind}">{_paragraphs(words)}<script type="application/json">{_json(data)}</script></div>'


def _json(data: Any) -> str:
    """Data as a script on a page may hold them."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")


def made(page: Page, lines: list[str]) -> str:
    """A cell of code that is out of sight, with what its last line is. Raises `Unfit` for what no page shows."""
    *before, last = lines
    names: dict[str, Any] = {"hv": hv}
    exec("\n".join(before), names)
    bundle = getattr(eval(last, names), "_repr_mimebundle_", dict)()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    if (text := as_html(page, data)) is None:
        raise Unfit(f"{page.where}: {last} is nothing that a page shows.")
    code = html.escape("\n".join(["import hvlib as hv", *lines]))
    output = f'<div class="cell_output docutils container">{text}</div>'
    return f'<div class="cell tag_remove-input docutils container" data-code="{code}">{output}</div>'


# --- for Sphinx -------------------------------------------------------------------------------------------------------


def _page(env: Any, where: str) -> Page:
    return Page(where, env.config.hv_printed)


class Outputs:
    """What MyST-NB asks, for each type in each output of a notebook."""

    mime_priority_overrides: ClassVar = [("*", outputs.MIMETYPE, -1)]

    @staticmethod
    def handle_mime(renderer: Any, data: Any, inline: bool) -> list[nodes.Element] | None:
        """The output, where it is asked for the state; nothing for pictures, which are shown with it or not at all."""
        if inline or data.mime_type not in (outputs.MIMETYPE, WIDGET_VIEW, picture.UPRIGHT, *PICTURES):
            return None
        env, client = renderer.renderer.sphinx_env, renderer.renderer.nb_client
        held = client.code_cell_outputs(data.cell_index)[1][data.output_index]["data"]
        if outputs.MIMETYPE in held and data.mime_type != outputs.MIMETYPE:
            return []
        text = as_html(_page(env, f"{env.docname}, cell {data.cell_index + 1}"), held)
        if isinstance(state := outputs.read(held), outputs.PanelShown):
            films = env.__dict__.setdefault("hv_films", {})  # what links in the prose may move (linked.py)
            films.setdefault(env.docname, []).append(state.film)
        return [] if text is None else [nodes.raw(text=text, format="html", classes=["output", "text_html"])]


class Made(SphinxDirective):
    """Code on a page that is no notebook: what its last line is, the engine makes when the page is built.

    It stands there as a notebook's output does, and a live page makes it again of the same code.
    """

    has_content = True

    def run(self) -> list[nodes.Node]:
        """The cell. Raises `Unfit` if a page cannot show it."""
        text = made(_page(self.env, f"{self.env.docname}, line {self.lineno}"), list(self.content))
        return [nodes.raw(text=text, format="html")]


class Line(SphinxDirective):
    """A line of Python that a live page runs, with words before it; other pages do not show it."""

    required_arguments, final_argument_whitespace, has_content = 1, True, True

    def run(self) -> list[nodes.Node]:
        """The cell, hidden until a script finds it."""
        if self.env.config.hv_printed:
            return []
        code = html.escape(self.arguments[0])
        shown = f'<div class="highlight-python"><div class="highlight"><pre>{code}\n</pre></div></div>'
        words = _paragraphs(" ".join(self.content))
        return [
            nodes.raw(
                text=f'<div class="cell" hidden>{words}<div class="cell_input">{shown}</div></div>', format="html"
            )
        ]


def setup(app: Any) -> dict[str, Any]:
    """Register the directives and the value that says what is built."""
    app.add_config_value("hv_printed", False, "env", bool)
    app.add_directive("made", Made)
    app.add_directive("line", Line)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
