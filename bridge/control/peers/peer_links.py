"""All other bridges of this one: connects to those that have an address, takes in those that
connect, and brings each link to what the conferences want."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from bridge.base.i18n import sentence
from bridge.conference import commands as c
from bridge.conference.model import Actor, Refusal
from bridge.control.control import Control
from bridge.control.peers import pinned
from bridge.control.peers.peer_channel import PeerChannel
from bridge.control.peers.peer_link import Outside, PeerLink
from bridge.control.peers.rules.hop_paths import passes
from bridge.control.peers.rules.peer_calls import PeerCalls
from bridge.control.peers.rules.peer_wire import (
    MAX_LINE,
    VERSION,
    BadPeerMessage,
    Greeting,
    Refused,
    Stands,
)
from bridge.store.database import FAULTS
from config.peers_schema import Peer

log = logging.getLogger("peers")

LOOK = 0.5  # seconds between looks where nothing has happened
TOGETHER = 0.05  # seconds in which what happens is taken together
DIAL = 3.0  # seconds for a connection and its handshake
AGAIN, AGAIN_MAX = 1.0, 15.0  # seconds between two tries to connect, and at most
AWAY = ("refused_there", "unreachable", "silent")  # so is every host of a bridge but one
BAD_MESSAGES = 5  # of one connection until it is closed

Open = Callable[[str], Awaitable[str]]


class PeerLinks:
    """Connects to other bridges, accepts those that connect, and updates each link.

    ``own`` is our certificate and key (None: there is none, and nobody is met), ``folder`` what
    paths in the topology refer to, ``open_template`` opens a conference here and returns its
    title where that is refused, "" where it is open. It may raise `FAULTS`."""

    def __init__(
        self,
        control: Control,
        own: Callable[[], tuple[Path, Path] | None],
        folder: Path,
        open_template: Open,
    ) -> None:
        self._control = control
        self._own = own
        self._folder = folder
        self._open_template = open_template
        self._wake = asyncio.Event()
        self._background: set[asyncio.Task[object]] = set()
        self._dials: dict[str, tuple[Peer, asyncio.Task[None]]] = {}
        self._calls = PeerCalls()
        self.identity = ""
        self.counts: dict[str, Counter[str]] = {}
        """What was refused, by peer ("" where nobody knows whose it was) and reason."""
        self.trouble: dict[str, str] = {}
        """Why a peer cannot be connected to, as the end of a sentence's key; by peer."""
        self.links: dict[str, PeerLink] = {}

    # --- life -----------------------------------------------------------------------------

    def restore(self) -> None:
        """Give every peer its session, before the worker says what it holds."""
        self._follow()
        for link in self.links.values():
            _ = link.session

    def _follow(self) -> None:
        """The topology may have changed."""
        if not self.identity:
            self._read_identity()
        wanted = {peer.id: peer for peer in self._control.topology.current.peers}
        for ident, link in list(self.links.items()):
            if wanted.get(ident) != link.peer:
                del self.links[ident]
                self._control.presence.end(link.session)
        for ident, peer in wanted.items():
            if ident not in self.links:
                outside = Outside(self._submit, self._call)
                counts = self.counts.setdefault(ident, Counter())
                self.links[ident] = PeerLink(peer, self._control, outside, counts)
        for ident, (peer, task) in list(self._dials.items()):
            if wanted.get(ident) != peer or task.done():
                task.cancel()
                del self._dials[ident]
        for ident, peer in wanted.items():
            if ident not in self._dials and peer.address is not None and self.identity:
                self._dials[ident] = peer, asyncio.create_task(self._dial(peer))

    async def run(self) -> None:
        """Keep all links as they should be, until cancelled."""
        try:
            while True:
                self._follow()
                self._settle()
                self._wake.clear()
                await self._anything()
        finally:
            tasks = [*self._background, *(task for _, task in self._dials.values())]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _anything(self) -> None:
        """Wait until something was said or committed, or a while."""
        committed = asyncio.create_task(self._control.conductor.committed.wait())
        said = asyncio.create_task(self._wake.wait())
        await asyncio.wait((committed, said), timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
        for task in (committed, said):
            task.cancel()
        await asyncio.sleep(TOGETHER)

    def _read_identity(self) -> None:
        own = self._own()
        if own is None or not self._control.topology.current.peers:
            return
        try:
            self.identity = pinned.read_pinned(own[0]).digest[: pinned.IDENTITY]
        except pinned.PinProblem as error:
            log.error("no other bridge is met: %s", error)

    def _settle(self) -> None:
        now = self._control.clock()
        # Once for each: with all of them twice over, every look would be at all conferences.
        states = [(link, link.state) for link in self.links.values()]
        for link, state in states:
            if state is not None:
                self._calls.met(link.peer.id)
            others = [
                other.beyond(there)
                for other, there in states
                if other is not link and there is state
            ]
            link.settle(passes(self.identity, others), self.identity, now)

    # --- what links ask for ---------------------------------------------------------------

    def _submit(self, conference: str, command: c.Command, point: str) -> None:
        """As the point itself; a refusal is no fault of ours and changes nothing."""

        async def submit() -> None:
            actor = Actor(kind="point", name=point)
            try:
                result = await self._control.conductor.submit(conference, command, actor)
            except FAULTS:
                return
            if isinstance(result, Refusal):
                log.info("%s of %s: %s", c.name_of(command), point, result.key)

        self._later(submit())

    def _call(self, peer: Peer, told: Stands) -> None:
        """A peer wants a conference that nobody has here: tell operators once, and open one."""
        if self._calls.called(peer.id, told.conference):
            point = self._control.topology.current.point(peer.point)
            name = point.name.vi if point is not None else peer.id
            self._control.publisher.notice("notice.peer_calls", peer=name, title=told.vi)
        if peer.opens is None or self._control.conductor.conference_of(peer.point) is not None:
            return
        if self._calls.due(peer.id, told.conference, self._control.clock()):
            self._later(self._answer(peer.id, peer.opens, told.conference))

    async def _answer(self, peer: str, template: str, conference: str) -> None:
        """Open a conference for a call. What takes its points or its lines may be over soon, so
        it is tried again; operators are told the first time."""
        title = ""
        try:
            title = await self._open_template(template)
        except FAULTS as error:
            log.error("no conference for peer %s yet: %s", peer, type(error).__name__)
        else:
            if not title:
                self._calls.met(peer)
                return
        first = self._calls.refused(peer, conference, self._control.clock())
        if first and title:
            self._control.publisher.notice("notice.not_opened", title=title)

    def _later(self, work: Awaitable[object]) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    # --- connections ----------------------------------------------------------------------

    def pins(self) -> dict[str, list[pinned.Pinned]]:
        """The certificates of every peer, by its id. One that cannot be read is logged."""
        found: dict[str, list[pinned.Pinned]] = {}
        for peer in self._control.topology.current.peers:
            for file in peer.certificates:
                try:
                    found.setdefault(peer.id, []).append(pinned.read_pinned(self._folder / file))
                except pinned.PinProblem as error:
                    log.error("peer %s: %s", peer.id, error)
        return found

    def peer_of_key(self, digest: str) -> str:
        """The peer that has shown a key; "" where it is nobody's."""
        for ident, certificates in self.pins().items():
            if any(one.digest == digest for one in certificates):
                return ident
        return ""

    async def serve(self, channel: PeerChannel) -> None:
        """Talk to a bridge that has shown a certificate, until it goes."""
        ident = self.peer_of_key(channel.digest)
        link = self.links.get(ident)
        if link is None:
            self.refused("unpinned", ident)
            channel.refuse("unpinned")
            return
        if channel.digest[: pinned.IDENTITY] == self.identity:
            self.refused("ourselves", ident)
            channel.refuse("ourselves")
            return
        try:
            await self._talk(link, channel)
        finally:
            link.detach(channel, self._control.clock())
            await channel.closed()

    async def _talk(self, link: PeerLink, channel: PeerChannel) -> None:
        name = self._control.topology.current.bridge.name
        greeting = Greeting(
            version=VERSION, bridge=self.identity, vi=name.vi, en=name.en or name.vi
        )
        channel.send(greeting)
        try:
            first = await channel.receive()
        except BadPeerMessage:
            self.refused("malformed", link.peer.id)
            channel.refuse("malformed")
            return
        if isinstance(first, Refused):
            self._hear_refusal(link, first)
            return
        if first is None and link.peer.address is not None:
            # TLS 1.3: only after our side of the handshake the other one looks at our certificate,
            # and hangs up where it is not listed there.
            self.trouble[link.peer.id] = "ours_expired" if self._expired() else "not_taken"
            return
        if not isinstance(first, Greeting) or first.version != VERSION:
            self.refused("version", link.peer.id)
            channel.refuse("version")
            return
        link.attach(channel)
        self.trouble.pop(link.peer.id, None)
        log.info("peer %s is connected", link.peer.id)
        emptying = asyncio.create_task(_empty(link))
        try:
            await self._listen(link, channel)
        finally:
            emptying.cancel()
            log.info("peer %s is gone", link.peer.id)
            self._wake.set()

    async def _listen(self, link: PeerLink, channel: PeerChannel) -> None:
        bad = 0
        while True:
            try:
                message = await channel.receive()
            except BadPeerMessage:
                self.refused("malformed", link.peer.id)
                bad += 1
                if bad >= BAD_MESSAGES:
                    channel.refuse("malformed")
                    return
                continue
            if message is None:
                return
            if isinstance(message, Refused):
                self._hear_refusal(link, message)
                return
            if not link.attached(channel):
                return  # it has another one by now
            told = link.told
            if not link.heard(message, self._control.clock()):
                channel.refuse("flood")
                return
            if message != told:  # a sign of life alone changes nothing
                self._wake.set()

    def _expired(self) -> bool:
        """Whether our own certificate is over."""
        own = self._own()
        try:
            return own is not None and (
                pinned.read_pinned(own[0]).expires.timestamp() < self._control.conductor.now()
            )
        except pinned.PinProblem:
            return False

    def refused(self, reason: str, peer: str = "") -> None:
        """Count why somebody was not listened to."""
        self.counts.setdefault(peer, Counter())[reason] += 1

    def _hear_refusal(self, link: PeerLink, refused: Refused) -> None:
        self.trouble[link.peer.id] = refused.key.replace("-", "_")
        log.warning("peer %s hangs up: %s", link.peer.id, refused.en)

    async def _dial(self, peer: Peer) -> None:
        """Connect to a peer, again and again: to each of its addresses in turn."""
        pause, said = AGAIN, ""
        while True:
            found: list[str] = []
            for address in peer.address or ():
                began = self._control.clock()
                if trouble := await self._connect(peer, address):
                    found.append(trouble)
                if self._control.clock() - began > AGAIN_MAX:
                    pause, said = AGAIN, ""
            if found:
                trouble = next((one for one in found if one not in AWAY), found[-1])
                self.trouble[peer.id] = trouble
                if trouble != said:
                    log.warning("peer %s: %s", peer.id, sentence(f"peer.{trouble}").en)
                said = trouble
            await asyncio.sleep(pause)
            pause = min(AGAIN_MAX, pause * 1.5)

    async def _connect(self, peer: Peer, address: str) -> str:
        """Be connected for as long as it lasts; returns why it could not be, "" where it was."""
        own = self._own()
        certificates = self.pins().get(peer.id, [])
        if own is None or not certificates:
            return "no_key"
        try:
            context = pinned.context(server=False, own=own, peers=certificates)
            async with asyncio.timeout(DIAL):
                reader, writer = await asyncio.open_connection(
                    address, peer.port, ssl=context, limit=MAX_LINE
                )
        except pinned.PinProblem:
            return "no_key"
        except ConnectionRefusedError:
            return "refused_there"
        except OSError as error:
            reason = pinned.reason_of(error)
            if reason == "no_tls" and not isinstance(error, ssl.SSLError):
                reason = "unreachable"
            self.refused(reason, peer.id)
            return reason if reason != "no_tls" else "unreachable"
        channel = PeerChannel(reader, writer)
        self.trouble.pop(peer.id, None)
        with contextlib.suppress(OSError):
            await self.serve(channel)
        return self.trouble.get(peer.id, "")


async def _empty(link: PeerLink) -> None:
    """What a page would be sent is not needed: the link looks by itself."""
    client = link.client
    while client is not None and await client.next() is not None:
        pass
