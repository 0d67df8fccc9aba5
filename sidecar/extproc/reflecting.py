"""grpc.reflection.v1alpha: lets grpcurl look at a running worker.

The stock servicer answers; it needs gRPC itself, so it is loaded when somebody looks for the first time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from google.protobuf.message import DecodeError

from sidecar.extproc.heavy_pool import HeavyPool
from sidecar.extproc.rpc.call import Call
from sidecar.extproc.rpc.server import Handler
from sidecar.extproc.rpc.status import End, Status

SERVICE_NAME = "grpc.reflection.v1alpha.ServerReflection"


class Reflection:
    """Serves ``ServerReflection`` for the services named."""

    def __init__(self, services: tuple[str, ...], pool: HeavyPool) -> None:
        self._services = services
        self._pool = pool

    def handlers(self) -> Mapping[str, Handler]:
        """Return what serves each method."""
        return {f"/{SERVICE_NAME}/ServerReflectionInfo": self.info}

    async def info(self, call: Call) -> End:
        """Answer each question with one message."""
        answer = await self._pool.run(lambda: _answers(self._services))
        try:
            while (message := await call.read()) is not None:
                await call.write(answer(message))
        except DecodeError:
            return End(Status.INVALID_ARGUMENT, "message is not a ServerReflectionRequest")
        return End()


@cache
def _answers(services: tuple[str, ...]) -> Callable[[bytes], bytes]:
    from grpc_reflection.v1alpha import reflection, reflection_pb2  # noqa: PLC0415 - see above

    servicer: Any = reflection.ReflectionServicer(services)  # a generator, whatever its stub says

    def answer(message: bytes) -> bytes:
        asked = reflection_pb2.ServerReflectionRequest.FromString(message)
        (said,) = servicer.ServerReflectionInfo(iter([asked]), None)
        encoded: bytes = said.SerializeToString()
        return encoded

    return answer
