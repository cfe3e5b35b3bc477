"""Commands that work on the state folder, and what needs a running bridge."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from bridge.app.credentials import LOCAL_ADDRESS, LOCAL_TOKEN
from bridge.cli.common import moment
from bridge.cli.main import app
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
    # 2 would mean "not ready" to a program.
    assert cli("ready", "--language", "fr").exit_code == 3
    assert cli("ready", "--window", "1").exit_code == 3


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


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["agents", "update", "--language", "fr"], "Use vi or en"),
        (["ca", "init", "--host", "not a host!"], "neither a name nor an address"),
        (["ca", "init", "--host", "-x.example"], "neither a name nor an address"),
        (["user", "passwd", "nobody"], "bridge.py user list"),
        (["user", "add", "minh", "--point", "nobody"], "Its points: an-binh"),
        (["demo", "--points", "1"], "2 to 12 points"),
        (["demo", "--impair", "nonsense"], "for example POINT:loss-down=5%"),
        (["demo", "--impair", "khoan-du:loss=500%"], "0% to 100%"),
    ],
)
def test_nonsense_is_answered_with_a_next_step(
    tmp_path: Path, arguments: list[str], says: str
) -> None:
    result = cli(*arguments, "--file", str(topology_file(tmp_path)))
    assert result.exit_code == 2, result.stdout
    assert says in result.stderr.replace("\n", " ")


def test_a_bundle_must_be_one(tmp_path: Path) -> None:
    file = ["--file", str(topology_file(tmp_path))]
    assert "bundle use FILE" in cli("bundle", "show", *file).stderr
    refused = cli("bundle", "use", str(ROOT / "README.md"), *file)
    assert refused.exit_code == 2
    assert "make bundle" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["conference", "list"], 200),
        (["conference", "end", "x"], 200),
        (["point", "code", "khoan-du"], 502),
        (["ready"], 502),
    ],
)
def test_what_answers_may_be_something_else(
    tmp_path: Path, arguments: list[str], status: int, another_server: Callable[[int], str]
) -> None:
    file = topology_file(tmp_path)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / LOCAL_ADDRESS).write_text(another_server(status))
    (tmp_path / "state" / LOCAL_TOKEN).write_text("token")
    result = cli(*arguments, "--file", str(file), stdin="y\n")
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == (3 if arguments == ["ready"] else 1)
    assert "is not the bridge" in result.stderr.replace("\n", " ")


@pytest.mark.parametrize("address", ["nonsense", "http://", "http://127.0.0.1:1"])
def test_an_address_that_nobody_answers_at(tmp_path: Path, address: str) -> None:
    file = topology_file(tmp_path)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / LOCAL_ADDRESS).write_text(address)
    (tmp_path / "state" / LOCAL_TOKEN).write_text("token")
    result = cli("conference", "list", "--file", str(file))
    assert result.exit_code == 1
    assert "See whether it runs" in result.stderr.replace("\n", " ")


@pytest.fixture
def another_server() -> Iterator[Callable[[int], str]]:
    """Starts a web server that is no bridge; returns its address."""
    servers: list[HTTPServer] = []

    def start(status: int) -> str:
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(b"<html>It works!</html>")

            do_GET = do_POST = answer

            def log_message(self, *_: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


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
    assert moment(at, "Asia/Ho_Chi_Minh") == "2025-11-24 23:00 Asia/Ho_Chi_Minh (UTC+07:00)"
    assert moment(at, "Europe/Berlin") == "2025-11-24 17:00 Europe/Berlin (UTC+01:00)"


def test_check_reads_the_keys_of_relays(tmp_path: Path) -> None:
    path = topology_file(tmp_path)
    document = yaml.safe_load(path.read_text("utf-8"))
    relay = {"id": "may-2", "address": "10.20.0.12", "key": "relay.key"}
    other = {"id": "may-3", "address": "10.20.0.13", "key": "other.key"}
    document["bridge"]["audience"] = {"viewers": 900, "relays": [relay, other]}
    path.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    missing = cli("check", str(path))
    assert missing.exit_code == 2
    assert "may-2" in missing.stderr
    assert "may-3" in missing.stderr, "all faults at once"
    assert "cannot be read" in " ".join(missing.stderr.split())
    for name in ("relay.key", "other.key"):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text("ab" * 31)
    assert "openssl rand -hex 32" in " ".join(cli("check", str(path)).stderr.split())
    for name in ("relay.key", "other.key"):
        (tmp_path / name).write_text("ab" * 32)
    assert cli("check", str(path)).exit_code == 0
    (tmp_path / "other.key").chmod(0o640)
    open_to_others = cli("check", str(path))
    assert open_to_others.exit_code == 2
    assert "may-3" in open_to_others.stderr
    assert "may-2" not in open_to_others.stderr
    assert "chmod 600" in " ".join(open_to_others.stderr.split())
