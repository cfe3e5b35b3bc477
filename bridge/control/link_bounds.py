"""Tells the worker how much each transport may be sent, and pages which layers are wanted of them:
the links on the way are shared by all points behind them, in all conferences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bridge.conference import commands as c
from bridge.conference.model import State
from bridge.control.active_topology import ActiveTopology
from bridge.control.admission import ladder
from bridge.control.admission.fair_shares import fair_shares
from bridge.control.admission.ladder import Step
from bridge.control.admission.link_tree import Tree, tree_of
from bridge.control.admission.planning import Promise
from bridge.control.link_promises import LinkPromises
from bridge.control.picture_notes import PictureNotes, picture_of
from bridge.control.sessions import Session, Sessions
from bridge.media import messages as m
from bridge.signalling import protocol
from config.schema import Media

EVERY = 1.0  # seconds between two looks at what lines carry
GROWTH = 2  # times the estimate: as much as a probe may find a line to carry next
FLOOR = 1000  # kbit/s below which an estimate takes nothing away: it may have had nothing to go by
REMEMBERED = 900.0  # seconds that what a point's line was found to carry is believed of its next
# transport: after a page was loaded anew, or a worker was lost
LESS, MORE = 0.01, 0.1  # of a bound: changes that are told


class LinkBounds:
    """Works bounds out when conferences change and once a second, and sends those that differ:
    ``bound`` posts them, by transport, with what lines were found to carry.
    ``note`` tells a conference a fact, ``clock`` is monotonic."""

    def __init__(
        self,
        topology: ActiveTopology,
        sessions: Sessions,
        promises: LinkPromises,
        bound: Callable[[Mapping[str, int], Mapping[str, int]], None],
        note: Callable[[str, c.Command], None],
        clock: Callable[[], float],
    ) -> None:
        self._topology = topology
        self._sessions = sessions
        self._promises = promises
        self._bound = bound
        self._note = note
        self._notes = PictureNotes()
        self._clock = clock
        self._running: Sequence[State] = ()
        self._rates: dict[str, m.TransportRate] = {}
        self._wanted: dict[tuple[str, str], tuple[str, ...]] = {}
        self._told: dict[str, int] = {}
        self._carried: dict[str, tuple[int, float]] = {}  # by point: bit/s, and when
        self._down: dict[str, float] = {}
        self._up: dict[str, float] = {}
        self._looked = float("-inf")

    # --- what the worker says -------------------------------------------------------------

    def lost(self, holds: Callable[[str], bool]) -> None:
        """A worker is gone, or another one is there: all about what it ``holds`` has to be told
        again."""
        self._rates = {name: rate for name, rate in self._rates.items() if not holds(name)}
        self._wanted = {key: layers for key, layers in self._wanted.items() if not holds(key[0])}
        self._told = {name: bound for name, bound in self._told.items() if not holds(name)}

    def rates(self, event: m.Bandwidth) -> None:
        """Take in what lines carry and what is sent over them."""
        for rate in event.transports:
            self._rates[rate.transport] = rate
        if self._clock() - self._looked >= EVERY:
            known = {ident for s in self._sessions.all() for ident in s.transports}
            self._rates = {name: r for name, r in self._rates.items() if name in known}
            self._remember()
            self._look()
            self._note_pictures()

    def _remember(self) -> None:
        """Keep what lines are found to carry, for the next transports of their points."""
        now = self._clock()
        for session in self._sessions.all():
            rate = self._rates.get(session.transport)
            if session.point is not None and rate is not None and rate.estimate:
                self._carried[session.point] = (rate.estimate, now)

    def _note_pictures(self) -> None:
        """Tell conferences which picture their rooms have, where that has changed for a while."""
        shown = {
            session.point: picture_of(self._rates.get(session.transport))
            for session in self._sessions.all()
            if session.point is not None
        }
        for conference, point, picture in self._notes.step(self._running, shown, self._clock()):
            self._note(conference, c.NotePicture(point=point, picture=picture))

    def wanted(self, event: m.LayersWanted) -> None:
        """Somebody is shown, or is about to be, other layers of a source than before."""
        self._wanted[event.transport, event.name] = event.layers
        session = self._sessions.by_transport(event.transport)
        if session is not None and session.transport == event.transport:
            self._ask(session, event.name)

    def ask(self, session: Session) -> None:
        """Another transport of a session counts: tell its page what is wanted of it."""
        for transport, source in list(self._wanted):
            if transport == session.transport:
                self._ask(session, source)

    def rate_of(self, transport: str) -> m.TransportRate | None:
        """The newest figures of a transport, both directions."""
        return self._rates.get(transport)

    def share_of(self, point: str) -> tuple[float, float]:
        """kbit/s up and down that the links give to a point; 0 outside of conferences."""
        return self._up.get(point, 0.0), self._down.get(point, 0.0)

    # --- what follows from it ---------------------------------------------------------------

    def settle(self, running: Sequence[State]) -> None:
        """Conferences or who is in them have changed."""
        self._running = running
        self._promises.settle(running)
        self._look()

    def _look(self) -> None:
        self._looked = self._clock()
        tree, media = self._promises.tree, self._topology.current.media
        here = {
            session.point: session
            for session in self._sessions.all()
            if session.transport and session.point in tree.ways and session.point is not None
        }
        inside: dict[str, tuple[State, Promise]] = {}
        for state in self._running:
            promise = self._promises.made.get(state.booking.id)
            for point in promise.down if promise is not None else ():
                if point in here and promise is not None:
                    inside[point] = (state, promise)
        needs = {p: _needs(media, p, *found) for p, found in inside.items()}
        self._down = fair_shares(tree, needs)
        if _scarce(needs, self._down):
            self._down = fair_shares(self._estimated(here), needs)
        self._up = fair_shares(
            tree, {p: self._sends(media, here[p], *found) for p, found in inside.items()}
        )
        # While one moves, both are bound to as much: for a moment its line may be sent it twice.
        self._tell({t: round(1000 * s) for p, s in self._down.items() for t in here[p].transports})
        for point in inside:
            self._ask(here[point], "camera")

    def _estimated(self, here: Mapping[str, Session]) -> Tree:
        """The tree with what lines are found to carry now: what one cannot take the others get."""
        limits = dict(self._promises.measured)
        for point, session in here.items():
            rate = self._rates.get(session.transport)
            if rate is not None and rate.estimate:
                found = max(FLOOR, GROWTH * rate.estimate // 1000)
                limits[point] = min(limits.get(point, found), found)
        return tree_of(self._topology.current, limits)

    def _tell(self, bounds: Mapping[str, int]) -> None:
        """Send bounds that differ: lower ones at once, higher ones where it is worth it."""
        changed: dict[str, int] = {}
        carried: dict[str, int] = {}
        for transport in {*bounds, *self._told}:
            before, now = self._told.get(transport, 0), bounds.get(transport, 0)
            if transport not in bounds:
                if self._sessions.by_transport(transport) is not None:
                    changed[transport] = 0  # outside of conferences: a self-test, say
                else:
                    del self._told[transport]
            elif not before or now < before * (1 - LESS) or now > before * (1 + MORE):
                changed[transport] = max(1, now)
                if not before and (found := self._carried_by(transport)):
                    carried[transport] = found
        for transport, bound in changed.items():
            if bound:
                self._told[transport] = bound
            else:
                self._told.pop(transport, None)
        if changed:
            self._bound(changed, carried)

    def _carried_by(self, transport: str) -> int:
        """What the line of a new transport was found to carry a short while ago, bit/s; 0: that is
        not known."""
        session = self._sessions.by_transport(transport)
        if session is None or session.point is None:
            return 0
        found, at = self._carried.get(session.point, (0, 0.0))
        return found if self._clock() - at <= REMEMBERED else 0

    # --- the way up ---------------------------------------------------------------------------

    def _sends(
        self, media: Media, session: Session, state: State, promise: Promise
    ) -> tuple[float, ...]:
        """What a point sends, as `_sent` has it."""
        point = session.point
        if point is None or point in state.booking.observers:
            return _sent(media, Step.SOUND, (0.0, 0.0, 0.0, 0.0), on_air=False)
        rates = {layer.rid: layer.bitrate for layer in media.layers}
        wanted = self._wanted.get((session.transport, "camera"), tuple(rates))
        large = sum(rates.get(rid, 0) for rid in wanted if rid != media.layers[0].rid)
        whole = (media.audio, media.layers[0].bitrate, _content(media, state, point), large)
        return _sent(media, promise.up[point], whole, on_air=point == state.on_air)

    def _ask(self, session: Session, source: str) -> None:
        """Tell a page which layers to send, where that is news."""
        wanted = self._wanted.get((session.transport, source))
        if wanted is None or session.point is None:
            return
        if source == "camera" and session.point in self._up:
            wanted = self._fitting(wanted, session.point)
        session.ask_for_layers(protocol.Layers(source=source, rids=wanted))

    def _fitting(self, wanted: tuple[str, ...], point: str) -> tuple[str, ...]:
        """As many of the wanted layers, from the lowest up, as a point's share has room for. Those
        above the lowest leave room for a screen that it shares."""
        media = self._topology.current.media
        rates = {layer.rid: layer.bitrate for layer in media.layers}
        room = self._up[point] - media.audio
        shared = max((_content(media, state, point) for state in self._running), default=0)
        fitting: list[str] = []
        for rid in wanted:
            room -= rates.get(rid, 0)
            if room < (0 if rid == media.layers[0].rid else shared):
                break
            fitting.append(rid)
        return tuple(fitting)


def _needs(media: Media, point: str, state: State, promise: Promise) -> tuple[int, ...]:
    """What a point is to receive, the most important first: what was promised, then the rest.
    Pure."""
    others = promise.meeting.others(point)
    sure = ladder.down(media, others, promise.down[point])
    whole = ladder.down(media, others, Step.FULL)
    return (*sure, *(more - less for more, less in zip(whole, sure, strict=True)))


def _content(media: Media, state: State, point: str) -> int:
    """kbit/s of a screen that a point shares; 0 for one that shares none. Pure."""
    return media.content if state.content == f"point:{point}" else 0


def _sent(
    media: Media, step: Step, whole: tuple[float, float, float, float], *, on_air: bool
) -> tuple[float, ...]:
    """What a point sends of the ``whole`` (sound, smallest picture, shared screen, larger
    pictures), the most important first: what was promised, then the rest. A conference is promised
    the larger pictures of who is on air; the return picture and the preview are the rest. Pure."""
    most = ladder.large(media, step) if on_air else 0
    sound, lowest, content, large = whole
    sure = (
        sound,
        lowest if step < Step.SOUND else 0.0,
        content if step < Step.NO_CONTENT else 0.0,
        min(large, most),
    )
    return (*sure, *(more - less for more, less in zip(whole, sure, strict=True)))


def _scarce(needs: Mapping[str, Sequence[float]], shares: Mapping[str, float]) -> bool:
    """Whether somebody gets less than everything. Pure."""
    return any(shares[point] < sum(amounts) - 1 for point, amounts in needs.items())
