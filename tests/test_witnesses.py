"""Arithmetic (geometry) and mechanism (machine) share no formula. Here one is set against the other, exhaustively."""

import itertools
from dataclasses import replace
from fractions import Fraction

import pytest

import hvlib as hv

COLUMNS = (2, 1)
"""How many vmemmap pages a scheme keeps, for each number in a row of `FREES`."""
FREES = {  # by hand: base page and struct page, then for each size the frames freed
    ("4 KiB", 64): {"64 KiB": (0, 0), "512 KiB": (0, 1), "1 MiB": (2, 3), "2 MiB": (6, 7), "32 MiB": (126, 127),
                    "1 GiB": (4094, 4095)},
    ("4 KiB", 128): {"64 KiB": (0, 0), "512 KiB": (2, 3), "1 MiB": (6, 7), "2 MiB": (14, 15), "32 MiB": (254, 255),
                     "1 GiB": (8190, 8191)},
    ("16 KiB", 64): {"2 MiB": (0, 0), "32 MiB": (6, 7), "1 GiB": (254, 255)},
    ("16 KiB", 128): {"2 MiB": (0, 0), "32 MiB": (14, 15), "1 GiB": (510, 511)},
    ("64 KiB", 64): {"2 MiB": (0, 0), "512 MiB": (6, 7), "1 GiB": (14, 15)},
    ("64 KiB", 128): {"2 MiB": (0, 0), "512 MiB": (14, 15), "1 GiB": (30, 31)},
}  # fmt: skip
TORN = (56, 72, 80, 88, 96)
"""Struct pages that do not fill a vmemmap page exactly: some begin in one and end in the next, and none is freed."""
KEEPS = {"off": None, "tail page": 2, "head page": 1, "head page, copied": 1, "shared tail": 1}
SCHEMES = [name for name in KEEPS if name != "off"]
CASES = [
    (base, struct_page, size)
    for (base, fitting), sizes in FREES.items()
    for struct_page, size in itertools.product((fitting, *(TORN if fitting == 64 else ())), sizes)
]


def by_hand(base: str, struct_page: int, size: str, scheme: str) -> int:
    """Frames that a huge page gives back."""
    if struct_page in TORN or KEEPS[scheme] is None:
        return 0
    return FREES[base, struct_page][size][COLUMNS.index(KEEPS[scheme])]


def enough_memory(page: hv.HugePage, count: int) -> int:
    """A machine with room for what is tested: one PMD leaf's worth of huge pages, and as much again."""
    leaf = page.base_page // 8 * page.base_page // page.struct_page * page.base_page
    return -(-2 * (leaf + count * page.size) // leaf) * leaf + leaf


def whole(page: hv.HugePage) -> int:
    """The fewest neighbours whose struct pages, laid out byte by byte, end where a vmemmap page does."""
    each, ends = page.size // page.base_page * page.struct_page, 1
    while each * ends % page.base_page:
        ends += 1
    return ends


def neighbours(pool: hv.Pool, count: int) -> range:
    """Huge pages of the pool, ``count`` of them, that follow each other from where a vmemmap page begins."""
    each = pool.nr_base_pages
    for first in range(len(pool) - count + 1):
        span = pool.pfns[first + count - 1] - pool.pfns[first]
        if pool.pfns[first] % (count * each) == 0 and span == (count - 1) * each:
            return range(first, first + count)
    raise AssertionError("the pool is too small")


def test_every_scheme_is_tested():
    assert list(KEEPS) == list(hv.SCHEMES), "write down in KEEPS what it keeps"
    missing = {keeps for keeps in KEEPS.values() if keeps} - {*COLUMNS}
    assert not missing, f"add to COLUMNS, and to each row of FREES what is freed: schemes that keep {missing}"


def test_every_base_page_is_tested():
    missing = {hv.format_size(one.base_page) for one in hv.ARCHITECTURES.values()} - {base for base, _ in FREES}
    assert not missing, f"write down in FREES what is freed with base pages of {missing}"


@pytest.mark.parametrize(("base", "struct_page", "size"), CASES)
@pytest.mark.parametrize("scheme", KEEPS)
def test_frames_counted_are_frames_computed(base, struct_page, size, scheme):
    """What is freed stands in a table; what is computed and what is counted must agree with it and with each other."""
    page, frees = hv.HugePage(size, base_page=base, struct_page=struct_page), by_hand(base, struct_page, size, scheme)
    count = whole(page)
    taken = max(2, 3 * count if count > 1 else 0)
    machine = hv.Machine(enough_memory(page, taken), base_page=base, struct_page=struct_page, check=False)
    pool = machine.hugetlb(size, taken)
    some = neighbours(pool, count)

    def frames() -> int:
        return len({frame for n in some for frame in pool.frames(n)})

    touched = len({vmemmap_page for n in some for vmemmap_page in pool.vmemmap_pages(n)})
    assert touched == frames() == count * page.nr_vmemmap_pages
    assert pool.nr_base_pages == page.nr_base_pages
    before, free, events = repr(machine), machine.free_frames, len(machine.events)
    if frees:
        pool.optimize(scheme)
    else:
        if scheme == "off":
            assert pool.optimize(scheme) is pool
        else:
            with pytest.raises(hv.BadInput, match="frees nothing"):
                pool.optimize(scheme)
        assert (repr(machine), len(machine.events), pool.scheme.name) == (before, events, "off")
    shared = len(machine.vmemmap.shared_tails)
    gained = machine.free_frames - free + machine.nr_page_tables + shared
    assert gained == taken * frees
    assert page.freed(scheme) == frees
    assert frames() - shared == count * page.kept(scheme)
    assert count * (page.nr_vmemmap_pages - frees) == count * page.kept(scheme)
    assert (page.obstacle(scheme) is None) == (frees > 0)
    assert (page.split_cost(scheme) > 0) == (machine.nr_page_tables > 0)


@pytest.mark.parametrize("base", ["4 KiB", "16 KiB", "64 KiB"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_net_saving_is_what_whole_leaves_of_huge_pages_gain(base, scheme):
    """Fill exactly one PMD leaf of the vmemmap with huge pages, and the fraction per page becomes a whole number."""
    size = {"4 KiB": "2 MiB", "16 KiB": "32 MiB", "64 KiB": "512 MiB"}[base]
    page = hv.HugePage(size, base_page=base)
    per_leaf = Fraction(1) / page.split_cost(scheme)
    machine = hv.Machine(page.size * int(per_leaf) * 8, base_page=base, check=False)
    machine.hugetlb(size, int(per_leaf) - 1)  # the first frames are reserved, so the first leaf has one fewer
    pool = machine.hugetlb(size, int(per_leaf))
    before = machine.free_frames
    pool.optimize(scheme)
    assert machine.nr_page_tables == 1
    once = len(machine.vmemmap.shared_tails)
    assert machine.free_frames - before == per_leaf * page.net_saving(scheme) - once


def test_a_1_gib_page_splits_eight_leaves():
    machine = hv.Machine("4 GiB", check=False)
    pool = machine.hugetlb("1 GiB")
    before = machine.free_frames
    pool.optimize("head page")
    assert machine.nr_page_tables == 8
    assert machine.free_frames - before == hv.HugePage("1 GiB").net_saving("head page") == 4087


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("size", "count"), [("2 MiB", 3), ("1 GiB", 1)])
def test_one_by_one_and_in_a_batch_end_alike(scheme, size, count):
    results = []
    for batch in (True, False):
        machine = hv.Machine("4 GiB", check=size == "2 MiB")
        pool = machine.hugetlb(size, count).optimize(scheme, batch=batch)
        results.append((machine.free_frames, pool.distinct_frames(), pool.writable(), machine.nr_page_tables))
    assert results[0] == results[1]


def test_neither_witness_imports_the_other():
    """The linter holds it too (pyproject.toml); this says so where the witnesses are compared."""
    import ast
    from pathlib import Path

    folder = Path(hv.__file__).parent
    for room, other in (("mechanism", "arithmetic"), ("arithmetic", "mechanism")):
        files = sorted((folder / room).glob("*.py"))
        assert len(files) > 2
        for file in files:
            imports = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
            imports += [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Import)]
            assert other not in " ".join(map(ast.unparse, imports)), file.name


@pytest.mark.parametrize("scheme", list(hv.SCHEMES))
@pytest.mark.parametrize(
    ("size", "counts"), [("2 MiB", (1, 63, 64, 65, 200)), ("64 MiB", (1, 2, 3)), ("1 GiB", (1, 2))]
)
def test_a_bill_is_what_the_machine_pays(scheme, size, counts):
    for count in counts:
        machine = hv.Machine("4 GiB", check=False)
        skipped = machine.hugetlb("2 MiB", 63)  # up to where a PMD leaf of the vmemmap begins
        pool = machine.hugetlb(size, count)
        assert pool.pfns[0] % 0x8000 == 0, skipped
        assert pool.pfns[-1] - pool.pfns[0] == (count - 1) * pool.nr_base_pages
        free, before = machine.free_frames, pool.distinct_frames()
        pool.optimize(scheme)
        bill = hv.HugePage(size).bill(scheme, count)
        assert bill.memmap == before
        assert bill.tables == machine.nr_page_tables
        assert bill.shared == len(machine.vmemmap.shared_tails)
        assert bill.saved == machine.free_frames - free
        assert bill.freed == bill.saved + bill.tables + bill.shared


@pytest.mark.parametrize(
    "contradiction",
    [{"kept": None}, {"tails": "own frames"}, {"encoding": "mask"}, {"tails": "shared page"}],
)
def test_a_scheme_that_contradicts_itself_gets_a_sentence(contradiction):
    head_page = hv.SCHEMES["head page"]
    with pytest.raises(hv.BadInput, match=r"write for example|choose"):
        replace(head_page, **contradiction)
    assert replace(head_page, tails="shared page", encoding="mask").encoding == "mask"
