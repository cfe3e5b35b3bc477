"""The system's OpenSSL, and its cipher contexts for AES-GCM."""

from __future__ import annotations

import ctypes

LIBRARIES = ("libcrypto.so.3", "libcrypto.so.4", "libcrypto.so")
OLDEST = 0x30000000  # OpenSSL 3.0: the EVP functions below are the same since then
KEY_SIZE, NONCE_SIZE = 16, 12


class Unusable(Exception):
    """Why the compiled turn cannot run here, as a sentence for the log."""


def _crypto() -> ctypes.CDLL:
    """The system's OpenSSL, 3.0 or newer. Raises Unusable."""
    for name in LIBRARIES:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        number = getattr(library, "OpenSSL_version_num", None)
        if number is None:
            continue
        number.restype = ctypes.c_ulong
        if number() >= OLDEST:
            return library
    raise Unusable(f"None of {', '.join(LIBRARIES)} is an OpenSSL 3.0 or newer.")


crypto = _crypto()

_new = crypto.EVP_CIPHER_CTX_new
_new.restype = ctypes.c_void_p
_free = crypto.EVP_CIPHER_CTX_free
_free.argtypes = [ctypes.c_void_p]
_free.restype = None
_aes_128_gcm = crypto.EVP_aes_128_gcm
_aes_128_gcm.restype = ctypes.c_void_p
_starts = (crypto.EVP_DecryptInit_ex, crypto.EVP_EncryptInit_ex)
for _start in _starts:
    _start.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_char_p] * 2
crypto.OpenSSL_version.restype = ctypes.c_char_p


class CipherContext:
    """An EVP_CIPHER_CTX that has its key; every packet brings its own nonce. Freed with the
    object, so the object is kept as long as a table has its ``address``."""

    __slots__ = ("address",)

    def __init__(self, key: bytes, *, seal: bool) -> None:
        """``key`` has 16 octets. Raises MemoryError where OpenSSL gives no context."""
        if len(key) != KEY_SIZE:
            raise ValueError("An AES-128 key has 16 octets.")
        self.address: int = _new() or 0
        nonce = bytes(NONCE_SIZE)
        if not self.address or _starts[seal](self.address, _aes_128_gcm(), None, key, nonce) != 1:
            raise MemoryError("OpenSSL gave no cipher context.")

    def __del__(self) -> None:
        if self.address:
            _free(self.address)
            self.address = 0


def version() -> str:
    """As OpenSSL calls itself."""
    text: bytes = crypto.OpenSSL_version(0)
    return text.decode("ascii", "replace")
