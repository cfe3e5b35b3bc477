"""Segments of HLS out of packets, read back by a decoder that is not ours; time is simulated."""

from __future__ import annotations

import functools
import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import PictureType

from bridge.media import rtp
from bridge.programme import h264_units, playlist
from bridge.programme.orders import OPUS, PICTURE
from bridge.programme.packager import HELD, LATENCY, Packager
from bridge.programme.playlist import LONGEST
from bridge.programme.shelf import Shelf
from tests.programme.support import FRAME, opus_packets, picture_packets, voice_packet, vp8_frames

START = 1_800_000_000.0
EVERY = 30  # pictures a second


@functools.cache
def h264_frames(count: int, width: int, every: int) -> tuple[bytes, ...]:
    """Encoded pictures, each as light as its number says; each ``every``-th can be entered."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, width * 3 // 4, "yuv420p"
    encoder.time_base = Fraction(1, EVERY)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1"}
    found = []
    for number in range(count):
        grey = np.full((width * 3 // 4, width, 3), 16 + number % 200, np.uint8)
        frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
        frame.pts = number
        frame.pict_type = PictureType.I if number % every == 0 else PictureType.NONE
        found += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(found)


class Source:
    """Sends pictures and a tone to a packager, at simulated instants."""

    def __init__(self, folder: Path, codec: str = "h264") -> None:
        self.folder = folder
        self.asked: list[int] = []
        self.now = START
        self.codec = codec
        self._sequence = 0
        self._packets = 0
        self.begin()

    def begin(self) -> None:
        """A process starts, or another one after it was killed."""
        self.shelf = Shelf(self.folder, self.now)
        self.packager = Packager(
            self.asked.append, self.shelf, self.now, transcode=self.codec == "vp8"
        )

    def _show(self, data: bytes, number: int) -> None:
        if self.codec == "vp8":
            packets = picture_packets(data, number, self._sequence)
            packets = [bytes([p[0], p[1] & 0x80 | PICTURE]) + p[2:] for p in packets]
        else:
            units = [u for u in h264_units.START_CODE.split(data) if u]
            packets = [
                rtp.build(
                    payload_type=PICTURE,
                    sequence_number=self._sequence + at & 0xFFFF,
                    timestamp=number * FRAME & 0xFFFFFFFF,
                    ssrc=5000,
                    payload=unit,
                    marker=at == len(units) - 1,
                )
                for at, unit in enumerate(units)
            ]
        self._sequence += len(packets)
        for packet in packets:
            self.packager.packet(PICTURE, packet, self.now)

    def run(
        self, seconds: float, *, width: int = 64, key_every: int = 45, pictures: bool = True
    ) -> None:
        frames = (
            vp8_frames(300, every=300)
            if self.codec == "vp8"
            else h264_frames(300, width, key_every)
        )
        tone = opus_packets(500)
        first = round((self.now - START) * EVERY)
        for step in range(round(seconds * EVERY)):
            self.now = START + (first + step) / EVERY
            if pictures:
                self._show(frames[step % 300], first + step)
            while self._packets * 0.02 <= self.now - START:
                packet = voice_packet(tone[self._packets % 500], self._packets)
                self.packager.packet(OPUS, packet, self.now)
                self._packets += 1
            if step % 3 == 0:
                self.packager.tick(self.now)

    @property
    def segments(self) -> tuple[playlist.Segment, ...]:
        return self.shelf.window.segments

    def read(self, segment: playlist.Segment) -> av.container.InputContainer:
        initialisation = self.folder / playlist.initialisation_name(segment.initialisation)
        data = initialisation.read_bytes() + (self.folder / segment.name).read_bytes()
        return av.open(io.BytesIO(data), "r", format="mp4")


def decoded(source: Source, segment: playlist.Segment) -> tuple[list[av.VideoFrame], int]:
    """The pictures of a segment, and how many samples of sound it has."""
    pictures, samples = [], 0
    with source.read(segment) as found:
        for frame in found.decode(video=0, audio=0):
            if isinstance(frame, av.AudioFrame):
                samples += frame.samples
            elif isinstance(frame, av.VideoFrame):
                pictures.append(frame)
    return pictures, samples


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_each_segment_can_be_played_by_itself(tmp_path: Path, codec: str) -> None:
    """All of it is there, one segment after another: pictures that can be entered first, and as
    much sound as picture."""
    source = Source(tmp_path, codec)
    source.run(9.0)
    assert len(source.segments) >= 3
    assert source.folder.joinpath(playlist.PLAYLIST).read_text() == source.shelf.window.text()
    sound = 0
    for before, after in zip(source.segments, source.segments[1:], strict=False):
        assert before.began + before.seconds == pytest.approx(after.began, abs=0.001)
    for segment in source.segments:
        with source.read(segment) as found:
            assert next(p.is_keyframe for p in found.demux(video=0) if p.size)
        pictures, samples = decoded(source, segment)
        assert all(round(p.width / p.height, 1) in (1.3, 1.8) for p in pictures)
        assert len(pictures) >= 10
        sound += samples
    length = sum(segment.seconds for segment in source.segments)
    assert sound / 48_000 == pytest.approx(length, abs=0.1)
    assert not any(segment.broken for segment in source.segments)


def test_pictures_of_h264_pass_through_untouched(tmp_path: Path) -> None:
    source = Source(tmp_path)
    source.run(6.0)
    frames = h264_frames(300, 64, 45)
    sent = {unit for data in frames for unit in h264_units.START_CODE.split(data) if unit}
    with source.read(source.segments[0]) as found:
        for packet in found.demux(video=0):
            data = bytes(packet)
            while data:
                length = int.from_bytes(data[:4], "big")
                assert data[4 : 4 + length] in sent
                data = data[4 + length :]


def test_sound_and_picture_stay_together(tmp_path: Path) -> None:
    """The first sample of each segment is heard within a frame of when its picture is seen."""
    source = Source(tmp_path)
    source.run(9.0)
    for segment in source.segments:
        with source.read(segment) as found:
            starts = {s.type: float(s.start_time * s.time_base) for s in found.streams}  # type: ignore[operator]
        assert starts["video"] == pytest.approx(starts["audio"], abs=0.05)


def test_key_frames_are_asked_for_and_a_segment_ends_without_one(tmp_path: Path) -> None:
    """A sender that sends none makes segments that are as long as they may be."""
    source = Source(tmp_path)
    source.run(9.0, key_every=300)
    assert set(source.asked) == {5000}
    assert len(source.asked) >= 3
    assert len(source.segments) >= 2
    assert all(segment.seconds <= LONGEST for segment in source.segments)


def test_another_source_has_an_initialisation_of_its_own(tmp_path: Path) -> None:
    source = Source(tmp_path)
    source.run(4.0)
    source.run(4.0, width=128)
    changed = [s for s in source.segments if s.broken]
    assert len(changed) == 1
    assert decoded(source, changed[0])[0][0].width == 128
    assert decoded(source, source.segments[0])[0][0].width == 64


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_where_no_picture_comes_the_last_one_stays(tmp_path: Path, codec: str) -> None:
    """A player stops where a track has nothing."""
    source = Source(tmp_path, codec)
    source.run(4.0)
    made = len(source.segments)
    source.run(6.0, pictures=False)
    assert len(source.segments) >= made + 2
    for segment in source.segments:
        assert decoded(source, segment)[0]
        assert segment.seconds <= LONGEST
    source.run(4.0)
    before = [s.began + s.seconds for s in source.segments]
    assert before == sorted(before)
    assert not any(segment.broken for segment in source.segments[1:])


def test_before_the_first_picture_it_is_black(tmp_path: Path) -> None:
    source = Source(tmp_path)
    source.run(5.0, pictures=False)
    pictures, samples = decoded(source, source.segments[0])
    assert samples > 0
    assert pictures[0].to_ndarray(format="gray").max() < 20


def test_a_process_that_was_killed_is_gone_on_with(tmp_path: Path) -> None:
    """Numbers never go back, the break is said, and what was there can still be fetched."""
    source = Source(tmp_path)
    source.run(8.0)
    before = source.segments
    source.begin()
    assert source.segments == before
    source.run(6.0)
    after = source.segments[len(before) :]
    assert after[0].number == before[-1].number + 1
    assert [s.broken for s in after] == [True, *[False] * (len(after) - 1)]
    assert after[0].initialisation == before[-1].initialisation + 1
    assert all((tmp_path / name).is_file() for name in source.shelf.window.files)


def test_what_lies_there_from_long_ago_is_not_shown(tmp_path: Path) -> None:
    source = Source(tmp_path)
    source.run(6.0)
    last = source.segments[-1].number
    source.now += 600.0
    source.begin()
    assert source.segments == ()
    assert source.shelf.window.number == last + 1
    assert not list(tmp_path.glob("*.m4s"))


def test_folders_do_not_grow(tmp_path: Path) -> None:
    source = Source(tmp_path)
    source.run(40.0)
    kept = {"window.json", playlist.PLAYLIST} | source.shelf.window.files
    assert {path.name for path in tmp_path.iterdir()} == kept
    source.shelf.clear()
    assert {path.name for path in tmp_path.iterdir()} == {"window.json", playlist.PLAYLIST}


def test_a_window_that_cannot_be_read_begins_anew(tmp_path: Path) -> None:
    for damaged in (b"", b"{", b'{"number":"x"}', b"\xff" * 10, b'{"number":1}\0'):
        (tmp_path / "window.json").write_bytes(damaged)
        assert Shelf(tmp_path, START).window == playlist.Window()


def test_what_is_no_picture_is_left_out(tmp_path: Path) -> None:
    """Payloads that are empty, forged or cut off cost nothing but themselves."""
    source = Source(tmp_path)
    source.run(3.0)
    for payload in (
        b"",
        b"\x67",
        b"\x67\x42",
        b"\x65",
        b"\x7c\x85",
        b"\x78\xff\xff\x65",
        b"\0" * 40,
    ):
        source._show(b"\0\0\0\1" + payload, round((source.now - START) * EVERY) + 1)
    source.run(6.0)
    assert all(decoded(source, segment)[0] for segment in source.segments)
    assert LATENCY < HELD
