"""Look over the built pages: links, anchors, alternative texts, weight, valid HTML, and nothing from another host.

python -m tools.pages [FOLDER]      a sentence for everything that is wrong
"""

from __future__ import annotations

import gzip
import sys
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import html5lib

HTML = Path(__file__).parents[1] / "build" / "book" / "html"
HEAVIEST = 400 * 1024
"""Bytes of a page's HTML, before compression. None is excepted."""
ACCEPTED = {"expected-doctype-but-got-chars"}


class _Page(HTMLParser):
    """What a page names, links to, loads and shows."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: Counter[str] = Counter()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.nameless: list[str] = []
        self.captions = self.figures = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if "id" in found:
            self.ids[found["id"]] += 1
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag in ("link", "script", "img", "source", "iframe"):
            self.loads += [found[name] for name in ("href", "src") if name in found]
        if tag == "img" and not found.get("alt", "").strip():
            self.nameless.append(found.get("src", ""))
        if tag == "svg" and found.get("role") == "img" and not found.get("aria-label", "").strip():
            self.nameless.append("a drawing")
        self.figures += tag == "figure"
        self.captions += tag == "figcaption"


def problems(folder: Path) -> Iterator[str]:
    """What is wrong with the pages in a folder, one sentence each. JupyterLite's own, in ``lab``, are not ours."""
    found = sorted(path for path in folder.rglob("*.html") if path.relative_to(folder).parts[0] != "lab")
    pages = {path.resolve(): _Page() for path in found}
    for path, page in pages.items():
        page.feed(path.read_text("utf-8"))
    for path, page in pages.items():
        name = path.relative_to(folder.resolve())
        for address in page.loads:
            if urlsplit(address).netloc:
                yield f"{name} loads {address} from another host."
        for address in page.links + page.loads:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                yield f"{name} leads to {address}, which does not exist."
            elif parts.fragment.startswith(("panel:", "show:")):
                continue  # moves a panel of the page; book/_ext/linked.py has seen that it can
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                yield f"{name} leads to {address}, where there is no such anchor."
        for address in page.nameless:
            yield f"{name} shows {address} without alternative text."
        if page.figures != page.captions:
            yield f"{name} has {page.figures} figures and {page.captions} captions."
        for one, count in page.ids.items():
            if count > 1:
                yield f"{name} has the id {one!r} {count} times."
        weight = path.stat().st_size
        if weight > HEAVIEST:
            yield f"{name} weighs {weight // 1024} KiB; {HEAVIEST // 1024} KiB are allowed."
        parser = html5lib.HTMLParser(strict=False)
        parser.parse(path.read_text("utf-8"))
        for place, code, _ in parser.errors:
            if code not in ACCEPTED:
                yield f"{name} is no valid HTML at line {place[0]}: {code}."


def weights(folder: Path) -> str:
    """The heaviest page, as it stands and as it is served."""
    heaviest = max(folder.glob("*.html"), key=lambda path: path.stat().st_size)
    served = len(gzip.compress(heaviest.read_bytes()))
    return f"heaviest: {heaviest.name}, {heaviest.stat().st_size // 1024} KiB ({served // 1024} KiB compressed)"


if __name__ == "__main__":
    looked_at = Path(sys.argv[1]) if len(sys.argv) > 1 else HTML
    wrong = list(problems(looked_at))
    print("\n".join(wrong) or f"{len(list(looked_at.rglob('*.html')))} pages in order; {weights(looked_at)}")
    sys.exit(bool(wrong))
