"""The published pages: built strictly, looked over, and read in a real browser, light and dark, wide and narrow."""

import base64
import csv
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import nbformat
import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed (make test installs it)")
pytest.importorskip("playwright", reason="playwright is not installed")
from accessible import violations
from panels import PLAYED, controls, played
from playing import Player
from playwright.sync_api import expect

import hvlib as hv
from hvlib.pictures import film, films, outputs
from hvlib.pictures.scene import WIDTH
from hvlib.teaching import ask, concepts, kernel_game, waits
from hvlib.teaching.kernel_rules import Session, move
from hvlib.teaching.kernel_words import DATA
from hvlib.teaching.questions import QUESTIONS
from tools import book, pages
from tools.jupyterlab import needs_chromium

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "book" / "_ext"))
import shown  # noqa: E402

pytestmark = [pytest.mark.book, pytest.mark.beside]
VIEWS = [("light", 1280), ("dark", 390), ("dark", 1280), ("light", 390)]
WHOLE = ("index", "06_remap_to_page_1", "search")
"""Pages seen in all views: what lies around the text is the same on every page. Others: each theme, each width once."""
CHAPTERS = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
NAMES = [*CHAPTERS]
NAMES += [path.stem for path in (*(ROOT / "notebooks").glob("*.md"), *(ROOT / "book").glob("*.md"))] + ["errata"]
NAMES += ["search"]


def test_every_page_is_there_and_in_order(html):
    assert {path.stem for path in html.glob("*.html")} >= set(NAMES)
    assert list(pages.problems(html)) == []


@needs_chromium
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in (*CHAPTERS, *WHOLE) else pytest.mark.long) for name in sorted(set(NAMES))],
)
def test_a_page_in_the_browser(html, browser, name):
    """No axe violation, no console error, no request to another host; panels answer in each view."""
    for theme, width in VIEWS if name in WHOLE else VIEWS[:2]:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
        page = context.new_page()
        problems = []
        page.on("pageerror", lambda error, seen=problems: seen.append(str(error)))
        page.on("console", lambda m, seen=problems: seen.append(m.text) if m.type == "error" else None)
        page.on("request", lambda r, seen=problems: seen.append(r.url) if r.url.startswith("http") else None)
        page.goto((html / f"{name}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (theme, width, "the page is too wide")
        for panel in played(page):
            moved(page, panel)
        assert not (found := violations(page)), f"{theme}, {width}: {found}"
        assert problems == [], (theme, width)
        context.close()


def moved(page, panel):
    """Each slider and choice, by keyboard and by mouse: words and picture are the film's, for the positions they show.

    Without motion a picture is there at once; that it glides otherwise is seen in JupyterLab (test_browser.py).
    """
    page.emulate_media(reduced_motion="reduce")
    states = [panel.evaluate(PLAYED)]

    def look(place, value):
        state = panel.evaluate(PLAYED)
        assert state["at"][place] == value, "the slider did not move"
        states.append(state)

    for place, axis in enumerate(controls(panel)):
        axis.home()
        look(place, 0)
        axis.step()
        look(place, min(1, axis.last))
        axis.end()
        look(place, axis.last)
    for state in states:
        assert state["shown"] == state["meant"], state["at"]
        assert state["drawn"] == state["drawing"], ("another picture than the film's", state["at"])
    for before, after in itertools.pairwise(states):
        assert (before["drawn"] != after["drawn"]) == (before["frame"] != after["frame"]), (before["at"], after["at"])


@needs_chromium
def test_the_page_shows_what_the_engine_says(html, browser):
    """The frames of a page are the film that JupyterLab plays, and stand where the notebook's output stands."""
    page = browser.new_page()
    page.goto((html / "06_remap_to_page_1.html").as_uri())
    one = films.FILMS["remap"]
    page.get_by_role("slider", name="step").focus()
    for step in range(12):
        scene = one.state(huge_page="2 MiB", step=step)[0]
        expect(page.locator(".hv-caption")).to_have_text(scene.caption)
        expect(page.locator(".hv-panel svg[role=img]")).to_have_attribute("aria-label", scene.alt)
        page.keyboard.press("ArrowRight")
    page.get_by_label("Your guess").fill("4")
    page.get_by_role("button", name="Note it").click()
    verdict = QUESTIONS["where struct page 300 is read"].sentence("4")
    expect(page.locator(".hv-panel .hv-wait [aria-live]")).to_have_text(verdict)
    page.close()


@needs_chromium
@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_first_screen_shows_what_is_missing_and_ways_in(html, browser, width, height, scripts):
    """With scripts and without: the picture, whole, and on a desktop all three doors; on a phone the first is next."""
    context = browser.new_context(viewport={"width": width, "height": height}, java_script_enabled=scripts)
    page = context.new_page()
    page.goto((html / "index.html").as_uri())
    drawing = page.locator(".hv-film svg[role=img]:visible").first
    assert drawing.bounding_box()["y"] + drawing.bounding_box()["height"] < height
    assert "16 GiB, none of them given back" in drawing.get_attribute("aria-label")
    doors = page.locator(".hv-doors li")
    ends = [door.bounding_box()["y"] + door.bounding_box()["height"] for door in doors.all()]
    assert len(ends) == 3
    assert all(end < (height if width > height else 2 * height) for end in ends)
    leads = [link.get_attribute("href") for link in page.locator(".hv-doors a").all()]
    assert leads == ["00_the_number_that_lived_three_years.html", "host.html", "instructors.html"]
    context.close()


@needs_chromium
@pytest.mark.parametrize("width", [1280, 390])
def test_the_landing_page_plays_at_once(html, browser, width):
    """The picture moves as the film does, and the game is the one of chapter 6."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto((html / "index.html").as_uri())
    panel, one = page.locator(".hv-panel"), films.FILMS["missing"]
    page.get_by_role("slider", name="RAM").press("End")
    panel.locator("label", has_text="half").click()
    expect(panel.locator(".hv-caption")).to_have_text(one.state("12 TiB", "half")[0].caption)
    panel.locator(".hv-hits button").first.click()
    expect(page.get_by_role("slider", name="RAM")).to_have_attribute("aria-valuetext", "16 GiB")
    shown = page.locator(".hv-kernel")
    shown.locator("svg").evaluate("svg => svg.scrollIntoView({block: 'center', behavior: 'instant'})")
    player = Player(page, shown)
    player.button("Split")
    player.same("split")
    player.drag(3, 1)
    player.same("remap", page=3, frame=1)
    page.close()


def test_code_on_a_page_is_made_and_what_no_page_shows_stops_the_build():
    page = shown.Page("index, line 3")
    cell = shown.made(page, ["game = hv.you_are_the_kernel()", "game"])
    assert 'data-code="import hvlib as hv\ngame = hv.you_are_the_kernel()\ngame"' in cell
    assert cell.count('class="hv-game"') == 1
    for line in ("hv.HugePage('2 MiB')", "hv.check('base pages of 1 GiB', 4096)", "1 + 1"):
        with pytest.raises(shown.Unfit, match=r"^index, line 3: .* is nothing that a page shows"):
            shown.made(page, [line])


def test_on_paper_the_game_is_what_must_hold_and_what_can_go_wrong():
    data = hv.you_are_the_kernel()._repr_mimebundle_()[0]
    paper = shown.as_html(shown.Page("06", printed=True), data)
    assert "<svg" not in paper
    for words in (*DATA["truths"].values(), *(DATA["disasters"][name] for name in DATA["listed"])):
        assert words in paper
    assert "<svg" in shown.as_html(shown.Page("06"), data)


def test_a_panel_that_waits_says_no_more_below_its_stored_picture_than_it_shows():
    for name, says in (("frames for 1,024", waits.UNTOLD), ("if the mail were right", "8 base pages of 4 KiB")):
        panel = getattr(hv.explore, waits.WAITS[name].film)(hv.predict(name))
        page = shown.as_html(shown.Page("somewhere"), panel._repr_mimebundle_()[0])
        assert f"<figcaption>{says}" in page


def test_on_paper_a_panel_says_once_where_it_stands():
    for name, once in (("remap", r"[Ss]tep 0\b"), ("strip", r"[Ss]truct page 0\b"), ("memmap", r"\b1 GiB\b")):
        paper = shown.as_html(shown.Page("somewhere", printed=True), getattr(hv.explore, name)()._repr_mimebundle_()[0])
        first = re.search(r"<figcaption>(.*?)</figcaption>", paper)[1]
        assert len(re.findall(once, first)) == 1, first
    paper = shown.as_html(shown.Page("somewhere", printed=True), hv.explore.filling()._repr_mimebundle_()[0])
    assert "<figcaption>huge page 64 KiB. The 16 struct pages" in paper, "where its words do not say it"


@needs_chromium
@pytest.mark.parametrize("width", [1280, 390])
def test_words_that_wait_keep_room_on_a_wide_page_and_none_on_a_phone(html, browser, width):
    page = browser.new_page(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    page.goto((html / "08_one_tail_for_all.html").as_uri())
    panel, caption = page.locator(".hv-panel:has(.hv-wait)"), page.locator(".hv-panel:has(.hv-wait) > .hv-caption")
    expect(panel).to_have_attribute("data-untold", "always")
    waiting, picture = caption.bounding_box(), panel.locator(".hv-picture")
    page.set_viewport_size({"width": width - 20, "height": 900})  # what is measured again while words wait
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    top = picture.evaluate("one => one.getBoundingClientRect().top + scrollY")
    panel.get_by_role("button", name="Show me").click()
    expect(panel).not_to_have_attribute("data-untold", "always")
    expect(caption).to_be_visible()
    assert picture.evaluate("one => one.getBoundingClientRect().top + scrollY") == pytest.approx(top, abs=40)
    told = caption.bounding_box()["height"]
    assert told > 40
    assert caption.evaluate("one => one.style.minHeight") == f"{told:.0f}px", "the longest of them, told or not"
    assert waiting is None if width < 500 else waiting["height"] == told, "nothing jumps, and no blank is left"
    page.close()


@needs_chromium
@pytest.mark.parametrize("width", [1280, pytest.param(900, marks=pytest.mark.long), 390])
def test_the_mark_of_a_veil_is_whole(html, browser, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    for path in sorted(html.glob("[01][0-9]_*.html")):
        page.goto(path.as_uri())
        page.locator(".hv-panel .hv-wait").wait_for()
        page.wait_for_timeout(50)  # veils are laid in the frame after
        cut = page.locator(".hv-veil:not(:empty)").evaluate_all("""(all) => all.filter((veil) => {
          const text = document.createRange(), { width, height } = veil.getBoundingClientRect();
          text.selectNodeContents(veil);
          return getComputedStyle(veil).overflow !== "visible" || width < text.getBoundingClientRect().width
            || height < 11 || getComputedStyle(veil).zIndex !== "1";
        }).map((veil) => veil.outerHTML)""")
        assert cut == [], path.stem
    page.close()


@needs_chromium
@pytest.mark.parametrize("width", [1280, 390])
def test_a_verdict_waits_for_the_guess_and_for_what_decides(html, browser, width):
    """Before the guess what decides is veiled; the guess stands in the picture; the verdict comes where it is due."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto((html / "06_remap_to_page_1.html").as_uri())
    panel = page.locator(".hv-panel")
    says, caption, step = (
        panel.locator(".hv-wait [aria-live]"),
        panel.locator(".hv-caption"),
        panel.get_by_role("slider", name="step"),
    )
    expect(says).to_have_text("The answer waits for your guess above, or")
    step.focus()
    page.keyboard.press("End")
    expect(says).to_contain_text("This is where it is decided")
    expect(caption).to_be_hidden()
    expect(panel.locator(".hv-veil").first).to_be_visible()
    for name in waits.WAITS["where struct page 300 is read"].veils:
        assert panel.locator(f"[data-name={name}]").evaluate("one => getComputedStyle(one).visibility") == "hidden"
    page.keyboard.press("Home")
    expect(caption).to_be_visible()
    page.get_by_label("Your guess").fill("4")
    page.keyboard.press("Enter")
    expect(says).to_have_text("Your guess is 4. Set step to 11, or")
    assert panel.locator(".hv-flag, .hv-guess").count() == 0, "only where it is decided"
    step.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(says).to_have_text("Your guess is 4. Set step to 11, or")
    page.keyboard.press("ArrowRight")  # entry 4 leads to frame 1: whoever touches it is led here, too
    expect(says).to_have_text(QUESTIONS["where struct page 300 is read"].sentence("4"))
    page.keyboard.press("End")
    expect(panel.locator(".hv-flag")).to_have_text("your guess: 4")
    off = panel.evaluate("""(panel) => {
      const box = (what) => panel.querySelector(what).getBoundingClientRect();
      const guess = box(".hv-guess"), frame = box("[data-name=frame4]");
      return [guess.left - frame.left, guess.right - frame.right, guess.top - frame.top, guess.bottom - frame.bottom];
    }""")
    assert max(map(abs, off)) < 5, "it marks frame 4"
    expect(says).to_have_text(QUESTIONS["where struct page 300 is read"].sentence("4"))
    expect(panel.locator(".hv-wait")).to_have_attribute("data-right", "false")
    expect(caption).to_be_visible()
    assert panel.locator(".hv-veil").count() == 0
    page.goto((html / "10_giving_back.html").as_uri())
    page.get_by_role("button", name="Show me").click()
    expect(page.locator(".hv-wait [aria-live]")).to_have_text(waits.told(QUESTIONS["seven free frames"]))
    expect(page.get_by_role("slider", name="free frames before")).to_have_attribute("aria-valuetext", "7")
    page.close()


@needs_chromium
@pytest.mark.parametrize("guessed", [True, pytest.param(False, marks=pytest.mark.long)])
def test_a_verdict_moves_no_picture(html, browser, guessed):
    """On a wide page there is room for it before it comes, shown or after a guess with a mistake that is named."""
    page = browser.new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    for path, name in zip(sorted(html.glob("[01][0-9]_*.html")), waits.WAITS, strict=True):
        question = QUESTIONS[name]
        given = question.given()
        typed = {question.write(mistake(given)) for mistake, _ in question.mistakes}
        longest = max(typed, key=lambda one: len(question.sentence(one)))
        page.goto(path.as_uri())
        panel = page.locator(".hv-panel:has(.hv-wait)")
        show, picture = panel.get_by_role("button", name="Show me"), panel.locator(".hv-picture")
        if guessed:
            page.get_by_label("Your guess").first.fill(longest)
            page.keyboard.press("Enter")
        place = "one => one.getBoundingClientRect().top - one.closest('.hv-panel').getBoundingClientRect().top"
        before = picture.evaluate(place)
        if show.is_visible():
            show.click()
        expect(panel.locator(".hv-wait")).to_have_class(re.compile("hv-met"))
        assert picture.evaluate(place) == pytest.approx(before, abs=0.5), path.stem
    page.close()


@needs_chromium
def test_a_guess_without_a_unit_is_told_so(html, browser):
    page = browser.new_page()
    page.goto((html / "09_the_bill.html").as_uri())
    for typed, bare in (("3", True), ("3 MiB", False)):
        page.get_by_label("Your guess").first.fill(typed)
        page.keyboard.press("Enter")
        noted = page.locator(".hv-verdict", has_text="Noted:")
        expect(noted).to_contain_text(f"Noted: {typed}")
        assert ("A number without a unit is bytes" in noted.text_content()) == bare
    page.close()


STRUCK = """(panel) => {
  const rect = (one) => one.getBoundingClientRect();
  const flag = rect(panel.querySelector(".hv-flag")), picture = rect(panel.querySelector(".hv-picture"));
  const beside = (text) => text.left >= flag.right || text.right <= flag.left;
  const meets = (text) => !beside(text) && text.top < flag.bottom && text.bottom > flag.top;
  const covered = [...panel.querySelectorAll(".hv-picture svg text")].filter((text) => meets(rect(text)));
  const inside = flag.left >= picture.left - 1 && flag.right <= picture.right + 1
    && flag.top >= picture.top && flag.bottom <= picture.bottom + 1;
  return [covered.map((text) => text.textContent), inside, panel.querySelectorAll(".hv-guess").length];
}"""
GUESSES = {"if the mail were right": ("64 KiB", 1), "memmap of 64 GiB": ("4 GiB", 4), "seven free frames": ("3", 3),
           "struct pages that say PG_head": ("5", 5), "struct page of 128 bytes": ("8", 8)}  # fmt: skip
"""Guesses that are counted in the picture, and by how many marks."""


@needs_chromium
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", list(waits.WAITS))
def test_a_guess_is_drawn_beside_all_words(html, browser, name, width):
    """In the state that is asked about, in every layout: a flag that covers no word, and as many marks as it is."""
    asked = f'hv.predict("{name}")'
    chapter = next(
        path.stem
        for path in (ROOT / "notebooks").glob("[01][0-9]_*.ipynb")
        if any(asked in cell.source for cell in nbformat.read(path, as_version=4).cells)
    )
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto((html / f"{chapter}.html").as_uri())
    right = QUESTIONS[name].write(QUESTIONS[name].answer(QUESTIONS[name].given()))
    for guess, marks in ((right, None), GUESSES.get(name, ("1 MiB" if "iB" in right else "3", 1))):
        page.get_by_label("Your guess").first.fill(guess)
        page.keyboard.press("Enter")
        panel = page.locator(".hv-panel:has(.hv-wait)")
        if panel.get_by_role("button", name="Show me").count():
            panel.get_by_role("button", name="Show me").click()
        expect(panel.locator(".hv-wait")).to_have_attribute("data-right", "false" if marks else "true")
        expect(panel.locator(".hv-flag")).to_have_text(f"your guess: {guess}")
        page.wait_for_timeout(400)
        covered, inside, drawn = panel.evaluate(STRUCK)
        assert (covered, inside) == ([], True), guess
        assert drawn == marks or not marks
    page.close()


@needs_chromium
@pytest.mark.parametrize("scripts", [True, False])
def test_pictures_are_as_wide_as_they_are_laid_out_for(html, browser, scripts):
    """In a window of 1,280 pixels a unit of a scene is a pixel, so no text is below 12 of them."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=scripts)
    page, seen = context.new_page(), 0
    for path in sorted(html.glob("[01][0-9]_*.html")):
        page.goto(path.as_uri())
        for picture in page.locator(".hv-film svg[role=img]:visible, .hv-figure svg:visible").all():
            seen += 1
            assert picture.bounding_box()["width"] >= WIDTH, path.name
    assert seen >= 20
    context.close()


@needs_chromium
@pytest.mark.parametrize("scripts", [True, False])
def test_on_a_phone_no_picture_is_scrolled_sideways_nor_its_text_below_12_pixels(html, browser, scripts):
    context = browser.new_context(viewport={"width": 390, "height": 800}, java_script_enabled=scripts)
    page, seen = context.new_page(), 0
    for path in sorted(html.glob("[01][0-9]_*.html")):
        page.goto(path.as_uri())
        if scripts:
            played(page)
        for figure in page.locator(".hv-figure:visible, .hv-picture, .hv-film > figure").all():
            wide, room, smallest = figure.evaluate("""(figure) => {
              const texts = [...figure.querySelectorAll("svg text")].filter((text) => text.getClientRects().length);
              const sizes = texts.map((text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a);
              return [figure.scrollWidth, figure.clientWidth, Math.min(...sizes)];
            }""")
            assert wide <= room, path.name
            assert smallest >= 12, path.name
            seen += 1
    assert seen >= 19
    context.close()


@needs_chromium
def test_without_scripts_the_stored_picture_stands(html, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((html / "06_remap_to_page_1.html").as_uri())
    picture = page.locator(".hv-film svg[role=img]:visible")
    assert picture.bounding_box()["width"] > 600
    assert len(picture.get_attribute("aria-label")) > 40
    context.close()


@pytest.fixture
def game(html, browser, request):
    """Chapter 6 as a page of some width, and its game."""
    how = {"width": 1280, "touch": False, "motion": "no-preference", **getattr(request, "param", {})}
    context = browser.new_context(
        viewport={"width": how["width"], "height": 900}, has_touch=how["touch"], reduced_motion=how["motion"]
    )
    page, problems = context.new_page(), []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto((html / "06_remap_to_page_1.html").as_uri())
    shown = page.locator(".hv-kernel")
    shown.locator("svg").evaluate("svg => svg.scrollIntoView({block: 'center', behavior: 'instant'})")
    yield Player(page, shown)
    context.close()
    assert problems == []


def accessible(player):
    assert not violations(player.page, ".hv-kernel")


@needs_chromium
@pytest.mark.parametrize("game", [{"motion": "reduce"}, {"width": 390, "motion": "reduce"}], indirect=True)
def test_the_game_on_a_page_by_mouse_to_six_frames_and_the_fake_head(game):
    game.button("Split")
    game.same("split")
    for page in (2, 3):
        game.drag(page, 1)
        game.same("remap", page=page, frame=1)
        game.page.mouse.click(*game.entry(page))
        game.same("protect", page=page)
    accessible(game)
    game.page.mouse.click(*game.frame(3))
    game.same("free", frame=3)
    assert game.session.kernel.dead["id"] == "stale"
    accessible(game)
    game.button("Flush TLBs")
    game.same("flush")
    game.button("Undo")
    game.same("undo")
    game.button("The same for pages 4 to 7")
    game.same("likewise")
    game.button("Flush TLBs")
    game.same("flush")
    game.button("Free unused")
    game.same("free")
    assert game.session.kernel.won == ["six"]
    game.button("Hint")
    expect(game.game.locator(".hv-says")).to_contain_text("Lead it to frame 0")
    game.drag(1, 0)
    game.same("remap", page=1, frame=0)
    assert game.session.kernel.dead["id"] == "fake"
    game.button("Use the test of Linux 5.18")
    game.same("learn")
    game.button("Start over")
    game.same("reset")


@needs_chromium
@pytest.mark.parametrize("game", [{"width": 390, "touch": True}], indirect=True)
def test_the_game_by_finger_moves_an_arrow_and_not_the_page(game):
    game.page.touchscreen.tap(*game.middle("[data-do='split']"))
    game.same("split")
    at = game.page.evaluate("scrollY")
    game.swipe(6, 1)
    game.same("remap", page=6, frame=1)
    assert game.page.evaluate("scrollY") == at, "the page has not been panned"
    game.page.touchscreen.tap(*game.entry(6))
    game.same("protect", page=6)
    game.page.touchscreen.tap(*game.frame(6))
    game.same("free", frame=6)


@needs_chromium
def test_the_game_by_keys_leads_on_enter_alone_and_says_so_after_a_while(game):
    press = game.page.keyboard.press
    game.game.locator("[data-do='split']").focus()
    press("Enter")
    game.same("split")
    press("Shift+Tab")
    assert game.page.evaluate("document.activeElement.dataset.frame") == "1"
    press("Shift+Tab")
    assert game.page.evaluate("document.activeElement.dataset.entry") == "2"
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "ArrowUp", "ArrowUp"):
        press(key)
    expect(game.game.locator(".hv-says")).to_have_text("Page 4 to frame 1? Enter leads it there.")
    assert game.game.locator(":focus").get_attribute("aria-valuetext") == "frame 1? Enter leads it there"
    press("Enter")
    game.same("remap", page=4, frame=1)
    expect(game.game.locator("[role=status]")).to_contain_text("Page 4 shows frame 1, like page 1.")
    press("Space")
    game.same("protect", page=4)
    for key in ("ArrowDown", "ArrowDown", "Escape"):
        press(key)
    expect(game.game.locator(".hv-says")).to_have_text("Page 4 shows frame 1.")
    press("Tab")
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "Enter"):
        press(key)
    game.same("free", frame=4)
    tabs = game.game.evaluate("el => el.querySelectorAll('svg [tabindex=\"0\"]').length")
    assert tabs == 2, "one stop for the entries, one for the frames"


ALONE = """
const el = document.createElement("main"), nobody = () => () => {};
document.body.append(el);
const judge = (f) => { window.judge = f; return nobody; };
mount({ el, data, link: { seed: 6, moves: () => [], send: nobody, listen: nobody, judge } });
"""


@needs_chromium
def test_where_the_twin_and_python_differ_python_is_right(browser):
    page, other = browser.new_page(), Session()
    page.set_content("<!doctype html><body></body>")
    script = kernel_game.script().replace("export default { render };", "")
    page.add_script_tag(content=f"const data = {json.dumps(DATA)};{script}{ALONE}", type="module")
    page.wait_for_function("() => window.judge")
    look = (
        "() => [document.querySelector('main').dataset.differs, document.querySelectorAll('.entry:not(.gone)').length]"
    )
    page.evaluate("truth => judge({ count: 0, state: truth })", other.kernel.state())
    assert page.evaluate(look) == [None, 0], "they agree"
    other.play(move("split"))
    page.evaluate("truth => judge({ count: 7, state: truth })", other.kernel.state())
    assert page.evaluate(look) == [None, 0], "of other moves nothing is confirmed"
    page.evaluate("truth => judge({ count: 0, state: truth })", other.kernel.state())
    assert page.evaluate(look) == ["true", 8]
    page.close()


@needs_chromium
@pytest.mark.parametrize("game", [{}, {"width": 390}], indirect=True)
def test_no_text_of_the_game_is_below_12_pixels_or_outside_its_box(game):
    game.button("Split")
    drawn = game.game.evaluate("""(el) => {
      const svg = el.querySelector("svg"), box = svg.getBoundingClientRect();
      const scale = box.width / svg.viewBox.baseVal.width;
      return [...el.querySelectorAll("svg text, p, li, button")]
        .filter((text) => text.textContent && text.getClientRects().length)
        .map((text) => {
          const { left, right } = text.getBoundingClientRect(), size = parseFloat(getComputedStyle(text).fontSize);
          return [text.textContent, text.closest("svg") ? size * scale : size, left - box.left, box.right - right];
        });
    }""")
    assert len(drawn) > 60
    assert [each for each in drawn if each[1] < 12] == []
    assert [each for each in drawn if min(each[2:]) < -2] == []


TYPED = [
    "", "7", "6", "4,095", "262,144", "262144", "0x40000", "0b11", "-1", "+5", "1_000", "1 000", "007", "0", "7.0",
    "lots", "12x", "16 MiB", "16M", "1.5 KiB", "0.3 B", "2 MB", "3GiB", "36 MiB", "1,792 GiB", "9" * 70, "free split",
    "split, remap, flush, free", "yes", "Head  Page", "tail pages",
    "2048kB", "16,380 kB ", "64 bytes", "64 byte", "2 kb", "1,5 GiB", "0xffffea0000008000", "18446744073709551617",
]  # fmt: skip


@needs_chromium
def test_a_page_judges_as_python_does(browser):
    """quiz.js and teaching.ask give the same verdicts, in the same words, for answers, mistakes and strange input."""
    page = browser.new_page()
    source = base64.b64encode((ROOT / "hvlib" / "teaching" / "static" / "quiz.js").read_bytes()).decode()
    page.evaluate(f"async () => {{ window.quiz = await import('data:text/javascript;base64,{source}'); }}")
    compared = 0
    for question in QUESTIONS.values():
        if question.read.kind == "function":
            continue
        data = ask.as_data(question, range(3))
        for seed in range(3):
            given = question.given(seed)
            typed = [*TYPED, question.write(question.answer(given))]
            typed += [question.write(mistake(given)) for mistake, _ in question.mistakes]
            told = page.evaluate("([q, n, typed]) => typed.map((text) => quiz.judge(q, n, text))", [data, seed, typed])
            for text, verdict in zip(typed, told, strict=True):
                mine = question.judge(text, seed)
                assert verdict["right"] == mine.right, (question.prompt, text, verdict, mine)
                refused = mine.text.startswith(("Not an answer yet", "No answer yet"))
                assert verdict["text"] == mine.text or (refused and verdict["text"][:13] == mine.text[:13]), text
                compared += 1
    assert compared > 3000
    page.close()


@needs_chromium
def test_the_concept_test_says_nothing_until_it_is_handed_in_and_then_it_stays(browser):
    """On a page: no score while it is taken, the score and the CSV of Python afterwards, and no second try."""
    about = ("s01", "after", "B")
    items = concepts.items(*about)
    state = outputs.bundle(outputs.ConceptTestShown(*about))
    html = shown.as_html(shown.Page("x"), {**state, "text/plain": repr(hv.concept_test(*about))})
    page = browser.new_page()
    page.set_content(f"<main>{html}</main>")
    source = base64.b64encode((ROOT / "hvlib" / "teaching" / "static" / "quiz.js").read_bytes()).decode()
    page.evaluate(
        f"""async () => {{
            const quiz = await import("data:text/javascript;base64,{source}");
            const el = document.querySelector(".hv-test");
            quiz.test(el, JSON.parse(el.querySelector("script").textContent));
        }}"""
    )
    page.locator("summary").click()
    status, hand_in = page.get_by_role("status"), page.get_by_role("button", name="Hand in")
    answers = [item.right if number else (item.right + 1) % 3 for number, item in enumerate(items)]
    for number, answer in enumerate(answers):
        assert status.inner_text() == f"{10 - number} to go."
        assert hand_in.is_disabled()
        page.locator("fieldset fieldset").nth(number).get_by_role("radio").nth(answer).check()
    assert status.inner_text() == ""
    hand_in.click()
    assert status.inner_text() == str(concepts.score(answers, *about))
    assert page.locator("input[type=radio]:enabled, button:enabled").count() == 0
    assert not page.get_by_role("link", name="Download").is_visible(), "nobody's result is no use to a teacher"
    page.get_by_label("Your name or number").fill('Doe, "J"')
    page.keyboard.press("Enter")
    assert status.inner_text() == str(concepts.score(answers, *about))
    assert "hapter" not in page.inner_text("main")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    text = Path(download.value.path()).read_text("utf-8")
    first, line = csv.reader(text.splitlines())
    assert tuple(first) == concepts.COLUMNS
    assert line == ['Doe, "J"', *next(csv.reader(concepts.result(answers, *about).splitlines()[1:]))[1:]]
    page.close()


def chapter():
    return nbformat.read(ROOT / "notebooks" / "06_remap_to_page_1.ipynb", as_version=4)


def spoilt(change, pick):
    """The data of an output of chapter 6, with a change."""
    cell = next(cell for cell in chapter().cells if pick in cell.source and cell.cell_type == "code")
    data = cell.outputs[-1].data
    change(data)
    return data


STATE = outputs.MIMETYPE


@pytest.mark.parametrize(
    ("change", "pick", "sentence"),
    [
        (
            lambda data: data.pop("image/svg+xml"),
            "hv.explore.remap",
            "the panel has no picture for readers without scripts",
        ),
        (lambda data: data[STATE]["at"].update(huge_page="3 MiB"), "hv.explore.remap", "has no such position"),
        (lambda data: data[STATE]["at"].pop("step"), "hv.explore.remap", "has no such position"),
        (lambda data: data[STATE].update(film="remaps"), "hv.explore.remap", "film 'remaps' is not known"),
        (lambda data: data[STATE].update(question="x"), "hv.predict", "question 'x' is not known"),
        (
            lambda data: data[STATE].update(kind="movie"),
            "hv.explore.remap",
            "the kind of an output 'movie' is not known",
        ),
        (lambda data: data[STATE].pop("alt"), "hv.draw.pool", "the state 'picture' holds caption, alt"),
        (lambda data: data[STATE].update(alt="short"), "hv.draw.pool", "without caption or"),
        (lambda data: data[STATE].update(caption=""), "hv.draw.pool", "without caption or"),
        (lambda data: data.pop("image/svg+xml"), "hv.draw.pool", "without caption or"),
        (lambda data: data.pop(STATE), "hv.draw.pool", "without caption or"),
        (
            lambda data: (data.clear(), data.update({shown.WIDGET_VIEW: {}})),
            "hv.draw.pool",
            "would be dead on the page",
        ),
    ],
)
def test_what_would_be_dead_or_nameless_stops_the_build(change, pick, sentence):
    with pytest.raises(shown.Unfit, match=f"^06_x, cell 7: .*{sentence}"):
        shown.as_html(shown.Page("06_x, cell 7"), spoilt(change, pick))


def test_words_are_shown_and_never_read():
    """Panel, figure and exercise are what their state says, whatever stands in the words beside it."""
    page = shown.Page("06_x")
    for pick in ("hv.explore.remap", "hv.draw.pool", "hv.predict", "hv.check"):
        as_stored = shown.as_html(page, spoilt(lambda data: None, pick))
        assert as_stored
        assert shown.as_html(page, spoilt(lambda data: data.update({"text/plain": "no words"}), pick)) == as_stored


def test_an_answered_exercise_keeps_its_verdict():
    data = hv.check("order of the steps", "split, remap, free, flush")._repr_mimebundle_()
    assert shown.as_html(shown.Page("06_x"), data) is None


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("hv.explore.remap()", "07_x, cell 1: the film"),
        ("ipywidgets.IntSlider(3)", "07_x, cell 1: a widget that would"),
    ],
)
def test_sphinx_stops_with_the_sentence(tmp_path, cell, says):
    """The build itself, on one page: what the renderer refuses ends it."""
    data = spoilt(lambda data: data[STATE]["at"].update(step=12), "hv.explore.remap")
    if "explore" not in cell:
        data = {"text/plain": "IntSlider(value=3)", shown.WIDGET_VIEW: {"model_id": "x"}}
    output = nbformat.v4.new_output("execute_result", data, execution_count=1)
    source = nbformat.v4.new_code_cell(cell, execution_count=1, outputs=[output])
    nbformat.write(nbformat.v4.new_notebook(cells=[source]), tmp_path / "07_x.ipynb")
    extension = str(ROOT / "book" / "_ext")
    (tmp_path / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {extension!r})\nextensions = ['myst_nb', 'shown']\n"
        "nb_execution_mode = 'off'\nroot_doc = '07_x'\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-b", "html", str(tmp_path), str(tmp_path / "out")],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode
    assert says in done.stderr


def test_every_state_that_a_notebook_stores_is_on_its_page(html):
    """As many panels, predictions, exercises, tests and figures as the outputs say."""
    places = {
        outputs.PanelShown: 'class="hv-film"', outputs.PredictionShown: 'class="hv-prediction"',
        outputs.ConceptTestShown: 'class="hv-test"', outputs.PictureShown: 'class="hv-figure"',
        outputs.SandboxShown: 'class="hv-figure"', outputs.ExerciseShown: 'class="hv-exercise"',
        outputs.GameShown: 'class="hv-game"', outputs.PasteShown: 'class="hv-paste"',
    }  # fmt: skip
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        data = [output.get("data", {}) for cell in cells for output in cell.get("outputs", ())]
        states = [state for state in map(outputs.read, data) if state]
        in_python = sum(isinstance(state, outputs.ExerciseShown) and
                        QUESTIONS[state.question].read.kind == "function" for state in states)  # fmt: skip
        wanted = Counter(places[type(state)] for state in states)
        wanted['class="hv-exercise"'] -= in_python
        wanted['class="hv-figure"'] += wanted['class="hv-game"']  # its picture, until it can be played
        text = (html / f"{path.stem}.html").read_text("utf-8")
        assert {place: text.count(place) for place in places.values()} == {p: wanted[p] for p in places.values()}, path
        assert text.count("This answer is Python") == in_python
        assert STATE not in text


def test_an_unknown_term_stops_the_build():
    cell = nbformat.v4.new_markdown_cell("This is called a **frobnicated page** in the kernel.")
    with pytest.raises(book.Unfit, match="'frobnicated page' is not in notebooks"):
        book.unknown_terms("06_x", cell, book.glossary())


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ('<a href="nowhere.html">x</a>', "leads to nowhere.html, which does not exist"),
        ('<a href="#gone">x</a>', "leads to #gone, where there is no such anchor"),
        ('<img src="data:,x">', "without alternative text"),
        ('<script src="https://cdn.example/x.js"></script>', "from another host"),
        ('<p id="a"></p><p id="a"></p>', "has the id 'a' 2 times"),
        ('<figure><img src="data:,x" alt="a picture"></figure>', "1 figures and 0 captions"),
        ("<p>" + "x" * 500_000 + "</p>", "KiB are allowed"),
        ("<p><div></p></div>", "no valid HTML"),
    ],
)
def test_what_is_wrong_with_a_page_is_said(tmp_path, body, sentence):
    (tmp_path / "x.html").write_text(f"<!doctype html><html lang=en><title>x</title><body>{body}</body></html>")
    assert any(sentence in problem for problem in pages.problems(tmp_path)), list(pages.problems(tmp_path))


def test_the_films_on_the_pages_are_the_films_of_the_engine(html):
    """Every frame, caption and alternative text, in the order in which the player counts; every panel is on a page."""
    engine = {one.title: one for one in films.FILMS.values()}
    script = re.compile(r'<script type="text/plain" class="hv-film-data">(.*?)</script>')
    found = set()
    for path in html.glob("*.html"):
        for data in script.findall(path.read_text("utf-8")):
            held = shown.unpacked(data)
            one = engine[held["title"]]
            assert held == {**film.reel(one), "tall": film.upright(one)}, path.name
            scenes = [one.state(**dict(zip((axis["name"] for axis in held["axes"]), values, strict=True)))[0]
                      for values in itertools.product(*(axis["values"] for axis in held["axes"]))]  # fmt: skip
            assert held["caption"] == [scene.caption for scene in scenes], path.name
            assert held["alt"] == [scene.alt for scene in scenes], path.name
            found.add(held["title"])
    assert found == set(engine)
    assert "export" not in book.scripts()


def test_the_landing_page_leads_to_the_pdf_once_it_is_there(html, tmp_path):
    folder, paper = tmp_path / "html", tmp_path / "book.pdf"
    shutil.copytree(html, folder)
    paper.write_bytes(b"%PDF" + bytes(1_200_000))
    for _ in range(2):
        book.offer(folder, paper)
    text = (folder / "index.html").read_text("utf-8")
    (link,) = re.findall(r'<p class="hv-pdf">[^<]*<a href="([^"]+)">a PDF of 1.2 MB</a>', text)
    assert (folder / link).read_bytes() == paper.read_bytes()
    assert text.count("book.pdf") == 1
    (folder / link).unlink()
    assert list(pages.problems(folder)) == ["index.html leads to book.pdf, which does not exist."]
    (folder / "index.html").write_text("<!doctype html><title>x</title>")
    with pytest.raises(book.Unfit, match="the landing page needs one"):
        book.offer(folder, paper)


@pytest.mark.long
@needs_chromium
def test_the_pdf_has_bookmarks_tags_frozen_panels_and_solutions_at_the_end(html):
    pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "tools.book", "--pdf"], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HVLIB_BOOK": str(html.parent)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    made = html.parent / book.PDF.name
    assert (html / made.name).read_bytes() == made.read_bytes()
    assert f'href="{made.name}"' in (html / "index.html").read_text("utf-8")
    paper = pypdf.PdfReader(made)
    assert paper.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in paper.trailer["/Root"]

    def titles(entries):
        for entry in entries:
            if isinstance(entry, list):
                yield from titles(entry)
            else:
                yield entry.title

    bookmarks = list(titles(paper.outline))
    assert [t for t in bookmarks if t.startswith("6 Six entries")]
    assert bookmarks.index("Solutions") > bookmarks.index("12 Your own fleet")
    text = "\n".join(page.extract_text() for page in paper.pages)
    assert text.count("Solution: at the end of the book.") >= 26
    end = text[text.rindex("Solutions\n") :]
    assert "split, remap, flush, free" in unicodedata.normalize("NFKC", " ".join(end.split()))  # without ligatures
    assert "Step 11 of 11" in (words := " ".join(text.split()))
    assert "step 11. Step 11" not in words
