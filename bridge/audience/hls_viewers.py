"""Who watches by HLS: no transport tells that they are there, only that they go on asking.

Segments are made while somebody asks for them, and a while longer; a picture of VP8 has to be
encoded for them, which costs a good part of a core, so the topology has to allow it.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from bridge.audience.admittance import Kind, Refused, Why, leaves
from bridge.audience.link_shares import LinkShares
from bridge.audience.viewers import Viewer, Viewers
from bridge.conference.model import State
from bridge.control.active_topology import ActiveTopology
from bridge.programme.shelf import folder_of

ASKS = 12.0  # seconds without a request after which somebody has left
LINGER = 30.0  # seconds that segments are made for nobody: who looks again need not wait


class HlsViewers:
    """All of them, in all conferences. ``sockets`` is the folder beside which segments lie;
    ``clock`` is monotonic."""

    def __init__(self, topology: ActiveTopology, clock: Callable[[], float], sockets: Path) -> None:
        self._topology = topology
        self._clock = clock
        self._sockets = sockets
        self._until: dict[str, float] = {}  # conferences whose segments are made, monotonic
        self._viewers = Viewers()

    def __len__(self) -> int:
        return len(self._viewers)

    @property
    def offered(self) -> bool:
        """Whether anybody may watch in this way at all."""
        topology = self._topology.current
        allowed = topology.bridge.audience.hls
        return allowed.viewers > 0 and (topology.media.codec == "h264" or allowed.transcode)

    @property
    def now(self) -> float:
        return self._clock()

    @property
    def rate(self) -> int:
        """What one of them takes of a link at most, kbit/s: it cannot be sent less."""
        media = self._topology.current.media
        return max(media.layers[-1].bitrate, media.content) + media.audio

    def wanted(self, conference: str) -> bool:
        """Whether segments of a conference are to be made now."""
        return self._clock() < self._until.get(conference, 0.0)

    def folder(self, viewer: Viewer) -> Path:
        """Where the segments of a viewer's conference lie."""
        return self.folder_of(viewer.conference)

    def folder_of(self, conference: str) -> Path:
        """Where the segments of a conference lie."""
        return folder_of(self._sockets, conference)

    def get(self, name: str) -> Viewer | None:
        """The viewer with this name, which counts as a sign of life."""
        viewer = self._viewers.get(name)
        if viewer is not None:
            viewer.seen(up=True, now=self._clock())
            viewer.asked_at(self._clock())
        return viewer

    def with_mark(self) -> set[str]:
        """The logins of those who watch with an account."""
        return {v.mark for v in self._viewers if v.kind == "accounts" and v.mark}

    def count(self, conference: str) -> int:
        """How many watch a conference."""
        return sum(v.conference == conference for v in self._viewers)

    def from_address(self, address: str) -> int:
        return self._viewers.from_address(address)

    def taken(self) -> Mapping[str, int]:
        """What they take of links, kbit/s."""
        behind = Counter(link for viewer in self._viewers for link in viewer.way)
        return {link: count * self.rate for link, count in behind.items()}

    def begin(
        self,
        state: State,
        kind: Kind,
        mark: str,
        address: str,
        shares: LinkShares,
        taken: Mapping[str, int],
    ) -> Viewer:
        """Let somebody who is admitted watch. ``taken`` is what they and others take of links who
        cannot be sent less. Raises `Refused`."""
        if not self.offered:
            raise Refused("watch.no_hls")
        if len(self._viewers) >= self._topology.current.bridge.audience.hls.viewers:
            raise Refused("watch.full")
        way = shares.way(address)
        if any(taken.get(link, 0) + self.rate > shares.budgets[link] for link in way):
            raise Refused("watch.link_full")
        viewer = Viewer(secrets.token_hex(12), state.booking.id, kind, mark, address, way)
        self._viewers.add(viewer)
        self.get(viewer.id)
        self._until[state.booking.id] = self._clock() + LINGER
        return viewer

    def end(self, viewer: Viewer, why: Why) -> None:
        """Somebody watches no longer: nothing is given to them from now on."""
        self._viewers.remove(viewer)
        viewer.end(why)

    def stand(self, shares: LinkShares) -> None:
        """The links between viewers and the bridge are others now."""
        for viewer in self._viewers:
            viewer.stand(shares.way(viewer.address))

    def log_out(self, over: list[str]) -> None:
        """Logins that are over."""
        for viewer in self._viewers:
            if viewer.kind == "accounts" and viewer.mark in over:
                self.end(viewer, "logged_out")

    def settle(self, states: Mapping[str, State]) -> None:
        """End what is over, tell what is new. ``states`` are the conferences that run."""
        now = self._clock()
        for viewer in self._viewers:
            why = leaves(states.get(viewer.conference), viewer.kind, viewer.mark)
            if not why and not self.offered:
                why = "withdrawn"
            if not why and now - viewer.asked > ASKS:
                why = "lost"
            if why:
                self.end(viewer, why)
            else:
                self._until[viewer.conference] = now + LINGER
                viewer.tell()
        for conference in list(self._until):
            state = states.get(conference)
            closed = state is None or state.phase != "live" or state.audience == "nobody"
            if closed or not self.wanted(conference):
                del self._until[conference]
