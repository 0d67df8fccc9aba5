"""Finds names that stand on lines of their own: under a sign-off, over a letter, behind a quotation.

Only short lines are looked at, each with a bounded stretch around it: time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import re2

from sidecar.detection.linear import re2_options
from sidecar.detection.names.name_shape import LETTER, Shape, has_no_capitals, is_ordinary, read
from sidecar.detection.names.needs import need_of
from sidecar.detection.names.rules import Rule
from sidecar.detection.names.windows import AtLines
from sidecar.model import Origin, Span

_SCORE = 0.75
_AFTER_SIGN_OFF = (
    r"[ \t]{0,2}[,.!:;\x{2013}-]{0,2}[ \t]{0,3}"
    r"(?:\r?\n[ \t]{0,3}(?:[-_*]{2,3}[ \t]{0,3}\r?\n)?){1,3}"
    r"[-*_~\x{2013}\x{2014}]{0,3}[ \t]{0,2}"
)
_SAME_LINE = re2.compile(
    r"(?i)\b(?:regards|sincerely|cheers|cordially|respectfully|cordialement|saludos|thanks|xoxo),[ \t]{1,2}",
    re2_options(),
)
_LINE_END = re.compile(r"[*_]{0,3}[ \t.!]{0,3}(?:[,|(]|\r?\n|\Z)")
_SIGNATURE = Shape(loose="anywhere", most=4)
_NAMED = Shape(loose="never", most=4)
_PART = rf"{LETTER}(?:{LETTER}|['\u2019-]){{0,30}}"
_SHORT_LINE = re.compile(
    rf"^(?P<lead>[ \t]{{0,4}}(?:[>*\u2022~\u2013\u2014-][ \t]{{0,2}}){{0,3}})"
    rf"(?P<name>{_PART}(?:[ ]{_PART}|[ ][A-Za-z]\.){{0,3}})"
    r"(?P<end>,|[ ]?[-\u2013\u2014!]|:-?\)|)[ \t]{0,3}(?=\r?\n|\Z)",
    re.MULTILINE,
)
_SHORT_LINES = AtLines(_SHORT_LINE)
_WORDS_NEXT = re.compile(r"(?:\r?\n[ \t]{0,4}){1,3}[^\W\d_]\S{0,40} \S{1,40} \S")
_DATE_NEXT = re.compile(
    r"\r?\n[ \t]{0,4}\[?(?:\d{1,4}[./-]\d{1,2}[./-]\d{1,4},? )?\d{1,2}:\d{2}(?::\d{2})?\b"
)
_QUOTED_BEFORE = re.compile(
    r"[.!?\u2026][\"\u201d\u2019'*_]{0,3}[ \t]{0,3}\r?\n(?:\r?\n)?\Z|[\"\u201d\u00bb][ \t]{0,3}\r?\n\Z"
)
_BULLET_NEXT = re.compile(r"(?:\r?\n){1,2}[ \t]{0,4}[-*\u2022\u2013]")
_CARD_NEXT = re.compile(
    r"""
    \b (?: e-?mail | phone | tel | mobile | cell | fax | address | personal[ ]info | curriculum | linkedin
      | suite | apt | unit | p\.?o\.?[ ]box | fpo | dpo ) \b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_CAMEL = re.compile(r"[a-z]{3}[A-Z]")
_CARD_REACH = 140


def line_rules(sign_offs: Sequence[str]) -> tuple[Rule, ...]:
    """Return the rules of sign-offs, salutations and the like.

    Args:
        sign_offs: Phrases over a signature, as RE2 reads them.
    """
    sign_off = f"(?i)(?:{'|'.join(sign_offs)}){_AFTER_SIGN_OFF}"
    return (
        Rule(sign_off, partial(_under_sign_offs, cues=re2.compile(sign_off, re2_options()))),
        Rule(_SAME_LINE.pattern, _beside_sign_offs),
        Rule(need_of(_SHORT_LINE), _short_lines),
    )


def _under_sign_offs(text: str, cues: Any) -> Iterator[Span]:  # noqa: ANN401 - re2 has no types
    for cue in cues.finditer(text):
        if not text[cue.start() - 1 : cue.start()].isalnum():
            yield from _signature(text, cue.end(), _SIGNATURE)


def _beside_sign_offs(text: str) -> Iterator[Span]:
    for cue in _SAME_LINE.finditer(text):
        yield from _signature(text, cue.end(), _NAMED)


def _signature(text: str, at: int, shape: Shape) -> Iterator[Span]:
    end = read(text, at, shape)
    line = text.find("\n", at, max(at, end))
    end = line if line >= 0 else end
    if end > at and _LINE_END.match(text, end):
        yield Span(at, end, "PERSON", _SCORE, Origin.NER, "cue:sign_off")


def _short_lines(text: str) -> Iterator[Span]:
    if "\n" not in text:
        return
    for line in _SHORT_LINES.finditer(text):
        name = line.group("name")
        capitals = name[0].isupper() and not name.isupper()
        parts = name.split()
        if any(is_ordinary(part, capitals=capitals) for part in parts):
            continue
        if _CAMEL.search(name):
            continue
        if capitals and not all(part[0].isupper() or len(part) <= 3 for part in parts):
            continue
        if not capitals and len(parts) > 3:
            continue
        if rule := _rule(text, line, len(parts), capitals=capitals):
            yield Span(*line.span("name"), "PERSON", _SCORE, Origin.NER, f"cue:{rule}")


def _rule(text: str, line: re.Match[str], words: int, *, capitals: bool) -> str:
    """Return what makes a short line a name, or nothing."""
    lead, end = line.group("lead").strip(), line.group("end")
    plain = capitals or has_no_capitals(text, line.start())
    if end:
        if (
            end == ","
            and not lead
            and words <= 2
            and len(line.group("name")) > 1
            and _WORDS_NEXT.match(text, line.end())
        ):
            return "salutation"
        return ""
    if not plain:
        return ""
    if lead[-1:] in {"-", "\u2013", "\u2014"} and words > 1:
        quoted = _QUOTED_BEFORE.search(text, max(0, line.start() - 12), line.start())
        return "attribution" if quoted and not _BULLET_NEXT.match(text, line.end()) else ""
    if _DATE_NEXT.match(text, line.end()):
        return "sender"
    starts = not text[max(0, line.start() - 2) : line.start()].strip()
    if starts and words > 1 and _CARD_NEXT.search(text, line.end(), line.end() + _CARD_REACH):
        return "letterhead"
    return ""
