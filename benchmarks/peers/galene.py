"""Galène: its WebSocket protocol; a peer connection per published stream and, as its protocol
has it, one per received stream. As published it offers no loopback candidate, and has to be built
without that exception."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import aiohttp

from benchmarks.peers import plain_sdp as sdp
from benchmarks.peers.burst_load import Source, announce
from benchmarks.peers.loop_thread import Loop
from benchmarks.peers.measured_server import Server, free_port, wait_port
from benchmarks.peers.raw_peer import Identity, Peer, Pump
from benchmarks.peers.sfu import Joined, Sfu

PORT = 18443


class Client:
    """One participant."""

    def __init__(self, own: int, pump: Pump, identity: Identity, peers: list[Peer]) -> None:
        self.own, self.pump, self.identity, self.peers = own, pump, identity, peers
        self.id = f"client{own}"
        self.by_stream: dict[str, Peer] = {}
        self.waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def connect(self, session: aiohttp.ClientSession) -> None:
        self.ws = await session.ws_connect(f"http://127.0.0.1:{PORT}/ws", max_msg_size=0)
        await self.send(type="handshake", version=["2"], id=self.id)
        self.task = asyncio.ensure_future(self.read())
        await self.send(
            type="join",
            kind="join",
            group="bench",
            username=f"user{self.own}",
            password="x",  # noqa: S106 - the group takes any
        )
        await asyncio.wait_for(self.joined, 10)

    async def send(self, **message: object) -> None:
        await self.ws.send_str(json.dumps(message))

    async def read(self) -> None:
        async for frame in self.ws:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                continue
            message = json.loads(frame.data)
            match message["type"]:
                case "ping":
                    await self.send(type="pong")
                case "joined":
                    if message["kind"] == "fail":
                        self.joined.set_exception(RuntimeError(str(message)))
                    elif not self.joined.done():
                        self.joined.set_result(None)
                case "answer":
                    self.waiting.pop(message["id"]).set_result(message)
                case "offer":
                    await self.offered(message)
                case "ice":
                    peer = self.by_stream.get(message["id"])
                    found = sdp.candidate(message["candidate"].get("candidate", ""))
                    if peer is not None and found is not None:
                        peer.candidate(*found)
                case "usermessage":
                    if message.get("kind") in ("error", "warning"):
                        print(f"galene: {message}")

    async def offered(self, message: dict[str, Any]) -> None:
        stream = message["id"]
        peer = self.by_stream.get(stream)
        offered = sdp.parse(message["sdp"])
        if peer is None:
            peer = Peer(f"receiver {self.own} of {stream}", self.identity, controlling=False)
            self.by_stream[stream] = peer
            sdp.apply(peer, offered)
            self.pump.add(peer)
            self.peers.append(peer)
        await self.send(type="answer", id=stream, sdp=sdp.answer(peer, offered))

    async def publish(self, ssrc: int) -> Source:
        peer = Peer(f"publisher {self.own}", self.identity)
        stream = f"stream{self.own}"
        self.by_stream[stream] = peer
        self.peers.append(peer)
        future = self.waiting[stream] = asyncio.get_running_loop().create_future()
        await self.send(
            type="offer",
            id=stream,
            label="camera",
            source=self.id,
            username=f"user{self.own}",
            sdp=sdp.offer(peer, ssrc, f"camera{self.own}", rtx=False),
        )
        reply = await asyncio.wait_for(future, 10)
        sdp.apply(peer, sdp.parse(reply["sdp"]))
        self.pump.add(peer)
        return Source(peer, ssrc)


class Galene(Sfu):
    name = "Galène"
    note = "a peer connection per stream; loopback patch; defaults otherwise"

    def start(self) -> None:
        free_port(PORT)
        groups = self.folder / "groups"
        groups.mkdir()
        (groups / "bench.json").write_text(
            json.dumps(
                {
                    "public": True,
                    "codecs": ["vp8", "opus"],
                    "max-clients": 100,
                    "wildcard-user": {
                        "password": {"type": "wildcard"},
                        "permissions": "present",
                    },
                }
            )
        )
        for name in ("data", "recordings"):
            (self.folder / name).mkdir()
        command = [str(self.programs.galene), "-insecure", "-http", f"127.0.0.1:{PORT}"]
        command += ["-static", str(self.programs.galene_static), "-groups", str(groups)]
        command += ["-data", str(self.folder / "data"), "-turn", ""]
        command += ["-recordings", str(self.folder / "recordings")]
        self.server = Server(command, self.core, self.folder / "log")
        wait_port(self.server, PORT)
        self._loop = Loop()

    def join(self, pump: Pump, identity: Identity, count: int) -> Joined:
        peers: list[Peer] = []
        sources = self._loop.run(self._join(pump, identity, count, peers))
        pump.wait(count, 20)
        # A stream is offered to the others once its first packet has arrived.
        for _ in range(5):
            announce(sources)
            time.sleep(0.2)
        self._loop.run(self._request())
        pump.wait(count * count, 60, lambda: announce(sources))
        return Joined(sources, peers)

    async def _join(
        self, pump: Pump, identity: Identity, count: int, peers: list[Peer]
    ) -> list[Source]:
        self._session = aiohttp.ClientSession()
        self._clients = [Client(own, pump, identity, peers) for own in range(count)]
        for client in self._clients:  # all are in the group before anyone publishes
            await client.connect(self._session)
        return [await client.publish(10_000 + own) for own, client in enumerate(self._clients)]

    async def _request(self) -> None:
        for client in self._clients:
            await client.send(type="request", request={"": ["video"]})

    def stop(self) -> None:
        try:
            if hasattr(self, "_session"):
                self._loop.run(self._session.close(), 10)
            self._loop.stop()
        finally:
            super().stop()
