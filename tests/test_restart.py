"""A kernel restarted in the middle of a chapter: the film plays on, and running its cell again makes it live."""

from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import expect

from hvlib.pictures.films import FILMS
from tools.jupyterlab import IDLE, chromium, needs_chromium

ROOT = Path(__file__).parents[1]
pytestmark = [pytest.mark.browser, needs_chromium]
CHAPTER, FILM = "02_x86_huge_pages.ipynb", FILMS["address"]
RESTART = "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
PANEL_CELL = """() => {
  const notebook = jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = notebook.widgets.findIndex(cell => cell.model.sharedModel.source.includes("hv.explore."));
  notebook.deselectAll();
}"""
BROKEN = ".jp-OutputArea-output:has-text('Loading widget'), .jp-OutputArea-output:has-text('Error displaying widget')"


def test_a_panel_outlives_its_kernel_and_comes_back_to_life(lab):
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1300, "height": 1000})
        page.set_default_timeout(20_000)
        problems = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        panel = page.locator(".hv-panel")

        def idle():
            page.wait_for_function(IDLE, timeout=90_000, polling=100)

        def command(name):
            page.evaluate("name => jupyterapp.commands.execute('notebook:' + name)", name)

        def put(key, place):
            """Move the last slider by keyboard; the picture is that of the new state."""
            sliders = {axis.name: panel.get_by_role("slider", name=axis.label, exact=True) for axis in FILM.axes}
            moved = FILM.axes[-1]
            sliders[moved.name].focus()
            page.keyboard.press(key)
            values = {axis.name: axis.values[int(sliders[axis.name].input_value())] for axis in FILM.axes}
            assert values[moved.name] == moved.values[place]
            expect(panel.locator(".hv-caption")).to_have_text(FILM.state(**values)[0].caption)
            return values

        lab.open(page, CHAPTER)
        lab.run_all(page)
        expect(panel).to_have_count(1)
        put("Home", 0)
        page.evaluate(RESTART)
        idle()
        page.wait_for_timeout(1000)
        expect(panel).to_have_count(1)
        assert panel.locator("svg[role=img]").bounding_box()["height"] > 100, "the picture is still there"
        put("End", -1)
        put("Home", 0)
        expect(page.locator(BROKEN)).to_have_count(0)

        # The names went with the kernel: the cells above first, then the panel's.
        page.evaluate(PANEL_CELL)
        command("run-all-above")
        idle()
        page.evaluate(PANEL_CELL)
        command("run-cell")
        idle()
        expect(panel).to_have_count(1)
        where = put("End", -1)
        page.wait_for_timeout(300)
        for name in ("move-cursor-down", "insert-cell-below", "enter-edit-mode"):
            command(name)
        page.keyboard.insert_text("print('python says', panel.values)")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".jp-OutputArea-output", has_text=f"python says {where}")).to_be_visible()
        expect(page.locator(BROKEN)).to_have_count(0)
        page.close()
    assert not problems, problems
