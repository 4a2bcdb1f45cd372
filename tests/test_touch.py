"""What can be touched in a picture: every hit sets a slider that is there to a value that it can take."""

import pytest

from hvlib.pictures import film, touch
from hvlib.pictures.films import FILMS
from hvlib.pictures.scene import PORTRAIT, WIDTH, Box, Label, Line, Scene

DRAWINGS = [(name, "state") for name in FILMS] + [(name, "portrait") for name, one in FILMS.items() if one.portrait]

LONG = {name for name, one in FILMS.items() if len(list(one.states())) > 80}
"""Films of many states."""


def scenes(name, which):
    one = FILMS[name]
    for values in one.states():
        drawn = getattr(one, which)(**values)
        yield values, drawn[0] if which == "state" else drawn


@pytest.mark.parametrize(("name", "which"), DRAWINGS)
def test_a_hit_is_a_drawn_group_and_sets_a_slider_to_a_value_of_its(name, which):
    axes = {axis.name: axis.values for axis in FILMS[name].axes}
    seen = set()
    for values, scene in scenes(name, which):
        for group, moves in scene.hits.items():
            if group not in scene.groups:
                continue  # an entry that is a part of the leaf still
            assert moves, (values, group)
            place = touch.extent(scene.groups[group])
            assert place, (values, group, "has no box to touch")
            left, top, wide, high = place
            assert wide * high > 30, (values, group, "is too small to touch")
            inside = left >= 0 and top >= 0 and left + wide <= scene.width and top + high <= scene.height
            assert inside, (values, group, "is touched outside the picture", place)
            for axis, value in moves.items():
                assert value in axes[axis], (values, group, axis, value)
                assert type(value) is type(axes[axis][0])
            if any(values[axis] != value for axis, value in moves.items()):
                seen.add(group)
        for tie in scene.ties:
            assert len(set(tie)) == len(tie)
            assert set(tie) <= set(scene.groups)
    assert seen, "touching changes something"


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in FILMS])
def test_the_browser_is_told_every_hit_and_tie(name):
    one = FILMS[name]
    for drawing, which in ((film.reel(one), "state"), (film.upright(one), "portrait")):
        if not drawing:
            continue
        for (values, scene), number in zip(scenes(name, which), drawing["touched"], strict=True):
            table = drawing["touch"][number]
            told = {}
            for slot, x, y, width, height, *moves in table["zones"]:
                group = drawing["names"][slot]
                assert (x, y, width, height) == pytest.approx(touch.extent(scene.groups[group]), abs=0.06)
                if moves:
                    told[group] = {one.axes[axis].name: one.axes[axis].values[place] for axis, place in moves[0]}
            assert told == {group: moves for group, moves in scene.hits.items() if group in scene.groups}, values
            ties = [{drawing["names"][slot] for slot in tie} for tie in table["ties"]]
            assert ties == [set(tie) for tie in scene.ties if len(tie) > 1]


def test_what_is_touched_again_and_again_comes_to_its_first_value():
    assert [film.after((1, 2, 3), value) for value in (1, 2, 3)] == [2, 3, 1]


def test_a_group_is_touched_where_its_boxes_are():
    scene = Scene(WIDTH, 100)
    scene.add("two", Box(10, 20, 30, 40, "own"), Box(30, 10, 50, 20, "own"), Label(5, 5, "aside"))
    scene.add("words", Label(5, 5, "no box"), Line(0, 0, 9, 9))
    assert touch.extent(scene.groups["two"]) == (10, 10, 70, 50)
    assert touch.extent(scene.groups["words"]) is None
    scene.sets("two", step=1)
    scene.tie("two", "words", "not drawn")
    assert scene.ties == [("two", "words")]
    assert touch.cut([scene, scene], ["words", "two"], {"step": (0, 1, 2)}) == {
        "touch": [{"zones": [[1, 10, 10, 70, 50, [[0, 1]]]], "ties": [[0, 1]]}],
        "touched": [0, 0],
    }


def test_a_frame_belongs_to_all_who_lead_to_it():
    scene = FILMS["remap"].state("2 MiB", 11)[0]
    families = [tie for tie in scene.ties if "frame1" in tie]
    assert {name for tie in families for name in tie} >= {*(f"page{n}" for n in range(1, 8)), "entry5", "frame1"}
    assert "frame0" not in {name for tie in families for name in tie}
    assert scene.hits["page4"] == {"step": 6}


def test_a_remapped_page_is_touched_at_the_step_that_remaps_it():
    for row in range(2, 8):
        step = FILMS["remap"].state("2 MiB", 0)[0].hits[f"page{row}"]["step"]
        before, then = (FILMS["remap"].state("2 MiB", at)[0].groups[f"arrow{row}"][0].role for at in (step - 1, step))
        assert (before, then) == ("own", "remapped"), row


@pytest.mark.parametrize("name", list(FILMS))
def test_a_phone_has_a_drawing_of_its_own(name):
    one = FILMS[name]
    assert one.portrait, f"give FILM in films/{name}.py a drawing {PORTRAIT} units wide: Film(…, portrait)"
    assert film.upright(one)
    heights = {scene.height for _, scene in scenes(name, "portrait")}
    widths = {scene.width for _, scene in scenes(name, "portrait")}
    assert (len(heights), widths) == (1, {PORTRAIT})
