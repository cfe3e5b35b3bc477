"""What dies on the way comes back as it was. Figures are printed, never asserted where a loaded
machine could miss them; docs/reliability.md holds those that were measured."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.app.state_folder import LOCK
from bridge.conference import events as e
from bridge.conference.apply import replay
from bridge.conference.model import PointId
from bridge.server.guard.message_budget import PERSON
from bridge.store.database import engine_of
from bridge.store.log import EventLog
from endpoints.netem.relay import Address
from endpoints.webrtc.client import BridgeClient
from monitoring.statistics import percentile
from tests import databases
from tests.live.served import WATCH_HOST, Served, Watcher, served
from tests.live.support import simulated_points
from tests.live.test_demo import workers_of
from tests.waiting import HANG, eventually

POINTS = ["hoi-truong", "phong-hop", "chi-ne", "khoan-du", "an-binh", "yen-bong"]


# What of a seat is no decision, but what comes in from the room at the moment.
MOMENTARY = ("voice", "picture")


def decided(state: dict[str, Any]) -> dict[str, Any]:
    """A conference without what its rooms send just now."""
    seats = {
        point: {name: value for name, value in seat.items() if name not in MOMENTARY}
        for point, seat in state["seats"].items()
    }
    return {**state, "seats": seats}


def comparable(state: dict[str, Any]) -> str:
    """What was decided in a conference, as canonical JSON."""
    return json.dumps(decided(state), sort_keys=True, ensure_ascii=False)


def kept(after: dict[str, Any], before: dict[str, Any]) -> bool:
    """Whether a conference is as it was, to the letter. A point that a busy machine starved may
    have left and come by itself meanwhile, as the log says then."""
    if after["seq"] == before["seq"]:
        return comparable(after) == comparable(before)
    return standing(after) == standing(before)


def standing(state: dict[str, Any]) -> dict[str, Any]:
    """What was decided, whoever is there."""
    gone = ("present", "problem")
    seats = {
        point: {name: value for name, value in seat.items() if name not in gone}
        for point, seat in decided(state)["seats"].items()
    }
    return {**state, "seq": 0, "seats": seats, "floor": given(state)}


def given(state: dict[str, Any]) -> Any:
    """Who has the floor, and for how long at most. Its time stands still while he is away."""
    floor = state["floor"]
    return (floor["point"], floor["limit"]) if floor is not None else None


async def complete(bridge: Served, conference: str, points: list[str]) -> dict[str, Any]:
    """A conference at a moment at which all of these are in it: one that a busy machine starved
    may leave and come by itself between any two looks."""
    async with asyncio.timeout(HANG):
        while True:  # each look is a call: no busy loop
            state = await bridge.state_of(conference)
            if all(state["seats"][point]["present"] for point in points):
                return state


async def in_conference(bridge: Served, points: int) -> str:
    """Start the briefing and wait until all are in."""
    answer = await bridge.call("POST", "/conferences", {"template": "giao-ban", "start": True})
    conference: str = answer["conference"]
    await bridge.until_present(conference, points)
    return conference


async def test_sigkill_of_the_control_process(tmp_path: Path) -> None:
    """Media goes on, WebSockets are back soon, the state is equal to the letter."""
    async with served(tmp_path, watched=True) as bridge:
        watcher = Watcher(bridge.media)
        await watcher.start(WATCH_HOST, bridge.media[1])
        welcomes: list[float] = []

        def message(document: dict[str, Any]) -> None:
            if document["type"] == "welcome":
                welcomes.append(time.monotonic())

        client = BridgeClient(bridge.url, "dong-tam", bridge.keys[PointId("dong-tam")], message)
        task = asyncio.create_task(client.run())
        try:
            async with simulated_points(bridge, POINTS):  # type: ignore[arg-type]
                conference = await in_conference(bridge, len(POINTS))
                for command in (
                    {"type": "grant", "point": "khoan-du"},
                    {"type": "mute", "point": "chi-ne", "lock": True},
                    {"type": "pin", "pane": 2, "point": "yen-bong"},
                    {"type": "banner", "text": "Nghỉ 10 phút"},
                    {"type": "preview", "point": "an-binh"},
                ):
                    await bridge.command(conference, command)
                await eventually(lambda: len(watcher.steady(time.monotonic())) > 2 * len(POINTS))
                before = await complete(bridge, conference, POINTS)
                # Two seconds of the streams before the kill are measured.
                await eventually(lambda: len(watcher.steady(time.monotonic())) > 2 * len(POINTS))
                welcomes.clear()
                killed = time.monotonic()
                await bridge.kill()
                await bridge.start()
                back = time.monotonic()
                after = await bridge.state_of(conference)
                assert kept(after, before), (comparable(after), comparable(before))
                await eventually(lambda: welcomes)
                await asyncio.sleep(2)
                gaps = watcher.gaps(killed, time.monotonic())
                assert len(gaps) > len(POINTS), "streams were watched"
                print(
                    f"\n{len(gaps)} streams, longest gap {max(gaps) * 1000:.0f} ms "
                    f"(median {sorted(gaps)[len(gaps) // 2] * 1000:.0f}); "
                    f"WebSocket back after {welcomes[0] - killed:.2f} s"
                )
                settled = await complete(bridge, conference, POINTS)
                assert kept(settled, before), (comparable(settled), comparable(before))
                # Nothing stopped for good: every stream goes on after the restart.
                steady = watcher.steady(killed)
                await all_go_on(bridge, watcher, steady, back, (conference, before["seq"]))
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            watcher.close()


async def all_go_on(
    bridge: Served,
    watcher: Watcher,
    streams: list[tuple[Address, int]],
    since: float,
    event: tuple[str, int],
) -> None:
    """Wait until each of the streams had a packet since a moment, or is one that a point is not
    sent because its line carries no more: the machine may have no time for all pictures. Who has
    left since an event, and come again, has as many new ones."""
    points = {f"127.0.12.{n}": p.id for n, p in enumerate(bridge.topology.points, 1)}
    hosts = {point: host for host, point in points.items()}
    found: dict[str, Any] = {}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HANG):
            while True:
                over = Counter(at[0] for at, ssrc in streams if watcher.seen[at, ssrc][-1] <= since)
                for point in await left_since(bridge, *event):
                    host = hosts[point]
                    now = watcher.steady(time.monotonic(), least=2)
                    had, has = (sum(at[0] == host for at, _ in keys) for keys in (streams, now))
                    over[host] = max(0, had - has)
                found = {}
                for host, count in over.items():
                    traffic = await bridge.call("GET", f"/points/{points[host]}/traffic")
                    if count > sum(slot["paused"] == "line" for slot in traffic["slots"]):
                        found[points[host]] = (count, traffic)
                if not found:
                    return
                await asyncio.sleep(0.1)
    raise AssertionError(found)


async def test_a_killed_control_process_begins_by_itself_again(tmp_path: Path) -> None:
    """``serve --respawn``: nobody starts it, and the conference is what it was."""
    async with served(tmp_path, respawn=True) as bridge:
        assert bridge.process is not None
        holder = bridge.state / LOCK
        first = holder.read_text("ascii")
        assert int(first) != bridge.process.pid
        answer = await bridge.call("POST", "/conferences", {"template": "giao-ban", "start": True})
        conference = answer["conference"]
        await bridge.command(conference, {"type": "banner", "text": "Nghỉ 10 phút"})
        before = await bridge.state_of(conference)
        killed = time.monotonic()
        os.kill(int(first), signal.SIGKILL)
        await eventually(lambda: holder.read_text("ascii") not in ("", first))
        await bridge.healthy()
        print(f"\nback after {time.monotonic() - killed:.2f} s")
        after = await bridge.state_of(conference)
        # Nobody is there: that a point does not come may be noted meanwhile.
        assert kept(after, before), (comparable(after), comparable(before))
        await bridge.stop()
        assert bridge.process.returncode == 0


KEPT = ("seats", "floor", "on_air", "queue", "panes", "director", "layout")


def seating(state: dict[str, Any], points: list[str], left: set[str]) -> dict[str, Any]:
    """Where these points sit, and what they and the others were given. ``left`` were away
    meanwhile: the time of one that has the floor stood still."""
    found = {key: value for key, value in decided(state).items() if key in KEPT}
    seats = {point: found["seats"][point] for point in points}
    floor = state["floor"]
    if floor is not None and floor["point"] in left:
        floor = given(state)
    return {**found, "seats": seats, "floor": floor}


async def until_seated(
    bridge: Served, conference: str, points: list[str], before: dict[str, Any]
) -> None:
    """Wait until everybody is where he was."""
    was: dict[str, Any] = before
    now: dict[str, Any] = {}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HANG):
            while now != was:  # each look is two calls: no busy loop
                state = await bridge.state_of(conference)
                left = await left_since(bridge, conference, before["seq"])
                was, now = (seating(found, points, left) for found in (before, state))
    assert now == was


async def test_ten_seconds_of_sigstop_with_rooms(tmp_path: Path) -> None:
    """Of the control process, then of the worker: rooms are in the conference again, with their
    seats. Media goes on without the control process."""
    points = POINTS[:3]
    async with served(tmp_path, watched=True) as bridge:
        watcher = Watcher(bridge.media)
        await watcher.start(WATCH_HOST, bridge.media[1])
        try:
            async with simulated_points(bridge, points):  # type: ignore[arg-type]
                conference = await in_conference(bridge, len(points))
                await bridge.command(conference, {"type": "grant", "point": "chi-ne"})
                await bridge.command(conference, {"type": "mute", "point": "phong-hop"})
                await eventually(lambda: len(watcher.steady(time.monotonic())) > 2 * len(points))
                before = await complete(bridge, conference, points)
                assert bridge.process is not None
                control = bridge.process.pid
                stopped = await stop_for_ten_seconds(control)
                continued = time.monotonic()
                went_on = [
                    key
                    for key in watcher.steady(stopped)
                    if any(stopped + 5 < at < continued for at in watcher.seen[key])
                ]
                assert went_on, "media went on"
                await until_seated(bridge, conference, points, before)
                print(f"\nin the conference {time.monotonic() - continued:.2f} s after SIGCONT")
                await stop_for_ten_seconds(workers_of(control)[0])
                continued = time.monotonic()
                await eventually(lambda: any(s[-1] > continued for s in watcher.seen.values()))
                await until_seated(bridge, conference, points, before)
                print(f"pictures again, and in the conference {time.monotonic() - continued:.2f} s")
                assert bridge.process.returncode is None
        finally:
            watcher.close()


async def stop_for_ten_seconds(process: int) -> float:
    """Returns when it was stopped."""
    stopped = time.monotonic()
    os.kill(process, signal.SIGSTOP)
    try:
        await asyncio.sleep(10)
    finally:
        with contextlib.suppress(ProcessLookupError):  # a worker may be ended and replaced
            os.kill(process, signal.SIGCONT)
    return stopped


async def test_sigkill_of_the_worker(tmp_path: Path) -> None:
    """All are back with their seats, without anybody's doing."""
    async with served(tmp_path) as bridge:
        names = [point.id for point in bridge.topology.points]
        async with simulated_points(bridge, names):  # type: ignore[arg-type]
            conference = await in_conference(bridge, 12)
            await bridge.command(conference, {"type": "grant", "point": "khoan-du"})
            await bridge.command(conference, {"type": "mute", "point": "chi-ne", "lock": True})
            before = decided(await complete(bridge, conference, names))
            assert bridge.process is not None
            (worker,) = workers_of(bridge.process.pid)
            os.kill(worker, signal.SIGKILL)
            killed = time.monotonic()
            # By the log: they are back within a second, which a look at who is there may miss.
            async with asyncio.timeout(HANG):
                while await left_since(bridge, conference, before["seq"]) != set(names):
                    pass
            await bridge.until_present(conference, 12)
            print(f"\nall twelve back after {time.monotonic() - killed:.2f} s")
            same = ("seats", "on_air", "queue", "panes", "director", "layout")
            after: dict[str, Any] = {}
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HANG):
                    while any(after.get(key) != before[key] for key in same):
                        after = decided(await bridge.state_of(conference))
            for key in same:
                assert after[key] == before[key], key
            assert after["floor"]["point"] == "khoan-du"


async def left_since(bridge: Served, conference: str, seq: int) -> set[str]:
    """The points that have left a conference after an event of its log."""
    events = await bridge.events_since(conference, seq, "point_left")
    return {line["event"]["point"] for line in events}


# --- kills at random moments ---------------------------------------------------------------


def script(rng: random.Random) -> dict[str, Any]:
    """One command of a conference that nobody's presence matters for."""
    point = rng.choice(POINTS)
    return rng.choice(
        [
            {"type": "preview", "point": point},
            {"type": "pin", "pane": rng.randint(1, 6), "point": point},
            {"type": "camera", "point": point, "off": rng.random() < 0.5},
            {"type": "mute", "point": point, "lock": True},
            {"type": "unmute", "point": point},
            {"type": "banner", "text": f"{rng.random():.9f}"},
            {"type": "extend", "minutes": rng.randint(1, 9)},
            {"type": "layout", "layout": rng.choice(["grid", "alone", "speaker", "content"])},
        ]
    )


@pytest.mark.parametrize(
    ("kind", "kills"),
    [
        pytest.param("sqlite", 6, id="sqlite-slice"),
        pytest.param("postgresql", 4, id="postgresql-slice"),
        pytest.param("sqlite", 200, marks=pytest.mark.soak, id="sqlite"),
        pytest.param("postgresql", 200, marks=pytest.mark.soak, id="postgresql"),
    ],
)
async def test_kills_at_random_moments(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str, kills: int
) -> None:
    """No acknowledged event is lost, doubled or out of order, and a command that was sent
    again with its key is done once."""
    url = ""
    if kind == "postgresql":
        url = databases.new_database(request.getfixturevalue("postgres"))
    rng = random.Random(kills)
    async with served(tmp_path, url) as bridge:
        opened = await bridge.call("POST", "/conferences", {"template": "giao-ban", "start": True})
        conference = opened["conference"]
        acknowledged: list[int] = []
        extended = repeated = number = 0
        for _ in range(kills):
            death = asyncio.create_task(_kill_after(bridge, rng.random() * 0.5))
            while not death.done():
                number += 1
                command, key = script(rng), f"key-{number}"
                if command["type"] == "extend":
                    extended += command["minutes"]
                sequence = None
                with contextlib.suppress(aiohttp.ClientError, OSError):
                    sequence = await bridge.command(conference, command, key)
                if sequence is None:  # it died on the way: nobody knows whether it was done
                    await death
                    await bridge.start()
                    sequence = await bridge.command(conference, command, key)
                    repeated += 1
                acknowledged.append(sequence)
            if bridge.process is not None and bridge.process.returncode is not None:
                await bridge.start()
        # First: that a point does not come may be noted between the two.
        view = await bridge.state_of(conference)
        engine = engine_of(url, bridge.state)
        log = await EventLog(engine).read(conference)
        await engine.dispose()
        assert [r.seq for r in log] == list(range(1, len(log) + 1)), "no hole, none doubled"
        assert acknowledged == sorted(acknowledged), "in the order they were acknowledged"
        assert acknowledged[-1] <= len(log)
        state = replay(log[: view["seq"]])
        assert state is not None
        minutes = [r for r in log if isinstance(r.event, e.Extended)]
        assert sum(1 for r in minutes) == len({r.seq for r in minutes})
        assert view["seq"] == state.seq
        assert view["banner"] == state.banner
        print(f"\n{kills} kills, {number} commands, {repeated} sent again, {len(log)} events")


async def _kill_after(bridge: Served, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await bridge.kill()


# --- five consoles, one of them stalled ----------------------------------------------------


async def test_a_stalled_console_hurts_nobody(tmp_path: Path) -> None:
    """Twelve points, five consoles, one of which reads nothing at all."""
    commands = 120
    async with served(tmp_path) as bridge:
        names = [point.id for point in bridge.topology.points]
        async with simulated_points(bridge, names[:3]), contextlib.AsyncExitStack() as stack:  # type: ignore[arg-type]
            rooms = [
                BridgeClient(bridge.url, name, bridge.keys[PointId(name)], lambda _: None)
                for name in names[3:]
            ]
            tasks = [asyncio.create_task(room.run()) for room in rooms]
            answer = await bridge.call(
                "POST", "/conferences", {"template": "giao-ban", "start": True}
            )
            conference = answer["conference"]
            await bridge.until_present(conference, 3)
            consoles = [await _console(bridge, stack) for _ in range(4)]
            stalled = await _stalled_console(bridge)
            acknowledged: list[float] = []
            visible: list[float] = []
            began = time.monotonic()
            for number in range(commands):
                # No faster than a person may (the budget of messages), however fast the answers.
                await asyncio.sleep(max(0.0, began + number / PERSON.rate - time.monotonic()))
                text = f"{number} " + "x" * 250
                seen = [asyncio.create_task(_until_banner(ws, text)) for ws in consoles[1:]]
                begun = time.monotonic()
                await consoles[0].send_json(
                    {
                        "type": "command",
                        "id": number,
                        "conference": conference,
                        "command": {"type": "banner", "text": text},
                    }
                )
                acknowledged.append(await _until_result(consoles[0], number) - begun)
                visible.append(max(await asyncio.gather(*seen)) - begun)
            print(
                f"\n{commands} commands, 12 points, 5 consoles, one stalled: acknowledged p50 "
                f"{percentile(sorted(acknowledged), 0.5) * 1000:.1f} ms, p95 "
                f"{percentile(sorted(acknowledged), 0.95) * 1000:.1f} ms; visible on the slowest "
                f"other console p50 {percentile(sorted(visible), 0.5) * 1000:.1f} ms, p95 "
                f"{percentile(sorted(visible), 0.95) * 1000:.1f} ms"
            )
            stalled.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _session(bridge: Served) -> str:
    answer = await bridge.call("POST", "/sessions", {})
    token: str = answer["session"]
    return token


async def _console(
    bridge: Served, stack: contextlib.AsyncExitStack
) -> aiohttp.ClientWebSocketResponse:
    token = await _session(bridge)
    socket_ = await stack.enter_async_context(bridge.http.ws_connect(f"{bridge.url}/api/v1/ws"))
    await socket_.send_json({"type": "hello", "version": 2, "session": token})
    return socket_


async def _until_banner(ws: aiohttp.ClientWebSocketResponse, text: str) -> float:
    async with asyncio.timeout(HANG):
        while True:
            message = json.loads((await ws.receive()).data)
            if message["type"] == "state" and message["conference"]["banner"] == text:
                return time.monotonic()


async def _until_result(ws: aiohttp.ClientWebSocketResponse, ident: int) -> float:
    async with asyncio.timeout(HANG):
        while True:
            message = json.loads((await ws.receive()).data)
            if message["type"] == "result" and message["id"] == ident:
                assert message["ok"], message
                return time.monotonic()


async def _stalled_console(bridge: Served) -> socket.socket:
    """A console whose socket is never read: its buffers fill, and it is let go."""
    token = await _session(bridge)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", bridge.topology.bridge.web.port))
    raw.sendall(
        b"GET /api/v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
        b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    hello = json.dumps({"type": "hello", "version": 2, "session": token}).encode()
    mask = b"\0\0\0\0"
    raw.sendall(bytes([0x81, 0x80 | 126]) + len(hello).to_bytes(2, "big") + mask + hello)
    return raw


# --- dropped and revoked -------------------------------------------------------------------


def streams_flow(watcher: Watcher, points: int) -> bool:
    """So many points have a picture of every other and one stream more."""
    streams = Counter(at for at, _ in watcher.steady(time.monotonic(), least=2))
    return len(streams) == points and min(streams.values()) >= points


def silent(watcher: Watcher, keys: list[Any]) -> list[Any]:
    """Streams without a packet for two seconds while others go on, where every receiver has one
    and there are as many as a point has."""
    now = time.monotonic()
    lasts = {key: watcher.seen[key][-1] for key in keys}
    found = [key for key, last in lasts.items() if last < now - 2]
    everywhere = {at for at, _ in found} == {at for at, _ in keys}
    goes_on = any(last > now - 0.5 for last in lasts.values())
    return found if everywhere and goes_on and len(found) >= len(POINTS) else []


async def stops(
    bridge: Served,
    watcher: Watcher,
    name: str,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    points: int,
) -> None:
    """What is asked for ends one point's streams, its own and its pictures at the others."""
    await eventually(lambda: streams_flow(watcher, points))
    steady = watcher.steady(time.monotonic(), least=2)
    await bridge.call(method, path, body)
    # What the machine took until the answer is not counted.
    asked = time.monotonic()
    # Everything to it, and its thumbnail at every other point.
    stopped = await eventually(lambda: silent(watcher, steady))
    now = time.monotonic()
    late = max(watcher.seen[key][-1] for key in stopped) - asked
    pause = watcher.pause(asked, now)
    print(
        f"\n{name}: {len(stopped)} of {len(steady)} streams stopped, the last "
        f"after {late * 1000:.0f} ms, pauses up to {pause * 1000:.0f} ms"
    )
    assert late < 1.0 + pause  # a second, and what a busy machine took from everybody


async def test_media_of_a_dropped_or_revoked_point_stops(tmp_path: Path) -> None:
    """No packet flows to it, and none of it to others, soon after the command was sent."""
    async with served(tmp_path, watched=True) as bridge:
        watcher = Watcher(bridge.media)
        await watcher.start(WATCH_HOST, bridge.media[1])
        try:
            async with simulated_points(bridge, POINTS):  # type: ignore[arg-type]
                conference = await in_conference(bridge, len(POINTS))
                devices = await bridge.call("GET", "/devices")
                device = next(d["id"] for d in devices if d["point"] == "yen-bong")
                commands = f"/conferences/{conference}/commands"
                drop = {"command": {"type": "drop", "point": "khoan-du"}}
                await stops(bridge, watcher, "dropped", "POST", commands, drop, points=6)
                await stops(bridge, watcher, "revoked", "DELETE", f"/devices/{device}", points=5)
        finally:
            watcher.close()
