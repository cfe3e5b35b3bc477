"""``python -m endpoints.simulation.spectating``: who only watches, by WebRTC (WHEP) and by HLS.

It reads one JSON object from standard input, ``{"url": …, "conference": …, "webrtc": 2, "hls": 1,
"address": "127.0.0.1"}``, writes what each viewer sees as JSON lines to standard output, and ends
when standard input closes. A line is ``{"viewer": 0, "way": "webrtc", "number": …, "at": UTC
seconds, "age": seconds or null, "first_ms": …, "delay_ms": …}``: a test card, when it belongs on a
screen (by HLS: when its picture was taken, as the playlist says), how old it was then, how long
after the answer the first picture came, and how late the picture is for who watches.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import os
import sys
import time
from datetime import datetime
from typing import Any

import aiohttp
import av
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription

from bridge.base import logs
from endpoints.webrtc import aiortc_seams, test_card
from endpoints.webrtc.reading import luma_of, read_cards

EVERY = 0.2  # seconds between two lines of a picture that stays
AGAIN = 0.5  # seconds until a playlist without news is asked for again
LATE = 4.5  # seconds behind the newest picture at which a player stays: that of /watch
PATIENCE = 60.0  # seconds that the bridge may take to let somebody in

log = logging.getLogger("spectators")


def age_of(card: test_card.Reading, at: float) -> float | None:
    """How old a card was at an instant of its clock (monotonic seconds), seconds."""
    age = card.age(round(at * 1000))
    if age is None:
        return None
    period = card.loop_ms or test_card.TIME_MODULUS
    return (age - period if age > period // 2 else age) / 1000


class Spectator:
    """One who watches, and says so line by line."""

    def __init__(self, number: int, way: str) -> None:
        self._number = number
        self._way = way
        self._answered = 0.0
        self._first: float | None = None
        self._said = (0, 0.0)

    def answered(self) -> None:
        """The bridge has let it in."""
        self._answered = time.monotonic()

    def sees(self, card: test_card.Reading, at: float, delay: float | None = None) -> None:
        """A card that belongs on its screen at ``at`` (UTC seconds), ``delay`` seconds late."""
        now = time.monotonic()
        if self._first is None:
            self._first = now - self._answered
        if self._said[0] == card.number and abs(at - self._said[1]) < EVERY:
            return
        self._said = card.number, at
        age = age_of(card, at - (time.time() - now))
        late = age if delay is None else delay
        line = {
            "viewer": self._number,
            "way": self._way,
            "number": card.number,
            "at": round(at, 3),
            "age": None if age is None else round(age, 3),
            "first_ms": round(self._first * 1000, 1),
            "delay_ms": None if late is None else round(late * 1000, 1),
        }
        print(json.dumps(line), flush=True)


async def posted(http: aiohttp.ClientSession, url: str, **how: Any) -> aiohttp.ClientResponse:
    """The answer of the bridge once it lets somebody in; it may be starting."""
    async with asyncio.timeout(PATIENCE):
        while True:
            response = await http.post(url, **how)
            if response.status == 201:
                return response
            log.info("not let in yet: %d", response.status)
            await asyncio.sleep(AGAIN)


async def by_webrtc(http: aiohttp.ClientSession, url: str, spectator: Spectator) -> None:
    """Watch the programme by WHEP until cancelled."""
    connection = RTCPeerConnection()
    shown: list[asyncio.Task[None]] = []

    async def show(track: MediaStreamTrack) -> None:
        if track.kind == "video":
            async for card, _ in read_cards(track):
                spectator.sees(card, time.time())

    connection.on("track", lambda track: shown.append(asyncio.create_task(show(track))))
    try:
        connection.addTransceiver("video", direction="recvonly")
        connection.addTransceiver("audio", direction="recvonly")
        await connection.setLocalDescription(await connection.createOffer())
        sdp = connection.localDescription.sdp
        answer = await posted(http, url, data=sdp, headers={"Content-Type": "application/sdp"})
        spectator.answered()
        text = await answer.text()
        await connection.setRemoteDescription(RTCSessionDescription(text, "answer"))
        await asyncio.Event().wait()
    finally:
        for task in shown:
            task.cancel()
        await connection.close()


def listed(text: str) -> list[tuple[str, str, float]]:
    """Segments of a playlist: address, that of its initialisation, when it began (UTC seconds)."""
    found = []
    initialisation, began = "", 0.0
    for line in text.splitlines():
        if line.startswith("#EXT-X-MAP:"):
            initialisation = line.split('"')[1]
        elif line.startswith("#EXT-X-PROGRAM-DATE-TIME:"):
            began = datetime.fromisoformat(
                line.partition(":")[2].replace("Z", "+00:00")
            ).timestamp()
        elif line and not line.startswith("#"):
            found.append((line, initialisation, began))
    return found


def cards_in(data: bytes) -> list[tuple[float, test_card.Reading]]:
    """The cards of a segment that follows its initialisation, each with seconds from its start."""
    found = []
    with av.open(io.BytesIO(data), "r", format="mp4") as container:
        start: float | None = None
        for frame in container.decode(video=0):
            start = frame.time if start is None else start
            card = test_card.read(luma_of(frame))
            if card is not None and frame.time is not None and start is not None:
                found.append((frame.time - start, card))
    return found


async def by_hls(http: aiohttp.ClientSession, url: str, spectator: Spectator) -> None:
    """Watch segments until cancelled, as late as a player that never has to stop."""
    entered = await posted(http, url)
    spectator.answered()
    playlist = url.partition("/api/")[0] + (await entered.json())["playlist"]
    folder = playlist.rpartition("/")[0]
    initialisations: dict[str, bytes] = {}
    seen = ""
    late = LATE
    while True:
        async with http.get(playlist) as response:
            segments = listed(await response.text()) if response.status == 200 else []
        names = [name for name, _, _ in segments]
        fresh = segments[names.index(seen) + 1 :] if seen in names else segments
        for name, initialisation, began in fresh:
            for wanted in (initialisation, name):
                if wanted not in initialisations:
                    async with http.get(f"{folder}/{wanted}") as response:
                        initialisations[wanted] = await response.read()
            late = max(late, time.time() - began)
            data = initialisations[initialisation] + initialisations.pop(name)
            for offset, card in await asyncio.to_thread(cards_in, data):
                spectator.sees(card, began + offset, late)
            seen = name
        if not fresh:
            await asyncio.sleep(AGAIN)


async def main() -> None:
    """Watch until standard input closes."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    config = json.loads(await reader.readline())
    aiortc_seams.install()
    aiortc_seams.local_address.set(config["address"])
    api = f"{config['url']}/api/v1"
    ident = config["conference"]
    async with aiohttp.ClientSession() as http:
        tasks = []
        for number in range(config["webrtc"] + config["hls"]):
            if number < config["webrtc"]:
                watch = by_webrtc(http, f"{api}/whep/{ident}", Spectator(number, "webrtc"))
            else:
                watch = by_hls(http, f"{api}/hls/{ident}", Spectator(number, "hls"))
            tasks.append(asyncio.create_task(watch))
        await reader.read()
        for task in tasks:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2.0):
                await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    os.environ.setdefault(logs.LEVEL, "ERROR")
    logs.configure(process="spectators")
    asyncio.run(main())
    logging.shutdown()
    os._exit(0)  # a thread of a library that hangs must not outlive the demo
