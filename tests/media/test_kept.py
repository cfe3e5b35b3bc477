"""What a layer keeps of its newest pictures is shown at once to who comes, instead of a request for
a new key frame."""

from __future__ import annotations

import itertools

import pytest

from bridge.media import kept, rtcp
from bridge.media import messages as m
from tests.media.support import (
    Bench,
    camera,
    messages,
    payload_of,
    sequence_number_of,
    timestamp_of,
    video,
    video_slot,
)

RATE = 10  # pictures a second
STEP = 90_000 // RATE  # of timestamps


class Shown:
    """A source whose pictures one receiver is shown; another one comes later."""

    def __init__(self, start: int = 100, step: int = STEP) -> None:
        self.b = Bench()
        self.step = step
        self.source = self.b.join("a", (camera(ssrc=1000),))
        self.other = self.b.join("o", (camera(ssrc=1001),))
        self.b.join("first", (), (video_slot("programme", 5000),))
        self.late = self.b.join("late", (), (video_slot("programme", 6000),))
        self.b.route("first", "programme", "a")
        self.number = start
        self.picture = 500

    def pictures(
        self, count: int, *, key: bool = False, size: int = 300, skip: bool = False
    ) -> None:
        for _ in range(count):
            if not skip:
                packet = video(
                    self.number,
                    key=key,
                    size=size,
                    picture_id=self.picture,
                    timestamp=self.number * self.step & 0xFFFFFFFF,
                )
                self.b.send(self.source, packet)
            key = False
            self.number += 1
            self.picture += 1
            self.b.now += self.step / 90_000

    def comes(self) -> list[bytes]:
        """The late one is to be shown the source: what it has got at once."""
        self.b.now -= 0.9 * self.step / 90_000  # just after the newest picture
        self.b.route("late", "programme", "a")
        return self.late.packets("programme")

    @property
    def asked(self) -> int:
        """How often the source was asked for a key frame."""
        return len(messages(self.source, rtcp.KeyFrameRequest))


def picture_id(packet: bytes) -> int:
    payload = payload_of(packet)
    return (payload[2] & 0x7F) << 8 | payload[3]


def increasing(values: list[int], modulo: int) -> bool:
    return all(0 < (b - a) % modulo < modulo // 2 for a, b in itertools.pairwise(values))


# The wraps of sequence numbers, and of timestamps (2^32 / STEP is in the middle of a number).
@pytest.mark.parametrize("start", [0, 1, 127, 128, 32767, 32768, 65520, 65534])
def test_who_comes_is_shown_what_is_kept_and_then_goes_on(start: int) -> None:
    shown = Shown(start)
    shown.pictures(1, key=True)
    shown.pictures(7)
    asked = shown.asked
    packets = shown.comes()
    assert len(packets) == 8
    assert shown.asked == asked, "no new key frame was needed"
    assert shown.b.core.counters.kept_served == 1
    shown.pictures(3)
    packets = shown.late.packets("programme")
    assert len(packets) == 11
    numbers = [sequence_number_of(packet) for packet in packets]
    assert [(n - numbers[0]) & 0xFFFF for n in numbers] == list(range(11))
    ids = [picture_id(packet) for packet in packets]
    assert [i - ids[0] for i in ids] == list(range(11))
    times = [timestamp_of(packet) for packet in packets]
    gaps = [(b - a) & 0xFFFFFFFF for a, b in itertools.pairwise(times)]
    # The past is pressed together, so that it is not played out at the camera's rate.
    assert gaps[:7] == [pytest.approx(STEP / kept.PRESSED, abs=1)] * 7
    assert gaps[7:] == [STEP] * 3
    (told,) = [e for e in shown.b.events if isinstance(e, m.SlotShowing) and e.transport == "late"]
    assert told.timestamp == times[0], "pages know the first picture by its timestamp"


@pytest.mark.parametrize("patient", [False, True])
def test_who_must_not_ask_yet_is_served_what_a_new_key_frame_would_be_sooner_than(
    patient: bool,
) -> None:
    """40 kB take a third of a second on 1 Mbit/s: a new key frame is there sooner; but because of
    people who watch a source is asked for one in two seconds."""
    shown = Shown()
    b = shown.b
    late = b.join("slow", (), (video_slot("programme", 7000),), patient=patient)
    b.core.command(m.SetBounds(bounds={"slow": 1_000_000}), b.now)
    shown.pictures(1, key=True, size=1000)
    shown.pictures(13, size=1000)
    b.core.transports["a"].sources["camera"].asked_for_weak(b.now)
    b.now -= 0.9 * shown.step / 90_000
    asked = shown.asked
    b.route("slow", "programme", "a")
    assert len(late.packets("programme")) == (14 if patient else 0)
    assert shown.asked == asked + (0 if patient else 1)


def test_who_misses_the_beginning_is_sent_it_once_more() -> None:
    """The first packets leave before a viewer's own keys are ready; it asks, and is sent what is
    kept anew, once a second however often it asks. The source is not asked because of it."""
    shown = Shown()
    b = shown.b
    late = b.join("viewer", (), (video_slot("programme", 7000),), patient=True)
    shown.pictures(1, key=True)
    shown.pictures(5)
    b.core.transports["a"].sources["camera"].asked_for_weak(b.now)
    b.now -= 0.9 * shown.step / 90_000
    b.route("viewer", "programme", "a")
    assert len(late.packets("programme")) == 6
    asked = shown.asked
    for _ in range(20):
        b.send_rtcp(late, rtcp.build_pli(9, 7000))
    packets = late.packets("programme")
    assert len(packets) == 12, "once"
    b.now += 0.9 * shown.step / 90_000
    shown.pictures(2)
    packets = late.packets("programme")
    assert len(packets) == 14, "and goes on"
    numbers = [sequence_number_of(packet) for packet in packets]
    assert [(n - numbers[0]) & 0xFFFF for n in numbers] == list(range(14))
    assert payload_of(packets[6])[-200:] == payload_of(packets[0])[-200:], "from the key frame on"
    assert increasing([timestamp_of(p) for p in packets], 1 << 32)
    assert shown.asked == asked


def test_after_another_source_numbers_and_time_go_on() -> None:
    shown = Shown()
    b = shown.b
    shown.pictures(1, key=True)
    b.route("late", "programme", "o")
    for number in range(3):
        packet = video(number, key=not number, ssrc=1001, picture_id=40 + number)
        b.send(shown.other, packet)
        b.now += 0.03
        shown.pictures(1)
    shown.comes()
    shown.pictures(2)
    packets = shown.late.packets("programme")
    assert len(packets) == 3 + 4 + 2
    assert increasing([timestamp_of(p) for p in packets], 1 << 32)
    numbers = [sequence_number_of(packet) for packet in packets]
    assert [n - numbers[0] for n in numbers] == list(range(9))
    assert [picture_id(p) - 40 for p in packets] == list(range(9))


def test_what_was_served_is_sent_again_as_it_was() -> None:
    shown = Shown()
    shown.pictures(1, key=True)
    shown.pictures(5)
    packets = shown.comes()
    shown.pictures(2)
    numbers = [sequence_number_of(packet) for packet in packets]
    shown.b.send_rtcp(shown.late, rtcp.build_nack(9, 6000, numbers))
    again = shown.late.packets("programme", rtx=True)
    assert [int.from_bytes(payload_of(p)[:2], "big") for p in again] == numbers
    assert [payload_of(p)[2:] for p in again] == [payload_of(p) for p in packets]
    assert [timestamp_of(p) for p in again] == [timestamp_of(p) for p in packets]


def test_a_picture_that_is_not_whole_is_not_served() -> None:
    shown = Shown()
    shown.pictures(1, key=True)
    shown.pictures(2)
    shown.pictures(1, skip=True)
    shown.pictures(2)
    assert shown.comes() == []
    shown.b.run(0.5)
    shown.pictures(1, key=True)
    assert len(shown.late.packets("programme")) == 1, "with the next key frame, as ever"


@pytest.mark.parametrize(
    ("most", "size", "step"),
    [
        (kept.PACKETS, 20, 900),
        (kept.OCTETS // 1000, 1000, 900),
        (int(RATE * kept.SECONDS) + 1, 20, STEP),
    ],
    ids=["packets", "octets", "seconds"],
)
def test_more_than_the_bounds_is_not_served(most: int, size: int, step: int) -> None:
    for count, served in ((most, True), (most + 1, False)):
        shown = Shown(step=step)
        shown.pictures(1, key=True, size=size)
        shown.pictures(count - 1, size=size)
        layer = shown.b.core.transports["a"].layers[1000]
        found = kept.kept(layer, shown.b.now)
        assert len(found) == (count if served else 0)


def test_a_line_for_which_a_new_key_frame_is_sooner_gets_that() -> None:
    """Once served, a line is busy with it; what comes next is counted behind it."""
    shown = Shown()
    shown.pictures(1, key=True, size=1000)
    shown.pictures(10, size=1000)
    assert shown.b.core.command(m.SetBounds(bounds={"late": 300_000}), shown.b.now) == ""
    assert shown.comes() == []
    assert shown.b.core.counters.kept_served == 0


def test_a_source_that_has_stopped_is_not_shown_from_the_past() -> None:
    shown = Shown()
    shown.pictures(1, key=True)
    shown.pictures(3)
    shown.b.now += 1.0
    assert shown.comes() == []


def test_when_a_line_has_brought_it() -> None:
    """Times of lines, as they are compared."""
    key = [(1, 0, 1000, bytes(9936))] * 1
    rest = [(2, 0, 4000, bytes(9936))] * 3
    now = 50.0
    assert kept.ready_at(key, 1_000_000, 0.0, now) == pytest.approx(now + 0.08)
    assert kept.ready_at(key + rest, 1_000_000, now + 1, now) == pytest.approx(now + 1.32)
    assert kept.ready_at(key, 0, 0.0, now) == pytest.approx(now + 0.008)
    assert kept.new_at(key + rest, 1_000_000, 0.05, now) == pytest.approx(now + 0.05 + 0.12 + 0.08)
