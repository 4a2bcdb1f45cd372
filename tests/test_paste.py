"""The box for text about a host: what is typed is read by the code that reads any host's text."""

import pytest

import hvlib as hv
from hvlib.pictures import outputs
from hvlib.teaching.paste import EXAMPLE, LONGEST


def test_the_box_says_what_observe_says_of_its_text():
    box = hv.paste()
    assert box.text == EXAMPLE
    assert repr(box) == str(hv.observe.host(EXAMPLE)) == box.said["words"]
    box.text = "MemTotal: 1000000 kB\nhugepages-2048kB/nr_hugepages 3\n"
    assert box.answer.json() == hv.observe.host(box.text).json()
    assert box.said == {"words": str(box.answer), "understood": True}
    assert outputs.read(box._repr_mimebundle_()[0]) == outputs.PasteShown(box.text)


def test_what_says_nothing_gets_its_sentence_in_the_box_and_from_a_cell():
    box = hv.paste("a recipe for soup")
    assert box.said["understood"] is False
    with pytest.raises(hv.BadInput, match="nothing in this text") as why:
        box.answer  # noqa: B018
    assert box.said["words"] == str(why.value) == repr(box)
    box.text = "x" * (LONGEST + 1)
    assert "as a file" in repr(box)
    box.text = EXAMPLE
    assert box.said["understood"] is True


def test_an_empty_box_asks_this_machine():
    assert repr(hv.paste(" \n")) == f"{hv.observe.here().origin}\n{hv.observe.host()}"


def test_an_empty_box_on_a_page_says_that_the_machine_is_a_recorded_one(monkeypatch):
    """In a browser there is no Linux: nobody is to take another's figures for their own."""
    monkeypatch.setenv("HVLIB_OBSERVE", "recorded")
    assert repr(hv.paste("")).startswith("recorded: Linux")


@pytest.mark.parametrize("text", [None, 7, b"MemTotal", ["MemTotal"]])
def test_what_is_no_text_gets_a_sentence(text):
    with pytest.raises(hv.BadInput, match="write for example"):
        hv.paste(text)


HOST = (
    "Linux a {release} #1 SMP {machine} GNU/Linux\nMemTotal: 65851684 kB\n"
    "hugepages-1048576kB/nr_hugepages {pages}\n{more}"
)


@pytest.mark.parametrize(
    ("release", "machine", "pages", "more", "title", "words"),
    [
        ("6.8.0-45-generic", "x86_64", 40, "", "Switch it on", "62.5 GiB on 100 hosts, 640 MiB each"),
        ("6.8.0-45-generic", "x86_64", 40, "vm.hugetlb_optimize_vmemmap = 1\n", "Leave it on", "at most 62.5 GiB"),
        ("6.8.0-45-generic", "x86_64", 0, "", "Not yet", "nothing"),
        ("6.8.0-45-generic", "aarch64", 40, "", "Nothing to switch on", "nothing"),
        ("4.18.0-513.el8.x86_64", "x86_64", 40, "", "Nothing to switch on", "nothing"),
        ("6.8.0", "x86_64", 40, "", "Find out first", "saved or to save"),
    ],
)
def test_the_half_page_is_filled_from_the_answer(release, machine, pages, more, title, words):
    answer = hv.observe.host(HOST.format(release=release, machine=machine, pages=pages, more=more))
    page = answer.half_page(100)
    assert page.startswith(title)
    assert words in page.replace("\n  ", " ")
    assert ("to save" in page) == bool(answer.json()["to_save"])
    assert ("hugetlb_free_vmemmap=on" in page) == title.startswith(("Switch", "Not yet", "Find out"))
    with pytest.raises(hv.BadInput, match="number of hosts"):
        answer.half_page(0)


def test_the_command_writes_the_half_page(tmp_path, capsys):
    from hvlib.host_command import host

    file = tmp_path / "text"
    file.write_text(EXAMPLE)
    assert host([str(file), "--half-page", "2000"]) == 0
    assert capsys.readouterr().out == hv.paste().answer.half_page(2000) + "\n"
    assert host([str(file), "--half-page", "many"]) == 2
    with pytest.raises(SystemExit):
        host([str(file), "--half-page", "2000", "--json"])
    assert "not allowed with" in capsys.readouterr().err
