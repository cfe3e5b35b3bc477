"""Who floods the SIP gateway and guesses passwords: sipp of Debian, beside a call that goes on."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from pathlib import Path

import pytest

from bridge.sip.gateway import Gateway
from bridge.sip.wire.budgets import CALLS, MESSAGES
from tests.live import codecs
from tests.live.codecs import baresip
from tests.live.sip_bridges import CODEC, bridge, gateway
from tests.live.support import free_port, only, started
from tests.paths import ROOT
from tests.waiting import HANG, eventually

SIPP = shutil.which("sipp")
MISSING = codecs.missing() or ("" if SIPP else "sipp is missing: apt-get install sip-tester")
pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING or "there")

SCENARIOS = ROOT / "tests" / "live" / "sip_scenarios"
FLOODS, GUESSES = "127.0.12.66", "127.0.12.67"
FLOOD = 600  # INVITEs


async def sipp(
    folder: Path, scenario: str, host: str, sip: Gateway, *options: str
) -> tuple[str, float]:
    """Run a scenario to its end from an address; the messages that it noted, and the seconds that
    it took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    folder.mkdir()
    address, port = sip.element.transport.local_addr
    assert SIPP is not None
    process = await asyncio.create_subprocess_exec(
        *(SIPP, f"{address}:{port}", "-sf", str(SCENARIOS / scenario), "-i", host),
        *("-p", str(free_port(socket.SOCK_DGRAM, host)), "-nostdin", "-timeout", "60"),
        *("-default_behaviors", "none", "-trace_msg", "-message_file", "messages", *options),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=folder,
    )
    try:
        async with asyncio.timeout(HANG):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return (folder / "messages").read_text("utf-8", "replace"), loop.time() - began


def arrivals(sip: Gateway, host: str) -> list[bytes]:
    """The datagrams from a host, as they come to the gateway. Those of a flood that come while
    this process has no core are more than the kernel keeps."""
    transport, found = sip.element.transport, list[bytes]()
    take = transport.take

    def taken(data: bytes, source: tuple[str, int]) -> None:
        if source[0] == host:
            found.append(data)
        take(data, source)

    transport.take = taken  # type: ignore[method-assign]
    return found


async def test_a_flood_and_guesses_are_bounded_and_disturb_no_call(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        process = await stack.enter_async_context(bridge(tmp_path / "state", "h264"))
        codec = await stack.enter_async_context(baresip(tmp_path / "codec"))
        sip = await stack.enter_async_context(
            gateway(
                *(process, codec.uri),
                answer="digest",
                digest="md5",
                user="codec",
                password="chim-se",
            )
        )
        await started(process)
        await eventually(lambda: only(process).seats[CODEC].present)
        (before,) = sip.calls()
        running = sip.codecs[CODEC].call
        arrived = arrivals(sip, FLOODS)

        (flood, took), (guesses, _) = await asyncio.gather(
            sipp(tmp_path / "flood", "flood.xml", FLOODS, sip, "-m", f"{FLOOD}", "-r", f"{FLOOD}"),
            sipp(
                *(tmp_path / "guesses", "guess.xml", GUESSES, sip),
                *("-m", "5", "-l", "1", "-r", "1", "-rp", "2000", "-au", "codec", "-ap", "chim"),
            ),
        )
        assert flood.count("INVITE sip:cau") == FLOOD
        # Nothing is answered more than once, what is beyond a source's budget not at all.
        refused = sip.figures.refused
        answered = flood.count("\nUDP message received")
        assert 1 <= len(arrived) - refused["flood"] <= CALLS[1] + 1 + CALLS[0] * took
        assert 1 <= answered <= min(FLOOD, MESSAGES[1] + 1 + MESSAGES[0] * took)
        assert "SIP/2.0 503" in flood
        assert "SIP/2.0 200" not in flood
        assert refused["flood"] >= len(arrived) / 2
        # Three guesses are free, then a source waits.
        assert 3 <= refused["digest"] <= 5
        assert refused["throttled"] >= 1
        assert guesses.count("Too Many Wrong Passwords") >= 1
        assert sip.figures.answered == 0

        (after,) = sip.calls()
        assert sip.codecs[CODEC].call is running
        assert after.received > before.received
        assert after.sent > before.sent
        assert codec.happened("CALL_CLOSED") == 0
        await codec.command("sndcode", "1")
        await eventually(lambda: [r.point for r in only(process).queue] == [CODEC])
