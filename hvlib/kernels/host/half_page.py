"""The decision on half a page, its numbers filled in from what a text says of a host: words alone."""

from __future__ import annotations

import textwrap

from ...arithmetic.fleet import MOST_HOSTS
from ...facts import hosts as facts
from ...units import about, format_size, whole_number
from .conclude import Host

READ = 96
"""Letters of a printed line."""


def half_page(host: Host, hosts: int = 1) -> str:
    """A draft of the decision for so many hosts like this one. Raises `BadInput` for no number of hosts."""
    hosts = whole_number(hosts, "the number of hosts", 1, MOST_HOSTS)
    parts = [("", _title(host)), ("Worth", _worth(host, hosts)), ("Costs", _costs(host, hosts)), ("How", _how(host)),
             ("Measure first", _measure(host)), ("Not", _not(host))]  # fmt: skip
    lines = [f"{name}: {words}" if name else words for name, words in parts if words]
    return "\n".join(textwrap.fill(line, READ, subsequent_indent="  ", break_on_hyphens=False) for line in lines)


def _title(host: Host) -> str:
    name = f"Linux {host.release or 'of unknown release'} on {host.architecture or 'an unknown architecture'}"
    if host.can is False:
        return f"Nothing to switch on: {name} cannot ({host.how.get('can', 'by its release')})."
    if host.can is None:
        return f"Not to be decided yet: whether {name} can is not told."
    if not host.pools or not any(pool.count for pool in host.pools):
        return f"Not yet: {name} can, and has no huge pages."
    if host.optimisation == "on":
        return f"Leave it on: {name}." if not host.to_save else f"Fill the pool anew: it is on, {name}."
    if host.optimisation == "unknown":
        return f"Find out first whether it is on: {name} can."
    return f"Switch it on: {name} can, and it is off."


def _pools(host: Host) -> str:
    return ", ".join(f"{pool.count:,} of {format_size(pool.size)}" for pool in host.pools if pool.count) or "none"


def _worth(host: Host, hosts: int) -> str:
    if host.can is False:
        return "nothing."
    saved, to_save = host.saved, host.to_save
    if saved is None and to_save is None:
        return "cannot be told from this text."
    parts = []
    if saved:
        most = "at most " if host.saved_is == "assumed" else ""
        parts.append(f"{most}{_of(saved, host, hosts)} saved already")
    if to_save:
        parts.append(f"{_of(to_save, host, hosts)} {'saved or to save' if saved is None else 'to save'}")
    return f"{'; '.join(parts) or 'nothing'}, before page tables. Huge pages of a host: {_pools(host)}."


def _of(size: int, host: Host, hosts: int) -> str:
    share = f", {100 * size / host.memory:.3g} % of its RAM" if host.memory else ""
    if share and host.known == "at least":
        share = share.replace(", ", ", at most ")
    if hosts == 1:
        return f"{about(size)}{share}"
    return f"{about(hosts * size)} on {hosts:,} hosts, {about(size)} each{share}"


def _costs(host: Host, hosts: int) -> str:
    gross = (host.saved or 0) + (host.to_save or 0)
    if host.can is False or not gross:
        return ""
    tables = ""
    if host.tables_at_most:
        each = " a host" if hosts > 1 else ""
        tables = f"page tables of at most {about(host.tables_at_most)}{each}, which stay until it boots again; "
    return (
        f"{tables}a pool that is filled and emptied more slowly; {about(gross)} for a host to give back all its huge "
        "pages, all of it from elsewhere if they lie in ZONE_MOVABLE; else each one that goes pays for the next."
    )


def _how(host: Host) -> str:
    if host.can is not True or host.optimisation == "on":
        return ""
    switch = "" if _early(host) else " Or the sysctl vm.hugetlb_optimize_vmemmap = 1, before the pool is filled."
    return f"hugetlb_free_vmemmap=on on the kernel's command line, so that pages reserved at boot count too.{switch}"


def _early(host: Host) -> bool:
    found = host.series
    return (
        found is not None
        and found < facts.SWITCH_SINCE
        and host.how.get("can") != "its boot log says what can be freed"
    )


def _measure(host: Host) -> str:
    parts = list(host.would_tell)
    if host.can is not False and host.counted is not None:
        parts.append("nr_memmap_boot_pages + nr_memmap_pages before and after, on one host")
    elif host.can is not False and not any("nr_memmap" in part for part in parts):
        parts.append("what free says before and after the pool is filled, on one host: this text has no counters")
    return "; ".join(parts) + "." if parts else ""


def _not(host: Host) -> str:
    if host.can is False:
        return ""
    return (
        "on hosts that resize their pools all day, or must give huge pages back when memory is short; and not for "
        "transparent huge pages, which it does not touch."
    )
