"""Page tables of real kernels (chapter 11)."""

from __future__ import annotations

from functools import cache

from ...kernels import observe, trial
from .. import draw
from ..film import Axis, Facts, Film
from ..scene import Scene


@cache
def _verdict(release: str) -> str:
    """How many expectations of the model a record meets."""
    findings = trial.judge(observe.recorded(release))
    return f"{sum(finding.holds for finding in findings)} of {len(findings)}"


def _kernels_state(release: str, when: str) -> tuple[Scene, Facts]:
    record = observe.recorded(release)
    state = "on" if "on" in record.states else "off"
    seen, boot = (
        record.entries("2 MiB", moment, state) for moment in ("boot" if when == "at boot" else "live", "boot")
    )
    return draw.record_scene(release, "boot" if when == "at boot" else "live"), {
        "scheme expected": trial.scheme_of_series(record.series).name if state == "on" else "off",
        "who leads where": trial.leads(seen, boot),
        "frames": len(set(seen.frames)),
        "pages that may be written": seen.writable_pages,
        "expectations of the model that hold": _verdict(release),
    }


FILM = Film(
    "Real kernels for x86-64",
    (Axis("release", "Linux", observe.records()), Axis("when", "when", ("while it lives", "at boot"))),
    _kernels_state,
)
