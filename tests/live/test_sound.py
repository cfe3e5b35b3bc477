"""Sound over a line that loses nearly a third of its packets, between two real browsers."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from bridge.app.process import ControlProcess
from bridge.conference import commands as c
from endpoints.netem.impairment import Profile
from endpoints.netem.relay import Relay
from tests.live.browsers import chromium, open_room
from tests.live.support import act, bridge_process, started
from tests.waiting import HANG

pytestmark = pytest.mark.browser

RELAY_HOST = "127.0.12.201"
CHAIR, SPEAKER = "hoi-truong", "khoan-du"
LOSS = 0.3
PACKETS = 750  # of one voice: fifteen seconds
TRIES = 4  # looks of that length: a busy machine makes sound up that no line has lost
NEGOTIATED = """() => {
  const lines = room.media.pc.getTransceivers()
    .filter(line => line.receiver.track.kind === "audio");
  const codecs = peer => peer.getParameters().codecs.map(codec => codec.mimeType);
  return {
    sent: codecs(lines.find(line => line.currentDirection === "sendonly").sender),
    received: lines.filter(line => line.currentDirection === "recvonly")
      .map(line => codecs(line.receiver)),
  };
}"""
VOICES = """async () => [...(await room.media.pc.getStats()).values()]
  .filter(s => s.kind === "audio" && s.type === "inbound-rtp" && s.packetsReceived)
  .map(s => ({mid: s.mid, received: s.packetsReceived, lost: s.packetsLost,
    samples: s.totalSamplesReceived, concealed: s.concealedSamples,
    repeated: s.fecPacketsReceived ?? 0}))"""


async def voices(page: Page) -> dict[str, Counter[str]]:
    """Counters of the voices that a page has received, by their lines."""
    found: list[dict[str, Any]] = await page.evaluate(VOICES)
    return {v["mid"]: Counter({name: n for name, n in v.items() if name != "mid"}) for v in found}


def most(before: dict[str, Counter[str]], now: dict[str, Counter[str]]) -> Counter[str]:
    """What was gained of the voice that most was received of since ``before``."""
    gained = []
    for mid, counters in now.items():
        gained.append(Counter(counters))
        gained[-1].subtract(before.get(mid, Counter()))
    return max(gained, key=lambda voice: voice["received"], default=Counter())


async def gained_by(pages: list[Page]) -> list[Counter[str]]:
    """What each page gains of a voice in about `PACKETS` packets of it."""
    before = [await voices(page) for page in pages]
    gained: list[Counter[str]] = []
    async with asyncio.timeout(2 * HANG):
        while not gained or min(v["received"] for v in gained) < PACKETS * (1 - 2 * LOSS):
            await asyncio.sleep(1)
            now = [await voices(page) for page in pages]
            gained = [most(a, b) for a, b in zip(before, now, strict=True)]
    return gained


def lost(voice: Counter[str]) -> float:
    """The share of its packets that did not come."""
    return voice["lost"] / (voice["lost"] + voice["received"])


def made_up(voice: Counter[str]) -> float:
    """The share of its sound that was concealed."""
    return voice["concealed"] / voice["samples"]


def repeated(process: ControlProcess, transport: str) -> int:
    """How many earlier frames are in the packets that come of a room's voice."""
    rate = process.control.bounds.rate_of(transport)
    return rate.red_received if rate is not None else 0


async def test_a_third_of_the_packets_lost_is_hardly_heard(tmp_path: Path) -> None:
    """Both directions lose 30 %: without redundancy that is the share of sound that a browser makes
    up, up and down together one half."""
    async with contextlib.AsyncExitStack() as stack:
        process = await stack.enter_async_context(bridge_process(tmp_path, public=[RELAY_HOST]))
        media = process.topology.bridge.media
        relay = Relay((media.listen[0], media.port), up=Profile(), down=Profile(), seed=3)
        await relay.start(RELAY_HOST, media.port)
        stack.callback(relay.close)
        browser = await stack.enter_async_context(chromium())
        pages = [await open_room(browser, process, point) for point in (CHAIR, SPEAKER)]
        conference = await started(process)
        for page in pages:
            await page.wait_for_function("() => globalThis.room?.media?.up && room.media.sending")
        await act(process, conference, c.Grant(point=SPEAKER))
        for page in pages:
            found = await page.evaluate(NEGOTIATED)
            assert found["sent"][0] == "audio/red", "what a browser sends is the first one"
            assert all(found["received"]), found
            assert all({"audio/opus", "audio/red"} <= set(line) for line in found["received"])
        async with asyncio.timeout(HANG):
            while not all([await voices(page) for page in pages]):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        for line in (relay.up, relay.down):
            line.use(Profile(loss=LOSS))
        nothing: dict[str, Counter[str]] = {}
        async with asyncio.timeout(HANG):
            # The bridge has seen the loss when it repeats.
            for page in pages:
                while not most(nothing, await voices(page))["repeated"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
        speaker = process.control.sessions.of_point(SPEAKER)
        assert speaker is not None
        async with asyncio.timeout(HANG):
            # What its browser alone would not do. The page does it by the loss, and no busy machine
            # that looks like a full line is to keep it from that here.
            while repeated(process, speaker.transport) < 2:
                await pages[1].evaluate("() => room.media.repeats.tell(3)")
                await asyncio.sleep(0.2)
        for _ in range(TRIES):
            gained = await gained_by(pages)
            shares = [(lost(voice), made_up(voice)) for voice in gained]
            for share, invented in shares:
                print(f"{share:.1%} of the packets lost, {invented:.1%} of the sound made up")
            if all(invented < share / 2 for share, invented in shares):
                break
        stats = await process.worker.stats()
        assert stats is not None
        assert stats.counters["packets_restored"] > 20
        assert not stats.counters["dropped.red_malformed"]
        for share, invented in shares:
            assert share > LOSS / 2
            assert invented < share / 2
