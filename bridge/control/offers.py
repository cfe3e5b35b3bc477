"""Answers the SDP offers of pages: which lines become sources and slots, and where media goes."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from bridge.base.observer import Observer
from bridge.control.active_topology import ActiveTopology
from bridge.control.placing.active_workers import ActiveWorkers
from bridge.control.placing.moves import Moves
from bridge.control.presence import Presence
from bridge.control.sessions import Session
from bridge.control.slots import slots_of
from bridge.media import messages as m
from bridge.signalling import sdp
from bridge.signalling.answer import CONSOLE_SOURCES, ROOM_SOURCES, Local, negotiate

SPARE_LINES = 8  # media lines an offer may have beyond slots and sources


class Offers:
    """Negotiates with pages and opens their transports. ``clock`` is monotonic."""

    def __init__(
        self,
        topology: ActiveTopology,
        routes: ActiveWorkers,
        moves: Moves,
        presence: Presence,
        observer: Observer,
        clock: Callable[[], float],
    ) -> None:
        self._topology = topology
        self._routes = routes
        self._moves = moves
        self._presence = presence
        self._observer = observer
        self._clock = clock

    def answer(self, session: Session, text: str, *, beside: bool = False) -> str:
        """Negotiate; return the answer. The session's media so far ends, unless the new transport
        is made ``beside`` it. Raises `sdp.SdpError`, or LookupError while no worker is ready."""
        worker = self._moves.place_of(session)
        inventory = self._routes.by_name[worker].inventory if worker else None
        if inventory is None:
            raise LookupError
        slots = slots_of(session, self._topology.current)
        limit = len(slots.video) + len(slots.audio) + 3 + SPARE_LINES
        parsed = sdp.parse(text, max_media=limit)
        ident = f"{session.point or session.kind}-{secrets.token_hex(4)}"
        spec, answer = negotiate(
            parsed,
            transport=ident,
            label=session.label,
            video_slots=slots.video,
            audio_slots=slots.audio,
            sources=self._sources(session),
            local=self.local(inventory),
        )
        if beside and session.transport_up:
            self._routes.open(worker, spec, session)
            self._routes.close(session.build(ident))
            return answer
        self._routes.open(worker, spec, session)
        for transport in session.release_all():
            self._routes.close(transport)
        session.use_transport(ident)
        if beside:
            session.keep_former()  # of another host, which forwards until this one is there
        if session.point is not None:
            self._observer.offered(session.point, self._clock())
        self._presence.settle("new_offer")
        return answer

    def _sources(self, session: Session) -> dict[str, tuple[str, ...]]:
        """What a session may send: names of sources by the kind of media."""
        if session.kind == "echo":
            return ROOM_SOURCES
        if session.point is None:
            return dict(CONSOLE_SOURCES) if session.may("direct") else {}
        point = self._topology.current.point(session.point)
        return ROOM_SOURCES if point is not None and point.role == "member" else {}

    def local(self, inventory: m.Inventory, *, here: bool = True) -> Local:
        """Our side of a new transport, with credentials of its own; whether its worker is ``here``,
        so that our public addresses lead to it."""
        topology = self._topology.current
        public = topology.bridge.media.public
        addresses = inventory.addresses
        if public and here:
            addresses = tuple(m.MediaAddress(host=host, port=addresses[0].port) for host in public)
        return Local(
            ufrag=secrets.token_hex(4),
            password=secrets.token_hex(16),
            fingerprint=inventory.fingerprint,
            addresses=addresses,
            video_codec=topology.media.codec,
            random_ssrc=lambda: secrets.randbits(32),
            video_bitrate=1000 * sum(layer.bitrate for layer in topology.media.layers),
            layers=tuple(
                m.LayerSpec(
                    rid=layer.rid,
                    height=layer.height,
                    bitrate=1000 * layer.bitrate,
                    frame_rate=layer.frame_rate,
                )
                for layer in topology.media.layers
            ),
            content=m.LayerSpec(rid="", bitrate=1000 * topology.media.content),
        )
