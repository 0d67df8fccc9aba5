"""Request trailers: nobody looks into them in time, so none may reach a provider. HTTP/2 on both sides."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.events
import pytest
import trustme

if TYPE_CHECKING:
    from conftest import Start

    from sidecar.gateway.plan import GatewayPlan

pytestmark = pytest.mark.envoy


@contextmanager
def http2_provider(authority: trustme.CA) -> Iterator[tuple[int, list[h2.events.Event]]]:
    """Serve one connection over TLS; record its events."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    context.set_alpn_protocols(["h2"])
    recorded: list[h2.events.Event] = []

    def serve() -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        with (
            contextlib.suppress(OSError),
            context.wrap_socket(listener.accept()[0], server_side=True) as peer,
        ):
            peer.sendall(connection.data_to_send())
            while chunk := peer.recv(65536):
                for event in connection.receive_data(chunk):
                    recorded.append(event)
                    if isinstance(event, h2.events.StreamEnded) and event.stream_id is not None:
                        connection.send_headers(event.stream_id, [(":status", "200")], end_stream=True)
                peer.sendall(connection.data_to_send())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1], recorded
    thread.join(10)


def ask_with_trailers(port: int, trailers: list[tuple[str, str]]) -> str:
    """Return the status."""
    connection = h2.connection.H2Connection()
    connection.initiate_connection()
    head = [(":method", "POST"), (":scheme", "http"), (":path", "/openai/v1/x"), (":authority", "h.example")]
    connection.send_headers(1, [*head, ("content-type", "application/json")])
    connection.send_data(1, b"{}")
    connection.send_headers(1, trailers, end_stream=True)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
        while True:
            peer.sendall(connection.data_to_send())
            for event in connection.receive_data(peer.recv(65536)):
                if isinstance(event, h2.events.ResponseReceived):
                    return dict(event.headers or [])[b":status"].decode()


def test_request_trailers_do_not_reach_the_provider(
    start_envoy: Start, make_plan: Callable[..., GatewayPlan], tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with http2_provider(authority) as (port, recorded):
        plan = make_plan(targets={"openai": f"https://localhost:{port}"}, upstream_ca=tmp_path / "ca.pem")
        with start_envoy(plan) as running:
            assert ask_with_trailers(running.port, [("x-name", "Ada"), ("x-other", "b")]) == "200"
    kinds = [type(event) for event in recorded]
    assert h2.events.RequestReceived in kinds
    assert h2.events.StreamEnded in kinds
    assert h2.events.TrailersReceived not in kinds
