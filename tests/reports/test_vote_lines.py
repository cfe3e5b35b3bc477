"""Votes in reports and minutes, in both languages."""

from __future__ import annotations

import pytest

from bridge.conference import commands as c
from bridge.conference.report import report
from bridge.reports.vote_lines import vote_lines
from tests.conference.support import live, point
from tests.conference.test_ballot_signature import ballot
from tests.conference.test_proceedings import meeting
from tests.reports.test_minutes import NAMES, sheet, words

EXPECTED = {
    "vi": [
        (
            "Biểu quyết 1: Kế hoạch",
            "ĐƯỢC THÔNG QUA; Tán thành: 2, Không tán thành: 0, Không có ý kiến: 0; "
            "2/2 điểm cầu biểu quyết",
        ),
        ("Phiếu của từng điểm cầu", "Hội trường UBND huyện: Tán thành; Xã Khoan Dụ: Tán thành"),
        ("Phiếu không có chữ ký", "Xã Khoan Dụ"),
        (
            "Biểu quyết 2: Phương án",
            "KHÔNG ĐỦ TỶ LỆ THAM GIA (0/4); A: 0, <b>: 0; 0/4 điểm cầu biểu quyết",
        ),
        ("Biểu quyết 3: x", "Biểu quyết đã bị hủy, không tính phiếu."),
    ],
    "en": [
        ("Vote 1: Kế hoạch", "CARRIED; For: 2, Against: 0, Abstention: 0; 2/2 points voted"),
        ("Ballots of the points", "Hội trường UBND huyện: For; Xã Khoan Dụ: For"),
        ("Ballots without a signature", "Xã Khoan Dụ"),
        ("Vote 2: Phương án", "NO QUORUM (0/4); A: 0, <b>: 0; 0/4 points voted"),
        ("Vote 3: x", "The vote was cancelled; no ballot counts."),
    ],
}


@pytest.mark.parametrize("language", ["vi", "en"])
def test_votes_in_words(language: str) -> None:
    run = live()
    run.ok(c.OpenVote(title="Kế hoạch", points=("a", "b")))
    run.ok(ballot(run.state.votes[0], "a", "for"), point("a"))
    run.ok(c.CastBallot(number=1, choice="for", point="b"), point("b"))
    run.ok(c.CloseVote())
    run.ok(c.OpenVote(title="Phương án", kind="choice", options=("A", "<b>")))
    run.ok(c.CloseVote())
    run.ok(c.OpenVote(title="x"))
    run.ok(c.CancelVote())
    votes = report(run.log, run.now).votes
    assert vote_lines(language, votes, NAMES) == EXPECTED[language]


def test_votes_stand_in_the_minutes() -> None:
    run = meeting()
    assert "Biểu quyết" not in words(sheet(run))
    run.ok(c.OpenVote(title="Kế hoạch"))
    run.ok(c.CloseVote())
    assert "Biểu quyết\nBiểu quyết 1: Kế hoạch: KHÔNG ĐỦ" in words(sheet(run))
