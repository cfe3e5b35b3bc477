"""RTP and RTCP of one media line of a codec: two sockets, one other side, keys where encrypted.

Taken is what comes from the address that was signalled. The port may be another one (a firewall
between): the first packet that can be used pins it, for as long as packets come from there.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Callable

from bridge.media import rtp, srtp
from bridge.sip.flow.dtls_line import DtlsLine
from bridge.sip.refusals import Figures
from bridge.sip.wire.session_descriptions import Line

BURST = 256  # datagrams read in a row before others have their turn
READ_SIZE = 2048  # octets
ROOM = 1 << 20  # octets of a socket's queue
AF41 = 34  # differentiated services code point, RFC 2597
REPIN = 5.0  # seconds of silence after which the other side may come from another port

Address = tuple[str, int]


class MediaPort:
    """Sockets on an even port for RTP and the next one for RTCP (RFC 3550 section 11)."""

    def __init__(self, address: str, port: int, figures: Figures, *, encrypted: bool) -> None:
        """``encrypted`` ones send and take nothing before there are keys. Raises OSError where one
        of the two ports is taken."""
        self.port = port
        self._figures = figures
        self._family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._rtp = self._socket(address, port)
        try:
            self._rtcp = self._socket(address, port + 1)
        except OSError:
            self._rtp.close()
            raise
        self.line: Line | None = None
        self._pinned: Address | None = None
        self._pinned_at = 0.0
        self._inbound: srtp.Inbound | None = None
        self._outbound: srtp.Outbound | None = None
        self._dtls: DtlsLine | None = None
        self._encrypted = encrypted
        self.received = self.sent = 0

    def _socket(self, address: str, port: int) -> socket.socket:
        made = socket.socket(self._family, socket.SOCK_DGRAM)
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
        with contextlib.suppress(OSError):
            made.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, AF41 << 2)
        try:
            made.bind((address, port))
        except OSError:
            made.close()
            raise
        return made

    def agree(self, line: Line, own_key: bytes) -> None:
        """The line was agreed on; with ``own_key`` it is encrypted with SDES (RFC 4568)."""
        changed = self.line is None or line.remote_key != self.line.remote_key
        if self.line is not None and line.address != self.line.address:
            self._pinned = None  # a new description says where the other side is now
        self.line = line
        if own_key and changed:
            self.use(
                srtp.MasterKeys(srtp.AES128_CM_SHA1_80, inbound=line.remote_key, outbound=own_key)
            )
        if line.fingerprint and (self._dtls is None or self._dtls.fingerprint != line.fingerprint):
            self._outbound = None  # other keys, for both directions
            self._dtls = DtlsLine(
                line.fingerprint, client=not line.active, send=self._put, on_keys=self.use
            )

    def tick(self) -> None:
        """Repeat what of a handshake was not answered."""
        if self._dtls is not None:
            self._dtls.tick()

    def _put(self, data: bytes) -> None:
        if self.line is not None:
            with contextlib.suppress(OSError):
                self._rtp.sendto(data, self._pinned or self.line.address)

    def use(self, keys: srtp.MasterKeys) -> None:
        """Seal and open with these keys. A sealing key is used by one session in its life, so no
        index comes twice under it: where only the other side's key is new, ours goes on."""
        self._inbound = srtp.Inbound(keys)
        if self._outbound is None:
            self._outbound = srtp.Outbound(keys)

    def close(self) -> None:
        self._rtp.close()
        self._rtcp.close()

    # --- in -----------------------------------------------------------------------------------

    def drain(
        self, now: float, on_rtp: Callable[[bytes], None], on_rtcp: Callable[[bytes], None]
    ) -> None:
        """Take in what has arrived."""
        for data, source in self._read(self._rtp):
            # RTCP may come on the same port (RFC 5761), and DTLS does (RFC 7983).
            if data and 20 <= data[0] < 64:
                self._take_dtls(data, source)
            elif len(data) >= 2 and 192 <= data[1] < 224:
                self._take_rtcp(data, source, on_rtcp)
            else:
                self._take_rtp(data, source, now, on_rtp)
        for data, source in self._read(self._rtcp):
            self._take_rtcp(data, source, on_rtcp)

    def _read(self, sock: socket.socket) -> list[tuple[bytes, Address]]:
        found: list[tuple[bytes, Address]] = []
        try:
            for _ in range(BURST):
                data, source = sock.recvfrom(READ_SIZE)
                found.append((data, (str(source[0]), int(source[1]))))
        except OSError:
            pass  # nothing more, or what an ICMP error says of an earlier packet
        return found

    def _take_dtls(self, data: bytes, source: Address) -> None:
        if self.line is None or source[0] != self.line.address[0]:
            self._figures.refuse("rtp_source")
        elif self._dtls is None or not self._dtls.take(data):
            self._figures.refuse("rtp_unusable")

    def _take_rtp(
        self, data: bytes, source: Address, now: float, on_rtp: Callable[[bytes], None]
    ) -> None:
        line = self.line
        if line is None or source[0] != line.address[0]:
            self._figures.refuse("rtp_source")
            return
        if self._pinned not in (None, source) and now - self._pinned_at < REPIN:
            self._figures.refuse("rtp_source")
            return
        packet = self._opened(data, rtcp=False) if len(data) >= rtp.HEADER_SIZE else b""
        if not packet or rtp.payload_offset(packet) < 0:
            self._figures.refuse("rtp_unusable")
            return
        self._pinned, self._pinned_at = source, now
        self.received += 1
        on_rtp(packet)

    def _take_rtcp(self, data: bytes, source: Address, on_rtcp: Callable[[bytes], None]) -> None:
        if self.line is None or source[0] != self.line.address[0]:
            self._figures.refuse("rtp_source")
            return
        packet = self._opened(data, rtcp=True)
        if packet:
            on_rtcp(packet)
        else:
            self._figures.refuse("rtp_unusable")

    def _opened(self, data: bytes, *, rtcp: bool) -> bytes:
        if not self._encrypted:
            return data
        if self._inbound is None:
            return b""
        try:
            return self._inbound.unprotect_rtcp(data) if rtcp else self._inbound.unprotect(data)
        except srtp.SrtpError:
            return b""

    # --- out ----------------------------------------------------------------------------------

    def send_rtp(self, packet: bytes) -> None:
        """Send a packet; one that cannot be sent now is lost, as on a line."""
        if self.line is not None and self.line.receives:
            self._send(self._rtp, packet, self.line.address, rtcp=False)

    def send_rtcp(self, packet: bytes) -> None:
        """Send a compound packet."""
        if self.line is not None and not ipaddress.ip_address(self.line.rtcp[0]).is_unspecified:
            muxed = self.line.rtcp == self.line.address
            sock = self._rtp if muxed else self._rtcp
            self._send(sock, packet, self.line.rtcp, rtcp=True)

    def _send(self, sock: socket.socket, data: bytes, address: Address, *, rtcp: bool) -> None:
        if self._encrypted:
            if self._outbound is None:
                return
            try:
                protect = self._outbound.protect_rtcp if rtcp else self._outbound.protect
                data = protect(data)
            except srtp.SrtpError:
                return  # a repetition: an index is never sealed twice
        if sock is self._rtp and self._pinned is not None:
            address = self._pinned
        with contextlib.suppress(OSError):
            sock.sendto(data, address)
            self.sent += not rtcp


def port_pair(address: str, ports: range, figures: Figures, *, encrypted: bool) -> MediaPort:
    """Sockets on the first free even port of a range. Raises OSError where there is none."""
    for port in ports:
        if port % 2 == 0:
            with contextlib.suppress(OSError):
                return MediaPort(address, port, figures, encrypted=encrypted)
    raise OSError("no pair of ports for media is free")
