"""Random histories of taking, optimising, restoring and freeing: no invariant breaks, and no frame is lost."""

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

import hvlib as hv

pytestmark = pytest.mark.slow
ON = [name for name in hv.SCHEMES if name != "off"]


class Histories(RuleBasedStateMachine):
    pools = Bundle("pools")

    @initialize(memory=st.sampled_from(["160 MiB", "256 MiB", "300 MiB"]))
    def boot(self, memory):
        self.machine = hv.Machine(memory)
        self.at_boot = self.machine.free_frames
        self.taken = 0

    @rule(target=pools, count=st.integers(1, 40), size=st.sampled_from(["2 MiB", "4 MiB", "64 KiB", "32 MiB"]))
    def take(self, count, size):
        try:
            pool = self.machine.hugetlb(size, count)
        except hv.OutOfFrames:
            return None
        self.taken += count * pool.nr_base_pages
        return pool

    @rule(pool=pools, scheme=st.sampled_from(ON), batch=st.booleans())
    def optimize(self, pool, scheme, batch):
        if pool is None:
            return
        before, free = pool.scheme, self.machine.free_frames
        try:
            pool.optimize(scheme, batch=batch)
        except hv.BadInput:
            assert (pool.scheme, self.machine.free_frames) == (before, free)
        else:
            assert pool.scheme.name == scheme

    @rule(pool=pools, batch=st.booleans())
    def restore(self, pool, batch):
        if pool is None:
            return
        before, free = pool.scheme, self.machine.free_frames
        try:
            pool.restore(batch=batch)
        except hv.BadInput:
            assert (pool.scheme, self.machine.free_frames) == (before, free)
        else:
            assert len(set(pool.frames())) == len(pool.frames())

    @rule(pool=consumes(pools), batch=st.booleans())
    def free(self, pool, batch):
        if pool is None:
            return
        size = len(pool) * pool.nr_base_pages
        try:
            pool.free(batch=batch)
        except hv.OutOfFrames:
            return
        self.taken -= size

    @invariant()
    def frames_are_conserved(self):
        machine = self.machine
        saved = machine.vmemmap.nr_pages - machine.nr_vmemmap_frames - machine.nr_page_tables
        assert machine.free_frames == self.at_boot - self.taken + saved

    def teardown(self):
        """Once a history, for it takes as long as the history did: gone through again it ends where it ended."""
        if hasattr(self, "machine"):
            again = self.machine.at(len(self.machine.events))
            assert again.free_frames == self.machine.free_frames
            assert (again.vmemmap.frame == self.machine.vmemmap.frame).all()


Histories.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
TestHistories = Histories.TestCase
