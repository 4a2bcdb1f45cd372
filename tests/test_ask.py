import re

import pytest

import hvlib as hv
from hvlib.teaching import concepts, homework
from hvlib.teaching.questions import QUESTIONS

SEEDS = range(100)


@pytest.mark.parametrize("name", list(QUESTIONS))
def test_the_answer_is_accepted_and_every_mistake_recognised_for_100_seeds(name):
    question = QUESTIONS[name]
    given = {}
    for seed in SEEDS:
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
            assert sentence.format_map(numbers) in verdict.text
        assert "{" not in question.text(seed)


@pytest.mark.parametrize("name", list(QUESTIONS))
def test_the_untouched_template_fails_kindly(name):
    verdict = hv.check(name, ...)
    assert not verdict.right
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


def test_an_unknown_question_gets_a_sentence():
    for ask in (lambda: hv.check("the meaning of life", 42), lambda: hv.predict("the meaning of life")):
        with pytest.raises(hv.BadInput, match="choose one of"):
            ask()


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
    assert "Your guess was 4096; it is 262,144. 4,096 counts vmemmap pages" in guess.verdict()
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
