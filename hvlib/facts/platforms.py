"""What an architecture decides about the optimisation: since when Linux has it there, and what a leaf entry says.

Sources: the architectures' Kconfig of 6.12, 7.2 and 7.3 and the commits in `hvlib.arithmetic.geometry`; Intel's and
the RISC-V privileged manual for the bits of an entry; kernels that were booted (`kernel_lab`).
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import table
from ..units import KiB


@dataclass(frozen=True)
class Leaf:
    """Which bits of a leaf entry say that it is one, that it may be written, and which frame it leads to."""

    valid: int
    writable: int
    frame_at: int
    frame_bits: int

    def frame(self, entry: int) -> int:
        """First frame of 4 KiB that an entry leads to."""
        return entry >> self.frame_at & (1 << self.frame_bits) - 1


@dataclass(frozen=True)
class Platform:
    """One architecture: its base pages in bytes, and the first and last series in which Linux may optimise there.

    Of the base pages the first is what distributions build. ``hvo`` is `None` where Linux never did, and ``undone``
    names series in which later stable releases, or the vendors who follow them, took it out again.
    ``read_only_tails``: entries of tails are made read-only there. ``leaf`` is `None` where the lab reads no page
    tables.
    """

    name: str
    base_pages: tuple[int, ...]
    hvo: tuple[tuple[int, int], tuple[int, int]] | None
    read_only_tails: bool
    leaf: Leaf | None
    source: str
    undone: tuple[tuple[int, int], ...] = ()

    def has_hvo(self, series: tuple[int, int]) -> bool:
        """Whether Linux of a series may optimise there, if the sizes allow it."""
        return self.hvo is not None and self.hvo[0] <= series <= self.hvo[1]


_NEWER = (999, 0)
_X86 = Leaf(1, 2, 12, 40)
_RISCV = Leaf(1, 4, 10, 44)

PLATFORMS = table("architecture", ((one.name, one) for one in (
    Platform("x86-64", (4 * KiB,), ((5, 14), _NEWER), True, _X86, "arch/x86/Kconfig; page tables of booted kernels"),
    Platform("riscv64", (4 * KiB,), ((6, 4), _NEWER), False, _RISCV,
             "arch/riscv/Kconfig. Riscv defines no PAGE_KERNEL_RO, and the generic fallback is PAGE_KERNEL, so riscv64 "
             "has no read-only tails at all: all entries stay writable in booted 6.12.117 and 7.2.12"),
    Platform("arm64", (4 * KiB, 16 * KiB, 64 * KiB), ((5, 19), (6, 2)), True, None,
             "060a2c92d1b6: disabled since 6.3; booted 6.12.117 with 4 and 16 KiB", ((6, 1), (6, 2))),
    Platform("loong64", (16 * KiB, 4 * KiB, 64 * KiB), ((6, 2), _NEWER), True, None,
             "arch/loongarch/Kconfig; booted 7.2.12, where a struct page has 80 bytes"),
    Platform("ppc64el", (64 * KiB, 4 * KiB), None, True, None,
             "arch/powerpc/Kconfig selects it for device DAX only; booted 6.12 with 64 KiB"),
    Platform("s390x", (4 * KiB,), ((6, 2), (6, 17)), True, None,
             "64e2f60f355e: disabled since 6.18, and in later 6.12 stable", tuple((6, n) for n in range(2, 18))),
)))  # fmt: skip
"""Name, as in a record -> `Platform`."""
