"""The kernel lab: its parts without QEMU, and, marked, a real kernel from fetching to verdict (`make test-lab`)."""

import os
import shutil
import struct
import subprocess
import sys

import pytest

import kernel_lab
from kernel_lab import experiment, fetch, guest, initramfs, memory
from kernel_lab.__main__ import text_of

pytestmark = pytest.mark.beside
REQUIRED = os.environ.get("HVLIB_REQUIRE_LAB") == "1"
TOOLS = {"qemu-system-x86_64": "qemu-system-x86", "busybox": "busybox-static", "gcc": "gcc", "apt-get": "Debian"}
MISSING = [package for tool, package in TOOLS.items() if not shutil.which(tool)]


def test_page_tables_are_walked_as_the_processor_does(tmp_path):
    ram = bytearray(1 << 20)
    for table, index, entry in (
        (0x1000, 1, 0x2003), (0x2000, 2, 0x3003), (0x3000, 3, 0x4003), (0x4000, 4, 0x8000000000005163),
        (0x4000, 5, 0x8000000000005161), (0x3000, 4, 0x80000000002001E3), (0x3000, 5, 0x4001), (0x2000, 3, 0x400000E3),
    ):  # fmt: skip
        struct.pack_into("<Q", ram, table + 8 * index, entry)
    (tmp_path / "ram").write_bytes(ram)
    seen = memory.Memory(tmp_path / "ram", len(ram))
    assert seen.nr_frames == 256

    def walk(pgd, pud, pmd, pte):
        return seen.walk(0x1000, pgd << 39 | pud << 30 | pmd << 21 | pte << 12, 4)

    assert walk(1, 2, 3, 4) == memory.Leaf(5, 0x8000000000005163, 4096, True)
    assert walk(1, 2, 3, 5) == memory.Leaf(5, 0x8000000000005161, 4096, False)
    assert walk(1, 2, 4, 7) == memory.Leaf(0x207, 0x80000000002001E3, 2 << 20, True)
    assert walk(1, 3, 1, 1) == memory.Leaf(0x40201, 0x400000E3, 1 << 30, True)
    assert walk(1, 2, 3, 6) is None
    assert walk(1, 2, 5, 4).writable is False, "read-only above means read-only below"


def test_a_summary_keeps_all_of_eight_rows_and_eleven_of_many():
    rows = [memory.Leaf(7 + min(n, 1), 0x163 if n < 2 else 0x161, 4096, n < 2) for n in range(4096)]
    few, many = experiment.summary(rows[:8]), experiment.summary(rows)
    assert [r[0] for r in few["rows"]] == list(range(8))
    assert [r[0] for r in many["rows"]] == [*range(9), 4094, 4095]
    assert (few["writable_pages"], many["distinct_frames"], many["vmemmap_pages"]) == ("0-1", 2, 4096)


def test_records_are_compact_and_read_back():
    import json

    record = {"a": [[1, 2, True], [3, 4, False]], "b": {"c": "x, [y]", "d": []}}
    assert json.loads(text_of(record)) == record
    assert "[ 1, 2, true ]" in text_of(record)


def test_series_of_packages():
    assert fetch._series("linux-image-6.1.0-56-cloud-amd64") == "6.1"
    assert fetch._series("linux-image-7.3.4+deb13-cloud-amd64") == "7.3"
    assert fetch._series("linux-image-cloud-amd64") == ""
    assert max(["linux-image-7.0.9+x-cloud-amd64", "linux-image-7.0.13+x-cloud-amd64"], key=fetch._numbers).count("13")


def without_tools(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)


def test_what_is_missing_is_named_in_a_sentence(monkeypatch, tmp_path):
    without_tools(monkeypatch)
    with pytest.raises(kernel_lab.LabError, match="Debian"):
        fetch.fetch("bookworm-security", tmp_path)
    with pytest.raises(kernel_lab.LabError, match="apt install qemu-system-x86"):
        guest.Guest(tmp_path / "vmlinuz", tmp_path / "initrd", tmp_path, 64)
    with pytest.raises(kernel_lab.LabError, match="apt install"):
        initramfs.build(tmp_path)


@pytest.mark.parametrize(("what", "said"), [(TimeoutError, "did not answer within 9 s"), (EOFError, "ended")])
def test_a_guest_that_hangs_or_dies_says_where_it_stopped(tmp_path, what, said):
    class Line:
        def read(self, seconds):
            raise what

    (tmp_path / "console.log").write_text("booting\nKernel panic - not syncing: no init\n")
    hanging = guest.Guest.__new__(guest.Guest)
    hanging.folder = tmp_path
    with pytest.raises(kernel_lab.LabError, match=f"{said}, at: hugeuser settle; .*Kernel panic"):
        hanging._answer("hugeuser settle", Line(), 9)


def test_the_archive_in_the_guest_is_a_newc_cpio():
    member = initramfs._member(3, "bin/x", 0o100755, b"abc", (0, 0))
    assert member.startswith(b"070701")
    assert len(member) % 4 == 0
    assert int(member[14:22], 16) == 0o100755
    assert int(member[54:62], 16) == 3
    assert member[110:116] == b"bin/x\0"


def test_the_lab_needs_nothing_but_the_standard_library():
    code = "import sys, kernel_lab.__main__; print(sorted({'numpy', 'hvlib', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.lab
@pytest.mark.skipif(bool(MISSING) and not REQUIRED, reason=f"not installed here: {', '.join(MISSING)}")
def test_a_real_kernel_from_fetching_to_verdict(tmp_path):
    """The counters of a busy kernel are noisy, so it is asked up to three times; what is wrong stays wrong."""
    ask = ["bookworm-security", "--series", "6.1", "--quick", "--into", str(tmp_path)]
    command = [sys.executable, "-m", "kernel_lab", *ask]
    for _ in range(3):
        done = subprocess.run(command, capture_output=True, text=True, timeout=420)
        assert done.returncode == 0, done.stdout + done.stderr
        (file,) = tmp_path.glob("linux-6.1*.json")
        verdict = subprocess.run([sys.executable, "-m", "hvlib", str(file)], capture_output=True, text=True)
        print(done.stdout.splitlines()[-1], verdict.stdout)
        if verdict.returncode == 0:
            break
    assert verdict.returncode == 0, verdict.stdout
