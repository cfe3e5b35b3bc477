"""A light point's media without a network: what it sends can be received, and read; what it is sent
is counted, and a key frame that is missing is asked for."""

from __future__ import annotations

import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.media import messages as m
from bridge.media import rtp
from bridge.signalling import answer as negotiation
from bridge.signalling import sdp
from endpoints.simulation.light_peer import RTP_HEADER
from endpoints.simulation.light_sender import (
    PictureSender,
    SoundSender,
    picture_loss,
    receiver_report,
    sender_report,
)
from endpoints.simulation.light_slots import ASK_AGAIN, Pictures, Seen, Sounds
from endpoints.simulation.meeting_room import MeetingRoom
from endpoints.simulation.picture_loop import PictureLoop
from endpoints.webrtc import light_sdp
from endpoints.webrtc.light_reception import Reception
from endpoints.webrtc.light_sdp import Credentials
from endpoints.webrtc.observation import Observations
from endpoints.webrtc.tracks import encoded_tone

VIDEO = ["programme", "thumb:chi-ne", "content"]
AUDIO = ["audio:0", "audio:1"]
NUMBER, POINT = 3, "chi-ne"


@pytest.fixture(scope="module")
def loop() -> PictureLoop:
    loop = PictureLoop(MeetingRoom(NUMBER, "Chi Nê", width=480, height=270), 9, 5)
    loop.fill()
    return loop


@pytest.fixture(scope="module")
def other() -> PictureLoop:
    loop = PictureLoop(MeetingRoom(5, "Yên Bồng", width=480, height=270), 9, 5)
    loop.fill()
    return loop


def observed() -> Observations:
    observations = Observations({NUMBER: POINT})
    observations.connected(["programme", "audio:0"], 0.0)
    return observations


def give(slot: Pictures | Sounds, packet: bytes, now: float) -> None:
    second, sequence, timestamp, _ = RTP_HEADER.unpack_from(packet)
    slot.take(packet, sequence, timestamp, second >= 0x80, now, bytes)


def test_what_is_sent_is_seen(loop: PictureLoop) -> None:
    observations = observed()
    slot = Pictures("programme", 7, observations, Seen())
    sender = PictureSender(0x1234, loop)
    for step in range(200):
        now = 50.0 + step * 0.02
        for packet in sender.due(now):
            give(slot, packet, now + 0.03)
    (report,) = observations.reports()
    assert report["point"] == POINT
    assert report["frame_height"] == 270
    assert 30 <= report["latency_ms"] <= 30 + 21, "a picture goes out with the tick after it"
    assert slot.reception.lost == 0
    assert not slot.wants_key(60.0)


def test_a_lost_key_frame_is_asked_for(loop: PictureLoop) -> None:
    slot = Pictures("programme", 7, observed(), Seen())
    sender = PictureSender(0x1234, loop)
    first = list(sender.due(50.0))
    for packet in first[1:]:  # the first part of the key picture is lost
        give(slot, packet, 50.0)
    assert slot.wants_key(50.0)
    assert not slot.wants_key(50.0 + ASK_AGAIN / 2), "once in a while"
    assert slot.wants_key(50.0 + ASK_AGAIN)
    sender.want_key()
    for packet in sender.due(50.1):
        give(slot, packet, 50.1)
    assert not slot.wants_key(60.0)


def test_packets_that_say_nothing_new_stay_sealed(loop: PictureLoop) -> None:
    opened = 0

    def unseal(packet: bytes) -> bytes:
        nonlocal opened
        opened += 1
        return packet

    observations = observed()
    picture = Pictures("programme", 7, observations, Seen())
    sound = Sounds("audio:0", 9, observations, Seen())
    senders = PictureSender(0x1234, loop), SoundSender(0x77, encoded_tone(NUMBER))
    sent = 0
    for step in range(1000):  # 20 s
        now = 50.0 + step * 0.02
        for packet in (*senders[0].due(now), *senders[1].due(now)):
            sent += 1
            second, sequence, timestamp, ssrc = RTP_HEADER.unpack_from(packet)
            slot: Pictures | Sounds = picture if ssrc == senders[0].ssrc else sound
            slot.take(packet, sequence, timestamp, second >= 0x80, now, unseal)
    assert picture.reception.packets + sound.reception.packets == sent > 1200
    assert opened < sent / 5


def test_a_key_frame_that_was_lost_is_missed_at_the_next_picture(
    loop: PictureLoop, other: PictureLoop
) -> None:
    """Another point comes into the slot, and a part of its key picture is lost."""
    observations = observed()
    slot = Pictures("programme", 7, observations, Seen())
    sequence = 0

    def show(sender: PictureSender, now: float, *, without: int = -1) -> None:
        nonlocal sequence
        for number, packet in enumerate(sender.due(now)):
            sequence += 1
            if number != without:
                last, _, timestamp, _ = RTP_HEADER.unpack_from(packet)
                slot.take(packet, sequence, timestamp, last >= 0x80, now, bytes)

    before, after = PictureSender(0x10, loop), PictureSender(0x10, other)
    for step in range(20):
        show(before, 50.0 + step / 15)
    show(after, 52.0, without=2)
    assert observations.number("programme") == NUMBER, "nothing is believed that was not decoded"
    assert slot.wants_key(52.0)
    after.want_key()
    show(after, 52.1)
    assert observations.number("programme") == 5
    assert not slot.wants_key(60.0)


@given(st.lists(st.tuples(st.integers(0, 1), st.booleans()), min_size=1, max_size=12))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_decoded_before_says_the_same_again(
    loop: PictureLoop, other: PictureLoop, shown: list[tuple[int, bool]]
) -> None:
    """Points share what was decoded; whatever was shown before, only what is there is seen."""
    loops, numbers, seen = (loop, other), (NUMBER, 5), Seen()
    observations = [observed(), observed()]
    slots = [Pictures("programme", 7, o, seen) for o in observations]
    sequence = 0
    for at, (which, keyed) in enumerate(shown):
        sender = PictureSender(0x10, loops[which])
        now = 100.0 + 3 * at
        packets = list(sender.due(now))
        if not keyed:  # its key picture is lost as a whole
            packets = [p for p in packets if len(p) < 1100 and p[1] >= 0x80][-1:]
        for packet in packets:
            sequence += 1
            last, _, timestamp, _ = RTP_HEADER.unpack_from(packet)
            for slot in slots:
                slot.take(packet, sequence + 10 * (not keyed), timestamp, last >= 0x80, now, bytes)
        sequence += 10 * (not keyed)
        for slot, observation in zip(slots, observations, strict=True):
            if keyed:
                assert observation.number("programme") == numbers[which]
            elif observation.number("programme") != numbers[which]:
                assert slot.wants_key(now + 1)


def test_a_tone_is_heard() -> None:
    observations = observed()
    slot = Sounds("audio:0", 9, observations, Seen())
    sender = SoundSender(0x77, encoded_tone(NUMBER))
    for step in range(60):
        now = 10.0 + step * 0.02
        for packet in sender.due(now):
            give(slot, packet, now)
    assert observations.number("audio:0") == NUMBER


@pytest.mark.parametrize("before", range(1, 8))
def test_who_comes_into_a_slot_is_not_taken_for_who_was_there(before: int) -> None:
    """A packet whose tone is kept is never decoded again, by no point of the process, and a loop
    has few that differ. So nothing is kept of packets beside a change."""
    seen = Seen()
    slot = Sounds("audio:0", 9, observed(), seen)
    tones = {number: encoded_tone(number) for number in (NUMBER, 6)}
    packets = [*tones[NUMBER][:before], *tones[6]]
    for number, payload in enumerate(packets):
        packet = b"\x80" + RTP_HEADER.pack(111, number, number * 960, 0x77)[1:] + payload
        slot.take(packet, number, number * 960, False, 10.0 + number * 0.02, lambda data: data)
    wrong = [p for p in tones[6] if seen.tone(p) not in (0, 6)]
    assert not wrong
    assert any(seen.tone(p) for p in tones[6])


def test_a_pause_is_not_made_up_for() -> None:
    sender = SoundSender(0x77, encoded_tone(NUMBER))
    assert len(list(sender.due(10.0))) <= 6
    assert len(list(sender.due(40.0))) <= 6
    assert len(list(sender.due(40.02))) == 1


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=300, unique=True), st.integers(0, 1))
def test_reception_counts_whatever_comes(sequences: list[int], sort: int) -> None:
    reception = Reception(1, 90_000)
    for at, sequence in enumerate(sorted(sequences) if sort else sequences):
        reception.arrived(sequence, at * 3000 & 0xFFFFFFFF, at * 0.033)
    assert reception.packets == len(sequences)
    assert reception.lost >= 0
    assert len(reception.block(100.0)) == 24


def test_a_wrap_of_the_sequence_is_no_loss() -> None:
    reception = Reception(1, 48_000)
    for sequence in (65533, 65534, 65535, 0, 1, 3):
        reception.arrived(sequence, 0, 0.0)
    assert reception.lost == 1
    fraction = struct.unpack("!IIIIII", reception.block(1.0))[1] >> 24
    assert fraction == 256 // 7


@given(st.binary(max_size=60))
def test_hostile_packets_end_nothing(data: bytes) -> None:
    packet = b"\x80\x61" + data.ljust(10, b"\0")
    slot = Pictures("programme", 7, observed(), Seen())
    give(slot, packet, 1.0)
    rtp.payload(bytes([0x9F | 0x20]) + packet[1:])


def test_the_bridge_understands_the_offer_and_the_point_the_answer() -> None:
    own = Credentials("abcd", "x" * 32, ":".join(["AB"] * 32))
    offer = sdp.parse(light_sdp.offer(own, (11, 12), VIDEO, AUDIO), max_media=20)
    ssrcs = iter(range(1000, 2000))
    local = negotiation.Local(
        ufrag="bridge",
        password="p" * 24,
        fingerprint=m.Fingerprint(algorithm="sha-256", value=":".join(["CD"] * 32)),
        addresses=(m.MediaAddress(host="127.0.12.100", port=5004),),
        video_codec="vp8",
        random_ssrc=lambda: next(ssrcs),
    )
    spec, text = negotiation.negotiate(
        offer,
        transport="t",
        label="t",
        video_slots=tuple(VIDEO),
        audio_slots=tuple(AUDIO),
        sources=negotiation.ROOM_SOURCES,
        local=local,
    )
    assert {source.name: source.ssrcs[0].ssrc for source in spec.sources} == {
        "microphone": 11,
        "camera": 12,
    }
    answer = light_sdp.read_answer(text, VIDEO, AUDIO)
    assert answer.slots == {slot.name: slot.ssrc for slot in spec.slots}
    assert answer.address == ("127.0.12.100", 5004)
    assert answer.credentials == Credentials("bridge", "p" * 24, ":".join(["CD"] * 32))
    with pytest.raises(ValueError, match="not as many"):
        light_sdp.read_answer(text, VIDEO, [])
    with pytest.raises(ValueError, match="candidate"):
        light_sdp.read_answer(text.replace("a=candidate", "a=other"), VIDEO, AUDIO)


def test_reports_are_what_aiortc_reads() -> None:
    from aiortc.rtp import RtcpPacket

    sender = SoundSender(0x77, encoded_tone(NUMBER))
    list(sender.due(10.0))
    reception = Reception(5, 90_000)
    reception.arrived(1, 0, 0.0)
    compound = (
        receiver_report(0x77, [reception.block(1.0)])
        + sender_report(sender, 10.0, 1_700_000_000.5)
        + picture_loss(0x77, 5)
    )
    rr, sr, pli = RtcpPacket.parse(compound)
    assert rr.reports[0].ssrc == 5  # type: ignore[union-attr]
    assert sr.sender_info.packet_count == sender.sent  # type: ignore[union-attr]
    assert (pli.fmt, pli.media_ssrc) == (1, 5)  # type: ignore[union-attr]
