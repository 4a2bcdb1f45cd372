"""What the optimisation costs in time, and what was done about it, as others measured and published it.

Recorded data: nothing here was measured with this book. Each row has its source. Machines differ from row to row, so
a row says something about its own ratio, and little about the next one's.
"""

from __future__ import annotations

from dataclasses import dataclass

_V23 = "Muchun Song, version 23 of the series, 10 May 2021, 20210510030027.56044-1-songmuchun@bytedance.com"
_V8 = "Mike Kravetz, 18 October 2023, 20231019023113.345257-1-mike.kravetz@oracle.com"
_UNNAMED = "one machine"


@dataclass(frozen=True)
class Timing:
    """One published measurement: how long something took ``without`` and ``with_`` the optimisation, in ``unit``.

    ``kernel`` is the release whose code it was, or about. ``batched``: whether huge pages went through the steps of
    the optimisation together, with two TLB flushes for all (since 6.7); `None` where that does not matter.
    """

    what: str
    pages: int
    huge_page: str
    machine: str
    kernel: str
    without: float
    with_: float
    unit: str
    batched: bool | None
    source: str

    @property
    def ratio(self) -> float:
        """How many times as long it took with the optimisation; less than 1 is quicker."""
        return self.with_ / self.without

    def __str__(self) -> str:
        return (
            f"{self.kernel:10}  {self.machine:19} {self.what:8} {self.pages:>7,}: "
            f"{self.without:5.3f} {self.unit} without, {self.with_:7.3f} {self.unit} with, {self.ratio:4.1f} times"
        )


COSTS = tuple(
    Timing(what, pages, "2 MiB", machine, kernel, without, with_, "s", kernel == "6.7", source)
    for pages, machine, source, rows in (
        (10_240, _UNNAMED, _V23,
         (("5.14", "allocate", 0.067, 0.166), ("5.14", "free", 0.081, 0.213))),
        (500_000, "8-socket Xeon", _V8,
         (("before 6.7", "allocate", 4.119, 28.973), ("before 6.7", "free", 4.477, 36.748),
          ("6.7", "allocate", 4.719, 7.267), ("6.7", "free", 4.245, 13.199))),
        (524_288, "VM, 252 processors", _V8,
         (("before 6.7", "allocate", 2.463, 147.6), ("before 6.7", "free", 2.931, 149.9),
          ("6.7", "allocate", 2.715, 4.799), ("6.7", "free", 3.186, 5.273))),
    )
    for kernel, what, without, with_ in rows
)  # fmt: skip
"""Filling and emptying a pool of 2 MiB pages."""

PINNING = Timing("pin", 16, "1 GiB", _UNNAMED, "5.14", 32_000, 9_000, "(unit not given)", None, _V23)
"""About: a test program pins a file of 16 GiB in 1 GiB pages (Joao Martins, quoted by Muchun Song)."""

BOOT = Timing("boot", 500, "1 GiB", "512 GB, by kexec", "6.7", 3.9, 1.2, "s", None, "Usama Arif, 2023, fde1c4ecf916")
"""Optimised in both cases; ``with_`` means: boot no longer initialises tails whose frames it is about to give back."""
