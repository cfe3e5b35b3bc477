"""Turns conferences, points and lines into messages and posts them to clients."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec.structs import replace

from bridge.base.i18n import sentence
from bridge.conference import events as e
from bridge.conference.model import State
from bridge.conference.plan import PROGRAMME, RoutingPlan, feed_of, plan
from bridge.conference.thumbnails import pages
from bridge.conference.typed import HELP
from bridge.control import views
from bridge.control.active_topology import ActiveTopology
from bridge.control.camera_moves import CameraMoves
from bridge.control.conductor import Conductor
from bridge.control.line_quality import LineQuality
from bridge.control.officers import DeskCalls
from bridge.control.placing.active_workers import ActiveWorkers
from bridge.control.sessions import Session, Sessions
from bridge.control.slots import slots_of
from bridge.control.talkback import Talkback
from bridge.control.templates import Upcoming
from bridge.control.voices import Voices
from bridge.signalling import protocol
from bridge.signalling.desk_messages import CallView, Desk
from bridge.signalling.talk_messages import TalkView

BEAT = 1.0  # seconds between signs of life
SELDOM = 0.7  # seconds at least between levels for clients whose line carries no pictures

Farewell = Literal["taken_over", "bye", "too_slow", "revoked", "logged_out"]


class Publisher:
    """Posts messages to the clients of the sessions; decides nothing."""

    def __init__(
        self,
        topology: ActiveTopology,
        sessions: Sessions,
        conductor: Conductor,
        routes: ActiveWorkers,
        desk_calls: DeskCalls,
        cameras: CameraMoves,
        talkback: Talkback,
    ) -> None:
        self._topology = topology
        self._cameras = cameras
        self._talkback = talkback
        self._desk_calls = desk_calls
        self._sessions = sessions
        self._conductor = conductor
        self._routes = routes
        self._upcoming: tuple[protocol.Upcoming, ...] = ()
        self._publishing = False
        self._voices = Voices()
        self._levels: Mapping[str, int] = {}
        self._told_levels = False
        self._thin: frozenset[str] = frozenset()  # sessions to which not all slots are sent
        self._told_thin = 0.0  # when those were last told of levels

    # --- the state of every client ------------------------------------------------------

    def publish(self) -> None:
        """Send every client its state, once for all changes of this turn of the loop."""
        if not self._publishing:
            self._publishing = True
            asyncio.get_running_loop().call_soon(self._publish)

    def _publish(self) -> None:
        self._publishing = False
        points = self.point_states()
        arriving = self.all_arriving()
        for session in self._sessions.all():
            if session.client is not None:
                session.show(self.view(session, points, arriving))

    def all_arriving(self) -> dict[str, views.Arriving]:
        """What arrives at the bridge of every point."""
        return {point: self.arriving(point) for point in self._topology.points}

    def arriving(self, point: str) -> views.Arriving:
        """What arrives at the bridge of a point."""
        session = self._sessions.of_point(point)
        if session is None or not session.transport:
            return views.NOTHING
        voice: protocol.Voice = "none"
        if self._routes.arrives(session.transport, "microphone"):
            voice = "silent" if self._voices.silent(point) else "live"
        return views.Arriving(voice, self._routes.arrives(session.transport, "camera"))

    def point_states(self) -> dict[str, protocol.PointState]:
        """What is known of every point: the same for everybody."""
        states: dict[str, protocol.PointState] = {}
        for point in self._topology.points:
            session = self._sessions.of_point(point)
            conference = self._conductor.conference_of(point)
            seat = conference.seats[point] if conference is not None else None
            if seat is not None and seat.present:
                states[point] = "in_session"
            elif session is not None and session.client is not None:
                called = seat is not None and seat.called
                states[point] = "connecting" if called else "ready"
            else:
                lost = session is not None and session.media_lost
                states[point] = "lost" if lost else "offline"
        return states

    def view(
        self,
        session: Session,
        points: dict[str, protocol.PointState] | None = None,
        arriving: Mapping[str, views.Arriving] | None = None,
    ) -> protocol.State:
        """What one client sees, with the number of its last one."""
        running = self._conductor.running()
        state = session.watched(running)
        console = session.may("watch")
        if arriving is None:
            arriving = self.all_arriving()
        slots = self._slots(session, state)
        count = 1
        if state is not None:
            count = pages(state, session.point, self._routes.thumbnails(session.transport))
        return protocol.State(
            seq=session.seq,
            programme=slots[PROGRAMME].wanted or "",
            points=points if points is not None else self.point_states(),
            slots=slots,
            conference=(
                self._conference(state, session, arriving)
                if state is not None and (console or session.point is not None)
                else None
            ),
            conferences=(
                tuple(views.summary(s) for s in running if s.booking.kind == "meeting")
                if console
                else ()
            ),
            officers=self._desk_calls.officers() if self._desk_calls.desk_of(session) else (),
            rooms=self._rooms() if console else {},
            upcoming=self._upcoming,
            page=min(session.page, count - 1),
            pages=count,
            paused=self._paused() if console else {},
            cameras=views.camera_views(self._cameras.all()) if console else {},
            talks=self._talks(session, arriving),
            worker=self._routes.ready,
            unsaved=(
                sentence("store.unsaved", count=str(self._conductor.unsaved))
                if self._conductor.problem and console
                else None
            ),
        )

    def _conference(
        self, state: State, session: Session, arriving: Mapping[str, views.Arriving]
    ) -> protocol.ConferenceView:
        view = views.conference_view(state, session.point, arriving)
        if state.call is None or state.booking.desk is None:
            return view
        rules, missed = state.booking.desk, state.call.missed
        waits = state.call.officer is None and state.call.ringing is None
        call = CallView(
            call=state.call,
            desk=rules.desk,
            ring_seconds=rules.ring_seconds,
            next_free=self._desk_calls.next_free(missed) if waits else None,
        )
        return replace(view, call=call)

    def _slots(self, session: Session, state: State | None) -> dict[str, protocol.SlotView]:
        current: RoutingPlan | None = plan(state) if state is not None else None
        slots: dict[str, protocol.SlotView] = {}
        stands = self._routes.stands(session.transport)
        for name in slots_of(session, self._topology.current).video:
            feed = feed_of(current, session.point, name, stands) if current is not None else None
            shown = self._routes.shown(session.transport, name)
            wanted: str | None = None
            if feed is not None:
                wanted = feed.point or f"user:{feed.user}"
            slots[name] = protocol.SlotView(
                wanted=wanted,
                shown=shown.point,
                layer=shown.layer,
                since=shown.since,
                stands=stands.get(name, ""),
                paused=shown.paused,
            )
        return slots

    def _paused(self) -> dict[str, tuple[str, ...]]:
        """Slots by point to which nothing is sent because a line or a link carries no more."""
        found = {
            session.point: self._routes.paused(session.transport)
            for session in self._sessions.all()
            if session.point is not None and session.transport
        }
        return {point: slots for point, slots in found.items() if slots}

    def _talks(
        self, session: Session, arriving: Mapping[str, views.Arriving]
    ) -> dict[str, TalkView]:
        """Whom operators speak to, as far as it concerns a client."""
        found: dict[str, TalkView] = {}
        for point, talk in self._talkback.talks().items():
            if session.point == point or session.may("watch"):
                state = self._conductor.conference_of(point)
                seat = state.seats[point] if state is not None else None
                muted = seat is not None and seat.self_muted
                answer = "muted" if muted else arriving[point].voice
                found[point] = TalkView(user=talk.user, at=talk.at, answer=answer)
        return found

    def _rooms(self) -> dict[str, protocol.RoomStatus]:
        sessions = [self._sessions.of_point(point) for point in self._topology.points]
        return {s.point: s.status for s in sessions if s is not None and s.point is not None}

    # --- to one client ------------------------------------------------------------------

    def welcome(self, session: Session, *, resumed: bool) -> protocol.Welcome:
        topology = self._topology.current
        bridge = topology.bridge
        point = topology.point(session.point) if session.point is not None else None
        desk: Desk = (point.desk if point is not None else None) or ""
        return protocol.Welcome(
            version=protocol.VERSION,
            session=session.token,
            kind=session.kind,
            resumed=resumed,
            media=session.transport_up,
            point=session.point,
            user=session.user,
            role=session.role,
            bridge=views.as_sentence(bridge.name),
            contact=bridge.contact or "",
            zone=bridge.zone,
            points=views.point_infos(topology, desks=bool(desk), presets=session.may("direct")),
            desk=desk,
            slots=views.slot_map(slots_of(session, topology)),
            layers=views.layer_infos(topology),
            may_direct=session.may("direct"),
            now=self._conductor.now(),
            usage=HELP if session.may("direct") else (),
            sound=point.sound if point is not None else "room",
            hosts=bridge.host_pages,
        )

    def ask_for_offer(self, session: Session, reason: str) -> None:
        """The session's media is gone, or is wanted: its page is to make a new offer."""
        session.post(protocol.Media(reason=reason))

    def bid_farewell(self, session: Session, reason: Farewell) -> None:
        """The session is over: tell its page why, and close the connection."""
        session.post(protocol.Ended(reason=reason, sentence=sentence(f"ended.{reason}")))
        if session.client is not None:
            session.client.finish()

    # --- to all whom it concerns --------------------------------------------------------

    def notice(self, key: str, **arguments: str) -> None:
        """Tell operators something: the key of a sentence and what stands in its places."""
        message = protocol.Notice(at=self._conductor.now(), sentence=sentence(key, **arguments))
        for session in self._sessions.all():
            if session.may("watch"):
                session.post(message)

    def events(self, conference: str, recorded: Sequence[e.Recorded]) -> None:
        """Send new lines of a conference's log to the consoles that look at it."""
        state = self._conductor.states.get(conference)
        if state is not None and state.booking.kind == "desk_call":
            return  # no console looks at one
        message = protocol.Events(conference=conference, events=tuple(recorded))
        for session in self._sessions.all():
            if not session.may("watch"):
                continue
            if not session.watching:
                session.look_at(conference)  # a console without a conference sees the first
            if session.watching == conference:
                session.post(message)

    def levels(self, levels: Mapping[str, int]) -> None:
        """Audio levels by point, -dBov."""
        if self._voices.take(levels, self._conductor.now()):
            self.publish()
        self._levels = levels
        self._post_levels()

    async def beat(self) -> None:
        """Post a sign of life every second, whatever becomes of the worker and of the store, until
        cancelled: a page that hears nothing for longer says that the line is cut."""
        while True:
            await asyncio.sleep(BEAT)
            if not self._told_levels:
                self._levels = {}  # the worker says nothing any more
                self._post_levels()
            self._told_levels = False

    def _post_levels(self) -> None:
        """To everybody, but seldom to those whose line has no room for all pictures."""
        self._told_levels = True
        now = self._conductor.now()
        message = protocol.Levels(levels=dict(self._levels), now=now)
        everybody = not 0 <= now - self._told_thin < SELDOM  # a clock may be set back
        if everybody:
            self._told_thin = now
            self._thin = frozenset(
                session.token
                for session in self._sessions.all()
                if session.transport and self._routes.paused(session.transport)
            )
        for session in self._sessions.all():
            if everybody or session.token not in self._thin:
                session.post(message)

    def lines(self, quality: Mapping[str, LineQuality]) -> None:
        """New figures of the lines: consoles see all, a room its own."""
        shown = {point: views.quality_view(line) for point, line in quality.items()}
        for session in self._sessions.all():
            if session.may("watch"):
                session.post(protocol.Lines(quality=shown))
            elif session.point in shown:
                session.post(protocol.Lines(quality={session.point: shown[session.point]}))

    def upcoming(self, upcoming: Sequence[Upcoming]) -> None:
        """What the schedule holds has changed."""
        self._upcoming = tuple(views.upcoming_view(item) for item in upcoming)
        self.publish()
