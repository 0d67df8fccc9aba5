"""What is set reaches the exchange, and what is odd is said at the start."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import pytest
import spacy
from structlog.testing import capture_logs

from sidecar.cli.core import build
from sidecar.detection import native
from sidecar.formats.format import Passing
from sidecar.model import Passage
from sidecar.request_body import Deadline
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


@pytest.mark.parametrize(
    ("chosen", "remembers", "apart"),
    [
        ({}, True, True),
        ({"cache_scope": "process"}, True, False),
        ({"cache_bytes": 0}, False, True),
    ],
    ids=["default", "one-scope-for-all", "off"],
)
def test_the_cache_is_as_it_is_set(chosen: dict[str, Any], *, remembers: bool, apart: bool) -> None:
    core = build(load(ner=False, **chosen)).core
    assert core.callers_apart is apart
    cache = core.detection.cache
    assert (cache is not None) is remembers
    core.detection.detect([Passage("ada@example.org")], Deadline(5.0), b"caller")
    if cache is not None:
        assert cache.stats.misses == cache.stats.entries == 1


@pytest.mark.model
def test_a_model_that_only_spacy_can_run_is_said_once_at_the_start(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "ORG", "pattern": "Zorblaxia"}])
    nlp.to_disk(tmp_path / "rules")
    with capture_logs() as logs:
        build(load(ner_models=[str(tmp_path / "rules")]))
    (line,) = logs
    assert (line["log_level"], line["event"]) == ("warning", "detection")
    assert f"{tmp_path}/rules" in line["warning"]
    assert "slower" in line["warning"]


@pytest.mark.model
@pytest.mark.skipif(native.kernel is None, reason="this installation has no native kernel")
def test_nothing_is_said_where_the_kernel_runs_all_models() -> None:
    with capture_logs() as logs:
        build(load())
    assert logs == []
