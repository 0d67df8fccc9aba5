"""Exchanges that refer to earlier ones, by transcripts: refused without a store, restored with one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache

import pytest

from sidecar.conversation import Conversations, provider_of
from sidecar.detection.pipeline import load_detection
from sidecar.errors import StreamBroken
from sidecar.exchange import Core, Exchange
from sidecar.formats import sse
from sidecar.model import (
    Body,
    BodyMode,
    BodyModes,
    BodyReply,
    Direction,
    Headers,
    HeadersReply,
    Keep,
    Recall,
    Recalled,
    Refusal,
    Reply,
    RequestHeaders,
    ResponseHeaders,
    StreamedReply,
    Trailers,
    TrailersReply,
)
from sidecar.policy import STAMP, HeaderPolicy

REQUEST, RESPONSE = Direction.REQUEST, Direction.RESPONSE
BUFFERED = BodyModes(BodyMode.BUFFERED, BodyMode.NONE)
DUPLEX = BodyModes(BodyMode.FULL_DUPLEX_STREAMED, BodyMode.FULL_DUPLEX_STREAMED)
KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
ADA, BOB = "ada@example.org", "bob@example.org"
ALICE = {"authorization": "Bearer alice"}


@cache
def core(key: bytes | None = KEY) -> Core:
    conversations = Conversations(key, 60, "openai") if key else None
    return Core(load_detection(None, ner=False), HeaderPolicy(()), 100_000, 5.0, conversations=conversations)


@dataclass
class Caller:
    """Somebody with a credential; ``store`` is what all callers share."""

    store: dict[bytes, bytes] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=lambda: dict(ALICE))
    core: Core = field(default_factory=core)
    modes: BodyModes = BUFFERED
    reachable: bool = True
    store_seconds: int = 60
    exchange: Exchange = field(init=False)

    def asks(self, path: str, document: object = None, method: str = "POST") -> list[Reply]:
        """Send a request; return the replies, recalls answered."""
        self.exchange = Exchange(self.core, self.modes)
        plain = ((":method", method), (":path", path), *self.fields.items())
        if document is None:
            return self._answered(RequestHeaders(Headers(plain), end_of_stream=True))
        replies = self._answered(RequestHeaders(Headers((*plain, ("content-type", "application/json")))))
        if any(isinstance(reply, Refusal) for reply in replies):
            return replies
        return replies + self._answered(Body(REQUEST, json.dumps(document).encode(), end_of_stream=True))

    def sends(self, path: str, document: object = None, method: str = "POST") -> str:
        """Send a request; return the body that the provider sees."""
        replies = self.asks(path, document, method)
        assert not any(isinstance(reply, Refusal) for reply in replies)
        for reply in replies:
            if isinstance(reply, BodyReply):
                return json.dumps(document) if reply.body is None else reply.body.decode()
        return ""

    def refused(self, path: str, document: object = None, method: str = "POST") -> Refusal:
        refusal = self.asks(path, document, method)[-1]
        assert isinstance(refusal, Refusal)
        assert not self.exchange.owes_answer
        return refusal

    def receives(self, answer: object, content_type: str = "application/json", status: str = "200") -> str:
        """Let the provider answer; return what the client gets."""
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        headers = Headers(((":status", status), ("content-type", content_type)))
        replies = self._answered(ResponseHeaders(headers))
        if not self.exchange.owes_answer:
            return body.decode()
        replies = [
            reply
            for at in range(0, len(body), 50)
            for reply in self._answered(Body(RESPONSE, body[at : at + 50], at + 50 >= len(body)))
        ]
        return b"".join(reply.chunk for reply in replies if isinstance(reply, StreamedReply)).decode()

    def _answered(self, event: object) -> list[Reply]:
        replies = self.exchange.receive(event)  # type: ignore[arg-type]
        if replies and isinstance(replies[0], Recall):
            assert len(replies) == 1
            assert self.exchange.owes_answer
            found = tuple(self.store.get(key) for key in replies[0].keys)
            replies = self.exchange.receive(Recalled(found) if self.reachable else Recalled(reachable=False))
        for keep in replies:
            if isinstance(keep, Keep):
                assert keep.seconds == self.store_seconds
                assert ADA.encode() not in keep.sealed
                self.store[keep.key] = keep.sealed
        return [reply for reply in replies if not isinstance(reply, Keep)]


def stamped(reply: Reply) -> bool:
    return isinstance(reply, HeadersReply | BodyReply) and STAMP in reply.edit.set


def first_turn(caller: Caller, text: str = f"Mail {ADA}", name: str = "resp_1", **more: object) -> None:
    caller.sends("/v1/responses", {"model": "m", "input": text, **more})
    caller.receives({"id": name, "output": []})


# --- without a store -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "document", "where"),
    [
        ("POST", "/v1/responses", {"input": "Hi", "previous_response_id": "r"}, "previous_response_id"),
        ("POST", "/v1/responses", {"input": "Hi", "conversation": {"id": "c"}}, "conversation.id"),
        ("POST", "/v1/responses", {"input": [{"type": "item_reference", "id": "i"}]}, "input[]"),
        ("GET", "/v1/responses/r", None, "the path"),
        ("POST", "/v1/responses/r/cancel", {}, "the path"),
        ("DELETE", "/v1/responses/r", None, "the path"),
        ("GET", "/v1/batches/b", None, "the path"),
        ("GET", "/v1/files/f/content", None, "the path"),
        ("GET", "/anthropic/v1/messages/batches/b/results", None, "the path"),
        ("POST", "/gemini/v1beta/models/m:generateContent", {"cachedContent": "cachedContents/c"}, "cached"),
    ],
)
@pytest.mark.parametrize("modes", [BUFFERED, DUPLEX], ids=["buffered", "duplex"])
def test_a_reference_is_refused_with_a_reason_and_a_remedy(
    method: str, path: str, document: object, where: str, modes: BodyModes
) -> None:
    refused = Caller(core=core(None), modes=modes).refused(path, document, method)
    error = json.loads(refused.body)["error"]
    assert refused.status == 422
    assert error["type"] == "pii_sidecar"
    assert error["message"].startswith(where)
    assert "conversation_store" in error["message"]


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/v1/responses", {"input": "Hi", "store": True}),
        ("/v1/responses", {"input": "Hi", "background": True}),
        ("/v1/models", None),
        ("/v1/conversations", {"items": []}),
        ("/v1/batches", {"input_file_id": "file-1", "endpoint": "/v1/responses"}),
    ],
)
def test_a_request_that_refers_to_nothing_passes(path: str, document: object) -> None:
    caller = Caller(core=core(None))
    assert stamped(caller.asks(path, document)[-1])
    assert caller.store == {}


# --- with a store ----------------------------------------------------------------------------------


@pytest.mark.parametrize("modes", [BUFFERED, DUPLEX], ids=["buffered", "duplex"])
def test_earlier_tokens_live_on_and_numbers_go_on(modes: BodyModes) -> None:
    caller = Caller(modes=modes)
    first_turn(caller)
    replies = caller.asks("/v1/responses", {"input": f"{BOB}, {ADA}", "previous_response_id": "resp_1"})
    assert stamped(replies[0] if modes is DUPLEX else replies[-1])
    seen = b"".join(r.chunk if isinstance(r, StreamedReply) else r.body or b"" for r in replies[1:])  # type: ignore[union-attr]
    assert b"{{EMAIL_2}}, {{EMAIL_1}}" in seen
    assert ADA in caller.receives({"id": "resp_2", "output": "Dear {{EMAIL_1}}"})


def test_an_answer_fetched_later_is_restored() -> None:
    caller = Caller()
    first_turn(caller, background=True)
    caller.sends("/v1/responses/resp_1", method="GET")
    assert ADA in caller.receives({"id": "resp_1", "output": "Dear {{EMAIL_1}}"})


def test_an_original_of_an_earlier_turn_is_covered_where_nothing_finds_it() -> None:
    caller = Caller()
    first_turn(caller, "my card is 4532-1234-5678-9010")
    seen = caller.sends("/v1/responses", {"input": "4532 1234 5678 9010", "previous_response_id": "resp_1"})
    assert "4532" not in seen


def test_the_report_counts_what_this_request_tokenized() -> None:
    caller = Caller()
    first_turn(caller)
    for text, expected in (("And?", "clean"), (f"{BOB} and {ADA}", "tokenized; EMAIL=2")):
        caller.sends("/v1/responses", {"input": text, "previous_response_id": "resp_1"})
        (headers,) = caller.exchange.receive(
            ResponseHeaders(Headers(((":status", "500"),)), end_of_stream=True)
        )
        assert isinstance(headers, HeadersReply)
        assert ("x-pii-sidecar", expected) in headers.edit.set


def test_each_branch_of_a_conversation_has_its_own_tokens() -> None:
    caller = Caller()
    first_turn(caller)
    for name, mail in (("left", BOB), ("right", "eve@example.org")):
        seen = caller.sends("/v1/responses", {"input": mail, "previous_response_id": "resp_1"})
        assert "{{EMAIL_2}}" in seen
        assert mail in caller.receives({"id": name, "output": "{{EMAIL_2}}"})
    caller.sends("/v1/responses/left", method="GET")
    assert BOB in caller.receives({"id": "left", "output": "{{EMAIL_2}}"})


def test_a_clean_first_turn_is_known_too_and_look_alikes_in_it_stay_the_users() -> None:
    caller = Caller()
    first_turn(caller, "What is {{EMAIL_1}}?")
    seen = caller.sends("/v1/responses", {"input": ADA, "previous_response_id": "resp_1"})
    assert "{{EMAIL_2}}" in seen
    assert "{{EMAIL_1}}" in caller.receives({"id": "resp_2", "output": "{{EMAIL_1}}"})


def test_a_conversation_grows_with_each_turn() -> None:
    caller = Caller()
    caller.sends("/v1/conversations", {"items": [{"content": ADA}]})
    caller.receives({"id": "conv_1"})
    caller.sends("/v1/conversations/conv_1/items", {"items": [{"content": BOB}]})
    caller.receives({"data": []})
    seen = caller.sends("/v1/responses", {"input": f"{BOB} {ADA}", "conversation": "conv_1"})
    assert "{{EMAIL_2}} {{EMAIL_1}}" in seen


def test_a_stream_is_kept_before_its_id_is_told() -> None:
    caller = Caller()
    caller.sends("/v1/responses", {"input": ADA, "stream": True})
    frame = b'event: response.created\ndata: {"type":"response.created","response":{"id":"resp_1"}}\n\n'
    caller.exchange.receive(
        ResponseHeaders(Headers(((":status", "200"), ("content-type", "text/event-stream"))))
    )
    keep, told = caller.exchange.receive(Body(RESPONSE, frame))
    assert isinstance(keep, Keep)
    assert told == StreamedReply(RESPONSE, frame)
    assert caller.exchange.receive(Body(RESPONSE, frame)) == [told]


def test_files_and_batches_carry_the_map_from_upload_to_result() -> None:
    caller = Caller()
    caller.sends("/v1/files", {"stands": "for an upload", "of": ADA})
    caller.receives({"id": "file-1"})
    caller.sends("/v1/batches", {"input_file_id": "file-1"})
    caller.receives({"id": "batch_1", "output_file_id": None})
    caller.sends("/v1/batches/batch_1", method="GET")
    caller.receives({"id": "batch_1", "output_file_id": "file-2"})
    caller.sends("/v1/files/file-2/content", method="GET")
    lines = b'{"n": 1, "text": "{{EMAIL_1}}"}\n{"n": 2, "text": "{{EMAIL_1}}"}\n'
    assert caller.receives(lines, "application/octet-stream") == lines.decode().replace("{{EMAIL_1}}", ADA)


def test_an_unknown_file_is_no_obstacle() -> None:
    assert Caller().sends("/v1/batches", {"input_file_id": "file-of-another-way"})


@pytest.mark.parametrize(
    ("path", "document", "watched"),
    [
        pytest.param(
            "/v1/chat/completions", {"messages": [{"content": "Hi"}]}, False, id="not kept by default"
        ),
        pytest.param("/v1/responses", {"input": "Hi", "store": False}, False, id="not kept when asked"),
        pytest.param("/v1beta/models/m:generateContent", {"contents": []}, False, id="nothing to keep"),
        pytest.param("/v1/responses", {"input": "Hi"}, True, id="a later turn may refer to it"),
    ],
)
def test_the_answer_to_a_clean_request_is_seen_only_where_its_id_is_needed(
    path: str, document: object, watched: bool
) -> None:
    caller = Caller()
    caller.sends(path, document)
    headers = Headers(((":status", "200"), ("content-type", "text/event-stream")))
    (reply,) = caller.exchange.receive(ResponseHeaders(headers))
    assert isinstance(reply, HeadersReply)
    assert (reply.response_mode is not None) is watched
    assert caller.exchange.owes_answer is watched


@pytest.mark.parametrize(
    ("document", "status"),
    [({"input": ADA, "store": False}, "200"), ({"input": ADA}, "500")],
    ids=["not-stored", "failed"],
)
def test_what_the_provider_does_not_keep_is_not_kept(document: object, status: str) -> None:
    caller = Caller()
    caller.sends("/v1/responses", document)
    caller.receives({"id": "resp_1"}, status=status)
    assert caller.store == {}


def test_what_the_provider_deletes_is_forgotten() -> None:
    caller = Caller()
    first_turn(caller)
    caller.store_seconds = 1
    caller.sends("/v1/responses/resp_1", method="DELETE")
    caller.receives({"id": "resp_1", "deleted": True})
    assert caller.refused("/v1/responses/resp_1", method="GET").status == 422


def test_a_deleted_part_leaves_the_rest_known() -> None:
    caller = Caller()
    caller.sends("/v1/conversations", {"items": [{"content": ADA}]})
    caller.receives({"id": "conv_1"})
    caller.sends("/v1/conversations/conv_1/items/msg_1", method="DELETE")
    caller.receives({"id": "conv_1"})
    caller.sends("/v1/conversations/conv_1", method="GET")
    assert ADA in caller.receives({"id": "conv_1", "metadata": {"of": "{{EMAIL_1}}"}})


def test_the_number_of_ids_that_a_request_names_is_bounded() -> None:
    items = [{"type": "item_reference", "id": str(number)} for number in range(65)]
    assert b"more than 64" in Caller().refused("/v1/responses", {"input": items}).body


def test_a_frame_that_is_too_long_to_look_into_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_FRAME_BYTES", 100)
    caller = Caller()
    caller.sends("/v1/responses", {"input": "Hi", "stream": True})
    stream = b"data: " + b"x" * 500 + b"\n\n"
    assert caller.receives(stream, "text/event-stream") == stream.decode()


# --- whose it is -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"authorization": "Bearer mallory"}, id="another-credential"),
        pytest.param({"x-api-key": "Bearer alice"}, id="another-header"),
        pytest.param({**ALICE, "x-api-key": "more"}, id="one-credential-more"),
        pytest.param({"authorization": "Bearer alic", "e": ""}, id="part-of-it"),
        pytest.param({}, id="none"),
    ],
)
def test_another_callers_id_yields_nothing(fields: dict[str, str]) -> None:
    alice = Caller()
    first_turn(alice)
    mallory = Caller(alice.store, fields)
    refused = mallory.refused("/v1/responses", {"input": "{{EMAIL_1}}", "previous_response_id": "resp_1"})
    assert refused.status == 422
    assert b"resp_1" not in refused.body


def test_another_callers_token_yields_nothing() -> None:
    alice = Caller()
    first_turn(alice)
    mallory = Caller(alice.store, {"authorization": "Bearer mallory"})
    first_turn(mallory, BOB, "resp_m")
    mallory.sends("/v1/responses", {"input": "{{EMAIL_1}} {{EMAIL_2}}", "previous_response_id": "resp_m"})
    got = mallory.receives({"id": "x", "output": "{{EMAIL_1}} {{EMAIL_2}} {{EMAIL_3}}"})
    assert f"{BOB} {{{{EMAIL_2}}}} {{{{EMAIL_3}}}}" in got


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "bearer "},
        {"x-api-key": " "},
    ],
)
def test_without_a_credential_nothing_is_kept(fields: dict[str, str]) -> None:
    nobody = Caller(fields=fields)
    first_turn(nobody)
    assert nobody.store == {}


def test_a_credential_in_the_query_is_one() -> None:
    caller = Caller(fields={})
    caller.sends("/gemini/v1beta/cachedContents?key=k1", {"contents": ADA})
    caller.receives({"name": "cachedContents/c1"})
    path = "/gemini/v1beta/models/m:generateContent?key="
    assert "{{EMAIL_1}}" in caller.sends(f"{path}k1", {"contents": ADA, "cachedContent": "cachedContents/c1"})
    assert caller.refused(f"{path}k2", {"cachedContent": "cachedContents/c1"}).status == 422


def test_the_same_id_at_another_provider_yields_nothing() -> None:
    caller = Caller()
    first_turn(caller)
    assert caller.sends("/openai/v1/responses/resp_1", method="GET") == ""
    assert caller.refused("/local/v1/responses/resp_1", method="GET").status == 422


@pytest.mark.parametrize(
    ("path", "provider"),
    [
        ("/v1/responses", "default"),
        ("/v1/messages/batches", "anthropic"),
        ("/v1/proxy/openai/responses", "openai"),
        ("/anthropic/v1/messages", "anthropic"),
    ],
)
def test_all_routes_to_a_provider_are_one(path: str, provider: str) -> None:
    assert provider_of(path, "default") == provider


@pytest.mark.parametrize("at", [0, 11, 12, -1])
def test_what_was_tampered_with_counts_as_absent(at: int) -> None:
    caller = Caller()
    first_turn(caller)
    for key, sealed in caller.store.items():
        broken = bytearray(sealed)
        broken[at] ^= 1
        caller.store[key] = bytes(broken)
    refused = caller.refused("/v1/responses/resp_1", method="GET")
    assert refused.status == 422


@pytest.mark.parametrize("sealed", [b"", b"short", bytes(12), bytes(40)])
def test_what_was_never_sealed_counts_as_absent(sealed: bytes) -> None:
    caller = Caller()
    first_turn(caller)
    caller.store.update(dict.fromkeys(caller.store, sealed))
    assert caller.refused("/v1/responses/resp_1", method="GET").status == 422


def test_a_map_moved_to_another_key_counts_as_absent() -> None:
    caller = Caller()
    first_turn(caller)
    first_turn(caller, BOB, "resp_2")
    caller.store.update(zip(caller.store, reversed(caller.store.values()), strict=True))
    assert caller.refused("/v1/responses/resp_1", method="GET").status == 422


def test_with_another_store_key_nothing_is_found_nor_read() -> None:
    caller = Caller()
    first_turn(caller)
    other = Caller(caller.store, core=core(OTHER_KEY))
    assert other.refused("/v1/responses/resp_1", method="GET").status == 422
    conversations = Conversations(OTHER_KEY, 60, "openai")
    assert all(conversations.opened(key, sealed) is None for key, sealed in caller.store.items())


def test_states_whose_tokens_differ_are_not_mixed() -> None:
    caller = Caller()
    first_turn(caller)
    caller.sends("/v1/conversations", {"items": [{"content": BOB}]})
    caller.receives({"id": "conv_1"})
    both = {"input": "Hi", "previous_response_id": "resp_1", "conversation": "conv_1"}
    assert b"differ" in caller.refused("/v1/responses", both).body


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/responses/r", "error"),
        ("/anthropic/v1/messages/batches/b", "type"),
        ("/gemini/v1beta/operations/o", "error"),
    ],
)
def test_an_unreachable_store_is_a_503_in_the_providers_shape(path: str, kind: str) -> None:
    refused = Caller(reachable=False).refused(path, method="GET")
    assert refused.status == 503
    assert kind in json.loads(refused.body)


# --- order -----------------------------------------------------------------------------------------


def test_nothing_is_answered_while_a_recall_is_under_way() -> None:
    target = Exchange(core(), BUFFERED)
    fields = ((":method", "POST"), (":path", "/v1/responses"), ("content-type", "application/json"))
    target.receive(RequestHeaders(Headers((*fields, *ALICE.items()))))
    body = json.dumps({"input": ADA, "previous_response_id": "r"}).encode()
    (recall,) = target.receive(Body(REQUEST, body, end_of_stream=True))
    assert isinstance(recall, Recall)
    assert target.owes_answer
    assert target.is_heavy(Recalled())
    with pytest.raises(StreamBroken):
        target.receive(ResponseHeaders(Headers(((":status", "200"),))))


def test_a_recall_that_nobody_asked_for_breaks_the_stream() -> None:
    with pytest.raises(StreamBroken):
        Exchange(core(), BUFFERED).receive(Recalled())


def test_trailers_wait_for_the_recall() -> None:
    caller = Caller()
    first_turn(caller)
    target = Exchange(core(), DUPLEX)
    fields = ((":method", "POST"), (":path", "/v1/responses"), ("content-type", "application/json"))
    target.receive(RequestHeaders(Headers((*fields, *ALICE.items()))))
    target.receive(Body(REQUEST, json.dumps({"input": BOB, "previous_response_id": "resp_1"}).encode()))
    (recall,) = target.receive(Trailers(REQUEST, Headers((("x-note", "1"),))))
    assert isinstance(recall, Recall)
    headers, body, trailers = target.receive(Recalled(tuple(caller.store[key] for key in recall.keys)))
    assert stamped(headers)
    assert isinstance(body, StreamedReply)
    assert b"{{EMAIL_2}}" in body.chunk
    assert trailers == TrailersReply(REQUEST, ("x-note",))
