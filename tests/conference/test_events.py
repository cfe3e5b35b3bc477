"""Events as they stand in the log."""

from __future__ import annotations

from bridge.conference import events as e


def test_an_older_log_can_be_read() -> None:
    """Fields that a later version adds are ignored by this one."""
    raw = b'{"type": "taken", "point": "b", "previous": "a", "later": 1}'
    assert e.decoder.decode(raw) == e.Taken(point="b", previous="a")
