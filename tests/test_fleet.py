"""The fleet: ranges that hold for every host, and pictures that show them."""

import json
import math
import re
from fractions import Fraction
from pathlib import Path

import pytest

import hvlib as hv
from hvlib.arithmetic.fleet import LARGEST_HOST, MOST_HOSTS, Range
from hvlib.pictures.films.fleet import FILM, LEFT, SMALL, WIDTH, place
from hvlib.units import about

FLEETS = [
    (3000, ("256 GiB", "1 TiB"), (0.4, 0.6), "2 MiB", "head page", "x86-64"),
    (3000, ("1 GiB", "5 GiB"), (0.0, 1.0), "1 GiB", "head page", "x86-64"),
    (2000, ("4 MiB", "300 MiB"), (0, 0.1), "2 MiB", "shared tail", "x86-64"),
    (2000, ("4 MiB", "2 GiB"), (0.02, 0.03), "2 MiB", "tail page", "x86-64"),
    (500, "97 GiB", 1 / 3, "2 MiB", "head page, copied", "x86-64"),
    (500, "1 TiB", (0.1, 1), "2 MiB", "off", "x86-64"),
    (1000, ("1 MiB", "3 GiB"), (0, 1), "1 MiB", "tail page", "s390x"),
    (1000, ("2 GiB", "40 GiB"), (0.5, 0.9), "2 MiB", "head page", "arm64, 16 KiB base"),
    (1000, ("2 GiB", "40 GiB"), (0.5, 0.9), "512 MiB", "shared tail", "arm64, 64 KiB base"),
    (1000, ("64 GiB", "1 TiB"), (0.2, 0.9), "1 GiB", hv.DEVICE_DAX, "x86-64"),
]


@pytest.mark.parametrize("given", FLEETS, ids=str)
@pytest.mark.parametrize("seed", [0, 1])
def test_each_host_of_a_sample_is_its_bill_and_lies_in_the_range(given, seed):
    fleet = hv.Fleet(*given)
    sample = fleet.sample(seed)
    assert len(sample.memory) == len(sample.huge_pages) == len(sample.saved) == fleet.hosts
    per_host, share = fleet.saved_per_host, fleet.share_of_ram
    for memory, huge, saved in zip(
        *(a.tolist() for a in (sample.memory, sample.huge_pages, sample.saved)), strict=True
    ):
        assert memory in fleet.memory
        assert huge in fleet.huge_pages
        assert huge * fleet.page.size <= memory
        assert saved == (fleet.page.bill(fleet.scheme, huge).saved * fleet.page.base_page if huge else 0)
        assert saved in per_host
        assert Fraction(saved, memory) in share
    assert sample.total == sum(sample.saved.tolist())
    assert sample.total in fleet.saved
    assert sample.share_of_ram in share


def test_the_ends_of_the_range_are_counted_by_the_machine():
    """Neighbours from a leaf's start are the high end; a huge page in every leaf is the low end."""
    machine = hv.Machine("1 GiB", check=False)
    filler = machine.hugetlb("2 MiB", 63)
    assert len(filler) == 63
    pool = machine.hugetlb("2 MiB", 128)
    assert pool.pfns[0] % (64 * 512) == 0
    before = machine.free_frames
    pool.optimize("head page")
    fleet = hv.Fleet(1, "1 GiB", 0.25)
    assert fleet.saved.high == (machine.free_frames - before) * 4096
    pages, leaves = 128, 8
    assert fleet.saved.low == (7 * pages - leaves) * 4096
    few = hv.Fleet(1, "1 GiB", 3 * 2 / 1024)
    assert few.huge_pages == Range(3, 3, "count")
    assert few.saved.low == (7 - 1) * 3 * 4096, "three pages in three leaves"
    assert few.saved.high == (7 * 3 - 1) * 4096
    assert few.tables == Range(1 * 4096, 3 * 4096)


def test_a_huge_page_of_1_gib_needs_its_eight_tables_wherever_it_lies():
    fleet = hv.Fleet(1, "1 TiB", 1, "1 GiB")
    assert fleet.saved.low == fleet.saved.high == 1024 * (4095 - 8) * 4096
    assert fleet.tables == Range(32 * hv.MiB, 32 * hv.MiB)


def test_golden_fleets():
    fleet = hv.Fleet(1, "1 TiB", 1)
    assert fleet.memmap == Range(16 * hv.GiB, 16 * hv.GiB)
    assert fleet.saved.high == 14 * hv.GiB - 32 * hv.MiB
    dax = hv.Fleet(1, "1 TiB", 1, "1 GiB", hv.DEVICE_DAX)
    assert dax.memmap.high - dax.saved.high == 40 * hv.MiB
    assert dax.tables.high == 32 * hv.MiB
    assert hv.Fleet(7, "512 MiB", (0, 1), "1 GiB").saved == Range(0, 0)
    assert hv.Fleet(7, "512 MiB", (0, 1), "1 GiB").share_of_ram == Range(0, 0, "share")
    assert hv.Fleet(3, "1 TiB", 0).saved == Range(0, 0)
    assert hv.Fleet(1, "10 MiB", 0.7).huge_pages == Range(3, 3, "count"), "whole pages only"
    assert hv.Fleet(1, "20 MiB", 0.7).huge_pages == Range(7, 7, "count"), "0.7 is seven tenths, not the nearest float"


def test_wider_ranges_hold_narrower_ones():
    narrow, wide = hv.Fleet(10, "512 GiB", 0.5), hv.Fleet(10, ("256 GiB", "1 TiB"), (0.4, 0.6))
    for name in ("saved", "saved_per_host", "share_of_ram", "memmap", "ram", "tables", "huge_pages", "memory", "share"):
        inner, outer = getattr(narrow, name), getattr(wide, name)
        assert outer.low <= inner.low <= inner.high <= outer.high, name


def test_a_million_hosts_are_drawn_again_the_same():
    fleet = hv.Fleet(1_000_000, ("64 GiB", "1 TiB"), (0.1, 0.9))
    sample = fleet.sample()
    assert repr(fleet.sample()) == repr(sample) != repr(fleet.sample(1))
    assert sample.total in fleet.saved
    assert sample.percentile(5) < sample.percentile(50) < sample.percentile(95)
    assert sample.percentile(0) == int(sample.saved.min())


def test_the_largest_fleet_does_not_overflow():
    fleet = hv.Fleet(MOST_HOSTS, LARGEST_HOST, 1)
    assert fleet.saved.high == MOST_HOSTS * hv.HugePage("2 MiB").bill("head page", LARGEST_HOST >> 21).saved * 4096
    sample = hv.Fleet(1000, LARGEST_HOST, 1).sample()
    assert sample.total == 1000 * (fleet.saved.high // MOST_HOSTS)


BAD = [
    ((0, "1 TiB", 0.5), "number of hosts"),
    ((MOST_HOSTS + 1, "1 TiB", 0.5), "number of hosts"),
    ((1, "a lot", 0.5), "memory 'a lot' is not a size"),
    ((1, "1 TB", 0.5), "decimal size"),
    ((1, None, 0.5), "memory None"),
    ((1, float("nan"), 0.5), "memory nan"),
    ((1, 0, 0.5), "memory must be"),
    ((1, "2 KiB", 0.5), "memory of a host"),
    ((1, 2 * LARGEST_HOST, 0.5), "memory of a host"),
    ((1, ("1 TiB", "256 GiB"), 0.5), "from low to high"),
    ((1, ("1 GiB", "2 GiB", "3 GiB"), 0.5), "two ends"),
    ((1, "1 TiB", 1.2), "share must be a number"),
    ((1, "1 TiB", 10**400), "share must be a number"),
    ((1, "1 TiB", 0.5, "16 MiB"), "has no 16 MiB HugeTLB page"),
    ((1, "1 TiB", 0.5, "huge"), "huge page 'huge' is not a size"),
    ((1, "1 TiB", 0.5, "2 MiB", "best"), "scheme 'best'"),
    ((1, "1 TiB", 0.5, "2 MiB", "off", "vax"), "architecture 'vax'"),
    ((1, "1 TiB", 0.5, "2 MiB", "off", ["x86-64"]), "architecture"),
]


@pytest.mark.parametrize(("given", "words"), BAD, ids=lambda value: str(value)[:60])
def test_what_cannot_be_gets_one_sentence(given, words):
    with pytest.raises(hv.BadInput) as why:
        hv.Fleet(*given)
    assert words in str(why.value)
    assert "\n" not in str(why.value)
    assert len(str(why.value)) > 40


def test_pools_by_number_are_their_bills_together():
    """The public case of 2 pages of 1 GiB and 1,024 of 2 MiB: 15,358 frames, 32 tables where they are neighbours."""
    fleet = hv.Fleet(1, "8 GiB", {"1 GiB": 2, "2 MiB": 1024})
    assert fleet.saved_per_host.high == (15358 - 32) * 4096
    bills = [hv.HugePage(size).bill("head page", n) for size, n in (("1 GiB", 2), ("2 MiB", 1024))]
    assert fleet.saved.high == sum(bill.saved for bill in bills) * 4096
    assert fleet.tables.low == sum(bill.tables for bill in bills) * 4096
    assert fleet.saved_per_host.low == (15358 - 64) * 4096, "8 GiB of RAM have 64 leaves"
    assert hv.Fleet(5, "128 GiB", {"1 GiB": 120}).saved == Range(*[5 * 120 * (4095 - 8) * 4096] * 2)
    one = hv.Fleet(7, ("64 GiB", "1 TiB"), {"1 GiB": (3, 60), "2 MiB": (0, 500)}, scheme="shared tail")
    sample = one.sample(1)
    for memory, saved in zip(sample.memory.tolist(), sample.saved.tolist(), strict=True):
        assert saved in one.saved_per_host
        assert Fraction(saved, memory) in one.share_of_ram
    assert "3 to 60 of 1 GiB, 0 to 500 of 2 MiB" in repr(one)


def test_a_number_of_pages_and_the_same_share_save_the_same():
    for scheme in hv.SCHEMES:
        by_share, by_number = (hv.Fleet(3, "64 GiB", what, scheme=scheme) for what in (0.5, {"2 MiB": 16384}))
        assert (by_number.saved, by_number.tables, by_number.memmap) == (
            by_share.saved,
            by_share.tables,
            by_share.memmap,
        )
        assert by_number.share_of_ram == by_share.share_of_ram


def test_a_list_of_hosts_is_their_sum_and_nothing_is_saved_where_linux_has_it_off():
    parts = [hv.Fleet(3, "1 TiB", 0.5), hv.Fleet(2, "64 GiB", {"16 MiB": 676}, architecture="ppc64le"),
             hv.Fleet(4, "64 GiB", {"1 GiB": 10}, architecture="arm64, 4 KiB base")]  # fmt: skip
    told = hv.Fleet.of([*parts, {"memory": "8 GiB", "share": {"1 GiB": 2, "2 MiB": 1024}}])
    assert (told.hosts, told.off) == (10, 6)
    assert told.ram.low == (3 * 1024 + 2 * 64 + 4 * 64 + 8) * hv.GiB
    assert told.saved.high == parts[0].saved.high + (15358 - 32) * 4096
    assert told.memmap.low == sum(part.memmap.low for part in told.parts)
    text = repr(told)
    assert text.count("0 saved: off in this Linux") == 2
    assert text.splitlines()[-1].endswith("0 saved on 6 of them: off in this Linux")
    assert repr(hv.Fleet.of(parts[1:])).splitlines()[-1].endswith("of RAM: 0 saved: off in this Linux")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: hv.Fleet(1, "128 GiB", {"1 GiB": 140}), "hv.plan says how many"),
        (lambda: hv.Fleet(1, "128 GiB", {}), "write for example"),
        (lambda: hv.Fleet(1, "128 GiB", {"1 GiB": -1}), "number of huge pages"),
        (lambda: hv.Fleet(1, "128 GiB", {"1 GiB": (9, 3)}), "from low to high"),
        (lambda: hv.Fleet(1, "128 GiB", {"1 GiB": 1, "1024 MiB": 3}), "one twice"),
        (lambda: hv.Fleet(1, "128 GiB", 120), "{'1 GiB': 120}"),
        (lambda: hv.Fleet.of([]), "at least one host"),
        (lambda: hv.Fleet.of("hosts"), "list of hosts"),
        (lambda: hv.Fleet.of([3]), "no kind of host"),
        (lambda: hv.Fleet.of([{"RAM": "8 GiB"}]), "no kind of host"),
    ],
)
def test_pools_and_lists_that_cannot_be_get_one_sentence(make, words):
    with pytest.raises(hv.BadInput) as why:
        make()
    assert words in str(why.value)
    assert "\n" not in str(why.value)


def test_words():
    fleet = hv.Fleet(10_000, "256 GiB", (0.4, 0.6))
    assert repr(fleet).startswith("10,000 hosts with 256 GiB, 40 % to 60 % of it in 2 MiB pages (head page, x86-64): ")
    assert str(fleet.saved) in repr(fleet)
    assert repr(hv.Fleet(1, "1 TiB", 0.5)).startswith("1 host with 1 TiB, 50 % of it")
    assert [about(n) for n in (0, 1023, 1024, 28 * 1024, 2**40, 51_640 * 2**40, Fraction(1999, 2) * 2**20)] == [
        "0 B", "1,020 B", "1 KiB", "28 KiB", "1 TiB", "51,600 TiB", "1,000 MiB",
    ]  # fmt: skip


# --- the panel ------------------------------------------------------------------------------------------------------


def pictures():
    for values in FILM.states():
        scene, facts = FILM.state(**values)
        ends = [float(n) / 100 for n in values["share"].removesuffix(" %").split(" to ")]
        low, high = ends[0], ends[-1]
        fleet = hv.Fleet(values["hosts"], values["memory"], (low, high), values["huge_page"])
        yield scene, facts, fleet


def box(scene, name):
    return scene.groups[name][0]


def test_bars_and_bands_are_as_long_as_the_engine_says():
    for scene, _, fleet in pictures():
        memory, whole = fleet.memory.low, fleet.memmap.low / fleet.hosts
        assert box(scene, "memmap").width / WIDTH == pytest.approx(1 / 64)
        assert (box(scene, "huge").width) / WIDTH == pytest.approx(float(fleet.share.low))
        perhaps = box(scene, "perhaps").width if fleet.share.high > fleet.share.low else 0
        assert (box(scene, "huge").width + perhaps) / WIDTH == pytest.approx(float(fleet.share.high))
        assert whole == memory / 64
        freed, may_be, stays = box(scene, "freed"), box(scene, "may be"), box(scene, "stays")
        assert freed.width / WIDTH * whole == pytest.approx(fleet.saved_per_host.low)
        assert (freed.width + may_be.width) / WIDTH * whole == pytest.approx(fleet.saved_per_host.high)
        assert stays.x + stays.width == pytest.approx(LEFT + WIDTH)
        back, rest = scene.groups["each GiB"][0], scene.groups["each GiB"][-1]
        for at, share in ((back.width, fleet.share.low), (rest.x - LEFT, fleet.share.high)):
            gross = fleet.page.freed("head page") * 4096 * share * hv.GiB / fleet.page.size
            assert at / WIDTH * 16 * hv.MiB == pytest.approx(float(gross))
        for name, saved in (("one host", fleet.saved_per_host), ("the fleet", fleet.saved)):
            band = box(scene, name)
            for x, size in ((band.x, saved.low), (band.x + band.width, saved.high)):
                assert 2 ** ((x - LEFT) / WIDTH * 30 + 26) == pytest.approx(float(size))
            assert LEFT <= band.x <= band.x + band.width <= LEFT + WIDTH


def test_landmarks_stand_where_their_bytes_do():
    scene = next(pictures())[0]
    tips = [shape.x2 for shape in scene.groups["landmarks"] if hasattr(shape, "x2")]
    assert tips == [place(count * SMALL) for count in (1, 1000, 1_000_000)]
    assert [2 ** ((tip - LEFT) / WIDTH * 30 + 26) for tip in tips] == pytest.approx([SMALL, 1e3 * SMALL, 1e6 * SMALL])


def test_facts_and_captions_tell_both_ends():
    for scene, facts, fleet in pictures():
        assert str(facts["saved in all"]) == str(fleet.saved)
        assert str(facts["share of RAM"]) == str(fleet.share_of_ram)
        for end in (fleet.saved.low, fleet.saved.high):
            assert about(end) in scene.caption
            assert about(end) in scene.groups["value0"][0].text
        net = math.prod((fleet.hosts, int(fleet.huge_pages.high))) * 4096 * fleet.page.net_saving("head page")
        assert float(fleet.saved.high) == pytest.approx(float(net), rel=1e-4)


# --- the numbers that the chapter says in prose ------------------------------------------------------------------


def chapter():
    path = next(Path(__file__).parents[1].glob("notebooks/12_*.ipynb"))
    cells = json.loads(path.read_text("utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    told = [o for cell in cells for o in cell.get("outputs", ()) if o.get("name") == "stdout"]
    printed = "\n".join("".join(o["text"]) for o in told)
    return " ".join(text.split()), " ".join(printed.split())


def test_the_prose_says_what_the_engine_says():
    text, _ = chapter()
    fleet = hv.Fleet(10_000, "256 GiB", 0.5)
    assert {int(end) // (256 * hv.GiB) for end in (fleet.saved.low, fleet.saved.high)} == {68}
    assert "get back the RAM of 68 of them" in text
    for size, percent in (("2 MiB", "1.36 %"), ("1 GiB", "1.56 %")):
        assert str(hv.Fleet(1, "256 GiB", 1, size).share_of_ram) == percent
        assert text.count(percent) == 2
    sizes = [a.huge_page(size) for a in hv.ARCHITECTURES.values() for size, _ in a.huge_pages]
    assert sum(page.freed("head page") == 0 for page in sizes) == 4, "chapter 12 says that four sizes free nothing"
    assert "Four sizes free nothing" in text
    for name in ("arm64, 4 KiB base", "arm64, 16 KiB base", "arm64, 64 KiB base", "s390x"):
        assert "disabled since" in hv.ARCHITECTURES[name].hvo
    assert "the share stays" in text
    states = [FILM.state(100, memory, "40 to 60 %", "2 MiB")[1] for memory in FILM.axes[1].values]
    shares = {str(facts["share of RAM"]) for facts in states}
    assert shares <= {"0.544 % to 0.818 %", "0.545 % to 0.818 %"}, "but for the third digit"


def test_the_memo_takes_its_numbers_from_the_cell_above_it():
    text, printed = chapter()
    memo = text[text.index("**Switch it on") : text.index("## What to remember")]
    numbers = re.findall(r"[\d.]+ (?:GiB|TiB|%)", memo)
    assert len(numbers) >= 10
    for number in numbers:
        assert number in printed, number
