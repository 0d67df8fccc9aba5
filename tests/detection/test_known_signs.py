"""Signs that were worked out beforehand are those that would be worked out now."""

from __future__ import annotations

import pytest

from sidecar.detection import known_signs as module
from sidecar.detection.known_signs import known_signs, rendered
from sidecar.detection.linear import LinearPattern


def test_the_file_holds_the_signs_of_all_shipped_patterns_as_they_are() -> None:
    if module.FILE.read_text(encoding="utf-8") != rendered():
        pytest.fail("after a change: python -m sidecar.detection.known_signs")


@pytest.mark.parametrize("trusted", [False, True])
def test_the_signs_of_any_other_pattern_are_worked_out(trusted: bool) -> None:
    regex = r"kn[0o]wn-(?i:to)-nobody"
    assert known_signs(regex, 0) is None
    assert LinearPattern(regex, trusted=trusted).signs() != ()
