"""What of a model's entity is a name: no quotes, possessives or punctuation around it, and no code.

Works on offsets only; what it returns lies within what it was given. In doubt a name stays a name.
"""

from __future__ import annotations

import re

_EDGE = re.compile(
    r"[\s\x00-\x1f\x7f\"'`.,;:!?*#|<>/\\=~(){}\[\]_&+^%$@\-\u00ab\u00b4\u00b7\u00bb\u200b\u2010-\u2027\u2039\u203a\ufeff\ufffd]"
)
_ABBREVIATION = re.compile(r"(?:\b[^\W\d_]\.){2,}")
_POSSESSIVE = re.compile(r"['`\u00b4\u2018\u2019]s?\Z", re.IGNORECASE)
_ARTICLE = re.compile(r"the\s+(?=\S)", re.IGNORECASE)
_WITHIN_SENTENCE = re.compile(r"[a-z,\u2019'][ ]\Z")
_LETTER = re.compile(r"[^\W\d_]")
_MAY_BE_DIGIT = re.compile(r"[^\x00-/:-\x7f]")
_TWO_SIGNS = re.compile(r"[^\W_].*?[^\W_]", re.DOTALL)
_BLANK = re.compile(r"\s")
# What a sentence starts with and a model takes into the name behind it: greetings, requests.
_GREETINGS = """
hi hey hello dear lol omg pls plz please ok okay yo btw hallo liebe lieber liebes bonjour bonsoir salut hola
ciao salve caro cara gentile olá oi prezado prezada querido querida estimado estimada beste geachte hoi hej
kära käre bästa kære kjære hei moi terveisin cześć drogi droga szanowna szanowny ahoj kedves merhaba sevgili
groeten hälsningar hilsen saludos saluti cordialement привет здравствуйте привіт
"""
_REQUESTS = """
add analyse analyze ask build call check choose click compare configure contact convert create deploy describe
disable discuss download draft email enable explain export fix generate implement import install invite list
message notify open outline press proofread remind rewrite schedule select send should summarise summarize
tell translate upgrade use using visit why write
"""
_OPENERS = (_GREETINGS + _REQUESTS).split()
_OPENING = re.compile(rf"(?:{'|'.join(_OPENERS)}),?\s+(?=\S)", re.IGNORECASE)
_OPENS = re.compile(r"(?:\A|[.!?:;\n\"\u201c(*#>-]\s{0,3})\Z")
_NUMBERS = re.compile(r"\A(?:[\d\W]+\s)?(.*?)(?:\s[\d\W]*)?\Z", re.DOTALL)
# Empty lines, columns, brackets, wide gaps, links, and words longer than any name.
_BREAK = re.compile(r"\s*(?:\n\s*\n|[\t|\[\]{}]|\s{4,}|\b\w{2,9}://\S*|\S{51,})\s*")
_LABEL = re.compile(r"[ \t]*:")
_FIELD_NAMES = """
api args aws cc cls csv cvv dob email e-mail false fax fyi html http https iban id ip ipv4 ipv6 itin json
kwargs mrn none null pan pdf phone pin po self sha sim sql ssn tel tin todo true undefined url uuid vat xml
yaml zip
"""
_NO_NAMES = frozenset(_FIELD_NAMES.split())  # what a model takes for organizations when they label a number
_CODE_WORD = re.compile(
    r"""
    [$\\]
    | \w\(|\)[;{:]              # calls
    | ::|->|=>|==|!=|\+=|=\w    # operators
    | \w_|_\w                   # snake_case
    | ^[a-z]+[A-Z]\w*$          # camelCase
    | ^\w+(?:Error|Exception)$
    """,
    re.VERBOSE,
)


_PLAIN = re.compile(r"[A-Za-z]+(?: [A-Za-z]+)*")  # most entities; no rule below but those of words applies
_MAX_PLAIN = 50  # code points; what is longer may hold a word that is longer than any name
_PLAIN_OPENERS = frozenset({"the", *_OPENERS})


def names(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the stretches of an entity that can be names, ascending; possibly none."""
    if _PLAIN.fullmatch(text, start, end) and _is_plain_name(text[start:end]):
        return [(start, end)]
    return _by_rules(text, start, end)


def _by_rules(text: str, start: int, end: int) -> list[tuple[int, int]]:
    found, first = [], start
    for gap in _BREAK.finditer(text, start, end):
        found.append((first, gap.start()))
        first = gap.end()
    found.append((first, end))
    return [kept for low, high in found if (kept := _name(text, low, high))]


def _is_plain_name(plain: str) -> bool:
    """Tell whether plain words are a name as a whole; in doubt not, and all rules are asked."""
    if len(plain) > _MAX_PLAIN:
        return False
    first, blank, _ = plain.partition(" ")
    if blank:
        return first.lower() not in _PLAIN_OPENERS
    return plain[1:].islower() and plain.lower() not in _NO_NAMES


def _name(text: str, start: int, end: int) -> tuple[int, int] | None:
    end = _without_next_label(text, start, end)
    start, end = _stripped(text, start, end)
    if possessive := _POSSESSIVE.search(text, start, end):
        start, end = _stripped(text, start, possessive.start())
    if (article := _ARTICLE.match(text, start, end)) and not _is_its_own(text, article):
        start, end = _stripped(text, article.end(), end)
    if (opening := _OPENING.match(text, start, end)) and _OPENS.search(text, max(0, start - 4), start):
        start, end = _stripped(text, opening.end(), end)
    if _mostly_digits(text[start:end]) and (words := _NUMBERS.match(text[start:end])):
        start, end = _stripped(text, start + words.start(1), start + words.end(1))
    return (start, end) if _can_be_name(text[start:end]) else None


def _is_its_own(text: str, article: re.Match[str]) -> bool:
    """Tell whether a capital within a sentence makes the article part of the name: ``in The Post``."""
    place = article.start()
    return article[0][0] == "T" and _WITHIN_SENTENCE.search(text, max(0, place - 2), place) is not None


def _without_next_label(text: str, start: int, end: int) -> int:
    """Return the end before the line's end if the next line goes on as a label: ``Ann Lee⏎Subject:``."""
    line = text.rfind("\n", start, end)
    return line if line >= 0 and _LABEL.match(text, end) else end


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and _EDGE.match(text[start]):
        start += 1
    while start < end and _EDGE.match(text[end - 1]) and not _closes_abbreviation(text, start, end):
        end -= 1
    return start, end


def _closes_abbreviation(text: str, start: int, end: int) -> bool:
    """Tell whether the stretch ends with the full stop of ``U.S.`` or ``J.R.``."""
    return text[end - 1] == "." and bool(_ABBREVIATION.fullmatch(text, max(start, end - 4), end))


def _mostly_digits(name: str) -> bool:
    if not _MAY_BE_DIGIT.search(name):
        return False
    return len(_LETTER.findall(name)) < sum(char.isdigit() for char in name)


def _can_be_name(name: str) -> bool:
    if not _LETTER.search(name) or _mostly_digits(name) or (name.isascii() and not _TWO_SIGNS.search(name)):
        return False
    is_word = not _BLANK.search(name)
    return not (is_word and (name.lower() in _NO_NAMES or _CODE_WORD.search(name)))
