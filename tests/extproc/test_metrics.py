"""Metrics as Prometheus reads them: over HTTP, by its own parser."""

from __future__ import annotations

import socket
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sidecar.detection.cache import CacheStats, SpanCache
from sidecar.errors import ConfigError
from sidecar.extproc.listen import TcpAddress
from sidecar.extproc.metrics import exported
from sidecar.model import Passage


def free() -> TcpAddress:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return TcpAddress("127.0.0.1", probe.getsockname()[1])


def scraped(address: TcpAddress) -> dict[str, float]:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {"".join([sample.name, *sample.labels.values()]): sample.value for sample in samples}


def test_a_scrape_shows_size_and_hit_rate_of_this_moment() -> None:
    cache, address = SpanCache(10_000), free()
    with exported(address, lambda: cache.stats):
        assert scraped(address)["pii_sidecar_span_cache_lookups_totalhit"] == 0
        for text in ("Ada Lovelace", "Ada Lovelace", "Grace Hopper"):
            cache.through([Passage(text)], lambda new: [[] for _ in new], 1, b"caller")
        seen = scraped(address)
    assert seen == {
        "pii_sidecar_span_cache_lookups_totalhit": 1,
        "pii_sidecar_span_cache_lookups_totalmiss": 2,
        "pii_sidecar_span_cache_evictions_total": 0,
        "pii_sidecar_span_cache_entries": 2,
        "pii_sidecar_span_cache_bytes": cache.stats.bytes,
    }


def test_the_address_is_free_again_afterwards() -> None:
    address = free()
    for _ in range(2):
        with exported(address, CacheStats):
            assert scraped(address)


def test_an_address_that_cannot_be_had_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = TcpAddress("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(ConfigError, match=str(address)), exported(address, CacheStats):
            pass
