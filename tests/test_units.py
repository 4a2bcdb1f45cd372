from fractions import Fraction

import pytest

import hvlib as hv
from hvlib.errors import not_one_of, quoted


@pytest.mark.parametrize(
    ("text", "size"),
    [("2 MiB", 2 << 20), ("2M", 2 << 20), ("2mib", 2 << 20), (" 1 GiB ", 1 << 30), ("1.5 GiB", 3 << 29), ("512", 512),
     ("64 B", 64), ("12 TiB", 12 << 40), (4096, 4096), ("4 k", 4096)],
)  # fmt: skip
def test_sizes_are_read_as_people_write_them(text, size):
    assert hv.parse_size(text) == size


def test_decimal_units_are_named_as_such():
    with pytest.raises(hv.BadInput, match=r"powers of ten.*'2 MiB'"):
        hv.parse_size("2 MB")


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
    assert hv.parse_size(hv.format_size(size).replace(",", "")) == size


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
