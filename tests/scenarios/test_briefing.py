"""A whole briefing, in the middle of each of whose items, papers and votes a room's line breaks and
the control process is killed: the same log, the same counts, the same minutes.

A kill adds nothing at all to the log: it is compared event by event, with times, and so is the hash
of its end. A line that breaks adds that the room left and that it joined again.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.conference import events as e
from bridge.conference.report import report
from bridge.conference.voting import VoteResult
from bridge.papers.page_pictures import PagePictures
from bridge.proof.ballots import of_votes
from tests.scenarios.briefing import Briefing, Told

PLACES = 7 + 9 + 3  # items, papers and votes, in the middle of each of which something happens
SEED = 16


@pytest.fixture(autouse=True)
def no_pictures(worked_here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at pages here, and none is drawn."""
    monkeypatch.setattr(PagePictures, "prepare", lambda *_: None)


def results(told: Told) -> list[VoteResult | None]:
    return [vote.result for vote in report(told.log, told.log[-1].at).votes]


def ballots(told: Told) -> list[tuple[str, str]]:
    return [(i.event.voter, i.event.choice) for i in told.log if isinstance(i.event, e.BallotCast)]


def without_lines(told: Told) -> list[e.Recorded]:
    """The log without what broken lines add, numbered anew. How long somebody had the floor has
    the time without a line left out, so it is left out here."""
    added = (e.PointLeft, e.PointJoined)
    start = next(n for n, item in enumerate(told.log) if isinstance(item.event, e.Started))
    kept = [*told.log[:start], *(i for i in told.log[start:] if not isinstance(i.event, added))]
    return [
        replace(
            item,
            seq=number,
            event=replace(item.event, seconds=0.0)
            if isinstance(item.event, e.FloorEnded)
            else item.event,
        )
        for number, item in enumerate(kept, 1)
    ]


async def test_neither_kills_nor_broken_lines_change_what_is_believed_later(tmp_path: Path) -> None:
    calm = await Briefing(tmp_path / "calm", SEED).run()
    broken = await Briefing(tmp_path / "broken", SEED, drops=True).run()
    killed = await Briefing(tmp_path / "killed", SEED, drops=True, kills=True).run()
    assert (calm.deaths, broken.deaths) == (0, 0)
    assert killed.deaths >= PLACES

    # What a kill adds: nothing.
    assert killed.log == broken.log
    assert killed.papers == broken.papers
    assert killed.head == broken.head
    assert killed.minutes == broken.minutes

    # What a broken line adds: that a room left, and came back.
    assert without_lines(broken) == without_lines(calm)
    left = [item for item in broken.log if isinstance(item.event, e.PointLeft)]
    assert len(left) == PLACES
    assert broken.papers == calm.papers
    assert ballots(broken) == ballots(calm), "none lost, none twice"
    assert results(broken) == results(calm)
    assert [r.voted for r in results(calm) if r is not None] == [11, 11, 11]
    assert [found.state for found in of_votes(killed.log)] == [
        "proved",
        "proved",
        "open",  # nobody can count a secret vote again
        "proved",
        "proved",
    ]
    before, after = calm.minutes.blocks, broken.minutes.blocks
    changed = [block for block in before if block not in after]
    told = [block for block in after if block not in before]
    assert len(changed) == 3, "attendance, the turn of who was away, the end of the log"
    assert len(told) == len(changed) + 1 + PLACES, "and a heading, and each line that broke"
    assert all(found.fault == "" for found in (calm, broken, killed)), "the chain holds"
