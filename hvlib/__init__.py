"""hvlib: how Linux keeps the struct pages of huge pages, and how it gets rid of most of them. ``import hvlib as hv``.

The core (arithmetic, mechanism, observation) needs NumPy alone. Each name is imported when it is first used, so
arithmetic starts without NumPy, and the mechanism without pictures and panels.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import concepts, costs, draw, explore, homework, observe, trial
    from .errata import ERRATA, Erratum
    from .errors import BadInput, InvariantBroken, OutOfFrames, PageFault, WrongState
    from .fleet import Fleet
    from .geometry import ARCHITECTURES, PAGING, Architecture, Bill, HugePage, page_to_pfn, pfn_to_page
    from .machine import Machine, Pool
    from .questions import check
    from .quiz import concept_test, predict
    from .report import this_machine
    from .schemes import DEVICE_DAX, SCHEMES, Scheme
    from .structpage import TAIL_METADATA, RawMemory, StructPage, compound_head
    from .units import GiB, KiB, MiB, TiB, about, format_size, parse_size
    from .workbench import sandbox

__version__ = "1.0.0"

__all__ = [
    "ARCHITECTURES", "DEVICE_DAX", "ERRATA", "PAGING", "SCHEMES", "TAIL_METADATA", "Architecture", "BadInput", "Bill",
    "Erratum", "Fleet", "GiB", "HugePage", "InvariantBroken", "KiB", "Machine", "MiB", "OutOfFrames", "PageFault",
    "Pool", "RawMemory", "Scheme", "StructPage", "TiB", "WrongState", "about", "check", "compound_head",
    "concept_test", "concepts", "costs", "draw", "explore", "format_size", "homework", "observe", "page_to_pfn",
    "parse_size", "pfn_to_page", "predict", "sandbox", "this_machine", "trial",
]  # fmt: skip

_MODULES = {
    "errata": ("ERRATA", "Erratum"),
    "errors": ("BadInput", "InvariantBroken", "OutOfFrames", "PageFault", "WrongState"),
    "fleet": ("Fleet",),
    "geometry": ("ARCHITECTURES", "PAGING", "Architecture", "Bill", "HugePage", "page_to_pfn", "pfn_to_page"),
    "machine": ("Machine", "Pool"),
    "questions": ("check",),
    "quiz": ("concept_test", "predict"),
    "report": ("this_machine",),
    "schemes": ("DEVICE_DAX", "SCHEMES", "Scheme"),
    "structpage": ("TAIL_METADATA", "RawMemory", "StructPage", "compound_head"),
    "units": ("GiB", "KiB", "MiB", "TiB", "about", "format_size", "parse_size"),
    "workbench": ("sandbox",),
}
"""Module -> the names of `__all__` that it has; what is in no row is a module itself."""
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = import_module(f".{_HOME.get(name, name)}", __name__)
    globals()[name] = value = getattr(found, name) if name in _HOME else found
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
