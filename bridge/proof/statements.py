"""What an installation signs: short texts that anybody can read, and check with `openssl`. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

from bridge.conference import events as e

_HEAD = re.compile(
    r"diem-cau head 1\n"
    r"conference: (?P<conference>[!-~]{1,200})\n"
    r"events: (?P<events>[0-9]{1,18})\n"
    r"head: (?P<head>[0-9a-f]{64})\n"
    r"chained-when-written-from: (?P<since>[0-9]{1,18})\n"
    r"signed: (?P<signed>[0-9TZ:-]{20})\n"
)


class Head(NamedTuple):
    """The end of a conference's chain: how many ``events`` there are and the hash of the last.
    Those from number ``since`` on were chained when they were written, earlier ones when a version
    that chains came. It was signed at ``signed`` (UTC seconds, whole)."""

    conference: str
    events: int
    head: str
    since: int
    signed: int


def head_of(event: e.HeadSigned) -> Head:
    """The head that an event of the log says was signed."""
    return Head(event.of, event.events, event.head, event.since, event.signed)


def moment(at: float) -> str:
    """UTC seconds as ISO 8601, to the second."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def head_text(head: Head) -> bytes:
    """The text that is signed when a conference has ended."""
    return (
        f"diem-cau head 1\nconference: {head.conference}\nevents: {head.events}\n"
        f"head: {head.head}\nchained-when-written-from: {head.since}\n"
        f"signed: {moment(head.signed)}\n"
    ).encode()


def read_head(text: bytes) -> Head:
    """What such a text says. Raises ValueError with a sentence for what is none."""
    try:
        found = _HEAD.fullmatch(text.decode("ascii"))
        if found is not None:
            signed = datetime.strptime(found["signed"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
            return Head(
                found["conference"],
                int(found["events"]),
                found["head"],
                int(found["since"]),
                int(signed.timestamp()),
            )
    except ValueError:
        pass
    raise ValueError("This is no head of a log.")


def backup_text(rows: int, sha256: str) -> bytes:
    """The text that is signed when a backup has been written: its rows and their checksum."""
    return f"diem-cau backup 1\nrows: {rows}\nsha256: {sha256}\n".encode()
