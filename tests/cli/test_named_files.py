"""`check` looks at the files that a topology names: missing, unreadable, of no use, too old."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
import yaml
from typer.testing import CliRunner

from bridge.cli.main import app
from bridge.cli.named_files import Fault, faults
from config.camera_schema import CameraControl, Preset
from config.schema import Name, Topology
from config.sip_schema import SipGateway, SipPoint, SipRegistrar
from tests.control_support import TOPOLOGY
from tests.proof.certificates import Authority

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=30)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def naming(secret: str | None = None, **minutes: list[str]) -> Topology:
    bridge = TOPOLOGY.bridge.model_copy(
        update={
            "minutes": TOPOLOGY.bridge.minutes.model_copy(update=minutes),
            "backup": TOPOLOGY.bridge.backup.model_copy(update={"secret": secret}),
        }
    )
    return TOPOLOGY.model_copy(update={"bridge": bridge})


CASES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "is not there. Put the file at"),
    "a folder": (lambda path: path.mkdir(), "cannot be read: Is a directory"),
    "another kind": (lambda path: path.write_bytes(b"<html>"), "PEM"),
    "cut off": (lambda path: path.write_bytes(b"-----BEGIN X509 CRL-----\nMII"), "PEM"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("setting", ["trust", "revoked"])
def test_what_is_no_certificate_or_list(tmp_path: Path, case: str, setting: str) -> None:
    make, said = CASES[case]
    make(tmp_path / "file")
    (fault,) = faults(naming(None, **{setting: ["file"]}), tmp_path, NOW)
    assert fault.grave
    assert fault.said.startswith(f"bridge.minutes.{setting}: file ")
    assert said in fault.said


def test_a_file_that_this_user_may_not_read(tmp_path: Path) -> None:
    """Root may read everything, so the system's refusal is played."""
    (tmp_path / "root.pem").write_bytes(b"")
    with patch.object(Path, "read_bytes", side_effect=PermissionError(13, "Permission denied")):
        (fault,) = faults(naming(trust=["root.pem"]), tmp_path, NOW)
    assert fault.grave
    assert "cannot be read by" in fault.said
    assert os.fspath(tmp_path / "root.pem") in fault.said


def test_what_is_right_and_what_is_too_old(tmp_path: Path, authority: Authority) -> None:
    (tmp_path / "root.pem").write_bytes(authority.pem * 2)
    (tmp_path / "revoked.crl").write_bytes(authority.crl())
    topology = naming(trust=["root.pem"], revoked=["revoked.crl"])
    assert faults(topology, tmp_path, NOW) == []
    old = faults(topology, tmp_path, LATER)
    assert [fault.grave for fault in old] == [False] * 3, "an expired root may still be wanted"
    assert "expired on" in old[0].said
    assert "newer list on" in old[2].said
    (early,) = faults(naming(trust=["root.pem"]), tmp_path, NOW - timedelta(days=9))[:1]
    assert "clock" in early.said


def test_the_secret_of_backups(tmp_path: Path) -> None:
    def found() -> list[Fault]:
        return faults(naming("secret"), tmp_path, NOW)

    assert "cannot be read" in found()[0].said
    path = tmp_path / "secret"
    path.touch(mode=0o600)
    assert "less than 12" in found()[0].said
    path.write_text("correct horse battery")
    assert found() == []
    path.chmod(0o644)
    assert "chmod 600" in found()[0].said


def test_check_says_it_and_ends_so(tmp_path: Path, authority: Authority) -> None:
    example = Path(__file__).parents[2] / "config" / "lac-thuy.yaml"
    document = yaml.safe_load(example.read_text("utf-8"))
    document["bridge"]["minutes"] = {"trust": ["root.pem", "other.pem"]}
    path = tmp_path / "topology.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    missing = CliRunner().invoke(app, ["check", str(path)])
    assert missing.exit_code == 2
    for name in ("root.pem", "other.pem"):
        assert f"bridge.minutes.trust: {name} is not there." in missing.stderr, "all at once"
        (tmp_path / name).write_bytes(authority.pem)
    assert CliRunner().invoke(app, ["check", str(path)]).exit_code == 0


def test_the_password_of_a_camera(tmp_path: Path) -> None:
    camera = CameraControl(
        kind="onvif",
        address="192.0.2.21",
        user="a",
        password="camera.txt",
        presets=[Preset(number=1, name=Name(vi="A"))],
    )
    first = TOPOLOGY.points[0].model_copy(update={"camera_control": camera})
    topology = TOPOLOGY.model_copy(update={"points": [first, *TOPOLOGY.points[1:]]})

    def said() -> list[str]:
        return [fault.said for fault in faults(topology, tmp_path, NOW)]

    assert ["camera_control.password is not there" in one for one in said()] == [True]
    path = tmp_path / "camera.txt"
    path.write_text(" \n")
    assert ["is empty" in one for one in said()] == [True]
    path.write_text("secret\n")
    assert said() == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"secret\n", None),
        (b"", "has an empty first line. Write the password into it."),
        (b"\nsecret", "has an empty first line. Write the password into it."),
        (b"\xff", "is no text in UTF-8. Write the password into its first line."),
    ],
)
def test_passwords_of_codecs_and_their_registrar(
    data: bytes, said: str | None, tmp_path: Path
) -> None:
    first, *others = TOPOLOGY.points
    codec = SipPoint(uri="sip:codec@192.0.2.20", password_file="codec.txt")
    registrar = SipRegistrar(
        uri="sip:cau@192.0.2.5", address="192.0.2.5", user="cau", password_file="registrar.txt"
    )
    gateway = SipGateway(listen="192.0.2.10", registrar=registrar)
    topology = TOPOLOGY.model_copy(
        update={
            "points": [first.model_copy(update={"sip": codec}), *others],
            "bridge": TOPOLOGY.bridge.model_copy(update={"sip": gateway}),
        }
    )
    places = (f"points, {first.id}, sip.password_file", "bridge.sip.registrar.password_file")
    assert len([f for f in faults(topology, tmp_path, NOW) if "is not there" in f.said]) == 2
    for name in ("codec.txt", "registrar.txt"):
        (tmp_path / name).write_bytes(data)
    found = [fault.said for fault in faults(topology, tmp_path, NOW)]
    assert found == ([f"{place} {said}" for place in places] if said else [])
