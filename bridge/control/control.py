"""Puts presence, offers, reconciler and publisher together around the conductor.

Every change runs the same way: the conductor commits it, then the worker is sent the difference
between its routes and the plan, and clients are sent what they see.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from bridge.base import logs
from bridge.base.clock import SteadyClock
from bridge.base.observer import Observer
from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.model import State
from bridge.control.active_topology import ActiveTopology
from bridge.control.camera_moves import CameraMoves
from bridge.control.conductor import Conductor
from bridge.control.link_bounds import LinkBounds
from bridge.control.link_promises import LinkPromises
from bridge.control.offers import Offers
from bridge.control.officers import DeskCalls
from bridge.control.placing.active_workers import FIRST, ActiveWorkers, Send
from bridge.control.placing.moves import Moves
from bridge.control.presence import Presence
from bridge.control.publisher import Publisher
from bridge.control.reconciler import Reconciler
from bridge.control.secret_votes import SecretVotes
from bridge.control.sessions import Sessions
from bridge.control.talkback import Talkback
from bridge.store.log import EventLog
from bridge.store.snapshots import Snapshots
from config.schema import Topology

log = logging.getLogger("control")

MILESTONES = (e.Opened, e.Started, e.Ended, e.PointJoined, e.PointLeft, e.Taken, e.FloorGranted)


class Control:
    """Makes the parts and holds them; each caller uses the one it needs. ``send`` posts to one of
    the active ``workers``, ``monotonic`` never goes back, ``clock`` follows it and tells UTC;
    ``ballots`` is where the boxes of secret votes lie."""

    def __init__(
        self,
        topology: Topology,
        events: EventLog,
        snapshots: Snapshots,
        send: Send,
        clock: SteadyClock,
        monotonic: Callable[[], float],
        observer: Observer,
        ballots: Path,
        workers: Sequence[str] = (FIRST,),
    ) -> None:
        self.clock = monotonic
        self.observer = observer
        self.topology = ActiveTopology(topology)
        self.sessions = Sessions()
        self.promises = LinkPromises(self.topology)
        self.routes = ActiveWorkers(self.sessions, send, self.topology.layer_heights, workers)
        self.bounds = LinkBounds(
            self.topology, self.sessions, self.promises, self.routes.bound, self._fact, monotonic
        )
        self.conductor = Conductor(
            events, snapshots, clock, self._committed, observer, self.promises.admit
        )
        self.secret_votes = SecretVotes(self.conductor, ballots)
        self.talkback = Talkback(
            self.topology, self.sessions, self.conductor, self.routes.holder, monotonic
        )
        self.routes.keep_private(self.talkback.lines)
        self.desk_calls = DeskCalls(self.topology, self.sessions, self.conductor)
        self.cameras = CameraMoves()
        self.publisher = Publisher(
            self.topology,
            self.sessions,
            self.conductor,
            self.routes,
            self.desk_calls,
            self.cameras,
            self.talkback,
        )
        self.moves = Moves(
            self.sessions, self.routes, self.publisher, self.conductor.running, monotonic
        )
        self.presence = Presence(
            self.topology,
            self.sessions,
            self.conductor,
            self.routes,
            self.moves,
            self.publisher,
            self.bounds,
            observer,
            monotonic,
            self.talkback,
        )
        self.reconciler = Reconciler(
            self.sessions,
            self.routes,
            self.publisher,
            self.presence,
            self.bounds,
            observer,
            monotonic,
        )
        self.offers = Offers(
            self.topology, self.routes, self.moves, self.presence, observer, monotonic
        )

    def _fact(self, conference: str, command: c.Command) -> None:
        self.conductor.fact(conference, command)

    def _committed(self, ident: str, state: State, recorded: Sequence[e.Recorded]) -> None:
        """The conductor committed events: carry them out and tell."""
        self.observer.changed(ident, state, recorded)
        _log_milestones(ident, recorded)
        if state.phase == "ended":
            self.routes.end_group(ident)
        self.presence.settle()
        if recorded:
            self.publisher.events(ident, recorded)

    def swap_topology(self, topology: Topology) -> None:
        """Use another topology from now on."""
        before = self.topology.points
        self.topology.swap(topology)
        self.presence.topology_changed(points_changed=before != self.topology.points)


def _log_milestones(ident: str, recorded: Sequence[e.Recorded]) -> None:
    """What one looks for in a journal; the whole is in the log of the conference."""
    for item in recorded:
        if isinstance(item.event, MILESTONES):
            with logs.context(conference=ident, point=getattr(item.event, "point", None)):
                log.info("%s", e.kind_of(item.event))
