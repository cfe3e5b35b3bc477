"""LiveKit: its WebSocket signalling in JSON; one publisher and one subscriber connection each."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import subprocess
import time
from typing import Any

import aiohttp

from benchmarks.peers import plain_sdp as sdp
from benchmarks.peers.burst_load import Source, announce
from benchmarks.peers.loop_thread import Loop
from benchmarks.peers.measured_server import Server, free_port, wait_port
from benchmarks.peers.raw_peer import Identity, Peer, Pump
from benchmarks.peers.sfu import Joined, Sfu

PORT = 17880
KEY, SECRET = "benchmark", "only-for-a-benchmark-on-the-loopback-interface"
CONFIG = f"""
port: {PORT}
bind_addresses: ["127.0.0.1"]
rtc:
  port_range_start: 52000
  port_range_end: 54000
  tcp_port: 0
  use_external_ip: false
  node_ip: 127.0.0.1
  enable_loopback_candidate: true
  interfaces: {{includes: [lo]}}
  ips: {{includes: [127.0.0.1/32]}}
keys: {{{KEY}: {SECRET}}}
logging: {{level: warn}}
"""


def token(identity: str) -> str:
    def part(value: dict[str, object]) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    now = int(time.time())
    head = part({"alg": "HS256", "typ": "JWT"})
    body = part(
        {
            "iss": KEY,
            "sub": identity,
            "nbf": now - 60,
            "exp": now + 3600,
            "video": {
                "room": "bench",
                "roomJoin": True,
                "canPublish": True,
                "canSubscribe": True,
            },
        }
    )
    mac = hmac.digest(SECRET.encode(), head + b"." + body, hashlib.sha256)
    return b".".join((head, body, base64.urlsafe_b64encode(mac).rstrip(b"="))).decode()


class Client:
    """One participant."""

    def __init__(self, own: int, pump: Pump, identity: Identity, peers: list[Peer]) -> None:
        self.own, self.pump, self.identity, self.peers = own, pump, identity, peers
        self.publisher = Peer(f"publisher {own}", identity)
        self.receiver: Peer | None = None
        self.early: list[tuple[str, int]] = []  # candidates before the receiver's offer
        loop = asyncio.get_running_loop()
        self.answered: asyncio.Future[str] = loop.create_future()
        self.track: asyncio.Future[str] = loop.create_future()

    async def connect(self, session: aiohttp.ClientSession) -> None:
        # Protocol 2: the publisher's connection is the primary one, so that no offer is on
        # its way before the first text frame has switched the server to JSON.
        self.ws = await session.ws_connect(
            f"http://127.0.0.1:{PORT}/rtc",
            params={
                "access_token": token(f"user{self.own}"),
                "auto_subscribe": "0",
                "protocol": "2",
                "sdk": "js",
                "version": "2.0.0",
            },
            max_msg_size=0,
        )
        self.tasks = [asyncio.ensure_future(self.read()), asyncio.ensure_future(self.alive())]

    async def send(self, **message: object) -> None:
        await self.ws.send_str(json.dumps(message))

    async def alive(self) -> None:
        while True:
            await self.send(pingReq={"timestamp": int(time.time() * 1000), "rtt": 1})
            await asyncio.sleep(5)

    async def read(self) -> None:
        async for frame in self.ws:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                continue  # the join response, in protobuf: nothing of it is needed
            message = json.loads(frame.data)
            if "trackPublished" in message:
                self.track.set_result(message["trackPublished"]["track"]["sid"])
            elif "answer" in message:
                self.answered.set_result(message["answer"]["sdp"])
            elif "offer" in message:
                await self.offered(message["offer"])
            elif "trickle" in message:
                self.trickled(message["trickle"])
            elif "leave" in message:
                print(f"livekit: {message}")

    def trickled(self, message: dict[str, Any]) -> None:
        init = json.loads(message.get("candidateInit") or "{}")
        found = sdp.candidate(init.get("candidate", ""))
        if found is None:
            return
        if message.get("target") != "SUBSCRIBER":
            self.publisher.candidate(*found)
        elif self.receiver is not None:
            self.receiver.candidate(*found)
        else:
            self.early.append(found)

    async def offered(self, message: dict[str, Any]) -> None:
        offered = sdp.parse(message["sdp"])
        if self.receiver is None:
            self.receiver = Peer(f"receiver {self.own}", self.identity, controlling=False)
            for found in self.early:
                self.receiver.candidate(*found)
            sdp.apply(self.receiver, offered)
            self.pump.add(self.receiver)
            self.peers.append(self.receiver)
        answer = {"type": "answer", "sdp": sdp.answer(self.receiver, offered)}
        if "id" in message:
            answer["id"] = message["id"]
        await self.send(answer=answer)

    async def publish(self, ssrc: int) -> Source:
        cid = f"camera{self.own}"
        await self.send(
            addTrack={
                "cid": cid,
                "name": "camera",
                "type": "VIDEO",
                "source": "CAMERA",
                "width": 640,
                "height": 480,
            }
        )
        await asyncio.wait_for(asyncio.shield(self.track), 10)
        self.peers.append(self.publisher)
        self.pump.add(self.publisher)
        await self.send(offer={"type": "offer", "sdp": sdp.offer(self.publisher, ssrc, cid)})
        sdp.apply(self.publisher, sdp.parse(await asyncio.wait_for(self.answered, 10)))
        return Source(self.publisher, ssrc)

    async def subscribe(self, tracks: list[str]) -> None:
        await self.send(subscription={"trackSids": tracks, "subscribe": True})


class LiveKit(Sfu):
    name = "LiveKit"
    note = "congestion control on, a port per connection, no write batching (defaults)"

    def start(self) -> None:
        free_port(PORT)
        binary = str(self.programs.livekit)
        version = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, check=False
        ).stdout
        self.version = version.strip().rpartition(" ")[2]
        config = self.folder / "livekit.yaml"
        config.write_text(CONFIG)
        self.server = Server([binary, "--config", str(config)], self.core, self.folder / "log")
        wait_port(self.server, PORT)
        self._loop = Loop()

    def join(self, pump: Pump, identity: Identity, count: int) -> Joined:
        peers: list[Peer] = []
        sources = self._loop.run(self._join(pump, identity, count, peers))
        pump.wait(count, 20)
        for _ in range(5):  # a track exists once its first packet has arrived
            announce(sources)
            time.sleep(0.2)
        self._loop.run(self._subscribe())
        pump.wait(2 * count, 30, lambda: announce(sources))
        return Joined(sources, peers)

    async def _join(
        self, pump: Pump, identity: Identity, count: int, peers: list[Peer]
    ) -> list[Source]:
        self._session = aiohttp.ClientSession()
        self._clients = [Client(own, pump, identity, peers) for own in range(count)]
        for client in self._clients:
            await client.connect(self._session)
        return [await client.publish(10_000 + own) for own, client in enumerate(self._clients)]

    async def _subscribe(self) -> None:
        tracks = [c.track.result() for c in self._clients]
        for client in self._clients:
            await client.subscribe([t for t in tracks if t != client.track.result()])

    def stop(self) -> None:
        try:
            if hasattr(self, "_session"):
                self._loop.run(self._session.close(), 10)
            self._loop.stop()
        finally:
            super().stop()
