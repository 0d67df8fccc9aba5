"""Restores a body that is plain text, or not valid for its type: tokens give way to bare originals.

Every byte that is no part of a live token goes out as it came in, however broken. Text is read as UTF-8
unless a single-byte charset is declared; what that charset lacks in an original becomes ``?``. In UTF-16
and UTF-32 tokens are not recognized: the bytes pass.
"""

from __future__ import annotations

import codecs

from sidecar.model import Escaping, RestorerFactory

_ESCAPE = "surrogateescape"  # carries bytes that do not decode through str and back
_SINGLE_BYTE = ("iso8859", "cp125", "koi8")


class RawTextRestorer:
    """Restores one text body, chunk by chunk.

    Args:
        charset: The declared charset, in any spelling; empty or unknown: UTF-8.
    """

    def __init__(self, restorers: RestorerFactory, charset: str = "") -> None:
        self._charset = _codec(charset)
        self._decoder = codecs.getincrementaldecoder(self._charset)(_ESCAPE)
        self._restorer = restorers(Escaping.RAW)

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes, cut anywhere; return what can be sent on now."""
        return self._encoded(self._restorer.feed(self._decoder.decode(chunk)))

    def flush(self) -> bytes:
        """Return the rest; the body is complete."""
        rest = self._restorer.feed(self._decoder.decode(b"", final=True))
        return self._encoded(rest + self._restorer.flush())

    def _encoded(self, text: str) -> bytes:
        try:
            return text.encode(self._charset, _ESCAPE)
        except UnicodeEncodeError:
            return b"".join(self._character(character) for character in text)

    def _character(self, character: str) -> bytes:
        try:
            return character.encode(self._charset, _ESCAPE)
        except UnicodeEncodeError:
            return b"?"


def restored_raw(data: bytes, restorers: RestorerFactory, charset: str = "") -> bytes:
    """Return a whole text with its tokens restored."""
    restorer = RawTextRestorer(restorers, charset)
    return restorer.feed(data) + restorer.flush()


def _codec(charset: str) -> str:
    try:
        name = codecs.lookup(charset.strip(" \"'") or "utf-8").name
    except (LookupError, ValueError):
        return "utf-8"
    return name if name.startswith(_SINGLE_BYTE) else "utf-8"
