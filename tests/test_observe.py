import re
import struct
import sys
from pathlib import Path

import pytest

import hvlib as hv
from hvlib.kernels import observe
from hvlib.kernels.btf import struct_layout


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


def test_where_a_bit_field_stands_is_told_without_its_width():
    """With the top bit of ``info`` set, the upper 8 bits of a member's offset are the width (Documentation/bpf/btf)."""
    plain = btf([(1, 16, [(6, 1, 0), (12, 1, 64)])])
    fields = btf([(1, 16, [(6, 1, 0), (12, 1, 3 << 24 | 64)])])
    info = struct.pack("<I", 4 << 24 | 2)
    fields = fields.replace(info, struct.pack("<I", 1 << 31 | 4 << 24 | 2))
    assert struct_layout(fields, "page") == struct_layout(plain, "page")


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 24, b"\x9f\xeb", btf([])[:40], btf([]), btf([(1, 16, [(20, 1, 0)])])[:-1],
     btf([(1, 8, [])], b"\0\xff\0")],
)  # fmt: skip
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
    seen = observe.recorded("5.15.85").entries("1 GiB")
    pool = hv.Machine("4 GiB", check=False).hugetlb("1 GiB").optimize("tail page")
    assert (seen.nr_pages, seen.distinct_frames) == (len(pool.frames()), pool.distinct_frames())
    assert seen.writable_pages == "0-1"
    for row in seen.rows:
        assert row.frame - seen.frames[0] == pool.frames()[row.page] - pool.frames()[0]
        assert row.writable == pool.writable()[row.page]


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
    for file in (Path(hv.__file__).parent / "kernels" / "data").glob("*.json"):
        text = file.read_text()
        assert not re.search(r'"/(home|root|tmp|work)|://', text), file.name
        assert len(text) < 60_000, f"{file.name} is not compact"


@pytest.mark.parametrize(
    ("line", "size", "pages"),
    [
        ("HugeTLB: can free 6 vmemmap pages for hugepages-2048kB", "2 MiB", 6),
        ("[    0.2] HugeTLB: can optimize 4095 vmemmap pages for hugepages-1048576kB", "1 GiB", 4095),
        ("HugeTLB: 28 KiB vmemmap can be freed for a 2.00 MiB page", "2 MiB", 7),
        ("HugeTLB: 16380 KiB vmemmap can be freed for a 1.00 GiB page", "1 GiB", 4095),
        ("HugeTLB: 0 KiB vmemmap can be freed for a 32.0 MiB page", "32 MiB", 0),
        ("HugeTLB: 0 KiB vmemmap can be freed for a 512 MiB page", "512 MiB", 0),
        ("HugeTLB: 0 KiB vmemmap can be freed for a 64.0 KiB page", "64 KiB", 0),
        ("HugeTLB: 508 KiB vmemmap can be freed for a 32.0 MiB page", "32 MiB", 127),
    ],
)
def test_a_pasted_boot_log_is_read_in_the_words_of_every_release(line, size, pages):
    assert observe.boot_log(f"something else\n{line}\n") == {hv.parse_size(size): pages}
    assert observe.boot_log("nothing of the kind") == {}


def test_a_boot_log_is_counted_in_base_pages_of_the_kernel_that_wrote_it():
    line = "HugeTLB: 112 KiB vmemmap can be freed for a 32.0 MiB page"
    assert observe.boot_log(line, "16 KiB") == {32 * hv.MiB: hv.HugePage("32 MiB", "16 KiB").freed("head page")}
    old = "HugeTLB: can optimize 7 vmemmap pages for hugepages-32768kB"
    assert observe.boot_log(old, "16 KiB") == {32 * hv.MiB: 7}
    with pytest.raises(hv.BadInput, match="base page"):
        observe.boot_log(line, "5 KiB")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"origin": 1}', '{"origin": "x", "release": "6.1"}', "null"])
def test_a_file_that_is_no_record_gets_a_sentence(tmp_path, text):
    file = tmp_path / "broken.json"
    file.write_text(text)
    with pytest.raises(hv.BadInput, match="record"):
        observe.read_record(file)
    with pytest.raises(hv.BadInput, match="cannot be read"):
        observe.read_record(tmp_path / "missing.json")


@pytest.mark.skipif(sys.platform != "linux", reason="asks a Linux kernel")
def test_this_machine_on_one_screen(monkeypatch):
    from hvlib.kernels.report import this_machine

    recorded = this_machine()
    assert "384 MiB" in recorded
    assert "28 KiB for each page of 2 MiB" in recorded
    assert "were pages of 2 MiB: at least 336 MiB" in recorded
    monkeypatch.delenv("HVLIB_OBSERVE")
    live = this_machine()
    assert live.startswith("this machine")
    assert max(map(len, (recorded + live).splitlines())) <= 120


def test_records_are_in_the_order_of_releases_and_not_of_letters(monkeypatch, tmp_path):
    (tmp_path / "data").mkdir()
    for release in ("6.10.1", "6.2.1", "5.15.85"):
        (tmp_path / "data" / f"linux-{release}.json").write_text("{}")
    monkeypatch.setattr(observe.resources, "files", lambda _: tmp_path)
    assert observe.records() == ("5.15.85", "6.2.1", "6.10.1")


def test_a_machine_with_base_pages_of_64_kib_is_counted_in_its_own(monkeypatch):
    """24 GiB of them: 393,216 struct pages in 384 pages of 64 KiB. A 2 MiB page there has half a page, freed none."""
    monkeypatch.delenv("HVLIB_OBSERVE", raising=False)
    monkeypatch.setattr(observe.os, "sysconf", lambda name: 64 * hv.KiB)
    answers = {"MemTotal": 24 * hv.MiB, "nr_memmap_boot_pages": 384, "nr_memmap_pages": 0}
    monkeypatch.setattr(observe, "_number", lambda file, name: answers[name])
    assert "384 pages of 64 KiB (24 MiB)" in repr(observe.here())
