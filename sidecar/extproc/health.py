"""grpc.health.v1 for Envoy, kubelet and whoever watches, without holding up a shutdown.

A status is given for the whole server (empty name) and for the ext_proc service.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from google.protobuf.message import DecodeError
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from sidecar.extproc.rpc.call import Call
from sidecar.extproc.rpc.server import Handler, unary
from sidecar.extproc.rpc.status import End, Status

SERVICE_NAME = "grpc.health.v1.Health"

_STOPPING = End(Status.UNAVAILABLE, "server is stopping")
_NO_REQUEST = End(Status.INVALID_ARGUMENT, "message is not a HealthCheckRequest")
_UNKNOWN = End(Status.NOT_FOUND, "no such service")


class Health:
    """Serves ``grpc.health.v1.Health``, from one server or several.

    Args:
        services: Whose status is that of the whole server; others are unknown.
    """

    def __init__(self, services: tuple[str, ...]) -> None:
        self._services = frozenset(("", *services))
        self._serving = False
        self._stopping = False
        self._changed = asyncio.Event()

    def handlers(self) -> Mapping[str, Handler]:
        """Return what serves each method."""
        return {f"/{SERVICE_NAME}/Check": unary(self.check), f"/{SERVICE_NAME}/Watch": self.watch}

    def report(self, *, serving: bool) -> None:
        """Give all services the same status; after ``stop`` it stays what it is."""
        if serving != self._serving and not self._stopping:
            self._serving = serving
            self._tell()

    def stop(self) -> None:
        """Say NOT_SERVING from now on, and end all watches."""
        self._serving = False
        self._stopping = True
        self._tell()

    async def check(self, message: bytes) -> bytes | End:
        """Return the status of one service."""
        service = _service(message)
        if isinstance(service, End):
            return service
        return self._status() if service in self._services else _UNKNOWN

    async def watch(self, call: Call) -> End:
        """Send the status of one service and each change of it, until client or server has enough."""
        service = _service(await call.read() or b"")
        if isinstance(service, End):
            return service
        if service not in self._services:
            unknown = HealthCheckResponse(status=HealthCheckResponse.SERVICE_UNKNOWN)
            await call.write(unknown.SerializeToString())
        while not self._stopping:
            changed = self._changed
            if service in self._services:
                await call.write(self._status())
            await changed.wait()
        if service in self._services:
            await call.write(self._status())
        return _STOPPING

    def _status(self) -> bytes:
        status = HealthCheckResponse.SERVING if self._serving else HealthCheckResponse.NOT_SERVING
        encoded: bytes = HealthCheckResponse(status=status).SerializeToString()
        return encoded

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _service(message: bytes) -> str | End:
    try:
        service: str = HealthCheckRequest.FromString(message).service
    except DecodeError:
        return _NO_REQUEST
    return service
