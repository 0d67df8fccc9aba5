"""What is set to pass reaches the exchange."""

from __future__ import annotations

import resource

import pytest

from sidecar.cli.core import build
from sidecar.formats.format import Passing
from sidecar.settings import load


@pytest.mark.parametrize(
    ("chosen", "passing"),
    [
        ({}, Passing.NOTHING),
        ({"documents": "pass"}, Passing.DOCUMENTS),
        ({"token_ids": "pass"}, Passing.TOKEN_IDS),
        ({"token_ids": "pass", "documents": "pass"}, Passing.TOKEN_IDS | Passing.DOCUMENTS),
    ],
)
def test_only_what_is_set_to_pass_does(chosen: dict[str, str], passing: Passing) -> None:
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    assert build(load(ner=False, **chosen)).core.passing == passing
    assert resource.getrlimit(resource.RLIMIT_CORE)[0] <= limits[0]
