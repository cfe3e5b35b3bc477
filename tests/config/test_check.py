"""The command ``check``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import fellow_hosts
from bridge.cli.main import app
from bridge.store.database import StoreError
from bridge.store.leading.survey import Survey
from config.hosts_schema import Host
from tests.paths import ROOT

FOLDER = ROOT / "config"
runner = CliRunner()


def test_a_good_file_prints_a_tree() -> None:
    result = runner.invoke(app, ["check", str(FOLDER / "lac-thuy.yaml")])
    assert result.exit_code == 0
    assert "Xã Yên Bồng (yen-bong, commune)" in result.output
    assert "huyen: 1000 Mbit/s, 600 for video; needs 43.1 up, 57.2 down: fits" in result.output


def test_a_narrow_link_is_named(tmp_path: Path) -> None:
    text = (FOLDER / "lac-thuy.yaml").read_text("utf-8")
    path = tmp_path / "narrow.yaml"
    path.write_text(text.replace("capacity: 50", "capacity: 5"), "utf-8")
    result = runner.invoke(app, ["check", str(path)])
    assert result.exit_code == 0
    assert "link khoan-du is too narrow" in result.output
    assert "does not fit" in result.output


def test_hosts_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(host: Host, state: Path) -> str:
        return "does not answer"

    async def away(url: str) -> Survey:
        raise StoreError("The database cannot be looked at: nobody is there.")

    monkeypatch.setattr(fellow_hosts, "_ask", silent)
    monkeypatch.setattr(fellow_hosts, "survey", away)
    text = (FOLDER / "lac-thuy.yaml").read_text("utf-8")
    hosts = (
        "bridge:\n  database: postgresql://192.0.2.5/cau\n  hosts: {this: b, all: "
        '[{id: a, url: "https://192.0.2.10"}, {id: b, url: "https://192.0.2.11"}]}\n'
    )
    path = tmp_path / "hosts.yaml"
    path.write_text(text.replace("bridge:\n", hosts, 1), "utf-8")
    result = runner.invoke(app, ["check", str(path)])
    assert result.exit_code == 0
    assert "Host a: https://192.0.2.10: does not answer\n" in result.output
    assert "Host b: https://192.0.2.11 (this file is for it): does" in result.output
    assert "Host a does not answer. Start its bridge" in result.output
    assert "Host b does not answer. Start" not in result.output
    assert "nobody is there. Start it, or correct bridge.database" in result.output
    assert "Another host leads 1.5 s after" in result.output


def test_a_bad_file_exits_2(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("version: 2\n", "utf-8")
    result = runner.invoke(app, ["check", str(path)])
    assert result.exit_code == 2
    assert f"{path}:1:10: version: This must be 1." in result.output


def test_schema() -> None:
    result = runner.invoke(app, ["check", "--schema"])
    schema = json.loads(result.output)
    assert schema["title"] == "Topology"
    assert "points" in schema["required"]


def test_nothing_named() -> None:
    assert runner.invoke(app, ["check"]).exit_code == 2
