"""The running worker: its control protocol, and everything a stranger may send to its port."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import forwarding, load
from benchmarks.synthetic_peer import ClientIdentity, SyntheticPeer, open_message
from bridge.media import messages as m
from bridge.media import stun
from bridge.media.layer import LAYER_IDLE
from bridge.media.shell.udp import _bind
from tests.waiting import HANG

SPRAY_SEED = 7
ROUNDS = 10


@contextlib.contextmanager
def running(folder: Path, path: str = "python") -> Iterator[tuple[forwarding.Worker, Path]]:
    """A worker that forwards by ``path``, with everything it prints kept."""
    printed = folder / "worker.log"
    with printed.open("wb") as log:
        worker = forwarding.Worker(folder, log, path)
        try:
            yield worker, printed
        finally:
            worker.close()


def line(worker: forwarding.Worker, data: bytes) -> m.Event:
    worker._socket.sendall(data + b"\n")
    while True:
        event: m.Event = m.event_decoder.decode(worker._file.readline())
        if not isinstance(event, m.Levels):  # sent once a second, whatever is asked
            return event


# --- control protocol ----------------------------------------------------------------------


def test_bad_commands_are_refused_and_change_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as (worker, _):
        for data in (
            b"not JSON",
            b"[]",
            b'{"type": "nonsense"}',
            b'{"type": "close"}',
            b'{"type": "close", "transport": 5}',
            b'{"type": "close", "transport": "x", "extra": 1}',
            b"\xff\xfe",
            b"[" * 100_000,
            b'{"type": "hello", "version": 99}',
            b'{"type": "close", "transport": "nobody"}',
            b'{"type": "routes", "routes": [{"transport": "x", "slot": "y", "source": null}]}',
        ):
            event = line(worker, data)
            assert isinstance(event, m.Error), data[:40]
            assert event.detail
        assert worker.stats().transports == ()


def test_hello_comes_first_and_the_newest_control_process_counts(tmp_path: Path) -> None:
    with running(tmp_path) as (worker, _):
        worker.send(open_message("kept", fingerprint="AA"))
        assert len(worker.stats().transports) == 1
        other = socket.socket(socket.AF_UNIX)
        other.connect(str(tmp_path / "worker.sock"))
        file = other.makefile("rb")
        other.sendall(m.encoder.encode(m.GetStats()) + b"\n")
        refused = m.event_decoder.decode(file.readline())
        assert refused == m.Error(command="get_stats", detail="Say hello first.")
        other.sendall(m.encoder.encode(m.Hello(version=m.VERSION)) + b"\n")
        inventory = m.event_decoder.decode(file.readline())
        assert isinstance(inventory, m.Inventory)
        assert [t.transport for t in inventory.transports] == ["kept"]
        while worker._file.readline():  # events that were on their way, then the end
            pass
        worker._socket.close()
        worker._file.close()
        worker._socket, worker._file = other, file


def test_a_worker_belongs_to_one_control_process_at_a_time(tmp_path: Path) -> None:
    """Another process is told whose it is; the one that holds it notices nothing."""
    import subprocess
    import sys

    says_hello = f"""
import socket
end = socket.socket(socket.AF_UNIX)
end.connect({str(tmp_path / "worker.sock")!r})
end.sendall(b'{{"type": "hello", "version": {m.VERSION}}}\\n')
print(end.makefile().read())
"""
    with running(tmp_path) as (worker, _):
        answer = subprocess.run(
            [sys.executable, "-c", says_hello], capture_output=True, timeout=HANG, check=True
        )
        refused = m.event_decoder.decode(answer.stdout)
        assert isinstance(refused, m.Error)
        assert refused.command == "hello"
        assert str(os.getpid()) in refused.detail
        assert worker.stats().transports == ()


def test_a_worker_left_alone_ends(tmp_path: Path) -> None:
    import subprocess
    import sys

    control = tmp_path / "w.sock"
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "bridge.media",
            "--listen",
            "127.0.0.1",
            "--control",
            str(control),
            "--orphan-timeout",
            "0.3",
        ],
        stderr=subprocess.DEVNULL,
    )
    assert process.wait(HANG) == 0
    assert not control.exists()


def test_an_address_that_cannot_be_used(tmp_path: Path) -> None:
    import subprocess
    import sys

    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "bridge.media",
            "--listen",
            "192.0.2.77",
            "--control",
            str(tmp_path / "w.sock"),
        ],
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.startswith("The media worker cannot start:")


def test_ipv6(tmp_path: Path) -> None:
    try:
        _bind("::1", 0).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    import subprocess
    import sys

    control = tmp_path / "w.sock"
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "bridge.media",
            "--listen",
            "127.0.0.1",
            "--listen",
            "::1",
            "--control",
            str(control),
            "--with-parent",
        ],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        connection = socket.socket(socket.AF_UNIX)
        file = connection.makefile("rb")
        deadline = time.monotonic() + HANG
        while True:
            try:
                connection.connect(str(control))
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.02)
        connection.sendall(m.encoder.encode(m.Hello(version=m.VERSION)) + b"\n")
        inventory = m.event_decoder.decode(file.readline())  # nothing comes before a hello's answer
        assert isinstance(inventory, m.Inventory)
        v4, v6 = inventory.addresses
        assert v4.port == v6.port
        identity = ClientIdentity.generate()
        spec = open_message("six", fingerprint=identity.fingerprint)
        connection.sendall(m.encoder.encode(spec) + b"\n")
        connection.sendall(m.encoder.encode(m.GetStats()) + b"\n")
        while not isinstance(m.event_decoder.decode(file.readline()), m.Stats):
            pass  # answered in order: then the transport is open
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.settimeout(HANG)
            sock.sendto(SyntheticPeer(identity, spec).check(), ("::1", v6.port))
            answer = stun.parse(sock.recv(2048))
            assert answer is not None
            assert answer.method == stun.BINDING_SUCCESS
    finally:
        process.communicate(timeout=HANG)
        file.close()
        connection.close()


# --- strangers -----------------------------------------------------------------------------


class Meeting:
    """Twelve synthetic peers in a running worker."""

    def __init__(self, worker: forwarding.Worker) -> None:
        self.worker = worker
        self.endpoints = forwarding.join(worker, 1)
        self._sent_at = 0.0

    def is_well(self) -> None:
        """Every peer receives what the eleven others send now; nothing is lost. A picture of which
        nothing came for `LAYER_IDLE` is rightly taken for gone: where this machine stood still for
        half of that between two rounds, the rounds are sent again."""
        expected = ROUNDS * (len(self.endpoints) - 1)
        deadline = time.monotonic() + HANG
        while True:
            self._wake()
            received = [0] * len(self.endpoints)
            longest = 0.0
            for _ in range(ROUNDS):
                before = self._sent_at
                self._everybody_sends()
                longest = max(longest, self._sent_at - before)
                received = self._read(received)  # a socket holds some 90 packets
            if longest < LAYER_IDLE / 2:
                break
            assert time.monotonic() < deadline
        while min(received) < expected and time.monotonic() < deadline:
            self.worker.stats()
            received = self._read(received)
        assert received == [expected] * len(self.endpoints)
        states = {t.state for t in self.worker.stats().transports}
        assert states == {"connected"}

    def _read(self, received: list[int]) -> list[int]:
        """How many packets of media each peer has, with those that have come since."""
        return [n + media(peer.socket) for n, peer in zip(received, self.endpoints, strict=True)]

    def _wake(self) -> None:
        """Who said nothing while somebody sprayed has vanished, and its picture is taken for gone;
        it comes back as it speaks, at the latest with the worker's next look at it."""
        deadline = time.monotonic() + HANG
        received = [0] * len(self.endpoints)
        while min(received) < len(self.endpoints) - 1:
            assert time.monotonic() < deadline
            self._everybody_sends()
            received = [0] * len(self.endpoints)
            quiet = 0
            while quiet < 5:
                self.worker.stats()
                time.sleep(0.02)
                before, received = received, self._read(received)
                quiet = 0 if received != before else quiet + 1

    def _everybody_sends(self) -> None:
        for peer in self.endpoints:
            load.key_frame(peer, self.worker.target)
        self.worker.stats()  # answered after what was queued before: no buffer overflows
        self._sent_at = time.monotonic()

    def close(self) -> None:
        for peer in self.endpoints:
            peer.socket.close()


def media(sock: socket.socket) -> int:
    """RTP packets that have arrived."""
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            data = sock.recv(2048)
            count += data[0] & 0xC0 == load.MEDIA_BYTE and not 192 <= data[1] <= 223
    return count


@pytest.fixture(scope="module", params=forwarding.PATHS)
def meeting(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[Meeting, Path]]:
    """On both paths, one after the other."""
    with running(tmp_path_factory.mktemp("worker"), request.param) as (worker, log):
        made = Meeting(worker)
        yield made, log
        made.close()


@pytest.fixture
def stranger() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.66", 0))
        sock.setblocking(False)
        yield sock


def heard(sock: socket.socket) -> int:
    """Datagrams that came back."""
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            sock.recv(2048)
            count += 1
    return count


def spray(meeting: Meeting, sock: socket.socket, datagrams: list[bytes]) -> None:
    """Send in bursts that fit the socket buffer, all of them."""
    for at in range(0, len(datagrams), 50):
        for datagram in datagrams[at : at + 50]:
            sock.sendto(datagram, meeting.worker.target)
        meeting.worker.stats()  # answered after what was queued before


def first_bytes() -> list[int]:
    return [0, 3, 4, 19, 20, 22, 63, 64, 127, 128, 144, 191, 192, 255]


def test_every_length_of_every_class(
    meeting: tuple[Meeting, Path], stranger: socket.socket
) -> None:
    """Before and after authentication: from a stranger, and from a joined peer's address."""
    room, log = meeting
    printed = log.stat().st_size
    rng = random.Random(SPRAY_SEED)
    for first in first_bytes():
        data = [(bytes([first]) + rng.randbytes(max(0, size - 1)))[:size] for size in range(1501)]
        spray(room, stranger, data)
        spray(room, room.endpoints[0].socket, data[::7])
    assert heard(stranger) == 0
    room.is_well()
    dropped = {k: v for k, v in room.worker.stats().counters.items() if "dropped" in k and v}
    for reason in ("empty", "unknown_class", "unknown_address", "stun_malformed", "srtp_rejected"):
        assert dropped[f"dropped.{reason}"] > 0, reason
    assert log.stat().st_size == printed, "no line per packet, not even one"


def test_stun_of_every_wrong_kind(meeting: tuple[Meeting, Path], stranger: socket.socket) -> None:
    room, log = meeting
    printed = log.stat().st_size
    wrong = [
        stun.binding_request(os.urandom(12), username=name, password=b"x")
        for name in ("a:b", ":", "", "x" * 500, "é:ü")
    ]
    cut = [wrong[0][:size] for size in range(len(wrong[0]))]
    unsigned = [
        stun.seal(kind, os.urandom(12), b"", None) for kind in (1, 0x11, 0x101, 0x111, 0x3FFF)
    ]
    spray(room, stranger, wrong * 20 + cut + unsigned)
    assert heard(stranger) == 0, "no answer, so nothing can be amplified"
    room.is_well()
    assert log.stat().st_size == printed


def test_a_join_during_a_spray(meeting: tuple[Meeting, Path], stranger: socket.socket) -> None:
    """ClientHello and alerts from a stranger do not disturb a handshake that is going on."""
    room, _ = meeting
    identity = ClientIdentity.generate()
    spec = open_message("late", fingerprint=identity.fingerprint)
    room.worker.send(spec)
    room.worker.stats()
    hello = SyntheticPeer(identity, spec).dtls()[0]
    alert = bytes.fromhex("15fefd00000000000000000002022f")
    peer = SyntheticPeer(identity, spec)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(HANG)
        sock.sendto(peer.check(), room.worker.target)
        outgoing = peer.dtls()
        while peer.keys is None:
            spray(room, stranger, [hello, alert] * 25)
            for datagram in outgoing:
                sock.sendto(datagram, room.worker.target)
            data = sock.recv(2048)
            outgoing = peer.dtls(data) if 20 <= data[0] <= 63 else []
        for datagram in outgoing:
            sock.sendto(datagram, room.worker.target)
        late = None
        deadline = time.monotonic() + HANG
        while late is None or late.state != "connected":
            assert time.monotonic() < deadline
            stats = room.worker.stats().transports
            late = next(t for t in stats if t.transport == "late")
    assert heard(stranger) == 0
    room.worker.send(m.Close(transport="late"))
    room.is_well()


def test_forged_replayed_and_unknown_media(meeting: tuple[Meeting, Path]) -> None:
    room, log = meeting
    printed = log.stat().st_size
    peer = room.endpoints[0]
    assert peer.seal is not None
    genuine: list[bytes] = []
    real = peer.socket

    class Tap:
        """Keeps what the peer sends."""

        def sendto(self, data: bytes, target: tuple[str, int]) -> int:
            genuine.append(data)
            return real.sendto(data, target)

    peer.socket = Tap()  # type: ignore[assignment]
    try:
        load.key_frame(peer, room.worker.target)
    finally:
        peer.socket = real
    packet = genuine[0]
    forged = []
    for position in range(len(packet)):
        broken = bytearray(packet)
        broken[position] ^= 1
        forged.append(bytes(broken))
    forged += [packet[:size] for size in range(1, len(packet))]
    forged += [packet] * 100
    compound = peer.seal.protect_rtcp(bytes.fromhex("80c9000100000001"))
    forged += [compound[:size] for size in range(2, len(compound))]
    for position in range(len(compound)):
        broken = bytearray(compound)
        broken[position] ^= 1
        forged.append(bytes(broken))
    forged += [compound] * 20  # the first is genuine, the others are replays
    before = room.worker.stats().counters
    spray(room, real, forged)
    # Thousands of SSRCs, each authentic.
    from bridge.media.rtp import HEADER

    assert peer.keys is None
    strange = []
    for ssrc in range(50_000, 53_000):
        header = HEADER.pack(0x80, 120, 1, 1, ssrc)
        from bridge.media.srtp import nonce

        assert peer.seal.seal is not None
        strange.append(header + peer.seal.seal(nonce(peer.seal.salt, ssrc, 1), b"x", header))
    spray(room, real, strange)
    after = room.worker.stats().counters
    assert after["dropped.duplicate"] - before["dropped.duplicate"] >= 100
    assert after["dropped.srtp_rejected"] > before["dropped.srtp_rejected"]
    assert after["dropped.srtcp_rejected"] - before["dropped.srtcp_rejected"] >= 19
    assert after["dropped.ssrc_limit"] - before["dropped.ssrc_limit"] > 2900
    room.is_well()
    assert log.stat().st_size == printed


@pytest.mark.parametrize("path", [*forwarding.PATHS, "auto"])
def test_sigterm_ends_it_in_an_orderly_way(tmp_path: Path, path: str) -> None:
    """Under ``auto`` while the compiled turn is still being read by another thread."""
    with (tmp_path / "log").open("wb") as log:
        worker = forwarding.Worker(tmp_path, log, path)
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(HANG) == 0
        worker.close()
    assert not (tmp_path / "worker.sock").exists()
    text = (tmp_path / "log").read_text()
    assert "Traceback" not in text, json.dumps(text)
