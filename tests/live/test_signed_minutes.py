"""Minutes signed with a token (SoftHSM2): poppler's `pdfsig` says so, and `bridge.py verify`, too;
one changed octet is found by both."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.async_api import FilePayload

from bridge.proof.pdf_signing import signed_with_file
from bridge.reports.minutes.as_pdf import as_pdf
from tests.live.browsers import chromium, new_page
from tests.live.support import bridge_process
from tests.paths import ROOT
from tests.proof.certificates import Authority
from tests.reports.test_minutes import sheet

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


@pytest.mark.skipif(not TOOLS, reason="needs softhsm2 and poppler-utils (tests/setup.sh)")
def test_signed_with_a_token_and_checked_by_others(tmp_path: Path) -> None:
    token, authority = Token(tmp_path), Authority()
    people = {"chair": authority.certify("Trần Văn Minh", kind="rsa")}
    people["clerk"] = authority.certify("Lê Thị Hoa")
    files = {"root.pem": authority.pem, "pin": PIN.encode(), "minutes-0.pdf": as_pdf(sheet())}
    files |= {"lan.p12": authority.certify("Nguyễn Thị Lan").p12("mk"), "mk": b"mk"}
    files |= {"wrong": b"999999"}
    for name, person in people.items():
        files |= {f"{name}.key": person.pkcs8, f"{name}.pem": person.pem}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)

    def at(name: str) -> str:
        return str(tmp_path / name)

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
        assert "PIN" in token.run(*line, at("wrong"), code=1)
        token.run(*line, at("pin"))

    said = token.run("pdfsig", "-nocert", at("minutes-3.pdf"))
    assert len(re.findall("Signature is Valid", said)) == 3, said
    assert "Total document signed" in said
    trust = ("--trust", at("root.pem"), "--language", "en")
    shown = token.run(*bridge, "verify", at("minutes-3.pdf"), *trust)
    assert "Signature 3 (Lê Thị Hoa" in shown

    (tmp_path / "false.pdf").write_bytes(altered((tmp_path / "minutes-3.pdf").read_bytes()))
    said = token.run("pdfsig", "-nocert", at("false.pdf"))
    assert "Signature is Valid" not in said, said
    shown = token.run(*bridge, "verify", at("false.pdf"), *trust, code=1)
    assert "WAS CHANGED" in shown


@pytest.mark.browser
async def test_the_page_says_what_a_file_proves(tmp_path: Path) -> None:
    """Chosen in a browser that nobody is logged in with: right, then with one other octet."""
    pdf = as_pdf(sheet())
    person = Authority().certify("Trần Văn Minh")
    pdf = await asyncio.to_thread(signed_with_file, pdf, person.p12("mk"), "mk")
    async with bridge_process(tmp_path) as process, chromium() as browser:
        page = await new_page(browser)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        await page.goto(f"{process.url}/verify")
        for name, data, state in (("a.pdf", pdf, "open"), ("b.pdf", altered(pdf), "false")):
            brought = FilePayload(name=name, mimeType="application/pdf", buffer=data)
            await page.set_input_files("#file", brought)
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
