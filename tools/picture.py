"""Draw the picture that the README shows, ``book/remap.svg``, from the engine: the remap of 2021, step by step.

It moves by itself, three times, where it is shown as an image, on GitHub and PyPI too, by CSS alone. Who has asked for
less motion sees its last step, and so does a program that knows no CSS.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hvlib.pictures import svg
from hvlib.pictures.films import FILMS

PICTURE = Path(__file__).parents[1] / "book" / "remap.svg"
FILM = FILMS["remap"]
BEATS, LAST = 1.2, 4
"""Seconds of a step, and how many steps as long the last one stays."""
FADE = 0.2
"""Seconds in which one step becomes the next."""
ROUNDS = 3
"""How often it plays before it rests on the last step."""


def picture() -> str:
    """SVG of all steps of the remap panel for a 2 MiB page, one after another."""
    scenes = [FILM.state(huge_page="2 MiB", step=step)[0] for step in FILM.axes[1].values]
    cut, last = svg.cut(scenes), scenes[-1]
    whole = svg.standalone(replace(last, groups={})).removesuffix("</svg>")
    times: dict[tuple[bool, ...], str] = {}
    groups = []
    for slot in range(len(cut["names"])):
        shown = [frame[slot] for frame in cut["frames"]]
        for part in dict.fromkeys(number for number in shown if number >= 0):
            when = tuple(number == part for number in shown)
            named = "" if all(when) else f' class="{times.setdefault(when, f"t{len(times)}")}"'
            rest = "" if when[-1] else ' opacity="0"'
            groups.append(f"<g{named}{rest}>{cut['parts'][part]}</g>")
    style = "".join(_animated(name, when) for when, name in times.items())
    return f"{whole}<style>@media(prefers-reduced-motion:no-preference){{{style}}}</style>{''.join(groups)}</svg>\n"


def _animated(name: str, when: tuple[bool, ...]) -> str:
    """CSS that shows what has this class in these steps alone."""
    whole = (len(when) - 1 + LAST) * BEATS
    stops = [(0.0, when[0])]
    for step in range(1, len(when)):
        if when[step] != when[step - 1]:
            stops += [(step * BEATS - FADE, when[step - 1]), (step * BEATS, when[step])]
    frames = "".join(f"{100 * at / whole:.4g}%{{opacity:{int(on)}}}" for at, on in [*stops, (whole, when[-1])])
    return f".{name}{{animation:{name} {whole:g}s linear {ROUNDS}}}@keyframes {name}{{{frames}}}"


if __name__ == "__main__":
    PICTURE.write_text(picture(), "utf-8")
    print(f"{PICTURE.parent.name}/{PICTURE.name} written")
