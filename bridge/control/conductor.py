"""The one writer of all running conferences: commands in, events committed, applied and told.

One task does all writing. It takes every command that waits, decides them one after another on
a copy of the state, commits their events in one transaction, and only then makes the copy the
state and answers. A command whose events cannot be saved is refused and has changed nothing.

Facts (a point's media came up or went down) happen whether they can be saved or not: they are
applied at once and saved with the next transaction that succeeds, in their order.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from bridge.base import logs
from bridge.base.clock import SteadyClock
from bridge.base.observer import Observer
from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference import state_machine
from bridge.conference.apply import replay
from bridge.conference.model import SYSTEM, Actor, Booking, Refusal, State
from bridge.control.draft import Admit, Done, Draft, Result, admit_all
from bridge.store.database import FAULTS, Conflict, NotSaved
from bridge.store.log import Answer, EventLog
from bridge.store.snapshots import Snapshots

log = logging.getLogger("conductor")

RETRY_SAVING = 2.0  # seconds between tries to save facts
MAX_UNSAVED = 20_000  # facts kept while the store fails; about a day of a bad line
MAX_WAITING = 1000  # commands that wait for the store
TICK = 0.25  # seconds between looks at the clock
FORGET_EVERY = 3600.0  # seconds between looks for idempotency keys that are old

Changed = Callable[[str, State, Sequence[e.Recorded]], None]


@dataclass(slots=True)
class _Job:
    """A command that waits. ``future`` gets its result; None for a fact."""

    conference: str
    command: c.Command | Booking
    actor: Actor
    future: asyncio.Future[Result] | None
    key: str = ""
    digest: str = ""


class _Decided(NamedTuple):
    """A batch whose events are not committed yet, with the result of every job."""

    draft: Draft
    results: list[tuple[_Job, Result]]


class Conductor:
    """Carries commands and facts out, one batch after another. ``on_change`` is called after
    every committed change, with the new state and events; ``admit`` says what links do not
    carry."""

    def __init__(
        self,
        event_log: EventLog,
        snapshots: Snapshots,
        clock: SteadyClock,
        on_change: Changed,
        observer: Observer,
        admit: Admit = admit_all,
    ) -> None:
        self._log = event_log
        self._snapshots = snapshots
        self._clock = clock
        self._on_change = on_change
        self._observer = observer
        self._admit = admit
        self._queue: asyncio.Queue[_Job] = asyncio.Queue()
        self._unsaved: list[e.Recorded] = []
        self._asked: dict[str, tuple[str, asyncio.Future[Result]]] = {}
        self.states: dict[str, State] = {}
        self.problem = ""  # why the store fails now; "" where it works
        self.committed = asyncio.Event()

    # --- reading ------------------------------------------------------------------------

    def now(self) -> float:
        return self._clock.now()

    def running(self) -> list[State]:
        """Conferences that are open or live, oldest first."""
        return [s for s in self.states.values() if s.phase != "ended"]

    def conference_of(self, point: str) -> State | None:
        """The conference that a point is in. No point is in two."""
        return next((s for s in self.running() if point in s.seats), None)

    @property
    def unsaved(self) -> int:
        return len(self._unsaved)

    # --- life ---------------------------------------------------------------------------

    async def load(self) -> None:
        """Rebuild every running conference from its newest snapshot and what the log has after it.
        One that cannot be read (a later version has written it) is left out, and keeps no other
        from going on."""
        for ident in await self._log.running():
            try:
                state = await self._snapshots.rebuild(ident, self._log)
            except (ValueError, KeyError, msgspec.MsgspecError) as error:
                log.error("the log of %s cannot be understood: %s", ident, error)
                continue
            if state is not None:
                self.states[ident] = state

    async def run(self) -> None:
        """Carry commands out until cancelled."""
        jobs = (self._tick(), self._forget_answers(), self._snapshots.run())
        others = [asyncio.create_task(job) for job in jobs]
        try:
            while True:
                batch = [await self._queue.get()]
                while not self._queue.empty():
                    batch.append(self._queue.get_nowait())
                try:
                    await self._process(batch)
                except Exception as error:
                    # A fault of ours must not stop every later command with it.
                    log.exception("a batch of commands failed")
                    for job in batch:
                        if job.future is not None and not job.future.done():
                            job.future.set_exception(error)
        finally:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    async def _tick(self) -> None:
        last_try = 0.0
        while True:
            await asyncio.sleep(TICK)
            step = self._clock.step()
            now = self.now()
            for state in self.running():
                if step:
                    self.fact(state.booking.id, c.StepClock(seconds=round(step, 3)))
                due = state_machine.due(state)
                if due is not None and due <= now:
                    self.fact(state.booking.id, c.Tick())
            loop_time = asyncio.get_running_loop().time()
            if self._unsaved and loop_time - last_try > RETRY_SAVING:
                last_try = loop_time
                await self._queue.put(_Job("", c.Tick(), SYSTEM, None))

    async def _forget_answers(self) -> None:
        while True:
            await asyncio.sleep(FORGET_EVERY)
            try:
                await self._log.forget_answers(self.now())
            except FAULTS as error:
                log.error("old answers wait for the store: %s", type(error).__name__)

    # --- asking -------------------------------------------------------------------------

    async def open(self, booking: Booking, actor: Actor, key: str = "") -> Result:
        """Open a conference (the trial session begins)."""
        asked = self._submit(booking.id, booking, actor, key)
        return await self._observed(booking.id, "open", asked)

    async def submit(
        self, conference: str, command: c.Command, actor: Actor, key: str = ""
    ) -> Result:
        """Carry a command out. With ``key`` (idempotency) a repetition is answered as the
        first time, also after a restart. Raises `NotSaved`."""
        asked = self._submit(conference, command, actor, key)
        return await self._observed(conference, c.name_of(command), asked)

    async def _observed(self, conference: str, word: str, asked: Awaitable[Result]) -> Result:
        """Carry out, with the ids of conference and command in all that is logged meanwhile."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        outcome = "failed"
        with logs.context(conference=conference, command=secrets.token_hex(4)):
            try:
                result = await asked
                outcome = "done" if isinstance(result, Done) else "refused"
                return result
            except FAULTS:
                outcome = "not_saved"
                raise
            finally:
                seconds = loop.time() - began
                log.info("%s: %s in %.1f ms", word, outcome, 1000 * seconds)
                self._observer.command(word, outcome, seconds)

    def fact(self, conference: str, command: c.Command) -> None:
        """Tell a fact; nobody waits for it."""
        self._queue.put_nowait(_Job(conference, command, SYSTEM, None))

    async def _submit(
        self, conference: str, command: c.Command | Booking, actor: Actor, key: str
    ) -> Result:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        digest = ""
        if key:
            key = f"{actor.label} {key}"
            # Which conference a template becomes is not the asker's word: the time is in its id.
            asked = command.template if isinstance(command, Booking) else conference
            kind = b"open" if isinstance(command, Booking) else msgspec.json.encode(command)
            body = asked.encode() + b" " + kind
            digest = hashlib.sha256(body).hexdigest()
            running = self._asked.get(key)
            if running is not None:
                if running[0] != digest:
                    return Refusal(key="refusal.key_reused")
                return await asyncio.shield(running[1])
            self._asked[key] = (digest, future)
            # Until it is answered, whoever asked and left: a repetition must find it.
            future.add_done_callback(lambda _: self._asked.pop(key, None))
        future.add_done_callback(_looked_at)
        try:
            answered = await self._log.answer(key) if key else None
            if self._queue.qsize() > MAX_WAITING:
                raise NotSaved("too many commands wait")
        except BaseException as error:
            future.set_exception(NotSaved(type(error).__name__))  # for those who wait for it, too
            raise
        if answered is not None:
            future.set_result(_answered(answered, digest))
        else:
            self._queue.put_nowait(_Job(conference, command, actor, future, key, digest))
        return await asyncio.shield(future)

    # --- the one writer -----------------------------------------------------------------

    async def _process(self, batch: list[_Job]) -> None:
        decided = self._decide(batch)
        try:
            try:
                await self._save(decided)
            except Conflict:
                log.warning("the log is ahead: an earlier commit had succeeded")
                await self._catch_up(decided.draft)
                decided = self._decide(batch)
                await self._save(decided)
        except FAULTS as error:
            self._could_not_save(batch, decided, str(error))
            return
        self._unsaved.clear()
        if self.problem:
            log.warning("the store works again")
            self.problem = ""
        self._publish(decided.draft)
        for job, result in decided.results:
            if job.future is not None and not job.future.done():
                job.future.set_result(result)

    async def _save(self, decided: _Decided) -> None:
        answers = [
            Answer(job.key, job.digest, _answer_body(result))
            for job, result in decided.results
            if job.key and isinstance(result, Done)
        ]
        recorded = decided.draft.recorded
        if recorded or answers or self._unsaved:
            await self._log.append([*self._unsaved, *recorded], answers, self.now())

    async def _catch_up(self, draft: Draft) -> None:
        """Take over what the log has and this process does not know: the answer to a commit
        was lost, and the events were not. Facts not saved yet are found again by whoever told
        them."""
        await self._log.confirm()  # what nobody may be told of yet is shown to nobody
        affected = {item.conference for item in [*self._unsaved, *draft.recorded]}
        unsaved = {item.conference for item in self._unsaved}
        logs = {}
        for ident in affected:
            # Facts that were not saved are in our state and not in the log: it is made anew.
            base = self.states.get(ident) if ident not in unsaved else None
            recorded = await self._log.read(ident, base.seq if base is not None else 0)
            logs[ident] = (base, recorded)
        self._unsaved.clear()  # not before all is read: a reading that fails must lose nothing
        for ident, (base, recorded) in logs.items():
            known = self.states[ident].seq if ident in self.states else 0
            state = replay(recorded, base)
            if state is None:
                self.states.pop(ident, None)
                continue
            self.states[ident] = state
            self._on_change(ident, state, [item for item in recorded if item.seq > known])
            if state.phase == "ended":
                del self.states[ident]

    def _decide(self, batch: list[_Job]) -> _Decided:
        draft, now = Draft(self.states, self._admit), self.now()
        return _Decided(
            draft,
            [(job, draft.decide(job.conference, job.command, job.actor, now)) for job in batch],
        )

    def _could_not_save(self, batch: list[_Job], decided: _Decided, problem: str) -> None:
        """Commands are refused and changed nothing; facts happened all the same."""
        if self.problem != problem:
            log.error("events cannot be saved: %s", problem)
        self.problem = problem
        error = NotSaved(problem)
        # Over the bound facts are not taken in: the next look at the rooms finds them again.
        facts = [job for job in batch if job.future is None and self.unsaved < MAX_UNSAVED]
        again = self._decide(facts).draft
        self._unsaved.extend(again.recorded)
        self._publish(again)
        for job, result in decided.results:
            if job.future is None or job.future.done():
                continue
            if isinstance(result, Refusal):
                job.future.set_result(result)
            else:
                job.future.set_exception(error)

    def _publish(self, draft: Draft) -> None:
        changed: dict[str, list[e.Recorded]] = {}
        for recorded in draft.recorded:
            changed.setdefault(recorded.conference, []).append(recorded)
        self.states = draft.states
        for ident, events in changed.items():
            state = self.states[ident]
            self._on_change(ident, state, events)
            if not self._unsaved:  # a snapshot is of what the log has
                self._snapshots.consider(state)
            if state.phase == "ended":
                del self.states[ident]  # the log has it
        self.committed.set()
        self.committed.clear()


def _looked_at(future: asyncio.Future[Result]) -> None:
    """Nobody may be left to see how a command ended; that is no fault to be logged."""
    if not future.cancelled():
        future.exception()


def _answer_body(result: Done) -> str:
    return msgspec.json.encode({"conference": result.conference, "seq": result.seq}).decode()


def _answered(answer: Answer, digest: str) -> Result:
    if answer.digest != digest:
        return Refusal(key="refusal.key_reused")
    body = msgspec.json.decode(answer.body)
    return Done(body["conference"], body["seq"], ())
