"""``python -m benchmarks.weak_room.meeting``: the meeting with the weak room, inside the hub's
namespace. Prints the figures of its rows as JSON. Started by `benchmarks.weak_lines`.

Two real Chromium rooms, the chair on a good line and the weak one; ten points that only send. The
weak room has the floor, so that it sees the chair and everybody sees and hears it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from playwright.async_api import Browser, Page, Playwright, async_playwright

from benchmarks.chromium import CHROMIUM, FLAGS
from benchmarks.weak_room import expected
from benchmarks.weak_room.expected import Figures, Row, Seen, view
from benchmarks.weak_room.speech import speech
from benchmarks.weak_room.unaware import forget
from benchmarks.weak_room.veth import BRIDGE, LINE, WEB_PORT, Line, Network
from bridge.app.process import ControlProcess
from bridge.conference import commands as c
from bridge.conference.model import PointId
from bridge.demo.account import DEMO_ACTOR, start_conference
from config.loader import load
from config.schema import Topology

ROOT = Path(__file__).parents[2]
CHAIR, WEAK = PointId("hoi-truong"), PointId("khoan-du")
PORT = 5004
READY = 240.0  # seconds until everybody is there
LOOK = """async () => {
  const found = {height: 0, decoded: 0, freezes: 0, frozen: 0, others: 0, voices: []};
  const own = room.media.programme?.id;
  for (const s of (await room.media.pc.getStats()).values()) {
    if (s.type !== "inbound-rtp") continue;
    if (s.kind === "audio") {
      const madeUp = (s.concealedSamples ?? 0) - (s.silentConcealedSamples ?? 0);
      found.voices.push([s.mid, s.packetsReceived, s.totalSamplesReceived ?? 0, madeUp]);
    } else if (s.trackIdentifier === own) {
      found.height = s.frameHeight ?? 0;
      found.decoded = s.framesDecoded ?? 0;
      found.freezes = s.freezeCount ?? 0;
      found.frozen = s.totalFreezesDuration ?? 0;
    } else found.others += s.framesDecoded ?? 0;
  }
  return found;
}"""


def say(text: str) -> None:
    """Tell how far the benchmark has come, beside its result."""
    print(f"{time.monotonic():.0f} s: {text}", file=sys.stderr, flush=True)


class Watched:
    """A room's page, and the voice that it hears most of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._packets: dict[str, int] = {}

    @property
    def hears(self) -> bool:
        """Whether packets of a voice have arrived."""
        return any(self._packets.values())

    async def look(self) -> Seen:
        found: dict[str, Any] = await self.page.evaluate(LOOK)
        gained = {
            mid: packets - self._packets.get(mid, 0) for mid, packets, _, _ in found["voices"]
        }
        self._packets = {mid: packets for mid, packets, _, _ in found["voices"]}
        loudest = max(gained, key=lambda mid: (gained[mid], self._packets[mid]), default="")
        heard, made_up = next(
            ((s, x) for mid, _, s, x in found["voices"] if mid == loudest), (0.0, 0.0)
        )
        return Seen(
            time.monotonic(),
            found["height"],
            found["decoded"],
            found["freezes"],
            found["frozen"],
            heard,
            made_up,
            found["others"],
        )


class Meeting:
    """The conference while it runs."""

    def __init__(
        self,
        process: ControlProcess,
        network: Network,
        hop: asyncio.StreamWriter,
        trace: TextIO | None,
    ) -> None:
        self.process = process
        self._network = network
        self._hop = hop
        self._trace = trace
        self.chair: Watched
        self.weak: Watched

    async def be(self, line: Line) -> None:
        """Make the weak room's line another one."""
        await asyncio.to_thread(self._network.be, line)
        lost = line.loss if line.burst > 1 else 0.0
        profile = {"loss": lost, "burst": line.burst, "delay": line.delay}
        self._hop.write(json.dumps(profile).encode() + b"\n")

    async def watch(self, seconds: float) -> tuple[list[Seen], list[Seen], list[int]]:
        """What the weak room and the chair see for so long, and the octets queued."""
        weak, chair, queued = [], [], []
        end = time.monotonic() + seconds
        while True:
            weak.append(await self.weak.look())
            chair.append(await self.chair.look())
            queued.append(await asyncio.to_thread(self._network.queue))
            if self._trace is not None:
                await self._note(self._trace, weak[-1], queued[-1])
            if time.monotonic() >= end:
                return weak, chair, queued
            await asyncio.sleep(expected.STEP)

    async def row(self, row: Row) -> Figures:
        """Change the line and take the row's figures."""
        await self.be(row.before)
        await self.watch(8.0)
        _, base, _ = await self.watch(expected.SETTLE)
        asked = await self._asked()
        await self.be(row.line)
        began = time.monotonic()
        first, _, queued = await self.watch(expected.SETTLE)
        weak, chair, later = await self.watch(expected.MEASURE)
        seconds = time.monotonic() - began
        best = next((s.at - began for s in first + weak if s.height >= 720), None)
        room = view(weak)
        if row.freeze >= 1.0:  # the row's freeze is the one that the change itself makes
            room = replace(room, freeze=view(first + weak).freeze)
        after = [*queued[round(2 / expected.STEP) :], *later]
        return Figures(
            room=room,
            others=view(chair),
            base=view(base),
            queue=round(8 * max(after) / row.line.down, 3) if row.line.down else 0.0,
            best_after=round(best, 1) if best is not None else None,
            key_frames=await self._asked() - asked,
            seconds=round(seconds, 1),
            **await self._line(),
        )

    async def _note(self, trace: TextIO, seen: Seen, queued: int) -> None:
        """Write a line of what the bridge holds of the weak room's line beside what is so."""
        now = {"at": round(seen.at, 2), "queued": queued, "height": seen.height}
        now |= {"decoded": seen.decoded, "frozen": seen.frozen, **await self._line()}
        trace.write(json.dumps(now) + "\n")

    async def _asked(self) -> int:
        """Key frames asked of the chair's camera."""
        stats = await self.process.worker.stats()
        return sum(
            source.key_frame_requests
            for transport in (stats.transports if stats is not None else ())
            if transport.label == CHAIR
            for source in transport.sources
        )

    async def _line(self) -> dict[str, Any]:
        stats = await self.process.worker.stats()
        for transport in stats.transports if stats is not None else ():
            if transport.label == WEAK:
                layers = {slot.name: slot.layer for slot in transport.slots if slot.shows}
                return {"estimate": transport.allocation, "layers": layers}
        return {}


def topology() -> Topology:
    """The demo's, on the hub's addresses, with layers that a shared machine can encode twice."""
    loaded = load(ROOT / "config" / "lac-thuy.yaml")
    bridge = loaded.bridge
    web = bridge.web.model_copy(update={"port": WEB_PORT})
    port = {"listen": [BRIDGE], "port": PORT, "public": [BRIDGE, LINE]}
    bridge = bridge.model_copy(update={"web": web, "media": bridge.media.model_copy(update=port)})
    layers = [layer.model_copy(update={"frame_rate": 24}) for layer in loaded.media.layers]
    media = loaded.media.model_copy(update={"layers": layers})
    return loaded.model_copy(update={"bridge": bridge, "media": media})


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - arrivals have no event here
        await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def child(module: str, *arguments: str) -> AsyncIterator[asyncio.StreamWriter]:
    """A module of ours as a process that ends when its input does."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        cwd=ROOT,
    )
    assert process.stdin is not None
    try:
        yield process.stdin
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 20)
        except TimeoutError:
            process.kill()
            await process.wait()


@contextlib.asynccontextmanager
async def meeting(network: Network, *, policy: bool, trace: Path | None) -> AsyncIterator[Meeting]:
    """The meeting from the bridge to the last point, as long as the block lasts; ``trace`` is
    appended to at every look."""
    async with contextlib.AsyncExitStack() as stack:
        traced = None
        if trace is not None:
            traced = await asyncio.to_thread(trace.open, "a", buffering=1, encoding="utf-8")
            stack.enter_context(traced)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        process = ControlProcess(topology(), state=folder, folder=folder, own_worker=False)
        module = "bridge.media" if policy else "benchmarks.weak_room.unaware"
        arguments: tuple[str, ...] = ("--listen", BRIDGE, "--port", str(PORT), "--with-parent")
        if not policy:
            arguments += ("--no-estimation",)
        await stack.enter_async_context(
            child(module, *arguments, "--control", str(folder / "worker.sock"))
        )
        await stack.enter_async_context(process)
        async with asyncio.timeout(READY):
            await process.worker.ready.wait()
            senders = await stack.enter_async_context(child("benchmarks.weak_room.senders"))
            senders.write(json.dumps(_points(process)).encode() + b"\n")
            hop = await stack.enter_async_context(
                child("benchmarks.weak_room.hop", BRIDGE, LINE, str(PORT))
            )
            made = Meeting(process, network, hop, traced)
            await made.be(Line())
            playwright = await stack.enter_async_context(async_playwright())
            sound = folder / "speech.wav"
            sound.write_bytes(speech())
            chair = _program(folder / "chair", f'exec {CHROMIUM} "$@"')
            weak = _program(folder / "weak", f'exec ip netns exec {network.room} {CHROMIUM} "$@"')
            made.chair = Watched(await _room(stack, playwright, chair, process, CHAIR, sound))
            made.weak = Watched(await _room(stack, playwright, weak, process, WEAK, sound))
            say("two rooms")
            conference = await start_conference(process)
            await _until(
                lambda: len(process.conductor.running()[0].present) == len(process.topology.points)
            )
            say("everybody is there")
            await process.conductor.submit(conference, c.Grant(point=WEAK), DEMO_ACTOR)
            for page in (made.weak, made.chair):
                while not (await page.look()).decoded or not page.hears:  # noqa: ASYNC110
                    await asyncio.sleep(0.5)
        say("pictures and sound both ways")
        yield made


def _program(path: Path, command: str) -> str:
    """A script that starts a browser with the priority of this process: Playwright starts it in a
    session of its own, and the kernel's scheduler is fair to sessions, not to processes."""
    try:
        priority = Path("/proc/self/autogroup").read_text().split()[-1]
        raised = f"echo {priority} > /proc/self/autogroup\n"
    except (OSError, IndexError):
        raised = ""
    path.write_text(f"#!/bin/sh\n{raised}{command}\n")
    path.chmod(0o700)
    return str(path)


def _points(process: ControlProcess) -> dict[str, Any]:
    return {
        "url": process.url,
        "address": BRIDGE,
        "points": [
            {"id": point.id, "key": process.keys[PointId(point.id)], "number": number}
            for number, point in enumerate(process.topology.points, 1)
            if point.id not in (CHAIR, WEAK)
        ],
    }


async def _room(
    stack: contextlib.AsyncExitStack,
    playwright: Playwright,
    program: str,
    process: ControlProcess,
    point: PointId,
    sound: Path,
) -> Page:
    flags = [*FLAGS, f"--use-file-for-fake-audio-capture={sound}"]
    browser: Browser = await playwright.chromium.launch(executable_path=program, args=flags)
    stack.push_async_callback(browser.close)
    context = await browser.new_context(viewport={"width": 1280, "height": 720})
    page = await context.new_page()
    await page.goto(f"{process.url}/room#point={point}&key={process.keys[point]}")
    await page.wait_for_function("() => globalThis.room?.media?.up", timeout=READY * 1000)
    return page


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.weak_room.meeting")
    parser.add_argument("owner", type=int, help="process id in the namespaces' names")
    parser.add_argument("--unaware", action="store_true")
    parser.add_argument("--row", action="append", type=int, help="index; all where left out")
    parser.add_argument("--trace", type=Path, help="a line for every look, as JSON")
    options = parser.parse_args()
    if options.unaware:
        forget()
    found: dict[str, Any] = {}
    network = Network(options.owner)
    async with meeting(network, policy=not options.unaware, trace=options.trace) as made:
        for index in options.row or range(len(expected.ROWS)):
            row = expected.ROWS[index]
            figures = await made.row(row)
            found[row.name] = figures.as_json()
            say(f"{row.name}: {figures}")
    print(json.dumps(found))


if __name__ == "__main__":
    os.environ.setdefault("NO_COLOR", "1")
    asyncio.run(main())
