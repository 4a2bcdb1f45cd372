"""The pictures of the published pages under a hand: mouse, finger and keys, words that move them, and paper."""

import contextlib

import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed (make test installs it)")
pytest.importorskip("playwright", reason="playwright is not installed")
from panels import PLAYED, played
from playwright.sync_api import expect

from hvlib.pictures.films import FILMS
from tools.jupyterlab import needs_chromium

pytestmark = [pytest.mark.book, pytest.mark.beside, needs_chromium]
CHAPTERS = [f"{number:02d}" for number in range(13)]
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


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_picture_answers_mouse_finger_and_keys(html, browser, chapter):
    for width, scheme, hows in ((1280, "light", (by_mouse, by_keys)), (390, "dark", (by_finger, by_keys))):
        with opened(html, browser, chapter, width, scheme) as page:
            for panel in played(page):
                for how in hows:
                    assert touched(panel, how) >= 1, (width, how.__name__)
                said = panel.locator(".hv-caption").text_content()
                expect(panel.locator("[role=status]")).to_have_text(said)


def test_many_things_to_touch_are_one_stop_for_tab_and_arrows_lead_on(html, browser):
    with opened(html, browser, "02") as page:
        (panel,) = played(page)
        layer, stops = panel.locator(".hv-hits"), panel.locator(f"{BUTTONS}[tabindex='0']")
        expect(layer).to_have_attribute("role", "toolbar")
        assert panel.locator(BUTTONS).count() > 48
        expect(stops).to_have_count(1)
        panel.locator("input").last.focus()
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


def test_every_touch_on_a_phone_is_large_enough_and_nothing_scrolls_sideways(html, browser):
    for chapter in CHAPTERS:
        with opened(html, browser, chapter, 360) as page:
            for panel in played(page):
                sizes = panel.locator(BUTTONS).evaluate_all("""(all) => all
                  .map((one) => one.getBoundingClientRect()).map(({ width, height }) => Math.min(width, height))""")
                assert min(sizes) >= 5, chapter
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
