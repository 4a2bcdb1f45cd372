"""Rules that every chapter keeps, and guards against what strict nbval does not see."""

import json
import re
from pathlib import Path

import nbformat
import pytest

import hvlib as hv
from hvlib import book
from hvlib.pictures.films import FILMS
from hvlib.teaching import kernel_words
from hvlib.teaching.hand_facts import FACTS
from hvlib.teaching.questions import QUESTIONS
from tools.book import SOLUTION, for_pages
from tools.notebooks import FOLDED

pytestmark = pytest.mark.beside
ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[01][0-9]_*.ipynb"))
NAMES = [path.name for path in NOTEBOOKS]
EDITIONS = {"remove-cell", "remove-input"}
"""Tags that say what a page leaves out (CONTRIBUTING.md)."""


@pytest.fixture(params=NOTEBOOKS, ids=NAMES)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def test_there_are_chapters():
    assert [name[:2] for name in NAMES] == [f"{number:02d}" for number in range(len(NAMES))]
    assert len(NAMES) >= 13


def test_a_chapter_stands_where_readers_look_for_it():
    """In the README, in the contents of the pages, and at the end of the chapter before."""
    chapters = [one for one in book.chapters() if one.number is not None]
    table = re.findall(r"\| (\d+) \| \[(.+?)\]\(notebooks/(.+?)\.ipynb\)", (ROOT / "README.md").read_text("utf-8"))
    contents = re.findall(r"^\d\d_\w+$", (ROOT / "book" / "index.md").read_text("utf-8"), re.MULTILINE)
    right = [(str(one.number), one.title, one.name) for one in chapters]
    assert table == right, "the table in README.md is not that of the chapters"
    assert contents == [one.name for one in chapters], "the list in book/index.md is not that of the chapters"
    for path, one in zip(NOTEBOOKS[:-1], chapters[1:], strict=True):
        leads = f"Next: [chapter {one.number}]({one.name}.ipynb)"
        assert leads in prose(nbformat.read(path, as_version=4)), f"notebooks/{path.name} does not end with {leads} …"


def test_every_cell_was_executed_in_order_and_without_error(notebook):
    """nbval never compares a cell whose execution count is missing."""
    assert [cell.execution_count for cell in code(notebook)] == list(range(1, len(code(notebook)) + 1))
    for cell in code(notebook):
        kinds = [output.output_type for output in cell.outputs]
        assert "error" not in kinds
        assert not [o for o in cell.outputs if o.get("name") == "stderr"], cell.source


def test_printed_text_is_one_output(notebook):
    """Cut in two by the clock, it would differ from run to run."""
    for cell in code(notebook):
        kinds = [(output.output_type, output.get("name")) for output in cell.outputs]
        assert kinds.count(("stream", "stdout")) <= 1, cell.source


def test_no_cell_escapes_nbval(notebook):
    """No tag or comment that switches the comparison off, and no construct that swallows errors or fails falsely."""
    for cell in code(notebook):
        assert set(cell.metadata.get("tags", ())) <= EDITIONS, cell.source
        for forbidden in ("NBVAL", "interact(", "interactive(", "on_click", "# noqa", "random", "time."):
            assert forbidden not in cell.source, cell.source
        assert not cell.source.rstrip().endswith(";")


def test_every_output_holds_words_to_compare(notebook):
    """PNG data is never compared, and a widget's repr may be cut; so each output has text, and no memory address."""
    for cell in code(notebook):
        for output in cell.outputs:
            text = output.get("text") or output.data["text/plain"]
            assert len(text) > 3
            assert not re.search(r"at 0x7f|object at 0x", text), text
            assert "…" not in text[-3:]


def test_the_shape_of_a_chapter(notebook):
    assert 12 <= len(notebook.cells) <= 34
    assert notebook.cells[0].source.startswith("# ")
    first = code(notebook)[0].source
    assert first == "import hvlib as hv"
    for cell in code(notebook):
        lines = cell.source.splitlines()
        assert len(lines) <= 12, cell.source
        assert max(map(len, lines)) <= 120, cell.source
        assert not [line for line in lines if re.match(r"\s*(def|class|import|from) ", line)] or cell.source == first
    text = prose(notebook)
    assert text.count("**Not so:**") + text.count("**Not quite:**") >= 1, "misconceptions are named"
    assert "## What to remember" in text
    assert "### Sources" in text
    assert text.count("<details>") == text.count("</details>")
    assert text.count("<details><summary>Solution</summary>") >= 2


def seen(notebook):
    """The code cells that a page does not leave out."""
    return [cell for cell in code(notebook) if "remove-cell" not in cell.metadata.get("tags", ())]


def test_the_prediction_comes_before_its_panel(notebook):
    sources = [cell.source for cell in seen(notebook)]
    predict = next(i for i, s in enumerate(sources) if "hv.predict(" in s)
    panel = next(i for i, s in enumerate(sources) if "hv.explore." in s)
    assert predict < panel
    assert "(guess" in sources[panel]
    assert sum(s.startswith("panel = hv.explore.") for s in sources) == 1
    cells = notebook.cells
    above = max(n for n, cell in enumerate(cells) if cell.source.startswith("guess = hv.predict("))
    below = next(n for n, cell in enumerate(cells) if cell.source.startswith("panel = hv.explore."))
    between = cells[above + 1 : below]
    assert {cell.cell_type for cell in between} <= {"markdown"}
    assert sum(len(cell.source) for cell in between) < 600, "the question and the panel stand together"


def test_the_panel_is_proved_by_a_cell_that_prints_another_of_its_kind(notebook):
    sources = [cell.source for cell in code(notebook)]
    panel = next(i for i, s in enumerate(sources) if s.startswith("panel = "))
    film = re.search(r"hv\.explore\.(\w+)", sources[panel])[1]
    if film == "filling":
        return  # chapter 5 prints the same numbers from the engine, and its picture's text is compared
    probes = [s for s in sources[panel + 1 :] if re.match(rf"(?:probe|other) = hv\.explore\.{film}\(", s)]
    assert any("print(" in s and re.search(r"(?:probe|other)\.(?:set\(|\w+ = )", s) for s in probes)


def test_no_cell_moves_what_another_has_put_before_the_reader(notebook):
    """Panels, the sandbox, boxes, games and hands keep what the reader has set, typed and played."""
    sources = [cell.source for cell in code(notebook)]
    shown = {source.splitlines()[-1] for source in sources} & set(re.findall(r"(?m)^(\w+) = ", "\n".join(sources)))
    assert {"guess", "panel"} <= shown
    for name in shown:
        moves = rf"\b{name}\.(?:(?:set|play|reset|clear)\(|\w+ = )"
        assert not [source for source in sources if re.search(moves, source)], "it is the reader's"


def test_what_is_there_for_a_test_is_left_out_of_the_page_and_folded_in_the_lab(notebook):
    for cell in code(notebook):
        tags = set(cell.metadata.get("tags", ()))
        folded = cell.metadata.get("jupyter", {})
        assert bool(folded.get("source_hidden")) == bool(folded.get("outputs_hidden")) == bool(tags & FOLDED)
        if cell.source == "import hvlib as hv" or "print(probe" in cell.source:
            assert "remove-cell" in tags
        if re.match(r"hv\.check\(|guess = hv\.predict|panel = hv\.explore|\w+ = hv\.hands", cell.source):
            assert tags == {"remove-input"}, "its form or its picture stands on the page, and no dead call above it"


def test_what_is_there_for_a_test_tells_nothing_when_it_runs(notebook):
    """JupyterLab unfolds the output of a folded cell that runs, below a panel that may wait for a guess."""
    for cell in code(notebook):
        if "remove-cell" in cell.metadata.get("tags", ()):
            assert all(o.get("data", {}).get("text/html", "").startswith("<details>") for o in cell.outputs), (
                cell.source
            )


def test_every_question_of_a_chapter_exists_and_is_put_untouched(notebook):
    asked = re.findall(r'hv\.(check|predict)\("([^"]+)"', "\n".join(cell.source for cell in notebook.cells))
    assert all(name in QUESTIONS for _, name in asked)
    checks = [cell for cell in code(notebook) if cell.source.startswith("hv.check(")]
    assert len(checks) >= 2
    for cell in checks:
        assert cell.source.endswith(", ...)")
        assert "No answer yet" in cell.outputs[0].data["text/plain"]


def control_names(notebook):
    """What stands on the controls of a chapter's panels, of its game and of its hands."""
    source = "\n".join(cell.source for cell in code(notebook))
    axes = [axis for name in re.findall(r"hv\.explore\.(\w+)\(", source) for axis in FILMS[name].axes]
    names = {"Play", "Show me"} | {axis.label for axis in axes} | {text for axis in axes for text in axis.texts}
    if "hv.you_are_the_kernel" in source:
        names |= set(kernel_words.DATA["buttons"].values())
    for name in re.findall(r"hv\.hands\.(\w+)\(", source):
        names |= set(re.findall(r'"([^"]+)"', json.dumps(FACTS[name]())))
    return names


def test_the_name_of_a_control_is_bold_where_it_is_to_be_used(notebook):
    """Whoever is told to move or to press something finds that word on the screen."""
    names = control_names(notebook)
    for sentence in re.findall(
        r"(?m)(?:(?<=^)|(?<=\. )|(?<=- )|(?<=, then )|(?<=Then ))(?:Move|Press|move|press) .*?[.:]$", prose(notebook)
    ):
        assert re.match(r"\w+ (\*\*|\[)", sentence), sentence
    for name in re.findall(r"\b(?:[Mm]ove|[Pp]ress|[Ss]et|[Cc]hange) \*\*(.+?)\*\*", prose(notebook)):
        assert name in names, name


def test_a_page_says_nothing_of_cells_to_run_nor_of_seeds(notebook):
    """Instructions are those of the medium, and a solution's sentence survives when its call becomes its answer."""
    read = for_pages(prose(notebook).split("### Sources")[0])
    assert not re.search(r"(?i)\brun (?:the|this|that) (?:next )?cells?\b|\bthree dots\b|Shift`|\bseeds?\b", read)
    assert "<!--" not in read
    for solution in SOLUTION.findall(read):
        flat = " ".join(solution.split())
        assert not re.search(r"\? \*\*|\*\*(.+?)\*\*,? (?:which|that) is \1", flat), flat
        for answer in re.finditer(r"(?<=[.] )\*\*[^*]+\*\*\.", flat):
            raise AssertionError(f"an answer is no sentence: {flat[max(0, answer.start() - 60) : answer.end()]}")


def test_every_question_is_asked_somewhere():
    text = "\n".join(path.read_text() for path in NOTEBOOKS)
    assert not [name for name in QUESTIONS if f'\\"{name}\\"' not in text]


def test_links_between_chapters_lead_somewhere(notebook):
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", prose(notebook)):
        assert (ROOT / "notebooks" / target).exists(), target


def test_the_source_mail_is_cited_and_not_pasted():
    mail = (
        "there exists one-to-one mapping between the physical page frame",
        "the only use of the remaining pages of page structs",
        "by removing redundant page structs",
        "this will allow us to free the remaining",
    )
    for path in NOTEBOOKS:
        text = " ".join(prose(nbformat.read(path, as_version=4)).lower().split())
        assert not [sentence for sentence in mail if sentence in text]
        assert "+-----------+" not in text


def test_spelling_is_british(notebook):
    american = r"\b(optimiz|color|behavior|center|analyz|recogniz|memoriz|favorite|gray)\w*"
    text = re.sub(r"`[^`]*`", "", prose(notebook))
    assert not re.findall(american, text.lower())


def test_what_the_folded_solutions_say_is_what_the_check_accepts(notebook):
    """Each exercise has a solution that names its answer as a call, and each such call is right."""
    folded = re.findall(r"<details><summary>Solution</summary>(.*?)</details>", prose(notebook), re.DOTALL)
    solved = [call for text in folded for call in re.findall(r"`(hv\.check\(.*?\))`", text) if "..." not in call]
    for call in solved:
        verdict = eval(call, {"hv": hv})
        question = QUESTIONS[verdict.question]
        right = question.write(question.answer(question.given(verdict.seed)))
        assert verdict.right, f"a folded solution says {call}, and right is {right}"
    for cell in code(notebook):
        name = re.match(r'hv\.check\("([^"]+)", \.\.\.\)', cell.source)
        assert not name or any(f'hv.check("{name[1]}"' in call for call in solved), cell.source
