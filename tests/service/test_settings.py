from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from rerank_service.errors import SettingsRejected
from rerank_service.settings import Settings, load_settings, variable


def test_a_flag_wins_over_the_environment_and_that_over_the_default() -> None:
    environment = {"LATENT_TERMS_PORT": "1", "LATENT_TERMS_THREADS": "2", "OTHER": "3"}
    settings = load_settings(environment, {"port": 9, "host": None})
    assert (settings.port, settings.threads, settings.host) == (9, 2, "127.0.0.1")


def test_every_setting_can_come_from_the_environment_and_says_what_it_is() -> None:
    for each in fields(Settings):
        assert variable(each).startswith("LATENT_TERMS_")
        assert len(each.metadata["help"]) > 10
        default = getattr(Settings(), each.name)
        written = ",".join(default) if isinstance(default, tuple) else str(default)
        assert load_settings({variable(each): written}, {}) == Settings()


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PORT", "many", "LATENT_TERMS_PORT or --port is 'many': give a whole number"),
        ("PORT", "-1", "a number from 0"),
        ("TIMEOUT_MS", "0", "a number from 1"),
        ("QUEUE_TOKENS", "100", "must fit the queue"),
        ("TLS_KEY", "key.pem", "together"),
        ("LOG_LEVEL", "loud", "'loud'"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(name: str, value: str, expected: str) -> None:
    with pytest.raises(SettingsRejected, match=expected):
        load_settings({f"LATENT_TERMS_{name}": value}, {})


def test_keys_come_from_the_environment_and_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("three\n\n four \n")
    environment = {
        "LATENT_TERMS_API_KEYS": "one, two,",
        "LATENT_TERMS_API_KEYS_FILE": str(file),
    }
    assert load_settings(environment, {}).keys() == ("one", "two", "three", "four")
    assert Settings().keys() == ()


def test_a_file_of_keys_that_gives_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    for name in ("missing", "empty"):
        with pytest.raises(SettingsRejected, match=name):
            Settings(api_keys_file=str(tmp_path / name)).keys()


def test_keys_are_not_shown() -> None:
    shown = repr(Settings(api_keys=("hunter2", "swordfish")))
    assert "hunter2" not in shown and "2 kept secret" in shown


def test_the_store_is_in_the_cache_folder_unless_said_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert Settings().store_folder == str(tmp_path / "latent-terms" / "vectors")
    assert Settings(store="/srv/vectors").store_folder == "/srv/vectors"
    assert Settings(store="none").store_folder is None


def test_every_setting_is_documented_with_its_default() -> None:
    page = (Path(__file__).parents[2] / "docs/service.md").read_text(encoding="utf-8")
    for each in fields(Settings):
        default = f"{each.default:,}" if isinstance(each.default, int) else str(each.default)
        row = next(line for line in page.splitlines() if f"| `{variable(each)}` |" in line)
        assert each.default in ("", ()) or f"`{default}`" in row or f"`{each.default}`" in row
