"""What differs from one architecture to the next: QEMU, its RAM, the console, page tables, packages. Data, no steps.

What a kernel tells of itself is not here: page size, sizeof(struct page) and the place of the vmemmap come from its
own VMCOREINFO (`kernel_lab.guest`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import LabError

Ram = tuple[tuple[int, int], ...]
"""Stretches of guest RAM, in the order of the memory file: (physical address, bytes)."""


@dataclass(frozen=True)
class PageTable:
    """How page-table entries of 512 to a table of 4 KiB are read.

    The frame is ``frame_bits`` bits from bit ``frame_at`` on. An entry with one of the bits ``leaf`` set ends the walk
    above the last level too. ``writable``: the bit that allows writing; ``inherited``: it must be set on every level.
    ``register`` is the root's name in QEMU's monitor, where its frame begins at bit ``root_at``; ``depth`` tells the
    levels by the values of registers.
    """

    frame_at: int
    frame_bits: int
    valid: int
    leaf: int
    writable: int
    inherited: bool
    register: str
    root_at: int
    depth: Callable[[Callable[[str], int]], int]

    def frame(self, entry: int) -> int:
        """The frame that an entry leads to."""
        return entry >> self.frame_at & (1 << self.frame_bits) - 1

    def root(self, value: int) -> int:
        """The frame of the first table, by the value of its register."""
        return value >> self.root_at & (1 << self.frame_bits) - 1


@dataclass(frozen=True)
class Architecture:
    """One architecture; ``page_table`` is `None` where the lab asks the kernel only, and reads no page tables.

    ``debian`` is Debian's name, ``flavours`` the kernels it builds, the first one taken if none is named. ``memory`` is
    the guest's MiB unless told. ``no``: why it cannot be asked at all.
    """

    name: str
    debian: str
    qemu: str
    package: str
    machine: tuple[str, ...]
    console: str
    flavours: tuple[str, ...]
    ram: Callable[[int], Ram]
    memory: int
    page_table: PageTable | None = None
    append: str = ""
    no: str = ""

    def flavour(self, name: str | None) -> str:
        """The flavour of a name, or the usual one. Raises `LabError` for one that Debian does not build."""
        if name is not None and name not in self.flavours:
            raise LabError(f"{self.name} has no kernels of flavour {name!r}; it has {', '.join(self.flavours)}.")
        return name or self.flavours[0]


def _pc(size: int) -> Ram:
    """QEMU's "pc": what does not fit below the hole for devices goes above 4 GiB."""
    low = size if size < 0xE0000000 else 0xC0000000
    return ((0, low), (1 << 32, size - low))


def _from(*starts: tuple[int, int]) -> Callable[[int], Ram]:
    """RAM in stretches of at most these bytes; the last takes the rest."""

    def ram(size: int) -> Ram:
        found, left = [], size
        for start, most in starts:
            found.append((start, min(left, most)))
            left -= found[-1][1]
        return tuple(found)

    return ram


_ALL = 1 << 60
_UNTESTED = "no_timer_check"
"""x86 tries its timer at boot, and gives up on one that ticks late, as on a busy machine without KVM."""
_X86 = PageTable(12, 40, 1, 0x80, 2, True, "CR3", 12, lambda register: 5 if register("CR4") & 1 << 12 else 4)
_RISCV = PageTable(10, 44, 1, 0xE, 4, False, "satp", 0, lambda register: {8: 3, 9: 4, 10: 5}[register("satp") >> 60])

ARCHITECTURES = {
    one.name: one
    for one in (
        Architecture("x86-64", "amd64", "qemu-system-x86_64", "qemu-system-x86",
                     ("-M", "pc,memory-backend=ram", "-cpu", "max,la57=off"), "ttyS0",
                     ("cloud-amd64", "amd64"), _pc, 8192, _X86, append=_UNTESTED),
        Architecture("riscv64", "riscv64", "qemu-system-riscv64",
                     "qemu-system-misc (since Debian 13 qemu-system-riscv)",
                     ("-M", "virt,memory-backend=ram", "-cpu", "rv64"), "ttyS0",
                     ("riscv64",), _from((0x80000000, _ALL)), 8192, _RISCV),
        Architecture("arm64", "arm64", "qemu-system-aarch64", "qemu-system-arm",
                     ("-M", "virt,gic-version=3,memory-backend=ram", "-cpu", "max,pauth-impdef=on"), "ttyAMA0",
                     ("cloud-arm64", "arm64", "arm64-16k"), _from((0x40000000, _ALL)), 3072),
        Architecture("loong64", "loong64", "qemu-system-loongarch64",
                     "qemu-system-misc (version 10 or later, as in Debian 13 or bookworm-backports)",
                     ("-M", "virt,memory-backend=ram", "-cpu", "la464"), "ttyS0",
                     ("loong64",), _from((0, 0x10000000), (0x80000000, _ALL)), 2048,
                     append="initcall_blacklist=i8042_init"),
        Architecture("ppc64el", "ppc64el", "qemu-system-ppc64", "qemu-system-ppc",
                     ("-M", "pseries,memory-backend=ram,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken",
                      "-cpu", "power9"), "hvc0",
                     ("powerpc64le", "powerpc64le-64k"), _from((0, _ALL)), 3072),
        Architecture("s390x", "s390x", "qemu-system-s390x", "qemu-system-misc", (), "sclp0", ("s390x",),
                     _from((0, _ALL)), 2048,
                     no="under emulation it has no EDAT, so Linux registers no HugeTLB page there, and there is "
                        "nothing to ask; choose another --arch"),
    )
}  # fmt: skip


def architecture(name: str) -> Architecture:
    """The architecture of a name, Debian's names included. Raises `LabError` for one that cannot be asked."""
    found = ARCHITECTURES.get(name) or next((one for one in ARCHITECTURES.values() if one.debian == name), None)
    if found is None:
        raise LabError(f"the lab knows no architecture {name!r}; choose one of {', '.join(ARCHITECTURES)}.")
    if found.no:
        raise LabError(f"{found.name} cannot be asked: {found.no}.")
    return found
