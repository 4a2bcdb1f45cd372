"""Grade a folder of hand-ins: find them, run each behind the wall, judge, and write down what came of it.

Layout, as nbgrader's: ``HAND_INS/<student>/<set>/<set>.ipynb``; `grading.collect` makes it from what an LMS delivers.
Whatever one hand-in does, the others are graded and the results written.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import hvlib
from hvlib.errors import BadInput, quoted
from hvlib.teaching.homework import student_id

from . import report, sets, words
from .collect import collected
from .record import Entry, Record
from .run import Asked, Outcome, contents, run
from .score import Result, score
from .tasks import Course
from .wall import Limits, Wall


@dataclass(frozen=True)
class HandIn:
    """One file to be graded; ``path`` is `None` where there is none. ``handed_in`` is a time (ISO 8601) or nothing.

    ``doubts`` are for the teacher to settle; ``notes`` stand with the marks, and have them too.
    """

    student: str
    path: Path | None
    handed_in: str = ""
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    def doubted(self, sentence: str) -> HandIn:
        """The same with one doubt more."""
        return replace(self, notes=(*self.notes, sentence), doubts=(*self.doubts, sentence))


OF_PROGRAMS = (".ipynb_checkpoints", ".before", ".DS_Store", ".git")
"""What programs leave among hand-ins."""
MOST_LOOKED_AT = 1000
"""How much of a folder is gone through in search of a notebook that is not where it should be."""


def hand_ins(
    folder: Path, problem_set: str, shard: tuple[int, int] = (1, 1), tell: Callable[[str], None] = lambda _: None
) -> list[HandIn]:
    """The hand-ins of a set in order; of several shards only those of this one. Raises `BadInput`.

    ``tell`` is told what is nobody's hand-in.
    """
    if not folder.is_dir():
        raise BadInput(
            f"{quoted(str(folder))} is no folder of hand-ins; choose one that has a folder for each student."
        )
    number, of = shard
    if not 1 <= number <= of:
        raise BadInput(f"shard {number}/{of} is none; write for example 2/4, the second of four.")
    told = {words.file_name(student): row for student, row in collected(folder / f"{problem_set}.csv").items()}
    found: dict[str, list[tuple[str, HandIn]]] = {}
    passed = list[str]()
    for place in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if not place.is_dir(follow_symlinks=False) or place.name.startswith("."):
            if place.name not in OF_PROGRAMS and not place.name.lower().endswith(".csv"):
                kind = "a link" if place.is_symlink() else "hidden" if place.name.startswith(".") else "no folder"
                passed.append(f"'{words.plain(place.name, 80)}' is passed over: it is {kind}, and no student's")
            continue
        one = _in_folder(Path(place.path), problem_set)
        if (row := told.get(place.name)) is not None:
            kept = [note for note in one.notes if note != NO_ID] + [row["notes"]] * bool(row["notes"])
            doubts = tuple(doubt for doubt in one.doubts if doubt != NO_ID)
            doubts += (row["notes"],) if row["notes"] and one.path is None else ()
            one = HandIn(row["student"], one.path, row["handed_in"], tuple(kept), doubts)
        found.setdefault(one.student, []).append((place.name, one))
    settled = {student: _settled(student, folders) for student, folders in found.items()}
    if not any(one.path for one in settled.values()):
        unsettled = [*(doubt for one in settled.values() for doubt in one.doubts), *passed]
        raise BadInput(
            f"nobody handed in {problem_set} in {quoted(str(folder))}: there is no "
            f"STUDENT/{problem_set}/{problem_set}.ipynb{''.join(f' ({doubt})' for doubt in unsettled[:1])}; "
            "for what an LMS delivered write first, for example, grading collect FILE --roster class.csv."
        )
    for sentence in passed:
        tell(sentence)
    return [settled[name] for name in sorted(settled)][number - 1 :: of]


def _settled(student: str, folders: Sequence[tuple[str, HandIn]]) -> HandIn:
    """Which of several folders counts for a student: the one that is spelled like the id, or the only one with a file.

    Where that does not tell, none does, and the teacher is asked: any of them may be somebody else's.
    """
    handed = [(name, one) for name, one in folders if one.path is not None]
    exact = [(name, one) for name, one in handed if name == student]
    name, chosen = (exact or handed or folders)[0]
    if len(folders) == 1:
        return chosen
    names = ", ".join(quoted(other) for other, _ in folders if other != name)
    if exact or len(handed) < 2:
        return chosen.doubted(f"there are other folders for this id, not graded: {names}")
    return HandIn(student, None).doubted(
        f"not graded: several folders are for this id; keep one of {quoted(name)}, {names}"
    )


NO_ID = "the folder's name is no student id (too long, or with letters that do not print); rename it"


def _in_folder(folder: Path, problem_set: str) -> HandIn:
    """What a student's folder has of a set: links are not followed, and whatever is not quite in its place is said."""
    name = folder.name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    try:
        one = HandIn(student_id(name), None)
    except BadInput:
        one = HandIn(_in_place_of(name), None).doubted(NO_ID)
    same = [place for place in _listed(folder) if place.name.casefold() == problem_set.casefold()]
    same.sort(key=lambda place: place.name != problem_set)  # as it is spelled comes first
    linked = [place for place in same if place.is_symlink()]
    same = [place for place in same if place.is_dir() and not place.is_symlink()]
    for place in linked:
        one = one.doubted(f"'{words.plain(place.name, 80)}' is a link, which is not followed")
    for place in same:
        if os.path.lexists(exact := place / f"{problem_set}.ipynb"):
            return replace(one, path=exact)
    for place in (*same, folder):
        near = [path for path in _listed(place) if path.suffix.lower() == ".ipynb" and not path.is_symlink()]
        if len(near) == 1:
            found = f"found '{words.plain(near[0].name, 80)}', expected {problem_set}.ipynb"
            return replace(one, path=near[0], notes=(*one.notes, found))
        if near:
            named = [path for path in near if problem_set in path.name.lower()] or near
            newest = max(named, key=lambda path: path.stat().st_mtime)
            took = f"took '{words.plain(newest.name, 80)}'"
            return replace(one, path=newest).doubted(f"{len(near)} notebooks, and none is {problem_set}.ipynb; {took}")
    for other in _elsewhere(folder):
        if other.parent.name != other.stem:  # nor another set in its place
            there = words.plain(other.as_posix(), 120)
            return one.doubted(f"not handed in, but there is '{there}'; expected {problem_set}/{problem_set}.ipynb")
    return replace(one, notes=(*one.notes, "not handed in"))


def _in_place_of(name: str) -> str:
    """An id for a folder whose name is none: the name made plain, or a piece of it and its digest."""
    text = words.plain(name, 60)
    try:
        student_id(text)
    except BadInput:  # nothing but blanks, or letters that are more when capitals make no difference
        return f"{words.plain(name, 12)}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return text


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _elsewhere(folder: Path) -> Iterator[Path]:
    """The notebooks anywhere below a folder, but for the attempts that `grading.collect` keeps."""
    looked = 0
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in (*OF_PROGRAMS, "attempts")]
        for name in names:
            if name.lower().endswith(".ipynb"):
                yield Path(place, name).relative_to(folder)
        if (looked := looked + 1 + len(names)) > MOST_LOOKED_AT:
            return


def asked(course: Course, problem_set: str) -> Asked:
    """What the notebooks of a set are asked for."""
    keyed = course.sets[problem_set].keyed
    return Asked(
        tuple(task.name for task, key in keyed if key.read is not None),
        tuple(task.name for task, key in keyed if key.read is None),
        *sets.cells(course, problem_set),
    )


@dataclass
class Run:
    """How hand-ins are run: behind which wall, with which limits, how many at a time, and who is told."""

    wall: Wall
    limits: Limits = Limits()  # noqa: RUF009  (frozen)
    jobs: int | None = None
    tell: Callable[[str], None] = lambda _: None


def grade(
    course: Course, problem_set: str, handed: Sequence[HandIn], record: Record, how: Run, *, again: bool = False
) -> int:
    """Run what was not run before, and write each outcome down at once; returns how many failed for reasons of ours."""
    before, started, cpu = record.entries(), time.perf_counter(), 0.0
    asks, done, failed = asked(course, problem_set), 0, 0

    def one(hand_in: HandIn, anew: bool = again) -> Entry | None:
        try:
            return _entry(course, problem_set, hand_in, asks, how, None if anew else before.get(hand_in.student))
        except Exception as why:
            return Entry(hand_in.student, f"failed: {words.plain(repr(why), 200)}", Outcome(remarks=["not graded"]))

    def kept(entry: Entry) -> None:
        nonlocal failed
        if entry.digest.startswith("failed: "):
            failed += 1
            how.tell(f"\n{entry.student}: {entry.digest}\n")
        record.add(entry)

    jobs, hurried = how.jobs or os.cpu_count() or 1, []
    with ThreadPoolExecutor(jobs) as pool:
        for hand_in, entry in zip(handed, pool.map(one, handed), strict=True):
            done += 1
            if entry is not None:
                kept(entry)
                cpu += entry.outcome.cpu
                if jobs > 1 and entry.outcome.hurried:
                    hurried.append(hand_in)
            how.tell(f"\r{done}/{len(handed)} run")
    for number, hand_in in enumerate(hurried):  # what ran beside it may have taken its time
        how.tell(f"\r{number + 1}/{len(hurried)} that ran out of time, again and alone")
        entry = one(hand_in, anew=True)
        assert entry is not None
        kept(entry)
    each = f"{cpu / max(len(handed), 1):.2f} CPU seconds each"
    how.tell(f"\r{len(handed)} run in {time.perf_counter() - started:.1f} s, {each}\n")
    return failed


def _entry(
    course: Course, problem_set: str, hand_in: HandIn, asks: Asked, how: Run, before: Entry | None
) -> Entry | None:
    """What came of a hand-in; `None` if it was run before and nothing has changed."""
    asks = replace(asks, released={**asks.released, **sets.put(course, problem_set, hand_in.student)})
    raw, notes, digest = _read(course, hand_in, asks)
    if before is not None and before.digest == digest and before.handed_in == hand_in.handed_in:
        return None
    outcome = run(raw, hand_in.student, asks, how.wall, how.limits) if raw else Outcome()
    return Entry(hand_in.student, digest, outcome, hand_in.handed_in, notes)


def _read(course: Course, hand_in: HandIn, asks: Asked) -> tuple[bytes, tuple[str, ...], str]:
    """What lies there, the notes on it, and a digest of all that its outcome follows from."""
    try:
        raw = contents(hand_in.path) if hand_in.path is not None else b""
        notes = hand_in.notes
    except ValueError as why:
        raw, notes = b"", (*hand_in.notes, str(why))
    about = f"{hand_in.student} {hvlib.__version__} {course.salt} {asks} {notes}".encode("utf-8", "backslashreplace")
    return raw, notes, hashlib.sha256(about + raw).hexdigest()


def waiting(course: Course, folder: Path, record: Record) -> dict[str, bool]:
    """Whose hand-in is not graded as it lies there now, and whether it never was."""
    name = record.assignment.name
    asks, graded, found = asked(course, name), record.entries(), dict[str, bool]()
    try:
        handed = hand_ins(folder, name) if folder.is_dir() else []
    except BadInput:  # nobody handed in
        handed = []
    for one in handed:
        entry = graded.get(one.student)
        if entry is None or entry.digest.startswith("failed: "):
            found |= {one.student: True} if one.path is not None else {}
        else:
            mine = replace(asks, released={**asks.released, **sets.put(course, name, one.student)})
            if (_read(course, one, mine)[2], one.handed_in) != (entry.digest, entry.handed_in):
                found[one.student] = False
    return found


def results(course: Course, record: Record) -> list[Result]:
    """The marks of all who were graded, with what the teacher says in marks.csv."""
    told, found = record.told(), []
    for student, entry in record.entries().items():
        outcome = Outcome(**{**vars(entry.outcome), "remarks": [*entry.notes, *entry.outcome.remarks]})
        found.append(score(course, record.assignment.name, student, outcome, handed_in=entry.handed_in,
                           by_hand=told.get(student), typed=record.typed))  # fmt: skip
    return found


def write(course: Course, record: Record) -> list[Result]:
    """Judge all who were graded and write grades.csv, marks.csv, the sheets and the feedback."""
    found = results(course, record)
    record.ask({}, [result.student for result in found])
    report.write(course, record, found)
    return found


def to_terminal(text: str) -> None:
    """Progress on standard error; lines that are overwritten only where there is a terminal."""
    if sys.stderr.isatty() or text.endswith("\n"):
        sys.stderr.write(text)
        sys.stderr.flush()
