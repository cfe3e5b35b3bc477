"""What the processes of simulated points are told."""

from __future__ import annotations

from bridge.conference.model import PointId
from bridge.demo.point_processes import description
from config.loader import load
from endpoints.simulation.faults import Fault
from tests.paths import ROOT


def test_points_are_numbered_in_their_order_with_their_keys_and_faults() -> None:
    topology = load(ROOT / "config" / "lac-thuy.yaml")
    keys = {PointId(point.id): f"key of {point.id}" for point in topology.points}
    found = description(topology, keys, {"khoan-du": "loss-down=5%"})
    assert [p["number"] for p in found] == list(range(1, 13))
    assert [p["id"] for p in found] == [point.id for point in topology.points]
    assert all(p["key"] == f"key of {p['id']}" for p in found)
    faults = {p["id"]: Fault.of(p["id"], p["fault"]) for p in found}
    assert faults.pop("khoan-du").line.down.loss == 0.05
    assert all(fault == Fault.of(point, {}) for point, fault in faults.items())


def test_media_stay_on_loopback_whatever_address_is_probed() -> None:
    topology = load(ROOT / "config" / "lac-thuy.yaml")
    first, second, *rest = topology.points
    points = [
        first.model_copy(update={"probe": "192.0.2.7"}),
        second.model_copy(update={"probe": None}),
        *rest,
    ]
    topology = topology.model_copy(update={"points": points})
    keys = dict.fromkeys((PointId(point.id) for point in points), "k")
    found = description(topology, keys, {})
    assert [p["address"] for p in found[:2]] == ["127.0.0.1", "127.0.0.1"]
    assert found[2]["address"] == points[2].probe


def test_two_points_stay_plain_and_all_do_with_another_codec() -> None:
    topology = load(ROOT / "config" / "lac-thuy.yaml")
    keys = dict.fromkeys((PointId(point.id) for point in topology.points), "k")
    assert [p["light"] for p in description(topology, keys, {})] == [False] * 2 + [True] * 10
    media = topology.media.model_copy(update={"codec": "h264"})
    other = topology.model_copy(update={"media": media})
    assert not any(p["light"] for p in description(other, keys, {}))
