import re
from fractions import Fraction

import pytest

import hvlib as hv


@pytest.mark.parametrize(
    ("size", "base_pages", "order", "memmap", "vmemmap_pages"),
    [("2 MiB", 512, 9, 32 << 10, 8), ("1 GiB", 262_144, 18, 16 << 20, 4096)],
)
def test_golden_numbers_of_x86_64(size, base_pages, order, memmap, vmemmap_pages):
    page = hv.HugePage(size)
    assert (page.nr_base_pages, page.order, page.memmap_bytes, page.nr_vmemmap_pages) == (
        base_pages, order, memmap, vmemmap_pages,
    )  # fmt: skip
    assert page.share == Fraction(1, 64)


@pytest.mark.parametrize(
    ("scheme", "freed_2m", "freed_1g"),
    [
        ("off", 0, 0),
        ("tail page", 6, 4094),
        ("head page", 7, 4095),
        ("head page, copied", 7, 4095),
        ("shared tail", 7, 4095),
    ],
)
def test_golden_numbers_of_the_schemes(scheme, freed_2m, freed_1g):
    small, large = hv.HugePage("2 MiB"), hv.HugePage("1 GiB")
    assert (small.freed(scheme), large.freed(scheme)) == (freed_2m, freed_1g)
    assert (small.kept(scheme), large.kept(scheme)) == (8 - freed_2m, 4096 - freed_1g)
    assert small.net_saving(scheme) == (freed_2m - Fraction(1, 64) if freed_2m else 0)
    assert large.net_saving(scheme) == (freed_1g - 8 if freed_1g else 0)


def test_schemes_stand_in_historical_order_with_their_releases():
    assert list(hv.SCHEMES) == ["off", "tail page", "head page", "head page, copied", "shared tail"]
    since = [scheme.since for scheme in hv.SCHEMES.values()]
    assert since == sorted(since)
    assert all(scheme.releases and scheme.source for scheme in hv.SCHEMES.values())
    assert [name for name, scheme in hv.SCHEMES.items() if scheme.fake_heads] == ["head page", "head page, copied"]


# Struct pages of 64 bytes: (struct pages, vmemmap in base pages, freed since 5.18)
TABLE = {
    ("x86-64", "2 MiB"): (512, 8, 7),
    ("x86-64", "1 GiB"): (262144, 4096, 4095),
    ("arm64, 4 KiB base", "64 KiB"): (16, Fraction(1, 4), 0),
    ("arm64, 4 KiB base", "2 MiB"): (512, 8, 7),
    ("arm64, 4 KiB base", "32 MiB"): (8192, 128, 127),
    ("arm64, 4 KiB base", "1 GiB"): (262144, 4096, 4095),
    ("arm64, 16 KiB base", "2 MiB"): (128, Fraction(1, 2), 0),
    ("arm64, 16 KiB base", "32 MiB"): (2048, 8, 7),
    ("arm64, 16 KiB base", "1 GiB"): (65536, 256, 255),
    ("arm64, 64 KiB base", "2 MiB"): (32, Fraction(1, 32), 0),
    ("arm64, 64 KiB base", "512 MiB"): (8192, 8, 7),
    ("arm64, 64 KiB base", "16 GiB"): (262144, 256, 255),
    ("s390x", "1 MiB"): (256, 4, 3),
    ("s390x", "2 GiB"): (524288, 8192, 8191),
    ("riscv64", "64 KiB"): (16, Fraction(1, 4), 0),
    ("riscv64", "2 MiB"): (512, 8, 7),
    ("riscv64", "1 GiB"): (262144, 4096, 4095),
    ("LoongArch, 16 KiB base", "32 MiB"): (2048, 8, 7),
}


def test_every_architecture_and_size_is_as_in_the_table():
    seen = {
        (name, hv.format_size(size)): (page.nr_base_pages, page.nr_vmemmap_pages, page.freed("head page"))
        for name, architecture in hv.ARCHITECTURES.items()
        for size, _ in architecture.huge_pages
        for page in [architecture.huge_page(size)]
    }
    assert seen == TABLE


@pytest.mark.parametrize("struct_page", [56, 72, 80, 88, 96])
@pytest.mark.parametrize("scheme", list(hv.SCHEMES))
def test_a_struct_page_that_is_no_power_of_two_frees_nothing(struct_page, scheme):
    page = hv.HugePage("2 MiB", struct_page=struct_page)
    assert page.freed(scheme) == 0
    assert page.kept(scheme) == page.nr_vmemmap_pages
    assert "not a power of two" in page.obstacle(scheme) or scheme == "off"


def test_two_vmemmap_pages_profit_from_one_kept_page_only():
    page = hv.HugePage("512 KiB")
    assert page.nr_vmemmap_pages == 2
    assert (page.freed("tail page"), page.freed("head page")) == (0, 1)


@pytest.mark.parametrize("paging", list(hv.PAGING))
def test_addresses_go_there_and_back_and_the_array_covers_what_the_kernel_says(paging):
    last = hv.PAGING[paging].size // 64 - 1
    for pfn in (0, 1, 0x200, 0x7AFCC, last):
        assert hv.page_to_pfn(hv.pfn_to_page(pfn, paging), paging) == pfn
    assert hv.pfn_to_page(0x200) == 0xFFFFEA0000008000
    for bad in (-1, last + 1):
        with pytest.raises(hv.BadInput):
            hv.pfn_to_page(bad, paging)
    base = hv.PAGING[paging].vmemmap
    for bad in (base - 64, base + 1, base + hv.PAGING[paging].size):
        with pytest.raises(hv.BadInput):
            hv.page_to_pfn(bad, paging)


def test_the_vmemmap_of_4_level_paging_covers_64_tib():
    assert hv.PAGING["4-level"].size // 64 * 4096 == 64 * hv.TiB
    assert {p.levels for p in hv.PAGING.values()} == {4, 5}
    with pytest.raises(hv.BadInput, match="choose one of '4-level', '5-level'"):
        hv.pfn_to_page(0, "3-level")


def test_device_dax_keeps_two_and_half_is_not_what_it_saves():
    assert (hv.HugePage("2 MiB").freed(hv.DEVICE_DAX), hv.HugePage("2 MiB").freed("head page")) == (6, 7)
    assert hv.HugePage("1 GiB").freed(hv.DEVICE_DAX) == 4094
    assert "device DAX" not in hv.SCHEMES


@pytest.mark.parametrize("count", [0, (1 << 40) + 1])
def test_a_bill_for_no_number_of_pages_gets_a_sentence(count):
    with pytest.raises(hv.BadInput, match="the number of huge pages must be a whole number"):
        hv.HugePage("2 MiB").bill("head page", count)


def test_the_releases_of_a_scheme_say_since_when():
    """What a reader is told of a scheme's releases, and what the trial of a record goes by, are two texts."""
    told = {name: re.match(r"(?:since )?(\d+)\.(\d+)", one.releases) for name, one in hv.SCHEMES.items()}
    assert {name: tuple(map(int, found.groups())) for name, found in told.items() if found} == {
        name: one.since for name, one in hv.SCHEMES.items() if one.kept is not None
    }


@pytest.mark.parametrize(
    ("page", "base", "pfn"),
    [
        (0xFFFFFC0000F68A00, 0xFFFFFC0000000000, 0x3DA28),  # arm64, an oops that names both
        ("page:fffffc0000f68a00", "fffffc0000000000", 0x3DA28),
        (0xFFFFF3B2EC3A8000, 0xFFFFF3B2C0000000, 0xB0EA00),  # x86-64 with KASLR
        (0xFF1C000000000000, 0xFF1BFFFFFE000000, 0x80000),  # riscv64: RAM from 2 GiB on
        ("0xffffea0000490040", None, 0x12401),
    ],
)
def test_addresses_of_a_vmemmap_that_is_elsewhere(page, base, pfn):
    assert hv.page_to_pfn(page, base=base) == pfn
    assert hv.pfn_to_page(pfn, base=base) == (page if isinstance(page, int) else int(page[-16:], 16))


def test_an_address_of_a_randomised_kernel_is_refused_with_the_way_out():
    with pytest.raises(hv.BadInput, match=r"randomisation \(KASLR\) .*base="):
        hv.page_to_pfn(0xFFFFF3B2EC3A8000)
    with pytest.raises(hv.BadInput, match="every 80 bytes"):
        hv.page_to_pfn(0xFFFFFEBFFE000040, struct_page=80, base=0xFFFFFEBFFE000000)
    with pytest.raises(hv.BadInput, match="from 0 to"):
        hv.pfn_to_page(1 << 40, base="fffffebffe000000")
    with pytest.raises(hv.BadInput, match="base must be"):
        hv.page_to_pfn(0xFFFFF3B2EC3A8000, base="the usual one")
