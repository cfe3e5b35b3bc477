"""Media of a light peer over IPv4 and IPv6, whatever its own address is."""

from __future__ import annotations

import asyncio
import socket

import pytest

from endpoints.webrtc.light_sdp import Answer, Credentials, read_answer
from endpoints.webrtc.light_transport import LightTransport
from tests.waiting import HANG

HEAD = "v=0\r\nm=audio 9\r\nm=video 9\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\n"
ANSWER = HEAD + "a=fingerprint:sha-256 AA:BB\r\n"
SIX = "a=candidate:1 1 udp 2113 2001:db8::5 7000 typ host\r\n"
FOUR = "a=candidate:2 1 udp 2112 192.0.2.5 7000 typ host\r\n"


@pytest.mark.parametrize(
    ("candidates", "address"),
    [(SIX, "2001:db8::5"), (FOUR, "192.0.2.5"), (SIX + FOUR, "192.0.2.5")],
)
def test_where_the_bridge_listens(candidates: str, address: str) -> None:
    assert read_answer(ANSWER + candidates, [], []).address == (address, 7000)


@pytest.mark.parametrize("own", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("bridge", ["127.0.0.1", "::1"])
async def test_the_bridge_is_reached_at_its_address(own: str, bridge: str) -> None:
    family = socket.AF_INET6 if ":" in bridge else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as there:
        there.setblocking(False)
        there.bind((bridge, 0))
        made = LightTransport(
            own, None, on_rtp=lambda _: None, on_rtcp=lambda _: None, on_lost=lambda: None
        )
        answer = Answer(Credentials("u", "p" * 22, "AA"), there.getsockname()[:2], {})
        connect = asyncio.create_task(made.connect(answer))
        try:
            async with asyncio.timeout(HANG):
                check = await asyncio.get_running_loop().sock_recv(there, 2048)
            assert check[:2] == b"\x00\x01"  # a binding request (RFC 8489)
        finally:
            connect.cancel()
            await asyncio.gather(connect, return_exceptions=True)
            made.close()
