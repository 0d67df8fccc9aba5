"""The memory of spans: it changes no result, parts callers and versions, and holds no text."""

from __future__ import annotations

import gc
import re
import tracemalloc
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from threading import Lock
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.detection.cache import ENTRY_BYTES, SPAN_BYTES, CacheStats, SpanCache
from sidecar.detection.lists import Listed
from sidecar.detection.pipeline import Detection
from sidecar.errors import RequestRefused
from sidecar.model import Origin, Passage, Span

if TYPE_CHECKING:
    from tests.detection.conftest import Allowance

PLENTY = 1 << 24
ONE_SPAN = ENTRY_BYTES + SPAN_BYTES


def capitals(passages: Sequence[Passage]) -> list[list[Span]]:
    """A detector whose spans depend on all of a passage: its text, its hint, and who may look."""
    return [
        [
            Span(*found.span(), passage.hint.upper() or "PERSON", 0.5, Origin.NER, "capital")
            for found in re.finditer(r"[A-Z]+", passage.text)
            if not passage.patterns_only
        ]
        for passage in passages
    ]


class Asked:
    """``capitals``, and all the texts that it was asked about."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, passages: Sequence[Passage]) -> list[list[Span]]:
        self.texts += [passage.text for passage in passages]
        return capitals(passages)


def look(cache: SpanCache, *texts: str, version: int = 1, scope: bytes = b"ada") -> list[str]:
    """Look at the texts; return those that were not remembered."""
    asked = Asked()
    passages = [Passage(text) for text in texts]
    assert cache.through(passages, asked, version, scope) == capitals(passages)
    return asked.texts


PASSAGES = st.builds(
    Passage,
    st.text("aB \ud83d\ude00\U0001f600", max_size=4),
    st.sampled_from(["", "a", "ab", "\ud83d"]),
    st.booleans(),
)
REQUESTS = st.lists(
    st.tuples(st.lists(PASSAGES, max_size=6), st.integers(0, 2), st.sampled_from([b"", b"1", b"11", b"1:"])),
    max_size=8,
)


@given(REQUESTS, st.integers(0, 8 * ONE_SPAN))
def test_what_is_remembered_or_forgotten_changes_no_result(
    requests: list[tuple[list[Passage], int, bytes]], max_bytes: int
) -> None:
    cache = SpanCache(max_bytes)
    for passages, version, scope in requests:
        assert cache.through(passages, capitals, version, scope) == capitals(passages)
        assert cache.stats.bytes <= max_bytes
    stats = cache.stats
    assert stats.hits + stats.misses == sum(len(passages) for passages, *_ in requests)


@given(REQUESTS)
def test_with_room_enough_just_what_the_same_caller_sent_to_the_same_detectors_is_remembered(
    requests: list[tuple[list[Passage], int, bytes]],
) -> None:
    cache, sent = SpanCache(PLENTY), set()
    for passages, version, scope in requests:
        asked: list[Passage] = []

        def detect(new: Sequence[Passage], asked: list[Passage] = asked) -> list[list[Span]]:
            asked += new
            return capitals(new)

        cache.through(passages, detect, version, scope)
        assert asked == [each for each in dict.fromkeys(passages) if (each, version, scope) not in sent]
        sent |= {(each, version, scope) for each in passages}
    assert cache.stats.entries == len(sent)


def test_what_was_used_least_recently_goes_first() -> None:
    cache = SpanCache(2 * ONE_SPAN)
    look(cache, "A", "B")
    look(cache, "A")
    look(cache, "C")
    assert look(cache, "A", "C") == []
    assert look(cache, "B") == ["B"]


def test_what_had_to_go_is_counted() -> None:
    cache = SpanCache(2 * ONE_SPAN)
    look(cache, "A", "B", "C", "D")
    assert cache.stats == CacheStats(misses=4, evictions=2, entries=2, bytes=2 * ONE_SPAN)


@dataclass(frozen=True)
class Noted:
    """Something to remember of a sequence."""

    name: str
    size: int = SPAN_BYTES


def test_the_longest_sequence_that_is_remembered_is_recalled() -> None:
    cache = SpanCache(PLENTY)
    keys = cache.keys([Passage(text) for text in "ABCD"], 1, b"ada")
    chained = cache.chained(keys)
    assert cache.recall_longest(keys, chained) == (0, None)
    cache.remember(chained[0], Noted("A"))
    cache.remember(chained[2], Noted("ABC"), before=chained[0])
    assert cache.recall_longest(keys, chained) == (3, Noted("ABC"))
    assert cache.recall_longest(keys[:2], chained[:2]) == (1, Noted("A"))
    other = [keys[1], keys[0], *keys[2:]]
    assert cache.recall_longest(other, cache.chained(other)) == (0, None)
    assert cache.stats.hits == 3 + 1


def test_a_sequence_that_was_gone_on_from_is_the_first_to_go() -> None:
    cache = SpanCache(2 * ONE_SPAN)
    keys = cache.keys([Passage(text) for text in "ABC"], 1, b"ada")
    chained = cache.chained(keys)
    cache.remember(chained[0], Noted("A"))
    cache.remember(chained[1], Noted("AB"), before=chained[0])
    look(cache, "C")
    assert cache.recall_longest(keys[:1], chained[:1]) == (0, None)
    assert cache.recall_longest(keys, chained) == (2, Noted("AB"))


def test_what_alone_is_too_large_is_not_remembered_and_drives_nothing_out() -> None:
    cache = SpanCache(2 * ONE_SPAN)
    look(cache, "A")
    assert look(cache, "A B C D E") == look(cache, "A B C D E") == ["A B C D E"]
    assert look(cache, "A") == []


def test_a_text_that_stands_twice_in_a_request_is_looked_at_once() -> None:
    assert look(SpanCache(PLENTY), "Ada", "Bob", "Ada") == ["Ada", "Bob"]


def test_another_caller_or_other_detectors_never_hit() -> None:
    cache = SpanCache(PLENTY)
    look(cache, "Ada")
    assert look(cache, "Ada", scope=b"bob") == look(cache, "Ada", version=2) == ["Ada"]
    assert look(cache, "Ada") == []


def test_what_could_not_be_finished_is_not_remembered() -> None:
    def refused(_: Sequence[Passage]) -> list[list[Span]]:
        raise RequestRefused(413, "used up")

    cache = SpanCache(PLENTY)
    with pytest.raises(RequestRefused):
        cache.through([Passage("Ada")], refused, 1, b"")
    assert cache.stats == CacheStats(misses=1)


def test_a_caller_may_change_the_lists_it_gets() -> None:
    cache = SpanCache(PLENTY)
    look(cache, "Ada")
    (spans,) = cache.through([Passage("Ada")], capitals, 1, b"ada")
    spans.clear()
    look(cache, "Ada")


def test_each_number_of_detectors_is_given_out_once() -> None:
    cache = SpanCache(PLENTY)
    assert len({cache.new_version() for _ in range(9)}) == 9


def held(cache: SpanCache) -> Iterator[object]:
    """Yield all that can be reached from the memory, save classes, modules and functions."""
    seen, todo = set(), [*gc.get_referents(cache)]
    while todo:
        each = todo.pop()
        if id(each) in seen or isinstance(each, type) or callable(each):
            continue
        seen.add(id(each))
        yield each
        todo += gc.get_referents(each)


def test_nothing_of_a_text_a_hint_or_a_caller_stays() -> None:
    cache = SpanCache(PLENTY)

    def found(passages: Sequence[Passage]) -> list[list[Span]]:
        return [[Span(0, 3, "PERSON", 0.5, Origin.NER, "cue:name")] for _ in passages]

    cache.through([Passage("QUILLMERE wrote to OKONKWO", "maidenname")], found, 1, b"credential")
    everything = list(held(cache))
    assert any(isinstance(each, Span) for each in everything)
    kept = [
        each if isinstance(each, bytes) else each.encode()
        for each in everything
        if isinstance(each, str | bytes)
    ]
    for planted in (b"QUILLMERE", b"OKONKWO", b"wrote", b"maidenname", b"credential"):
        assert not any(planted in each for each in kept)


def test_keys_of_one_process_tell_nothing_in_another() -> None:
    one, other = SpanCache(PLENTY), SpanCache(PLENTY)
    for cache in (one, other):
        look(cache, "Ada")
    assert not set(one._spans) & set(other._spans)


@pytest.mark.parametrize("spans", [0, 1, 10])
def test_memory_is_counted_honestly(spans: int) -> None:
    cache, entries = SpanCache(PLENTY), 9000 // (1 + spans)

    def found(passages: Sequence[Passage]) -> list[list[Span]]:
        starts = range(1000, 1000 + 300 * spans, 300)
        return [
            [Span(at, at + 5, "PERSON", 1 / (at + 7), Origin.NER, f"rule {spans}") for at in starts]
            for _ in passages
        ]

    tracemalloc.start()
    try:
        for number in range(entries):
            cache.through([Passage(f"{number}")], found, 1, b"")
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert cache.stats.bytes / 3 < taken < cache.stats.bytes


def test_threads_share_it_without_losing_count() -> None:
    cache = SpanCache(20 * ONE_SPAN, Lock())
    texts = [f"A{number}" for number in range(40)]

    def work(start: int) -> None:
        for step in range(100):
            passages = [Passage(texts[(start + step * each) % 40]) for each in range(9)]
            assert cache.through(passages, capitals, 1, b"") == capitals(passages)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))
    stats = cache.stats
    assert stats.hits + stats.misses == 8 * 100 * 9
    assert stats.bytes == stats.entries * ONE_SPAN <= 20 * ONE_SPAN


# --- in front of all detectors ----------------------------------------------------------------------

TEXTS = st.sampled_from(
    [
        "Contact John Smith at john@example.com.",
        "Jane Doe's SSN is 123-45-6789",
        "123-45-6789",
        "card 4532-1234-5678-9010",
        "\u738b\u5c0f\u660e lives in Paris \ud800",
        "Paris",
        "Jane Doe",
        "",
        "def f(x): return x\n",
        "name,city\nJane Doe,Paris\nJohn Smith,Boston\n",
    ]
)


@pytest.mark.model
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(st.builds(Passage, TEXTS, st.sampled_from(["", "ssn", "name"]), st.booleans()), max_size=5),
        max_size=4,
    ),
    st.sampled_from([0, 3 * ONE_SPAN, PLENTY]),
)
def test_detection_finds_the_same_whether_it_remembers_or_not(
    detection: Detection, plenty: Allowance, requests: list[list[Passage]], max_bytes: int
) -> None:
    remembering = Detection(detection._parts, SpanCache(max_bytes))
    for passages in requests:
        expected = [[(span, span.rule) for span in each] for each in detection.detect(passages, plenty)]
        for scope in (b"ada", b"ada", None):
            again = remembering.detect(passages, plenty, scope)
            assert [[(span, span.rule) for span in each] for each in again] == expected


@pytest.mark.model
def test_other_lists_hit_nothing_that_was_found_before(detection: Detection, plenty: Allowance) -> None:
    cache = SpanCache(PLENTY)
    remembering = Detection(detection._parts, cache)
    texts = [Passage("Write to jane@example.org about it.")]
    assert remembering.detect(texts, plenty, b"ada")[0]
    spared = remembering.sparing([Listed("jane@example.org", None, exact=True)])
    assert not spared.detect(texts, plenty, b"ada")[0]
    assert cache.stats.hits == 0


LONG = "\n".join(
    f"{number}. Please ask {name} of {place} whether the report for {firm} is ready to be sent out, or call."
    for number, (name, place, firm) in enumerate(
        product(
            ("Jane Doe", "John Smith", "Maria Garcia", "Emma Wilson", "Liam Johnson"),
            ("Boston", "Berlin", "Toronto", "Madrid", "London"),
            ("Acme Corporation", "Zorblaxia Ltd.", "Quillmere Bank", "Contoso GmbH", "Globex Inc."),
        )
    )
)


@pytest.mark.model
@pytest.mark.parametrize(
    "edited",
    [
        pytest.param(f"{LONG}\nOlivia Brown will answer.", id="longer"),
        pytest.param(LONG[:-30], id="shorter"),
        pytest.param(LONG.replace("Jane Doe", "Noah Miller", 1), id="other-beginning"),
        pytest.param(f"{LONG} {'x' * 5000} {LONG}", id="long-run-in-the-middle"),
    ],
)
def test_of_an_edited_long_text_models_read_only_what_is_new(
    threaded: Detection, plenty: Allowance, edited: str
) -> None:
    cache = SpanCache(PLENTY, Lock())
    remembering = Detection(threaded._parts, cache)
    expected = threaded.detect([Passage(LONG), Passage(edited)], plenty)
    first = remembering.detect([Passage(LONG)], plenty, b"ada")
    pieces = cache.stats.entries - 1
    assert pieces >= 2
    hits = cache.stats.hits
    assert [*first, *remembering.detect([Passage(edited)], plenty, b"ada")] == expected
    assert cache.stats.hits - hits >= 1
    assert remembering.detect([Passage(edited)], plenty, b"bob") == expected[1:]


@pytest.mark.model
def test_without_a_scope_nothing_is_remembered(detection: Detection, plenty: Allowance) -> None:
    cache = SpanCache(PLENTY)
    Detection(detection._parts, cache).detect([Passage("Ask Jane Doe.")], plenty)
    assert cache.stats == CacheStats()


@pytest.mark.model
def test_only_what_is_new_counts_against_the_time_allowed(
    detection: Detection, allowance: type[Allowance]
) -> None:
    remembering = Detection(detection._parts, SpanCache(PLENTY))
    history = [Passage("Please ask Jane Doe about the report. " * 2000)]
    found = remembering.detect(history, allowance(), b"ada")
    with pytest.raises(RequestRefused):
        remembering.detect(history, allowance(seconds=1e-3), b"bob")
    assert remembering.detect(history, allowance(seconds=1e-3), b"ada") == found
