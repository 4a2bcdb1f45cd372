"""A box for the reader's own text about a host, as a widget: typed or pasted in the browser, read by `observe.host`."""

from __future__ import annotations

from functools import cache
from typing import Any

import anywidget
import traitlets

from ..errors import BadInput, instance_of
from ..kernels import observe
from ..kernels.host.words import Answer
from ..pictures import outputs
from .scripts import STATIC

LONGEST = 16 << 20
"""Letters that the box takes; `observe.host` and ``hvlib host`` take more."""
DATA = {
    "label": "Text about a host: any mix, in any order",
    "read": "Read it",
    "clear": "Empty the box",
    "waiting": "reading …",
    "here": "Empty, the box asks the machine that this session runs on.",
}
EXAMPLE = """\
Linux kvm7 6.12.57+deb13-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.12.57-1 (2025-11-05) x86_64 GNU/Linux
BOOT_IMAGE=/boot/vmlinuz-6.12.57+deb13-amd64 root=/dev/md0 ro quiet default_hugepagesz=1G hugepagesz=1G hugepages=440
[    0.087401] Memory: 525413284K/536741888K available (16384K kernel code, 11301060K reserved, 0K cma-reserved)
[    0.412077] HugeTLB: registered 1.00 GiB page size, pre-allocated 440 pages
[    0.412081] HugeTLB: 16380 KiB vmemmap can be freed for a 1.00 GiB page
[    0.412083] HugeTLB: registered 2.00 MiB page size, pre-allocated 0 pages
[    0.412085] HugeTLB: 28 KiB vmemmap can be freed for a 2.00 MiB page
MemTotal:       527690412 kB
HugePages_Total:     440
HugePages_Free:       12
Hugepagesize:    1048576 kB
Hugetlb:        463470592 kB
/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages:440
/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages:1024
vm.hugetlb_optimize_vmemmap = 0
nr_memmap_pages 0
nr_memmap_boot_pages 2097152
"""
"""A host that does not exist, in the forms of tools and kernels that do: what `paste` shows first."""


@cache
def _static(name: str) -> str:
    return (STATIC / name).read_text("utf-8")


class Paste(anywidget.AnyWidget):
    """A text and what it says: ``text`` is what stands in the box, ``answer`` what `observe.host` makes of it.

    An empty box asks this machine.
    """

    _esm = _static("paste.js")
    _css = _static("paste.css")
    data = traitlets.Dict().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    said = traitlets.Dict().tag(sync=True)

    def __init__(self, text: str = EXAMPLE) -> None:
        self._answer: Answer | None = None
        example = "write for example hv.paste('MemTotal: 65481216 kB')"
        super().__init__(data=DATA, text=str.__str__(instance_of(text, str, "text about a host", example)))
        self._read()

    @property
    def answer(self) -> Answer:
        """What the text says. Raises `BadInput` with the sentence that stands below the box, if it says nothing."""
        if self._answer is None:
            raise BadInput(self.said["words"])
        return self._answer

    @traitlets.observe("text")
    def _read(self, _: object = None) -> None:
        try:
            if len(self.text) > LONGEST:
                raise BadInput(f"the box takes {LONGEST:,} letters; give a longer text to hvlib host as a file.")
            asked = self.text if self.text.strip() else None
            self._answer = observe.host(asked)
            # a page in a browser has no Linux of its own: the origin says whose figures these are
            whose = "" if asked else f"{observe.here().origin}\n"
            self.said = {"words": f"{whose}{self._answer}", "understood": True}
        except BadInput as why:
            self._answer = None
            self.said = {"words": str(why), "understood": False}

    def __repr__(self) -> str:
        return str(self.said.get("words", ""))

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle: Any = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**data, "text/plain": repr(self), **outputs.bundle(outputs.PasteShown(self.text))}, metadata or {}


def paste(text: str = EXAMPLE) -> Paste:
    """A box for text about a host, with an example in it. Raises `BadInput` for what is no text."""
    return Paste(text)
