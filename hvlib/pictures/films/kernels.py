"""Page-table entries of real kernels, release by release (chapter 11)."""

from __future__ import annotations

from functools import cache

from ...kernels import observe, trial
from ..fact import Fact
from ..film import Axis, Facts, Film
from ..mapping import record_portrait, record_scene
from ..scene import Scene

_WHEN = ("at boot", "while it lives")


@cache
def _verdict(release: str) -> Fact:
    """How many expectations of the model a record meets."""
    findings = trial.judge(observe.recorded(release))
    return Fact([sum(finding.holds for finding in findings), len(findings)], "{0[0]} of {0[1]}".format)


def _kernels_state(release: str, when: str) -> tuple[Scene, Facts]:
    record = observe.recorded(release)
    state = "on" if "on" in record.states else "off"
    seen, boot = (
        record.entries("2 MiB", moment, state) for moment in ("boot" if when == "at boot" else "live", "boot")
    )
    scene = record_scene(release, "boot" if when == "at boot" else "live")
    scene.alt = f"Linux {release}, {when}. {scene.alt}"
    _touch(scene, when)
    return scene, {
        "scheme expected": trial.scheme_of_series(record.series).name if state == "on" else "off",
        "who leads where": trial.leads(seen, boot),
        "frames": len(set(seen.frames)),
        "pages that may be written": seen.writable_pages,
        "expectations of the model that hold": _verdict(release),
    }


def _portrait(release: str, when: str) -> Scene:
    scene = record_portrait(release, "boot" if when == "at boot" else "live")
    _touch(scene, when)
    return scene


def _touch(scene: Scene, when: str) -> None:
    """An entry or a frame is seen at the other time."""
    for name in ("leaf", *(f"{what}{row}" for row in range(8) for what in ("entry", "frame"))):
        scene.sets(name, when=next(other for other in _WHEN if other != when))


FILM = Film(
    "Real kernels for x86-64",
    (Axis("release", "Linux", observe.records()), Axis("when", "when", _WHEN, start="while it lives")),
    _kernels_state,
    _portrait,
)
