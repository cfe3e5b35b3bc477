"""The ballot box of a secret vote: how often each choice was made, in a file that only this process
can read while the vote runs, and nobody afterwards.

The box is sealed (AES-256-GCM, NIST SP 800-38D) with a key of its own, in a file beside it that
neither the database nor a backup has. It keeps no ballots but counts: a ballot stands in it by
itself only from the moment it comes until the log has that its voter has voted, so that a kill in
between neither loses nor doubles it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Collection
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bridge.base.files import write_private

KEY_OCTETS, NONCE_OCTETS = 32, 12
PADDED = 4096  # octets of a box's content at least, so that its size says nothing


class Content(msgspec.Struct):
    """``counts`` by choice; ``pending`` are choices of voters of whom the log says nothing yet."""

    counts: dict[str, int] = {}
    pending: dict[str, str] = {}


class BallotBox:
    """One box, with the key that opens it. Methods raise OSError where the disk does."""

    def __init__(self, folder: Path, name: str) -> None:
        self._box, self._key = folder / f"{name}.box", folder / f"{name}.key"

    def read(self) -> Content | None:
        """What is in it; None where there is no box, or it cannot be opened."""
        try:
            sealed, key = self._box.read_bytes(), self._key.read_bytes()
            plain = AESGCM(key).decrypt(sealed[:NONCE_OCTETS], sealed[NONCE_OCTETS:], None)
            return msgspec.json.decode(plain.rstrip(b" "), type=Content)
        except (FileNotFoundError, InvalidTag, ValueError, msgspec.MsgspecError):
            return None

    def _write(self, content: Content) -> None:
        try:
            key = self._key.read_bytes()
        except FileNotFoundError:
            key = AESGCM.generate_key(8 * KEY_OCTETS)
            write_private(self._key, key)
        plain = msgspec.json.encode(content)
        nonce = secrets.token_bytes(NONCE_OCTETS)
        sealed = AESGCM(key).encrypt(nonce, plain.ljust(PADDED), None)
        write_private(self._box, nonce + sealed)

    def put(self, voter: str, choice: str) -> None:
        """Put a ballot in, of whom the log does not say yet that it has voted."""
        content = self.read() or Content()
        content.pending[voter] = choice
        self._write(content)

    def settle(self, voted: Collection[str]) -> None:
        """Count the ballots of those of whom the log says that they have ``voted``."""
        content = self.read()
        if content is None:
            return
        settled = [voter for voter in content.pending if voter in voted]
        for voter in sorted(settled):
            choice = content.pending.pop(voter)
            content.counts[choice] = content.counts.get(choice, 0) + 1
        if settled:
            self._write(content)

    def destroy(self) -> None:
        """Write over the key, then delete both. Without the key nothing opens what a disk may still
        have of the box."""
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(self._key, os.O_WRONLY)
            try:
                os.write(descriptor, bytes(KEY_OCTETS))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        for path in (self._key, self._box):
            path.unlink(missing_ok=True)
