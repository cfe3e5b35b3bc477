"""Options of a demo that cannot be are refused with a sentence that says what can."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.demo.options import hosts_problem, problem
from config.loader import load
from config.schema import Topology
from tests.paths import ROOT


@pytest.fixture(scope="module")
def topology() -> Topology:
    return load(ROOT / "config" / "lac-thuy.yaml")


@pytest.mark.parametrize(
    ("points", "impaired", "rooms", "says"),
    [
        (1, [], [], "2 to 12 points; 1 cannot be"),
        (13, [], [], "2 to 12 points; 13 cannot be"),
        (None, ["nowhere"], [], "no point nowhere. Its points: hoi-truong"),
        (None, [], ["nowhere"], "no point nowhere. Its points: hoi-truong"),
        (3, ["yen-bong"], [], "yen-bong does not take part in a demo of 3 points"),
        (3, [], ["hoi-truong", "yen-bong", "chi-ne"], "must be simulated"),
        (3, ["yen-bong"], ["yen-bong"], "is left to a real room"),
        (3, ["hoi-truong"], ["yen-bong"], ""),
        (None, ["yen-bong"], ["khoan-du"], ""),
    ],
)
def test_points_rooms_and_lines(
    topology: Topology, points: int | None, impaired: list[str], rooms: list[str], says: str
) -> None:
    found = problem(topology, points, impaired, rooms, None)
    assert (says in found) if says else not found, found


def test_a_report_needs_a_file_in_a_folder_that_is_there(
    topology: Topology, tmp_path: Path
) -> None:
    assert "is a folder" in problem(topology, None, [], [], tmp_path)
    assert "create it first" in problem(topology, None, [], [], tmp_path / "none" / "r.json")
    assert not problem(topology, None, [], [], tmp_path / "r.json")


def test_what_a_demo_with_two_hosts_has_not() -> None:
    assert hosts_problem({"record": False, "audience": 0, "room": None, "impair": []}) == ""
    for name, value in (("record", True), ("audience", 3), ("room", ["khoan-du"])):
        said = hosts_problem({"monitoring": False, name: value})
        assert f"no --{name}." in said
        assert "--points" in said
