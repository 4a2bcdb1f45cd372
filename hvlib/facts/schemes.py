"""The five ways Linux has kept the struct pages of a HugeTLB page, as data. Releases are those of x86-64.

Every scheme is three facts: how many vmemmap pages of a huge page keep a frame of their own, where the entries of
the others lead, and how a tail names its head. Arithmetic (`geometry`) and mechanism (`hvo`) read the same facts
and share nothing else.

Sources: the kernel's ``mm/hugetlb_vmemmap.c`` of 5.15, 5.19, 6.1, 6.12 and 7.1, the commits named below, and the
page tables of x86-64 kernels booted under QEMU: 5.10, 5.15, 6.1, 6.12, 6.16 to 6.19, 7.0, 7.1, 7.2 and 7.3. Boundaries
between kernels that were not booted rest on the commits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ..errors import BadInput, flag, name_of, quoted, table
from ..units import index_of, whole_number

Encoding = Literal["pointer", "mask"]
Tails = Literal["own frames", "last kept page", "shared page"]


@dataclass(frozen=True)
class Scheme:
    """How the vmemmap pages of one huge page are backed by frames.

    ``kept`` vmemmap pages, counted from page 0, keep a frame of their own (`None`: all of them). The entries of the
    others lead to ``tails``: nowhere else, the last page kept, or a page shared by all huge pages of that size in a
    zone. On x86-64 they are made read-only; riscv64 defines no PAGE_KERNEL_RO, and there all stay
    writable. ``head_copied`` says that page 0 moves to a newly allocated frame. ``encoding`` is how word 1
    of a tail names its head: the address of the head plus 1, or a mask. Raises `BadInput` for what contradicts itself.
    """

    name: str
    releases: str
    since: tuple[int, int]
    kept: int | None
    tails: Tails
    head_copied: bool
    encoding: Encoding
    source: str

    def __post_init__(self) -> None:
        if self.kept is not None:
            whole_number(self.kept, "the number of vmemmap pages kept", 1, 1 << 40)
        name_of(self.tails, "tails", get_args(Tails))
        name_of(self.encoding, "encoding", get_args(Encoding))
        flag(self.head_copied, "head_copied")
        series_of(self.since)
        if (self.kept is None) != (self.tails == "own frames"):
            raise BadInput(
                "tails lead to their own frames if all vmemmap pages are kept, and only then; write for example "
                "kept=None, tails='own frames'."
            )
        if (self.tails == "shared page") > (self.encoding == "mask") or (self.fake_heads and self.encoding == "mask"):
            raise BadInput(
                "a shared page of tails needs masks, and fake heads need pointers; choose the other encoding."
            )

    @property
    def fake_heads(self) -> bool:
        """True if page 0, which holds the head, also stands in for pages of tails (5.18 to 7.0)."""
        return self.kept == 1 and self.tails == "last kept page"

    def __str__(self) -> str:
        return self.name


def series_of(value: object) -> tuple[int, int]:
    """A kernel series as two whole numbers, such as (6, 12). Raises `BadInput` for anything else."""
    numbers = [index_of(one) for one in value] if isinstance(value, tuple) and len(value) == 2 else [None]
    if not all(number is not None and 0 <= number < 1000 for number in numbers):
        vendors = (
            "; a vendor's release number does not tell the scheme: page tables do, and a boot log tells at least "
            "whether 6 or 7 pages of 8 can be freed"
        )
        raise BadInput(
            f"a kernel series is two whole numbers, and {quoted(value)} is not; write for example (6, 12)"
            f"{vendors if isinstance(value, str) else ''}."
        )
    major, minor = numbers
    assert major is not None
    assert minor is not None
    return major, minor


_ALL = (
    Scheme("off", "no HVO, or switched off", (0, 0), None, "own frames", False, "pointer",
           "mm/sparse-vmemmap.c; the page tables of a booted 5.10"),
    Scheme("tail page", "5.14 to 5.17", (5, 14), 2, "last kept page", False, "pointer",
           "f41f2ed43ca5, merged 2021-06-30; the page tables of a booted 5.15.85"),
    Scheme("head page", "5.18 to 6.1", (5, 18), 1, "last kept page", False, "pointer",
           "e7d324850bfc, committed 2022-03-22; the page tables of a booted 6.1"),
    Scheme("head page, copied", "6.2 to 7.0", (6, 2), 1, "last kept page", True, "pointer",
           "11aad2631bf7; the page tables of booted 6.12 to 7.0"),
    Scheme("shared tail", "since 7.1", (7, 1), 1, "shared page", True, "mask",
           "8c846c879e22 and d50569612c29; the page tables of booted 7.1 to 7.3"),
)  # fmt: skip

SCHEMES = table("scheme", ((scheme.name, scheme) for scheme in _ALL))
"""Name -> `Scheme`, in historical order."""

DEVICE_DAX = Scheme("device DAX", "since 5.19", (5, 19), 2, "last kept page", False, "pointer",
                    "4917f55b4ef9; mm/sparse-vmemmap.c of 6.12")  # fmt: skip
"""Not HugeTLB: memory whose vmemmap is *populated* this way when it is added, with nothing remapped or read-only."""


def scheme_of(scheme: str | Scheme) -> Scheme:
    """The `Scheme` of a name; a `Scheme` is returned as it is. Raises `BadInput` for an unknown name."""
    return scheme if isinstance(scheme, Scheme) else SCHEMES[scheme]


def scheme_in(series: tuple[int, int]) -> Scheme:
    """The scheme that mainline of a series uses when the optimisation is on; "off" before 5.14. Raises `BadInput`."""
    series = series_of(series)
    return max((scheme for scheme in SCHEMES.values() if scheme.since <= series), key=lambda scheme: scheme.since)
