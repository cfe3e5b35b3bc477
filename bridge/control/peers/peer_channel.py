"""A connection to another bridge: messages in lines over TLS. Reading is bounded by the line, and
who does not read what is sent is cut off."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

from bridge.base.i18n import sentence
from bridge.control.peers.pinned import digest_of_der
from bridge.control.peers.rules.peer_wire import MAX_LINE, BadPeerMessage, Message, Refused
from bridge.control.peers.rules.peer_wire import decode as decoded
from bridge.control.peers.rules.peer_wire import encode as encoded

MAX_WAITING = 4 * MAX_LINE  # octets that may wait for a peer that does not read
SILENT = 8.0  # seconds without a sign of life until a connection counts as dead


class PeerChannel:
    """One connection. ``digest`` is that of the key which the other side has shown."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
        self.digest = digest_of_der(tls.getpeercert(binary_form=True) or b"")
        peer = writer.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""

    def send(self, message: Message) -> None:
        """Queue a message; one that cannot leave ends the connection."""
        transport = self._writer.transport
        if transport.is_closing():
            return
        if transport.get_write_buffer_size() > MAX_WAITING:
            transport.abort()
            return
        self._writer.write(encoded(message))

    async def receive(self) -> Message | None:
        """The next message; None at the end, or after `SILENT` seconds without one. Raises
        `BadPeerMessage`; one that is too long ends the connection."""
        try:
            async with asyncio.timeout(SILENT):
                line = await self._reader.readline()
        except (TimeoutError, OSError):
            return None
        except ValueError:
            raise BadPeerMessage from None
        return decoded(line) if line.endswith(b"\n") else None

    def refuse(self, key: str, **arguments: str) -> None:
        """Say why, and hang up."""
        why = sentence(f"peer.{key}", **arguments)
        self.send(Refused(key=key.replace("_", "-"), vi=why.vi, en=why.en))
        self.close()

    def close(self) -> None:
        self._writer.close()

    async def closed(self) -> None:
        """Wait until what was queued has left, for a second."""
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await self._writer.wait_closed()
        self._writer.transport.abort()
