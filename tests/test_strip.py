"""The film of chapter 4: which words differ and what word 1 says, read back from the picture."""

import pytest

import hvlib as hv
from hvlib.kernels import trial
from hvlib.mechanism.structpage import FIELDS
from hvlib.pictures.films import FILMS
from hvlib.pictures.scene import Box, Label

FILM = FILMS["strip"]
NUMBERS = FILM.axes[1].values
WHO = FILM.axes[0].values


def box(scene, group):
    (found,) = [shape for shape in scene.groups[group] if isinstance(shape, Box)]
    return found


def text(scene, group):
    return " ".join(shape.text for shape in scene.groups[group] if isinstance(shape, Label))


def asked(who):
    """First PFN and the words of the ten struct pages, straight from the machine or the record."""
    if who == "the model":
        machine = hv.Machine("1 GiB")
        head = machine.hugetlb("2 MiB").pfns[0]
        return head, {number: machine.struct_page_of(head + number).words for number in NUMBERS}
    record = hv.observe.recorded(who)
    return record.pfn("2 MiB", "live", "off"), record.entries("2 MiB", "live", "off").words


@pytest.mark.parametrize("who", WHO)
def test_grey_is_what_most_tails_do_not_have(who):
    _, words = asked(who)
    scene = FILM.state(who, 0)[0]
    for word in range(8):
        tails = [words[number][word] for number in NUMBERS[1:]]
        common = next((value for value in tails if tails.count(value) > len(tails) / 2), None)
        for number in NUMBERS:
            differs = words[number][word] != common
            assert box(scene, f"word{word}.{number}").role == ("unlike" if differs else "plain"), (word, number)


@pytest.mark.parametrize("who", WHO)
def test_one_head_and_the_same_word_1_in_all_tails(who):
    scene, facts = FILM.state(who, 1)
    assert [number for number in NUMBERS if box(scene, f"page{number}").role == "head"] == [0]
    assert {box(scene, f"word1.{number}").role for number in NUMBERS[1:]} == {"plain"}
    tails = 511 if who == "the model" else len(NUMBERS) - 1
    assert str(facts["same word 1"]) == f"{tails} of {tails} tails"


@pytest.mark.parametrize("who", WHO)
def test_the_decoding_leads_to_the_first_frame_from_each_struct_page(who):
    head, words = asked(who)
    for number in NUMBERS:
        scene, facts = FILM.state(who, number)
        assert str(facts["its head"]) == f"struct page at {hv.pfn_to_page(head):#x}, PFN {head:#x}"
        assert f"PFN {head:#x}" in text(scene, "steps")
        assert hex(hv.pfn_to_page(head + number)) in str(facts["this struct page"])
        bits = "".join(text(scene, f"bit{bit}") for bit in range(15, -1, -1))
        assert int(bits, 2) == words[number][1] & 0xFFFF
        assert [bit for bit in range(16) if box(scene, f"bit{bit}").role == "quiet"] == [0]
        assert ("not a tail" in text(scene, "steps")) == (number == 0)
        for word in range(8):
            assert int(text(scene, f"value{word}"), 16) == words[number][word]


@pytest.mark.parametrize("who", WHO)
def test_the_same_letter_is_the_same_64_bytes(who):
    _, words = asked(who)
    scene = FILM.state(who, 0)[0]
    letters = {number: text(scene, f"content{number}") for number in NUMBERS}
    for one in NUMBERS:
        for other in NUMBERS:
            assert (letters[one] == letters[other]) == (words[one] == words[other])


def test_the_mark_stands_over_the_struct_page_that_is_opened():
    for who, number in (("the model", 4), ("6.1.192", 63), ("7.3.4", 511)):
        scene = FILM.state(who, number)[0]
        mark, page = box(scene, "opened"), box(scene, f"page{number}")
        assert (mark.x, mark.width) == (page.x, page.width)
        assert mark.y + mark.height <= page.y


def test_word_1_has_its_name_of_the_time_and_a_mask_since_7_1():
    for release in hv.observe.records():
        scene = FILM.state(release, 511)[0]
        mask = trial.scheme_of_series(hv.observe.recorded(release).series).encoding == "mask"
        assert ("compound_info" in text(scene, "name1")) == mask == (hv.observe.recorded(release).series >= (7, 1))
        assert ("AND" in text(scene, "steps")) == mask
        assert FIELDS[2][0] in text(scene, "name2")


def test_what_the_chapter_says_of_the_records_holds():
    """Flags of tails, the order in the first tail's, and the layout of 6.12.117."""
    for release in hv.observe.records():
        _, words = asked(release)
        flags = {words[number][0] for number in NUMBERS[2:]}
        assert len(flags) == 1
        assert 0 not in flags
        order = words[1][0] ^ flags.pop()
        assert order == (9 if hv.observe.recorded(release).series >= (6, 12) else 0)
        late = hv.observe.recorded(release).series >= (6, 12)
        address = hv.pfn_to_page(asked(release)[0] + 2)
        assert (words[2][2] == words[2][3] == address + 16) == late, "a list that points to itself, at offset 144"
        assert (words[3][3] == 0) == late, "a cgroup pointer in struct page 3, at offset 216"
