"""A recording of test cards and tones is read back as what it was made of."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import get_args

import av
import pytest

from bridge.conference import events as e
from bridge.demo import read_back
from bridge.demo.recorded import PROBLEMS, examined
from bridge.demo.takes import Take
from bridge.programme import finishing
from bridge.programme.jobs import Finished, Job
from bridge.programme.orders import Problem
from bridge.programme.recorder import Recorder
from endpoints.webrtc import tone
from endpoints.webrtc.test_card import TestCard
from tests.programme.support import picture_packets, voice_packet

START = 1_764_134_455.0
CLOCK = 1_764_100_000.0  # UTC when the machine's clock was 0
RATE = 5  # pictures a second
NAMES = {3: "an-binh", 9: "khoan-du"}
TAKES = [Take("an-binh", START, START + 2), Take("khoan-du", START + 2, START + 4)]


def make(folder: Path) -> Finished:
    """Two seconds of each point, drawn and heard at that time."""
    video = av.CodecContext.create("libvpx", "w")
    video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
    video.time_base = Fraction(1, RATE)
    video.options = {"deadline": "realtime", "lag-in-frames": "0", "cpu-used": "8"}
    audio = av.CodecContext.create("libopus", "w")
    audio.sample_rate, audio.layout, audio.format = tone.RATE, "mono", "s16"
    cards = {number: TestCard(number) for number in NAMES}
    recorder = Recorder(lambda _: None)
    recorder.write(folder, "vp8", START)
    sequence_number = voices = 0
    for index in range(4 * RATE):
        now = START + index / RATE
        number = 3 if index < 2 * RATE else 9
        picture = cards[number].render(round((now - CLOCK) * 1000))
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = index
        for encoded in video.encode(frame):
            for packet in picture_packets(bytes(encoded), index * 30 // RATE, sequence_number):
                recorder.packet(96, packet, now)
                sequence_number += 1
        for _ in range(50 // RATE):
            samples = tone.samples(number, voices * tone.FRAME, tone.FRAME)
            sound = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
            sound.sample_rate, sound.pts = tone.RATE, voices * tone.FRAME
            sound.time_base = Fraction(1, tone.RATE)
            for encoded in audio.encode(sound):
                recorder.packet(111, voice_packet(bytes(encoded), voices), START + voices / 50)
                voices += 1
        recorder.tick(now)
    recorder.tick(START + 4.3)
    recorder.rest()
    made = finishing.finish(Job(folder=str(folder), file="r.mkv", title=""))
    assert made is not None
    return made


def test_cards_and_tones_are_found_where_they_were_made(tmp_path: Path) -> None:
    made = make(tmp_path)
    parts = [e.RecordingPart(at=s.at, offset=s.offset, seconds=s.seconds) for s in made.stretches]
    path = tmp_path / "r.mkv"
    seen = list(read_back.seen(path, parts, NAMES, CLOCK))
    assert [card.point for card in seen] == ["an-binh"] * 10 + ["khoan-du"] * 10
    assert [card.at for card in seen] == pytest.approx(
        [START + n / RATE for n in range(20)], abs=0.01
    )
    assert max(abs(card.age or 0.0) for card in seen) < 0.01
    heard = list(read_back.heard(path, parts, NAMES))
    of = {
        point: [round(tones.at - START, 1) for tones in heard if point in tones.points]
        for point in NAMES.values()
    }
    assert of["an-binh"][0] < 0.5
    assert 1.5 < of["an-binh"][-1] < 2.2
    assert 1.8 < of["khoan-du"][0] < 2.5
    facts = e.RecordingKept(
        recording="hop-1-r1",
        conference="hop-1",
        number=1,
        title={"vi": "Họp", "en": "Meeting"},  # type: ignore[arg-type]
        seconds=made.seconds,
        octets=made.octets,
        sha256=made.sha256,
        parts=tuple(parts),
    )
    found = examined(path, facts, TAKES, NAMES, CLOCK)
    assert found["ok"], found
    assert (found["takes"], found["pictures"], found["sounds"]) == (2, 2, 2)
    swapped = [
        take._replace(point=other.point) for take, other in zip(TAKES, TAKES[::-1], strict=True)
    ]
    found = examined(path, facts, swapped, NAMES, CLOCK)
    assert not found["ok"]
    assert found["missing"]["pictures"] == [["an-binh", 2.0]]
    path.write_bytes(path.read_bytes()[:-100])
    assert examined(path, facts, TAKES, NAMES, CLOCK)["sha256_verified"] is False
    path.unlink()
    assert "cannot be read" in examined(path, facts, TAKES, NAMES, CLOCK)["problem"]


def test_whatever_ends_a_recording_by_itself_is_said() -> None:
    assert {"", *PROBLEMS} == set(get_args(Problem))
