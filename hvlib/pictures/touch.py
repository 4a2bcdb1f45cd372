"""What in a film can be touched, as data for the browser: where it stands, what it sets, what belongs to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .scene import Box, Scene, Shape


def extent(shapes: Sequence[Shape]) -> tuple[float, float, float, float] | None:
    """Left, top, width and height of all boxes among shapes; `None` if there are none."""
    boxes = [shape for shape in shapes if isinstance(shape, Box)]
    if not boxes:
        return None
    left, top = min(box.x for box in boxes), min(box.y for box in boxes)
    right, low = max(box.x + box.width for box in boxes), max(box.y + box.height for box in boxes)
    return left, top, right - left, low - top


def cut(scenes: Sequence[Scene], names: Sequence[str], axes: Mapping[str, Sequence[str | int]]) -> dict[str, Any]:
    """``touch``: the distinct tables of zones and ties; ``touched``: for each scene the number of its table.

    ``axes`` are the sliders' values by name, in order. A zone is a group by its number among ``names``, four numbers
    for where it stands, and the places to which it moves axes, by number; none for a group that only belongs to
    others. A tie is groups by their numbers.
    """
    number = {name: place for place, name in enumerate(names)}
    order = list(axes)
    tables: dict[str, int] = {}
    touched = []
    for scene in scenes:
        tied = {name for tie in scene.ties for name in tie}
        zones = []
        for name, shapes in scene.groups.items():
            place = extent(shapes) if name in scene.hits or name in tied else None
            if place:
                hits = scene.hits.get(name, {})
                for axis, value in hits.items():
                    assert value in axes.get(axis, ()), f"{name} sets {axis}={value!r}, which no slider can be set to"
                moves = [[order.index(axis), axes[axis].index(value)] for axis, value in hits.items()]
                zones.append([number[name], *(round(side, 1) for side in place), *([moves] if moves else [])])
        ties = [sorted(number[name] for name in tie) for tie in scene.ties if len(tie) > 1]
        table = json.dumps({"zones": zones, "ties": ties})
        touched.append(tables.setdefault(table, len(tables)))
    return {"touch": [json.loads(table) for table in tables], "touched": touched}
