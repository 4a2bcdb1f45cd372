from fractions import Fraction

import pytest

import hvlib as hv
from hvlib.pictures import draw
from hvlib.pictures.films.bill import BAR, FILM, FRAMES, HIGH, LANE, LEFT, LONG, NARROW, TOP
from hvlib.pictures.scene import Box

# ratios as rounded in the fact sheet or in the mails themselves, in the order of COSTS
PUBLISHED = [2.5, 2.6, 7.0, 8.2, 1.5, 3.1, 60, 51, 1.8, 1.7]


def test_ratios_are_those_that_were_published():
    assert len(hv.costs.COSTS) == len(PUBLISHED)
    for row, ratio in zip(hv.costs.COSTS, PUBLISHED, strict=True):
        assert round(row.ratio, 0 if ratio > 50 else 1) == ratio, row
        assert "@" in row.source
        assert f"{row.pages:,}" in str(row)
    assert [row.batched for row in hv.costs.COSTS] == [False] * 4 + [True] * 2 + [False] * 2 + [True] * 2
    assert round(1 - hv.costs.BOOT.ratio, 1) == 0.7, "about 70 % less"
    assert hv.costs.PINNING.ratio < 1


def test_the_figure_of_times_is_to_its_scale():
    scene = draw.timings().scene
    bars = [shapes for name, shapes in scene.groups.items() if name.startswith("bar")]
    assert len(bars) == len(hv.costs.COSTS)
    for shapes, row in zip(bars, hv.costs.COSTS, strict=True):
        (box,) = (s for s in shapes if isinstance(s, Box))
        assert 10 ** (box.width / draw.DECADE) == pytest.approx(row.ratio)
        assert box.role == ("quiet" if row.batched else "plain")
        assert f"{row.ratio:.1f} x" in {getattr(s, "text", "") for s in shapes}
        assert f"{row.machine}, {row.kernel}: {row.ratio:.1f}" in scene.alt
    assert "not measured for this book" in str(scene.groups["key"]).lower()


@pytest.mark.parametrize("values", list(FILM.states()), ids=lambda v: " ".join(map(str, v.values())))
def test_the_bars_are_to_scale_and_the_ledger_adds_up(values):
    scene, facts = FILM.state(**values)
    page = hv.HugePage(values["huge_page"])
    bill = page.bill(values["scheme"], facts["huge pages"])
    left = bill.memmap - bill.saved
    (whole,) = scene.groups["whole"]
    area = BAR * HIGH
    assert whole.width * whole.height / area == pytest.approx(left / bill.memmap), "an area, to scale"
    assert (whole.x, whole.y + whole.height) == pytest.approx((LEFT, TOP + HIGH))
    for saved in scene.groups.get("saved", ()):
        assert saved.width * saved.height == area, "the rest of it"
    parts = {"kept frames": bill.memmap - bill.freed, "page tables": bill.tables, "shared tails": bill.shared}
    for name, pages in parts.items():
        boxes = scene.groups.get(name, ())
        assert bool(boxes) == bool(pages)
        for box in boxes:
            assert box.width == pytest.approx(max(BAR * pages / left, NARROW))
            assert box.x + box.width <= LEFT + BAR + 0.001
    taken = Fraction(bill.memmap, left)
    words = scene.groups["zoom text"][0].text
    assert (
        "same scale" in words
        if taken == 1
        else float(words.split()[-4].replace(",", "")) == pytest.approx(float(taken), rel=0.01)
    )
    numbers = [
        int(s.text.replace(",", "")) for n in range(7) for s in scene.groups[f"row{n}"] if getattr(s, "x", 0) == FRAMES
    ]
    memmap, kept, freed, tables, shared, net, still = numbers
    assert (memmap, freed, tables, shared) == (bill.memmap, bill.freed, bill.tables, bill.shared)
    assert memmap - kept == freed
    assert freed - tables - shared == net
    assert still == kept + tables + shared == memmap - net
    begins = dict(zip(range(7), (0, 0, kept, kept, kept + tables, memmap - net, 0), strict=True))
    for number, pages in enumerate(numbers):
        lane, *lengths = (shape for shape in scene.groups[f"row{number}"] if isinstance(shape, Box))
        assert (lane.x, lane.width) == (LANE, LONG)
        assert bool(lengths) == bool(pages), "what is nothing has no length"
        for box in lengths:
            assert box.width == pytest.approx(max(LONG * pages / memmap, NARROW))
            assert box.x == pytest.approx(LANE + min(LONG * begins[number] / memmap, LONG - box.width))


@pytest.mark.parametrize("scheme", list(hv.SCHEMES))
@pytest.mark.parametrize("huge_page", ["2 MiB", "1 GiB"])
@pytest.mark.parametrize("memory", ["one page", "2 GiB"])
def test_facts_are_what_the_machine_pays(scheme, huge_page, memory):
    facts = FILM.state(huge_page, scheme, memory)[1]
    machine = hv.Machine("4 GiB", check=False)
    machine.hugetlb("2 MiB", 63)
    pool = machine.hugetlb(huge_page, facts["huge pages"])
    assert pool.pfns[0] % 0x8000 == 0
    before = machine.free_frames
    pool.optimize(scheme)
    assert facts["saved (net)"].value["frames"] == machine.free_frames - before
    assert facts["page tables"] == machine.nr_page_tables


def test_what_the_chapter_says_of_one_terabyte():
    assert str(FILM.state("1 GiB", "head page", "1 TiB")[1]["still taken"]) == "36 MiB"
    assert str(FILM.state("2 MiB", "head page", "one page")[1]["saved (net)"]) == "6 frames = 24 KiB"
    assert str(FILM.state("2 MiB", "shared tail", "one page")[1]["saved (net)"]) == "5 frames = 20 KiB"
    assert str(FILM.state("2 MiB", "head page", "1 TiB")[1]["saved, of the struct pages' memory"]) == "87.3047 %"


def test_the_memory_of_the_bill_is_in_one_unit_and_adds_up():
    for values in FILM.states():
        scene = FILM.state(**values)[0]
        told = [next(s.text for s in scene.groups[f"row{n}"] if getattr(s, "x", 0) == 720) for n in range(7)]
        assert all(text.endswith(" KiB") for text in told), told
        whole, kept, freed, tables, tails, net, left = (int(text.split()[0].replace(",", "")) for text in told)
        assert (whole - kept, freed - tables - tails, whole - net) == (freed, net, left), values
