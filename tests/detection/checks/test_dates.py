from __future__ import annotations

import pytest

from sidecar.detection.checks.dates import birth_date


@pytest.mark.parametrize(
    "text",
    [
        "1985-05-03",
        "03.05.1985",
        "5/3/85",
        "19850503",
        "03051985",
        "3 May 1985",
        "May 3rd, 1985",
        "3 de mayo de 1985",
        "1985年5月3日",
    ],
)
def test_a_day_of_a_month_of_a_year_may_be_a_birth_date(text: str) -> None:
    assert birth_date(text)


@pytest.mark.parametrize(
    "text",
    ["", "1985", "99/99/9999", "1.2.3000", "3 weeks 2001", "31415926", "0000-00-00", "12", "May 1985", "1 2"],
)
def test_other_numbers_are_no_birth_date(text: str) -> None:
    assert not birth_date(text)
