"""``pii-sidecar serve``: the ext_proc server alone, one worker under a supervisor.

The worker is a child even here: a frozen one cannot help itself, and a container whose only process
hangs is not restarted by everybody who runs containers.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from sidecar.cli.core import Product, build
from sidecar.cli.warming import warm
from sidecar.errors import ConfigError
from sidecar.extproc.listen import TcpAddress, TlsFiles, parse_address
from sidecar.extproc.server import ServerOptions, run_server
from sidecar.extproc.workers import Heartbeat, Worker
from sidecar.settings import Settings
from sidecar.supervisor.child import forbid_core_dumps
from sidecar.supervisor.loop import Supervisor


@dataclass(frozen=True, slots=True)
class Serving:
    """Serves the product at one address for each worker; called by a ``Worker`` in its fork."""

    settings: Settings
    product: Product
    addresses: tuple[str, ...]
    health_listen: str | None = None
    tls: TlsFiles | None = None
    insecure: bool = False

    def __call__(self, index: int, heartbeat: Heartbeat) -> None:
        """Serve until SIGTERM.

        Raises:
            ConfigError: The address cannot be used.
        """
        options = ServerOptions(
            listen=self.addresses[index],
            health_listen=self.health_listen,
            insecure=self.insecure,
            tls=self.tls,
            body_limit=self.settings.body_limit,
            watchdog_seconds=self.settings.watchdog_seconds,
            queue_requests=self.settings.queue_requests,
            queue_seconds=self.settings.queue_seconds,
            drain_seconds=self.settings.drain_seconds,
            conversation_store=self.settings.conversation_store,
        )
        warm(self.product.core)  # what it writes to is the worker's own from now on: that is copied here
        with self._metrics(index):
            run_server(options, self.product.new_exchange, self.product.mask, heartbeat=heartbeat)

    def _metrics(self, index: int) -> AbstractContextManager[None]:
        """Export metrics: the first worker's at the port that is set, the others' at the ports after it."""
        if self.settings.metrics_listen is None:
            return nullcontext()
        address = parse_address(self.settings.metrics_listen)
        if not isinstance(address, TcpAddress):
            raise ConfigError("metrics_listen: HOST:PORT or [IPV6]:PORT is needed")
        from sidecar.extproc.metrics import exported  # only where it is wanted

        return exported(replace(address, port=address.port + index), self.product.cache_stats)


def serve(
    settings: Settings, listen: str, health_listen: str | None, tls: TlsFiles | None, *, insecure: bool
) -> None:
    """Load the core and serve until SIGTERM.

    Raises:
        ConfigError: A setting or an address is not usable.
    """
    forbid_core_dumps()
    serving = Serving(settings, build(settings), (listen,), health_listen, tls, insecure)
    Supervisor([Worker(0, serving)], drain_seconds=settings.drain_seconds).run()


def tls_files(cert: Path | None, key: Path | None, client_ca: Path | None) -> TlsFiles | None:
    """Return the files of mutual TLS; none at all means plain text.

    Raises:
        ConfigError: Only some of them are given.
    """
    if cert is None and key is None and client_ca is None:
        return None
    if cert is None or key is None:
        raise ConfigError("--tls-cert and --tls-key go together, and --tls-client-ca needs them")
    return TlsFiles(cert, key, client_ca)
