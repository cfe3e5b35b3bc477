"""Keys of the rooms and the token of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.app.credentials import load_keys, make_local_token
from bridge.app.errors import StartError
from tests.control_support import TOPOLOGY, Bridge


def test_a_keys_file_that_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    for text in ("[", "- 1", "khoan-du: 5"):
        path.write_text(text)
        with pytest.raises(StartError, match="keys file"):
            load_keys(TOPOLOGY, path)


def test_keys_are_made_once_and_kept_for_the_owner(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    keys = load_keys(TOPOLOGY, path)
    assert load_keys(TOPOLOGY, path) == keys
    assert len(set(keys.values())) == len(TOPOLOGY.points)
    assert path.stat().st_mode & 0o077 == 0


def test_every_process_has_a_token_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "cli.token"
    first = make_local_token(path)
    second = make_local_token(path)
    assert first != second
    assert path.read_text() == second + "\n"
    assert path.stat().st_mode & 0o077 == 0


def test_a_token_that_cannot_be_written_stops_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert make_local_token(tmp_path / "nowhere" / "cli.token")
    assert "token of the command line could not be written" in caplog.text


async def test_keys_of_the_file_are_devices(bridge: Bridge) -> None:
    devices = await bridge.process.accounts.devices()
    assert {device.point for device in devices} == {point.id for point in TOPOLOGY.points}
    assert {device.name for device in devices} == {"keys.yaml"}
