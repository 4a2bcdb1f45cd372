import re

import pytest

import hvlib as hv
from hvlib.pictures import outputs
from hvlib.teaching import ask, concepts, homework
from hvlib.teaching.ask import Question
from hvlib.teaching.questions import QUESTIONS

FEW, MANY = range(2), range(2, 100)


@pytest.mark.parametrize("seeds", [FEW, pytest.param(MANY, marks=pytest.mark.slow)], ids=["few", "many"])
@pytest.mark.parametrize("name", list(QUESTIONS))
def test_the_answer_is_accepted_and_every_mistake_recognised_for_100_seeds(name, seeds):
    question = QUESTIONS[name]
    given = {}
    for seed in seeds:
        given.setdefault(tuple(sorted(question.given(seed).items())), seed)
    for seed in given.values():
        numbers = question.given(seed)
        right = question.answer(numbers)
        assert question.judge(question.write(right), seed).right, "the answer as it is written is accepted"
        wrong = [mistake(numbers) for mistake, _ in question.mistakes]
        assert right not in wrong, (numbers, "a named mistake is the right answer")
        assert len(wrong) == len(set(wrong)), (numbers, "two mistakes give the same answer, so one is never named")
        for value, (_, sentence) in zip(wrong, question.mistakes, strict=True):
            verdict = question.judge(value, seed)
            assert not verdict.right
            assert verdict.mistake == sentence.format_map(numbers)
            assert verdict.mistake in verdict.text
            assert verdict.mistake in question.sentence(value, seed)
        assert "{" not in question.text(seed)


@pytest.mark.parametrize("name", list(QUESTIONS))
def test_a_wrong_answer_that_nothing_explains_hears_what_to_count_and_not_the_answer(name):
    question = QUESTIONS[name]
    assert re.match(r"[A-Z].{20,}[.?]$", question.hint)
    assert question.hint != Question.hint, "which says nothing of this question"
    for seed in FEW:
        given = question.given(seed)
        right = question.answer(given)
        written = question.write(right)
        if question.read.kind in ("count", "size"):
            said = [mistake(given) for mistake, _ in question.mistakes]
            wrong = next(value for value in range(right + 3, right + 30) if value not in said)
            assert question.judge(wrong, seed).text.split(" (A number")[0].endswith(f"smaller. {question.hint}")
            assert not re.search(rf"(?<![\d,]){re.escape(written)}(?![\d,])", question.hint)


@pytest.mark.parametrize("name", list(QUESTIONS))
def test_the_untouched_template_fails_kindly(name):
    verdict = hv.check(name, ...)
    assert not verdict.right
    assert not verdict.answered
    assert verdict.mistake is None
    assert "No answer yet" in verdict.text
    assert QUESTIONS[name].text() in verdict.text


@pytest.mark.parametrize(("near", "where"), [(-1, "larger"), (1, "smaller")])
def test_a_wrong_number_is_told_on_which_side_the_answer_lies(near, where):
    for name, question in QUESTIONS.items():
        given = question.given(0)
        right = question.answer(given)
        value = right + near if isinstance(right, int) and not isinstance(right, bool) else None
        if value is None or value < 0 or value in [mistake(given) for mistake, _ in question.mistakes]:
            continue
        assert f"The answer is {where}." in hv.check(name, value).text, name


def test_a_verdict_shows_what_was_typed_and_never_as_markup():
    verdict = hv.check("base pages of 1 GiB", "<script>alert(1)</script>")
    assert "<script>" in repr(verdict)
    assert "<script>" not in verdict._repr_html_()
    guess = hv.predict("base pages of 1 GiB")
    guess.value = "<b>512</b>"
    assert "<b>" not in guess.children[2].value


def test_right_and_wrong_differ_at_a_glance_by_sign_ground_and_line():
    looks = [hv.check("base pages of 1 GiB", answer)._repr_html_() for answer in (262_144, 512, "lots", ...)]
    assert [[sign for sign in "✓✗" if sign in look] for look in looks] == [["✓"], ["✗"], [], []]
    assert [look.split("border-left: 6px ")[1].split()[0] for look in looks] == ["solid", "dashed", "dotted", "dotted"]
    assert ["background" in look for look in looks] == [True, True, False, False]
    assert all("aria-hidden" in look for look in looks[:2]), "the words say it"


def test_an_unknown_question_gets_a_sentence():
    for put in (lambda: hv.check("the meaning of life", 42), lambda: hv.predict("the meaning of life")):
        with pytest.raises(hv.BadInput, match="choose one of"):
            put()


def test_a_choice_may_be_named_in_the_singular():
    assert [ask.one_of("tails", "heads")(answer) for answer in ("tails", " Tail ")] == ["tails", "tails"]


def test_a_seed_is_a_short_text():
    QUESTIONS["address of a struct page"].text("s" * 99)
    with pytest.raises(hv.BadInput, match="a seed is"):
        QUESTIONS["address of a struct page"].text("s" * 100)


def test_seeds_change_the_numbers_and_are_repeatable():
    texts = {QUESTIONS["address of a struct page"].text(seed) for seed in range(20)}
    assert len(texts) > 15
    assert QUESTIONS["address of a struct page"].text("s01") == QUESTIONS["address of a struct page"].text("s01")


def test_numbers_are_read_as_people_write_them():
    for answer in ("262144", "262,144", "0x40000", 262144, 262144.0, " 262 144 ", "262_144"):
        assert hv.check("base pages of 1 GiB", answer).right, answer
    for answer in ("160 MiB", 160 << 20, "160M", "163,840 KiB"):
        assert hv.check("memmap of a KMSAN kernel", answer).right, answer
    for answer in ("split, remap, flush, free", ["split", "remap", "flush", "free"], "split remap flush free"):
        assert hv.check("order of the steps", answer).right, answer


def test_a_prediction_notes_what_was_typed_and_says_what_it_cannot_read():
    guess = hv.predict("base pages of 1 GiB")
    assert guess.verdict() == ""
    guess.value = "4096"
    assert "Noted: 4,096" in guess.children[2].value
    assert "Your guess was 4,096; it is 262,144. 4,096 counts vmemmap pages" in guess.verdict()
    guess.value = "lots"
    assert "is not a whole number" in guess.children[2].value
    guess.children[1].value = "262144"
    assert guess.value == "262144", "the text box and the trait are one"
    assert guess.verdict().startswith("Your guess is right: 262,144.")
    assert (
        "Run this cell" in guess._repr_mimebundle_()["text/plain"]
        if isinstance(guess._repr_mimebundle_(), dict)
        else True
    )


def test_a_prediction_says_that_a_unit_is_missing_where_memory_is_asked():
    for name, typed, bare in (("what is left of 16 GiB", "3", True), ("what is left of 16 GiB", "3 MiB", False),
                              ("base pages of 1 GiB", "3", False)):  # fmt: skip
        guess = hv.predict(name)
        guess.value = typed
        assert ("A number without a unit is bytes" in guess.children[2].value) == bare, (name, typed)


def test_a_verdict_says_whether_it_was_an_answer_and_which_misconception_it_shows():
    unread, wrong, misled, right = (hv.check("base pages of 1 GiB", answer) for answer in ("lots", 5, 4096, 262144))
    assert [verdict.answered for verdict in (unread, wrong, misled, right)] == [False, True, True, True]
    assert [bool(verdict.mistake) for verdict in (unread, wrong, misled, right)] == [False, False, True, False]
    assert misled.mistake.startswith("4,096 counts vmemmap pages")


def test_an_exercise_and_a_prediction_tell_programs_which_question_they_put():
    data = hv.check("memmap of a KMSAN kernel", 4096, seed="s01")._repr_mimebundle_()
    verdict = hv.check("memmap of a KMSAN kernel", 4096, seed="s01")
    assert outputs.read(data) == outputs.ExerciseShown("memmap of a KMSAN kernel", "s01", True, False, verdict.mistake)
    bundle = hv.predict("base pages of 1 GiB")._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert outputs.read(data) == outputs.PredictionShown("base pages of 1 GiB", 0)


def test_each_kind_of_prompt_draws_the_same_numbers_for_the_same_seed_and_others_than_its_neighbours():
    task = homework.SETS["ps1"].tasks[0]
    assert QUESTIONS["base pages of 1 GiB"].key(7) == "hvlib 7"
    assert task.key(" s01 ") == "hvlib homework memmap s01"
    assert concepts.CONCEPTS[0].key("s01 before") == "hvlib concepts s01 before base pages"
    assert task.given("s01") == task.given(" s01 ") != task.given("s02")
    with pytest.raises(hv.BadInput, match="no student id"):
        task.text()


RELEASE = re.compile(r"(?<![\d.])[5-7]\.\d{1,2}(?:\.\d+)?(?![\d%])")
ARCHITECTURE = re.compile(r"x86-64|arm64|riscv64|s390x|LoongArch|powerpc")


def put_to_a_reader():
    """Every question, concept and task as it is put, by name."""
    for name, question in QUESTIONS.items():
        yield from ((name, question.text(seed)) for seed in range(20))
    for when in concepts.WHEN:
        yield from ((item.concept.name, item.text) for seed in range(20) for item in concepts.items(seed, when))
    for tasks in homework.SETS.values():
        yield from ((task.name, task.text(f"s{seed}")) for task in tasks.tasks for seed in range(20))


def test_what_is_asked_of_a_release_is_asked_of_an_architecture():
    """The same release number means something else on arm64 or riscv64."""
    named = {name: text for name, text in put_to_a_reader() if RELEASE.search(text)}
    assert len(named) > 30
    assert [text for text in named.values() if not ARCHITECTURE.search(text)] == []
