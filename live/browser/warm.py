"""What a page's session may use: run once at build time, so that the standard library's part of it is bytecode."""

import kernel  # type: ignore[import-not-found]  # noqa: F401

from hvlib import cli  # noqa: F401
from hvlib.kernels import observe, report, trial  # noqa: F401
from hvlib.kernels.host import ask  # noqa: F401
from hvlib.teaching import concepts, explore, homework, kernel_game, quiz, workbench  # noqa: F401
