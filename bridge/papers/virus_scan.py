"""Asks clamd whether there is a virus in a file, where it runs on this machine."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from pathlib import Path

SOCKETS = (
    Path("/run/clamav/clamd.ctl"),  # Debian
    Path("/run/clamd.scan/clamd.sock"),  # Fedora and its relatives
)
PIECE = 1 << 16  # octets
SECONDS = 300.0  # for a whole file


class ScanFailedError(Exception):
    """The scanner is there and does not say whether the file is clean."""


def scanner(sockets: Sequence[Path] = SOCKETS) -> Path | None:
    """The socket of clamd; None where it does not run."""
    return next((path for path in sockets if path.is_socket()), None)


async def virus_in(path: Path, socket: Path) -> str:
    """The name of the virus in a file, "" where none was found. Raises `ScanFailedError`.

    The command INSTREAM of clamd(8): pieces with their length (32 bits, big-endian) before them,
    ended by one of length 0.
    """
    try:
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                writer.write(b"zINSTREAM\0")
                with path.open("rb") as file:
                    while piece := await asyncio.to_thread(file.read, PIECE):
                        writer.write(struct.pack(">I", len(piece)) + piece)
                        await writer.drain()
                writer.write(struct.pack(">I", 0))
                await writer.drain()
                said = (await reader.read(1000)).rstrip(b"\0\n").decode(errors="replace")
            finally:
                writer.close()
    except (OSError, TimeoutError) as error:
        raise ScanFailedError(type(error).__name__) from None
    if said.endswith(" FOUND"):
        return said.removeprefix("stream: ").removesuffix(" FOUND") or "?"
    if said.endswith("OK"):
        return ""
    raise ScanFailedError(said[:200])
