"""Sphinx configuration of the published book; tools/book.py stages what it reads."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project, author, language = "hvlib", "the hvlib authors", "en"
html_title = "hvlib: the HugeTLB vmemmap optimisation"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx_copybutton", "mathml", "shown", "linked"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the committed notebooks hold their outputs
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # nothing from another host
nb_mime_priority_overrides = [("*", "text/html", 0)]
default_role = "code"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
nitpick_ignore_regex = [("py:.*", ".*")]
html_theme = "furo"
html_theme_options = {"top_of_page_buttons": []}
html_static_path = ["_static"]
html_css_files = ["film.css", "kernel_game.css", "hands.css", "book.css"]
html_js_files = [("hvlib.js", {"defer": "defer"})]
html_math_renderer = "mathml"
html_show_sourcelink = html_copy_source = html_show_copyright = html_use_index = False
html_search_scorer = str(Path(__file__).parent / "scorer.js")
html_favicon = "_static/favicon.svg"
exclude_patterns = ["README.md"]
copybutton_prompt_text = r">>> |\$ "
