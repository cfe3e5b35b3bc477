"""Whose RTP counts: what comes from the address that was signalled, and of that only one port as
long as packets come from there; a re-INVITE holds the line and takes it up again."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
from collections.abc import Iterator

import pytest
from aiosipua import serialize_sdp

from bridge.media import rtp
from bridge.sip.flow.media_port import REPIN, MediaPort, port_pair
from bridge.sip.refusals import Figures
from bridge.sip.wire.agreeing import answer
from bridge.sip.wire.session_descriptions import Line, Own, Side, read

HOST, CODEC, STRANGER = "127.0.0.1", "127.0.12.40", "127.0.12.41"


def packet(number: int) -> bytes:
    return rtp.build(
        payload_type=8, sequence_number=number, timestamp=160 * number, ssrc=5, payload=b"x" * 160
    )


class Stage:
    """A port of the gateway, and sockets of a codec and of others."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self.figures = Figures()
        self.port = port_pair(HOST, range(26_000, 29_000), self.figures, encrypted=False)
        stack.callback(self.port.close)
        self.codec = self.bound(CODEC)
        here: tuple[str, int] = self.codec.getsockname()
        self.line = Line("audio", "PCMA", 8, 8000, here, (CODEC, here[1] + 1))
        self.port.agree(self.line, b"")
        self.heard: list[bytes] = []
        self.reports: list[bytes] = []

    def bound(self, host: str) -> socket.socket:
        made = self._stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        made.bind((host, 0))
        made.settimeout(5.0)
        return made

    def say(self, source: socket.socket, data: bytes, now: float, *, rtcp: bool = False) -> None:
        """On loopback a datagram has arrived when it is sent."""
        source.sendto(data, (HOST, self.port.port + rtcp))
        self.port.drain(now, self.heard.append, self.reports.append)

    @property
    def refused(self) -> int:
        return self.figures.refused["rtp_source"]


@pytest.fixture
def stage() -> Iterator[Stage]:
    with contextlib.ExitStack() as stack:
        yield Stage(stack)


def test_what_comes_from_elsewhere_is_counted_and_nothing_else(stage: Stage) -> None:
    stranger = stage.bound(STRANGER)
    stage.say(stranger, packet(1), 0.0)
    stage.say(stranger, b"\x80\xc8\x00\x06" + bytes(24), 0.0, rtcp=True)
    stage.say(stranger, b"\x16" + bytes(40), 0.0)  # DTLS
    assert (stage.heard, stage.reports, stage.refused) == ([], [], 3)
    assert stage.port.received == 0
    stage.say(stage.codec, packet(1), 0.0)
    stage.say(stranger, packet(2), 0.0)
    assert stage.heard == [packet(1)]
    assert stage.refused == 4
    # Ours still goes to the codec.
    stage.port.send_rtp(packet(9))
    assert stage.codec.recv(2048) == packet(9)


def test_another_port_of_the_codec_counts_only_when_the_first_has_been_silent(
    stage: Stage,
) -> None:
    other = stage.bound(CODEC)
    stage.say(stage.codec, packet(1), 10.0)
    stage.say(other, packet(2), 10.0 + REPIN / 2)
    assert (stage.heard, stage.refused) == ([packet(1)], 1)
    stage.say(other, packet(3), 10.0 + REPIN)
    assert stage.heard == [packet(1), packet(3)]
    stage.port.send_rtp(packet(9))
    assert other.recv(2048) == packet(9)  # and it is answered there
    stage.say(stage.codec, packet(4), 10.1 + REPIN)
    assert (len(stage.heard), stage.refused) == (2, 2)


def test_noise_pins_no_port(stage: Stage) -> None:
    other = stage.bound(CODEC)
    stage.say(other, b"\x80\x08" + bytes(3), 0.0)
    stage.say(other, b"\x00" * 40, 0.0)
    assert stage.figures.refused["rtp_unusable"] == 2
    stage.say(stage.codec, packet(1), 0.1)
    assert stage.heard == [packet(1)]


OFFER = """v=0
o=- 1 1 IN IP4 {host}
s=-
c=IN IP4 {connection}
t=0 0
m=audio {port} RTP/AVP 8
a={direction}
"""


@pytest.mark.parametrize("direction", ["sendonly", "inactive", "nowhere"])
def test_a_codec_that_holds_is_sent_nothing_until_it_takes_the_call_up_again(
    stage: Stage, direction: str
) -> None:
    side = Side(address=HOST, audio=Own(stage.port.port), video=Own(stage.port.port + 2), session=1)

    def offered(wanted: str) -> Line:
        _, port = stage.codec.getsockname()
        nowhere = wanted == "nowhere"  # as RFC 2543 had it
        connection = "0.0.0.0" if nowhere else CODEC  # noqa: S104
        text = OFFER.format(
            host=CODEC,
            connection=connection,
            port=port,
            direction="sendrecv" if nowhere else wanted,
        )
        made, agreed = answer(side, read(text))
        expected = {"sendonly": "recvonly", "sendrecv": "sendrecv"}
        assert f"a={expected.get(wanted, 'inactive')}" in serialize_sdp(made)
        assert agreed.audio is not None
        return agreed.audio

    held = offered(direction)
    assert (held.sends, held.receives) == (direction == "sendonly", False)
    stage.port.agree(held, b"")
    stage.port.send_rtp(packet(1))
    stage.port.send_rtcp(b"\x80\xc9\x00\x01" + bytes(4))  # which goes nowhere wrong
    assert stage.port.sent == 0
    stage.port.agree(offered("sendrecv"), b"")
    stage.port.send_rtp(packet(2))
    assert stage.codec.recv(2048) == packet(2)
    assert stage.port.sent == 1


def test_where_a_re_invite_moves_the_codec_to_the_old_address_is_a_strangers(stage: Stage) -> None:
    stage.say(stage.codec, packet(1), 0.0)
    moved = stage.bound(STRANGER)
    stage.port.agree(dataclasses.replace(stage.line, address=moved.getsockname()), b"")
    stage.port.send_rtp(packet(8))
    assert moved.recv(2048) == packet(8)  # at once, before anything has come from there
    stage.say(moved, packet(2), 0.1)
    stage.say(stage.codec, packet(3), 0.2)
    assert stage.heard == [packet(1), packet(2)]
    assert stage.refused == 1
    stage.port.send_rtp(packet(9))
    assert moved.recv(2048) == packet(9)


def test_a_port_is_taken_with_the_next_one_or_not_at_all(stage: Stage) -> None:
    taken = stage.port.port
    with pytest.raises(OSError, match="in use"):
        MediaPort(HOST, taken, stage.figures, encrypted=False)
    with pytest.raises(OSError, match="no pair"):
        port_pair(HOST, range(taken, taken + 2), stage.figures, encrypted=False)
