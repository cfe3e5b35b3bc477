"""Where the demo's bridge listens, and how the command line finds it."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from bridge.app.credentials import LOCAL_ADDRESS, LOCAL_TOKEN
from bridge.app.errors import StartError
from bridge.demo.loopback import announce, first_points, on_free_ports
from bridge.demo.ports import another_answers, free_port, is_loopback, is_taken
from config.loader import load
from config.schema import Topology
from tests.paths import ROOT

LOOPBACK = "127.0.0.1"
OWN = "http://127.0.0.1:9"


@pytest.fixture
def topology() -> Topology:
    return load(ROOT / "config" / "lac-thuy.yaml")


def test_the_first_points_have_the_chair_among_them(topology: Topology) -> None:
    chair = topology.conference.chair
    last = topology.points[-1].id
    for count in (2, 5, 12):
        assert len(first_points(topology, count).points) == count
        assert chair in {point.id for point in first_points(topology, count).points}
    conference = topology.conference.model_copy(update={"chair": last})
    moved = topology.model_copy(update={"conference": conference})
    assert [p.id for p in first_points(moved, 2).points] == [topology.points[0].id, last]


def test_a_point_that_is_left_to_a_real_room_is_among_the_first(topology: Topology) -> None:
    last = topology.points[-1].id
    found = [point.id for point in first_points(topology, 3, [last]).points]
    assert len(found) == 3
    assert {topology.conference.chair, last} < set(found)


def test_addresses_beyond_loopback_are_refused(topology: Topology) -> None:
    web = topology.bridge.web.model_copy(update={"listen": "192.0.2.1"})
    bridge = topology.bridge.model_copy(update={"web": web})
    with pytest.raises(StartError, match="loopback addresses only"):
        on_free_ports(topology.model_copy(update={"bridge": bridge}))


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
@pytest.mark.parametrize("host", [LOOPBACK, "::1"])
def test_a_port_is_free_until_it_is_bound(host: str, kind: socket.SocketKind) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    port = free_port(host, kind)
    with socket.socket(family, kind) as bound:
        bound.bind((host, port))
        if kind is socket.SOCK_STREAM:
            bound.listen()
        assert is_taken(host, port, kind)


def test_what_is_loopback() -> None:
    assert is_loopback("127.0.12.5")
    assert is_loopback("::1")
    assert not is_loopback("192.0.2.1")
    assert not is_loopback(None)


def test_ports_that_are_taken_are_left_to_others(topology: Topology) -> None:
    with socket.socket() as web, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media:
        web.bind((LOOPBACK, 0))
        web.listen()
        media.bind((LOOPBACK, 0))
        bridge = topology.bridge
        taken = bridge.model_copy(
            update={
                "web": bridge.web.model_copy(
                    update={"listen": LOOPBACK, "port": web.getsockname()[1]}
                ),
                "media": bridge.media.model_copy(
                    update={"listen": [LOOPBACK], "port": media.getsockname()[1]}
                ),
                "metrics": bridge.metrics.model_copy(update={"port": web.getsockname()[1]}),
            }
        )
        moved = on_free_ports(topology.model_copy(update={"bridge": taken})).bridge
    assert (moved.web.port, moved.media.port, moved.metrics.port) == (0, 0, 0)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / LOCAL_TOKEN).write_text("token of the demo", "utf-8")
    (folder / LOCAL_ADDRESS).write_text(OWN, "utf-8")
    return folder


def test_the_demo_is_announced_where_nobody_serves(state: Path, tmp_path: Path) -> None:
    local = tmp_path / "served"
    made = announce(OWN, state, local)
    assert sorted(path.name for path in made) == sorted([LOCAL_TOKEN, LOCAL_ADDRESS])
    assert (local / LOCAL_TOKEN).read_text("utf-8") == "token of the demo"
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in made)
    # It was killed, and is started again at the same address.
    assert announce(OWN, state, local) == made


def test_a_bridge_that_serves_is_not_hidden(state: Path, tmp_path: Path) -> None:
    local = tmp_path / "served"
    local.mkdir()
    with socket.socket() as served:
        served.bind((LOOPBACK, 0))
        served.listen()
        address = f"http://{LOOPBACK}:{served.getsockname()[1]}"
        (local / LOCAL_ADDRESS).write_text(address, "utf-8")
        assert another_answers(local / LOCAL_ADDRESS, OWN)
        assert announce(OWN, state, local) == []
        assert (local / LOCAL_ADDRESS).read_text("utf-8") == address
    assert not another_answers(local / LOCAL_ADDRESS, OWN)
    assert len(announce(OWN, state, local)) == 2


@pytest.mark.parametrize("text", ["", "nonsense", "http://", "http://127.0.0.1:99999"])
def test_an_address_that_is_none_answers_nobody(tmp_path: Path, text: str) -> None:
    path = tmp_path / LOCAL_ADDRESS
    assert not another_answers(path, OWN)
    path.write_text(text, "utf-8")
    assert not another_answers(path, OWN)
