"""The book of what was sent: feedback is believed about what was sent, and once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.media.congestion.book import HISTORY, Book


def book(first: int = 0, batches: int = 10, size: int = 5) -> Book:
    made = Book()
    for n in range(batches):
        made.sent(first + n * size, 10 + n * 0.02, [100 + i for i in range(size)], 50)
    return made


def test_a_report_is_divided_among_the_batches() -> None:
    report = book().learn(3, [1.0, 1.1, None, 1.3, 1.4])
    assert report.received == 4
    assert report.lost == 1
    first, second = report.arrived
    assert (first.sent_at, first.packets, first.octets) == (10, 2, 103 + 104 + 100)
    assert (second.first_arrival, second.last_arrival) == (1.3, 1.4)
    assert second.first_octets == 151


@pytest.mark.parametrize("first", [0, 1, 127, 128, 32767, 32768, 65534, 65535, 65536, 200_000])
def test_numbers_wrap(first: int) -> None:
    report = book(first).learn(first & 0xFFFF, [1.0] * 50)
    assert (report.received, report.unknown, report.repeated) == (50, 0, 0)


def test_replayed_feedback_tells_nothing_new() -> None:
    made = book()
    made.learn(0, [1.0] * 10)
    report = made.learn(0, [1.0] * 10)
    assert (report.received, report.repeated) == (0, 10)
    assert not report.arrived


def test_what_was_lost_may_come_after_all() -> None:
    made = book()
    assert made.learn(0, [None] * 4).lost == 4
    report = made.learn(0, [1.0, None, 1.0, None])
    assert (report.received, report.lost, report.repeated) == (2, -2, 2)


def test_numbers_that_were_never_sent_are_counted() -> None:
    assert book().learn(48, [1.0] * 10).unknown == 8
    assert Book().learn(7, [1.0] * 10).unknown == 10
    # A number ahead of all that was sent is taken for one of the cycle before.
    report = book(70_000).learn(70_100 & 0xFFFF, [1.0] * 3)
    assert report.received == 0
    assert report.unknown == 3


def test_feedback_that_got_lost_leaves_a_hole_of_known_size() -> None:
    made = book()
    made.learn(0, [1.0] * 5)
    report = made.learn(20, [1.5] * 5)
    assert report.skipped == 3 * sum(150 + i for i in range(5))
    assert made.learn(25, [1.6] * 5).skipped == 0


def test_what_is_old_is_forgotten() -> None:
    made = book()
    made.trim(10 + HISTORY + 1)
    assert made.learn(0, [1.0] * 50).unknown == 50


@given(
    st.lists(st.integers(1, 40), max_size=30),
    st.lists(
        st.tuples(
            st.integers(0, 0xFFFF),
            st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), max_size=200),
        ),
        max_size=8,
    ),
)
def test_never_more_is_received_than_was_sent(
    batches: list[int], reports: list[tuple[int, list[float | None]]]
) -> None:
    made = Book()
    number = 0
    for n, count in enumerate(batches):
        made.sent(number, n * 0.01, [1000] * count)
        number += count
    received = octets = lost = 0
    for base, arrivals in reports:
        report = made.learn(base, arrivals)
        received += report.received
        lost += report.lost
        octets += sum(batch.octets for batch in report.arrived)
        told = report.received + report.repeated + report.unknown
        assert told + sum(a is None for a in arrivals) >= len(arrivals)
    assert 0 <= received <= number
    assert octets <= 1000 * number
    assert 0 <= lost + received <= number


@given(
    arrivals=st.lists(st.none() | st.floats(0, 10), min_size=1, max_size=50),
    start=st.integers(0, 49),
)
def test_a_report_tells_the_same_at_once_and_packet_by_packet(
    arrivals: list[float | None], start: int
) -> None:
    """Parts of which all came are read in another way than the others."""
    arrivals = arrivals[: 50 - start]
    whole = book().learn(start, arrivals)
    made = book()
    singly = [made.learn(start + n, [arrival]) for n, arrival in enumerate(arrivals)]
    assert whole.received == sum(report.received for report in singly)
    assert whole.lost == sum(report.lost for report in singly)
    for batch in whole.arrived:
        same = [a for r in singly for a in r.arrived if a.sent_at == batch.sent_at]
        assert batch.packets == len(same)
        assert batch.octets == sum(a.octets for a in same)
        assert batch.first_arrival == min(a.first_arrival for a in same)
        assert batch.last_arrival == max(a.last_arrival for a in same)
        earliest = next(a for a in same if a.first_arrival == batch.first_arrival)
        assert batch.first_octets == earliest.first_octets
