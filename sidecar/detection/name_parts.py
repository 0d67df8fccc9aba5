"""How else a name that was found may be written: parts and other letter cases, and where these count.

A word that is an ordinary one as well (Will, May, Rose) is a name only with a capital in mid-sentence, and
one that is hardly ever a name (Dear, Bank) is none alone. What a spelling was derived from is covered in
any case; this decides about the rest, so in doubt it says no.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from sidecar.detection.folding import folded, written_out
from sidecar.detection.names.name_shape import NOT_CAPITALIZED_NAMES, is_caseless, is_ordinary, word_list

_SHORTEST_PART = 3  # letters
_SHORTEST_LOWER = 4  # letters from which a word in lower case may be a name
_SHORTEST_FIRM = 4
_MOST_WORDS = 5  # a person's name of more is hardly one
_BEFORE = 4  # code points between a word and the one before it, quotes and emphasis

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019\u2010\u2011-][^\W\d_]+)*")
_NO_NAME = re.compile(r"[\d_@/\\<>{}()\[\]=:;#$%&*|+~^]")
_POSSESSIVE = re.compile(r"['\u2019]s?\Z")
_ASIDE_WORDS = """
mr mrs ms miss mx dr prof professor sir dame lord lady herr frau monsieur madame mme mlle senor senora
signor signora jr sr ii iii iv junior senior phd md esq saint sister brother father mother uncle aunt
von van der den del della dos das du bin ibn abu ter zum zur
"""
_ASIDE = frozenset(_ASIDE_WORDS.split())
_CODE_BEFORE = re.compile(r"[_@/\\#$.(\[{<=\-]")
_CODE_AFTER = re.compile(r"[_@/\\(\[{=\-]|[.:](?=\w)")
_LONGEST_WORD = 24
_CAPITAL_WORD = r"[A-Z\u00c0-\u00de\u0100-\u017f][a-z\u00df-\u024f]{2,20}"
_CAPITALIZED = f"({_CAPITAL_WORD}(?:-{_CAPITAL_WORD})?)"
_NAME_AFTER = re.compile(rf" {_CAPITALIZED}(?![\w-])")
_NAME_BEFORE = re.compile(rf"(?<![\w.-]){_CAPITALIZED} \Z")
_LAST_WORD = re.compile(r"(\w+)\W{1,2}\Z")
_NUMBER_AFTER = re.compile(r"[ ,.]{1,2}\d")
_MONTHS = frozenset({"april", "may", "june", "august"})
_BEFORE_MONTHS_WORDS = "in on since until till by of from this next last early late mid every during"
_BEFORE_MONTHS = frozenset(_BEFORE_MONTHS_WORDS.split())
# Names that are ordinary words too, beside those of the packaged list.
_NAMES_TOO_WORDS = """
amber angel archer art ash autumn baker banks barber bear bell berry bird bishop bond book booth bridge
brook brooks bud bush butler carter cash chance chase chip church clay cliff cole cook cooper coral cross
crystal dale daisy dawn dean destiny dove duke earl eden faith farmer field fisher flores flower forest foster
fox frank gardener gay ginger glen golden grace guy harmony haven hazel heather holly honey hood hunt hunter
iris ivy jack jade jasmine jay jewel joy judge justice kit knight lance lane laurel lily link lotus mars
marsh mason melody mercy merry mill miller mills misty moss nick olive opal patience peace pearl penny
pepper piper pitt poet pope porter potter powers precious raven reed ridge river rivers robin rock rod
rosemary ruby rusty sage sandy scarlet serenity shepherd skip sky star sterling stone storm sue summer sunny
tanner taylor tiger treasure trinity turner victor viola wade walker ward weaver webb wells wheeler willow
wolf woods worth chad china jordan turkey nice reading mobile orange jersey cork bath deal sandwich battle
hull split male lima georgia tours essen buffalo phoenix independence normal eagle bill terry pat
"""
_NO_NAMES_WORDS = """
error errors python java script code class data file files test tests server client user users admin api web
cloud linux windows android apple google amazon microsoft facebook twitter youtube instagram version update
model agent system network software hardware machine learning deep neural language computer science
engineering engineer manager director president minister chief officer secretary chairman editor writer
author artist actor actress singer doctor nurse teacher student customer employee applicant candidate
patient christmas easter halloween thanksgiving god jesus christ buddha bible house home street road avenue
lake mount mountain island islands beach bay valley hills city town village county state states north south
east west northern southern eastern western central upper lower greater new old big great court square plaza
tower towers station airport hotel restaurant cafe bar club museum library university college school
institute academy hospital clinic center centre department ministry office agency council committee
commission association society foundation trust fund group holdings partners company corporation corp inc
ltd llc gmbh plc limited international national global world united american british federal general public
private first second third last bank insurance financial capital credit energy electric gas oil water motors
motor airlines airways air media news times post press journal magazine radio television network studios
pictures records music league cup championship games team football basketball baseball hockey party union
army navy force police supreme senate congress parliament war act rights movement the and for with from this
that super ultra mega pro plus max mini red
"""
_NAMES_TOO = frozenset(_NAMES_TOO_WORDS.split()) | word_list("names_too.txt")
_NO_NAMES = (frozenset(_NO_NAMES_WORDS.split()) | NOT_CAPITALIZED_NAMES) - _NAMES_TOO
_ORDINARY = _NO_NAMES | _NAMES_TOO


class Manner(Enum):
    """How an occurrence must be written to count; the first allows most."""

    ANY = auto()  # a number, an address: any spelling on one line
    FREE = auto()  # a person's name that nothing else is: any letter case
    NAME = auto()  # a name: with a capital, or on a line without any
    CAPITAL = auto()  # a firm by its first word: with a capital
    DOUBTFUL = auto()  # an ordinary word as well: one capital, in mid-sentence


def spellings(name: str, entity_type: str) -> dict[str, Manner]:
    """Return the folded spellings by which something goes that was found with this name.

    Args:
        name: A person, an organization or a place as it stands in the text.
        entity_type: ``PERSON``, ``ORG`` or another; only the first two have parts.
    """
    bare = _POSSESSIVE.sub("", name)
    if _NO_NAME.search(bare):
        return {}
    is_full = entity_type == "PERSON" and 1 < len(words := _WORD.findall(bare)) <= _MOST_WORDS
    sure = is_full and all(_is_sure(word) for word in words)
    found = _spellings(folded(bare), entity_type, Manner.FREE if sure else Manner.NAME)
    if not bare.isascii():
        found |= _spellings(written_out(bare), entity_type, Manner.FREE if sure else Manner.NAME)
    return found


def fits(manner: Manner, text: str, start: int, end: int) -> bool:
    """Tell whether ``[start, end)`` is written as its manner asks."""
    written = text[start:end]
    is_lower = written.islower()
    match manner:
        case Manner.ANY:
            return "\n" not in written and "\r" not in written
        case Manner.FREE if is_lower:
            return end - start >= _SHORTEST_LOWER and not _in_code(text, start, end)
        case Manner.NAME if is_lower:
            return is_caseless(text, start) and not _in_code(text, start, end)
        case Manner.FREE:
            return True
        case Manner.NAME:
            return written[0].isupper()
        case Manner.CAPITAL:
            return written[0].isupper()
        case Manner.DOUBTFUL:
            return (
                written[0].isupper()
                and written[1:].islower()
                and (_in_mid_sentence(text, start) and not _is_month(text, start, end))
            )


def with_neighbors(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the stretch of a name, if it is one word, with a word beside it that looks like the rest.

    "John" of "John Brown" is not the John Smith that was found, and a Brown is not to be left alone.
    """
    if not text[start].isupper() or text[start + 1 : end].isupper() or " " in text[start:end]:
        return start, end
    after = _NAME_AFTER.match(text, end)
    if after and _is_rest(after[1]):
        return start, after.end(1)
    before = _NAME_BEFORE.search(text, max(0, start - _LONGEST_WORD), start)
    if before and _is_rest(before[1]) and _in_mid_sentence(text, before.start(1)):
        return before.start(1), end
    return start, end


def _is_rest(word: str) -> bool:
    plain = folded(word)
    return plain not in _NO_NAMES and plain not in _ASIDE and not is_ordinary(plain, capitals=False)


def _is_sure(word: str) -> bool:
    """Tell whether a word of a full name is a capitalized one that is hardly anything but a name."""
    plain = folded(word)
    is_known = plain in _NO_NAMES or plain in _NAMES_TOO or is_ordinary(plain, capitals=False)
    return word[0].isupper() and not word.isupper() and (plain in _ASIDE or not is_known)


def _spellings(name: str, entity_type: str, manner: Manner) -> dict[str, Manner]:
    words = _WORD.findall(name)
    found = {name: manner} if len(words) > 1 else {}
    match entity_type:
        case "PERSON" if len(words) <= _MOST_WORDS:
            parts = [word for word in words if word not in _ASIDE]
        case "ORG":
            parts = words[:1]
        case _:
            parts = words if words == [name] else []
    for part in parts:
        if of_part := _of_word(part, entity_type, manner):
            found.setdefault(part, of_part)
    return found


def _of_word(word: str, entity_type: str, manner: Manner) -> Manner | None:
    is_firm = entity_type == "ORG"
    if len(word) < (_SHORTEST_FIRM if is_firm else _SHORTEST_PART) or word.upper() == word:
        return None
    if word in _NO_NAMES:
        return None
    if word in _NAMES_TOO or is_ordinary(word, capitals=False):
        return None if is_firm else Manner.DOUBTFUL
    return Manner.CAPITAL if is_firm else manner


def _in_code(text: str, start: int, end: int) -> bool:
    """Tell whether what stands around a word in lower case makes it an identifier."""
    return bool(_CODE_BEFORE.match(text, max(0, start - 1)) or _CODE_AFTER.match(text, end))


def _in_mid_sentence(text: str, start: int) -> bool:
    """Tell whether a word or a comma stands before this place, on its line."""
    before = text[max(0, start - _BEFORE) : start].rstrip(" \u00a0\"'*_(\u201c\u2018")
    return bool(before) and (before[-1].isalnum() or before[-1] == ",")


def _is_month(text: str, start: int, end: int) -> bool:
    """Tell whether May is the month here: "in May", "since May", "May 5"."""
    if folded(text[start:end]) not in _MONTHS:
        return False
    before = _LAST_WORD.search(text[max(0, start - 12) : start])
    return bool(_NUMBER_AFTER.match(text, end)) or (
        before is not None and before[1].lower() in _BEFORE_MONTHS
    )
