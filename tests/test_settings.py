"""Settings: which source wins, what is refused, and that each refusal is one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.cpus import usable_cpus
from sidecar.errors import ConfigError
from sidecar.settings import ENV_PREFIX, Settings, load


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PORT", "LOG_LEVEL", "DEFAULT_TARGET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sidecar.toml"
    path.write_text(text)
    return path


def test_environment_beats_dotenv_beats_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = toml(tmp_path, "port = 1\nworkers = 1\nbody_limit = 5000\n")
    (tmp_path / ".env").write_text("PORT=2\nPII_SIDECAR_WORKERS=2\n")
    monkeypatch.setenv("PORT", "3")

    settings = load(config)

    assert (settings.port, settings.workers, settings.body_limit) == (3, 2, 5000)


def test_a_flag_beats_the_environment_and_none_is_no_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "3")
    assert load(port=4).port == 4
    assert load(port=None).port == 3


@pytest.mark.parametrize("name", ["claude", "Claude", "anthropic"])
def test_claude_means_anthropic_everywhere(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFAULT_TARGET", name)
    settings = load(upstreams={name: "http://127.0.0.1:9"})
    assert settings.default_target == "anthropic"
    assert list(settings.upstreams) == ["anthropic"]


def test_a_dotenv_file_may_hold_names_of_other_programs(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATABASE_URL=postgres://db\nLOG_LEVEL=WARNING\n")
    assert load().log_level == "warning"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("prot = 1", "unknown setting 'prot'", id="misspelled-name"),
        pytest.param('body_limit = "x"', "body_limit: Input should be a valid integer", id="wrong-type"),
        pytest.param("port = 70000", "port: Input should be less than or equal to 65535", id="out-of-bounds"),
        pytest.param("x = [", "settings: ", id="not-toml"),
        pytest.param('tls_cert = "a.pem"', "tls_cert and tls_key go together", id="half-a-pair"),
        pytest.param('default_target = "bard"', "default_target: Input should be", id="unknown-target"),
        pytest.param('[upstreams]\nbard = "http://h"', "upstreams.bard", id="unknown-upstream"),
        pytest.param('cache_scope = "world"', "cache_scope: Input should be 'caller' or", id="unknown-scope"),
        pytest.param("cache_bytes = -1", "cache_bytes: Input should be greater", id="negative-size"),
    ],
)
def test_a_bad_file_is_one_clear_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(toml(tmp_path, text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_misspelled_environment_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{ENV_PREFIX}BODY_LIMITS", "1")
    with pytest.raises(ConfigError, match="unknown setting PII_SIDECAR_BODY_LIMITS"):
        load()


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "nowhere.toml")


def test_the_message_timeout_covers_detection() -> None:
    for seconds in (0.5, 25.0):
        settings = Settings(detection_seconds=seconds)
        assert settings.detection_seconds < settings.message_timeout <= 30


def test_every_setting_has_a_row_in_the_readme() -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    missing = [name for name in Settings.model_fields if f"`{name}`" not in readme]
    assert missing == []


# --- the conversation store ------------------------------------------------------------------------

STORE_KEY = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="


@pytest.mark.parametrize(
    "where",
    ["memory", "redis://h:1/0", "rediss://h", "valkey://h", "valkeys://h", "unix:///run/redis.sock"],
)
def test_a_store_with_its_key_is_accepted(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PII_SIDECAR_STORE_KEY", STORE_KEY)
    settings = load(conversation_store=where)
    assert settings.store_key_bytes == b"A" * 32
    assert STORE_KEY not in repr(settings)


@pytest.mark.parametrize("key", [None, "", "short", "QUFB", "!" * 44, STORE_KEY + "QUFB"])
def test_a_store_without_a_usable_key_is_one_clear_line(
    key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if key is not None:
        monkeypatch.setenv("PII_SIDECAR_STORE_KEY", key)
    with pytest.raises(ConfigError, match="PII_SIDECAR_STORE_KEY, 32 random bytes in base64") as caught:
        load(conversation_store="memory")
    assert "\n" not in str(caught.value)
    assert not key or key not in str(caught.value)


def test_a_store_is_off_memory_or_a_url_and_its_password_is_not_told() -> None:
    with pytest.raises(ConfigError, match="conversation_store is off, memory or a URL") as caught:
        load(conversation_store="http://:secret@h")
    assert "secret" not in str(caught.value)


def test_the_store_key_is_not_read_from_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'store_key' is read from the environment only"):
        load(toml(tmp_path, f'store_key = "{STORE_KEY}"'))


def test_memory_is_one_workers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PII_SIDECAR_STORE_KEY", STORE_KEY)
    assert load(conversation_store="memory").worker_count == 1
    with pytest.raises(ConfigError, match="set workers = 1"):
        load(conversation_store="memory", workers=2)
    assert load(conversation_store="redis://h", workers=2).worker_count == 2


def test_workers_default_to_the_cpus_that_this_process_may_use() -> None:
    assert load().worker_count == usable_cpus()
    assert load(workers=3).worker_count == 3
