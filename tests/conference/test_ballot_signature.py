"""Signed ballots: what is signed, and that a signature is good for nothing else."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.conference import commands as c
from bridge.conference.ballot_signature import ballot_signed, ballot_text, public_octets
from bridge.conference.voting import Vote
from tests.conference.support import live, point

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))


def public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def ballot(
    vote: Vote,
    name: str,
    choice: str,
    nth: int = 1,
    key: Ed25519PrivateKey = KEY,
    conference: str = "hop-1",
) -> c.CastBallot:
    """A ballot as a room signs it."""
    signature = key.sign(ballot_text(conference, vote, name, choice, nth))
    return c.CastBallot(
        number=vote.number,
        choice=choice,
        point=name,
        ballot=nth,
        key=public(key),
        signature=base64.b64encode(signature).decode(),
    )


def test_the_text_of_a_ballot_is_what_the_room_page_signs() -> None:
    """tests/web/cases/vote.test.js has the same two texts."""
    vote = Vote(number=3, title="Kế hoạch", weights={}, opened_at=0.0)
    assert ballot_text("hop-1", vote, "khoan-du", "for", 2).decode() == (
        "diem-cau ballot 1\nconference: hop-1\nvote: 3\ntitle: Kế hoạch\nvoter: khoan-du\n"
        "ballot: 2\nchoice: for\n"
    )
    choice = Vote(
        number=3, title="x", kind="choice", options=("A", "Bế"), weights={}, opened_at=0.0
    )
    assert ballot_text("hop-1", choice, "khoan-du", "2", 1).decode() == (
        "diem-cau ballot 1\nconference: hop-1\nvote: 3\ntitle: x\nvoter: khoan-du\n"
        "ballot: 1\nchoice: 2\noption: Bế\n"
    )


def test_a_signed_ballot_stands_in_the_log_with_its_signature() -> None:
    run = live()
    run.ok(c.OpenVote(title="x", signed=True))
    vote = run.state.votes[0]
    run.ok(ballot(vote, "b", "for"), point("b"))
    assert run.ok(ballot(vote, "b", "for"), point("b")) == (), "sent twice"
    run.ok(ballot(vote, "b", "against", 2), point("b"))
    kept = run.state.votes[0].ballots["b"]
    assert ballot_signed("hop-1", vote, "b", kept)
    assert run.refused(c.CastBallot(number=1, choice="for", point="c"), point("c")) == (
        "refusal.ballot_unsigned"
    )


def test_a_signature_is_good_for_one_ballot_only() -> None:
    run = live()
    run.ok(c.OpenVote(title="x"))
    first = run.state.votes[0]
    for_first = ballot(first, "b", "for")
    run.ok(c.CloseVote())
    run.ok(c.OpenVote(title="x"))
    second = run.state.votes[1]
    good = ballot(second, "b", "for")
    key, signature = good.key, good.signature
    wrong = [
        c.CastBallot(  # of another vote
            number=2, choice="for", point="b", key=good.key, signature=for_first.signature
        ),
        c.CastBallot(number=2, choice="against", point="b", key=key, signature=signature),
        c.CastBallot(
            number=2, choice="for", point="b", key=public(OTHER), signature=good.signature
        ),
        ballot(second, "b", "for", conference="hop-2"),
        ballot(second, "b", "for", 2),
        c.CastBallot(number=2, choice="for", point="b", key=good.key),
        c.CastBallot(number=2, choice="for", point="b", signature=good.signature),
        c.CastBallot(number=2, choice="for", point="b", key="AAAA", signature="===="),
    ]
    for command in wrong:
        again = c.CastBallot(
            number=2,
            choice=command.choice,
            point="b",
            key=command.key,
            signature=command.signature,
        )
        assert run.refused(again, point("b")) == "refusal.ballot_signature"
    other = c.CastBallot(number=2, choice="for", point="c", key=good.key, signature=good.signature)
    assert run.refused(other, point("c")) == "refusal.ballot_signature"
    run.ok(good, point("b"))


@pytest.mark.parametrize("key", ["", "AAAA", "=", "á", "A" * 44])
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(ValueError, match="no Ed25519 key"):
        public_octets(key)
