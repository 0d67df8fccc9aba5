"""The Masking service: one text in, the same text without personal data out, and no way back.

Failures say what is wrong with the call and never quote its text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog
from google.protobuf.message import DecodeError

from sidecar.errors import RequestRefused
from sidecar.extproc.admission import Admission, Busy
from sidecar.extproc.failure import described
from sidecar.extproc.heavy_pool import HeavyPool, Overdue
from sidecar.extproc.pb.pii_sidecar.v1.masking_pb2 import HealthReply, ProfileMaskReply, ProfileMaskRequest
from sidecar.extproc.rpc.server import Handler, unary
from sidecar.extproc.rpc.status import End, Status

SERVICE_NAME = "pii_sidecar.v1.Masking"

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
Mask = Callable[[str, str], str]


class Masking:
    """Serves ``pii_sidecar.v1.Masking``. ``mask`` takes policy and text; KeyError: no such policy."""

    def __init__(self, mask: Mask, pool: HeavyPool, admission: Admission | None = None) -> None:
        self._mask = mask
        self._pool = pool
        self._admission = admission or Admission()

    def handlers(self) -> Mapping[str, Handler]:
        """Return what serves each method."""
        return {
            f"/{SERVICE_NAME}/ProfileMask": unary(self.profile_mask),
            f"/{SERVICE_NAME}/Health": unary(self.health),
        }

    async def health(self, _message: bytes) -> bytes:
        """Say that this worker serves."""
        return HealthReply(status="ok").SerializeToString()

    async def profile_mask(self, message: bytes) -> bytes | End:
        """Return the encoded reply that masks one text, or why there is none."""
        try:
            request = ProfileMaskRequest.FromString(message)
            if not request.HasField("value"):
                return End(Status.INVALID_ARGUMENT, "value: is missing; a string is needed")
            with self._admission.taken(len(request.value)):
                replacement = await self._pool.run(lambda: self._mask(request.policy, request.value))
            return ProfileMaskReply(replacement=replacement).SerializeToString()
        except DecodeError:
            return End(Status.INVALID_ARGUMENT, "message is not a ProfileMaskRequest")
        except KeyError:
            return End(Status.NOT_FOUND, "policy: no such policy")
        except RequestRefused as refused:
            return End(Status.INVALID_ARGUMENT, refused.message)
        except Busy as busy:
            return End(Status.UNAVAILABLE, f"busy; try again in {busy.retry_seconds} s")
        except Overdue:
            return End(Status.DEADLINE_EXCEEDED, "watchdog_rang")
        except Exception as exc:  # noqa: BLE001 - the shell's loop: the text of others' errors stays here
            log.warning("mask_failed", **described(exc))
            return End(Status.INTERNAL, "internal_error")
