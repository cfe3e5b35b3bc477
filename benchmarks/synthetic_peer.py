"""A synthetic WebRTC peer without sockets: ICE checks, DTLS client, SRTP. For benchmarks and
tests that need exact control of every byte; real peers are in `endpoints`."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from bridge.media import messages as m
from bridge.media import srtp, stun
from bridge.media.dtls import EXPORTER, colon_hex, self_signed


@dataclass(frozen=True, slots=True)
class ClientIdentity:
    """A certificate for DTLS clients; one may serve many peers."""

    context: SSL.Context
    fingerprint: str
    certificate: bytes  # DER

    @classmethod
    def generate(
        cls, profiles: tuple[srtp.Profile, ...] = (srtp.AEAD_AES_128_GCM,)
    ) -> ClientIdentity:
        key, certificate = self_signed("peer", datetime.datetime.now(datetime.UTC))
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        context.use_certificate(certificate)
        context.use_privatekey(key)
        context.set_tlsext_use_srtp(b":".join(p.openssl_name for p in profiles))
        der = certificate.public_bytes(Encoding.DER)
        return cls(context, colon_hex(certificate.fingerprint(hashes.SHA256())), der)


@dataclass(slots=True)
class SyntheticPeer:
    """ICE, DTLS and SRTP of one peer: feed it what arrived; send what its methods return."""

    identity: ClientIdentity
    open: m.Open
    keys: srtp.MasterKeys | None = None
    profile: srtp.Profile | None = None
    _connection: SSL.Connection = field(init=False)

    def __post_init__(self) -> None:
        self._connection = SSL.Connection(self.identity.context, None)
        self._connection.set_connect_state()
        self._connection.set_ciphertext_mtu(1200)

    def check(self, transaction: bytes | None = None, *, nominate: bool = True) -> bytes:
        """A connectivity check with correct credentials."""
        ice = self.open.ice
        return stun.binding_request(
            transaction or os.urandom(12),
            username=f"{ice.local_ufrag}:{ice.remote_ufrag}",
            password=ice.local_password.encode(),
            use_candidate=nominate,
        )

    def answer(self, check: bytes, mapped: tuple[str, int]) -> bytes:
        """The answer to a check of the bridge's; ``mapped`` is where it came from. Raises
        ValueError where it is not meant for this peer."""
        message = stun.parse(check)
        password = self.open.ice.remote_password.encode()
        if message is None or not stun.verify(check, message, password):
            raise ValueError("not a check of the bridge")
        return stun.binding_success(message.transaction, mapped, password)

    def dtls(self, datagram: bytes | None = None) -> list[bytes]:
        """Start (None) or continue the handshake; return datagrams to send."""
        if datagram is not None:
            self._connection.bio_write(datagram)
        if self.keys is None:
            try:
                self._connection.do_handshake()
                self._finish()
            except SSL.WantReadError:
                pass
        stream = b""
        try:
            while True:
                stream += self._connection.bio_read(65536)
        except SSL.Error:
            pass
        return [stream] if stream else []

    def _finish(self) -> None:
        chosen = self._connection.get_selected_srtp_profile()
        self.profile = next(p for p in srtp.PROFILES if p.openssl_name == chosen)
        size = 2 * (self.profile.key_size + self.profile.salt_size)
        material = self._connection.export_keying_material(EXPORTER, size)
        self.keys = srtp.MasterKeys.from_exporter(self.profile, material, is_server=False)

    def close(self) -> list[bytes]:
        """A close_notify alert."""
        self._connection.shutdown()
        return self.dtls()


def open_message(
    transport: str,
    *,
    fingerprint: str,
    sources: tuple[m.SourceSpec, ...] = (),
    slots: tuple[m.SlotSpec, ...] = (),
    extensions: m.Extensions | None = None,
    patient: bool = False,
) -> m.Open:
    """An `open` with fresh credentials."""
    return m.Open(
        transport=transport,
        label=transport,
        ice=m.Ice(
            local_ufrag=os.urandom(6).hex(),
            local_password=os.urandom(16).hex(),
            remote_ufrag=os.urandom(4).hex(),
            remote_password=os.urandom(16).hex(),
        ),
        fingerprint=m.Fingerprint(algorithm="sha-256", value=fingerprint),
        extensions=extensions or m.Extensions(),
        sources=sources,
        slots=slots,
        cname="benchmark",
        patient=patient,
    )


def vp8_payload(size: int, *, key_frame: bool, start: bool, picture_id: int = 0) -> bytearray:
    """A VP8 payload with a 15-bit PictureID; the frame itself is zeros."""
    head = bytes(
        (
            0x90 if start else 0x80,
            0x80,
            0x80 | picture_id >> 8 & 0x7F,
            picture_id & 0xFF,
            0x00 if key_frame else 0x01,
        )
    )
    return bytearray(head + bytes(size - len(head)))
