"""The pages with a kernel of their own: fetched and believed by hash, run in two browsers, and without a server."""

import contextlib
import gzip
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed (make test installs it)")
pytest.importorskip("playwright", reason="playwright is not installed")
from accessible import violations
from playwright.sync_api import expect

import hvlib as hv
from hvlib.pictures import outputs
from hvlib.pictures.films import FILMS
from hvlib.pictures.scene import PORTRAIT, Label
from live import engine, fetch, pinned
from tools import jupyterlab, pages
from tools.jupyterlab import needs_chromium, needs_firefox

ROOT = Path(__file__).parents[1]
pytestmark = [pytest.mark.book, pytest.mark.beside, pytest.mark.slow, pytest.mark.long]
needs_npm = pytest.mark.skipif(
    not (shutil.which("npm") and shutil.which("node")) and os.environ.get("HVLIB_REQUIRE_BROWSER") != "1",
    reason="no npm here (Debian: apt install npm)",
)
CHAPTERS = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
LARGEST = "06_remap_to_page_1"
BOTH = pytest.mark.parametrize("visit", ["browser", pytest.param("firefox", marks=needs_firefox)], indirect=True)
"""In Chromium and in Firefox."""


class Server:
    """The built pages on loopback, by Python's own server; it can be stopped, as a network can."""

    def __init__(self, folder: Path, log: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address, self.folder = f"http://127.0.0.1:{self.port}", folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(folder), str(self.port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        jupyterlab.wait(self.address, self.process, log)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="session")
def served(site, tmp_path_factory):
    server = Server(site, tmp_path_factory.mktemp("server") / "log")
    yield server
    server.stop()


class Visit:
    """A page, and everything that it asked for."""

    def __init__(self, browser, **settings):
        self.context = browser.new_context(viewport={"width": 1280, "height": 900}, **settings)
        self.page = self.context.new_page()
        self.page.set_default_timeout(90_000)
        self.asked, self.errors = [], []
        self.context.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, server, name):
        self.page.goto(f"{server.address}/{name}.html")
        expect(self.page.locator(".hv-run-here button").first).to_be_visible()

    def button(self, name):
        return self.page.get_by_role("button", name=name, exact=True)

    def says(self, text):
        bar = self.page.get_by_role("status").and_(self.page.locator(".hv-live-bar"))
        expect(bar).to_contain_text(text, timeout=90_000)

    def run(self, number):
        self.button(f"Run cell {number}").click()
        self.says(f"Cell {number} has run.")

    def edit(self, number, code):
        """Type into a cell, by keyboard, and run it."""
        field = self.page.get_by_role("textbox", name=f"Python of cell {number}.")
        if not field.count():
            self.button(f"Edit cell {number}").click()
        expect(field).to_be_visible()
        field.focus()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Shift+Enter")

    def output(self, number):
        return self.page.locator(f"#cell-{number} .hv-live-output")

    def close(self):
        foreign = {urlsplit(url).netloc for url in self.asked if url.startswith(("http", "ws"))} - {""}
        self.context.close()
        assert all(host.startswith("127.0.0.1:") for host in foreign), foreign
        assert self.errors == []


@pytest.fixture(scope="session")
def firefox(driver, tmp_path_factory):
    with jupyterlab.firefox(driver, tmp_path_factory.mktemp("firefox")) as running:
        yield running


@pytest.fixture
def visit(request):
    browser = request.getfixturevalue(getattr(request, "param", "browser"))
    with contextlib.ExitStack() as stack:

        def new(**settings):
            made = Visit(browser, **settings)
            stack.callback(made.close)
            return made

        yield new


# --- what is fetched --------------------------------------------------------------------------------------------------


def test_pins_are_whole_and_written_as_they_are_read():
    pins = pinned.read()
    assert len({pin.name for pin in pins}) == len(pins) > 30
    assert all(len(pin.sha256) == 64 and pin.bytes and pin.version for pin in pins)
    assert "\n".join(pinned._lines(pins)) == pinned.FILE.read_text("utf-8")
    assert "://" not in pinned.FILE.read_text("utf-8"), "no registry is named: npm and pip know theirs"


def test_what_is_not_what_was_pinned_is_thrown_away(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "CACHE", tmp_path)
    (tmp_path / "npm").mkdir()
    text = b"a package"
    pin = pinned.Pin("@some/thing", "npm", "editor", "1.2.3", len(text), hashlib.sha256(text).hexdigest())
    path = tmp_path / "npm" / "some-thing-1.2.3.tgz"
    path.write_bytes(text)
    assert fetch.believed(pin) == path
    path.write_bytes(b"another package")
    with pytest.raises(fetch.Missing, match=r"another hash than live/pins\.toml"):
        fetch.believed(pin)
    assert not path.exists()
    with pytest.raises(fetch.Missing, match="LIVE=0 builds"):
        fetch.believed(pin)


@needs_npm
def test_a_second_time_needs_no_network(monkeypatch):
    fetch.every(["kernel", "editor"])

    def nothing(*command, where):
        raise AssertionError(command)

    monkeypatch.setattr(fetch, "_run", nothing)
    found = fetch.every(["kernel", "editor"])
    official = fetch.lock(found["pyodide"])["packages"]["numpy"]
    assert fetch.sha256(found["numpy"]) == official["sha256"]


@needs_npm
def test_without_a_source_there_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "CACHE", tmp_path)
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    with pytest.raises(fetch.Missing, match=r"npm could not fetch it .*LIVE=0 builds without"):
        fetch.every(["editor"])


def test_every_module_that_does_not_run_in_the_pages_interpreter_is_there_and_has_a_reason():
    assert set(engine.ELSEWHERE) <= {path.stem for path in (ROOT / "tests").glob("test_*.py")}
    assert all(len(why) > 20 for why in engine.ELSEWHERE.values())
    assert {"test_machine", "test_geometry", "test_observe"} <= set(engine.modules())
    assert not {"test_book", "test_live"} & set(engine.modules())


# --- what is built ----------------------------------------------------------------------------------------------------


@needs_npm
def test_the_pages_are_in_order_and_name_what_they_ship(site):
    assert list(pages.problems(site)) == []
    notices = (site / "notices.html").read_text("utf-8")
    for pin in pinned.read():
        if pin.group == "kernel":
            assert f"<td><p>{pin.name}</p></td>" in notices, pin.name
    assert "Mozilla Public License 2.0" in notices
    assert "Permission is hereby granted" in notices


@needs_npm
@needs_chromium
def test_from_a_file_a_page_says_what_it_lacks(site, visit):
    seen = visit()
    seen.page.goto((site / "06_remap_to_page_1.html").as_uri())
    expect(seen.page.locator(".hv-run-here")).to_contain_text("read these pages from a server")
    assert seen.page.get_by_role("button", name="Run").count() == 0
    assert not [url for url in seen.asked if "/live/" in url and not url.endswith(("live.js", "live.css"))]


def weight(site, asked):
    """Bytes of what was asked for: as it lies there, and as a host that compresses sends it."""
    raw = small = 0
    for url in dict.fromkeys(asked):
        path = site / urlsplit(url).path.lstrip("/")
        if url.startswith("http") and path.is_file():
            data = path.read_bytes()
            raw += len(data)
            small += min(len(data), len(gzip.compress(data, 6, mtime=0)))
    return raw, small


@needs_npm
@needs_chromium
def test_nothing_is_loaded_before_the_first_click_and_then_no_more_than_allowed(site, served, visit):
    seen = visit()
    seen.open(served, "05_eight_pages")
    seen.page.wait_for_load_state("networkidle")
    before = [urlsplit(url).path for url in seen.asked]
    assert sorted(path for path in before if path.startswith("/live/")) == ["/live/live.css", "/live/live.js"]
    assert sum((site / "live" / name).stat().st_size for name in ("live.css", "live.js")) <= 30_000
    assert seen.page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0
    seen.run(7)
    seen.button("Edit cell 7").click()
    expect(seen.page.get_by_role("textbox", name="Python of cell 7.")).to_be_visible()
    raw, small = weight(site, [*seen.asked, *(f"{served.address}/live/{name}" for name in
                        ("pyodide.asm.mjs", "pyodide.asm.wasm.packed", "python_stdlib.zip.packed", "engine.tar.packed",
                         "plan.json", "pyodide.mjs", "worker.mjs"))])  # fmt: skip
    assert small <= 10_500_000, small
    assert raw <= 12_000_000, raw


# --- what runs --------------------------------------------------------------------------------------------------------


def joined(told):
    """What a cell shows, streams that follow each other as one."""
    made = []
    for kind, said in told:
        if made and kind in ("stdout", "stderr") and made[-1][0] == kind:
            made[-1] = (kind, made[-1][1] + said)
        else:
            made.append((kind, said))
    return made


def in_notebook(cell):
    told = []
    for output in cell.outputs:
        if output.output_type == "stream":
            told.append((output.name, output.text))
        elif output.output_type == "error":
            told.append(("error", (output.ename, output.evalue)))
        else:
            told.append(("shown", compared(output.data)))
    return joined(told)


def compared(data):
    """Text, picture and state of an output; a widget's number is another each time."""
    return {kind: data[kind] for kind in ("text/plain", "text/html", "image/svg+xml", outputs.MIMETYPE) if kind in data}


def on_page(said):
    told = []
    for kind, data in said:
        if kind == "stream":
            told.append((data["name"], data["text"]))
        elif kind == "error":
            told.append(("error", (data["ename"], data["evalue"])))
        else:
            told.append(("shown", compared(data)))
    return joined(told)


def left_out(cell):
    """Whether a page does without a cell: it is there for a test. The import runs out of sight."""
    return "remove-cell" in cell.metadata.get("tags", ()) and cell.source != "import hvlib as hv"


@needs_npm
@needs_chromium
@BOTH
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_page_says_what_its_notebook_says(served, visit, name):
    """Text, picture markup and state of each output of each cell, and every widget is there."""
    seen = visit()
    seen.open(served, name)
    seen.button("Run all of this page").click()
    seen.says("All cells of this page have run.")
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    cells = [cell for cell in code_cells if not left_out(cell)]
    found = json.loads(seen.page.evaluate("JSON.stringify(hvLive.cells.map((cell) => cell.said))"))
    code = seen.page.evaluate("hvLive.cells.map((cell) => cell.published)")
    assert code == [cell.source for cell in cells]
    assert any(found)
    for cell, said in zip(cells, found, strict=True):
        assert on_page(said) == in_notebook(cell), cell.source
    assert seen.page.get_by_text("can be shown by JupyterLab").count() == 0
    assert seen.page.get_by_text("The widget cannot be shown").count() == 0


@needs_npm
@needs_chromium
@BOTH
def test_a_guess_a_slider_and_python_move_each_other(served, visit):
    """Running a cell runs those above it first; what is typed and moved on the page reaches Python, and back."""
    seen = visit()
    seen.open(served, "06_remap_to_page_1")
    seen.run(5)
    panel = seen.output(3).locator(".hv-panel")
    guess = seen.output(2).get_by_role("textbox")
    guess.press_sequentially("4")  # as a reader types: what is set by a script, Firefox does not call changed
    guess.press("Enter")
    expect(panel.locator(".hv-wait")).to_contain_text("Your guess is 4.")
    slider = panel.get_by_role("slider", name="step")
    slider.focus()
    for _ in range(5):
        seen.page.keyboard.press("ArrowRight")
    expect(slider).to_have_value("5")
    seen.page.wait_for_timeout(300)  # the panel tells Python once it rests
    seen.edit(5, "print(panel.values['step'])\npanel.step = 11")
    expect(seen.output(5)).to_have_text("5")
    expect(slider).to_have_value("11")
    expect(panel.locator(".hv-wait")).to_contain_text("that is the entry used")
    seen.edit(5, "panel.set(step=99)")
    expect(seen.output(5).locator(".traceback")).to_contain_text("BadInput: step 99 is not there")
    assert "site-packages/_pyodide" not in seen.output(5).inner_text()
    seen.says("Cell 5 ended with an error")
    ids = seen.page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(set(ids)) == len(ids), "an id names one thing"


@needs_npm
@needs_chromium
def test_on_a_phone_a_live_panel_has_the_drawing_for_it(served, visit):
    """The page's own Python sends it, and is moved by a finger's touch as by any other."""
    seen = visit(has_touch=True)
    seen.page.set_viewport_size({"width": 390, "height": 844})
    seen.open(served, LARGEST)
    seen.run(5)
    panel = seen.output(3).locator(".hv-panel")
    expect(panel).to_have_class(re.compile("hv-narrow"))
    expect(panel.locator(".hv-picture svg")).to_have_attribute("viewBox", re.compile(rf"^0 0 {PORTRAIT} "))
    panel.get_by_role("button", name="Show me").tap()
    expect(panel.get_by_role("slider", name="step")).to_have_value("11")
    drawn = [label.text for shapes in FILMS["remap"].portrait("2 MiB", 11).groups.values()
             for label in shapes if isinstance(label, Label)]  # fmt: skip
    assert sorted(panel.locator(".hv-picture svg text").all_text_contents()) == sorted(drawn)
    panel.locator('.hv-hits > button[data-group="page4"]').tap()
    expect(panel.get_by_role("slider", name="step")).to_have_value("6")
    seen.page.wait_for_timeout(300)  # the panel tells Python once it rests
    seen.edit(5, "print(panel.values['step'])")
    expect(seen.output(5)).to_have_text("6")
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


STAYS = '''
import anywidget, asyncio
class Stays(anywidget.AnyWidget):
    _esm = """export default { render({ el }) {
        const field = document.createElement("input");
        field.setAttribute("aria-label", "while it runs");
        el.append(field);
        return () => { field.value = "ended"; };
    } }"""
display(Stays())
await asyncio.sleep(5)
'''


@needs_npm
@needs_chromium
def test_what_a_cell_shows_while_it_runs_is_not_ended_when_it_has_run(served, visit):
    """Else a guess typed at once is lost: the panel below it has stopped listening, and the field its focus."""
    seen = visit()
    seen.open(served, "06_remap_to_page_1")
    seen.edit(5, STAYS)
    field = seen.page.get_by_role("textbox", name="while it runs")
    field.press_sequentially("4")
    seen.says("Cell 5 has run.")
    expect(field).to_have_value("4")
    expect(field).to_be_focused()


WIDGET = '''
import anywidget, traitlets
class Echo(anywidget.AnyWidget):
    _esm = """export default { render({ model, el }) {
        const button = document.createElement("button");
        button.textContent = "Ask";
        button.onclick = () => model.send({ question: "how much?" });
        model.on("msg:custom", (said, buffers) => { button.textContent = `${said.answer} ${buffers[0].byteLength}`; });
        el.append(button);
    } }"""
    raw = traitlets.Bytes(b"12345678").tag(sync=True)
echo = Echo()
echo.on_msg(lambda widget, said, buffers: widget.send({"answer": said["question"] + " this:"}, [b"123"]))
echo
'''


@needs_npm
@needs_chromium
def test_the_box_reads_a_hosts_text_in_the_browser(served, visit):
    text = "MemTotal:       65481216 kB\nHugePages_Total:     512\nHugepagesize:       2048 kB\n"
    seen = visit()
    seen.open(served, "12_your_own_fleet")
    cells = [
        cell
        for cell in nbformat.read(ROOT / "notebooks" / "12_your_own_fleet.ipynb", 4).cells
        if cell.cell_type == "code"
    ]
    seen.run(1 + next(number for number, cell in enumerate(cells) if "hv.paste(" in cell.source))
    box = seen.page.locator(".hv-live-output .hv-paste")
    box.locator("textarea").fill(text)
    box.get_by_role("button").first.click()
    expect(box.locator(".hv-said")).to_have_text(str(hv.observe.host(text)))


@needs_npm
@needs_chromium
def test_any_anywidget_works_messages_of_its_own_too(served, visit):
    seen = visit()
    seen.open(served, "01_struct_page")
    seen.edit(2, WIDGET)
    seen.output(2).get_by_role("button", name="Ask").click()
    expect(seen.output(2)).to_contain_text("how much? this: 3")


@needs_npm
@needs_chromium
@BOTH
def test_stop_reset_and_a_dead_worker(served, visit):
    seen = visit()
    seen.open(served, "05_eight_pages")
    published = seen.page.locator("article").inner_text()
    expect(seen.button("Stop")).to_be_disabled()
    seen.edit(7, "import hvlib as hv\nwhile True: pass")
    seen.says("Running cell 7")
    seen.button("Stop cell 7").click()
    seen.says("Stopped. What the cells had made is gone")
    seen.edit(7, "import hvlib as hv\nprint('again')")
    expect(seen.output(7)).to_have_text("again", timeout=90_000)  # a new worker, on a machine that may be busy
    seen.edit(7, "import os\nos.abort()")
    seen.says("Python stopped and was started again.")
    seen.errors.clear()  # Firefox tells the page of an error that its worker has dealt with
    seen.edit(7, "import hvlib as hv\nprint('and again')")
    expect(seen.output(7)).to_have_text("and again", timeout=90_000)
    seen.run(8)
    seen.button("Reset").click()
    seen.says("The page is as it was published.")
    assert seen.page.locator(".hv-live-output, .cm-editor").count() == 0
    seen.page.evaluate("document.querySelector('.hv-live-bar').textContent = ''")
    assert seen.page.locator("article").inner_text() == published
    seen.run(8)


@needs_npm
@needs_chromium
def test_what_fails_on_the_page_keeps_no_later_cell_waiting(served, visit):
    seen = visit()
    seen.page.route("**/editor.mjs", lambda route: route.abort())
    seen.open(served, "05_eight_pages")
    seen.button("Edit cell 7").click()
    seen.says("The editor could not be loaded")
    seen.page.unroute("**/editor.mjs")
    seen.page.evaluate("""() => {
      const post = Worker.prototype.postMessage;
      Worker.prototype.postMessage = function (data) {
        if (data.do === "run") { Worker.prototype.postMessage = post; throw Error("not handed over"); }
        post.call(this, data);
      };
    }""")
    seen.button("Run cell 7").click()
    seen.page.wait_for_function("Worker.prototype.postMessage.toString().includes('native')")
    seen.run(7)
    assert seen.errors == ["not handed over"]
    seen.errors.clear()


@needs_npm
@needs_chromium
@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_a_live_page_is_accessible(served, visit, theme, width):
    """axe finds nothing where cells have run, one is edited, and one has failed."""
    seen = visit(color_scheme=theme)
    seen.page.set_viewport_size({"width": width, "height": 900})
    seen.open(served, "06_remap_to_page_1")
    seen.edit(5, "1 / 0")
    seen.says("Cell 5 ended with an error")
    expect(seen.output(5)).to_contain_text("ZeroDivisionError")
    seen.page.keyboard.press("Tab")  # leaves the editor
    assert seen.page.evaluate("document.activeElement.closest('.cm-editor')") is None
    assert not violations(seen.page)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


@needs_npm
@needs_chromium
def test_one_line_on_the_landing_page_moves_the_panel(served, visit):
    seen = visit()
    seen.open(served, "index")
    ram, large = seen.page.get_by_role("slider", name="RAM"), seen.page.locator(".hv-panel .hv-picture text").first
    expect(ram).to_have_attribute("aria-valuetext", "1 TiB")
    expect(large).to_have_text(missing("1 TiB", "none"))
    seen.run(2)
    expect(ram).to_have_attribute("aria-valuetext", "12 TiB")
    expect(large).to_have_text(missing("12 TiB", "none"))
    seen.edit(2, "panel.share = 'all'")
    expect(large).to_have_text(missing("12 TiB", "all"))


def missing(memory, share):
    """The large number of the first picture."""
    return FILMS["missing"].state(memory, share)[0].groups["missing"][0].text


@needs_npm
@needs_chromium
@BOTH
def test_kept_for_offline_use_and_forgotten(site, visit, tmp_path):
    """The whole book with Python: a page never visited runs when the server is gone. Then the copy goes, too."""
    server = Server(site, tmp_path / "log")
    seen = visit()
    seen.open(server, "index")
    seen.page.get_by_role("button", name="Keep for offline use").click()
    seen.says("Kept: every page and Python")
    kept = seen.page.evaluate(
        """async () => {
            let bytes = 0;
            for (const name of await caches.keys()) {
                const cache = await caches.open(name);
                for (const one of await cache.keys()) bytes += (await (await cache.match(one)).blob()).size;
            }
            return bytes;
        }"""
    )
    assert kept <= 17_000_000
    server.stop()
    seen.open(server, "09_the_bill")
    seen.run(4)
    seen.button("Forget the offline copy").click()
    seen.says("The offline copy is gone.")
    assert seen.page.evaluate("caches.keys()") == []
    assert seen.page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0


@needs_npm
@needs_chromium
def test_what_cannot_be_kept_is_told_and_can_be_tried_again(served, visit):
    """A browser may refuse: a private window, storage that is switched off."""
    seen = visit()
    seen.page.add_init_script("navigator.serviceWorker.register = async () => { throw new Error('not allowed'); };")
    seen.open(served, "index")
    keep = seen.page.get_by_role("button", name="Keep for offline use")
    keep.click()
    seen.says("It could not be kept: not allowed")
    expect(keep).to_be_enabled()


# --- as a notebook ----------------------------------------------------------------------------------------------------

READY = """() => {
  const panel = window.jupyterapp?.shell?.currentWidget;
  return panel?.context?.isReady && jupyterapp.commands.hasCommand('notebook:run-all-cells')
    && document.querySelectorAll('.jp-Cell').length > 3 && panel.sessionContext.session?.kernel?.status === 'idle';
}"""


class Notebook(Visit):
    """A notebook in JupyterLite."""

    def open(self, server, name):
        self.page.goto(f"{server.address}/lab/notebooks/index.html?path={name}.ipynb")
        self.page.wait_for_function(READY, timeout=120_000)

    def run_all(self):
        self.page.evaluate(
            "window.hvDone = null; "
            "jupyterapp.commands.execute('notebook:run-all-cells').then((well) => { hvDone = { well }; }); 0"
        )
        self.page.wait_for_function("window.hvDone", timeout=150_000)
        assert self.page.evaluate("hvDone.well")
        self.page.wait_for_timeout(500)  # the last output arrives after the reply

    def cells(self):
        model = self.page.evaluate("JSON.stringify(jupyterapp.shell.currentWidget.content.model.toJSON())")
        return [cell for cell in nbformat.reads(model, as_version=4).cells if cell.cell_type == "code"]


def said(cell):
    """What a cell shows, without what JupyterLite's kernel loses on the way: a null in JSON."""
    return [
        (kind, {name: without_null(value) for name, value in what.items()} if kind == "shown" else what)
        for kind, what in in_notebook(cell)
    ]


def without_null(value):
    if isinstance(value, dict):
        return {name: without_null(one) for name, one in value.items() if one is not None}
    return value


@pytest.fixture
def notebook(browser):
    made = Notebook(browser)
    made.page.set_default_timeout(120_000)
    yield made
    made.close()


@needs_npm
@needs_chromium
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_in_jupyterlite(site, served, notebook, name):
    """Run All says what the committed notebook says, a panel answers, and no more is sent than allowed."""
    notebook.open(served, name)
    notebook.run_all()
    committed = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    for cell, now in zip((one for one in committed.cells if one.cell_type == "code"), notebook.cells(), strict=True):
        assert said(now) == said(cell), cell.source
    if name == LARGEST:
        slider = notebook.page.locator(".jp-OutputArea .hv-panel").first.get_by_role("slider", name="step")
        slider.focus()
        notebook.page.keyboard.press("ArrowRight")
        expect(slider).to_have_value("1")
        assert weight(site, notebook.asked)[1] <= 17_000_000


@needs_npm
@needs_chromium
@pytest.mark.skipif(sys.platform != "linux", reason="the grader's fence is Linux's")
def test_a_problem_set_filled_in_downloaded_collected_and_graded(served, notebook, tmp_path):
    """Full marks, by the grader, for what the browser downloads; and what was written is there the next time."""
    from grading import __main__, course, score, sets, tasks, wall
    from grading.run import run

    try:
        behind = wall.choose(wall.prepare(tmp_path / "shared"))
    except hv.BadInput:
        if os.environ.get("HVLIB_REQUIRE_WALL") == "1":
            raise
        pytest.skip("no bubblewrap here (Debian: apt install bubblewrap)")

    solved = sets.solution("ps1", "s01")
    answers = [cell.source for cell in solved.cells if cell.cell_type == "code"]
    notebook.open(served, "ps1")
    assert len(notebook.cells()) == len(answers)
    notebook.page.evaluate(
        """(answers) => {
            const cells = [...jupyterapp.shell.currentWidget.content.model.cells];
            const code = cells.filter((cell) => cell.type === 'code');
            code.forEach((cell, number) => cell.sharedModel.setSource(answers[number]));
        }""",
        answers,
    )
    notebook.run_all()
    assert not [output for cell in notebook.cells() for output in cell.outputs if output.output_type == "error"]
    notebook.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    with notebook.page.expect_download() as download:
        notebook.page.evaluate("jupyterapp.commands.execute('docmanager:download'); 0")
    path = tmp_path / "ps1.ipynb"
    download.value.save_as(path)
    with zipfile.ZipFile(tmp_path / "ps1.zip", "w") as delivered:
        delivered.write(path, "Jane Doe_9001_assignsubmission_file_/ps1.ipynb")
    (tmp_path / "class.csv").write_text("Identifier,Full name,ID number\nParticipant 9001,Jane Doe,s01\n")
    said = [
        "collect",
        str(tmp_path / "ps1.zip"),
        "--roster",
        str(tmp_path / "class.csv"),
        "--into",
        str(tmp_path / "in"),
    ]
    assert __main__.main([*said, "--set", "ps1"]) == 0
    (collected,) = course.hand_ins(tmp_path / "in", "ps1")
    assert collected.student == "s01"
    outcome = run(
        collected.path.read_bytes(), "s01", course.asked(tasks.BOOK, "ps1"), behind, wall.Limits(cell=10, total=40)
    )
    assert score.score(tasks.BOOK, "ps1", "s01", outcome).automatic == 12
    notebook.page.reload()
    notebook.page.wait_for_function(READY, timeout=120_000)
    assert [cell.source for cell in notebook.cells()] == answers
