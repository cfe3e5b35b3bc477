"""Evidence packs: what is in one, that standard tools can check it, and what is refused."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import io
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import aiohttp
import pytest

from bridge.app.certificates import create
from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.model import Title
from tests.control_support import Bridge
from tests.waiting import HANG

DATA = bytes(range(256)) * 4000  # several chunks


async def keep(bridge: Bridge, *, sha256: str = "") -> str:
    """A recording that is kept of a conference that was held; its name."""
    conference = await bridge.open()
    await bridge.do(conference, c.End())
    await bridge.process.heads.sign()
    name = f"{conference}-r1"
    catalogue = bridge.process.recordings.catalogue
    path = catalogue.file(name)
    path.parent.mkdir(parents=True)
    path.write_bytes(DATA)
    facts = e.RecordingKept(
        recording=name,
        conference=conference,
        number=1,
        title=Title(vi="Họp giao ban", en="Briefing"),
        seconds=60.0,
        octets=len(DATA),
        sha256=sha256 or hashlib.sha256(DATA).hexdigest(),
        parts=(e.RecordingPart(at=bridge.wall, offset=0.0, seconds=60.0),),
    )
    await catalogue.add(facts, "system")
    return name


async def ask(bridge: Bridge, name: str) -> aiohttp.ClientResponse:
    return await bridge.call("GET", f"/recordings/{name}/evidence", role="viewer")


async def audited(bridge: Bridge) -> list[tuple[str, str, str]]:
    rows = await (await bridge.call("GET", "/audit", role="admin")).json()
    return [(r["action"], r["target"], r["outcome"]) for r in rows if "recording" in r["action"]]


async def test_what_is_in_a_pack_is_checked_with_standard_tools(
    bridge: Bridge, tmp_path: Path
) -> None:
    # Where the bridge looks for a certificate of its own authority.
    folder = bridge.process.certificate.authority_file.parent
    create(folder, ["localhost"], "Huyện", datetime.datetime.now(datetime.UTC))
    name = await keep(bridge)
    response = await ask(bridge, name)
    assert response.status == 200
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}.zip"'
    body = await response.read()
    with zipfile.ZipFile(io.BytesIO(body)) as pack:
        assert pack.testzip() is None
        assert sorted(pack.namelist()) == sorted(
            f"{name}/{file}"
            for file in (
                *(
                    f"{name}.mkv",
                    "log.jsonl",
                    "conference-report.json",
                    "conference-report.vi.pdf",
                    "conference-report.en.pdf",
                ),
                *("READ-ME.txt", "SHA256SUMS", "SHA256SUMS.p7s", "SHA256SUMS.sig"),
                *("log.chain", "head.txt", "head.sig", "log-key.pem"),
            )
        )
        pack.extractall(tmp_path)
    unpacked = tmp_path / name
    assert (unpacked / f"{name}.mkv").read_bytes() == DATA
    listed = (unpacked / "SHA256SUMS").read_text()
    for line in listed.splitlines():
        digest, file = line.split("  ")
        assert hashlib.sha256((unpacked / file).read_bytes()).hexdigest() == digest
    assert len(listed.splitlines()) == 10, "all but the checksums and their signature"
    log = [json.loads(line) for line in (unpacked / "log.jsonl").read_text().splitlines()]
    assert log[0]["event"]["type"] == "opened"
    assert log[-1]["event"]["type"] == "recording_kept"
    read_me = (unpacked / "READ-ME.txt").read_text()
    assert "GÓI BẰNG CHỨNG" in read_me
    assert "EVIDENCE PACK" in read_me
    assert "viewer" in read_me
    verify(unpacked, folder / "ca.crt")
    assert await audited(bridge) == [("recording evidence", name, "done")]


def verify(unpacked: Path, authority: Path) -> None:
    """The commands that the pack's own READ-ME names."""
    if shutil.which("sha256sum"):
        subprocess.run(
            ["sha256sum", "--strict", "-c", "SHA256SUMS"],
            cwd=unpacked,
            check=True,
            capture_output=True,
        )
    if not shutil.which("openssl"):
        return
    command = [
        *("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "SHA256SUMS.p7s"),
        *("-content", "SHA256SUMS", "-CAfile", str(authority), "-purpose", "any"),
    ]
    done = subprocess.run(command, cwd=unpacked, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
    (unpacked / "SHA256SUMS").write_text("forged")
    assert subprocess.run(command, cwd=unpacked, check=False, capture_output=True).returncode != 0


async def test_without_a_certificate_there_is_no_signature(bridge: Bridge) -> None:
    name = await keep(bridge)
    body = await (await ask(bridge, name)).read()
    with zipfile.ZipFile(io.BytesIO(body)) as pack:
        assert f"{name}/SHA256SUMS" in pack.namelist()
        assert f"{name}/SHA256SUMS.p7s" not in pack.namelist()


async def test_a_file_that_is_not_what_it_was_is_no_evidence(bridge: Bridge) -> None:
    name = await keep(bridge)
    catalogue = bridge.process.recordings.catalogue
    path = catalogue.file(name)
    damaged = bytearray(DATA)
    damaged[len(DATA) // 2] ^= 1
    path.write_bytes(damaged)
    response = await ask(bridge, name)
    assert response.status == 409
    assert "does not have the checksum in the log" in (await response.json())["title"]
    assert catalogue.damaged == {name}
    assert await audited(bridge) == [("recording evidence", name, "damaged")]
    path.write_bytes(DATA)
    assert (await ask(bridge, name)).status == 200
    assert not catalogue.damaged, "it was brought back"


async def test_a_file_that_changes_meanwhile_breaks_the_download_off(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await keep(bridge)
    from bridge.reports import evidence

    real = evidence.check

    def check(path: Path) -> evidence.Checked:
        found = real(path)
        path.write_bytes(bytes(len(DATA)))
        return found

    monkeypatch.setattr(evidence, "check", check)
    response = await ask(bridge, name)
    with pytest.raises(aiohttp.ClientError):
        await response.read()


async def test_a_file_or_recording_that_is_not_there(bridge: Bridge) -> None:
    assert (await ask(bridge, "other-r1")).status == 404
    name = await keep(bridge)
    path = bridge.process.recordings.catalogue.file(name)
    path.unlink()
    assert (await ask(bridge, name)).status == 404
    assert (await bridge.call("GET", f"/recordings/{name}/evidence")).status == 401
    assert (
        await bridge.call("GET", f"/recordings/{name}/evidence", role="technician")
    ).status == 403


async def test_a_key_that_cannot_sign_is_said_before_anything_is_sent(bridge: Bridge) -> None:
    folder = bridge.process.certificate.authority_file.parent
    create(folder, ["localhost"], "Huyện", datetime.datetime.now(datetime.UTC))
    (folder / "server.key").write_text("nonsense")
    name = await keep(bridge)
    response = await ask(bridge, name)
    assert response.status == 409
    assert "cannot be signed" in (await response.json())["title"]


async def test_no_more_than_two_are_made_at_once(bridge: Bridge) -> None:
    name = await keep(bridge)
    packs = bridge.http.services.packs
    await packs.acquire()
    await packs.acquire()
    assert (await ask(bridge, name)).status == 503
    packs.release()
    assert (await ask(bridge, name)).status == 200


async def test_who_goes_away_leaves_room_for_the_next(bridge: Bridge) -> None:
    name = await keep(bridge)
    for _ in range(4):
        response = await ask(bridge, name)
        response.close()
    for _ in range(int(HANG * 50)):
        response = await ask(bridge, name)
        if response.status == 200:
            break
        await asyncio.sleep(0.02)
    body = await response.read()
    assert zipfile.ZipFile(io.BytesIO(body)).testzip() is None
