"""How many huge pages fit into a host, and what is left for everything else, with the optimisation and without.

Closed formulas. RAM is what has struct pages; what firmware and kernel take for themselves belongs to ``system``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import BadInput, quoted
from ..facts.schemes import Scheme, scheme_of
from ..units import GiB, KiB, MiB, about, format_size, index_of, parse_size, whole_number
from .fleet import LARGEST_HOST
from .geometry import HugePage, architecture_of

MOST_NODES = 64


@dataclass(frozen=True)
class Node:
    """One NUMA node: RAM, pages of each size, and bytes left for the system without and with the optimisation."""

    memory: int
    counts: tuple[int, ...]
    left_without: int
    left_with: int


@dataclass(frozen=True)
class Plan:
    """What was asked for, node by node, and whether it can be.

    ``fits``: with the optimisation what is left is at least ``system`` on each node. ``fits_at_boot``: it is so
    while struct pages of all RAM are there still, as they are until huge pages are optimised; since 6.15 x86-64
    reserves pages of 1 GiB at boot without them. ``nearest`` are the pages that do fit, if these do not.
    """

    pages: tuple[HugePage, ...]
    counts: tuple[int, ...]
    nodes: tuple[Node, ...]
    system: int
    scheme: Scheme
    off: bool
    most: tuple[tuple[int, int], ...]
    nearest: tuple[int, ...]

    @property
    def left_without(self) -> int:
        """Bytes left by huge pages and struct pages."""
        return sum(node.left_without for node in self.nodes)

    @property
    def left_with(self) -> int:
        """The same with the optimisation, its page tables paid."""
        return sum(node.left_with for node in self.nodes)

    @property
    def fits(self) -> bool:
        """Whether every node keeps its part of ``system``."""
        return all(node.left_with * len(self.nodes) >= self.system for node in self.nodes)

    @property
    def fits_at_boot(self) -> bool:
        """Whether the huge pages can be there before any is optimised."""
        return all(node.left_without >= 0 for node in self.nodes)

    def boot_line(self, counts: tuple[int, ...] | None = None) -> str:
        """Words for the kernel's command line."""
        words = []
        for page, count in zip(self.pages, counts or self.counts, strict=True):
            if count:
                words.append(f"hugepagesz={_short(page.size)} hugepages={_spread(count, len(self.nodes))}")
        return " ".join([*words, *(() if self.scheme.kept is None else ("hugetlb_free_vmemmap=on",))])

    def __str__(self) -> str:
        ram = sum(node.memory for node in self.nodes)
        nodes = f" on {len(self.nodes)} nodes" if len(self.nodes) > 1 else ""
        asked = ", ".join(
            f"{count:,} of {format_size(page.size)}" for page, count in zip(self.pages, self.counts, strict=True)
        )
        lines = [f"{about(ram)} of RAM{nodes}, huge pages: {asked or 'none'}"]
        lines.append(f"  left without the optimisation  {about(self.left_without)}")
        if self.off:
            lines.append(
                "  with it                        the same: 0 saved, it is off in this Linux on this architecture"
            )
        else:
            lines.append(f"  left with it                   {about(self.left_with)}")
        if self.system:
            lines.append(f"  needed by system and others    {about(self.system)}")
        for page, (without, with_) in zip(self.pages, self.most, strict=True):
            lines.append(f"  pages of {format_size(page.size)} alone: {without:,} fit without, {with_:,} with")
        if len(self.nodes) > 1:
            lines += [
                f"  node {number}: {', '.join(map(str, node.counts))}; left {about(node.left_without)} without, "
                f"{about(node.left_with)} with"
                for number, node in enumerate(self.nodes)
            ]
        if self.fits:
            if not self.fits_at_boot:
                lines.append("  not at boot: the struct pages are there until huge pages are optimised")
                if any(page.size == GiB and count for page, count in zip(self.pages, self.counts, strict=True)):
                    lines.append("  (on x86-64 since 6.15 most of those of 1 GiB pages are never made)")
            lines.append(f"  command line: {self.boot_line()}")
            if self.scheme.kept is not None:
                lines.append("  sysctl, before the pool is filled: vm.hugetlb_optimize_vmemmap = 1")
        else:
            near = ", ".join(
                f"{n:,} of {format_size(page.size)}" for page, n in zip(self.pages, self.nearest, strict=True)
            )
            lines.append(f"  does not fit; nearest that does: {near}")
            lines.append(f"  command line: {self.boot_line(self.nearest)}")
        return "\n".join(lines)

    __repr__ = __str__


def plan(
    memory: str | int | Sequence[str | int], pools: Mapping[str, int] | None = None, system: str | int = 0, *,
    guests: Sequence[tuple[int, str | int, str]] = (), nodes: int = 1, scheme: str | Scheme = "head page, copied",
    architecture: str = "x86-64",
) -> Plan:  # fmt: skip
    """How many huge pages fit, and what is left.

    ``memory`` is the RAM, or that of each node; ``pools`` size -> number; ``guests`` add pages: (number, memory of
    each, page size). ``system`` is what the kernel, the firmware and everything else need, ``nodes`` among how many
    equal NUMA nodes memory, pages and system are spread. Raises `BadInput` for what cannot be.
    """
    arch, scheme = architecture_of(architecture), scheme_of(scheme)
    each = _memory(memory, nodes)
    needed = 0 if index_of(system) == 0 else parse_size(system, "what the system needs")
    wanted: dict[int, int] = {}
    for size, count in _wanted(pools, guests):
        page = arch.huge_page(size)
        wanted[page.size] = wanted.get(page.size, 0) + count
    if not wanted:
        wanted = {page.size: 0 for page in (arch.huge_page(size) for size, _ in arch.huge_pages)}
    order = sorted(wanted, reverse=True)
    pages = tuple(arch.huge_page(size) for size in order)
    counts = tuple(wanted[page.size] for page in pages)
    off = arch.off
    used = scheme_of("off") if off else scheme

    def node(number: int, counts: tuple[int, ...]) -> Node:
        mine = tuple(count // len(each) + (number < count % len(each)) for count in counts)
        memmap = each[number] // arch.base_page * pages[0].struct_page
        left = each[number] - memmap - sum(n * page.size for n, page in zip(mine, pages, strict=True))
        saved = sum(page.bill(used, n).saved * page.base_page for n, page in zip(mine, pages, strict=True) if n)
        return Node(each[number], mine, left, left + saved)

    def left(counts: tuple[int, ...]) -> int:
        return min(node(number, counts).left_with - -(-needed // len(each)) for number in range(len(each)))

    built = tuple(node(number, counts) for number in range(len(each)))
    rooms = [one - one // arch.base_page * pages[0].struct_page - -(-needed // len(each)) for one in each]
    most = tuple(
        (sum(max(0, room // page.size) for room in rooms), sum(_most(page, used, room) for room in rooms))
        for page in pages
    )
    return Plan(pages, counts, built, needed, used, off, most, _nearest(counts, left))


def _most(page: HugePage, scheme: Scheme, room: int) -> int:
    """How many pages of one size fit into so many bytes with the optimisation."""
    number = max(0, int(room // (page.size - page.net_saving(scheme) * page.base_page)))
    while number and number * page.size - page.bill(scheme, number).saved * page.base_page > room:
        number -= 1  # for a table of which only a part is used, or the shared tail
    return number


def _nearest(counts: tuple[int, ...], left: object) -> tuple[int, ...]:
    """The most pages that leave enough: the larger sizes are kept first."""
    assert callable(left)
    kept = [0] * len(counts)
    for at, count in enumerate(counts):
        low, high = 0, count
        while low < high:
            middle = (low + high + 1) // 2
            tried = (*kept[:at], middle, *([0] * (len(counts) - at - 1)))
            low, high = (middle, high) if left(tried) >= 0 else (low, middle - 1)
        kept[at] = low
    return tuple(kept)


def _memory(memory: object, nodes: int) -> list[int]:
    if isinstance(memory, (list, tuple)):
        if not 1 <= len(memory) <= MOST_NODES:
            raise BadInput(f"a host has from 1 to {MOST_NODES} nodes; write for example ['64 GiB', '64 GiB'].")
        each = [parse_size(one, "memory of a node") for one in memory]
    else:
        nodes = whole_number(nodes, "the number of nodes", 1, MOST_NODES)
        each = [parse_size(memory, "memory") // nodes] * nodes  # type: ignore[arg-type]
    for one in each:
        if not MiB <= one <= LARGEST_HOST:
            raise BadInput(
                f"memory must be from 1 MiB to {format_size(LARGEST_HOST)} a node, and {format_size(one)} is not; "
                "write for example '128 GiB'."
            )
    return each


def _wanted(pools: object, guests: object) -> list[tuple[str | int, int]]:
    if pools is not None and not isinstance(pools, Mapping):
        raise BadInput(f"pools are sizes and numbers, and {quoted(pools)} is not; write for example {{'1 GiB': 120}}.")
    found = [
        (size, whole_number(count, "the number of huge pages", 0, 1 << 40)) for size, count in (pools or {}).items()
    ]
    try:
        for number, memory, size in guests:  # type: ignore[attr-defined]
            number = whole_number(number, "the number of guests", 0, 1 << 20)
            page = parse_size(size, "huge page")
            found.append((page, number * -(-parse_size(memory, "memory of a guest") // page)))
    except (TypeError, ValueError) as why:
        if isinstance(why, BadInput):
            raise
        raise BadInput("guests are (number, memory, page size); write for example [(10, '16 GiB', '1 GiB')].") from None
    return found


def _short(size: int) -> str:
    for unit, factor in (("G", GiB), ("M", MiB), ("K", KiB)):
        if size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)


def _spread(count: int, nodes: int) -> str:
    if nodes == 1:
        return str(count)
    return ",".join(f"{number}:{count // nodes + (number < count % nodes)}" for number in range(nodes))
