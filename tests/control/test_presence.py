"""Points that come and go."""

from __future__ import annotations

from typing import Any

from bridge.media import messages as m
from bridge.signalling.protocol import Media
from tests.control_support import Bridge
from tests.telemetry.support import POINT, snapshot


async def test_a_room_that_closes_its_media_is_not_asked_for_another_offer(
    watched: Bridge,
) -> None:
    """It is about to make one; asked for a second, it would close the first, and so on."""
    await watched.join(POINT)
    session = watched.control.sessions.of_point(POINT)
    assert session is not None
    posted: list[Any] = []

    class Page:
        waiting = 0

        def post(self, message: Any) -> None:
            posted.append(message)

    session.client = Page()  # type: ignore[assignment]
    ident = watched.opened()[-1].transport
    watched.control.reconciler.on_event(m.StateChanged(transport=ident, state="closed"))
    assert not [item for item in posted if isinstance(item, Media)]
    assert session.transport == ""
    assert snapshot(watched).value("point_disconnects_total", POINT, "closed") == 1
    # One whose media failed does not know, perhaps.
    session.client = None
    await watched.offer((await watched.join(POINT))[POINT])
    session = watched.control.sessions.of_point(POINT)
    assert session is not None
    session.client = Page()  # type: ignore[assignment]
    ident = watched.opened()[-1].transport
    watched.control.reconciler.on_event(
        m.StateChanged(transport=ident, state="failed", reason="No ICE.")
    )
    assert [item.reason for item in posted if isinstance(item, Media)] == ["failed"]
