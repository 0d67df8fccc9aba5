from __future__ import annotations

from pathlib import Path

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from sidecar.detection.pattern_file import PatternFile, load_patterns
from sidecar.model import Passage

FOLDER = Path(__file__).parents[2] / "patterns"
FILES = {name: load_patterns(FOLDER / f"{name}.json") for name in ("contacts", "network")}


def found(text: str, hint: str = "", file: PatternFile = FILES["contacts"]) -> list[tuple[str, str]]:
    return [
        (text[span.start : span.end], span.entity_type) for span in file.patterns.find(Passage(text, hint))
    ]


# Territories whose numbers have so few digits that only a longer word for telephone gives them away.
TINY = "AC CK FK NF NG NU SH TA TK TV"
REGIONS = sorted(set(phonenumbers.SUPPORTED_REGIONS) - set(TINY.split()))


@pytest.mark.parametrize("said", ["phone: {}", "my phone number is {}", "call me {} please", "Fax {}"])
@pytest.mark.parametrize(
    "form", [PhoneNumberFormat.NATIONAL, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.E164]
)
def test_numbers_of_nearly_every_region_are_found_beside_a_word_for_telephone(form: int, said: str) -> None:
    missed = []
    for region in REGIONS:
        for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE):
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            number = phonenumbers.format_number(example, form)
            if number.strip("(") not in [original.strip("(") for original, _ in found(said.format(number))]:
                missed.append((region, number))
    assert len(missed) <= 0.02 * len(REGIONS) * 2, missed


@pytest.mark.parametrize(
    "text",
    [
        "tel. 22 555 01 43",
        "mobil 070-555 01 43",
        "móvil 612 555 014",
        "cellulare 333 555 0143",
        "手机 13800005555",
        "тел. 8 (495) 555-01-43",
        "komórka 601 555 014",
        "전화 02-555-0143",
        "Rückruf unter 030 5550143",
        "ligue (11) 95555-0143",
        "τηλ. 210 5550143",
        "bel 06-55501430",
        "zap: 11 95555-0143",
        "fono 9 5555 0143",
    ],
)
def test_a_word_for_telephone_in_many_languages_gives_a_number_away(text: str) -> None:
    assert [entity_type for _, entity_type in found(text)] == ["PHONE"]


@pytest.mark.parametrize(
    "text",
    [
        "550e8400-e29b-41d4-a716-446655440000",
        "call 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "created 1718035200, updated 1718035200123",
        "order number 20260301-998812",
        "numpy 1.26.4 to 2.1.0.3",
        "call on 2024-01-15 at 10:22",
        "ISBN 978-3-16-148410-0",
        "population 331002651, price $1,234,567.89",
        "from 08/2023 to 03/2024, 2019 - 2023",
        "text 3.14159265 and cell 12",
        "mobile users: 12,345",
        "U+1FD3; 0399 0308 0301; FB15; 0544 053B",
        "badge/DOI-10.1038--s41586--020--2649--2",
        "dates from 01/01/0001",
        "02/19/97 converted",
        "ring buffer of 16777216",
        "0045 0302 0301 ; combined",
    ],
)
def test_numbers_that_no_one_answers_stay(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my username is adaex", [("adaex", "USERNAME")]),
        ("https://github.com/ada-ex and t.me/ada_ex", [("ada-ex", "USERNAME"), ("ada_ex", "USERNAME")]),
        ("thanks @AdaEx, great", [("AdaEx", "USERNAME")]),
        ("discord: ada_ex#0143", [("ada_ex#0143", "USERNAME")]),
        ("https://x.com/ada_ex/status/1", [("ada_ex", "USERNAME")]),
        ("I am u/ada_ex on reddit", [("ada_ex", "USERNAME")]),
        ("log in as user ada_ex first", [("ada_ex", "USERNAME")]),
        ("my steam id is 70000000000000001", [("70000000000000001", "USERNAME")]),
        ("insta: ada_ex99", [("ada_ex99", "USERNAME")]),
        ("my gh is @ada-ex-9", [("ada-ex-9", "USERNAME")]),
        ("bsky: @adaex.bsky.social", [("adaex.bsky.social", "USERNAME")]),
        (
            "/f?first_name=Ada&last_name=Example&phone=%2B12025550143&dob=1985-05-03&user=adaex",
            [
                ("Ada", "PERSON"),
                ("Example", "PERSON"),
                ("%2B12025550143", "PHONE"),
                ("1985-05-03", "DATE_OF_BIRTH"),
                ("adaex", "USERNAME"),
            ],
        ),
        (
            "?name=Ada%20Example&email=ann%40example.com",
            [("Ada%20Example", "PERSON"), ("ann%40example.com", "EMAIL")],
        ),
    ],
)
def test_accounts_and_personal_parts_of_links_are_found(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "@Override\npublic void run()",
        "@app.route('/users') @Injectable() @property",
        "npm i @types/node @angular/core",
        "@media (max-width: 3px) {}",
        "* @param user the user",
        "https://github.com/psf/requests/issues/5",
        "https://example.com/users/42?page=7&name=main&sort=user",
        "username: str = get_username()",
        "meet @ home, 5 @ 3",
        "use Exporter; our @ISA = qw(X); push @int_import, 1",
        "a bad file handle was passed; unable to handle it",
        "the username is explicitly set; usually your username",
        "logged in as user; sign in as admin",
    ],
)
def test_what_only_looks_like_an_account_stays(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "original"),
    [
        ("2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0 up", "fe80::1%eth0"),
        ("::ffff:192.0.2.128", "::ffff:192.0.2.128"),
        ("[2001:db8::8]:443", "2001:db8::8"),
        ("2001:db8:1::/48", "2001:db8:1::/48"),
        ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", "2001:0db8:85a3:0000:0000:8a2e:0370:7334"),
        ("http://203.0.113.7:8080/x", "203.0.113.7"),
        ("203.0.113.0/24", "203.0.113.0/24"),
        ("203[.]0[.]113[.]7", "203[.]0[.]113[.]7"),
        ("203 dot 0 dot 113 dot 7", "203 dot 0 dot 113 dot 7"),
        ("host 203 . 0 . 113 . 7", "203 . 0 . 113 . 7"),
        ("ip-203-0-113-7.example.com", "203-0-113-7"),
    ],
)
def test_addresses_of_hosts_are_found_in_every_form(text: str, original: str) -> None:
    assert found(text, file=FILES["network"]) == [(original, "IP_ADDRESS")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:00:5E:00:53:AF / 00-00-5E-00-53-AF", ["00:00:5E:00:53:AF", "00-00-5E-00-53-AF"]),
        ("0000.5e00.53af", ["0000.5e00.53af"]),
        ("00:00:5e:ff:fe:00:53:01", ["00:00:5e:ff:fe:00:53:01"]),
        ("bssid 00005e0053af", ["00005e0053af"]),
        ("00005e0053af", []),
        ("ff:ff:ff:ff:ff:ff", []),
        ("wifi mac: 00 00 5E 00 53 AF", ["00 00 5E 00 53 AF"]),
        ("[.1FA3.0020.0002]", []),
        ("d4:1d:8c:d9:8f:00:b2:04:e9:80:09:98:ec:f8:42:7e", []),
    ],
)
def test_network_cards_are_found_but_fingerprints_stay(text: str, expected: list[str]) -> None:
    assert found(text, file=FILES["network"]) == [(each, "MAC") for each in expected]


@pytest.mark.parametrize(
    "text",
    [
        "version 12.0.1.17",
        "x>=14.10.0.0",
        "OID 2.5.29.14",
        "firmware 10.2.30.4",
        "section 10.20.3.1",
        "127.0.0.1",
        "server at 127.0.0.1",
        "host 0.0.0.0",
        "subnet 255.255.255.0",
        "::1",
        "a::b",
        "std::x",
    ],
)
def test_versions_sections_and_loopback_stay(text: str) -> None:
    assert found(text, file=FILES["network"]) == []
