"""What comes of a long text does not depend on where it is cut."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.detection import stretches
from sidecar.detection.linear import LinearPattern, TextView
from sidecar.detection.stretches import encoded, holds, in_slices, matches, slices
from sidecar.detection.view import normalized as view

PIECES = [
    "a",
    " ",
    "\n",
    "%41",
    "&amp;",
    "&#64;",
    "\\n",
    "\\u0041",
    "C:\\temp",
    "\u00e9",
    "e\u0301",
    "\u0430b",
]
ODD = [
    "\ud800",
    "\u3002",
    "@\u4e2d",
    "\u2075\u2076\u2077",
    "\u200b",
    "\U0001f600",
    " at example dot com",
    '"',
    "x",
]
TEXTS = st.lists(st.sampled_from(PIECES + ODD), max_size=30).map("".join)


@pytest.fixture(params=[1, 2, 5])
def short_stretches(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "STRETCH", request.param)


@pytest.mark.usefixtures("short_stretches")
@settings(deadline=None)
@given(TEXTS)
def test_a_text_reads_the_same_in_stretches_of_any_length(text: str) -> None:
    cut = view.normalized(text)
    places = [cut.original_stretch(at, at + 1) for at in range(len(cut.text))]
    assert (cut.text, places) == _whole(text)


def _whole(text: str) -> tuple[str, list[tuple[int, int]]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stretches, "STRETCH", 1 << 20)
        read = view.normalized(text)
    return read.text, [read.original_stretch(at, at + 1) for at in range(len(read.text))]


@pytest.mark.usefixtures("short_stretches")
@given(st.text(st.sampled_from("ab1 \n\u00e9"), max_size=30))
def test_matches_that_hold_no_blank_are_those_of_the_whole_text(text: str) -> None:
    pattern = re.compile(r"\w+(?=a|\s|$)|(?<=\s)1(?!\S)")
    assert [found.span() for found in matches(pattern, text)] == [
        found.span() for found in pattern.finditer(text)
    ]


@pytest.mark.usefixtures("short_stretches")
@given(st.text(max_size=30))
def test_slices_are_the_text(text: str) -> None:
    assert "".join(slices(text)) == text
    assert holds(text, re.compile("[0-9]")) == any(char in "0123456789" for char in text)
    assert in_slices(text, str.swapcase) == "".join(map(str.swapcase, text))


@pytest.mark.usefixtures("short_stretches")
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_bytes_are_those_of_the_whole_text(text: str) -> None:
    assert encoded(text) == text.encode()


@pytest.mark.parametrize(
    "before", [stretches.STRETCH - 1, stretches.STRETCH, 3 * stretches.STRETCH + 1], ids=str
)
def test_matches_behind_a_long_stretch_stand_where_they_are(before: int) -> None:
    text = "\u00e9" * before + " <x>" + "\U0001f600" * 7 + " <y>"
    assert TextView(text).data == text.encode()
    assert list(LinearPattern("<[xy]>").finditer(text)) == [
        (before + 1, before + 4),
        (before + 12, before + 15),
    ]
    assert list(LinearPattern("(?<=<)[xy]").finditer(text)) == [
        (before + 2, before + 3),
        (before + 13, before + 14),
    ]
