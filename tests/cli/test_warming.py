"""What most requests need is ready before the first of them, and nothing of the built-in chat stays."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from sidecar.cli.core import build
from sidecar.detection.cache import CacheStats
from sidecar.detection.linear import LinearPattern
from sidecar.detection.pipeline import Detection
from sidecar.model import Passage
from sidecar.request_body import Deadline
from sidecar.settings import load

COMMON = {
    "bank_account_nearby",
    "credit_card",
    "credit_card_unsound",
    "email",
    "iban",
    "ip_v4",
    "ip_v6",
    "mac",
    "phone_in_context",
    "phone_international",
    "phone_us",
    "secret_in_context",
    "ssn",
    "url_credentials",
}


@pytest.fixture(scope="module")
def detection() -> Detection:
    return build(load(ner=False)).core.detection


def compiled(detection: Detection) -> dict[str, tuple[bool, ...]]:
    """Return, by name, for which engines a pattern and its context words are ready."""
    ready: dict[str, tuple[bool, ...]] = {}
    for pattern in detection._parts.patterns.patterns.patterns:
        regexes: list[LinearPattern] = [pattern.regex]
        if pattern.context is not None:
            regexes.append(pattern.context.pattern)
        ready[pattern.name] = tuple(
            part is not None for each in regexes for part in (each._match, each._verifier)
        )
    return ready


def test_common_patterns_are_ready_once_the_core_is_built(detection: Detection) -> None:
    ready = compiled(detection)
    assert not [name for name in COMMON if not ready[name][0]]
    assert not all(at_once for at_once, *_ in ready.values()), "rare ones are left for their first use"


@pytest.mark.parametrize(
    "text",
    [
        "Summarize the discussion in three short points.",
        "Write to ada@example.org, please.",
        "Call me on 202-555-0198 or +1 202 555 0199.",
        "The card 4012 8888 8888 1881 was declined.",
        "Please look at 198.51.100.23 and 2001:db8::17.",
        "Ada Lovelace of London wrote order 654321 on 3 June 2025.",
        "Deliver it to 10 Elm Street, Springfield, IL 62701.",
        '{"name": "Ada", "mail": "ada@example.com", "items": ["a", "b"], "size": 12}',
        "def half(x):\n    return x / 2\n",
    ],
    ids=["prose", "e-mail", "phone", "card", "ip", "person", "address", "json", "code"],
)
def test_a_first_request_of_a_common_kind_compiles_nothing(detection: Detection, text: str) -> None:
    before = compiled(detection)
    detection.detect_request([Passage(text)], Deadline(60.0))
    assert compiled(detection) == before


def test_nothing_is_remembered_or_started() -> None:
    threads = threading.active_count()
    cache = build(load(ner=False)).core.detection.cache
    assert cache is not None
    assert cache.stats == CacheStats()
    assert threading.active_count() == threads


@pytest.mark.parametrize(
    "regex",
    ["zzzzzz", "completions", "Jane", "messages|content|choices"],
    ids=["nothing-found", "path-refused", "one-name", "keys"],
)
def test_any_patterns_can_be_started_with(regex: str, tmp_path: Path) -> None:
    entry = {"name": "own", "type": "OWN", "regex": regex}
    (tmp_path / "patterns.json").write_text(json.dumps({"patterns": [entry]}))
    settings = load(ner=False, patterns=tmp_path / "patterns.json")
    assert build(settings).core.detection.entity_types == ("OWN",)
