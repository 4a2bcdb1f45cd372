"""The sandbox: typed input, its own figure, and a sentence for whatever cannot be."""

import re

import ipywidgets as widgets
import pytest

import hvlib as hv
from hvlib.pictures import outputs
from hvlib.pictures.mapping import page_map_of_pool, page_map_scene
from hvlib.teaching.workbench import Sandbox, answer

DEFAULT = {
    "memory": "4 GiB", "huge_page": "2 MiB", "number": "64", "base_page": "4 KiB", "struct_page": "64",
    "scheme": "head page",
}  # fmt: skip


def quoted(bench):
    """Both parts of the picture slot, as the browser gets them."""
    return bench._picture.value, bench._told.value


def test_the_default_state_is_a_machine_and_its_arithmetic():
    bench = hv.sandbox()
    assert {name: field.value for name, field in bench.fields.items()} == DEFAULT
    machine = hv.Machine("4 GiB")
    pool = machine.hugetlb("2 MiB", 64)
    before = machine.free_frames
    pool.optimize("head page")
    assert f"{machine.free_frames - before:,} more frames free" in bench.text
    assert f"{machine.nr_page_tables} page tables" in bench.text
    bill = hv.HugePage("2 MiB").bill("head page", 64)
    assert f"{bill.freed} freed, less {bill.tables} page table: {bill.saved} saved" in bench.text
    assert f"{machine.nr_page_tables - bill.tables} page table more than by arithmetic" in bench.text
    model = page_map_scene(page_map_of_pool(pool))
    assert [bench.scene.groups[f"arrow{n}"] for n in range(8)] == [model.groups[f"arrow{n}"] for n in range(8)]
    picture, told = quoted(bench)
    assert picture.startswith("<svg ")
    assert 'aria-label="2 MiB huge page.' in picture
    assert "446 more frames" in told


def test_it_says_its_state_in_words_and_shows_a_picture_without_a_browser(monkeypatch):
    monkeypatch.setenv("HVLIB_PNG", "1")
    bench = hv.sandbox()
    data, metadata = bench._repr_mimebundle_()
    assert data["text/plain"] == repr(bench)
    assert repr(bench).startswith("Sandbox, at memory: 4 GiB, huge page: 2 MiB, how many: 64, base page: 4 KiB,")
    assert data["image/png"]
    assert metadata["image/png"]["alt"] == bench.scene.alt
    assert outputs.read(data) == outputs.SandboxShown(DEFAULT, bench.scene.alt)
    bench.set(memory="?")
    data, metadata = bench._repr_mimebundle_()
    assert "image/png" not in data
    assert outputs.read(data) == outputs.SandboxShown({**DEFAULT, "memory": "?"}, None)
    assert "is not a size" in data["text/plain"]


def test_every_field_is_labelled_and_only_core_widgets_are_used():
    bench = hv.sandbox()
    for field in bench.fields.values():
        assert isinstance(field, (widgets.Text, widgets.Dropdown))
        assert re.fullmatch(r"[a-z ]+:", field.description)
    assert isinstance(bench, widgets.VBox)
    assert isinstance(bench, Sandbox)


CHANGES = [
    {"memory": "64 MiB", "number": "3"},
    {"memory": "2 TiB"},
    {"huge_page": "1 GiB", "number": "2"},
    {"number": "65"},
    {"number": "1,000"},
    {"base_page": "16 KiB"},
    {"struct_page": "128"},
    {"struct_page": "56"},
    {"scheme": "tail page"},
    {"scheme": "head page, copied"},
    {"scheme": "shared tail"},
    {"scheme": "off"},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_change_of_every_field_changes_words_and_picture(change):
    bench, fresh = hv.sandbox(), hv.sandbox()
    for name, value in change.items():
        bench.fields[name].value = value
    assert quoted(bench)[0] != quoted(fresh)[0]
    assert repr(bench) != repr(fresh)
    assert hv.sandbox().set(**change).text == bench.text, "typed one by one or all at once"
    for name in change:
        bench.fields[name].value = DEFAULT[name]
    assert (quoted(bench), repr(bench)) == (quoted(fresh), repr(fresh)), "and back"


def test_changes_of_every_field_are_tried():
    assert {name for change in CHANGES for name in change} == set(DEFAULT)


BAD = [
    *[("memory", text) for text in ("", "four", "4 GB", "-1 GiB", "0", "1e9", "4 GiB 2", "nan", "5000 B", "1 MiB",
                                   "9" * 500, "<b>4</b>", "4 QiB", "999999999 TiB")],
    *[("huge_page", text) for text in ("", "2", "3 MiB", "4 KiB", "2 MB", "huge", "8 GiB", "0", "64 TiB", "None")],
    *[("number", text) for text in ("", "0", "-5", "1.5", "many", "1e3", "99999999999999999999", "4000", "٣", "0x40")],
    *[("base_page", text) for text in ("", "5 KiB", "2 KiB", "2 MiB", "128 KiB", "four")],
    *[("struct_page", text) for text in ("", "0", "60", "8", "512", "64.5", "many")],
]  # fmt: skip


@pytest.mark.parametrize(("field", "text"), BAD, ids=lambda value: str(value)[:20])
def test_bad_input_shows_its_sentence_and_the_sandbox_recovers(field, text):
    bench, fresh = hv.sandbox(), hv.sandbox()
    bench.fields[field].value = text
    picture, told = quoted(bench)
    assert bench.scene is None
    assert told == ""
    assert "\n" not in bench.text
    assert len(bench.text) > 40
    assert re.fullmatch(r"<p>[^<>]+</p>", picture), "a sentence in the picture's place, and no markup of the reader's"
    with pytest.raises(hv.BadInput):
        answer(**{**DEFAULT, field: text})
    bench.fields[field].value = DEFAULT[field]
    assert (quoted(bench), repr(bench)) == (quoted(fresh), repr(fresh))


def test_there_are_enough_bad_inputs():
    assert len(BAD) >= 30


def test_nothing_larger_than_64_gib_is_simulated():
    bench = hv.sandbox().set(memory="64 GiB")
    assert bench.scene is not None
    bench.set(memory="65 GiB")
    assert bench.scene is None
    assert "More than 64 GiB is not simulated" in bench.text
    assert "Arithmetic: 512 frames of struct pages, 448 freed, less 1 page table: 447 saved" in bench.text
    assert "Arithmetic" in quoted(bench)[0]


def test_what_does_not_fit_into_the_machine_gets_a_sentence():
    """The struct pages need room too: a huge page as large as the memory finds none."""
    bench = hv.sandbox().set(memory="1 GiB", huge_page="1 GiB", number="1")
    assert bench.scene is None
    assert "1 free aligned block" in bench.text


def test_set_knows_its_fields():
    bench = hv.sandbox()
    with pytest.raises(hv.BadInput, match="choose one of 'memory'"):
        bench.set(memmory="1 GiB")
    with pytest.raises(hv.BadInput, match="choose one of 'off'"):
        bench.set(memory="1 GiB", scheme="best")
    assert bench.fields["memory"].value == "4 GiB", "then nothing was typed"


@pytest.mark.parametrize("number", ["513", "600", "1,024"])
def test_more_huge_pages_than_memory_are_told_how_many_there_can_be(number):
    """Whatever else would stop them later: the sentence names the most."""
    bench = hv.sandbox()
    bench.fields["memory"].value, bench.fields["number"].value = "1 GiB", number
    assert "choose at most 512" in bench.text
