"""The Masking service: one text in, the same text without personal data out, and no way back.

Failures say what is wrong with the call and never quote its text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import structlog
from google.protobuf.message import DecodeError

from sidecar.errors import RequestRefused
from sidecar.extproc.failure import abort, described
from sidecar.extproc.heavy_pool import HeavyPool, Overdue
from sidecar.extproc.pb.pii_sidecar.v1.masking_pb2 import HealthReply, ProfileMaskReply, ProfileMaskRequest

SERVICE_NAME = "pii_sidecar.v1.Masking"

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
Context = grpc.aio.ServicerContext[Any, Any]
Mask = Callable[[str, str], str]


class Masking:
    """Serves ``pii_sidecar.v1.Masking``. ``mask`` takes policy and text; KeyError: no such policy."""

    def __init__(self, mask: Mask, pool: HeavyPool) -> None:
        self._mask = mask
        self._pool = pool

    def handler(self) -> grpc.GenericRpcHandler[Any, Any]:
        """Return what a gRPC server needs to route calls here."""
        methods = {
            "ProfileMask": grpc.unary_unary_rpc_method_handler(self.profile_mask),
            "Health": grpc.unary_unary_rpc_method_handler(self.health),
        }
        return grpc.method_handlers_generic_handler(SERVICE_NAME, methods)

    async def health(self, _message: bytes, _context: Context) -> bytes:
        """Say that this worker serves."""
        return HealthReply(status="ok").SerializeToString()

    async def profile_mask(self, message: bytes, context: Context) -> bytes:
        """Mask one text."""
        answer = await self._answer(message)
        if isinstance(answer, bytes):
            return answer
        code, details = answer
        await abort(context, code, details)
        return b""

    async def _answer(self, message: bytes) -> bytes | tuple[grpc.StatusCode, str]:
        """Return the encoded reply, or the status and details to end the call with."""
        try:
            request = ProfileMaskRequest.FromString(message)
            if not request.HasField("value"):
                return grpc.StatusCode.INVALID_ARGUMENT, "value: is missing; a string is needed"
            replacement = await self._pool.run(lambda: self._mask(request.policy, request.value))
            return ProfileMaskReply(replacement=replacement).SerializeToString()
        except DecodeError:
            return grpc.StatusCode.INVALID_ARGUMENT, "message is not a ProfileMaskRequest"
        except KeyError:
            return grpc.StatusCode.NOT_FOUND, "policy: no such policy"
        except RequestRefused as refused:
            return grpc.StatusCode.INVALID_ARGUMENT, refused.message
        except Overdue:
            return grpc.StatusCode.DEADLINE_EXCEEDED, "watchdog_rang"
        except Exception as exc:  # noqa: BLE001 - the shell's loop: the text of others' errors stays here
            log.warning("mask_failed", **described(exc))
            return grpc.StatusCode.INTERNAL, "internal_error"
