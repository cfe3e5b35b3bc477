"""Makes one file of a recording's parts: with duration, cues, chapters and tags, and its checksum.

Parts may be cut off anywhere, as by a power cut: what is not whole at their end is left out. Memory
is bounded by a cluster and the list of clusters.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain, groupby, pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec

from bridge.base.files import private_file, write_private
from bridge.media import vp8
from bridge.programme import matroska as mkv
from bridge.programme.jobs import MADE, Finished, Job, Stretch, Subtitles, Timed
from bridge.programme.part import SUFFIX, began_of

MOST = 64 << 20  # octets of the largest element that a part has; more is damage
TEXT_MS = 10_000  # of a text; then it comes again, for who enters in the middle
BLOCK_MS = 20  # of the last block, whose end no other one tells


class _Cluster(NamedTuple):
    """A cluster of a part: where its content is, and its first and last ms."""

    at: int
    octets: int
    first: int
    last: int
    enters: bool  # begins with a picture that can be entered


class _Text(NamedTuple):
    """A text of a track for ``duration`` ms."""

    ms: int
    duration: int
    track: int
    said: str


class _Placed(NamedTuple):
    """A cluster as it is in the file: at ``ms``, with texts, and found by a cue."""

    path: Path
    cluster: _Cluster
    ms: int
    cue: bool
    texts: bytes


class _Scanned(NamedTuple):
    """A part that was looked through."""

    path: Path
    began: float
    tracks: dict[int, mkv.Track]
    clusters: list[_Cluster]
    cut: int
    seen: dict[int, bytes]  # the first key frame of each track

    @property
    def seconds(self) -> float:
        return (self.clusters[-1].last + BLOCK_MS) / 1000


def finish(job: Job) -> Finished | None:
    """Make the file; None where nothing was recorded. Raises OSError, and then parts are as they
    were."""
    folder = Path(job.folder)
    parts = [scan(path) for path in sorted(folder.glob("*" + SUFFIX))]
    parts = [part for part in parts if part.clusters]
    if not parts:
        return None
    stretches: list[Stretch] = []
    offset = 0.0
    for part in parts:
        stretches.append(Stretch(at=part.began, offset=offset, seconds=part.seconds))
        offset += part.seconds
    recorded = datetime.fromtimestamp(parts[0].began, UTC).strftime("%Y-%m-%d %H:%M:%S")
    head = (
        mkv.info(title=job.title, began=parts[0].began, seconds=offset)
        + mkv.tracks([*_tracks(parts, job.names), *_text_tracks(job.subtitles)])
        + mkv.chapters(_placed(job.chapters, stretches), job.language)
        + mkv.tags((*job.tags, ("DATE_RECORDED", recorded)))
    )
    texts = _texts(job.subtitles, stretches)
    placed = _clusters(parts, stretches, texts)
    cues, total = _cues(placed)
    digest = hashlib.sha256()
    octets = 0
    with private_file(folder / job.file) as out:
        for data in chain([mkv.finished_head(head, cues, total)], _contents(placed)):
            out.write(data)
            digest.update(data)
            octets += len(data)
    made = Finished(
        octets=octets,
        seconds=round(offset, 3),
        sha256=digest.hexdigest(),
        cut=sum(part.cut for part in parts),
        stretches=tuple(stretches),
    )
    write_private(folder / MADE, msgspec.json.encode(made))
    # Both files are on the disk now: the parts may go.
    for path in folder.glob("*" + SUFFIX):
        path.unlink()
    return made


def scan(path: Path) -> _Scanned:
    """Look a part through, up to where it is whole. Raises OSError."""
    tracks: dict[int, mkv.Track] = {}
    clusters: list[_Cluster] = []
    seen: dict[int, bytes] = {}
    whole = 0
    with path.open("rb") as file:
        for ident, at, content in _elements(file.fileno()):
            try:
                if ident == mkv.TRACKS:
                    tracks = mkv.read_tracks(content)
                elif ident == mkv.CLUSTER:
                    blocks = mkv.read_cluster(content)
                    for block in blocks:
                        if block.key:
                            seen.setdefault(block.track, block.data)
                    enters = blocks[0].key and blocks[0].track == mkv.PROGRAMME
                    first, last = blocks[0].ms, blocks[-1].ms
                    clusters.append(_Cluster(at, len(content), first, last, enters))
            except (ValueError, KeyError):
                break  # damaged: what comes after it cannot be trusted
            whole = at + len(content)
        cut = os.fstat(file.fileno()).st_size - whole
    return _Scanned(path, began_of(path), tracks, clusters, cut, seen)


def _elements(descriptor: int) -> Iterator[tuple[int, int, bytes]]:
    """Whole elements of a segment: id, where the content begins, content."""
    at = 0
    while True:
        head = os.pread(descriptor, 12, at)
        try:
            if len(head) < 5 or not head[0]:
                return
            width = 9 - head[0].bit_length()
            ident = int.from_bytes(head[:width], "big")
            length, sized = mkv.read_size(head, width)
        except ValueError:
            return
        at += width + sized
        if ident == mkv.SEGMENT:
            continue  # its children come next
        if length < 0 or length > MOST:
            return
        content = os.pread(descriptor, length, at)
        if len(content) < length:
            return
        yield ident, at, content
        at += length


def _tracks(parts: list[_Scanned], names: tuple[str, ...]) -> list[mkv.Track]:
    """The file's tracks: those in which there is something, as large as their first picture."""
    found: list[mkv.Track] = []
    for index, number in enumerate((mkv.PROGRAMME, mkv.CONTENT, mkv.SOUND, *mkv.VOICES)):
        with_it = [part for part in parts if number in part.seen]
        if not with_it:
            continue
        part = next((p for p in with_it if p.tracks[number].private), with_it[0])
        track = part.tracks[number]
        if track.codec == "V_VP8":
            width, height = vp8.frame_size(part.seen[number])
            if width:
                track = track._replace(width=width, height=height)
        if index < len(names):
            track = track._replace(name=names[index])
        found.append(track)
    return found


def _text_tracks(subtitles: tuple[Subtitles, ...]) -> list[mkv.Track]:
    return [
        mkv.Track(number, mkv.TEXT, name=track.name, language=track.language)
        for number, track in enumerate(subtitles, mkv.SUBTITLES)
    ]


def _texts(subtitles: tuple[Subtitles, ...], stretches: list[Stretch]) -> list[_Text]:
    """Everything that is shown as text, by time."""
    end = round((stretches[-1].offset + stretches[-1].seconds) * 1000)
    found: list[_Text] = []
    for number, track in enumerate(subtitles, mkv.SUBTITLES):
        placed = [(round(at * 1000), said) for at, said in _placed(track.texts, stretches)]
        for (at, said), (until, _) in pairwise([*placed, (end, "")]):
            for ms in range(at, until if said else at, TEXT_MS):
                found.append(_Text(ms, min(TEXT_MS, until - ms), number, said))
    return sorted(found)


def _placed(chapters: Timed, stretches: list[Stretch]) -> list[tuple[float, str]]:
    """Chapters at seconds of the file. What happened while nothing was written begins where it
    goes on; of several at one place the last counts."""
    placed: dict[float, str] = {}
    for at, title in chapters:
        for stretch in stretches:
            if at < stretch.at + stretch.seconds:
                placed[round(stretch.offset + max(0.0, at - stretch.at), 3)] = title
                break
    return sorted(placed.items())


def _clusters(parts: list[_Scanned], stretches: list[Stretch], texts: list[_Text]) -> list[_Placed]:
    """All clusters as they come in the file, each with the texts that begin in it."""
    found: list[_Placed] = []
    waiting = deque(texts)
    for part, stretch in zip(parts, stretches, strict=True):
        offset = round(stretch.offset * 1000)
        last = part.clusters[-1].last + BLOCK_MS
        ends = [*(cluster.first for cluster in part.clusters[1:]), last]
        for index, (cluster, end) in enumerate(zip(part.clusters, ends, strict=True)):
            ms = cluster.first + offset
            begun: list[bytes] = []
            while waiting and waiting[0].ms < end + offset:
                text = waiting.popleft()
                at = max(ms, text.ms)
                begun.append(
                    mkv.shown_text(text.track, at, ms, text.ms + text.duration - at, text.said)
                )
            cue = cluster.enters or not index
            found.append(_Placed(part.path, cluster, ms, cue, b"".join(begun)))
    return found


def _cues(placed: list[_Placed]) -> tuple[list[tuple[int, int]], int]:
    """Where pictures can be entered, and the size of all clusters."""
    cues: list[tuple[int, int]] = []
    place = 0
    for item in placed:
        if item.cue:
            cues.append((item.ms, place))
        before = len(mkv.number(mkv.TIMESTAMP, item.cluster.first))
        content = item.cluster.octets - before + len(item.texts)
        content += len(mkv.number(mkv.TIMESTAMP, item.ms))
        place += 4 + len(mkv.size(content)) + content
    return cues, place


def _contents(placed: list[_Placed]) -> Iterator[bytes]:
    """The clusters, one after another."""
    for path, items in groupby(placed, key=lambda item: item.path):
        with path.open("rb") as file:
            for _, cluster, ms, _, texts in items:
                content = os.pread(file.fileno(), cluster.octets, cluster.at)
                before = len(mkv.number(mkv.TIMESTAMP, cluster.first))
                stamp = mkv.number(mkv.TIMESTAMP, ms)
                yield mkv.element(mkv.CLUSTER, stamp, texts, content[before:])
