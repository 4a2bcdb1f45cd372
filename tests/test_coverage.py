"""What the book has to teach is taught, in a cell that says so; every number in prose comes from somewhere."""

import re
from pathlib import Path

import nbformat
import pytest

from tools import prose, taught

pytestmark = pytest.mark.beside
ROOT = Path(__file__).parents[1]

CLAIMS = taught.claims()


def test_every_claim_is_taught_or_left_out_with_a_reason():
    assert taught.problems(CLAIMS, taught.places()) == []


@pytest.mark.generated
def test_the_table_is_made_from_the_notebooks():
    assert taught.COVERAGE.read_text("utf-8") == taught.table(CLAIMS, taught.places())


def test_no_claim_of_the_mail_no_release_and_no_misconception_is_missing():
    ids = [claim["id"] for claim in CLAIMS]
    assert len(ids) == len(set(ids))
    wanted = [f"M{n}" for n in range(1, 9)] + [f"K{n}" for n in range(1, 14)] + ["D1", "D2", "D3"]
    wanted += [
        f"R{release}"
        for release in ["5.14", "5.18", "5.19", "6.0", "6.2", "6.3", "6.4", "6.7", "6.15", "6.18", "7.1", "later"]
    ]
    assert ids == wanted + [f"X{n}" for n in range(1, 29)]


def test_a_tag_without_its_words_a_missing_row_and_a_stray_tag_are_found():
    """The checker itself can fail."""
    where = taught.places()
    place = taught.Place("06_x.ipynb", "Somewhere", "nothing of the sort")
    assert taught.problems(CLAIMS, {**where, "X7": [place]}) == [
        "X7: the cell in 06_x.ipynb (Somewhere) does not say 'Page 1 is the first page made of tails only', "
        "which book/claims.toml asks for"
    ]
    assert taught.problems(CLAIMS, {k: v for k, v in where.items() if k != "K12"}) == [
        "K12 is neither taught nor left out"
    ]
    assert "does not know" in taught.problems(CLAIMS, {**where, "K99": [place]})[0]


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("M8", "512 struct pages of 64 bytes", "512 struct pages of 56 bytes"),
        ("K1", "For each frame the kernel", "For each process the kernel"),
        ("K8", "every struct page is still\nat its address", "no struct page is still\nat its address"),
        ("K9", "so all have the same word 1", "and each has a word 1 of its own"),
        ("K10", "They all lie in vmemmap page 0,", "They all lie in vmemmap page 1,"),
        ("K13", "it is 4,094 frames", "it is 4,095 frames"),
        ("R6.3", "had\nit disabled since 6.3", "had\nit disabled since 6.4"),
        ("R7.1", "Since 7.1 word 1", "Since 7.0 word 1"),
        ("X5", "4,095\n> frames against 3,584", "3,584\n> frames against 4,095"),
        ("X13", "It grew on each kernel", "It fell on each kernel"),
        ("X16", "it is never given back", "it is soon given back"),
        ("X22", "6 against 7 is 86 %", "7 against 6 is 86 %"),
        ("X18", "Where it leads may not, in whatever steps", "Where it leads may too, step by step"),
        ("X26", "It is right for a scheme.", "It is right for ever."),
        ("X27", "In a kernel zone it does.", "Everywhere it does."),
        ("X28", "What tells: the boot line", "What tells nothing: the boot line"),
    ],
)
def test_a_cell_that_tells_a_claim_wrongly_is_found(name, right, wrong):
    where = taught.places()
    told = [place for place in where[name] if right in place.text]
    assert len(told) == 1, right
    spoilt = taught.Place(told[0].notebook, told[0].heading, told[0].text.replace(right, wrong))
    assert taught.problems(CLAIMS, {**where, name: [spoilt]}), wrong


TEXTS = [*prose.chapters(), *prose.documents()]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_every_number_in_prose_is_computed_quoted_or_chosen(path):
    unbound = "\n".join(f"{found.key!r}: …{found.context}…" for found in prose.unbound(path))
    assert not unbound, f"{unbound}\nShow it in a cell of the chapter, or give it a row in book/numbers.toml."


def test_what_is_derived_has_the_value_that_the_prose_says():
    assert prose.wrong_values(prose.registry()["derived"]) == []
    assert prose.wrong_values({"8 frames": "hv.HugePage('2 MiB').freed('head page')"}) != [], "it can fail"


def test_no_binding_is_left_over_and_none_stands_twice():
    used = {found.key for path in TEXTS for found in prose.numbers(path)}
    sections = prose.registry()
    keys = [key for section in sections.values() for key in section]
    assert len(keys) == len(set(keys))
    assert [key for key in keys if key not in used] == []
    assert set(sections) == {"derived", "quoted", "chosen"}
    assert all(len(source) > 8 for section in ("quoted", "chosen") for source in sections[section].values())


def test_a_wrong_number_in_prose_would_be_found(tmp_path):
    text = (ROOT / "notebooks" / "06_remap_to_page_1.ipynb").read_text()
    spoilt = tmp_path / "06_spoilt.ipynb"
    for now, then in (
        ("entries, and six frames are free", "entries, and nine frames are free"),
        ("4,089 pages", "4,087 pages"),
        ("vmemmap pages 2 to 7 all show", "vmemmap pages 2 to 8 all show"),
    ):
        assert now in text
        spoilt.write_text(text.replace(now, then))
        assert prose.unbound(spoilt), then


def test_a_number_is_never_read_from_its_middle(tmp_path):
    """A name that is none after all ("pages 64 to 4095", "page 4,096 bytes") gives back the whole number."""
    said = {
        "pages 64 to 4095 may be written": ["64 to 4095"],
        "order 18 or 300 KiB": ["300 KiB"],
        "page 64 KiB, row 4,096 bytes": ["64 KiB", "4,096 bytes"],
        "pages 1.56 %, from 1,024 to 4,096": ["1.56 %", "1,024 to 4,096"],
        "page 1, 12.5 % or 2,048 pages": ["12.5 %", "2,048 pages"],
        "the 4,096th of 12 pages": ["12 pages"],
    }
    path = tmp_path / "00_x.ipynb"
    for text, keys in said.items():
        path.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])))
        assert [found.key for found in prose.numbers(path)] == keys, text
    for path in prose.chapters():
        digits = [found for found in prose.numbers(path) if found.value.isascii() and not found.value.isalpha()]
        whole = re.findall(r"\d[\d,.]*\d|\d", prose.sources(path))
        assert [found for found in digits if found.value not in whole] == []


def test_every_source_that_a_chapter_names_can_be_found():
    """Commits and Message-IDs of the chapters stand in the references, and those of the references in a chapter."""
    references = (ROOT / "notebooks" / "references.md").read_text()
    pattern = r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{12}\b|`[^` ]+@[^` ]+`"
    cited = {path: set(re.findall(pattern, prose.sources(path))) for path in prose.chapters()}
    for path, names in cited.items():
        assert names or path.stem.startswith(("01", "03", "12")), (
            f"{path.stem} names no commit (12 digits) and no Message-ID; if it needs none, add its number here"
        )
        missing = [name for name in names if name not in references]
        assert missing == [], f"{path.stem}: add these to notebooks/references.md"


def test_the_glossary_explains_each_term_in_the_order_of_first_use():
    entries, chapter = [], None
    for line in (ROOT / "notebooks" / "glossary.md").read_text().splitlines():
        if line.startswith("## Chapter "):
            chapter = int(line.split()[-1])
        elif found := re.match(r"- \*\*`?(.+?)`?\*\*: (.{12,})", line):
            entries.append((chapter, found[1]))
    assert len(entries) == len({term for _, term in entries}) > 50
    texts = [prose.sources(path).split("### Sources")[0] for path in prose.chapters()]
    seen = [prose.first_use(term, texts) for _, term in entries]
    assert [place[0] for place in seen] == [chapter for chapter, _ in entries]
    assert seen == sorted(seen)


def test_a_chapter_that_names_a_release_has_said_of_which_architecture():
    release = re.compile(r"(?<![\d.])[5-7]\.\d{1,2}(?:\.\d+)?(?![\d%]| (?:GiB|MiB|KiB|seconds?|ns|s|%))")
    named = 0
    for path in prose.chapters():
        cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
        texts = [cell.source.split("### Sources")[0] for cell in cells]
        first = next((number for number, text in enumerate(texts) if release.search(text)), None)
        if first is not None:
            named += 1
            before = " ".join(texts[: first + 1])
            assert "x86-64" in before, f"{path.stem}: {release.search(texts[first])} before any architecture"
    assert named > 10
