"""The film of chapter 3: three zooms against the engine, read back from the picture."""

import re

import pytest

import hvlib as hv
from hvlib.pictures.films import FILMS
from hvlib.pictures.scene import Arrow, Box, Label
from hvlib.teaching.questions import QUESTIONS

FILM = FILMS["vmemmap"]
STATES = [tuple(values.values()) for values in FILM.states()]


def boxes(scene, group):
    return [shape for shape in scene.groups[group] if isinstance(shape, Box)]


def middle(box):
    return box.x + box.width / 2


@pytest.mark.parametrize(("pfn", "paging"), STATES)
def test_the_three_marks_put_together_are_the_pfn(pfn, paging):
    """Where a mark stands in its strip, read from the picture, is a digit of the PFN."""
    scene = FILM.state(pfn, paging)[0]
    digits = []
    for row, count in enumerate((64, 512, 64)):
        strip, (mark,) = boxes(scene, f"strip{row}"), boxes(scene, f"chosen{row}")
        assert mark.role == "mark"
        left, width = strip[0].x, strip[-1].x + strip[-1].width - strip[0].x
        place = (middle(mark) - left) / width * count
        (number,) = re.findall(r"\d+", next(s.text for s in scene.groups[f"name{row}"] if s.bold))
        assert abs(place - 0.5 - int(number)) < 2 * count / 512 + 0.01, "the mark is where its number says"
        digits.append(int(number))
    assert digits[0] * 32768 + digits[1] * 64 + digits[2] == pfn


@pytest.mark.parametrize(("pfn", "paging"), STATES)
def test_the_address_is_that_of_two_witnesses_and_is_printed(pfn, paging):
    scene, facts = FILM.state(pfn, paging)
    address = hv.pfn_to_page(pfn, paging)
    assert facts["struct page at"] == hex(address)
    texts = [s.text for s in scene.groups["struct"] if isinstance(s, Label)]
    assert hex(address) in texts
    assert f"= {address:#x}" in scene.groups["sum"][0].text
    if paging == "4-level":
        assert address == hv.Machine("8 GiB", check=False).pfn_to_page(pfn)


def test_one_arrow_is_arithmetic_and_the_other_is_read_from_the_page_table():
    machine = hv.Machine("8 GiB", check=False)
    for pfn, paging in STATES:
        scene = FILM.state(pfn, paging)[0]
        arrows = {s.role: s for shapes in scene.groups.values() for s in shapes if isinstance(s, Arrow)}
        assert set(arrows) == {"arithmetic", "own"}
        (start,), (struct,), (end,) = (boxes(scene, name) for name in ("described", "struct", "backing"))
        assert arrows["arithmetic"].x1 == start.x + start.width
        assert 0 <= struct.x - arrows["arithmetic"].x2 <= 3
        assert arrows["own"].x1 == struct.x + struct.width
        assert 0 <= end.x - arrows["own"].x2 <= 3
        frame = int(machine.vmemmap.frame[pfn * 64 // 4096])
        assert f"PFN {frame:#x}" in [s.text for s in scene.groups["backing"] if isinstance(s, Label)]


def test_in_the_model_the_last_frame_stores_its_own_struct_page():
    facts = FILM.state(0x1FFFFF, "4-level")[1]
    assert str(facts["the struct page is stored in"]).startswith("frame 0x1fffff ")


def test_the_recorded_kernels_tails_name_the_address_that_arithmetic_gives():
    asked = 0
    for release in hv.observe.records():
        record = hv.observe.recorded(release)
        if record.series < (7, 1):
            word = record.entries("2 MiB", "live", "off").words[1][1]
            assert hv.page_to_pfn(word - 1) == record.pfn("2 MiB", "live", "off")
            asked += 1
    assert asked >= 6


def test_a_written_pfn_to_page_is_judged_by_what_it_returns():
    right = hv.check("write pfn_to_page", lambda pfn: hv.pfn_to_page(pfn))
    assert right.right
    for wrong, said in (
        (lambda pfn: 0xFFFFEA0000000000 + pfn, "1 byte apart"),
        (lambda pfn: 0xFFFFEA0000000000 + 4096 * pfn, "distance of the frames"),
        (lambda pfn: 64 * pfn, "does not start at address 0"),
        (lambda pfn: pfn / 0, "ZeroDivisionError"),
        (lambda pfn: "here", "not a whole number"),
    ):
        verdict = hv.check("write pfn_to_page", wrong)
        assert not verdict.right
        assert said in verdict.text
    assert QUESTIONS["write pfn_to_page"].text(0) == QUESTIONS["write pfn_to_page"].text(1)


@pytest.mark.parametrize("scheme", list(hv.SCHEMES))
def test_what_was_written_to_a_huge_page_is_gone_when_it_is_given_back(scheme):
    machine = hv.Machine("1 GiB")
    pool, neighbour = machine.hugetlb("2 MiB"), machine.hugetlb("2 MiB")
    pool.optimize(scheme)
    if scheme != "off":
        pool.restore()
    pfns = [pool.pfns[0] + n for n in (0, 1, 65, 511)]
    for pfn in pfns:
        machine.write(pfn, 4, 0x1234)
    machine.write(neighbour.pfns[0], 4, 0x5678)
    pool.free()
    assert [machine.struct_page_of(pfn).words[4] for pfn in pfns] == [0] * 4
    assert [machine.compound_head(pfn) for pfn in pfns] == pfns
    assert machine.struct_page_of(neighbour.pfns[0]).words[4] == 0x5678
