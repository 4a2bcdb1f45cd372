"""A fleet by groups as bars: what struct pages take, what of it is saved, and what could be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from .style import STYLES


def bars(rows: Sequence[tuple[str, int, int, int]]) -> Figure:
    """A bar for each (group, bytes of struct pages, saved, to save)."""
    figure = Figure(figsize=(8, 1.2 + 0.35 * len(rows)), layout="constrained")
    axes = figure.subplots()
    names = [name for name, *_ in rows]
    parts: tuple[tuple[str, dict[str, Any]], ...] = (
        ("left", {"color": STYLES["quiet"].fill, "edgecolor": "black"}),
        ("to save", {"color": "white", "edgecolor": "black", "linestyle": ":"}),
        ("saved", {"color": "white", "edgecolor": "black", "hatch": "///"}),
    )
    start = [0.0] * len(rows)
    for at, (part, look) in enumerate(parts):
        widths = [float((row[1] - row[2] - row[3], row[3], row[2])[at]) / (1 << 30) for row in rows]
        axes.barh(names, widths, left=start, label=part, **look)
        start = [a + b for a, b in zip(start, widths, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel("struct pages, GiB")
    axes.legend(frameon=False, fontsize="small")
    return figure
