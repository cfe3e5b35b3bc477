"""Makes one file of a recording's parts: with duration, cues, chapters and tags, and its checksum.

Parts may be cut off anywhere, as by a power cut: what is not whole at their end is left out. Memory
is bounded by a cluster and the list of clusters.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import msgspec

from bridge.base.files import private_file, write_private
from bridge.media import vp8
from bridge.programme import matroska as mkv
from bridge.programme.jobs import MADE, Finished, Job, Stretch
from bridge.programme.part import SUFFIX, began_of

MOST = 64 << 20  # octets of the largest element that a part has; more is damage
BLOCK_MS = 20  # of the last block, whose end no other one tells


class _Cluster(NamedTuple):
    """A cluster of a part: where its content is, and its first and last ms."""

    at: int
    octets: int
    first: int
    last: int
    enters: bool  # begins with a picture that can be entered


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
    head = (
        mkv.info(title=job.title, began=parts[0].began, seconds=offset)
        + mkv.tracks(_tracks(parts))
        + mkv.chapters(_placed(job.chapters, stretches))
        + mkv.tags(job.tags)
    )
    cues, total = _cues(parts, stretches)
    digest = hashlib.sha256()
    octets = 0
    with private_file(folder / job.file) as out:
        for data in chain([mkv.finished_head(head, cues, total)], _contents(parts, stretches)):
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


def _tracks(parts: list[_Scanned]) -> list[mkv.Track]:
    """The file's tracks: those in which there is something, as large as their first picture."""
    found: list[mkv.Track] = []
    for number in (mkv.PROGRAMME, mkv.CONTENT, mkv.SOUND):
        with_it = [part for part in parts if number in part.seen]
        if not with_it:
            continue
        part = next((p for p in with_it if p.tracks[number].private), with_it[0])
        track = part.tracks[number]
        if track.codec == "V_VP8":
            width, height = vp8.frame_size(part.seen[number])
            if width:
                track = track._replace(width=width, height=height)
        found.append(track)
    return found


def _placed(
    chapters: tuple[tuple[float, str], ...], stretches: list[Stretch]
) -> list[tuple[float, str]]:
    """Chapters at seconds of the file. What happened while nothing was written begins where it
    goes on; of several at one place the last counts."""
    placed: dict[float, str] = {}
    for at, title in chapters:
        for stretch in stretches:
            if at < stretch.at + stretch.seconds:
                placed[round(stretch.offset + max(0.0, at - stretch.at), 3)] = title
                break
    return sorted(placed.items())


def _cues(parts: list[_Scanned], stretches: list[Stretch]) -> tuple[list[tuple[int, int]], int]:
    """Where pictures can be entered, and the size of all clusters."""
    cues: list[tuple[int, int]] = []
    place = 0
    for part, stretch in zip(parts, stretches, strict=True):
        for index, cluster in enumerate(part.clusters):
            ms = cluster.first + round(stretch.offset * 1000)
            if cluster.enters or not index:
                cues.append((ms, place))
            place += _size(cluster, ms)
    return cues, place


def _size(cluster: _Cluster, ms: int) -> int:
    """Octets of a cluster in the file, with another timestamp than it has in its part."""
    before = len(mkv.number(mkv.TIMESTAMP, cluster.first))
    content = cluster.octets - before + len(mkv.number(mkv.TIMESTAMP, ms))
    return 4 + len(mkv.size(content)) + content


def _contents(parts: list[_Scanned], stretches: list[Stretch]) -> Iterator[bytes]:
    """The clusters, one after another."""
    for part, stretch in zip(parts, stretches, strict=True):
        with part.path.open("rb") as file:
            for cluster in part.clusters:
                content = os.pread(file.fileno(), cluster.octets, cluster.at)
                before = mkv.number(mkv.TIMESTAMP, cluster.first)
                ms = cluster.first + round(stretch.offset * 1000)
                yield mkv.element(
                    mkv.CLUSTER, mkv.number(mkv.TIMESTAMP, ms), content[len(before) :]
                )
