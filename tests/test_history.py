"""Growing conversations: what a request goes on from changes no byte of it and none of its tokens."""

from __future__ import annotations

import gc
import json
import tempfile
import tracemalloc
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.detection.cache import SpanCache
from sidecar.detection.pipeline import Detection, load_detection
from sidecar.errors import RequestRefused
from sidecar.formats.registry import format_for_path
from sidecar.model import Escaping, Passage
from sidecar.request_body import Deadline, tokenize_body
from sidecar.tokens.token_map import TokenMap

PLENTY = 1 << 24
Message = dict[str, object]
Seen = tuple[bytes, bytes]

WORDS = (
    "ada@example.org",
    "ADA@example.org",
    "ada%40example.org",
    "Ada",
    "ada",
    "Ada Byron",
    "Byron",
    "hi Byron",
    "hi Ada",
    "Zo\u00eb Gr\u00fcn",
    "zoe",
    "GRUEN",
    "\u5c0f\u660e\u3055\u3093",
    "will",
    "hi Will",
    "card 4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "4111111111111111",
    "192.0.2.7",
    "192\u20240.2.7",
    "{{EMAIL_1}}",
    "{{ person_1 }}",
    "\u201cAda\u201d \u2014 yes",
    "caf\u00e9 \U0001f600",
    "ok,",
    "\n",
)
TEXTS = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
ARGUMENTS = st.dictionaries(st.sampled_from(["q", "to"]), st.sampled_from(WORDS), min_size=1).map(json.dumps)
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    TEXTS.map(lambda text: {"role": "user", "content": text}),
    ARGUMENTS.map(
        lambda source: {
            "role": "assistant",
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": source}}],
        }
    ),
    st.sampled_from([4111111111111111, 7.0, 4111111111111111.0]).map(
        lambda number: {"role": "user", "content": "a", "card": number}
    ),
)

MORE: list[dict[str, object]] = [
    {},
    {},
    {"user": "hi Ada"},
    {"tools": [], "user": "ada@example.org"},
    {"user": '{"to": "ada\\u0040example.org"}'},
]


@cache
def detection() -> Detection:
    """Return what finds a few people, single names after a greeting, and all that has a form."""
    names = {"name": "people", "type": "PERSON", "regex": "Ada Byron|Zo\u00eb Gr\u00fcn|\u5c0f\u660e"}
    greeted = {"name": "greeted", "type": "PERSON", "regex": "(?<=hi )(?:Ada|Byron|Will)"}
    mail = {"name": "mail", "type": "EMAIL", "regex": r"(?i)\w+@example\.org"}
    card = {"name": "card", "type": "CREDIT_CARD", "regex": r"4111([ -]?)1111([ -]?)1111([ -]?)1111"}
    address = {"name": "address", "type": "IP_ADDRESS", "regex": r"192\.0\.2\.\d"}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "patterns.json"
        file.write_text(json.dumps({"patterns": [names, greeted, mail, card, address], "ner": {}}))
        return load_detection(file, ner=False)


def remembering(max_bytes: int = PLENTY) -> Detection:
    return Detection(detection()._parts, SpanCache(max_bytes))


def seen(finder: Detection, scope: bytes | None, messages: Sequence[Message], **more: object) -> Seen:
    """Return what the provider sees, and all that the token map holds."""
    body = json.dumps({"messages": [*messages], **more}, ensure_ascii=len(messages) % 2 == 0).encode("utf-8")
    token_map = TokenMap(finder.entity_types)
    fmt = format_for_path("/v1/chat/completions")
    left = tokenize_body(body, fmt, finder, token_map, Deadline(60.0), scope=scope)
    assert token_map.restore(left.decode(), Escaping.RAW) or not left
    counts = sorted(token_map.counts.items())
    return left, token_map.dump() + json.dumps(counts).encode()


def said(*texts: str) -> list[Message]:
    return [{"role": "user", "content": text} for text in texts]


@st.composite
def conversations(draw: st.DrawFn) -> list[tuple[bytes, list[Message], dict[str, object]]]:
    """Draw requests that mostly go on from earlier ones; some edit, drop or reorder what was said."""
    messages: list[Message] = []
    requests: list[tuple[bytes, list[Message], dict[str, object]]] = []
    for _ in range(draw(st.integers(1, 5))):
        match draw(st.sampled_from(["say", "say", "say", "edit", "drop", "swap"])):
            case "edit" if messages:
                messages = [*messages[:-1], draw(MESSAGES)]
            case "drop" if messages:
                del messages[draw(st.integers(0, len(messages) - 1))]
            case "swap" if messages:
                messages = [*messages[1:], messages[0]]
            case _:
                messages = [*messages, *draw(st.lists(MESSAGES, min_size=1, max_size=3))]
        more: dict[str, object] = draw(st.sampled_from(MORE))
        requests.append((draw(st.sampled_from([b"ada", b"bob"])), [*messages], more))
    return requests


@settings(max_examples=100, deadline=None)
@given(conversations(), st.sampled_from([PLENTY, PLENTY, 4000, 0]))
def test_what_is_gone_on_from_changes_no_byte_and_no_token(
    requests: list[tuple[bytes, list[Message], dict[str, object]]], max_bytes: int
) -> None:
    finder = remembering(max_bytes)
    for scope, messages, more in requests:
        expected = seen(detection(), None, messages, **more)
        assert seen(finder, scope, messages, **more) == expected
        assert seen(finder, scope, messages, **more) == expected


class Heard:
    """How many texts were looked up one by one, and how many a history answered for."""

    def __init__(self, finder: Detection) -> None:
        self._cache = finder.cache
        self._before = self._counts()

    def _counts(self) -> tuple[int, int]:
        assert self._cache is not None
        stats = self._cache.stats
        return stats.hits, stats.misses

    def since(self) -> tuple[int, int]:
        before, self._before = self._before, self._counts()
        return self._before[0] - before[0], self._before[1] - before[1]


HISTORY = said("hi Ada, write to ada@example.org", "thanks, and 192.0.2.7?")


@pytest.mark.parametrize(
    ("texts", "more"),
    [
        pytest.param(["and hi Byron"], {}, id="new-original"),
        pytest.param(["ask Ada again"], {}, id="known-original"),
        pytest.param(["ok"], {}, id="nothing-new"),
        pytest.param(["one", "two", "hi Will"], {}, id="several-messages"),
        pytest.param(["hi Will"], {"user": "someone"}, id="text-behind-the-messages"),
    ],
)
def test_of_a_growing_conversation_only_what_is_new_is_looked_up(
    texts: list[str], more: dict[str, object]
) -> None:
    finder = remembering()
    seen(finder, b"ada", HISTORY, **more)
    heard = Heard(finder)
    seen(finder, b"ada", [*HISTORY, *said(*texts)], **more)
    known = len(more)  # it was said before, though not in this place
    assert heard.since() == (len(HISTORY) + known, len(texts))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("hi Byron, and {{EMAIL_1}}", id="look-alike-renumbers"),
        pytest.param("hi Will", id="original-stands-in-the-history"),
    ],
)
def test_what_changes_the_history_is_looked_at_anew(text: str) -> None:
    finder, history = remembering(), said("hi Ada, ada@example.org", "I will ask if Will may")
    seen(finder, b"ada", history)
    grown = [*history, *said(text)]
    assert seen(finder, b"ada", grown) == seen(detection(), None, grown)


@pytest.mark.parametrize("user", ["someone", '{"a": "b"}', '{"of": "quite another"}', None], ids=str)
def test_a_spelling_behind_what_conversations_add_to_is_not_gone_on_from(user: str | None) -> None:
    finder, messages = remembering(), said("write to ada@example.org")
    seen(finder, b"ada", messages, user='{"to": "ada\\u0040example.org"}')
    more = {} if user is None else {"user": user}
    assert seen(finder, b"ada", messages, **more) == seen(detection(), None, messages, **more)


def test_another_caller_goes_on_from_nothing() -> None:
    finder = remembering()
    seen(finder, b"ada", HISTORY)
    heard = Heard(finder)
    seen(finder, b"bob", HISTORY)
    assert heard.since() == (0, len(HISTORY))


def test_other_detectors_go_on_from_nothing() -> None:
    finder = remembering()
    seen(finder, b"ada", HISTORY)
    heard = Heard(finder)
    seen(Detection(finder._parts, finder.cache), b"ada", HISTORY)
    assert heard.since() == (0, len(HISTORY))


def test_a_refused_request_leaves_no_history() -> None:
    finder, heard_before = remembering(), 0
    body = json.dumps({"messages": HISTORY}).encode()
    with pytest.raises(RequestRefused):
        tokenize_body(
            body,
            format_for_path("/v1/chat/completions"),
            finder,
            TokenMap(finder.entity_types),
            Deadline(0.0),
            scope=b"ada",
        )
    assert finder.cache is not None
    assert finder.cache.stats.entries == heard_before


def held(root: object) -> Iterator[object]:
    """Yield all that can be reached, save classes, modules and functions."""
    known, todo = set(), [*gc.get_referents(root)]
    while todo:
        each = todo.pop()
        if id(each) in known or isinstance(each, type) or callable(each):
            continue
        known.add(id(each))
        yield each
        todo += gc.get_referents(each)


def test_nothing_of_a_text_stays() -> None:
    finder = remembering()
    seen(finder, b"credential", said("hi Byron of Quillmere: zanzibar@example.org", "4111 1111 1111 1111"))
    kept = [
        each if isinstance(each, bytes) else each.encode()
        for each in held(finder.cache)
        if isinstance(each, str | bytes)
    ]
    assert kept
    for planted in (b"Byron", b"Quillmere", b"zanzibar", b"4111 1111", b"credential"):
        assert not any(planted in each for each in kept)


def test_memory_is_counted_honestly() -> None:
    finder = remembering()
    texts = [f"hi Ada, write to m{number}@example.org or to n{number}@example.org" for number in range(40)]
    # Texts are remembered one by one already.
    finder.detect([Passage(text, "content") for text in texts], Deadline(60.0), b"ada")
    assert finder.cache is not None
    seen(finder, b"bob", said(*texts[:2]))
    counted = finder.cache.stats.bytes
    tracemalloc.start()
    try:
        seen(finder, b"ada", said(*texts))
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    counted = finder.cache.stats.bytes - counted
    assert counted / 4 < taken < counted
