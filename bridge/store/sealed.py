"""Files encrypted with a secret, without which they say nothing.

The key comes from the secret by scrypt (RFC 7914). The file is cut into pieces of one mebibyte,
each sealed by AES-256-GCM under a nonce of a random prefix, its number and a mark of the last one
(the STREAM construction, Hoang, Reyhanitabar, Rogaway and Vizár 2015), so that pieces can be
neither swapped nor cut off.
"""

from __future__ import annotations

import os
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC = b"diem-cau sealed 1\n"
SALT, PREFIX, TAG = 16, 7, 16  # octets
PIECE = 1 << 20  # octets
COST, BLOCK, LANES = 2**15, 8, 1  # of scrypt: 32 MiB and a tenth of a second
MIN_SECRET = 12  # characters


def _key(secret: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=COST, r=BLOCK, p=LANES).derive(secret.encode())


def _nonce(prefix: bytes, number: int, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([last])


def is_sealed(source: BinaryIO) -> bool:
    """Whether a file is one of these; it is left at its beginning."""
    source.seek(0)
    found = source.read(len(MAGIC)) == MAGIC
    source.seek(0)
    return found


def seal(source: BinaryIO, out: BinaryIO, secret: str) -> None:
    """Encrypt all of ``source``."""
    salt, prefix = os.urandom(SALT), os.urandom(PREFIX)
    aead = AESGCM(_key(secret, salt))
    out.write(MAGIC + salt + prefix)
    piece, number = source.read(PIECE), 0
    while True:
        following = source.read(PIECE)
        out.write(aead.encrypt(_nonce(prefix, number, not following), piece, MAGIC))
        if not following:
            return
        piece, number = following, number + 1


def unseal(source: BinaryIO, out: BinaryIO, secret: str) -> None:
    """Decrypt all of ``source``. Raises ValueError with a sentence where the secret is another one
    or the file was changed."""
    head = source.read(len(MAGIC) + SALT + PREFIX)
    salt, prefix = head[len(MAGIC) : -PREFIX], head[-PREFIX:]
    if not head.startswith(MAGIC) or len(salt) != SALT:
        raise ValueError("The encrypted file is cut off.")
    aead = AESGCM(_key(secret, salt))
    piece, number = source.read(PIECE + TAG), 0
    while True:
        following = source.read(PIECE + TAG)
        try:
            out.write(aead.decrypt(_nonce(prefix, number, not following), piece, MAGIC))
        except InvalidTag:
            raise ValueError(
                "The file cannot be decrypted: its secret is another one, or it is damaged."
            ) from None
        if not following:
            return
        piece, number = following, number + 1
