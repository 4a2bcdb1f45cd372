import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hvlib.mechanism.buddy import MAX_ORDER, BuddyAllocator

FRAMES = 1 << 12


def allocator(free):
    frames = np.array(sorted(free), np.int64)
    return BuddyAllocator(frames, frames + 1) if len(frames) else BuddyAllocator(frames, frames)


def merged(free):
    """The free lists by the textbook: merge buddies until none can be merged."""
    lists = [set(free), *(set() for _ in range(MAX_ORDER))]
    for order in range(MAX_ORDER):
        size = 1 << order
        for start in sorted(lists[order]):
            if start % (2 * size) == 0 and start + size in lists[order]:
                lists[order] -= {start, start + size}
                lists[order + 1].add(start)
    return [sorted(blocks) for blocks in lists]


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.sets(st.integers(0, FRAMES - 1), max_size=300), st.sets(st.integers(0, FRAMES - 1), max_size=300))
def test_free_lists_are_those_of_a_merging_buddy_allocator(one, other):
    buddy = allocator(set())
    buddy.give(np.array(sorted(one), np.int64))
    buddy.give(np.array(sorted(other - one), np.int64))
    assert [blocks.tolist() for blocks in buddy.blocks()] == merged(one | other)
    assert buddy.nr_free == len(one | other)
    keep = set(sorted(one | other)[::2])
    buddy.take(np.array(sorted((one | other) - keep), np.int64))
    assert [blocks.tolist() for blocks in buddy.blocks()] == merged(keep)


@settings(max_examples=100, deadline=None)
@given(st.sets(st.integers(0, 255), min_size=1), st.integers(0, 12), st.integers(1, 6))
def test_chosen_blocks_are_aligned_free_and_apart(chunks, order, count):
    buddy = allocator(set())
    buddy.give(np.array(sorted(chunks), np.int64) * 16, 4)
    free = {frame for chunk in chunks for frame in range(16 * chunk, 16 * chunk + 16)}
    possible = [s for s in range(0, FRAMES, 1 << order) if free.issuperset(range(s, s + (1 << order)))]
    if len(possible) < count:
        return
    chosen = buddy.choose(count, order).tolist()
    assert len(set(chosen)) == count
    assert set(chosen) <= set(possible)
    buddy.take(np.array(sorted(chosen)), order)
    assert buddy.nr_free == len(free) - (count << order)


def test_small_blocks_are_used_up_first():
    buddy = allocator({5})
    buddy.give(np.array([1024]), 10)
    assert buddy.choose(2).tolist() == [5, 1024]
