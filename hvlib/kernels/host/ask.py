"""The questions: what does this text say of its hosts, what does its boot log say, what does this machine say."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...errors import BadInput, instance_of
from . import forms, here, intake
from .conclude import conclude, is_crash_kernel
from .hosts import gather
from .intake import Document
from .words import Answer

EXAMPLE = "give for example the output of: uname -a; cat /proc/meminfo /proc/vmstat; dmesg | grep -i hugetlb"


def host(text: str | bytes) -> Answer:
    """What a text says of the hosts in it; see `hvlib.kernels.observe.host`."""
    if isinstance(text, (bytes, bytearray, memoryview)):
        return answer(intake.from_text(bytes(text), "the text"))
    text = str.__str__(instance_of(text, str, "text about a host", EXAMPLE))
    return answer(intake.from_text(text))


def files(names: Iterable[str], stdin: Callable[[], bytes]) -> Answer:
    """What files, folders, archives and standard input say. Raises `BadInput` for what cannot be read."""
    return answer(intake.from_paths(names, stdin))


def this_machine() -> Answer:
    """What this machine says of itself, to an ordinary user. Raises `BadInput` where there is no /proc."""
    return answer(here.documents())


def answer(documents: list[Document]) -> Answer:
    """What some documents say. Raises `BadInput` if nothing in them is understood."""
    reading = forms.read(documents)
    boots = gather(reading, documents)
    real = [boot for boot in boots if not is_crash_kernel(boot)]
    if boots and not real:
        raise BadInput(
            "this is the log of a crash kernel, which has the RAM of crashkernel= alone; give the text of the host's "
            "own kernel (in a dump's folder: vmcore-dmesg.txt)."
        )
    hosts = tuple(one for one in map(conclude, real) if one.says_something)
    if not hosts:
        lines = len(reading.not_understood)
        speak = f", though {lines} lines speak of memory, such as {reading.not_understood[0][:80]!r}" if lines else ""
        raise BadInput(f"nothing in this text is about a host's memory that can be read{speak}; {EXAMPLE}.")
    return Answer(hosts, reading.not_understood, reading.cut)


def boot_log(text: str, base_page: int) -> dict[int, int]:
    """What a boot log says can be freed; see `hvlib.kernels.observe.boot_log`."""
    example = "write for example boot_log('HugeTLB: 28 KiB vmemmap can be freed for a 2.00 MiB page')"
    text = str.__str__(instance_of(text, str, "the text of a boot log", example))
    documents = intake.from_text(text)
    reading = forms.read(documents)
    told: dict[int, int] = {}
    for boot in gather(reading, documents):
        if boot.all("log frees") or boot.all("log frees pages"):
            told |= conclude(boot).frees
    lost = [line for line in reading.not_understood if "vmemmap" in line]
    if lost and not told:
        raise BadInput(
            f"no line of this log is understood, and {len(lost)} speak of the vmemmap, such as {lost[0][:80]!r}; "
            f"{example}."
        )
    return {size: freed // base_page for size, freed in told.items()}
