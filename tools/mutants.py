"""Break the engine on purpose, one place at a time, and see which witness notices.

    python -m tools.mutants                 every mutant of tests/mutants.toml; book/mutants.json and book/mutants.md
    python -m tools.mutants --only hvo ask  those of some modules; the rest of the table stays
    python -m tools.mutants --some 12       a dozen, each of another module; writes nothing, fails if one survives
    python -m tools.mutants --render        the page again, from book/mutants.json

Three witnesses, each asked alone: the unit tests, the records of real kernels (`python -m hvlib`), and the chapters
under strict nbval. And one yardstick: whether anything changes that a reader sees, in chapters or elsewhere
(tools/seen.py).
Exit 1 if a mutant survives everything and is not called equivalent.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any

ROOT = Path(__file__).parents[1]
DATA, RESULTS, PAGE = ROOT / "tests" / "mutants.toml", ROOT / "book" / "mutants.json", ROOT / "book" / "mutants.md"
LIMIT = 600
"""Seconds; a mutant that makes a witness run for longer has been noticed."""
OWN = {"errors": "units", "terminal": "hostile", "scene": "draw", "svg": "draw", "mapping": "draw", "filling": "draw",
       "quiz": "ask", "hvo": "machine", "events": "machine", "schemes": "witnesses", "report": "observe",
       "cli": "trial", "book": "command", "lab": "command", "film": "explore", "remap": "explore",
       "ch06": "ask", "btf": "observe", "costs": "coverage", "homework": "grading", "layout": "geometry",
       "hand_facts": "by_hand", "cpus": "kernel_game", "kernel_rules": "kernel_game",
       "kernel_words": "kernel_game"}  # fmt: skip
"""Module -> its own tests, where they are not called after it."""
RUNS = ("not slow and not beside", "slow and not beside")
"""Marks of the unit tests of the engine, the quick ones first."""
OWN_MARKS = "not (browser or book or grading or lab or hub or notebook7 or wheel)"
"""Marks of what a copy can run of the module's own tests."""
CORE = ("geometry", "invariants", "machine", "structpage", "vmemmap", "witnesses")
"""Asked next: what they notice is noticed soonest."""
WITNESSES = ("unit", "records", "notebooks")
TITLES = {"unit": "unit tests", "records": "records of kernels", "notebooks": "notebooks alone"}


@dataclass
class Mutant:
    """One place in ``hvlib/module.py`` and what stands there instead; ``chapter`` is the notebook to ask first.

    ``by``: the one test file that must notice, whatever else does.
    """

    module: str
    was: str
    becomes: str
    what: str
    chapter: str = ""
    equivalent: str = ""
    by: str = ""

    @property
    def key(self) -> str:
        """What names it in the results."""
        return f"{self.module}: {self.was} -> {self.becomes}"

    @property
    def file(self) -> str:
        """The module's file, below the root."""
        return f"hvlib/{self.module}.py"

    def text(self, whole: str) -> str:
        """The module, now ``whole``, as it is broken. Raises `SystemExit` if its place has moved."""
        if whole.count(self.was) != 1:
            sys.exit(f"{self.file} has {self.was!r} {whole.count(self.was)} times; a mutant needs a place of its own.")
        return whole.replace(self.was, self.becomes)


def chosen() -> list[Mutant]:
    """The mutants of tests/mutants.toml."""
    return [Mutant(**entry) for entry in tomllib.loads(DATA.read_text("utf-8"))["mutant"]]


def in_turn(mutants: list[Mutant]) -> list[Mutant]:
    """The first mutant of every module, then the second, and so on; those that a chapter is named for come first."""
    seen_of: Counter[str] = Counter()
    turn = {}
    for mutant in mutants:
        turn[mutant.key] = seen_of[mutant.module]
        seen_of[mutant.module] += 1
    return sorted(mutants, key=lambda m: (not m.chapter, turn[m.key]))


# --- a copy to break -------------------------------------------------------------------------------------------------


class Copy:
    """A copy of the project in which one mutant at a time stands."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hvlib-mutant-"))
        names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in names.splitlines():
            if (ROOT / name).is_file():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.folder / name)
        self.sound: dict[str, str] = {}
        self.chosen: dict[str, list[str]] = {}
        subprocess.run([sys.executable, "-m", "compileall", "-q", "hvlib"], cwd=self.folder, check=True)
        if not all(map(self.files, RUNS)):
            sys.exit("pytest finds no unit tests by their marks (pyproject.toml); mend that first.")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str] | None:
        """Python in the copy; `None` if it did not come to an end."""
        # The broken module may be as long as the sound one and as old: no compiled file of it may be left.
        env = {**os.environ, "PYTHONPATH": str(self.folder), "HVLIB_OBSERVE": "recorded",
               "PYTHONDONTWRITEBYTECODE": "1", "CI": "1", "MPLBACKEND": "agg"}  # fmt: skip
        try:
            return subprocess.run([sys.executable, *arguments], cwd=self.folder, env=env, timeout=LIMIT,
                                  capture_output=True, text=True, check=False)  # fmt: skip
        except subprocess.TimeoutExpired:
            return None

    def files(self, marks: str) -> list[str]:
        """The files that have tests with these marks, as they were collected when the engine was sound."""
        if marks not in self.chosen:
            done = self.run("-m", "pytest", "-qq", "-o", "addopts=", "--collect-only", "-m", marks, "tests")
            found = set(re.findall(r"^tests/test_(\w+)\.py", done.stdout if done else "", re.MULTILINE))
            names = sorted(found, key=lambda name: (name not in CORE, name))
            self.chosen[marks] = [f"tests/test_{name}.py" for name in names]
        return self.chosen[marks]

    def put(self, mutant: Mutant | None, file: str) -> None:
        """Let ``mutant`` stand in the copy, or the sound module again."""
        place = self.folder / file
        sound = self.sound.setdefault(file, place.read_text("utf-8"))
        place.write_text(mutant.text(sound) if mutant else sound, "utf-8")
        for old in (place.parent / "__pycache__").glob(f"{place.stem}.*.pyc"):
            old.unlink()

    def remove(self) -> None:
        """Delete the copy."""
        shutil.rmtree(self.folder)


# --- the witnesses ----------------------------------------------------------------------------------------------------


PYTEST = ("-m", "pytest", "-q", "-x", "-o", "addopts=", "-p", "no:cacheprovider", "-p", "no:xdist")


def unit(copy: Copy, mutant: Mutant) -> str:
    """The first unit test that fails, or nothing: the module's own are asked first, then the quick ones of all.

    Of a mutant that one file must notice, that file's alone.
    """
    stem = mutant.module.split("/")[-1]
    if mutant.by:
        return _first_failure(copy, *PYTEST, f"tests/test_{mutant.by}.py")
    own = copy.folder / "tests" / f"test_{OWN.get(stem, stem)}.py"
    if own.exists() and (failed := _first_failure(copy, *PYTEST, "-m", OWN_MARKS, f"tests/{own.name}")):
        return failed
    for marks in RUNS:
        if failed := _first_failure(copy, *PYTEST, "-m", marks, *copy.files(marks)):
            return failed
    return ""


def records(copy: Copy, mutant: Mutant) -> str:
    """The first record of a real kernel that contradicts the model, or nothing."""
    files = sorted(copy.folder.glob("hvlib/kernels/data/linux-*.json"))
    done = copy.run("-m", "hvlib", *map(str, files))
    if done is None:
        return "does not end"
    if done.returncode == 0 and done.stdout.count("expectations hold") == len(files):
        return ""
    release, found = "", re.search(r"BREAKS (.*)", done.stdout)
    for line in done.stdout.splitlines():
        if "expectations hold" in line:
            release = line.split(",")[0]
        if "BREAKS" in line:
            return f"{release}: {found[1].split(':')[0] if found else ''}"
    return (done.stderr.strip().splitlines() or ["fails"])[-1][:70]


def notebooks(copy: Copy, mutant: Mutant) -> str:
    """The first chapter that fails strict nbval, or nothing."""
    files = sorted((copy.folder / "notebooks").glob("*.ipynb"))
    files.sort(key=lambda file: not (mutant.chapter and file.name.startswith(mutant.chapter)))
    nbval = (*PYTEST[:-2], "--nbval", "--nbval-current-env", "--nbval-cell-timeout=60")
    for some in (files[:1], files[1:]):
        failed = _first_failure(copy, *nbval, *map(str, some))
        if failed:
            return failed
    return ""


def _first_failure(copy: Copy, *arguments: str) -> str:
    done = copy.run(*arguments)
    if done is None:
        return "does not end"
    if done.returncode == 0:
        return ""
    found = re.search(
        r"^(?:FAILED|ERROR) (?:\S*/)?(\S+?\.(?:py|ipynb))(?:::(\S+(?: \d+)?))?", done.stdout, re.MULTILINE
    )
    if not found:
        return "stops" if done.returncode in (2, 3, 4) or "Error" in done.stdout else f"exit {done.returncode}"
    return f"{found[1].removesuffix('.py').removesuffix('.ipynb')}: {(found[2] or 'import')[:60]}"


def seen(copy: Copy) -> dict[str, str]:
    """Digest of every part that a reader sees; one that cannot be made is a change as well."""
    done = copy.run("-m", "tools.seen")
    return json.loads(done.stdout) if done and done.returncode == 0 else {}


def examine(copies: Queue[Copy], sound: dict[str, str], mutant: Mutant) -> dict[str, Any]:
    """What each witness says of a mutant, and whether anything changes that a reader sees, wherever it is."""
    copy = copies.get()
    try:
        copy.put(mutant, mutant.file)
        told = {witness.__name__: witness(copy, mutant) for witness in (unit, records, notebooks)}
        if not told["notebooks"]:
            now = seen(copy)
            return {**told, "seen": any(now.get(part) != sound[part] for part in sound)}
        return {**told, "seen": True}
    finally:
        copy.put(None, mutant.file)
        copies.put(copy)


# --- all of them ------------------------------------------------------------------------------------------------------


def examine_all(mutants: list[Mutant], jobs: int, *, sound_before: bool) -> Iterator[tuple[Mutant, dict[str, Any]]]:
    """Each mutant with what was found, as they are done; progress goes to the terminal."""
    copies: Queue[Copy] = Queue()
    every = [Copy() for _ in range(jobs)]
    try:
        print("the sound engine first: it must pass, or nothing that follows would mean anything", flush=True)
        nothing = Mutant("units", "", "", "")
        with ThreadPoolExecutor(jobs) as pool:
            witnesses = () if sound_before else (unit, notebooks, records)
            told = list(pool.map(lambda w: (w.__name__, w(every[0], nothing)), witnesses))
            sound = seen(every[0])
            wrong = [f"{name}: {failed}" for name, failed in told if failed]
            if wrong or not sound:
                sys.exit(f"the sound engine does not pass ({', '.join(wrong) or 'tools/seen.py'}); mend that first.")
            for copy in every:
                copies.put(copy)
            begin = time.monotonic()
            waiting = {pool.submit(examine, copies, sound, mutant): mutant for mutant in mutants}
            for done, future in enumerate(as_completed(waiting), 1):
                mutant, found = waiting[future], future.result()
                marks = " ".join(f"{name} {'x' if found[name] else '-'}" for name in WITNESSES)
                rest = (time.monotonic() - begin) / done * (len(mutants) - done) / 60
                print(
                    f"{done:4}/{len(mutants)} {rest:4.0f} min left  {marks}  {mutant.module}: {mutant.what}", flush=True
                )
                yield mutant, found
    finally:
        for copy in every:
            copy.remove()


def survivors(mutants: list[Mutant], results: dict[str, Any]) -> list[Mutant]:
    """Those that no witness noticed, or not the test that must, and that are not called equivalent."""
    return [
        m for m in mutants
        if m.key in results and not m.equivalent
        and not any(results[m.key][name] for name in (("unit",) if m.by else WITNESSES))
    ]  # fmt: skip


def render(mutants: list[Mutant], results: dict[str, Any]) -> str:
    """The page: how many each witness noticed, every mutant, and those that nothing noticed with the reason."""
    waiting = [m for m in mutants if m.key not in results]
    mutants = [m for m in mutants if m.key in results]
    real = [m for m in mutants if not m.equivalent]
    shown = [m for m in real if results[m.key]["seen"]]
    by = {name: sum(bool(results[m.key][name]) for m in real) for name in WITNESSES}
    alone = sum(bool(results[m.key]["notebooks"]) for m in shown)
    paragraphs = (
        "A test is worth what it notices. Each row breaks one place of the engine, and three witnesses are asked, each "
        "by itself: the unit tests, the records of real kernels, and the chapters as they stand, under strict nbval. "
        "`make mutants` makes this page again.",
        f"{len(real)} mutants of {len({m.module for m in real})} modules. Noticed by the unit tests: {by['unit']}; by "
        f"the records of real kernels: {by['records']}; by the notebooks alone: {by['notebooks']}; by nothing: "
        f"{len(survivors(mutants, results))}.",
        f"{len(shown)} of them change something that a reader sees: an output of a chapter, the text of any state of a "
        "panel, a question with any numbers, a report of a record. The notebooks alone notice "
        f"{alone} of these, {100 * alone / max(len(shown), 1):.0f} %.",
    )
    lines = ["# The engine broken on purpose", "", "<!-- generated by tools/mutants.py -->", ""]
    for paragraph in paragraphs:
        lines += [*textwrap.wrap(paragraph, 118, break_on_hyphens=False), ""]
    modules = list(dict.fromkeys(m.module for m in mutants))
    for module in modules:
        lines += [
            f"## {module}",
            "",
            f"| what is broken | {' | '.join(TITLES.values())} | reader sees |",
            "|---|---|---|---|---|",
        ]
        for m in mutants:
            if m.module == module:
                cells = [_cell(_words(results[m.key][name])) for name in WITNESSES]
                lines.append(f"| {_cell(m.what)} | {' | '.join(cells)} | {'yes' if results[m.key]['seen'] else 'no'} |")
        lines.append("")
    same = [m for m in mutants if m.equivalent]
    if same:
        lines += ["## Equivalent", "", "Nothing can notice these, because nothing changes."]
        lines += ["", *(f"- `{m.module}`: {m.what}. {m.equivalent}" for m in same), ""]
    if waiting:
        lines += ["## Not examined yet", "", f"{len(waiting)} more wait for `make mutants`:", ""]
        lines += [*(f"- `{m.module}`: {m.what}" for m in waiting), ""]
    return "\n".join(lines)


def _words(found: str) -> str:
    """The name of a test or a chapter as words, which a narrow column can break."""
    return re.sub(r"\btest_|\[.*", "", found).replace("_", " ")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*") or "-"


def main(arguments: list[str]) -> int:
    """Examine what was asked for; see the module's text."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", nargs="+", metavar="MODULE", help="mutants of these modules")
    parser.add_argument("--some", type=int, metavar="N", help="N mutants, each of another module; write nothing")
    parser.add_argument(
        "--missing", action="store_true", help="go on with a run that was stopped: those without a result"
    )
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 8))
    parser.add_argument("--render", action="store_true", help="only write the page again")
    asked = parser.parse_args(arguments)
    mutants = chosen()
    known = {m.key for m in mutants}
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    results = {key: value for key, value in results.items() if key in known}
    keep = not asked.some
    if not asked.render:
        todo = [m for m in mutants if not asked.only or m.module in asked.only]
        todo = [m for m in todo if not asked.missing or m.key not in results]
        todo = in_turn(todo)[: asked.some]
        fresh: dict[str, Any] = {}
        for mutant, found in examine_all(todo, asked.jobs, sound_before=asked.missing):
            fresh[mutant.key] = found
            if keep:
                results = {m.key: {**results, **fresh}[m.key] for m in mutants if m.key in {**results, **fresh}}
                RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
        alive = survivors(todo, fresh)
    else:
        alive = survivors(mutants, results)
    if keep:
        PAGE.write_text(render(mutants, results), "utf-8")
    for mutant in alive:
        print(f"SURVIVES  {mutant.module}: {mutant.what}\n    - {mutant.was}\n    + {mutant.becomes}")
    print(f"{len(alive)} survive" if alive else "none survives")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
