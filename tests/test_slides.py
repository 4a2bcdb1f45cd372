"""The decks: by nbconvert, alive, and nothing from another host."""

import re

import nbformat
import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed (make test installs it)")
pytest.importorskip("nbconvert", reason="nbconvert is not installed (make test installs it)")

from hvlib.pictures import outputs
from live import fetch, pinned
from tools import book, slides
from tools.jupyterlab import needs_chromium

pytestmark = [pytest.mark.book, pytest.mark.beside, pytest.mark.long]
CHAPTERS = sorted((book.ROOT / "notebooks").glob("[0-9]*.ipynb"))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem[:2])
def test_a_deck_has_all_that_a_chapter_shows_and_tells_no_solution(path):
    notebook = nbformat.read(path, as_version=4)
    kinds = [
        type(outputs.read(output.get("data", {})))
        for cell in notebook.cells if "remove-cell" not in cell.metadata.get("tags", ())
        for output in cell.get("outputs", ())
    ]  # fmt: skip
    text, _ = slides.exporter().from_notebook_node(
        slides.deck(notebook, path.stem), {"sheets": slides.SHEETS, "metadata": {"name": path.stem, "title": "x"}}
    )
    for kind, place in (
        (outputs.PanelShown, "film"),
        (outputs.PredictionShown, "prediction"),
        (outputs.GameShown, "game"),
    ):
        assert text.count(f'<div class="hv-{place}"') == kinds.count(kind), place
    assert kinds.count(outputs.PanelShown) + kinds.count(outputs.PictureShown)
    assert text.count("<section") > 8
    assert text.count("<aside") >= 5
    assert "<summary>Solution" not in text
    assert ">Sources" in text
    assert ">Sources" not in re.sub(r"(?s)<aside.*?</aside>", "", text), "they are for the notes"
    assert not re.search(r'(?:src|href)="(?:https?:)?//', re.sub(r'<a [^>]*href="https?:[^>]*>', "", text))


needs_npm = pytest.mark.skipif(
    not all(fetch.place(pin) for pin in pinned.read() if pin.group == "slides") and not slides.shutil.which("npm"),
    reason="reveal.js comes from npm (Debian: apt install npm)",
)


@needs_npm
@needs_chromium
def test_a_deck_opened_from_a_file_is_alive_and_asks_nobody(browser, tmp_path):
    (path,) = slides.make("06", tmp_path / "slides")
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    asked, wrong = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    film = page.locator("section.present > section.present .hv-film")
    while not film.count():
        assert not page.evaluate("Reveal.isLastSlide()")
        page.evaluate("Reveal.next()")
    slider = film.get_by_role("slider", name="step")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.input_value() == "1"
    assert film.is_visible()
    assert "Step 1 of 11" in film.inner_text()
    assert not page.locator("section.present > section.present .jp-InputArea").count()
    assert not wrong
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    page.close()


TOO_LARGE = """() => [...document.querySelectorAll(".slides > section > section")].filter((slide) => {
  const { h, v } = Reveal.getIndices(slide);
  Reveal.slide(h, v);
  const over = slide.scrollHeight > Math.min(slide.clientHeight, 760) + 1;
  return over || slide.scrollWidth > slide.clientWidth + 1;
}).map((slide) => `${slide.scrollWidth} x ${slide.scrollHeight}: ${slide.innerText.slice(0, 60)}`)"""


@needs_npm
@needs_chromium
def test_nothing_hangs_over_the_edge_of_a_slide(browser, tmp_path):
    """Long code and its output scroll in themselves."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    for path in slides.make("", tmp_path / "slides"):
        page.goto(path.as_uri())
        page.wait_for_function("window.Reveal && Reveal.isReady()")
        assert page.locator(".slides > section > section").count() > 8
        assert page.evaluate(TOO_LARGE) == [], path.stem
    page.close()
