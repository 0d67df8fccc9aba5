from __future__ import annotations

import pytest

from sidecar.detection.context import ContextWords
from sidecar.detection.linear import TextView


def near(
    text: str,
    hint: str = "",
    *,
    words: tuple[str, ...] = ("card", "social security"),
    within: int | None = None,
) -> bool:
    start = text.index("42")
    return ContextWords(words, within).look(TextView(text), hint, lambda: None).near(start, start + 2)


@pytest.mark.parametrize(
    "text",
    [
        "card 42",
        "42 is my CARD",
        "cards: 42",
        "card_number=42",
        "cardNumber 42",
        "myCard 42",
        "\u5361card42",
        "social-security 42",
        "socialSecurity 42",
        "SOCIAL_SECURITY 42",
    ],
)
def test_a_word_counts_as_a_word_of_prose_or_of_an_identifier(text: str) -> None:
    assert near(text)


@pytest.mark.parametrize("text", ["тел. 42", "Тел. 42", "ТЕЛ 42", "emšo 42", "EMŠO 42", "Emšo: 42"])
def test_letters_of_other_alphabets_count_in_any_case_too(text: str) -> None:
    assert near(text, words=("тел", "EMŠO"))


@pytest.mark.parametrize(
    ("word", "text", "expected"),
    [
        ("teléfono", "telefono 42", True),
        ("điện thoại", "dien thoai 42", True),
        ("né", "ne 42", False),
        ("größe", "grösse 42", False),
    ],
)
def test_only_a_long_word_counts_without_its_accents(word: str, text: str, expected: bool) -> None:
    assert near(text, words=(word,)) is expected


@pytest.mark.parametrize("text", ["cardiac 42", "discard 42", "CARDIAC 42", "social 42", "42", "car d 42"])
def test_part_of_another_word_does_not_count(text: str) -> None:
    assert not near(text)


@pytest.mark.parametrize(
    ("hint", "expected"), [("card", True), ("creditCard", True), ("cardinal", False), ("", False)]
)
def test_the_hint_counts_like_the_text(hint: str, expected: bool) -> None:
    assert near("42", hint) is expected
    assert near("42", hint, within=1) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("card 42", True),
        ("card       42", True),
        ("card        42", False),
        ("42       card", True),
        ("42        card", False),
        ("card" + " " * 99 + "42 card", True),
    ],
    ids=["adjoining", "last-before", "too-far-before", "last-after", "too-far-after", "second-word"],
)
def test_a_limit_counts_code_points_between_word_and_match(text: str, expected: bool) -> None:
    assert near(text, within=7) is expected


def test_words_are_not_patterns() -> None:
    assert not near("cXd 42", words=("c.d",))
    assert near("c.d 42", words=("c.d",))
    assert near("\u7535\u8bdd\u662f42", words=("\u7535\u8bdd",))
