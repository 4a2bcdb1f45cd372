"""The command: what there is, the book copied and never over a reader's work, JupyterLab, and the wheel that has it."""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import hvlib
from hvlib import book, lab
from hvlib.cli import main
from hvlib.errors import BadInput

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Repository"].removeprefix("https://github.com/")
CHAPTER, GLOSSARY = "06_remap_to_page_1.ipynb", "glossary.md"
LAST = max(one.number or 0 for one in book.chapters())


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A book that a test may publish anew."""
    folder = tmp_path / "published"
    shutil.copytree(ROOT / "notebooks", folder, ignore=shutil.ignore_patterns("assignments", ".*"))
    monkeypatch.setattr(book, "source", lambda: folder)
    return folder


@pytest.fixture
def started(monkeypatch):
    """JupyterLab's command lines, instead of JupyterLab."""
    lines = []
    monkeypatch.setattr(lab, "start", lines.append)
    monkeypatch.setattr(lab, "trust", lambda notebooks: None)
    return lines


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != book.MANIFEST}


# --- what there is ----------------------------------------------------------------------------------------------------


def test_alone_it_says_what_there_is_on_one_screen(capsys):
    assert main([]) == 0
    said = capsys.readouterr().out
    assert len(said.splitlines()) <= 24, "more than a terminal's screen: say less in cli._overview"
    assert max(map(len, said.splitlines())) <= 80
    assert hvlib.__version__ in said
    for number, title in re.findall(r"\| (\d+) \| \[(.+?)\]", (ROOT / "README.md").read_text("utf-8")):
        assert re.search(rf"^ *{number}  {re.escape(title)}$", said, re.MULTILINE), title


def test_the_module_is_the_command():
    module, _, function = PROJECT["scripts"]["hvlib"].partition(":")
    ways = (["-m", "hvlib"], ["-c", f"import {module} as it; it.{function}()"])
    for line in ([], ["--version"], ["judge"]):
        told = [subprocess.run([sys.executable, *way, *line], capture_output=True, text=True, cwd=ROOT) for way in ways]
        assert len({(one.returncode, one.stdout, one.stderr) for one in told}) == 1
        assert told[0].returncode == (2 if line == ["judge"] else 0)


@pytest.mark.parametrize(
    ("word", "number"),
    [("06", 6), ("6", 6), ("0", 0), ("00", 0), ("12", 12), ("remap", 6), ("Eight pages", 5), (CHAPTER, 6),
     ("the bill", 9), ("FAKE", 7), ("concept", None)],
)  # fmt: skip
def test_a_chapter_is_found_by_number_name_or_word(word, number):
    assert book.chapter(word).number == number


def test_every_chapter_is_found_by_its_own_name_and_title():
    for one in book.chapters():
        assert book.chapter(one.name) == book.chapter(one.title) == one


@pytest.mark.parametrize("word", [str(LAST + 1), "", "page", "nix", "²", "9" * 5000, "../06", "\x1b[2J"])
def test_what_is_no_one_chapter_gets_a_sentence_and_the_list(word, capsys, started, tmp_path):
    assert main(["open", word, "--into", str(tmp_path / "x")]) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert f"choose a number from 0 to {LAST} or a word of one title, for example remap" in said.err
    assert "12  Your own fleet" in said.out
    assert not started
    assert not (tmp_path / "x").exists()


def test_a_misspelt_command_is_told_from_a_record(capsys):
    assert main(["opne"]) == 2
    assert "'opne' is not known; choose one of 'open', 'here', 'judge'" in capsys.readouterr().err


# --- copying ----------------------------------------------------------------------------------------------------------


def test_all_chapters_glossary_and_references_are_copied_byte_for_byte(tmp_path):
    into = tmp_path / "a folder" / "of mine"
    came = book.copy(into, "1")
    expected = {path.name: path.read_bytes() for path in (ROOT / "notebooks").iterdir() if path.is_file()}
    assert contents(into) == expected
    assert sorted(came.new) == sorted(expected)
    assert {GLOSSARY, "references.md", "concept_test.ipynb"} < set(expected)


def test_names_are_possible_on_every_system(tmp_path):
    book.copy(tmp_path, "1.0.0")
    for name in contents(tmp_path):
        assert re.fullmatch(r"[a-z0-9_]+\.(ipynb|md)", name)
        assert not re.match(r"(?i)(con|prn|aux|nul|com\d|lpt\d)\.", name)


def test_a_second_copy_changes_nothing(tmp_path):
    book.copy(tmp_path, "1")
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert book.copy(tmp_path, "1") == book.Copied()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == times


def test_what_the_reader_changed_stays_and_what_is_gone_comes_again(tmp_path, shelf):
    into = tmp_path / "mine"
    book.copy(into, "1")
    (into / CHAPTER).write_text("mine")
    (into / GLOSSARY).unlink()
    (into / "notes.txt").write_text("mine too")
    came = book.copy(into, "1")
    assert (came.new, came.renewed, came.kept, came.beside) == ([GLOSSARY], [], [CHAPTER], {})
    assert (into / CHAPTER).read_text() == "mine"
    assert (into / "notes.txt").read_text() == "mine too"


def test_an_upgrade_renews_only_what_nobody_touched(tmp_path, shelf):
    into = tmp_path / "mine"
    book.copy(into, "1.0")
    (into / CHAPTER).write_text("mine")
    for name in (CHAPTER, GLOSSARY):
        (shelf / name).write_text(f"{name} of 1.1")
    came = book.copy(into, "1.1")
    assert (came.renewed, came.kept) == ([GLOSSARY], [CHAPTER])
    assert came.beside == {CHAPTER: "06_remap_to_page_1-1.1.ipynb"}
    assert (into / CHAPTER).read_text() == "mine"
    assert (into / GLOSSARY).read_text() == "glossary.md of 1.1"
    assert (into / came.beside[CHAPTER]).read_text() == f"{CHAPTER} of 1.1"
    (into / came.beside[CHAPTER]).write_text("also mine")
    again = book.copy(into, "1.1")
    assert (again.kept, again.renewed, again.beside) == ([CHAPTER], [], {})
    (shelf / CHAPTER).write_text("another of 1.1")
    assert book.copy(into, "1.1").beside == {}
    assert (into / "06_remap_to_page_1-1.1.ipynb").read_text() == "also mine"
    (shelf / CHAPTER).write_text("of 1.2")
    assert book.copy(into, "1.2").beside == {CHAPTER: "06_remap_to_page_1-1.2.ipynb"}
    assert (into / CHAPTER).read_text() == "mine"


@pytest.mark.parametrize(
    "manifest", [None, "", "[]", "{", '{"files": 5}', '{"files": {"../x": "y"}}', "\0", "[" * 100_000]
)
def test_without_its_manifest_every_file_that_differs_is_the_readers(tmp_path, shelf, manifest):
    into = tmp_path / "mine"
    book.copy(into, "1.0")
    (into / book.MANIFEST).unlink()
    if manifest is not None:
        (into / book.MANIFEST).write_text(manifest)
    (shelf / GLOSSARY).write_text("of 1.1")
    before = (into / GLOSSARY).read_bytes()
    came = book.copy(into, "1.1")
    assert (came.kept, came.beside) == ([GLOSSARY], {GLOSSARY: "glossary-1.1.md"})
    assert (into / GLOSSARY).read_bytes() == before
    assert sorted(json.loads((into / book.MANIFEST).read_text())["files"]) == sorted(contents(shelf))


def test_a_copy_cut_short_is_finished_and_takes_nothing_for_the_readers(tmp_path, shelf, monkeypatch):
    into, write = tmp_path / "mine", book._write

    def failing(path, data):
        if path.name == GLOSSARY:
            raise KeyboardInterrupt
        write(path, data)

    monkeypatch.setattr(book, "_write", failing)
    with pytest.raises(KeyboardInterrupt):
        book.copy(into, "1")
    monkeypatch.setattr(book, "_write", write)
    assert book.copy(into, "1").kept == []
    (shelf / CHAPTER).write_text("of 1.1")
    assert book.copy(into, "1.1").renewed == [CHAPTER]


@pytest.mark.parametrize("place", ["file", "file/below", "folder"])
def test_a_place_that_cannot_be_written_gets_a_sentence(tmp_path, place, capsys, started):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder" / CHAPTER).mkdir(parents=True)
    assert main(["open", "--into", str(tmp_path / place)]) == 2
    assert re.fullmatch(
        r"The book cannot be copied to '.* \(.*\); choose a folder of your own.*\n", capsys.readouterr().err
    )
    assert not started


def test_a_folder_without_permission_gets_a_sentence(tmp_path, monkeypatch):
    def refused(path, data):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(book, "_write", refused)
    with pytest.raises(BadInput, match=r"\(Permission denied\); choose a folder of your own"):
        book.copy(tmp_path, "1")


def test_no_chapters_at_all_gets_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(book, "__file__", str(tmp_path / "hvlib" / "book.py"))
    with pytest.raises(BadInput, match="install it again"):
        book.source()


# --- JupyterLab -------------------------------------------------------------------------------------------------------


def test_it_opens_the_chapter_in_the_readers_folder(tmp_path, monkeypatch, started, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["open", "06", "--no-browser", "--", "--port=8899"]) == 0
    (line,) = started
    assert f"--ServerApp.root_dir={tmp_path / 'hvlib-book'}" in line
    assert f"--LabApp.default_url=/lab/tree/{CHAPTER}" in line
    assert line[-2:] == ["--no-browser", "--port=8899"]
    assert (tmp_path / "hvlib-book" / CHAPTER).exists()
    assert str(tmp_path / "hvlib-book") in capsys.readouterr().out


def test_it_says_what_is_the_readers_and_what_is_beside(tmp_path, shelf, started, capsys):
    into = tmp_path / "mine"
    book.copy(into, "0.9")
    for name in (CHAPTER, GLOSSARY):
        (shelf / name).write_bytes((shelf / name).read_bytes().replace(b"\n", b"\n\n", 1))
    (into / CHAPTER).write_text("mine")
    assert main(["open", "--into", str(into)]) == 0
    said = capsys.readouterr().out
    assert f"as hvlib had copied them: {GLOSSARY}." in said
    assert f"left as they are: {CHAPTER}." in said
    assert f"beside it, in 06_remap_to_page_1-{hvlib.__version__}.ipynb." in said


@pytest.mark.parametrize("user", [0, 1000, None])
def test_root_is_allowed_and_nobody_else_need_be(user, monkeypatch):
    if user is None:
        monkeypatch.delattr(os, "geteuid", raising=False)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    line = lab.arguments(Path("x"), CHAPTER, browser=True)
    assert ("--allow-root" in line) == (user == 0)
    assert "--no-browser" not in line


def test_without_jupyterlab_it_says_what_to_install_and_copies_only_if_asked(tmp_path, monkeypatch, started, capsys):
    monkeypatch.setattr(lab, "find_spec", lambda name: None)
    assert main(["open", "--into", str(tmp_path / "x")]) == 2
    assert "pip install 'hvlib[lab]'" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
    assert main(["open", "--into", str(tmp_path / "x"), "--copy-only"]) == 0
    assert (tmp_path / "x" / CHAPTER).exists()
    assert not started


def test_only_what_is_as_it_came_is_trusted(tmp_path, monkeypatch):
    book.copy(tmp_path, "1")
    (tmp_path / CHAPTER).write_text("mine")
    names = {path.name for path in book.untouched(tmp_path)}
    assert names == {path.name for path in (ROOT / "notebooks").glob("*.ipynb")} - {CHAPTER}


# --- the wheel --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from this checkout, or from an unpacked source distribution, without network."""
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.mark.wheel
def test_the_wheel_has_the_package_and_the_chapters_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0] for name in names} == {"hvlib", f"hvlib-{hvlib.__version__}.dist-info"}
    package = {path.relative_to(ROOT).as_posix() for path in (ROOT / "hvlib").rglob("*")
               if path.is_file() and "__pycache__" not in path.parts}  # fmt: skip
    chapters = {f"hvlib/chapters/{path.name}" for path in (ROOT / "notebooks").iterdir()
                if path.suffix in (".ipynb", ".md")}  # fmt: skip
    assert {name for name in names if name.startswith("hvlib/")} == package | chapters


@pytest.mark.wheel
def test_the_readme_on_pypi_leads_to_this_version_on_github(wheel):
    """There a link without an address leads nowhere."""
    files = zipfile.ZipFile(wheel)
    (name,) = (name for name in files.namelist() if name.endswith(".dist-info/METADATA"))
    _, _, text = files.read(name).decode().partition("\n\n")
    assert text.startswith("# hvlib\n")
    links = re.findall(r"\]\(([^)#]+)", text)
    assert [link for link in links if not link.startswith("https://")] == []
    own = rf"https://(?:github\.com/{REPOSITORY}/blob|raw\.githubusercontent\.com/{REPOSITORY})/v{hvlib.__version__}/"
    led = [re.sub(own, "", link) for link in links if re.match(own, link)]
    assert len(led) > 20
    assert [path for path in led if not (ROOT / path).exists()] == []
    (image,) = re.findall(r"!\[[^\]]+\]\((https://raw[^)]+\.svg)\)", text)
    assert image.endswith("/book/remap.svg")


@pytest.mark.long
@pytest.mark.wheel
def test_installed_in_an_environment_of_its_own_it_copies_its_own_chapters(wheel, tmp_path):
    """What hvlib needs comes from the environment of the tests, by way of a .pth file; hvlib itself from the wheel."""
    pytest.importorskip("ensurepip", reason="no ensurepip here (Debian: apt install python3-venv)")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    scripts = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin")
    bare = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    subprocess.run(
        [scripts / "python", "-m", "pip", "install", "-q", "--no-index", "--no-deps", wheel], check=True, env=bare,
        cwd=tmp_path,
    )  # fmt: skip
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = [Path(subprocess.check_output([python, "-c", where], text=True, env=bare, cwd=tmp_path).strip())
                for python in (scripts / "python", sys.executable)]  # fmt: skip
    (packages[0] / "needed.pth").write_text(f"{packages[1]}\n")
    for _ in range(2):
        done = subprocess.run(
            [scripts / "hvlib", "open", "06", "--copy-only", "--into", "my book"], cwd=tmp_path, env=bare, text=True,
            capture_output=True,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        (tmp_path / "my book" / CHAPTER).write_text("mine")
    assert f"left as they are: {CHAPTER}." in done.stdout
    assert len(list((tmp_path / "my book").glob("*.ipynb"))) == 14
    told = subprocess.check_output([scripts / "python", "-c", "import hvlib; print(hvlib.__file__)"], env=bare,
                                   cwd=tmp_path, text=True)  # fmt: skip
    assert Path(told.strip()).is_relative_to(packages[0])


# --- seen -------------------------------------------------------------------------------------------------------------


@pytest.mark.beside
@pytest.mark.browser
@pytest.mark.skipif(os.name == "nt", reason="Windows has no interrupt that one process can send to another")
def test_the_command_leads_to_a_live_panel_and_ends_at_one_interrupt(tmp_path, browser):
    import signal

    from tools import jupyterlab as tools

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(8)
    own = {f"JUPYTER_{name}_DIR": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    own |= {"IPYTHONDIR": str(tmp_path / "ipython"), "PYTHONPATH": str(ROOT), "HVLIB_OBSERVE": "recorded",
            "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"), "PYTHONUNBUFFERED": "1",
            "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces")}  # fmt: skip
    flags = [f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}",
             "--LabApp.expose_app_in_browser=True"]  # fmt: skip
    with (tmp_path / "log").open("w+") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "hvlib", "open", "remap", "--into", "my book", "--no-browser", "--", *flags],
            cwd=tmp_path, env=os.environ | own, stdout=log, stderr=log,
            # who runs the tests in the background of a shell has interrupts ignored, and the command would inherit that
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        try:
            tools.wait(f"http://127.0.0.1:{port}/api/status?token={token}", server, tmp_path / "log")
            page = browser.new_page(viewport={"width": 1300, "height": 1000})
            page.goto(f"http://127.0.0.1:{port}/?token={token}")
            page.wait_for_function(tools.IDLE, timeout=90_000, polling=100)
            page.evaluate("() => void jupyterapp.commands.execute('notebook:run-all-cells')")
            panel = page.locator(".hv-panel").first
            panel.locator("svg[role=img]").wait_for(timeout=120_000)
            slider, before = panel.get_by_role("slider").last, panel.get_attribute("data-frame")
            slider.evaluate(
                "e => { e.value = e.value === e.max ? e.min : e.max; e.dispatchEvent(new Event('input')); }"
            )
            assert panel.get_attribute("data-frame") != before
            page.close()
            server.send_signal(signal.SIGINT)
            assert server.wait(30) == 0
        finally:
            server.kill()
        assert "Traceback" not in (tmp_path / "log").read_text("utf-8")
