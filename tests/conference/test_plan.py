"""The slots of a receiver."""

from __future__ import annotations

from bridge.conference.plan import slot_names
from tests.conference.support import POINTS


def test_slots() -> None:
    video, audio = slot_names(POINTS, "b", 2)
    assert video == ("programme", "thumb:a", "thumb:c", "thumb:d", "content")
    assert audio == ("audio:0", "audio:1")
    assert slot_names(POINTS, None, 1)[0][:3] == ("programme", "preview", "thumb:a")
