"""The pictures of the published pages under a hand: mouse, finger and keys, words that move them, and paper."""

import contextlib
import json
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed (make test installs it)")
pytest.importorskip("playwright", reason="playwright is not installed")
from panels import PLAYED, played
from playwright.sync_api import expect

from hvlib.pictures import film
from hvlib.pictures.films import FILMS
from hvlib.teaching import explore
from hvlib.teaching.questions import QUESTIONS
from tools.jupyterlab import needs_chromium

ROOT = Path(__file__).parents[1]
pytestmark = [pytest.mark.book, pytest.mark.beside, needs_chromium]
CHAPTERS = [path.name[:2] for path in sorted((ROOT / "notebooks").glob("[01][0-9]_*.ipynb"))]
SOME = ("00", "02", "03", "05", "06", "09", "12")
"""Where every run of the tests touches the picture in every way. The other chapters: make test-long."""
BUTTONS = ".hv-hits > button:not([hidden])"


@contextlib.contextmanager
def opened(html, browser, chapter, width=1280, scheme="light", **how):
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, has_touch=width < 500, reduced_motion="reduce",
        **how,
    )  # fmt: skip
    page, problems = context.new_page(), []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(next(html.glob(f"{chapter}*.html")).as_uri())
    yield page
    context.close()
    assert problems == []


def same(panel):
    """Picture and words are the film's for where the sliders stand; what is returned differs from state to state."""
    state = panel.evaluate(PLAYED)
    assert state["shown"] == state["meant"], state["at"]
    assert state["drawn"] == state["drawing"], state["at"]
    return state


def touched(panel, how):
    """Things to touch, one of each sort first: each moves the panel where its name says; how many did."""
    names = panel.locator(BUTTONS).evaluate_all("all => all.map(one => one.dataset.group)")
    sorts = {name.rstrip("0123456789."): name for name in reversed(names)}
    some = list(dict.fromkeys([*sorts.values(), *names[:: max(1, len(names) // 5)]]))[:9]
    moved = 0
    for name in some:
        button = panel.locator(f'.hv-hits > button[data-group="{name}"]')
        if not button.is_visible():
            continue
        before = same(panel)
        there = button.get_attribute("aria-label")
        assert there
        button.evaluate("one => one.scrollIntoView({block: 'center', behavior: 'instant'})")
        how(button)
        after = same(panel)
        texts = after["meant"][2:]
        assert any(there.endswith(text) for text in texts), (name, there)
        if before["at"] != after["at"]:
            moved += 1
            assert before["meant"][1] != after["meant"][1], "another alternative text"
            assert before["drawn"] != after["drawn"], "another picture"
    return moved


def by_mouse(button):
    page, box = button.page, button.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.up()


def by_finger(button):
    box = button.bounding_box()
    button.page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def by_keys(button):
    button.focus()
    button.page.keyboard.press("Enter")


@pytest.mark.parametrize(
    "chapter", [pytest.param(name, marks=() if name in SOME else pytest.mark.long) for name in CHAPTERS]
)
def test_a_picture_answers_mouse_finger_and_keys(html, browser, chapter):
    for width, scheme, hows in ((1280, "light", (by_mouse, by_keys)), (390, "dark", (by_finger, by_keys))):
        with opened(html, browser, chapter, width, scheme) as page:
            for panel in played(page):
                for how in hows:
                    assert touched(panel, how) >= 1, (width, how.__name__)
                said = panel.locator(".hv-caption").text_content()
                expect(panel.locator("[role=status]")).to_have_text(said)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_nothing_printed_is_behind_a_scroll_on_a_phone(html, browser, chapter):
    with opened(html, browser, chapter, 390) as page:
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        outputs = page.locator(".cell_output pre, .hv-paste pre")
        wide = outputs.evaluate_all(
            "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.textContent)"
        )
        assert wide == []


def test_the_solution_goes_with_the_numbers_that_are_asked(html, browser):
    with opened(html, browser, "01") as page:
        question = QUESTIONS["memmap of a KMSAN kernel"]
        form = page.locator(".hv-exercise").filter(has_text="KMSAN")
        solution = page.locator("details").filter(has_text="20 MiB for every GiB")
        other, verdict = form.get_by_role("button", name="Other numbers"), form.locator(".hv-verdict")
        signs = []
        for answer in ("160 MiB", "5 MiB", "lots"):
            form.get_by_label("Your answer").fill(answer)
            page.keyboard.press("Enter")
            signs.append(verdict.evaluate("one => getComputedStyle(one, '::before').content.replaceAll('\"', '')[0]"))
        assert signs == ["✓", "✗", "n"], "right, wrong, and none for what is no answer"
        solution.locator("summary").click()
        expect(solution).not_to_contain_text("asked now")
        seed = next(seed for seed in range(1, 5) if question.text(seed) != question.text(0))
        for _ in range(seed):
            other.click()
        expect(form).to_contain_text(question.text(seed))
        expect(solution).not_to_have_attribute("open", "")
        told = question.write(question.answer(question.given(seed)))
        expect(solution).to_contain_text(f"With the numbers asked now: {told}.")
        for _ in range(5 - seed):
            other.click()
        expect(solution).not_to_contain_text("asked now")


def test_many_things_to_touch_are_one_stop_for_tab_and_arrows_lead_on(html, browser):
    with opened(html, browser, "02") as page:
        (panel,) = played(page)
        layer, stops = panel.locator(".hv-hits"), panel.locator(f"{BUTTONS}[tabindex='0']")
        expect(layer).to_have_attribute("role", "toolbar")
        assert panel.locator(BUTTONS).count() > 48
        expect(stops).to_have_count(1)
        panel.get_by_role("button", name="Show me").focus()  # it stands between the controls and the picture
        page.keyboard.press("Tab")
        focused = lambda: page.evaluate("document.activeElement.dataset.group")  # noqa: E731
        assert focused() == "bit47"
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        assert focused() == "bit45"
        page.keyboard.press("Space")
        assert same(panel)["meant"][3] == "45"
        here = panel.locator(".hv-hits > [aria-current]").evaluate_all("all => all.map(one => one.dataset.group)")
        assert sorted(here) == ["bit45", "table PTE"]
        page.keyboard.press("ArrowDown")
        assert focused().startswith("table")
        expect(stops).to_have_count(1)
        page.keyboard.press("Tab")
        assert not page.evaluate("document.activeElement.closest('.hv-hits')")


def apart(panel):
    return set(panel.locator("g[data-apart]").evaluate_all("all => all.map(one => one.dataset.name)"))


def test_what_belongs_together_stands_out_under_mouse_focus_and_for_a_while_finger(html, browser):
    film = FILMS["remap"]
    tied = {name for tie in film.state("2 MiB", 0)[0].ties for name in tie}
    family = {"page3", "arithmetic3", "leaf", "arrow3", "frame3"}
    everyone = {*family, *(f"{what}{n}" for n in range(8) for what in ("page", "arithmetic", "arrow", "frame"))}
    for width, act in ((1280, "hover"), (1280, "focus"), (390, "tap")):
        with opened(html, browser, "06", width) as page:
            panel = next(one for one in played(page))
            zone = panel.locator('.hv-hits > button[data-group="page3"]')
            if act == "focus":
                panel.locator("input").last.focus()
                zone.focus()
                page.keyboard.press("Shift+Tab")
                page.keyboard.press("Tab")
            elif act == "hover":
                zone.hover()
                assert zone.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
                assert zone.evaluate("one => getComputedStyle(one).cursor") == "pointer"
            else:
                panel.locator('.hv-hits > [data-group="frame1"]').tap()
                expect(panel.locator("g[data-apart]")).not_to_have_count(0)
                expect(panel.locator("g[data-apart]")).to_have_count(0)
                continue
            assert apart(panel) == (tied & everyone) - family, act
            page.mouse.move(2, 2)
            page.evaluate("document.activeElement.blur()")
            assert apart(panel) == set()


TWICE = """
{script}
const values = new Map(Object.entries({state})), heard = () => {{}};
const model = {{
  get: (name) => values.get(name), set: (name, value) => values.set(name, value),
  on: heard, off: heard, save_changes: heard,
}};
render({{ model, el: document.querySelector("{where}") }});
document.body.dataset.shown = Number(document.body.dataset.shown ?? 0) + 1;
"""


@needs_chromium
def test_two_panels_of_a_kind_keep_their_choices_apart(browser):
    """A notebook loads the module once for each panel: what it counts itself is no name for a document."""
    page = browser.new_page()
    page.set_content("<!doctype html><body><div id='one'></div><div id='other'></div></body>")
    for where, size in (("#one", "2 MiB"), ("#other", "1 GiB")):
        state = {
            "reel": film.reel(FILMS["remap"]),
            "wait": {},
            "guess": {},
            "note": "",
            "huge_page": size,
            "step": 0,
        }
        script = explore.script().replace("export default { render };", "")
        page.add_script_tag(content=TWICE.format(script=script, state=json.dumps(state), where=where), type="module")
    page.wait_for_function("document.body.dataset.shown === '2'")
    checked = page.locator("input:checked").evaluate_all("all => all.map((one) => one.parentElement.textContent)")
    assert checked == ["2 MiB", "1 GiB"]
    ids = page.locator("[id]").evaluate_all("all => all.map((one) => one.id)")
    assert len(set(ids)) == len(ids)
    page.close()


def test_every_touch_on_a_phone_is_large_enough_and_nothing_scrolls_sideways(html, browser):
    for chapter in CHAPTERS:
        with opened(html, browser, chapter, 360) as page:
            for panel in played(page):
                sizes = panel.locator(BUTTONS).evaluate_all("""(all) => all
                  .map((one) => one.getBoundingClientRect()).map(({ width, height }) => Math.min(width, height))""")
                assert min(sizes) >= 5, chapter
                small = panel.locator(".hv-picture svg").evaluate("""(svg) => {
                  const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
                  const sizes = [...svg.querySelectorAll("text")].map((text) => scale * text.getAttribute("font-size"));
                  return Math.min(...sizes);
                }""")
                assert small >= 12, chapter
                assert panel.evaluate("one => one.scrollWidth <= one.clientWidth + 1")


def test_choices_are_buttons_and_a_step_goes_back_and_forward(html, browser):
    with opened(html, browser, "06") as page:
        (panel,) = played(page)
        group = panel.get_by_role("radiogroup", name="huge page")
        expect(group.get_by_role("radio")).to_have_count(2)
        group.get_by_text("1 GiB").click()
        assert same(panel)["meant"][2] == "1 GiB"
        page.keyboard.press("ArrowLeft")
        assert same(panel)["meant"][2] == "2 MiB"
        forward, back = (panel.get_by_role("button", name=f"step {way}") for way in ("forward", "back"))
        for _ in range(3):
            forward.click()
        back.click()
        assert same(panel)["meant"][3] == "2"
        for _ in range(4):
            back.click()
        assert same(panel)["meant"][3] == "0"
        lefts = panel.locator(".hv-axis").evaluate_all(
            "all => all.map(row => [0, 1].map(n => Math.round(row.children[n].getBoundingClientRect().left)))"
        )
        assert len(set(map(tuple, lefts))) == 1, "one left edge for names, one for controls"


SAID = """(words) => {
  const told = document.createElement("ol");
  told.id = "said";
  told.innerHTML = words.map(([href, text]) => `<li><a href="${href}">${text}</a></li>`).join("");
  document.querySelector(".hv-film").before(told);
}"""


def test_words_move_the_panel_and_light_up_while_it_stands_there(html, browser):
    for width, act in ((1280, "click"), (390, "tap"), (1280, "press")):
        with opened(html, browser, "06", width) as page:
            (panel,) = played(page)
            page.evaluate(SAID, [["#panel:step=2", "Split"], ["#panel:huge_page=1%20GiB&step=11", "4,094 freed"],
                                 ["#panel:step=99", "nowhere"]])  # fmt: skip
            links = page.locator("#said a")
            before = page.url
            for place, meant in ((0, ["2 MiB", "2"]), (1, ["1 GiB", "11"])):
                links.nth(place).press("Enter") if act == "press" else getattr(links.nth(place), act)()
                assert same(panel)["meant"][2:] == meant
                expect(links.nth(place)).to_have_attribute("aria-current", "true")
                expect(links.nth(1 - place)).not_to_have_attribute("aria-current", "true")
                expect(panel.locator("[role=status]")).to_have_text(panel.locator(".hv-caption").text_content())
            assert page.url == before, "the page has not moved"
            panel.get_by_role("button", name="step back").click()
            expect(page.locator("#said a[aria-current]")).to_have_count(0)
            links.nth(2).click()
            assert same(panel)["meant"][2:] == ["1 GiB", "10"], "a step that is not there moves nothing"


SEEN = """(link) => {
  const panels = [...document.querySelectorAll(".hv-panel")], at = (one) => one.getBoundingClientRect();
  const near = (one) => Math.abs(at(one).top - at(link).top);
  const lid = document.querySelector(".mobile-header")?.offsetHeight ?? 0;
  const picture = panels.sort((one, other) => near(one) - near(other))[0].querySelector(".hv-picture");
  const high = innerHeight - lid, [shot, word] = [at(picture), at(link)];
  const within = (box) => Math.max(0, Math.min(box.bottom, innerHeight) - Math.max(box.top, lid));
  const shown = (box) => within(box) / Math.min(box.height, high);
  const both = Math.max(shot.bottom, word.bottom) - Math.min(shot.top, word.top) <= high - 16;
  return { picture: shown(at(picture)), link: shown(at(link)), both, lid, at: scrollY };
}"""
"""How much is seen of the picture that a link moves, and of the link, and whether both fit."""
PUT = "(one, y) => scrollBy({ top: one.getBoundingClientRect().top - y, behavior: 'instant' })"


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("chapter", ["06", "08", "10", "11"])
def test_a_list_of_links_is_walked_with_the_picture_in_sight(html, browser, chapter, width):
    """Both stay where both fit; else half of the picture at least; what can be seen as it stands is not moved."""
    with opened(html, browser, chapter, width) as page:
        played(page)
        links = page.locator("article a[href^='#panel:']")
        lid = links.first.evaluate(SEEN)["lid"]
        assert lid == (0 if width > 1000 else pytest.approx(49, abs=8))
        for far in (lid + 30, 860):
            for link in links.all():
                link.evaluate(PUT, far)
                link.evaluate("one => one.click()")
                seen = link.evaluate(SEEN)
                if seen["both"]:
                    assert min(seen["picture"], seen["link"]) > 0.98, (link.text_content(), seen)
                assert seen["picture"] >= 0.49, (link.text_content(), seen)
                assert seen["picture"] > 0.98 or seen["link"] > 0.98, "what is not all there has made room for the link"
                link.evaluate("one => one.click()")
                assert link.evaluate(SEEN)["at"] == seen["at"], "nothing moves twice"
        links.last.focus()
        page.keyboard.press("Enter")
        assert links.last.evaluate("one => one === document.activeElement"), "keys go on from the link"


def test_words_and_shapes_of_one_thing_point_at_each_other(html, browser):
    with opened(html, browser, "06") as page:
        (panel,) = played(page)
        page.evaluate(SAID, [["#show:page3,arrow3", "the arrow of page 3"]])
        link = page.locator("#said a")
        link.hover()
        assert "page3" not in apart(panel)
        assert "page4" in apart(panel)
        panel.locator('.hv-hits > button[data-group="page3"]').hover()
        expect(link).to_have_attribute("data-lit", "")
        panel.locator('.hv-hits > button[data-group="page5"]').hover()
        expect(link).not_to_have_attribute("data-lit", "")
        link.focus()
        assert "page4" in apart(panel)
        link.press("Enter")
        assert panel.locator(".hv-picture").evaluate(
            "one => { const { top, bottom } = one.getBoundingClientRect(); return top < innerHeight && bottom > 0; }"
        )


def test_a_link_that_leads_to_nothing_stops_the_build():
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).parents[1] / "book" / "_ext"))
    import linked

    remap = {"remap": FILMS["remap"]}
    assert linked.moves("panel:step=3", remap) is None
    assert linked.moves("panel:huge_page=1%20GiB&step=11", remap) is None
    assert linked.moves("show:page3,frame1", remap) is None
    assert "sliders and values" in linked.moves("panel:step=12", remap)
    assert "sliders and values" in linked.moves("panel:pace=1", remap)
    assert "sliders and values" in linked.moves("panel:", remap)
    assert "sliders and values" in linked.moves("panel:step=3", {})
    assert "draws frame99" in linked.moves("show:frame99", remap)
    found = linked.finder(["page frame number", "page frame", "PMD", "tail"])
    assert [one[0] for one in found.finditer("Page frames, tails, a retail PMD, pmd, PMD-sized page frame number")] == [
        "Page frames", "tails", "PMD", "page frame number",
    ]  # fmt: skip


def test_each_term_leads_to_the_glossary_once_a_chapter(html, browser):
    import re

    glossary = (html / "glossary.html").read_text("utf-8")
    for chapter in CHAPTERS:
        text = next(html.glob(f"{chapter}*.html")).read_text("utf-8")
        led = re.findall(r'<a class="hv-term[^"]*" href="glossary.html#([^"]+)"', text)
        assert len(led) >= 5, chapter
        assert len(set(led)) == len(led)
        assert all(f'id="{anchor}"' in glossary for anchor in led)
    with opened(html, browser, "06") as page:
        page.locator("a.hv-term", has_text="vmemmap page").click()
        page.wait_for_url("**/glossary.html#term-vmemmap-page")


def test_the_search_finds_the_chapter_before_the_reference(html, browser):
    """By file the search has no index of texts to show; titles and their order are there."""
    for words in ("TLB", "vmemmap", "huge page"):
        page = browser.new_page()
        page.goto(f"{(html / 'search.html').as_uri()}?q={words}")
        page.locator("#search-results ul.search li a").first.wait_for()
        expect(page.locator("#search-results .search-summary")).to_contain_text("found")
        leads = page.locator("#search-results ul.search > li > a").evaluate_all(
            "all => all.map(one => one.getAttribute('href').split(/[?#]/)[0])"
        )
        assert leads[0][:2] in CHAPTERS, (words, leads[:5])
        first_api = next((place for place, name in enumerate(leads) if name == "api.html"), len(leads))
        assert all(name[:2] not in CHAPTERS for name in leads[first_api:]), (words, leads)
        page.close()


def test_an_excerpt_shows_the_word_that_is_sought(html, browser):
    """In prose, and not where its letters are a part of another word. By file there are no texts to show."""
    import functools
    import http.server
    import re
    import threading

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    answers = functools.partial(Quiet, directory=html)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        for words, sought in (("TLB", r"\bTLB\b"), ("PMD", r"\bPMD\b"), ("remapping", r"(?i)\bremap")):
            page.goto(f"http://127.0.0.1:{server.server_port}/search.html?q={words}")
            found = page.locator("#search-results ul.search > li:has(a[href^='0'], a[href^='1'])")
            expect(found.nth(3).locator("p.context")).to_be_visible()
            expect(page.locator("#search-results .search-summary")).to_contain_text("found")
            for excerpt in found.locator("p.context").all_text_contents():
                assert re.search(sought, excerpt), (words, excerpt)
        page.close()
        server.shutdown()


def test_a_panel_on_paper_is_some_of_its_states_and_no_sheet_is_blank(html, browser, tmp_path):
    pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed")
    with opened(html, browser, "06") as page:
        played(page)
        page.pdf(path=tmp_path / "06.pdf", format="A4")
    sheets = [sheet.extract_text() for sheet in pypdf.PdfReader(tmp_path / "06.pdf").pages]
    assert all(len(text.split()) > 5 for text in sheets)
    assert "6 Six entries" in sheets[0]
    text = " ".join(" ".join(sheets).split())
    for step in (0, 4, 7, 11):
        assert text.count(f"Step {step} of 11:") == 1, "its caption"
        assert f"step {step}. Step" not in text, "said once"
