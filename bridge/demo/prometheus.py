"""Runs Debian's Prometheus beside the demo, with a configuration made from the example for
admins."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import yaml

from bridge.demo.ports import free_port

FOLDER = Path(__file__).parent.parent.parent / "monitoring"
DASHBOARDS = FOLDER / "grafana" / "dashboards"
LOOPBACK = "127.0.0.1"
INTERVAL = "2s"  # of the demo's scrapes: somebody watches
READY = 20.0  # seconds
STOP = 5.0


class NoPrometheus(Exception):
    """Prometheus is not installed, or did not start; the text says what to do."""


def configuration(metrics_url: str, bridge_url: str, interval: str = INTERVAL) -> str:
    """A Prometheus configuration: the example for admins, with the demo's addresses in it."""
    document = yaml.safe_load((FOLDER / "prometheus" / "prometheus.yml").read_text("utf-8"))
    document["global"] |= {"scrape_interval": interval, "evaluation_interval": interval}
    document["global"]["external_labels"]["bridge_url"] = bridge_url
    document["rule_files"] = [str(FOLDER / "prometheus" / "rules.yml")]
    del document["alerting"]
    target = metrics_url.partition("://")[2]
    document["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
    return yaml.safe_dump(document, allow_unicode=True)


@contextlib.asynccontextmanager
async def prometheus(
    metrics_url: str, bridge_url: str, folder: Path, interval: str = INTERVAL
) -> AsyncIterator[str]:
    """Run a Prometheus on loopback that scrapes the demo; yields its address. Raises
    `NoPrometheus`."""
    program = shutil.which("prometheus")
    if program is None:
        raise NoPrometheus(
            "There is no prometheus on this machine. Install it (apt-get install prometheus), "
            "or leave --monitoring out."
        )
    if not metrics_url:
        raise NoPrometheus("The demo's metrics are not served: their port is taken.")
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "prometheus.yml"
    config.write_text(configuration(metrics_url, bridge_url, interval), "utf-8")
    port = free_port(LOOPBACK, socket.SOCK_STREAM)
    log = (folder / "prometheus.log").open("wb")
    process = await asyncio.create_subprocess_exec(
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={LOOPBACK}:{port}",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=dict(os.environ),
        start_new_session=True,
    )
    log.close()
    url = f"http://{LOOPBACK}:{port}"
    try:
        await _ready(process, url)
        yield url
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(STOP):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def _ready(process: asyncio.subprocess.Process, url: str) -> None:
    async with aiohttp.ClientSession() as http:
        deadline = asyncio.get_running_loop().time() + READY
        while asyncio.get_running_loop().time() < deadline and process.returncode is None:
            with contextlib.suppress(aiohttp.ClientError, OSError):
                async with http.get(f"{url}/-/ready") as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.1)
    raise NoPrometheus("Prometheus did not start within 20 seconds.")
