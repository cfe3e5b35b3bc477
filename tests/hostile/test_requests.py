"""A member that asks for too much: key frames, retransmissions, and feedback that grows."""

from __future__ import annotations

from bridge.media import kept, rtcp
from bridge.media import messages as m
from bridge.media.budget import ALERTS, REPORTS
from bridge.media.inventory import inventory
from bridge.media.transport import RTX_BURST_PACKETS
from tests.media.support import (
    EXTENSIONS,
    Bench,
    TestPeer,
    audio,
    camera,
    microphone,
    video,
    video_slot,
)

PACKET = 1200  # octets: what a datagram of the bridge's own may have


def meeting(receivers: int = 2) -> Bench:
    b = Bench()
    b.join("a", (camera(ssrc=1000, rtx_ssrc=3000),))
    for number in range(receivers):
        name = f"r{number}"
        b.join(name, (), (video_slot("programme", 5000 + number),))
        b.route(name, "programme", "a")
    return b


def key_frames_asked_of(peer: TestPeer) -> int:
    parsed = [message for f in peer.feedback for message in rtcp.parse(f) or ()]
    return sum(isinstance(message, rtcp.KeyFrameRequest) for message in parsed)


def test_a_thousand_requests_a_second_cost_one_key_frame_a_second() -> None:
    b = meeting()
    source, member = b.peers["a"], b.peers["r0"]
    number = 1
    b.send(source, video(number, key=True))
    before = key_frames_asked_of(source)
    for step in range(5000):
        b.now += 0.001
        b.send_rtcp(member, rtcp.build_pli(9, member.slot("programme").ssrc))
        if step % 10 == 0:
            b.core.tick(b.now, b.core.unix_offset)
            number += 1
            b.send(source, video(number, key=step % 100 == 0))
    assert 4 <= key_frames_asked_of(source) - before <= 6


def test_reports_and_requests_beyond_their_rate_are_not_opened() -> None:
    b = meeting(1)
    member = b.peers["r0"]
    report = rtcp.build_receiver_report(9, ())
    for _ in range(2000):  # within one second
        b.core.receive(member.tx.protect_rtcp(report), member.address, 0, b.now)
    assert b.core.counters.rtcp_in <= REPORTS.packets + 1
    assert b.dropped("rtcp_rate") == 2000 - b.core.counters.rtcp_in
    b.run(1)
    before = b.core.counters.rtcp_in
    b.send_rtcp(member, report)
    assert b.core.counters.rtcp_in == before + 1


def test_forged_reports_do_not_use_up_the_members_own() -> None:
    b = meeting(1)
    member = b.peers["r0"]
    forged = b"\x80\xc9\x00\x01" + bytes(40)
    for _ in range(2000):
        b.core.receive(forged, member.address, 0, b.now)
    assert b.dropped("srtcp_rejected") == 2000
    before = b.core.counters.rtcp_in
    b.send_rtcp(member, rtcp.build_receiver_report(9, ()))
    assert b.core.counters.rtcp_in == before + 1


def test_forged_handshakes_after_the_join_are_looked_at_fifty_times_a_second() -> None:
    b = meeting(1)
    member = b.peers["r0"]
    b.run(0.1)  # from here on budgets are filled by time
    dtls = Counted()
    b.core.transports["r0"].dtls.feed = dtls.feed  # type: ignore[method-assign]
    for _ in range(20):
        for _ in range(500):
            b.core.receive(b"\x16" + bytes(60), member.address, 0, b.now)
        b.run(0.05, 0.05)
    assert dtls.fed <= 2 * ALERTS.packets + 3
    assert b.dropped("dtls_rate") == 10_000 - dtls.fed
    assert b.core.transports["r0"].state == "connected"


class Counted:
    """An association that counts what it is fed."""

    def __init__(self) -> None:
        self.fed = 0

    def feed(self, datagram: bytes) -> bool:
        self.fed += 1
        return False


def test_a_slot_that_never_had_a_picture_does_not_wait_for_that_second() -> None:
    b = meeting()
    source, member = b.peers["a"], b.peers["r0"]
    b.send(source, video(1, key=True))
    b.run(2)
    b.send_rtcp(member, rtcp.build_pli(9, member.slot("programme").ssrc))
    b.run(0.05)
    asked = key_frames_asked_of(source)
    b.send(source, video(2, key=True))
    for number in range(3, 5 + kept.PACKETS):  # more than is kept and served to who comes late
        b.send(source, video(number))
    b.join("late", (), (video_slot("programme", 5900),))
    b.route("late", "programme", "a")
    b.run(0.4)
    assert key_frames_asked_of(source) == asked + 1


def test_repair_is_a_share_of_what_was_sent_in_packets_too() -> None:
    """Small packets: the octets allow ten times as many as the packets do."""
    b = meeting(1)
    source, member = b.peers["a"], b.peers["r0"]
    for number in range(1, 901):
        b.send(source, video(number, key=number == 1, size=40))
    sent = member.packets("programme")
    last = int.from_bytes(sent[-1][2:4], "big")
    ssrc = member.slot("programme").ssrc
    for _ in range(20):
        b.now += 0.02
        numbers = [(last - back) & 0xFFFF for back in range(800)]
        for at in range(0, 800, 100):
            b.send_rtcp(member, rtcp.build_nack(9, ssrc, numbers[at : at + 100][::-1]))
    assert len(member.packets("programme", rtx=True)) == RTX_BURST_PACKETS
    assert b.dropped("rtx_budget") > 0


def test_numbers_that_no_ring_keeps_are_counted_and_those_beside_them_repeated() -> None:
    b = meeting(1)
    source, member = b.peers["a"], b.peers["r0"]
    for number in range(1, 41):
        b.send(source, video(number, key=number == 1, size=40))
    last = int.from_bytes(member.packets("programme")[-1][2:4], "big")
    far = [(last + ahead) & 0xFFFF for ahead in range(1000, 1200)]
    near = [(last - back) & 0xFFFF for back in (3, 2, 1, 0)]
    b.send_rtcp(member, rtcp.build_nack(9, member.slot("programme").ssrc, [*far, *near]))
    assert len(member.packets("programme", rtx=True)) == 4
    assert b.dropped("rtx_missing") == 200


def test_an_ordinary_loss_is_repaired_within_the_share() -> None:
    """Ten per cent of 400 packets a second, for four seconds."""
    b = meeting(1)
    source, member = b.peers["a"], b.peers["r0"]
    ssrc = member.slot("programme").ssrc
    asked = 0
    for number in range(1, 1601):
        b.now += 0.0025
        b.send(source, video(number, key=number == 1, size=1000))
        if number % 40 == 0:
            newest = int.from_bytes(member.packets("programme")[-1][2:4], "big")
            numbers = [(newest - back) & 0xFFFF for back in (7, 6, 5, 4)]
            b.send_rtcp(member, rtcp.build_nack(9, ssrc, numbers))
            asked += 4
        if number % 4 == 0:
            b.core.tick(b.now, b.core.unix_offset)
    assert len(member.packets("programme", rtx=True)) == asked


def test_feedback_about_a_flood_stays_within_a_packet() -> None:
    """3,000 packets between two feedbacks, every other one missing, and 30 streams."""
    b = Bench()
    sizes: list[int] = []
    slots = tuple(video_slot(f"s{n}", 5000 + n) for n in range(30))
    flooding = b.join("a", (camera(ssrc=1000, rtx_ssrc=3000), microphone(ssrc=2000)), slots)
    protect = b.core.transports["a"].outbound
    assert protect is not None
    for number in range(3000):
        packet = video(2 * number, key=number == 0, transport_cc=2 * number & 0xFFFF)
        b.core.receive(flooding.tx.protect(packet), flooding.address, 0, b.now)
        b.now += 0.00001
    for number in range(30):
        b.route("a", f"s{number}", "a")
    b.send(flooding, audio(1))
    for _ in range(120):
        b.now += 0.01
        b.core.tick(b.now, b.core.unix_offset)
        b.core.flush(b.now, lambda transport: None)
        sizes += [len(datagram) for _, _, datagram in b.core.datagrams]
        b.core.datagrams.clear()
    assert sizes
    assert max(sizes) <= PACKET


def test_a_flood_is_dropped_before_it_is_opened_and_others_are_served() -> None:
    """15,000 small packets a second of one member: most are dropped, the honest one's none."""
    b = Bench()
    flooding = b.join("flood", (microphone(ssrc=2000),))
    honest = b.join("honest", (microphone(ssrc=2001),))
    opened_before = b.core.counters.packets_in
    number = 0
    for step in range(200):  # two seconds in ticks of 10 ms
        b.now += 0.01
        b.core.tick(b.now, b.core.unix_offset)
        for _ in range(150):
            number += 1
            b.core.receive(
                flooding.tx.protect(audio(number & 0xFFFF, ssrc=2000)), flooding.address, 0, b.now
            )
        if step % 2 == 0:
            b.core.receive(honest.tx.protect(audio(step, ssrc=2001)), honest.address, 0, b.now)
        b.settle()
    taken = b.core.counters.packets_in - opened_before
    assert b.dropped("source_budget") == 30_000 - (taken - 100)
    assert taken - 100 < 1200, "half a second of burst and two seconds of the budget"
    layer = next(iter(b.core.transports["honest"].layers.values()))
    assert layer.received == 100


def test_a_camera_at_its_bitrate_is_never_dropped() -> None:
    """Simulcast of 5 Mbit/s with key frames of 250 packets at once."""
    b = Bench()
    peer = b.join("a", (camera(rids=("q", "h", "f")),))
    numbers = dict.fromkeys("qhf", 0)
    for frame in range(150):
        b.now += 1 / 30
        b.core.tick(b.now, b.core.unix_offset)
        for ssrc, rid, packets in ((1, "q", 1), (2, "h", 4), (3, "f", 14)):
            for _ in range(250 if frame == 60 and rid == "f" else packets):
                numbers[rid] += 1
                packet = video(numbers[rid], ssrc=10 + ssrc, rid=rid, size=1100)
                b.core.receive(peer.tx.protect(packet), peer.address, 0, b.now)
        b.settle()
    assert b.dropped("source_budget") == 0


def test_streams_that_no_source_owns_have_a_budget_too() -> None:
    b = Bench()
    peer = b.join("a", (camera(ssrc=1000),), extensions=EXTENSIONS)
    for number in range(20_000):
        b.now += 0.0001
        if number % 100 == 0:
            b.core.tick(b.now, b.core.unix_offset)
        packet = video(number, ssrc=70_000, mid="9")
        b.core.receive(peer.tx.protect(packet), peer.address, 0, b.now)
    assert b.dropped("source_budget") > 17_000
    assert isinstance(inventory(b.core, (), b.now), m.Inventory)
