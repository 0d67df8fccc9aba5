from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection.names.code_lines import LOOK, CodeLines
from sidecar.detection.names.rules import Gates

GATES = Gates([LOOK])

PYTHON = '''\
import os

def total(rows):
    """Add up what each customer owes.

    Rows without an amount count for nothing.
    """
    # Lisbon time, not UTC
    return sum(row.amount for row in rows if row.amount)
'''
PROSE = """\
We met the new people on Monday: Ines, 41, Porto;
Tomasz, 29, Gdansk;
and a third one. If they agree, we return to the offer (see below).
For all questions, ask me.
"""


def code_lines(text: str) -> list[str]:
    lines, place, found = CodeLines(text), 0, []
    for line in text.split("\n"):
        if lines.at(place):
            found.append(line)
        place += len(line) + 1
    return found


def test_comments_and_docstrings_belong_to_the_code_around_them() -> None:
    assert code_lines(PYTHON) == [line for line in PYTHON.split("\n") if line.strip()]


def test_prose_with_colons_brackets_and_semicolons_is_no_code() -> None:
    assert code_lines(PROSE) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("const total = rows.map(r => r.sum);\nconsole.log(total);", id="javascript"),
        pytest.param("SELECT name FROM users WHERE id == 3;\nfoo = bar(1, 2);", id="two-languages"),
        pytest.param("public class Main {\n  static int x = 3;\n}", id="java"),
        pytest.param("for (int i = 0; i < n; i++) {\n  sum += a[i];\n}", id="c"),
        pytest.param("x = compute(a, b)", id="one-line"),
        pytest.param(".menu { color: Teal; font-family: Georgia; }", id="style-sheet-in-one-line"),
        pytest.param(".menu {\n  color: Teal;\n}", id="style-sheet"),
    ],
)
def test_code_is_code_in_other_languages(text: str) -> None:
    assert code_lines(text) == text.split("\n")


def test_one_odd_line_in_prose_is_no_code() -> None:
    text = PROSE + "x = compute(a, b)\n" + PROSE
    assert code_lines(text) == []


@given(st.text(st.sampled_from("ab \n\t(){}=;#'\"._"), max_size=200))
def test_every_place_of_a_text_has_an_answer(text: str) -> None:
    lines = CodeLines(text)
    assert {lines.at(place) for place in range(len(text) + 1)} <= {True, False}


LINES = st.sampled_from(
    [
        "x = f(1)",
        "def f(a):",
        "  return a",
        "We met, in (the) town.",
        "",
        "# note",
        "{",
        "y" * 598 + " {",
        "y" * 597 + ") { more",
        "z " * 320,
    ]
)


@given(st.lists(LINES, max_size=9))
def test_a_text_that_does_not_meet_the_need_of_code_holds_none(lines: list[str]) -> None:
    text = "\n".join(lines)
    gated, ungated = CodeLines(text, meets_need=0 in GATES.open(text)), CodeLines(text)
    assert gated.mostly == ungated.mostly
    assert all(gated.at(place) == ungated.at(place) for place in range(0, len(text) + 1, 7))
