"""One palette, and one meaning per colour, in every picture of the book."""

import itertools
from collections import defaultdict

import pytest
from labels import scenes_of_chapters, scenes_of_films

from hvlib.pictures.films import FILMS
from hvlib.pictures.scene import Arrow, Box, Label
from hvlib.pictures.style import ARROWS, STYLES

MEANING = {
    "head": {"head", "the head", "the head's", "says PG_head", "struct pages", "struct pages (the memmap)"},
    "own": {"own frame", "in use", "frames kept", "memory to use"},
    "shared": {"shared", "in use, shared", "one for all"},
    "freed": {"free", "free, given back", "freed", "given back", "saved", "saved, net"},
    "table": {"PTE, writable", "page tables"},
    "readonly": {"PTE, read-only", "shared, read-only", "shared, r/o"},
    "level": {"PMD leaf"},
    "mark": {"the PFN asked about"},
    "stuck": {"surplus"},
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


def roles(scene, group):
    return {shape.role for shape in scene.groups[group] if isinstance(shape, Box)}


def test_levels_of_the_page_table_look_alike_where_they_are_walked_and_where_they_are_split():
    walk = FILMS["address"].state("4 KiB", 0)[0]
    before, after = (FILMS["remap"].state("2 MiB", step)[0] for step in (0, 3))
    assert roles(walk, "table PMD") == roles(before, "leaf") == {"level"}
    assert roles(walk, "table PTE") == roles(after, "entry0") == {"table"}
    assert roles(walk, "page") == roles(before, "frame3") == {"own"}
