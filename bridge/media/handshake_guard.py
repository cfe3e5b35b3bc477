"""What of a datagram a DTLS server is shown before it has keys (RFC 6347); pure.

Until the keys are there nothing of a handshake is authentic, and whoever can forge the peer's
address could end it with one datagram: an alert, a ClientHello of his own, a message with the next
number. So an association begins only with a ClientHello that carries a cookie which was sent to
the peer's address (section 4.2.1), and from then on records are left out that cannot be the peer's:
alerts in the clear, a second ClientHello, a certificate that is not the one of the SDP, and what
follows a certificate before the right one was seen.

ClientHellos are put together here: with post-quantum key shares they do not fit into one datagram
any more, and a stateless answer needs them whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

RECORD_HEADER = 13  # octets: type, version, epoch, sequence number, length
MESSAGE_HEADER = 12  # octets: type, length, number, fragment's offset and length
FIRST_NUMBER = bytes(6)
ALERT, HANDSHAKE = 21, 22
CLIENT_HELLO, CERTIFICATE, CERTIFICATE_VERIFY, CLIENT_KEY_EXCHANGE = 1, 11, 15, 16
AFTER_CERTIFICATE = (CERTIFICATE_VERIFY, CLIENT_KEY_EXCHANGE)
IN_THE_CLEAR = (CLIENT_HELLO, CERTIFICATE, *AFTER_CERTIFICATE)  # what a client sends before epoch 1

MAX_HELLO = 8192  # octets; a hello with a post-quantum key share has some 1,500
MAX_FRAGMENTS = 32  # of one hello
MAX_HELLOS = 4  # hellos that are being put together: the first, the one with the cookie, strangers'

DIGESTS = {"sha-256": hashlib.sha256, "sha-384": hashlib.sha384, "sha-512": hashlib.sha512}


class Record(NamedTuple):
    """A DTLS record; ``raw`` is all of it with its header."""

    type: int
    epoch: int
    raw: bytes

    @property
    def body(self) -> bytes:
        return self.raw[RECORD_HEADER:]


class Fragment(NamedTuple):
    """A handshake message or a part of it; ``number`` is its message_seq."""

    type: int
    length: int
    number: int
    offset: int
    body: bytes


def records(datagram: bytes) -> Iterator[Record]:
    """The records of a datagram; ends at what is cut off."""
    at = 0
    while at + RECORD_HEADER <= len(datagram):
        end = at + RECORD_HEADER + int.from_bytes(datagram[at + 11 : at + 13], "big")
        if end > len(datagram):
            return
        epoch = int.from_bytes(datagram[at + 3 : at + 5], "big")
        yield Record(datagram[at], epoch, datagram[at:end])
        at = end


def fragments(body: bytes) -> Iterator[Fragment]:
    """The handshake fragments in a record's body; ends at what is cut off or out of bounds."""
    at = 0
    while at + MESSAGE_HEADER <= len(body):
        length = int.from_bytes(body[at + 1 : at + 4], "big")
        number = int.from_bytes(body[at + 4 : at + 6], "big")
        offset = int.from_bytes(body[at + 6 : at + 9], "big")
        end = at + MESSAGE_HEADER + int.from_bytes(body[at + 9 : at + 12], "big")
        part = body[at + MESSAGE_HEADER : end]
        if end > len(body) or offset + len(part) > length:
            return
        yield Fragment(body[at], length, number, offset, part)
        at = end


class HandshakeGuard:
    """Of one association. ``algorithm`` and ``fingerprint`` are the peer's, as in SDP."""

    __slots__ = ("_certified", "_digest", "_hellos", "strange_certificate")

    def __init__(self, algorithm: str, fingerprint: str) -> None:
        self._digest = (DIGESTS[algorithm], fingerprint.upper().replace(":", ""))
        self._hellos: dict[tuple[int, int], dict[int, bytes]] = {}
        self._certified = False
        self.strange_certificate = False
        """Whether a certificate came that is not the one of the SDP."""

    def hellos(self, datagram: bytes) -> list[bytes]:
        """Whole ClientHellos that this datagram completes, each as one record with the number 0.

        The number, because the answer to a hello bears it (section 4.2.1) and OpenSSL counts its
        own records from 1: to a hello that the peer repeated before it had our answer (Chromium
        does after 50 ms) a second HelloVerifyRequest with the number 1 would make the peer drop
        the ServerHello as a replay, and the join wait for the repetition a second later.

        The newest fragment of a place wins and nothing is forgotten when a hello is whole: a
        forged fragment spoils one attempt, and the peer's own repairs it.
        """
        whole: list[bytes] = []
        for record in records(datagram):
            if record.type != HANDSHAKE or record.epoch:
                continue
            for fragment in fragments(record.body):
                if fragment.type == CLIENT_HELLO and fragment.length <= MAX_HELLO:
                    hello = self._join(fragment)
                    if hello is not None:
                        size = len(hello).to_bytes(2, "big")
                        whole.append(record.raw[:5] + FIRST_NUMBER + size + hello)
        return whole

    def _join(self, fragment: Fragment) -> bytes | None:
        key = (fragment.number, fragment.length)
        parts = self._hellos.setdefault(key, {})
        if len(self._hellos) > MAX_HELLOS:
            del self._hellos[next(iter(self._hellos))]
        if len(parts) >= MAX_FRAGMENTS:
            parts.clear()
        parts[fragment.offset] = fragment.body
        message = bytearray(fragment.length)
        filled = 0
        for offset in sorted(parts):
            if offset > filled:
                return None
            message[offset : offset + len(parts[offset])] = parts[offset]
            filled = max(filled, offset + len(parts[offset]))
        if filled < fragment.length:
            return None
        size = fragment.length.to_bytes(3, "big")
        head = bytes((CLIENT_HELLO,)) + size + fragment.number.to_bytes(2, "big") + bytes(3) + size
        return head + message

    def admit(self, datagram: bytes) -> bytes:
        """What is left of a datagram of a handshake that has begun, b"" for nothing."""
        return b"".join(record.raw for record in records(datagram) if self._may_pass(record))

    def _may_pass(self, record: Record) -> bool:
        if record.epoch:
            return True  # sealed: OpenSSL drops what is not the peer's
        if record.type == ALERT:
            return False
        if record.type != HANDSHAKE:
            return True
        passed = False
        for fragment in fragments(record.body):
            if fragment.type == CLIENT_HELLO and fragment.number > 1:
                return False  # 0 and 1 are repetitions of the peer's own, or taken for them
            if fragment.type == CERTIFICATE and not self._certifies(fragment):
                return False
            if fragment.type in AFTER_CERTIFICATE and not self._certified:
                return False
            if fragment.type not in IN_THE_CLEAR:
                return False
            passed = True
        return passed

    def _certifies(self, fragment: Fragment) -> bool:
        """Whether a Certificate message may be the peer's. One in several datagrams is left to
        the end of the handshake to judge."""
        if fragment.length == len(fragment.body):
            size = int.from_bytes(fragment.body[3:6], "big")
            digest, expected = self._digest
            if digest(fragment.body[6 : 6 + size]).hexdigest().upper() != expected:
                self.strange_certificate = True
                return False
        self._certified = True
        return True
