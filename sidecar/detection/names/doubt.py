"""Knows which findings of models are too weak to count unless something else supports them.

A model that was trained on edited English takes odd lower-case words, whole clauses of other languages and
labels of a screen for names. What a second detector found as well is never doubted here. Time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from sidecar.detection.names.gazetteer_list import COMMON, GIVEN, LARGE, PLACE, SURNAME, TOWN
from sidecar.detection.names.name_shape import NOT_NAMES, is_caseless
from sidecar.detection.names.stretches import Stretches
from sidecar.detection.names.text_kind import TextKind
from sidecar.model import Span

_PLACES = PLACE | LARGE | TOWN
_KNOWN = GIVEN | SURNAME | PLACE | LARGE
_MANY = 3  # ordinary words that are a firm as often as not
_EDITED = "_core_"  # models with this in their name were trained on edited text, with capitals
_OTHERS = ("cue", "structure", "gazetteer")
_MOST_UNDER_WAY = 8  # findings that one may overlap
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
_UNCASED = re.compile(r"[\u0590-\u06ff\u0900-\u0dff\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_SENTENCE_START = re.compile(r"(?:\A|[.!?:;\u00a1\u00bf\n\"\u201c\u00ab(*#>-][ \t]{0,3})\Z")
_PRESSED = re.compile(
    r"\b(?:click|press|tap|hit|toggle|choose|select|tick|uncheck|check|untick|enable|disable)(?:ing|ed)?"
    r"(?:[ ](?:on|the|then)){0,2}[ ][\"'*`\u201c]{0,2}\Z",
    re.IGNORECASE,
)
_ON_SCREEN = re.compile(
    r"[\"'*`\u201d]{0,2}[ ](?:button|toggle|link|menu|menus|tab|tabs|field|dialog|dialogue|checkbox|icon"
    r"|option|setting|settings|dropdown|drop-down|toolbar|sidebar|pane|popup|pop-up|shortcut|tooltip|slider|widget)\b"
)
_CAMEL = re.compile(
    r"[A-Za-z]{1,40}[a-z](?:Adapter|Agent|Array|Block|Buffer|Builder|Cache|Class|Client|Column|Config|Context"
    r"|Controller|Data|Decoder|Element|Emitter|Encoder|Engine|Environment|Error|Event|Exception|Factory|File|Filter|Format|Frame"
    r"|Function|Group|Handler|Index|Info|Interface|Item|Key|Layer|List|Loader|Manager|Map|Mapper|Message|Method|Model|Module|Net"
    r"|Node|Object|Operation|Option|Options|Page|Params|Parser|Path|Pool|Process|Prober|Property|Provider|Proxy|Query|Queue|Reader"
    r"|Record|Ref|Request|Resource|Response|Result|Results|Route|Router|Rule|Schema|Script|Server|Service|Session|Set|Signal"
    r"|Source|State|Status|Storage|Stream|String|Table|Task|Template|Test|Thread|Timer|Token|Tree|Type|Util|Utils|Value|View"
    r"|Warning|Warnings|Worker|Wrapper|Writer)s?"
)
_HEADER = re.compile(r"[A-Z][\w]*(?:-[A-Z]?\w+)+")


_REQUESTS = re.compile(
    r"[ ](?:the|a|an|it|this|that|these|those|your|my|our|all|each|every|any|down|out|up)\b"
)


class Doubt:
    """What speaks against the findings in one text.

    Args:
        stretches: The text.
        spans: All findings of all detectors that may still be names.
        kind: What kind of text it is.
    """

    def __init__(self, stretches: Stretches, spans: Sequence[Span], kind: TextKind) -> None:
        self._text = stretches.text
        self._stretches = stretches
        self._spans = spans
        self._kind = kind
        self._alone, self._by_models = _support(spans)

    def weak(self) -> Iterator[int]:
        """Yield the numbers of the findings that do not stand."""
        for number, span in enumerate(self._spans):
            if span.rule.startswith("gazetteer"):
                is_weak = self._is_lower_abroad(span)
            else:
                is_weak = self._by_models[number] and self._is_weak(span, alone=self._alone[number])
            if is_weak:
                yield number

    def _is_weak(self, span: Span, *, alone: bool) -> bool:
        """Tell whether a finding of models does not stand."""
        name, words, known = self._stretches.of(span)
        if _is_identifier(self._text, span, name) or self._is_on_screen(span, known):
            return True
        if (
            known[0] & COMMON
            and len(words) == 1
            and _REQUESTS.match(self._text, span.end)
            and self._starts(span)
        ):
            return True
        everyday = all(facts & COMMON and not facts & _KNOWN for facts in known)
        if span.entity_type == "ORG" and len(words) == _MANY - 1 and everyday and self._kind.is_request:
            return True
        if alone and (
            _is_weak_lower(self._text, span, name, known)
            or _is_weak_firm(span, words, known)
            or _is_weak_phrase(self._text, span, words, known)
            or self._is_impersonal(span, known)
        ):
            return True
        return self._is_foreign_clause(span, name, words, known, alone=alone)

    def _is_lower_abroad(self, span: Span) -> bool:
        """Tell whether a listed name is small words of another language: ``corto sobre``."""
        name, words, _ = self._stretches.of(span)
        return name.islower() and any(word in NOT_NAMES for word in words) and self._kind.is_abroad

    def _starts(self, span: Span) -> bool:
        return bool(_SENTENCE_START.search(self._text, max(0, span.start - 4), span.start))

    def _is_impersonal(self, span: Span, known: list[int]) -> bool:
        """Tell whether one model's finding stands in a request or a technical text without any sure name."""
        if self._has_support or not self._kind.asks:
            return False
        if span.entity_type == "LOCATION":
            return not any(facts & _PLACES for facts in known)
        if span.entity_type == "ORG":
            return True
        return _EDITED in span.rule and not any(facts & _KNOWN for facts in known)

    @cached_property
    def _has_support(self) -> bool:
        return not all(self._alone)

    def _is_on_screen(self, span: Span, known: list[int]) -> bool:
        if not all(facts & COMMON for facts in known):
            return False
        before = self._text[max(0, span.start - 30) : span.start]
        return bool(_ON_SCREEN.match(self._text, span.end) or _PRESSED.search(before))

    def _is_foreign_clause(
        self, span: Span, name: str, words: list[str], known: list[int], *, alone: bool
    ) -> bool:
        if not _LATIN.search(name) and _UNCASED.search(name):
            return (alone and not _has_blanks(name, words)) or len(words) > _MANY
        if not self._kind.is_abroad:
            return False
        small = sum(word.islower() and len(word) > _MANY for word in words)
        if 2 * small >= len(words) or name[0].islower() or all(word.lower() in NOT_NAMES for word in words):
            return True
        if not alone:
            return False
        if len(words) == 1:
            return self._starts(span) or self._kind.is_german
        if span.entity_type == "PERSON":
            return small > 0
        return _EDITED in span.rule and not any(facts & _KNOWN for facts in known)


def _has_blanks(name: str, words: list[str]) -> bool:
    """Tell whether a name in Hebrew or Arabic letters is of two or three words."""
    return 1 < len(words) <= _MANY and "\u0590" <= name[0] <= "\u06ff"


def agreed_on(spans: Sequence[Span]) -> frozenset[int]:
    """Return the numbers of the findings that several rules share."""
    alone, _ = _support(spans)
    return frozenset(number for number, is_alone in enumerate(alone) if not is_alone)


def _support(spans: Sequence[Span]) -> tuple[list[bool], list[bool]]:
    """Return for each span whether one rule alone found it, and whether models alone did."""
    alone = [True] * len(spans)
    by_models = [not span.rule.startswith(_OTHERS) for span in spans]
    is_other = [not is_model for is_model in by_models]
    under_way: list[int] = []
    for number in sorted(range(len(spans)), key=lambda each: spans[each].start):
        span = spans[number]
        under_way = [each for each in under_way if spans[each].end > span.start][-_MOST_UNDER_WAY:]
        for other in under_way:
            if spans[other].rule != span.rule:
                alone[number] = alone[other] = False
            if is_other[other]:
                by_models[number] = False
            if is_other[number]:
                by_models[other] = False
        under_way.append(number)
    return alone, by_models


def _is_identifier(text: str, span: Span, name: str) -> bool:
    """Tell whether a name is that of a class, ``DataFrame``, or the key of a header, ``License-File:``."""
    if name.isalpha() and not name[2:].islower() and _CAMEL.fullmatch(name):
        return True
    if text[span.end : span.end + 1] != ":" or text[max(0, span.start - 1) : span.start] not in {"", "\n"}:
        return False
    return _HEADER.fullmatch(name) is not None


def _is_weak_lower(text: str, span: Span, name: str, known: list[int]) -> bool:
    """Tell whether words without capitals are no name that one model may claim alone."""
    if not name.islower():
        return False
    listed = any(facts & (_PLACES if span.entity_type == "LOCATION" else _KNOWN) for facts in known)
    around = text[max(0, span.start - 1) : span.start] + text[span.end : span.end + 1]
    if any(mark in "/_=$\\" for mark in around):
        return True
    if _EDITED in span.rule and (any(facts & COMMON for facts in known) or not is_caseless(text, span.start)):
        return span.entity_type == "PERSON" or not listed
    if listed:
        return False
    ordinary = sum(bool(facts & COMMON) for facts in known)
    if span.entity_type != "PERSON":
        cased = span.entity_type == "LOCATION" and not is_caseless(text, span.start)
        return cased or ordinary == len(known) < _MANY
    return bool(ordinary) and not is_caseless(text, span.start)


def _is_weak_phrase(text: str, span: Span, words: list[str], known: list[int]) -> bool:
    """Tell whether a place is one everyday word, or a person's name holds one that is no part of it."""
    if span.entity_type == "LOCATION":
        everyday = len(words) == 1 and bool(known[0] & COMMON) and not known[0] & _PLACES
        return everyday and not words[0].isupper()
    if span.entity_type != "PERSON":
        return False
    has_other = any(
        facts & COMMON and not facts & SURNAME and word.islower() and len(word) > _MANY
        for word, facts in zip(words, known, strict=True)
    )
    return has_other and not is_caseless(text, span.start)


def _is_weak_firm(span: Span, words: list[str], known: list[int]) -> bool:
    """Tell whether two ordinary words are no firm: ``Customer Service``; three are one as often."""
    return (
        span.entity_type == "ORG"
        and _EDITED in span.rule
        and len(words) == 2
        and all(facts & COMMON and not facts & _KNOWN for facts in known)
    )
