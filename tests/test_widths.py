"""Integers have their width by their own word: the engine gives the same where NumPy's default has 32 bits.

That is so where pointers have 32 bits, in a browser for one. Here the `np` of every module of hvlib is replaced by one
whose functions answer as they do there.
"""

import functools
import importlib
import pkgutil

import numpy as np
import pytest

import hvlib as hv
from hvlib.mechanism.events import Event
from hvlib.pictures.films import FILMS
from hvlib.teaching.questions import QUESTIONS

MODULES = [importlib.import_module(found.name) for found in pkgutil.walk_packages(hv.__path__, "hvlib.")
           if not found.name.endswith("__main__")]  # fmt: skip
SCHEMES = [name for name in hv.SCHEMES if name != "off"]
WIDTHS = {"frame": np.uint32, "writable": np.bool_, "table": np.int64}
"""Of the arrays of the vmemmap itself."""


def plain(value):
    """Python's own numbers, in lists perhaps, to which NumPy gives its default width."""
    if isinstance(value, (list, tuple)):
        return all(map(plain, value))
    return isinstance(value, int) and not isinstance(value, bool)


def narrow(array):
    """Indices, in the width of a pointer."""
    return array.astype(np.int32) if isinstance(array, np.ndarray) and array.dtype == np.int64 else array


class Numpy32:
    """NumPy as it is where a pointer, and with it the default integer, has 32 bits."""

    def __getattr__(self, name):
        return getattr(np, name)

    @staticmethod
    def _made(function, values, arguments, named):
        given = "dtype" in named or len(arguments) > len(values)
        made = function(*arguments, **named)
        return made if given or not all(map(plain, values)) else narrow(made)

    def arange(self, *arguments, **named):
        return self._made(np.arange, arguments[:3], arguments, named)

    def array(self, *arguments, **named):
        return self._made(np.array, arguments[:1], arguments, named)

    def asarray(self, *arguments, **named):
        return self._made(np.asarray, arguments[:1], arguments, named)

    def full(self, *arguments, **named):
        made = np.full(*arguments, **named)
        return made if "dtype" in named or len(arguments) > 2 or not plain(arguments[1]) else narrow(made)

    def flatnonzero(self, array):
        return narrow(np.flatnonzero(array))

    def argsort(self, array, **named):
        return narrow(np.argsort(array, **named))

    def searchsorted(self, *arguments, **named):
        return narrow(np.searchsorted(*arguments, **named))

    def nonzero(self, array):
        return tuple(map(narrow, np.nonzero(array)))

    def concatenate(self, arrays, **named):
        return np.concatenate([self.array(one) if plain(one) else one for one in arrays], **named)

    def cumsum(self, array, **named):
        return narrow(np.cumsum(array, **named)) if np.asarray(array).itemsize < 8 else np.cumsum(array, **named)

    def repeat(self, array, repeats, **named):
        self._safe(repeats)
        return np.repeat(array, repeats, **named)

    def bincount(self, array, **named):
        self._safe(array)
        return narrow(np.bincount(array, **named))

    @staticmethod
    def _safe(numbers):
        if isinstance(numbers, np.ndarray) and not np.can_cast(numbers.dtype, np.int32):
            raise TypeError(f"Cannot cast array data from {numbers.dtype} to int32 according to the rule 'safe'")

    @property
    def intp(self):
        return np.int32


@pytest.fixture
def of_32_bits(monkeypatch):
    def forget():
        for module in MODULES:
            for thing in vars(module).values():
                if hasattr(thing, "cache_clear"):
                    thing.cache_clear()

    forget()
    for module in MODULES:
        if getattr(module, "np", None) is np:
            monkeypatch.setattr(module, "np", Numpy32())
    yield
    monkeypatch.undo()
    forget()


@functools.cache
def lived(memory, struct_page, batch, scheme):
    """What a machine goes through, as text and numbers; every array of it is looked at after every event."""
    machine = hv.Machine(memory, struct_page=struct_page)
    pool = machine.hugetlb("2 MiB", 3)
    other = machine.hugetlb("64 KiB", 2)
    pool.optimize(scheme, batch=batch)
    machine.write(pool.pfns[0], 4, 7)
    seen = [pool.frames(1), pool.writable(2), [machine.compound_head(pfn) for pfn in pool.pfns]]
    seen.append([machine.struct_page_of(pool.pfns[1] + n).words for n in (0, 1, 64, 511)])
    machine.occupy(machine.free_frames - 8)
    pool.free(batch=batch)
    other.free(batch=batch)
    again = machine.at(0).vmemmap
    for event in machine.events:
        event.apply(again)
        widths(event, again)
    seen += [map(str, machine.events), repr(machine), [b.tolist() for b in machine.vmemmap.buddy.blocks()]]
    return [list(one) for one in seen]


def widths(event: Event, vmemmap):
    arrays = {name: value for name, value in vars(event).items() if isinstance(value, np.ndarray)}
    assert all(array.dtype in (np.int64, np.uint32) for array in arrays.values()), (event, arrays)
    runs = [value for value in vars(event).values() if hasattr(value, "starts")]
    assert all(run.starts.dtype == run.ends.dtype == np.int64 for run in runs), event
    for name, value in vars(vmemmap).items():
        if isinstance(value, np.ndarray):
            assert value.dtype == WIDTHS[name], (name, event)
    assert (vmemmap.mapcount.at.dtype, vmemmap.held.at.dtype) == (np.int32, np.bool_)
    assert all(ends.dtype == np.int64 for ends in vmemmap.buddy.blocks())
    assert all(pool.heads.dtype == np.int64 for pool in vmemmap.pools if pool)


WHOLE = {(s, b): lived("64 MiB", 64, b, s) for s in SCHEMES for b in (True, False)}


@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_machine_lives_alike_where_integers_are_narrow(of_32_bits, scheme, batch):
    assert lived.__wrapped__("64 MiB", 64, batch, scheme) == WHOLE[scheme, batch]


def states(film):
    every = list(film.states())
    return every[:: max(1, len(every) // 12)]


@pytest.fixture
def facts(name):
    """What a film says where integers are wide; asked for before they are narrow."""
    return [FILMS[name].state(**values)[1] for values in states(FILMS[name])]


@pytest.mark.slow
@pytest.mark.parametrize("name", FILMS)
def test_a_panel_says_the_same_where_integers_are_narrow(facts, of_32_bits, name):
    assert [FILMS[name].state(**values)[1] for values in states(FILMS[name])] == facts


@pytest.fixture
def answers(name):
    """The answers to a question where integers are wide; asked for before they are narrow."""
    return [QUESTIONS[name].answer(QUESTIONS[name].given(seed)) for seed in range(3)]


@pytest.mark.slow
@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_is_the_same_where_integers_are_narrow(answers, of_32_bits, name):
    question = QUESTIONS[name]
    again = [question.answer(question.given(seed)) for seed in range(3)]
    if not callable(again[0]):
        assert again == answers


def test_a_fleet_counts_alike_where_integers_are_narrow(of_32_bits):
    fleet = hv.Fleet(1000, ("256 GiB", "2 TiB"), (0.3, 0.9))
    assert fleet.saved.high > 1 << 40
    assert (fleet.tables.low, fleet.sample().saved.dtype) == (FLEET.tables.low, np.int64)
    assert repr(fleet) == repr(FLEET)


FLEET = hv.Fleet(1000, ("256 GiB", "2 TiB"), (0.3, 0.9))
