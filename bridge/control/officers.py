"""Desk calls: which officers are free, and what may be asked of them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from bridge.conference import commands as c
from bridge.conference import desk_call_commands as d
from bridge.conference.desk_call import NAMED, DeskRules
from bridge.conference.model import Actor, Booking, Refusal, Rules, Title
from bridge.control.active_topology import ActiveTopology
from bridge.control.conductor import Conductor
from bridge.control.draft import Done, Result
from bridge.control.sessions import Session, Sessions
from bridge.signalling.desk_messages import OfficerState, OfficerView
from bridge.store.log import EventLog
from config.schema import Point

RULES = Rules(all_muted=False, floor="free", recording="forbidden")


class DeskCalls:
    """Opens calls of citizens' desks, and knows who may be rung."""

    def __init__(self, topology: ActiveTopology, sessions: Sessions, conductor: Conductor) -> None:
        self._topology = topology
        self._sessions = sessions
        self._conductor = conductor

    def desk_of(self, session: Session) -> Point | None:
        """The desk, a citizen's or an officer's, at which a session is; None for all others."""
        point = self._topology.current.point(session.point) if session.point is not None else None
        return point if point is not None and point.desk is not None else None

    def state_of(self, officer: str) -> OfficerState:
        """Whether an officer can be rung now."""
        session = self._sessions.of_point(officer)
        if session is None or session.client is None:
            return "offline"
        if self._conductor.conference_of(officer) is not None:
            return "busy"
        return "away" if session.status.away else "free"

    def officers(self) -> tuple[OfficerView, ...]:
        """Every officer's page in the order of the topology, and whether it is free."""
        return tuple(
            OfficerView(point=point.id, state=self.state_of(point.id))
            for point in self._topology.current.points
            if point.desk == "officer"
        )

    def next_free(self, after: str | None) -> str | None:
        """Who can be rung instead of an officer who did not answer: the next one in the order of
        the topology that is free."""
        found = [view.point for view in self.officers()]
        start = found.index(after) + 1 if after in found else 0
        order = [*found[start:], *found[:start]]
        return next((p for p in order if p != after and self.state_of(p) == "free"), None)

    def refusal(self, command: c.Asked) -> Refusal | None:
        """Why nobody can be rung by a command; None where that is not what it asks, or where it may
        be decided."""
        if not isinstance(command, d.RingOfficer | d.HandOver):
            return None
        return self._not_free(command.officer)

    def _not_free(self, officer: str) -> Refusal | None:
        point = self._topology.current.point(officer)
        if point is None or point.desk != "officer":
            return Refusal(key="refusal.unknown_officer", arguments={"officer": officer})
        state = self.state_of(officer)
        if state == "free":
            return None
        arguments = {"officer": point.name.text("vi"), "officer_en": point.name.text("en")}
        return Refusal(key=f"refusal.officer_{state}", arguments=arguments)

    async def open(
        self, desk: Point, officer: str, actor: Actor, key: str, log: EventLog
    ) -> Result:
        """Call an officer from a citizen's desk; "" is whoever is free first."""
        running = self._conductor.conference_of(desk.id)
        if running is not None:
            rules = running.booking.desk
            if rules is not None and rules.desk == desk.id and officer in ("", rules.first):
                return Done(running.booking.id, running.seq, ())  # the same button, pressed twice
            return Refusal(key="refusal.desk_busy")
        chosen = officer or self.next_free(None)
        if chosen is None:
            return Refusal(key="refusal.no_officer_free")
        refused = self._not_free(chosen)
        if refused is not None:
            return refused
        zone = ZoneInfo(self._topology.current.bridge.zone)
        local = datetime.fromtimestamp(self._conductor.now(), zone)
        ident = await log.free_id(f"{NAMED}{local:%Y%m%d-%H%M%S}-{desk.id}")
        return await self._conductor.open(self._booking(ident, desk, chosen), actor, key)

    def _booking(self, ident: str, desk: Point, officer: str) -> Booking:
        topology = self._topology.current
        officers = tuple(p.id for p in topology.points if p.desk == "officer")
        return Booking(
            id=ident,
            title=Title(
                vi=f"Cuộc gọi từ {desk.name.text('vi')}",
                en=f"Call from {desk.name.text('en')}",
            ),
            points=(desk.id, officer),
            chair=desk.id,
            connect={officer: "invitation"},
            rules=RULES,
            desk=DeskRules(
                desk=desk.id,
                officers=officers,
                first=officer,
                ring_seconds=topology.desk_calls.ring_seconds,
            ),
        )
