"""One HTTP exchange as a state machine: events in, replies out, no IO.

Invariant: the replies to a request's events never hold a byte of its body that has not been looked at,
and the stamp that the guard filter asks for is set only by the reply that answers the last body byte.

::

    START --headers--> BODY --last byte--> SENT --response headers--> ANSWER --last byte--> DONE
      |                 |                   ^  |
      |                 +----> RECALL ------+  +--nothing to restore--> PASS
      +--headers without body--> (RECALL) --+

RECALL waits for the token maps of the earlier exchanges that the request refers to, if they are kept at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto

from sidecar.answer_scan import AnswerScan
from sidecar.conversation import Conversation, Conversations
from sidecar.detection.pipeline import Detection
from sidecar.errors import RequestRefused, ResponseUnsafe, StreamBroken
from sidecar.formats.answers import Untouched, restorer_for
from sidecar.formats.content_coding import Inflater, inflate_request
from sidecar.formats.format import ByteRestorer, Passing, RequestReader
from sidecar.formats.registry import format_for_path
from sidecar.formats.request_types import UNREADABLE_TYPE, reader_for
from sidecar.model import (
    Body,
    BodyMode,
    BodyModes,
    BodyReply,
    Direction,
    Event,
    HeaderEdit,
    Headers,
    HeadersReply,
    Recall,
    Recalled,
    Refusal,
    Reply,
    RequestHeaders,
    ResponseHeaders,
    RestorerFactory,
    StreamedReply,
    Trailers,
    TrailersReply,
)
from sidecar.policy import (
    REPORT_HEADER,
    STAMP,
    HeaderPolicy,
    check_body,
    check_method,
    check_url,
    echo,
    error_shape,
    is_doctor,
    refusal,
    report,
)
from sidecar.request_body import Deadline, tokenize_body
from sidecar.tokens.token_map import TokenMap

INLINE_BYTES = 32 * 1024  # above this, work on one answer is worth a thread of its own
STREAMED_PIECE = 1024 * 1024
# Of a whole answer: streams may be long, and what has to be held whole has a lower limit of its own.
INFLATED_LIMIT = 1024 * 1024 * 1024
# Fields that describe the body's bytes and are wrong once it has been edited.
BODY_HEADERS = (
    "content-length",
    "content-encoding",
    "content-md5",
    "content-digest",
    "repr-digest",
    "digest",
    "etag",
)


class State(Enum):
    """Where an exchange stands; see the module's drawing."""

    START = auto()
    BODY = auto()
    RECALL = auto()
    SENT = auto()
    ANSWER = auto()
    PASS = auto()
    DONE = auto()


@dataclass(frozen=True, slots=True)
class Core:
    """What all exchanges of a worker share. ``body_limit`` in bytes, ``detection_seconds`` per request.

    ``scan_answers``: whether personal data that an answer invents is tokenized away.
    ``report_header``: whether answers say how many originals were tokenized, by entity type.
    ``conversations``: None keeps nothing beyond an exchange.
    """

    detection: Detection
    header_policy: HeaderPolicy
    body_limit: int
    detection_seconds: float
    passing: Passing = Passing.NOTHING
    report_header: bool = True
    scan_answers: bool = False
    conversations: Conversations | None = None


class Exchange:
    """One HTTP request and its response.

    ``receive`` must be called with the events in Envoy's order, one at a time; it never blocks on
    anything but computation.
    """

    def __init__(self, core: Core, modes: BodyModes) -> None:
        self._core = core
        self._modes = modes
        self._state = State.START
        self._map = TokenMap(core.detection.entity_types)
        self._request = Headers()
        self._conversation = Conversation(None, self._request)
        self._recalled: Callable[[], Iterator[Reply]] | None = None  # what is put off until a recall is over
        self._edit = HeaderEdit()  # for the deferred headers answer in full duplex
        self._body = bytearray()
        self._reader: RequestReader | None = None
        self._inflated = False  # whether the request came compressed and leaves as it reads
        self._response_mode = modes.response
        self._deadline: Deadline | None = None
        self._inflater: Inflater | None = None
        self._restorer: ByteRestorer | None = None
        self._held = 0  # bytes of the answer taken and not sent on, which is all of it where it must be whole

    @property
    def owes_answer(self) -> bool:
        """Whether closing the stream now would let Envoy carry on without an answer of ours."""
        if self._state is State.PASS:
            return self._response_mode is not BodyMode.NONE
        return self._state in {State.BODY, State.RECALL, State.ANSWER}

    def cancel(self) -> None:
        """End detection that is under way in another thread: nobody waits for it any more."""
        if self._deadline is not None:
            self._deadline.end_now()

    def is_heavy(self, event: Event) -> bool:
        """Tell whether the event may take longer than a message is worth on the event loop."""
        match event:
            case Body(direction=Direction.REQUEST):
                return self._completes_request(event)
            case Trailers(direction=Direction.REQUEST):
                return self._state is State.BODY
            case Recalled():
                return bool(self._body)
            case Body(direction=Direction.RESPONSE):
                at_stake = self._held + len(event.chunk) if event.end_of_stream else len(event.chunk)
                return self._state is State.ANSWER and at_stake > INLINE_BYTES
            case _:
                return False

    def receive(self, event: Event) -> list[Reply]:
        """Take the next event; return the replies it calls for, possibly none.

        Raises:
            StreamBroken: The event does not fit the order of the protocol.
            ResponseUnsafe: The answer cannot be restored, and part of it has gone out already.
        """
        try:
            return list(self._replies(event))
        except RequestRefused as refused:
            self._state = State.DONE
            return [self._refusal(refused.status, refused.message)]
        except ResponseUnsafe as unsafe:
            if self._state is not State.SENT:
                raise
            self._state = State.DONE
            return [self._refusal(502, f"the provider's answer cannot be restored: {unsafe}")]

    def _replies(self, event: Event) -> Iterator[Reply]:
        match event:
            case RequestHeaders():
                return self._request_headers(event)
            case Body(direction=Direction.REQUEST):
                return self._request_body(event)
            case Trailers(direction=Direction.REQUEST):
                return self._request_trailers(event)
            case Recalled():
                return self._request_recalled(event)
            case ResponseHeaders():
                return self._response_headers(event)
            case Body():
                return self._response_body(event)
            case Trailers():
                return self._response_trailers(event)

    # --- request ---------------------------------------------------------------------------------

    def _request_headers(self, event: RequestHeaders) -> Iterator[Reply]:
        self._expect(State.START)
        self._request = event.headers
        self._conversation = Conversation(self._core.conversations, event.headers)
        path = event.headers.get(":path")
        check_method(event.headers)
        check_url(path, self._core.detection.patterns_in)
        self._edit = self._core.header_policy.edit(event.headers, self._core.detection.patterns_in)
        if event.end_of_stream:
            if is_doctor(path):
                raise RequestRefused(400, "a body is needed to tell what of it would have left")
            yield from self._once_recalled(b"", self._send_headers)
            return
        check_body(event.headers, self._core.body_limit)
        self._reader = reader_for(
            path,
            event.headers.get("content-type", "application/json"),
            passing=self._core.passing,
            tick=self._tick,
        )
        if self._reader is None:
            raise RequestRefused(415, UNREADABLE_TYPE)
        self._state = State.BODY
        match self._modes.request:
            case BodyMode.NONE:
                raise RequestRefused(
                    500, "Envoy's request_body_mode is NONE: the body would leave uninspected"
                )
            case BodyMode.FULL_DUPLEX_STREAMED:
                return  # answered together with the whole body
            case BodyMode.BUFFERED | BodyMode.BUFFERED_PARTIAL:
                yield HeadersReply(Direction.REQUEST, self._edit)
            case BodyMode.STREAMED | BodyMode.UNKNOWN:
                yield HeadersReply(Direction.REQUEST, _without(self._edit, "content-length"))

    def _request_body(self, event: Body) -> Iterator[Reply]:
        if self._state is State.SENT and event.end_of_stream and not event.chunk:
            # Envoy reports the end of a large body twice.
            yield from self._unchanged(self._modes.request, event)
            return
        self._expect(State.BODY)
        self._body += event.chunk
        if len(self._body) > self._core.body_limit:
            raise RequestRefused(413, f"body: over the limit of {self._core.body_limit} bytes")
        if self._completes_request(event):
            yield from self._complete(lambda: self._send_request(end_of_stream=True))
        elif self._modes.request is BodyMode.BUFFERED_PARTIAL:
            raise RequestRefused(413, "body: Envoy's buffer holds only part of it")
        elif self._modes.request is not BodyMode.FULL_DUPLEX_STREAMED:
            yield BodyReply(Direction.REQUEST, b"")

    def _request_trailers(self, event: Trailers) -> Iterator[Reply]:
        if self._state is State.BODY:
            if self._modes.request is not BodyMode.FULL_DUPLEX_STREAMED:
                raise RequestRefused(400, "request trailers are not supported in this body mode")
            yield from self._complete(lambda: self._send_with_trailers(event))
            return
        self._expect(State.SENT)
        yield _dropped(event)

    def _send_with_trailers(self, event: Trailers) -> Iterator[Reply]:
        yield from self._send_request(end_of_stream=False)
        if self._state is not State.DONE:  # the doctor has had its answer
            yield _dropped(event)

    def _completes_request(self, event: Body) -> bool:
        # A buffered body is whole even where trailers follow, and then it does not end the stream.
        return event.end_of_stream or self._modes.request is BodyMode.BUFFERED

    def _complete(self, send: Callable[[], Iterator[Reply]]) -> Iterator[Reply]:
        """Answer a request whose last byte is here, by ``send``, which finds it inflated."""
        sent = bytes(self._body)
        coding = self._request.get("content-encoding")
        body = inflate_request(sent, coding, self._core.body_limit)
        self._inflated = body is not sent
        if self._inflated:
            self._body = bytearray(body)
        yield from self._once_recalled(body, send)

    def _once_recalled(self, body: bytes, send: Callable[[], Iterator[Reply]]) -> Iterator[Reply]:
        """Yield what ``send`` yields, now or when all that the request refers to has been recalled."""
        keys = self._conversation.keys(body)
        if not keys:
            yield from send()
            return
        self._state, self._recalled = State.RECALL, send
        yield Recall(keys)

    def _request_recalled(self, event: Recalled) -> Iterator[Reply]:
        self._expect(State.RECALL)
        self._conversation.load(event, self._map)
        if self._recalled is not None:
            yield from self._recalled()

    def _send_headers(self) -> Iterator[Reply]:
        self._state = State.SENT
        yield HeadersReply(Direction.REQUEST, _stamped(self._edit))

    def _tokenized(self, body: bytes) -> bytes:
        """Return what the provider may see; the same object if that is what the client sent."""
        if not body:
            return body
        if self._reader is None:
            raise StreamBroken("a request body came without request headers")
        deadline = self._deadline = Deadline(self._core.detection_seconds)
        lasts = self._conversation.lasts
        return tokenize_body(body, self._reader, self._core.detection, self._map, deadline, lasts=lasts)

    def _tick(self) -> None:
        if self._deadline is not None:
            self._deadline.check()

    def _send_request(self, *, end_of_stream: bool) -> Iterator[Reply]:
        sent, self._body = bytes(self._body), bytearray()
        body = self._tokenized(sent)
        if is_doctor(self._request.get(":path")):
            self._state = State.DONE
            answer = echo(body)
            yield replace(answer, headers=(*answer.headers, *self._reported(report(self._map.counts)).set))
            return
        self._state = State.SENT
        if self._modes.request is BodyMode.FULL_DUPLEX_STREAMED:
            edit = _without(self._edit, "content-length", "content-encoding")
            yield HeadersReply(Direction.REQUEST, _stamped(edit))
            yield from _streamed(Direction.REQUEST, body, end_of_stream=end_of_stream)
        elif self._modes.request is BodyMode.BUFFERED and body is sent and not self._inflated:
            yield BodyReply(Direction.REQUEST, None, _stamped(HeaderEdit()))
        else:
            edit = HeaderEdit(set=(("content-length", str(len(body))),))
            yield BodyReply(Direction.REQUEST, body, _stamped(_without(edit, "content-encoding")))

    # --- response --------------------------------------------------------------------------------

    def _response_headers(self, event: ResponseHeaders) -> Iterator[Reply]:
        # Before SENT it is a local reply of Envoy's own, to a request that we never saw or never finished.
        self._expect(State.SENT, State.START, State.BODY)
        edit = self._reported(report(self._map.counts) if self._state is State.SENT else "refused")
        watched = self._conversation.begin_answer(event.headers)
        yield from self._conversation.kept(self._map)
        if event.end_of_stream:
            self._state = State.DONE
            yield HeadersReply(Direction.RESPONSE, edit)
            return
        restorer = None
        fmt = format_for_path(self._request.get(":path"))
        restorers: RestorerFactory = self._map.restorer
        if self._core.scan_answers:
            scan = AnswerScan(self._map, self._core.detection.patterns_in)
            fmt, restorers = scan.format(fmt), scan.restorer
        content_type = self._conversation.answer_type(event.headers.get("content-type"))
        if self._core.scan_answers or len(self._map):
            restorer = restorer_for(fmt, content_type, restorers)
        if restorer is None and watched:
            restorer = Untouched()
        if restorer is None:
            self._state = State.PASS
            yield HeadersReply(Direction.RESPONSE, edit)
            return
        self._inflater = Inflater(event.headers.get("content-encoding"), INFLATED_LIMIT)
        self._restorer = restorer
        asked = None
        if self._modes.response in {BodyMode.NONE, BodyMode.UNKNOWN}:
            asked = self._response_mode = BodyMode.FULL_DUPLEX_STREAMED
        self._state = State.ANSWER
        yield HeadersReply(Direction.RESPONSE, _without(edit, *BODY_HEADERS), asked)

    def _response_body(self, event: Body) -> Iterator[Reply]:
        if self._state is State.DONE and event.end_of_stream and not event.chunk:
            yield from self._unchanged(self._response_mode, event)
            return
        self._expect(State.ANSWER, State.PASS)
        ends = event.end_of_stream or self._response_mode is BodyMode.BUFFERED
        if self._state is State.PASS:
            self._state = State.DONE if ends else State.PASS
            yield from self._unchanged(self._response_mode, event)
            return
        chunk = self._restored(event.chunk, ends=ends)
        self._held = max(0, self._held + len(event.chunk) - len(chunk))
        self._state = State.DONE if ends else State.ANSWER
        yield from self._conversation.kept(self._map)
        match self._response_mode:
            case BodyMode.FULL_DUPLEX_STREAMED:
                if chunk or ends:
                    yield from _streamed(Direction.RESPONSE, chunk, end_of_stream=event.end_of_stream)
            case BodyMode.BUFFERED:
                edit = HeaderEdit(set=(("content-length", str(len(chunk))),))
                yield BodyReply(Direction.RESPONSE, chunk, edit)
            case _:
                yield BodyReply(Direction.RESPONSE, chunk)

    def _response_trailers(self, event: Trailers) -> Iterator[Reply]:
        if self._state is State.ANSWER:
            rest = self._restored(b"", ends=True)
            yield from self._conversation.kept(self._map)
            if self._response_mode is BodyMode.FULL_DUPLEX_STREAMED:
                yield from _streamed(Direction.RESPONSE, rest, end_of_stream=False)
            elif rest:
                raise ResponseUnsafe(
                    "trailers came while text was held back, in a mode that cannot send it on"
                )
        self._state = State.DONE
        del event
        yield TrailersReply(Direction.RESPONSE)

    def _restored(self, chunk: bytes, *, ends: bool) -> bytes:
        if self._restorer is None or self._inflater is None:
            raise StreamBroken("a response body came without response headers")
        plain = self._inflater.feed(chunk)
        self._conversation.see(plain, ends=False)
        if not ends:
            return self._restorer.feed(plain)
        rest = self._inflater.flush()
        self._conversation.see(rest, ends=True)
        return self._restorer.feed(plain + rest) + self._restorer.flush()

    # --- both ------------------------------------------------------------------------------------

    def _unchanged(self, mode: BodyMode, event: Body) -> Iterator[Reply]:
        if mode is BodyMode.FULL_DUPLEX_STREAMED:
            yield StreamedReply(event.direction, event.chunk, event.end_of_stream)
        else:
            yield BodyReply(event.direction, None)

    def _expect(self, *states: State) -> None:
        if self._state not in states:
            raise StreamBroken(f"event out of order in state {self._state.name}")

    def _refusal(self, status: int, message: str) -> Refusal:
        refused = refusal(status, message, error_shape(self._request.get(":path")))
        return replace(refused, headers=(*refused.headers, *self._reported("refused").set))

    def _reported(self, text: str) -> HeaderEdit:
        """Return the edit that says so to the client; what a provider says under our name never passes."""
        if self._core.report_header:
            return HeaderEdit(set=((REPORT_HEADER, text),))
        return HeaderEdit(remove=(REPORT_HEADER,))


def _stamped(edit: HeaderEdit) -> HeaderEdit:
    return replace(edit, set=(*edit.set, STAMP))


def _dropped(event: Trailers) -> TrailersReply:
    return TrailersReply(event.direction, tuple(name for name, _ in event.headers.fields))


def _without(edit: HeaderEdit, *names: str) -> HeaderEdit:
    return replace(edit, remove=(*edit.remove, *names))


def _streamed(direction: Direction, body: bytes, *, end_of_stream: bool) -> Iterator[Reply]:
    """Yield a body in pieces; an empty one still tells that the stream ends."""
    if not body and not end_of_stream:
        return
    for start in range(0, max(len(body), 1), STREAMED_PIECE):
        last = start + STREAMED_PIECE >= len(body)
        yield StreamedReply(direction, body[start : start + STREAMED_PIECE], end_of_stream and last)
