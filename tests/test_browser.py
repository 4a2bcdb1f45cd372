"""What a reader sees: each chapter in JupyterLab, in a real headless Chromium, driven by mouse and keyboard."""

import contextlib
import io
import re
import shutil
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")
from panels import controls
from PIL import Image
from playing import Player
from playwright.sync_api import expect

import hvlib as hv
from hvlib.pictures.scene import PORTRAIT, WIDTH
from hvlib.teaching import explore
from hvlib.teaching.kernel_rules import move
from hvlib.teaching.paste import EXAMPLE
from tools.jupyterlab import IDLE, Lab, needs_chromium

expect.set_options(timeout=30_000)  # on a busy machine; what is there at once is seen at once

ROOT = Path(__file__).parents[1]
pytestmark = [pytest.mark.browser, pytest.mark.beside, needs_chromium]
CHAPTERS = {
    path.stem: re.search(r"= hv\.explore\.(\w+)\(", path.read_text("utf-8"))[1]
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
}
"""Chapter -> the film of its panel."""
SOME = ("02_x86_huge_pages", "06_remap_to_page_1", "08_one_tail_for_all")
"""What every run of the tests opens: choices, the game, a hand. The others: make test-long."""


@pytest.fixture(scope="module")
def context(browser):
    """What keeps JupyterLab's scripts from one page to the next, as a reader's browser does."""
    with contextlib.closing(browser.new_context(viewport={"width": 1300, "height": 1000})) as context:
        yield context


REMOVED = "Failed to execute 'removeChild' on 'Node': The node to be removed is not a child of this node."


def of_its_splash_screen(problem):
    """Whether it is JupyterLab's own: a timer of its splash screen takes it out of the page, now and then twice.

    The stack must be that timer's, and nothing else; the same error from anywhere else is a problem.
    """
    frames = re.findall(r"^ +at (.*)", problem, re.MULTILINE)
    return REMOVED in problem and len(frames) == 1 and bool(re.fullmatch(r"\S+/static/\S*\bjlab_core\.\S+", frames[0]))


CANCELLED = "Could not restore the debugger state: Canceled future for debug_request message before replies were done"


def of_its_debugger(message):
    """Whether it is JupyterLab's own: its debugger was still asking a kernel when the notebook was closed.

    The book asks no kernel to debug. The words must be these, and printed by JupyterLab's own script.
    """
    return message.text == CANCELLED and bool(re.search(r"/static/\S*\bjlab_core\.", message.location["url"]))


def uncaught(error):
    """An error as text, with the stack that says whose it is."""
    return f"{error}\n{error.stack or ''}".strip()


def printed(message):
    """Whether a message of the console is an error, and not JupyterLab's own."""
    return message.type == "error" and not of_its_debugger(message)


@contextlib.contextmanager
def watched(context, known=()):
    """A page whose errors, on the console or uncaught, fail the test in the end, but for those known of others."""
    page = context.new_page()
    page.set_default_timeout(60_000)
    problems = []
    page.on("pageerror", lambda error: problems.append(uncaught(error)))
    page.on("console", lambda message: problems.append(message.text) if printed(message) else None)
    yield page
    problems = [one for one in problems if not of_its_splash_screen(one) and one.split("\n")[0] not in known]
    page.evaluate("() => window.jupyterapp?.shell.currentWidget?.sessionContext?.shutdown()")
    page.close()
    assert not problems, problems


@pytest.fixture(scope="module")
def page(context):
    """One JupyterLab, in which chapter after chapter is opened as a reader does."""
    with watched(context) as page:
        yield page


@pytest.fixture(scope="module")
def remap(lab, page):
    """Chapter 6, open and run, for the tests that leave it so."""
    lab.open(page, "06_remap_to_page_1.ipynb")
    lab.run_all(page)
    return page


STILL = """svg => new Promise((done) => {
  let before;
  const look = () => {
    const now = svg.innerHTML;
    if (now === before) return done();
    before = now;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""
"""A glide moves something in every frame that is painted."""
TOLD = "() => new Promise((done) => setTimeout(done, 100))"
"""The page tells the kernel 60 ms after a slider has moved; its timers keep their order however slow it is."""
CELLS = "() => jupyterapp.shell.currentWidget.content.widgets.length"


def truth(film, values):
    """Caption and alt text of a state, from the engine."""
    scene = film.state(**values)[0]
    return scene.caption, scene.alt


@pytest.mark.parametrize(
    "chapter", [pytest.param(name, marks=() if name in SOME else pytest.mark.long) for name in CHAPTERS]
)
def test_a_chapter_runs_and_its_panel_answers_mouse_and_keyboard(lab, page, chapter):
    film = explore.FILMS[CHAPTERS[chapter]]
    lab.open(page, f"{chapter}.ipynb")
    lab.run_all(page)
    panel = page.locator(".hv-panel")
    expect(panel).to_have_count(1)
    panel.scroll_into_view_if_needed()
    picture, caption = panel.locator("svg[role=img]"), panel.locator(".hv-caption")
    if page.viewport_size["width"] >= 1280:
        assert picture.bounding_box()["width"] >= WIDTH, "a unit of its scenes is a pixel at least"
    sliders = {control.name: control for control in controls(panel)}
    values = {axis.name: axis.values[sliders[axis.name].place] for axis in film.axes}

    def check():
        words, alt = truth(film, values)
        expect(caption).to_have_text(words)
        expect(picture).to_have_attribute("aria-label", alt)

    check()
    height = panel.bounding_box()["height"]
    for axis in film.axes:
        slider = sliders[axis.name]
        slider.home()
        values[axis.name] = axis.values[0]
        check()
        picture.evaluate(STILL)
        before = picture.screenshot()
        slider.step()
        values[axis.name] = axis.values[1]
        check()
        if not slider.chosen:
            expect(slider.inputs).to_have_attribute("aria-valuetext", axis.texts[1])
        slider.drag()
        values[axis.name] = axis.values[-1]
        check()
        picture.evaluate(STILL)
        assert picture.screenshot() != before, "the picture changed"
        assert panel.bounding_box()["height"] == pytest.approx(height, abs=1), "nothing on the page jumps"
        slider.home()
        values[axis.name] = axis.values[0]
        check()
    expect(panel.locator("[role=status]")).to_have_text(truth(film, values)[0])


def test_the_box_says_of_a_pasted_text_what_python_says(lab, page):
    """Chapter 12's box: by the button, by keys, and a sentence for what says nothing."""
    text = "MemTotal:       65481216 kB\nHugePages_Total:     512\nHugepagesize:       2048 kB\n"
    lab.open(page, "12_your_own_fleet.ipynb")
    lab.run_all(page)
    box, said = page.locator(".hv-paste textarea"), page.locator(".hv-paste .hv-said")
    expect(said).to_have_text(str(hv.observe.host(EXAMPLE)))
    box.fill(text)
    page.locator(".hv-paste").get_by_role("button").first.click()
    expect(said).to_have_text(str(hv.observe.host(text)))
    box.fill("a recipe for soup")
    box.press("Control+Enter")
    expect(said).to_have_class(re.compile("hv-sentence"))


def test_keys_on_a_slider_do_not_edit_the_notebook(remap):
    cells = remap.evaluate(CELLS)
    slider = remap.locator(".hv-panel").get_by_role("slider", name="step", exact=True)
    slider.focus()
    for key in ("Home", "x", "d", "d", "a", "b", "y", "ArrowDown", "ArrowUp", "ArrowRight"):
        remap.keyboard.press(key)
    expect(slider).to_have_value("2")
    remap.evaluate(TOLD)
    assert remap.evaluate(CELLS) == cells


def test_what_the_slider_says_python_knows_and_the_guess_stands_beside_the_truth(remap):
    box = remap.get_by_placeholder("type it here, then press Enter")
    box.fill("4")
    box.press("Enter")
    note = remap.locator(".hv-panel .hv-wait")
    expect(note).not_to_contain_text("it is")
    slider = remap.locator(".hv-panel").get_by_role("slider", name="step", exact=True)
    slider.focus()
    remap.keyboard.press("End")
    expect(note).to_contain_text("Your guess was 4; it is 1.")
    remap.evaluate(TOLD)
    for command in ("move-cursor-down", "insert-cell-below", "enter-edit-mode"):
        remap.evaluate("command => jupyterapp.commands.execute('notebook:' + command)", command)
    remap.keyboard.insert_text("print('python says', panel.step, panel.facts['frames freed'])")
    remap.keyboard.press("Control+Enter")
    expect(remap.locator(".jp-OutputArea-output", has_text="python says 11 6")).to_be_visible()


def test_the_game_is_played_by_mouse_and_keys_and_python_confirms_each_move(remap):
    """Chapter 6's game: the twin answers, the engine in the kernel judges, and a cell's moves reach the picture."""
    cells = remap.evaluate(CELLS)
    game = remap.locator(".hv-kernel")
    game.locator("svg").evaluate("svg => svg.scrollIntoView({block: 'center'})")
    player = Player(remap, game)
    player.button("Split")
    player.same("split")
    player.drag(2, 1)
    player.same("remap", page=2, frame=1)
    for key in ("Space", "x", "a", "b", "d", "d", "y", "ArrowRight", "ArrowUp", "ArrowUp", "Enter"):
        remap.keyboard.press(key)
    player.session.play(move("protect", page=2))
    player.same("remap", page=3, frame=1)
    assert remap.evaluate(CELLS) == cells, "the notebook took no key"
    expect(game).to_have_attribute("data-judged", "4")
    for command in ("move-cursor-down", "insert-cell-below", "enter-edit-mode"):
        remap.evaluate("command => jupyterapp.commands.execute('notebook:' + command)", command)
    remap.keyboard.insert_text("print('python says', len(game.moves), game.state['unflushed']); _ = game.play('flush')")
    remap.keyboard.press("Control+Enter")
    expect(remap.locator(".jp-OutputArea-output", has_text="python says 4 [2, 3]")).to_be_visible()
    expect(game).to_have_attribute("data-judged", "5")
    player.same("flush")
    assert game.get_attribute("data-differs") is None, "the twin and the engine agree"


def test_play_walks_through_the_steps_and_stops(remap):
    panel = remap.locator(".hv-panel")
    slider = panel.get_by_role("slider", name="step", exact=True)
    slider.focus()
    remap.keyboard.press("End")
    remap.keyboard.press("ArrowLeft")
    remap.keyboard.press("ArrowLeft")
    panel.get_by_role("button", name="Play step").click()
    expect(panel.get_by_role("button", name="Stop step")).to_be_visible()
    expect(slider).to_have_value("11")
    expect(panel.get_by_role("button", name="Play step")).to_be_visible()


THEME = """async (name) => {
  await jupyterapp.commands.execute('apputils:change-theme', {theme: name});
}"""


def test_a_dark_theme_reaches_the_picture(remap):
    text = remap.locator(".hv-panel svg text", has_text="vmemmap").first
    colours = {}
    try:
        for name in ("JupyterLab Dark", "JupyterLab Light"):
            remap.evaluate(THEME, name)
            remap.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)
            fill = text.evaluate("element => getComputedStyle(element).fill")
            ground = remap.locator(".hv-panel").evaluate("element => getComputedStyle(element).backgroundColor")
            colours[name] = [sum(map(float, c[c.index("(") + 1 : -1].split(",")[:3])) / 3 for c in (fill, ground)]
    finally:
        remap.evaluate(THEME, "JupyterLab Light")
    (fill, ground), (light_fill, light_ground) = colours.values()
    assert fill - ground > 120, colours
    assert light_ground - light_fill > 120, colours


FRAME = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def test_a_figure_that_does_not_move_follows_the_theme_too(remap):
    """JupyterLab shows it as an image, which its colours do not reach but its colour scheme does."""
    figure = remap.locator(".jp-RenderedSVG img").first
    figure.scroll_into_view_if_needed()
    grounds = {}
    try:
        for name in ("JupyterLab Dark", "JupyterLab Light"):
            remap.evaluate(THEME, name)
            remap.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)
            remap.evaluate(FRAME)
            shot = Image.open(io.BytesIO(figure.screenshot())).convert("RGB")
            grounds[name] = sum(shot.getpixel((3, shot.height - 3))) / 3
    finally:
        remap.evaluate(THEME, "JupyterLab Light")
    assert grounds["JupyterLab Dark"] < 60, grounds
    assert grounds["JupyterLab Light"] > 240, grounds


def test_a_picture_and_words_answer_a_hand_in_jupyterlab(remap):
    """A click in the picture, keys on a place of it, and a link in a cell above: the notebook takes none of them."""
    cells, film = remap.evaluate(CELLS), explore.FILMS["remap"]
    panel = remap.locator(".hv-panel")
    place = {name: panel.locator(f'.hv-hits > button[data-group="{name}"]') for name in ("page2", "page5", "huge")}

    def stands(step):
        words, alt = truth(film, {"huge_page": "2 MiB", "step": step})
        expect(panel.locator(".hv-caption")).to_have_text(words)
        expect(panel.locator("svg[role=img]")).to_have_attribute("aria-label", alt)

    panel.scroll_into_view_if_needed()
    place["page5"].click()
    stands(7)
    place["huge"].focus()
    for key in ("x", "d", "d", "a", "b", "y", "Enter"):
        remap.keyboard.press(key)
    stands(0)
    expect(place["huge"]).to_be_focused()
    place["page2"].focus()
    remap.keyboard.press("Space")
    stands(4)
    link = remap.locator(".jp-RenderedMarkdown a", has_text="Free").first
    link.click()
    stands(11)
    expect(link).to_have_attribute("aria-current", "true")
    frame = remap.locator(".jp-RenderedMarkdown a", has_text="the frame of page 1").first
    frame.hover()
    expect(panel.locator("g[data-apart]")).not_to_have_count(0)
    frame.press("Enter")
    assert remap.evaluate(CELLS) == cells
    panel.get_by_role("radiogroup", name="huge page").get_by_text("1 GiB").click()
    expect(panel.locator(".hv-caption")).to_have_text(truth(film, {"huge_page": "1 GiB", "step": 11})[0])
    remap.keyboard.press("ArrowLeft")
    stands(11)
    remap.evaluate(TOLD)
    for command in ("move-cursor-down", "insert-cell-below", "enter-edit-mode"):
        remap.evaluate("command => jupyterapp.commands.execute('notebook:' + command)", command)
    remap.keyboard.insert_text("print('python says', panel.values)")
    remap.keyboard.press("Control+Enter")
    said = "python says {'huge_page': '2 MiB', 'step': 11}"
    expect(remap.locator(".jp-OutputArea-output", has_text=said)).to_be_visible()


def test_a_narrow_notebook_gets_the_drawing_for_a_phone_from_the_kernel(remap):
    panel, size = remap.locator(".hv-panel"), remap.viewport_size
    wide = panel.locator("svg[role=img]").get_attribute("viewBox")
    try:
        remap.evaluate("() => jupyterapp.commands.execute('application:toggle-left-area')")
        remap.set_viewport_size({"width": 560, "height": 900})
        panel.scroll_into_view_if_needed()  # what is out of sight is not laid out
        expect(panel.locator("svg[role=img]")).not_to_have_attribute("viewBox", wide)
        assert panel.locator("svg[role=img]").get_attribute("viewBox").startswith(f"0 0 {PORTRAIT} ")
        step = panel.get_by_role("slider", name="step", exact=True)
        step.press("Home")
        panel.get_by_role("button", name="step forward").click()
        expect(step).to_have_value("1")
    finally:
        remap.set_viewport_size(size)
        remap.evaluate("() => jupyterapp.commands.execute('application:toggle-left-area')")
        panel.scroll_into_view_if_needed()
    expect(panel.locator("svg[role=img]")).to_have_attribute("viewBox", wide)


CHAPTER_2 = "02_x86_huge_pages.ipynb"
RESTART = "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
ASKED = "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestCommInfo({}).then(() => true)"
"""What widgets ask a new kernel first: when this is answered, so was what they asked."""
PANEL_CELL = """() => {
  const notebook = jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = notebook.widgets.findIndex(cell => cell.model.sharedModel.source.includes("hv.explore."));
  notebook.deselectAll();
}"""
BROKEN = ".jp-OutputArea-output:has-text('Loading widget'), .jp-OutputArea-output:has-text('Error displaying widget')"


def test_a_panel_outlives_its_kernel_and_comes_back_to_life(lab, context):
    """A kernel restarted in the middle of a chapter: the film plays on, and running its cell again makes it live."""
    film, page = explore.FILMS[CHAPTERS[CHAPTER_2.removesuffix(".ipynb")]], context.new_page()
    page.set_default_timeout(60_000)
    problems = []
    page.on("pageerror", lambda error: problems.append(uncaught(error)))
    panel = page.locator(".hv-panel")

    def idle():
        page.wait_for_function(IDLE, timeout=90_000, polling=100)

    def command(name):
        page.evaluate("name => jupyterapp.commands.execute('notebook:' + name)", name)

    def put(key, place):
        """Move the last slider by keyboard; the picture is that of the new state."""
        sliders = {control.name: control for control in controls(panel)}
        moved = film.axes[-1]
        sliders[moved.name].press(key)
        values = {axis.name: axis.values[sliders[axis.name].place] for axis in film.axes}
        assert values[moved.name] == moved.values[place]
        expect(panel.locator(".hv-caption")).to_have_text(truth(film, values)[0])
        return values

    lab.open(page, CHAPTER_2)
    lab.run_all(page)
    expect(panel).to_have_count(1)
    put("Home", 0)
    page.evaluate(RESTART)
    idle()
    assert page.evaluate(ASKED)
    page.evaluate(TOLD)
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
    page.evaluate(TOLD)
    for name in ("move-cursor-down", "insert-cell-below", "enter-edit-mode"):
        command(name)
    page.keyboard.insert_text("print('python says', panel.values)")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".jp-OutputArea-output", has_text=f"python says {where}")).to_be_visible()
    expect(page.locator(BROKEN)).to_have_count(0)
    page.close()
    problems = [one for one in problems if not of_its_splash_screen(one)]
    assert not problems, problems


THROWN = """(whose) => {
  if (whose === "a script") return void setTimeout(() => document.body.removeChild(document.createElement("div")));
  const { service } = jupyterapp.pluginRegistry._plugins.get("@jupyterlab/apputils-extension:splash");
  service.show().dispose();
  document.getElementById("jupyterlab-splash").remove();
}"""


@pytest.mark.long
def test_only_jupyterlabs_own_splash_screen_may_be_gone(lab, context):
    """What is passed over is known by its stack: here the real one, and the same error of somebody else's."""
    page, seen = context.new_page(), []
    page.on("pageerror", lambda error: seen.append(uncaught(error)))
    lab.open(page, CHAPTER_2)
    for whose in ("JupyterLab", "a script"):
        with page.expect_event("pageerror", lambda error: REMOVED in str(error)):
            page.evaluate(THROWN, whose)
    page.close()
    assert [of_its_splash_screen(one) for one in seen if REMOVED in one] == [True, False], seen


CLOSED_TOO_SOON = """async (cancelled) => {
  const { service } = jupyterapp.pluginRegistry._plugins.get("@jupyterlab/debugger-extension:service");
  service.restoreState = async () => { throw new Error(cancelled); };
  console.error(`Could not restore the debugger state: ${cancelled}`);
}"""


@pytest.mark.long
def test_only_jupyterlabs_own_debugger_may_be_cut_short(lab, context):
    """Here the real one, by a notebook whose debugger is refused its answer, and the same words of somebody else."""
    page, seen = context.new_page(), []
    page.on("console", lambda message: seen.append(message) if message.text == CANCELLED else None)
    lab.open(page, CHAPTER_2)
    page.evaluate(CLOSED_TOO_SOON, CANCELLED.partition(": ")[2])
    with page.expect_console_message(lambda message: of_its_debugger(message)):
        lab.open(page, f"{list(CHAPTERS)[3]}.ipynb")
    page.close()
    assert not of_its_debugger(seen[0])
    assert printed(seen[0])
    assert not any(printed(one) for one in seen[1:])


# Notebook 7.6 now and then loses a race while it reads its own settings, with an empty notebook too:
# https://github.com/jupyter/notebook/issues/7862
SHORTCUTS = "Cannot read properties of undefined (reading 'schema')"


@pytest.mark.notebook7
def test_a_chapter_in_notebook_7_answers_the_keyboard(context, tmp_path):
    chapter = "06_remap_to_page_1"
    shutil.copytree(ROOT / "notebooks", tmp_path / "book")
    server = Lab(tmp_path / "book", tmp_path, app="notebook")
    film = explore.FILMS[CHAPTERS[chapter]]
    try:
        with watched(context, known=[SHORTCUTS]) as page:
            server.open(page, f"{chapter}.ipynb")
            server.run_all(page)
            assert page.evaluate("() => jupyterapp.name") == "Jupyter Notebook"
            panel = page.locator(".hv-panel")
            panel.scroll_into_view_if_needed()
            cells = page.locator(".jp-Cell").count()
            sliders = {control.name: control for control in controls(panel)}
            values = {axis.name: axis.values[sliders[axis.name].place] for axis in film.axes}
            step = next(axis for axis in film.axes if axis.name == "step")
            sliders["step"].focus()
            for key, value in ("Home", step.values[0]), ("ArrowRight", step.values[1]), ("End", step.values[-1]):
                page.keyboard.press(key)
                words, alt = truth(film, values | {"step": value})
                expect(panel.locator(".hv-caption")).to_have_text(words)
                expect(panel.locator("svg[role=img]")).to_have_attribute("aria-label", alt)
            for key in ("x", "d", "d", "a", "b"):
                page.keyboard.press(key)
            expect(page.locator(".jp-Cell")).to_have_count(cells)
    finally:
        server.stop()
