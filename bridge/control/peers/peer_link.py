"""One other bridge: the seat that it has here, what both have told each other, and the media
between them. No waiting: `PeerLinks` calls it, and it posts what follows."""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from bridge.conference import commands as c
from bridge.conference import peer_commands as p
from bridge.conference.model import State
from bridge.conference.other_bridges import PeerSeat
from bridge.conference.plan import PROGRAMME
from bridge.control.control import Control
from bridge.control.peers.peer_media import Obstacle, PeerMedia
from bridge.control.peers.rules.hop_paths import loops
from bridge.control.peers.rules.peer_ends import voice_names
from bridge.control.peers.rules.peer_limits import Limits
from bridge.control.peers.rules.peer_wire import (
    MAX_VOICES,
    Accepted,
    Message,
    Offer,
    Problem,
    Stands,
    ToldMember,
)
from bridge.control.peers.rules.standing import Around, changes, seat_of, stands
from bridge.control.sessions import PEER, Client, Session
from config.peers_schema import Peer
from config.schema import Topology

log = logging.getLogger("peers")

BEAT = 2.0  # seconds between signs of life
TRY_AGAIN = 30.0  # seconds until media that did not come about is wanted again


class Channel(Protocol):
    """`PeerChannel`, as far as it is needed here."""

    @property
    def address(self) -> str: ...

    def send(self, message: Message) -> None: ...

    def refuse(self, key: str, **arguments: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Outside:
    """What a link needs of others: ``submit`` asks for a command as a point, ``call`` is told that
    a peer wants a conference that nobody has here."""

    submit: Callable[[str, c.Command, str], None]
    call: Callable[[Peer, Stands], None]


class PeerLink:
    """The state of one other bridge: its seat here, what both sides told, the media between them.

    ``counts`` are of what was refused, by reason."""

    def __init__(
        self, peer: Peer, control: Control, outside: Outside, counts: Counter[str]
    ) -> None:
        self.peer = peer
        self.told: Stands | None = None
        """What the peer has told on the present connection; None: nothing yet, or there is none."""
        self.problem: Problem = ""
        self._tried: tuple[Topology, float] | None = None  # what the problem came about with, when
        self._noticed: Problem = ""  # what operators were told of since the connection began
        self._control = control
        self._outside = outside
        self._counts = counts
        self._limits = Limits(peer.requests_per_minute)
        self._channel: Channel | None = None
        self._client: Client | None = None
        self._session: Session | None = None
        self._said = Stands()
        self._said_at = -BEAT
        self.media = PeerMedia(peer, control, lambda: self.session)
        self._asked = self._shared = False  # what was done about its last word
        self._members: dict[str, ToldMember] = {}
        self._conference = ""  # that the members are noted in
        self._over = False  # whether its members have gone over the limit
        self._joined: tuple[str, tuple[str, ...]] = ("", ())  # our conference, the bridges beyond

    @property
    def connected(self) -> bool:
        return self._channel is not None

    @property
    def address(self) -> str:
        """Where the peer is connected from; "" where it is not."""
        return self._channel.address if self._channel is not None else ""

    @property
    def session(self) -> Session:
        """The session of its point here; a page never opens one (`bridge.server.api.join`)."""
        session = self._control.sessions.of_point(self.peer.point)
        if session is None or session is not self._session:
            token = secrets.token_hex(16)
            voices = voice_names(MAX_VOICES)
            session = Session(
                token, f"peer-{token}", "point", self.peer.point, PEER, 0.0, voices=voices
            )
            self._session = session
            self._control.presence.add(session)
            if self._client is not None:
                session.attach(self._client)
        return session

    @property
    def state(self) -> State | None:
        """The conference here that the peer is in, or is to be in."""
        state = self._control.conductor.conference_of(self.peer.point)
        return state if seat_of(self.peer, state) is not None else None

    @property
    def called(self) -> bool:
        """Whether a conference here calls it."""
        seat = seat_of(self.peer, self.state)
        return seat is not None and seat.called

    def beyond(self, state: State | None) -> tuple[str, ...]:
        """The bridges that our conference (``state``) passes through by way of the peer, for who
        looks for loops; none where the two do not want each other. Media outlives a connection,
        and so does what it passes through."""
        if self.told is not None:
            return self.told.passes if self.told.wants and self._wants(state) else ()
        conference, found = self._joined
        goes_on = state is not None and state.booking.id == conference and self.media.link
        return found if goes_on and self._wants(state) else ()

    @property
    def client(self) -> Client | None:
        """The queue of what a page would be sent; it has to be emptied."""
        return self._client

    # --- the connection -------------------------------------------------------------------

    def attach(self, channel: Channel) -> None:
        """The peer is connected; one that was before is not its newest any more."""
        if self._channel is not None:
            self._channel.refuse("newer")
        self._channel, self.told = channel, None
        self._said_at = -BEAT
        self._noticed = ""
        if self.problem != "loop":  # that is judged by what it tells
            self.problem = ""
        self._client = Client()
        self.session.attach(self._client)
        self._control.publisher.publish()

    def attached(self, channel: Channel) -> bool:
        """Whether a connection is the peer's newest, and so what comes by it its word."""
        return self._channel is channel

    def detach(self, channel: Channel, now: float) -> None:
        """A connection has ended, and nobody knows whether what was told is so still. Media goes
        on: a bridge that is restarted has it still."""
        if not self.attached(channel):
            return
        self._channel = self.told = None
        if self._client is not None:
            self.session.detach(self._client, now)
            self._client.finish()
            self._client = None
        self._control.publisher.publish()

    def heard(self, message: Message, now: float) -> bool:
        """Take a message in; False where the peer sends far too many."""
        if not self._limits.messages.take(1, now):
            self._counts["flood"] += 1
            return False
        match message:
            case Stands():
                self.told = message
            case Offer():
                self._offered(message, now)
            case Accepted():
                self._noted(self.media.take_answer(message, now), now)
            case _:
                self._counts["out_of_turn"] += 1
        return True

    # --- what follows ---------------------------------------------------------------------

    def settle(self, passes: Sequence[str], own: str, now: float) -> None:
        """Bring both sides together; ``passes`` is what the peer is to be told of other bridges,
        ``own`` our identity."""
        state = self.state
        told = self.told
        self._judge(told, own)
        self._forgive(now)
        if told is not None:
            self._take(state, told, now)
            beyond = self.beyond(state)
            self._joined = (state.booking.id, beyond) if state is not None else ("", ())
        self._settle_media(state, now)
        self._tell(state, passes, now)

    def _judge(self, told: Stands | None, own: str) -> None:
        loop = told is not None and loops(own, told.passes)
        if loop and self.problem != "loop":
            self._counts["loop"] += 1
            log.warning("peer %s would bring a conference back to this bridge", self.peer.id)
            self._control.publisher.notice("notice.peer_loop", **self._named())
        if loop:
            self.problem = "loop"
        elif self.problem == "loop" and told is not None:
            self.problem = ""

    def _wants(self, state: State | None) -> bool:
        seat = seat_of(self.peer, state)
        return seat is not None and seat.called and not self.problem

    def _take(self, state: State | None, told: Stands, now: float) -> None:
        """What the peer's word means for the conference here."""
        if told.wants and not self._wants(state):
            self._outside.call(self.peer, told)
        seat = seat_of(self.peer, state)
        if state is None or seat is None:
            self._asked = self._shared = False
            return
        conference, point = state.booking.id, self.peer.point
        if conference != self._conference:
            # What it asked for and shared in the one before it has not done in this one.
            self._conference, self._members = conference, {}
            self._asked = False
            if self._shared:
                self._shared = False
                self._share(False)
        known = state.peers.get(point, PeerSeat())
        if known.floor != told.floor:
            self._control.conductor.fact(
                conference, p.NoteFloorThere(point=point, floor=told.floor)
            )
            if told.floor == "given":
                self._control.publisher.notice("notice.floor_there", **self._named())
        self._take_request(conference, told, present=seat.present, now=now)
        if told.shares != self._shared and (seat.present or not told.shares):
            self._shared = told.shares
            self._share(told.shares)
            if told.shares:
                self._outside.submit(conference, c.Share(point=point), point)
        self._control.presence.sizes(self.session, self._sizes(told))
        self._take_members(conference, told, now)

    def _share(self, sharing: bool) -> None:
        status = replace(self.session.status, sharing=sharing)
        self._control.presence.status(self.session, status)

    def _sizes(self, told: Stands) -> dict[str, int]:
        """How large our picture is shown there: for tiles the smallest layer does."""
        return {} if told.large else {PROGRAMME: self._control.topology.layer_heights()[0]}

    def _take_request(self, conference: str, told: Stands, *, present: bool, now: float) -> None:
        point = self.peer.point
        if told.asks and not self._asked and present:
            self._asked = True
            if not self._limits.requests.take(1, now):
                self._counts["requests"] += 1
                return
            conductor = self._control.conductor
            conductor.fact(conference, p.NoteAsking(point=point, of=told.asking_for))
            self._outside.submit(conference, c.RequestFloor(point=point), point)
        elif not told.asks and self._asked:
            self._asked = False
            self._outside.submit(conference, c.WithdrawFloor(point=point), point)

    def _take_members(self, conference: str, told: Stands, now: float) -> None:
        """Attendance comes from below only: what the side above says of its points is its own."""
        if self.peer.side == "above":
            return
        noted = changes(self.peer.point, self._members, told.members)
        if noted is None:
            return
        if not self._limits.members.take(len(noted.members) + len(noted.gone), now):
            if not self._over:
                self._counts["members"] += 1
            self._over = True
            return
        self._over = False
        self._members = {member.id: member for member in told.members}
        self._control.conductor.fact(conference, noted)

    def _tell(self, state: State | None, passes: Sequence[str], now: float) -> None:
        if self._channel is None:
            return
        names = {point.id: point.name for point in self._control.topology.current.points}
        around = Around(
            ready=self.media.ready,
            link=self.media.link,
            passes=tuple(passes),
            problem=self.problem,
            moves=self.media.moves,
        )
        word = stands(self.peer, state, names, around)
        if word != self._said or now - self._said_at >= BEAT:
            self._said, self._said_at = word, now
            self._channel.send(word)

    def _settle_media(self, state: State | None, now: float) -> None:
        told = self.told
        if self._channel is None or told is None or not self.media.ready:
            return
        self.media.come_over(told.link, now, both=told.moves)
        if not (self._wants(state) and told.wants):
            if told.ready or not self._wants(state):
                self.media.close("peer_away")
        elif self.peer.side == "below" and told.ready:  # the side above offers
            if self.media.may_move(told.link, now, there=told.moves):
                self._propose(now, beside=told.link)
            elif not self.media.stands(told.link, now):
                self._propose(now)

    def _propose(self, now: float, beside: str = "") -> None:
        offer = self.media.propose(now, beside)
        if offer is None:
            self._trouble("no_media", now)
        elif self._channel is not None:
            self._channel.send(offer)

    def _offered(self, offer: Offer, now: float) -> None:
        if not self._wants(self.state):
            self._counts["offer"] += 1
            return
        obstacle, answer = self.media.take_offer(offer, now)
        self._noted(obstacle, now)
        if answer is not None and self._channel is not None:
            self._channel.send(answer)

    def _noted(self, obstacle: Obstacle, now: float) -> None:
        match obstacle:
            case "codec" | "no_media":
                self._trouble(obstacle, now)
            case "offer" | "out_of_turn":
                self._counts[obstacle] += 1
            case _:
                pass

    def _trouble(self, problem: Problem, now: float) -> None:
        """Say once on a connection why there is no media."""
        self._counts[problem] += 1
        self.problem, self._tried = problem, (self._control.topology.current, now)
        if self._noticed != problem:
            self._noticed = problem
            self._control.publisher.notice(f"notice.peer_{problem}", **self._named())

    def _forgive(self, now: float) -> None:
        """Media that did not come about is tried again, with other settings here at once: those of
        the other side may have changed, and nothing says so but what it offers."""
        if self._tried is None or self.problem in ("", "loop"):
            return
        topology, at = self._tried
        if topology is not self._control.topology.current or now - at >= TRY_AGAIN:
            self.problem = ""

    def _named(self) -> Mapping[str, str]:
        point = self._control.topology.current.point(self.peer.point)
        return {"peer": point.name.vi if point is not None else self.peer.id}
