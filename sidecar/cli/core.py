"""Puts the parts of the core together: settings in, the factory of exchanges out."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from importlib.util import find_spec
from operator import or_
from pathlib import Path
from threading import Lock

import structlog

from sidecar.cli.warming import warm
from sidecar.conversation import Conversations
from sidecar.detection.cache import CacheStats, SpanCache
from sidecar.detection.lists import Listed, public_facts, read_list
from sidecar.detection.ner import Submit
from sidecar.detection.pipeline import Detection, load_detection
from sidecar.detection.turn import Turn
from sidecar.errors import ConfigError
from sidecar.exchange import Core, Exchange
from sidecar.formats.format import Passing
from sidecar.model import BodyModes
from sidecar.policy import HeaderPolicy
from sidecar.request_body import Deadline, profile_mask
from sidecar.settings import Settings

# Some hundred words, looked at in less time than a thread takes to be switched to and back.
INLINE_BYTES = 1024
LINES_BYTES = 1024 * 1024  # of the cache of header fields and paths

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Product:
    """Everything that a worker serves; made before the fork, so that workers share the model."""

    core: Core
    policies: Mapping[str, Detection]

    def new_exchange(self, modes: BodyModes) -> Exchange:
        """Return the state machine of one new exchange."""
        return Exchange(self.core, modes)

    def cache_stats(self) -> CacheStats:
        """Return what became of the texts that this worker looked up."""
        cache = self.core.detection.cache
        return cache.stats if cache else CacheStats()

    def mask(self, policy: str, text: str) -> str:
        """Return the text with every span replaced for good.

        Raises:
            KeyError: No such policy.
        """
        return profile_mask(text, self.policies[policy], Deadline(self.core.detection_seconds))


def build(settings: Settings) -> Product:
    """Load patterns and model for serving.

    Raises:
        ConfigError: ``patterns.json``, the model or the conversation store is not usable.
    """
    kept = conversations(settings)
    # A pool starts its thread at the first job, hence after the fork. One thread, because the requests with
    # long texts take turns; those with short ones do without it.
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ner")
    # Several requests are looked at side by side; the lock is free at the fork, since nothing runs yet.
    cache = SpanCache(settings.cache_bytes, Lock()) if settings.cache_bytes else None
    policies = _policies(settings, pool.submit, Lock(), cache)
    for warning in policies["default"].warnings:
        log.warning("detection", warning=warning)
    core = Core(
        detection=policies[settings.policy],
        header_policy=HeaderPolicy(settings.identity_headers),
        body_limit=settings.body_limit,
        detection_seconds=settings.detection_seconds,
        passing=_passing(settings),
        report_header=settings.report_header,
        scan_answers=settings.response == "scan",
        conversations=kept,
        callers_apart=settings.cache_scope == "caller",
        lines=SpanCache(LINES_BYTES) if settings.cache_bytes else None,
        inline_bytes=0 if policies[settings.policy].is_slow else INLINE_BYTES,
    )
    with _nothing_is_garbage():
        warm(core)
    return Product(core, policies)


@contextmanager
def _nothing_is_garbage() -> Iterator[None]:
    """Load what stays for good: nobody looks for garbage among it, neither now nor later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@_nothing_is_garbage()
def _policies(
    settings: Settings,
    submit: Submit | None = None,
    turn: Turn | None = None,
    cache: SpanCache | None = None,
) -> dict[str, Detection]:
    """Return detection by the name of each policy; all of them share patterns and model."""
    default = load_detection(
        settings.patterns,
        ner=settings.ner,
        submit=submit,
        turn=turn,
        ner_models=settings.ner_models,
        allow=_entries(settings.allow_list),
        deny=_entries(settings.deny_list),
        cache=cache,
    )
    return {"default": default, "balanced": default.sparing(public_facts())}


def _entries(file: Path | None) -> list[Listed]:
    return read_list(file) if file else []


def _passing(settings: Settings) -> Passing:
    chosen = {Passing.DOCUMENTS: settings.documents, Passing.TOKEN_IDS: settings.token_ids}
    return reduce(or_, (each for each, choice in chosen.items() if choice == "pass"), Passing.NOTHING)


def conversations(settings: Settings) -> Conversations | None:
    """Return the secrets of what is kept beyond an exchange, if anything is.

    Raises:
        ConfigError: The program that keeps it is not installed.
    """
    if settings.conversation_store == "off":
        return None
    if settings.conversation_store != "memory" and find_spec("redis") is None:
        raise ConfigError("conversation_store: the package redis is missing; install pii-sidecar[store]")
    return Conversations(settings.store_key_bytes, settings.conversation_ttl, settings.default_target)


def load_inline(settings: Settings) -> Detection:
    """Load patterns and model for a command that works on one text after the other."""
    return _policies(settings)[settings.policy]
