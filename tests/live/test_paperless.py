"""A meeting without paper, in real browsers: rooms follow the presenter, vote, and one comes late.
The minutes are drafted and signed with a token (SoftHSM2); poppler's `pdfsig`, `bridge.py verify`
and the page `/verify` find them right, and wrong with one changed octet."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from playwright.async_api import Browser, FilePayload, Page

from bridge.app.process import ControlProcess
from bridge.conference import commands as c
from tests.live.browsers import chromium, new_page, open_room, text_is
from tests.live.paper_rooms import FETCHED, NO_DEVICES, brought, called, shown_at, shows
from tests.live.support import act, bridge_process, only, started
from tests.papers.support import pdf
from tests.paths import ROOT
from tests.proof.certificates import Authority
from tests.waiting import eventually

pytestmark = pytest.mark.browser

ROOMS = ("khoan-du", "chi-ne", "an-binh")
LATE = "hung-thi"
PAGES = 40
TURNS = 10
TITLE = "Thông qua kế hoạch"
TOOLS = shutil.which("softhsm2-util") is not None and shutil.which("pdfsig") is not None
PIN = "123456"
LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so")


class Token:
    """A token of SoftHSM2 in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        (folder / "tokens").mkdir()
        config = folder / "softhsm2.conf"
        config.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
        self.environment = {**os.environ, "SOFTHSM2_CONF": str(config)}
        self.library = next(name for name in LIBRARIES if Path(name).exists())

    def run(self, *line: str, code: int = 0) -> str:
        done = subprocess.run(
            line,
            check=False,
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=240,
            env=self.environment,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


def altered(pdf: bytes) -> bytes:
    """The file with one other octet, in what is shown of its first page."""
    place = pdf.index(b"stream") + 40
    return pdf[:place] + bytes([pdf[place] ^ 1]) + pdf[place + 1 :]


async def test_a_meeting_without_paper_from_the_first_page_to_the_signature(tmp_path: Path) -> None:
    async with bridge_process(tmp_path) as process, chromium() as browser:
        rooms = [await open_room(browser, process, point, script=NO_DEVICES) for point in ROOMS]
        conference = await started(process)
        kept = await brought(process, conference, pdf(PAGES))
        paper = kept["id"]
        await eventually(lambda: paper in only(process).papers)
        await act(process, conference, c.ShowPage(paper=paper, page=1))
        for room in rooms:
            await shows(room, 1)
        slowest = []
        for page in range(2, 2 + TURNS):
            asked = time.time()
            await act(process, conference, c.ShowPage(page=page))
            for room in rooms:
                await shows(room, page)
            slowest.append(max([await shown_at(room) for room in rooms]) - asked)
        sizes = await rooms[0].evaluate(FETCHED)
        print(
            f"page turn → shown in the slowest of {len(rooms)} rooms: median "
            f"{statistics.median(slowest) * 1e3:.0f} ms, worst {max(slowest) * 1e3:.0f} ms; "
            f"{sum(sizes) / len(sizes) / 1e3:.1f} kB a page"
        )
        # One leafs by itself, and is not torn away when the presenter goes on.
        first = rooms[0]
        await first.keyboard.press("PageUp")
        await shows(first, TURNS)
        await act(process, conference, c.ShowPage(page=20))
        await shows(rooms[1], 20)
        await shows(first, TURNS)
        await text_is(first, "#paper-mode", "tự xem riêng")
        await first.keyboard.press("Home")
        await shows(first, 20)
        late = await open_room(browser, process, LATE, script=NO_DEVICES)
        await shows(late, 20)
        await vote(process, conference, rooms)
        await act(process, conference, c.PutAway())
        await late.wait_for_selector("#paper-stage", state="hidden")
        # A room opens papers by itself, too, until they are collected.
        await late.click("#papers-open")
        await late.click("#paper-list button")
        await shows(late, 1)
        await act(process, conference, c.End())
        await late.wait_for_selector("#paper-stage", state="hidden")
        await late.wait_for_selector("#papers-open", state="hidden")
        for room in (*rooms, late):
            assert room.problems == []  # type: ignore[attr-defined]
            await room.close()
        minutes = await called(process, "GET", f"/conferences/{conference}/minutes.pdf?number=1")
        document = pdfium.PdfDocument(minutes)
        words = "".join(
            "".join(page.get_textpage().get_text_bounded().split()) for page in document
        )
        for expected in ("Kếhoạch.pdf", kept["sha256"], TITLE.replace(" ", "")):
            assert expected in words
        if not TOOLS:
            pytest.skip("needs softhsm2 and poppler-utils (tests/setup.sh)")
        signed = await asyncio.to_thread(signed_by_three, tmp_path, minutes)
        await checked_in_the_page(browser, process, signed)


async def vote(process: ControlProcess, conference: str, rooms: Sequence[Page]) -> None:
    """The rooms vote: two for, one against."""
    await act(process, conference, c.OpenVote(title=TITLE, points=ROOMS))
    for room, key in zip(rooms, "112", strict=True):
        await text_is(room, "#vote-title", TITLE)
        await room.keyboard.press(key)
    await eventually(lambda: len(only(process).votes[0].ballots) == len(ROOMS))
    await act(process, conference, c.CloseVote())
    result = only(process).votes[0].result
    assert result is not None
    assert result.counts == {"for": 2, "against": 1, "abstain": 0}
    for room in rooms:
        await text_is(room, "#vote-said", "ĐƯỢC THÔNG QUA")


def signed_by_three(folder: Path, minutes: bytes) -> bytes:
    """Minutes with three signatures, the first of a file, the others of a token; checked by others
    than the page."""
    token, authority = Token(folder), Authority()
    people = {"chair": authority.certify("Trần Văn Minh", kind="rsa")}
    people["clerk"] = authority.certify("Lê Thị Hoa")
    files = {"root.pem": authority.pem, "pin": PIN.encode(), "minutes-0.pdf": minutes}
    files |= {"lan.p12": authority.certify("Nguyễn Thị Lan").p12("mk"), "mk": b"mk"}
    files |= {"wrong": b"999999"}
    for name, person in people.items():
        files |= {f"{name}.key": person.pkcs8, f"{name}.pem": person.pem}
    for name, data in files.items():
        (folder / name).write_bytes(data)

    def at(name: str) -> str:
        return str(folder / name)

    pins = ("--pin", PIN, "--so-pin", PIN)
    token.run("softhsm2-util", "--init-token", "--free", "--label", "ubnd", *pins)
    for number, name in enumerate(people, 1):
        token.run(
            *("softhsm2-util", "--import", at(f"{name}.key"), "--token", "ubnd"),
            *("--label", name, "--id", f"0{number}", "--pin", PIN),
        )

    bridge = (sys.executable, str(ROOT / "bridge.py"))
    sign = (*bridge, "minutes", "sign")
    p12 = ("--p12", at("lan.p12"), "--secret-file", at("mk"))
    token.run(*sign, at("minutes-0.pdf"), at("minutes-1.pdf"), *p12)
    for number, name in enumerate(people, 1):
        line = (
            *(*sign, at(f"minutes-{number}.pdf"), at(f"minutes-{number + 1}.pdf")),
            *("--library", token.library, "--token", "ubnd", "--key", name),
            *("--certificate", at(f"{name}.pem"), "--secret-file"),
        )
        if number == 1:
            assert "PIN" in token.run(*line, at("wrong"), code=1)
        token.run(*line, at("pin"))

    said = token.run("pdfsig", "-nocert", at("minutes-3.pdf"))
    assert len(re.findall("Signature is Valid", said)) == 3, said
    assert "Total document signed" in said
    trust = ("--trust", at("root.pem"), "--language", "en")
    shown = token.run(*bridge, "verify", at("minutes-3.pdf"), *trust)
    assert "Signature 3 (Lê Thị Hoa" in shown

    (folder / "false.pdf").write_bytes(altered((folder / "minutes-3.pdf").read_bytes()))
    said = token.run("pdfsig", "-nocert", at("false.pdf"))
    assert "Signature is Valid" not in said, said
    shown = token.run(*bridge, "verify", at("false.pdf"), *trust, code=1)
    assert "WAS CHANGED" in shown
    return (folder / "minutes-3.pdf").read_bytes()


async def checked_in_the_page(browser: Browser, process: ControlProcess, signed: bytes) -> None:
    """Chosen in a browser that nobody is logged in with: right, then with one other octet."""
    page = await new_page(browser)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    await page.goto(f"{process.url}/verify")
    for name, data, state in (("a.pdf", signed, "open"), ("b.pdf", altered(signed), "false")):
        chosen = FilePayload(name=name, mimeType="application/pdf", buffer=data)
        await page.set_input_files("#file", chosen)
        await page.wait_for_function(
            "name => document.querySelector('#name').textContent === name || "
            "document.querySelector('#error').textContent.length > 40",
            arg=name,
            timeout=170_000,  # the bridge's own limit, on a busy machine
        )
        assert await page.inner_text("#error") == ""
        assert await page.get_attribute("#verdict", "data-state") == state
        found = await page.inner_text("#findings")
        assert "Trần Văn Minh" in found
        assert ("ĐÃ BỊ THAY ĐỔI" in found) == (state == "false")
    assert problems == []
