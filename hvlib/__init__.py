"""hvlib: how Linux keeps the struct pages of huge pages, and how it got rid of most of them. ``import hvlib as hv``."""

from .errors import BadInput, InvariantBroken, OutOfFrames, PageFault, WrongState
from .geometry import ARCHITECTURES, Architecture, HugePage
from .machine import Machine, Pool
from .schemes import SCHEMES, Scheme
from .structpage import RawMemory, StructPage, compound_head
from .units import GiB, KiB, MiB, TiB, format_size, parse_size
