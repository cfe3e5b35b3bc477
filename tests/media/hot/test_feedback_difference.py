"""The compiled reader of feedback does what `Reader` does: random histories of what is sent and
reported through both, and every figure compared to the last bit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.media import rtcp
from bridge.media.congestion.book import Arrived
from bridge.media.congestion.reader import Reader, Reading, ReadsFeedback
from bridge.media.hot.following import Following
from bridge.media.hot.receivers import HotReader, ReceiverTables
from bridge.media.transport import IP_UDP
from bridge.media.transport_cc import Recorder
from tests.media import compiled
from tests.media.support import Bench, camera, video, video_slot

ROW = 3
FIGURES = ("octets", "begun", "usage", "queue", "proven", "carried", "acknowledged")

Step = tuple[Any, ...]
SIZES = st.lists(st.sampled_from([100, 100, 1100, 1100, 1100, 1200]), min_size=1, max_size=80)
MS = st.sampled_from([0, 1, 3, 5, 6, 20, 40, 120])
STEP = st.one_of(
    st.tuples(st.just("send"), SIZES, MS, st.sampled_from([0, 0, 0, 1, 2]), st.booleans()),
    st.tuples(st.just("send"), SIZES, MS, st.just(0), st.just(True)),
    st.tuples(st.just("arrive"), MS, st.sampled_from([0, 0.25, 1, 4, 30]), st.integers(0, 30)),
    st.tuples(st.just("arrive"), MS, st.sampled_from([0, 0.25, 1, 4, 30]), st.just(0)),
    st.tuples(st.just("wait"), st.sampled_from([0.01, 0.7, 3.5, 6.0])),
    st.tuples(st.just("again"), st.integers(0, 3), st.binary(max_size=3)),
    st.tuples(st.just("forged"), st.binary(max_size=80)),
    st.tuples(st.just("lose a report")),
    st.tuples(st.just("trim")),
    st.tuples(st.just("rebase")),
)


@pytest.fixture(autouse=True, scope="module")
def path() -> str:
    """Not each by itself: both readers are in every test here."""
    return "both"


def by_cluster(arrived: list[Arrived]) -> dict[int, tuple[float, ...]]:
    """What a prober makes of it."""
    found: dict[int, tuple[float, ...]] = {}
    for call in arrived:
        if not call.cluster:
            continue
        first, size, last, packets, octets = found.get(
            call.cluster, (call.first_arrival, call.first_octets, call.last_arrival, 0, 0)
        )
        if call.first_arrival < first:
            first, size = call.first_arrival, call.first_octets
        found[call.cluster] = (
            *(first, size, max(last, call.last_arrival)),
            *(packets + call.packets, octets + call.octets),
        )
    return found


class Both:
    """One receiver with two readers; its packets take ``delay`` and are reported as browsers do."""

    def __init__(self, start: int) -> None:
        tables = ReceiverTables(Following().world)
        self.readers: tuple[ReadsFeedback, ...] = (
            Reader(5),
            HotReader(tables, ROW, compiled.read, 5, lambda row: None),
        )
        self.now = 100.0
        self.number = start
        self.flying: list[int] = []
        self.recorder = Recorder()
        self.reports: list[bytes] = [b""]
        self.clock = 50.0

    def do(self, step: Step) -> None:
        match step:
            case ("send", sizes, milliseconds, cluster, sure):
                self.now += milliseconds / 1000
                for reader in self.readers:
                    reader.sent(self.number, self.now, sizes, 28, cluster, sure=sure)
                self.flying += range(self.number, self.number + len(sizes))
                self.number += len(sizes)
            case ("arrive", milliseconds, apart, lost):
                self.clock = max(self.clock, self.now - 50 + 0.02) + milliseconds / 1000
                for count, number in enumerate(self.flying):
                    if count != lost - 1:
                        self.clock += apart / 1000
                        self.recorder.add(number & 0xFFFF, self.clock)
                self.flying.clear()
                while fci := self.recorder.flush():
                    self.reports.append(fci)
                    self.read(fci)
            case ("wait", seconds):
                self.now += seconds
            case ("again", back, end):
                fci = self.reports[-min(back + 1, len(self.reports))]
                self.read(fci[: len(fci) - len(end)] + end)
            case ("forged", fci):
                self.read(fci)
            case ("lose a report",):
                while self.recorder.flush():
                    pass
            case ("trim",):
                for reader in self.readers:
                    reader.trim(self.now)
            case ("rebase",):
                for reader in self.readers:
                    reader.rebase()

    def read(self, fci: bytes) -> None:
        python, hot = (reader.read(fci) for reader in self.readers)
        if python is None or hot is None:
            assert python is hot
            return
        empty: list[Arrived] = []
        assert hot._replace(arrived=empty) == python._replace(arrived=empty)
        assert by_cluster(hot.arrived) == by_cluster(python.arrived)
        if self.readers[0].usage.value == "over":
            assert self.readers[1].recent == self.readers[0].recent

    def compare(self) -> None:
        for name in FIGURES:
            python, hot = (getattr(reader, name) for reader in self.readers)
            assert hot == python, name


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([0, 1, 65_000, 65_535, 1_000_000]), st.lists(STEP, max_size=40))
def test_both_readers_learn_the_same(start: int, steps: list[Step]) -> None:
    both = Both(start)
    for step in steps:
        both.do(step)
        both.compare()


def test_a_line_that_fills_looks_the_same_to_both() -> None:
    """Long enough for every window to be full: a queue that grows, stands, and goes away."""
    both = Both(0)
    seen = set()
    for turn in range(900):
        late = 0 if turn < 200 or turn > 600 else min(120, turn - 200)
        both.do(("send", [1100] * (1 + turn % 7) + [300], 6, turn // 100 % 3, turn % 50 != 9))
        both.clock = both.now - 50 + 0.02 + late / 1000
        both.do(("arrive", 0, 0.25, 3 if turn % 30 == 0 else 0))
        if turn % 40 == 0:
            both.do(("trim",))
        both.compare()
        seen.add(both.readers[0].usage.value)
    assert {"normal", "over"} <= seen


def test_more_is_sent_than_is_kept() -> None:
    both = Both(0)
    for _ in range(1500):
        both.do(("send", [500, 900, 500], 1, 0, True))
    both.do(("arrive", 0, 0.25, 0))
    both.compare()
    unknown = both.readers[1].read(both.reports[1])
    assert isinstance(unknown, Reading)


def meeting(bench: Bench) -> list[float]:
    """Four seconds of one camera, whose receiver reports; its estimate after each report."""
    bench.join("a", (camera(ssrc=1000, rtx_ssrc=3000),))
    receiver = bench.join("r", (), (video_slot("one", 5000),))
    bench.route("r", "one", "a")
    recorder = Recorder()
    estimates = []
    number = seen = 0
    for frame in range(100):
        for _ in range(4):
            number += 1
            bench.send(bench.peers["a"], video(number, key=frame == 0, size=1100, ssrc=1000))
        for _ in range(8):
            bench.run(0.005, 0.005)
            for packet in receiver.received[seen:]:
                recorder.add(int.from_bytes(packet[17:19], "big"), bench.now + 0.02)
            seen = len(receiver.received)
        if frame % 2:
            while fci := recorder.flush():
                bench.send_rtcp(receiver, rtcp.build_transport_cc(9, 5000, fci))
            estimator = bench.core.transports["r"].estimator
            assert estimator is not None
            estimates.append(estimator.estimate)
    assert bench.core.counters.feedback_unknown == 0
    return estimates


def test_a_meeting_is_estimated_alike_on_both_paths() -> None:
    """The whole way: what the compiled turn sends is in the book, and reports move the estimate."""
    python, hot = (meeting(Bench(seed=1, path=path)) for path in ("python", "compiled"))
    assert hot == pytest.approx(python, rel=0.05)
    assert python[-1] > 1_000_000


@pytest.mark.parametrize("held_up", [False, True])
def test_what_a_turn_sent_while_it_stood_still_left_nobody_knows_when(held_up: bool) -> None:
    """`tests/media/congestion/test_reader.py` has what follows of it."""
    bench = Bench(seed=1, path="compiled")
    core = bench.core
    core.held_up = held_up  # type: ignore[attr-defined]
    meeting(bench)
    transport = core.transports["r"]
    w = core.following.world[0]  # type: ignore[attr-defined]
    row = transport.row  # type: ignore[attr-defined]
    runs = w["runs"][row][: w["receivers_told"][row]["newest"]]
    of_turns = runs[runs["extra"] == IP_UDP]  # Python's have their header in it, too
    assert len(of_turns) > 50
    assert set(of_turns["sure"].tolist()) == {int(not held_up)}
