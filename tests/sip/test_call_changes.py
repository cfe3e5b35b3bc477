"""What is agreed on anew within a call changes what it says and nothing else: a session refresh is
no change, and another address none of the media at the bridge."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import socket
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiosipua import SdpMessage

from bridge.media import rtp
from bridge.sip import gateway_orders as o
from bridge.sip.codec_point import Codec, CodecCall
from bridge.sip.flow.call_media import CallMedia
from bridge.sip.flow.media_port import port_pair
from bridge.sip.flow.programme_layer import Bounds
from bridge.sip.refusals import Figures
from bridge.sip.wire import agreeing
from bridge.sip.wire.session_descriptions import Agreed, Line, Own, Side, read
from endpoints.webrtc.tracks import encoded_tone

HOST = "127.0.0.1"
VIDEO = "m=video {video} RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\na=fmtp:97 {fmtp}\r\n"
MODE = "profile-level-id=42e01f;packetization-mode=1"
POINT = o.CodecPoint(
    id="khoan-du", key="k", name="Khoan Dụ", uri="sip:codec@127.0.0.1:9", encryption="none"
)


def description(
    *, sound: str = "8 101", port: int = 4100, video: int = 4102, fmtp: str = MODE, way: str = ""
) -> SdpMessage:
    text = f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
    text += f"m=audio {port} RTP/AVP {sound}\r\na=rtpmap:101 telephone-event/8000\r\n"
    text += f"a={way}\r\n" if way else ""
    text += VIDEO.format(video=video, fmtp=fmtp)
    return read(text + (f"a={way}\r\n" if way else ""))


class Stage:
    """The media of a call, and the socket of a codec that hears it."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        figures = Figures()
        ports = range(26_000, 29_000)
        self.audio = port_pair(HOST, ports, figures, encrypted=False)
        self.video = port_pair(HOST, ports, figures, encrypted=False)
        self.media = CallMedia(
            self.audio,
            self.video,
            figures,
            Bounds(),
            on_key=lambda _: None,
            inform=lambda _, __: None,
        )
        stack.callback(self.media.close)
        self.side = Side(HOST, Own(self.audio.port), Own(self.video.port), session=1)
        self.codec = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.codec.bind((HOST, 0))
        self.codec.setblocking(False)
        self.sent: list[bytes] = []

    @property
    def port(self) -> int:
        return int(self.codec.getsockname()[1])

    def heard(self) -> list[bytes]:
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(self.codec.recv(2048))
        return found


@pytest.fixture
def stage() -> Iterator[Stage]:
    with contextlib.ExitStack() as stack:
        yield Stage(stack)


@pytest.fixture
async def codec(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Codec]:
    """A codec in a call, whose bridge nobody is; ``told`` is what the bridge would hear of."""
    setup = SimpleNamespace(url="http://127.0.0.1:9", listen=HOST, media_address="")
    element = SimpleNamespace(hang_up=lambda _: None)
    gateway = SimpleNamespace(setup=setup, figures=Figures(), element=element, ready=False)
    made = Codec(cast("Any", gateway), POINT, None)
    told: list[str] = []
    monkeypatch.setattr(made.peer, "renew", lambda: told.append("media"))
    monkeypatch.setattr(made.peer, "refresh", lambda: told.append("status"))
    made.told = told  # type: ignore[attr-defined]
    call = made.call = CodecCall(stage.media, stage.side)
    _, agreed = agreeing.answer(stage.side, description())
    made._take_up(call, agreed)
    assert told == ["status", "media"]
    told.clear()
    yield made
    await made.close()


def told(codec: Codec) -> list[str]:
    found: list[str] = codec.told  # type: ignore[attr-defined]
    now, found[:] = [*found], []
    return now


async def test_a_session_refresh_changes_nothing(codec: Codec, stage: Stage) -> None:
    before, speaks = stage.media.agreed, stage.media._to_codec
    for _ in range(3):
        answer = codec.again(description())
        assert answer is not None
        assert answer.media[0].port == stage.audio.port
    codec.refreshed(description())
    codec.refreshed(read("v=0\r\ns=-\r\nt=0 0\r\n"))  # of no use: what was agreed on holds
    assert told(codec) == []
    assert dataclasses.replace(stage.media.agreed.audio or LINE, takes=()) == before.audio
    assert stage.media._to_codec is speaks


LINE = Line("audio", "PCMA", 8, 8000, (HOST, 1), (HOST, 2))


async def test_another_address_or_a_hold_leaves_the_media_at_the_bridge(
    codec: Codec, stage: Stage
) -> None:
    codec.again(description(port=4200, video=4202))
    assert told(codec) == []
    assert stage.audio.line is not None
    assert stage.audio.line.address == (HOST, 4200)
    # The bridge is told that there is no camera, so that nobody looks at a picture that stands.
    codec.again(description(port=4200, video=4202, way="inactive"))
    assert told(codec) == ["status"]
    codec.again(description(port=4200, video=4202))
    assert told(codec) == ["status"]
    codec.again(description(sound="9 101"))
    assert told(codec) == []  # how sound is coded is between the codec and the gateway


async def test_other_pictures_or_none_are_other_media_at_the_bridge(codec: Codec) -> None:
    codec.again(description(fmtp="profile-level-id=640028;packetization-mode=0"))
    assert "media" in told(codec)
    codec.again(description(video=0))
    assert "media" in told(codec)
    codec.again(description())
    assert "media" in told(codec)
    assert codec.again(description(sound="3", video=0)) is None  # refused: all stays
    assert told(codec) == []


def line(stage: Stage, codec: str, number: int, **more: Any) -> Line:
    rate = 48_000 if codec == "OPUS" else 8_000
    here = (HOST, stage.port)
    return Line("audio", codec, number, rate, here, (HOST, stage.port + 1), **more)


def test_what_a_codec_hears_keeps_its_clock_whatever_is_agreed_on_anew(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.sip.flow.call_media.time.monotonic", lambda: 0.0)
    lines = [
        line(stage, "PCMA", 8),
        line(stage, "PCMA", 8, event_type=101),
        line(stage, "G722", 9),
        line(stage, "OPUS", 111),
    ]
    now = 0.1
    found: list[tuple[int, int]] = []
    for one in lines:
        stage.media.agree(Agreed(one, None), (b"", b""))
        for _ in range(5):
            now += 0.02
            stage.media._send_sound(now)
        packets = stage.heard()
        assert packets
        assert {packet[1] & 0x7F for packet in packets} == {one.payload_type}
        found += [
            (int.from_bytes(packet[2:4], "big"), int.from_bytes(packet[4:8], "big"))
            for packet in packets
        ]
    assert found == sorted(set(found))
    times = [time for _, time in found]
    assert all(0 < after - before <= 960 for before, after in itertools.pairwise(times))


def test_sound_that_was_away_comes_back_without_what_was_missed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.sip.flow.call_media.time.monotonic", lambda: 0.0)
    one = line(stage, "PCMA", 8)
    stage.media.agree(Agreed(one, None), (b"", b""))
    stage.media.agree(Agreed(None, None), (b"", b""))
    for step in range(100):
        stage.media._send_sound(step * 0.02)
    stage.media.agree(Agreed(one, None), (b"", b""))
    stage.media._send_sound(2.0)
    assert len(stage.heard()) == 1


def test_whatever_an_answer_keeps_of_our_offer_may_come(stage: Stage) -> None:
    more = "m=audio 4100 RTP/AVP 8 9 96 3 101\r\na=rtpmap:96 opus/48000/2\r\n"
    more += "a=rtpmap:101 telephone-event/8000\r\n"
    more += "m=video 4102 RTP/AVP 98 97\r\na=rtpmap:98 H264/90000\r\na=rtpmap:97 H264/90000\r\n"
    more += f"a=fmtp:97 {MODE}\r\n"
    text = f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
    agreed = agreeing.agreed(stage.side, read(text + more))
    assert agreed.audio is not None
    assert agreed.video is not None
    codecs = {number: agreed.audio.codec_of(number) for number in (0, 3, 8, 9, 96, 101, 111)}
    assert codecs == {0: "", 3: "", 8: "PCMA", 9: "G722", 96: "OPUS", 101: "", 111: "OPUS"}
    assert agreed.audio.payload_type == 8
    pictures = [agreed.video.codec_of(number) for number in (96, 97, 98)]
    assert (pictures, agreed.video.payload_type) == (["", "H264", "H264"], 97)
    # What we answer has one codec, so nothing else may come.
    _, answered = agreeing.answer(stage.side, read(text + more))
    assert answered.audio is not None
    assert [answered.audio.codec_of(number) for number in (8, 9)] == ["PCMA", ""]


def test_a_codec_that_speaks_another_of_the_agreed_codecs_is_heard(stage: Stage) -> None:
    takes = ((9, "G722"), (111, "OPUS"))
    stage.media.agree(Agreed(line(stage, "PCMA", 8, takes=takes), None), (b"", b""))
    transport = SimpleNamespace(send_rtp=stage.sent.append, send_rtcp=lambda _: None)
    stage.media.connect(transport, "H264", {})
    stage.media.send(True)
    opus = encoded_tone(3)
    spoken = [(8, 160, bytes(160)), (9, 160, bytes(160)), (111, 960, opus[0]), (0, 160, bytes(160))]
    times: list[int] = []
    for kind, span, payload in spoken:
        stage.sent.clear()
        for step in range(4):
            packet = rtp.build(
                payload_type=kind,
                sequence_number=len(times) + step,
                timestamp=1000 * kind + span * step,
                ssrc=5,
                payload=payload,
            )
            stage.media._codec_sound(packet, 1.0 + step)
        assert bool(stage.sent) is (kind != 0)
        times += [int.from_bytes(packet[4:8], "big") for packet in stage.sent]
    assert times == sorted(set(times))
