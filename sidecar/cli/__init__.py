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
    command.serve(settings, listen, health_listen, (tls_cert, tls_key, tls_client_ca), insecure=insecure)


@app.command()
def scan(
    file: Annotated[Path | None, typer.Argument(help="Text to look at; standard input if left out.")] = None,
    config: ConfigFile = None,
    jsonl: Annotated[bool, typer.Option("--jsonl", help='{"id", "text"} lines in, spans out.')] = False,
) -> None:
    """Show what would be found in a text."""
    from sidecar.cli import scan as command

    settings = load_settings(config)
    try:
        (command.scan_jsonl if jsonl else command.scan_text)(settings, file)
    except command.BadInput as exc:
        fail(str(exc), 2)
