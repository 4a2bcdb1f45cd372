"""What outputs say to programs: shapes, sentences for what does not fit, and that strict nbval compares them."""

import base64
import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import nbformat
import pytest

import hvlib as hv
from hvlib.pictures import outputs
from hvlib.pictures.fact import Fact, as_data, in_bytes
from hvlib.pictures.picture import UPRIGHT
from tools import notebooks

ROOT = Path(__file__).parents[1]


STATES = [
    outputs.PanelShown("remap", {"huge_page": "2 MiB", "step": 3}, {"frames freed": 0, "words": [1, 2]}),
    outputs.PictureShown("A caption.", "What the picture shows."),
    outputs.SandboxShown({"memory": "4 GiB"}, None),
    outputs.PredictionShown("base pages of 1 GiB", 0),
    outputs.ExerciseShown("base pages of 1 GiB", "s01", True, False, "512 counts something else."),
    outputs.ConceptTestShown(7, "before", "A"),
    outputs.GameShown("you are the kernel", 6, [{"do": "remap", "page": 2, "frame": 1}]),
    outputs.PasteShown("MemTotal: 65481216 kB"),
]


@pytest.mark.parametrize("state", STATES, ids=lambda state: type(state).__name__)
def test_a_state_that_lacks_something_is_refused(state):
    data = outputs.bundle(state)[outputs.MIMETYPE]
    for name in set(data) - {"kind"}:
        with pytest.raises(hv.BadInput, match=r"the state .* holds"):
            outputs.read({outputs.MIMETYPE: {one: value for one, value in data.items() if one != name}})


@pytest.mark.parametrize("state", STATES, ids=lambda state: type(state).__name__)
def test_a_state_is_read_back_as_it_was_from_json(state):
    data = json.loads(json.dumps(outputs.bundle(state)))
    assert outputs.read({"text/plain": "words", **data}) == state
    assert {type(one) for one in STATES} == set(outputs.KINDS.values())


def test_an_output_without_a_state_has_none():
    assert outputs.read({"text/plain": "512"}) is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "film"}, "the kind of an output 'film' is not known; choose one of 'panel'"),
        ({"kind": None}, "the kind of an output None is not known"),
        ({"seed": None}, "seed in the state 'exercise' cannot be None"),
        ({"seed": True}, "seed in the state 'exercise' cannot be True"),
        ({"right": 1}, "right in the state 'exercise' cannot be 1"),
        ({"mistake": 7}, "mistake in the state 'exercise' cannot be 7"),
        ({"more": 1}, "holds question, seed, answered, right, mistake, and not"),
    ],
)
def test_what_has_another_shape_gets_a_sentence(change, sentence):
    state = outputs.bundle(STATES[4])[outputs.MIMETYPE]
    with pytest.raises(hv.BadInput, match=sentence) as why:
        outputs.read({outputs.MIMETYPE: {**state, **change}})
    assert str(why.value).endswith(".")


@pytest.mark.parametrize("at", [{"step": 3.5}, {"step": True}, {3: "step"}, ["step"]])
def test_a_panel_stands_at_numbers_and_names(at):
    with pytest.raises(hv.BadInput, match="at in the state 'panel' cannot be"):
        outputs.bundle(outputs.PanelShown("remap", at, {}))


def test_what_is_no_object_gets_a_sentence():
    with pytest.raises(hv.BadInput, match="is a JSON object"):
        outputs.read({outputs.MIMETYPE: "panel"})


def test_a_fact_is_data_and_reads_as_its_words():
    fact = in_bytes(16 << 20)
    assert as_data(fact) == {"bytes": 16777216}
    assert (str(fact), f"{fact:>8}", repr(fact)) == ("16 MiB", "  16 MiB", "'16 MiB'")
    assert fact == in_bytes(16 << 20) != in_bytes(1)
    facts = {"share": Fact(Fraction(1, 64), str), "words": (1, 2), "none": None}
    assert as_data(facts) == {"share": 0.015625, "words": [1, 2], "none": None}
    with pytest.raises(AssertionError, match="JSON does not hold"):
        as_data({"page": hv.HugePage("2 MiB")})


# --- strict nbval -----------------------------------------------------------------------------------------------------

CELLS = ("import hvlib as hv", "hv.explore.memmap(struct_page=80)", "hv.check('base pages of 1 GiB', 4096)")


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A notebook of three cells, executed and normalised by the project's command."""
    path = tmp_path_factory.mktemp("book") / "small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS]), path)
    return notebooks.executed(path)


def compared(text, folder, **environment):
    """What strict nbval says of a notebook."""
    (folder / "small.ipynb").write_text(text, "utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rN", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env", "."],
        cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HVLIB_OBSERVE": "recorded"} | environment,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.beside
def test_strict_nbval_passes_what_the_command_made_and_the_state_is_in_it(executed, tmp_path):
    cells = nbformat.reads(executed, as_version=4).cells
    states = [outputs.read(cell.outputs[0].data) for cell in cells[1:]]
    assert [type(state) for state in states] == [outputs.PanelShown, outputs.ExerciseShown]
    assert states[0].facts == as_data(hv.explore.memmap(struct_page=80).facts)
    done = compared(executed, tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.beside
@pytest.mark.parametrize(
    ("cell", "change"),
    [
        (1, lambda state: state["facts"].update({"page frames": 262145})),
        (1, lambda state: state["at"].update(struct_page=64)),
        (2, lambda state: state.update(mistake=None)),
    ],
    ids=["a fact", "a position", "a mistake"],
)
def test_strict_nbval_fails_when_a_stored_state_is_another(executed, tmp_path, cell, change):
    notebook = nbformat.reads(executed, as_version=4)
    change(notebook.cells[cell].outputs[0].data[outputs.MIMETYPE])
    done = compared(nbformat.writes(notebook), tmp_path)
    assert done.returncode == 1, done.stdout
    assert f"mismatch '{outputs.MIMETYPE}'" in done.stdout
    assert done.stdout.count("mismatch '") == 1, "and nothing else is"


@pytest.mark.slow
@pytest.mark.beside
def test_strict_nbval_fails_when_the_engine_says_another_fact(executed, tmp_path):
    """A fact of which no word is shown: only the state tells that it changed."""
    (tmp_path / "sitecustomize.py").write_text(
        "from hvlib.pictures.films import memmap\n"
        "from hvlib.pictures.fact import Fact\n"
        "sound = memmap.FILM.state\n"
        "def broken(**values):\n"
        "    scene, facts = sound(**values)\n"
        "    fact = facts['struct pages in all']\n"
        "    other = Fact({'bytes': fact.value['bytes'] + 1}, lambda _: str(fact))\n"
        "    return scene, {**facts, 'struct pages in all': other}\n"
        "object.__setattr__(memmap.FILM, 'state', broken)\n"
    )
    done = compared(executed, tmp_path, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert done.returncode == 1, done.stdout
    assert f"mismatch '{outputs.MIMETYPE}'" in done.stdout
    assert "mismatch 'text/plain'" not in done.stdout


@pytest.mark.slow
@pytest.mark.beside
def test_a_widget_that_says_nothing_of_itself_is_not_written(tmp_path):
    path = tmp_path / "small.ipynb"
    cell = nbformat.v4.new_code_cell("import ipywidgets\nipywidgets.IntSlider(3)")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    with pytest.raises(notebooks.DeadWidget, match=f"cell {cell.id} shows a widget"):
        notebooks.executed(path)


def test_viewers_that_do_not_know_the_drawing_for_a_phone_show_the_ordinary_one():
    """A chapter is a valid notebook, and nbconvert's pages hold one picture for each output that has two."""
    nbconvert = pytest.importorskip("nbconvert", reason="nbconvert is not installed")
    notebook = nbformat.read(ROOT / "notebooks" / "06_remap_to_page_1.ipynb", as_version=4)
    nbformat.validate(notebook)
    held = [output.data for cell in notebook.cells for output in cell.get("outputs", ()) if "data" in output]
    both = [data for data in held if UPRIGHT in data]
    assert len(both) >= 4, "the panel, the game, and two pictures"
    page, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    coded = {
        kind: [base64.b64encode(data[kind].encode()).decode() for data in both] for kind in ("image/svg+xml", UPRIGHT)
    }
    assert all(drawing.replace("\n", "") in page for drawing in coded["image/svg+xml"])
    assert UPRIGHT not in page
    assert not any(drawing in page for drawing in coded[UPRIGHT])
