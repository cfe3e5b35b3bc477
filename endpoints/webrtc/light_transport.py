"""ICE, DTLS and SRTP of a light peer on a socket of its own: of a simulated point, or of a codec's.

A real peer on the wire, but cheap: nothing wakes the process for a packet, its owner drains the
socket in its own beat (`LightTransport.drain`), and opens only what it wants to see. ICE is that of
a full agent towards an ICE-lite one with one host candidate on each side (RFC 8445): checks that
nominate, repeated as consent (RFC 7675).
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import functools
import hmac
import os
import secrets
import socket
from collections.abc import Callable

from aioice import stun
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL
from pylibsrtp import Error as SrtpError
from pylibsrtp import Policy, Session

from endpoints.netem.impairment import Hop
from endpoints.webrtc.aiortc_seams import AF41, ROOM, mark
from endpoints.webrtc.light_sdp import Answer, Credentials

CHECK_EVERY = 0.05  # seconds between checks, and looks at the handshake, while it connects
CONSENT_EVERY = 2.0  # seconds between checks afterwards; the bridge misses them after 5
CONSENTS_MISSED = 4  # checks in a row without an answer after which the bridge is gone
BURST = 256  # datagrams read in a row before others have their turn; a socket has room for fewer
READ_SIZE = 2048  # octets
MTU = 1200  # octets of a DTLS datagram
EXPORTER = b"EXTRACTOR-dtls_srtp"
PROFILES = {
    # OpenSSL's name: libsrtp's number, octets of key and salt (RFC 7714, RFC 5764).
    b"SRTP_AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    b"SRTP_AES128_CM_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
}


@functools.cache
def identity() -> tuple[SSL.Context, str]:
    """A certificate for all light points of this process: a context, and its fingerprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "light")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(now + datetime.timedelta(days=400))
        .sign(key, hashes.SHA256())
    )
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_verify(SSL.VERIFY_PEER, lambda *_: True)  # the fingerprint counts
    context.use_certificate(certificate)
    context.use_privatekey(key)
    context.set_tlsext_use_srtp(b":".join(PROFILES))
    return context, colon_hex(certificate.fingerprint(hashes.SHA256()))


def colon_hex(digest: bytes) -> str:
    """A digest as it stands in SDP."""
    return ":".join(f"{octet:02X}" for octet in digest)


def bound(address: str) -> socket.socket:
    """A socket for media on a free port of a local address. Raises OSError."""
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    made.bind((address, 0))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
    mark(made, AF41)
    return made


class LightTransport:
    """One connection to the bridge. ``on_rtp`` gets sealed packets, of at least 12 octets, for
    `open_rtp`; ``on_rtcp`` opened ones; ``on_lost`` is called once when the bridge does not answer
    any more, or ends the connection."""

    def __init__(
        self,
        address: str,
        hop: Hop | None,
        *,
        on_rtp: Callable[[bytes], None],
        on_rtcp: Callable[[bytes], None],
        on_lost: Callable[[], None],
    ) -> None:
        """``address`` is the local one; ``hop`` the line before it, where that is impaired."""
        self._hop = hop
        self._on_rtp = on_rtp
        self._on_rtcp = on_rtcp
        self._on_lost = on_lost
        context, fingerprint = identity()
        self.own = Credentials(secrets.token_hex(4), secrets.token_hex(16), fingerprint)
        """What the offer says of this side."""
        self._socket = bound(address)
        self._dtls = SSL.Connection(context, None)
        self._dtls.set_connect_state()
        self._dtls.set_ciphertext_mtu(MTU)
        self._answer: Answer | None = None
        self._reachable = asyncio.Event()
        self._unanswered = 0
        self._inbound: Session | None = None
        self._outbound: Session | None = None
        self._consent: asyncio.Task[None] | None = None

    @property
    def up(self) -> bool:
        """Whether media can be sent."""
        return self._outbound is not None

    async def connect(self, answer: Answer) -> None:
        """Reach the bridge and agree on keys; may be cancelled. Afterwards `drain` has to be
        called now and then. Raises ValueError where the certificate is not the answer's."""
        self._answer = answer
        six = ":" in answer.address[0]
        if six != (self._socket.family == socket.AF_INET6):
            self._socket.close()  # the bridge's media are of the other family
            self._socket = bound("::" if six else "0.0.0.0")  # noqa: S104 - connected at once
        self._socket.connect(answer.address)  # nobody else is heard
        loop = asyncio.get_running_loop()
        loop.add_reader(self._socket.fileno(), self.drain)
        while not self._reachable.is_set():
            self._check()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECK_EVERY):
                    await self._reachable.wait()
        self._handshake(b"")
        while self._outbound is None:
            await asyncio.sleep(CHECK_EVERY)
            timeout = self._dtls.DTLSv1_get_timeout()
            if timeout is not None and timeout <= 0:
                self._dtls.DTLSv1_handle_timeout()
                self._flush()
        loop.remove_reader(self._socket.fileno())
        self._consent = asyncio.create_task(self._keep_consent())

    def close(self) -> None:
        """Close the connection; nothing is called any more."""
        if self._socket.fileno() < 0:
            return
        if self._consent is not None:
            self._consent.cancel()
        if self.up:
            with contextlib.suppress(SSL.Error):
                self._dtls.shutdown()
            self._flush()
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()
        self._outbound = self._inbound = None

    def open_rtp(self, sealed: bytes) -> bytes:
        """Open an RTP packet; b"" for a repetition, or what is not the bridge's."""
        if self._inbound is None:
            return b""
        try:
            return self._inbound.unprotect(sealed)
        except SrtpError:
            return b""

    def send_rtp(self, packet: bytes) -> None:
        """Seal and send an RTP packet; one that cannot be sent now is dropped."""
        if self._outbound is not None:
            self._send(self._outbound.protect(packet))

    def send_rtcp(self, packet: bytes) -> None:
        """Seal and send a compound RTCP packet."""
        if self._outbound is not None:
            self._send(self._outbound.protect_rtcp(packet))

    # --- datagrams ------------------------------------------------------------------------

    def _send(self, data: bytes) -> None:
        if self._hop is None or self._hop.clean:
            self._put(data)
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        for at in self._hop.up.offer(now, len(data)):
            if at <= now:
                self._put(data)
            else:
                loop.call_at(at, self._put, data)

    def _put(self, data: bytes) -> None:
        if self._answer is not None and self._socket.fileno() >= 0:
            with contextlib.suppress(OSError):  # a full buffer loses a packet, as a line does
                self._socket.send(data)

    def drain(self) -> None:
        """Take in what has arrived."""
        receive = self._socket.recv
        take = self._take if self._hop is None or self._hop.clean else self._take_late
        try:
            for _ in range(BURST):
                take(receive(READ_SIZE))
        except OSError:
            pass  # nothing more; or what an ICMP error says of an earlier packet; or it was closed

    def _take_late(self, data: bytes) -> None:
        assert self._hop is not None
        loop = asyncio.get_running_loop()
        now = loop.time()
        for at in self._hop.down.offer(now, len(data)):
            if at <= now:
                self._take(data)
            else:
                loop.call_at(at, self._take, data)

    def _take(self, data: bytes) -> None:
        """Split by the first octet (RFC 7983)."""
        first = data[0] if data else 255
        if 128 <= first < 192 and len(data) >= 12 and self._inbound is not None:
            if not 192 <= data[1] < 224:  # RFC 5761
                self._on_rtp(data)
            else:
                self._take_rtcp(data)
        elif 20 <= first < 64:
            self._handshake(data)
        elif first < 4:
            self._take_stun(data)

    def _take_rtcp(self, data: bytes) -> None:
        assert self._inbound is not None
        try:
            packet = self._inbound.unprotect_rtcp(data)
        except SrtpError:
            return  # a repetition, or nothing of ours
        self._on_rtcp(packet)

    # --- ICE ------------------------------------------------------------------------------

    def _check(self) -> None:
        """Send a check that nominates."""
        assert self._answer is not None
        remote = self._answer.credentials
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes["USERNAME"] = f"{remote.ufrag}:{self.own.ufrag}"
        message.attributes["PRIORITY"] = 1
        message.attributes["ICE-CONTROLLING"] = int.from_bytes(os.urandom(8), "big")
        message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity(remote.password.encode())
        self._unanswered += 1
        self._send(bytes(message))

    def _take_stun(self, data: bytes) -> None:
        assert self._answer is not None
        request = data[:2] == b"\x00\x01"
        password = self.own.password if request else self._answer.credentials.password
        try:
            message = stun.parse_message(data)
        except ValueError:
            return
        if not message.check_message_integrity(password.encode()):
            return
        if message.message_class == stun.Class.RESPONSE:
            self._unanswered = 0
            self._reachable.set()
        elif request:
            answer = stun.Message(
                stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=message.transaction_id
            )
            answer.attributes["XOR-MAPPED-ADDRESS"] = self._answer.address
            answer.add_message_integrity(self.own.password.encode())
            self._send(bytes(answer))

    async def _keep_consent(self) -> None:
        """The bridge is gone when checks that were really sent had no answer, however long that
        took: a process that did not run sent none."""
        while self._unanswered < CONSENTS_MISSED:
            self._check()
            await asyncio.sleep(CONSENT_EVERY)
        self._on_lost()

    # --- DTLS -----------------------------------------------------------------------------

    def _handshake(self, data: bytes) -> None:
        """Begin or continue the handshake; afterwards, take an alert."""
        if data:
            self._dtls.bio_write(data)
        try:
            if self._outbound is None:
                self._dtls.do_handshake()
                self._agree()
            else:
                self._dtls.recv(READ_SIZE)
        except SSL.WantReadError:
            pass
        except (SSL.ZeroReturnError, SSL.Error, ValueError):
            self._flush()
            if self.up:
                self._on_lost()
            return
        self._flush()

    def _flush(self) -> None:
        stream = b""
        with contextlib.suppress(SSL.Error):
            while True:
                stream += self._dtls.bio_read(65536)
        at = 0
        datagram = b""
        while at + 13 <= len(stream):  # whole records (RFC 6347 section 4.1.1)
            size = 13 + int.from_bytes(stream[at + 11 : at + 13], "big")
            if datagram and len(datagram) + size > MTU:
                self._send(datagram)
                datagram = b""
            datagram += stream[at : at + size]
            at += size
        if datagram:
            self._send(datagram)

    def _agree(self) -> None:
        """Check the certificate and take the keys (RFC 5764 section 4.2). Raises ValueError."""
        assert self._answer is not None
        certificate = self._dtls.get_peer_certificate(as_cryptography=True)
        found = colon_hex(certificate.fingerprint(hashes.SHA256())) if certificate else ""
        if not hmac.compare_digest(found, self._answer.credentials.fingerprint):
            raise ValueError("the certificate is not the one in the answer")
        profile, key, salt = PROFILES[self._dtls.get_selected_srtp_profile()]
        material = self._dtls.export_keying_material(EXPORTER, 2 * (key + salt))
        keys = material[:key], material[key : 2 * key]
        salts = material[2 * key : 2 * key + salt], material[2 * key + salt :]
        self._inbound = Session(
            Policy(key=keys[1] + salts[1], ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile)
        )
        self._outbound = Session(
            Policy(key=keys[0] + salts[0], ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile)
        )
