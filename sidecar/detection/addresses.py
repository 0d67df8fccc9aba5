"""Finds street addresses: a street line as some country writes it, and all that belongs to it around it.

A span starts from one line that only an address has (``221B Baker Street``, ``Musterstraße 12``, ``rue de la
Paix`` beside a number) and grows over the units, towns, regions, postcodes and countries that follow, and
over numbers and units just before. Forms that other text shares count only where a postcode, a town or a
word like ``at`` says so. Time is linear: lines are found by RE2, growth looks at a bounded stretch.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache

import re2

from sidecar.detection import address_forms as forms
from sidecar.detection.address_tail import CLOSING, LINE_END, Tail, tail
from sidecar.detection.linear import LinearPattern, TextView, re2_options
from sidecar.detection.stretches import holds
from sidecar.model import Origin, Span

ENTITY_TYPE = "ADDRESS"
_SCORE = 0.86  # above a telephone number that a postcode looks like
_LINE = 160  # code points of a street line
_BEFORE = 32  # code points before a street line that count


class Proof(Enum):
    """What must stand around a street line for it to count."""

    NONE = auto()
    PLACE = auto()  # a town or more behind it, a word before it, or a line of its own
    TAIL = auto()  # a town or more behind it
    DIGITS = auto()  # a postcode or a unit behind it
    SAID = auto()  # words before it that an address follows


@dataclass(frozen=True, slots=True)
class _Form:
    """One way of writing a street line; ``sign``: what a text must hold, for RE2."""

    rule: str
    sign: str
    regex: LinearPattern
    proof: Proof


@cache
def _coarse(sign: str) -> str:
    """Return a sign in RE2's syntax; it is shared by forms, and never compiled by itself."""
    return LinearPattern(sign, trusted=True).coarse


_FORMS = tuple(
    _Form(rule, _coarse(sign), LinearPattern(regex, trusted=True), proof)
    for rule, sign, regex, proof in (
        ("po_box", forms.BOX_WORD, forms.PO_BOX, Proof.NONE),
        ("military", forms.BOX_WORD, forms.MILITARY, Proof.NONE),
        ("rural_route", forms.BOX_WORD, forms.RURAL, Proof.NONE),
        ("number_first", forms.STREET_WORD, forms.NUMBER_FIRST, Proof.NONE),
        ("number_first_loose", forms.STREET_WORD, forms.NUMBER_FIRST_LOOSE, Proof.PLACE),
        ("number_first_lower", forms.STREET_WORD, forms.NUMBER_FIRST_LOWER, Proof.PLACE),
        ("number_name_town", forms.CODE, forms.NUMBER_FIRST_ANY, Proof.DIGITS),
        ("compound", forms.COMPOUND_WORD, forms.COMPOUND, Proof.NONE),
        ("compound_loose", forms.LOOSE_COMPOUND_WORD, forms.LOOSE_COMPOUND, Proof.PLACE),
        ("word_first", forms.WORD_BEFORE, forms.WORD_FIRST, Proof.NONE),
        ("number_word_first", forms.WORD_BEFORE, forms.NUMBER_WORD_FIRST, Proof.NONE),
        ("word_first_only", forms.WORD_BEFORE, forms.WORD_FIRST_ONLY, Proof.DIGITS),
        ("word_after", forms.AFTER_WORD, forms.WORD_AFTER, Proof.NONE),
        ("street_number", forms.STREET_WORD, forms.STREET_NUMBER, Proof.TAIL),
        ("grid", forms.GRID_WORD, forms.GRID, Proof.NONE),
        ("with_unit", forms.STRONG_UNIT, forms.WITH_UNIT, Proof.NONE),
        ("name_and_number", forms.CODE, forms.NAME_AND_NUMBER, Proof.TAIL),
        ("number_name_number", forms.CODE, forms.NUMBER_NAME_NUMBER, Proof.DIGITS),
        ("block", forms.BLOCK_WORD, forms.BLOCK, Proof.TAIL),
        ("corner", forms.CORNER_WORD, forms.CORNER, Proof.NONE),
        ("brazil", forms.CODE, forms.BRAZIL, Proof.NONE),
        ("said", forms.SAID_WORD, forms.CUED, Proof.SAID),
    )
)
_DIGIT = re.compile(r"[0-9]")
_LEAD = re.compile(
    r"(?:(?<=[\s>:,(\"'])|\A)(?:\d{1,6}|#\d{1,5}|(?i:flat(?: no\.?)?|plot|unit|apt\.?|apartment|suite"
    r"|studio|room|floor"
    r"|shop|h\.? ?no\.?"
    r"|house no\.?|plot no\.?|no\.?|c/o) ?#?\d[\w/-]{0,5}|\d{4,6} [A-ZÁÉÍÓÖŐÚÜŰ][^\W\d_]{2,20},),? {1,2}\Z"
    r"|(?:(?<=[\s>:,(\"'])|\A)(?:[A-Z]-|(?i:plot|house|road|rd|block|sector|lane|street)(?: no\.?)? )\Z"
)
_CUE = re.compile(
    r"\b(?i:at|to|on|near|is|live|lives|living|lived|address|addr|adresse|located|office|from|visit"
    r"|corner of|reside"
    r"|resides|off|via|home|house|street|by|opposite|behind)\"?[:=]? ?\"?(?:the )?\Z"
)
_SAID = re.compile(
    r"(?i:\b(?:address|adresse|adres|adress|dirección|endereço|indirizzo)\"?(?: (?:is|to|at"
    r"|with))?:? ?\"?\s{0,6}"
    r"|\b(?:live|lives|living|lived|reside|resides|residing|located|office is|offices are|restaurant is"
    r"|address) (?:at|on|in)"
    r"|\b(?:ship|send|sent|deliver|delivered|mail|return)(?: \w{1,8}){0,2} to|drops \w{2,4} off at"
    r"|side of|lives on"
    r"|arrived at) ?\Z"
)
_BY_WAY_OF = re.compile(r"(?i:via (?:the|a|an|our|your|my|its|this|that|which|http|rfc)\b)")
_LINE_START = re.compile(r"(?:\A|[\n|>])[ \t]*\Z")
_YEAR = re.compile(r"(?:19|20)\d\d ")
_DATED = re.compile(r"(?i:\b(?:in|since|of|until|till|during|after|before|the|[a-z]{3,9}\.? \d{1,2},)) \Z")
_PART_OF_TEXT = re.compile(
    r"(?i:\b(?:section|chapter|version|level|part|rule|article|page|step|figure|table)) \Z"
)
_PROSE = re.compile(
    r"(?i:.*\b(?:al\. [A-Z]|the|a|an|of|and|down|that|this|his|her|my|your|our|their|was|were|is|are|for"
    r"|with|from|when|then"
    r"|minutes?|hours?|days?|years?|miles?|people|men|women|times?|than|or|to|way|on|in|by) (?:\w+ )?"
    r"(?:\w+)\.?\Z)"
)
_COUNTED = re.compile(
    r"(?i:(?:\d{1,6} )?(?:january|february|march|april|may|june|july|august|september|october|november"
    r"|december|jan|feb"
    r"|mar|apr|jun|jul|aug|sept?|oct|nov|dec|version|page|chapter|section|figure|table|level|step|part"
    r"|vol|rfc|iso"
    r"|during|spring|string|offspring|windows|android|ios|phase|stage|article|line|room|class|type|model"
    r"|item|lot|order|invoice|port|error|id)\b)"
)


def _signs() -> re2.Set:
    """Return what tells in one pass which forms a text may hold."""
    signs = re2.Set.SearchSet(re2_options())
    for form in _FORMS:
        signs.Add(form.sign.encode())
    signs.Compile()
    return signs


_SIGNS = _signs()


def find(text: str, tick: Callable[[], None] = lambda: None) -> list[Span]:
    """Return the addresses of a text in ascending order; they may overlap, none twice."""
    if not holds(text, _DIGIT) and "orner of" not in text:
        return []
    view = TextView(text)
    found: dict[tuple[int, int], Span] = {}
    for index in sorted(_SIGNS.Match(view.data) or ()):
        form = _FORMS[index]
        for start, end in _lines(form, view, tick):
            span = _grown(view.text, start, end, form)
            if span is not None:
                found.setdefault((span.start, span.end), span)
    return [found[place] for place in sorted(found)]


def _lines(form: _Form, view: TextView, tick: Callable[[], None]) -> Iterator[tuple[int, int]]:
    """Yield the street lines of one form that begin and end with a word."""
    scan = form.regex.scan(view, tick)
    while place := scan.next():
        start, _ = place
        if start and (view.text[start - 1].isalnum() or view.text[start - 1] == "_"):
            scan.stand_at(start + 1)
            continue
        yield place


def _grown(text: str, start: int, end: int, form: _Form) -> Span | None:
    """Return the whole address around a street line; None if it is none."""
    if end - start > _LINE or _is_false(text, start, text[start:end], form):
        return None
    after, first = tail(text, end, lower=text[start:end].islower()), _lead(text, start)
    if not _is_proven(text, first, after, form.proof):
        return None
    return Span(first, after.end, ENTITY_TYPE, _SCORE, Origin.PATTERN, f"address_{form.rule}")


def _is_false(text: str, start: int, line: str, form: _Form) -> bool:
    """Tell whether a street line is rather a date, a version, a citation, a price or plain prose."""
    before = text[max(0, start - _BEFORE) : start]
    return bool(
        before.endswith(("et ", "$", "€", "£", "'", "\u2019"))
        or (before[-1:] in {".", "-", "/", ","} and before[-2:-1].isdigit())
        or (form.proof is not Proof.NONE and _COUNTED.match(line))
        or (line.islower() and form.rule == "number_first_lower" and _PROSE.match(line))
        or _BY_WAY_OF.match(line)
        or (_YEAR.match(line) and _DATED.search(before))
        or _PART_OF_TEXT.search(before)
    )


def _is_proven(text: str, start: int, after: Tail, proof: Proof) -> bool:
    before = text[max(0, start - _BEFORE) : start]
    match proof:
        case Proof.NONE:
            return True
        case Proof.PLACE:
            alone = bool(_LINE_START.search(before) and LINE_END.match(text, after.end, after.end + CLOSING))
            return after.town or after.digits or alone or bool(_CUE.search(before))
        case Proof.TAIL:
            return after.town or after.digits
        case Proof.DIGITS:
            return after.digits
        case Proof.SAID:
            return bool(_SAID.search(before))


def _lead(text: str, start: int) -> int:
    """Return where an address begins whose street line is at ``start``: units and numbers may come first."""
    for _ in range(2):
        first = max(0, start - _BEFORE)
        found = _LEAD.search(text[first:start])
        if not found:
            break
        start = first + found.start()
    return start
