"""Finishes recordings that nobody writes any more, deletes those whose time is over, and measures
their folder."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from bridge.base.files import write_private
from bridge.base.i18n import text
from bridge.conference import events as e
from bridge.conference.model import Booking
from bridge.programme.jobs import MADE, Finished, Job, Subtitles
from bridge.programme.matroska import VOICES
from bridge.recordings.chapters import chapters, speakers, wanted_seconds
from bridge.recordings.folder import Folder, look_at, make
from bridge.recordings.kept_recordings import Catalogue, conference_of
from bridge.store.database import FAULTS
from bridge.store.log import EventLog

LOOK = 0.5  # seconds between looks for what is to be finished
MEASURE = 10.0  # seconds between two readings of the folder's size
RETRY = 60.0  # seconds until what failed is tried again
UNNOTICED = 1.0  # seconds that may be missing at beginning and end without being called lost

log = logging.getLogger("recordings")


CODES = {"vi": "vie", "en": "eng"}  # ISO 639-2


class Spoken(Protocol):
    """What is said in files: in which language, and what points are called."""

    @property
    def language(self) -> str: ...

    @property
    def place(self) -> str:
        """What the bridge is called."""

    def name(self, point: str, language: str) -> str: ...


class Upkeep:
    """Looks after the folder of recordings. ``in_use`` tells whether one is still being made;
    ``now`` is UTC seconds."""

    def __init__(
        self,
        catalogue: Catalogue,
        events: EventLog,
        in_use: Callable[[str], bool],
        spoken: Spoken,
        now: Callable[[], float],
    ) -> None:
        self._catalogue = catalogue
        self._events = events
        self._in_use = in_use
        self._spoken = spoken
        self._now = now
        self._failed: dict[str, float] = {}  # recording → when it is tried again
        self.folder = Folder()
        """The folder when it was last looked at."""

    async def run(self) -> None:
        """Look after it until cancelled."""
        loop = asyncio.get_running_loop()
        measured = float("-inf")
        if problem := await asyncio.to_thread(make, self._catalogue.folder):
            log.error("the folder of recordings cannot be made: %s", problem)
        while True:
            try:
                await self.look()
                if loop.time() - measured > MEASURE:
                    measured = loop.time()
                    await self.measure()
            except FAULTS as error:
                log.error("recordings wait: %s", error)
            except Exception:  # a fault of ours must not end the upkeep
                log.exception("the upkeep of recordings failed")
            await asyncio.sleep(LOOK)

    async def measure(self) -> None:
        """Look at the folder."""
        kept = [self._catalogue.file(name) for name in self._catalogue.kept]
        self.folder = await asyncio.to_thread(look_at, self._catalogue.folder, kept)

    async def look(self) -> None:
        """Do what is due."""
        for name in self._due():
            try:
                await self._finish(name)
            except (ValueError, *FAULTS) as error:
                log.error("recording %s is not finished yet: %s", name, error)
                self._failed[name] = self._now() + RETRY
        for name, kept in list(self._catalogue.kept.items()):
            ends = kept.deleted_at
            if ends is not None and ends <= self._now():
                await self.delete(name, "system")

    def _due(self) -> list[str]:
        folder = self._catalogue.folder
        if not folder.is_dir():
            return []
        return [
            path.name
            for path in sorted(folder.iterdir())
            if path.is_dir()
            and conference_of(path.name) is not None
            and path.name not in self._catalogue.kept
            and not self._in_use(path.name)
            and self._failed.get(path.name, 0.0) <= self._now()
        ]

    async def _finish(self, name: str) -> None:
        """Make a recording's file and note it in the log. Raises OSError, ValueError."""
        found = conference_of(name)
        assert found is not None
        conference, number = found
        events = await self._events.read(conference)
        if not events or not isinstance(events[0].event, e.Opened):
            raise ValueError("its conference is not in the log")
        booking = events[0].event.booking
        folder = self._catalogue.folder / name
        sidecar = folder / MADE
        if sidecar.exists():  # finished before, and then the store or this process failed
            made = msgspec.json.decode(sidecar.read_bytes(), type=Finished)
        else:
            job = self._job(folder, f"{name}.mkv", booking, events)
            result = await _made(job)
            if result is None:
                log.warning("nothing was recorded of %s", name)
                await asyncio.to_thread(shutil.rmtree, folder)
                return
            made = result
        lost = wanted_seconds(events, number) - made.seconds
        kept = e.RecordingKept(
            recording=name,
            conference=conference,
            number=number,
            title=booking.title,
            template=booking.template,
            seconds=made.seconds,
            octets=made.octets,
            sha256=made.sha256,
            lost=round(lost, 1) if lost > UNNOTICED else 0.0,
            keep_days=booking.rules.keep_days,
            seen_by=booking.rules.recording_for,
            parts=tuple(
                e.RecordingPart(at=s.at, offset=s.offset, seconds=s.seconds) for s in made.stretches
            ),
        )
        await self._catalogue.add(kept, "system")
        sidecar.unlink(missing_ok=True)
        sums = f"{made.sha256}  {name}.mkv\n"
        await asyncio.to_thread(write_private, folder / f"{name}.sha256", sums)
        log.info("recording %s: %.0f s, %d octets", name, made.seconds, made.octets)

    def _job(self, folder: Path, file: str, booking: Booking, events: Sequence[e.Recorded]) -> Job:
        language = self._spoken.language
        title = booking.title.text(language)

        def named(language: str) -> Callable[[str], str]:
            return lambda point: self._spoken.name(point, language)

        order = sorted(CODES, key=lambda code: code != language)
        tracks = ("programme", "content", "sound")
        return Job(
            folder=str(folder),
            file=file,
            title=title,
            language=CODES[language],
            names=(
                *(text(language, f"recordings.track_{track}") for track in tracks),
                *(
                    text(language, "recordings.track_voice", number=str(number))
                    for number, _ in enumerate(VOICES, 1)
                ),
            ),
            tags=(
                *(("TITLE", title), ("COMMENT", booking.id)),
                ("RECORDING_LOCATION", self._spoken.place),
            ),
            chapters=chapters(events, named(language), language),
            subtitles=tuple(
                Subtitles(
                    language=CODES[code],
                    name=text(code, "recordings.track_speakers"),
                    texts=speakers(events, named(code), code),
                )
                for code in order
            ),
        )

    async def delete(self, name: str, actor: str) -> None:
        """Delete a recording: its file first, so that the log never says that one is gone which is
        there. Raises OSError, `NotSaved`."""
        kept = self._catalogue.kept[name]
        folder = self._catalogue.folder / name
        if folder.exists():
            await asyncio.to_thread(shutil.rmtree, folder)
        event = e.RecordingDeleted(recording=name, sha256=kept.facts.sha256)
        await self._catalogue.add(event, actor)


async def _made(job: Job) -> Finished | None:
    """Let a process of its own make the file: reading gigabytes is nothing for this one. Raises
    OSError."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge.programme", "--finish"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parent.parent.parent,
    )
    try:
        told, problem = await process.communicate(msgspec.json.encode(job))
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise OSError(problem.decode(errors="replace").strip()[-300:])
    return msgspec.json.decode(told, type=Finished | None)
