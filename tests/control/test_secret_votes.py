"""Secret votes: who has voted is known, what never is; a kill at any moment neither loses nor
doubles a ballot, and after the close nothing that is stored opens one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.model import Actor, Refusal
from bridge.conference.voting import Vote
from bridge.control.ballot_box import PADDED, BallotBox
from bridge.control.draft import Done, Result
from bridge.control.secret_votes import SecretVotes
from bridge.store.leading.term import Term
from tests.control_support import Bridge
from tests.waiting import eventually

OPTIONS = ("Phương án Hồng", "Phương án Tím")
SECRET = c.OpenVote(title="Bầu tổ trưởng", kind="choice", options=OPTIONS, secret=True, quorum=0)
ROOMS = ("khoan-du", "chi-ne", "an-binh", "hung-thi")


class Voting:
    """A secret vote over a store, whose process can be killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bridge = Bridge(folder)
        self.conference = ""

    @property
    def boxes(self) -> Path:
        return self.folder / "secret-votes"

    @property
    def votes(self) -> SecretVotes:
        return self.bridge.control.secret_votes

    @property
    def vote(self) -> Vote:
        return self.bridge.state(self.conference).votes[-1]

    @property
    def box(self) -> BallotBox:
        return BallotBox(self.boxes, f"{self.conference}.{self.vote.number}")

    async def begin(self) -> None:
        await self.bridge.start(inventory=None)
        self.conference = await self.bridge.open()
        await self.bridge.do(self.conference, SECRET)

    async def kill(self) -> None:
        """End without a word, and begin again from what the disk has."""
        await self.bridge.stop()
        self.bridge = Bridge(self.folder)
        await self.bridge.start(inventory=None)

    async def cast(self, room: str, choice: str) -> Result:
        ballot = c.CastBallot(number=self.vote.number, choice=choice, point=room)
        actor = Actor(kind="point", name=room)
        return await self.votes.cast(self.conference, ballot, actor)

    async def counted(self) -> Vote:
        """Close the vote and wait until it is counted and its box is gone."""
        await self.bridge.do(self.conference, c.CloseVote())
        counting = asyncio.create_task(self.votes.run())
        await eventually(lambda: self.vote.stage in ("closed", "cancelled"))
        await eventually(lambda: not any(self.boxes.iterdir()))
        counting.cancel()
        await asyncio.gather(counting, return_exceptions=True)
        return self.vote


@contextlib.asynccontextmanager
async def voting(folder: Path) -> AsyncIterator[Voting]:
    meeting = Voting(folder)
    await meeting.begin()
    try:
        yield meeting
    finally:
        await meeting.bridge.stop()


async def test_only_the_count_is_ever_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with voting(tmp_path) as meeting:
        choices = ("2", "1", "2", "2")
        for room, choice in zip(ROOMS, choices, strict=True):
            assert isinstance(await meeting.cast(room, choice), Done)
            stored = meeting.box.read()
            assert stored is not None
            assert stored.pending == {}, "no ballot stands beside its voter's name"
        before = meeting.vote
        assert before.secretly == ROOMS
        assert (before.ballots, before.result) == ({}, None)
        vote = await meeting.counted()
        assert vote.result is not None
        assert vote.result.counts == {"1": 1, "2": 3}
        assert vote.result.chosen == ("2",)
        log = await meeting.bridge.process.events.read(meeting.conference)
        told = [item for item in log if isinstance(item.event, e.SecretBallotCast)]
        assert {tuple(item.event.__struct_fields__) for item in told} == {("number", "voter")}
        assert not [item for item in log if isinstance(item.event, e.BallotCast)]
        # The most talkative log has all that was ever written to the database, too.
        assert "secret_ballot_cast" in caplog.text
        assert not any(word in caplog.text for word in ('"choice":', "pending", "counts={"))
    # Whatever the database still has of the moment in which each voted.
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("*.sqlite3*"))
    assert kept
    assert b"secret_ballot_cast" in kept
    assert b'"choice":' not in kept
    assert not any(meeting.boxes.iterdir())


@pytest.mark.parametrize("when", ["before the log", "after the log", "settled"])
async def test_a_kill_neither_loses_nor_doubles_a_ballot(tmp_path: Path, when: str) -> None:
    async with voting(tmp_path) as meeting:
        await meeting.cast(ROOMS[0], "1")
        room = ROOMS[1]
        if when == "settled":
            await meeting.cast(room, "2")
        else:
            meeting.box.put(room, "2")
            if when == "after the log":
                told = c.CastSecretly(number=1, point=room)
                await meeting.bridge.conductor.submit(
                    meeting.conference, told, Actor(kind="system")
                )
        await meeting.kill()
        again = await meeting.cast(room, "2")  # the room has no answer, and sends it once more
        if when == "before the log":
            assert isinstance(again, Done)
        else:
            assert again == Refusal(key="refusal.voted_secretly")
        vote = await meeting.counted()
        assert vote.result is not None
        assert vote.result.counts == {"1": 1, "2": 1}


async def test_a_process_that_is_killed_after_the_close_counts_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with voting(tmp_path) as meeting:
        await meeting.cast(ROOMS[0], "1")
        await meeting.bridge.do(meeting.conference, c.CloseVote())
        assert meeting.vote.stage == "counting"
        await meeting.kill()
        counting = asyncio.create_task(meeting.votes.run())
        await eventually(lambda: meeting.vote.stage == "closed")
        await eventually(lambda: not any(meeting.boxes.iterdir()))
        counting.cancel()
        await asyncio.gather(counting, return_exceptions=True)
        assert meeting.vote.result is not None
        assert meeting.vote.result.counts == {"1": 1, "2": 0}


async def test_what_is_no_secret_ballot_is_refused_and_not_kept(tmp_path: Path) -> None:
    async with voting(tmp_path) as meeting:
        await meeting.cast(ROOMS[0], "1")
        assert await meeting.cast(ROOMS[0], "2") == Refusal(key="refusal.voted_secretly")
        refused = await meeting.cast(ROOMS[1], "3")
        assert isinstance(refused, Refusal)
        assert refused.key == "refusal.unknown_choice"
        other = c.CastBallot(number=1, choice="1", point=ROOMS[1])
        assert await meeting.votes.cast(
            meeting.conference, other, Actor(kind="point", name=ROOMS[2])
        ) == Refusal(key="refusal.not_allowed")
        plain = await meeting.bridge.conductor.submit(
            meeting.conference, other, Actor(kind="point", name=ROOMS[1])
        )
        assert plain == Refusal(key="refusal.secret_ballot")
        vote = await meeting.counted()
        assert vote.result is not None
        assert vote.result.counts == {"1": 1, "2": 0}
        late = await meeting.cast(ROOMS[1], "1")
        assert isinstance(late, Refusal)
        assert late.key == "refusal.vote_over"
        assert not any(meeting.boxes.iterdir())


@pytest.mark.parametrize("loss", ["box", "key"])
async def test_a_vote_whose_ballots_are_lost_has_no_result(tmp_path: Path, loss: str) -> None:
    async with voting(tmp_path) as meeting:
        await meeting.cast(ROOMS[0], "1")
        next(meeting.boxes.glob(f"*.{loss}")).unlink()
        vote = await meeting.counted()
        assert (vote.stage, vote.result) == ("cancelled", None)


def test_a_box_says_nothing_without_its_key(tmp_path: Path) -> None:
    """Not even by its size, and its key is written over before it is deleted."""
    box = BallotBox(tmp_path, "hop-1.1")
    sizes = set()
    for number in range(20):
        box.put(f"room-{number}", str(number % 3))
        box.settle([f"room-{number}"])
        sizes.add((tmp_path / "hop-1.1.box").stat().st_size)
    assert len(sizes) == 1
    assert sizes.pop() > PADDED
    sealed, key = (tmp_path / "hop-1.1.box").read_bytes(), tmp_path / "hop-1.1.key"
    assert b"room" not in sealed
    assert key.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "hop-1.1.box").stat().st_mode & 0o777 == 0o600
    beside = tmp_path / "another-name-of-the-same-file"
    beside.hardlink_to(key)
    box.destroy()
    assert beside.read_bytes() == bytes(32)
    assert box.read() is None
    box.destroy()


@pytest.mark.parametrize("logged", [False, True])
async def test_after_another_host_led_no_earlier_ballot_counts(
    tmp_path: Path, logged: bool
) -> None:
    """A ballot that lay here without the log knowing of it must not stand for one that its voter
    has cast since; and where somebody has voted elsewhere the vote is held again."""
    voting = Voting(tmp_path)
    await voting.begin()
    if logged:
        await voting.cast("khoan-du", "1")
    else:
        voting.boxes.mkdir(exist_ok=True)
        voting.box.put("khoan-du", "1")
    await voting.kill()
    term = Term(2, 1.0, lambda: True, taken_over=True)
    counting = asyncio.create_task(voting.votes.run(term))
    try:
        await eventually(lambda: not any(voting.boxes.iterdir()))
        if logged:
            await eventually(lambda: voting.vote.stage == "cancelled")
        else:
            assert isinstance(await voting.cast("khoan-du", "2"), Done)
            await voting.bridge.do(voting.conference, c.CloseVote())
            await eventually(lambda: voting.vote.stage == "closed")
            assert voting.vote.result is not None
            assert voting.vote.result.counts == {"1": 0, "2": 1}
    finally:
        counting.cancel()
        await asyncio.gather(counting, return_exceptions=True)
        await voting.bridge.stop()
