"""Checks of secrets: what a machine or a person made up, told from words, code and stand-ins.

They see only the matched string and never raise.
"""

from __future__ import annotations

import base64
import binascii
import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")  # "camelCase9" is camel, Case, 9
_PIECE = re.compile(r"[A-Za-z0-9]+")
_STAND_IN = re.compile(
    r"""
    [<{\[].*                                            # <your-key>, {key}, [REDACTED]
    | %\w+%? | (?:%[sdr]\W?)+ | \$(?:\w*[a-z_] | [{(].*)                 # %KEY%, $KEY, ${KEY}
    | (?:[a-z]+[_-])*(?:your|my|insert|enter|put|some|replace)[_-][a-z_-]*[0-9]?  # sk-your-key
    | .*(?:[_-]|\b)here                                 # api-key-here
    | \W*([a-z])\1{3,}\W*                               # xxxx
    | .*(?:x{6}|\*{3}|\.{3}|\u2026).*                   # sk-xxxxxxxx, ***, abc...
    | (?:redacted|masked|hidden|removed|omitted|placeholder|example|dummy)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_CODE = re.compile(
    r"""
    [A-Za-z_][\w.]*\(.*                                 # a call
    | [A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*\[.*               # a subscript
    | (?:[A-Za-z_]+\.)+[A-Za-z_]+[;,)\]}]*              # an attribute
    | (?:[a-z_]{2,}\d{0,3}\.)+[a-z_]+(?:\d{1,3}[a-z_]+)?\d{0,3}
    | .*(?:->|=>|::|://).*
    | [\w.]*(?:process\.env|environ)\b.*
    """,
    re.VERBOSE,
)
_PATH = re.compile(r"[.~]{0,2}/[\w.\-/]*")
_KEYWORDS = re.compile(
    r"(?i)(?:none|null|nil|true|false|yes|no|str|string|int|integer|bool|boolean|bytes|any|object|optional|undefined|"
    r"char|varchar|text|float|number|self|void|unknown|required|n/a|empty|blank|default|input|prompt|"
    r"(?:[a-z_]*_)?(?:pass|passwd|password|passphrase|passwort|kennwort|senha|pwd|pw|secret_?key|"
    r"token|pin|key|user|username)s?\d?)[,;)\]}:]*"
)
_NO_PASSWORD = _words(
    """
    a an the this that these those it its his her my our your their me you he she we they i one ones
    both each is are was were be been being am do does did done has have had having will would shall
    should can could may might must not no yes never always also only just still already again now
    then there here too very so as if in on at by to of for from with without into onto over under
    out off up down than or and but nor because about after before until while when where why how
    what which who whom whose whether between during via per same different correct incorrect wrong
    right valid invalid weak strong safe secure insecure unsafe long short required optional
    mandatory needed missing empty blank null hidden visible unique similar identical common good
    bad fine ok okay old new current temporary permanent random default plain clear simple easy hard
    important sensitive confidential private public secret ready available unavailable useless
    useful stored saved set sent kept changed reset reused leaked exposed lost stolen broken known
    unknown shown hashed salted encrypted encoded expired cracked compromised case-sensitive
    everything nothing something anything someone anyone everyone mine yours ours theirs time
    password passwords passphrase passwort username user email admin login account accounts manager managers
    field fields form forms policy policies protected protection option options flag parameter
    argument variable value values prompt file files reset resets recovery hash hashes hashing
    strength length characters letters digits rules hint change changes update generator generators
    authentication requirement requirements less free-form part fun worth why
    """
)
_TECHNICAL = re.compile(
    r"(?i)v?\d+(?:\.\d+)+\S*|0x[0-9a-f]{1,8}|\d+-[a-z]+(?:-[a-z]+)*|(?:utf|sha|md|aes|base|ipv|tls|http|rsa|argon|oauth)[-_]?\d+\w{0,2}|"
    r"(?:\d+fa|x509|k8s|s3|ec2)\W*"
)
_CAMEL = re.compile(r"[A-Za-z][a-z]+[A-Z][A-Za-z]*")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:.*")
_GRAMMAR = _words(
    """
    a an the this that is are was be been must should can could not no and or of to in on for with
    at by as if your our their it its least only required characters please
    """
)
_PASSWORD_WORDS = _words(
    "pass password passwords passphrase passwort kennwort passe token tokens key keys secret"
)
_LONGEST_PHRASE = 8  # words
_SHAPE = re.compile(r"(?i)[a-z]+(?:ed|ing|able|ible|ly|ful|less|ment|tion|ized|ised)")
_GENERIC_USER = re.compile(r"(?i)(?:my)?(?:user(?:name)?|login|usr|u|me|name|foo|(?:access_?)?(?:key_?)?id)")
_GENERIC_PASSWORD = re.compile(
    r"(?i)(?:my)?(?:pass(?:word|wd)?|pwd?|p|secret(?:_?(?:access)?_?key)?|bar|token)"
)
_NO_USER = _words(
    """
    mailto email e-mail mail to from cc bcc contact sip sips xmpp acct author smtp
    """
)
_FUNCTION_WORDS = _words(
    """
    the and for with not are was has had have but nor its his her from your their our which were
    been
    """
)


def credential(text: str) -> bool:
    """Tell whether a machine made this: a key, a token, a hash; no word, name, path, number or stand-in."""
    if _is_stand_in(text) or _CODE.fullmatch(text) or _TIME.fullmatch(text):
        return False
    return any(_is_random(piece) for piece in _PIECE.findall(text)) or _is_grouped(text)


def password(text: str) -> bool:
    """Tell whether this may be a password where one is expected: anything but code and stand-ins."""
    if _is_stand_in(text) or any(form.fullmatch(text) for form in (_CODE, _PATH, _KEYWORDS)):
        return False
    words = text.lower().split()
    if len(words) > 1:
        return len(words) <= _LONGEST_PHRASE and not (_GRAMMAR | _PASSWORD_WORDS) & {
            word.strip(".,:;!?'\"") for word in words
        }
    return any(char.isalnum() for char in text)


def password_field(text: str) -> bool:
    """Tell whether this can be all there is under a key that says password, and is no talk about one."""
    if re.search(r"(?i)pass|pwd?|secret|token|senha|contrase|wachtwoord|passe", text):
        return password_like(text) and not re.search(r"[\s_=:-]", text)
    return password(text)


def password_word(text: str) -> bool:
    """Tell whether this may be a password in prose, an ordinary word at that: ``swordfish``."""
    word = text.lower()
    return password(text) and not (word in _NO_PASSWORD or _SHAPE.fullmatch(word) or _CAMEL.fullmatch(text))


def password_like(text: str) -> bool:
    """Tell whether this is no ordinary word or name, and may be a password wherever it stands."""
    if not password(text):
        return False
    if re.fullmatch(r"[0-9]+(?:[.,:/-][0-9]+)*(?:[a-z]{1,3}|st|nd|rd|th|%)?", text):
        return False
    if re.search(r"[0-9]", text) and re.search(r"[^\W\d_]", text):
        return not _TECHNICAL.fullmatch(text)
    return bool(re.search(r"\w[!@#$%^&*+=~?|]+\w", text)) and "/" not in text


def basic_credentials(text: str) -> bool:
    """Tell whether this is base64 of ``user:password``. Source: RFC 7617."""
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return b":" in plain[:-1] and all(byte >= 0x20 for byte in plain)


def url_credentials(text: str) -> bool:
    """Tell whether ``user:password@host`` carries a real password, not a stand-in."""
    user, colon, rest = text.rpartition("@")[0].partition(":")
    if not colon or not rest or _is_stand_in(rest) or re.fullmatch(r"\W*", rest):
        return False
    return not (_GENERIC_USER.fullmatch(user) and _GENERIC_PASSWORD.fullmatch(rest))


def bare_credentials(text: str) -> bool:
    """Tell whether ``user:password@host`` without a scheme is one, and no mail address after a label."""
    user, _, rest = text.rpartition("@")[0].partition(":")
    return (
        user.lower() not in _NO_USER and not user.isdigit() and url_credentials(text) and password_like(rest)
    )


def user_and_password(text: str) -> bool:
    """Tell whether ``user:password`` or ``user%password`` is one, neither ``1000:1000`` nor a stand-in."""
    user, _, rest = (text if ":" in text else text.replace("%", ":", 1)).partition(":")
    return (
        not rest.isdigit()
        and not rest.startswith("//")
        and url_credentials(f"{user}:{rest}@")
        and password(rest)
        and bool(user)
    )


def seed_phrase(text: str) -> bool:
    """Tell whether these words can be a recovery phrase: none of them only serves grammar.

    Source: BIP 39, whose list has no articles, conjunctions or prepositions of that kind.
    """
    return not _FUNCTION_WORDS & set(re.findall(r"[a-z]+", text.lower()))


def _is_stand_in(text: str) -> bool:
    return bool(_STAND_IN.fullmatch(text)) or not any(char.isalnum() for char in text)


def _is_random(piece: str) -> bool:
    """Tell whether letters and digits change kind more often than in words with numbers."""
    if len(piece) < 8 or piece.isdigit():
        return False
    if piece.isalpha() and (piece.islower() or piece.isupper()):
        return len(piece) >= 20
    digits = sum(char.isdigit() for char in piece)
    if len(piece) >= 12 and digits >= 2 and len(piece) - digits >= 2:
        return True
    runs = _RUN.findall(piece)
    return len(runs) >= 3 and len(piece) < 3.2 * len(runs)


def _is_grouped(text: str) -> bool:
    """Tell whether this is random in short groups: ``550e8400-e29b-41d4``, ``B4X9-K2P7-Z8Q1``."""
    pieces = _PIECE.findall(text)
    mixed = [piece for piece in pieces if re.search(r"[0-9]", piece) and re.search(r"[A-Za-z]", piece)]
    return len(pieces) >= 3 and len(mixed) >= 2 and sum(map(len, pieces)) >= 12
