"""The key of this installation, which signs what must be believed later (Ed25519, RFC 8032)."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bridge.base.files import write_private

PRIVATE_KEY, PUBLIC_KEY = "log-signing.key", "log-signing.pub"
MAX_PEM = 4096  # octets of a public key that somebody brings


class VerifyingKey:
    """The public half of a key."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key
        self.pem = key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        der = key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.fingerprint = hashlib.sha256(der).hexdigest()
        """SHA-256 of the SubjectPublicKeyInfo (RFC 5280 section 4.1), in hexadecimal."""

    def signed(self, text: bytes, signature: bytes) -> bool:
        """Whether ``signature`` is one of this key over ``text``."""
        try:
            self._key.verify(signature, text)
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """The private key, and the public one that belongs to it."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = VerifyingKey(key.public_key())

    def sign(self, text: bytes) -> bytes:
        """64 octets."""
        return self._key.sign(text)


def public_key(pem: bytes) -> VerifyingKey:
    """A public key that somebody brings. Raises ValueError with a sentence for anything else."""
    try:
        if len(pem) <= MAX_PEM:
            found = serialization.load_pem_public_key(pem)
            if isinstance(found, Ed25519PublicKey):
                return VerifyingKey(found)
    except (ValueError, TypeError, NotImplementedError):
        pass
    raise ValueError("This is no public Ed25519 key in PEM.")


def kept_signing_key(folder: Path) -> SigningKey:
    """The key in a state folder, made where there is none; its public half lies beside it to be
    copied. Raises OSError, and ValueError with a sentence where it is damaged."""
    path = folder / PRIVATE_KEY
    try:
        pem = path.read_bytes()
    except FileNotFoundError:
        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        write_private(path, private)
    else:
        try:
            loaded = serialization.load_pem_private_key(pem, None)
        except (ValueError, TypeError):
            loaded = None
        if not isinstance(loaded, Ed25519PrivateKey):
            raise ValueError(
                f"The signing key {path} is damaged. Bring the file back from a copy; or move it "
                "away, and the next start makes a new key (what the old one signed stays valid)."
            )
        key = loaded
    made = SigningKey(key)
    public = folder / PUBLIC_KEY
    if not public.exists() or public.read_bytes() != made.public.pem:
        write_private(public, made.public.pem)
    return made
