"""Lets people watch: opens their transports, keeps bounds and rights, and tells what is new."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import secrets
from collections import Counter
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from bridge.audience import admittance, negotiation, shown
from bridge.audience.admittance import Admission, Kind, Refused
from bridge.audience.fleet import Fleet
from bridge.audience.hls_viewers import HlsViewers
from bridge.audience.link_shares import LinkShares, Way
from bridge.audience.serving import Place
from bridge.audience.shown import WatchView
from bridge.audience.viewers import Viewer, Viewers
from bridge.conference import commands as c
from bridge.conference.model import State
from bridge.conference.plan import PROGRAMME
from bridge.control.control import Control
from bridge.control.listeners import VIEWER
from bridge.control.scheduler import Scheduler
from bridge.media import messages as m
from bridge.store.database import FAULTS

log = logging.getLogger("audience")

LOOK = 0.5  # seconds between looks where nothing is committed
NOTE = 5.0  # seconds between two notes of a conference's audience in its log
AWAY = 30.0  # seconds that whose media is not there may take to come, or to come back
ENDED = 50  # conferences that are remembered after their end


class Logins(Protocol):
    """`bridge.store.accounts.Accounts`, as far as it is needed here."""

    async def login(self, ident: str, now: float) -> object | None: ...


class Audience:
    """Everybody who watches. ``fleet`` serves them, ``key`` makes codes, ``sockets`` is the
    worker's folder."""

    def __init__(
        self,
        control: Control,
        scheduler: Scheduler,
        logins: Logins,
        fleet: Fleet,
        key: bytes,
        sockets: Path,
    ) -> None:
        self._topology = control.topology
        self._conductor = control.conductor
        self.fleet = fleet
        fleet.tell(self._take, self._lose)
        self._local = control.offers.local
        self._clock = control.clock
        self._scheduler = scheduler
        self._logins = logins
        self._key = key
        self._shares: tuple[object, LinkShares] | None = None
        self._told: dict[str, int] = {}  # bounds, bit/s by transport
        self._noted: dict[str, float] = {}  # conference → when its audience was noted last
        self._open: dict[str, State] = {}  # conferences that run, as they were seen last
        self._ended: dict[str, State] = {}
        self.viewers = Viewers()
        self.hls = HlsViewers(control.topology, control.clock, sockets)
        """Those who watch by HLS; all others are in `viewers`."""
        self.refused: Counter[str] = Counter()
        """Refusals by the last word of their key."""

    @property
    def shares(self) -> LinkShares:
        current = self._topology.current
        if self._shares is None or self._shares[0] is not current:
            self._shares = current, LinkShares(current)
            for viewer in self.viewers:  # links may have gone, or have come
                host = self.fleet.host(viewer.place)
                viewer.stand(self._shares[1].served_from(host, viewer.address))
            self.hls.stand(self._shares[1])
        return self._shares[1]

    # --- who may ------------------------------------------------------------------------------

    def find(self, ident: str) -> State | None:
        """The conference that is meant by its own id, or by that of its template: the live one,
        else the one that was opened last, else one that has just ended."""
        running = self._conductor.running()
        found = [s for s in running if ident in (s.booking.id, s.booking.template)]
        live = [s for s in found if s.phase == "live"]
        ended = [s for s in self._ended.values() if ident in (s.booking.id, s.booking.template)]
        return next(reversed(live or found or ended), None)

    def code(self, state: State) -> str:
        """The code that admits to a conference now."""
        return admittance.code_of(self._key, state.booking.id, state.audience_code)

    def admission(self, state: State | None, *, account: bool, given: str) -> Admission:
        """How somebody is admitted. As long a work whatever is given and whether there is such a
        conference at all."""
        conference, number = ("", 0) if state is None else (state.booking.id, state.audience_code)
        fits = admittance.fits(given, admittance.code_of(self._key, conference, number))
        return admittance.admission(state, account=account, code=fits and state is not None)

    def look(
        self, ident: str, state: State | None, admitted: Admission, *, account: bool
    ) -> WatchView:
        """What somebody is told who has not begun to watch. Raises `Refused` where nothing is open
        to anybody under this name."""
        if state is not None and state.phase != "ended" and state.audience != "nobody":
            told = shown.view(state, self._topology.current, admitted)
            return replace(told, hls=told.admitted and self.hls.offered)
        upcoming = self.planned(ident, account=account)
        if upcoming is not None:
            return upcoming
        if state is not None and state.audience != "nobody":
            return shown.view(state, self._topology.current, admitted)
        raise Refused("watch.closed")

    def planned(self, template: str, *, account: bool) -> WatchView | None:
        """The next conference of a template, where some may watch it."""
        found = self._scheduler.templates().get(template)
        if found is None or found.rules.audience == "nobody":
            return None
        soon = (u for u in self._scheduler.upcoming if u.template == template)
        upcoming = next(soon, None)
        if upcoming is None:
            return None
        return shown.planned(upcoming, found.rules.audience, account=account)

    # --- who comes ----------------------------------------------------------------------------

    def begin(
        self, state: State, kind: Kind, login: str, address: str, text: str
    ) -> tuple[Viewer, str]:
        """Let somebody who is admitted watch; returns the answer to the offer. Raises `Refused`, or
        `bridge.signalling.sdp.SdpError`."""
        _running(state)
        if not self.fleet.ready:
            raise Refused("watch.no_worker")
        offer = negotiation.read(text, self._topology.current.media.audio_slots)
        print_ = hashlib.sha256(f"{state.booking.id} {offer.ufrag} {offer.password}".encode())
        again = self.viewers.with_offer(print_.hexdigest())
        if again is not None:  # the first answer did not arrive
            self.end(again, "replaced")
        place, way = self._admit(state.booking.id, address)
        assert place.inventory is not None
        viewer = Viewer(
            f"{VIEWER}{secrets.token_hex(12)}",
            state.booking.id,
            kind,
            _mark(state, kind, login),
            address,
            way,
            print_.hexdigest(),
            place.name,
        )
        spec, answer = negotiation.answer(
            offer,
            transport=viewer.id,
            label=viewer.label,
            voices=self._topology.current.media.audio_slots,
            local=self._local(place.inventory, here=not place.remote),
        )
        viewer.seen(up=False, now=self._clock())
        place.open(spec)
        place.apply(self._conductor.running())
        self.viewers.add(viewer)
        self.fleet.settle(self.viewers)
        self._bound()
        return viewer, answer

    def begin_hls(self, state: State, kind: Kind, login: str, address: str) -> Viewer:
        """Let somebody who is admitted watch by HLS. Raises `Refused`."""
        _running(state)
        self._few(address)
        mark = _mark(state, kind, login)
        viewer = self.hls.begin(state, kind, mark, address, self.shares, self._taken())
        self._bound()
        return viewer

    def _few(self, address: str) -> None:
        here = self.viewers.from_address(address) + self.hls.from_address(address)
        if here >= self._topology.current.bridge.audience.per_address:
            raise Refused("watch.address_full")

    def watching(self, conference: str) -> dict[str, int]:
        """How many watch a conference, by how they were admitted; who watches by HLS is a kind of
        its own."""
        by_hls = self.hls.count(conference)
        return self.viewers.watching(conference) | ({"hls": by_hls} if by_hls else {})

    def _admit(self, conference: str, address: str) -> tuple[Place, Way]:
        """The place for one more viewer, and the links from there. Raises `Refused`."""
        allowed, shares, taken = self._topology.current.bridge.audience, self.shares, self._taken()
        ways = [viewer.way for viewer in self.viewers]
        if len(ways) >= allowed.viewers or not self.fleet.choose(conference, self.viewers):
            raise Refused("watch.full")
        self._few(address)
        place = self.fleet.choose(
            conference, self.viewers, lambda host: shares.carries_leg(host, ways, taken)
        )
        way = shares.served_from(self.fleet.host(place.name), address) if place is not None else ()
        if place is None or shares.full(ways, way, taken):
            raise Refused("watch.link_full")
        return place, way

    def _taken(self) -> Counter[str]:
        """What is taken of links by what cannot be sent less, kbit/s."""
        return self.shares.legs(self.fleet.legs()) + Counter(self.hls.taken())

    def end(self, viewer: Viewer, why: admittance.Why) -> None:
        """Somebody watches no longer: their media stops at once."""
        self.viewers.remove(viewer)
        self._told.pop(viewer.id, None)
        self.fleet.places[viewer.place].close(viewer.id)
        viewer.end(why)

    def named(self, name: str) -> Viewer | None:
        """The viewer with this address."""
        return self.viewers.get(f"{VIEWER}{name}")

    def view(self, viewer: Viewer) -> WatchView:
        """What a viewer is told now."""
        state = self._conductor.states.get(viewer.conference) or self._ended.get(viewer.conference)
        if state is None or viewer.why:
            phase = "ended" if state is None else state.phase
            admits = "nobody" if state is None else state.audience
            return WatchView(phase=phase, admits=admits, why=viewer.why or "ended")
        told = shown.view(state, self._topology.current, Admission(viewer.kind))
        told = replace(told, hls=self.hls.offered)
        place = None if viewer.by_hls else self.fleet.places[viewer.place]
        paused = place is not None and place.paused(viewer.id, PROGRAMME)
        return replace(told, sound_only=paused)

    def refuse(self, key: str) -> None:
        """Count a refusal."""
        self.refused[key.rpartition(".")[2]] += 1

    # --- what the workers say -----------------------------------------------------------------

    def _take(self, place: Place, event: m.Event) -> None:
        """Take an event of a worker in, after those who keep its routes."""
        match event:
            case m.Inventory():
                self._take_inventory(place)
            case m.StateChanged():
                viewer = self.viewers.get(event.transport)
                if viewer is not None:
                    self._changed(viewer, place, event.state)
            case m.SlotShowing():
                viewer = self.viewers.get(event.transport)
                if viewer is not None:
                    viewer.tell()
            case _:
                pass

    def _changed(self, viewer: Viewer, place: Place, state: m.State) -> None:
        if state == "connected":
            viewer.seen(up=True, now=self._clock())
            self.viewers.note_peak(viewer.conference)
            place.apply(self._conductor.running())
        elif state == "vanished":
            viewer.seen(up=False, now=self._clock())
        elif state in ("failed", "closed"):
            self.end(viewer, "lost")

    def _take_inventory(self, place: Place) -> None:
        for viewer in self.viewers.at(place.name):
            if viewer.id not in place.viewers:
                self.end(viewer, "worker")
        for ident, label in list(place.viewers.items()):
            if self.viewers.get(ident) is not None:
                continue
            way = self.shares.served_from(self.fleet.host(place.name), "")
            found = Viewer.of_label(ident, label, way, place.name)
            if found is None:
                place.close(ident)
                continue
            found.seen(up=True, now=self._clock())
            self.viewers.add(found)
        self._forget_bounds(place)
        self._bound()

    def _lose(self, place: Place) -> None:
        """A worker is gone, and every transport that it had."""
        for viewer in self.viewers.at(place.name):
            self.end(viewer, "worker")

    def _forget_bounds(self, place: Place) -> None:
        for viewer in self.viewers.at(place.name):
            self._told.pop(viewer.id, None)

    # --- what follows -------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep workers, rights, bounds and notes up until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.fleet.run())
            tasks.create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            self.settle()
            self.fleet.settle(self.viewers)
            self.fleet.apply()
            try:
                await self._look_at_logins()
            except FAULTS as error:
                log.error("viewers' accounts wait for the store: %s", type(error).__name__)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._conductor.committed.wait()

    def settle(self) -> None:
        """End what is over, tell what is new."""
        states = {state.booking.id: state for state in self._conductor.running()}
        self._remember(states)
        now = self._clock()
        for viewer in self.viewers:
            why = admittance.leaves(states.get(viewer.conference), viewer.kind, viewer.mark)
            away = viewer.away_since
            if not why and away is not None and now - away > AWAY:
                why = "lost"
            elif not why and not self.fleet.may_serve(viewer.place, viewer.conference):
                why = "worker"
            if why:
                self.end(viewer, why)
            else:
                viewer.tell()
        self.hls.settle(states)
        self._bound()
        self._noted = {ident: at for ident, at in self._noted.items() if ident in states}
        for conference, state in states.items():
            self._note(conference, state, now)

    def _remember(self, states: dict[str, State]) -> None:
        for ident, state in self._open.items():
            if ident not in states and state.audience != "nobody":
                self._ended[ident] = replace(state, phase="ended")
        while len(self._ended) > ENDED:
            del self._ended[next(iter(self._ended))]
        self._open = states

    def _note(self, conference: str, state: State, now: float) -> None:
        if now - self._noted.get(conference, -NOTE) < NOTE:
            return
        viewers = self.watching(conference)
        self.viewers.note_peak(conference)
        peak = max(self.viewers.take_peak(conference), sum(viewers.values()))
        if viewers != state.viewers or peak > sum(state.viewers.values()):
            self._noted[conference] = now
            self._conductor.fact(conference, c.NoteAudience(viewers=viewers, peak=peak))

    def _bound(self) -> None:
        """Tell the worker how much each viewer may be sent, where that is news."""
        ways = (viewer.way for viewer in self.viewers)
        bounds = self.shares.bounds(ways, self._taken())
        for place in self.fleet.places.values():
            if place.inventory is None:
                continue
            told = {
                viewer.id: max(1, 1000 * bounds[viewer.way]) if viewer.way in bounds else 0
                for viewer in self.viewers.at(place.name)
                if viewer.way in bounds or viewer.id in self._told
            }
            news = {ident: bits for ident, bits in told.items() if self._told.get(ident) != bits}
            if news:
                self._told.update(news)
                place.send(m.SetBounds(bounds=news))

    async def _look_at_logins(self) -> None:
        """Accounts whose login ended may not watch any more."""
        used = {viewer.mark for viewer in self.viewers if viewer.kind == "accounts" and viewer.mark}
        used |= self.hls.with_mark()
        now = self._conductor.now()
        over = [mark for mark in used if await self._logins.login(mark, now) is None]
        for viewer in self.viewers:
            if viewer.kind == "accounts" and viewer.mark in over:
                self.end(viewer, "logged_out")
        self.hls.log_out(over)


def _running(state: State) -> None:
    """Raises `Refused` where there is nothing to be seen."""
    if state.phase != "live":
        raise Refused("watch.closed" if state.phase == "ended" else "watch.not_begun")


def _mark(state: State, kind: Kind, login: str) -> str:
    """By what somebody was admitted: a login, the number of a code, or nothing."""
    return login if kind == "accounts" else str(state.audience_code) if kind == "code" else ""
