"""The media of one call: a codec's two lines on one side, the point's transport on the other. RTP
of H.264 passes through as it is where both sides take it, and is coded anew where not; sound is
always coded, because many voices become one."""

from __future__ import annotations

import contextlib
import logging
import secrets
import struct
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from pylibsrtp import Error as SrtpError

from bridge.media import rtcp, rtp
from bridge.sip.flow.call_reports import full_intra_request, sender_report
from bridge.sip.flow.dtmf import Events
from bridge.sip.flow.media_port import MediaPort
from bridge.sip.flow.picture_coder import PictureCoder
from bridge.sip.flow.programme_layer import Bounds, Layer, layer_for
from bridge.sip.flow.streams import ParameterSets, PictureStream, Rewriter
from bridge.sip.flow.voice_coder import FromCodec, OpusStream, ToCodec
from bridge.sip.refusals import Figures
from bridge.sip.wire.session_descriptions import SOUND_CODECS, Agreed, Line
from endpoints.webrtc.light_reception import Reception
from endpoints.webrtc.light_sdp import AUDIO_TYPE, LEVEL_ID, PICTURE_TYPES

log = logging.getLogger("sip")

ASK_AGAIN = 0.5  # seconds between requests for a key frame
REPORT_EVERY = 1.0  # seconds between RTCP reports
FAST_UPDATE = (
    '<?xml version="1.0" encoding="utf-8"?><media_control><vc_primitive><to_encoder>'
    "<picture_fast_update/></to_encoder></vc_primitive></media_control>"
)
"""A request for a key frame where RTCP has none (RFC 5168)."""


class Transport(Protocol):
    """What a transport of the point can do (`endpoints.webrtc.light_transport`)."""

    def send_rtp(self, packet: bytes) -> None: ...
    def send_rtcp(self, packet: bytes) -> None: ...


class CallMedia:
    """Carries one call's sound and pictures between the codec's lines and the point's transport.

    ``on_key`` gets keys that are pressed; ``inform`` sends INFO with a type and a text."""

    def __init__(
        self,
        audio: MediaPort,
        video: MediaPort,
        figures: Figures,
        bounds: Bounds,
        *,
        on_key: Callable[[str], None],
        inform: Callable[[str, str], None],
    ) -> None:
        self.audio = audio
        self.video = video
        self._figures = figures
        self._bounds = bounds
        self._on_key = on_key
        self._inform = inform
        self.agreed = Agreed(None, None)
        self._events = Events()
        self._transport: Transport | None = None
        self.ssrcs = secrets.randbits(32) | 1, secrets.randbits(32) & ~1
        """Of sound and picture, towards the bridge."""
        self._own = secrets.randbits(32) | 1, secrets.randbits(32) & ~1  # towards the codec
        self._from_codec: FromCodec | None = None
        self._sound: OpusStream | None = None
        self._to_codec: ToCodec | None = None
        self._sound_out: Rewriter | None = None
        self._up: PictureStream | PictureCoder | None = None
        self._down: PictureStream | PictureCoder | None = None
        self._up_rewriter: Rewriter | None = None
        self._down_rewriter: Rewriter | None = None
        self._sets = ParameterSets()  # of the codec's picture
        self._codec_picture = 0  # SSRC of the codec's picture
        self._programme = 0  # SSRC of the slot that is shown
        self._slots: dict[int, Reception] = {}
        self._voices: set[int] = set()
        self._asked_codec = self._asked_bridge = -1e9
        self._reported = 0.0
        self._need_key = True
        self.sending = False
        """Whether the codec's picture and sound go on to the bridge."""
        self.transcodes: tuple[bool, bool] = False, False
        """Whether the picture from the codec, and that to it, is coded anew."""
        self.lines = 0
        """Of the programme, that the bridge is to send; 0 before it is known."""
        self.last_heard = time.monotonic()

    def agree(self, agreed: Agreed, keys: tuple[bytes, bytes]) -> None:
        """Offer and answer are there; ``keys`` are ours of sound and picture (SDES)."""
        before, self.agreed = self.agreed.video, agreed
        if agreed.audio is not None:
            self.audio.agree(agreed.audio, keys[0])
        if agreed.video is not None:
            self.video.agree(agreed.video, keys[1])
        line = agreed.audio
        if line is not None:
            # One for the whole call: timestamps go on, under one key no number may come twice.
            if self._from_codec is None or self._to_codec is None:
                self._from_codec = FromCodec(line.codec, line.clock_rate)
                self._to_codec = ToCodec(line.codec, time.monotonic())
            self._to_codec.use(line.codec)
            if self._sound_out is None:
                self._sound_out = Rewriter(self._own[0], line.payload_type, line.clock_rate)
            self._sound_out.use_type(line.payload_type, line.clock_rate)
        line = agreed.video
        if line is not None:
            if before is None or line.sets != before.sets:
                self._sets.told(line.sets)
            if self._down_rewriter is None:
                self._down_rewriter = Rewriter(self._own[1], line.payload_type, 90_000)
            self._down_rewriter.use_type(line.payload_type)

    def heard(self, now: float) -> None:
        """Something came of the codec: the call lives."""
        self.last_heard = now

    def send(self, on: bool) -> None:
        """Let the codec's picture and sound go on to the bridge, or not."""
        if on and not self.sending:
            self._asked_codec = -1e9
            self._ask_codec()  # let the picture be one that can be entered
        self.sending = on

    def connect(
        self,
        transport: Transport,
        codec: str,
        slots: dict[str, int],
        layers: Iterable[Layer] = (),
    ) -> None:
        """The point's transport is up: the bridge's pictures are of ``codec`` (in capitals), and
        of these ``layers``; ``slots`` are its SSRCs by the slot's name."""
        self.disconnect()
        self._transport = transport
        self._sound = OpusStream(Rewriter(self.ssrcs[0], AUDIO_TYPE, 48_000), LEVEL_ID)
        self._programme = slots.get("programme", 0)
        self._voices = {ssrc for name, ssrc in slots.items() if name != "programme"}
        self._slots = {
            ssrc: Reception(ssrc, 90_000 if ssrc == self._programme else 48_000)
            for ssrc in slots.values()
        }
        line = self.agreed.video
        if line is None:
            return
        self._up_rewriter = Rewriter(self.ssrcs[1], PICTURE_TYPES[codec], 90_000)
        assert self._down_rewriter is not None
        self._up = self._path_up(line, codec, self._up_rewriter, transport)
        choice = layer_for(layers, line.format, self._bounds, codec=codec)
        self.lines = choice.lines
        self._down = self._path_down(line, codec, self._down_rewriter, passes=choice.passes)
        self.transcodes = (
            isinstance(self._up, PictureCoder),
            isinstance(self._down, PictureCoder),
        )
        self._need_key = True

    def _path_up(
        self, line: Line, codec: str, rewriter: Rewriter, transport: Transport
    ) -> PictureStream | PictureCoder:
        if codec == "H264" and line.format.baseline:
            return PictureStream(rewriter, self._sets)
        return PictureCoder(
            "h264",
            "vp8" if codec == "VP8" else "h264",
            rewriter,
            send=lambda packet: self._seal(transport, packet),
            ask=self._ask_codec,
            bitrate=self._bounds.bitrate,
            frame_rate=self._bounds.frame_rate,
            sets=self._sets,
        )

    def _path_down(
        self, line: Line, codec: str, rewriter: Rewriter, *, passes: bool
    ) -> PictureStream | PictureCoder:
        if passes:
            return PictureStream(rewriter)
        bounds, form = self._bounds, line.format
        return PictureCoder(
            "vp8" if codec == "VP8" else "h264",
            "h264",
            rewriter,
            send=self.video.send_rtp,
            ask=self._ask_bridge,
            bitrate=bounds.bitrate,
            frame_rate=bounds.frame_rate,
            size=form.largest(bounds.height, bounds.frame_rate),
            single=form.mode == 0,
        )

    def disconnect(self) -> None:
        """The point's transport is gone; the call goes on."""
        self._transport = None
        for path in (self._up, self._down):
            if isinstance(path, PictureCoder):
                path.close()
        self._up = self._down = None
        self._slots = {}

    def close(self) -> None:
        """The call is over."""
        self.disconnect()
        self.audio.close()
        self.video.close()

    # --- from the codec -----------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Take in what the codec sent, send what is due; every few milliseconds."""
        self.audio.drain(now, lambda packet: self._codec_sound(packet, now), self._codec_rtcp)
        self.video.drain(now, lambda packet: self._codec_frame(packet, now), self._codec_rtcp)
        self._send_sound(now)
        self.audio.tick()
        self.video.tick()
        if now - self._reported >= REPORT_EVERY:
            self._reported = now
            self._report(now)
        if self._down is not None and self._key_missing():
            self._ask_bridge()

    def _key_missing(self) -> bool:
        if isinstance(self._down, PictureCoder):
            return self._down.key_needed
        return self._need_key

    def _codec_sound(self, packet: bytes, now: float) -> None:
        self.last_heard = now
        line = self.agreed.audio
        payload = rtp.payload(packet)
        if line is None or not payload:
            return
        timestamp = int.from_bytes(packet[4:8], "big")
        kind = packet[1] & 0x7F
        if kind == line.event_type:
            key = self._events.take(payload, timestamp)
            if key:
                self._on_key(key)
            return
        codec = line.codec_of(kind)
        if not codec or self._from_codec is None:
            return
        self._from_codec.use(codec, SOUND_CODECS[codec])
        for time_, data, level in self._from_codec.take(payload, timestamp):
            if self.sending and self._transport is not None and self._sound is not None:
                self._seal(self._transport, self._sound.packet(time_, data, level, now))

    def _codec_frame(self, packet: bytes, now: float) -> None:
        self.last_heard = now
        line = self.agreed.video
        if line is None or not line.codec_of(packet[1] & 0x7F):
            return
        self._codec_picture = int.from_bytes(packet[8:12], "big")
        if not self.sending or self._transport is None:
            if payload := rtp.payload(packet):
                self._sets.take(payload)  # a codec may send them once, before the bridge is there
            return
        if isinstance(self._up, PictureStream):
            for out in self._up.take(packet, now):
                self._seal(self._transport, out)
        elif self._up is not None:
            self._up.take(packet, now)
            if self._up.key_needed:
                self._ask_codec()

    @staticmethod
    def _seal(transport: Transport, packet: bytes) -> None:
        # libsrtp refuses an index that it has sealed: what came twice is sent once.
        with contextlib.suppress(SrtpError):
            transport.send_rtp(packet)

    def _codec_rtcp(self, packet: bytes) -> None:
        messages = rtcp.parse(packet)
        if messages is None:
            self._figures.refuse("rtp_unusable")
            return
        if any(isinstance(message, rtcp.KeyFrameRequest) for message in messages) or (
            len(packet) >= 8 and packet[1] == 192
        ):  # 192: FIR of RFC 2032, which old codecs send
            self.key_frame_for_codec()

    def key_frame_for_codec(self) -> None:
        """The codec cannot go on without a key frame of the programme."""
        if isinstance(self._down, PictureCoder):
            self._down.want_key()
        else:
            self._ask_bridge()

    # --- from the bridge ----------------------------------------------------------------------

    def bridge_rtp(self, sealed: bytes, opened: Callable[[bytes], bytes], now: float) -> None:
        """A sealed packet of the bridge came."""
        second, number, timestamp, ssrc = _HEADER.unpack_from(sealed)
        reception = self._slots.get(ssrc)
        if reception is None:
            return
        reception.arrived(number, timestamp, now)
        packet = opened(sealed)
        if not packet:
            return
        if ssrc in self._voices:
            if self._to_codec is not None:
                self._to_codec.lay(packet, now)
        elif isinstance(self._down, PictureStream):
            for out in self._down.take(packet, now):
                self.video.send_rtp(out)
            self._need_key = self._need_key and not second & 0x80
        elif self._down is not None:
            self._down.take(packet, now)

    def bridge_rtcp(self, packet: bytes, now: float) -> None:
        """An opened compound packet of the bridge came."""
        for message in rtcp.parse(packet) or ():
            if isinstance(message, rtcp.KeyFrameRequest):
                if isinstance(self._up, PictureCoder):
                    self._up.want_key()
                else:
                    self._ask_codec()
            elif isinstance(message, rtcp.SenderReport) and message.ssrc in self._slots:
                self._slots[message.ssrc].reported(message.ntp >> 16 & 0xFFFFFFFF, now)

    # --- key frames and reports ---------------------------------------------------------------

    def _ask_codec(self) -> None:
        now = time.monotonic()
        line = self.agreed.video
        if line is None or now - self._asked_codec < ASK_AGAIN:
            return
        self._asked_codec = now
        own, theirs = self._own[1], self._codec_picture
        head = rtcp.build_receiver_report(own, [])
        if "pli" in line.feedback:
            self.video.send_rtcp(head + rtcp.build_pli(own, theirs))
        elif "fir" in line.feedback:
            self.video.send_rtcp(head + full_intra_request(own, theirs, round(now) & 0xFF))
        else:
            self._inform("application/media_control+xml", FAST_UPDATE)

    def _ask_bridge(self) -> None:
        now = time.monotonic()
        if self._transport is None or not self._programme or now - self._asked_bridge < ASK_AGAIN:
            return
        self._asked_bridge = now
        own = self.ssrcs[0]
        self._transport.send_rtcp(
            rtcp.build_receiver_report(own, []) + rtcp.build_pli(own, self._programme)
        )

    def _send_sound(self, now: float) -> None:
        out = self._sound_out
        if out is None or self._to_codec is None:
            return
        for timestamp, payload in self._to_codec.take(now):
            if self.agreed.audio is None:
                continue  # until there is sound again time goes on
            number = out.fresh(timestamp & 0xFFFFFFFF, now)
            self.audio.send_rtp(out.packet(number, out.last_timestamp, payload, marker=False))

    def _report(self, now: float) -> None:
        wall = time.time()
        for port, rewriter in ((self.audio, self._sound_out), (self.video, self._down_rewriter)):
            if rewriter is not None and rewriter.packets and port.line is not None:
                name = rtcp.build_cname(rewriter.ssrc, "diem-cau")
                port.send_rtcp(sender_report(rewriter, now, wall) + name)
        transport = self._transport
        if transport is None:
            return
        blocks = b"".join(r.block(now) for r in self._slots.values() if r.packets)
        count = len(blocks) // 24
        parts = [struct.pack("!BBHI", 0x80 | count, 201, 1 + 6 * count, self.ssrcs[0]) + blocks]
        sound = self._sound.rewriter if self._sound is not None else None
        for rewriter in (sound, self._up_rewriter):
            if self.sending and rewriter is not None and rewriter.packets:
                parts.append(sender_report(rewriter, now, wall))
        transport.send_rtcp(b"".join(parts))


_HEADER = struct.Struct("!xBHII")
