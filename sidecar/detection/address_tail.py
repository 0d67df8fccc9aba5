"""How far an address goes on behind its street line: units, towns, regions, postcodes, countries.

An address never ends later than what surely belongs to it: a town needs a comma, a country, a postcode
behind it or the end of the line. Every step looks at a bounded stretch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sidecar.detection import address_forms as forms

_PARTS = 9  # parts that may follow a street line
_SEPARATOR = 24  # code points between two parts
_PART = 80  # code points of one part
CLOSING = 8  # code points in which a line must end

COUNTRIES = frozenset(
    """
    usa, u.s.a, united states, united states of america, america, canada, mexico, united kingdom,
    uk, u.k, great britain, england, scotland, wales, northern ireland, ireland, france, germany,
    deutschland, austria, österreich, switzerland, schweiz, suisse, svizzera, spain, españa,
    portugal, brazil, brasil, italy, italia, netherlands, the netherlands, nederland, belgium,
    belgique, belgië, luxembourg, denmark, danmark, sweden, sverige, norway, norge, finland, suomi,
    iceland, ísland, greenland, estonia, latvia, lithuania, poland, polska, czech republic,
    czechia, slovakia, hungary, magyarország, romania, românia, bulgaria, greece, cyprus,
    cyprus (greek), turkey, türkiye, slovenia, slovenija, croatia, hrvatska, serbia,
    bosnia and herzegovina, montenegro, albania, ukraine, україна, russia, россия, belarus,
    moldova, georgia, armenia, israel, egypt, morocco, tunisia, algeria, south africa, kenya,
    nigeria, ghana, ethiopia, india, pakistan, bangladesh, sri lanka, nepal, china, japan,
    south korea, korea, taiwan, hong kong, singapore, malaysia, indonesia, thailand, vietnam,
    philippines, australia, new zealand, argentina, uruguay, chile, peru, colombia, venezuela,
    ecuador, bolivia, paraguay, united arab emirates, uae, saudi arabia, qatar, kuwait, jordan,
    lebanon, malta
    """.replace("\n    ", " ")
    .strip()
    .split(", ")
)

_GAP = re.compile(r"[ \t]*(?:[,/-][ \t]*)?(?:\r?\n[ \t>?|*]{0,6}){0,2}(?:,[ \t]*)?")
_WORD = rf"(?:St\. |Mt\. )?{forms.LETTER}(?:{forms.LETTER}|['-](?={forms.LETTER}))*"
_DISTRICT = r"(?: \d{1,2}(?=[,;)\n]|\.(?!\d)|\s*\Z))?"  # Dublin 2, Praha 1
_MORE = rf"(?: \([^\W\d_]{{2,20}}(?: [^\W\d_]{{2,20}})?\))?{_DISTRICT}"
_CAPITAL = rf"(?={forms.CAPITAL}){_WORD}(?![^\W_])"
_TOWN = re.compile(rf"{_CAPITAL}(?:[ -](?:{forms.PARTICLE} ){{0,2}}{_CAPITAL}){{0,5}}{_MORE}")
_LOWER_TOWN = re.compile(rf"{_WORD}(?: {_WORD}){{0,4}}{_MORE}")
_UNIT = re.compile(forms.UNIT)
_POSTCODE = re.compile(forms.POSTCODE + r"(?![ -]?\d|[A-Za-z@.])|" + forms.POSTCODE + r"(?=\.(?!\d))")
_YEAR = re.compile(r"(?:19|20)\d\d")
_REGION = re.compile(forms.REGION)
_LOWER_REGION = re.compile(r"[a-z]{2,3}\b(?=,? \d{4,5})")
_NO_TOWN = re.compile(
    r"(?:I|We|You|He|She|They|It|But|And|Or|So|If|When|Where|Which|Who|That|This|The|Please|Thanks|Thank"
    r"|Call|Phone"
    r"|Tel(?! Aviv)|Fax|Mobile|Email|E-mail|Cell|Office|Desk|Web|Website|Is|My|Our|Your|His|Her|Mr|Mrs"
    r"|Ms|Dr|Not"
    r"|Then|Also|Let"
    r"|AM|PM|Noon|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|Can|Could|What|How|Why|Hi"
    r"|Hello|Dear|Best|Kind|Regards|Sincerely|Name|Date|DOB|SSN|Born|Meet|See|Send)\b"
)
LINE_END = re.compile(r"[ \t]*(?:[.?!;)\"']*[ \t]*(?:\r?\n|\Z)|[.?!](?: |\Z))")


@dataclass(frozen=True, slots=True)
class Tail:
    """Where an address ends, and what it holds behind its street line."""

    end: int
    town: bool = False
    digits: bool = False


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known before a part.

    ``coded``: it follows a unit or a postcode; ``lower``: no capital in the street line; ``towns``: how many.
    """

    coded: bool
    lower: bool
    towns: int


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the next part begins; ``marked``: a comma, a dash or a line end is before it."""

    start: int
    marked: bool
    same_line: bool
    known: _Known


def tail(text: str, end: int, *, lower: bool) -> Tail:
    """Return how far an address goes on behind its street line, which ends at ``end``."""
    kept, at, towns, coded = Tail(end), end, 0, text[end - 1].isdigit()
    for _ in range(_PARTS):
        place = _next(text, at, _Known(coded, lower, towns))
        if place is None:
            break
        limit, coded = min(len(text), place.start + _PART), False
        if found := _UNIT.match(text, place.start, limit):
            kept, coded = Tail(found.end(), kept.town, digits=True), True
        elif (found := _POSTCODE.match(text, place.start, limit)) and not (
            _YEAR.fullmatch(found[0]) and not any(char in ",\n" for char in text[end : place.start])
        ):
            kept, coded = Tail(found.end(), town=True, digits=True), True
        elif found := (_LOWER_REGION if lower else _REGION).match(text, place.start, limit):
            if towns or place.marked:
                kept = Tail(found.end(), kept.town, kept.digits)
        elif found := _town(text, place, limit):
            towns += 1
            if _is_last_town(text, place, found):
                kept = Tail(found.end(), town=True, digits=kept.digits)
        else:
            break
        at = found.end()
    return kept


def _next(text: str, at: int, known: _Known) -> _Place | None:
    gap = _GAP.match(text, at, at + _SEPARATOR)
    start = gap.end() if gap else at
    if start == at or start >= len(text):
        return None
    between = text[at:start]
    marked = any(char in ",\n/-" for char in between)
    return _Place(start, marked, "\n" not in between, known)


def _town(text: str, place: _Place, limit: int) -> re.Match[str] | None:
    if _NO_TOWN.match(text, place.start) or (place.known.lower and not place.marked):
        return None
    found = (_LOWER_TOWN if place.known.lower else _TOWN).match(text, place.start, limit)
    return None if found is None or text[found.end() : found.end() + 1] in {":", "@", "="} else found


def _is_last_town(text: str, place: _Place, found: re.Match[str]) -> bool:
    """Tell whether a town counts with nothing certain behind it."""
    if found[0].lower() in COUNTRIES:
        return True
    closed = bool(LINE_END.match(text, found.end(), found.end() + CLOSING))
    if not place.marked:
        return place.known.coded and (closed or not place.known.towns)
    if place.known.lower:
        return closed
    return place.same_line and place.known.towns < 2
