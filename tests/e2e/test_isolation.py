"""Many streams at once whose maps use the same token names: each gets its own originals and no other's."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from itertools import pairwise

import httpx
import pytest

from sidecar.gateway.echo_provider import EchoProvider
from tests.e2e.harness import Gateway

pytestmark = [pytest.mark.envoy, pytest.mark.model]

STREAMS, CLIENTS = 200, 8
TOKENS = ("{{EMAIL_1}}", "{{EMAIL_2}}", "{{IP_ADDRESS_1}}")
MODEL = "echo-delta-2-delay-30"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its number tells its originals, and every third speaks the other API."""

    number: int

    @property
    def originals(self) -> tuple[str, str, str]:
        return (
            f"user.{self.number}.a@example.org",
            f"user.{self.number}.b@example.org",
            f"203.0.113.{1 + self.number}",
        )

    @property
    def text(self) -> str:
        mine, other, address = self.originals
        return f"I am {mine} at {address}. Write to {other}, not {mine}."

    @property
    def is_messages(self) -> bool:
        return self.number % 3 == 0

    @property
    def path(self) -> str:
        return "/v1/messages" if self.is_messages else "/v1/chat/completions"

    @property
    def body(self) -> dict[str, object]:
        messages = [{"role": "user", "content": self.text}]
        return {"model": MODEL, "max_tokens": 99, "stream": True, "messages": messages}

    def said(self, line: str) -> str:
        data = line.removeprefix("data: ")
        if data in {line, "[DONE]"}:
            return ""
        frame = json.loads(data)
        if self.is_messages:
            return str(frame.get("delta", {}).get("text", ""))
        return "".join(choice["delta"].get("content") or "" for choice in frame["choices"])


def test_two_hundred_interleaved_streams_never_see_a_foreign_original(
    gateway: Gateway, clean: EchoProvider
) -> None:
    everything = [Asked(number) for number in range(STREAMS)]
    open_now, most = 0, 0
    order: list[int] = []  # whose line came when

    async def stream(client: httpx.AsyncClient, asked: Asked) -> None:
        nonlocal open_now, most
        said, raw = "", ""
        async with client.stream("POST", asked.path, json=asked.body) as answer:
            assert answer.status_code == 200
            open_now += 1
            most = max(most, open_now)
            async for line in answer.aiter_lines():
                order.append(asked.number)
                raw += line
                said += asked.said(line)
            open_now -= 1
        assert said == asked.text
        foreign = (o for other in everything if other is not asked for o in other.originals)
        # One number may begin another: 203.0.113.1 stands in 203.0.113.17.
        assert not [original for original in foreign if original in raw.replace(asked.originals[2], "")]

    async def all_at_once() -> None:
        limits = httpx.Limits(max_connections=STREAMS)
        clients = [
            httpx.AsyncClient(
                base_url=gateway.url,
                headers={"authorization": f"Bearer client-{number}"},
                timeout=30,
                limits=limits,
            )
            for number in range(CLIENTS)
        ]
        try:
            await asyncio.gather(*(stream(clients[a.number % CLIENTS], a) for a in everything))
        finally:
            await asyncio.gather(*(client.aclose() for client in clients))

    asyncio.run(asyncio.wait_for(all_at_once(), 60))
    assert most > STREAMS // 4, f"only {most} streams were open at a time"
    assert sum(a != b for a, b in pairwise(order)) > 5 * STREAMS
    assert b"@example.org" not in clean.received
    assert b"203.0.113." not in clean.received
    bodies = [request.body.decode() for request in clean.requests]
    assert len(bodies) == STREAMS
    assert all(token in body for body in bodies for token in TOKENS)
