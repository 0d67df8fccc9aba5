"""``pii-sidecar serve``: the ext_proc server alone, in this very process."""

from __future__ import annotations

from pathlib import Path

from sidecar.cli.core import build
from sidecar.errors import ConfigError
from sidecar.extproc.listen import TlsFiles
from sidecar.extproc.server import ServerOptions, run_server
from sidecar.settings import Settings


def serve(settings: Settings, options: ServerOptions) -> None:
    """Load the core and serve until SIGTERM.

    Raises:
        ConfigError: A setting or an address is not usable.
    """
    product = build(settings)
    run_server(options, product.new_exchange, product.mask)


def server_options(
    settings: Settings,
    listen: str,
    *,
    health_listen: str | None = None,
    tls: TlsFiles | None = None,
    insecure: bool = False,
) -> ServerOptions:
    """Return how one worker is to serve."""
    return ServerOptions(
        listen=listen,
        health_listen=health_listen,
        insecure=insecure,
        tls=tls,
        body_limit=settings.body_limit,
        watchdog_seconds=settings.watchdog_seconds,
        drain_seconds=settings.drain_seconds,
    )


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
