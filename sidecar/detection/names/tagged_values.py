"""Finds what tags and calls say: ``<city>Pune</city>``, ``class="author">Ann Lee``, ``setName("Ann Lee")``.

A value counts only if it looks like what its tag or callee says. Everything is bounded: time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from sidecar.detection.names.key_context import bare_name_type
from sidecar.detection.names.key_values import entity_type_of
from sidecar.detection.names.keys import Meaning, meaning_of
from sidecar.detection.names.needs import need_of
from sidecar.detection.names.rules import Rule
from sidecar.detection.names.windows import Windowed
from sidecar.model import Origin, Span

_SCORE = 0.8
_TAG = re.compile(
    r"""
    < (?:\w{1,20}:)? (?P<key>\w[\w.-]{1,39}) (?:[ \t][^<>]{0,100})? >
    [ \t]{0,4} (?P<value>[^<>\n{}]{2,120}?) [ \t]{0,4} </
    """,
    re.VERBOSE,
)
_CLASSED = re.compile(
    r"""
    (?:class|itemprop|id|data-\w{2,20}) = ["'] (?P<key>[\w -]{2,40}) ["'] [^<>]{0,100} >
    [ \t]{0,4} (?P<value>[^<>\n{}]{2,120}?) [ \t]{0,4} </
    """,
    re.VERBOSE,
)
_CALL = re.compile(
    r"""
    \b (?:set_?)? (?P<key>[A-Za-z]\w{2,30}) \( [ \t]{0,3}
    (?: "(?P<one>[^"\n\\]{2,80})" | '(?P<two>[^'\n\\]{2,80})' )
    """,
    re.VERBOSE,
)
_CALLS = Windowed(_CALL)
_CALLED = frozenset({Meaning.NAME, Meaning.BARE_NAME, Meaning.ROLE})


def _tagged(text: str, tags: Windowed) -> Iterator[Span]:
    """Yield the contents of elements that are what their tag says."""
    for tag in tags.finditer(text):
        meaning = meaning_of(tag.group("key"))
        if meaning is None:
            continue
        start, end = tag.span("value")
        if meaning is Meaning.BARE_NAME:
            entity_type = bare_name_type(text, start, end)
        else:
            entity_type = entity_type_of(meaning, text[start:end], strict=False)
        if entity_type:
            yield Span(start, end, entity_type, _SCORE, Origin.NER, "structure:tag")


def _called(text: str) -> Iterator[Span]:
    """Yield the names that are handed to what is called like them."""
    for call in _CALLS.finditer(text):
        meaning = meaning_of(call.group("key"))
        start, end = call.span(call.lastgroup or 0)
        if meaning in _CALLED and (entity_type := entity_type_of(meaning, text[start:end], strict=True)):
            yield Span(start, end, entity_type, _SCORE, Origin.NER, "structure:call")


TAGS = tuple(Rule(need_of(tags), partial(_tagged, tags=Windowed(tags))) for tags in (_TAG, _CLASSED))
CALLS = Rule(need_of(_CALL), _called)
