"""Two processes on different machines prove to each other that they have one key.

The connection is TLS with a certificate that nobody knows; what makes it trusted is bound to that
certificate (RFC 5929, tls-server-end-point), so whoever stands in between can pass nothing on. Each
side answers the other's nonce with an HMAC-SHA-256 of its role, the certificate and both nonces.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import ssl
from pathlib import Path
from typing import Literal

KEY_SIZE = 32
NONCE_SIZE = 32
GREETING = b"diem-cau-relay-1"
TIMEOUT = 5.0  # seconds for both proofs
Role = Literal["client", "server"]


class KeyProblem(Exception):
    """There is no such key; the text is a sentence that says why."""


class NotProved(Exception):
    """The other side does not have the key, or is no such process."""


def read_key(path: Path) -> bytes:
    """A key of 32 octets out of a file with 64 hexadecimal digits. Raises `KeyProblem`."""
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except OSError as error:
        raise KeyProblem(f"The key {path} cannot be read: {error.strerror}.") from None
    except ValueError:
        key = b""
    if len(key) != KEY_SIZE:
        raise KeyProblem(
            f"The key {path} has to be {2 * KEY_SIZE} hexadecimal digits; "
            f"openssl rand -hex {KEY_SIZE} makes one."
        )
    return key


def proof(key: bytes, role: Role, certificate: bytes, server: bytes, client: bytes) -> bytes:
    """What a side says; ``server`` and ``client`` are the nonces of both."""
    bound = hashlib.sha256(certificate).digest()
    said = b"\n".join((GREETING, role.encode(), bound, server, client))
    return hmac.new(key, said, hashlib.sha256).digest()


async def prove_server(
    key: bytes, certificate: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """The listening side: the client proves first. Raises `NotProved`."""
    nonce = secrets.token_bytes(NONCE_SIZE)
    writer.write(GREETING + nonce)
    try:
        async with asyncio.timeout(TIMEOUT):
            answer = await reader.readexactly(NONCE_SIZE + hashlib.sha256().digest_size)
    except (TimeoutError, asyncio.IncompleteReadError, OSError):
        raise NotProved from None
    theirs, said = answer[:NONCE_SIZE], answer[NONCE_SIZE:]
    if not hmac.compare_digest(said, proof(key, "client", certificate, nonce, theirs)):
        raise NotProved
    writer.write(proof(key, "server", certificate, nonce, theirs))


async def prove_client(
    key: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """The connecting side. Raises `NotProved`."""
    tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
    certificate = tls.getpeercert(binary_form=True) or b""
    theirs = secrets.token_bytes(NONCE_SIZE)
    try:
        async with asyncio.timeout(TIMEOUT):
            greeting = await reader.readexactly(len(GREETING) + NONCE_SIZE)
            nonce = greeting[len(GREETING) :]
            if not greeting.startswith(GREETING):
                raise NotProved
            writer.write(theirs + proof(key, "client", certificate, nonce, theirs))
            said = await reader.readexactly(hashlib.sha256().digest_size)
    except (TimeoutError, asyncio.IncompleteReadError, OSError):
        raise NotProved from None
    if not hmac.compare_digest(said, proof(key, "server", certificate, nonce, theirs)):
        raise NotProved


def client_context() -> ssl.SSLContext:
    """TLS 1.3 towards whoever is there: the proof says who it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context
