"""What the book once said and should not have: it is not said again, and what is true stands in its place."""

import json
import re
from pathlib import Path

import pytest

import hvlib as hv
from hvlib.facts import schemes
from hvlib.kernels import observe
from hvlib.mechanism.structpage import TAIL_MAPPING
from hvlib.teaching import concepts
from hvlib.teaching.questions import QUESTIONS

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def said(where):
    """The prose of a chapter, by number, or of a page of the book, on one line."""
    if isinstance(where, str):
        text = (NOTEBOOKS / f"{where}.md").read_text("utf-8")
    else:
        (path,) = NOTEBOOKS.glob(f"{where:02d}_*.ipynb")
        cells = json.loads(path.read_text("utf-8"))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return re.sub(r"\s*\n(?:> ?)?\s*", " ", text)


CORRECTED = [
    # where, what was said (`None`: nothing), what is true
    (10, "must not change, in one step, both where", "Where it leads may not, in whatever steps"),
    (
        "glossary",
        "both another address and other permissions",
        "before it may lead elsewhere. Its permissions may change",
    ),
    (
        4,
        "From 5.14 to 6.1 the list can have a fifth",
        "Up to 5.19 the list has four entries; in 6.1 it can have a fifth",
    ),
    (10, "Under the scheme of 7.1 no entry of the vmemmap", "writable, and they lead to the shared frame"),
    (
        10,
        "its shared entries are read-only (chapter 6)",
        "On riscv64 it is no bug, but the rule: all eight entries stay writable",
    ),
    (7, None, "On riscv64, which joined in 6.4"),
    (8, "one read-only page per zone and size", "riscv64 leaves them writable"),
    (10, "and only then clear the mark", "A batch clears the mark of each as it is restored"),
    (8, "For each huge page the kernel takes a new frame", "get the page of tails; mark the huge page; take and copy"),
    (7, "own test `tools/testing/selftests/mm/hugepage-vmemmap.c`", "`hugetlb-vmemmap.c` in 7.2.13"),
    (11, "own test `hugepage-vmemmap.c` expects one head", "`hugetlb-vmemmap.c` in 7.2; it is gone in 7.3"),
    ("references", "own test: `tools/testing", "`hugetlb-vmemmap.c` in 7.2.13; it is gone in 7.3.4"),
    (11, "Whether they were reported is not known", "20260612035903.2468601-3-songmuchun@bytedance.com"),
    (11, "That makes it look like a slip", "No report of it was found"),
    ("references", "6.10 or 6.11", "bd225530a4c7; its limit: commit c2a967f6ab0e"),
    (7, "A change of 2024 (bd225530a4c7)", "A change in 6.10 (bd225530a4c7)"),
    (4, "the list ends in `__NR_USED_SUBPAGE`", "the constant still says 3 in 7.3.4"),
    (10, "in the sources of 7.1 it is still off", "in the sources of 7.3 arm64 is still off"),
    (12, "still in 7.1: the remap", "still in 7.3: the remap"),
    (5, None, "To be built in is not to be possible"),
    (5, None, "On powerpc with base pages of 64 KiB such a page is 2 MiB"),
    (12, "on the device itself. The kernel's documentation", "powerpc selects it, and in 7.3.4 riscv"),
    (10, "Enough for one, and it pays for the rest.**", "unless it lies where the kernel may not use its frames"),
    (8, "In September 2026 the memory-management tree held", "as of October and November 2026, not merged"),
    (10, "in a struct page near the head: by 6.1 as a list of the poisoned pages. ## ", "they are leaked on purpose"),
    (10, "leaves it out: its struct page 65", "6.12.117 leaves it out, and should not"),
    (11, None, "It was carried back to 6.12"),
    (11, "Flags only, as far as was seen", "it cannot have the same GiB twice, nor one in which a page of 2 MiB"),
    (7, None, "7.1 needs no such waiting"),
    (10, None, "with `hugetlb_cma_only` they come from there alone"),
    (10, None, "(since 5.19; `…_FREE_VMEMMAP_DEFAULT_ON` before)"),
    (11, "June 2026); 7.2.13 has the fix", "7.2.12 and 7.2.13, booted for this book, have the fix"),
    (11, "since 5.19 it says what *could* be freed, also", "and since 6.0 in KiB, 0 KiB where nothing can"),
    (1, ". Kernels accept 56, 64,", "64-bit kernels accept 56, 64,"),
    (4, "It is probably left over", "It says that this huge page is not in use"),
    (4, "In a tail there is also:", "In a tail of a recorded 2 MiB page there is also:"),
    (7, "would have to know that `PG_head`", "it has to be told that `PG_head` is another bit there"),
    (9, None, "panics there with the optimisation on"),
    (10, None, "the shared frame is read there too"),
    (11, "holds one of the head's own flags", "the one that says “optimised” (`HPG_vmemmap_optimized`)"),
    (11, None, "Debian's 6.12.117 for riscv64 leaves 448 as well"),
    (12, "a host first needs memory, up to", "Then each page pays for the next"),
    ("glossary", "plus 64 times the PFN", "the PFN times the size of a struct page, on x86-64 64 bytes"),
    ("glossary", "4 KiB of the vmemmap: 64 struct pages", "a base page of the vmemmap, on x86-64 4 KiB with 64"),
    ("glossary", "in its vmemmap page, 0 to 63", "on x86-64 0 to 63"),
]


@pytest.mark.parametrize(
    ("where", "was", "now"), CORRECTED, ids=[f"{where}: {now[:40]}" for where, _, now in CORRECTED]
)
def test_what_was_wrong_is_not_said_again(where, was, now):
    text = said(where)
    assert was is None or was not in text
    assert now in text


def test_the_fifth_struct_page_is_in_use_in_6_1_alone():
    assert [releases for releases, carried in hv.TAIL_METADATA if len(carried) > 4] == ["6.1"]


def test_what_is_read_only_is_said_of_x86_64():
    assert "On x86-64 they are made read-only; riscv64 defines no PAGE_KERNEL_RO" in " ".join(
        schemes.Scheme.__doc__.split()
    )
    assert "stay writable" in hv.ARCHITECTURES["riscv64"].hvo


def test_loongarch_with_80_bytes_is_selected_and_without_effect():
    assert "80 bytes" in hv.ARCHITECTURES["LoongArch, 16 KiB base"].hvo
    page = hv.HugePage("32 MiB", "16 KiB", 80)
    assert page.nr_vmemmap_pages == 10
    assert page.freed("head page") == 0


def test_eight_is_not_for_every_base_page():
    assert hv.HugePage("2 MiB", "64 KiB").nr_vmemmap_pages * 32 == 1


def test_who_pays_for_the_rest_may_use_the_memory():
    for text in (
        QUESTIONS["seven free frames"].text(),
        next(c.prompt for c in concepts.CONCEPTS if "giving back" in c.name),
    ):
        assert "memory that the kernel may use for itself" in text or "The kernel may use any frame for itself" in text
    kept = next(c.prompt for c in concepts.CONCEPTS if c.name == "what is never returned")
    assert "from a multiple of 128 MiB on" in kept
    assert "if it ran there" in next(c.prompt for c in concepts.CONCEPTS if c.name == "where nothing is saved")
    assert "built with HVO" in QUESTIONS["what a tail stores"].text()


def test_the_second_exercise_of_bytes_and_pages_is_the_first_bug():
    """The pages that the loop did not reach are those that the recorded 7.1 leaves writable."""
    asked = QUESTIONS["an end in bytes"]
    reached, pages = asked.answer({"size": "1 GiB"}), hv.HugePage("1 GiB").nr_vmemmap_pages
    seen = observe.recorded("7.1.13").entries("1 GiB", "reserved")
    assert seen.writable_pages == f"0, {reached}-{pages - 1}"


def test_the_marks_that_stay_are_those_that_were_counted():
    counted = {row.frames for row in observe.left_huge() if row.hvo == "on"}
    assert counted == {0, QUESTIONS["marks that stay"].answer({})}
    assert {row.frames for row in observe.left_huge() if row.hvo == "off"} == {0}
    on_riscv64 = {name: observe.recorded(name).left_huge("on") for name in observe.records("riscv64")}
    assert on_riscv64 == {"6.12.117-riscv64": (64, 448), "7.2.12-riscv64": (64, 0)}


@pytest.mark.parametrize(
    ("series", "size", "false_heads"),
    [("5.15", "2 MiB", 0), ("6.1", "2 MiB", 7), ("6.12", "2 MiB", 7), ("6.12", "1 GiB", 4095), ("7.1", "1 GiB", 0)],
)
def test_a_fix_is_right_for_a_scheme(series, size, false_heads):
    assert QUESTIONS["a fix in another scheme"].answer({"series": series, "size": size}) == false_heads


def test_struct_page_4_of_the_recorded_5_10_says_that_the_page_is_free():
    """Word 5 is all ones in both sizes, in the living page too, and 0 in every later record."""
    for release in observe.records():
        for size in ("2 MiB", "1 GiB"):
            private = observe.recorded(release).entries(size, "live", "off").words[4][5]
            assert private == ((1 << 64) - 1 if release.startswith("5.10.") else 0)


def test_tails_of_1_gib_pages_have_the_mapping_of_tails_from_6_12_on():
    for release in observe.records():
        record = observe.recorded(release)
        for size, has_it in (("2 MiB", True), ("1 GiB", record.series >= (6, 12))):
            words = record.entries(size, "live", "off").words
            assert {words[n][3] for n in words if n >= 4} == {TAIL_MAPPING if has_it else 0}


def test_what_the_third_bug_leaves_in_word_5_is_the_flag_of_optimised_pages():
    """Bit 4 of the head's flags (enum hugetlb_page_flags): set in heads that are optimised, and in no other."""
    for release in observe.records():
        record = observe.recorded(release)
        for state in record.states:
            head = record.entries("2 MiB", "live", state).words[0][5]
            assert bool(head & 1 << 4) == (state == "on")
    assert observe.recorded("6.12.117").entries("2 MiB", "dissolved").words[64][5] == 1 << 4


def test_what_cannot_be_at_boot_is_said_of_both_sizes():
    """Since 6.15 only 1 GiB pages of x86-64 are reserved without struct pages."""
    for pools in ({"2 MiB": 64_600}, {"1 GiB": 127}):
        asked = hv.plan("128 GiB", pools)
        assert asked.fits
        assert not asked.fits_at_boot
        assert "not at boot:" in str(asked)


def test_a_draft_does_not_ask_for_the_memory_of_all_pages_at_once():
    """Chapter 10: in a kernel zone seven frames are enough, and only from ZONE_MOVABLE all must come from elsewhere."""
    text = (
        "Linux db7 6.12.1 #1 SMP x86_64 GNU/Linux\nvm.hugetlb_optimize_vmemmap = 0\n"
        "MemTotal: 268435456 kB\nHugePages_Total: 1000\nHugepagesize: 2048 kB\n"
    )
    page = " ".join(hv.observe.host(text).half_page().split())
    assert "all of it from elsewhere if they lie in ZONE_MOVABLE" in page
    assert "else each one that goes pays for the next" in page
    assert "of free memory before" not in page
