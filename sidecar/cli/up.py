"""``pii-sidecar up`` and ``envoy-config``: workers and a real Envoy as children of this process."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.errors import ConfigError
from sidecar.gateway.certificate import self_signed
from sidecar.gateway.launcher import Gateway, find_envoy, runtime_folder
from sidecar.gateway.plan import GatewayPlan, ListenerTls
from sidecar.gateway.trust import combined_pem, system_bundle
from sidecar.settings import Settings
from sidecar.supervisor.child import forbid_core_dumps
from sidecar.supervisor.loop import Supervisor

if TYPE_CHECKING:
    from sidecar.extproc.workers import Worker

SHOWN_FOLDER = Path("/run/pii-sidecar")  # stands for the private folder that each run makes for itself


def up(settings: Settings, *, self_signed_tls: bool) -> None:
    """Serve until SIGTERM; print one line on stdout when ready.

    Raises:
        ConfigError: A setting, the model, the port or Envoy is not usable.
    """
    forbid_core_dumps()
    binary = find_envoy(settings.envoy_path)
    if settings.upstream_ca is not None:
        combined_pem(system_bundle(), settings.upstream_ca)  # a bad file is said before anything starts
    with runtime_folder() as folder:
        tls = self_signed(folder, [settings.host]) if self_signed_tls else None
        plan = plan_for(settings, folder, tls)
        gateway = Gateway(plan, folder, binary)
        with gateway.ahead():
            workers = _workers(settings, plan)
            supervisor = Supervisor(workers, [gateway], drain_seconds=settings.drain_seconds)
            supervisor.run(on_ready=lambda: _say_ready(gateway))


def shown_config(settings: Settings) -> str:
    """Return the Envoy configuration that ``up`` would run, as YAML.

    Raises:
        ConfigError: A setting is not usable.
    """
    from sidecar.gateway.bootstrap import to_yaml

    return to_yaml(plan_for(settings, SHOWN_FOLDER, None))


def plan_for(settings: Settings, folder: Path, tls: ListenerTls | None) -> GatewayPlan:
    """Return what Envoy is to do, with all sockets in ``folder``.

    Raises:
        ConfigError: A setting is not usable.
    """
    if tls is None and settings.tls_cert is not None and settings.tls_key is not None:
        tls = ListenerTls(settings.tls_cert, settings.tls_key)
    return GatewayPlan(
        targets=settings.targets,
        default_target=settings.default_target,
        sidecars=tuple(f"unix:{folder}/worker-{index}.sock" for index in range(settings.worker_count)),
        admin_socket=folder / "admin.sock",
        host=settings.host,
        port=settings.port,
        body_limit=settings.body_limit,
        message_timeout=settings.message_timeout,
        tls=tls,
        access_log=str(settings.access_log) if settings.access_log else None,
        upstream_ca=settings.upstream_ca,
    )


def split_listen(listen: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT`` or ``[IPV6]:PORT``.

    Raises:
        ConfigError: It is neither.
    """
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigError(f"--listen {listen!r}: expected HOST:PORT")
    return host.removeprefix("[").removesuffix("]"), int(port)


def split_upstreams(given: list[str]) -> dict[str, str]:
    """Return URL by NAME of ``NAME=URL`` arguments.

    Raises:
        ConfigError: One is of another form.
    """
    upstreams = {}
    for text in given:
        name, separator, url = text.partition("=")
        if not separator or not name or not url:
            raise ConfigError(f"--upstream {text!r}: expected NAME=URL")
        upstreams[name] = url
    return upstreams


def _workers(settings: Settings, plan: GatewayPlan) -> list[Worker]:
    """Load the core; return the workers that are to share it."""
    # Here, since all of detection takes a while to import: Envoy starts at the same time.
    from sidecar.cli.core import build
    from sidecar.cli.serve import Serving
    from sidecar.extproc.workers import Worker

    serving = Serving(settings, build(settings), plan.sidecars)
    return [Worker(index, serving) for index in range(settings.worker_count)]


def _say_ready(gateway: Gateway) -> None:
    sys.stdout.write(f"ready {gateway.url}\n")
    sys.stdout.flush()
