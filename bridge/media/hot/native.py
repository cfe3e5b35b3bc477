"""C functions for compiled code: OpenSSL's for AES-GCM, and memcpy.

numba links an `ExternalFunction` by the name of its symbol. The address behind the name comes from
ctypes, once, when this module is imported; so what was compiled can be kept on disk, which a
function pointer in a global could not.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from numba import types
from numba.core import typing

from bridge.media.hot.cipher import crypto
from bridge.media.hot.compiling import IN_PYTHON

POINTER, INT, UNSIGNED, SIZE = types.intp, types.int32, types.uint32, types.intp

GET_TAG, SET_TAG = 16, 17  # EVP_CTRL_AEAD_GET_TAG and _SET_TAG, openssl/evp.h

_C_TYPES = {POINTER: ctypes.c_ssize_t, INT: ctypes.c_int, UNSIGNED: ctypes.c_uint}


def function(library: ctypes.CDLL, name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    """A C function for compiled code; ``arguments`` are POINTER, INT, UNSIGNED or SIZE.

    Where numba is switched off (NUMBA_DISABLE_JIT) it is the same function through ctypes.
    """
    symbol = "diemcau_" + name  # a name of our own, so that nothing else is found under it
    address = ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
    if IN_PYTHON:
        kind = ctypes.CFUNCTYPE(_C_TYPES[result], *(_C_TYPES[a] for a in arguments))
        called = kind(address)
        return lambda *given: called(*map(int, given))
    llvm.add_symbol(symbol, address)
    found: Callable[..., Any] = types.ExternalFunction(
        symbol,
        typing.signature(result, *arguments),  # type: ignore[attr-defined, no-untyped-call]
    )
    return found


libc = ctypes.CDLL(None, use_errno=True)

memcpy = function(libc, "memcpy", POINTER, POINTER, POINTER, SIZE)
encrypt_init = function(crypto, "EVP_EncryptInit_ex", INT, *(POINTER,) * 5)
encrypt_update = function(crypto, "EVP_EncryptUpdate", INT, *(POINTER,) * 4, INT)
encrypt_final = function(crypto, "EVP_EncryptFinal_ex", INT, *(POINTER,) * 3)
decrypt_init = function(crypto, "EVP_DecryptInit_ex", INT, *(POINTER,) * 5)
decrypt_update = function(crypto, "EVP_DecryptUpdate", INT, *(POINTER,) * 4, INT)
decrypt_final = function(crypto, "EVP_DecryptFinal_ex", INT, *(POINTER,) * 3)
context_control = function(crypto, "EVP_CIPHER_CTX_ctrl", INT, POINTER, INT, INT, POINTER)
