from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection.names import entity as module
from sidecar.detection.names.entity import names


def kept(entity: str, after: str = "") -> list[str]:
    text = entity + after
    return [text[start:end] for start, end in names(text, 0, len(entity))]


@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        ("Jane Doe's", ["Jane Doe"]),
        ("Jane Doe\u2019s", ["Jane Doe"]),
        ("the Jones'", ["Jones"]),
        ('"Jane Doe",', ["Jane Doe"]),
        ("**Jane Doe**", ["Jane Doe"]),
        ("(Jane Doe)", ["Jane Doe"]),
        ("Jane\nDoe", ["Jane\nDoe"]),
        ("Jane Doe\n\nAcme", ["Jane Doe", "Acme"]),
        ("Jane Doe\tAcme", ["Jane Doe", "Acme"]),
        ("Jane Doe] Fame", ["Jane Doe", "Fame"]),
        ("Jane Doe https://example.org/x", ["Jane Doe"]),
        ("Jane 5550142", ["Jane"]),
        ("Jane " + "x" * 51 + " Doe", ["Jane", "Doe"]),
        ("5550142 Jane", ["Jane"]),
        ("3M", ["3M"]),
        ("U.S.", ["U.S."]),
        ("Acme Inc.", ["Acme Inc"]),
        ("O'Neill", ["O'Neill"]),
        ("Anne-Marie", ["Anne-Marie"]),
        ("\u674e", ["\u674e"]),
        ("Leonardo diCaprio", ["Leonardo diCaprio"]),
        ("john", ["john"]),
        ("Bonjour Maylis", ["Maylis"]),
        ("Compare Zorbik", ["Zorbik"]),
        ("lol dmitri", ["dmitri"]),
        ("Compare", ["Compare"]),
    ],
    ids=ascii,
)
def test_a_name_is_freed_of_what_adjoins_it(entity: str, expected: list[str]) -> None:
    assert kept(entity) == expected


@pytest.mark.parametrize(
    "entity",
    [
        "",
        "  ",
        "...",
        "12345",
        "A",
        "SSN",
        "iban",
        "user_id",
        "get(x",
        "std::string",
        "camelCase",
        "ValueError",
        "a=b",
        "a$b",
        "x27",
        "https://example.org",
        "None",
    ],
)
def test_what_cannot_be_a_name_is_dropped(entity: str) -> None:
    assert kept(entity) == []


def test_a_request_counts_only_where_a_sentence_starts() -> None:
    text = "they Open Zorbik"
    assert [text[start:end] for start, end in names(text, 5, len(text))] == ["Open Zorbik"]


def test_the_label_on_the_next_line_is_not_part_of_the_name() -> None:
    assert kept("Jane Doe\nSubject", ": hello") == ["Jane Doe"]
    assert kept("Jane Doe\nSubject", " hello") == ["Jane Doe\nSubject"]


@pytest.mark.parametrize(
    ("before", "entity", "expected"),
    [
        pytest.param("as read in ", "The Harbor Post", "The Harbor Post", id="capital-within-a-sentence"),
        pytest.param("as read in ", "the Harbor Post", "Harbor Post", id="no-capital"),
        pytest.param("It is old. ", "The Harbor Post", "Harbor Post", id="start-of-a-sentence"),
        pytest.param("", "The Harbor Post", "Harbor Post", id="start-of-the-text"),
    ],
)
def test_an_article_belongs_to_a_name_where_its_capital_says_so(
    before: str, entity: str, expected: str
) -> None:
    text = before + entity
    ((start, end),) = names(text, len(before), len(text))
    assert text[start:end] == expected


@given(st.text("Ab1 .'\n\t[]_-:/s$", max_size=30), st.text(max_size=5), st.text(max_size=5))
def test_names_lie_within_the_entity_ascending_and_disjoint(entity: str, before: str, after: str) -> None:
    low, high = len(before), len(before) + len(entity)
    for start, end in names(before + entity + after, low, high):
        assert low <= start < end <= high
        low = end


WORDS = [
    "Jane",
    "Doe",
    "the",
    "The",
    "hi",
    "Hi",
    "Write",
    "dear",
    "iban",
    "YAML",
    "jsonLines",
    "IOError",
    "x",
    "McGee",
]


@given(
    st.lists(st.one_of(st.sampled_from(WORDS), st.from_regex(r"\A[A-Za-z]{1,60}\Z")), min_size=1, max_size=4)
)
def test_plain_words_are_judged_as_by_all_rules(words: list[str]) -> None:
    entity = " ".join(words)
    assert names(entity, 0, len(entity)) == module._by_rules(entity, 0, len(entity))
    within = f"x. {entity}\nSubject: y"
    place = (3, 3 + len(entity))
    assert names(within, *place) == module._by_rules(within, *place)
