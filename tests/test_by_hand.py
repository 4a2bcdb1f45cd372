"""Pictures that are worked by hand: their numbers are the engine's, and they answer to mouse, finger and keys."""

import itertools
import json
import re
from pathlib import Path

import pytest
from accessible import violations

import hvlib as hv
from hvlib.pictures import outputs
from hvlib.pictures.films import FILMS
from hvlib.teaching import hand_facts, hands
from tools.jupyterlab import needs_chromium

NAMES = list(hand_facts.FACTS)
expected = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect


# --- the numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", range(56, 129, 8))
def test_bricks_are_laid_as_the_arithmetic_counts(size):
    facts, page = hand_facts.tray_facts(size), hv.HugePage("2 MiB", struct_page=size)
    assert facts["trays"] == -(-page.memmap_bytes // 4096)
    assert bool(facts["across"]) == bool(facts["obstacle"]) == bool(page.obstacle("tail page"))
    assert len(facts["cut"]) == facts["trays"]
    differ = all(one != other for one, other in itertools.pairwise(facts["cut"]))
    assert differ == (4096 % size != 0), "neighbours are cut alike for powers of two alone"
    alike = {b - a for a in range(facts["trays"]) for b in range(a + 1, facts["trays"])
             if facts["cut"][a] == facts["cut"][b]}  # fmt: skip
    if facts["obstacle"] and alike:
        assert f"Only trays {min(alike)} apart match" in facts["obstacle"]
        assert all(apart % min(alike) == 0 for apart in alike)
    elif facts["obstacle"]:
        assert facts["obstacle"].startswith("No two trays")


@pytest.mark.parametrize("size", ["2 MiB", "1 GiB"])
def test_a_mask_clears_what_a_pointer_would_name(size):
    facts = hand_facts.mask_facts(size)
    assert len(set(facts["pointer"])) == 3
    (mask,) = set(facts["mask"])
    for head, pointer in zip(facts["heads"], facts["pointer"], strict=True):
        assert int(pointer, 16) - 1 == int(head, 16)
        assert (int(head, 16) + 64 * 300) & int(mask, 16) == int(head, 16)
    machine = hv.Machine("8 GiB", check=False)
    pool = machine.hugetlb(size, 3)
    pool.optimize("shared tail")
    first, others = zip(*((frames[0], frames[1:]) for frames in map(pool.frames, range(3))), strict=True)
    assert len(set(first)) == 3, "each page 0 has a frame of its own"
    assert len({frame for frames in others for frame in frames}) == 1, "and all others show one"
    assert facts["in_page"] == 64
    assert ~int(mask, 16) & ((1 << 64) - 1) | 1 == (1 << facts["bits"]) - 1, "as many low bits as it says"


def test_one_entry_tells_all_kernels_apart_if_it_is_the_right_one():
    """What chapter 11 says of how few entries will do."""
    kinds = hand_facts.kernels()["kinds"]
    told = [len({str(kind["entries"][page]) for kind in kinds}) for page in range(8)]
    assert (told, len(kinds)) == ([2, 4, 5, 5, 5, 5, 5, 5], 5)


def test_three_marks_are_an_address():
    data = hand_facts.walk()
    for target in data["targets"]:
        left, at = target["pfn"], int(data["base"], 16)
        for part in data["parts"]:
            place, left = divmod(left, part["frames"])
            assert place < part["count"]
            at += place * part["bytes"]
        assert (left, hex(at)) == (0, target["address"])
        assert hv.pfn_to_page(target["pfn"]) == at


def test_what_is_to_be_found_by_hand_is_not_found_in_the_chapter():
    """Neither the panel above can show it, nor does a printed line or a sentence name it."""
    path = next((Path(__file__).parents[1] / "notebooks").glob("03_*.ipynb"))
    text = path.read_text("utf-8").split('"id": "ch03-hand-walk"')[0]
    data, panel = hand_facts.walk(), FILMS["vmemmap"]
    for target in data["targets"]:
        assert target["pfn"] not in panel.axes[0].values
        assert not re.search(rf"{target['pfn']:#x}\b|{target['address']}\b", text)
    assert f"PFN {data['targets'][0]['pfn']:#x}:" in data["opening"]


def test_only_the_page_of_tails_serves_all_huge_pages():
    """Since 7.1 pages 1 to 7 lead there, and in no kernel before does an entry lead where another huge page's does."""
    serves = {
        kind["releases"]: [entry["to"] == "all" for entry in kind["entries"]] for kind in hand_facts.kernels()["kinds"]
    }
    newest = next(names for names in serves if "7.1" in names.split(", "))
    assert serves.pop(newest) == [False] + 7 * [True]
    assert not any(itertools.chain(*serves.values()))


def test_each_recorded_kernel_is_one_of_the_kinds_and_three_looks_tell_them_apart():
    data = hand_facts.kernels()
    told = [release for kind in data["kinds"] for release in kind["releases"].split(", ")]
    assert told == [release.rsplit(".", 1)[0] for release in hv.observe.records()]
    looks = [json.dumps(kind["entries"][:3]) for kind in data["kinds"]]
    assert len(set(looks)) == len(data["kinds"]), "pages 0, 1 and 2 are enough"
    assert sorted(data["order"]) == list(range(len(data["kinds"])))
    for kind in data["kinds"]:
        release = next(name for name in hv.observe.records() if kind["releases"].startswith(name.rsplit(".", 1)[0]))
        record = hv.observe.recorded(release)
        state = "on" if "on" in record.states else "off"
        seen = record.entries("2 MiB", "live", state)
        assert [entry["writable"] for entry in kind["entries"]] == list(seen.writable)
        assert len({entry["to"] for entry in kind["entries"]}) == len(set(seen.frames))


@pytest.mark.parametrize(("count", "batch", "back"), [(1, False, False), (64, False, False), (64, True, False),
                                                        (64, False, True), (64, True, True)])  # fmt: skip
def test_flushes_are_those_of_the_machine_and_what_is_stale_is_told(count, batch, back):
    told = hand_facts.flush_run(count, batch, back)["flushes"]
    machine = hv.Machine("4 GiB", check=False)
    pool = machine.hugetlb("2 MiB", count)
    if back:
        pool.optimize("head page")
    before = machine.tlb_flushes
    if back:
        pool.restore(batch=batch)
    else:
        pool.optimize("head page", batch=batch)
    assert len(told) == machine.tlb_flushes - before
    assert told[-1]["done"] == count
    assert [one["done"] for one in told] == sorted(one["done"] for one in told)
    for one in told:
        lines = [line for cpu in one["lines"] for line in cpu if line]
        assert lines
        if one["what"] == "remap":
            assert all(flags & 1 for _, _, flags in lines), "what both had read was led elsewhere since"
            assert all((frame == page) != back for page, frame, _ in lines), "they lead where it was before"
        elif not any(line[0] % 8 for line in lines):
            assert not any(flags & 1 for _, _, flags in lines), "a split leads nobody elsewhere"


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * ("flush" in name)) for name in NAMES])
def test_a_hand_says_what_it_is_to_programs_and_to_those_without_a_browser(name):
    hand = getattr(hv.hands, name)()
    data, _ = hand._repr_mimebundle_()
    assert outputs.read(data) == outputs.GameShown(name, 0, [])
    assert data["text/plain"] == repr(hand) == f"{hand.data['title']}. {hand.data['opening']}"
    assert len(hand.scene.alt) > 40
    assert json.loads(json.dumps(hand.data)) is not None
    with pytest.raises(hv.BadInput, match="told and not set"):
        hand.data = {}


LEGIBLE = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const light = (colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((part) => linear(part / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const fill = (one) => light(getComputedStyle(one).fill);
  const on = { onfirst: "first", onown: "own", onplain: "plain" };
  return [...document.querySelectorAll(".pair text[class^=on]")].map((text) => {
    const ground = document.querySelector(`.pair path.${on[text.getAttribute("class")]}`);
    const [a, b] = [fill(text), fill(ground)].sort((x, y) => y - x);
    return [text.textContent, (a + 0.05) / (b + 0.05)];
  });
}"""
"""The numbers of enlarged bricks, and their contrast to what they stand on."""


# --- the hand ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def shown(browser, request):
    """A hand on a page of its own, in a window of some width."""
    name, how = request.param
    how = {"width": 860, "touch": False, **how}
    context = browser.new_context(
        viewport={"width": how["width"], "height": 1000}, has_touch=how["touch"], reduced_motion="reduce"
    )
    page, problems = context.new_page(), []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.set_content('<!doctype html><html lang="en"><title>hand</title><body><main></main></body></html>')
    page.add_style_tag(content=hands.style())
    script = hands.script().replace("export default { render };", "")
    data = json.dumps(hand_facts.FACTS[name]())
    page.add_script_tag(
        content=f'{script}\nmount({{ el: document.querySelector("main"), name: "{name}", data: {data} }});\n'
        "window.ready = true;",
        type="module",
    )
    page.wait_for_function("() => window.ready")
    yield page
    assert problems == []
    context.close()


def middle(page, what):
    box = page.locator(what).first.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def spoken(page, words):
    expected(page.locator("[role=status]")).to_contain_text(words)


def look(page):
    """No text is too small or outside, and axe has nothing to say."""
    assert not violations(page, "main")
    small = page.evaluate("""() => [...document.querySelectorAll("svg text, p, button, label")]
      .filter((one) => one.textContent && one.getClientRects().length && getComputedStyle(one).visibility !== "hidden")
      .map((one) => [one.textContent, parseFloat(getComputedStyle(one).fontSize), one.getBoundingClientRect().right])
      .filter(([, size, right]) => size < 12 || right > innerWidth + 1)""")
    assert small == []


@needs_chromium
@pytest.mark.slow
@pytest.mark.parametrize("shown", [("bricks", {}), ("bricks", {"width": 390, "touch": True})], indirect=True)
def test_bricks_by_mouse_or_finger_and_by_keys(shown):
    says, handle = shown.locator(".hv-says"), shown.locator(".handle")
    expected(says).to_contain_text("64 bytes: 64 bricks a tray, 8 trays")
    at, to = middle(shown, ".handle .grip"), middle(shown, ".tick:has-text('96')")
    shown.mouse.move(*at)
    shown.mouse.down()
    shown.mouse.move(to[0], at[1], steps=6)
    shown.mouse.up()
    expected(says).to_contain_text("96 bytes: 42.67 bricks a tray, 12 trays")
    handle.focus()
    for key in ("ArrowLeft", "ArrowLeft"):
        shown.keyboard.press(key)
    expected(says).to_contain_text("80 bytes: 51.2 bricks a tray, 10 trays. Brick 51 lies across trays 0 and 1.")
    assert handle.get_attribute("aria-valuetext") == "80 bytes, 10 words"
    shown.locator(".tray").nth(2).click()
    expected(says).to_contain_text("Trays 1 and 2 are cut 16 bytes apart: neither can stand in for the other")
    expected(shown.locator(".pair")).to_have_attribute("aria-label", "Tray 2 over tray 1: cut 16 bytes apart")
    shown.locator(".tray").nth(2).focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "Enter"):
        shown.keyboard.press(key)
    expected(says).to_contain_text("Trays 2 and 6")
    spoken(shown, "Trays 2 and 6")
    handle.focus()
    shown.keyboard.press("Home")
    expected(says).to_contain_text("56 bytes")
    shown.keyboard.press("ArrowRight")
    expected(says).to_contain_text("one can stand in for the other, and a frame is free")
    assert says.get_attribute("data-tone") == "good"
    shown.locator(".tray").nth(0).click()
    expected(says).to_contain_text("the head, would lie where a tail belongs")
    look(shown)


@needs_chromium
@pytest.mark.slow
@pytest.mark.parametrize("shown", [("bricks", {}), ("bricks", {"width": 390, "touch": True})], indirect=True)
def test_numbers_of_bricks_can_be_read_and_more_trays_move_nothing(shown):
    shown.locator(".tray").nth(0).click()
    for scheme in ("light", "dark"):
        shown.emulate_media(color_scheme=scheme)
        contrasts = shown.evaluate(LEGIBLE)
        assert {"0", "1", "2", "3", "4"} <= {number for number, _ in contrasts}
        assert min(contrast for _, contrast in contrasts) >= 4.5, (scheme, contrasts)
    shown.locator(".handle").focus()
    high = "() => document.documentElement.scrollHeight + ' ' + document.querySelector('.trays').clientHeight"
    before = shown.evaluate(high)
    for key in ("End", *["ArrowLeft"] * 9):
        shown.keyboard.press(key)
        assert shown.evaluate(high) == before


@needs_chromium
@pytest.mark.slow
@pytest.mark.parametrize("shown", [("masks", {}), ("masks", {"width": 390, "touch": True})], indirect=True)
def test_a_tail_is_dragged_and_its_low_bits_go_out(shown):
    says, pin = shown.locator(".hv-says"), shown.locator(".pin")
    facts = hand_facts.masks()["facts"]["2 MiB"]
    expected(says).to_contain_text(f"my head is at {facts['heads'][1]}")
    at, to = middle(shown, ".pin .grip"), middle(shown, ".strip >> nth=2 >> .frame")
    shown.mouse.move(*at)
    shown.mouse.down()
    shown.mouse.move(to[0], to[1] + at[1] - middle(shown, ".strip >> nth=1 >> .frame")[1], steps=8)
    shown.mouse.up()
    expected(says).to_contain_text(f"my head is at {facts['heads'][2]}")
    assert "of huge page 2" in pin.get_attribute("aria-valuetext")
    pin.focus()
    shown.keyboard.press("Home")
    expected(says).to_contain_text("Tail 1 of huge page 0")
    tails = shown.locator(".tails")
    assert len({tails.nth(n).locator("text").first.text_content() for n in range(3)}) == 3
    shown.locator("input[value=pointer]").focus()
    shown.keyboard.press("ArrowRight")
    expected(says).to_contain_text(
        f"clear the low 15 bits of my address. That is {hex(int(facts['heads'][0], 16) + 64)}"
    )
    expected(says).to_contain_text("one page of tails shows them all")
    assert [tails.nth(n).get_attribute("opacity") for n in range(3)].count("0") == 2, "three pages of tails are one"
    assert shown.locator(".result .gone").count() == 15
    shown.locator("input[value='1 GiB']").focus()
    shown.keyboard.press("Space")
    expected(says).to_contain_text("clear the low 24 bits")
    spoken(shown, "clear the low 24 bits")
    look(shown)


@needs_chromium
@pytest.mark.slow
@pytest.mark.parametrize("shown", [("masks", {}), ("masks", {"width": 390, "touch": True})], indirect=True)
def test_the_mark_of_a_tail_crosses_no_word(shown):
    crossed = """() => {
      const rect = (one) => one.getBoundingClientRect(), mark = rect(document.querySelector(".pin .stem"));
      return [...document.querySelectorAll(".strip .inside")].map(rect)
        .filter((text) => text.left < mark.right && text.right > mark.left)
        .filter((text) => text.top < mark.bottom && text.bottom > mark.top).length;
    }"""
    pin = shown.locator(".pin")
    pin.focus()
    shown.keyboard.press("Home")
    places = set()
    for _ in range(40):
        assert shown.evaluate(crossed) == 0, pin.get_attribute("aria-valuetext")
        places.add(pin.get_attribute("aria-valuetext"))
        shown.keyboard.press("PageUp")
    assert len(places) > 20


@needs_chromium
@pytest.mark.slow
@pytest.mark.parametrize("shown", [("pfn_to_page", {}), ("pfn_to_page", {"width": 390, "touch": True})], indirect=True)
def test_pfn_to_page_is_done_by_hand(shown):
    says, marks = shown.locator(".hv-says"), shown.get_by_role("slider")
    data = hand_facts.walk()
    wanted, second, pages = data["targets"][0]["pfn"], data["targets"][1]["pfn"], data["parts"][1]
    leaf, page, slot = wanted // 32768, wanted // 64 % 512, wanted % 64
    bed = shown.locator(".bed").first.bounding_box()
    at = middle(shown, ".mark .box")
    shown.mouse.move(*at)
    shown.mouse.down()
    shown.mouse.move(bed["x"] + bed["width"] * (leaf + 0.5) / 64, at[1], steps=6)
    shown.mouse.up()
    expected(marks.nth(0)).to_have_attribute("aria-valuenow", str(leaf))
    expected(says).to_contain_text(f"stands the struct page of PFN {leaf * 32768:#x}")
    marks.nth(1).focus()
    shown.keyboard.press("Home")
    for key in ("PageUp",) * (page // pages["page"]) + ("ArrowRight",) * (page % pages["page"]):
        shown.keyboard.press(key)
    expected(marks.nth(1)).to_have_attribute("aria-valuenow", str(page))
    for _ in range(slot):
        shown.get_by_role("button", name="slot +1").click()
    address = hex(hv.pfn_to_page(wanted))
    expected(says).to_contain_text(
        f"Found: leaf {leaf}, vmemmap page {page}, slot {slot}. The struct page of PFN {wanted:#x} is at {address}"
    )
    expected(shown.locator(".wanted")).to_contain_text("1 of 4 found")
    spoken(shown, f"Found: leaf {leaf}")
    shown.get_by_role("button", name="Another PFN").click()
    expected(says).to_contain_text(
        f"PFN {second:#x} is {abs(wanted - second):,} further {'on' if second > wanted else 'back'}"
    )
    look(shown)


@needs_chromium
@pytest.mark.slow
@pytest.mark.parametrize("shown", [("guess_the_kernel", {}), ("guess_the_kernel", {"width": 390, "touch": True})],
                         indirect=True)  # fmt: skip
def test_a_kernel_is_guessed_by_asking_entries(shown):
    data, says = hand_facts.kernels(), shown.locator(".hv-says")
    kind = data["kinds"][data["order"][0]]
    entries = shown.locator(".entry")
    shown.get_by_role("button", name=kind["releases"], exact=True).click()
    expected(says).to_contain_text(f"It could be {kind['releases']}, and 5 kinds are still possible")
    entries.nth(0).click()
    left = [one for one in data["kinds"] if one["entries"][0] == kind["entries"][0]]
    expected(says).to_contain_text(f"{len(left)} kinds of kernel are still possible")
    assert shown.locator("button.out").count() == 0, "what cannot be is for the reader to find"
    entries.nth(0).focus()
    for key in ("ArrowDown", "Enter"):
        shown.keyboard.press(key)
    left = [one for one in left if one["entries"][1] == kind["entries"][1]]
    if len(left) > 1:
        entries.nth(2).click()
    expected(says).to_contain_text("Only one kind is left: name it.")
    wrong = next(one for one in data["kinds"] if one is not kind)
    shown.get_by_role("button", name=wrong["releases"], exact=True).click()
    asked = range(entries.and_(shown.locator(".seen")).count())
    page = next(page for page in asked if wrong["entries"][page] != kind["entries"][page])
    expected(says).to_contain_text(f"It cannot be {wrong['releases']}: there, page {page} leads to")
    assert shown.locator("button.out").all_inner_texts() == [wrong["releases"]]
    shown.get_by_role("button", name=kind["releases"], exact=True).click()
    expected(says).to_contain_text(f"Right: {kind['releases']}")
    spoken(shown, kind["why"])
    assert entries.nth(0).get_attribute("aria-label").startswith("entry of vmemmap page 0: a frame")
    shown.get_by_role("button", name="Another kernel").click()
    assert shown.locator(".entry.seen, button.out").count() == 0
    look(shown)


CROSSED = """([lines, boxes]) => {
  const box = (one) => one.getBoundingClientRect(), inside = [];
  for (const line of document.querySelectorAll(lines)) {
    const where = line.getScreenCTM();
    for (let at = 0; line.getAttribute("d") && at <= line.getTotalLength(); at += 1) {
      const { x, y } = line.getPointAtLength(at).matrixTransform(where);
      for (const one of document.querySelectorAll(boxes)) {
        const { left, right, top, bottom } = box(one);
        if (x > left + 1 && x < right - 1 && y > top + 1 && y < bottom - 1) inside.push(one.outerHTML);
      }
    }
  }
  return [...new Set(inside)];
}"""
"""Boxes and words through or behind which lines run."""


@needs_chromium
@pytest.mark.slow
@pytest.mark.parametrize("width", [860, 390])
@pytest.mark.parametrize("shown", [("flushes", {})], indirect=True)
def test_wires_run_between_the_processors(shown, width):
    shown.set_viewport_size({"width": width, "height": 1000})
    for processors in (2, 16):
        shown.locator(f"input[value='{processors}']").check(force=True)
        shown.get_by_role("button", name="Next flush").click()
        assert shown.locator(".ipi").count() == processors - 1
        assert shown.evaluate(CROSSED, [".ipi", ".cpu, .land text"]) == []


@needs_chromium
@pytest.mark.slow
@pytest.mark.parametrize("width", [860, 390])
@pytest.mark.parametrize("shown", [("pfn_to_page", {})], indirect=True)
def test_zoom_lines_cross_no_name_and_a_number_stands_beside_its_mark(shown, width):
    shown.set_viewport_size({"width": width, "height": 1000})
    for key in (*["PageUp"] * 12, "End"):
        for mark in shown.get_by_role("slider").all():
            mark.focus()
            shown.keyboard.press(key)
            number, box = mark.locator("text").bounding_box(), mark.locator(".box").bounding_box()
            assert number["x"] > box["x"] + box["width"] or number["x"] + number["width"] < box["x"]
            assert 0 < number["x"] < width - number["width"]
        assert shown.evaluate(CROSSED, [".zoom", ".name, .mark text"]) == []


@needs_chromium
@pytest.mark.slow
@pytest.mark.parametrize("shown", [("flushes", {}), ("flushes_back", {"width": 390, "touch": True})], indirect=True)
def test_flushes_are_counted_one_by_one_and_in_a_batch(shown):
    says, back = shown.locator(".hv-says"), "back" in shown.locator("figure").get_attribute("aria-label")
    picture = shown.locator(".land")
    one_by_one, batch = (64, 1) if back else (66, 2)
    shown.locator("input[value='64']").focus()
    shown.keyboard.press("Space")
    expected(says).to_contain_text(f"one by one. Flushes: {one_by_one}.")
    shown.locator("input[value='252']").focus()
    shown.keyboard.press("Space")
    shown.get_by_role("button", name="Next flush").click()
    if not back:
        expected(says).to_contain_text(f"Flush 1 of {one_by_one}, after a split: 251 interrupts")
        shown.get_by_role("button", name="Next flush").click()
    expected(says).to_contain_text("Of the eight lines shown, 8 led elsewhere than the page table")
    assert shown.locator(".line.stale").count() == 8
    shown.get_by_role("slider").focus()
    shown.keyboard.press("End")
    expected(says).to_contain_text(f"{one_by_one * 251:,} interrupts in all")
    assert f"{one_by_one * 251:,} interrupts" in picture.get_attribute("aria-label")
    spoken(shown, "interrupts in all")
    shown.locator("input[value='in a batch']").focus()
    shown.keyboard.press("Space")
    expected(says).to_contain_text(f"in a batch. Flushes: {batch}.")
    shown.get_by_role("button", name="Play").click()
    expected(says).to_contain_text(f"{batch * 251:,} interrupts in all")
    assert shown.locator(".cpu.told").count() == 252
    look(shown)
