"""The agent's unit and the browser's trust, as the installer writes them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from endpoints.agent.kiosk import in_policy
from installation import agent, bridge
from tests.paths import ROOT

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\nAbc=\n-----END CERTIFICATE-----\n"
UNIT = (ROOT / "docs" / "systemd" / agent.UNIT).read_text("utf-8")


def test_the_unit_is_for_the_user_who_shows_the_kiosk() -> None:
    owner = agent.Owner("phong", 1001, 1001)
    text = agent.unit(UNIT, owner, agent.STATE, ["--camera", "rtsp://192.0.2.5/a b%20$x"])
    assert "\nUser=phong\n" in text
    assert "/run/user/1001" in text
    assert "/run/user/1000" not in text
    assert "\nStateDirectory=diem-cau-agent\n" in text
    assert (
        "\nExecStart=/usr/bin/python3 -I /var/lib/diem-cau-agent/launcher.py "
        "/var/lib/diem-cau-agent -- --camera 'rtsp://192.0.2.5/a b%%20$$x'\n"
    ) in text
    elsewhere = agent.unit(UNIT, owner, Path("/srv/agent"), [])
    assert "/var/lib" not in elsewhere
    assert "# StateDirectory=" in elsewhere


def test_the_browser_trusts_the_bridges_own_authority(tmp_path: Path) -> None:
    path = tmp_path / "diem-cau.json"
    path.write_text(agent.policy(PEM))
    assert json.loads(path.read_text()) == {"CACertificates": ["MIIBAbc="]}
    assert in_policy(PEM, [tmp_path / "none.json", path])
    assert not in_policy(PEM.replace("Abc", "Xyz"), [path])
    path.write_text("nonsense")
    assert not in_policy(PEM, [path])
    assert not in_policy("", [path])


def test_the_example_has_the_line_that_the_installer_replaces() -> None:
    text = (ROOT / "config" / "example.yaml").read_text("utf-8")
    assert text.count(bridge.EXAMPLE_STATE) == 1
    for name in bridge.UNITS:
        unit = (ROOT / "docs" / "systemd" / name).read_text("utf-8")
        assert f"ExecStart={bridge.HOME}/current/.venv/bin/python" in unit
        assert f"User={bridge.USER}\n" in unit


def test_each_unit_with_variables_has_its_file_of_them() -> None:
    found = set()
    for name in bridge.UNITS:
        unit = (ROOT / "docs" / "systemd" / name).read_text("utf-8")
        found |= set(re.findall(rf"^EnvironmentFile={bridge.SETTINGS}/(.+)$", unit, re.MULTILINE))
    assert found == set(bridge.VARIABLES)
    for name in bridge.VARIABLES:
        assert (ROOT / "docs" / "systemd" / name).is_file()
