"""The settings for the key of secrets: read strictly, and never shown."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from executor.adapters.command_target.surroundings import inherited
from executor.bootstrap import build_keyring
from executor.config import Settings
from executor.config.listing import rows
from executor.domain.errors import ConfigError

KEY = b64encode(b"k" * 32).decode()
OLD = b64encode(b"o" * 32).decode()


def test_without_a_key_there_is_no_keyring() -> None:
    """Secrets are refused then; everything else works."""
    assert build_keyring(Settings.from_env({})) is None


def test_a_key_seals_and_a_former_one_still_opens() -> None:
    """What was sealed before the change of keys is read with the old one."""
    before = build_keyring(Settings.from_env({"SOLOCRON_SECRET_KEY": OLD}))
    after = build_keyring(
        Settings.from_env({"SOLOCRON_SECRET_KEY": KEY, "SOLOCRON_SECRET_KEY_OLD": OLD})
    )

    assert before is not None
    assert after is not None
    assert after.open("A", before.seal("A", "value")) == "value"
    assert after.seal("A", "value").split(":")[1] != before.seal("A", "value").split(":")[1]


@pytest.mark.parametrize("name", ["SOLOCRON_SECRET_KEY", "SOLOCRON_SECRET_KEY_OLD"])
def test_a_key_can_come_from_a_file(name: str, tmp_path: Path) -> None:
    """As every secret setting can."""
    file = tmp_path / "key"
    file.write_text(f"{OLD}\n")

    present = {"SOLOCRON_SECRET_KEY": KEY} if name.endswith("OLD") else {}
    settings = Settings.from_env({**present, f"{name}_FILE": str(file)})

    assert b"o" * 32 in (settings.secret_key, settings.secret_key_old)


@pytest.mark.parametrize("text", ["short", b64encode(b"k" * 16).decode(), f"{KEY}!", f"{KEY}{KEY}"])
def test_what_is_no_key_is_refused_without_being_repeated(text: str) -> None:
    """The fault says how to make one."""
    with pytest.raises(ConfigError) as refused:
        Settings.from_env({"SOLOCRON_SECRET_KEY": text})

    [fault] = refused.value.faults
    assert fault.field == "SOLOCRON_SECRET_KEY"
    assert "openssl rand -base64 32" in fault.message
    assert text not in fault.message


def test_a_former_key_needs_a_present_one() -> None:
    """Nothing could be sealed otherwise."""
    with pytest.raises(ConfigError, match="set the present key too"):
        Settings.from_env({"SOLOCRON_SECRET_KEY_OLD": OLD})


def test_no_key_is_shown() -> None:
    """Neither in the list of settings, nor in repr, nor to the programs of jobs."""
    environ = {"SOLOCRON_SECRET_KEY": KEY, "SOLOCRON_SECRET_KEY_OLD": OLD}
    settings = Settings.from_env(environ)
    shown = f"{settings!r} {rows(settings)}"

    assert "kkkk" not in shown
    assert "oooo" not in shown
    assert KEY not in shown
    assert [row.value for row in rows(settings) if "KEY" in row.name] == ["***", "***"]
    assert inherited({**environ, "SOLOCRON_SECRET_KEY_FILE": "/key"}) == {}
