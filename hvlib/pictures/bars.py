"""A fleet by groups as bars: what struct pages take, what of it is saved, and what could be."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure


def bars(rows: Sequence[tuple[str, int, int, int]]) -> Figure:
    """A bar for each (group, bytes of struct pages, saved, to save)."""
    figure = Figure(figsize=(8, 1.2 + 0.35 * len(rows)), layout="constrained")
    axes = figure.subplots()
    names = [name for name, *_ in rows]
    parts = (("left", "#888888"), ("to save", "#e69f00"), ("saved", "#009e73"))
    start = [0.0] * len(rows)
    for at, (part, colour) in enumerate(parts):
        widths = [float((row[1] - row[2] - row[3], row[3], row[2])[at]) / (1 << 30) for row in rows]
        axes.barh(names, widths, left=start, color=colour, label=part)
        start = [a + b for a, b in zip(start, widths, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel("struct pages, GiB")
    axes.legend(frameon=False, fontsize="small")
    return figure
