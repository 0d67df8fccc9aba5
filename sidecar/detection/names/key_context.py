"""Decides whether a mere ``name`` is a person's, by the value and by the keys around it.

``{"name": "Ann", "email": ...}`` is a person, ``{"name": "search", "parameters": ...}`` is not.
"""

from __future__ import annotations

import re

from sidecar.detection.names.key_values import entity_type_of, is_single_name
from sidecar.detection.names.keys import Meaning

_AROUND = 200  # code points on each side
_SIBLING = re.compile(
    r"""
    \b (?: e-?mail | phone | tel | mobile | address | ssn | dob | birth | age | gender | passport | iban
      | pr[e\u00e9]nom | vorname | nachname | apellidos? | cognome | ville | ciudad | citt\u00e0
      | cidade | wohnort
      | adresse | t[e\u00e9]l[e\u00e9](?:phone|fono)? | courriel | correo
      | surname | patient | customer | occupation | street | nationality | city | card | mrn )
    \w{0,8} ["'`*\\]{0,4} [ \t]? [:=,|]
    """,
    re.IGNORECASE | re.VERBOSE,
)
_THING = re.compile(
    r"""
    \b (?: type | parameters | function | version | price | sku | description | arguments | schema | enum
      | properties | src | href | dependencies )
    ["'`\\]{0,3} [ \t]? [:=]
    """,
    re.IGNORECASE | re.VERBOSE,
)


def bare_name_type(text: str, start: int, end: int) -> str | None:
    """Return PERSON if the value of a mere ``name`` is a person's, judged by it and by the keys around it."""
    value = text[start:end]
    if not is_single_name(value, strict=False):
        return None
    around = max(0, start - _AROUND), min(len(text), end + _AROUND)
    if _SIBLING.search(text, *around):
        return "PERSON"
    if _THING.search(text, *around):
        return None
    return entity_type_of(Meaning.BARE_NAME, value, strict=True)
