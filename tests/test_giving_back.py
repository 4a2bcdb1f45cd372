import numpy as np
import pytest

import hvlib as hv
from hvlib.pictures.films.giving_back import FILM
from hvlib.pictures.scene import Arrow, Box

STATES = list(FILM.states())
NEED = {"head page": 7, "tail page": 6}


def boxes(scene, prefix):
    return [s for n in range(8) for s in scene.groups.get(f"{prefix}{n}", ()) if isinstance(s, Box)]


@pytest.mark.parametrize("values", STATES, ids=lambda v: f"{v['scheme']} {v['free_frames']} {v['step']}")
def test_the_picture_is_what_the_machine_counts(values):
    scene, facts = FILM.state(**values)
    looks = [box.role for box in boxes(scene, "huge")]
    assert looks.count("quiet") == facts["optimised"]
    assert looks.count("plain") == facts["restored"]
    assert looks.count("freed") == facts["given back"]
    assert looks.count("stuck") == facts["surplus"]
    assert len(looks) == 8
    readonly = [box.role for box in boxes(scene, "entries")].count("readonly")
    assert readonly == NEED[values["scheme"]] * (facts["optimised"] + facts["surplus"])
    squares = [scene.groups[f"single{n}"][0].role for n in range(values["free_frames"])]
    inside = [int(s.text) for n in range(8) for s in scene.groups[f"block{n}"] if hasattr(s, "text")]
    assert squares.count("freed") + sum(inside) == facts["free frames"]
    assert f"{facts['free frames']:,} in all" in scene.alt
    (now,) = (s.text for s in scene.groups[f"free{values['step']}"] if hasattr(s, "text"))
    assert now == f"{facts['free frames']:,}"


@pytest.mark.parametrize("scheme", list(NEED))
@pytest.mark.parametrize("spare", FILM.axes[1].values)
def test_the_cliff(scheme, spare):
    end = FILM.state(scheme, spare, 4)[1]
    goes = spare >= NEED[scheme]
    assert (end["given back"], end["surplus"]) == ((8, 0) if goes else (0, 8))
    assert end["frames needed for one"] == NEED[scheme]
    assert end["free frames"] == (spare + 8 * (512 - NEED[scheme]) if goes else spare)
    first = FILM.state(scheme, spare, 1)[1]
    assert first["restored"] == min(spare // NEED[scheme], 8)
    assert first["free frames"] == spare - first["restored"] * NEED[scheme]


def test_arrows_tell_who_pays():
    """With 13 frames the second huge page is paid from the six that were left and from the first huge page."""
    scene, facts = FILM.state("head page", 13, 3)
    tips = {}
    for number in range(8):
        for arrow in scene.groups.get(f"pay{number}", ()):
            assert isinstance(arrow, Arrow)
            tips.setdefault(number, []).append(arrow.y1)
    assert facts["restored"] == 7
    assert {number: len(starts) for number, starts in tips.items()} == {1: 2, **dict.fromkeys(range(2, 8), 1)}
    up = [a for n in range(8) for a in FILM.state("head page", 14, 1)[0].groups.get(f"pay{n}", ())]
    assert [round(a.x1 - a.x2) for a in up] == [0, 0], "paid from the frames below"
    down = [a for n in range(8) for a in FILM.state("head page", 13, 2)[0].groups.get(f"pay{n}", ())]
    assert len(down) == 1
    assert down[0].y2 > down[0].y1
    assert not [n for n in FILM.state("head page", 6, 4)[0].groups if n.startswith("pay")]


def test_real_kernels_end_as_the_model_does():
    """After dissolving: eight distinct frames, writable, mapped by 4 KiB entries; page 0 stays where it was."""
    seen = 0
    for release in hv.observe.records():
        record = hv.observe.recorded(release)
        if "on" not in record.states:
            continue
        live, done = record.entries("2 MiB"), record.entries("2 MiB", "dissolved")
        assert len(set(done.frames)) == 8
        assert all(done.writable)
        assert {row.size for row in done.rows} == {4096}
        assert done.frames[0] == live.frames[0]
        seen += 1
    assert seen, "no record was looked at"
    machine = hv.Machine("1 GiB")
    pool = machine.hugetlb("2 MiB").optimize("head page, copied")
    head = pool.frames()[0]
    pool.restore()
    assert len(set(pool.frames())) == 8
    assert all(pool.writable())
    assert pool.frames()[0] == head
    assert np.all(machine.vmemmap.table[:1] >= 0), "still page tables"
