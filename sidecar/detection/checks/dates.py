"""Checks of dates; they see only the matched string and never raise."""

from __future__ import annotations

import re

_NUMBERS = re.compile(r"\d+", re.ASCII)
_WORD = re.compile(r"[^\W\d_]{3,}")
_FIRST_YEAR, _LAST_YEAR = 1890, 2040
_PARTICLES = frozenset({"del", "der", "den"})

# The first three letters of the months in the languages of Europe, in Turkish and in Indonesian.
_MONTH_STARTS = """
    jan feb mar apr may jun jul aug sep oct nov dec jän mär mai okt dez fév avr jui aoû déc ene abr
    ago dic fev set out dez gen mag giu lug ott mrt mei maa huh tou kes hei elo syy lok mar jou tam
    hel led úno bře dub kvě čer srp zář říj lis pro sty lut kwi maj cze lip sie wrz paź gru feb már
    ápr máj jún júl sze ian iun iul noi янв фев мар апр мая май июн июл авг сен окт ноя дек січ лют
    бер кві тра чер лип сер вер жов лис гру ιαν φεβ μαρ απρ μάι μαΐ ιου αυγ σεπ οκτ νοε δεκ oca şub
    nis haz tem ağu eyl eki kas ara feb mei agu des maj sij velj ožu tra svi srp kol ruj stu vel
    jaa vee apr juu det
"""  # noqa: RUF001 - the alphabets are the point
_MONTHS = frozenset(_MONTH_STARTS.split())


def birth_date(text: str) -> bool:
    """Tell whether this is a day of a month of a year, in any order, that a living person may be born on."""
    numbers = [int(each) for each in _NUMBERS.findall(text)]
    digits = "".join(char for char in text if char.isascii() and char.isdigit())
    if len(numbers) == 1 and len(digits) == 8:
        return _is_day(int(digits[:4]), int(digits[4:6]), int(digits[6:])) or _is_day(
            int(digits[4:]), int(digits[2:4]), int(digits[:2])
        )
    if len(numbers) == 2:
        return _names_a_month(text) and any(_is_day(year, 1, day) for year, day in (numbers, numbers[::-1]))
    if len(numbers) < 3:
        return False
    first, second, third = numbers[:3]
    return _is_day(first, second, third) or _is_day(third, second, first) or _is_day(third, first, second)


def _is_day(year: int, month: int, day: int) -> bool:
    return (_FIRST_YEAR <= year <= _LAST_YEAR or 0 <= year < 100) and 1 <= month <= 12 and 1 <= day <= 31


def _names_a_month(text: str) -> bool:
    words = [word.lower() for word in _WORD.findall(text)]
    return any(word[:3] in _MONTHS for word in words if word not in _PARTICLES)
