"""Everything that can go wrong, sorted by what the caller must do about it.

::

    SidecarError
    ├── ConfigError        tell the operator in one line and exit non-zero (never while serving)
    ├── RequestRefused     answer the client with ``status``; nothing goes to the provider
    ├── ResponseUnsafe     502 if the client has seen nothing yet, otherwise abort the stream
    └── StreamBroken       Envoy broke the order of the protocol: abort the stream

No message ever holds text of a body: messages say where, what and what was allowed.
"""

from __future__ import annotations


class SidecarError(Exception):
    """Base of all errors raised on purpose; its text is safe to log and to show."""


class ConfigError(SidecarError):
    """A setting, ``patterns.json``, the model or Envoy itself is not usable."""


class RequestRefused(SidecarError):
    """The request must not reach the provider.

    Args:
        status: HTTP status for the client, 400..499 for the client's own doing, 5xx for ours.
        message: What is wrong and what is allowed, without any text of the request.
    """

    def __init__(self, status: int, message: str) -> None:
        """Keep the status beside the message."""
        super().__init__(message)
        self.status = status
        self.message = message


class ResponseUnsafe(SidecarError):
    """The provider's answer cannot be restored faithfully."""


class StreamBroken(SidecarError):
    """The events of one stream do not fit the protocol."""
