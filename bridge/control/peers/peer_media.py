"""Media with one other bridge: offered by the side above, answered by the side below, opened at
both and closed again. No waiting.

**Nobody seals with a key that another bridge has drawn.** Each side draws the key and the SSRCs of
what it sends, for this one transport, and keeps them nowhere. So whatever a peer offers, and
however often, no index is sealed twice under one key (`bridge.media.relay_end`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Literal

from bridge.control.control import Control
from bridge.control.peers.rules import peer_ends
from bridge.control.peers.rules.peer_wire import Accepted, Offer, Place, Sent
from bridge.control.sessions import Session
from bridge.media import messages as m
from bridge.media.parts import MASTER_SIZE
from config.peers_schema import Peer

CAMERA = "camera"  # the source that carries the picture of a bridge
OPENING = 3.0  # seconds until media that was offered must be there
Obstacle = Literal["", "codec", "no_media", "offer", "out_of_turn"]
"""Why nothing came of an offer or an answer; "" where something did."""


class PeerMedia:
    """Negotiates, opens and closes our end of the media to one other bridge.

    ``session`` is that of the peer's point, ``random_bits`` draws keys."""

    def __init__(
        self,
        peer: Peer,
        control: Control,
        session: Callable[[], Session],
        random_bits: Callable[[int], int] = secrets.randbits,
    ) -> None:
        self._peer = peer
        self._control = control
        self._session = session
        self._bits = random_bits
        self._offer: Offer | None = None
        self._opened_at = -OPENING  # when it was offered or opened last

    @property
    def link(self) -> str:
        """The media that is there; "" for none."""
        session = self._session()
        return session.transport if session.transport_up else ""

    @property
    def ready(self) -> bool:
        """Whether a worker is there for it."""
        return self._inventory() is not None and self._control.routes.heard_of

    def _worker(self) -> str:
        return self._control.routes.place_of(self._session(), self._control.conductor.running())

    def _inventory(self) -> m.Inventory | None:
        worker = self._worker()
        return self._control.routes.by_name[worker].inventory if worker else None

    # --- to another worker, make before break ---------------------------------------------

    @property
    def moves(self) -> bool:
        """Whether the conference has gone to another worker than its media."""
        here = self._control.routes.holder(self._session().transport)
        return bool(here) and here != self._worker()

    def may_move(self, told: str, now: float, *, there: bool) -> bool:
        """Whether media is to be opened beside what both hold; ``there`` is whether the other side
        moves."""
        if not (self.moves or there) or self._session().move.beside:
            return False
        return bool(told) and told == self.link and now - self._opened_at >= OPENING

    def come_over(self, told: str, now: float, *, both: bool) -> None:
        """Use what was opened beside once its pictures flow. The side that moves goes last, when
        the other one has (``told``) or moves as well (``both``): until then the other one is seen
        by way of the former worker, by rooms that are there still."""
        session, routes = self._session(), self._control.routes
        beside = session.move.beside
        if not beside or not session.move.up:
            return
        flows = routes.arrives(beside, CAMERA)
        dark = not routes.arrives(session.transport, CAMERA) and now - self._opened_at >= OPENING
        if told == beside if self.moves and not both else flows or dark:
            self._control.presence.came_over(session)

    def stands(self, told: str, now: float) -> bool:
        """Whether both hold the same, or may soon: nothing is to be done."""
        if self.link and told and self._session().has(told):
            return True
        return now - self._opened_at < OPENING

    def close(self, reason: str) -> None:
        """End it here."""
        self._offer = None
        session = self._session()
        if session.transport:
            for transport in session.release_all():
                self._control.routes.close(transport)
            session.media_ended(self._control.clock())
            self._control.presence.settle(reason)

    # --- the side above -------------------------------------------------------------------

    def propose(self, now: float, beside: str = "") -> Offer | None:
        """What is offered now, in place of what there is or ``beside`` it; None where we cannot be
        reached."""
        if not beside:
            self.close("new_offer")
        places = self._places()
        if not places:
            return None
        media = self._control.topology.current.media
        self._opened_at = now
        self._offer = Offer(
            link=f"peer-{self._bits(64):016x}",
            beside=beside,
            codec=media.codec,
            places=places,
            down=self._sent(media.audio_slots),
            picture=peer_ends.picture_of(media),
        )
        return self._offer

    def take_answer(self, answer: Accepted, now: float) -> Obstacle:
        """The side below has opened its end: so do we."""
        offer, inventory = self._offer, self._inventory()
        if offer is None or answer.link != offer.link or answer.chosen >= len(offer.places):
            return "out_of_turn"
        if inventory is None or not _differ(answer.up):
            return "offer"
        self._offer = None
        socket = min(answer.chosen, len(inventory.addresses) - 1)
        end = peer_ends.upper_end(offer, answer, self._peer.point, socket)
        self._open(end, offer.beside, now)
        return ""

    # --- the side below -------------------------------------------------------------------

    def take_offer(self, offer: Offer, now: float) -> tuple[Obstacle, Accepted | None]:
        """Open our end of what is offered, and say so."""
        inventory = self._inventory()
        if self._peer.side != "above" or inventory is None:
            return "offer", None
        if not offer.link or not _differ(offer.down):
            return "offer", None
        if offer.beside and self._session().has(offer.link):
            return "offer", None  # nothing is beside itself
        media = self._control.topology.current.media
        if offer.codec != media.codec:
            return "codec", None
        found = self._chosen(offer.places, inventory)
        if found is None:
            return "no_media", None
        chosen, socket = found
        places = self._places()
        answer = Accepted(
            link=offer.link,
            place=places[min(socket, len(places) - 1)],
            chosen=chosen,
            up=self._sent(media.audio_slots),
            picture=peer_ends.picture_of(media),
        )
        end = peer_ends.lower_end(offer, answer, self._peer.point, socket)
        self._open(end, offer.beside, now)
        return "", answer

    # --- both -----------------------------------------------------------------------------

    def _open(self, end: m.OpenRelay, beside: str, now: float) -> None:
        """Open an end beside what there is, where that is what both hold, else in its place."""
        session, routes = self._session(), self._control.routes
        keeps = bool(beside) and beside == self.link
        if not keeps:
            self.close("new_offer")
        self._opened_at = now
        worker = self._worker()
        if keeps:
            routes.close(session.build(end.transport))
        routes.open(worker, end, session)
        if not keeps:
            session.use_transport(end.transport)
        self._control.presence.settle("new_offer")

    def _sent(self, voices: int) -> Sent:
        """What we send: drawn for one transport alone, and kept nowhere."""
        ssrcs: dict[int, None] = {}
        while len(ssrcs) < peer_ends.PICTURES + voices:
            ssrc = self._bits(32)
            if ssrc >= 1 << 16:  # low ones are used for reports
                ssrcs[ssrc] = None
        return Sent(key=f"{self._bits(8 * MASTER_SIZE):056x}", ssrcs=tuple(ssrcs))

    def _places(self) -> tuple[Place, ...]:
        """Where our worker is reached, by the number of its address."""
        inventory = self._inventory()
        if inventory is None:
            return ()
        public = self._control.topology.current.bridge.media.public
        if public:
            port = inventory.addresses[0].port
            return tuple(Place(host=host, port=port) for host in public)
        return tuple(Place(host=a.host, port=a.port) for a in inventory.addresses)

    def _chosen(self, places: Sequence[Place], inventory: m.Inventory) -> tuple[int, int] | None:
        own = [a.host for a in inventory.addresses]
        if self._peer.media in own:
            index = own.index(self._peer.media)
            found = peer_ends.choose(places, [inventory.addresses[index]])
            return (found[0], index) if found is not None else None
        return peer_ends.choose(places, inventory.addresses)


def _differ(sent: Sent) -> bool:
    """Whether every stream has an SSRC of its own."""
    return len(set(sent.ssrcs)) == len(sent.ssrcs)
