"""A step of a panel in JupyterLab and real Chromium, against the same pictures by `interact` with inline PNG.

A sample is the time from the keydown event of the slider to the end of the frame that shows the changed picture. The
chapter's own panel is driven in two ways: ``still``, with prefers-reduced-motion, where that frame is the finished
picture, and ``gliding``, where shapes then move for another quarter of a second. `interact` gets its scenes ready-made;
it only has to draw and send them.

A key is held down as a finger holds it, and nobody asks the page anything before the picture has had time to come: a
question, and a key that comes up at once, would be work of the benchmark's own in the frame that it measures.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from .measure import ROOT, quantile, ratios, significant, summary, told

CHAPTER = "06_remap_to_page_1"
INTERACT = """%matplotlib inline
import ipywidgets
from IPython.display import display
from hvlib.pictures import films, png
film = films.FILMS["remap"]
scenes = [film.state(huge_page="2 MiB", step=step)[0] for step in film.axes[1].values]
@ipywidgets.interact(step=(0, len(scenes) - 1))
def show(step=0):
    display(png.figure(scenes[step]))
"""
STEPS = 10
"""Of a block: to the right, then to the left."""
HELD, QUIET = 80, 420
"""Milliseconds for which a key is down, and after which the page is asked for the first time."""
REST = 500
"""Milliseconds after a page came to the front: what it does then is no step."""
PROBE = """(() => {
  const reset = () => Object.assign(window.hvProbe, { start: 0, begun: 0, painted: 0 });
  const probe = window.hvProbe = { start: 0, begun: 0, painted: 0, reset };
  const changed = () => requestAnimationFrame((now) => {
    probe.begun ||= now;
    const { port1, port2 } = new MessageChannel(), painted = () => { probe.painted ||= performance.now(); };
    scheduler.postTask(painted, { priority: "user-blocking" });  // no frame of the glide goes before it
    port1.onmessage = painted;  // a message sent in a frame arrives after it is painted,
    port2.postMessage(0);
    requestAnimationFrame(painted);  // and may wait until the next one is: that one begins after this one's end, too
  });
  document.addEventListener("keydown", (event) => { probe.start ||= event.timeStamp; }, true);
  document.addEventListener("load", (event) => { if (event.target.tagName === "IMG" && probe.start) changed(); }, true);
  probe.watch = (element) => new MutationObserver(() => { if (probe.start && !probe.painted) changed(); })
    .observe(element, { subtree: true, childList: true, attributes: true });
})();"""
SETTLED = "() => hvProbe.painted && performance.now() - hvProbe.painted > 400"
PROCESS_TIME = """async () => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const user_expressions = { cpu: "__import__('time').process_time()" };
  const reply = await kernel.requestExecute({ code: "", store_history: false, user_expressions }).done;
  return Number(reply.content.user_expressions.cpu.data["text/plain"]);
}"""


def press(page: Any, key: str, settled: str = SETTLED) -> None:
    """Press a key and wait, out of the page's way, until what it changed is shown."""
    page.keyboard.press(key, delay=HELD)
    page.wait_for_timeout(QUIET - HELD)
    page.wait_for_function(settled, polling=30, timeout=20_000)


@dataclass
class Way:
    """A page with a slider, and what its steps took."""

    page: Any
    slider: Any
    motion: str = "no-preference"
    blocks: list[list[float]] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    traffic: list[float] = field(default_factory=list)
    heard: dict[str, int] = field(default_factory=dict)

    def block(self, key: str) -> None:
        """Some steps; milliseconds to the changed picture, and per step the kernel's CPU and the bytes both ways."""
        self.page.bring_to_front()
        self.page.emulate_media(reduced_motion=self.motion)
        self.slider.scroll_into_view_if_needed()
        self.slider.focus()
        self.page.wait_for_timeout(REST)
        cost = self._cpu_of_nothing()
        before, bytes_before, steps = self.page.evaluate(PROCESS_TIME), self.heard["bytes"], []
        for _ in range(STEPS):
            self.page.evaluate("hvProbe.reset()")
            press(self.page, key)
            steps.append(self.page.evaluate("hvProbe.painted - hvProbe.start"))
        traffic = self.heard["bytes"] - bytes_before
        used = self.page.evaluate(PROCESS_TIME) - before
        self.blocks.append(steps)
        self.cpu.append(max(0.0, 1e3 * (used - cost) / STEPS))
        self.traffic.append(traffic / STEPS)

    def _cpu_of_nothing(self) -> float:
        before = self.page.evaluate(PROCESS_TIME)
        return float(self.page.evaluate(PROCESS_TIME) - before)

    def told(self) -> dict[str, Any]:
        """The result, without the first block, in which everything is done for the first time."""
        steps = [step for block in self.blocks[1:] for step in block]
        return {
            "ms": summary(steps), "p95_ms": quantile(steps, 0.95),
            "block_medians_ms": summary([statistics.median(block) for block in self.blocks[1:]]),
            "kernel_cpu_ms": summary(self.cpu[1:]), "bytes": significant(statistics.median(self.traffic[1:])),
        }  # fmt: skip


def run(turns: int = 4) -> dict[str, Any]:
    """Blocks of steps in turns: the panel still, `interact`, the panel gliding."""
    from tools import jupyterlab as reader

    if not reader.CHROMIUM:
        raise RuntimeError("it needs Chromium (Debian: apt install chromium)")
    with tempfile.TemporaryDirectory(prefix="hvlib-bench-") as temporary, reader.chromium() as browser:
        folder = Path(temporary) / "book"
        folder.mkdir()
        shutil.copy(ROOT / "notebooks" / f"{CHAPTER}.ipynb", folder)
        chapter = nbformat.read(folder / f"{CHAPTER}.ipynb", as_version=4)
        chapter.cells = [nbformat.v4.new_code_cell(INTERACT)]
        nbformat.write(chapter, folder / "interact.ipynb")  # with the chapter's kernel
        lab = reader.Lab(folder, Path(temporary))
        try:
            told("opening both notebooks")
            panel, heard = _opened(browser, lab, CHAPTER)
            panel.evaluate("hvProbe.watch(document.querySelector('.hv-panel .hv-picture'))")
            step = panel.get_by_role("slider", name="step", exact=True)
            usual, heard_usual = _opened(browser, lab, "interact")
            handle = usual.locator(".widget-slider .noUi-handle").first
            ways = {
                "still": Way(panel, step, "reduce", heard=heard),
                "interact": Way(usual, handle, heard=heard_usual),
                "gliding": Way(panel, step, heard=heard),
            }
            for turn in range(turns + 1):
                for place, (name, way) in enumerate(ways.items()):
                    # the panel is driven twice a turn: there and back
                    back = turn % 2 if name == "interact" else place == 2
                    way.block("ArrowLeft" if back else "ArrowRight")
                    told(f"turn {turn}, {name}: median {statistics.median(way.blocks[-1]):.1f} ms")
            frame = int(panel.locator(".hv-panel").get_attribute("data-frame"))
            assert frame == 0, "the panel did not follow its keys"
        finally:
            lab.stop()
    found = {name: way.told() for name, way in ways.items()}
    medians = {name: [statistics.median(block) for block in way.blocks[1:]] for name, way in ways.items()}
    return {**found, "times faster": ratios(medians["interact"], medians["still"]),
            "times faster, gliding": ratios(medians["interact"], medians["gliding"])}  # fmt: skip


def _opened(browser: Any, lab: Any, name: str) -> tuple[Any, dict[str, int]]:
    """A notebook, run, in a browser context of its own; and a counter of bytes from and to its kernel."""
    page = browser.new_context(viewport={"width": 1300, "height": 1000}).new_page()
    page.add_init_script(PROBE)
    heard = {"bytes": 0}

    def hear(frame: str | bytes) -> None:
        heard["bytes"] += len(frame)

    def listen(socket: Any) -> None:
        if "/api/kernels/" in socket.url:
            socket.on("framereceived", hear)
            socket.on("framesent", hear)

    page.on("websocket", listen)
    lab.open(page, f"{name}.ipynb")
    lab.run_all(page)
    page.locator(".hv-panel svg[role=img], .widget-output img").first.wait_for(timeout=60_000)
    return page, heard
