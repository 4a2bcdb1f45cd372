"""hvlib: how Linux keeps the struct pages of huge pages, and how it gets rid of most of them. ``import hvlib as hv``.

The core (arithmetic, mechanism, observation) needs NumPy alone; pictures, panels and questions are imported when
first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import costs, homework, observe, trial
from .errata import ERRATA, Erratum
from .errors import BadInput, InvariantBroken, OutOfFrames, PageFault, WrongState
from .fleet import Fleet
from .geometry import ARCHITECTURES, PAGING, Architecture, Bill, HugePage, page_to_pfn, pfn_to_page
from .machine import Machine, Pool
from .report import this_machine
from .schemes import DEVICE_DAX, SCHEMES, Scheme
from .structpage import TAIL_METADATA, RawMemory, StructPage, compound_head
from .units import GiB, KiB, MiB, TiB, about, format_size, parse_size

if TYPE_CHECKING:
    from . import concepts, draw, explore
    from .questions import check
    from .quiz import concept_test, predict
    from .workbench import sandbox

__version__ = "0.1.0"

__all__ = [
    "ARCHITECTURES", "DEVICE_DAX", "ERRATA", "PAGING", "SCHEMES", "TAIL_METADATA", "Architecture", "BadInput", "Bill",
    "Erratum", "Fleet", "GiB", "HugePage", "InvariantBroken", "KiB", "Machine", "MiB", "OutOfFrames", "PageFault",
    "Pool", "RawMemory", "Scheme", "StructPage", "TiB", "WrongState", "about", "check", "compound_head",
    "concept_test", "concepts", "costs", "draw", "explore", "format_size", "homework", "observe", "page_to_pfn",
    "parse_size", "pfn_to_page", "predict", "sandbox", "this_machine", "trial",
]  # fmt: skip

_LAZY_MODULES = ("concepts", "draw", "explore")
_LAZY_FUNCTIONS = {"check": ".questions", "concept_test": ".quiz", "predict": ".quiz", "sandbox": ".workbench"}


def __getattr__(name: str) -> Any:
    if name in _LAZY_MODULES:
        return import_module(f".{name}", __name__)
    if name in _LAZY_FUNCTIONS:
        return getattr(import_module(_LAZY_FUNCTIONS[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
