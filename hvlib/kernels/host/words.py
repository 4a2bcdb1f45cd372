"""The answer in words and as JSON: nothing is found out here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...units import about, format_size
from .conclude import Host
from .half_page import half_page

COLUMN = 22


@dataclass(frozen=True)
class Answer:
    """What a text says of the hosts and boots in it. Printed, it is a screen for each; ``json`` is for programs."""

    hosts: tuple[Host, ...]
    not_understood: tuple[str, ...]
    cut: bool = False

    def json(self) -> Any:
        """One object, or a list of them if the text has several hosts or boots."""
        answers = [as_json(host, self.not_understood) for host in self.hosts]
        return answers[0] if len(answers) == 1 else answers

    def half_page(self, hosts: int = 1) -> str:
        """A draft of the decision, for so many hosts like each of this text. Raises `BadInput` for no number."""
        return "\n\n".join(half_page(host, hosts) for host in self.hosts)

    def __str__(self) -> str:
        parts = []
        for number, host in enumerate(self.hosts, 1):
            several = f" ({number} of {len(self.hosts)} hosts or boots in this text)" if len(self.hosts) > 1 else ""
            parts.append(in_words(host, several))
        if self.not_understood:
            parts.append("\n".join(["lines that speak of memory and were not understood:",
                                    *(f"  {line[:110]}" for line in self.not_understood)]))  # fmt: skip
        if self.cut:
            parts.append("(the text says some things so often that only the first and the last were read)")
        return "\n\n".join(parts)

    __repr__ = __str__


def as_json(host: Host, not_understood: tuple[str, ...]) -> dict[str, Any]:
    """The keys and values of ``hvlib host --json``."""
    return {
        "release": host.release,
        "architecture": host.architecture,
        "base_page": host.base_page,
        "struct_page": host.struct_page,
        "memory": {"bytes": host.memory, "known": host.known},
        "pools": [{"size": format_size(pool.size), "count": pool.count} for pool in host.pools],
        "optimisation": host.optimisation,
        "saved": host.saved,
        "to_save": host.to_save,
        "saved_is": host.saved_is,
        "tables_at_most": host.tables_at_most,
        "agrees": host.agrees,
        "not_understood": list(not_understood),
    }


def in_words(host: Host, several: str = "") -> str:
    """One screen about one host."""
    name = " ".join(part for part in (f"Linux {host.release}" if host.release else "a Linux of unknown release",
                                      host.architecture or "") if part)  # fmt: skip
    lines = [f"{f'{host.name}: ' if host.name else ''}{name}{several}"]

    def row(what: str, value: str, how: str = "") -> None:
        text = f"  {what:{COLUMN}}{value}"
        why = f"({how})" if how else ""
        if why and len(text) + len(why) + 2 > 118:
            lines.extend([text, f"  {'':{COLUMN}}{why}"])
        else:
            lines.append(f"{text}  {why}".rstrip())

    row("base page", format_size(host.base_page) if host.base_page else "not told", host.how.get("base page", ""))
    row("sizeof(struct page)", f"{host.struct_page} bytes" if host.struct_page else "not told",
        host.how.get("struct page", ""))  # fmt: skip
    if host.memory is None:
        row("RAM", "not told")
    else:
        row("RAM", f"{'at least ' if host.known == 'at least' else ''}{about(host.memory)}", host.how.get("memory", ""))
    _struct_pages(host, row)
    for pool in host.pools:
        row("huge pages", f"{pool.count:,} of {format_size(pool.size)}", pool.how)
    if not host.pools:
        row("huge pages", "not told")
    _optimisation(host, row)
    lines += [f"  note: {note}" for note in host.notes]
    lines = [line[:240] for line in lines]
    if host.would_tell:
        lines.append(f"  what would tell more: {'; '.join(host.would_tell)}")
    return "\n".join(lines)


def _struct_pages(host: Host, row: Any) -> None:
    if host.before is None:
        return
    least = "at least " if host.known == "at least" else ""
    row("struct pages, model", f"{least}{about(host.before)} without the optimisation")
    if host.counted is not None:
        row("struct pages, counted", about(host.counted), "nr_memmap_boot_pages + nr_memmap_pages")


def _optimisation(host: Host, row: Any) -> None:
    if host.can is False:
        row("the optimisation", host.optimisation, host.how.get("can", ""))
    else:
        can = {True: "this kernel can", None: "whether this kernel can: unknown"}[host.can]
        if host.can is None and host.optimisation != "unknown":
            can += f"; if so, it is {host.optimisation}"
        able, state = host.how.get("can", ""), host.how.get("optimisation", "")
        why = "; ".join(part for part in ("" if state and state in able else able, state) if part)
        row("the optimisation", f"{can}; it is {host.optimisation}" if host.can else can, why)
    for size, each in host.each.items():
        if each and host.can is not False:
            row("", f"{format_size(each)} for each page of {format_size(size)}")
        elif host.can is not False:
            row("", f"nothing for a page of {format_size(size)}: its struct pages fill no page that could be freed")
    if host.saved is None and host.to_save is None:
        row("saved", "cannot be told from this text")
    elif host.saved is None:
        row("saved or to save", about(host.to_save or 0), "all of it one or the other")
    elif host.saved_is == "counted":
        row("saved", about(host.saved), "counted")
        row("to save", about(host.to_save or 0), _still(host))
    else:
        most = "at most " if host.optimisation == "on" and host.saved else ""
        no_counter = "every page of the pools taken as optimised; this text does not tell how many are"
        row("saved", f"{most}{about(host.saved)}", no_counter if most else "")
        row("to save", about(host.to_save or 0), _still(host))
    if host.tables_at_most:
        row(
            "page tables",
            f"at most {about(host.tables_at_most)}",
            "what the split of the vmemmap costs; not taken off above",
        )
    if host.if_all:
        least = "at least " if host.known == "at least" else ""
        row("if all of this RAM", f"were pages of 2 MiB: {least}{about(host.if_all)}")
    words = {True: "agree", False: "do not agree", None: "cannot be compared"}[host.agrees]
    row("model and counters", words, host.how.get("agrees", ""))


def _still(host: Host) -> str:
    if not host.to_save:
        return ""
    if host.optimisation == "on":
        return "once the pool is emptied and filled again"
    return "with hugetlb_free_vmemmap=on, or the sysctl before the pool is filled" if host.optimisation == "off" else ""
