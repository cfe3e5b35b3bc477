"""The socket of a relay: one for each, and it takes what comes from the far end alone."""

from __future__ import annotations

import socket

from msgspec.structs import replace

from bridge.media import messages as m
from bridge.media.counters import Counters
from bridge.media.relay_end import NoDtls, RelaySender, own_address
from bridge.media.shell.relay_sockets import RelaySockets
from bridge.media.transport import Address
from tests.media.relays import keys, sending
from tests.media.support import IDENTITY
from tests.waiting import eventually


def bound(host: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.settimeout(30)
    return sock


def relay(far: socket.socket) -> RelaySender:
    host, port = far.getsockname()
    spec = replace(sending(keys()[0]), far=m.MediaAddress(host=host, port=port))
    return RelaySender(spec, NoDtls(IDENTITY), 0.0)


async def test_what_comes_from_elsewhere_is_counted_and_nothing_else_happens() -> None:
    heard: list[tuple[bytes, Address]] = []
    counters = Counters()
    with bound("127.0.0.1") as far, bound("127.0.0.1") as stranger:
        sockets = RelaySockets(counters, lambda sock, octets: None)
        there = {"relay": relay(far)}
        (opened,) = sockets.follow(there, lambda data, address: heard.append((data, address)))
        assert sockets.follow(there, lambda data, address: None) == []
        own = (opened.address.host, opened.address.port)
        sockets.send("relay", b"\x80\x60" + bytes(20))
        assert far.recvfrom(100)[1] == own
        stranger.sendto(b"\x80\xc9" + bytes(10), own)
        far.sendto(b"\x00\x01" + bytes(18), own)  # a check: there is nothing to negotiate
        far.sendto(b"\x80\xc9" + bytes(10), own)
        await eventually(lambda: len(heard) == 1)
        await eventually(lambda: counters.dropped["unknown_address"] == 1)
        await eventually(lambda: counters.dropped["unknown_class"] == 1)
        assert heard == [(b"\x80\xc9" + bytes(10), own_address("relay"))]
        assert sockets.follow({}, lambda data, address: None) == []
        sockets.send("relay", b"gone")
        sockets.close()
