"""Pictures worked by hand, and the game, inside JupyterLab: dragged, touched, keyed, and the notebook takes no key."""

import contextlib

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")
from playing import Player
from playwright.sync_api import expect
from test_browser import CELLS, watched

from hvlib.teaching import hand_facts
from tools.jupyterlab import needs_chromium

pytestmark = [pytest.mark.browser, pytest.mark.beside, needs_chromium]
SHOWN = """async (code) => {
  const notebook = jupyterapp.shell.currentWidget.content;
  const at = notebook.widgets.findIndex(cell => cell.model.sharedModel.source.includes(code));
  await notebook.scrollToItem(at, "start");
}"""
KEYS_OF_A_NOTEBOOK = ("x", "a", "b", "d", "d", "y")


@pytest.fixture(scope="module")
def touched(browser):
    """A JupyterLab on a machine that has a mouse and is touched as well."""
    made = browser.new_context(viewport={"width": 1300, "height": 1000}, has_touch=True)
    with contextlib.closing(made) as context, watched(context) as page:
        yield page


@pytest.fixture
def hand(lab, touched, request):
    """A chapter, open and run, with its hand in sight; no key that it was given reached the notebook."""
    chapter, code = request.param
    lab.open(touched, chapter)
    lab.run_all(touched)
    touched.evaluate(SHOWN, code)
    shown = touched.locator(".hv-kernel" if code.endswith("kernel()") else ".hv-hand").first
    expect(shown).to_be_visible()
    shown.evaluate("one => one.scrollIntoView({block: 'center', behavior: 'instant'})")
    cells = touched.evaluate(CELLS)
    yield shown
    assert touched.evaluate(CELLS) == cells, "the notebook took a key"


def centre(one):
    """Where the middle of something is, once it rests: it glides, and JupyterLab lays out cells long after they ran."""
    box = None
    while box != (now := one.bounding_box()):
        box = now
        one.page.wait_for_timeout(200)
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def by_mouse(page, start, end):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=6)
    page.mouse.up()


def by_finger(page, start, end):
    session = page.context.new_cdp_session(page)

    def touch(kind, *points):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    touch("touchStart", start)
    for part in range(1, 7):
        touch("touchMove", tuple(a + (b - a) * part / 6 for a, b in zip(start, end, strict=True)))
    touch("touchEnd")
    session.detach()


def keyed(page, *keys):
    """Keys for the hand, among such as a notebook would take for commands."""
    for key in (*KEYS_OF_A_NOTEBOOK, *keys):
        page.keyboard.press(key)


@pytest.mark.parametrize("hand", [("03_vmemmap.ipynb", "hv.hands.pfn_to_page")], indirect=True)
def test_the_marks_of_chapter_3(hand):
    page, leaf, bed = hand.page, hand.get_by_role("slider").first, hand.locator(".bed").first
    for drag, place in ((by_mouse, 20), (by_finger, 40)):
        box, at = bed.bounding_box(), centre(hand.locator(".mark .box").first)
        drag(page, at, (box["x"] + box["width"] * (place + 0.5) / 64, at[1]))
        expect(leaf).to_have_attribute("aria-valuenow", str(place))
    leaf.focus()
    keyed(page, "ArrowRight")
    expect(leaf).to_have_attribute("aria-valuenow", "41")
    hand.get_by_role("button", name="All marks to 0").tap()
    expect(leaf).to_have_attribute("aria-valuenow", "0")


@pytest.mark.parametrize("hand", [("05_eight_pages.ipynb", "hv.hands.bricks")], indirect=True)
def test_the_bricks_of_chapter_5(hand):
    page, says, facts = hand.page, hand.locator(".hv-says"), hand_facts.bricks()["facts"]
    for drag, size in ((by_mouse, 96), (by_finger, 80)):
        at, to = centre(hand.locator(".handle .grip")), centre(hand.locator(f".tick:has-text('{size}')"))
        drag(page, at, (to[0], at[1]))
        expect(says).to_contain_text(f"{size} bytes")
        expect(says).to_contain_text(f"{facts[size]['trays']} trays")
    hand.locator(".handle").focus()
    keyed(page, "ArrowLeft", "ArrowLeft")
    expect(says).to_contain_text("64 bytes")
    hand.locator(".tray").nth(2).tap()  # tray 1 is chosen to begin with
    expect(says).to_contain_text("one can stand in for the other")


@pytest.mark.parametrize("hand", [("08_one_tail_for_all.ipynb", "hv.hands.masks")], indirect=True)
def test_the_tail_of_chapter_8(hand):
    page, says, heads = hand.page, hand.locator(".hv-says"), hand_facts.masks()["facts"]["2 MiB"]["heads"]
    for drag, strip in ((by_mouse, 2), (by_finger, 0)):
        at, now = centre(hand.locator(".pin .grip")), centre(hand.locator(".strip .frame").nth(1))
        to = centre(hand.locator(".strip .frame").nth(strip))
        drag(page, at, (to[0], at[1] + to[1] - now[1]) if strip == 2 else to)
        expect(says).to_contain_text(heads[strip])
    hand.locator(".pin").focus()
    keyed(page, "Home")
    expect(says).to_contain_text("Tail 1 of huge page 0")
    hand.locator("label", has=page.locator("input[value=mask]")).tap()
    expect(says).to_contain_text("one page of tails shows them all")


@pytest.mark.parametrize("hand", [("11_ask_a_kernel.ipynb", "hv.hands.guess_the_kernel")], indirect=True)
def test_the_kernel_to_guess_of_chapter_11(hand):
    page, says, data = hand.page, hand.locator(".hv-says"), hand_facts.kernels()
    kinds, kind = data["kinds"], data["kinds"][data["order"][0]]
    entries, left = hand.locator(".entry"), kinds
    for entry, ask in enumerate((lambda one: one.click(), lambda one: one.tap(), lambda one: one.press("Enter"))):
        if len(left) == 1:
            break
        entries.nth(entry).focus()
        keyed(page)
        ask(entries.nth(entry))
        left = [one for one in left if one["entries"][entry] == kind["entries"][entry]]
        expect(says).to_contain_text("Only one kind is left" if len(left) == 1 else f"{len(left)} kinds of kernel")
    hand.get_by_role("button", name=kind["releases"], exact=True).tap()
    expect(says).to_contain_text(f"Right: {kind['releases']}")


@pytest.mark.parametrize("hand", [("06_remap_to_page_1.ipynb", "hv.you_are_the_kernel()")], indirect=True)
def test_the_game_of_chapter_6_by_finger(hand):
    player = Player(hand.page, hand)
    hand.get_by_role("button", name="Split", exact=True).tap()
    player.same("split")
    player.swipe(2, 1)
    player.same("remap", page=2, frame=1)
    player.drag(3, 1)
    player.same("remap", page=3, frame=1)
    expect(hand).to_have_attribute("data-judged", "3")
    assert hand.get_attribute("data-differs") is None, "the twin and the engine agree"
