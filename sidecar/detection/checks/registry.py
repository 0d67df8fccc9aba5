"""Checks by the name that ``patterns.json`` gives them.

A check sees only the matched string and never raises, whatever the string is. Beside our own, every number
format that ``python-stdnum`` knows is a check: ``stdnum.es.nif``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache

import stdnum

from sidecar.detection.checks import (
    dates,
    finance,
    ids,
    national,
    network,
    phones,
    places,
    secrets,
    vehicles,
    wallets,
)

Check = Callable[[str], bool]

_STDNUM = "stdnum."
_OWN: tuple[Check, ...] = (
    dates.birth_date,
    finance.bic,
    finance.card,
    finance.clabe,
    finance.iban,
    ids.dea,
    ids.nino,
    ids.npi,
    ids.ssn,
    national.ci_uy,
    national.hkid,
    national.luhn_digits,
    national.national_id_tw,
    national.nric_sg,
    national.rvnr_de,
    national.snils,
    network.ip_address,
    network.ip_defanged,
    network.mac,
    phones.phone,
    phones.phone_local,
    phones.phone_plain,
    phones.phone_trunk,
    phones.phone_us,
    phones.phone_us_valid,
    places.coordinate,
    places.coordinates,
    places.plus_code,
    secrets.bare_credentials,
    secrets.basic_credentials,
    secrets.credential,
    secrets.password,
    secrets.password_field,
    secrets.password_like,
    secrets.password_word,
    secrets.seed_phrase,
    secrets.url_credentials,
    secrets.user_and_password,
    vehicles.vin,
    wallets.base58check,
)
CHECKS: Mapping[str, Check] = {check.__name__: check for check in _OWN}


def check_named(name: str) -> Check | None:
    """Return the check of that name, or None if there is none."""
    return _number_format(name) if name.startswith(_STDNUM) else CHECKS.get(name)


@cache
def _number_format(name: str) -> Check | None:
    """Return the test of one module of ``python-stdnum``."""
    if name not in _number_formats():
        return None
    is_valid = getattr(importlib.import_module(name), "is_valid", None)
    if is_valid is None:
        return None

    def check(text: str) -> bool:
        return text.isascii() and bool(is_valid(text))

    return check


@cache
def _number_formats() -> frozenset[str]:
    return frozenset(module.name for module in pkgutil.walk_packages(stdnum.__path__, _STDNUM))
