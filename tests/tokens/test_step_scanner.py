from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model import Escaping
from sidecar.tokens.step_scanner import AHEAD, LONGEST_WORD, STEP, StepScanner, unescaped

TEXTS = st.lists(
    st.sampled_from(["\\", "\\n", "\\u00e9", "\\ud83d", '"', "word ", "\n", "é😀", "u00e9"]), max_size=20
).map("".join)


@dataclass(frozen=True)
class Found:
    start: int
    end: int
    token: str = "<T>"


def threes(text: str) -> list[Found]:
    """Find runs of threes: easy to see, of any length."""
    return [Found(*match.span()) for match in re.finditer("3+( 3+)*", text)]


def scanned(text: str, escaping: Escaping = Escaping.TEXT, step: int = 1) -> str:
    scanner = StepScanner(threes, escaping)
    pieces = [scanner.feed(text[at : at + step]) for at in range(0, len(text), step)]
    return "".join([*pieces, scanner.flush()])


@given(TEXTS)
def test_escapes_are_read_and_places_kept(source: str) -> None:
    text, places = unescaped(source)
    assert len(places) == len(text) + 1
    assert list(places) == sorted(set(places))
    assert (places[0], places[len(text)]) == (0, len(source))


@pytest.mark.parametrize("before", range(2 * STEP))
@pytest.mark.parametrize("length", [1, AHEAD], ids=["short", "longest"])
def test_a_stretch_is_replaced_as_one_wherever_it_stands(before: int, length: int) -> None:
    run = ("33 " * length)[:length].strip()
    assert scanned(f"{'.' * before}{run}, and more {'.' * 99}") == f"{'.' * before}<T>, and more {'.' * 99}"


def test_a_word_may_be_longer_than_what_is_looked_ahead() -> None:
    assert scanned("x " + "3" * LONGEST_WORD + " y", step=7) == "x <T> y"


@pytest.mark.parametrize(
    ("source", "escaping", "expected"),
    [
        ('{"a":33,"b":"33"}', Escaping.JSON, '{"a":"<T>","b":"<T>"}'),
        ('{"a":-33.33e3}', Escaping.JSON, '{"a":"<T>"}'),
        ('{"a":33}', Escaping.TEXT, '{"a":"<T>"}'),
        ('{"a":33}', Escaping.RAW, '{"a":<T>}'),
        ("33", Escaping.TEXT, "<T>"),
        ("33", Escaping.JSON, '"<T>"'),
    ],
)
def test_what_replaces_a_number_in_json_is_a_string(source: str, escaping: Escaping, expected: str) -> None:
    assert scanned(source, escaping) == scanned(source, escaping, step=99) == expected


def test_no_more_is_held_back_than_is_promised() -> None:
    scanner, sent = StepScanner(threes, Escaping.TEXT), 0
    for at, char in enumerate("word " * 200, 1):
        sent += len(scanner.feed(char))
        assert at - sent <= STEP + AHEAD + len("word ")
    unbroken = StepScanner(threes, Escaping.TEXT)
    assert unbroken.feed("x" * (STEP + AHEAD + LONGEST_WORD)) != ""
