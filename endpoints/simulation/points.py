"""Simulated points: WebRTC peers that send a test card and a tone and report what they see, each
with the real agent beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from endpoints.agent.agent import Agent
from endpoints.netem.impairment import Hop, Impairment, Profile
from endpoints.simulation.faults import Fault
from endpoints.simulation.light_peer import LightPeer
from endpoints.simulation.meeting_room import MeetingRoom
from endpoints.webrtc import aiortc_seams
from endpoints.webrtc.peer import Peer
from endpoints.webrtc.test_card import TIME_MODULUS, Plane
from endpoints.webrtc.tracks import PictureTrack, ToneTrack

LOOPBACK = "127.0.0.1"
DEVICES = {"camera": "Test card", "microphone": "Tone", "speaker": "Nobody listens"}
HEALTHY = {
    "cpu": 0.1,
    "memory": 0.4,
    "disk": 0.3,
    "disk_free": 50 << 30,
    "temperature": 45.0,
    "synchronised": True,
    "clock_error": 0.001,
}


def room_track(room: MeetingRoom) -> PictureTrack:
    """Video of a meeting room; the card in it has the time of the drawing."""

    def draw(now_ms: int) -> Plane:
        local = time.localtime()
        return room.render(now_ms, now_ms % TIME_MODULUS, local.tm_hour, local.tm_min)

    return PictureTrack(draw)


def simulated_peer(
    url: str,
    point: str,
    key: str,
    number: int,
    *,
    name: str = "",
    light: bool = False,
    **options: Any,
) -> Peer:
    """A peer that sends the tone of a number, and a meeting room with its card and ``name``: over
    aiortc, or ``light``. ``options`` are `Peer`'s."""
    if light:
        return LightPeer(url, point, key, number=number, name=name, **options)
    return Peer(
        url,
        point,
        key,
        sources=lambda: (ToneTrack(number), room_track(MeetingRoom(number, name))),
        **options,
    )


class SimulatedRoom:
    """A simulated point, its room PC and its agent, on one line. `Fault` says what is wrong."""

    def __init__(self, config: Mapping[str, Any], point: Mapping[str, Any]) -> None:
        """``config`` and ``point`` are as `endpoints.simulation` reads them."""
        self._url: str = config["url"]
        self._id: str = point["id"]
        self._key: str = point["key"]
        self._address: str | None = point.get("address")
        number: int = point["number"]
        self._hop = Hop(Impairment(Profile(), 2 * number), Impairment(Profile(), 2 * number + 1))
        self._fault = Fault.of(self._id, {})
        self._peer = simulated_peer(
            self._url,
            self._id,
            self._key,
            number,
            name=point.get("name", ""),
            light=point.get("light", False),
            has=self._has,
            names={int(number): name for number, name in config["names"].items()},
            address=self._address,
            hop=self._hop,
        )
        self._agent: asyncio.Task[None] | None = None
        self.put(Fault.of(self._id, point.get("fault", {})))

    @property
    def id(self) -> str:
        """The point's id."""
        return self._id

    def put(self, fault: Fault) -> None:
        """Replace what was wrong with the room by this."""
        self._fault = fault
        self._hop.impair(fault.line)
        self._peer.refresh()
        if fault.agent and self._agent is None:
            self._agent = asyncio.create_task(self._run_agent())
        elif not fault.agent and self._agent is not None:
            self._agent.cancel()
            self._agent = None

    def seen(self) -> dict[str, Any]:
        """What is seen and heard here, and whose thumbnail stands in which slot."""
        observations = self._peer.observations
        return {
            "point": self._id,
            "slots": observations.reports(),
            "stands": observations.standing(),
        }

    def probes(self) -> dict[str, int]:
        """How many probes the line was offered so far, and how many it lost."""
        return {
            "offered": self._hop.probes_offered,
            "lost_down": self._hop.probes_lost_down,
            "lost_up": self._hop.probes_lost_up,
        }

    async def run(self) -> None:
        """Be the point until cancelled. The agent runs from the beginning."""
        await self._peer.run()

    async def close(self) -> None:
        """Stop the agent and say goodbye to the bridge."""
        if self._agent is not None:
            self._agent.cancel()
            await asyncio.gather(self._agent, return_exceptions=True)
        await self._peer.leave()

    # --- the room PC, as its agent sees it ------------------------------------------------

    def devices(self) -> list[dict[str, str]]:
        """The devices that are not missing."""
        return [{"kind": k, "name": n} for k, n in DEVICES.items() if self._has(k)]

    def state_of(self) -> dict[str, Any]:
        """A healthy machine, but for the fault."""
        return HEALTHY | dict(self._fault.machine)

    def _has(self, device: str) -> bool:
        return device not in self._fault.missing

    async def _run_agent(self) -> None:
        aiortc_seams.local_address.set(self._address)
        aiortc_seams.line.set(self._hop)
        agent = Agent(
            self._url,
            self._id,
            self._key,
            self,
            host=self._address or LOOPBACK,
            kiosk_state=lambda: self._fault.kiosk,
            hop=self._hop,
        )
        await agent.run()
