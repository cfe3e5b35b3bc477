"""The sockets' shell: what is queued for a receiver arrives as the same datagrams. On the compiled
path they go through real sockets both ways: its own recvmmsg and sendmmsg."""

from __future__ import annotations

import errno
import select
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from bridge.media.shell.udp import MediaSockets
from tests.media.support import CLIENT, CLIENT_CM, Bench, camera, video, video_slot
from tests.waiting import HANG

SO_NO_CHECK = 11  # asm-generic/socket.h; Linux refuses segmentation together with it
LOCAL_BROADCAST = ("127.255.255.255", 9)  # nothing is sent there without SO_BROADCAST


def bound(host: str = "127.0.0.1") -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.settimeout(HANG)
    return sock


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with bound() as sock:
        yield sock


class Shell:
    """A core with real sockets, a source, and one receiver that is a real socket."""

    def __init__(
        self,
        receiver: socket.socket,
        path: str,
        *,
        cm: bool = False,
        gso: bool = True,
        host: str = "127.0.0.1",
        more: Sequence[str] = (),
    ) -> None:
        self.bench = b = Bench(path="shared" if path == "compiled" else "python")
        self.sender = bound(host)
        self.source = b.join("a", (camera(ssrc=1000),), address=self.sender.getsockname())
        self.peer = b.join(
            "r",
            (),
            (video_slot("s", 5000),),
            identity=CLIENT_CM if cm else CLIENT,
            address=receiver.getsockname(),
        )
        b.route("r", "s", "a")
        self.sockets = MediaSockets(b.core, [host, *more], 0, gso=gso)
        # The first packet of a stream and the gate of a slot are Python's: they are behind us.
        self.send_by_python([300, 300])
        self.arrived(receiver, 2)
        self.number = 3
        if path == "compiled":
            from bridge.media.shell.compiled import CompiledTurn

            following = b.core.following  # type: ignore[attr-defined]
            self.sockets.use(CompiledTurn(b.core, following))

    def send_by_python(self, sizes: list[int]) -> None:
        for number, size in enumerate(sizes, 1):
            packet = self.source.tx.protect(video(number, key=True, size=size))
            self.bench.core.receive(packet, self.source.address, 0, self.bench.now)
        self.sockets.flush(self.bench.now)

    def send(self, sizes: list[int]) -> None:
        """The source sends packets of these payload sizes; they are there before they are read."""
        counters = self.bench.core.counters
        self.sockets.collect()
        expected = counters.packets_in + len(sizes)
        for size in sizes:
            packet = self.source.tx.protect(video(self.number, key=True, size=size))
            self.sender.sendto(packet, self.sockets.sockets[0].getsockname())
            self.number += 1
        while counters.packets_in < expected:
            assert select.select(self.sockets.sockets, (), (), HANG)[0]
            self.sockets.readable(0)
            self.sockets.collect()

    def arrived(self, receiver: socket.socket, count: int) -> list[int]:
        """Payload sizes of the datagrams that arrived, opened by libsrtp."""
        return [len(self.peer.rx.unprotect(receiver.recv(2048))) - 20 for _ in range(count)]

    def close(self) -> None:
        self.sockets.close()
        self.sender.close()


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
def test_runs(receiver: socket.socket, path: str, sizes: list[int], gso: bool, cm: bool) -> None:
    shell = Shell(receiver, path, cm=cm, gso=gso)
    counters = shell.bench.core.counters
    before = counters.snapshot()
    shell.send(sizes)
    assert shell.arrived(receiver, len(sizes)) == sizes
    gained = {name: count - before[name] for name, count in counters.snapshot().items()}
    assert gained["sends_single"] + gained["gso_segments"] == len(sizes)
    assert gso or not gained["gso_batches"]
    assert not any(count for name, count in gained.items() if name.startswith("dropped"))
    assert shell.sockets.gso is gso
    shell.close()


def test_ipv6(path: str) -> None:
    try:
        receiver = bound("::1")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with receiver:
        shell = Shell(receiver, path, host="::1")
        shell.send([300, 300, 200])
        assert shell.arrived(receiver, 3) == [300, 300, 200]
        shell.close()


def test_a_kernel_without_gso_is_noticed_once(receiver: socket.socket, path: str) -> None:
    shell = Shell(receiver, path)
    shell.sockets.sockets[0].setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
    shell.send([300] * 5)
    assert shell.sockets.gso is False
    shell.send([300] * 5)
    assert shell.arrived(receiver, 10) == [300] * 10
    counters = shell.bench.core.counters
    assert counters.gso_batches == 1, "the two that were sent before"
    assert counters.sends_single == 10
    assert not counters.dropped["send_error"]
    shell.close()


def test_a_receiver_that_cannot_be_reached_is_counted(receiver: socket.socket, path: str) -> None:
    shell = Shell(receiver, path)
    transport = shell.bench.core.transports["r"]
    transport.address = LOCAL_BROADCAST
    transport.changed()
    shell.send([300])
    shell.send([300, 300, 200, 400])
    shell.sockets.collect()
    assert shell.bench.dropped("send_error") >= 5
    shell.close()


@pytest.mark.parametrize(
    ("error", "reason"),
    [(BlockingIOError(), "send_blocked"), (OSError(errno.ENETUNREACH, "no"), "send_error")],
)
def test_what_python_cannot_send_is_counted(
    receiver: socket.socket, monkeypatch: pytest.MonkeyPatch, error: OSError, reason: str
) -> None:
    shell = Shell(receiver, "python")
    shell.close()

    class Broken:
        def sendmsg(self, *_: Any) -> int:
            raise error

        def sendto(self, *_: Any) -> int:
            raise error

    monkeypatch.setattr(shell.sockets, "sockets", [Broken()])
    for number, size in enumerate([300, 300, 300, 200, 400], 3):
        packet = shell.source.tx.protect(video(number, key=True, size=size))
        shell.bench.core.receive(packet, shell.source.address, 0, shell.bench.now)
    shell.sockets.flush(shell.bench.now)
    assert shell.bench.dropped(reason) == 5


def test_the_transport_number_wraps_inside_a_batch(receiver: socket.socket, path: str) -> None:
    shell = Shell(receiver, path)
    shell.bench.core.transports["r"].cc_next = 65533
    shell.send([300] * 8)
    numbers = []
    for _ in range(8):
        packet = shell.peer.rx.unprotect(receiver.recv(2048))
        assert packet[16] == 0x51, "id 5, two octets"
        numbers.append(int.from_bytes(packet[17:19], "big"))
    assert numbers == [65533, 65534, 65535, 0, 1, 2, 3, 4]
    shell.close()


def test_a_taken_port_is_an_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="in use"):
            MediaSockets(Bench(path="python").core, ["127.0.0.1"], sock.getsockname()[1])
