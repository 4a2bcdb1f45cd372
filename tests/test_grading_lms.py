"""What an LMS delivers and takes: zips and folders sorted, gradebooks in its form, questions in its formats."""

import csv
import io
import shlex
import unicodedata
import zipfile
from xml.etree import ElementTree as ET

import pytest

import hvlib as hv
from grading import collect, course, export, gradebook, record, tasks
from grading.__main__ import main
from grading.run import Outcome

pytestmark = pytest.mark.beside
PS1 = tasks.BOOK.sets["ps1"]
PLAIN = "id,name,email\ns01,Jane Doe,jane@uni.example\ns02,Zoë Müller,zoe@uni.example\ns03,Ann-Marie de la Cruz,amc@uni.example\n"
MOODLE = (
    "Identifier,Full name,ID number,Email address,Status,Grade,Maximum Grade,Last modified (submission)\n"
    "Participant 501,Jane Doe,s01,jane@uni.example,Submitted,,100,-\nParticipant 502,Zoë Müller,s02,zoe@uni.example,Submitted,,100,-\n"
    "Participant 503,Ann-Marie de la Cruz,s03,amc@uni.example,No submission,,100,-\n"
)
CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Problem set 1 (4711)\n    Points Possible,,,,,16\n"
    '"Doe, Jane",9001,s01,jane,A,\n"Müller, Zoë",9002,s02,zoe,A,\n"de la Cruz, Ann-Marie",9003,s03,amc,A,\n'
)


def roster(tmp_path, text, encoding="utf-8-sig"):
    path = tmp_path / "class.csv"
    path.write_bytes(text.encode(encoding))
    return path


def delivered(tmp_path, names, as_zip=True):
    """A delivery; each notebook is its own name, so that it can be told which was taken."""
    if not as_zip:
        for name in names:
            path = tmp_path / "down" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(names[name] if isinstance(names, dict) else name)
        return tmp_path / "down"
    with zipfile.ZipFile(tmp_path / "down.zip", "w") as archive:
        for number, name in enumerate(names):
            entry = zipfile.ZipInfo(name, (2027, 3, 1, 10, number, 0))
            archive.writestr(entry, names[name] if isinstance(names, dict) else name)
    return tmp_path / "down.zip"


GRADESCOPE = """submission_7:
  :submitters:
  - :name: Jane Doe
    :sid: s01
    :email: jane@uni.example
  :created_at: 2027-03-01 10:00:00.000000000 Z
submission_8:
  :submitters:
  - :name: Zoë Müller
    :email: zoe@uni.example
  :created_at: 2027-03-02 11:00:00 Z
"""
DELIVERIES = {
    "Moodle, folders": (MOODLE, ["Jane Doe_501_assignsubmission_file_/ps1.ipynb", "Zoë Müller_502_assignsubmission_file_/PS1 (2).ipynb",
                                 "__MACOSX/x/._ps1.ipynb", "Jane Doe_501_assignsubmission_file_/.ipynb_checkpoints/ps1-checkpoint.ipynb"]),
    "Moodle, without ids": ("Identifier,Full name,ID number,Grade\nParticipant 501,Jane Doe,s01,\nParticipant 502,Zoë Müller,,\nParticipant 503,C,,\n",
                            ["Jane Doe_501_assignsubmission_file_/ps1.ipynb", "Participant 502_502_assignsubmission_file_/ps1.ipynb"]),
    "Moodle, files": (MOODLE, ["Jane Doe_501_assignsubmission_file_ps1.ipynb", "Zoe Muller_502_assignsubmission_file_my work.ipynb"]),
    "Moodle, names only": (PLAIN, ["Jane Doe_501_assignsubmission_file_/ps1.ipynb", "Müller Zoë_502_assignsubmission_file/ps1.ipynb"]),
    "Canvas": (CANVAS, ["doejane_9001_77001_ps1.ipynb", "mullerzoe_LATE_9002_77002_ps1-1.ipynb"]),
    "Canvas, names only": (PLAIN, ["doejane_1_77001_ps1.ipynb", "müllerzoë_2_77002_ps1.ipynb"]),
    "Gradescope": (PLAIN, {"assignment_1_export/submission_metadata.yml": GRADESCOPE, "assignment_1_export/submission_7/x.ipynb": "a",
                           "assignment_1_export/submission_8/y.ipynb": "b"}),
    "nbgrader": (PLAIN, ["s01/ps1/ps1.ipynb", "S02 /ps1/ps1.ipynb"]),
    "side by side": (PLAIN, ["s01.ipynb", "ps1_s02.ipynb"]),
    "by address": (PLAIN, ["jane@uni.example.ipynb", "zoe@uni.example_ps1.ipynb"]),
    "by name": (PLAIN, ["Jane Doe/ps1.ipynb", unicodedata.normalize("NFD", "Zoë Müller") + "/ps1 (1).ipynb"]),
}  # fmt: skip


def test_what_gradescope_tells_wrongly_of_one_costs_no_other_student(tmp_path):
    broken = "submission_6: 7\nsubmission_5:\n  :submitters: 3\n"
    names = {
        "e/submission_metadata.yml": broken + GRADESCOPE,
        "e/submission_7/x.ipynb": "a",
        "e/submission_8/y.ipynb": "b",
    }
    source, into = delivered(tmp_path, names), tmp_path / "in"
    assert (
        main(["collect", str(source), "--roster", str(roster(tmp_path, PLAIN)), "--into", str(into), "--set", "ps1"])
        == 0
    )
    assert (into / "s02" / "ps1" / "ps1.ipynb").read_text() == "b"


MINE = "submission_8:\n  :submitters:\n  - :sid: s01\n  :created_at: 2028-01-01 00:00:00 Z\n"
"""What a student hands in to be taken for another."""


@pytest.mark.parametrize("as_zip", [True, False])
@pytest.mark.parametrize(
    ("names", "of_s01"),
    [
        ({"e/submission_8/submission_metadata.yml": MINE, "e/submission_8/y.ipynb": "b",
          "e/submission_metadata.yml": GRADESCOPE, "e/submission_7/x.ipynb": "a"}, "a"),
        ({"e/submission_8/submission_metadata.yml": MINE, "e/submission_8/submission_8/y.ipynb": "b", "e/s01/ps1.ipynb": "a"}, "a"),
    ],
    ids=["beside Gradescope's", "alone"],
)  # fmt: skip
def test_a_student_does_not_say_who_handed_in(tmp_path, names, of_s01, as_zip):
    source, into = delivered(tmp_path, names, as_zip), tmp_path / "in"
    main(["collect", str(source), "--roster", str(roster(tmp_path, PLAIN)), "--into", str(into), "--set", "ps1"])
    found = {one.student: one for one in course.hand_ins(into, "ps1")}
    assert found["s01"].path.read_text() == of_s01


@pytest.mark.parametrize("as_zip", [True, False])
@pytest.mark.parametrize("way", list(DELIVERIES))
def test_what_an_lms_delivers_is_sorted(tmp_path, way, as_zip, capsys):
    people, names = DELIVERIES[way]
    source, into = delivered(tmp_path, names, as_zip), tmp_path / "in"
    said = ["collect", str(source), "--roster", str(roster(tmp_path, people)), "--into", str(into), "--set", "ps1"]
    assert main(said) == 0, capsys.readouterr().err
    assert "2 of 3 handed in ps1" in capsys.readouterr().out
    found = {one.student: one for one in course.hand_ins(into, "ps1")}
    if way == "Moodle, without ids":
        found = {{"participant 502": "s02", "participant 503": "s03"}.get(one, one): found[one] for one in found}
    assert set(found) == {"s01", "s02", "s03"}
    assert found["s01"].path is not None
    assert found["s02"].path is not None
    assert found["s03"].path is None
    assert (way == "Canvas") == any("late, says the LMS" in note for note in found["s02"].notes)
    times = (way.startswith("Moodle") and as_zip) or way == "Gradescope"
    assert bool(found["s01"].handed_in) == times


def test_of_several_attempts_the_newest_is_taken_and_all_are_kept(tmp_path, capsys):
    names = [
        "doejane_9001_1_ps1.ipynb",
        "doejane_9001_1_ps1-2.ipynb",
        "doejane_9001_1_ps1-10.ipynb",
        "x_9002_1_ps1 (1).ipynb",
        "x_9002_1_ps1.ipynb",
    ]
    arguments = ["--roster", str(roster(tmp_path, CANVAS, "utf-16")), "--into", str(tmp_path / "in")]
    assert main(["collect", str(delivered(tmp_path, names)), *arguments]) == 0
    place = tmp_path / "in" / "s01" / "ps1"
    assert (place / "ps1.ipynb").read_text() == "doejane_9001_1_ps1-10.ipynb"
    assert len(list((place / "attempts").iterdir())) == 2
    assert (tmp_path / "in" / "s02" / "ps1" / "ps1.ipynb").read_text() == "x_9002_1_ps1 (1).ipynb"
    assert "3 attempts" in capsys.readouterr().err
    assert main(["collect", str(delivered(tmp_path, ["doejane_LATE_9001_9_ps1-11.ipynb"])), *arguments]) == 0
    assert "2 of 3 handed in ps1, 1 of them in this delivery" in capsys.readouterr().out
    assert (place / "ps1.ipynb").read_text() == "doejane_LATE_9001_9_ps1-11.ipynb"
    assert len(list((place / "attempts").iterdir())) == 3
    assert (tmp_path / "in" / "s02" / "ps1" / "ps1.ipynb").exists()
    assert list((tmp_path / "in" / ".before").iterdir())


def test_nobodys_file_is_said_loudly_and_can_be_given_to_somebody(tmp_path, capsys):
    arguments = ["--roster", str(roster(tmp_path, PLAIN)), "--into", str(tmp_path / "in"), "--set", "ps1"]
    source = str(delivered(tmp_path, ["s01.ipynb", "somebody.ipynb", "=1+1\x1b.ipynb"]))
    assert main(["collect", source, *arguments]) == 1
    said = capsys.readouterr().err
    assert "nobody in the roster for 'somebody.ipynb'" in said
    assert "\x1b" not in said
    assert main(["collect", source, *arguments, "--as", "somebody.ipynb=s02"]) == 1
    assert (tmp_path / "in" / "s02" / "ps1" / "ps1.ipynb").exists()
    for bad in (["nowhere"], [source, "--as", "x=nobody"]):
        assert main(["collect", *bad, *arguments]) == 2
    assert main(["collect", str(delivered(tmp_path, ["x.txt", "../../evil/ps1.ipynb"])), *arguments]) == 2
    assert "nobody handed in ps1" in capsys.readouterr().err
    assert not (tmp_path.parent / "evil").exists()


@pytest.mark.parametrize("text", ["", "name\nx\n", "id,name\ns01,A\nS01,B\n", "id\n\n", "id,name\ns01,A\n,B\n"])
def test_a_roster_that_is_none_gets_a_sentence(tmp_path, text):
    with pytest.raises(hv.BadInput, match="roster"):
        collect.roster(roster(tmp_path, text))


def test_of_two_folders_for_one_id_the_one_that_is_spelled_like_it_counts(tmp_path):
    for place, text in (
        ("s01", "right"),
        ("S01", "other"),
        ("s01 ", "third"),
        ("S02", "a"),
        ("s02 ", "b"),
        ("S03", "only"),
        ("s03", ""),
    ):
        (tmp_path / place / "ps1").mkdir(parents=True)
        if text:
            (tmp_path / place / "ps1" / "ps1.ipynb").write_text(text)
    first, second, third = course.hand_ins(tmp_path, "ps1")
    assert first.path.read_text() == "right"
    assert first.doubts == ("there are other folders for this id, not graded: 'S01', 's01 '",)
    assert second.path is None
    assert second.doubts == ("not graded: several folders are for this id; keep one of 'S02', 's02 '",)
    assert third.path.read_text() == "only"
    assert third.doubts == ("there are other folders for this id, not graded: 's03'",)


def test_links_are_not_followed_and_whatever_is_nobodys_is_said(tmp_path, capsys):
    place = tmp_path / "in"
    (place / "s01" / "PS1").mkdir(parents=True)
    (place / "s01" / "PS1" / "ps1.ipynb").write_text("{")
    (place / "s02").mkdir()
    (place / "s02" / "ps1").symlink_to(place / "s01" / "PS1")
    (place / "s03").symlink_to(place / "s01")
    (place / "s04" / "unpacked" / "here").mkdir(parents=True)
    (place / "s04" / "unpacked" / "here" / "work.ipynb").write_text("{")
    (place / "s05" / "ps2").mkdir(parents=True)
    (place / "s05" / "ps2" / "ps2.ipynb").write_text("{")
    (place / "flat.ipynb").write_text("{")
    (place / ".hidden" / "ps1").mkdir(parents=True)
    (place / ".ipynb_checkpoints").mkdir()
    told = []
    found = {one.student: one for one in course.hand_ins(place, "ps1", tell=told.append)}
    assert found["s01"].path.read_text() == "{"
    assert {name for name, one in found.items() if one.path} == {"s01"}
    assert found["s02"].doubts == ("'ps1' is a link, which is not followed",)
    assert found["s04"].doubts == ("not handed in, but there is 'unpacked/here/work.ipynb'; expected ps1/ps1.ipynb",)
    assert (found["s05"].notes, found["s05"].doubts) == (("not handed in",), ())
    assert told == [f"'{name}' is passed over: it is {kind}, and no student's"
                    for name, kind in ((".hidden", "hidden"), ("flat.ipynb", "no folder"), ("s03", "a link"))]  # fmt: skip
    assert not capsys.readouterr().err


def test_two_of_one_name_are_not_guessed(tmp_path):
    people = "id,name\ns01,Jane Doe\ns02,Jane Doe\n"
    of = collect.roster(roster(tmp_path, people)).people
    assert collect.whose(collect.File("Jane Doe/ps1.ipynb", "", b""), of)[0] is None
    assert collect.whose(collect.File("s02/ps1.ipynb", "", b""), of)[0].id == "s02"
    assert collect.whose(collect.File("s01_for_s02.ipynb", "", b""), of)[0] is None


@pytest.mark.parametrize("as_zip", [True, False])
def test_a_name_of_ones_own_choice_is_not_preferred_to_the_id(tmp_path, capsys, as_zip):
    """Whoever hands in beside others may write an id into the name."""
    names = ["s01 (1).ipynb", "s01.ipynb", "S01 .ipynb", "ps1_s01.ipynb", "s02 (2).ipynb", "s02 (1).ipynb"]
    into = tmp_path / "in"
    said = ["--roster", str(roster(tmp_path, PLAIN)), "--into", str(into), "--set", "ps1"]
    assert main(["collect", str(delivered(tmp_path, names, as_zip)), *said]) == 0
    told = capsys.readouterr().err
    assert (into / "s01" / "ps1" / "ps1.ipynb").read_text() == "s01.ipynb"
    assert (into / "s02" / "ps1" / "ps1.ipynb").read_text() == "s02 (2).ipynb"
    for name in ("s01 (1).ipynb", "S01 .ipynb", "ps1_s01.ipynb"):
        assert f"s01: '{name}' is kept among the attempts, for its name is less sure" in told
    assert "'s02 (1).ipynb' is kept" not in told


@pytest.mark.parametrize("as_zip", [True, False])
def test_a_zip_that_a_student_handed_in_is_opened(tmp_path, capsys, as_zip):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("work/ps1.ipynb", "inside")
    if as_zip:
        source = tmp_path / "down.zip"
        with zipfile.ZipFile(source, "w") as archive:
            archive.writestr("s01/work.zip", inner.getvalue())
    else:
        source = tmp_path / "down"
        (source / "s01").mkdir(parents=True)
        (source / "s01" / "work.zip").write_bytes(inner.getvalue())
    said = ["--roster", str(roster(tmp_path, PLAIN)), "--into", str(tmp_path / "in"), "--set", "ps1"]
    assert main(["collect", str(source), *said]) == 0
    assert (tmp_path / "in" / "s01" / "ps1" / "ps1.ipynb").read_text() == "inside"


@pytest.mark.parametrize("as_zip", [True, False])
def test_nothing_is_passed_over_in_silence(tmp_path, capsys, as_zip):
    names = ["s01/ps1.ipynb", "s02/report.pdf", "s02/mine.zip", "__MACOSX/s01/._ps1.ipynb", "s03/ps2.ipynb"]
    source = delivered(tmp_path, names, as_zip)
    if not as_zip:
        (source / "s03" / "link.ipynb").symlink_to(source / "s01" / "ps1.ipynb")
    said = ["--roster", str(roster(tmp_path, PLAIN)), "--into", str(tmp_path / "in"), "--set", "ps1"]
    assert main(["collect", str(source), *said]) == 0
    told = capsys.readouterr().err.splitlines()
    expected = ["s02/report.pdf is no notebook", "s03/ps2.ipynb is of another set"]
    expected += ["s02/mine.zip is no zip that can be read"]
    expected += [] if as_zip else ["s03/link.ipynb is a link, which is not followed"]
    assert sorted(told) == sorted(expected)


def test_who_hands_in_no_notebook_is_told_so_in_the_marks_until_there_is_one(tmp_path):
    names = ["s01/ps1.ipynb", "s02/report.pdf", "s02/mine.zip", "s03/ps2.ipynb", "s03/a.pdf"]
    source, late = delivered(tmp_path, names, as_zip=False), tmp_path / "late"
    said = ["--roster", str(roster(tmp_path, PLAIN)), "--into", str(tmp_path / "in"), "--set", "ps1"]

    def doubts(delivery):
        assert main(["collect", str(delivery), *said]) == 0
        found = {one.student: one for one in course.hand_ins(tmp_path / "in", "ps1")}
        assert all(set(one.doubts) <= set(one.notes) for one in found.values())
        return {student: one.doubts for student, one in found.items()}

    expected = {
        "s01": (),
        "s02": ("no notebook, but 's02/mine.zip' is no zip that can be read; 's02/report.pdf' is no notebook",),
        "s03": ("no notebook, but 's03/a.pdf' is no notebook; 's03/ps2.ipynb' is of another set",),
    }
    assert doubts(source) == expected
    (late / "s02").mkdir(parents=True)
    (late / "s02" / "ps1.ipynb").write_text("{}")
    assert doubts(late) == doubts(source) == expected | {"s02": ()}


def zipped(names, compression=zipfile.ZIP_STORED):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", compression) as archive:
        for name, data in names.items():
            entry = zipfile.ZipInfo("x")
            entry.filename, entry.compress_type = name, compression
            archive.writestr(entry, data)
    return inner.getvalue()


def damaged(found, data):
    """A zip of one compressed notebook with bytes changed: at a distance behind the signature of an entry."""
    whole = bytearray(zipped({"ps1.ipynb": b"abc" * 999}, zipfile.ZIP_DEFLATED))
    for signature, distance in found:
        at = whole.index(signature) + distance
        whole[at : at + len(data)] = data
    return bytes(whole)


LOCAL, CENTRAL = b"PK\x03\x04", b"PK\x01\x02"
OTHERS = {
    "an entry without a name": zipped({"": b"x"}),
    "names that are places": zipped({".": b"", "/": b"", "..": b"", "../../../evil/ps1.ipynb": b"x", "/evil/ps1.ipynb": b"x", "C:\\evil\\ps1.ipynb": b"x"}),
    "no data behind it": damaged([(LOCAL, 45)], b"\xff" * 9),
    "bytes of another method": damaged([(LOCAL, 8), (CENTRAL, 10)], b"\x0e\0"),
    "bytes of a third method": damaged([(LOCAL, 8), (CENTRAL, 10)], b"\x0c\0"),
    "a method that nobody knows": damaged([(LOCAL, 8), (CENTRAL, 10)], b"\x63\0"),
    "a password": damaged([(LOCAL, 6), (CENTRAL, 8)], b"\1\0"),
    "no zip": b"PK\x05\x06" + bytes(18) + b"x" * 9,
    "named as an LMS names": zipped({"Zoë Müller_502_assignsubmission_file_/ps1.ipynb": b"evil"}),
    "named as another": zipped({"s02/ps1.ipynb": b"evil", "s02.ipynb": b"evil"}),
    "far too much": zipped({f"{k}.ipynb": bytes(16 << 20) for k in range(60)}, zipfile.ZIP_DEFLATED),
    "far too many": zipped({f"{k}.ipynb": b"x" for k in range(400)}),
}  # fmt: skip


@pytest.mark.parametrize("as_zip", [True, False])
@pytest.mark.parametrize("what", list(OTHERS))
@pytest.mark.parametrize("name", ["s01/work.zip", "work.zip", "Jane Doe_501_assignsubmission_file_/s02.zip"])
def test_whatever_is_in_a_students_zip_another_keeps_what_was_handed_in(tmp_path, what, name, as_zip):
    """And there is never more of it than anybody hands in, and nothing outside."""
    names = {"s02/ps1.ipynb": b"honest", "s03.ipynb": b"honest", name: OTHERS[what]}
    source, into = tmp_path / "down.zip", tmp_path / "in"
    source.write_bytes(zipped(names))
    if not as_zip:
        for place, data in names.items():
            (tmp_path / "down" / place).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "down" / place).write_bytes(data)
        source = tmp_path / "down"
    said = ["collect", str(source), "--roster", str(roster(tmp_path, MOODLE)), "--into", str(into), "--set", "ps1"]
    assert main(said) in (0, 1)
    for student in ("s02", "s03"):
        assert (into / student / "ps1" / "ps1.ipynb").read_bytes() == b"honest"
    assert sum(path.stat().st_size for path in into.rglob("*.ipynb")) < 100 << 20
    assert len(list(into.rglob("*.ipynb"))) <= 60
    assert not list(tmp_path.parent.rglob("evil"))


@pytest.mark.parametrize(("people", "names", "of_s02"), [
    (MOODLE, ["s02/ps1.ipynb", "s01/Zoë Müller_502_assignsubmission_file_/ps1.ipynb"], "s02/ps1.ipynb"),
    (MOODLE, ["s02/ps1.ipynb", "s01/s02/ps1.ipynb"], "s02/ps1.ipynb"),
    (MOODLE, ["Zoë Müller_502_assignsubmission_file_a.ipynb", "Jane Doe_501_assignsubmission_file_Zoë Müller_502_assignsubmission_file_ps1.ipynb"],
     "Zoë Müller_502_assignsubmission_file_a.ipynb"),
    (MOODLE.replace("Jane Doe", "Zoë Müller_502_assignsubmission_file_"), ["Zoë Müller_502_assignsubmission_file_/a.ipynb",
     "Zoë Müller_502_assignsubmission_file__501_assignsubmission_file_/ps1.ipynb"], "Zoë Müller_502_assignsubmission_file_/a.ipynb"),
    (MOODLE.replace("Jane Doe", "Zoë Müller_502_assignsubmission_file_"), ["Zoë Müller_502_assignsubmission_file_a.ipynb",
     "Zoë Müller_502_assignsubmission_file__501_assignsubmission_file_ps1.ipynb"], "Zoë Müller_502_assignsubmission_file_a.ipynb"),
    (PLAIN.replace("jane@uni.example", "s02"), ["s02/ps1.ipynb", "s01/ps1.ipynb"], "s02/ps1.ipynb"),
    (PLAIN.replace("jane@uni.example", "S02"), ["S02/ps1.ipynb", "s01/ps1.ipynb"], "S02/ps1.ipynb"),
    (PLAIN.replace("Jane Doe", "s02"), ["s02/ps1.ipynb", "s01/ps1.ipynb"], "s02/ps1.ipynb"),
])  # fmt: skip
def test_what_students_may_choose_makes_nobody_another(tmp_path, people, names, of_s02):
    """Names below their folder, the ends of files' names, their own name and address."""
    said = ["--roster", str(roster(tmp_path, people)), "--into", str(tmp_path / "in"), "--set", "ps1"]
    assert main(["collect", str(delivered(tmp_path, names)), *said]) in (0, 1)
    assert (tmp_path / "in" / "s02" / "ps1" / "ps1.ipynb").read_text() == of_s02


def test_a_delivery_without_dates_is_read(tmp_path):
    whole = bytearray(zipped({"Jane Doe_501_assignsubmission_file_/ps1.ipynb": b"honest"}))
    for signature, distance in ((LOCAL, 10), (CENTRAL, 12)):
        at = whole.index(signature) + distance
        whole[at : at + 4] = bytes(4)
    (tmp_path / "down.zip").write_bytes(whole)
    said = ["--roster", str(roster(tmp_path, MOODLE)), "--into", str(tmp_path / "in"), "--set", "ps1"]
    assert main(["collect", str(tmp_path / "down.zip"), *said]) == 0
    (one,) = (one for one in course.hand_ins(tmp_path / "in", "ps1") if one.path)
    assert (one.student, one.path.read_bytes(), one.handed_in) == ("s01", b"honest", "")


def test_a_students_zip_that_is_damaged_on_its_way_costs_nobody_else(tmp_path, capsys):
    name = "Jane Doe_501_assignsubmission_file_/work.zip"
    with zipfile.ZipFile(tmp_path / "down.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, zipped({"ps1.ipynb": b"a" * 5000}))
        archive.writestr("Zoë Müller_502_assignsubmission_file_/ps1.ipynb", b"b")
    whole = bytearray((tmp_path / "down.zip").read_bytes())
    at = whole.index(name.encode()) + len(name)
    whole[at : at + 8] = b"\xff" * 8
    (tmp_path / "down.zip").write_bytes(whole)
    said = ["--roster", str(roster(tmp_path, MOODLE)), "--into", str(tmp_path / "in"), "--set", "ps1"]
    assert main(["collect", str(tmp_path / "down.zip"), *said]) in (0, 1)
    found = {one.student: one for one in course.hand_ins(tmp_path / "in", "ps1")}
    assert found["s02"].path.read_bytes() == b"b"
    assert "work.zip" in capsys.readouterr().err


def collected(tmp_path, people, source, *more):
    """What is taken of each after a delivery, and what it says of when and why."""
    said = ["collect", str(source), "--roster", str(roster(tmp_path, people)), "--into", str(tmp_path / "in"), *more]
    assert main([*said, "--set", "ps1"]) in (0, 1)
    return {one.student: (one.path and one.path.read_text(), one.handed_in, one.notes)
            for one in course.hand_ins(tmp_path / "in", "ps1")}  # fmt: skip


@pytest.mark.parametrize("day", [1980, 2107])
def test_when_a_zip_was_handed_in_its_maker_does_not_say(tmp_path, day):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr(zipfile.ZipInfo("ps1.ipynb", (day, 1, 1, 0, 0, 0)), "a")
    source = delivered(tmp_path, {"Jane Doe_501_assignsubmission_file_/work.zip": inner.getvalue()})
    assert collected(tmp_path, MOODLE, source)["s01"] == ("a", "2027-03-01T10:00:00", ())
    unpacked = delivered(tmp_path, [], as_zip=False) / "Jane Doe_501_assignsubmission_file_" / "work.zip"
    unpacked.parent.mkdir(parents=True)
    unpacked.write_bytes(inner.getvalue())
    assert collected(tmp_path, MOODLE, tmp_path / "down")["s01"][1] == ""


@pytest.mark.parametrize("file", ["mullerzoe_9002_77_ps1.ipynb", "Zoë Müller_9002_assignsubmission_file_ps1.ipynb"])
def test_a_file_in_somebodys_folder_is_theirs_whatever_it_is_called(tmp_path, file):
    source = delivered(tmp_path, {f"Jane Doe/{file}": "a", "Zoë Müller/ps1.ipynb": "b"})
    found = collected(tmp_path, CANVAS, source)
    assert (found["s01"][0], found["s02"][0]) == ("a", "b")


def test_versions_are_counted_and_not_spelled(tmp_path):
    source = delivered(tmp_path, {f"Jane Doe/Version {n}/ps1.ipynb": f"{n}" for n in (1, 9, 10)})
    assert collected(tmp_path, PLAIN, source)["s01"][0] == "10"


def test_whose_a_file_is_said_to_be_holds_for_that_file_only(tmp_path, capsys):
    names = ["Jane Doe_501_assignsubmission_file_/ps1.ipynb", "Zoë Müller_502_assignsubmission_file_/ps1.ipynb"]
    source = delivered(tmp_path, dict.fromkeys([*names, "ps1.ipynb", "my  work.ipynb"], "x"))
    said = ["collect", str(source), "--roster", str(roster(tmp_path, MOODLE)), "--into", str(tmp_path / "in"),
            "--set", "ps1", "--as"]  # fmt: skip
    assert main([*said, "ps1.ipynb=s03", "--as", "my work.ipynb=s03"]) == 0
    assert "3 of 3 handed in" in capsys.readouterr().out
    assert main([*said, "nothing.ipynb=s03"]) == 2
    assert "names no notebook" in capsys.readouterr().err
    delivered(tmp_path, dict.fromkeys(names, "x"))
    assert main([*said, "ps1.ipynb=s03"]) == 2
    assert "names 2 notebooks" in capsys.readouterr().err


def test_what_is_to_be_typed_is_safe_in_a_shell(tmp_path, capsys):
    source = delivered(tmp_path, ["s01.ipynb", "x'; touch mark; '.ipynb"])
    assert (
        main(
            [
                "collect",
                str(source),
                "--roster",
                str(roster(tmp_path, PLAIN)),
                "--into",
                str(tmp_path / "in"),
                "--set",
                "ps1",
            ]
        )
        == 1
    )
    typed = capsys.readouterr().err.strip().rpartition("--as ")[2]
    assert shlex.split(typed) == ["x'; touch mark; '.ipynb=ID"]


def test_ps10_is_not_ps1(tmp_path, capsys):
    (tmp_path / "course.toml").write_text(
        "secret = '0123456789abcdef'\n[sets.ps1]\n[sets.ps10]\ntasks = ['leaf']\n[sets.HW]\ntasks = ['leaf']\n"
    )
    for name, taken in (("ps10", 1), ("ps1", 1), ("HW", 1)):
        source = delivered(tmp_path, [f"s01/{name}.ipynb", "s02/ps1.ipynb"][: 1 + (name == "HW")])
        source = source.rename(tmp_path / f"{name}.zip")
        said = [
            "--roster",
            str(roster(tmp_path, PLAIN)),
            "--into",
            str(tmp_path / name),
            "--course",
            str(tmp_path / "course.toml"),
        ]
        assert main(["collect", str(source), *said]) == 0
        assert f"{taken} of 3 handed in {name}:" in capsys.readouterr().out


def test_an_older_delivery_takes_nothing_back(tmp_path, capsys):
    people, name = roster(tmp_path, MOODLE), "Jane Doe_501_assignsubmission_file_/ps1.ipynb"
    for day, text, said in (
        (1, "old", ""),
        (5, "new", "what was there before is kept"),
        (1, "old", "a newer one is there"),
    ):
        with zipfile.ZipFile(tmp_path / "ps1.zip", "w") as archive:
            archive.writestr(zipfile.ZipInfo(name, (2027, 3, day, 10, 0, 0)), text)
        assert (
            main(["collect", str(tmp_path / "ps1.zip"), "--roster", str(people), "--into", str(tmp_path / "in")]) == 0
        )
        assert said in capsys.readouterr().err
    (found, *_) = course.hand_ins(tmp_path / "in", "ps1")
    assert (found.path.read_text(), found.handed_in) == ("new", "2027-03-05T10:00:00")


@pytest.mark.parametrize("as_zip", [True, False])
def test_a_students_many_files_hide_nobody_elses(tmp_path, as_zip, capsys):
    names = {
        "s01/ps1.ipynb": b"a",
        "s01/work.zip": zipped({f"lib/{k}.py": b"" for k in range(500)} | {"x.ipynb": b"c"}),
    }
    names |= {f"s01/modules/{k}.js": b"" for k in range(500 if as_zip else 20)} | {
        "s02/ps1.ipynb": b"b",
        "s02/x/a.pdf": b"",
    }
    source = tmp_path / "down"
    if as_zip:
        source.write_bytes(zipped(names))
    for name, data in {} if as_zip else names.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(data)
    found = collected(tmp_path, PLAIN, source)
    assert (found["s01"][0], found["s02"][0]) == ("a", "b")
    told = capsys.readouterr().err.splitlines()
    assert len(told) < 20
    assert "s02/x/a.pdf is no notebook" in told
    assert "s01/work.zip has 495 more that are passed over" in told


def test_gradescopes_names_are_no_ids_and_who_worked_with_another_is_told(tmp_path):
    several = (
        "submission_7:\n  :submitters:\n  - :sid: s01\n  - :name: Zoë Müller\n  :created_at: 2027-03-01 10:00:00 Z\n"
    )
    mallory = "submission_9:\n  :submitters:\n  - :name: s03\n    :email: me@x\n  :created_at: 2027-04-01 10:00:00 Z\n"
    names = {
        "e/submission_metadata.yml": several + mallory,
        "e/submission_7/x.ipynb": "a",
        "e/submission_9/z.ipynb": "m",
    }
    found = collected(tmp_path, PLAIN, delivered(tmp_path, names))
    assert {student: one[0] for student, one in found.items()} == {"s01": "a", "s02": None, "s03": None}
    assert found["s02"][2][-1] == "no notebook, but 'e/submission_7/x.ipynb' was handed in together with s01"


def test_a_number_without_end_in_a_students_file_name_stops_nobody(tmp_path):
    """A zip takes names of 65,535 letters, and Python turns no more than 4,300 digits into a number."""
    work = zipped({f"ps1-{'9' * 5000}.ipynb": b"a", f"ps1 ({'9' * 5000}).ipynb": b"b"})
    with zipfile.ZipFile(tmp_path / "down.zip", "w") as archive:
        archive.writestr("Jane Doe_501_assignsubmission_file_/work.zip", work)
        archive.writestr("Zoë Müller_502_assignsubmission_file_/ps1.ipynb", b"b")
    said = ["--roster", str(roster(tmp_path, MOODLE)), "--into", str(tmp_path / "in"), "--set", "ps1"]
    assert main(["collect", str(tmp_path / "down.zip"), *said]) in (0, 1)
    assert {one.student for one in course.hand_ins(tmp_path / "in", "ps1") if one.path} == {"s01", "s02"}


def test_a_second_delivery_finds_the_rows_of_the_first_again(tmp_path):
    """An id and names that begin as a formula does are marked in the table; what is read is what was meant."""
    people = "id,name\n@jane,-Jane Doe\ns02,B\n"
    said = ["--roster", str(roster(tmp_path, people)), "--into", str(tmp_path / "in"), "--set", "ps1"]
    tables = []
    for _ in range(2):
        assert main(["collect", str(delivered(tmp_path, ["@jane/ps1.ipynb"])), *said]) == 0
        tables.append((tmp_path / "in" / "ps1.csv").read_text("utf-8"))
    assert tables[0] == tables[1]
    assert set(collect.collected(tmp_path / "in" / "ps1.csv")) == {"@jane", "s02"}


@pytest.mark.parametrize(
    ("table", "said"),
    [("student,name,file,handed_in,notes\ns01,,,3/1/2027 23:59,\n", "line 2 .*no time of handing in"),
     ('student,name,file,handed_in,notes\n\ns02,,,,"two\nlines"\ns01,,,noon,\n', "line 5 .*no time of handing in"),
     ("student,name,file,notes\ns01,,,\n", "other columns"),
     ('student,name,file,handed_in,notes\n"s01' + 200_000 * ",", "never closed")],
    ids=["a time", "a time below an empty line and a long note", "a column", "a quotation mark"],
)  # fmt: skip
def test_a_table_of_hand_ins_that_a_spreadsheet_changed_gets_a_sentence(tmp_path, table, said):
    (tmp_path / "s01" / "ps1").mkdir(parents=True)
    (tmp_path / "s01" / "ps1" / "ps1.ipynb").write_text("{}")
    (tmp_path / "ps1.csv").write_text(table)
    with pytest.raises(hv.BadInput, match=said):
        course.hand_ins(tmp_path, "ps1")


def marked(tmp_path, students):
    kept = record.Record(tmp_path / "graded", PS1)
    for student in students:
        outcome = Outcome(values=values(student), texts={"why_eight": "B / 8 <script>"})
        kept.add(record.Entry(student, "x", outcome, "2027-03-02T10:00:00"))
    kept.ask({}, students)
    told = {student: {"why_eight": (3.0, "")} for student in students if student != "s02"}
    kept.ask(told, students)
    return kept


def values(student):
    from grading.keys import expected, keyed

    return {task.name: expected("ps1", task.name, student) for task, key in keyed("ps1") if key.read is not None}


def test_merging_may_count_the_numbers_of_the_id_that_was_typed_as_grading_may(tmp_path):
    kept = record.Record(tmp_path / "one", PS1)
    kept.add(record.Entry("s01", "x", Outcome(values=values("s09"), typed="s09")))
    points = []
    for whose in ("roster", "notebook"):
        into = tmp_path / whose
        assert main(["merge", "ps1", str(kept.folder), "--into", str(into), "--id", whose]) == 0
        (row,) = csv.DictReader(io.StringIO((into / "grades.csv").read_text("utf-8")))
        assert main(["report", "ps1", "--into", str(into)]) == 0, "what was said once holds"
        (again,) = csv.DictReader(io.StringIO((into / "grades.csv").read_text("utf-8")))
        assert again == row
        points.append(float(row["points"]))
        asked = tasks.BOOK.text(PS1.keyed[0][0], "s01" if whose == "roster" else "s09")
        assert asked in (into / "feedback" / "s01.md").read_text("utf-8"), "the feedback asks what was judged"
    assert points[0] < points[1] == 12
    assert main(["merge", "ps1", str(tmp_path / "notebook"), "--into", str(tmp_path / "next")]) == 0
    assert record.Record(tmp_path / "next", PS1).typed, "and it is merged with the rest"


def test_a_record_of_another_version_gets_a_sentence(tmp_path, capsys):
    kept = record.Record(tmp_path / "one", PS1)
    kept.add(record.Entry("s01", "x", Outcome(values=values("s01"))))
    path = kept.folder / "outcomes.jsonl"
    for line in (path.read_text().replace('"typed"', '"spoken"'), '{"set": "ps1", "student": "s01"}\n'):
        path.write_text(line)
        assert main(["report", "ps1", "--into", str(kept.folder)]) == 2
        assert "another version of the grader" in capsys.readouterr().err


@pytest.mark.parametrize(("people", "form"), [(MOODLE, "moodle"), (CANVAS, "canvas"), (PLAIN, "plain")])
def test_the_gradebook_has_the_lms_form_and_all_points(tmp_path, people, form, capsys):
    kept = marked(tmp_path, ["s01", "s02"])
    path = roster(tmp_path, people)
    said = ["gradebook", "ps1", "--roster", str(path), "--into", str(kept.folder), "--hand-ins", str(tmp_path / "in"),
            "--column", "Problem set 1 (4711)"]  # fmt: skip
    assert main(said) == 0
    assert "1 student has no grade yet" in capsys.readouterr().err
    rows = list(csv.DictReader(io.StringIO((kept.folder / "gradebook.csv").read_text())))
    column = {"moodle": "Grade", "canvas": "Problem set 1 (4711)", "plain": "points"}[form]
    assert [row[column] for row in rows] == ["16"] * (form == "canvas") + ["15", "", "0"]
    if form == "moodle":
        assert rows[0]["Identifier"] == "Participant 501"
        assert rows[0]["Feedback comments"].startswith("memmap 2/2")
        assert rows[0]["Maximum Grade"] == "16"
    with zipfile.ZipFile(kept.folder / "feedback.zip") as archive:
        page = archive.read("s01.html").decode()
    assert "&lt;script&gt;" in page
    assert "<script" not in page


@pytest.mark.parametrize("people", [MOODLE, CANVAS, PLAIN])
def test_who_handed_in_and_is_not_graded_has_no_grade_and_is_named(tmp_path, people, capsys):
    """A part of the class, of several machines or with --only, is not the class."""
    kept = marked(tmp_path, ["s01"])
    kept.add(record.Entry("s03", "failed: OSError()", Outcome(remarks=["not graded"])))
    names = {"s01/ps1.ipynb": "a", "s02/ps1.ipynb": "b", "s03/ps1.ipynb": "c"}
    collected(tmp_path, people, delivered(tmp_path, names))
    capsys.readouterr()
    said = ["gradebook", "ps1", "--roster", str(roster(tmp_path, people)), "--into", str(kept.folder), "--hand-ins",
            str(tmp_path / "in"), "--column", "Grade"]  # fmt: skip
    assert main(said) == 0
    told = capsys.readouterr().err
    assert "s01 is not graded as it lies there now" in told
    assert "s02 handed in and is not graded" in told
    assert "s03 handed in and is not graded" in told
    rows = csv.DictReader(io.StringIO((kept.folder / "gradebook.csv").read_text("utf-8")))
    grades = [row["points" if people is PLAIN else "Grade"] for row in rows]
    assert grades[people is CANVAS :] == ["15", "", ""]
    (tmp_path / "in" / "s02" / "ps1" / "ps1.ipynb").unlink()
    assert main(said) == 0
    assert "s02" not in capsys.readouterr().err


def test_points_that_nobody_gets_and_points_of_two_kinds_are_said(tmp_path, capsys):
    kept = marked(tmp_path, ["s01"])
    path, said = kept.folder / "marks.csv", ["report", "ps1", "--into", str(kept.folder)]
    assert main(said) == 0
    assert "marks.csv" not in capsys.readouterr().err
    path.write_text(path.read_text() + "1,why_eight,4,\n")
    assert main(said) == 0
    assert "marks.csv has points for '1', who is not graded here: nobody gets them" in capsys.readouterr().err
    path.write_text("student,task,points,reason\ns01,why_eight,4,\nS01,why_eight,4.0,\ns01,why_eight,1,\n")
    assert main(said) == 2
    assert "line 4 of " in (told := capsys.readouterr().err)
    assert "'s01' has other points for why_eight on line 3; keep one of the two." in told


def test_a_record_with_a_damaged_line_is_read(tmp_path):
    kept = marked(tmp_path, ["s01"])
    with (kept.folder / "outcomes.jsonl").open("ab") as file:
        file.write(b"\xff\xfe\n")
    assert main(["report", "ps1", "--into", str(kept.folder)]) == 0


@pytest.mark.parametrize(("file", "name"), [
    ("Jane Doe_501_assignsubmission_file_/ps1.ipynb", "Jane Doe_501_assignsubmission_file_/feedback.html"),
    ("Jane Doe_501_assignsubmission_file_ps1.ipynb", "Jane Doe_501_assignsubmission_file_feedback.html"),
    ("doejane_LATE_9001_77001_ps1-1.ipynb", "doejane_LATE_9001_77001_ps1-1.html"), ("x/ps1.ipynb", "s01.html"), ("", "s01.html"),
    ("s01/Zoë Müller_502_assignsubmission_file_/ps1.ipynb", "s01.html"), ("s01/x.zip/Zoë Müller_502_assignsubmission_file_/ps1.ipynb", "s01.html"),
    ("Zoë Müller_502_assignsubmission_file__501_assignsubmission_file_/ps1.ipynb",
     "Zoë Müller_502_assignsubmission_file__501_assignsubmission_file_/feedback.html"),
    ("work.zip/Jane Doe_501_assignsubmission_file_/ps1.ipynb", "s01.html"),  # only who made the zip says so
])  # fmt: skip
def test_feedback_goes_back_under_the_lms_name(tmp_path, file, name):
    of = collect.roster(roster(tmp_path, MOODLE))
    assert gradebook.lms_name({"file": file}, "s01", of) == name


@pytest.mark.slow
def test_questions_go_to_an_lms_with_variants():
    bank = export.questions(["a", "b", "c"])
    xml = ET.fromstring(export.moodle(bank, "top"))
    kinds = [one.get("type") for one in xml]
    assert kinds.count("category") == len(bank) > 30
    assert {"numerical", "shortanswer", "multichoice"} <= set(kinds)
    for one in xml:
        if one.get("type") != "category":
            assert any(answer.get("fraction") == "100" for answer in one.iter("answer"))
    package = zipfile.ZipFile(io.BytesIO(export.qti(bank, "x")))
    text = "".join(package.read(name).decode() for name in package.namelist())
    assert text.count("<selection_number>1</selection_number>") == sum(len(found) > 1 for found in bank.values())
    from hvlib.teaching.questions import QUESTIONS

    for name, variants in bank.items():
        judged = [QUESTIONS[name].judge(variants[0].right[k], "a").right for k in range(len(variants[0].right))]
        assert all(judged), (name, variants[0].right)


def test_the_concept_test_goes_to_an_lms_and_tells_nothing():
    bank = export.concept_test(["a", "b"])
    xml = export.moodle(bank, "top")
    assert len(bank) == 10
    assert xml.count('fraction="100"') == sum(len(found) for found in bank.values())
    assert zipfile.ZipFile(io.BytesIO(export.qti(bank, "x"))).namelist()


def test_the_commands_of_the_concept_test_write_and_read_files(tmp_path, capsys):
    said = ["--into", str(tmp_path / "new"), "--seeds", "2"]
    assert main(["export", "concept-test", "--when", "after", "--form", "B", *said]) == 0
    name = "concept-test-B-after"
    assert capsys.readouterr().out.splitlines() == [f"{tmp_path}/new/{name}{ending}" for ending in (".xml", ".zip")]
    xml = ET.parse(tmp_path / "new" / f"{name}.xml").getroot()
    asked = {hv.concepts.items(f"variant {number}", "after", "B")[0].text for number in (1, 2)}
    assert asked <= {one.findtext("questiontext/text") for one in xml.iter("question")}
    assert zipfile.is_zipfile(tmp_path / "new" / f"{name}.zip")
    for student in ("s01", "s02"):
        for when in ("before", "after"):
            right = [item.right for item in hv.concepts.items(student, when)]
            answers = right if when == "after" else [(one + 1) % 3 for one in right]
            (tmp_path / f"{student}-{when}.csv").write_text(hv.concepts.result(answers, student, when))
    assert main(["measure", str(tmp_path)]) == 0
    assert "2 students took both: 0.0 of 10 before, 10.0 after" in capsys.readouterr().out
    assert main(["measure", str(tmp_path / "s01-after.csv")]) == 2
    assert "at least two students" in capsys.readouterr().err


def test_a_command_makes_a_course_once(tmp_path, capsys):
    assert main(["course", str(tmp_path / "new")]) == 0
    path = tmp_path / "new" / "course.toml"
    assert str(path) in capsys.readouterr().out
    before = path.read_text()
    assert tasks.load(path).salt
    assert main(["course", str(tmp_path / "new")]) == 2, "a secret is never written over"
    assert path.read_text() == before
