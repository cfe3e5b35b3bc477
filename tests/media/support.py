"""A whole worker core with synthetic peers, driven without sockets, clock or sleeping."""

from __future__ import annotations

import datetime
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.synthetic_peer import ClientIdentity, SyntheticPeer, open_message, vp8_payload
from bridge.media import messages as m
from bridge.media import rtcp, rtp, srtp
from bridge.media.core import MediaCore
from bridge.media.dtls import Identity
from bridge.media.transport import Address, Transport

IDENTITY = Identity.generate(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
CLIENT = ClientIdentity.generate(srtp.PROFILES)
CLIENT_CM = ClientIdentity.generate((srtp.AES128_CM_SHA1_80,))

CAMERA_PT, CAMERA_RTX_PT, OPUS_PT, RED_PT = 96, 97, 111, 63
SLOT_PT, SLOT_RTX_PT, SLOT_OPUS_PT, SLOT_RED_PT = 100, 101, 109, 62
MID, RID, RRID, LEVEL, TRANSPORT_CC = 1, 2, 3, 4, 5
EXTENSIONS = m.Extensions(
    mid=MID, rid=RID, repaired_rid=RRID, audio_level=LEVEL, transport_cc=TRANSPORT_CC
)


PATH = "python"  # by which benches forward where they are not told; see conftest.py


def _compiled() -> type[MediaCore]:
    from tests.media.compiled import CompiledCore

    return CompiledCore


def _shared() -> type[MediaCore]:
    from tests.media.compiled import SharedCore

    return SharedCore


CORES: dict[str, Callable[[], type[MediaCore]]] = {
    "python": lambda: MediaCore,
    "compiled": _compiled,
    "shared": _shared,  # a compiled turn is put around it by the test
}


class Agreed:
    """In place of DTLS: it ends with the first datagram, and these are its keys."""

    failure, closed, obstacle = "", False, ""

    def __init__(self, keys: srtp.MasterKeys) -> None:
        self.keys: srtp.MasterKeys | None = None
        self._agreed = keys

    def feed(self, datagram: bytes) -> bool:
        completed = self.keys is None
        self.keys = self._agreed
        return completed

    def outcome(self) -> tuple[str, bool]:
        return "", False

    def outgoing(self) -> list[bytes]:
        return []

    def timeout(self) -> float | None:
        return None

    def close(self) -> None:
        return None


@dataclass
class TestPeer:
    """A joined peer: its keys, and everything the core sent to it, opened by libsrtp."""

    __test__ = False

    id: str
    address: Address
    spec: m.Open
    peer: SyntheticPeer
    tx: srtp.Outbound
    rx: srtp.Inbound
    received: list[bytes] = field(default_factory=list)  # RTP in the clear
    feedback: list[bytes] = field(default_factory=list)  # RTCP in the clear
    raw: list[tuple[bytes, bytes]] = field(default_factory=list)  # (header, sealed)

    def slot(self, name: str) -> m.SlotSpec:
        return next(s for s in self.spec.slots if s.name == name)

    def packets(self, slot: str, *, rtx: bool = False, after: int = 0) -> list[bytes]:
        """RTP packets received in a slot, in order of arrival, ``after`` so many of any slot."""
        spec = self.slot(slot)
        ssrc = spec.rtx_ssrc if rtx else spec.ssrc
        return [p for p in self.received[after:] if int.from_bytes(p[8:12], "big") == ssrc]


def camera(
    mid: str = "1", *, rids: tuple[str, ...] = (), ssrc: int = 0, rtx_ssrc: int = 0
) -> m.SourceSpec:
    return m.SourceSpec(
        name="camera",
        mid=mid,
        kind="video",
        codec="vp8",
        payload_type=CAMERA_PT,
        rtx_payload_type=CAMERA_RTX_PT,
        rids=rids,
        ssrcs=(m.StreamSsrc(ssrc=ssrc, rtx_ssrc=rtx_ssrc),) if ssrc else (),
    )


def microphone(mid: str = "0", *, ssrc: int = 0, redundant: bool = False) -> m.SourceSpec:
    return m.SourceSpec(
        name="microphone",
        mid=mid,
        kind="audio",
        codec="opus",
        payload_type=OPUS_PT,
        red_payload_type=RED_PT if redundant else 0,
        clock_rate=48000,
        ssrcs=(m.StreamSsrc(ssrc=ssrc),) if ssrc else (),
    )


def video_slot(name: str, ssrc: int) -> m.SlotSpec:
    return m.SlotSpec(
        name=name,
        kind="video",
        codec="vp8",
        payload_type=SLOT_PT,
        rtx_payload_type=SLOT_RTX_PT,
        ssrc=ssrc,
        rtx_ssrc=ssrc + 500,
    )


def audio_slot(name: str, ssrc: int, *, redundant: bool = False) -> m.SlotSpec:
    return m.SlotSpec(
        name=name,
        kind="audio",
        codec="opus",
        payload_type=SLOT_OPUS_PT,
        red_payload_type=SLOT_RED_PT if redundant else 0,
        clock_rate=48000,
        ssrc=ssrc,
    )


class Bench:
    """A core and its peers. ``now`` moves only when a test moves it."""

    def __init__(self, seed: int = 1, path: str = "", *, estimation: bool = True) -> None:
        path = path or PATH
        self.random = random.Random(seed)
        self.core = CORES[path]()(
            identity=IDENTITY,
            worker="test",
            random_bits=self.random.getrandbits,
            estimation=estimation,
        )
        self.core.unix_offset = 1_700_000_000.0
        self.now = 1000.0
        self.peers: dict[str, TestPeer] = {}
        self.events: list[m.Event] = []
        self.stray: list[tuple[Address, bytes]] = []
        self._port = 4000

    # --- joining ------------------------------------------------------------------------

    def open(
        self,
        name: str,
        sources: tuple[m.SourceSpec, ...] = (),
        slots: tuple[m.SlotSpec, ...] = (),
        *,
        identity: ClientIdentity = CLIENT,
        extensions: m.Extensions = EXTENSIONS,
        address: Address | None = None,
        patient: bool = False,
    ) -> tuple[m.Open, SyntheticPeer, Address]:
        """Open a transport; the peer has not spoken yet, and will from ``address``."""
        spec = open_message(
            name,
            fingerprint=identity.fingerprint,
            sources=sources,
            slots=slots,
            extensions=extensions,
            patient=patient,
        )
        assert self.core.command(spec, self.now) == ""
        self._port += 1
        return spec, SyntheticPeer(identity, spec), address or ("127.0.0.1", self._port)

    def join(
        self,
        name: str,
        sources: tuple[m.SourceSpec, ...] = (),
        slots: tuple[m.SlotSpec, ...] = (),
        *,
        identity: ClientIdentity = CLIENT,
        extensions: m.Extensions = EXTENSIONS,
        address: Address | None = None,
        real: bool = False,
        patient: bool = False,
    ) -> TestPeer:
        """Open a transport and bring it to ``connected``; by a ``real`` handshake, or with fresh
        keys as one would have made them, which takes a fiftieth of the time."""
        spec, peer, address = self.open(
            name,
            sources,
            slots,
            identity=identity,
            extensions=extensions,
            address=address,
            patient=patient,
        )
        self.core.receive(peer.check(), address, 0, self.now)
        if real:
            self.handshake(peer, address)
        else:
            self._agree(name, peer, address)
        assert peer.keys is not None
        joined = TestPeer(
            name, address, spec, peer, srtp.Outbound(peer.keys), srtp.Inbound(peer.keys)
        )
        self.peers[name] = joined
        self.settle()
        return joined

    def _agree(self, name: str, peer: SyntheticPeer, address: Address) -> None:
        profile = srtp.AES128_CM_SHA1_80 if peer.identity is CLIENT_CM else srtp.PROFILES[0]
        material = os.urandom(2 * (profile.key_size + profile.salt_size))
        peer.profile = profile
        peer.keys = srtp.MasterKeys.from_exporter(profile, material, is_server=False)
        agreed = Agreed(srtp.MasterKeys.from_exporter(profile, material, is_server=True))
        self.core.transports[name].dtls = agreed  # type: ignore[assignment]
        self.core.receive(b"\x16", address, 0, self.now)
        self.core.datagrams.clear()

    def handshake(self, peer: SyntheticPeer, address: Address, rounds: int = 10) -> None:
        """Carry DTLS datagrams back and forth until neither side has any."""
        outgoing = peer.dtls()
        for _ in range(rounds):
            for datagram in outgoing:
                self.core.receive(datagram, address, 0, self.now)
            outgoing = []
            answers, self.core.datagrams = self.core.datagrams, []
            for _, to, datagram in answers:
                if to == address and 20 <= datagram[0] <= 63:
                    outgoing += peer.dtls(datagram)
            if not outgoing:
                return

    # --- time and traffic ---------------------------------------------------------------

    def settle(self) -> None:
        """Fan out and deliver everything that is queued; collect events."""
        self.core.flush(self.now, self._deliver)
        datagrams, self.core.datagrams = self.core.datagrams, []
        by_address = {peer.address: peer for peer in self.peers.values()}
        for _, address, datagram in datagrams:
            peer = by_address.get(address)
            if peer is None or not 128 <= datagram[0] <= 191:
                self.stray.append((address, datagram))
            else:
                peer.feedback.append(peer.rx.unprotect_rtcp(datagram))
        self.events += self.core.events
        self.core.events.clear()

    def _deliver(self, transport: Transport) -> None:
        peer = self.peers.get(transport.id)
        if peer is None:
            return
        for header, body in zip(transport.out[::2], transport.out[1::2], strict=True):
            peer.raw.append((header, body))
            peer.received.append(peer.rx.unprotect(header + body))

    def run(self, seconds: float, step: float = 0.01) -> None:
        """Let time pass in ticks."""
        for _ in range(round(seconds / step)):
            self.now += step
            self.core.tick(self.now, self.core.unix_offset)
            self.settle()

    def receive_all(self, datagrams: list[tuple[bytes, Address]]) -> None:
        """Hand datagrams to the core as if a socket had held them; nothing is fanned out yet,
        but by the compiled turn, which takes them in one."""
        together = getattr(self.core, "receive_all", None)
        if together is None:
            for data, address in datagrams:
                self.core.receive(data, address, 0, self.now)
        elif datagrams:
            together(datagrams, 0, self.now)

    def send(self, peer: TestPeer, packet: bytes) -> None:
        """Protect a packet as the peer and hand it to the core."""
        self.core.receive(peer.tx.protect(packet), peer.address, 0, self.now)
        self.settle()

    def send_rtcp(self, peer: TestPeer, compound: bytes) -> None:
        self.core.receive(peer.tx.protect_rtcp(compound), peer.address, 0, self.now)
        self.settle()

    def route(
        self,
        receiver: str,
        slot: str,
        source: str | None,
        prefer: m.Prefer = "highest",
        name: str = "camera",
    ) -> None:
        ref = m.SourceRef(transport=source, name=name) if source is not None else None
        route = m.Route(transport=receiver, slot=slot, source=ref, prefer=prefer)
        assert self.core.command(m.SetRoutes(routes=(route,)), self.now) == ""
        self.settle()

    def dropped(self, reason: str) -> int:
        return self.core.counters.dropped[reason]

    def states(self, transport: str) -> list[str]:
        return [
            e.state
            for e in self.events
            if isinstance(e, m.StateChanged) and e.transport == transport
        ]


def video(
    sequence_number: int,
    *,
    key: bool = False,
    ssrc: int = 1000,
    timestamp: int | None = None,
    size: int = 300,
    picture_id: int = 0,
    mid: str = "1",
    rid: str = "",
    payload_type: int = CAMERA_PT,
    start: bool = True,
    marker: bool = True,
    transport_cc: int | None = None,
) -> bytes:
    """A VP8 packet in the clear."""
    extensions = [(MID, mid.encode())] if mid else []
    if rid:
        extensions.append((RID, rid.encode()))
    if transport_cc is not None:
        extensions.append((TRANSPORT_CC, transport_cc.to_bytes(2, "big")))
    return rtp.build(
        payload_type=payload_type,
        sequence_number=sequence_number & 0xFFFF,
        timestamp=sequence_number * 3000 if timestamp is None else timestamp,
        ssrc=ssrc,
        payload=bytes(vp8_payload(size, key_frame=key, start=start, picture_id=picture_id)),
        marker=marker,
        extensions=tuple(extensions),
    )


def sound(sequence_number: int) -> bytes:
    """The 20 ms of Opus that `audio` sends under a number."""
    return b"\xfc" + sequence_number.to_bytes(3, "big") * 13


def audio(
    sequence_number: int,
    *,
    ssrc: int = 2000,
    level: int = 20,
    mid: str = "0",
    payload: bytes = b"",
    payload_type: int = OPUS_PT,
    timestamp: int | None = None,
) -> bytes:
    """An Opus packet in the clear with an RFC 6464 level; another one's ``payload`` in it."""
    return rtp.build(
        payload_type=payload_type,
        sequence_number=sequence_number,
        timestamp=sequence_number * 960 if timestamp is None else timestamp,
        ssrc=ssrc,
        payload=payload or sound(sequence_number),
        extensions=((MID, mid.encode()), (LEVEL, bytes([level]))),
    )


def sealed_by_hand(peer: TestPeer, packet: bytes, index: int) -> bytes | None:
    """A packet as a hostile peer would seal it under any index; libsrtp would refuse some. None
    where there is no such index."""
    if index < 0:
        return None
    assert peer.tx.seal is not None
    offset = rtp.payload_offset(packet)
    nonce = srtp.nonce(peer.tx.salt, int.from_bytes(packet[8:12], "big"), index)
    return packet[:offset] + peer.tx.seal(nonce, packet[offset:], packet[:offset])


def sequence_number_of(packet: bytes) -> int:
    return int.from_bytes(packet[2:4], "big")


def timestamp_of(packet: bytes) -> int:
    return int.from_bytes(packet[4:8], "big")


def payload_of(packet: bytes) -> bytes:
    return packet[rtp.payload_offset(packet) :]


def pair(**options: object) -> tuple[Bench, TestPeer, TestPeer]:
    """A source and a receiver that is shown it."""
    b = Bench()
    a = b.join("a", (camera(ssrc=1000, rtx_ssrc=1500), microphone()), **options)  # type: ignore[arg-type]
    r = b.join("r", (), (video_slot("programme", 5000),), **options)  # type: ignore[arg-type]
    b.route("r", "programme", "a")
    return b, a, r


def messages(peer: TestPeer, kind: type) -> list[rtcp.Message]:
    """What the peer got of one kind of RTCP, in order."""
    found = []
    for compound in peer.feedback:
        found += [x for x in rtcp.parse(compound) or [] if isinstance(x, kind)]
    return found
