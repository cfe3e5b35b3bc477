"""The local authority and the certificates that it signs."""

from __future__ import annotations

import datetime
import socket
import ssl
from pathlib import Path

import pytest

from bridge.app.certificates import create


def test_an_authority_and_its_certificates(tmp_path: Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    ca, certificate, key = create(tmp_path, ["localhost", "127.0.0.1"], "Huyện", now)
    first = ca.read_bytes()
    assert key.stat().st_mode & 0o077 == 0
    assert (tmp_path / "ca.key").stat().st_mode & 0o077 == 0
    create(tmp_path, ["localhost", "127.0.0.1", "::1"], "Huyện", now)
    assert ca.read_bytes() == first, "room PCs trust it already"
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    client = ssl.create_default_context(cafile=ca)
    left, right = socket.socketpair()
    ends = ssl.MemoryBIO(), ssl.MemoryBIO()
    others = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(ends[0], others[0], server_hostname="127.0.0.1")
    two = server.wrap_bio(others[0], ends[0], server_side=True)
    for _ in range(4):
        for side in (one, two):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert one.version() == "TLSv1.3"
    left.close()
    right.close()


def test_the_authoritys_key_can_be_encrypted(tmp_path: Path) -> None:
    """Also one that was made without a secret; afterwards nobody signs without it."""
    now = datetime.datetime.now(datetime.UTC)
    create(tmp_path, ["localhost"], "Huyện", now)
    first = (tmp_path / "ca.crt").read_bytes()
    create(tmp_path, ["localhost"], "Huyện", now, "correct horse battery")
    assert b"ENCRYPTED" in (tmp_path / "ca.key").read_bytes()
    assert b"ENCRYPTED" not in (tmp_path / "server.key").read_bytes()
    create(tmp_path, ["localhost"], "Huyện", now, "correct horse battery")
    assert (tmp_path / "ca.crt").read_bytes() == first
    for secret in ("", "another horse battery"):
        with pytest.raises(ValueError, match="another secret"):
            create(tmp_path, ["localhost"], "Huyện", now, secret)
