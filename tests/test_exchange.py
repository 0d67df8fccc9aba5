"""The exchange by transcripts: events in, replies out, for every body mode and every order."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar import exchange as exchange_module
from sidecar.detection.cache import SpanCache
from sidecar.detection.pipeline import load_detection
from sidecar.errors import RequestRefused, ResponseUnsafe, StreamBroken
from sidecar.exchange import Core, Exchange
from sidecar.model import (
    Body,
    BodyMode,
    BodyModes,
    BodyReply,
    Direction,
    Echo,
    Event,
    HeaderEdit,
    Headers,
    HeadersReply,
    Refusal,
    Reply,
    RequestHeaders,
    ResponseHeaders,
    StreamedReply,
    Trailers,
    TrailersReply,
)
from sidecar.policy import REPORT_HEADER, STAMP, HeaderPolicy

REQUEST, RESPONSE = Direction.REQUEST, Direction.RESPONSE
ADA = "ada@example.org"
BODY_LIMIT = 10_000
CHAT = json.dumps({"model": "m", "messages": [{"role": "user", "content": f"Mail {ADA}"}]}).encode()
CLEAN = b'{"model": "m", "messages": [{"role": "user", "content": "Good morning"}]}'
BUFFERED = BodyModes(BodyMode.BUFFERED, BodyMode.NONE)
DUPLEX = BodyModes(BodyMode.FULL_DUPLEX_STREAMED, BodyMode.FULL_DUPLEX_STREAMED)
STREAMED = BodyModes(BodyMode.STREAMED, BodyMode.STREAMED)
UNKNOWN = BodyModes()


@cache
def core() -> Core:
    return Core(load_detection(None, ner=False), HeaderPolicy(("cookie",)), BODY_LIMIT, 5.0)


def exchange(modes: BodyModes = BUFFERED) -> Exchange:
    return Exchange(core(), modes)


def request(path: str = "/v1/chat/completions", *, end: bool = False, **fields: str) -> RequestHeaders:
    named = tuple((name.replace("_", "-"), text) for name, text in fields.items())
    default = () if "content_type" in fields else (("content-type", "application/json"),)
    return RequestHeaders(
        Headers(((":method", "POST"), (":path", path), *default, *named)), end_of_stream=end
    )


def response(content_type: str = "application/json", *, end: bool = False, **fields: str) -> ResponseHeaders:
    named = tuple((name.replace("_", "-"), text) for name, text in fields.items())
    return ResponseHeaders(
        Headers(((":status", "200"), ("content-type", content_type), *named)), end_of_stream=end
    )


def send(target: Exchange, *events: Event) -> list[Reply]:
    return [reply for event in events for reply in target.receive(event)]


def reported(text: str) -> HeaderEdit:
    return HeaderEdit(set=((REPORT_HEADER, text),))


def body_of(replies: list[Reply], direction: Direction) -> bytes:
    """Return the bytes that Envoy would pass on."""
    sent = b""
    for reply in replies:
        if isinstance(reply, StreamedReply) and reply.direction is direction:
            sent += reply.chunk
        if isinstance(reply, BodyReply) and reply.direction is direction:
            sent += reply.body or b""
    return sent


def stamped(reply: Reply) -> bool:
    return isinstance(reply, HeadersReply | BodyReply) and STAMP in reply.edit.set


def cuts(body: bytes, size: int) -> list[Body]:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return [Body(REQUEST, piece, index == len(pieces) - 1) for index, piece in enumerate(pieces)]


def answered(modes: BodyModes = BUFFERED) -> Exchange:
    """Return an exchange whose request held one original and has been sent."""
    target = exchange(modes)
    send(target, request(), Body(REQUEST, CHAT, end_of_stream=True))
    return target


# --- requests --------------------------------------------------------------------------------------


def test_a_buffered_body_is_tokenized_and_only_its_answer_is_stamped() -> None:
    target = exchange()
    (headers,) = send(target, request())
    assert isinstance(headers, HeadersReply)
    assert not stamped(headers)
    assert target.owes_answer

    (reply,) = send(target, Body(REQUEST, CHAT, end_of_stream=True))

    assert isinstance(reply, BodyReply)
    assert reply.body == CHAT.replace(ADA.encode(), b"{{EMAIL_1}}")
    assert stamped(reply)
    assert ("content-length", str(len(reply.body))) in reply.edit.set
    assert not target.owes_answer


def test_a_body_with_nothing_found_is_not_touched() -> None:
    (_, reply) = send(exchange(), request(), Body(REQUEST, CLEAN, end_of_stream=True))
    assert isinstance(reply, BodyReply)
    assert reply.body is None
    assert reply.edit.set == (STAMP,)


def test_a_request_without_body_is_stamped_at_its_headers() -> None:
    target = exchange()
    (reply,) = send(target, request("/v1/models", end=True))
    assert stamped(reply)
    assert not target.owes_answer


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_full_duplex_answers_nothing_before_the_whole_body_is_known(size: int) -> None:
    target = exchange(DUPLEX)
    *early, last = cuts(CHAT, size)
    assert send(target, request(content_length="99"), *early) == []
    assert target.owes_answer

    headers, *pieces = send(target, last)

    assert stamped(headers)
    assert isinstance(headers, HeadersReply)
    assert "content-length" in headers.edit.remove
    assert body_of(pieces, REQUEST) == CHAT.replace(ADA.encode(), b"{{EMAIL_1}}")
    assert [piece.end_of_stream for piece in pieces if isinstance(piece, StreamedReply)] == [True]


@pytest.mark.parametrize("modes", [STREAMED, UNKNOWN])
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_streamed_chunks_are_held_and_the_last_answer_carries_the_whole(modes: BodyModes, size: int) -> None:
    target = exchange(modes)
    events = cuts(CHAT, size)
    headers, *replies = send(target, request(), *events)
    assert isinstance(headers, HeadersReply)
    assert "content-length" in headers.edit.remove
    assert len(replies) == len(events)
    assert not any(stamped(reply) for reply in [headers, *replies[:-1]])
    assert all(reply.body == b"" for reply in replies[:-1] if isinstance(reply, BodyReply))
    assert body_of(replies, REQUEST) == CHAT.replace(ADA.encode(), b"{{EMAIL_1}}")


def test_a_clean_streamed_body_comes_out_whole_as_well() -> None:
    replies = send(exchange(STREAMED), request(), *cuts(CLEAN, 5))
    assert body_of(replies, REQUEST) == CLEAN


def test_an_empty_body_is_answered_and_stamped() -> None:
    (_, reply) = send(exchange(), request(), Body(REQUEST, b"", end_of_stream=True))
    assert stamped(reply)


def test_a_second_end_of_the_same_body_is_answered() -> None:
    target = answered()
    assert send(target, Body(REQUEST, b"", end_of_stream=True)) == [BodyReply(REQUEST, None)]


def test_bytes_after_the_end_of_a_request_break_the_stream() -> None:
    with pytest.raises(StreamBroken):
        send(answered(), Body(REQUEST, b"x", end_of_stream=True))


def test_request_trailers_are_dropped_behind_a_buffered_body() -> None:
    trailers = Trailers(REQUEST, Headers((("x-note", ADA), ("x-more", "1"))))
    *_, body, reply = send(exchange(), request(), Body(REQUEST, CHAT, end_of_stream=False), trailers)
    assert stamped(body)
    assert reply == TrailersReply(REQUEST, ("x-note", "x-more"))


def test_request_trailers_end_a_full_duplex_body() -> None:
    trailers = Trailers(REQUEST, Headers((("x-note", "1"),)))
    replies = send(exchange(DUPLEX), request(), Body(REQUEST, CHAT), trailers)
    assert stamped(replies[0])
    assert body_of(replies, REQUEST) == CHAT.replace(ADA.encode(), b"{{EMAIL_1}}")
    assert not any(reply.end_of_stream for reply in replies if isinstance(reply, StreamedReply))
    assert replies[-1] == TrailersReply(REQUEST, ("x-note",))


@pytest.mark.parametrize(
    ("event", "body", "status"),
    [
        pytest.param(request(), b"{", 400, id="not-json"),
        pytest.param(request(), b'{"a": "\xff"}', 400, id="not-utf8"),
        pytest.param(request(content_type="application/pdf"), b"x", 415, id="unknown-type"),
        pytest.param(request(content_encoding="snappy"), b"x", 415, id="unknown-coding"),
        pytest.param(request(content_encoding="gzip"), b"not gzip", 400, id="broken-gzip"),
        pytest.param(request(content_encoding="gzip"), gzip.compress(bytes(BODY_LIMIT + 1)), 413, id="bomb"),
        pytest.param(request(content_length=str(BODY_LIMIT + 1)), b"x", 413, id="announced-too-large"),
        pytest.param(request(), b" " * (BODY_LIMIT + 1), 413, id="too-large"),
        pytest.param(request("/v1/x?mail=ada%40example.org"), CHAT, 422, id="original-in-url"),
    ],
)
@pytest.mark.parametrize("modes", [BUFFERED, DUPLEX, STREAMED], ids=["buffered", "duplex", "streamed"])
def test_what_cannot_be_inspected_is_refused(
    modes: BodyModes, event: Event, body: bytes, status: int
) -> None:
    target = exchange(modes)
    replies = target.receive(event)
    if not any(isinstance(reply, Refusal) for reply in replies):
        replies = target.receive(Body(REQUEST, body, end_of_stream=True))
    (refused,) = replies
    assert isinstance(refused, Refusal)
    assert refused.status == status
    assert json.loads(refused.body)["error"]["type"] == "pii_sidecar"
    assert ADA.encode() not in refused.body
    assert not target.owes_answer


def test_a_body_that_envoy_will_not_show_is_refused() -> None:
    (refused,) = send(exchange(BodyModes(BodyMode.NONE, BodyMode.NONE)), request())
    assert isinstance(refused, Refusal)
    assert refused.status >= 500


def test_half_a_body_is_refused() -> None:
    modes = BodyModes(BodyMode.BUFFERED_PARTIAL, BodyMode.NONE)
    *_, refused = send(exchange(modes), request(), Body(REQUEST, CHAT, end_of_stream=False))
    assert isinstance(refused, Refusal)
    assert refused.status == 413


def test_a_compressed_request_leaves_inflated() -> None:
    _, reply = send(
        exchange(), request(content_encoding="gzip"), Body(REQUEST, gzip.compress(CHAT), end_of_stream=True)
    )
    assert isinstance(reply, BodyReply)
    assert reply.body == CHAT.replace(ADA.encode(), b"{{EMAIL_1}}")
    assert "content-encoding" in reply.edit.remove


def test_a_compressed_request_with_nothing_found_leaves_inflated_too() -> None:
    _, reply = send(
        exchange(), request(content_encoding="gzip"), Body(REQUEST, gzip.compress(CLEAN), end_of_stream=True)
    )
    assert isinstance(reply, BodyReply)
    assert reply.body == CLEAN
    assert "content-encoding" in reply.edit.remove


def test_the_client_is_not_offered_codings_that_we_would_have_to_undo() -> None:
    (reply,) = send(exchange(), request(accept_encoding="br", cookie="a=b"))
    assert isinstance(reply, HeadersReply)
    assert set(reply.edit.remove) == {"accept-encoding", "cookie"}


def test_a_look_alike_typed_by_the_user_stays_the_users() -> None:
    body = json.dumps({"messages": [{"content": f"{{{{EMAIL_1}}}} {{{{email 2}}}} {ADA}"}]}).encode()
    target = exchange()
    _, reply = send(target, request(), Body(REQUEST, body, end_of_stream=True))
    assert isinstance(reply, BodyReply)
    assert reply.body is not None
    assert b"{{EMAIL_1}} {{email 2}} {{EMAIL_3}}" in reply.body
    replies = send(target, response(), Body(RESPONSE, reply.body, end_of_stream=True))
    assert body_of(replies, RESPONSE) == body


def test_an_original_in_signed_text_refuses_the_request() -> None:
    thinking = {"type": "thinking", "thinking": f"Write to {ADA}", "signature": "c2ln"}
    body = {"messages": [{"role": "assistant", "content": [thinking]}, {"role": "user", "content": ADA}]}
    _, refused = send(
        exchange(), request("/v1/messages"), Body(REQUEST, json.dumps(body).encode(), end_of_stream=True)
    )
    assert isinstance(refused, Refusal)
    assert refused.status == 422
    assert ADA.encode() not in refused.body


def test_signed_text_without_an_original_of_this_request_passes_untouched() -> None:
    thinking = {"type": "thinking", "thinking": "Greet {{EMAIL_1}}", "signature": "c2ln"}
    body = json.dumps(
        {"messages": [{"role": "assistant", "content": [thinking]}, {"role": "user", "content": ADA}]}
    ).encode()
    _, reply = send(exchange(), request("/v1/messages"), Body(REQUEST, body, end_of_stream=True))
    assert isinstance(reply, BodyReply)
    assert reply.body == body.replace(ADA.encode(), b"{{EMAIL_1}}")


# --- responses -------------------------------------------------------------------------------------


CLEAN_REQUESTS = [
    ("/v1/chat/completions", CLEAN),
    ("/v1/completions", b'{"model": "m", "prompt": "Good morning"}'),
    ("/v1/embeddings", b'{"model": "m", "input": "Good morning"}'),
    ("/v1/responses", b'{"model": "m", "input": "Good morning"}'),
    ("/v1/messages", CLEAN),
    ("/v2/chat", CLEAN),
    ("/v1beta/models/m:streamGenerateContent", b'{"contents": [{"parts": [{"text": "Good morning"}]}]}'),
    ("/api/chat", CLEAN),
    ("/unknown", b'{"say": "Good morning"}'),
]


@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream", "application/x-ndjson"])
@pytest.mark.parametrize(("path", "body"), CLEAN_REQUESTS, ids=[path for path, _ in CLEAN_REQUESTS])
def test_an_answer_to_a_clean_request_never_touches_the_sidecar(
    path: str, body: bytes, content_type: str
) -> None:
    target = exchange()
    send(target, request(path), Body(REQUEST, body, end_of_stream=True))
    assert send(target, response(content_type)) == [HeadersReply(RESPONSE, reported("clean"))]
    assert not target.owes_answer


def test_chunks_may_be_joined_only_where_no_reply_is_owed_to_each() -> None:
    chunk = Body(RESPONSE, b'data: {"choices":[{"index":0,"delta":{"content":"Hi {{EMAIL_1}}"}}]}\n\n')
    for modes, joins in ((BUFFERED, True), (UNKNOWN, True), (DUPLEX, True), (STREAMED, False)):
        target = answered(modes)
        assert not target.joins_chunks
        send(target, response("text/event-stream"))
        assert target.joins_chunks is joins
        send(target, chunk, replace(chunk, end_of_stream=True))
        assert not target.joins_chunks


def test_what_is_held_back_calls_for_no_reply() -> None:
    target = answered()
    start = b'data: {"choices":[{"index":0,"delta":{"content":"Hi {{EMAIL_1}}"}}]}\n\n'
    send(target, response("text/event-stream"))
    assert send(target, Body(RESPONSE, start[:30])) == []
    (reply,) = send(target, Body(RESPONSE, start[30:], end_of_stream=True))
    assert reply == StreamedReply(RESPONSE, start.replace(b"{{EMAIL_1}}", ADA.encode()), end_of_stream=True)


def test_full_duplex_is_asked_for_when_something_was_tokenized() -> None:
    target = answered()
    (reply,) = send(target, response(content_length="10", etag="x"))
    assert isinstance(reply, HeadersReply)
    assert reply.response_mode is BodyMode.FULL_DUPLEX_STREAMED
    assert {"content-length", "etag"} <= set(reply.edit.remove)
    assert target.owes_answer


@pytest.mark.parametrize("modes", [BUFFERED, UNKNOWN, DUPLEX, STREAMED])
@pytest.mark.parametrize("size", [1, 3, 64])
def test_an_answer_is_restored_however_it_is_cut(modes: BodyModes, size: int) -> None:
    answer = b'{"choices": [{"message": {"content": "Dear {{EMAIL_1}}, {{EMAIL_2}}"}}]}'
    target = answered(modes)
    pieces = [answer[start : start + size] for start in range(0, len(answer), size)]
    events = [Body(RESPONSE, piece, index == len(pieces) - 1) for index, piece in enumerate(pieces)]
    replies = send(target, response(), *events)
    assert body_of(replies, RESPONSE) == answer.replace(b"{{EMAIL_1}}", ADA.encode())
    assert not target.owes_answer


def test_a_buffered_answer_gets_its_new_length() -> None:
    target = answered(BodyModes(BodyMode.BUFFERED, BodyMode.BUFFERED))
    _, reply = send(target, response(), Body(RESPONSE, b'{"a": "{{EMAIL_1}}"}', end_of_stream=True))
    assert isinstance(reply, BodyReply)
    assert reply.body == b'{"a": "ada@example.org"}'
    assert ("content-length", str(len(reply.body))) in reply.edit.set


@pytest.mark.parametrize("content_type", ["image/png", "audio/mpeg", "application/octet-stream"])
def test_a_binary_answer_passes(content_type: str) -> None:
    target = answered()
    assert send(target, response(content_type)) == [HeadersReply(RESPONSE, reported("tokenized; EMAIL=1"))]
    assert not target.owes_answer


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        (DUPLEX, [StreamedReply(RESPONSE, b"ab"), StreamedReply(RESPONSE, b"c", end_of_stream=True)]),
        (STREAMED, [BodyReply(RESPONSE, None), BodyReply(RESPONSE, None)]),
    ],
)
def test_a_body_that_needs_no_restoring_is_passed_on_in_its_mode(
    modes: BodyModes, expected: list[Reply]
) -> None:
    target = answered(modes)
    send(target, response("image/png"))
    assert target.owes_answer
    assert send(target, Body(RESPONSE, b"ab"), Body(RESPONSE, b"c", end_of_stream=True)) == expected
    assert not target.owes_answer


def test_a_gzipped_answer_is_inflated_and_restored() -> None:
    target = answered()
    answer = gzip.compress(b'{"a": "{{EMAIL_1}}"}')
    replies = send(
        target,
        response(content_encoding="gzip"),
        Body(RESPONSE, answer[:9]),
        Body(RESPONSE, answer[9:], end_of_stream=True),
    )
    assert isinstance(replies[0], HeadersReply)
    assert "content-encoding" in replies[0].edit.remove
    assert body_of(replies, RESPONSE) == b'{"a": "ada@example.org"}'


def test_an_answer_in_an_unknown_coding_is_a_502() -> None:
    (refused,) = send(answered(), response(content_encoding="snappy"))
    assert isinstance(refused, Refusal)
    assert refused.status == 502


def test_a_broken_coding_in_the_middle_aborts() -> None:
    target = answered()
    send(target, response(content_encoding="gzip"))
    with pytest.raises(ResponseUnsafe):
        send(target, Body(RESPONSE, b"no gzip at all", end_of_stream=True))


def test_response_trailers_flush_what_was_held_back() -> None:
    target = answered()
    send(target, response("text/plain"))
    early = send(target, Body(RESPONSE, b"Dear {{EMAIL_"))
    assert body_of(early, RESPONSE) == b"Dear "
    late = send(target, Trailers(RESPONSE, Headers((("x-end", "1"),))))
    assert body_of(late, RESPONSE) == b"{{EMAIL_"
    assert late[-1] == TrailersReply(RESPONSE)


def test_a_local_reply_may_start_with_response_headers() -> None:
    assert send(exchange(), response("text/plain")) == [HeadersReply(RESPONSE, reported("refused"))]


def test_a_local_reply_may_come_while_the_request_is_under_way() -> None:
    target = exchange()
    send(target, request())
    assert send(target, response("text/plain")) == [HeadersReply(RESPONSE, reported("refused"))]


def test_an_answer_without_a_body_asks_for_nothing() -> None:
    target = answered()
    assert send(target, response(end=True)) == [HeadersReply(RESPONSE, reported("tokenized; EMAIL=1"))]
    assert not target.owes_answer


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([Body(REQUEST, b"x")], id="body-first"),
        pytest.param([request(), request()], id="headers-twice"),
        pytest.param([Body(RESPONSE, b"x")], id="response-body-first"),
        pytest.param([Trailers(REQUEST, Headers())], id="trailers-first"),
        pytest.param([request(end=True), response(), response()], id="response-headers-twice"),
    ],
)
def test_events_out_of_order_break_the_stream(events: list[Event]) -> None:
    with pytest.raises(StreamBroken):
        send(exchange(), *events)


def test_only_work_worth_a_thread_is_heavy() -> None:
    big = b"x" * 40_000
    target = exchange()
    assert not target.is_heavy(request())
    assert target.is_heavy(Body(REQUEST, CHAT, end_of_stream=True))

    streamed = answered()
    send(streamed, response("text/event-stream"))
    frame = b"data: " + big[:20_000] + b"\n\n"
    for _ in range(4):
        assert not streamed.is_heavy(Body(RESPONSE, frame))
        send(streamed, Body(RESPONSE, frame))
    assert not streamed.is_heavy(Body(RESPONSE, b"data: [DONE]\n\n", end_of_stream=True))
    assert streamed.is_heavy(Body(RESPONSE, big))

    whole = answered()
    send(whole, response(), Body(RESPONSE, b'{"a": "' + big))
    assert whole.is_heavy(Body(RESPONSE, b'"}', end_of_stream=True))


def test_a_short_request_stays_on_the_event_loop_unless_more_may_be_in_it() -> None:
    last = Body(REQUEST, CHAT, end_of_stream=True)
    for size, fields, heavy in (
        (len(CHAT), {}, False),
        (len(CHAT) - 1, {}, True),
        (10_000, {"content_encoding": "gzip"}, True),
    ):
        target = Exchange(replace(core(), inline_bytes=size), BUFFERED)
        send(target, request(**fields))
        assert target.is_heavy(last) is heavy


def test_only_the_last_of_a_request_can_be_put_off() -> None:
    target = exchange(STREAMED)
    assert target.work(request()) == 0
    send(target, request())
    assert target.work(Body(REQUEST, CHAT)) == 0
    send(target, Body(REQUEST, CHAT))
    assert target.work(Body(REQUEST, b"\n", end_of_stream=True)) == len(CHAT) + 1
    assert target.work(Trailers(REQUEST, Headers())) == len(CHAT)
    send(target, Body(REQUEST, b"\n", end_of_stream=True))
    assert target.work(response()) == target.work(Body(RESPONSE, CHAT, end_of_stream=True)) == 0


@pytest.mark.parametrize("modes", [BUFFERED, STREAMED, DUPLEX], ids=lambda modes: modes.request.name.lower())
def test_a_request_that_comes_at_a_bad_time_is_told_when_to_come_again(modes: BodyModes) -> None:
    target = exchange(modes)
    send(target, request("/anthropic/v1/messages"))
    (refused,) = target.overloaded(3)
    assert isinstance(refused, Refusal)
    assert refused.status == 503
    assert ("retry-after", "3") in refused.headers
    assert (REPORT_HEADER, "refused") in refused.headers
    assert json.loads(refused.body)["error"]["type"] == "pii_sidecar"
    assert not target.owes_answer


def test_header_fields_are_looked_at_once_for_each_caller() -> None:
    lines = SpanCache(100_000)
    shared = replace(core(), lines=lines)
    asked = (("sk-1", ADA), ("sk-1", ADA), ("sk-2", ADA), ("sk-1", "fine"))
    removed = []
    for key, note in asked:
        (reply,) = send(Exchange(shared, BUFFERED), request(authorization=f"Bearer {key}", x_note=note))
        assert isinstance(reply, HeadersReply)
        removed.append("x-note" in reply.edit.remove)
    assert removed == [True, True, True, False]
    # Path, type and note for each of two callers, and another note.
    assert (lines.stats.misses, lines.stats.hits) == (7, 5)


def test_restoring_many_originals_is_worth_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    target = answered()
    events = [response(), Body(RESPONSE, b"{}"), Trailers(RESPONSE, Headers())]
    assert not any(map(target.is_heavy, events))
    monkeypatch.setattr(exchange_module, "MANY_ORIGINALS", 0)
    assert all(map(target.is_heavy, events))


# --- does it work? ---------------------------------------------------------------------------------

INVENTED = b'{"choices": [{"message": {"content": "Ask eve@example.com"}}]}'
EVERY_MODE = pytest.mark.parametrize(
    "modes", [BUFFERED, DUPLEX, STREAMED, UNKNOWN], ids=["buffered", "duplex", "streamed", "unknown"]
)
TWO_AND_ONE = f"{ADA}, grace@example.org, 4111 1111 1111 1111, {ADA}"


def edits_of(replies: list[Reply], direction: Direction) -> dict[str, str]:
    edits = [reply.edit for reply in replies if isinstance(reply, HeadersReply | BodyReply)]
    assert all(reply.direction is direction for reply in replies if isinstance(reply, HeadersReply))
    return {name: text for edit in edits for name, text in edit.set}


@EVERY_MODE
def test_the_answers_headers_count_what_was_tokenized_in_every_body_mode(modes: BodyModes) -> None:
    target = exchange(modes)
    send(target, request(), Body(REQUEST, json.dumps({"user": TWO_AND_ONE}).encode(), end_of_stream=True))
    sent = send(target, response(x_pii_sidecar="clean"))
    assert edits_of(sent, RESPONSE)[REPORT_HEADER] == "tokenized; EMAIL=2, CREDIT_CARD=1"


@EVERY_MODE
def test_a_refusal_says_that_it_is_one(modes: BodyModes) -> None:
    refused = send(exchange(modes), request(), Body(REQUEST, b"{", end_of_stream=True))[-1]
    assert isinstance(refused, Refusal)
    assert dict(refused.headers)[REPORT_HEADER] == "refused"


def test_without_the_setting_nothing_is_counted_and_a_providers_own_header_goes() -> None:
    target = Exchange(replace(core(), report_header=False), BUFFERED)
    send(target, request(), Body(REQUEST, CHAT, end_of_stream=True))
    [reply] = send(target, response(x_pii_sidecar="clean"))
    assert isinstance(reply, HeadersReply)
    assert REPORT_HEADER not in dict(reply.edit.set)
    assert REPORT_HEADER in reply.edit.remove
    refused = send(
        Exchange(replace(core(), report_header=False), BUFFERED), request("/a@b.example", end=True)
    )
    assert isinstance(refused[0], Refusal)
    assert REPORT_HEADER not in dict(refused[0].headers)


@EVERY_MODE
@pytest.mark.parametrize("body", [CHAT, CLEAN], ids=["tokenized", "clean"])
def test_what_an_answer_invents_goes_only_where_answers_are_scanned(modes: BodyModes, body: bytes) -> None:
    came = {}
    for scan in (False, True):
        target = Exchange(replace(core(), scan_answers=scan), modes)
        send(target, request(), Body(REQUEST, body, end_of_stream=True))
        came[scan] = body_of(send(target, response(), Body(RESPONSE, INVENTED, end_of_stream=True)), RESPONSE)
    assert b"{{EMAIL_" not in came[False]
    assert b'"Ask {{EMAIL_' in came[True]
    assert b"eve@example.com" not in came[True]


@EVERY_MODE
def test_the_doctor_reads_what_would_have_left_and_nothing_leaves(modes: BodyModes) -> None:
    target = exchange(modes)
    replies = send(target, request("/doctor/v1/chat/completions"), Body(REQUEST, CHAT, end_of_stream=True))
    assert isinstance(replies[-1], Echo)
    assert json.loads(replies[-1].body) == {"would_leave": CHAT.decode().replace(ADA, "{{EMAIL_1}}")}
    assert dict(replies[-1].headers)[REPORT_HEADER] == "tokenized; EMAIL=1"
    assert STAMP not in [field for reply in replies[:-1] for field in edits_of([reply], REQUEST).items()]
    assert body_of(replies, REQUEST) == b""
    assert not target.owes_answer


def test_the_doctor_reads_a_body_that_trailers_complete() -> None:
    target = exchange(DUPLEX)
    send(target, request("/doctor/v1/chat/completions"), Body(REQUEST, CHAT))
    [reply] = send(target, Trailers(REQUEST, Headers((("x-end", "1"),))))
    assert isinstance(reply, Echo)


@pytest.mark.parametrize(
    ("path", "body"), [("/doctor/v1/models", None), ("/doctor/v1/x", b"{"), ("/doctor/ada@example.org", CHAT)]
)
def test_the_doctor_is_refused_what_everybody_is_refused_and_never_sent_on(
    path: str, body: bytes | None
) -> None:
    events = [Body(REQUEST, body, end_of_stream=True)] if body else []
    target = exchange()
    replies = target.receive(request(path, end=body is None))
    if not isinstance(replies[-1], Refusal):
        replies = send(target, *events)
    assert isinstance(replies[-1], Refusal)


def test_detection_ends_when_nobody_waits_any_more() -> None:
    target = exchange()
    send(target, request(), Body(REQUEST, CHAT, end_of_stream=True))
    target.cancel()
    assert target._body is not None
    deadline = target._body._deadline
    assert deadline is not None
    assert deadline.remaining() == 0.0
    with pytest.raises(RequestRefused):
        deadline.check()


# --- the law ---------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        f" {ADA} ",
        " grace@example.com, ",
        "{{EMAIL_1}}",
        "{{email_2}}",
        '"',
        "\\",
        "\n",
        "é",
        "\U0001f600",
        " and ",
    ]
)


@given(
    st.lists(st.lists(WORDS, max_size=6).map("".join), min_size=1, max_size=4),
    st.integers(1, 40),
    st.booleans(),
)
def test_restoring_the_echo_of_the_tokenized_request_gives_the_request(
    texts: list[str], size: int, escape: bool
) -> None:
    body = json.dumps(
        {"messages": [{"role": "user", "content": text} for text in texts]}, ensure_ascii=escape
    )
    target = exchange(DUPLEX)
    seen = body_of(send(target, request(), Body(REQUEST, body.encode(), end_of_stream=True)), REQUEST)
    assert b"example." not in seen
    pieces = [seen[start : start + size] for start in range(0, len(seen), size)]
    events = [Body(RESPONSE, piece, index == len(pieces) - 1) for index, piece in enumerate(pieces)]
    restored = body_of(send(target, response(), *events), RESPONSE)
    assert json.loads(restored) == json.loads(body)
