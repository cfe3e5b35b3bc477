"""A briefing of twelve points with seven items, two open votes and a secret one, in the middle of
each of which a room drops and the control process is killed: the same counts as without."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.model import SYSTEM, Actor
from bridge.conference.proceedings import proceedings
from bridge.conference.report import report
from bridge.conference.vote_commands import OpenVote
from bridge.conference.voting import Vote, VoteResult
from bridge.control.draft import Done
from bridge.proof.ballots import of_votes
from bridge.reports.minutes.drafting import Setting, draft
from bridge.reports.minutes.sheet import Paragraph
from config.minutes_schema import Minutes
from tests.conference.test_ballot_signature import ballot
from tests.control_support import LAN, Bridge
from tests.waiting import eventually

ITEMS = tuple(c.AgendaEntry(title=f"Nội dung {number}") for number in range(1, 8))
VOTES = {
    3: OpenVote(title="Thông qua kế hoạch", majority="two_thirds"),
    5: OpenVote(title="Bầu tổ trưởng", kind="choice", options=("A", "B", "C"), secret=True),
    6: OpenVote(title="Chọn phương án", kind="choice", options=("A", "B", "C")),
}
CHOICES = {"approval": ("for", "against", "abstain"), "choice": ("1", "2", "3")}


class Meeting:
    """A conference run over a store. Where it is ``disturbed`` the control process does not live
    through a vote, and neither does the line of a room."""

    def __init__(self, folder: Path, *, disturbed: bool) -> None:
        self._folder, self._disturbed = folder, disturbed
        self.bridge = Bridge(folder)
        self.conference = ""

    async def run(self) -> list[e.Recorded]:
        """The whole meeting; returns its log."""
        await self.bridge.start(inventory=None)
        self.conference = await self.bridge.open()
        for point in self._points:
            await self._do(c.PointUp(point=point), SYSTEM)
        await self._do(c.SetAgenda(items=ITEMS))
        for number in range(1, len(ITEMS) + 1):
            await self._do(c.NextItem(number=number))
            if number in VOTES:
                await self._vote(VOTES[number])
        await self._do(c.End())
        log = await self.bridge.process.events.read(self.conference)
        await self.bridge.stop()
        return log

    @property
    def _points(self) -> tuple[str, ...]:
        return self.bridge.state(self.conference).points

    async def _do(self, command: c.Command, actor: Actor = LAN) -> None:
        await self.bridge.do(self.conference, command, actor)

    async def _vote(self, command: OpenVote) -> None:
        await self._do(command)
        points = self._points
        for index, point in enumerate(points[:-1]):  # one never votes
            vote = self.bridge.state(self.conference).votes[-1]
            choice = CHOICES[vote.kind][0 if index % 4 else index % 3]
            await self._cast(vote, point, choice)
            if self._disturbed and index == len(points) // 2:
                await self._disturb(vote, point, choice)
        await self._do(c.RemindVoters())
        await self._do(c.CloseVote())
        if command.secret:
            counting = asyncio.create_task(self.bridge.control.secret_votes.run())
            await eventually(lambda: self.bridge.state(self.conference).votes[-1].stage == "closed")
            counting.cancel()
            await asyncio.gather(counting, return_exceptions=True)

    async def _cast(self, vote: Vote, point: str, choice: str) -> None:
        actor = Actor(kind="point", name=point)
        if vote.secret:
            plain = c.CastBallot(number=vote.number, choice=choice, point=point)
            done = await self.bridge.control.secret_votes.cast(self.conference, plain, actor)
            assert isinstance(done, Done) or done.key == "refusal.voted_secretly"
            return
        signed = ballot(vote, point, choice, conference=self.conference)
        done = await self.bridge.conductor.submit(self.conference, signed, actor)
        assert isinstance(done, Done)

    async def _disturb(self, vote: Vote, point: str, choice: str) -> None:
        """The room drops, the process is killed, and the room sends its ballot again."""
        await self._do(c.PointDown(point=point, reason="lost"), SYSTEM)
        await self.bridge.stop()
        self.bridge = Bridge(self._folder)
        await self.bridge.start(inventory=None)
        await self._do(c.PointUp(point=point), SYSTEM)
        await self._cast(vote, point, choice)


def results(log: list[e.Recorded]) -> list[VoteResult | None]:
    return [vote.result for vote in report(log, log[-1].at).votes]


def ballots(log: list[e.Recorded]) -> list[tuple[str, str]]:
    return [(i.event.voter, i.event.choice) for i in log if isinstance(i.event, e.BallotCast)]


def minuted(log: list[e.Recorded]) -> list[str]:
    """What the minutes say of votes."""
    setting = Setting(Minutes(), "Huyện", {}, "vi", "Asia/Ho_Chi_Minh")
    told = draft(proceedings(log, log[-1].at), setting)
    said = [block.text for block in told.blocks if isinstance(block, Paragraph)]
    return [text for text in said if text.startswith(("Biểu quyết", "Phiếu", "Đã bỏ phiếu"))]


async def test_a_kill_and_a_lost_line_in_each_vote_change_no_count(tmp_path: Path) -> None:
    calm = await Meeting(tmp_path / "calm", disturbed=False).run()
    stormy = await Meeting(tmp_path / "stormy", disturbed=True).run()
    assert results(stormy) == results(calm)
    assert [r.voted for r in results(calm) if r is not None] == [11, 11, 11]
    assert ballots(stormy) == ballots(calm), "none lost, none twice"
    assert len(minuted(calm)) == 7
    assert minuted(stormy) == minuted(calm)
    for log in (calm, stormy):
        found = [finding.state for finding in of_votes(log)]
        assert found == ["proved", "proved", "open", "proved", "proved"], "a secret one cannot be"
