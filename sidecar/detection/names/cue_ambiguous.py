"""Finds names that are everyday words too: ``Will told me``, ``ask Mark``, ``coffee with Hope``.

Such a word counts only with a capital, and beside a verb that takes people. RE2 finds where both stand,
``re`` looks at what is around them: time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import re2

from sidecar.detection.linear import re2_options
from sidecar.detection.names.name_shape import is_caseless, word_list
from sidecar.detection.names.needs import need_of
from sidecar.detection.names.rules import Rule
from sidecar.model import Origin, Span

_SCORE = 0.75
_NAMES = "|".join(sorted(name.capitalize() for name in word_list("words_and_names.txt")))
_DOES = (
    "said|says|told|tells|asked|asks|wants|wanted|thinks|thought|knows|knew|replied|wrote|called|texted|emailed|sent"
    "|can['\u2019]t|couldn['\u2019]t|didn['\u2019]t|doesn['\u2019]t|won['\u2019]t|forgot|promised|agreed|refused|admitted"
    "|insisted|joined|resigned|apologi[sz]ed|complained|mentioned|suggested|confirmed|borrowed|loves|hates|lives|lived|works"
    "|worked|bought|moved|married|and[ ]I|took|has[ ](?:the|a|my|our|his|her|asked|told|been|left|already)"
)
_SUFFERS = (
    "ask|asked|asking|tell|told|telling|text|texted|email|emailed|invite|invited|remind|reminded|thank|thanked|met|with"
    "|cc|ping|pinged|contact|message|messaged|husband|wife|brother|sister|son|daughter|uncle|aunt|colleague|boss"
)
_TO_MONTH = r"[ ](?:and|or|to|through)[ ](?:January|February|March|April|May|June|July|August)"
_NO_DATE = rf"(?!(?:April|August|June|May)\b(?:[ ]\d|{_TO_MONTH}))"
_DOING = re.compile(rf"(?<![\w@#/.-])(?P<name>{_NAMES})(?=[ ](?:{_DOES})\b)")
_SUFFERING = re.compile(
    rf"\b(?i:{_SUFFERS})[ ](?P<name>{_NO_DATE}(?:{_NAMES}))"
    r"(?=[ ]?[,.;!?)\n]|[ ](?:about|and|instead|if|to|that|after|before)\b|\Z)"
)
_SECOND = re.compile(rf"[ ]and[ ](?P<name>(?:{_NAMES}))(?=[ ]?[,.;!?)\n]|[ ][a-z]|\Z)")


_DOING_AT = re2.compile(rf"(?:{_NAMES})[ ](?:{_DOES})\b", re2_options())
_SUFFERING_AT = re2.compile(need_of(_SUFFERING), re2_options())


def _doing(text: str) -> Iterator[Span]:
    for place in _DOING_AT.finditer(text):
        found = _DOING.match(text, place.start())
        if found and not is_caseless(text, found.start()):
            yield _span(*found.span("name"))


def _suffering(text: str) -> Iterator[Span]:
    for place in _SUFFERING_AT.finditer(text):
        found = _SUFFERING.match(text, place.start())
        if found is None or is_caseless(text, found.start()):
            continue
        yield _span(*found.span("name"))
        if second := _SECOND.match(text, found.end()):
            yield _span(*second.span("name"))


def _span(start: int, end: int) -> Span:
    return Span(start, end, "PERSON", _SCORE, Origin.NER, "cue:word_and_name")


RULES = (Rule(_DOING_AT.pattern, _doing), Rule(_SUFFERING_AT.pattern, _suffering))
