"""Laws that every format's streams keep, over the corpus: ``stream_*.sse`` and ``stream_*.ndjson``.

Beside each stream stands the JSON answer that says the same (``stream_*.json``), tokens and all.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chunk_invariance import assert_chunk_invariant

from sidecar.formats.answers import restorer_for
from sidecar.formats.format import Format
from sidecar.formats.registry import FORMATS
from sidecar.model import Original
from sidecar.tokens.token_map import TokenMap

Json = Any
CORPUS = Path(__file__).parent / "corpus"
MEDIA_TYPES = {".sse": "text/event-stream", ".ndjson": "application/x-ndjson"}
NASTY = 'Ada "the\tCountess"\\ \n Löve 😀 \u2028 <b>&amp;'
MAIL = "ada@example.org"
CARD = 4111111111111111
LIVE = re.compile(rb"(sealed )?\{\{(PERSON|EMAIL|CREDIT_CARD)_1\}\}")
# What tells the texts of a stream apart.
MARKS = ("type", "event_type", "index", "output_index", "content_index", "summary_index", "command_index")

PATHS = [
    pytest.param(fmt, path, id=f"{fmt.name}-{path.stem.removeprefix('stream_')}")
    for fmt in FORMATS
    for path in sorted((CORPUS / fmt.name).glob("stream_*"))
    if path.suffix in MEDIA_TYPES
]
streams = pytest.mark.parametrize(("fmt", "path"), PATHS)
# Lines of JSON end in LF alone.
event_streams = pytest.mark.parametrize(
    ("fmt", "path"), [param for param in PATHS if Path(str(param.values[1])).suffix == ".sse"]
)


def live() -> TokenMap:
    tokens = TokenMap({"PERSON", "EMAIL", "CREDIT_CARD"})
    tokens.tokenize(Original(NASTY), "PERSON")
    tokens.tokenize(Original(MAIL), "EMAIL")
    tokens.tokenize(Original(str(CARD), is_number=True), "CREDIT_CARD")
    return tokens


def restored(fmt: Format, path: Path, chunks: Iterable[bytes], tokens: TokenMap) -> Iterator[bytes]:
    restorer = restorer_for(fmt, MEDIA_TYPES[path.suffix], tokens.restorer)
    assert restorer is not None
    for chunk in chunks:
        yield restorer.feed(chunk)
    yield restorer.flush()


def whole(fmt: Format, path: Path) -> bytes:
    return b"".join(restored(fmt, path, [path.read_bytes()], live()))


def documents(stream: bytes) -> Iterator[Json]:
    # Lines end where JSON has no raw line ends: everything else is escaped in it.
    for line in re.split("\r\n|\n|\r", stream.decode()):
        data = line.removeprefix("data:").strip()
        if data[:1] in ("{", "[") and data != "[DONE]":
            yield json.loads(data)


def pieces(value: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    match value:
        case str():
            yield path, value
        case dict():
            marks = tuple(f"{key}={value[key]}" for key in MARKS if isinstance(value.get(key), str | int))
            for key, below in value.items():
                yield from pieces(below, (*path, *marks, key))
        case list():
            for at, below in enumerate(value):
                indexed = isinstance(below, dict) and "index" in below
                yield from pieces(below, path if indexed else (*path, str(at)))


def leaves(value: Json) -> Iterator[str | int]:
    """Yield all strings and numbers, those in JSON strings included."""
    match value:
        case dict():
            for key, below in value.items():
                yield key
                yield from leaves(below)
        case list():
            for below in value:
                yield from leaves(below)
        case str():
            yield value
            if value[:1] in ("{", "["):
                try:
                    yield from leaves(json.loads(value))
                except ValueError:
                    return
        case int():
            yield value


def said(stream: bytes) -> set[str | int]:
    """Return all that a client can put together from a stream."""
    texts: dict[tuple[str, ...], str] = defaultdict(str)
    numbers: set[str | int] = set()
    for document in documents(stream):
        numbers.update(leaf for leaf in leaves(document) if isinstance(leaf, int))
        for path, text in pieces(document):
            texts[path] += text
    return numbers | {leaf for text in texts.values() for leaf in leaves(text)}


def cuts(body: bytes) -> Iterator[list[bytes]]:
    for size in (1, 2, 7, 64, 997):
        yield [body[at : at + size] for at in range(0, len(body), size)]
    for at in range(1, len(body), max(1, len(body) // 16)):
        yield [body[:at], body[at:]]


@streams
def test_without_any_token_each_frame_passes_as_it_is_and_at_once(fmt: Format, path: Path) -> None:
    frames = re.findall(rb"(?s).+?\n\n" if path.suffix == ".sse" else rb".*\n", path.read_bytes())
    assert b"".join(frames) == path.read_bytes()
    assert list(restored(fmt, path, frames, TokenMap({"PERSON"}))) == [*frames, b""]


@streams
def test_tokens_of_others_come_out_as_they_came(fmt: Format, path: Path) -> None:
    tokens = TokenMap({"LOCATION", "ORG"})
    tokens.tokenize(Original("Bonn"), "LOCATION")
    stream = b"".join(restored(fmt, path, [path.read_bytes()], tokens))
    missing = said(path.read_bytes()) - said(stream)
    # Log probabilities, numbers and pieces, go where text is cut in another way.
    assert {text for text in missing if isinstance(text, str) and "{" not in text[:3]} == set()


@streams
def test_every_cut_gives_the_same_bytes(fmt: Format, path: Path) -> None:
    body = path.read_bytes()
    assert_chunk_invariant(
        lambda chunks: restored(fmt, path, chunks, live()),
        lambda text: b"".join(restored(fmt, path, [text], live())),
        body,
        splits=cuts(body),
    )


@streams
def test_no_live_token_is_left_but_in_sealed_text(fmt: Format, path: Path) -> None:
    stream = whole(fmt, path)
    assert stream != path.read_bytes()
    texts = "\x00".join(str(text) for text in said(stream)).encode()
    assert {match[1] for match in LIVE.finditer(texts)} <= {b"sealed "}


@streams
def test_a_stream_says_what_the_json_answer_says(fmt: Format, path: Path) -> None:
    answer = fmt.restore_answer(path.with_suffix(".json").read_bytes(), live().restorer)
    originals = [
        leaf
        for leaf in leaves(json.loads(answer))
        if leaf == CARD or (isinstance(leaf, str) and (NASTY in leaf or MAIL in leaf))
    ]
    assert originals
    texts = said(whole(fmt, path))
    assert [leaf for leaf in originals if leaf not in texts] == []


@event_streams
@pytest.mark.parametrize("end", [b"\r\n", b"\r"], ids=["CRLF", "CR"])
def test_line_ends_make_no_difference(fmt: Format, path: Path, end: bytes) -> None:
    body = path.read_bytes().replace(b"\n", end)
    assert b"".join(restored(fmt, path, [body], live())) == whole(fmt, path).replace(b"\n", end)
