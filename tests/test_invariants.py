"""Each invariant is broken on purpose, by the mistake in the mechanism that it guards against."""

import numpy as np
import pytest

import hvlib as hv
from hvlib.mechanism import invariants
from hvlib.mechanism.events import AllocFrames, FlushTlb, FreeFrames, Remap, SplitPmd


def machine_with_pool():
    machine = hv.Machine("1 GiB", check=False)
    return machine, machine.hugetlb("2 MiB")


def apply(machine, leave_out=(), swap=None, writable=False):
    """Optimise by "tail page", one entry at a time, with a step left out or two kinds of step swapped."""
    good = hv.Machine("1 GiB")
    good.hugetlb("2 MiB").optimize("tail page", batch=False)
    events = list(good.events[2:])
    if swap:
        one, other = (next(i for i in reversed(range(len(events))) if isinstance(events[i], kind)) for kind in swap)
        events[one], events[other] = events[other], events[one]
    for event in events:
        if isinstance(event, leave_out):
            continue
        if writable and isinstance(event, Remap):
            event = Remap(event.entries, event.frames, True)
        event.apply(machine.vmemmap)
        invariants.check_all(machine.vmemmap, event)


def test_the_kernels_order_breaks_nothing():
    machine, _ = machine_with_pool()
    apply(machine)


@pytest.mark.parametrize(
    ("name", "mistake"),
    [
        ("free only after flush", {"swap": (FlushTlb, FreeFrames)}),
        ("free only after flush", {"leave_out": FlushTlb}),
        ("one writable entry per frame.* through 2 entries", {"writable": True}),
        ("entries need a table", {"leave_out": (SplitPmd,)}),
    ],
)
def test_a_mistake_in_the_order_breaks_its_invariant(name, mistake):
    machine, _ = machine_with_pool()
    with pytest.raises(hv.InvariantBroken, match=name):
        apply(machine, **mistake)


def broken(vmemmap):
    return {name.replace("_", " ") for name, check in invariants.INVARIANTS.items() if check(vmemmap)}


def test_a_tail_led_to_another_huge_pages_frame_loses_its_head():
    machine = hv.Machine("1 GiB", check=False)
    machine.hugetlb("2 MiB", 2).optimize("tail page")
    first, second = (machine.pools[0].vmemmap_pages(n) for n in (0, 1))
    vm = machine.vmemmap
    vm.set_entries(np.array([first[3]]), vm.frame[[second[1]]], False)
    assert "tails find their head" in broken(vm)


def test_a_head_page_shared_without_the_fake_head_test_loses_heads():
    machine = hv.Machine("1 GiB", check=False)
    machine.hugetlb("2 MiB").optimize("head page")
    assert not broken(machine.vmemmap)
    machine.vmemmap.pools[0].scheme = hv.SCHEMES["tail page"]
    assert broken(machine.vmemmap) == {"tails find their head"}


@pytest.mark.parametrize(
    ("scheme", "tails_apart"),
    [("tail page", True), ("head page", False), ("head page, copied", False), ("shared tail", True)],
)
def test_a_head_led_to_its_tails_frame_is_seen(scheme, tails_apart):
    """Read-only, with nothing else wrong: where tails have a frame apart, such a head would name itself as they do."""
    machine, pool = machine_with_pool()
    pool.optimize(scheme)
    vm, first = machine.vmemmap, pool.vmemmap_pages(0)[0]
    vm.set_entries(np.array([first]), vm.frame[[first + 1]], False)
    heads = {"the head can be written", "the head says pg head"}
    assert broken(vm) & heads == (heads if tails_apart else {"the head can be written"})
    assert not broken(vm) - heads


@pytest.mark.parametrize("size", ["2 MiB", "64 KiB"])
@pytest.mark.parametrize("struct_page", [64, 72])
def test_a_head_that_cannot_be_written_is_seen(size, struct_page):
    machine = hv.Machine("1 GiB", struct_page=struct_page, check=False)
    pool = machine.hugetlb(size, 3)
    pages = pool.vmemmap_pages(1)
    assert not broken(machine.vmemmap)
    machine.vmemmap.writable[pages[0]] = False
    assert "the head can be written" in broken(machine.vmemmap)


def test_a_head_that_does_not_say_pg_head_is_seen():
    machine, pool = machine_with_pool()
    checked = hv.Machine("1 GiB")
    head = checked.hugetlb("2 MiB").pfns[0]
    with pytest.raises(hv.BadInput, match="the head says pg head"):
        checked.write(head, 0, 0)
    machine.write(pool.pfns[0], 0, 0)
    assert broken(machine.vmemmap) == {"the head says pg head"}


def test_a_mapped_frame_that_is_freed_is_seen():
    machine, pool = machine_with_pool()
    machine.vmemmap.buddy.give(np.array([pool.frames()[3]]))
    assert {"no frame free and used", "frames conserved"} <= broken(machine.vmemmap)


def test_a_second_writable_entry_to_a_frame_is_seen():
    machine, pool = machine_with_pool()
    pool.optimize("tail page")
    machine.vmemmap.writable[pool.vmemmap_pages(0)[2]] = True
    assert broken(machine.vmemmap) == {"one writable entry per frame"}


@pytest.mark.parametrize("memory", ["1 GiB", "1000 MiB"], ids=["whole leaves", "a last leaf in part"])
@pytest.mark.parametrize("page", [1, -1])
@pytest.mark.parametrize("entry", ["frame", "writable"])
def test_an_entry_that_differs_under_a_whole_leaf_is_seen(memory, page, entry):
    vmemmap = hv.Machine(memory, check=False).vmemmap
    assert "entries need a table" not in broken(vmemmap)
    getattr(vmemmap, entry)[page] = vmemmap.frame[0] if entry == "frame" else False
    assert "entries need a table" in broken(vmemmap)


def test_a_lost_frame_is_seen():
    machine, _ = machine_with_pool()
    AllocFrames(machine.vmemmap.buddy.choose(1), "nothing").apply(machine.vmemmap)
    machine.vmemmap.held.clear()
    assert broken(machine.vmemmap) == {"frames conserved"}


def test_a_frame_that_is_never_freed_is_seen(monkeypatch):
    from hvlib.mechanism import events

    machine = hv.Machine("1 GiB")
    pool = machine.hugetlb("2 MiB")
    monkeypatch.setattr(events.FreeFrames, "apply", lambda self, vmemmap: None)
    with pytest.raises(hv.InvariantBroken, match="nothing left in hand"):
        pool.optimize("tail page")


def test_an_entry_to_nowhere_is_seen():
    machine, _ = machine_with_pool()
    machine.vmemmap.frame[-1] = machine.nr_frames
    assert "one address per pfn" in broken(machine.vmemmap)


def test_double_free_and_double_allocation_are_refused():
    buddy = hv.Machine("1 GiB").vmemmap.buddy
    frame = buddy.choose(1)
    with pytest.raises(AssertionError, match="double free"):
        buddy.give(frame)
    buddy.take(frame)
    with pytest.raises(AssertionError, match="not free"):
        buddy.take(frame)


def test_every_invariant_is_broken_by_some_test_here():
    from pathlib import Path

    text = Path(__file__).read_text(encoding="utf-8")
    assert all(name.replace("_", " ") in text for name in invariants.INVARIANTS)
