"""Probes, router and media together: what is known of one line."""

from __future__ import annotations

from bridge.control.line_quality import LineQuality
from bridge.lines.merge import Around, believed, merge, speaker
from monitoring.quality.line_state import Figures
from tests.lines.support import GOOD


def around(at: float = 1.0, router: Figures | None = None) -> Around:
    return Around(
        at=at,
        agent=False,
        router=router,
        maintenance=False,
        incidents=0,
        watching=(),
        playback=None,
    )


def test_the_worse_of_probes_and_media_is_shown() -> None:
    media = LineQuality(up="poor", down="good", up_loss=0.05, down_loss=0.0, rtt_ms=9, at=0)
    assert merge(None, None, around()).reach == "unknown"
    alone = merge(None, media, around())
    assert (alone.up, alone.up_loss, alone.source, alone.at) == ("poor", 0.05, "media", 1.0)
    found = merge(GOOD, None, around())
    assert (found.up, found.down, found.source, found.reach) == ("good", "good", "probe", "yes")
    both = merge(GOOD._replace(down="fair"), media, around())
    assert (both.up, both.down, both.source, both.up_loss) == ("poor", "fair", "both", 0.05)
    lost = merge(GOOD._replace(reachable=False, up="bad", down="bad"), None, around())
    assert (lost.up, lost.reach) == ("bad", "no")
    assert merge(GOOD, None, around(router=GOOD)).router == "yes"


def test_blocked_probes_do_not_make_a_point_lost_that_is_heard() -> None:
    gone = GOOD._replace(reachable=False, up="bad", down="bad")
    assert believed(gone, has_media=False, heard=False) is gone
    assert believed(gone, has_media=True, heard=False) is gone  # its media may be old
    assert believed(gone, has_media=True, heard=True) is None
    never = gone._replace(answered=False)  # a firewall: no probe ever came back
    assert believed(never, has_media=True, heard=False) is None
    assert believed(GOOD, has_media=True, heard=True) is GOOD


def test_the_router_speaks_for_a_room_that_is_off() -> None:
    off = GOOD._replace(reachable=False)
    assert speaker(off, GOOD, connected=False) is GOOD
    assert speaker(None, GOOD, connected=False) is GOOD
    assert speaker(GOOD, off, connected=False) is GOOD
    assert speaker(off, None, connected=False) is off
    assert speaker(off, GOOD, connected=True) is off
