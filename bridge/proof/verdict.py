"""What is proved of a log and what is not, as findings that a person can read. Pure."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Literal, NamedTuple

from bridge.base.i18n import Sentence, sentence
from bridge.proof.chain import Walked
from bridge.proof.signing_key import VerifyingKey
from bridge.proof.statements import Head, head_text, moment

State = Literal["proved", "false", "open"]


class Finding(NamedTuple):
    """Something that was looked at: it is ``proved``, it is ``false``, or it stays ``open``."""

    state: State
    said: Sentence


class Signed(NamedTuple):
    """A head and its signature; ``by`` is the fingerprint of the key that is said to have made
    it."""

    head: Head
    signature: bytes
    by: str


def finding(state: State, key: str, **arguments: str | int | Sentence) -> Finding:
    """A finding of the sentence ``key``."""
    words = {n: v if isinstance(v, Sentence) else str(v) for n, v in arguments.items()}
    return Finding(state, sentence(key, **words))


def worst(findings: Sequence[Finding]) -> State:
    """What is to be said of all of them together; of nothing, that it stays open."""
    states = {found.state for found in findings}
    if "false" in states:
        return "false"
    return "open" if "open" in states or not states else "proved"


def of_chain(name: str, walked: Walked) -> Finding:
    """Whether a chain holds; ``name`` is the conference's."""
    if not walked.fault:
        return finding("proved", "proof.chain_whole", name=name, events=walked.events)
    key = "proof.chain_gap" if walked.fault == "number" else "proof.chain_broken"
    return finding("false", key, name=name, event=walked.events + 1)


def of_head(
    walked: Walked, signed: Signed | None, key: VerifyingKey | None, *, ended: bool
) -> list[Finding]:
    """Whether the log is the one whose head was signed. ``key`` is the one to check with; None:
    nobody has it here."""
    if signed is None:
        return [finding("open", "proof.head_missing" if ended else "proof.head_not_yet")]
    head = signed.head
    found: list[Finding] = []
    if key is None or key.fingerprint != signed.by:
        found.append(finding("open", "proof.key_missing", fingerprint=signed.by))
    elif not key.signed(head_text(head), signed.signature):
        return [finding("false", "proof.head_false", fingerprint=signed.by)]
    if (walked.events, walked.head) != (head.events, head.head):
        found.append(
            finding("false", "proof.head_differs", signed=head.events, events=walked.events)
        )
        return found
    if not found:
        found.append(
            finding("proved", "proof.head_signed", at=moment(head.signed), fingerprint=signed.by)
        )
    if head.since > 1:
        found.append(finding("open", "proof.late", events=min(head.since - 1, head.events)))
    return found


def signature_of(text: str) -> bytes:
    """A signature in Base64; b"" where it is none, which then is false."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""
