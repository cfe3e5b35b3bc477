"""A pack that the bridge made is proved; whatever somebody does to it is found."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.proof import evidence_check
from bridge.proof.evidence_check import check_pack
from bridge.proof.signing_key import VerifyingKey, kept_signing_key
from bridge.proof.verdict import worst
from bridge.reports.evidence import sums
from tests.control_support import Bridge
from tests.server.api.test_evidence_packs import ask, keep

Files = dict[str, bytes]


def unpacked(data: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path: Path, files: Files) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def judged(path: Path, key: VerifyingKey | None) -> tuple[str, set[str]]:
    """What comes out of it all, and the first words of what is not proved."""
    findings = check_pack(path, key)
    said = {f.said.en for f in findings if f.state == worst(findings) != "proved"}
    return worst(findings), said


def relisted(files: Files, folder: str) -> Files:
    """Checksums that fit whatever was changed."""
    digests = {
        name.rpartition("/")[2]: hashlib.sha256(data).hexdigest()
        for name, data in files.items()
        if not name.rpartition("/")[2].startswith("SHA256SUMS")
    }
    return files | {f"{folder}/SHA256SUMS": sums(digests).encode()}


async def test_a_pack_and_what_is_done_to_it(bridge: Bridge, tmp_path: Path) -> None:
    """One pack: making it is what takes time."""
    name = await keep(bridge)
    good = unpacked(await (await ask(bridge, name)).read())
    key = bridge.process.heads.key
    assert key is not None
    path = tmp_path / "pack.zip"
    assert judged(packed(path, good), key.public) == ("proved", set())
    assert judged(path, None)[0] == "open", "with the pack's own key only"
    (tmp_path / "other").mkdir()
    other = kept_signing_key(tmp_path / "other")
    assert judged(path, other.public)[0] == "open", "another installation's pack"

    def said(change: Callable[[Files], Files], state: str = "false") -> str:
        found, words = judged(packed(path, change(dict(good))), key.public)
        assert found == state, words
        return " ".join(sorted(words))

    at = f"{name}/{{}}".format
    flipped = bytes([good[at(f"{name}.mkv")][0] ^ 1]) + good[at(f"{name}.mkv")][1:]
    assert "does not have its checksum" in said(lambda f: f | {at(f"{name}.mkv"): flipped})
    words = said(lambda f: relisted(f | {at(f"{name}.mkv"): flipped}, name))
    assert "is NOT the file" in words
    assert "signature is false" in words
    assert "was put in" in said(lambda f: f | {at("more.txt"): b"x"})
    assert "was taken out" in said(lambda f: {n: d for n, d in f.items() if "report.vi" not in n})
    assert "list of checksums is damaged" in said(lambda f: f | {at("SHA256SUMS"): b"nonsense\n"})

    lines = good[at("log.jsonl")].splitlines()
    for event, changed in {
        "event 2 does not fit": [lines[0], lines[1].replace(b"user:", b"user:x"), *lines[2:]],
        "event 2 is missing": [lines[0], *lines[2:]],
        "event 3 does": [*lines[:2], lines[1].replace(b'"seq":2', b'"seq":3'), *lines[2:]],
        "no entry of its recording": lines[:-1],
        "event 1 does not fit": [b"nonsense", *lines[1:]],
    }.items():
        data = b"".join(line + b"\n" for line in changed)
        words = said(lambda f, data=data: relisted(f | {at("log.jsonl"): data}, name))  # type: ignore[misc]
        assert event in words
    # Whoever can do sums writes the chain anew: the signature under the head tells it.
    forged = rewritten(good, name, lines)
    assert "not the log that was signed" in said(lambda f: forged)
    head = good[at("head.txt")].replace(b"events: ", b"events: 1")
    words = said(lambda f: relisted(f | {at("head.txt"): head}, name))
    assert "under the head of the chain is false" in words
    # What an earlier version made has neither chain nor signature.
    old = ("log.chain", "head.txt", "head.sig", "log-key.pem", "SHA256SUMS.sig")
    words = said(
        lambda f: relisted({n: d for n, d in f.items() if not n.endswith(old)}, name), "open"
    )
    assert "written by a version without a chain" in words


def rewritten(good: Files, name: str, lines: list[bytes]) -> Files:
    from bridge.proof.chain import GENESIS, link

    changed = [lines[0], lines[1].replace(b"user:", b"user:x"), *lines[2:]]
    head, hashes = GENESIS, []
    for line in changed[:-1]:
        head = link(head, line)
        hashes.append(f"{head}\n")
    log = b"".join(line + b"\n" for line in changed)
    files = {f"{name}/log.jsonl": log, f"{name}/log.chain": "".join(hashes).encode()}
    return relisted(good | files, name)


def test_what_is_no_pack(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    for data in (b"", b"nonsense", b"PK\x03\x04" + bytes(100)):
        path.write_bytes(data)
        with pytest.raises(ValueError, match="no_pack"):
            check_pack(path, None)
    for files in ({}, {"a/x": b""}, {"a/x": b"", "b/SHA256SUMS": b""}):
        with pytest.raises(ValueError, match="no_pack"):
            check_pack(packed(path, files), None)


def test_a_pack_with_hostile_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.zip"
    bomb = {"a/SHA256SUMS": bytes(evidence_check.MAX_SMALL + 1)}
    with pytest.raises(ValueError, match="too_long"):
        check_pack(packed(path, bomb), None)
    # A name that would change what a terminal shows.
    data = sums({"x\x1b[2J\u202e": "ab" * 32}).encode()
    findings = check_pack(packed(path, {"a/SHA256SUMS": data}), None)
    assert all(letter.isprintable() for f in findings for letter in f.said.vi + f.said.en)
    monkeypatch.setattr(evidence_check, "MAX_FILES", 3)
    with pytest.raises(ValueError, match="no_pack"):
        check_pack(packed(path, {f"a/{number}": b"" for number in range(5)}), None)


def test_a_key_of_another_kind() -> None:
    from bridge.proof.signing_key import public_key

    for pem in (b"", b"nonsense", bytes(5000)):
        with pytest.raises(ValueError, match="no public"):
            public_key(pem)
