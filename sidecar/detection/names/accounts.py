"""Finds user names where systems put them: log lines, home folders, ``uid=1001(ann)``, lines of passwd.

Accounts of services (``root``, ``www-data``) are no user names. Everything is bounded: time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from sidecar.detection.names.key_values import entity_type_of
from sidecar.detection.names.keys import Meaning
from sidecar.detection.names.needs import need_of
from sidecar.detection.names.rules import Rule
from sidecar.detection.names.windows import Windowed
from sidecar.model import Origin, Span

_SCORE = 0.8
_BEFORE = (
    r"(?:failed|accepted)[ ](?:password|publickey|keyboard-interactive/pam)[ ]for[ ](?:invalid[ ]user[ ])?"
    r"|session[ ](?:opened|closed)[ ]for[ ]user[ ]|invalid[ ]user[ ]|user[ ]['\"]"
)
_BEHIND = "logged|signed|authenticated|connected|disconnected|created|deleted|failed|requested"
_ACCOUNT = re.compile(
    rf"\b(?:{_BEFORE})(?P<value>[a-z][\w.-]{{1,31}})(?=[\s'\"(,;:]|\Z)"
    rf"|\buser[ ](?P<other>[a-z][\w.-]{{1,31}})(?=[ ](?:{_BEHIND})\b)",
    re.IGNORECASE,
)
_FOLDER = re.compile(r"(?:/home/|/Users/|[\\/]Users\\{1,2})(?P<value>[A-Za-z][\w.-]{1,31})(?=[/\\\s\"']|\Z)")
_UNIX = re.compile(
    r"""
    \b uid=\d{1,10} \( (?P<value>[a-z][\w.-]{1,31}) \)
    | ^ (?P<login>[a-z][\w.-]{1,31}) : [x*!]? : \d{1,10} : \d{1,10} :
    """,
    re.VERBOSE | re.MULTILINE,
)


_REMOTE = re.compile(
    r"\b(?:ssh|scp|sftp|rsync|mosh)[ ](?:[^\n@]{0,60}?[ ])?(?P<value>[a-z_][\w.-]{1,31})(?=@[\w.-]{2})"
)
_ASSIGNED = re.compile(
    r"^[ \t]{0,8}(?:[-*][ \t])?\[[ xX]\][ \t]@(?P<value>[A-Za-z][\w-]{2,30})(?=[\s:,]|\Z)", re.MULTILINE
)


def _accounts(text: str, places: Windowed) -> Iterator[Span]:
    """Yield the user names at places of one kind."""
    for account in places.finditer(text):
        start, end = account.span(account.lastgroup or 0)
        if entity_type := entity_type_of(Meaning.LOGIN, text[start:end], strict=True):
            yield Span(start, end, entity_type, _SCORE, Origin.NER, "structure:account")


RULES = tuple(
    Rule(need_of(places), partial(_accounts, places=Windowed(places)))
    for places in (_ACCOUNT, _FOLDER, _UNIX, _ASSIGNED, _REMOTE)
)
