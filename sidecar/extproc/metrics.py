"""What Prometheus may know of a worker: sizes and counts of the span cache, never a text or who sent it.

Figures are read when they are asked for, so that nothing is counted twice and no request pays for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sidecar.detection.cache import CacheStats
from sidecar.errors import ConfigError
from sidecar.extproc.listen import TcpAddress

_PREFIX = "pii_sidecar_span_cache"


class CacheCollector(Collector):
    """Turns a snapshot of the span cache into metrics.

    Args:
        stats: Takes the snapshot.
    """

    def __init__(self, stats: Callable[[], CacheStats]) -> None:
        self._stats = stats

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics, of one moment."""
        stats = self._stats()
        lookups = CounterMetricFamily(
            f"{_PREFIX}_lookups", "Texts and pieces of long ones that were looked up.", labels=["result"]
        )
        lookups.add_metric(["hit"], stats.hits)
        lookups.add_metric(["miss"], stats.misses)
        yield lookups
        yield CounterMetricFamily(f"{_PREFIX}_evictions", "What had to go for want of room.", stats.evictions)
        yield GaugeMetricFamily(f"{_PREFIX}_entries", "What is remembered now.", stats.entries)
        yield GaugeMetricFamily(f"{_PREFIX}_bytes", "The memory that takes.", stats.bytes)


@contextmanager
def exported(address: TcpAddress, stats: Callable[[], CacheStats]) -> Iterator[None]:
    """Answer ``GET /metrics`` in a thread of its own as long as the context lasts.

    Raises:
        ConfigError: The address cannot be used.
    """
    registry = CollectorRegistry()
    registry.register(CacheCollector(stats))
    try:
        server, thread = start_http_server(address.port, address.host, registry)
    except OSError as exc:
        raise ConfigError(f"metrics address {address}: cannot be bound") from exc
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
