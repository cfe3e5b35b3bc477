"""What a room signs when it votes, and whether a signature is right (Ed25519, RFC 8032).

The text names conference, vote, voter and choice, so that a ballot of another vote, of another
point or of an earlier moment cannot be put in its place.
"""

from __future__ import annotations

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bridge.conference.voting import Ballot, Vote


def ballot_text(conference: str, vote: Vote, voter: str, choice: str, number: int) -> bytes:
    """The text of a ballot, **ballot 1**: UTF-8, a line each, each ended by a line feed. ``number``
    counts the voter's ballots in that vote. The words of an option stand there, too."""
    option = ""
    if vote.kind == "choice" and choice in vote.choices:
        option = f"option: {vote.options[int(choice) - 1]}\n"
    return (
        f"diem-cau ballot 1\nconference: {conference}\nvote: {vote.number}\ntitle: {vote.title}\n"
        f"voter: {voter}\nballot: {number}\nchoice: {choice}\n{option}"
    ).encode()


def public_octets(key: str) -> bytes:
    """A public key (Base64 of its 32 octets). Raises ValueError for what is none."""
    try:
        octets = base64.b64decode(key, validate=True)
        Ed25519PublicKey.from_public_bytes(octets)
    except ValueError:
        raise ValueError("this is no Ed25519 key") from None
    return octets


def signed(text: bytes, key: str, signature: str) -> bool:
    """Whether ``signature`` is one of ``key`` over ``text``; both are Base64."""
    try:
        public = Ed25519PublicKey.from_public_bytes(public_octets(key))
        public.verify(base64.b64decode(signature, validate=True), text)
    except (InvalidSignature, ValueError):
        return False
    return True


def ballot_signed(conference: str, vote: Vote, voter: str, ballot: Ballot) -> bool:
    """Whether a ballot of the log is signed by the key that stands beside it."""
    text = ballot_text(conference, vote, voter, ballot.choice, ballot.number)
    return signed(text, ballot.key, ballot.signature)
