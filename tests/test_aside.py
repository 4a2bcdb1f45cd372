"""What a cell prints under a line that opens: out of sight, and whole."""

import pytest

import hvlib as hv


@pytest.fixture
def shown(monkeypatch):
    seen = []
    monkeypatch.setattr("IPython.display.display", seen.append)
    return seen


def test_printed_text_stands_under_one_line_and_nothing_is_printed(shown, capsys):
    with hv.folded("More & more"):
        print("a < b")
        print()
        print("c")
    print("after")
    assert capsys.readouterr().out == "after\n"
    (one,) = shown
    assert one._repr_mimebundle_() == {
        "text/plain": "a < b\n\nc",
        "text/html": "<details><summary>More &amp; more</summary><pre>a &lt; b\n\nc</pre></details>",
    }


def test_without_a_notebook_it_is_printed(capsys):
    with hv.folded():
        print("a < b")
    assert capsys.readouterr().out == "a < b\n"


def test_an_error_inside_is_the_readers_and_nothing_is_shown(shown):
    with pytest.raises(ZeroDivisionError), hv.folded():
        print(1 // 0)
    assert shown == []
