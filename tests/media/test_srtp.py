"""Sealing and opening: RFC vectors, agreement with libsrtp, wraps."""

from __future__ import annotations

import pylibsrtp
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bridge.media import rtp, srtp

# RFC 7714 section 16.1.1: SRTP with AEAD_AES_128_GCM.
VECTOR_KEY = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
VECTOR_SALT = bytes.fromhex("517569642070726f2071756f")
VECTOR_PACKET = bytes.fromhex(
    "8040f17b8041f8d35501a0b2"
    "47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573"
)
VECTOR_SEALED = bytes.fromhex(
    "8040f17b8041f8d35501a0b2"
    "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
    "899d7f27beb16a9152cf765ee4390cce"
)


def test_rfc_7714_vector() -> None:
    header, payload = VECTOR_PACKET[:12], VECTOR_PACKET[12:]
    ssrc = int.from_bytes(header[8:12], "big")
    index = int.from_bytes(header[2:4], "big")
    nonce = srtp.nonce(int.from_bytes(VECTOR_SALT, "big"), ssrc, index)
    assert nonce == bytes.fromhex("51753c6580c2726f20718414")
    assert header + AESGCM(VECTOR_KEY).encrypt(nonce, payload, header) == VECTOR_SEALED


def test_rfc_3711_key_derivation() -> None:
    # RFC 3711 appendix B.3.
    key = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139")
    salt = bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6")
    assert srtp.derive(key, salt, 0, 16).hex().upper() == "C61E7A93744F39EE10734AFE3FF7A087"
    assert srtp.derive(key, salt, 2, 14).hex().upper() == "30CBBC08863D8C85D49DB34A9AE1"


def keys(profile: srtp.Profile = srtp.AEAD_AES_128_GCM) -> srtp.MasterKeys:
    size = 2 * (profile.key_size + profile.salt_size)
    return srtp.MasterKeys.from_exporter(profile, bytes(range(size)), is_server=True)


def mirrored(own: srtp.MasterKeys) -> srtp.MasterKeys:
    return srtp.MasterKeys(own.profile, inbound=own.outbound, outbound=own.inbound)


def seal(out: srtp.Outbound, ssrc: int, index: int, payload: bytes) -> bytes:
    header = rtp.HEADER.pack(0x80, 96, index & 0xFFFF, index * 3000 & 0xFFFFFFFF, ssrc)
    assert out.seal is not None
    return header + out.seal(srtp.nonce(out.salt, ssrc, index), payload, header)


def test_libsrtp_opens_what_we_seal_across_two_wraps() -> None:
    out, peer = srtp.Outbound(keys()), srtp.Inbound(mirrored(keys()))
    for index in range(100, 3 * 65536, 61):
        assert peer.unprotect(seal(out, 7, index, b"x" * 40))[12:] == b"x" * 40


@pytest.mark.parametrize("index", [0, 1, 127, 128, 32767, 32768, 65534, 65535])
def test_libsrtp_opens_every_edge(index: int) -> None:
    out, peer = srtp.Outbound(keys()), srtp.Inbound(mirrored(keys()))
    assert peer.unprotect(seal(out, 7, index, b"payload"))[12:] == b"payload"


def test_we_open_what_libsrtp_seals() -> None:
    peer, inbound = srtp.Outbound(mirrored(keys())), srtp.Inbound(keys())
    assert inbound.open is not None
    for index in range(65000, 66000):
        packet = rtp.HEADER.pack(0x80, 96, index & 0xFFFF, 1, 7) + b"payload"
        sealed = peer.protect(packet)
        nonce = srtp.nonce(inbound.salt, 7, index)
        assert inbound.open(nonce, sealed[12:], sealed[:12]) == b"payload"


@pytest.mark.parametrize("profile", srtp.PROFILES)
def test_replay_and_forgery_are_refused(profile: srtp.Profile) -> None:
    peer, inbound = srtp.Outbound(mirrored(keys(profile))), srtp.Inbound(keys(profile))
    sealed = peer.protect(rtp.HEADER.pack(0x80, 96, 5, 1, 7) + b"payload")
    for position in range(len(sealed)):
        forged = bytearray(sealed)
        forged[position] ^= 1
        with pytest.raises(pylibsrtp.Error):
            inbound.unprotect(bytes(forged))
    inbound.unprotect(sealed)
    with pytest.raises(pylibsrtp.Error):
        inbound.unprotect(sealed)


def test_libsrtp_refuses_to_seal_an_index_twice() -> None:
    out = srtp.Outbound(keys(srtp.AES128_CM_SHA1_80))
    packet = rtp.HEADER.pack(0x80, 96, 5, 1, 7) + b"payload"
    out.protect(packet)
    with pytest.raises(pylibsrtp.Error):
        out.protect(packet)
