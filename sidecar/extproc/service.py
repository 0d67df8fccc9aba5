"""The ext_proc service: one gRPC call for one HTTP exchange.

Invariant: ``Process`` ends cleanly only after Envoy has closed its half and no answer is owed. A clean
end makes Envoy carry on with the original body, so every other way out is an abort.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Protocol

import structlog

from sidecar.errors import ResponseUnsafe, StreamBroken
from sidecar.extproc.admission import Admission, Busy
from sidecar.extproc.codec import decode, decode_first, encode
from sidecar.extproc.conversation_store import ConversationStore, StoreUnavailable
from sidecar.extproc.failure import described
from sidecar.extproc.heavy_pool import HeavyPool, Overdue
from sidecar.extproc.joining import joined
from sidecar.extproc.rounds import Rounds
from sidecar.extproc.rpc.call import Call
from sidecar.extproc.rpc.server import Handler
from sidecar.extproc.rpc.status import CallBroken, End, Status
from sidecar.model import BodyModes, Echo, Event, Keep, Recall, Recalled, Refusal, Reply

SERVICE_NAME = "envoy.service.ext_proc.v3.ExternalProcessor"

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
_Answers = list[bytes | Recall | Keep]


class ExchangeLike(Protocol):
    """One HTTP exchange: plain and synchronous, given its events one at a time."""

    @property
    def owes_answer(self) -> bool:
        """Whether Envoy still waits for something that only we can say."""

    def is_heavy(self, event: Event) -> bool:
        """Tell whether ``receive`` of this event belongs in a thread."""

    def work(self, event: Event) -> int:
        """Return how many bytes have to be looked at for this event; 0 if it cannot be put off."""

    def overloaded(self, retry_seconds: int) -> Sequence[Reply]:
        """Refuse the request instead of receiving an event: there is too much to do."""

    @property
    def joins_chunks(self) -> bool:
        """Whether chunks of the answer may be received as one: no reply is owed to each of them."""

    def cancel(self) -> None:
        """End work that is under way in a thread: nobody waits for it any more."""

    def receive(self, event: Event) -> Sequence[Reply]:
        """Take the next event; return the replies it calls for.

        Raises:
            StreamBroken: The event does not fit the order of the protocol.
            ResponseUnsafe: The answer cannot be restored, and part of it has gone out already.
        """


@dataclass(frozen=True, slots=True)
class Abort:
    """How a stream ends when it does not end well; ``notes`` hold no text of the exchange."""

    code: Status
    reason: str
    notes: dict[str, str] = field(default_factory=dict)
    level: int = logging.WARNING


@dataclass(slots=True)
class Stream:
    """What is known of one stream: the exchange, once begun, and counts for the log."""

    exchange: ExchangeLike | None = None
    modes: BodyModes = field(default_factory=BodyModes)
    refused: int = 0  # status of the answer of our own that settled the exchange
    events: int = 0
    replies: int = 0
    arrived: float = 0.0  # when the message that is answered came
    started: float = field(default_factory=time.monotonic)

    def counts(self) -> dict[str, int]:
        """Return the fields of a log line."""
        milliseconds = round((time.monotonic() - self.started) * 1000)
        return {"events": self.events, "replies": self.replies, "status": self.refused, "ms": milliseconds}


class ExternalProcessor:
    """Serves ``envoy.service.ext_proc.v3.ExternalProcessor``."""

    def __init__(
        self,
        new_exchange: Callable[[BodyModes], ExchangeLike],
        pool: HeavyPool,
        store: ConversationStore | None = None,
        admission: Admission | None = None,
    ) -> None:
        self._new_exchange = new_exchange
        self._pool = pool
        self._store = store
        self._admission = admission or Admission()
        self._rounds = Rounds()

    def handlers(self) -> Mapping[str, Handler]:
        """Return what serves each method."""
        return {f"/{SERVICE_NAME}/Process": self.process}

    async def process(self, call: Call) -> End:
        """Serve one stream to its end."""
        stream = Stream()
        try:
            failure = await self._serve(stream, call)
        except asyncio.CancelledError:
            log.debug("stream_canceled", **stream.counts())
            raise
        finally:
            if stream.exchange is not None:
                stream.exchange.cancel()
        if failure is None:
            log.debug("stream_done", **stream.counts())
            return End()
        log.log(failure.level, failure.reason, code=failure.code.name, **failure.notes, **stream.counts())
        return End(failure.code, failure.reason)

    async def _serve(self, stream: Stream, call: Call) -> Abort | None:
        """Answer message by message; return why the stream must be aborted, or None at a clean end."""
        try:
            while (message := await call.read()) is not None:
                await self._answer(stream, call, [message, *call.waiting()])
        except StreamBroken as exc:
            return Abort(Status.INVALID_ARGUMENT, "stream_broken", described(exc))
        except ResponseUnsafe as exc:
            return Abort(Status.DATA_LOSS, "response_unsafe", described(exc))
        except Overdue:
            return Abort(Status.DEADLINE_EXCEEDED, "watchdog_rang")
        except CallBroken as exc:
            return Abort(exc.end.status, "message_refused", level=logging.WARNING)
        except Exception as exc:  # noqa: BLE001 - the shell's loop: whatever it is, Envoy must not carry on
            return Abort(Status.INTERNAL, "internal_error", described(exc))
        if self._settled(stream):
            return None
        # Mostly a client that went away before its answer was complete.
        return Abort(Status.ABORTED, "closed_while_owing", level=logging.DEBUG)

    @staticmethod
    def _settled(stream: Stream) -> bool:
        # A stream without a single event is none that Envoy makes.
        return stream.exchange is not None and (bool(stream.refused) or not stream.exchange.owes_answer)

    async def _answer(self, stream: Stream, call: Call, messages: Sequence[bytes]) -> None:
        """Answer messages that arrived together, chunks of an answer with as few replies as can be."""
        stream.events += len(messages)
        stream.arrived = call.arrival
        events: Iterable[Event] = map(decode, messages)
        exchange = stream.exchange
        if exchange is None:
            stream.modes, first = decode_first(messages[0])
            exchange = stream.exchange = self._new_exchange(stream.modes)
            events = chain([first], map(decode, messages[1:]))
        elif len(messages) > 1 and exchange.joins_chunks:
            events = joined(events)
        for event in events:
            if stream.refused:  # what was on its way when a refusal settled everything
                return
            for answer in await self._answers(stream, exchange, event):
                await call.write(answer)
                stream.replies += 1

    async def _answers(self, stream: Stream, exchange: ExchangeLike, event: Event) -> list[bytes]:
        """Return the encoded replies to one event."""
        answers = await self._received(stream, exchange, event)
        if answers and isinstance(answers[0], Recall):
            answers = await self._received(stream, exchange, await self._recalled(answers[0]))
        if keeps := [answer for answer in answers if isinstance(answer, Keep)]:
            await self._keep(keeps)
        return [answer for answer in answers if isinstance(answer, bytes)]

    async def _received(self, stream: Stream, exchange: ExchangeLike, event: Event) -> _Answers:
        """Return the replies to one event, encoded if they are for Envoy."""
        size = exchange.work(event)

        def work() -> _Answers:
            if size:
                self._admission.begin(stream.arrived)
            return _encoded(stream, exchange.receive(event))

        try:
            if not exchange.is_heavy(event):
                if size:
                    await self._rounds.room()
                return work()  # however many wait for threads
            if not size:
                return await self._pool.run(work)
            with self._admission.taken(size):
                return await self._pool.run(work)
        except Busy as busy:
            log.warning("overloaded", retry_seconds=busy.retry_seconds)
            return _encoded(stream, exchange.overloaded(busy.retry_seconds))

    async def _recalled(self, recall: Recall) -> Recalled:
        try:
            if self._store is not None:
                return Recalled(await self._store.get(recall.keys))
        except StoreUnavailable as exc:
            log.warning("recall_failed", **described(exc.__cause__ or exc))
        return Recalled(reachable=False)

    async def _keep(self, keeps: list[Keep]) -> None:
        # The answer is the client's all the same; a later request that refers to it will be refused.
        try:
            if self._store is not None:
                await self._store.put(keeps)
        except StoreUnavailable as exc:
            log.warning("keep_failed", **described(exc.__cause__ or exc))


def _encoded(stream: Stream, replies: Sequence[Reply]) -> _Answers:
    """Return the replies, encoded if they are for Envoy."""
    stream.refused = next((reply.status for reply in replies if isinstance(reply, Refusal | Echo)), 0)
    return [reply if isinstance(reply, Recall | Keep) else encode(reply, stream.modes) for reply in replies]
