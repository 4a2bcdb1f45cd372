"""The panel of chapter 8, read back as data."""

import pytest

import hvlib as hv
from hvlib.pictures.films import sharing
from hvlib.pictures.scene import Arrow, Box, Label

SCHEMES = list(hv.SCHEMES)


def shapes(scene, name, kind):
    return [shape for shape in scene.groups.get(name, ()) if isinstance(shape, kind)]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", sharing.SIZES)
def test_counted_and_computed_bills_are_equal(scheme, size):
    counts = (1, 2, 16, 64) if size == "2 MiB" else (1, 2)
    for count in counts:
        assert sharing.bill(scheme, size, count) == hv.HugePage(size).bill(scheme, count)


def test_the_bill_of_small_numbers_is_the_machines(monkeypatch):
    """Arithmetic is not asked there: without it the numbers are the same."""
    sharing.bill.cache_clear()
    monkeypatch.setattr(sharing.HugePage, "bill", lambda *_: pytest.fail("arithmetic was asked"))
    assert sharing.bill("shared tail", "2 MiB", 64).saved == 446
    sharing.bill.cache_clear()


@pytest.mark.parametrize("values", list(sharing.FILM.states()), ids=str)
def test_numbers_and_bars_are_those_of_the_bill(values):
    scene, facts = sharing.FILM.state(**values)
    for column, scheme in enumerate(SCHEMES):
        bill = hv.HugePage(values["huge_page"]).bill(scheme, values["pages"])
        kept = bill.memmap - bill.freed
        told = [label.text for row in range(5) for label in shapes(scene, f"number{column}.{row}", Label)]
        assert told == [f"{n:,}" for n in (kept, bill.shared, kept + bill.shared, bill.tables, bill.saved)]
        assert kept + bill.shared + bill.tables + bill.saved == bill.memmap == facts["frames of struct pages at boot"]
        widths = {box.role: box.width for box in shapes(scene, f"bar{column}", Box)}
        for role, part in (("own", kept), ("shared", bill.shared), ("table", bill.tables), ("freed", bill.saved)):
            assert widths.get(role, 0) == pytest.approx(sharing._WIDE * part / bill.memmap, abs=0.3)


@pytest.mark.parametrize("size", sharing.SIZES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_arrows_lead_where_the_entries_of_two_huge_pages_lead(scheme, size):
    """Two rows that lead to one frame in the machine end in one box of the picture, and only those."""
    pool = hv.Machine("4 GiB", check=False).hugetlb(size, 2).optimize(scheme)
    rows = [(number, page) for number in range(2) for page in (0, 1, len(pool.vmemmap_pages()) - 1)]
    frames = [pool.frames(number)[page] for number, page in rows]
    scene = sharing.FILM.state(2, size)[0]
    column = SCHEMES.index(scheme)
    arrows = [
        arrow for number, page in rows for arrow in shapes(scene, f"entry{column}.{number}.{min(page, 2)}", Arrow)
    ]
    assert len(arrows) == len(rows)
    for a in range(6):
        number, page = rows[a]
        assert arrows[a].role == ("own" if pool.writable(number)[page] else "remapped")
        for b in range(a):
            assert (frames[a] == frames[b]) == (arrows[a].y2 == arrows[b].y2), (rows[a], rows[b])
    boxes = [box for name in scene.groups if name.startswith((f"frame{column}.", f"all{column}"))
             for box in shapes(scene, name, Box) if box.role != "freed"]  # fmt: skip
    for arrow in arrows:
        assert sum(box.y < arrow.y2 < box.y + box.height for box in boxes) == 1, "it ends at a frame in use"


def test_freed_boxes_are_frames_that_went_back():
    scene = sharing.FILM.state(2, "2 MiB")[0]
    for column, scheme in enumerate(SCHEMES):
        machine = hv.Machine("4 GiB", check=False)
        pool = machine.hugetlb("2 MiB", 2)
        born = [pool.frames(number) for number in range(2)]
        pool.optimize(scheme)
        for block in range(2):
            for row in range(3):
                (box,) = shapes(scene, f"frame{column}.{block}.{row}", Box)
                in_use = born[block][row] in pool.frames(block)
                assert (box.role == "freed") == (not in_use), (scheme, block, row)
        shared = shapes(scene, f"all{column}", Box)
        assert len(shared) == len(machine.vmemmap.shared_tails)


def test_one_page_has_no_second():
    scene = sharing.FILM.state(1, "2 MiB")[0]
    for column in range(len(SCHEMES)):
        assert [box.role for box in shapes(scene, f"page{column}.1.0", Box)] == ["void"]
        assert sum(name.startswith(f"entry{column}.") for name in scene.groups) == 3
    texts = [label.text for label in shapes(sharing.FILM.state(512, "2 MiB")[0], f"block{len(SCHEMES) - 1}.1", Label)]
    assert texts == ["no. 512"]


def test_sharing_across_huge_pages_saves_one_page_less_and_never_more():
    for size in sharing.SIZES:
        for count in sharing.COUNTS:
            copied, shared = (sharing.bill(s, size, count).saved for s in ("head page, copied", "shared tail"))
            assert copied - shared == 1
