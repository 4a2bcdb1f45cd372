"""hvlib: how Linux keeps the struct pages of huge pages, and how it gets rid of most of them. ``import hvlib as hv``.

The core (arithmetic, mechanism, observation) needs NumPy alone. Each name is imported when it is first used, so
arithmetic starts without NumPy, and the mechanism without pictures and panels.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .arithmetic.fleet import Fleet
    from .arithmetic.geometry import ARCHITECTURES, Architecture, Bill, HugePage, page_to_pfn, pfn_to_page
    from .arithmetic.plan import plan
    from .errors import BadInput, InvariantBroken, OutOfFrames, PageFault, WrongState
    from .facts.layout import PAGING
    from .facts.schemes import DEVICE_DAX, SCHEMES, Scheme
    from .kernels import costs, observe, trial
    from .kernels.report import this_machine
    from .mechanism.machine import Machine, Pool
    from .mechanism.structpage import TAIL_METADATA, RawMemory, StructPage, compound_head
    from .pictures import draw
    from .teaching import concepts, explore, hands, homework
    from .teaching.aside import folded
    from .teaching.errata import ERRATA, Erratum
    from .teaching.kernel_game import you_are_the_kernel
    from .teaching.paste import paste
    from .teaching.questions import check
    from .teaching.quiz import concept_test, predict
    from .teaching.workbench import sandbox
    from .units import GiB, KiB, MiB, TiB, about, format_size, parse_size

__version__ = "2.0.0"

__all__ = [
    "ARCHITECTURES", "DEVICE_DAX", "ERRATA", "PAGING", "SCHEMES", "TAIL_METADATA", "Architecture", "BadInput", "Bill",
    "Erratum", "Fleet", "GiB", "HugePage", "InvariantBroken", "KiB", "Machine", "MiB", "OutOfFrames", "PageFault",
    "Pool", "RawMemory", "Scheme", "StructPage", "TiB", "WrongState", "about", "check", "compound_head",
    "concept_test", "concepts", "costs", "draw", "explore", "folded", "format_size", "hands", "homework", "observe",
    "page_to_pfn", "parse_size", "paste", "pfn_to_page", "plan", "predict", "sandbox", "this_machine", "trial",
    "you_are_the_kernel",
]  # fmt: skip

_MODULES = {
    "arithmetic.fleet": ("Fleet",),
    "arithmetic.plan": ("plan",),
    "arithmetic.geometry": ("ARCHITECTURES", "Architecture", "Bill", "HugePage", "page_to_pfn", "pfn_to_page"),
    "errors": ("BadInput", "InvariantBroken", "OutOfFrames", "PageFault", "WrongState"),
    "facts.layout": ("PAGING",),
    "facts.schemes": ("DEVICE_DAX", "SCHEMES", "Scheme"),
    "kernels": ("costs", "observe", "trial"),
    "kernels.report": ("this_machine",),
    "mechanism.machine": ("Machine", "Pool"),
    "mechanism.structpage": ("TAIL_METADATA", "RawMemory", "StructPage", "compound_head"),
    "pictures": ("draw",),
    "teaching": ("concepts", "explore", "hands", "homework"),
    "teaching.aside": ("folded",),
    "teaching.errata": ("ERRATA", "Erratum"),
    "teaching.kernel_game": ("you_are_the_kernel",),
    "teaching.paste": ("paste",),
    "teaching.questions": ("check",),
    "teaching.quiz": ("concept_test", "predict"),
    "teaching.workbench": ("sandbox",),
    "units": ("GiB", "KiB", "MiB", "TiB", "about", "format_size", "parse_size"),
}
"""Module -> the names of `__all__` that it has; those of a room are modules."""
_HOME = {name: module for module, names in _MODULES.items() for name in names}
_ROOMS = {"kernels", "pictures", "teaching"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOME[name]
    if home in _ROOMS:
        value = import_module(f".{home}.{name}", __name__)
    else:
        value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
