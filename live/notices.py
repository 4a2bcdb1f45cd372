"""The page of notices: what is shipped beside the pages, its licence, and the words that each licence asks for."""

from __future__ import annotations

import html
import json
import re
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from email.parser import Parser
from pathlib import Path
from typing import NamedTuple

from .fetch import name_of

TEXT = re.compile(r"(^|/)(licen[cs]es?|copying|notice|authors)[^/]*$|/licenses?/", re.IGNORECASE)
UNSHIPPED = ("esbuild-wasm",)
INTRODUCTION = """\
# Notices

What runs in these pages when you press Run is not all ours. Each part is shipped as its authors published it on npm
or PyPI, under that name and version, and was checked by its hash; Python's sources are compiled to bytecode, and what
no page needs is left out. The book's own code is under the MIT licence, its text under CC BY 4.0.

**Pyodide** (CPython and its libraries for the browser) is under the
[Mozilla Public License 2.0](https://www.mozilla.org/MPL/2.0/); its sources are at
[its project's repository](https://github.com/pyodide/pyodide). CPython in it is under the licence of the Python
Software Foundation, whose text stands below at typing-extensions. **JupyterLite** is under the BSD licence; what its
interface is made of is listed <a href="lab/build/third-party-licenses.json">beside it</a>.

| what | version | licence |
|---|---|---|
"""


class Notice(NamedTuple):
    """What is said of one package."""

    name: str
    version: str
    licence: str
    texts: tuple[str, ...]


def page(packages: Mapping[str, Path]) -> str:
    """The page, as Markdown, of packages by name."""
    notices = [_of(name, path) for name, path in sorted(packages.items()) if name not in UNSHIPPED]
    rows = [f"| {one.name} | {one.version} | {one.licence} |" for one in notices]
    texts = [
        f"<details><summary>{one.name}</summary>\n<pre>{html.escape(_one_block(one.texts))}</pre>\n</details>"
        for one in notices if one.texts
    ]  # fmt: skip
    return INTRODUCTION + "\n".join(rows) + "\n\n## Their words\n\n" + "\n\n".join(texts) + "\n"


def _one_block(texts: Iterable[str]) -> str:
    """Texts without empty lines, where Markdown would end the block."""
    return "\n".join(line.rstrip() or "\u00a0" for text in texts for line in text.strip().splitlines())


def _of(name: str, path: Path) -> Notice:
    return _npm(name, path) if path.suffix == ".tgz" else _wheel(path)


def _npm(name: str, path: Path) -> Notice:
    with tarfile.open(path) as tar:
        found = {entry.name: entry for entry in tar if entry.isfile()}

        def read(entry: str) -> str:
            held = tar.extractfile(found[entry])
            assert held
            return held.read().decode("utf-8", "replace")

        about = json.loads(read("package/package.json"))
        texts = tuple(read(entry) for entry in found if entry.count("/") == 1 and TEXT.search(entry))
    return Notice(name, about["version"], about["license"], texts)


def _wheel(path: Path) -> Notice:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        about = Parser().parsestr(archive.read(next(n for n in names if n.endswith(".dist-info/METADATA"))).decode())
        texts = tuple(
            archive.read(name).decode("utf-8", "replace")
            for name in names if ".dist-info/" in name and TEXT.search(name)
        )  # fmt: skip
    given = (about.get("License") or "").strip()
    classes = [line.split(" :: ")[-1] for line in about.get_all("Classifier", []) if line.startswith("License")]
    licence = about.get("License-Expression") or (given if given and "\n" not in given else "") or ", ".join(classes)
    return Notice(name_of(path), about["Version"], licence or "see its text", texts)
