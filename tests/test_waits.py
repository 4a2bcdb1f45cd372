"""Predictions that wait: nothing that a reader sees before the guess gives its answer away."""

import re
from pathlib import Path

import nbformat
import pytest

import hvlib as hv
from hvlib.pictures.films import FILMS
from hvlib.pictures.scene import Arrow, Box, Label
from hvlib.teaching import waits
from hvlib.teaching.questions import QUESTIONS

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[01][0-9]_*.ipynb"))
PREDICT, PANEL = re.compile(r'hv\.predict\("(.+?)"\)'), re.compile(r"^panel = (hv\.explore\.(\w+)\(guess.*\))", re.M)
SEVENTH = re.compile(
    r"(?i)\b(?:seven|7) of (?:the )?(?:8|eight)\b|since 5\.18|5\.18:? (?:and|freed|page 0)|7 frames of 8"
)


def drawn(data):
    """What a reader reads in a stored picture: its labels, its title and its alternative text."""
    found = re.findall(r">([^<]+)<|aria-label=\"([^\"]+)\"", data.get("image/svg+xml", ""))
    return "\n".join(text for both in found for text in both if text.strip())


def before_the_panel(path):
    """The question of a chapter's panel, what is read above the panel, and the panel as the chapter makes it.

    Read are words, printed lines, and pictures with what is written below them: panels, figures, hands.
    """
    notebook, above, name = nbformat.read(path, as_version=4), [], ""
    for cell in notebook.cells:
        found = PANEL.search(cell.source)
        if found:
            return name, "\n\n".join(above), eval(found[1], {"hv": hv, "guess": hv.predict(name)})
        above.append(cell.source)
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            pictured = "image/svg+xml" in data
            above += [output.get("text", ""), drawn(data), data.get("text/plain", "") if pictured else ""]
        for asked in PREDICT.findall(cell.source):
            name = asked
    raise AssertionError(f"{path.name} has no panel")


def read_outs(panel):
    """What the controls say: where each slider stands, and what each button is for."""
    for axis in panel._film.axes:
        shown = axis.texts if len(axis.texts) <= 4 else [axis.texts[axis.values.index(panel.values[axis.name])]]
        yield from (f"{axis.label}: {text}" for text in shown)


def words(scene, hidden=(), untold=False):
    """All that a picture says, but in groups that are hidden."""
    labels = [
        shape.text for name, shapes in scene.groups.items() if name not in hidden for shape in shapes
        if isinstance(shape, Label)
    ]  # fmt: skip
    return "\n".join([*labels, *(() if untold else (scene.caption, scene.alt))])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_panel_opens_with_the_answer_of_its_prediction_nor_does_the_text_above(path):
    name, above, panel = before_the_panel(path)
    wait = waits.WAITS[name]
    assert wait.film == panel._name
    assert not all(panel.values[axis] == value for axis, value in wait.decides.items()), "it opens where it is decided"
    given_away = waits.gives_away(name)
    question = QUESTIONS[name].text()
    for what, text in (
        ("above", above),
        ("opening", words(panel.scene, wait.always, wait.untold)),
        ("controls", "\n".join([panel._film.title, *read_outs(panel)])),
    ):
        found = given_away.search(text.replace(question, ""))
        assert not found, f"{what}: {text[max(found.start() - 60, 0) : found.end() + 60]!r}"
    phone = panel._film.portrait and panel._film.portrait(**panel.values)
    if phone:
        assert not given_away.search(words(phone, wait.always, wait.untold)), "for a phone"
    data, _ = panel._repr_mimebundle_()
    assert not given_away.search(drawn(data)), "the stored picture"
    assert not given_away.search("\n".join(line for line in data["text/plain"].splitlines()[:1])), "its title"


def box_at(scene, x, y):
    """The first group that has a box there."""
    for name, shapes in scene.groups.items():
        for box in shapes:
            if isinstance(box, Box) and box.x <= x <= box.x + box.width and box.y <= y <= box.y + box.height:
                return name
    return "nothing"


def looks(scene, hidden=()):
    """What a picture says without words: what its boxes are, and where its arrows lead."""
    told = []
    for name, shapes in scene.groups.items():
        for shape in shapes if name not in hidden else ():
            if isinstance(shape, Box):
                told.append(f"{name} is {shape.role}")
            elif isinstance(shape, Arrow):
                ends = box_at(scene, shape.x1 - 1, shape.y1), box_at(scene, shape.x2 + 4, shape.y2)
                told.append(" leads to ".join(ends))
    return "\n".join(told)


NEVER = r"(?!)"
DRAWN_AWAY = {
    "where struct page 300 is read": r"(?m)^(?:entry[2-7] leads to frame1|frame1 is shared|frame[2-7] is freed)$"
}
"""Boxes and arrows that give an answer away."""
OF_OTHERS = {
    "if the mail were right": {"number": (64,)},  # 64 base pages are as large as one of 4,096 parts of 1 GiB
    "1 GiB in 2 MiB pages": {"page_size": ("2 MiB",)},  # which has 512 base pages
    "struct page of 128 bytes": {"huge_page": ("64 KiB", "1 GiB")},  # 16 base pages, or 16 pages of 64 KiB
}
"""States in which the same number is said of something else …"""
WORDS_OF_OTHERS = {"1 GiB in 2 MiB pages": r"512 (?:[KMG]i)?B\b"}
"""… and words."""
ALIKE = {"what is left of 16 GiB": {"row3", "page tables text", "page tables", "kept frames"}}
"""Groups that are veiled and alike in other states: page tables cost the same in each scheme, each page as much."""


def numbers(scene, groups):
    """Labels of groups that are a number of two digits or more, or a size."""
    labels = (shape.text for group in groups for shape in scene.groups.get(group, ()) if isinstance(shape, Label))
    return {text for text in labels if re.search(r"\d\d|\d [KMG]iB", text)}


def given_away(name, values, scene, hidden, untold):
    """What of a state gives the answer away, if anything does."""
    others = OF_OTHERS.get(name)
    if others and all(values[axis] in those for axis, those in others.items()):
        return None
    said = re.sub(WORDS_OF_OTHERS.get(name, NEVER), "", words(scene, hidden, untold))
    return waits.gives_away(name).search(said) or re.search(DRAWN_AWAY.get(name, NEVER), looks(scene, hidden))


@pytest.mark.parametrize("name", list(waits.WAITS))
def test_in_no_state_of_a_panel_the_answer_is_seen_before_the_guess(name):
    """Neither said nor drawn; what is veiled where it is decided is drawn in no other state as it is there.

    And words beside the picture do not say the numbers that are hidden in it.
    """
    wait = waits.WAITS[name]
    film = FILMS[wait.film]
    begins = {axis.name: axis.start for axis in film.axes} | dict(wait.begins)
    opening, deciding = (film.state(**begins | dict(more))[0] for more in ({}, wait.decides))
    telling = {group for group in wait.veils if deciding.groups.get(group) != opening.groups.get(group)}
    for values in film.states():
        scene, phone = film.state(**values)[0], film.portrait(**values)
        phone.caption, phone.alt = scene.caption, scene.alt
        hidden, untold = wait.hides(values)
        for shown in (scene, phone):
            assert not given_away(name, values, shown, hidden, untold), values
        beside = "" if untold else f"{scene.caption}\n{scene.alt}"
        for number in numbers(scene, set(hidden)) - numbers(scene, set(scene.groups) - set(hidden)):
            assert not re.search(rf"(?<![\d,.]){re.escape(number)}(?![\d,])", beside), (values, number)
        seen = {group for group in telling - set(hidden) if scene.groups.get(group) == deciding.groups.get(group)}
        assert seen <= ALIKE.get(name, set()), (values, seen)


def test_the_sums_of_the_last_column_are_behind_one_veil_as_wide_as_a_column():
    """Veils of right-aligned numbers would be strips."""
    wait, film = waits.WAITS["frames for 1,024"], FILMS["sharing"]
    values = {"pages": 2, "huge_page": "2 MiB"}
    for scene in (film.state(**values)[0], film.portrait(**values)):
        shown = wait.veiled(scene, values)
        (veil,) = (shown.groups[group][0] for group in wait.together if group in shown.groups)
        assert min(veil.width, veil.height) > 80, veil


def test_the_veil_over_the_arrows_is_the_same_whatever_they_lead_to():
    """As large as each of them, it would tell where they lead."""
    wait, film, places = waits.WAITS["where struct page 300 is read"], FILMS["remap"], set()
    for values in filter(wait.tells_in, film.states()):
        shown = wait.veiled(film.state(**values)[0], values)
        (veil,) = (group for group in wait.together if group in shown.groups)
        places.add(shown.groups[veil][0])
    assert len(places) == 1, places


OF_ANOTHER = {
    "struct page of 128 bytes": {"huge_page": ("32 MiB", "512 MiB")},
    "where struct page 300 is read": {"huge_page": ("1 GiB",), "step": (4, 5)},  # vmemmap pages 2 and 3 are remapped
    "seven free frames": {"scheme": ("tail page",), "free_frames": (6, 13, 14, 42, 48)},
}
"""Question -> where what is seen is another huge page's, vmemmap page's or kernel's, and no verdict yet."""


@pytest.mark.parametrize("name", list(waits.WAITS))
def test_where_the_answer_is_seen_the_verdict_comes(name):
    """A hit, a link or a step may lead there before the state to which "Show me" leads."""
    wait, film = waits.WAITS[name], FILMS[waits.WAITS[name].film]
    assert all(value in wait.verdict[axis] for axis, value in wait.decides.items())
    for values in filter(wait.tells_in, film.states()):
        if any(values[axis] in others for axis, others in OF_ANOTHER.get(name, {}).items()):
            continue
        if given_away(name, values, film.state(**values)[0], (), False):
            assert all(values[axis] in seen for axis, seen in wait.verdict.items()), values


@pytest.mark.beside
def test_the_looking_itself_can_fail():
    """The panels as they stood in the first release, under their questions."""
    spoilt = {
        "if the mail were right": {"number": 4096}, "memmap of 64 GiB": {"memory": "64 GiB"},
        "struct pages that say PG_head": {}, "what is left of 16 GiB": {"memory": "1 TiB", "huge_page": "1 GiB"},
        "RAM behind one PMD leaf": {"pfn": 0x7AFCC}, "1 GiB in 2 MiB pages": {"page_size": "4 KiB"},
    }  # fmt: skip
    for name, values in spoilt.items():
        panel = getattr(hv.explore, waits.WAITS[name].film)(**values)
        assert waits.gives_away(name).search(words(panel.scene)), name


@pytest.mark.parametrize("name", list(waits.WAITS))
def test_what_decides_can_be_reached_and_shows_the_answer(name):
    wait = waits.WAITS[name]
    film = FILMS[wait.film]
    axes = {axis.name: axis for axis in film.axes}
    values = {axis.name: axis.start for axis in film.axes} | dict(wait.begins)
    for axis, value in {**wait.begins, **wait.decides}.items():
        assert value in axes[axis].values
    deciding = film.state(**values | dict(wait.decides))[0]
    groups = {group for state in film.states() if wait.tells_in(state) for group in film.state(**state)[0].groups}
    groups |= set(film.state(**values)[0].groups)
    assert {*wait.veils, *wait.always} <= groups, {*wait.veils, *wait.always} - groups
    spot = wait.spot
    assert spot.groups
    assert set(spot.groups) <= set(deciding.groups), set(spot.groups) - set(deciding.groups)
    phone = film.portrait(**values | dict(wait.decides)) if film.portrait else deciding
    assert set(wait.always) <= set(phone.groups), set(wait.always) - set(phone.groups)
    assert wait.untold <= bool(wait.always), "what is not told is not shown"
    assert set(spot.groups) <= set(phone.groups), "for a phone"
    assert waits.as_data(name)["way"].startswith("Set "), "there is a way to it"
    assert len(waits.as_data(name)["way"]) > 8
    assert waits.as_data(name)["answer"].startswith("It is ")


def test_the_pool_is_saved_from_while_the_pages_live_and_whole_at_boot():
    film, name = FILMS["kernels"], "saved by 6.1"
    for when, said in (("at boot", "none of 512 frames saved"), ("while it lives", "448 of 512 frames saved")):
        for release in ("6.1.192", "7.3.4"):
            values = {"release": release, "when": when}
            for scene in (film.state(**values)[0], film.portrait(**values)):
                assert (scene.groups["pool text"][0].text, len(scene.groups["pool"])) == (said, 2 - (when == "at boot"))
                assert ("at boot" in scene.groups["pool words"][0].text) == (when == "at boot")
            assert ("448 of 512" in film.state(**values)[0].caption) == (when != "at boot")
    assert given_away(name, waits.WAITS[name].decides, film.state(**waits.WAITS[name].decides)[0], (), False)


def test_a_panel_waits_for_no_guess_of_another_panels_question():
    for name, wait in waits.WAITS.items():
        assert [waits.wait_of(name, film) for film in FILMS] == [wait if film == wait.film else None for film in FILMS]


def test_the_remap_is_decided_when_all_is_remapped():
    """Of the step that decides, every arrow that the guess is about leads through a read-only entry."""
    wait = waits.WAITS["where struct page 300 is read"]
    scene = FILMS["remap"].state(**wait.decides)[0]
    assert {scene.groups[f"arrow{page}"][0].role for page in range(2, 8)} == {"remapped"}


def test_a_guess_is_noted_for_the_panel_with_the_verdict_that_waits():
    guess = hv.predict("what is left of 16 GiB")
    panel = hv.explore.bill(guess)
    assert panel.values == {"huge_page": "1 GiB", "scheme": "off", "memory": "1 TiB"}
    assert (panel.guess, panel.note) == ({}, "")
    guess.value = "4 MiB"
    assert (panel.guess["shown"], panel.guess["number"]) == ("4 MiB", 4 * hv.MiB)
    assert panel.guess["verdict"] == guess.verdict()
    assert panel.note == "", "the verdict is not told before it is decided"
    guess.value = "lots"
    assert panel.guess == {}
    for name in ("guess", "wait"):
        with pytest.raises(hv.BadInput, match=r"told and not set"):
            setattr(panel, name, {})
    assert hv.explore.bill(guess, memory="2 GiB").values["memory"] == "2 GiB", "who says where, is heard"


@pytest.mark.parametrize("path", NOTEBOOKS[:7], ids=lambda path: path.stem)
def test_the_seventh_frame_is_not_told_before_chapter_7_asks(path):
    for cell in nbformat.read(path, as_version=4).cells:
        told = [cell.source.split("### Sources")[0]]
        told += [output.get("text", "") or str(output.data["text/plain"]) for output in cell.get("outputs", ())]
        for text in told:
            assert not SEVENTH.search(text), SEVENTH.search(text)
