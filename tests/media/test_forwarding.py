"""Forwarding: simulcast layers, unknown streams, routes, closing."""

from __future__ import annotations

import pytest
from msgspec import structs

from bridge.media import messages as m
from bridge.media import rtp
from bridge.media.inventory import inventory
from tests.media.support import Bench, camera, pair, timestamp_of, video, video_slot


def test_simulcast_layers_are_learned_and_chosen() -> None:
    b = Bench()
    a = b.join("a", (camera(rids=("q", "h", "f")),))
    r = b.join("r", (), (video_slot("programme", 5000), video_slot("thumb", 6000)))
    b.route("r", "programme", "a", "highest")
    b.route("r", "thumb", "a", "lowest")
    b.send(a, video(10, ssrc=1, rid="q"))
    assert [len(r.packets(s)) for s in ("programme", "thumb")] == [0, 0], "gated"
    b.send(a, video(11, key=True, ssrc=1, rid="q"))
    assert [len(r.packets(s)) for s in ("programme", "thumb")] == [1, 1]
    b.send(a, video(900, ssrc=3, rid="f"))
    b.send(a, video(901, key=True, ssrc=3, rid="f"))
    b.send(a, video(12, ssrc=1, rid="q"))
    assert [len(r.packets(s)) for s in ("programme", "thumb")] == [2, 2]
    # The highest layer stops: the programme falls back to what still exists.
    for number in range(13, 213):
        b.send(a, video(number, ssrc=1, rid="q", key=number > 190))
        b.run(0.01)
    showing = [e for e in b.events if isinstance(e, m.SlotShowing) and e.slot == "programme"]
    assert [e.layer for e in showing] == ["q", "f", "q"]


def test_unknown_streams_are_counted_and_ignored() -> None:
    b, a, _ = pair()
    b.send(a, video(1, ssrc=77, mid="9"))
    assert b.dropped("ssrc_unknown") == 1
    b.send(a, video(1, ssrc=78, payload_type=50))
    assert b.dropped("payload_type") == 1


def test_one_peer_cannot_use_ssrcs_without_end() -> None:
    b, a, _ = pair()
    for ssrc in range(10_000, 12_000):
        b.send(a, video(1, ssrc=ssrc, mid="9"))
    assert b.dropped("ssrc_limit") > 1900
    assert len(b.core.transports["a"].ssrcs) <= 32


def test_routes_may_come_before_their_source() -> None:
    b = Bench()
    r = b.join("r", (), (video_slot("programme", 5000),))
    b.route("r", "programme", "a")
    a = b.join("a", (camera(ssrc=1000),))
    b.send(a, video(1, key=True))
    assert len(r.packets("programme")) == 1, "the first packet of all opens the gate"


def test_closing_a_source_empties_the_slot() -> None:
    b, a, r = pair()
    b.send(a, video(1, key=True))
    b.send(a, video(2, key=True))
    b.core.command(m.Close(transport="a"), b.now)
    b.settle()
    held = inventory(b.core, (), b.now)
    assert [t.transport for t in held.transports] == ["r"]
    slot = held.transports[0].slots[0]
    assert (slot.wanted, slot.shown) == (m.SourceRef(transport="a", name="camera"), None)
    assert r.packets("programme")


def test_a_slot_of_which_nothing_arrives_is_empty() -> None:
    """Neither the picture of the source before it stays, nor the last of a camera that ended."""
    b = Bench()
    a = b.join("a", (camera(ssrc=1000),))
    b.join("dark", (camera(ssrc=1001),))
    b.join("r", (), (video_slot("programme", 5000),))

    def showing() -> list[str | None]:
        events = [e for e in b.events if isinstance(e, m.SlotShowing)]
        return [e.source.transport if e.source is not None else None for e in events]

    b.route("r", "programme", "a")
    b.send(a, video(1, key=True))
    b.route("r", "programme", "dark")
    assert showing() == ["a", None]
    count = len(b.peers["r"].packets("programme"))
    b.send(a, video(2))
    assert len(b.peers["r"].packets("programme")) == count
    b.send(b.peers["dark"], video(1, key=True, ssrc=1001))
    assert showing() == ["a", None, "dark"], "it has a picture after all"
    b.run(2.5, step=0.05)
    assert showing()[-1] is None, "its camera was pulled out"


def test_the_first_picture_of_a_switch_is_told_by_its_timestamp() -> None:
    b, a, r = pair()
    b.send(a, video(1, key=True, timestamp=4_000_000_000))
    (shown,) = [e for e in b.events if isinstance(e, m.SlotShowing)]
    assert shown.timestamp == timestamp_of(r.packets("programme")[0])


def test_a_camera_that_comes_back_is_shown_with_its_first_key_frame() -> None:
    """However soon after its first packets: what it shows then may be all it ever sends."""
    b, a, r = pair()
    b.send(a, video(1, key=True))
    b.run(2.0, step=0.05)
    asked = b.core.counters.key_frame_requests_sent
    b.run(1.5, step=0.05)
    assert b.core.counters.key_frame_requests_sent == asked, "nobody is asked who sends nothing"
    count = len(r.packets("programme"))
    b.send(a, video(2))
    assert b.core.counters.key_frame_requests_sent == asked + 1
    b.send(a, video(3, key=True))
    b.send(a, video(4))
    assert len(r.packets("programme")) == count + 2
    showing = [e.source is not None for e in b.events if isinstance(e, m.SlotShowing)]
    assert showing == [True, False, True]


def test_a_machine_that_stood_still_takes_no_camera_for_gone() -> None:
    b, a, r = pair()
    b.send(a, video(1, key=True))
    b.run(1.0, step=0.05)
    b.now += 10.0  # in which neither the bridge nor the camera ran
    b.run(0.05)
    b.send(a, video(2))
    assert len(r.packets("programme")) == 2
    b.run(4.0, step=0.05)
    showing = [e.source is not None for e in b.events if isinstance(e, m.SlotShowing)]
    assert showing == [True, False], "what stays away is noticed all the same"


@pytest.mark.parametrize(
    ("frame", "lines"), [("500200 9d012a a000 5a00", 90), ("500200 000000 0000 0000", 180)]
)
def test_a_slot_is_told_with_the_lines_that_its_picture_has(frame: str, lines: int) -> None:
    """Those that its layer was meant to have a smaller camera does not reach."""
    meant = (m.LayerSpec(rid="q", bitrate=100_000, height=180),)
    b = Bench()
    a = b.join("a", (structs.replace(camera(rids=("q",)), layers=meant),))
    b.join("r", (), (video_slot("programme", 5000),))
    b.route("r", "programme", "a")
    packet = bytearray(video(1, key=True, rid="q"))
    begin = rtp.payload_offset(bytes(packet)) + 4  # behind the descriptor
    packet[begin : begin + 10] = bytes.fromhex(frame)
    b.send(a, bytes(packet))
    b.run(1.2, step=0.05)
    rates = [rate for e in b.events if isinstance(e, m.Bandwidth) for rate in e.transports]
    told = [slot.height for rate in rates for slot in rate.slots if rate.transport == "r"]
    assert told[-1] == lines


def test_the_best_layer_of_what_may_be_shown_soon_is_wanted() -> None:
    """Only the lowest of three is, while nobody is shown it; and again when it is over."""
    meant = tuple(
        m.LayerSpec(rid=rid, bitrate=rate, height=height)
        for rid, rate, height in (("q", 100_000, 180), ("h", 400_000, 360), ("f", 1_000_000, 720))
    )
    b = Bench()
    a = b.join("a", (structs.replace(camera(rids=("q", "h", "f")), layers=meant),))
    camera_of_a = m.SourceRef(transport="a", name="camera")
    b.send(a, video(1, key=True, rid="q"))

    def wanted() -> tuple[str, ...]:
        return [e.layers for e in b.events if isinstance(e, m.LayersWanted)][-1]

    b.run(1.0, step=0.05)
    assert wanted() == ("q",)
    assert b.core.command(m.Prepare(sources=(camera_of_a,), max_height=360), b.now) == ""
    b.settle()
    assert wanted() == ("q", "h")
    assert b.core.command(m.Prepare(sources=(camera_of_a,)), b.now) == ""
    b.settle()
    assert wanted() == ("q", "h", "f"), "up to two seconds of what was wanted before"
    b.core.command(m.Prepare(sources=()), b.now)
    b.run(3.0, step=0.05)
    assert wanted() == ("q",)
