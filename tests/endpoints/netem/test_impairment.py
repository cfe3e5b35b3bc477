"""The impaired line does what its profile says."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from endpoints.netem.impairment import Hop, Impaired, Impairment, Profile, parse


@pytest.mark.parametrize("loss", [0.0, 0.005, 0.05, 0.2, 1.0])
@pytest.mark.parametrize("burst", [1.0, 4.0])
def test_loss(loss: float, burst: float) -> None:
    line = Impairment(Profile(loss=loss, burst=burst), seed=3)
    count = 100_000
    outcomes = [bool(line.offer(i * 0.001, 100)) for i in range(count)]
    assert outcomes.count(False) / count == pytest.approx(loss, rel=0.12, abs=1e-9)
    runs = sum(a and not b for a, b in itertools.pairwise(outcomes))
    if 0 < loss < 1 and burst > 1:
        assert outcomes.count(False) / runs == pytest.approx(burst, rel=0.15)


def test_delay_keeps_order_unless_told() -> None:
    line = Impairment(Profile(delay=0.02, jitter=0.03), seed=1)
    times = [line.offer(i * 0.005, 100)[0] for i in range(2000)]
    assert times == sorted(times)
    assert all(0.02 <= t - i * 0.005 <= 0.051 for i, t in enumerate(times))
    mixed = Impairment(Profile(delay=0.02, reorder=0.1), seed=1)
    times = [mixed.offer(i * 0.005, 100)[0] for i in range(2000)]
    assert times != sorted(times)


def test_rate_and_duplicates() -> None:
    line = Impairment(Profile(rate=800_000, queue=0.05), seed=1)
    delivered = sum(len(line.offer(i * 0.0005, 1000)) for i in range(2000))
    assert 100 <= delivered <= 108, "100 packets a second for one second, and the queue"
    twice = Impairment(Profile(duplicate=0.5), seed=1)
    assert 1400 < sum(len(twice.offer(i, 1)) for i in range(1000)) < 1600


def test_blackout() -> None:
    line = Impairment(Profile(), seed=1)
    line.cut()
    assert line.offer(0, 1) == []
    line.restore()
    assert line.offer(0, 1) == [0]


@given(st.floats(), st.floats())
@example(0.0, float("nan"))
def test_nonsense_is_refused(loss: float, burst: float) -> None:
    if 0 <= loss <= 1 and burst >= 1:
        Profile(loss=loss, burst=burst)
    else:
        with pytest.raises(ValueError, match=r"share|least"):
            Profile(loss=loss, burst=burst)


def test_another_profile_from_now_on() -> None:
    line = Impairment(Profile(loss=1), seed=1)
    assert line.offer(0, 1) == []
    line.use(Profile())
    assert line.offer(1, 1) == [1]
    assert (line.offered, line.lost) == (2, 1)


def test_an_impairment_is_read_and_put_on_a_hop() -> None:
    hop = Hop(Impairment(Profile(), 1), Impairment(Profile(), 2))
    hop.impair(parse("x:loss-down=100%,delay-up=30ms,strip-up"))
    assert hop.probe_down(0.0, 1) == []
    assert hop.probe_up(0.0, 1) == [0.03]
    assert hop.strip == {"up"}
    hop.impair(Impaired.none("x"))
    assert hop.probe_down(1.0, 1) == hop.probe_up(1.0, 1) == [1.0]
    assert hop.strip == frozenset()
    assert (hop.probes_offered, hop.probes_lost_down, hop.probes_lost_up) == (2, 1, 0)


@pytest.mark.parametrize(
    ("text", "down", "up"),
    [
        ("x:loss=1%", Profile(loss=0.01), Profile(loss=0.01)),
        ("x:loss-up=0.5,burst-up=4", Profile(), Profile(loss=0.5, burst=4)),
        ("x:delay-down=1s,jitter-down=5ms", Profile(delay=1, jitter=0.005), Profile()),
        ("x:rate-down=2Mbit,rate-up=64kbit", Profile(rate=2e6), Profile(rate=64e3)),
        (
            "x: duplicate=2% , reorder-up=3%",
            Profile(duplicate=0.02),
            Profile(0, 1, 0, 0, 0.03, 0.02),
        ),
    ],
)
def test_words_for_a_line(text: str, down: Profile, up: Profile) -> None:
    assert parse(text) == Impaired("x", down, up, frozenset())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "not an impairment"),
        ("x", "not an impairment"),
        (":loss=1%", "not an impairment"),
        ("x:loss-left=1%", "down or up"),
        ("x:noise=1%", "known are loss, delay"),
        ("x:strip=1", "known are"),
        ("x:loss=1ms", "% or no unit"),
        ("x:delay=5", "ms or s"),
        ("x:delay=-5ms", "a number"),
        ("x:loss=150%", "shares from 0 to 1"),
        ("x:burst=0.5", "at least 1"),
    ],
)
def test_words_that_make_no_sense(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse(text)


def test_a_clean_line_says_so() -> None:
    hop = Hop(Impairment(Profile(), 1), Impairment(Profile(), 2))
    found = [hop.clean]
    hop.impair(parse("x:loss-up=1%"))
    found.append(hop.clean)
    hop.impair(Impaired.none("x"))
    hop.down.cut()
    found.append(hop.clean)
    hop.down.restore()
    found.append(hop.clean)
    assert found == [True, False, False, True]
