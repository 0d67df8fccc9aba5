from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.detection.pattern_file import load_patterns
from sidecar.model import Passage

FOLDER = Path(__file__).parents[2] / "patterns"
PLACES = load_patterns(FOLDER / "places.json").patterns
DATES = load_patterns(FOLDER / "dates.json").patterns


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at 48.858370, 2.294481 now", ["48.858370, 2.294481"]),
        ("GPS: -33.86, 151.21", ["-33.86, 151.21"]),
        ('{"lat": 48.8584, "lng": 2.2945}', ["48.8584", "2.2945"]),
        ("48°51'30\"N 2°17'40\"E", ["48°51'30\"N 2°17'40\"E"]),
        ("geo:48.8584,2.2945", ["48.8584,2.2945"]),
        ("849VCWC8+R9", ["849VCWC8+R9"]),
        ("///table.lamp.river", ["table.lamp.river"]),
        ("lat 0.0, zoom 12", []),
        ("ratio 3.14159265358979 of 2.7183", []),
        ("[0.12345, 0.98765]", []),
        ("[1.12345, 2.98765, 3.45678]", []),
        ("rgb(255, 255, 255), 16:9, 300 m", []),
        ("version 1.26.4, 20°C", []),
    ],
)
def test_coordinates_are_found_and_other_numbers_stay(text: str, expected: list[str]) -> None:
    spans = PLACES.find(Passage(text))
    assert [text[span.start : span.end] for span in spans] == expected
    assert {span.entity_type for span in spans} <= {"GPS_COORDINATES"}


@pytest.mark.parametrize(
    ("text", "original"),
    [
        ("住所:東京都渋谷区神南1-2-3", "東京都渋谷区神南1-2-3"),
        ("我住在北京市朝阳区建国路88号", "北京市朝阳区建国路88号"),
        ("주소: 서울특별시 강남구 테헤란로 152", "서울특별시 강남구 테헤란로 152"),
        ("P.O. Box 550", "P.O. Box 550"),
    ],
)
def test_addresses_of_east_asia_and_post_boxes_are_found(text: str, original: str) -> None:
    spans = PLACES.find(Passage(text))
    assert [(text[span.start : span.end], span.entity_type) for span in spans] == [(original, "ADDRESS")]


BORN = {
    "en": "born on {}",
    "key": "DOB: {}",
    "de": "geboren am {}",
    "fr": "né le {}",
    "es": "nacida el {}",
    "pt": "nascido em {}",
    "it": "nata il {}",
    "nl": "geboortedatum {}",
    "sv": "född {}",
    "pl": "ur. {}",
    "cs": "narozen {}",
    "ru": "родилась {}",
    "tr": "doğum tarihi: {}",
    "ja": "生年月日:{}",
    "zh": "出生日期:{}",
    "ko": "생년월일 {}",
}


@pytest.mark.parametrize("said", BORN.values(), ids=BORN)
@pytest.mark.parametrize(
    "date", ["1985-05-03", "03.05.1985", "3/5/85", "03/05/1985", "19850503", "3 May 1985", "May 3, 1985"]
)
def test_a_date_after_a_word_for_birth_is_found(said: str, date: str) -> None:
    text = said.format(date)
    spans = DATES.find(Passage(f"{text}, joined 2019-01-02 and left 2020-02-03"))
    assert [text[span.start : span.end] for span in spans] == [date]


@pytest.mark.parametrize(
    "date",
    [
        "3. März 1985",
        "3 mai 1985",
        "3 de mayo de 1985",
        "3 maggio 1985",
        "3 мая 1985",
        "3 maja 1985",
    ],
)
def test_months_have_names_in_many_languages(date: str) -> None:
    spans = DATES.find(Passage(f"born {date}."))
    assert [(span.start, span.end) for span in spans] == [(5, 5 + len(date))]


@pytest.mark.parametrize(
    "text",
    [
        "1985-05-03",
        "born in 1985",
        "born free",
        "aged 45",
        "DOB unknown, seen by the doctor on 2024-05-03",
        "born 99/99/9999",
    ],
)
def test_other_dates_stay(text: str) -> None:
    assert DATES.find(Passage(text)) == []
