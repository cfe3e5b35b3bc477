"""Redundant audio through a whole core: what is restored, what is repeated, and to whom."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.media import messages as m
from bridge.media import red, redundancy, rtcp, rtp
from bridge.media.transport_cc import encode_statuses
from tests.media.support import (
    CLIENT,
    CLIENT_CM,
    OPUS_PT,
    RED_PT,
    SLOT_OPUS_PT,
    SLOT_RED_PT,
    Bench,
    TestPeer,
    audio,
    audio_slot,
    messages,
    microphone,
    pair,
    payload_of,
    sealed_by_hand,
    sequence_number_of,
    sound,
    timestamp_of,
    video,
)

SSRC = 2000
HEARD = 7000
EDGES = (0, 1, 127, 128, 32767, 32768, 65534, 65535)


def redundant(number: int, back: tuple[int, ...] = (1,), *, timestamp: int | None = None) -> bytes:
    """A packet that repeats the frames so many numbers ``back``, oldest first."""
    earlier = [red.Earlier(960 * b, sound(number - b)) for b in sorted(back, reverse=True)]
    payload = red.build(OPUS_PT, sound(number), earlier)
    return audio(number, payload=payload, payload_type=RED_PT, timestamp=timestamp)


def room(*, source: bool = True, receiver: bool = True, cm: bool = False) -> Bench:
    """A sender "a" that is heard by "r"; which of the two knows redundant audio."""
    b = Bench()
    identity = CLIENT_CM if cm else CLIENT
    b.join("a", (microphone(ssrc=SSRC, redundant=source),), identity=identity)
    b.join("r", (), (audio_slot("audio:0", HEARD, redundant=receiver),), identity=identity)
    b.route("r", "audio:0", "a", name="microphone")
    return b


def reported(peer: TestPeer) -> list[rtcp.ReportBlock]:
    """The report blocks that a peer got."""
    found: list[rtcp.ReportBlock] = []
    for message in messages(peer, rtcp.ReceiverReport):
        assert isinstance(message, rtcp.ReceiverReport)
        found += message.blocks
    return found


def heard(b: Bench, after: int = 0) -> list[bytes]:
    """The sound that the receiver got, ``after`` so many packets of any kind."""
    return b.peers["r"].packets("audio:0", after=after)


def payload_types(b: Bench) -> set[int]:
    return {packet[1] & 0x7F for packet in heard(b)}


def sounds(b: Bench) -> list[bytes]:
    """What is heard, without what is repeated."""
    found = []
    for packet in heard(b):
        payload = payload_of(packet)
        if packet[1] & 0x7F == SLOT_RED_PT:
            parsed = red.parse(payload, SLOT_OPUS_PT)
            assert parsed is not None
            payload = parsed.frame
        found.append(payload)
    return found


# --- from a room ---------------------------------------------------------------------------


@pytest.mark.parametrize("cm", [False, True])
@pytest.mark.parametrize("start", EDGES)
def test_what_was_lost_is_restored_in_its_place(start: int, cm: bool) -> None:
    b = room(receiver=False, cm=cm)
    a = b.peers["a"]
    for number in range(start + 100, start + 120):
        if number % 3:  # every third packet is lost
            b.send(a, redundant(number))
        b.now += 0.02
    packets = heard(b)
    assert payload_types(b) == {SLOT_OPUS_PT}, "a receiver without redundancy hears plain Opus"
    numbers = [sequence_number_of(p) for p in packets]
    times = [timestamp_of(p) for p in packets]
    assert all((y - x) & 0xFFFF == 1 for x, y in itertools.pairwise(numbers))
    assert all((y - x) & 0xFFFFFFFF == 960 for x, y in itertools.pairwise(times))
    last = start + 119 if (start + 119) % 3 else start + 118
    assert sounds(b) == [sound(n) for n in range(last + 1 - len(packets), last + 1)]
    assert b.core.counters.packets_restored == 6
    assert b.core.transports["a"].layers[SSRC].redundancy == 1


def test_two_earlier_frames_restore_two_in_a_row() -> None:
    b = room()
    for number in (100, 103, 106, 107, 111):
        b.send(b.peers["a"], redundant(number, (1, 2)))
    expected = [*range(100, 108), 109, 110, 111]
    assert sounds(b) == [sound(n) for n in expected]
    numbers = [sequence_number_of(p) for p in heard(b)]
    assert [n - numbers[0] for n in numbers] == [n - 100 for n in expected], "108 stays a gap"


def test_a_packet_that_comes_after_all_is_a_duplicate() -> None:
    b = room()
    a = b.peers["a"]
    b.send(a, redundant(100))
    late = a.tx.protect(redundant(101))
    b.send(a, redundant(102))
    b.core.receive(late, a.address, 0, b.now)
    b.settle()
    b.core.receive(late, a.address, 0, b.now)  # and so is a replay
    b.settle()
    assert b.dropped("duplicate") == 2
    assert sounds(b) == [sound(100), sound(101), sound(102)]


def test_a_repeated_frame_whose_packet_came_changes_nothing() -> None:
    b = room()
    for number in range(100, 110):
        b.send(b.peers["a"], redundant(number, (1, 2)))
    assert b.core.counters.packets_restored == 0
    assert len(heard(b)) == 10


def test_a_pause_of_the_source_shifts_time_and_not_numbers() -> None:
    """Discontinuous transmission: numbers go on by one across a pause of a second."""
    b = room()
    a = b.peers["a"]
    b.send(a, redundant(100))
    b.send(a, redundant(101))
    pause = 48_000 * 960 // 960
    # 102 is lost; 103 repeats it, 960 before.
    b.send(a, redundant(103, timestamp=103 * 960 + pause))
    assert sounds(b) == [sound(100), sound(101), sound(102), sound(103)]
    times = [timestamp_of(p) for p in heard(b)]
    assert [(t - times[0]) & 0xFFFFFFFF for t in times] == [0, 960, 1920 + pause, 2880 + pause]
    numbers = [sequence_number_of(p) for p in heard(b)]
    assert [n - numbers[0] for n in numbers] == [0, 1, 2, 3]


def test_a_frame_older_than_what_is_known_is_left_out() -> None:
    """105 claims to repeat a frame of long before the packets that came."""
    b = room()
    a = b.peers["a"]
    b.send(a, redundant(100))
    lying = red.build(OPUS_PT, sound(105), [red.Earlier(0x3FFF, b"\xfcold")])
    b.send(a, audio(105, payload=lying, payload_type=RED_PT))
    assert sounds(b) == [sound(100), sound(105)]


def test_a_jump_in_the_numbering_restores_nothing_from_before_it() -> None:
    """Three packets are missing, and receivers may not be shown a loss of so many any more: the
    numbering begins anew with the packet that repeats two of them."""
    b = room()
    a = b.peers["a"]
    for number in (100, 1001, 1124, 1128):
        sealed = sealed_by_hand(a, redundant(number, (1, 2, 3)), number)
        assert sealed is not None
        b.core.receive(sealed, a.address, 0, b.now)
        b.settle()
    indices = [
        packet[0] for packet in b.core.transports["a"].layers[SSRC].ring if packet is not None
    ]
    assert sorted(set(indices)) == sorted(indices)
    assert sounds(b) == [sound(100), sound(1001), sound(1124), sound(1128)]
    assert b.core.counters.packets_restored == 0


def test_the_report_to_the_sender_counts_restored_packets_as_lost() -> None:
    b = room()
    a = b.peers["a"]
    for number in range(100, 151):
        if number == 100 or number % 2:
            b.send(a, redundant(number))
    b.run(1.1)
    report = next(block for block in reported(a) if block.packets_lost)
    assert report.packets_lost == 24
    assert 24 * 256 // 51 <= report.fraction_lost <= 25 * 256 // 51


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xef",
        red.build(63, b"x", []),  # nested
        red.build(0, b"x", []),  # another codec
        b"\xef\x0f\x03\xff\x6f" + b"x" * 30,  # a length past the end
        (b"\xef\x0f\x00\x01" * 127) + b"\x6f" + b"1" * 127 + b"x",
    ],
)
def test_hostile_packets_are_dropped_and_counted(payload: bytes) -> None:
    b = room()
    a = b.peers["a"]
    b.send(a, redundant(100))
    packet = rtp.build(
        payload_type=RED_PT, sequence_number=101, timestamp=101 * 960, ssrc=SSRC, payload=payload
    )
    b.send(a, packet)
    b.send(a, redundant(102))
    assert b.dropped("red_malformed") == 1
    assert sounds(b) == [sound(100), sound(101), sound(102)]


def test_padding_is_no_part_of_the_frame() -> None:
    b = room()
    packet = bytearray(redundant(100) + b"\0\0\0\x04")
    packet[0] |= rtp.PADDING_BIT
    b.send(b.peers["a"], bytes(packet))
    assert sounds(b) == [sound(100)]
    assert not heard(b)[0][0] & rtp.PADDING_BIT


def test_plain_opus_between_redundant_packets_is_taken() -> None:
    b = room()
    a = b.peers["a"]
    for packet in (redundant(100), audio(101), redundant(103), audio(104)):
        b.send(a, packet)
    assert sounds(b) == [sound(n) for n in range(100, 105)]


# --- to a room -----------------------------------------------------------------------------


def lose(b: Bench, share: float) -> None:
    """The receiver reports a share of lost packets."""
    for _ in range(60):
        count = 50
        lost = {round(i / share) for i in range(round(count * share))} if share else set()
        fci = feedback(count, lost)
        b.send_rtcp(b.peers["r"], rtcp.build_transport_cc(9, HEARD, fci))
    b.run(0.2)


def feedback(count: int, lost: set[int]) -> bytes:
    statuses = [0 if i in lost else 1 for i in range(count)]
    head = (0).to_bytes(2, "big") + count.to_bytes(2, "big") + bytes(4)
    fci = head + encode_statuses(statuses) + bytes(count - len(lost))
    return fci + bytes(-len(fci) % 4)


def talk(b: Bench, start: int, count: int) -> None:
    for number in range(start, start + count):
        b.send(b.peers["a"], audio(number))
        b.run(0.02)


@pytest.mark.parametrize(
    ("share", "frames"), [(0.0, 0), (0.005, 0), (0.02, 1), (0.08, 2), (0.3, 2), (0.45, 3)]
)
def test_frames_are_repeated_by_the_receivers_loss(share: float, frames: int) -> None:
    """From plain Opus."""
    b = room(source=False)
    talk(b, 100, 10)
    lose(b, share)
    before = len(heard(b))
    talk(b, 110, 10)
    for place, packet in enumerate(heard(b)[before:]):
        if not frames:
            assert packet[1] & 0x7F == SLOT_OPUS_PT
            continue
        assert packet[1] & 0x7F == SLOT_RED_PT
        parsed = red.parse(payload_of(packet), SLOT_OPUS_PT)
        number = 110 + place
        expected = tuple(red.Earlier(960 * n, sound(number - n)) for n in range(frames, 0, -1))
        assert parsed == red.Parsed(sound(number), expected)
    numbers = [sequence_number_of(p) for p in heard(b)]
    assert [n - numbers[0] for n in numbers] == list(range(20)), "the numbering goes on"


def test_a_receiver_without_redundancy_never_gets_it() -> None:
    b = room(receiver=False)
    talk(b, 100, 5)
    lose(b, 0.3)
    talk(b, 105, 5)
    assert payload_types(b) == {SLOT_OPUS_PT}


def test_what_was_restored_is_repeated_as_well() -> None:
    b = room()
    a = b.peers["a"]
    b.send(a, redundant(100))
    lose(b, 0.3)
    b.send(a, redundant(102, (1,)))
    first, restored, last = heard(b)
    assert first[1] & 0x7F == SLOT_OPUS_PT
    assert red.parse(payload_of(restored), SLOT_OPUS_PT) == red.Parsed(
        sound(101), (red.Earlier(960, sound(100)),)
    )
    assert red.parse(payload_of(last), SLOT_OPUS_PT) == red.Parsed(
        sound(102), (red.Earlier(1920, sound(100)), red.Earlier(960, sound(101)))
    )


def test_after_a_switch_nothing_of_the_other_source_is_repeated() -> None:
    b = room()
    b.join("b", (microphone(ssrc=SSRC + 1),))
    lose(b, 0.3)
    talk(b, 100, 5)
    for number in (7, 8, 9):
        b.send(b.peers["b"], audio(number, ssrc=SSRC + 1))
    b.route("r", "audio:0", "b", name="microphone")
    for number in (10, 11, 12):
        b.send(b.peers["b"], audio(number, ssrc=SSRC + 1))
    earlier = []
    for packet in heard(b)[-3:]:
        parsed = red.parse(payload_of(packet), SLOT_OPUS_PT)
        assert parsed is not None
        earlier.append([block.frame for block in parsed.earlier])
    assert earlier == [[], [sound(10)], [sound(10), sound(11)]]


def test_a_pause_is_bridged_only_as_far_as_offsets_reach() -> None:
    b = room(source=False)
    talk(b, 100, 1)
    lose(b, 0.3)
    a = b.peers["a"]
    b.send(a, audio(101, timestamp=101 * 960 + 10_000))
    b.send(a, audio(102, timestamp=102 * 960 + 30_000))
    _, near, far = heard(b)
    parsed = red.parse(payload_of(near), SLOT_OPUS_PT)
    assert parsed is not None
    assert [block.offset for block in parsed.earlier] == [10_960]
    parsed = red.parse(payload_of(far), SLOT_OPUS_PT)
    assert parsed is not None
    assert parsed.earlier == ()


def test_more_at_once_fewer_one_by_one() -> None:
    level = redundancy.Level()
    now = 100.0
    assert level.feed(0.0, 3, now) == 0
    assert level.feed(0.3, 3, now) == 2
    assert level.feed(0.36, 3, now) == 3
    level = redundancy.Level()
    assert level.feed(0.3, 2, now) == 2
    assert level.feed(0.3, 1, now) == 1, "no more than the line has room for"
    assert level.feed(0.3, 2, now) == 2
    steady = redundancy.STEADY
    assert level.feed(0.0, 2, now + steady - 0.1) == 2
    assert level.feed(0.0, 2, now + steady) == 1
    assert level.feed(0.0, 2, now + 2 * steady - 0.1) == 1
    assert level.feed(0.0, 2, now + 2 * steady) == 0
    now += 100
    assert level.feed(0.07, 2, now) == 2
    assert level.feed(0.04, 2, now + 60) == 2, "loss just below the bound keeps the level"
    assert level.feed(0.02, 2, now + 65) == 2
    assert level.feed(0.02, 2, now + 70) == 1


@pytest.mark.parametrize(
    ("own", "steady"), [(0.0, redundancy.OVERFLOWED), (0.3, redundancy.STEADY)]
)
def test_after_a_queue_that_ran_over_they_are_fewer_sooner(own: float, steady: float) -> None:
    """A line that loses nothing itself will lose no more than that once less is sent."""
    levels: list[int] = []
    slot = SimpleNamespace(red_payload_type=63, layer=object(), repeat=levels.append)
    line: Any = SimpleNamespace(
        slots={"audio:0": slot},
        state="connected",
        estimator=SimpleNamespace(
            full_at=600_000.0, reported=True, loss=SimpleNamespace(own=own, bound=0.0)
        ),
        redundancy=redundancy.Level(),
        cc_word=1,
        downlink_loss=0.3,
    )
    redundancy.adapt([line], 100.0)
    line.downlink_loss = 0.0
    for after in (steady - 0.1, steady, 2 * steady):
        redundancy.adapt([line], 100.0 + after)
    assert levels == [2, 2, 1, 0]


@pytest.mark.parametrize(
    ("estimate", "streams", "most"),
    [
        (0, 1, 3),
        (0, 0, 3),
        (30_000, 1, 0),
        (100_000, 1, 0),
        (120_000, 1, 1),
        (300_000, 1, 3),
        (300_000, 3, 0),
        (600_000, 3, 2),
    ],
)
def test_a_thin_line_has_room_for_little_repetition(estimate: int, streams: int, most: int) -> None:
    assert redundancy.affordable(estimate, streams) == most


# --- back to a room ------------------------------------------------------------------------


def fractions(peer: TestPeer) -> list[int]:
    return [block.fraction_lost for block in reported(peer)]


def test_a_sender_hears_of_the_loss_that_its_worst_listener_is_left_with() -> None:
    for receiver, least, most in ((True, 5, 9), (False, 60, 64)):
        b = room(receiver=receiver)
        a = b.peers["a"]
        talk(b, 100, 60)
        assert set(fractions(a)) == {0}
        lose(b, 0.3)
        a.feedback.clear()
        talk(b, 160, 60)
        reports = reported(a)
        assert all(least <= block.fraction_lost <= most for block in reports), reports
        assert {block.packets_lost for block in reports} == {0}, "what judges the line is not"


def test_pictures_are_reported_as_they_are() -> None:
    b, a, r = pair()
    b.send(a, video(100, key=True))
    b.core.transports["r"].downlink_loss = 0.3
    b.run(1.1)
    assert r.received
    assert set(fractions(a)) == {0}


# --- a nonce is never used twice -----------------------------------------------------------

FRAMES = st.sampled_from([(), (1,), (1, 2), (2, 4), (5,)])
STEP = st.one_of(
    st.tuples(st.just("send"), st.integers(-6, 6), FRAMES),
    st.tuples(st.just("hold"), st.integers(-6, 6), FRAMES),
    st.tuples(st.just("opus"), st.integers(-6, 6), st.just(())),
    st.tuples(st.just("pause"), st.integers(1, 40_000), st.just(())),
    st.tuples(st.just("leap"), st.sampled_from([30, 900, 1500, 32_000]), st.just(())),
    st.tuples(st.just("level"), st.integers(0, 2), st.just(())),
    st.tuples(st.just("route"), st.integers(0, 1), st.just(())),
    st.tuples(st.just("junk"), st.integers(0, 6), st.just(())),
)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(EDGES), st.booleans(), st.lists(STEP, max_size=60))
def test_no_index_is_ever_sealed_twice(
    start: int, receiver: bool, steps: list[tuple[str, int, tuple[int, ...]]]
) -> None:
    """Loss, reordering, repetition, late originals, pauses, leaps and switches in any order."""
    b = room(receiver=receiver)
    b.join("b", (microphone(ssrc=SSRC + 1, redundant=True),))
    position, skipped = start, 0
    slot = b.core.transports["r"].slots["audio:0"]
    for what, value, back in [("send", 0, (1,)), *steps]:
        match what:
            case "send" | "hold" | "opus" | "junk":
                position += 1
                number = position + (value if what != "junk" else 0)
                if number < 5:
                    continue
                for offset, name in enumerate(("a", "b")):
                    ssrc = SSRC + offset
                    at = (number * 960 + skipped) & 0xFFFFFFFF
                    options: dict[str, Any] = {"ssrc": ssrc, "timestamp": at}
                    if what == "opus":
                        packet = audio(number & 0xFFFF, payload=sound(number), **options)
                    else:
                        earlier = [red.Earlier(960 * n, sound(number - n)) for n in back]
                        payload = red.build(OPUS_PT, sound(number), earlier)
                        if what == "junk":
                            payload = payload[:value]
                        options["payload_type"] = RED_PT
                        packet = audio(number & 0xFFFF, payload=payload or b"\0", **options)
                    sealed = sealed_by_hand(b.peers[name], packet, number)
                    assert sealed is not None
                    b.core.receive(sealed, b.peers[name].address, 0, b.now)
                if what != "hold":
                    b.settle()
            case "pause":
                skipped += value
                b.run(0.02)
            case "leap":
                position += value
            case "level":
                slot.repeat(value)
            case "route":
                b.route("r", "audio:0", "ab"[value], name="microphone")
    headers = [header[:12] for header, _ in b.peers["r"].raw]
    identities = [(h[8:12], h[2:4]) for h in headers]
    assert len(set(identities)) == len(identities)
    assert receiver or payload_types(b) <= {SLOT_OPUS_PT}
    for packet in heard(b):
        if packet[1] & 0x7F == SLOT_RED_PT:
            assert red.parse(payload_of(packet), SLOT_OPUS_PT) is not None


def test_the_worker_says_what_it_restored() -> None:
    b = room()
    for number in (100, 102):
        b.send(b.peers["a"], redundant(number))
    assert b.core.counters.snapshot()["packets_restored"] == 1
    assert isinstance(b.core.transports["a"].sources["microphone"].spec, m.SourceSpec)
