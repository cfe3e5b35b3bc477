"""Reads a tap: RTP and RTCP of the programme, the shared screen and the voices."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path

from bridge.media import rtcp, rtp

READ_AT_ONCE = 256  # datagrams
MAX_DATAGRAM = 2048  # octets
OWN_SSRC = 2
REPORTS = range(192, 224)  # second octets of RTCP, RFC 5761 section 4

log = logging.getLogger("programme")

Packet = Callable[[int, bytes], None]
Report = Callable[[rtcp.SenderReport], None]


class TapReader:
    """The reader's socket at ``path``. ``on_packet`` gets payload type and packet, ``on_report``
    every sender report."""

    def __init__(self, path: Path, on_packet: Packet, on_report: Report) -> None:
        self._path = path
        self._on_packet = on_packet
        self._on_report = on_report
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        mask = os.umask(0o177)  # nobody else may send to it, from its first moment on
        try:
            self._socket.bind(str(path))
        finally:
            os.umask(mask)
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._read)

    def ask_for_key_frame(self, ssrc: int) -> None:
        """Tell the worker that a picture cannot be decoded."""
        empty = rtcp.build_receiver_report(OWN_SSRC, ())
        with contextlib.suppress(OSError):  # it is not there, and will begin with a key frame
            self._socket.sendto(
                empty + rtcp.build_pli(OWN_SSRC, ssrc), str(self._path.with_suffix(".rtcp"))
            )

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(READ_AT_ONCE):
                self._take(self._socket.recv(MAX_DATAGRAM))

    def _take(self, data: bytes) -> None:
        if len(data) < rtp.HEADER_SIZE:
            return
        if data[1] in REPORTS:
            for message in rtcp.parse(data) or ():
                if isinstance(message, rtcp.SenderReport):
                    self._on_report(message)
        else:
            self._on_packet(data[1] & 0x7F, data)
