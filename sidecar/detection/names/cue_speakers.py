"""Finds who speaks: ``Ann Lee: hello``, ``[10:32] dave: hi``, ``Gabriel: "Who are you?"``.

A label at a line's start counts beside a time of day or a quotation, or where labels alternate as in a
dialog; ``Note:`` and the like never do. Time is linear.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from sidecar.detection.names.name_shape import LETTER, NOT_CAPITALIZED_NAMES, is_ordinary
from sidecar.detection.names.needs import need_of
from sidecar.detection.names.rules import Rule
from sidecar.detection.names.windows import AtLines
from sidecar.model import Origin, Span

_SCORE = 0.75
_LABEL = re.compile(
    rf"""
    ^ (?P<time> [ \t]{{0,2}} [\[(]?
        (?:\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{1,4}}[ ,]{{1,2}})?
        \d{{1,2}}:\d{{2}}(?::\d{{2}})? (?:[ ]?[ap]\.?m\.?)?
        [\])]? [ \t]{{0,2}} (?:[-\u2013|][ \t])? )?
    (?P<mark> [<*_]{{0,3}} )
    (?P<name> {LETTER}(?:{LETTER}|[.'\u2019-]){{1,30}} (?:[ ](?:{LETTER}|[.'\u2019-]){{1,30}}){{0,3}} )
    (?: [ ]\([^()\n]{{1,30}}\) )?
    (?: [*_]{{0,3}}:[*_]{{0,3}} | >:? )
    (?: [ \t]* (?P<quote>["\u201c\u00ab]) | (?P<speech> [ \t]+ [^\s\d]{{1,30}} [ \t]+ \S ) | [ \t]* \S )
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
_LABELS = AtLines(_LABEL)
_HEADER = re.compile(
    r"-(?:agent|by|content|control|date|dist|email|encoding|expression|extra|file|for|id|language|length|license|name|python|type|url|version)\Z",
    re.IGNORECASE,
)
# Who speaks without a name.
_SPEAKER_WORDS = """
interviewer interviewee user assistant agent customer doctor patient host guest narrator moderator
teacher student me you bot ai human q a caller operator therapist client
"""
_SPEAKERS = frozenset(_SPEAKER_WORDS.split())


def _speakers(text: str) -> Iterator[Span]:
    labels = [*_LABELS.finditer(text)]
    said = [label.group("name") for label in labels if label.group("speech") or label.group("quote")]
    spoken = Counter(name for name, _ in groupby(said))  # a key that is repeated is no turn of a dialog
    turns = [name for name, count in spoken.items() if count > 1]
    alternating = sum(name.lower() in _SPEAKERS or _can_be_name(name) for name in turns) > 1
    for label in labels:
        name = label.group("name")
        if not _can_be_name(name):
            continue
        capitalized = name[0].isupper()
        if (
            label.group("time")
            or (label.group("quote") and not label.group("mark") and (capitalized or _answered(labels)))
            or (alternating and capitalized and spoken[name] > 1)
        ):
            yield Span(label.start("name"), label.end("name"), "PERSON", _SCORE, Origin.NER, "cue:speaker")


def _answered(labels: list[re.Match[str]]) -> bool:
    """Tell whether two speakers' words at least stand in quotation marks."""
    return len({label.group("name") for label in labels if label.group("quote")}) > 1


def _can_be_name(label: str) -> bool:
    if _HEADER.search(label):
        return False
    words = label.lower().split()
    if label[0].isupper():
        return not any(word in NOT_CAPITALIZED_NAMES for word in words) and all(
            word[0].isupper() for word in label.split()
        )
    return not any(is_ordinary(word, capitals=False) for word in words)


RULES = (Rule(need_of(_LABEL), _speakers),)
