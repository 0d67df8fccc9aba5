from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection.names import keys
from sidecar.detection.names.code_lines import _CODE, _LONGEST, _likely
from sidecar.detection.names.cues import Cues
from sidecar.detection.names.rules import Rule, Rules
from sidecar.detection.names.structure import Structure
from sidecar.model import Origin, Span

ROOT = Path(__file__).parents[3]
FINDERS = {"cues": Cues().rules, "structure": Structure().rules}
PROSE = [ROOT / name for name in ("README.md", "SECURITY.md", "CHANGELOG.md")]
CODE = sorted(Path(__file__).parent.glob("*.py"))

# What rules look for, so that pieces of it make texts in which they find something.
PIECES = st.sampled_from(
    """
    Will said|ask Mark|and Hope|about|with|Grace|Dear Ann,|thanks,|Kind regards|regards, Ann|Ann Lee
    |ann lee|Ann:|[10:32] dave: hi there|> Bo: "yes"|Ann Lee wrote:|'s salary|<ann@example.org>|Fennick Ltd
    |Quill University|\u041e\u041e\u041e \u00ab\u0420\u043e\u043c\u0430\u0448\u043a\u0430\u00bb
    |\u738b\u5c0f\u660e\u5148\u751f|\uae40\ubbfc\uc218\uc528|my name is|call me|i am|Mr.|Dr. Ann
    |session opened for user|uid=1001(ann)|/home/ann/|ssh ann@example.org|- [x] @ann|ann:x:1000:1000:
    |user 'ann'|user ann logged|<name>Ann Lee</name>|class="name">Ann Lee</|set_name("Ann Lee")
    |author('Ann Lee')|<tr>|<td>name</td>|<td>Ann</td>|insert into t (name, x) values ('Ann', 1)|name,city
    |Ann,Oslo|, |: |=|=>|\u0130|\u0131|\u017f|\u212a
    """.replace("\n    ", "").split("|")
)
KEYS = st.sampled_from(sorted(keys._MEANINGS))
SPELLINGS = st.sampled_from(
    [
        str.lower,
        str.upper,
        str.title,
        lambda key: key.replace(" ", "_"),
        lambda key: key.replace("i", "\u0130"),
    ]
)


def ungated(rules: Rules, text: str) -> list[Span]:
    return [span for rule in rules.rules for span in rule.find(text)]


@pytest.mark.parametrize("finder", FINDERS)
@pytest.mark.parametrize("files", [PROSE, CODE], ids=["prose", "code"])
def test_rules_that_are_left_out_find_nothing_in_real_texts(finder: str, files: list[Path]) -> None:
    rules = FINDERS[finder]
    for text in (file.read_text("utf-8") for file in files):
        for part in [text, *text.split("\n\n")]:
            assert rules.find(part) == ungated(rules, part)


@pytest.mark.parametrize("files", [PROSE, CODE], ids=["prose", "code"])
def test_lines_that_are_not_looked_at_are_no_code(files: list[Path]) -> None:
    for text in (file.read_text("utf-8") for file in files):
        lines = text.split("\n")
        looks = {number for number, line in enumerate(lines) if _CODE.search(line[:_LONGEST])}
        assert looks <= set(_likely(lines))


@pytest.mark.parametrize("finder", FINDERS)
@given(st.lists(st.tuples(PIECES, st.sampled_from([" ", "\n", ""])), max_size=12))
def test_rules_that_are_left_out_find_nothing_in_any_text(finder: str, pieces: list[tuple[str, str]]) -> None:
    rules, text = FINDERS[finder], "".join(part for piece in pieces for part in piece)
    assert rules.find(text) == ungated(rules, text)


@given(st.lists(st.tuples(KEYS, SPELLINGS), min_size=2, max_size=2), st.sampled_from([": ", "=", "=>", ","]))
def test_every_key_opens_its_rules(pair: list[tuple[str, object]], separator: str) -> None:
    one, other = (spelled(key) for key, spelled in pair)  # type: ignore[operator]
    text = f"x, {one}{separator}{other}\nAnn, Lee{separator}Pune\n{other}s\t {one}2 |\n"
    rules = FINDERS["structure"]
    assert rules.find(text) == ungated(rules, text)


def test_spans_come_in_the_order_of_the_rules_and_only_of_those_in_need() -> None:
    def spans(text: str, rule: str) -> Iterator[Span]:
        yield Span(0, len(text), "PERSON", 0.5, Origin.NER, rule)

    rules = Rules(
        [
            Rule("b+", lambda text: spans(text, "first")),
            Rule("a", lambda text: spans(text, "second")),
            Rule("c", lambda text: spans(text, "third")),
        ]
    )
    assert [span.rule for span in rules.find("abc")] == ["first", "second", "third"]
    assert [span.rule for span in rules.find("ca")] == ["second", "third"]
    assert rules.find("xyz") == []


def test_half_characters_stop_no_rule() -> None:
    assert [span.rule for span in FINDERS["cues"].find("my name is Priyanka \ud800")] == ["cue:introduction"]
