"""A whole demo run, all its processes logging at *info*: no address, token, SDP password or
person's name is in any line."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from bridge.app.credentials import LOCAL_ADDRESS, LOCAL_TOKEN
from bridge.base import logs
from tests.paths import ROOT
from tests.waiting import HANG

PERSON, PASSWORD = "nguyen.thi.hoa", "mot-mat-khau-rat-dai"
ADDRESS = re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|(?<!:):(?::[0-9a-f]{1,4})+\b|fe80:")


async def found(path: Path) -> str:
    async with asyncio.timeout(HANG):
        while not path.exists() or not path.read_text("utf-8").strip():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return path.read_text("utf-8").strip()


async def happenings(url: str, local: str, secrets: set[str]) -> None:
    """People log in, mistype, direct a conference; a stranger tries keys; a room offers junk."""
    admin = {"Authorization": f"Bearer {local}"}
    async with aiohttp.ClientSession(
        url, cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"Origin": url}
    ) as http:

        async def call(method: str, path: str, status: int, **arguments: Any) -> Any:
            async with http.request(method, f"/api/v1{path}", **arguments) as response:
                assert response.status == status, (path, response.status, await response.text())
                if "json" in response.content_type:
                    return await response.json()
                return await response.text()

        made = await call(
            "POST", "/users", 201, headers=admin, json={"name": PERSON, "role": "operator"}
        )
        secrets.add(made["password"])
        await call("POST", "/login", 401, json={"name": PERSON, "password": "sai-mat-khau-roi"})
        await call("POST", "/login", 200, json={"name": PERSON, "password": made["password"]})
        await call("POST", "/password", 204, json={"old": made["password"], "new": PASSWORD})
        opened = await call("POST", "/conferences", 201, json={"template": "giao-ban"})
        ident = opened["conference"]
        await call("POST", f"/conferences/{ident}/commands", 200, json={"text": "start"})
        await call("POST", f"/conferences/{ident}/commands", 409, json={"text": "take nowhere"})
        await call("POST", "/sessions", 401, json={"point": "khoan-du", "key": "khong-phai-khoa"})
        session = await call("POST", "/sessions", 201, json={"kind": "console"})
        secrets.add(session["session"])
        headers = {
            "Authorization": f"Bearer {session['session']}",
            "Content-Type": "application/sdp",
        }
        sdp = "v=0\r\na=ice-pwd:verysecretpassword0123456\r\n"
        await call("POST", "/offer", 400, headers=headers, data=sdp)
        async with http.ws_connect("/api/v1/ws") as socket:
            await socket.send_json({"type": "hello", "version": 2, "session": session["session"]})
            await socket.receive_json()
            await socket.send_str('{"type": "take", "user": "nguyen.thi.hoa"}')
            await socket.receive_json()


async def test_a_whole_demo_run(tmp_path: Path) -> None:
    document = yaml.safe_load((ROOT / "config" / "lac-thuy.yaml").read_text("utf-8"))
    document["bridge"]["state"] = "state"
    file = tmp_path / "topology.yaml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    (tmp_path / "tmp").mkdir()
    journal = tmp_path / "journal"
    with journal.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "bridge.py", "demo", "--no-browser", "--points", "4"),
            *("--file", str(file), "--impair", "phong-hop:loss-down=5%"),
            cwd=ROOT,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=output,
            env={**os.environ, logs.LEVEL: "INFO", "TMPDIR": str(tmp_path / "tmp")},
        )
        secrets: set[str] = set()
        try:
            local = await found(tmp_path / "state" / LOCAL_TOKEN)
            url = await found(tmp_path / "state" / LOCAL_ADDRESS)
            keys = next((tmp_path / "tmp").glob("*/keys.yaml"))
            secrets |= {local, *yaml.safe_load(keys.read_text("utf-8")).values()}
            await happenings(url, local, secrets)
            # Every point with its media; then one worker is killed, and all come back.
            async with asyncio.timeout(HANG):
                while journal.read_text("utf-8").count('"point_joined"') < 4:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        finally:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(ProcessLookupError):
                await process.wait()
    text = journal.read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    named = {line["process"] for line in lines}
    assert {"control", "worker", "points"} <= named <= {"control", "worker", "points", "programme"}
    said = {line["event"] for line in lines}
    assert {"opened", "started", "point_joined"} <= said
    assert any(line.get("command") and line.get("conference") for line in lines)
    assert any(line.get("point") == "chi-ne" for line in lines)
    assert len(lines) > 30
    for secret in secrets | {PASSWORD, "verysecretpassword0123456", "khong-phai-khoa"}:
        assert secret not in text
    assert PERSON not in text
    assert "hoa" not in text.lower().split()
    assert not ADDRESS.search(re.sub(r'"timestamp": "[^"]*"', "", text))
