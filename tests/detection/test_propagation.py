from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection.propagation import propagate
from sidecar.detection.propagation import spread as places
from sidecar.model import Origin, Passage, Span


def spread(
    found: str, *texts: str | Passage, kind: str = "PERSON", origin: Origin = Origin.NER
) -> list[list[str]]:
    """Return what is covered in ``texts`` once ``found`` was found in a text of its own."""
    passages = [Passage(found), *(Passage(text) if isinstance(text, str) else text for text in texts)]
    spans = [[Span(0, len(found), kind, 0.9, origin)], *([] for _ in texts)]
    result = propagate(passages, spans)
    assert result[0] == spans[0]
    assert all(span.entity_type == kind for each in result for span in each)
    return [
        [passage.text[span.start : span.end] for span in each]
        for passage, each in zip(passages[1:], result[1:], strict=True)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Ann Lee",
        "(Ann Lee)",
        "Ann Lee's",
        "_Ann Lee_",
        "1: Ann Lee\n",
        "\u8bf7\u95eeAnn Lee\u5148\u751f",
        "\ud800Ann Lee\x00",
        '"Ann Lee"',
    ],
    ids=ascii,
)
def test_what_is_found_once_is_covered_everywhere(text: str) -> None:
    assert spread("Ann Lee", text, f"{text} {text}") == [["Ann Lee"], ["Ann Lee", "Ann Lee"]]


@pytest.mark.parametrize(
    "text", ["ANN LEE", "ann lee", "Ann\nLee", "Ann\u00a0Lee", "\uff21nn Lee", "A\u0301nn Lee"]
)
def test_a_persons_full_name_is_covered_in_another_spelling(text: str) -> None:
    assert spread("Ann Lee", f"ask {text}, please") == [[text]]


@pytest.mark.parametrize(
    ("found", "text", "expected"),
    [
        (
            "Katarzyna W\u00f3jcik",
            "KATARZYNA or Katarzyna or W\u00d3JCIK",
            ["KATARZYNA", "Katarzyna", "W\u00d3JCIK"],
        ),
        ("Katarzyna W\u00f3jcik", "Then ask w\u00f3jcik, or wojcik.", ["w\u00f3jcik", "wojcik"]),
        ("Bj\u00f6rn J\u00e4ger", "Bjorn, Bjoern, JAEGER", ["Bjorn", "Bjoern", "JAEGER"]),
        ("Anna Becker", "Becker\u2019s and Anna's", ["Becker", "Anna"]),
        ("Anna Becker\u2019s", "Becker", ["Becker"]),
        ("Dr. Anna Becker", "Dr Becker", ["Becker"]),
        ("Ana de la Cruz", "de la Cruz de la", ["Cruz"]),
        ("Rose Marsh", "so Rose said", ["Rose"]),
        ("Rose Marsh", "Rose petals. a rose. ROSE.", []),
        ("Mark May", "Mark it and mark that, and may. May I? in May, on May 5, MAY", []),
        ("Mark May", "I saw Mark and met May there", ["Mark", "May"]),
        ("Anna Becker", "anna_becker = becker(becker.x, becker[0])", []),
        ("Al Li", "Al met Li", []),
        ("Anna Becker", "ANNABECKER Beckers Annabel", []),
        ("Error Handler", "An Error in a Handler, error", ["Handler"]),
        ("\uc774\ubbfc \uc11c\uc900", "\uc11c\uc900", []),
    ],
    ids=[
        *("parts", "lower-case-parts", "diacritics-dropped", "possessive", "possessive-in-the-span"),
        *("form-of-address", "particles", "ordinary-word-mid-sentence", "ordinary-word-elsewhere"),
        *("mark-may", "mark-may-mid-sentence", "identifiers", "too-short", "longer-words"),
        *("no-name-word", "script-without-case"),
    ],
)
def test_parts_of_a_persons_name_are_covered_where_they_can_be_nothing_else(
    found: str, text: str, expected: list[str]
) -> None:
    passages = [Passage(found), Passage(text)]
    result = propagate(passages, [[Span(0, len(found), "PERSON", 0.9, Origin.NER)], []])[1]
    assert [text[span.start : span.end] for span in result] == expected


@pytest.mark.parametrize(
    ("found", "text", "expected"),
    [
        ("Brightwater Analytics", "Brightwater, BRIGHTWATER, brightwater", ["Brightwater", "BRIGHTWATER"]),
        ("ACME", "Acme Acme", ["Acme", "Acme"]),
        ("First National Bank", "First, National, the Bank", []),
        ("The Bank", "the bank, The bank", ["The bank"]),
        ("Apple Pie Bakery", "Apple Pie", []),
    ],
)
def test_a_firm_goes_by_its_first_word_with_a_capital(found: str, text: str, expected: list[str]) -> None:
    assert spread(found, text, kind="ORG") == [expected]


@pytest.mark.parametrize(
    ("found", "text", "expected"),
    [
        ("New Springfield", "NEW SPRINGFIELD and Springfield", ["NEW SPRINGFIELD"]),
        ("Springfield", "SPRINGFIELD", ["SPRINGFIELD"]),
        ("Springfield", "I live in springfield", []),
        ("Springfield", "i live in springfield", ["springfield"]),
        ("Reading", "i am reading READING", []),
    ],
)
def test_a_place_has_no_parts_and_is_in_lower_case_only_where_all_is(
    found: str, text: str, expected: list[str]
) -> None:
    assert spread(found, text, kind="LOCATION") == [expected]


@pytest.mark.parametrize(
    ("found", "text", "expected"),
    [
        ("Ann@Example.org", "ann@example.org ANN%40EXAMPLE.ORG", ["ann@example.org", "ANN%40EXAMPLE.ORG"]),
        ("GB33BUKB20201555555555", "gb33bukb20201555555555", ["gb33bukb20201555555555"]),
        ("4532-1234-5678-9010", "4532\u20131234\u20135678\u20139010", ["4532\u20131234\u20135678\u20139010"]),
        ("4532-1234-5678-9010", "4532 1234\n5678 9010", []),
        ("swordfish", "Swordfish swordfish", ["swordfish"]),
    ],
)
def test_what_a_pattern_found_is_covered_in_any_letter_case_if_it_is_no_word(
    found: str, text: str, expected: list[str]
) -> None:
    assert spread(found, text, kind="X", origin=Origin.PATTERN) == [expected]


def test_a_part_beside_a_name_that_was_found_makes_one_name_with_it() -> None:
    passages = [Passage("John Smith"), Passage("so John Brown said")]
    john, brown = Span(0, 10, "PERSON", 0.9, Origin.NER), Span(8, 13, "PERSON", 0.9, Origin.NER)
    assert propagate(passages, [[john], [brown]])[1] == [Span(3, 13, "PERSON", 0.9, Origin.NER)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("so John Novak said", ["John Novak"]),
        ("John Novak said", ["John Novak"]),
        ("I met Eva Smith", ["Eva Smith"]),
        ("I met Eva-Marie Smith", ["Eva-Marie Smith"]),
        ("Novak-Smith", ["Smith"]),
        ("Eva Smith", ["Smith"]),
        ("ask Smith On Monday", ["Smith"]),
        ("on Smith Street", ["Smith"]),
        ("Dear Smith", ["Smith"]),
        ("JOHN NOVAK", ["JOHN"]),
        ("John  Novak", ["John"]),
        ("John, Novak", ["John"]),
        ("John NovakX1", ["John"]),
    ],
)
def test_a_part_and_a_word_beside_it_that_may_be_a_name_make_one_name(text: str, expected: list[str]) -> None:
    assert spread("John Smith", text) == [expected]


def test_a_span_tells_since_when_the_request_gives_it_away() -> None:
    passages = [Passage("Smith, Smith"), Passage("John Smith"), Passage("SMITH")]
    smith = Span(7, 12, "PERSON", 0.9, Origin.NER)
    john = Span(0, 10, "PERSON", 0.9, Origin.NER)
    assert [[each.since for each in found] for found in places(passages, [[smith], [john], []])] == [
        *([(0, 7), (0, 7)], [(1, 0)], [(0, 7)])
    ]
    assert [each.since for each in places(passages, [[], [john], []])[0]] == [(1, 0), (1, 0)]


@pytest.mark.parametrize(
    "text", ["Ann Leeds", "Joann Lee", "Ann Lee2", "Ann  Lee", "\u00e9Ann Lee", "Ann Lee\u0627", ""]
)
def test_a_full_name_is_not_covered_as_a_part_of_other_words(text: str) -> None:
    assert "Ann Lee" not in spread("Ann Lee", text)[0]


def test_a_shorter_original_is_covered_where_a_longer_one_does_not_fit() -> None:
    passages = [Passage("Ann Lee"), Passage("Ann"), Passage("Ann Lee2")]
    spans = [[Span(0, 7, "PERSON", 0.9, Origin.NER)], [Span(0, 3, "PERSON", 0.9, Origin.NER)], []]
    assert propagate(passages, spans)[2] == [Span(0, 3, "PERSON", 0.9, Origin.NER)]


@pytest.mark.parametrize(
    ("found", "text"),
    [("Al", "Al met Al"), ("Will", "Will you go?"), ("I", "I am"), ("Hi", "Hi there")],
    ids=["two-letters", "common-word", "one-letter", "greeting"],
)
def test_names_that_may_be_ordinary_words_do_not_spread(found: str, text: str) -> None:
    assert spread(found, text) == [[]]


def test_names_in_scripts_without_blanks_spread() -> None:
    assert spread("\u738b\u5c0f\u660e", "\u8bf7\u7ed9\u738b\u5c0f\u660e\u5199\u4fe1") == [
        ["\u738b\u5c0f\u660e"]
    ]


@pytest.mark.parametrize(
    ("found", "origin", "expected"),
    [
        ("Ann Lee", Origin.NER, ["Ann Lee"]),
        ("Springfield", Origin.NER, []),
        ("ann@example.com", Origin.PATTERN, ["ann@example.com"]),
        ("4532123456789010", Origin.PATTERN, ["4532123456789010"]),
    ],
    ids=["full-name", "one-word-name", "pattern", "number"],
)
def test_keys_and_numbers_take_patterns_and_full_names_only(
    found: str, origin: Origin, expected: list[str]
) -> None:
    assert spread(found, Passage(f"x {found} y", patterns_only=True), origin=origin) == [expected]


@pytest.mark.parametrize("text", ["4532123456789010", "4532 1234 5678 9010", "4532-1234-5678-9010"])
def test_a_long_number_is_covered_with_other_separators_too(text: str) -> None:
    assert spread("4532-1234-5678-9010", f"no {text}.", kind="CREDIT_CARD", origin=Origin.PATTERN) == [[text]]


def test_what_is_covered_already_stays_and_gaps_are_filled() -> None:
    passages = [Passage("Jane Doe"), Passage("Jane Doe Inc and Jane Doe")]
    org = Span(5, 12, "ORG", 0.7, Origin.NER)
    spans = [[Span(0, 8, "PERSON", 0.7, Origin.NER)], [org]]
    assert propagate(passages, spans)[1] == [
        Span(0, 4, "PERSON", 0.7, Origin.NER),
        org,
        Span(17, 25, "PERSON", 0.7, Origin.NER),
    ]


def test_an_original_of_two_types_spreads_as_the_surer_one() -> None:
    passages = [Passage("Jordan"), Passage("Jordan"), Passage("Jordan")]
    person, place = Span(0, 6, "PERSON", 0.9, Origin.NER), Span(0, 6, "LOCATION", 0.7, Origin.NER)
    assert propagate(passages, [[person], [place], []]) == [[person], [place], [person]]
    assert propagate(passages, [[place], [person], []])[2] == [person]


@given(st.lists(st.text("Ab1 -.", min_size=1, max_size=12), min_size=1, max_size=4), st.data())
def test_the_result_is_disjoint_ascending_and_keeps_every_span(texts: list[str], data: st.DataObject) -> None:
    spans = []
    for text in texts:
        start = data.draw(st.integers(0, len(text) - 1))
        spans.append([Span(start, data.draw(st.integers(start + 1, len(text))), "X", 0.9, Origin.PATTERN)])
    result = propagate([Passage(text) for text in texts], spans)
    for before, after in zip(spans, result, strict=True):
        assert set(before) <= set(after)
        assert all(one.end <= other.start for one, other in itertools.pairwise(after))
    assert propagate([Passage(text) for text in texts], spans) == result


def test_many_originals_in_long_texts_take_one_pass() -> None:
    words = [f"word{number}" for number in range(20_000)]
    text = " ".join(words)
    spans, at = [], 0
    for word in words:
        spans.append(Span(at, at + len(word), "X", 0.9, Origin.PATTERN))
        at += len(word) + 1
    assert len(propagate([Passage(text), Passage(text * 3)], [spans, []])[1]) == 3 * 20_000 - 4


def test_long_originals_that_start_alike_are_told_apart() -> None:
    head = "key-" * 60
    assert spread(f"{head}one", f"{head}two {head}one {head}", kind="X", origin=Origin.PATTERN) == [
        [f"{head}one"]
    ]


def test_a_text_that_repeats_itself_takes_one_pass() -> None:
    text = "Ann " * 40_000
    name = Span(0, 4000 - 1, "PERSON", 0.9, Origin.NER)
    assert propagate([Passage(text[:4000]), Passage(text)], [[name], []])[1]
