"""The panel of chapter 7, read back as data, and `head_steps` against `compound_heads`."""

import itertools

import numpy as np
import pytest

import hvlib as hv
from hvlib.mechanism.structpage import WORD, HeadRules, compound_heads, head_steps
from hvlib.mechanism.vmemmap import VMEMMAP_BASE
from hvlib.pictures.films import fake_heads
from hvlib.pictures.scene import Arrow, Box, Label


def raw(machine, pfn, count):
    """Struct pages as plain bytes, read through the page table."""
    pages = machine.vmemmap.pfn_to_page(pfn + np.arange(count))
    words = np.stack([machine.vmemmap.word(pages, index) for index in range(64 // WORD)], axis=1)
    return hv.RawMemory(words.astype("<u8").tobytes(), int(pages[0]))


@pytest.mark.slow
@pytest.mark.parametrize("scheme", list(hv.SCHEMES))
@pytest.mark.parametrize("size", ["2 MiB", "1 GiB"])
def test_step_by_step_is_compound_heads(scheme, size):
    """All struct pages of a 2 MiB page; of a 1 GiB page those at the start of a page and their neighbours."""
    machine = hv.Machine("4 GiB", check=False)
    pool = machine.hugetlb(size).optimize(scheme)
    total, first = pool.nr_base_pages, pool.pfns[0]
    memory = raw(machine, first, total)
    near = np.arange(total) % 64
    numbers = np.flatnonzero((near <= 1) | (near == 63)) if size == "1 GiB" else np.arange(total)
    pages = machine.vmemmap.pfn_to_page(first + numbers)
    rules = HeadRules(hv.SCHEMES[scheme].encoding, hv.SCHEMES[scheme].fake_heads)
    expected = compound_heads(pages, memory, rules)
    searches = [head_steps(page, memory, rules) for page in pages.tolist()]
    assert [search.head for search in searches] == expected.tolist()
    assert set(expected.tolist()) == {int(pages[0])}
    verdicts = [search.verdict for search in searches]
    assert verdicts.count("itself") == 1
    assert verdicts.count("fake head") == (len(pool.vmemmap_pages()) - 1) * hv.SCHEMES[scheme].fake_heads
    assert {len(search.steps) for search in searches} == ({1, 4} if hv.SCHEMES[scheme].fake_heads else {1})


def test_a_machine_tells_its_steps_for_every_kind_of_struct_page():
    machine = hv.Machine("1 GiB", check=False)
    first = machine.hugetlb("2 MiB").optimize("head page").pfns[0]
    other = machine.hugetlb("2 MiB").pfns[0]
    answers = {n: [step.answer for step in machine.head_steps(first + n).steps] for n in (0, 1, 64, 65)}
    assert answers == {0: [False, True, True, True], 1: [True], 64: [False, True, True, True], 65: [True]}
    base = machine.nr_frames - 64
    assert [step.answer for step in machine.head_steps(base).steps] == [False, True, False]
    assert [step.answer for step in machine.head_steps(base + 1).steps] == [False, False]
    assert machine.head_steps(other).verdict == "itself", "the head of a page that was not optimised"
    assert len(machine.head_steps(other).steps) == 4, "the questions are asked of all as soon as one is optimised"
    for pfn in (first, first + 64, first + 300, other, other + 64, base, base + 1):
        assert machine.page_to_pfn(machine.head_steps(pfn).head) == machine.compound_head(pfn)
    assert "fake head; the head is at 0xffffea0000008000" in str(machine.head_steps(first + 64))


def test_words_read_are_the_words_that_stand_there():
    machine = hv.Machine("1 GiB", check=False)
    first = machine.hugetlb("2 MiB").optimize("head page").pfns[0]
    for number in (0, 5, 64, 511, 512, 513):
        for step in machine.head_steps(first + number).steps:
            if step.read:
                at, index, value = step.read
                assert machine.struct_page_of(machine.page_to_pfn(at)).words[index] == value


def scene(scheme, number, step):
    return fake_heads.FILM.state(scheme, number, step)[0]


@pytest.mark.parametrize("scheme", fake_heads.SCHEMES_SHOWN)
def test_blue_cells_are_the_struct_pages_that_say_pg_head(scheme):
    machine = hv.Machine("4 GiB", check=False)
    first = machine.hugetlb("2 MiB").optimize(scheme).pfns[0]
    groups = scene(scheme, 300, 0).groups
    drawn = {}
    for row in range(9):
        cells = [name for name in groups if name.startswith("cell") and int(name[4:]) // 64 == row]
        shapes = [shape for name in (f"page{row}", *cells) for shape in groups[name]]
        for box, label in itertools.pairwise(shapes):
            if isinstance(box, Box):
                drawn[int(label.text)] = box.role
    assert len(drawn) == 45
    for number, role in drawn.items():
        read = machine.struct_page_of(first + number)
        assert role == ("head" if read.has_pg_head else "plain" if read.is_tail else "quiet"), number
    blue = [number for number, role in drawn.items() if role == "head"]
    assert blue == ([64 * page for page in range(8)] if scheme == "head page" else [0])


@pytest.mark.parametrize("scheme", fake_heads.SCHEMES_SHOWN)
def test_arrows_end_at_the_frame_that_the_entry_leads_to(scheme):
    pool = hv.Machine("4 GiB", check=False).hugetlb("2 MiB")
    born = pool.frames()
    pool.optimize(scheme)
    groups = scene(scheme, 0, 0).groups
    for row in range(8):
        (arrow,) = (shape for shape in groups[f"entry{row}"] if isinstance(shape, Arrow))
        target = born.index(pool.frames()[row])
        label = next(shape for shape in groups[f"frame{target}"] if isinstance(shape, Label) and shape.bold)
        assert arrow.y2 == label.y
        assert label.text == str(target)
        assert arrow.role == ("own" if pool.writable()[row] else "remapped")
        freed = any(isinstance(shape, Box) and shape.role == "freed" for shape in groups[f"frame{row}"])
        assert freed == (born[row] not in pool.frames())


def test_the_verdict_is_what_the_engine_says_in_every_state():
    film = fake_heads.FILM
    for values in film.states():
        drawn, facts = film.state(**values)
        search = fake_heads._search(values["scheme"], values["struct_page"])
        decided = values["step"] >= len(search.steps)
        texts = [shape.text for shape in drawn.groups["verdict"] if isinstance(shape, Label)]
        lit = [n for n in range(4) for s in drawn.groups[f"question{n}"] if isinstance(s, Box) and s.role == "mark"]
        assert lit == ([values["step"] - 1] if 1 <= values["step"] <= len(search.steps) else [])
        assert decided == ("not decided yet" not in texts)
        if not decided:
            assert facts["verdict"] == "not yet"
            continue
        head = search.head
        number = (head - VMEMMAP_BASE) // 64 - 0x200
        assert str(facts["the head"]) == f"struct page {number} at {head:#x}"
        assert number == (0 if values["struct_page"] < 512 else values["struct_page"])
        expected = {"tail": "tail", "fake head": "fake head"}.get(
            search.verdict, "real head" if values["struct_page"] == 0 else "base page"
        )
        assert facts["verdict"] == expected
        assert texts[0] == f"a {expected}"


def test_outcomes_add_up():
    for scheme, size in itertools.product(("off", "head page"), ("2 MiB", "1 GiB")):
        page = hv.HugePage(size)
        tails, real, fake = fake_heads.outcomes(scheme, size)
        assert tails + real + fake == page.nr_base_pages
        assert (real, fake) == (1, page.freed(scheme))


def test_two_pages_are_marked_while_the_one_behind_is_read():
    assert "next by address" in scene("head page", 64, 4).groups
    assert "next by address" not in scene("head page", 64, 3).groups
    assert "next by address" not in scene("head page", 300, 4).groups
    marked = [s for s in scene("head page", 64, 4).groups["next in its frame"] if isinstance(s, Label)]
    assert marked[0].text == "1"
