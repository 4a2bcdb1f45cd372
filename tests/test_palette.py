"""One palette, and one meaning per colour, in every picture of the book."""

import itertools
import re
from collections import defaultdict
from pathlib import Path

import pytest
from labels import scenes_of_chapters, scenes_of_films

import hvlib
from hvlib.pictures.films import FILMS
from hvlib.pictures.scene import Arrow, Box, Label
from hvlib.pictures.style import ARROWS, STYLES

ROOT = Path(hvlib.__file__).parents[1]
MEANING = {
    "head": {"head", "the head", "the head's", "says PG_head", "struct pages", "struct pages (the memmap)"},
    "own": {"own frame", "in use", "frames kept", "memory to use", "a page of 1 GiB"},
    "shared": {"shared", "in use, shared", "one for all"},
    "freed": {"free", "free, given back", "freed", "given back", "saved", "saved, net"},
    "table": {"PTE, writable", "page tables"},
    "readonly": {"PTE, read-only", "shared, read-only", "shared, r/o"},
    "level": {"PMD leaf"},
    "mark": {"the PFN asked about"},
    "stuck": {"surplus", "still says HugeTLB"},
    "unlike": {"differs from most tails", "differs from most tails (all grey: no value is common)"},
    "arrow own": {"writable", "writable entry"},
    "arrow remapped": {"read-only", "read-only entry"},
    "arrow arithmetic": {"arithmetic"},
    "arrow taken": {"frames taken"},
    "arrow given": {"frames given back"},
    "arrow stale": {"old, still in a TLB"},
}
"""What the keys say of each role that has a colour. A new picture takes a role by its meaning, or adds words here."""
NEUTRAL = {"plain", "quiet", "void"}
"""White, grey and dots mean what the words beside them say."""
UNSAID = {"upper"}
"""A PUD: its words stand on it."""


def said():
    """What the keys say: role -> words."""
    found = defaultdict(set)
    for _, scene in [*scenes_of_chapters(), *scenes_of_films()]:
        shapes = scene.groups.get("key", ())
        for shape, label in itertools.pairwise(shapes):
            if isinstance(label, Label) and isinstance(shape, (Box, Arrow)):
                found[f"arrow {shape.role}" if isinstance(shape, Arrow) else shape.role].add(label.text)
    return found


@pytest.mark.slow
def test_a_colour_has_one_meaning_in_all_chapters():
    found = said()
    assert {role: words for role, words in found.items() if role not in NEUTRAL} == MEANING
    owners = defaultdict(set)
    for role, words in found.items():
        for word in words:
            owners[word].add(role)
    assert {word: roles for word, roles in owners.items() if len(roles) > 1} == {}, "one meaning has one colour"


def test_every_role_is_neutral_or_has_its_meaning():
    assert set(STYLES) == {role for role in MEANING if not role.startswith("arrow")} | NEUTRAL | UNSAID
    assert set(ARROWS) == {role.removeprefix("arrow ") for role in MEANING if role.startswith("arrow")}


YELLOW = {
    ".hv-hand .pin .grip": "where the hand is that is dragged",
    ".hv-hand .walk .mark .box": "where a mark stands that is moved",
    ".hv-kernel .hinted > .ring": "what the hint points at",
    ".hv-kernel button.hv-hinted": "what the hint points at",
    'a[href^="#show:"][data-lit]': "what is pointed at",
}
"""Where a style sheet is yellow, and what is looked at there."""


def marks(film, **values):
    scene = film.state(**values)[0]
    return {(shape.x, shape.y) for group in scene.groups.values() for shape in group
            if isinstance(shape, Box) and shape.role == "mark"} - {
        (shape.x, shape.y) for shape in scene.groups.get("key", ()) if isinstance(shape, Box)
    }  # fmt: skip


@pytest.mark.parametrize("name", list(FILMS))
def test_yellow_is_where_the_reader_looks_and_goes_with_a_slider(name):
    """A mark that stands still in every state marks something else than what was chosen."""
    film = FILMS[name]
    begins = {axis.name: axis.start for axis in film.axes}
    shown = [marks(film, **begins | {axis.name: value}) for axis in film.axes for value in axis.values]
    assert not set.intersection(*shown), "these are yellow wherever the sliders stand"


def test_yellow_of_style_sheets_has_the_same_use():
    sheets = [*Path(hvlib.__file__).parent.rglob("static/*.css")]
    found = {
        rule.strip()
        for sheet in sheets
        for rule, held in re.findall(
            r"([^{}]+)\{([^{}]*)\}", re.sub(r"/\*.*?\*/", "", sheet.read_text("utf-8"), flags=re.DOTALL)
        )
        if "--hv-mark" in held or STYLES["mark"].fill.lower() in held.lower()
    }
    assert found == set(YELLOW)


def roles(scene, group):
    return {shape.role for shape in scene.groups[group] if isinstance(shape, Box)}


def test_levels_of_the_page_table_look_alike_where_they_are_walked_and_where_they_are_split():
    walk = FILMS["address"].state("4 KiB", 0)[0]
    before, after = (FILMS["remap"].state("2 MiB", step)[0] for step in (0, 3))
    assert roles(walk, "table PMD") == roles(before, "leaf") == {"level"}
    assert roles(walk, "table PTE") == roles(after, "entry0") == {"table"}
    assert roles(walk, "page") == roles(before, "frame3") == {"own"}


BORROWED = {
    "--hv-head": {".hv-hand .seg label:has(:checked)", ".hv-hand .hv-slide input", ".hv-hand .brick .grip",
                  ".hv-hand .brick .tick:hover rect"},
    "--hv-table": set(),
    "--hv-own": set(),
    "--hv-level": set(),
    "--hv-shared": set(),
}  # fmt: skip
"""Where a style sheet has a role's colour for something else: blue is also what a control is set to."""
HELD = {
    "--hv-head": {".hv-hand .first", ".hv-hand .key i.first", ".hv-hand .mask .head", ".hv-kernel .slot0"},
    "--hv-own": {".hv-hand .kernels .frame.led .box", ".hv-kernel .box"},
    "--hv-shared": {".hv-hand .kernels .frame.all.led .box", ".hv-kernel .shared > .box"},
    "--hv-table": {".hv-hand .kernels .entry.seen .box", ".hv-hand .line", ".hv-kernel .entry > .box",
                   ".hv-kernel .frame.table > .box", ".hv-kernel .line > .box", ".hv-kernel .outline",
                   ".hv-kernel .tie"},
    "--hv-level": {".hv-hand .line.huge", ".hv-kernel .leaf > .box", ".hv-kernel .line.huge > .box"},
}  # fmt: skip
"""Where it is what the role means: a head, a frame in use, one for all, a page table and its entries, a PMD."""


@pytest.mark.parametrize("role", list(HELD))
def test_the_hands_and_the_game_lend_no_role_its_colour_for_something_else(role):
    """Mixed colours too: three huge pages are told apart by greys."""
    found = set()
    for sheet in (ROOT / "hvlib" / "teaching" / "static").glob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text("utf-8"), flags=re.DOTALL)
        for rule, held in re.findall(r"([^{}]+)\{([^{}]*)\}", text):
            mixtures = dict(re.findall(r"(--[\w-]+):([^;]*)", held))
            found |= {name for name, value in mixtures.items() if role in value and name not in VERDICTS}
            if f"var({role})" in re.sub(r"--[\w-]+:[^;]*;?", "", held):
                found.add(rule.strip())
    for script in (ROOT / "hvlib" / "teaching" / "static").glob("*.js"):
        assert f"var({role})" not in script.read_text("utf-8"), script.name
    assert found == HELD[role] | BORROWED[role]


VERDICTS = {"--hv-good", "--blue", "--one"}
"""Mixtures of a role's colour: right is green, a head's address blue, one page for all orange."""
