"""Secret votes: a ballot goes into a box that the log does not have, and is counted when the vote
is closed. What was chosen is in no event, no answer, no metric and no line of a log file."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

from bridge.conference import commands as c
from bridge.conference.model import SYSTEM, Actor, Refusal, State
from bridge.conference.voting import Vote, numbered
from bridge.control.ballot_box import BallotBox
from bridge.control.conductor import Conductor
from bridge.control.draft import Done, Result
from bridge.store.database import FAULTS, NotSaved
from bridge.store.leading.term import Term

log = logging.getLogger("conductor")

LOOK = 1.0  # seconds between looks for votes that are to be counted, where no event tells


class SecretVotes:
    """The boxes of the secret votes of running conferences. ``folder`` is where they lie."""

    def __init__(self, conductor: Conductor, folder: Path) -> None:
        self._conductor = conductor
        self._folder = folder
        self._boxes = True  # whether there may be any
        self._lock = asyncio.Lock()  # a box is read, changed and written by one at a time

    def vote_of(self, conference: str, number: int) -> Vote | None:
        """A secret vote of a conference that runs; None: there is none of that number."""
        state = self._conductor.states.get(conference)
        vote = numbered(state.votes, number) if state is not None else None
        return vote if vote is not None and vote.secret else None

    async def cast(self, conference: str, ballot: c.CastBallot, actor: Actor) -> Result:
        """Take a ballot. Raises `NotSaved` where it could not be kept; it may be sent again then,
        and counts once."""
        async with self._lock:
            vote = self.vote_of(conference, ballot.number)
            if vote is None:
                return Refusal(key="refusal.unknown_vote", arguments={"number": str(ballot.number)})
            voter = ballot.person or ballot.point
            if (actor.kind, actor.name) != ("person" if ballot.person else "point", voter):
                return Refusal(key="refusal.not_allowed")
            if ballot.choice not in vote.choices:
                return Refusal(key="refusal.unknown_choice", arguments={"choice": "…"})
            told = c.CastSecretly(number=vote.number, point=ballot.point, person=ballot.person)
            box, self._boxes = self._box(conference, vote), True
            if vote.stage == "open" and voter in vote.waiting:
                try:
                    await asyncio.to_thread(box.put, voter, ballot.choice)
                except OSError as error:
                    raise NotSaved(type(error).__name__) from None
            result = await self._conductor.submit(conference, told, SYSTEM)
            await self._settle(conference, ballot.number)
            return result

    async def run(self, term: Term | None = None) -> None:
        """Count what is closed, until cancelled; a vote that was closed before this process began
        is counted, too. ``term`` is that of a leader among several hosts."""
        if term is not None and term.taken_over:
            await self._begin_anew()
        while True:
            for state in list(self._conductor.states.values()):
                for vote in state.votes:
                    if vote.stage == "counting":
                        await self._count(state, vote)
            if self._boxes:
                await self._clear()
            try:
                async with asyncio.timeout(LOOK):
                    await self._conductor.committed.wait()
            except TimeoutError:
                pass

    async def _begin_anew(self) -> None:
        """Another host led before, and its boxes are there. What lies here is of earlier: a
        ballot of somebody who has voted otherwise since may be in it. So boxes are destroyed, and
        a vote in which somebody has voted ends without a result, so that it is held again."""
        async with self._lock:
            await asyncio.to_thread(self._destroy_all_but, set())
            for state in list(self._conductor.states.values()):
                for vote in state.votes:
                    if vote.secret and vote.stage == "open" and vote.secretly:
                        told = c.CancelVote(number=vote.number)
                        with contextlib.suppress(*FAULTS):  # its count will not be whole either
                            await self._conductor.submit(state.booking.id, told, SYSTEM)

    # --- boxes ------------------------------------------------------------------------------

    def _box(self, conference: str, vote: Vote) -> BallotBox:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        return BallotBox(self._folder, f"{conference}.{vote.number}")

    async def _settle(self, conference: str, number: int) -> None:
        vote = self.vote_of(conference, number)
        if vote is None:
            return
        try:
            await asyncio.to_thread(self._box(conference, vote).settle, vote.secretly)
        except OSError as error:  # they stay pending, and are settled with the next one
            log.error("a ballot box could not be written: %s", type(error).__name__)

    async def _count(self, state: State, vote: Vote) -> None:
        conference = state.booking.id
        async with self._lock:
            await self._settle(conference, vote.number)
            content = await asyncio.to_thread(self._box(conference, vote).read)
            counts = content.counts if content is not None else {} if not vote.secretly else None
            told = c.CountSecretly(number=vote.number, counts=counts)
            try:
                result = await self._conductor.submit(conference, told, SYSTEM)
            except FAULTS:
                return  # the box is still there, and is counted at the next look
            if not isinstance(result, Done):
                log.error("a secret vote could not be counted: %s", result.key)

    async def _clear(self) -> None:
        """Destroy the boxes of votes that are over."""
        async with self._lock:
            running = {
                f"{state.booking.id}.{vote.number}"
                for state in self._conductor.states.values()
                for vote in state.votes
                if vote.secret and vote.stage in ("open", "counting")
            }
            await asyncio.to_thread(self._destroy_all_but, running)
            self._boxes = bool(running)

    def _destroy_all_but(self, names: set[str]) -> None:
        if not self._folder.is_dir():
            return
        for path in (*self._folder.glob("*.key"), *self._folder.glob("*.box")):
            if path.stem not in names:
                try:
                    BallotBox(self._folder, path.stem).destroy()
                except OSError as error:
                    log.error("a ballot box could not be destroyed: %s", type(error).__name__)
