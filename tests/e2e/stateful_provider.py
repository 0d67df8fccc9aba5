"""The echo provider with a memory: responses are kept by id and gone on with, as OpenAI does it."""

from __future__ import annotations

import json
from itertools import count

from sidecar.gateway.echo_answers import Answer, dump
from sidecar.gateway.echo_chat import chat_error
from sidecar.gateway.echo_http import SeenRequest
from sidecar.gateway.echo_provider import EchoProvider
from sidecar.gateway.echo_responses import answer_responses

ECHO_ID = b'"resp_echo"'


class StatefulProvider(EchoProvider):
    """Echoes everything that was said in a conversation; keeps it under the id of each answer."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = count(1)
        self._said: dict[str, str] = {}
        self._answers: dict[str, bytes] = {}

    def _answer(self, request: SeenRequest) -> Answer:
        _, found, name = request.path.partition("?")[0].partition("/responses/")
        if found:
            body = self._answers.get(name)
            return Answer([body]) if body else chat_error(404, "There is no such response.")
        if request.method == "POST" and request.path.endswith("/responses"):
            return self._respond(json.loads(request.body))
        return super()._answer(request)

    def _respond(self, document: dict[str, object]) -> Answer:
        earlier = document.pop("previous_response_id", None)
        if earlier is not None and earlier not in self._said:
            return chat_error(404, "There is no such response.")
        said = "\n".join(filter(None, [self._said.get(str(earlier)), str(document["input"])]))
        name = f"resp_{next(self._numbers)}"
        whole = answer_responses(dump({**document, "input": said, "stream": False}), self._wishes)
        self._said[name] = said
        self._answers[name] = self._named(name, b"".join(whole.frames))
        if document.get("background") is True:
            queued = {**json.loads(self._answers[name]), "status": "queued", "output": []}
            return Answer([dump(queued)])
        if document.get("stream") is not True:
            return Answer([self._answers[name]])
        streamed = answer_responses(dump({**document, "input": said}), self._wishes)
        frames = [self._named(name, frame) for frame in streamed.frames]
        return Answer(frames, content_type=streamed.content_type, streamed=True, wishes=streamed.wishes)

    @staticmethod
    def _named(name: str, body: bytes) -> bytes:
        return body.replace(ECHO_ID, f'"{name}"'.encode())
