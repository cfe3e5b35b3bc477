"""A budget that fills by itself."""

from __future__ import annotations

from bridge.base.token_bucket import Bucket


def test_a_bucket_lets_through_what_it_has() -> None:
    bucket = Bucket(1.0, 3.0)
    assert [bucket.take(1, 0.0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(2, 1.0)
    assert bucket.take(1, 1.0)
    assert bucket.take(3, 100.0), "never more than the burst"
    assert not bucket.take(1, 100.0)
    assert not bucket.take(1, 50.0), "a clock that goes back gives nothing"
