"""A format whose bodies are JSON: two shapes, an order, and how its streams are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sidecar.formats.anything import UNKNOWN
from sidecar.formats.format import ByteRestorer, ParsedRequest, Passing
from sidecar.formats.generic_stream import ndjson_restorer
from sidecar.formats.json_answer import restored_answer
from sidecar.formats.json_request import JsonRequest
from sidecar.formats.shapes import Shapes, compiled
from sidecar.model import RestorerFactory


class JsonFormat:
    """One provider's wire shape; see ``formats.format.Format``.

    Args:
        name: The name in metrics and docs.
        shapes: The shapes, among them ``request`` and ``answer``.
        order: The top-level keys of a request that reach the model first, in that order.
        stream: Makes the restorer of one server-sent-events answer.
    """

    def __init__(
        self,
        name: str,
        shapes: Shapes,
        order: Sequence[str],
        stream: Callable[[RestorerFactory], ByteRestorer],
    ) -> None:
        self._name = name
        self.shapes = shapes
        """The shapes, as they were given."""
        self.request = compiled(shapes, "request", order, UNKNOWN)
        self._answer = compiled(shapes, "answer", unknown=UNKNOWN)
        self._stream = stream

    @property
    def name(self) -> str:
        """The name in metrics and docs."""
        return self._name

    def parse_request(self, body: bytes, passing: Passing = Passing.NOTHING) -> ParsedRequest:
        """Find the text fields of a request body; see ``JsonRequest`` for what is refused."""
        return JsonRequest(body, self.request, passing=passing)

    def parse_answer(self, body: bytes) -> ParsedRequest:
        """Find the text fields of a whole JSON answer."""
        return JsonRequest(body, self._answer)

    def restore_answer(self, body: bytes, restorers: RestorerFactory) -> bytes:
        """Restore a whole JSON answer; a body without live tokens comes back unchanged.

        Raises:
            ValueError: The body is not JSON.
        """
        return restored_answer(body, self._answer, restorers)

    def restore_stream(self, restorers: RestorerFactory) -> ByteRestorer:
        """Return a restorer for one server-sent-events answer."""
        return self._stream(restorers)

    def restore_lines(self, restorers: RestorerFactory) -> ByteRestorer:
        """Return a restorer for one answer of JSON lines, whatever these hold."""
        return ndjson_restorer(restorers)

    def restore_elements(self, restorers: RestorerFactory) -> ByteRestorer | None:  # noqa: ARG002  few APIs do
        """Return None: an array is one document."""
        return None
