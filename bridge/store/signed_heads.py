"""The heads of conferences that have ended, signed: the stream "proof" of the log.

A head is signed after the end was committed. Whatever is killed in between, the next start finds
what has ended and is not signed yet.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable

from bridge.conference import events as e
from bridge.proof.chain import BEGIN, Walked, walk
from bridge.proof.signing_key import SigningKey
from bridge.proof.statements import Head, head_text
from bridge.store.chaining import PROOF
from bridge.store.database import FAULTS, Conflict
from bridge.store.log import EventLog

log = logging.getLogger("proof")

RETRY = 5.0  # seconds between tries to save a signature


class SignedHeads:
    """Signs heads with ``key`` (None: there is none, nothing is signed) and knows those that are
    signed. ``now`` is UTC seconds. `load` before anything else."""

    def __init__(self, events: EventLog, key: SigningKey | None, now: Callable[[], float]) -> None:
        self._events = events
        self._now = now
        self._lock = asyncio.Lock()
        self._late = 0
        self.key = key
        self.heads: dict[str, e.HeadSigned] = {}
        self.broken: set[str] = set()
        """Conferences that are not signed because their chain does not hold."""

    async def load(self) -> None:
        """Read what is signed; also after a backup was restored."""
        self.heads.clear()
        self.broken.clear()
        self._late = 0
        for item in await self._events.read(PROOF):
            self._apply(item.event)
        self._events.ended.set()

    def _apply(self, event: e.Event) -> None:
        match event:
            case e.HeadSigned():
                self.heads[event.of] = event
            case e.ChainBegun():
                self._late = max(self._late, event.number)
            case _:
                pass

    async def run(self) -> None:
        """Sign what ends, until cancelled. What cannot be saved is tried again."""
        while True:
            await self._events.ended.wait()
            self._events.ended.clear()
            try:
                await self.sign()
            except FAULTS as error:
                log.error("heads of logs wait to be signed: %s", type(error).__name__)
                await asyncio.sleep(RETRY)
                self._events.ended.set()

    async def sign(self) -> None:
        """Sign every head that is due. Raises what the store raises."""
        if self.key is None:
            return
        async with self._lock:
            for conference in await self._events.ends():
                if conference not in self.heads and conference not in self.broken:
                    await self._sign(conference, self.key)

    async def _sign(self, conference: str, key: SigningKey) -> None:
        walked = await self.walked(conference)
        if walked.fault:  # a signature under what is not whole would make it look so
            log.error("the log of %s is not whole after event %d", conference, walked.events)
            self.broken.add(conference)
            return
        since = await self._events.first_after(conference, self._late)
        head = Head(
            conference,
            walked.events,
            walked.head,
            walked.events + 1 if since is None else since,
            int(self._now()),
        )
        event = e.HeadSigned(
            of=conference,
            events=head.events,
            head=head.head,
            since=head.since,
            signed=head.signed,
            key=key.public.fingerprint,
            signature=base64.b64encode(key.sign(head_text(head))).decode(),
        )
        seq = await self._events.last_seq(PROOF)
        item = e.Recorded(
            conference=PROOF,
            seq=seq + 1,
            at=round(self._now(), 6),
            actor="system",
            reason="sign",
            event=event,
        )
        try:
            await self._events.append([item])
        except Conflict:  # the answer to an earlier commit was lost: it is read, not signed twice
            for found in await self._events.read(PROOF, seq):
                self._apply(found.event)
            self._events.ended.set()
            return
        self.heads[conference] = event

    async def walked(self, conference: str) -> Walked:
        """Walk along a whole chain in the database."""
        walked = BEGIN
        while links := await self._events.links(conference, walked.events):
            walked = walk(links, walked)
            if walked.fault:
                break
        return walked
