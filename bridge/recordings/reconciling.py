"""Brings recordings to what the conferences ask: a programme process and a tap for each, orders to
it, and what comes of them as facts of the conference."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.conference import commands as c
from bridge.conference.model import State
from bridge.conference.plan import AUDIO, CONTENT, PICTURE, PROGRAMME
from bridge.control.active_topology import ActiveTopology
from bridge.control.conductor import Conductor
from bridge.control.listeners import TAP
from bridge.control.placing.active_workers import ActiveWorkers
from bridge.media import messages as m
from bridge.programme import orders as o
from bridge.programme.shelf import SUFFIX, folder_of
from bridge.recordings.kept_recordings import Catalogue, name_of
from bridge.recordings.programme_link import ProgrammeLink
from bridge.recordings.upkeep import Upkeep
from bridge.store.log import EventLog

LOOK = 0.25  # seconds between looks where nothing is committed
TELL = 1.0  # seconds between looks at whether processes live
MEGABYTE = 1_000_000
CALM = 5.0  # seconds after the start of a conference that is not recorded


@dataclass(slots=True)
class _Running:
    """A programme process and the task that keeps it."""

    link: ProgrammeLink
    task: asyncio.Task[None]


class Spoken:
    """What is said in recordings, by the topology."""

    def __init__(self, topology: ActiveTopology) -> None:
        self._topology = topology

    @property
    def language(self) -> str:
        return self._topology.current.bridge.language

    @property
    def place(self) -> str:
        return self._topology.current.bridge.name.text(self.language)

    def name(self, point: str, language: str) -> str:
        """What a point is called; its id where the topology has no such point."""
        found = (p.name.text(language) for p in self._topology.current.points if p.id == point)
        return next(found, point)


class Recordings:
    """All recordings of this process. ``sockets`` is the media worker's folder, ``now`` UTC
    seconds."""

    def __init__(
        self,
        topology: ActiveTopology,
        conductor: Conductor,
        routes: ActiveWorkers,
        events: EventLog,
        folder: Path,
        sockets: Path,
        now: Callable[[], float],
        segments: Callable[[str], bool],
    ) -> None:
        """``segments`` says of which conferences somebody watches segments."""
        self._topology = topology
        self._conductor = conductor
        self._routes = routes
        self._sockets = sockets
        self._now = now
        self._segments = segments
        self._running: dict[str, _Running] = {}
        self._closing = False
        self._ending: set[asyncio.Task[None]] = set()
        self._held: dict[asyncio.Task[None], ProgrammeLink] = {}
        self.ended: Counter[str] = Counter()
        """Recordings that ended by themselves, by problem."""
        self.bad_ranges = 0
        """Requests for parts of files that there are not."""
        self.catalogue = Catalogue(events, folder, now)
        self.upkeep = Upkeep(self.catalogue, events, self.in_use, Spoken(topology), now)

    def refuse_range(self) -> None:
        """Somebody asked for a part of a file that there is not."""
        self.bad_ranges += 1

    @property
    def active(self) -> int:
        """How many conferences are being recorded: something is written of them."""
        return sum(state.recorded for state in self._conductor.running())

    @property
    def wanted(self) -> int:
        """How many conferences are to be recorded now."""
        return sum(state.recording == "on" for state in self._conductor.running())

    @property
    def least_free(self) -> int:
        """Octets of free space below which recording ends."""
        return self._topology.current.bridge.recordings.free_mb * MEGABYTE

    def process_of(self, conference: str) -> int | None:
        """The programme process of a conference, by its id; None where there is none."""
        running = self._running.get(conference)
        return running.link.pid if running is not None else None

    def in_use(self, name: str) -> bool:
        """Whether a recording is still being made."""
        asked = (s for s in self._conductor.running() if s.recording != "off")
        if any(name == name_of(state.booking.id, state.recordings) for state in asked):
            return True
        links = [*(r.link for r in self._running.values()), *self._held.values()]
        return any(link.holding == name for link in links)

    async def run(self) -> None:
        """Do so until cancelled; processes go on without this one for a while."""
        upkeep = asyncio.create_task(self.upkeep.run())
        self._sweep()
        looked = 0.0
        try:
            while True:
                self.settle()
                now = asyncio.get_running_loop().time()
                if now - looked >= TELL:
                    looked = now
                    for running in self._running.values():
                        running.link.look()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK):
                        await self._conductor.committed.wait()
        finally:
            upkeep.cancel()
            tasks = [upkeep, *(r.task for r in self._running.values()), *self._ending]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """End the processes, with everything on the disk."""
        self._closing = True
        for conference in list(self._running):
            self._leave(conference)
        if self._ending:
            await asyncio.wait(self._ending)

    def _sweep(self) -> None:
        """Folders of segments whose conferences ended while nobody was here."""
        running = self._conductor.running()
        kept = {folder_of(self._sockets, state.booking.id) for state in running}
        for folder in set(self._sockets.glob(f"p*{SUFFIX}")) - kept:
            shutil.rmtree(folder, ignore_errors=True)

    # --- what is asked and what is there --------------------------------------------------

    def settle(self) -> None:
        """Bring processes, taps and orders to what the conferences ask."""
        if self._closing:
            return
        states = {state.booking.id: state for state in self._conductor.running()}
        for conference, state in states.items():
            if self._needed(state):
                self._keep(conference)
        for conference in list(self._running):
            if conference not in states or not self._needed(states[conference]):
                self._leave(conference)
        for conference, tap in self._routes.listeners.taps():
            state_ = states.get(conference)
            if state_ is None or not self._tapped(state_):
                self._routes.close(tap)
        for conference, running in self._running.items():
            self._direct(states[conference], running.link)

    def conference_moved(self, conference: str) -> None:
        """Another worker holds a conference from now on: its process, where it has one, hears that
        worker."""
        self._routes.close(self._routes.listeners.tap_of(conference))
        running, state = self._running.get(conference), self._conductor.states.get(conference)
        if running is not None and state is not None:
            self._direct(state, running.link)

    def _needed(self, state: State) -> bool:
        return self._segments(state.booking.id) or needed(state, self._now())

    def _tapped(self, state: State) -> bool:
        return state.recording == "on" or self._segments(state.booking.id)

    def _keep(self, conference: str) -> None:
        if conference not in self._running:
            link = ProgrammeLink(conference, self._sockets, self._news_of(conference))
            self._running[conference] = _Running(link, asyncio.create_task(link.run()))

    def _leave(self, conference: str) -> None:
        running = self._running.pop(conference)
        running.link.end()
        self._ending.add(running.task)
        self._held[running.task] = running.link
        running.task.add_done_callback(self._left)

    def _left(self, task: asyncio.Task[None]) -> None:
        self._ending.discard(task)
        link = self._held.pop(task, None)
        if link is not None and link.conference not in self._running:
            shutil.rmtree(link.segments, ignore_errors=True)

    def _direct(self, state: State, link: ProgrammeLink) -> None:
        wanted = ""
        if state.recording == "on":
            wanted = name_of(state.booking.id, state.recordings)
        ready = link.ready and self._routes.inventory_of(state.booking.id) is not None
        if ready and self._tapped(state) and not self._routes.listeners.tap_of(state.booking.id):
            self._routes.open_listener(self._tap(state.booking.id, link.tap))
            self._routes.apply(self._conductor.running())
        packaged = self._segments(state.booking.id)
        if link.ready and link.packaging != packaged:
            if packaged:
                link.package(self._topology.current.media.codec)
            else:
                link.unpack()
        if not link.ready or link.asked == wanted:
            return
        if wanted:
            media = self._topology.current.media
            folder = str(self.catalogue.folder / wanted)
            free = self.least_free
            voices = media.audio_slots if state.booking.rules.recording_voices else 0
            link.write(
                o.Write(
                    recording=wanted, folder=folder, codec=media.codec, free=free, voices=voices
                )
            )
        else:
            link.rest()

    def _tap(self, conference: str, path: Path) -> m.OpenTap:
        media = self._topology.current.media
        ssrcs = secrets.SystemRandom().sample(range(1 << 16, 1 << 32), 3 + media.audio_slots)
        pictures = (
            m.SlotSpec(name=name, kind="video", codec=media.codec, payload_type=kind, ssrc=ssrc)
            for name, kind, ssrc in (
                (PROGRAMME, o.PROGRAMME, ssrcs[0]),
                (CONTENT, o.CONTENT, ssrcs[1]),
                (PICTURE, o.PICTURE, ssrcs[2]),
            )
        )
        voices = (
            m.SlotSpec(
                name=f"{AUDIO}{number}",
                kind="audio",
                codec="opus",
                payload_type=o.OPUS,
                clock_rate=48_000,
                ssrc=ssrc,
            )
            for number, ssrc in enumerate(ssrcs[3:])
        )
        return m.OpenTap(
            transport=f"{TAP}{secrets.token_hex(8)}",
            label=f"{TAP}{conference}",
            path=str(path),
            slots=(*pictures, *voices),
            cname="programme",
        )

    # --- what comes of it -----------------------------------------------------------------

    def _news_of(self, conference: str) -> Callable[[o.Writing], None]:
        def news(writing: o.Writing) -> None:
            state = self._conductor.states.get(conference)
            if state is None:
                return
            current = name_of(conference, state.recordings)
            if writing.writing and writing.recording != current:
                return
            problem = writing.problem if writing.recording == current else ""
            if problem:
                self.ended[problem] += 1
            if writing.writing != state.recorded or problem:
                self._conductor.fact(
                    conference, c.NoteRecording(writing=writing.writing, problem=problem)
                )

        return news


def needed(state: State, now: float) -> bool:
    """Whether a conference has a programme process: also before it is recorded, so that recording
    begins at once; but not in its first seconds, which belong to its pictures."""
    if state.recording != "off" or state.recorded:
        return True
    if state.phase != "live" or state.started_at is None:
        return False
    return state.booking.rules.recording != "forbidden" and now - state.started_at >= CALM
