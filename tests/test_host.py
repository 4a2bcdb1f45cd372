"""``hvlib host``: public cases with their right values, and one host in every form of text with one answer."""

import bz2
import gzip
import io
import json
import lzma
import random
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

import hvlib as hv
from hvlib.facts import hosts as facts
from hvlib.host_command import host as command
from hvlib.kernels import observe
from hvlib.kernels.host import ask, intake, words_at

try:
    from compression import zstd
except ImportError:
    from backports import zstd

CASES = Path(__file__).parent / "cases" / "hosts"
KEYS = {"release", "architecture", "base_page", "struct_page", "memory", "pools", "optimisation", "saved", "to_save",
        "saved_is", "tables_at_most", "agrees", "not_understood"}  # fmt: skip


def asked(*names):
    return ask.files([str(CASES / name) for name in names], bytes).json()


def told(text):
    return hv.observe.host(text).json()


def pools(answer):
    return {pool["size"]: pool["count"] for pool in answer["pools"]}


# --- the public cases ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kib"),
    [
        ("f01-bootlog-sizes.arm64-64k.txt", {"16 GiB": 16320, "512 MiB": 448, "2 MiB": 0}),
        ("f01-bootlog-sizes.arm64-4k.txt", {"1 GiB": 16380, "32 MiB": 508, "2 MiB": 28, "64 KiB": 0}),
        ("f01-bootlog-sizes.ppc64.txt", {"16 MiB": 0, "16 GiB": 0}),
        ("f01-bootlog-sizes.loong.txt", {"32 MiB": 112}),
        ("f02-bootlog-wrapped.wrapped.txt", {"1 GiB": 16380, "2 MiB": 28}),
        ("f02-bootlog-wrapped.qp.txt", {"1 GiB": 16380}),
        ("f03-bootlog-64k-unit.txt", {"16 GiB": 16320, "512 MiB": 448, "2 MiB": 0}),
    ],
)
def test_f01_to_f03_a_boot_log_is_read_whatever_its_sizes_units_and_wrapping(name, kib):
    text = (CASES / name).read_text()
    assert observe.boot_log(text) == {hv.parse_size(size): value // 4 for size, value in kib.items()}
    host = hv.observe.host(text).hosts[0]
    assert host.frees == {hv.parse_size(size): value * 1024 for size, value in kib.items()}


@pytest.mark.parametrize(
    ("name", "architecture", "base_page"),
    [
        ("f01-bootlog-sizes.arm64-64k.txt", "aarch64", 65536),
        ("f01-bootlog-sizes.arm64-4k.txt", "aarch64", 4096),
        ("f01-bootlog-sizes.ppc64.txt", "ppc64le", 65536),
        ("f01-bootlog-sizes.loong.txt", "loongarch64", 16384),
        ("f03-bootlog-64k-unit.txt", "aarch64", 65536),
    ],
)
def test_huge_page_sizes_betray_the_base_page(name, architecture, base_page):
    answer = asked(name)
    assert (answer["architecture"], answer["base_page"]) == (architecture, base_page)


def test_a_log_that_is_not_understood_says_so_and_is_no_empty_answer():
    with pytest.raises(hv.BadInput, match="1 speak of the vmemmap"):
        observe.boot_log("HugeTLB: twenty-eight KiB vmemmap for somebody")


def test_f04_where_the_optimisation_works_the_ram_does_not_shrink():
    answer = asked("f04-hvo-is-on.hugepages", "f04-hvo-is-on.meminfo", "f04-hvo-is-on.vmstat")
    assert set(answer) == KEYS
    assert answer["memory"]["bytes"] == 512 * hv.GiB
    assert (answer["saved"], answer["saved_is"], answer["to_save"]) == (480 * 4095 * 4096, "counted", 0)
    assert (answer["optimisation"], answer["agrees"]) == ("on", True)
    host = ask.files(
        [str(CASES / f"f04-hvo-is-on.{part}") for part in ("hugepages", "meminfo", "vmstat")], bytes
    ).hosts[0]
    assert (host.before, host.counted) == (8 * hv.GiB, 131552 * 4096)


def test_f05_without_the_counters_memtotal_is_the_ram_at_least():
    answer = asked("f05-before-6-12.hugepages", "f05-before-6-12.meminfo", "f05-before-6-12.vmstat")
    assert answer["memory"] == {"bytes": 527636480 * 1024, "known": "at least"}
    assert pools(answer) == {"1 GiB": 64, "2 MiB": 0}
    assert (answer["optimisation"], answer["agrees"]) == ("unknown", None)


def test_f06_base_pages_of_64_kib_are_not_taken_for_4_kib():
    answer = asked("f06-64k-base-page.hugepages", "f06-64k-base-page.meminfo", "f06-64k-base-page.vmstat")
    assert answer["base_page"] == 65536
    assert (answer["optimisation"], answer["saved"], answer["to_save"]) == ("not on this architecture", 0, 0)
    redhat = told("Linux h 5.14.0-503.el9.aarch64+64k #1 SMP aarch64 GNU/Linux\nhugepages-524288kB/nr_hugepages 10\n")
    assert (redhat["base_page"], redhat["optimisation"]) == (65536, "not on this architecture")
    assert redhat["to_save"] == 0


@pytest.mark.parametrize(
    ("release", "machine", "size", "count", "optimisation", "to_save"),
    [
        ("4.14.35-1902.301.1.el7uek.x86_64", "x86_64", 2048, 23764, "not in this kernel", 0),
        ("4.1.12-124.48.2.el6uek.x86_64", "x86_64", 2048, 159427, "not in this kernel", 0),
        ("6.8.0-1015-aws", "aarch64", 1048576, 200, "not on this architecture", 0),
        ("5.11.0", "s390x", 1024, 500, "not in this kernel", 0),
        ("5.11.0", "ppc64le", 16384, 10, "not in this kernel", 0),
        ("5.15.0-91-generic", "x86_64", 2048, 1000, "off", 1000 * 24 * 1024),
        ("5.15.0-91-generic", "x86_64", 1048576, 10, "off", 10 * 16376 * 1024),
        ("6.1.0-18-amd64", "x86_64", 2048, 1000, "off", 1000 * 28 * 1024),
        ("5.15.0-101.103.2.1.el9uek.x86_64", "x86_64", 2048, 1000, "on", 0),
        ("5.10.134-13.an8.x86_64", "x86_64", 2048, 1000, "on", 0),
        ("6.1.100", "aarch64", 2048, 5, "not on this architecture", 0),
        ("6.3.0", "aarch64", 2048, 5, "not on this architecture", 0),
        ("6.18.3", "s390x", 1024, 5, "not on this architecture", 0),
        ("5.10.0-28-686-pae", "i686", 2048, 5, "not on this architecture", 0),
    ],
)
def test_f07_savings_are_promised_only_where_there_are_any(release, machine, size, count, optimisation, to_save):
    text = f"Linux db1 {release} #1 SMP Mon Jan 1 {machine} GNU/Linux\nhugepages-{size}kB/nr_hugepages {count}\n"
    answer = told(text)
    assert (answer["optimisation"], answer["to_save"]) == (optimisation, to_save)
    assert answer["saved_is"] == "assumed"
    file = asked("f07-kernel-cannot.hugepages", "f07-kernel-cannot.meminfo", "f07-kernel-cannot.vmstat")
    assert (file["optimisation"], file["saved"], file["to_save"]) == ("not in this kernel", 0, 0)


def test_f08_the_text_of_another_host_is_answered():
    answer = asked("f08-text-of-another-host.txt")
    assert answer == {
        "release": "6.8.0-45-generic", "architecture": "x86_64", "base_page": 4096, "struct_page": 64,
        "memory": {"bytes": (25952256 - 787476) * 1024, "known": "exact"},
        "pools": [{"size": "1 GiB", "count": 2}, {"size": "2 MiB", "count": 1024}], "optimisation": "on",
        "saved": 15358 * 4096, "to_save": 0, "saved_is": "assumed",
        # 24 GiB of vmemmap have 192 leaves; RAM that begins within one has one more.
        "tables_at_most": (192 + 4) * 4096, "agrees": None, "not_understood": [],
    }  # fmt: skip


@pytest.mark.parametrize("name", hv.ARCHITECTURES)
def test_what_the_book_says_of_an_architecture_is_what_hosts_are_read_by(name):
    """Its base page, its sizes, and whether Linux still has the optimisation there; two witnesses have a table each."""
    one, (kind, *_) = hv.ARCHITECTURES[name], name.split(",")
    uname = {**facts.ARCHITECTURE_NAMES, "LoongArch": "loongarch64"}[kind]
    sizes = tuple(size for size, _ in one.huge_pages)
    assert (uname, one.base_page, sizes) in facts.SIZES, "add it to SIZES in hvlib/facts/hosts.py"
    assert one.base_page in facts.BASE_PAGES[uname], "add it to PLATFORMS in hvlib/facts/platforms.py"
    now = facts.SUPPORT.get(uname) and facts.SUPPORT[uname].has_hvo((999, 0))
    assert bool(now) == (not one.off), "PLATFORMS in hvlib/facts/platforms.py says otherwise"


def test_sections_are_those_of_release_and_architecture():
    """By hand: 256 MiB on s390x before 7.0, then 128 MiB."""
    old, new = (facts.section("s390x", 4096, series) for series in ((6, 19), (7, 0)))
    assert (old, new) == (1 << 28, 1 << 27)
    assert {base: facts.section("aarch64", base, (6, 6)) for base in (4096, 65536)} == {4096: 1 << 27, 65536: 1 << 29}


def test_the_last_series_of_an_architecture_still_has_it():
    last = {"aarch64": ((6, 2), (6, 3)), "s390x": ((6, 17), (6, 18))}
    for uname, (there, gone) in last.items():
        assert facts.SUPPORT[uname].has_hvo(there)
        assert not facts.SUPPORT[uname].has_hvo(gone)


# --- the worked reading ----------------------------------------------------------------------------------------------

WORKED = """Linux version 6.12.117+deb13-amd64 (x86_64-linux-gnu-gcc-14) #1 SMP Debian 6.12.117-1
Memory: 65000000K/67075384K available (20480K kernel code, 1312264K reserved, 0K cma-reserved)
vm.hugetlb_optimize_vmemmap = {switch}
hugepages-1048576kB/nr_hugepages 40
hugepages-2048kB/nr_hugepages 0
nr_memmap_pages {later}
nr_memmap_boot_pages {boot}
MemTotal:       65481216 kB
"""
ALL = 40 * 4095 * 4096


@pytest.mark.parametrize(
    ("switch", "later", "boot", "saved", "to_save", "agrees"),
    [(1, 40, 98304, ALL, 0, True), (0, 40, 98304, ALL, 0, False), (1, 0, 262144, 0, ALL, False),
     (0, 0, 262144, 0, ALL, True), (1, 13, 262144 - 13 * 4096, 13 * 4095 * 4096, 27 * 4095 * 4096, False)],
)  # fmt: skip
def test_the_counters_win_over_the_switch(switch, later, boot, saved, to_save, agrees):
    answer = told(WORKED.format(switch=switch, later=later, boot=boot))
    assert answer["optimisation"] == ("on" if switch else "off")
    assert (answer["saved"], answer["to_save"], answer["saved_is"]) == (saved, to_save, "counted")
    assert answer["agrees"] is agrees
    assert answer["memory"] == {"bytes": 67075384 * 1024, "known": "exact"}


def test_without_counters_what_is_saved_is_said_to_be_at_most():
    text = "\n".join(line for line in WORKED.format(switch=1, later=0, boot=0).splitlines() if "memmap_" not in line)
    answer = told(text)
    assert (answer["saved"], answer["saved_is"], answer["agrees"]) == (ALL, "assumed", None)
    assert "at most 640 MiB" in str(hv.observe.host(text))


def test_counters_that_cannot_be_of_this_ram_do_not_agree():
    assert told(WORKED.format(switch=1, later=0, boot=90000))["agrees"] is False
    assert told(WORKED.format(switch=0, later=0, boot=400000))["agrees"] is False
    assert told("Command line: page_owner=on\n" + WORKED.format(switch=0, later=0, boot=400000))["agrees"] is None


# --- one host, every form --------------------------------------------------------------------------------------------

MACHINES = {
    ("x86_64", 4096): (2048, 1048576), ("aarch64", 4096): (64, 2048, 32768, 1048576), ("aarch64", 16384): (2048, 32768, 1048576),
    ("aarch64", 65536): (2048, 524288, 16777216), ("riscv64", 4096): (2048, 1048576), ("loongarch64", 16384): (32768,),
    ("s390x", 4096): (1024, 2097152), ("ppc64le", 65536): (2048, 1048576),
}  # fmt: skip
HAS_IT = {"x86_64", "riscv64", "loongarch64"}


@st.composite
def hosts(draw):
    """A host of 6.6 or 6.12 as mainline would build it, and what the right answer about it is."""
    architecture, base = draw(st.sampled_from(sorted(MACHINES)))
    series = draw(st.sampled_from([(6, 6), (6, 12)]))
    able = architecture in HAS_IT
    sizes = MACHINES[architecture, base]
    ram = draw(st.integers(64, 2048)) * hv.GiB - draw(st.integers(1, 30000)) * base
    counts, room = {}, ram // 2
    for size in sizes:
        most = min(room // (size * 1024), 100_000) // 2
        counts[size] = draw(st.integers(0, most))
        room -= counts[size] * size * 1024
    on = draw(st.booleans()) if able else None
    frees = {
        size: (hv.HugePage(size * 1024, base).freed("head page") if size * 1024 > base else 0) * base for size in sizes
    }
    frees = frees if able else dict.fromkeys(sizes, 0)
    gross = sum(count * frees[size] for size, count in counts.items())
    section = 512 * hv.MiB if (base == 65536 and architecture == "aarch64") or architecture == "loongarch64" else {
        "ppc64le": 16 * hv.MiB, "s390x": 256 * hv.MiB}.get(architecture, 128 * hv.MiB)  # fmt: skip
    memmap = -(-ram // section) * section // base * 64 // base
    return {
        "architecture": architecture, "base": base, "release": f"{series[0]}.{series[1]}.{draw(st.integers(1, 99))}-custom",
        "series": series, "ram": ram, "counts": counts, "on": on, "frees": frees, "gross": gross,
        "counted": memmap - (gross // base if on else 0), "total": (ram - ram // 40) // 1024,
        "numbers": draw(st.randoms(use_true_random=False)),
    }  # fmt: skip


def printed(kib):
    """As the kernel's string_get_size() prints a power of two."""
    unit = 0
    while kib >= 1024:
        kib, unit = kib // 1024, unit + 1
    return f"{kib:.{max(0, 3 - len(str(kib)))}f} {'KMGT'[unit]}iB"


def renderings(h):
    """Sources of text about one host: each a list of what must stay together, in several ways to say the same."""
    pick, default = h["numbers"], max(h["counts"]) if h["architecture"] == "ppc64le" else min(h["counts"])
    stamp = pick.choice(["", "[    0.389110] ", "[    0.1][    T1] ", "<6>[    0.2] ", "kern  :info  : [    0.3] ",
                         "touko 05 09:18:59 db7 kernel: ", "[Fri Nov 27 21:39:15 2026] ",
                         "2026-11-27T21:39:15.123+01:00 db7 kernel: [    0.2] "])  # fmt: skip
    asked = " ".join(f"hugepagesz={size}K hugepages={count}" for size, count in h["counts"].items())
    option = {True: " hugetlb_free_vmemmap=on", False: "", None: ""}[h["on"]]
    command = f"BOOT_IMAGE=/vmlinuz root=/dev/vda1 ro {asked}{option}"
    log = [
        f"Linux version {h['release']} (build@x) (gcc 14) #1 SMP Mon Nov 23",
        f"Command line: {command}",
        f"Kernel command line: {command}",
        f"Memory: {h['ram'] // 2048}K/{h['ram'] // 1024}K available (5400K kernel code, 900K rwdata, 80K reserved, 0K cma-reserved)",
    ]
    for size, count in h["counts"].items():
        log += [
            f"HugeTLB: registered {printed(size)} page size, pre-allocated {count} pages",
            f"HugeTLB: {h['frees'][size] // 1024} KiB vmemmap can be freed for a {printed(size)} page",
        ]
    parts = [[stamp + line for line in log]]
    parts.append([f"Linux db7 {h['release']} #1 SMP Mon Nov 23 21:00:00 UTC 2026 {h['architecture']} GNU/Linux"])
    parts.append(
        pick.choice([[f"PAGESIZE                           {h['base']}"], [f"$ getconf PAGE_SIZE\n{h['base']}"]])
    )
    meminfo = [f"MemTotal:       {h['total']} kB", "MemFree:         1000000 kB", "AnonHugePages:         0 kB",
               f"HugePages_Total:   {h['counts'][default]}", f"HugePages_Free:    {h['counts'][default] // 3}",
               "HugePages_Rsvd:        0", "HugePages_Surp:        0", f"Hugepagesize:    {default} kB",
               f"Hugetlb:        {sum(s * c for s, c in h['counts'].items())} kB"]  # fmt: skip
    parts.append(meminfo)
    path = "/sys/kernel/mm/hugepages/"
    way = pick.choice(["{p}hugepages-{s}kB/nr_hugepages:{c}", "hugepages-{s}kB/nr_hugepages {c}",
                       "==> {p}hugepages-{s}kB/nr_hugepages <==\n{c}\n", "{p}hugepages-{s}kB/nr_hugepages = {c}",
                       "{c} {p}hugepages-{s}kB/nr_hugepages"])  # fmt: skip
    parts.append([way.format(p=path, s=s, c=c) for s, c in h["counts"].items()])
    if pick.random() < 0.5:
        node = "/sys/devices/system/node/node{n}/hugepages/hugepages-{s}kB/nr_hugepages:{c}"
        parts.append(
            [node.format(n=n, s=s, c=c - c // 3 if n else c // 3) for s, c in h["counts"].items() for n in (0, 1)]
        )
    if h["on"] is not None:
        value = int(h["on"])
        parts.append([pick.choice([f"vm.hugetlb_optimize_vmemmap = {value}", f"vm.hugetlb_optimize_vmemmap={value}",
                                   f"/proc/sys/vm/hugetlb_optimize_vmemmap:{value}"])])  # fmt: skip
    if h["series"] >= (6, 12):
        parts.append([f"nr_memmap_pages {h['counted'] // 7}", f"nr_memmap_boot_pages {h['counted'] - h['counted'] // 7}",
                      "nr_free_pages 12345"])  # fmt: skip
    parts.append(["               total        used        free      shared  buff/cache   available",
                  f"Mem:        {h['total']}     1000000    2000000        1000     500000    3000000", "Swap:  0 0 0"])  # fmt: skip
    low, nodes = hv.GiB // h["base"], pick.randint(1, 3)
    rest = h["ram"] // h["base"] - low
    zones = [
        (0, "DMA32", low),
        *((node, "Normal", rest // nodes + (rest % nodes if not node else 0)) for node in range(nodes)),
    ]
    zoneinfo = [
        f"Node {node}, zone {zone:>8}\n  pages free     {pages // 2}\n        min      67\n        spanned  {pages + 9}\n"
        f"        present  {pages}\n        managed  {pages - pages // 50}\n        cma      0"
        for node, zone, pages in zones
    ]
    per_node = [f"Node {node} {name}: {value:>15}{unit}" for node in range(nodes) for name, value, unit in (
        ("MemTotal", h["total"] // nodes, " kB"), ("HugePages_Total", h["counts"][default] // nodes, ""))]  # fmt: skip
    oom = [f"Node {node} {zone} free:1234kB boost:0kB min:2kB present:{pages * h['base'] // 1024}kB managed:{pages}kB mlocked:0kB"
           for node, zone, pages in zones] + [f"{h['ram'] // h['base']} pages RAM", "0 pages HighMem/MovableOnly"]  # fmt: skip
    return parts + [part for part in (zoneinfo, per_node, oom) if pick.random() < 0.4]


def dressed(text, pick):
    """What may become of a text on its way."""
    for change in pick.sample(["crlf", "quote", "bom", "html", "ansi", "fence"], pick.randint(0, 2)):
        if change == "crlf":
            text = text.replace("\n", "\r\n")
        elif change == "quote":
            text = "\n".join(f"> > {line}" for line in text.split("\n"))
        elif change == "bom":
            text = "\ufeff" + text
        elif change == "html":
            text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        elif change == "ansi":
            text = text.replace("HugeTLB", "\x1b[01;31m\x1b[KHugeTLB\x1b[m\x1b[K").replace(
                "nr_huge", "nr_\x1b[1mhuge\x1b[0m"
            )
        else:
            text = f"```\n{text}\n```"
    return text


@pytest.mark.slow
@settings(max_examples=120, deadline=None)
@given(hosts())
def test_one_host_in_every_form_and_order_has_one_answer(h):
    pick, parts = h["numbers"], renderings(h)
    pick.shuffle(parts)
    text = dressed("\n".join("\n".join(part) for part in parts) + "\n", pick)
    note(text)
    answer = told(text)
    note(str(hv.observe.host(text)))
    assert isinstance(answer, dict)
    assert (answer["release"], answer["architecture"]) == (h["release"], h["architecture"])
    assert (answer["base_page"], answer["struct_page"]) == (h["base"], 64)
    assert answer["memory"] == {"bytes": h["ram"] // 1024 * 1024, "known": "exact"}
    assert pools(answer) == {hv.format_size(size * 1024): count for size, count in h["counts"].items()}
    expected = {True: "on", False: "off", None: "not on this architecture"}[h["on"]]
    assert answer["optimisation"] == expected
    saved = h["gross"] if h["on"] else 0
    assert (answer["saved"], answer["to_save"]) == (saved, h["gross"] - saved)
    if answer["saved_is"] == "counted":
        assert answer["agrees"] is True
    assert answer["not_understood"] == []


@pytest.mark.slow
@settings(max_examples=120, deadline=None)
@given(hosts(), st.booleans())
def test_the_lines_of_a_source_may_stand_in_any_order(h, mixed):
    pick, parts = h["numbers"], renderings(h)
    plain = "\n".join("\n".join(part) for part in parts) + "\n"
    for part in parts:
        pick.shuffle(part)
    pieces = [piece for part in parts for piece in part]
    if mixed:
        pick.shuffle(pieces)
    text = "\n".join(pieces) + "\n"
    note(text)
    note(str(hv.observe.host(text)))
    assert told(text) == told(plain)
    assert told(plain)["memory"]["bytes"] == h["ram"] // 1024 * 1024


@st.composite
def two_hosts(draw):
    """Two hosts, or two boots of one, that differ in release, in RAM, or in name."""
    a, b = draw(hosts()), draw(hosts())
    return a, {**b, "release": f"{b['release']}.2"}


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(two_hosts())
def test_two_hosts_one_after_the_other_get_their_own_answers(two):
    texts = []
    for h in two:
        parts = renderings(h)
        for part in parts:
            h["numbers"].shuffle(part)
        texts.append("\n".join("\n".join(part) for part in parts) + "\n")
    note("".join(texts))
    apart, together = [told(text) for text in texts], told("".join(texts))
    assert isinstance(together, list)
    assert together == apart


@settings(max_examples=40, deadline=None)
@given(hosts(), st.sampled_from(["tar", "gz", "bz2", "xz", "zst", "zip", "folder", "utf-16"]))
def test_a_report_has_the_answer_of_its_text(tmp_path_factory, h, how):
    names = ["sos_commands/kernel/dmesg", "uname", "getconf", "proc/meminfo", "sys/pools", "x1", "x2", "x3", "x4"]
    files = {name: "\n".join(part) + "\n" for name, part in zip(names, renderings(h), strict=False)}
    text = told("\n".join(files.values()))
    if how == "folder":
        folder = tmp_path_factory.mktemp("report")
        for name, part in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(part)
        packed = ask.files([str(folder)], bytes).json()
    else:
        packed = told("\n".join(files.values()).encode("utf-16") if how == "utf-16" else archive(files, how))
    assert packed == text


def archive(files, how):
    stream = io.BytesIO()
    if how == "zip":
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, text in files.items():
                packed.writestr(f"sosreport-db7/{name}", text)
        return stream.getvalue()
    if how == "zst":
        return zstd.compress(archive(files, "tar"))
    with tarfile.open(fileobj=stream, mode="w" if how == "tar" else f"w:{how}") as packed:
        for name, text in files.items():
            member = tarfile.TarInfo(f"sosreport-db7/{name}")
            member.size = len(text.encode())
            packed.addfile(member, io.BytesIO(text.encode()))
    return stream.getvalue()


# --- several, strange, hostile ---------------------------------------------------------------------------------------


def test_an_archive_in_an_archive_is_read():
    inner = archive({"proc/meminfo": "MemTotal: 65851684 kB\nHugePages_Total: 7\nHugepagesize: 2048 kB\n"}, "gz")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("report.tar.gz", inner)
    assert pools(told(stream.getvalue())) == {"2 MiB": 7}


def test_a_long_name_and_its_short_one_are_one_host():
    uname = "Linux {} 6.1.0-18-amd64 #1 SMP x86_64 GNU/Linux\n"
    text = f"{uname.format('db7')}MemTotal: 65851684 kB\n{uname.format('db7.example.org')}"
    assert len(hv.observe.host(text).hosts) == 1


def test_huge_pages_that_boot_gave_back_are_not_in_the_pool():
    text = (
        "Linux version 6.18.0 (gcc) #1\nHugeTLB: allocating 10 of page size 1.00 GiB failed.  Only allocated 7 hugepages.\n"
        "HugeTLB: freed 2 cross-zone hugepages of size 1.00 GiB\n"
    )
    assert pools(told(text)) == {"1 GiB": 5}


def test_two_hosts_in_one_text_get_an_answer_each():
    a = WORKED.format(switch=1, later=40, boot=98304)
    b = (CASES / "f08-text-of-another-host.txt").read_text()
    first, second = told(a + b)
    assert (first["memory"]["bytes"], second["memory"]["bytes"]) == (67075384 * 1024, (25952256 - 787476) * 1024)
    assert pools(second) == {"1 GiB": 2, "2 MiB": 1024}
    assert told(a + a) == told(a), "the same log twice is one host"


@pytest.mark.parametrize(
    "text", ["", "hello", "MemTotal: 99999999999999999999 kB", "Memory: xK/yK available", "\0" * 99]
)
def test_nothing_understood_is_one_sentence_and_no_success(text, tmp_path, capsys):
    with pytest.raises(hv.BadInput, match="nothing in this text"):
        hv.observe.host(text)
    file = tmp_path / "text"
    file.write_text(text)
    assert command([str(file)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_lines_that_speak_of_memory_and_are_not_understood_are_listed():
    answer = told("MemTotal: 1000000 kB\nHugeTLB: a new sentence of Linux 9.9 with 12 things\nHugePages_Free: 3\n")
    assert answer["not_understood"] == ["HugeTLB: a new sentence of Linux 9.9 with 12 things"]


def test_more_huge_pages_than_ram_are_no_saving():
    answer = told(
        "Linux a 6.1.0-18-amd64 #1 SMP x86_64 GNU/Linux\nMemTotal: 1000000 kB\nhugepages-1048576kB/nr_hugepages 7\n"
    )
    assert (answer["saved"], answer["to_save"]) == (None, None)


def test_the_kernel_that_writes_a_dump_is_not_the_host():
    text = "Linux version 6.1.0 (x86_64-linux-gnu-gcc) #1\nCommand line: elfcorehdr=0x7000000 root=/dev/sda1\nMemory: 1K/262144K available ()\n"
    with pytest.raises(hv.BadInput, match="crash kernel"):
        hv.observe.host(text)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [gzip.compress, bz2.compress, lzma.compress, zstd.compress])
def test_a_bomb_is_refused_before_it_is_large(kind):
    with pytest.raises(hv.BadInput, match="unpacks to more"):
        hv.observe.host(kind(bytes(100 << 20)))


def test_without_zstd_the_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setattr(intake, "_zstd", None)
    with pytest.raises(hv.BadInput, match=r"hvlib\[zstd\].*zstd -d"):
        hv.observe.host(zstd.compress(b"MemTotal: 1000000 kB"))


def test_a_zstd_file_that_looks_far_back_is_refused():
    """A window larger than 128 MiB would be so much memory."""
    asked = {zstd.CompressionParameter.window_log: 28, zstd.CompressionParameter.enable_long_distance_matching: 1}
    packer = zstd.ZstdCompressor(options=asked)
    data = packer.compress(b"MemTotal: 1000000 kB\n") + packer.flush()
    with pytest.raises(hv.BadInput, match="broken archive"):
        hv.observe.host(data)


@pytest.mark.slow
@pytest.mark.parametrize(
    "part", ["HugePages_Total", "hugepages-2048kB/nr_hugepages ", "MemTotal: 9", "Command line: a=b ", "9", "BOOT_IMAGE=", "<",
             "\x1b[", "&gt;", " | x\n", "CONFIG_", "uname -r", "uname_-r", "/proc/cmdline", "Node 0, zone", "node_memory_"]
)  # fmt: skip
def test_a_word_said_a_million_times_is_read_to_its_end(part):
    """No form looks further than a line could matter: these would else take hours."""
    assert check((part * (8_000_000 // len(part))).encode()) in ("an answer", "a sentence")


def test_this_machine_is_asked_by_the_same_code(monkeypatch, capsys):
    assert command(["--json"]) == 0
    recorded = json.loads(capsys.readouterr().out)
    assert (recorded["memory"]["bytes"], recorded["optimisation"], recorded["agrees"]) == (24 * hv.GiB, "off", True)
    monkeypatch.delenv("HVLIB_OBSERVE")
    if sys.platform == "linux":
        assert command(["--json"]) == 0
        live = json.loads(capsys.readouterr().out)
        assert live["base_page"] in (4096, 16384, 65536)
        assert live["memory"]["bytes"] > 0


@pytest.mark.parametrize("release", observe.records())
def test_the_text_of_each_recorded_kernel_agrees_with_the_record(release):
    record = observe.recorded(release)
    data = record._data
    machine = "x86_64"
    text = "\n".join([f"Linux lab {record.release} #1 SMP {machine} GNU/Linux", f"Command line: {data.get('command_line', '')}",
                      *record.boot_log, "hugepages-2048kB/nr_hugepages 64"])  # fmt: skip
    if data["can_switch"]:
        text += "\nvm.hugetlb_optimize_vmemmap = 0\n"
    answer = hv.observe.host(text)
    has = "on" in record.states
    scheme = hv.trial.scheme_of_series(record.series)
    freed = 64 * hv.HugePage("2 MiB").freed(scheme) * 4096 if has else 0
    host = answer.hosts[0]
    assert host.optimisation == ("off" if data["can_switch"] else "on" if has else "not in this kernel")
    assert (host.saved or 0) + (host.to_save or 0) == freed
    assert (host.base_page, host.struct_page) == (4096, 64)


def test_words_are_found_where_str_find_finds_them():
    pick = random.Random(7)
    text = "".join(pick.choice("Memory: é存") for _ in range(5000)) + "Memory:" + "x" * (1 << 22) + "Memory:"
    found, cut = words_at.find(text, ["Memory:", "Mem:"], 2000)
    assert found["Memory:"][-2:] == [5000, 5000 + 7 + (1 << 22)]
    assert not cut
    few, cut = words_at.find("Mem: " * 3000, ["Mem:"], 10)
    assert cut
    assert few["Mem:"] == [0, 5, 10, 15, 20, *range(14975, 15000, 5)]


# --- mutations -------------------------------------------------------------------------------------------------------


def mutated(pick, data):
    """Some bytes of a case changed: cut, doubled, shuffled, flipped, or numbers made absurd."""
    data = bytearray(data)
    for _ in range(pick.randint(1, 6)):
        if not data:
            break
        at = pick.randrange(len(data))
        way = pick.randrange(7)
        if way == 0:
            data[at] ^= 1 << pick.randrange(8)
        elif way == 1:
            del data[at : at + pick.randrange(1, 60)]
        elif way == 2:
            data[at:at] = data[at : at + pick.randrange(1, 90)]
        elif way == 3:
            data[at:at] = pick.choice(
                [b"\n", b"\r\n", b"=\n", b"> ", b"\0", b"\xff\xfe", b"9" * 30, b"-1", b"\x1b[1m", b"[[", b"{"]
            )
        elif way == 4:
            lines = bytes(data).split(b"\n")
            pick.shuffle(lines)
            data = bytearray(b"\n".join(lines))
        elif way == 5:
            data = data[:at]
        else:
            data = bytearray(
                bytes(data).replace(str(pick.randrange(10)).encode(), str(pick.randrange(10**6)).encode(), 2)
            )
    return bytes(data)


def seeds():
    files = {file.name: file.read_text() for file in sorted(CASES.iterdir())}
    worked = WORKED.format(switch=1, later=40, boot=98304)
    plain = [text.encode() for text in (*files.values(), worked)]
    return [*plain, *(archive(files, how) for how in ("tar", "gz", "bz2", "xz", "zst", "zip"))]


def check(data):
    """Read it; a sentence or an answer that is possible."""
    try:
        answer = hv.observe.host(data)
    except hv.BadInput as why:
        return "a sentence" if len(str(why)) < 600 else "too long a sentence"
    for host in answer.hosts:
        assert host.known in ("exact", "at least", "unknown")
        assert (host.memory is None) == (host.known == "unknown")
        gross = sum(pool.count * host.each.get(pool.size, 0) for pool in host.pools)
        assert host.saved is None or 0 <= host.saved <= gross
        assert host.to_save is None or 0 <= host.to_save <= gross
        if host.can is False:
            assert host.optimisation.startswith("not ")
            assert (host.saved or 0, host.to_save or 0) == (0, 0)
        if host.known != "unknown" and b"\0" not in data:
            assert host.memory
        for pool in host.pools:
            assert pool.size & (pool.size - 1) == 0
        assert host.release is None or len(host.release) < 120
    assert len(str(answer)) < 100_000
    json.dumps(answer.json())
    return "an answer"


@pytest.mark.parametrize("seed", range(8))
def test_mutations_of_the_cases_get_an_answer_or_a_sentence(seed):
    """Some; ``python tests/test_host.py 10000`` tries so many."""
    pick, all_seeds = random.Random(seed), seeds()
    ends = {check(mutated(pick, pick.choice(all_seeds))) for _ in range(40)}
    assert ends == {"an answer", "a sentence"}


if __name__ == "__main__":
    import resource
    import time
    from collections import Counter

    chosen, every, count, slowest = random.Random(1), seeds(), Counter(), 0.0
    for _ in range(int(sys.argv[1])):
        piece = mutated(chosen, chosen.choice(every))
        begin = time.process_time()
        count[check(piece)] += 1
        slowest = max(slowest, time.process_time() - begin)
    print(
        dict(count), f"slowest {slowest:.2f} s, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB at most"
    )
