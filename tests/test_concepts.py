"""The concept test: fair, seeded, judged by the engine, and the same in the widget and without."""

from functools import cache

import pytest

import hvlib as hv
from hvlib.pictures import outputs
from hvlib.teaching import concepts

SEEDS = range(100)
drawn = cache(concepts.items)
"""Each seed is drawn once for all tests."""


@pytest.mark.slow
def test_ten_questions_one_right_option_each_for_100_seeds():
    for seed in SEEDS:
        for when in concepts.WHEN:
            items = drawn(seed, when)
            assert len(items) == 10
            for item in items:
                assert len(set(item.options)) == len(item.options) in (3, 4)
                assert 0 <= item.right < len(item.options)
                assert "{" not in item.text


@pytest.mark.slow
def test_the_right_option_is_not_where_it_always_is():
    for place in range(10):
        assert len({drawn(seed, "before")[place].right for seed in SEEDS}) == len(drawn(0, "before")[place].options)


@pytest.mark.slow
def test_always_the_same_option_is_no_way_to_pass():
    for option in range(3):
        scores = [sum(item.right == option for item in drawn(seed, "before")) for seed in SEEDS]
        assert sum(scores) / len(scores) < 4.5


def test_before_and_after_differ_and_both_can_be_had_again():
    assert concepts.items("s01", "before") == concepts.items("s01", "before")
    same = [b.options == a.options and b.text == a.text
            for b, a in zip(concepts.items("s01", "before"), concepts.items("s01", "after"), strict=True)]  # fmt: skip
    assert sum(same) < 4
    assert [i.concept for i in concepts.items("s01", "before")] == [i.concept for i in concepts.items("s01", "after")]


def answers(seed, when, wrong=()):
    return [
        item.right if number not in wrong else (item.right + 1) % len(item.options)
        for number, item in enumerate(concepts.items(seed, when), 1)
    ]


def test_a_score_says_how_many_and_where_to_look_and_the_gain_is_the_share_learned():
    before = concepts.score(answers(7, "before", wrong=(1, 2, 5, 10)), 7, "before")
    after = concepts.score(answers(7, "after", wrong=(5,)), 7, "after")
    assert str(before) == "Concept test, before, seed 7: 6 of 10 right. To look at: chapters 2, 6, 9, 11."
    assert after.wrong == ("order of the steps",)
    assert concepts.gain(before, after) == pytest.approx(3 / 4)
    everything = concepts.score(answers(7, "before"), 7, "before")
    assert concepts.gain(everything, after) == 0
    with pytest.raises(hv.BadInput, match="in this order"):
        concepts.gain(after, before)


@pytest.mark.parametrize(
    "bad", [[], [0] * 9, [0] * 11, [9] * 10, [-1] * 10, "0123012301", None, 5, ["a"] * 10, [True] * 10, [0.0] * 10]
)
def test_answers_that_are_none_get_a_sentence(bad):
    with pytest.raises(hv.BadInput):
        concepts.score(bad)


@pytest.mark.parametrize("when", ["between", None, 1, ""])
def test_the_test_is_taken_before_or_after(when):
    for ask in (concepts.items, hv.concept_test):
        with pytest.raises(hv.BadInput, match="'before', 'after'"):
            ask(0, when)


def test_the_widget_scores_what_is_chosen_and_tells_only_when_all_is_answered():
    test = hv.concept_test("s01", "after")
    choices = [row.children[1] for row in test.children[:-1]]
    right = answers("s01", "after", wrong=(3,))
    for number, (choice, answer) in enumerate(zip(choices, right, strict=True)):
        assert f"{10 - number} to go." in test.children[-1].value
        choice.index = answer
    assert str(concepts.score(right, "s01", "after")) in test.children[-1].value
    assert test.score.wrong == ("struct pages stay readable",)
    test.answers = tuple(answers("s01", "after"))
    assert [choice.index for choice in choices] == answers("s01", "after")
    assert "10 of 10 right" in test.children[-1].value
    with pytest.raises(hv.BadInput):
        test.answers = (7,) * 10
    assert len(test.score.right) == 10
    bundle = test._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert outputs.read(data) == outputs.ConceptTestShown("s01", "after")
    assert repr(test).count("( )") == sum(len(item.options) for item in concepts.items("s01", "after"))


def test_what_a_class_learned(tmp_path):
    """The class-average normalised gain with its interval, and how each item did."""
    from grading import measure

    lines = ["student,when,answers"]
    for number in range(12):
        missed = {"before": range(1, 8), "after": range(1, 2 + number % 4)}
        lines += [
            f'S{number},{when},"{" ".join(map(str, answers(f"S{number}", when, wrong)))}"'
            for when, wrong in missed.items()
        ]
    path = tmp_path / "results.csv"
    path.write_text("\n".join(lines), "utf-16")
    found = measure.learned(measure.sittings(path))
    assert (found.students, found.before, found.after) == (12, 3, 7.5)
    assert found.gain == pytest.approx(4.5 / 7)
    assert found.low < found.gain < found.high
    assert found.guessing == pytest.approx(8 / 4 + 2 / 3)
    by_name = {item.name: item for item in found.items}
    assert (by_name["base pages"].after, by_name["base pages"].discrimination) == (0, None)
    assert by_name["percent of what"].after == 0.25
    assert by_name["percent of what"].discrimination > 0.5
    assert "Normalised gain of the class: 0.64" in measure.text(found)
    path.write_text("student,when,answers\ns01,before,0 1\n")
    with pytest.raises(hv.BadInput, match="line 2"):
        measure.sittings(path)
