"""DTLS-SRTP of one media line with a codec (RFC 5764): the handshake on the line's own socket, and
the keys that come of it. Both roles; the certificate is the one that was signalled, or none."""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from OpenSSL import SSL

from bridge.media import srtp
from endpoints.webrtc.light_transport import EXPORTER, MTU, colon_hex, identity

RECORD = 13  # octets of a record's header, RFC 6347 section 4.1
READ_SIZE = 2048
BY_NAME = {profile.openssl_name: profile for profile in srtp.PROFILES}


def own_fingerprint() -> str:
    """Of our certificate, as it stands in a description."""
    return identity()[1]


class DtlsLine:
    """One association. ``on_keys`` gets the keys once both sides have proved who they are."""

    def __init__(
        self,
        fingerprint: str,
        *,
        client: bool,
        send: Callable[[bytes], None],
        on_keys: Callable[[srtp.MasterKeys], None],
    ) -> None:
        """``fingerprint`` is what the other side's certificate has to have."""
        self.fingerprint = fingerprint
        self._client = client
        self._send = send
        self._on_keys = on_keys
        self._done = False
        self._connection = SSL.Connection(identity()[0], None)
        if client:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()
        self._connection.set_ciphertext_mtu(MTU)
        if client:
            self._step()

    def take(self, data: bytes) -> bool:
        """A datagram of the other side; False for one that cannot be used."""
        self._connection.bio_write(data)
        return self._step()

    def tick(self) -> None:
        """Repeat what was not answered."""
        if self._done:
            return
        timeout = self._connection.DTLSv1_get_timeout()
        if timeout is not None and timeout <= 0:
            with contextlib.suppress(SSL.Error):
                self._connection.DTLSv1_handle_timeout()
            self._flush()

    def _step(self) -> bool:
        good = True
        try:
            if self._done:
                self._connection.recv(READ_SIZE)  # an alert, or a repeated flight
            else:
                self._connection.do_handshake()
                self._agree()
        except SSL.WantReadError:
            pass
        except (SSL.Error, SSL.ZeroReturnError, ValueError, LookupError):
            good = False
        self._flush()
        return good

    def _agree(self) -> None:
        """Check the certificate and tell the keys. Raises ValueError, LookupError."""
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        found = colon_hex(certificate.fingerprint(hashes.SHA256())) if certificate else ""
        if not hmac.compare_digest(found, self.fingerprint):
            raise ValueError("the certificate is not the one that was signalled")
        profile = BY_NAME[self._connection.get_selected_srtp_profile()]
        size = 2 * (profile.key_size + profile.salt_size)
        material = self._connection.export_keying_material(EXPORTER, size)
        self._done = True
        self._on_keys(srtp.MasterKeys.from_exporter(profile, material, is_server=not self._client))

    def _flush(self) -> None:
        stream = b""
        with contextlib.suppress(SSL.Error):
            while True:
                stream += self._connection.bio_read(65536)
        at, datagram = 0, b""
        while at + RECORD <= len(stream):
            size = RECORD + int.from_bytes(stream[at + 11 : at + RECORD], "big")
            if datagram and len(datagram) + size > MTU:
                self._send(datagram)
                datagram = b""
            datagram += stream[at : at + size]
            at += size
        if datagram:
            self._send(datagram)
