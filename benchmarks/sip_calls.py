"""What calls with codecs cost the gateway: ``python -m benchmarks.sip_calls``.

Two baresips of Debian take part in one conference, each with a moving picture and a tone of files;
one is on air, so one is sent the other's picture. The processor time of the gateway's process is
read before and after, once with pictures that pass through (H.264) and once with pictures that are
coded anew both ways (a conference in VP8).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import socket
import sys
import tempfile
from pathlib import Path

import aiohttp
import yaml

from benchmarks.machine_facts import machine
from tests.live.codecs import baresip, missing
from tests.live.served import Served
from tests.live.support import free_port
from tests.waiting import eventually

CODECS = ("hoi-truong", "khoan-du")
GATEWAY = "127.0.12.210"
SETTLE = 5.0  # seconds from both being there to the first reading


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def gateway_of(state: Path) -> int:
    """The process id of the gateway whose socket lies there."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().split(b"\0")
            if b"bridge.sip" in words and str(state / "sip.sock").encode() in words:
                return int(path.parent.name)
    return 0


async def figures(http: aiohttp.ClientSession, port: int) -> dict[str, float]:
    async with http.get(f"http://127.0.0.1:{port}/metrics") as response:
        lines = (await response.text()).splitlines()
    pairs = (line.rpartition(" ") for line in lines if line.startswith("diemcau_"))
    return {name: float(value) for name, _, value in pairs}


def pictures(found: dict[str, float]) -> float:
    """Packets of pictures that came of one of the codecs."""
    wanted = ('point="khoan-du"', 'direction="up"', 'kind="video"', "media_packets_total")
    return sum(value for name, value in found.items() if all(word in name for word in wanted))


async def measured(video: str, height: int, seconds: float) -> str:
    """One conference with two codecs; a line of what it cost."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        made = [
            await stack.enter_async_context(
                baresip(folder / name, sound="PCMA", height=height, moving=True)
            )
            for name in CODECS
        ]
        served = Served(folder)
        document = yaml.safe_load(served.path.read_text("utf-8"))
        port = free_port(socket.SOCK_STREAM, "127.0.0.1")
        document["bridge"]["metrics"] = {"port": port}
        document["media"] = (document.get("media") or {}) | {"codec": video}
        document["bridge"]["sip"] = {"listen": GATEWAY, "port": 25060, "first_port": 31000}
        document["bridge"]["sip"]["last_port"] = 31100
        for point in document["points"]:
            if point["id"] in CODECS:
                codec = made[CODECS.index(point["id"])]
                point["sip"] = {"uri": codec.uri, "height": height, "packetization": "fragments"}
        served.path.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
        async with aiohttp.ClientSession() as served.http:
            await served.start()
            stack.push_async_callback(served.stop)
            opened = await served.call("POST", "/conferences", {"template": "giao-ban"})
            await served.command(opened["conference"], {"type": "start"})
            await served.until_present(opened["conference"], 2)
            pid = await eventually(lambda: gateway_of(served.state))
            await asyncio.sleep(SETTLE)
            before, began = cpu_seconds(pid), asyncio.get_running_loop().time()
            first = await figures(served.http, port)
            await asyncio.sleep(seconds)
            used, took = cpu_seconds(pid) - before, asyncio.get_running_loop().time() - began
            second = await figures(served.http, port)
            await served.stop()
        rate = (pictures(second) - pictures(first)) / took
        anew = second.get("diemcau_sip_transcoded_pictures", 0.0)
    return (
        f"{video}: {100 * used / took / len(CODECS):.1f} % of a core for each of {len(CODECS)} "
        f"calls ({height} lines, {rate:.0f} packets of pictures a second from each codec, "
        f"{anew:.0f} directions coded anew)"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sip_calls", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--height", type=int, default=360)
    options = parser.parse_args()
    if missing():
        print(missing(), file=sys.stderr)
        return 1
    print(", ".join(machine().values()))
    for video in ("h264", "vp8"):
        print(asyncio.run(measured(video, options.height, options.seconds)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
