"""Each erratum: the truth is computed, differs from what the source says, and its chapter shows it."""

import json
import re
from pathlib import Path

import pytest

import hvlib as hv

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"

NUMBER = r"0x[0-9a-f]+|\d[\d,.]*\d|\d"


def _number(text):
    return int(text, 16) if text.startswith("0x") else float(text.replace(",", ""))


@pytest.mark.parametrize("erratum", hv.ERRATA, ids=lambda erratum: erratum.says)
def test_what_is_true_is_computed_and_is_not_what_was_said(erratum):
    assert "{" not in erratum.truth
    told = [_number(text) for text in re.findall(NUMBER, erratum.truth)]
    assert any(number == pytest.approx(erratum.value, rel=0.01) for number in told), erratum.truth
    said = [_number(text) for text in re.findall(NUMBER, erratum.says)]
    assert erratum.value not in said, "the source would be right"


@pytest.mark.parametrize("erratum", hv.ERRATA, ids=lambda erratum: erratum.says)
def test_its_chapter_says_so(erratum):
    (path,) = NOTEBOOKS.glob(f"{erratum.chapter:02d}_*.ipynb")
    cells = json.loads(path.read_text("utf-8"))["cells"]
    tags = {tag for cell in cells for tag in cell["metadata"].get("tags", ())}
    assert f"erratum:{hv.ERRATA.index(erratum) + 1}" in tags, path.name


def test_the_values_are_those_of_independent_arithmetic():
    assert [erratum.value for erratum in hv.ERRATA][:6] == [
        2**30 // 2**12, 2**2, 1 << 62, 2, 256 * 64 // 4096, 100 * 6 / 7,
    ]  # fmt: skip
    assert hv.ERRATA[6].value == pytest.approx(100 * (1024 * 2 + 8192) * 4096 / 2**40)
    assert hv.ERRATA[7].value == 2**21 // 2**12
    assert hv.ERRATA[8].value == 4
