"""Page-table entries of real kernels, release by release (chapter 11)."""

from __future__ import annotations

from functools import cache

from ...kernels import observe, trial
from ..fact import Fact
from ..film import Axis, Facts, Film
from ..mapping import record_portrait, record_scene
from ..scene import PORTRAIT, WIDTH, Box, Label, Scene

_BOOT, _LIVE = _WHEN = ("at boot", "while it lives")
_POOL = 64
"""Huge pages whose saving was counted as well."""


@cache
def _verdict(release: str) -> Fact:
    """How many expectations of the model a record meets."""
    findings = trial.judge(observe.recorded(release))
    return Fact([sum(finding.holds for finding in findings), len(findings)], "{0[0]} of {0[1]}".format)


def _kernels_state(release: str, when: str) -> tuple[Scene, Facts]:
    record = observe.recorded(release)
    state = "on" if "on" in record.states else "off"
    seen, boot = (record.entries("2 MiB", moment, state) for moment in ("boot" if when == _BOOT else "live", "boot"))
    scene = record_scene(release, "boot" if when == _BOOT else "live")
    scene.alt = f"Linux {release}, {when}. {scene.alt}"
    _touch(scene, when)
    saved = _saved(release, when)
    _pool(scene, saved, when, 14, WIDTH - 28)
    if when == _LIVE:
        scene.caption += f" Counted for {_POOL} such pages: {saved} of {_POOL * len(seen.frames)} frames saved."
    return scene, {
        "scheme expected": trial.scheme_of_series(record.series).name if state == "on" else "off",
        "who leads where": trial.leads(seen, boot),
        "frames": len(set(seen.frames)),
        "pages that may be written": seen.writable_pages,
        "expectations of the model that hold": _verdict(release),
    }


def _portrait(release: str, when: str) -> Scene:
    scene = record_portrait(release, "boot" if when == _BOOT else "live")
    _pool(scene, _saved(release, when), when, 2, PORTRAIT - 4)
    _touch(scene, when)
    return scene


@cache
def _saved(release: str, when: str) -> int:
    """Frames that so many huge pages saved where the vmemmap was split before, as the kernel's counters tell."""
    told = observe.savings(release) if when == _LIVE else ()
    found = (one for one in told if one.case == "2 MiB, again" and one.huge_pages == _POOL)
    return next((one.total for one in found), 0)


def _pool(scene: Scene, saved: int, when: str, left: float, wide: float) -> None:
    """Below the one huge page, a pool of them: its frames at boot, and how many fewer were counted, to scale."""
    y, whole = scene.height, _POOL * 8
    scene.height = y + 66
    part = wide * saved / whole
    how = "as the kernel's counters tell" if when == _LIVE else "at boot"
    told = f"{saved} of {whole} frames saved" if saved else f"none of {whole} frames saved"
    scene.add("pool words", Label(left, y + 8, f"{_POOL} such pages, {how}", align="left", bold=True))
    if saved:
        scene.add("pool", Box(left, y + 20, part, 18, "freed"))
    scene.add("pool", Box(left + part, y + 20, wide - part, 18, "own"))
    scene.add("pool text", Label(left, y + 52, told, align="left", bold=True))


def _touch(scene: Scene, when: str) -> None:
    """An entry or a frame is seen at the other time."""
    for name in ("leaf", *(f"{what}{row}" for row in range(8) for what in ("entry", "frame"))):
        scene.sets(name, when=next(other for other in _WHEN if other != when))


FILM = Film(
    "Real kernels for x86-64",
    (Axis("release", "Linux", observe.records()), Axis("when", "when", _WHEN, start=_LIVE)),
    _kernels_state,
    _portrait,
)
