from __future__ import annotations

import pytest

from sidecar.detection.checks.network import ip_address, ip_defanged, mac


@pytest.mark.parametrize(
    "text", ["fe80::1", "fd00::7", "2001:db8::", "fe80::1%eth0", "192.0.2.9", "192.0.2.0/24"]
)
def test_addresses_in_use_count_however_short(text: str) -> None:
    assert ip_address(text)


@pytest.mark.parametrize("text", ["dead::beef", "a::", "::1", "::", "1.2.3.4", "fe80", ""])
def test_source_code_and_versions_do_not(text: str) -> None:
    assert not ip_address(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192[.]0[.]2[.]9", True),
        ("192 dot 0 dot 2 dot 9", True),
        ("192 . 0 . 2 . 9", True),
        ("192.0.2.9", False),
        ("1[.]2[.]3[.]4", False),
        ("192[.]0[.]2", False),
        ("", False),
    ],
)
def test_dots_in_brackets_or_spelled_hide_no_address_and_plain_ones_are_left_to_others(
    text: str, expected: bool
) -> None:
    assert ip_defanged(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:00:5e:00:53:af", True),
        ("0000.5e00.53af", True),
        ("ff:ff:ff:ff:ff:ff", False),
        ("1234.5678.9012", False),
        ("", False),
    ],
)
def test_a_network_card_is_neither_broadcast_nor_a_plain_number(text: str, expected: bool) -> None:
    assert mac(text) is expected
