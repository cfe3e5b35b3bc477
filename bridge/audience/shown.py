"""What people who watch are told beside picture and sound. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

from bridge.audience.admittance import Admission, Why
from bridge.base.i18n import Sentence
from bridge.conference.model import Admits, State
from bridge.conference.voting import Stage, VoteResult
from bridge.control import views
from bridge.control.templates import Upcoming
from config.schema import Topology


class WatchedVote(msgspec.Struct, frozen=True, kw_only=True):
    """The last vote; its ``result`` is there when it is closed."""

    title: str
    stage: Stage
    options: tuple[str, ...] = ()
    result: VoteResult | None = None


class WatchView(msgspec.Struct, frozen=True, kw_only=True):
    """A conference for who watches it. Who is not ``admitted`` is told nothing but what it takes
    (``admits``) and whether it runs. ``start`` is planned, UTC seconds; ``speaker`` is who is on
    air, with the ``floor`` where that was given; ``item`` is the matter on the agenda that is dealt
    with, "" for none; ``content``: a screen is shared; ``recorded``:
    something is being written; ``hls``: it can be watched by HLS, too. Of one viewer:
    ``sound_only``, where its line carries no picture, and ``why`` it watches no longer."""

    phase: Literal["planned", "open", "live", "ended"]
    admits: Admits
    admitted: bool = False
    title: Sentence | None = None
    start: float | None = None
    speaker: Sentence | None = None
    floor: bool = False
    item: str = ""
    vote: WatchedVote | None = None
    content: bool = False
    recorded: bool = False
    hls: bool = False
    sound_only: bool = False
    why: Why | Literal[""] = ""


def view(state: State, topology: Topology, admitted: Admission) -> WatchView:
    """A conference that is open, live or has just ended."""
    if not admitted.kind:
        return WatchView(phase=state.phase, admits=state.audience)
    live = state.phase == "live"
    vote = state.votes[-1] if live and state.votes else None
    point = topology.point(state.on_air) if live else None
    number = state.item.number if live and state.item is not None else None
    return WatchView(
        phase=state.phase,
        admits=state.audience,
        admitted=True,
        title=views.as_sentence(state.booking.title),
        start=state.booking.start,
        speaker=views.as_sentence(point.name) if point is not None else None,
        floor=live and state.floor is not None and state.floor.point == state.on_air,
        item=next((item.title for item in state.agenda if item.number == number), ""),
        vote=WatchedVote(
            title=vote.title, stage=vote.stage, options=vote.options, result=vote.result
        )
        if vote is not None
        else None,
        content=live and state.content is not None,
        recorded=live and state.recorded,
    )


def planned(upcoming: Upcoming, admits: Admits, *, account: bool) -> WatchView:
    """A conference that is not open yet. Its code is not there yet either."""
    admitted = account or admits == "anybody"
    return WatchView(
        phase="planned",
        admits=admits,
        admitted=admitted,
        title=views.as_sentence(upcoming.title) if admitted else None,
        start=upcoming.start,
    )
