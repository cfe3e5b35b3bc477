"""The audit trail as security events for a syslog collector (a province's security centre), by
RFC 5424, over UDP (RFC 5426), TCP (RFC 6587, octet counting) or TLS (RFC 5425).

Without ``identities`` a line holds no address and no name: who did something is a pseudonym, the
same from one restart to the next, so that a security centre can count. Whoever rotates the key
(`rotate`) begins new ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
import os
import secrets
import socket
import ssl
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bridge.base.files import write_private
from config.security_schema import Syslog

log = logging.getLogger("syslog")

FACILITY = 13  # log audit, RFC 5424 table 1
WARNING, NOTICE = 4, 5
ENTERPRISE = 32473  # the number for examples and for nobody in particular, RFC 5612
APP = "diem-cau"
KEPT = 1000  # lines that wait while the collector is away
RETRY = (1.0, 5.0, 30.0)  # seconds between tries
CONNECT_TIMEOUT = 5.0
MAX_VALUE = 200  # characters
PSEUDONYM_KEY = "pseudonym.key"
KEY_OCTETS = 32
HARMLESS = ("done", "")


class Line(NamedTuple):
    """A line of the audit trail; ``at`` is UTC seconds."""

    at: float
    actor: str
    address: str
    action: str
    target: str
    outcome: str


def escaped(text: str) -> str:
    """A parameter's value: RFC 5424 section 6.3.3; control characters become spaces."""
    plain = "".join(c if c.isprintable() else " " for c in text[:MAX_VALUE])
    return plain.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def word(text: str) -> str:
    """MSGID: printable ASCII without spaces, at most 32 characters."""
    plain = "".join(c if "!" <= c <= "~" else "-" for c in text)
    return plain[:32] or "-"


def message(line: Line, *, host: str, process: int, identities: bool, key: bytes) -> bytes:
    """One syslog message. Pure."""
    severity = NOTICE if line.outcome in HARMLESS or line.outcome[:1].isdigit() else WARNING
    stamp = datetime.fromtimestamp(line.at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    kind = line.actor.partition(":")[0]
    values = {"action": line.action, "outcome": line.outcome, "kind": kind}
    if identities:
        values |= {"actor": line.actor, "source": line.address, "target": line.target}
    else:
        values["actor"] = pseudonym(line.actor, key)
        if line.address:
            values["source"] = pseudonym(line.address, key)
        if line.target:
            values["target"] = pseudonym(line.target, key)
    data = " ".join(f'{name}="{escaped(value)}"' for name, value in values.items() if value)
    header = (
        f"<{FACILITY * 8 + severity}>1 {stamp} {word(host)} {APP} {process} {word(line.action)}"
    )
    text = f"{line.action}: {line.outcome or 'done'}"
    said = f"{header} [audit@{ENTERPRISE} {data}] \ufeff{text}"
    return said.encode("utf-8", "replace")  # a lone surrogate must not keep anybody out


def pseudonym(text: str, key: bytes) -> str:
    """The same for the same text, and nothing that leads back to it."""
    return hmac.new(key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:12]


def rotate(key_file: Path) -> None:
    """Begin new pseudonyms: nothing leads from the old ones to them. Raises OSError."""
    write_private(key_file, secrets.token_bytes(KEY_OCTETS))


def framed(data: bytes, transport: str) -> bytes:
    """A message on a stream is preceded by its length (RFC 6587 section 3.4.1)."""
    return data if transport == "udp" else f"{len(data)} ".encode() + data


class SecurityLog:
    """Sends lines to a collector; `note` never waits. ``folder`` is what paths refer to,
    ``key_file`` has the key of the pseudonyms; it is made where it is missing."""

    def __init__(self, config: Syslog, folder: Path, key_file: Path) -> None:
        self._config = config
        self._folder = folder
        self._key_file = key_file
        self._key_changed = -1
        self._key = secrets.token_bytes(KEY_OCTETS)
        self._host = socket.gethostname()
        self._waiting: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self.dropped = 0
        self.sent = 0

    def note(self, line: Line) -> None:
        """Send a line, now or when the collector is back; of more than `KEPT` that wait the
        oldest are dropped."""
        if len(self._waiting) >= KEPT:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(
            message(
                line,
                host=self._host,
                process=os.getpid(),
                identities=self._config.identities,
                key=self._current_key(),
            )
        )
        self._wake.set()

    def _current_key(self) -> bytes:
        """The key in the file, which may have been rotated; one of this run only where there is
        none and none can be written."""
        try:
            if not self._key_file.exists():
                rotate(self._key_file)
            changed = self._key_file.stat().st_mtime_ns
            if changed != self._key_changed:
                self._key, self._key_changed = self._key_file.read_bytes(), changed
        except OSError:
            pass
        return self._key

    async def run(self) -> None:
        """Send until cancelled."""
        tries = 0
        while True:
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT):
                    writer = await self._connect()
                if tries:
                    log.warning("the syslog collector is back")
                tries = 0
                try:
                    await self._send(writer)
                finally:
                    writer.close()
            except (OSError, TimeoutError, ssl.SSLError) as error:
                if not tries:
                    log.error(
                        "the syslog collector cannot be reached (%s); security events wait",
                        type(error).__name__,
                    )
            await asyncio.sleep(RETRY[min(tries, len(RETRY) - 1)])
            tries += 1

    async def _connect(self) -> _Datagrams | _Stream:
        config = self._config
        if config.transport == "udp":
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, remote_addr=(config.address, config.port)
            )
            return _Datagrams(transport)
        context = None
        if config.transport == "tls":
            authority = self._folder / config.authority if config.authority else None
            context = ssl.create_default_context(cafile=authority)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
        reader, writer = await asyncio.open_connection(config.address, config.port, ssl=context)
        return _Stream(reader, writer)

    async def _send(self, writer: _Datagrams | _Stream) -> None:
        """Until the connection breaks: OSError."""
        while True:
            while self._waiting:
                data = self._waiting[0]
                await writer.send(framed(data, self._config.transport))
                self._waiting.popleft()
                self.sent += 1
            self._wake.clear()
            await writer.idle(self._wake)


class _Datagrams:
    """UDP: nobody says whether it arrived."""

    def __init__(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    async def send(self, data: bytes) -> None:
        self._transport.sendto(data)

    async def idle(self, wake: asyncio.Event) -> None:
        await wake.wait()

    def close(self) -> None:
        self._transport.close()


class _Stream:
    """TCP and TLS: a collector that closes is noticed while nothing is sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._closed = asyncio.create_task(reader.read(1))

    async def send(self, data: bytes) -> None:
        if self._closed.done():
            raise ConnectionResetError
        self._writer.write(data)
        await self._writer.drain()

    async def idle(self, wake: asyncio.Event) -> None:
        waiting = asyncio.create_task(wake.wait())
        try:
            await asyncio.wait([waiting, self._closed], return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if self._closed.done():
            raise ConnectionResetError

    def close(self) -> None:
        self._closed.cancel()
        with contextlib.suppress(OSError):
            self._writer.close()
