"""Every picture of the book: its words can be read where it is first shown, and it shares nothing with its page."""

import contextlib
import itertools
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from labels import labels, problems, scenes_of_chapters, scenes_of_films

from hvlib.pictures import film, png, svg
from hvlib.pictures.films import FILMS
from hvlib.pictures.scene import SMALL, WIDTH, Box, Label, Scene
from hvlib.pictures.style import ARROWS, STYLES

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_labels_of_every_state_of_every_film_are_readable_inside_and_apart():
    assert SMALL >= 12
    wrong = {}
    for name, scene in scenes_of_films():
        for what in problems(scene):
            wrong.setdefault(what, name)
    assert wrong == {}


def test_labels_of_every_picture_of_the_chapters_are_readable_inside_and_apart():
    wrong = {}
    for name, scene in scenes_of_chapters():
        for what in problems(scene):
            wrong.setdefault(what, name)
    assert wrong == {}


SIXTH = """
from dataclasses import replace
from hvlib.facts import schemes
*others, newest = schemes.SCHEMES.values()
more = replace(newest, name="another tail", since=(7, 5), releases="since 7.5")
told = (*others, replace(newest, releases="7.1 to 7.4"), more)
schemes.SCHEMES = schemes.table("scheme", ((one.name, one) for one in told))
from labels import problems, scenes_of_chapters, scenes_of_films
for scenes in (scenes_of_chapters, scenes_of_films):
    for name, scene in scenes():
        for what in problems(scene):
            print(name, what)
print("looked")
"""


@pytest.mark.slow
@pytest.mark.long
def test_there_is_room_for_one_scheme_more():
    """In every picture and panel (CONTRIBUTING.md, *A scheme*)."""
    done = subprocess.run([sys.executable, "-c", SIXTH], capture_output=True, text=True, check=True, cwd=ROOT / "tests")
    assert done.stdout == "looked\n"


def test_what_would_be_hard_to_read_is_noticed():
    """One fault at a time, in a picture that has none."""

    def told(*shapes):
        scene = Scene(WIDTH, 100)
        scene.add("all", Box(100, 20, 60, 30, "own"), Label(130, 35, "in it", on="own"), *shapes)
        return " ".join(problems(scene))

    assert told() == ""
    assert "only 9 high" in told(Label(400, 50, "small", 9))
    assert "leaves the picture" in told(Label(820, 50, "right"))
    assert "overlap" in told(Label(400, 50, "one"), Label(405, 52, "two"))
    assert "wider than its box" in told(Label(130, 35, "much longer than this box", on="own"))
    assert "no box of its role" in told(Label(400, 50, "nowhere", on="head"))
    assert "crosses the edge" in told(Label(160, 35, "half"))


@pytest.mark.parametrize("name", list(FILMS))
def test_pictures_share_nothing_with_their_page(name):
    """No ids, no styles, no references: any number of panels and pictures can stand on one page."""
    reel = film.reel(FILMS[name])
    scene = FILMS[name].state(**next(FILMS[name].states()))[0]
    for text in (reel["base"], *reel["parts"], svg.standalone(scene)):
        assert not re.search(r"\bid=|<style|<script|url\(|href|class=|<image", text)
    assert "font-family" not in reel["base"] + "".join(reel["parts"]), "the page lends its font"


def test_all_text_of_a_picture_has_one_font_without_serifs():
    """The picture's own where it stands alone, the page's on a page; no text has another."""
    for name, scene in scenes_of_chapters():
        fonts = re.findall(r'font-family="([^"]+)"', svg.standalone(scene))
        assert [font.split(",")[-1] for font in fonts] == ["sans-serif"], name
        assert "font" not in re.sub(r"font-(?:family|size|weight)=", "", svg.standalone(scene)), name
    for one in FILMS.values():
        assert "font-family" not in film.reel(one)["base"] + "".join(film.reel(one)["parts"])
    for sheet in ("hvlib/pictures/static/film.css", "book/_static/book.css"):
        assert "svg { display: block; width: 100%;" in (text := (ROOT / sheet).read_text("utf-8"))
        assert all("font-family: inherit" in rule for rule in re.findall(r"(?:figure|picture) svg \{[^}]*\}", text))


def test_ink_and_ground_are_the_pages_and_have_a_fallback():
    scene = FILMS["remap"].state("2 MiB", 11)[0]
    text = svg.standalone(scene)
    assert "color-scheme:light dark;fill:var(--hv-ink,light-dark(#222222,#eeeeee))" in text
    paper = "var(--hv-paper,light-dark(#ffffff,#111111))"
    assert f'<path d="M0 0H{WIDTH}V{scene.height}H0Z" fill="#ffffff" style="fill:{paper}"' in text
    assert text == svg.standalone(FILMS["remap"].state("2 MiB", 11)[0])


def test_a_role_is_told_by_more_than_its_colour():
    """Where two fills are alike to an eye without colours, outline, hatch or doubling tell the roles apart."""
    seen = {role: (look.fill, look.width, look.dashes, look.hatched, look.double) for role, look in STYLES.items()}
    assert len(set(seen.values())) == len(STYLES)

    def lightness(colour):
        red, green, blue = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
        return 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2

    coloured = {role: look for role, look in STYLES.items() if look.fill.startswith("#")}
    for one, other in itertools.combinations(coloured.values(), 2):
        outline = (one.width, one.dashes, one.double) != (other.width, other.dashes, other.double)
        assert outline or abs(lightness(one.fill) - lightness(other.fill)) > 0.02
    for look in coloured.values():
        text = lightness(look.text)
        light, dark = max(text, lightness(look.fill)), min(text, lightness(look.fill))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, look
    assert len({(look.colour, look.dashes) for look in ARROWS.values()}) == len(ARROWS)


def test_a_hatch_fills_its_box_and_stays_in_it():
    for box in (Box(10, 20, 200, 30, "freed"), Box(0, 0, 9, 18, "freed"), Box(5, 5, 30, 90, "freed")):
        lines = svg.hatch(box)
        assert len(lines) == -(-(box.width + box.height) // svg.HATCH) - 1
        for x1, y1, x2, y2 in lines:
            assert x2 - x1 == pytest.approx(y1 - y2)
            for x, y in ((x1, y1), (x2, y2)):
                assert box.x <= x <= box.x + box.width
                assert box.y <= y <= box.y + box.height
                assert x in (box.x, box.x + box.width) or y in (box.y, box.y + box.height)


@pytest.mark.slow
def test_matplotlib_draws_the_png_and_nothing_else(monkeypatch):
    """Neither pictures nor panels import it; a PNG is in an output only where it is asked for."""
    code = (
        "import sys, hvlib as hv; d, m = hv.explore.remap()._repr_mimebundle_(); hv.draw.schemes()._repr_mimebundle_();"
        "hv.sandbox()._repr_mimebundle_(); print('matplotlib' in sys.modules, 'image/png' in d, 'image/svg+xml' in d)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "False False True\n"
    monkeypatch.setenv(png.WANTED, "1")
    assert png.wanted()
    monkeypatch.setenv(png.WANTED, "0")
    assert not png.wanted()


@pytest.mark.slow
def test_the_png_is_the_picture_at_its_size_and_the_same_every_time():
    import base64
    import io

    from PIL import Image

    scene = FILMS["remap"].state("2 MiB", 11)[0]
    one = png.png(scene)
    assert one == png.png(FILMS["remap"].state("2 MiB", 11)[0])
    picture = Image.open(io.BytesIO(base64.b64decode(one))).convert("RGB")
    assert picture.size == (scene.width, scene.height)
    frame = next(shape for shape in scene.groups["frame0"] if isinstance(shape, Box))
    blue = tuple(int(STYLES["head"].fill[n : n + 2], 16) for n in (1, 3, 5))
    assert picture.getpixel((int(frame.x + frame.width / 2), int(frame.y + 4))) == blue
    assert picture.getpixel((2, scene.height - 2)) == (255, 255, 255)


@pytest.mark.browser
def test_labels_as_chromium_sets_them_are_inside_and_apart(browser):
    """Every text of every state, in a page's font: `getBBox` against boxes, borders and neighbours."""
    wrong, seen = {}, 0
    with contextlib.closing(browser.new_page(viewport={"width": 1280, "height": 900})) as page:
        page.set_content(f'<body style="font: 16px system-ui, sans-serif"><div style="width: {WIDTH}px"></div>')
        for name, one in FILMS.items():
            for reel in (film.reel(one), film.upright(one)):
                measured = page.evaluate(MEASURED, reel)
                for values, row in zip(one.states(), reel["frames"], strict=True):
                    scene = one.portrait(**values) if reel is film.upright(one) else one.state(**values)[0]
                    parts = dict(zip(reel["names"], row, strict=True))
                    extents = [extent for group in scene.groups for extent in measured[parts[group]]]
                    seen += len(extents)
                    for what in problems(scene, extents):
                        wrong.setdefault(what, (name, values))
        for name, scene in scenes_of_chapters():
            extents = page.evaluate(ALONE, svg.standalone(scene))
            seen += len(extents)
            for what in problems(scene, extents):
                wrong.setdefault(what, name)
    assert wrong == {}
    assert seen > 10_000


EXTENT = """const place = (text) => { const at = text.getBBox(), spare = 0.16 * at.height;
  return [at.x, at.y + spare, at.x + at.width, at.y + at.height - spare]; };"""
MEASURED = f"""(reel) => {{ {EXTENT}
  const slot = document.querySelector("div");
  return reel.parts.map((part) => {{
    slot.innerHTML = reel.base;
    const group = slot.querySelector("g");
    group.innerHTML = part;
    return [...group.querySelectorAll("text")].map(place);
  }});
}}"""
ALONE = f"""(svg) => {{ {EXTENT}
  const slot = document.querySelector("div");
  slot.innerHTML = svg;
  return [...slot.querySelectorAll("text")].map(place);
}}"""


def test_a_part_holds_the_words_of_its_labels():
    for name, one in FILMS.items():
        reel = film.reel(one)
        values = next(one.states())
        scene = one.state(**values)[0]
        parts = dict(zip(reel["names"], reel["frames"][0], strict=True))
        drawn = [
            text.text
            for group in scene.groups
            for text in ET.fromstring(f"<svg>{reel['parts'][parts[group]]}</svg>").iter("text")
        ]
        assert drawn == [label.text for label in labels(scene)], name
