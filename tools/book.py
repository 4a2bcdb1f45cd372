"""Build the published book from the committed notebooks: HTML that lives without a kernel, and a PDF of the same pages.

    python -m tools.book            build/book/html, without the PDF of an earlier build
    python -m tools.book --pdf      build/book/book.pdf (needs Chromium and playwright); HTML built before links to it

With LIVE=0 the pages get no kernel of their own (`live`), and nothing is fetched. Nothing is executed. What a page
shows is what the notebook's stored outputs hold (book/_ext/shown.py). Whatever would be dead, nameless or unknown on a
page stops the build with a sentence that names the place.
"""

from __future__ import annotations

import argparse
import html
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbformat

import hvlib as hv
from hvlib.teaching import explore, hands, kernel_game
from hvlib.teaching.questions import QUESTIONS
from hvlib.teaching.scripts import FILM, STATIC, closed
from live import fetch, lite, notices, site

from . import pages

ROOT = Path(__file__).parents[1]
BOOK = ROOT / "book"
BUILD = Path(os.environ.get("HVLIB_BOOK") or ROOT / "build" / "book")
LIVE = os.environ.get("LIVE") != "0"
SOURCE, HTML, PDF = BUILD / "source", BUILD / "html", BUILD / "book.pdf"
SOLUTION = re.compile(r"<details><summary>Solution</summary>(.*?)</details>", re.DOTALL)
MEDIUM = re.compile(r"<!-- lab -->(.*?)<!-- page ?(.*?)-->", re.DOTALL)
CALL = re.compile(r"`hv\.check\(\"([^\"]+)\", (.*?)\)`")
"""What a notebook says in JupyterLab, and a page in its place; an answer as a call, as solutions are tested."""
REPOSITORY = "hvlib/hvlib"  # OWNER/NAME on GitHub; the README's badge says it too
BINDER = f"https://mybinder.org/v2/gh/{REPOSITORY}/HEAD?urlpath=lab/tree/notebooks/"
RUN_HERE = '<span class="hv-run-here" hidden></span>'
"""Where a live page has its buttons."""


class Unfit(SystemExit):
    """Something a reader of the page would miss; the sentence names the place."""


def opened(name: str) -> str:
    """The line that leads from a page to a session: here, as a notebook beside the pages, on a server, in a clone."""
    ways = [
        f'<a href="{BINDER}{name}.ipynb">Open in Binder</a>',
        f"in a clone: <code>make lab CHAPTER={name}</code>",
    ]
    if LIVE:
        ways.insert(0, f'<a href="{lite.address(name)}">Open as a notebook</a>')
    return f'<p class="hv-open">{RUN_HERE} {" · ".join(ways)}</p>'


def problem_sets() -> str:
    """The problem sets as notebooks beside the pages."""
    names = sorted(path.stem for path in lite.SETS.glob("*/*.ipynb"))
    links = ", ".join(f'<a href="{lite.address(name)}">{name.removeprefix("ps")}</a>' for name in names)
    return (
        f"<p>Problem sets, as notebooks that run in your browser: {links}. The browser keeps what you write; to hand "
        "it in, download it with <em>File, Download</em>.</p>"
    )


def stage(printed: bool = False) -> None:
    """Write what Sphinx reads: notebooks, documents, and the scripts.

    For print the solutions move to the end.
    """
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.copytree(BOOK, SOURCE, ignore=shutil.ignore_patterns("*.toml", "*.json", "remap.svg", "__pycache__"))
    terms, solutions = glossary(), ["# Solutions"]
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        solutions.append(f"## {notebook.cells[0].source.splitlines()[0].removeprefix('# ')}")
        for cell in notebook.cells:
            if cell.cell_type == "markdown" and re.match(r"\d\d_", path.stem):
                unknown_terms(path.stem, cell, terms)
            if cell.cell_type == "markdown":
                cell.source = for_pages(cell.source)
            if printed and cell.cell_type == "markdown":
                cell.source = SOLUTION.sub(lambda found: _kept_for_the_end(found, solutions), cell.source)
        lead = notebook.cells[0]
        title, _, rest = lead.source.partition("\n")
        if not printed:
            lead.source = f"{title}\n\n{opened(path.stem)}\n{rest}"
        nbformat.write(notebook, SOURCE / path.name)
    for path in (ROOT / "notebooks").glob("*.md"):
        shutil.copy(path, SOURCE)
    (SOURCE / "errata.md").write_text(errata(), "utf-8")
    coverage = (BOOK / "coverage.md").read_text("utf-8").replace("../notebooks/", "")
    (SOURCE / "coverage.md").write_text(coverage, "utf-8")
    guide = SOURCE / "instructors.md"
    guide.write_text(guide.read_text("utf-8").replace("<!-- mistakes -->", mistakes()), "utf-8")
    if LIVE and not printed:
        (SOURCE / "notices.md").write_text(notices.page(fetch.every([*site.SHIPPED, "notebook"])), "utf-8")
        landing = SOURCE / "index.md"
        landing.write_text(landing.read_text("utf-8").replace("<!-- problem sets -->", problem_sets()), "utf-8")
        _more_on_the_landing_page("notices")
    if printed:
        used = [text for text, after in zip(solutions, [*solutions[1:], "## "], strict=True)
                if not (text.startswith("## ") and after.startswith("## "))]  # fmt: skip
        (SOURCE / "solutions.md").write_text("\n\n".join(used) + "\n", "utf-8")
        _more_on_the_landing_page("solutions")
    (SOURCE / "_static").mkdir(exist_ok=True)
    (SOURCE / "_static" / "hvlib.js").write_text(scripts(), "utf-8")
    (SOURCE / "_static" / "film.css").write_text(explore.style(), "utf-8")
    (SOURCE / "_static" / "kernel_game.css").write_text(kernel_game.style(), "utf-8")
    (SOURCE / "_static" / "hands.css").write_text(hands.style(), "utf-8")


def for_pages(text: str) -> str:
    """A notebook's words as a page has them: its own instructions, and answers where the notebook has calls."""

    def answer(call: re.Match[str]) -> str:
        question = QUESTIONS[call[1]]
        if question.read.kind == "function":
            return f"`{call[2]}`"
        return f"**{question.write(question.answer(question.given()))}**"

    return CALL.sub(answer, MEDIUM.sub(lambda both: both[2], text))


def _more_on_the_landing_page(name: str) -> None:
    landing = SOURCE / "index.md"
    landing.write_text(f"{landing.read_text('utf-8')}\n```{{toctree}}\n:hidden:\n\n{name}\n```\n", "utf-8")


def _kept_for_the_end(found: re.Match[str], solutions: list[str]) -> str:
    solutions.append(found[1].strip())
    return "*Solution: at the end of the book.*"


def scripts() -> str:
    """Films, questions and the game as one script that also runs from a file."""
    read = {
        "film": (FILM / "film.js").read_text("utf-8"),
        "waits": (STATIC / "waits.js").read_text("utf-8"),
        "quiz": (STATIC / "quiz.js").read_text("utf-8"),
        "game": kernel_game.script(),
        "hands": hands.script(),
    }
    parts = [closed(name, text) for name, text in read.items()]
    return "{\n" + "".join(parts) + "\n" + (BOOK / "_static" / "page.js").read_text("utf-8") + "}\n"


def glossary() -> set[str]:
    """Every term that the glossary explains, in lower case."""
    text = (ROOT / "notebooks" / "glossary.md").read_text("utf-8")
    return {term.lower().strip("`") for term in re.findall(r"^- \*\*(.+?)\*\*", text, re.MULTILINE)}


def unknown_terms(name: str, cell: Any, terms: set[str]) -> None:
    """Raise `Unfit` for a term set in bold that the glossary does not have.

    A term is set in bold where it is introduced: after an article, in the middle of a sentence.
    """
    for term in re.findall(r"(?:\b[Aa]n? |\b[Tt]he |\bcalled )\*\*([a-z][\w -]*)\*\*", cell.source):
        singular = term.removesuffix("s")
        if not {term.lower(), singular.lower()} & terms:
            raise Unfit(f"{name}, cell {cell.id}: the term {term!r} is not in notebooks/glossary.md.")


def errata() -> str:
    """The errata as a page."""
    lines = [
        "# Errata",
        "",
        "What sources say, and what is true. The value in the last column is computed when this page is built, by the",
        "expression below it.",
        "",
        "| source | says | true |",
        "|---|---|---|",
    ]
    for erratum in hv.ERRATA:
        (path,) = (ROOT / "notebooks").glob(f"{erratum.chapter:02d}_*.ipynb")
        source = f"{erratum.source}; [chapter {erratum.chapter}]({path.name})"
        truth = f"{erratum.truth}<br>`{erratum.expression}`<br>Corrected: {erratum.corrected}."
        lines.append(f"| {source} | {erratum.says} | {truth} |")
    return "\n".join(lines) + "\n"


def mistakes() -> str:
    """The named wrong answers of every question, for teachers."""
    lines = []
    for question in QUESTIONS.values():
        given = question.given()
        lines += [f"**{question.text()}**", "", f"Right: {question.write(question.answer(given))}.", ""]
        lines += [f"- {question.write(wrong(given))}: {why.format_map(given)}" for wrong, why in question.mistakes]
        lines.append("")
    return "\n".join(lines)


def sphinx(builder: str, target: Path) -> None:
    """Run Sphinx strictly; a warning is an error. One page of all is for print."""
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-b", builder, "-q", "-n", "-W", "--keep-going", "-E",
         "-D", f"hv_printed={int(builder == 'singlehtml')}", "-d", str(BUILD / f"doctrees-{builder}"),
         str(SOURCE), str(target)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    if done.returncode:
        raise Unfit(f"Sphinx found something wrong in the {builder} pages; see above.")


CELL = re.compile(r'<div class="cell(?: [^"]*)? docutils container"')


def runnable(page: Path, text: str) -> str:
    """A page whose cells run in the browser too: with the code of those that show a form or a picture alone, and with
    the import, which is left out of sight.
    """
    notebook = SOURCE / f"{page.stem}.ipynb"
    if not notebook.exists():
        return text
    code = [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    gone = [cell for cell in code if "remove-cell" in cell.metadata.get("tags", ())]
    kept = iter([cell for cell in code if cell not in gone])
    before = "".join(_unseen(cell.source) + "></div>" for cell in gone if cell.source == "import hvlib as hv")

    def written(found: re.Match[str]) -> str:
        nonlocal before
        cell, lead = next(kept), before
        before = ""
        held = f' data-code="{html.escape(cell.source)}"' if "remove-input" in cell.metadata.get("tags", ()) else ""
        return f"{lead}{found[0]}{held}"

    return CELL.sub(written, text)


def _unseen(code: str) -> str:
    return f'<div class="cell" hidden data-code="{html.escape(code)}"'


def finish(folder: Path) -> None:
    """What the theme leaves unsaid."""
    for page in folder.glob("*.html"):
        text = page.read_text("utf-8")
        for now, then in (
            ('<p class="caption" role="heading">', '<p class="caption" role="heading" aria-level="2">'),
            ('<aside class="sidebar-drawer">', '<aside class="sidebar-drawer" aria-label="Book">'),
            ('<aside class="toc-drawer">', '<aside class="toc-drawer" aria-label="This page">'),
            ('<aside class="toc-drawer no-toc">', '<aside class="toc-drawer no-toc" aria-label="This page">'),
        ):
            text = text.replace(now, then)
        text = re.sub(r"<pre(?![^>]*tabindex)", '<pre tabindex="0"', text)  # long lines scroll, by keyboard too
        text = text.replace('<div class="table-wrapper', '<div tabindex="0" class="table-wrapper')
        text = runnable(page, text)
        if page.name == "search.html":
            text = text.replace('id="furo-main-content">', 'id="furo-main-content"><h1>Search</h1>', 1)
        page.write_text(text, "utf-8")


def pdf() -> None:
    """Print the pages, as one, with Chromium: tagged, with bookmarks."""
    from . import jupyterlab as reader

    if not reader.CHROMIUM:
        print("no PDF: it needs Chromium (Debian: apt install chromium)")
        return
    stage(printed=True)
    one = BUILD / "one"
    shutil.rmtree(one, ignore_errors=True)
    sphinx("singlehtml", one)
    finish(one)
    with reader.chromium() as browser:
        page = browser.new_page(java_script_enabled=False)
        page.goto((one / "index.html").as_uri())
        page.pdf(path=PDF, format="A4", outline=True, tagged=True, print_background=True,
                 margin={"top": "16mm", "bottom": "16mm", "left": "16mm", "right": "16mm"})  # fmt: skip
    print(f"{PDF}: {PDF.stat().st_size / 1e6:.1f} MB")
    if HTML.exists():
        offer(HTML, PDF)


def offer(folder: Path, paper: Path) -> None:
    """Put the PDF beside the pages, and a link to it on the landing page. Raises `Unfit` without a place for it."""
    shutil.copy(paper, folder)
    landing = folder / "index.html"
    link = f'<a href="{paper.name}">a PDF of {paper.stat().st_size / 1e6:.1f} MB</a>'
    words = f"The book is also {link}: panels in some of their states, solutions at the end."
    place = re.compile(r'<p class="hv-pdf".*?</p>')
    text, count = place.subn(f'<p class="hv-pdf">{words}</p>', landing.read_text("utf-8"))
    if count != 1:
        raise Unfit('book/index.md: the landing page needs one <p class="hv-pdf" hidden></p>, for the link to the PDF.')
    landing.write_text(text, "utf-8")
    if wrong := list(pages.problems(folder)):
        raise Unfit("\n".join(wrong))


def main() -> None:
    """Build the book."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pdf", action="store_true", help="print the PDF instead, with Chromium")
    options = parser.parse_args()
    os.environ["HVLIB_OBSERVE"] = "recorded"
    started, used = time.perf_counter(), time.process_time()
    if options.pdf:
        return pdf()
    print("staging the notebooks …", flush=True)
    stage()
    print("building the pages …", flush=True)
    shutil.rmtree(HTML, ignore_errors=True)
    sphinx("html", HTML)
    finish(HTML)
    if LIVE:
        print("putting Python beside the pages …", flush=True)
        site.add(HTML)
        print("putting JupyterLite beside the pages …", flush=True)
        lite.add(HTML)
    print("looking the pages over …", flush=True)
    if wrong := list(pages.problems(HTML)):
        raise Unfit("\n".join(wrong))
    children = os.times()
    cpu = time.process_time() - used + children.children_user + children.children_system
    took = f"{time.perf_counter() - started:.0f} s ({cpu:.0f} CPU s)"
    count = len(list(HTML.glob("*.html")))
    print(f"{count} pages in {took}, {pages.weights(HTML)}: {HTML}/index.html")


if __name__ == "__main__":
    main()
