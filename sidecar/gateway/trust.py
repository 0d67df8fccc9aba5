"""Which certificate authorities a provider's certificate may come from.

The system's own bundle, always; a private CA only beside it, never instead of it.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from sidecar.errors import ConfigError

BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL before 10
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, BSD, Alpine
)


def source(system: Path | None, private: Path | None) -> tuple[str, str]:
    """Return the CAs as field and text of Envoy's ``DataSource``: the system's file, or both as one text.

    Args:
        system: PEM bundle of the system's CAs; None looks where this system keeps it.
        private: PEM file of a private CA.

    Raises:
        ConfigError: A file is missing or not usable.
    """
    system = system or system_bundle()
    if private is None:
        return "filename", str(system)
    return "inline_string", combined_pem(system, private)


def system_bundle() -> Path:
    """Return the PEM file of the system's CAs; ``SSL_CERT_FILE`` goes first, as with OpenSSL.

    Raises:
        ConfigError: There is none.
    """
    if chosen := os.environ.get("SSL_CERT_FILE"):
        if Path(chosen).is_file():
            return Path(chosen)
        raise ConfigError(f"SSL_CERT_FILE {chosen!r}: no such file")
    for candidate in BUNDLES:
        if Path(candidate).is_file():
            return Path(candidate)
    raise ConfigError("no bundle of the system's certificate authorities found; set SSL_CERT_FILE")


def combined_pem(system: Path, private: Path) -> str:
    """Return the system's CAs and a private one as one PEM text.

    Raises:
        ConfigError: A file cannot be read, or the private one holds no certificate.
    """
    try:
        pem = private.read_text(encoding="ascii")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
        return f"{system.read_text(encoding='utf-8').rstrip()}\n{pem}"
    except (OSError, ValueError) as exc:  # ssl.SSLError is an OSError
        reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else type(exc).__name__
        raise ConfigError(f"upstream CA {private}: not a readable PEM certificate ({reason})") from exc
