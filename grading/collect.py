"""Sort what an LMS delivers into ``HAND_INS/<student>/<set>/<set>.ipynb``: zips and folders of Moodle, Canvas,
Gradescope and nbgrader, or notebooks beside each other.

Only names are read here, and those of the LMS before those that students choose; no notebook is opened. Who is meant is
found in the roster: by the LMS's number, by an id, by a name that only one person has. Whatever is nobody's is said.
"""

from __future__ import annotations

import datetime
import lzma
import re
import shutil
import struct
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import yaml

from hvlib.errors import BadInput, quoted
from hvlib.teaching.homework import student_id

from . import words
from .record import csv_text, dictionaries
from .run import LARGEST
from .tasks import Assignment

COLUMNS = ("student", "name", "file", "handed_in", "notes")
MOST_NOTES = 5
"""How many of the files that are passed over are named to whoever handed in nothing else."""
MOST_IN_ZIP, LARGEST_ZIP = 50, 64 << 20
"""How many notebooks, and how many bytes of them, are taken out of a zip that a student handed in."""
MOODLE = re.compile(r"_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)(?=_|$)")
"""Behind the name of who handed in."""
CANVAS = re.compile(r"(?P<name>[^/_]+)_(?P<late>LATE_)?(?P<number>\d+)_\d+_(?P<rest>.+)")
TELLING = (":sid", ":email", ":name")
"""What Gradescope tells of who handed in, the surest first."""
GRADESCOPE = re.compile(r"submission_\d+")
OF_PROGRAMS = ("__MACOSX", ".ipynb_checkpoints", ".DS_Store", "Thumbs.db", "submission_metadata.yml")
"""What programs leave in deliveries, and what is read otherwise."""
SURELY, BY_ID, FOLDED, BY_PIECE, INSIDE = range(5)
"""How sure it is whose a file is: the teacher or the LMS says so, a folder or file is named by the id or address
alone, it is so but for case and form, a piece of its name is one or is somebody's name, or only the student says so,
inside a zip."""


@dataclass(frozen=True)
class Person:
    """A line of a roster; ``row`` is the line as the LMS wrote it."""

    id: str
    name: str = ""
    number: str = ""
    email: str = ""
    group: str = ""
    row: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Roster:
    """The class. ``form`` is the program that wrote it: moodle, canvas, or plain."""

    people: tuple[Person, ...]
    form: str
    columns: tuple[str, ...]

    def owner(self, person: Person, assignment: Assignment) -> str:
        """Whose folder a person's hand-in lies in: a group's, where the set is done in groups."""
        if not (assignment.groups and person.group.strip()):
            return person.id
        group = student_id(person.group)
        if self._group_of.get(group, group) != group:
            raise BadInput(f"the group {quoted(group)} has the id of somebody who is not in it; choose another name.")
        return group

    @cached_property
    def _group_of(self) -> Mapping[str, str]:
        return {person.id: _id(person.group) for person in self.people}


def roster(path: Path) -> Roster:
    """A class from the CSV that an LMS exports, or one with columns id and name. Raises `BadInput`."""
    try:
        found = [row for _, row in dictionaries(path.read_bytes())]
    except (OSError, ValueError, IndexError):
        raise BadInput(
            f"the roster {quoted(str(path))} cannot be read; choose a CSV file with a line for each."
        ) from None
    columns = tuple(found[0]) if found else ()
    low = {name.strip().casefold(): name for name in columns}
    form = (
        "moodle"
        if "identifier" in low
        else "canvas"
        if "sis login id" in low or {"student", "section"} <= set(low)
        else "plain"
    )
    ids = {
        "moodle": ("id number", "username", "email address", "identifier"),
        "canvas": ("sis user id", "sis login id", "id"),
        "plain": ("id", "sid", "student id", "id number", "student", "username", "login", "email", "email address"),
    }[form]
    numbers = {"moodle": ("identifier",), "canvas": ("id",), "plain": ("lms", "number", "participant")}[form]
    names = {"moodle": ("full name",), "canvas": ("student",), "plain": ("name", "full name")}[form]
    if not any(name in low for name in ids):
        raise BadInput(
            f"the roster {quoted(str(path))} has no column of ids; write for example a first line id,name,email."
        )
    people: list[Person] = []
    for row in found:
        line = {key: row.get(name, "").strip() for key, name in low.items()}
        identity = next((line[name] for name in ids if line.get(name)), "")
        if line.get("student", "").casefold() in ("points possible", "student, test"):
            continue
        name = next((line[one] for one in names if line.get(one)), "")
        name = name or f"{line.get('first name', '')} {line.get('last name', '') or line.get('surname', '')}".strip()
        if not identity and name:
            raise BadInput(
                f"the roster {quoted(str(path))} has no id for {quoted(name)}; write one, or take out the line."
            )
        if not identity:
            continue
        number = "".join(re.findall(r"\d+", next((line[one] for one in numbers if line.get(one)), "")))
        email = line.get("email address") or line.get("email") or line.get("sis login id") or ""
        people.append(Person(student_id(identity), name, number, email, line.get("group", ""), row))
    seen: set[str] = set()
    for person in people:
        if person.id in seen:
            raise BadInput(
                f"the roster {quoted(str(path))} has the id {quoted(person.id)} twice; write one for each student."
            )
        seen.add(person.id)
    if not people:
        raise BadInput(f"the roster {quoted(str(path))} has nobody in it; write a line for each student.")
    return Roster(tuple(people), form, columns)


@dataclass(frozen=True)
class File:
    """A notebook of a delivery: its name there, a time where the LMS tells one, and its bytes.

    ``who`` is what Gradescope tells; ``zipped`` the name of the student's zip in which it lies.
    """

    name: str
    handed_in: str
    data: bytes
    who: tuple[tuple[str, str], ...] = ()
    zipped: str = ""


def of_set(name: str, text: str) -> bool:
    """Does a file's name tell a set? ps10 is not ps1."""
    return re.search(rf"(?<![a-z0-9]){re.escape(name.lower())}(?!\d)", text.lower()) is not None


Tell = Callable[[str, str], None]
"""Is told the name of a file that is passed over, and why: "s02/report.pdf", "is no notebook"."""


def files(source: Path, tell: Tell = lambda *_: None) -> Iterator[File]:
    """The notebooks of a delivery; ``tell`` is told what is passed over.

    Raises `BadInput` for what is neither a folder nor a zip.
    """
    if source.is_dir():
        files = []
        for path in sorted(source.rglob("*")):
            if path.is_symlink():
                tell(path.relative_to(source).as_posix(), "is a link, which is not followed")
            elif path.is_file():
                files.append(path)
        metadata = _metadata([path.relative_to(source).as_posix() for path in files])
        gradescope = _gradescope((source / metadata).read_bytes()) if metadata else {}
        for path in files:
            name = path.relative_to(source).as_posix()
            if path.suffix.lower() == ".zip":
                yield from _inside(path, name, "", 0, tell)
                continue
            with path.open("rb") as file:
                yield from _one(name, file, "", gradescope, tell)
        return
    try:
        with zipfile.ZipFile(source) as archive:
            yield from _zipped(archive, "", "", 1, tell)
    except UNREADABLE:
        raise BadInput(f"{quoted(str(source))} is neither a folder nor a zip; choose what the LMS delivered.") from None


def _zipped(archive: zipfile.ZipFile, below: str, when: str, depth: int, tell: Tell) -> Iterator[File]:
    """The notebooks of a zip; in one that a student made (``below`` its name) all were handed in ``when`` it was."""
    entries = [one for one in archive.infolist() if PurePosixPath(one.filename).name and not one.is_dir()]
    metadata = _metadata([entry.filename for entry in entries])
    gradescope = _gradescope(_some(archive, archive.getinfo(metadata))) if metadata and not below else {}
    for entry in entries:
        name = below + _named(entry)
        handed_in = when if below else _when(entry) if MOODLE.search(name) else ""
        if name.lower().endswith(".zip") and depth:
            yield from _inside(BytesIO(_some(archive, entry)), name, handed_in, depth - 1, tell)
            continue
        try:
            with archive.open(entry) as file:
                yield from _one(name, file, handed_in, gradescope, tell)  # type: ignore[arg-type]
        except UNREADABLE:
            tell(name, "cannot be read (damaged, or with a password)")
            if name.lower().endswith(".ipynb"):
                yield File(name, "", b"")


UNREADABLE = (OSError, EOFError, RuntimeError, ValueError, IndexError, struct.error, zlib.error, lzma.LZMAError,
              zipfile.BadZipFile)  # fmt: skip
"""What damaged zips raise."""


def _when(entry: zipfile.ZipInfo) -> str:
    """When a file was changed; nothing where the zip has no date."""
    try:
        return datetime.datetime(*entry.date_time).isoformat()
    except ValueError:
        return ""


def _inside(zipped: Path | BytesIO, name: str, when: str, depth: int, tell: Tell) -> Iterator[File]:
    """The notebooks of a zip that a student handed in; not more than anybody has."""
    found, size = 0, 0
    try:
        with zipfile.ZipFile(zipped) as archive:
            for file in _zipped(archive, f"{name}/", when, depth, tell):
                found, size = found + 1, size + len(file.data)
                if found > MOST_IN_ZIP or size > LARGEST_ZIP:
                    tell(name, "has too much in it; only the first notebooks are taken")
                    return
                yield replace(file, zipped=name)
    except UNREADABLE:
        tell(name, "is no zip that can be read")


def _metadata(names: Sequence[str]) -> str:
    """Which file tells of all that were handed in, by its place: above every notebook, and not among a student's."""
    found = [name for name in names if PurePosixPath(name).name == "submission_metadata.yml"]
    top = min(found, key=lambda name: len(PurePosixPath(name).parts), default="")
    above = PurePosixPath(top).parent
    handed = [PurePosixPath(name) for name in names if name.lower().endswith(".ipynb")]
    below = [one.relative_to(above).parts if above in one.parents else () for one in handed]
    inside = all(len(parts) > 1 and GRADESCOPE.fullmatch(parts[0]) for parts in below)
    return top if inside else ""


def _some(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(entry) as file:
            return file.read(LARGEST + 1)
    except UNREADABLE:
        return b""


def _named(entry: zipfile.ZipInfo) -> str:
    """A name in a zip; those not marked as UTF-8 often are it all the same."""
    if not entry.flag_bits & 0x800:
        try:
            return entry.filename.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return entry.filename


def _one(
    name: str, file: BinaryIO, when: str, gradescope: Mapping[str, tuple[str, tuple[tuple[str, str], ...]]], tell: Tell
) -> Iterator[File]:  # fmt: skip
    parts = PurePosixPath(name).parts
    if any(part in OF_PROGRAMS for part in parts) or parts[-1].startswith("._"):
        return
    if not parts[-1].lower().endswith(".ipynb") or parts[-1].startswith("."):
        tell(name, "is no notebook")
        return
    folder = next((part for part in parts if GRADESCOPE.fullmatch(part)), "")
    told, who = gradescope.get(folder, ("", ()))
    yield File(name, when or told, file.read(LARGEST + 1), who)


def _gradescope(data: bytes) -> dict[str, tuple[str, tuple[tuple[str, str], ...]]]:
    """Folder -> when, and the ids, addresses and names of who handed it in, from submission_metadata.yml."""
    try:
        found = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    told = {}
    for folder, about in found.items() if isinstance(found, dict) else ():
        try:
            who = tuple((key, str(one[key])) for one in about[":submitters"] for key in TELLING if one.get(key))
            told[str(folder)] = (_iso(about.get(":created_at")), who)
        except (AttributeError, KeyError, TypeError):
            continue  # what is told of the others still counts
    return told


def _iso(when: object) -> str:
    return when.isoformat() if isinstance(when, datetime.datetime) else ""


# --- who is meant -----------------------------------------------------------------------------------------------------


def _bare(text: str) -> str:
    """Letters and digits in order, without accents and case: how names of an LMS's files differ from its roster's."""
    text = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in text if letter.isalnum())


def _words(text: str) -> tuple[str, ...]:
    split = re.findall(
        r"[^\W_]+", "".join(c for c in unicodedata.normalize("NFKD", text).casefold() if not unicodedata.combining(c))
    )
    return tuple(sorted(split))


def whose(file: File, people: Sequence[Person]) -> tuple[Person | None, int]:
    """The person in the roster, and how sure that is; `None` where it is nobody, or more than one."""

    def only(found: Sequence[Person]) -> Person | None:
        return found[0] if len({person.id for person in found}) == 1 else None

    keys = {person.id: person for person in people}
    emails = [_id(person.email) for person in people]  # a student's own choice, maybe: no one else's id or address
    keys |= {one.email: one for one, email in zip(people, emails, strict=True)
             if email and email not in keys and emails.count(email) == 1}  # fmt: skip
    folded = {_id(key): person for key, person in keys.items()}
    for kind, said in file.who:  # a name is a student's own choice, and so no id
        named = only([one for one in people if _named_by(one, said)]) if kind == ":name" else folded.get(_id(said))
        if named is not None:
            return named, SURELY

    def of_lms(part: str, last: bool) -> tuple[Person | None, int] | None:
        splits = [(part[: found.start()], found["number"]) for found in MOODLE.finditer(part)]
        splits = splits if last else splits[-1:]  # a folder's name is the LMS's to its end, a file's ends as one likes
        if not splits and (canvas := CANVAS.fullmatch(part)):
            splits = [(canvas["name"], canvas["number"])]
        meant = [(name, _meant(name, number, people) or folded.get(_id(name))) for name, number in splits]
        found = [person for name, person in meant if person and (len(splits) == 1 or _called(person, name))]
        return (only(found) if found else None, SURELY) if splits else None

    def of_names(parts: Sequence[str]) -> tuple[Person | None, int] | None:
        for place, part in enumerate(parts):
            if (told := of_lms(part, place == len(parts) - 1)) is not None:
                return told
            if _id(part) in folded or only([one for one in people if _named_by(one, part)]):
                break  # a student's own folder: what is below it may have any name
        for text in (*parts[:-1], PurePosixPath(parts[-1]).stem):
            if text in keys:
                return keys[text], BY_ID
            if (person := folded.get(_id(text))) is not None:
                return person, FOLDED
            pieces = [*re.split(r"[\s_]+|\(\d+\)", text), *re.split(r"[\s_\-]+", text)]
            meant = [folded[_id(piece)] for piece in pieces if _id(piece) in folded]
            meant = meant or [one for one in people if _named_by(one, text)]
            if meant:
                return only(meant), BY_PIECE
        return None

    parts = PurePosixPath(unicodedata.normalize("NFC", file.name)).parts
    outside = len(PurePosixPath(file.zipped).parts) or len(parts)  # in a zip all names are the student's
    if (told := of_names(parts[:outside])) is not None:
        return told
    if parts[outside:] and (told := of_names(parts[outside:])) is not None:
        return told[0], INSIDE
    return None, BY_PIECE


def _meant(name: str, number: str, people: Sequence[Person]) -> Person | None:
    """Whom an LMS means by a name and a number of its own."""
    numbered = [one for one in people if one.number and one.number == number]
    found = numbered or [one for one in people if _called(one, name)]
    return found[0] if len(found) == 1 else None


def _called(person: Person, name: str) -> bool:
    return _named_by(person, name) or (bool(person.name) and _bare(name) in _turns(person.name))


def _named_by(person: Person, text: str) -> bool:
    return bool(person.name) and _words(person.name) == _words(text)


def _turns(name: str) -> tuple[str, ...]:
    """A name run together as Canvas does it, either way round."""
    parts = [_bare(one) for one in re.split(r"[\s,]+", name) if _bare(one)]
    return ("".join(parts), "".join([*parts[-1:], *parts[:-1]]), "".join([*parts[1:], *parts[:1]]))


def _id(text: str) -> str:
    try:
        return student_id(text)
    except BadInput:
        return ""


# --- sorting ----------------------------------------------------------------------------------------------------------


@dataclass
class Collected:
    """What came of a delivery: who has a hand-in in it, and who by now; the names that are nobody's, and remarks."""

    now: int
    handed_in: int
    nobodys: list[str]
    remarks: list[str]


def collect(
    source: Path, of: Roster, assignment: Assignment, others: Sequence[str], into: Path, said: Mapping[str, str]
) -> Collected:
    """Sort a delivery. ``said`` names whose some files are; ``others`` are the course's other sets.

    Raises `BadInput` if nobody handed in. What lay there before is kept among the attempts.
    """
    by_id = {person.id: person for person in of.people}
    nobodys, remarks, chosen = list[str](), list[str](), dict[str, list[tuple[tuple[Any, ...], File]]]()
    passed, together, told = list[tuple[str, str]](), dict[str, list[str]](), Counter[str]()

    def tell(name: str, why: str) -> None:
        above = PurePosixPath(name).parent
        place = zip_in(above) or "/".join(above.parts[:2] if len(above.parts) > 1 else ())
        told[place] += 1
        if place and told[place] > MOST_NOTES:  # one student's folder of programs hides nobody else's file
            return
        remarks.append(f"{words.plain(name)} {why}")
        passed.append((name, why))

    found_files = list(files(source, tell))
    given = _given(said, [file.name for file in found_files])
    for file in found_files:
        last, typed = PurePosixPath(file.name).name, given.get(file.name)
        if not typed and not of_set(assignment.name, last) and any(of_set(other, last) for other in others):
            tell(file.name, "is of another set")
            continue
        person, sure = (by_id.get(student_id(typed)), SURELY) if typed else whose(file, of.people)
        if person is None:
            nobodys.append(words.plain(file.name))
            continue
        order = (-sure, *_order(file, assignment.name))
        chosen.setdefault(of.owner(person, assignment), []).append((order, file))
        for pair in file.who if not typed else ():
            if (beside := whose(replace(file, who=(pair,)), of.people)) and beside[1] == SURELY and beside[0]:
                together.setdefault(of.owner(beside[0], assignment), []).append(
                    f"'{words.plain(file.name, 120)}' was handed in together with {person.id}"
                )
    remarks += [
        f"{words.plain(place)} has {number - MOST_NOTES:,} more that are passed over"
        for place, number in told.items()
        if place and number > MOST_NOTES
    ]
    if not chosen:
        named = f"; nobody in the roster for {quoted(nobodys[0])} and {len(nobodys) - 1} more" if nobodys else ""
        raise BadInput(
            f"nobody handed in {assignment.name} in {quoted(str(source))}{named}; choose what the LMS delivered."
        )
    path = into / f"{assignment.name}.csv"
    lines = collected(path)
    names = {of.owner(person, assignment): person.name for person in of.people}
    for owner, name in names.items():
        (into / words.file_name(owner) / assignment.name).mkdir(parents=True, exist_ok=True)
        lines.setdefault(owner, {**dict.fromkeys(COLUMNS, ""), "student": owner, "name": name})
    for owner, found in chosen.items():
        found.sort(key=lambda pair: pair[0])
        newest = found[-1][1]
        notes = [f"{len(found)} attempts; took '{words.plain(newest.name, 120)}'"] if len(found) > 1 else []
        for order, file in found:
            if order[0] < found[-1][0][0]:
                notes.append(f"'{words.plain(file.name, 120)}' is kept among the attempts, for its name is less sure")
        if re.search(r"(?:^|/|_)LATE_", newest.name):
            notes.append("late, says the LMS")
        place, before = into / words.file_name(owner) / assignment.name, lines[owner]["handed_in"]
        there_is = (place / f"{assignment.name}.ipynb").is_file()
        if there_is and newest.handed_in and newest.handed_in[:19] < before[:19]:
            for _, file in found:
                _attempt(place, PurePosixPath(file.name).name, file.data)
            remarks.append(f"{owner}: a newer one is there already; this delivery's is kept among the attempts")
            continue
        if _put(place, assignment.name, found):
            remarks.append(f"{owner}: what was there before is kept among the attempts")
        lines[owner] |= {"file": newest.name, "handed_in": newest.handed_in, "notes": "; ".join(notes)}
        remarks += [f"{owner}: {note}" for note in notes]
    there = {
        owner
        for owner in names
        if (into / words.file_name(owner) / assignment.name / f"{assignment.name}.ipynb").is_file()
    }
    instead = _instead(passed, of, assignment)
    for owner, notes in {
        owner: [*dict.fromkeys(together.get(owner, ())), *instead.get(owner, ())] for owner in names
    }.items():
        if notes and owner not in there:
            lines[owner]["notes"] = f"no notebook, but {'; '.join(notes[:MOST_NOTES])}"
    _kept(path)
    rows = [[words.in_table(line.get(column, "")) for column in COLUMNS] for line in lines.values()]
    path.write_text(csv_text([COLUMNS, *rows]), "utf-8", newline="")
    return Collected(len(chosen), len(there), nobodys, remarks)


def collected(path: Path) -> dict[str, dict[str, str]]:
    """Student -> the row of `COLUMNS` that `collect` wrote to a set's table of hand-ins; nothing without the file.

    Raises `BadInput` where a spreadsheet left the table without a column, or with a time that is no ISO 8601.
    """
    rows = dictionaries(path.read_bytes()) if path.is_file() else []
    found = {}
    for number, row in rows:
        if not {"student", "handed_in", "notes"} <= set(row):
            raise BadInput(f"{quoted(str(path))} has other columns; write a first line {','.join(COLUMNS)}.")
        line = {name: words.from_table(row.get(name, "")) for name in COLUMNS}
        try:
            if line["handed_in"]:
                datetime.datetime.fromisoformat(line["handed_in"])
        except ValueError:
            raise BadInput(
                f"line {number} of {quoted(str(path))}: {quoted(line['handed_in'])} is no time of handing in; "
                "write for example 2027-03-01T23:59:00."
            ) from None
        found[line["student"]] = line
    return found


def _given(said: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """Name in the delivery -> whose it was said to be. Raises `BadInput` for what names none, or more than one."""
    found = {}
    for key, who in said.items():
        whole = {name for name in names if key in (name, words.plain(name))}
        meant = whole or {name for name in names if key == PurePosixPath(name).name}
        if len(meant) != 1:
            raise BadInput(
                f"--as {quoted(key)} names {len(meant) or 'no'} notebook{'s' * bool(meant)} of the delivery; write the "
                "whole name of one, with its folders."
            )
        found[meant.pop()] = who
    return found


def _instead(passed: Sequence[tuple[str, str]], of: Roster, assignment: Assignment) -> dict[str, list[str]]:
    """Owner -> what came from somebody and was passed over, for those who handed in nothing else."""
    found: dict[str, list[str]] = {}
    for name, why in passed:
        person, _ = whose(File(name, "", b"", zipped=zip_in(PurePosixPath(name).parent)), of.people)
        if person is not None:
            found.setdefault(of.owner(person, assignment), []).append(f"'{words.plain(name, 120)}' {why}")
    return found


def zip_in(path: PurePosixPath) -> str:
    """The outermost zip on a path in a delivery, itself included; nothing if there is none."""
    return next((str(one) for one in (*reversed(path.parents), path) if one.suffix.lower() == ".zip"), "")


def _order(file: File, problem_set: str) -> tuple[object, ...]:
    """Later attempts come last: by time, Canvas's number of the attempt, a browser's number of the copy."""
    stem = PurePosixPath(file.name).stem
    attempt, copy = re.search(r"-(\d{1,18})$", stem), re.search(r"\((\d{1,18})\)$", stem)
    return (
        of_set(problem_set, stem), file.handed_in, int(attempt[1]) if attempt else 0, int(copy[1]) if copy else 0,
        re.sub(r"\d+", lambda number: number[0].zfill(18), file.name),
    )  # fmt: skip


def _put(folder: Path, problem_set: str, found: Sequence[tuple[object, File]]) -> bool:
    """The newest as the hand-in, all others beside it; was there one that differs? It becomes an attempt."""
    target = folder / f"{problem_set}.ipynb"
    newest = found[-1][1].data
    differs = target.is_file() and not target.is_symlink() and target.read_bytes() != newest
    if differs:
        _attempt(folder, "before", target.read_bytes())
    for _, file in found[:-1]:
        _attempt(folder, PurePosixPath(file.name).name, file.data)
    target.write_bytes(newest)
    return differs


def _attempt(folder: Path, name: str, data: bytes) -> None:
    place = folder / "attempts"
    place.mkdir(exist_ok=True)
    (place / f"{len(list(place.iterdir())) + 1:03}-{words.file_name(name)}").write_bytes(data)


def _kept(path: Path) -> None:
    """A copy of a table before it is written again."""
    if path.is_file():
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        (path.parent / ".before").mkdir(exist_ok=True)
        shutil.copy2(path, path.parent / ".before" / f"{stamp}-{path.name}")
