from __future__ import annotations

import pytest

from sidecar.detection.names.cue_ambiguous import RULES
from sidecar.detection.names.rules import Rules

FINDER = Rules(RULES)


def names(text: str) -> list[str]:
    return [text[span.start : span.end] for span in FINDER.find(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Will told me so.", ["Will"], id="who-does"),
        pytest.param("I heard that May can't come.", ["May"], id="cannot"),
        pytest.param("Please ask Mark about it.", ["Mark"], id="who-suffers"),
        pytest.param("Coffee with Grace and Hope after work.", ["Grace", "Hope"], id="two"),
        pytest.param("Will and Iris said so.", ["Iris"], id="who-does-behind-another"),
        pytest.param("Ask W\u0130ll, text Mark, they mark May.", ["Mark"], id="other-letters"),
        pytest.param("Will it rain?", [], id="question"),
        pytest.param("Mark the page.", [], id="request"),
        pytest.param("It starts with May 2031.", [], id="date"),
        pytest.param("starting with May and June", [], id="months"),
        pytest.param("to be frank with hope", [], id="lower-case"),
        pytest.param("WE MEET WITH HOPE", [], id="nothing-but-capitals"),
    ],
)
def test_a_word_is_a_name_beside_a_verb_of_people(text: str, expected: list[str]) -> None:
    assert names(text) == expected
