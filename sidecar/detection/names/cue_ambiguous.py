"""Finds names that are everyday words too: ``Will told me``, ``ask Mark``, ``coffee with Hope``.

Such a word counts only with a capital, and beside a verb that takes people. One linear pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidecar.detection.names.name_shape import is_caseless, word_list
from sidecar.model import Origin, Span

_SCORE = 0.75
_NAMES = "|".join(sorted(name.capitalize() for name in word_list("words_and_names.txt")))
_DOES = (
    r"said|says|told|tells|asked|asks|wants|wanted|thinks|thought|knows|knew|replied|wrote|called|texted|emailed|sent"
    r"|can['\u2019]t|couldn['\u2019]t|didn['\u2019]t|doesn['\u2019]t|won['\u2019]t|forgot|promised|agreed|refused|admitted"
    r"|insisted|joined|resigned|apologi[sz]ed|complained|mentioned|suggested|confirmed|borrowed|loves|hates|lives|lived|works"
    r"|worked|bought|moved|married|and[ ]I|took|has[ ](?:the|a|my|our|his|her|asked|told|been|left|already)"
)
_SUFFERS = (
    r"ask|asked|asking|tell|told|telling|text|texted|email|emailed|invite|invited|remind|reminded|thank|thanked|met|with"
    r"|cc|ping|pinged|contact|message|messaged|husband|wife|brother|sister|son|daughter|uncle|aunt|colleague|boss"
)
_TO_MONTH = r"[ ](?:and|or|to|through)[ ](?:January|February|March|April|May|June|July|August)"
_NO_DATE = rf"(?!(?:April|August|June|May)\b(?:[ ]\d|{_TO_MONTH}))"
_DOING = re.compile(rf"(?<![\w@#/.-])(?P<name>{_NAMES})(?=[ ](?:{_DOES})\b)")
_SUFFERING = re.compile(
    rf"\b(?i:{_SUFFERS})[ ](?P<name>{_NO_DATE}(?:{_NAMES}))"
    r"(?=[ ]?[,.;!?)\n]|[ ](?:about|and|instead|if|to|that|after|before)\b|\Z)"
)
_SECOND = re.compile(rf"[ ]and[ ](?P<name>(?:{_NAMES}))(?=[ ]?[,.;!?)\n]|[ ][a-z]|\Z)")


def ambiguous_names(text: str) -> Iterator[Span]:
    """Yield the names, in no order."""
    for found in _DOING.finditer(text):
        if not is_caseless(text, found.start()):
            yield _span(*found.span("name"))
    for found in _SUFFERING.finditer(text):
        if is_caseless(text, found.start()):
            continue
        yield _span(*found.span("name"))
        if second := _SECOND.match(text, found.end()):
            yield _span(*second.span("name"))


def _span(start: int, end: int) -> Span:
    return Span(start, end, "PERSON", _SCORE, Origin.NER, "cue:word_and_name")
