"""The chapters' questions and the concept test for an LMS: Moodle XML, and QTI by text2qti.

Each question is there with several seeds: in Moodle a category from which one is picked at random, in QTI a group. The
named mistakes come with their sentences where the format has a place for them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from text2qti.config import Config
from text2qti.qti import QTI
from text2qti.quiz import Quiz

from hvlib.teaching import ask, concepts
from hvlib.teaching.questions import QUESTIONS

EXACT = 1 << 53
"""Numbers beyond it are not exact in an LMS, which computes in floating point."""


@dataclass(frozen=True)
class Variant:
    """A question with the numbers of a seed. ``right`` are all ways to write the answer that are accepted.

    ``options`` is `None` where the answer is typed; ``wrong`` are pairs of an answer and what to say to it.
    """

    text: str
    right: tuple[str, ...]
    why: str
    wrong: tuple[tuple[str, str], ...] = ()
    options: tuple[str, ...] | None = None
    number: bool = False


Bank = dict[str, list[Variant]]


def questions(seeds: Sequence[int | str]) -> Bank:
    """The chapters' questions; those that ask for a function are left out, for no LMS can judge one."""
    bank: Bank = {}
    for name, question in QUESTIONS.items():
        if question.read.kind != "function":
            found = {variant.text: variant for seed in seeds for variant in [_variant(question, seed)]}
            bank[name] = list(found.values())
    return bank


def _variant(question: ask.Question, seed: int | str) -> Variant:
    given = question.given(seed)
    right, why = question.answer(given), question.why.format_map(given)
    mistakes: dict[str, str] = {}
    for mistake, sentence in question.mistakes:
        value = mistake(given)
        if value != right:
            mistakes.setdefault(_ways(value, question)[0], sentence.format_map(given))
    number = isinstance(right, int) and question.read.kind == "count" and abs(right) < EXACT
    options = None
    if question.read.kind == "choice":
        options = tuple(random.Random(f"{seed}").sample(list(question.read.choices), len(question.read.choices)))
    return Variant(question.text(seed), _ways(right, question), why, tuple(mistakes.items()), options, number)


def _ways(value: ask.Value, question: ask.Question) -> tuple[str, ...]:
    """How an answer may be typed."""
    if isinstance(value, tuple):
        words = [str(one) for one in value]
        return (", ".join(words), ",".join(words), " ".join(words))
    if question.read.kind == "size" and isinstance(value, int):
        shown = question.write(value)
        return tuple(dict.fromkeys((shown, shown.replace(" ", ""), shown.replace(",", ""), str(value))))
    if isinstance(value, int):
        return tuple(dict.fromkeys((str(value), f"{value:,}", f"{value:#x}")))
    return (str(value),)


def concept_test(seeds: Sequence[int | str], when: str = "before", form: str = "A") -> Bank:
    """The items of the concept test; which answer is right is not told in any feedback."""
    bank: Bank = {}
    for seed in seeds:
        for item in concepts.items(seed, when, form):
            variant = Variant(item.text, (item.options[item.right],), "", options=item.options)
            known = bank.setdefault(item.concept.name, [])
            if variant.text not in [one.text for one in known]:
                known.append(variant)
    return bank


# --- Moodle XML -------------------------------------------------------------------------------------------------------


def moodle(bank: Bank, top: str) -> str:
    """The bank as Moodle XML: a category for each question."""
    quiz = ET.Element("quiz")
    for name, variants in bank.items():
        category = ET.SubElement(ET.SubElement(quiz, "question", type="category"), "category")
        _text(category, f"$course$/{top}/{name.replace('/', '//')}")
        for number, variant in enumerate(variants, 1):
            quiz.append(_moodle(f"{name} ({number})", variant))
    ET.indent(quiz)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(quiz, encoding="unicode") + "\n"


def _moodle(name: str, variant: Variant) -> ET.Element:
    kind = "multichoice" if variant.options else "numerical" if variant.number else "shortanswer"
    question = ET.Element("question", type=kind)
    _text(ET.SubElement(question, "name"), name)
    _text(ET.SubElement(question, "questiontext", format="plain_text"), variant.text)
    _text(ET.SubElement(question, "generalfeedback", format="plain_text"), variant.why)
    ET.SubElement(question, "defaultgrade").text = "1"
    if variant.options:
        for tag, text in (("single", "true"), ("shuffleanswers", "true"), ("answernumbering", "none")):
            ET.SubElement(question, tag).text = text
        for option in variant.options:
            _answer(question, option, option in variant.right, dict(variant.wrong).get(option, ""))
        return question
    for way in variant.right[:1] if variant.number else variant.right:
        _answer(question, _literal(way, kind), True, "")
    for wrong, sentence in variant.wrong:
        if wrong not in variant.right and not (variant.number and not re.fullmatch(r"-?\d+", wrong)):
            _answer(question, _literal(wrong, kind), False, sentence)
    if kind == "shortanswer":
        ET.SubElement(question, "usecase").text = "0"
    return question


def _literal(text: str, kind: str) -> str:
    """In a short answer an asterisk stands for anything."""
    return text.replace("*", r"\*") if kind == "shortanswer" else text


def _answer(question: ET.Element, text: str, right: bool, sentence: str) -> None:
    answer = ET.SubElement(question, "answer", fraction="100" if right else "0", format="plain_text")
    _text(answer, text)
    _text(ET.SubElement(answer, "feedback", format="plain_text"), sentence)
    if question.get("type") == "numerical":
        ET.SubElement(answer, "tolerance").text = "0"


def _text(parent: ET.Element, text: str) -> None:
    ET.SubElement(parent, "text").text = text


# --- QTI --------------------------------------------------------------------------------------------------------------


def qti(bank: Bank, title: str) -> bytes:
    """The bank as a package of QTI 1.2: a group for each question, from which one is picked."""
    blocks = []
    for variants in bank.values():
        several = len(variants) > 1
        if several:
            blocks.append("GROUP\npick: 1\npoints per question: 1\n")
        blocks += [_qti(variant) for variant in variants]
        if several:
            blocks.append("END_GROUP\n")
    return bytes(QTI(Quiz(f"Quiz title: {_markdown(title)}\n\n" + "\n".join(blocks), config=Config())).zip_bytes())


def _qti(variant: Variant) -> str:
    lines = [f"1.  {_markdown(variant.text)}"]
    if variant.why:
        lines.append(f"... {_markdown(variant.why)}")
    if variant.options:
        for letter, option in zip("abcdefghijklmnopqrstuvwxyz", variant.options, strict=False):
            lines.append(f"{'*' if option in variant.right else ''}{letter})  {_markdown(option)}")
    elif variant.number and variant.right[0] != "0":  # text2qti takes no 0 for a number
        lines.append(f"=   {variant.right[0]}")
    else:
        lines += [f"*   {_markdown(way)}" for way in variant.right]
    return "\n".join(lines) + "\n"


def _markdown(text: str) -> str:
    """One line whose letters Markdown leaves alone."""
    return re.sub(r"([\\`*_{}\[\]<>#$|])", r"\\\1", " ".join(text.split()))


def both(chapters: bool, seeds: int, when: str = "before", form: str = "A") -> Iterator[tuple[str, bytes]]:
    """The two files of the chapters' questions, or of the concept test: name and bytes."""
    drawn = [f"variant {number}" for number in range(1, seeds + 1)]
    bank = questions(drawn) if chapters else concept_test(drawn, when, form)
    test = (f"concept-test-{form}-{when}", f"hvlib: concept test, form {form}, {when}")
    name, title = ("questions", "hvlib: questions") if chapters else test
    yield f"{name}.xml", moodle(bank, name).encode()
    yield f"{name}.zip", qti(bank, title)
