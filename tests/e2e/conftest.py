"""Fixtures that are expensive: a running gateway and the echo provider behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from sidecar.gateway.echo_provider import EchoProvider
from tests.e2e.harness import Gateway, Planted, running, spellings

RunUp = Callable[..., AbstractContextManager[Gateway]]


@pytest.fixture(scope="session")
def planted() -> Planted:
    return Planted()


@pytest.fixture(scope="session")
def provider() -> Iterator[EchoProvider]:
    with EchoProvider() as started:
        yield started
    assert started.faults == 0


@pytest.fixture(scope="session")
def run_up(tmp_path_factory: pytest.TempPathFactory, planted: Planted) -> Iterator[RunUp]:
    """Return ``running`` with a folder of its own for each call; at the end no log holds an original."""
    folders: list[Path] = []

    @contextmanager
    def run(*arguments: str, **environment: str) -> Iterator[Gateway]:
        folder = tmp_path_factory.mktemp("up")
        folders.append(folder)
        with running(folder, *arguments, **environment) as gateway:
            yield gateway

    yield run
    logged = b"".join((folder / "up.log").read_bytes() for folder in folders)
    for original in planted.originals:
        for spelling in spellings(original):
            assert spelling not in logged, "a log line holds an original"


@pytest.fixture(scope="session")
def gateway(run_up: RunUp, provider: EchoProvider) -> Iterator[Gateway]:
    """Two workers and Envoy in front of the echo provider, shared by all tests that do no harm."""
    upstreams = [f"--upstream={name}={provider.url}" for name in ("openai", "anthropic", "gemini", "local")]
    with run_up("--workers", "2", *upstreams) as started:
        yield started


@pytest.fixture
def clean(provider: EchoProvider, planted: Planted) -> Iterator[EchoProvider]:
    """Return the provider with nothing received so far; afterwards no original has reached it."""
    provider.clear()
    yield provider
    planted.assert_absent(provider.received)
    for request in provider.requests:
        planted.assert_absent(request.body)
