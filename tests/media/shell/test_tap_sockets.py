"""The Unix socket of a tap: only its reader gets anything, and one that does not read costs nobody
else anything."""

from __future__ import annotations

import asyncio
import socket
import stat
from pathlib import Path

import pytest

from bridge.media.counters import Counters
from bridge.media.shell import tap_sockets
from bridge.media.shell.tap_sockets import TapSockets
from bridge.media.tap import Tap
from bridge.media.transport import Address
from tests.media.support import IDENTITY
from tests.media.test_tap import open_tap
from tests.waiting import eventually


def reader(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    sock.bind(str(path))
    return sock


class Ends:
    """A tap's two ends, and what the worker got of its reader."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "t.rtp"
        self.counters = Counters()
        self.got: list[tuple[bytes, Address]] = []
        self.tap = Tap(open_tap(path=str(self.path)), IDENTITY, 0.0)
        self.taps = TapSockets(folder, self.counters)

    def open(self) -> None:
        self.taps.follow({"tap": self.tap}, lambda *got: self.got.append(got))


def drained(sock: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(sock.recv(2048))
        except BlockingIOError:
            return found


async def test_packets_come_in_order_however_many_wait(tmp_path: Path) -> None:
    ends = Ends(tmp_path)
    with reader(ends.path) as sock:
        ends.open()
        sent = [number.to_bytes(4, "big") for number in range(1000)]
        for packet in sent:
            ends.taps.send("tap", packet)
        found: list[bytes] = []

        def all_there() -> bool:
            found.extend(drained(sock))
            return len(found) == len(sent)

        await eventually(all_there)
        assert found == sent
        assert not ends.counters.dropped["tap_full"]
        ends.taps.close()


async def test_a_reader_that_does_not_read_loses_packets_and_memory_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tap_sockets, "QUEUE_PACKETS", 50)
    ends = Ends(tmp_path)
    with reader(ends.path) as sock:
        ends.open()
        for number in range(2000):
            ends.taps.send("tap", number.to_bytes(4, "big"))
        lost = ends.counters.dropped["tap_full"]
        assert lost >= 2000 - 50 - 1000
        kept = drained(sock)
        assert kept
        assert kept == [n.to_bytes(4, "big") for n in range(len(kept))]
        ends.taps.close()


async def test_a_reader_that_comes_back_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tap_sockets, "RETRY", 0.0)
    ends = Ends(tmp_path)
    ends.open()
    ends.taps.send("tap", b"lost")
    assert ends.counters.dropped["tap_full"] == 1
    for _ in range(2):
        with reader(ends.path) as sock:
            ends.taps.send("tap", b"there")
            assert drained(sock) == [b"there"]
        ends.path.unlink()
        ends.taps.send("tap", b"lost")
    ends.taps.close()
    assert ends.counters.dropped["tap_full"] == 3


async def test_the_worker_hears_its_reader_only(tmp_path: Path) -> None:
    ends = Ends(tmp_path)
    with reader(ends.path) as sock, reader(tmp_path / "stranger.rtp") as stranger:
        ends.open()
        own = tmp_path / "t.rtcp"
        assert stat.S_IMODE(own.stat().st_mode) == 0o600
        with pytest.raises(PermissionError):
            stranger.sendto(b"forged", str(own))
        sock.sendto(b"report", str(own))
        await eventually(lambda: bool(ends.got))
        assert ends.got == [(b"report", ("tap", "tap"))]
        ends.taps.follow({}, lambda *_: None)
        assert not own.exists(), "a closed tap leaves nothing behind"
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("t.rtp", True), ("t.sock", False), ("../t.rtp", False), ("x/t.rtp", False), ("", False)],
)
def test_only_names_in_the_own_folder_are_allowed(tmp_path: Path, path: str, allowed: bool) -> None:
    taps = TapSockets(tmp_path, Counters())
    assert taps.allows(f"{tmp_path}/{path}") is allowed
    assert not taps.allows("/etc/passwd.rtp")
