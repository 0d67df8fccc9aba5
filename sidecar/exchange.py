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

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from sidecar.answer import Answer, answer_for
from sidecar.conversation import Conversation, Conversations, caller_of
from sidecar.detection.cache import SpanCache
from sidecar.detection.pipeline import Detection
from sidecar.errors import RequestRefused, ResponseUnsafe, StreamBroken
from sidecar.formats.format import Passing
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
    Passage,
    Recall,
    Recalled,
    Refusal,
    Reply,
    RequestHeaders,
    ResponseHeaders,
    Span,
    Trailers,
    TrailersReply,
)
from sidecar.policy import (
    REPORT_HEADER,
    HeaderPolicy,
    check_method,
    check_url,
    echo,
    error_shape,
    is_doctor,
    refusal,
    report,
)
from sidecar.replies import dropped, stamped, streamed, unchanged, without
from sidecar.request_body import RequestBody
from sidecar.tokens.token_map import TokenMap

# Above this, what restores or keeps them takes longer to build than a message is worth on the event loop.
MANY_ORIGINALS = 2000
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
    ``lines``: remembers what patterns find in header fields and paths; None looks at them every time.
    ``inline_bytes``: up to this size, a request's body is looked at on the event loop.
    ``callers_apart``: whether what detection remembers of one caller's texts is of no use to another.
    """

    detection: Detection
    header_policy: HeaderPolicy
    body_limit: int
    detection_seconds: float
    passing: Passing = Passing.NOTHING
    report_header: bool = True
    scan_answers: bool = False
    conversations: Conversations | None = None
    callers_apart: bool = True
    lines: SpanCache | None = None
    inline_bytes: int = 0


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
        self._scope = b"everybody"  # within which detection remembers
        self._conversation = Conversation(None, self._request)
        self._recalled: Callable[[], Iterator[Reply]] | None = None  # what is put off until a recall is over
        self._edit = HeaderEdit()  # for the deferred headers answer in full duplex
        self._body: RequestBody | None = None
        self._answer: Answer | None = None
        self._response_mode = modes.response

    @property
    def owes_answer(self) -> bool:
        """Whether closing the stream now would let Envoy carry on without an answer of ours."""
        if self._state is State.PASS:
            return self._response_mode is not BodyMode.NONE
        return self._state in {State.BODY, State.RECALL, State.ANSWER}

    @property
    def joins_chunks(self) -> bool:
        """Whether chunks of the answer may be received as one: no reply is owed to each of them."""
        answering = self._state is State.ANSWER or self._state is State.PASS
        return answering and self._response_mode is BodyMode.FULL_DUPLEX_STREAMED

    def cancel(self) -> None:
        """End detection that is under way in another thread: nobody waits for it any more."""
        if self._body is not None:
            self._body.cancel()

    def is_heavy(self, event: Event) -> bool:
        """Tell whether the event may take longer than a message is worth on the event loop."""
        match event:
            case Body(direction=Direction.RESPONSE):
                return len(self._map) > MANY_ORIGINALS or (
                    self._answer is not None and self._answer.is_heavy(event.chunk, ends=event.end_of_stream)
                )
            case Body():
                return self._completes_request(event) and not self._is_short(event)
            case Trailers(direction=Direction.REQUEST):
                return self._state is State.BODY
            case Recalled():
                return self._body is not None
            case ResponseHeaders() | Trailers():
                return len(self._map) > MANY_ORIGINALS
            case _:
                return False

    def work(self, event: Event) -> int:
        """Return how many bytes have to be looked at for this event; 0 if it cannot be put off."""
        if self._body is None or self._state is not State.BODY:
            return 0
        match event:
            case Body(direction=Direction.REQUEST) if self._completes_request(event):
                return self._body.size + len(event.chunk)
            case Trailers(direction=Direction.REQUEST):
                return self._body.size
            case _:
                return 0

    def overloaded(self, retry_seconds: int) -> list[Reply]:
        """Refuse the request instead of receiving an event: there is too much to do."""
        self._state = State.DONE
        refused = self._refusal(503, f"the sidecar is busy; try again in {retry_seconds} s")
        return [replace(refused, headers=(*refused.headers, ("retry-after", str(retry_seconds))))]

    def _is_short(self, event: Body) -> bool:
        """Tell whether a request is looked at in less time than a thread takes to be switched to and back."""
        if self._body is None or self._body.is_compressed or self._core.conversations is not None:
            return False
        return self._body.size + len(event.chunk) <= self._core.inline_bytes

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

    def _replies(self, event: Event) -> Iterable[Reply]:
        match event:
            case Body(direction=Direction.RESPONSE):  # first, for an answer may be thousands of them
                return self._response_body(event)
            case RequestHeaders():
                return self._request_headers(event)
            case Body():
                return self._request_body(event)
            case Trailers(direction=Direction.REQUEST):
                return self._request_trailers(event)
            case Recalled():
                return self._request_recalled(event)
            case ResponseHeaders():
                return self._response_headers(event)
            case Trailers():
                return self._response_trailers(event)

    # --- request ---------------------------------------------------------------------------------

    def _request_headers(self, event: RequestHeaders) -> Iterator[Reply]:
        self._expect(State.START)
        self._request = event.headers
        self._conversation = Conversation(self._core.conversations, event.headers)
        path = event.headers.get(":path")
        check_method(event.headers)
        if self._core.callers_apart:
            self._scope = caller_of(event.headers)
        check_url(path, lambda text: self._patterns_in_each([text])[0])
        self._edit = self._core.header_policy.edit(event.headers, self._patterns_in_each)
        if event.end_of_stream:
            if is_doctor(path):
                raise RequestRefused(400, "a body is needed to tell what of it would have left")
            yield from self._once_recalled(b"", self._send_headers)
            return
        core = self._core
        self._body = RequestBody(event.headers, core.body_limit, core.detection_seconds, core.passing)
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
                yield HeadersReply(Direction.REQUEST, without(self._edit, "content-length"))

    def _patterns_in_each(self, texts: Sequence[str]) -> Sequence[Sequence[Span]]:
        """Return what patterns find in each of several short texts; clients say most of them every time."""
        find, lines = self._core.detection.patterns_in, self._core.lines
        if lines is None:
            return [find(text) for text in texts]
        passages = [Passage(text, patterns_only=True) for text in texts]
        return lines.through(passages, lambda new: [find(each.text) for each in new], 0, self._scope)

    def _request_body(self, event: Body) -> Iterator[Reply]:
        if self._state is State.SENT and event.end_of_stream and not event.chunk:
            # Envoy reports the end of a large body twice.
            yield unchanged(self._modes.request, event)
            return
        body = self._expected_body()
        body.take(event.chunk)
        if self._completes_request(event):
            yield from self._once_recalled(body.complete(), lambda: self._send_request(body))
        elif self._modes.request is BodyMode.BUFFERED_PARTIAL:
            raise RequestRefused(413, "body: Envoy's buffer holds only part of it")
        elif self._modes.request is not BodyMode.FULL_DUPLEX_STREAMED:
            yield BodyReply(Direction.REQUEST, b"")

    def _request_trailers(self, event: Trailers) -> Iterator[Reply]:
        if self._state is State.BODY:
            if self._modes.request is not BodyMode.FULL_DUPLEX_STREAMED:
                raise RequestRefused(400, "request trailers are not supported in this body mode")
            body = self._expected_body()
            yield from self._once_recalled(body.complete(), lambda: self._send_with_trailers(body, event))
            return
        self._expect(State.SENT)
        yield dropped(event)

    def _send_with_trailers(self, body: RequestBody, event: Trailers) -> Iterator[Reply]:
        yield from self._send_request(body, end_of_stream=False)
        if self._state is not State.DONE:  # the doctor has had its answer
            yield dropped(event)

    def _completes_request(self, event: Body) -> bool:
        # A buffered body is whole even where trailers follow, and then it does not end the stream.
        return event.end_of_stream or self._modes.request is BodyMode.BUFFERED

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
        yield HeadersReply(Direction.REQUEST, stamped(self._edit))

    def _send_request(self, body: RequestBody, *, end_of_stream: bool = True) -> Iterator[Reply]:
        lasts = self._conversation.lasts
        sent = body.tokenized(self._core.detection, self._map, lasts=lasts, scope=self._scope)
        if is_doctor(self._request.get(":path")):
            self._state = State.DONE
            answer = echo(sent)
            yield replace(answer, headers=(*answer.headers, *self._reported(report(self._map.counts)).set))
            return
        self._state = State.SENT
        if self._modes.request is BodyMode.FULL_DUPLEX_STREAMED:
            edit = without(self._edit, "content-length", "content-encoding")
            yield HeadersReply(Direction.REQUEST, stamped(edit))
            yield from streamed(Direction.REQUEST, sent, end_of_stream=end_of_stream)
        elif self._modes.request is BodyMode.BUFFERED and not body.changed:
            yield BodyReply(Direction.REQUEST, None, stamped(HeaderEdit()))
        else:
            edit = HeaderEdit(set=(("content-length", str(len(sent))),))
            yield BodyReply(Direction.REQUEST, sent, stamped(without(edit, "content-encoding")))

    # --- response --------------------------------------------------------------------------------

    def _response_headers(self, event: ResponseHeaders) -> Iterator[Reply]:
        # Before SENT it is a local reply of Envoy's own, to a request that we never saw or never finished.
        self._expect(State.SENT, State.START, State.BODY)
        edit = self._reported(report(self._map.counts) if self._state is State.SENT else "refused")
        scan = self._core.detection.patterns_in if self._core.scan_answers else None
        path = self._request.get(":path")
        self._answer = answer_for(event.headers, path, self._map, self._conversation, scan)
        yield from self._conversation.kept(self._map)
        if event.end_of_stream or self._answer is None:
            self._state = State.DONE if event.end_of_stream else State.PASS
            yield HeadersReply(Direction.RESPONSE, edit)
            return
        asked = None
        if self._modes.response in {BodyMode.NONE, BodyMode.UNKNOWN}:
            asked = self._response_mode = BodyMode.FULL_DUPLEX_STREAMED
        self._state = State.ANSWER
        yield HeadersReply(Direction.RESPONSE, without(edit, *BODY_HEADERS), asked)

    def _response_body(self, event: Body) -> Iterable[Reply]:
        if self._state is State.ANSWER:
            return self._restored(event)
        if self._state is State.PASS:
            if event.end_of_stream or self._response_mode is BodyMode.BUFFERED:
                self._state = State.DONE
        elif self._state is not State.DONE or event.chunk or not event.end_of_stream:
            self._expect(State.ANSWER, State.PASS)
        return [unchanged(self._response_mode, event)]

    def _restored(self, event: Body) -> list[Reply]:
        """Return the replies to one chunk of an answer that is restored: none as long as it is held back."""
        mode = self._response_mode
        ends = event.end_of_stream or mode is BodyMode.BUFFERED
        chunk = self._expected_answer().feed(event.chunk, ends=ends)
        if ends:
            self._state = State.DONE
        replies: list[Reply] = [*self._conversation.kept(self._map)] if self._conversation.has_found else []
        if mode is BodyMode.FULL_DUPLEX_STREAMED:
            if chunk or ends:
                replies += streamed(Direction.RESPONSE, chunk, end_of_stream=event.end_of_stream)
        elif mode is BodyMode.BUFFERED:
            edit = HeaderEdit(set=(("content-length", str(len(chunk))),))
            replies.append(BodyReply(Direction.RESPONSE, chunk, edit))
        else:
            replies.append(BodyReply(Direction.RESPONSE, chunk))
        return replies

    def _response_trailers(self, event: Trailers) -> Iterator[Reply]:
        if self._state is State.ANSWER:
            rest = self._expected_answer().feed(b"", ends=True)
            yield from self._conversation.kept(self._map)
            if self._response_mode is BodyMode.FULL_DUPLEX_STREAMED:
                yield from streamed(Direction.RESPONSE, rest, end_of_stream=False)
            elif rest:
                raise ResponseUnsafe(
                    "trailers came while text was held back, in a mode that cannot send it on"
                )
        self._state = State.DONE
        del event
        yield TrailersReply(Direction.RESPONSE)

    # --- both ------------------------------------------------------------------------------------

    def _expect(self, *states: State) -> None:
        if self._state not in states:
            raise StreamBroken(f"event out of order in state {self._state.name}")

    def _expected_body(self) -> RequestBody:
        self._expect(State.BODY)
        if self._body is None:
            raise StreamBroken("a request body came without request headers")
        return self._body

    def _expected_answer(self) -> Answer:
        if self._answer is None:
            raise StreamBroken("a response body came without response headers")
        return self._answer

    def _refusal(self, status: int, message: str) -> Refusal:
        refused = refusal(status, message, error_shape(self._request.get(":path")))
        return replace(refused, headers=(*refused.headers, *self._reported("refused").set))

    def _reported(self, text: str) -> HeaderEdit:
        """Return the edit that says so to the client; what a provider says under our name never passes."""
        if self._core.report_header:
            return HeaderEdit(set=((REPORT_HEADER, text),))
        return HeaderEdit(remove=(REPORT_HEADER,))
