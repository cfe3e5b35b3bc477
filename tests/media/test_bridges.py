"""Two workers of different bridges, one transport at either side: pictures and sound both ways."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from bridge.media import messages as m
from bridge.media import rtcp, speakers
from bridge.media.parts import MASTER_SIZE
from tests.media.support import (
    Bench,
    TestPeer,
    audio,
    audio_slot,
    camera,
    microphone,
    payload_of,
    video,
    video_slot,
)

A = m.MediaAddress(host="127.0.0.1", port=41_000)
B = m.MediaAddress(host="127.0.0.2", port=42_000)
PT, RTX, OPUS, RED = 96, 97, 111, 63


def end(own: str, theirs: str, far: m.MediaAddress, out: int, into: int) -> m.OpenRelay:
    """One end, with SSRCs from ``out`` on for what it sends."""
    slots = (
        video_slot("programme", out),
        audio_slot("audio:0", out + 1, redundant=True),
    )
    sources = (
        m.SourceSpec(
            name="camera",
            mid="",
            kind="video",
            codec="vp8",
            payload_type=slots[0].payload_type,
            rtx_payload_type=slots[0].rtx_payload_type,
            ssrcs=(m.StreamSsrc(ssrc=into, rtx_ssrc=into + 500),),
            layers=(m.LayerSpec(rid="", height=720, bitrate=1_500_000, frame_rate=30),),
        ),
        m.SourceSpec(
            name="microphone",
            mid="",
            kind="audio",
            codec="opus",
            payload_type=slots[1].payload_type,
            red_payload_type=slots[1].red_payload_type,
            clock_rate=48_000,
            ssrcs=(m.StreamSsrc(ssrc=into + 1),),
        ),
    )
    return m.OpenRelay(
        transport="peer",
        label="tinh",
        keys=m.RelayKeys(inbound=theirs, outbound=own),
        far=far,
        sources=sources,
        slots=slots,
        cname="peer",
    )


class Side(Bench):
    """A bridge's worker with one room; what it sends to the other is kept until it is carried."""

    def __init__(self, seed: int, path: str) -> None:
        self.out: list[bytes] = []
        self.sealed: list[bytes] = []
        super().__init__(seed=seed, path=path)
        slots = (video_slot("programme", 5000), audio_slot("audio:0", 5001))
        self.room: TestPeer = self.join(
            "room", (camera(ssrc=1000, rtx_ssrc=1500), microphone(ssrc=2000)), slots
        )

    def _deliver(self, transport: object) -> None:
        if getattr(transport, "id", "") == "peer":
            out = transport.out  # type: ignore[attr-defined]
            pairs = zip(out[::2], out[1::2], strict=True)
            found = [head + body for head, body in pairs]
            self.sealed += found
            self.out += found
        else:
            super()._deliver(transport)  # type: ignore[arg-type]

    def meet(self, spec: m.OpenRelay) -> None:
        assert self.core.command(spec, self.now) == ""
        self.route("peer", "programme", "room")
        self.route("room", "programme", "peer")
        refs = tuple(m.SourceRef(transport=t, name="microphone") for t in ("room", "peer"))
        mix = m.SetAudio(group="c", members=("room", "peer"), allowed=refs)
        assert self.core.command(mix, self.now) == ""


class Both:
    def __init__(self, path: str) -> None:
        self.a, self.b = Side(1, path), Side(2, path)
        down, up = os.urandom(MASTER_SIZE).hex(), os.urandom(MASTER_SIZE).hex()
        self.a.meet(end(down, up, B, 7000, 8000))
        self.b.meet(end(up, down, A, 8000, 7000))
        self.numbers: Counter[bytes] = Counter()

    def carry(self) -> None:
        for one, other, address in ((self.a, self.b, A), (self.b, self.a, B)):
            one.settle()
            mine = [d for to, d in one.stray if to in ((A.host, A.port), (B.host, B.port))]
            one.stray.clear()
            sent, one.out = one.out, []
            for data in (*sent, *mine):
                other.core.receive(data, (address.host, address.port), 0, other.now)
            other.settle()

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.02)):
            for side in (self.a, self.b):
                side.send_rtcp(side.room, rtcp.build_receiver_report(9, ()))
                side.run(0.02, 0.02)
            self.carry()

    def talk(self, first: int, count: int) -> None:
        for number in range(first, first + count):
            for side in (self.a, self.b):
                side.send(side.room, video(number, key=number == first, ssrc=1000, size=900))
                side.send(side.room, audio(number, ssrc=2000, level=25))
            self.carry()
            self.run(0.02)


@pytest.fixture
def both(path: str) -> Both:
    return Both(path)


def test_each_room_is_shown_and_hears_the_other_bridges_room(both: Both) -> None:
    both.talk(1, 60)
    for side in (both.a, both.b):
        shown = [payload_of(p)[-200:] for p in side.room.packets("programme")]
        assert shown[:5] == [payload_of(video(n, key=n == 1, size=900))[-200:] for n in range(1, 6)]
        assert len(side.room.packets("audio:0")) > 30
        assert side.core.transports["peer"].state == "connected"
        levels = [e.levels for e in side.events if isinstance(e, m.Levels)]
        assert abs(levels[-1]["peer"] - levels[-1]["room"]) < 5, "as loud as at home"


def test_nobody_hears_himself_back(both: Both) -> None:
    for number in range(1, 40):
        both.a.send(both.a.room, audio(number, ssrc=2000, level=25))
        both.carry()
        both.run(0.02)
    assert len(both.b.room.packets("audio:0")) > 20
    assert not both.a.room.packets("audio:0")


def test_the_line_between_is_estimated_as_a_rooms_is(both: Both) -> None:
    both.talk(1, 150)
    for side in (both.a, both.b):
        transport = side.core.transports["peer"]
        assert transport.estimator is not None
        assert side.core.counters.transport_cc_received > 5
        assert transport.rtt >= 0
        told = [e for e in side.events if isinstance(e, m.Bandwidth)]
        rates = {r.transport: r for r in told[-1].transports}
        assert rates["peer"].estimate > 0


def test_no_index_is_sealed_twice_whatever_is_asked_for_again(both: Both) -> None:
    both.talk(1, 20)
    again = rtcp.build_receiver_report(9, ()) + rtcp.build_nack(
        9, both.a.core.transports["peer"].slots["programme"].ssrc, list(range(1 << 10))
    )
    peer = both.b.core.transports["peer"]
    assert peer.outbound is not None
    for turn in range(3):
        sealed = peer.outbound.protect_rtcp(again)
        both.a.core.receive(sealed, (B.host, B.port), 0, both.a.now)
        both.talk(21 + 5 * turn, 5)
    seen = Counter((data[8:12], data[2:4]) for data in both.a.sealed)
    assert seen
    assert max(seen.values()) == 1


def test_keys_are_used_once(both: Both) -> None:
    spec = end("ab" * MASTER_SIZE, "cd" * MASTER_SIZE, B, 9000, 9500)
    assert both.a.core.command(m.Close(transport="peer"), both.a.now) == ""
    assert both.a.core.command(spec, both.a.now) == ""
    assert both.a.core.command(m.Close(transport="peer"), both.a.now) == ""
    assert "in use before" in both.a.core.command(spec, both.a.now)


def test_of_several_voices_behind_a_bridge_none_comes_back() -> None:
    levels = {("peer", 0): 20.0, ("peer", 1): 21.0, ("peer", 2): 22.0, ("room", 0): 40.0}
    floor = [("peer", n) for n in range(3)]
    heard = speakers.select(levels=levels, floor=floor, heard=[], slots=3, own=3)
    assert heard == [*floor, ("room", 0)], "the room is heard by the bridge whose voices lead"
