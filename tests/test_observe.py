import json
import struct
import sys

import pytest

import hvlib as hv
from hvlib import observe
from hvlib.btf import struct_layout


def btf(types, strings=b"\0page\0flags\0private\0lru\0"):
    """A BTF blob of struct types: (name offset, size, [(name offset, type, bit offset)]); size None is a union."""
    body = struct.pack("<IIII", 0, 1 << 24, 8, 64)  # type 1: an INT
    for name, size, members in types:
        kind = 5 if size is None else 4
        body += struct.pack("<III", name, kind << 24 | len(members), size or 8)
        body += b"".join(struct.pack("<III", *member) for member in members)
    return struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(body), len(body), len(strings)) + body + strings


def test_btf_members_are_flattened_with_their_offsets():
    union = (0, None, [(20, 1, 0), (12, 1, 0)])
    page = (1, 16, [(6, 1, 0), (0, 2, 64)])
    layout = struct_layout(btf([union, page]), "page")
    assert (layout.size, layout.members) == (16, ((0, "flags"), (8, "lru"), (8, "private")))


@pytest.mark.parametrize("data", [b"", b"\0" * 24, b"\x9f\xeb", btf([])[:40], btf([])])
def test_a_broken_btf_gets_a_sentence(data):
    with pytest.raises(hv.BadInput) as why:
        struct_layout(data, "page")
    assert "BTF" in str(why.value)


@pytest.mark.skipif(sys.platform != "linux" or not observe.BTF.exists(), reason="this kernel publishes no BTF")
def test_this_machines_own_kernel(monkeypatch):
    monkeypatch.delenv("HVLIB_OBSERVE")
    kernel = observe.here()
    assert kernel.origin.startswith("this machine")
    assert "struct_page" not in kernel.missing
    assert kernel.struct_page in (56, 64, 72, 80, 88, 96)
    offsets = {name: offset for offset, name in kernel.fields}
    assert offsets["flags"] == 0
    assert offsets.get("compound_head", offsets.get("compound_info")) == 8


def test_what_a_machine_does_not_tell_comes_from_the_record_with_the_reason(monkeypatch, tmp_path):
    monkeypatch.delenv("HVLIB_OBSERVE")
    monkeypatch.setattr(observe, "BTF", tmp_path / "vmlinux")
    monkeypatch.setattr(observe, "_number", lambda file, name: (_ for _ in ()).throw(PermissionError(13, "no", file)))
    kernel = observe.here()
    assert set(kernel.missing) == {"mem_total", "struct_page", "memmap_pages"}
    assert (kernel.struct_page, kernel.memmap_pages) == (64, 98304)
    assert "recorded, because" in repr(kernel)
    assert "/proc/meminfo may not be read here" in repr(kernel)
    assert "does not exist here" in repr(kernel)


def test_the_record_agrees_with_the_arithmetic():
    """98,304 pages of struct pages describe the 24 GiB the machine has, one 64-byte struct page for each frame."""
    kernel = observe.here()
    assert kernel.origin.startswith("recorded")
    assert kernel.memmap_pages * 4096 // kernel.struct_page * 4096 == 24 * hv.GiB
    assert kernel.memmap_pages * 4096 == 24 * hv.GiB * hv.HugePage("2 MiB").share


def test_model_and_record_of_5_15_map_alike():
    machine = hv.Machine("1 GiB")
    pool = machine.hugetlb("2 MiB").optimize("tail page")
    seen = observe.mapping("5.15.85")
    assert [f - seen.frames[0] for f in seen.frames] == [f - pool.frames()[0] for f in pool.frames()]
    assert seen.writable == pool.writable()


def test_the_record_of_a_1_gib_page_maps_like_the_model():
    record = observe.recorded("5.15.85")["1 GiB"]
    pool = hv.Machine("4 GiB", check=False).hugetlb("1 GiB").optimize("tail page")
    assert (record["vmemmap_pages"], record["distinct_frames"]) == (len(pool.frames()), pool.distinct_frames())
    assert record["writable_pages"] == sum(pool.writable())
    first = record["live"][0][1]
    for page, frame, writable, _ in record["live"]:
        assert (frame - first, writable) == (pool.frames()[page] - pool.frames()[0], pool.writable()[page])


def test_the_recorded_counters_agree_with_the_model_within_a_page():
    savings = observe.savings("5.15.85")
    assert len(savings) == 6
    for saving in savings:
        model = saving.huge_pages * hv.HugePage(saving.case.split(",")[0]).freed("tail page")
        assert abs(saving.total - model) <= 1, saving


@pytest.mark.parametrize("ask", [observe.recorded, observe.mapping, observe.savings])
def test_an_unknown_record_gets_a_sentence(ask):
    with pytest.raises(hv.BadInput, match="choose one of"):
        ask("4.19")


def test_records_name_no_path_of_a_machine():
    for release in observe.RECORDS:
        text = json.dumps(observe.recorded(release))
        assert "/home" not in text
        assert "/root" not in text
