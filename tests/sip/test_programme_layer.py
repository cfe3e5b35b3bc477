"""What a codec is sent of the programme: no more lines and pictures than its settings and its level
allow, and as it is where a layer is as good as that."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.sip.flow.call_media import CallMedia
from bridge.sip.flow.programme_layer import Bounds, Choice, Layer, layer_for
from bridge.sip.flow.streams import PictureStream
from bridge.sip.point_peer import CodecPeer, Link
from bridge.sip.wire.picture_formats import Format
from bridge.sip.wire.session_descriptions import Agreed
from endpoints.webrtc.light_sdp import Answer, Credentials
from tests.sip.test_call_media import line_of, media, video
from tests.waiting import eventually

__all__ = ("media", "video")
LAYERS = (Layer(180, 15), Layer(360, 30), Layer(720, 30))


@pytest.mark.parametrize(
    ("layers", "form", "bounds", "codec", "choice"),
    [
        (LAYERS, {}, Bounds(720), "H264", Choice(720, True)),
        (LAYERS, {}, Bounds(1080), "H264", Choice(720, True)),
        (LAYERS, {}, Bounds(360), "H264", Choice(360, True)),  # 720 lines were sent
        (LAYERS, {}, Bounds(480), "H264", Choice(360, True)),
        (LAYERS, {}, Bounds(720, 15.0), "H264", Choice(720, False)),  # 30 pictures were sent
        (LAYERS, {}, Bounds(180, 15.0), "H264", Choice(180, True)),
        (LAYERS, {"level": 22}, Bounds(360), "H264", Choice(180, True)),
        (LAYERS[2:], {}, Bounds(360), "H264", Choice(720, False)),
        (LAYERS[2:], {"level": 22}, Bounds(720), "H264", Choice(720, False)),
        (LAYERS, {"mode": 0}, Bounds(360), "H264", Choice(360, False)),
        (LAYERS, {"profile": "f400"}, Bounds(360), "H264", Choice(360, False)),
        (LAYERS, {}, Bounds(360), "VP8", Choice(360, False)),
        (LAYERS, {}, Bounds(240), "VP8", Choice(180, False)),
        ((), {}, Bounds(360), "H264", Choice(360, True)),
        ((), {"level": 22}, Bounds(720), "H264", Choice(720, False)),
    ],
)
def test_the_layer_of_a_codec(
    layers: tuple[Layer, ...], form: dict[str, Any], bounds: Bounds, codec: str, choice: Choice
) -> None:
    assert layer_for(layers, Format(**form), bounds, codec=codec) == choice


async def test_the_bridge_is_told_with_every_transport_and_every_session(
    media: CallMedia, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    def sizes() -> list[dict[str, int]]:
        return [message["slots"] for message in sent if message["type"] == "sizes"]

    peer = CodecPeer(
        *("http://127.0.0.1:9", "khoan-du", "k"),
        address="127.0.0.1",
        tls=None,
        on_called=lambda _: None,
        on_state=lambda _: None,
    )
    monkeypatch.setattr(peer._client, "send", send)
    layers = [{"rid": "x", "height": one.height, "frame_rate": one.frame_rate} for one in LAYERS]
    welcome = {"type": "welcome", "media": False, "layers": layers}
    peer._message(welcome)
    media.agree(Agreed(None, line_of(level=22)), (b"", b""))
    peer.attach(media)
    link = Link(peer, media, "127.0.0.1")
    link.answer = Answer(Credentials("u", "p", "AA"), ("127.0.0.1", 9), {}, "H264")
    link.use()
    await eventually(lambda: sizes() == [{"programme": 180}])
    assert isinstance(media._down, PictureStream)
    peer._message(welcome)  # a control process that began anew knows nothing of it
    await eventually(lambda: sizes() == [{"programme": 180}] * 2)
    link.transport.close()
