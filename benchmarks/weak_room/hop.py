"""``python -m benchmarks.weak_room.hop SERVER HOST PORT``: the relay before the weak room, in a
process of its own so that nothing else delays it. What the kernel has no means for happens here:
delay, and losses that come in runs. Reads a line of JSON with ``loss``, ``burst`` and ``delay`` for
every change; ends when its input does."""

from __future__ import annotations

import asyncio
import json
import sys

from endpoints.netem.impairment import Profile
from endpoints.netem.relay import Relay


async def main() -> None:
    server, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    relay = Relay((server, port), up=Profile(), down=Profile(), seed=1)
    await relay.start(host, port)
    while line := await asyncio.to_thread(sys.stdin.readline):
        profile = Profile(**json.loads(line))
        relay.up.use(profile)
        relay.down.use(profile)
    # Not closed: what is still to be sent later would be sent through a closed socket.


if __name__ == "__main__":
    asyncio.run(main())
