"""Handles the worker's events, and reconciles what it holds with what this process knows."""

from __future__ import annotations

import logging
from collections.abc import Callable

from msgspec.structs import replace

from bridge.base import logs
from bridge.base.observer import Observer
from bridge.control.link_bounds import LinkBounds
from bridge.control.placing.active_workers import FIRST, ActiveWorkers
from bridge.control.presence import Presence
from bridge.control.publisher import Publisher
from bridge.control.sessions import Session, Sessions
from bridge.control.worker_routes import WorkerRoutes
from bridge.media import messages as m

log = logging.getLogger("control")


class Reconciler:
    """Handles every event of the active workers, and their loss. ``clock`` is monotonic."""

    def __init__(
        self,
        sessions: Sessions,
        workers: ActiveWorkers,
        publisher: Publisher,
        presence: Presence,
        bounds: LinkBounds,
        observer: Observer,
        clock: Callable[[], float],
    ) -> None:
        self._sessions = sessions
        self._workers = workers
        self._publisher = publisher
        self._presence = presence
        self._bounds = bounds
        self._observer = observer
        self._clock = clock

    def on_event(self, event: m.Event, worker: str = FIRST) -> None:
        """Take an event of a worker in."""
        routes = self._workers.by_name[worker]
        match event:
            case m.Inventory():
                self._reconcile(event, routes)
            case m.StateChanged():
                self._transport_state(event)
            case m.SlotShowing():
                routes.showing(event)
                if not self._workers.listeners.of_audience(event.transport):
                    self._observer.showing(event.slot, event.waited_ms / 1000)
                    self._publisher.publish()
            case m.SourceChanged():
                routes.sends(event)
                self._publisher.publish()
            case m.Levels():
                self._levels(event, routes)
            case m.Bandwidth():
                self._bounds.rates(event)
            case m.LayersWanted():
                self._bounds.wanted(event)
            case m.Error():
                log.error("the worker refused %s: %s", event.command, event.detail)
            case _:
                pass

    def on_worker_down(self, worker: str = FIRST) -> None:
        """Every transport of a worker is gone; the rooms there are told to offer again."""
        routes = self._workers.by_name[worker]
        self._bounds.lost(routes.holds)
        gone = [(s, t) for s in self._sessions.all() for t in s.transports if routes.holds(t)]
        routes.lost()
        for session, transport in gone:
            self._lose(session, transport)
        self._presence.settle()

    def _levels(self, event: m.Levels, routes: WorkerRoutes) -> None:
        levels: dict[str, int] = {
            point: level
            for transport, level in event.levels.items()
            if (point := routes.owner(transport)) is not None
        }
        self._observer.levels(levels)
        self._publisher.levels(levels)

    def _reconcile(self, inventory: m.Inventory, routes: WorkerRoutes) -> None:
        self._bounds.lost(routes.holds)
        routes.take_inventory(inventory)
        held = {transport.transport: transport for transport in inventory.transports}
        for session in self._sessions.all():
            for ident in session.transports:
                if ident not in held and routes.holds(ident):
                    self._lose(session, ident)
        # All owners first, one plan at the end: a plan made in between would take sources that
        # are not known yet out of the slots that show them.
        kept: list[m.TransportState] = []
        for ident, transport in held.items():
            if routes.adopt_listener(transport):
                continue
            owner = self._owner(transport, held)
            if owner is None:
                routes.close(ident)
                continue
            if owner.transport in ("", ident):
                owner.use_transport(ident, up=transport.state == "connected")
            routes.adopt(transport, owner.point)
            if owner.client is None and any(
                s.name == "content" and s.layers for s in transport.sources
            ):
                # Its page will say so itself; until then the shared screen must not go dark.
                owner.does(replace(owner.status, sharing=True))
            kept.append(transport)
        for transport in kept:
            routes.adopt_pictures(transport)
        self._presence.settle()

    def _owner(
        self, transport: m.TransportState, held: dict[str, m.TransportState]
    ) -> Session | None:
        """Whose transport it is; None where it is to be closed."""
        owner = self._sessions.by_transport(transport.transport)
        if owner is None and transport.state == "connected":
            # This process was restarted: the media goes on until its page is back.
            owner = self._sessions.by_label(transport.label)
            if owner is not None and owner.transport:
                return None  # an older one of the same session
        return owner

    def _transport_state(self, event: m.StateChanged) -> None:
        session = self._sessions.by_transport(event.transport)
        if session is None:
            return
        with logs.context(point=session.point):
            why = f" ({event.reason})" if event.reason else ""
            log.info("media of a %s: %s%s", session.kind, event.state, why)
        if event.transport != session.transport:
            self._beside(session, event)
        elif event.state == "connected":
            session.media_began()
            if session.point is not None:
                self._observer.connected(session.point, self._clock())
        elif event.state in ("vanished", "failed", "closed") and session.move.up:
            self._workers.close(session.transport)
            self._carry_on(session)
        elif event.state in ("vanished", "failed", "closed"):
            session.media_ended(self._clock())
            if session.point is not None:
                self._observer.disconnected(session.point, event.state)
            if event.state != "vanished":  # a vanished peer may come back on its own
                self._workers.close(session.release_transport())
                if event.state == "failed":
                    # Who closed its own is about to offer anew, and would take a request for
                    # another offer as one more: a storm of offers.
                    self._publisher.ask_for_offer(session, event.state)
        # The log has the code, which pages know in both languages; the sentence is for programs.
        self._presence.settle(event.state)

    def _beside(self, session: Session, event: m.StateChanged) -> None:
        """A transport to which a session moves, or from which it has moved."""
        if event.transport == session.move.beside:
            if event.state == "connected":
                session.beside_began()
            elif event.state in ("failed", "closed"):
                self._workers.close(session.drop_beside())
        elif event.state in ("failed", "closed"):
            self._workers.close(session.leave_former())

    def _lose(self, session: Session, transport: str) -> None:
        """A transport of a session went with its worker."""
        if transport == session.move.beside:
            session.drop_beside()
        elif transport == session.move.former:
            session.leave_former()
        elif session.move.up:
            self._carry_on(session)
        else:
            self._lose_media(session, "worker_restarted")

    def _carry_on(self, session: Session) -> None:
        """The transport that counted is gone: the one that is up beside it counts from now on."""
        session.release_transport()
        self._workers.close(session.come_over(self._clock()))

    def _lose_media(self, session: Session, reason: str) -> None:
        if session.transport_up and session.point is not None:
            self._observer.disconnected(session.point, reason)
        session.release_transport()
        session.media_ended(self._clock())
        self._publisher.ask_for_offer(session, reason)
