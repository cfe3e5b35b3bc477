"""The media of a call between a codec and the bridge, without sockets: parameter sets that a codec
sends once reach whoever has to begin with its picture."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, cast

import av
import pytest
from av.video.frame import VideoFrame

from bridge.media import rtp
from bridge.sip.flow.call_media import CallMedia
from bridge.sip.flow.picture_coder import PictureCoder, encoder, h264_payloads, nal_units
from bridge.sip.flow.programme_layer import Bounds
from bridge.sip.flow.streams import PictureStream, sets_in
from bridge.sip.refusals import Figures
from bridge.sip.wire.picture_formats import Format
from bridge.sip.wire.session_descriptions import Agreed, Line
from tests.waiting import eventually

OTHER_SIDE = ("192.0.2.20", 5000)


class Port:
    """A media port whose packets are given."""

    def __init__(self) -> None:
        self.line: Line | None = None
        self.waiting: list[bytes] = []
        self.out: list[bytes] = []

    def agree(self, line: Line, _: bytes) -> None:
        self.line = line

    def drain(self, _: float, on_rtp: Any, on_rtcp: Any) -> None:
        waiting, self.waiting = self.waiting, []
        for packet in waiting:
            on_rtp(packet)

    def tick(self) -> None:
        pass

    def send_rtp(self, packet: bytes) -> None:
        self.out.append(packet)

    def send_rtcp(self, packet: bytes) -> None:
        pass

    def close(self) -> None:
        pass


class Transport:
    """The point's transport at the bridge."""

    def __init__(self) -> None:
        self.out: list[bytes] = []

    def send_rtp(self, packet: bytes) -> None:
        self.out.append(packet)

    def send_rtcp(self, packet: bytes) -> None:
        pass


def line_of(sets: tuple[bytes, ...] = (), **form: Any) -> Line:
    return Line(
        "video", "H264", 97, 90_000, OTHER_SIDE, OTHER_SIDE, format=Format(**form), sets=sets
    )


@pytest.fixture
def video() -> Port:
    return Port()


@pytest.fixture
def media(video: Port) -> Iterator[CallMedia]:
    made = CallMedia(
        cast("Any", Port()),
        cast("Any", video),
        Figures(),
        Bounds(),
        on_key=lambda _: None,
        inform=lambda *_: None,
    )
    yield made
    made.close()


@pytest.fixture(scope="module")
def picture() -> tuple[tuple[bytes, ...], bytes]:
    """The parameter sets of an encoder, and its first picture without them."""
    made = encoder("h264", 64, 48, 100_000, 15, single=False)
    frame = VideoFrame(64, 48, "yuv420p")
    for plane in frame.planes:
        plane.update(bytes([128]) * plane.buffer_size)
    frame.pts, frame.time_base = 0, Fraction(1, 90_000)
    units = nal_units(b"".join(bytes(packet) for packet in made.encode(frame)))
    sets = tuple(unit for unit in units if unit[0] & 0x1F in (7, 8))
    assert len(sets) == 2
    return sets, next(unit for unit in units if unit[0] & 0x1F == 5)


def packets(*units: bytes, first: int = 10) -> list[bytes]:
    """One picture of a codec."""
    payloads = [payload for unit in units for payload in h264_payloads(unit, False)]
    return [
        rtp.build(
            payload_type=97,
            sequence_number=first + at,
            timestamp=9000,
            ssrc=5,
            payload=payload,
            marker=at == len(payloads) - 1,
        )
        for at, payload in enumerate(payloads)
    ]


def sets_of(sent: list[bytes]) -> list[bytes]:
    return [unit for packet in sent for _, unit in sets_in(rtp.payload(packet) or b"")]


def test_sets_that_came_before_the_bridge_are_there_for_every_stream_that_begins(
    media: CallMedia, video: Port, picture: tuple[tuple[bytes, ...], bytes]
) -> None:
    sets, key = picture
    line = line_of((b"\x67old", b"\x68old"))
    media.agree(Agreed(None, line), (b"", b""))
    video.waiting = packets(*sets, key)
    media.tick(1.0)
    media.agree(Agreed(None, line), (b"", b""))  # the same description again knows nothing newer
    for number in (20, 30):  # and once more when the transport is made anew
        transport = Transport()
        media.connect(transport, "H264", {})
        media.send(True)
        assert isinstance(media._up, PictureStream)
        video.waiting = packets(key, first=number)
        media.tick(2.0)
        assert sets_of(transport.out) == [*sets]
    newer = (b"\x67new", b"\x68new")
    media.agree(Agreed(None, line_of(newer)), (b"", b""))
    transport = Transport()
    media.connect(transport, "H264", {})
    video.waiting = packets(key, first=40)
    media.tick(3.0)
    assert sets_of(transport.out) == [*newer]


@pytest.mark.parametrize("described", [True, False])
async def test_a_picture_without_its_sets_is_coded_anew_with_those_that_are_known(
    media: CallMedia, video: Port, picture: tuple[tuple[bytes, ...], bytes], described: bool
) -> None:
    sets, key = picture
    media.agree(Agreed(None, line_of(sets if described else ())), (b"", b""))
    if not described:
        video.waiting = packets(*sets)
        media.tick(1.0)
    transport = Transport()
    media.connect(transport, "VP8", {})
    media.send(True)
    assert isinstance(media._up, PictureCoder)
    video.waiting = packets(key, first=20)
    media.tick(2.0)
    assert not media._up.key_needed
    sent = await eventually(lambda: transport.out)
    decoder: Any = av.CodecContext.create("vp8", "r")
    data = b"".join((rtp.payload(packet) or b"")[4:] for packet in sent)
    (shown,) = decoder.decode(av.Packet(data))
    assert (shown.width, shown.height) == (64, 48)
