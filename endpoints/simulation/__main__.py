"""``python -m endpoints.simulation``: any number of simulated points in one process.

It reads one JSON object from standard input, ``{"url": …, "names": {"1": id, …}, "points": [{"id",
"key", "number", "name", "light", "address", "fault"}, …]}``, and ends when standard input closes.
Further lines put faults in: ``{"point": …, "impair": "loss-down=5%", "missing": ["camera"],
"kiosk": "failed", "machine": {"disk": 0.99}, "agent": false}``; what a line does not name is well.
With ``"tell": true`` in the object what each point sees is written to standard output four times a
second, a line a point: ``{"point": …, "slots": [a SlotReport, …], "stands": {slot: point, …}}``.
``{"point": …, "count": FILE}`` changes nothing: what the line did to probes is written to the file.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from bridge.base import logs
from endpoints.simulation.faults import Fault
from endpoints.simulation.points import SimulatedRoom
from endpoints.webrtc import aiortc_seams

log = logging.getLogger("points")

TELL_EVERY = 0.25  # seconds
LINE_LIMIT = 1 << 20  # octets of a line of standard input


async def be(room: SimulatedRoom) -> None:
    """Be a point until cancelled. Whatever ends it (a revoked key) ends no other point."""
    try:
        await room.run()
    except Exception as error:
        log.warning("the point %s has ended: %s", room.id, error or type(error).__name__)


async def run(rooms: Mapping[str, SimulatedRoom]) -> None:
    """Run all points until cancelled."""
    tasks = [asyncio.create_task(be(room)) for room in rooms.values()]
    try:
        await asyncio.gather(*tasks)
    finally:
        await asyncio.gather(*(room.close() for room in rooms.values()), return_exceptions=True)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def write_probes(room: SimulatedRoom, path: Path) -> None:
    """Write what a room's line did to probes; whoever reads the file finds it whole."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(room.probes()), "utf-8")
    new.replace(path)


async def tell(rooms: Mapping[str, SimulatedRoom]) -> None:
    """Write what all points see, until cancelled."""
    while True:
        await asyncio.sleep(TELL_EVERY)
        for room in rooms.values():
            sys.stdout.write(json.dumps(room.seen()) + "\n")
        sys.stdout.flush()


async def main() -> None:
    """Obey standard input until it closes: the parent closes it, or is gone."""
    reader = asyncio.StreamReader(limit=LINE_LIMIT)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    config = json.loads(await reader.readline())
    aiortc_seams.install()
    rooms = {point["id"]: SimulatedRoom(config, point) for point in config["points"]}
    tasks = [asyncio.create_task(run(rooms))]
    if config.get("tell"):
        tasks.append(asyncio.create_task(tell(rooms)))
    while line := await reader.readline():
        asked = json.loads(line)
        room = rooms.get(asked["point"])
        if room is None:
            continue
        if "count" in asked:
            write_probes(room, Path(asked["count"]))
        else:
            room.put(Fault.of(room.id, asked))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    os.environ.setdefault(logs.LEVEL, "WARNING")
    logs.configure(process="points")
    asyncio.run(main())
    logging.shutdown()
    os._exit(0)  # a thread of a library that hangs must not outlive the demo
