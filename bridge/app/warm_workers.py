"""Media workers of a host that waits: what is left of a time when it led is ended, and fresh ones
are loaded, so that it needs no time for them when it leads."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import msgspec

from bridge.app.points_workers import make_links
from bridge.media import messages as m
from config.schema import Topology

END_PATIENCE = 2.0  # seconds that a worker may take to read that it is to end


class WarmWorkers:
    """Spare workers without port and socket, until `take_over`. There are none where somebody else
    starts workers, or where the topology wants no spare ones."""

    def __init__(self, topology: Topology, state: Path, *, own: bool) -> None:
        links = make_links(
            topology, state, lambda *_: None, lambda _: None, with_parent=False, own=own
        )
        self._spares = [link.spare for link in links.values() if link.spare is not None]
        self._wanted = asyncio.Event()
        self._tasks = [asyncio.create_task(spare.run(self._wanted)) for spare in self._spares]

    def keep(self) -> None:
        """Another host leads, so there is time to load them."""
        self._wanted.set()

    async def take_over(self) -> None:
        """Let those that are ready take their ports: the control process finds them there."""
        await asyncio.gather(*(spare.take_over() for spare in self._spares))

    async def close(self) -> None:
        """End those that have not taken over."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def end_former(socket: Path) -> None:
    """End a media worker that holds something of a time when this host led: its rooms are elsewhere
    now. One that holds nothing stays as it is."""
    with contextlib.suppress(OSError, TimeoutError, ValueError, msgspec.MsgspecError):
        async with asyncio.timeout(END_PATIENCE):
            reader, writer = await asyncio.open_unix_connection(str(socket), limit=m.MAX_LINE * 8)
            try:
                writer.write(m.encoder.encode(m.Hello(version=m.VERSION)) + b"\n")
                if not await _holds(reader):
                    return
                writer.write(m.encoder.encode(m.Shutdown()) + b"\n")
                await writer.drain()
                while await reader.read(1 << 16):  # until it has gone
                    pass
            finally:
                writer.close()


async def _holds(reader: asyncio.StreamReader) -> bool:
    """Whether a worker holds anything; one that takes no control process of our version does."""
    while line := await reader.readline():
        event = m.event_decoder.decode(line)
        if isinstance(event, m.Inventory):
            return bool(event.transports)
        if isinstance(event, m.Error):
            return True
    return False
