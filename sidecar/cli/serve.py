"""``pii-sidecar serve``: the ext_proc server alone, in this very process."""

from __future__ import annotations

from pathlib import Path

from sidecar.cli.core import build
from sidecar.errors import ConfigError
from sidecar.extproc.listen import TlsFiles
from sidecar.extproc.server import ServerOptions, run_server
from sidecar.settings import Settings


def serve(
    settings: Settings,
    listen: str,
    health_listen: str | None,
    tls: tuple[Path | None, Path | None, Path | None],
    *,
    insecure: bool,
) -> None:
    """Load the core and serve until SIGTERM.

    Raises:
        ConfigError: A setting or an address is not usable.
    """
    options = ServerOptions(
        listen=listen,
        health_listen=health_listen,
        insecure=insecure,
        tls=_tls_files(*tls),
        body_limit=settings.body_limit,
        watchdog_seconds=settings.watchdog_seconds,
        drain_seconds=settings.drain_seconds,
    )
    product = build(settings)
    run_server(options, product.new_exchange, product.mask)


def _tls_files(cert: Path | None, key: Path | None, client_ca: Path | None) -> TlsFiles | None:
    if cert is None and key is None and client_ca is None:
        return None
    if cert is None or key is None:
        raise ConfigError("--tls-cert and --tls-key go together, and --tls-client-ca needs them")
    return TlsFiles(cert, key, client_ca)
