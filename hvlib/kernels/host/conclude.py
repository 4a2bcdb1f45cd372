"""What follows from what was seen of one boot: the arithmetic of witness 1 beside the kernel's own counters.

Nothing the model says is made from the counters that it is set beside. Where the text leaves a question open, the
answer is `None`, with what would tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from ...arithmetic.geometry import HugePage
from ...facts import hosts as facts
from ...facts.layout import PTE, STRUCT_PAGE
from ...facts.schemes import Scheme, scheme_in
from ...units import GiB, KiB, format_size
from .forms import LARGEST
from .hosts import Boot

Known = Literal["exact", "at least", "unknown"]
Optimisation = Literal["on", "off", "not in this kernel", "not on this architecture", "unknown"]


@dataclass(frozen=True)
class Pool:
    """Huge pages of one size, and how their number is known."""

    size: int
    count: int
    how: str


@dataclass(frozen=True)
class Host:
    """What a text says of one boot of one host. Sizes in bytes; `None`: the text does not tell.

    ``how`` says for each answer where it is from. ``memory`` is RAM that has struct pages, ``known`` exactly, at
    least, or not. ``saved`` and ``to_save`` are gross, ``tables_at_most`` the page tables they cost. ``agrees``:
    whether the counters are what RAM, pools and switch let the model expect. ``each`` is what a page of a size gives
    back, ``frees`` the same where the boot log itself says it, ``if_all`` what all of the RAM in pages of 2 MiB would.
    """

    name: str | None
    release: str | None
    architecture: str | None
    base_page: int | None
    struct_page: int | None
    memory: int | None
    known: Known
    pools: tuple[Pool, ...]
    optimisation: Optimisation
    can: bool | None
    each: dict[int, int]
    saved: int | None
    to_save: int | None
    saved_is: Literal["counted", "assumed"] | None
    tables_at_most: int | None
    before: int | None
    counted: int | None
    agrees: bool | None
    how: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    would_tell: tuple[str, ...] = ()
    frees: dict[int, int] = field(default_factory=dict)
    if_all: int | None = None

    @property
    def series(self) -> facts.Series | None:
        """The first two numbers of the release."""
        return _series(self.release)

    @property
    def says_something(self) -> bool:
        """Whether anything was understood that is about this host's memory or kernel."""
        return bool(self.release or self.memory or self.pools or self.frees or self.how.get("optimisation")
                    or self.architecture or self.how.get("can"))  # fmt: skip


def conclude(boot: Boot) -> Host:
    """The answer for one boot."""
    return _Conclusion(boot).host()


def is_crash_kernel(boot: Boot) -> bool:
    """Whether this is the kernel that writes a dump, which has the RAM of ``crashkernel=`` and is not the host's."""
    return any("elfcorehdr=" in one.value for one in boot.lists.get("words", ()))


class _Conclusion:
    def __init__(self, boot: Boot) -> None:
        self.boot = boot
        self.how: dict[str, str] = {}
        self.notes: list[str] = []
        self.would: list[str] = []
        self.words = Words.of([one.value for one in boot.lists.get("words", ())])
        self.release = boot.get("release") or self.words.release
        self.series = _series(self.release)
        self.vendor = _vendor(self.release)
        self.sizes = self._sizes()
        self.architecture, self.base_page = self._machine()

    # --- what machine ------------------------------------------------------------------------------------------------

    def _sizes(self) -> set[int]:
        kinds = ("size", "pool", "node pool", "log pool", "log frees", "log frees pages", "tool pool", "capacity")
        told = {one.size for what in kinds for one in self.boot.all(what)}
        return {size for size in {*told, self.boot.get("default size")} if size}

    def _machine(self) -> tuple[str | None, int | None]:
        name = self.boot.get("architecture")
        if name:
            self.how["architecture"] = "as the text says"
        elif self.release:
            words = re.split(r"[-._+]", self.release)
            for start in range(len(words)):
                for piece in ("-".join(words[start : start + 2]), "_".join(words[start : start + 2]), words[start]):
                    if name is None and piece in facts.ARCHITECTURE_NAMES and piece != "686":
                        name = facts.ARCHITECTURE_NAMES[piece]
                        self.how["architecture"] = "from the release's name"
            if re.search(r"[-.]686(-pae)?\b", self.release):
                name, self.how["architecture"] = "i686", "from the release's name"
        if name is None and self.vendor and self.vendor.implies:
            name, self.how["architecture"] = self.vendor.implies, f"{self.vendor.name} has no other"
        betrayed = [facts.BETRAYS[size] for size in self.sizes if size in facts.BETRAYS]
        if name is None:
            name = self._by_sizes(betrayed)
        if self.boot.get("32 bits") and name in (None, "x86_64"):
            name, self.how["architecture"] = "i686", "from words that only 32-bit kernels say"
        return name, self._base_page(name, betrayed)

    def _by_sizes(self, betrayed: list[tuple[str, int]]) -> str | None:
        maps = {one.value for one in self.boot.all("direct map")}
        if "e820" in self.boot.lists or ({"2M", "1G"} <= maps and "64k" not in maps):
            self.how["architecture"] = "from what only x86 says"
            return "x86_64"
        fits = {name for name, _, sizes in facts.SIZES if self.sizes and self.sizes <= set(sizes)}
        if betrayed:
            fits = {betrayed[0][0]}
        elif self.sizes == {32 * 1024 * KiB}:
            fits = {"loongarch64"}
        elif {32 * 1024 * KiB} < self.sizes:
            fits = {"aarch64"}
        if len(fits) == 1:
            self.how["architecture"] = "from its huge page sizes"
            return fits.pop()
        return None

    def _base_page(self, name: str | None, betrayed: list[tuple[str, int]]) -> int | None:
        said = self.boot.get("base page")
        if said:
            self.how["base page"] = "as the text says"
            return int(said)
        suffix = re.search(r"[+._-](4|16|64)k(?:b|\b|-|_|$)", self.release or "")
        if suffix:
            self.how["base page"] = "from the release's name"
            return int(suffix[1]) * KiB
        possible = facts.BASE_PAGES.get(name or "", ())
        if len(possible) == 1:
            self.how["base page"] = f"{name} has no other"
            return possible[0]
        from_log = self._base_page_of_log(possible)
        if from_log:
            self.how["base page"] = "from the numbers of its boot log"
            return from_log
        fits = {base for arch, base, sizes in facts.SIZES if arch == name and self.sizes and self.sizes <= set(sizes)}
        if betrayed and (name is None or betrayed[0][0] == name):
            self.how["base page"] = "from its huge page sizes"
            return betrayed[0][1]
        if name == "aarch64" and self.boot.get("default size") == 2 << 20 and not {512 << 20, 64 * KiB} & self.sizes:
            fits = {4 * KiB}
        whole = {base for arch, base, sizes in facts.SIZES if arch == name and self.sizes == set(sizes)}
        fits = whole if len(whole) == 1 else fits
        if len(fits) == 1 and possible:
            self.how["base page"] = "from its huge page sizes"
            return fits.pop()
        if name is None and self.sizes and self.sizes <= {2 << 20, GiB}:
            self.how["base page"] = "taken to be that of x86-64"
            self.would.append("uname -m, and getconf PAGESIZE for the base page")
            return 4 * KiB
        if possible:
            self.how["base page"] = "the usual one there"
            self.would.append("getconf PAGESIZE for the base page")
            return possible[0]
        if name is None and self.boot.get("MemTotal"):
            self.how["base page"] = "taken to be that of x86-64"
            self.would.append("uname -m, and getconf PAGESIZE for the base page")
            return 4 * KiB
        return None

    def _base_page_of_log(self, possible: tuple[int, ...]) -> int | None:
        """The base page with which struct pages of 64 bytes give the KiB that the log prints."""
        said = {one.size: one.value for one in self.boot.all("log frees") if one.value and one.size}
        fits = [
            base
            for base in (4 * KiB, 8 * KiB, 16 * KiB, 64 * KiB)
            if said and all(base < size and _one_kept(size, base) == value for size, value in said.items())
        ]
        fits = [base for base in fits if not possible or base in possible]
        return fits[0] if len(fits) == 1 else None

    def _struct_page(self) -> int | None:
        told = self.boot.get("struct page")
        if told:
            self.how["struct page"] = "as the text says"
            return int(told)
        if self.architecture in facts.THIRTY_TWO_BITS:
            self.how["struct page"] = "32 bytes or more on 32 bits; the text does not tell"
            return None
        frees = [one for one in self.boot.all("log frees") if one.value and one.size]
        if frees and self.base_page:
            for size in (STRUCT_PAGE, 56, 72, 80, 88, 96, 128):
                if any(one.size // self.base_page * size - self.base_page == one.value for one in frees if one.size):
                    self.how["struct page"] = "from the numbers of its boot log"
                    return size
        zero = self._says_zero() and self.architecture in ("x86_64", "riscv64", "loongarch64")
        if self.boot.get("crosses") or zero:
            debian = self.vendor is not None and self.vendor.name == "Debian"
            where, since = facts.EIGHTY_BYTES
            if self.architecture == where and debian and self.series and self.series >= since:
                self.how["struct page"] = "as in Debian's kernels of that series"
                return 80
            if self.boot.get("crosses") or self._supported():
                self.how["struct page"] = "no power of two: this kernel says it can free nothing"
                return None
        self.how["struct page"] = "as in nearly all 64-bit builds"
        return STRUCT_PAGE

    def _says_zero(self) -> bool:
        lines = self.boot.all("log frees")
        whole_pages = [
            one for one in lines if one.size and self.base_page and one.size // self.base_page * 64 > self.base_page
        ]
        return bool(lines) and not any(one.value for one in lines) and (bool(whole_pages) or not self.base_page)

    # --- how much RAM ------------------------------------------------------------------------------------------------

    def _memory(self) -> tuple[int | None, Known]:
        for size, how in self._exact():
            if 0 < size <= LARGEST:
                self.how["memory"] = how
                guessed = self.how.get("base page") == "the usual one there" and self.base_page == 4 * KiB
                return size, "at least" if guessed and "pages" in how else "exact"
        least = list(self._least())
        if least:
            size, how = max(least)
            self.how["memory"] = how
            return size, "at least"
        self.would.append("/proc/meminfo or /proc/zoneinfo for the RAM")
        return None, "unknown"

    def _exact(self) -> Iterator[tuple[int, str]]:
        base = self.base_page or 4 * KiB
        zones = [one for (what, _, _), one in self.boot.last.items() if what.startswith("zone ")]
        if zones and any(one.value for one in zones):
            yield sum(one.value for one in zones) * base, "the present pages of /proc/zoneinfo"
        memory = self.boot.seen("RAM")
        if memory:
            yield memory.value, memory.line
        pages = self.boot.seen("RAM pages")
        if pages:
            yield pages.value * base, "the line of pages RAM"
        if self.boot.lists.get("ranges"):
            yield sum(end - start for start, end in self.boot.lists["ranges"][-1].value), "the early memory node ranges"
        zones = [one for (what, _, _), one in self.boot.last.items() if what.startswith("OOM zone ")]
        if zones:
            yield sum(one.value for one in zones), "the zones of a report on memory"
        if self.boot.get("memblock"):
            yield self.boot.get("memblock"), "memblock's own sum"
        if self.boot.lists.get("node pages"):
            yield sum(one.value for one in self.boot.lists["node pages"]) * base, "the totalpages of its nodes"
        if self.boot.lists.get("e820"):
            yield sum(end - start for start, end in self._e820()), "the usable ranges of the firmware's map"

    def _e820(self) -> list[tuple[int, int]]:
        ranges = self.boot.lists.get("e820", [])
        user = [one.value for one in ranges if one.node]
        return sorted(set(user or [one.value for one in ranges]))

    def _least(self) -> Iterator[tuple[int, str]]:
        base = self.base_page or 4 * KiB
        names = (("MemTotal", "MemTotal, which is less than the RAM"), ("free", "the total of free"),
                 ("virsh", "virsh nodeinfo"), ("capacity memory", "the node's capacity"))  # fmt: skip
        for what, how in names:
            value = self.boot.get(what)
            if what == "free" and self.boot.get("MemTotal"):
                continue
            if value:
                yield value, how
        for what, how in (("node MemTotal", "MemTotal of its nodes"), ("numactl", "numactl -H")):
            each = self.boot.all(what)
            if each and not self.boot.get("MemTotal"):
                yield sum(one.value for one in each), how
        if self.boot.get("managed pages") and self.boot.get("base page"):
            yield self.boot.get("managed pages") * base, "_PHYS_PAGES of getconf"
        pools = sum(pool.size * pool.count for pool in self.pools if "asked" not in pool.how)
        if pools:
            yield pools, "its huge pages alone"

    # --- huge pages --------------------------------------------------------------------------------------------------

    def _pools(self) -> tuple[Pool, ...]:
        found: dict[int, tuple[int, str]] = {}
        default = self._default_size()
        for size, count, how in self._told_pools(default):
            if size not in found and size * count <= LARGEST:
                found[size] = count, how
        return tuple(Pool(size, *found[size]) for size in sorted(found, reverse=True))

    def _default_size(self) -> int | None:
        return (self.boot.get("default size") or self.words.default_size
                or {"x86_64": 2 << 20, "s390x": 1 << 20, "riscv64": 2 << 20}.get(self.architecture or ""))  # fmt: skip

    def _told_pools(self, default: int | None) -> Iterator[tuple[int, int, str]]:
        """Size, number and how it is known, best first."""
        boot = self.boot
        for one in boot.all("pool"):
            yield one.size or 0, one.value, "/sys/kernel/mm/hugepages"
        nodes: dict[int, int] = {}
        for one in boot.all("node pool"):
            nodes[one.size or 0] = nodes.get(one.size or 0, 0) + one.value
        for size, count in nodes.items():
            yield size, count, "the sum of its nodes"
        for what, how in (("tool pool", "a tool's list of pools"), ("capacity", "the node's capacity")):
            for one in boot.all(what):
                yield one.size or 0, one.value, how
        total, how = boot.get("default pool"), "HugePages_Total of /proc/meminfo"
        if total is None and boot.all("node default"):
            total = sum(one.value for one in boot.all("node default"))
        if total is None:
            total, how = boot.get("sysctl pool"), "vm.nr_hugepages"
        if total is not None and default:
            if not self.boot.get("default size") and not self.words.words:
                how += "; of the usual size, which the text does not tell"
                self.would.append("grep Hugepagesize /proc/meminfo for the size of the pages")
            yield default, total, how
            if boot.get("all pools") is not None:
                yield from self._others(default, boot.get("all pools") - total * default)
        yield from self._boot_pools(default)

    def _others(self, default: int, rest: int) -> Iterator[tuple[int, int, str]]:
        """What Hugetlb: of /proc/meminfo leaves for the sizes that HugePages_Total does not count."""
        asked = {size: count for size, count, _ in self._boot_pools(default) if size != default}
        sizes = {size for size in {*self.sizes, *asked} if size != default}
        how = "Hugetlb: of /proc/meminfo, less the default size"
        if rest == 0:
            yield from ((size, 0, how) for size in sizes)
        elif rest > 0 and rest == sum(size * count for size, count in asked.items()):
            yield from ((size, count, how) for size, count in asked.items())
        elif rest > 0:
            if not sizes:
                two = self.architecture in ("x86_64", None) and self.base_page == 4 * KiB and default in (2 << 20, GiB)
                sizes = {2 << 20, GiB} - {default} if two else set()
            if len(sizes) == 1 and rest % (size := sizes.pop()) == 0:
                yield size, rest // size, how
            else:
                self.notes.append(f"{format_size(rest)} more are in pools of sizes that the text does not tell apart")
                self.would.append("grep . /sys/kernel/mm/hugepages/*/nr_hugepages for the pools")

    def _boot_pools(self, default: int | None) -> Iterator[tuple[int, int, str]]:
        boot = self.boot
        got: dict[int, int] = {}
        for one in boot.lists.get("log got", ()):
            if one.size and one.node is None:
                got[one.size] = one.value[0]
        lost: dict[int, int] = {}
        for one in boot.lists.get("log lost", ()):
            lost[one.size or 0] = lost.get(one.size or 0, 0) + one.value
        for one in boot.all("log pool"):
            yield one.size or 0, one.value, "the boot log: pre-allocated"
        for size, count in got.items():
            yield size, max(0, count - lost.get(size, 0)), "the boot log: only so many were got"
        if boot.get("no HugeTLB"):
            return
        sizes = {size for name, _, sizes in facts.SIZES if name == self.architecture for size in sizes}
        for size, count in self.words.pools(default, sizes or None).items():
            if boot.get("CMA instead") and size >= GiB:
                count = 0
            short = sum(one.value[1] - one.value[0] for one in boot.lists.get("log got", ())
                        if one.size == size and one.node is not None)  # fmt: skip
            yield size, max(0, count - lost.get(size, 0) - short), "asked for on the command line"

    # --- can it, is it on --------------------------------------------------------------------------------------------

    def _supported(self) -> bool | None:
        """Whether mainline of this series has the optimisation on this architecture."""
        if self.architecture in facts.THIRTY_TWO_BITS:
            return False
        support = facts.SUPPORT.get(self.architecture or "")
        if self.architecture and support is None:
            return False
        if self.series is None or support is None:
            return None
        return support.has_hvo(self.series) and self.series not in support.undone

    def _can(self) -> tuple[bool | None, Optimisation]:
        """Whether this kernel is able to, and what it is called if not."""
        boot = self.boot
        lines = [*boot.all("log frees"), *boot.all("log frees pages")]
        cannot = self._which_not()
        if boot.get("crosses"):
            self.how["can"] = "its boot log says that a struct page crosses page boundaries"
            return False, "not in this kernel"
        if any(one.value for one in lines):
            self.how["can"] = "its boot log says what can be freed"
            return True, "unknown"
        if boot.get("switch") is not None:
            self.how["can"] = "vm.hugetlb_optimize_vmemmap is there"
            return True, "unknown"
        if boot.get("log off"):
            self.how["can"] = "its boot log says that it is disabled"
            return True, "unknown"
        if boot.get("no HugeTLB"):
            self.how["can"] = "it has no HugeTLB pages"
            return False, cannot
        if self._says_zero():
            self.how["can"] = "its boot log says that 0 KiB can be freed"
            return False, cannot
        if boot.get("struct page") and boot.get("struct page") & (boot.get("struct page") - 1):
            self.how["can"] = "its struct page is no power of two"
            return False, "not in this kernel"
        late = self.series is not None and self.series >= facts.SWITCH_SINCE
        if boot.get("no switch") and (late or not self.release):
            self.how["can"] = "vm.hugetlb_optimize_vmemmap is not there"
            return False, cannot
        if boot.get("sysctls listed") and late:
            self.how["can"] = "its list of sysctls lacks vm.hugetlb_optimize_vmemmap"
            return False, cannot
        if boot.get("built") is False:
            self.how["can"] = "its configuration"
            return False, cannot
        if boot.get("built") or boot.get("built on"):
            self.how["can"] = "its configuration"
            return True, "unknown"
        return self._can_by_release(cannot)

    def _can_by_release(self, cannot: Optimisation) -> tuple[bool | None, Optimisation]:
        supported = self._supported()
        vendor = self.vendor
        own = vendor is not None and (vendor.can is False or not vendor.scheme_known)
        if vendor and own and self.architecture in (vendor.only, None):
            self.how["can"] = f"{vendor.name}: {vendor.source}"
            if vendor.can is None:
                self.would.append("sysctl vm.hugetlb_optimize_vmemmap, or the HugeTLB lines of dmesg")
            return vendor.can, cannot if vendor.can is False else "unknown"
        if self.architecture in facts.THIRTY_TWO_BITS:
            self.how["can"] = "kernels of 32 bits have no vmemmap"
            return False, "not on this architecture"
        if self.series and self.series < facts.FIRST:
            self.how["can"] = f"Linux before {facts.FIRST[0]}.{facts.FIRST[1]} has none"
            return False, "not in this kernel"
        if supported is False:
            self.how["can"] = f"Linux has it off on {self.architecture} in this release, or never had it there"
            return False, "not on this architecture"
        if supported:
            self.how["can"] = "by release and architecture"
            return True, "unknown"
        self.would.append("uname -a, sysctl vm.hugetlb_optimize_vmemmap, or the HugeTLB lines of dmesg")
        return None, "unknown"

    def _which_not(self) -> Optimisation:
        if self.series and self.series < facts.FIRST and self.architecture not in facts.THIRTY_TWO_BITS:
            return "not in this kernel"
        return "not on this architecture" if self._supported() is False else "not in this kernel"

    def _state(self) -> Optimisation:
        """On or off, for a kernel that is able to or may be."""
        boot = self.boot
        if boot.get("switch") is not None:
            self.how["optimisation"] = "vm.hugetlb_optimize_vmemmap"
            return "on" if boot.get("switch") else "off"
        if boot.get("log on") and not (self.series and self.series >= facts.SWITCH_SINCE):
            self.how["optimisation"] = "a boot log of 5.14 to 5.18 says what can be freed only if it is on"
            return "on"
        if boot.get("log off"):
            self.how["optimisation"] = "its boot log"
            return "off"
        series = max(self.series or facts.FIRST, (6, 0)) if any(boot.all("log frees")) else self.series
        asked = self.words.asked(series)
        if self.vendor and not self.vendor.scheme_known and asked != self.words.asked((6, 0)):
            self.would.append("sysctl vm.hugetlb_optimize_vmemmap")
            return "unknown"  # mainline of that number takes on and off alone; what is ported back may take more
        if asked is not None:
            self.how["optimisation"] = "hugetlb_free_vmemmap= on its command line"
            return "on" if asked else "off"
        if boot.get("built on") is not None:
            self.how["optimisation"] = "its configuration's default"
            return "on" if boot.get("built on") else "off"
        if self.vendor and self.vendor.default is not None and self.architecture in (self.vendor.only, None):
            self.how["optimisation"] = f"the default of {self.vendor.name}; the text has no switch"
            self.would.append("sysctl vm.hugetlb_optimize_vmemmap, or /proc/cmdline")
            return "on" if self.vendor.default else "off"
        registered = boot.all("log pool")
        if registered and not boot.all("log frees pages") and self.series and (5, 14) <= self.series <= (5, 18):
            self.how["optimisation"] = "its boot log registers sizes and says nothing of what can be freed"
            return "off"
        self.would.append("sysctl vm.hugetlb_optimize_vmemmap")
        return "unknown"

    def _scheme(self) -> Scheme:
        """The scheme that this kernel uses when it is on, as far as the text tells."""
        series = self.series or (6, 2)
        late = self.boot.get("switch") is not None or any(self.boot.all("log frees"))
        if late:
            series = max(series, facts.SWITCH_SINCE)
        elif self.vendor and not self.vendor.scheme_known and self.can is not False:
            self.notes.append("a vendor's release number does not tell how many pages are kept; the boot log does (24 "
                              "or 28 KiB for a page of 2 MiB), and the smaller saving is shown")  # fmt: skip
        series = max(series, facts.FIRST)
        return scheme_in(series)

    def _said(self) -> dict[int, int]:
        """Bytes for each size that the boot log says; the pages of 5.14 to 5.19 are base pages."""
        base = self.base_page or 4 * KiB
        said = {one.size: one.value for one in self.boot.all("log frees") if one.size}
        return {**{one.size: one.value * base for one in self.boot.all("log frees pages") if one.size}, **said}

    def _each(self, struct_page: int | None) -> dict[int, int]:
        """Bytes that a huge page of each size gives back, pool or no pool; the kernel's own boot log goes first."""
        said = self._said()
        each: dict[int, int] = {}
        scheme = self._scheme() if self.pools else None
        for size in sorted({*said, *(pool.size for pool in self.pools)}, reverse=True):
            model = None
            if self.base_page and struct_page and scheme and size > self.base_page:
                page = HugePage(size, self.base_page, struct_page)
                model = page.freed(scheme) * self.base_page
            if size in said:
                each[size] = said[size]
                if model is not None and model != said[size] and (said[size] or self.can):
                    self.notes.append(
                        f"for {format_size(size)} the boot log says {format_size(said[size])}, "
                        f"the model {format_size(model)}"
                    )
            elif model is not None:
                each[size] = model
        return each

    # --- all together ------------------------------------------------------------------------------------------------

    def host(self) -> Host:
        boot = self.boot
        self.pools: tuple[Pool, ...] = ()
        self.pools = self._pools()
        self.can, optimisation = self._can()
        struct_page = self._struct_page()
        memory, known = self._memory()
        each = self._each(struct_page)
        gross = _gross(self.pools, each)
        if self.can is not False:
            optimisation = self._state()
        too_much = self._contradictions(memory, known)
        counters = None
        if boot.get("counted at boot") is not None or boot.get("counted later") is not None:
            counters = (boot.get("counted at boot") or 0) + (boot.get("counted later") or 0)
        found = None
        if counters and self.base_page and struct_page and not too_much:
            found = _Counters(self, counters, memory, known, struct_page, each if self.can is not False else {}).read(
                optimisation)  # fmt: skip
        before = self._memmap(memory, struct_page)
        if found and found.sections and known != "exact" and memory and found.sections >= memory:
            memory = found.sections
            self.how["memory"] = "struct pages counted, and what the huge pages gave back, in whole sections"
            before = self._memmap(memory, struct_page)
        saved, to_save, saved_is = self._savings(gross, optimisation, found, too_much)
        if found and found.saved and optimisation == "unknown" and self.can is not False:
            optimisation, self.can = "on", True
            self.how["optimisation"] = "its counters: pages have been optimised"
            saved, to_save, saved_is = self._savings(gross, optimisation, found, too_much)
        agrees = found.agrees if found else None
        if found and found.why:
            self.how["agrees"] = found.why
        elif counters is None and self.can is not False and (self.series or (9, 0)) >= facts.COUNTERS_SINCE:
            self.would.append("grep nr_memmap /proc/vmstat, which since 6.11 tells what is saved")
        asked = boot.get("switch asked for")
        if asked is not None and boot.get("switch") is None:
            self.notes.append(
                f"the text asks for vm.hugetlb_optimize_vmemmap = {asked:d}, and does not show what it is"
            )
        for what in sorted(boot.changed):
            self.notes.append(f"the text says {what} more than once, differently; the last is taken")
        return Host(
            boot.host, self.release, self.architecture, self.base_page, struct_page, memory, known, self.pools,
            optimisation, self.can, each, saved, to_save, saved_is, self._tables(each, memory, known, struct_page),
            before, counters * self.base_page if counters and self.base_page else None, agrees, self.how,
            tuple(dict.fromkeys(self.notes)), self._would_tell(), self._said(),
            self._if_all(memory, struct_page),
        )  # fmt: skip

    def _would_tell(self) -> tuple[str, ...]:
        """What would tell more, each thing once."""
        would = list(dict.fromkeys(self.would))
        return tuple(one for one in would if not any(one in other for other in would if other != one))

    def _memmap(self, memory: int | None, struct_page: int | None) -> int | None:
        """Bytes of struct pages that so much RAM has, made for whole sections."""
        if not memory or not self.base_page or not struct_page:
            return None
        section = facts.section(self.architecture, self.base_page, self.series)
        return -(-memory // section) * (section // self.base_page) * struct_page

    def _if_all(self, memory: int | None, struct_page: int | None) -> int | None:
        """Bytes that all of the RAM in pages of 2 MiB would give back."""
        if not memory or not self.base_page or not struct_page or self.can is False:
            return None
        page = HugePage("2 MiB", self.base_page, struct_page)
        return memory // page.size * page.freed(self._scheme()) * self.base_page or None

    def _contradictions(self, memory: int | None, known: Known) -> bool:
        pools = sum(pool.size * pool.count for pool in self.pools)
        total, ram = self.boot.get("MemTotal"), memory if known == "exact" else None
        most = ram or total
        if most and pools > most:
            self.notes.append(
                f"the huge pages take {format_size(pools)}, and the RAM is {format_size(most)}: these cannot be of one "
                "host"
            )
            return True
        if ram and total and total > ram + 64 * 1024 * KiB:
            self.notes.append(
                f"MemTotal, {format_size(total)}, is more than the RAM, {format_size(ram)}: another host's?"
            )
        return False

    def _savings(
        self, gross: int | None, optimisation: Optimisation, found: Counted | None, too_much: bool
    ) -> tuple[int | None, int | None, Literal["counted", "assumed"] | None]:
        if too_much:
            return None, None, None
        if self.can is False:
            return 0, 0, "counted" if found and found.saved == 0 else "assumed"
        if gross is None:
            return None, None, None
        if found and found.saved is not None:
            return found.saved, max(0, gross - found.saved) if self.can else None, "counted"
        if self.can is None:
            return None, None, None
        if optimisation == "on":
            return gross, 0, "assumed"
        if optimisation == "off":
            return 0, gross, "assumed"
        return None, gross, None

    def _tables(self, each: dict[int, int], memory: int | None, known: Known, struct_page: int | None) -> int | None:
        """Bytes of page tables that the split costs at most, wherever the huge pages lie."""
        base = self.base_page
        if self.can is False:
            return 0
        if not base or not struct_page or _gross(self.pools, each) is None:
            return None
        tables = 0
        for pool in self.pools:
            if each.get(pool.size):
                vmemmap = pool.size // base * struct_page // base
                tables += pool.count * -(-vmemmap * PTE // base)
        if memory and known == "exact":
            section = facts.section(self.architecture, base, self.series)
            vmemmap = -(-memory // section) * section // base * struct_page // base
            # A range of RAM that begins within a leaf's 128 MiB has one leaf more.
            tables = min(tables, -(-vmemmap * PTE // base) + 4)
        return tables * base


def _series(release: str | None) -> facts.Series | None:
    found = re.match(r"(\d{1,3})\.(\d{1,3})", release or "")
    return (int(found[1]), int(found[2])) if found else None


def _vendor(release: str | None) -> facts.Vendor | None:
    return next((vendor for vendor in facts.VENDORS if release and vendor.release.match(release)), None)


def _one_kept(size: int, base: int) -> int:
    memmap = size // base * STRUCT_PAGE
    return memmap - base if memmap > base else 0


def _gross(pools: tuple[Pool, ...], each: dict[int, int]) -> int | None:
    if any(pool.count and pool.size not in each for pool in pools) or not pools:
        return None
    return sum(pool.count * each.get(pool.size, 0) for pool in pools)


# --- the command line ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Words:
    """The words of a kernel's command line that the kernel itself reads."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, lines: list[str]) -> Words:
        """From all lines that tell it: the longest, or their parts if they end in a backslash."""
        parts = [line.rstrip().removesuffix("\\").strip() for line in lines]
        if any(line.rstrip().endswith("\\") for line in lines):
            parts = [" ".join(parts)]
        best = max(parts, key=len, default="")
        return cls(tuple(re.split(r"(?:^|\s)--(?:\s|$)", best)[0].split()[:4096]))

    @property
    def default_size(self) -> int | None:
        """Bytes of default_hugepagesz=."""
        found = [_size_of(word.partition("=")[2]) for word in self.words if word.startswith("default_hugepagesz=")]
        return found[-1] if found else None

    @property
    def release(self) -> str | None:
        """The release in the name of the file that was booted."""
        image = re.match(r"BOOT_IMAGE=\S*/vmlinu[xz]-(\d{1,3}\.\d{1,3}\S{0,100})", " ".join(self.words[:1]))
        return image[1] if image else None

    def pools(self, default: int | None, sizes: set[int] | None = None) -> dict[int, int]:
        """Huge pages asked for: size -> number, on all nodes. ``sizes``: those of the architecture, if known."""
        asked: dict[int, int] = {}
        size, valid, named = self.default_size or default, True, set[int]()
        for word in self.words:
            name, _, value = word.partition("=")
            if name in ("hugepagesz", "default_hugepagesz"):
                new = _size_of(value)
                again = new in named and not (new == self.default_size and new not in asked)
                valid = new is not None and (sizes is None or new in sizes) and (name[0] == "d" or not again)
                if valid and new:
                    size = new
                    named.add(new)
            elif name == "hugepages" and valid and size:
                count = _count_of(value)
                if count is not None and size * count <= LARGEST:
                    asked[size] = count
                valid = False  # a second number without a size between them is ignored
        return asked

    def asked(self, series: facts.Series | None) -> bool | None:
        """What hugetlb_free_vmemmap= asks for; the last that this release understands wins."""
        answer = None
        for word in self.words:
            name, equals, value = word.partition("=")
            if name.replace("-", "_") != "hugetlb_free_vmemmap":
                continue
            if series is not None and series < facts.SWITCH_SINCE:
                answer = {"on": True, "off": False}.get(value, answer)
            elif not equals:
                answer = True if series is None or (6, 0) <= series <= (6, 14) else answer
            elif value in facts.TRUE_WORDS:
                answer = True
            elif value in facts.FALSE_WORDS:
                answer = False
        return answer


def _size_of(text: str) -> int | None:
    found = re.fullmatch(r"(\d{1,16})([kKmMgGtT]?)[bB]?", text)
    size = (
        int(found[1]) * {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}[found[2].lower()]
        if found
        else 0
    )
    return size if 4 * KiB < size <= LARGEST and not size & (size - 1) else None


def _count_of(text: str) -> int | None:
    if re.fullmatch(r"\d{1,15}", text):
        return int(text)
    if re.fullmatch(r"\d{1,4}:\d{1,15}(?:,\d{1,4}:\d{1,15})*", text):
        return sum(int(part.partition(":")[2]) for part in text.split(","))
    return None


# --- the counters ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counted:
    """What the counters say: bytes saved, bytes of RAM in whole sections, whether the model expected that, and why."""

    saved: int | None
    sections: int | None
    agrees: bool | None
    why: str


class _Counters:
    """The kernel's count of its struct pages, against what RAM, pools and switch let one expect.

    Struct pages are made for whole sections; each optimised huge page takes its frames off the count. So count plus
    what was freed is a whole number of sections' pages, and at least what the RAM needs: for few numbers of optimised
    pages both can be.
    """

    def __init__(
        self, of: _Conclusion, pages: int, memory: int | None, known: Known, struct_page: int, each: dict[int, int]
    ) -> None:
        assert of.base_page is not None
        self.of, self.pages, self.base = of, pages, of.base_page
        self.section = facts.section(of.architecture, self.base, of.series)
        self.per_section = self.section // self.base * struct_page // self.base
        self.pools = [
            (pool.count, each[pool.size] // self.base) for pool in of.pools if pool.count and each.get(pool.size)
        ]
        self.all = sum(count * freed for count, freed in self.pools)
        self.least, self.most = self._bounds(memory, known)

    def _bounds(self, memory: int | None, known: Known) -> tuple[int, int]:
        """Sections that the RAM fills at least and at most."""
        ranges = self.of.boot.lists.get("ranges")
        spans = ranges[-1].value if ranges else None
        if spans and len(spans) < 1024 and sum(end - start for start, end in spans) < 1 << 50:
            touched = self._touched(spans)
            return touched, touched
        if not memory:
            return 1, 1 << 40
        least = -(-memory // self.section)
        if known == "exact":
            return least, least + 4
        if memory == sum(pool.size * pool.count for pool in self.of.pools):
            return least, 1 << 40
        # MemTotal lacks the kernel, a crash kernel, page tables and the struct pages themselves.
        return least, least + least // 8 + 4 + (4 * GiB) // self.section

    def _touched(self, spans: tuple[tuple[int, int], ...]) -> int:
        total, last = 0, -1
        for start, end in sorted(spans):
            first, final = start // self.section, (end - 1) // self.section
            first = max(first, last + 1)
            if final >= first:
                total += final - first + 1
                last = final
        return total

    def read(self, optimisation: Optimisation) -> Counted:
        if any(word.startswith(facts.PAGE_EXT) for word in self.of.words.words):
            return Counted(None, None, None, "its command line asks for page_ext, which the same counters count")
        if not self.per_section:
            return Counted(None, None, None, "")
        expected = {"on": self.all, "unknown": None}.get(optimisation, 0)
        fits = [saved for saved in dict.fromkeys((expected, 0, self.all)) if saved is not None and self._fits(saved)]
        if len(fits) > 1 and self.least != self.most:
            return Counted(None, None, None, "the counters fit a pool that is optimised, and one that is not")
        if not fits:
            fits = self._some()
        if len(fits) != 1:
            return self._nothing(expected, optimisation)
        saved = fits[0]
        sections = (self.pages + saved) // self.per_section * self.section
        agrees: bool | None = saved == expected
        if expected is None:
            agrees = True if not self.all and not saved else None
        return Counted(saved * self.base, sections, agrees, self._why(saved, expected, optimisation))

    def _fits(self, saved: int) -> bool:
        sections, rest = divmod(self.pages + saved, self.per_section)
        return rest == 0 and self.least <= sections <= self.most

    def _some(self) -> list[int]:
        """Savings between none and all that fit: so many of one size optimised, the other sizes all or not at all."""
        found: set[int] = set()
        lowest = max(0, self.least * self.per_section - self.pages)
        for at, (count, freed) in enumerate(self.pools):
            others = sum(n * f for i, (n, f) in enumerate(self.pools) if i != at)
            for more in {0, others}:
                first = max(0, -(-(lowest - more) // freed))
                for n in range(first, min(count, first + 20_000) + 1):
                    saved = n * freed + more
                    if self.pages + saved > self.most * self.per_section:
                        break
                    if self._fits(saved):
                        found.add(saved)
                    if len(found) > 8:
                        return sorted(found)
        return sorted(found)

    def _nothing(self, expected: int | None, optimisation: Optimisation) -> Counted:
        needed = self.least * self.per_section
        if self.most == 1 << 40:
            return Counted(None, None, None, "the text does not tell the RAM")
        if self.pages > self.most * self.per_section:
            return Counted(None, None, False, "more is counted than the RAM's struct pages: page_ext or device memory?")
        if self.pages + self.all < needed:
            return Counted(
                None, None, False, "fewer struct pages are counted than the RAM needs, all huge pages optimised"
            )
        if self.least == self.most and 0 <= needed - self.pages <= self.all:
            saved = needed - self.pages
            agrees = None if expected is None else saved == expected
            why = self._why(saved, expected, optimisation)
            return Counted(saved * self.base, self.least * self.section, agrees, why)
        return Counted(None, None, None, "the counters fit several numbers of optimised pages, or none")

    def _why(self, saved: int, expected: int | None, optimisation: Optimisation) -> str:
        if expected is None or saved == expected:
            return ""
        if saved < expected:
            return "it is on, and pages that were taken before it was turned on are not optimised"
        if optimisation == "off":
            return "it is off, and pages that were taken before it was turned off still are optimised"
        return "the counters show pages optimised where the model expects none"
