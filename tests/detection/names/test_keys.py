from __future__ import annotations

import pytest

from sidecar.detection.names.keys import Meaning, meaning_of


@pytest.mark.parametrize(
    ("key", "meaning"),
    [
        ("first_name", Meaning.NAME),
        ("customerName", Meaning.NAME),
        ("Billing-City", Meaning.PLACE),
        ("Full name", Meaning.NAME),
        ("Фамилия", Meaning.NAME),
        ("姓名", Meaning.NAME),
        ("name", Meaning.BARE_NAME),
        ("patient", Meaning.ROLE),
        ("db_user", Meaning.LOGIN),
        ("userName", Meaning.LOGIN),
        ("homeAddress", Meaning.ADDRESS),
        ("customers", Meaning.ROLE),
        ("cities", Meaning.PLACE),
        ("file_name", None),
        ("hostname", None),
        ("className", None),
        ("table_name", None),
        ("ip_address", None),
        ("email address", None),
        ("velocity", None),
        ("event_name", None),
        ("x" * 60 + "_name", None),
    ],
    ids=ascii,
)
def test_a_key_is_read_as_words(key: str, meaning: Meaning | None) -> None:
    assert meaning_of(key) is meaning
