"""Packets of a tap become files that play, whole or cut off anywhere. Times are simulated."""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import tracemalloc
from pathlib import Path

import av
import pytest

from bridge.media import rtp
from bridge.programme import finishing
from bridge.programme import matroska as mkv
from bridge.programme.jobs import Finished, Job, Subtitles
from bridge.programme.part import SUFFIX, name_of
from bridge.programme.recorder import Recorder
from tests.programme.support import (
    opus_packets,
    picture_packets,
    pictures_of,
    read_back,
    voice_packet,
    vp8_frames,
)

START = 1_764_134_455.0


class Show:
    """A recorder that is fed 30 pictures and 50 packets of a voice a second."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[int] = []
        self.recorder = Recorder(self.asked.append)
        self.now = START
        self.number = 0
        self.sequence_number = 65000  # wraps within the first seconds
        self.voices = 0

    def run(self, seconds: float, *, lose: frozenset[int] = frozenset()) -> None:
        frames, voices = vp8_frames(300), opus_packets(500)
        for _ in range(round(seconds * 30)):
            frame = frames[self.number % len(frames)]
            for packet in picture_packets(frame, self.number, self.sequence_number):
                if self.number not in lose:
                    self.recorder.packet(96, packet, self.now)
                self.sequence_number += 1
            self.number += 1
            while self.voices * 0.02 < self.now - START:
                packet = voice_packet(voices[self.voices % len(voices)], self.voices)
                self.recorder.packet(111, packet, self.now)
                self.voices += 1
            if self.number % 3 == 0:
                self.recorder.tick(self.now)
            self.now += 1 / 30

    def write(self) -> None:
        self.recorder.write(self.folder, "vp8", self.now)

    def parts(self) -> list[Path]:
        return sorted(self.folder.glob("*" + SUFFIX))

    def finish(self, **facts: object) -> Finished:
        job = Job(folder=str(self.folder), file="r.mkv", title="Họp giao ban", **facts)  # type: ignore[arg-type]
        made = finishing.finish(job)
        assert made is not None
        return made


@pytest.fixture
def show(tmp_path: Path) -> Show:
    return Show(tmp_path)


def test_what_was_recorded_plays_with_sound_and_picture_together(show: Show) -> None:
    show.write()
    show.run(6.0)
    show.recorder.rest()
    made = show.finish(chapters=((START - 5, "Khai mạc"), (START + 2.5, "Xã An Bình")))
    path = show.folder / "r.mkv"
    found = read_back(path)
    assert found.title == "Họp giao ban"
    assert found.tracks == ["Chương trình", "Âm thanh"], "no screen was shared"
    assert made.seconds == pytest.approx(6.0, abs=0.3)
    assert found.seconds == pytest.approx(made.seconds, abs=0.1)
    assert len(found.times["Chương trình"]) == 180, "no picture is lost"
    assert found.times["Âm thanh"] == pytest.approx(
        [n * 0.02 for n in range(len(found.times["Âm thanh"]))], abs=0.011
    )
    shown = pictures_of(path)
    assert [round(at * 30) for at, _ in shown] == list(range(180))
    assert made.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert made.octets == path.stat().st_size
    assert not show.parts()
    with av.open(str(path)) as container:
        chapters = [(c["start"] / 1e9, c["metadata"]["title"]) for c in container.chapters()]
        container.seek(4_500_000)
        entered = next(container.decode(video=0))
        assert entered.time == pytest.approx(4.0, abs=0.05), "cues lead to the key frame before"
    assert chapters == [(0.0, "Khai mạc"), (2.5, "Xã An Bình")]


@pytest.mark.parametrize("share", [0.15, 0.37, 0.5, 0.74, 0.93, 1.0])
def test_a_file_that_is_cut_anywhere_plays_up_to_two_seconds_before(
    show: Show, share: float
) -> None:
    show.write()
    show.run(8.0)  # and then everything ends: nothing is closed
    [part] = show.parts()
    whole = part.stat().st_size
    with part.open("r+b") as file:
        file.truncate(round(whole * share))
    left = 8.0 * share - 2.0
    assert max(read_back(part).times["Chương trình"]) >= left, "as it is"
    made = show.finish()
    assert made.seconds >= left
    assert max(at for at, _ in pictures_of(show.folder / "r.mkv")) >= left


def test_what_comes_after_a_pause_or_a_kill_is_in_the_same_file(show: Show) -> None:
    show.write()
    show.run(3.0)
    show.recorder.rest()
    show.run(5.0)
    show.write()
    show.run(3.0)
    show.recorder = Recorder(show.asked.append)  # killed: what it had in memory is gone
    show.run(1.0)
    show.write()
    show.run(3.0)
    show.recorder.rest()
    made = show.finish(chapters=((START + 4.0, "trong lúc dừng"), (START + 9.0, "sau đó")))
    assert [round(s.at - START) for s in made.stretches] == [0, 8, 12]
    assert made.seconds == pytest.approx(8.7, abs=0.8)
    times = [at for at, _ in pictures_of(show.folder / "r.mkv")]
    assert times == sorted(times)
    assert max(b - a for a, b in itertools.pairwise(times)) < 0.5


def test_who_speaks_is_a_track_of_texts_in_two_languages(show: Show) -> None:
    show.write()
    show.run(4.0)
    show.recorder.rest()
    show.run(10.0)
    show.write()
    show.run(4.0)
    show.recorder.rest()
    said = (
        (START - 60, "Xã An Bình"),
        (START + 2.5, "Phát biểu: Xã Khoan Dụ"),
        (START + 12, "Huyện"),
    )
    made = show.finish(
        names=("Programme",),
        language="eng",
        chapters=((START, "Opening"),),
        subtitles=(
            Subtitles(language="eng", name="Who speaks", texts=((START, "An Binh"),)),
            Subtitles(language="vie", name="Người phát biểu", texts=said),
        ),
    )
    with av.open(str(show.folder / "r.mkv")) as container:
        assert [
            (s.type, s.metadata.get("title"), s.metadata.get("language")) for s in container.streams
        ] == [
            ("video", "Programme", None),
            ("audio", "Âm thanh", None),
            ("subtitle", "Who speaks", "eng"),
            ("subtitle", "Người phát biểu", "vie"),
        ]
        assert container.metadata["DATE_RECORDED"] == "2025-11-26 05:20:55"
        found: dict[int, list[tuple[float, float, str]]] = {2: [], 3: []}
        for packet in container.demux(*container.streams.subtitles):
            if packet.size:
                at, length = packet.pts / 1000, packet.duration / 1000  # type: ignore[operator]
                found[packet.stream.index].append((at, length, bytes(packet).decode()))
    [(at, length, text)] = found[2]
    assert (at, text) == (0.0, "An Binh")
    assert length == pytest.approx(made.seconds, abs=0.01)
    split = made.stretches[1].offset
    assert [(round(at, 1), text) for at, _, text in found[3]] == [
        (0.0, "Xã An Bình"),
        (2.5, "Phát biểu: Xã Khoan Dụ"),
        (round(split, 1), "Huyện"),
    ]
    assert sum(length for _, length, _ in found[3]) == pytest.approx(made.seconds, abs=0.01)
    assert len(pictures_of(show.folder / "r.mkv")) == 240


def test_a_text_that_holds_long_comes_again(show: Show) -> None:
    show.write()
    show.run(21.0)
    show.recorder.rest()
    show.finish(subtitles=(Subtitles(language="vie", name="", texts=((START, "Huyện"),)),))
    with av.open(str(show.folder / "r.mkv")) as container:
        times = [p.pts for p in container.demux(container.streams.subtitles[0]) if p.size]
    assert times == [0, 10_000, 20_000]


def test_voices_have_tracks_of_their_own_where_they_are_asked_for(show: Show) -> None:
    show.recorder.write(show.folder, "vp8", show.now, voices=2)
    show.run(4.0)
    show.recorder.rest()
    show.finish(names=("Programme", "Content", "Sound", "Voice 1", "Voice 2"))
    path = show.folder / "r.mkv"
    found = read_back(path)
    assert found.tracks == ["Programme", "Sound", "Voice 1"], "the second one said nothing"
    times = found.times["Voice 1"][10:]  # until then its clock is only known by arrivals
    assert times == pytest.approx([times[0] + n * 0.02 for n in range(len(times))], abs=0.011)
    with av.open(str(path)) as container:
        came = [bytes(p) for p in container.demux(container.streams.audio[1]) if p.size]
    voices = opus_packets(500)
    first = voices.index(came[0])
    assert came == list(voices[first : first + len(came)]), "as they came"
    assert len(came) > 180


def test_voices_of_another_tap_go_on_in_the_same_tracks(show: Show) -> None:
    show.recorder.write(show.folder, "vp8", show.now, voices=2)
    show.run(1.0)
    for ssrc in (7001, 7002, 7003):
        for number in range(10):
            packet = voice_packet(opus_packets(500)[number], number, ssrc=ssrc)
            show.recorder.packet(111, packet, show.now)
    show.run(1.0)
    show.recorder.rest()
    show.finish()
    assert read_back(show.folder / "r.mkv").tracks == [
        *("Chương trình", "Âm thanh", "Tiếng 1", "Tiếng 2"),
    ]


def test_padding_of_sound_is_not_recorded(show: Show) -> None:
    show.recorder.write(show.folder, "vp8", show.now, voices=1)
    show.run(1.0)
    said = opus_packets(500)[:10]
    for number, packet in enumerate(said):
        plain = voice_packet(packet, number, ssrc=7001)
        padded = bytes([plain[0] | rtp.PADDING_BIT]) + plain[1:] + bytes((0, 0, 0, 4))
        show.recorder.packet(111, padded, show.now)
    show.run(1.0)
    show.recorder.rest()
    show.finish()
    with av.open(str(show.folder / "r.mkv")) as container:
        came = [bytes(p) for p in container.demux(container.streams.audio[1]) if p.size]
    assert set(said) <= set(came) <= set(opus_packets(500))


def test_a_lost_packet_costs_the_frames_up_to_the_next_key_frame(show: Show) -> None:
    show.write()
    show.run(4.0, lose=frozenset({40}))
    assert show.asked, "the source is asked for a key frame"
    show.recorder.rest()
    show.finish()
    numbers = [round(at * 30) for at, _ in pictures_of(show.folder / "r.mkv")]
    assert set(range(40)) <= set(numbers)
    assert not set(range(40, 60)) & set(numbers)
    assert set(range(60, 119)) <= set(numbers)


def test_sound_is_recorded_where_no_camera_is(show: Show) -> None:
    show.write()
    for number in range(200):
        show.now += 0.02
        show.recorder.packet(111, voice_packet(opus_packets(200)[number], number), show.now)
        show.recorder.tick(show.now)
    show.recorder.rest()
    show.finish()
    found = read_back(show.folder / "r.mkv")
    assert found.tracks == ["Âm thanh"]
    assert found.seconds == pytest.approx(3.0, abs=0.3)


def test_a_damaged_middle_ends_a_part_and_nothing_else(show: Show) -> None:
    show.write()
    show.run(6.0)
    show.recorder.rest()
    [part] = show.parts()
    data = bytearray(part.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 2000] = bytes(2000)
    part.write_bytes(data)
    made = show.finish()
    assert made.cut > 0
    assert 1.0 < made.seconds < 5.0
    assert pictures_of(show.folder / "r.mkv")


def test_nothing_recorded_is_no_file(tmp_path: Path) -> None:
    job = Job(folder=str(tmp_path), file="r.mkv", title="")
    (tmp_path / f"{0:015d}{SUFFIX}").write_bytes(b"\x1a\x45\xdf")
    assert finishing.finish(job) is None
    assert not (tmp_path / "r.mkv").exists()


def test_a_long_recording_is_finished_piece_by_piece(tmp_path: Path) -> None:
    """What is held at a time is a cluster, however many there are."""
    clusters = 64
    picture = b"\0" * (256 << 10)
    with (tmp_path / name_of(START)).open("wb") as part:
        head = mkv.info(title="", began=START) + mkv.tracks((mkv.Track(mkv.PROGRAMME, "V_VP8"),))
        part.write(mkv.begin(head))
        for number in range(clusters):
            part.write(mkv.cluster([mkv.Block(number * 500, mkv.PROGRAMME, True, picture)]))
    tracemalloc.start()
    try:
        made = finishing.finish(Job(folder=str(tmp_path), file="long.mkv", title="Họp"))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert made is not None
    assert made.octets > clusters * len(picture)
    assert most < clusters * len(picture) / 4


def test_a_full_disk_while_finishing_leaves_the_parts(
    show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    show.write()
    show.run(2.0)
    show.recorder.rest()
    before = [path.read_bytes() for path in show.parts()]

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="space"):
        show.finish()
    assert [path.read_bytes() for path in show.parts()] == before
    assert [p.name for p in show.folder.iterdir()] == [show.parts()[0].name]


def test_a_folder_that_cannot_be_written_is_an_error(show: Show) -> None:
    shutil.rmtree(show.folder)
    show.write()
    with pytest.raises(OSError, match="No such file"):
        show.run(0.5)


@pytest.mark.parametrize("octets", [0, 1, 126, 127, 128, 16_382, 16_383, 2_097_150, 2_097_151])
def test_sizes_are_read_as_they_were_written(octets: int) -> None:
    data = mkv.size(octets)
    assert mkv.read_size(data, 0) == (octets, len(data))
