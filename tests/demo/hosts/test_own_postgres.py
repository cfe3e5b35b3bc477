"""The PostgreSQL of a demo: which one it is, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.app.errors import StartError
from bridge.demo.hosts import own_postgres
from bridge.demo.hosts.served_host import two_of
from config.loader import load
from tests.paths import ROOT


def test_the_newest_one_is_taken(tmp_path: Path) -> None:
    for version in ("9.6", "15", "17"):
        programs = tmp_path / version / "bin"
        programs.mkdir(parents=True)
        (programs / "initdb").touch()
    assert own_postgres.binaries(tmp_path) == tmp_path / "17" / "bin"


def test_without_one_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(own_postgres, "DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert own_postgres.binaries(tmp_path) is None
    monkeypatch.setattr(own_postgres, "binaries", lambda: None)
    with (
        pytest.raises(StartError, match="apt-get install postgresql"),
        own_postgres.own_postgres(),
    ):
        pass


def test_one_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "initdb").write_text("#!/bin/sh\necho 'the disk is full' >&2\nexit 1\n", "utf-8")
    (tmp_path / "initdb").chmod(0o755)
    monkeypatch.setattr(own_postgres, "binaries", lambda: tmp_path)
    monkeypatch.setattr("os.getuid", lambda: 1000)
    with pytest.raises(StartError, match="the disk is full"), own_postgres.own_postgres():
        pass


def test_the_hosts_have_ports_of_their_own_and_know_each_other() -> None:
    topology = load(ROOT / "config" / "lac-thuy.yaml")
    a, b = two_of(topology, "postgresql://x/y", 1.5).values()
    assert a.bridge.hosts is not None
    assert b.bridge.hosts is not None
    assert (a.bridge.hosts.own.id, b.bridge.hosts.own.id) == ("a", "b")
    assert set(a.bridge.host_pages) == set(b.bridge.host_pages)
    for one, other in ((a.bridge.web, b.bridge.web), (a.bridge.media, b.bridge.media)):
        assert one.port != other.port
