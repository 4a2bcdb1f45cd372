"""What Linux hosts have and say, by architecture, release and vendor: data for reading text about a host.

Sources, where a row names no other: the kernel's mm/hugetlb.c, mm/hugetlb_vmemmap.c, fs/proc and Kconfig files of
6.1.192, 6.12.117, 7.2.13 and 7.3.4, the 5.14 to 6.0 patches, kernels booted under QEMU, and the configuration files
that vendors publish. Architectures are spelt as ``uname -m`` spells them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..units import GiB, KiB, MiB
from .platforms import PLATFORMS

Series = tuple[int, int]

ARCHITECTURE_NAMES = {
    **{name: name for name in ("x86_64", "aarch64", "ppc64le", "ppc64", "s390x", "riscv64", "loongarch64", "sparc64",
                               "mips64", "parisc64", "i686", "armv7l")},
    "amd64": "x86_64", "x86-64": "x86_64", "arm64": "aarch64", "ppc64el": "ppc64le", "powerpc64le": "ppc64le",
    "loong64": "loongarch64", "i386": "i686", "i586": "i686", "armhf": "armv7l", "armv6l": "armv7l", "armmp": "armv7l",
    "686": "i686", "686-pae": "i686", "arm": "armv7l",
}  # fmt: skip
"""Every spelling of an architecture -> that of ``uname -m``. Debian, Kubernetes and hostnamectl have their own."""

THIRTY_TWO_BITS = ("i686", "armv7l")
"""Kernels without the vmemmap, and so without the optimisation."""

BASE_PAGES = {
    **{ARCHITECTURE_NAMES[name]: one.base_pages for name, one in PLATFORMS.items()},
    "i686": (4 * KiB,), "armv7l": (4 * KiB,), "sparc64": (8 * KiB,), "ppc64": (64 * KiB, 4 * KiB),
}  # fmt: skip
"""Base pages that Linux can have there (Kconfig); first what distributions build."""

SIZES = (
    ("x86_64", 4 * KiB, (2 * MiB, GiB)),
    ("aarch64", 4 * KiB, (64 * KiB, 2 * MiB, 32 * MiB, GiB)),
    ("aarch64", 16 * KiB, (2 * MiB, 32 * MiB, GiB)),
    ("aarch64", 64 * KiB, (2 * MiB, 512 * MiB, 16 * GiB)),
    ("s390x", 4 * KiB, (MiB, 2 * GiB)),
    ("ppc64le", 64 * KiB, (16 * MiB, 16 * GiB)),
    ("ppc64le", 64 * KiB, (2 * MiB, GiB)),
    ("riscv64", 4 * KiB, (64 * KiB, 2 * MiB, GiB)),
    ("loongarch64", 16 * KiB, (32 * MiB,)),
    ("sparc64", 8 * KiB, (64 * KiB, 8 * MiB, 256 * MiB, 2 * GiB)),
)
"""Architecture, base page and the HugeTLB sizes that it registers (ppc64: hash and radix). From booted kernels and
Documentation/arch."""

BETRAYS = {
    512 * MiB: ("aarch64", 64 * KiB), 16 * MiB: ("ppc64le", 64 * KiB), MiB: ("s390x", 4 * KiB),
    8 * MiB: ("sparc64", 8 * KiB), 256 * MiB: ("sparc64", 8 * KiB),
}  # fmt: skip
"""A HugeTLB size that one architecture and base page alone has. (ppc64 hash with 4 KiB base pages has 16 MiB too.)"""


def section(architecture: str | None, base_page: int, series: Series | None) -> int:
    """Bytes of RAM whose struct pages are made together (SECTION_SIZE_BITS of sparsemem.h)."""
    if architecture in ("ppc64le", "ppc64"):
        return 16 * MiB
    if architecture == "loongarch64" or (architecture == "aarch64" and base_page == 64 * KiB):
        return 512 * MiB
    if architecture == "s390x" and (series is None or series < (7, 0)):
        return 256 * MiB
    return 128 * MiB


SUPPORT = {ARCHITECTURE_NAMES[name]: one for name, one in PLATFORMS.items() if one.hvo}
"""Architectures that ever selected ARCH_WANT_OPTIMIZE_HUGETLB_VMEMMAP."""
FIRST = (5, 14)
"""The series that brought the optimisation, f41f2ed43ca5."""
SWITCH_SINCE = (5, 19)
"""The series that brought vm.hugetlb_optimize_vmemmap; since 6.0 it is there only if some size can be optimised."""
COUNTERS_SINCE = (6, 11)
"""The series that brought nr_memmap_pages and nr_memmap_boot_pages to /proc/vmstat."""


@dataclass(frozen=True)
class Vendor:
    """Kernels of one vendor: ``can`` and ``default`` are `None` where no configuration file was read.

    ``only`` names the architecture of which that is known. ``scheme_known``: the release number tells the scheme.
    """

    name: str
    release: re.Pattern[str]
    can: bool | None
    default: bool | None
    source: str
    scheme_known: bool = True
    only: str = "x86_64"

    @property
    def implies(self) -> str | None:
        """The architecture that the release number alone tells."""
        return self.only if self.name == "Proxmox" else None


def _vendor(name: str, release: str, can: bool | None, default: bool | None, source: str, known: bool = True) -> Vendor:
    return Vendor(name, re.compile(release), can, default, source, known)


_SHIPPED = "the vendor's configuration file"
VENDORS = (
    _vendor("Oracle UEK 7", r"5\.15\..*\.el\d+uek", True, True, _SHIPPED),
    _vendor("Oracle UEK 8", r"6\.12\..*\.el\d+uek", True, True, _SHIPPED),
    _vendor("Anolis ANCK", r"5\.10\..*\.an\d", True, True, "its defconfig", False),
    _vendor("Alibaba, Tencent, veLinux or openEuler", r"(4\.19|5\.10|5\.4)\..*(\.al\d|tlinux|velinux|\.oe\d)", None,
            None, "no configuration file was read", False),
    _vendor("RHEL 8", r"4\.18\.0-.*\.el8", False, False, "not found back-ported"),
    _vendor("RHEL 9", r"5\.14\.0-.*\.el9", True, False, _SHIPPED, False),
    _vendor("RHEL 10", r"6\.12\.0-.*\.el10", True, None, "Kconfig", False),
    _vendor("SLES 15 SP6", r"6\.4\.0-150[67]", True, False, _SHIPPED),
    _vendor("SLES 15 SP4 or SP5", r"5\.14\.21-150[45]", True, None, "Kconfig", False),
    _vendor("openEuler", r"6\.6\..*\.oe\d", True, False, _SHIPPED),
    _vendor("OpenCloudOS or TencentOS", r"6\.6\..*(\.oc\d|tlinux|\.tl\d)", True, False, _SHIPPED),
    _vendor("Android", r".*android\d", False, False, "gki_defconfig has no CONFIG_HUGETLBFS"),
    _vendor("WSL", r".*microsoft", True, False, "its logs"),
    _vendor("Proxmox", r".*-pve", True, False, "Ubuntu's configuration"),
    _vendor("Talos", r".*-talos", True, False, _SHIPPED),
    _vendor("Debian", r".*(\+deb\d|\+bpo|\+rpt|-\d+-(cloud-|rt-)?(amd64|arm64|riscv64|loong64|s390x|powerpc64le))",
            True, False, "booted, and the configuration files of its packages"),
    _vendor("Ubuntu", r".*-(generic|lowlatency|aws|azure|gcp|oracle|gke|kvm|ibm|nvidia|raspi)\b", True, False,
            "Ubuntu's annotations of 6.2"),
)  # fmt: skip
"""Vendors' kernels by release number, and what their configuration says; others are unknown until the text shows it."""

EIGHTY_BYTES = ("loongarch64", (7, 2))
"""Debian's kernels from this series on have struct pages of 80 bytes there (KFENCE brings page->virtual); booted."""

PAGE_EXT = ("page_owner=on", "page_table_check=on", "debug_guardpage_minorder=", "mem_profiling=1")
"""Boot parameters that add page_ext, which /proc/vmstat counts among the struct pages."""

TRUE_WORDS = ("1", "y", "Y", "yes", "t", "T", "on", "ON", "On", "true")
FALSE_WORDS = ("0", "n", "N", "no", "f", "F", "off", "OFF", "Off", "false")
"""What kstrtobool() takes; 5.14 to 5.18 took ``on`` and ``off`` alone."""

TOTALS = ("Mem", "Speicher", "Memoria", "Mémoire", "Память", "内存", "メモリ", "Pamięć", "Bellek", "Memória", "Muisti",
          "Paměť", "Geheugen", "Minne", "Hukommelse", "메모리")  # fmt: skip
"""How ``free`` heads the row of the RAM, in procps's translations."""
