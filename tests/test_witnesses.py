"""Arithmetic (geometry) and mechanism (machine) share no formula. Here one is set against the other, exhaustively."""

import itertools
from dataclasses import replace
from fractions import Fraction

import pytest

import hvlib as hv

GEOMETRIES = [
    (base, struct_page, size)
    for base, sizes in (("4 KiB", ("64 KiB", "512 KiB", "1 MiB", "2 MiB", "32 MiB", "1 GiB")),
                        ("16 KiB", ("2 MiB", "32 MiB", "1 GiB")),
                        ("64 KiB", ("2 MiB", "512 MiB", "1 GiB")))
    for struct_page, size in itertools.product((56, 64, 72, 80, 88, 96, 128), sizes)
]  # fmt: skip


def enough_memory(page: hv.HugePage) -> int:
    """A machine with room for what is tested: one PMD leaf's worth of huge pages, and as much again."""
    leaf = page.base_page // 8 * page.base_page // page.struct_page * page.base_page
    return -(-2 * (leaf + 2 * page.size) // leaf) * leaf + leaf


@pytest.mark.parametrize(("base", "struct_page", "size"), GEOMETRIES)
@pytest.mark.parametrize("scheme", [name for name in hv.SCHEMES if name != "off"])
def test_frames_counted_are_frames_computed(base, struct_page, size, scheme):
    page = hv.HugePage(size, base_page=base, struct_page=struct_page)
    machine = hv.Machine(enough_memory(page), base_page=base, struct_page=struct_page, check=False)
    pool = machine.hugetlb(size, 2)
    if page.obstacle(scheme):
        before = repr(machine)
        with pytest.raises(hv.BadInput, match="frees nothing"):
            pool.optimize(scheme)
        assert repr(machine) == before
        return
    assert len(pool.vmemmap_pages(0)) == page.nr_vmemmap_pages
    before, frames_before = machine.free_frames, pool.distinct_frames()
    assert frames_before == 2 * page.nr_vmemmap_pages
    pool.optimize(scheme)
    shared = len(machine.vmemmap.shared_tails)
    gained = machine.free_frames - before + machine.nr_page_tables + shared
    assert gained == 2 * page.freed(scheme)
    assert frames_before - gained == 2 * page.kept(scheme)
    assert pool.distinct_frames() == 2 * page.kept(scheme) + shared


@pytest.mark.parametrize("base", ["4 KiB", "16 KiB", "64 KiB"])
@pytest.mark.parametrize("scheme", [name for name in hv.SCHEMES if name != "off"])
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


@pytest.mark.parametrize("scheme", [name for name in hv.SCHEMES if name != "off"])
@pytest.mark.parametrize(("size", "count"), [("2 MiB", 3), ("1 GiB", 1)])
def test_one_by_one_and_in_a_batch_end_alike(scheme, size, count):
    results = []
    for batch in (True, False):
        machine = hv.Machine("4 GiB", check=size == "2 MiB")
        pool = machine.hugetlb(size, count).optimize(scheme, batch=batch)
        results.append((machine.free_frames, pool.distinct_frames(), pool.writable(), machine.nr_page_tables))
    assert results[0] == results[1]


def test_the_mechanism_imports_no_formula():
    """Witness 2 may know sizes, but not one property of `HugePage` that counts."""
    import ast
    from pathlib import Path

    import hvlib

    counted = {"freed", "kept", "net_saving", "nr_vmemmap_pages", "split_cost", "memmap_bytes", "nr_base_pages"}
    folder = Path(hvlib.__file__).parent
    for module in ("vmemmap", "events", "hvo", "buddy", "invariants"):
        tree = ast.parse((folder / "mechanism" / f"{module}.py").read_text())
        names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} - {"kept"}
        assert not names & counted, module  # Scheme.kept is data of the scheme, not HugePage.kept()
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
        assert "HugePage" not in imported, module


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
        assert pool.pfns[-1] - pool.pfns[0] == (count - 1) * pool.page.nr_base_pages
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
