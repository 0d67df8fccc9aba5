from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.detection.lists import CUSTOM, Listed, public_facts
from sidecar.detection.pipeline import Detection, load_detection
from sidecar.errors import ConfigError, RequestRefused
from sidecar.model import Passage

if TYPE_CHECKING:
    from tests.detection.conftest import Allowance

pytestmark = pytest.mark.model

MODEL_SETTINGS = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SENTENCES = st.sampled_from(
    [
        "Contact John Smith at john@example.com.",
        "Jane Doe's SSN is 123-45-6789",
        "card 4532-1234-5678-9010",
        "\u738b\u5c0f\u660e lives in Paris \ud800",
        "nothing",
        "",
        "def f(x): return x\n",
    ]
)


def found(detection: Detection, budget: Allowance, *passages: str | Passage) -> list[list[tuple[str, str]]]:
    all_passages = [Passage(each) if isinstance(each, str) else each for each in passages]
    return [
        [(passage.text[span.start : span.end], span.entity_type) for span in spans]
        for passage, spans in zip(all_passages, detection.detect_request(all_passages, budget), strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Contact John Smith at john@example.com", [("John Smith", "PERSON"), ("john@example.com", "EMAIL")]),
        ("What is Jane Doe's SSN 123-45-6789?", [("Jane Doe", "PERSON"), ("123-45-6789", "SSN")]),
        ("Charge card 4532-1234-5678-9010.", [("4532-1234-5678-9010", "CREDIT_CARD")]),
    ],
    ids=["person-email", "person-ssn", "card"],
)
def test_worked_examples(
    detection: Detection, plenty: Allowance, text: str, expected: list[tuple[str, str]]
) -> None:
    assert found(detection, plenty, text) == [expected]


def test_a_number_covered_in_context_is_covered_everywhere(detection: Detection, plenty: Allowance) -> None:
    first, second, key = found(
        detection,
        plenty,
        "my card is 4532-1234-5678-9010",
        "and 4532-1234-5678-9010?",
        Passage("4532123456789010", patterns_only=True),
    )
    assert first == second == [("4532-1234-5678-9010", "CREDIT_CARD")]
    assert key == [("4532123456789010", "CREDIT_CARD")]


def test_detection_alone_does_not_look_at_neighbors(detection: Detection, plenty: Allowance) -> None:
    passages = [Passage("my card is 4532-1234-5678-9010"), Passage("and 4532-1234-5678-9010?")]
    first, second = detection.detect(passages, plenty)
    assert len(first) == 1
    assert second == []


@MODEL_SETTINGS
@given(st.lists(SENTENCES, max_size=5))
def test_spans_are_disjoint_ascending_and_the_same_on_a_thread(
    detection: Detection, threaded: Detection, plenty: Allowance, texts: list[str]
) -> None:
    passages = [Passage(text) for text in texts]
    result = detection.detect_request(passages, plenty)
    assert result == threaded.detect_request(passages, plenty) == detection.detect_request(passages, plenty)
    for passage, spans in zip(passages, result, strict=True):
        end = 0
        for span in spans:
            assert end <= span.start < span.end <= len(passage.text)
            assert span.entity_type in detection.entity_types
            end = span.end


@MODEL_SETTINGS
@given(st.lists(SENTENCES, max_size=5))
def test_each_passage_is_detected_as_if_alone(
    detection: Detection, plenty: Allowance, texts: list[str]
) -> None:
    together = detection.detect([Passage(text) for text in texts], plenty)
    assert together == [detection.detect([Passage(text)], plenty)[0] for text in texts]


def test_urls_and_headers_are_looked_at_by_patterns_alone(detection: Detection) -> None:
    url = "/v1/files?owner=ann@example.com&ip=203.0.113.9&name=John+Smith"
    assert [url[span.start : span.end] for span in detection.patterns_in(url)] == [
        "ann@example.com",
        "203.0.113.9",
        "John+Smith",
    ]
    assert [span.entity_type for span in detection.patterns_in("4532123456789010", "card")] == ["CREDIT_CARD"]


def test_all_types_that_can_occur_are_known(detection: Detection) -> None:
    assert {"PERSON", "ORG", "LOCATION", "EMAIL", "SSN"} <= set(detection.entity_types)
    assert list(detection.entity_types) == sorted(set(detection.entity_types))


def test_without_ner_no_model_is_needed(plenty: Allowance) -> None:
    detection = load_detection(ner=False)
    assert found(detection, plenty, "John Smith, john@example.com") == [[("john@example.com", "EMAIL")]]
    assert "ORG" not in detection.entity_types


def test_when_time_is_up_the_request_is_refused(threaded: Detection, allowance: type[Allowance]) -> None:
    for checks in range(4):
        with pytest.raises(RequestRefused):
            threaded.detect_request(
                [Passage("John, 4111 1111 1111 1112. " * 2_000)], allowance(checks=checks)
            )


def test_a_broken_patterns_file_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "patterns.json"
    file.write_text('{"patterns": [{"name": "x", "type": "X", "regex": "("}]}', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"patterns\[0\] x"):
        load_detection(file)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "mail ann at example dot com", [("ann at example dot com", "EMAIL")], id="spoken-address"
        ),
        pytest.param("4111\u200b1111\u200b1111\u200b1111", None, id="zero-width-blanks"),
        pytest.param("\uff2a\uff41\uff4e\uff45@example.org", None, id="fullwidth"),
        pytest.param("to=jane%40example.org", [("jane%40example.org", "EMAIL")], id="percent"),
    ],
)
def test_spans_of_the_normalized_view_lie_in_the_client_s_own_text(
    detection: Detection, plenty: Allowance, text: str, expected: list[tuple[str, str]] | None
) -> None:
    (spans,) = found(detection, plenty, text)
    assert spans == expected or (expected is None and [each for each, _ in spans] == [text])


def test_street_addresses_names_by_cues_and_listed_names_are_found(
    detection: Detection, plenty: Allowance
) -> None:
    text = "my name is orla brannigan, ship it to 12 Harbour Lane, Galway; oluwaseun signs"
    (spans,) = found(detection, plenty, text)
    assert ("orla brannigan", "PERSON") in spans
    assert ("oluwaseun", "PERSON") in spans
    assert any(name == "ADDRESS" and original.startswith("12 Harbour Lane") for original, name in spans)


def test_what_a_list_allows_stays_and_what_a_list_denies_is_covered(plenty: Allowance) -> None:
    detection = load_detection(
        allow=[Listed("jane@example.org", None, exact=False)], deny=[Listed("falcon", "PROJECT", exact=False)]
    )
    assert found(detection, plenty, "Falcon: ask jane@example.org") == [[("Falcon", "PROJECT")]]
    assert "PROJECT" in detection.entity_types


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Falcon in France", [("Falcon", "PROJECT"), ("France", CUSTOM)]),
        ("new\r\n  france, France's", [("new\r\n  france", CUSTOM), ("France", CUSTOM)]),
        ("Z\u2011Lab and Z-Lab", [("Z\u2011Lab", CUSTOM), ("Z-Lab", CUSTOM)]),
        ("%46alcon &#70;alcon", [("%46alcon", "PROJECT"), ("&#70;alcon", "PROJECT")]),
    ],
)
def test_what_is_denied_is_covered_even_if_it_is_allowed_too(
    plenty: Allowance, text: str, expected: list[tuple[str, str]]
) -> None:
    lists = {
        "allow": [("falcon", None)],
        "deny": [("falcon", "PROJECT"), ("france", None), ("new france", None)],
    }
    lists["deny"].append(("z\u2011lab", None))
    listed = {name: [Listed(*each, exact=False) for each in entries] for name, entries in lists.items()}
    detection = load_detection(ner=False, **listed).sparing(public_facts())
    assert found(detection, plenty, text) == [expected]


def test_the_balanced_policy_spares_public_facts(detection: Detection, plenty: Allowance) -> None:
    question = "What is the capital of France, and where was Albert Einstein born?"
    assert found(detection, plenty, question) != [[]]
    assert found(detection.sparing(public_facts()), plenty, question) == [[]]


def test_an_explanation_names_the_rule_of_what_was_taken_and_why_the_rest_was_not(
    detection: Detection, plenty: Allowance
) -> None:
    text = "def run(rows):\n    node = Snapshot(rows)\n    return node\n# mail ann@example.org\n"
    verdicts = detection.explain(Passage(text), plenty)
    assert [(each.span.rule, each.reason) for each in verdicts if each.taken] == [("email", "")]
    assert {each.reason for each in verdicts if not each.taken} <= {"source code"}


def test_what_may_stay_is_not_covered_as_a_part_of_something_else(plenty: Allowance) -> None:
    detection = load_detection(allow=[Listed("quillmere", None, exact=False)])
    text = "She works for Quillmere Analytics Ltd. Quillmere is old."
    (spans,) = found(detection, plenty, text)
    assert [original for original, _ in spans if "Quillmere" in original] == ["Quillmere Analytics Ltd"]


def test_what_stands_around_a_name_is_read_beside_an_endless_run(
    detection: Detection, plenty: Allowance
) -> None:
    run = "x" * 70_000
    (spans,) = found(detection, plenty, f"my name is orla brannigan {run} my boss is tamsin okafor")
    assert {("orla brannigan", "PERSON"), ("tamsin okafor", "PERSON")} <= set(spans)
