"""Words that lead somewhere: from prose to a panel of its page, and from the first use of a term to the glossary.

`[struct page 300](#panel:struct_page=300)` sets sliders, several with ``&`` between them; `[Remap](#panel:step=4..9)`
leads to the first of some places and lights up in all of them; `[frame 1](#show:frame1)`
points at groups of the picture, several with commas. A slider, value or group that no panel of the page has stops the
build. In print such a link is its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from docutils import nodes
from shown import Unfit
from sphinx.transforms import SphinxTransform

from hvlib.pictures.film import Film, reel
from hvlib.pictures.films import FILMS

GLOSSARY = "glossary"
CHAPTER = re.compile(r"\d\d_")
ENTRY = re.compile(r"^- \*\*(.+?)\*\*:", re.MULTILINE)
QUIET = (nodes.title, nodes.reference, nodes.literal, nodes.literal_block, nodes.raw, nodes.comment, nodes.math)
"""What is no running text."""


EVERYDAY = {"gross", "net", "order", "pin", "section"}
"""Terms that prose uses as plain words too: linked where they are set in bold."""


def anchor(term: str) -> str:
    """The id of a term in the glossary."""
    return f"term-{nodes.make_id(term)}"


def terms(text: str) -> list[str]:
    """The terms that a glossary explains."""
    return [term.strip("`") for term in ENTRY.findall(text)]


def finder(wanted: list[str]) -> re.Pattern[str]:
    """Finds any of some terms as a word, the longest first, in singular or plural; a group for each, in that order."""
    parts = []
    for term in wanted:
        first = f"[{term[0].upper()}{term[0]}]" if term == term.lower() else re.escape(term[0])
        parts.append(f"({first}{re.escape(term[1:])}(?:s|es)?)")
    return re.compile(rf"(?<![\w/.-])(?:{'|'.join(parts)})(?![\w-]|\.\w)")


def moves(target: str, films: dict[str, Film]) -> str | None:
    """What is wrong with where a link leads on a page with these films; `None` if it leads somewhere."""
    kind, _, asked = target.partition(":")
    if kind == "show":
        names = set(unquote(asked).split(","))
        if any(names <= set(reel(film)["names"]) for film in films.values()):
            return None
        return f"no panel here draws {' and '.join(sorted(names))}"
    wanted = dict(parse_qsl(asked, keep_blank_values=True, strict_parsing=False))
    for film in films.values():
        axes = {axis.name: [str(value) for value in axis.values] for axis in film.axes}
        if wanted and all(set(value.split("..")) <= set(axes.get(name, ())) for name, value in wanted.items()):
            return None
    return "no panel here has these sliders and values"


class Linked(SphinxTransform):
    """Before MyST looks for anchors (priority 879)."""

    default_priority = 870

    def apply(self, **_: object) -> None:
        """Links to panels, anchors of the glossary, and links to it."""
        name, printed = self.env.docname, self.config.hv_printed
        self._panels(name, printed)
        if name == GLOSSARY:
            self._anchors()
        elif CHAPTER.match(name) and not printed:
            self._terms(name)

    def _panels(self, name: str, printed: bool) -> None:
        shown = getattr(self.env, "hv_films", {}).get(name, [])
        for link in list(self.document.findall(nodes.reference)):
            target = str(link.get("refuri", "")).removeprefix("#")
            if not target.startswith(("panel:", "show:")):
                continue
            if wrong := moves(target, {film: FILMS[film] for film in shown}):
                raise Unfit(f"{name}: the link {link.astext()!r} leads to #{target}, and {wrong}.")
            link.attributes.pop("id_link", None)
            if printed:
                link.replace_self(link.children)

    def _anchors(self) -> None:
        for entry in self.document.findall(nodes.list_item):
            strong = next(iter(entry.findall(nodes.strong)), None)
            if strong is not None:
                entry["ids"].append(anchor(strong.astext()))

    def _terms(self, name: str) -> None:
        glossary = (Path(self.env.srcdir) / f"{GLOSSARY}.md").read_text("utf-8")
        left = sorted(terms(glossary), key=len, reverse=True)
        where = self.app.builder.get_relative_uri(name, GLOSSARY)
        for literal in list(self.document.findall(nodes.literal)):
            term = literal.astext().removesuffix("()")
            if term in left and not _quiet(literal):
                left.remove(term)
                literal.replace_self(_link(where, term, literal.deepcopy()))
        for text in list(self.document.findall(nodes.Text)):
            if left and not _quiet(text):
                held = [] if isinstance(text.parent, nodes.strong) else [term for term in left if term in EVERYDAY]
                left[:] = [term for term in left if term not in held]
                text.parent.replace(text, list(_split(str(text), left, where)))
                left += held


def _quiet(node: nodes.Node) -> bool:
    """Whether a node is no running text of a chapter, or stands among its sources."""
    above = node.parent
    while above is not None:
        if isinstance(above, QUIET) or "cell_output" in getattr(above, "attributes", {}).get("classes", ()):
            return True
        if isinstance(above, nodes.section) and above.next_node(nodes.title).astext() == "Sources":
            return True
        above = above.parent
    return False


def _split(text: str, left: list[str], where: str) -> Iterator[nodes.Node]:
    """The text with a link at each term that is left, which is then no more left."""
    start = 0
    while left:
        found = finder(left).search(text, start)
        if not found:
            break
        term = left.pop(next(place for place, group in enumerate(found.groups()) if group))
        if found.start() > start:
            yield nodes.Text(text[start : found.start()])
        yield _link(where, term, nodes.Text(found[0]))
        start = found.end()
    if text[start:]:
        yield nodes.Text(text[start:])


def _link(where: str, term: str, words: nodes.Node) -> nodes.reference:
    return nodes.reference("", "", words, internal=True, refuri=f"{where}#{anchor(term)}", classes=["hv-term"])


def setup(app: object) -> dict[str, object]:
    """Register the transform."""
    app.add_transform(Linked)  # type: ignore[attr-defined]
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
