"""The bundle and the agents on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.loader import load
from config.room_address import room_address
from config.schema import Topology
from tests.cli.test_commands import cli, topology_file
from tests.paths import ROOT
from tests.server.test_bundle import put_bundle


def test_a_bundle_is_given_to_the_bridge(tmp_path: Path) -> None:
    file = ["--file", str(topology_file(tmp_path))]
    assert cli("bundle", "show", *file).exit_code == 1
    no_bundle = tmp_path / "x"
    no_bundle.write_text("nothing")
    refused = cli("bundle", "use", str(no_bundle), *file)
    assert refused.exit_code == 2
    assert "is not a bundle" in refused.stderr
    assert not (tmp_path / "state" / "bundle.pyz").exists()
    used = cli("bundle", "use", str(put_bundle(tmp_path)), *file)
    assert used.exit_code == 0, used.stderr
    shown = cli("bundle", "show", *file).stdout
    assert shown.split()[0] in used.stdout
    assert str(tmp_path / "state" / "bundle.pyz") in shown


@pytest.mark.parametrize(
    ("web", "media", "address"),
    [
        ({"listen": "192.0.2.10", "port": 443}, {}, "https://192.0.2.10"),
        ({"listen": "192.0.2.10", "port": 8443}, {}, "https://192.0.2.10:8443"),
        ({"listen": "2001:db8::1", "port": 443}, {}, "https://[2001:db8::1]"),
        ({"listen": "127.0.0.1", "port": 8443}, {}, "http://127.0.0.1:8443"),
        ({"listen": "0.0.0.0", "port": 443}, {"listen": ["192.0.2.9"]}, "https://192.0.2.9"),  # noqa: S104
        (
            {"listen": "::", "port": 443},
            {"listen": ["192.0.2.9"], "public": ["192.0.2.11"]},
            "https://192.0.2.11",
        ),
    ],
)
def test_where_room_pcs_reach_the_bridge(
    web: dict[str, object], media: dict[str, object], address: str
) -> None:
    topology = load(ROOT / "config" / "lac-thuy.yaml")
    bridge = topology.bridge.model_copy(
        update={
            "web": topology.bridge.web.model_copy(update=web),
            "media": topology.bridge.media.model_copy(update=media),
        }
    )
    changed: Topology = topology.model_copy(update={"bridge": bridge})
    assert room_address(changed) == address
