from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.detection.linear import LinearPattern, TextView
from sidecar.detection.pattern_file import PatternFile, load_patterns
from sidecar.detection.pattern_source import read
from sidecar.errors import RequestRefused
from sidecar.model import Passage

SHIPPED = load_patterns(None)


def found(text: str, hint: str = "") -> list[tuple[str, str]]:
    spans = SHIPPED.patterns.find(Passage(text, hint))
    return [(text[span.start : span.end], span.entity_type) for span in spans]


def originals(text: str, hint: str = "") -> list[str]:
    return [original for original, _ in found(text, hint)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Contact John at john@example.com", [("john@example.com", "EMAIL")]),
        ("MAIL JOHN@EXAMPLE.COM!", [("JOHN@EXAMPLE.COM", "EMAIL")]),
        ("a.b-c_d+e@sub.example.co.uk", [("a.b-c_d+e@sub.example.co.uk", "EMAIL")]),
        ("<a href='mailto:ann@example.com'>", [("ann@example.com", "EMAIL")]),
        ("\u041f\u0438\u0448\u0438 ivan@example.com!", [("ivan@example.com", "EMAIL")]),
        ("What is Jane's SSN 123-45-6789?", [("123-45-6789", "SSN")]),
        ("ssn:078-05-1120", [("078-05-1120", "SSN")]),
        ("my social is 536 90 4399", [("536 90 4399", "SSN")]),
        ("card 4532-1234-5678-9010", [("4532-1234-5678-9010", "CREDIT_CARD")]),
        ("Please charge 4532 0151 1283 0367", [("4532 0151 1283 0367", "CREDIT_CARD")]),
        ("use 4111 1111 1111 1111 now", [("4111 1111 1111 1111", "CREDIT_CARD")]),
        (
            "card=6011 1111 1111 1117&email=ann@example.com",
            [("6011 1111 1111 1117", "CREDIT_CARD"), ("ann@example.com", "EMAIL")],
        ),
        (
            "call (202) 555-0147 or +44 20 7946 0018",
            [("(202) 555-0147", "PHONE"), ("+44 20 7946 0018", "PHONE")],
        ),
        ("reach me on 202-555-0147 x9", [("202-555-0147 x9", "PHONE")]),
        (
            "from 203.0.113.9:443 to [2001:db8::9:1]",
            [("203.0.113.9", "IP_ADDRESS"), ("2001:db8::9:1", "IP_ADDRESS")],
        ),
    ],
    ids=lambda each: each[:24] if isinstance(each, str) else None,
)
def test_what_people_write_is_found(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


LEFT = ["", " ", '"', "\u00ab", "=", ":", "(", "\u8bf7", "\n", "\x00", "\ud800", ","]
RIGHT = ["", " ", '"', "\u00bb", "&", ")", "\u3002", "\u8c22", "\n", "\x00", "\udfff", ",", "."]


@pytest.mark.parametrize("left", LEFT, ids=ascii)
@pytest.mark.parametrize(
    "original", ["ann@example.com", "4111-1111-1111-1111", "123-45-6789", "202-555-0147", "203.0.113.9"]
)
def test_quotes_and_other_scripts_may_adjoin(original: str, left: str) -> None:
    for right in RIGHT:
        assert originals(left + original + right) == [original]


@pytest.mark.parametrize(
    "text",
    [
        "550e8400-e29b-41d4-a716-446655440000",
        "6ba7b810-9dad-11d1-80b4-00c04fd430c8 f47ac10b-58cc-4372-a567-0e02b2c3d479",
        "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "created 1718035200, updated 1718035200123",
        "2024-01-15T10:22:31.002Z 2024-01-15 10:22:31",
        "order 20260301-998812, tracking 1Z999AA10123456784",
        "numpy 1.26.4 to 2.1.0.3, node v18.17.1, build 2026.03.01.1122",
        "Mozilla/5.0 Chrome/120.0.0.0 Safari/537.36",
        "ISBN 978-3-16-148410-0, DOI 10.1000/182, port 8080",
        "3.14159265358979, 331002651, $1,234,567.89",
        "matrix 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0",
        "std::vector<int>::iterator a::b ::",
        "12:34:56 ff:ff:ff:ff:ff:ff",
        "@app.route('/x') user@localhost a @ b",
        "transaction 1234567890123456 and batch 9999888877776666",
        "localhost 127.0.0.1 mask 255.255.255.0 any 0.0.0.0",
    ],
    ids=lambda each: each[:16],
)
def test_numbers_that_are_nobodys_stay(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "hint"),
    [("4532123456789010", "card_number"), ("123456789", "ssn"), ("2025550147", "mobile")],
)
def test_a_bare_number_is_covered_if_its_key_says_what_it_is(text: str, hint: str) -> None:
    assert originals(text, hint) == [text]
    assert originals(text, "id") == []


@given(st.text(st.characters(codec=None), max_size=60))
def test_any_text_gives_disjoint_ascending_spans_within_it(text: str) -> None:
    end = 0
    for span in SHIPPED.patterns.find(Passage(text)):
        assert end <= span.start < span.end <= len(text)
        end = span.end


# A group that marks the original narrows the match, which the standard library does not.
REGEXES = [
    entry["regex"]
    for entry in (raw.entry for raw in read(None).entries)
    if "(?P<original>" not in entry["regex"]
]
PARTS = st.sampled_from(
    [
        "4111",
        "1",
        "02",
        "555",
        "+",
        "-",
        " ",
        ".",
        "(",
        ")",
        "@",
        "a",
        "com",
        ":",
        "\u2013",
        "\u00e9",
        "x",
        "DE89",
    ]
)


@pytest.mark.parametrize("regex", REGEXES)
@settings(max_examples=20)  # of hundreds of regexes
@given(st.lists(PARTS, max_size=20).map("".join))
def test_the_linear_engine_finds_what_the_standard_library_finds(regex: str, text: str) -> None:
    expected = [match.span() for match in re.finditer(regex, text, re.ASCII)]
    assert list(LinearPattern(regex).finditer(text)) == expected


@given(
    st.lists(
        st.sampled_from(
            ["ann@example.com", "4111 1111 1111 1111", "123-45-6789", "+1 202-555-0147", "198.51.100.7"]
        ),
        min_size=1,
        max_size=5,
    ),
    st.lists(st.sampled_from([" and ", "\n", " \u2013 \u00e9\U0001f600 ", '", "']), min_size=5, max_size=5),
)
def test_several_originals_in_one_text_are_all_found(expected: list[str], between: list[str]) -> None:
    text = "".join(original + gap for original, gap in zip(expected, between, strict=False))
    assert originals(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a" * 300_000,
        "1" * 300_000,
        "1-" * 150_000,
        "1 " * 150_000,
        "a@" * 150_000,
        "a." * 150_000,
        ":" * 300_000,
        "+1(" * 100_000,
        "4111 " * 60_000,
    ],
    ids=lambda each: each[:6],
)
def test_hostile_texts_take_linear_time(text: str) -> None:
    SHIPPED.patterns.find(Passage(text))  # quadratic time would hit the suite's time limit


def test_time_is_checked_while_patterns_run() -> None:
    def late() -> None:
        raise RequestRefused(413, "late")

    with pytest.raises(RequestRefused):
        SHIPPED.patterns.find(Passage("4111 1111 1111 1112 " * 1000), late)


def test_a_text_that_no_pattern_can_match_is_seen_once(shipped: PatternFile) -> None:
    def ticks(text: str) -> int:
        seen: list[None] = []
        assert shipped.patterns.find(Passage(text), lambda: seen.append(None)) == []
        return len(seen)

    assert ticks("nothing to see here, move along. " * 1000) == ticks("nothing to see here, move along. ")


def _examples() -> list[tuple[str, str]]:
    """Return texts and hints in which shipped patterns find something."""
    texts = [each for raw in read(None).entries if isinstance(raw.entry, dict) for each in raw.entry["match"]]
    return [(each, "") if isinstance(each, str) else (each["text"], each.get("hint", "")) for each in texts]


_AROUND = st.sampled_from(
    ["", " ", "\n", "\u00fcn\u00ef ", "x" * 40 + " ", "\ud800 ", "0123 ", "the fox ", "%41 "]
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(_examples()), _AROUND), min_size=1, max_size=3), _AROUND)
def test_no_pattern_that_finds_something_is_filtered_out(
    parts: list[tuple[tuple[str, str], str]], before: str
) -> None:
    text = before + "".join(example + after for (example, _), after in parts)
    view, hint = TextView(text), parts[0][0][1]
    likely = SHIPPED.patterns.likely(view, hint)
    for index, pattern in enumerate(SHIPPED.patterns.patterns):
        assert index in likely or pattern.find(view, hint, lambda: None) == [], pattern.name


def test_a_text_of_numbers_is_looked_through_about_as_fast_as_prose() -> None:
    numbers = " ".join(str(number * 48_271 % 999_999_937) for number in range(10_000))

    def seconds(text: str) -> float:
        start = time.process_time()
        SHIPPED.patterns.likely(TextView(text))
        return time.process_time() - start

    assert seconds(numbers) < 1.0  # some ten times what it takes, and a tenth of what one automaton takes
