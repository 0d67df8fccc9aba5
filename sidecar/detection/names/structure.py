"""Finds what keys, columns and tags say: ``first_name: Amelia``, ``user=mgarcia``, ``<city>Pune</city>``.

A value counts only if it looks like what its key says, and stands as data: quoted, in a log, a query
string, a list of labels or a table, not in running code. What is done at a
separator is bounded: time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidecar.detection.names import accounts, tables, tagged_values
from sidecar.detection.names.key_context import bare_name_type
from sidecar.detection.names.key_values import ENTITY_TYPES, MAX_VALUE, entity_type_of
from sidecar.detection.names.keys import LAST_WORD, Meaning, meaning_of
from sidecar.detection.names.name_shape import LETTER, Shape, is_caseless, read
from sidecar.detection.names.rules import Rule, Rules
from sidecar.detection.names.windows import Windowed
from sidecar.model import Origin, Span

_SCORE = 0.8
_SEPARATOR = Windowed(re.compile(r"=>|[:=\uff1a](?![:=/])"))
_KEYED = rf"(?i:{LAST_WORD})[^A-Za-z\n]*[:=\x{{ff1a}}]"
_BACK = 50  # code points before a separator that may hold its key
# Read backward from the separator.
_KEY = re.compile(r"[ \t]{0,3}[\"'`*_\])\\]{0,4}(?P<key>\w[\w '\u2019.-]{0,46})")
_SENTENCE = re.compile(r"[.!?] ")
_QUOTED = re.compile(
    r"[ \t]{0,3}(?:\n[ \t]{0,8})?\\?(?:\"([^\"\n\\]{1,120})\\?\"|'([^'\n\\]{1,120})\\?'|`([^`\n\\]{1,120})`)"
)
_STOPS = r"\"`<>{}\[\]()|,;&\t\n\r*\u3001\u3002\uff0c"
_BARE = re.compile(rf"(?P<gap>[ \t\u3000]{{0,4}})[*_]{{0,3}}(?P<value>[^\s'$%{_STOPS}][^{_STOPS}]{{0,79}})")
_LINE = re.compile(r"(?P<gap>[ \t]{0,4})(?P<value>[^\s\"'`<>{}\[\]()|$%][^\"`<>{}\[\]|;\t\n\r]{3,118})")
_WORD = re.compile(r"[^\s&;,\"'<>|(){}\[\]]{2,64}")
_NAME = Shape(loose="anywhere", most=5, delimited=False)
_LOGGED = frozenset({"author", "committer", "assignee", "reporter"})  # logins before ``=``


_CALLED = frozenset({Meaning.NAME, Meaning.BARE_NAME, Meaning.ROLE})
_LIST = re.compile(r"[ \t]{0,3}\[")
_ITEM = re.compile(r"[\s,]{0,8}(?:\"([^\"\n\\]{1,120})\"|'([^'\n\\]{1,120})')")
_MOST_ITEMS = 50
_PART = rf"{LETTER}[\w'\u2019-]{{1,30}}"
_LAST_FIRST = re.compile(
    rf"[ \t]{{1,4}}(?P<value>{_PART}, {_PART}(?: {LETTER}\.?)?)(?=[ \t]{{2}}|[ \t]?(?:[\t\r\n;|(]|\Z))"
)


class Structure:
    """All that structure shows; built once."""

    __slots__ = ("rules",)

    entity_types = ENTITY_TYPES

    def __init__(self) -> None:
        self.rules = Rules(
            [
                Rule(_KEYED, _assigned),
                *tagged_values.TAGS,
                *accounts.RULES,
                tagged_values.CALLS,
                *tables.RULES,
            ]
        )

    def find(self, text: str, hint: str = "") -> list[Span]:
        """Return the spans; they may overlap.

        Args:
            text: A text.
            hint: The key that the text is the value of, if any.
        """
        found = self.rules.find(text)
        return [*_hinted(text, hint), *found] if hint else found


def _span(start: int, end: int, entity_type: str, rule: str) -> Span:
    return Span(start, end, entity_type, _SCORE, Origin.NER, f"structure:{rule}")


def _hinted(text: str, hint: str) -> Iterator[Span]:
    """Yield the whole text, if it is what the hint says."""
    if len(text) > 2 * MAX_VALUE:
        return
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    meaning = meaning_of(hint)
    if meaning and (entity_type := entity_type_of(meaning, text[start:end], strict=False)):
        yield _span(start, end, entity_type, "hint")


def _assigned(text: str) -> Iterator[Span]:
    for separator in _SEPARATOR.finditer(text):
        key = _key_before(text, separator)
        meaning = meaning_of(key) if key else None
        if meaning is None:
            continue
        if _LIST.match(text, separator.end()):
            yield from _listed(text, separator.end(), meaning)
            continue
        if quoted := _QUOTED.match(text, separator.end()):
            start, end = _stripped(text, *quoted.span(quoted.lastindex or 0))
            entity_type = entity_type_of(meaning, text[start:end], strict=False)
            if meaning is Meaning.BARE_NAME:
                entity_type = bare_name_type(text, start, end)
        else:
            start, end, entity_type = _unquoted(text, separator, meaning, key)
        if entity_type and text[start:end] != key:
            yield _span(start, end, entity_type, "key")


def _listed(text: str, at: int, meaning: Meaning) -> Iterator[Span]:
    """Yield the items of a list that are what its key says."""
    at = text.index("[", at) + 1
    for _ in range(_MOST_ITEMS):
        item = _ITEM.match(text, at)
        if item is None:
            return
        start, end = item.span(item.lastindex or 0)
        if entity_type := entity_type_of(meaning, text[start:end], strict=False):
            yield _span(start, end, entity_type, "key")
        at = item.end()


def _key_before(text: str, separator: re.Match[str]) -> str:
    """Return the key that ends before a separator, or nothing; before ``=`` it is one word."""
    at = separator.start()
    found = _KEY.match(text[max(0, at - _BACK) : at][::-1])
    key = found.group("key")[::-1] if found else ""
    return (key.split(" ") if separator.group() == "=" else _SENTENCE.split(key))[-1]


def _unquoted(text: str, separator: re.Match[str], meaning: Meaning, key: str) -> tuple[int, int, str | None]:
    """Return the value after a separator without quotes, and its type."""
    at = separator.end()
    if separator.group() in {"=", "=>"}:
        logged = Meaning.LOGIN if key.lower() in _LOGGED else meaning
        return _in_log(text, separator.start(), at, logged)
    if meaning in _CALLED and (swapped := _LAST_FIRST.match(text, at)):
        return *swapped.span("value"), entity_type_of(meaning, swapped.group("value"), strict=True)
    value = (_LINE if meaning is Meaning.ADDRESS else _BARE).match(text, at)
    if value is None:
        return at, at, None
    if not value.group("gap") and separator.group() == ":" and text[at].isascii():
        end = _name_end(text, at, value.end("value"))
        return (
            at,
            end,
            entity_type_of(Meaning.BARE_NAME, text[at:end], strict=True) if meaning in _CALLED else None,
        )
    start, end = _stripped(text, *value.span("value"))
    if meaning is Meaning.ADDRESS or meaning is Meaning.ORGANIZATION:
        return start, end, entity_type_of(meaning, text[start:end], strict=True)
    if meaning is Meaning.LOGIN:
        lonely = _WORD.fullmatch(text, start, end) and (key.lower() != "user" or text[start].islower())
        return start, end, entity_type_of(meaning, text[start:end], strict=True) if lonely else None
    if meaning in {Meaning.NAME, Meaning.BARE_NAME, Meaning.ROLE, Meaning.PLACE}:
        end = _name_end(text, start, end)
    if meaning is Meaning.BARE_NAME:
        return start, end, bare_name_type(text, start, end)
    if meaning is Meaning.ROLE:
        return start, end, entity_type_of(meaning, text[start:end], strict=not is_caseless(text, start))
    loose = meaning is Meaning.NAME and text[end : end + 1] in {"", "\n", "\r", ",", ";"}
    return start, end, entity_type_of(meaning, text[start:end], strict=not loose)


def _name_end(text: str, start: int, end: int) -> int:
    """Return where the name at ``start`` ends: before ``end``, if prose goes on."""
    name = read(text, start, _NAME)
    end = name if start < name < end and "\n" not in text[start:name] else end
    if text[end : end + 1] == ":" and (blank := text.rfind(" ", start, end)) > 0:
        return blank
    return end


def _in_log(text: str, before: int, at: int, meaning: Meaning) -> tuple[int, int, str | None]:
    """Return the value after ``=`` without quotes: one word, as in logs, or the rest of a line."""
    line = text.rfind("\n", max(0, before - 160), before) + 1 or max(0, before - 160)
    in_call = text.count("(", line, before) > text.count(")", line, before)
    spaced = text[at : at + 1] == " " or text[before - 1 : before] == " "
    rest = _BARE.match(text, at)
    if in_call or rest is None:
        return at, at, None
    if spaced or meaning is Meaning.ADDRESS:
        start, end = _stripped(text, *rest.span("value"))
        ends_line = text[end : end + 1] in {"", "\n", "\r"}
        named = meaning in {Meaning.NAME, Meaning.BARE_NAME, Meaning.PLACE} and " " in text[start:end]
        return (
            start,
            end,
            entity_type_of(meaning, text[start:end], strict=True) if ends_line and named else None,
        )
    word = _WORD.match(text, at)
    if word is None:
        return at, at, None
    if meaning in _CALLED and text[word.end() : word.end() + 1] == " ":
        end = _name_end(text, at, rest.end("value"))
        if entity_type := entity_type_of(Meaning.BARE_NAME, text[at:end], strict=True):
            return at, end, entity_type
    start, end = _stripped(text, *word.span())
    value = text[start:end].replace("+", " ").replace("%20", " ")
    entity_type = entity_type_of(meaning, value, strict=False)
    if meaning is Meaning.BARE_NAME and " " not in value:
        entity_type = None
    return start, end, entity_type


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and (text[end - 1].isspace() or text[end - 1] in ".,:;!?*_"):
        end -= 1
    return start, end
