from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection.checks.registry import CHECKS, check_named


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ("card", "4111111111111111"),
        ("card", "4111-1111 1111.1111"),
        ("card", "378282246310005"),
        ("card", "6011111111111117"),
        ("card", "2223003122003222"),
        ("card", "30569309025904"),
        ("card", "3530111333300000"),
        ("ssn", "123-45-6789"),
        ("ssn", "536904399"),
        ("ip_address", "192.0.2.1"),
        ("ip_address", "2001:db8::7:1"),
        ("ip_address", "::ffff:192.0.2.128"),
        ("phone", "+1 202-555-0143"),
        ("phone", "+44 (0)20 7946 0958"),
        ("phone", "0044 20 7946 0958"),
        ("phone_us", "(202) 555-0143 ext. 7"),
        ("phone_us", "1-202-555-0143"),
        ("phone_us_valid", "202.555.0143"),
        ("phone_trunk", "020 7946 0958"),
        ("phone_plain", "555-0142"),
        ("iban", "DE89 3704 0044 0532 0130 00"),
        ("iban", "gb82west12345698765432"),
    ],
)
def test_what_is_sound_passes(check: str, text: str) -> None:
    assert CHECKS[check](text)


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ("card", "4111111111111112"),
        ("card", "1718035200123"),
        ("card", "9999999999999995"),
        ("card", "41111111111111"),
        ("ssn", "000-12-3456"),
        ("ssn", "666-12-3456"),
        ("ssn", "123-00-4567"),
        ("ssn", "123-45-0000"),
        ("ssn", "987-65-4320"),
        ("ip_address", "127.0.0.1"),
        ("ip_address", "0.0.0.0"),
        ("ip_address", "255.255.255.0"),
        ("ip_address", "1.2.3.4"),
        ("ip_address", "256.1.1.1"),
        ("ip_address", "::1"),
        ("ip_address", "a::b"),
        ("ip_address", "12:34:56"),
        ("phone", "+1"),
        ("phone", "+999 1234567890123"),
        ("phone_us", "123-456-7890"),
        ("phone_us", "202-155-0143"),
        ("phone_us_valid", "999 999 9999"),
        ("phone_trunk", "01-02-2024"),
        ("phone_plain", "2024-01-15"),
        ("phone_plain", "12345"),
        ("iban", "DE89 3704 0044 0532 0130 01"),
        ("iban", "AB12"),
    ],
)
def test_what_is_not_sound_fails(check: str, text: str) -> None:
    assert not CHECKS[check](text)


@pytest.mark.parametrize("name", sorted(CHECKS))
@given(text=st.one_of(st.text(max_size=40), st.text("0123456789+-:. ()/abfx%", max_size=40)))
def test_no_string_makes_a_check_raise(name: str, text: str) -> None:
    assert CHECKS[name](text) in (True, False)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("stdnum.es.nif", "12345678Z", "12345678A"),
        ("stdnum.br.cpf", "529.982.247-25", "529.982.247-26"),
    ],
)
def test_every_number_format_of_stdnum_is_a_check(name: str, good: str, bad: str) -> None:
    check = check_named(name)
    assert check is not None
    assert check(good)
    assert not check(bad)
    assert not check("\u0661\u0662\u0663")


@pytest.mark.parametrize("name", ["stdnum.xx.nothing", "stdnum.es", "stdnum.", "magic", "stdnum.util"])
def test_a_name_of_no_check_is_none(name: str) -> None:
    assert check_named(name) is None
