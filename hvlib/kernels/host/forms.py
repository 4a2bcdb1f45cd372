"""Every form of text about a host, one small function each: what a line says, as data.

A form is found by a word that it always has, wherever that stands in a line; blanks and line ends within it are alike,
so that wrapped text is read. Nothing is concluded here. Forms and releases: mm/hugetlb.c, mm/hugetlb_vmemmap.c,
mm/show_mem.c, mm/mm_init.c, fs/proc/meminfo.c, mm/vmstat.c and lib/string_helpers.c of the releases that
`hvlib.facts.hosts` names, and the manual pages of the tools.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ...facts import hosts as facts
from ...units import GiB, KiB, MiB, TiB
from .intake import Document
from .words_at import find

LARGEST = 1 << 55
"""Bytes; no host has more RAM (512 TiB of vmemmap describe 32 PiB). What says more is not believed."""
MOST_HITS = 2000
"""A word that stands more often in one text is read at its first and last places."""
LONGEST = 160
AHEAD = 700
"""Letters of a form from its word on, where some of it stands before the word."""


@dataclass(frozen=True)
class Seen:
    """One thing that a text says: ``what``, its value, the size or node it is about, and where it stands.

    ``host`` is the name that the line itself gives (a syslog prefix).
    """

    what: str
    value: Any
    size: int | None = None
    node: int | None = None
    line: str = ""
    at: tuple[int, int] = (0, 0)
    host: str | None = None


@dataclass(frozen=True)
class Form:
    """A word to find, the form around it, and what to make of it; ``back``: letters of it that stand before the word."""

    word: str
    pattern: re.Pattern[str]
    read: Callable[[re.Match[str], Document], Iterator[Seen]]
    back: int = 0


FORMS: list[Form] = []
Reader = Callable[[re.Match[str], Document], Iterator[Seen]]


def form(word: str, pattern: str, back: int = 0, flags: int = 0) -> Callable[[Reader], Reader]:
    """Register a form."""

    def register(read: Reader) -> Reader:
        FORMS.append(Form(word, re.compile(pattern, flags), read, back))
        return read

    return register


def passed(word: str, pattern: str, back: int = 0) -> None:
    """A form that speaks of memory and says nothing that is asked here."""
    FORMS.append(Form(word, re.compile(pattern), lambda found, document: iter(()), back))


_UNITS = {"": 1, "K": KiB, "M": MiB, "G": GiB, "T": TiB}
_REST = r"[^\n]{0,400}"
_SIZE = r"(\d{1,5}(?:[.,]\d{1,3})?)\s*([KMGT])i?B?"
_NUMBER = r"(\d{1,3}(?:[,.' ]\d{3}){1,9}|\d{1,30})(?![\d,.]{0,30}\d)"


def bytes_of(number: str, unit: str) -> int | None:
    """A size as string_get_size() prints it: three digits of a power of two, so the nearest power of two is meant."""
    value = float(number.replace(",", ".")) * _UNITS[unit.upper()]
    if not 1 <= value < LARGEST:
        return None
    nearest = 1 << round(value).bit_length() - 1
    nearest = min((nearest, 2 * nearest), key=lambda power: abs(power - value))
    return int(nearest) if abs(nearest - value) < 0.005 * nearest else None


def whole(text: str) -> int:
    """A number with or without separators of thousands."""
    return int(re.sub(r"\D", "", text)[:40] or 0)


def _power(size: int) -> bool:
    return 4 * KiB < size < LARGEST and not size & (size - 1)


def _few(size: int, count: int) -> bool:
    """Whether so many pages of a size can be on one host."""
    return _power(size) and size * count <= LARGEST


# --- the kernel log: HugeTLB -----------------------------------------------------------------------------------------


@form("pre-allocated", rf"registered\s+{_SIZE}\s+page\s+size,\s+pre-allocated\s+(\d{{1,18}})\s+pages", 60)
def _registered(found: re.Match[str], _: Document) -> Iterator[Seen]:
    size = bytes_of(found[1], found[2])
    if size and _few(size, int(found[3])):
        yield Seen("log pool", int(found[3]), size)


@form("vmemmap", rf"(\d{{1,12}})\s+KiB\s+vmemmap\s+can\s+be\s+freed\s+for\s+a\s+{_SIZE}\s+page", 40)
def _freed(found: re.Match[str], _: Document) -> Iterator[Seen]:
    size = bytes_of(found[2], found[3])
    if size and int(found[1]) * KiB * 8 <= size:
        yield Seen("log frees", int(found[1]) * KiB, size)


@form("vmemmap", r"can\s+(free|optimize)\s+(\d{1,12})\s+vmemmap\s+pages\s+for\s+hugepages-(\d{1,13})kB", 40)
def _can(found: re.Match[str], _: Document) -> Iterator[Seen]:
    size, pages = int(found[3]) * KiB, int(found[2])
    if _power(size) and pages * 4 * KiB * 8 <= size:
        yield Seen("log frees pages", pages, size)
        if found[1] == "free" and pages:
            yield Seen("log on", True)


@form("vmemmap pages because", r"cannot\s+(free|optimize)\s+vmemmap\s+pages\s+because", 20)
def _crosses(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("crosses", True)


@form("vmemmap pages for", r"disable\s+free(?:ing)?\s+vmemmap\s+pages\s+for\s+hugepages-(\d{1,13})kB", 20)
def _disabled(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("log off", True)


@form("of page size", rf"allocating\s+(\d{{1,18}})\s+of\s+page\s+size\s+{_SIZE}\s+failed(?:\s+node(\d{{1,4}}))?\.\s+"
      r"Only\s+allocated\s+(\d{1,18})\s+hugepages", 40)  # fmt: skip
def _failed(found: re.Match[str], _: Document) -> Iterator[Seen]:
    size = bytes_of(found[2], found[3])
    if size and _few(size, int(found[5])) and int(found[5]) <= int(found[1]):
        yield Seen("log got", (int(found[5]), int(found[1])), size, int(found[4]) if found[4] else None)


@form("invalid pages discarded", rf"{_SIZE}\s+page\s+size:\s+(\d{{1,9}})\s+invalid\s+pages\s+discarded", 60)
def _discarded(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("log lost", int(found[3]), bytes_of(found[1], found[2]))


@form("cross-zone", rf"freed\s+(\d{{1,9}})\s+cross-zone\s+hugepages\s+of\s+size\s+{_SIZE}", 30)
def _cross_zone(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("log lost", int(found[1]), bytes_of(found[2], found[3]))


passed("number of default", r"Using\s+hugepages=\d{1,15}\s+for\s+number\s+of\s+default\s+huge\s+pages", 40)


@form("huge pages not supported", r"huge\s+pages\s+not\s+supported")
@form("hugepages unsupported", r"hugepages\s+unsupported")
def _none(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("no HugeTLB", True)


@form("hugetlb_cma is enabled", r"hugetlb_cma\s+is\s+enabled,\s+skip\s+boot\s+time\s+allocation")
def _cma(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("CMA instead", True)


for _word, _pattern in (
    ("hugetlb_cma:", rf"hugetlb_cma:{_REST}"), ("hugepage_allocation_threads", _REST), ("Ignoring hugepages", _REST),
    ("does not follow a valid hugepagesz", _REST), ("specified twice", _REST), ("nsupported hugepagesz", _REST),
    ("Invalid hugepages", _REST), ("HugeTLB: allocation took", _REST), ("HugePages_Free", _REST),
    ("HugePages_Rsvd", _REST), ("HugePages_Surp", _REST), ("AnonHugePages", _REST), ("_hugepages_mempolicy", _REST),
    ("ShmemHugePages", _REST), ("FileHugePages", _REST), ("transparent_hugepage", _REST), ("khugepaged", _REST),
    ("nr_anon_transparent_hugepages", _REST), ("nr_shmem_hugepages", _REST), ("nr_file_hugepages", _REST),
    ("hugetlb_cgroup", _REST), ("hugetlbfs", _REST), ("htlb_", _REST), ("nr_hugetlb", _REST), ("cgroup", _REST),
    ("rsvd_hugepages", _REST), ("hugetlb_shm_group", _REST), ("nr_overcommit_hugepages", _REST),
    ("Private_Hugetlb", _REST), ("Shared_Hugetlb", _REST), ("HugetlbPages:", _REST), ("thp_", _REST),
    ("hugetlb_instantiate", _REST), ("CONFIG_", _REST), ("virtual address space layout", _REST),
    ("demote", _REST), ("nr_hugepages_mempolicy", _REST), ("hugepages_treat_as_movable", _REST),
    ("nr_vmemmap", _REST), ("vmemmap : 0x", _REST), ("resv_hugepages", _REST), ("# HELP node_", _REST), ("# TYPE node_", _REST),
    ("node_memory_numa_", _REST), ("free_hugepages", _REST),
    ("surplus_hugepages", _REST), ("vm.hugetlb", rf"vm\.hugetlb(?!_optimize){_REST}"), ("HugePages:", _REST),
):  # fmt: skip
    passed(_word, _pattern)


# --- the kernel log: RAM and boot ------------------------------------------------------------------------------------


@form(
    "Memory:",
    r"Memory:\s+(\d{1,15})([kK])\s*/\s*(\d{1,15})[kK]\s+available\b(?:[^()\n]{0,80}\(([^)]{0,400})\)|([^\n]{0,80}highmem))?",
)
def _memory(found: re.Match[str], _: Document) -> Iterator[Seen]:
    absent = re.search(r"(\d{1,15})[kK]\s+absent", found[4] or "")
    size = (int(found[3]) - (int(absent[1]) if absent else 0)) * KiB
    if 0 < size <= LARGEST:
        yield Seen("RAM", size, line="the second number of the boot log's Memory: line" + (
            ", without what it calls absent" if absent else ""))  # fmt: skip
    if "highmem" in (found[4] or found[5] or ""):
        yield Seen("32 bits", True)


@form("Memory:", r"Memory:\s+[\dMB +]+=\s*(\d{1,6})MB\s+total")
def _memory_arm(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("RAM", int(found[1]) * MiB, line="the boot log's Memory: line")
    yield Seen("architecture", "armv7l")


@form("pages RAM", r"(\d{1,15})\s+pages\s+RAM\b", 20)
def _pages_ram(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("RAM pages", int(found[1]), line="the line of pages RAM")


@form("totalpages:", r"On\s+node\s+(\d{1,4})\s+totalpages:\s+(\d{1,15})", 20)
def _totalpages(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("node pages", int(found[2]), node=int(found[1]))


_RANGE = re.compile(r"\bnode\s+(\d{1,4}):\s+\[mem\s+0x([0-9a-f]{1,16})-0x([0-9a-f]{1,16})\]")


@form("Early memory node ranges", r"Early memory node ranges")
def _ranges(found: re.Match[str], document: Document) -> Iterator[Seen]:
    text, at, misses = document.text, found.end(), 0
    ranges: list[tuple[int, int]] = []
    while misses < 3 and len(ranges) < 4096:
        end = text.find("\n", at + 1)
        line = text[at : end if end >= 0 else len(text)][:400]
        match = _RANGE.search(line)
        if match:
            first, last = int(match[2], 16), int(match[3], 16)
            if first < last <= LARGEST:
                ranges.append((first, last + 1))
            misses = 0
        else:
            misses += bool(line.strip())
        if end < 0:
            break
        at = end
    if ranges:
        yield Seen("ranges", tuple(ranges))


_RAM_WORDS = r"(usable|System RAM)"


@form("BIOS-e820:", rf"(BIOS-e820):\s+\[mem\s+0x([0-9a-f]{{1,16}})-0x([0-9a-f]{{1,16}})\]\s+{_RAM_WORDS}")
@form("user: [mem", rf"(user):\s+\[mem\s+0x([0-9a-f]{{1,16}})-0x([0-9a-f]{{1,16}})\]\s+{_RAM_WORDS}")
def _e820(found: re.Match[str], _: Document) -> Iterator[Seen]:
    first, last = int(found[2], 16), int(found[3], 16)
    if first < last <= LARGEST:
        yield Seen("e820", (first, last + 1), node=int(found[1] == "user"))


@form("BIOS-e820:", r"BIOS-e820:\s+([0-9a-f]{16})\s+-\s+([0-9a-f]{16})\s+\(usable\)")
def _e820_old(found: re.Match[str], _: Document) -> Iterator[Seen]:
    first, last = int(found[1], 16), int(found[2], 16)
    if first < last <= LARGEST:
        yield Seen("e820", (first, last), node=0)


@form("memory size =", r"memory\s+size\s+=\s+0x([0-9a-f]{1,16})\b")
def _memblock(found: re.Match[str], _: Document) -> Iterator[Seen]:
    if 0 < int(found[1], 16) <= LARGEST:
        yield Seen("memblock", int(found[1], 16))


passed("pages used for memmap", r"\w{1,20}\s+zone:\s+\d{1,15}\s+pages\s+used\s+for\s+memmap", 40)


_TARGET = re.compile(r"\b(x86_64|aarch64|powerpc64le|powerpc64|s390x|riscv64|loongarch64|sparc64|i686|arm)-[\w-]*gcc")


@form("Linux version ", r"Linux version (\d{1,3}\.\d{1,3}\S{0,100})([^\n]{0,400})")
def _banner(found: re.Match[str], document: Document) -> Iterator[Seen]:
    yield Seen("banner", found[0].split(" #")[0] + found[0][-60:])
    yield Seen("release", found[1])
    target = _TARGET.search(found[2])
    named = [word for word in re.findall(r"[\w-]+", found[2]) if word in facts.ARCHITECTURE_NAMES and word != "arm"]
    if target or named:
        name = target[1] if target else named[-1]
        yield from architecture(name.replace("powerpc64", "ppc64"))


@form("ommand line:", r"(?:Kernel c|C)ommand line:[ \t]*([^\n]{0,8192})", 10)
def _command_line(found: re.Match[str], document: Document) -> Iterator[Seen]:
    yield Seen("words", _unwrapped(document.text, found.start(1), found.end(1)))


@form(
    "proc/cmdline",
    r"proc/cmdline(?:[:=][ \t]*|(?:[ \t]*<==|[ \t]*[:=#]|[^\w\s/]{0,20})?[ \t]*\n+[ \t]*)([^\n=]{0,400}=[^\n]{0,8192})",
)
def _proc_cmdline(found: re.Match[str], document: Document) -> Iterator[Seen]:
    if not re.match(r"[\w.]+ = |==>|\[|#|\S+@", found[1]):
        yield Seen("words", _unwrapped(document.text, found.start(1), found.end(1)))


@form("BOOT_IMAGE=", r"(?m:^)[ \t]*(BOOT_IMAGE=[^\n]{0,8192})", 12)
def _boot_image(found: re.Match[str], document: Document) -> Iterator[Seen]:
    yield Seen("words", _unwrapped(document.text, found.start(1), found.end(1)))


@form("root=", r"(?m:^)[ \t]*((?:[\w.,/@+%-]{1,200}(?:=\S{0,400})?[ \t]+){0,40}root=\S[^\n]{0,8192})", 400)
@form(" hugepages=", r"(?m:^)[ \t]*((?:[\w.,/@+%-]{1,200}(?:=\S{0,400})?[ \t]+){0,40}hugepages=\d[^\n]{0,8192})", 400)
def _bare_words(found: re.Match[str], document: Document) -> Iterator[Seen]:
    """A line that is nothing but words of a command line."""
    words = found[1].split()
    others = sum(not _FLAG.fullmatch(word) for word in words)  # of a sentence, if there are many
    if all(map(_WORD.fullmatch, words)) and 3 * others < len(words) and not _CONFIGURED.match(found[1]):
        yield Seen("words", _unwrapped(document.text, found.start(1), found.end(1)))


_CONFIGURED = re.compile(
    r"(?:GRUB_\w*|args|kernelopts|cmdline\w*)=|(?:options|linux(?:16|efi)?|kernel|append)\s", re.IGNORECASE
)
"""What begins a line of a boot loader's file, which may be of another boot."""
_FLAG = re.compile(r"\S*=\S*|ro|rw|quiet|splash|rhgb|debug|no\w+|--")
_WORD = re.compile(r"[\w.,:/@+%-]+(?:=[^\s\[\]]*)?")
_PARAMETER = re.compile(r"(?:^|\s)[a-z][\w.-]*=\S")
_SETTING = re.compile(r"\s*[\w./-]+\s*(?: = |: |:\t)|.*\b(?:kernel|Linux)\b.*:|.*\d:\d\d:\d\d|\s*nr_|\s*$")


def _unwrapped(text: str, start: int, end: int) -> str:
    """A command line with the lines that a mail program broke it into."""
    words = text[start:end][:4096]
    for _ in range(40):
        last = text.rfind("\n", 0, end) + 1
        if end >= len(text) or (end - last < 55 and len(words) < 55) or words.rstrip().endswith("\\"):
            break
        stop = text.find("\n", end + 1)
        line = text[end + 1 : stop if stop >= 0 else len(text)][:400]
        if _SETTING.match(line) or not all(map(_WORD.fullmatch, line.split())) or not _PARAMETER.search(line):
            break
        words, end = f"{words} {line.strip()}", stop if stop >= 0 else len(text)
    return words


@form("Booting Linux on physical CPU", r"Booting Linux on physical CPU 0x[0-9a-f]{10}\b")
@form("ACPI: GICC", r"ACPI: GICC")
def _arm64(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("architecture", "aarch64")


@form("hash-mmu:", r"hash-mmu:")
@form("radix-mmu:", r"radix-mmu:")
def _powerpc(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("architecture", "ppc64le")


@form(
    "Linux is running", r"Linux is running (?:under z/VM|under KVM|natively|as a z/VM guest)[^\n]{0,20} in 64-bit mode"
)
def _s390(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("architecture", "s390x")


@form("riscv: base ISA", r"riscv: base ISA extensions")
def _riscv(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("architecture", "riscv64")


# --- out of memory, SysRq-m ------------------------------------------------------------------------------------------


@form("hugepages_total=", r"Node\s+(\d{1,4})\s+hugepages_total=(\d{1,15})\s+hugepages_free=\d+\s+hugepages_surp=\d+\s+"
      r"hugepages_size=(\d{1,13})kB", 20)  # fmt: skip
def _oom_pool(found: re.Match[str], _: Document) -> Iterator[Seen]:
    size = int(found[3]) * KiB
    if _few(size, int(found[2])):
        yield Seen("node pool", int(found[2]), size, int(found[1]))


@form(
    " present:",
    r"Node\s+(\d{1,4})\s+(\w{1,20})\s+free:\d+kB[^\n]{0,600}?\spresent:(\d{1,15})kB\s+managed:(\d{1,15})kB",
    500,
)
def _oom_zone(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen(f"OOM zone {found[2]}", int(found[3]) * KiB, node=int(found[1]))


# --- /proc -----------------------------------------------------------------------------------------------------------


@form(
    "MemTotal",
    rf"(?:Node\s+(\d{{1,4}})\s+)?(?<!_)MemTotal[\"']?\s*[:=;|,\t]\s*[\"']?{_NUMBER}(?!\s*[MGT]i?B)\s*[,;|]?\s*(kB|KB|kiB|KiB|k)?",
    12,
)
def _mem_total(found: re.Match[str], _: Document) -> Iterator[Seen]:
    bare = whole(found[2])
    size = bare if not found[3] and bare > 1 << 33 and bare % 4096 == 0 else bare * KiB
    if 0 < size <= LARGEST:
        yield Seen("node MemTotal" if found[1] else "MemTotal", size, node=int(found[1]) if found[1] else None)


@form("MemTotal", rf"()(?<![\w_])MemTotal[ ]+{_NUMBER}[ \t]*kB\b", 1)
@form("MemTotal", rf"()(?m:^)[ \t]*{_NUMBER}[ \t]*kB[ \t,;|]+MemTotal[ \t]*$", 40, re.MULTILINE)
def _mem_total_without_colon(found: re.Match[str], _: Document) -> Iterator[Seen]:
    if 0 < whole(found[2]) * KiB <= LARGEST:
        yield Seen("MemTotal", whole(found[2]) * KiB)


@form(
    "HugePages_Total",
    rf"(?:Node\s+(\d{{1,4}})\s+)?(?<!_)HugePages_Total[\"']?(?:\s*[:=;|,]\s*|[ ]+)[\"']?{_NUMBER}(?!\s*[kK]B|\.\d)",
    12,
)
def _huge_total(found: re.Match[str], _: Document) -> Iterator[Seen]:
    if whole(found[2]) < 1 << 45:
        yield Seen(
            "node default" if found[1] else "default pool", whole(found[2]), node=int(found[1]) if found[1] else None
        )


@form("Hugepagesize", rf"Hugepagesize[\"']?(?:\s*[:=;|,]\s*|[ ]+)[\"']?{_NUMBER}[ \t]*[,;|]?[ \t]*(?:([kKMG])i?B\b)?")
def _default_size(found: re.Match[str], _: Document) -> Iterator[Seen]:
    number = whole(found[1])
    size = number * _UNITS[found[2].upper()] if found[2] else number if number > MiB else number * KiB
    if _power(size) and (found[2] or size >= 64 * KiB):
        yield Seen("default size", size)


@form("Hugetlb", rf"(?<![\w])Hugetlb[\"']?(?:\s*[:=;|,]\s*|[ ]+)[\"']?{_NUMBER}\s*[,;|]?\s*kB")
def _hugetlb(found: re.Match[str], _: Document) -> Iterator[Seen]:
    if whole(found[1]) * KiB <= LARGEST:
        yield Seen("all pools", whole(found[1]) * KiB)


@form("DirectMap", r"DirectMap(\d{1,4})([kMG]):\s+\d+\s+kB")
def _direct(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("direct map", f"{found[1]}{found[2]}", size=int(found[1]) * _UNITS[found[2].upper()])


@form("HighTotal", r"HighTotal:\s+\d+\s+kB")
def _high(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("32 bits", True)


@form("nr_memmap", r"(?<!\w)nr_memmap(_boot)?(?:_pages)?[\"']?[\s:=,]+(\d{1,15})(?![\d.]{0,30}\d)")
def _memmap(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("counted at boot" if found[1] else "counted later", int(found[2]))


_PRESENT = re.compile(r"\n\s+present\s+(\d{1,15})\b")


@form(", zone", r"Node\s+(\d{1,4}),\s+zone\s+(\w{1,20})", 12)
def _zone(found: re.Match[str], document: Document) -> Iterator[Seen]:
    text = document.text
    end = text.find(", zone", found.end(), found.end() + 20000)
    present = _PRESENT.search(text, found.end(), end if end >= 0 else found.end() + 2000)
    if present and found[2] != "Device":
        yield Seen(f"zone {found[2]}", int(present[1]), node=int(found[1]))


# --- sysfs, sysctl ---------------------------------------------------------------------------------------------------


@form(
    "hugepages-",
    r"(?:/?node(\d{1,4})/)?(?:hugepages/)?hugepages-(\d{1,13})kB[/:\s]+nr_hugepages(?:[ \t]*<==)?(?:[ \t]*[:=|,;])?\s*(\d{1,18})\b(?!\s*kB)",
    30,
)
def _sysfs(found: re.Match[str], document: Document) -> Iterator[Seen]:
    size, count = int(found[2]) * KiB, int(found[3])
    if "\n" in found[0] and not _stands_alone(found, document.text):
        return
    if _few(size, count):
        yield Seen("node pool" if found[1] else "pool", count, size, int(found[1]) if found[1] else None)


def _stands_alone(found: re.Match[str], text: str) -> bool:
    """Whether a number on the line below a path is that file's: alone there, and none before the path."""
    start = max(text.rfind("\n", max(0, found.start() - 200), found.start()) + 1, found.start() - 200)
    after = text[found.end() : found.end() + 80].split("\n", 1)[0]
    if "nr_hugepages" in text[start : found.start()]:
        return False  # two files, and two numbers
    return not after.strip() and not re.match(r"\s*\d+\s", text[start : found.start()])


@form(
    "hugepages-",
    r"(?<!\S)(\d{1,18})[ \t]+(?:\S{0,100}/)?hugepages-(\d{1,13})kB(?:/nr_hugepages)?[ \t]*$",
    100,
    re.MULTILINE,
)
def _sysfs_swapped(found: re.Match[str], _: Document) -> Iterator[Seen]:
    if _few(int(found[2]) * KiB, int(found[1])) and "/node" not in found[0]:
        yield Seen("pool", int(found[1]), int(found[2]) * KiB)


@form("hugepages-", r"hugepages-(\d{1,13})kB[ \t]*[:=]?[ \t]+(\d{1,18})[ \t]*$", 0, re.MULTILINE)
@form("hugepages-", r"hugepages-(\d{1,13})kB/?:?[ \t]*\n[ \t]*(\d{1,18})[ \t]*$", 0, re.MULTILINE)
def _sysfs_bare(found: re.Match[str], _: Document) -> Iterator[Seen]:
    if _few(int(found[1]) * KiB, int(found[2])):
        yield Seen("pool", int(found[2]), int(found[1]) * KiB)


@form("hugepages-", r"hugepages-(\d{1,13})kB")
def _size(found: re.Match[str], document: Document) -> Iterator[Seen]:
    before = document.text[max(0, found.start() - 24) : found.start()]
    if _power(int(found[1]) * KiB) and "pages for" not in before and "transparent_hugepage/" not in before:
        yield Seen("size", True, int(found[1]) * KiB)


@form("hugetlb_optimize_vmemmap", r"hugetlb_optimize_vmemmap[\"']?(?:[ \t]*<==)?[ \t]*[:=|,]?\s*[\"']?([01])(?![\w.])")
def _switch(found: re.Match[str], document: Document) -> Iterator[Seen]:
    yield Seen("switch asked for" if _asked_for(found, document.text) else "switch", found[1] == "1")


_WRITES = re.compile(r"\bsysctl\b|\becho\b|\betc/|\b[a-z]{3,}[ \t]+\S*$")
_FILE = re.compile(
    r"(?:[^\n]*\bsysctl\.(?:d/|conf\b)[^\n]*|[ \t]*\[sysctl\][ \t]*)\n"
    r"(?:[ \t]*(?:[#;](?!==)[^\n]*|[\w./-]+[ \t]*=[^\n]*|\w+: [|>]-?[ \t]*)?\n)*[\w./ \t]*\Z"
)
_READS = re.compile(r"pplying|sysctl[ \t]+-|\n#[^\n]*\bsysctl\b(?!\.)")


def _asked_for(found: re.Match[str], text: str) -> bool:
    """Whether a setting is what somebody writes, in a command, a file or a sentence, and not what the kernel says."""
    before = text[max(0, found.start() - 800) : found.start()]
    if "\n" not in found[0]:
        line = before.rsplit("\n", 1)[-1]
        after = text[found.end() : found.end() + 80].split("\n", 1)[0]
        if _WRITES.search(re.split(r"[|=>]|: ", line)[-1]) or re.match(r"[ \t]+[a-z]{2,}[ \t?]", after):
            return True
    file = _FILE.search(before)
    return file is not None and not _READS.search(file[0])


@form("hugetlb_optimize_vmemmap", r"(?:cannot (?:stat|access|open)|unknown key|\bno|[Mm]issing:?|absent:?)\s+[\"'‘`]?[\w/.]{0,80}"
      r"hugetlb_optimize_vmemmap", 60)  # fmt: skip
@form(
    "hugetlb_optimize_vmemmap",
    r"hugetlb_optimize_vmemmap[\"'’]?[\s:,]+[^\n]{0,30}?(?:No such file|no such file|unknown|not found|does not exist)",
)
def _no_switch(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("no switch", True)


passed("hugetlb_optimize_vmemmap", _REST)


@form("vm.nr_hugepages", r"vm\.nr_hugepages\s*[=:]\s*(\d{1,15})\b")
@form("proc/sys/vm/nr_hugepages", r"proc/sys/vm/nr_hugepages(?:[ \t]*<==)?[ \t]*[:=]?\s*(\d{1,15})\b")
def _sysctl_pool(found: re.Match[str], document: Document) -> Iterator[Seen]:
    if not _asked_for(found, document.text):
        yield Seen("sysctl pool", int(found[1]))


@form(
    "vm.hugetlb_shm_group", r"vm\.hugetlb_shm_group[\"']?\s*[=:]\s*[\"']?\d{1,10}[\"',]{0,2}\s+(?:\S{0,80}[:\"'])?vm\."
)
def _listing(found: re.Match[str], document: Document) -> Iterator[Seen]:
    """A list of all, where the switch would stand before this; not what was asked for by name."""
    before = document.text[max(0, found.start() - 200) : found.start()]
    if not _asked_for(found, document.text) and not re.search(r"sysctl[^\n]*\bvm\.", before):
        yield Seen("sysctls listed", True)


@form("kernel/osrelease", r"kernel/osrelease(?:[ \t]*<==)?\s*[=:]?\s*(\d{1,3}\.\d{1,3}\S{0,100})")
@form("kernel.osrelease", r"kernel[./]osrelease(?:[ \t]*<==)?\s*[=:]?\s*(\d{1,3}\.\d{1,3}\S{0,100})")
@form("uname -r", r"uname -r\w{0,20}(?:[ \t]*[<=#:]{0,20})[ \t]*\n?[ \t]*(\d{1,3}\.\d{1,3}\S{0,100})")
@form("uname_-r", r"uname_-r\S{0,40}(?:[ \t]*<==)?\s+(\d{1,3}\.\d{1,3}\S{0,100})")
@form("ainted", r"(?:Not tainted|Tainted: [A-Z ]{1,60}) +(\d{1,3}\.\d{1,3}\S{0,100}) +#", 5)
@form("ansible_kernel", r"ansible_kernel[\"']?:\s*[\"']?(\d{1,3}\.\d{1,3}[^\s\"',]{0,100})")
@form(
    "kernel",
    r"(?m:^|[{,])[ \t]*[\"']?kernel(?:_?release)?[\"']?:[ \t]*[\"']?(\d{1,2}\.\d{1,3}\.\d[^\s\"',]{0,100})[\"',}\s]*?(?m:$|[,}])",
    8,
)
@form("KernelRelease", r"KernelRelease\":\s*\"(\d{1,3}\.\d{1,3}[^\s\"]{0,100})")
@form("RELEASE", r"(?m:^)\s*(?:OS)?RELEASE[:=]\s*(\d{1,2}\.\d{1,3}\.\d\S{0,100})", 20)
@form("running kernel: ", r"\brunning kernel: (\d{1,3}\.\d{1,3}[^\s)]{0,100})")
@form("Kernel version:", r"Kernel version:\s+(\d{1,3}\.\d{1,3}\S{0,100})")
@form("Kernel Version:", r"Kernel Version:\s+(\d{1,3}\.\d{1,3}\S{0,100})")
@form("Kernel: ", r"\bKernel: (\d{1,3}\.\d{1,3}\S{0,100})")
@form("Kernel: Linux ", r"Kernel: Linux (\d{1,3}\.\d{1,3}\S{0,100})")
@form("kernelVersion", r"kernelVersion[\"']?:\s+[\"']?(\d{1,3}\.\d{1,3}[^\s\"',]{0,100})")
def _release(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("release", found[1].rstrip(";,"))


@form("elease", r"^\s*(?:[Kk]ernel\s+)?[Rr]elease\s*[:=]\s*(\d{1,2}\.\d{1,3}\.\d[\w.+~-]{0,100})\s*$", 20, re.MULTILINE)
def _release_named(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("release", found[1])


@form("Linux ", r"\bLinux (?!version)(\S{1,80}) (\d{1,3}\.\d{1,3}[^\s,]{0,100}) (#[^\n]{0,160})")
def _uname(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("host", found[1])
    yield Seen("release", found[2])
    named = [word for word in found[3].split() if word in facts.ARCHITECTURE_NAMES]
    if named:
        yield Seen("architecture", facts.ARCHITECTURE_NAMES[named[0]])


@form("Linux ", r"\bLinux (\d{1,3}\.\d{1,3}\S{0,100}) ([\w-]{3,40})(?=\s|$)")
@form("uname -", r"uname -(?:rm|mr|r -m)[ \t]*\n[ \t]*(\d{1,3}\.\d{1,3}\S{0,100})[ \t]+([\w-]{3,40})[ \t]*(?=\n|$)")
def _uname_short(found: re.Match[str], _: Document) -> Iterator[Seen]:
    if found[2] in facts.ARCHITECTURE_NAMES:
        yield Seen("release", found[1])
        yield from architecture(found[2])


@form("Architecture:", r"Architecture:\s+([\w-]{1,40})")
@form("arch: ", r"\barch: ([\w-]{1,40})")
@form("MACHINE:", r"MACHINE:\s+([\w-]{1,40})")
@form("CPU model:", r"CPU model:\s+([\w-]{1,40})")
@form("<arch>", r"<arch>([\w-]{1,40})</arch>")
@form("kernel.arch", r"kernel\.arch\s*=\s*([\w-]{1,40})")
@form("uname -m", r"uname -m[ \t]*\n[ \t]*([\w-]{1,40})")
@form("ansible_architecture", r"ansible_architecture[\"']?\s*[:=]\s*[\"']?([\w-]{1,40})")
@form('"arch"', r"\"arch\":\s*\"([\w-]{1,40})\"")
@form("architecture", r"(?<![\w_])architecture[\"']?\s*[:=]\s*[\"']?([\w-]{1,40})")
def _architecture(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield from architecture(found[1])


def architecture(name: str) -> Iterator[Seen]:
    """An architecture, however it is spelt; nothing for what is none."""
    known = facts.ARCHITECTURE_NAMES.get(name)
    if known:
        yield Seen("architecture", known)


@form("ansible_pagesize", r"ansible_pagesize[\"']?:\s*[\"']?(\d{4,6})\b")
@form("PAGE_SIZE", r"\bPAGE_SIZE\b\W{0,4}\s*(\d{4,6})\b")
@form("PAGESIZE", r"\bPAGESIZE\b\W{0,4}\s*(\d{4,6})\b")
def _page_size(found: re.Match[str], _: Document) -> Iterator[Seen]:
    if int(found[1]) in (4096, 8192, 16384, 32768, 65536):
        yield Seen("base page", int(found[1]))


@form("_PHYS_PAGES", r"(?<!AV)_PHYS_PAGES\s+(\d{1,15})")
def _phys(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("managed pages", int(found[1]))


@form("SIZE(page)", r"SIZE\(page\)=(\d{2,3})\b")
@form("struct page {", r"struct page \{[^}]{0,6000}?/\* size: (\d{2,3}),")
def _struct_page(found: re.Match[str], _: Document) -> Iterator[Seen]:
    if int(found[1]) % 4 == 0 and 32 <= int(found[1]) <= 256:
        yield Seen("struct page", int(found[1]))


_BASE_OPTIONS = {"ARM64_4K_PAGES": 4, "ARM64_16K_PAGES": 16, "ARM64_64K_PAGES": 64, "PPC_64K_PAGES": 64, "PPC_4K_PAGES": 4,
                 "PAGE_SIZE_4KB": 4, "PAGE_SIZE_16KB": 16, "PAGE_SIZE_64KB": 64}  # fmt: skip
_DEFAULTS = ("HUGETLB_PAGE_OPTIMIZE_VMEMMAP_DEFAULT_ON", "HUGETLB_PAGE_FREE_VMEMMAP_DEFAULT_ON")
_BUILT = ("HUGETLB_PAGE_OPTIMIZE_VMEMMAP", "HUGETLB_PAGE_FREE_VMEMMAP")


@form("CONFIG_", r"(#\s*)?CONFIG_(\w{1,80})(?:=([ymn])\b|\s+is not set)", 4)
def _config(found: re.Match[str], _: Document) -> Iterator[Seen]:
    name, yes = found[2], found[3] == "y"
    if name in _BASE_OPTIONS and yes:
        yield Seen("base page", _BASE_OPTIONS[name] * KiB)
    elif name in _DEFAULTS:
        yield Seen("built on", yes)
    elif name in _BUILT:
        yield Seen("built", yes)
    elif name in _BUILT_FOR and yes:
        yield Seen("architecture", _BUILT_FOR[name])
    elif name == "KMSAN" and yes:
        yield Seen("struct page", 80)
    elif name == "HUGETLBFS" and not yes:
        yield Seen("no HugeTLB", True)


# --- tools -----------------------------------------------------------------------------------------------------------

_TOOL_UNITS = {"": 1, "B": 1, "K": KiB, "M": MiB, "G": GiB, "T": TiB}


for _total in facts.TOTALS:

    @form(
        f"{_total}:",
        rf"(?m:^)[ \t]*{_total}:[ \t]+(\d+(?:[.,]\d+)?)([BKMGT]?)(i?)[ \t]+\d+(?:[.,]\d+)?[BKMGT]?i?[ \t]+\d",
        4,
    )
    def _free(found: re.Match[str], document: Document) -> Iterator[Seen]:
        number = float(found[1].replace(",", "."))
        if found[2] and found[2] != "B":
            # Rounded to three digits: one in the last of them may be too much. Without an i it may be decimal.
            digit = 0.1 if re.search(r"[.,]", found[1]) else 1
            unit_of = _TOOL_UNITS[found[2]] if found[3] else 1000 ** ("BKMGT".index(found[2]))
            yield Seen("free", max(0, int((number - digit) * unit_of)))
            return
        value = int(number)
        before = document.text[max(0, found.start() - 240) : found.start()]
        command = re.findall(r"\bfree((?:[ _]+--?[a-z]+(?: \d+)?)+)", f"{document.name} {before}")
        options = command[-1] if command else ""
        asked = re.findall(r"(?<=[ _])(?:--(?=[bkmgt])|-[a-z]*?(?=[bkmg]))([a-z])", options)
        decimal = "--si" in options
        unit = asked[-1].upper() if asked else ("B" if value > 1 << 33 and value % 4096 == 0 else "K")
        if not asked and value < 1 << 19:
            return  # in units that the text does not tell, for no host has so few KiB
        factor = 1000 ** "BKMGT".index(unit) if decimal else _TOOL_UNITS[unit]
        if value * factor <= LARGEST:
            yield Seen("free", value * factor)


@form("ansible_memtotal_mb", r"ansible_memtotal_mb[\"']?:\s*[\"']?(\d{1,9})\b")
def _ansible(found: re.Match[str], _: Document) -> Iterator[Seen]:
    if int(found[1]) * MiB <= LARGEST:
        yield Seen("free", int(found[1]) * MiB)


@form(" size: ", r"node\s+(\d{1,4})\s+size:\s+(\d{1,9})\s+MB", 12)
def _numactl(found: re.Match[str], _: Document) -> Iterator[Seen]:
    if int(found[2]) * MiB <= LARGEST:
        yield Seen("numactl", int(found[2]) * MiB, node=int(found[1]))


@form("Memory size:", r"Memory size:\s+(\d{1,15})\s+KiB")
def _virsh(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("virsh", int(found[1]) * KiB)


_CELL = re.compile(r"<cell id=['\"](\d{1,4})['\"]>(?!.*</cell>)", re.DOTALL)


@form("<pages unit=", r"<pages unit=['\"]KiB['\"] size=['\"](\d{1,13})['\"]>(\d{1,18})</pages>")
def _virsh_pool(found: re.Match[str], document: Document) -> Iterator[Seen]:
    size = int(found[1]) * KiB
    cell = _CELL.search(document.text, max(0, found.start() - 600), found.start())
    if size > 64 * KiB and _few(size, int(found[2])):
        yield Seen("node pool" if cell else "tool pool", int(found[2]), size, int(cell[1]) if cell else None)


@form("<cell id=", r"<cell id=['\"](\d{1,4})['\"]>\s*<memory unit=['\"]KiB['\"]>(\d{1,15})</memory>")
def _virsh_cell(found: re.Match[str], _: Document) -> Iterator[Seen]:
    if int(found[2]) * KiB <= LARGEST:
        yield Seen("numactl", int(found[2]) * KiB, node=int(found[1]))


@form("hugepages-", r"hugepages-(\d{1,6})([KMG])i[\"']?:\s*[\"']?(\d{1,15})([KMGT]?)i?\b")
def _kubernetes(found: re.Match[str], document: Document) -> Iterator[Seen]:
    size, amount = int(found[1]) * _UNITS[found[2]], int(found[3]) * _UNITS[found[4]]
    listed = re.findall(
        r"\b(limits|requests|capacity|allocatable)\b", document.text[max(0, found.start() - 400) : found.start()], re.I
    )
    if listed and listed[-1].lower() in ("limits", "requests"):
        return  # of a pod
    if _power(size) and amount % size == 0 and amount <= LARGEST:
        yield Seen("capacity", amount // size, size)


@form(" memory", r"(?m:^)\s+memory:\s+(\d{1,15})Ki\b", 40)
@form('"memory"', r"[\"']memory[\"']:\s*[\"'](\d{1,15})Ki\b")
def _kubernetes_memory(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("capacity memory", int(found[1]) * KiB)


@form("Minimum", r"Size\s+Minimum\s+Current\s+Maximum\s+Default((?:\s+\d+\s+\d+\s+\d+\s+\d+(?:\s+\*)?)+)", 12)
def _hugeadm(found: re.Match[str], _: Document) -> Iterator[Seen]:
    for size, _least, count, _most in re.findall(r"(\d{1,16})\s+(\d{1,15})\s+(\d{1,15})\s+(\d{1,15})", found[1]):
        if _few(int(size), int(count)):
            yield Seen("tool pool", int(count), int(size))


@form("Pages", r"Node\s+Pages\s+Size\s+Total((?:\s+\d+\s+\d+\s+\d+[KMG]b\s+[\d.]+[KMGT]b)+)", 8)
def _dpdk_nodes(found: re.Match[str], _: Document) -> Iterator[Seen]:
    for node, count, size, unit in re.findall(r"(\d+)\s+(\d+)\s+(\d+)([KMG])b\s+[\d.]+[KMGT]b", found[1]):
        if _few(int(size) * _UNITS[unit], int(count)):
            yield Seen("node pool", int(count), int(size) * _UNITS[unit], int(node))


@form("Pages", r"Pages\s+Size\s+Total((?:\s+\d+\s+\d+[KMG]b\s+[\d.]+[KMGT]b)+)")
def _dpdk(found: re.Match[str], document: Document) -> Iterator[Seen]:
    for count, size, unit in re.findall(r"(\d+)\s+(\d+)([KMG])b\s+[\d.]+[KMGT]b", found[1]):
        if _few(int(size) * _UNITS[unit], int(count)):
            yield Seen("tool pool", int(count), int(size) * _UNITS[unit])


@form("node_memory_", r"node_memory_(\w{1,40}?)(?:_bytes)?(?:\{[^}\n]{0,300}\})?\s+([\d.]{1,30}(?:e[+-]?\d{1,2})?)")
def _prometheus(found: re.Match[str], _: Document) -> Iterator[Seen]:
    try:
        value = int(float(found[2]))
    except (ValueError, OverflowError):
        return
    name = {
        "MemTotal": "MemTotal",
        "HugePages_Total": "default pool",
        "Hugepagesize": "default size",
        "Hugetlb": "all pools",
    }
    if found[1] in name and 0 <= value <= LARGEST:
        yield Seen(name[found[1]], value)


@form("node_uname_info", r"node_uname_info\{[^}\n]{0,600}\}")
def _prometheus_name(found: re.Match[str], _: Document) -> Iterator[Seen]:
    told = dict(re.findall(r'(\w+)="([^"]{1,100})"', found[0]))
    if "nodename" in told:
        yield Seen("host", told["nodename"])
    if re.match(r"\d{1,3}\.\d{1,3}", told.get("release", "")):
        yield Seen("release", told["release"])
    yield from architecture(told.get("machine", ""))


@form("MemTotal", r"MemTotal(?:[ \t]+\d{1,12}\.\d\d)+(?=[ \t]*$)", 0, re.MULTILINE)
def _numastat(found: re.Match[str], _: Document) -> Iterator[Seen]:
    total = float(found[0].split()[-1])
    if total * MiB <= LARGEST:
        yield Seen("numactl", int(total * MiB))


passed("HugePages_", r"HugePages_\w{1,20}(?:[ \t]+\d{1,12}\.\d\d)+")
passed("Hugepages mounted", _REST)
_BUILT_FOR = {"X86_64": "x86_64", "ARM64": "aarch64", "PPC64": "ppc64le", "S390": "s390x", "RISCV": "riscv64",
              "LOONGARCH": "loongarch64", "X86_32": "i686"}  # fmt: skip


@form("Kernel Configuration", r"Linux/\w+ (\d{1,3}\.\d{1,3}\S{0,100}) Kernel Configuration", 140)
def _configured(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("release", found[1])


# --- whose text ------------------------------------------------------------------------------------------------------


@form("ostname", r"(?:Static |kernel\.)?[Hh]ostname\s*[:=]\s*([\w][\w.-]{0,62})\b", 12)
@form("hostname", r"(?:bin/|\$ |# )hostname[ \t]*\n[ \t]*([\w][\w.-]{0,62})[ \t]*\n", 8)
@form("ostname", r"(?:ansible_)?[Hh]ostname[\"']:\s*[\"']([\w][\w.-]{0,62})[\"']", 10)
@form(" | CHANGED", r"(?m:^)([A-Za-z][\w.-]{0,62}) \| CHANGED", 64)
@form(" | SUCCESS", r"(?m:^)([A-Za-z][\w.-]{0,62}) \| SUCCESS", 64)
@form("--------\n", r"-{8}\n([A-Za-z][\w.-]{0,62})\n-{8,80}\n")
@form("NODENAME:", r"NODENAME:\s+([\w][\w.-]{0,62})")
@form("uname -n", r"uname -n[ \t]*\n[ \t]*([\w][\w.-]{0,62})")
@form("Name:", r"(?m:^)Name:[ \t]+([\w][\w.-]{0,62})[ \t]*$", 0, re.MULTILINE)
@form("root@", r"(?m:^)\[?root@([\w][\w.-]{0,62})[ :][^\n]{0,80}?[#$] ", 2)
@form(":~$ ", r"(?m:^)[\w.-]{1,32}@([\w][\w.-]{0,62}):~\$ ", 100)
@form(" ~]$ ", r"(?m:^)\[[\w.-]{1,32}@([\w][\w.-]{0,62}) ~\]\$ ", 100)
def _host(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("host", found[1])


@form(
    "host",
    r"^[=#*\s-]{0,80}(?:host|node name|server|machine)\s*[:=]\s*([A-Za-z][\w.-]{0,62})[=#*\s-]{0,80}$",
    12,
    re.MULTILINE,
)
def _host_headed(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("host", found[1])


@form("-- Reboot", r"-- Reboot --")
@form("-- Boot ", r"-- Boot ([0-9a-f-]{4,40})")
def _reboot(found: re.Match[str], _: Document) -> Iterator[Seen]:
    yield Seen("reboot", found[found.re.groups])


# --- reading ---------------------------------------------------------------------------------------------------------

_PREFIX = re.compile(
    r"(?:\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?|^)\s+([A-Za-z][\w.-]{0,62})\s+kernel(?:\[\d+\])?:|^([A-Za-z][\w.-]{0,62})\s+kernel:"
)
_SPEAKS = re.compile(r"[Hh]uge ?[Pp]age|HugeTLB|[Hh]ugetlb|vmemmap|\bMemTotal\b|^\s*(?:\S+ )?Memory:\s+\d")
_SPEAKING = ("huge", "Huge", "vmemmap", "MemTotal", "Memory:")
MOST_LINES = 20


@dataclass(frozen=True)
class Reading:
    """What all documents say, in order, and the lines that speak of memory and were not understood."""

    seen: tuple[Seen, ...]
    not_understood: tuple[str, ...]
    cut: bool


def read(documents: list[Document]) -> Reading:
    """Everything that the forms find in some documents."""
    seen: list[Seen] = []
    strange: list[str] = []
    cut = False
    for number, document in enumerate(documents):
        found, lines, was_cut = _read_one(number, document)
        seen += found
        strange += lines[: max(0, MOST_LINES - len(strange))]
        cut = cut or was_cut
    return Reading(tuple(seen), tuple(dict.fromkeys(strange)), cut)


def _read_one(number: int, document: Document) -> tuple[list[Seen], list[str], bool]:
    text, spans, found = document.text, [], []
    taken: dict[int, set[int]] = {}
    places, cut = find(text, {form.word for form in FORMS} | set(_SPEAKING), MOST_HITS)
    for form in FORMS:
        for at in places.get(form.word, ()):
            line = max(text.rfind("\n", 0 if at < 400 else at - 400, at) + 1, at - 400)
            match = form.pattern.match(text, at) if not form.back else None
            if match is None and form.back:
                begin = max(0, at - form.back)
                for match in form.pattern.finditer(text, begin, at + AHEAD):
                    if match.end() > at:
                        break
                else:
                    match = None
                if match is not None and match.start() > at:
                    match = None
            if match is None or match.start() in taken.setdefault(id(form.read), set()):
                continue
            taken[id(form.read)].add(match.start())
            new = list(form.read(match, document))
            if new or _is_passing(form):
                spans.append((match.start(), match.end()))
            prefix = _PREFIX.search(text[line : match.start()]) if new and match.start() - line < 200 else None
            host = (prefix[1] or prefix[2]) if prefix else None
            where = text[line : match.end()].strip()[:LONGEST]
            found += [
                Seen(one.what, one.value, one.size, one.node, one.line or where, (number, match.start()), host)
                for one in new
            ]
    found.sort(key=lambda one: one.at)
    return found, _strange(text, spans, places), cut


def _is_passing(form: Form) -> bool:
    return form.read.__name__ == "<lambda>"


def _strange(text: str, spans: list[tuple[int, int]], places: dict[str, list[int]]) -> list[str]:
    """Lines that speak of memory and that no form took."""
    spans.sort()
    starts = [start for start, _ in spans]
    lines: list[str] = []
    seen: set[int] = set()
    ends, most = [], 0
    for _, end in spans:
        most = max(most, end)
        ends.append(most)
    for word in _SPEAKING:
        for at in places.get(word, ()):
            start = max(text.rfind("\n", max(0, at - 2000), at) + 1, at - 2000)
            stop = text.find("\n", at, at + 2000)
            stop = stop if stop >= 0 else min(len(text), at + 2000)
            if start in seen:
                continue
            seen.add(start)
            before = bisect_right(starts, stop)
            touched = before > 0 and ends[before - 1] > start
            if not touched and _SPEAKS.search(text[start : min(stop, start + 400)]):
                lines.append(text[start:stop].strip()[:LONGEST])
            if len(lines) >= MOST_LINES:
                return lines
    return lines
