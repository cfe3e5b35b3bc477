"""Commands that work on the state folder, and what needs a running bridge."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from bridge.cli.main import app
from bridge.cli.remote import until
from tests.paths import ROOT


def topology_file(folder: Path) -> Path:
    document = yaml.safe_load((ROOT / "config" / "lac-thuy.yaml").read_text("utf-8"))
    document["bridge"]["state"] = "state"
    path = folder / "topology.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    return path


def cli(*arguments: str, stdin: str = "") -> Result:
    """A command in this process; that the launcher starts the same is tested in tests/live."""
    return CliRunner().invoke(app, arguments, input=stdin)


def test_accounts_on_the_command_line(tmp_path: Path) -> None:
    file = ["--file", str(topology_file(tmp_path))]
    added = cli("user", "add", "lan", "--role", "operator", *file)
    assert added.exit_code == 0, added.stderr
    assert "the first password is" in added.stdout
    assert cli("user", "add", "lan", *file).exit_code == 2
    assert "is not a role" in cli("user", "add", "minh", "--role", "king", *file).stderr
    assert "no point nobody" in cli("user", "add", "minh", "--point", "nobody", *file).stderr
    assert cli("user", "role", "lan", "admin", *file).exit_code == 0
    weak = cli("user", "passwd", "lan", "--stdin", *file, stdin="short\n")
    assert weak.exit_code == 2
    strong = cli("user", "passwd", "lan", "--stdin", *file, stdin="correct-horse-battery\n")
    assert strong.stdout == "lan: done\n"
    assert cli("user", "disable", "lan", *file).exit_code == 0
    listed = cli("user", "list", *file).stdout
    assert "lan" in listed
    assert "disabled" in listed
    assert cli("user", "disable", "nobody", *file).exit_code == 2


def test_what_needs_a_bridge_says_so(tmp_path: Path) -> None:
    file = ["--file", str(topology_file(tmp_path))]
    for arguments in (["conference", "list"], ["point", "code", "khoan-du"]):
        result = cli(*arguments, *file)
        assert result.exit_code == 1
        assert "does not run here" in result.stderr.replace("\n", " ")
    assert "Missing option" in cli("conference", "list").stderr


def test_ready_without_a_bridge_is_not_the_same_as_not_ready(tmp_path: Path) -> None:
    result = cli("ready", "--file", str(topology_file(tmp_path)))
    assert result.exit_code == 3
    assert "does not run here" in result.stderr.replace("\n", " ")
    assert cli("ready", "--file", str(tmp_path / "none.yaml")).exit_code == 3


def test_the_file_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIEM_CAU_FILE", str(tmp_path / "elsewhere.yaml"))
    for arguments in (["conference", "list"], ["ready"]):
        assert "elsewhere.yaml" in cli(*arguments).stderr.replace("\n", "")


def test_a_certificate_on_the_command_line(tmp_path: Path) -> None:
    file = ["--file", str(topology_file(tmp_path))]
    result = cli("ca", "init", "--host", "cau.example.gov.vn", *file)
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "state/tls/server.crt").exists()
    assert (tmp_path / "state/tls/server.key").stat().st_mode & 0o077 == 0


def test_restore_asks_before_it_replaces_everything(tmp_path: Path) -> None:
    file = ["--file", str(topology_file(tmp_path))]
    source = tmp_path / "backup.jsonl.gz"
    source.write_bytes(b"x")
    asked = cli("restore", str(source), *file, stdin="n\n")
    assert asked.exit_code == 1
    assert "is lost" in asked.stdout.replace("\n", " ")
    assert asked.stderr == "", "nothing was tried"
    for tried in (
        cli("restore", str(source), "--yes", *file),
        cli("restore", str(source), *file, stdin="y\n"),
    ):
        assert tried.exit_code == 1
        assert tried.stderr


def test_a_moment_has_its_zone() -> None:
    at = 1_764_000_000.0
    assert until(at, "Asia/Ho_Chi_Minh") == "2025-11-24 23:00 Asia/Ho_Chi_Minh (UTC+07:00)"
    assert until(at, "Europe/Berlin") == "2025-11-24 17:00 Europe/Berlin (UTC+01:00)"
