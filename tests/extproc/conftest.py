"""What the tests of the shell share: an oracle for Envoy's messages, and exchanges that follow a script."""

from __future__ import annotations

import importlib
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sidecar.model import Event, Refusal, Reply


@pytest.fixture(scope="session")
def oracle() -> Callable[[str], Any]:
    """envoy-data-plane's independent classes, by full name of the message or enum."""

    def find(full_name: str) -> Any:  # noqa: ANN401 - classes of another library
        package, _, names = full_name.partition(".v3.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that library's own, on import
            module = importlib.import_module(f"envoy_data_plane.{package}.v3")
        return getattr(module, names.replace(".", ""))

    return find


@dataclass
class ScriptedExchange:
    """An exchange that does what its script says for each event in turn; keeps what it was given.

    A step is the replies to give, an exception to raise, or a function of the event that gives replies.
    """

    script: list[Any]
    owing: bool = False
    heavy: bool = False
    joins_chunks: bool = False
    cancelled: bool = False
    size: int = 0
    events: list[Event] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)

    @property
    def owes_answer(self) -> bool:
        return self.owing

    def is_heavy(self, event: Event) -> bool:
        del event
        return self.heavy

    def work(self, event: Event) -> int:
        del event
        return self.size

    def overloaded(self, retry_seconds: int) -> Sequence[Reply]:
        return [Refusal(503, b"busy", (("retry-after", str(retry_seconds)),))]

    def cancel(self) -> None:
        self.cancelled = True

    def receive(self, event: Event) -> Sequence[Reply]:
        self.events.append(event)
        self.threads.append(threading.current_thread().name)
        step = self.script.pop(0) if self.script else []
        if isinstance(step, BaseException):
            raise step
        return step(event) if callable(step) else step


@pytest.fixture
def scripted() -> type[ScriptedExchange]:
    return ScriptedExchange


@pytest.fixture
def socket_folder() -> Iterator[Path]:
    """A short path: a socket's has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="pii-") as folder:
        yield Path(folder)
