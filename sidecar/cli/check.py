"""``pii-sidecar check``: settings, patterns, model and Envoy configuration, before they go live."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import typer

from sidecar import settings as settings_module
from sidecar.cli.core import conversations, load_inline
from sidecar.cli.up import shown_config
from sidecar.detection.lists import read_list
from sidecar.detection.pattern_file import load_patterns
from sidecar.errors import ConfigError
from sidecar.extproc.conversation_store import open_store
from sidecar.gateway.launcher import find_envoy, validate
from sidecar.settings import Settings


def check(config: Path | None) -> bool:
    """Print one line for each part; tell whether all of them are usable."""
    settings: list[Settings] = []
    parts: list[tuple[str, Callable[[], str]]] = [
        ("settings", lambda: _settings(config, settings)),
        ("lists", lambda: _lists(settings[0])),
        ("patterns and model", lambda: _detection(settings[0])),
        ("conversation store", lambda: _store(settings[0])),
        ("Envoy", lambda: _envoy(settings[0])),
    ]
    good = True
    for name, run in parts:
        try:
            typer.echo(f"ok      {name}: {run()}")
        except ConfigError as exc:
            typer.echo(f"FAILED  {name}: {exc}")
            good = False
            if not settings:
                break  # without settings there is nothing to check the rest by
    return good


def _settings(config: Path | None, settings: list[Settings]) -> str:
    settings.append(settings_module.load(config))
    return f"{len(Settings.model_fields)} names known"


def _lists(settings: Settings) -> str:
    """Read both lists, so that what is wrong with one does not hide what is wrong with the other."""
    sizes: list[str] = []
    problems: list[str] = []
    for name, file in (("allow", settings.allow_list), ("deny", settings.deny_list)):
        try:
            sizes += [f"{name} {len(read_list(file))}"] if file else []
        except ConfigError as exc:
            problems.append(str(exc))
    if problems:
        raise ConfigError("\n".join(problems))
    return ", ".join(sizes) or "none"


def _detection(settings: Settings) -> str:
    load_patterns(settings.patterns, prove=True)
    detection = load_inline(settings.model_copy(update={"allow_list": None, "deny_list": None}))
    for warning in detection.warnings:
        typer.echo(f"warning {warning}")
    return ", ".join(detection.entity_types)


def _store(settings: Settings) -> str:
    conversations(settings)
    open_store(settings.conversation_store)  # which does not connect yet
    return settings.conversation_store.partition(":")[0]  # what follows may hold a password


def _envoy(settings: Settings) -> str:
    binary = find_envoy(settings.envoy_path)
    validate(shown_config(settings), binary)
    return f"configuration accepted by {binary.name}"
