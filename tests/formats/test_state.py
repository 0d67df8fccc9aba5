"""Which requests refer to state at the provider, and by which ids an answer's state is found later."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.errors import RequestRefused
from sidecar.formats.state import MAX_IDS, AnswerIds, use_of


def ids(path: str, document: object = None, *, needed: bool = True) -> list[str]:
    use = use_of(path)
    body = b"" if document is None else json.dumps(document).encode()
    return [] if use is None else [each.id for each in use.references(body) if each.needed is needed]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/v1/responses/resp_1", "resp_1", id="retrieve"),
        pytest.param("/openai/v1/responses/resp_1?stream=true", "resp_1", id="with-prefix-and-query"),
        pytest.param("/openai/responses/resp_1/input_items?api-version=1", "resp_1", id="azure"),
        pytest.param("/v1/proxy/openai/responses/resp_1/cancel", "resp_1", id="proxy"),
        pytest.param("/v1//responses//resp_1/", "resp_1", id="slashes"),
        pytest.param("/v1/%72esponses/resp%5F1", "resp_1", id="percent-encoded"),
        pytest.param("/v1/responses/resp_1%0A", "resp_1\n", id="line-feed"),
        pytest.param("/v1/conversations/conv_1/items/msg_1", "conv_1", id="conversation-item"),
        pytest.param("/v1/chat/completions/chatcmpl-1/messages", "chatcmpl-1", id="stored-completion"),
        pytest.param("/v1/threads/thread_1/runs/run_1", "thread_1", id="run"),
        pytest.param("/v1/assistants/asst_1", "asst_1", id="assistant"),
        pytest.param("/v1/batches/batch_1", "batch_1", id="batch"),
        pytest.param("/anthropic/v1/messages/batches/msgbatch_1/results", "msgbatch_1", id="results"),
        pytest.param("/v1/files/file-1/content", "file-1", id="file-content"),
        pytest.param("/gemini/v1beta/cachedContents/c1", "c1", id="cached-content"),
        pytest.param("/gemini/v1beta/batches/123:cancel", "123", id="gemini-batch"),
        pytest.param("/gemini/v1beta/models/m/operations/op1", "op1", id="operation"),
        pytest.param("/gemini/download/v1beta/files/f1:download?alt=media", "f1", id="gemini-file"),
        pytest.param("/v1/batch/jobs/j1", "j1", id="mistral-batch"),
    ],
)
def test_an_id_in_the_path_refers_to_state(path: str, expected: str) -> None:
    assert ids(path) == [expected]


@pytest.mark.parametrize(
    ("path", "document", "expected"),
    [
        pytest.param("/v1/responses", {"previous_response_id": "resp_1"}, ["resp_1"], id="previous"),
        pytest.param("/v1/responses", {"conversation": "conv_1"}, ["conv_1"], id="conversation"),
        pytest.param("/v1/responses", {"conversation": {"id": "conv_1"}}, ["conv_1"], id="as-object"),
        pytest.param(
            "/v1/responses", {"input": [{"type": "item_reference", "id": "msg_1"}]}, ["msg_1"], id="item"
        ),
        pytest.param("/v1/responses", {"input": [{"id": "msg_1"}]}, ["msg_1"], id="item-without-type"),
        pytest.param("/v1/responses/input_tokens", {"previous_response_id": "r"}, ["r"], id="counting"),
        pytest.param("/v1/responses/compact", {"previous_response_id": "r"}, ["r"], id="compacting"),
        pytest.param("/v1/messages", {"container": {"id": "c_1"}}, ["c_1"], id="container"),
        pytest.param(
            "/v1/messages/batches",
            {"requests": [{}, {"params": {"container": "c_1"}}]},
            ["c_1"],
            id="batched",
        ),
        pytest.param(
            "/gemini/v1beta/models/m:batchGenerateContent",
            {"batch": {"inputConfig": {"requests": {"requests": [{"request": {"cachedContent": "a/c"}}]}}}},
            ["c"],
            id="batched-gemini",
        ),
        pytest.param(
            "/gemini/v1beta/models/m:streamGenerateContent?alt=sse",
            {"cachedContent": "cachedContents/c1"},
            ["c1"],
            id="cached-content",
        ),
        pytest.param(
            "/gemini/v1beta/interactions", {"previous_interaction_id": "i"}, ["i"], id="interaction"
        ),
        pytest.param("/v1/chat", {"conversation_id": "c"}, ["c"], id="cohere"),
    ],
)
def test_an_id_in_the_body_refers_to_state(path: str, document: object, expected: list[str]) -> None:
    assert ids(path, document) == expected


def test_of_equal_keys_each_counts_since_the_provider_may_take_either() -> None:
    use = use_of("/v1/responses")
    assert use is not None
    body = b'{"previous\\u005fresponse_id": "a", "previous_response_id": null, "x": %s}' % (b"1" * 5000)
    assert [each.id for each in use.references(body)] == ["a"]


@pytest.mark.parametrize(
    ("path", "document"),
    [
        pytest.param("/v1/models", None, id="models"),
        pytest.param("/v1/models/m", None, id="one-model"),
        pytest.param("/v1/responses", {"model": "m", "input": "Hi", "store": True}, id="store"),
        pytest.param("/v1/responses", {"input": "Hi", "background": True}, id="background"),
        pytest.param("/v1/responses", {"previous_response_id": None, "conversation": None}, id="null"),
        pytest.param(
            "/v1/responses",
            {"input": [{"type": "message", "id": "msg_1", "role": "assistant", "content": []}]},
            id="item-in-full",
        ),
        pytest.param("/v1/responses", {"prompt": {"id": "pmpt_1"}}, id="prompt-template"),
        pytest.param("/v1/chat/completions", {"messages": [], "store": True}, id="chat-store"),
        pytest.param("/v1/chat/completions", {"previous_response_id": "x"}, id="field-of-another-api"),
        pytest.param("/v1/messages", {"messages": [{"container": "x"}]}, id="field-of-user-data"),
        pytest.param("/v1/batches", None, id="list-of-batches"),
        pytest.param("/v1/messages/batches", {"requests": []}, id="create-batch"),
        pytest.param("/v1/batches", {"input_file_id": "file-1"}, id="create-batch-of-file"),
        pytest.param("/v1/files", None, id="list-of-files"),
        pytest.param("/v1/conversations", {"items": []}, id="create-conversation"),
        pytest.param("/gemini/v1beta/cachedContents", {"contents": []}, id="create-cached-content"),
        pytest.param("/local/api/chat", {"messages": []}, id="ollama"),
    ],
)
def test_a_request_without_such_an_id_refers_to_nothing(path: str, document: object) -> None:
    assert ids(path, document) == []


def test_a_file_that_a_request_names_need_not_be_known() -> None:
    document = {"input": [{"content": [{"type": "input_file", "file_id": "file-1"}]}]}
    assert ids("/v1/responses", document) == []
    assert ids("/v1/responses", document, needed=False) == ["file-1"]


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff", b"\n" * 200_000])
def test_a_body_that_cannot_be_read_names_nothing(body: bytes) -> None:
    use = use_of("/v1/responses")
    assert use is not None
    assert use.references(body) == []


@pytest.mark.parametrize(
    ("path", "body", "stores"),
    [
        ("/v1/responses", b"{}", True),
        ("/v1/responses", b'{"store": null}', True),
        ("/v1/responses", b'{"store": false}', False),
        ("/v1/chat/completions", b"{}", False),
        ("/v1/chat/completions", b'{"store": true}', True),
        ("/v1/batches", b"{}", True),
        ("/v1/responses/resp_1", b"", True),
    ],
)
def test_what_the_provider_keeps_is_known_from_the_request(path: str, body: bytes, stores: bool) -> None:
    use = use_of(path)
    assert use is not None
    assert use.stores(body) is stores


RESPONSE = {
    "id": "resp_1",
    "conversation": {"id": "conv_1"},
    "output": [{"id": "rs_1"}, {"id": "msg_1"}],
    "metadata": {"id": "no"},
}
STREAM = "".join(
    f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
    for event in [
        {"type": "response.created", "response": {**RESPONSE, "output": []}},
        {"type": "response.output_item.added", "item": {"id": "msg_1"}},
        {"type": "response.output_text.delta", "item_id": "msg_1", "delta": '"id" of {"id": "no"}'},
        {"type": "response.completed", "response": RESPONSE},
    ]
).encode()


def watched(path: str, body: bytes, size: int, *, streamed: bool) -> list[str]:
    use = use_of(path)
    assert use is not None
    watcher = AnswerIds(use.resource.names, streamed)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return [name for piece in pieces for name in watcher.feed(piece)] + watcher.flush()


@given(st.integers(1, 400))
def test_the_ids_of_an_answer_are_found_however_it_is_cut(size: int) -> None:
    found = watched("/v1/responses", json.dumps(RESPONSE).encode(), size, streamed=False)
    assert found == ["resp_1", "conv_1", "rs_1", "msg_1"]
    found = watched("/v1/responses", STREAM, size, streamed=True)
    assert sorted(found) == ["conv_1", "msg_1", "resp_1", "rs_1"]


def test_the_first_frame_that_names_an_id_tells_it() -> None:
    use = use_of("/v1/responses")
    assert use is not None
    watcher = AnswerIds(use.resource.names, streamed=True)
    assert watcher.feed(STREAM[: STREAM.index(b"\n\n") + 2]) == ["resp_1", "conv_1"]


@pytest.mark.parametrize(
    ("path", "answer", "expected"),
    [
        ("/v1/batches/b", {"id": "b", "output_file_id": "f1", "error_file_id": None}, ["b", "f1"]),
        ("/v1/threads/t/runs", {"id": "run_1", "thread_id": "t"}, ["t"]),
        ("/gemini/v1beta/cachedContents", {"name": "cachedContents/c1"}, ["c1"]),
        ("/v1/files", {"id": "file-1"}, ["file-1"]),
        ("/v1/messages", {"id": "msg_1", "container": {"id": "c_1"}}, ["c_1"]),
    ],
)
def test_each_api_says_its_ids_in_its_own_places(path: str, answer: object, expected: list[str]) -> None:
    assert watched(path, json.dumps(answer).encode(), 10, streamed=False) == expected


def test_the_number_of_ids_is_bounded() -> None:
    many = json.dumps({"output": [{"id": str(number)} for number in range(2 * MAX_IDS)]}).encode()
    assert len(watched("/v1/responses", many, 4096, streamed=False)) == MAX_IDS


@given(st.text(max_size=60), st.binary(max_size=60))
def test_no_path_and_no_body_is_too_odd(path: str, body: bytes) -> None:
    for tried in (path, f"/v1/responses{path}", "/v1/responses"):
        use = use_of(tried)
        if use is not None:
            use.references(body)
            use.stores(body)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(
            {"url": "/v1/responses", "body": {"previous_response_id": "resp_1"}}, ["resp_1"], id="previous"
        ),
        pytest.param({"url": "/v1/responses", "body": {"conversation": "conv_1"}}, ["conv_1"], id="grows"),
        pytest.param({"key": "k", "request": {"cachedContent": "cachedContents/c1"}}, ["c1"], id="gemini"),
        pytest.param({"url": "/v1/embeddings", "body": {"conversation": "Hello"}}, [], id="another-endpoint"),
        pytest.param({"previous_response_id": "resp_1"}, [], id="no-request"),
    ],
)
@pytest.mark.parametrize(
    "before",
    [b"", b"--b\r\nx: y\r\n\r\n", b"{}\r\n", b"\xef\xbb\xbf \t"],
    ids=["file", "part", "line", "mark"],
)
def test_a_line_of_an_upload_refers_to_what_its_request_would(
    line: object, expected: list[str], before: bytes
) -> None:
    use = use_of("/v1/files")
    assert use
    references = use.references(before + json.dumps(line).encode() + b"\n\r\n--b--\r\n")
    assert [each.id for each in references] == expected
    assert not any(each.grows for each in references)


def test_what_is_nested_too_deeply_to_be_read_refers_to_nobody_knows_what() -> None:
    use = use_of("/v1/responses")
    assert use
    depth = sys.getrecursionlimit()
    with pytest.raises(RequestRefused):
        use.references(b'{"a":' + b"[" * depth + b"]" * depth + b',"previous_response_id":"r"}')
