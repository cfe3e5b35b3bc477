"""Proves what a DTLS client sends after the server's flight, before OpenSSL sees it; pure.

The client's certificate, its key exchange and a signature over the whole handshake so far
(CertificateVerify, RFC 5246 section 7.4.8) come in the clear and in any number of datagrams, and
whoever can forge the client's address can put messages of his own between them. OpenSSL ends an
association at the first that does not fit. So they are collected here, forged ones as well, until
a certificate that is the one of the SDP, a key exchange and a signature fit together, which only
the holder of the certificate's key can bring about; only that combination is passed on.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa

from bridge.media.handshake_records import (
    HANDSHAKE,
    MESSAGE_HEADER,
    Assembly,
    Fragment,
    fragments,
    records,
)

CERTIFICATE, CERTIFICATE_VERIFY, CLIENT_KEY_EXCHANGE = 11, 15, 16
HELLO_VERIFY_REQUEST = 3
FLIGHT = (CERTIFICATE, CLIENT_KEY_EXCHANGE, CERTIFICATE_VERIFY)  # in this order
MAX_CANDIDATES = 4  # of each kind: signatures tried for one datagram
MAX_EARLY = 8  # sealed records kept that came before the proof
CHANGE_CIPHER_SPEC = b"\x14\xfe\xfd\x00\x00"
VERSION = b"\xfe\xfd"  # DTLS 1.2, the only one that is negotiated

DIGESTS = {"sha-256": hashlib.sha256, "sha-384": hashlib.sha384, "sha-512": hashlib.sha512}
# RFC 5246 section 7.4.1.4.1 and RFC 8446 section 4.2.3, without SHA-1, which OpenSSL refuses
HASHES: dict[int, hashes.HashAlgorithm] = {
    4: hashes.SHA256(),
    5: hashes.SHA384(),
    6: hashes.SHA512(),
}
PSS: dict[int, hashes.HashAlgorithm] = {
    low: HASHES[4 + at] for first in (4, 9) for at, low in enumerate(range(first, first + 3))
}
INTRINSIC, RSA, ECDSA = 8, 1, 3


class ClientFlight:
    """The client's flight of one association, which began with the ClientHello ``hello``.
    ``algorithm`` and ``fingerprint`` are the peer's, as in SDP."""

    __slots__ = (
        "_candidates",
        "_digest",
        "_early",
        "_hello",
        "_number",
        "_ours",
        "_parts",
        "_proven",
        "_server",
        "strange_certificate",
    )

    def __init__(self, algorithm: str, fingerprint: str, hello: bytes) -> None:
        self._digest = (DIGESTS[algorithm], fingerprint.upper().replace(":", ""))
        self._hello = hello
        self._number = int.from_bytes(hello[4:6], "big") + 1  # message_seq of the certificate
        self._ours = Assembly()
        self._server: dict[int, bytes] = {}
        self._parts = {kind: Assembly() for kind in FLIGHT}
        self._candidates: dict[int, deque[bytes]] = {
            kind: deque(maxlen=MAX_CANDIDATES) for kind in FLIGHT
        }
        self._early: deque[bytes] = deque(maxlen=MAX_EARLY)
        self._proven = False
        self.strange_certificate = False
        """Whether a certificate came that is not the one of the SDP."""

    def sent(self, stream: bytes) -> None:
        """Note what we sent, records of any kind: the signature is over that, too."""
        for record in records(stream):
            if record.epoch or record.type != HANDSHAKE:
                continue
            for fragment in fragments(record.body):
                whole = self._ours.add(fragment)
                if whole is not None and fragment.type != HELLO_VERIFY_REQUEST:
                    self._server[fragment.number] = whole

    def admit(self, datagram: bytes) -> bytes:
        """What OpenSSL is to be shown now: nothing before the proof, then the flight as if it had
        come alone, then what is sealed, of which OpenSSL drops what is not the peer's."""
        admitted = b""
        for record in records(datagram):
            if record.epoch:
                if self._proven:
                    admitted += record.raw
                else:
                    self._early.append(record.raw)
            elif record.type == HANDSHAKE and not self._proven:
                for fragment in fragments(record.body):
                    admitted += self._take(fragment)
        return admitted

    def _take(self, fragment: Fragment) -> bytes:
        kind = fragment.type
        if self._proven or kind not in FLIGHT:
            return b""
        if fragment.number != self._number + FLIGHT.index(kind):
            return b""
        whole = self._parts[kind].add(fragment)
        if whole is None or whole in self._candidates[kind]:
            return b""
        if kind == CERTIFICATE and not self._certifies(whole):
            return b""
        self._candidates[kind].append(whole)
        return self._prove(kind, whole)

    def _certifies(self, message: bytes) -> bool:
        digest, expected = self._digest
        if digest(first_certificate(message)).hexdigest().upper() == expected:
            return True
        self.strange_certificate = True
        return False

    def _prove(self, kind: int, newest: bytes) -> bytes:
        """Try the newest message with all of the other kinds."""
        certificates, exchanges, proofs = (
            (newest,) if kind == each else tuple(self._candidates[each]) for each in FLIGHT
        )
        if not (certificates and exchanges and proofs):
            return b""
        before = self._hello + b"".join(self._server[n] for n in sorted(self._server))
        for certificate in certificates:
            check = verifier(first_certificate(certificate))
            for exchange in exchanges:
                for proof in proofs:
                    if check(proof[MESSAGE_HEADER:], before + certificate + exchange):
                        self._proven = True
                        return self._flight((certificate, exchange, proof))
        return b""

    def _flight(self, messages: tuple[bytes, ...]) -> bytes:
        """The records of the flight. Their numbers are ours: nothing else of the client's is
        shown to OpenSSL in the clear after the ClientHello, which bears the number 0."""
        plain = bytes((HANDSHAKE,)) + VERSION + bytes(2)
        flight = b"".join(
            plain + number.to_bytes(6, "big") + len(message).to_bytes(2, "big") + message
            for number, message in enumerate(messages, 1)
        )
        last = len(messages) + 1
        flight += CHANGE_CIPHER_SPEC + last.to_bytes(6, "big") + b"\x00\x01\x01"
        flight += b"".join(self._early)
        self._early.clear()
        return flight


def first_certificate(message: bytes) -> bytes:
    """The peer's own certificate (DER) of a Certificate message, b"" where there is none."""
    body = message[MESSAGE_HEADER:]
    return body[6 : 6 + int.from_bytes(body[3:6], "big")]


def verifier(certificate: bytes) -> Callable[[bytes, bytes], bool]:
    """What tells whether a CertificateVerify's body is the signature, by the key of this
    certificate (DER), over a handshake so far."""
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return lambda proof, handshake: False

    def check(proof: bytes, handshake: bytes) -> bool:
        if len(proof) < 4 or len(proof) != 4 + int.from_bytes(proof[2:4], "big"):
            return False
        high, low, signature = proof[0], proof[1], proof[4:]
        try:
            if isinstance(key, ec.EllipticCurvePublicKey) and low == ECDSA:
                key.verify(signature, handshake, ec.ECDSA(HASHES[high]))
            elif isinstance(key, rsa.RSAPublicKey) and high == INTRINSIC:
                digest = PSS[low]
                scheme = padding.PSS(padding.MGF1(digest), digest.digest_size)
                key.verify(signature, handshake, scheme, digest)
            elif isinstance(key, rsa.RSAPublicKey) and low == RSA:
                key.verify(signature, handshake, padding.PKCS1v15(), HASHES[high])
            elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
                key.verify(signature, handshake)
            else:
                return False
        except (InvalidSignature, KeyError, ValueError, UnsupportedAlgorithm):
            return False
        return True

    return check
