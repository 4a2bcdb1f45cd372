import json
from pathlib import Path

import numpy as np
import pytest

import hvlib as hv

RECORD = json.loads((Path(hv.__file__).parent / "kernels" / "data" / "linux-5.15.85.json").read_text())


def memory_of(machine, first_pfn, count):
    """Struct pages as plain bytes, read page by page through the page table."""
    data = b"".join(bytes(machine.struct_page_of(pfn)) for pfn in range(first_pfn, first_pfn + count))
    return hv.RawMemory(data, machine.pfn_to_page(first_pfn))


@pytest.mark.parametrize("scheme", list(hv.SCHEMES))
def test_compound_head_on_plain_bytes_for_all_512(scheme):
    machine = hv.Machine("1 GiB")
    pool = machine.hugetlb("2 MiB")
    pool.optimize(scheme)
    head = pool.pfns[0]
    memory = memory_of(machine, head, 512)
    rules = {"encoding": hv.SCHEMES[scheme].encoding, "fake_heads": hv.SCHEMES[scheme].fake_heads}
    found = {hv.compound_head(machine.pfn_to_page(pfn), memory, **rules) for pfn in range(head, head + 512)}
    assert found == {machine.pfn_to_page(head)}


def test_without_the_fake_head_test_seven_struct_pages_are_taken_for_heads():
    machine = hv.Machine("1 GiB")
    pool = machine.hugetlb("2 MiB").optimize("head page")
    head = pool.pfns[0]
    memory = memory_of(machine, head, 512)
    wrong = [
        n for n in range(512) if hv.compound_head(machine.pfn_to_page(head + n), memory) != machine.pfn_to_page(head)
    ]
    assert wrong == [64, 128, 192, 256, 320, 384, 448]


@pytest.mark.parametrize(("size", "mask"), [("2 MiB", 0xFFFFFFFFFFFF8001), ("1 GiB", 0xFFFFFFFFFF000001)])
def test_the_mask_of_7_1(size, mask):
    """Order 9: ones down to bit 15; order 18: down to bit 24 (8c846c879e22, and seen in the tails of a booted 7.1)."""
    machine = hv.Machine("4 GiB", check=False)
    pool = machine.hugetlb(size).optimize("shared tail")
    last = pool.pfns[0] + pool.nr_base_pages - 1
    assert machine.struct_page_of(last).words[1] == mask
    assert machine.compound_head(last) == pool.pfns[0]


@pytest.mark.parametrize("size", ["2 MiB", "1 GiB"])
def test_struct_pages_of_a_real_5_15_name_their_head(size):
    recorded = RECORD["on"][size]
    start = 0xFFFFEA0000000000 + 64 * recorded["pfn"]
    for number, words in recorded["live"]["words"].items():
        address = start + 64 * int(number)
        data = np.array([int(word, 16) for word in words], "<u8").tobytes()
        assert hv.compound_head(address, hv.RawMemory(data, address)) == start, number


@pytest.mark.parametrize("size", ["2 MiB", "1 GiB"])
def test_the_model_writes_the_words_a_real_5_15_wrote(size):
    """Flags below the zone bits, word 1, `mapping`, the counters; in the first tail also order and destructor."""
    recorded = RECORD["on"][size]
    machine = hv.Machine("8 GiB", check=False)
    before = recorded["pfn"] // hv.HugePage(size).nr_base_pages - 1
    if before:
        machine.hugetlb(size, before)
    pool = machine.hugetlb(size)
    assert pool.pfns[0] == recorded["pfn"]
    pool.optimize("tail page")
    for number, words in recorded["live"]["words"].items():
        seen, model = [int(word, 16) for word in words], machine.struct_page_of(pool.pfns[0] + int(number)).words
        assert model[0] == seen[0] & 0x00FFFFFFFFFFFFFF, number
        if number != "0":
            assert (model[1], model[3], model[6]) == (seen[1], seen[3], seen[6]), number
    assert (
        machine.struct_page_of(pool.pfns[0] + 1).words[2] & 0xFFFF
        == int(recorded["live"]["words"]["1"][2], 16) & 0xFFFF
    )


def test_a_struct_page_tells_what_it_is():
    machine = hv.Machine("1 GiB")
    head = machine.hugetlb("2 MiB").pfns[0]
    assert (machine.struct_page_of(head).has_pg_head, machine.struct_page_of(head).is_tail) == (True, False)
    assert (machine.struct_page_of(head + 1).has_pg_head, machine.struct_page_of(head + 1).is_tail) == (False, True)
    assert len(bytes(machine.struct_page_of(head))) == 64
    assert "compound_head" in str(machine.struct_page_of(head))


def test_bytes_that_do_not_reach_get_a_sentence():
    with pytest.raises(hv.BadInput, match="outside the 64 bytes"):
        hv.compound_head(0x1040, hv.RawMemory(bytes(64), 0x1000))


FAKE = [r for r in hv.observe.records() if hv.trial.scheme_of_series(hv.observe.recorded(r).series).fake_heads]


@pytest.mark.parametrize("release", FAKE)
def test_fake_heads_of_real_kernels_are_told_by_their_own_flag(release):
    """Struct page 64 of an optimised page shows the bytes of the head."""
    record = hv.observe.recorded(release)
    words, pfn = record.entries("2 MiB").words, record.pfn("2 MiB")
    pg_head = 1 << 16 if record.series < (6, 12) else 1 << 6
    assert words[0][0] & pg_head
    address = hv.pfn_to_page(pfn)
    data = b"".join(np.array(words[number], "<u8").tobytes() for number in (64, 65))
    memory = hv.RawMemory(data, address + 64 * 64)
    assert hv.compound_head(address + 64 * 64, memory, fake_heads=True, pg_head=pg_head) == address
    assert hv.compound_head(address + 64 * 64, memory, fake_heads=True, pg_head=1 << 3) == address + 64 * 64


@pytest.mark.parametrize("bad", [0, 3, "16", None, True, 1 << 64, -1])
def test_a_flag_is_one_bit(bad):
    with pytest.raises(hv.BadInput, match="is no flag"):
        hv.compound_head(0x1000, hv.RawMemory(bytes(64), 0x1000), fake_heads=True, pg_head=bad)


RAW = """[   12.345678] page: refcount:0 mapcount:0 mapping:0000000000000000 index:0x0 pfn:0x12401
[   12.345679] raw: 0017ffffc0000000 ffffea0000490001 dead000000000122 dead000000000400
[   12.345680] raw: 0000000000000000 0000000000000000 00000000ffffffff 0000000000000000"""


@pytest.mark.parametrize(
    "text",
    [
        RAW,
        "0017ffffc0000000 ffffea0000490001 dead000000000122 dead000000000400 0 0 ffffffff 0",
        "0x17ffffc0000000, 0xffffea0000490001, 0xdead000000000122, 0xdead000000000400, 0x0, 0x0, 0xffffffff, 0x0",
        "ffffea0000490040:  0017ffffc0000000 ffffea0000490001\nffffea0000490050:  dead000000000122 dead000000000400\n"
        "ffffea0000490060:  0000000000000000 0000000000000000\nffffea0000490070:  00000000ffffffff 0000000000000000",
    ],
)
def test_words_are_read_as_logs_print_them(text):
    page = hv.StructPage("page:ffffea0000490040", text)
    assert page.address == 0xFFFFEA0000490040
    assert page.words == (
        0x17FFFFC0000000,
        0xFFFFEA0000490001,
        0xDEAD000000000122,
        0xDEAD000000000400,
        0,
        0,
        0xFFFFFFFF,
        0,
    )
    assert page.is_tail
    memory = hv.RawMemory(text, "ffffea0000490040")
    assert memory == hv.RawMemory(bytes(page), 0xFFFFEA0000490040)
    assert hv.compound_head("0xffffea0000490040", memory) == 0xFFFFEA0000490000


@pytest.mark.parametrize("text", ["", "raw:", "six words", "0x", "0017ffffc00000000 0", "-1", "12g4"])
def test_what_is_no_word_is_named(text):
    with pytest.raises(hv.BadInput, match="for example"):
        hv.RawMemory(text, 0)


def test_words_one_by_one_may_be_those_of_a_log_and_no_decimal_digits():
    words = ("0017ffffc0000000", "0xffffea0000490001", *(0,) * 6)
    assert hv.StructPage(0, words).words[:2] == (0x17FFFFC0000000, 0xFFFFEA0000490001)
    with pytest.raises(hv.BadInput):
        hv.StructPage(0, ("64", *(0,) * 7))


@pytest.mark.parametrize("word", [-1, 1 << 64])
def test_a_word_has_64_bits(word):
    with pytest.raises(hv.BadInput, match="from 0 to 2"):
        hv.StructPage(0, (word, *(0,) * 7))
    assert hv.StructPage(0, ((1 << 64) - 1, *(0,) * 7)).words[0] == (1 << 64) - 1


def test_an_address_outside_the_vmemmap_is_told_where_it_begins_and_ends():
    machine = hv.Machine("64 MiB", check=False)
    last = 0xFFFFEA0000000000 + (64 << 20) // 4096 * 64 - 1
    assert len(machine.vmemmap.struct_page_at(last - 63)) == 8
    for address in (last + 1, 0xFFFFEA0000000000 - 64):
        with pytest.raises(hv.BadInput, match=f"{0xFFFFEA0000000000:#x} to {last:#x};"):
            machine.vmemmap.struct_page_at(address)


@pytest.mark.parametrize("struct_page", [56, 64, 80, 128])
@pytest.mark.parametrize("scheme", [name for name in hv.SCHEMES if name != "off"])
def test_a_struct_page_read_at_once_has_the_words_read_one_by_one(struct_page, scheme):
    """Of heads, tails and others, shared tails and copies too, before and after a store, as at boot and restored."""

    def same():
        for pfn in (0, head - 1, head, head + 1, head + 63, head + 64, head + 300, head + 511, head + 512):
            address = np.array([machine.pfn_to_page(pfn)], np.uint64)
            words = [int(machine.vmemmap.word(address, index)[0]) for index in range(struct_page // 8)]
            assert list(machine.struct_page_of(pfn).words) == words, pfn

    machine = hv.Machine("1 GiB", struct_page=struct_page)
    pool = machine.hugetlb("2 MiB", 3)
    head = pool.pfns[1]
    same()
    if struct_page.bit_count() == 1:
        pool.optimize(scheme)
        same()
    machine.write(head, 5, 0xABC)
    assert 0xABC in machine.struct_page_of(head).words
    same()
    if struct_page.bit_count() == 1:
        pool.restore()
        same()
