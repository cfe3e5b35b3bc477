"""Presets of cameras by VISCA over IP (Sony's protocol; PTZOptics, AVer and others speak it): a
header of 8 octets before each VISCA message, in one UDP datagram.

The codec and `Exchange` are pure. The package visca-over-ip is not used: it opens a port of its
own to everybody, takes silence for success and loops as long as a camera talks.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass, field
from typing import Literal

from bridge.agents.protocol import CameraFault
from endpoints.agent.camera_outcome import CameraError

HEADER = struct.Struct("!HHI")  # type, length, sequence number
COMMAND, INQUIRY, REPLY = 0x0100, 0x0110, 0x0111
CONTROL, CONTROL_REPLY = 0x0200, 0x0201
MAX_DATAGRAM = 64  # octets: 8 of the header, 16 of the longest VISCA message, and some
TRIES = 3
AGAIN = 0.4  # seconds without an answer until a message is sent once more
MAX_ODD = 50  # datagrams that make no sense, or answer something else, of one exchange
QUEUE = 32  # datagrams that wait to be read
RESET = b"\x01"
VERSION = b"\x81\x09\x00\x02\xff"
ERRORS = {
    0x01: "message length error",
    0x02: "syntax error",
    0x03: "command buffer full",
    0x04: "command cancelled",
    0x05: "no socket",
    0x41: "command not executable",
}

Kind = Literal["ack", "complete", "answer", "error", "control_error"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a camera says to the message with this sequence number; ``code`` of an error."""

    sequence: int
    kind: Kind
    code: int = 0


def message(kind: int, sequence: int, payload: bytes) -> bytes:
    """A datagram of a type, with its sequence number."""
    return HEADER.pack(kind, len(payload), sequence) + payload


def recall(memory: int) -> bytes:
    """CAM_Memory Recall of the camera with address 1; ``memory`` 0 to 255."""
    return bytes((0x81, 0x01, 0x04, 0x3F, 0x02, memory, 0xFF))


def parse(datagram: bytes) -> Reply | None:
    """What a datagram says; None for anything that is no answer of a camera."""
    if not HEADER.size < len(datagram) <= MAX_DATAGRAM:
        return None
    kind, length, sequence = HEADER.unpack_from(datagram)
    payload = datagram[HEADER.size :]
    if length != len(payload):
        return None
    if kind == CONTROL_REPLY:
        return Reply(sequence, "control_error", payload[-1]) if payload[0] == 0x0F else None
    if kind != REPLY or len(payload) < 3 or payload[0] != 0x90 or payload[-1] != 0xFF:
        return None
    match payload[1] >> 4:
        case 4 if len(payload) == 3:
            return Reply(sequence, "ack")
        case 5:
            return Reply(sequence, "complete" if len(payload) == 3 else "answer")
        case 6 if len(payload) == 4:
            return Reply(sequence, "error", payload[2])
        case _:
            return None


@dataclass(slots=True)
class Exchange:
    """One message to a camera until it is answered: sent again with a new number, as the camera
    may have taken it and its answer got lost; to recall a preset twice does no harm. ``kind`` is
    COMMAND or INQUIRY, ``first`` its first sequence number, ``now`` seconds."""

    kind: int
    payload: bytes
    first: int
    now: float
    sent: int = 0
    due: float = field(init=False)
    """When `tick` has something to do next."""
    done: bool = False
    odd: int = 0
    reset: bool | None = None
    """Whether the camera's count of messages is to be set back; None: that was not needed."""

    def __post_init__(self) -> None:
        self.due = self.now

    def tick(self, now: float) -> bytes | None:
        """What is to be sent now; None: nothing. Raises `CameraError` where nothing came of it."""
        if now < self.due:
            return None
        if self.reset:
            self.reset = False
            return message(CONTROL, 0, RESET)
        if self.sent == TRIES:
            why: CameraFault = "nonsense" if self.odd else "timeout"
            raise CameraError(why, f"no answer to {TRIES} messages by VISCA")
        self.due = now + AGAIN
        self.sent += 1
        return message(self.kind, self.first + self.sent - 1, self.payload)

    def take(self, datagram: bytes) -> None:
        """Take in what came. Raises `CameraError` where the camera refuses."""
        reply = parse(datagram)
        ours = reply is not None and self.first <= reply.sequence < self.first + self.sent
        if reply is None or not (ours or reply.kind == "control_error"):
            self.odd += 1
            if self.odd > MAX_ODD:
                raise CameraError("nonsense", "the camera sends what is no VISCA")
            return
        if reply.kind in ("ack", "complete", "answer"):
            self.done = True  # it moves, or is there already: until then takes some seconds
        elif reply.kind == "control_error" and self.reset is None:
            self.reset = True  # somebody else has steered it, and it counts from there
            self.due = self.now
        else:
            name = ERRORS.get(reply.code, f"error {reply.code:#04x}")
            why: CameraFault = (
                "missing" if reply.kind == "error" and reply.code == 0x02 else "refused"
            )
            raise CameraError(why, f"VISCA: {name}")


class _Datagrams(asyncio.DatagramProtocol):
    """What comes from the camera, in a bounded queue."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes | OSError] = asyncio.Queue(maxsize=QUEUE)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._put(data)

    def error_received(self, exc: Exception) -> None:
        self._put(exc if isinstance(exc, OSError) else OSError(str(exc)))

    def _put(self, item: bytes | OSError) -> None:
        if not self.queue.full():
            self.queue.put_nowait(item)


class ViscaCamera:
    """A camera at an address; sequence numbers go on from message to message."""

    def __init__(self, address: str, port: int) -> None:
        self._where = (address, port)
        self._sequence = 1

    async def recall(self, token: str) -> None:
        """Go to a preset. Raises `CameraError`."""
        await self._exchange(COMMAND, recall(int(token)))

    async def look(self) -> None:
        """Ask for a sign of life. Raises `CameraError`."""
        await self._exchange(INQUIRY, VERSION)

    async def close(self) -> None:
        """Nothing is held between messages."""

    async def _exchange(self, kind: int, payload: bytes) -> None:
        loop = asyncio.get_running_loop()
        try:
            transport, protocol = await loop.create_datagram_endpoint(
                _Datagrams, remote_addr=self._where
            )
        except OSError as error:
            raise CameraError("unreachable", error.strerror or "no route") from None
        try:
            await self._until_done(transport, protocol, kind, payload)
        finally:
            transport.close()

    async def _until_done(
        self, transport: asyncio.DatagramTransport, protocol: _Datagrams, kind: int, payload: bytes
    ) -> None:
        loop = asyncio.get_running_loop()
        exchange = Exchange(kind, payload, self._sequence, loop.time())
        self._sequence = (self._sequence + TRIES) % 2**31
        while not exchange.done:
            found = exchange.tick(loop.time())
            if found is not None:
                transport.sendto(found)
            try:
                async with asyncio.timeout_at(exchange.due):
                    item = await protocol.queue.get()
            except TimeoutError:
                continue
            if isinstance(item, OSError):
                raise CameraError("unreachable", item.strerror or "refused")
            exchange.take(item)
