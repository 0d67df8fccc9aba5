"""Gemini as the echo provider answers it: JSON, server-sent events and the array that is sent bit by bit.

The model's name in the path says how to answer. A function that has been called is answered with its
result, so that a client which calls functions by itself comes to an end.

Source: Gemini API reference, "Generating content", "Counting tokens", "Embeddings".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice, zip_longest

from sidecar.gateway.echo_answers import (
    Answer,
    Json,
    NotServed,
    Wishes,
    dump,
    load_object,
    pieces,
    size_of,
    tool_calls,
)

METHODS = frozenset(
    {"generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents"},
)
STATUS = {400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}
SIGNATURE = "CtoBAdHtim9xQ2Zy0vFhZbTgZWNobyBzaWduYXR1cmU="


def is_gemini(path: str) -> bool:
    """Tell whether a path, query or not, asks for one of the methods that are served here."""
    _, colon, method = path.partition("?")[0].rpartition(":")
    return colon != "" and method in METHODS


def answer_gemini(path: str, body: bytes, defaults: Wishes) -> Answer:
    """Answer one request."""
    bare, _, query = path.partition("?")
    name, _, method = bare.rpartition(":")
    model = name.rpartition("/")[2]
    wishes = defaults.of_model(model)
    try:
        document = load_object(body)
        if method in ("embedContent", "batchEmbedContents"):
            return _embedded(document, method)
        if method == "countTokens":
            inner = document.get("generateContentRequest", document)
            return Answer([dump({"totalTokens": size_of(_prompt(inner))})])
        text = _prompt(document) if wishes.everything else _last(document)
    except NotServed as refusal:
        return gemini_error(400, str(refusal))
    if wishes.error:
        return gemini_error(wishes.error, f"Cannot answer this: {text}")
    if method == "generateContent":
        return Answer([dump(_whole(document, model, text, wishes))], wishes=wishes)
    answers = _stream(document, model, text, wishes)
    if "alt=sse" in query.split("&"):
        frames = (b"data: " + dump(each) + b"\r\n\r\n" for each in answers)
        return Answer(frames, content_type="text/event-stream", streamed=True, wishes=wishes)
    kind = "application/json; charset=UTF-8"
    return Answer(_elements(answers), content_type=kind, streamed=True, wishes=wishes)


def gemini_error(status: int, message: str) -> Answer:
    """Return an error in this API's shape."""
    return Answer([dump(_error(status, message))], status=status)


def _error(status: int, message: str) -> Json:
    return {"error": {"code": status, "message": message, "status": STATUS.get(status, "INTERNAL")}}


def _elements(answers: Iterable[Json]) -> Iterator[bytes]:
    before = b"["
    for each in answers:
        yield before + dump(each)
        before = b"\n,\r\n"
    yield b"\n]\n"


def _contents(document: Mapping[str, Json]) -> list[dict[str, Json]]:
    contents = document.get("contents")
    if not isinstance(contents, list) or not contents or not all(isinstance(c, dict) for c in contents):
        raise NotServed("'contents' must be a list of one or more objects.")
    return contents


def _parts(content: Json) -> list[dict[str, Json]]:
    parts = content.get("parts") if isinstance(content, dict) else None
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def _text(content: Json) -> str:
    return "".join(_part_text(part) for part in _parts(content))


def _part_text(part: Mapping[str, Json]) -> str:
    result = part.get("functionResponse")
    if isinstance(result, dict):
        return dump(result.get("response")).decode()
    text = part.get("text")
    return text if isinstance(text, str) else ""


def _last(document: Mapping[str, Json]) -> str:
    contents = _contents(document)
    asked = [content for content in contents if content.get("role") != "model"]
    return _text((asked or contents)[-1])


def _prompt(document: Json) -> str:
    if not isinstance(document, dict):
        raise NotServed("The request is not an object.")
    texts = [_text(document.get("systemInstruction")), *map(_text, _contents(document))]
    return "\n".join(text for text in texts if text)


def _embedded(document: Mapping[str, Json], method: str) -> Answer:
    values = {"values": [0.25, -0.5, 1.0]}
    if method == "embedContent":
        return Answer([dump({"embedding": values})])
    requests = document.get("requests")
    count = len(requests) if isinstance(requests, list) else 0
    return Answer([dump({"embeddings": [values] * count})])


def _wants_calls(document: Mapping[str, Json], wishes: Wishes) -> bool:
    if any("functionResponse" in part for part in _parts(_contents(document)[-1])):
        return False
    config = document.get("toolConfig")
    calling = config.get("functionCallingConfig") if isinstance(config, dict) else None
    return wishes.tools or (isinstance(calling, dict) and calling.get("mode") == "ANY")


def _calls(document: Mapping[str, Json], text: str) -> list[Json]:
    declared = document.get("tools")
    tools = declared if isinstance(declared, list) else []
    functions = [
        function
        for tool in tools
        if isinstance(tool, dict)
        for function in tool.get("functionDeclarations", [])
        if isinstance(function, dict)
    ]
    plain = {"tools": [{"name": each.get("name"), "parameters": _schema(each)} for each in functions]}
    calls = [
        {"name": call.name, "args": load_object(call.arguments.encode())} for call in tool_calls(plain, text)
    ]
    return [{"functionCall": call, "thoughtSignature": SIGNATURE} for call in calls]


def _schema(function: Mapping[str, Json]) -> Json:
    """Return a schema with its types in lower case, as other APIs have them."""
    names = ("parametersJsonSchema", "parameters_json_schema", "parameters")  # SDKs mix the spellings
    schema = next((function[name] for name in names if name in function), None)
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict):
        return {}
    kinds = {
        name: str(each.get("type")).lower() for name, each in properties.items() if isinstance(each, dict)
    }
    return {"properties": {name: {"type": kind} for name, kind in kinds.items()}}


def _count(document: Mapping[str, Json]) -> int:
    config = document.get("generationConfig")
    count = config.get("candidateCount", 1) if isinstance(config, dict) else 1
    return count if isinstance(count, int) and 1 <= count <= 8 else 1


def _head(document: Mapping[str, Json], model: str, text: str) -> dict[str, Json]:
    seen, said = size_of(_prompt(document)), size_of(text)
    usage = {"promptTokenCount": seen, "candidatesTokenCount": said, "totalTokenCount": seen + said}
    return {"usageMetadata": usage, "modelVersion": model, "responseId": "echo"}


def _candidate(index: int, parts: list[Json], reason: str = "") -> Json:
    candidate = {"content": {"parts": parts, "role": "model"}, "index": index}
    return candidate | ({"finishReason": reason} if reason else {})


def _whole(document: Mapping[str, Json], model: str, text: str, wishes: Wishes) -> Json:
    parts: list[Json] = [{"text": f"The user wrote: {text}", "thought": True}] if wishes.thinking else []
    parts += _calls(document, text) if _wants_calls(document, wishes) else [{"text": text}]
    candidates = [_candidate(index, parts, "STOP") for index in range(_count(document))]
    return {"candidates": candidates, **_head(document, model, text)}


def _stream(document: Mapping[str, Json], model: str, text: str, wishes: Wishes) -> Iterator[Json]:
    """Yield one answer for each piece; the candidates take turns, each cut a little differently."""
    head = _head(document, model, text)
    turns = zip_longest(*(_deltas(document, text, index, wishes) for index in range(_count(document))))
    answers = ({"candidates": [each], **head} for turn in turns for each in turn if each is not None)
    if wishes.breaks < 0:
        return answers
    return chain(islice(answers, wishes.breaks), [_error(503, "The model is overloaded.")])


def _deltas(document: Mapping[str, Json], text: str, index: int, wishes: Wishes) -> Iterator[Json]:
    size = wishes.delta + index
    if wishes.thinking:
        for piece in pieces(f"The user wrote: {text}", size):
            yield _candidate(index, [{"text": piece, "thought": True}])
    if _wants_calls(document, wishes):
        for call in _calls(document, text):
            yield _candidate(index, [call])
    else:
        for piece in pieces(text, size):
            yield _candidate(index, [{"text": piece}])
    yield _candidate(index, [{"text": ""}], "STOP")
