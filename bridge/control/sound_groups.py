"""Who hears whom where no conference decides it: an operator speaks to a room alone, a self-test.
Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from bridge.media import messages as m

TALK = "talk:"  # before the transport, in the name of a group of one that is spoken to


class PrivateLine(NamedTuple):
    """Transports of an operator's console and of the room that it speaks to; ``others`` are more of
    the room while it moves: its voice comes by them as well."""

    console: str
    room: str
    others: tuple[str, ...] = ()


def with_private_lines(
    groups: Mapping[str, m.SetAudio], lines: Iterable[PrivateLine], here: Collection[str]
) -> dict[str, m.SetAudio]:
    """The room hears the operator beside what it heard before, and the operator hears the room
    alone; neither is heard by anybody else. Their groups come last, so that the worker takes them
    out of the others first. ``here`` are the transports of this worker: lines of others are left
    out, but for the voice of a room that moves here."""
    changed = dict(groups)
    for line in lines:
        changed = {ident: _silent(group, line.others) for ident, group in changed.items()}
        if line.room not in here or line.console not in here:
            continue
        own = m.SourceRef(transport=line.room, name="microphone")
        voice = m.SourceRef(transport=line.console, name="microphone")
        before = next((g for g in changed.values() if line.room in g.members), None)
        others: tuple[m.SourceRef, ...] = before.allowed if before is not None else ()
        floor: tuple[m.SourceRef, ...] = before.floor if before is not None else ()
        changed = {ident: _without(group, line) for ident, group in changed.items()}
        changed[f"{TALK}{line.room}"] = m.SetAudio(
            group=f"{TALK}{line.room}",
            members=(line.room,),
            allowed=(voice, *_not_from((line.room,), others)),
            floor=(voice, *_not_from((line.room,), floor)),
        )
        changed[f"{TALK}{line.console}"] = m.SetAudio(
            group=f"{TALK}{line.console}", members=(line.console,), allowed=(own,), floor=(own,)
        )
    return changed


def echo_of(transport: str, session: str) -> m.SetAudio:
    """A self-test: its own voice comes back through the bridge."""
    own = (m.SourceRef(transport=transport, name="microphone"),)
    return m.SetAudio(
        group=f"echo:{session[:24]}", members=(transport,), allowed=own, floor=own, echo=True
    )


def _without(group: m.SetAudio, line: PrivateLine) -> m.SetAudio:
    """A group that hears the room no more, and of which neither is. A film that the operator plays
    goes on."""
    joined = (line.console, line.room)
    members = tuple(member for member in group.members if member not in joined)
    return replace(_silent(group, (line.room,)), members=members)


def _silent(group: m.SetAudio, transports: Collection[str]) -> m.SetAudio:
    """A group that hears nothing of some transports."""
    return replace(
        group,
        allowed=_not_from(transports, group.allowed),
        floor=_not_from(transports, group.floor),
    )


def _not_from(
    transports: Collection[str], sources: tuple[m.SourceRef, ...]
) -> tuple[m.SourceRef, ...]:
    return tuple(source for source in sources if source.transport not in transports)
