"""Filters the datagrams of a DTLS handshake before OpenSSL sees them (RFC 6347); pure.

Until the keys are there nothing of a handshake is authentic by itself, and whoever can forge the
peer's address could end it with one datagram: an alert, a ClientHello of his own, a message with
the next number. So an association begins only with a ClientHello that carries a cookie which was
sent to the peer's address (section 4.2.1), and from then on it is shown only what the peer has
proven to be its own (`ClientFlight`): no alert in the clear, no second ClientHello, nothing of a
flight before its signature fits.

ClientHellos are put together here: with post-quantum key shares they do not fit into one datagram
any more, and a stateless answer needs them whole.
"""

from __future__ import annotations

from bridge.media.client_flight import ClientFlight
from bridge.media.handshake_records import (
    HANDSHAKE,
    RECORD_HEADER,
    Assembly,
    fragments,
    records,
)

CLIENT_HELLO = 1
FIRST_NUMBER = bytes(6)


class HandshakeGuard:
    """The filter of one association. ``algorithm`` and ``fingerprint`` are the peer's, as in
    SDP."""

    __slots__ = ("_flight", "_hellos", "_peer")

    def __init__(self, algorithm: str, fingerprint: str) -> None:
        self._peer = (algorithm, fingerprint)
        self._hellos = Assembly()
        self._flight: ClientFlight | None = None

    @property
    def strange_certificate(self) -> bool:
        """Whether a certificate came that is not the one of the SDP."""
        return self._flight is not None and self._flight.strange_certificate

    def hellos(self, datagram: bytes) -> list[bytes]:
        """Whole ClientHellos that this datagram completes, each as one record with the number 0.

        The number, because the answer to a hello bears it (section 4.2.1) and OpenSSL counts its
        own records from 1: to a hello that the peer repeated before it had our answer (Chromium
        does after 50 ms) a second HelloVerifyRequest with the number 1 would make the peer drop
        the ServerHello as a replay, and the join wait for the repetition a second later.
        """
        whole: list[bytes] = []
        for record in records(datagram):
            if record.type != HANDSHAKE or record.epoch:
                continue
            for fragment in fragments(record.body):
                if fragment.type == CLIENT_HELLO:
                    hello = self._hellos.add(fragment)
                    if hello is not None:
                        size = len(hello).to_bytes(2, "big")
                        whole.append(record.raw[:5] + FIRST_NUMBER + size + hello)
        return whole

    def begin(self, hello: bytes) -> None:
        """The association has begun with this one of the `hellos`."""
        self._flight = ClientFlight(*self._peer, hello[RECORD_HEADER:])

    def sent(self, stream: bytes) -> None:
        """Note what the server sends, whole records."""
        if self._flight is not None:
            self._flight.sent(stream)

    def admit(self, datagram: bytes) -> bytes:
        """What is left of a datagram of a handshake that has begun, b"" for nothing."""
        return b"" if self._flight is None else self._flight.admit(datagram)
