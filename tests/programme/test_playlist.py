"""The window of segments, whatever happens to it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.programme import playlist
from bridge.programme.playlist import KEPT, SHOWN, TARGET, Window

Made = tuple[float, bool, bool]
STEP: st.SearchStrategy[Made | str] = st.one_of(
    st.tuples(st.floats(0.1, 2.4), st.booleans(), st.booleans()),
    st.just("again"),  # the process is killed, and another reads what it left
    st.just("emptied"),
)


def numbers(text: str) -> list[int]:
    return [int(n) for n in re.findall(r"^s(\d+)\.m4s$", text, re.MULTILINE)]


def tag(text: str, name: str) -> int:
    found = re.search(rf"^#EXT-X-{name}:(\d+)$", text, re.MULTILINE)
    assert found is not None
    return int(found[1])


@given(st.lists(STEP, max_size=60))
def test_a_player_is_never_taken_back(steps: list[Made | str]) -> None:
    """Numbers go on by one, a segment's number never means another one, and the count of
    discontinuities is that of all that were (RFC 8216 sections 4.3.3 and 6.2)."""
    window, clock = Window(), 1000.0
    seen: dict[int, playlist.Segment] = {}
    before = tag(window.text(), "MEDIA-SEQUENCE")
    for step in steps:
        if not isinstance(step, str):
            seconds, fresh, broken = step
            first = not window.initialisation
            window = window.add(seconds, clock, fresh=fresh or first, broken=broken)
            clock += seconds
        elif step == "again":
            window = playlist.decoder.decode(playlist.encoder.encode(window))
        else:
            window = window.emptied()
        text = window.text()
        shown = numbers(text)
        assert tag(text, "MEDIA-SEQUENCE") >= before
        before = tag(text, "MEDIA-SEQUENCE")
        assert shown == list(range(before, before + len(shown)))
        assert len(shown) <= SHOWN
        assert len(window.segments) <= SHOWN + KEPT
        for segment in window.segments:
            assert seen.setdefault(segment.number, segment) == segment
        earlier = sum(s.broken for number, s in seen.items() if number < before)
        assert tag(text, "DISCONTINUITY-SEQUENCE") == earlier
        lengths = [float(n) for n in re.findall(r"#EXTINF:([\d.]+),", text)]
        assert all(round(length) <= TARGET for length in lengths)


def test_what_a_playlist_says() -> None:
    window = Window().add(1.9, 1_800_000_000.5, fresh=True, broken=True)
    window = window.add(2.0, 1_800_000_002.4, fresh=False, broken=False)
    window = window.add(0.5, 1_800_000_004.4, fresh=True, broken=True)
    assert window.text().splitlines() == [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-TARGETDURATION:2",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-DISCONTINUITY-SEQUENCE:0",
        '#EXT-X-MAP:URI="i1.mp4"',
        "#EXT-X-PROGRAM-DATE-TIME:2027-01-15T08:00:00.500Z",
        "#EXTINF:1.90000,",
        "s0.m4s",
        "#EXT-X-PROGRAM-DATE-TIME:2027-01-15T08:00:02.400Z",
        "#EXTINF:2.00000,",
        "s1.m4s",
        "#EXT-X-DISCONTINUITY",
        '#EXT-X-MAP:URI="i2.mp4"',
        "#EXT-X-PROGRAM-DATE-TIME:2027-01-15T08:00:04.400Z",
        "#EXTINF:0.50000,",
        "s2.m4s",
    ]


@pytest.mark.parametrize("seconds", [0.0, -1.0, 2.5, float("inf"), float("nan")])
def test_no_segment_has_such_a_length(seconds: float) -> None:
    with pytest.raises(ValueError, match="a segment of"):
        Window().add(seconds, 0.0, fresh=True, broken=False)


def test_no_segment_comes_before_its_initialisation() -> None:
    with pytest.raises(ValueError, match="without an initialisation"):
        Window().add(1.0, 0.0, fresh=False, broken=False)
