import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

import hvlib as hv
from hvlib.pictures import draw, outputs, svg
from hvlib.pictures.films import FILMS
from hvlib.pictures.films.address import address
from hvlib.pictures.films.filling import filling
from hvlib.pictures.films.memmap import memmap
from hvlib.pictures.mapping import ROW, page_map_of_pool, page_map_of_record, page_map_scene
from hvlib.pictures.picture import UPRIGHT
from hvlib.pictures.scene import Arrow, Box, Label, Line, Scene

SCHEMES = [name for name in hv.SCHEMES if name != "off"]


def boxes(scene, prefix):
    found = {name: shapes[0] for name, shapes in scene.groups.items() if re.fullmatch(rf"{prefix}\d+", name)}
    return [found[f"{prefix}{n}"] for n in range(len(found))]


def hit(point, frames):
    """Number of the frame box whose left edge an arrow's tip touches."""
    ((x, y),) = [point]
    return next((n for n, b in enumerate(frames) if abs(b.x - x) < 6 and b.y < y < b.y + b.height), None)


@pytest.mark.parametrize("scheme", list(hv.SCHEMES))
def test_drawn_arrows_end_where_the_page_table_leads(scheme):
    """Read back from the SVG: arrow tip -> frame box -> which vmemmap pages share it."""
    machine = hv.Machine("1 GiB")
    pool = machine.hugetlb("2 MiB")
    pool.optimize(scheme)
    scene = page_map_scene(page_map_of_pool(pool))
    film = svg.cut([scene])
    frames, tips = boxes(scene, "frame"), []
    for number in range(8):
        part = film["parts"][film["frames"][0][film["names"].index(f"arrow{number}")]]
        points = [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", part)]
        tips.append(hit(max(points), frames))
    assert None not in tips
    shown, truth = [tips.index(t) for t in tips], [pool.frames().index(f) for f in pool.frames()]
    assert shown == truth
    dashed = ["dasharray" in film["parts"][film["frames"][0][film["names"].index(f"arrow{n}")]] for n in range(8)]
    assert dashed == [not may for may in pool.writable()]


def test_a_wrong_arrow_would_be_seen():
    machine = hv.Machine("1 GiB")
    pool = machine.hugetlb("2 MiB").optimize("tail page")
    scene = page_map_scene(page_map_of_pool(pool))
    (arrow,) = scene.groups["arrow5"]
    assert hit((arrow.x2, arrow.y2), boxes(scene, "frame")) == 1
    assert hit((arrow.x2, arrow.y2 + ROW), boxes(scene, "frame")) == 2


def test_freed_frames_are_drawn_free_and_held_ones_are_not():
    machine = hv.Machine("1 GiB")
    machine.hugetlb("2 MiB").optimize("tail page", batch=False)
    before_free = page_map_scene(page_map_of_pool(machine.at(len(machine.events) - 2).pools[0]))
    after_free = page_map_scene(page_map_of_pool(machine.pools[0]))
    assert [box.role for box in boxes(before_free, "frame")] == ["head", "shared", *["void"] * 6]
    assert [box.role for box in boxes(after_free, "frame")] == ["head", "shared", *["freed"] * 6]


def test_before_the_split_one_entry_is_drawn():
    machine = hv.Machine("1 GiB")
    pool = machine.hugetlb("2 MiB")
    assert "leaf" in page_map_scene(page_map_of_pool(pool)).groups
    pool.optimize("head page")
    scene = page_map_scene(page_map_of_pool(pool))
    assert "leaf" not in scene.groups
    assert [box.role for box in boxes(scene, "entry")] == ["table", *["readonly"] * 7]


def test_the_record_is_drawn_by_the_same_function():
    record = draw.record("5.15.85").scene
    pool = hv.Machine("1 GiB").hugetlb("2 MiB").optimize("tail page")
    model = page_map_scene(page_map_of_pool(pool))
    for name in [f"arrow{n}" for n in range(8)] + [f"entry{n}" for n in range(8)]:
        assert record.groups[name] == model.groups[name]


@pytest.mark.parametrize(("size", "count"), [("2 MiB", 8), ("1 GiB", 4096)])
def test_large_counts_are_drawn_as_runs(size, count):
    pool = hv.Machine("4 GiB", check=False).hugetlb(size).optimize("head page")
    state = page_map_of_pool(pool)
    assert len(state.rows) == 8
    assert sum(row.last - row.first + 1 for row in state.rows) == count
    assert "to 4094" in page_map_scene(state).alt or count == 8


def test_the_alt_text_says_who_leads_where():
    pool = hv.Machine("1 GiB").hugetlb("2 MiB").optimize("tail page")
    alt = page_map_scene(page_map_of_pool(pool)).alt
    assert "Vmemmap page 0: frame 0, writable." in alt
    assert "Vmemmap page 7: frame 1, read-only." in alt


@pytest.mark.parametrize("page", [hv.HugePage("2 MiB"), hv.HugePage("1 GiB"), hv.HugePage("64 KiB")])
def test_of_the_vmemmap_pages_the_first_is_the_heads(page):
    groups = filling(page).groups
    rows = [name for name in groups if re.fullmatch(r"row\d+", name)]
    filled = {name: [shape.role for shape in groups[name] if isinstance(shape, Box)][-1] for name in rows}
    assert [name for name, role in filled.items() if role == "head"] == ["row0"]


@pytest.mark.parametrize("scheme", ["off", "shared tail"])
def test_every_shape_of_a_group_reaches_the_page(scheme):
    """A part of a film holds what its group holds: each text of a label once, and as many shapes as were drawn."""
    scene = page_map_scene(page_map_of_pool(hv.Machine("1 GiB").hugetlb("2 MiB").optimize(scheme)))
    film = svg.cut([scene])
    moved = dict(zip(film["names"], film["frames"][0], strict=True))
    for name in moved:
        part = ET.fromstring(f'<svg xmlns:xlink="http://www.w3.org/1999/xlink">{film["parts"][moved[name]]}</svg>')
        drawn = ["".join(text.itertext()).strip() for text in part.iter() if text.tag.endswith("text")]
        assert drawn == [shape.text for shape in scene.groups[name] if isinstance(shape, Label)], name
        assert len(part) >= len(scene.groups[name])


@pytest.mark.parametrize("struct_page", [56, 64, 80, 96])
def test_filled_squares_are_the_share_of_ram(struct_page):
    scene = memmap(64 * hv.GiB, struct_page)
    cells = [shapes for name, shapes in scene.groups.items() if re.fullmatch(r"cell\d+", name)]
    assert len(cells) == 64
    filled = sum(box.width for shapes in cells for box in shapes[1:]) / cells[0][0].width
    assert filled / 64 == pytest.approx(struct_page / 4096)
    (twin,) = (shape for shape in scene.groups["twin"] if isinstance(shape, Box))
    frame = scene.groups["frame"][1]
    assert twin.width**2 / frame.width**2 == pytest.approx(struct_page / 4096)


@pytest.mark.parametrize(("page", "levels"), [(None, 4), ("2 MiB", 3), ("1 GiB", 2)])
def test_an_address_of_48_bits_is_split_at_the_leaf(page, levels):
    scene = address(page and hv.HugePage(page), 0)
    bits = [scene.groups[f"bit{n}"][0].role for n in range(48)]
    offset = bits.count("plain")
    assert offset == 48 - 9 * levels
    indexes = ["table", "level", "upper", "quiet"][4 - levels :]
    assert bits == ["plain"] * offset + [role for role in indexes for _ in range(9)]
    drawn = [name for name in scene.groups if name.startswith("walk")]
    assert len(drawn) == levels


@pytest.mark.slow
def test_pictures_are_the_same_byte_for_byte_and_offer_text_svg_and_where_kept_png(monkeypatch):
    one, other = draw.schemes(), draw.schemes()
    assert set(one._repr_mimebundle_()[0]) == {"text/plain", "image/svg+xml", UPRIGHT, outputs.MIMETYPE}
    monkeypatch.setenv("HVLIB_PNG", "1")
    data, metadata = one._repr_mimebundle_()
    assert data == other._repr_mimebundle_()[0]
    assert set(data) == {"text/plain", "image/svg+xml", "image/png", UPRIGHT, outputs.MIMETYPE}
    assert ET.fromstring(data[UPRIGHT]).get("aria-label") == one.scene.alt
    assert outputs.read(data) == outputs.PictureShown(one.scene.caption, one.scene.alt)
    assert metadata["image/png"]["alt"] == one.scene.alt
    assert ET.fromstring(data["image/svg+xml"]).get("aria-label") == one.scene.alt


def test_arithmetic_leads_from_the_huge_page_to_each_of_its_vmemmap_pages():
    """Each arrow ends at a row's own middle, never in a gap between two."""
    for size, count in (("2 MiB", 8), ("64 KiB", 1)):
        scene = page_map_scene(page_map_of_pool(hv.Machine("1 GiB").hugetlb(size)))
        pages, (huge,) = boxes(scene, "page"), (s for s in scene.groups["huge"] if isinstance(s, Box))
        assert len(pages) == count
        for number, page in enumerate(pages):
            (arrow,) = scene.groups[f"arithmetic{number}"]
            assert (arrow.x1, arrow.y1) == (huge.x + huge.width, arrow.y2)
            assert 0 <= page.x - arrow.x2 <= 2
            assert arrow.y2 == page.y + page.height / 2
            assert huge.y < arrow.y1 < huge.y + huge.height


def test_pictures_of_records_are_equally_high_and_have_no_empty_rows():
    heights = {draw.record(release).scene.height for release in hv.observe.records()}
    assert len(heights) == 1
    for release in hv.observe.records():
        scene = draw.record(release).scene
        lowest = max(box.y + box.height for box in boxes(scene, "frame"))
        rows = sorted({shape.y for shape in scene.groups["key"] if isinstance(shape, Label)})
        assert rows[0] - (boxes(scene, "page")[-1].y + ROW) < ROW, "the words begin right below the pages"
        assert lowest <= rows[-1] + ROW


@pytest.mark.parametrize("page", [hv.HugePage("2 MiB"), hv.HugePage("2 MiB", struct_page=80), hv.HugePage("32 MiB")])
def test_lines_in_a_vmemmap_page_are_where_its_struct_pages_begin(page):
    groups = filling(page).groups
    for name, shapes in groups.items():
        number = next((int(s.text) for s in shapes if isinstance(s, Label) and s.bold and s.text.isdigit()), None)
        if not re.fullmatch(r"row\d+", name) or number is None:
            continue
        row = max((s for s in shapes if isinstance(s, Box)), key=lambda box: box.width)
        begins = [(line.x1 - row.x) / row.width * 4096 for line in shapes if isinstance(line, Line)]
        first = number * 4096
        expected = [at - first for at in range(0, page.memmap_bytes, page.struct_page) if first < at < first + 4096]
        assert begins == pytest.approx(expected)


def test_the_arrow_of_arithmetic_ends_at_the_first_vmemmap_page():
    """Whatever the geometry: at 32 MiB it used to end in blank space."""
    from hvlib.pictures.films import FILMS

    for values in FILMS["filling"].states():
        groups = FILMS["filling"].state(**values)[0].groups
        if "to" in groups:
            (arrow,) = (s for s in groups["to"] if isinstance(s, Arrow))
            row = next(s for s in groups["row0"] if isinstance(s, Box))
            assert row.x - 2 <= arrow.x2 <= row.x
            assert row.y < arrow.y2 < row.y + row.height


def test_the_schemes_are_counted_from_the_machine_and_arithmetic_agrees():
    alt = draw.schemes().scene.alt
    assert re.findall(r"(\d+) freed", alt) == [str(hv.HugePage("2 MiB").freed(scheme)) for scheme in hv.SCHEMES]


def test_a_film_refuses_scenes_that_disagree():
    one, other = Scene(10, 10), Scene(10, 10)
    one.add("a", Box(0, 0, 1, 1, "own"))
    one.add("b", Label(1, 1, "x"))
    other.add("b", Label(1, 1, "x"))
    other.add("a", Arrow(0, 0, 1, 1, "own"))
    with pytest.raises(AssertionError, match="conflicting orders"):
        svg.cut([one, other])
    with pytest.raises(AssertionError, match="keeps its size"):
        svg.cut([one, Scene(11, 10)])


def test_a_frame_of_a_record_that_two_pages_lead_to_is_drawn_as_shared():
    boot = hv.observe.recorded("5.15.85").entries("2 MiB", "boot")
    seen = replace(boot, rows=(*boot.rows[:2], replace(boot.rows[2], frame=boot.rows[1].frame), *boot.rows[3:]))
    states = dict(page_map_of_record(seen, boot, "").frames)
    assert (states["0"], states["1"], states["2"], states["3"]) == ("head", "shared", "unmapped", "own")


@pytest.mark.parametrize(("scheme", "new"), [("head page, copied", "shared"), ("shared tail", "head")])
def test_a_new_frame_for_the_head_is_drawn_as_the_heads(scheme, new):
    pool = hv.Machine("1 GiB").hugetlb("2 MiB").optimize(scheme)
    release = {"head page, copied": "6.18.15", "shared tail": "7.1.13"}[scheme]
    record = hv.observe.recorded(release)
    of_record = page_map_of_record(record.entries("2 MiB"), record.entries("2 MiB", "boot"), "")
    for state, name in ((page_map_of_pool(pool), "new"), (of_record, "another")):
        assert next(used for where, used in state.frames if where == name) == new
    pool.restore()
    states = dict(page_map_of_pool(pool).frames)
    assert states["new"] in ("head", "own")
    assert [used for _, used in page_map_of_pool(pool).frames].count("head") == 1


def test_the_marks_that_stay_stand_where_they_were_counted():
    """Strips are 512 struct pages long; the turn is drawn once, before the first release that leaves marks."""
    rows = [row for row in hv.observe.left_huge() if row.hvo == "on"]
    for scene in (draw.marks_that_stay().scene, draw.marks_that_stay().upright):
        for number, row in enumerate(rows):
            (strip,) = (shape for shape in scene.groups[f"strip{number}"] if isinstance(shape, Box))
            places = [512 * (mark.x - strip.x) / strip.width for mark in scene.groups.get(f"marks{number}", ())]
            assert places == pytest.approx(row.in_each)
            rounds = scene.groups[f"again{number}"]
            assert [box.role == "own" for box in rounds] == [bool(got) for got in row.again]
        (line,) = (shape for shape in scene.groups["turn"] if isinstance(shape, Line))
        clean, marked = (
            [scene.groups[f"strip{n}"][1].y for n, row in enumerate(rows) if bool(row.frames) is bad]
            for bad in (False, True)
        )
        assert max(clean) < line.y1 < min(marked)
        assert f"{row.release.split('+')[0]}: {len(row.in_each)} marks" in scene.alt


def test_what_is_saved_begins_where_a_guess_is_measured_from():
    """A guess is drawn from the left end of the bar (waits.js): a right one must end where the saved frames end."""
    scene = FILMS["kernels"].state(release="6.1.192", when="while it lives")[0]
    freed, own = scene.groups["pool"]
    assert (freed.role, own.role) == ("freed", "own")
    assert freed.x + freed.width == pytest.approx(own.x)
    assert freed.width / (freed.width + own.width) == pytest.approx(448 / 512)
