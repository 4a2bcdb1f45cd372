"""Unlucky conditions: cells in any order, a folder that may not be written, no network, no Linux, a poor terminal."""

import ast
import contextlib
import io
import json
import os
import platform
import random
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from IPython.lib.pretty import pretty

import hvlib as hv
from hvlib.cli import main
from hvlib.kernels import observe
from hvlib.teaching import explore

pytestmark = [pytest.mark.slow, pytest.mark.beside]
ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "notebooks").glob("[01][0-9]_*.ipynb"))
GOOD = str(ROOT / "hvlib" / "kernels" / "data" / "linux-6.1.192.json")


# --- cells in any order -----------------------------------------------------------------------------------------------


def cells(path):
    """The code cells of a chapter: source, and the text of the stored outputs."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            yield cell.source, "".join(out.get("text") or out.data["text/plain"] + "\n" for out in cell.outputs)


def done(source, names):
    """What a cell shows when it is run with these names, as text."""
    tree, told = ast.parse(source), io.StringIO()
    last = ast.Expression(tree.body.pop().value) if isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(told):
        exec(compile(tree, "cell", "exec"), names)
        value = eval(compile(last, "cell", "eval"), names) if last else None
    return told.getvalue() + (f"{pretty(value)}\n" if value is not None else "")


def names_made(source):
    """The names that a cell defines."""
    return {
        node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name) and type(node.ctx) is ast.Store
    }


@pytest.fixture
def blank_films(monkeypatch):
    """The pictures of the films take a minute to draw, and the text of a cell does not hold them."""
    monkeypatch.setattr(explore, "reel", lambda film: {"title": film.title})


@pytest.fixture
def asked(monkeypatch):
    """What was asked of the network: sockets to other hosts are refused, and names are not resolved."""
    asked = []

    def refuse(*address, **_):
        asked.append(address)
        raise OSError("no network")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    return asked


@pytest.mark.parametrize("seed", ["backwards", 1, 2])
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem[:2])
def test_cells_in_any_order_at_worst_miss_a_name_and_never_ask_the_network(chapter, seed, blank_films, asked):
    """Then, run in their order, all of them show what is stored."""
    first, *rest = cells(chapter)
    order = rest[::-1] if seed == "backwards" else random.Random(seed).sample(rest, len(rest))
    names, missed = {"__name__": "__main__"}, set()
    done(first[0], names)
    for source, _ in order:
        try:
            done(source, names)
        except NameError as why:
            missed |= {why.name}
    assert missed <= set().union(*(names_made(source) for source, _ in rest))
    for source, stored in (first, *rest):
        assert done(source, names) == stored, source
    assert not asked


# --- folders ----------------------------------------------------------------------------------------------------------

CHAPTER = ROOT / "notebooks" / "02_x86_huge_pages.ipynb"
EXECUTE = """
import os, sys, nbformat
from nbclient import NotebookClient
assert not any(os.access(path, os.W_OK) for path in (sys.argv[1], sys.argv[2], "."))
notebook = nbformat.read(sys.argv[1], as_version=4)
stored = [[out.get("text") or out.data["text/plain"] for out in cell.get("outputs", ())] for cell in notebook.cells]
NotebookClient(notebook, timeout=120, kernel_name="python3", extra_arguments=["--log-level=ERROR"],
               resources={"metadata": {"path": sys.argv[2]}}).execute()
streams = [out for cell in notebook.cells for out in cell.get("outputs", ()) if out.get("name") == "stderr"]
assert not streams, streams
told = [[out.get("text") or out.data["text/plain"] for out in cell.get("outputs", ())] for cell in notebook.cells]
join = lambda cells: ["".join(cell) for cell in cells]
assert join(told) == join(stored)
print("as stored")
"""


def environment(**more):
    found = {**os.environ, "PYTHONPATH": str(ROOT), "HVLIB_OBSERVE": "recorded", **more}
    return {name: value for name, value in found.items() if value is not None}


def run(*command, **settings):
    settings = {"capture_output": True, "text": True, "timeout": 180, "env": environment(), **settings}
    return subprocess.run(command, **settings)


ORDINARY = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner"] if os.geteuid() == 0 else []
"""In front of a command: root is stopped by no permission, unless it gives up the right to pass them by."""


@pytest.fixture
def read_only(tmp_path):
    """A copy of library and chapters that an ordinary user may read and not write, and a home that is not there."""
    for name in ("hvlib", "notebooks"):
        subprocess.run(["cp", "-r", ROOT / name, tmp_path], check=True)
    subprocess.run(["chmod", "-R", "a+rX,a-w", tmp_path], check=True)
    yield tmp_path
    subprocess.run(["chmod", "-R", "u+w", tmp_path], check=True)


@pytest.mark.skipif(bool(ORDINARY) and not shutil.which("setpriv"), reason="root without setpriv (util-linux)")
def test_everything_works_from_a_folder_that_may_not_be_written_without_a_home(read_only, tmp_path_factory):
    """Command line, and a chapter with its film; matplotlib's complaint about its own folder is not shown."""
    folder, home = read_only / "notebooks", str(read_only / "home")
    nowhere = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR", "IPYTHONDIR", "PYTHONPYCACHEPREFIX")
    bare = environment(PYTHONPATH=str(read_only), HOME=home, **dict.fromkeys(nowhere))
    record = GOOD.replace(str(ROOT), str(read_only))
    told = run(*ORDINARY, sys.executable, "-m", "hvlib", record, cwd=read_only, env=bare)
    assert (told.returncode, told.stderr) == (0, "")
    # Jupyter's own runtime folder must be somewhere; where it is, is not ours to say.
    jupyter = {"CONFIG": home, "DATA": home, "RUNTIME": str(tmp_path_factory.mktemp("runtime"))}
    bare |= {f"JUPYTER_{name}_DIR": where for name, where in jupyter.items()}
    command = [sys.executable, "-W", "ignore", "-c", EXECUTE, str(folder / CHAPTER.name), str(folder)]
    told = run(*ORDINARY, *command, cwd=read_only, env=bare)
    assert told.stdout == "as stored\n", told.stderr[-3000:]


# --- no Linux ---------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["Darwin", "Windows"])
def elsewhere(request, monkeypatch):
    """Another operating system, as far as the library looks: no /proc and no /sys."""
    monkeypatch.delenv("HVLIB_OBSERVE")
    monkeypatch.setattr(platform, "system", lambda: request.param)
    monkeypatch.setattr(sys, "platform", {"Darwin": "darwin", "Windows": "win32"}[request.param])

    def without_linux(real):
        def refused(file=".", *rest, **settings):
            if str(file).startswith(("/proc", "/sys")):
                raise FileNotFoundError(2, "No such file or directory", str(file))
            return real(file, *rest, **settings)

        return refused

    monkeypatch.setattr(io, "open", without_linux(io.open))
    monkeypatch.setattr(os, "listdir", without_linux(os.listdir))
    return request.param


def test_without_linux_the_record_answers_and_says_why(elsewhere):
    kernel = observe.here()
    assert kernel.origin.startswith(f"this machine: {elsewhere}")
    assert set(kernel.missing) == {"mem_total", "struct_page", "memmap_pages"}
    assert (kernel.struct_page, kernel.memmap_pages) == (64, 98304)
    for why in kernel.missing.values():
        assert why.endswith("does not exist here")
    told = hv.this_machine()
    assert "recorded below, because here nothing" in told, "a record's figure is not shown as this machine's"
    assert "Linux 6.18.44 x86_64" in told
    assert main(["here"]) == 0


def test_chapter_1_runs_without_linux_and_shows_the_recorded_figures(elsewhere, blank_films):
    names = {"__name__": "__main__"}
    told = "".join(done(source, names) for source, _ in cells(ROOT / "notebooks" / "01_struct_page.ipynb"))
    assert "recorded, because /proc/meminfo does not exist here" in told
    assert "98,304 pages of 4 KiB" in told


# --- a poor terminal --------------------------------------------------------------------------------------------------

POOR = {
    "TERM=dumb, 20 columns": {"TERM": "dumb", "COLUMNS": "20", "LINES": "1"},
    "ASCII only": {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    "LANG=C without UTF-8": {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "no TERM, no locale": {"TERM": None, "LANG": None, "LC_ALL": None},
    "an encoding for EBCDIC": {"PYTHONIOENCODING": "cp500", "PYTHONUTF8": "0"},
}


@pytest.fixture(scope="module")
def accented(tmp_path_factory):
    """A good record whose origin has letters that ASCII has not."""
    data = json.loads(Path(GOOD).read_text(encoding="utf-8"))
    file = tmp_path_factory.mktemp("records") / "linux-é.json"
    file.write_text(json.dumps({**data, "origin": "Línux 6.1 “ж” 🐧"}))
    return file


@pytest.mark.parametrize("terminal", POOR)
def test_a_poor_terminal_gets_all_lines_and_no_traceback(terminal, accented):
    for arguments, code in (([], 0), (["here"], 0), ([accented, "mißing 🐧"], 2), (["--ж"], 2)):
        told = run(sys.executable, "-m", "hvlib", *arguments, env=environment(**POOR[terminal]), text=False)
        assert told.returncode == code, told.stderr
        encoding = POOR[terminal].get("PYTHONIOENCODING", "utf-8")
        assert "Traceback" not in told.stderr.decode(encoding)
        assert len(told.stderr.decode(encoding).splitlines()) == (code == 2)
        if not code:
            assert told.stdout


@pytest.mark.parametrize("ending", ["| head -1", "| true", ">&-", "2>&-", ">/dev/full", "<&-"])
def test_output_that_goes_nowhere_makes_no_traceback(ending, accented):
    """A reader who leaves, a closed output, a full disk: at most one line, never a traceback."""
    command = f'"$0" -m hvlib "$1" "$1" {ending}'
    for buffered in ("", "1"):
        told = run("bash", "-c", command, sys.executable, str(accented), env=environment(PYTHONUNBUFFERED=buffered))
        assert "Traceback" not in told.stderr
        assert "Exception" not in told.stderr
        assert len(told.stderr.splitlines()) == (ending == ">/dev/full")
        assert told.returncode == (2 if ending == ">/dev/full" else 0)
