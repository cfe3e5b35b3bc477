"""The pinned aiortc and aioice still have what endpoints/webrtc/aiortc_seams.py replaces."""

from __future__ import annotations

import asyncio
import inspect
import socket

import aioice
import aioice.ice
import aiortc.rtcrtpreceiver
import pytest
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket

from endpoints.netem.impairment import Hop, Impairment, Profile
from endpoints.webrtc import aiortc_seams
from tests.waiting import HANG


def test_the_names_exist_and_are_used() -> None:
    source = inspect.getsource(aiortc.rtcrtpreceiver)
    assert "self.__jitter_buffer = JitterBuffer(capacity=512, is_video=True)" in source
    assert "pli_flag, encoded_frame = self.__jitter_buffer.add(packet)" in source
    assert "self.__decoder_queue: queue.Queue = queue.Queue()" in source
    assert "self.__decoder_queue.put((codec, encoded_frame))" in source
    assert "get_host_addresses(\n" in inspect.getsource(aioice.ice)
    assert list(inspect.signature(aiortc_seams._real_addresses).parameters) == [
        "use_ipv4",
        "use_ipv6",
    ]


def test_the_local_address_is_offered() -> None:
    token = aiortc_seams.local_address.set("127.0.12.5")
    try:
        assert aiortc_seams._host_addresses(True, False) == ["127.0.12.5"]
    finally:
        aiortc_seams.local_address.reset(token)
    assert "127.0.12.5" not in aiortc_seams._host_addresses(True, False)


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
    frames = aiortc_seams.SampledQueue()
    parameters = RTCRtpCodecParameters(f"video/{codec}", clockRate=90000, payloadType=97)
    first_key = b"\x10" if codec == "VP8" else b"\0\0\0\1\x67"
    frames.put((parameters, JitterFrame(first_key, 0)))
    frames.put((parameters, JitterFrame(data, 0)))
    assert frames.qsize() == 1 + decoded
    frames.put(None)  # the end
    assert frames.qsize() == 2 + decoded


def test_a_decoder_is_let_fail_until_a_first_key_frame_came() -> None:
    clock = [0.0]
    frames = aiortc_seams.SampledQueue()
    frames.clock = lambda: clock[0]
    vp8 = RTCRtpCodecParameters("video/VP8", clockRate=90000, payloadType=97)
    passed = []
    for clock[0] in (0.0, 0.1, 0.4, 0.5, 0.6, 1.1):
        frames.put((vp8, JitterFrame(b"\x11", 0)))
        passed.append(frames.qsize())
    assert passed == [1, 1, 1, 2, 2, 3]  # one at once, then one in half a second
    frames.put((vp8, JitterFrame(b"\x10", 0)))
    clock[0] = 9.0
    frames.put((vp8, JitterFrame(b"\x11", 0)))
    assert frames.qsize() == 4  # the key frame, and no picture after it


def test_a_packet_that_never_comes_holds_up_a_picture_for_a_moment_only() -> None:
    now = 0.0

    class Buffer(aiortc_seams.ImpatientJitterBuffer):
        clock = staticmethod(lambda: now)

    buffer = Buffer(512, is_video=True)
    frames, asked = [], []
    for number in range(60):  # pictures of two packets, fifteen a second, around the wrap
        for part in range(2):
            packet = RtpPacket(sequence_number=65500 + 2 * number + part & 0xFFFF, timestamp=number)
            packet._data = bytes([number])  # type: ignore[attr-defined]
            if (number, part) == (20, 1):
                continue
            key_wanted, frame = buffer.add(packet)
            frames += [frame.data[0]] if frame is not None else []
            asked += [number] if key_wanted else []
        now += 1 / 15
    assert asked == [20 + round(15 * aiortc_seams.PATIENCE)]
    assert 20 not in frames
    assert frames == sorted(frames)
    assert set(frames) >= {*range(20), *range(asked[0] + 1, 59)}


def test_sound_is_decoded_in_windows() -> None:
    frames = aiortc_seams.SampledQueue()
    opus = RTCRtpCodecParameters("audio/opus", clockRate=48000, payloadType=96)
    for _ in range(10 * aiortc_seams.AUDIO_PERIOD):
        frames.put((opus, JitterFrame(b"x", 0)))
    assert frames.qsize() == 10 * aiortc_seams.AUDIO_WINDOW


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
