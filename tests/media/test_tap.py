"""A tap gets what a room gets, in the clear, and asks for key frames. It can do nothing else."""

from __future__ import annotations

import pytest

from benchmarks.synthetic_peer import open_message
from bridge.media import messages as m
from bridge.media import openings, rtcp
from bridge.media.core import MediaCore
from bridge.media.tap import TAP_SOCKET, tap_address
from bridge.media.transport import Transport
from tests.media.support import (
    CLIENT,
    SLOT_OPUS_PT,
    SLOT_PT,
    Bench,
    TestPeer,
    audio,
    camera,
    microphone,
    payload_of,
    sequence_number_of,
    timestamp_of,
    video,
)

PROGRAMME, VOICE = 5000, 5100


def open_tap(name: str = "tap", path: str = "/run/tap.rtp") -> m.OpenTap:
    return m.OpenTap(
        transport=name,
        label="",
        path=path,
        slots=(
            m.SlotSpec(
                name="programme", kind="video", codec="vp8", payload_type=SLOT_PT, ssrc=PROGRAMME
            ),
            m.SlotSpec(
                name="audio:0",
                kind="audio",
                codec="opus",
                payload_type=SLOT_OPUS_PT,
                clock_rate=48000,
                ssrc=VOICE,
            ),
        ),
        cname="c",
    )


class Tapped(Bench):
    """A bench that keeps what leaves through the tap."""

    def __init__(self) -> None:
        super().__init__()
        self.rtp: list[bytes] = []
        self.reports: list[bytes] = []

    def settle(self) -> None:
        self.core.flush(self.now, self._kept)
        for index, address, data in self.core.datagrams:
            if index == TAP_SOCKET:
                assert address == tap_address("tap")
                self.reports.append(data)
        self.core.datagrams = [d for d in self.core.datagrams if d[0] != TAP_SOCKET]
        super().settle()

    def _kept(self, transport: Transport) -> None:
        if transport.id == "tap":
            self.rtp += [
                head + body
                for head, body in zip(transport.out[::2], transport.out[1::2], strict=True)
            ]
        else:
            self._deliver(transport)

    def of(self, ssrc: int) -> list[bytes]:
        return [p for p in self.rtp if int.from_bytes(p[8:12], "big") == ssrc]

    def answer(self, datagram: bytes) -> None:
        """What the tap's reader sends."""
        # Sockets of taps are Python's on both paths.
        MediaCore.receive(self.core, datagram, tap_address("tap"), TAP_SOCKET, self.now)
        self.settle()


def tapped() -> tuple[Tapped, TestPeer, TestPeer]:
    b = Tapped()
    one = b.join("a", (camera(ssrc=1000), microphone(ssrc=1500)))
    two = b.join("b", (camera(ssrc=2000),))
    assert b.core.command(open_tap(), b.now) == ""
    return b, one, two


def test_a_switch_waits_for_a_key_frame_and_numbers_go_on() -> None:
    b, one, two = tapped()
    b.route("tap", "programme", "a")
    for number in range(1, 4):
        b.send(one, video(number, key=number == 2, timestamp=number * 3000, ssrc=1000))
    b.route("tap", "programme", "b")
    b.now += 0.033
    for number in range(50, 53):
        b.send(two, video(number, key=number == 51, timestamp=number * 3000, ssrc=2000))
    sent = b.of(PROGRAMME)
    first = sequence_number_of(sent[0])
    assert [sequence_number_of(p) - first for p in sent] == list(range(4))
    assert {p[1] & 0x7F for p in sent} == {SLOT_PT}
    assert timestamp_of(sent[2]) - timestamp_of(sent[1]) & 0xFFFFFFFF == round(0.033 * 90000)


def test_payloads_arrive_as_they_were_sent() -> None:
    b, one, _ = tapped()
    b.route("tap", "programme", "a")
    packet = video(1, key=True, ssrc=1000)
    b.send(one, packet)
    assert payload_of(b.of(PROGRAMME)[0]) == payload_of(packet)


def test_voices_come_by_loudness_and_reports_tell_their_clock() -> None:
    b, one, _ = tapped()
    ref = m.SourceRef(transport="a", name="microphone")
    mix = m.SetAudio(group="g", members=("tap",), allowed=(ref,), floor=(ref,))
    b.core.command(mix, b.now)
    for number in range(1, 11):
        b.send(one, audio(number, level=20, ssrc=1500))
        b.run(0.02)
    report = rtcp.SenderReport(1500, 5 << 32, 960, 1, 100, ())
    b.send_rtcp(one, rtcp.build_sender_report(report))
    for number in range(11, 61):
        b.send(one, audio(number, level=20, ssrc=1500))
        b.run(0.02)
    assert len(b.of(VOICE)) > 40
    told = [r for data in b.reports for r in rtcp.parse(data) or ()]
    assert any(isinstance(r, rtcp.SenderReport) and r.ssrc == VOICE for r in told)


def test_a_reader_may_ask_for_a_key_frame() -> None:
    b, one, _ = tapped()
    b.route("tap", "programme", "a")
    b.send(one, video(1, key=True, ssrc=1000))
    before = b.core.counters.key_frame_requests_sent
    empty = rtcp.build_receiver_report(9, ())
    b.answer(empty + rtcp.build_pli(9, PROGRAMME))
    assert b.core.counters.key_frame_requests_sent == before + 1


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (video(1, key=True, ssrc=7), "srtp_rejected"),
        (b"\x16\xfe\xfd" + bytes(40), "dtls_closed"),
        (b"\x80\xc8\x00\x40", "rtcp_malformed"),
        (bytes(4), "stun_malformed"),
        (b"", "empty"),
    ],
)
def test_nothing_else_is_taken_of_a_reader(datagram: bytes, reason: str) -> None:
    b, _, _ = tapped()
    b.answer(datagram)
    assert b.dropped(reason) == 1
    assert b.core.transports["tap"].state == "connected"


def test_a_tap_that_is_silent_stays_and_one_that_is_closed_is_gone() -> None:
    b, one, _ = tapped()
    b.route("tap", "programme", "a")
    b.send(one, video(1, key=True, ssrc=1000))
    b.run(10.0, step=0.1)
    assert b.states("tap") == ["connected"]
    assert b.core.command(m.Close(transport="tap"), b.now) == ""
    b.rtp.clear()
    b.send(one, video(2, ssrc=1000))
    assert not b.rtp
    assert b.core.command(open_tap(), b.now) == ""


def test_a_tap_has_no_keys_and_seals_nothing() -> None:
    b, one, _ = tapped()
    tap = b.core.transports["tap"]
    b.route("tap", "programme", "a")
    b.send(one, video(1, key=True, ssrc=1000))
    assert tap.seal is None
    assert tap.keys is None
    assert {slot.nonce_base for slot in tap.slots.values()} == {0}


def test_what_cannot_be_is_refused() -> None:
    b, _, _ = tapped()
    core = b.core
    assert "exists already" in core.command(open_tap(), b.now)
    assert "this path" in core.command(open_tap("other"), b.now)
    slots = (m.SlotSpec(name="s", kind="video", codec="vp8", payload_type=96, ssrc=9, rtx_ssrc=10),)
    repeats = m.OpenTap(transport="x", label="", path="/x.rtp", slots=slots, cname="c")
    assert "no RTX" in core.command(repeats, b.now)
    for number in range(1, openings.MAX_TAPS):
        assert core.command(open_tap(f"t{number}", f"/{number}.rtp"), b.now) == ""
    assert "its limit" in core.command(open_tap("last", "/last.rtp"), b.now)
    room = open_message("room", fingerprint=CLIENT.fingerprint, sources=(), slots=())
    assert core.command(room, b.now) == "", "rooms are no taps"
