from __future__ import annotations

import pytest

from sidecar.detection.names.term_lists import beside_terms
from sidecar.model import Origin, Span


def found(text: str, *names: str) -> list[Span]:
    return [
        Span(text.index(name), text.index(name) + len(name), "ORG", 0.7, Origin.NER, "a model")
        for name in names
    ]


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        pytest.param("Kafka, Zorbik and Quistly", ("Kafka", "Zorbik", "Quistly"), [1, 2], id="forward"),
        pytest.param("Zorbik or Quistly/Kafka", ("Kafka", "Zorbik", "Quistly"), [1, 2], id="backward"),
        pytest.param("Kafka met Zorbik", ("Kafka", "Zorbik"), [], id="a-verb-between"),
        pytest.param("Kafka, TX", ("Kafka", "TX"), [], id="too-short"),
    ],
)
def test_a_list_makes_a_term_of_what_stands_beside_one(
    text: str, names: tuple[str, ...], expected: list[int]
) -> None:
    spans = found(text, *names)
    is_term = [name == "Kafka" for name in names]
    assert beside_terms(text, spans, is_term, lambda _: True) == expected


def test_what_may_be_a_name_is_no_neighbor() -> None:
    spans = found("Kafka, Zorbik", "Kafka", "Zorbik")
    assert beside_terms("Kafka, Zorbik", spans, [True, False], lambda _: False) == []
