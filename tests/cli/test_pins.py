"""`peer` prints our certificate for other bridges, makes the next one, and brings it into use."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from bridge.cli.main import app
from bridge.control.peers import pinned
from tests.paths import ROOT

NOW = datetime.datetime.now(datetime.UTC)
PEER = {
    "id": "tinh",
    "point": "phong-hop",
    "side": "above",
    "address": "192.0.2.1",
    "certificates": ["tinh.crt", "moi.crt"],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written(tmp_path)
    return tmp_path


def written(folder: Path, **peering: Any) -> None:
    """A topology with a province above, whose present certificate lies beside it."""
    made = yaml.safe_load((ROOT / "config" / "lac-thuy.yaml").read_text("utf-8"))
    made["bridge"] |= {"state": "state", "peering": peering}
    made["peers"] = [PEER]
    (folder / "x.yaml").write_text(yaml.safe_dump(made, allow_unicode=True), "utf-8")
    pinned.make(folder / "far", "far", NOW)
    (folder / "tinh.crt").write_bytes((folder / "far" / pinned.CERTIFICATE).read_bytes())


def peer(command: str, folder: Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["peer", command, "--file", str(folder / "x.yaml")])
    return result.exit_code, result.output


def shown(folder: Path) -> pinned.Pinned:
    return pinned.read_pinned(folder / "state" / pinned.CERTIFICATE)


def test_ours_is_made_once_and_shown_with_those_of_others(folder: Path) -> None:
    code, out = peer("show", folder)
    assert code == 0
    own = shown(folder)
    assert out.startswith(own.pem.strip())
    assert f"key (SHA-256): {own.digest}" in out
    assert "tinh" in out
    assert "cannot be read" in " ".join(out.split()), "the other's next one is not there yet"
    assert peer("show", folder) == (code, out)


def test_the_next_one_is_shown_to_nobody_until_it_is_used(folder: Path) -> None:
    code, out = peer("use-next", folder)
    assert code != 0
    assert "peer renew" in out
    peer("show", folder)
    before = shown(folder)
    code, out = peer("renew", folder)
    assert code == 0
    assert before.digest not in out
    assert shown(folder) == before
    assert peer("renew", folder) == (code, out), "one that was given away stays the next one"
    code, _ = peer("use-next", folder)
    assert code == 0
    assert shown(folder).digest in out
    pair = folder / "state" / pinned.CERTIFICATE, folder / "state" / pinned.KEY
    pinned.context(server=True, own=pair, peers=())
    assert peer("use-next", folder)[0] != 0


@pytest.mark.parametrize("command", ["renew", "use-next"])
def test_what_the_topology_names_is_not_made_here(folder: Path, command: str) -> None:
    """A next one that is never shown would be listed by others for nothing."""
    written(folder, certificate="far/between-bridges.crt", key="far/between-bridges.key")
    code, out = peer(command, folder)
    assert code != 0
    assert "which is not made here" in " ".join(out.split())
    assert not (folder / "state").exists()
    code, out = peer("show", folder)
    assert code == 0
    assert pinned.read_pinned(folder / "tinh.crt").digest in out
    assert not (folder / "state").exists(), "nothing is made beside it"
