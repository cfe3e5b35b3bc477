"""DTLS as a server over datagrams handed in and out (RFC 6347, RFC 5764); no socket here.

Only pyOpenSSL's public API is used.
"""

from __future__ import annotations

import datetime
import hmac
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from bridge.media import messages as m
from bridge.media import srtp
from bridge.media.handshake_guard import HandshakeGuard

WRONG_CERTIFICATE = "The DTLS certificate does not match the fingerprint in the SDP."
MTU = 1200  # bytes of one DTLS datagram
EXPORTER = b"EXTRACTOR-dtls_srtp"
HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha-256": hashes.SHA256(),
    "sha-384": hashes.SHA384(),
    "sha-512": hashes.SHA512(),
}
CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
    b"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:"
    b"ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA"
)


def colon_hex(digest: bytes) -> str:
    return ":".join(f"{byte:02X}" for byte in digest)


def self_signed(
    name: str, utc_now: datetime.datetime
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """A fresh P-256 key and a certificate for it, good from two days ago for 400 days: clocks
    in communes are not to be trusted, and only the fingerprint counts."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(utc_now - datetime.timedelta(days=2))
        .not_valid_after(utc_now + datetime.timedelta(days=400))
        .sign(key, hashes.SHA256())
    )
    return key, certificate


@dataclass(frozen=True, slots=True)
class Identity:
    """A self-signed certificate, made afresh at every start."""

    context: SSL.Context
    fingerprint: str  # SHA-256, as in SDP

    @classmethod
    def generate(cls, utc_now: datetime.datetime) -> Identity:
        key, certificate = self_signed("media", utc_now)
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION)
        # Certificates are self-signed; what counts is the fingerprint from signalling.
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        context.use_certificate(certificate)
        context.use_privatekey(key)
        context.set_cipher_list(CIPHERS)
        context.set_tlsext_use_srtp(b":".join(p.openssl_name for p in srtp.PROFILES))
        context.set_cookie_generate_callback(lambda connection: connection.get_app_data())
        context.set_cookie_verify_callback(
            lambda connection, cookie: hmac.compare_digest(cookie, connection.get_app_data())
        )
        return cls(context, colon_hex(certificate.fingerprint(hashes.SHA256())))


class DtlsServer:
    """One DTLS association in the server's role. Feed it datagrams; send what `outgoing` returns.

    It begins with a ClientHello that repeats ``cookie`` (RFC 6347 section 4.2.1), which only who
    receives at the peer's address knows; before that nothing is kept that a stranger could spoil.
    ``failure`` is a sentence once the handshake has failed or the peer has closed.
    """

    __slots__ = (
        "_algorithm",
        "_connection",
        "_cookie",
        "_expected",
        "_guard",
        "_identity",
        "_listening",
        "closed",
        "failure",
        "keys",
    )

    def __init__(self, identity: Identity, cookie: bytes, fingerprint: m.Fingerprint) -> None:
        self._identity = identity
        self._cookie = cookie
        self._guard = HandshakeGuard(fingerprint.algorithm, fingerprint.value)
        self._connection = self._fresh()
        self._listening = True
        self._algorithm = fingerprint.algorithm
        self._expected = fingerprint.value.upper()
        self.keys: srtp.MasterKeys | None = None
        self.failure = ""
        self.closed = False

    def _fresh(self) -> SSL.Connection:
        connection = SSL.Connection(self._identity.context, None)
        connection.set_accept_state()
        connection.set_ciphertext_mtu(MTU)
        connection.set_app_data(self._cookie)
        return connection

    def feed(self, datagram: bytes) -> bool:
        """Take a datagram in; True at the moment the handshake completes."""
        if self.failure or self.closed:
            return False
        if self._listening:
            return any(self._listen(hello) for hello in self._guard.hellos(datagram))
        if self.keys is None:
            datagram = self._guard.admit(datagram)
            if not datagram:
                return False
        return self._feed(datagram)

    def _listen(self, hello: bytes) -> bool:
        """Answer a ClientHello without a cookie, begin with one that has it."""
        if not self._listening:
            return False
        try:
            self._connection.bio_write(hello)
            self._connection.DTLSv1_listen()
        except SSL.WantReadError:
            return False
        except SSL.Error:
            self._connection = self._fresh()  # a forged one; it leaves nothing behind
            return False
        self._listening = False
        self._guard.begin(hello)
        return self._feed(b"")

    def _feed(self, datagram: bytes) -> bool:
        try:
            if datagram:
                self._connection.bio_write(datagram)
            if self.keys is None:
                self._connection.do_handshake()
                return self._complete()
            self._connection.recv(2048)  # data is not expected; alerts are handled inside
        except SSL.WantReadError:
            return False
        except SSL.ZeroReturnError:
            self.closed = True
        except SSL.Error as error:
            if self.keys is None:
                self.failure = f"The DTLS handshake failed ({_reason(error)})."
        return False

    def _complete(self) -> bool:
        connection = self._connection
        certificate = connection.get_peer_certificate(as_cryptography=True)
        digest = ""
        if certificate is not None:
            digest = colon_hex(certificate.fingerprint(HASHES[self._algorithm]))
        if not hmac.compare_digest(digest.encode(), self._expected.encode()):
            self.failure = WRONG_CERTIFICATE
            return False
        chosen = connection.get_selected_srtp_profile()
        for profile in srtp.PROFILES:
            if profile.openssl_name == chosen:
                size = 2 * (profile.key_size + profile.salt_size)
                material = connection.export_keying_material(EXPORTER, size)
                self.keys = srtp.MasterKeys.from_exporter(profile, material, is_server=True)
                return True
        self.failure = "The peer supports no SRTP profile that the bridge supports."
        return False

    @property
    def obstacle(self) -> str:
        """What seems to keep a handshake from ending; a sentence."""
        return WRONG_CERTIFICATE if self._guard.strange_certificate else "DTLS did not end."

    def outcome(self) -> tuple[str, bool]:
        """``failure`` and ``closed`` as they are now."""
        return self.failure, self.closed

    def outgoing(self) -> list[bytes]:
        """Return datagrams to send: whole records, packed up to `MTU` bytes."""
        stream = b""
        try:
            while True:
                stream += self._connection.bio_read(65536)
        except SSL.Error:  # WantReadError: nothing more
            pass
        if stream and self.keys is None:
            self._guard.sent(stream)
        datagrams: list[bytes] = []
        pos = 0
        while pos + 13 <= len(stream):
            size = 13 + int.from_bytes(stream[pos + 11 : pos + 13], "big")
            record = stream[pos : pos + size]
            if datagrams and len(datagrams[-1]) + size <= MTU:
                datagrams[-1] += record
            else:
                datagrams.append(record)
            pos += size
        return datagrams

    def timeout(self) -> float | None:
        """Seconds until `retransmit` is due, or None."""
        if self.keys is not None or self.failure or self._listening:
            return None
        return self._connection.DTLSv1_get_timeout()

    def retransmit(self) -> None:
        """Send the last flight again; it appears in `outgoing`."""
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error as error:
            self.failure = f"The DTLS handshake failed ({_reason(error)})."

    def close(self) -> None:
        """Queue a close_notify alert."""
        if self.keys is not None and not self.closed:
            try:
                self._connection.shutdown()
            except SSL.Error:
                self.closed = True


def _reason(error: SSL.Error) -> str:
    try:
        return str(error.args[0][0][2])
    except (IndexError, TypeError):
        return type(error).__name__
