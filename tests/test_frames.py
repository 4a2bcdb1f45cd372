"""What is remembered of frames, against a dictionary; and how little of a large machine is."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import hvlib as hv
from hvlib.mechanism.buddy import Runs
from hvlib.mechanism.frames import PIECE, KnownFrames

FRAMES = 1 << 20
SETS = st.lists(
    st.tuples(st.integers(0, FRAMES - 3 * PIECE), st.integers(1, 3 * PIECE), st.integers(0, 3)), max_size=40
)


def ints(numbers):
    return np.array(sorted(numbers), np.int64)


@settings(max_examples=60, deadline=None)
@given(SETS, st.sets(st.integers(0, FRAMES - 1), max_size=50))
def test_facts_of_frames_are_what_was_said_of_them(said, asked):
    known = KnownFrames(FRAMES, 700_000, 900)
    facts, truth = [known.new(np.int32), known.new(np.uint32)], np.zeros(FRAMES, np.int64)
    for number, (first, count, value) in enumerate(said):
        facts[number % 2][np.arange(first, first + count)] = value
        truth[first : first + count] = np.where(
            number % 2, truth[first : first + count] % 4 + 4 * value, truth[first : first + count] // 4 * 4 + value
        )
    frames = ints(asked)
    assert facts[0][frames].tolist() == (truth[frames] % 4).tolist()
    assert facts[1][frames.astype(np.uint32)].tolist() == (truth[frames] // 4).tolist()
    assert all(int(facts[0][int(frame)]) == truth[frame] % 4 for frame in frames)
    there = np.flatnonzero(truth % 4)
    assert facts[0].count() == len(there) == len(facts[0].where())
    found = [*facts[0].where().parts(1000)]
    assert [number for part in found for number in part.tolist()] == there.tolist()
    assert all(len(part) == 1000 for part in found[:-1])


def test_a_piece_that_is_not_known_between_two_that_are_has_nothing():
    """Pieces that became known out of order may have one shift, and the piece between them another."""
    known = KnownFrames(FRAMES, 700_000, 900)
    fact = known.new(np.int32)
    for piece in (10, 50, 12):
        fact[np.arange(piece * PIECE, (piece + 1) * PIECE)] = piece
    found = fact[np.arange(10 * PIECE, 13 * PIECE)].reshape(3, PIECE)
    assert [{*piece.tolist()} for piece in found] == [{10}, {0}, {12}]


@settings(deadline=None)
@given(st.sets(st.integers(0, 60)), st.integers(1, 9))
def test_runs_are_apart_and_come_in_parts(numbers, size):
    some = ints(numbers)
    runs = Runs.of(some[::-1], some[::-1] + 1)
    assert len(runs) == len(numbers)
    assert (runs.starts[1:] > runs.ends[:-1]).all()
    parts = [part.tolist() for part in runs.parts(size)]
    assert [number for part in parts for number in part] == sorted(numbers)
    assert all(len(part) == size for part in parts[:-1])


def test_a_machine_remembers_the_frames_of_its_vmemmap_and_few_others():
    """In arrays for one frame in 64, not for every one."""
    machine = hv.Machine("64 GiB", check=False)
    machine.hugetlb("2 MiB", 30_000).optimize("tail page")
    arrays = [value for value in vars(machine.vmemmap).values() if isinstance(value, np.ndarray)]
    facts = [value for value in vars(machine.vmemmap).values() if hasattr(value, "known")]
    assert len(facts) >= 3
    assert max(map(len, arrays)) == machine.vmemmap.nr_pages == machine.nr_frames // 64
    assert all(len(fact.known) < machine.nr_frames / 60 for fact in facts)
    assert all(len(fact.at) < machine.nr_frames / 25 for fact in facts)
