"""The metrics of a point as it joins, gets ready and leaves."""

from __future__ import annotations

import pytest

from bridge.agents import protocol as p
from bridge.agents.registry import Agent
from bridge.conference import commands as c
from bridge.signalling.protocol import Playback, RoomStatus
from tests.control_support import Bridge
from tests.telemetry.support import POINT, quality, snapshot


async def test_a_point_from_join_to_leaving(watched: Bridge) -> None:
    ident = await watched.open()
    assert snapshot(watched).value("point_expected", POINT) == 1
    assert snapshot(watched).value("point_connected", POINT) == 0
    assert snapshot(watched).value("conferences", "live") == 1
    await watched.join(POINT, "hoi-truong")
    session = watched.control.sessions.of_point(POINT)
    assert session is not None
    watched.process.collector.tick(1.0)
    found = snapshot(watched)
    assert found.value("point_up", POINT) == 1
    assert found.value("point_connected", POINT) == 1
    assert found.value("point_state", POINT, "in_session") == 1
    assert found.value("point_joins_total", POINT, "joined") == 1
    assert found.value("point_last_seen_timestamp_seconds", POINT) == pytest.approx(watched.wall)
    await watched.do(ident, c.Grant(point=POINT))
    found = snapshot(watched)
    assert found.value("floor_holder", POINT) == found.value("on_air", POINT) == 1
    assert found.value("takes_total") == 1
    watched.control.presence.end(session)
    await watched.settle()
    found = snapshot(watched)
    assert found.value("point_disconnects_total", POINT, "left") == 1
    assert found.value("point_connected", POINT) == 0
    await watched.do(ident, c.End())
    assert snapshot(watched).histograms["diemcau_conference_duration_seconds"][()].count == 1
    assert snapshot(watched).value("point_expected", POINT) == 0


async def test_readiness_is_page_camera_and_microphone(watched: Bridge) -> None:
    tokens = await watched.join(POINT)
    assert snapshot(watched).value("point_ready", POINT) == 0
    async with watched.client.ws_connect("/api/v1/ws") as socket_:
        await socket_.send_json({"type": "hello", "version": 2, "session": tokens[POINT]})
        await socket_.receive_json()
        session = watched.control.sessions.of_point(POINT)
        assert session is not None
        watched.control.presence.status(session, RoomStatus(camera=True))
        assert snapshot(watched).value("point_ready", POINT) == 0
        watched.control.presence.status(session, RoomStatus(camera=True, microphone=True))
        assert snapshot(watched).value("point_ready", POINT) == 1
        assert snapshot(watched).value("websocket_clients") == 1


async def test_what_an_agent_says(watched: Bridge) -> None:
    agents = watched.process.agents
    agent = Agent(POINT, "d", "127.0.0.1", "1.2.3", 0.0)
    agents.add(agent)
    agents.reported(
        agent,
        p.Report(
            devices=(p.Device(kind="camera", name="C"), p.Device(kind="speaker", name="S")),
            machine=p.Machine(cpu=0.5, temperature=61.0, synchronised=True),
            kiosk=p.Kiosk(state="running", restarts=3),
        ),
    )
    watched.process.health.publish(
        {
            POINT: quality(
                offset_ms=-750.0,
                playback=Playback(frozen=0.25, concealed=0.5, frame_height=720, frame_rate=24.0),
            )
        }
    )
    watched.process.collector.tick(2.0)
    found = snapshot(watched)
    assert found.value("agent_info", POINT, "1.2.3") == 1
    assert found.value("point_device_present", POINT, "up", "video") == 1
    assert found.value("point_device_present", POINT, "up", "audio") == 0
    assert found.value("point_device_present", POINT, "down", "audio") == 1
    assert found.value("point_host_cpu_ratio", POINT) == 0.5
    assert found.value("point_host_temperature_celsius", POINT) == 61
    assert found.value("point_clock_synchronised", POINT) == 1
    assert found.value("point_kiosk_restarts_total", POINT) == 3
    assert found.value("point_clock_offset_seconds", POINT) == -0.75
    assert found.value("media_frozen_ratio", POINT, "down", "video") == 0.25
    assert found.value("media_frozen_seconds_total", POINT, "down", "video") == 0.5
    assert found.value("media_frame_height_pixels", POINT, "down", "video") == 720
    # Whatever it calls itself, it makes no label of its own choosing.
    agent.version = 'x"} 1\n'
    assert snapshot(watched).value("agent_info", POINT, "?") == 1
