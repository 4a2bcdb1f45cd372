from fractions import Fraction

import pytest

import hvlib as hv
from hvlib.errors import not_one_of, quoted


@pytest.mark.parametrize(
    ("text", "size"),
    [("2 MiB", 2 << 20), ("2M", 2 << 20), ("2mib", 2 << 20), (" 1 GiB ", 1 << 30), ("1.5 GiB", 3 << 29), ("512", 512),
     ("64 B", 64), ("64 bytes", 64), ("12 TiB", 12 << 40), (4096, 4096), ("4 k", 4096), ("2048kB", 2 << 20),
     ("2048 kB", 2 << 20), ("16,380 KiB", 16380 << 10), ("1,024.5 MiB", 2049 << 19)],
)  # fmt: skip
def test_sizes_are_read_as_people_write_them(text, size):
    assert hv.parse_size(text) == size


@pytest.mark.parametrize("text", ["2 MB", "2 mb", "2 kb", "2 KB", "2Kb", "2 GB"])
def test_decimal_units_are_named_as_such(text):
    with pytest.raises(hv.BadInput, match=rf"powers of ten.*'2 {text[-2].upper()}iB'"):
        hv.parse_size(text)


@pytest.mark.parametrize("text", ["1,5 GiB", "1,0000 KiB", ",5 MiB", "1.5.5 M", "2 bytess"])
def test_what_only_looks_like_a_size_is_none(text):
    with pytest.raises(hv.BadInput, match="is not a size"):
        hv.parse_size(text)


@pytest.mark.parametrize("size", ["2 MiB", "2M", "2m", " 2mib ", "2048kB", "2048 kB", "2,048 KiB", "2097152", 2 << 20])
def test_a_size_is_read_alike_wherever_one_is_taken(size):
    """Engine, records, fleets, panels and pictures; what is shown afterwards is always the one spelling."""
    page = hv.HugePage(size)
    assert page == hv.HugePage("2 MiB")
    assert hv.ARCHITECTURES["riscv64"].huge_page(size) == page
    pool = hv.Machine("1 GiB").hugetlb(size, 2)
    assert repr(pool) == "2 x 2 MiB (off)"
    record = hv.observe.recorded("6.1.192")
    assert record.entries(size).rows == record.entries("2 MiB").rows
    assert record.pfn(size) == record.pfn("2 MiB")
    assert hv.Fleet(1, "1 TiB", 0.5, size).page == page
    assert hv.Fleet(1, (size, "1 TiB"), 0.5).memory.low == 2 << 20
    assert repr(hv.draw.schemes(size)) == repr(hv.draw.schemes("2 MiB"))
    for name, axis in (
        ("filling", "huge_page"),
        ("remap", "huge_page"),
        ("address", "page_size"),
        ("fleet", "huge_page"),
    ):
        panel = getattr(hv.explore, name)(**{axis: "1 GiB"})
        assert getattr(panel.set(**{axis: size}), axis) == "2 MiB", name


def test_a_slider_of_sizes_reads_sizes_and_one_of_counts_does_not():
    panel = hv.explore.filling(struct_page="80 B", base_page="64K")
    assert (panel.struct_page, panel.base_page) == (80, "64 KiB")
    assert hv.explore.memmap(memory="1048576 kB").memory == "1 GiB"
    with pytest.raises(hv.BadInput, match="your number"):
        hv.explore.base_pages(number="1K")
    with pytest.raises(hv.BadInput, match="choose one of"):
        hv.explore.filling(huge_page="3 MiB")


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (28672, "28 KiB"),
        (16380 * 1024, "16,380 KiB"),
        (3 << 29, "1.5 GiB"),
        (1, "1 B"),
        (1000, "1,000 B"),
        (12 << 40, "12 TiB"),
    ],
)
def test_sizes_are_written_exactly(size, text):
    assert hv.format_size(size) == text


@pytest.mark.parametrize(
    "size", [1, 7, 4096, 28672, 3 << 29, 24684092 * 1024, (1 << 40) + 1, (1 << 53) + 1, (1 << 64) - 1]
)
def test_a_written_size_reads_back_as_itself(size):
    assert hv.parse_size(hv.format_size(size)) == size


def test_about_keeps_three_figures():
    assert hv.about(24684092 * 1024) == "23.5 GiB"


def test_about_takes_what_is_negative_and_refuses_what_is_endless():
    assert hv.about(-4 * hv.MiB) == "-4 MiB"
    with pytest.raises(hv.BadInput):
        hv.about(Fraction(10**400))


# --- how an error quotes what was typed ----------------------------------------------------------------------------


def test_a_long_input_is_cut_at_the_limit():
    assert [len(quoted("x" * n)) for n in (57, 58, 59, 200)] == [59, 60, 60, 60]
    assert quoted("x" * 58) == repr("x" * 58)
    assert quoted("x" * 59).endswith("...")


def test_a_list_of_numbers_is_offered_as_a_range():
    assert str(not_one_of("step", 9, range(4))) == "step 9 is not there; choose a whole number from 0 to 3."
    assert "choose one of 1, 2, 3." in str(not_one_of("step", 9, (1, 2, 3)))


def test_two_decimals_are_the_most_that_an_exact_size_has():
    assert [hv.format_size(n << 20) for n in (1280, 1536, 1281)] == ["1.25 GiB", "1.5 GiB", "1,281 MiB"]
