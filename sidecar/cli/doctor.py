"""``pii-sidecar doctor``: asks a running gateway what of some planted originals would have left.

The gateway's doctor route leads nowhere: the sidecar answers it with the tokenized body.
"""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from rich import box
from rich.console import Console
from rich.table import Table

from sidecar.cli.doctor_probes import Probe, probes
from sidecar.errors import ConfigError
from sidecar.policy import DOCTOR_PREFIX, REPORT_HEADER

TIMEOUT_SECONDS = 30.0
WIDTH = 110
CLEAN = "nothing"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one request showed: whether all is well, what would have left, and the gateway's own count."""

    probe: Probe
    well: bool
    left: str
    reported: str


def doctor(url: str, *, headers: Mapping[str, str], insecure: bool, skipped: frozenset[str]) -> bool:
    """Print what would have left; return whether that is nothing.

    Args:
        url: The gateway, with or without a path in front of its routes.
        headers: Sent with each request, for gateways that ask for a credential.
        insecure: Whether the gateway's certificate is taken as it is.
        skipped: Entity types that this gateway is not meant to find.

    Raises:
        ConfigError: Nothing answers there, or what answers is no gateway with a doctor's route.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ConfigError(f"doctor {url!r}: expected http://HOST:PORT or https://HOST:PORT")
    opener = _opener(insecure=insecure)
    findings = []
    for probe in probes():
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
            url.rstrip("/") + DOCTOR_PREFIX.rstrip("/") + probe.path,
            json.dumps(probe.body).encode(),
            {"content-type": "application/json", **headers},
        )
        findings.append(_examined(probe, request, opener, skipped))
    Console(width=WIDTH).print(_table(findings))
    well = all(finding.well for finding in findings)
    verdict = "nothing that was planted would have left" if well else "NOT WELL: see the table"
    Console(width=WIDTH).print(verdict, style="green" if well else "red")
    return well


def split_headers(given: Sequence[str]) -> dict[str, str]:
    """Return text by name of ``NAME:TEXT`` arguments.

    Raises:
        ConfigError: One is of another form.
    """
    headers = {}
    for number, field in enumerate(given, 1):
        name, separator, text = field.partition(":")
        if not separator or not name.strip():
            raise ConfigError(f"--header (number {number}): expected NAME:TEXT")  # it may be a credential
        headers[name.strip()] = text.strip()
    return headers


def _opener(*, insecure: bool) -> urllib.request.OpenerDirector:
    """Return what asks the gateway itself, whatever proxy the environment names."""
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )


def _examined(
    probe: Probe,
    request: urllib.request.Request,
    opener: urllib.request.OpenerDirector,
    skipped: frozenset[str],
) -> Finding:
    try:
        with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            reported, body = answer.headers.get(REPORT_HEADER, "no report"), answer.read()
    except urllib.error.HTTPError as refused:
        if refused.headers.get(REPORT_HEADER) == "refused":
            return Finding(probe, well=False, left=f"refused with {refused.code}", reported="refused")
        raise ConfigError(f"doctor: {request.full_url} answered {refused.code}; is it a gateway?") from None
    except (OSError, http.client.HTTPException) as exc:
        raise ConfigError(f"doctor: {request.full_url} cannot be asked: {exc}") from exc
    try:
        seen: str = json.loads(body)["would_leave"]
        json.loads(seen)
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"doctor: {request.full_url} gave another answer than a sidecar's") from None
    left = [plant for plant in probe.plants if plant.original in seen and plant.entity_type not in skipped]
    listed = ", ".join(dict.fromkeys(f"{plant.entity_type} in {plant.place}" for plant in left))
    return Finding(probe, well=not left, left=listed or CLEAN, reported=reported)


def _table(findings: Sequence[Finding]) -> Table:
    table = Table("request", "planted", "would have left", "the gateway says", box=box.ROUNDED)
    for finding in findings:
        plants = finding.probe.plants
        planted = f"{len(plants)} in {len({plant.place for plant in plants})} places"
        style = "green" if finding.well else "red"
        table.add_row(finding.probe.name, planted, f"[{style}]{finding.left}[/]", finding.reported)
    return table
