"""The slots of a receiver, and what the plan puts into them."""

from __future__ import annotations

from bridge.conference.plan import Feed, feed_of, plan, slot_names
from tests.conference.support import live


def test_slots() -> None:
    video, audio = slot_names("b", 3, 2)
    assert video == ("programme", "thumb:1", "thumb:2", "thumb:3", "content")
    assert audio == ("audio:0", "audio:1")
    assert slot_names(None, 2, 1)[0][:3] == ("programme", "preview", "thumb:1")
    assert slot_names(None, 0, 1) == (("programme", "preview", "content"), ("audio:0",))


def test_a_thumbnail_slot_shows_who_stands_in_it() -> None:
    current = plan(live(present=("a", "b")).state)
    stands = {"thumb:1": "b", "thumb:2": "c", "thumb:3": "stranger"}
    assert feed_of(current, "a", "thumb:1", stands) == Feed("b", highest=False)
    assert feed_of(current, None, "thumb:1", stands) == Feed("b", highest=False)
    assert feed_of(current, "a", "thumb:3", stands) is None
    assert feed_of(current, "a", "thumb:4", stands) is None
