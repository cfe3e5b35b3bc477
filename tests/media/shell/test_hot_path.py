"""Which way media is forwarded, and where compiled code is kept."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from bridge.media import parts
from bridge.media.hot import world
from bridge.media.shell import hot_path
from bridge.media.shell.compiled import read_name
from bridge.media.shell.hot_path import HotPath, Unavailable, choice


def test_a_choice_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(hot_path.CHOICE, "fast")
    with pytest.raises(ValueError, match="auto, compiled, python"):
        choice()
    monkeypatch.delenv(hot_path.CHOICE)
    assert choice() == hot_path.DEFAULT


def test_without_numba_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(Unavailable, match="numba is not installed"):
        HotPath()
    said: list[str] = []
    assert not hot_path.prepare(said.append)
    assert "forwarded by Python" in said[0]


def test_without_a_folder_there_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    occupied = tmp_path / "file"
    occupied.touch()
    monkeypatch.setenv(hot_path.CACHE, str(occupied))
    with pytest.raises(Unavailable, match=hot_path.CACHE):
        HotPath()


def test_the_folder_belongs_to_the_service_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(hot_path.CACHE, str(tmp_path))
    path = HotPath()
    assert path.folder.parent == tmp_path
    assert path.folder.stat().st_mode & 0o077 == 0
    assert not path.warm
    assert not path.ready


def test_tables_hold_what_a_worker_takes() -> None:
    assert world.TRANSPORTS == parts.MAX_TRANSPORTS
    assert world.MESSAGE.itemsize == 64, "struct mmsghdr"
    for places, most in (
        (world.STREAM_PLACES, world.LAYERS),
        (world.ADDRESS_PLACES, 4 * world.TRANSPORTS),
    ):
        assert places >= 2 * most
        assert places & places - 1 == 0, "a power of two"
    assert world.ARENA > world.BATCH


@pytest.mark.parametrize(
    "address", [("192.0.2.7", 40000), ("2001:db8::7", 1, 0, 0), ("127.0.0.1", 65535)]
)
def test_addresses_are_those_that_recvfrom_gives(address: tuple[object, ...]) -> None:
    from bridge.media.hot.socket_names import socket_name

    assert read_name(socket_name(address).ljust(world.NAME, b"\0")) == address
