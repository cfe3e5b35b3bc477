"""How the workers are that serve viewers, in words, with the next step where one is away. Pure."""

from __future__ import annotations

import msgspec

from bridge.base.i18n import Sentence, sentence
from bridge.control.relay_dial import Trouble

POINTS = "0"  # the worker of the points
FULL = 0.9  # of a worker's room: time to add another one


class AudienceWorker(msgspec.Struct, frozen=True, kw_only=True):
    """A worker that serves viewers: ``id`` "0" is that of the points, a number one of this machine,
    a name a machine (``remote``). It has been there, or away, since ``since`` (UTC seconds).
    ``conferences`` come to it, ``next`` is what to do."""

    id: str
    name: Sentence
    remote: bool
    ready: bool
    since: float
    viewers: int
    room: int
    conferences: int
    next: Sentence | None = None


def worker_health(
    ident: str,
    *,
    remote: bool,
    ready: bool,
    since: float,
    viewers: int,
    room: int,
    conferences: int,
    port: int,
    trouble: Trouble = "",
) -> AudienceWorker:
    """What is said of a worker; ``port`` is where it listens: UDP, or TCP where it is
    ``remote``."""
    kind = "points" if ident == POINTS else "machine" if remote else "here"
    return AudienceWorker(
        id=ident,
        name=sentence(f"serving.{kind}", id=ident),
        remote=remote,
        ready=ready,
        since=since,
        viewers=viewers,
        room=room,
        conferences=conferences,
        next=_next(ident, kind, port, trouble, ready=ready, full=viewers >= FULL * room),
    )


def _next(
    ident: str, kind: str, port: int, trouble: Trouble, *, ready: bool, full: bool
) -> Sentence | None:
    if ready:
        return sentence("serving.next_full") if full else None
    key = f"serving.next_{kind}"
    if kind == "machine" and trouble:
        key = f"{key}_{trouble}"
    return sentence(key, id=ident, port=str(port))
