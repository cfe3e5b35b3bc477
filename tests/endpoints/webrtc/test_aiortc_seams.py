"""The pinned aiortc and aioice still have what endpoints/webrtc/aiortc_seams.py replaces."""

from __future__ import annotations

import asyncio
import inspect
import socket

import aioice
import aioice.ice
import aiortc.rtcrtpreceiver
import pytest
from aiortc.codecs import get_decoder
from aiortc.codecs.base import Decoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from endpoints.netem.impairment import Hop, Impairment, Profile
from endpoints.webrtc import aiortc_seams
from tests.waiting import HANG

VP8 = RTCRtpCodecParameters(mimeType="video/VP8", clockRate=90000, payloadType=97)


def test_the_names_exist_and_are_used() -> None:
    source = inspect.getsource(aiortc.rtcrtpreceiver)
    assert "decoder = get_decoder(codec)" in source
    assert "get_host_addresses(\n" in inspect.getsource(aioice.ice)
    assert list(inspect.signature(aiortc_seams._real_addresses).parameters) == [
        "use_ipv4",
        "use_ipv6",
    ]
    assert inspect.signature(get_decoder).parameters.keys() == {"codec"}


def test_the_local_address_is_offered() -> None:
    token = aiortc_seams.local_address.set("127.0.12.5")
    try:
        assert aiortc_seams._host_addresses(True, False) == ["127.0.12.5"]
    finally:
        aiortc_seams.local_address.reset(token)
    assert "127.0.12.5" not in aiortc_seams._host_addresses(True, False)


class Recorder(Decoder):
    def __init__(self) -> None:
        self.decoded: list[bytes] = []

    def decode(self, encoded_frame: JitterFrame) -> list:  # type: ignore[type-arg]
        self.decoded.append(encoded_frame.data)
        return ["frame"]


@pytest.mark.parametrize(
    ("codec", "data", "decoded"),
    [
        ("VP8", b"\x10", True),
        ("VP8", b"\x11", False),
        ("VP8", b"", False),
        ("H264", b"\0\0\0\1\x67", True),
        ("H264", b"\0\0\0\1\x68\0\0\0\1\x67", True),
        ("H264", b"\0\0\0\1\x61", False),
        ("H264", b"", False),
    ],
)
def test_only_key_frames_are_decoded(codec: str, data: bytes, decoded: bool) -> None:
    recorder = Recorder()
    decoder = aiortc_seams.SampledVideoDecoder(recorder, codec)
    assert bool(decoder.decode(JitterFrame(data, 0))) is decoded
    assert bool(recorder.decoded) is decoded


def test_sound_is_decoded_in_windows() -> None:
    recorder = Recorder()
    decoder = aiortc_seams.SampledAudioDecoder(recorder)
    for _ in range(10 * aiortc_seams.AUDIO_PERIOD):
        decoder.decode(JitterFrame(b"x", 0))
    assert len(recorder.decoded) == 10 * aiortc_seams.AUDIO_WINDOW


async def test_media_sockets_are_marked() -> None:
    """RFC 4594: what an agent or a simulated point sends is AF41."""
    aiortc_seams.install_lines()
    connection = aioice.Connection(ice_controlling=True)
    aiortc_seams.local_address.set("127.0.0.1")
    aiortc_seams.install()
    await connection.gather_candidates()
    try:
        sockets = [p.transport.get_extra_info("socket") for p in connection._protocols]
        assert sockets
        for sock in sockets:
            assert sock.getsockopt(socket.IPPROTO_IP, socket.IP_TOS) >> 2 == 34
    finally:
        await connection.close()


async def test_a_bad_line_loses_media_both_ways() -> None:
    hop = Hop(Impairment(Profile(loss=1), 1), Impairment(Profile(), 2))
    aiortc_seams.install()
    aiortc_seams.local_address.set("127.0.0.1")
    aiortc_seams.line.set(hop)
    connection = aioice.Connection(ice_controlling=True)
    try:
        await connection.gather_candidates()
        transport = connection._protocols[0].transport
        host, port = transport.get_extra_info("sockname")[:2]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.1", 0))
            peer.settimeout(HANG)
            peer.sendto(b"\x80" + bytes(20), (host, port))
            transport.sendto(b"hello", peer.getsockname())
            assert await asyncio.to_thread(peer.recv, 100) == b"hello"
        async with asyncio.timeout(HANG):
            while hop.down.lost == 0:  # noqa: ASYNC110 - a datagram has no event
                await asyncio.sleep(0.01)
        hop.up.cut()
        transport.sendto(b"hello", ("127.0.0.1", 9))
        assert hop.up.lost == 1
    finally:
        aiortc_seams.line.set(None)
        await connection.close()
