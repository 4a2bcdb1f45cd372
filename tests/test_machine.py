import numpy as np
import pytest

import hvlib as hv
from hvlib.mechanism import hvo
from hvlib.mechanism.events import FlushTlb, Remap

SCHEMES = [name for name in hv.SCHEMES if name != "off"]


def state(machine):
    """Everything that makes a machine what it is."""
    vm = machine.vmemmap
    return (
        vm.frame.tolist(), vm.writable.tolist(), vm.table.tolist(), [b.tolist() for b in vm.buddy.blocks()],
        [(p and (p.heads.tolist(), p.order, p.prepared, p.encoding, p.scheme.name)) for p in vm.pools],
        vm.shared_tails, *((some.starts.tolist(), some.ends.tolist()) for some in (vm.held.where(), vm.stale.where())),
        len(machine.events),
    )  # fmt: skip


def contents(machine, pool):
    head = pool.pfns[0]
    return [bytes(machine.struct_page_of(pfn)) for pfn in range(head, head + pool.nr_base_pages)]


EXPECTED = {  # frames of vmemmap pages 0..7 by the order of first appearance; who may be written; frames as at boot
    "tail page": ("01111111", "11000000", 2),
    "head page": ("00000000", "10000000", 1),
    "head page, copied": ("00000000", "10000000", 0),
    "shared tail": ("01111111", "10000000", 0),
}


def test_every_scheme_has_its_row():
    assert list(EXPECTED) == SCHEMES, "add what you expect of it to EXPECTED"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_who_maps_where(scheme):
    machine = hv.Machine("1 GiB")
    pool = machine.hugetlb("2 MiB", 3)
    born = pool.frames(1)
    pool.optimize(scheme)
    frames = pool.frames(1)
    distinct = list(dict.fromkeys(frames))
    assert (
        "".join(str(distinct.index(f)) for f in frames),
        "".join(str(int(w)) for w in pool.writable(1)),
        sum(f in born for f in distinct),
    ) == EXPECTED[scheme]
    shares = set(pool.frames(0)) & set(pool.frames(2))
    assert len(shares) == (1 if hv.SCHEMES[scheme].tails == "shared page" else 0)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("batch", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_restore_after_optimize_is_the_identity(scheme, batch):
    machine = hv.Machine("1 GiB")
    pool = machine.hugetlb("2 MiB", 2)
    bytes_before, free = contents(machine, pool), machine.free_frames
    pool.optimize(scheme, batch=batch)
    pool.restore(batch=batch)
    assert len(set(pool.frames())) == 8
    assert all(pool.writable())
    paid_for_ever = machine.nr_page_tables + len(machine.vmemmap.shared_tails)
    assert machine.free_frames == free - paid_for_ever
    if hv.SCHEMES[scheme].encoding == "pointer":  # a mask stays a mask, as the kernel's does
        assert contents(machine, pool) == bytes_before
    pool.free()
    again = machine.hugetlb("2 MiB", 2)
    assert contents(machine, again) == bytes_before


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_struct_page_finds_its_head_and_pfn(scheme):
    machine = hv.Machine("1 GiB")
    pool = machine.hugetlb("2 MiB").optimize(scheme)
    head = pool.pfns[0]
    assert {machine.compound_head(pfn) for pfn in range(head, head + 512)} == {head}
    assert machine.compound_head(head + 512) == head + 512, "a page outside is its own head"
    assert all(machine.page_to_pfn(machine.pfn_to_page(pfn)) == pfn for pfn in range(head - 3, head + 515))


@pytest.mark.parametrize(
    ("scheme", "with_flag"), [("tail page", 1), ("head page", 8), ("head page, copied", 8), ("shared tail", 1)]
)
def test_fake_heads_show_in_the_bytes(scheme, with_flag):
    """Since 5.18 eight of the 512 addresses read as a struct page with PG_head; one of them is the head."""
    machine = hv.Machine("1 GiB")
    pool = machine.hugetlb("2 MiB").optimize(scheme)
    head = pool.pfns[0]
    assert sum(machine.struct_page_of(pfn).has_pg_head for pfn in range(head, head + 512)) == with_flag


def test_a_write_through_a_read_only_entry_faults_and_changes_nothing():
    machine = hv.Machine("1 GiB")
    pool = machine.hugetlb("2 MiB").optimize("tail page")
    before, steps = contents(machine, pool), len(machine.events)
    with pytest.raises(hv.PageFault, match="read-only entry of vmemmap page 12"):
        machine.write(pool.pfns[0] + 300, 5, 1)
    assert contents(machine, pool) == before
    assert len(machine.events) == steps


def test_a_write_through_a_writable_entry_shows_at_every_address_of_the_frame():
    machine = hv.Machine("1 GiB")
    pool = machine.hugetlb("2 MiB").optimize("tail page")
    head = pool.pfns[0]
    machine.write(head + 64 + 3, 5, 0xABC)
    shown = [pfn - head for pfn in range(head, head + 512) if machine.struct_page_of(pfn).words[5] == 0xABC]
    assert shown == [64 * page + 3 for page in range(1, 8)]
    pool.restore()
    copied = [pfn - head for pfn in range(head, head + 512) if machine.struct_page_of(pfn).words[5] == 0xABC]
    assert copied == shown, "restoring copies the shared page as it is"


def test_history_can_be_visited():
    machine = hv.Machine("1 GiB")
    pool = machine.hugetlb("2 MiB")
    pool.optimize("tail page", batch=False)
    names = [type(event).__name__ for event in machine.events]
    assert names == [
        "TakeHugePages", "PrepareCompound", "AllocFrames", "SplitPmd", "FlushTlb", *["Remap"] * 6, "FlushTlb",
        "FreeFrames", "SetScheme",
    ]  # fmt: skip
    assert state(machine.at(len(names))) == state(machine)
    assert [machine.at(step).pools[0].distinct_frames() for step in range(5, 12)] == [8, 7, 6, 5, 4, 3, 2]
    assert machine.at(2).pools[0].frames() == machine.at(5).pools[0].frames()
    assert machine.at(0).pools == ()
    for step in (-1, len(names) + 1):
        with pytest.raises(hv.BadInput, match="whole number from 0 to 14"):
            machine.at(step)


def test_flushes_are_two_per_batch_and_more_one_by_one():
    flushes = []
    for batch in (True, False):
        machine = hv.Machine("1 GiB")
        machine.hugetlb("2 MiB", 10).optimize("head page", batch=batch)
        flushes.append(sum(isinstance(event, FlushTlb) for event in machine.events))
        assert machine.tlb_flushes == flushes[-1]
    assert flushes == [2, 11]


def test_a_huge_host_goes_through_the_same_code_in_one_batch():
    machine = hv.Machine("64 GiB")
    assert not machine.check, "too large to check after every event"
    pool = machine.hugetlb("2 MiB", 30_000)
    before = machine.free_frames
    pool.optimize("shared tail")
    assert machine.free_frames - before == 7 * 30_000 - machine.nr_page_tables - 1
    assert sum(isinstance(event, Remap) for event in machine.events) == 2
    from hvlib.mechanism import invariants

    invariants.check_all(machine.vmemmap, "the batch")


BAD = {
    "huge page no power of two": lambda m: m.hugetlb("3 MiB"),
    "huge page below base page": lambda m: m.hugetlb("2 KiB"),
    "no huge pages": lambda m: m.hugetlb("2 MiB", 0),
    "a huge page that is not there": lambda m: m.pools[0].frames(2),
    "a word that is not there": lambda m: m.write(0, 8, 1),
    "a write that breaks a tail": lambda m: m.write(m.pools[0].pfns[0] + 1, 1, 0),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_sentence_and_changes_nothing(name):
    machine = hv.Machine("1 GiB")
    machine.hugetlb("2 MiB", 2).optimize("tail page")
    machine.hugetlb("2 MiB", 1)
    before = state(machine)
    with pytest.raises(hv.BadInput) as why:
        BAD[name](machine)
    assert "\n" not in str(why.value)
    assert len(str(why.value)) > 40
    assert state(machine) == before


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("batch", [True, False])
def test_restoring_without_free_frames_says_so_and_changes_nothing(scheme, batch):
    machine = hv.Machine("256 MiB")
    pool = machine.hugetlb("2 MiB", 4).optimize(scheme)
    machine.occupy(machine.free_frames)
    assert machine.free_frames == 0
    before = state(machine)
    with pytest.raises(hv.OutOfFrames, match=r"free frames? needed.*has 0"):
        pool.restore(batch=batch)
    assert state(machine) == before
    assert pool.scheme.name == scheme


def test_restoring_halfway_is_undone():
    """One by one, the first huge page could be restored and the second not: then neither is."""
    machine = hv.Machine("256 MiB")
    pool = machine.hugetlb("2 MiB", 4).optimize("tail page")
    machine.occupy(machine.free_frames - 10)
    before = state(machine)
    with pytest.raises(hv.OutOfFrames):
        pool.restore(batch=False)
    assert state(machine) == before


@pytest.mark.parametrize("batch", [True, False])
def test_optimising_without_a_frame_for_the_page_table_changes_nothing(batch):
    machine = hv.Machine("256 MiB")
    pool = machine.hugetlb("2 MiB", 4)
    machine.occupy(machine.free_frames)
    assert machine.free_frames == 0
    before = state(machine)
    with pytest.raises(hv.OutOfFrames, match="1 free frame needed"):
        pool.optimize("head page", batch=batch)
    assert state(machine) == before


def test_an_interrupted_operation_is_undone(monkeypatch):
    machine = hv.Machine("256 MiB")
    pool = machine.hugetlb("2 MiB", 2)
    before = state(machine)

    def interrupt(self, vmemmap):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FlushTlb, "apply", interrupt)
        with pytest.raises(KeyboardInterrupt):
            pool.optimize("head page", batch=False)
    assert state(machine) == before
    pool.optimize("head page")


def test_one_by_one_the_leaves_of_a_1_gib_page_are_split_one_after_the_other():
    """As before 6.7: split, flush and remap under one PMD leaf, then the next (mm/hugetlb_vmemmap.c of 5.15)."""
    machine = hv.Machine("4 GiB", check=False)
    machine.hugetlb("1 GiB").optimize("tail page", batch=False)
    names = [type(event).__name__ for event in machine.events[2:]]
    shape = [name for n, name in enumerate(names) if name != "Remap" or names[n - 1] != "Remap"]
    assert shape == [*["AllocFrames", "SplitPmd", "FlushTlb", "Remap"] * 8, "FlushTlb", "FreeFrames", "SetScheme"]
    assert names.count("Remap") == 4094


@pytest.mark.parametrize("struct_page", [56, 72, 80, 88, 96])
def test_hvo_needs_a_power_of_two(struct_page):
    machine = hv.Machine("1 GiB", struct_page=struct_page)
    pool = machine.hugetlb("2 MiB", 2)
    head = pool.pfns[1]
    assert {machine.compound_head(pfn) for pfn in range(head, head + 512)} == {head}
    with pytest.raises(hv.BadInput, match="not a power of two"):
        pool.optimize("head page")


def test_the_mechanism_is_a_generator_that_decides_as_it_goes():
    """hvo reads the state between its events, so nothing may be applied late."""
    machine = hv.Machine("1 GiB")
    machine.hugetlb("2 MiB")
    steps = hvo.optimize(machine.vmemmap, 0, hv.SCHEMES["head page"], True)
    first = next(steps)
    assert type(first).__name__ == "SetScheme"
    assert machine.pools[0].scheme.name == "off", "an event does nothing until it is applied"


def under_pressure(scheme, count, spare):
    """Optimised huge pages in a machine with no more than ``spare`` free frames."""
    machine = hv.Machine("64 MiB")
    pool = machine.hugetlb("2 MiB", count).optimize(scheme)
    machine.occupy(machine.free_frames - spare)
    return machine, pool


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("batch", [True, False])
def test_to_give_back_memory_must_be_allocated_first(scheme, batch):
    """Below what one huge page needs, none is given back; with it, all are: each one pays for the next."""
    need = hv.HugePage("2 MiB").freed(scheme)
    machine, pool = under_pressure(scheme, 4, need - 1)
    assert pool.free(batch=batch) == 0
    assert (len(pool), pool.surplus, machine.free_frames) == (4, 4, need - 1)
    assert len(set(pool.frames(3))) < 8, "still optimised"
    machine, pool = under_pressure(scheme, 4, need)
    assert pool.free(batch=batch) == 4
    assert pool.surplus == 0
    assert machine.free_frames == need + 4 * 512 - 4 * need
    assert machine.pools == ()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_surplus_page_goes_back_when_there_is_memory_again(scheme):
    machine, pool = under_pressure(scheme, 2, 0)
    assert pool.free() == 0
    assert pool.surplus == 2
    past = machine.at(len(machine.events))
    assert past.pools[0].surplus == 2, "the history knows"
    with pytest.raises(hv.OutOfFrames):
        pool.restore()
    assert pool.surplus == 2


def test_huge_pages_are_restored_in_as_large_batches_as_there_is_memory():
    """Seven frames restore one page of eight; its 512 frames then restore the seven others together."""
    machine, pool = under_pressure("head page", 8, 7)
    before = len(machine.events)
    assert pool.free() == 8
    aside = [str(e) for e in machine.events[before:] if type(e).__name__ == "SetAside"]
    assert aside == ["choose 1 huge page to give back first"]
    flushes = sum(type(e).__name__ == "FlushTlb" for e in machine.events[before:])
    assert flushes == 2


@pytest.mark.parametrize("scheme", ["off", "head page", "shared tail"])
def test_entries_changed_one_by_one_are_as_if_changed_together(scheme):
    """Onto a frame that has entries, one that has none, and the one that an entry has already."""
    states = []
    for each in (1, 3):
        machine = hv.Machine("1 GiB")
        pool = machine.hugetlb("2 MiB")
        if scheme != "off":
            pool.optimize(scheme)
        vmemmap, first = machine.vmemmap, pool.vmemmap_pages().start
        free = vmemmap.low_frames + 5
        entries = np.arange(first + 1, first + 4)
        known = [free, *map(int, vmemmap.frame[first : first + 8])]
        frames = np.array([vmemmap.frame[first], free, vmemmap.frame[first + 3]])
        for some in np.split(np.arange(3), 3 // each):
            vmemmap.set_entries(entries[some], frames[some], False)
        facts = [[int(fact[frame]) for frame in known] for fact in (vmemmap.mapcount, vmemmap.held, vmemmap.stale)]
        states.append((vmemmap.frame.tolist(), vmemmap.writable.tolist(), facts))
    assert states[0] == states[1]
    assert any(map(any, states[0][2]))
