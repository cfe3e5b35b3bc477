"""A tap: the programme for a process on this machine, as plain RTP and RTCP over a Unix socket.

It is a transport like those of rooms, so its slots are fed, gated by key frames, numbered and
reported in one way for all; only that it has no ICE, no DTLS and **no keys**: ``seal`` is None for
its whole life, so it has no part in the argument about nonces (`bridge.media.slot`), and nothing
that arrives from its reader is taken for media.
"""

from __future__ import annotations

from bridge.media import messages as m
from bridge.media.counters import Drop
from bridge.media.dtls import DtlsServer, Identity
from bridge.media.srtp import Inbound, Outbound, SrtpError
from bridge.media.transport import Address, Transport

TAP_SOCKET = -1  # in place of the index of a UDP socket
NOBODY = m.Fingerprint(algorithm="sha-256", value="")


class PlainOutbound(Outbound):
    """Packets go out as they are."""

    __slots__ = ()

    def __init__(self) -> None:
        self.seal = None
        self.salt = 0
        self.protect = self.protect_rtcp = _as_it_is


class PlainInbound(Inbound):
    """Reports come in as they are; a reader sends no media."""

    __slots__ = ()

    def __init__(self) -> None:
        self.open = None
        self.salt = 0
        self.unprotect = _refused
        self.unprotect_rtcp = _as_it_is


def _as_it_is(packet: bytes) -> bytes:
    return packet


def _refused(packet: bytes) -> bytes:
    raise SrtpError("a reader of a tap sends no media")


class Tap(Transport):
    """Connected from the start to its end. ``path`` is its reader's socket."""

    __slots__ = ("path",)

    def __init__(self, spec: m.OpenTap, identity: Identity, now: float) -> None:
        # An association that is never fed: who closes transports need not tell them apart.
        dtls = DtlsServer(identity, bytes(16), NOBODY)
        super().__init__(as_open(spec), dtls, now, estimation=False)
        self.path = spec.path
        self.inbound = PlainInbound()
        self.outbound = PlainOutbound()
        self.socket = TAP_SOCKET
        self.address = tap_address(spec.transport)

    def silence(self, now: float, since: float) -> float:
        """A reader that says nothing is no peer that has vanished: its packets are lost."""
        return 0.0

    def refuses_dtls(self, octets: int) -> Drop | None:
        return Drop.DTLS_CLOSED


def tap_address(transport: str) -> Address:
    """What stands for a reader's address; no datagram of a network comes from there."""
    return "tap", transport


def as_open(spec: m.OpenTap) -> m.Open:
    """A tap's description as that of a transport that sends nothing."""
    return m.Open(
        transport=spec.transport,
        label=spec.label,
        ice=m.Ice(local_ufrag="", local_password="", remote_ufrag="", remote_password=""),
        fingerprint=NOBODY,
        extensions=m.Extensions(),
        sources=(),
        slots=spec.slots,
        cname=spec.cname,
    )
