"""Turns the packets of a tap into parts of a recording. Knows no socket; times are arguments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from bridge.media import rtcp, rtp
from bridge.programme import matroska as mkv
from bridge.programme.frames import Frame, Frames
from bridge.programme.mixer import Mixer
from bridge.programme.orders import CLOCKS, CONTENT, OPUS, PROGRAMME
from bridge.programme.part import Part
from bridge.programme.stream_clock import StreamClock

LATENCY = 0.25  # seconds that voices may take to come before they are mixed
PATIENCE = 1.0  # seconds until sound is recorded without a picture
ASK_AGAIN = 1.0  # seconds between requests for a key frame that does not come
ENTRY_EVERY = 20.0  # seconds between key frames of the programme, so that it can be sought in

TRACKS = {PROGRAMME: mkv.PROGRAMME, CONTENT: mkv.CONTENT}
Codec = Literal["vp8", "h264"]


class Recorder:
    """Takes packets all the time, and writes them while it is told to. ``ask`` requests a key frame
    of a stream. Times are UTC seconds that never step."""

    def __init__(self, ask: Callable[[int], None]) -> None:
        self._ask = ask
        self._clocks: dict[int, StreamClock] = {}
        self._ssrcs: dict[int, int] = {}  # payload type of a picture → its stream
        self._frames: dict[int, Frames] = {}
        self._asked: dict[int, float] = {}
        self._entered = 0.0
        self._folder: Path | None = None
        self._codec: Codec = "vp8"
        self._since = 0.0
        self._voices = 0
        self._tracks: dict[int, int] = {}  # streams of voices → their tracks
        self._mixer: Mixer | None = None
        self.part: Part | None = None

    @property
    def writing(self) -> bool:
        return self.part is not None

    # --- what is asked ---------------------------------------------------------------------

    def write(self, folder: Path, codec: Codec, now: float, voices: int = 0) -> None:
        """Record into a folder from the next picture on that can be entered; ``voices`` of the
        voices get tracks of their own."""
        if self._folder is not None:
            return
        self._folder, self._codec, self._since = folder, codec, now
        self._frames = {kind: Frames(codec) for kind in TRACKS}
        self._asked.clear()
        self._voices, self._tracks = voices, {}
        self.tick(now)

    def rest(self) -> None:
        """Write nothing. Raises OSError where the last half second cannot be written."""
        self._folder, self._mixer = None, None
        part, self.part = self.part, None
        if part is not None:
            part.close()

    # --- what comes ------------------------------------------------------------------------

    def report(self, report: rtcp.SenderReport, now: float) -> None:
        clock = self._clocks.get(report.ssrc)
        if clock is not None:
            clock.report(report.ntp, report.rtp, now)

    def packet(self, payload_type: int, packet: bytes, now: float) -> None:
        """Take an RTP packet in. Raises OSError where a part cannot be begun."""
        if payload_type not in CLOCKS:
            return
        ssrc = int.from_bytes(packet[8:12], "big")
        clock = self._clocks.get(ssrc)
        if clock is None:
            clock = self._clocks[ssrc] = StreamClock(CLOCKS[payload_type])
        if payload_type != OPUS:
            if self._ssrcs.get(payload_type) != ssrc:  # another tap: its numbers begin anew
                self._ssrcs[payload_type] = ssrc
                self._frames[payload_type] = Frames(self._codec)
            if self._folder is not None:
                self._pictures(payload_type, self._frames[payload_type].push(packet, now), now)
            return
        timestamp = int.from_bytes(packet[4:8], "big")
        instant = clock.instant(timestamp, now)
        payload = rtp.payload(packet)
        if self._mixer is None or not payload:
            return
        self._mixer.lay(ssrc, timestamp, instant, payload)
        if self._voices and self.part is not None:
            self.part.voice(self._track_of(ssrc), payload, instant)

    def _track_of(self, ssrc: int) -> int:
        if ssrc not in self._tracks:
            if len(self._tracks) >= min(self._voices, len(mkv.VOICES)):
                self._tracks.clear()  # another tap: its voices begin anew
            self._tracks[ssrc] = mkv.VOICES[len(self._tracks)]
        return self._tracks[ssrc]

    def _pictures(self, kind: int, frames: list[Frame], now: float) -> None:
        clock = self._clocks[self._ssrcs[kind]] if frames else None
        for frame in frames:
            assert clock is not None
            instant = clock.instant(frame.timestamp, frame.arrived)
            if self.part is None:
                if kind != PROGRAMME:
                    continue
                self._begin(instant, frame)
            assert self.part is not None
            if kind == PROGRAMME and frame.key:
                self._entered = now
            self.part.picture(TRACKS[kind], frame, instant)

    def _begin(self, began: float, first: Frame | None) -> None:
        assert self._folder is not None
        self.part = Part(self._folder, began, self._codec, first, self._voices)
        self._mixer = Mixer(began)

    # --- time ------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Mix, write what is complete, ask for what is missing; a few times a second. Raises
        OSError where it cannot be written."""
        if self._folder is None:
            return
        for kind, frames in self._frames.items():
            self._pictures(kind, frames.pull(now), now)
            self._want(kind, frames, now)
        if self.part is None and now - self._since > PATIENCE and self._codec == "vp8":
            self._begin(now, None)  # there is no camera; people speak all the same
        if self.part is not None and self._mixer is not None:
            for first, samples in self._mixer.take(now - LATENCY):
                self.part.sound(first, samples)
            self.part.flush()

    def _want(self, kind: int, frames: Frames, now: float) -> None:
        ssrc = self._ssrcs.get(kind)
        late = kind == PROGRAMME and self.writing and now - self._entered > ENTRY_EVERY
        if ssrc is None or not (frames.key_frame_needed or late):
            return
        if now - self._asked.get(kind, -1e9) >= ASK_AGAIN:
            self._asked[kind] = now
            self._ask(ssrc)
