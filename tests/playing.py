"""Playing "You are the kernel" in a browser, by mouse, finger or keys, beside a game on the engine that judges it."""

from playwright.sync_api import Locator, Page, expect

from hvlib.teaching.kernel_rules import SEED, Session, move, told
from hvlib.teaching.kernel_words import DISASTERS, TRUTHS

LOOK = """(el) => {
  const all = (what) => [...el.querySelectorAll(what)];
  return {
    entries: all("[data-entry]").map((entry) => entry.getAttribute("aria-valuetext")),
    frames: all("[data-frame]").map((frame) => frame.getAttribute("aria-label").replace(/^Free frame \\\\d: /, "")),
    broken: all(".hv-truths .hv-broken").map((one) => one.textContent),
    found: all(".hv-lists > :last-child .hv-met").map((one) => one.textContent),
    ghosts: all(".knows.ghost").length,
  };
}"""

SEEN = """(el) => {
  const svg = el.querySelector("svg"), { top, bottom } = svg.getBoundingClientRect();
  if (top < 70 || bottom > innerHeight) svg.scrollIntoView({ block: "center", behavior: "instant" });
}"""


class Player:
    """A game on a page and the same game on the engine."""

    def __init__(self, page: Page, game: Locator) -> None:
        self.page, self.game, self.session = page, game, Session(SEED)

    def button(self, name: str) -> None:
        """By mouse; one that looks off answers too."""
        self.game.get_by_role("button", name=name, exact=True).click(force=True)

    def middle(self, what: str) -> tuple[float, float]:
        """Where something stands, once the whole picture is in the window."""
        self.game.evaluate(SEEN)
        box = self.game.locator(what).bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def tip(self, page: int) -> tuple[float, float]:
        return self.middle(f"[data-arrow='{page}'] .grip")

    def frame(self, number: int) -> tuple[float, float]:
        return self.middle(f"[data-frame='{number}'] .box")

    def entry(self, number: int) -> tuple[float, float]:
        return self.middle(f"[data-entry='{number}'] .box")

    def drag(self, page: int, frame: int) -> None:
        """By mouse."""
        tip, there = self.tip(page), self.frame(frame)
        self.page.mouse.move(*tip)
        self.page.mouse.down()
        self.page.mouse.move(*there, steps=8)
        self.page.mouse.up()

    def swipe(self, page: int, frame: int) -> None:
        """By finger."""
        (x, y), (to_x, to_y) = self.tip(page), self.frame(frame)
        client = self.page.context.new_cdp_session(self.page)
        points = [(x + (to_x - x) * n / 8, y + (to_y - y) * n / 8) for n in range(9)]
        for n, (px, py) in enumerate(points):
            kind = "touchMove" if n else "touchStart"
            client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": px, "y": py}]})
        client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        client.detach()

    def same(self, do: str, **values: object) -> None:
        """The engine makes the move too: the page says the same, and shows the same."""
        out = self.session.play(move(do, **values))
        kernel = self.session.kernel
        words = told(out, kernel.state())
        if out.refused and kernel.dead:
            words = f"{DISASTERS[kernel.dead['id']]}. {words}"
        says = self.game.locator(".hv-says")
        won = any(key.startswith(("six", "seven")) for key, _ in out.says)
        expect(says).to_have_text(f"Done. {words}" if won else words)
        seen = self.game.evaluate(LOOK)
        names = [
            f"frame {kernel.shown(page)}, {'writable' if kernel.writable(page) else 'read-only'}" for page in range(8)
        ]
        assert seen["entries"] == names
        assert seen["broken"] == [TRUTHS[name] for name in kernel.broken if name in TRUTHS]
        assert seen["found"] == [name for key, name in DISASTERS.items() if key in kernel.found]
        wrong = [line for line in kernel.state()["tlb"][0]["lines"] + kernel.state()["tlb"][1]["lines"] if line]
        led = [
            (page, line["frame"] if line["page"] is not None else page)
            for line in wrong
            for page in range(8)
            if line["page"] in (None, page)
        ]
        assert seen["ghosts"] == sum(kernel.shown(page) != frame for page, frame in led), "a stale line keeps a ghost"
