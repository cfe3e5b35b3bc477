"""A whole briefing over a store: twelve rooms that have joined, seven items, nine papers, two open
votes and a secret one, run by the control process's own code in simulated time.

In the middle of each item, paper and vote a room's line may break and the control process may be
killed. Whoever was not answered asks the next process again, as pages, rooms and people do.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar
from unittest.mock import patch

from aiohttp.test_utils import TestClient, TestServer
from msgspec.structs import replace

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.model import SYSTEM, Actor
from bridge.conference.proceedings import proceedings
from bridge.conference.state_machine import due
from bridge.conference.vote_commands import OpenVote
from bridge.conference.voting import Vote
from bridge.control.draft import Done
from bridge.media import messages as m
from bridge.papers.kept_papers import KeptPaper
from bridge.papers.visibility import Rules
from bridge.reports.minutes.drafting import Setting, draft
from bridge.reports.minutes.sheet import Sheet
from bridge.store.log import EventLog
from config.minutes_schema import Minutes
from tests.conference.test_ballot_signature import ballot
from tests.control.test_reconciler import holding
from tests.control_support import INVENTORY, LAN, TOPOLOGY, Bridge
from tests.papers.support import pdf
from tests.waiting import eventually

T = TypeVar("T")
Moment = Literal["before", "after"]

ROOMS = tuple(str(point.id) for point in TOPOLOGY.points)
SPEAKER = "an-binh"  # whose line breaks while it has the floor
ITEMS = tuple(
    c.AgendaEntry(title=f"Nội dung {number}", point=point, minutes=minutes)
    for number, (point, minutes) in enumerate(
        (
            ("hoi-truong", 2),
            ("chi-ne", 1),
            (None, None),
            (SPEAKER, 3),
            ("yen-bong", 5),
            (None, 1),
        ),
        1,
    )
)
LATE_ITEM = c.AddItem(title="Nội dung 7", point="khoan-du", minutes=2)
PAPERS = {1: 1, 2: 2, 3: 1, 4: 1, 5: 1, 6: 1, 7: 2}
"""How many papers belong to an item."""
VOTES = {
    3: OpenVote(title="Thông qua kế hoạch", majority="two_thirds"),
    5: OpenVote(title="Bầu tổ trưởng", kind="choice", options=("A", "B", "C"), secret=True),
    6: OpenVote(title="Chọn phương án", kind="choice", options=("A", "B", "C")),
}
CHOICES = {"approval": ("for", "against", "abstain"), "choice": ("1", "2", "3")}


class Told(NamedTuple):
    """What a briefing leaves: the logs of conference and papers, the minutes, and whether the chain
    of its log holds."""

    log: list[e.Recorded]
    papers: list[e.Recorded]
    minutes: Sheet
    head: e.HeadSigned
    fault: str
    deaths: int


@contextlib.contextmanager
def deadly(events: EventLog, moment: Moment) -> Iterator[asyncio.Event]:
    """The process that writes this log does not live through its next transaction: it stands still
    for good ``before`` or ``after`` it. The event says that it does."""
    died = asyncio.Event()
    real = events.append

    async def append(*args: Any, **named: Any) -> None:
        if moment == "after":
            await real(*args, **named)
        died.set()
        await asyncio.Event().wait()

    with patch.object(events, "append", append):
        yield died


class Briefing:
    """One briefing. With ``drops`` lines of rooms break, with ``kills`` control processes die. What
    breaks when is drawn with ``seed``, and is the same with and without."""

    def __init__(
        self, folder: Path, seed: int, *, drops: bool = False, kills: bool = False
    ) -> None:
        self._folder, self._drops, self._kills = folder, drops, kills
        self._chance = random.Random(seed)
        self.bridge = Bridge(folder)
        self.conference = ""
        self._tokens: dict[str, str] = {}
        self._away: set[str] = set()
        self._deaths = self._asked = self._shown = 0

    async def run(self) -> Told:
        await self._begin()
        for number in range(1, 8):
            await self._item(number)
        await self._do(c.End())
        return await self._end()

    # --- the process and its end --------------------------------------------------------------

    async def _restart(self) -> None:
        """Another process over the same folder, and the worker, which noticed nothing, tells it
        what it holds. Nothing of the process before was told to end: its tasks stop where they
        stand, and its connections are closed as the kernel closes them."""
        before = self.bridge
        await before.stop()
        self._deaths += 1
        self.bridge = Bridge(self._folder, at=before.wall)
        self.bridge.sent.extend(before.sent)
        await self.bridge.start(inventory=None)
        self.bridge.control.reconciler.on_event(self._held())
        self.bridge.process.papers.settle()
        await self.bridge.settle()

    def _held(self) -> m.Inventory:
        """What the worker holds: all that was opened and not closed."""
        closed = {item.transport for item in self.bridge.sent if isinstance(item, m.Close)}
        held = [
            replace(state, state="vanished" if state.transport in self._away else "connected")
            for state in holding(self.bridge).transports
            if state.transport not in closed
        ]
        return replace(INVENTORY, transports=tuple(held))

    async def _through(
        self, ask: Callable[[], Awaitable[T]], moment: Moment, *, dies: bool = True
    ) -> T:
        """Ask, and ask again where the process died of it."""
        if not (self._kills and dies):
            return await ask()
        with deadly(self.bridge.process.events, moment) as died:
            asking = asyncio.ensure_future(ask())
            await eventually(lambda: died.is_set() or asking.done())
            assert died.is_set(), "nothing was to be written"
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        await self._restart()
        return await ask()

    async def _pass(self, seconds: int) -> None:
        """Time passes, and what is due happens now. The conductor's own look at its clock comes
        some time later, or never where its process is dead by then: it must find nothing."""
        self.bridge.pass_time(seconds)
        state = None
        while state is not self.bridge.state(self.conference):
            state = self.bridge.state(self.conference)
            if (due(state) or math.inf) <= self.bridge.conductor.now():
                await self.bridge.conductor.submit(self.conference, c.Tick(), SYSTEM)

    # --- commands -----------------------------------------------------------------------------

    async def _do(self, command: c.Command, actor: Actor = LAN, dies: Moment | None = None) -> None:
        """A command with an idempotency key, as pages send it; ``dies``: when the process does."""
        self._asked += 1
        key = f"k{self._asked}"

        async def ask() -> None:
            done = await self.bridge.conductor.submit(self.conference, command, actor, key)
            assert isinstance(done, Done), (command, done)

        await self._through(ask, dies or "before", dies=dies is not None)

    def _moment(self) -> Moment:
        return self._chance.choice(("before", "after"))

    # --- rooms --------------------------------------------------------------------------------

    async def _vanish(self, room: str) -> None:
        if self._drops:
            session = self.bridge.control.sessions.of_point(room)
            assert session is not None
            self._away.add(session.transport)
            self._state(session.transport, "vanished")
            await self.bridge.settle()

    async def _come_back(self, room: str) -> None:
        """By itself, where the process has its transport still; else by a new offer."""
        if not self._drops:
            return
        self._away.clear()
        session = self.bridge.control.sessions.of_point(room)
        assert session is not None
        if session.transport:
            self._state(session.transport, "connected")
        else:
            async with TestClient(TestServer(self.bridge.http.app)) as self.bridge.client:
                assert (await self.bridge.offer(self._tokens[room])).status == 201
            self.bridge.up()
        await self.bridge.settle()

    def _state(self, transport: str, state: Any) -> None:
        told = m.StateChanged(transport=transport, state=state)
        self.bridge.control.reconciler.on_event(told)

    # --- the briefing -------------------------------------------------------------------------

    async def _begin(self) -> None:
        """The trial session: rooms join, papers are brought, the agenda is written."""
        await self.bridge.start()
        for number in (1, 2):
            await self._bring(number, "giao-ban")
        self.conference = await self.bridge.open(start=False)
        async with TestClient(TestServer(self.bridge.http.app)) as self.bridge.client:
            self._tokens = await self.bridge.join(*ROOMS)
        for number in range(3, 10):
            await self._bring(number, self.conference)
        await self._do(c.SetAgenda(items=ITEMS))
        await self._pass(60)
        await self._do(c.Start())

    async def _bring(self, number: int, of: str) -> None:
        """Bring a paper. Who gets no answer looks whether it is there before bringing it again."""

        async def pieces() -> AsyncIterator[bytes]:
            yield pdf(3 + number)

        async def ask() -> KeptPaper:
            library, title = self.bridge.process.papers, f"Tài liệu {number}.pdf"
            there = [kept for kept in library.catalogue.kept.values() if kept.facts.title == title]
            if there:
                return there[0]
            rules = Rules(points=("hoi-truong", "chi-ne") if number == 4 else ())
            return await library.take(
                pieces(), None, of=of, name=title, rules=rules, actor="user:lan"
            )

        await self._through(ask, "before" if number % 2 else "after", dies=number in (5, 8))
        await self.bridge.settle()

    async def _item(self, number: int) -> None:
        await self._do(c.NextItem(), dies=self._moment() if number % 2 else None)
        await self._pass(20)
        if number == 2:
            await self._do(LATE_ITEM)
            await self._reorder()
        noted = c.NoteDecision(text=f"Kết luận về nội dung {number}")
        room = self._chance.choice(ROOMS) if number != 4 else SPEAKER
        await self._middle(lambda: self._do(noted, dies=self._moment()), room)
        for _ in range(PAPERS[number]):
            await self._paper()
        if number in VOTES:
            await self._vote(VOTES[number])
        await self._pass(50)

    async def _reorder(self) -> None:
        """Two items change places, and change back: numbers stay with their items."""
        there = [
            c.AgendaEntry(number=i.number, title=i.title, point=i.point, minutes=i.minutes)
            for i in self.bridge.state(self.conference).agenda
        ]
        for order in ((0, 1, 2, 3, 5, 4, 6), range(7)):
            await self._do(c.SetAgenda(items=tuple(there[place] for place in order)))

    async def _middle(self, ask: Callable[[], Awaitable[None]], room: str) -> None:
        """A room's line breaks, something is asked of a process that does not live through it, and
        the room comes back."""
        await self._vanish(room)
        await self._pass(7)
        await ask()
        await self._pass(11)
        await self._come_back(room)
        await self._pass(3)

    async def _paper(self) -> None:
        """The next paper, three pages of it."""
        paper = list(self.bridge.state(self.conference).papers)[self._shown]
        self._shown += 1
        await self._do(c.ShowPage(paper=paper, page=1))
        await self._pass(5)
        turn = c.ShowPage(page=2, zoom=1.5, x=0.25, y=0.75)
        room = self._chance.choice(ROOMS)
        await self._middle(lambda: self._do(turn, dies=self._moment()), room)
        showing = self.bridge.state(self.conference).showing
        assert showing is not None
        assert (showing.paper, showing.page, showing.zoom) == (paper, 2, 1.5), "who is late sees it"
        speaker = Actor(kind="point", name="hoi-truong")
        await self._do(c.ShowPage(page=3, point="hoi-truong"), speaker)
        await self._pass(5)
        await self._do(c.PutAway())

    async def _vote(self, command: OpenVote) -> None:
        await self._do(command)
        half = self._chance.randrange(3, 8)
        for index, room in enumerate(ROOMS[:-1]):  # one never votes
            vote = self.bridge.state(self.conference).votes[-1]
            choice = CHOICES[vote.kind][0 if index % 4 else index % 3]
            dies = self._moment()
            cast = functools.partial(self._cast, vote, room, choice)
            await self._through(cast, dies, dies=index == half)
            if index == half:  # its line breaks, too, and it sends its ballot once more
                await self._middle(lambda: self._do(c.RemindVoters()), room)
                await cast()
        await self._do(c.CloseVote(), dies=self._moment())
        if command.secret:
            await self._through(self._count, self._moment())

    async def _cast(self, vote: Vote, room: str, choice: str) -> None:
        actor = Actor(kind="point", name=room)
        if vote.secret:
            plain = c.CastBallot(number=vote.number, choice=choice, point=room)
            done = await self.bridge.control.secret_votes.cast(self.conference, plain, actor)
            assert isinstance(done, Done) or done.key == "refusal.voted_secretly"
            return
        signed = ballot(vote, room, choice, conference=self.conference)
        done = await self.bridge.conductor.submit(self.conference, signed, actor)
        assert isinstance(done, Done)

    async def _count(self) -> None:
        """Until the vote is counted, and nothing is left of its ballots."""
        boxes = self._folder / "secret-votes"
        counting = asyncio.create_task(self.bridge.control.secret_votes.run())
        try:
            await eventually(lambda: self.bridge.state(self.conference).votes[-1].stage == "closed")
            await eventually(lambda: not any(boxes.iterdir()))
        finally:
            counting.cancel()
            await asyncio.gather(counting, return_exceptions=True)

    # --- what it leaves -----------------------------------------------------------------------

    async def _end(self) -> Told:
        process = self.bridge.process
        await process.heads.sign()
        log = await process.events.read(self.conference)
        head = process.heads.heads[self.conference]
        setting = Setting(Minutes(), "Huyện", {}, "vi", "Asia/Ho_Chi_Minh")
        told = Told(
            log,
            await process.events.read("papers"),
            draft(proceedings(log, log[-1].at), setting, replace(head, key="")),
            replace(head, key="", signature=""),
            (await process.heads.walked(self.conference)).fault,
            self._deaths,
        )
        await self.bridge.stop()
        return told
