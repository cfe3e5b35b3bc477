"""The estimator against simulated lines, and against receivers that lie."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.media.congestion.estimator import (
    EXPECTED_MOST,
    REPORTS_AT_ONCE,
    START,
    TRIED,
    Estimator,
)
from bridge.media.congestion.loss import LossBound
from bridge.media.congestion.rate import Rate
from bridge.media.congestion.reader import Reader
from bridge.media.congestion.trend import Usage
from endpoints.netem.impairment import Impairment, Profile

STEP = 0.005
DELAY = 0.02


class Flow:
    """Sends what the estimate allows, up to ``wanted`` bit/s, over a simulated line."""

    def __init__(self, profile: Profile, wanted: float, seed: int = 1) -> None:
        self.line = Impairment(profile, seed)
        self.estimator = Estimator(0.0)
        self.reader = Reader()
        self.estimator.use(self.reader)
        self.wanted = wanted
        self.now = 0.0
        self.number = 0
        self.clock = 7e5  # the receiver's clock is another
        self._random = random.Random(seed)
        self._flying: list[tuple[float, int]] = []
        self._got: dict[int, float] = {}
        self._base = 0
        self._next_frame = self._next_sound = self._next_report = 0.0
        self._reports: list[tuple[float, int, list[float | None]]] = []

    def run(self, until: float, each: Callable[[], None] = lambda: None) -> None:
        while self.now < until:
            self.now += STEP
            self._send()
            self._report()
            each()

    def _leave(self, sizes: list[int]) -> None:
        self.estimator.sent(self.number, self.now, sizes)
        for size in sizes:
            for at in self.line.offer(self.now, size):
                heapq.heappush(self._flying, (at, self.number))
            self.number += 1

    def _send(self) -> None:
        if self.now >= self._next_sound:
            self._next_sound += 0.02
            self._leave([150])
        estimate = self.estimator.estimate or START
        if self.now >= self._next_frame:
            self._next_frame += 1 / 30
            rate = min(self.wanted, max(0.0, 0.9 * estimate - 60_000))
            octets = round(rate / 30 / 8 * self._random.uniform(0.7, 1.3))
            sizes = [min(1100, octets - at) + 28 for at in range(0, octets, 1100)]
            if sizes:
                self._leave(sizes)
        self.estimator.tick(self.now, wanted=self.wanted, may_probe=True)
        due = self.estimator.prober.due(self.now)
        while due > 0:
            size = min(1100, max(due, 200))
            self._leave([size])
            due -= size

    def _report(self) -> None:
        while self._flying and self._flying[0][0] <= self.now:
            at, number = heapq.heappop(self._flying)
            self._got[number] = at + self.clock
        if self.now >= self._next_report:
            self._next_report += 0.1
            if self._got:
                top = max(self._got)
                arrivals = [self._got.get(n) for n in range(self._base, top + 1)]
                self._reports.append((self.now + DELAY, self._base, arrivals))
                self._base = top + 1
                self._got.clear()
        while self._reports and self._reports[0][0] <= self.now:
            _, base, arrivals = self._reports.pop(0)
            read = self.reader.learn(base & 0xFFFF, arrivals)
            self.estimator.feedback(read, 2 * DELAY, self.now)


def line(rate: float, **options: float) -> Profile:
    return Profile(rate=rate, delay=DELAY, queue=0.3, **options)


@pytest.mark.parametrize("rate", [100_000, 300_000, 600_000, 2_000_000])
def test_the_estimate_finds_what_the_line_carries(rate: float) -> None:
    flow = Flow(line(rate), 3_000_000)
    flow.run(6)
    seen: list[float] = []
    flow.run(16, lambda: seen.append(flow.estimator.estimate))
    assert 0.6 * rate < sum(seen) / len(seen) < 1.25 * rate


def test_a_good_line_is_known_within_a_second() -> None:
    flow = Flow(line(5_000_000), 2_500_000)
    flow.run(1.0)
    assert flow.estimator.estimate > 2_500_000


def test_what_a_line_carries_is_not_known_before_it_was_full_or_used_for_a_while() -> None:
    flow = Flow(line(5_000_000), 2_500_000)
    assert not flow.estimator.tried(flow.now)
    flow.run(1.0)
    assert not flow.estimator.tried(flow.now)
    flow.run(TRIED + 1)
    assert flow.estimator.tried(flow.now)
    thin = Flow(line(100_000), 2_500_000)
    thin.run(TRIED / 2)
    assert thin.estimator.tried(thin.now)


def test_less_is_seen_at_once_and_more_within_seconds() -> None:
    flow = Flow(line(5_000_000), 2_500_000)
    flow.run(8)
    flow.line.use(line(600_000))
    flow.run(9.2)
    assert flow.estimator.estimate < 700_000
    flow.run(20)
    flow.line.use(line(5_000_000))
    flow.run(27)
    assert flow.estimator.estimate > 2_000_000


def test_loss_that_does_not_depend_on_the_rate_is_the_lines_own() -> None:
    flow = Flow(line(5_000_000, loss=0.3), 2_000_000)
    flow.run(25)
    assert flow.estimator.estimate > 1_000_000
    assert flow.estimator.loss.own == pytest.approx(0.3, abs=0.1)


def test_jitter_alone_is_no_congestion() -> None:
    flow = Flow(line(5_000_000, jitter=0.03), 2_000_000)
    flow.run(15)
    assert flow.estimator.rate.decreases == 0


def test_a_queue_that_a_probe_made_is_told_from_one_of_what_is_sent() -> None:
    flow = Flow(line(5_000_000), 2_500_000)
    flow.run(8)
    flow.line.use(line(600_000))
    flow.run(8.6)
    assert flow.estimator.rate.decreases > 0
    assert flow.estimator.probed == 0
    flow.run(25)  # more is wanted than fits, and tried now and then
    assert 0 < flow.estimator.probed < flow.estimator.rate.decreases


def test_nobody_probes_for_what_nobody_wants() -> None:
    flow = Flow(line(5_000_000), 200_000)
    flow.run(10)
    assert flow.estimator.prober.clusters == 0


def test_the_start_is_two_clusters() -> None:
    flow = Flow(line(5_000_000), 2_500_000)
    targets: list[float] = []

    def note() -> None:
        current = flow.estimator.prober.current
        if current is not None and current.target not in targets:
            targets.append(current.target)

    flow.run(0.6, note)
    assert targets[:2] == [3 * START, 6 * START]


def test_reports_beyond_the_limit_are_refused() -> None:
    estimator = Estimator(0.0)
    taken = sum(estimator.admit(1.0 + n / 1000) for n in range(1000))
    assert taken < REPORTS_AT_ONCE + 110
    assert estimator.refused == 1000 - taken


def test_a_rate_reported_by_the_receiver_counts_once_it_asks_for_less() -> None:
    estimator = Estimator(0.0)
    for n in range(200):
        estimator.count(2500)  # 1 Mbit/s
        estimator.tick(n * 0.02, wanted=1e6, may_probe=False)
    estimator.heard_remb(1_500_000, 4.0)
    assert estimator.estimate == 0, "more than is sent says nothing yet"
    estimator.heard_remb(400_000, 4.1)
    assert estimator.estimate == 400_000


Lie = tuple[int, list[float | None]]
LIES = st.lists(
    st.tuples(
        st.integers(0, 0xFFFF),
        st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), max_size=120),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(LIES, st.sampled_from([0.0, 1e-6, 1.0]))
def test_no_lie_makes_the_estimate_larger_than_what_was_sent(
    lies: list[Lie], spread: float
) -> None:
    """Arrivals before sending, endless rates, numbers never sent: all of it, in any order."""
    flow = Flow(line(5_000_000), 1_000_000)
    flow.run(1.0)
    sent_most = 0.0
    before = flow.estimator.reader.octets
    for base, arrivals in lies:
        for _ in range(4):
            flow.run(flow.now + STEP)
        squeezed = [None if a is None else a * spread for a in arrivals]
        flow.estimator.feedback(flow.reader.learn(base, squeezed), 0.04, flow.now)
        octets = flow.estimator.reader.octets
        sent_most = max(sent_most, (octets - before) * 8 / (4 * STEP))
        before = octets
        estimate = flow.estimator.estimate
        assert estimate == 0 or 30_000 <= estimate <= 1e9
    probed = 6 * START * 2.5
    assert flow.estimator.estimate <= max(probed, 2 * sent_most, 5_000_000)


def test_loss_of_one_moment_is_no_congestion() -> None:
    """A socket without room loses once; what is sent meanwhile is not worth less."""
    bound = LossBound()
    for second in range(10):
        lost = 60 if second == 5 else 0
        bound.add(200 - lost, lost, 2e6, 3e6, float(second))
        assert bound.bound == 0.0


def test_loss_that_goes_on_is() -> None:
    bound = LossBound()
    for second in range(3):
        bound.add(120, 80, 2e6, 3e6, float(second))
    assert 0 < bound.bound < 2e6


def test_delay_alone_holds_nobody_under_the_lowest_picture() -> None:
    """Unless loss or a queue that stays proves that the line carries less."""
    rate = Rate(START)
    for step in range(20):
        rate.update(Usage.OVER, 40_000, 0.05, step * 0.5, floor=200_000)
    assert rate.estimate == 200_000
    rate.update(Usage.OVER, 40_000, 0.05, 20.0)
    assert rate.estimate < 100_000


def test_what_links_are_said_to_carry_is_where_a_line_begins() -> None:
    estimator = Estimator(0.0)
    estimator.expect(2_000_000, 0, 0.0)
    assert estimator.rate.estimate == 500_000
    estimator.expect(100_000_000, 0, 0.0)
    assert estimator.rate.estimate == EXPECTED_MOST
    estimator.rate.update(Usage.OVER, 200_000, 0.05, 1.0)
    lowered = estimator.rate.estimate
    estimator.expect(100_000_000, 5_000_000, 2.0)
    assert estimator.rate.estimate == lowered < 300_000, "it was found to carry less"


def test_what_a_line_carried_before_is_where_it_begins_again() -> None:
    estimator = Estimator(0.0)
    estimator.expect(100_000_000, 4_000_000, 0.0)
    assert estimator.rate.estimate == 3_000_000
    estimator = Estimator(0.0)
    estimator.expect(2_000_000, 4_000_000, 0.0)
    assert estimator.rate.estimate == 2_000_000, "not more than links leave"
