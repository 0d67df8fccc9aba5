"""grpc.health.v1 for Envoy, kubelet and whoever watches, without holding up a shutdown.

A status is given for the whole server (empty name) and for the ext_proc service.
"""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as stock  # type: ignore[attr-defined]  # the stubs lack it

from sidecar.extproc.failure import abort

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Health(stock.HealthServicer):  # type: ignore[misc]  # the same
    """The stock servicer, but a watcher is let go when the server stops."""

    def __init__(self, services: tuple[str, ...]) -> None:
        super().__init__()
        self._services = ("", *services)
        self._stopping = asyncio.Event()

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve from ``server``, one of perhaps several."""
        health_pb2_grpc.add_HealthServicer_to_server(self, server)

    async def report(self, *, serving: bool) -> None:
        """Give all services the same status."""
        for service in self._services:
            await self.set(service, SERVING if serving else NOT_SERVING)

    async def stop(self) -> None:
        """Say NOT_SERVING from now on, and end all watches."""
        await self.enter_graceful_shutdown()
        self._stopping.set()

    async def Watch(  # noqa: N802 - the name is gRPC's
        self, request: health_pb2.HealthCheckRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> None:
        """Send every change of one service's status until the client or the server has enough."""
        watch = asyncio.ensure_future(super().Watch(request, context))
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({watch, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            watch.cancel()
            stopping.cancel()
            await asyncio.gather(watch, stopping, return_exceptions=True)
        await abort(context, grpc.StatusCode.UNAVAILABLE, "server is stopping")
