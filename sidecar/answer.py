"""One answer's body on its way to the client: inflated, watched for ids that stay, restored.

What comes out depends only on the bytes that went in, never on how they were cut.
"""

from __future__ import annotations

from sidecar.answer_scan import AnswerScan, PatternsIn
from sidecar.conversation import Conversation
from sidecar.formats.answers import Untouched, restorer_for
from sidecar.formats.content_coding import Inflater
from sidecar.formats.format import ByteRestorer
from sidecar.formats.registry import format_for_path
from sidecar.model import Headers, RestorerFactory
from sidecar.tokens.token_map import TokenMap

INLINE_BYTES = 32 * 1024  # above this, work on one answer is worth a thread of its own
# Of a whole answer: streams may be long, and what has to be held whole has a lower limit of its own.
INFLATED_LIMIT = 1024 * 1024 * 1024


class Answer:
    """The body of one answer.

    Args:
        restorer: Restores it.
        content_encoding: How it is compressed; empty if it is not.
        conversation: Is shown every byte, inflated.

    Raises:
        ResponseUnsafe: The coding is unknown.
    """

    def __init__(self, restorer: ByteRestorer, content_encoding: str, conversation: Conversation) -> None:
        self._restorer = restorer
        self._inflater = Inflater(content_encoding, INFLATED_LIMIT)
        self._conversation = conversation
        self._held = 0  # bytes taken and not sent on, which is all of them where it must be whole

    def is_heavy(self, chunk: bytes, *, ends: bool) -> bool:
        """Tell whether the next chunk may take longer than a message is worth on the event loop."""
        return len(chunk) + (self._held if ends else 0) > INLINE_BYTES

    def feed(self, chunk: bytes, *, ends: bool) -> bytes:
        """Take the next bytes; return what can be sent on now, and all the rest if the body ends.

        Raises:
            ResponseUnsafe: It cannot be inflated or restored.
        """
        plain = self._inflater.feed(chunk)
        if ends:
            plain += self._inflater.flush()
        self._conversation.see(plain, ends=ends)
        restored = self._restorer.feed(plain)
        if ends:
            restored += self._restorer.flush()
        self._held = max(0, self._held + len(chunk) - len(restored))
        return restored


def answer_for(
    headers: Headers, path: str, token_map: TokenMap, conversation: Conversation, scan: PatternsIn | None
) -> Answer | None:
    """Return what the answer's body has to go through, or None if it passes as it is.

    Args:
        headers: The answer's header fields.
        path: The request's path.
        token_map: What is restored.
        conversation: May have to see the body.
        scan: Finds what an answer must not invent; None lets it invent.

    Raises:
        ResponseUnsafe: The body is in a coding that cannot be undone.
    """
    watched = conversation.begin_answer(headers)
    fmt = format_for_path(path)
    restorers: RestorerFactory = token_map.restorer
    if scan is not None:
        scanned = AnswerScan(token_map, scan)
        fmt, restorers = scanned.format(fmt), scanned.restorer
    restorer: ByteRestorer | None = None
    if scan is not None or len(token_map):
        restorer = restorer_for(fmt, conversation.answer_type(headers.get("content-type")), restorers)
    if restorer is None and watched:
        restorer = Untouched()
    return Answer(restorer, headers.get("content-encoding"), conversation) if restorer else None
