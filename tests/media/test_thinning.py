"""Temporal layers left out: numbers and picture ids without a hole, and none given twice."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.media import rtcp, rtp, vp8
from bridge.media.congestion.pacer import Pacer
from bridge.media.packets import Outgoing
from bridge.media.padding import pad
from bridge.media.slot import Slot
from bridge.media.thinning import ALL, Thinning
from tests.media.support import (
    CAMERA_PT,
    CLIENT,
    CLIENT_CM,
    MID,
    Bench,
    camera,
    payload_of,
    sequence_number_of,
    video,
    video_slot,
)
from tests.scenarios.rooms import PATTERN, SYNC, descriptor


def frame(
    number: int, *, parts: int = 1, ssrc: int = 1000, first: int | None = None
) -> list[bytes]:
    """Frame ``number`` of a source with three temporal layers, in packets of ``parts``."""
    at = number % len(PATTERN)
    key = number == 0
    start = number * parts if first is None else first
    return [
        rtp.build(
            payload_type=CAMERA_PT,
            sequence_number=start + part & 0xFFFF,
            timestamp=number * 3000,
            ssrc=ssrc,
            payload=descriptor(
                start=part == 0,
                picture=number + 32_760 & 0x7FFF,
                tl0=number // 2 & 0xFF,
                tid=PATTERN[at],
                sync=SYNC[at] or key,
                key=key,
            )
            + bytes(40),
            marker=part == parts - 1,
            extensions=((MID, b"1"),),
        )
        for part in range(parts)
    ]


def bench(**options: Any) -> Bench:
    b = Bench(**options)
    b.join("a", (camera(ssrc=1000, rtx_ssrc=1500),))
    b.join("r", (), (video_slot("programme", 5000),))
    b.route("r", "programme", "a")
    return b


def shown(b: Bench) -> list[tuple[int, int, int]]:
    """Sequence number, picture id and temporal layer of what the receiver got."""
    out = []
    for packet in b.peers["r"].packets("programme"):
        payload = payload_of(packet)
        tid = vp8.temporal(payload).layer
        out.append((sequence_number_of(packet), vp8.numbers(payload).picture_id, tid))
    return out


def slot_of(b: Bench, name: str = "programme") -> Slot:
    return b.core.transports["r"].slots[name]


def test_only_the_lowest_layers_are_sent_and_nothing_is_missing() -> None:
    b = bench()
    for number in range(40):
        if number == 8:
            slot_of(b).leave_out(1)
        if number == 20:
            slot_of(b).leave_out(0)
        for packet in frame(number, parts=2):
            b.send(b.peers["a"], packet)
    got = shown(b)
    assert {tid for _, _, tid in got[16:28]} == {0, 1}
    assert {tid for _, _, tid in got[28:]} == {0}
    numbers = [n for n, _, _ in got]
    assert [(n - numbers[0]) & 0xFFFF for n in numbers] == list(range(len(numbers)))
    pictures = [p for _, p, _ in got[::2]]
    steps = {(later - earlier) & 0x7FFF for earlier, later in itertools.pairwise(pictures)}
    assert steps == {1}, "picture ids go on one by one, across the wrap too"


def test_layers_come_back_where_nothing_is_needed_of_what_was_left_out() -> None:
    b = bench()
    for number in range(60):
        if number == 4:
            slot_of(b).leave_out(0)
        if number == 23:
            slot_of(b).leave_out(-1)
        if number == 40:
            slot_of(b).straighten()
        for packet in frame(number):
            b.send(b.peers["a"], packet)
    got = shown(b)
    assert slot_of(b).thin is None, "everything is sent again: the hot loop serves the slot"
    assert [tid for _, _, tid in got[-8:]] == [0, 2, 1, 2, 0, 2, 1, 2]
    numbers = [n for n, _, _ in got]
    assert [(n - numbers[0]) & 0xFFFF for n in numbers] == list(range(len(numbers)))
    pictures = [p for _, p, _ in got]
    assert {(b - a) & 0x7FFF for a, b in itertools.pairwise(pictures)} == {1}


def test_a_late_packet_takes_the_number_kept_for_it() -> None:
    thin = Thinning(top=99, offset=1000, target=0)
    packets = [payload_of(frame(n)[0]) for n in range(6)]
    assert thin.take(100, packets[0], key_frame=True) == (1100, 0, False)
    assert thin.take(102, packets[4]) == (1102, 0, False)
    assert thin.take(101, packets[1]) == (1101, 0, False), "a frame that was missing is kept"
    assert thin.take(101, packets[1]) is None
    assert thin.take(103, packets[5]) is None, "left out"
    assert thin.find(1102) == (102, 0)
    assert thin.find(1050) == (50, 0), "before thinning began the numbers differ by a constant"


def test_retransmissions_find_what_was_sent() -> None:
    b = bench()
    slot_of(b).leave_out(0)
    for number in range(24):
        for packet in frame(number):
            b.send(b.peers["a"], packet)
    receiver = b.peers["r"]
    sent = receiver.packets("programme")
    b.run(0.1)
    asked = [sequence_number_of(p) for p in sent[-3:]]
    b.send_rtcp(receiver, rtcp.build_nack(9, 5000, asked))
    again = receiver.packets("programme", rtx=True)
    assert [payload_of(p)[:2] for p in again] == [n.to_bytes(2, "big") for n in asked]
    assert [payload_of(p)[2:] for p in again] == [payload_of(p) for p in sent[-3:]]


def test_sources_without_temporal_layers_are_sent_whole() -> None:
    thin = Thinning(top=0, offset=0, target=0)
    plain = bytes((0x10, 0x01)) + bytes(20)
    assert [thin.take(n, plain) for n in range(1, 5)] == [(n, 0, False) for n in range(1, 5)]
    assert thin.target < ALL


Step = tuple[Any, ...]
STEP = st.one_of(
    st.tuples(st.just("send"), st.integers(-5, 5), st.integers(1, 3)),
    st.tuples(st.just("hold"), st.integers(-5, 5), st.integers(1, 3)),
    st.tuples(st.just("leave"), st.integers(-1, 2), st.sampled_from([0, 1])),
    st.tuples(st.just("straighten")),
    st.tuples(st.just("route"), st.sampled_from(["a", "b", None]), st.sampled_from([0, 1])),
    st.tuples(st.just("pause"), st.sampled_from([0, 1])),
    st.tuples(st.just("pace"), st.booleans()),
    st.tuples(st.just("probe"), st.integers(1, 6000)),
    st.tuples(st.just("nack"), st.integers(-8, 2), st.sampled_from([0, 1])),
    st.tuples(st.just("wait"), st.sampled_from([0.005, 0.05, 0.6])),
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([0, 32767, 65500]),
    st.sampled_from([CLIENT, CLIENT_CM]),
    st.lists(STEP, max_size=50),
)
def test_no_index_is_ever_sealed_twice(start: int, identity: Any, steps: list[Step]) -> None:
    """Thinning, pacing, probes, pauses, switches, loss, reordering and retransmissions."""
    b = Bench(seed=start)
    for number, name in enumerate(("a", "b")):
        b.join(name, (camera(ssrc=1000 + number, rtx_ssrc=3000 + number),))
    slots = (video_slot("programme", 5000), video_slot("thumb", 6000))
    receiver = b.join("r", (), slots, identity=identity)
    transport = b.core.transports["r"]
    position = start
    b.route("r", "programme", "a")
    b.route("r", "thumb", "a")
    known: list[Step] = [("send", 0, 1), ("send", 0, 1)]
    for count, step in enumerate([*known, *steps]):
        match step:
            case ("send" | "hold" as what, jump, parts):
                position += parts
                for ssrc, name in ((1000, "a"), (1001, "b")):
                    for packet in frame(
                        0 if count % 7 < 2 else count, parts=parts, ssrc=ssrc, first=position + jump
                    ):
                        _hand_in(b, name, packet, position + jump)
                if what == "send":
                    b.settle()
            case ("leave", temporal, slot):
                slot_of(b, slots[slot].name).leave_out(temporal)
            case ("straighten",):
                for spec in slots:
                    slot_of(b, spec.name).straighten()
            case ("route", source, slot):
                b.route("r", slots[slot].name, source)
            case ("pause", slot):
                b.core.router.pause(slot_of(b, slots[slot].name), "line", b.now)
                b.settle()
            case ("pace", on):
                waiting = transport.pacer
                if on and waiting is None:
                    fresh: Pacer[tuple[Slot, Outgoing]] = Pacer(b.now)
                    transport.pace(fresh)
                elif not on and not waiting:
                    transport.pace(None)
            case ("probe", octets):
                pad(transport, octets, b.core.ready)
                b.settle()
            case ("nack", back, slot):
                sent = receiver.packets(slots[slot].name)
                last = sequence_number_of(sent[-1]) if sent else 0
                numbers = [(last + back + i) & 0xFFFF for i in range(4)]
                b.send_rtcp(receiver, rtcp.build_nack(9, slots[slot].ssrc, numbers))
            case ("wait", seconds):
                b.run(seconds)
    b.run(0.5)
    # libsrtp's replay window would have raised on a repeated index; and no nonce repeats.
    identities = [(p[8:12], p[2:4]) for p in receiver.received]
    assert len(set(identities)) == len(identities)
    # Every packet that left is in the book, and its numbers have no hole.
    assert transport.booked == transport.cc_next


def test_nobody_is_paced_any_longer_than_its_line_is_full() -> None:
    """A receiver that never reports is held back for a second and by nothing then, although its
    pictures keep coming and there is always one that waits."""
    b = bench()
    transport = b.core.transports["r"]
    waited = False
    for number in range(200):  # 880 kbit/s
        b.send(b.peers["a"], video(number + 1, key=number == 0, size=1100, ssrc=1000))
        waited = waited or bool(transport.pacer)
        b.run(0.01)
    assert waited, "at first it was"
    assert transport.pacer is None
    received = len(b.peers["r"].received)
    b.send(b.peers["a"], video(201, size=1100, ssrc=1000))
    assert len(b.peers["r"].received) == received + 1, "at once"


def _hand_in(b: Bench, name: str, packet: bytes, number: int) -> None:
    from bridge.media.srtp import nonce

    if number < 0:
        return
    out = b.peers[name].tx
    assert out.seal is not None
    offset = rtp.payload_offset(packet)
    ssrc = int.from_bytes(packet[8:12], "big")
    index = number - (number & 0xFFFF) + (packet[2] << 8 | packet[3])
    sealed = packet[:offset] + out.seal(
        nonce(out.salt, ssrc, index), packet[offset:], packet[:offset]
    )
    b.core.receive(sealed, b.peers[name].address, 0, b.now)
