"""A move of the game in JupyterLab and real Chromium: until its picture is shown, and until Python has judged it.

A sample begins with the keydown event that makes the move. The picture needs no kernel; the kernel plays the same move
on the engine and sends its state back. Moves are made ``at ease``, when nothing moves any more, and in a hurry
(``shown``), while arrows and the two CPUs still move after the move before. Then frames follow one another without a
pause, a key comes anywhere between two of them, and no picture can be shown before the next one begins: so it is said
besides how long that frame took to begin (``begun``). Up to one period of the screen it is the very next.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import nbformat

from .measure import ROOT, quantile, summary, told
from .panel import PROBE, REST, SETTLED, press

CHAPTER = "06_remap_to_page_1"
MOVES = 10
"""Of a turn: split and undo, again and again."""
PACES = {"shown": 0, "at ease": 2000}
"""Milliseconds before each move."""
WATCH = """() => {
  const game = document.querySelector(".hv-kernel"), probe = window.hvProbe;
  probe.watch(game);
  const seen = new MutationObserver(() => { if (probe.start) probe.judged ||= performance.now(); });
  seen.observe(game, { attributes: true, subtree: true, attributeFilter: ["data-judged"] });
}"""


def run(turns: int = 4) -> dict[str, Any]:
    """Moves by keyboard, each after the one before is shown and judged; the first turn does not count."""
    from tools import jupyterlab as reader

    if not reader.CHROMIUM:
        raise RuntimeError("it needs Chromium (Debian: apt install chromium)")
    shown: dict[str, list[float]] = defaultdict(list)
    judged: list[float] = []
    waited: list[float] = []
    with tempfile.TemporaryDirectory(prefix="hvlib-bench-") as temporary, reader.chromium() as browser:
        folder = Path(temporary) / "book"
        folder.mkdir()
        notebook = nbformat.v4.new_notebook()
        notebook.metadata = nbformat.read(ROOT / "notebooks" / f"{CHAPTER}.ipynb", as_version=4).metadata
        code = "import hvlib as hv\ngame = hv.you_are_the_kernel()\ngame"
        notebook.cells = [nbformat.v4.new_code_cell(code)]
        nbformat.write(notebook, folder / "game.ipynb")
        lab = reader.Lab(folder, Path(temporary))
        try:
            page = browser.new_context(viewport={"width": 1300, "height": 1000}).new_page()
            page.add_init_script(PROBE)
            lab.open(page, "game.ipynb")
            lab.run_all(page)
            game = page.locator(".hv-kernel")
            game.get_by_role("button", name="Split", exact=True).wait_for(timeout=60_000)
            page.evaluate(WATCH)
            for turn in range(turns + 1):
                for pace, pause in PACES.items():
                    page.wait_for_timeout(REST)
                    for number in range(MOVES):
                        game.get_by_role("button", name="Undo" if number % 2 else "Split", exact=True).focus()
                        page.wait_for_timeout(pause)
                        page.evaluate("hvProbe.reset(); hvProbe.judged = 0")
                        press(page, "Enter", f"() => hvProbe.judged && ({SETTLED})()")
                        start, *times = page.evaluate(
                            "['start', 'begun', 'painted', 'judged'].map((one) => hvProbe[one])"
                        )
                        if turn:
                            begun, painted, answer = (one - start for one in times)
                            shown[pace].append(painted)
                            judged.append(answer)
                            if not pause:
                                waited.append(max(0.0, begun))
                told(f"turn {turn}")
        finally:
            lab.stop()
    found = {**shown, "begun": waited, "judged": judged}
    return {name: {"ms": summary(ms), "p95_ms": quantile(ms, 0.95)} for name, ms in found.items()}
