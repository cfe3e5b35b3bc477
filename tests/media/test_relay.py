"""A relay carries a programme to another worker: lost packets, key frames, forgeries, restarts."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bridge.media import messages as m
from bridge.media import relay_end, rtcp, srtp
from bridge.media.core import MediaCore
from bridge.media.parts import MAX_RELAYS
from tests.media.relays import FROM, PICTURE, RECEIVER, Relayed, keys, receiving, sending
from tests.media.support import (
    Bench,
    audio,
    camera,
    messages,
    payload_of,
    sequence_number_of,
    video,
)


def pictures(b: Relayed, first: int, count: int, *, key: bool = False) -> None:
    for number in range(first, first + count):
        b.send(video(number, key=key and number == first))
        b.run(0.02)


def test_pictures_and_sound_arrive_as_they_were_sent(path: str) -> None:
    b = Relayed(path)
    pictures(b, 1, 5, key=True)
    for number in range(1, 60):
        b.send(audio(number, level=20))
        b.run(0.02)
    shown = b.viewer.packets("programme")
    assert [payload_of(p)[-200:] for p in shown] == [
        payload_of(video(n, key=n == 1))[-200:] for n in range(1, 6)
    ]
    assert len(b.viewer.packets("audio0")) >= 30
    level = b.audience.core.transports["relay"].sources["audio0"].layers[""].audio_level
    of_room = b.main.core.transports["room"].sources["microphone"].layers[""].audio_level
    assert abs(level - of_room) < 5, "voices are mixed again by how loud they are"


def test_what_the_leg_loses_is_asked_for_and_repaired(path: str) -> None:
    b = Relayed(path)
    pictures(b, 1, 3, key=True)
    lost: list[bytes] = []

    def lose_one(data: bytes) -> bool:
        is_picture = data[1] & 0x7F == 96 and int.from_bytes(data[8:12], "big") == PICTURE
        if is_picture and not lost:
            lost.append(data)
            return False
        return True

    b.keep = lose_one
    pictures(b, 4, 10)
    b.run(0.5)
    assert lost
    assert b.audience.core.counters.packets_recovered == 1
    assert b.main.core.counters.rtx_out == 1
    numbers = sorted(sequence_number_of(p) for p in b.viewer.packets("programme"))
    assert numbers == list(range(numbers[0], numbers[0] + 13))


def test_a_viewers_request_for_a_key_frame_reaches_the_room(path: str) -> None:
    b = Relayed(path)
    pictures(b, 1, 3, key=True)
    b.run(3.0)
    before = len(messages(b.room, rtcp.KeyFrameRequest))
    pli = rtcp.build_receiver_report(9, ()) + rtcp.build_pli(9, b.viewer.slot("programme").ssrc)
    b.audience.send_rtcp(b.viewer, pli)
    pictures(b, 4, 3)
    assert len(messages(b.room, rtcp.KeyFrameRequest)) == before + 1
    for _ in range(100):  # and an audience that asks without end hurries nobody
        b.audience.send_rtcp(b.viewer, pli)
        b.carry()
    assert len(messages(b.room, rtcp.KeyFrameRequest)) <= before + 2


def test_a_switch_of_the_programme_goes_on_in_one_stream(path: str) -> None:
    b = Relayed(path)
    other = b.main.join("other", (relayed_camera(),))
    pictures(b, 1, 3, key=True)
    b.main.route("relay", "programme", "other")
    b.main.send(other, video(900, key=True, ssrc=4000))
    b.carry()
    b.run(0.1)
    numbers = [sequence_number_of(p) for p in b.viewer.packets("programme")]
    assert numbers == list(range(numbers[0], numbers[0] + 4))


def relayed_camera() -> m.SourceSpec:
    return camera(ssrc=4000, rtx_ssrc=4500)


def test_only_the_given_address_and_key_count(path: str) -> None:
    b = Relayed(path)
    pictures(b, 1, 3, key=True)
    seen = len(b.viewer.received)
    core, now = b.audience.core, b.audience.now
    newest = b.main.wire[-1]
    dropped = core.counters.dropped
    before = dict(dropped)
    core.receive(b.main.wire[-1], ("127.0.0.9", 41_000), 0, now)  # from elsewhere
    assert dropped["unknown_address"] == before["unknown_address"] + 1
    forged = b.main.sealed[-1][0] + bytes(len(b.main.sealed[-1][1]))
    forged = forged[:2] + (int.from_bytes(forged[2:4], "big") + 1).to_bytes(2, "big") + forged[4:]
    core.receive(forged, FROM, 0, now)
    core.receive(b"\x80\xc9" + bytes(40), FROM, 0, now)  # a report under no key
    core.receive(b"\x16\xfe\xfd" + bytes(60), FROM, 0, now)
    core.receive(b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12), FROM, 0, now)
    core.receive(newest, FROM, 0, now)  # repeated
    b.audience.settle()
    collected(b.audience)
    grown = {reason for reason, count in dropped.items() if count > before[reason]}
    assert {"unknown_address", "srtp_rejected", "srtcp_rejected", "dtls_closed"} <= grown
    assert grown & {"duplicate", "srtcp_rejected"}
    assert len(b.viewer.received) == seen
    assert b.audience.core.transports["relay"].state == "connected"


def collected(bench: Bench) -> None:
    """Bring the counters up to date where the compiled turn counts."""
    collect = getattr(bench.core, "collect", None)
    if collect is not None:
        collect()


def test_reports_under_another_key_do_nothing_at_the_sending_end() -> None:
    b = Relayed()
    pictures(b, 1, 3, key=True)
    strange = relay_end.keys_of(receiving(keys()[1]))
    forged = srtp.Outbound(strange).protect_rtcp(
        rtcp.build_receiver_report(1, ()) + rtcp.build_pli(1, PICTURE)
    )
    before = b.main.core.counters.key_frame_requests_received
    MediaCore.receive(
        b.main.core, forged, relay_end.own_address("relay"), relay_end.RELAY_SOCKET, b.main.now
    )
    assert b.main.dropped("srtcp_rejected") == 1
    assert b.main.core.counters.key_frame_requests_received == before


def test_nobody_takes_a_relays_address_by_a_check() -> None:
    """A viewer with the right password who sends from the far end's address."""
    b = Relayed()
    spec, peer, _ = b.audience.open("thief")
    b.audience.core.receive(peer.check(), FROM, 0, b.audience.now + 10)
    assert b.audience.core.ice.by_address[FROM] is b.audience.core.transports["relay"]
    assert b.audience.core.transports[spec.transport].state == "checking"
    pictures(b, 1, 3, key=True)
    assert len(b.viewer.packets("programme")) == 3


def test_a_far_end_that_falls_silent_is_told_and_a_fresh_relay_takes_its_place(path: str) -> None:
    b = Relayed(path)
    pictures(b, 1, 3, key=True)
    b.main.core.command(m.Close(transport="relay"), b.main.now)
    b.run(10.0, step=0.1)
    assert b.audience.states("relay") == ["connected", "vanished"]
    assert b.audience.core.command(m.Close(transport="relay"), b.audience.now) == ""
    b.open(*keys(), ident="relay-2")
    pictures(b, 20, 3, key=True)
    numbers = [sequence_number_of(p) for p in b.viewer.packets("programme")]
    assert numbers == list(range(numbers[0], numbers[0] + 6)), "viewers go on where they were"


def test_no_key_is_used_twice(path: str) -> None:
    """After a restart of either side keys are fresh, because the other one refuses old ones."""
    b = Relayed(path)
    mine, _ = keys()
    assert b.main.core.command(sending(mine, "x"), b.main.now) == ""
    b.main.core.command(m.Close(transport="x"), b.main.now)
    assert "in use before" in b.main.core.command(sending(mine, "y"), b.main.now)
    swapped = m.RelayKeys(inbound=mine.outbound, outbound=mine.inbound)
    assert "in use before" in b.main.core.command(sending(swapped, "y"), b.main.now)
    both = m.RelayKeys(inbound=mine.inbound, outbound=mine.inbound)
    assert "different keys" in b.main.core.command(sending(both, "y"), b.main.now)
    assert "y" not in b.main.core.transports


def test_no_two_packets_are_sealed_under_one_nonce() -> None:
    """Over switches, losses with their repair and a second relay: SSRC, rollover counter and
    sequence number of everything that one key sealed differ."""
    b = Relayed()
    other = b.main.join("other", (relayed_camera(),))
    b.keep = lambda data: data[3] % 7 != 0
    for turn in range(6):
        for number in range(1, 12):
            b.send(video(turn * 20 + number, key=number == 1))
            b.main.send(other, video(turn * 20 + number, key=number == 1, ssrc=4000))
            b.run(0.02)
        b.main.route("relay", "programme", ("other", "room")[turn % 2])
    assert b.main.core.counters.rtx_out > 3
    seen = [(head[8:12], head[2:4]) for head, _ in b.main.sealed]  # no sequence wraps in so few
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sources": (), "slots": ()}, "slots or sources"),
        ({"keys": m.RelayKeys(inbound="ab", outbound="cd")}, "28 octets"),
        ({"keys": m.RelayKeys(inbound="zz" * 28, outbound="ab" * 28)}, "28 octets"),
        ({"far": m.MediaAddress(host="example", port=5000)}, "far address"),
        ({"far": m.MediaAddress(host="127.0.0.2", port=0)}, "far address"),
        ({"socket": -1}, "far address"),
    ],
)
def test_what_cannot_be_a_relay_is_refused(change: dict[str, object], words: str) -> None:
    b = Bench(path="python")
    spec = replace(receiving(keys()[1]), **change)
    assert words in b.core.command(spec, b.now)
    assert not b.core.transports


def test_a_worker_holds_so_many_relays_and_one_for_an_address() -> None:
    b = Bench(path="python")
    for number in range(MAX_RELAYS):
        assert b.core.command(sending(keys()[0], f"r{number}"), b.now) == ""
    assert "its limit" in b.core.command(sending(keys()[0], "last"), b.now)
    c = Bench(path="python")
    assert c.core.command(receiving(keys()[1], "a"), c.now) == ""
    assert "this address" in c.core.command(receiving(keys()[1], "b"), c.now)
    assert RECEIVER.port
