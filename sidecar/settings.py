"""All settings: environment over ``.env`` over one TOML file, checked once, then frozen.

``PORT``, ``LOG_LEVEL`` and ``DEFAULT_TARGET`` are read bare, since comparable proxies use these names;
every other setting is ``PII_SIDECAR_<NAME>`` in the environment and ``<name>`` in the TOML file.
"""

from __future__ import annotations

import base64
import binascii
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from sidecar.cpus import usable_cpus
from sidecar.errors import ConfigError

ENV_PREFIX = "PII_SIDECAR_"
BARE_NAMES = {"port", "log_level", "default_target"}
SECRETS = {"store_key"}  # these do not belong into a file that is shown around
STORE_KEY_BYTES = 32
STORE_SCHEMES = ("redis://", "rediss://", "valkey://", "valkeys://", "unix://")
DOTENV = Path(".env")
TARGETS = ("openai", "anthropic", "gemini", "local")
IDENTITY_HEADERS = (
    "cookie",
    "forwarded",
    "from",
    "x-auth-request-*",
    "x-forwarded-email",
    "x-forwarded-for",
    "x-forwarded-groups",
    "x-forwarded-preferred-username",
    "x-forwarded-user",
    "x-openwebui-user-*",
    "x-real-ip",
    "x-remote-user",
)


def target_name(name: object) -> object:
    """Return the target's own name: ``claude`` means ``anthropic``, in any case."""
    if not isinstance(name, str):
        return name
    lower = name.strip().lower()
    return "anthropic" if lower == "claude" else lower


Target = Annotated[Literal["openai", "anthropic", "gemini", "local"], BeforeValidator(target_name)]
REAL_UPSTREAMS: dict[str, str] = {
    "openai": "https://api.openai.com",
    "anthropic": "https://api.anthropic.com",
    "gemini": "https://generativelanguage.googleapis.com",
    "local": "http://127.0.0.1:11434",
}
NER_MODELS = ("en_core_web_sm", "en_sidecar_names")
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"],
    BeforeValidator(lambda level: level.lower() if isinstance(level, str) else level),
]


class Settings(BaseSettings):
    """One frozen set of settings; sizes in bytes, times in seconds."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, frozen=True, extra="ignore", populate_by_name=True
    )

    port: int = Field(8080, ge=0, le=65535, validation_alias=AliasChoices("port", "PORT"))
    log_level: LogLevel = Field("info", validation_alias=AliasChoices("log_level", "LOG_LEVEL"))
    default_target: Target = Field(
        "openai", validation_alias=AliasChoices("default_target", "DEFAULT_TARGET")
    )

    host: str = "127.0.0.1"
    upstreams: dict[Target, str] = Field(default_factory=REAL_UPSTREAMS.copy, validate_default=True)
    upstream_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    workers: int = Field(0, ge=0, le=256, description="0: one for each CPU this process may use")
    policy: Literal["default", "balanced"] = "default"
    allow_list: Path | None = None
    deny_list: Path | None = None
    patterns: Path | None = None
    ner: bool = True
    ner_models: tuple[str, ...] = Field(NER_MODELS, min_length=1)
    identity_headers: tuple[str, ...] = IDENTITY_HEADERS
    documents: Literal["refuse", "pass"] = "refuse"
    token_ids: Literal["refuse", "pass"] = "refuse"  # noqa: S105 - no password
    body_limit: int = Field(32 * 1024 * 1024, ge=1024, le=1024 * 1024 * 1024)
    cache_bytes: int = Field(16 * 1024 * 1024, ge=0, le=16 * 1024 * 1024 * 1024)
    cache_scope: Literal["caller", "process"] = "caller"
    detection_seconds: float = Field(20.0, gt=0, le=25)
    queue_requests: int = Field(64, ge=1, le=10_000)
    queue_seconds: float = Field(2.0, gt=0, le=3)
    drain_seconds: float = Field(30.0, ge=0, le=30)
    envoy_path: Path | None = None
    access_log: Path | None = None
    metrics_listen: str | None = None
    report_header: bool = True
    response: Literal["restore", "scan"] = "restore"
    conversation_store: str = Field("off", repr=False)  # its URL may hold a password
    conversation_ttl: int = Field(172_800, ge=1, le=31_536_000)
    store_key: SecretStr | None = None

    @field_validator("identity_headers")
    @classmethod
    def _lower(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name.strip().lower() for name in names)

    @model_validator(mode="after")
    def _check_pairs(self) -> Settings:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together")
        return self

    @model_validator(mode="after")
    def _check_store(self) -> Settings:
        if self.conversation_store == "off":
            return self
        if self.conversation_store != "memory" and not self.conversation_store.startswith(STORE_SCHEMES):
            raise ValueError(f"conversation_store is off, memory or a URL of {', '.join(STORE_SCHEMES)}")
        if self.conversation_store == "memory" and self.workers > 1:
            raise ValueError(
                "conversation_store=memory is one worker's own; set workers = 1, or use a server"
            )
        if len(self.store_key_bytes) != STORE_KEY_BYTES:
            raise ValueError(
                "conversation_store needs PII_SIDECAR_STORE_KEY, 32 random bytes in base64: "
                "openssl rand -base64 32"
            )
        return self

    @property
    def store_key_bytes(self) -> bytes:
        """The secret that what is kept is encrypted with; empty without a usable one."""
        try:
            return base64.b64decode(
                self.store_key.get_secret_value() if self.store_key else "", validate=True
            )
        except (binascii.Error, ValueError):
            return b""

    @property
    def targets(self) -> dict[str, str]:
        """URL by NAME of every upstream."""
        return {str(name): url for name, url in self.upstreams.items()}

    @property
    def watchdog_seconds(self) -> float:
        """Seconds after which a worker gives up on one message: detection's budget, and time to edit."""
        return self.detection_seconds + 3.0

    @property
    def message_timeout(self) -> float:
        """Seconds that Envoy waits for one answer; a little more, so that the worker speaks first."""
        return self.detection_seconds + 5.0

    @property
    def worker_count(self) -> int:
        """The number of worker processes to run; one if conversations are kept in its memory."""
        most = 1 if self.conversation_store == "memory" else usable_cpus()
        return self.workers or most


def load(config: Path | None = None, dotenv: Path | None = None, **flags: Any) -> Settings:  # noqa: ANN401 - pydantic checks them
    """Read and check all settings.

    Args:
        config: A TOML file; None reads no file.
        dotenv: A file of ``NAME=value`` lines; None takes ``.env`` of the current folder if there.
        flags: What the command line set; None counts as not set.

    Raises:
        ConfigError: A file cannot be read, a name is unknown, or a setting is out of its bounds.
    """
    given = {name: flag for name, flag in flags.items() if flag is not None}
    try:
        _refuse_unknown_names(config, dotenv or DOTENV)
        return _reading(config, dotenv or DOTENV)(**given)
    except ValidationError as exc:
        raise ConfigError(_one_line(exc)) from exc
    except (OSError, ValueError) as exc:
        raise ConfigError(f"settings: {exc}") from exc


def _reading(config: Path | None, dotenv: Path) -> type[Settings]:
    """Return ``Settings`` with its sources in order of strength: flags, environment, .env, TOML."""

    class FileSettings(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            del dotenv_settings, file_secret_settings
            dotenv_source = DotEnvSettingsSource(settings_cls, env_file=dotenv)
            toml_source = TomlConfigSettingsSource(settings_cls, toml_file=config)
            return (init_settings, env_settings, dotenv_source, toml_source)

    return FileSettings


def _refuse_unknown_names(config: Path | None, dotenv: Path) -> None:
    # pydantic could forbid extras, but a .env file is often shared with other programs: only names
    # that claim to be ours can be misspelled.
    known = set(Settings.model_fields)
    if config is not None:
        if not config.is_file():
            raise ConfigError(f"config file {config}: no such file")
        with config.open("rb") as file:
            names = set(tomllib.load(file))
        if secret := sorted(names & SECRETS):
            raise ConfigError(f"config file {config}: {secret[0]!r} is read from the environment only")
        unknown = sorted(names - known)
        if unknown:
            raise ConfigError(f"config file {config}: unknown setting {unknown[0]!r}")
    given = {*os.environ, *(dotenv_values(dotenv) if dotenv.is_file() else ())}
    for name in sorted(given):
        prefixed = name.upper().startswith(ENV_PREFIX)
        if prefixed and name[len(ENV_PREFIX) :].lower() not in known - BARE_NAMES:
            raise ConfigError(f"environment: unknown setting {name}")


def _one_line(error: ValidationError) -> str:
    problems = []
    for problem in error.errors(include_url=False, include_input=False):
        where = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        problems.append(f"{where}: {message}" if where else message)
    return "settings: " + "; ".join(problems)
