from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection.names import accounts, cue_lines, cue_speakers, tagged_values
from sidecar.detection.names.gazetteer_text import WORD
from sidecar.detection.names.windows import AtLines, Windowed, stretches

WINDOW = 7
BOUNDED = {
    "run": re.compile("a{1,3}"),
    "lookaround": re.compile(r"(?<![ab])b{1,2}(?=a|\Z)"),
    "word": re.compile(r"\b[ab]{2,4}\b"),
    "line": re.compile("^a.{0,3}$", re.MULTILINE),
    "longer-than-a-window": re.compile("a[ab ]{9,20}b"),
    "folder": accounts._FOLDER,
    "call": tagged_values._CALL,
}
OF_LINES = {"label": cue_speakers._LABEL, "short-line": cue_lines._SHORT_LINE}
TEXTS = st.lists(
    st.sampled_from(["a", "b", "ab", "aab", " ", "\n", "/home/ann/", 'author("Ann")', "\u00e9", "x" * 9])
).map("".join)
LINES = st.lists(
    st.sampled_from(
        ["Ann", "ann lee", ":", " ", ",", "\n", "\r\n", "- ", '"hi"', "> x", "10:32 ", "\u00e9t\u00e9", "(x)"]
    )
).map("".join)


def places(matches: object) -> list[tuple[int, int]]:
    return [found.span() for found in matches]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", BOUNDED)
@given(text=TEXTS)
def test_windows_change_nothing(name: str, text: str) -> None:
    windowed = Windowed(BOUNDED[name], WINDOW)
    assert places(windowed.finditer(text)) == places(BOUNDED[name].finditer(text))
    assert places(windowed.finditer(text, 2, 30)) == places(BOUNDED[name].finditer(text, 2, 30))


@pytest.mark.parametrize("name", OF_LINES)
@given(text=LINES)
def test_only_lines_that_cannot_match_are_left_out(name: str, text: str) -> None:
    assert places(AtLines(OF_LINES[name]).finditer(text)) == places(OF_LINES[name].finditer(text))


@pytest.mark.parametrize("regex", ["a+", "a(?=b*c)"])
def test_what_may_read_on_without_end_is_refused(regex: str) -> None:
    with pytest.raises(ValueError, match="without end"):
        Windowed(re.compile(regex))


@given(TEXTS)
def test_words_are_never_cut(text: str) -> None:
    cuts = list(stretches(text, WINDOW))
    assert "".join(text[start:end] for start, end in cuts) == text
    assert places(found for cut in cuts for found in WORD.finditer(text, *cut)) == places(WORD.finditer(text))
