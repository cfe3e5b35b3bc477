"""The example for Alertmanager: what is critical hides what is a warning, and a bridge that is
down hides its points. By Debian's Alertmanager itself."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from tests.live.support import free_port
from tests.paths import ROOT
from tests.waiting import HANG

EXAMPLE = ROOT / "monitoring" / "alertmanager" / "alertmanager.yml"
PROGRAM = shutil.which("prometheus-alertmanager")

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs Debian's prometheus-alertmanager")


@contextlib.asynccontextmanager
async def alertmanager(folder: Path) -> AsyncIterator[str]:
    """The example as it is, but for its receivers: nothing may leave this machine."""
    document = yaml.safe_load(EXAMPLE.read_text("utf-8"))
    document["receivers"] = [{"name": r["name"]} for r in document["receivers"]]
    config = folder / "alertmanager.yml"
    config.write_text(yaml.safe_dump(document), "utf-8")
    port = free_port(socket.SOCK_STREAM, "127.0.0.1")
    assert PROGRAM is not None
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        f"--config.file={config}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/api/v2"
    try:
        async with aiohttp.ClientSession() as http, asyncio.timeout(HANG):
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with http.get(f"{url}/status") as response:
                        if response.status == 200:
                            break
                await asyncio.sleep(0.05)
        yield url
    finally:
        process.terminate()
        await process.wait()


def alert(name: str, severity: str, point: str = "", instance: str = "b") -> dict[str, Any]:
    labels = {"alertname": name, "severity": severity, "instance": instance}
    return {"labels": labels | ({"point": point} if point else {})}


ALERTS = [
    alert("LossHigh", "warning", "khoan-du"),
    alert("LossCritical", "critical", "khoan-du"),
    alert("RttHigh", "warning", "an-binh"),
    alert("DiskLow", "warning"),
    alert("PointMissing", "critical", "yen-bong", instance="down"),
    alert("DiskLow", "warning", instance="down"),
    alert("BridgeDown", "critical", instance="down"),
    alert("WorkerDown", "critical", instance="without worker"),
    alert("PointMissing", "critical", "khoan-du", instance="without worker"),
]
HIDDEN = {
    ("LossHigh", "b", "khoan-du"),
    ("PointMissing", "down", "yen-bong"),
    ("DiskLow", "down", ""),
    ("PointMissing", "without worker", "khoan-du"),
}


async def test_inhibition(tmp_path: Path) -> None:
    async with alertmanager(tmp_path) as url, aiohttp.ClientSession() as http:
        async with http.post(f"{url}/alerts", json=ALERTS) as response:
            assert response.status == 200
        async with asyncio.timeout(HANG):
            while True:
                async with http.get(f"{url}/alerts") as response:
                    found = await response.json()
                hidden = {
                    (label["alertname"], label["instance"], label.get("point", ""))
                    for label in (i["labels"] for i in found if i["status"]["inhibitedBy"])
                }
                # An alert may be told of before those that hide others were taken in.
                if len(found) == len(ALERTS) and hidden >= HIDDEN:
                    break
                await asyncio.sleep(0.1)
        assert not any(item["status"]["state"] == "unprocessed" for item in found)
        assert hidden == HIDDEN
        receivers = {i["labels"]["severity"]: [r["name"] for r in i["receivers"]] for i in found}
        assert receivers == {"critical": ["on-duty"], "warning": ["technicians"]}
