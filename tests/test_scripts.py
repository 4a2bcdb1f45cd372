"""Scripts of the widgets as constants of one module that imports nothing."""

import re

from hvlib.teaching import hands, kernel_game
from hvlib.teaching.scripts import FILM, STATIC, closed

MODULE = """import { other } from "./other.js";
const held = 1;
export function one() { return two(held); }
function two(n) { return n; }
function three() { return other; }
export default { two, three };
"""


def test_a_module_is_closed_into_a_constant_that_holds_what_it_exports():
    made = closed("film", MODULE)
    lines = made.splitlines()
    assert lines[0] == "const film = (() => {"
    assert lines[-2:] == ["return { one, two, three };", "})();"]
    assert "function one() { return two(held); }" in lines
    assert not [line for line in lines if line.startswith(("import", "export"))]
    assert "return { one };" in closed("film", MODULE.replace("export default { two, three };\n", ""))


def test_nothing_of_the_books_own_scripts_is_left_to_be_imported():
    texts = [
        (FILM / "film.js").read_text("utf-8"),
        *((STATIC / f"{name}.js").read_text("utf-8") for name in ("waits", "quiz")),
    ]
    for text in (*texts, hands.script(), kernel_game.script()):
        assert not re.search(r"^(?:import|export) ", closed("one", text), re.MULTILINE)
