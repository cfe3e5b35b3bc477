"""The register of persons: what delegates are called, kept beside the log, brought to the
conferences that they belong to, and forgotten when their time is over.

The log never changes, and names have to be removed some day: so a conference's events know a person
by a random id, and by a seal, a hash over what it is called and a random salt. While the row is
there, the seal proves that it is what the conference had; without the salt it proves nothing about
anybody.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec.structs import replace

from bridge.conference import commands as c
from bridge.conference.attendance import MAX_PERSONS, Details, Person, PersonError
from bridge.conference.model import SYSTEM, State
from bridge.conference.person_events import PersonsForgotten
from bridge.control.conductor import Conductor
from bridge.control.draft import Done
from bridge.control.persons.list_rows import Entry
from bridge.store.database import FAULTS
from bridge.store.log import EventLog
from bridge.store.noted_stream import NotedStream
from bridge.store.person_records import PersonRecord, PersonRecords

log = logging.getLogger("persons")

STREAM = "persons"
LOOK = 1.0  # seconds between looks where nothing is committed
FORGET_EVERY = 600.0  # seconds between looks for names whose time is over
DAY = 86400.0


def seal(record: PersonRecord) -> str:
    """The seal over what a person is called."""
    named = json.dumps([record.salt, record.name, record.agency, record.position])
    return hashlib.sha256(named.encode()).hexdigest()


class Register:
    """All persons. ``keep_days`` tells how long names outlive their conference; ``audit`` notes
    (action, target, outcome)."""

    def __init__(
        self,
        conductor: Conductor,
        records: PersonRecords,
        events: EventLog,
        keep_days: Callable[[], int],
        audit: Callable[[str, str, str], Awaitable[None]],
        code_key: bytes,
    ) -> None:
        self._conductor = conductor
        self._records = records
        self._keep_days = keep_days
        self._audit = audit
        self.code_key = code_key
        """Signs the codes with which delegates register."""
        self._kept: dict[str, PersonRecord] = {}
        self._changes = 0  # of what is kept
        self._traces = False  # whether what was removed may stand in the database's file yet
        self._settled: dict[str, tuple[int, Mapping[str, Person]]] = {}
        self._holders: dict[str, str] | None = None  # digest of a secret → person
        self._linked: dict[str, str] | None = None  # digest of a link → person
        self._last: dict[str, float] = {}  # conference that is over → its last event
        self._changing = asyncio.Lock()
        self._stream = NotedStream[PersonsForgotten](
            events,
            STREAM,
            {PersonsForgotten: "forget"},
            conductor.now,
            lambda: None,
            lambda _: None,
        )

    async def load(self) -> None:
        """Read the table; also after a backup was restored. Raises `StoreError`."""
        await self._stream.load()
        self._last.clear()
        self._kept = {record.id: record for record in await self._records.load()}
        self._changed()

    async def run(self) -> None:
        """Bring persons to their conferences and forget those whose time is over, until
        cancelled."""
        loop = asyncio.get_running_loop()
        looked = float("-inf")
        while True:
            try:
                for state in self._conductor.running():
                    await self.settle(state.booking.id)
                if loop.time() - looked > FORGET_EVERY:
                    looked = loop.time()
                    await self.forget_due()
            except FAULTS as error:
                log.error("persons wait for the store: %s", type(error).__name__)
            except Exception as error:  # a fault of ours must not end it; its text may name people
                log.error("the register of persons failed: %s", type(error).__name__)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._conductor.committed.wait()

    # --- reading ------------------------------------------------------------------------

    def of(self, of: str) -> list[PersonRecord]:
        """The list of a conference or template, by point and name."""
        found = [r for r in self._kept.values() if r.of == of and r.name]
        return sorted(found, key=lambda r: (r.point, r.name, r.id))

    def get(self, ident: str) -> PersonRecord | None:
        """A person on a list."""
        record = self._kept.get(ident)
        return record if record is not None and record.name else None

    def holding(self, secret: str) -> PersonRecord | None:
        """The person whose telephone holds a secret."""
        if self._holders is None:
            self._holders = {r.secret: r.id for r in self._kept.values() if r.secret}
        return self.get(self._holders.get(digest_of(secret), ""))

    def linked(self, link: str) -> PersonRecord | None:
        """The person whom a link was made for, used or not."""
        if self._linked is None:
            self._linked = {r.link: r.id for r in self._kept.values() if r.link}
        return self.get(self._linked.get(digest_of(link), ""))

    def named(self, of: str, persons: Mapping[str, Person]) -> dict[str, Details]:
        """What the ``persons`` of a conference are called: those that are kept, and are called what
        the log has sealed."""
        return {
            record.id: Details(record.name, record.agency, record.position)
            for record in self.of(of)
            if record.id in persons and sealed(record, persons[record.id])
        }

    # --- changes ------------------------------------------------------------------------

    async def add(
        self, of: str, entries: Sequence[Entry], source: str, held: str = ""
    ) -> list[PersonRecord]:
        """Put persons on a list, all or none. Who is on it already, at the same point with the same
        name and agency, is changed. ``held`` is the digest of what the telephone of a new one
        holds. Raises `PersonError`, `NotSaved`."""
        async with self._changing:
            there = {(r.point, r.name, r.agency): r for r in self.of(of)}
            new: dict[tuple[str, str, str], PersonRecord] = {}
            for entry in entries:
                name, agency, position = entry.details
                key = (entry.point, name, agency)
                before = there.get(key)
                if before is not None and (before.position, before.weight) == (
                    position,
                    entry.weight,
                ):
                    new[key] = before
                    continue
                new[key] = PersonRecord(
                    id=before.id if before is not None else secrets.token_hex(8),
                    of=of,
                    point=entry.point,
                    name=name,
                    agency=agency,
                    position=position,
                    weight=entry.weight,
                    salt=secrets.token_hex(16),
                    source=before.source if before is not None else source,
                    at=self._conductor.now(),
                    secret=before.secret if before is not None else held,
                )
            if len(there.keys() | new.keys()) > MAX_PERSONS:
                raise PersonError("refusal.too_many_persons", most=str(MAX_PERSONS))
            await self._save([r for key, r in new.items() if there.get(key) != r])
        await self.settle_all(of)
        return list(new.values())

    async def change(self, ident: str, entry: Entry) -> PersonRecord:
        """Change the entry of a delegate on its list. Raises `PersonError`, `NotSaved`."""
        name, agency, position = entry.details
        [record] = await self._revise(
            [ident],
            lambda now: replace(
                now,
                point=entry.point,
                name=name,
                agency=agency,
                position=position,
                weight=entry.weight,
                salt=secrets.token_hex(16),
            ),
        )
        return record

    async def give_links(self, links: Mapping[str, str], until: float) -> None:
        """Keep new ``links`` of persons (by id), good until then (UTC seconds); what their
        telephones hold is good no longer. Raises `PersonError`, `NotSaved`."""
        await self._revise(
            list(links),
            lambda now: replace(now, link=digest_of(links[now.id]), link_until=until, secret=""),
        )

    async def hold(self, linked: PersonRecord, held: str) -> PersonRecord:
        """Keep the digest of what the telephone holds that uses a person's link. Raises
        `PersonError` where another telephone or another link came first, `NotSaved`."""

        def revised(now: PersonRecord) -> PersonRecord:
            if now.link != linked.link or now.secret not in ("", held):
                raise PersonError("delegate.link_used")
            return replace(now, secret=held)

        [record] = await self._revise([linked.id], revised)
        return record

    async def _revise(
        self, idents: Sequence[str], revised: Callable[[PersonRecord], PersonRecord]
    ) -> list[PersonRecord]:
        """Change persons, all or none, as they are when it is their turn: what a telephone and an
        operator change at once is both kept. Raises `PersonError` where one is on no list any
        more, `NotSaved`."""
        async with self._changing:
            before = [self._listed(ident) for ident in idents]
            records = [revised(record) for record in before]
            await self._save([r for r, was in zip(records, before, strict=True) if r != was])
        for of in {record.of for record in records}:
            await self.settle_all(of)
        return records

    def _listed(self, ident: str) -> PersonRecord:
        record = self.get(ident)
        if record is None:
            raise PersonError("refusal.unknown_person", id=ident)
        return record

    async def remove(self, record: PersonRecord) -> None:
        """Take a person off its list; nothing is left of what it was called. Raises `NotSaved`."""
        async with self._changing:
            await self._save([_blank(record)])
        await self.settle_all(record.of)

    async def _save(self, records: Sequence[PersonRecord]) -> None:
        if records:
            await self._records.save(records)
            self._kept.update({record.id: record for record in records})
            self._changed()

    def _changed(self) -> None:
        self._changes += 1
        self._holders = self._linked = None

    # --- conferences --------------------------------------------------------------------

    async def settle_all(self, of: str) -> None:
        """Tell the conferences that have a list of a change of it. Raises `NotSaved`."""
        for state in self._conductor.running():
            if of in (state.booking.id, state.booking.template):
                await self.settle(state.booking.id)

    async def settle(self, conference: str) -> None:
        """Tell a running conference who is on its list, where that is news: the table is what is
        true, and a kill in between loses nothing. Raises `NotSaved`."""
        async with self._changing:
            state = self._conductor.states.get(conference)
            if state is None or state.phase == "ended":
                self._settled.pop(conference, None)
                return
            known = self._settled.get(conference)
            if known is not None and known[0] == self._changes and known[1] is state.persons:
                return  # every commit asks, and names change rarely
            await self._copy(state)
            wanted = {
                r.id: Person(point=r.point, weight=r.weight, seal=seal(r))
                for r in self.of(conference)
                if r.point in state.seats
            }
            news = {
                ident: person
                for ident, person in wanted.items()
                if ident not in state.persons
                or replace(state.persons[ident], present=False) != person
            }
            gone = tuple(ident for ident in state.persons if ident not in wanted)
            for told in (
                *((c.UnlistPersons(persons=gone),) if gone else ()),
                *((c.ListPersons(persons=news),) if news else ()),
            ):
                result = await self._conductor.submit(conference, told, SYSTEM)
                if not isinstance(result, Done):
                    log.error("a list of persons was refused: %s", result.key)
            if not news and not gone:
                self._settled[conference] = (self._changes, state.persons)

    async def _copy(self, state: State) -> None:
        """Persons of the template become persons of the conference: what is changed there later
        does not change what was. Their ids follow from both, so that each comes once."""
        missing = []
        for r in self.of(state.booking.template) if state.booking.template else ():
            copied = hashlib.sha256(f"{state.booking.id}\n{r.id}".encode()).hexdigest()[:16]
            if copied not in self._kept and r.point in state.seats:
                kept = replace(r, id=copied, of=state.booking.id, source="template")
                missing.append(replace(kept, salt=secrets.token_hex(16), secret="", link=""))
        await self._save(missing)

    # --- forgetting ---------------------------------------------------------------------

    async def forget_due(self) -> None:
        """Remove the names of conferences whose time is over. Raises `NotSaved`."""
        if self._traces:
            self._traces = not await self._records.settle()
        days = self._keep_days()
        for of in {record.of for record in self._kept.values()}:
            ended = await self._over_since(of)
            if ended is not None and ended + days * DAY <= self._conductor.now():
                await self.forget(of, days, "system")

    async def _over_since(self, of: str) -> float | None:
        """When the last thing happened in a conference that is over; None: it is not, or it is a
        template."""
        if of in self._conductor.states:
            return None
        if of not in self._last:
            last = await self._records.last_event(of)
            if last is None:
                return None
            self._last[of] = last
        return self._last[of]

    async def forget(self, of: str, days: int, actor: str) -> int:
        """Remove what the persons of a conference that is over are called; how many they were. The
        log says that it was done. Raises `NotSaved`."""
        async with self._changing:
            gone = [record.id for record in self._kept.values() if record.of == of]
            if not gone:
                return 0
            # The word of it first: what is noted twice harms nobody, what was removed unsaid does.
            count = sum(1 for ident in gone if self._kept[ident].name)
            await self._stream.add(PersonsForgotten(of=of, persons=count, days=days), actor)
            self._traces = True
            await self._records.erase(gone)
            for ident in gone:
                del self._kept[ident]
            self._changed()
            self._traces = not await self._records.settle()
        log.info("%d persons of %s are forgotten", count, of)
        if actor == "system":
            await self._audit("persons forget", of, "done")
        return count


def _blank(record: PersonRecord) -> PersonRecord:
    """What stays of a person who was taken off a list: that a template's copy was here."""
    return replace(
        record,
        name="",
        agency="",
        position="",
        salt="",
        secret="",
        link="",
        link_until=0.0,
    )


def digest_of(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def sealed(record: PersonRecord, person: Person | None) -> bool:
    """Whether a person is called what the log has sealed; where the log does not know the person,
    there is nothing to say otherwise."""
    return person is None or person.seal == seal(record)
