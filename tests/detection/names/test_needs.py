from __future__ import annotations

import re

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.detection.linear import re2_options
from sidecar.detection.names import (
    accounts,
    code_lines,
    cue_ambiguous,
    cue_lines,
    cue_speakers,
    tables,
    tagged_values,
)
from sidecar.detection.names.needs import need_of

EXPRESSIONS = {
    "account": accounts._ACCOUNT,
    "folder": accounts._FOLDER,
    "unix": accounts._UNIX,
    "assigned": accounts._ASSIGNED,
    "remote": accounts._REMOTE,
    "doing": cue_ambiguous._DOING,
    "suffering": cue_ambiguous._SUFFERING,
    "short-line": cue_lines._SHORT_LINE,
    "label": cue_speakers._LABEL,
    "row": tables._ROW.pattern,
    "insert": tables._INSERT.pattern,
    "tag": tagged_values._TAG,
    "classed": tagged_values._CLASSED,
    "call": tagged_values._CALL,
}


def stands(need: str, text: str) -> bool:
    return re2.compile(need, re2_options()).search(text) is not None


@pytest.mark.parametrize(
    ("regex", "flags", "text"),
    [
        pytest.param(r"\w\s\d", 0, "\u00e9\u00a0\u0664", id="classes-beyond-ascii"),
        pytest.param(r"a\sb", 0, "a\x1cb", id="separators-are-blank"),
        pytest.param(r"ski", re.IGNORECASE, "\u017f\u212a\u0130", id="other-cases-of-ascii-letters"),
        pytest.param(r"\u00e9t\u00e9", re.IGNORECASE, "\u00c9T\u00c9", id="other-cases-of-others"),
        pytest.param(r"\bet\b", 0, "\u2026et\u2026", id="boundaries"),
        pytest.param(r"(?<!x)a(?!b)", 0, "a", id="lookarounds"),
        pytest.param(r"a(?=b|\Z)", 0, "xa", id="end-of-text"),
        pytest.param(r"a$", 0, "xa\n", id="before-the-last-line-end"),
        pytest.param(r"^a$", re.MULTILINE, "x\na\nx", id="line"),
        pytest.param(r"a # comment", re.VERBOSE, "a", id="verbose"),
        pytest.param(r"a.{5,30}b", re.DOTALL, "a\n\n\n\n\nb", id="counted"),
    ],
)
def test_a_need_stands_where_its_expression_does(regex: str, flags: int, text: str) -> None:
    pattern = re.compile(regex, flags)
    assert pattern.search(text)
    assert stands(need_of(pattern), text)


@pytest.mark.parametrize(
    ("regex", "text"),
    [
        pytest.param(r"said", "\u00df\u00e4id", id="letters-in-one-case"),
        pytest.param(r"(?i)uid", "\u00fc\u00efd", id="letters-in-any-case"),
        pytest.param(r"a(?=:)", "a b", id="what-must-follow"),
        pytest.param(r"\w+:", "\u00e9t\u00e9;", id="signs"),
    ],
)
def test_a_need_tells_texts_apart(regex: str, text: str) -> None:
    assert not stands(need_of(re.compile(regex)), text)


def test_the_need_of_a_line_never_goes_over_its_end() -> None:
    need = need_of(re.compile(r"^a[^b]*c\s*d$"), of_lines=True)
    assert stands(need, "x\na--c d\nx")
    assert not stands(need, "a-\n-c d")
    assert not stands(need, "a--c\nd")


@pytest.mark.parametrize("name", EXPRESSIONS)
@settings(max_examples=20)
@given(data=st.data())
def test_the_needs_of_all_rules_stand_in_what_their_expressions_find(name: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(EXPRESSIONS[name]))
    assert stands(need_of(EXPRESSIONS[name]), text)


@settings(max_examples=60)
@given(st.from_regex(code_lines._CODE))
def test_whatever_looks_like_code_is_looked_at_as_a_line(text: str) -> None:
    lines = ["Ann", *text.split("\n"), "Bo"]
    looks = {
        number for number, line in enumerate(lines) if code_lines._CODE.search(line[: code_lines._LONGEST])
    }
    assert looks <= set(code_lines._likely(lines))
