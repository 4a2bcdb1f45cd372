"""What is made for the browser of what was fetched: one archive with all Python, bytecode in it, and the editor.

Made again only if something it is made of has changed: the results stand in the cache under the hash of the inputs.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from hvlib.pictures import film
from hvlib.pictures.films import FILMS

from . import fetch

ROOT = Path(__file__).parents[1]
BROWSER = ROOT / "live" / "browser"
CORE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
WIDGETS = ("traitlets", "comm", "ipywidgets", "anywidget", "psygnal", "typing-extensions")
LEFT_OUT = re.compile(
    r"(^|/)(tests|f2py|distutils|include|_pyinstaller|labextension|nbextension|testing|chapters|_core/lib)(/|$)"
    r"|\.(pyi|pxd|md|js|map|h|a)$|\.data/|\.dist-info/(RECORD|WHEEL|entry_points\.txt)$"
)
KEPT = re.compile(r"^numpy/testing/(__init__|overrides)\.py$|^hvlib/(?!chapters)|licenses?/|LICEN[CS]E", re.IGNORECASE)
UNUSED = re.compile(
    r"^(__phello__|_pyio|_pyrepl|compileall|doctest|ensurepip|filecmp|ftplib|imaplib|mailbox|modulefinder|multiprocessing"
    r"|nntplib|pickletools|plistlib|poplib|pyclbr|pydoc_data|shelve|smtplib|socketserver|sqlite3|symtable|tabnanny"
    r"|turtledemo|unittest|wave|wsgiref|xmlrpc|zipapp)(/|\.)"
    r"|^asyncio/(windows_\w+|proactor_events)\.|^concurrent/futures/(interpreter|process)\.|^ctypes/(_aix|macholib/)|^http/(cookiejar|server)\."
    r"|^encodings/(?!__init__|aliases|ascii|charmap|cp1252|cp437|idna|latin_1|punycode|raw_unicode|unicode_|utf_)"
)
"""Of the standard library, what no session in a browser needs: processes, servers, mail, unit tests, rare alphabets."""
NOBODY = "def get_ipython():\n    return None\n"
STANDIN = {
    "IPython/__init__.py": NOBODY,
    "IPython/core/__init__.py": "",
    "IPython/core/getipython.py": NOBODY,
    "IPython/core/interactiveshell.py": (
        "class InteractiveShell:\n    @staticmethod\n    def initialized():\n        return False\n"
    ),
    "IPython/display.py": ("def display(*values, **keys):\n    pass\n\n\ndef clear_output(wait=False):\n    pass\n"),
    "IPython/lib/__init__.py": "",
    "IPython/utils/__init__.py": "",
    "IPython/utils/decorators.py": "def undoc(f):\n    return f\n",
    "IPython/utils/py3compat.py": "PYPY = False\n",
    "ipywidgets/widgets/utils.py": (
        "from sys import _getframe as _get_frame\n\n\ndef deprecation(message, internal=''):\n    pass\n"
    ),
}
"""What ipywidgets and anywidget import of IPython; its pretty printer, lib/pretty.py, is the real one. And ipywidgets'
word of what it will drop one day, which nobody reads here, and which it looks for 800 times whenever it is imported."""


def wheel(folder: Path) -> Path:
    """The project's own wheel, built into a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise fetch.Missing(f"live: the wheel of hvlib cannot be built: {done.stderr.strip().splitlines()[-1:]}")
    return next(folder.glob("hvlib-*.whl"))


def films() -> dict[str, bytes]:
    """Every film, painted, for wide and for narrow windows."""
    ways = {"reel": film.reel, "upright": film.upright}
    return {
        f"hvlib/films/{name}.{way}.json": json.dumps(paint(one), ensure_ascii=False, separators=(",", ":")).encode()
        for name, one in FILMS.items() for way, paint in ways.items()
    }  # fmt: skip


def engine(wheels: Mapping[str, Path], own: Path) -> dict[str, bytes]:
    """Everything in Python that a page needs, by name: wheels without what no page uses, the stand-in, the films."""
    files: dict[str, bytes] = {}
    for path in (*(wheels[name] for name in ("numpy", *WIDGETS)), own):
        with zipfile.ZipFile(path) as archive:
            for entry in archive.namelist():
                if not entry.endswith("/") and (KEPT.search(entry) or not LEFT_OUT.search(entry)):
                    files[entry] = archive.read(entry)
    with zipfile.ZipFile(wheels["ipython"]) as archive:
        files["IPython/lib/pretty.py"] = archive.read("IPython/lib/pretty.py")
    files |= {name: text.encode() for name, text in STANDIN.items()}
    files["numpy/_core/_add_newdocs.py"] = files["numpy/_core/_add_newdocs_scalars.py"] = (
        b""  # bytecode has no docstrings
    )
    return {**files, **films(), "kernel.py": (BROWSER / "kernel.py").read_bytes()}


def core(pyodide: Path, target: Path) -> Path:
    """The interpreter's files, out of npm's archive."""
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(pyodide) as tar:
        for name in (*CORE, "pyodide-lock.json", "package.json"):
            member = tar.extractfile(f"package/{name}")
            assert member
            (target / name).write_bytes(member.read())
    return target


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """Files as one archive; what is alike lies together, which compresses better than wheels do."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files, key=lambda name: (name.rsplit(".", 1)[-1], name)):
            entry = tarfile.TarInfo(name)
            entry.size = len(files[name])
            tar.addfile(entry, io.BytesIO(files[name]))
    return out.getvalue()


def made(fetched: Mapping[str, Path]) -> Path:
    """A folder with engine.tar, python_stdlib.zip, editor.mjs and the interpreter's files."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        raw = tar_of(engine(fetched, wheel(work)))
        sources = ("compile.mjs", "pins.toml", "browser/warm.py", "browser/editor.js")
        recipe = UNUSED.pattern.encode() + b"".join((ROOT / "live" / name).read_bytes() for name in sources)
        target = fetch.CACHE / "made" / hashlib.sha256(raw + recipe).hexdigest()[:16]
        if target.exists():
            with suppress(OSError):
                os.utime(target)
            return target
        print("live: compiling Python's sources for the browser …", flush=True)
        new = core(fetched["pyodide"], work / "made")
        (work / "in.tar").write_bytes(raw)
        out = (new / "engine.tar", work / "stdlib.zip")
        node("live/compile.mjs", new, work / "in.tar", *out, BROWSER / "warm.py", UNUSED.pattern)
        shutil.move(work / "stdlib.zip", new / "python_stdlib.zip")
        (new / "editor.mjs").write_bytes(editor(fetched, work))
        _kept(new, target)
    return target


def _kept(new: Path, target: Path) -> None:
    """Move what is whole to where it is looked for; what nobody has asked for in a week goes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for old in target.parent.iterdir():
        if old.stat().st_mtime < time.time() - 7 * 24 * 3600:
            shutil.rmtree(old, ignore_errors=True)
    part = target.with_suffix(f".{os.getpid()}")
    shutil.move(new, part)
    try:
        part.rename(target)
    except OSError:  # another build was faster
        shutil.rmtree(part)


def editor(fetched: Mapping[str, Path], work: Path) -> bytes:
    """CodeMirror's parts and browser/editor.js as one module."""
    modules = work / "node_modules"
    for name, path in fetched.items():
        if path.suffix == ".tgz" and name != "pyodide":
            with tarfile.open(path) as tar:
                tar.extractall(work / "unpacked", filter="data")
            (modules / name).parent.mkdir(parents=True, exist_ok=True)
            (folder,) = (work / "unpacked").iterdir()
            shutil.move(folder, modules / name)
    shutil.copy(BROWSER / "editor.js", work)
    node(modules / "esbuild-wasm" / "bin" / "esbuild", "editor.js", "--bundle", "--format=esm", "--minify",
         "--legal-comments=inline", "--log-level=error", "--outfile=editor.mjs", where=work)  # fmt: skip
    return (work / "editor.mjs").read_bytes()


def node(*arguments: str | Path, where: Path = ROOT) -> None:
    """Run Node.js on a script. Raises `fetch.Missing` with what it says."""
    if not shutil.which("node"):
        raise fetch.Missing("live: a kernel in the pages needs Node.js 20 or later; LIVE=0 builds without.")
    done = subprocess.run(["node", *map(str, arguments)], cwd=where, capture_output=True, text=True)
    if done.returncode:
        raise fetch.Missing(f"live: {Path(arguments[0]).name} failed: {(done.stderr or done.stdout).strip()[-600:]}")
