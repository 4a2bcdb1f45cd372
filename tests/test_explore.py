import inspect
import itertools
import json
import pydoc
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

import hvlib as hv
from hvlib.pictures import outputs
from hvlib.pictures.fact import as_data
from hvlib.pictures.film import reel as play
from hvlib.pictures.film import upright
from hvlib.teaching import explore
from hvlib.units import parse_size


def test_every_film_has_its_function_and_says_itself_what_it_shows():
    for name in explore.FILMS:
        function = getattr(explore, name)
        assert (function.__name__, inspect.signature(function).return_annotation) == (name, explore.Panel)
    assert dir(explore) == sorted({"FILMS", "Panel", *explore.FILMS})
    with pytest.raises(AttributeError, match="nonsense"):
        explore.nonsense  # noqa: B018
    about = [film.about for film in explore.FILMS.values()]
    assert len(set(about)) == len(about)
    for name, text in zip(explore.FILMS, about, strict=True):
        right = re.fullmatch(r".{30,}\((?:chapter \d+|the book's first page)\)\.", text)
        assert right, f'films/{name}.py: its docstring is one line that says what it shows and ends "(chapter 5)."'


@pytest.mark.parametrize("name", list(explore.FILMS))
def test_help_shows_the_sliders_and_where_each_can_stand(name):
    film, function = explore.FILMS[name], getattr(hv.explore, name)
    guess, *sliders = inspect.signature(function).parameters.values()
    assert (guess.name, guess.default) == ("guess", None)
    assert [(one.name, one.default) for one in sliders] == [(axis.name, axis.start) for axis in film.axes]
    assert {one.kind for one in sliders} == {inspect.Parameter.KEYWORD_ONLY}
    assert function().values == {one.name: one.default for one in sliders}
    shown = pydoc.render_doc(function, renderer=pydoc.plaintext)
    assert film.about in shown
    for axis in film.axes:
        (line,) = re.findall(rf"- ``{axis.name}`` \({axis.label}\): (.*)", shown)
        assert line.startswith(repr(axis.values[0]))
        assert line.endswith(repr(axis.values[-1]))
        assert " to " in line or "…" in line or line.split(", ") == list(map(repr, axis.values)) or "," in line


@pytest.mark.parametrize("name", list(explore.FILMS))
def test_what_a_slider_can_be_set_to_stands_in_order(name):
    """Numbers and sizes grow, and schemes follow history."""
    schemes = list(hv.SCHEMES)
    for axis in explore.FILMS[name].axes:
        assert axis.start in axis.values
        if axis.values[0] in schemes:
            places = [schemes.index(value) for value in axis.values]
        elif all(isinstance(value, int) for value in axis.values):
            places = list(axis.values)
        else:
            found = [re.fullmatch(r"\d+ [KMGT]iB", str(value)) and parse_size(value) for value in axis.values]
            places = [size for size in found if size]
        assert places == sorted(places), axis.name


@pytest.mark.slow
def test_a_shell_completes_panels_and_sliders():
    from IPython.core.completer import IPCompleter, provisionalcompleter

    for use_jedi in (True, False):
        completer = IPCompleter(namespace={"hv": hv}, use_jedi=use_jedi)
        with provisionalcompleter():
            panels = {one.text.lstrip(".") for one in completer.completions("hv.explore.", 11)}
            sliders = {one.text for one in completer.completions("hv.explore.remap(st", 19)}
        assert panels >= set(explore.FILMS)
        assert "step=" in sliders


def beginning(film):
    """The film with each slider at its first value and no other, which nothing in the picture can move."""

    def state(**values):
        scene, facts = film.state(**values)
        return replace(scene, hits={}), facts

    first = (replace(axis, values=axis.values[:1], texts=axis.texts[:1]) for axis in film.axes)
    return replace(film, axes=tuple(first), state=state)


@pytest.mark.parametrize("part", [beginning, pytest.param(lambda film: film, marks=pytest.mark.slow, id="whole")])
@pytest.mark.parametrize("name", list(explore.FILMS))
def test_every_reachable_state_is_drawn_captioned_and_described(name, part):
    film = part(explore.FILMS[name])
    states, drawn = list(film.states()), play(film)
    assert len(states) == len(drawn["frames"]) == len(drawn["alt"]) == len(drawn["caption"])
    ET.fromstring(drawn["base"])
    for part in drawn["parts"]:
        ET.fromstring(f"<svg>{part}</svg>")
        assert part
    for values, row, caption, alt in zip(states, drawn["frames"], drawn["caption"], drawn["alt"], strict=True):
        scene, facts = film.state(**values)
        shown = {n for n, part in zip(drawn["names"], row, strict=True) if part >= 0}
        assert shown == set(scene.groups), values
        assert (caption, alt) == (scene.caption, scene.alt)
        assert caption
        assert len(alt) > 40
        assert facts
        assert json.loads(json.dumps(as_data(facts))) == as_data(facts), "facts are data"
    assert len(drawn["names"]) == len(set(drawn["names"]))
    same = name == "filling"  # two of its sizes are no geometry
    assert len(set(drawn["caption"])) == len(states) or same, "each state has its own sentence"
    assert len(set(drawn["alt"])) == len(states) or same, "and its own text for those who cannot see it"


def test_sliders_are_traits_that_a_cell_can_set_and_read():
    panel = explore.remap()
    assert (panel.huge_page, panel.step) == ("2 MiB", 0)
    panel.huge_page = "1 GiB"
    panel.step = 11
    assert panel.facts["frames freed"] == hv.HugePage("1 GiB").freed("tail page")
    assert "frames freed: 4,094" in repr(panel)
    assert panel.values == {"huge_page": "1 GiB", "step": 11}
    seen = []
    panel.observe(lambda change: seen.append(change.new), names="step")
    panel.set(step=3, huge_page="2 MiB")
    assert seen == [3]


@pytest.mark.parametrize(
    "move",
    [
        lambda panel: setattr(panel, "step", 12),
        lambda panel: setattr(panel, "step", True),
        lambda panel: setattr(panel, "step", "3"),
        lambda panel: setattr(panel, "huge_page", "3 MiB"),
        lambda panel: setattr(panel, "hugepage", "2 MiB"),
        lambda panel: panel.set(huge_page="1 GiB", step=99),
        lambda panel: panel.set(pace=1),
        lambda panel: panel.set(step=3.0),
    ],
)
def test_a_value_that_is_not_there_gets_a_sentence_and_moves_nothing(move):
    panel = explore.remap(step=4)
    with pytest.raises(hv.BadInput, match="choose"):
        move(panel)
    assert panel.values == {"huge_page": "2 MiB", "step": 4}


def test_an_impossible_geometry_shows_its_sentence_in_the_pictures_place():
    panel = explore.filling(huge_page="64 KiB", base_page="64 KiB")
    assert "must be larger than a base page" in panel.facts["impossible"]
    assert "must be larger than a base page" in panel.scene.caption
    panel.base_page = "4 KiB"
    assert panel.facts["vmemmap pages"] == hv.HugePage("64 KiB").nr_vmemmap_pages, "and it keeps working"


def test_facts_are_the_engines_in_every_state_of_the_geometry_panel():
    for values in explore.FILMS["filling"].states():
        facts = explore.FILMS["filling"].state(**values)[1]
        if "impossible" in facts:
            continue
        machine_page = hv.HugePage(values["huge_page"], values["base_page"], values["struct_page"])
        assert facts["frames freed in 5.14 to 5.17"] == machine_page.freed("tail page")


def test_the_remap_film_goes_through_the_kernels_steps():
    facts = [explore.FILMS["remap"].state("2 MiB", step)[1] for step in range(12)]
    assert [f["frames that hold its struct pages"] for f in facts] == [8, 8, 8, 8, 7, 6, 5, 4, 3, 2, 2, 2]
    assert [f["frames freed"] for f in facts] == [0] * 11 + [6]
    assert [f["tables of PTEs"] for f in facts] == [0, 0, *[1] * 10]
    large = [explore.FILMS["remap"].state("1 GiB", step)[1] for step in range(12)]
    assert [f["frames that hold its struct pages"] for f in large] == [4096] * 4 + [4095, 4094, 4093, 4092, 3, 2, 2, 2]
    assert large[-1]["tables of PTEs"] == 8


def test_a_guess_stands_beside_the_truth():
    guess = hv.predict("base pages of 1 GiB")
    panel = explore.address(guess)
    assert panel.note == ""
    guess.value = "4096"
    assert "4,096 counts vmemmap pages, not base pages" in panel.note
    assert "Your guess was 4,096; it is 262,144." in panel.note
    guess.value = "262,144"
    assert "Your guess is right: 262,144" in panel.note
    guess.value = ""
    assert panel.note == ""


def test_the_output_of_a_panel_has_words_a_picture_and_alt_text(monkeypatch):
    panel = explore.memmap()
    data, metadata = panel._repr_mimebundle_()
    assert "image/png" not in data, "a live session shows the widget"
    assert ET.fromstring(data["image/svg+xml"]).get("aria-label") == panel.scene.alt
    monkeypatch.setenv("HVLIB_PNG", "1")
    data, metadata = panel._repr_mimebundle_()
    assert data["text/plain"] == repr(panel)
    assert data["image/png"]
    assert metadata["image/png"]["alt"] == panel.scene.alt
    assert "application/vnd.jupyter.widget-view+json" in data
    assert outputs.read(data) == outputs.PanelShown("memmap", panel.values, as_data(panel.facts))


def test_a_film_has_every_combination_of_its_sliders():
    for film in explore.FILMS.values():
        states = [tuple(state.values()) for state in film.states()]
        assert states == list(itertools.product(*(axis.values for axis in film.axes)))


def test_a_narrow_window_is_sent_the_drawing_for_a_phone_once_it_asks():
    panel = explore.remap()
    assert panel.tall is None
    panel.set_state({"narrow": True})
    assert panel.tall == upright(explore.FILMS["remap"])
    assert panel.tall["frames"] != panel.reel["frames"]
