"""An evidence pack checked without a bridge: its files, its signature, the chain of its log, the
signed head, the recording. A pack is a file that somebody brings."""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bridge.conference import events as e
from bridge.proof.ballots import of_votes
from bridge.proof.chain import Link, Walked, seq_of, walk
from bridge.proof.signing_key import VerifyingKey, public_key
from bridge.proof.statements import read_head
from bridge.proof.verdict import Finding, Signed, finding, of_chain, of_head

SUMS, SUMS_CMS, SUMS_SIGNATURE = "SHA256SUMS", "SHA256SUMS.p7s", "SHA256SUMS.sig"
LOG, HASHES = "log.jsonl", "log.chain"
HEAD, HEAD_SIGNATURE, KEY = "head.txt", "head.sig", "log-key.pem"
CHUNK = 1 << 20  # octets
MAX_FILES = 1000
MAX_SMALL = 1 << 20  # octets of a file that is read whole
MAX_LOG = 256 << 20  # octets: a million events
_SUM = re.compile(r"([0-9a-f]{64})  ([^/\n]{1,255})\n")
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)


class _Pack:
    """The files of a pack, which stand in one folder."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        folders = {name.rpartition("/")[0] for name in names}
        if len(folders) != 1 or len(names) > MAX_FILES or len(set(names)) != len(names):
            raise ValueError("proof.no_pack")
        self.folder = folders.pop()
        self.names = {name.rpartition("/")[2] for name in names}
        self._archive = archive

    def _path(self, name: str) -> str:
        return f"{self.folder}/{name}" if self.folder else name

    def read(self, name: str, limit: int = MAX_SMALL) -> bytes:
        """A file as a whole; b"" where it is not there or cannot be read. Raises ValueError where
        it is longer than ``limit``."""
        if name not in self.names:
            return b""
        try:
            with self._archive.open(self._path(name)) as file:
                data = file.read(limit + 1)
        except _DAMAGED:
            return b""
        if len(data) > limit:
            raise ValueError("proof.too_long")
        return data

    def sha256(self, name: str) -> str:
        """The checksum of a file; "" where it is not there or cannot be read."""
        if name not in self.names:
            return ""
        digest = hashlib.sha256()
        try:
            with self._archive.open(self._path(name)) as file:
                while data := file.read(CHUNK):
                    digest.update(data)
        except _DAMAGED:
            return ""
        return digest.hexdigest()


def check_pack(path: Path, key: VerifyingKey | None) -> list[Finding]:
    """Look at a whole pack. ``key`` is the installation's, from elsewhere than the pack; None:
    there is none, and the pack's own says only that pack and head fit each other. Raises
    ValueError with the key of a sentence where the file is no pack."""
    try:
        with zipfile.ZipFile(path) as archive:
            pack = _Pack(archive)
            if SUMS not in pack.names:
                raise ValueError("proof.no_pack")
            return _findings(pack, key)
    except _DAMAGED:
        raise ValueError("proof.no_pack") from None


def _findings(pack: _Pack, key: VerifyingKey | None) -> list[Finding]:
    listed = pack.read(SUMS)
    found, sums = _files(pack, listed)
    own = _own_key(pack)
    if key is None and own is not None:
        found.append(finding("open", "proof.key_own", fingerprint=own.fingerprint))
    elif key is not None and own is not None and own.fingerprint != key.fingerprint:
        found.append(finding("open", "proof.key_other", fingerprint=own.fingerprint))
    using = key if key is not None and own is not None and _same(key, own) else own
    found += _pack_signature(pack, listed, using)
    return [*found, *_log(pack, sums, using)]


def _same(one: VerifyingKey, other: VerifyingKey) -> bool:
    return one.fingerprint == other.fingerprint


def _own_key(pack: _Pack) -> VerifyingKey | None:
    try:
        return public_key(pack.read(KEY))
    except ValueError:
        return None


def _files(pack: _Pack, listed: bytes) -> tuple[list[Finding], dict[str, str]]:
    """The checksums; those of files that fit, by name."""
    text = listed.decode("utf-8", "replace")
    entries = [(line[2], line[1]) for line in _SUM.finditer(text)]
    found: list[Finding] = []
    if not entries or sum(len(name) + 67 for name, _ in entries) != len(text):
        found.append(finding("false", "proof.sums_unreadable"))
    good: dict[str, str] = {}
    for name, wanted in entries:
        actual = pack.sha256(name)
        if actual == wanted:
            good[name] = actual
        else:
            found.append(finding("false", "proof.file_false", file=_shown(name)))
    covered = {SUMS, SUMS_CMS, SUMS_SIGNATURE, *(name for name, _ in entries)}
    found += [
        finding("false", "proof.file_unlisted", file=_shown(name))
        for name in sorted(pack.names - covered)
    ]
    if not found:
        found.append(finding("proved", "proof.files_whole", files=len(good)))
    return found, good


def _shown(name: str) -> str:
    """A name that somebody else chose, as it can be printed."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:100]


def _pack_signature(pack: _Pack, listed: bytes, key: VerifyingKey | None) -> list[Finding]:
    signature = pack.read(SUMS_SIGNATURE)
    if key is None or not signature:
        return [finding("open", "proof.pack_unsigned")]
    if not key.signed(listed, signature):
        return [finding("false", "proof.pack_false", fingerprint=key.fingerprint)]
    return [finding("proved", "proof.pack_signed", fingerprint=key.fingerprint)]


def _log(pack: _Pack, sums: dict[str, str], key: VerifyingKey | None) -> list[Finding]:
    lines = pack.read(LOG, MAX_LOG).splitlines()
    hashes = pack.read(HASHES, MAX_LOG).decode("ascii", "replace").split()
    kept = _kept(lines[-1]) if lines else None
    if not hashes:
        found = [finding("open", "proof.chain_missing")]
    else:
        events = lines if kept is None else lines[:-1]
        walked = _walk(events, hashes)
        found = [of_chain(pack.folder, walked)]
        if not walked.fault:
            found += of_head(walked, _signed(pack, key), key, ended=b'"type":"ended"' in events[-1])
            found += of_votes(_readable(events))
    if kept is None:
        return [*found, finding("false", "proof.no_recording")]
    name = f"{kept.recording}.mkv"
    if sums.get(name) == kept.sha256:
        return [*found, finding("proved", "proof.recording_whole", file=_shown(name))]
    return [*found, finding("false", "proof.recording_false", file=_shown(name))]


def _readable(lines: list[bytes]) -> Iterator[e.Recorded]:
    """The events that this version understands."""
    for line in lines:
        try:
            yield msgspec.json.decode(line, type=e.Recorded)
        except (msgspec.MsgspecError, RecursionError):
            continue


def _walk(lines: list[bytes], hashes: list[str]) -> Walked:
    try:
        links = [Link(seq_of(a), a, b) for a, b in zip(lines, hashes, strict=False)]
    except ValueError:
        return Walked(0, "", "hash")
    walked = walk(links)
    if not walked.fault and len(lines) != len(hashes):
        return Walked(walked.events, walked.head, "number")
    return walked


def _kept(line: bytes) -> e.RecordingKept | None:
    """The recording's own entry, which stands behind the conference's events."""
    try:
        item = msgspec.json.decode(line, type=e.Recorded)
    except (msgspec.MsgspecError, RecursionError):
        return None
    return item.event if isinstance(item.event, e.RecordingKept) else None


def _signed(pack: _Pack, key: VerifyingKey | None) -> Signed | None:
    text = pack.read(HEAD)
    if not text:
        return None
    try:
        head = read_head(text)
    except ValueError:
        return None
    return Signed(head, pack.read(HEAD_SIGNATURE), key.fingerprint if key is not None else "")
