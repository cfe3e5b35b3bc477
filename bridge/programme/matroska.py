"""Matroska files (RFC 9559), as far as a recording needs them. Pure: octets in, octets out.

Written by hand, because what lies on a disk must be playable at every moment: a cluster is whole
before its first octet is written, and no track has to wait for another one. (libavformat holds
everything back while a VP8 track, such as that of a shared screen, has no packets.)
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

EBML, SEGMENT, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
SEEK_HEAD, INFO, TRACKS, CUES = 0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B
CHAPTERS, TAGS = 0x1043A770, 0x1254C367
TIMESTAMP, SIMPLE_BLOCK, TRACK_ENTRY = 0xE7, 0xA3, 0xAE
UNKNOWN_SIZE = b"\x01\xff\xff\xff\xff\xff\xff\xff"
EPOCH_2001 = 978307200  # seconds from 1970 to 2001, where DateUTC begins
PROGRAMME, CONTENT, SOUND = 1, 2, 3  # numbers of the tracks
VOICES = range(4, 16)  # those of single voices
SUBTITLES = 16  # number of the first track of texts
TEXT = "S_TEXT/UTF8"
OPUS_DELAY = 6_500_000  # ns: 312 samples that libopus looks ahead
PREROLL = 80_000_000  # ns that a decoder needs after a seek (RFC 7845)


class Track(NamedTuple):
    """A track's description; ``private`` is the codec's own, sizes are in pixels."""

    number: int
    codec: str
    private: bytes = b""
    width: int = 0
    height: int = 0
    name: str = ""
    language: str = "und"


class Block(NamedTuple):
    """A frame of a track at a time of the file in ms."""

    ms: int
    track: int
    key: bool
    data: bytes


def element(ident: int, *content: bytes) -> bytes:
    """An element with its size."""
    data = b"".join(content)
    return ident.to_bytes((ident.bit_length() + 7) // 8, "big") + size(len(data)) + data


def size(octets: int) -> bytes:
    """A size as a variable-length integer, in as few octets as it takes."""
    for width in range(1, 9):
        if octets < (1 << 7 * width) - 1:
            return (octets | 1 << 7 * width).to_bytes(width, "big")
    raise ValueError("an element of more than 2^56 octets")


def number(ident: int, value: int) -> bytes:
    return element(ident, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def text(ident: int, value: str) -> bytes:
    return element(ident, value.encode())


def ebml_header() -> bytes:
    return element(
        EBML,
        *(number(ident, value) for ident, value in ((0x4286, 1), (0x42F7, 1), (0x42F2, 4))),
        number(0x42F3, 8),
        text(0x4282, "matroska"),
        number(0x4287, 4),
        number(0x4285, 2),
    )


def info(*, title: str, began: float, seconds: float | None = None) -> bytes:
    """Title, when it began (UTC seconds) and, where it is known, how long it is."""
    duration = b"" if seconds is None else element(0x4489, struct.pack("!d", seconds * 1000))
    date = struct.pack("!q", round((began - EPOCH_2001) * 1e9))
    return element(
        INFO,
        number(0x2AD7B1, 1_000_000),  # timestamps are ms
        duration,
        element(0x4461, date),
        text(0x7BA9, title),
        text(0x4D80, "Diem Cau"),
        text(0x5741, "Diem Cau"),
    )


def tracks(found: Iterable[Track]) -> bytes:
    return element(TRACKS, *map(_track, found))


def _track(track: Track) -> bytes:
    kind, about = 2, element(0xE1, element(0xB5, struct.pack("!d", 48000.0)), number(0x9F, 1))
    about += number(0x56AA, OPUS_DELAY) + number(0x56BB, PREROLL)
    if track.width:
        kind, about = 1, element(0xE0, number(0xB0, track.width), number(0xBA, track.height))
    elif track.codec == TEXT:
        kind, about = 0x11, b""
    return element(
        TRACK_ENTRY,
        number(0xD7, track.number),
        number(0x73C5, track.number),
        number(0x83, kind),
        number(0x9C, 0),
        number(0x88, int(track.number in (PROGRAMME, SOUND))),
        text(0x86, track.codec),
        text(0x536E, track.name),
        text(0x22B59C, track.language),
        element(0x63A2, track.private) if track.private else b"",
        about,
    )


def begin(head: bytes) -> bytes:
    """The start of a file whose end is not known yet; ``head`` are info and tracks."""
    return ebml_header() + SEGMENT.to_bytes(4, "big") + UNKNOWN_SIZE + head


def cluster(blocks: Sequence[Block]) -> bytes:
    """A cluster of blocks in the order of their times; they span less than 32 s."""
    start = blocks[0].ms
    return element(CLUSTER, number(TIMESTAMP, start), *(_block(b, start) for b in blocks))


def _block(block: Block, start: int) -> bytes:
    head = struct.pack("!BhB", 0x80 | block.track, block.ms - start, 0x80 if block.key else 0)
    return element(SIMPLE_BLOCK, head, block.data)


def shown_text(track: int, ms: int, start: int, duration: int, said: str) -> bytes:
    """A text of a track, shown for ``duration`` ms; ``start`` is the time of its cluster."""
    head = struct.pack("!BhB", 0x80 | track, ms - start, 0)
    return element(0xA0, element(0xA1, head, said.encode()), number(0x9B, duration))


def opus_head() -> bytes:
    """What a decoder of one channel is to know (RFC 7845 section 5.1)."""
    return b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 48000, 0, 0)


def avc_configuration(parameter_sets: Sequence[bytes]) -> bytes:
    """The decoder configuration of H.264 from its SPS and PPS (ISO/IEC 14496-15 section 5.3.3)."""
    sps = [unit for unit in parameter_sets if unit[0] & 0x1F == 7]
    pps = [unit for unit in parameter_sets if unit[0] & 0x1F == 8]
    if not sps or len(sps[0]) < 4:
        return b""
    sized = [struct.pack("!H", len(unit)) + unit for unit in (*sps, *pps)]
    head = b"\x01" + sps[0][1:4] + b"\xff" + bytes([0xE0 | len(sps)])
    return head + b"".join(sized[: len(sps)]) + bytes([len(pps)]) + b"".join(sized[len(sps) :])


# --- reading back what was written ---------------------------------------------------------------


def read_size(data: bytes, at: int) -> tuple[int, int]:
    """The size at a place, and how many octets say it. Raises ValueError where it is cut off; -1
    for an unknown one."""
    if at >= len(data) or not data[at]:
        raise ValueError("no size")
    width = 9 - data[at].bit_length()
    if at + width > len(data):
        raise ValueError("a size that is cut off")
    value = int.from_bytes(data[at : at + width], "big") & (1 << 7 * width) - 1
    return (-1 if value == (1 << 7 * width) - 1 else value), width


def children(data: bytes) -> list[tuple[int, bytes]]:
    """Elements in an element: ids and contents. Raises ValueError where one is cut off."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while at < len(data):
        if not data[at]:
            raise ValueError("no id")
        width = 9 - data[at].bit_length()
        ident = int.from_bytes(data[at : at + width], "big")
        length, sized = read_size(data, at + width)
        start = at + width + sized
        if length < 0 or start + length > len(data):
            raise ValueError("an element that is cut off")
        found.append((ident, data[start : start + length]))
        at = start + length
    return found


def read_cluster(content: bytes) -> list[Block]:
    """The blocks of a cluster's content. Raises ValueError."""
    start = 0
    blocks: list[Block] = []
    for ident, data in children(content):
        if ident == TIMESTAMP:
            start = int.from_bytes(data, "big")
        elif ident == SIMPLE_BLOCK and len(data) >= 4:
            _, ms, flags = struct.unpack_from("!BhB", data)
            blocks.append(Block(start + ms, data[0] & 0x7F, bool(flags & 0x80), data[4:]))
    if not blocks:
        raise ValueError("a cluster without blocks")
    return blocks


def read_tracks(content: bytes) -> dict[int, Track]:
    """Tracks by number, as `tracks` wrote them. Raises ValueError."""
    found: dict[int, Track] = {}
    for ident, entry in children(content):
        if ident != TRACK_ENTRY:
            continue
        parts = dict(children(entry))
        video = dict(children(parts.get(0xE0, b"")))
        track = Track(
            int.from_bytes(parts[0xD7], "big"),
            parts[0x86].decode(),
            parts.get(0x63A2, b""),
            int.from_bytes(video.get(0xB0, b""), "big"),
            int.from_bytes(video.get(0xBA, b""), "big"),
            parts.get(0x536E, b"").decode(),
        )
        found[track.number] = track
    return found


# --- a finished file -----------------------------------------------------------------------------


def chapters(found: Iterable[tuple[float, str]], language: str = "vie") -> bytes:
    """Chapters: seconds of the file and a title each; empty where there are none."""
    atoms = [
        element(
            0xB6,
            number(0x73C4, index),
            number(0x91, round(seconds * 1e9)),
            element(0x80, text(0x85, title), text(0x437C, language)),
        )
        for index, (seconds, title) in enumerate(found, 1)
    ]
    return element(CHAPTERS, element(0x45B9, *atoms)) if atoms else b""


def tags(found: Iterable[tuple[str, str]]) -> bytes:
    """Tags of the whole file: names and values."""
    simple = [element(0x67C8, text(0x45A3, name), text(0x4487, value)) for name, value in found]
    return element(TAGS, element(0x7373, element(0x63C0), *simple))


def finished_head(head: bytes, cues: Sequence[tuple[int, int]], clusters: int) -> bytes:
    """All that stands before the clusters of a finished file. ``head`` are info, tracks, chapters
    and tags; ``cues`` are ms and where their cluster begins, counted from the first one;
    ``clusters`` is the size of all of them."""
    # Positions are of eight octets, so that the size of what holds them does not depend on them.
    place_of_cues = len(_seek_head(0)) + len(head)
    first_cluster = place_of_cues + len(_cues(cues, 0))
    inside = _seek_head(place_of_cues) + head + _cues(cues, first_cluster)
    total = len(inside) + clusters
    sized = (total | 1 << 56).to_bytes(8, "big")
    return ebml_header() + SEGMENT.to_bytes(4, "big") + sized + inside


def _position(ident: int, value: int) -> bytes:
    return element(ident, value.to_bytes(8, "big"))


def _seek_head(place_of_cues: int) -> bytes:
    seek = element(
        0x4DBB, element(0x53AB, CUES.to_bytes(4, "big")), _position(0x53AC, place_of_cues)
    )
    return element(SEEK_HEAD, seek)


def _cues(cues: Sequence[tuple[int, int]], first_cluster: int) -> bytes:
    points = [
        element(
            0xBB,
            number(0xB3, ms),
            element(0xB7, number(0xF7, PROGRAMME), _position(0xF1, first_cluster + place)),
        )
        for ms, place in cues
    ]
    return element(CUES, *points)
