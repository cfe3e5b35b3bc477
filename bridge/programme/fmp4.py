"""Fragmented MP4 (ISO/IEC 14496-12), as far as segments of HLS need it (RFC 8216 section 3.3):
a picture of H.264 and a sound of AAC. Pure: octets in, octets out.

Times count from the beginning of the stream, pictures in 1/90000 s, sound in samples.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

PICTURE, SOUND = 1, 2  # ids of the tracks
PICTURE_RATE = 90_000  # Hz
MATRIX = struct.pack("!9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
SYNC, NOT_SYNC = 0x0200_0000, 0x0101_0000  # sample_depends_on, sample_is_non_sync_sample
# default-base-is-moof; a trun has the place of its data, and each sample its own three figures
TFHD_FLAGS, TRUN_FLAGS = 0x020000, 0x000001 | 0x000100 | 0x000200 | 0x000400


class Picture(NamedTuple):
    """The track of pictures: pixels, and the decoder configuration (ISO/IEC 14496-15)."""

    width: int
    height: int
    configuration: bytes


class Sound(NamedTuple):
    """The track of sound: Hz, channels, and the AudioSpecificConfig (ISO/IEC 14496-3)."""

    rate: int
    channels: int
    configuration: bytes


class Sample(NamedTuple):
    """A picture or a frame of sound: how long it stays, whether a decoder can start with it."""

    duration: int
    key: bool
    data: bytes


class Run(NamedTuple):
    """Samples of a track that follow one another, and when the first one begins."""

    track: int
    start: int
    samples: Sequence[Sample]


def box(name: bytes, *content: bytes) -> bytes:
    """A box with its size."""
    data = b"".join(content)
    return struct.pack("!I4s", 8 + len(data), name) + data


def full(name: bytes, version: int, flags: int, *content: bytes) -> bytes:
    """A box with version and flags."""
    return box(name, struct.pack("!I", version << 24 | flags), *content)


def initialisation(picture: Picture, sound: Sound) -> bytes:
    """What a player reads before the first segment (EXT-X-MAP)."""
    kinds = box(b"ftyp", b"iso6", struct.pack("!I", 1), b"iso6", b"mp41", b"dash")
    head = struct.pack("!4I", 0, 0, 1000, 0) + struct.pack("!IH10x", 0x10000, 0x0100)
    header = full(b"mvhd", 0, 0, head, MATRIX, bytes(24), struct.pack("!I", 3))
    extends = (
        full(b"trex", 0, 0, struct.pack("!5I", track, 1, 0, 0, 0)) for track in (PICTURE, SOUND)
    )
    movie = box(
        b"moov", header, _picture_track(picture), _sound_track(sound), box(b"mvex", *extends)
    )
    return kinds + movie


def _track(track: int, rate: int, handler: bytes, size: tuple[int, int], *media: bytes) -> bytes:
    volume = 0x0100 if track == SOUND else 0
    about = struct.pack("!5I8x4H", 0, 0, track, 0, 0, 0, 0, volume, 0)
    pixels = struct.pack("!2I", size[0] << 16, size[1] << 16)
    name = b"vi" if track == PICTURE else b"so"
    nothing = (
        full(b"stts", 0, 0, bytes(4)),
        full(b"stsc", 0, 0, bytes(4)),
        full(b"stsz", 0, 0, bytes(8)),
        full(b"stco", 0, 0, bytes(4)),
    )
    head, description = media
    here = box(b"dinf", full(b"dref", 0, 0, struct.pack("!I", 1), full(b"url ", 0, 1)))
    return box(
        b"trak",
        full(b"tkhd", 0, 3, about, MATRIX, pixels),
        box(
            b"mdia",
            full(b"mdhd", 0, 0, struct.pack("!4I2H", 0, 0, rate, 0, 0x55C4, 0)),
            full(b"hdlr", 0, 0, bytes(4), handler, bytes(12), name + b"\0"),
            box(b"minf", head, here, box(b"stbl", description, *nothing)),
        ),
    )


def _picture_track(picture: Picture) -> bytes:
    entry = box(
        b"avc1",
        struct.pack("!6xH16x2H", 1, picture.width, picture.height),
        struct.pack("!3IH32xHh", 0x480000, 0x480000, 0, 1, 0x18, -1),
        box(b"avcC", picture.configuration),
    )
    return _track(
        PICTURE,
        PICTURE_RATE,
        b"vide",
        (picture.width, picture.height),
        full(b"vmhd", 0, 1, bytes(8)),
        full(b"stsd", 0, 0, struct.pack("!I", 1), entry),
    )


def _sound_track(sound: Sound) -> bytes:
    # ISO/IEC 14496-1 section 7.2.6: ES, decoder configuration, its specific part, SL
    specific = _descriptor(5, sound.configuration)
    decoder = _descriptor(4, struct.pack("!BB3xII", 0x40, 0x15, 0, 0), specific)
    stream = _descriptor(3, struct.pack("!HB", SOUND, 0), decoder, _descriptor(6, b"\x02"))
    entry = box(
        b"mp4a",
        struct.pack("!6xH8x2H4xI", 1, sound.channels, 16, sound.rate << 16),
        full(b"esds", 0, 0, stream),
    )
    return _track(
        SOUND,
        sound.rate,
        b"soun",
        (0, 0),
        full(b"smhd", 0, 0, bytes(4)),
        full(b"stsd", 0, 0, struct.pack("!I", 1), entry),
    )


def _descriptor(tag: int, *content: bytes) -> bytes:
    data = b"".join(content)
    return bytes([tag, len(data)]) + data  # all of ours are shorter than 128 octets


def segment(number: int, runs: Sequence[Run]) -> bytes:
    """A media segment: one fragment with the runs of all tracks. ``number`` counts fragments."""
    place = len(_fragment(number, runs, 0)) + 8
    data = b"".join(sample.data for run in runs for sample in run.samples)
    return _fragment(number, runs, place) + box(b"mdat", data)


def _fragment(number: int, runs: Sequence[Run], place: int) -> bytes:
    tracks = []
    for run in runs:
        figures = b"".join(
            struct.pack("!3I", s.duration, len(s.data), SYNC if s.key else NOT_SYNC)
            for s in run.samples
        )
        tracks.append(
            box(
                b"traf",
                full(b"tfhd", 0, TFHD_FLAGS, struct.pack("!I", run.track)),
                full(b"tfdt", 1, 0, struct.pack("!Q", run.start)),
                full(b"trun", 0, TRUN_FLAGS, struct.pack("!2I", len(run.samples), place), figures),
            )
        )
        place += sum(len(sample.data) for sample in run.samples)
    return box(b"moof", full(b"mfhd", 0, 0, struct.pack("!I", number)), *tracks)
