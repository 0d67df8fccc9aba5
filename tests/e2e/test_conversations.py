"""Conversations that the provider keeps, by the openai SDK through a real Envoy, with and without a store."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.e2e.conftest import RunUp
from tests.e2e.harness import Gateway, Planted
from tests.e2e.stateful_provider import StatefulProvider

pytestmark = [pytest.mark.envoy, pytest.mark.model]

NAME, MAIL, LATER = "Zoltan Kiraly", "zoltan.kiraly@example.org", "marta@example.com"


@pytest.fixture(scope="module")
def stateful() -> Iterator[StatefulProvider]:
    with StatefulProvider() as provider:
        yield provider


@pytest.fixture(scope="module")
def keeping(run_up: RunUp, stateful: StatefulProvider, redis_url: str) -> Iterator[Gateway]:
    """Two workers that share one Redis server."""
    environment = {
        "PII_SIDECAR_CONVERSATION_STORE": redis_url,
        "PII_SIDECAR_STORE_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    with run_up("--workers", "2", f"--upstream=openai={stateful.url}", **environment) as started:
        yield started


def client(gateway: Gateway, credential: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=credential, max_retries=0, timeout=30)


def streamed(asking: openai.OpenAI, text: str, previous: str | None = None) -> tuple[str, str]:
    """Return the id and the text of a streamed response."""
    with asking.responses.stream(model="echo", input=text, previous_response_id=previous) as stream:  # type: ignore[arg-type]
        said = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert final.output_text == said
    return final.id, said


def test_tokens_live_on_over_the_turns_of_a_stored_conversation(
    keeping: Gateway, stateful: StatefulProvider, planted: Planted
) -> None:
    for original in (NAME, MAIL, LATER):
        planted(original)
    stateful.clear()
    with client(keeping, "alice") as alice:
        first = alice.responses.create(model="echo", input=f"I am {NAME}, {MAIL}")
        assert first.output_text == f"I am {NAME}, {MAIL}"
        for _ in range(6):  # whichever worker gets it
            again = alice.responses.create(
                model="echo", input=f"Copy {LATER} and {MAIL}", previous_response_id=first.id
            )
            assert again.output_text == f"I am {NAME}, {MAIL}\nCopy {LATER} and {MAIL}"
        name, said = streamed(alice, f"Now only {LATER}", again.id)
        assert said == f"{again.output_text}\nNow only {LATER}"
        assert alice.responses.retrieve(name).output_text == said
    sent = [request.body for request in stateful.requests if request.method == "POST"]
    assert b"{{EMAIL_1}}" in sent[0]
    assert all(b"Copy {{EMAIL_2}} and {{EMAIL_1}}" in body for body in sent[1:7])
    assert b"Now only {{EMAIL_2}}" in sent[7]
    planted.assert_absent(stateful.received)


def test_a_background_response_is_restored_when_it_is_fetched(
    keeping: Gateway, stateful: StatefulProvider, planted: Planted
) -> None:
    stateful.clear()
    with client(keeping, "alice") as alice:
        queued = alice.responses.create(model="echo", input=f"Write to {planted(MAIL)}", background=True)
        assert queued.status == "queued"
        assert alice.responses.retrieve(queued.id).output_text == f"Write to {MAIL}"
    planted.assert_absent(stateful.received)


def test_envoy_does_not_get_the_store_key(keeping: Gateway) -> None:
    (envoy,) = set(keeping.children) - set(keeping.workers)
    assert b"PII_SIDECAR" not in Path(f"/proc/{envoy}/environ").read_bytes()


def test_another_callers_id_is_refused_before_it_reaches_the_provider(
    keeping: Gateway, stateful: StatefulProvider, planted: Planted
) -> None:
    with client(keeping, "alice") as alice:
        name, _ = streamed(alice, f"I am {planted(MAIL)}")
    stateful.clear()
    with client(keeping, "mallory") as mallory:
        with pytest.raises(openai.UnprocessableEntityError, match="nothing is kept for this credential"):
            mallory.responses.create(model="echo", input="{{EMAIL_1}}", previous_response_id=name)
        with pytest.raises(openai.UnprocessableEntityError):
            mallory.responses.retrieve(name)
    assert stateful.requests == ()


def test_without_a_store_only_the_reference_is_refused(gateway: Gateway, planted: Planted) -> None:
    with client(gateway, "alice") as alice:
        text = f"I am {planted(MAIL)}"
        first = alice.responses.create(model="echo", input=text, store=True, background=True)
        assert first.output_text == text
        with pytest.raises(openai.UnprocessableEntityError, match="conversation_store"):
            alice.responses.create(model="echo", input="And?", previous_response_id=first.id)
        with pytest.raises(openai.UnprocessableEntityError, match="conversation_store"):
            alice.responses.retrieve(first.id)


def test_an_unreachable_store_is_a_503_and_nothing_leaves(
    run_up: RunUp, stateful: StatefulProvider, planted: Planted
) -> None:
    stateful.clear()
    environment = {
        "PII_SIDECAR_CONVERSATION_STORE": "unix:///nonexistent/redis.sock",
        "PII_SIDECAR_STORE_KEY": base64.b64encode(bytes(32)).decode(),
        "PII_SIDECAR_NER": "false",
    }
    with (
        run_up("--workers", "1", f"--upstream=openai={stateful.url}", **environment) as gateway,
        client(gateway, "alice") as alice,
    ):
        text = f"I am {planted(MAIL)}"
        assert alice.responses.create(model="echo", input=text).output_text == text
        with pytest.raises(openai.InternalServerError, match="cannot be reached") as caught:
            alice.responses.create(model="echo", input="And?", previous_response_id="resp_1")
    assert caught.value.status_code == 503
    assert len(stateful.requests) == 1
