"""Who begins to read a recording is told from who goes on."""

from __future__ import annotations

from bridge.recordings.viewings import MOST, QUIET, Viewings


def test_who_begins_and_who_goes_on() -> None:
    viewings = Viewings()
    assert viewings.begins("lan", "r1", 0.0, True)
    assert not viewings.begins("lan", "r1", 5.0, False)
    assert viewings.begins("lan", "r1", 6.0, True), "from the first octet again"
    assert viewings.begins("minh", "r1", 6.0, False), "not from the first octet"
    assert viewings.begins("lan", "r2", 6.0, False)
    assert not viewings.begins("lan", "r1", 6.0 + QUIET - 0.1, False)
    assert viewings.begins("lan", "r1", 6.0 + 2 * QUIET, False)


def test_what_is_remembered_is_bounded() -> None:
    viewings = Viewings()
    for number in range(MOST + 10):
        viewings.begins("lan", f"r{number}", 0.0, False)
    assert viewings.begins("lan", "r0", 1.0, False), "noted twice rather than not at all"
    assert not viewings.begins("lan", f"r{MOST}", 1.0, False)
