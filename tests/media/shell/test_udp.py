"""The sockets' shell: what is queued for a receiver arrives as the same datagrams."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.media.shell.udp import MediaSockets
from tests.media.support import CLIENT, CLIENT_CM, Bench, camera, video, video_slot
from tests.waiting import HANG


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(HANG)
        yield sock


class Shell:
    """A core with real sockets and one receiver that is a real socket."""

    def __init__(self, receiver: socket.socket, *, cm: bool = False) -> None:
        self.bench = Bench()
        identity = CLIENT_CM if cm else CLIENT
        self.source = self.bench.join("a", (camera(ssrc=1000),))
        self.peer = self.bench.join("r", (), (video_slot("s", 5000),), identity=identity)
        self.bench.route("r", "s", "a")
        self.sockets = MediaSockets(self.bench.core, ["127.0.0.1"], 0)
        self.bench.core.transports["r"].address = receiver.getsockname()
        self.bench.core.transports["a"].address = None

    def send(self, sizes: list[int], start: int = 1) -> None:
        """The source sends packets of these payload sizes at once."""
        for number, size in enumerate(sizes, start):
            packet = self.source.tx.protect(video(number, key=True, size=size))
            self.bench.core.receive(packet, self.source.address, 0, self.bench.now)
        self.sockets.flush(self.bench.now)

    def arrived(self, receiver: socket.socket, count: int) -> list[int]:
        """Payload sizes of the datagrams that arrived, opened by libsrtp."""
        return [len(self.peer.rx.unprotect(receiver.recv(2048))) - 20 for _ in range(count)]


SIZES = [
    [300],
    [300, 300],
    [300] * 10,
    [300, 300, 200],
    [300, 200, 300],
    [200, 300, 300, 100, 100, 400, 50],
    [1100] * 70,
    [1100, 1099] * 20,
]


@pytest.mark.parametrize("cm", [False, True])
@pytest.mark.parametrize("gso", [False, True])
@pytest.mark.parametrize("sizes", SIZES)
def test_runs(receiver: socket.socket, sizes: list[int], gso: bool, cm: bool) -> None:
    shell = Shell(receiver, cm=cm)
    shell.sockets.gso = gso
    shell.send(sizes)
    assert shell.arrived(receiver, len(sizes)) == sizes
    counters = shell.bench.core.counters
    assert counters.sends_single + counters.gso_segments == len(sizes)
    assert gso or not counters.gso_batches
    shell.sockets.close()


def test_a_kernel_without_gso_is_noticed_once(
    receiver: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell(receiver)
    real = shell.sockets.sockets[0]
    refused = []

    class NoGso:
        def sendmsg(self, buffers: Any, ancillary: Any, flags: int, address: Any) -> int:
            if ancillary:
                refused.append(len(buffers))
                raise OSError(errno.EINVAL, "no")
            return real.sendmsg(buffers, ancillary, flags, address)

        def sendto(self, data: bytes, address: Any) -> int:
            return real.sendto(data, address)

    monkeypatch.setattr(shell.sockets, "sockets", [NoGso()])
    shell.send([300] * 5)
    shell.send([300] * 5, start=6)
    assert shell.arrived(receiver, 10) == [300] * 10
    assert refused == [10]
    assert shell.sockets.gso is False
    real.close()


@pytest.mark.parametrize(
    ("error", "reason"),
    [(BlockingIOError(), "send_blocked"), (OSError(errno.ENETUNREACH, "no"), "send_error")],
)
def test_what_cannot_be_sent_is_counted(
    receiver: socket.socket, monkeypatch: pytest.MonkeyPatch, error: OSError, reason: str
) -> None:
    shell = Shell(receiver)
    shell.sockets.close()

    class Broken:
        def sendmsg(self, *_: Any) -> int:
            raise error

        def sendto(self, *_: Any) -> int:
            raise error

    monkeypatch.setattr(shell.sockets, "sockets", [Broken()])
    shell.send([300])
    shell.send([300, 300, 200, 400], start=2)
    assert shell.bench.dropped(reason) >= 5


def test_the_transport_number_wraps_inside_a_batch(receiver: socket.socket) -> None:
    shell = Shell(receiver)
    shell.bench.core.transports["r"].cc_next = 65533
    shell.send([300] * 8)
    numbers = []
    for _ in range(8):
        packet = shell.peer.rx.unprotect(receiver.recv(2048))
        assert packet[16] == 0x51, "id 5, two octets"
        numbers.append(int.from_bytes(packet[17:19], "big"))
    assert numbers == [65533, 65534, 65535, 0, 1, 2, 3, 4]
    shell.sockets.close()


def test_a_taken_port_is_an_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="in use"):
            MediaSockets(Bench().core, ["127.0.0.1"], sock.getsockname()[1])
