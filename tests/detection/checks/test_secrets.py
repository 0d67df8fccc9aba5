from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection.checks import secrets
from sidecar.detection.checks.wallets import base58check


@pytest.mark.parametrize(
    "text",
    [
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "550e8400-e29b-41d4-a716-446655440000",
        "Ab12Cd34Ef56",
        "1234567890abcdef",
        "B4X9-K2P7-Z8Q1",
        "abcdefghijklmnopqrstuvwxyz",
    ],
)
def test_what_a_machine_made_is_a_credential(text: str) -> None:
    assert secrets.credential(text)


@pytest.mark.parametrize(
    "text",
    [
        "my_token_2",
        "access-token-v2",
        "SomeLongClassNameFactory",
        "1718035200",
        "gpt-4o-mini-2026-07-18",
        "2026-01-15T12:00:00Z",
        "secrets.token_hex(16)",
        "os.environ['API_KEY2']",
        "https://example.com/a1B2c3D4e5F6",
        "sk-xxxxxxxxxxxxxxxxxxxx",
        "your-api-key-here",
        "${API_KEY}",
        "",
    ],
)
def test_names_code_numbers_and_stand_ins_are_no_credentials(text: str) -> None:
    assert not secrets.credential(text)


@pytest.mark.parametrize(
    ("text", "expected", "like", "word"),
    [
        ("hunter2", True, True, True),
        ("Tr0ub4dor&3", True, True, True),
        ("swordfish", True, False, True),
        ("changeme", True, False, True),
        ("correct horse battery staple", True, False, False),
        ("incorrect", True, False, False),
        ("expired", True, False, False),
        ("SecretStr", True, False, False),
        ("2026-01-15", True, False, True),
        ("v1.2.3", True, False, True),
        ("required", False, False, False),
        ("str", False, False, False),
        ("user.password", False, False, False),
        ("get_password()", False, False, False),
        ("config['password']", False, False, False),
        ("/run/secrets/db", False, False, False),
        ("must be at least eight characters", False, False, False),
        ("<your-password>", False, False, False),
        ("********", False, False, False),
        ("$PASSWORD", False, False, False),
    ],
)
def test_a_password_is_no_code_and_in_prose_no_ordinary_predicate(
    text: str, expected: bool, like: bool, word: bool
) -> None:
    found = (
        secrets.password(text),
        secrets.password_like(text),
        secrets.password_word(text) and " " not in text,
    )
    assert found == (expected, like, word)


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        ("basic_credentials", "YW5uOm4wdC1yZWFs", "YWJjZGVm"),
        ("basic_credentials", "YW5uOm4wdC1yZWFsLi4=", "Basic!"),
        ("url_credentials", "ann:swordfish@example.com", "user:password@example.com"),
        ("url_credentials", ":n0tReal@192.0.2.7", "ann:${PASSWORD}@example.com"),
        ("bare_credentials", "ann:hunter2@db.example.com", "mailto:bob42@example.com"),
        ("user_and_password", "ann:s3cret", "1000:1000"),
        ("user_and_password", "ann%s3cret", "http://example.com"),
        ("password_field", "Password123!", "reset_password_v2"),
        ("seed_phrase", "abandon ability able about", "leave the paper with the owner"),
    ],
)
def test_each_form_has_its_own_check(check: str, good: str, bad: str) -> None:
    assert getattr(secrets, check)(good)
    assert not getattr(secrets, check)(bad)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", True),
        ("rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh", True),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", False),
        ("1", False),
        ("", False),
        ("0OIl", False),
    ],
)
def test_a_wallet_address_carries_its_own_checksum(text: str, expected: bool) -> None:
    assert base58check(text) is expected


@given(text=st.text(max_size=80))
def test_whoever_covers_one_word_as_like_a_password_covers_it_as_a_password(text: str) -> None:
    assert secrets.password(text) or not (secrets.password_like(text) or secrets.password_word(text))
