"""The concept test: fair, seeded, judged by the engine, and the same in the widget and without."""

from functools import cache

import pytest

import hvlib as hv
from hvlib.pictures import outputs
from hvlib.teaching import concepts

SEEDS = range(100)
FORMS = tuple(concepts.FORMS)
drawn = cache(concepts.items)
"""Each seed is drawn once for all tests."""


def by_chance(form, choose):
    """How often each of the ten is answered rightly by who only looks at how options are written, by concept."""
    sittings = [drawn(seed, when, form) for seed in SEEDS for when in concepts.WHEN]
    hits = dict.fromkeys((item.concept.name for item in sittings[0]), 0.0)
    for item in (item for items in sittings for item in items):
        best = choose(len(option) for option in item.options)
        chosen = [number for number, option in enumerate(item.options) if len(option) == best]
        hits[item.concept.name] += (item.right in chosen) / len(chosen) / len(sittings)
    return hits


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_ten_questions_one_right_option_each_for_100_seeds(form):
    for seed in SEEDS:
        for when in concepts.WHEN:
            items = drawn(seed, when, form)
            assert len(items) == 10
            for item in items:
                assert len(set(item.options)) == len(item.options) in (3, 4)
                assert "{" not in item.text


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_every_distractor_is_what_a_named_mistake_leads_to(form):
    for item in (item for seed in SEEDS for when in concepts.WHEN for item in drawn(seed, when, form)):
        known = {why for _, why in item.concept.mistakes}
        for number, why in enumerate(item.believed):
            assert (why in known) == (number != item.right), item


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_the_longest_option_is_not_right_more_often_than_chance(form):
    for item in drawn(0, "before", form):
        assert by_chance(form, max)[item.concept.name] <= 1 / len(item.options) + 0.03, item.concept.name
    assert sum(by_chance(form, max).values()) <= concepts.guessing(form)
    assert sum(by_chance(form, min).values()) <= concepts.guessing(form)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_the_right_option_is_not_where_it_always_is(form):
    for place in range(10):
        places = {drawn(seed, "before", form)[place].right for seed in SEEDS}
        assert len(places) == len(drawn(0, "before", form)[place].options)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_always_the_same_option_is_no_way_to_pass(form):
    for option in range(3):
        scores = [sum(item.right == option for item in drawn(seed, "before", form)) for seed in SEEDS]
        assert sum(scores) / len(scores) < 4


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_numbers_change_between_the_two_sittings(form):
    assert concepts.items("s01", "before", form) == concepts.items("s01", "before", form)
    for seed in SEEDS:
        for before, after in zip(drawn(seed, "before", form), drawn(seed, "after", form), strict=True):
            assert before.concept is after.concept
            assert (before.text, set(before.options)) != (after.text, set(after.options))


def test_the_forms_are_parallel():
    """The same ideas in the same order with as much to guess, and no question of one in the other."""
    first, second = (drawn("s01", "before", form) for form in FORMS)
    for one, other in zip(first, second, strict=True):
        assert one.concept.name == other.concept.name
        assert len(one.options) == len(other.options)
        assert one.concept.prompt != other.concept.prompt
    assert concepts.guessing("A") == concepts.guessing("B") == pytest.approx(8 / 4 + 2 / 3)


def answers(seed, when, wrong=()):
    return [
        item.right if number not in wrong else (item.right + 1) % len(item.options)
        for number, item in enumerate(concepts.items(seed, when), 1)
    ]


def test_a_score_says_how_many_and_nothing_else_and_the_gain_is_the_share_learned():
    before = concepts.score(answers(7, "before", wrong=(1, 2, 5, 10)), 7, "before")
    after = concepts.score(answers(7, "after", wrong=(5,)), 7, "after")
    assert str(before) == "Concept test, form A, before, seed 7: 6 of 10 right. Guessing gives 2.7."
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
        with pytest.raises(hv.BadInput, match="'A', 'B'"):
            ask(0, "after", when)


def test_the_widget_says_nothing_until_it_is_handed_in_and_then_it_stays():
    test = hv.concept_test("s01", "after", "B")
    *rows, button, said = test.children
    choices = [row.children[1] for row in rows]
    right = [item.right for item in concepts.items("s01", "after", "B")]
    wrong = [(place + 1) % 3 for place in right]
    for number, (choice, answer) in enumerate(zip(choices, wrong, strict=True)):
        assert said.value == f"<p>{10 - number} to go.</p>"
        assert button.disabled
        choice.index = answer
    assert said.value == ""
    for refused in ("score", "result"):
        with pytest.raises(hv.BadInput, match="before it is handed in"):
            getattr(test, refused)
    right[2] = wrong[2]
    test.answers = tuple(right)
    assert [choice.index for choice in choices] == right
    assert said.value == ""
    button.click()
    assert str(concepts.score(right, "s01", "after", "B")) in said.value
    assert test.score.wrong == ("struct pages stay readable",)
    assert f"<pre>{test.result.strip()}</pre>" in said.value
    assert all(one.disabled for one in (*choices, button))
    choices[0].index = wrong[0]  # as a browser could still send
    with pytest.raises(hv.BadInput, match="handed in"):
        test.answers = tuple(wrong)
    assert test.answers == tuple(right)
    assert "9 of 10 right" in said.value
    bundle = test._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert outputs.read(data) == outputs.ConceptTestShown("s01", "after", "B")
    assert repr(test).count("( )") == sum(len(item.options) for item in concepts.items("s01", "after", "B"))


def test_results_are_collected_from_what_students_download(tmp_path):
    """A folder of CSV files, as the widget and the page give them, of both forms; the first of two attempts counts."""
    from grading import measure

    for student, first in (("s01", "A"), ("=2+2", "B")):
        for when, form in (("before", first), ("after", "AB"[first == "A"])):
            put = [item.right for item in concepts.items(student, when, form)]
            text = concepts.result(put if when == "after" else [(one + 1) % 3 for one in put], student, when, form)
            (tmp_path / f"{student} {when}.csv").write_text(text)
    (tmp_path / "t01.csv").write_text(concepts.result([0] * 10, "s01", "before"))
    (tmp_path / "t02.csv").write_text("student,seed,when,form,answers\nSomebody,s01,before,A," + "0 " * 10 + "\n")
    found = measure.sittings(tmp_path)
    assert set(found) == {"s01", "=2+2", "Somebody"}
    assert (len(found["s01"]["before"].right), len(found["s01"]["after"].right)) == (0, 10)
    assert found["s01"]["after"].form == "B"
    assert found["Somebody"]["before"] == concepts.score([0] * 10, "s01")
    assert measure.learned(found).students == 2


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
    for wrong in ("0 1", "1" * 5000):
        path.write_text(f"student,when,answers\ns01,before,{wrong}\n")
        with pytest.raises(hv.BadInput, match="line 2"):
            measure.sittings(path)
