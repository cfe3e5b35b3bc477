"""The selector of a worker's loop: packets are forwarded while it waits, and it returns for what
Python has to do."""

from __future__ import annotations

import os
import selectors
import socket
from collections.abc import Iterator

import pytest

from bridge.media.hot.world import DATAGRAMS, TRANSPORTS
from bridge.media.shell.turn_selector import TurnSelector
from tests.media.shell.test_udp import Shell, bound
from tests.media.support import video
from tests.waiting import HANG


@pytest.fixture(autouse=True, scope="module")
def path() -> str:
    """It is about the compiled path alone."""
    return "compiled"


class Waiting(Shell):
    """A shell whose sockets a selector waits for, beside a pipe."""

    def __init__(self, receiver: socket.socket, *more: str) -> None:
        super().__init__(receiver, "compiled", more=more)
        self.receiver = receiver
        self.selector = TurnSelector()
        self.selector.wait_by(self.sockets.wait)
        self.media = self.sockets.sockets[0]
        self.selector.register(self.media, selectors.EVENT_READ)
        self.pipe, self.end = os.pipe()
        self.selector.register(self.pipe, selectors.EVENT_READ)

    def put(self, data: bytes) -> None:
        """A datagram of the source; the kernel has it before this returns."""
        self.sender.sendto(data, self.media.getsockname())

    def packet(self, size: int = 300) -> bytes:
        self.number += 1
        return self.source.tx.protect(video(self.number - 1, key=True, size=size))

    def got(self, count: int) -> list[int]:
        """Payload sizes of what the receiver has."""
        return self.arrived(self.receiver, count)

    def ready(self, timeout: float | None) -> list[int]:
        return [key.fd for key, _ in self.selector.select(timeout)]

    def close(self) -> None:
        self.selector.close()
        os.close(self.pipe)
        os.close(self.end)
        super().close()


@pytest.fixture
def shell() -> Iterator[Waiting]:
    with bound() as receiver:
        made = Waiting(receiver)
        yield made
        made.close()


def test_packets_are_forwarded_while_it_waits(shell: Waiting) -> None:
    for _ in range(3):
        shell.put(shell.packet())
    os.write(shell.end, b".")
    assert shell.ready(None) == [shell.pipe], "and the media socket is nobody's business"
    assert shell.got(3) == [300] * 3


def test_it_returns_when_the_time_is_over(shell: Waiting) -> None:
    shell.put(shell.packet())
    assert shell.ready(0.0) == []
    assert shell.got(1) == [300]
    assert shell.ready(0.02) == []


def test_what_is_left_to_python_is_dealt_with_before_it_returns(shell: Waiting) -> None:
    """A receiver report: RTCP is Python's."""
    before = shell.bench.core.counters.rtcp_in
    report = b"\x80\xc9\x00\x01" + (77).to_bytes(4, "big")
    shell.put(shell.source.tx.protect_rtcp(report))
    assert shell.ready(HANG) == []
    assert shell.bench.core.counters.rtcp_in == before + 1


def test_junk_is_counted_and_wakes_nobody(shell: Waiting) -> None:
    before = shell.bench.dropped("empty")
    for _ in range(5):
        shell.put(b"")
    os.write(shell.end, b".")
    assert shell.ready(None) == [shell.pipe]
    shell.sockets.collect()
    assert shell.bench.dropped("empty") == before + 5


@pytest.mark.parametrize("attacked", [0, 1, 2])
def test_a_flood_at_one_address_does_not_keep_the_others_from_being_read(attacked: int) -> None:
    """Of what each turn leaves to Python: reports of a member, forged as they may be."""
    with bound() as receiver:
        shell = Waiting(receiver, "127.0.0.2", "127.0.0.3")
        others = [sock for number, sock in enumerate(shell.sockets.sockets) if number != attacked]
        for sock in shell.sockets.sockets[1:]:
            shell.selector.register(sock, selectors.EVENT_READ)
        report = b"\x80\xc9\x00\x01" + (77).to_bytes(4, "big") + bytes(20)
        target = shell.sockets.sockets[attacked].getsockname()

        def flood() -> None:
            for _ in range(DATAGRAMS + 20):  # more than a turn reads
                shell.sender.sendto(report, target)

        flood()  # first, so that it is the first to be ready
        for sock in others:
            shell.sender.sendto(shell.packet(), sock.getsockname())
        for _ in range(len(shell.sockets.sockets)):
            shell.ready(0.0)
            flood()
        assert shell.got(2) == [300] * 2
        shell.close()


def test_delays_are_sampled(shell: Waiting) -> None:
    """Of one turn in sixteen."""
    for _ in range(64):
        shell.put(shell.packet())
        shell.ready(0.0)
    assert shell.got(64) == [300] * 64
    shell.sockets.collect()
    assert 1 <= sum(shell.sockets.delay_counts) <= 64
    assert all(0 <= delay < HANG for delay in shell.sockets.delays)


def test_a_mistake_in_the_tables_leaves_media_to_python(
    shell: Waiting, caplog: pytest.LogCaptureFixture
) -> None:
    following = shell.bench.core.following  # type: ignore[attr-defined]
    shell.put(shell.packet())
    assert shell.ready(0.0) == []
    assert shell.got(1) == [300]
    following.world[0]["slots"]["transport"] = TRANSPORTS  # a row that no transport can have
    shell.put(shell.packet())
    assert shell.ready(HANG) == []
    assert not shell.sockets.compiled
    assert "the compiled turn failed" in caplog.text
    shell.put(shell.packet())
    assert shell.ready(HANG) == [shell.media.fileno()], "the loop's callback drains it from now on"
    shell.sockets.readable(0)
    assert shell.got(1) == [300]


def test_an_exception_in_the_rest_does_not_end_the_loop(
    shell: Waiting, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("of this test")

    monkeypatch.setattr(shell.bench.core, "receive", broken)
    shell.put(shell.source.tx.protect_rtcp(b"\x80\xc9\x00\x01" + (77).to_bytes(4, "big")))
    assert shell.ready(HANG) == []
    assert "of this test" in caplog.text
    os.write(shell.end, b".")
    assert shell.ready(HANG) == [shell.pipe]


def test_without_a_compiled_turn_it_is_any_selector() -> None:
    with bound() as first, bound() as second, TurnSelector() as selector:
        selector.register(first, selectors.EVENT_READ)
        assert selector.select(0.0) == []
        second.sendto(b"x", first.getsockname())
        assert [key.fd for key, _ in selector.select(HANG)] == [first.fileno()]
        selector.wait_by(lambda epoll, milliseconds: None)
        assert [key.fd for key, _ in selector.select(HANG)] == [first.fileno()]
