"""Finds names by what stands behind them: ``Fennick Ltd``, ``Ann Lee <ann@example.org>``.

The text is read backward from the form, over a bounded stretch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import re2

from sidecar.detection.linear import re2_options
from sidecar.detection.names.name_shape import LETTER, has_no_capitals, is_caseless, is_ordinary
from sidecar.detection.names.rules import Rule
from sidecar.model import Origin, Span

_SCORE = 0.75
_BACK = 90  # code points that are read backward
_MOST_WORDS = 6
_LEGAL = (
    r"\b(?:(?i:inc|ltd|llc|llp|plc|gmbh|corp|s\.?a\.?r\.?l|s\.p\.a|s\.r\.l|b\.v|n\.v|pty|pvt|limited)\b"
    r"|(?:Incorporated|INCORPORATED|AG|SA|SE|KG|KGaA|AB|Oy|Oyj|ASA|A/S|ApS|SAS|BV|NV|SpA|Srl|S\.A|S\.L|SL|Lda|Ltda|Kft|Zrt"
    r"|LP|Co|UG|OHG|EOOD|OOD|UAB|O\x{dc}|s\.r\.o|spol\. s r\.o|d\.o\.o|[Ss]p\. z o\.o|A\.\x{15e}"
    r"|S\.A\.S|Pte|Sdn Bhd)\b)"
)
_KIND = (
    r"\b(?:University|College|Hospital|Clinic|Bank|Institute|Foundation|Holdings?|Corporation|Industries|Technologies"
    r"|Consulting|Logistics|Analytics|Pharmaceuticals|Ventures|Partners|Group|Airlines|Motors|Academy"
    r"|High School|Elementary School|Bakery|Associates|Enterprises|Laboratories|Universidad"
    r"|Insurance|Trust|Capital|Media|Systems|Solutions|Studios|Dental|Airways|Railways?|Energy|Healthcare|Financial"
    r"|Securities|Records|Entertainment|Pictures|Society|Association|Council|Ministry|Federation|Orchestra|Museum|Theatre"
    r"|Theater|Library|Church|Agency|Authority|Commission|Committee|Union|League|School|Robotics|Catering|Mining|Club)\b"
)
_FORM = re2.compile(f"(?:{_LEGAL}|{_KIND})", re2_options())
_CASED_FORM = re.compile(_KIND)
# Russian, Ukrainian and East Asian forms stand before the name.
_FORMS_BEFORE = (
    "\u041e\u041e\u041e|\u041e\u0410\u041e|\u0417\u0410\u041e|\u041f\u0410\u041e|\u0410\u041e|\u0418\u041f"
    "|\u0422\u041e\u0412|\u0422\u041e\u041e"
)
_COMPANY_BEFORE = "\u682a\u5f0f\u4f1a\u793e"
_FORM_BEFORE = re.compile(
    rf"(?<!\w)(?:{_FORMS_BEFORE})[ ]{{1,2}}[\u00ab\"\u201c\u201e]"
    r"(?P<quoted>[^\u00ab\u00bb\"\u201c\u201d\n]{2,60})[\u00bb\"\u201d\u201c]"
    rf"|{_COMPANY_BEFORE}(?P<company>[\u30a1-\u30fc\u3400-\u9fffA-Za-z]{{2,12}})"
)
_MAILBOX = re2.compile(
    r"(?:</td>\s{0,4}<td>)?(?:[<(\[]|\]\(|<a\s[^<>]{0,40}?href=[\"'])(?:mailto:)?[\w.+%-]{1,64}@[\w-]",
    re2_options(),
)
_WROTE = re2.compile(
    r"(?:\s<[^<>\s]{3,60}>)?\s(?:wrote|writes|schrieb|a \x{e9}crit|escribi\x{f3}|escreveu|ha scritto|schreef"
    r"|napisa\x{142}|skrev)\s?:",
    re2_options(),
)
_BELONGING = re2.compile(
    r"(?i)['\x{2019}]s\s(?:performance|review|resume|r\x{e9}sum\x{e9}|cv|salary|contract|appointment|birthday|phone|cell|e-?mail"
    r"|address|diagnosis|passport|flight|wife|husband|mother|father|mom|mum|dad|brother|sister|son|daughter|kids|boyfriend"
    r"|girlfriend|house|apartment|lawyer|account|ssn|medical|wedding|funeral|death|surgery|prescription|symptoms|lease|visa"
    r"|boss|manager|parents|family|lab results|test results|biopsy|application|interview)\b",
    re2_options(),
)
_TOKEN = re.compile(rf"(?:{LETTER}|[\d'\u2019&.+-]){{1,40}}")
_GAP = re.compile(r"[ \t]{1,2}")
_COMMA_GAP = re.compile(r",[ \t]{1,2}|[ \t]{0,2}")
_GLUE = frozenset({"&", "and", "de", "und", "et", "the", "for", "y", "e", "di", "van", "von", "la"})
_LEGAL_FORMS = "ab ag as bv co corp gmbh inc kg limited llc llp ltd lp nv oy plc sa sarl se"
_LEGAL_WORDS = frozenset(_LEGAL_FORMS.split())
_CLOSING = re.compile(r"[\s\"'*_]{0,4}\Z")


def _organizations(text: str) -> Iterator[Span]:
    for form in _FORM.finditer(text):
        start, end = form.span()
        if text[end : end + 1] in {"_", "=", "("} or (start and text[start - 1] in "_.@/$<"):
            continue
        kind = bool(_CASED_FORM.match(text, start))
        loose = 0 if kind or not is_caseless(text, start) else 3 if text[start].isupper() else 2
        low = _words_before(text, start, loose)
        if low < start:
            yield Span(low, end, "ORG", _SCORE, Origin.NER, "cue:kind" if kind else "cue:legal_form")


def _named_behind(text: str) -> Iterator[Span]:
    """Yield the names that stand behind a legal form, in scripts that are not Latin."""
    for form in _FORM_BEFORE.finditer(text):
        yield Span(*form.span(form.lastgroup or 0), "ORG", _SCORE, Origin.NER, "cue:legal_form")


def _mailboxes(text: str) -> Iterator[Span]:
    for box in _MAILBOX.finditer(text):
        end = box.start()
        tail = _CLOSING.search(text, max(0, end - 4), end)
        end = tail.start() if tail else end
        low = _words_before(text, end, 3 if has_no_capitals(text, end) else 0, glued=False)
        name = text[low:end]
        if low < end and (" " in name or len(name) > 2):
            yield Span(low, end, "PERSON", _SCORE, Origin.NER, "cue:mailbox")


def _persons(text: str, forms: Any, rule: str) -> Iterator[Span]:  # noqa: ANN401 - re2 has no types
    """Yield the names that stand right before a form."""
    for form in forms.finditer(text):
        end = form.start()
        low = _words_before(text, end, 2 if is_caseless(text, end) else 0, glued=False)
        if low < end:
            yield Span(low, end, "PERSON", _SCORE, Origin.NER, f"cue:{rule}")


def _words_before(text: str, end: int, loose: int, *, glued: bool = True) -> int:
    """Return where the capitalized words right before ``end`` start; ``end`` if there is none.

    Where there are no capitals it is at most ``loose`` words that are no ordinary ones.
    """
    floor, after, start, taken = max(0, end - _BACK), end, end, 0
    joins = False
    words = list(_TOKEN.finditer(text, floor, end))[-_MOST_WORDS:]
    for word in reversed(words):
        low = word.start()
        gap = _COMMA_GAP if not taken or not loose else _GAP
        if not gap.fullmatch(text, word.end(), after) or (low == floor > 0):
            break
        after = low
        if glued and start < end and word.group() in _GLUE:
            joins = True
            continue
        if joins and word.group().lower() in _LEGAL_WORDS:
            break  # the name of another firm ends here
        joins = False
        if not _fits(word.group(), caseless=loose > 0):
            break
        start, taken = low, taken + 1
        if taken == loose:
            break
    return start


def _fits(word: str, *, caseless: bool) -> bool:
    if caseless:
        return len(word) > 2 and word[0].isalpha() and not is_ordinary(word, capitals=False)
    if word[-1] in ".!?" and len(word) > 2:
        return False
    return (word[0].isupper() or (word[0].isdigit() and word[-1].isalpha())) and not is_ordinary(
        word, capitals=True
    )


RULES = (
    Rule(_FORM.pattern, _organizations),
    Rule(f"(?:{_FORMS_BEFORE})[ ]|{_COMPANY_BEFORE}", _named_behind),
    Rule(_MAILBOX.pattern, _mailboxes),
    Rule(_WROTE.pattern, partial(_persons, forms=_WROTE, rule="wrote")),
    Rule(_BELONGING.pattern, partial(_persons, forms=_BELONGING, rule="owner")),
)
"""Legal forms, mailboxes, quotations and belongings."""
