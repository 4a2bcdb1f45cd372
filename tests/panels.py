"""Driving a panel in a browser: its sliders and choices, and what it shows beside what its film says."""

from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

PLAYED = """async (panel) => {
  const read = async () => {
    const bytes = Uint8Array.from(atob(panel.nextElementSibling.textContent), (letter) => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
  };
  const film = panel.filmOfTest ??= await read();
  const drawn = panel.classList.contains("hv-narrow") && film.tall.base ? film.tall : film;
  const svg = panel.querySelector(".hv-picture svg");
  const control = (axis) => [...panel.querySelectorAll(`[data-axis="${axis.name}"]`)];
  const at = film.axes.map((axis) => {
    const inputs = control(axis);
    return inputs[0].type === "range" ? Number(inputs[0].value) : inputs.findIndex((input) => input.checked);
  });
  const number = at.reduce((sum, place, i) => sum * film.axes[i].values.length + place, 0);
  const drawing = document.createElement("div");
  drawing.innerHTML = drawn.base;
  drawn.frames[number].forEach((part, slot) => {
    const group = drawing.querySelector(`[data-name="${CSS.escape(drawn.names[slot])}"]`);
    if (part >= 0) group.innerHTML = drawn.parts[part];
  });
  const said = (axis) => {
    const [input, ...others] = control(axis);
    return input.type === "range" ? input.parentElement.querySelector("output").textContent
      : [input, ...others].find((one) => one.checked).parentElement.textContent;
  };
  const copy = svg.cloneNode(true);
  for (const name of ["data-apart", "data-veiled"])
    for (const group of copy.querySelectorAll(`[${name}]`)) group.removeAttribute(name);
  return {
    at, frame: drawn.frames[number],
    meant: [film.caption[number], film.alt[number], ...film.axes.map((axis, i) => axis.texts[at[i]])],
    shown: [panel.querySelector(".hv-caption").textContent, svg.getAttribute("aria-label"), ...film.axes.map(said)],
    drawn: copy.innerHTML, drawing: drawing.firstElementChild.innerHTML,
  };
}"""
"""On a page: where the sliders stand, and picture and words as they are and as the film has them there."""


def played(page: Page) -> list[Locator]:
    """The panels of a page, once their films play."""
    films = page.locator(".hv-film")
    expect(page.locator(".hv-film.hv-panel")).to_have_count(films.count())
    return films.all()


@dataclass(frozen=True)
class Control:
    """A slider, or up to four buttons, of which one is pressed."""

    panel: Locator
    name: str

    @property
    def inputs(self) -> Locator:
        return self.panel.locator(f'[data-axis="{self.name}"]')

    @property
    def chosen(self) -> bool:
        return self.inputs.first.get_attribute("type") == "radio"

    @property
    def last(self) -> int:
        return self.inputs.count() - 1 if self.chosen else int(self.inputs.get_attribute("max"))

    @property
    def place(self) -> int:
        return self.inputs.evaluate_all(
            "all => all[0].type === 'range' ? Number(all[0].value) : all.findIndex(one => one.checked)"
        )

    def focus(self) -> None:
        (self.inputs.nth(self.place) if self.chosen else self.inputs).focus()

    def press(self, key: str) -> None:
        self.focus()
        self.panel.page.keyboard.press(key)

    def home(self) -> None:
        """To the first value, by keyboard."""
        for _ in range(self.place if self.chosen else 1):
            self.press("ArrowLeft" if self.chosen else "Home")

    def step(self) -> None:
        """To the next value, by keyboard."""
        if self.place < self.last:
            self.press("ArrowRight")

    def end(self) -> None:
        """To the last value, by mouse."""
        there = self.inputs.last
        there.scroll_into_view_if_needed()
        box = there.bounding_box()
        x = box["width"] / 2 if self.chosen else box["width"] - 3
        self.panel.page.mouse.click(box["x"] + x, box["y"] + box["height"] / 2)

    def drag(self) -> None:
        """To the last value, by a mouse that pulls the slider."""
        if self.chosen:
            return self.end()
        box, mouse = self.inputs.bounding_box(), self.panel.page.mouse
        middle = box["y"] + box["height"] / 2
        mouse.move(box["x"] + 8, middle)
        mouse.down()
        mouse.move(box["x"] + box["width"] + 4, middle, steps=12)
        mouse.up()


def controls(panel: Locator) -> list[Control]:
    """Every slider and choice of a panel, in order."""
    names = panel.locator("[data-axis]").evaluate_all("all => [...new Set(all.map(one => one.dataset.axis))]")
    return [Control(panel, name) for name in names]
