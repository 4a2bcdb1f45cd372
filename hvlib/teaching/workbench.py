"""The sandbox: typed sizes instead of sliders, for questions that nobody has drawn a film of."""

from __future__ import annotations

import html
from functools import lru_cache
from typing import Any

import ipywidgets as widgets

from ..arithmetic.geometry import HugePage
from ..errors import BadInput, name_of, not_one_of, quoted
from ..facts.schemes import SCHEMES
from ..mechanism.machine import Machine, Pool
from ..pictures import draw, outputs, picture, svg
from ..pictures.picture import Picture
from ..pictures.scene import Scene
from ..units import GiB, about, format_size, index_of, parse_size, quantity, whole_number

LARGEST_SIMULATED = 64 * GiB
"""Larger machines are computed, not simulated: the sandbox answers while one types."""

_FIELDS = (
    ("memory", "memory:", "4 GiB"),
    ("huge_page", "huge page:", "2 MiB"),
    ("number", "how many:", "64"),
    ("base_page", "base page:", "4 KiB"),
    ("struct_page", "struct page:", "64"),
)


class Sandbox(widgets.VBox):  # type: ignore[misc]
    """Fields to type into, and what the machine and arithmetic make of them; ``fields`` are the boxes by name."""

    def __init__(self) -> None:
        wide = {"style": {"description_width": "7em"}, "layout": widgets.Layout(width="17em")}
        self.fields: dict[str, Any] = {
            name: widgets.Text(value=value, description=label, continuous_update=False, **wide)
            for name, label, value in _FIELDS
        }
        self.fields["scheme"] = widgets.Dropdown(
            options=list(SCHEMES), value="head page", description="scheme:", **wide
        )
        # The slot keeps its height, so that the page does not jump when a sentence takes the picture's place.
        self._picture, self._told = widgets.HTML(layout=widgets.Layout(min_height="30em")), widgets.HTML()
        self._typing = False
        rows = widgets.Box(list(self.fields.values()), layout=widgets.Layout(flex_flow="row wrap"))
        super().__init__([rows, self._picture, self._told])
        for field in self.fields.values():
            field.observe(self._show, names="value")
        self._show()

    def set(self, **values: str | int) -> Sandbox:
        """Type into several fields. Raises `BadInput` for a field that is not there or a scheme that is none."""
        for name, value in values.items():
            if name not in self.fields:
                raise not_one_of("field", name, self.fields)
            if name == "scheme":
                name_of(value, "scheme", SCHEMES)
        typed = {name: _as_text(value) for name, value in values.items()}
        self._typing = True
        for name, text in typed.items():
            self.fields[name].value = text
        self._typing = False
        self._show()
        return self

    @property
    def scene(self) -> Scene | None:
        """The picture as data; none for bad input, and for what is too large to simulate."""
        return self._drawn.scene if self._drawn else None

    @property
    def text(self) -> str:
        """What the sandbox says now: counts, or the sentence that says what is wrong."""
        return self._text

    def _show(self, _: object = None) -> None:
        if self._typing:
            return
        try:
            self._drawn, self._text, drawn = _answer_with_svg(*(field.value for field in self.fields.values()))
        except BadInput as why:
            self._drawn, self._text, drawn = None, str(why), ""
        if drawn:
            self._picture.value, self._told.value = drawn, _paragraphs(self._text)
        else:
            self._picture.value, self._told.value = _paragraphs(self._text), ""

    def __repr__(self) -> str:
        typed = ", ".join(f"{field.description} {field.value}" for field in self.fields.values())
        return f"Sandbox, at {typed}\n{self._text}"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        alt = self.scene.alt if self.scene else None
        state = outputs.SandboxShown({name: field.value for name, field in self.fields.items()}, alt)
        if self._drawn is None:
            return {**data, "text/plain": repr(self), **outputs.bundle(state)}, metadata or {}
        shown, named = picture.bundle(self._drawn.scene, repr(self), state, self._drawn.upright)
        return {**data, **shown}, {**(metadata or {}), **named}


@lru_cache(maxsize=32)
def _answer_with_svg(*typed: str) -> tuple[Picture | None, str, str]:
    """`answer`, with the picture as SVG that fits its place."""
    drawn, text = answer(*typed)
    fits = svg.standalone(drawn.scene).replace('style="', 'style="max-width:100%;height:auto;', 1) if drawn else ""
    return drawn, text, fits


def _as_text(value: object) -> str:
    """A value of any kind as it would be typed; what has no text of its own is shown as in an error."""
    if isinstance(value, str):
        return value[:200]
    number = index_of(value)
    return str(number) if number is not None and abs(number) < 1 << 100 else quoted(value)


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{html.escape(line)}</p>" for line in text.split("\n"))


def answer(
    memory: str, huge_page: str, number: str, base_page: str, struct_page: str, scheme: str
) -> tuple[Picture | None, str]:
    """The picture and the words for what was typed; no picture where nothing is simulated. Raises `BadInput`."""
    page = HugePage(huge_page.strip(), base_page.strip(), parse_size(struct_page.strip(), "struct page"))
    size, count = parse_size(memory.strip(), "memory"), _count(number)
    if count * page.size > size:
        most = size // page.size
        raise BadInput(
            f"{count:,} huge pages of {format_size(page.size)} need {about(count * page.size)}, and there are only "
            f"{about(size)}; choose {f'at most {most:,}' if most else 'more memory'}."
        )
    computed = _arithmetic(page, scheme, count)
    if size > LARGEST_SIMULATED:
        return (
            None,
            f"More than {format_size(LARGEST_SIMULATED)} is not simulated here; this is arithmetic alone.\n{computed}",
        )
    machine = Machine(size, page.base_page, page.struct_page, check=False)
    pool = machine.hugetlb(page.size, count)
    before = machine.free_frames
    if page.obstacle(scheme) is None:
        pool.optimize(scheme)
    told, tables = _mechanism(machine, pool, before), machine.nr_page_tables - page.bill(scheme, count).tables
    if tables:
        more = quantity(tables, "page table")
        told += f"\n{more} more than by arithmetic: these huge pages do not begin where a PMD leaf does."
    return _picture(pool), f"{told}\n{computed}"


def _picture(pool: Pool) -> Picture:
    title = f"The first of {len(pool):,}: {format_size(pool.size)} page, scheme: {pool.scheme}"
    return draw.pool(pool, 0, title)


def _mechanism(machine: Machine, pool: Pool, before: int) -> str:
    return (
        f"Machine: {len(pool):,} huge pages, their struct pages in {quantity(pool.distinct_frames(), 'frame')}; "
        f"{quantity(machine.nr_page_tables, 'page table')}; "
        f"{machine.free_frames - before:,} more frames free than before."
    )


def _arithmetic(page: HugePage, scheme: str, count: int) -> str:
    bill, obstacle = page.bill(scheme, count), page.obstacle(scheme)
    if obstacle:
        return f"Arithmetic: {quantity(bill.memmap, 'frame')} of struct pages, none freed. {obstacle}"
    shared = f" and {bill.shared} page of shared tails" if bill.shared else ""
    return (
        f"Arithmetic: {quantity(bill.memmap, 'frame')} of struct pages, {bill.freed:,} freed, less "
        f"{quantity(bill.tables, 'page table')}{shared}: {bill.saved:,} saved, "
        f"{about(max(bill.saved, 0) * page.base_page)}, if the huge pages are "
        "neighbours that begin where a PMD leaf of the vmemmap does."
    )


def _count(number: str) -> int:
    text = number.strip().replace(",", "")
    value: object = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else number
    return whole_number(value, "how many", 1, 1 << 40)


def sandbox() -> Sandbox:
    """A `Sandbox`: any memory, sizes and scheme that can be, and a sentence for the rest."""
    return Sandbox()
