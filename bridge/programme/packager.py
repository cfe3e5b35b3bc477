"""Turns the packets of a tap into segments of HLS. Knows no socket; times are arguments.

Pictures of H.264 pass through untouched, and key frames are asked for so that segments can begin
with one. Pictures of VP8 are encoded anew. Where no picture comes the last one is shown again, and
a black one before the first: a player stops where a track has nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from bridge.media import rtcp, rtp
from bridge.programme import aac, fmp4, h264_units
from bridge.programme.frames import Frame, Frames
from bridge.programme.h264_units import Transcoder, Unit
from bridge.programme.mixer import RATE, Mixer
from bridge.programme.orders import OPUS, PICTURE
from bridge.programme.playlist import LONGEST
from bridge.programme.shelf import Shelf
from bridge.programme.stream_clock import StreamClock

LATENCY = 0.25  # seconds that voices may take to come before they are mixed
BEFORE = 1.0  # seconds of the stream's time that lie before its first sound
SHORTEST = 1.5  # seconds after which a segment ends where the next can begin with a key frame
ASK_AFTER = 1.6  # seconds of a segment after which its end is asked for
ASK_AGAIN = 0.5  # seconds between requests for a key frame that does not come
HELD = 1.0  # seconds without a picture after which the last one is shown again
LATE = 0.5  # seconds that a picture may wait for its turn before it is not encoded any more


class _Draft(NamedTuple):
    """A segment whose sound is not mixed yet. Times are of the stream, pictures' clock."""

    start: int
    end: int
    samples: list[fmp4.Sample]
    initialisation: bytes
    broken: bool


class Packager:
    """Packages from its first moment on. ``ask`` requests a key frame of a stream. Times are UTC
    seconds that never step."""

    def __init__(
        self, ask: Callable[[int], None], shelf: Shelf, now: float, *, transcode: bool
    ) -> None:
        self._ask = ask
        self._shelf = shelf
        self._transcoder = Transcoder() if transcode else None
        self._origin = now - BEFORE
        self._frames = Frames(self._codec)
        self._picture_ssrc = 0
        self._clocks: dict[int, StreamClock] = {}
        self._mixer = Mixer(now)
        self._sound = aac.Encoder(round(BEFORE * RATE))
        self._heard: deque[tuple[int, bytes]] = deque()
        self._mixed = 0  # samples of the stream that are encoded
        self._units: list[tuple[int, Unit]] = []  # of the segment that is being made
        self._described: fmp4.Picture | None = None
        self._initialisation = b""  # of the segment that is being made, where it is a new one
        self._broken = True
        self._drafts: deque[_Draft] = deque()
        self._last: Unit | None = None  # that can be entered
        self._came = now
        self._asked = -1e9
        self.segments = 0

    @property
    def _codec(self) -> str:
        return "vp8" if self._transcoder is not None else "h264"

    # --- what comes ------------------------------------------------------------------------

    def report(self, report: rtcp.SenderReport, now: float) -> None:
        clock = self._clocks.get(report.ssrc)
        if clock is not None:
            clock.report(report.ntp, report.rtp, now)

    def packet(self, payload_type: int, packet: bytes, now: float) -> None:
        """Take an RTP packet in."""
        if payload_type not in (PICTURE, OPUS):
            return
        ssrc = int.from_bytes(packet[8:12], "big")
        clock = self._clocks.get(ssrc)
        if clock is None:
            rate = RATE if payload_type == OPUS else fmp4.PICTURE_RATE
            clock = self._clocks[ssrc] = StreamClock(rate)
        if payload_type == PICTURE:
            if self._picture_ssrc != ssrc:  # another tap: its numbers begin anew
                self._picture_ssrc = ssrc
                self._frames = Frames(self._codec)
            self._pictures(self._frames.push(packet, now), now)
            return
        timestamp = int.from_bytes(packet[4:8], "big")
        instant = clock.instant(timestamp, now)
        payload = rtp.payload(packet)
        if payload:
            self._mixer.lay(ssrc, timestamp, instant, payload)

    def _pictures(self, frames: list[Frame], now: float) -> None:
        for frame in frames:
            instant = self._clocks[self._picture_ssrc].instant(frame.timestamp, frame.arrived)
            self._came = now
            if self._transcoder is not None:
                late = now - frame.arrived > LATE
                for unit in self._transcoder.take(frame.data, instant, late=late):
                    self._add(unit)
                continue
            found = h264_units.unit(instant, frame.key, frame.data)
            if found is None:
                self._frames.need_key_frame()
            else:
                self._add(found)

    # --- pictures to segments -----------------------------------------------------------------

    def _place(self, instant: float) -> int:
        return round((instant - self._origin) * fmp4.PICTURE_RATE)

    def _add(self, unit: Unit) -> None:
        place = max(0, self._place(unit.instant))
        if self._units:
            place = max(place, self._units[-1][0] + 1)
            start = self._units[0][0]
            age = (place - start) / fmp4.PICTURE_RATE
            other = unit.described is not None and unit.described != self._described
            if (unit.key and (age >= SHORTEST or other)) or age >= LONGEST - HELD / 10:
                # However late a picture comes, a segment is no longer than it may be.
                place = min(place, start + round(LONGEST * fmp4.PICTURE_RATE))
                self._cut(place)
        if unit.described is not None:
            self._last = unit
            if unit.described != self._described:
                self._broken = self._broken or self._described is not None
                self._described = unit.described
                self._initialisation = fmp4.initialisation(unit.described, self._sound.sound)
        if self._described is not None:
            self._units.append((place, unit))

    def _cut(self, end: int) -> None:
        """The segment that is being made ends."""
        places = [place for place, _ in self._units] + [end]
        samples = [
            fmp4.Sample(after - place, unit.key, unit.data)
            for (place, unit), after in zip(self._units, places[1:], strict=True)
        ]
        draft = _Draft(places[0], end, samples, self._initialisation, self._broken)
        self._drafts.append(draft)
        self._units, self._initialisation, self._broken = [], b"", False

    # --- time ------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Mix, write what is complete, ask for what is missing; a few times a second. Raises
        OSError where it cannot be written."""
        self._pictures(self._frames.pull(now), now)
        if now - self._came > HELD:
            self._hold(now)
        self._want(now)
        for first, samples in self._mixer.take(now - LATENCY):
            self._heard += self._sound.encode(samples)
            self._mixed = round(BEFORE * RATE) + first + len(samples)
        while self._drafts and self._enough(self._drafts[0]):
            self._write(self._drafts.popleft())

    def _hold(self, now: float) -> None:
        """No picture comes: show the last one again."""
        self._came = now
        instant = now - LATENCY
        if self._transcoder is not None:
            units = self._transcoder.again(instant) or [h264_units.black(instant)]
        else:
            last = self._last or h264_units.black(instant)
            units = [last._replace(instant=instant)]
            self._frames.need_key_frame()  # what depends on other pictures is none now
        for unit in units:
            self._add(unit)

    def _want(self, now: float) -> None:
        age = now - self._origin - self._units[0][0] / fmp4.PICTURE_RATE if self._units else 0.0
        due = self._frames.key_frame_needed or (self._transcoder is None and age >= ASK_AFTER)
        if due and self._picture_ssrc and now - self._asked >= ASK_AGAIN:
            self._asked = now
            self._ask(self._picture_ssrc)

    def _enough(self, draft: _Draft) -> bool:
        """Whether its sound is here: what an encoder holds back included."""
        return self._mixed - 3 * aac.FRAME >= draft.end * RATE // fmp4.PICTURE_RATE

    def _write(self, draft: _Draft) -> None:
        start, end = (at * RATE // fmp4.PICTURE_RATE for at in (draft.start, draft.end))
        while draft.broken and self._heard and self._heard[0][0] + aac.FRAME <= start:
            self._heard.popleft()  # from before the first picture
        sound: list[tuple[int, bytes]] = []
        while self._heard and self._heard[0][0] < end:
            sound.append(self._heard.popleft())
        runs = [fmp4.Run(fmp4.PICTURE, draft.start, draft.samples)]
        if sound:
            frames = [fmp4.Sample(aac.FRAME, True, data) for _, data in sound]
            runs.append(fmp4.Run(fmp4.SOUND, sound[0][0], frames))
        self.segments += 1
        self._shelf.put(
            fmp4.segment(self.segments, runs),
            draft.initialisation,
            (draft.end - draft.start) / fmp4.PICTURE_RATE,
            self._origin + draft.start / fmp4.PICTURE_RATE,
            broken=draft.broken,
        )
