"""The command line: reads settings, puts the parts together, and turns errors into one line each.

Exit codes: 0 done; 1 a setting, the model or Envoy is not usable; 2 wrong usage or bad input.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer

from sidecar import settings as settings_module
from sidecar.errors import ConfigError
from sidecar.settings import Settings

# One thread for each worker: NumPy's own pool would not survive the fork, and gains nothing here.
BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")

app = typer.Typer(
    help="Keeps personal data out of LLM API traffic.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
ConfigFile = Annotated[Path | None, typer.Option("--config", help="TOML file with settings.")]


def main() -> None:
    """Run the command that the arguments name."""
    for name in BLAS_THREADS:
        os.environ.setdefault(name, "1")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its messages may quote metadata
    try:
        app()
    except ConfigError as exc:
        fail(str(exc), 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has seen enough
        sys.exit(1)


def fail(message: str, code: int) -> None:
    """Say in one line on stderr what is wrong, and exit."""
    sys.stderr.write(f"pii-sidecar: {message}\n")
    sys.exit(code)


def load_settings(config: Path | None, **flags: Any) -> Settings:  # noqa: ANN401 - settings checks them
    """Read all settings and set up logging by them.

    Raises:
        ConfigError: A setting is not usable.
    """
    settings = settings_module.load(config, **flags)
    _configure_logging(settings.log_level)
    return settings


def _configure_logging(level: str) -> None:
    # gRPC and spaCy log through the standard library, and what they would say may quote a body.
    logging.getLogger().setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@app.command()
def up(
    listen: Annotated[
        str | None, typer.Option(help="HOST:PORT of the gateway; port 0 takes a free one.")
    ] = None,
    upstream: Annotated[list[str] | None, typer.Option(help="NAME=URL; may be given again.")] = None,
    default_target: Annotated[str | None, typer.Option(help="Where /v1/* goes.")] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes; 0: one per CPU.")] = None,
    config: ConfigFile = None,
    tls_cert: Annotated[Path | None, typer.Option(help="PEM certificate of the gateway.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM key of the gateway.")] = None,
    tls_self_signed: Annotated[bool, typer.Option("--tls-self-signed", help="Make a certificate.")] = False,
    upstream_ca: Annotated[Path | None, typer.Option(help="PEM file of a private CA for upstreams.")] = None,
) -> None:
    """Run workers and Envoy as children; print a line when ready."""
    from sidecar.cli import up as command

    host, port = command.split_listen(listen) if listen else (None, None)
    settings = load_settings(
        config,
        host=host,
        port=port,
        upstreams=command.split_upstreams(upstream) if upstream else None,
        default_target=default_target,
        workers=workers,
        tls_cert=tls_cert,
        tls_key=tls_key,
        upstream_ca=upstream_ca,
    )
    command.up(settings, self_signed_tls=tls_self_signed)


@app.command()
def serve(
    listen: Annotated[str, typer.Option(help="unix:PATH or HOST:PORT of the ext_proc server.")],
    config: ConfigFile = None,
    health_listen: Annotated[str | None, typer.Option(help="HOST:PORT for gRPC health probes alone.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="PEM certificate of the server.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM key of the server.")] = None,
    tls_client_ca: Annotated[Path | None, typer.Option(help="PEM CA that clients must be signed by.")] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Allow plain TCP beyond loopback.")] = False,
) -> None:
    """Run the ext_proc server alone: for compose, Kubernetes and meshes."""
    from sidecar.cli import serve as command

    settings = load_settings(config)
    tls = command.tls_files(tls_cert, tls_key, tls_client_ca)
    command.serve(settings, listen, health_listen, tls, insecure=insecure)


@app.command()
def demo() -> None:
    """Show offline what is sent, what the provider sees and what comes back."""
    from sidecar.cli import demo as command

    load_settings(None)
    sys.exit(command.demo())


@app.command()
def doctor(
    url: Annotated[str, typer.Argument(help="The gateway, such as http://127.0.0.1:8080.")],
    header: Annotated[
        list[str] | None, typer.Option(help="NAME:TEXT sent along; may be given again.")
    ] = None,
    skip: Annotated[
        list[str] | None, typer.Option(help="Entity type not to ask for, such as PERSON.")
    ] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Take any certificate.")] = False,
) -> None:
    """Ask a running gateway what of some planted data would have left."""
    from sidecar.cli import doctor as command

    headers = command.split_headers(header or [])
    if not command.doctor(url, headers=headers, insecure=insecure, skipped=frozenset(skip or ())):
        sys.exit(1)


@app.command()
def check(config: ConfigFile = None) -> None:
    """Check settings, patterns, model and Envoy configuration before they go live."""
    from sidecar.cli import check as command

    if not command.check(config):
        sys.exit(1)


@app.command()
def envoy_config(config: ConfigFile = None) -> None:
    """Print the Envoy configuration that ``up`` would run."""
    from sidecar.cli import up as command

    sys.stdout.write(command.shown_config(load_settings(config)))


@app.command()
def scan(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Texts to look at; standard input if left out.")
    ] = None,
    config: ConfigFile = None,
    jsonl: Annotated[bool, typer.Option("--jsonl", help='{"id", "text"} lines in, spans out.')] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why each span was taken or dropped.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option(help="Write a page with the marked texts to this file.")
    ] = None,
) -> None:
    """Show what would be found in texts."""
    from sidecar.cli import scan as command

    settings = load_settings(config)
    chosen = files or []
    if jsonl and (len(chosen) > 1 or explain or html):
        fail("--jsonl takes one file, and neither --explain nor --html", 2)
    try:
        if jsonl:
            command.scan_jsonl(settings, chosen[0] if chosen else None)
        else:
            command.scan_texts(settings, chosen, explain=explain, page=html)
    except command.BadInput as exc:
        fail(str(exc), 2)
