"""Shows the product at work, offline: what a client sent, what the provider saw, what the client got.

The demo is a check as well as a picture: it succeeds only if no original reached the provider and every
original came back exactly. All data in it is reserved for documentation or published for tests.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sidecar.gateway.echo_answers import tool_calls
from sidecar.gateway.echo_provider import EchoProvider

WIDTH = 100
TIMEOUT_SECONDS = 30.0
SEPARATOR = "|"
ORIGINALS = (
    "John Smith",
    "john@example.com",
    "202-555-0143",
    "4532-1234-5678-9010",
    "Jane Doe",
    "123-45-6789",
    "203.0.113.7",
    "jane.doe@example.org",
)
TOKEN = r"\{\{[A-Z_]+_\d+(?:_\d+)?\}\}"  # noqa: S105 - no credential: the shape of a stand-in
CHAT: dict[str, Any] = {
    "model": "echo-all",
    "messages": [
        {"role": "user", "content": "Contact John Smith at john@example.com. Who paid?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "find_payment", "arguments": '{"email": "john@example.com"}'},
                }
            ],
        },
        {
            "role": "tool",
            "tool_call_id": "call_1",
            "content": "Paid with card 4532-1234-5678-9010 from 203.0.113.7, phone 202-555-0143.",
        },
        {"role": "user", "content": "Please tell John Smith that card 4532-1234-5678-9010 was charged."},
    ],
}
CHAT_TEXTS: tuple[tuple[str, *tuple[str | int, ...]], ...] = (
    ("user", "messages", 0, "content"),
    ("tool call", "messages", 1, "tool_calls", 0, "function", "arguments"),
    ("tool result", "messages", 2, "content"),
    ("user", "messages", 3, "content"),
)
MESSAGES: dict[str, Any] = {
    "model": "echo-tools-delta-6",
    "max_tokens": 256,
    "stream": True,
    "tools": [
        {
            "name": "send_mail",
            "description": "Send a mail.",
            "input_schema": {"type": "object", "properties": {"body": {"type": "string"}}},
        }
    ],
    "messages": [
        {
            "role": "user",
            "content": "What is Jane Doe's SSN 123-45-6789? Mail jane.doe@example.org, call 202-555-0143.",
        }
    ],
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the picture: a text as sent, as seen, and in the pieces that came back.

    ``due``: what must come back, if anything must.
    """

    name: str
    sent: str
    seen: str
    got: tuple[str, ...] = ()
    due: str = ""


class DemoFailed(Exception):
    """Something is not as it must be; the message says what."""


def run_demo(gateway_url: str, provider: EchoProvider, console: Console | None = None) -> int:
    """Send two requests through the gateway, show them, and check them.

    Args:
        gateway_url: Where the gateway listens; its ``openai`` and ``anthropic`` routes lead to ``provider``.
        provider: Running, and remembering all its requests.
        console: Where to print; by default standard output, in color on a terminal.

    Returns:
        The exit status: 0, or 1 if an original leaked or did not come back.
    """
    console = console or Console()
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    failures: list[str] = []
    for title, exchange in (
        ("A chat completion, JSON", _chat),
        ("A message, streamed", _messages),
    ):
        provider.clear()
        try:
            rows = exchange(gateway_url, provider)
        except (OSError, http.client.HTTPException, DemoFailed) as exc:
            failures.append(
                f"{title}: {exc}" if isinstance(exc, DemoFailed) else f"{title}: no answer: {exc!r}"
            )
            continue
        console.print(_picture(title, rows))
        failures += _leaks(title, provider) + _losses(title, rows)
    for failure in failures:
        console.print(Text(f"FAILED  {failure}", style="bold red"))
    if not failures:
        console.print(
            Text(
                "OK  no original reached the provider, and every original came back exactly",
                style="bold green",
            )
        )
    return 1 if failures else 0


def _chat(gateway_url: str, provider: EchoProvider) -> list[Row]:
    with _post(gateway_url, "/openai/v1/chat/completions", CHAT) as response:
        answer = _parsed(response.read())
    got = _part(answer, "choices", 0, "message", "content").split("\n")
    seen = _seen(provider)
    rows = []
    for name, *path in CHAT_TEXTS:
        sent = _part(CHAT, *path)
        echoed = name != "tool call"  # its arguments are no message text
        back = tuple(got[:1]) if echoed else ()
        got = got[len(back) :]
        rows.append(Row(name, sent, _part(seen, *path), back, sent if echoed else ""))
    return rows


def _messages(gateway_url: str, provider: EchoProvider) -> list[Row]:
    texts: list[str] = []
    inputs: list[str] = []
    with _post(gateway_url, "/anthropic/v1/messages", MESSAGES) as response:
        for event in _events(response):
            delta = event.get("delta", {})
            texts += [delta["text"]] if delta.get("type") == "text_delta" else []
            inputs += [delta["partial_json"]] if delta.get("partial_json") else []
    seen = _seen(provider)
    sent, saw = (_part(body, "messages", 0, "content") for body in (MESSAGES, seen))
    call, due = (tool_calls(body, text)[0].arguments for body, text in ((seen, saw), (MESSAGES, sent)))
    return [
        Row("text", sent, saw, tuple(texts), sent),
        Row("answered tool call", "", call, tuple(inputs), due),
    ]


@contextmanager
def _post(gateway_url: str, path: str, body: object) -> Iterator[http.client.HTTPResponse]:
    address = urlsplit(gateway_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        response = connection.getresponse()
        if response.status != 200:
            raise DemoFailed(f"status {response.status}: {response.read(500).decode(errors='replace')}")
        yield response
    finally:
        connection.close()


def _events(response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    for line in response:
        if line.startswith(b"data:"):
            yield _parsed(line[5:])


def _parsed(source: bytes) -> Any:  # noqa: ANN401 - a JSON document
    try:
        return json.loads(source)
    except ValueError as exc:
        raise DemoFailed("the answer is not JSON") from exc


def _seen(provider: EchoProvider) -> Any:  # noqa: ANN401 - a JSON document
    requests = provider.wait(1, seconds=1)
    if len(requests) != 1:
        raise DemoFailed(f"the provider saw {len(requests)} requests instead of one")
    return _parsed(requests[0].body)


def _part(document: Any, *path: str | int) -> str:  # noqa: ANN401 - a JSON document
    try:
        for step in path:
            document = document[step]
    except (KeyError, IndexError, TypeError) as exc:
        raise DemoFailed("a document is not of the expected shape") from exc
    if not isinstance(document, str):
        raise DemoFailed("a document holds no text where one is expected")
    return document


def _leaks(title: str, provider: EchoProvider) -> list[str]:
    """Say which originals stand anywhere in what the provider received, head or body."""
    requests = provider.requests
    received = [provider.received, *(request.body for request in requests)]
    decoded = [json.dumps(_parsed(request.body), ensure_ascii=False).encode() for request in requests]
    return [
        f"{title}: the provider saw {original}"
        for original in ORIGINALS
        if any(original.encode() in text for text in received + decoded)
    ]


def _losses(title: str, rows: Sequence[Row]) -> list[str]:
    """Say which texts did not come back as they were sent."""
    return [
        f"{title}: {row.name}: what came back is not what was sent"
        for row in rows
        if "".join(row.got) != row.due
    ]


def _picture(title: str, rows: Sequence[Row]) -> Table:
    streamed = any(len(row.got) > 1 for row in rows)
    table = Table(
        title=f"{title} ({SEPARATOR} parts the deltas of a stream)" if streamed else title,
        title_justify="left",
        title_style="bold",
        box=box.ASCII2,
        show_lines=True,
    )
    table.add_column("", style="dim", width=9)
    for heading in ("the client sent", "the provider saw", "the client got"):
        table.add_column(heading, ratio=1, overflow="fold")
    for row in rows:
        got = SEPARATOR.join(filter(None, row.got))
        table.add_row(row.name, *(_colored(text) for text in (row.sent, row.seen, got)))
    return table


def _colored(text: str) -> Text:
    colored = Text(text)
    colored.highlight_words(ORIGINALS, "bold red")
    colored.highlight_regex(TOKEN, "bold green")
    return colored
