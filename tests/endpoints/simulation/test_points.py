"""A simulated room is as its faults say."""

from __future__ import annotations

from typing import Any

from endpoints.simulation.faults import Fault
from endpoints.simulation.points import HEALTHY, SimulatedRoom

POINT = "khoan-du"


def room(**fault: Any) -> SimulatedRoom:
    """A room that is not connected and, unless the fault says so, has no agent."""
    config = {"url": "http://127.0.0.1:9", "names": {"8": POINT}}
    point = {"id": POINT, "key": "k", "number": 8, "fault": {"agent": False, **fault}}
    return SimulatedRoom(config, point)


def kinds(made: SimulatedRoom) -> list[str]:
    return [device["kind"] for device in made.devices()]


async def test_a_room_is_well_until_a_fault_and_after_it() -> None:
    made = room()
    assert kinds(made) == ["camera", "microphone", "speaker"]
    assert made.state_of() == HEALTHY
    made.put(Fault.of(POINT, {"missing": ["camera"], "machine": {"disk": 0.99}, "agent": False}))
    assert kinds(made) == ["microphone", "speaker"]
    assert made.state_of() == {**HEALTHY, "disk": 0.99}
    made.put(Fault.of(POINT, {"agent": False}))
    assert kinds(made) == ["camera", "microphone", "speaker"]
    assert made.state_of() == HEALTHY
    await made.close()


async def test_what_the_line_did_to_probes_is_counted_apart_from_media() -> None:
    made = room(impair="loss-down=100%")
    hop = made._hop
    assert hop.probe_down(0.0, 100) == []
    assert hop.down.offer(0.0, 100) == []  # media
    assert hop.probe_up(0.0, 100) == [0.0]
    assert made.probes() == {"offered": 1, "lost_down": 1, "lost_up": 0}
    await made.close()


async def test_the_agent_is_stopped_and_started_by_a_fault() -> None:
    made = room()
    agents = [made._agent]
    for document in ({}, {"impair": "loss=1%"}, {"agent": False}):
        made.put(Fault.of(POINT, document))
        agents.append(made._agent)
    none, started, kept, ended = agents
    assert none is ended is None
    assert started is not None
    assert kept is started, "another fault leaves it alone"
    assert started.cancelling()
    await made.close()
