"""The Masking service over a real channel."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
import structlog

from sidecar.errors import RequestRefused
from sidecar.extproc.heavy_pool import HeavyPool
from sidecar.extproc.masking import SERVICE_NAME, Masking
from sidecar.extproc.pb.pii_sidecar.v1.masking_pb2 import (
    HealthReply,
    HealthRequest,
    ProfileMaskReply,
    ProfileMaskRequest,
)
from sidecar.extproc.rpc.server import RpcServer

ORIGINAL = "ada@example.org"


def called(folder: Path, mask: Callable[[str, str], str], method: str, message: bytes) -> bytes:
    """Return the answer to one call; raises what the client gets."""

    async def main() -> bytes:
        pool = HeavyPool(1, 0.5)
        server = RpcServer(Masking(mask, pool).handlers(), 1024 * 1024)
        await server.listen_unix(folder / "s")
        try:
            async with grpc.aio.insecure_channel(f"unix:{folder}/s") as channel:
                answer: bytes = await channel.unary_unary(f"/{SERVICE_NAME}/{method}")(message, timeout=10)
                return answer
        finally:
            await server.stop(0)
            pool.close(0)

    return asyncio.run(main())


def request(value: str | None) -> bytes:
    return ProfileMaskRequest(policy="default", value=value).SerializeToString()


@pytest.mark.parametrize("value", ["mail ada@example.org", "", "naïve 🎈"])
def test_policy_and_text_are_handed_on_and_the_replacement_comes_back(
    socket_folder: Path, value: str
) -> None:
    answer = called(socket_folder, lambda policy, text: f"{policy}: {text}", "ProfileMask", request(value))
    assert ProfileMaskReply.FromString(answer).replacement == f"default: {value}"


def test_masking_runs_off_the_event_loop(socket_folder: Path) -> None:
    answer = called(socket_folder, lambda *_: threading.current_thread().name, "ProfileMask", request("a"))
    assert ProfileMaskReply.FromString(answer).replacement.startswith("heavy")


def test_health_says_ok(socket_folder: Path) -> None:
    answer = called(socket_folder, lambda *_: "", "Health", HealthRequest().SerializeToString())
    assert HealthReply.FromString(answer).status == "ok"


def failing(error: Exception) -> Callable[[str, str], str]:
    def mask(_policy: str, _text: str) -> str:
        raise error

    return mask


@pytest.mark.parametrize(
    ("mask", "message", "code"),
    [
        pytest.param(failing(KeyError(ORIGINAL)), request(ORIGINAL), "NOT_FOUND", id="unknown_policy"),
        pytest.param(lambda *_: "", request(None), "INVALID_ARGUMENT", id="no_value"),
        pytest.param(lambda *_: "", b"\xff", "INVALID_ARGUMENT", id="no_protobuf"),
        pytest.param(
            failing(RequestRefused(413, "too long")), request(ORIGINAL), "INVALID_ARGUMENT", id="refused"
        ),
        pytest.param(failing(ValueError(ORIGINAL)), request(ORIGINAL), "INTERNAL", id="unexpected"),
        pytest.param(lambda *_: "\ud800", request("a"), "INTERNAL", id="a_replacement_that_is_not_utf8"),
        pytest.param(
            lambda *_: str(threading.Event().wait(1)), request(ORIGINAL), "DEADLINE_EXCEEDED", id="too_slow"
        ),
    ],
)
def test_failures_have_their_code_and_quote_nothing(
    socket_folder: Path,
    mask: Callable[[str, str], str],
    message: bytes,
    code: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as lines, pytest.raises(grpc.aio.AioRpcError) as failed:
        called(socket_folder, mask, "ProfileMask", message)
    assert failed.value.code().name == code
    details = failed.value.details() or ""
    assert details
    assert ORIGINAL not in details + caplog.text + "".join(capfd.readouterr()) + repr(lines)
