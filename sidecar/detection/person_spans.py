"""Gives persons' spans their edges: forms of address and possessives outside, the parts of a name in one.

Forms of address (Mr, Dr, Herr) say how one speaks to somebody and stay outside. A rank or a generation
(Sir, Pope, Lord, Jr.) belongs to the name that it stands in and stays where the detector put it. Two
persons that stand side by side are one name, unless both are of several words; a comma or a word between
them makes two. No other letter and
no digit gets uncovered, and what another detector than a model of language found keeps its start and end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from sidecar.detection.overlap import rank
from sidecar.model import Origin, Span

PERSON = "PERSON"

_AnySpan = TypeVar("_AnySpan", bound=Span)

_ADDRESS_WORDS = (
    "mr|mrs|ms|miss|mx|messrs|dr|prof|professor|herr|herrn|hr|frau|fr\u00e4ulein|monsieur|madame|mademoiselle|mme"
    "|mlle|se\u00f1or|se\u00f1ora|se\u00f1orita|sra|srta|senhor|senhora|sig|signor|signore|signora|signorina|dott"
    "|mevrouw|mevr|dhr|meneer|pan\u00ed|pani"
)
_ADDRESS = re.compile(
    rf"(?:(?:{_ADDRESS_WORDS})(?:\.[ \u00a0]?|[ \u00a0\n]|\Z)[ \u00a0]?){{1,3}}", re.IGNORECASE
)
_INITIALS = {word[0] for word in _ADDRESS_WORDS.split("|")}
# What a form of address starts with, in any case; ``re`` takes a long s for an s.
_ADDRESS_INITIALS = frozenset((*_INITIALS, *map(str.upper, _INITIALS), "\u017f"))
_APOSTROPHES = frozenset("'\u2019\u02bc`")
_POSSESSIVE = re.compile(r"['\u2019\u02bc`][sS]?\Z")
_EDGE = " \t\r\n\u00a0\"'`*_,;:!?()[]{}<>|/\\#~\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb\u2013\u2014-"
_ABBREVIATED = re.compile(r"(?:\b[^\W\d_]|\b(?:jr|sr|esq|ph\.?d))\.\Z", re.IGNORECASE)
_LONGEST_END = 8  # code points that tell whether a full stop belongs to the last word

_GAP = re.compile(
    r"[ \u00a0-]|[ \u00a0](?:[A-Z]|[^\W\d_]\.)[ \u00a0]"
    r"|[ \u00a0](?:van|von|de|del|della|di|da|dos|du|la|le|el|al|bin|ibn|ben|af|av|zu|ter)"
    r"(?:[ \u00a0](?:der|den|la|las|los|de))?[ \u00a0]"
)
_LONGEST_GAP = 12
_LINE_END = re.compile(r"[ ]?\r?\n")
_INDENT = 4
_BLANK = re.compile(r"\s")


def joined(text: str, spans: Sequence[_AnySpan]) -> list[_AnySpan]:
    """Return the spans with those of persons trimmed and, where they are parts of one name, joined.

    Args:
        text: The text that they are of.
        spans: Disjoint, in ascending order; so is what is returned.
    """
    out: list[_AnySpan] = []
    for span in spans:
        bare = _bare(text, span) if span.entity_type == PERSON and span.origin is Origin.NER else span
        if bare is None:
            continue
        if out and bare.entity_type == PERSON == out[-1].entity_type and _is_one_name(text, out[-1], bare):
            out[-1] = replace(min(out[-1], bare, key=rank), start=out[-1].start, end=bare.end)
        else:
            out.append(bare)
    return out


def _bare(text: str, span: _AnySpan) -> _AnySpan | None:
    """Return a person's span without what is not the name; None if there is nothing else."""
    start, end = _without_edges(text, span.start, span.end)
    if text[start : start + 1] in _ADDRESS_INITIALS and (address := _ADDRESS.match(text, start, end)):
        start, end = _without_edges(text, address.end(), end)
    tail = text[max(start, end - 2) : end]
    if not _APOSTROPHES.isdisjoint(tail) and (possessive := _POSSESSIVE.search(tail)):
        start, end = _without_edges(text, start, end - len(tail) + possessive.start())
    if start >= end:
        return None
    return span if (start, end) == (span.start, span.end) else replace(span, start=start, end=end)


def _without_edges(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and (text[start] in _EDGE or text[start] == "."):
        start += 1
    while start < end and (text[end - 1] in _EDGE or _is_full_stop(text, start, end)):
        end -= 1
    return start, end


def _is_full_stop(text: str, start: int, end: int) -> bool:
    """Tell whether a span ends with a point that belongs to the sentence, not to an initial."""
    return text[end - 1] == "." and not _ABBREVIATED.search(text[max(start, end - _LONGEST_END) : end])


def _is_one_name(text: str, one: Span, other: Span) -> bool:
    gap = text[one.end : other.start]
    if len(gap) > _LONGEST_GAP or (_is_full(text, one) and _is_full(text, other)):
        return False
    return bool(_GAP.fullmatch(gap)) or (bool(_LINE_END.fullmatch(gap)) and _is_wrapped(text, one, other))


def _is_wrapped(text: str, one: Span, other: Span) -> bool:
    """Tell whether a line of prose was wrapped within a name; what fills a line of its own is an item."""
    before = text[max(0, one.start - _INDENT) : one.start].rstrip(" \t\u00a0")
    after = text[other.end : other.end + _INDENT].lstrip(" \t\u00a0")
    has_before = bool(before) and before[-1].isalnum()
    has_after = bool(after) and after[0] not in "\r\n"
    return has_before and has_after


def _is_full(text: str, span: Span) -> bool:
    return _BLANK.search(text, span.start, span.end) is not None
