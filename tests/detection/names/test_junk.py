from __future__ import annotations

import pytest

from sidecar.detection.names.gazetteer_list import load_word_list
from sidecar.detection.names.junk import IN_CODE, NOT_A_NAME, ORDINARY, PLACEHOLDER, TERM, Junk
from sidecar.detection.names.terms import Terms
from sidecar.model import Origin, Span

JUNK = Junk(load_word_list(), Terms.shipped())
CODE = "def pick(rows):\n    first = rows[0]\n    {}\n    return first\n"


def reason(text: str, name: str, entity_type: str = "PERSON", rule: str = "a model") -> str:
    start = text.index(name)
    (why,) = JUNK.reasons(text, [Span(start, start + len(name), entity_type, 0.7, Origin.NER, rule)])
    return why


@pytest.mark.parametrize(
    ("line", "name", "expected"),
    [
        pytest.param("node = Snapshot()", "Snapshot", IN_CODE, id="class"),
        pytest.param("kwds = first.copy()", "kwds", IN_CODE, id="variable"),
        pytest.param("# Generate all rows", "Generate", IN_CODE, id="comment"),
        pytest.param("raise KeyError('x')", "KeyError", IN_CODE, id="exception"),
        pytest.param("owner = Owner(name='Tamsin Okafor')", "Tamsin Okafor", "", id="quoted-name"),
        pytest.param("# asked for by Giulia", "Giulia", "", id="name-in-a-comment"),
        pytest.param(
            '"<td>Brannagh Quillfeather</td>"', "Brannagh Quillfeather", "", id="unknown-but-quoted"
        ),
    ],
)
def test_in_source_code_only_what_is_surely_a_name_stays(line: str, name: str, expected: str) -> None:
    assert reason(CODE.format(line), name) == expected


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        pytest.param("We moved it all to Kubernetes.", "Kubernetes", TERM, id="unmistakable"),
        pytest.param("Set up a pipeline in Jenkins.", "Jenkins", TERM, id="surname-beside-a-technical-noun"),
        pytest.param("Ruby and Rust are compared.", "Ruby", TERM, id="given-name-beside-another-term"),
        pytest.param("Mrs Jenkins called again.", "Jenkins", "", id="surname"),
        pytest.param("Ruby said she would come.", "Ruby", "", id="given-name"),
        pytest.param("The Hamilton operator is linear.", "Hamilton", TERM, id="scholar-before-a-thing"),
        pytest.param("Hamilton signed the contract.", "Hamilton", "", id="the-same-name-alone"),
        pytest.param("Blaise Pascal's triangle", "Blaise Pascal", "", id="whole-name"),
        pytest.param("Use Apache Spark.", "Apache Spark", TERM, id="vendor-and-product"),
        pytest.param("Implement Bellman-Quist.", "Bellman-Quist", TERM, id="two-scholars"),
        pytest.param("It is 5 Joules.", "5 Joules", TERM, id="number-and-unit"),
        pytest.param("The Head of Marketing left.", "Head of Marketing", TERM, id="office"),
        pytest.param("Signs of Graves' disease", "Graves", TERM, id="disease-after-a-bare-apostrophe"),
        pytest.param("Ana's disease got worse.", "Ana", "", id="somebody's-disease"),
        pytest.param("And Bob's your uncle.", "Bob", TERM, id="saying"),
    ],
)
def test_a_technical_term_is_one_unless_it_may_be_a_name_here(text: str, name: str, expected: str) -> None:
    assert reason(text, name) == expected


@pytest.mark.parametrize(
    ("name", "entity_type", "expected"),
    [
        pytest.param("Funny", "PERSON", ORDINARY, id="person"),
        pytest.param("Very Impressed", "PERSON", ORDINARY, id="several-words"),
        pytest.param("Reply", "ORG", ORDINARY, id="organization"),
        pytest.param("General Electric", "ORG", "", id="organization-of-two-words"),
        pytest.param("Google", "ORG", "", id="firm-that-became-a-verb"),
        pytest.param("Grace", "PERSON", "", id="word-and-given-name"),
        pytest.param("United States", "LOCATION", "", id="place"),
        pytest.param("Thistlewick", "PERSON", "", id="unknown-word"),
    ],
)
def test_ordinary_words_are_no_names(name: str, entity_type: str, expected: str) -> None:
    assert reason(f"Then {name} was there.", name, entity_type) == expected


def test_what_has_no_letter_is_no_name() -> None:
    assert reason("the 1234 of it", "1234") == NOT_A_NAME


@pytest.mark.parametrize("rule", ["cue:title", "structure:json"])
def test_what_stands_where_a_name_must_stand_is_not_judged(rule: str) -> None:
    assert reason(CODE.format("name = 'Docker'"), "Docker", rule=rule) == ""


def test_terms_are_read_in_any_case_and_with_blanks() -> None:
    assert "Docker Compose" in Terms.shipped()
    assert "DOCKER  compose" in Terms.shipped()
    assert "Amelie" not in Terms.shipped()


def test_ordinary_words_on_which_two_models_agree_stay() -> None:
    text = "Then Reply was there."
    twice = [Span(5, 10, "ORG", 0.7, Origin.NER, rule) for rule in ("a model", "another")]
    assert JUNK.reasons(text, twice) == ["", ""]


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        pytest.param("as {{PERSON_1}} said", "PERSON", PLACEHOLDER, id="like-a-token"),
        pytest.param("Dear {{ customer.name }},", "customer.name", PLACEHOLDER, id="template"),
        pytest.param("{{Fenwick Osgood}} is here", "Fenwick Osgood", "", id="name-in-braces"),
        pytest.param("{{first}} met Fenwick {{last}}", "Fenwick", "", id="name-between-two"),
    ],
)
def test_what_stands_in_a_placeholder_is_no_name(text: str, name: str, expected: str) -> None:
    assert reason(text, name) == expected
