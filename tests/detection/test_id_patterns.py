# ruff: noqa: RUF001 - people write in Greek and Cyrillic too
"""Identity numbers of many countries, made up but sound, as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection.checks.registry import check_named
from sidecar.detection.pattern_file import load_patterns
from sidecar.detection.pattern_source import read
from sidecar.model import Passage

SHIPPED = load_patterns(None).patterns


def found(text: str, hint: str = "") -> list[tuple[str, str]]:
    return [(span.entity_type, text[span.start : span.end]) for span in SHIPPED.find(Passage(text, hint))]


# Country; type; the number in each written form; a sentence in English; one in the country's language;
# whether the form alone gives it away.
NATIONAL = [
    ("ae", "NATIONAL_ID", ["784-1980-1234567-8"], "My Emirates ID is {}.", "رقم الهوية {}", True),
    ("ar", "TAX_ID", ["20-05536168-2"], "CUIT {} is mine", "mi CUIL es {}, gracias", True),
    ("at", "HEALTH_ID", ["1237010180", "1237 010180"], "Austrian social security no. {}", "SVNR: {}", False),
    ("au", "TAX_ID", ["123456782", "123 456 782"], "TFN {} please", "my tax file number is {}", False),
    ("be", "NATIONAL_ID", ["85.07.30-033.28"], "Belgian national number {}", "rijksregisternummer {}", True),
    ("bg", "NATIONAL_ID", ["7523169263"], "Bulgarian EGN {}", "моят ЕГН е {}", False),
    ("br", "NATIONAL_ID", ["529.982.247-25"], "My CPF number: {}", "meu CPF é {}", True),
    ("br-bare", "NATIONAL_ID", ["52998224725"], "CPF {} of the buyer", "o CPF dele: {}", False),
    ("br-firm", "TAX_ID", ["16.727.230/0001-97"], "CNPJ {} of the firm", "o CNPJ {}", True),
    (
        "ca",
        "NATIONAL_ID",
        ["123-456-782", "123 456 782"],
        "SIN: {}",
        "mon numéro d'assurance sociale {}",
        False,
    ),
    ("ch", "NATIONAL_ID", ["756.9217.0769.85"], "Swiss AHV {}", "meine AHV-Nummer ist {}", True),
    ("cl", "NATIONAL_ID", ["12.531.909-2"], "Chilean RUT {}", "mi RUT es {}", True),
    ("cn", "NATIONAL_ID", ["11010519491231002X"], "Chinese resident id {}", "我的身份证号码是{}。", True),
    ("co", "TAX_ID", ["213123432-1"], "Colombian NIT {}", "el NIT es {}", False),
    ("cz", "NATIONAL_ID", ["710319/2745"], "Czech birth number {}", "moje rodné číslo je {}", True),
    (
        "de",
        "TAX_ID",
        ["36574261809", "36 574 261 809"],
        "German tax id {}",
        "meine Steuer-ID lautet {}",
        False,
    ),
    (
        "de-pension",
        "NATIONAL_ID",
        ["15070649C103", "15 070649 C 103"],
        "pension insurance {}",
        "Rentenversicherungsnummer {}",
        True,
    ),
    ("dk", "NATIONAL_ID", ["211062-5629"], "Danish CPR {}", "mit CPR-nummer er {}", False),
    ("do", "NATIONAL_ID", ["001-1391882-5"], "cedula {}", "mi cédula es {}", True),
    ("ec", "NATIONAL_ID", ["1714307103"], "Ecuadorian cedula {}", "cédula de identidad {}", False),
    ("ee", "NATIONAL_ID", ["36802050210"], "Estonian personal code {}", "minu isikukood on {}", False),
    ("es", "NATIONAL_ID", ["12345678Z", "54362315-K"], "Spanish ID {}", "mi DNI es {}", True),
    ("es-foreigner", "NATIONAL_ID", ["X5253868R"], "NIE {}", "el NIE de Ana: {}", True),
    (
        "fi",
        "NATIONAL_ID",
        ["131052-308T"],
        "Finnish personal identity code {}",
        "henkilötunnukseni on {}",
        True,
    ),
    (
        "fr",
        "NATIONAL_ID",
        ["295091099991131", "2 95 09 10 999 911 31"],
        "French social security {}",
        "mon numéro de sécurité sociale est {}",
        True,
    ),
    ("gb", "UK_NHS", ["943 476 5919", "9434765919"], "NHS number {}", "registered under NHS no. {}", False),
    ("gb-ni", "NINO", ["AB123456C", "JG 10 37 59 A"], "NI number {}", "National Insurance: {}", True),
    ("gr", "HEALTH_ID", ["01013212343"], "Greek AMKA {}", "ο ΑΜΚΑ μου είναι {}", False),
    ("hk", "NATIONAL_ID", ["A123456(3)"], "HKID {}", "香港身份證{}", True),
    ("hr", "TAX_ID", ["33392005961"], "Croatian OIB {}", "moj OIB je {}", False),
    ("id", "NATIONAL_ID", ["3171011708450001"], "Indonesian NIK {}", "nomor KTP saya {}", False),
    ("ie", "NATIONAL_ID", ["6433435F"], "PPS number {}", "my PPSN is {}", True),
    ("il", "NATIONAL_ID", ["123456782"], "teudat zehut {}", "תעודת זהות {}", False),
    ("in", "NATIONAL_ID", ["2341 2341 2346", "234123412346"], "Aadhaar {}", "मेरा आधार {}", False),
    ("in-tax", "TAX_ID", ["ACUPA7085R"], "PAN {}", "पैन {}", True),
    (
        "is",
        "NATIONAL_ID",
        ["120174-3399", "1201743399"],
        "Icelandic kennitala {}",
        "kennitalan mín er {}",
        False,
    ),
    ("it", "TAX_ID", ["RSSMRA85T10A562S"], "Italian tax code {}", "il mio codice fiscale è {}", True),
    ("it-vat", "TAX_ID", ["00743110157"], "Italian VAT {}", "partita IVA {}", False),
    ("jp", "NATIONAL_ID", ["1234 5678 9018", "123456789018"], "My Number {}", "マイナンバーは{}です", False),
    ("kr", "NATIONAL_ID", ["971013-9019874"], "Korean RRN {}", "주민등록번호는 {}입니다", True),
    ("lt", "NATIONAL_ID", ["33309240064"], "Lithuanian personal code {}", "mano asmens kodas {}", False),
    ("lv", "NATIONAL_ID", ["161175-19997"], "Latvian personal code {}", "mans personas kods ir {}", False),
    ("mx", "NATIONAL_ID", ["BOXW310820HNERXN09"], "CURP {}", "mi CURP es {}", True),
    ("mx-tax", "TAX_ID", ["GODE561231GR8"], "RFC {}", "con RFC {}", True),
    ("my", "NATIONAL_ID", ["770305-02-1234"], "MyKad {}", "kad pengenalan {}", True),
    (
        "nl",
        "NATIONAL_ID",
        ["111222333", "111 222 333"],
        "Dutch BSN {}",
        "mijn burgerservicenummer is {}",
        False,
    ),
    (
        "no",
        "NATIONAL_ID",
        ["15108695088", "151086 95088"],
        "Norwegian fødselsnummer {}",
        "fødselsnummeret: fødselsnummer {}",
        False,
    ),
    ("nz", "TAX_ID", ["49091850"], "IRD number {}", "inland revenue no. {}", False),
    ("pe", "TAX_ID", ["20512333797"], "RUC {}", "el RUC es {}", False),
    ("pk", "NATIONAL_ID", ["34201-0891231-8"], "CNIC {}", "شناختی کارڈ {}", True),
    ("pl", "NATIONAL_ID", ["44051401359"], "Polish PESEL {}", "mój numer PESEL to {}", False),
    ("pl-tax", "TAX_ID", ["856-734-62-15", "8567346215"], "Polish NIP {}", "numer NIP {}", False),
    ("pt", "TAX_ID", ["501964843", "501 964 843"], "Portuguese NIF {}", "o meu contribuinte é {}", False),
    ("ro", "NATIONAL_ID", ["1630615123457"], "Romanian CNP {}", "cod numeric personal {}", False),
    ("rs", "NATIONAL_ID", ["0101006500006"], "Serbian JMBG {}", "мој ЈМБГ је {}", False),
    ("ru-pension", "NATIONAL_ID", ["112-233-445 95"], "SNILS {}", "мой СНИЛС {}", True),
    ("ru-tax", "TAX_ID", ["500100732259"], "INN {}", "мой ИНН {}", False),
    (
        "se",
        "NATIONAL_ID",
        ["880320-0016", "8803200016"],
        "Swedish personal identity number {}",
        "mitt personnummer är {}",
        False,
    ),
    ("sg", "NATIONAL_ID", ["S1234567D"], "NRIC {}", "FIN or NRIC: {}", True),
    ("th", "NATIONAL_ID", ["1-2345-45678-78-1"], "Thai ID {}", "เลขประจำตัวประชาชน {}", True),
    ("tr", "NATIONAL_ID", ["17291716060"], "Turkish ID {}", "TC kimlik numaram {}", False),
    ("tw", "NATIONAL_ID", ["A123456789"], "Taiwan ID {}", "身分證字號{}", False),
    ("ua", "TAX_ID", ["1759013776"], "Ukrainian RNOKPP {}", "мій РНОКПП {}", False),
    ("uy", "NATIONAL_ID", ["1.234.567-2"], "Uruguayan cédula {}", "mi cédula de identidad {}", True),
    ("ve", "TAX_ID", ["V-11470283-4"], "Venezuelan RIF {}", "mi RIF es {}", True),
    ("vn", "TAX_ID", ["0100233248"], "Vietnamese MST {}", "mã số thuế {}", False),
    (
        "za",
        "NATIONAL_ID",
        ["7503065303084"],
        "South African ID {}",
        "my SA ID is {}",
        False,
    ),
]
ROWS = [pytest.param(*row[1:], id=row[0]) for row in NATIONAL]


def test_at_least_forty_countries_are_known() -> None:
    assert len({row[0].partition("-")[0] for row in NATIONAL}) >= 40


@pytest.mark.parametrize(("entity_type", "forms", "english", "native", "alone"), ROWS)
def test_a_number_is_found_in_every_form_beside_its_name(
    entity_type: str, forms: list[str], english: str, native: str, alone: bool
) -> None:
    del alone
    for number in forms:
        assert (entity_type, number) in found(english.format(number))
        assert (entity_type, number) in found(native.format(number))


@pytest.mark.parametrize(("entity_type", "forms", "english", "native", "alone"), ROWS)
def test_a_form_that_says_enough_is_found_alone_and_a_mere_number_is_not(
    entity_type: str, forms: list[str], english: str, native: str, alone: bool
) -> None:
    del english, native
    for number in forms:
        assert ((entity_type, number) in found(f"It is {number} here")) == alone


@pytest.mark.parametrize(
    ("text", "entity_type", "original"),
    [
        ("SSN 000-12-3456", "SSN", "000-12-3456"),
        ("ssn 078 05 1120", "SSN", "078 05 1120"),
        ("SSN(last4): 6789", "SSN", "6789"),
        ("member # MBR0099183", "INSURANCE_ID", "MBR0099183"),
        ("emp id: E-44120", "ID_NUMBER", "E-44120"),
        ("bsb 062-000 acc 12345678", "BANK_ACCOUNT", "12345678"),
        ("QID 28463412345", "NATIONAL_ID", "28463412345"),
        ("ssn=078_05_1120", "SSN", "078_05_1120"),
        ("SSN: 078 - 05 - 1120", "SSN", "078 - 05 - 1120"),
        ("soc sec no. 078051120", "SSN", "078051120"),
        ("box a: 078-05-1120", "SSN", "078-05-1120"),
        ("SSN ending in 6789", "SSN", "6789"),
        ("on file as xxx-xx-6789", "SSN", "xxx-xx-6789"),
        ("filed with 912-70-1234", "US_ITIN", "912-70-1234"),
        ("EIN 12-3456789", "EIN", "12-3456789"),
        ("NPI 1234567893", "NPI", "1234567893"),
        ("DEA no. AB1234563", "MEDICAL_LICENSE", "AB1234563"),
        ("Medicare 1EG4-TE5-MK73", "HEALTH_ID", "1EG4-TE5-MK73"),
        ("Passport no. C01X00T47 (DE)", "PASSPORT", "C01X00T47"),
        ("паспорт серия 4510 номер 123456", "PASSPORT", "4510 номер 123456"),
        ("driver's license B9876543 (CA)", "DRIVER_LICENSE", "B9876543"),
        ("UK driving licence MORGA657054SM9IJ", "DRIVER_LICENSE", "MORGA657054SM9IJ"),
        ("DL: S530-4606-4234", "DRIVER_LICENSE", "S530-4606-4234"),
        ("Führerschein B072RRE2I55", "DRIVER_LICENSE", "B072RRE2I55"),
        ("patient MRN 00713355", "MRN", "00713355"),
        ("Member ID: XEH123456789", "INSURANCE_ID", "XEH123456789"),
        ("Employee ID: E-104857", "ID_NUMBER", "E-104857"),
        ("the car is 1HGCM82633A004352", "VEHICLE_ID", "1HGCM82633A004352"),
        ("VIN wvwzzz1jz3w386752", "VEHICLE_ID", "wvwzzz1jz3w386752"),
        ("license plate 7ABC123", "VEHICLE_ID", "7ABC123"),
        ("Kennzeichen M-AB 1234", "VEHICLE_ID", "M-AB 1234"),
        ("IMEI 490154203237518", "DEVICE_ID", "490154203237518"),
        ("Aadhaar 3456 7890 1234", "NATIONAL_ID", "3456 7890 1234"),
        ("VAT DE136695976", "TAX_ID", "DE136695976"),
        ("card number 1234 5678 9012 3456", "CREDIT_CARD", "1234 5678 9012 3456"),
        ("charged to 4111 11** **** 1111", "CREDIT_CARD", "4111 11** **** 1111"),
        ("exp 09/28, cvv 123", "CARD_CVV", "123"),
        ("IBAN DE00 3704 0044 0532 0130 00", "IBAN", "DE00 3704 0044 0532 0130 00"),
        ("send to GB82.WEST.1234.5698.7654.32", "IBAN", "GB82.WEST.1234.5698.7654.32"),
        ("ES91 2100 0418 45 0200051332 EUR", "IBAN", "ES91 2100 0418 45 0200051332"),
        ("a/c AE0 703 312 345 678 901 234 56", "IBAN", "AE0 703 312 345 678 901 234 56"),
        ("cont ro49 aaaa 1b31 0075 9384 0000", "IBAN", "ro49 aaaa 1b31 0075 9384 0000"),
        (
            "card 4111 \u00b7 1111 \u00b7 1111 \u00b7 1111",
            "CREDIT_CARD",
            "4111 \u00b7 1111 \u00b7 1111 \u00b7 1111",
        ),
        ("alien number A 087 654 321", "ID_NUMBER", "A 087 654 321"),
        ("visa no V1234567", "ID_NUMBER", "V1234567"),
        ("card 4111 - 1111 - 1111 - 1111", "CREDIT_CARD", "4111 - 1111 - 1111 - 1111"),
        ("card:\n4111\n1111\n1111\n1111", "CREDIT_CARD", "4111\n1111\n1111\n1111"),
        ("BIC DEUTDEFF500", "BIC", "DEUTDEFF500"),
        ("sort code 12-34-56", "BANK_ACCOUNT", "12-34-56"),
        ("routing 021000021", "BANK_ACCOUNT", "021000021"),
        ("account number 12345678", "BANK_ACCOUNT", "12345678"),
        ("Kontonummer: 532013000", "BANK_ACCOUNT", "532013000"),
        ("CLABE 032180000118359719", "BANK_ACCOUNT", "032180000118359719"),
        ("IFSC SBIN0001234", "BANK_ACCOUNT", "SBIN0001234"),
    ],
)
def test_a_number_is_found_by_the_words_beside_it(text: str, entity_type: str, original: str) -> None:
    assert (entity_type, original) in found(text)


@pytest.mark.parametrize(
    ("hint", "text", "entity_type"),
    [
        ("passportNumber", "C01X00T47", "PASSPORT"),
        ("drivers_license", "D1234567", "DRIVER_LICENSE"),
        ("cpf", "52998224725", "NATIONAL_ID"),
        ("nhs_number", "9434765919", "UK_NHS"),
        ("account_number", "12345678", "BANK_ACCOUNT"),
        ("cvv", "123", "CARD_CVV"),
    ],
)
def test_the_key_beside_a_number_counts_as_its_context(hint: str, text: str, entity_type: str) -> None:
    assert found(text, hint) == [(entity_type, text)]


@pytest.mark.parametrize(
    "text",
    [
        "Order id 20260301-998812, tracking 1Z999AA10123456784, SKU 4455-2231-XL",
        "order number 112-3456789-1234567 arrived, invoice INV-2024-00123",
        "epoch 1718035200123 and 1718035200, build 2026.03.01.1122",
        "uuid 123e4567-e89b-12d3-a456-426614174000",
        "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "ISBN 0-306-40615-2, EAN 4006381333931, UPC 012345678905, DOI 10.1000/182",
        "chapter 10.3.2.1 of RFC 2616, section 192.3, page 555",
        "revenue $1,234,567,890 in fiscal 2023, population 331002651",
        "user_id=1234567890, id: 99887766, customer 1234567 bought 12 items",
        "The account manager will call 3 times in 2024 about 100000 users",
        "retry policy 300000 ms; member since 2019; the plates on shelf 1234",
        "patent 1234567, ISO 27001:2013, PID 123456, port 8080",
        "renewed my passport and driver's license in 2024",
        "BIC TRANSFER and SWIFT STANDARD are words",
        "sin(123456789) and pan 100 200",
        "batch 9999888877776666, serial SN12345678, gate 12, booking ABC123",
        "card ending in 4242, expires 09/28",
        "payment glyphs 6DEE 5029 5016 5006 503C",
        "a column\n4111\n1111\n1111\n1111",
    ],
)
def test_numbers_of_other_kinds_are_left_alone(text: str) -> None:
    assert found(text) == []


FORMATS = sorted({raw.entry["check"] for raw in read(None).entries if "stdnum" in raw.entry.get("check", "")})


def test_checksums_of_at_least_twenty_five_countries_are_in_use() -> None:
    assert len({name.split(".")[1] for name in FORMATS}) >= 25


@pytest.mark.parametrize("name", FORMATS)
@given(text=st.one_of(st.text(max_size=20), st.text("0123456789ABCXYZ-./ ", max_size=22)))
def test_no_string_makes_a_check_of_the_folder_raise(name: str, text: str) -> None:
    check = check_named(name)
    assert check is not None
    assert check(text) in (True, False)
