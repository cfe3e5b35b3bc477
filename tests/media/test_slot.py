"""The nonce rule: a search for two packets that share a key, an SSRC and an index."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from bridge.media import rtcp
from tests.media.support import (
    CLIENT,
    CLIENT_CM,
    Bench,
    camera,
    payload_of,
    sealed_by_hand,
    sequence_number_of,
    video,
    video_slot,
)

SOURCES = ("a", "b")


def bench(start: int, patient: bool = False) -> Bench:
    b = Bench(seed=start)
    for number, name in enumerate(SOURCES):
        b.join(name, (camera(ssrc=1000 + number, rtx_ssrc=3000 + number),))
    slots = (video_slot("programme", 5000), video_slot("thumb", 6000))
    b.join("r", (), slots, patient=patient)
    return b


Step = tuple[Any, ...]
STEP = st.one_of(
    st.tuples(st.just("send"), st.sampled_from(SOURCES), st.integers(-6, 6), st.booleans()),
    st.tuples(st.just("hold"), st.sampled_from(SOURCES), st.integers(-6, 6), st.booleans()),
    st.tuples(st.just("route"), st.sampled_from([*SOURCES, None]), st.sampled_from([0, 1])),
    st.tuples(st.just("nack"), st.integers(-8, 2), st.sampled_from([0, 1])),
    st.tuples(st.just("ask"), st.sampled_from([0, 1])),
    st.tuples(st.just("leap"), st.sampled_from(SOURCES), st.sampled_from([900, 1500, 32_000])),
    st.tuples(st.just("wait"), st.sampled_from([0.005, 0.05, 0.6])),
    # One after another, so that there is something kept when a slot comes to it.
    st.tuples(st.just("go on"), st.sampled_from(SOURCES), st.integers(1, 5)),
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([0, 1, 127, 128, 32767, 32768, 65534, 65535]),
    st.booleans(),
    st.lists(STEP, max_size=60),
)
def test_no_index_is_ever_sealed_twice(start: int, patient: bool, steps: list[Step]) -> None:
    """Loss, reordering, duplicates, switches, requests for repair and for pictures in any order."""
    b = bench(start, patient)
    receiver = b.peers["r"]
    slots = (receiver.slot("programme"), receiver.slot("thumb"))
    position = dict.fromkeys(SOURCES, start)
    # Both sources are known and one is shown, so that few steps reach a switch.
    known: list[Step] = [("send", source, 0, True) for source in SOURCES]
    for step in [("route", "a", 0), *known, *steps]:
        match step:
            case ("send" | "hold" as what, source, jump, key):
                position[source] += 1
                number = position[source] + jump
                # Sealed by hand: a real sender's libsrtp would refuse what a hostile one does.
                packet = video(number, key=key, ssrc=1000 + SOURCES.index(source))
                sealed = sealed_by_hand(b.peers[source], packet, number)
                if sealed is not None:
                    b.core.receive(sealed, b.peers[source].address, 0, b.now)
                if what == "send":  # held packets of several layers go out in one turn
                    b.settle()
            case ("go on", source, count):
                for _ in range(count):
                    position[source] += 1
                    packet = video(position[source], ssrc=1000 + SOURCES.index(source))
                    sealed = sealed_by_hand(b.peers[source], packet, position[source])
                    assert sealed is not None
                    b.core.receive(sealed, b.peers[source].address, 0, b.now)
                    b.settle()
            case ("route", source, slot):
                b.route("r", slots[slot].name, source)
            case ("nack", back, slot):
                sent = receiver.packets(slots[slot].name)
                last = sequence_number_of(sent[-1]) if sent else 0
                numbers = [(last + back + i) & 0xFFFF for i in range(4)]
                b.send_rtcp(receiver, rtcp.build_nack(9, slots[slot].ssrc, numbers))
            case ("ask", slot):
                b.send_rtcp(receiver, rtcp.build_pli(9, slots[slot].ssrc))
            case ("leap", source, count):
                position[source] += count
            case ("wait", seconds):
                b.run(seconds)
    # libsrtp's replay window would have raised on a repeated index; and no nonce repeats.
    event(f"served what was kept {min(b.core.counters.kept_served, 3)} times")
    headers = [header[:12] for header, _ in receiver.raw]
    identities = [(h[8:12], h[2:4]) for h in headers]
    assert len(set(identities)) == len(identities)


def test_numbers_and_time_go_on_across_a_switch() -> None:
    b = bench(65530)
    b.route("r", "programme", "a")
    out = b.peers["r"]
    for number in range(65530, 65540):
        b.send(b.peers["a"], video(number, key=number == 65530, ssrc=1000, picture_id=number & 99))
        b.now += 0.04
    b.send(b.peers["b"], video(6, ssrc=1001, timestamp=4))
    b.route("r", "programme", "b")
    b.send(b.peers["b"], video(7, ssrc=1001, timestamp=5))
    assert len(out.packets("programme")) == 10, "the old source stays until a key frame"
    b.send(b.peers["a"], video(65540, ssrc=1000))
    b.send(b.peers["b"], video(8, key=True, ssrc=1001, timestamp=3005, picture_id=500))
    b.send(b.peers["a"], video(65541, ssrc=1000))
    b.send(b.peers["b"], video(9, ssrc=1001, timestamp=6005, picture_id=501))
    packets = out.packets("programme")
    numbers = [sequence_number_of(p) for p in packets]
    assert [(n - numbers[0]) & 0xFFFF for n in numbers] == list(range(13))
    times = [int.from_bytes(p[4:8], "big") for p in packets]
    gaps = [(later - earlier) & 0xFFFFFFFF for earlier, later in itertools.pairwise(times)]
    assert all(0 < gap < 90_000 for gap in gaps), gaps
    assert len(b.peers["r"].packets("programme")) == 13


def test_a_late_packet_of_the_old_source_is_not_sent() -> None:
    b = bench(1)
    b.route("r", "programme", "a")
    b.send(b.peers["a"], video(100, key=True, ssrc=1000))
    b.send(b.peers["a"], video(102, ssrc=1000))
    b.route("r", "programme", "b")
    b.send(b.peers["b"], video(50, key=True, ssrc=1001))
    count = len(b.peers["r"].packets("programme"))
    b.send(b.peers["a"], video(101, ssrc=1000))
    assert len(b.peers["r"].packets("programme")) == count


def test_packets_before_the_key_frame_are_not_sent() -> None:
    b = bench(1)
    b.route("r", "programme", "a")
    b.send(b.peers["a"], video(101, key=True, ssrc=1000))
    b.send(b.peers["a"], video(100, ssrc=1000))
    assert len(b.peers["r"].packets("programme")) == 1


def test_fresh_keys_after_every_start() -> None:
    """Two associations with the same certificates never share session keys."""
    seen = set()
    for seed in range(4):
        b = Bench(seed=1)
        for identity in (CLIENT, CLIENT_CM):
            peer = b.join(f"p{seed}{identity is CLIENT}", identity=identity, real=True)
            assert peer.peer.keys is not None
            seen.add(peer.peer.keys.inbound)
            seen.add(peer.peer.keys.outbound)
    assert len(seen) == 16


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_a_switch_while_both_layers_have_packets_waiting(order: str) -> None:
    """The old and the new source arrive in one turn. What the old one sent there may still be
    shown or not (the compiled turn shows it, since it leaves the new source's key frame to Python;
    Python switches first), but never after the new one, and with no gap and no repeat."""
    b = bench(1)
    b.route("r", "programme", "a")
    b.send(b.peers["a"], video(100, key=True, ssrc=1000, size=300))
    b.send(b.peers["b"], video(50, ssrc=1001, size=200))
    b.route("r", "programme", "b")
    receiver = b.peers["r"]
    datagrams = []
    for source in order:
        ssrc, number, size = (1000, 101, 300) if source == "a" else (1001, 51, 200)
        packet = video(number, key=source == "b", ssrc=ssrc, size=size)
        datagrams.append((b.peers[source].tx.protect(packet), b.peers[source].address))
    b.receive_all(datagrams)
    b.settle()
    b.send(b.peers["a"], video(102, ssrc=1000, size=300))
    b.send(b.peers["b"], video(52, ssrc=1001, size=200))
    packets = receiver.packets("programme")
    shown = "".join("a" if len(payload_of(packet)) == 300 else "b" for packet in packets)
    assert shown in ("abb", "aabb")
    numbers = [sequence_number_of(packet) for packet in packets]
    assert [n - numbers[0] for n in numbers] == list(range(len(packets))), "no repeat and no gap"
