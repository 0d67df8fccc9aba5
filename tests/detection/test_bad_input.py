"""Input that nobody means: whatever it is, offsets are exact, spans disjoint, and nothing is raised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.detection.pipeline import Detection
from sidecar.detection.view.normalized import normalized
from sidecar.model import Passage, Span

if TYPE_CHECKING:
    from tests.detection.conftest import Allowance

pytestmark = pytest.mark.model

SIZE = 20_000
READ_BY_MODEL = 2_000  # code points of the same
UNITS = {
    "one-word": "word ",
    "one-name": "John ",
    "one-line-no-blank": "abcdefgh",
    "digits": "7",
    "digits-spaced": "7 ",
    "card-like": "4111 1111 1111 1112 ",
    "combining-marks": "\u0301",
    "marked-letters": "a\u0336\u0301",
    "high-surrogates": "\ud800",
    "low-then-high": "\udc00\ud800",
    "zero-width": "\u200b",
    "zero-width-between": "4\u200b",
    "blanks": " ",
    "line-ends": "\r\n",
    "nul": "\x00",
    "brackets": "([{<",
    "closing": ")]}>",
    "quotes": "\"'`",
    "braces": "{{",
    "separators": ".-_ ,:;/",
    "dots": "1.",
    "dashes": "a-",
    "colons": "f:",
    "at": "@",
    "addresses": "a@",
    "percent": "%",
    "percent-escape": "%40",
    "ampersand": "&",
    "reference": "&amp;",
    "backslash": "\\",
    "backslash-escape": "\\n",
    "equals": "key=",
    "spelled-at": " at ",
    "spelled-address": "a at b dot com ",
    "spelled-digit": "five ",
    "fullwidth": "\uff11\uff20",
    "look-alikes": "a\u0430",
    "ideographs": "\u738b\u5c0f\u660e",
    "emoji": "\U0001f468\u200d\U0001f469",
}
CASES = {name: (unit * SIZE)[:SIZE] for name, unit in UNITS.items()} | {"empty": "", "one-mark": "\u0301"}
MODEL_SETTINGS = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def assert_exact(text: str, spans: list[Span]) -> None:
    end = 0
    for span in spans:
        assert end <= span.start < span.end <= len(text)
        end = span.end


@pytest.mark.parametrize("name", CASES)
def test_spans_lie_inside_the_text_disjoint_and_in_order(
    detection: Detection, plenty: Allowance, name: str
) -> None:
    short = CASES[name][:READ_BY_MODEL]
    by_patterns, by_all = detection.detect_request(
        [Passage(CASES[name], patterns_only=True), Passage(short)], plenty
    )
    assert_exact(CASES[name], by_patterns)
    assert_exact(short, by_all)


@pytest.mark.parametrize("name", CASES)
def test_the_normalized_text_leads_back_inside(name: str) -> None:
    text = CASES[name]
    view = normalized(text)
    ends = [view.original_stretch(place, place + 1) for place in range(0, len(view.text), 97)]
    assert ends == sorted(ends)
    assert all(0 <= start < end <= len(text) for start, end in ends)


@pytest.mark.parametrize("name", CASES)
def test_an_original_beside_bad_input_is_found(detection: Detection, plenty: Allowance, name: str) -> None:
    text = f"{CASES[name]}\nWrite to ann@example.com\n{CASES[name]}"
    at = text.index("ann@example.com")
    (spans,) = detection.detect_request([Passage(text, patterns_only=True)], plenty)
    assert_exact(text, spans)
    assert any(span.start <= at and at + len("ann@example.com") <= span.end for span in spans)


@MODEL_SETTINGS
@given(st.lists(st.tuples(st.sampled_from(sorted(UNITS)), st.integers(1, 99)), max_size=6))
def test_any_mixture_is_exact(detection: Detection, plenty: Allowance, parts: list[tuple[str, int]]) -> None:
    text = "".join(UNITS[name] * times for name, times in parts)
    (spans,) = detection.detect_request([Passage(text)], plenty)
    assert_exact(text, spans)
