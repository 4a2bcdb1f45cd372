"""Whether the wall stands: a notebook that tries ten attacks, and one that imports what students import.

Both run before the first hand-in, through the same wall with the same limits. Things that an attack must not reach are
put there first: a file, a process, a listening socket.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from hvlib.errors import BadInput

from .run import Asked, Outcome, run
from .wall import HERE, Limits, Wall

ATTACKS: Mapping[str, str] = {
    "reads the keys": "open({keys!r}).read()",
    "imports the keys": "import sys\nsys.path.insert(0, {root!r})\nimport grading.keys",
    "reads the teacher's files": "open({secret!r}).read()",
    "lists what lies beside it": "assert __import__('os').listdir({folder!r})",
    "changes the library": "import hvlib\nopen(hvlib.__file__, 'a').close()",
    "changes Python": "import os\nopen(os.__file__, 'a').close()",
    "sees another's process": "import os\nos.kill({process}, 0)\nassert os.getpid() != {process} and {process} > 9",
    "connects to another's socket": "import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)",
    "connects by a name without a file": "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect('\\0' + {abstract!r})",
    "fills the disk": "import tempfile\nfor k in range({mebibytes}): tempfile.NamedTemporaryFile(delete=False).write(bytes(1 << 20))",
}
"""What is tried: a statement that fails where the wall holds."""
HONEST = """import asyncio, collections, csv, itertools, math, pprint, random, statistics, textwrap
import numpy as np
import matplotlib.pyplot as plt
import hvlib as hv
plt.plot(np.arange(3)); plt.close()
hv.observe.recorded(hv.observe.records()[0])
hv.explore
await asyncio.sleep(0)
%time 1
display(1)
answer_honest = hv.HugePage("2 MiB").nr_base_pages"""


def notebook(*cells: str) -> bytes:
    """A notebook of code cells."""
    made: list[dict[str, object]] = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
        for source in cells
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def tried(wall: Wall, limits: Limits = Limits()) -> list[str]:  # noqa: B008
    """The attacks that came through; none where the wall holds."""
    with (
        tempfile.TemporaryDirectory(prefix="probe-") as name,
        socket.socket() as inet,
        socket.socket(socket.AF_UNIX) as unix,
    ):
        folder = Path(name)
        folder.chmod(0o755)
        secret = folder / "hand-in of somebody else"
        secret.write_text("secret", "utf-8")
        secret.chmod(0o644)
        inet.bind(("127.0.0.1", 0))
        abstract = f"hvlib-grading-{os.getpid()}-{folder.name}"
        unix.bind(f"\0{abstract}")
        inet.listen()
        unix.listen()
        sleeper = subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL)
        try:
            places = {
                "keys": str(HERE / "keys.py"), "root": str(HERE.parent), "secret": str(secret), "folder": str(folder),
                "process": sleeper.pid, "port": inet.getsockname()[1], "abstract": abstract,
                "mebibytes": 2 * limits.disk >> 20,
            }  # fmt: skip
            attacks = {
                f"attack_{number}": f"{code.format_map(places)}\nanswer_attack_{number} = 1"
                for number, code in enumerate(ATTACKS.values())
            }
            asked = Asked((*attacks, "end"))
            outcome = run(notebook(*attacks.values(), "answer_end = 1"), "probe", asked, wall, limits)
        finally:
            sleeper.kill()
            sleeper.wait()
    through = [name for number, name in enumerate(ATTACKS) if f"attack_{number}" in outcome.values]
    return through if "end" in outcome.values else ["(the trial did not come to its end)", *through]


def check(wall: Wall, limits: Limits = Limits()) -> str:  # noqa: B008
    """Try the wall, and say in a line which one stands. Raises `BadInput` where it does not hold or honest work fails."""
    honest: Outcome = run(notebook(HONEST), "probe", Asked(("honest",)), wall, limits)
    if honest.values.get("honest") != 512:
        why = honest.errors.get("honest") or "; ".join(honest.remarks) or "the process did not start"
        raise BadInput(
            f"behind the wall ({wall.name}) an honest notebook does not run: {why}; it needs bubblewrap 0.8, user "
            f"namespaces, and IPython, NumPy and Matplotlib in {sys.prefix}; see the teachers' guide, 'The wall'."
        )
    if wall.name == "no wall":
        return "NO WALL: what students hand in can read, change and send whatever you can. Tried: an honest notebook."
    through = tried(wall, limits)
    if through:
        raise BadInput(
            f"the wall ({wall.name}) does not hold, so nothing is run: a notebook {', '.join(through)}; "
            "see the teachers' guide, 'The wall'."
        )
    return f"The wall stands: {wall.name}. {len(ATTACKS)} attacks tried and held, an honest notebook ran."
