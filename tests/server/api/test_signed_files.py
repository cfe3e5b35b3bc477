"""Signed PDFs over REST: judged for anybody, and signed minutes kept, by their checksum in the
chain of the log."""

from __future__ import annotations

import hashlib

import pytest

from bridge.base.i18n import text
from bridge.conference import commands as c
from bridge.proof.pdf_signing import signed_with_file
from bridge.reports.minutes.as_pdf import as_pdf
from tests.control_support import Bridge
from tests.proof.certificates import Authority
from tests.reports.test_minutes import sheet


@pytest.fixture(scope="module")
def signed() -> bytes:
    person = Authority().certify("Trần Văn Minh")
    return signed_with_file(as_pdf(sheet()), person.p12("mk"), "mk")


async def judged(bridge: Bridge, data: bytes) -> dict[str, object]:
    """Anybody asks: no login."""
    answer = await bridge.client.post("/api/v1/verify", data=data)
    assert answer.status == 200, await answer.text()
    found: dict[str, object] = await answer.json()
    return found


def said(found: dict[str, object]) -> str:
    findings = found["findings"]
    assert isinstance(findings, list)
    return "\n".join(f"{each['state']}: {each['said']['en']}" for each in findings)


async def test_a_file_is_judged_by_a_process_with_limits(bridge: Bridge) -> None:
    """Here the process itself is the subject."""
    assert (await judged(bridge, b"%PDF-1.7 nothing"))["state"] == "false"


async def test_strangers_bring_a_few_files_at_once(bridge: Bridge) -> None:
    """Their files are in memory while they come: one more is sent away before it is read."""
    strangers = bridge.http.services.strangers
    while not strangers.locked():
        await strangers.acquire()
    answer = await bridge.client.post("/api/v1/verify", data=b"%PDF-1.7 nothing")
    assert answer.status == 503
    assert (await answer.json())["title"] == text("en", "pdf.busy")


@pytest.mark.usefixtures("worked_here")
async def test_signed_minutes_are_kept_and_known(bridge: Bridge, signed: bytes) -> None:
    conference = await bridge.open()
    await bridge.do(conference, c.End())
    before = await judged(bridge, signed)
    assert before["conference"] is None
    assert "open: This bridge's log does not have this file" in said(before)
    assert "over the whole file" in said(before)

    path = f"/conferences/{conference}/minutes"
    for _ in range(2):  # brought twice, noted once
        answer = await bridge.call("POST", path, data=signed, role="operator")
        assert answer.status == 200, await answer.text()
    listed = await (await bridge.call("GET", path, role="viewer")).json()
    digest = hashlib.sha256(signed).hexdigest()
    assert [(each["sha256"], each["signers"]) for each in listed] == [(digest, ["Trần Văn Minh"])]
    answer = await bridge.call("GET", f"{path}/{digest}", role="viewer")
    assert await answer.read() == signed
    [event] = await bridge.process.events.read("minutes")
    assert event.event.sha256 == digest  # type: ignore[union-attr]
    links = await bridge.process.events.links("minutes", 0)
    assert digest.encode() in links[0].line, "the checksum is in the chain"
    after = await judged(bridge, signed)
    assert after["conference"] == conference
    assert "proved: This bridge's log has this file" in said(after)


@pytest.mark.usefixtures("worked_here")
async def test_one_changed_octet_is_found_and_not_kept(bridge: Bridge, signed: bytes) -> None:
    conference = await bridge.open()
    place = signed.index(b"stream") + 40
    changed = signed[:place] + bytes([signed[place] ^ 1]) + signed[place + 1 :]
    found = await judged(bridge, changed)
    assert found["state"] == "false"
    assert "WAS CHANGED" in said(found)
    path = f"/conferences/{conference}/minutes"
    answer = await bridge.call("POST", path, data=changed, role="operator")
    assert answer.status == 422
    assert "WAS CHANGED" in (await answer.json())["title"]
    answer = await bridge.call("POST", path, data=as_pdf(sheet()), role="operator")
    assert answer.status == 422
    assert "no digital signature" in (await answer.json())["title"]
    assert await (await bridge.call("GET", path, role="viewer")).json() == []


@pytest.mark.usefixtures("worked_here")
async def test_whatever_is_brought_is_answered(bridge: Bridge, signed: bytes) -> None:
    assert (await judged(bridge, b""))["state"] == "open"
    for path in ("/conferences/none/minutes", "/conferences/minutes/minutes"):
        assert (await bridge.call("POST", path, data=signed, role="operator")).status == 404
        assert (await bridge.call("GET", path, role="viewer")).status == 404
    answer = await bridge.call("POST", "/conferences/none/minutes", data=signed, role="viewer")
    assert answer.status == 403
    conference = await bridge.open()
    for name in ("0" * 64, "..%2f..%2fkeys"):
        answer = await bridge.call(
            "GET", f"/conferences/{conference}/minutes/{name}", role="viewer"
        )
        assert answer.status == 404


async def test_the_page_needs_no_login(bridge: Bridge) -> None:
    answer = await bridge.client.get("/verify")
    assert answer.status == 200
    assert 'id="drop"' in await answer.text()
